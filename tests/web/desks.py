"""Statuses to show, said in few words."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec

from schemas.interface import Reject
from services.standing import AccountStanding, Standing
from services.status import SourceStatus, Status, Totals
from services.web.app import Desk
from services.web.guard import known_hosts
from tests.services.builders import NOW


def a_source(stream: str = "mail", items: int = 1_937, account: str = "files") -> SourceStatus:
    return SourceStatus(
        source=f"{account}:{stream}",
        account=account,
        stream=stream,
        items=items,
        newest_at=NOW - timedelta(hours=30),
        read_at=NOW - timedelta(minutes=90),
    )


def a_status(**changes: Any) -> Status:
    status = Status(
        at=NOW,
        owner="Mara Lindholm",
        email="mara@example.com",
        timezone="Europe/Berlin",
        sources=[a_source("linkedin/2026-05-03", 57), a_source("calendar", 1), a_source()],
        totals=Totals(117, 9, 31, 2_081, 1_363, 712, 574, 12, 30),
        followups={"open": 24, "satisfied": 11, "done": 4, "snoozed": 2},
        rejected=0,
        rejects=[],
        lag=0,
        told_at=NOW,
        read_at=NOW,
        next_digest=NOW + timedelta(days=6, hours=21, minutes=30),
        is_in_sync=True,
    )
    return msgspec.structs.replace(status, **changes)


def a_reject(
    where: str = "/home/mara/Takeout/All mail.mbox, message 41", reason: str = "no usable date"
) -> Reject:
    return Reject("/home/mara/Takeout", where, reason)


def an_account(one: str, kind: str, standing: Standing, reason: str | None) -> AccountStanding:
    """An account that was read an hour ago, for the last time or the next to last."""
    read_at = NOW - timedelta(hours=1)
    return AccountStanding(
        one, "mara@example.com", kind, standing, reason, read_at, None, None, None, 0, True, 0, 0
    )


def a_desk(statuses: Sequence[Status], troubles: Sequence[str] = ()) -> Desk:
    return Desk(
        statuses=lambda: statuses,
        troubles=lambda: troubles,
        hosts=known_hosts("https://kith.example.com/mara"),
    )

"""How an account stands is told from what happened at it, and silence is told from standing still."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from services.accounts import Account, Feed
from services.standing import standing_of
from tests.services.builders import NOW

ACCOUNT = Account(1, "imap-1", "imap", "mara@example.com", "active", "", {}, NOW - timedelta(days=90))
FEED = Feed(
    owner=1,
    account="imap-1",
    connector="imap",
    next_at=NOW,
    tried_at=NOW,
    ok_at=NOW,
    failures=0,
    failed_at=None,
    reason="",
    is_complete=True,
    done=0,
    total=0,
    oldest_at=NOW - timedelta(days=700),
    newest_at=NOW - timedelta(hours=8),
    remote_at=NOW - timedelta(hours=8),
    checked_at=NOW,
)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


@pytest.mark.parametrize(
    ("account", "feed", "stands"),
    [
        ({}, {}, "well"),
        ({}, {"is_complete": False}, "reading"),
        ({}, {"failures": 2, "failed_at": NOW - hours(0.5), "reason": "down"}, "well"),
        ({}, {"failures": 3, "failed_at": NOW - hours(0.1), "reason": "down"}, "failing"),
        ({}, {"failures": 1, "failed_at": NOW - hours(2), "reason": "down"}, "failing"),
        ({}, {"newest_at": NOW - hours(40), "remote_at": NOW - hours(8)}, "silent"),
        ({}, {"newest_at": None, "remote_at": NOW - hours(8)}, "silent"),
        ({}, {"newest_at": NOW - hours(10), "remote_at": NOW - hours(8)}, "well"),
        ({}, {"newest_at": NOW - hours(40), "remote_at": NOW - hours(1)}, "well"),
        ({}, {"newest_at": NOW - hours(40), "remote_at": NOW - hours(8), "is_complete": False}, "reading"),
        ({}, {"remote_at": None}, "well"),
        ({"state": "paused"}, {"failures": 9}, "paused"),
        ({"state": "reconnect", "reason": "refused"}, {"failures": 9}, "reconnect"),
    ],
)
def test_each_standing(account: dict[str, Any], feed: dict[str, Any], stands: str) -> None:
    """The owner's word first, then a refused sign-in, failures that last, silence, and a reading that goes on."""
    told = standing_of(
        msgspec.structs.replace(ACCOUNT, **account), [msgspec.structs.replace(FEED, **feed)], 3, NOW
    )
    assert told.standing == stands
    assert (told.reason is not None) == (stands in {"failing", "silent", "reconnect"})


def test_an_account_that_is_only_written_to() -> None:
    """A post office has nothing to read, and nothing to be behind with."""
    told = standing_of(ACCOUNT, [], 0, NOW)
    assert (told.standing, told.is_read, told.read_at, told.newest_at) == ("well", False, None, None)


def test_what_alone_could_not_be_read_is_told_though_all_is_well() -> None:
    """One calendar of several: the account stands well, with the reason beside it; a failure that passes is not told."""
    partly = msgspec.structs.replace(FEED, reason="A: it is not there")
    passing = msgspec.structs.replace(FEED, failures=1, failed_at=NOW, reason="down")
    for feeds, reason in (([partly], "A: it is not there"), ([passing], None), ([FEED], None)):
        told = standing_of(ACCOUNT, feeds, 0, NOW)
        assert (told.standing, told.reason) == ("well", reason)

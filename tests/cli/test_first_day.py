"""A new user's shortest way, from `kith init` to the first person and follow-up on screen, at each vendor.

By hand it is the same: `python -m tests.fakes.vendors google` serves what is tried here, and says what to type.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from connectors import connectors
from deploy.clock import SystemSleeper
from schemas.clock import FrozenClock
from tests.cli.runner import NOW, Kith, adds_up
from tests.fakes.network import ADDRESSES, NAME, Network, small_network
from tests.fakes.vendors import MARA, VENDORS, Vendor

KINDS = ("google", "microsoft", "exchange")
ANA = "ana.okafor@northgate.example"


@pytest.fixture(scope="module")
def network() -> Network:
    """What was written and planned in the last weeks."""
    return small_network(datetime.fromisoformat(NOW), days=35)


class Desk:
    """A machine on which nothing of Kith is yet, and a vendor who holds the network."""

    def __init__(self, vendor: Vendor, home: Path) -> None:
        self.vendor = vendor
        settings = {
            **vendor.settings,
            "BROWSER": f"{sys.executable} -m tests.fakes.visitor %s",
            "VISITOR_WHO": MARA,
        }
        self.kith = Kith(home, settings=settings, connectors=connectors())

    def begin(self) -> None:
        """`kith init`, with all addresses."""
        words = [word for one in ADDRESSES for word in ("--email", one)]
        assert self.kith("init", "--name", NAME, *words, "--timezone", "Europe/Berlin").status == 0

    def connect(self, *more: str) -> str:
        """`kith connect`, signed in to; what it said."""
        secret = ("--password-file", "-") if self.vendor.secret else ()
        told = self.kith("connect", *self.vendor.words, *secret, *more, given=self.vendor.secret)
        assert told.status == 0, told
        return told.out + told.err


@contextmanager
def _desk(kind: str, network: Network, folder: Path) -> Iterator[Desk]:
    with VENDORS[kind](network, FrozenClock(datetime.fromisoformat(NOW))) as vendor:
        yield Desk(vendor, folder / kind)
        assert vendor.breaches == []


@pytest.mark.parametrize("kind", KINDS)
def test_from_nothing_to_the_first_follow_up(kind: str, network: Network, tmp_path: Path) -> None:
    """Two commands, and Ana is on screen with what she asked; each thing that a user then looks at says that all is well."""
    with _desk(kind, network, tmp_path) as desk:
        desk.begin()
        told = desk.connect("--tasks")
        assert "Follow-ups are written to Kith." in told
        assert "Next: kith people, kith followups" in told
        assert "Then: kith up, which goes on reading and writes your follow-ups" in told
        kith = desk.kith
        assert "Ana Okafor" in kith("people").out
        shown = kith("show", "Ana Okafor").out
        assert "Director of Patient Experience, Northgate Hospitals" in shown
        waiting = kith("followups").out
        assert "Answer Ana Okafor: Night-care standard, second draft" in waiting
        assert '"Could you look at section 3 before Friday?"' in waiting
        (account,) = kith.json("accounts", shape="accounts")["accounts"]
        assert (account["state"], account["reason"], account["tasks"]) == ("active", None, "Kith")
        assert set(account["reads"]) == {"mail", "calendar", "contacts", "tasks"}
        now = datetime.fromisoformat(NOW)
        status = kith.json("status")
        assert status["is_in_sync"], status
        assert datetime.fromisoformat(status["accounts"][0]["newest_at"]) <= now
        assert status["outbox"] == 5, "what the owner is to see this week waits to be written"
        assert kith("doctor").status == 0
        again = kith.json("sync", shape="sync")
        assert adds_up(again)
        assert [one["added"] + one["changed"] for one in again["sources"]] == [0, 0, 0, 0]


@pytest.mark.parametrize("kind", KINDS)
def test_the_list_fills_as_soon_as_kith_runs(kind: str, network: Network, tmp_path: Path) -> None:
    """What was connected while nothing ran is in the owner's list once `kith up` runs, without any news to begin with."""
    with _desk(kind, network, tmp_path) as desk:
        desk.begin()
        desk.connect("--tasks")
        running = subprocess.Popen(
            desk.kith.words("up", "--port", "0"), env=desk.kith.environment, stdout=subprocess.DEVNULL
        )
        try:
            deadline = monotonic() + 60
            while len(desk.vendor.tasks()) < 5 and monotonic() < deadline:
                assert running.poll() is None
                SystemSleeper().sleep(timedelta(milliseconds=100))
        finally:
            running.terminate()
            running.wait(timeout=30)
        assert "Answer Ana Okafor: Night-care standard, second draft" in desk.vendor.tasks()
        assert len(desk.vendor.tasks()) == 5


def test_vendors_tell_the_same_of_people(network: Network, tmp_path: Path) -> None:
    """Wherever the network lies, everybody is counted alike, and the same is waiting."""
    told: list[dict[str, Any]] = []
    for kind in KINDS:
        with _desk(kind, network, tmp_path) as desk:
            desk.begin()
            desk.connect()
            people = desk.kith.json("people", "--limit", "500")["people"]
            followups = desk.kith.json("followups")["followups"]
            told.append(
                {
                    "people": {one["emails"][0]: (one["counts"], one["status"]) for one in people},
                    "followups": sorted((one["rule"], one["title"]) for one in followups),
                }
            )
    assert told[0]["people"][ANA][0]["received"]
    google, microsoft, exchange = told
    assert google == microsoft
    # Exceptions of series are not laid into Exchange, so that some meetings count there that were cancelled.
    assert exchange["followups"] == google["followups"]

"""The status tells what the book holds, how far it is, and what was set aside."""

from datetime import timedelta

import msgspec

from schemas.clock import FrozenClock, epoch
from schemas.decisions import TagsSet
from schemas.interface import Reject
from services.schedule import Rhythm
from services.status import gathered, status
from services.store import events as stream
from services.store.unit import Store
from tests.services.builders import MARA, NOW, a_book, a_meeting, a_message, an_ask, take
from tests.web.desks import a_source, a_status, an_account

ANA, BEN = "ana@example.org", "ben@example.net"


def test_an_empty_book(store: Store) -> None:
    """Owner and zone, nothing read, nothing behind once it was told."""
    book = a_book(store)
    assert status(store, book.owner, NOW).is_in_sync is False
    book.keep()
    now = status(store, book.owner, NOW)
    assert (now.owner, now.email, now.timezone) == ("Mara Lindholm", MARA, "Europe/Berlin")
    assert (now.sources, now.lag, now.is_in_sync, now.told_at) == ([], 0, True, NOW)
    assert now.next_digest is None


def test_sources_totals_and_followups(store: Store) -> None:
    """Items and newest per source; people and threads; only meetings that are over count, nothing to come is newest."""
    book = a_book(store)
    take(
        book,
        [
            a_message("a1", ANA, days_ago=2, signals=[an_ask()]),
            a_message("m1", MARA, [ANA], days_ago=4),
            a_meeting("past", [BEN], days_ago=5),
            a_meeting("to come", [BEN], days_ago=-5),
        ],
    )
    now = status(store, book.owner, NOW, Rhythm("tuesday", "07:30"))
    (one,) = now.sources
    assert (one.source, one.items, one.newest_at, one.read_at) == (
        "files:items",
        4,
        NOW - timedelta(days=2),
        NOW,
    )
    assert (now.totals.messages, now.totals.meetings, now.totals.interactions) == (2, 1, 4)
    assert (now.totals.people, now.totals.waiting, now.totals.threads) == (2, 0, 2)
    assert (now.totals.awaiting_me, now.followups["open"]) == (1, 2)
    assert now.next_digest == NOW + timedelta(hours=21, minutes=30)


def test_lag_and_rejects(store: Store) -> None:
    """What the book has not taken in is counted; of what was refused the newest twenty are shown."""
    clock = FrozenClock(NOW)
    book = a_book(store, clock)
    book.keep()
    with store.write() as unit:
        for number in range(30):
            refused = Reject("files", f"message {number}", "no usable date")
            stream.add_rejects(unit, book.owner, epoch(NOW) + number, [(number, refused)])
    take(book, [a_message("a1", ANA)])
    book.decide([TagsSet(person=f"email:{ANA}", tags=("lisbon",))] * 3)
    now = status(store, book.owner, NOW)
    assert (now.lag, now.is_in_sync) == (3, False)
    assert (now.rejected, len(now.rejects), now.rejects[0].where) == (30, 20, "message 29")


def test_what_an_account_holds_is_gathered() -> None:
    """Its folders are one, with the newest of them, and empty ones are left out; files stay each by itself."""
    status = a_status(
        accounts=[an_account("m-1", "microsoft", "well", None)],
        sources=[
            a_source("mail/0623b067", 100, "m-1"),
            msgspec.structs.replace(a_source("mail/4f9d9158", 20, "m-1"), newest_at=NOW),
            a_source("tasks", 0, "m-1"),
            a_source("linkedin/2026-05-03", 57),
            a_source("linkedin/2026-11-20", 0),
        ],
    )
    told = [(one.source, one.items, one.newest_at) for one in gathered(status)]
    before = NOW - timedelta(hours=30)
    assert told == [
        ("m-1:mail", 120, NOW),
        ("files:linkedin/2026-05-03", 57, before),
        ("files:linkedin/2026-11-20", 0, before),
    ]

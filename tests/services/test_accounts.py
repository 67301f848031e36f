"""Accounts and how their reading goes: kept alike on both databases, and told to whoever schedules."""

import threading
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.clock import FrozenClock
from schemas.connector import Quota
from schemas.errors import RateLimited, UsageError
from services import accounts
from services.accounts import Account, account_id, backoff
from services.quotas import spend
from services.store import events as stream
from services.store.unit import Store
from services.turns import TurnLost, Turns
from services.vault import Vault
from tests.services.builders import NOW

OWNER = 1
MINUTE = timedelta(minutes=1)


def an_account(user: str = "mara@example.com", *, owner: int = OWNER, kind: str = "imap") -> Account:
    key = account_id(kind, user, "imap.example.com")
    settings = {"user": user, "host": "imap.example.com", "reads": ["mail"]}
    return Account(owner, key, kind, user, "active", "", settings, NOW)


def keep(store: Store, account: Account, connectors: tuple[str, ...] = ("imap",), secret: str = "s") -> None:
    with store.write() as unit:
        accounts.keep_account(unit, account, secret, connectors, NOW)


def test_ids_are_derived() -> None:
    """The same user at the same place has the same id, however spelt; another user, place or kind another."""
    first = account_id("imap", "Mara@Example.com", "IMAP.example.com ")
    assert first == account_id("imap", "mara@example.com", "imap.example.com")
    assert first == "imap-" + first.rpartition("-")[2]
    assert len(first) == len("imap-") + 8
    others = {
        account_id("smtp", "mara@example.com", "imap.example.com"),
        account_id("imap", "jo@example.com", "imap.example.com"),
        account_id("imap", "mara@example.com", "imap.example.org"),
    }
    assert len(others | {first}) == 4
    assert account_id("caldav", "m", "https://dav.example.com/x/") == account_id(
        "caldav", "m", "https://dav.example.com/x"
    )


def test_what_is_kept_is_found_again(store: Store) -> None:
    """Settings and all, by id, by name and by the beginning of the id; another owner's is not found."""
    one, other = an_account(), an_account("jo@example.com")
    keep(store, one)
    keep(store, other)
    keep(store, an_account("ola@example.com", owner=2))
    with store.read() as unit:
        assert {a.id: a for a in accounts.accounts(unit, OWNER)} == {one.id: one, other.id: other}
        assert accounts.find_account(unit, OWNER, one.id) == one
        assert accounts.find_account(unit, OWNER, "JO@example.com") == other
        assert accounts.find_account(unit, OWNER, one.id[:10]) == one
        for asked in ("", "imap", "ola@example.com"):
            with pytest.raises(UsageError, match=one.id):
                accounts.find_account(unit, OWNER, asked)
        with pytest.raises(UsageError, match="kith connect"):
            accounts.find_account(unit, 3, one.id)


def test_connected_again_it_goes_on(store: Store) -> None:
    """Its cursors and what was found out stay; it is active, due at once, and reads what is chosen now."""
    account = an_account()
    keep(store, account, ("imap", "other"))
    with store.write() as unit:
        (feed, _) = accounts.feeds(unit, OWNER, account.id)
        accounts.note_success(unit, feed, NOW, NOW + MINUTE, newest=NOW, is_complete=True)
        accounts.note_failure(unit, feed, NOW, NOW + MINUTE, "refused")
        accounts.set_state(unit, account, "reconnect", "refused")
        stream.set_cursor(unit, OWNER, account.id, "imap", "c1", 0)
        assert accounts.active_feeds(unit) == []
    keep(store, account, ("imap", "third"), "s2")
    with store.read() as unit:
        assert accounts.account_of(unit, OWNER, account.id) == account
        assert accounts.sealed_secret(unit, account) == "s2"
        feeds = accounts.active_feeds(unit)
        assert [one.connector for one in feeds] == ["imap", "third"]
        assert (feeds[0].failures, feeds[0].reason, feeds[0].failed_at) == (0, "", None)
        assert (feeds[0].is_complete, feeds[0].newest_at) == (True, NOW)
        assert stream.cursor_of(unit, OWNER, account.id, "imap") == "c1"


def test_feeds_are_due_when_they_are(store: Store) -> None:
    """Of all owners, the longest due first; of paused accounts never, until they are resumed."""
    mine, other = an_account(), an_account("ola@example.com", owner=2)
    keep(store, mine)
    keep(store, other)
    with store.write() as unit:
        first, second = accounts.active_feeds(unit)
        assert (first.next_at, second.next_at) == (NOW, NOW)
        accounts.note_success(unit, first, NOW, NOW + 5 * MINUTE)
        accounts.note_success(unit, second, NOW, NOW + 3 * MINUTE)
    with store.write() as unit:
        due = accounts.active_feeds(unit)
        assert [one.account for one in due] == [second.account, first.account]
        assert [one.next_at for one in due] == [NOW + 3 * MINUTE, NOW + 5 * MINUTE]
        accounts.set_state(unit, mine, "paused")
        assert [one.owner for one in accounts.active_feeds(unit)] == [2]
        accounts.resume(unit, mine, NOW)
        assert [one.owner for one in accounts.active_feeds(unit)] == [1, 2]


def test_how_a_feed_goes(store: Store) -> None:
    """Failures are counted with the time of the first; a success ends them; oldest and newest only widen."""
    account = an_account()
    keep(store, account)
    with store.write() as unit:
        (feed,) = accounts.feeds(unit, OWNER)
        accounts.note_failure(unit, feed, NOW, NOW + MINUTE, "a")
        accounts.note_failure(unit, feed, NOW + MINUTE, NOW + 2 * MINUTE, "b")
        (feed,) = accounts.feeds(unit, OWNER)
        assert (feed.failures, feed.failed_at, feed.tried_at, feed.reason) == (2, NOW, NOW + MINUTE, "b")
        assert feed.ok_at is None
        accounts.note_success(unit, feed, NOW, NOW, done=5, total=9, oldest=NOW - MINUTE, newest=NOW)
        (feed,) = accounts.feeds(unit, OWNER)
        assert (feed.failures, feed.failed_at, feed.reason, feed.ok_at) == (0, None, "", NOW)
        assert (feed.done, feed.total, feed.is_complete) == (5, 9, False)
        accounts.note_success(unit, feed, NOW, NOW, newest=NOW - MINUTE, is_complete=True)
        (feed,) = accounts.feeds(unit, OWNER)
        accounts.note_success(unit, feed, NOW, NOW)
        accounts.note_remote(unit, feed, NOW + MINUTE, NOW)
        (feed,) = accounts.feeds(unit, OWNER)
        assert (feed.oldest_at, feed.newest_at, feed.is_complete) == (NOW - MINUTE, NOW, True)
        assert (feed.remote_at, feed.checked_at) == (NOW + MINUTE, NOW)


def test_what_is_deleted_is_gone(store: Store) -> None:
    """Secret, feeds, cursors and spending; another account keeps its own."""
    account, other = an_account(), an_account("jo@example.com")
    quota = Quota("requests", 2, MINUTE)
    for one in (account, other):
        keep(store, one)
        spend(store, OWNER, one.id, quota, 2, FrozenClock(NOW))
        with store.write() as unit:
            stream.set_cursor(unit, OWNER, one.id, "imap", "c1", 0)
    with store.write() as unit:
        accounts.delete_account(unit, account)
        assert accounts.accounts(unit, OWNER) == [other]
        assert [one.account for one in accounts.feeds(unit, OWNER)] == [other.id]
        assert accounts.sealed_secret(unit, account) == ""
        assert stream.cursor_of(unit, OWNER, account.id, "imap") is None
        assert stream.cursor_of(unit, OWNER, other.id, "imap") == "c1"
    spend(store, OWNER, account.id, quota, 2, FrozenClock(NOW))
    with pytest.raises(RateLimited):
        spend(store, OWNER, other.id, quota, 1, FrozenClock(NOW))


def test_who_reads_an_account_that_is_interrupted_writes_nothing_more(store: Store) -> None:
    """The turn is lost, at this account alone; what was to be written is not."""
    account, other = an_account(), an_account("jo@example.com")
    keep(store, account)
    keep(store, other)
    turns = Turns(store, FrozenClock(NOW), "reader")

    def read(fenced: Store) -> None:
        with store.write() as unit:
            accounts.interrupt(unit, account)
        with fenced.write() as unit:
            stream.set_cursor(unit, OWNER, "written", "imap", "c1", 0)

    with pytest.raises(TurnLost):
        turns.run(OWNER, read, f"pull {account.id} imap")
    with store.read() as unit:
        assert stream.cursor_of(unit, OWNER, "written", "imap") is None
        assert [one.state for one in accounts.accounts(unit, OWNER) if one.id == account.id] == ["paused"]
    turns.run(OWNER, read, f"pull {other.id} imap")
    with store.read() as unit:
        assert stream.cursor_of(unit, OWNER, "written", "imap") == "c1"


def test_keys_are_changed_and_lost(store: Store) -> None:
    """Everything is sealed anew that any key opens; what none opens waits to be reconnected, with words that say why."""
    first, second = an_account(), an_account("jo@example.com")
    keep(store, first, secret=Vault("old").sealed("one"))
    keep(store, second, secret=Vault("lost").sealed("two"))
    both = Vault("new old")
    with store.write() as unit:
        assert accounts.seal_anew(unit, OWNER, both) == 1
        assert accounts.seal_anew(unit, OWNER, both) == 0
        assert Vault("new").opened(accounts.sealed_secret(unit, first)) == "one"
        states = {one.id: (one.state, one.reason) for one in accounts.accounts(unit, OWNER)}
        assert states[first.id] == ("active", "")
        assert states[second.id][0] == "reconnect"
        assert "connect the account again" in states[second.id][1]
        assert [one.id for one in accounts.note_lost_secrets(unit, OWNER, Vault("lost"))] == [first.id]


@given(st.floats(0, 1))
def test_waiting_grows(chance: float) -> None:
    """From about two seconds to a quarter of an hour, then hourly; chance takes a quarter off at most."""
    waits = [backoff(failures, 0) for failures in range(1, 14)]
    assert waits[:4] == [timedelta(seconds=s) for s in (2, 4, 8, 16)]
    assert waits[9:12] == [timedelta(minutes=15), timedelta(hours=1), timedelta(hours=1)]
    assert all(a <= b for a, b in pairwise(waits))
    for failures in (1, 5, 9, 10, 11, 10_000):
        whole = backoff(failures, 0)
        assert whole * 0.75 == backoff(failures, 1) <= backoff(failures, chance) <= whole
        assert whole <= backoff(failures, 0, others=3) <= timedelta(hours=1)


# --- quotas -----------------------------------------------------------------------------------------------------------


def test_no_stretch_of_time_holds_more_than_the_quota(sqlite_store: Store) -> None:
    """Whoever spends as soon as they may never spends more than is allowed in any period, and is not starved."""
    quota, clock = Quota("requests", 10, 15 * MINUTE), FrozenClock(NOW)
    taken: list[int] = []
    waits: list[timedelta] = []
    began = int(clock.now().timestamp())
    while (at := int(clock.now().timestamp())) < began + 5 * 900:
        try:
            spend(sqlite_store, OWNER, "a", quota, 3, clock)
            taken.extend([at] * 3)
            clock.advance(timedelta(seconds=1))
        except RateLimited as limited:
            waits.append(limited.retry_after)
            clock.advance(limited.retry_after)
    assert all(timedelta() < one <= timedelta(seconds=900 + 75) for one in waits)
    for begin in taken:
        assert sum(begin <= one < begin + 900 for one in taken) <= 10
    assert len(taken) >= 9 * 4


def test_waiting_as_long_as_told_is_enough(sqlite_store: Store) -> None:
    """After exactly `retry_after` the same units are there; a second before they are not."""
    quota, clock = Quota("requests", 5, MINUTE), FrozenClock(NOW)
    spend(sqlite_store, OWNER, "a", quota, 2, clock)
    clock.advance(timedelta(seconds=30))
    spend(sqlite_store, OWNER, "a", quota, 3, clock)
    for units in (1, 3):
        with pytest.raises(RateLimited) as limited:
            spend(sqlite_store, OWNER, "a", quota, units, clock)
        clock.advance(limited.value.retry_after - timedelta(seconds=1))
        with pytest.raises(RateLimited):
            spend(sqlite_store, OWNER, "a", quota, units, clock)
        clock.advance(timedelta(seconds=1))
        spend(sqlite_store, OWNER, "a", quota, units, clock)


def test_more_than_there_is_counts_as_all(sqlite_store: Store) -> None:
    """What alone exceeds the quota passes when all of it is free, and quotas, accounts and owners are apart."""
    quota, clock = Quota("requests", 5, MINUTE), FrozenClock(NOW)
    spend(sqlite_store, OWNER, "a", quota, 50, clock)
    with pytest.raises(RateLimited):
        spend(sqlite_store, OWNER, "a", quota, 1, clock)
    spend(sqlite_store, OWNER, "b", quota, 5, clock)
    spend(sqlite_store, 2, "a", quota, 5, clock)
    spend(sqlite_store, OWNER, "a", Quota("bytes", 5, MINUTE), 5, clock)


def test_a_clock_set_back_locks_nobody_out(sqlite_store: Store) -> None:
    """What was spent under a clock a day ahead does not count once it is right again."""
    quota, clock = Quota("requests", 1, MINUTE), FrozenClock(NOW + timedelta(days=1))
    spend(sqlite_store, OWNER, "a", quota, 1, clock)
    spend(sqlite_store, OWNER, "a", quota, 1, FrozenClock(NOW))


def test_all_spend_from_one_purse(store: Store) -> None:
    """Of sixteen that spend at once, as many succeed as the quota allows."""
    quota, clock = Quota("requests", 20, MINUTE), FrozenClock(NOW)
    outcomes: list[bool] = []

    def run() -> None:
        for _ in range(2):
            try:
                spend(store, OWNER, "a", quota, 1, clock)
                outcomes.append(True)
            except RateLimited:
                outcomes.append(False)

    threads = [threading.Thread(target=run) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (outcomes.count(True), outcomes.count(False)) == (20, 12)

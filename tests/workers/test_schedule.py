"""The schedule: each digest once, whoever looks and however often it starts; books follow the clock by themselves."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from schemas.clock import FrozenClock, epoch
from schemas.decisions import OwnerDeclared
from services.attention import DigestTimes, tending_at
from services.book import Book, decide
from services.schedule import Rhythm
from services.store import events as stream
from services.store.unit import Store
from tests.services.builders import MARA, NOW, a_book, a_meeting, take
from tests.workers.homes import QUEUE, Home
from workers.schedule import Schedule

# NOW is Monday, 23 November 2026, 10:00 in Berlin.
RHYTHM = Rhythm("tuesday", "07:30")
TUESDAY = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)


class Clockwork(Home):
    """A home whose digests settle, with as many schedulers as asked for."""

    def __init__(self, store: Store, clock: FrozenClock, rhythm: Rhythm = RHYTHM) -> None:
        super().__init__(store, clock)
        self.frozen = clock
        self.digests = DigestTimes(store, clock, rhythm)

    def compose_digest(self, owner: int, week: str, /) -> None:
        def work(store: Store) -> None:
            if self.digests.week_due(owner) == week:
                self.composed.append((owner, week))
                self.digests.settle(store, owner)

        self.turns.run(owner, work)

    def scheduler(self) -> Schedule:
        return Schedule(self.store, self.clock, self._owners, self.digests, self.bells)

    def _owners(self) -> list[int]:
        with self.store.read() as unit:
            return [owner for owner, _ in stream.owners(unit)]

    def at(self, when: datetime, *schedulers: Schedule) -> list[str]:
        """The weeks composed when these schedulers look at this instant, all before any job runs."""
        self.frozen.advance(when - self.frozen.now())
        before = len(self.composed)
        for one in schedulers or (self.scheduler(),):
            one.look()
        self.join()
        return [week for _, week in self.composed[before:]]


@pytest.fixture
def home(sqlite_store: Store) -> Iterator[Clockwork]:
    """A home at work on SQLite, with one owner, at NOW."""
    clockwork = Clockwork(sqlite_store, FrozenClock(NOW))
    a_book(sqlite_store, clockwork.frozen).keep()
    with clockwork.working():
        yield clockwork


def test_a_digest_comes_once_a_week(store: Store) -> None:
    """Two schedulers that look every hour for four weeks, and start anew each day, bring four digests."""
    home = Clockwork(store, FrozenClock(NOW))
    a_book(store, home.frozen).keep()
    weeks: list[str] = []
    with home.working():
        for day in range(28):
            one, two = home.scheduler(), home.scheduler()
            for hour in (5, 6, 7, 20):
                when = datetime(2026, 11, 24, hour, 31, tzinfo=UTC) + timedelta(days=day)
                weeks += home.at(when, one, two, one)
    assert weeks == ["2026-W48", "2026-W49", "2026-W50", "2026-W51"]


@pytest.mark.parametrize(("late", "wanted"), [(47, ["2026-W48"]), (49, [])])
def test_downtime_is_caught_up_for_two_days(home: Clockwork, late: int, wanted: list[str]) -> None:
    """A digest that fell due while nothing ran is composed for two days, then passed over; the next one comes."""
    assert home.at(NOW) == []
    assert home.at(TUESDAY + timedelta(hours=late)) == wanted
    assert home.at(TUESDAY + timedelta(hours=late + 1)) == []
    assert home.at(TUESDAY + timedelta(days=7)) == ["2026-W49"]


def test_weeks_of_downtime_bring_one_digest(home: Clockwork) -> None:
    """After two months off, the digest of this week alone."""
    home.at(NOW)
    assert home.at(TUESDAY + timedelta(days=63, hours=3)) == ["2027-W04"]
    assert home.at(TUESDAY + timedelta(days=63, hours=4)) == []


def test_clocks_that_jump_bring_no_second_digest(home: Clockwork) -> None:
    """A day ahead and back, five minutes back: one digest a week."""
    home.at(NOW)
    jumps = (0, -5, 24 * 60, 0, 1, -24 * 60, 2 * 24 * 60, 0)
    weeks = [week for minutes in jumps for week in home.at(TUESDAY + timedelta(minutes=minutes))]
    assert weeks == ["2026-W48"]
    assert home.at(TUESDAY + timedelta(days=7)) == ["2026-W49"]


def test_a_lost_digest_job_is_rung_again(sqlite_store: Store) -> None:
    """A process that ends before its digest is composed leaves it due for the next."""
    clock = FrozenClock(NOW)
    a_book(sqlite_store, clock).keep()
    dead = Clockwork(sqlite_store, clock)
    dead.scheduler().look()
    clock.advance(TUESDAY - NOW)
    dead.scheduler().look()
    assert dead.broker.waiting() == {QUEUE: 2}
    home = Clockwork(sqlite_store, clock)
    with home.working():
        assert home.at(TUESDAY + timedelta(minutes=3)) == ["2026-W48"]


def test_another_zone_takes_effect_before_it_comes_due(home: Clockwork) -> None:
    """The owner moves to New York on Monday evening: the digest comes at 7:30 there, once."""
    home.at(NOW)
    moved = OwnerDeclared(name="Mara Lindholm", emails=(MARA,), timezone="America/New_York")
    decide(home.store, 1, home.frozen, [moved])
    home.bells.keep_owner.send(1)
    home.join()
    assert home.at(NOW + timedelta(hours=9)) == []
    assert home.at(TUESDAY) == []
    assert home.at(datetime(2026, 11, 24, 12, 30, tzinfo=UTC)) == ["2026-W48"]


def test_a_book_is_tended_when_a_meeting_ends(store: Store) -> None:
    """A meeting counts from the moment it is over, by itself; then again at the owner's midnight."""
    clock = FrozenClock(NOW)
    home = Clockwork(store, clock)
    book = a_book(store, clock)
    take(book, [a_meeting("u", ["ana@example.org"], days_ago=-1 / 24)])
    ends_at = NOW + timedelta(hours=2)
    midnight = datetime(2026, 11, 23, 23, 0, tzinfo=UTC)
    scheduler = home.scheduler()
    with home.working():
        assert tending_at(store, book.owner) == ends_at
        home.at(ends_at - timedelta(seconds=1), scheduler)
        assert _told(store, book) == epoch(NOW)
        home.at(ends_at, scheduler)
        assert _told(store, book) == epoch(ends_at)
        assert next(one.counts.meetings for one in book.situation().people.values()) == 1
        assert tending_at(store, book.owner) == midnight
        home.at(midnight, scheduler)
        assert _told(store, book) == epoch(midnight)


def _told(store: Store, book: Book) -> int:
    with store.read() as unit:
        return stream.position(unit, book.owner, stream.HISTORY)[1]


def test_the_scheduler_waits_for_the_next_thing(home: Clockwork) -> None:
    """Until the next due instant, at most half a minute, never less than a second; a clock that stands does not spin."""
    book = a_book(home.store, home.frozen)
    take(book, [a_meeting("u", ["ana@example.org"], days_ago=0, hours=10 / 3600)])
    scheduler = home.scheduler()
    home.at(NOW, scheduler)
    assert scheduler.pause() == timedelta(seconds=10)
    home.at(NOW + timedelta(seconds=10), scheduler)
    scheduler.look()
    assert scheduler.pause() == timedelta(seconds=30)

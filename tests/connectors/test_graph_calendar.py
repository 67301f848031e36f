"""Calendars of Microsoft Graph come whole, once, near ones first; windows move on, and nothing is falsely gone."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

from connectors import ics
from connectors._exchange_uid import uid_of
from connectors._ical import window_end
from connectors.graph_calendar import SPEC, survey
from schemas.connector import Source, Tombstone, Unreadable, Upsert
from schemas.errors import (
    ConnectorError,
    Missing,
    PartlyRead,
    RateLimited,
    ReauthRequired,
    Rejected,
    SuspiciousSnapshot,
    Transient,
)
from schemas.interface import SourceReport
from schemas.records import Meeting, SourceRecord
from services.book import Book
from services.ingest import Ingest
from services.store.unit import Store
from tests.connectors.files import an_access
from tests.connectors.graph_rig import GraphContract, GraphRig, a_rig
from tests.contract.live_source import (
    Mirror,
    live_changes,
)
from tests.fakes.api import Json, no_breaches
from tests.fakes.graph_calendar import OWNER, GraphCalendars, an_attendee, exchange_uid
from tests.fakes.graph_lists import NOW
from tests.seeds import HUNDRED
from tests.services.builders import a_book, exported

DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)


class Rig(GraphRig[GraphCalendars]):
    """Its items are single meetings, named by their subject."""

    spec = SPEC

    def add(self, name: str, /) -> None:
        self._ids[name] = self.fake.add(name, NOW + DAY * len(self._ids))

    def change(self, name: str, /) -> bool:
        self._changes += 1
        self.fake.change(self._ids[name], location={"displayName": f"Room {self._changes}"})
        return True

    def spoil(self) -> bool:
        bad = self.fake.add("bad", NOW)
        self.fake.garble = lambda row: (
            {**row, "start": {"dateTime": "soon", "timeZone": "UTC"}} if row["id"] == bad else row
        )
        return True


@pytest.fixture
def rig() -> Iterator[Rig]:
    """A mailbox with its one calendar."""
    with a_rig(Rig, GraphCalendars(), "https://graph.microsoft.com/Calendars.ReadBasic") as made:
        yield made


class TestGraphCalendar(GraphContract):
    """The promises of every live source."""

    spec = SPEC

    def name_of(self, record: SourceRecord) -> str:
        assert isinstance(record, Meeting)
        return record.summary


class TestGraphCalendarInSmallPages(TestGraphCalendar):
    """The same where a page holds two rows."""

    @pytest.fixture
    def server(self, rig: Rig) -> Any:
        rig.fake.most_rows = 2
        return rig


Told = dict[str, tuple[str, datetime, frozenset[str], frozenset[tuple[str, str, datetime]]]]
"""By the id at Graph: subject and start, the occurrences that there are, and those that differ."""


def told(mirror: Mirror) -> Told:
    """What is held."""
    mains: dict[str, Meeting] = {}
    others: dict[str, set[tuple[str, str, datetime]]] = {}
    assert len({name for _, name in mirror.held}) == len(mirror.held)
    for (_, name), upsert in mirror.held.items():
        record = upsert.record
        assert isinstance(record, Meeting)
        one, _, slot = name.partition("#")
        assert slot == record.recurrence_id
        if slot:
            others.setdefault(one, set()).add((slot, record.summary, record.starts_at))
        else:
            mains[one] = record
    assert others.keys() <= mains.keys()
    return {
        one: (
            record.summary,
            record.starts_at,
            frozenset(each.recurrence_id for each in record.occurrences),
            frozenset(others.get(one, ())),
        )
        for one, record in mains.items()
    }


def there_is(rig: Rig) -> Told:
    """What there is, as far ahead as it is read."""
    until = window_end(rig.clock.now())
    found: Told = {}
    for one, slots in rig.fake.truth().items():
        event = rig.fake.events[one]
        at = rig.fake.utc(event, event.starts)
        kept = frozenset(slot for slot in slots if rig.fake.is_before(event, slot, until))
        differing = frozenset(
            (
                slot,
                str(known.get("subject", event.props["subject"])),
                rig.fake.utc(event, known["at"]) if "at" in known else rig.fake.start_of(event, slot),
            )
            for slot, known in event.exceptions.items()
            if slot in kept
        )
        found[one] = (event.props["subject"], at, kept, differing)
    return found


class TestWhatIsReadFirst:
    """The last weeks and what is ahead come before what is past."""

    def test_near_before_far_before_the_past(self, rig: Rig) -> None:
        """The first page holds the last four weeks and what is ahead; then comes the last year, then what is older."""
        for weeks in (-300, -30, -3, 3, 30):
            rig.fake.add(f"{weeks}", NOW + WEEK * weeks)
        pages = rig.pull()
        summaries = [
            [
                one.record.summary
                for one in page.changes
                if isinstance(one, Upsert) and isinstance(one.record, Meeting)
            ]
            for page in pages
        ]
        assert [sorted(one) for one in summaries if one] == [["-3", "3", "30"], ["-30"], ["-300"]]

    def test_since_leaves_out_what_is_older(self, rig: Rig) -> None:
        """Nothing before the day asked for is read, of series neither; an earlier day brings the rest."""
        rig.fake.add("old", NOW - DAY * 900)
        rig.fake.add("new", NOW - DAY * 3)
        rig.fake.add("series", NOW - DAY * 400, every=WEEK)
        since = (NOW - DAY * 100).date()
        mirror = rig.read(Mirror(), since=since)
        assert sorted(one[0] for one in told(mirror).values()) == ["new", "series"]
        (series,) = [
            one.record
            for one in mirror.held.values()
            if isinstance(one.record, Meeting) and one.record.is_series
        ]
        assert series.occurrences[0].starts_at >= NOW - DAY * 102
        assert told(rig.read(mirror)) == there_is(rig)

    def test_a_series_is_told_from_its_beginning(self, rig: Rig) -> None:
        """A series that began before the window has all its occurrences and exceptions, and those alone."""
        one = rig.fake.add("series", NOW - DAY * 2_500, every=WEEK)
        slots = rig.fake.slots(one)
        rig.fake.differ(one, slots[2], subject="other", start=NOW - DAY * 2_480)
        rig.fake.drop(one, slots[3])
        rig.fake.drop(one, slots[-30])
        assert told(rig.read(Mirror())) == there_is(rig)


class TestWhatItCosts:
    """Requests, as the fake counts them."""

    def test_a_poll_without_change_is_one_request_a_calendar(self, rig: Rig) -> None:
        """Whatever the calendars hold; once an hour the calendars are listed too."""
        rig.fake.add_calendar("Team")
        for number in range(30):
            rig.fake.add(f"{number}", NOW + DAY * number, every=WEEK if number % 3 else None)
        mirror = rig.read(Mirror())
        rig.side.paths()
        for _ in range(3):
            rig.clock.advance(timedelta(minutes=5))
            rig.read(mirror)
            assert len(rig.side.paths()) == 2
        rig.clock.advance(timedelta(hours=1))
        rig.read(mirror)
        assert len(rig.side.paths()) == 3

    def test_a_hundred_changes_cost_as_many(self, rig: Rig) -> None:
        """Changed events come with the list; removed ones and series that began long ago cost one question each, by the batch."""
        singles = [rig.fake.add(f"{number}", NOW + DAY * number) for number in range(200)]
        fresh = [rig.fake.add(f"s{number}", NOW, every=WEEK * 4, count=3) for number in range(120)]
        aged = [
            rig.fake.add(f"a{number}", NOW - DAY * 500, every=WEEK * 8, count=12) for number in range(120)
        ]
        mirror = rig.read(Mirror())
        rig.side.paths()
        for ids, pages, batches in ((singles, 1, 0), (fresh, 2, 0), (aged, 5, 8)):
            for one in ids[:100]:
                rig.fake.change(one, location={"displayName": "Elsewhere"})
            rig.read(mirror)
            asked = rig.side.paths()
            parts = [one for one in asked if "/instances" in one]
            assert asked.count("GET me/calendarView/delta") <= pages
            assert asked.count("POST $batch") <= batches
            assert len(parts) == (100 if ids is aged else 0)
            assert len(asked) == sum(map(asked.count, ("GET me/calendarView/delta", "POST $batch"))) + len(
                parts
            )
        for one in singles[:100]:
            rig.fake.delete(one)
        rig.read(mirror)
        asked = rig.side.paths()
        assert (asked.count("POST $batch"), len(asked)) == (5, 106)
        assert told(mirror) == there_is(rig)

    def test_a_first_reading_costs_its_pages(self, rig: Rig) -> None:
        """A thousand meetings are their pages twice at most, and the few questions of the empty past."""
        for number in range(1_000):
            rig.fake.add(f"{number}", NOW - DAY * 27 + timedelta(hours=number))
        rig.pull()
        assert len(rig.side.paths()) <= 1 + 10 + 10 + 6


class TestWindows:
    """The window moves on by the month."""

    def test_it_rolls_on_by_a_new_round(self, rig: Rig) -> None:
        """In a new month the old link is asked first, then the next window is read whole; what it brings is what is new."""
        rig.fake.add("series", NOW, every=WEEK)
        far = rig.fake.add("far", NOW + DAY * 385)
        rig.fake.add("near", NOW + DAY)
        mirror = rig.read(Mirror())
        assert far not in told(mirror)
        rig.clock.advance(DAY * 10)
        rig.side.paths()
        changes = live_changes(rig.pull(mirror.cursor))
        assert rig.side.paths()[:3] == ["GET me/calendars", *["GET me/calendarView/delta"] * 2]
        assert sorted(
            one.record.summary
            for one in changes
            if isinstance(one, Upsert) and isinstance(one.record, Meeting)
        ) == ["far", "series"]
        assert not any(isinstance(one, Tombstone) for one in changes)
        assert told(rig.read(mirror)) == there_is(rig)

    def test_the_old_link_serves_until_the_new_round_is_over(self, rig: Rig) -> None:
        """A new round that does not come to its end keeps no change from being seen."""
        for number in range(6):
            rig.fake.add(f"{number}", NOW + DAY * number)
        mirror = rig.read(Mirror())
        rig.fake.most_rows = 2
        rig.clock.advance(DAY * 10)
        pages = rig.pages(mirror.cursor)
        mirror.take([next(pages)])
        rig.fake.add("late", NOW)
        pages = rig.pages(mirror.cursor)
        first = next(pages)
        assert [
            one.record.summary
            for one in first.changes
            if isinstance(one, Upsert) and isinstance(one.record, Meeting)
        ] == ["late"]
        mirror.take([first])
        assert told(rig.read(mirror)) == there_is(rig)

    @pytest.mark.parametrize("outside", ["removed", "null"])
    def test_what_leaves_the_window_is_not_gone(self, rig: Rig, outside: Any) -> None:
        """Moved far ahead or far back, an event is as it is now; deleted there, it is gone."""
        rig.fake.outside = outside
        one = rig.fake.add("one", NOW)
        two = rig.fake.add("two", NOW)
        three = rig.fake.add("three", NOW, every=WEEK, count=3)
        slot = rig.fake.slots(three)[1]
        rig.fake.differ(three, slot, subject="differs")
        mirror = rig.read(Mirror())
        rig.fake.move(one, NOW + DAY * 700)
        rig.fake.move(two, NOW - DAY * 700)
        rig.fake.differ(three, slot, start=NOW + DAY * 800)
        assert told(rig.read(mirror)) == there_is(rig)
        assert rig.clock.now() == NOW
        rig.clock.advance(DAY * 31)
        assert told(rig.read(mirror)) == there_is(rig)
        rig.fake.delete(one)
        rig.fake.delete(three)
        assert told(rig.read(mirror)).keys() == {two}

    def test_what_was_outside_and_never_known_is_let_be(self, rig: Rig) -> None:
        """Graph calls removed what changed outside the window; of what nobody knows that says nothing."""
        mirror = rig.read(Mirror())
        rig.fake.add("far", NOW + DAY * 700)
        rig.side.paths()
        assert live_changes(rig.pull(mirror.cursor)) == []
        assert len(rig.side.paths()) == 1

    @pytest.mark.parametrize("seed", range(4))
    def test_many_months(self, rig: Rig, seed: int) -> None:
        """Over a year of windows, with events at their edges, faults and kills, nothing is lost and nothing falsely gone."""
        many_months(rig, seed, 10)

    @pytest.mark.slow
    @pytest.mark.parametrize("seed", range(4, 40))
    def test_many_more_months(self, rig: Rig, seed: int) -> None:
        """The same over three years, again and again."""
        many_months(rig, seed, 36)


def many_months(rig: Rig, seed: int, rounds: int) -> None:
    """Lives through rounds of some weeks each, and compares what is held with what there is after each."""
    chance = random.Random(seed)
    rig.fake.most_rows = chance.choice((3, 10, 200))
    rig.fake.splits_series = seed % 4 == 1
    rig.fake.is_partial = seed % 3 == 1
    rig.fake.repeats = seed % 3 == 2
    rig.fake.outside = "null" if seed % 2 else "removed"
    anchored(rig)
    mirror = Mirror()
    for _ in range(rounds):
        live_a_while(rig, chance)
        if chance.random() < 0.2:
            rig.fake.tokens.expire()
        disturbed(rig, chance, mirror)
        assert told(rig.read(mirror)) == there_is(rig)
        rig.clock.advance(timedelta(days=chance.randint(3, 40), hours=chance.randint(0, 23)))


def anchored(rig: Rig) -> None:
    """Some events that nobody deletes, so that never everything is gone at once."""
    rig.fake.add("anchor", NOW, every=WEEK * 4)
    for number in range(3):
        rig.fake.add(f"anchor {number}", NOW + DAY * 100 * number)


def live_a_while(rig: Rig, chance: random.Random) -> None:
    """What people do to their calendars in some days; at the edges of windows more than elsewhere."""
    now = rig.clock.now()
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    edges = [first, first - DAY * 334, window_end(now) - DAY * 40, window_end(now) - DAY]
    for _ in range(chance.randint(1, 8)):
        around = chance.choice([*edges, now, now]) + timedelta(
            minutes=chance.choice((-90, -60, -30, 0, 30, 60))
        )
        around = max(around, first - DAY * 330)
        known = [
            one
            for one in rig.fake.truth()
            if near(rig, one, now) and not rig.fake.events[one].props["subject"].startswith("anchor")
        ]
        match chance.randint(0, 9):
            case 0 | 1 | 2:
                rig.fake.add(f"m{chance.random()}", chance.choice((around, around.date())))
            case 3:
                every = chance.choice((DAY * 3, WEEK, WEEK * 2))
                rig.fake.add(
                    f"s{chance.random()}",
                    chance.choice((around, around.date())),
                    every=every,
                    count=chance.choice((3, 30, 60)),
                )
            case 4 if known:
                rig.fake.change(chance.choice(known), subject=f"c{chance.random()}")
            case 5 if known:
                rig.fake.delete(chance.choice(known))
            case 6 if known:
                one = chance.choice(known)
                if not rig.fake.events[one].every and not rig.fake.events[one].is_all_day:
                    rig.fake.move(one, around)
            case 7 | 8 | 9:
                series = [one for one in known if rig.fake.events[one].every]
                if series:
                    one = chance.choice(series)
                    slots = [slot for slot in sorted(rig.fake.truth()[one]) if near_slot(slot, now)]
                    if slots:
                        slot = chance.choice(slots)
                        if chance.random() < 0.5:
                            rig.fake.drop(one, slot)
                        else:
                            rig.fake.differ(one, slot, subject=f"e{chance.random()}")


def near(rig: Rig, one: str, now: datetime) -> bool:
    """Whether an event is well within the window of its day."""
    event = rig.fake.events[one]
    at = rig.fake.utc(event, event.starts).replace(tzinfo=UTC)
    return now - DAY * 330 < at < now + DAY * 360 or bool(
        event.every and event.count and at < now and event.every * event.count + at > now - DAY * 300
    )


def near_slot(slot: str, now: datetime) -> bool:
    return (now - DAY * 330).strftime("%Y%m%d") < slot < (now + DAY * 360).strftime("%Y%m%d")


def disturbed(rig: Rig, chance: random.Random, mirror: Mirror) -> None:
    """Some pulls that are killed between pages, or meet a fault."""
    for _ in range(chance.randint(0, 3)):
        pages = rig.pages(mirror.cursor)
        if chance.random() < 0.5:
            for _ in range(chance.randint(1, 4)):
                rig.side.server.faults.order(chance.choice(("500", "cut", "429", "lose_answer")))
        try:
            for number, page in enumerate(pages):
                mirror.take([page])
                if number >= chance.randint(0, 6):
                    break
        except Transient:
            pass
        rig.side.server.faults.mend()


class TestLinksThatEnd:
    """A link that Graph no longer knows costs a list, and changes nothing but what changed."""

    @pytest.mark.parametrize("seed", HUNDRED)
    def test_a_full_resync(self, rig: Rig, seed: int) -> None:
        """After 410 nothing comes twice and nothing is taken away that is there, wherever the pull is broken off."""
        chance = random.Random(seed)
        rig.fake.tokens.ends_with_location = bool(seed % 2)
        rig.fake.most_rows = chance.choice((3, 50))
        anchored(rig)
        live_a_while(rig, chance)
        live_a_while(rig, chance)
        mirror = rig.read(Mirror())
        assert told(mirror) == there_is(rig)
        if chance.random() < 0.7:
            live_a_while(rig, chance)
        rig.fake.tokens.expire()
        before = set(mirror.held)
        disturbed(rig, chance, mirror)
        gone = before - set(mirror.held)
        assert not {name.partition("#")[0] for _, name in gone} & {
            one for one in rig.fake.truth() if not rig.fake.events[one].every
        }
        assert told(rig.read(mirror)) == there_is(rig)
        assert live_changes(rig.pull(mirror.cursor)) == []

    def test_nothing_changed_means_nothing_told(self, rig: Rig) -> None:
        """A full resync of what is as it was tells nothing."""
        rig.fake.add("one", NOW)
        rig.fake.differ(two := rig.fake.add("two", NOW, every=WEEK), rig.fake.slots(two)[1], subject="other")
        mirror = rig.read(Mirror())
        rig.fake.tokens.expire()
        assert live_changes(rig.pull(mirror.cursor)) == []

    def test_a_round_that_begins_again_forgets_what_it_named(self, rig: Rig) -> None:
        """What was named before the link to the next page died, and deleted since, is gone all the same."""
        rig.fake.most_rows = 2
        ids = [rig.fake.add(f"{number}", NOW + DAY * number) for number in range(6)]
        mirror = rig.read(Mirror())
        rig.fake.tokens.expire()
        mirror.take([next(rig.pages(mirror.cursor))])
        rig.fake.delete(ids[0])
        rig.fake.tokens.expire()
        assert told(rig.read(mirror)) == there_is(rig)

    def test_links_of_another_root_are_not_followed(self, rig: Rig) -> None:
        """Where the root of an account has changed the new one alone is asked, and all is compared once."""
        rig.fake.add("one", NOW)
        mirror = rig.read(Mirror())
        rig.side.paths()
        with a_rig(Rig, GraphCalendars(), "Calendars.ReadBasic") as other:
            other.fake.add("one", NOW)
            other.fake.add("two", NOW)
            assert told(other.read(mirror)) == there_is(other)
        assert rig.side.paths() == []

    @pytest.mark.parametrize(("status", "kind"), [(400, Rejected), (410, Transient)])
    def test_a_dead_link_into_the_past_ends_the_pull(
        self, rig: Rig, status: Literal[400, 410], kind: type[ConnectorError]
    ) -> None:
        """Where no further page of the past can be had the next pull goes on with it, and this one comes to its end."""
        rig.fake.most_rows = 2
        for number in range(5):
            rig.fake.add(f"{number}", NOW - DAY * (500 + number))
        rig.fake.forgets_pages = status
        mirror = Mirror()
        for _ in range(2):
            rig.side.paths()
            with pytest.raises(kind):
                rig.read(mirror)
            assert len(rig.side.paths()) < 20
        rig.fake.forgets_pages = 0
        assert told(rig.read(mirror)) == there_is(rig)

    def test_everything_gone_at_once_is_held_back(self, rig: Rig) -> None:
        """A whole list that names nothing of what was there takes nothing away before somebody said so."""
        ids = [rig.fake.add(f"{number}", NOW) for number in range(3)]
        mirror = rig.read(Mirror())
        for one in ids:
            rig.fake.delete(one)
        rig.fake.tokens.expire()
        with pytest.raises(SuspiciousSnapshot, match="--forget"):
            rig.read(mirror)
        assert len(mirror.held) == 3


class TestSeries:
    """A series is replaced whole when its master comes."""

    def test_an_occurrence_that_is_deleted_is_only_absent(self, rig: Rig) -> None:
        """No removal is told of it; it is gone all the same, and what differed in it as well."""
        one = rig.fake.add("series", NOW, every=WEEK, count=5)
        slots = rig.fake.slots(one)
        rig.fake.differ(one, slots[1], subject="other")
        mirror = rig.read(Mirror())
        rig.fake.drop(one, slots[1])
        rig.fake.drop(one, slots[2])
        changes = live_changes(rig.pull(mirror.cursor))
        assert [one.id.partition("#")[2] for one in changes if isinstance(one, Tombstone)] == [slots[1]]
        assert told(rig.read(mirror)) == there_is(rig)

    def test_an_exception_keeps_its_original_start(self, rig: Rig) -> None:
        """What was moved is named by when it would have been; so is an all-day one, which is named by its date."""
        timed = rig.fake.add("timed", NOW, every=WEEK, count=3)
        dates = rig.fake.add("dates", date(2026, 11, 30), every=WEEK, count=3)
        rig.fake.differ(timed, rig.fake.slots(timed)[1], start=NOW + DAY * 8)
        rig.fake.differ(dates, "20261207", subject="other")
        held = {
            (one.record.summary, one.record.recurrence_id)
            for one in rig.read(Mirror()).held.values()
            if isinstance(one.record, Meeting)
        }
        assert ("timed", "20261130T090000Z") in held
        assert ("other", "20261207") in held

    def test_a_cancelled_occurrence_is_cancelled(self, rig: Rig) -> None:
        """A cancelled meeting stays until its owner takes it away, and says that it is cancelled."""
        one = rig.fake.add("series", NOW, every=WEEK, count=3)
        rig.fake.differ(one, rig.fake.slots(one)[0], isCancelled=True)
        two = rig.fake.add("single", NOW)
        rig.fake.change(two, isCancelled=True, subject="Canceled: single")
        records = [one.record for one in rig.read(Mirror()).held.values() if isinstance(one.record, Meeting)]
        assert sorted(one.is_cancelled for one in records) == [False, True, True]

    def test_a_series_in_pieces_is_put_together(self, rig: Rig) -> None:
        """Should Graph ever send a series on two pages, all of it is there, and nothing was gone in between."""
        rig.fake.splits_series, rig.fake.most_rows = True, 1
        one = rig.fake.add("series", NOW, every=WEEK, count=9)
        rig.fake.differ(one, rig.fake.slots(one)[7], subject="other")
        mirror = rig.read(Mirror())
        assert told(mirror) == there_is(rig)
        rig.fake.change(one, location={"displayName": "Elsewhere"})
        changes = live_changes(rig.pull(mirror.cursor))
        assert not any(isinstance(one, Tombstone) for one in changes)
        assert told(rig.read(mirror)) == there_is(rig)


class TestCalendars:
    """Which calendars are read."""

    def test_own_ones_by_default(self, rig: Rig) -> None:
        """Birthdays and holidays cannot be written to, and a colleague's calendar is hers; chosen, each is read."""
        team = rig.fake.add_calendar("Team")
        holidays = rig.fake.add_calendar("Holidays", can_edit=False)
        ana = rig.fake.add_calendar("Ana", owner="ana@example.com")
        for one in (rig.fake.main, team, holidays, ana):
            rig.fake.add(rig.fake.calendars[one]["name"], NOW, calendar=one)
        assert [one.name for one in survey(rig.access()).collections if one.is_read] == ["Calendar", "Team"]
        mirror = rig.read(Mirror())
        assert sorted(one[0] for one in told(mirror).values()) == ["Calendar", "Team"]
        assert {stream for stream, _ in mirror.held} == {f"calendar/{one}" for one in (rig.fake.main, team)}
        mirror = rig.read(mirror, calendars=("holidays", ana))
        assert sorted(one[0] for one in told(mirror).values()) == ["Ana", "Holidays"]
        with pytest.raises(Missing, match="Team"):
            rig.pull(calendars="Nothing")

    def test_a_calendar_that_goes_takes_its_meetings_along(self, rig: Rig) -> None:
        """A deleted calendar is seen by the refusal of its link, and its meetings are gone; the others stay."""
        team = rig.fake.add_calendar("Team")
        rig.fake.add("one", NOW)
        rig.fake.add("two", NOW, calendar=team)
        mirror = rig.read(Mirror())
        rig.fake.delete_calendar(team)
        assert [one[0] for one in told(rig.read(mirror)).values()] == ["one"]

    def test_a_new_name_is_told(self, rig: Rig) -> None:
        """Meetings name their calendar, also after it got another name."""
        rig.fake.add("one", NOW)
        rig.fake.add("two", NOW, every=WEEK, count=3)
        mirror = rig.read(Mirror())
        rig.fake.calendars[rig.fake.main]["name"] = "Work"
        rig.clock.advance(timedelta(hours=2))
        rig.read(mirror)
        assert {one.record.calendar for one in mirror.held.values() if isinstance(one.record, Meeting)} == {
            "Work"
        }

    def test_an_event_that_changes_its_calendar_is_there_once(self, rig: Rig) -> None:
        """Moved to another calendar, it leaves the one and comes to the other."""
        team = rig.fake.add_calendar("Team")
        one = rig.fake.add("one", NOW)
        mirror = rig.read(Mirror())
        rig.fake.put_into(one, team)
        assert [stream for stream, _ in rig.read(mirror).held] == [f"calendar/{team}"]

    def test_a_colleagues_series_is_told_from_its_beginning(self, rig: Rig) -> None:
        """What is outside the window of a calendar that somebody shares is asked for there, and not of one's own mailbox."""
        shared = rig.fake.add_calendar("Bob", owner="bob@example.com")
        rig.fake.add("series", NOW - DAY * 900, every=WEEK, calendar=shared)
        assert told(rig.read(Mirror(), calendars="Bob")) == there_is(rig)

    def test_a_colleagues_calendar_that_is_closed_asks_for_no_sign_in(self, rig: Rig) -> None:
        """Refused somebody else's calendar, the sign-in is still good: its own are read, and the words say what to do."""
        ana = rig.fake.add_calendar("Ana", owner="ana@example.com")
        rig.fake.closed.add(ana)
        rig.fake.add("one", NOW)
        mirror = Mirror()
        with pytest.raises(PartlyRead, match="Choose other"):
            rig.read(mirror, calendars=("Calendar", "Ana"))
        assert [one[0] for one in told(mirror).values()] == ["one"]
        rig.scopes = frozenset()
        with pytest.raises(ReauthRequired):
            rig.read(mirror, calendars=("Ana",))

    def test_one_that_fails_keeps_no_other_from_being_read(self, rig: Rig) -> None:
        """Where one calendar cannot be read, the others are, and the fault is told at the end."""
        team = rig.fake.add_calendar("Team")
        rig.fake.add("one", NOW)
        rig.fake.add("two", NOW, calendar=team)
        mirror = Mirror()
        rig.fake.broken.add(rig.fake.main)
        with pytest.raises(PartlyRead):
            rig.read(mirror)
        assert [one[0] for one in told(mirror).values()] == ["two"]
        rig.fake.broken.clear()
        assert len(told(rig.read(mirror))) == 2


class TestEventsThatAreNotHandedOut:
    """One event that is refused for itself closes no calendar, and keeps no other from coming."""

    @pytest.mark.parametrize("status", [403, 500])
    @pytest.mark.parametrize("is_others", [False, True])
    def test_a_series(self, rig: Rig, status: int, is_others: bool) -> None:
        """It is told of as unreadable, and what is held of it stays; it comes once it has changed."""
        calendar = rig.fake.main
        if is_others:
            calendar = rig.fake.add_calendar("Ana", owner="ana@example.com", can_edit=False)
        chosen = {"calendars": ("Ana",)} if is_others else {}
        for number in range(4):
            rig.fake.add(f"n{number}", NOW + DAY * number, calendar=calendar)
        held = rig.fake.add("held", NOW - DAY * 800, every=WEEK, calendar=calendar)
        mirror = rig.read(Mirror(), **chosen)
        before = told(mirror)
        bad = rig.fake.add("bad", NOW - DAY * 800, every=WEEK, calendar=calendar)
        rig.fake.poison = {bad: status, held: status}
        rig.fake.drop(held, rig.fake.slots(held)[3])
        rig.fake.add("after", NOW, calendar=calendar)
        rig.read(mirror, **chosen)
        assert {one.reason for one in mirror.unreadable} == {f"Microsoft does not hand it out ({status})"}
        assert len(mirror.unreadable) == 2
        assert told(mirror)[held] == before[held]
        assert {one[0] for one in told(mirror).values()} == {"n0", "n1", "n2", "n3", "held", "after"}
        rig.fake.poison = {}
        rig.fake.change(bad, subject="good")
        assert "good" in {one[0] for one in told(rig.read(mirror, **chosen)).values()}

    def test_where_most_fail_it_is_an_outage(self, rig: Rig) -> None:
        """Where no other event is handed out either none is given up."""
        series = [rig.fake.add(f"n{number}", NOW - DAY * 800, every=WEEK) for number in range(4)]
        rig.fake.poison = dict.fromkeys(series, 500)
        mirror = Mirror()
        with pytest.raises(Transient):
            rig.read(mirror)
        assert mirror.unreadable == []
        rig.fake.poison = {}
        assert told(rig.read(mirror)) == there_is(rig)


def only(rig: Rig) -> Meeting:
    """The one meeting that is read."""
    (record,) = [one.record for one in rig.read(Mirror()).held.values()]
    assert isinstance(record, Meeting)
    return record


class TestWhatAnEventSays:
    """Events as meetings."""

    def test_who_was_asked(self, rig: Rig) -> None:
        """Answers, optional ones and rooms are told apart; names that repeat the address are none; X.500 names are no address."""
        rig.fake.add(
            "one",
            NOW,
            attendees=(),
            isOrganizer=False,
            organizer={"emailAddress": {"name": "Ana Okafor", "address": "Ana@Example.com"}},
            responseStatus={"response": "tentativelyAccepted", "time": "2026-11-01T00:00:00Z"},
        )
        one = next(iter(rig.fake.events))
        rig.fake.change(
            one,
            attendees=[
                an_attendee("bo@example.com", "Bo", "declined"),
                an_attendee("cy@example.com", "", "notResponded", "optional"),
                an_attendee("room@example.com", "Room", "accepted", "resource"),
                an_attendee("/O=EXAMPLE/OU=X/CN=RECIPIENTS/CN=DEE", "Dee"),
                an_attendee(OWNER, "Me", "none"),
            ],
        )
        meeting = only(rig)
        assert meeting.organizer is not None
        assert (meeting.organizer.address, meeting.organizer.name) == ("ana@example.com", "Ana Okafor")
        assert [
            (each.address, each.name, each.partstat, each.kind, each.is_optional)
            for each in meeting.attendees
        ] == [
            ("bo@example.com", "Bo", "declined", "individual", False),
            ("cy@example.com", "", "needs-action", "individual", True),
            ("room@example.com", "Room", "accepted", "resource", False),
            (OWNER, "Me", "tentative", "individual", False),
        ]

    @pytest.mark.parametrize(
        ("response", "is_requested", "partstat"),
        [
            ("notResponded", True, "needs-action"),
            ("none", True, "needs-action"),
            ("none", False, "needs-action"),
            ("notResponded", False, "needs-action"),
            (None, False, "needs-action"),
            (None, None, "needs-action"),
            ("declined", False, "declined"),
            ("accepted", True, "accepted"),
        ],
    )
    def test_the_owners_own_answer(
        self, rig: Rig, response: str | None, is_requested: bool | None, partstat: str
    ) -> None:
        """It is the status of their copy, also where a group was asked; silence is no answer, asked for or not."""
        rig.fake.add(
            "one",
            NOW,
            attendees=(("team@example.com", "Team", "none"),),
            isOrganizer=False,
            organizer={"emailAddress": {"name": "Ana", "address": "ana@example.com"}},
            responseStatus={"response": response, "time": "0001-01-01T00:00:00Z"} if response else None,
            responseRequested=is_requested,
        )
        (mine,) = [one for one in only(rig).attendees if one.address == OWNER]
        assert mine.partstat == partstat

    @pytest.mark.parametrize(
        ("response", "partstat"), [("none", "accepted"), ("notResponded", "needs-action")]
    )
    def test_an_answer_that_the_list_alone_knows(self, rig: Rig, response: str, partstat: str) -> None:
        """Where the owner's status says nothing, what is recorded beside their name stands; where it says no answer, that does."""
        rig.fake.add(
            "one",
            NOW,
            attendees=((OWNER, "Me", "accepted"),),
            isOrganizer=False,
            organizer={"emailAddress": {"name": "Ana", "address": "ana@example.com"}},
            responseStatus={"response": response, "time": "0001-01-01T00:00:00Z"},
        )
        assert [one.partstat for one in only(rig).attendees] == [partstat]

    def test_ones_own_entry_has_no_organizer(self, rig: Rig) -> None:
        """Nobody was asked: nobody called it."""
        rig.fake.add("focus", NOW, attendees=())
        assert only(rig).organizer is None

    def test_times_and_zones(self, rig: Rig) -> None:
        """Windows' names are zones; an all-day event is dates with an exclusive end, wherever its owner is."""
        rig.fake.add("timed", datetime(2026, 12, 1, 8, tzinfo=UTC), zone="America/New_York")
        rig.fake.add("dates", date(2026, 12, 1), length=DAY * 2)
        timed, dates = (one.record for one in rig.read(Mirror(), zone="Pacific/Kiritimati").held.values())
        assert isinstance(timed, Meeting)
        assert isinstance(dates, Meeting)
        assert (timed.starts_at, timed.tzid) == (datetime(2026, 12, 1, 8, tzinfo=UTC), "America/New_York")
        assert (dates.starts_at, dates.ends_at) == (datetime(2026, 12, 1), datetime(2026, 12, 3))  # noqa: DTZ001
        assert (dates.is_all_day, dates.tzid) == (True, "")

    @pytest.mark.parametrize(
        "zone", ["tzone://Microsoft/Custom", "tzone://Microsoft/Utc", "Mars Standard Time", "", None]
    )
    def test_zones_that_nobody_knows(self, rig: Rig, zone: str | None) -> None:
        """A made-up zone is none; the times are in UTC anyway."""
        rig.fake.add("one", NOW)
        rig.fake.garble = lambda row: {**row, "originalStartTimeZone": zone}
        assert (only(rig).starts_at, only(rig).tzid) == (NOW, "")

    def test_no_body_is_asked_for_or_kept(self, rig: Rig) -> None:
        """With more permission than is asked for, an invitation's text still goes nowhere."""
        rig.scopes = frozenset({"Calendars.Read"})
        rig.fake.add("one", NOW)
        assert "about" not in repr(rig.pull())
        assert all("body" not in one.one("$select") for one in rig.side.server.requests)


class TestTheSameMeeting:
    """By Graph and by a calendar file, one meeting is one."""

    def lines(self, *more: str, uid: str) -> str:
        head = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//example//test//EN", "BEGIN:VEVENT", f"UID:{uid}")
        return "\r\n".join((*head, "DTSTAMP:20260101T000000Z", *more, "END:VEVENT", "END:VCALENDAR", ""))

    def by_file(self, folder: Path, text: str) -> dict[str, Meeting]:
        (folder / "one.ics").write_bytes(text.encode())
        assert ics.SPEC.open_source is not None
        pages = ics.SPEC.open_source(an_access(folder / "one.ics")).pull(None)
        return {
            one.id: one.record
            for page in pages
            for one in page.changes
            if isinstance(one, Upsert) and isinstance(one.record, Meeting)
        }

    @pytest.mark.parametrize(
        ("ours", "theirs"),
        [
            (exchange_uid(7), exchange_uid(7)),
            (exchange_uid(7).lower(), exchange_uid(7)),
            (exchange_uid(7, date(2026, 11, 23)), exchange_uid(7)),
            (exchange_uid(7, foreign="abc-1@google.com"), "abc-1@google.com"),
            ("abc-1@google.com", "abc-1@google.com"),
        ],
    )
    def test_a_series(self, rig: Rig, tmp_path: Path, ours: str, theirs: str) -> None:
        """UID, start, occurrences and recurrence-ids are those of the file, whatever Exchange makes of the UID."""
        start = datetime(2026, 11, 23, 9, tzinfo=UTC)
        one = rig.fake.add("Board", start, every=WEEK, count=4, uid=ours, attendees=())
        rig.fake.drop(one, rig.fake.slots(one)[2])
        zoned = "DTSTART;TZID=W. Europe Standard Time:20261123T100000"
        text = self.lines(
            zoned,
            "DURATION:PT1H",
            "RRULE:FREQ=WEEKLY;COUNT=4",
            "EXDATE:20261207T090000Z",
            "SUMMARY:Board",
            "LOCATION:Room 2",
            uid=theirs,
        )
        (by_file,) = self.by_file(tmp_path, text).values()
        assert replace_calendar(only(rig)) == replace_calendar(by_file)

    def test_an_invitation_to_one_occurrence(self, rig: Rig, tmp_path: Path) -> None:
        """Asked to one occurrence of a series alone, it is that occurrence of that series."""
        uid = exchange_uid(9, date(2026, 12, 7))
        rig.fake.add("Board", datetime(2026, 12, 7, 9, tzinfo=UTC), uid=uid, attendees=())
        zoned = "DTSTART;TZID=Europe/Berlin:20261207T100000"
        text = self.lines(
            zoned,
            "DURATION:PT1H",
            "RECURRENCE-ID;TZID=Europe/Berlin:20261207T100000",
            "SUMMARY:Board",
            "LOCATION:Room 2",
            uid=exchange_uid(9),
        )
        (by_file,) = self.by_file(tmp_path, text).values()
        assert replace_calendar(only(rig)) == replace_calendar(by_file)

    def test_an_all_day_series(self, rig: Rig, tmp_path: Path) -> None:
        """Dates are named by dates."""
        one = rig.fake.add(
            "Fair", date(2026, 11, 24), every=WEEK, count=3, uid="fair@example.com", attendees=()
        )
        rig.fake.differ(one, "20261201", subject="Fair, moved")
        text = self.lines(
            "DTSTART;VALUE=DATE:20261124",
            "RRULE:FREQ=WEEKLY;COUNT=3",
            "SUMMARY:Fair",
            "LOCATION:Room 2",
            uid="fair@example.com",
        )
        (by_file,) = self.by_file(tmp_path, text).values()
        held = [one.record for one in rig.read(Mirror()).held.values() if isinstance(one.record, Meeting)]
        (series,) = [one for one in held if one.is_series]
        (other,) = [one for one in held if not one.is_series]
        assert replace_calendar(series) == replace_calendar(by_file)
        assert (other.uid, other.recurrence_id) == ("fair@example.com", "20261201")

    @pytest.mark.parametrize(
        ("response", "is_requested", "parameters"),
        [
            ("notResponded", True, "PARTSTAT=NEEDS-ACTION;RSVP=TRUE"),
            ("notResponded", False, "PARTSTAT=NEEDS-ACTION;RSVP=FALSE"),
            ("none", False, "RSVP=FALSE"),
            ("tentativelyAccepted", False, "PARTSTAT=TENTATIVE"),
        ],
    )
    def test_what_its_owner_answered(
        self, rig: Rig, tmp_path: Path, response: str, is_requested: bool, parameters: str
    ) -> None:
        """An answer, and that there is none, is that of the file, whether one was asked for or not."""
        rig.fake.add(
            "Board",
            datetime(2026, 11, 23, 9, tzinfo=UTC),
            uid="board@example.com",
            attendees=((OWNER, "", "none"),),
            isOrganizer=False,
            organizer={"emailAddress": {"name": "Ana", "address": "ana@example.com"}},
            responseStatus={"response": response, "time": "0001-01-01T00:00:00Z"},
            responseRequested=is_requested,
        )
        text = self.lines(
            "DTSTART;TZID=Europe/Berlin:20261123T100000",
            "DURATION:PT1H",
            "SUMMARY:Board",
            "LOCATION:Room 2",
            "ORGANIZER;CN=Ana:mailto:ana@example.com",
            f"ATTENDEE;{parameters}:mailto:{OWNER}",
            uid="board@example.com",
        )
        (by_file,) = self.by_file(tmp_path, text).values()
        assert replace_calendar(only(rig)) == replace_calendar(by_file)


def test_a_book_holds_it_once(rig: Rig, sqlite_store: Store, tmp_path: Path) -> None:
    """Read by Graph and imported as a file, a series and a single meeting are no more interactions than by Graph alone."""
    book = a_book(sqlite_store)
    start = NOW - DAY * 30
    one = rig.fake.add("Board", start, every=WEEK, count=4, uid=exchange_uid(7, date(2026, 10, 24)))
    rig.fake.drop(one, rig.fake.slots(one)[1])
    rig.fake.add("Coffee", start, uid=exchange_uid(8, foreign="coffee@example.com"))
    assert SPEC.open_source is not None
    taken_in(book, "microsoft", SPEC.name, SPEC.open_source(rig.access()))
    by_graph = exported(book, tmp_path / "before")["interactions.jsonl"]
    assert by_graph.count(b"\n") == 4
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0"]
    for uid, summary, rule in (
        (exchange_uid(7), "Board", ("RRULE:FREQ=WEEKLY;COUNT=4", "EXDATE:20261031T100000Z")),
        ("coffee@example.com", "Coffee", ()),
    ):
        lines += ["BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20260101T000000Z", f"SUMMARY:{summary}", *rule]
        lines += ["DTSTART;TZID=Europe/Berlin:20261024T110000", "DURATION:PT1H"]
        lines += [
            f"ORGANIZER:mailto:{OWNER}",
            "ATTENDEE;PARTSTAT=ACCEPTED:mailto:ana@example.com",
            "END:VEVENT",
        ]
    (tmp_path / "one.ics").write_text("\r\n".join([*lines, "END:VCALENDAR", ""]))
    assert ics.SPEC.open_source is not None
    taken_in(book, "files", "ics", ics.SPEC.open_source(an_access(tmp_path / "one.ics")))
    after = exported(book, tmp_path / "after")["interactions.jsonl"]
    assert [keys(line) for line in after.splitlines()] == [keys(line) for line in by_graph.splitlines()]


def taken_in(book: Book, account: str, name: str, source: Source) -> None:
    """One pull taken into a book."""
    report = SourceReport(account, name)
    Ingest(book.store, book.owner, book.clock, account, name).run(source, report, [], lambda _: None)
    assert report.rejected == 0
    book.keep()


def keys(line: bytes) -> tuple[str, str]:
    """What an exported interaction is known by."""
    row = json.loads(line)
    return row["at"], row["kind"]


def replace_calendar(meeting: Meeting) -> Meeting:
    """A meeting less the name of the calendar that it stood in."""
    return msgspec.structs.replace(meeting, calendar="")


@pytest.mark.parametrize(
    ("text", "uid", "day"),
    [
        ("", "", None),
        ("abc@example.com", "abc@example.com", None),
        (exchange_uid(1), exchange_uid(1), None),
        (exchange_uid(1, date(2026, 2, 28)), exchange_uid(1), date(2026, 2, 28)),
        (exchange_uid(1, date(2026, 2, 28), "a@b.example"), "a@b.example", date(2026, 2, 28)),
        (exchange_uid(1, foreign="\x01\x02"), None, None),
        ("040000008200E00074C5B7101A82E008", "040000008200E00074C5B7101A82E008", None),
        ("040000008200E00074C5B7101A82E008ZZ", "040000008200E00074C5B7101A82E008ZZ", None),
        ("040000008200E00074C5B7101A82E008" + "F" * 60, None, None),
        ("040000008200E00074C5B7101A82E008" + "0" * 10_000, None, None),
    ],
)
def test_uids_of_exchange(text: str, uid: str | None, day: date | None) -> None:
    """The series' UID and the day of an occurrence are taken apart; what is no such id stays as it is, and is bounded."""
    found = uid_of(text)
    assert len(found[0]) <= 420
    if uid is not None:
        assert found == (uid, day)


class TestHostileValues:
    """What cannot be read is named in its place, and stops nothing."""

    @pytest.mark.parametrize(
        "change",
        [
            {"start": {"dateTime": "0001-01-01T00:00:00", "timeZone": "UTC"}},
            {"end": {"dateTime": "99999-01-01T00:00:00", "timeZone": "UTC"}},
            {"start": {"dateTime": "x" * 100_000, "timeZone": "UTC"}},
            {"start": {"dateTime": "2026-13-45T99:99:99", "timeZone": "UTC"}},
            {"start": 7},
            {"attendees": "everybody"},
            {"type": "party"},
            {"subject": ["a"]},
            {"organizer": {"emailAddress": 7}},
        ],
    )
    def test_one_bad_event_is_told_and_the_rest_read(self, rig: Rig, change: Json) -> None:
        """As a single event and as a series; what was held of it stays."""
        rig.side.server.inspect = no_breaches
        bad = rig.fake.add("bad", NOW)
        series = rig.fake.add("bad series", NOW, every=WEEK, count=3)
        rig.fake.add("good", NOW)
        mirror = rig.read(Mirror())
        assert len(mirror.held) == 3
        rig.fake.garble = lambda row: {**row, **change} if row["id"] in {bad, series} else row
        rig.fake.change(bad, location={"displayName": "a"})
        rig.fake.change(series, location={"displayName": "a"})
        rig.fake.add("better", NOW)
        rig.read(mirror)
        assert len(mirror.held) == 4
        assert {one.where for one in mirror.unreadable} == {f"Calendar, event {one}" for one in (bad, series)}
        assert all(one.reason and len(one.reason) < 300 for one in mirror.unreadable)

    def test_a_row_without_an_id(self, rig: Rig) -> None:
        """It is named by its place on the page."""
        rig.side.server.inspect = no_breaches
        rig.fake.add("bad", NOW)
        rig.fake.add("good", NOW)
        rig.fake.garble = lambda row: {**row, "id": 7} if row.get("subject") == "bad" else row
        mirror = rig.read(Mirror())
        assert [one[0] for one in told(mirror).values()] == ["good"]
        assert "row 1 of a page" in mirror.unreadable[0].where

    def test_endless_words_are_cut(self, rig: Rig) -> None:
        """Subjects, places and lists of people have an end."""
        people = tuple((f"p{number}@example.com", "x" * 5_000, "none") for number in range(2_500))
        rig.fake.add("s" * 100_000, NOW, attendees=people, location={"displayName": "\u202e" + "l" * 100_000})
        meeting = only(rig)
        assert len(meeting.summary) == len(meeting.location) == 500
        assert len(meeting.attendees) == 2_000
        assert all(len(one.name) <= 200 for one in meeting.attendees)

    def test_an_exception_that_takes_all_day(self, rig: Rig) -> None:
        """One occurrence of a timed series may be put to whole days; it is still that occurrence."""
        one = rig.fake.add("series", NOW, every=WEEK, count=3)
        slot = rig.fake.slots(one)[1]
        rig.fake.differ(one, slot, subject="all day")
        midnights = {
            name: {"dateTime": f"2026-12-0{day}T00:00:00.0000000", "timeZone": "UTC"}
            for name, day in (("start", 1), ("end", 2))
        }
        rig.fake.garble = lambda row: (
            {**row, "isAllDay": True, **midnights} if row["type"] == "exception" else row
        )
        records = [one.record for one in rig.read(Mirror()).held.values() if isinstance(one.record, Meeting)]
        assert sorted((one.is_all_day, one.recurrence_id) for one in records) == [(False, ""), (True, slot)]

    def test_a_bad_exception_keeps_what_was_held(self, rig: Rig) -> None:
        """An exception that cannot be read now is not gone."""
        one = rig.fake.add("series", NOW, every=WEEK, count=3)
        slot = rig.fake.slots(one)[1]
        rig.fake.differ(one, slot, subject="other")
        mirror = rig.read(Mirror())
        rig.fake.garble = lambda row: (
            {**row, "start": {"dateTime": "soon", "timeZone": "UTC"}} if row["type"] == "exception" else row
        )
        rig.fake.differ(one, slot, subject="another")
        rig.read(mirror)
        assert len(mirror.held) == 2
        assert mirror.unreadable


class TestFaults:
    """What goes wrong at Microsoft."""

    def test_patience_is_handed_on(self, rig: Rig) -> None:
        """Too many requests end the pull with the time to wait, also within a batch."""
        one = rig.fake.add("one", NOW)
        mirror = rig.read(Mirror())
        rig.side.server.faults.order("429")
        with pytest.raises(RateLimited) as caught:
            rig.read(mirror)
        assert caught.value.retry_after == timedelta(seconds=47)
        rig.fake.delete(one)
        rig.side.batch.faults.order("429")
        with pytest.raises(RateLimited):
            rig.read(mirror)
        assert len(mirror.held) == 1
        assert rig.read(mirror).held == {}

    def test_a_batch_that_leaves_out_a_part_takes_nothing_away(self, rig: Rig) -> None:
        """What was not answered is not known to be gone."""
        one = rig.fake.add("one", NOW)
        mirror = rig.read(Mirror())
        rig.fake.delete(one)
        rig.side.batch.forgets = 1
        with pytest.raises(Transient):
            rig.read(mirror)
        assert len(mirror.held) == 1

    def test_a_permission_that_is_missing(self, rig: Rig) -> None:
        """Known beforehand or told by Graph, it is named, with what to do."""
        with pytest.raises(ReauthRequired, match=r"Calendars\.ReadBasic"):
            rig.pull(scopes=["Mail.Read"])
        rig.scopes = frozenset({"Mail.Read"})
        with pytest.raises(ReauthRequired, match="kith connect microsoft"):
            rig.pull()

    def test_a_full_mailbox_of_requests(self, rig: Rig) -> None:
        """Used up requests are asked for before they are sent, by the name of a quota."""
        spent: list[tuple[str, int]] = []
        rig.pull(spend=lambda name, units: spent.append((name, units)))
        assert {name for name, _ in spent} == {"requests"}
        assert sum(units for _, units in spent) == len(
            [one for one in rig.side.paths() if one != "POST $batch"]
        )

    @pytest.mark.parametrize("fault", ["500", "503", "cut", "lose_answer", "web_page", "die_before"])
    def test_faults_anywhere(self, rig: Rig, fault: Any) -> None:
        """Whichever request fails, the pull says so, and the next one brings what is missing."""
        rig.fake.add("single", NOW)
        rig.fake.add("aged", NOW - DAY * 500, every=WEEK * 8, count=12)
        whole = told(rig.read(Mirror()))
        count = len([one for one in rig.side.paths() if "instances" not in one and "/events/" not in one])
        for place in range(count):
            mirror = Mirror()
            with pytest.raises(ConnectorError):
                rig.read(mirror, spend=OrderAt(rig, place, fault))
            rig.side.server.faults.mend()
            assert told(rig.read(mirror)) == whole


class OrderAt:
    """Orders a fault once so many requests were spent."""

    def __init__(self, rig: Rig, place: int, fault: Any) -> None:
        self._rig, self._left, self._fault = rig, place, fault

    def __call__(self, _quota: str, _units: int, /) -> None:
        if self._left == 0:
            self._rig.side.server.faults.order(self._fault)
        self._left -= 1


def test_unreadable_names_no_subject(rig: Rig) -> None:
    """What is told of a bad event names its place, and not what it is about."""
    rig.spoil()
    (bad,) = [one for one in live_changes(rig.pull()) if isinstance(one, Unreadable)][:1]
    assert "bad" not in bad.where + bad.reason

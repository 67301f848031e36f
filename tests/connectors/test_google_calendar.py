"""Google's calendars come whole, once, and as calendar files would tell them, whatever happens to tokens and series."""

import random
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors import ics
from connectors.google_calendar import SPEC, survey
from schemas.clock import FrozenClock
from schemas.connector import Access, Change, Page, Skipped, Tombstone, Unreadable, Upsert
from schemas.errors import (
    CursorExpired,
    Missing,
    PartlyRead,
    RateLimited,
    ReauthRequired,
    SuspiciousSnapshot,
    Transient,
)
from schemas.ids import Cursor, ExternalId
from schemas.interface import SourceReport
from schemas.records import Attendee, Mailbox, Meeting, SourceRecord
from services.ingest import Ingest
from services.store.unit import Store
from tests.connectors.google import GoogleRig, a_google
from tests.contract.live_source import LiveSourceContract, Mirror, a_live_access, live_changes, live_pages
from tests.contract.source import NOW
from tests.fakes.google_calendar import OWNER, Calendars, all_day, guest, instance_id, timed
from tests.seeds import HUNDRED
from tests.services.builders import a_book, exported

EVENTS = f"GET /calendar/v3/calendars/{OWNER}/events"
LIST = "GET /calendar/v3/users/me/calendarList"
FIRST = datetime(2026, 12, 1, 8, tzinfo=UTC)
WEEKLY: dict[str, Any] = {
    "summary": "Weekly",
    "start": timed(FIRST),
    "end": timed(FIRST + timedelta(hours=1)),
    "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=20"],
}


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(NOW)


@pytest.fixture
def calendars(clock: FrozenClock) -> Calendars:
    """The account's calendars, for the owner's hands."""
    return Calendars(clock)


@pytest.fixture
def rig(calendars: Calendars, clock: FrozenClock) -> Iterator[GoogleRig]:
    """The account."""
    with a_google(calendars, clock=clock) as made:
        yield made


class EventServer:
    """A server's items are single meetings, named by their UID."""

    def __init__(self, rig: GoogleRig, calendars: Calendars) -> None:
        self.rig = rig
        self.calendars = calendars
        self._ids: dict[str, str] = {}
        self.break_off = rig.wire.cut_after
        self.mend = rig.wire.mend

    def answered(self) -> int:
        return self.rig.wire.answered

    def add(self, name: str, /) -> None:
        self._ids[name] = self.calendars.add(iCalUID=name)

    def change(self, name: str, /) -> bool:
        self.calendars.change(self._ids[name], summary=f"{name}, changed")
        return True

    def remove(self, name: str, /) -> None:
        self.calendars.delete(self._ids[name])

    def spoil(self) -> bool:
        self.calendars.add(recurrence=["RRULE:FREQ=DAILY;COUNT=3"] * 5)
        return True


class TestGoogleCalendar(LiveSourceContract):
    """The promises of every live source."""

    spec = SPEC

    @pytest.fixture
    def server(self, rig: GoogleRig, calendars: Calendars) -> Any:
        return EventServer(rig, calendars)

    def access(self, server: Any, **more: Any) -> Access:
        made: Access = server.rig.access(**more)
        return made

    def name_of(self, record: SourceRecord) -> str:
        assert isinstance(record, Meeting)
        return record.uid


class TestInSmallPages(TestGoogleCalendar):
    """The same where answers come in pages of two, with empty ones between."""

    @pytest.fixture
    def server(self, rig: GoogleRig, calendars: Calendars) -> Any:
        calendars.page_size = 2
        calendars.has_empty_pages = True
        return EventServer(rig, calendars)


def pull(rig: GoogleRig, cursor: Cursor | None = None, **more: Any) -> list[Page]:
    return live_pages(SPEC, rig.access(**more), cursor)


def lazily(rig: GoogleRig, cursor: Cursor | None = None) -> Iterator[Page]:
    """Pages one by one, so that those before a fault are kept."""
    assert SPEC.open_source is not None
    return SPEC.open_source(rig.access()).pull(cursor)


def read(rig: GoogleRig, mirror: Mirror, **more: Any) -> list[Change]:
    """The mirror brought up to date; what changed."""
    pages = pull(rig, mirror.cursor, **more)
    mirror.take(pages)
    return live_changes(pages)


def meetings(mirror: Mirror) -> dict[str, Meeting]:
    """What is held, by Google's ids."""
    return {name: one.record for (_, name), one in mirror.held.items() if isinstance(one.record, Meeting)}


def times(mirror: Mirror) -> dict[str, datetime]:
    """Every meeting that takes place, as history tells them: series with their exceptions in place."""
    found: dict[str, datetime] = {}
    exceptions = {
        f"{one.uid}/{one.recurrence_id}": one for one in meetings(mirror).values() if one.recurrence_id
    }
    for one in meetings(mirror).values():
        if one.is_series:
            found |= {f"{one.uid}/{each.recurrence_id}": each.starts_at for each in one.occurrences}
        elif not one.recurrence_id:
            found[one.uid] = one.starts_at
    for name, one in exceptions.items():
        found[name] = one.starts_at
        if one.is_cancelled:
            del found[name]
    return found


# ------ which calendars


class TestCalendars:
    """Which calendars are read, and what becomes of one that goes."""

    def test_the_owners_and_shared_ones_are_read(self, rig: GoogleRig, calendars: Calendars) -> None:
        """The owner's, and shared ones that they look at; no colleague's, no holidays, none that shows free and busy."""
        calendars.add_calendar("team@group.calendar.google.com", "Team", role="reader")
        calendars.add_calendar("club@import.calendar.google.com", "Club", role="reader")
        calendars.add_calendar("mine@group.calendar.google.com", "Side", selected=False)
        calendars.add_calendar("off@group.calendar.google.com", "Off", role="reader", selected=False)
        calendars.add_calendar("bob@example.com", "Bob", role="writer")
        calendars.add_calendar("busy@group.calendar.google.com", "Busy", role="freeBusyReader")
        calendars.add_calendar("en.german#holiday@group.v.calendar.google.com", "Holidays", role="reader")
        calendars.add_calendar("addressbook#contacts@group.v.calendar.google.com", "Birthdays", role="reader")
        seen = survey(rig.access())
        assert seen.user == OWNER
        assert [one.name for one in seen.collections if one.is_read] == ["your own", "Team", "Club", "Side"]
        pull(rig)
        asked = {one.split("/")[-2] for one in rig.asked() if one.endswith("/events")}
        assert asked == {
            OWNER, "team@group.calendar.google.com", "club@import.calendar.google.com", "mine@group.calendar.google.com",
        }  # fmt: skip

    def test_they_can_be_chosen(self, rig: GoogleRig, calendars: Calendars) -> None:
        """By id or name any calendar is read, and what is not named goes; the owner's own is `primary`."""
        calendars.add_calendar("bob@example.com", "Bob", role="reader")
        one, two = calendars.add(), calendars.add("bob@example.com")
        mirror = Mirror()
        read(rig, mirror, calendars=("primary", "BOB"))
        assert {(stream, name) for stream, name in mirror.held} == {
            ("calendar/primary", one), ("calendar/bob@example.com", two),
        }  # fmt: skip
        assert read(rig, mirror, calendars="bob@example.com") == [Tombstone(ExternalId(one))]
        with pytest.raises(Missing, match="Bob"):
            pull(rig, calendars=("absent",))

    def test_one_that_goes_takes_its_meetings_along(self, rig: GoogleRig, calendars: Calendars) -> None:
        """A calendar taken off the list loses its meetings and exceptions; one that is only not looked at stays."""
        team = calendars.add_calendar("team@group.calendar.google.com", "Team", role="reader")
        stays = calendars.add()
        master = calendars.add(team, **WEEKLY)
        calendars.except_(master, FIRST, team, summary="Other")
        mirror = Mirror()
        read(rig, mirror)
        calendars.set_calendar(team, selected=False)
        late = calendars.add(team)
        read(rig, mirror)
        assert late in meetings(mirror)
        calendars.remove_calendar(team)
        read(rig, mirror)
        assert set(meetings(mirror)) == {stays}

    def test_one_that_fails_does_not_stop_the_others(self, rig: GoogleRig, calendars: Calendars) -> None:
        """A calendar that is deleted though it is listed is told of by its name at the end; the others are read, and stay."""
        calendars.add_calendar("a@group.calendar.google.com", "A")
        calendars.add_calendar("b@group.calendar.google.com", "B")
        calendars.add("a@group.calendar.google.com", "a")
        calendars.add("b@group.calendar.google.com", "b")
        mirror = Mirror()
        read(rig, mirror)
        calendars.set_calendar("a@group.calendar.google.com", accessRole="reader")
        calendars.unlisted.add("a@group.calendar.google.com")
        calendars.add("b@group.calendar.google.com", "c")
        with pytest.raises(PartlyRead, match=r"^A: Google Calendar has nothing there"):
            mirror.take(lazily(rig, mirror.cursor))
        assert set(meetings(mirror)) == {"a", "b", "c"}
        calendars.unlisted.clear()
        read(rig, mirror)
        assert set(meetings(mirror)) == {"a", "b", "c"}

    def test_all_gone_at_once_is_not_believed(self, rig: GoogleRig, calendars: Calendars) -> None:
        """A full reading that names nothing takes nothing away."""
        one, two = calendars.add(), calendars.add()
        mirror = Mirror()
        read(rig, mirror)
        calendars.forget(one)
        calendars.forget(two)
        calendars.expire_tokens()
        with pytest.raises(SuspiciousSnapshot):
            read(rig, mirror)
        assert len(mirror.held) == 2


# ------ what it costs


class TestCost:
    """Requests are few, and as many as there is news."""

    def test_a_poll_without_change_is_one_request_a_stream(
        self, rig: GoogleRig, calendars: Calendars
    ) -> None:
        """The list of calendars and each calendar are asked once."""
        calendars.add_calendar("team@group.calendar.google.com", "Team")
        for _ in range(30):
            calendars.add()
        mirror = Mirror()
        read(rig, mirror)
        rig.asked()
        for _ in range(3):
            assert read(rig, mirror) == []
            assert rig.asked() == [
                LIST,
                EVENTS,
                "GET /calendar/v3/calendars/team@group.calendar.google.com/events",
            ]

    def test_a_hundred_changes_are_read_as_such(self, rig: GoogleRig, calendars: Calendars) -> None:
        """Of 1,100 events 100 changed ones cost two requests, and as many items."""
        ids = [calendars.add() for _ in range(1_100)]
        mirror = Mirror()
        read(rig, mirror)
        assert rig.asked() == [LIST, *[EVENTS] * 4]
        for one in ids[::11]:
            calendars.change(one, summary="Changed")
        assert len(read(rig, mirror)) == 100
        assert rig.asked() == [LIST, EVENTS]

    def test_requests_are_spent(self, rig: GoogleRig, calendars: Calendars) -> None:
        """Each request is spent before it is sent, and none is sent when the quota is used up."""
        calendars.add()
        spent: list[str] = []
        pull(rig, spend=lambda name, units: spent.extend([name] * units))
        assert spent == [SPEC.quotas[0].name] * len(rig.asked())

        def none_left(_name: str, _units: int, /) -> None:
            raise RateLimited("used up", retry_after=timedelta(seconds=9))

        with pytest.raises(RateLimited):
            pull(rig, spend=none_left)
        assert rig.asked() == []

    def test_what_google_refuses_for_now_is_waited_for(self, rig: GoogleRig, calendars: Calendars) -> None:
        """A quota of the minute that is spent elsewhere ends the reading with a time to wait; it then goes on."""
        calendars.add()
        calendars.most_a_minute = 2
        mirror = Mirror()
        with pytest.raises(RateLimited) as refused:
            mirror.take(lazily(rig))
        assert refused.value.retry_after > timedelta()
        assert len(mirror.held) == 1
        rig.clock.advance(timedelta(minutes=2))
        calendars.most_a_minute = 600
        read(rig, mirror)
        assert len(mirror.held) == 1


# ------ in which order, and how far back


class TestTime:
    """The newest first, no further back than asked for, and further ahead each month."""

    def test_the_last_weeks_and_what_is_ahead_come_first(self, rig: GoogleRig, calendars: Calendars) -> None:
        """What ends after four weeks ago comes before what is older, of all calendars; it can be gone on from."""
        team = calendars.add_calendar("team@group.calendar.google.com", "Team")
        for calendar in (OWNER, team):
            for weeks in (-60, -40, -20, -3, 3):
                start = NOW + timedelta(weeks=weeks)
                calendars.add(
                    calendar,
                    f"{calendar[:4]}{weeks}",
                    start=timed(start),
                    end=timed(start + timedelta(hours=1)),
                )
        pages = pull(rig)
        order = [change.id for change in live_changes(pages) if isinstance(change, Upsert)]
        assert set(order[:4]) == {"anna-3", "anna3", "team-3", "team3"}
        assert set(order) == {f"{who}{weeks}" for who in ("anna", "team") for weeks in (-60, -40, -20, -3, 3)}
        recent = next(page for page in pages if page.checkpoint is not None)
        rig.asked()
        resumed = pull(rig, recent.checkpoint)
        assert [change.id for change in live_changes(resumed) if isinstance(change, Upsert)][:2] == order[2:4]

    def test_two_years_or_since_when_the_owner_said(self, rig: GoogleRig, calendars: Calendars) -> None:
        """Older meetings are not asked for, also not when everything is read anew; a longer wish brings more."""
        for years in (1, 3):
            start = NOW - timedelta(days=365 * years)
            calendars.add(OWNER, f"{years}", start=timed(start), end=timed(start + timedelta(hours=1)))
        mirror = Mirror()
        read(rig, mirror)
        assert set(meetings(mirror)) == {"1"}
        rig.clock.advance(timedelta(days=400))
        calendars.expire_tokens()
        read(rig, mirror)
        assert set(meetings(mirror)) == {"1"}
        mirror = Mirror()
        read(rig, mirror, since=date(2026, 1, 1))
        assert set(meetings(mirror)) == set()
        read(rig, mirror, since=date(2020, 1, 1))
        assert set(meetings(mirror)) == {"1", "3"}

    def test_less_than_before_is_no_suspicion(self, rig: GoogleRig, calendars: Calendars) -> None:
        """A date that leaves out all that a calendar had is its owner's wish, and no calendar that lost everything."""
        start = NOW - timedelta(days=200)
        for name in ("a", "b"):
            calendars.add(OWNER, name, start=timed(start), end=timed(start + timedelta(hours=1)))
        mirror = Mirror()
        read(rig, mirror, since=date(2026, 1, 1))
        assert set(meetings(mirror)) == {"a", "b"}
        rig.clock.advance(timedelta(days=31))
        read(rig, mirror, since=date(2026, 11, 1))
        assert meetings(mirror) == {}
        assert read(rig, mirror, since=date(2026, 11, 1)) == []

    def test_series_reach_further_each_month(self, rig: GoogleRig, calendars: Calendars) -> None:
        """In a new month everything is listed, and a series without an end reaches a month further."""
        one = calendars.add(**{**WEEKLY, "recurrence": ["RRULE:FREQ=WEEKLY"]})
        mirror = Mirror()
        read(rig, mirror)
        before = meetings(mirror)[one].occurrences
        rig.clock.advance(timedelta(days=31))
        read(rig, mirror)
        after = meetings(mirror)[one].occurrences
        assert set(before) < set(after)
        assert read(rig, mirror) == []

    def test_what_changes_while_it_is_read(self, rig: GoogleRig, calendars: Calendars) -> None:
        """What comes, changes and goes between two pages of a listing is told by the token it ends with."""
        calendars.page_size = 2
        ids = [calendars.add() for _ in range(6)]

        def meddle() -> None:
            calendars.change(ids[0], summary="Changed")
            calendars.delete(ids[5])
            calendars.add(OWNER, "late")

        mirror = Mirror()
        read(rig, mirror)
        calendars.expire_tokens()
        calendars.before_page = meddle
        read(rig, mirror)
        read(rig, mirror)
        assert set(meetings(mirror)) == {*ids[:5], "late"}
        assert meetings(mirror)[ids[0]].summary == "Changed"


# ------ events


class TestEvents:
    """What becomes of an event."""

    def one(self, rig: GoogleRig) -> Meeting:
        mirror = Mirror()
        read(rig, mirror)
        (meeting,) = meetings(mirror).values()
        return meeting

    def test_people_and_their_answers(self, rig: GoogleRig, calendars: Calendars) -> None:
        """Attendees come with answers and names, rooms as resources; the organiser is known, a calendar is nobody."""
        calendars.add(
            summary="Board prep", location="Room 4",
            organizer={"email": "carol@example.com", "displayName": "Carol"},
            attendees=[
                guest("carol@example.com", "accepted", displayName="Carol", organizer=True),
                guest(OWNER, "tentative", self=True),
                guest("Bob@Example.com", "declined", optional=True),
                guest("room4@resource.calendar.google.com", "accepted", resource=True, displayName="Room 4"),
                guest("team@group.calendar.google.com"),
            ],
        )  # fmt: skip
        meeting = self.one(rig)
        assert (meeting.summary, meeting.location) == ("Board prep", "Room 4")
        assert meeting.organizer == Mailbox("carol@example.com", "Carol")
        assert meeting.attendees == (
            Attendee("carol@example.com", "Carol", "accepted"),
            Attendee(OWNER, "", "tentative"),
            Attendee("bob@example.com", "", "declined", is_optional=True),
            Attendee("room4@resource.calendar.google.com", "Room 4", "accepted", "resource"),
            Attendee("team@group.calendar.google.com", "", "needs-action", "resource"),
        )

    def test_an_answer_given_is_a_change(self, rig: GoogleRig, calendars: Calendars) -> None:
        """Who accepts later is seen to."""
        one = calendars.add(attendees=[guest(OWNER, "accepted", self=True), guest("bob@example.com")])
        mirror = Mirror()
        read(rig, mirror)
        calendars.change(
            one,
            attendees=[guest(OWNER, "accepted", self=True), guest("bob@example.com", "accepted")],
            sequence=0,
        )
        read(rig, mirror)
        assert [who.partstat for who in meetings(mirror)[one].attendees] == ["accepted", "accepted"]

    def test_an_own_entry_has_no_organiser(self, rig: GoogleRig, calendars: Calendars) -> None:
        """Where nobody was asked nobody called, though Google names whoever owns the calendar."""
        calendars.add(organizer={"email": "bob@example.com"})
        assert self.one(rig).organizer is None

    def test_an_audience_is_left_out(self, rig: GoogleRig, calendars: Calendars) -> None:
        """Of a meeting with hundreds only the owner's own part comes: who called it has not met them for that."""
        crowd = [guest(f"p{number}@example.com") for number in range(300)]
        calendars.add(
            organizer={"email": "carol@example.com", "displayName": "Carol"},
            attendees=[*crowd, guest(OWNER, "accepted", self=True)],
        )
        meeting = self.one(rig)
        assert [who.address for who in meeting.attendees] == [OWNER]
        assert meeting.organizer is None

    def test_guests_that_may_not_be_seen(self, rig: GoogleRig, calendars: Calendars) -> None:
        """Where the organiser hides the guests from each other, how many there are is not known: who called it stays."""
        calendars.add(
            organizer={"email": "carol@example.com", "displayName": "Carol"},
            attendees=[guest(OWNER, "accepted", self=True)],
            attendeesOmitted=True,
            guestsCanSeeOtherGuests=False,
        )
        assert self.one(rig).organizer == Mailbox("carol@example.com", "Carol")

    @pytest.mark.parametrize("kind", ["outOfOffice", "focusTime", "workingLocation", "birthday"])
    def test_what_is_no_meeting_is_not_asked_for(
        self, rig: GoogleRig, calendars: Calendars, kind: str
    ) -> None:
        """Absences, focus time, working places and birthdays never come."""
        calendars.add(eventType=kind)
        assert live_changes(pull(rig)) == []

    def test_what_google_made_of_a_mail_comes(self, rig: GoogleRig, calendars: Calendars) -> None:
        """A booking that Google found in a mail is an entry without people."""
        calendars.add(
            eventType="fromGmail",
            organizer={"email": "unknownorganizer@calendar.google.com"},
            attendees=[guest(OWNER, "accepted", self=True)],
        )
        meeting = self.one(rig)
        assert meeting.organizer is None
        assert [who.address for who in meeting.attendees] == [OWNER]

    def test_all_day(self, rig: GoogleRig, calendars: Calendars) -> None:
        """Days have naive midnights and an end that is exclusive, over a clock change too."""
        calendars.add(start=all_day(date(2026, 3, 28)), end=all_day(date(2026, 3, 30)))
        meeting = self.one(rig)
        assert meeting.is_all_day
        assert (meeting.starts_at, meeting.ends_at) == (datetime(2026, 3, 28), datetime(2026, 3, 30))  # noqa: DTZ001

    @pytest.mark.parametrize(
        ("start", "at", "tzid"),
        [
            ({"dateTime": "2026-12-01T09:00:00+01:00", "timeZone": "Europe/Berlin"}, (8, 0), "Europe/Berlin"),
            ({"dateTime": "2026-12-01T09:00:00+01:00", "timeZone": "Mars/Olympus"}, (8, 0), ""),
            ({"dateTime": "2026-12-01T08:00:00Z"}, (8, 0), ""),
            ({"dateTime": "2026-12-01T08:00:00.5Z", "timeZone": "America/New_York"}, (8, 0), "America/New_York"),
            ({"dateTime": "2026-12-01T09:00:00", "timeZone": "Europe/Berlin"}, (8, 0), "Europe/Berlin"),
            # The second of two equal wall times.
            ({"dateTime": "2026-10-25T02:30:00+01:00", "timeZone": "Europe/Berlin"}, (1, 30), ""),
        ],
    )  # fmt: skip
    def test_times(
        self, rig: GoogleRig, calendars: Calendars, start: dict[str, str], at: tuple[int, int], tzid: str
    ) -> None:
        """An instant is the same instant in whatever zone it is told, and its zone is kept where it is one."""
        calendars.add(start=start, end=start)
        meeting = self.one(rig)
        assert meeting.starts_at.tzinfo is UTC
        assert (meeting.starts_at.hour, meeting.starts_at.minute) == at
        assert meeting.tzid == tzid

    def test_floating(self, rig: GoogleRig, calendars: Calendars) -> None:
        """A time without offset and zone is a wall time."""
        calendars.add(start={"dateTime": "2026-12-01T09:00:00"}, end={"dateTime": "2026-12-01T10:00:00"})
        assert self.one(rig).starts_at == datetime(2026, 12, 1, 9)  # noqa: DTZ001

    def test_an_end_that_is_none(self, rig: GoogleRig, calendars: Calendars) -> None:
        """The end that Google makes up for an event without one is not believed."""
        calendars.add(endTimeUnspecified=True)
        meeting = self.one(rig)
        assert meeting.starts_at == meeting.ends_at


# ------ series


class TestSeries:
    """Series with their exceptions, from their beginning to their split."""

    def test_an_exception_comes_and_goes_by_itself(self, rig: GoogleRig, calendars: Calendars) -> None:
        """A moved occurrence stands for its original; nothing else is told again."""
        master = calendars.add(**WEEKLY)
        mirror = Mirror()
        read(rig, mirror)
        assert len(times(mirror)) == 20
        second = FIRST + timedelta(weeks=1)
        moved = calendars.except_(
            master, second, start=timed(second + timedelta(hours=3)), end=timed(second + timedelta(hours=4))
        )
        assert [change.id for change in read(rig, mirror) if isinstance(change, Upsert)] == [moved]
        assert times(mirror)[f"{master}@google.com/20261208T080000Z"] == second + timedelta(hours=3)
        assert len(times(mirror)) == 20

    @pytest.mark.parametrize("is_bare", [True, False])
    def test_a_cancelled_occurrence_of_a_live_series(
        self, rig: GoogleRig, calendars: Calendars, *, is_bare: bool
    ) -> None:
        """It does not take place, is remembered by a reading from nothing, and is no deletion of anything."""
        calendars.bare_cancelled = is_bare
        master = calendars.add(**WEEKLY)
        mirror = Mirror()
        read(rig, mirror)
        calendars.except_(master, FIRST + timedelta(weeks=1), summary="Other", sequence=7)
        read(rig, mirror)
        calendars.cancel(master, FIRST + timedelta(weeks=1))
        calendars.cancel(master, FIRST + timedelta(weeks=2))
        changes = read(rig, mirror)
        assert not any(isinstance(change, Tombstone) for change in changes)
        gone = {f"{master}@google.com/{name}" for name in ("20261208T080000Z", "20261215T080000Z")}
        assert len(times(mirror)) == 18
        assert not gone & times(mirror).keys()
        assert times(Mirror().take(pull(rig))) == times(mirror)

    def test_an_occurrence_cancelled_and_taken_back(self, rig: GoogleRig, calendars: Calendars) -> None:
        """An exception may change its mind as often as it likes."""
        master = calendars.add(**WEEKLY)
        mirror = Mirror()
        for status in ("confirmed", "cancelled", "confirmed", "cancelled", "confirmed"):
            calendars.except_(master, FIRST, status=status)
            read(rig, mirror)
            assert len(times(mirror)) == (20 if status == "confirmed" else 19), status

    def test_a_deleted_series_takes_its_exceptions_along(self, rig: GoogleRig, calendars: Calendars) -> None:
        """Whether Google tells of each or of the master alone."""
        for tells_all in (True, False):
            master = calendars.add(**WEEKLY)
            one = calendars.except_(master, FIRST, summary="Other")
            two = calendars.cancel(master, FIRST + timedelta(weeks=1))
            mirror = Mirror()
            read(rig, mirror)
            assert set(meetings(mirror)) == {master, one, two}
            if tells_all:
                calendars.delete(master)
            else:
                calendars.forget(one)
                calendars.forget(two)
                calendars.change(master, status="cancelled")
            read(rig, mirror)
            assert mirror.held == {}

    @pytest.mark.parametrize("tells", [True, False])
    def test_this_and_following(self, rig: GoogleRig, calendars: Calendars, *, tells: bool) -> None:
        """A split series neither shows an occurrence twice nor loses one, whatever Google tells of its exceptions."""
        calendars.tells_of_split = tells
        master = calendars.add(**{**WEEKLY, "recurrence": ["RRULE:FREQ=WEEKLY"]})
        kept = calendars.except_(master, FIRST + timedelta(weeks=1), summary="Kept")
        calendars.except_(master, FIRST + timedelta(weeks=6), summary="Behind")
        calendars.cancel(master, FIRST + timedelta(weeks=7))
        mirror = Mirror()
        read(rig, mirror)
        before = sorted(times(mirror).values())
        new = calendars.split(master, FIRST + timedelta(weeks=5))
        read(rig, mirror)
        after = sorted(times(mirror).values())
        assert len(after) == len(set(after))
        # The one that was cancelled is there again: the new series knows nothing of it.
        assert set(after) == {*before, FIRST + timedelta(weeks=7)}
        assert set(meetings(mirror)) == {master, kept, new}
        assert times(Mirror().take(pull(rig))) == times(mirror)

    def test_an_exception_before_its_master(self, rig: GoogleRig, calendars: Calendars) -> None:
        """In whatever order and on whatever page they come, exceptions are named in their series' terms."""
        calendars.page_size = 1
        midnight = {
            "start": timed(datetime(2026, 12, 1, 23, tzinfo=UTC)),
            "end": timed(datetime(2026, 12, 2, 23, tzinfo=UTC)),
        }
        master = calendars.add(OWNER, "zz", recurrence=["RRULE:FREQ=WEEKLY;COUNT=3"], **midnight)
        calendars.except_(master, datetime(2026, 12, 8, 23, tzinfo=UTC), summary="Other")
        calendars.lists_backwards = True
        mirror = Mirror()
        read(rig, mirror)
        other = instance_id(master, datetime(2026, 12, 8, 23, tzinfo=UTC))
        # From midnight to midnight is a day, whose occurrences are days.
        assert meetings(mirror)[other].recurrence_id == "20261209"
        calendars.change(other, summary="Once more")
        read(rig, mirror)
        assert meetings(mirror)[other].recurrence_id == "20261209"
        assert len(times(mirror)) == 3

    def test_asked_to_a_single_occurrence(self, rig: GoogleRig, calendars: Calendars) -> None:
        """An exception whose series is not there is a meeting of its own, and goes when it is cancelled."""
        master = calendars.add(**WEEKLY)
        one = calendars.except_(master, FIRST, summary="For you alone")
        calendars.forget(master)
        mirror = Mirror()
        read(rig, mirror)
        assert list(meetings(mirror)) == [one]
        calendars.change(one, status="cancelled")
        read(rig, mirror)
        assert mirror.held == {}

    def test_a_single_meeting_becomes_a_series_and_back(self, rig: GoogleRig, calendars: Calendars) -> None:
        """It stays one item, and its exceptions go with its rule."""
        one = calendars.add(start=WEEKLY["start"], end=WEEKLY["end"])
        mirror = Mirror()
        read(rig, mirror)
        calendars.change(one, recurrence=["RRULE:FREQ=WEEKLY;COUNT=3"])
        other = calendars.except_(one, FIRST, summary="Other")
        read(rig, mirror)
        assert set(meetings(mirror)) == {one, other}
        calendars.change(one, recurrence=None)
        calendars.forget(other)
        read(rig, mirror)
        assert set(meetings(mirror)) == {one}


# ------ as files tell it


def as_ics(*components: str) -> str:
    return "\r\n".join(
        ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Google Inc//Google Calendar 70.9054//EN", "X-WR-CALNAME:primary",
         *components, "END:VCALENDAR", ""]
    )  # fmt: skip


def test_it_says_what_googles_own_file_says(rig: GoogleRig, calendars: Calendars, tmp_path: Path) -> None:
    """The same meetings by the API and by a calendar file are the same records in the same revisions."""
    people = [
        guest("carol@example.com", "accepted", displayName="Carol"),
        guest(OWNER, "declined", self=True),
    ]
    common = {"organizer": {"email": "carol@example.com", "displayName": "Carol"}, "attendees": people}
    single = calendars.add(OWNER, "single", summary="Back\\slash; & co", **common)
    master = calendars.add(
        OWNER,
        "weekly",
        **{
            **WEEKLY,
            "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4", "EXDATE;TZID=Europe/Berlin:20261215T090000"],
        },
        **common,
    )
    second = FIRST + timedelta(weeks=1)
    moved = calendars.except_(
        master,
        second,
        start=timed(second + timedelta(hours=2)),
        end=timed(second + timedelta(hours=3)),
    )
    whole = calendars.add(OWNER, "whole", start=all_day(date(2026, 12, 24)), end=all_day(date(2026, 12, 27)))

    def lines(one: str, *more: str) -> str:
        event = calendars.event(one)
        updated = event["updated"].replace("-", "").replace(":", "").replace(".000", "")
        asked = (
            [
                "ORGANIZER;CN=Carol:mailto:carol@example.com",
                "ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;CN=Carol:mailto:carol@example.com",
                f"ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=DECLINED;CN={OWNER}:mailto:{OWNER}",
            ]
            if "attendees" in event
            else []
        )
        head = [
            f"UID:{event['iCalUID']}",
            f"SEQUENCE:{event['sequence']}",
            f"LAST-MODIFIED:{updated}",
            "STATUS:CONFIRMED",
        ]
        return "\r\n".join(["BEGIN:VEVENT", *more, *head, *asked, "END:VEVENT"])

    (tmp_path / "primary.ics").write_text(
        as_ics(
            lines(
                single,
                "DTSTART:20261201T090000Z",
                "DTEND:20261201T100000Z",
                "SUMMARY:Back\\\\slash\\; & co",
            ),
            lines(
                master, "DTSTART;TZID=Europe/Berlin:20261201T090000", "DTEND;TZID=Europe/Berlin:20261201T100000",
                "RRULE:FREQ=WEEKLY;COUNT=4", "EXDATE;TZID=Europe/Berlin:20261215T090000", "SUMMARY:Weekly",
            ),
            lines(
                moved, "DTSTART;TZID=Europe/Berlin:20261208T110000", "DTEND;TZID=Europe/Berlin:20261208T120000",
                "RECURRENCE-ID;TZID=Europe/Berlin:20261208T090000", "SUMMARY:Weekly",
            ),
            lines(whole, "DTSTART;VALUE=DATE:20261224", "DTEND;VALUE=DATE:20261227", "SUMMARY:Meeting"),
        )
    )  # fmt: skip
    there = Mirror().take(pull(rig)).held.values()
    files = a_live_access("files", files=(str(tmp_path / "primary.ics"),))
    here = Mirror().take(live_pages(ics.SPEC, files)).held.values()

    def known(held: Iterable[Upsert]) -> dict[tuple[str, str], tuple[str, Meeting]]:
        found = [(one.stamp, one.record) for one in held if isinstance(one.record, Meeting)]
        return {
            (record.uid, record.recurrence_id): (stamp, msgspec.structs.replace(record, tzid=""))
            for stamp, record in found
        }

    assert known(there) == known(here)
    assert len(known(there)) == 4


def test_the_same_meeting_by_both_ways_is_one_interaction(
    rig: GoogleRig, calendars: Calendars, sqlite_store: Store, tmp_path: Path
) -> None:
    """Read by the API and from a calendar file, a meeting with somebody is in their history once, a series as well."""
    people = [
        guest("carol@example.com", "accepted", displayName="Carol"),
        guest(OWNER, "accepted", self=True),
    ]
    calendars.add(
        OWNER,
        "single",
        start=timed(NOW - timedelta(days=3)),
        end=timed(NOW - timedelta(days=3, hours=-1)),
        attendees=people,
    )
    start = NOW - timedelta(days=20)
    master = calendars.add(
        OWNER, "weekly", start=timed(start), end=timed(start + timedelta(hours=1)),
        recurrence=["RRULE:FREQ=WEEKLY;COUNT=2"], attendees=people,
    )  # fmt: skip
    calendars.except_(master, start + timedelta(weeks=1), summary="Other", attendees=people)
    asked = f"ATTENDEE;PARTSTAT=ACCEPTED;CN=Carol:mailto:carol@example.com\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:{OWNER}"
    (tmp_path / "a.ics").write_text(
        as_ics(
            f"BEGIN:VEVENT\r\nUID:single@google.com\r\nDTSTART:{NOW - timedelta(days=3):%Y%m%dT%H%M%SZ}\r\nDURATION:PT1H\r\n{asked}\r\nEND:VEVENT",
            f"BEGIN:VEVENT\r\nUID:weekly@google.com\r\nDTSTART:{start:%Y%m%dT%H%M%SZ}\r\nDURATION:PT1H\r\nRRULE:FREQ=WEEKLY;COUNT=2\r\n{asked}\r\nEND:VEVENT",
        )
    )
    book = a_book(sqlite_store)

    def ingest(account: str, spec: Any, access: Access) -> None:
        source = spec.open_source(access)
        Ingest(book.store, book.owner, book.clock, account, spec.stream).run(
            source, SourceReport(spec.name, spec.name), [], lambda _: None
        )

    ingest("google", SPEC, rig.access())
    book.keep()
    folder = exported(book, tmp_path / "one", without=("events.jsonl",))
    ingest("files", ics.SPEC, a_live_access("files", files=(str(tmp_path / "a.ics"),)))
    book.keep()
    both = exported(book, tmp_path / "two", without=("events.jsonl",))

    def held(export: Any) -> int:
        return sum(
            line.count('"kind":"meeting"') for line in map(str, export["interactions.jsonl"].splitlines())
        )

    assert held(folder) == held(both) == 3


# ------ tokens, kills, and seeds


class TestResync:
    """A token that ended costs a listing and nothing else."""

    def test_a_dead_token_is_a_comparison(self, rig: GoogleRig, calendars: Calendars) -> None:
        """What went while nobody could tell is taken away, and nothing that is there; it costs one listing more."""
        ids = [calendars.add() for _ in range(5)]
        mirror = Mirror()
        read(rig, mirror)
        calendars.forget(ids[1])
        calendars.change(ids[2], summary="Changed")
        calendars.expire_tokens()
        rig.asked()
        changes = read(rig, mirror)
        assert [change for change in changes if isinstance(change, Tombstone)] == [
            Tombstone(ExternalId(ids[1]))
        ]
        assert set(meetings(mirror)) == {*ids} - {ids[1]}
        assert rig.asked() == [LIST, LIST, EVENTS, EVENTS]
        assert read(rig, mirror) == []

    def test_a_cursor_that_is_lost_leaves_nothing_behind(self, rig: GoogleRig, calendars: Calendars) -> None:
        """Read from nothing by one who holds much, what went meanwhile is retired with the last page."""
        ids = [calendars.add() for _ in range(5)]
        mirror = Mirror()
        read(rig, mirror)
        calendars.forget(ids[1])
        with pytest.raises(CursorExpired):
            pull(rig, Cursor("{"))
        mirror.take(pull(rig))
        assert set(meetings(mirror)) == {*ids} - {ids[1]}

    def test_gone_is_not_a_dead_token(self, rig: GoogleRig, calendars: Calendars) -> None:
        """410 for what was deleted reads nothing anew."""
        calendars.add()
        mirror = Mirror()
        read(rig, mirror)
        rig.asked()
        calendars.gone_reason = "deleted"
        with pytest.raises(Missing):
            read(rig, mirror)
        assert rig.asked() == [LIST, EVENTS]

    def test_page_tokens_are_no_cursors(self, rig: GoogleRig, calendars: Calendars) -> None:
        """No checkpoint holds a page's token."""
        calendars.page_size = 1
        for _ in range(5):
            calendars.add()
        assert not any("page-" in (page.checkpoint or "") for page in pull(rig))

    def test_a_kill_between_any_two_pages(self, rig: GoogleRig, calendars: Calendars) -> None:
        """Stopped after any page of a first reading, of a change and of a resync, the next reading makes it whole."""
        calendars.page_size = 2
        master = calendars.add(**WEEKLY)
        calendars.cancel(master, FIRST)
        ids = [calendars.add() for _ in range(5)]

        def killed_everywhere(before: Mirror) -> Mirror:
            whole = Mirror()
            whole.held, whole.cursor = dict(before.held), before.cursor
            pages = pull(rig, whole.cursor)
            whole.take(pages)
            for number in range(len(pages)):
                mirror = Mirror()
                mirror.held, mirror.cursor = dict(before.held), before.cursor
                mirror.take(pages[:number])
                assert before.held.keys() & whole.held.keys() <= mirror.held.keys()
                again = Mirror()
                again.held, again.cursor = mirror.held, mirror.cursor
                read(rig, again)
                assert again.held == whole.held
            return whole

        first = killed_everywhere(Mirror())
        calendars.delete(ids[0])
        calendars.except_(master, FIRST + timedelta(weeks=2), summary="Other")
        for one in ids[1:]:
            calendars.change(one, summary="Changed")
        changed = killed_everywhere(first)
        calendars.delete(ids[1])
        calendars.change(ids[2], summary="Again")
        calendars.expire_tokens()
        killed_everywhere(changed)


@pytest.mark.parametrize("seed", HUNDRED)
def test_no_duplicate_and_no_false_deletion(seed: int) -> None:
    """Whatever an owner does, and however often tokens end and the wire breaks, what is held is what is there."""
    chance = random.Random(seed)
    clock = FrozenClock(NOW)
    calendars = Calendars(clock)
    calendars.page_size = chance.choice([1, 3, 50])
    calendars.tells_of_split = chance.random() < 0.5
    calendars.bare_cancelled = chance.random() < 0.5
    calendars.has_empty_pages = chance.random() < 0.3
    calendars.add_calendar("team@group.calendar.google.com", "Team", role="reader")
    for calendar in (OWNER, "team@group.calendar.google.com"):
        # One stays whatever comes, since a calendar that is suddenly empty is not believed.
        calendars.add(calendar)
    singles: dict[str, str] = {}
    series: dict[str, str] = {}
    with a_google(calendars, clock=clock) as rig:
        mirror, ever = Mirror(), set[str]()
        for step in range(8):
            for _ in range(chance.randint(1, 6)):
                _meddle(chance, calendars, singles, series, step)
            fault = chance.random()
            if fault < 0.25:
                calendars.expire_tokens()
            elif fault < 0.4:
                clock.advance(timedelta(days=20))
            elif fault < 0.6:
                rig.wire.cut_after(chance.randint(0, 6_000))
                with suppress(Transient):
                    mirror.take(lazily(rig, mirror.cursor))
                rig.wire.mend()
                _nothing_is_gone(ever, mirror, calendars)
                continue
            mirror.take(pull(rig, mirror.cursor))
            _nothing_is_gone(ever, mirror, calendars)
        mirror.take(pull(rig, mirror.cursor))
        assert times(mirror) == times(Mirror().take(pull(rig)))
        there = {
            event["id"]: event.get("summary")
            for calendar in (OWNER, "team@group.calendar.google.com")
            for event in calendars.standing(calendar)
        }
        assert {name: one.summary for name, one in meetings(mirror).items() if not one.is_cancelled} == there


def _nothing_is_gone(ever: set[str], mirror: Mirror, calendars: Calendars) -> None:
    """Whatever stands at Google and was held once is held."""
    standing = {
        one["id"] for name in (OWNER, "team@group.calendar.google.com") for one in calendars.standing(name)
    }
    held = set(meetings(mirror))
    assert ever & standing <= held
    ever |= held


def _meddle(
    chance: random.Random, calendars: Calendars, singles: dict[str, str], series: dict[str, str], step: int
) -> None:
    calendar = chance.choice([OWNER, "team@group.calendar.google.com"])
    act = chance.choice(["add", "add", "change", "delete", "series", "except", "cancel", "split", "drop"])
    if act == "add":
        singles[calendars.add(calendar, summary=f"Step {step}")] = calendar
    elif act == "series":
        rule = chance.choice(
            ["RRULE:FREQ=WEEKLY", "RRULE:FREQ=WEEKLY;COUNT=20", "RRULE:FREQ=DAILY;INTERVAL=5"]
        )
        series[calendars.add(calendar, **{**WEEKLY, "recurrence": [rule]})] = calendar
    elif act in {"change", "delete"} and singles:
        one = chance.choice(sorted(singles))
        if act == "change":
            calendars.change(one, singles[one], summary=f"Step {step}")
        else:
            calendars.delete(one, singles.pop(one))
    elif act in {"except", "cancel", "split", "drop"} and series:
        one = chance.choice(sorted(series))
        where = series[one]
        rule = calendars.event(one, where)["recurrence"][0]
        at = FIRST + (timedelta(days=5) if "DAILY" in rule else timedelta(weeks=1)) * chance.randint(1, 9)
        begun = datetime.fromisoformat(calendars.event(one, where)["start"]["dateTime"])
        if act == "drop":
            calendars.delete(one, series.pop(one))
        elif begun < at and "UNTIL" not in rule:
            if act == "except":
                calendars.except_(one, at, where, summary=f"Step {step}")
            elif act == "cancel":
                calendars.cancel(one, at, where)
            elif "COUNT" not in rule:
                series[calendars.split(one, at, where, summary=f"Step {step}")] = where


# ------ hostile, and refused


HOSTILE: dict[str, Any] = {
    "a number as summary": {"summary": 5},
    "null as start": {"start": None},
    "no start": {"start": {}},
    "a list as start": {"start": []},
    "words as time": {"start": {"dateTime": "soon"}, "end": {"dateTime": "later"}},
    "day and time": {"start": {"date": "2026-12-01"}, "end": {"dateTime": "2026-12-01T09:00:00Z"}, "recurrence": ["RRULE:FREQ=DAILY"]},
    "the year 9999": {"start": {"dateTime": "9999-12-31T23:59:59-12:00"}},
    "text as attendees": {"attendees": "bob@example.com"},
    "a number as attendee": {"attendees": [5]},
    "a number as recurrence": {"recurrence": [5]},
    "text as sequence": {"sequence": "1"},
    "a rule every second": {"recurrence": ["RRULE:FREQ=SECONDLY;BYSECOND=" + ",".join(map(str, range(60)))]},
    "a rule that never meets": {"recurrence": ["RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"]},
    "many rules": {"recurrence": ["RRULE:FREQ=DAILY"] * 2_000},
    "a long rule": {"recurrence": ["RRULE:FREQ=DAILY;X-A=" + "a" * 10_000]},
    "a broken date": {"recurrence": ["RRULE:FREQ=DAILY;COUNT=3", "EXDATE:soon"]},
}  # fmt: skip


@pytest.mark.parametrize("fields", HOSTILE.values(), ids=HOSTILE)
def test_one_hostile_event_stops_nothing(
    rig: GoogleRig, calendars: Calendars, fields: dict[str, Any]
) -> None:
    """Whatever stands in a field, the event is told of in its place, the others come, and what was held stays held."""
    rig.server.inspect = lambda _request, _reply: ()
    calendars.heeds_bounds = False
    calendars.add(OWNER, "before")
    calendars.add(OWNER, "bad")
    mirror = Mirror()
    read(rig, mirror)
    calendars.change("bad", **{"sequence": 1, **fields, "summary": fields.get("summary", "CANARY")})
    if fields.get("start", "") is None:
        calendars.put("bad", {**calendars.event("bad"), "start": None})
    calendars.add(OWNER, "after")
    read(rig, mirror)
    assert set(meetings(mirror)) == {"before", "bad", "after"}
    (one,) = mirror.unreadable
    assert one.where.startswith("primary, event bad")
    assert one.reason
    assert "CANARY" not in one.reason
    calendars.expire_tokens()
    read(rig, mirror)
    assert set(meetings(mirror)) == {"before", "bad", "after"}


def test_an_item_that_is_no_object(rig: GoogleRig, calendars: Calendars) -> None:
    """An item without an id, or that is none, is told of."""
    rig.server.inspect = lambda _request, _reply: ()
    calendars.add(OWNER, "good")
    calendars.heeds_bounds = False
    calendars.put("x", {"status": "confirmed", "eventType": "default"})
    mirror = Mirror()
    read(rig, mirror)
    assert set(meetings(mirror)) == {"good"}
    assert {one.where for one in mirror.unreadable} == {"primary, event without an id"}


def test_words_are_made_plain(rig: GoogleRig, calendars: Calendars) -> None:
    """Controls, line ends and direction marks leave; nothing of a word becomes a property."""
    calendars.add(
        summary="a\x00b\r\nATTENDEE:mailto:eve@example.com\u202e" + "x" * 10_000,
        attendees=[guest("bob@example.com", displayName='Bob"\r\nX:y'), guest("a b@@c"), guest("")],
    )
    mirror = Mirror()
    read(rig, mirror)
    (meeting,) = meetings(mirror).values()
    assert meeting.summary.startswith("ab ATTENDEE:mailto:eve@example.comxx")
    assert len(meeting.summary) <= 500
    assert [(who.address, "\n" in who.name) for who in meeting.attendees] == [("bob@example.com", False)]


def test_a_long_series_is_cut_and_says_so(rig: GoogleRig, calendars: Calendars) -> None:
    """A series by the hour is cut at what a calendar can show."""
    one = calendars.add(**{**WEEKLY, "recurrence": ["RRULE:FREQ=HOURLY"]})
    mirror = Mirror()
    read(rig, mirror)
    assert meetings(mirror)[one].is_shortened
    assert len(meetings(mirror)[one].occurrences) <= 3_000


@pytest.mark.parametrize("missing", ["calendar.events.readonly", "calendar.calendarlist.readonly"])
def test_a_permission_that_was_not_given(rig: GoogleRig, missing: str) -> None:
    """It is named, with what to do, before anything is asked; and where Google says so though it was granted once."""
    name = f"https://www.googleapis.com/auth/{missing}"
    given = sorted(rig.scopes - {name})
    with pytest.raises(ReauthRequired, match=missing):
        pull(rig, scopes=given)
    with pytest.raises(ReauthRequired, match="kith connect google"):
        survey(rig.access(scopes=given))
    assert rig.asked() == []
    granted = sorted(rig.scopes)
    rig.scopes.discard(name)
    with pytest.raises(ReauthRequired, match="permission"):
        pull(rig, scopes=granted)


def test_a_token_that_ends_is_renewed_once(rig: GoogleRig, calendars: Calendars) -> None:
    """An access token that ended before its time is replaced, and the reading goes on."""
    calendars.add()
    mirror = Mirror().take(pull(rig, secret="ended", renew=lambda _refused: rig.token))
    assert len(mirror.held) == 1


@pytest.mark.parametrize("fault", ["500", "503", "cut", "lose_answer", "die_before", "web_page"])
def test_faults_lose_nothing(rig: GoogleRig, calendars: Calendars, fault: Any) -> None:
    """A server in trouble is `Transient`, without words of a meeting, and the next reading brings what there is."""
    calendars.add(summary="CANARY")
    mirror = Mirror()
    rig.server.faults.order(fault)
    with pytest.raises(Transient) as caught:
        read(rig, mirror)
    assert "CANARY" not in str(caught.value)
    assert OWNER not in str(caught.value)
    rig.server.faults.mend()
    read(rig, mirror)
    calendars.add()
    rig.server.faults.order(fault)
    with pytest.raises(Transient):
        read(rig, mirror)
    read(rig, mirror)
    assert len(mirror.held) == 2


def test_skipped_is_counted(rig: GoogleRig, calendars: Calendars) -> None:
    """What is older than the date asked for, though Google tells of it, is counted and not kept."""
    one = calendars.add()
    mirror = Mirror()
    read(rig, mirror, since=date(2026, 1, 1))
    calendars.change(one, start=timed(NOW - timedelta(days=900)), end=timed(NOW - timedelta(days=900)))
    calendars.heeds_bounds = False
    pages = pull(rig, mirror.cursor, since=date(2026, 1, 1))
    mirror.take(pages)
    assert [type(change) for page in pages for change in page.changes] == [Tombstone, Skipped]
    assert mirror.held == {}
    assert not any(isinstance(change, Unreadable) for page in pages for change in page.changes)

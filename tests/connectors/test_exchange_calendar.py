"""Calendars of an Exchange mailbox become meetings, the same as from calendar files."""

import dataclasses
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors import exchange_calendar, ics
from connectors._exchange_elements import key_of
from schemas.connector import Access, Unreadable
from schemas.errors import Missing, PartlyRead, SuspiciousSnapshot, Transient
from schemas.records import Meeting, SourceRecord
from tests.connectors.exchange import (
    SEEDS,
    START,
    Mailbox,
    a_box,
    a_meeting,
    a_series,
    an_access,
    an_attendee,
    at,
    later,
    numbered,
    weekly,
)
from tests.contract.live_source import LiveServer, LiveSourceContract, Mirror, live_changes, live_pages
from tests.contract.source import an_access as a_file_access
from tests.fakes.exchange import ExchangeServer
from tests.fakes.exchange_wire import Element, e

SPEC = exchange_calendar.SPEC


class Meetings(Mailbox):
    """A calendar."""

    def make(self, name: str, turn: int) -> Element:
        return a_meeting(name, subject=f"{name} {turn}" if turn else name, sequence=turn)

    def bad(self) -> Element:
        return a_series("bad", e("t:WeeklyRecurrence", e("t:Interval", "0"), e("t:DaysOfWeek", "Monday")))


@pytest.fixture
def mailbox() -> Iterator[ExchangeServer]:
    """A mailbox whose every request and answer must be as Microsoft's schema has it."""
    with ExchangeServer().serve() as server:
        yield server
        assert server.breaches == []


class TestExchangeCalendar(LiveSourceContract):
    """Calendars keep the promises of every source."""

    spec = SPEC

    @pytest.fixture
    def server(self, mailbox: ExchangeServer) -> Meetings:
        return Meetings(mailbox, "calendar")

    def access(self, server: LiveServer, **more: Any) -> Access:
        assert isinstance(server, Meetings)
        return an_access(server.server, **more)

    def name_of(self, record: SourceRecord) -> str:
        assert isinstance(record, Meeting)
        return record.uid


class TestExchangeCalendarWithoutMarks(TestExchangeCalendar):
    """So they do where folders do not tell when they changed."""

    @pytest.fixture
    def server(self, mailbox: ExchangeServer) -> Meetings:
        mailbox.tells_marks = False
        return Meetings(mailbox, "calendar")


def read(server: ExchangeServer, mirror: Mirror | None = None, **more: Any) -> Mirror:
    """The mirror brought up to date."""
    mirror = mirror or Mirror()
    assert SPEC.open_source is not None
    return mirror.take(SPEC.open_source(an_access(server, **more)).pull(mirror.cursor))


def meetings(mirror: Mirror) -> list[Meeting]:
    found = [one.record for one in mirror.held.values() if isinstance(one.record, Meeting)]
    return sorted(found, key=lambda one: (one.uid, one.recurrence_id))


def from_file(folder: Path, *lines: str) -> list[Meeting]:
    """What a calendar file of these lines says."""
    path = folder / "calendar.ics"
    body = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//example//test//EN", *lines, "END:VCALENDAR", ""]
    path.write_text("\r\n".join(body))
    assert ics.SPEC.open_source is not None
    pages = ics.SPEC.open_source(a_file_access(path)).pull(None)
    return meetings(Mirror().take(pages))


def starts(meeting: Meeting) -> list[str]:
    return [f"{one.starts_at:%Y-%m-%dT%H:%M}" for one in meeting.occurrences]


# --- one meeting, wherever it is read ---------------------------------------------------------------------------------


def test_a_meeting_is_the_same_as_from_a_file(mailbox: ExchangeServer, tmp_path: Path) -> None:
    """UID, times, zone, people and their answers are what the same meeting says in a calendar file."""
    people = [
        an_attendee("Ana Okafor", "ana@example.com", "Accept"),
        an_attendee("Jonas", "Jonas@example.com", "Decline"),
    ]
    item = a_meeting(
        "040000008200E00074C5B7101A82E008AA",
        e("t:Location", "Room; north, 2"),
        e("t:OptionalAttendees", an_attendee("Mei", "mei@example.com", "Tentative")),
        e("t:Resources", an_attendee("Room 4", "room4@example.com", "Accept")),
        subject="Board prep; part 2, \\ end",
        people=people,
    )
    mailbox.add("calendar", item)
    (meeting,) = meetings(read(mailbox))
    (same,) = from_file(
        tmp_path,
        "X-WR-CALNAME:Calendar",
        "BEGIN:VEVENT",
        "UID:040000008200E00074C5B7101A82E008AA",
        "DTSTART;TZID=W. Europe Standard Time:20261201T090000",
        "DTEND;TZID=W. Europe Standard Time:20261201T100000",
        "SUMMARY:Board prep\\; part 2\\, \\\\ end",
        "LOCATION:Room\\; north\\, 2",
        "ORGANIZER;CN=Bea Organizer:mailto:bea@example.com",
        "ATTENDEE;CN=Ana Okafor;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED:mailto:ana@example.com",
        "ATTENDEE;CN=Jonas;ROLE=REQ-PARTICIPANT;PARTSTAT=DECLINED:mailto:jonas@example.com",
        "ATTENDEE;CN=Mei;ROLE=OPT-PARTICIPANT;PARTSTAT=TENTATIVE:mailto:mei@example.com",
        "ATTENDEE;CN=Room 4;CUTYPE=RESOURCE;ROLE=NON-PARTICIPANT;PARTSTAT=ACCEPTED:mailto:room4@example.com",
        "END:VEVENT",
    )
    assert meeting == same
    assert [one.kind for one in meeting.attendees] == ["individual", "individual", "individual", "resource"]


def test_a_series_with_exceptions_is_the_same_as_from_a_file(mailbox: ExchangeServer, tmp_path: Path) -> None:
    """A series over the change of clocks, one occurrence moved, one deleted: the same as in a calendar file."""
    start = datetime(2026, 3, 3, 8, tzinfo=UTC)
    moved = datetime(2026, 3, 31, 7, tzinfo=UTC)
    other = mailbox.add_occurrence(
        a_meeting(
            "s",
            e("t:OriginalStart", at(moved)),
            start=moved + timedelta(hours=3),
            kind="Exception",
            subject="Moved",
        )
    )
    mailbox.add(
        "calendar",
        a_series(
            "s",
            weekly("Tuesday"),
            numbered(6),
            e(
                "t:ModifiedOccurrences",
                e(
                    "t:Occurrence",
                    e("t:ItemId", Id=other),
                    e("t:Start", at(moved + timedelta(hours=3))),
                    e("t:End", at(moved + timedelta(hours=4))),
                    e("t:OriginalStart", at(moved)),
                ),
            ),
            e(
                "t:DeletedOccurrences",
                e("t:DeletedOccurrence", e("t:Start", at(datetime(2026, 3, 17, 8, tzinfo=UTC)))),
            ),
            start=start,
        ),
    )
    found = meetings(read(mailbox))
    same = from_file(
        tmp_path,
        "X-WR-CALNAME:Calendar",
        "BEGIN:VEVENT",
        "UID:s",
        "DTSTART;TZID=Europe/Berlin:20260303T090000",
        "DURATION:PT1H",
        "RRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=6",
        "EXDATE;TZID=Europe/Berlin:20260317T090000",
        "SUMMARY:Meeting",
        "END:VEVENT",
        "BEGIN:VEVENT",
        "UID:s",
        "RECURRENCE-ID;TZID=Europe/Berlin:20260331T090000",
        "DTSTART;TZID=Europe/Berlin:20260331T120000",
        "DURATION:PT1H",
        "SUMMARY:Moved",
        "END:VEVENT",
    )
    assert found == same
    assert [one.recurrence_id for one in found] == ["", "20260331T070000Z"]
    assert starts(found[0]) == [
        "2026-03-03T08:00", "2026-03-10T08:00", "2026-03-24T08:00", "2026-03-31T07:00", "2026-04-07T07:00",
    ]  # fmt: skip


def test_all_day_is_days(mailbox: ExchangeServer) -> None:
    """An all-day item is days, whatever zone it was made in; so are its exceptions and what was deleted of it."""
    berlin = datetime(2026, 12, 23, 23, tzinfo=UTC)
    mailbox.add("calendar", a_meeting("one", start=berlin, length=timedelta(days=2), is_day=True))
    tokyo = datetime(2026, 12, 4, 15, tzinfo=UTC)
    mailbox.add(
        "calendar",
        a_meeting("two", start=tokyo, length=timedelta(days=1), is_day=True, zone="Tokyo Standard Time"),
    )
    one = e("t:DeletedOccurrences", e("t:DeletedOccurrence", e("t:Start", at(berlin + timedelta(days=7)))))
    mailbox.add(
        "calendar",
        a_series(
            "ser", weekly("Thursday"), numbered(3), one, start=berlin, length=timedelta(days=1), is_day=True
        ),
    )
    one_, series, two = meetings(read(mailbox))
    # Days have no zone: naive midnights, the end exclusive.
    assert (f"{one_.starts_at}", f"{one_.ends_at}") == ("2026-12-24 00:00:00", "2026-12-26 00:00:00")
    assert one_.is_all_day
    assert f"{two.starts_at}" == "2026-12-05 00:00:00"
    assert [one.recurrence_id for one in series.occurrences] == ["20261224", "20270107"]


def test_what_is_no_meeting_has_no_organizer(mailbox: ExchangeServer) -> None:
    """Of an appointment of one's own Exchange names the owner as organizer; nobody called it."""
    item = a_meeting("own")
    item.append(e("t:Organizer", a_box("Alice", "alice@example.com")))
    mailbox.add("calendar", item)
    (meeting,) = meetings(read(mailbox))
    assert meeting.organizer is None
    assert meeting.attendees == ()


def test_the_owners_answer_is_told(mailbox: ExchangeServer) -> None:
    """In an attendee's calendar the own answer stands beside the attendees; cancelled is cancelled."""
    people = [an_attendee("Alice", "alice@example.com"), an_attendee("Old", "/o=Firm/cn=old")]
    item = a_meeting("asked", e("t:MyResponseType", "Decline"), people=people)
    item.find("{*}IsCancelled").text = "true"
    mailbox.add("calendar", item)
    (meeting,) = meetings(read(mailbox))
    assert [(one.address, one.partstat) for one in meeting.attendees] == [("alice@example.com", "declined")]
    assert meeting.is_cancelled


PATTERNS: list[tuple[str, Element, list[str]]] = [
    ("daily", e("t:DailyRecurrence", e("t:Interval", "2")), ["12-01", "12-03", "12-05"]),
    ("weekly", weekly("Tuesday Thursday"), ["12-01", "12-03", "12-08"]),
    ("workdays", weekly("Weekday", 1), ["12-01", "12-02", "12-03"]),
    (
        "every other week, counted from Monday",
        e(
            "t:WeeklyRecurrence",
            e("t:Interval", "2"),
            e("t:DaysOfWeek", "Tuesday Sunday"),
            e("t:FirstDayOfWeek", "Monday"),
        ),
        ["12-01", "12-06", "12-15"],
    ),
    (
        "a day of the month",
        e("t:AbsoluteMonthlyRecurrence", e("t:Interval", "1"), e("t:DayOfMonth", "1")),
        ["12-01", "01-01", "02-01"],
    ),
    (
        "the first Tuesday",
        e(
            "t:RelativeMonthlyRecurrence",
            e("t:Interval", "1"),
            e("t:DaysOfWeek", "Tuesday"),
            e("t:DayOfWeekIndex", "First"),
        ),
        ["12-01", "01-05", "02-02"],
    ),
    (
        "the first workday",
        e(
            "t:RelativeMonthlyRecurrence",
            e("t:Interval", "1"),
            e("t:DaysOfWeek", "Weekday"),
            e("t:DayOfWeekIndex", "First"),
        ),
        ["12-01", "01-01", "02-01"],
    ),
]


@pytest.mark.parametrize(("pattern", "days"), [one[1:] for one in PATTERNS], ids=[one[0] for one in PATTERNS])
def test_each_pattern_is_understood(mailbox: ExchangeServer, pattern: Element, days: list[str]) -> None:
    """Every pattern of EWS gives the days that Exchange shows."""
    mailbox.add("calendar", a_series("s", pattern, numbered(3)))
    (meeting,) = meetings(read(mailbox))
    assert [f"{one.starts_at:%m-%d}" for one in meeting.occurrences] == days


def test_a_day_that_a_month_has_not_is_its_last(mailbox: ExchangeServer) -> None:
    """The 31st of every month is the last day of shorter ones ([MS-OXOCAL] 2.2.1.44.1)."""
    pattern = e("t:AbsoluteMonthlyRecurrence", e("t:Interval", "1"), e("t:DayOfMonth", "31"))
    mailbox.add("calendar", a_series("s", pattern, numbered(4), start=datetime(2026, 12, 31, 8, tzinfo=UTC)))
    (meeting,) = meetings(read(mailbox))
    assert [f"{one.starts_at:%m-%d}" for one in meeting.occurrences] == ["12-31", "01-31", "02-28", "03-31"]


def test_a_yearly_series_and_one_that_ends(mailbox: ExchangeServer) -> None:
    """Yearly patterns are read, and the last day named is within the series, in its own zone."""
    yearly = e("t:AbsoluteYearlyRecurrence", e("t:DayOfMonth", "1"), e("t:Month", "December"))
    mailbox.add("calendar", a_series("y", yearly, numbered(2)))
    nth = e(
        "t:RelativeYearlyRecurrence",
        e("t:DaysOfWeek", "Tuesday"),
        e("t:DayOfWeekIndex", "First"),
        e("t:Month", "December"),
    )
    mailbox.add("calendar", a_series("n", nth, numbered(2)))
    ends = e("t:EndDateRecurrence", e("t:StartDate", "2026-12-01Z"), e("t:EndDate", "2026-12-08Z"))
    evening = datetime(2026, 12, 2, 5, tzinfo=UTC)
    mailbox.add(
        "calendar", a_series("e", weekly("Tuesday"), ends, start=evening, zone="Pacific Standard Time")
    )
    ending, nth_, yearly_ = meetings(read(mailbox))
    assert starts(ending) == ["2026-12-02T05:00", "2026-12-09T05:00"]
    assert starts(yearly_)[0] == "2026-12-01T08:00"
    assert starts(nth_)[0] == "2026-12-01T08:00"


# --- windows and costs ------------------------------------------------------------------------------------------------


def test_a_bomb_of_a_series_is_bounded(mailbox: ExchangeServer) -> None:
    """A series that has no end and began long ago gives no more than its window holds."""
    mailbox.add(
        "calendar",
        a_series(
            "s", e("t:DailyRecurrence", e("t:Interval", "1")), start=datetime(1990, 1, 1, 8, tzinfo=UTC)
        ),
    )
    (meeting,) = meetings(read(mailbox, since=date(2025, 1, 1)))
    assert 365 * 2 < len(meeting.occurrences) < 365 * 3 + 70


def test_what_is_older_is_not_asked_for(mailbox: ExchangeServer) -> None:
    """Of items before `--since` nothing but their times is asked for."""
    for number in range(30):
        mailbox.add("calendar", a_meeting(f"old{number}", start=datetime(2020, 1, 1, 8, tzinfo=UTC)))
    mailbox.add("calendar", a_meeting("new"))
    assert [one.uid for one in meetings(read(mailbox, since=date(2025, 1, 1)))] == ["new"]
    (asked,) = [one for one in mailbox.asked if one.operation == "GetItem"]
    assert len(asked.body.findall(".//{*}ItemIds/{*}ItemId")) == 1


def test_a_quiet_mailbox_costs_one_request(mailbox: ExchangeServer) -> None:
    """A look that finds nothing new is one request; within the hour it does not look into folders at all."""
    for number in range(60):
        mailbox.add("calendar", a_meeting(f"m{number}"))
    access = an_access(mailbox)
    mirror = Mirror().take(live_pages(SPEC, access))
    assert mailbox.operations() == ["GetFolder", "FindFolder", "SyncFolderItems", "GetItem", "GetItem"]
    mirror.take(live_pages(SPEC, access, mirror.cursor))
    assert mailbox.operations() == ["FindFolder"]
    mirror.take(live_pages(SPEC, later(access, timedelta(hours=2)), mirror.cursor))
    assert mailbox.operations() == ["FindFolder", "SyncFolderItems"]


def test_a_hundred_changes_cost_a_few_requests(mailbox: ExchangeServer) -> None:
    """Of a calendar with 600 items a hundred changed ones are listed once and asked for once."""
    ids = [mailbox.add("calendar", a_meeting(f"m{number}")) for number in range(600)]
    mirror = read(mailbox)
    mailbox.operations()
    for number in ids[:100]:
        mailbox.change(number, e("t:Subject", "Other"))
    read(mailbox, mirror)
    assert mailbox.operations() == ["FindFolder", "SyncFolderItems", "GetItem", "GetItem"]
    assert sum(one.summary == "Other" for one in meetings(mirror)) == 100


def test_a_series_reaches_further_in_a_new_month(mailbox: ExchangeServer) -> None:
    """Once a month masters are read anew, and nothing else is."""
    mailbox.add("calendar", a_series("s", weekly("Tuesday")))
    mailbox.add("calendar", a_meeting("m"))
    access = an_access(mailbox)
    mirror = Mirror().take(live_pages(SPEC, access))
    (before,) = [len(one.occurrences) for one in meetings(mirror) if one.is_series]
    mailbox.operations()
    mirror.take(live_pages(SPEC, later(access, timedelta(days=40)), mirror.cursor))
    (after,) = [len(one.occurrences) for one in meetings(mirror) if one.is_series]
    assert after > before
    (asked,) = [one for one in mailbox.asked if one.operation == "GetItem"]
    assert len(asked.body.findall(".//{*}ItemIds/{*}ItemId")) == 1


# --- folders ------------------------------------------------------------------------------------------------------------


def test_calendars_are_chosen_by_name(mailbox: ExchangeServer) -> None:
    """By default every calendar is read; the owner may name some; what is not there is told with what is."""
    team = mailbox.add_folder("Team", "IPF.Appointment", "calendar")
    mailbox.add("calendar", a_meeting("own"))
    mailbox.add(team, a_meeting("theirs"))
    assert [one.uid for one in meetings(read(mailbox))] == ["own", "theirs"]
    assert [one.uid for one in meetings(read(mailbox, calendars=["team"]))] == ["theirs"]
    with pytest.raises(Missing, match="“Team”"):
        read(mailbox, calendars=["Holidays"])


def test_a_move_is_no_deletion(mailbox: ExchangeServer) -> None:
    """What is put into another calendar comes from there before it goes from where it was."""
    team = mailbox.add_folder("Team", "IPF.Appointment", "calendar")
    id_ = mailbox.add("calendar", a_meeting("m"))
    mirror = read(mailbox)
    mailbox.move(id_, team)
    held = dict(mirror.held)
    for page in live_pages(SPEC, an_access(mailbox), mirror.cursor):
        mirror.take([page])
        assert [one.uid for one in meetings(mirror)].count("m") >= 1
    assert len(mirror.held) == 1
    assert mirror.held.keys() != held.keys()


def test_a_calendar_that_is_gone_takes_its_meetings_along(mailbox: ExchangeServer) -> None:
    """What was in a calendar that was deleted is gone; the rest stays."""
    team = mailbox.add_folder("Team", "IPF.Appointment", "calendar")
    mailbox.add("calendar", a_meeting("own"))
    mailbox.add(team, a_meeting("theirs"))
    mirror = read(mailbox)
    mailbox.delete_folder(team)
    assert [one.uid for one in meetings(read(mailbox, mirror))] == ["own"]


# --- dead states, kills, faults -----------------------------------------------------------------------------------------


def test_a_dead_state_costs_one_listing(mailbox: ExchangeServer) -> None:
    """After ErrorInvalidSyncStateData what is known is not asked for again, and what has gone meanwhile goes."""
    ids = [mailbox.add("calendar", a_meeting(f"m{number}")) for number in range(20)]
    mirror = read(mailbox)
    mailbox.remove(ids[3])
    mailbox.add("calendar", a_meeting("new"))
    mailbox.expire_sync_states()
    mailbox.operations()
    read(mailbox, mirror)
    assert mailbox.operations() == ["FindFolder", "SyncFolderItems", "SyncFolderItems", "GetItem"]
    assert {one.uid for one in meetings(mirror)} == {f"m{number}" for number in range(20) if number != 3} | {
        "new"
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_full_resync_neither_doubles_nor_deletes(mailbox: ExchangeServer, seed: int) -> None:
    """States die at any time, readings are killed at any page, items come, change, move and go: in the end all is as it is."""
    luck = random.Random(seed)
    folders = ["calendar", mailbox.add_folder("Team", "IPF.Appointment", "calendar")]
    ids: dict[str, str] = {}
    mirror = Mirror()
    for step in range(6):
        for number in range(luck.randrange(5)):
            name = f"m{step}.{number}"
            ids[name] = mailbox.add(luck.choice(folders), a_meeting(name))
        for name in luck.sample(sorted(ids), min(len(ids), luck.randrange(3))):
            act = luck.randrange(3)
            if act == 0:
                mailbox.delete(ids.pop(name))
            elif act == 1:
                ids[name] = mailbox.move(ids[name], luck.choice(folders))
            else:
                mailbox.change(ids[name], e("t:Subject", f"{name} {step}"))
        if luck.random() < 0.5:
            mailbox.expire_sync_states()
        pages = live_pages(SPEC, an_access(mailbox), mirror.cursor)
        # A kill: what comes after some page is never taken in.
        before = {one.uid for one in meetings(mirror)}
        mirror.take(pages[: luck.randrange(len(pages) + 1)])
        assert before & ids.keys() <= {one.uid for one in meetings(mirror)}
    read(mailbox, mirror)
    assert sorted(one.uid for one in meetings(mirror)) == sorted(ids)
    assert {one.record for one in mirror.held.values()} == {one.record for one in read(mailbox).held.values()}


def test_a_listing_of_nothing_is_not_believed(mailbox: ExchangeServer) -> None:
    """A dead state after which a folder names nothing of what it held takes nothing away."""
    ids = [mailbox.add("calendar", a_meeting(f"m{number}")) for number in range(3)]
    mirror = read(mailbox)
    for one in ids:
        mailbox.remove(one)
    mailbox.expire_sync_states()
    with pytest.raises(SuspiciousSnapshot):
        read(mailbox, mirror)
    assert len(mirror.held) == 3


def test_another_mailbox_without_meetings_is_not_believed(mailbox: ExchangeServer) -> None:
    """An empty mailbox in the place of the one that was read takes nothing away; one with the same meetings does no harm."""
    for number in range(3):
        mailbox.add("calendar", a_meeting(f"m{number}"))
    mirror = read(mailbox)
    with ExchangeServer(made=10_000).serve() as other:
        with pytest.raises(SuspiciousSnapshot):
            read(other, mirror)
        assert len(mirror.held) == 3
        for number in range(3):
            other.add("calendar", a_meeting(f"m{number}"))
        assert [one.uid for one in meetings(read(other, mirror))] == ["m0", "m1", "m2"]
        assert other.breaches == []


def test_a_calendar_that_cannot_be_read_stops_no_other(mailbox: ExchangeServer) -> None:
    """What the server refuses of one calendar is told once the others were read, and costs no more than that."""
    team = mailbox.add_folder("Team", "IPF.Appointment", "calendar")
    ids = [mailbox.add("calendar", a_meeting(f"m{number}")) for number in range(3)]
    mirror = read(mailbox)
    for one in ids:
        mailbox.remove(one)
    mailbox.expire_sync_states()
    mailbox.add(team, a_meeting("theirs"))
    with pytest.raises(PartlyRead, match="Nothing was removed"):
        read(mailbox, mirror)
    assert [one.uid for one in meetings(mirror)] == ["m0", "m1", "m2", "theirs"]
    mailbox.operations()
    with pytest.raises(PartlyRead, match="Nothing was removed"):
        read(mailbox, mirror)
    assert "GetItem" not in mailbox.operations()


def test_an_item_the_server_cannot_read_stops_nothing(mailbox: ExchangeServer) -> None:
    """What the server does not hand out is told of; the others come, and it comes once it is mended."""
    ids = [mailbox.add("calendar", a_meeting(f"m{number}")) for number in range(3)]
    mailbox.broken.add(ids[1])
    mirror = read(mailbox)
    assert [one.uid for one in meetings(mirror)] == ["m0", "m2"]
    (told,) = mirror.unreadable
    assert "ErrorCorruptData" in told.reason
    mailbox.broken.clear()
    mailbox.change(ids[1], e("t:Subject", "Mended"))
    assert [one.uid for one in meetings(read(mailbox, mirror))] == ["m0", "m1", "m2"]


def test_a_busy_server_is_left_alone_as_long_as_it_asks(mailbox: ExchangeServer) -> None:
    """ErrorServerBusy names the time to wait, and nothing is lost by it."""
    mailbox.add("calendar", a_meeting("m"))
    for _ in range(3):
        mailbox.faults.order("429")
        with pytest.raises(Transient):
            read(mailbox)
    assert [one.uid for one in meetings(read(mailbox))] == ["m"]


def test_a_longer_look_back_reads_more(mailbox: ExchangeServer) -> None:
    """An earlier `since` brings what was left out before, and nothing twice."""
    mailbox.add("calendar", a_meeting("old", start=datetime(2024, 6, 1, 8, tzinfo=UTC)))
    mailbox.add("calendar", a_meeting("new"))
    mirror = read(mailbox, since=date(2025, 1, 1))
    access = dataclasses.replace(an_access(mailbox), since=date(2024, 1, 1))
    mirror.take(live_pages(SPEC, access, mirror.cursor))
    assert [one.uid for one in meetings(mirror)] == ["new", "old"]


@pytest.mark.parametrize(
    "hostile",
    [
        a_meeting("x\r\nATTENDEE:mailto:eve@example.com\r\nUID:y"),
        a_meeting("m", subject="a\nEND:VEVENT\nBEGIN:VEVENT\nUID:forged\nDTSTART:20270101\nEND:VEVENT"),
        a_meeting("m", people=[an_attendee('Ana";X=1:mailto:eve@example.com', "ana@example.com")]),
        a_meeting("m", people=[an_attendee("Ana", "ana@example.com>\nATTENDEE:mailto:eve@example.com")]),
    ],
    ids=["uid", "subject", "name", "address"],
)
def test_hostile_words_make_no_events_and_no_people(mailbox: ExchangeServer, hostile: Element) -> None:
    """Whatever stands in a field, it stays in it."""
    mailbox.add("calendar", hostile)
    (meeting,) = meetings(read(mailbox))
    assert "eve@example.com" not in {one.address for one in meeting.attendees}
    assert meeting.uid != "forged"


def an_exception(server: ExchangeServer, original: datetime, *more: Element) -> Element:
    """An occurrence of a series that was put an hour later, as its master names it."""
    moved = original + timedelta(hours=1)
    id_ = server.add_occurrence(a_meeting("s", *more, start=moved, kind="Exception", subject="Moved"))
    return e(
        "t:Occurrence",
        e("t:ItemId", Id=id_),
        e("t:Start", at(moved)),
        e("t:End", at(moved + timedelta(hours=1))),
        e("t:OriginalStart", at(original)),
    )


def test_an_occurrence_the_server_cannot_read_is_told_of(mailbox: ExchangeServer) -> None:
    """The series comes without it, and that is told; what was known of the occurrence stays as it was."""
    week = START + timedelta(days=7)
    one = an_exception(mailbox, week, e("t:OriginalStart", at(week)))
    id_ = mailbox.add(
        "calendar", a_series("s", weekly("Tuesday"), numbered(3), e("t:ModifiedOccurrences", one))
    )
    mirror = read(mailbox)
    assert len(meetings(mirror)) == 2
    assert mirror.unreadable == []
    mailbox.broken.add(one.find("{*}ItemId").get("Id"))
    mailbox.change(id_, e("t:Subject", "Renamed"))
    read(mailbox, mirror)
    assert [one.summary for one in meetings(mirror)] == ["Renamed", "Moved"]
    (told,) = mirror.unreadable
    assert "ErrorCorruptData" in told.reason


def test_an_occurrence_that_does_not_say_which_it_is(mailbox: ExchangeServer) -> None:
    """It is told of, and the series is not read as if it had none."""
    one = an_exception(mailbox, START + timedelta(days=7))
    mailbox.add("calendar", a_series("s", weekly("Tuesday"), numbered(3), e("t:ModifiedOccurrences", one)))
    mirror = read(mailbox)
    assert meetings(mirror) == []
    (told,) = mirror.unreadable
    assert "which" in told.reason


def test_more_exceptions_than_are_read_are_told_of(mailbox: ExchangeServer) -> None:
    """A thousand occurrences that differ are asked for, and that there are more is told."""
    ids = [
        e(
            "t:Occurrence",
            e("t:ItemId", Id=f"no-such-{number}"),
            e("t:Start", at(START)),
            e("t:End", at(START)),
            e("t:OriginalStart", at(START)),
        )
        for number in range(1_001)
    ]
    mailbox.add("calendar", a_series("s", weekly("Tuesday"), numbered(3), e("t:ModifiedOccurrences", *ids)))
    mirror = read(mailbox)
    assert len(meetings(mirror)) == 1
    (told,) = mirror.unreadable
    assert "1,000" in told.reason


def test_a_series_without_sense_is_told_of(mailbox: ExchangeServer) -> None:
    """Patterns and ends that make no sense are `Unreadable`, each with its reason."""
    for number, pattern in enumerate(
        [
            e("t:DailyRecurrence", e("t:Interval", "0")),
            e("t:DailyRecurrence", e("t:Interval", "99999999")),
            e("t:AbsoluteMonthlyRecurrence", e("t:Interval", "1"), e("t:DayOfMonth", "77")),
        ]
    ):
        mailbox.add("calendar", a_series(f"s{number}", pattern))
    changes = live_changes(live_pages(SPEC, an_access(mailbox)))
    assert len(changes) == 3
    assert all(isinstance(one, Unreadable) and one.reason for one in changes)


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "soon"])
def test_an_instant_that_is_none_stops_nothing(mailbox: ExchangeServer, when: str) -> None:
    """An item that ends at no time that there is can be told of, and the others come."""
    odd = a_meeting("odd")
    mailbox.add("calendar", odd)
    mailbox.add("calendar", a_meeting("m", start=START + timedelta(days=1)))
    mailbox.wire.spoil = lambda said: said.replace(odd.findtext("{*}End").encode(), when.encode())
    mirror = read(mailbox, since=date(2025, 1, 1))
    assert [one.uid for one in meetings(mirror)] == ["m"]
    assert len(mirror.unreadable) == 1


def test_a_listing_anew_may_be_broken_off(mailbox: ExchangeServer) -> None:
    """A listing after a dead state that is killed and gone on with still tells what has gone before it began."""
    ids = [mailbox.add("calendar", a_meeting(f"m{number}")) for number in range(1_100)]
    mirror = read(mailbox)
    mailbox.expire_sync_states()
    for one in (ids[3], ids[1_000]):
        mailbox.remove(one)
    for number in range(2_000, 2_300):
        mailbox.add("calendar", a_meeting(f"m{number}"))
    pages = live_pages(SPEC, an_access(mailbox), mirror.cursor)
    assert len(pages) > 2
    for cut in range(1, len(pages)):
        broken = Mirror()
        broken.held, broken.cursor = dict(mirror.held), mirror.cursor
        broken.take(pages[:cut])
        assert len(read(mailbox, broken).held) == 1_398


def test_what_went_before_it_was_noted_goes(mailbox: ExchangeServer) -> None:
    """An item that came in a page before a kill and was deleted before the next reading is gone."""
    ids = [mailbox.add("calendar", a_meeting(f"m{number}")) for number in range(450)]
    pages = live_pages(SPEC, an_access(mailbox))
    mirror = Mirror().take(pages[:1])
    assert 0 < len(mirror.held) < 450
    gone = next(one for one in ids if any(key[1].startswith(key_of(one)) for key in mirror.held))
    mailbox.remove(gone)
    assert len(read(mailbox, mirror).held) == 449

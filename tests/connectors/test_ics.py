"""Calendars of every producer become meetings at the right instants, and no rule holds the reader up."""

import io
import random
import tracemalloc
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr  # type: ignore[import-untyped]  # dateutil ships no types
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors._ical import ANSWER, MOST_A_YEAR, TOO_OLD, Surroundings, read_meetings, window_end
from connectors.ics import SPEC, recognise
from schemas.connector import Change, Page, Same, Skipped, Unreadable, Upsert
from schemas.errors import CursorExpired, UnreadableFile
from schemas.ids import Cursor
from schemas.records import Attendee, Mailbox, Meeting
from tests.connectors import files
from tests.connectors.files import NOW, an_access, changes_of
from tests.contract.source import SourceContract
from tests.cost import cpu_seconds

FIXTURES = Path(__file__).parents[1] / "fixtures" / "ics"


def pull(*paths: Path, cursor: Cursor | None = None, now: datetime = NOW) -> list[Page]:
    return files.pull(SPEC, an_access(*paths, now=now), cursor)


def calendar(*components: str, header: str = "") -> bytes:
    body = "\n".join(
        ["BEGIN:VCALENDAR", "VERSION:2.0", *([header] if header else []), *components, "END:VCALENDAR", ""]
    )
    return body.replace("\n", "\r\n").encode()


def an_event(*lines: str, uid: str = "u@example.com") -> str:
    return "\n".join(["BEGIN:VEVENT", f"UID:{uid}", *lines, "END:VEVENT"])


def read(raw: bytes, zone: str = "Europe/Berlin", since: date | None = None) -> list[Change]:
    return list(read_meetings(io.BytesIO(raw), Surroundings("c.ics", zone, window_end(NOW), since)))


def by_id(found: Sequence[Change]) -> dict[str, Meeting]:
    return {
        change.id: change.record
        for change in found
        if isinstance(change, Upsert) and isinstance(change.record, Meeting)
    }


def meeting(
    *lines: str, zone: str = "Europe/Berlin", header: str = "", others: Sequence[str] = ()
) -> Meeting:
    found = read(calendar(an_event(*lines), *others, header=header), zone)
    meetings = by_id(found)
    assert "u@example.com" in meetings, found
    return meetings["u@example.com"]


def starts(record: Meeting) -> list[str]:
    return [f"{o.starts_at:%Y%m%dT%H%M}{'Z' if o.starts_at.tzinfo else ''}" for o in record.occurrences]


def utc(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%dT%H%MZ").replace(tzinfo=UTC)


class TestIcs(SourceContract):
    spec = SPEC

    def given(self, folder: Path) -> Path:
        file = folder / "work.ics"
        single = [an_event("DTSTART:20260301T080000Z", uid=f"s{n}") for n in range(700)]
        series = an_event("DTSTART;VALUE=DATE:20260301", "RRULE:FREQ=WEEKLY", uid="series")
        moved = an_event("DTSTART:20260309T080000Z", "RECURRENCE-ID;VALUE=DATE:20260308", uid="series")
        file.write_bytes(calendar(*single, moved, series))
        return file

    def grown(self, path: Path) -> set[str]:
        self._add(path, an_event("DTSTART:20260401T080000Z", uid="new"))
        return {"new"}

    def spoiled(self, path: Path) -> bool:
        self._add(path, an_event("DTSTART:whenever", uid="bad"))
        return True

    @staticmethod
    def _add(path: Path, event: str) -> None:
        end = b"END:VCALENDAR"
        path.write_bytes(path.read_bytes().replace(end, event.replace("\n", "\r\n").encode() + b"\r\n" + end))


# ------ producers


def test_who_is_told_for_information_is_not_asked() -> None:
    """A NON-PARTICIPANT (RFC 5545 3.2.16) is no attendee; a room that calls itself one stays a room."""
    record = meeting(
        "DTSTART:20260301T080000Z",
        "ATTENDEE;ROLE=NON-PARTICIPANT:mailto:cy@example.com",
        "ATTENDEE;ROLE=OPT-PARTICIPANT:mailto:ana@example.com",
        "ATTENDEE;ROLE=NON-PARTICIPANT;CUTYPE=ROOM:mailto:room4@example.com",
    )
    assert [(each.address, each.kind) for each in record.attendees] == [
        ("ana@example.com", "individual"),
        ("room4@example.com", "room"),
    ]


def test_google() -> None:
    """A Takeout calendar: folded attendees, overrides, a cancelled one, EXDATE, a room, an all-day meeting."""
    meetings = by_id(changes_of(pull(FIXTURES / "google.ics")))
    assert set(meetings) == {
        "standup0001@google.com",
        "standup0001@google.com/20260316T083000Z",
        "standup0001@google.com/20260323T083000Z",
        "offsite@google.com",
    }
    series = meetings["standup0001@google.com"]
    assert series.is_series
    assert starts(series) == [
        "20260302T0830Z",
        "20260309T0830Z",
        "20260316T0830Z",
        "20260323T0830Z",
        "20260330T0730Z",
        "20260413T0730Z",
        "20260420T0730Z",
        "20260427T0730Z",
    ]
    assert {o.recurrence_id for o in series.occurrences} > {"20260316T083000Z", "20260323T083000Z"}
    assert (series.summary, series.location, series.calendar) == ("Standup", "Room 4, Berlin", "Mara's work")
    assert series.organizer == Mailbox("mara@example.com", "Mara Lind")
    assert series.attendees == (
        Attendee("mara@example.com", "Mara Lind", "accepted"),
        Attendee("tom@example.com", "", "tentative", is_optional=True),
        Attendee("room4@resource.calendar.google.com", "Room 4, Berlin", "accepted", "resource"),
    )
    moved = meetings["standup0001@google.com/20260316T083000Z"]
    assert (moved.starts_at, moved.uid) == (utc("20260316T1300Z"), "standup0001@google.com")
    assert meetings["standup0001@google.com/20260323T083000Z"].is_cancelled
    offsite = meetings["offsite@google.com"]
    assert offsite.is_all_day
    assert (offsite.starts_at, offsite.ends_at) == (datetime(2026, 5, 1), datetime(2026, 5, 3))  # noqa: DTZ001 -- all-day is naive


def test_outlook() -> None:
    """Outlook: a Windows zone in quotes, percent-encoded people, `invalid:nomail`, all-day as date-times."""
    meetings = by_id(changes_of(pull(FIXTURES / "outlook.ics")))
    talk = next(m for m in meetings.values() if m.summary == "Vertragsgespräch")
    assert talk.uid.endswith("AABBCCDDEEFF")
    assert len(talk.uid) == 112
    assert talk.starts_at == utc("20260710T0800Z")
    assert talk.tzid == "Europe/Berlin"
    assert talk.organizer == Mailbox("lena+work@example.com", "Roth, Lena")
    assert talk.attendees == (
        Attendee("omar@example.com", "Omar Haddad"),
        Attendee("beamer@example.com", "Beamer", kind="resource", is_optional=True),
    )
    assert talk.calendar == "outlook"
    fair = meetings["fair@example.com"]
    assert fair.is_all_day
    assert (fair.starts_at, fair.ends_at) == (datetime(2026, 7, 13), datetime(2026, 7, 15))  # noqa: DTZ001 -- all-day is naive


def test_exchange_zone_by_its_body() -> None:
    """A made-up TZID is read by the file's VTIMEZONE, summer and winter."""
    meetings = by_id(changes_of(pull(FIXTURES / "exchange_custom_zone.ics")))
    assert meetings["custom-summer@example.com"].starts_at == utc("20260710T1300Z")
    assert meetings["custom-winter@example.com"].starts_at == utc("20261210T1400Z")


def test_apple() -> None:
    """Apple: EMAIL= where the value names a principal; a VALARM's properties are not the meeting's."""
    (lunch,) = by_id(changes_of(pull(FIXTURES / "apple.ics"))).values()
    assert lunch.organizer == Mailbox("mara@example.com", "Mara Lind")
    assert lunch.attendees == (Attendee("priya@example.com", "Priya Raman", "declined"),)
    assert lunch.ends_at - lunch.starts_at == timedelta(hours=1)
    assert lunch.calendar == "Home"


def test_thunderbird() -> None:
    """A prefixed Olson name without VTIMEZONE; a floating time stays naive; a VTODO is not counted."""
    found = changes_of(pull(FIXTURES / "thunderbird.ics"))
    meetings = by_id(found)
    assert len(found) == len(meetings) == 2
    call = meetings["prefixed@example.com"]
    assert (call.starts_at, call.ends_at) == (utc("20260710T1300Z"), utc("20260710T1345Z"))
    assert meetings["floating@example.com"].starts_at.tzinfo is None


def test_zoom() -> None:
    """Unrelated meetings under one UID stay apart; the earliest keeps the plain UID."""
    meetings = by_id(changes_of(pull(FIXTURES / "zoom.ics")))
    assert {key: m.summary for key, m in meetings.items()} == {
        "ZOOM81234@example.com": "Course, evening 1",
        "ZOOM81234@example.com/20260713T150000": "Course, evening 2",
    }


def test_answers_are_no_meetings() -> None:
    """METHOD:REPLY is left out by reason."""
    assert changes_of(pull(FIXTURES / "reply.ics")) == [Skipped(ANSWER)]


def test_web_page() -> None:
    """A sign-in page under a calendar's name is refused whole, in words that say so."""
    with pytest.raises(UnreadableFile, match="web page"):
        pull(FIXTURES / "sign_in.ics")


# ------ time


@pytest.mark.parametrize(
    ("line", "start"),
    [
        ("DTSTART:20260301T080000Z", "20260301T0800Z"),
        ("DTSTART:2026-03-01T08:00:00Z", "20260301T0800Z"),
        ("DTSTART;TZID=Europe/Berlin:20260301T080000", "20260301T0700Z"),
        ("DTSTART;TZID=europe/berlin:20260301T080000", "20260301T0700Z"),
        ("DTSTART;TZID=Pacific Standard Time:20260301T080000", "20260301T1600Z"),
        ("DTSTART;TZID=/freeassociation.sourceforge.net/Asia/Tokyo:20260301T080000", "20260228T2300Z"),
        (
            "DTSTART;TZID=/citadel.org/20210210_1/America/Argentina/Buenos_Aires:20260301T080000",
            "20260301T1100Z",
        ),
        ("DTSTART;TZID=UTC+02:00:20260301T080000", None),
        ('DTSTART;TZID="UTC+02:00":20260301T080000', "20260301T0600Z"),
        ("DTSTART;TZID=Nobody Knows:20260301T080000", "20260301T0700Z"),
        ("DTSTART;TZID=../../etc/passwd:20260301T080000", "20260301T0700Z"),
        # RFC 5545 3.3.5: in a gap the offset before it; of two the first.
        ("DTSTART;TZID=Europe/Berlin:20260329T023000", "20260329T0130Z"),
        ("DTSTART;TZID=Europe/Berlin:20261025T023000", "20261025T0030Z"),
    ],
)
def test_forms_of_time(line: str, start: str | None) -> None:
    """Every form of a zoned time gives its instant; what no zone list knows is the owner's."""
    found = read(calendar(an_event(line)))
    if start is None:
        assert isinstance(found[0], Unreadable)
    else:
        assert by_id(found)["u@example.com"].starts_at == utc(start)


@pytest.mark.parametrize(
    ("lines", "start", "end", "is_all_day"),
    [
        (["DTSTART;VALUE=DATE:20260301"], "20260301T0000", "20260302T0000", True),
        (
            ["DTSTART;VALUE=DATE:20260301", "DTEND;VALUE=DATE:20260301"],
            "20260301T0000",
            "20260302T0000",
            True,
        ),
        (["DTSTART;VALUE=DATE:20260301", "DURATION:P2D"], "20260301T0000", "20260303T0000", True),
        (["DTSTART:20260301"], "20260301T0000", "20260302T0000", True),
        (["DTSTART:20260301T080000", "DURATION:PT90M"], "20260301T0800", "20260301T0930", False),
        (["DTSTART:20260301T000000", "DTEND:20260302T000000"], "20260301T0000", "20260302T0000", True),
        (
            ["DTSTART:20260228T230000Z", "DTEND:20260301T230000Z", "X-MICROSOFT-CDO-ALLDAYEVENT:TRUE"],
            "20260301T0000",
            "20260302T0000",
            True,
        ),
        (
            [
                "DTSTART;TZID=Europe/Berlin:20260329T000000",
                "DTEND;TZID=Europe/Berlin:20260330T000000",
                "X-MICROSOFT-CDO-ALLDAYEVENT:TRUE",
            ],
            "20260329T0000",
            "20260330T0000",
            True,
        ),
    ],
)
def test_naive_times(lines: list[str], start: str, end: str, is_all_day: bool) -> None:
    """All-day and floating meetings stay naive, with an exclusive end."""
    record = meeting(*lines)
    assert (f"{record.starts_at:%Y%m%dT%H%M}", f"{record.ends_at:%Y%m%dT%H%M}") == (start, end)
    assert record.starts_at.tzinfo is None
    assert record.is_all_day == is_all_day


def test_nominal_and_exact_duration() -> None:
    """P1D over a clock change is a day of the clock, PT24H is 24 hours (RFC 5545 3.3.6)."""
    start = "DTSTART;TZID=Europe/Berlin:20260328T120000"
    assert meeting(start, "DURATION:P1D").ends_at == utc("20260329T1000Z")
    assert meeting(start, "DURATION:PT24H").ends_at == utc("20260329T1100Z")


def test_utc_series_moves_with_its_calendar() -> None:
    """A series anchored in UTC follows the clock of X-WR-TIMEZONE, unless its rule then misses its start."""
    lines = ("DTSTART:20260323T080000Z", "RRULE:FREQ=WEEKLY;COUNT=2")
    assert starts(meeting(*lines)) == ["20260323T0800Z", "20260330T0800Z"]
    assert starts(meeting(*lines, header="X-WR-TIMEZONE:Europe/Berlin")) == [
        "20260323T0800Z",
        "20260330T0700Z",
    ]
    late = ("DTSTART:20260323T233000Z", "RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=2")
    assert starts(meeting(*late, header="X-WR-TIMEZONE:Europe/Berlin")) == [
        "20260323T2330Z",
        "20260330T2330Z",
    ]


ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Africa/Casablanca",
    "Pacific/Auckland",
)


@pytest.mark.parametrize("zone", ZONES)
def test_weekly_series_over_clock_changes(zone: str) -> None:
    """A weekly meeting stays at its hour of the clock through both changes, two years long."""
    record = meeting(f"DTSTART;TZID={zone}:20250106T093000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=104")
    local = [o.starts_at.astimezone(ZoneInfo(zone)) for o in record.occurrences]
    assert len(local) == 104
    assert {(at.hour, at.minute, at.weekday()) for at in local} == {(9, 30, 0)}
    assert {o.ends_at - o.starts_at for o in record.occurrences} == {timedelta(hours=1)}
    assert len({at.utcoffset() for at in local}) == 2


def test_500_instants() -> None:
    """Five hundred wall times around clock changes in six zones are read as zoneinfo has them."""
    chance = random.Random(15)
    cases = []
    for _ in range(500):
        zone = chance.choice(ZONES)
        wall = datetime(2020, 1, 1) + timedelta(minutes=chance.randrange(60 * 24 * 366 * 6))  # noqa: DTZ001 -- a wall time
        cases.append((zone, wall))
    events = [
        an_event(f"DTSTART;TZID={zone}:{wall:%Y%m%dT%H%M%S}", uid=str(n))
        for n, (zone, wall) in enumerate(cases)
    ]
    meetings = by_id(read(calendar(*events)))
    for n, (zone, wall) in enumerate(cases):
        assert meetings[str(n)].starts_at == wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


# ------ recurrence


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        # A DATE in UNTIL reaches to the end of that day, in the series' zone.
        (["RRULE:FREQ=DAILY;UNTIL=20260303"], ["0301", "0302", "0303"]),
        (["RRULE:FREQ=DAILY;UNTIL=20260303T225959Z"], ["0301", "0302", "0303"]),
        (["RRULE:FREQ=DAILY;UNTIL=20260303T080000"], ["0301", "0302", "0303"]),
        (["RRULE:FREQ=DAILY;UNTIL=20260303T065959Z"], ["0301", "0302"]),
        (["RRULE:FREQ=DAILY;UNTIL=20260101"], ["0301"]),
        (["RRULE:FREQ=DAILY;COUNT=4", "EXDATE;VALUE=DATE:20260302"], ["0301", "0303", "0304"]),
        (["RRULE:FREQ=DAILY;COUNT=4", "EXDATE:20260302T070000Z,20260303T070000Z"], ["0301", "0304"]),
        (["RRULE:FREQ=DAILY;COUNT=4", "EXDATE:20260302T080000"], ["0301", "0303", "0304"]),
        (
            ["RRULE:FREQ=DAILY;COUNT=4", "EXDATE;TZID=Europe/Berlin:20260302T100000"],
            ["0301", "0302", "0303", "0304"],
        ),
        (["RRULE:FREQ=DAILY;COUNT=3", "EXDATE;TZID=Asia/Tokyo:20260301T160000"], ["0302", "0303"]),
        (["RDATE;TZID=Europe/Berlin:20260305T080000,20260304T080000"], ["0301", "0304", "0305"]),
        (["RDATE;VALUE=PERIOD:20260305T070000Z/PT2H"], ["0301", "0305"]),
        (["RRULE:FREQ=DAILY;COUNT=6", "EXRULE:FREQ=DAILY;INTERVAL=2"], ["0302", "0304", "0306"]),
        # 1 March 2026 is a Sunday: DTSTART is the first of the COUNT though the rule misses it.
        (["RRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=3"], ["0301", "0303", "0310"]),
        (["RRULE:FREQ=MONTHLY;BYDAY=-1SU;COUNT=2;WKST=SU"], ["0301", "0329"]),
        (["RRULE:FREQ=DAILY;COUNT=2;X-OTHER=1"], ["0301", "0302"]),
        (["RRULE: freq=daily; count=2;"], ["0301", "0302"]),
    ],
)
def test_recurrence(lines: list[str], expected: list[str]) -> None:
    """Rules, added and excluded dates give the days a person expects."""
    record = meeting("DTSTART;TZID=Europe/Berlin:20260301T080000", "DURATION:PT1H", *lines)
    assert [
        f"{o.starts_at.astimezone(ZoneInfo('Europe/Berlin')):%m%d}" for o in record.occurrences
    ] == expected


def test_period_has_its_own_length() -> None:
    """An RDATE period ends where it says."""
    record = meeting(
        "DTSTART:20260301T070000Z", "DURATION:PT1H", "RDATE;VALUE=PERIOD:20260305T070000Z/20260305T100000Z"
    )
    assert [o.ends_at - o.starts_at for o in record.occurrences] == [timedelta(hours=1), timedelta(hours=3)]


@pytest.mark.parametrize(
    ("start", "recurrence", "name"),
    [
        ("DTSTART;TZID=Europe/Berlin:20260301T080000", "RECURRENCE-ID:20260302T070000Z", "20260302T070000Z"),
        (
            "DTSTART;TZID=Europe/Berlin:20260301T080000",
            "RECURRENCE-ID;VALUE=DATE:20260302",
            "20260302T070000Z",
        ),
        ("DTSTART;TZID=Europe/Berlin:20260301T080000", "RECURRENCE-ID:20260302T080000", "20260302T070000Z"),
        (
            "DTSTART;TZID=Europe/Berlin:20260301T080000",
            "RECURRENCE-ID;TZID=Asia/Tokyo:20260302T160000",
            "20260302T070000Z",
        ),
        ("DTSTART;VALUE=DATE:20260301", "RECURRENCE-ID;VALUE=DATE:20260302", "20260302"),
        ("DTSTART;VALUE=DATE:20260301", "RECURRENCE-ID:20260302T000000Z", "20260302"),
        ("DTSTART:20260301T080000", "RECURRENCE-ID:20260302T080000", "20260302T080000"),
        ("DTSTART:20260301T080000", "RECURRENCE-ID:20260302T070000Z", "20260302T080000"),
        ("DTSTART:20260301T080000", "RECURRENCE-ID;VALUE=DATE:20260302", "20260302T080000"),
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_override_names_its_occurrence(start: str, recurrence: str, name: str, is_first: bool) -> None:
    """However an override writes its original start, it bears the name the series gives that occurrence."""
    override = an_event("DTSTART:20260302T120000Z", recurrence)
    master = an_event(start, "RRULE:FREQ=DAILY;COUNT=3")
    meetings = by_id(read(calendar(*((override, master) if is_first else (master, override)))))
    assert meetings[f"u@example.com/{name}"].recurrence_id == name
    assert name in {o.recurrence_id for o in meetings["u@example.com"].occurrences}


def test_orphan_override_is_a_meeting() -> None:
    """An invitation to one occurrence alone is a single meeting under UID and recurrence-id."""
    found = read(
        calendar(an_event("DTSTART:20260302T120000Z", "RECURRENCE-ID;TZID=Europe/Berlin:20260302T080000"))
    )
    (record,) = by_id(found).values()
    assert (record.recurrence_id, record.is_series, record.occurrences) == ("20260302T070000Z", False, ())


def test_this_and_future() -> None:
    """RANGE=THISANDFUTURE moves every later occurrence; its own is the override's."""
    later = an_event(
        "DTSTART:20260303T100000Z", "DURATION:PT2H", "RECURRENCE-ID;RANGE=THISANDFUTURE:20260303T080000Z"
    )
    record = meeting("DTSTART:20260301T080000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=5", others=[later])
    assert starts(record) == [
        "20260301T0800Z",
        "20260302T0800Z",
        "20260303T0800Z",
        "20260304T1000Z",
        "20260305T1000Z",
    ]
    assert record.occurrences[3].recurrence_id == "20260304T080000Z"
    assert record.occurrences[3].ends_at == utc("20260304T1200Z")
    ended = an_event(
        "DTSTART:20260303T080000Z", "STATUS:CANCELLED", "RECURRENCE-ID;RANGE=THISANDFUTURE:20260303T080000Z"
    )
    cut = meeting("DTSTART:20260301T080000Z", "RRULE:FREQ=DAILY;COUNT=5", others=[ended])
    assert starts(cut) == ["20260301T0800Z", "20260302T0800Z", "20260303T0800Z"]


def test_window() -> None:
    """A series without end reaches a year ahead, to the end of that month; the stamp grows with the window."""
    raw = calendar(an_event("DTSTART;VALUE=DATE:20200101", "RRULE:FREQ=DAILY", "DTSTAMP:20260101T000000Z"))
    (change,) = read(raw)
    assert isinstance(change, Upsert)
    assert isinstance(change.record, Meeting)
    assert change.record.occurrences[0].recurrence_id == "20200101"
    assert change.record.occurrences[-1].recurrence_id == "20271130"
    assert not change.record.is_shortened
    (later,) = list(
        read_meetings(io.BytesIO(raw), Surroundings("c.ics", "UTC", window_end(NOW + timedelta(days=30))))
    )
    assert isinstance(later, Upsert)
    assert later.stamp > change.stamp


def test_since() -> None:
    """With a date given, what ended before it is left out by reason, and series begin there."""
    found = read(
        calendar(
            an_event("DTSTART:20260101T080000Z", uid="old"),
            an_event("DTSTART:20260101T080000Z", "RRULE:FREQ=MONTHLY;COUNT=3", uid="series"),
            an_event("DTSTART:20260301T080000Z", uid="new"),
        ),
        since=date(2026, 2, 1),
    )
    assert [change for change in found if isinstance(change, Skipped)] == [Skipped(TOO_OLD)]
    meetings = by_id(found)
    assert set(meetings) == {"series", "new"}
    assert starts(meetings["series"]) == ["20260201T0800Z", "20260301T0800Z"]


SOUND_RULES = st.builds(
    lambda frequency, interval, count, days, months, month_days: ";".join(
        part
        for part in (
            f"FREQ={frequency}",
            f"INTERVAL={interval}",
            f"COUNT={count}",
            f"BYDAY={','.join(sorted(days))}" if days else "",
            f"BYMONTH={','.join(map(str, sorted(months)))}" if months else "",
            f"BYMONTHDAY={','.join(map(str, sorted(month_days)))}" if month_days else "",
        )
        if part
    ),
    st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
    st.integers(1, 5),
    st.integers(1, 30),
    st.sets(st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"]), max_size=3),
    st.sets(st.integers(1, 12), max_size=3),
    st.sets(st.integers(-3, 28).filter(bool), max_size=3),
)


@settings(max_examples=60, deadline=None)
@given(SOUND_RULES)
def test_sound_rules_are_expanded_as_dateutil_does(rule: str) -> None:
    """The gate changes nothing about a rule that a calendar can mean."""
    begin = datetime(2024, 2, 1, 8)  # noqa: DTZ001 -- a wall time
    end = window_end(NOW).replace(tzinfo=None)
    expected = [at for at in rrulestr(rule, dtstart=begin) if at < end]
    if not expected:
        return
    if expected[0] != begin:
        expected = [begin, *list(rrulestr(rule, dtstart=begin))[:-1]]
        if len(expected) > int(rule.split("COUNT=")[1].split(";", maxsplit=1)[0]):
            expected.pop()
        expected = [at for at in expected if at < end]
    record = meeting("DTSTART:20240201T080000", f"RRULE:{rule}")
    assert [o.starts_at for o in record.occurrences] == expected


# ------ hostile rules (S16)

EVERY_HOUR = ",".join(map(str, range(24)))
EVERY_SIXTY = ",".join(map(str, range(60)))
EVERY_MONTH = ",".join(map(str, range(1, 13)))
EVERY_DAY = ",".join(map(str, range(1, 32)))
EVERY_POSITION = ",".join(map(str, range(1, 367)))
HOSTILE_RULES = [
    "FREQ=SECONDLY",
    "FREQ=MINUTELY",
    "FREQ=HOURLY",
    "FREQ=SECONDLY;COUNT=1000000000",
    "FREQ=MINUTELY;COUNT=1000000000",
    "FREQ=DAILY;COUNT=1000000000",
    "FREQ=YEARLY;COUNT=1000000000000000000",
    "FREQ=DAILY;COUNT=99999999999999999999999999",
    "FREQ=DAILY;COUNT=0",
    "FREQ=DAILY;COUNT=-1",
    "FREQ=DAILY;INTERVAL=0",
    "FREQ=SECONDLY;INTERVAL=0",
    "FREQ=YEARLY;INTERVAL=0",
    "FREQ=DAILY;INTERVAL=-1",
    "FREQ=DAILY;INTERVAL=2147483648",
    "FREQ=SECONDLY;INTERVAL=2147483648",
    "FREQ=YEARLY;INTERVAL=2147483648",
    "FREQ=MINUTELY;INTERVAL=99999",
    "FREQ=MONTHLY;BYMONTHDAY=30;BYMONTH=2",
    "FREQ=YEARLY;BYMONTHDAY=-31;BYMONTH=4",
    "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=31",
    "FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=31",
    "FREQ=DAILY;BYMONTH=2;BYYEARDAY=1",
    "FREQ=HOURLY;BYMONTH=2;BYYEARDAY=1",
    "FREQ=MINUTELY;BYMONTH=2;BYYEARDAY=1",
    "FREQ=SECONDLY;BYMONTH=2;BYYEARDAY=1",
    "FREQ=WEEKLY;BYMONTH=3;BYYEARDAY=1",
    "FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1",
    "FREQ=YEARLY;BYYEARDAY=366;BYMONTH=1",
    "FREQ=YEARLY;BYWEEKNO=20;BYMONTH=12",
    "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO",
    "FREQ=DAILY;BYSETPOS=366",
    "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=7",
    f"FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS={EVERY_POSITION}",
    f"FREQ=YEARLY;BYMONTH={EVERY_MONTH};BYMONTHDAY={EVERY_DAY};BYHOUR={EVERY_HOUR};BYMINUTE={EVERY_SIXTY};BYSECOND={EVERY_SIXTY}",
    f"FREQ=YEARLY;BYMONTH={EVERY_MONTH};BYMONTHDAY={EVERY_DAY};BYHOUR={EVERY_HOUR};BYMINUTE={EVERY_SIXTY}",
    f"FREQ=DAILY;BYHOUR={EVERY_HOUR};BYMINUTE={EVERY_SIXTY};BYSECOND=0",
    f"FREQ=HOURLY;BYMINUTE={EVERY_SIXTY};BYSECOND={EVERY_SIXTY}",
    f"FREQ=HOURLY;BYMINUTE={EVERY_SIXTY};BYMONTH=2;BYYEARDAY=1",
    f"FREQ=MINUTELY;BYSECOND={EVERY_SIXTY};BYMONTH=2;BYYEARDAY=1",
    "FREQ=SECONDLY;BYHOUR=3",
    "FREQ=SECONDLY;BYHOUR=3;BYMINUTE=0;BYSECOND=0",
    "FREQ=SECONDLY;INTERVAL=7;BYHOUR=3;BYMINUTE=1",
    "FREQ=SECONDLY;INTERVAL=86399;BYHOUR=3",
    "FREQ=MINUTELY;INTERVAL=7;BYHOUR=3",
    "FREQ=MINUTELY;INTERVAL=7;BYHOUR=3;BYMINUTE=1",
    "FREQ=MINUTELY;INTERVAL=2;BYMINUTE=1",
    "FREQ=HOURLY;INTERVAL=24;BYHOUR=9",
    "FREQ=HOURLY;INTERVAL=5;BYHOUR=9;BYMONTHDAY=31;BYMONTH=1",
    "FREQ=DAILY;UNTIL=00010101",
    "FREQ=DAILY;UNTIL=99991231T235959Z",
    "FREQ=DAILY;UNTIL=20261399",
    "FREQ=DAILY;BYDAY=99MO",
    "FREQ=DAILY;BYDAY=" + ",".join(["MO"] * 1_000),
    "FREQ=YEARLY;BYDAY=" + ",".join(f"{n}MO" for n in range(1, 54)),
    "FREQ=YEARLY;BYWEEKNO=" + ",".join(map(str, range(1, 54))),
    "FREQ=YEARLY;BYEASTER=0",
    "FREQ=FORTNIGHTLY",
    "FREQ=DAILY;FREQ=SECONDLY",
    "INTERVAL=1",
    "FREQ=DAILY;COUNT",
    "FREQ=" + "D" * 100_000,
    "FREQ=DAILY;" + "X-A=1;" * 20_000,
]


def hostile_calendars() -> list[tuple[str, bytes]]:
    cases = [
        (rule[:90], calendar(an_event(f"DTSTART:{start}", f"RRULE:{rule}")))
        for rule in HOSTILE_RULES
        for start in ("19700101T000000Z",)
    ]
    cases += [
        (f"{start} {rule}", calendar(an_event(f"DTSTART:{start}", f"RRULE:{rule}")))
        for start in ("00010101T000000Z", "99991231T235959Z", "16010101T000000")
        for rule in ("FREQ=DAILY", "FREQ=YEARLY", "FREQ=SECONDLY", "FREQ=DAILY;BYMONTH=2;BYYEARDAY=1")
    ]
    daily = "RRULE:FREQ=DAILY"
    start = "DTSTART:20200101T080000Z"
    day = datetime(2020, 1, 1)  # noqa: DTZ001 -- a wall time
    dates = [f"{day + timedelta(hours=n):%Y%m%dT%H%M%SZ}" for n in range(10_000)]
    cases += [
        ("RDATE x 1M", calendar(an_event(start, "RDATE:" + ",".join(dates * 100)))),
        ("10k EXDATE lines", calendar(an_event(start, daily, *(f"EXDATE:{at}" for at in dates)))),
        ("10k EXDATE list", calendar(an_event(start, daily, "EXDATE:" + ",".join(dates)))),
        ("EXRULE = RRULE", calendar(an_event("DTSTART:19700101T000000Z", daily, "EXRULE:FREQ=DAILY"))),
        ("20 rules", calendar(an_event(start, *[daily] * 20))),
        ("4 rules", calendar(an_event("DTSTART:19700101T000000Z", *["RRULE:FREQ=HOURLY"] * 4))),
        ("self-parent", calendar(an_event(start, daily, "RECURRENCE-ID:20200101T080000Z"))),
        (
            "future chain",
            calendar(
                an_event(start, daily),
                *(
                    an_event(f"DTSTART:{at}", f"RECURRENCE-ID;RANGE=THISANDFUTURE:{at}", daily)
                    for at in dates[:300]
                ),
            ),
        ),
    ]
    return cases


@pytest.mark.parametrize(
    ("name", "raw"), [pytest.param(*case, id=case[0][:60]) for case in hostile_calendars()]
)
def test_hostile_recurrence_is_bounded(name: str, raw: bytes) -> None:
    """Each hostile calendar is read in time and memory, keeps 1,000 occurrences a year, and says when cut."""
    most = 1 if name != "future chain" else 4
    assert cpu_seconds(lambda: read(raw), most) < most
    found = read(raw)
    for record in by_id(found).values():
        years = [o.recurrence_id[:4] for o in record.occurrences]
        assert all(years.count(year) <= MOST_A_YEAR for year in set(years))
    for change in found:
        assert not isinstance(change, Unreadable) or change.reason


def test_hostile_recurrence_stays_small() -> None:
    """The largest expansion holds less than 50 MB."""
    raw = calendar(an_event("DTSTART:19850101T000000Z", "RRULE:FREQ=DAILY"))
    tracemalloc.start()
    try:
        found = read(raw)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(by_id(found)["u@example.com"].occurrences) > 15_000
    assert peak < 25_000_000


@pytest.mark.parametrize(
    ("rule", "outcome"),
    [
        ("FREQ=SECONDLY", "shortened"),
        ("FREQ=HOURLY", "shortened"),
        ("FREQ=DAILY", "whole"),
        ("FREQ=DAILY;INTERVAL=0", "refused"),
        ("FREQ=DAILY;INTERVAL=2147483648", "refused"),
        ("FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30", "refused"),
        ("FREQ=DAILY;BYMONTH=2;BYYEARDAY=1", "refused"),
        ("FREQ=SECONDLY;BYHOUR=3", "refused"),
    ],
)
def test_what_becomes_of_a_hostile_rule(rule: str, outcome: str) -> None:
    """Rules beyond sense are shortened and say so; impossible ones are refused with a reason."""
    (change,) = read(calendar(an_event("DTSTART:20200101T000000Z", f"RRULE:{rule}")))
    if isinstance(change, Upsert) and isinstance(change.record, Meeting):
        assert ("shortened" if change.record.is_shortened else "whole") == outcome
        assert change.record.occurrences
    else:
        assert isinstance(change, Unreadable)
        assert outcome == "refused"
        assert change.where == "c.ics, event at line 3 (UID u@example.com)"


# ------ files, faults, order


def test_revisions_order_themselves() -> None:
    """The greater stamp is the newer: by SEQUENCE first, then by LAST-MODIFIED, else DTSTAMP."""

    def stamp(*lines: str) -> str:
        (change,) = read(calendar(an_event("DTSTART:20260301T080000Z", *lines)))
        assert isinstance(change, Upsert)
        return change.stamp

    assert stamp("SEQUENCE:10") > stamp("SEQUENCE:9", "LAST-MODIFIED:20260301T000000Z")
    assert stamp("LAST-MODIFIED:20260302T000000Z", "DTSTAMP:20250101T000000Z") > stamp(
        "DTSTAMP:20260301T000000Z"
    )


def test_two_revisions_of_one_meeting_share_its_id() -> None:
    """A meeting that was moved stands twice in a mail's attachments: one id, two stamps."""
    found = read(
        calendar(
            an_event("DTSTART:20260302T080000Z", "SEQUENCE:1"),
            an_event("DTSTART:20260301T080000Z", "SEQUENCE:0"),
        )
    )
    assert [change.id for change in found if isinstance(change, Upsert)] == ["u@example.com"] * 2


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["SUMMARY:no start"], "no start"),
        (["DTSTART:tomorrow"], "DTSTART is not a date"),
        (["DTSTART:20260230T080000Z"], "DTSTART is not a date"),
        (["DTSTART:20260301T080000Z", "DTEND:never"], "DTEND is not a date"),
        (["DTSTART:20260301T080000Z", "DURATION:long"], "DURATION is not one"),
        (["DTSTART:20260301T080000Z", "RRULE:FREQ=DAILY;COUNT=2", "EXDATE:x"], "dates is not one"),
    ],
)
def test_one_bad_event_does_not_stop_the_rest(lines: list[str], reason: str) -> None:
    """A VEVENT that cannot be understood is reported in its place; its neighbours are read."""
    good = [an_event("DTSTART:20260301T080000Z", uid=uid) for uid in ("a", "b")]
    found = read(calendar(good[0], an_event(*lines, uid="bad"), good[1]))
    assert set(by_id(found)) == {"a", "b"}
    (bad,) = [change for change in found if isinstance(change, Unreadable)]
    assert bad.where == "c.ics, event at line 7 (UID bad)"
    assert reason in bad.reason


def test_a_cut_file_says_so() -> None:
    """An event that the file's end cuts in two is refused; those before it are read."""
    raw = calendar(
        an_event("DTSTART:20260301T080000Z", uid="a"), an_event("DTSTART:20260301T080000Z", uid="b")
    )
    found = read(raw[: raw.rindex(b"END:VEVENT")])
    assert set(by_id(found)) == {"a"}
    assert [change.reason for change in found if isinstance(change, Unreadable)] == [
        "the file ends in the middle of it"
    ]


def test_strange_line_ends() -> None:
    """LF only, a BOM, lower case, a fold within a character, a missing END: nothing is lost."""
    raw = calendar(
        an_event("DTSTART:20260301T080000Z", "SUMMARY:Hélène", uid="a"), an_event("DTSTART:20260301", uid="b")
    )
    at = raw.index("é".encode()) + 1
    twisted = b"\xef\xbb\xbf" + (raw[:at] + b"\r\n " + raw[at:]).replace(b"\r\n", b"\n").replace(
        b"BEGIN:VEVENT", b"begin:vevent"
    )
    meetings = by_id(read(twisted.replace(b"END:VEVENT\n", b"", 1)))
    assert meetings["a"].summary == "Hélène"
    assert set(meetings) == {"a", "b"}


def test_text_is_clean() -> None:
    """Summary and location are NFC, on one line, without controls or direction tricks, at most 500 long."""
    record = meeting(
        "DTSTART:20260301T080000Z",
        "SUMMARY:He\u0301le\u0300ne\\n\u202eevil\x07",
        f"LOCATION:{'x' * 900}",
        "DESCRIPTION:secret",
    )
    assert record.summary == "Hélène evil"
    assert record.location == "x" * 500
    assert "secret" not in repr(record)


def test_an_empty_calendar_is_fine(tmp_path: Path) -> None:
    """A VCALENDAR without a VEVENT gives no change and no fault."""
    file = tmp_path / "empty.ics"
    file.write_bytes(calendar())
    (page,) = pull(file)
    assert page.last
    assert page.changes == ()
    assert page.files == 1


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff\xfeB\x00", b"PK\x03\x04"])
def test_other_formats_are_refused(tmp_path: Path, content: bytes) -> None:
    """A file that is no calendar is refused whole."""
    file = tmp_path / "c.ics"
    file.write_bytes(content)
    with pytest.raises(UnreadableFile, match=r"c\.ics"):
        pull(file)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """A path that is not there, and a folder without calendars, say so."""
    with pytest.raises(UnreadableFile, match="not there"):
        pull(tmp_path / "no.ics")
    with pytest.raises(UnreadableFile, match="holds no file"):
        pull(tmp_path)


def test_an_unchanged_file_is_not_read_again_until_its_window_moves(tmp_path: Path) -> None:
    """The second pull says how many are the same; in another month the series reach further and are read."""
    file = tmp_path / "c.ics"
    file.write_bytes(
        calendar(an_event("DTSTART:20260301T080000Z", "RRULE:FREQ=WEEKLY"), an_event("SUMMARY:x", uid="bad"))
    )
    first = pull(file)
    cursor = first[-1].checkpoint
    assert changes_of(pull(file, cursor=cursor)) == [
        Same(1),
        Unreadable("c.ics, event at line 8 (UID bad)", "it has no start (DTSTART)"),
    ]
    later = changes_of(pull(file, cursor=cursor, now=NOW + timedelta(days=30)))
    assert any(isinstance(change, Upsert) for change in later)


def test_resuming_from_any_page_loses_nothing(tmp_path: Path) -> None:
    """Pages hold at most 500 changes; from each checkpoint the rest follows, also within a file and a folder."""
    for name in ("a", "b"):
        events = [an_event("DTSTART:20260301T080000Z", uid=f"{name}{n}") for n in range(700)]
        override = "DTSTART:20260301T090000Z"
        many = [
            an_event(override, f"RECURRENCE-ID:20260301T08{n // 60:02}{n % 60:02}Z", uid=f"{name}-many")
            for n in range(600)
        ]
        (tmp_path / f"{name}.ics").write_bytes(calendar(*events, *many))
    pages = pull(tmp_path)
    every = {change.id for change in changes_of(pages) if isinstance(change, Upsert)}
    assert len(every) == 2_600
    assert max(len(page.changes) for page in pages) <= 500
    assert sum(page.files for page in pages) == 2
    checkpoints = 0
    for stop, page in enumerate(pages, start=1):
        if page.checkpoint is None:
            continue
        checkpoints += 1
        seen = {change.id for change in changes_of(pages[:stop]) if isinstance(change, Upsert)}
        rest = {
            change.id
            for change in changes_of(pull(tmp_path, cursor=page.checkpoint))
            if isinstance(change, Upsert)
        }
        assert seen | rest == every
    assert checkpoints >= 4


def test_a_strange_cursor_is_dead() -> None:
    """A cursor of another connector is refused, so that the caller starts anew."""
    with pytest.raises(CursorExpired):
        pull(FIXTURES / "google.ics", cursor=Cursor("{}"))


def test_recognise() -> None:
    """Content decides; a name alone is a weak sign."""
    assert recognise("x", b"\xef\xbb\xbf\r\nbegin:vcalendar\r\n") == 100
    assert recognise("x.ics", b"<html>") == 40
    assert recognise("x.eml", b"From: a\r\n\r\nBEGIN:VCALENDAR") == 0


EVENTS = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from(
            ["DTSTART:20260301T080000Z", "DTSTART;TZID=Europe/Berlin:20260302T090000", "DTSTART:20260303"]
        ),
        st.sampled_from(
            [
                "",
                "RRULE:FREQ=DAILY;COUNT=5",
                "RECURRENCE-ID:20260302T080000Z",
                "RECURRENCE-ID;RANGE=THISANDFUTURE:20260303T080000Z",
            ]
        ),
        st.integers(0, 2),
    ),
    max_size=6,
)


@settings(max_examples=50, deadline=None)
@given(EVENTS, st.randoms(use_true_random=False))
def test_order_of_components_does_not_matter(
    drawn: list[tuple[str, str, str, int]], chance: random.Random
) -> None:
    """The same components in any order, with the zones before or after them, give the same changes."""
    events = [
        an_event(*filter(None, [start, rule, f"SEQUENCE:{sequence}", f"SUMMARY:{n}"]), uid=uid)
        for n, (uid, start, rule, sequence) in enumerate(drawn)
    ]
    shuffled = list(events)
    chance.shuffle(shuffled)
    assert sorted(map(repr, read(calendar(*events)))) == sorted(map(repr, read(calendar(*shuffled))))


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes(raw: bytes) -> None:
    """No bytes make the reader fail, within an event or around it."""
    read(raw)
    read(b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260301T080000Z\n" + raw + b"\nEND:VEVENT\n")


NAME = st.sampled_from(
    [
        "DTSTART",
        "DTEND",
        "DURATION",
        "RRULE",
        "EXRULE",
        "RDATE",
        "EXDATE",
        "RECURRENCE-ID",
        "UID",
        "ATTENDEE",
        "ORGANIZER",
        "SEQUENCE",
        "STATUS",
        "SUMMARY",
    ]
)
PARAMETER = st.sampled_from(
    ["", ";TZID=X", ";VALUE=DATE", ';CN="a:b"', ';"', ";RANGE=THISANDFUTURE", ";TZID=Europe/Berlin"]
)
VALUE = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=20),
    st.sampled_from(
        [
            "20260301",
            "20260301T080000Z",
            "20260301T080000",
            "99991231T235959Z",
            "00010101T000000",
            "P1D",
            "-PT5M",
            "PT99999999999999H",
            "P99999999W",
        ]
    ),
    st.builds(
        ";".join,
        st.lists(
            st.sampled_from(
                [
                    "FREQ=DAILY",
                    "FREQ=YEARLY",
                    "FREQ=HOURLY",
                    "INTERVAL=3",
                    "COUNT=3",
                    "BYDAY=-1MO",
                    "BYHOUR=3",
                    "BYSETPOS=-1",
                    "UNTIL=20270101",
                    "BYWEEKNO=53",
                ]
            ),
            max_size=4,
        ),
    ),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(NAME, PARAMETER, VALUE), max_size=8))
def test_any_values(lines: list[tuple[str, str, str]]) -> None:
    """Whatever stands in the properties, each event gives one change and none raises."""
    text = "\n".join(f"{name}{parameter}:{value}" for name, parameter, value in lines)
    found = read(f"BEGIN:VCALENDAR\nBEGIN:VEVENT\n{text}\nEND:VEVENT\nEND:VCALENDAR\n".encode())
    assert len(found) == 1


def test_a_large_file_is_read_in_small_memory(tmp_path: Path) -> None:
    """Memory follows the number of events, not the size of the file; 1,000 events a second are read at least."""
    file = tmp_path / "large.ics"
    note = "DESCRIPTION:" + "blah " * 2_000
    with file.open("wb") as stream:
        stream.write(b"BEGIN:VCALENDAR\r\n")
        for n in range(2_000):
            stream.write(an_event("DTSTART:20260301T080000Z", note, uid=str(n)).encode() + b"\r\n")
        stream.write(b"END:VCALENDAR\r\n")
    assert SPEC.open_source is not None
    tracemalloc.start()
    try:
        total = sum(len(page.changes) for page in SPEC.open_source(an_access(file)).pull(None))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == 2_000
    assert file.stat().st_size > 20_000_000
    assert peak < 5_000_000

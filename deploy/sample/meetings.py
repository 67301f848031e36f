"""Writes meetings as calendar programs would (RFC 5545, RFC 5546) and tells which occurrences took place.

It expands its own few series (weekly rules with exclusions and overrides) and no others: it is not a calendar reader.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from zoneinfo import ZoneInfo

from msgspec import Struct

_BERLIN = ZoneInfo("Europe/Berlin")
_ZONES = """BEGIN:VTIMEZONE
TZID:Europe/Berlin
X-LIC-LOCATION:Europe/Berlin
BEGIN:DAYLIGHT
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
TZNAME:CEST
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
BEGIN:STANDARD
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
TZNAME:CET
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE
BEGIN:VTIMEZONE
TZID:W. Europe Standard Time
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
"""


class Guest(Struct, frozen=True):
    """An attendee (RFC 5545 3.8.4.1) with the answer given and the kind of thing that attends."""

    name: str
    address: str
    partstat: str = "ACCEPTED"
    cutype: str = "INDIVIDUAL"


class Change(Struct, frozen=True):
    """What became of one occurrence of a series: moved to another start, or cancelled."""

    original: datetime
    moved_to: datetime | None = None
    is_cancelled: bool = False


class Planned(Struct, frozen=True, kw_only=True):
    """A meeting or a series of them, as it stands in the owner's calendar.

    `starts_at` is aware. A series recurs every `every_weeks` weeks and ends before `until`; `excluded` are starts
    that were taken out, `changes` those that stand apart. `days` above 0 makes it all-day.
    """

    summary: str
    starts_at: datetime
    minutes: int = 30
    organizer: Guest | None = None
    guests: tuple[Guest, ...] = ()
    location: str = ""
    description: str = ""
    days: int = 0
    is_cancelled: bool = False
    every_weeks: int = 0
    until: datetime | None = None
    excluded: tuple[datetime, ...] = ()
    changes: tuple[Change, ...] = ()
    zone_name: str = "Europe/Berlin"

    @property
    def uid(self) -> str:
        """The UID, in Google's manner."""
        facts = f"{self.summary}|{self.starts_at.isoformat()}|{self.organizer}"
        return blake2b(facts.encode(), digest_size=13).hexdigest() + "@calendar.example"

    @property
    def components(self) -> int:
        """How many VEVENTs it makes."""
        return 1 + len(self.changes)

    def held(self) -> Iterator[tuple[datetime, datetime]]:
        """Start and end of each occurrence that is not excluded or cancelled, in order of the original start."""
        if self.is_cancelled:
            return
        length = timedelta(minutes=self.minutes)
        changes = {change.original: change for change in self.changes}
        for start in self._starts():
            change = changes.get(start)
            if change is not None and change.is_cancelled:
                continue
            at = change.moved_to if change is not None and change.moved_to is not None else start
            yield at, at + length

    def _starts(self) -> Iterator[datetime]:
        if not self.every_weeks or self.until is None:
            yield self.starts_at
            return
        start = self.starts_at
        while start < self.until:
            if start not in self.excluded:
                yield start
            start += timedelta(weeks=self.every_weeks)  # wall time, so that summer time moves no meeting


def calendar_file(meetings: list[Planned], name: str, now: datetime) -> str:
    """The whole calendar as Google exports one: METHOD PUBLISH, zone definitions, one VEVENT a component."""
    parts = [
        "BEGIN:VCALENDAR\nPRODID:-//Google Inc//Google Calendar 70.9054//EN\nVERSION:2.0\nCALSCALE:GREGORIAN\nMETHOD:PUBLISH\n",
        f"X-WR-CALNAME:{name}\nX-WR-TIMEZONE:Europe/Berlin\n",
        _ZONES,
    ]
    parts += [_components(meeting, now) for meeting in meetings]
    parts.append("END:VCALENDAR\n")
    return _folded("".join(parts))


def invitation(meeting: Planned, now: datetime, method: str = "REQUEST") -> str:
    """One meeting as it travels in a mail (RFC 5546 3.2)."""
    body = _components(meeting, now)
    return _folded(
        f"BEGIN:VCALENDAR\nPRODID:-//Google Inc//Google Calendar 70.9054//EN\nVERSION:2.0\nMETHOD:{method}\n{_ZONES}{body}END:VCALENDAR\n"
    )


def reply(meeting: Planned, guest: Guest, now: datetime) -> str:
    """The answer of one attendee (RFC 5546 3.2.3)."""
    only = Planned(
        summary=meeting.summary,
        starts_at=meeting.starts_at,
        minutes=meeting.minutes,
        organizer=meeting.organizer,
        guests=(guest,),
    )
    return invitation(only, now, "REPLY")


def _components(meeting: Planned, now: datetime) -> str:
    whole = [_component(meeting, meeting.starts_at, now)]
    for change in meeting.changes:
        at = change.moved_to or change.original
        whole.append(_component(meeting, at, now, change))
    return "".join(whole)


def _component(meeting: Planned, at: datetime, now: datetime, change: Change | None = None) -> str:
    lines = ["BEGIN:VEVENT"]
    if meeting.days:
        first = at.date()
        lines += [
            f"DTSTART;VALUE=DATE:{first:%Y%m%d}",
            f"DTEND;VALUE=DATE:{first + timedelta(days=meeting.days):%Y%m%d}",
        ]
    else:
        end = at + timedelta(minutes=meeting.minutes)
        lines += [_zoned("DTSTART", at, meeting.zone_name), _zoned("DTEND", end, meeting.zone_name)]
    if change is None and meeting.every_weeks and meeting.until is not None:
        until = meeting.until.astimezone(UTC)
        lines.append(f"RRULE:FREQ=WEEKLY;INTERVAL={meeting.every_weeks};UNTIL={until:%Y%m%dT%H%M%SZ}")
        lines += [_zoned("EXDATE", start, meeting.zone_name) for start in meeting.excluded]
    written = min(meeting.starts_at - timedelta(days=9), now - timedelta(hours=2))
    lines += [
        f"DTSTAMP:{now.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        f"UID:{meeting.uid}",
        f"CREATED:{written.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        f"LAST-MODIFIED:{written.astimezone(UTC):%Y%m%dT%H%M%SZ}",
    ]
    if change is not None:
        lines.append(_zoned("RECURRENCE-ID", change.original, meeting.zone_name))
    is_cancelled = meeting.is_cancelled or (change is not None and change.is_cancelled)
    lines += [
        f"SEQUENCE:{1 if change is not None or meeting.is_cancelled else 0}",
        f"STATUS:{'CANCELLED' if is_cancelled else 'CONFIRMED'}",
        f"SUMMARY:{_escaped(meeting.summary)}",
        "TRANSP:TRANSPARENT" if meeting.days else "TRANSP:OPAQUE",
    ]
    if meeting.location:
        lines.append(f"LOCATION:{_escaped(meeting.location)}")
    if meeting.description:
        lines.append(f"DESCRIPTION:{_escaped(meeting.description)}")
    if meeting.organizer is not None:
        lines.append(f'ORGANIZER;CN="{meeting.organizer.name}":mailto:{meeting.organizer.address}')
    for guest in meeting.guests:
        role = "NON-PARTICIPANT" if guest.cutype in {"ROOM", "RESOURCE"} else "REQ-PARTICIPANT"
        lines.append(
            f'ATTENDEE;CUTYPE={guest.cutype};ROLE={role};PARTSTAT={guest.partstat};CN="{guest.name}":mailto:{guest.address}'
        )
    lines.append("END:VEVENT\n")
    return "\n".join(lines)


def _zoned(name: str, at: datetime, zone_name: str) -> str:
    if zone_name == "UTC":
        return f"{name}:{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    return f"{name};TZID={zone_name}:{at.astimezone(_BERLIN):%Y%m%dT%H%M%S}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def _folded(text: str) -> str:
    """Lines of at most 75 octets, ended by CRLF (RFC 5545 3.1)."""
    whole = []
    for line in text.rstrip("\n").split("\n"):
        raw, limit = line, 75
        while len(raw.encode()) > limit:
            cut = limit
            while len(raw[:cut].encode()) > limit:
                cut -= 1
            whole.append(raw[:cut])
            raw, limit = " " + raw[cut:], 75
        whole.append(raw)
    return "\r\n".join(whole) + "\r\n"


def midnight(day: date) -> datetime:
    """The start of a day in the owner's zone."""
    return datetime(day.year, day.month, day.day, tzinfo=_BERLIN)

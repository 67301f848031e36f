"""Events of Google Calendar as the properties of a VEVENT (RFC 5545), so that they become meetings as those of files do.

https://developers.google.com/workspace/calendar/api/v3/reference/events, read 2026-11. Of an event no more is asked for
than `MASK` names: no description, no conference, no reminder. Nothing here asks Google anything.
"""

import re
from datetime import UTC, date, datetime
from urllib.parse import quote

from msgspec import Struct, field

from connectors._ical import Event
from connectors._ical_lines import Properties, clean_uid, read_line
from connectors._ical_zones import known_zone, to_utc, to_wall

TYPES = ("default", "fromGmail")
"""What may be a meeting; an out-of-office, focus time, working place or birthday is none."""
MOST_ATTENDEES = 200
"""Of a meeting with more, only whose calendar it is comes: it is an audience, which ties nobody to anybody."""
MASK = (
    "nextPageToken,nextSyncToken,updated,items(id,status,iCalUID,eventType,summary,location,updated,sequence,start,end,"
    "endTimeUnspecified,recurrence,recurringEventId,originalStartTime,organizer(email,displayName),"
    "attendees(email,displayName,responseStatus,optional,resource),attendeesOmitted,guestsCanSeeOtherGuests)"
)
CANCELLED = "cancelled"
_RULES = frozenset({"RRULE", "EXRULE", "RDATE", "EXDATE"})
_MOST_RULES = 1_000
_ENDS = re.compile(r"[:;](?:UNTIL|COUNT)=", re.IGNORECASE)
_ANSWERS = {"accepted": "ACCEPTED", "declined": "DECLINED", "tentative": "TENTATIVE"}


class Moment(Struct, frozen=True, rename="camel"):
    """A day, or a time with its offset or its zone (`EventDateTime`)."""

    date: str = ""
    date_time: str = ""
    time_zone: str = ""


class Person(Struct, frozen=True, rename="camel"):
    """Who called the meeting."""

    email: str = ""
    display_name: str = ""


class Guest(Struct, frozen=True, rename="camel"):
    """Who is asked (`EventAttendee`)."""

    email: str = ""
    display_name: str = ""
    response_status: str = ""
    optional: bool = False
    resource: bool = False


class GoogleEvent(Struct, frozen=True, rename="camel"):
    """A single event, a series' master, or an exception of one; of a cancelled one `id` alone is sure."""

    id: str
    status: str = ""
    uid: str = field(name="iCalUID", default="")
    event_type: str = "default"
    summary: str = ""
    location: str = ""
    updated: str = ""
    sequence: int = 0
    start: Moment | None = None
    end: Moment | None = None
    end_time_unspecified: bool = False
    recurrence: tuple[str, ...] = ()
    recurring_event_id: str = ""
    original_start_time: Moment | None = None
    organizer: Person | None = None
    attendees: tuple[Guest, ...] = ()
    attendees_omitted: bool = False
    guests_can_see_other_guests: bool = True

    @property
    def is_audience(self) -> bool:
        """Whether guests are left out for their number, and not because the organiser hides them."""
        return self.attendees_omitted and self.guests_can_see_other_guests

    @property
    def is_cancelled(self) -> bool:
        """Whether it is gone, or an occurrence that does not take place."""
        return self.status == CANCELLED


class Series(Struct, array_like=True):
    """What is remembered of a series: enough to name its exceptions, and which there are.

    `uid` is empty while no more than exceptions are known: of an invitation to a single occurrence. `start` is its start
    with its zone, `length` a duration. `ends` is the name of the last occurrence of one that ends. Exceptions are known by their
    ids, each with the occurrence that it names and its sequence.
    """

    uid: str = ""
    start: tuple[str, str] = ("", "")
    length: str = ""
    ends: str = ""
    exceptions: dict[str, tuple[str, int]] = {}

    def event(self) -> Event | None:
        """Its master as far as it is remembered."""
        if not self.uid:
            return None
        zone, value = self.start
        start = ({"TZID": zone} if zone else {}, value)
        return Event("series", {"UID": [({}, self.uid)], "DTSTART": [start], "DURATION": [({}, self.length)]})


class NotAnEvent(ValueError):
    """It is not as Google's pages say; the text says what."""


def properties_of(event: GoogleEvent, series: Series | None, told_at: str) -> Properties:
    """The event's properties; of a cancelled occurrence what is missing is its series'.

    Args:
        event: as it came.
        series: that of an exception, where it is known.
        told_at: when the calendar last changed, for what does not say when it did.

    Raises:
        NotAnEvent: it has no start, or a time that is none.
    """
    start = event.start or event.original_start_time
    if start is None:
        raise NotAnEvent("it has no start")
    if event.recurring_event_id and event.original_start_time is None:
        raise NotAnEvent("it does not say which occurrence of its series it is")
    known = series or Series()
    uid = clean_uid(event.uid) or known.uid or f"{event.id}@google.com"
    sequence = max(event.sequence, known.exceptions.get(event.id, ("", 0))[1])
    found: dict[str, list[tuple[dict[str, str], str]]] = {
        "UID": [({}, uid)],
        "DTSTART": [_property(start, "start")],
        "SUMMARY": [({}, _escaped(event.summary))],
        "LOCATION": [({}, _escaped(event.location))],
        "STATUS": [({}, event.status)],
        "SEQUENCE": [({}, str(sequence))],
    }
    if updated := _instant(event.updated) or _instant(told_at):
        found["LAST-MODIFIED"] = [({}, updated)]
    if event.end is not None and not event.end_time_unspecified:
        found["DTEND"] = [_property(event.end, "end")]
    elif event.start is None and known.length:
        found["DURATION"] = [({}, known.length)]
    if event.original_start_time is not None:
        found["RECURRENCE-ID"] = [_property(event.original_start_time, "original start")]
    for text in event.recurrence[:_MOST_RULES]:
        line = read_line(text)
        if line is not None and line[0] in _RULES:
            found.setdefault(line[0], []).append((dict(line[1]), line[2]))
    if event.attendees:
        # Google names an organiser for whatever stands in a calendar; one who asked nobody called no meeting. With the
        # guests left out, one who asked hundreds would have met the owner alone.
        if event.organizer is not None and not event.is_audience:
            called = event.organizer
            found["ORGANIZER"] = [({"CN": _escaped(called.display_name)}, _address(called.email))]
        found["ATTENDEE"] = [_attendee(one) for one in event.attendees]
    return found


def series_of(event: GoogleEvent, properties: Properties) -> Series:
    """What to remember of a master, but for its end and its exceptions.

    Raises:
        NotAnEvent: its end is no time.
    """
    parameters, value = properties["DTSTART"][0]
    return Series(properties["UID"][0][1], (parameters.get("TZID", ""), value), _length(event))


def has_end(event: GoogleEvent) -> bool:
    """Whether a series ends by its own rule, as the first part of one that was split does."""
    return any(text[:5].upper() == "RRULE" and _ENDS.search(text) for text in event.recurrence[:_MOST_RULES])


# ------ parts of an event


def _property(moment: Moment, name: str) -> tuple[dict[str, str], str]:
    """DATE, DATE-TIME with TZID, in UTC, or floating."""
    if moment.date:
        try:
            return {"VALUE": "DATE"}, date.fromisoformat(moment.date).isoformat()
        except ValueError:
            raise NotAnEvent(f"its {name} is no date ({moment.date[:40]!r})") from None
    at = _read(moment, name)
    zone = known_zone(moment.time_zone) if moment.time_zone else None
    if at.tzinfo is None:
        return ({"TZID": moment.time_zone} if zone else {}), _basic(at)
    utc = at.astimezone(UTC).replace(tzinfo=None)
    wall = to_wall(utc, zone).replace(fold=0) if zone else utc
    # Of a wall time that comes twice on one day the first is meant: the second is told in UTC.
    if zone is None or to_utc(wall, zone).replace(tzinfo=None) != utc:
        return {}, f"{_basic(utc)}Z"
    return {"TZID": moment.time_zone}, _basic(wall)


def _read(moment: Moment, name: str) -> datetime:
    try:
        at = datetime.fromisoformat(moment.date_time).replace(microsecond=0)
        if at.tzinfo is not None:
            at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise NotAnEvent(f"its {name} is no time ({moment.date_time[:40]!r})") from None
    return at


def _length(event: GoogleEvent) -> str:
    start, end = event.start, event.end
    if start is None or end is None or event.end_time_unspecified:
        return "P1D" if start is not None and start.date else "PT0S"
    try:
        if start.date and end.date:
            return f"P{max(1, (date.fromisoformat(end.date) - date.fromisoformat(start.date)).days)}D"
        length = _aware(end, "end") - _aware(start, "start")
    except ValueError as error:
        raise NotAnEvent("its start and end are not of one kind") from error
    return f"PT{max(0, int(length.total_seconds()))}S"


def _aware(moment: Moment, name: str) -> datetime:
    at = _read(moment, name)
    return at if at.tzinfo else to_utc(at, known_zone(moment.time_zone) or UTC)


def _attendee(one: Guest) -> tuple[dict[str, str], str]:
    parameters = {
        "CN": _escaped(one.display_name),
        "PARTSTAT": _ANSWERS.get(one.response_status, "NEEDS-ACTION"),
        **({"CUTYPE": "RESOURCE"} if one.resource else {}),
        **({"ROLE": "OPT-PARTICIPANT"} if one.optional else {}),
    }
    return parameters, _address(one.email)


def _address(email: str) -> str:
    return f"mailto:{quote(email, safe='@', errors='replace')}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\")


def _instant(text: str) -> str:
    try:
        at = datetime.fromisoformat(text)
        return f"{_basic(at.astimezone(UTC))}Z" if at.tzinfo else ""
    except (ValueError, OverflowError):
        return ""


def _basic(at: datetime) -> str:
    return at.replace(tzinfo=None).isoformat(timespec="seconds").replace("-", "").replace(":", "")

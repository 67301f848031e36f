"""Calendar items of EWS as iCalendar (RFC 5545), so that a meeting is the same by Exchange and from any calendar file.

An item comes as the server sees it: instants in UTC, the zone in which it was made by its Windows name, a series as a
pattern with its exceptions beside it. That is written down as the VEVENTs it stands for and read by `_ical`, which knows
windows, zones, clock changes, bounds and the names of occurrences. So a series costs its master and its exceptions, and
never a view of the whole calendar; and that its window moves on costs the master alone.

Exchange's patterns are those of [MS-OXOCAL] 2.2.1.44.1: a day that a month does not have is its last day there.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from io import BytesIO

from connectors._exchange_elements import Element, ItemId, Property, T, instant_of, text_of
from connectors._exchange_line import Fault
from connectors._holdings import Contents
from connectors._ical import Surroundings, read_group
from connectors._ical_outline import groups_of, outline_of
from connectors._ical_zones import Zones, known_zone, name_of
from connectors._mail_text import clean
from schemas.connector import Skipped, Unreadable, Upsert
from schemas.records import Meeting

LISTED: tuple[Property, ...] = ("calendar:Start", "calendar:End", "calendar:CalendarItemType")
WHOLE: tuple[Property, ...] = (
    *LISTED,
    "item:Subject",
    "item:LastModifiedTime",
    "calendar:UID",
    "calendar:OriginalStart",
    "calendar:IsAllDayEvent",
    "calendar:Location",
    "calendar:IsMeeting",
    "calendar:IsCancelled",
    "calendar:MyResponseType",
    "calendar:Organizer",
    "calendar:RequiredAttendees",
    "calendar:OptionalAttendees",
    "calendar:Resources",
    "calendar:AppointmentSequenceNumber",
    "calendar:Recurrence",
    "calendar:ModifiedOccurrences",
    "calendar:DeletedOccurrences",
    "calendar:StartTimeZone",
)
MOST_EXCEPTIONS = 1_000
_ADDRESS = re.compile(r"[^\s@<>,;:\"()]{1,64}@[^\s@<>,;:\"()]{1,255}")
_ANSWERS = {"Accept": "ACCEPTED", "Organizer": "ACCEPTED", "Tentative": "TENTATIVE", "Decline": "DECLINED"}
_DAYS = {
    "Sunday": "SU",
    "Monday": "MO",
    "Tuesday": "TU",
    "Wednesday": "WE",
    "Thursday": "TH",
    "Friday": "FR",
    "Saturday": "SA",
    "Weekday": "MO,TU,WE,TH,FR",
    "WeekendDay": "SA,SU",
    "Day": "SU,MO,TU,WE,TH,FR,SA",
}
_PLACES = {"First": 1, "Second": 2, "Third": 3, "Fourth": 4, "Last": -1}
_MONTHS = (
    "January February March April May June July August September October November December".split()
)  # fmt: skip


class NoMeeting(ValueError):
    """The item cannot be understood; the text says why."""


def is_series(item: Element) -> bool:
    """Whether an item is the master of a series."""
    return text_of(item, "CalendarItemType") == "RecurringMaster"


def ends_at(item: Element) -> datetime | None:
    """When an item ends; None where it does not say."""
    return instant_of(item, "End")


def exceptions_of(item: Element) -> list[ItemId]:
    """The occurrences of a series that differ from it, a thousand at most."""
    return [ItemId(one.get("Id", "")) for one in _exceptions(item)[:MOST_EXCEPTIONS]]


def _exceptions(item: Element) -> list[Element]:
    found: list[Element] = item.findall(f"{T}ModifiedOccurrences/{T}Occurrence/{T}ItemId")
    return found


def contents_of(
    item: Element, exceptions: Sequence[Element | Fault], surroundings: Surroundings, own: Collection[str]
) -> Contents:
    """The meetings that an item stands for: one, or a series and each occurrence that differs from it.

    Args:
        exceptions: those of `exceptions_of`, or why they cannot be had; one that is gone will be told as a change.
        own: addresses of the owner, whose answer stands beside the attendees and not among them.
    """
    contents = Contents({}, rolls_on=is_series(item))
    if len(_exceptions(item)) > MOST_EXCEPTIONS:
        more = f"more than {MOST_EXCEPTIONS:,} of its occurrences differ from it"
        contents.others.append(Unreadable(surroundings.name, more))
    for one in exceptions:
        if isinstance(one, Fault) and not one.is_gone:
            why = f"the server does not hand out one of its occurrences ({one.code})"
            contents.others.append(Unreadable(surroundings.name, why))
    differing = [one for one in exceptions if not isinstance(one, Fault)]
    try:
        body = "\r\n".join(_lines(item, differing, surroundings.zone, own)).encode("utf-8", "replace")
    except (NoMeeting, ValueError, OverflowError) as error:
        reason = str(error) if isinstance(error, NoMeeting) else "one of its dates is out of range"
        contents.others.append(Unreadable(surroundings.name, reason))
        return contents
    outline = outline_of(stream := BytesIO(body))
    zones = Zones(surroundings.zone)
    upserts: list[Upsert] = []
    for places in groups_of(outline):
        for change in read_group(stream, outline, places, surroundings, zones):
            if isinstance(change, Upsert):
                upserts.append(change)
            elif isinstance(change, Unreadable | Skipped):
                contents.others.append(change)
    uid = min((one.record.uid for one in upserts if isinstance(one.record, Meeting)), default="")
    for one in upserts:
        contents.records[one.id.removeprefix(uid).removeprefix("/")] = (one.record, one.stamp)
    return contents


# --- events ----------------------------------------------------------------------------------------------------------------


def _lines(item: Element, exceptions: Sequence[Element], owner: str, own: Collection[str]) -> Iterator[str]:
    uid = text_of(item, "UID")
    is_day = text_of(item, "IsAllDayEvent") == "true"
    zone = _zone_of(item, owner)
    yield "BEGIN:VCALENDAR"
    yield from _event(item, uid, own, zone, _rule(item, zone, is_day=is_day))
    for one in exceptions:
        # It has a zone of its own; which occurrence it is, is told in the zone of its series.
        original = instant_of(one, "OriginalStart")
        if original is None:
            raise NoMeeting("one of its occurrences does not say which it is")
        named = _at("RECURRENCE-ID", original, zone, is_day=is_day)
        yield from _event(one, uid, own, _zone_of(one, owner), [named])
    yield "END:VCALENDAR"


def _event(item: Element, uid: str, own: Collection[str], zone: tzinfo, more: Sequence[str]) -> Iterator[str]:
    start, end = instant_of(item, "Start"), instant_of(item, "End")
    if start is None or end is None:
        raise NoMeeting("it has no start or no end")
    is_day = text_of(item, "IsAllDayEvent") == "true"
    yield "BEGIN:VEVENT"
    if uid:
        yield f"UID:{_text(uid)}"
    sequence = text_of(item, "AppointmentSequenceNumber")
    yield f"SEQUENCE:{sequence if sequence.isdecimal() and len(sequence) < 10 else 0}"
    changed = instant_of(item, "LastModifiedTime")
    if changed is not None:
        yield f"LAST-MODIFIED:{changed:%Y%m%dT%H%M%SZ}"
    yield _at("DTSTART", start, zone, is_day=is_day)
    yield _at("DTEND", end, zone, is_day=is_day)
    yield from more
    yield f"SUMMARY:{_text(text_of(item, 'Subject'))}"
    yield f"LOCATION:{_text(text_of(item, 'Location'))}"
    if text_of(item, "IsCancelled") == "true":
        yield "STATUS:CANCELLED"
    if text_of(item, "IsMeeting") == "true":
        # Of what is no meeting Exchange calls the owner its organizer.
        yield from _people(item, own)
    yield "END:VEVENT"


def _people(item: Element, own: Collection[str]) -> Iterator[str]:
    organizer = _box(item.find(f"{T}Organizer/{T}Mailbox"))
    if organizer is not None:
        yield f"ORGANIZER;{_named(organizer[1])}:mailto:{organizer[0]}"
    answer = _ANSWERS.get(text_of(item, "MyResponseType"), "")
    for name, role, kind in (
        ("RequiredAttendees", "REQ-PARTICIPANT", ""),
        ("OptionalAttendees", "OPT-PARTICIPANT", ""),
        ("Resources", "NON-PARTICIPANT", "RESOURCE"),
    ):
        for one in item.iterfind(f"{T}{name}/{T}Attendee"):
            box = _box(one.find(f"{T}Mailbox"))
            if box is None:
                continue
            told = _ANSWERS.get(text_of(one, "ResponseType"), "NEEDS-ACTION")
            if answer and box[0].lower() in own:
                told = answer
            is_list = text_of(one, "Mailbox", "MailboxType") in {"PublicDL", "PrivateDL"}
            sort = kind or ("GROUP" if is_list else "INDIVIDUAL")
            yield (f"ATTENDEE;{_named(box[1])};CUTYPE={sort};ROLE={role};PARTSTAT={told}:mailto:{box[0]}")


def _box(mailbox: Element | None) -> tuple[str, str] | None:
    """Address and name; None for whom the server knows by another kind of address alone."""
    if mailbox is None:
        return None
    address = text_of(mailbox, "EmailAddress")
    return (address, text_of(mailbox, "Name")) if _ADDRESS.fullmatch(address) else None


def _named(name: str) -> str:
    return f'CN="{clean(name)[:200].replace(chr(34), chr(39))}"'


def _text(value: str) -> str:
    escaped = clean(value)[:1_000].replace("\\", "\\\\").replace(";", "\\;")
    return escaped.replace(",", "\\,")


# --- times -----------------------------------------------------------------------------------------------------------------


def _zone_of(item: Element, owner: str) -> tzinfo:
    """The zone in which an item was made; of an all-day one that in which it begins at midnight.

    A zone whose name is not known is taken for the owner's.
    """
    named = item.find(f"{T}StartTimeZone")
    label = named.get("Id", "") if named is not None else ""
    zone = (known_zone(label) if label else None) or known_zone(owner) or UTC
    start = instant_of(item, "Start")
    if start is not None and text_of(item, "IsAllDayEvent") == "true":
        for one in (zone, known_zone(owner), UTC):
            if one is not None and start.astimezone(one).time() == time():
                return one
    return zone


def _at(name: str, at: datetime, zone: tzinfo, *, is_day: bool) -> str:
    local = at.astimezone(zone)
    if is_day:
        return f"{name};VALUE=DATE:{local:%Y%m%d}"
    label = name_of(zone)
    return f"{name};TZID={label}:{local:%Y%m%dT%H%M%S}" if label else f"{name}:{at:%Y%m%dT%H%M%SZ}"


# --- series ----------------------------------------------------------------------------------------------------------------


def _rule(item: Element, zone: tzinfo, *, is_day: bool) -> list[str]:
    """The rule of a series, and which of its occurrences were deleted."""
    if not is_series(item):
        return []
    pattern = item.find(f"{T}Recurrence")
    if pattern is None or len(pattern) != 2:
        raise NoMeeting("it says that it recurs, and not when")
    lines = [f"RRULE:{_pattern(pattern[0])}{_range(pattern[1], zone, is_day=is_day)}"]
    for one in item.findall(f"{T}DeletedOccurrences/{T}DeletedOccurrence")[:20_000]:
        gone = instant_of(one, "Start")
        if gone is not None:
            lines.append(_at("EXDATE", gone, zone, is_day=is_day))
    return lines


def _pattern(pattern: Element) -> str:
    kind = pattern.tag.removeprefix(T)
    step = f";INTERVAL={_number(pattern, 'Interval')}" if pattern.find(f"{T}Interval") is not None else ""
    if kind == "DailyRecurrence":
        return f"FREQ=DAILY{step}"
    if kind == "WeeklyRecurrence":
        week = _DAYS.get(text_of(pattern, "FirstDayOfWeek"), "")
        return f"FREQ=WEEKLY{step};BYDAY={_days(pattern)}{f';WKST={week}' if len(week) == 2 else ''}"
    if kind == "AbsoluteMonthlyRecurrence":
        return f"FREQ=MONTHLY{step}{_day_of_month(pattern)}"
    if kind == "RelativeMonthlyRecurrence":
        return f"FREQ=MONTHLY{step}{_nth_day(pattern)}"
    if kind == "AbsoluteYearlyRecurrence":
        return f"FREQ=YEARLY;BYMONTH={_month(pattern)}{_day_of_month(pattern)}"
    if kind == "RelativeYearlyRecurrence":
        return f"FREQ=YEARLY;BYMONTH={_month(pattern)}{_nth_day(pattern)}"
    raise NoMeeting(f"its pattern of recurrence is not known ({kind[:40]})")


def _range(range_: Element, zone: tzinfo, *, is_day: bool) -> str:
    kind = range_.tag.removeprefix(T)
    if kind == "NumberedRecurrence":
        return f";COUNT={_number(range_, 'NumberOfOccurrences')}"
    if kind == "EndDateRecurrence":
        last = datetime.fromisoformat(text_of(range_, "EndDate")[:10])
        if is_day:
            return f";UNTIL={last:%Y%m%d}"
        end = (last + timedelta(days=1)).replace(tzinfo=zone).astimezone(UTC) - timedelta(seconds=1)
        return f";UNTIL={end:%Y%m%dT%H%M%SZ}"
    if kind == "NoEndRecurrence":
        return ""
    raise NoMeeting(f"the end of its recurrence is not known ({kind[:40]})")


def _number(element: Element, name: str) -> int:
    text = text_of(element, name)
    if not text.isdecimal() or not 0 < len(text) < 6 or int(text) < 1:
        raise NoMeeting(f"its {name} is no number that makes sense")
    return int(text)


def _days(pattern: Element) -> str:
    names = text_of(pattern, "DaysOfWeek").split()
    if not names or any(name not in _DAYS for name in names):
        raise NoMeeting("it names no days of the week")
    return ",".join(_DAYS[name] for name in names)


def _day_of_month(pattern: Element) -> str:
    day = _number(pattern, "DayOfMonth")
    if day > 31:
        raise NoMeeting("its day of the month is none")
    if day < 29:
        return f";BYMONTHDAY={day}"
    return f";BYMONTHDAY={','.join(map(str, range(28, day + 1)))};BYSETPOS=-1"


def _nth_day(pattern: Element) -> str:
    place = _PLACES.get(text_of(pattern, "DayOfWeekIndex"))
    if place is None:
        raise NoMeeting("it names no place within the month")
    return f";BYDAY={_days(pattern)};BYSETPOS={place}"


def _month(pattern: Element) -> int:
    name = text_of(pattern, "Month")
    if name not in _MONTHS:
        raise NoMeeting("it names no month")
    return _MONTHS.index(name) + 1

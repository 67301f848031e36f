"""Turns calendar bytes (RFC 5545) into meetings; it never keeps a description and never runs an unweighed rule.

A file is read twice. The first reading notes where each VEVENT stands, and keeps the VTIMEZONEs and the calendar's
name. The second takes the components of one UID at a time, since an override names its occurrence in the master's
terms, which may stand after it. Memory thus follows the number of events (some 40 bytes each), not their size.

The grammar of quoted parameters, text escapes and durations is icalendar's; recurrence is dateutil's, behind the
gate of `_ical_rules`. icalendar's whole-component parser is not used: it holds the file at once, drops a zone it
does not know without a word, and spends most of its time on properties that are dropped here.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import groupby
from typing import BinaryIO, Literal

from icalendar import vDuration
from icalendar.parser.property import unescape_backslash
from msgspec import Struct

from connectors._ical_lines import (
    TEXT_LIMIT,
    Properties,
    Values,
    clean_text,
    clean_uid,
    first_value,
    read_properties,
)
from connectors._ical_outline import IS_ANSWER, IS_CANCEL, IS_CUT, Outline, groups_of, outline_of
from connectors._ical_people import attendees_of, organizer_of
from connectors._ical_rules import RuleRefused, expand_rule
from connectors._ical_zones import Zones, known_zone, name_of, to_utc, to_wall
from schemas.connector import Change, Skipped, Unreadable, Upsert
from schemas.ids import ExternalId, key64
from schemas.records import Meeting, Occurrence

MOST_A_YEAR = 1_000
"""Occurrences of one series kept in a calendar year."""
ANSWER = "an answer to an invitation"
TOO_OLD = "older than the date asked for"

_MOST_DATES = 20_000
_MOST_RANGES = 1_000
_MOST_RULES = 4

_WHEN = re.compile(
    r"(\d{4})-?(\d{2})-?(\d{2})(?:[T ](\d{2}):?(\d{2})(?::?(\d{2})(?:\.\d{1,9})?)?(Z)?)?", re.IGNORECASE
)


class Surroundings(Struct, frozen=True):
    """What a calendar is read with.

    `name` is what people know the file by. `until` is the aware end of expansion, exclusive; `since` leaves out
    what ended before it. `zone` is the owner's IANA zone. `calendar` stands in for a missing X-WR-CALNAME.
    """

    name: str
    zone: str
    until: datetime
    since: date | None = None
    calendar: str = ""


class Event(Struct, frozen=True):
    """One event that an API told and no file: what people find it by (`event abc`), and its properties as a VEVENT's."""

    place: str
    properties: Properties


class When(Struct, frozen=True):
    """A DATE or DATE-TIME (RFC 5545 3.3.4, 3.3.5): a naive wall time, and its zone if it has one."""

    wall: datetime
    zone: tzinfo | None = None
    is_date: bool = False


class _Form(Struct, frozen=True):
    """The terms in which a series names its occurrences: its master's start."""

    start: When
    kind: Literal["date", "floating", "instant"]


class _Range(Struct, frozen=True):
    """An override with RANGE=THISANDFUTURE (RFC 5545 3.2.13), in its master's wall time."""

    original: datetime
    moved: timedelta
    duration: timedelta
    is_cancelled: bool


class _Component(Struct, frozen=True):
    """One VEVENT with what is needed to order it among those of its UID; `place` is what people find it by."""

    place: str
    flags: int
    uid: str
    properties: Properties
    start: When
    recurrence: When | None
    sequence: int
    modified: str
    is_future: bool


class _Fault(ValueError):
    """The event cannot be understood; the text says why."""


def window_end(now: datetime) -> datetime:
    """A year ahead of `now`, rounded up to the end of that month: aware, exclusive."""
    first = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    month = first.month % 12 + 1
    return first.replace(year=first.year + 1 + (first.month == 12), month=month)


def read_meetings(stream: BinaryIO, surroundings: Surroundings) -> Iterator[Change]:
    """Yield a change for each VEVENT of a seekable stream, in no promised order.

    Never raises for what the bytes say: an event that cannot be understood is `Unreadable` in its place.
    """
    outline = outline_of(stream)
    for places in groups_of(outline):
        yield from read_group(stream, outline, places, surroundings)


# ------ the second reading: the components of one UID


def read_group(
    stream: BinaryIO,
    outline: Outline,
    places: Sequence[int],
    surroundings: Surroundings,
    zones: Zones | None = None,
) -> Iterator[Change]:
    """Yield one change for each event of one UID. `zones` may be kept from one call to the next of a file."""
    reader = _Reader(
        surroundings,
        zones or Zones(surroundings.zone, outline.zones),
        outline.calendar or surroundings.calendar,
        known_zone(outline.default_zone),
    )
    masters: list[_Component] = []
    ranges: list[_Component] = []
    if len(places) > 1:
        for component in reader.components(stream, outline, places):
            if isinstance(component, _Component):
                if component.recurrence is None:
                    masters.append(_without_text(component))
                elif component.is_future and len(ranges) < _MOST_RANGES:
                    ranges.append(_without_text(component))
    newest = max(masters, key=lambda c: (c.sequence, c.modified, c.start.wall), default=None)
    form = None if newest is None else _form_of(newest, reader)
    extra = _unrelated(masters)
    for component in reader.components(stream, outline, places):
        if isinstance(component, _Component):
            yield reader.change(component, form, ranges, extra.get(component.start.wall, ""))
        else:
            yield component


def read_event(
    event: Event, surroundings: Surroundings, zones: Zones, series: Event | None = None
) -> Upsert | Skipped | Unreadable:
    """The change that one event makes, an override in the terms of its series where that is known.

    Of `series` no more than UID, DTSTART and DTEND or DURATION are looked at.
    """
    reader = _Reader(surroundings, zones, surroundings.calendar)
    component = reader.component(event.place, 0, event.properties)
    if not isinstance(component, _Component):
        return component
    master = None if series is None else reader.component(series.place, 0, series.properties)
    form = _form_of(master, reader) if isinstance(master, _Component) else None
    return reader.change(component, form)


class _Reader:
    """Reads the components of one calendar."""

    def __init__(
        self, surroundings: Surroundings, zones: Zones, calendar: str, default_zone: tzinfo | None = None
    ) -> None:
        self._surroundings = surroundings
        self.zones = zones
        self._default_zone = default_zone
        self._calendar = calendar
        self._since = None
        if surroundings.since is not None:
            self._since = to_utc(datetime.combine(surroundings.since, time()), zones.owner)

    def components(
        self, stream: BinaryIO, outline: Outline, places: Iterable[int]
    ) -> Iterator[_Component | Unreadable | Skipped]:
        for place in places:
            flags = outline.flags[place]
            if flags & IS_ANSWER:
                yield Skipped(ANSWER)
                continue
            properties = read_properties(stream, outline.offsets[place], outline.lengths[place])
            yield self.component(f"event at line {outline.lines[place]}", flags, properties)

    def component(self, place: str, flags: int, properties: Properties) -> _Component | Unreadable:
        uid = clean_uid(first_value(properties, "UID"))
        if flags & IS_CUT:
            return self._unreadable(place, uid, "the file ends in the middle of it")
        try:
            return self._component(place, flags, uid, properties)
        except _Fault as fault:
            return self._unreadable(place, uid, str(fault))

    def change(
        self,
        component: _Component,
        form: _Form | None,
        ranges: Sequence[_Component] = (),
        suffix: str = "",
    ) -> Upsert | Skipped | Unreadable:
        try:
            if component.recurrence is not None:
                return self._override(component, form)
            return self._master(component, ranges, suffix)
        except (_Fault, RuleRefused) as fault:
            return self._unreadable(component.place, component.uid, str(fault))
        except (ValueError, OverflowError):
            return self._unreadable(component.place, component.uid, "one of its dates is out of range")

    def _component(self, place: str, flags: int, uid: str, properties: Properties) -> _Component:
        if "DTSTART" not in properties:
            raise _Fault("it has no start (DTSTART)")
        start = self._when(properties["DTSTART"][0], "DTSTART")
        recurrence, is_future = None, False
        if "RECURRENCE-ID" in properties:
            recurrence = self._when(properties["RECURRENCE-ID"][0], "RECURRENCE-ID")
            is_future = properties["RECURRENCE-ID"][0][0].get("RANGE", "").upper() == "THISANDFUTURE"
        if not uid:
            # Without a UID the event is known by what it says and when.
            uid = f"no-uid-{key64(first_value(properties, 'SUMMARY'), start.wall.isoformat()):016x}"
        sequence = first_value(properties, "SEQUENCE").strip()
        return _Component(
            place=place,
            flags=flags,
            uid=uid,
            properties=properties,
            start=start,
            recurrence=recurrence,
            sequence=int(sequence) if sequence.isdecimal() and len(sequence) < 10 else 0,
            modified=self._modified(properties),
            is_future=is_future,
        )

    def _modified(self, properties: Properties) -> str:
        for name in ("LAST-MODIFIED", "DTSTAMP"):
            if name in properties:
                try:
                    return _basic(self._instant(self._when(properties[name][0], name)))
                except (_Fault, OverflowError):
                    continue
        return ""

    def _override(self, component: _Component, form: _Form | None) -> Upsert | Skipped:
        recurrence = component.recurrence
        if recurrence is None:
            raise _Fault("it names no occurrence")
        if form is None:
            form = _Form(recurrence, _kind_of(recurrence))
        name = self._name(recurrence, form)
        return self._upsert(component, f"{component.uid}/{name}", component.uid, recurrence_id=name)

    def _master(self, component: _Component, ranges: Sequence[_Component], suffix: str) -> Upsert | Skipped:
        uid = f"{component.uid}/{suffix}" if suffix else component.uid
        if not component.properties.keys() & {"RRULE", "RDATE"} or not any(
            value.strip() for name in ("RRULE", "RDATE") for _, value in component.properties.get(name, ())
        ):
            return self._upsert(component, uid, uid)
        occurrences, is_shortened, tzid = self._expand(component, ranges)
        if self._since is not None:
            since = self._since
            occurrences = [o for o in occurrences if self._aware(o.ends_at) >= since]
            if not occurrences:
                return Skipped(TOO_OLD)
        return self._upsert(
            component, uid, uid, series=(occurrences, is_shortened, tzid), later=[r.modified for r in ranges]
        )

    def _upsert(
        self,
        component: _Component,
        key: str,
        uid: str,
        *,
        recurrence_id: str = "",
        series: tuple[Sequence[Occurrence], bool, str] | None = None,
        later: Sequence[str] = (),
    ) -> Upsert | Skipped:
        properties = component.properties
        start, duration, is_all_day = self._span(component)
        starts_at, ends_at = self._between(start, duration)
        if series is None and self._since is not None and self._aware(ends_at) < self._since:
            return Skipped(TOO_OLD)
        status = first_value(properties, "STATUS").strip().upper()
        stamp = f"{component.sequence:010d}.{max([component.modified, *later])}"
        if series is not None:
            # A later import sees further ahead: of equal revisions the one that reaches further is the greater.
            stamp += f".{self._surroundings.until:%Y%m}"
        meeting = Meeting(
            uid=uid,
            starts_at=starts_at,
            ends_at=ends_at,
            recurrence_id=recurrence_id,
            occurrences=tuple(series[0]) if series else (),
            is_series=series is not None,
            is_shortened=series is not None and series[1],
            is_all_day=is_all_day,
            is_cancelled=status == "CANCELLED" or bool(component.flags & IS_CANCEL),
            summary=clean_text(unescape_backslash(first_value(properties, "SUMMARY")[: 4 * TEXT_LIMIT])),
            location=clean_text(unescape_backslash(first_value(properties, "LOCATION")[: 4 * TEXT_LIMIT])),
            organizer=organizer_of(properties.get("ORGANIZER", ())),
            attendees=attendees_of(properties.get("ATTENDEE", ())),
            calendar=self._calendar,
            tzid=series[2] if series else name_of(start.zone),
        )
        return Upsert(ExternalId(key), meeting, stamp)

    # ------ time

    def _when(self, prop: tuple[Mapping[str, str], str], name: str) -> When:
        when = self._read_when(*prop)
        if when is None:
            raise _Fault(f"its {name} is not a date ({prop[1][:40]!r})")
        return when

    def _read_when(self, parameters: Mapping[str, str], value: str) -> When | None:
        match = _WHEN.fullmatch(value.strip())
        if match is None:
            return None
        try:
            wall = datetime(int(match[1]), int(match[2]), int(match[3]))  # noqa: DTZ001 -- a wall time
        except ValueError:
            return None
        if match[4] is None:
            return When(wall, None, is_date=True)
        hour, minute, second = int(match[4]), int(match[5]), int(match[6] or 0)
        if hour > 24 or minute > 59 or second > 60:
            return None
        try:
            wall += timedelta(hours=hour, minutes=minute, seconds=min(second, 59))
        except OverflowError:
            return None
        if match[7]:
            return When(wall, UTC)
        tzid = parameters.get("TZID", "").strip()
        return When(wall, self.zones.find(tzid) if tzid else None)

    def _instant(self, when: When) -> datetime:
        return to_utc(when.wall, when.zone or self.zones.owner)

    def _aware(self, moment: datetime) -> datetime:
        return moment if moment.tzinfo is not None else to_utc(moment, self.zones.owner)

    def _span(self, component: _Component) -> tuple[When, timedelta, bool]:
        """Start, length, and whether it is all-day; the length of a zoned meeting is exact, else of wall time."""
        start, properties = component.start, component.properties
        if "DTEND" in properties:
            end = self._when(properties["DTEND"][0], "DTEND")
            if start.zone is not None and end.zone is not None:
                length = self._instant(end) - self._instant(start)
            else:
                length = end.wall - start.wall
        else:
            length = self._duration(start, properties.get("DURATION", ()))
        day = timedelta(days=1)
        if start.is_date:
            # DTEND=DTSTART occurs: one day.
            return start, max(day, timedelta(days=-(-length // day))), True
        midnight = self._midnight(component, length)
        if midnight is not None:
            return When(midnight[0], None, is_date=True), midnight[1], True
        return start, max(timedelta(), length), False

    def _duration(self, start: When, values: Values) -> timedelta:
        if not values:
            return timedelta()
        text = values[0][1].strip().upper()
        try:
            length: timedelta = vDuration.from_ical(text[:50])  # type: ignore[no-untyped-call]  # icalendar's
        except (ValueError, OverflowError):
            raise _Fault(f"its DURATION is not one ({text[:40]!r})") from None
        if start.zone is not None and "T" not in text:
            # RFC 5545 3.3.6: days are nominal, so that a day over a clock change has 23 or 25 hours.
            return to_utc(start.wall + length, start.zone) - to_utc(start.wall, start.zone)
        return length

    def _midnight(self, component: _Component, length: timedelta) -> tuple[datetime, timedelta] | None:
        """The first midnight and the whole days of an all-day meeting written as date-times (Outlook)."""
        flag = first_value(component.properties, "X-MICROSOFT-CDO-ALLDAYEVENT").strip().upper()
        start = component.start
        if flag == "FALSE" or length <= timedelta():
            return None
        walls = [start.wall]
        if start.zone is UTC:
            if flag != "TRUE":
                return None
            walls += [to_wall(start.wall, self._default_zone or self.zones.owner)]
        for wall in walls:
            zone = start.zone if wall is start.wall else self._default_zone or self.zones.owner
            end = wall + length if zone is None else to_wall(to_utc(wall, zone) + length, zone)
            if wall.time() == time() and end.time() == time() and end > wall:
                return wall, end - wall
        return None

    def _between(self, start: When, duration: timedelta) -> tuple[datetime, datetime]:
        """Start and end as a record has them: aware UTC, or naive when floating or all-day."""
        if start.zone is None:
            return start.wall, start.wall + duration
        begin = to_utc(start.wall, start.zone)
        return begin, begin + duration

    def _name(self, when: When, form: _Form) -> str:
        """A recurrence-id in its series' terms: `20260301T080000Z`, `20260301`, or floating `20260301T080000`."""
        wall = self._wall_in(when, form)
        if form.kind == "date":
            return _day(wall)
        if form.kind == "floating" or form.start.zone is None:
            return _basic(wall, "")
        if when.zone is not None:
            return _basic(self._instant(when))
        return _basic(to_utc(wall, form.start.zone))

    def _wall_in(self, when: When, form: _Form) -> datetime:
        """The wall time of a date or time in the terms of a series."""
        if form.kind == "date":
            if when.zone is UTC and when.wall.time() != time():
                return datetime.combine(to_wall(when.wall, form.start.zone or self.zones.owner), time())
            return datetime.combine(when.wall, time())
        if when.is_date:
            return datetime.combine(when.wall, form.start.wall.time())
        if when.zone is None or when.zone is form.start.zone:
            return when.wall
        return to_wall(self._instant(when), form.start.zone or self.zones.owner)

    # ------ series

    def _expand(
        self, component: _Component, ranges: Sequence[_Component]
    ) -> tuple[Sequence[Occurrence], bool, str]:
        """Every occurrence of a series inside the window without its exclusions, and whether it was shortened."""
        start, duration, is_all_day = self._span(component)
        kind: Literal["date", "floating", "instant"] = "date" if is_all_day else _kind_of(start)
        if is_all_day and component.start.zone is not None:
            start = When(start.wall, component.start.zone, is_date=True)
        form = _Form(start, kind)
        walls, is_shortened, _ = self._walls(component, form)
        if start.zone is UTC and self._default_zone is not None and kind == "instant":
            # A series anchored in UTC moves with the clock of its calendar (X-WR-TIMEZONE), as long as its rule
            # meets its start there.
            local = _Form(When(to_wall(start.wall, self._default_zone), self._default_zone), kind)
            moved, cut, meets_start = self._walls(component, local)
            if meets_start:
                form, start, walls, is_shortened = local, local.start, moved, cut
        lengths: dict[datetime, timedelta] = {}
        walls, was_cut = self._with_dates(component, form, walls, lengths)
        is_shortened |= was_cut
        walls, was_cut = _at_most_a_year(walls)
        is_shortened |= was_cut
        changes = self._ranges(ranges, form, duration)
        edges = [change.original for change in changes]
        occurrences = []
        for wall in walls:
            moved_wall, length = wall, lengths.get(wall, duration)
            index = bisect_right(edges, wall) - 1
            if index >= 0 and edges[index] != wall:
                change = changes[index]
                if change.is_cancelled:
                    continue
                moved_wall, length = wall + change.moved, change.duration
            if kind == "instant" and start.zone is not None:
                original = to_utc(wall, start.zone)
                begin = original if moved_wall == wall else to_utc(moved_wall, start.zone)
                name = _basic(original)
            else:
                begin = moved_wall
                name = _day(wall) if kind == "date" else _basic(wall, "")
            occurrences.append(Occurrence(name, begin, begin + length))
        return occurrences, is_shortened, name_of(start.zone) if kind == "instant" else ""

    def _walls(self, component: _Component, form: _Form) -> tuple[list[datetime], bool, bool]:
        """The wall times of DTSTART and RRULE without those of EXRULE, rising.

        Also whether they were shortened, and whether every rule meets DTSTART.
        """
        start, properties = form.start, component.properties
        zone = start.zone or self.zones.owner
        end = self._window_end(form)
        rules = [value for _, value in properties.get("RRULE", ()) if value.strip()]
        exclusions = [value for _, value in properties.get("EXRULE", ()) if value.strip()]
        share = len(rules) + len(exclusions)
        if share > _MOST_RULES:
            raise _Fault(f"it has {share} recurrence rules; one is usual, {_MOST_RULES} are read")

        def expand(rule: str) -> tuple[list[datetime], bool]:
            found = expand_rule(
                rule,
                start.wall,
                end,
                lambda utc: to_wall(utc, zone),
                is_date=form.kind == "date",
                share=share,
            )
            return found.starts, found.is_shortened

        walls = {start.wall}
        is_shortened, meets_start = False, True
        for rule in rules:
            found, was_cut = expand(rule)
            meets_start &= found[:1] == [start.wall]
            count = re.search(r"(?:^|;)COUNT=(\d{1,18})(?:;|$)", rule.upper())
            if count is not None and found[:1] != [start.wall]:
                # RFC 5545 3.8.5.3: DTSTART counts as the first occurrence even where the rule does not meet it.
                found = found[: int(count[1]) - 1]
            walls.update(found)
            is_shortened |= was_cut
        for rule in exclusions:
            found, was_cut = expand(rule)
            walls.difference_update(found)
            is_shortened |= was_cut
        return sorted(walls), is_shortened, meets_start

    def _window_end(self, form: _Form) -> datetime:
        """The end of the window as a wall time of the series."""
        until = self._surroundings.until
        return until.replace(tzinfo=None) if form.start.zone is None else to_wall(until, form.start.zone)

    def _with_dates(
        self,
        component: _Component,
        form: _Form,
        walls: Iterable[datetime],
        lengths: dict[datetime, timedelta],
    ) -> tuple[list[datetime], bool]:
        """The wall times with RDATE and without EXDATE; `lengths` takes those of periods."""
        added, cut = self._dates(component.properties.get("RDATE", ()), form, lengths)
        end = self._window_end(form)
        every = set(walls) | {self._wall_in(when, form) for when in added}
        excluded, excluded_cut = self._dates(component.properties.get("EXDATE", ()), form, {})
        if excluded and form.kind != "date":
            days = {when.wall.date() for when in excluded if when.is_date}
            every = {wall for wall in every if wall.date() not in days}
        every -= {self._wall_in(when, form) for when in excluded}
        return sorted(wall for wall in every if wall < end), cut or excluded_cut

    def _dates(
        self, values: Values, form: _Form, lengths: dict[datetime, timedelta]
    ) -> tuple[list[When], bool]:
        found: list[When] = []
        for parameters, value in values:
            for text in value.split(",", _MOST_DATES - len(found)):
                if len(found) >= _MOST_DATES:
                    return found, True
                begin, _, end = text.partition("/")
                when = self._read_when(parameters, begin)
                if when is None:
                    if text.strip():
                        raise _Fault(f"one of its dates is not one ({text[:40]!r})")
                    continue
                found.append(when)
                if end:
                    length = self._period(when, parameters, end)
                    if length is not None:
                        lengths[self._wall_in(when, form)] = length
        return found, False

    def _period(self, begin: When, parameters: Mapping[str, str], end: str) -> timedelta | None:
        if end.strip().upper().startswith("P"):
            return max(timedelta(), self._duration(begin, [({}, end)]))
        when = self._read_when(parameters, end)
        return None if when is None else max(timedelta(), self._instant(when) - self._instant(begin))

    def _ranges(self, components: Sequence[_Component], form: _Form, usual: timedelta) -> list[_Range]:
        found: dict[datetime, _Range] = {}
        for component in sorted(components, key=lambda c: (c.sequence, c.modified)):
            if component.recurrence is None:
                continue
            try:
                original = self._wall_in(component.recurrence, form)
                start, duration, is_all_day = self._span(component)
            except (_Fault, OverflowError):
                continue
            moved = self._wall_in(start, form) - original
            found[original] = _Range(
                original,
                moved,
                duration if is_all_day == (form.kind == "date") else usual,
                first_value(component.properties, "STATUS").strip().upper() == "CANCELLED",
            )
        return [found[original] for original in sorted(found)]

    def _unreadable(self, place: str, uid: str, reason: str) -> Unreadable:
        known = f" (UID {uid[:80]})" if uid and not uid.startswith("no-uid-") else ""
        return Unreadable(f"{self._surroundings.name}, {place}{known}", reason)


def _kind_of(when: When) -> Literal["date", "floating", "instant"]:
    return "date" if when.is_date else "floating" if when.zone is None else "instant"


def _form_of(component: _Component, reader: _Reader) -> _Form | None:
    try:
        start, _, is_all_day = reader._span(component)  # noqa: SLF001 -- the same module
    except (_Fault, ValueError, OverflowError):
        return None
    if is_all_day:
        return _Form(When(start.wall, component.start.zone, is_date=True), "date")
    return _Form(start, _kind_of(start))


def _without_text(component: _Component) -> _Component:
    """The component with no more than its times, so that many can be held."""
    kept = {
        name: values[:1]
        for name, values in component.properties.items()
        if name in {"DTEND", "DURATION", "STATUS", "X-MICROSOFT-CDO-ALLDAYEVENT"}
    }
    return _Component(
        component.place,
        component.flags,
        component.uid,
        kept,
        component.start,
        component.recurrence,
        component.sequence,
        component.modified,
        component.is_future,
    )


def _unrelated(masters: Sequence[_Component]) -> Mapping[datetime, str]:
    """What to add to the UID of events that share one without being revisions of one another, by start.

    Observed 2026-11: Zoom series and home-made feeds give one UID to several events. Revisions of one meeting
    differ in SEQUENCE; of those that do not, the earliest keeps the plain UID.
    """
    starts_of: dict[int, set[datetime]] = {}
    for master in masters:
        starts_of.setdefault(master.sequence, set()).add(master.start.wall)
    if all(len(starts) < 2 for starts in starts_of.values()):
        return {}
    starts = sorted(set().union(*starts_of.values()))
    return {start: _basic(start, "") for start in starts[1:]}


def _at_most_a_year(walls: Sequence[datetime]) -> tuple[list[datetime], bool]:
    kept: list[datetime] = []
    for _, year in groupby(walls, key=lambda wall: wall.year):
        kept += list(year)[:MOST_A_YEAR]
    return kept, len(kept) < len(walls)


def _day(moment: datetime) -> str:
    # Not strftime: it leaves the years before 1000 without their zeros, and takes twice the time.
    return f"{moment.year:04}{moment.month:02}{moment.day:02}"


def _basic(moment: datetime, suffix: str = "Z") -> str:
    """Basic format (RFC 5545 3.3.5), `Z` at the end for UTC."""
    return f"{_day(moment)}T{moment.hour:02}{moment.minute:02}{moment.second:02}{suffix}"

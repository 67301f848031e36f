"""Calendars of one mailbox at Microsoft Graph, with state: series that are kept by their rule, exceptions, deltas of views.

https://learn.microsoft.com/graph/api/event-delta, event-list-instances and calendar-list-calendarview as of 2026-11. A delta
of a view refuses what the vendor's page excludes. As observed (2026-11), occurrences come as stubs, a series is sent whole and
on one page, a deleted occurrence is only absent from it, and what changed outside the window comes as removed. What is not
promised a test chooses: `outside` (how what is outside comes), `splits_series`, `is_partial`, `repeats` (`graph_lists.Lists`).
"""

import base64
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from schemas.clock import Clock
from tests.fakes.api import Json, Reply, Request
from tests.fakes.graph import (
    VERSION,
    Mailbox,
    allows,
    has_immutable_ids,
    refuse,
    selected,
)
from tests.fakes.graph_lists import NOW, Lists, Walk, listed, projected

OWNER = "me@home.test"
BASIC = ("Calendars.ReadBasic", "Calendars.Read", "Calendars.ReadWrite")
FULL = ("Calendars.Read", "Calendars.ReadWrite")
_MOST_DAYS = 1_825
_WINDOWS = {"Europe/Berlin": "W. Europe Standard Time", "America/New_York": "Eastern Standard Time"}
_CALENDAR = frozenset(
    "id name owner isDefaultCalendar canEdit canShare canViewPrivateItems changeKey color hexColor isRemovable".split()
)
_EVENT = frozenset(
    """id type seriesMasterId iCalUId changeKey createdDateTime lastModifiedDateTime categories subject body bodyPreview
    location start end isAllDay isCancelled isOrganizer isDraft organizer attendees responseStatus responseRequested
    hideAttendees sensitivity showAs importance recurrence originalStart originalStartTimeZone originalEndTimeZone
    hasAttachments isOnlineMeeting webLink""".split()
)
_STUB = frozenset("id type seriesMasterId start end".split())


def exchange_uid(number: int, day: date | None = None, foreign: str = "") -> str:
    """A UID as Exchange writes it (MS-OXOCAL 2.2.1.27), of one day of a series where one is named."""
    data = b"vCal-Uid\x01\x00\x00\x00" + foreign.encode() + b"\x00" if foreign else number.to_bytes(16, "big")
    embedded = day.year.to_bytes(2, "big") + bytes([day.month, day.day]) if day else bytes(4)
    head = bytes.fromhex("040000008200E00074C5B7101A82E008")
    made = (132_000_000_000_000_000).to_bytes(8, "little")
    return (head + embedded + made + bytes(8) + len(data).to_bytes(4, "little") + data).hex().upper()


class Stored(Struct):
    """A single event or a series: its calendar, what it says, and of a series its rule and how instances differ."""

    number: int
    calendar: str
    props: Json
    starts: datetime
    length: timedelta
    zone: str
    is_all_day: bool = False
    uid: str = ""
    every: timedelta | None = None
    count: int | None = None
    dropped: set[str] = field(default_factory=set)
    exceptions: dict[str, Json] = field(default_factory=dict)
    revision: int = 0
    changed: frozenset[str] = frozenset()
    is_deleted: bool = False

    @property
    def id(self) -> str:
        kind = base64.b64encode(f"I{self.number:08d}".encode()).decode()
        return f"AAkALg/{kind}+="


class _Walk(Walk, kw_only=True):
    """The window too."""

    start: datetime
    end: datetime


class GraphCalendars(Lists):
    """One mailbox's calendars. Every method but `serves` and `answer` is a test's, or the hands of people."""

    scopes = BASIC

    def __init__(
        self, clock: Clock | None = None, mailbox: Mailbox | None = None, *, user: str = OWNER
    ) -> None:
        super().__init__(clock, mailbox)
        self.user = user
        self.outside: Literal["removed", "null"] = "removed"
        self.splits_series = False
        self.events: dict[str, Stored] = {}
        self.calendars: dict[str, Json] = {}
        self.broken: set[str] = set()
        """Calendars whose views fail."""
        self.forgets_pages: Literal[0, 400, 410] = 0
        """How links to further pages of plain lists are refused; 0 where they lead on."""
        self.closed: set[str] = set()
        """Calendars that their owner does not let be read."""
        self.poison: dict[str, int] = {}
        """Events that are refused with this status whenever one is asked for by itself."""
        self.main = self.add_calendar("Calendar", isDefaultCalendar=True)

    # ------ hands

    def add_calendar(self, name: str, *, owner: str = "", can_edit: bool = True, **more: Any) -> str:
        """One more calendar; its id."""
        one = f"AQMkAD/{base64.b64encode(name.encode()).decode()}+="
        self.calendars[one] = {
            "id": one,
            "name": name,
            "owner": {"name": (owner or self.user).partition("@")[0], "address": owner or self.user},
            "isDefaultCalendar": False,
            "canEdit": can_edit,
            "color": "auto",
            **more,
        }
        return one

    def delete_calendar(self, one: str) -> None:
        del self.calendars[one]
        for event in [event for event in self.events.values() if event.calendar == one]:
            self.delete(event.id)

    def add(
        self,
        subject: str,
        start: datetime | date,
        *,
        length: timedelta | None = None,
        zone: str = "Europe/Berlin",
        calendar: str = "",
        uid: str = "",
        every: timedelta | None = None,
        count: int | None = None,
        attendees: Sequence[tuple[str, str, str]] = (("ana@example.com", "Ana Okafor", "accepted"),),
        **more: Any,
    ) -> str:
        """A single event, or with `every` a series; its id. A date makes it an all-day one; attendees are address, name, answer."""
        self._made += 1
        is_all_day = not isinstance(start, datetime)
        wall = (
            start.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
            if isinstance(start, datetime)
            else datetime.combine(start, time())
        )
        props = {
            "subject": subject,
            "body": {"contentType": "text", "content": f"What {subject} is about"},
            "bodyPreview": f"What {subject} is about",
            "location": {"displayName": "Room 2"},
            "isCancelled": False,
            "isOrganizer": True,
            "organizer": {"emailAddress": {"name": "me", "address": self.user}},
            "attendees": [an_attendee(*one) for one in attendees],
            "responseStatus": {"response": "organizer", "time": "0001-01-01T00:00:00Z"},
            "responseRequested": True,
            "showAs": "busy",
            "sensitivity": "normal",
            **more,
        }
        event = Stored(
            self._made,
            calendar or self.main,
            props,
            wall,
            length or (timedelta(days=1) if is_all_day else timedelta(hours=1)),
            zone,
            is_all_day,
            uid or exchange_uid(self._made),
            every,
            count,
        )
        self.events[event.id] = event
        self._touch(event)
        return event.id

    def change(self, one: str, **props: Any) -> None:
        """Change properties of an event."""
        event = self.events[one]
        event.props |= props
        self._touch(event, frozenset(props))

    def move(self, one: str, start: datetime) -> None:
        """Put an event, or the whole of a series, to another time; exceptions of a series go with it."""
        event = self.events[one]
        event.starts = start.astimezone(ZoneInfo(event.zone)).replace(tzinfo=None)
        event.exceptions, event.dropped = {}, set()
        self._touch(event, frozenset({"start", "end"}))

    def put_into(self, one: str, calendar: str) -> None:
        """Move an event to another calendar."""
        event = self.events[one]
        before = Stored(event.number, event.calendar, {}, event.starts, event.length, event.zone)
        before.is_deleted = True
        self.events[f"gone {event.calendar} {one}"] = before
        self._touch(before)
        event.calendar = calendar
        self._touch(event)

    def delete(self, one: str) -> None:
        """Delete an event, or a whole series."""
        event = self.events[one]
        event.is_deleted = True
        self._touch(event)

    def slots(self, one: str) -> list[str]:
        """The occurrences of a series that its rule makes, ten years at most."""
        event = self.events[one]
        return [_slot(event, wall) for wall in _walls(event, event.starts + timedelta(days=3_660))]

    def drop(self, one: str, slot: str) -> None:
        """Delete one occurrence of a series."""
        event = self.events[one]
        event.dropped.add(slot)
        event.exceptions.pop(slot, None)
        self._touch(event)

    def differ(self, one: str, slot: str, *, start: datetime | None = None, **props: Any) -> None:
        """Make one occurrence of a series differ from it."""
        event = self.events[one]
        known = event.exceptions.setdefault(slot, {"revision": 0})
        known |= props
        if start is not None:
            known["at"] = start.astimezone(ZoneInfo(event.zone)).replace(tzinfo=None)
        self._touch(event)
        known["revision"] = self._revision

    def _touch(self, event: Stored, changed: frozenset[str] = frozenset()) -> None:
        self._revision += 1
        event.revision = self._revision
        event.changed = changed
        is_main = event.calendar == self.main
        way = "me" if is_main else f"me/calendars/{quote(event.calendar, safe='=')}"
        self.told(f"{way}/events")

    def truth(self, calendar: str = "") -> dict[str, set[str]]:
        """The events that there are, with the occurrences of series, of one calendar or of all."""
        return {
            event.id: {_slot(event, wall) for wall in _walls(event, event.starts + timedelta(days=3_660))}
            - event.dropped
            if event.every
            else set()
            for event in self.events.values()
            if not event.is_deleted and calendar in {"", event.calendar}
        }

    def utc(self, event: Stored, wall: datetime) -> datetime:
        """The instant of a wall time of an event; of an all-day one the wall time itself."""
        return wall if event.is_all_day else _utc(event, wall)

    def start_of(self, event: Stored, slot: str) -> datetime:
        """When an occurrence begins by its series' rule."""
        return self.utc(event, _wall_of(event, slot))

    def is_before(self, event: Stored, slot: str, end: datetime) -> bool:
        """Whether an occurrence begins before the end of a window."""
        return _utc(event, _wall_of(event, slot)) < end

    # ------ the wire

    def serves(self, path: str, /) -> bool:
        """Calendars, views and events."""
        return path.removeprefix(VERSION).startswith("/me/calendar")

    def _answer(self, request: Request, path: list[str]) -> Reply:
        if self.forgets_pages and request.one("$skip"):
            raise refuse(
                self.forgets_pages, {400: "BadRequest", 410: "SyncStateNotFound"}[self.forgets_pages]
            )
        match path:
            case ["calendars"]:
                allows(request, {"$select", "$top", "$skip"})
                names = selected(request, _CALENDAR)
                rows = [projected(one, names) for one in self.calendars.values()]
                return listed(self._server, request, ["me", *path], rows, 10, self.most_rows)
            case ["calendarView", "delta"]:
                return self._view_delta(request, ["me", *path], self.main)
            case ["calendars", calendar, "calendarView", "delta"]:
                return self._view_delta(request, ["me", *path], self._calendar(calendar))
            case ["calendars", calendar, "calendarView"]:
                return self._view(request, path, self._calendar(calendar))
            case ["calendars", calendar, "events"]:
                allows(request, {"$select", "$top", "$skip"})
                names = selected(request, _EVENT)
                rows = [
                    projected(self._row(event, request), names)
                    for event in self.events.values()
                    if event.calendar == self._calendar(calendar) and not event.is_deleted
                ]
                return listed(self._server, request, ["me", *path], rows, 10, self.most_rows)
            case ["calendars", _, "events", one, *_] if one.partition("|")[0] in self.poison:
                raise refuse(
                    self.poison[one.partition("|")[0]], "ErrorAccessDenied", "The item cannot be read."
                )
            case ["calendars", calendar, "events", one]:
                allows(request, {"$select"})
                event, slot = self._event(one)
                if event.calendar != self._calendar(calendar):
                    raise refuse(404, "ErrorItemNotFound", "The specified object was not found in the store.")
                row = self._row(event, request) if slot is None else self._instance(event, slot, request)
                return Reply(200, projected(row, selected(request, _EVENT)))
            case ["calendars", calendar, "events", one, "instances"]:
                if self._event(one)[0].calendar != self._calendar(calendar):
                    raise refuse(404, "ErrorItemNotFound", "The specified object was not found in the store.")
                return self._instances(request, path, one)
            case _:
                raise refuse(400, "BadRequest", "Resource not found for the segment.")

    def _calendar(self, one: str) -> str:
        if one not in self.calendars:
            raise refuse(404, "ErrorItemNotFound", "The specified folder could not be found in the store.")
        return one

    def _event(self, one: str) -> tuple[Stored, str | None]:
        root, _, slot = one.partition("|")
        event = self.events.get(root)
        if event is None or event.is_deleted or (slot and not self._is_there(event, slot)):
            raise refuse(404, "ErrorItemNotFound", "The specified object was not found in the store.")
        return event, slot or None

    @staticmethod
    def _is_there(event: Stored, slot: str) -> bool:
        return slot not in event.dropped and slot in {
            _slot(event, wall) for wall in _walls(event, event.starts + timedelta(days=3_660))
        }

    # ------ plain lists

    def _view(self, request: Request, path: list[str], calendar: str) -> Reply:
        allows(request, {"startDateTime", "endDateTime", "$select", "$top", "$skip"})
        start, end = _window(request)
        names = selected(request, _EVENT)
        rows = [
            projected(row, names)
            for event in self.events.values()
            if event.calendar == calendar and not event.is_deleted
            for row in self._shown(event, start, end, request)
        ]
        rows.sort(key=lambda row: (row["start"]["dateTime"] if "start" in row else "", row["id"]))
        return listed(self._server, request, ["me", *path], rows, 10, self.most_rows)

    def _shown(self, event: Stored, start: datetime, end: datetime, request: Request) -> Iterator[Json]:
        if event.every is None:
            if _meets(event, event.starts, event.length, start, end):
                yield self._row(event, request)
            return
        for slot in self._slots_within(event, start, end):
            yield self._instance(event, slot, request)

    def _instances(self, request: Request, path: list[str], one: str) -> Reply:
        allows(request, {"startDateTime", "endDateTime", "$select", "$top", "$skip"})
        start, end = _window(request)
        event, _ = self._event(one)
        if event.every is None:
            raise refuse(400, "ErrorInvalidRequest", "Instances are those of a series master.")
        names = selected(request, _EVENT)
        rows = [
            projected(self._instance(event, slot, request), names)
            for slot in self._slots_within(event, start, end)
        ]
        return listed(self._server, request, ["me", *path], rows, 10, self.most_rows)

    # ------ deltas

    def _view_delta(self, request: Request, path: list[str], calendar: str) -> Reply:
        if calendar in self.closed:
            raise refuse(403, "ErrorAccessDenied", "Access is denied.")
        if calendar in self.broken:
            raise refuse(500, "ErrorInternalServerError")

        def begin() -> _Walk:
            allows(request, {"startDateTime", "endDateTime"})
            start, end = _window(request)
            return _Walk(calendar, self._revision, start=start, end=end)

        return self._delta(request, path, calendar, begin, self._all, self._changed)

    def _all(self, walk: _Walk, request: Request) -> list[list[Json]]:
        groups: list[list[Json]] = []
        for event in self.events.values():
            if event.calendar == walk.of and not event.is_deleted:
                groups += self._told(event, walk, request, is_new=True)
        return [group for group in groups if group]

    def _changed(self, walk: _Walk, request: Request) -> list[list[Json]]:
        groups: list[list[Json]] = []
        late = sorted(self.events.values(), key=lambda event: event.revision)
        for event in late:
            if event.calendar != walk.of or event.revision <= walk.revision:
                continue
            if event.is_deleted:
                groups.append([{"id": event.id, "@removed": {"reason": "deleted"}}])
                continue
            told = self._told(event, walk, request, is_new=False)
            groups += told or [[self._outside(event)]]
        return groups

    def _outside(self, event: Stored) -> Json:
        if self.outside == "removed":
            return {"id": event.id, "@removed": {"reason": "deleted"}}
        return {"id": event.id, **dict.fromkeys(("subject", "start", "end", "attendees", "type", "iCalUId"))}

    def _told(self, event: Stored, walk: _Walk, request: Request, *, is_new: bool) -> list[list[Json]]:
        """An event as a group of rows that come on one page; nothing where it is not in the window."""
        if event.every is None:
            if not _meets(event, event.starts, event.length, walk.start, walk.end):
                return []
            row = self._row(event, request)
            if self.is_partial and not is_new and event.changed:
                row = {
                    name: value
                    for name, value in row.items()
                    if name in {"id", "@odata.etag"} | event.changed
                }
            return [[row]]
        rows = []
        for slot in self._slots_within(event, walk.start, walk.end):
            row = self._instance(event, slot, request)
            is_stub = row["type"] == "occurrence"
            rows.append({name: value for name, value in row.items() if name in _STUB} if is_stub else row)
        if not rows:
            return []
        if self.splits_series:
            half = len(rows) // 2
            return [[self._row(event, request), *rows[:half]], rows[half:]]
        return [[self._row(event, request), *rows]]

    def _slots_within(self, event: Stored, start: datetime, end: datetime) -> list[str]:
        until = max(end.replace(tzinfo=None), event.starts) + timedelta(days=2)
        found = []
        for wall in _walls(event, until):
            slot = _slot(event, wall)
            if slot in event.dropped:
                continue
            at = event.exceptions.get(slot, {}).get("at", wall)
            if _meets(event, at, event.length, start, end):
                found.append(slot)
        for slot, known in event.exceptions.items():
            # An occurrence may have been put into the window from far outside.
            if slot not in found and "at" in known and _meets(event, known["at"], event.length, start, end):
                found.append(slot)
        return found

    # ------ rows

    def _row(self, event: Stored, request: Request) -> Json:
        row = {
            **self._common(event, event.revision, request),
            **event.props,
            "id": _shown_id(event.id, request),
            "type": "seriesMaster" if event.every else "singleInstance",
            "iCalUId": event.uid,
            **_times(event, event.starts, event.length),
        }
        if event.every:
            row["recurrence"] = _recurrence(event)
        return self.garble(_without_text(row, request))

    def _instance(self, event: Stored, slot: str, request: Request) -> Json:
        wall = _wall_of(event, slot)
        known = event.exceptions.get(slot)
        props = {name: value for name, value in (known or {}).items() if name not in {"revision", "at"}}
        row = {
            **self._common(event, known["revision"] if known else event.revision, request),
            **event.props,
            **props,
            "id": _shown_id(f"{event.id}|{slot}", request),
            "type": "exception" if known is not None else "occurrence",
            "seriesMasterId": _shown_id(event.id, request),
            "iCalUId": f"{event.uid}-{slot[:8]}",
            **_times(event, (known or {}).get("at", wall), event.length),
        }
        if known is not None:
            row["originalStart"] = _utc(event, wall).strftime("%Y-%m-%dT%H:%M:%SZ")
        return self.garble(_without_text(row, request))

    def _common(self, event: Stored, revision: int, request: Request) -> Json:
        return {
            "@odata.etag": f'W/"{revision:08d}"',
            "changeKey": f"{revision:08d}",
            "createdDateTime": "2026-01-01T00:00:00Z",
            "lastModifiedDateTime": f"{NOW:%Y-%m-%dT%H:%M:%S}.{revision:07d}Z",
            "isAllDay": event.is_all_day,
            "originalStartTimeZone": _WINDOWS.get(event.zone, event.zone),
            "originalEndTimeZone": _WINDOWS.get(event.zone, event.zone),
        }


def an_attendee(address: str, name: str = "", response: str = "none", kind: str = "required") -> Json:
    """One who is asked."""
    return {
        "emailAddress": {"name": name or address, "address": address},
        "type": kind,
        "status": {"response": response, "time": "0001-01-01T00:00:00Z"},
    }


def _window(request: Request) -> tuple[datetime, datetime]:
    try:
        start, end = (
            datetime.fromisoformat(request.one(name)).astimezone(UTC)
            for name in ("startDateTime", "endDateTime")
        )
    except ValueError:
        raise refuse(400, "ErrorInvalidParameter", "This request requires a time window.") from None
    if end < start or (end - start).days > _MOST_DAYS:
        raise refuse(
            400,
            "ErrorInvalidRequest",
            f"The range is greater than the allowed range. Maximum: {_MOST_DAYS} days.",
        )
    return start, end


def _walls(event: Stored, until: datetime) -> Iterator[datetime]:
    """The wall times of a series' occurrences."""
    wall, number = event.starts, 0
    while event.every is not None and wall < until and (event.count is None or number < event.count):
        yield wall
        wall += event.every
        number += 1


def _slot(event: Stored, wall: datetime) -> str:
    return f"{wall:%Y%m%d}" if event.is_all_day else f"{_utc(event, wall):%Y%m%dT%H%M%SZ}"


def _wall_of(event: Stored, slot: str) -> datetime:
    if event.is_all_day:
        return datetime.strptime(slot, "%Y%m%d")  # noqa: DTZ007  # a wall time
    at = datetime.strptime(slot, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return at.astimezone(ZoneInfo(event.zone)).replace(tzinfo=None)


def _utc(event: Stored, wall: datetime) -> datetime:
    return wall.replace(tzinfo=ZoneInfo(event.zone)).astimezone(UTC)


def _meets(event: Stored, wall: datetime, length: timedelta, start: datetime, end: datetime) -> bool:
    at = _utc(event, wall)
    return at < end and at + length > start


def _times(event: Stored, wall: datetime, length: timedelta) -> Json:
    if event.is_all_day:
        begin, end = wall, wall + length
    else:
        begin = _utc(event, wall).replace(tzinfo=None)
        end = begin + length
    return {
        name: {"dateTime": f"{at:%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": "UTC"}
        for name, at in (("start", begin), ("end", end))
    }


def _recurrence(event: Stored) -> Json:
    days = event.every.days if event.every else 1
    weekday = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")[
        event.starts.weekday()
    ]
    pattern: Json = {"type": "daily", "interval": days}
    if days % 7 == 0:
        pattern = {"type": "weekly", "interval": days // 7, "daysOfWeek": [weekday]}
    span: Json = {"type": "noEnd", "startDate": f"{event.starts:%Y-%m-%d}"}
    if event.count:
        span = {**span, "type": "numbered", "numberOfOccurrences": event.count}
    return {"pattern": pattern, "range": span}


def _shown_id(one: str, request: Request) -> str:
    # Without the preference ids are others, and change when the event is moved.
    return one if has_immutable_ids(request) else f"R{one}"


def _without_text(row: Json, request: Request) -> Json:
    held = {one.rpartition("/")[2] for one in request.scopes}
    return (
        row if held & set(FULL) else {name: row[name] for name in row if name not in {"body", "bodyPreview"}}
    )

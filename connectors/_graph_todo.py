"""Microsoft To Do's lists and tasks over Graph, and a follow-up's words as To Do holds them, and back.

https://learn.microsoft.com/graph/api/resources/todotask, read 2026-11. The key of a task of ours is the `externalId` of a
linked resource, which goes with the task; whether Graph can filter by it is written nowhere, so that tasks are listed with
their linked resources and matched here.

A due date is a date in disguise. Observed 2026-11: Graph drops the time of day of what it is given, and what Microsoft's own
programs write comes as local midnight in UTC. So it is written as midnight in the owner's zone, asked for in that zone, and
read as the day whose midnight is nearest.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, TypeVar
from urllib.parse import quote, unquote

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field

from connectors._graph import IMMUTABLE, Ask, Graph, decoded
from connectors._graph_rows import Moment, Removed, nearest_day, told
from connectors._ical_zones import known_zone, to_utc, to_wall
from connectors._mail_text import clean
from connectors._task_lists import gone_list
from connectors._tasks import cut, one_line, plain_lines, safe_link, width
from schemas.connector import Access, TaskDraft, TaskLimits
from schemas.errors import Ambiguous, Missing, Transient
from schemas.ids import IdempotencyKey

T = TypeVar("T")

PERMISSIONS = ("Tasks.ReadWrite", "Tasks.ReadWrite.Shared")
LIMITS = TaskLimits(title=255, note=10_000)
APPLICATION = "Kith"
GONE_LIST = gone_list("in Microsoft To Do", "microsoft")
_FLAGGED = "flaggedEmails"
_SELECTED = "id,title,status,body,dueDateTime,recurrence,lastModifiedDateTime"
_EXPANDED = {"$select": _SELECTED, "$expand": "linkedResources"}
_ROWS = "100"
_LIST_NAME = 200
_DONE = "completed"


class TodoList(Struct, frozen=True, rename="camel"):
    """https://learn.microsoft.com/graph/api/resources/todotasklist."""

    id: str
    display_name: str | None = None
    is_owner: bool | None = None
    wellknown_list_name: str | None = None

    @property
    def name(self) -> str:
        """As people know it."""
        return clean(self.display_name or "")


class _Linked(Struct, frozen=True, rename="camel"):
    application_name: str | None = None
    external_id: str | None = None


class _Body(Struct, frozen=True, rename="camel"):
    content: str | None = None
    content_type: str | None = None


class TodoTask(Struct, frozen=True, rename="camel"):
    """One row. What is unset was not told: of a change only what changed is promised."""

    id: str
    removed: Removed | None = field(default=None, name="@removed")
    etag: str | None = field(default=None, name="@odata.etag")
    title: str | UnsetType | None = UNSET
    status: str | UnsetType | None = UNSET
    body: _Body | UnsetType | None = UNSET
    due_date_time: Moment | UnsetType | None = UNSET
    recurrence: Any = None
    last_modified_date_time: str | UnsetType | None = UNSET
    linked_resources: tuple[_Linked, ...] | UnsetType | None = UNSET

    @property
    def is_told(self) -> bool:
        """Whether enough is here to know whose it is and how it stands. A task without a due date does not tell of one."""
        return UNSET not in {self.title, self.status, self.last_modified_date_time, self.linked_resources}

    @property
    def key(self) -> str:
        """The key that it carries; empty where it is none of ours."""
        linked = told(self.linked_resources, ())
        return next((one.external_id or "" for one in linked if one.application_name == APPLICATION), "")

    @property
    def is_done(self) -> bool:
        """Whether it is completed."""
        return self.status == _DONE

    @property
    def is_recurring(self) -> bool:
        """Whether its owner made it come again."""
        return self.recurrence is not None

    @property
    def note(self) -> str:
        """Its note as it stands."""
        return told(self.body, _Body()).content or ""


class Place(Struct, frozen=True):
    """Where a task is; as a text it is what a `TaskRef` goes by, with the key by which it is found should it move."""

    list: str
    task: str
    key: str

    @property
    def text(self) -> str:
        """Three parts, each percent-encoded."""
        return "/".join(quote(part, safe="") for part in (self.list, self.task, self.key))


def place_of(text: str) -> Place | None:
    """The place that a text tells of; None where it is none."""
    parts = text.split("/")
    return Place(*map(unquote, parts)) if len(parts) == 3 else None


class Todo:
    """One account's To Do."""

    def __init__(self, access: Access) -> None:
        self._access = access
        zone = access.zone if known_zone(access.zone) else "UTC"
        prefer = (
            IMMUTABLE,
            f"odata.maxpagesize={_ROWS}",
            f'outlook.timezone="{zone}"',
            'outlook.body-content-type="text"',
        )
        self.graph = Graph(access, needs=PERMISSIONS[0], prefer=prefer)

    def lists(self) -> list[TodoList]:
        """Every list but that of flagged mails, which is never written into.

        Raises:
            Transient: the answer cannot be read; a list that is not named would be held for gone.
        """
        found = [
            _row(row, TodoList, "list of task lists")
            for rows in self.graph.pages("me/todo/lists", {"$top": _ROWS})
            for row in rows.value
        ]
        return [one for one in found if one.wellknown_list_name != _FLAGGED]

    def make_list(self, name: str) -> TodoList:
        """Make a list."""
        answer = self.graph.send(
            "POST", "me/todo/lists", {"displayName": cut(clean(name), _LIST_NAME) or "Kith"}
        )
        return _written(answer.body, TodoList)

    def delta(self, one: str) -> tuple[str, dict[str, str]]:
        """The way to a list's delta, and what to ask it for."""
        return f"{_way(one)}/delta", dict(_EXPANDED)

    def tasks(self, one: str) -> Iterator[TodoTask]:
        """Every task of a list, with its linked resources; one that cannot be read is nobody's."""
        for rows in self.graph.pages(_way(one), {**_EXPANDED, "$top": _ROWS}):
            for row in rows.value:
                task = task_of(row)
                if task is not None:
                    yield task

    def task(self, place: Place) -> TodoTask:
        """A task as it is now.

        Raises:
            Missing: it is not there.
        """
        way = f"{_way(place.list)}/{quote(place.task, safe='')}"
        return _row(self.graph.get(way, Raw, _EXPANDED), TodoTask, "task")

    def at(self, places: Sequence[tuple[str, str]]) -> list[TodoTask | None]:
        """The tasks with these ids in these lists; None for what is not there."""
        asks = [Ask(f"{_way(one)}/{quote(task, safe='')}", query=_EXPANDED) for one, task in places]
        found: list[TodoTask | None] = []
        for said in self.graph.batch(asks):
            is_there = not isinstance(said.error, Missing)
            found.append(_row(said.read(Raw), TodoTask, "task") if is_there else None)
        return found

    def make(self, one: str, key: IdempotencyKey, draft: TaskDraft) -> TodoTask:
        """Make a task with its key in one request.

        Raises:
            Ambiguous: the answer never came, or cannot be read.
        """
        link = safe_link(draft.url)
        linked = {"applicationName": APPLICATION, "externalId": key, "displayName": "Open in Kith"}
        body = {
            "title": title_of(draft),
            "body": {"content": note_of(draft), "contentType": "text"},
            "linkedResources": [linked | ({"webUrl": link} if link else {})],
            **({"dueDateTime": self.due(draft.due)} if draft.due else {}),
        }
        return _written(self.graph.send("POST", _way(one), body).body, TodoTask)

    def change(self, place: Place, task: TodoTask, change: Mapping[str, Any]) -> TodoTask:
        """Change a task as it was read.

        Raises:
            Conflict: it has changed since.
        """
        way = f"{_way(place.list)}/{quote(place.task, safe='')}"
        headers = {"If-Match": task.etag} if task.etag else {}
        return _written(self.graph.send("PATCH", way, change, headers=headers).body, TodoTask)

    def due(self, day: date | None) -> dict[str, str] | None:
        """A due date as it is written: midnight in the owner's zone."""
        if day is None:
            return None
        zone = self._access.zone if known_zone(self._access.zone) else "UTC"
        return {"dateTime": f"{datetime.combine(day, time()):%Y-%m-%dT%H:%M:%S}", "timeZone": zone}

    def day(self, task: TodoTask) -> date | None:
        """The day that a task is due on, in the owner's zone."""
        return day_of(told(task.due_date_time, None), self._access.zone)


def day_of(moment: Moment | None, zone: str) -> date | None:
    """The day of a due date: midnight in UTC is that day itself, anything else the day whose midnight in a zone is nearest."""
    if moment is None:
        return None
    try:
        wall = datetime.fromisoformat(moment.date_time[:19])
        there = known_zone(moment.time_zone or "UTC")
        if there is None:
            return nearest_day(wall)
        instant = to_utc(wall, there)
        if instant.time() == time():
            return instant.date()
        return nearest_day(to_wall(instant, known_zone(zone) or UTC))
    except (ValueError, OverflowError):
        return None


def instant_of(text: str | UnsetType | None) -> datetime | None:
    """A time with its offset, in UTC; None where it is none."""
    try:
        at = datetime.fromisoformat(told(text, ""))
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def title_of(draft: TaskDraft) -> str:
    """The title as To Do takes it: its limit counts what is beyond the basic plane twice."""
    room = LIMITS.title
    while width(title := one_line(draft.title, room)) > LIMITS.title:
        room -= max(1, (width(title) - LIMITS.title) // 2)
    return title


def note_of(draft: TaskDraft) -> str:
    """The note as text; the link stands beside it."""
    return cut("\n".join(plain_lines(draft.note)), LIMITS.note)


def trimmed(text: str) -> str:
    """A note without the space around lines that nobody sees."""
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def task_of(row: Raw) -> TodoTask | None:
    """A row as it came, or None where it cannot be read."""
    try:
        return msgspec.json.decode(row, type=TodoTask)
    except (msgspec.DecodeError, RecursionError):
        return None


def _way(one: str) -> str:
    return f"me/todo/lists/{quote(one, safe='')}/tasks"


def _row(row: Raw, kind: type[T], what: str) -> T:
    try:
        return msgspec.json.decode(row, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Transient(f"Microsoft's {what} cannot be read. Kith tries again.") from error


def _written(body: bytes, kind: type[T]) -> T:
    try:
        return decoded(body, kind)
    except Transient as error:
        raise Ambiguous("Microsoft's answer to a write cannot be read; it may have happened.") from error

"""To Do of one mailbox at Microsoft Graph, with state: lists, tasks with linked resources, a delta a list.

https://learn.microsoft.com/graph/api/resources/todo-overview as of 2026-11. As observed (2026-11), a due date loses its time of
day, what Microsoft's own programs write comes as local midnight, and a completion tells a UTC date alone. What is not promised a
test chooses: `keeps_ids` (whether immutable ids outlive a move), `heeds_if_match`, `expands_deltas`, `is_partial`, `due_as`
(whether what the API writes is kept as midnight in UTC or in the zone it came with).
"""

import base64
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any, Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct, field

from schemas.clock import Clock, FrozenClock
from tests.fakes.api import ApiServer, Json, Reply, Request
from tests.fakes.graph import (
    VERSION,
    Mailbox,
    Refused,
    Tokens,
    allows,
    has_immutable_ids,
    link,
    needs_scope,
    page_size,
    path_of,
    preferences,
    refuse,
    selected,
)
from tests.fakes.graph_lists import listed, projected

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
WRITE = ("Tasks.ReadWrite", "Tasks.ReadWrite.Shared")
READ = ("Tasks.Read", *WRITE)
_TITLE = 255
_TASK = frozenset(
    """id title body status importance categories isReminderOn reminderDateTime dueDateTime startDateTime
    completedDateTime recurrence createdDateTime lastModifiedDateTime bodyLastModifiedDateTime hasAttachments""".split()
)
_TAKEN = _TASK | {"linkedResources"} - {"id", "createdDateTime", "lastModifiedDateTime"}
_STATUS = {"notStarted", "inProgress", "completed", "waitingOnOthers", "deferred"}


class Kept(Struct):
    """A task: its number, the list it is in, what it says, when it is due, and how often it moved."""

    number: int
    place: str
    props: Json
    due: datetime | None = None
    linked: list[Json] = field(default_factory=list)
    done_on: date | None = None
    made_at: datetime = NOW
    changed_at: datetime = NOW
    revision: int = 0
    changed: frozenset[str] = frozenset()
    moves: int = 0

    @property
    def id(self) -> str:
        return _id(f"I{self.number:06d}")


class _Gone(Struct):
    """A task that left a list."""

    id: str
    place: str
    revision: int


class _Walk(Struct):
    """What a token stands for."""

    place: str
    select: frozenset[str]
    is_expanded: bool
    revision: int
    rest: list[Json] | None = None


class GraphTodo:
    """One mailbox's To Do. Every method but `serves` and `answer` is a test's, or its owner's own hand."""

    def __init__(self, clock: Clock | None = None, mailbox: Mailbox | None = None) -> None:
        self.clock = clock or FrozenClock(NOW)
        self.mailbox = mailbox or Mailbox(self.clock)
        self.server: ApiServer | None = None
        self.told: Callable[[str], object] = lambda _resource: None
        """Told of each change, by what subscriptions are on."""
        self.tokens = Tokens()
        self.most_rows = 100
        self.keeps_ids = True
        self.heeds_if_match = True
        self.expands_deltas = True
        self.is_partial = False
        self.due_as: Literal["utc", "zone"] = "zone"
        self.lists: dict[str, Json] = {}
        self.kept: dict[int, Kept] = {}
        self.garble: Callable[[Json], Json] = lambda row: row
        """What becomes of a row on its way out."""
        self.before_change: Callable[[], object] | None = None
        """What its owner does just before the next change of a task."""
        self.late: set[str] = set()
        """Lists whose deltas tell nothing yet."""
        self._gone: list[_Gone] = []
        self._revision = 0
        self._made = 0
        self.default = self.add_list("Tasks", wellknownListName="defaultList")
        self.flagged = self.add_list("Flagged Emails", wellknownListName="flaggedEmails")

    # ------ hands

    def add_list(self, name: str, **more: Any) -> str:
        """One more list; its id."""
        self._made += 1
        one = _id(f"L{self._made:06d}")
        self.lists[one] = {
            "id": one,
            "displayName": name,
            "isOwner": True,
            "isShared": False,
            "wellknownListName": "none",
            **more,
        }
        return one

    def delete_list(self, one: str) -> None:
        """Delete a list with its tasks."""
        del self.lists[one]
        self.kept = {number: task for number, task in self.kept.items() if task.place != one}

    def tasks(self) -> list[Kept]:
        """Every task, in the order in which they were made."""
        return list(self.kept.values())

    def add(self, title: str, list_: str = "", **props: Any) -> Kept:
        """A task that its owner made."""
        self._made += 1
        task = Kept(self._made, list_ or self.default, {"title": title, "status": "notStarted", **props})
        task.made_at = self.clock.now()
        self.kept[task.number] = task
        self._touch(task)
        return task

    def task(self, one: str) -> Kept:
        """The task with this id, in either format."""
        return next(
            task for task in self.kept.values() if one in {task.id, *ids_of(task, keeps=self.keeps_ids)}
        )

    def change(self, one: str, **props: Any) -> None:
        """Change properties of a task; a status sets when it was done."""
        task = self.task(one)
        task.props |= props
        if "status" in props:
            task.done_on = self.clock.now().astimezone(UTC).date() if props["status"] == "completed" else None
        self._touch(task, frozenset(props))

    def reschedule(self, one: str, day: date | None, zone: str = "Europe/Berlin") -> None:
        """Set a due date as Microsoft's own programs do: midnight where its owner is."""
        task = self.task(one)
        task.due = None if day is None else datetime.combine(day, time(), ZoneInfo(zone))
        self._touch(task, frozenset({"dueDateTime"}))

    def move(self, one: str, list_: str) -> None:
        """Put a task into another list."""
        task = self.task(one)
        self._leave(task)
        task.place, task.moves = list_, task.moves + 1
        self._touch(task)

    def delete(self, one: str) -> None:
        """Delete a task."""
        task = self.task(one)
        self._leave(task)
        del self.kept[task.number]

    def spawn(self, one: str) -> Kept:
        """The next time of a recurring task: a task of its own with the same linked resources."""
        task = self.task(one)
        made = self.add(task.props["title"], task.place)
        made.linked = list(task.linked)
        return made

    def _leave(self, task: Kept) -> None:
        self._revision += 1
        self._gone.append(_Gone(self._id_of(task, is_immutable=True), task.place, self._revision))
        self._tell(task)

    def _tell(self, task: Kept) -> None:
        self.told(f"me/todo/lists/{quote(task.place, safe='=')}/tasks")

    def _touch(self, task: Kept, changed: frozenset[str] = frozenset()) -> None:
        self._revision += 1
        task.revision, task.changed, task.changed_at = self._revision, changed, self.clock.now()
        self._tell(task)

    def _id_of(self, task: Kept, *, is_immutable: bool) -> str:
        return task.id if is_immutable and self.keeps_ids else _id(f"R{task.number:06d}.{task.moves}")

    # ------ the wire

    def serves(self, path: str, /) -> bool:
        """Lists and tasks."""
        return path.removeprefix(VERSION).startswith("/me/todo/")

    def answer(self, request: Request, /) -> Reply:
        """What Graph says."""
        try:
            self.mailbox.spend()
            needs_scope(request, *(READ if request.method == "GET" else WRITE))
            return self._answer(request, path_of(request)[2:])
        except Refused as refused:
            return refused.reply

    def _answer(self, request: Request, path: list[str]) -> Reply:
        match request.method, path:
            case "GET", ["lists"]:
                allows(request, {"$top", "$skip"})
                return listed(
                    self._server, request, ["me", "todo", *path], list(self.lists.values()), 20, 100
                )
            case "POST", ["lists"]:
                name = str(_body(request, {"displayName"}).get("displayName") or "")
                if not name or any(one["displayName"] == name for one in self.lists.values()):
                    raise refuse(409, "nameAlreadyExists", "A list of this name is there.")
                return Reply(201, self.lists[self.add_list(name)])
            case "DELETE", ["lists", one]:
                self.delete_list(self._list(one))
                return Reply(204)
            case "GET", ["lists", one, "tasks"]:
                allows(request, {"$select", "$expand", "$top", "$skip"})
                tasks = [task for task in self.kept.values() if task.place == self._list(one)]
                rows = [self._row(task, request) for task in tasks]
                return listed(self._server, request, ["me", "todo", *path], rows, 20, self.most_rows)
            case "POST", ["lists", one, "tasks"]:
                return self._make(request, self._list(one))
            case "GET", ["lists", one, "tasks", "delta"]:
                return self._delta(request, ["me", "todo", *path], self._list(one))
            case "GET", ["lists", one, "tasks", task]:
                allows(request, {"$select", "$expand"})
                return Reply(200, self._row(self._task(one, task), request))
            case "PATCH", ["lists", one, "tasks", task]:
                return self._change(request, self._task(one, task))
            case _:
                raise refuse(400, "BadRequest", "Resource not found for the segment.")

    @property
    def _server(self) -> ApiServer:
        assert self.server is not None
        return self.server

    def _list(self, one: str) -> str:
        if one not in self.lists:
            raise refuse(404, "ErrorItemNotFound", "The specified list could not be found.")
        if not self.lists[one]["isOwner"]:
            raise refuse(403, "ErrorAccessDenied", "The list is somebody else's.")
        return one

    def _task(self, list_: str, one: str) -> Kept:
        self._list(list_)
        found = (
            task
            for task in self.kept.values()
            if task.place == list_ and one in ids_of(task, keeps=self.keeps_ids)
        )
        task = next(found, None)
        if task is None:
            raise refuse(404, "ErrorItemNotFound", "The specified object was not found in the store.")
        return task

    # ------ writing

    def _make(self, request: Request, list_: str) -> Reply:
        allows(request, ())
        said = _body(request, _TAKEN)
        if self.lists[list_]["wellknownListName"] == "flaggedEmails":
            raise refuse(400, "invalidRequest", "Tasks cannot be made in the list of flagged emails.")
        linked = said.pop("linkedResources", [])
        task = self.add("", list_)
        try:
            self._apply(task, said)
        except Refused:
            del self.kept[task.number]
            raise
        task.linked = [{"id": f"{task.number}-{place}", **one} for place, one in enumerate(linked)]
        self._touch(task)
        return Reply(201, self._row(task, request, is_expanded=bool(linked)))

    def _change(self, request: Request, task: Kept) -> Reply:
        act, self.before_change = self.before_change, None
        if act is not None:
            act()
        allows(request, ())
        match = request.headers.get("if-match", "")
        if self.heeds_if_match and match not in {"", "*", _etag(task)}:
            raise refuse(412, "ErrorIrresolvableConflict", "The change key is stale.")
        said = _body(request, _TASK)
        self._apply(task, said)
        self._touch(task, frozenset(said))
        return Reply(200, self._row(task, request))

    def _apply(self, task: Kept, said: Json) -> None:
        title = said.get("title", "x")
        if not isinstance(title, str) or not title.strip() or len(title.encode("utf-16-le")) > 2 * _TITLE:
            raise refuse(400, "invalidRequest", "The title is empty or too long.")
        if said.get("status", "notStarted") not in _STATUS:
            raise refuse(400, "invalidRequest", "There is no such status.")
        if "dueDateTime" in said:
            due = said.pop("dueDateTime")
            task.due = None if due is None else self._due(due)
        if "status" in said:
            task.done_on = self.clock.now().astimezone(UTC).date() if said["status"] == "completed" else None
        if "body" in said:
            said["body"] = {**said["body"], "content": said["body"]["content"].replace("\n", "\r\n") + "\r\n"}
        task.props |= said

    def _due(self, due: Json) -> datetime:
        try:
            wall = datetime.fromisoformat(due["dateTime"][:19])
            zone = UTC if due["timeZone"] == "UTC" else ZoneInfo(due["timeZone"])
        except (ValueError, KeyError, ZoneInfoNotFoundError):
            raise refuse(400, "invalidRequest", "The due date is none.") from None
        # The time of day is dropped.
        return datetime.combine(wall.date(), time(), UTC if self.due_as == "utc" else zone)

    # ------ deltas

    def _delta(self, request: Request, path: list[str], list_: str) -> Reply:
        names = {name for name, _ in request.query}
        if names & {"$deltatoken", "$skiptoken"}:
            allows(request, {"$deltatoken", "$skiptoken"})
            way = f"{self._server.url}{VERSION}/{'/'.join(path)}"
            walk: _Walk = self.tokens.state_of(request.one("$deltatoken") or request.one("$skiptoken"), way)
            if walk.place != list_:
                raise refuse(400, "ErrorInvalidUrlQuery", "The token is of another list.")
            rows = self._changed(walk, request) if walk.rest is None else walk.rest
        else:
            allows(request, {"$select", "$expand", "$top"})
            is_expanded = self.expands_deltas and request.one("$expand") == "linkedResources"
            walk = _Walk(list_, selected(request, _TASK), is_expanded, self._revision)
            rows = [self._walked(task, walk, request) for task in self.kept.values() if task.place == list_]
        if list_ in self.late:
            rows = []
        is_new = walk.rest is None and list_ not in self.late
        revision = self._revision if is_new else walk.revision
        size = page_size(request, 20, self.most_rows)
        page, rest = rows[:size], rows[size:]
        state = _Walk(list_, walk.select, walk.is_expanded, revision, rest or None)
        there = link(self._server, path, "skiptoken" if rest else "deltatoken", self.tokens.make(state))
        return Reply(200, {"value": page, "@odata.nextLink" if rest else "@odata.deltaLink": there})

    def _changed(self, walk: _Walk, request: Request) -> list[Json]:
        rows: list[tuple[int, Json]] = [
            (gone.revision, {"id": gone.id, "@removed": {"reason": "deleted"}})
            for gone in self._gone
            if gone.place == walk.place and gone.revision > walk.revision
        ]
        for task in self.kept.values():
            if task.place == walk.place and task.revision > walk.revision:
                row = self._walked(task, walk, request)
                if self.is_partial and task.changed:
                    row = {name: row[name] for name in row if name == "id" or name in task.changed}
                rows.append((task.revision, row))
        return [row for _, row in sorted(rows, key=lambda one: one[0])]

    def _walked(self, task: Kept, walk: _Walk, request: Request) -> Json:
        return self._row(task, request, select=walk.select, is_expanded=walk.is_expanded)

    # ------ rows

    def _row(
        self,
        task: Kept,
        request: Request,
        *,
        select: frozenset[str] | None = None,
        is_expanded: bool | None = None,
    ) -> Json:
        expand = request.one("$expand")
        if expand not in {"", "linkedResources"}:
            raise refuse(400, "BadRequest", f"Could not find a property named '{expand}'.")
        row: Json = {
            "@odata.etag": _etag(task),
            "id": self._id_of(task, is_immutable=has_immutable_ids(request)),
            "importance": "normal",
            "isReminderOn": False,
            "hasAttachments": False,
            "categories": [],
            "createdDateTime": f"{task.made_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.0000000Z",
            "lastModifiedDateTime": f"{task.changed_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{task.revision:07d}Z",
            "body": {"content": "", "contentType": "text"},
            **task.props,
        }
        if task.due is not None:
            row["dueDateTime"] = _in_zone(task.due, request)
        if task.done_on is not None:
            row["completedDateTime"] = _in_zone(datetime.combine(task.done_on, time(), UTC), request)
        row = projected(row, selected(request, _TASK) if select is None else select)
        if is_expanded if is_expanded is not None else bool(expand):
            row["linkedResources"] = task.linked
        return self.garble(row)


def _id(text: str) -> str:
    return f"AAkALg/{base64.b64encode(text.encode()).decode()}+="


def ids_of(task: Kept, *, keeps: bool) -> set[str]:
    """The ids that a task answers to."""
    mutable = _id(f"R{task.number:06d}.{task.moves}")
    return {task.id, mutable} if keeps else {mutable}


def _etag(task: Kept) -> str:
    return f'W/"{task.revision:08d}"'


def _in_zone(moment: datetime, request: Request) -> Json:
    name = preferences(request).get("outlook.timezone", "UTC")
    try:
        zone = UTC if name == "UTC" else ZoneInfo(name)
    except (ValueError, ZoneInfoNotFoundError):
        raise refuse(400, "ErrorInvalidTimeZone", "The time zone is none.") from None
    return {"dateTime": f"{moment.astimezone(zone):%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": name}


def _body(request: Request, known: frozenset[str] | set[str]) -> Json:
    try:
        said = request.json()
    except ValueError:
        said = None
    if not isinstance(said, dict) or "json" not in request.headers.get("content-type", ""):
        raise refuse(400, "BadRequest", "Unable to read JSON request payload.")
    strange = sorted(said.keys() - known)
    if strange:
        raise refuse(400, "BadRequest", f"The property '{strange[0]}' does not exist or cannot be set.")
    return said

"""Google's Tasks API v1 on the loopback, with state: what was put twice is there twice, what was deleted shows so for a while.

https://developers.google.com/workspace/tasks/reference/rest as of 2026-11. What Google refuses is refused: titles and notes
that are too long, a stale `If-Match` (412), a missing scope, more requests than a day has. Of a due date the time of day is
discarded; what is done is hidden unless `showHidden` is asked for; nothing is remembered of a list that is gone.

What Google's pages leave open, a test chooses: whether a task moved by hand keeps its id (`moves_keep_ids`), whether
`If-Match` is heeded (`heeds_etags`), and how late a change is shown (`lag`).
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from schemas.clock import Clock
from tests.fakes.api import Json, Reply, Request
from tests.fakes.google import masked, refused, scope_refusal

DEFAULT: Final = "My Tasks"
_TITLE, _NOTES = 1_024, 8_192
_SETTABLE: Final = {"title", "notes", "status", "due", "completed", "id", "etag", "kind"}
_LISTS = "/tasks/v1/users/@me/lists"
_LIST = re.compile(r"/tasks/v1/lists/([^/]+)/tasks")
_TASK = re.compile(r"/tasks/v1/lists/([^/]+)/tasks/([^/]+)")


class Tasks:
    """The API with one user's lists. Everything that is public is for tests."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.page_size = 100
        self.left_today = 50_000
        self.moves_keep_ids = True
        self.heeds_etags = True
        self.lag = timedelta()
        """How long after a change the task shows it as its own time."""
        self.before_write: Callable[[], object] | None = None
        """What somebody else does just before the next change to a task."""
        self._number = 0
        self._lists: dict[str, Json] = {}
        self._tasks: dict[str, dict[str, Json]] = {}
        self.add_list(DEFAULT)

    # ------ the owner's hands

    def add_list(self, title: str) -> str:
        """Make a list; answers its id."""
        one = f"MTIz{self._next():08}"
        self._lists[one] = self._list_of(one, title)
        self._tasks[one] = {}
        return one

    def rename_list(self, one: str, title: str) -> None:
        """Give a list another name."""
        self._lists[one] = self._list_of(one, title)

    def delete_list(self, one: str) -> None:
        """Delete a list with all that is in it."""
        del self._lists[one], self._tasks[one]

    def list_named(self, title: str) -> str:
        """The id of a list."""
        return next(one for one, it in self._lists.items() if it["title"] == title)

    def add_task(self, title: str, one: str, notes: str = "", **fields: Any) -> str:
        """Write a task; answers its id."""
        return str(self._insert(one, {"title": title, **({"notes": notes} if notes else {}), **fields})["id"])

    def set(self, task: str, **fields: Any) -> None:
        """Change a task; a field that is None is taken out."""
        one, known = self._found(task)
        self._write(one, {**known, **fields})

    def complete(self, task: str) -> None:
        """Tick a task off, as Google's own apps do, which hides it."""
        self.set(task, status="completed", completed=_rfc(self.clock.now()), hidden=True)

    def reopen(self, task: str) -> None:
        """Untick a task."""
        self.set(task, status="needsAction", completed=None, hidden=None)

    def move(self, task: str, to: str) -> str:
        """Put a task into another list; answers the id that it has there."""
        one, known = self._found(task)
        self._write(one, {**known, "deleted": True})
        moved = task if self.moves_keep_ids else f"bW92{self._next():08}"
        self._write(to, {**known, "id": moved})
        return moved

    def delete(self, task: str) -> None:
        """Delete a task."""
        self.set(task, deleted=True)

    def forget_deleted(self) -> None:
        """What was deleted is shown no longer."""
        for tasks in self._tasks.values():
            for name in [name for name, it in tasks.items() if it.get("deleted")]:
                del tasks[name]

    # ------ what a test looks at

    def tasks(self) -> list[tuple[str, Json]]:
        """Every task that is not deleted, in the order made, with the name of its list."""
        found = [
            (self._lists[one]["title"], task)
            for one, tasks in self._tasks.items()
            for task in tasks.values()
            if task.get("deleted") is not True
        ]
        return sorted(found, key=lambda pair: int(pair[1]["position"]))

    def task(self, task: str) -> Json:
        """A task as it is now."""
        return self._found(task)[1]

    # ------ the API

    def serves(self, path: str, /) -> bool:
        """Whether a path is this API's."""
        return path.startswith("/tasks/v1/")

    def answer(self, request: Request, /) -> Reply:
        """What the API says."""
        refusal = scope_refusal(request)
        if refusal is not None:
            return refusal
        if self.left_today < 1:
            return refused(403, "dailyLimitExceeded", "Daily Limit Exceeded", domain="usageLimits")
        self.left_today -= 1
        reply = self._route(request)
        if reply.status != 200:
            return reply
        try:
            return Reply(200, masked(reply.said, request.one("fields")))
        except ValueError:
            return refused(400, "invalidParameter", "Invalid field selection")

    def _route(self, request: Request) -> Reply:
        verb, path = request.method, request.path
        if path == _LISTS and verb == "GET":
            rows = list(self._lists.values())
            return self._page(rows, request, {"kind": "tasks#taskLists"}, 1_000)
        if path == _LISTS and verb == "POST":
            one = self.add_list(str(request.json()["title"]))
            return Reply(200, self._lists[one])
        gone = path.removeprefix(f"{_LISTS}/")
        if gone in self._lists and verb == "DELETE":
            self.delete_list(gone)
            return Reply(204)
        whole, single = _LIST.fullmatch(path), _TASK.fullmatch(path)
        found = whole or single
        if found is None or found[1] not in self._lists:
            return refused(404, "notFound", "Not Found")
        one = found[1]
        if whole:
            return self._list_tasks(one, request) if verb == "GET" else self._make(one, request)
        task = self._tasks[one].get(single[2] if single else "")
        if task is None:
            return refused(404, "notFound", "Not Found")
        return Reply(200, task) if verb == "GET" else self._change(one, task["id"], request)

    def _list_tasks(self, one: str, request: Request) -> Reply:
        flags = {name: request.one(name) for name in ("showCompleted", "showHidden", "showDeleted")}
        since = request.one("updatedMin")
        try:
            least = datetime.fromisoformat(since) if since else datetime(1970, 1, 1, tzinfo=UTC)
        except ValueError:
            return refused(400, "invalid", "Invalid value for: updatedMin")
        rows = [
            task
            for task in self._tasks[one].values()
            if datetime.fromisoformat(task["updated"]) >= least
            and (flags["showDeleted"] == "true" or task.get("deleted") is not True)
            and (flags["showHidden"] == "true" or not task.get("hidden"))
            and (flags["showCompleted"] != "false" or task["status"] != "completed")
        ]
        return self._page(rows, request, {"kind": "tasks#tasks", "etag": '"e"'}, 100)

    def _page(self, rows: list[Json], request: Request, said: Json, most: int) -> Reply:
        asked = int(request.one("maxResults") or 20)
        if asked > most:
            return refused(400, "invalid", "Invalid value for: maxResults")
        start = int(request.one("pageToken") or 0)
        end = start + min(asked, self.page_size)
        more = {"nextPageToken": str(end)} if end < len(rows) else {}
        return Reply(200, {**said, "items": rows[start:end], **more})

    def _make(self, one: str, request: Request) -> Reply:
        fields = request.json()
        return _refusal(fields) or Reply(200, self._insert(one, fields))

    def _change(self, one: str, task: str, request: Request) -> Reply:
        if self.before_write is not None:
            act, self.before_write = self.before_write, None
            act()
        known = self._tasks[one][task]
        match = request.headers.get("if-match")
        if self.heeds_etags and match and match != known["etag"]:
            return refused(412, "conditionNotMet", "Precondition Failed")
        if request.method != "PATCH":
            return refused(404, "notFound", "Not Found")
        fields = request.json()
        refusal = _refusal(fields)
        if refusal is not None:
            return refusal
        if fields.get("status") == "completed":
            fields.setdefault("completed", _rfc(self.clock.now()))
            # Its sub-tasks are ticked off with it.
            for child in list(self._tasks[one].values()):
                if child.get("parent") == task:
                    self.complete(child["id"])
        elif fields.get("status") == "needsAction":
            fields = {**fields, "completed": None, "hidden": None}
        return Reply(200, self._write(one, {**known, **fields}))

    # ------ state

    def _insert(self, one: str, fields: Json) -> Json:
        number = self._next()
        task = {"kind": "tasks#task", "status": "needsAction", **fields, "id": f"dGFz{number:08}"}
        return self._write(one, {**task, "position": f"{number:020}"})

    def _write(self, one: str, task: Json) -> Json:
        kept = {name: value for name, value in task.items() if value is not None}
        if "due" in kept:
            kept["due"] = f"{kept['due'][:10]}T00:00:00.000Z"
        number = self._next()
        kept["etag"] = f'"{number}"'
        kept["updated"] = _rfc(self.clock.now() + timedelta(milliseconds=number % 1_000) - self.lag)
        kept["selfLink"] = f"https://www.googleapis.com/tasks/v1/lists/{one}/tasks/{kept['id']}"
        kept["webViewLink"] = f"https://tasks.google.com/task/{kept['id']}?sa=6"
        self._tasks[one][kept["id"]] = kept
        return kept

    def _found(self, task: str) -> tuple[str, Json]:
        return next(
            (one, tasks[task])
            for one, tasks in self._tasks.items()
            if task in tasks and tasks[task].get("deleted") is not True
        )

    def _list_of(self, one: str, title: str) -> Json:
        return {
            "kind": "tasks#taskList", "id": one, "etag": f'"{self._next()}"', "title": title,
            "updated": _rfc(self.clock.now()), "selfLink": f"https://www.googleapis.com/tasks/v1/users/@me/lists/{one}",
        }  # fmt: skip

    def _next(self) -> int:
        self._number += 1
        return self._number


def _refusal(fields: Json) -> Reply | None:
    """Why a task cannot be written so."""
    if unknown := set(fields) - _SETTABLE:
        return refused(400, "invalid", f"Invalid field: {min(unknown)}")
    # Counted as most of Google counts, in UTF-16.
    sizes = {name: len((fields.get(name) or "").encode("utf-16-le")) // 2 for name in ("title", "notes")}
    if sizes["title"] > _TITLE or sizes["notes"] > _NOTES:
        return refused(400, "invalid", "Request contains an invalid argument.")
    if fields.get("status", "needsAction") not in {"needsAction", "completed"}:
        return refused(400, "invalid", "Invalid task status.")
    if due := fields.get("due"):
        try:
            datetime.fromisoformat(due)
        except ValueError:
            return refused(400, "invalid", "Invalid due date.")
        if "T" not in due:
            return refused(400, "invalid", "Invalid due date.")
    return None


def _rfc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:23] + "Z"

"""Todoist's API v1 on the loopback, with state: what was put is there, what was done once is not done twice.

https://developer.todoist.com/api/v1/ as of 2026-11. Requests that Todoist would refuse are refused; each reply, and
what a command sets, is held against the vendor's schema where it can be found (`KITH_SPECS`, or `../shared/specs`
beside the project), and what does not fit is kept in `breaches`.

What the vendor's pages leave open, a test chooses: `repeats_mapping` (whether a command seen before is answered with
the id it made), `forget_commands`, and how a sync token ends (`expire_sync_tokens`).
"""

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from schemas.clock import Clock, FrozenClock
from tests.fakes.faults import Faults
from tests.fakes.todoist_wire import Json, Refused, Request, Server, Shapes, bad, specs, too_many

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TOKEN = "0123456789abcdef0123456789abcdef01234567"

_CONTENT = 500
_DESCRIPTION = 16_383
_COMMANDS = 100
_PERIOD = timedelta(minutes=15)
_LIMITS = {"requests": 1_000, "full": 100, "partial": 1_000}
_LABEL = re.compile(r"(?:^|\s)@(\w+)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?Z?)?")
_ITEM_ARGS = {
    "item_add": {
        "content", "description", "project_id", "due", "deadline", "priority", "parent_id", "child_order",
        "section_id", "day_order", "is_collapsed", "labels", "assigned_by_uid", "responsible_uid", "auto_reminder",
        "auto_parse_labels", "duration",
    },
    "item_update": {
        "id", "content", "description", "due", "deadline", "priority", "is_collapsed", "labels", "assigned_by_uid",
        "responsible_uid", "day_order", "duration",
    },
    "item_move": {"id", "parent_id", "section_id", "project_id"},
    "item_delete": {"id"},
    "item_complete": {"id", "date_completed"},
    "item_uncomplete": {"id"},
    "item_close": {"id"},
}  # fmt: skip


class Todoist:
    """One user's Todoist. Every method but `serve` is a test's, or the user's own hand."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or FrozenClock(NOW)
        self.token = TOKEN
        self.repeats_mapping = True
        self.has_history = True
        self.most_tasks = self.most_projects = 10_000
        self.says_retry_after_in_body_only = False
        self.faults = Faults()
        self.requests: list[Request] = []
        self.asked = 0
        """Requests that came, with those that met a fault."""
        self.breaches: list[str] = []
        self.url = ""
        folder = specs()
        self.shapes = Shapes(folder) if folder else None
        self._lock = threading.RLock()
        self._items: dict[str, Json] = {}
        self._projects: dict[str, Json] = {}
        self._sections: dict[str, Json] = {}
        self._changed: dict[str, int] = {}
        self._revision = 0
        self._generation = 0
        self._tokens_end: Literal["error", "full"] = "full"
        self._commands: dict[str, tuple[str, str]] = {}
        self._spent: dict[str, list[datetime]] = {}
        self._made = 0
        self.inbox = self.add_project("Inbox", inbox_project=True)

    @contextmanager
    def serve(self) -> Iterator["Todoist"]:
        """Answer on a free port of the loopback until the block ends; `url` is the API's root."""
        server = Server(self)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}/api/v1"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    # ------ what a test makes go wrong

    def revoke(self) -> None:
        """The token given out is worth nothing from now on."""
        self.token = "f" * 40

    def expire_sync_tokens(self, how: Literal["error", "full"]) -> None:
        """Sync tokens given out before are refused, or answered with everything."""
        self._generation += 1
        self._tokens_end = how

    def forget_commands(self) -> None:
        """Commands done before would be done again."""
        self._commands.clear()

    # ------ what the user does

    def add_project(self, name: str, *, inbox_project: bool = False) -> str:
        """Make a project; answers its id."""
        with self._lock:
            one = self._new_id()
            self._projects[one] = {
                "id": one, "can_assign_tasks": False, "child_order": len(self._projects), "color": "charcoal",
                "created_at": self._instant(), "is_archived": False, "is_deleted": False, "is_favorite": False,
                "is_frozen": False, "name": name, "updated_at": self._instant(), "view_style": "list",
                "default_order": len(self._projects), "description": "", "is_collapsed": False, "is_shared": False,
                "parent_id": None, "inbox_project": inbox_project,
            }  # fmt: skip
            self._touch(one)
            return one

    def rename_project(self, one: str, name: str) -> None:
        """Give a project another name."""
        self._set(self._projects, one, name=name)

    def delete_project(self, one: str) -> None:
        """Delete a project with what is in it; the tasks are not told of one by one."""
        self._set(self._projects, one, is_deleted=True)
        for item in self._items.values():
            if item["project_id"] == one:
                item["is_deleted"] = True

    def add_section(self, project: str, name: str) -> str:
        """Make a section in a project; answers its id."""
        with self._lock:
            one = self._new_id()
            self._sections[one] = {"id": one, "project_id": project, "name": name, "is_deleted": False}
            return one

    def add_task(self, content: str, project: str | None = None, description: str = "") -> str:
        """Write a task by hand; answers its id."""
        with self._lock:
            return self._item_add(
                {"content": content, "description": description, "project_id": project or self.inbox,
                 "auto_parse_labels": True}
            )  # fmt: skip

    def add_subtask(self, content: str, parent: str) -> str:
        """Write a task under another by hand; answers its id."""
        with self._lock:
            one = self.add_task(content, self._items[parent]["project_id"])
            self._items[one]["parent_id"] = parent
            return one

    def complete(self, one: str) -> None:
        """Tick a task off, and with it what is under it; one that recurs goes on to its next day instead."""
        with self._lock:
            due = self._items[one]["due"]
            if due and due["is_recurring"]:
                day = date.fromisoformat(due["date"][:10]) + timedelta(days=7)
                self._set(self._items, one, due={**due, "date": day.isoformat()})
                return
            self._set(self._items, one, checked=True, completed_at=self._instant())
            for item in list(self._items.values()):
                if item["parent_id"] == one and not item["checked"]:
                    self.complete(item["id"])

    def uncomplete(self, one: str) -> None:
        """Untick a task."""
        self._set(self._items, one, checked=False, completed_at=None)

    def rename(self, one: str, content: str) -> None:
        """Write another title."""
        self._set(self._items, one, content=content)

    def describe(self, one: str, description: str) -> None:
        """Write another description."""
        self._set(self._items, one, description=description)

    def reschedule(self, one: str, due: Json | None) -> None:
        """Give a task another due date, in any of the three shapes, or none."""
        whole = due and {"is_recurring": False, "string": due["date"], "lang": "en", "timezone": None, **due}
        self._set(self._items, one, due=whole)

    def move(self, one: str, project: str) -> None:
        """Put a task into another project."""
        self._set(self._items, one, project_id=project, section_id=None)

    def move_to_section(self, one: str, section: str) -> None:
        """Put a task into a section."""
        self._set(self._items, one, section_id=section, project_id=self._sections[section]["project_id"])

    def delete(self, one: str) -> None:
        """Delete a task."""
        self._set(self._items, one, is_deleted=True)

    # ------ what a test looks at

    def task(self, one: str) -> Json:
        """A task as it is now."""
        with self._lock:
            return dict(self._items[one])

    def tasks(self) -> list[Json]:
        """Every task that is not deleted, done or not, in the order made."""
        with self._lock:
            return [dict(item) for item in self._items.values() if not item["is_deleted"]]

    def project(self, one: str) -> Json:
        """A project as it is now."""
        with self._lock:
            return dict(self._projects[one])

    def project_named(self, name: str) -> str | None:
        """The id of a project."""
        with self._lock:
            return next((one for one, it in self._projects.items() if it["name"] == name), None)

    # ------ the API

    def answer(self, method: str, path: str, query: dict[str, str], form: dict[str, str], body: Any) -> Any:
        """What the API says to one request; raises `Refused`."""
        with self._lock:
            self.requests.append(Request(method, path, query, form, body))
            if not path.startswith("/api/v1/"):
                raise Refused(410, "GONE", "This endpoint is deprecated. Use /api/v1.")
            for verb, pattern, serve in _ROUTES:
                found = re.fullmatch(pattern, path.removeprefix("/api/v1"))
                if found and verb == method:
                    if path != "/api/v1/sync":
                        self._spend("requests")
                    return serve(self, found.groups(), query, form, body)
            raise Refused(404, "NOT_FOUND", "Not found", 478)

    def _sync(self, _found: tuple[str, ...], _query: Json, form: dict[str, str], _body: Any) -> Json:
        if unknown := set(form) - {"sync_token", "resource_types", "commands"}:
            raise bad(min(unknown), "unknown")
        token = form.get("sync_token", "")
        kinds = _listed(form, "resource_types")
        commands = _listed(form, "commands")
        if not token and not commands:
            raise Refused(400, "ARGUMENT_MISSING", "Required argument is missing", 19, argument="sync_token")
        if len(commands) > _COMMANDS:
            raise Refused(400, "MAX_COMMANDS", "Too many commands in one request", 41)
        self._spend("full" if token == "*" else "partial")
        since = self._since(token) if kinds else 0
        said: Json = {"sync_status": {}, "temp_id_mapping": {}}
        for command in commands:
            self._command(command, said)
        said |= {"full_sync": since == 0, "sync_token": f"t{self._generation}-{self._revision}"}
        for kind, table in (
            ("items", self._items),
            ("projects", self._projects),
            ("sections", self._sections),
        ):
            if kind in kinds or "all" in kinds:
                said[kind] = [dict(one) for one in table.values() if self._is_told(one, since)]
        self._check("SyncResponse", said)
        for project in said.get("projects", ()):
            self._check("PersonalProject", project)
        return said

    def _since(self, token: str) -> int:
        """The revision a sync token stands for; 0 for everything."""
        found = re.fullmatch(r"t(\d+)-(\d+)", token)
        if token == "*":
            return 0
        if found and int(found[1]) == self._generation:
            return int(found[2])
        if found and self._tokens_end == "full":
            return 0
        raise Refused(400, "INVALID_SYNC_TOKEN", "Sync token is invalid", 34)

    def _is_told(self, one: Json, since: int) -> bool:
        """Everything is what is active; a change is told whatever it leaves (seen 2026: checked, is_deleted)."""
        if since:
            return self._changed.get(one["id"], 0) > since
        return not (one["is_deleted"] or one.get("checked") or one.get("is_archived"))

    def _command(self, command: Json, said: Json) -> None:
        uuid, kind, args = str(command.get("uuid", "")), str(command.get("type", "")), command.get("args")
        try:
            UUID(uuid)
        except ValueError as error:
            raise bad("uuid", "no UUID") from error
        if uuid not in self._commands:
            temp = str(command.get("temp_id", ""))
            try:
                if not isinstance(args, dict) or kind not in _ITEM_ARGS:
                    raise bad("type", "unknown command")
                made = self._do(kind, args, temp)
            except Refused as error:
                # What was refused was not executed, and may be asked for again.
                said["sync_status"][uuid] = error.body
                return
            self._commands[uuid] = (temp, made)
            said["temp_id_mapping"] |= {temp: made} if made else {}
        temp, made = self._commands[uuid]
        said["sync_status"][uuid] = "ok"
        if made and self.repeats_mapping:
            said["temp_id_mapping"][temp] = made

    def _do(self, kind: str, args: Json, temp: str) -> str:
        if unknown := set(args) - _ITEM_ARGS[kind]:
            raise bad(min(unknown), "unknown argument")
        if self.shapes:
            self.breaches += self.shapes.breaches_of_arguments(args)
        if kind == "item_add":
            if not temp:
                raise Refused(400, "ARGUMENT_MISSING", "Required argument is missing", 19, argument="temp_id")
            return self._item_add(args)
        item = self._items.get(str(args.get("id", "")))
        if item is None or item["is_deleted"]:
            raise Refused(404, "ITEM_NOT_FOUND", "Task not found", 22)
        if kind == "item_update":
            self._set(self._items, item["id"], **self._checked(args))
        elif kind == "item_move":
            self._project(args.get("project_id"))
            self._set(self._items, item["id"], project_id=args["project_id"], section_id=None)
        elif kind == "item_delete":
            self.delete(item["id"])
        elif kind == "item_uncomplete":
            self.uncomplete(item["id"])
        elif not item["checked"]:
            self.complete(item["id"])
        return ""

    def _item_add(self, args: Json) -> str:
        fields = self._checked(args)
        if not fields.get("content"):
            raise Refused(400, "ARGUMENT_MISSING", "Required argument is missing", 19, argument="content")
        project = self._project(fields.get("project_id", self.inbox))
        if len(self._items) >= self.most_tasks:
            raise Refused(403, "MAX_ITEMS_LIMIT_REACHED", "Maximum number of items per project reached", 49)
        labels = list(fields.get("labels", []))
        # Seen 2026-10: words after an @ become labels, and leave the title.
        labels += _LABEL.findall(fields["content"])
        fields["content"] = _LABEL.sub("", fields["content"]).strip()
        one = self._new_id()
        self._items[one] = {
            "user_id": "2671355", "section_id": None, "parent_id": None, "added_by_uid": "2671355",
            "assigned_by_uid": None, "responsible_uid": None, "deadline": None, "duration": None, "checked": False,
            "is_deleted": False, "added_at": self._instant(), "completed_at": None, "due": None, "priority": 1,
            "child_order": len(self._items), "description": "", "note_count": 0, "day_order": -1, "is_collapsed": False,
            **fields, "id": one, "project_id": project, "labels": labels,
        }  # fmt: skip
        self._touch(one, self._items)
        return one

    def _project(self, one: Any) -> str:
        project = self._projects.get(str(one))
        if project is None or project["is_deleted"] or project["is_archived"]:
            raise Refused(404, "PROJECT_NOT_FOUND", "Project not found", 21)
        return str(project["id"])

    def _checked(self, args: Json) -> Json:
        """The fields that a command sets, as Todoist would keep them."""
        fields = {
            name: one
            for name, one in args.items()
            if name not in {"id", "auto_parse_labels", "auto_reminder"}
        }
        for name, limit in (("content", _CONTENT), ("description", _DESCRIPTION)):
            if name in fields:
                if not isinstance(fields[name], str) or len(fields[name]) > limit:
                    raise bad(name, f"String should have at most {limit} characters")
                if "\x00" in fields[name]:
                    raise bad(name, "NUL")
                fields[name] = fields[name].strip()
        if "content" in fields and not fields["content"]:
            raise bad("content", "empty")
        due = fields.get("due")
        if due is not None:
            if not isinstance(due, dict) or not _DAY.fullmatch(str(due.get("date", ""))):
                raise bad("due", "no date")
            with suppress(ValueError):
                datetime.fromisoformat(due["date"])
                fields["due"] = {"date": due["date"], "is_recurring": False, "lang": "en", "string": due["date"],
                                 "timezone": None}  # fmt: skip
                return fields
            raise bad("due", "no day of the calendar")
        return fields

    def _one_task(self, found: tuple[str, ...], _query: Json, _form: Json, _body: Any) -> Json:
        item = self._items.get(found[0])
        if item is None or item["is_deleted"]:
            raise Refused(404, "NOT_FOUND", "Task not found", 478)
        self._check("Task", item)
        return dict(item)

    def _close(self, found: tuple[str, ...], query: Json, form: Json, body: Any) -> None:
        if not self._one_task(found, query, form, body)["checked"]:
            self.complete(found[0])

    def _reopen(self, found: tuple[str, ...], query: Json, form: Json, body: Any) -> None:
        self._one_task(found, query, form, body)
        self.uncomplete(found[0])

    def _active(self, _found: tuple[str, ...], query: dict[str, str], _form: Json, _body: Any) -> Json:
        kept = {name: one for name, one in query.items() if name in {"project_id", "parent_id"}}
        return self._paged(
            "Task",
            [
                item
                for item in self._items.values()
                if self._is_told(item, 0) and kept.items() <= item.items()
            ],
            query,
        )

    def _completed(self, _found: tuple[str, ...], query: dict[str, str], _form: Json, _body: Any) -> Json:
        if not self.has_history:
            raise Refused(403, "PREMIUM_ONLY", "Premium only feature", 32)
        try:
            since, until = (datetime.fromisoformat(query[name]) for name in ("since", "until"))
        except (KeyError, ValueError) as error:
            raise bad("since", "a window is needed") from error
        if until - since > timedelta(days=92):
            raise bad("until", "at most 3 months")
        done = [item for item in self._items.values() if item["checked"] and not item["is_deleted"]]
        page = self._paged(
            "Task",
            [item for item in done if since <= datetime.fromisoformat(item["completed_at"]) <= until],
            query,
        )
        return {"items": page["results"], "next_cursor": page["next_cursor"]}

    def _all_projects(self, _found: tuple[str, ...], query: dict[str, str], _form: Json, _body: Any) -> Json:
        return self._paged(
            "PersonalProject", [one for one in self._projects.values() if self._is_told(one, 0)], query
        )

    def _one_project(self, found: tuple[str, ...], _query: Json, _form: Json, _body: Any) -> Json:
        try:
            return dict(self._projects[self._project(found[0])])
        except Refused as error:
            raise Refused(404, "NOT_FOUND", "Project not found", 478) from error

    def _new_project(self, _found: tuple[str, ...], _query: Json, _form: Json, body: Any) -> Json:
        name = body.get("name") if isinstance(body, dict) else None
        if not isinstance(name, str) or not 0 < len(name) <= 120:
            raise bad("name", "String should have at most 120 characters")
        if len(self._projects) >= self.most_projects:
            raise Refused(403, "MAX_PROJECTS_LIMIT_REACHED", "Maximum number of projects reached", 49)
        made = dict(self._projects[self.add_project(name)])
        self._check("PersonalProject", made)
        return made

    def _gone_project(self, found: tuple[str, ...], _query: Json, _form: Json, _body: Any) -> None:
        self.delete_project(self._project(found[0]))

    def _user(self, _found: tuple[str, ...], _query: Json, _form: Json, _body: Any) -> Json:
        user = {
            "id": "2671355", "email": "mara@example.com", "full_name": "Mara Lind", "business_account_id": None,
            "is_premium": False, "premium_status": "not_premium", "date_format": 0, "time_format": 0, "weekly_goal": 30,
            "daily_goal": 5, "completed_count": 0, "completed_today": 0, "karma": 0.0, "karma_trend": "-", "lang": "en",
            "next_week": 1, "start_day": 1, "start_page": "today", "inbox_project_id": self.inbox, "days_off": [6, 7],
            "weekend_start_day": 6,
            "tz_info": {"gmt_string": "+01:00", "hours": 1, "is_dst": 0, "minutes": 0, "timezone": "Europe/Berlin"},
        }  # fmt: skip
        self._check("CurrentUser", user)
        return user

    def _paged(self, shape: str, rows: list[Json], query: dict[str, str]) -> Json:
        limit = int(query.get("limit", "50"))
        if not 1 <= limit <= 200:
            raise bad("limit", "at most 200")
        start = int(query.get("cursor", "c0")[1:])
        page = rows[start : start + limit]
        for row in page:
            self._check(shape, row)
        more = start + limit < len(rows)
        return {"results": [dict(row) for row in page], "next_cursor": f"c{start + limit}" if more else None}

    def _spend(self, what: str) -> None:
        now = self.clock.now()
        spent = [one for one in self._spent.get(what, []) if one > now - _PERIOD]
        self._spent[what] = spent
        if len(spent) >= _LIMITS[what]:
            raise too_many(int((spent[0] + _PERIOD - now).total_seconds()) + 1)
        spent.append(now)

    def _check(self, shape: str, wire: Json) -> None:
        if self.shapes:
            self.breaches += self.shapes.breaches(shape, wire)

    def _set(self, table: dict[str, Json], one: str, **fields: Any) -> None:
        with self._lock:
            table[one].update(fields)
            self._touch(one, table)

    def _touch(self, one: str, table: dict[str, Json] | None = None) -> None:
        self._revision += 1
        self._changed[one] = self._revision
        if table is not None:
            table[one]["updated_at"] = self._instant()

    def _instant(self) -> str:
        # Two changes at one instant of a clock that stands still are told apart, as they would be at Todoist.
        return (self.clock.now() + timedelta(microseconds=self._revision)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def _new_id(self) -> str:
        self._made += 1
        return f"6X{self._made:014d}"


_Serve = Callable[[Todoist, tuple[str, ...], dict[str, str], dict[str, str], Any], Any]
_ROUTES: list[tuple[str, str, _Serve]] = [
    ("POST", "/sync", Todoist._sync),
    ("GET", "/tasks", Todoist._active),
    ("GET", "/tasks/completed/by_completion_date", Todoist._completed),
    ("GET", "/tasks/([^/]+)", Todoist._one_task),
    ("POST", "/tasks/([^/]+)/close", Todoist._close),
    ("POST", "/tasks/([^/]+)/reopen", Todoist._reopen),
    ("GET", "/projects", Todoist._all_projects),
    ("POST", "/projects", Todoist._new_project),
    ("GET", "/projects/([^/]+)", Todoist._one_project),
    ("DELETE", "/projects/([^/]+)", Todoist._gone_project),
    ("GET", "/user", Todoist._user),
]


def _listed(form: Mapping[str, str], name: str) -> list[Any]:
    try:
        found = json.loads(form.get(name, "[]"))
    except ValueError as error:
        raise bad(name, "no JSON") from error
    if not isinstance(found, list):
        raise bad(name, "no list")
    return found

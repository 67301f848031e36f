"""Small connectors of the kinds `google` and `microsoft`, and the small API they speak with, beside the fakes of the sign-ins.

The API lets in whoever has a token with the right permission. As a program it is `kith` with these connectors:
`python -m tests.cli.vendor ARGUMENTS`.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from connectors._http import Bearer, Http
from deploy.cli.main import main
from schemas.connector import (
    Access,
    Collection,
    ConnectorSpec,
    Page,
    Scope,
    Survey,
    TaskDraft,
    TaskRef,
    Upsert,
)
from schemas.errors import Missing
from schemas.events import decode_body, encode_body, kind_of
from schemas.ids import Cursor, ExternalId, IdempotencyKey, StreamName
from schemas.records import Meeting, Message
from tests.fakes.api import Reply, Request
from tests.fakes.authority import SignIn

AUTH = "https://www.googleapis.com/auth/"
MAY = {
    "calendar": {f"{AUTH}calendar.events.readonly", "Calendars.Read", "Calendars.ReadWrite"},
    "mail": {
        f"{AUTH}gmail.readonly",
        f"{AUTH}gmail.metadata",
        "Mail.Read",
        "Mail.ReadBasic",
        "Mail.ReadWrite",
    },
    "tasks": {f"{AUTH}tasks", f"{AUTH}tasks.readonly", "Tasks.ReadWrite"},
    "lists": {f"{AUTH}tasks", "Tasks.ReadWrite"},
    "post": {f"{AUTH}gmail.send", "Mail.Send"},
}
"""Which permissions let in where."""


class SmallApi:
    """The API: `/small/who`, `/small/items/STREAM/AFTER`, `/small/lists`, `/small/post`."""

    def __init__(self, sign_in: SignIn) -> None:
        self._sign_in = sign_in
        self.items: dict[str, list[Message | Meeting]] = {"mail": [], "calendar": [], "tasks": []}
        self.lists: dict[str, str] = {}
        self.sent: list[str] = []

    def serves(self, path: str, /) -> bool:
        """Whether a path is this API's."""
        return path.startswith("/small/")

    def answer(self, request: Request, /) -> Reply:
        """One request."""
        words = request.path.strip("/").split("/")[1:]
        area = words[1] if words[0] == "items" else words[0]
        if area in MAY and not MAY[area] & request.scopes:
            return Reply(403, {"error": {"code": 403, "status": "PERMISSION_DENIED"}})
        match request.method, words:
            case "GET", ["who"]:
                token = request.headers["authorization"].partition(" ")[2]
                who = next(one.who for one in self._sign_in.given if token in one.access)
                return Reply(200, {"user": who.address, "lists": sorted(self.lists.items())})
            case "GET", ["items", stream, after]:
                found = self.items[stream][int(after) :]
                return Reply(200, {"items": [[kind_of(one), encode_body(one).decode()] for one in found]})
            case "POST", ["lists"]:
                key = f"l{len(self.lists) + 1}"
                self.lists[key] = request.json()["name"]
                return Reply(200, {"id": key})
            case "POST", ["post"]:
                self.sent.append(request.json()["mail"])
                return Reply(200, {})
            case _:
                return Reply(404, {})


def _call(access: Access, path: str, body: Any = None) -> Any:
    http = Http(
        access,
        base=str(access.settings.get("base_url") or "https://small.example.com"),
        auth=Bearer(access.secret, access.renew),
    )
    try:
        answer = http.request(
            "GET" if body is None else "POST",
            f"/small/{path}",
            content=b"" if body is None else json.dumps(body).encode(),
            expect="json",
        )
        return json.loads(answer.body)
    finally:
        http.close()


class _Items:
    def __init__(self, access: Access, stream: str) -> None:
        self._access, self._stream = access, stream

    def pull(self, cursor: Cursor | None, /) -> Iterator[Page]:
        done = int(cursor or 0)
        found = _call(self._access, f"items/{self._stream}/{done}")["items"]
        records = [decode_body(raw.encode(), kind, 1) for kind, raw in found]
        changes = tuple(
            Upsert(ExternalId(one.message_id if isinstance(one, Message) else one.uid), one)
            for one in records
            if isinstance(one, Message | Meeting)
        )
        checkpoint = Cursor(str(done + len(found)))
        yield Page(changes, StreamName(self._stream), checkpoint=checkpoint, last=True)


class _Lists:
    def __init__(self, access: Access) -> None:
        self._access = access

    def find(self, key: IdempotencyKey, /) -> TaskRef | None:
        return None

    def put(self, key: IdempotencyKey, draft: TaskDraft, /) -> TaskRef:
        return TaskRef(key)

    def update(self, ref: TaskRef, was: TaskDraft, draft: TaskDraft, /) -> TaskRef:
        return ref

    def complete(self, ref: TaskRef, closing: str, /) -> TaskRef:
        return ref

    def reopen(self, ref: TaskRef, /) -> TaskRef:
        return ref


class _Post:
    def __init__(self, access: Access) -> None:
        self._access = access

    def send(self, mail: bytes, sender: str, to: str, /) -> None:
        _call(self._access, "post", {"mail": mail.decode()})


def _survey(role: str) -> Any:
    def survey(access: Access) -> Survey:
        told = _call(access, "who")
        found = [Collection(key, name, "tasks") for key, name in told["lists"]] if role == "tasks" else []
        wanted = access.settings.get("list")
        if role == "tasks" and wanted and wanted not in dict(told["lists"]):
            raise Missing("The list that follow-ups go to is there no more.")
        return Survey(told["user"], tuple(found))

    return survey


def _make_list(access: Access, name: str) -> Collection:
    return Collection(_call(access, "lists", {"name": name})["id"], name, "tasks")


def _specs(kind: str, names: Sequence[str], scope: dict[str, str]) -> list[ConnectorSpec]:
    calendar, mail, tasks = names

    def scopes(*keys: str) -> tuple[Scope, ...]:
        reasons = {
            "calendar": "To know whom you meet, and when.",
            "mail": "To see whom you write with, and what was asked and promised.",
            "headers": "To see whom you write with, by the headers of mails alone.",
            "send": "To send you the weekly digest.",
            "tasks": "To write follow-ups into one list, and see what you ticked off.",
        }
        return tuple(Scope(scope[key], reasons[key]) for key in keys if key in scope)

    return [
        ConnectorSpec(
            calendar,
            "Calendar",
            StreamName("calendar"),
            lambda access: _Items(access, "calendar"),
            account=kind,
            scopes=scopes("calendar"),
            survey=_survey("calendar"),
        ),
        ConnectorSpec(
            mail,
            "Mail",
            StreamName("mail"),
            lambda access: _Items(access, "mail"),
            account=kind,
            scopes=scopes("mail"),
            headers_scopes=scopes("headers"),
            write_scopes=scopes("send"),
            open_mail=_Post,
            survey=_survey("mail"),
        ),
        ConnectorSpec(
            tasks,
            "Tasks",
            StreamName("tasks"),
            lambda access: _Items(access, "tasks"),
            account=kind,
            write_scopes=scopes("tasks"),
            open_sink=_Lists,
            survey=_survey("tasks"),
            make_list=_make_list,
        ),
    ]


def vendor_connectors() -> dict[str, ConnectorSpec]:
    """The connectors by their names."""
    google = {
        "calendar": f"{AUTH}calendar.events.readonly",
        "mail": f"{AUTH}gmail.readonly",
        "headers": f"{AUTH}gmail.metadata",
        "send": f"{AUTH}gmail.send",
        "tasks": f"{AUTH}tasks",
    }
    microsoft = {
        "calendar": "Calendars.Read",
        "mail": "Mail.Read",
        "headers": "Mail.ReadBasic",
        "send": "Mail.Send",
        "tasks": "Tasks.ReadWrite",
    }
    specs = [
        *_specs("google", ("google_calendar", "gmail", "google_tasks"), google),
        *_specs("microsoft", ("graph_calendar", "graph_mail", "microsoft_todo"), microsoft),
    ]
    return {spec.name: spec for spec in specs}


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:], vendor_connectors()))

"""A small server that demands a password or a token, and connectors that speak with it over real sockets.

It keeps mails, calendars, task lists and a feed, checks who asks, and can be told to fail in the ways that servers do.
As a program it is `kith` with these connectors: `python -m tests.cli.acme ARGUMENTS`. There `ACME_PORT` says where the
server of example.com is found, as far as records tell that anybody could have forged.
"""

import base64
import contextlib
import http.client
import json
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import urlsplit

from connectors._network import open_socket
from deploy.cli.main import main
from schemas.connector import (
    Access,
    Collection,
    ConnectorSpec,
    Location,
    MailSink,
    Page,
    Quota,
    Survey,
    TaskDraft,
    TaskRef,
    Upsert,
)
from schemas.errors import Missing, RateLimited, ReauthRequired, Rejected, Transient
from schemas.events import decode_body, encode_body, kind_of
from schemas.ids import Cursor, ExternalId, IdempotencyKey, StreamName
from schemas.records import SourceRecord

PASSWORD, TOKEN = "hunter2-canary-password", "canary-token-0f3a9b"
FEED_PATH = "/cal/private-canary-4f2a/basic.ics"
PAGE = 2


class Acme(ThreadingHTTPServer):
    """The server and what it holds."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.passwords = {"mara@example.com": PASSWORD}
        self.tokens = {TOKEN: "mara@example.com"}
        self.collections = {
            "INBOX": ("Inbox", "inbox"),
            "Junk": ("Junk", "junk"),
            "work": ("Work", "calendar"),
        }
        self.lists: dict[str, str] = {"l1": "Groceries"}
        self.items: dict[str, list[SourceRecord]] = {"mail": [], "calendar": [], "tasks": [], "feed": []}
        self.retry_after: int | None = None
        self.is_down = False
        self.has_feed = True
        self.asked: list[str] = []

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""
        return int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no fault of the server."""


@contextlib.contextmanager
def running() -> Iterator[Acme]:
    """A server on a free port, ended afterwards."""
    with Acme() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Answer(BaseHTTPRequestHandler):
    server: Acme
    timeout = 10

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, body: dict[str, Any]) -> None:
        acme, url = self.server, urlsplit(self.path)
        acme.asked.append(f"{self.command} {self.path}")
        if acme.is_down:
            return self._send(503, {})
        if url.path == FEED_PATH:
            return self._send(200, _items(acme, "feed", 0)) if acme.has_feed else self._send(404, {})
        if not self._user():
            return self._send(401, {})
        if acme.retry_after is not None:
            return self._send(429, {}, acme.retry_after)
        match url.path.strip("/").split("/"):
            case ["who"]:
                found = [[key, *value] for key, value in acme.collections.items()]
                lists = [[key, name, "tasks"] for key, name in acme.lists.items()]
                return self._send(200, {"user": self._user(), "collections": found, "lists": lists})
            case ["items", stream, after]:
                return self._send(200, _items(acme, stream, int(after)))
            case ["lists"]:
                key = f"l{len(acme.lists) + 1}"
                acme.lists[key] = body["name"]
                return self._send(200, {"id": key})
            case _:
                return self._send(404, {})

    def _user(self) -> str:
        kind, _, given = self.headers.get("Authorization", "").partition(" ")
        if kind == "Bearer":
            return self.server.tokens.get(given, "")
        user, _, password = base64.b64decode(given).decode().partition(":")
        return user if self.server.passwords.get(user) == password else ""

    def _send(self, status: int, document: Any, retry_after: int | None = None) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        if retry_after is not None:
            self.send_header("Retry-After", str(retry_after))
        self.end_headers()
        self.wfile.write(content)


def _items(acme: Acme, stream: str, after: int) -> list[list[str]]:
    return [[kind_of(one), encode_body(one).decode()] for one in acme.items[stream][after : after + 100]]


# --- the connectors -----------------------------------------------------------------------------------------------------


def call(access: Access, path: str, body: Mapping[str, Any] | None = None, *, token: bool = False) -> Any:
    """Ask the server, as a connector does: every failure becomes one of our own."""
    settings = access.settings
    url = urlsplit(settings.get("base_url") or settings.get("url") or "")
    host = str(settings.get("host") or url.hostname)
    port = int(settings.get("port") or url.port or 443)
    connection = http.client.HTTPConnection(host, port)
    secret = access.secret()
    basic = base64.b64encode(f"{settings.get('user', '')}:{secret}".encode()).decode()
    headers = {"Authorization": f"Bearer {secret}" if token else f"Basic {basic}"}
    try:
        connection.sock = open_socket(
            host, port, allow_private=bool(settings.get("allow_private")), timeout=timedelta(seconds=5)
        )
        connection.request("POST" if body else "GET", path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        content = answer.read(10_000_000)
    except (OSError, http.client.HTTPException) as error:
        raise Transient(
            f"{host}, port {port}, hung up. Check port and security; Kith tries again."
        ) from error
    finally:
        connection.close()
    match answer.status:
        case 200:
            return json.loads(content)
        case 401:
            raise ReauthRequired(f"{host} refused the sign-in. Check user and password.")
        case 404:
            raise Missing(f"{host} has it no more. Look for its new address.")
        case 429:
            after = timedelta(seconds=int(answer.headers["Retry-After"]))
            raise RateLimited(f"{host} asks for patience.", retry_after=after)
        case status:
            raise Transient(f"{host} is not ready ({status}). Kith tries again.")


class Items:
    """Reads a stream, two items a page; the cursor is how many were read."""

    def __init__(self, access: Access, stream: str, *, path: str = "", token: bool = False) -> None:
        self._access, self._stream, self._path, self._token = access, stream, path, token

    def pull(self, cursor: Cursor | None, /) -> Iterator[Page]:
        """Yield what is new, at the end an empty last page."""
        done = int(cursor or 0)
        while True:
            path = self._path or f"/items/{self._stream}/{done}"
            # The feed is always given whole.
            start = done if self._path else 0
            found = call(self._access, path, token=self._token)[start : start + PAGE]
            done += len(found)
            changes = tuple(
                Upsert(ExternalId(_key(raw)), cast("SourceRecord", decode_body(raw.encode(), kind, 1)))
                for kind, raw in found
            )
            stream = StreamName("calendar" if self._stream == "feed" else self._stream)
            yield Page(changes, stream, checkpoint=Cursor(str(done)), last=len(found) < PAGE, done=done)
            if len(found) < PAGE:
                return


def _key(raw: str) -> str:
    record = json.loads(raw)
    return str(record.get("message_id") or record.get("uid") or record.get("key"))


class Lists:
    """Writes nothing; says only which list it would write to."""

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


class Post:
    """Sends nothing."""

    def send(self, mail: bytes, sender: str, to: str, /) -> None:
        """Take it."""


def _survey(*roles: str, token: bool = False, path: str = "") -> Any:
    def survey(access: Access) -> Survey:
        if path:
            call(access, path)
            return Survey("")
        told = call(access, "/who", token=token)
        wanted = access.settings.get("list")
        if wanted and "tasks" in roles and wanted not in {key for key, *_ in told["lists"]}:
            raise Missing("The list that follow-ups go to is there no more.")
        found = [
            Collection(key, name, role, is_read=role != "junk")
            for key, name, role in [*told["collections"], *told["lists"]]
            if role in roles
        ]
        return Survey(told["user"], tuple(found), ("PAGES",))

    return survey


def _newest(access: Access) -> datetime | None:
    raw = [json.loads(raw) for _, raw in call(access, "/items/mail/0")]
    return max((datetime.fromisoformat(one["at"]).astimezone(UTC) for one in raw), default=None)


def _make_list(*, token: bool = False) -> Any:
    def make_list(access: Access, name: str) -> Collection:
        return Collection(call(access, "/lists", {"name": name}, token=token)["id"], name, "tasks")

    return make_list


def acme_connectors(places: Mapping[str, Location] | None = None) -> dict[str, ConnectorSpec]:
    """Connectors of every kind of account; `places` are where a domain's server is found."""

    def locate(settings: Mapping[str, Any]) -> Location:
        domain = settings["user"].partition("@")[2]
        if domain not in (places or {}):
            raise Rejected(f"No server was found for {domain}. Name it: --host H --port P --security tls")
        return (places or {})[domain]

    def post(_access: Access) -> MailSink:
        return Post()

    mail, calendar, tasks = StreamName("mail"), StreamName("calendar"), StreamName("tasks")
    specs = (
        ConnectorSpec(
            "imap",
            "Mail",
            mail,
            lambda access: Items(access, "mail"),
            account="imap",
            locate=locate,
            survey=_survey("inbox", "junk"),
            newest=_newest,
        ),
        ConnectorSpec("smtp", "Post", mail, account="smtp", open_mail=post, survey=_survey(), locate=locate),
        ConnectorSpec(
            "caldav",
            "Calendar",
            calendar,
            lambda access: Items(access, "calendar"),
            account="caldav",
            survey=_survey("calendar"),
        ),
        ConnectorSpec(
            "caldav_tasks",
            "Tasks",
            tasks,
            lambda access: Items(access, "tasks"),
            account="caldav",
            open_sink=Lists,
            survey=_survey("tasks"),
            make_list=_make_list(),
        ),
        ConnectorSpec(
            "todoist",
            "Todoist",
            tasks,
            lambda access: Items(access, "tasks", token=True),
            account="todoist",
            open_sink=Lists,
            survey=_survey("tasks", token=True),
            make_list=_make_list(token=True),
            quotas=(Quota("requests", 100, timedelta(minutes=15)),),
        ),
        ConnectorSpec(
            "feed",
            "Feed",
            calendar,
            lambda access: Items(access, "feed", path=urlsplit(access.settings["url"]).path),
            account="feed",
            survey=_survey(path=FEED_PATH),
        ),
    )
    return {spec.name: spec for spec in specs}


if __name__ == "__main__":
    forgeable = Location({"host": "127.0.0.1", "port": int(os.environ.get("ACME_PORT", "0"))}, "DNS records")
    raise SystemExit(main(sys.argv[1:], acme_connectors({"example.com": forgeable})))

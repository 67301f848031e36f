"""What the Todoist fake says on the wire: errors as the API words them, the vendor's schema, and an HTTP server.

The schema is the one in `KITH_SPECS`, or in `../shared/specs` beside the project; without it nothing is held against
it, and everything else is as before.
"""

import json
import os
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Protocol
from urllib.parse import parse_qsl, urlsplit

from jsonschema import Draft202012Validator
from msgspec import Struct

from tests.fakes.faults import PATIENCE, Fault, Faults

Json = dict[str, Any]
_BODY = 1024 * 1024


class Refused(Exception):
    """What Todoist answers instead of what was asked."""

    def __init__(self, status: int, tag: str, words: str, code: int = 0, **extra: Any) -> None:
        super().__init__(words)
        self.status = status
        self.extra = extra
        self.body = {
            "error": words,
            "error_code": code or status,
            "error_extra": extra,
            "error_tag": tag,
            "http_code": status,
        }


def bad(argument: str, why: str) -> Refused:
    """An argument that is refused."""
    return Refused(
        400, "INVALID_ARGUMENT_VALUE", "Invalid argument value", 20, argument=argument, explanation=why
    )


class Request(Struct, frozen=True):
    """One request as it came, for tests to look at."""

    method: str
    path: str
    query: dict[str, str]
    form: dict[str, str]
    body: Any


def specs() -> Path | None:
    """Where the vendors' schemas are, if anywhere."""
    beside = Path(__file__).resolve().parents[2].parent / "shared" / "specs"
    folder = Path(os.environ["KITH_SPECS"]) if "KITH_SPECS" in os.environ else beside
    return folder if (folder / "todoist").is_dir() else None


class Shapes:
    """The vendor's schema, whose names are in camel case."""

    def __init__(self, folder: Path) -> None:
        whole = json.loads(next((folder / "todoist").glob("*.schema.json")).read_text())
        self.definitions: Json = whole["$defs"]
        self._validators: dict[str, Any] = {}

    def breaches(self, definition: str, wire: Json) -> list[str]:
        """What of a wire value is not as the schema has it."""
        if definition not in self._validators:
            schema = {"$ref": f"#/$defs/{definition}", "$defs": self.definitions}
            self._validators[definition] = Draft202012Validator(schema)
        return [
            f"{definition}: {error.json_path}: {error.message[:200]}"
            for error in self._validators[definition].iter_errors(camel(wire))
        ]

    def breaches_of_arguments(self, args: Json) -> list[str]:
        """What of a command's arguments a task could not hold; a due date is asked for in fewer words."""
        self.definitions.setdefault("Arguments", {"properties": self.definitions["Task"]["properties"]})
        return self.breaches("Arguments", {name: value for name, value in args.items() if name != "due"})


_BY_ID = {"sync_status", "temp_id_mapping"}


def camel(value: Any, *, is_by_id: bool = False) -> Any:
    """A wire value with the SDK's names; keys that are ids stay."""
    if isinstance(value, list):
        return [camel(one) for one in value]
    if isinstance(value, dict):
        return {
            name if is_by_id else re.sub(r"_([a-z])", lambda found: found[1].upper(), name): camel(
                one, is_by_id=name in _BY_ID
            )
            for name, one in value.items()
        }
    return value


class Api(Protocol):
    """What the server serves."""

    token: str
    faults: Faults
    says_retry_after_in_body_only: bool
    asked: int

    def answer(self, method: str, path: str, query: dict[str, str], form: dict[str, str], body: Any) -> Any:
        """What the API says to one request; raises `Refused`."""
        ...


def too_many(seconds: int) -> Refused:
    """The answer to too many requests."""
    return Refused(429, "LIMITS_REACHED_RATE", "Too many requests", 35, retry_after=seconds, event_id="e1")


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, todoist: Api) -> None:
        self.todoist = todoist
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server
    timeout: ClassVar[float] = 30
    wbufsize = -1
    """An answer leaves as a whole, as in pieces its end would wait for an acknowledgement."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class names it so
        """A test run is quiet."""

    def _serve(self) -> None:
        todoist = self.server.todoist
        todoist.asked += 1
        parts = urlsplit(self.path)
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        is_write = self.command != "GET" and (b"commands=" in sent or not parts.path.endswith("/sync"))
        fault = todoist.faults.next(is_write=is_write)
        if fault == "die_before":
            self.close_connection = True
            return
        headers: dict[str, str] = {}
        try:
            status, said = 200, self._answer(parts.path, parts.query, sent, fault)
        except Refused as error:
            status, said = error.status, error.body
            after = error.extra.get("retry_after")
            if after is not None and not todoist.says_retry_after_in_body_only:
                headers["Retry-After"] = str(after)
        body = b"" if said is None else json.dumps(said).encode()
        if fault == "web_page":
            status, body = 200, b"<!DOCTYPE html><html><body>Sign in to the network</body></html>"
        if fault == "lose_answer":
            self.close_connection = True
            return
        if fault == "slow":
            threading.Event().wait(0.3)
        self.send_response(204 if said is None else status)
        self.send_header("Content-Type", "text/html" if fault == "web_page" else "application/json")
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if fault == "cut":
            body = body[: len(body) // 2]
            self.close_connection = True
        self.wfile.write(body)

    def _answer(self, path: str, query: str, sent: bytes, fault: Fault | None) -> Any:
        todoist = self.server.todoist
        if fault == "429":
            raise too_many(PATIENCE)
        if fault in {"500", "503"}:
            raise Refused(int(fault), "INTERNAL_SERVER_ERROR", "Internal server error")
        if self.headers.get("Authorization") != f"Bearer {todoist.token}":
            raise Refused(401, "UNAUTHORIZED", "Unauthorized", 477)
        if len(sent) > _BODY:
            raise Refused(413, "REQUEST_TOO_LARGE", "Request body is too large")
        form: dict[str, str] = {}
        body: Any = None
        kind = (self.headers.get("Content-Type") or "").partition(";")[0]
        if path.endswith("/sync"):
            if kind != "application/x-www-form-urlencoded":
                raise Refused(415, "UNSUPPORTED_MEDIA_TYPE", "A form is expected")
            form = dict(parse_qsl(sent.decode(), keep_blank_values=True, strict_parsing=bool(sent)))
        elif sent:
            if kind != "application/json":
                raise Refused(415, "UNSUPPORTED_MEDIA_TYPE", "JSON is expected")
            body = json.loads(sent)
        return todoist.answer(self.command, path, dict(parse_qsl(query)), form, body)

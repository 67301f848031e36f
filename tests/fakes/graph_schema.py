"""Microsoft's schema of Graph, against which each exchange with a fake of it is held.

It is the one in `KITH_SPECS`, or in `../shared/specs` beside the project; without it nothing is held against it, and
everything else is as before.
"""

import json
import re
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from msgspec import Struct

from tests.fakes.api import Json, Reply, Request
from tests.fakes.todoist_wire import specs

_BESIDE = re.compile(r"/v1\.0/me/messages/.+/\$value")
"""What Microsoft's pages have and the schema does not: a message as MIME (https://learn.microsoft.com/graph/outlook-get-mime-message)."""
_OF_A_CALENDAR = re.compile(r"/me/calendars/[^/]+(/events/[^/]+/instances)")
"""What they have of one calendar too (https://learn.microsoft.com/graph/api/event-list-instances), and what is kept of the
schema has of the mailbox alone."""


class Operation(Struct, frozen=True):
    """One operation on a path; schemas are None where nothing is said."""

    name: str
    verb: str
    pattern: re.Pattern[str]
    takes: Json | None
    gives: dict[str, Json | None]


def operation_of(request: Request) -> Operation | None:
    """The operation that a request calls; None when there is none, or no schema."""
    path = _OF_A_CALENDAR.sub(r"/me\1", (request.raw_path or request.path).removeprefix("/v1.0"))
    return next(
        (one for one in _operations() if one.verb == request.method and one.pattern.fullmatch(path)), None
    )


def breaches(request: Request, reply: Reply) -> list[str]:
    """What of an exchange is not as the schema has it."""
    if not _operations():
        return []
    one = operation_of(request)
    if one is None and _BESIDE.fullmatch(request.path):
        return []
    if one is None:
        return [f"{request.method} {request.path}: no such operation"] if reply.status < 400 else []
    found: list[str] = []
    if request.body and one.takes and "json" in request.headers.get("content-type", ""):
        found += _held(one.name, one.takes, request.json(), "request")
    shape = one.gives.get(str(reply.status)) or one.gives.get(f"{reply.status // 100}XX")
    shape = shape or (one.gives.get("default") if reply.status >= 400 else None)
    if shape and reply.said is not None:
        found += _held(one.name, shape, reply.said, "answer")
    elif reply.status < 300 and str(reply.status) not in one.gives and "2XX" not in one.gives:
        found.append(f"{one.name}: {reply.status} is no answer of it")
    return found


def shape_breaches(shape: str, value: Any) -> list[str]:
    """What of a value is not as the schema has this shape of it (`microsoft.graph.changeNotification`)."""
    if not _operations():
        return []
    return _held(shape, {"$ref": f"#/components/schemas/{shape}"}, value, "notice")


def _held(name: str, schema: Json, value: Any, what: str) -> list[str]:
    validator = _validator(json.dumps(schema, sort_keys=True))
    return [
        f"{name}: {what}: {error.json_path}: {error.message[:200]}" for error in validator.iter_errors(value)
    ]


@cache
def _validator(schema: str) -> Any:
    whole = {**json.loads(schema), "components": _document()["components"]}
    return Draft202012Validator(whole, format_checker=FormatChecker())


@cache
def _document() -> Json:
    folder = specs()
    if folder is None:
        return {}
    document: Json = json.loads((folder / "graph" / "graph-v1.0-kith.json").read_text())
    return document


@cache
def _operations() -> tuple[Operation, ...]:
    return tuple(
        Operation(
            f"{verb.upper()} {path}",
            verb.upper(),
            _pattern(path),
            _schema(said.get("requestBody", {})),
            {status: _schema(answer) for status, answer in said["responses"].items()},
        )
        for path, verbs in _document().get("paths", {}).items()
        for verb, said in verbs.items()
        if verb in {"get", "post", "patch", "put", "delete"}
    )


def _pattern(path: str) -> re.Pattern[str]:
    pieces = re.split(r"(\{[^}]+\})", path)
    return re.compile("".join("[^/]+" if piece.startswith("{") else re.escape(piece) for piece in pieces))


def _schema(holder: Json) -> Json | None:
    schema: Json | None = holder.get("content", {}).get("application/json", {}).get("schema")
    return schema

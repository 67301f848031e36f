"""Google's discovery documents, against which each exchange with a fake of Google is held.

They come in the wheel of google-api-python-client (https://developers.google.com/discovery/v1/reference/apis).
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, Final

import googleapiclient
from jsonschema import Draft202012Validator
from msgspec import Struct

from tests.fakes.api import Json, Reply, Request

_DOCUMENTS: Final = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
_NAMES: Final = ("gmail.v1", "calendar.v3", "people.v1", "tasks.v1")
_COMMON: Final = {
    "alt",
    "fields",
    "key",
    "prettyPrint",
    "quotaUser",
    "access_token",
    "oauth_token",
    "callback",
}


class Method(Struct, frozen=True):
    """One method of an API, as its discovery document has it; `scopes` are any of which lets it be called."""

    id: str
    api: str
    verb: str
    pattern: re.Pattern[str]
    parameters: Json
    takes: str
    gives: str
    scopes: frozenset[str]


def method_of(request: Request) -> Method | None:
    """The method that a request calls; None when there is none."""
    path = request.raw_path or request.path
    return next(
        (one for one in _methods() if one.verb == request.method and one.pattern.fullmatch(path)), None
    )


def breaches(request: Request, reply: Reply) -> list[str]:
    """What of an exchange is not as the discovery document has it; errors are in Google's one shape."""
    method = method_of(request)
    if method is None:
        return [f"{request.method} {request.path}: no such method"] if reply.status < 400 else []
    found = [
        f"{method.id}: {name} is no parameter"
        for name, _ in request.query
        if name not in method.parameters and name not in _COMMON and not name.startswith("$")
    ]
    repeated = [name for name, _ in request.query]
    found += [
        f"{method.id}: {name} is not to be repeated"
        for name in set(repeated)
        if repeated.count(name) > 1 and not method.parameters.get(name, {}).get("repeated")
    ]
    found += [
        f"{method.id}: {name} is missing"
        for name, parameter in method.parameters.items()
        if parameter.get("required") and parameter["location"] == "query" and name not in repeated
    ]
    is_json = "json" in request.headers.get("content-type", "")
    if request.body and is_json:
        body = request.json()
        if method.verb == "PATCH":
            # Null takes a field out (https://developers.google.com/workspace/tasks/performance#patch).
            body = {name: value for name, value in body.items() if value is not None}
        found += _held(method, method.takes, body, "request") if method.takes else [f"{method.id}: a body"]
    if 200 <= reply.status < 300:
        if method.gives and reply.said is not None:
            found += _held(method, method.gives, reply.said, "answer")
        elif method.gives and not reply.body:
            found.append(f"{method.id}: no answer")
    return found


def _held(method: Method, schema: str, value: Any, what: str) -> list[str]:
    return [f"{method.id}: {what}: {one}" for one in misfits(method.api, schema, value)]


def misfits(api: str, schema: str, value: Any) -> list[str]:
    """What of a value is not as a schema of an API has it."""
    return [
        f"{error.json_path}: {error.message[:200]}" for error in _validator(api, schema).iter_errors(value)
    ]


@cache
def _document(name: str) -> Json:
    document: Json = json.loads((_DOCUMENTS / f"{name}.json").read_text())
    return document


@cache
def _validator(api: str, schema: str) -> Any:
    definitions = {name: _converted(one) for name, one in _document(api)["schemas"].items()}
    return Draft202012Validator({"$ref": f"#/$defs/{schema}", "$defs": definitions})


def _converted(schema: Json) -> Json:
    """A discovery schema (JSON Schema draft 3 with formats of its own) as draft 2020-12, its objects closed."""
    if "$ref" in schema:
        return {"$ref": f"#/$defs/{schema['$ref']}"}
    kind, form = schema.get("type"), schema.get("format")
    made: Json = {name: schema[name] for name in ("pattern", "enum") if name in schema}
    if kind and kind != "any":
        made["type"] = kind
    if kind == "string" and form in {"int64", "uint64"}:
        made["pattern"] = r"^-?[0-9]+$"
    if kind == "array":
        made["items"] = _converted(schema["items"])
    if "properties" in schema:
        made["properties"] = {name: _converted(one) for name, one in schema["properties"].items()}
    if "additionalProperties" in schema:
        made["additionalProperties"] = _converted(schema["additionalProperties"])
    elif kind == "object" and "properties" in schema:
        made["additionalProperties"] = False
    return made


@cache
def _methods() -> tuple[Method, ...]:
    return tuple(
        Method(
            one["id"],
            name,
            one["httpMethod"],
            _pattern(document, one.get("flatPath") or one["path"]),
            one.get("parameters", {}),
            one.get("request", {}).get("$ref", ""),
            one.get("response", {}).get("$ref", ""),
            frozenset(one.get("scopes", ())),
        )
        for name in _NAMES
        for document in [_document(name)]
        for one in _each(document)
    )


def _pattern(document: Json, path: str) -> re.Pattern[str]:
    whole = f"/{document['servicePath']}{path}"
    pieces = re.split(r"(\{\+?\w+\})", whole)
    return re.compile("".join("[^/]+" if piece.startswith("{") else re.escape(piece) for piece in pieces))


def _each(resource: Json) -> list[Json]:
    own = list(resource.get("methods", {}).values())
    return own + [one for inner in resource.get("resources", {}).values() for one in _each(inner)]

"""What the fakes of Microsoft Graph share: its refusals, `$batch`, its query options, tokens of a delta, and throttling.

https://learn.microsoft.com/graph/ (errors, JSON batching, delta query overview, throttling limits) as of 2026-11. Each
exchange is held against the vendor's schema where that can be found (`graph_schema.py`), those inside a batch too.
"""

import base64
import json
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote

from schemas.clock import Clock
from tests.fakes import graph_schema
from tests.fakes.api import ApiServer, Json, Part, Reply, Request
from tests.fakes.faults import PATIENCE, Faults

VERSION = "/v1.0"
MOST_PARTS = 20
_WINDOW = timedelta(minutes=10)
_MOST_REQUESTS = 10_000
_CODES = {
    400: "BadRequest",
    404: "ResourceNotFound",
    500: "InternalServerError",
    502: "BadGateway",
    503: "ServiceUnavailable",
    504: "GatewayTimeout",
}


class Refused(Exception):
    """A request that Graph would not do; raised and turned into an answer by a part."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def error(status: int, code: str, message: str = "It was refused.", **headers: str) -> Reply:
    """An error as Graph words it (https://learn.microsoft.com/graph/errors)."""
    inner = {
        "date": "2026-11-23T09:00:00",
        "request-id": "00000000-0000-0000-0000-000000000001",
        "client-request-id": "00000000-0000-0000-0000-000000000001",
    }
    said = {"error": {"code": code, "message": message, "innerError": inner}}
    return Reply(status, said, {name.replace("_", "-"): value for name, value in headers.items()})


def refuse(status: int, code: str, message: str = "It was refused.", **headers: str) -> Refused:
    """The same, to be raised."""
    return Refused(error(status, code, message, **headers))


class Microsoft:
    """How Graph refuses in general."""

    def unauthorised(self, _request: Request, /) -> Reply:
        """No token, or one that ended."""
        return error(
            401,
            "InvalidAuthenticationToken",
            "Access token has expired or is not yet valid.",
            WWW_Authenticate='Bearer realm="", error="invalid_token"',
        )

    def too_many(self, seconds: int, /) -> Reply:
        """Too many requests."""
        return error(429, "ApplicationThrottled", "Application is over its limit.", Retry_After=str(seconds))

    def failed(self, status: int, /) -> Reply:
        """A server in trouble; a path that is none is `BadRequest` at Graph."""
        return error(400 if status == 404 else status, _CODES[400 if status == 404 else status])


# ------ what every part asks of a request


def path_of(request: Request) -> list[str]:
    """The segments of a request's path below the version, unquoted one by one: ids hold `/` and `=` as escapes."""
    return [unquote(piece) for piece in request.raw_path.removeprefix(VERSION).strip("/").split("/")]


def preferences(request: Request) -> dict[str, str]:
    """The preferences of a request by lower-cased name, without quotation marks (RFC 7240)."""
    found: dict[str, str] = {}
    for one in request.headers.get("prefer", "").split(","):
        name, _, value = one.strip().partition("=")
        if name:
            found[name.strip().lower()] = value.strip().strip('"')
    return found


def has_immutable_ids(request: Request) -> bool:
    """Whether ids are to be immutable ones."""
    return preferences(request).get("idtype", "").lower() == "immutableid"


def needs_scope(request: Request, *any_of: str) -> None:
    """See that the token was granted one of these.

    Raises:
        Refused: it was not.
    """
    held = {one.rpartition("/")[2].casefold() for one in request.scopes}
    if held.isdisjoint(one.casefold() for one in any_of):
        raise refuse(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")


def allows(request: Request, options: Collection[str]) -> None:
    """See that no other query option came, and none twice.

    Raises:
        Refused: one did.
    """
    names = [name for name, _ in request.query]
    strange = [name for name in names if name not in options]
    if strange or len(set(names)) < len(names):
        raise refuse(
            400, "ErrorInvalidUrlQuery", f"The following parameters are not supported: {', '.join(strange)}"
        )


def selected(request: Request, known: Collection[str]) -> frozenset[str]:
    """The properties that `$select` names; none where it is not given.

    Raises:
        Refused: it names one that there is not.
    """
    names = frozenset(name.strip() for name in request.one("$select").split(",") if name.strip())
    if not names <= set(known):
        strange = ", ".join(sorted(names - set(known)))
        raise refuse(400, "BadRequest", f"Could not find a property named '{strange}'.")
    return names


def page_size(request: Request, usual: int, most: int) -> int:
    """How many items a page holds: as preferred, as far as the service goes.

    Raises:
        Refused: the number is none.
    """
    text = preferences(request).get("odata.maxpagesize") or request.one("$top")
    if not text:
        return usual
    if not text.isdecimal() or not int(text):
        raise refuse(400, "BadRequest", "Invalid page size.")
    return min(int(text), most)


# ------ tokens of deltas


class Tokens:
    """Opaque tokens of a delta: what each stands for is known here alone, and older ones end as newer ones are made."""

    def __init__(self, most: int = 500) -> None:
        self.most = most
        self.ends_with_location = False
        """How a token that ended is refused: `syncStateNotFound`, or 410 with the way to an empty token."""
        self._held: dict[str, Any] = {}
        self._made = 0

    def make(self, state: Any) -> str:
        """A token that stands for a state."""
        self._made += 1
        token = base64.urlsafe_b64encode(f"sync-generation-{self._made:09d}".encode()).decode().rstrip("=")
        self._held[token] = state
        while len(self._held) > self.most:
            del self._held[next(iter(self._held))]
        return token

    def state_of(self, token: str, start: str = "") -> Any:
        """What a token stands for.

        Raises:
            Refused: it ended.
        """
        if token in self._held:
            return self._held[token]
        if self.ends_with_location:
            raise refuse(410, "syncStateNotFound", "Resync required.", Location=f"{start}?$deltatoken=")
        raise refuse(410, "SyncStateNotFound", "The sync state generation is not found.")

    def expire(self, is_meant: Callable[[Any], bool] = lambda _state: True) -> None:
        """No token given out before is known any more, of those whose states are meant."""
        self._held = {token: state for token, state in self._held.items() if not is_meant(state)}


def link(server: ApiServer, path: Iterable[str], name: str, token: str) -> str:
    """A whole link that goes on with a token; `path` are segments below the version."""
    way = "/".join(quote(piece, safe="") for piece in path)
    return f"{server.url}{VERSION}/{way}?%24{name}={token}"


# ------ throttling


class Mailbox:
    """What one app may ask of one mailbox: so many requests in ten minutes, by the clock; None for no limit."""

    def __init__(self, clock: Clock, most: int | None = _MOST_REQUESTS) -> None:
        self.clock = clock
        self.most = most
        self._asked: deque[datetime] = deque()

    def spend(self) -> None:
        """Count a request.

        Raises:
            Refused: it is one too many.
        """
        if self.most is None:
            return
        now = self.clock.now()
        while self._asked and now - self._asked[0] >= _WINDOW:
            self._asked.popleft()
        if len(self._asked) >= self.most:
            wait = int((self._asked[0] + _WINDOW - now).total_seconds()) + 1
            raise refuse(429, "ApplicationThrottled", Retry_After=str(wait))
        self._asked.append(now)


# ------ batches


class Batch:
    """`$batch`: the requests inside are answered like any other, each with a status of its own, in another order.

    `faults` are met by the parts of a batch; `crowded` is how many of the next are refused because too many run at
    once; `unsure` how many for their token, which has ended meanwhile; `forgets` how many of the next are not answered at
    all.
    """

    def __init__(self) -> None:
        self.server: ApiServer | None = None
        self.faults = Faults()
        self.crowded = 0
        self.unsure = 0
        self.forgets = 0
        self.sizes: list[int] = []

    def serves(self, path: str, /) -> bool:
        """The one path."""
        return path == f"{VERSION}/$batch"

    def answer(self, request: Request, /) -> Reply:
        """Every part's answer, or why the whole is refused."""
        try:
            parts = self._parts(request)
        except Refused as refused:
            return refused.reply
        self.sizes.append(len(parts))
        told: dict[str, Json] = {}
        for part in parts:
            behind = [told.get(name, {}).get("status", 500) for name in part.get("dependsOn", ())]
            if any(status >= 400 for status in behind):
                told[part["id"]] = self._told(part, error(424, "FailedDependency"))
            else:
                told[part["id"]] = self._told(part, self._one(request, part))
        kept = list(reversed(told.values()))
        while self.forgets and kept:
            self.forgets -= 1
            kept.pop()
        return Reply(200, {"responses": kept})

    def _parts(self, request: Request) -> list[Json]:
        if request.method != "POST" or "json" not in request.headers.get("content-type", ""):
            raise refuse(400, "BadRequest", "A batch is a JSON object that is posted.")
        try:
            said = request.json()
            parts = said["requests"]
            names = [part["id"] for part in parts]
        except (ValueError, KeyError, TypeError) as wrong:
            raise refuse(400, "BadRequest", "Invalid batch payload format.") from wrong
        if not 0 < len(parts) <= MOST_PARTS:
            raise refuse(
                400, "MaximumValueExceeded", f"Number of batch request steps exceeds max of {MOST_PARTS}."
            )
        if len(set(names)) < len(names) or not all(isinstance(name, str) for name in names):
            raise refuse(400, "BadRequest", "Request ids are unique strings.")
        if not all(str(part.get("url", "")).startswith("/") for part in parts):
            raise refuse(400, "BadRequest", "A relative URL is required.")
        return list(parts)

    def _one(self, request: Request, part: Json) -> Reply:
        assert self.server is not None
        fault = self.faults.next(is_write=part["method"] != "GET")
        if self.crowded:
            self.crowded -= 1
            words = "Application is over its MailboxConcurrency limit."
            return error(429, "ApplicationThrottled", words, Retry_After="1")
        if self.unsure:
            self.unsure -= 1
            return self.server.vendor.unauthorised(request)
        if fault == "429":
            return self.server.vendor.too_many(PATIENCE)
        if fault in {"500", "503"}:
            return self.server.vendor.failed(int(fault))
        own = {name.lower(): str(value) for name, value in part.get("headers", {}).items()}
        body = part.get("body")
        if body is not None and "content-type" not in own:
            return error(400, "BadRequest", "A body needs a Content-Type header.")
        headers = {"authorization": request.headers.get("authorization", ""), **own}
        payload = (
            b"" if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        )
        return self.server.within(part["method"], f"{VERSION}{part['url']}", headers, payload)

    @staticmethod
    def _told(part: Json, reply: Reply) -> Json:
        told: Json = {"id": part["id"], "status": reply.status}
        headers = dict(reply.headers)
        if reply.said is not None:
            headers["Content-Type"] = "application/json"
            told["body"] = reply.said
        elif reply.body:
            told["body"] = base64.urlsafe_b64encode(reply.body).decode()
        return {**told, "headers": headers}


def graph_server(
    parts: Sequence[Part], grants: Callable[[str], frozenset[str] | None], batch: Batch | None = None
) -> ApiServer:
    """Graph with these parts, and `$batch` beside them, each exchange held against the vendor's schema."""
    one = batch or Batch()
    server = ApiServer(Microsoft(), [one, *parts], grants, graph_schema.breaches)
    one.server = server
    return server

"""What Google's APIs have in common on the wire: how they refuse, the batch endpoint, field masks, and one server for all.

Shapes of errors: https://developers.google.com/workspace/gmail/api/guides/handle-errors; batches:
https://developers.google.com/workspace/gmail/api/guides/batch; masks:
https://developers.google.com/workspace/gmail/api/guides/performance#partial (read 2026-11).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any

from tests.fakes.api import ApiServer, Json, Part, Reply, Request
from tests.fakes.google_schema import breaches, method_of

_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


def refused(
    code: int,
    reason: str,
    words: str,
    *,
    domain: str = "global",
    info: str = "",
    status: str = "",
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """An error of Google's; `info` is the reason of the `ErrorInfo` that newer ones carry besides."""
    error: Json = {
        "code": code,
        "message": words,
        "errors": [{"message": words, "domain": domain, "reason": reason}],
        "status": status or _STATUS.get(code, "UNKNOWN"),
    }
    if info:
        error["details"] = [
            {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": info, "domain": "googleapis.com"}
        ]
    return Reply(code, {"error": error}, headers or {})


class Google:
    """Google's words for what it refuses in general (`Vendor`)."""

    def unauthorised(self, _request: Request, /) -> Reply:
        """The token is none, or worth nothing."""
        return refused(
            401,
            "authError",
            "Request had invalid authentication credentials. Expected OAuth 2 access token.",
            headers={
                "WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", error="invalid_token"'
            },
        )

    def too_many(self, seconds: int, /) -> Reply:
        """Too many requests, with the time to wait."""
        return refused(
            429,
            "rateLimitExceeded",
            "Too many concurrent requests for user",
            headers={"Retry-After": str(seconds)},
        )

    def failed(self, status: int, /) -> Reply:
        """A server in trouble, or nothing under this path."""
        if status == 404:
            return refused(404, "notFound", "Not Found")
        return refused(status, "backendError", "Internal error encountered.")


def user_rate() -> Reply:
    """A user's quota of the minute is spent."""
    words = "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user'."
    return refused(
        403, "rateLimitExceeded", words, domain="usageLimits", info="RATE_LIMIT_EXCEEDED", status="RESOURCE_EXHAUSTED"
    )  # fmt: skip


def switched_off() -> Reply:
    """The API is not enabled in the project of the client."""
    words = "The API has not been used in project 1 before or it is disabled."
    return refused(403, "accessNotConfigured", words, domain="usageLimits", info="SERVICE_DISABLED")


def scope_refusal(request: Request) -> Reply | None:
    """The refusal of a request whose token was granted none of the scopes of its method; None of one that may pass."""
    method = method_of(request)
    if method is None or method.scopes & request.scopes:
        return None
    words = "Request had insufficient authentication scopes."
    return refused(403, "insufficientPermissions", words, info="ACCESS_TOKEN_SCOPE_INSUFFICIENT")


def masked(said: Any, mask: str) -> Any:
    """What a field mask leaves of an answer: `nextPageToken,items(id,start/date)`; all of it where there is none.

    Raises:
        ValueError: it is no mask.
    """
    return _kept(said, _tree(mask)) if mask and mask != "*" else said


@cache
def _tree(mask: str) -> Json:
    """A mask as names with what is wanted below each; nothing below means all."""
    words = re.findall(r"[\w*]+|[(),/]", mask)
    if "".join(words) != mask:
        raise ValueError(mask)
    tree, place = _branches(words, 0)
    if place != len(words):
        raise ValueError(mask)
    return tree


def _branches(words: Sequence[str], place: int) -> tuple[Json, int]:
    tree: Json = {}
    while True:
        below = tree
        while True:
            if place >= len(words) or words[place] in "(),/":
                raise ValueError(words)
            below = below.setdefault(words[place], {})
            place += 1
            if place >= len(words) or words[place] != "/":
                break
            place += 1
        if place < len(words) and words[place] == "(":
            inner, place = _branches(words, place + 1)
            if place >= len(words) or words[place] != ")":
                raise ValueError(words)
            below.update(inner)
            place += 1
        if place >= len(words) or words[place] != ",":
            return tree, place
        place += 1


def _kept(said: Any, tree: Json) -> Any:
    if isinstance(said, list):
        return [_kept(one, tree) for one in said]
    if not isinstance(said, dict) or not tree:
        return said
    wanted = {name: tree.get(name, tree.get("*")) for name in said}
    kept = {name: _kept(said[name], below) for name, below in wanted.items() if below is not None}
    # What is empty is left out, as Google does.
    return {name: one for name, one in kept.items() if one not in ({}, [{}])}


class Batch:
    """The batch endpoint: each part is a request of its own, with the sign-in of the whole where it has none.

    `limits` are the calls that a path takes at most; `sizes` tells how many calls each batch had.
    """

    def __init__(
        self, within: Callable[[str, str, Mapping[str, str], bytes], Reply], limits: Mapping[str, int]
    ) -> None:
        self._within = within
        self.limits = dict(limits)
        self.sizes: list[int] = []
        self.begins: Callable[[], None] = lambda: None
        """Told of each batch, before its parts are asked."""

    def serves(self, path: str, /) -> bool:
        """Whether a path is one of a batch."""
        return path in self.limits

    def answer(self, request: Request, /) -> Reply:
        """Every part's answer, under `response-` and the id of its request."""
        kind = request.headers.get("content-type", "")
        boundary = re.fullmatch(r'multipart/mixed; *boundary="?([^";]+)"?', kind)
        if request.method != "POST" or boundary is None:
            return refused(400, "badRequest", "Missing or malformed batch boundary.")
        pieces = request.body.split(b"--" + boundary[1].encode())[1:]
        if not pieces or not pieces[-1].startswith(b"--"):
            return refused(400, "badRequest", "The batch does not end.")
        calls = pieces[:-1]
        self.sizes.append(len(calls))
        if len(calls) > self.limits[request.path]:
            words = f"The batch request includes too many calls. Maximum is {self.limits[request.path]}."
            return refused(400, "badRequest", words)
        self.begins()
        answers = []
        for piece in calls:
            call = _call(piece.strip(b"\r\n") + b"\r\n\r\n")
            if call is None:
                return refused(400, "badRequest", "A part of the batch is no application/http request.")
            name, method, target, headers, body = call
            outer = {key: value for key, value in request.headers.items() if key == "authorization"}
            answers.append((name, self._within(method, target, {**outer, **headers}, body)))
        out = b"".join(_part(name, reply) for name, reply in answers) + b"--batch_kith--\r\n"
        return Reply(200, headers={"Content-Type": "multipart/mixed; boundary=batch_kith"}, body=out)


def _call(piece: bytes) -> tuple[str, str, str, dict[str, str], bytes] | None:
    """Content-ID, verb, target, headers and body of one part."""
    outer, _, inner = piece.partition(b"\r\n\r\n")
    told = _headers(outer.decode("latin-1"))
    head, _, body = inner.partition(b"\r\n\r\n")
    line, _, rest = head.decode("latin-1").partition("\r\n")
    words = line.split(" ")
    if told.get("content-type") != "application/http" or len(words) not in {2, 3} or words[1][:1] != "/":
        return None
    headers = _headers(rest)
    size = headers.get("content-length")
    name = told.get("content-id", "").strip("<>")
    return name, words[0], words[1], headers, body[: int(size)] if size else body.strip(b"\r\n")


def _headers(text: str) -> dict[str, str]:
    pairs = [line.partition(":") for line in text.split("\r\n") if ":" in line]
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _part(name: str, reply: Reply) -> bytes:
    payload = reply.payload() if reply.status != 204 else b""
    headers = {"Content-Type": "application/json; charset=UTF-8", **reply.headers}
    lines = [
        "--batch_kith",
        "Content-Type: application/http",
        *([f"Content-ID: <response-{name}>"] if name else []),
        "",
        f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}",
        *(f"{key}: {value}" for key, value in headers.items()),
        f"Content-Length: {len(payload)}",
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + payload + b"\r\n"


def held(request: Request, reply: Reply) -> Sequence[str]:
    """What of an exchange is not as Google's documents have it; a batch is held part by part."""
    return [] if request.path.startswith(("/batch", "/o/", "/token", "/revoke")) else breaches(request, reply)  # fmt: skip


def google_server(
    parts: Sequence[Part],
    grants: Callable[[str], frozenset[str] | None],
    public: Callable[[str], bool] = lambda _path: False,
) -> ApiServer:
    """Parts of Google side by side behind one root, with the batch endpoint, each exchange held against the schema."""
    server = ApiServer(Google(), parts, grants, held, public)
    limits = {"/batch": 100, "/batch/gmail/v1": 100, "/batch/calendar/v3": 50}
    server.parts.append(Batch(server.within, limits))
    return server

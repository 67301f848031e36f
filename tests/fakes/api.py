"""An HTTP server on the loopback in which fakes of a vendor's APIs stand side by side, as behind the vendor's own name.

What one request is refused for, each part says in its vendor's words; who may ask, the vendor's sign-in says (`grants`).
Every exchange can be held against the vendor's schema by `inspect`; what does not fit is kept in `breaches`.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from msgspec import Struct

from tests.fakes.faults import PATIENCE, Faults

Json = dict[str, Any]
_BODY = 40 * 1024 * 1024


class Request(Struct, frozen=True):
    """One request as it came; `query` keeps repeated names, `headers` have names in lower case, `path` is unquoted."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = {}
    body: bytes = b""
    scopes: frozenset[str] = frozenset()
    """What the token that came with it was granted."""
    raw_path: str = ""
    """The path as it came."""

    def one(self, name: str, default: str = "") -> str:
        """The last value of a query's name."""
        return dict(self.query).get(name, default)

    def json(self) -> Any:
        """The body, which is JSON; None when there is none.

        Raises:
            ValueError: it is no JSON.
        """
        return json.loads(self.body) if self.body else None


class Reply(Struct, frozen=True):
    """An answer: JSON, or bytes of another kind."""

    status: int = 200
    said: Any = None
    headers: Mapping[str, str] = {}
    body: bytes = b""

    def payload(self) -> bytes:
        """What goes over the wire."""
        return self.body if self.said is None else json.dumps(self.said).encode()


class Part(Protocol):
    """One API of a vendor, with its state."""

    def serves(self, path: str, /) -> bool:
        """Whether a path is this API's."""
        ...

    def answer(self, request: Request, /) -> Reply:
        """What the API says; it raises nothing."""
        ...


class Vendor(Protocol):
    """How a vendor refuses in general."""

    def unauthorised(self, request: Request, /) -> Reply:
        """The answer to no token, or one that is worth nothing."""
        ...

    def too_many(self, seconds: int, /) -> Reply:
        """The answer to too many requests."""
        ...

    def failed(self, status: int, /) -> Reply:
        """The answer of a server that is in trouble."""
        ...


def no_breaches(_request: Request, _reply: Reply) -> Sequence[str]:
    """What is said of an exchange that nothing is held against."""
    return ()


class ApiServer:
    """The server. `public` paths ask for no token: those of the sign-in itself.

    Everything after the first four arguments is for tests to look at or to change.
    """

    def __init__(
        self,
        vendor: Vendor,
        parts: Sequence[Part],
        grants: Callable[[str], frozenset[str] | None],
        inspect: Callable[[Request, Reply], Sequence[str]] = no_breaches,
        public: Callable[[str], bool] = lambda _path: False,
    ) -> None:
        self.vendor = vendor
        self.parts = list(parts)
        self.grants = grants
        self.inspect = inspect
        self.public = public
        self.faults = Faults()
        self.requests: list[Request] = []
        self.breaches: list[str] = []
        self.url = ""
        self._lock = threading.RLock()

    @contextmanager
    def serve(self) -> Iterator["ApiServer"]:
        """Answer on a free port of the loopback until the block ends; `url` is the root, without a slash at its end."""
        server = _Server(self)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def answer(self, request: Request) -> Reply:
        """What one request is told, one at a time; kept, and held against the schema."""
        with self._lock:
            self.requests.append(request)
            part = next((one for one in self.parts if one.serves(request.path)), None)
            reply = part.answer(request) if part else self.vendor.failed(404)
            self.breaches += self.inspect(request, reply)
            return reply

    def within(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """What a request inside a batch is told; `headers` have names in lower case."""
        return self.judged(method, target, headers, body)

    def judged(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """What a request is told, once it is known whether its sender may ask."""
        parts = urlsplit(target)
        request = Request(
            method,
            unquote(parts.path),
            tuple(parse_qsl(parts.query, keep_blank_values=True)),
            headers,
            body,
            raw_path=parts.path,
        )
        if not self.public(request.path):
            kind, _, token = headers.get("authorization", "").partition(" ")
            scopes = self.grants(token) if kind == "Bearer" else None
            if scopes is None:
                with self._lock:
                    self.requests.append(request)
                return self.vendor.unauthorised(request)
            request = Request(
                request.method, request.path, request.query, headers, body, scopes, request.raw_path
            )
        return self.answer(request)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, api: ApiServer) -> None:
        self.api = api
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    timeout: ClassVar[float] = 30
    wbufsize = -1
    """An answer leaves as a whole, as in pieces its end would wait for an acknowledgement."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class names it so
        """A test run is quiet."""

    def _serve(self) -> None:
        api = self.server.api
        body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), _BODY))
        fault = api.faults.next(is_write=self.command != "GET")
        if fault == "die_before":
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        if fault == "429":
            reply = api.vendor.too_many(PATIENCE)
        elif fault in {"500", "503"}:
            reply = api.vendor.failed(int(fault))
        else:
            reply = api.judged(self.command, self.path, headers, body)
        if fault == "lose_answer":
            self.close_connection = True
            return
        if fault == "slow":
            threading.Event().wait(0.3)
        if fault == "web_page":
            page = b"<!DOCTYPE html><html><body>Sign in to the network</body></html>"
            reply = Reply(200, headers={"Content-Type": "text/html"}, body=page)
        self._send(reply, is_cut=fault == "cut")

    def _send(self, reply: Reply, *, is_cut: bool) -> None:
        payload = reply.payload()
        self.send_response(reply.status)
        for name, value in {"Content-Type": "application/json; charset=utf-8", **reply.headers}.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        if is_cut:
            payload = payload[: len(payload) // 2]
            self.close_connection = True
        if reply.status != 204:
            self.wfile.write(payload)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815  # the base class names them so

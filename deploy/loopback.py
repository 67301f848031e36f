"""Where a browser on this machine comes back to after a sign-in: a port of the loopback, for one answer and a while.

Any page that the owner visits can send requests here too, so what answers no sign-in is turned away and ends nothing
(RFC 8252 8.1). The page that is shown needs nothing else, holds nothing of the request, and can run nothing.
"""

import threading
from collections.abc import Callable
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock
from types import TracebackType
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

from msgspec import Struct

from services.web.app import Paper


class Closing(Struct, frozen=True, kw_only=True):
    """What the page says at the end; `is_end` is false for an answer to somebody else's question."""

    title: str
    words: str
    lines: tuple[str, ...] = ()
    command: str = ""
    status: int = 200
    is_end: bool = True


_OVER = Closing(
    title="Is it over?", words="This sign-in has had its answer. You may close this window.", status=410
)
_FAULT = Closing(
    title="What went wrong?",
    words="A fault ended this sign-in. The window where you began says more. You may close this one.",
    status=500,
)
_NOTHING = Closing(title="Where is that page?", words="There is nothing at this address.", status=404)


class Loopback:
    """The place; it listens from its making on, so that nobody else can be there first."""

    def __init__(self, answer: Callable[[str], Closing]) -> None:
        """`answer` is handed the query of each redirect, one at a time, until one of them was the end."""
        self._server = _Server(answer)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self, within: timedelta) -> bool:
        """Whether the end came in that time, and its page was sent.

        Raises:
            Exception: what `answer` raised, which is an end as well.
        """
        has_ended = self._server.ended.wait(within.total_seconds())
        if self._server.fault is not None:
            raise self._server.fault
        return has_ended


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    """A browser may keep a connection open that it asks nothing on."""

    def __init__(self, answer: Callable[[str], Closing]) -> None:
        super().__init__(("127.0.0.1", 0), _Page)
        self.answer = answer
        self.fault: Exception | None = None
        self.ended = Event()
        self.turn = Lock()
        self.paper = Paper()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever hangs up is no fault of ours."""


class _Page(BaseHTTPRequestHandler):
    server: _Server
    timeout: ClassVar[float] = 10
    server_version = "Kith"
    sys_version = ""

    def log_message(self, *_: Any) -> None:
        """Nothing: the request holds a code."""

    def do_GET(self) -> None:
        """One redirect, or whatever else came here."""
        at = urlsplit(self.path)
        hosts = {f"{host}:{self.server.server_address[1]}" for host in ("127.0.0.1", "localhost")}
        if self.headers.get("Host", "") not in hosts or at.path not in {"/", ""}:
            self._send(_NOTHING)
            return
        with self.server.turn:
            if self.server.ended.is_set():
                self._send(_OVER)
                return
            try:
                closing = self.server.answer(at.query)
            except Exception as error:  # noqa: BLE001  # it belongs to whoever waits, and is raised there
                self.server.fault, closing = error, _FAULT
            try:
                self._send(closing)
            finally:
                if closing.is_end:
                    self.server.ended.set()

    def _send(self, closing: Closing) -> None:
        text, style = self.server.paper.lone("signed.html.j2", page=closing)
        content = text.encode()
        self.send_response(closing.status)
        for name, value in {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Length": str(len(content)),
            "Cache-Control": "no-store",
            "Content-Security-Policy": f"default-src 'none'; style-src {style}; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Connection": "close",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

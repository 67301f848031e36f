"""Stands before a real HTTP server and hands everything on, but for the faults that a test orders."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tests.fakes.faults import PATIENCE, Faults

_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive", "server", "date"}
_WRITES = {"PUT", "DELETE", "MKCALENDAR", "MKCOL", "PROPPATCH", "POST"}


class FaultyProxy:
    """A proxy before one server; `asked` are the requests that came, as `PUT /path`."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self.host, self.port = parts.hostname or "", parts.port or 80
        self.url = ""
        self.asked: list[str] = []
        self.is_revoked = False
        self.forbidden = ""
        """The beginning of paths that are answered with 403."""
        self.drops_header = ""
        """A header of requests that is not handed on, as some servers do not heed it."""
        self.before_write: Callable[[], object] | None = None
        """What somebody else does just before the next request that writes."""
        self.is_before_every_write = False
        self.faults = Faults()

    @contextmanager
    def serve(self) -> Iterator["FaultyProxy"]:
        """Answer on a free port of the loopback until the block ends."""
        server = _Server(self)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}/"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def meddle(self) -> None:
        """Let somebody else be faster."""
        act = self.before_write
        if not self.is_before_every_write:
            self.before_write = None
        if act is not None:
            act()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, proxy: FaultyProxy) -> None:
        self.proxy = proxy
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    timeout = 30
    wbufsize = -1

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class names it so
        """A test run is quiet."""

    def _serve(self) -> None:
        proxy = self.server.proxy
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        proxy.asked.append(f"{self.command} {self.path}")
        fault = proxy.faults.next(is_write=self.command in _WRITES)
        if fault == "die_before":
            self.close_connection = True
            return
        if proxy.is_revoked:
            self._say(401, [("WWW-Authenticate", 'Basic realm="x"')], b"")
        elif proxy.forbidden and self.path.startswith(proxy.forbidden):
            self._say(403, [], b"")
        elif fault == "429":
            self._say(429, [("Retry-After", str(PATIENCE))], b"")
        elif fault in {"500", "503"}:
            self._say(int(fault), [], b"")
        else:
            if self.command in _WRITES:
                proxy.meddle()
            status, headers, body = self._forward(sent)
            if fault == "lose_answer":
                self.close_connection = True
            elif fault == "web_page":
                self._say(200, [("Content-Type", "text/html")], b"<!DOCTYPE html><html>Sign in</html>")
            else:
                if fault == "slow":
                    threading.Event().wait(0.3)
                self._say(status, headers, body, is_cut=fault == "cut")

    def _forward(self, sent: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        proxy = self.server.proxy
        connection = HTTPConnection(proxy.host, proxy.port, timeout=30)
        left_out = {"connection", "accept-encoding", proxy.drops_header.lower()}
        headers = {name: value for name, value in self.headers.items() if name.lower() not in left_out}
        connection.request(self.command, self.path, sent, headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, [pair for pair in answer.getheaders() if pair[0].lower() not in _HOP], body

    def _say(self, status: int, headers: list[tuple[str, str]], body: bytes, *, is_cut: bool = False) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        # Half of nothing is less than was promised all the same.
        self.send_header("Content-Length", str(len(body) + is_cut))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if is_cut else body)
        self.close_connection = self.close_connection or is_cut

    # http.server finds methods by these names.
    do_GET = do_PUT = do_DELETE = do_OPTIONS = _serve  # noqa: N815
    do_PROPFIND = do_REPORT = do_MKCALENDAR = _serve  # noqa: N815

"""A web server on the loopback, with TLS, that serves what it is given and remembers what it was asked."""

import contextlib
import ssl
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from msgspec import Struct, field


class Reply(Struct, frozen=True):
    """What is sent back for a path."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = {}


class Site(Struct):
    """Replies by path; anything else is not found."""

    replies: dict[str, Reply] = field(default_factory=dict)
    asked: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)
    """Method, path with query, and headers by their lower-cased names."""


@contextlib.contextmanager
def web_server(site: Site, context: ssl.SSLContext) -> Iterator[str]:
    """A running server; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            site.asked.append((self.command, self.path, headers))
            reply = site.replies.get(self.path.partition("?")[0], Reply(404))
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(reply.body)

        do_GET = do_PROPFIND = _answer  # noqa: N815  # names that http.server looks for

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)

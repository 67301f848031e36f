"""A hook as a vendor sees it: a little page on the loopback, known under an https name, that answers as it is told to."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from schemas.connector import Hook

ORIGIN = "https://kith.example.com"
Manner = Literal["well", "as html", "wrongly", "not at all"]


class Page(ThreadingHTTPServer):
    """Answers handshakes and notices; `notices` are the headers of those that came, `bodies` their bodies."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.manner: Manner = "well"
        self.notices: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self.hears: Callable[[], object] = lambda: None
        """Done once, when anything comes."""

    @property
    def url(self) -> str:
        """Where it really is."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Page

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        """A test run is quiet."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        hears, self.server.hears = self.server.hears, lambda: None
        hears()
        word = parse_qs(urlsplit(self.path).query).get("validationToken", [""])[0]
        if self.server.manner == "not at all":
            self.close_connection = True
            return
        if not word:
            self.server.notices.append({name.lower(): value for name, value in self.headers.items()})
            self.server.bodies.append(body)
        said = (word if self.server.manner != "wrongly" else f"{word}?").encode()
        self.send_response(200 if word else 202)
        kind = "text/html" if self.server.manner == "as html" else "text/plain; charset=utf-8"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)


@contextmanager
def a_page() -> Iterator[Page]:
    """A page, until the block ends."""
    page = Page()
    thread = threading.Thread(target=page.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield page
    finally:
        page.shutdown()
        page.server_close()
        thread.join()


def a_hook(vendor: str, word: str = "1~word~of~ours.c2ln") -> Hook:
    """A hook at the page."""
    return Hook(f"{ORIGIN}/hooks/{vendor}", word)

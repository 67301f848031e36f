"""Carries a vendor's notices over HTTP to the page of a home, which the vendor knows under an https name that is none here.

A route leads from that name to the page on the loopback; the name goes along as `Host`, as from a proxy before the page.
A vendor sends its notices one after another here, and each is waited for.
"""

from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from time import monotonic
from urllib.parse import urlsplit

from msgspec import Struct


class Posted(Struct, frozen=True):
    """What became of a notice: 0 where nobody answered. `kind` is the answer's type, `seconds` how long it took."""

    status: int = 0
    kind: str = ""
    body: bytes = b""
    seconds: float = 0


class Postman:
    """Brings notices to hooks, and keeps what became of each."""

    def __init__(self) -> None:
        self.routes: dict[str, str] = {}
        """The page that is behind an origin: `https://kith.example.com` to `http://127.0.0.1:8321`."""
        self.posted: list[Posted] = []
        self.waits = 10.0
        """The seconds that an answer is waited for."""

    def reaches(self, url: str) -> bool:
        """Whether there is a page under a URL."""
        return _origin(url) in self.routes

    def post(self, url: str, headers: Mapping[str, str], body: bytes = b"") -> Posted:
        """Bring one notice; an answer that comes too late is none."""
        posted = self._sent(url, headers, body) if self.reaches(url) else Posted()
        self.posted.append(posted)
        return posted

    def _sent(self, url: str, headers: Mapping[str, str], body: bytes) -> Posted:
        parts, page = urlsplit(url), urlsplit(self.routes[_origin(url)])
        connection = HTTPConnection(page.hostname or "", page.port, timeout=self.waits)
        began = monotonic()
        try:
            way = f"{parts.path}?{parts.query}" if parts.query else parts.path
            connection.request("POST", way, body, {"Host": parts.netloc, **headers})
            answer = connection.getresponse()
            said = answer.read()
        except (OSError, HTTPException):
            return Posted(seconds=monotonic() - began)
        finally:
            connection.close()
        return Posted(answer.status, answer.getheader("Content-Type", ""), said, monotonic() - began)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"

"""What stands before every page: a known Host, and headers that leave a browser nothing to run or to leak.

A page on this machine is reachable by every site the owner visits, if its name can be rebound to 127.0.0.1; so a
request for any other name is turned away, whatever else it says (X-Forwarded-Host is not read).
"""

import re
from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
_HOST = re.compile(r"(\[[0-9a-f:]{2,39}\]|[a-z0-9.-]{1,253})(?::[0-9]{1,5})?")

Refuse = Callable[[int, str], Response]
"""Makes the page for a status, with one sentence on why."""


def known_hosts(public_url: str) -> frozenset[str]:
    """The hosts a request may name: this machine's, and the public URL's."""
    host = urlsplit(public_url).hostname or ""
    return LOOPBACK | ({f"[{host}]" if ":" in host else host} - {""})


def host_of(header: str) -> str | None:
    """The host that a Host header names, without its port (RFC 9110 7.2); None for what is no host."""
    found = _HOST.fullmatch(header.strip().lower())
    return found.group(1).removesuffix(".") if found else None


class Guard:
    """Lets through what names a known host, and puts the headers on every answer."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str], refuse: Refuse) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            # Nothing here speaks WebSocket: the server answers 403 to a handshake that is closed at once.
            await send({"type": "websocket.close", "code": 1008})
            return
        answer: ASGIApp = self._app
        named = [value.decode("latin-1") for key, value in scope["headers"] if key == b"host"]
        host = host_of(named[0]) if len(named) == 1 else None
        if host is None:
            answer = self._refuse(400, "The request does not say which host it is for.")
        elif host not in self._hosts:
            answer = self._refuse(
                421, "Kith answers to its own address alone. Open it by the one it printed."
            )
        await answer(scope, receive, _with_headers(send))


def _with_headers(send: Send) -> Callable[[Message], Awaitable[None]]:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return wrapped

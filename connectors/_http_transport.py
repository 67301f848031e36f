"""HTTP connections that go where they were looked at to go, and last no longer than they may.

This is the only module that knows httpcore2's network backend. It takes no proxy
from the environment, and trusts the system's certificates.
"""

import socket
import ssl
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from time import monotonic
from typing import Any

import httpcore2
import httpx2

from connectors._network import addresses, is_public
from schemas.errors import Rejected


class _Watch:
    """The instant at which the request under way must be over, on the monotonic clock; and what was connected to."""

    def __init__(self) -> None:
        self._at = float("inf")
        self.made = 0
        self.certificate = b""
        self.socket: socket.socket | None = None

    def begin(self, seconds: float) -> None:
        self._at = monotonic() + seconds

    def left(self, idle: float | None) -> float:
        """The seconds that the next step may take, `idle` at most."""
        left = self._at - monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout("the time for the whole request is up")
        return left if idle is None else min(left, idle)


@cache
def _system_trust() -> ssl.SSLContext:
    """The system's certificates, which take as long to load (66 ms) as some twenty requests on a near network."""
    return httpcore2.default_ssl_context()


class GuardedTransport(httpx2.BaseTransport):
    """Sends requests over connections that are kept alive, to addresses that were looked at.

    Args:
        host: the host that the owner named; it alone may be in a private network, where that was allowed.
        allow_private: whether it may.
        ca_file: certificates to trust instead of the system's.
    """

    def __init__(self, host: str, *, allow_private: bool, ca_file: str) -> None:
        self._host = host
        self._allow_private = allow_private
        self._ca_file = ca_file
        self._watch = _Watch()
        self._pools: dict[str, httpcore2.ConnectionPool] = {}

    @property
    def made(self) -> int:
        """How many connections were made so far."""
        return self._watch.made

    @property
    def certificate(self) -> bytes:
        """What the server showed on the last connection that was made, in DER; empty without TLS."""
        return self._watch.certificate

    def begin(self, seconds: float) -> None:
        """What is sent from now on must be over in so many seconds."""
        self._watch.begin(seconds)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; the answer's body is still to be read."""
        answer = self._pool(request.url.scheme).handle_request(
            httpcore2.Request(
                method=request.method,
                url=httpcore2.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.read(),
                extensions=request.extensions,
            )
        )
        return httpx2.Response(answer.status, headers=answer.headers, stream=_Body(answer))

    def _pool(self, scheme: str) -> httpcore2.ConnectionPool:
        pool = self._pools.get(scheme)
        if pool is None:
            is_plain = scheme == "http"
            pool = self._pools[scheme] = httpcore2.ConnectionPool(
                ssl_context=None if is_plain else self._trusted(),
                max_connections=4,
                keepalive_expiry=60,
                network_backend=_Backend(
                    self._host, self._watch, allow_private=self._allow_private, is_plain=is_plain
                ),
            )
        return pool

    def _trusted(self) -> ssl.SSLContext:
        if not self._ca_file:
            return _system_trust()
        try:
            return ssl.create_default_context(cafile=self._ca_file)
        except OSError as error:
            raise Rejected("The file of trusted certificates (ca_file) cannot be read.") from error

    def hang_up(self) -> None:
        """End the connection made last, also from another thread: whoever waits for an answer there finds it ended."""
        if self._watch.socket is not None:
            # The plain socket's call: an SSL socket's own forgets its state under the feet of whoever is reading.
            with suppress(OSError):
                socket.socket.shutdown(self._watch.socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of every connection."""
        for pool in self._pools.values():
            pool.close()


class _Body(httpx2.SyncByteStream):
    def __init__(self, answer: httpcore2.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class _Backend(httpcore2.SyncBackend):
    """Connects to the address that was looked at; a second answer of the resolver changes nothing."""

    def __init__(self, host: str, watch: _Watch, *, allow_private: bool, is_plain: bool) -> None:
        self._host = host
        self._watch = watch
        self._allow_private = allow_private
        self._is_plain = is_plain

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        failure: Exception = httpcore2.ConnectError("no address")
        for address in self._addresses(host, port)[:4]:
            try:
                made = super().connect_tcp(
                    address, port, self._watch.left(timeout), local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
                continue
            self._watch.made += 1
            self._watch.certificate = b""
            self._watch.socket = made.get_extra_info("socket")
            return _Stream(made, self._watch)
        raise failure

    def _addresses(self, host: str, port: int) -> list[str]:
        is_named = host.strip("[]").lower() == self._host
        found = addresses(host.strip("[]"), port, allow_private=self._allow_private and is_named)
        if self._is_plain:
            found = [address for address in found if not is_public(address)]
            if not found:
                raise Rejected(
                    f"http://{host} would show what is read, and the password, to everybody on the way. "
                    "Give its https:// address."
                )
        return found


class _Stream(httpcore2.NetworkStream):
    """A connection on which every step keeps within the deadline, so that a slow drip comes to an end."""

    def __init__(self, inner: httpcore2.NetworkStream, watch: _Watch) -> None:
        self._inner = inner
        self._watch = watch

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._watch.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._watch.left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        made = self._inner.start_tls(ssl_context, server_hostname, self._watch.left(timeout))
        # The flag has no name in the standard library.
        self._watch.certificate = made.get_extra_info("ssl_object").getpeercert(True) or b""
        self._watch.socket = made.get_extra_info("socket")
        return _Stream(made, self._watch)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

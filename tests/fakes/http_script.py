"""A server that answers HTTP/1.1 with whatever bytes a test hands it, good or bad, and keeps what it was asked."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from msgspec import Struct


class Asked(Struct, frozen=True):
    """One request as it arrived; the names of headers in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Reply = bytes | Iterable[bytes]
Script = Callable[[Asked], Reply]
"""What is sent back: bytes, or pieces, between which a script may wait. No bytes at all: the line is cut."""


def reply(status: int, body: bytes = b"", /, **headers: str) -> bytes:
    """A whole answer; underscores in the names of headers stand for hyphens."""
    fields = {"content_length": str(len(body)), **headers}
    lines = [
        f"HTTP/1.1 {status} X",
        *(f"{name.replace('_', '-')}: {value}" for name, value in fields.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


class ScriptedServer:
    """Listens on a free port of 127.0.0.1 until it is closed."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self.script = script
        self.asked: list[Asked] = []
        self.connections = 0
        self._tls = tls
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}/"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for one in [self._listener, *self._open]:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                taken, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(taken,), daemon=True).start()

    def _serve(self, taken: socket.socket) -> None:
        self.connections += 1
        with suppress(OSError, ValueError):
            line = taken if self._tls is None else self._tls.wrap_socket(taken, server_side=True)
            self._open.add(line)
            with line, line.makefile("rb") as stream:
                while (asked := _read(stream)) is not None:
                    self.asked.append(asked)
                    answer = self.script(asked)
                    pieces: Iterator[bytes] = iter([answer] if isinstance(answer, bytes) else answer)
                    sent = 0
                    for piece in pieces:
                        line.sendall(piece)
                        sent += len(piece)
                    if not sent:
                        return


def _read(stream: BinaryIO) -> Asked | None:
    first = stream.readline(65_536).decode("latin-1").split()
    if len(first) < 2:
        return None
    headers: dict[str, str] = {}
    while line := stream.readline(65_536).decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", "0")))
    return Asked(first[0], first[1], headers, body)


@contextmanager
def scripted(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
    """A server for the time of a test."""
    server = ScriptedServer(script, tls)
    try:
        yield server
    finally:
        server.close()

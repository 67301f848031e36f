"""Bytes to and from an IMAP server, bounded in time and memory; it knows lines and literals, and no commands.

Three limits hold whatever the server does: how long it may send nothing (the socket's own time-out), how long one
answer may take in all, and how long a line may be. A literal is taken or passed over, as its reader decides by its size.
"""

import select
import socket
import ssl
import time
from contextlib import suppress
from datetime import timedelta
from typing import NoReturn

from schemas.errors import Transient

ANSWER_WITHIN = timedelta(minutes=15)
"""What one answer may take in all, however busily it drips: a modem's hour of mail is asked for in pieces."""
LINE_BYTES = 16_777_216
"""The longest line: the numbers of two million messages."""
_CHUNK = 262_144
_COMPACT = 1_048_576


class Wire:
    """One connection, read by lines and by literals."""

    def __init__(
        self, connection: socket.socket, host: str, *, answer_within: timedelta = ANSWER_WITHIN
    ) -> None:
        """The connection has a time-out set, which stays the limit of silence."""
        self.connection = connection
        self._host = host
        self._within = answer_within.total_seconds()
        self._held = bytearray()
        self._at = 0
        self._since = time.monotonic()

    def begin(self) -> None:
        """A new answer is waited for: its time counts from here."""
        self._since = time.monotonic()

    def send(self, data: bytes) -> None:
        """Send all of it; a new answer begins."""
        self.begin()
        try:
            self.connection.sendall(data)
        except OSError as error:
            self._broken(error)

    def line(self) -> bytes:
        """The next line with its end."""
        looked = self._at
        while True:
            end = self._held.find(b"\n", looked)
            if end >= 0:
                line = bytes(self._held[self._at : end + 1])
                self._at = end + 1
                return line
            looked = len(self._held)
            if looked - self._at > LINE_BYTES:
                raise Transient(f"{self._host} sends a line without an end. Kith tries again later.")
            before = self._at
            self._fill()
            looked -= before - self._at

    def take(self, size: int) -> bytes:
        """The next bytes, so many of them; the caller has looked at the number."""
        while len(self._held) - self._at < size:
            self._fill()
        taken = bytes(self._held[self._at : self._at + size])
        self._at += size
        return taken

    def skip(self, size: int) -> None:
        """Pass over so many bytes without keeping them."""
        while size > 0:
            if self._at == len(self._held):
                self._fill()
            step = min(size, len(self._held) - self._at)
            self._at += step
            size -= step

    def is_empty(self) -> bool:
        """Whether all that came was read."""
        return self._at == len(self._held)

    def has_line(self) -> bool:
        """Whether a whole line is here; takes in what has come, and waits for nothing."""
        if self._held.find(b"\n", self._at) < 0 and self._is_readable():
            self.begin()
            self._fill()
        return self._held.find(b"\n", self._at) >= 0

    def _is_readable(self) -> bool:
        if isinstance(self.connection, ssl.SSLSocket) and self.connection.pending():
            return True
        try:
            return bool(select.select([self.connection], [], [], 0)[0])
        except (OSError, ValueError):
            return True

    def close(self) -> None:
        """Let go of the connection; whoever waits on it in another thread finds it ended."""
        # The plain socket's call: an SSL socket's own forgets its state under the feet of whoever is reading.
        with suppress(OSError):
            socket.socket.shutdown(self.connection, socket.SHUT_RDWR)
        with suppress(OSError):
            self.connection.close()

    def _fill(self) -> None:
        if self._at > _COMPACT or self._at == len(self._held):
            del self._held[: self._at]
            self._at = 0
        try:
            chunk = self.connection.recv(_CHUNK)
        except TimeoutError as error:
            raise Transient(f"{self._host} stopped answering. Kith tries again later.") from error
        except (OSError, ValueError) as error:
            self._broken(error)
        if not chunk:
            raise Transient(f"{self._host} closed the connection. Kith tries again later.")
        if time.monotonic() - self._since > self._within:
            raise Transient(f"{self._host} answers too slowly to go on. Kith tries again later.")
        self._held += chunk

    def _broken(self, error: Exception) -> NoReturn:
        why = getattr(error, "strerror", None) or "it was cut"
        raise Transient(f"The connection to {self._host} broke ({why}). Kith tries again later.") from error

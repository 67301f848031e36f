"""A wire between a client and a server that can be cut: after so many bytes of answers, or altogether."""

import socket
import threading
from contextlib import suppress
from typing import Self


class Relay:
    """Passes bytes between its own port and a server's, until told to cut the wire; it understands nothing of them."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._left: int | None = None
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self.answered = 0
        """Bytes of answers that were passed on."""
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_after(self, answered: int) -> None:
        """Cut all connections once so many more bytes of answers have passed, and every later one at once."""
        with self._lock:
            self._left = answered
        if answered == 0:
            self._cut()

    def mend(self) -> None:
        """Let everything pass again."""
        with self._lock:
            self._left = None

    def close(self) -> None:
        """Cut everything for good."""
        with suppress(OSError):
            # Merely closed, it would leave the thread that waits at it waiting for ever.
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._cut()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            if self._left == 0:
                client.close()
                continue
            try:
                server = socket.create_connection(self._target)
            except OSError:
                client.close()
                continue
            self._open |= {client, server}
            for source, sink, is_answer in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._pass, args=(source, sink, is_answer), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, is_answer: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if is_answer:
                    with self._lock:
                        if self._left is not None:
                            data = data[: self._left]
                            self._left -= len(data)
                    self.answered += len(data)
                sink.sendall(data)
                if is_answer and self._left == 0:
                    self._cut()
                    return
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
            self._open.discard(one)

    def _cut(self) -> None:
        for one in list(self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
            self._open.discard(one)

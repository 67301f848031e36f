"""Stands between a client and a DAV server, passes everything on, and goes wrong where a test says so."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from threading import Lock
from urllib.parse import urlsplit

from tests.fakes.http_script import Asked, Reply, ScriptedServer, reply

_OWN = {"connection", "content-length", "transfer-encoding", "keep-alive", "date", "server"}
_CHUNK = 256


class DavFaults:
    """A proxy with a wire that can be cut, a password that is asked for, and answers that can be swapped.

    `meddle` is asked about every request first; what it answers is sent instead. `amend` may change the body of an
    answer on its way.
    """

    def __init__(self, upstream: str, user: str = "", password: str = "") -> None:
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname or "", parts.port or 80)
        self._login = f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}" if password else ""
        self._lock = Lock()
        self._left: int | None = None
        self._answered = 0
        self.meddle: Callable[[Asked], Reply | None] = lambda _: None
        self.amend: Callable[[Asked, bytes], bytes] = lambda _, body: body
        self.server = ScriptedServer(self._script)

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def asked(self) -> list[Asked]:
        return self.server.asked

    def close(self) -> None:
        self.server.close()

    def break_off(self, after: int) -> None:
        """Cut the wire after so many more bytes of answers, and keep it cut."""
        with self._lock:
            self._left = after

    def mend(self) -> None:
        """Let everything pass again."""
        with self._lock:
            self._left = None

    def answered(self) -> int:
        """How many bytes of answers were sent so far."""
        return self._answered

    def _script(self, asked: Asked) -> Reply:
        if self._login and asked.headers.get("authorization") != self._login:
            return self._limited(reply(401, www_authenticate='Basic realm="x"'))
        meddled = self.meddle(asked)
        if meddled is not None:
            return self._limited(meddled) if isinstance(meddled, bytes) else meddled
        return self._limited(self._passed_on(asked))

    def _passed_on(self, asked: Asked) -> bytes:
        connection = HTTPConnection(*self._upstream, timeout=30)
        headers = {name: value for name, value in asked.headers.items() if name not in _OWN}
        connection.request(asked.method, asked.path, asked.body, {**headers, "accept-encoding": "identity"})
        answer = connection.getresponse()
        body = self.amend(asked, answer.read())
        connection.close()
        lines = [f"HTTP/1.1 {answer.status} X", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in answer.getheaders() if name.lower() not in _OWN]
        return "\r\n".join([*lines, "", ""]).encode() + body

    def _limited(self, answer: bytes) -> Iterator[bytes]:
        for start in range(0, len(answer), _CHUNK):
            piece = answer[start : start + _CHUNK]
            with self._lock:
                is_cut = self._left is not None and self._left < len(piece)
                if self._left is not None:
                    piece = piece[: self._left]
                    self._left -= len(piece)
                self._answered += len(piece)
            if piece:
                yield piece
            if is_cut:
                raise OSError

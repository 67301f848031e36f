"""A first reading by Gmail's API, at a server without a quota: `python -m tests.bench.gmail [MESSAGES]`.

The server is a process of its own that hands out prepared bytes, so that it is no part of what is measured but for the
processor it shares; its own processor time is told beside. Kith's is that of its own process and of those that parse.
First the connector alone (its pages thrown away), then with ingest and `Book.keep`, then a poll with nothing new.
"""

# ruff: noqa: T201 - what it measures is printed

import json
import multiprocessing
import os
import re
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from connectors import gmail
from deploy.parsing import ParsingPool
from deploy.sample.bulk import (
    END,
    OWNER_ADDRESSES,
    OWNER_NAME,
    SHARD,
    ZONE,
    Settings,
    people_for,
    shard_messages,
)
from schemas.clock import FrozenClock
from schemas.connector import Access, Page, Upsert
from schemas.decisions import OwnerDeclared
from schemas.interface import Reject, SourceReport
from services.book import Book, begin_book
from services.ingest import Ingest
from services.signals import READERS, model
from services.store.migrate import migrate
from services.store.unit import open_store
from tests.fakes.gmail import READONLY
from tests.fakes.gmail_mime import payload_of

_PAGE = 500
_DATE = re.compile(rb"^Date: (.*)$", re.MULTILINE)
_WANTED = re.compile(rb"Content-ID: <(\d+)>\r\n\r\nGET /gmail/v1/users/me/messages/(\w+)\?")
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def main() -> int:
    """Measure and print."""
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    here, there = multiprocessing.get_context("fork").Pipe()
    server = multiprocessing.get_context("fork").Process(target=_serve, args=(messages, there), daemon=True)
    server.start()
    port = here.recv()
    with tempfile.TemporaryDirectory() as place:
        _measure(port, Path(place), here)
    server.terminate()
    server.join()
    return 0


# --- the server -------------------------------------------------------------------------------------------------------


class _Mailbox:
    """Prepared answers."""

    def __init__(self, messages: int) -> None:
        settings = Settings(messages, people_for(messages))
        raws = [raw for shard in range(-(-messages // SHARD)) for raw in shard_messages(settings, shard)]
        dated = sorted(((_sent(raw), raw) for raw in raws), key=lambda one: one[0], reverse=True)
        self.ids: list[tuple[float, str]] = []
        self.answers: dict[bytes, bytes] = {}
        for number, (at, raw) in enumerate(dated):
            one = f"{0x19A0_0000_0000_0000 - number * 0x1_0001:016x}"
            said = {
                "id": one,
                "threadId": one,
                "labelIds": ["INBOX"],
                "historyId": str(9_000 + number),
                "internalDate": str(int(at.timestamp() * 1000)),
                "payload": _masked(payload_of(raw)),
            }
            body = json.dumps(said, separators=(",", ":")).encode()
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n"
            self.ids.append((at.timestamp(), one))
            self.answers[one.encode()] = head + body + b"\r\n"
        print(
            f"{len(raws):,} messages, {sum(map(len, self.answers.values())) / 1e6:.0f} MB as Gmail hands them out"
        )

    def answer(self, target: str, body: bytes) -> tuple[str, bytes]:
        """Media type and content."""
        url = urlsplit(target)
        if url.path == "/batch":
            return "multipart/mixed; boundary=b", self._batch(body)
        query = parse_qs(url.query)
        said: object = {}
        if url.path.endswith("/profile"):
            said = {"emailAddress": "me@example.com", "historyId": "1000000"}
        elif url.path.endswith("/history"):
            said = {"historyId": "1000000"}
        elif url.path.endswith("/labels"):
            said = {"labels": [{"id": "INBOX", "name": "INBOX", "type": "system"}]}
        elif url.path.endswith("/messages"):
            said = self._list(query.get("q", [""])[0], int(query.get("pageToken", ["0"])[0]))
        return "application/json; charset=UTF-8", json.dumps(said).encode()

    def _batch(self, body: bytes) -> bytes:
        pieces = [
            b"--b\r\nContent-Type: application/http\r\nContent-ID: <response-"
            + number
            + b">\r\n\r\n"
            + self.answers[one]
            for number, one in _WANTED.findall(body)
        ]
        return b"".join(pieces) + b"--b--\r\n"

    def _list(self, query: str, begin: int) -> object:
        after = re.search(r"after:(\d+)", query)
        before = re.search(r"before:(\d+)", query)
        low, high = float(after[1]) if after else 0.0, float(before[1]) if before else 9e9
        found = [one for at, one in self.ids if low <= at < high]
        said: dict[str, object] = {"messages": [{"id": one} for one in found[begin : begin + _PAGE]]}
        if begin + _PAGE < len(found):
            said["nextPageToken"] = str(begin + _PAGE)
        return said


def _masked(part: dict[str, object]) -> dict[str, object]:
    """The part as the connector asks for it: without sizes, attachments and numbers."""
    kept: dict[str, object] = {name: part[name] for name in ("mimeType", "filename", "headers")}
    body = part["body"]
    if isinstance(body, dict) and "data" in body:
        kept["body"] = {"data": body["data"]}
    parts = part.get("parts")
    if isinstance(parts, list):
        kept["parts"] = [_masked(one) for one in parts]
    return kept


def _sent(raw: bytes) -> datetime:
    found = _DATE.search(raw)
    assert found
    return parsedate_to_datetime(found[1].decode()).astimezone(UTC)


def _serve(messages: int, caller: Connection) -> None:
    mailbox = _Mailbox(messages)
    listener = socket.create_server(("127.0.0.1", 0))
    caller.send(listener.getsockname()[1])
    while True:
        wire, _ = listener.accept()
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _talk(wire, mailbox, caller)


def _talk(wire: socket.socket, mailbox: _Mailbox, caller: Connection) -> None:
    """One connection; its end tells the caller what it has cost."""
    data = b""
    while True:
        while b"\r\n\r\n" not in data:
            more = wire.recv(1 << 20)
            if not more:
                spent = os.times()
                caller.send(spent.user + spent.system)
                return
            data += more
        head, _, data = data.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        size = int(length[1]) if length else 0
        while len(data) < size:
            data += wire.recv(1 << 20)
        body, data = data[:size], data[size:]
        kind, content = mailbox.answer(head.split(b" ", 2)[1].decode(), body)
        wire.sendall(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content)  # fmt: skip


# --- what is measured -------------------------------------------------------------------------------------------------


def _own_cpu() -> float:
    """Processor seconds of this process, of its ended children, and of parsing processes that have ended."""
    spent = os.times()
    parsing = getattr(forkserver._forkserver, "_forkserver_pid", None)
    own = spent.user + spent.system + spent.children_user + spent.children_system
    return own + (_ended(parsing) if parsing else 0)


def _ended(pid: int) -> float:
    """Processor seconds of a process's children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def _timed(what: str, server: Connection, run: Callable[[], int]) -> None:
    """Run, and print seconds of the clock and of the processors, and messages a second by both."""
    begun, own = time.perf_counter(), _own_cpu()
    count = run()
    took, cpu = time.perf_counter() - begun, _own_cpu() - own
    rate = f": {count / took:,.0f} a second, {count / cpu:,.0f} a second of processor" if count > 1 else ""
    server.poll(10)
    print(f"{what}: {took:.2f} s (CPU {cpu:.2f} s; the server's in all {server.recv():.2f} s){rate}")


def _measure(port: int, place: Path, server: Connection) -> None:
    model.load()  # As a running service has it.
    clock = FrozenClock(END)

    def access(pool: ParsingPool, is_held: Callable[[Sequence[object]], list[bool]]) -> Access:
        return Access(
            account="mine",
            clock=clock,
            read_text=READERS["excerpt"],
            workers=pool,
            is_held=is_held,
            zone=ZONE,
            settings={"base_url": f"http://127.0.0.1:{port}", "scopes": [READONLY]},
            secret=lambda: "a token",
        )

    def none_held(items: Sequence[object]) -> list[bool]:
        return [False] * len(items)

    def pull() -> int:
        count = 0
        begun = time.perf_counter()
        recent = 0.0
        with ParsingPool() as pool:
            source = gmail.open_source(access(pool, none_held))
            for page in source.pull(None):
                count += sum(isinstance(one, Upsert) for one in page.changes)
                old = [one for one in page.changes if isinstance(one, Upsert) and one.record.at < END - timedelta(days=28)]  # type: ignore[union-attr]  # mail alone  # fmt: skip
                recent = recent or (time.perf_counter() - begun if old else 0.0)
            del source, page
        print(f"  the last four weeks were there after {recent:.2f} s")
        return count

    _timed("Kith's connector alone", server, pull)
    store = open_store(f"sqlite:///{place / 'kith.db'}")
    migrate(store)
    declared = OwnerDeclared(name=OWNER_NAME, emails=OWNER_ADDRESSES, timezone=ZONE)
    book = Book(store, begin_book(store, declared, clock), clock)
    seen: list[Page] = []

    def read() -> int:
        report = SourceReport("gmail", "gmail")
        rejects: list[Reject] = []
        with ParsingPool() as pool:
            ingest = Ingest(store, book.owner, clock, "mine", "mail", gather=500, is_live=True)
            ingest.run(gmail.open_source(access(pool, none_held)), report, rejects, seen.append)
        book.keep()
        return report.added

    _timed("Kith, first reading to finished history", server, read)
    _timed("Kith, nothing new", server, read)
    store.close()


if __name__ == "__main__":
    raise SystemExit(main())

"""What a first reading of mail at Microsoft Graph costs: `python -m tests.bench.graph_mail [MESSAGES]`.

The fake stands in a process of its own, without quota and with nothing held against the schema, so that the processor's
seconds are the connector's and the parsing processes' alone. Then the same into a store, with finished history; and what
a look costs that finds nothing.
"""

# ruff: noqa: T201 - what it measures is printed

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from email.utils import parsedate_to_datetime
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

from connectors import graph_mail
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
from schemas.connector import Access, Upsert
from schemas.decisions import OwnerDeclared
from schemas.ids import Cursor
from schemas.interface import Reject, SourceReport
from services.book import Book, begin_book
from services.ingest import Ingest
from services.signals import READERS, model
from services.store.migrate import migrate
from services.store.unit import open_store
from tests.contract.live_source import SECRET
from tests.fakes.api import no_breaches
from tests.fakes.graph import Batch, graph_server
from tests.fakes.graph_mail import GraphMail


def main() -> int:
    """Measure and print, or be the server that is measured against."""
    if sys.argv[1:2] == ["--serve"]:
        return _serve(int(sys.argv[2]))
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    model.load()  # As a running service has it.
    fake = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.graph_mail", "--serve", str(messages)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert fake.stdout is not None
    assert fake.stdin is not None
    try:
        url = fake.stdout.readline().strip()
        cursor = _read(url, messages)
        _read_again(url, cursor)
        _take_in(url)
    finally:
        fake.stdin.close()
        fake.wait(30)
    return 0


def _serve(messages: int) -> int:
    mail = GraphMail(FrozenClock(END), user=OWNER_ADDRESSES[0])
    mail.mailbox.most = None
    settings = Settings(messages, people_for(messages))
    for shard in range(-(-messages // SHARD)):
        for raw in shard_messages(settings, shard):
            head = raw.partition(b"\n\n")[0]
            sent = next(line for line in head.split(b"\n") if line.startswith(b"Date: "))
            is_own = any(
                one.encode() in line
                for line in head.split(b"\n")
                if line.startswith(b"From: ")
                for one in OWNER_ADDRESSES
            )
            at = parsedate_to_datetime(sent[6:].decode())
            mail.put(raw, "sentitems" if is_own else "inbox", at=at)
    server = graph_server(
        [mail], lambda token: frozenset({"Mail.Read"}) if token == SECRET else None, Batch()
    )
    server.inspect = no_breaches
    mail.server = server
    with server.serve():
        print(server.url, flush=True)
        sys.stdin.read()
    return 0


def _access(url: str, pool: ParsingPool, spend: Callable[[str, int], None]) -> Access:
    settings: dict[str, Any] = {"base_url": url, "user": OWNER_ADDRESSES[0], "owner_emails": OWNER_ADDRESSES}
    return Access(
        account="mine",
        clock=FrozenClock(END),
        read_text=READERS["excerpt"],
        workers=pool,
        is_held=lambda items: [False] * len(items),
        zone=ZONE,
        settings=settings,
        secret=lambda: SECRET,
        spend=spend,
    )


def _timed(what: str, run: Callable[[], int]) -> None:
    """Run, and print seconds of the clock and of our own processors, and messages for each of those."""
    begun, own, first = time.perf_counter(), _cpu(), time.process_time()
    count = run()
    took, cpu, alone = time.perf_counter() - begun, _cpu() - own, time.process_time() - first
    print(
        f"{what}: {count:,} messages, {took:.2f} s; CPU {cpu:.2f} s, {count / max(cpu, 0.001):,.0f} messages/s; "
        f"of that in the first process {alone:.2f} s, {count / max(alone, 0.001):,.0f} messages/s"
    )


def _cpu() -> float:
    """Processor seconds of this process, of its ended children, and of parsing processes that have ended."""
    spent = os.times()
    parsing = getattr(forkserver._forkserver, "_forkserver_pid", None)
    own = spent.user + spent.system + spent.children_user + spent.children_system
    if not parsing:
        return own
    fields = Path(f"/proc/{parsing}/stat").read_text().rpartition(")")[2].split()
    return own + (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def _read(url: str, messages: int) -> Cursor:
    units: list[int] = []
    cursors: list[Cursor] = []
    weeks = END - timedelta(days=28)

    def run() -> int:
        count = 0
        with ParsingPool() as pool:
            source = graph_mail.open_source(_access(url, pool, lambda _name, some: units.append(some)))
            for page in source.pull(None):
                count += sum(isinstance(one, Upsert) for one in page.changes)
                if page.checkpoint is not None:
                    cursors.append(page.checkpoint)
        return count

    _timed(f"connector alone, first reading (newer than {weeks:%Y-%m-%d} first)", run)
    print(
        f"  {sum(units):,} requests for {messages:,} messages as Graph counts them, each part of a batch, in {len(units):,} "
        f"over the wire; the cursor has {len(cursors[-1]) / 1024:,.0f} KB"
    )
    return cursors[-1]


def _read_again(url: str, cursor: Cursor) -> None:
    units: list[int] = []

    def run() -> int:
        with ParsingPool() as pool:
            source = graph_mail.open_source(_access(url, pool, lambda _name, some: units.append(some)))
            return sum(len(page.changes) for page in source.pull(cursor))

    _timed("connector alone, nothing new", run)
    print(f"  {sum(units):,} requests")


def _take_in(url: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        store = open_store(f"sqlite:///{Path(place) / 'kith.db'}")
        migrate(store)
        clock = FrozenClock(END)
        declared = OwnerDeclared(name=OWNER_NAME, emails=OWNER_ADDRESSES, timezone=ZONE)
        book = Book(store, begin_book(store, declared, clock), clock)

        def run() -> int:
            report = SourceReport("graph_mail", "graph_mail")
            rejects: list[Reject] = []
            with ParsingPool() as pool:
                source = graph_mail.open_source(_access(url, pool, lambda _name, _some: None))
                ingest = Ingest(store, book.owner, clock, "mine", "mail")
                ingest.run(source, report, rejects, lambda _page: None)
            book.keep()
            return report.added

        _timed("into a store, with history", run)
        store.close()


if __name__ == "__main__":
    raise SystemExit(main())

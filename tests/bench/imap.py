"""A first reading by IMAP beside mbsync's, from the same Dovecot: `python -m tests.bench.imap [MESSAGES]`.

Each has a user of its own with the very same Maildir, which Dovecot has opened before (so that its list of files is
made) and of whose messages it has cached nothing. mbsync copies files (`FSync no`); Kith ends with finished history:
connector, parsing processes, ingest and `Book.keep`. mbsync's times include its start, Kith's do not.
"""

# ruff: noqa: T201 - what it measures is printed

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from multiprocessing import forkserver
from pathlib import Path

from connectors import imap
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
from schemas.connector import Access, Page
from schemas.decisions import OwnerDeclared
from schemas.interface import Reject, SourceReport
from services.book import Book, begin_book
from services.ingest import Ingest
from services.signals import READERS, model
from services.store.migrate import migrate
from services.store.unit import open_store
from tests.contract.live_source import SECRET
from tests.servers.dovecot import Dovecot, running

_GATHER = 1
_DATE = re.compile(rb"^Date: (.*)$", re.MULTILINE)
_MBSYNC = """
IMAPAccount box
Host 127.0.0.1
Port {port}
User {user}
Pass "{secret}"
SSLType None
AuthMechs LOGIN

IMAPStore far
Account box

MaildirStore near
Inbox {folder}/mail/
Path {folder}/folders/

Channel all
Far :far:
Near :near:
Patterns INBOX
Sync Pull
Create Near
SyncState *
"""


def main() -> int:
    """Measure and print."""
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with running("maildir:~/Maildir") as dovecot, tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        _corpus(dovecot, messages)
        _ours(dovecot, folder)
        if shutil.which("mbsync"):
            _theirs(dovecot, folder)
    return 0


def _corpus(dovecot: Dovecot, messages: int) -> None:
    """The same messages for both users, in the order of their dates, as a server would have them."""
    settings = Settings(messages, people_for(messages))
    mails = [
        (_sent(raw), raw) for shard in range(-(-messages // SHARD)) for raw in shard_messages(settings, shard)
    ]
    mails.sort(key=lambda one: one[0])
    for user in ("ours", "theirs"):
        box = dovecot.maildir(user)
        for name in ("cur", "new", "tmp"):
            (box / name).mkdir(parents=True)
        for number, (sent, raw) in enumerate(mails):
            path = box / "cur" / f"{1_600_000_000 + number}.M{number}P1.host.example:2,S"
            path.write_bytes(raw)
            os.utime(path, (sent.timestamp(), sent.timestamp()))
        dovecot.own(box.parent)
        client = dovecot.signed_in(user)
        # As in a mailbox in use: twice Dovecot makes its list of the files anew, which takes it a second.
        for _ in range(3):
            found = client.select_folder("INBOX", readonly=True)[b"EXISTS"]
            client.unselect_folder()
        client.logout()
        print(f"{user}: {found:,} messages, {sum(len(raw) for _, raw in mails) / 1e6:.0f} MB")


def _sent(raw: bytes) -> datetime:
    found = _DATE.search(raw)
    assert found
    return parsedate_to_datetime(found[1].decode()).astimezone(UTC)


def _timed(what: str, dovecot: Dovecot, run: Callable[[], object]) -> None:
    """Run, and print seconds of the clock and of the processors: ours or mbsync's, and the server's own."""
    begun, own, far = time.perf_counter(), _own_cpu(), _ended(_master(dovecot))
    run()
    took, cpu = time.perf_counter() - begun, _own_cpu() - own
    time.sleep(0.5)  # noqa: TID251 - the server's processes end in their own time
    print(f"{what}: {took:.2f} s (CPU {cpu:.2f} s, and {_ended(_master(dovecot)) - far:.2f} s of the server)")


def _master(dovecot: Dovecot) -> int:
    return int((dovecot.folder / "run" / "master.pid").read_text())


def _own_cpu() -> float:
    """Processor seconds of this process, of its ended children, and of parsing processes that have ended."""
    spent = os.times()
    parsing = getattr(forkserver._forkserver, "_forkserver_pid", None)
    return (
        spent.user
        + spent.system
        + spent.children_user
        + spent.children_system
        + (_ended(parsing) if parsing else 0)
    )


def _ended(pid: int) -> float:
    """Processor seconds of a process's children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def _ours(dovecot: Dovecot, folder: Path) -> None:
    model.load()  # As a running service has it.
    store = open_store(f"sqlite:///{folder / 'kith.db'}")
    migrate(store)
    clock = FrozenClock(END)
    declared = OwnerDeclared(name=OWNER_NAME, emails=OWNER_ADDRESSES, timezone=ZONE)
    book = Book(store, begin_book(store, declared, clock), clock)
    begun = time.perf_counter()
    recent = END - timedelta(days=28)
    seen: list[tuple[float, int, int]] = []

    def progress(page: Page) -> None:
        seen.append((time.perf_counter() - begun, page.done, page.total))

    def read() -> None:
        nonlocal begun
        begun = time.perf_counter()
        with ParsingPool(alone_for=timedelta(milliseconds=500)) as pool:  # As `kith sync` has it.
            access = Access(
                account="mine",
                clock=clock,
                read_text=READERS["excerpt"],
                workers=pool,
                is_held=lambda items: [False] * len(items),
                zone=ZONE,
                settings={
                    "host": "127.0.0.1",
                    "port": dovecot.port,
                    "security": "none",
                    "allow_private": True,
                    "user": "ours",
                },
                secret=lambda: SECRET,
            )
            ingest = Ingest(store, book.owner, clock, "mine", "mail", gather=_GATHER)
            report = SourceReport("imap", "imap")
            rejects: list[Reject] = []
            assert imap.SPEC.open_source is not None
            ingest.run(imap.SPEC.open_source(access), report, rejects, progress)
        print(f"  read {report.read:,}, added {report.added:,}, rejected {report.rejected:,}")
        print(f"  pages taken in after {time.perf_counter() - begun:.2f} s")
        book.keep()

    _timed("Kith, first reading", dovecot, read)
    print(
        f"  first page after {seen[0][0]:.2f} s: {seen[0][1]:,} of {seen[0][2]:,}; newer than {recent:%Y-%m-%d} first"
    )
    _timed("Kith, nothing new", dovecot, read)
    store.close()


def _theirs(dovecot: Dovecot, folder: Path) -> None:
    (folder / "folders").mkdir()
    config = folder / "mbsyncrc"
    config.write_text(
        "FSync no\n" + _MBSYNC.format(port=dovecot.port, user="theirs", secret=SECRET, folder=folder)
    )

    def run() -> None:
        done = subprocess.run(
            ["mbsync", "-q", "-c", str(config), "all"], check=False, capture_output=True, text=True
        )
        if done.returncode:
            print(done.stderr)

    _timed("mbsync, first reading", dovecot, run)
    print(f"  {len(list((folder / 'mail').rglob('*,*'))):,} files")
    _timed("mbsync, nothing new", dovecot, run)


if __name__ == "__main__":
    raise SystemExit(main())

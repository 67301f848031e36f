"""How long from a mail's arrival to its task, from the reply to the task's completion, and what idling costs.

`python -m tests.bench.arrival [--mails N] [--idle SECONDS]` starts Dovecot, Radicale and a post office on the loopback, and
`kith up` over an empty home. A mail has arrived when a second mail program that idles on the same folder is told of it:
Dovecot tells half a second after a mail was put there (NOTIFY_DELAY_MSECS in its mailbox-watch.c), and both hear it then.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import partial
from pathlib import Path

from imapclient import IMAPClient  # type: ignore[import-untyped]  # it carries no types

from deploy.clock import SystemClock
from deploy.connecting import Wish, connect
from deploy.settings import read_settings
from deploy.vaults import Secrets
from deploy.wiring import Application
from schemas.decisions import OwnerDeclared
from tests.contract.live_source import SECRET
from tests.fakes.todoist import Todoist
from tests.servers import smtp
from tests.servers.dav import DavServer
from tests.servers.dovecot import Dovecot, running
from tests.servers.radicale import radicale

MARA, USER = "mara@example.com", "bench"
_WITHIN = 30.0


class Bench:
    """The servers, the mail program that puts mail there, and one that listens."""

    def __init__(self, folder: Path, dovecot: Dovecot, dav: DavServer) -> None:
        self._mailbox = dovecot.signed_in(USER)
        self._listeners = {name: self._listening(dovecot, name) for name in ("INBOX", "Sent")}
        self._tasks = folder / "dav" / "collections" / "collection-root" / dav.user
        self._mails = 0
        self.log = folder / "home" / "log"

    @staticmethod
    def _listening(dovecot: Dovecot, folder: str) -> IMAPClient:
        client = dovecot.signed_in(USER)
        client.select_folder(folder, readonly=True)
        client.idle()
        return client

    def put(
        self, folder: str, sender: str, to: str, text: str, re: str = "", at: datetime | None = None
    ) -> str:
        """A mail lies in a folder; its Message-ID."""
        self._mails += 1
        key = f"<b{self._mails}@example.com>"
        made = EmailMessage(policy=SMTP)
        made["From"], made["To"], made["Subject"] = sender, to, "Plan"
        when = at or datetime.now(UTC)  # noqa: TID251 - the bench measures real time
        made["Date"], made["Message-ID"] = format_datetime(when), key
        if re:
            made["In-Reply-To"] = made["References"] = re
        made.set_content(text + "\n")
        self._mailbox.append(folder, made.as_bytes(), (), when)
        return key

    def heard(self, folder: str) -> float:
        """When the other mail program is told of it."""
        while not self._listeners[folder].idle_check(timeout=5):
            pass
        return time.perf_counter()

    def tasks(self) -> list[str]:
        """The tasks as they lie on Radicale's disk."""
        found = []
        for folder in self._tasks.iterdir() if self._tasks.exists() else ():
            for file in folder.glob("kith-*.ics"):
                with contextlib.suppress(FileNotFoundError):
                    found.append(file.read_text())
        return [one for one in found if "BEGIN:VTODO" in one]

    def has(self, count: int, mark: str = "BEGIN:VTODO") -> bool:
        """Whether so many tasks bear a mark."""
        return sum(mark in one for one in self.tasks()) >= count

    def wait(self, holds: Callable[[], bool]) -> float:
        """When something holds."""
        deadline = time.perf_counter() + _WITHIN
        while not holds():
            if time.perf_counter() > deadline:
                raise SystemExit(f"It did not come within half a minute.\n{self.log.read_text()[-3000:]}")
            time.sleep(0.002)  # noqa: TID251 - the bench looks at a disk
        return time.perf_counter()


def connected(home: Path, dovecot: Dovecot, dav: DavServer, post: int, todoist: Todoist | None) -> None:
    """A home with its accounts."""
    settings = {"KITH_TODOIST_ROOT": todoist.url} if todoist else {}
    app = Application(read_settings(str(home), settings))
    app.make(OwnerDeclared(name="Mara Lindholm", emails=(MARA,), timezone="Europe/Berlin"))
    app.close()
    app = Application(read_settings(str(home), settings))
    near = {"allow_private": True}
    host = {"host": "127.0.0.1", "security": "none", **near}
    davs = {**near, "url": dav.url, "user": dav.user}
    wishes = [
        Wish(
            kind="imap", settings={**host, "user": USER, "port": dovecot.port}, secrets=Secrets(secret=SECRET)
        ),
        Wish(kind="caldav", tasks="Follow-ups", settings=davs, secrets=Secrets(secret=dav.password)),
        Wish(
            kind="smtp", settings={**host, "user": MARA, "port": post}, secrets=Secrets(secret=smtp.PASSWORD)
        ),
    ]
    if todoist:
        wishes.append(Wish(kind="carddav", settings=davs, secrets=Secrets(secret=dav.password)))
        wishes.append(Wish(kind="todoist", tasks="Kith", secrets=Secrets(secret=todoist.token)))
    for wish in wishes:
        connect(app, app.book(), wish)
    app.close()


@contextlib.contextmanager
def up(home: Path, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """`kith up` over a home."""
    environment = {**os.environ, "KITH_HOME": str(home), "KITH_LOG_FORMAT": "json", **settings}
    command = [sys.executable, "-m", "deploy.cli.main", "up", "--port", "0"]
    with (home / "log").open("wb") as log:
        child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log)
    assert child.stdout is not None
    child.stdout.readline()
    try:
        yield child
    finally:
        child.terminate()
        child.wait(20)


def arrivals(folder: Path, mails: int) -> tuple[list[float], list[float]]:
    """Seconds from arrival to task, and from the reply to completion."""
    post = smtp.Behaviour()
    with running() as dovecot, radicale(_made(folder / "dav")) as dav, smtp.mail_server(post, "none") as port:
        dav.make_calendar("work", "Work")
        home = _made(folder / "home")
        bench = Bench(folder, dovecot, dav)
        past = datetime.now(UTC) - timedelta(days=20)  # noqa: TID251 - the bench measures real time
        people = [f"p{number}@example.org" for number in range(mails + 1)]
        for one in people:
            first = bench.put("Sent", MARA, one, "Hello, here is the plan.", at=past)
            bench.put("INBOX", one, MARA, "Thanks, I have it.", re=first, at=past + timedelta(hours=1))
        connected(home, dovecot, dav, port, None)
        came: list[float] = []
        closed: list[float] = []
        with up(home, KITH_WEEKLY_CAP="0"):
            time.sleep(8)  # noqa: TID251 - the first reading, and the listeners
            for number, one in enumerate(people):
                for listener in bench._listeners.values():
                    listener.idle_check(timeout=0.01)
                asked = bench.put("INBOX", one, MARA, f"Could you look at section {number} before Friday?")
                heard = bench.heard("INBOX")
                came.append(bench.wait(partial(bench.has, number + 1)) - heard)
                # A Date header tells whole seconds, and an answer in the same one is not after the question.
                time.sleep(1.05)  # noqa: TID251
                bench.put("Sent", MARA, one, "Looks good, two remarks inside.", re=asked)
                heard = bench.heard("Sent")
                closed.append(bench.wait(partial(bench.has, number + 1, "STATUS:COMPLETED")) - heard)
    # The first pays for what is loaded when it is first used.
    return came[1:], closed[1:]


def idling(folder: Path, seconds: int) -> tuple[float, float]:
    """Share of one core in percent, and resident megabytes, with five accounts and nothing to do."""
    with (
        running() as dovecot,
        radicale(_made(folder / "dav")) as dav,
        smtp.mail_server(smtp.Behaviour(), "none") as port,
        Todoist(SystemClock()).serve() as todoist,
    ):
        dav.make_calendar("work", "Work")
        dav.make_book("people", "People")
        home = _made(folder / "home")
        connected(home, dovecot, dav, port, todoist)
        with up(home, KITH_TODOIST_ROOT=todoist.url) as child:
            time.sleep(20)  # noqa: TID251 - until it rests
            before = _cpu(child.pid)
            time.sleep(seconds)  # noqa: TID251 - what is measured
            return 100 * (_cpu(child.pid) - before) / seconds, _resident(child.pid)


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o700)
    return folder


def _row(name: str, seconds: list[float]) -> str:
    ordered = sorted(seconds)
    last = ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))]
    return (
        f"| {name} | {1000 * statistics.median(ordered):.0f} | {1000 * last:.0f} | {1000 * ordered[-1]:.0f} |"
    )


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mails", type=int, default=100)
    parser.add_argument("--idle", type=int, default=120)
    given = parser.parse_args()
    lines: list[str] = []
    if given.mails:
        with tempfile.TemporaryDirectory(prefix="kith-bench-") as folder:
            came, closed = arrivals(Path(folder), given.mails)
        lines += [f"| {given.mails} mails | median ms | 99th percentile ms | longest ms |"]
        lines += ["| --- | ---: | ---: | ---: |", _row("arrival to task", came)]
        lines += [_row("reply to completion", closed)]
    if given.idle:
        with tempfile.TemporaryDirectory(prefix="kith-bench-") as folder:
            share, megabytes = idling(Path(folder), given.idle)
        lines += ["", f"Idle with five accounts: {share:.2f} % of a core, {megabytes:.0f} MB resident."]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

"""`python -m tests.bench.dav`: the first sync of a CalDAV calendar and a poll without news, beside vdirsyncer's.

Both read the same Radicale: Kith into an empty SQLite store, events and cursor committed page by page; vdirsyncer into
a vdir (one file a meeting) with its status database. Kith's sync is timed within a process that runs already, as its
workers do; vdirsyncer is a command, and what it takes merely to start is told beside. vdirsyncer is taken from the PATH,
or from `--vdirsyncer PROGRAM`.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

from connectors import caldav
from schemas.interface import SourceReport
from services.book import Book
from services.ingest import Ingest
from services.store.migrate import migrate
from services.store.unit import open_store
from tests.bench.measure import run
from tests.bench.tools import environment
from tests.contract.live_source import a_live_access
from tests.servers.dav import DavServer
from tests.servers.radicale import radicale
from tests.services.builders import a_book

_REPEATS = 3
_EVENT = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//example//bench//EN
BEGIN:VEVENT
UID:meeting-{number}@example.com
DTSTAMP:20260101T000000Z
DTSTART;TZID=Europe/Berlin:2026{month:02}{day:02}T{hour:02}0000
DURATION:PT45M
SUMMARY:Meeting {number} about the plan
DESCRIPTION:Where we stand and what comes next.\\nBring the figures.
ORGANIZER;CN=Ann Example:mailto:ann@example.com
ATTENDEE;CN=Bob Example;PARTSTAT=ACCEPTED:mailto:bob{who}@example.com
ATTENDEE;CN=Owner;PARTSTAT=ACCEPTED:mailto:owner@example.com{rule}
END:VEVENT
END:VCALENDAR
"""
_VDIRSYNCER = """\
[general]
status_path = "{folder}/status/"
[pair work]
a = "here"
b = "there"
collections = ["work"]
[storage here]
type = "filesystem"
path = "{folder}/vdir/"
fileext = ".ics"
[storage there]
type = "caldav"
url = "{url}"
username = "alice"
password = "secret"
"""


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.dav", description=__doc__)
    parser.add_argument("--events", type=int, default=2_000)
    parser.add_argument("--vdirsyncer", default=shutil.which("vdirsyncer") or "")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, radicale(Path(name)) as server:
        _fill(server, Path(name), options.events)
        rows = [("Kith", *_measure_kith(server, Path(name)))]
        if options.vdirsyncer:
            begun, first, again = _measure_vdirsyncer(server, Path(name), options.vdirsyncer)
            rows += [("vdirsyncer", first, again), ("vdirsyncer --version", begun, begun)]
    sys.stdout.write(f"{options.events} meetings on Radicale, median of {_REPEATS}, seconds\n\n")
    sys.stdout.write("| program | first sync | nothing new |\n| --- | ---: | ---: |\n")
    for program, first, again in rows:
        sys.stdout.write(f"| {program} | {first:.2f} | {again:.3f} |\n")
    if len(rows) > 1:
        first, again = rows[0][1] / rows[1][1], rows[0][2] / rows[1][2]
        sys.stdout.write(f"| Kith / vdirsyncer (at most 0.5, 0.1) | {first:.2f} | {again:.3f} |\n")


def _fill(server: DavServer, folder: Path, count: int) -> None:
    """Write the meetings where Radicale keeps them, since it looks through all of them at every PUT."""
    server.make_calendar("work")
    work = folder / "collections" / "collection-root" / "alice" / "work"
    for number in range(count):
        event = _EVENT.format(
            number=number,
            month=number % 12 + 1,
            day=number % 28 + 1,
            hour=8 + number % 9,
            who=number % 100,
            rule="\nRRULE:FREQ=WEEKLY;COUNT=20" if number % 20 == 0 else "",
        )
        (work / f"meeting-{number}.ics").write_bytes(event.replace("\n", "\r\n").encode())
    # Radicale reads and weighs each file once; that is neither program's time.
    server.ask("PROPFIND", f"{server.calendars}work/", Depth="1")


def _measure_kith(server: DavServer, folder: Path) -> tuple[float, float]:
    first: list[float] = []
    again: list[float] = []
    for number in range(_REPEATS):
        store = open_store(f"sqlite:///{folder / f'kith{number}.db'}")
        migrate(store)
        book = a_book(store)
        first.append(_sync(server, book))
        again.append(_sync(server, book))
        store.close()
    return median(first), median(again)


def _sync(server: DavServer, book: Book) -> float:
    """The seconds of one sync, as a worker does it."""
    access = a_live_access("caldav", secret="secret", url=server.url, user="alice", allow_private=True)
    report = SourceReport("caldav", "caldav")
    begun = perf_counter()
    ingest = Ingest(book.store, book.owner, book.clock, "caldav", "calendar")
    ingest.run(caldav.open_source(access), report, [], lambda _: None)
    return perf_counter() - begun


def _measure_vdirsyncer(server: DavServer, folder: Path, program: str) -> tuple[float, float, float]:
    config = folder / "vdirsyncer.conf"
    config.write_text(_VDIRSYNCER.format(folder=folder, url=server.url))
    sync = [program, "-c", str(config), "sync"]
    env = environment(folder / "user")
    begun: list[float] = []
    first: list[float] = []
    again: list[float] = []
    for _ in range(_REPEATS):
        for name in ("status", "vdir"):
            shutil.rmtree(folder / name, ignore_errors=True)
        (folder / "vdir" / "work").mkdir(parents=True)
        begun.append(_seconds([program, "--version"], env, folder))
        _seconds([program, "-c", str(config), "discover", "work"], env, folder)
        first.append(_seconds(sync, env, folder))
        again.append(_seconds(sync, env, folder))
    return median(begun), median(first), median(again)


def _seconds(command: Sequence[str], env: Mapping[str, str], folder: Path) -> float:
    cost = run(command, env, folder)
    if cost.status:
        raise RuntimeError(cost.stderr.decode(errors="replace")[-2000:])
    return cost.wall


if __name__ == "__main__":
    main()

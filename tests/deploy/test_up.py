"""`kith up` as a process of its own: it starts fast, tells what others append, and ends when told to."""

import contextlib
import http.client
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

import pytest

from deploy.clock import SystemClock, SystemSleeper
from deploy.settings import Settings
from deploy.wiring import Application
from schemas.clock import epoch
from schemas.decisions import OwnerDeclared
from schemas.events import VERSION, encode_body, kind_of
from schemas.ids import key64
from services.attention import tails_behind
from services.book import Book
from services.store import events as stream
from tests.services.builders import MARA, a_message, an_ask, exported, take, upsert

ROOT = Path(__file__).parents[2]


def _environment(home: Path, **more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("KITH_")}
    return {**kept, "KITH_HOME": str(home), "KITH_LOG_FORMAT": "json", **more}


class Up:
    """A running `kith up`."""

    def __init__(self, home: Path, **more: str) -> None:
        began = monotonic()
        self.log = home / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "deploy.cli.main", "up", "--port", "0"],
                cwd=ROOT,
                env=_environment(home, **more),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        try:
            self.url = urlsplit(self._announced())
            assert self.get("/")[0] == 200, self.log.read_text()
        except BaseException:
            self.close()
            raise
        self.seconds_to_page = monotonic() - began

    def _announced(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found, (line, self.log.read_text())
        return found.group()

    def get(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(self.url.hostname or "", self.url.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def post(self, path: str, form: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(self.url.hostname or "", self.url.port, timeout=10)
        try:
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", path, form, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def end(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal; the exit status and the seconds it took."""
        began = monotonic()
        self.process.send_signal(number)
        status = self.process.wait(timeout=20)
        return status, monotonic() - began

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=10)
        if self.process.stdout:
            self.process.stdout.close()


@contextlib.contextmanager
def up(home: Path, **more: str) -> Iterator[Up]:
    running = Up(home, **more)
    try:
        yield running
    finally:
        running.close()


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    """A home that was made, opened by another process than the one that runs it."""
    home = tmp_path / "home"
    made = Application(Settings(home=home, database_url=f"sqlite:///{home / 'kith.db'}"))
    made.make(OwnerDeclared(name="Mara Lindholm", emails=(MARA,), timezone="Europe/Berlin")).keep()
    yield made
    made.close()


def until(is_so: Callable[[], bool], within: timedelta) -> float:
    """Wait until something is so; how many seconds that took."""
    began = monotonic()
    while not is_so():
        assert monotonic() - began < within.total_seconds(), "it never came to be so"
        SystemSleeper().sleep(timedelta(milliseconds=50))
    return monotonic() - began


def _append(book: Book, count: int, first: int = 0) -> None:
    """Append messages as an import in another shell does, telling nothing."""

    now = epoch(SystemClock().now())
    with book.store.write() as unit:
        of = stream.source_id(unit, book.owner, "files", "mail")
        events = []
        for number in range(first, first + count):
            record = a_message(f"k{number}", f"p{number % 97}@example.org", signals=[an_ask()])
            body = encode_body(record)
            events.append(
                stream.NewEvent(of, kind_of(record), upsert(record).id, "1", epoch(record.at), body)
            )
        seq = stream.append(unit, book.owner, now, VERSION, events)
        held = [
            stream.Held(key64(str(of), one.external_id), "1", 1, 1, seq + n) for n, one in enumerate(events)
        ]
        stream.hold(unit, book.owner, [(of, one) for one in held])


def test_the_first_page_comes_within_seconds(app: Application) -> None:
    """From the command to the status page; alive and ready from then on."""
    with up(app.settings.home) as running:
        assert running.seconds_to_page < 8
        assert running.get("/healthz") == (200, "ok\n")
        assert running.get("/readyz") == (200, "ready\n")
        assert "Nothing has been read yet." in running.get("/")[1]


def test_what_another_process_appends_is_told_within_seconds(app: Application) -> None:
    """An import in another shell is felt: the running home brings the book up to date by itself."""
    book = app.book()
    with up(app.settings.home) as running:
        _append(book, 50)
        assert not _is_told(book)
        assert until(lambda: _is_told(book), timedelta(seconds=10)) < 5
        until(lambda: "50 messages" in running.get("/")[1], timedelta(seconds=5))
        assert "Everything that was read is in your book." in running.get("/")[1]


def test_a_second_up_is_refused(app: Application) -> None:
    """Exit status 5, naming the process that runs the home; the first goes on."""
    with up(app.settings.home) as running:
        second = subprocess.run(
            [sys.executable, "-m", "deploy.cli.main", "up", "--port", "0"],
            cwd=ROOT,
            env=_environment(app.settings.home),
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        assert second.returncode == 5
        assert f"already running by process {running.process.pid}" in second.stderr
        assert second.stdout == ""
        assert running.get("/healthz")[0] == 200


@pytest.mark.parametrize(("number", "wanted"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_it_and_the_home_is_free(app: Application, number: int, wanted: int) -> None:
    """It ends in less than ten seconds with the status that fits, and may be started again at once."""
    with up(app.settings.home) as running:
        status, seconds = running.end(number)
        assert (status, seconds < 10) == (wanted, True), running.log.read_text()
    with up(app.settings.home) as again:
        assert again.get("/healthz")[0] == 200


def test_sigterm_under_load_loses_nothing(app: Application, tmp_path: Path) -> None:
    """Stopped amid taking in 7,000 messages it ends in time; the next start tells what is left, equal to a replay."""
    book = app.book()
    with up(app.settings.home) as running:
        _append(book, 7_000)
        until(lambda: _is_begun(book), timedelta(seconds=20))
        status, seconds = running.end()
        assert (status, seconds < 10) == (0, True), running.log.read_text()
    assert not _is_told(book)
    with up(app.settings.home):
        until(lambda: _is_told(book), timedelta(seconds=60))
    told = exported(book, tmp_path / "told")
    book.replay()
    assert exported(book, tmp_path / "replayed") == told


def test_a_killed_home_starts_again_and_goes_on(app: Application) -> None:
    """kill -9 amid a job leaves neither lock nor turn in the way of the next start."""
    book = app.book()
    with up(app.settings.home) as running:
        _append(book, 6_000)
        until(lambda: _is_begun(book), timedelta(seconds=20))
        running.end(signal.SIGKILL)
    with up(app.settings.home):
        until(lambda: _is_told(book), timedelta(seconds=60))


def _is_told(book: Book) -> bool:
    return book.owner not in tails_behind(book.store)


def _is_begun(book: Book) -> bool:
    """Whether somebody has begun to take in what is new."""
    with book.store.read() as unit:
        return stream.position(unit, book.owner, "history")[0] > 1


def test_a_digest_that_is_due_is_written_into_the_home(app: Application) -> None:
    """By the frozen clock on the owner's day and time, in three forms, once; a clock that stands does not spin."""
    home = app.settings.home
    with up(home, KITH_NOW="2026-11-22T20:00:00Z") as running:
        until(lambda: "tomorrow, 07:30" in running.get("/")[1], timedelta(seconds=5))
        running.end()
    assert not (home / "digests").exists()
    with up(home, KITH_NOW="2026-11-23T07:00:00Z") as running:
        until((home / "digests" / "2026-W48.json").exists, timedelta(seconds=10))
        used = _cpu_seconds(running.process.pid)
        SystemSleeper().sleep(timedelta(seconds=2))
        assert _cpu_seconds(running.process.pid) - used < 1
        running.end()
    written = {file.name: file.stat().st_mtime_ns for file in (home / "digests").iterdir()}
    assert set(written) == {"2026-W48.html", "2026-W48.txt", "2026-W48.json"}
    with up(home, KITH_NOW="2026-11-23T08:00:00Z") as running:
        until(lambda: "30 November" in running.get("/")[1], timedelta(seconds=5))
        running.end()
    assert {file.name: file.stat().st_mtime_ns for file in (home / "digests").iterdir()} == written


def test_a_link_of_the_digest_is_felt(app: Application) -> None:
    """The digest that was written into the home leads to a page of the running home; what is pressed there is told."""
    home = app.settings.home
    book = app.book()
    take(
        book,
        [
            a_message("m1", MARA, ["ana@example.org"], days_ago=9),
            a_message("m2", "ana@example.org", signals=[an_ask()], days_ago=3),
        ],
    )
    monday = "2026-11-23T09:00:00Z"
    with up(home, KITH_NOW="2026-11-22T09:00:00Z") as running:
        until(lambda: book.followups() != [], timedelta(seconds=10))
        assert running.get("/go/x")[0] == 400
    with up(home, KITH_NOW=monday) as running:
        text = home / "digests" / "2026-W48.txt"
        until(text.exists, timedelta(seconds=10))
        found = re.search(r"done: http://127\.0\.0\.1:8321(/go/\S+)", text.read_text())
        assert found, text.read_text()
        assert "Is this done?" in running.get(found[1])[1]
        assert book.followups()[0].state == "open"
        assert running.post(found[1], "go=done")[0] == 200
        until(lambda: book.followups()[0].state == "done", timedelta(seconds=10))


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--host", "0.0.0.0"], "this machine alone"), (["--host", "example.com"], "this machine alone")],
)
def test_it_listens_to_this_machine_alone(app: Application, arguments: list[str], words: str) -> None:
    """Any other address is refused while there is no password to ask for."""
    refused = subprocess.run(
        [sys.executable, "-m", "deploy.cli.main", "up", *arguments],
        cwd=ROOT,
        env=_environment(app.settings.home),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert refused.returncode == 1
    assert words in refused.stderr


def test_a_taken_port_is_told(app: Application) -> None:
    """One sentence and what to do, no traceback."""
    with up(app.settings.home) as running:
        other = app.settings.home.parent / "other"
        made = Application(Settings(home=other, database_url=f"sqlite:///{other / 'kith.db'}"))
        made.make(OwnerDeclared(name="Ana", emails=("ana@example.org",), timezone="Europe/Berlin"))
        made.close()
        refused = subprocess.run(
            [sys.executable, "-m", "deploy.cli.main", "up", "--port", str(running.url.port)],
            cwd=ROOT,
            env=_environment(other),
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    assert refused.returncode == 1
    assert "--port 0" in refused.stderr
    assert "Traceback" not in refused.stderr

"""R1: an import that is killed anywhere, and repeated, comes to what an undisturbed one comes to."""

import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from deploy.parsing import available_cpus
from deploy.sample.bulk import write_mbox
from deploy.sample.network import write_sample
from deploy.settings import read_settings
from deploy.wiring import Application
from schemas.decisions import OwnerDeclared
from schemas.interface import ImportReport
from tests.services.builders import NOW, exported

_KITH = "from deploy.cli.main import run; run()"
_ROOT = Path(__file__).parents[2]
_SLOWEST, _SLOWEST_LARGE = 120, 1_800
"""Seconds that a process may take on a busy machine."""
OWNER = OwnerDeclared(
    name="Mara Lindholm", emails=("mara@example.com", "mara@lumenworks.example"), timezone="Europe/Berlin"
)


@dataclass
class Home:
    """A home with an owner and nothing else in it, and what imports into it."""

    folder: Path
    database_url: str
    patience: float

    def environment(self) -> dict[str, str]:
        url = {"KITH_DATABASE_URL": self.database_url} if self.database_url else {}
        return {"KITH_HOME": str(self.folder), "KITH_NOW": NOW.isoformat(), **url}

    def application(self) -> Application:
        return Application(read_settings(None, self.environment()))

    def begin_import(self, files: Path) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-c", _KITH, "-v", "--json", "import", str(files)],
            env=os.environ | self.environment(),
            cwd=_ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def import_all(self, files: Path) -> ImportReport:
        out, err = self.begin_import(files).communicate(timeout=self.patience)
        assert err == b"", err.decode()
        report = msgspec.json.decode(out, type=ImportReport)
        for one in report.sources:
            assert one.read == one.added + one.changed + one.unchanged + one.skipped + one.rejected
        return report

    def exported(self, folder: Path) -> dict[str, bytes]:
        app = self.application()
        try:
            book = app.book()
            assert book.is_kept()
            return exported(book, folder)
        finally:
            app.close()


class Homes:
    """Homes that are made one after the other, on SQLite or on databases of one PostgreSQL server."""

    def __init__(self, folder: Path, server: sa.URL | None) -> None:
        self.folder = folder
        self.patience: float = _SLOWEST
        self._server = server
        self._databases: dict[Path, str] = {}

    def make(self, name: str) -> Home:
        """A home with an owner."""
        folder = self.folder / name
        url = ""
        if self._server is not None:
            database = f"kith_kill_{os.getpid()}_{name}"
            self._admin(f"CREATE DATABASE {database}")
            self._databases[folder] = database
            there = self._server.set(drivername="postgresql", database=database)
            url = there.render_as_string(hide_password=False)
        home = Home(folder, url, self.patience)
        app = home.application()
        app.make(OWNER).keep()
        app.close()
        return home

    def remove(self, folder: Path) -> None:
        """Let go of a home's disk; two hundred of them would need more than there is."""
        database = self._databases.pop(folder, None)
        if database is not None:
            self._admin(f"DROP DATABASE {database} WITH (FORCE)")
        shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Let go of all that are left."""
        for folder in list(self._databases):
            self.remove(folder)

    def _admin(self, statement: str) -> None:
        assert self._server is not None
        engine = sa.create_engine(
            self._server.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
        )
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()


@pytest.fixture(params=["sqlite", "postgres"])
def homes(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Homes]:
    """Homes on either kind of database."""
    server = sa.make_url(request.getfixturevalue("postgres_url")) if request.param == "postgres" else None
    made = Homes(tmp_path, server)
    yield made
    made.close()


def left_over(home: Home) -> list[str]:
    """Processes that work for a home and should have ended with the one that began them; told on Linux alone."""
    mark = f"KITH_HOME={home.folder}".encode()
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (place / "environ").read_bytes().split(b"\0"):
                found.append((place / "cmdline").read_bytes().decode())
    return found


def kill_and_repeat(homes: Homes, files: Path, points: int, seed: int) -> None:
    """Kill imports at random moments, up to three times in one home, until there were enough kills."""
    chance = random.Random(seed)
    home = homes.make("undisturbed")
    began = time.monotonic()
    whole = home.import_all(files)
    duration = time.monotonic() - began
    expected = home.exported(files.parent / "expected")
    homes.remove(home.folder)
    killed = number = 0
    while killed < points:
        # Some were done before they were to be killed.
        assert number < 2 * points
        home = homes.make(f"home{number}")
        for _ in range(3):
            process = home.begin_import(files)
            try:
                process.wait(chance.random() * duration)
            except subprocess.TimeoutExpired:
                process.kill()
            process.communicate(timeout=homes.patience)
            if process.returncode != -signal.SIGKILL:
                break
            killed += 1
        last = home.import_all(files)
        assert [one.read for one in last.sources] == [one.read for one in whole.sources]
        assert home.exported(files.parent / "repeated") == expected
        number += 1
        if killed < points:
            homes.remove(home.folder)
    again = home.import_all(files)
    assert sum(one.added + one.changed for one in again.sources) == 0
    assert home.exported(files.parent / "again") == expected
    deadline = time.monotonic() + _SLOWEST
    while left_over(home):
        assert time.monotonic() < deadline, left_over(home)


def write_small_sample(folder: Path, messages: int) -> Path:
    """The sample network with only the first of its messages."""
    report = write_sample(folder, NOW)
    starts = [found.start() for found in re.finditer(rb"(?m)^From \S+ ", report.mbox.read_bytes())]
    report.mbox.write_bytes(report.mbox.read_bytes()[: starts[messages]])
    return folder


def test_a_killed_and_repeated_import_equals_an_undisturbed_one(homes: Homes, tmp_path: Path) -> None:
    """`kill -9` at 12 random points; every file of the export, the stream included, is byte for byte the same."""
    kill_and_repeat(homes, write_small_sample(tmp_path / "files", 500), points=12, seed=11)


@pytest.mark.skipif(
    not Path("/proc/self").exists() or available_cpus() < 2,
    reason="processes are told by /proc, of two processors",
)
def test_what_parses_ends_with_a_killed_import(homes: Homes, tmp_path: Path) -> None:
    """`kill -9` while other processes parse leaves none of them, and nobody who holds the output open."""
    home = homes.make("home")
    process = home.begin_import(write_mbox(tmp_path / "bulk.mbox", messages=5_000))
    deadline = time.monotonic() + _SLOWEST
    while len(left_over(home)) < 4:  # the import, the server that forks, and two that parse
        assert time.monotonic() < deadline
        assert process.poll() is None
    process.kill()
    process.communicate(timeout=_SLOWEST)
    while left_over(home):
        assert time.monotonic() < deadline, left_over(home)


@pytest.mark.slow
def test_a_large_import_killed_and_repeated_equals_an_undisturbed_one(homes: Homes, tmp_path: Path) -> None:
    """The same at 200 points of an import of 50,000 messages."""
    homes.patience = _SLOWEST_LARGE
    write_sample(tmp_path / "files", NOW)
    write_mbox(tmp_path / "files" / "bulk.mbox", messages=50_000)
    kill_and_repeat(homes, tmp_path / "files", points=200, seed=12)

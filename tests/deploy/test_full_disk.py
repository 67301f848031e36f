"""A disk that is full, for real (R14): it is said, nothing is damaged, and all goes on by itself once there is room."""

import os
import resource
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.runner import Kith, a_mail, an_mbox
from tests.deploy.test_up import Up, until, up

_MB = 1_000_000
_SOON = timedelta(seconds=20)


@contextmanager
def _small_disk(folder: Path) -> Iterator[Path]:
    """A disk of 32 MB, mounted; skips where that is not allowed."""
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=32m", "none", str(folder)]
    try:
        done = subprocess.run(mounting, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("a small disk cannot be mounted here: there is no mount")
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def _full(folder: Path) -> Iterator[None]:
    """Not a byte is left on the disk of this folder."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 65_536):
            pass
    with ballast.open("ab", buffering=0) as file, suppress(OSError):
        while file.write(b"x"):
            pass
    assert os.statvfs(folder).f_bavail == 0
    try:
        yield
    finally:
        ballast.unlink()


def _mails(folder: Path, count: int) -> Path:
    path = folder / f"{count}.mbox"
    text = "Could you look at section 3 before Friday? " * 20
    path.write_bytes(
        an_mbox(*(a_mail(f"m{n}", f"P{n % 90} <p{n % 90}@example.org>", body=text) for n in range(count)))
    )
    return path


def _is_ready(running: Up) -> bool:
    return running.get("/readyz") == (200, "ready\n")


def _is_whole(home: Path) -> bool:
    with sqlite3.connect(home / "kith.db") as database:
        found: str = database.execute("PRAGMA integrity_check").fetchone()[0]
    database.close()
    return found == "ok"


def test_a_home_on_a_full_disk(tmp_path: Path) -> None:
    """`/readyz` says so, commands say so and name the place; with room again what failed is repeated as if nothing was."""
    mails = _mails(tmp_path, 3_000)
    undisturbed = Kith(tmp_path / "other").init()
    assert undisturbed.program("import", mails).returncode == 0
    wanted = undisturbed.export(tmp_path / "wanted", without=("owner.json",))
    with _small_disk(tmp_path / "disk") as disk:
        kith = Kith(disk / "home").init()
        with up(kith.home, KITH_NOW=kith.environment["KITH_NOW"]) as running:
            assert _is_ready(running)
            with _full(disk):
                status, why = running.get("/readyz")
                assert (status, "full" in why) == (503, True)
                failed = kith.program("import", mails)
                assert failed.returncode == 1
                assert "the disk is full" in failed.stderr
                assert str(kith.home) in failed.stderr
                assert "Traceback" not in failed.stderr
                assert running.get("/readyz")[0] == 503
                assert running.get("/healthz")[0] == 200
                assert running.get("/")[0] == 200
                assert _is_whole(kith.home)
            until(lambda: _is_ready(running), _SOON)
            assert kith.program("import", mails).returncode == 0
            until(lambda: "3,000 messages" in running.get("/")[1], _SOON)
        assert kith.export(tmp_path / "after", without=("owner.json",)) == wanted
        assert _is_whole(kith.home)


def test_a_home_whose_writes_fail(tmp_path: Path) -> None:
    """Also where no disk can be mounted: no file of the running home may grow; it says so, and is ready again by itself."""
    kith = Kith(tmp_path / "home").init()
    with up(kith.home) as running:
        assert _is_ready(running)
        pid, none_at_all = running.process.pid, 1
        before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (none_at_all, resource.RLIM_INFINITY))
        status, why = running.get("/readyz")
        assert (status, why.startswith("database: ")) == (503, True)
        assert running.get("/healthz")[0] == 200
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
        until(lambda: _is_ready(running), _SOON)
        assert running.end()[0] == 0
    assert _is_whole(kith.home)

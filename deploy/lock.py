"""One process runs a home: a lock on `kith.lock`, which the system lets go of when the process ends, however it ends."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from schemas.errors import HomeBusy

NAME = "kith.lock"


@contextlib.contextmanager
def only_here(home: Path) -> Iterator[None]:
    """Hold the home's lock.

    Raises:
        HomeBusy: another process holds it; its number is named where it can be told.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = home / NAME
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="ascii") as file:
        if not _lock(file):
            holder = path.read_text(encoding="ascii", errors="replace").strip()
            by = f" by process {holder}" if holder.isdigit() else ""
            raise HomeBusy(
                f"This home is already running{by}: {home}. Open its page, or stop it first, or name another "
                "home with --home."
            )
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def _lock(file: TextIO) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415  # on Windows alone

            file.seek(1_000)  # Beyond the number, which others may go on reading.
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            file.seek(0)
        else:
            import fcntl  # noqa: PLC0415  # on POSIX alone

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True

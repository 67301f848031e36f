"""Runs a command and says what it cost: wall time, CPU of it and its descendants, peak memory of the whole tree.

CPU is what the kernel charges to the child and to all of its descendants that were waited for (`wait4`). Memory is
read from `/proc` while the command runs: every 20 ms the resident sets of the process and its descendants are
added up (pages that two processes share count twice, so this is an upper bound), and every 200 ms their
proportional sets, in which a shared page counts once. Without `/proc` the kernel's largest resident set of any one
process is given.
"""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Event, Thread

from msgspec import Struct

_EVERY = 0.02
_PROPORTIONAL_EVERY = 10
_PAGE = resource.getpagesize()


class Cost(Struct, frozen=True):
    """What one command cost: seconds, seconds, bytes, bytes; and how it ended."""

    wall: float
    cpu: float
    resident: int
    proportional: int
    status: int
    stdout: bytes
    stderr: bytes


def run(command: Sequence[str], env: Mapping[str, str], folder: Path) -> Cost:
    """Run the command to its end with outputs kept in files of `folder`, so that no pipe slows it."""
    out, err = folder / "stdout", folder / "stderr"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        begun = time.perf_counter()
        child = subprocess.Popen(
            command, env=dict(env), stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr
        )
        watch = _Watch(child.pid)
        watch.start()
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - begun
        watch.stop()
        child.returncode = os.waitstatus_to_exitcode(status)
    alone = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Cost(
        wall=wall,
        cpu=usage.ru_utime + usage.ru_stime,
        resident=max(watch.resident, alone),
        proportional=watch.proportional,
        status=child.returncode,
        stdout=out.read_bytes(),
        stderr=err.read_bytes(),
    )


class _Watch(Thread):
    """Looks at a process tree until told to stop, and remembers the peaks."""

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self._root = root
        self._over = Event()
        self.resident = 0
        self.proportional = 0

    def run(self) -> None:
        turn = 0
        while not self._over.wait(_EVERY if turn else 0):
            tree = _tree(self._root)
            self.resident = max(self.resident, sum(map(_resident, tree)))
            if turn % _PROPORTIONAL_EVERY == 0:
                self.proportional = max(self.proportional, sum(map(_proportional, tree)))
            turn += 1

    def stop(self) -> None:
        self._over.set()
        self.join()


def _tree(root: int) -> list[int]:
    """The process and all its descendants (`/proc/PID/task/TID/children`, proc(5))."""
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        try:
            for task in Path(f"/proc/{pid}/task").iterdir():
                todo += map(int, (task / "children").read_text().split())
        except OSError:
            continue
    return found


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def _proportional(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def size_of(folder: Path) -> int:
    """Bytes on disk of everything below the folder, as the file system allots them."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())

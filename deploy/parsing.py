"""Parsing in other processes: answers in order, few jobs at a time, so that memory stays flat.

The processes are started by a server that never held a database connection, as SQLite's must not cross a fork.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import timedelta
from multiprocessing import forkserver
from pathlib import Path
from threading import Thread
from typing import Self, TypeVar

from schemas.errors import Transient

A = TypeVar("A")
B = TypeVar("B")

_AHEAD = 10
_MUCH = 16_777_216
_PRELOAD = ["deploy.warm"]


class ParsingPool:
    """Implements `schemas.connector.Workers`; processes start with the second job and end with the pool."""

    def __init__(self, processes: int | None = None, *, alone_for: timedelta = timedelta(0)) -> None:
        """No process is started yet.

        Args:
            processes: how many at most; as many as there are processors when not given.
            alone_for: how much work is done in this process first: starting others costs more than a few mails do.
        """
        self._processes = processes or available_cpus()
        self._alone = alone_for.total_seconds()
        self._executor: ProcessPoolExecutor | None = None

    def map(self, function: Callable[[A], B], items: Iterable[A], /) -> Iterator[B]:
        """Yield `function(item)` for each item, in the order given.

        Raises:
            Transient: a process died twice on one job; what came before it is done.
        """
        waiting = iter(items)
        while self._alone > 0:
            for item in waiting:
                began = time.monotonic()
                answer = function(item)
                self._alone -= time.monotonic() - began
                yield answer
                break
            else:
                return
        first = [item for _, item in zip(range(2), waiting, strict=False)]
        if len(first) < 2 or self._processes < 2:
            yield from (function(item) for item in first)
            yield from (function(item) for item in waiting)
            return
        jobs: deque[tuple[A, Future[B]]] = deque()
        for item in first:
            jobs.append((item, self._submit(function, item)))
        while jobs:
            while len(jobs) < self._processes + _AHEAD:
                try:
                    item = next(waiting)
                except StopIteration:
                    break
                jobs.append((item, self._submit(function, item)))
            item, future = jobs.popleft()
            try:
                yield future.result()
            except BrokenProcessPool:
                yield self._again(function, item)
                # The pool's death took the jobs behind it along.
                jobs = deque((later, self._submit(function, later)) for later, _ in jobs)

    def _submit(self, function: Callable[[A], B], item: A) -> "Future[B]":
        if self._executor is None:
            self._executor = _executor(self._processes)
        try:
            return self._executor.submit(function, item)
        except BrokenProcessPool:
            self._executor = _executor(self._processes)
            return self._executor.submit(function, item)

    def _again(self, function: Callable[[A], B], item: A) -> B:
        self._executor = None
        try:
            return self._submit(function, item).result()
        except BrokenProcessPool as error:
            self._executor = None
            raise Transient(
                "A parsing process died twice on the same part of the input, most likely for want of memory. What "
                "was read before is kept. Free some memory and repeat the same command."
            ) from error

    def close(self) -> None:
        """End the processes."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def get_ready(paths: Iterable[str]) -> None:
    """Start the server that forks the processes if reading these files may take several, as far as their sizes tell.

    It loads what parsing needs while the caller goes on.
    """
    if sys.platform != "win32" and available_cpus() > 1 and any(map(_is_much, paths)):
        _context()
        forkserver.ensure_running()


def _is_much(path: str) -> bool:
    try:
        return Path(path).is_dir() or Path(path).stat().st_size > _MUCH
    except (OSError, ValueError):
        return False


def available_cpus() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _executor(processes: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(processes, mp_context=_context(), initializer=_hang_on_the_parent)


def _hang_on_the_parent() -> None:
    """Leave Ctrl-C to the parent, and end with it.

    Ctrl-C reaches every process of a terminal: the parent ends the pool; here it would only print tracebacks. A parent
    that is killed ends nothing: what waits for its next job would wait for ever, and hold its output open.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _context() -> multiprocessing.context.BaseContext:
    if sys.platform == "win32":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    with contextlib.suppress(AttributeError):
        context.set_forkserver_preload(_PRELOAD)
    return context

"""A loop that outlives its errors and ends at once when told to."""

from collections.abc import Callable
from datetime import timedelta
from threading import Event

import structlog

_log = structlog.get_logger("kith.loop")


class Loop:
    """Does one thing, waits as long as it is told to, and does it again."""

    def __init__(self, name: str, work: Callable[[], None], pause: Callable[[], timedelta]) -> None:
        self._name = name
        self._work = work
        self._pause = pause
        self._is_failing = False

    def run(self, stopped: Event) -> None:
        """Go on until `stopped`; a failure is logged when it begins and when it is over, not in between."""
        while not stopped.is_set():
            try:
                self._work()
            except Exception:  # noqa: BLE001  # the boundary of the loop: it outlives whatever it runs
                if not self._is_failing:
                    _log.exception("loop fails, and goes on trying", loop=self._name)
                self._is_failing = True
            else:
                if self._is_failing:
                    _log.info("loop has recovered", loop=self._name)
                self._is_failing = False
            stopped.wait(self._pause().total_seconds())

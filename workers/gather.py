"""Takes in at once what comes from many sides, and has it done a moment later, together, by one thread.

Whoever brings something does not wait for the database; and a storm of the same thing is that thing once. What waits when
the process ends is lost: this is for what would be found anyway, only later.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import timedelta
from threading import Condition, Thread
from typing import Generic, TypeVar

import structlog

T = TypeVar("T", bound=Hashable)
MOST = 1_000
_log = structlog.get_logger("kith.gather")


class Gather(Generic[T]):
    """Hands what was brought to one function, by one thread that is there while there is something."""

    def __init__(self, work: Callable[[Sequence[T]], None], most: int = MOST) -> None:
        """Nothing was brought yet.

        Args:
            work: is handed what came since it was handed something last, each once, in order.
            most: more than this waits for nothing, and is left out.
        """
        self._work = work
        self._most = most
        self._changed = Condition()
        self._waiting: dict[T, None] = {}
        self._is_at_work = False

    def bring(self, items: Iterable[T]) -> None:
        """Have these done soon."""
        with self._changed:
            for item in items:
                if len(self._waiting) < self._most:
                    self._waiting[item] = None
            if self._is_at_work or not self._waiting:
                return
            self._is_at_work = True
        Thread(target=self._run, name="gather", daemon=True).start()

    def settle(self, within: timedelta) -> bool:
        """Wait until everything that was brought is done; whether it was in time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._is_at_work, within.total_seconds())

    def _run(self) -> None:
        while items := self._taken():
            try:
                self._work(items)
            except Exception as error:  # noqa: BLE001  # whatever went wrong, what comes next is to be done
                _log.warning("what was brought could not be done", count=len(items), why=type(error).__name__)

    def _taken(self) -> Sequence[T]:
        with self._changed:
            items = tuple(self._waiting)
            self._waiting.clear()
            self._is_at_work = bool(items)
            self._changed.notify_all()
            return items

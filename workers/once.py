"""One at a time within this process: who comes while another is at it leaves word, and the other goes once more.

Between processes a lease does that (`services.turns`), but whoever is refused there must come again later; here the
word is enough, so that a storm of calls is one run after another and nothing that came meanwhile waits.
"""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock


@dataclass
class Turn:
    """Whether it is ours to do, and, once done, whether somebody came meanwhile."""

    is_ours: bool
    is_wanted_again: bool = False


class Once:
    """Turns by name."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._running: dict[tuple[Hashable, ...], Turn] = {}

    @contextmanager
    def at(self, *name: Hashable) -> Iterator[Turn]:
        """Hold the turn to the end of the block, where it is free."""
        with self._lock:
            running = self._running.get(name)
            if running is not None:
                running.is_wanted_again = True
            turn = Turn(is_ours=running is None)
            if turn.is_ours:
                self._running[name] = turn
        try:
            yield turn
        finally:
            if turn.is_ours:
                with self._lock:
                    del self._running[name]

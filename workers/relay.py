"""Finds the owners whose book is behind their stream, whoever wrote to it, and rings for them.

This is what makes a lost message harmless, and what lets an import in another shell be felt. An idle home costs one
`PRAGMA data_version` a look.
"""

from collections.abc import Callable
from datetime import timedelta
from threading import Event
from typing import NamedTuple

from services.attention import tails_behind
from services.store.changes import Changes
from services.store.unit import Store
from workers.loop import Loop

INTERVAL = timedelta(milliseconds=500)
_PATIENCE = (20, 60, 1_200)
"""Looks after which a bell that nothing came of is rung again; the last for ever."""


class _Rung(NamedTuple):
    """At which end of the stream, in which look, and how often an owner was rung for."""

    tail: int
    look: int
    times: int


class Relay:
    """Looks at the streams; each owner is rung for once their stream rests, and again when nothing came of it."""

    def __init__(self, store: Store, ring: Callable[[int], object]) -> None:
        self._store = store
        self._ring = ring
        self._changes = Changes(store)
        self._looks = 0
        self._behind: dict[int, int] = {}
        self._rung: dict[int, _Rung] = {}

    def look(self) -> None:
        """Ring for whoever is behind; nothing is read while nobody wrote and nobody was behind."""
        self._looks += 1
        if not self._changes.are_there() and not self._behind:
            return
        before, self._behind = self._behind, tails_behind(self._store)
        for owner, tail in self._behind.items():
            # A stream that still grows is left alone for a look: an import tells its own book as it goes.
            if before.get(owner) == tail and self._may_ring(owner, tail):
                self._ring(owner)

    def _may_ring(self, owner: int, tail: int) -> bool:
        last = self._rung.get(owner)
        times = 0
        if last is not None and last.tail == tail:
            if self._looks - last.look < _PATIENCE[min(last.times, len(_PATIENCE)) - 1]:
                return False
            times = last.times
        self._rung[owner] = _Rung(tail, self._looks, times + 1)
        return True

    def run(self, stopped: Event) -> None:
        """Look again and again, until stopped."""
        Loop("relay", self.look, lambda: INTERVAL).run(stopped)
        self._changes.close()

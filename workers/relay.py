"""Finds the owners whose book is behind their stream, whoever wrote to it, and rings for them.

This is what makes a lost message harmless, and what lets an import in another shell be felt. An idle home costs one
`PRAGMA data_version` a look.
"""

from collections.abc import Callable
from datetime import timedelta
from threading import Event

from services.attention import tails_behind
from services.store.changes import Changes
from services.store.unit import Store
from workers.loop import Loop

INTERVAL = timedelta(milliseconds=500)
_AGAIN_AFTER = 20
"""Looks after which a bell that nothing came of is rung again."""


class Relay:
    """Looks at the streams; each owner is rung for once their stream rests, and again when nothing came of it."""

    def __init__(self, store: Store, ring: Callable[[int], object]) -> None:
        self._store = store
        self._ring = ring
        self._changes = Changes(store)
        self._seen: dict[int, int] = {}
        self._rung: dict[int, tuple[int, int]] = {}
        self._looks = 0

    def look(self) -> None:
        """Ring for whoever is behind; nothing is read while nobody wrote and nobody was behind."""
        self._looks += 1
        if not self._changes.are_there() and not self._seen:
            return
        behind = tails_behind(self._store)
        for owner, tail in behind.items():
            # A stream that still grows is left alone for a look: an import tells its own book as it goes.
            is_resting = self._seen.get(owner) == tail
            rung_tail, rung_look = self._rung.get(owner, (0, 0))
            if is_resting and (rung_tail != tail or self._looks - rung_look >= _AGAIN_AFTER):
                self._rung[owner] = (tail, self._looks)
                self._ring(owner)
        self._seen = behind

    def run(self, stopped: Event) -> None:
        """Look again and again, until stopped."""
        Loop("relay", self.look, lambda: INTERVAL).run(stopped)
        self._changes.close()

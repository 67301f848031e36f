"""A store in which everything happens and nothing stays: one transaction, rolled back at the end."""

import contextlib
from collections.abc import Iterator

from services.store.unit import Store, Unit


class _Rehearsal(Store):
    def __init__(self, store: Store, unit: Unit) -> None:
        super().__init__(store.engine)
        self._unit = unit

    @contextlib.contextmanager
    def write(self) -> Iterator[Unit]:
        """The one unit there is; its hooks never run."""
        yield self._unit

    @contextlib.contextmanager
    def read(self) -> Iterator[Unit]:
        """The one unit there is, so that what was written is read."""
        yield self._unit


class _Undo(Exception):
    """Never seen outside: it carries the rollback through the unit's own door."""


@contextlib.contextmanager
def rehearsal(store: Store) -> Iterator[Store]:
    """A store that forgets everything written to it when the block ends."""
    with contextlib.suppress(_Undo), store.write() as unit:
        yield _Rehearsal(store, unit)
        raise _Undo

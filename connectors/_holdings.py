"""What the items of an account gave, and what is told when they are seen again or are gone; it knows no server.

An item (a calendar resource, a card, an item of a mailbox) may give several records, each under a key within it. A cursor
remembers of each what it said, so that only what differs is told.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct, field

from connectors._revisions import Kept, revised
from schemas.connector import Change, Page, Skipped, Tombstone, Unreadable, Upsert
from schemas.errors import KithError, PartlyRead
from schemas.ids import Cursor, ExternalId, StreamName
from schemas.records import SourceRecord

PAGE_SIZE = 200
"""Changes in a page at most, but for those of one item."""


class Contents(Struct):
    """What an item holds: records with their stamps by a key within it, and what else there is to say.

    `rolls_on` says that the same item gives more as the window moves on.
    """

    records: dict[str, tuple[SourceRecord, str]]
    others: list[Unreadable | Skipped] = field(default_factory=list)
    rolls_on: bool = False


class Pages:
    """Gathers changes into pages, and puts into each as checkpoint what is known then."""

    def __init__(self, state: Struct, count: Callable[[], int]) -> None:
        """Nothing is gathered yet.

        Args:
            state: what a cursor says, as it is whenever a page is taken.
            count: how many items are held now.
        """
        self._state = state
        self._count = count
        self._since_checkpoint = 0
        self.changes: list[Change] = []
        self.done = self.total = 0

    def is_full(self) -> bool:
        """Whether there is enough for a page."""
        return len(self.changes) >= PAGE_SIZE

    def tell(self, name: str, gave: Mapping[str, Kept], contents: Contents) -> dict[str, Kept]:
        """What an item says otherwise than before; answers what it gave by now."""
        now = dict(gave)
        self.changes += contents.others
        for key, (record, stamp) in contents.records.items():
            kept = revised(now.get(key), record, stamp)
            if kept is not None:
                now[key] = kept
                self.changes.append(Upsert(_external_id(name, key), record, kept.stamp))
        if not any(isinstance(other, Unreadable) for other in contents.others):
            # What cannot be read now is not gone: it stays as it was held.
            missing = [key for key in now if key not in contents.records]
            self.retire(name, missing)
            for key in missing:
                del now[key]
        return now

    def retire(self, name: str, keys: Iterable[str]) -> None:
        """What an item gave under these keys is gone."""
        self.changes += [Tombstone(_external_id(name, key)) for key in keys]

    def take(self, stream: StreamName, *, is_last: bool = False, is_kept: bool = False) -> Page:
        """The page so far; `is_kept` says that reading may end after it, though it is not the last one."""
        # A cursor grows with the account; writing all of it with every page would cost the square of that.
        self._since_checkpoint += len(self.changes)
        checkpoint = None
        if is_last or is_kept or self._since_checkpoint * 20 >= self._count():
            checkpoint = Cursor(msgspec.json.encode(self._state).decode())
            self._since_checkpoint = 0
        changes, self.changes = tuple(self.changes), []
        return Page(changes, stream, checkpoint=checkpoint, last=is_last, done=self.done, total=self.total)


def suspicious(name: str, count: int, what: str = "items") -> str:
    """Why a listing that names nothing of what was held is not believed."""
    return (
        f"{name} now names none of the {count} {what} it named before. Nothing was removed. If that is right, "
        "disconnect the account with --forget; else try again later."
    )


def failing(faults: Sequence[KithError], count: int) -> KithError:
    """What a reading raises at its end in which some of so many collections failed: it failed itself where all did."""
    if len(faults) >= count:
        return faults[0]
    more = f" {len(faults) - 1} more could not be read either." if len(faults) > 1 else ""
    return PartlyRead(f"{faults[0]}{more}")


def _external_id(name: str, key: str) -> ExternalId:
    return ExternalId(f"{name}#{key}" if key else name)

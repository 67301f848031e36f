"""The one contract between Kith and every outside system.

A *source* is read in pages; each page holds *changes* and may hold a *checkpoint*, a cursor from which reading may
go on. A cursor is a string only its connector can read. The promises, each with a test in `tests/contract/`:

1. `pull(None)` yields all there is; `pull(c)` yields what changed after `c`. Pages arrive lazily.
2. A page with a checkpoint may be the last thing ever read: resuming from it loses nothing.
3. Repeats are allowed, gaps are not. Order is not promised; revisions tell newer from same.
4. What cannot be read becomes `Unreadable` in its place; one bad item never stops the rest.
5. A dead cursor raises `CursorExpired`; the caller pulls `None`.
6. Only the last page of a snapshot retires what it did not name, and only inside its window.
7. A source only reads. It does not sleep, log bodies, touch a database, or ask the time but through `access.clock`.
8. `put` with a known key makes no second task.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, Protocol, TypeVar

from msgspec import Struct

from schemas.clock import Clock
from schemas.ids import Cursor, ExternalId, StreamName
from schemas.records import Signal, SourceRecord

A = TypeVar("A")
B = TypeVar("B")


class Upsert(Struct, frozen=True, tag=True):
    """It is so now.

    `stamp` orders revisions of one item: of two that differ, the greater stays, whatever order they come in.
    `fingerprint` is a 63-bit hash of the raw item, by which an unread copy can be told to be held already.
    `is_row` is false for what a file says as a whole (that a list was read to its end), which no row of it is and
    which is therefore not counted as read.
    """

    id: ExternalId
    record: SourceRecord
    stamp: str = ""
    fingerprint: int = 0
    is_row: bool = True


class Tombstone(Struct, frozen=True, tag=True):
    """It is gone."""

    id: ExternalId


def legible(text: str) -> str:
    """A file's name as text that can be written down: bytes that no encoding explains become escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


class Unreadable(Struct, frozen=True, tag=True):
    """It could not be understood: where it stands (file, member, position) and why, for a person to read."""

    where: str
    reason: str


class Skipped(Struct, frozen=True, tag=True):
    """Understood and left out on purpose; `reason` is counted."""

    reason: str
    count: int = 1


class Same(Struct, frozen=True, tag=True):
    """Held already, known without reading it again."""

    count: int = 1


Change = Upsert | Tombstone | Unreadable | Skipped | Same


class Window(Struct, frozen=True):
    """The time a snapshot covers: aware UTC instants, the end exclusive."""

    start: datetime
    end: datetime


class Page(Struct, frozen=True):
    """One answer of a source.

    `stream` is what the changes belong to. `done` and `total` are for progress alone (bytes or items; total 0
    when unknown). `files` counts files finished in this page.
    """

    changes: tuple[Change, ...]
    stream: StreamName = StreamName("items")
    mode: Literal["delta", "snapshot"] = "delta"
    checkpoint: Cursor | None = None
    last: bool = False
    window: Window | None = None
    done: int = 0
    total: int = 0
    files: int = 0


class TextContext(Struct, frozen=True):
    """What the text stage must know of a text: its instant, the writer's UTC offset, and who reads it.

    `at` is aware UTC; `utc_offset` is in minutes. `direct_readers` counts addressees in To. `is_html` texts are
    turned into text first.
    """

    at: datetime
    utc_offset: int | None = None
    subject: str = ""
    sender: Mapping[str, str] | None = None
    is_html: bool = False


class Reading(Struct, frozen=True):
    """What is kept of a text: an excerpt of its own words, what they do, and hints from the signature.

    `text` is the whole text, and empty unless the owner wants it kept.
    """

    excerpt: str = ""
    text: str = ""
    signals: tuple[Signal, ...] = ()
    signature: tuple[str, ...] = ()


ReadText = Callable[[str, TextContext], Reading]
"""The text stage: a module-level function, so that parsing processes can be given it by name."""

IsHeld = Callable[[Sequence[tuple[ExternalId, int]]], Sequence[bool]]
"""For ids with fingerprints: whether the very same item is held already."""


class Workers(Protocol):
    """Runs a pure, module-level function over items in other processes, answers in order, few at a time."""

    def map(self, function: Callable[[A], B], items: Iterable[A], /) -> Iterator[B]:
        """Yield `function(item)` for each item, in the order given."""
        ...


@dataclass(frozen=True)
class Access:
    """All that a connector is handed of the world.

    `files` are the paths of a file connector. `zone` is the owner's IANA zone; `since` leaves out what is older.
    `keep_text` is `none`, `excerpt` or `full`.
    """

    account: str
    clock: Clock
    read_text: ReadText
    workers: Workers
    is_held: IsHeld
    files: tuple[str, ...] = ()
    zone: str = "UTC"
    since: date | None = None
    keep_text: str = "excerpt"
    settings: Mapping[str, Any] = field(default_factory=dict)


class Source(Protocol):
    """The reading side of a connector."""

    def pull(self, cursor: Cursor | None, /) -> Iterator[Page]:
        """Yield pages of changes after the cursor, lazily.

        Raises:
            CursorExpired: the cursor is dead; pull `None`.
            UnreadableFile: nothing in the file can be understood.
        """
        ...


@dataclass(frozen=True)
class ConnectorSpec:
    """How a connector introduces itself.

    `stream` is the stream its items belong to. `recognise` (file connectors) answers how surely a path is of this
    format, from 0 to 100, by looking at its first 64 KB and never at more.
    """

    name: str
    title: str
    stream: StreamName
    open_source: Callable[[Access], Source] | None = None
    recognise: Callable[[str, bytes], int] | None = None
    scopes: tuple[str, ...] = ()

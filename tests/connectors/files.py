"""What the tests of file connectors share: an access without a world behind it, and a pull read to its end."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

from schemas.clock import FrozenClock
from schemas.connector import Access, Change, ConnectorSpec, Page, Reading, TextContext
from schemas.ids import Cursor

A = TypeVar("A")
B = TypeVar("B")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


class InLine:
    """Runs the work in this process."""

    def map(self, function: Callable[[A], B], items: Iterable[A], /) -> Iterator[B]:
        return map(function, items)


def read_nothing(text: str, context: TextContext) -> Reading:
    return Reading()


def an_access(
    *paths: Path,
    zone: str = "Europe/Berlin",
    now: datetime = NOW,
    since: date | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Access:
    return Access(
        account="test",
        clock=FrozenClock(now),
        read_text=read_nothing,
        workers=InLine(),
        is_held=lambda items: [False] * len(items),
        files=tuple(str(path) for path in paths),
        zone=zone,
        since=since,
        settings=settings or {},
    )


def pull(spec: ConnectorSpec, access: Access, cursor: Cursor | None = None) -> list[Page]:
    assert spec.open_source is not None
    return list(spec.open_source(access).pull(cursor))


def changes_of(pages: Sequence[Page]) -> list[Change]:
    return [change for page in pages for change in page.changes]

"""Data that comes late, out of order or twice, and two processes at once: history ends up the same."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from schemas.connector import Page, Tombstone, Upsert
from schemas.decisions import Merge
from schemas.ids import Cursor, ExternalId, StreamName
from schemas.interface import SourceReport
from services import erasure
from services.book import Book
from services.ingest import Ingest
from services.lookup import find_person
from services.store.unit import Store
from tests.services.builders import MARA, SALT, a_book, a_meeting, a_message, exported, take, upsert

BEN, CEM = "ben@example.net", "cem@example.org"


class Pages:
    """A source that says what it was given, page by page."""

    def __init__(self, pages: Sequence[Sequence[Upsert | Tombstone]]) -> None:
        self._pages = pages

    def pull(self, _cursor: Cursor | None, /) -> list[Page]:
        return [Page(tuple(changes), StreamName("items")) for changes in self._pages]


def pull(book: Book, pages: Sequence[Sequence[Upsert | Tombstone]], *, keeps_each: bool) -> None:
    """Read pages, keeping the book after each of them or after all."""
    for page in pages:
        ingest = Ingest(book.store, book.owner, book.clock, "files", "given")
        ingest.run(Pages([page]), SourceReport("given", "items"), [], lambda _: None)  # type: ignore[arg-type]
        if keeps_each:
            book.keep()
    book.keep()


CHANGES: dict[str, list[list[Upsert | Tombstone]]] = {
    "a meeting made and deleted": [
        [upsert(a_meeting("u1", [BEN]), "1")],
        [Tombstone(ExternalId("u1"))],
    ],
    "a meeting moved to others and deleted": [
        [upsert(a_meeting("u1", [BEN]), "1"), upsert(a_meeting("u2", [BEN, CEM], days_ago=5), "1")],
        [upsert(a_meeting("u1", [CEM], days_ago=2), "2")],
        [Tombstone(ExternalId("u1")), upsert(a_meeting("u2", [BEN], days_ago=5), "2")],
    ],
    "a meeting deleted and back": [
        [upsert(a_meeting("u1", [BEN]), "1")],
        [Tombstone(ExternalId("u1"))],
        [upsert(a_meeting("u1", [BEN]), "1")],
    ],
    "a message made and deleted": [
        [upsert(a_message("b1", BEN)), upsert(a_message("m1", MARA, [BEN], references=["b1"]))],
        [Tombstone(ExternalId("b1@example.com"))],
    ],
}


@pytest.mark.parametrize("name", CHANGES)
def test_changes_taken_in_together_come_to_the_same(store: Store, tmp_path: Path, name: str) -> None:
    """An item that is changed, deleted or back within one batch is told as if each change had been told alone."""
    book = a_book(store)
    pull(book, CHANGES[name], keeps_each=True)
    alone = exported(book, tmp_path / "alone")
    book.replay()
    assert exported(book, tmp_path / "together") == alone


def test_two_processes_that_keep_one_book_agree(store: Store, tmp_path: Path) -> None:
    """A book kept in turns by two processes, one of which replays, merges and erases, equals its own replay."""
    first = a_book(store)
    second = Book(store, first.owner, first.clock)
    take(first, [a_message("b1", BEN), a_message("m1", MARA, [BEN])])
    take(second, [a_message("c1", CEM), a_message("m2", MARA, [CEM])])
    second.decide([Merge(a=f"email:{BEN}", b=f"email:{CEM}")])
    second.keep()
    take(first, [a_message("c2", CEM, days_ago=0.5), a_meeting("u1", [BEN, CEM])])
    erasure.forget(second, find_person(second, BEN), SALT)
    take(first, [a_message("d1", "dee@example.org"), a_message("m3", MARA, ["dee@example.org"])])
    take(first, [a_message("b2", BEN, days_ago=0.2)])
    kept = exported(first, tmp_path / "kept")
    second.replay()
    assert exported(second, tmp_path / "replayed") == kept

"""Snapshots that name what they need not read again."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import pytest

from schemas.connector import Page, Upsert
from schemas.errors import SuspiciousSnapshot
from schemas.ids import Cursor, ExternalId, StreamName
from schemas.interface import SourceReport
from schemas.records import Mailbox, Message
from services.book import Book
from services.ingest import Ingest
from services.store import events as stream
from services.store.unit import Store
from tests.services.builders import a_book

MAIL = StreamName("mail")


class _Pages:
    def __init__(self, pages: Sequence[Page]) -> None:
        self._pages = pages

    def pull(self, cursor: Cursor | None, /) -> Iterator[Page]:
        return iter(self._pages)


def mail(name: str) -> Upsert:
    at = datetime(2026, 11, 20, 12, tzinfo=UTC)
    return Upsert(ExternalId(name), Message(message_id=f"{name}@example.com", at=at, sender=Mailbox("a@example.com")))  # fmt: skip


def taken(book: Book, *pages: Page) -> SourceReport:
    report = SourceReport("mail", "mail")
    ingest = Ingest(book.store, book.owner, book.clock, "account", MAIL, is_live=True)
    ingest.run(_Pages(pages), report, [], lambda _: None)
    return report


def ids(*names: str) -> tuple[ExternalId, ...]:
    return tuple(map(ExternalId, names))


def held(book: Book) -> int:
    with book.store.read() as unit:
        source = next(
            one for one, name in stream.sources(unit, book.owner).items() if name == ("account", MAIL)
        )
        return len(stream.held_keys(unit, book.owner, source))


def test_what_is_named_stays(sqlite_store: Store) -> None:
    """The last page of a snapshot retires what neither was read in it nor named, on whichever page; naming reads nothing."""
    book = a_book(sqlite_store)
    taken(book, Page(tuple(map(mail, ("one", "two", "three", "four"))), MAIL))
    report = taken(
        book,
        Page((), MAIL, "snapshot", named=ids("one", "never-held")),
        Page((mail("two"),), MAIL, "snapshot", named=ids("three"), last=True),
    )
    assert (report.read, report.unchanged, report.deleted) == (1, 1, 1)
    assert held(book) == 3


def test_what_a_broken_off_snapshot_named_counts_for_nothing(sqlite_store: Store) -> None:
    """A snapshot without its last page retires nothing, and the next one has to name everything again."""
    book = a_book(sqlite_store)
    taken(book, Page(tuple(map(mail, ("one", "two"))), MAIL))
    assert taken(book, Page((), MAIL, "snapshot", named=ids("one"))).deleted == 0
    assert taken(book, Page((), MAIL, "snapshot", named=ids("one", "two"), last=True)).deleted == 0
    assert held(book) == 2


def test_a_snapshot_that_names_nothing_is_not_believed(sqlite_store: Store) -> None:
    """Where nothing of what is held is named, nothing goes before the owner has looked."""
    book = a_book(sqlite_store)
    taken(book, Page(tuple(map(mail, ("one", "two"))), MAIL))
    with pytest.raises(SuspiciousSnapshot):
        taken(book, Page((), MAIL, "snapshot", named=ids("other"), last=True))
    assert held(book) == 2

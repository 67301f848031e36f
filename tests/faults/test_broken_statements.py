"""R3 and R9: a fault at any statement, or between a page and its commit, leaves nothing half done."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event

from deploy.importing import import_paths
from deploy.settings import read_settings
from deploy.wiring import Application
from schemas.connector import Page, Upsert
from schemas.ids import Cursor
from schemas.interface import Reject, SourceReport
from services.book import Book, begin_book
from services.ingest import Ingest
from services.store import events as stream
from services.store.unit import Store
from tests.faults.test_kill import OWNER, write_small_sample
from tests.services.builders import NOW, Given, a_book, exported, take, upsert
from tests.services.test_book import some_records


class Fault(Exception):
    """What is raised in the middle."""


@contextlib.contextmanager
def broken_at(store: Store, number: int) -> Iterator[list[int]]:
    """A fault at the n-th point from now on, right before or right after a statement; yields how many were passed."""
    seen = [0]

    def count(*_: object) -> None:
        seen[0] += 1
        if seen[0] == number:
            raise Fault

    points = ("before_cursor_execute", "after_cursor_execute")
    for point in points:
        event.listen(store.engine, point, count)
    try:
        yield seen
    finally:
        for point in points:
            event.remove(store.engine, point, count)


def take_all(book: Book) -> SourceReport:
    """One reading of every record, in pages of four; the cursor is kept."""
    report = SourceReport("given", "items")
    rejects: list[Reject] = []
    changes = [upsert(one) for one in some_records()]  # type: ignore[arg-type]
    Ingest(book.store, book.owner, book.clock, "files", "given").run(
        Given(changes, 4), report, rejects, lambda _: None
    )
    book.keep()
    return report


def test_a_fault_at_any_statement_is_made_good_by_repeating(
    tmp_path: Path, request: pytest.FixtureRequest, store: Store
) -> None:
    """For every n, a fault at the n-th point and the same again, in the same process, gives the whole export.

    On PostgreSQL, where each takes four times as long, for every eighth.
    """
    expected: dict[str, bytes] = {}
    number = 0
    while True:
        number += 1 if store.engine.dialect.name == "sqlite" else 8
        book = _fresh(store)
        # What the process remembers of this must outlive the fault, and nothing of what the fault undoes.
        take(book, some_records()[:4])  # type: ignore[arg-type]
        with broken_at(store, number) as seen:
            try:
                take_all(book)
            except Fault:
                pass
            else:
                assert seen[0] < number
                break
        take_all(book)
        found = exported(book, tmp_path / "out")
        if not expected:
            clean = _fresh(store)
            take(clean, some_records()[:4])  # type: ignore[arg-type]
            take_all(clean)
            expected = exported(clean, tmp_path / "expected")
        assert found == expected, f"statement {number}"
    assert number > 40


def _fresh(store: Store) -> Book:
    from services.store.tables import metadata  # noqa: PLC0415

    with store.write() as unit:
        for table in reversed(metadata.sorted_tables):
            unit.connection.execute(table.delete())
        if unit.is_sqlite:
            unit.connection.exec_driver_sql("INSERT INTO search (search) VALUES ('delete-all')")
        else:
            unit.connection.exec_driver_sql("DELETE FROM search")
            for name, key in (("owner", "id"), ("source", "id")):
                unit.connection.exec_driver_sql(
                    f"SELECT setval(pg_get_serial_sequence('{name}', '{key}'), 1, false)"
                )
    return a_book(store)


@pytest.mark.parametrize("stride", [pytest.param(1, marks=pytest.mark.slow), 41])
def test_a_fault_while_importing_files_is_made_good_by_repeating(
    tmp_path: Path, database_url: str, stride: int
) -> None:
    """The same with the sample's own files, at every 41st point of an import, or at each."""
    files = write_small_sample(tmp_path / "files", 120)
    expected: dict[str, bytes] = {}
    number = 0
    app = Application(
        read_settings(
            str(tmp_path / "home"), {"KITH_DATABASE_URL": database_url, "KITH_NOW": NOW.isoformat()}
        )
    )
    app.make(OWNER)
    while True:
        number += stride
        _fresh(app.store)
        book = app.book_of(begin_book(app.store, OWNER, app.clock))
        with broken_at(app.store, number):
            try:
                import_paths(app, book, [str(files)])
            except Fault:
                pass
            else:
                break
        import_paths(app, book, [str(files)])
        found = exported(book, tmp_path / "out")
        expected = expected or found
        assert found == expected, f"statement {number}"
    assert exported(book, tmp_path / "whole") == expected
    app.close()


class Breaking(Given):
    """Gives one page more each time, and breaks before the next."""

    def __init__(self, changes: list[Upsert], pages: int) -> None:
        super().__init__(changes, 3)
        self._left = pages
        self.cursor: str | None = None

    def pull(self, cursor: Cursor | None, /) -> Iterator[Page]:
        """From the page after the cursor on."""
        begin = int(cursor) + 1 if cursor is not None else 0
        for number, page in enumerate(super().pull(None)):
            if number < begin:
                continue
            if self._left == 0:
                raise Fault
            self._left -= 1
            yield page


@pytest.mark.parametrize("pages", [0, 1, 2, 3])
def test_no_cursor_is_ahead_of_its_items(store: Store, tmp_path: Path, pages: int) -> None:
    """A source that breaks before any page, or a commit that does, loses none: the cursor is that of the last kept."""
    book = a_book(store)
    changes = [upsert(one) for one in some_records()]  # type: ignore[arg-type]
    with contextlib.suppress(Fault):
        Ingest(book.store, book.owner, book.clock, "files", "given").run(
            Breaking(changes, pages), SourceReport("given", "items"), [], lambda _: None
        )
    with store.read() as unit:
        cursor = stream.cursor_of(unit, book.owner, "files", "given")
        assert stream.last_seq(unit, book.owner) == 1 + 3 * pages
    assert cursor == (str(pages - 1) if pages else None)
    report = SourceReport("given", "items")
    Ingest(book.store, book.owner, book.clock, "files", "given").run(
        Breaking(changes, 99), report, [], lambda _: None
    )
    assert report.added == len(changes) - 3 * pages
    book.keep()
    kept = exported(book, tmp_path / "kept")
    book.replay()
    assert exported(book, tmp_path / "replayed") == kept

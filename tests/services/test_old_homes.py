"""A home of any earlier release opens, and tells what it told then."""

import gzip
import json
from pathlib import Path

import pytest

from schemas.clock import FrozenClock
from services.book import Book
from services.store.migrate import HEAD, current, migrate
from services.store.unit import Store, open_store
from tests.services.builders import MARA, NOW, a_book, a_message, exported, take

HOMES = sorted(path for path in Path("tests/fixtures/homes").iterdir() if path.is_dir())


@pytest.mark.parametrize("home", HOMES, ids=lambda home: home.name)
@pytest.mark.parametrize("is_replayed", [False, True])
def test_an_old_home_opens_and_tells_the_same(home: Path, tmp_path: Path, *, is_replayed: bool) -> None:
    """Migrated, and made again from its stream, it exports what the release that wrote it did."""
    file = tmp_path / "kith.db"
    file.write_bytes(gzip.decompress((home / "kith.db.gz").read_bytes()))
    store = open_store(f"sqlite:///{file}")
    assert migrate(store) == home.name
    with store.engine.connect() as connection:
        assert current(connection) == HEAD
    book = Book(store, 1, FrozenClock(NOW))
    if is_replayed:
        book.replay()
    told = exported(book, tmp_path / "told")
    store.close()
    for golden in home.glob("*.jsonl"):
        then = [json.loads(line) for line in golden.read_text(encoding="utf-8").splitlines()]
        now = [json.loads(line) for line in told[golden.name].splitlines()]
        # A later release tells more, and nothing otherwise.
        assert [_of(one, before) for one, before in zip(now, then, strict=True)] == then, golden.name


def _of(now: dict[str, object], then: dict[str, object]) -> dict[str, object]:
    return {key: now[key] for key in then}


def test_an_old_home_learns_which_answers_name_nothing(sqlite_store: Store, tmp_path: Path) -> None:
    """Its book is made again by whoever keeps it first, so that what came before the update is joined as what comes after."""
    book = a_book(sqlite_store)
    take(
        book,
        [
            a_message("q", "ana@example.org", subject="Budget"),
            a_message("r", MARA, ["ana@example.org"], subject="Re: Budget", days_ago=0.5),
        ],
    )
    joined = exported(book, tmp_path / "joined")
    with sqlite_store.write() as unit:
        unit.connection.exec_driver_sql("DROP TABLE topic")
        unit.connection.exec_driver_sql("DROP TABLE channel")
        for column in ("untold", "ask_at"):
            unit.connection.exec_driver_sql(f"ALTER TABLE feed DROP COLUMN {column}")
        unit.connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0002'")
        # As the release before had it: each for itself.
        unit.connection.exec_driver_sql("UPDATE interaction SET thread = key")
    assert migrate(sqlite_store) == "0002"
    assert not book.is_kept()
    Book(sqlite_store, book.owner, FrozenClock(NOW)).keep()
    assert exported(book, tmp_path / "after") == joined

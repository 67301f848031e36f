"""A home of any earlier release opens, and tells what it told then."""

import gzip
import json
from pathlib import Path

import pytest

from schemas.clock import FrozenClock
from services.book import Book
from services.store.migrate import HEAD, current, migrate
from services.store.unit import open_store
from tests.services.builders import NOW, exported

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

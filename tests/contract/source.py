"""The promises of `schemas/connector.py`, as tests that every source of files inherits.

A connector's test class gives its `spec`, writes something to read (`given`), adds to it (`grown`) and, where its format
has items that can be bad one by one, spoils one (`spoiled`):

    class TestAcme(SourceContract):
        spec = acme.SPEC

        def given(self, folder): ...
"""

import pickle
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import msgspec
import pytest

from schemas.clock import FrozenClock
from schemas.connector import (
    Access,
    Change,
    ConnectorSpec,
    Page,
    Reading,
    Same,
    Skipped,
    TextContext,
    Tombstone,
    Unreadable,
    Upsert,
)
from schemas.errors import CursorExpired
from schemas.ids import Cursor, ExternalId
from schemas.records import SourceRecord

A = TypeVar("A")
B = TypeVar("B")

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def read_plainly(text: str, context: TextContext) -> Reading:
    """A text stage that keeps the beginning of a text."""
    return Reading(excerpt=" ".join(text.split())[:280])


class FarWorkers:
    """Workers in this process, through whose hands everything goes pickled, as it would to another."""

    def map(self, function: Callable[[A], B], items: Iterable[A], /) -> Iterator[B]:
        """Yield `function(item)` for each item, in the order given."""
        far = pickle.loads(pickle.dumps(function))
        for item in items:
            yield pickle.loads(pickle.dumps(far(pickle.loads(pickle.dumps(item)))))


class Holding:
    """What a home holds: the answer to `is_held`, and a place to keep what was read."""

    def __init__(self) -> None:
        self.fingerprints: dict[ExternalId, int] = {}

    def __call__(self, items: Sequence[tuple[ExternalId, int]], /) -> Sequence[bool]:
        return [self.fingerprints.get(name) == fingerprint for name, fingerprint in items]

    def keep(self, pages: Iterable[Page]) -> None:
        """Hold what the pages brought."""
        for page in pages:
            for change in page.changes:
                if isinstance(change, Upsert):
                    self.fingerprints[change.id] = change.fingerprint


def an_access(path: Path | str, **more: Any) -> Access:
    """An access to one path; nothing is held unless said otherwise."""
    settings: dict[str, Any] = {
        "account": "files",
        "clock": FrozenClock(NOW),
        "read_text": read_plainly,
        "workers": FarWorkers(),
        "is_held": Holding(),
        "files": (str(path),),
        "zone": "Europe/Berlin",
    }
    return Access(**{**settings, **more})


def pages_of(spec: ConnectorSpec, path: Path | str, cursor: Cursor | None = None, **more: Any) -> list[Page]:
    """Every page of one pull."""
    assert spec.open_source is not None
    return list(spec.open_source(an_access(path, **more)).pull(cursor))


def changes_of(pages: Iterable[Page]) -> list[Change]:
    """The changes of all pages, in order."""
    return [change for page in pages for change in page.changes]


def upserts_of(pages: Iterable[Page]) -> dict[ExternalId, Upsert]:
    """What the pages say is so, by id; of several the one with the greatest stamp."""
    found: dict[ExternalId, Upsert] = {}
    for change in changes_of(pages):
        if isinstance(change, Upsert) and (change.id not in found or found[change.id].stamp <= change.stamp):
            found[change.id] = change
    return found


def units_of(pages: Iterable[Page]) -> Counter[str]:
    """How many units were read, by what became of them: read, skipped or rejected."""
    units: Counter[str] = Counter()
    for change in changes_of(pages):
        if isinstance(change, Upsert):
            units["read"] += change.is_row
        elif isinstance(change, Same):
            units["read"] += change.count
        elif isinstance(change, Skipped):
            units["skipped"] += change.count
        elif isinstance(change, Unreadable):
            units["rejected"] += 1
    return units


class SourceContract:
    """Every source keeps these promises."""

    spec: ClassVar[ConnectorSpec]

    def given(self, folder: Path) -> Path:
        """Write something with several items into an empty folder; answer the path to read."""
        raise NotImplementedError

    def grown(self, path: Path) -> set[str]:
        """Add to what `given` wrote; answer the ids added."""
        raise NotImplementedError

    def spoiled(self, path: Path) -> bool:
        """Make one more item that cannot be understood; answer whether the format has such a thing."""
        return False

    def test_it_is_recognised(self, tmp_path: Path) -> None:
        """A connector knows its own format by the first 64 KB."""
        path = self.given(tmp_path)
        head = path.read_bytes()[:65_536] if path.is_file() else b""
        assert self.spec.recognise is not None
        assert self.spec.recognise(str(path), head) >= 50

    def test_it_reads_all_there_is(self, tmp_path: Path) -> None:
        """A pull from nothing yields everything, once, and ends with a last page."""
        pages = pages_of(self.spec, self.given(tmp_path))
        assert len(upserts_of(pages)) > 1
        assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]
        assert {page.stream for page in pages} == {self.spec.stream}

    def test_its_pages_are_lazy(self, tmp_path: Path) -> None:
        """Opening reads nothing, and nobody has to take all pages."""
        assert self.spec.open_source is not None
        path = self.given(tmp_path)
        assert self.spec.open_source(an_access(tmp_path / "absent")) is not None
        first = next(iter(self.spec.open_source(an_access(path)).pull(None)))
        assert isinstance(first, Page)

    def test_pulling_twice_equals_once(self, tmp_path: Path) -> None:
        """The same files say the same, stamps and fingerprints included."""
        path = self.given(tmp_path)
        assert upserts_of(pages_of(self.spec, path)) == upserts_of(pages_of(self.spec, path))

    def test_its_records_survive_the_codec(self, tmp_path: Path) -> None:
        """A record written as JSON and read again is the same record."""
        for upsert in upserts_of(pages_of(self.spec, self.given(tmp_path))).values():
            text = msgspec.json.encode(upsert.record)
            assert msgspec.json.decode(text, type=SourceRecord) == upsert.record

    def test_resuming_loses_nothing(self, tmp_path: Path) -> None:
        """What came up to any checkpoint and what comes after it are together all there is."""
        path = self.given(tmp_path)
        pages = pages_of(self.spec, path)
        whole = upserts_of(pages)
        for number, page in enumerate(pages):
            if page.checkpoint is not None:
                later = pages_of(self.spec, path, page.checkpoint)
                assert upserts_of([*pages[: number + 1], *later]) == whole
                assert later[-1].last

    def test_an_unchanged_source_brings_nothing_new(self, tmp_path: Path) -> None:
        """After the last checkpoint nothing is new, and everything is accounted for."""
        path = self.given(tmp_path)
        pages = pages_of(self.spec, path)
        holding = Holding()
        holding.keep(pages)
        again = pages_of(self.spec, path, pages[-1].checkpoint, is_held=holding)
        new = {name for name, upsert in upserts_of(again).items() if upsert != upserts_of(pages).get(name)}
        assert new == set()
        if not any(isinstance(change, Tombstone) for change in changes_of(again)):
            assert units_of(again) == units_of(pages)

    def test_what_was_added_comes_after_a_checkpoint(self, tmp_path: Path) -> None:
        """A pull from the last checkpoint brings what has been added since, and still accounts for the rest."""
        path = self.given(tmp_path)
        pages = pages_of(self.spec, path)
        added = self.grown(path)
        later = pages_of(self.spec, path, pages[-1].checkpoint)
        assert added
        assert added <= {str(name) for name in upserts_of(later)}
        assert sum(units_of(later).values()) >= len(added)

    def test_one_bad_item_stops_nothing(self, tmp_path: Path) -> None:
        """What cannot be understood is named with its place and a reason; the others are as before."""
        path = self.given(tmp_path)
        before = upserts_of(pages_of(self.spec, path))
        if not self.spoiled(path):
            pytest.skip("a file of this format is good or bad as a whole")
        pages = pages_of(self.spec, path)
        rejects = [change for change in changes_of(pages) if isinstance(change, Unreadable)]
        assert rejects
        assert all(reject.where and reject.reason for reject in rejects)
        assert before.items() <= upserts_of(pages).items()

    @pytest.mark.parametrize("cursor", ["", "{", "null", "[1]", '{"version": 99}', "\x00"])
    def test_a_dead_cursor_is_refused(self, tmp_path: Path, cursor: str) -> None:
        """A cursor that nobody can read is told apart from one that has nothing new."""
        path = self.given(tmp_path)
        with pytest.raises(CursorExpired):
            pages_of(self.spec, path, Cursor(cursor))

    def test_progress_ends_at_its_total(self, tmp_path: Path) -> None:
        """Progress never falls, and where a total is known it is reached."""
        pages = pages_of(self.spec, self.given(tmp_path))
        done = [page.done for page in pages]
        assert done == sorted(done)
        assert pages[-1].total in {0, pages[-1].done}

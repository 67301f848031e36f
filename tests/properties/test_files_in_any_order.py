"""Files in any order and company, some of them twice, and decisions that are taken back, come to one history."""

import contextlib
import mailbox
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from deploy.importing import import_paths
from deploy.sample.network import write_sample
from deploy.settings import read_settings
from deploy.wiring import Application
from schemas.decisions import Merge
from services.book import Book, begin_book
from services.identity.joining import split_decision
from services.lookup import find_person
from services.store.tables import metadata
from tests.faults.test_kill import OWNER
from tests.services.builders import NOW, exported

_MESSAGES = 240


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The sample's files, its mail as two mbox files and a Maildir that share some messages."""
    folder = tmp_path_factory.mktemp("files")
    report = write_sample(folder / "sample", NOW)
    content = report.mbox.read_bytes()
    starts = [found.start() for found in re.finditer(rb"(?m)^From \S+ ", content)]
    cuts = [starts[0], starts[_MESSAGES // 3], starts[_MESSAGES // 2], starts[_MESSAGES]]
    older, newer, shared = folder / "older.mbox", folder / "newer.mbox", folder / "shared.mbox"
    older.write_bytes(content[cuts[1] : cuts[3]])
    newer.write_bytes(content[cuts[0] : cuts[2]])
    shared.write_bytes(content[cuts[1] : cuts[2]])
    maildir = mailbox.Maildir(folder / "maildir")
    with contextlib.closing(mailbox.mbox(shared)) as messages:
        for message in messages:
            maildir.add(message)
    shared.unlink()
    others = (report.calendar, report.contacts, *report.exports)
    return [str(one) for one in (older, newer, folder / "maildir", *others)]


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """A home on SQLite, emptied before each try."""
    home = tmp_path_factory.mktemp("home")
    app = Application(read_settings(str(home), {"KITH_NOW": NOW.isoformat()}))
    app.make(OWNER)
    yield app
    app.close()


def a_fresh_book(app: Application) -> Book:
    with app.store.write() as unit:
        for table in reversed(metadata.sorted_tables):
            unit.connection.execute(table.delete())
        unit.connection.exec_driver_sql("INSERT INTO search (search) VALUES ('delete-all')")
    return app.book_of(begin_book(app.store, OWNER, app.clock))


def facts(book: Book, folder: Path) -> dict[str, bytes]:
    return exported(book, folder, without=["events.jsonl"])


@st.composite
def commands(draw: st.DrawFn, count: int) -> list[list[int]]:
    """Every file at least once, some twice, shared out among one or more commands."""
    order = draw(st.permutations(range(count)))
    twice = draw(st.lists(st.sampled_from(range(count)), max_size=3))
    told = [*order, *twice]
    cuts = sorted(draw(st.sets(st.integers(1, len(told) - 1), max_size=3)))
    return [told[start:end] for start, end in zip([0, *cuts], [*cuts, len(told)], strict=True)]


_TRIES = settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@_TRIES
@given(told=commands(7))
def test_files_in_any_order_give_the_same_history(
    files: list[str], application: Application, tmp_path: Path, told: list[list[int]]
) -> None:
    """One command or several, any order, some files twice: the same export but for the stream, and no other counts."""
    book = a_fresh_book(application)
    import_paths(application, book, files)
    expected = facts(book, tmp_path / "expected")
    book = a_fresh_book(application)
    for chosen in told:
        report = import_paths(application, book, [files[one] for one in chosen])
        for one in report.sources:
            assert one.read == one.added + one.changed + one.unchanged + one.skipped + one.rejected
    found = facts(book, tmp_path / "found")
    assert {name for name in found if found[name] != expected[name]} == set()
    book.replay()
    assert facts(book, tmp_path / "replayed") == found


_ADDRESSES = (
    "lena.vogt@lumenworks.example",
    "ravi.s@lumenworks.example",
    "ana.okafor@northgate.example",
    "jonas@werkhalle9.example",
    "mei.tanaka@hoshino.example",
)


@_TRIES
@given(
    pairs=st.lists(
        st.lists(st.sampled_from(_ADDRESSES), min_size=2, max_size=2, unique=True), min_size=1, max_size=4
    ),
    replays_after=st.integers(0, 8),
)
def test_merges_taken_back_leave_no_trace(
    files: list[str], application: Application, tmp_path: Path, pairs: list[list[str]], replays_after: int
) -> None:
    """Any merges, then a split for each in the reverse order, and a replay at any moment: as if nothing was said."""
    book = a_fresh_book(application)
    import_paths(application, book, files)
    expected = facts(book, tmp_path / "expected")
    step = 0

    def felt() -> None:
        nonlocal step
        book.keep()
        if step == replays_after:
            before = facts(book, tmp_path / "before")
            book.replay()
            assert facts(book, tmp_path / "after") == before
        step += 1

    for a, b in pairs:
        book.decide([Merge(a=f"email:{a}", b=f"email:{b}")])
        felt()
    for a, b in reversed(pairs):
        if find_person(book, a).key == find_person(book, b).key:
            split = split_decision(book.store, book.owner, f"email:{b}")
            assert split is not None
            book.decide([split])
            felt()
    found = facts(book, tmp_path / "found")
    assert {name for name in found if found[name] != expected[name]} == set()

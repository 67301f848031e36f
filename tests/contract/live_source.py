"""The promises of `schemas/connector.py`, as tests that every source of an account inherits.

A connector's test class gives its `spec`, a `server` whose items can be added, changed and removed behind the source's
back and whose wire can be cut, an `access` to it, and the name that a record goes by at the server:

    class TestAcme(LiveSourceContract):
        spec = acme.SPEC

        @pytest.fixture
        def server(self) -> Iterator[LiveServer]: ...

        def access(self, server, **more): return a_live_access("acme", url=server.url, **more)

        def name_of(self, record): return record.uid
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Protocol

import msgspec
import pytest

from schemas.clock import FrozenClock
from schemas.connector import Access, Change, ConnectorSpec, Page, Tombstone, Unreadable, Upsert
from schemas.errors import ConnectorError, CursorExpired, ReauthRequired, Transient
from schemas.ids import Cursor, ExternalId, StreamName
from schemas.interface import Reject, SourceReport
from schemas.records import SourceRecord
from services.book import Book
from services.ingest import Ingest
from services.store.unit import Store
from tests.contract.source import NOW, FarWorkers, Holding, read_plainly
from tests.services.builders import a_book, exported

SECRET = "correct-horse-battery-staple"
FIRST = ("one", "two", "three", "four", "five")


class LiveServer(Protocol):
    """A server with items that have names, seen from behind."""

    def add(self, name: str, /) -> None:
        """Make an item of this name."""
        ...

    def change(self, name: str, /) -> bool:
        """Change an item so that its record differs; false where such items never change."""
        ...

    def remove(self, name: str, /) -> None:
        """Delete an item."""
        ...

    def spoil(self) -> bool:
        """Make one more item that cannot be understood; false where there is no such thing."""
        ...

    def break_off(self, after: int, /) -> None:
        """Cut the wire after so many more bytes of answers, and keep it cut."""
        ...

    def mend(self) -> None:
        """Let everything pass again."""
        ...

    def answered(self) -> int:
        """How many bytes of answers were sent so far."""
        ...


def a_live_access(account: str, *, secret: str = SECRET, **more: Any) -> Access:
    """An access to an account; what is no field of `Access` becomes one of its settings."""
    fields = {name: more.pop(name) for name in list(more) if name in Access.__dataclass_fields__}
    settings = {**fields.pop("settings", {}), **more}
    given: dict[str, Any] = {
        "account": account,
        "clock": FrozenClock(NOW),
        "read_text": read_plainly,
        "workers": FarWorkers(),
        "is_held": Holding(),
        "zone": "Europe/Berlin",
        "secret": lambda: secret,
        "settings": settings,
    }
    return Access(**{**given, **fields})


class Mirror:
    """What a reader holds who takes in every page, as `services.ingest` does but in memory."""

    def __init__(self) -> None:
        self.held: dict[tuple[StreamName, ExternalId], Upsert] = {}
        self.unreadable: list[Unreadable] = []
        self.cursor: Cursor | None = None

    def take(self, pages: Iterable[Page]) -> "Mirror":
        """Take the pages of one pull in, one by one, so that what came before a fault is kept."""
        for _ in self.taking(pages):
            pass
        return self

    def taking(self, pages: Iterable[Page]) -> Iterator[Page]:
        """Each page of one pull, once it was taken in."""
        all_named: dict[StreamName, set[ExternalId]] = {}
        for page in pages:
            for change in page.changes:
                self._apply(page.stream, change)
            if page.mode == "snapshot":
                named = all_named.setdefault(page.stream, set())
                named.update(change.id for change in page.changes if isinstance(change, Upsert))
                named.update(page.named)
                if page.last:
                    all_named.pop(page.stream)
                    for stream, name in [key for key in self.held if key[0] == page.stream]:
                        if name not in named:
                            del self.held[stream, name]
            if page.checkpoint is not None:
                self.cursor = page.checkpoint
            yield page

    def _apply(self, stream: StreamName, change: Change) -> None:
        if isinstance(change, Upsert):
            before = self.held.get((stream, change.id))
            if before is None or before.stamp <= change.stamp:
                self.held[stream, change.id] = change
        elif isinstance(change, Tombstone):
            self.held.pop((stream, change.id), None)
        elif isinstance(change, Unreadable):
            self.unreadable.append(change)


def live_pages(spec: ConnectorSpec, access: Access, cursor: Cursor | None = None) -> list[Page]:
    """Every page of one pull."""
    assert spec.open_source is not None
    return list(spec.open_source(access).pull(cursor))


def live_changes(pages: Iterable[Page]) -> list[Change]:
    """The changes of all pages but those that count only."""
    return [
        change
        for page in pages
        for change in page.changes
        if isinstance(change, Upsert | Tombstone | Unreadable)
    ]


class LiveSourceContract:
    """Every source of an account keeps these promises."""

    spec: ClassVar[ConnectorSpec]

    @pytest.fixture
    def server(self) -> Iterator[LiveServer]:
        """A server without items."""
        raise NotImplementedError

    def access(self, server: LiveServer, **more: Any) -> Access:
        """An access to the account on that server; `secret=` gives another one than the right one."""
        raise NotImplementedError

    def name_of(self, record: SourceRecord) -> str:
        """The name that a record's item goes by at the server."""
        raise NotImplementedError

    def names(self, mirror: Mirror) -> list[str]:
        """The names of all that is held, sorted; what is held twice is named twice."""
        return sorted(self.name_of(one.record) for one in mirror.held.values())

    def pull(self, server: LiveServer, cursor: Cursor | None = None, **more: Any) -> list[Page]:
        """Every page of one pull."""
        return live_pages(self.spec, self.access(server, **more), cursor)

    def read(self, server: LiveServer, mirror: Mirror) -> Mirror:
        """The mirror brought up to date from where it stands; pages before a fault are kept."""
        assert self.spec.open_source is not None
        return mirror.take(self.spec.open_source(self.access(server)).pull(mirror.cursor))

    def filled(self, server: LiveServer, names: Sequence[str] = FIRST) -> LiveServer:
        """The server with items of these names."""
        for name in names:
            server.add(name)
        return server

    # --- reading --------------------------------------------------------------------------------------------------

    def test_it_reads_all_there_is(self, server: LiveServer) -> None:
        """A pull from nothing yields everything, once, in the connector's own streams, and ends with a last page."""
        pages = self.pull(self.filled(server))
        assert self.names(Mirror().take(pages)) == sorted(FIRST)
        assert pages[-1].last
        assert pages[-1].checkpoint is not None
        for page in pages:
            assert page.stream == self.spec.stream or page.stream.startswith(f"{self.spec.stream}/")

    def test_it_reads_nothing_where_there_is_nothing(self, server: LiveServer) -> None:
        """An empty account is read to its end, and what is added then comes by the cursor."""
        mirror = self.read(server, Mirror())
        assert mirror.held == {}
        server.add("one")
        assert self.names(self.read(server, mirror)) == ["one"]

    def test_opening_asks_nobody(self, server: LiveServer) -> None:
        """Opening a source makes no connection; the first page is asked for."""
        server.break_off(0)
        assert self.spec.open_source is not None
        source = self.spec.open_source(self.access(server))
        with pytest.raises(Transient):
            next(iter(source.pull(None)))

    def test_nobody_has_to_take_all_pages(self, server: LiveServer) -> None:
        """Pages come lazily; a reader who stops after the first lets go of the connection."""
        assert self.spec.open_source is not None
        pages = self.spec.open_source(self.access(self.filled(server))).pull(None)
        assert isinstance(next(iter(pages)), Page)
        close = getattr(pages, "close", None)
        if close is not None:
            close()

    def test_pulling_twice_equals_once(self, server: LiveServer) -> None:
        """The same items say the same, stamps and fingerprints included."""
        self.filled(server)
        first, second = (Mirror().take(self.pull(server)) for _ in range(2))
        assert first.held == second.held

    def test_its_records_survive_the_codec(self, server: LiveServer) -> None:
        """A record written as JSON and read again is the same record."""
        for upsert in Mirror().take(self.pull(self.filled(server))).held.values():
            text = msgspec.json.encode(upsert.record)
            assert msgspec.json.decode(text, type=SourceRecord) == upsert.record

    def test_progress_ends_at_its_total(self, server: LiveServer) -> None:
        """Progress never falls, and where a total is known it is reached."""
        pages = self.pull(self.filled(server))
        done = [page.done for page in pages]
        assert done == sorted(done)
        assert pages[-1].total in {0, pages[-1].done}

    # --- what changed ---------------------------------------------------------------------------------------------

    def test_an_unchanged_account_brings_nothing(self, server: LiveServer) -> None:
        """After the last checkpoint nothing comes, however often it is asked."""
        mirror = self.read(self.filled(server), Mirror())
        for _ in range(3):
            pages = self.pull(server, mirror.cursor)
            assert live_changes(pages) == []
            mirror.take(pages)

    def test_what_was_added_comes_after_a_checkpoint(self, server: LiveServer) -> None:
        """A pull from the last checkpoint brings what was added since, and it alone."""
        mirror = self.read(self.filled(server), Mirror())
        server.add("six")
        server.add("seven")
        pages = self.pull(server, mirror.cursor)
        assert self.names(Mirror().take(pages)) == ["seven", "six"]
        assert self.names(mirror.take(pages)) == sorted([*FIRST, "six", "seven"])

    def test_what_was_changed_comes_as_it_is_now(self, server: LiveServer) -> None:
        """A changed item comes once more, under the id it had, with a stamp that tells it from the old."""
        mirror = self.read(self.filled(server), Mirror())
        before = dict(mirror.held)
        if not server.change("two"):
            pytest.skip("such items never change")
        self.read(server, mirror)
        assert mirror.held.keys() == before.keys()
        differing = [key for key in before if mirror.held[key].record != before[key].record]
        assert len(differing) == 1
        assert mirror.held[differing[0]].stamp > before[differing[0]].stamp

    def test_what_was_removed_is_taken_away(self, server: LiveServer) -> None:
        """A removed item becomes a tombstone, and nothing else does."""
        mirror = self.read(self.filled(server), Mirror())
        server.remove("three")
        assert self.names(self.read(server, mirror)) == sorted(set(FIRST) - {"three"})
        for name in ("one", "two", "four", "five"):
            server.remove(name)
        assert self.names(self.read(server, mirror)) == []

    def test_all_at_once(self, server: LiveServer) -> None:
        """Additions, changes and removals between two pulls come together."""
        mirror = self.read(self.filled(server), Mirror())
        server.add("six")
        server.remove("one")
        server.change("two")
        server.remove("five")
        server.add("seven")
        assert self.names(self.read(server, mirror)) == ["four", "seven", "six", "three", "two"]
        assert mirror.held == self.read(server, Mirror()).held

    # --- interruptions --------------------------------------------------------------------------------------------

    def test_resuming_loses_nothing(self, server: LiveServer) -> None:
        """What came up to any checkpoint and what comes after it are together all there is."""
        pages = self.pull(self.filled(server))
        whole = Mirror().take(pages).held
        for number in range(len(pages)):
            mirror = Mirror().take(pages[: number + 1])
            self.read(server, mirror)
            assert mirror.held == whole

    def test_resuming_after_changes_loses_nothing(self, server: LiveServer) -> None:
        """The same, where items came and went after the page that was the last."""
        pages = self.pull(self.filled(server))
        server.add("six")
        server.remove("two")
        server.change("three")
        whole = self.read(server, Mirror()).held
        for number in range(len(pages)):
            mirror = Mirror().take(pages[: number + 1])
            self.read(server, mirror)
            assert mirror.held == whole

    def test_resuming_a_later_pull_loses_nothing(self, server: LiveServer) -> None:
        """A pull of changes may be broken off after any page as well, and nothing is taken away that is there."""
        before = self.pull(self.filled(server))
        server.add("six")
        server.add("seven")
        server.remove("two")
        server.remove("four")
        cursor = Mirror().take(before).cursor
        pages = self.pull(server, cursor)
        whole = self.read(server, Mirror()).held
        for number in range(len(pages) + 1):
            mirror = Mirror().take([*before, *pages[:number]])
            assert whole.keys() & Mirror().take(before).held.keys() <= mirror.held.keys()
            self.read(server, mirror)
            assert mirror.held == whole

    def test_a_server_that_dies_in_mid_answer(self, server: LiveServer) -> None:
        """Wherever the wire is cut the pull ends as `Transient`, and the next one brings what is missing."""
        self.filled(server)
        begun = server.answered()
        whole = self.read(server, Mirror()).held
        size = server.answered() - begun
        assert size > 0
        for number in range(12):
            server.break_off(size * number // 12)
            mirror = Mirror()
            with pytest.raises(Transient) as caught:
                self.read(server, mirror)
            assert SECRET not in str(caught.value)
            server.mend()
            self.read(server, mirror)
            assert mirror.held == whole

    def test_a_server_that_dies_in_mid_change(self, server: LiveServer) -> None:
        """The same while changes are read: nothing that is there is ever taken away."""
        first = self.read(self.filled(server), Mirror())
        server.add("six")
        server.remove("two")
        begun = server.answered()
        whole = Mirror()
        whole.held, whole.cursor = dict(first.held), first.cursor
        self.read(server, whole)
        size = server.answered() - begun
        for number in range(12):
            mirror = Mirror()
            mirror.held, mirror.cursor = dict(first.held), first.cursor
            server.break_off(size * number // 12)
            with pytest.raises(Transient):
                self.read(server, mirror)
            assert whole.held.keys() & first.held.keys() <= mirror.held.keys()
            server.mend()
            self.read(server, mirror)
            assert mirror.held == whole.held

    # --- what goes wrong ------------------------------------------------------------------------------------------

    def test_one_bad_item_stops_nothing(self, server: LiveServer) -> None:
        """What cannot be understood is named with its place and a reason; the others are as before."""
        before = self.read(self.filled(server), Mirror())
        if not server.spoil():
            pytest.skip("there is no such thing as a bad item here")
        server.add("six")
        mirror = self.read(server, Mirror())
        assert self.names(mirror) == sorted([*FIRST, "six"])
        assert mirror.unreadable
        assert all(one.where and one.reason for one in mirror.unreadable)
        assert self.names(self.read(server, before)) == sorted([*FIRST, "six"])

    def test_a_wrong_secret(self, server: LiveServer) -> None:
        """A refused sign-in is told apart from everything else, and its words hold neither secret nor address."""
        access = self.access(self.filled(server), secret="not the secret")
        with pytest.raises(ReauthRequired) as caught:
            live_pages(self.spec, access)
        assert "not the secret" not in str(caught.value)
        user = str(access.settings.get("user", ""))
        assert "@" not in user or user not in str(caught.value)

    @pytest.mark.parametrize("cursor", ["", "{", "null", "[1]", '{"version": 99}', "\x00"])
    def test_a_dead_cursor_is_refused(self, server: LiveServer, cursor: str) -> None:
        """A cursor that nobody can read is told apart from one that has nothing new."""
        with pytest.raises(CursorExpired):
            self.pull(server, Cursor(cursor))

    # --- what is there ----------------------------------------------------------------------------------------------

    def test_a_survey_tells_what_is_there(self, server: LiveServer) -> None:
        """A survey signs in, and names what can be read."""
        assert self.spec.survey is not None
        survey = self.spec.survey(self.access(self.filled(server)))
        assert survey.user
        assert any(one.is_read for one in survey.collections)
        assert len({one.id for one in survey.collections}) == len(survey.collections)
        with pytest.raises(ReauthRequired):
            self.spec.survey(self.access(server, secret="not the secret"))

    def test_the_newest_item_is_told(self, server: LiveServer) -> None:
        """Where the connector can tell the newest item, it is an aware instant, and None where there is nothing."""
        if self.spec.newest is None:
            pytest.skip("it cannot tell")
        assert self.spec.newest(self.access(server)) is None
        newest = self.spec.newest(self.access(self.filled(server)))
        assert isinstance(newest, datetime)
        assert newest.tzinfo is not None

    # --- with what takes it in ------------------------------------------------------------------------------------

    def ingested(self, book: Book, server: LiveServer) -> SourceReport:
        """One pull taken into a book; pages before a fault are kept, and the fault is the caller's."""
        assert self.spec.open_source is not None
        report = SourceReport(self.spec.name, self.spec.name)
        rejects: list[Reject] = []
        ingest = Ingest(book.store, book.owner, book.clock, "account", self.spec.stream)
        ingest.run(self.spec.open_source(self.access(server)), report, rejects, lambda _: None)
        assert (
            report.read == report.added + report.changed + report.unchanged + report.skipped + report.rejected
        )
        assert report.rejected == len(rejects)
        return report

    def test_a_store_comes_to_the_same(self, server: LiveServer, sqlite_store: Store, tmp_path: Path) -> None:
        """Read in one go, or with the wire cut again and again and items coming and going: the same export."""
        self.filled(server)
        book = a_book(sqlite_store)
        begun = server.answered()
        self.ingested(book, server)
        size = server.answered() - begun
        again = self.ingested(book, server)
        assert (again.added, again.changed, again.deleted) == (0, 0, 0)
        server.add("six")
        server.remove("one")
        server.change("two")
        for number in range(4):
            server.break_off(size * number // 6)
            try:
                self.ingested(book, server)
            except ConnectorError as error:
                assert isinstance(error, Transient)  # noqa: PT017 - a change may be shorter than what passes
            server.mend()
        self.ingested(book, server)
        book.keep()
        disturbed = exported(book, tmp_path / "disturbed", without=("events.jsonl",))

        other = a_book_beside(tmp_path)
        self.ingested(other, server)
        other.keep()
        assert exported(other, tmp_path / "undisturbed", without=("events.jsonl",)) == disturbed
        other.store.close()


def a_book_beside(folder: Path) -> Book:
    """A book in a store of its own."""
    from services.store.migrate import migrate  # noqa: PLC0415  # Alembic takes long, and one test wants it
    from services.store.unit import open_store  # noqa: PLC0415

    store = open_store(f"sqlite:///{folder / 'other.db'}")
    migrate(store)
    return a_book(store)

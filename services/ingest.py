"""One page of a source becomes events and a checkpoint, in one transaction.

An item's event is appended when it is new or when its revision is greater than the one held: of two copies in files the
greater stays, whatever order they come in, so that the same files in any order give the same facts. A live source tells
how things are now, so there the later stays. A page repeated
after a crash adds nothing. A snapshot retires what its last page did not name, inside its window alone.
"""

from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from itertools import chain

import msgspec

from schemas.clock import Clock, epoch
from schemas.connector import Page, Same, Skipped, Source, Tombstone, Unreadable, Upsert, legible
from schemas.errors import ConnectorError, CursorExpired, SuspiciousSnapshot, UnreadableFile
from schemas.events import VERSION, Gone, at_of, encode_body, kind_of
from schemas.ids import Cursor, ExternalId, key64
from schemas.interface import Reject, SourceReport
from schemas.records import Message
from services.store import events as stream
from services.store.unit import Store, Unit

Progress = Callable[[Page], None]


class Ingest:
    """Reads one source of one owner into the stream."""

    def __init__(
        self,
        store: Store,
        owner: int,
        clock: Clock,
        account: str,
        cursor_stream: str,
        admit: Callable[[Upsert], Upsert | str] = lambda change: change,
        gather: int = 1,
        *,
        is_tallied: bool = False,
        is_live: bool = False,
    ) -> None:
        """Nothing is read yet.

        Args:
            cursor_stream: what the cursor is kept under.
            admit: gives the item as it may be taken in, or the reason to leave it out.
            gather: pages are taken together until they hold so many changes; a commit costs a write to the disk.
            is_tallied: the source's cursors stand for what they cover, as those of files do, which are not read again
                while they stay the same. No cursor is kept that covers what was left out, so that it is counted so
                every time.
            is_live: the source tells how things are now, and not how they were when a file was made: of two revisions
                the one read last stays, as a server's own stamps may lag behind its content.
        """
        self._store = store
        self._owner = owner
        self._clock = clock
        self._account = account
        self._cursor_stream = cursor_stream
        self._admit = admit
        self._gather = gather
        self._is_tallied = is_tallied
        self._is_live = is_live
        self._has_left_out = False
        self._sources: dict[str, int] = {}
        self._seen: dict[int, set[int]] = {}

    def run(self, source: Source, report: SourceReport, rejects: list[Reject], progress: Progress) -> None:
        """Pull everything the source has; fills the report as it goes, each page durable before the next.

        Raises:
            ConnectorError: the source gave up; pages before it are kept.
            SuspiciousSnapshot: a snapshot would retire everything held.
        """
        with self._store.read() as unit:
            token = stream.cursor_of(unit, self._owner, self._account, self._cursor_stream)
        try:
            for page in _gathered(self._pages(source, token), self._gather):
                self._take(page, report, rejects)
                progress(page)
        except UnreadableFile as error:
            report.read += 1
            report.rejected += 1
            rejects.append(_reject(report.source, report.source, str(error)))
            note_rejects(self._store, self._owner, self._clock, [rejects[-1]])

    def _pages(self, source: Source, token: str | None) -> Iterator[Page]:
        try:
            yield from source.pull(Cursor(token) if token is not None else None)
        except CursorExpired:
            yield from source.pull(None)

    def _take(self, page: Page, report: SourceReport, rejects: list[Reject]) -> None:
        now = epoch(self._clock.now())
        refused: list[Reject] = []
        upserts: list[Upsert] = []
        gone: list[ExternalId] = []
        for change in page.changes:
            match change:
                case Upsert():
                    admitted = self._admit(change)
                    if isinstance(admitted, Upsert):
                        upserts.append(admitted)
                    else:
                        _skip(report, admitted, 1)
                        self._has_left_out = True
                case Same():
                    report.read += change.count
                    report.unchanged += change.count
                case Skipped():
                    _skip(report, change.reason, change.count)
                case Unreadable():
                    report.read += 1
                    report.rejected += 1
                    refused.append(_reject(report.source, change.where, change.reason))
                case Tombstone():
                    gone.append(change.id)
        report.files += page.files
        rejects.extend(refused)
        with self._store.write() as unit:
            of = self._source(unit, page.stream)
            self._hold(unit, of, upserts, report, now)
            retired = [key64(str(of), one) for one in gone]
            if page.mode == "snapshot":
                there = chain((item.id for item in upserts), page.named)
                self._seen.setdefault(of, set()).update(key64(str(of), one) for one in there)
                if page.last:
                    retired += self._missing(unit, of)
            self._retire(unit, of, retired, report, now)
            stream.add_rejects(unit, self._owner, now, [(_reject_key(r), r) for r in refused])
            if page.checkpoint is not None and not (self._is_tallied and self._has_left_out):
                stream.set_cursor(unit, self._owner, self._account, self._cursor_stream, page.checkpoint, now)

    def _hold(self, unit: Unit, of: int, upserts: Sequence[Upsert], report: SourceReport, now: int) -> None:
        name = str(of)
        keys = [key64(name, item.id) for item in upserts]
        before = stream.held_of(unit, self._owner, keys)
        fresh: dict[int, tuple[Upsert, bytes, int, int | None]] = {}
        for key, item in zip(keys, upserts, strict=True):
            body = encode_body(item.record)
            digest = body_digest(body)
            old = before.get(key)
            in_page = fresh.get(key)
            if in_page is not None:
                is_new, is_greater = False, self._outweighs(item, digest, in_page[0].stamp, in_page[2])
                differs = digest != in_page[2]
            elif old is not None:
                is_new, is_greater = False, self._outweighs(item, digest, old.stamp, old.digest)
                differs = digest != old.digest
            else:
                is_new, is_greater, differs = True, True, True
            if differs and is_greater:
                fresh[key] = (item, body, digest, old.seq if old else None)
            if not item.is_row:
                continue
            report.read += 1
            # Mail never changes: a second copy is the same message, even where it is the better copy of the two.
            if is_new:
                report.added += 1
            elif differs and is_greater and not isinstance(item.record, Message):
                report.changed += 1
            else:
                report.unchanged += 1
        self._append(unit, of, fresh, now)

    def _outweighs(self, item: Upsert, digest: int, stamp: str, than: int) -> bool:
        return self._is_live or (item.stamp, digest) > (stamp, than)

    def _append(
        self, unit: Unit, of: int, fresh: dict[int, tuple[Upsert, bytes, int, int | None]], now: int
    ) -> None:
        if not fresh:
            return
        recorded_at = self._clock.now()
        first = stream.append(
            unit,
            self._owner,
            now,
            VERSION,
            [
                stream.NewEvent(
                    of,
                    kind_of(item.record),
                    item.id,
                    revision_of(item.stamp, digest),
                    epoch(at_of(item.record, recorded_at)),
                    body,
                    replaces,
                )
                for item, body, digest, replaces in fresh.values()
            ],
        )
        stream.hold(
            unit,
            self._owner,
            [
                (of, stream.Held(key, item.stamp, digest, item.fingerprint, first + index))
                for index, (key, (item, _, digest, _)) in enumerate(fresh.items())
            ],
        )

    def _missing(self, unit: Unit, of: int) -> list[int]:
        held = stream.held_keys(unit, self._owner, of)
        named = self._seen.pop(of, set())
        missing = [key for key in held if key not in named]
        if held and len(missing) == len(held) and len(held) > 1:
            raise SuspiciousSnapshot(
                f"{self._cursor_stream} now names none of the {len(held)} items it named before. Nothing was "
                "removed. If that is right, disconnect the account with --forget; else try again later."
            )
        return missing

    def _retire(self, unit: Unit, of: int, keys: Sequence[int], report: SourceReport, now: int) -> None:
        held = stream.held_of(unit, self._owner, keys)
        if not held:
            return
        last = stream.read_these(unit, self._owner, [item.seq for item in held.values()])
        tombstones = [
            stream.NewEvent(of, "gone", e.external_id, "", now, encode_body(Gone(e.kind)), e.seq)
            for e in last.values()
        ]
        stream.append(unit, self._owner, now, VERSION, tombstones)
        stream.release(unit, self._owner, list(held))
        report.deleted += len(held)

    def _source(self, unit: Unit, name: str) -> int:
        if name not in self._sources:
            self._sources[name] = stream.source_id(unit, self._owner, self._account, name)
        return self._sources[name]


def note_rejects(store: Store, owner: int, clock: Clock, refused: Sequence[Reject]) -> None:
    """List what was refused whole, of which no page tells: a file that cannot be read, or that nobody reads."""
    with store.write() as unit:
        stream.add_rejects(unit, owner, epoch(clock.now()), [(_reject_key(r), r) for r in refused])


def _gathered(pages: Iterator[Page], size: int) -> Iterator[Page]:
    """Deltas of one stream joined until they hold `size` changes; the last one's checkpoint is that of all.

    What came before a source gives up is handed on first: else a source that stops after less would get nowhere.
    """
    waiting: list[Page] = []
    try:
        for page in pages:
            if waiting and (page.stream != waiting[0].stream or page.mode == "snapshot"):
                yield _joined(waiting)
                waiting = []
            waiting.append(page)
            if page.mode == "snapshot" or page.last or sum(len(one.changes) for one in waiting) >= size:
                yield _joined(waiting)
                waiting = []
    except ConnectorError:
        if waiting:
            yield _joined(waiting)
        raise
    if waiting:
        yield _joined(waiting)


def _joined(pages: Sequence[Page]) -> Page:
    if len(pages) == 1:
        return pages[0]
    checkpoints = [page.checkpoint for page in pages if page.checkpoint is not None]
    return msgspec.structs.replace(
        pages[-1],
        changes=tuple(change for page in pages for change in page.changes),
        # A checkpoint covers all pages up to its own, and what came after it is only read once more.
        checkpoint=checkpoints[-1] if checkpoints else None,
        files=sum(page.files for page in pages),
    )


def fingerprints_held(
    store: Store, owner: int, account: str, name: str
) -> Callable[[Sequence[tuple[ExternalId, int]]], Sequence[bool]]:
    """For ids with fingerprints of a stream: whether the very same raw item is held already."""

    def is_held(items: Sequence[tuple[ExternalId, int]]) -> Sequence[bool]:
        with store.read() as unit:
            of = next((k for k, v in stream.sources(unit, owner).items() if v == (account, name)), None)
            if of is None:
                return [False] * len(items)
            keys = [key64(str(of), one) for one, _ in items]
            held = stream.held_of(unit, owner, keys)
        return [
            key in held and held[key].fingerprint == fingerprint
            for key, (_, fingerprint) in zip(keys, items, strict=True)
        ]

    return is_held


def _skip(report: SourceReport, reason: str, count: int) -> None:
    report.read += count
    report.skipped += count
    report.skips[reason] = report.skips.get(reason, 0) + count


def revision_of(stamp: str, digest: int) -> str:
    """An event's revision: the source's own, then what tells two bodies apart."""
    return f"{stamp}~{digest:016x}"


def body_digest(body: bytes) -> int:
    """What tells two bodies apart."""
    return int.from_bytes(blake2b(body, digest_size=8).digest(), "big") >> 1


def _reject(source: str, where: str, reason: str) -> Reject:
    """A reject that can be written down: bytes of a file's name that no encoding explains become escapes."""
    return Reject(legible(source), legible(where), legible(reason))


def _reject_key(reject: Reject) -> int:
    return key64(reject.source, reject.where, reject.reason)

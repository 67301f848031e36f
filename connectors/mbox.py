"""Mail in mbox files: Google Takeout, Thunderbird, Apple Mail, mutt; it never holds more than a few megabytes.

A file is cut into ranges of bytes, and a range owns the messages that begin in it: whether a line separates two
messages is told by that line and its neighbours alone (RFC 4155 says little; observed writers decide), so ranges are
read side by side, from anywhere, without a pass over the file before the first message. Content-Length is ignored.

Promises: incremental: done (an unchanged file costs one stat, a longer one is read on). tombstones: none, because a
shorter file says nothing of what was deleted. paging: done. 429, re-consent, wrong account, revocation: none, because
files have no grant.
"""

import os
import re
from collections.abc import Iterator
from functools import partial
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from connectors._mail_formats import SEPARATOR, is_mbox, refusal
from connectors._mail_jobs import Known, Place, Tally, compact, packed, terms_of, worked
from connectors._mime import FIRST_BYTES, HEADER_BYTES, Terms, first_bytes, identify, message_from_bytes
from schemas.connector import Access, Change, ConnectorSpec, Page, ReadText, Skipped, Unreadable, legible
from schemas.errors import CursorExpired, UnreadableFile
from schemas.ids import Cursor, StreamName

STREAM = StreamName("mail")
_RANGE = 8_388_608
_AHEAD = FIRST_BYTES + 65_536
_FURTHEST = HEADER_BYTES + FIRST_BYTES
_SAMPLE = 1_024
_HEAD = 65_536
_ENTRIES = 500
_MOZILLA = re.compile(rb"\nX-Mozilla-Status: *([0-9a-fA-F]{4})\b")
_ENDINGS = frozenset({".mbox", ".mbx"})


class Range(Struct, frozen=True):
    """The messages that begin in a range of bytes of a file; or, once looked at, those at `places`."""

    read_text: ReadText
    terms: Terms
    path: str
    name: str
    start: int
    end: int
    found: tuple[Place, ...] | None = None
    held: frozenset[Place] = frozenset()

    def without(self, held: frozenset[Place]) -> "Range":
        """The same range less the messages at these places."""
        return msgspec.structs.replace(self, held=held)


def _messages(job: Range) -> Iterator[tuple[Place, bytes]]:
    """Each message that begins in the range, with its separator line: where it stands, and its bytes."""
    before = min(job.start, 3)
    first = job.start - before
    with Path(job.path).open("rb") as file:
        data = _at(file, first, job.end - first + _AHEAD)
        starts = _starts(data, before, job.start == 0)
        owned = [start for start in starts if start < job.end - first]
        if owned and owned[-1] == starts[-1] and len(data) == job.end - first + _AHEAD:
            # The last message goes on past what was read; only so much of it as is ever looked at is fetched.
            data = _at(file, first, owned[-1] + _FURTHEST)
            starts = _starts(data, before, job.start == 0)
    for start, stop in pairwise([*starts, len(data)]):
        if start >= job.end - first:
            return
        place = (first + start, first + stop)
        if place not in job.held:
            yield place, first_bytes(partial(_slice, data, start, stop), stop - start)


def _at(file: BinaryIO, start: int, size: int) -> bytes:
    file.seek(start)
    return file.read(size)


def _slice(data: bytes, start: int, stop: int, size: int) -> bytes:
    return data[start : min(stop, start + size)]


def _starts(data: bytes, begin: int, is_file_start: bool) -> list[int]:
    """Where messages begin: a proper separator line after an empty line or at the start of the file."""
    starts: list[int] = []
    if is_file_start:
        blank = len(data[:64]) - len(data[:64].lstrip(b"\xef\xbb\xbf\r\n"))
        if SEPARATOR.match(data, blank):
            starts.append(blank)
    place = data.find(b"\nFrom ", max(0, begin - 1))
    while place >= 0:
        start = place + 1
        is_after_blank = data[place - 1 : place] == b"\n" or data[place - 2 : place] == b"\n\r"
        if is_after_blank and (not starts or start > starts[0]) and SEPARATOR.match(data, start):
            starts.append(start)
        place = data.find(b"\nFrom ", start)
    return starts


def identify_range(job: Range | None) -> list[Known]:
    """Place, id and fingerprint of every message of the range."""
    if job is None:
        return []
    try:
        return [(place, *identify(raw)) for place, raw in _messages(job) if not _is_deleted(raw)]
    except OSError:
        return []


def _is_deleted(raw: bytes) -> bool:
    """Whether Thunderbird has deleted the message and not yet compacted its folder (flag 0x0008, nsMsgMessageFlags.h)."""
    mark = (
        _MOZILLA.match(raw, raw.find(b"\nX-Mozilla-Status:", 0, _HEAD))
        if b"X-Mozilla-Status:" in raw[:1024]
        else None
    )
    return mark is not None and bool(int(mark[1], 16) & 0x0008)


def read_range(job: Range) -> bytes:
    """Every message of the range as a packed change."""
    changes: list[Change] = []
    try:
        for place, raw in _messages(job):
            if _is_deleted(raw):
                changes.append(Skipped("trash"))
                continue
            where = f"{job.name}, message at byte {place[0]}"
            changes.append(message_from_bytes(raw, job.read_text, job.terms, where))
    except OSError as error:
        changes.append(
            Unreadable(f"{job.name}, from byte {job.start}", f"the file broke off: {error.strerror}")
        )
    return packed(changes)


class _FileState(Struct):
    """How far a file has been read, and what it looked like."""

    size: int
    changed: int
    offset: int
    head: str
    tail: str
    tally: Tally


class _Cursor(Struct):
    version: int
    since: str
    files: dict[str, _FileState]


class Mbox:
    """One mbox file, or a folder tree that holds some."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._path = access.files[0]

    def pull(self, cursor: Cursor | None, /) -> Iterator[Page]:
        """Yield pages of messages; an unchanged file is accounted for without being read."""
        since = str(self._access.since or "")
        state = _Cursor(1, since, {})
        if cursor is not None:
            state = self._state(cursor, since)
        files = [self._path] if not Path(self._path).is_dir() else _mbox_files(self._path)
        if not files:
            raise UnreadableFile(f"{self._path} holds no mbox file; name the file itself if it is one.")
        sizes = [_size(path) for path in files]
        done = 0
        for path, size in zip(files, sizes, strict=True):
            try:
                for page in self._pull_file(path, state):
                    last = path == files[-1] and bool(page.files)
                    yield msgspec.structs.replace(page, done=done + page.done, total=sum(sizes), last=last)
            except UnreadableFile as error:
                if len(files) == 1:
                    raise
                where = self._name(path)
                yield Page((Unreadable(where, str(error)),), STREAM, done=done + size, total=sum(sizes), files=1,
                           last=path == files[-1])  # fmt: skip
            done += size

    @staticmethod
    def _state(cursor: Cursor, since: str) -> _Cursor:
        try:
            state = msgspec.json.decode(cursor, type=_Cursor)
        except msgspec.DecodeError as error:
            raise CursorExpired("the mark left by the last import of these files cannot be read") from error
        if state.version != 1:
            raise CursorExpired("the mark left by the last import of these files is of another release")
        # What was left out before an earlier day has to be looked at again.
        return state if state.since == since else _Cursor(1, since, {})

    def _name(self, path: str) -> str:
        return legible(Path(path).name if path == self._path else os.path.relpath(path, self._path))

    def _pull_file(self, path: str, state: _Cursor) -> Iterator[Page]:
        name = self._name(path)
        try:
            status = Path(path).stat()
            head = _sample(path, 0, _HEAD)
        except OSError as error:
            raise UnreadableFile(f"{name} cannot be opened: {error.strerror}.") from error
        reason = refusal(name, head)
        if reason:
            raise UnreadableFile(reason)
        size = status.st_size
        mine = state.files.get(name)
        if mine is not None and not self._goes_on(mine, path, head, status):
            mine = None
        changes: list[Change] = []
        if mine is None:
            if not is_mbox(head):
                if not _starts(head, 0, is_file_start=True):
                    raise UnreadableFile(
                        f'{name} cannot be read as mbox: it has no line that begins a message ("From ", an address, a date).'
                    )
                changes.append(Unreadable(f"{name}, byte 0", "text before the first message"))
            mine = _FileState(size, status.st_mtime_ns, 0, _digest(head[:_SAMPLE]), _digest(b""), Tally())
            mine.tally.add(changes)
        else:
            changes.extend(mine.tally.repeated())
        is_finished = mine.offset == size
        mine.size, mine.changed, mine.head = size, status.st_mtime_ns, _digest(head[:_SAMPLE])
        state.files[name] = mine
        if changes or is_finished:
            yield self._page(changes, state, mine.offset, is_finished=is_finished)
        if is_finished:
            return
        for job, found in worked(
            self._access, self._ranges(path, name, mine.offset, size), identify_range, read_range
        ):
            mine.tally.add(found)
            mine.offset = job.end
            mine.tail = _digest(_sample(path, max(0, job.end - _SAMPLE), min(job.end, _SAMPLE)))
            yield self._page(found, state, job.end, is_finished=job.end == size)

    def _ranges(self, path: str, name: str, start: int, size: int) -> Iterator[Range]:
        terms = terms_of(self._access)
        for begin in range(start, size, _RANGE):
            yield Range(self._access.read_text, terms, path, name, begin, min(begin + _RANGE, size))

    @staticmethod
    def _page(changes: list[Change], state: _Cursor, done: int, *, is_finished: bool) -> Page:
        checkpoint = Cursor(msgspec.json.encode(state).decode())
        return Page(compact(changes), STREAM, checkpoint=checkpoint, done=done, files=1 if is_finished else 0)

    @staticmethod
    def _goes_on(mine: _FileState, path: str, head: bytes, status: os.stat_result) -> bool:
        """Whether the file still begins with what was read of it."""
        if mine.size == status.st_size and mine.changed == status.st_mtime_ns:
            return True
        if status.st_size < mine.offset or _digest(head[: min(_SAMPLE, mine.size)]) != mine.head:
            return False
        begin = max(0, mine.offset - _SAMPLE)
        if _digest(_sample(path, begin, mine.offset - begin)) != mine.tail:
            return False
        # What was the end must be the end of a message still, else that message was read in half.
        return mine.offset < mine.size or is_mbox(_sample(path, mine.offset, _SAMPLE))


def _sample(path: str, start: int, size: int) -> bytes:
    with Path(path).open("rb") as file:
        return _at(file, start, size)


def _digest(sample: bytes) -> str:
    return blake2b(sample, digest_size=8).hexdigest()


def _size(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0


def _mbox_files(folder: str) -> list[str]:
    """The mbox files of a folder tree that hold anything, in order; Thunderbird's have no ending."""
    found: list[str] = []
    for path, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in {"cur", "new", "tmp"})
        for name in sorted(names):
            whole = str(Path(path, name))
            ending = Path(name).suffix.lower()
            if name.startswith(".") or not _size(whole):
                continue
            if ending in _ENDINGS or (
                not ending and Path(whole).is_file() and is_mbox(_sample(whole, 0, _HEAD))
            ):
                found.append(whole)
    return found


def recognise(path: str, head: bytes) -> int:
    """How surely a path is an mbox file, or a folder of them."""
    if Path(path).is_dir():
        name = Path(path).name.lower()
        if name.endswith(".mbox") and Path(path, "mbox").is_file():
            return 95
        with os.scandir(path) as entries:
            return (
                60
                if any(
                    entry.name.lower().endswith(tuple(_ENDINGS))
                    for entry, _ in zip(entries, range(_ENTRIES), strict=False)
                )
                else 0
            )
    if is_mbox(head):
        return 95
    return 40 if Path(path).suffix.lower() in _ENDINGS else 0


SPEC = ConnectorSpec(
    "mbox", "Mail in mbox files (Google Takeout, Thunderbird, Apple Mail)", STREAM, Mbox, recognise
)

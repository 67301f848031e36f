"""Reads files in pages and remembers which are done; what a file means is its connector's to say.

A cursor is JSON: the terms of the reading (when they change, every file is read again), what each finished file
held, and how far an unfinished one was read. Pages end between steps (a UID, a card), so that each checkpoint covers
exactly what came before it; only a step larger than a page gives pages without one.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path

import msgspec
from msgspec import Struct, field

from schemas.connector import Change, Page, Same, Skipped, Unreadable, legible
from schemas.errors import CursorExpired, UnreadableFile
from schemas.ids import Cursor, StreamName

PAGE_SIZE = 500
"""Changes in a page at most."""
_MOST_REJECTS = 50
_CHUNK = 1024 * 1024
_WEB_PAGE = re.compile(rb"\s*(?:<!doctype html|<html|<head)", re.IGNORECASE)
_BOM = b"\xef\xbb\xbf"
_WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff")


class Step(Struct, frozen=True):
    """What belongs together in a file: at most `count` changes, and the bytes of the file read with it."""

    changes: Iterable[Change]
    count: int
    done: int


ReadSteps = Callable[[Path, str], Iterator[Step]]
"""The steps of a file, by its path and the name people know it by; equal bytes give equal steps.

Raises `UnreadableFile` before the first step when the file is of another format.
"""


class Tally(Struct, array_like=True):
    """What a file gave: items held, those left out by reason, and those that could not be read.

    `is_whole` is false when there were too many of the last to list: then the file is read again next time.
    """

    held: int = 0
    skips: dict[str, int] = field(default_factory=dict)
    rejects: list[tuple[str, str]] = field(default_factory=list)
    is_whole: bool = True

    def add(self, change: Change) -> None:
        """Count one change."""
        if isinstance(change, Skipped):
            self.skips[change.reason] = self.skips.get(change.reason, 0) + change.count
        elif not isinstance(change, Unreadable):
            self.held += 1
        elif len(self.rejects) < _MOST_REJECTS:
            self.rejects.append((change.where, change.reason))
        else:
            self.is_whole = False

    def changes(self) -> Iterator[Change]:
        """The changes that an unread copy of the file stands for."""
        if self.held:
            yield Same(self.held)
        for reason, count in self.skips.items():
            yield Skipped(reason, count)
        for where, reason in self.rejects:
            yield Unreadable(where, reason)


class _Known(Struct, array_like=True):
    """A file that was read to its end: size in bytes, modification time in ns, digest."""

    size: int
    modified: int
    digest: str
    tally: Tally


class _Part(Struct, array_like=True):
    """A file that was read in part: how many of its steps are done."""

    path: str
    digest: str
    steps: int
    tally: Tally


class _Memory(Struct):
    """All that is remembered; `terms` says what the files were read for."""

    terms: str
    files: dict[str, _Known] = field(default_factory=dict)
    part: _Part | None = None

    def cursor(self) -> Cursor:
        return Cursor(msgspec.json.encode(self).decode())


def read_files(
    paths: Sequence[str],
    suffixes: tuple[str, ...],
    read_steps: ReadSteps,
    stream: StreamName,
    cursor: Cursor | None,
    terms: str,
) -> Iterator[Page]:
    """Yield the pages of files, and of the files with these suffixes in and below folders, by name.

    A file whose size and time, or whose bytes, are those of one already read under the same `terms` is not read
    again. In a folder, a file of another format is one `Unreadable`.

    Raises:
        CursorExpired: the cursor is none of ours.
        UnreadableFile: a path is not there, a folder holds no such file, or a single file is of another format.
    """
    memory = _recall(cursor, terms)
    files = [(path, root) for root in map(Path, paths) for path in _files_under(root, suffixes)]
    pages = _Pages(stream, sum(path.stat().st_size for path, _ in files))
    for path, root in files:
        name = legible(path.name if path == root else str(path.relative_to(root)))
        try:
            yield from _read_file(path, name, read_steps, memory, pages)
        except (UnreadableFile, OSError) as fault:
            reason = (
                str(fault)
                if isinstance(fault, UnreadableFile)
                else f"{name} cannot be opened ({fault.strerror})."
            )
            if path == root:
                raise UnreadableFile(reason) from fault
            pages.add(Unreadable(name, reason))
            memory.part = None
    yield pages.take(memory.cursor(), is_last=True)


def refuse_other_formats(head: bytes, name: str, wanted: str) -> None:
    """Say what a file is when its first bytes show that it is not what is `wanted`.

    Raises:
        UnreadableFile: it is a web page, a ZIP archive, or UTF-16.
    """
    if _WEB_PAGE.match(head.removeprefix(_BOM)):
        raise UnreadableFile(
            f"{name} is a web page, not {wanted}; the server probably wanted a sign-in. Export it again, signed in."
        )
    if head.startswith(b"PK\x03\x04"):
        raise UnreadableFile(f"{name} is a ZIP archive, not {wanted}. Unpack it and import what is inside.")
    if head.startswith(_WIDE_BOMS):
        raise UnreadableFile(f"{name} is written in UTF-16. Save it as UTF-8 and import it again.")


def _read_file(
    path: Path, name: str, read_steps: ReadSteps, memory: _Memory, pages: "_Pages"
) -> Iterator[Page]:
    status, key = path.stat(), legible(str(path))
    tally, digest = _tally_of(memory, path, status)
    if tally is None:
        part = memory.part
        tally, first = Tally(), 0
        if part is not None and (part.path, part.digest) == (key, digest):
            tally, first = part.tally, part.steps
        for number, step in enumerate(read_steps(path, name)):
            if number < first:
                continue
            if pages.would_overflow(step.count):
                memory.part = _Part(key, digest, number, tally)
                yield pages.take(memory.cursor())
            for change in step.changes:
                if pages.would_overflow(1):
                    yield pages.take(None)
                tally.add(change)
                pages.add(change)
            pages.done_here = step.done
        memory.part = None
    else:
        for change in tally.changes():
            if pages.would_overflow(1):
                yield pages.take(None)
            pages.add(change)
    if tally.is_whole:
        memory.files[key] = _Known(status.st_size, status.st_mtime_ns, digest, tally)
    pages.finish(status.st_size)


class _Pages:
    """Gathers changes into pages."""

    def __init__(self, stream: StreamName, total: int) -> None:
        self._stream = stream
        self._total = total
        self._changes: list[Change] = []
        self._done = self._files = 0
        self.done_here = 0

    def would_overflow(self, count: int) -> bool:
        """Whether the page must be taken before so many more changes."""
        return bool(self._changes) and len(self._changes) + count > PAGE_SIZE

    def add(self, change: Change) -> None:
        self._changes.append(change)

    def finish(self, size: int) -> None:
        """A file is done."""
        self._done += size
        self._files += 1
        self.done_here = 0

    def take(self, checkpoint: Cursor | None, *, is_last: bool = False) -> Page:
        """The page so far."""
        page = Page(
            tuple(self._changes),
            self._stream,
            checkpoint=checkpoint,
            last=is_last,
            done=min(self._total, self._done + self.done_here),
            total=self._total,
            files=self._files,
        )
        self._changes, self._files = [], 0
        return page


def _recall(cursor: Cursor | None, terms: str) -> _Memory:
    if cursor is None:
        return _Memory(terms)
    try:
        memory = msgspec.json.decode(cursor, type=_Memory)
    except msgspec.DecodeError:
        raise CursorExpired(
            "The place where reading stopped is unreadable; the files are read anew."
        ) from None
    return memory if memory.terms == terms else _Memory(terms)


def _tally_of(memory: _Memory, path: Path, status: os.stat_result) -> tuple[Tally | None, str]:
    """What the file held if it is known unchanged, by its size and time or by its bytes; and its digest."""
    known = memory.files.get(legible(str(path)))
    if known is not None and (known.size, known.modified) == (status.st_size, status.st_mtime_ns):
        return known.tally, known.digest
    digest = _digest_of(path)
    if known is not None and (known.size, known.digest) == (status.st_size, digest):
        return known.tally, digest
    return None, digest


def _digest_of(path: Path) -> str:
    digest = blake2b(digest_size=16)
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _files_under(path: Path, suffixes: tuple[str, ...]) -> list[Path]:
    if not path.is_dir():
        if not path.is_file():
            raise UnreadableFile(f"{path} is not there, or is not a file.")
        return [path]
    found = sorted(_walk(path, suffixes))
    if not found:
        raise UnreadableFile(f"{path} holds no file ending in {' or '.join(suffixes)}.")
    return found


def _walk(path: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    """Plain files below a folder; links are not followed, so that a folder cannot lead out of itself or round."""
    for folder, _, names in os.walk(path):
        for name in names:
            full = Path(folder, name)
            is_wanted = name.lower().endswith(suffixes) and not name.startswith("._")
            if is_wanted and full.is_file() and not full.is_symlink():
                yield full

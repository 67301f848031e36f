"""Folders whose files are one message each, read page by page; Maildir and .eml folders differ in their layout only.

A folder keeps a *signature*: numbers that change when its files do. While they stand, nothing is listed or read. When
they do not, only the files that the file system touched since are read; the rest is accounted for as before.
"""

# ruff: noqa: PTH110, PTH116, PTH118 - a Path costs more than the call, and there is one a message

import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence

import msgspec
from msgspec import Struct, field

from connectors._mail_jobs import Known, Place, Tally, compact, packed, terms_of, worked
from connectors._mime import Terms, first_bytes, identify, message_from_bytes
from schemas.connector import Access, Change, Page, ReadText, Skipped, Unreadable, legible
from schemas.errors import CursorExpired
from schemas.ids import Cursor, StreamName

STREAM = StreamName("mail")
_FILES_A_JOB = 500
_SLACK = 10_000_000_000
"""Nanoseconds by which the clocks of a file and of its folder may differ, on a file server."""

_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)

Signature = tuple[int, ...]


class Folder(Struct, frozen=True):
    """One folder of messages: `name` is what it is called in cursors and reports, relative to what was given.

    `boxes` are the directories below `path` that hold files. `endings` are those a message's file name may have; none:
    any. `is_deep` makes the signature look at each file, where the folder's own time does not tell of changes.
    """

    path: str
    name: str
    boxes: tuple[str, ...] = ("",)
    endings: tuple[str, ...] = ()
    is_deep: bool = False
    only: str = ""

    def signature(self) -> Signature:
        """Times in nanoseconds, the newest first, then counts; missing boxes are 0."""
        times = [_changed(os.path.join(self.path, box)) for box in self.boxes] if not self.only else []
        if not self.is_deep:
            return (max(times), *times)
        names = self.files()
        touched = [self.touched(name) for name in names]
        return (max([*times, *touched], default=0), sum(touched), len(names))

    def files(self) -> list[str]:
        """The message files, relative to the folder, sorted."""
        if self.only:
            return [self.only] if os.path.exists(os.path.join(self.path, self.only)) else []
        found: list[str] = []
        for box in self.boxes:
            try:
                with os.scandir(os.path.join(self.path, box)) as entries:
                    found += [
                        f"{box}/{entry.name}" if box else entry.name
                        for entry in entries
                        if not entry.name.startswith(".")
                        and (not self.endings or entry.name.lower().endswith(self.endings))
                    ]
            except OSError:
                # Gone since it was found; what it held has gone with it.
                continue
        found.sort()
        return found

    def touched(self, file: str) -> int:
        """When a file or its name last changed, in nanoseconds; 0 when it is gone."""
        try:
            status = os.stat(os.path.join(self.path, file))
        except OSError:
            return 0
        return max(status.st_ctime_ns, status.st_mtime_ns)


def _changed(directory: str) -> int:
    try:
        return os.stat(directory).st_mtime_ns
    except OSError:
        return 0


class Files(Struct, frozen=True):
    """Some message files of one folder to be read together."""

    read_text: ReadText
    terms: Terms
    folder: str
    name: str
    files: tuple[str, ...]

    def without(self, held: frozenset[Place]) -> "Files":
        """The same files less those held already."""
        kept = tuple(file for number, file in enumerate(self.files) if (number, 0) not in held)
        return msgspec.structs.replace(self, files=kept)


def _raw(folder: str, file: str) -> bytes:
    """As much of a file as is ever looked at.

    Raises:
        OSError: it cannot be read, or is no ordinary file: a pipe would keep its reader waiting for ever.
    """
    descriptor = os.open(os.path.join(folder, file), _READ)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is no ordinary file")

        def read(count: int) -> bytes:
            os.lseek(descriptor, 0, os.SEEK_SET)
            return os.read(descriptor, count)

        return first_bytes(read, status.st_size)
    finally:
        os.close(descriptor)


def _flagged(file: str) -> str:
    """Why a Maildir file is left out by its own flags (https://cr.yp.to/proto/maildir.html, read 2026-11)."""
    _, mark, flags = file.rpartition(":2,")
    if not mark and "/" in file:
        # File systems without colons: `!2,` and `;2,`.
        flags = (
            file.rpartition("!2,")[2] if "!2," in file else file.rpartition(";2,")[2] if ";2," in file else ""
        )
        mark = flags
    if not mark:
        return ""
    return "draft" if "D" in flags else "trash" if "T" in flags else ""


def identify_files(job: Files | None) -> list[Known]:
    """Number, id and fingerprint of every file that can be opened and is not left out by its name."""
    if job is None:
        return []
    known: list[Known] = []
    for number, file in enumerate(job.files):
        if not _flagged(file):
            try:
                known.append(((number, 0), *identify(_raw(job.folder, file))))
            except OSError:
                continue
    return known


def read_files(job: Files) -> bytes:
    """Every file as a packed change."""
    changes: list[Change] = []
    for file in job.files:
        reason = _flagged(file)
        if reason:
            changes.append(Skipped(reason))
            continue
        where = legible(f"{job.name}/{file}" if job.name else file)
        try:
            raw = _raw(job.folder, file)
        except FileNotFoundError:
            # Moved by a mail program: the folder has changed, so the next import finds it under its new name.
            changes.append(Skipped("moved while reading"))
            continue
        except OSError as error:
            changes.append(Unreadable(where, f"it cannot be opened: {error.strerror}"))
            continue
        changes.append(
            message_from_bytes(raw, job.read_text, job.terms, where)
            if raw
            else Unreadable(where, "the file is empty")
        )
    return packed(changes)


class _FolderState(Struct):
    """A folder as it was when it was last looked at, and what reading it came to.

    While it is being read `at` is the file read last, and `floor` the time before which files count as unchanged.
    """

    signature: Signature
    tally: Tally = field(default_factory=Tally)
    at: str = ""
    floor: int = 0


class _Cursor(Struct):
    version: int
    since: str
    folders: dict[str, _FolderState]


class MessageFolders:
    """Every folder of messages that `find` sees at a path."""

    def __init__(self, access: Access, find: Callable[[str], list[Folder]]) -> None:
        self._access = access
        self._find = find

    def pull(self, cursor: Cursor | None, /) -> Iterator[Page]:
        """Yield pages of messages; what has not changed is accounted for without being read."""
        since = str(self._access.since or "")
        state = _Cursor(1, since, {})
        if cursor is not None:
            state = _state(cursor, since)
        folders = self._find(self._access.files[0])
        state.folders = {
            folder.name: state.folders[folder.name] for folder in folders if folder.name in state.folders
        }
        plans = [self._plan(folder, state) for folder in folders]
        total = sum(count for _, count in plans)
        done = 0
        for number, (folder, count) in enumerate(plans, 1):
            for page in self._pull_folder(folder, state, count):
                done += page.done
                is_end = number == len(plans) and not state.folders[folder.name].at
                yield msgspec.structs.replace(page, done=min(done, total), total=total, last=is_end)

    @staticmethod
    def _plan(folder: Folder, state: _Cursor) -> tuple[Folder, int]:
        """The folder and how many files it will account for."""
        known = state.folders.get(folder.name)
        if known is not None and not known.at and known.signature == folder.signature():
            return folder, known.tally.total()
        return folder, len(folder.files())

    def _pull_folder(self, folder: Folder, state: _Cursor, count: int) -> Iterator[Page]:
        """Pages of one folder; `done` of each is what it adds to the files accounted for."""
        signature = folder.signature()
        known = state.folders.get(folder.name)
        if known is None:
            known = state.folders[folder.name] = _FolderState((0,))
        elif known.signature == signature and not known.at:
            yield _page(known.tally.repeated(), state, count, 0)
            return

        # A file touched before this was accounted for when the folder was last looked at; where that was broken off,
        # only up to the file read last, and before that run's own limit behind it.
        limit = known.signature[0] - _SLACK
        floor = known.floor if known.at else limit
        wanted: list[str] = []
        files = folder.files()
        for file in files:
            since = limit if not known.at or file <= known.at else floor
            if since <= 0 or folder.touched(file) >= since:
                wanted.append(file)
        rest = len(files) - len(wanted)
        known.tally = known.tally.fitted(rest)
        known.signature, known.floor = signature, floor

        before = known.tally.repeated()
        if not wanted:
            known.at = ""
            yield _page(before, state, rest, rest)
            return
        for job, found in worked(self._access, self._jobs(folder, wanted), identify_files, read_files):
            known.tally.add(found)
            known.at = "" if job.files[-1] == wanted[-1] else _written(job.files)
            yield _page(before + found, state, len(job.files) + rest, len(job.files))
            before, rest = [], 0

    def _jobs(self, folder: Folder, wanted: list[str]) -> Iterator[Files]:
        terms = terms_of(self._access)
        for begin in range(0, len(wanted), _FILES_A_JOB):
            files = tuple(wanted[begin : begin + _FILES_A_JOB])
            yield Files(self._access.read_text, terms, folder.path, folder.name, files)


def _written(files: Sequence[str]) -> str:
    """The last of the files whose name can be written down, or what comes before all: more is read again, no less."""
    return next((file for file in reversed(files) if legible(file) == file), "\0")


def _page(changes: list[Change], state: _Cursor, done: int, files: int) -> Page:
    checkpoint = Cursor(msgspec.json.encode(state).decode())
    return Page(compact(changes), STREAM, checkpoint=checkpoint, done=done, files=files)


def _state(cursor: Cursor, since: str) -> _Cursor:
    try:
        state = msgspec.json.decode(cursor, type=_Cursor)
    except msgspec.DecodeError as error:
        raise CursorExpired("the mark left by the last import of these files cannot be read") from error
    if state.version != 1:
        raise CursorExpired("the mark left by the last import of these files is of another release")
    # What was left out before an earlier day has to be looked at again.
    return state if state.since == since else _Cursor(1, since, {})

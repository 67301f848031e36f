"""Reads named members of a ZIP, a folder or a single file as streams; it never writes a byte to disk.

Every bound holds before a member is opened: the central directory is refused when large, what it says of a member's
size and place must be possible, and `zipfile` never inflates more than the size it says (PKWARE APPNOTE 4.4.9).
"""

import io
import os
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO

from schemas.errors import UnreadableFile

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

DIRECTORY_BYTES = 4 << 20
"""Longest central directory read: some 40,000 members with names of usual length."""
ENTRIES = 20_000
MEMBER_BYTES = 512 << 20
TOTAL_BYTES = 1 << 30
RATIO = 300
"""Above it a member of more than `RATIO_FROM` inflated bytes is a bomb; deflate itself ends at 1,032."""
RATIO_FROM = 16 << 20

_LOCAL_HEADER = 30
_BLOCK = 1 << 16
_DRIVE = re.compile(r"[A-Za-z]:")
_ENCRYPTED = 0x1 | 0x40
_NAMED_IN_UTF8 = 0x800
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    struct.error,
    ValueError,
    OverflowError,
    IndexError,
)


@dataclass(frozen=True)
class Member:
    """One file inside, by its path with `/`; `size` is inflated bytes, `problem` says why it must not be read."""

    path: str
    size: int
    modified: date | None
    mark: str
    """Changes when the content does, as far as can be told without reading it."""
    problem: str
    _open: Callable[[], IO[bytes]]

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def folder(self) -> str:
        """The path without its last part; empty at the top."""
        return self.path.rpartition("/")[0]

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """The member's bytes from the beginning; may be opened again.

        Raises:
            UnreadableFile: it must not or cannot be read; also while reading.
        """
        if self.problem:
            raise UnreadableFile(f"{self.path}: {self.problem}")
        with _told_plainly(self.path):
            raw = self._open()
        with raw, io.BufferedReader(_Plain(raw, self.path), _BLOCK) as stream:
            yield stream


@contextmanager
def open_members(path: str, wanted: Callable[[str], bool]) -> Iterator[tuple[Member, ...]]:
    """The members whose last name is `wanted`, in order of their paths, while the context lasts.

    Args:
        path: a ZIP, a folder, or one file, which then is the only member.
        wanted: told a member's last name.

    Raises:
        UnreadableFile: the path cannot be read, or the archive is hostile or damaged.
    """
    place = Path(path)
    try:
        mode = place.stat().st_mode
    except (OSError, ValueError) as error:
        raise UnreadableFile(f"{place.name} cannot be opened: {_why(error)}.") from error
    if stat.S_ISDIR(mode):
        yield _folder_members(place, wanted)
    elif not stat.S_ISREG(mode):
        raise UnreadableFile(f"{place.name} is neither a file nor a folder.")
    elif is_zip(_head(place)):
        with _Bounded(place) as raw:
            yield _zip_members(place.name, raw, wanted)
    else:
        yield (_file_member(place, place.name),)


def is_zip(head: bytes) -> bool:
    """Whether a file that begins so is a ZIP (APPNOTE 4.3.7, 4.3.16 for an empty one)."""
    return head[:4] in {b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"}


class _Bounded(io.FileIO):
    """A file that refuses one huge read, which is how a lying end record makes `zipfile` load a directory."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > DIRECTORY_BYTES:
            raise zipfile.BadZipFile(f"its directory is longer than {DIRECTORY_BYTES >> 20} MB")
        # zipfile reads "the rest" only for the end record, 64 KB and a little at most.
        return super().read(DIRECTORY_BYTES if size is None or size < 0 else size) or b""


class _Plain(io.RawIOBase):
    """A stream whose failures while reading are `UnreadableFile`."""

    def __init__(self, stream: IO[bytes], name: str) -> None:
        super().__init__()
        self._stream = stream
        self._name = name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer).cast("B")
        with _told_plainly(self._name):
            block = self._stream.read(len(view))
        view[: len(block)] = block
        return len(block)


def _zip_members(name: str, raw: io.FileIO, wanted: Callable[[str], bool]) -> tuple[Member, ...]:
    with _told_plainly(name):
        archive = zipfile.ZipFile(raw)
        infos = archive.infolist()
    if len(infos) > ENTRIES:
        raise UnreadableFile(f"{name} lists {len(infos):,} members; more than {ENTRIES:,} are not read.")
    ends = _room(infos, archive.start_dir)
    paths = [_path_of(info) for info in infos]
    times = Counter(paths)
    members: list[Member] = []
    for info, path, end in zip(infos, paths, ends, strict=True):
        if info.is_dir() or not wanted(path.replace("\\", "/").rpartition("/")[2]):
            continue
        problem = _problem(info, path, end, is_twice=times[path] > 1)
        members.append(
            Member(
                path.replace("\\", "/"),
                info.file_size,
                _modified(info),
                f"{info.CRC:08x}{info.file_size:x}",
                problem,
                lambda info=info: archive.open(info),  # type: ignore[misc]  # the loop's own value is bound
            )
        )
    if sum(member.size for member in members if not member.problem) > TOTAL_BYTES:
        raise UnreadableFile(f"{name} would unpack to more than {TOTAL_BYTES >> 30} GB.")
    return tuple(sorted(members, key=lambda member: member.path))


def _room(infos: list[zipfile.ZipInfo], directory: int) -> list[int]:
    """For each member where the next one, or the directory, begins: its bytes must end there (no overlaps)."""
    starts = sorted({info.header_offset for info in infos})
    following = dict(zip(starts, [*starts, directory][1:], strict=True))
    shared = dict.fromkeys(starts, 0)
    for info in infos:
        shared[info.header_offset] += 1
    return [
        following[info.header_offset] if shared[info.header_offset] == 1 else info.header_offset
        for info in infos
    ]


def _path_of(info: zipfile.ZipInfo) -> str:
    # Many tools write UTF-8 without saying so (APPNOTE 4.4.4 bit 11); zipfile then reads cp437.
    name = info.orig_filename
    if not info.flag_bits & _NAMED_IN_UTF8:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return unicodedata.normalize("NFC", name)


def _problem(info: zipfile.ZipInfo, path: str, end: int, *, is_twice: bool) -> str:
    if "\x00" in path:
        return "its name holds a NUL character"
    slashed = path.replace("\\", "/")
    if slashed.startswith("/") or _DRIVE.match(slashed) or ".." in slashed.split("/"):
        return "its name leads outside the archive"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "it is a link, not a file"
    if info.flag_bits & _ENCRYPTED:
        return "it is encrypted; unpack the archive yourself and import the folder"
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        return f"it is compressed by method {info.compress_type}; unpack the archive and import the folder"
    if is_twice:
        return "the archive holds it twice under one name"
    if info.header_offset < 0 or info.header_offset + _LOCAL_HEADER + info.compress_size > end:
        return "it overlaps another member"
    if info.file_size > MEMBER_BYTES:
        return f"it would unpack to more than {MEMBER_BYTES >> 20} MB"
    if info.file_size > RATIO_FROM and info.file_size > RATIO * max(1, info.compress_size):
        return f"it would unpack to more than {RATIO} times its size"
    return ""


def _modified(info: zipfile.ZipInfo) -> date | None:
    try:
        return date(*info.date_time[:3])
    except ValueError:
        return None


def _folder_members(place: Path, wanted: Callable[[str], bool]) -> tuple[Member, ...]:
    """Files of the folder and of the folders right in it; links are left alone."""
    members: list[Member] = []
    seen = 0
    folders = [(place, "")]
    while folders:
        folder, prefix = folders.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    seen += 1
                    if seen > ENTRIES:
                        raise UnreadableFile(f"{place.name} holds more than {ENTRIES:,} files.")
                    if entry.is_dir(follow_symlinks=False) and not prefix:
                        folders.append((Path(entry.path), f"{entry.name}/"))
                    elif entry.is_file(follow_symlinks=False) and wanted(entry.name):
                        members.append(_file_member(Path(entry.path), prefix + entry.name))
        except OSError as error:
            if not prefix:
                raise UnreadableFile(f"{place.name} cannot be listed: {_why(error)}.") from error
    return tuple(sorted(members, key=lambda member: member.path))


def _file_member(place: Path, path: str) -> Member:
    try:
        status = place.stat()
    except OSError as error:
        return Member(path, 0, None, "", f"it cannot be opened: {_why(error)}", lambda: place.open("rb"))
    problem = f"it is longer than {MEMBER_BYTES >> 20} MB" if status.st_size > MEMBER_BYTES else ""
    mark = f"{status.st_size:x}-{status.st_mtime_ns:x}"
    return Member(path, status.st_size, None, mark, problem, lambda: place.open("rb"))


def _head(place: Path) -> bytes:
    with _told_plainly(place.name), place.open("rb") as stream:
        return stream.read(4)


@contextmanager
def _told_plainly(name: str) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise UnreadableFile(f"{name} is damaged or not what it claims to be: {_why(error)}.") from error


def _why(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error)[:200].rstrip(".") or type(error).__name__

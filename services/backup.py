"""Backups: one file with everything that cannot be derived again, taken from a running home and checked before use.

A backup is a gzipped tar of JSON lines in parts of a few megabytes (`event/000001.jsonl`), the settings, and at its
end a manifest with the size and SHA-256 of every member. Neither making nor restoring one holds more than a part in
memory. A restore names no path of its own choosing: members are read by their names and never written to a disk.
"""

import contextlib
import gzip
import io
import os
import re
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, cast

import msgspec
from msgspec import Struct, field

from schemas.clock import epoch
from schemas.errors import ConfigError, HomeTooNew
from services.store import backup as tables
from services.store.events import owners
from services.store.migrate import HEAD
from services.store.unit import Store, Unit

FORMAT = 1
MANIFEST = "manifest.json"
EXTRAS = ("kith.toml", "secret.key")
"""What may travel along: settings without secrets, and the key where its owner said so."""
_PART_BYTES = 4_194_304
_MEMBER_BYTES = 33_554_432
_FREE_BYTES = 268_435_456
_CHUNK = 65_536
_RATIO = 200
_MEMBERS = 20_000
_PART = re.compile(r"([a-z]{1,20})/\d{6}\.jsonl")


class Member(Struct, frozen=True):
    """One part of a backup."""

    name: str
    rows: int
    size_bytes: int
    sha256: str


class Manifest(Struct, frozen=True):
    """What a backup says of itself."""

    format: int
    release: str
    tables: str
    """The revision of the tables it was taken from."""
    made_at: datetime
    owners: tuple[str, ...]
    members: tuple[Member, ...]
    counts: dict[str, int] = field(default_factory=dict)
    """Rows by table."""


# --- making one ---------------------------------------------------------------------------------------------------


def write_backup(
    store: Store, file: Path, now: datetime, release: str, extras: Mapping[str, bytes]
) -> Manifest:
    """Write everything, as it is at one instant, to a file that only its owner can read; an old one is replaced whole.

    Others may go on writing to the store meanwhile.

    Raises:
        ConfigError: the file cannot be written.
    """
    draft = file.with_name(f".{file.name}.part")
    try:
        with (
            os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out,
            store.read() as unit,
        ):
            with (
                gzip.GzipFile("", "wb", 6, out, epoch(now)) as packed,
                tarfile.open(fileobj=packed, mode="w:", format=tarfile.USTAR_FORMAT) as archive,
            ):
                manifest = _write(_Writer(archive, epoch(now)), unit, now, release, extras)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(file)
    except OSError as error:
        raise ConfigError(
            f"The backup cannot be written to {file}: {error.strerror}. Name a file in a folder of yours."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
    return manifest


class _Writer:
    def __init__(self, archive: tarfile.TarFile, at: int) -> None:
        self._archive = archive
        self._at = at
        self.members: list[Member] = []

    def add(self, name: str, content: bytes, rows: int = 0) -> None:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mtime, entry.mode = len(content), self._at, 0o600
        self._archive.addfile(entry, io.BytesIO(content))
        self.members.append(Member(name, rows, len(content), sha256(content).hexdigest()))


def _write(writer: _Writer, unit: Unit, now: datetime, release: str, extras: Mapping[str, bytes]) -> Manifest:
    for name, content in extras.items():
        writer.add(name, content)
    counts: dict[str, int] = {}
    for name, table in tables.TRUTH.items():
        counts[name] = 0
        part: list[bytes] = []
        size = 0
        number = 1
        for line in tables.lines_of(unit, table):
            part.append(line)
            size += len(line) + 1
            if size >= _PART_BYTES:
                writer.add(f"{name}/{number:06d}.jsonl", b"\n".join([*part, b""]), len(part))
                counts[name] += len(part)
                part, size, number = [], 0, number + 1
        if part:
            writer.add(f"{name}/{number:06d}.jsonl", b"\n".join([*part, b""]), len(part))
            counts[name] += len(part)
    main = tuple(email for _, email in owners(unit))
    manifest = Manifest(FORMAT, release, HEAD, now, main, tuple(writer.members), counts)
    writer.add(MANIFEST, msgspec.json.encode(manifest))
    return manifest


# --- using one ----------------------------------------------------------------------------------------------------


class Backup:
    """A backup that was read to its end and found whole."""

    def __init__(self, file: Path) -> None:
        """Check it.

        Raises:
            ConfigError: it is no backup, is damaged, or is larger than it can honestly be.
            HomeTooNew: a later release made it.
        """
        self._file = file
        self.extras: dict[str, bytes] = {}
        found: list[tuple[str, int, str]] = []
        last = b""
        for name, content in _members(file):
            if last:
                raise _damaged(file, "it goes on after its end")
            if name == MANIFEST:
                last = content
            else:
                found.append((name, len(content), sha256(content).hexdigest()))
            if name in EXTRAS:
                self.extras[name] = content
        self.manifest = _manifest(file, last)
        if found != [(one.name, one.size_bytes, one.sha256) for one in self.manifest.members]:
            raise _damaged(file, "its parts are not those that its manifest names")

    def load(self, store: Store) -> None:
        """Put everything into an empty store, all or nothing; what is derived is made by `Book.replay` after.

        Raises:
            ConfigError: the store is not empty, or the backup changed since it was checked.
        """
        sums = {one.name: one.sha256 for one in self.manifest.members}
        with store.write() as unit:
            if not tables.begin_loading(unit):
                raise not_empty([email for _, email in owners(unit)])
            for name, content in _members(self._file):
                part = _PART.fullmatch(name)
                if part is None:
                    continue
                if sha256(content).hexdigest() != sums.get(name) or part[1] not in tables.TRUTH:
                    raise _damaged(self._file, f"{name} is not what it was")
                try:
                    tables.load(unit, tables.TRUTH[part[1]], content.splitlines())
                except tables.UnfitRow as error:
                    raise _damaged(self._file, f"{name} holds what is no row of that table") from error
            tables.go_on_counting(unit)


def not_empty(held: list[str]) -> ConfigError:
    """Why nothing is restored into a home that is in use."""
    whose = f" of {', '.join(held)}" if held else ""
    return ConfigError(
        f"This home already holds the book{whose}. Nothing was changed. Restore into an empty one: "
        "kith --home NEW_FOLDER restore FILE"
    )


def _manifest(file: Path, content: bytes) -> Manifest:
    try:
        declared = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
        version = msgspec.json.decode(declared["format"], type=int)
        revision = msgspec.json.decode(declared["tables"], type=str)
        if version > FORMAT or revision > HEAD:
            raise HomeTooNew(
                f"{file.name} was made by a later release of Kith. Nothing was changed. Install that release to "
                "restore it."
            )
        return msgspec.json.decode(content, type=Manifest)
    except (msgspec.MsgspecError, KeyError, UnicodeError) as error:
        raise _damaged(file, "it has no manifest at its end") from error


class _Bounded:
    """The unpacked bytes, read forward only, never many at once, and no more than such a file can honestly hold."""

    def __init__(self, packed: BinaryIO, size: int) -> None:
        self._source = gzip.GzipFile(fileobj=packed, mode="rb")
        self._most = _FREE_BYTES + _RATIO * size

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _MEMBER_BYTES:
            raise tarfile.ReadError("a part is too large")
        content = self._source.read(size)
        if self._source.tell() > self._most:
            raise tarfile.ReadError("it unpacks to more than it can hold")
        return content

    def tell(self) -> int:
        return self._source.tell()

    def seek(self, place: int, whence: int = os.SEEK_SET) -> int:
        here = self._source.tell()
        if whence != os.SEEK_SET or not here <= place <= here + _MEMBER_BYTES:
            raise tarfile.ReadError("its parts overlap")
        return self._source.seek(place)


def _members(file: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of each member, one in memory at a time."""
    try:
        with file.open("rb") as packed:
            bounded = cast("BinaryIO", _Bounded(packed, file.stat().st_size))
            with tarfile.open(fileobj=bounded, mode="r:") as archive:
                number = 0
                while (entry := archive.next()) is not None:
                    is_known = entry.name in {MANIFEST, *EXTRAS} or _PART.fullmatch(entry.name)
                    if not is_known or entry.type not in {tarfile.REGTYPE, tarfile.AREGTYPE}:
                        raise _damaged(file, "it holds what no backup holds")
                    if not 0 <= entry.size <= _MEMBER_BYTES or number > _MEMBERS:
                        raise _damaged(file, "a part is too large")
                    content = archive.extractfile(entry)
                    yield entry.name, content.read(entry.size) if content else b""
                    number += 1
            # The sum over all of it stands at its end; the manifest has no other.
            while bounded.read(_CHUNK):
                pass
    except FileNotFoundError as error:
        raise ConfigError(f"There is no file {file}. Check the path.") from error
    except gzip.BadGzipFile as error:
        raise _damaged(file, "it is no backup of Kith") from error
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise _damaged(file, str(error) or "it ends too soon") from error


def _damaged(file: Path, why: str) -> ConfigError:
    return ConfigError(
        f"{file.name} cannot be restored: {why}. Nothing was changed. Fetch it again from where it was kept, or use "
        "an older backup."
    )

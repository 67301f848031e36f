"""From paths on a disk to events: recognises what each file is, reads it by its connector, reports what came of it."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from connectors import connectors
from deploy.parsing import ParsingPool
from deploy.wiring import Application
from schemas.connector import Access, ConnectorSpec, Page, Workers, legible
from schemas.errors import UsageError
from schemas.interface import ImportReport, Reject, SourceReport
from services.book import Book
from services.ingest import Ingest, fingerprints_held, note_rejects
from services.people import owners_words
from services.refusal import refusals
from services.signals import READERS
from services.store import events as stream
from services.store.rehearsal import rehearsal

ACCOUNT = "files"
"""All files are one account, so that a message in two of them is one message."""
_HEAD = 65_536
_SURE = 50
_PROJECT_EVERY = 5_000
_GATHER = 4_000
_EVERYTHING = 1 << 62
# What says who the owner is comes first, so that mail is read knowing it; the rest cheapest first.
_ORDER = ("linkedin", "vcf", "ics", "eml", "maildir", "mbox")
_OUTLOOK = (".pst", ".ost", ".msg")
_GATHERED = {
    "eml": (".eml",),
    "ics": (".ics", ".ical", ".icalendar", ".vcs"),
    "vcf": (".vcf", ".vcard"),
}
"""Connectors that find files with these endings below a folder by themselves."""

Advance = Callable[[str, int, int], None]
"""Told which path is read, how much of it is, and of how much."""


@dataclass
class Found:
    """The files of one kind under one path."""

    path: str
    spec: ConnectorSpec
    files: list[Path] = field(default_factory=list)


def import_paths(
    app: Application,
    book: Book,
    paths: Sequence[str],
    *,
    kind: str | None = None,
    since: date | None = None,
    dry_run: bool = False,
    keep: bool = True,
    advance: Advance = lambda _what, _done, _total: None,
) -> ImportReport:
    """Read files and folders into the book, and keep it; safe to repeat.

    Args:
        kind: a connector's name, when the format is not to be recognised.
        since: leaves out what is older.
        dry_run: tells what would happen, and changes nothing.
        keep: tells the book here and now; else whoever is woken does.

    Raises:
        UsageError: an unknown kind.
    """
    report = ImportReport([], [])
    found = list(_found(paths, kind, report))
    entries = {id(one): SourceReport(legible(one.path), one.spec.name) for one in found}
    report.sources += entries.values()
    by_rank = sorted(
        found, key=lambda one: _ORDER.index(one.spec.name) if one.spec.name in _ORDER else len(_ORDER)
    )
    with ParsingPool() as pool:
        if dry_run:
            with rehearsal(book.store) as store:
                dry = Book(store, book.owner, book.clock, book.habits)
                for one in by_rank:
                    _read(app, dry, one, since, pool, entries[id(one)], report.rejects, advance, is_dry=True)
        else:
            # So far these are what nobody reads at all; what a source refuses is noted as it is read.
            if report.rejects:
                note_rejects(book.store, book.owner, book.clock, report.rejects)
            for one in by_rank:
                _read(app, book, one, since, pool, entries[id(one)], report.rejects, advance)
    if not dry_run:
        if keep:
            book.keep(advance)
        app.wake(book.owner)
    return report


def _read(
    app: Application,
    book: Book,
    found: Found,
    since: date | None,
    pool: Workers,
    entry: SourceReport,
    rejects: list[Reject],
    advance: Advance,
    *,
    is_dry: bool = False,
) -> None:
    began = time.monotonic()
    # What was read just before may tell who the owner is.
    book.follow(_EVERYTHING)
    with book.store.read() as unit:
        said = owners_words(unit, book.owner)
        holds_any = stream.holds_any(unit, book.owner, ACCOUNT, found.spec.stream)
        admit = refusals(unit, book.owner)
    for file in found.files:
        pending = entry.added + entry.changed
        access = Access(
            account=ACCOUNT,
            clock=book.clock,
            read_text=READERS[app.settings.keep_text],
            workers=pool,
            is_held=fingerprints_held(book.store, book.owner, ACCOUNT, found.spec.stream),
            files=(str(file),),
            zone=said.owner.timezone if said.owner else "UTC",
            since=since,
            keep_text=app.settings.keep_text,
            settings={"holds_any": holds_any, "owner_emails": said.emails, "region": app.settings.region},
        )
        if found.spec.open_source is None:
            continue
        ingest = Ingest(
            book.store,
            book.owner,
            book.clock,
            ACCOUNT,
            f"{found.spec.name}:{_place(file, since)}",
            admit,
            is_tallied=True,
            gather=_GATHER,
        )

        def progress(page: Page, file: Path = file) -> None:
            nonlocal pending
            advance(file.name, page.done, page.total)
            if not is_dry and entry.added + entry.changed - pending >= _PROJECT_EVERY:
                pending = entry.added + entry.changed
                book.follow(_EVERYTHING)

        ingest.run(found.spec.open_source(access), entry, rejects, progress)
    entry.seconds = round(entry.seconds + time.monotonic() - began, 3)


def _place(file: Path, since: date | None) -> str:
    """What a file's cursor is kept under: another `--since` is another reading."""
    place = legible(str(file.absolute()))
    return f"{place}?since={since.isoformat()}" if since else place


# --- what is what -------------------------------------------------------------------------------------------------


def _found(paths: Sequence[str], kind: str | None, report: ImportReport) -> Iterator[Found]:
    known = connectors()
    if kind is not None and kind not in known:
        names = ", ".join(sorted(name for name, spec in known.items() if spec.recognise))
        raise UsageError(f"--as knows {names}; not {kind}.")
    for given in paths:
        path = Path(given).expanduser()
        if not _exists(path):
            _refuse(report, given, "there is no such file or folder. Check the path.")
            continue
        by_kind: dict[str, Found] = {}
        for file, spec in _files(path, known[kind] if kind else None):
            if spec is None or (spec.name == "eml" and file.suffix.lower() in _OUTLOOK):
                _refuse(report, given, _unknown(file), where=str(file))
                continue
            by_kind.setdefault(spec.name, Found(given, spec)).files.append(file)
        if (
            not by_kind
            and path.is_dir()
            and not any(entry.source == legible(given) for entry in report.sources)
        ):
            _refuse(
                report, given, "nothing in this folder is mail, a calendar, contacts or a LinkedIn export."
            )
        yield from by_kind.values()


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # A loop of links; a name that no file system takes.
        return False


def _refuse(report: ImportReport, given: str, reason: str, where: str | None = None) -> None:
    given, where = legible(given), legible(where or given)
    entry = next((e for e in report.sources if e.source == given and e.kind == "unknown"), None)
    if entry is None:
        entry = SourceReport(given, "unknown")
        report.sources.append(entry)
    entry.files += 1
    entry.read += 1
    entry.rejected += 1
    report.rejects.append(Reject(given, where, reason))


def _unknown(file: Path) -> str:
    ending = file.suffix.lower()
    if not file.is_file():
        return "it is neither a file nor a folder."
    if not os.access(file, os.R_OK):
        return "it may not be read: permission was refused. Check who owns it."
    if file.stat().st_size == 0:
        return "the file is empty."
    if ending in _OUTLOOK:
        return (
            f"Outlook's {ending} format cannot be read here. Import it into Thunderbird or Outlook and export mbox "
            "or .eml files, or connect the account itself."
        )
    if ending == ".zip":
        return "this ZIP is not a LinkedIn export. Unpack it and import the folder."
    if ending in {".tgz", ".gz", ".7z", ".rar", ".tar"}:
        return "archives of this kind are not opened. Unpack it and import the folder."
    return "it is not mail, a calendar, contacts or a LinkedIn export as far as its beginning tells."


def _files(path: Path, spec: ConnectorSpec | None) -> Iterator[tuple[Path, ConnectorSpec | None]]:
    """Each file, or folder that is read as one, with the connector that reads it; None when nobody does.

    In a folder what nobody recognises is passed over, unless it looks like mail that nobody here can read.
    """
    if spec is not None:
        yield path, spec
        return
    if not path.is_dir():
        yield path, recognised(path)
        return
    gathered: dict[str, ConnectorSpec] = {}
    for file, one in _walk(path):
        if one.name in _GATHERED and file.suffix.lower() in _GATHERED[one.name]:
            gathered[one.name] = one
        else:
            yield file, one
    # One reading of a thousand small files is one commit, and not a thousand.
    for one in gathered.values():
        yield path, one


def _walk(folder: Path, claimed: str = "") -> Iterator[tuple[Path, ConnectorSpec]]:
    """What is in a folder and below; a Maildir or an export is one whole, and other kinds beside an export are not lost.

    Args:
        claimed: the kind of the whole that this folder is part of, whose files it has read already.
    """
    whole = recognised(folder)
    if whole is not None and whole.name == "maildir" and _is_maildir(folder):
        yield folder, whole
        return
    if whole is not None and whole.name == "mbox" and (folder / "mbox").is_file():
        yield folder, whole
        return
    if whole is not None and whole.name == "linkedin" and claimed != whole.name:
        yield folder, whole
        claimed = whole.name
    try:
        entries = sorted(os.scandir(folder), key=lambda one: one.name)
    except PermissionError:
        return
    for entry in entries:
        inner = Path(entry.path)
        if entry.is_symlink():
            continue
        if entry.is_dir():
            if not entry.name.startswith(".") or _is_maildir(inner):
                yield from _walk(inner, claimed)
        elif entry.is_file() and not entry.name.startswith("."):
            one = recognised(inner) or _by_ending(inner)
            if one is not None and one.name != claimed:
                yield inner, one


def _is_maildir(folder: Path) -> bool:
    return all((folder / part).is_dir() for part in ("cur", "new"))


def _by_ending(file: Path) -> ConnectorSpec | None:
    """Who should say why a file with a known ending cannot be read."""
    ending = file.suffix.lower()
    return next((connectors()[name] for name, endings in _GATHERED.items() if ending in endings), None)


def recognised(path: Path) -> ConnectorSpec | None:
    """The connector that is surest of a path, if one is sure enough."""
    head = b""
    if path.is_file():
        try:
            with path.open("rb") as file:
                head = file.read(_HEAD)
        except OSError:
            return None
    sure = [(spec.recognise(str(path), head), spec.name) for spec in connectors().values() if spec.recognise]
    best, name = max(sure, default=(0, ""))
    return connectors()[name] if best >= _SURE else None

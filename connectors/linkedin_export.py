"""LinkedIn's data export (ZIP, folder or one CSV) to connections, messages and the rest; it never unpacks to disk.

There is no vendor page on the format: the shapes are those of real archives from 2016 to 2026. Which files an
archive holds decides, never its name: a "Basic" archive may be complete.

    members → the table in each → a first look (date order, newest day, who the owner is) → rows to records

Ties go to a stream of their own for each export, `linkedin/<day>`, so that two exports can be compared; all the rest
is one stream `linkedin`, in which the newer export's version stays.

Promises: incremental: by the file's marks, an unchanged file is not read again; tombstones: none, because who left is
told by comparing exports; paging: done; 429, re-consent, wrong account, revocation: none, because it is a file.
"""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from pathlib import Path

import msgspec
from msgspec import Struct

from connectors import _linkedin_kinds as kinds
from connectors._archive import Member, is_zip, open_members
from connectors._file_memory import PAGE_SIZE, Tally
from connectors._linkedin_csv import (
    Fault,
    Kind,
    Row,
    Table,
    check_found,
    encoding_of_head,
    find_table,
    fold_file,
    has_little,
    nearest_miss,
    read_rows,
    table_in,
)
from connectors._linkedin_dates import DateColumn, Order
from connectors._linkedin_names import full_name, visible_text
from connectors._linkedin_records import (
    READERS,
    Cells,
    Export,
    NotInRow,
    address,
    endorsement,
    is_outgoing,
    profile_ref,
    profile_slug,
    recipients,
)
from schemas.connector import (
    Access,
    Change,
    ConnectorSpec,
    Page,
    Same,
    Skipped,
    Source,
    Unreadable,
    Upsert,
)
from schemas.errors import CursorExpired, UnreadableFile
from schemas.ids import Cursor, ExternalId, StreamName, key64
from schemas.records import Endorsement, ExportSeen, OwnProfile, ProfileRef

STREAM = StreamName("linkedin")
TERMS = "linkedin 1"
"""Raised when an unchanged file must be read again."""

_MOST_FAULTS = 1_000
"""Unreadable rows after which the rest of a member is given up."""
_LIST_END = 30_000
"""Connections beyond which LinkedIn lists none: a list so long may miss some."""
_FIRST_DAY = date(2003, 5, 5)
_MOST_GROUPS = 50_000
_MOST_NAMES = 50_000
_DATED = re.compile(r"(?<!\d)(\d{2})-(\d{2})-(20\d{2})(?!\d)")
_SPLIT_TIME = re.compile(r"\s*\d{1,2}[:.]\d{2}(?!\d)")
_FOREIGN_SUFFIXES = (".mbox", ".eml", ".ics", ".vcf", ".vcard", ".zip", ".pst")

_DATE_WORDS = {
    kinds.CONNECTIONS.name: "connected_on",
    kinds.MESSAGES.name: "date",
    kinds.INVITATIONS.name: "sent_at",
    kinds.RECOMMENDATIONS_RECEIVED.name: "creation_date",
    kinds.RECOMMENDATIONS_GIVEN.name: "creation_date",
    kinds.ENDORSEMENTS_RECEIVED.name: "endorsement_date",
    kinds.ENDORSEMENTS_GIVEN.name: "endorsement_date",
    kinds.NOTES.name: "created_on",
}


class _Memory(Struct):
    """What a finished reading leaves: for what it was done, of which content, and what it gave."""

    terms: str
    mark: str
    tally: Tally


@dataclass
class _Sheet:
    """One member with its table, and what a first look over its rows told."""

    member: Member
    table: Table
    dates: DateColumn
    rows: int = 0
    days: set[str] = field(default_factory=set)
    """Distinct date cells, cut to the day where that is safe."""

    @property
    def kind(self) -> Kind:
        return self.table.kind


@dataclass
class _OwnerTrace:
    """What the files show of whose export it is, gathered row by row."""

    name: str = ""
    emails: list[str] = field(default_factory=list)
    headline: str = ""
    rows: int = 0
    names: dict[str, str] = field(default_factory=dict)
    """Names by slug of those who sent messages."""
    addressed: dict[str, str] = field(default_factory=dict)
    """Names by slug of those to whom alone messages went."""
    inviters: set[str] = field(default_factory=set)
    in_all: set[str] | None = None
    others: set[str] = field(default_factory=set)

    def slug(self) -> str:
        """The owner's own slug, which no file states; empty when the traces disagree.

        Who invites in outgoing invitations; who sends, or else is written to, under the profile's name; else the one
        member who takes part in every conversation.
        """
        if len(self.inviters) == 1:
            return next(iter(self.inviters))
        for known in (self.names, self.addressed):
            named = [one for one, name in known.items() if self.name and name == self.name]
            if len(named) == 1:
                return named[0]
        if self.in_all is not None and len(self.in_all) == 1 and len(self.others) > 2:
            return next(iter(self.in_all))
        return ""


class LinkedInExport:
    """Reads one data export; the same file again is known without reading."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._path = access.files[0]
        self._now = access.clock.now()

    def pull(self, cursor: Cursor | None, /) -> Iterator[Page]:
        """Yield the export's rows as pages of changes; the last page holds the only checkpoint.

        Raises:
            CursorExpired: the cursor is none of this connector's.
            UnreadableFile: the path holds no LinkedIn export, or nothing in it can be understood.
        """
        before = _recall(cursor)
        terms = f"{TERMS} {self._access.keep_text} {self._access.since or ''}"
        with open_members(self._path, _is_wanted) as members:
            chosen = self._choose(members)
            mark = self._mark(chosen)
            if before is not None and (before.terms, before.mark) == (terms, mark) and before.tally.is_whole:
                yield Page(tuple(before.tally.changes()), STREAM, checkpoint=cursor, last=True, files=1)
                return
            tally = Tally()
            total = sum(member.size for member, _ in chosen)
            for page in self._pages(chosen, total):
                for change in page.changes:
                    _count(tally, change)
                yield page
            memory = _Memory(terms, mark, tally)
            done = Cursor(msgspec.json.encode(memory).decode())
            yield Page((), STREAM, checkpoint=done, last=True, done=total, total=total, files=1)

    def _choose(self, members: Sequence[Member]) -> list[tuple[Member, tuple[Kind, ...]]]:
        """The members to read in the order of their kinds, each with the kinds it may be."""
        name = Path(self._path).name
        if not Path(self._path).is_dir() and len(members) == 1 and members[0].path == name:
            return [(members[0], _kinds_of_file(name))]
        level = min((member.path.count("/") for member in members), default=0)
        here = [member for member in members if member.path.count("/") == level]
        if not here:
            raise UnreadableFile(f"{name} holds none of the files of a LinkedIn data export.")
        if len({member.folder for member in here}) > 1:
            raise UnreadableFile(f"{name} holds more than one LinkedIn data export. Import each by itself.")
        named = [(member, _kinds_named(member.name)) for member in here]
        return sorted(named, key=lambda one: (kinds.ALL.index(one[1][0]), one[0].path))

    def _mark(self, chosen: Sequence[tuple[Member, tuple[Kind, ...]]]) -> str:
        parts = [f"{member.path}={member.mark}" for member, _ in chosen]
        named = _day_named(self._path)
        return blake2b("\n".join([str(named), *parts]).encode("utf-8", "replace"), digest_size=16).hexdigest()

    def _pages(self, chosen: Sequence[tuple[Member, tuple[Kind, ...]]], total: int) -> Iterator[Page]:
        sheets: list[_Sheet] = []
        problems: list[Unreadable] = []
        owner = _OwnerTrace()
        for member, possible in chosen:
            try:
                sheet = self._sheet(member, possible, is_alone=len(chosen) == 1)
                if sheet is not None:
                    problems += self._survey(sheet, owner)
                    sheets.append(sheet)
            except UnreadableFile as error:
                problems.append(Unreadable(member.path, str(error)))
        if not any(sheet.rows for sheet in sheets):
            name = Path(self._path).name
            raise UnreadableFile(problems[0].reason if problems else f"{name} holds no row of anything.")
        has_all = sum(sheet.kind is kinds.CONNECTIONS for sheet in sheets) == sum(
            possible[0] is kinds.CONNECTIONS for _, possible in chosen
        )
        export = self._export(sheets, [member for member, _ in chosen], owner)
        yield from _Reading(export, owner, total, has_all_ties=has_all or len(chosen) == 1).pages(
            sheets, problems
        )

    def _sheet(self, member: Member, possible: tuple[Kind, ...], *, is_alone: bool) -> _Sheet | None:
        """The table in a member; None where a side file says that there is nothing to tell.

        Raises:
            UnreadableFile: there is no table, though there should be.
        """
        table = find_table(member, possible)
        if table is None:
            is_side_file = not is_alone and possible[0] is not kinds.CONNECTIONS
            if is_side_file and has_little(member) and not nearest_miss(member, possible[0]):
                return None
            if not member.size:
                raise UnreadableFile(f"{member.path} is empty.")
            table = check_found(table, member, possible[0] if _kinds_named(member.name) else None)
        if table.kind is kinds.RECOMMENDATIONS_RECEIVED and len(possible) > 1:
            raise UnreadableFile(
                f"{member.path} holds recommendations, but its name does not say whether they were given or "
                "received. Name it Recommendations_Given.csv or Recommendations_Received.csv."
            )
        # Who writes semicolons writes days first: both come with the same Excel.
        default: Order = "day first" if table.separator == ";" else "month first"
        latest = (self._now + timedelta(days=2)).date()
        return _Sheet(member, table, DateColumn(default, latest))

    def _survey(self, sheet: _Sheet, owner: _OwnerTrace) -> list[Unreadable]:
        """Look over all rows once: how dates are written, how many there are, and traces of the owner.

        Returns the unreadable rows of the owner's own files, which are not read again.

        Raises:
            UnreadableFile: a list of ties has no row, which is how a changed format goes unnoticed.
        """
        word = _DATE_WORDS.get(sheet.kind.name)
        faults: list[Unreadable] = []
        for row in read_rows(sheet.member, sheet.table):
            sheet.rows += 1
            if isinstance(row, Fault):
                faults.append(_fault(sheet, row))
                if len(faults) > _MOST_FAULTS:
                    break
                continue
            cells = _cells(sheet, row)
            if word is not None:
                said = cells[word].strip()
                sheet.dates.show(said)
                if len(sheet.days) < _MOST_NAMES:
                    sheet.days.add(said[:10] if said[:4].isdigit() else said[:40])
            _trace(sheet.kind, cells, owner)
        if not sheet.rows and sheet.kind is kinds.CONNECTIONS:
            raise UnreadableFile(f"{sheet.member.path} has column names and no row below them.")
        return [] if sheet.kind is kinds.CONNECTIONS or sheet.kind in _ROW_KINDS else faults

    def _export(self, sheets: Sequence[_Sheet], members: Sequence[Member], owner: _OwnerTrace) -> Export:
        return Export(
            exported_on=self._exported_on(sheets, members),
            latest=self._now + timedelta(days=1),
            since=self._access.since,
            keep_text=self._access.keep_text,
            read_text=self._access.read_text,
            names=owner.names,
        )

    def _exported_on(self, sheets: Sequence[_Sheet], members: Sequence[Member]) -> date:
        """The day of the export: as named, else of its newest member, else of the newest thing in it."""
        today = self._now.date()
        named = _day_named(self._path)
        if named is not None and _FIRST_DAY <= named <= today + timedelta(days=1):
            return named
        said = {
            day
            for sheet in sheets
            if sheet.kind in (kinds.CONNECTIONS, kinds.MESSAGES)
            for cell in sheet.days
            if (day := sheet.dates.day(cell)) is not None
        }
        written = {member.modified for member in members if member.modified is not None}
        plausible = [day for day in said | written if _FIRST_DAY <= day <= today + timedelta(days=1)]
        if plausible:
            return max(plausible)
        return min(today, _file_day(self._path))


class _Reading:
    """Turns the rows of all sheets into pages."""

    def __init__(self, export: Export, owner: _OwnerTrace, total: int, *, has_all_ties: bool) -> None:
        self._export = export
        self._has_all_ties = has_all_ties
        self._owner = owner
        self._total = total
        self._done = 0
        self._ties = StreamName(f"linkedin/{export.exported_on}")

    def pages(self, sheets: Sequence[_Sheet], problems: Sequence[Unreadable]) -> Iterator[Page]:
        """Ties first, as they are people; then whose export it is; then the rest."""
        ties = [sheet for sheet in sheets if sheet.kind is kinds.CONNECTIONS]
        rest = [sheet for sheet in sheets if sheet.kind in _ROW_KINDS]
        ids: set[str] = set()
        for sheet in ties:
            yield from self._paged(sheet, self._noting(ids, self._changes(sheet)), self._ties)
        if ties:
            yield self._page([self._list_read(ids, ties)], self._ties, 0)
        yield from self._own(problems)
        for sheet in rest:
            who = _ENDORSERS.get(sheet.kind.name)
            changes = self._endorsements(sheet, who) if who else self._changes(sheet)
            yield from self._paged(sheet, changes, STREAM)

    def _paged(self, sheet: _Sheet, changes: Iterator[Change], stream: StreamName) -> Iterator[Page]:
        page: list[Change] = []
        for seen, change in enumerate(changes, start=1):
            page.append(change)
            if len(page) >= PAGE_SIZE:
                share = min(1.0, seen / max(1, sheet.rows))
                yield self._page(page, stream, int(sheet.member.size * share))
                page = []
        self._done += sheet.member.size
        if page:
            yield self._page(page, stream, 0)

    def _page(self, changes: Sequence[Change], stream: StreamName, done: int) -> Page:
        return Page(_folded(changes), stream, done=min(self._total, self._done + done), total=self._total)

    def _noting(self, ids: set[str], changes: Iterator[Change]) -> Iterator[Change]:
        for change in changes:
            if isinstance(change, Upsert):
                ids.add(change.id)
            elif isinstance(change, Unreadable):
                self._has_all_ties = False
            yield change

    def _list_read(self, ids: set[str], ties: Sequence[_Sheet]) -> Upsert:
        """That the list of ties was read; only a list without a gap can tell who is missing from it."""
        day = self._export.exported_on
        is_complete = self._has_all_ties and sum(sheet.rows for sheet in ties) < _LIST_END
        seen = ExportSeen(exported_on=day, connections=tuple(sorted(ids)), is_complete=is_complete)
        return Upsert(ExternalId("export"), seen, stamp=f"{day}/{len(ids):06d}", is_row=False)

    def _changes(self, sheet: _Sheet) -> Iterator[Change]:
        read = READERS[sheet.kind.name]
        for row in self._rows(sheet):
            if not isinstance(row, Cells):
                yield row
                continue
            try:
                yield read(row, self._export)
            except NotInRow as other:
                yield other.change

    def _endorsements(self, sheet: _Sheet, who: str) -> Iterator[Change]:
        """One record for each person and day; the rows beyond the first of a record are counted as held."""
        way = "in" if who == "endorser" else "out"
        groups: dict[tuple[str, date], tuple[ProfileRef, datetime, dict[str, None]]] = {}
        for row in self._rows(sheet):
            if not isinstance(row, Cells):
                yield row
                continue
            try:
                person, at, skill = endorsement(row, who, self._export)
            except NotInRow as other:
                yield other.change
                continue
            key = (person.linkedin or person.name, at.date())
            group = groups.get(key)
            if group is None:
                if len(groups) >= _MOST_GROUPS:
                    yield from self._endorsed(groups, way)
                    groups.clear()
                groups[key] = (person, at, {skill: None})
            else:
                group[2].setdefault(skill)
                groups[key] = (person, min(group[1], at, key=_comparable), group[2])
                yield Same(1)
        yield from self._endorsed(groups, way)

    def _endorsed(
        self, groups: dict[tuple[str, date], tuple[ProfileRef, datetime, dict[str, None]]], way: str
    ) -> Iterator[Change]:
        for (who, day), (person, at, skills) in groups.items():
            made = Endorsement(
                person=person,
                at=at,
                direction="in" if way == "in" else "out",
                skills=tuple(sorted(filter(None, skills))),
            )
            yield Upsert(
                ExternalId(f"endorsement:{key64(way, who, day.isoformat()):016x}"),
                made,
                stamp=self._export.exported_on.isoformat(),
            )

    def _rows(self, sheet: _Sheet) -> Iterator[Cells | Unreadable | Skipped]:
        """The rows that hold together; what cannot be told apart, or holds nothing, as the change it is."""
        faults = 0
        for row in read_rows(sheet.member, sheet.table):
            cells = _cells(sheet, row) if isinstance(row, Row) else None
            if cells is None or any(cell.strip() for cell in cells.cells[sheet.table.width :]):
                faults += 1
                if faults > _MOST_FAULTS:
                    yield Unreadable(
                        sheet.member.path,
                        f"more than {_MOST_FAULTS:,} rows cannot be read; the rest is left unread",
                    )
                    return
                yield _fault(sheet, row)
            elif any(cell.strip() for cell in cells.cells):
                yield cells
            else:
                yield Skipped("empty row")

    def _own(self, problems: Sequence[Unreadable]) -> Iterator[Page]:
        """Whose export it is; rows of the owner's own files beyond the first are counted as held with it."""
        owner, changes = self._owner, list[Change](problems)
        slug = owner.slug()
        if owner.rows or slug:
            made = OwnProfile(
                name=owner.name or owner.names.get(slug, ""),
                emails=tuple(dict.fromkeys(owner.emails)),
                linkedin=slug,
                headline=owner.headline,
            )
            day = self._export.exported_on.isoformat()
            changes.append(Upsert(ExternalId("profile"), made, stamp=day, is_row=bool(owner.rows)))
            if owner.rows > 1:
                changes.append(Same(owner.rows - 1))
        if changes:
            yield self._page(changes, STREAM, 0)


_ENDORSERS = {kinds.ENDORSEMENTS_RECEIVED.name: "endorser", kinds.ENDORSEMENTS_GIVEN.name: "endorsee"}
_ROW_KINDS = tuple(
    kind
    for kind in kinds.ALL
    if kind is not kinds.CONNECTIONS and (kind.name in READERS or kind.name in _ENDORSERS)
)


def _cells(sheet: _Sheet, row: Row) -> Cells:
    where = f"{sheet.member.path}, line {row.line}"
    cells = row.cells
    word = _DATE_WORDS.get(sheet.kind.name)
    index = sheet.table.columns.get(word) if word is not None else None
    # `08/30/22, 05:51 PM` without its quotes has become two cells (seen in recommendations).
    if (
        index is not None
        and len(cells) > sheet.table.width
        and index + 1 < len(cells)
        and _SPLIT_TIME.match(cells[index + 1])
    ):
        cells = [*cells[:index], f"{cells[index]},{cells[index + 1]}", *cells[index + 2 :]]
    return Cells(where, cells, sheet.table.columns, sheet.dates)


def _fault(sheet: _Sheet, row: Row | Fault) -> Unreadable:
    where = f"{sheet.member.path}, line {row.line}"
    if isinstance(row, Fault):
        return Unreadable(where, row.reason)
    return Unreadable(
        where,
        f"it has {len(row.cells)} columns under {sheet.table.width} names; a comma or quotation mark is astray",
    )


def _trace(kind: Kind, cells: Cells, owner: _OwnerTrace) -> None:
    """Note what a row shows of the owner."""
    if kind is kinds.PROFILE:
        owner.rows += 1
        owner.name = owner.name or full_name(cells["first_name"], cells["last_name"])
        owner.headline = owner.headline or visible_text(cells["headline"])
    elif kind is kinds.EMAIL_ADDRESSES:
        owner.rows += 1
        found = address(cells["email_address"])
        # An address nobody confirmed may be a stranger's.
        if found and cells["confirmed"].strip().lower() != "no" and len(owner.emails) < 100:
            is_main = cells["primary"].strip().lower() == "yes"
            owner.emails.insert(0 if is_main else len(owner.emails), found)
    elif kind is kinds.INVITATIONS:
        inviter = profile_slug(cells["inviter_url"])
        if inviter and is_outgoing(cells) and len(owner.inviters) < 10:
            owner.inviters.add(inviter)
    elif kind is kinds.MESSAGES:
        _trace_message(cells, owner)


def _trace_message(cells: Cells, owner: _OwnerTrace) -> None:
    sender = profile_ref(cells["sender_url"], cells["from"])
    if not sender.linkedin:
        return
    if len(owner.names) < _MOST_NAMES:
        owner.names[sender.linkedin] = sender.name
    to = recipients(cells["recipient_urls"], cells["to"], {})
    if len(to) == 1 and to[0].linkedin and len(owner.addressed) < _MOST_NAMES:
        owner.addressed[to[0].linkedin] = to[0].name
    present = {sender.linkedin, *(one.linkedin for one in to if one.linkedin)}
    if len(present) > 1:
        owner.in_all = present if owner.in_all is None else owner.in_all & present
        if len(owner.others) < 100:
            owner.others |= present


def _comparable(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _folded(changes: Sequence[Change]) -> tuple[Change, ...]:
    """The changes with neighbouring counts of one kind added up."""
    kept: list[Change] = []
    for change in changes:
        last = kept[-1] if kept else None
        if isinstance(change, Same) and isinstance(last, Same):
            kept[-1] = Same(last.count + change.count)
        elif isinstance(change, Skipped) and isinstance(last, Skipped) and change.reason == last.reason:
            kept[-1] = Skipped(change.reason, last.count + change.count)
        else:
            kept.append(change)
    return tuple(kept)


def _count(tally: Tally, change: Change) -> None:
    if isinstance(change, Same):
        tally.held += change.count
    elif not isinstance(change, Upsert) or change.is_row:
        tally.add(change)


def _recall(cursor: Cursor | None) -> _Memory | None:
    if cursor is None:
        return None
    try:
        return msgspec.json.decode(cursor, type=_Memory)
    except msgspec.DecodeError:
        raise CursorExpired("What is remembered of this export is unreadable; it is read anew.") from None


def _is_wanted(name: str) -> bool:
    return not name.startswith("._") and bool(_kinds_named(name))


def _kinds_named(name: str) -> tuple[Kind, ...]:
    folded = fold_file(name)
    return tuple(kind for kind in kinds.ALL if folded in kind.files) if folded else ()


def _kinds_of_file(name: str) -> tuple[Kind, ...]:
    """The kinds a single file may be: the one it is named for first, then any by its header."""
    named = _kinds_named(name)
    if kinds.RECOMMENDATIONS_GIVEN in named or kinds.RECOMMENDATIONS_RECEIVED in named:
        return named
    return (*named, *(kind for kind in kinds.BY_HEADER if kind not in named))


def _day_named(path: str) -> date | None:
    """The MM-DD-YYYY in the name of the file or of the folder it lies in."""
    place = Path(path)
    for name in (place.name, place.absolute().parent.name):
        match = _DATED.search(name)
        if match is None:
            continue
        first, second, year = (int(part) for part in match.groups())
        month, day = (first, second) if first <= 12 else (second, first)
        try:
            return date(year, month, day)
        except ValueError:
            continue
    return None


def _file_day(path: str) -> date:
    try:
        return datetime.fromtimestamp(Path(path).stat().st_mtime, UTC).date()
    except (OSError, ValueError, OverflowError):
        return date.max


def recognise(path: str, head: bytes) -> int:
    """How surely a path is a LinkedIn data export: a ZIP or folder by its members, a CSV by its header."""
    place = Path(path)
    try:
        if place.is_dir():
            return _recognise_folder(place)
        if is_zip(head):
            with open_members(path, _is_wanted) as members:
                return _sureness([member.name for member in members])
    except UnreadableFile:
        return 0
    return _recognise_csv(place.name, head)


def _recognise_folder(place: Path) -> int:
    if (place / "cur").is_dir():
        # A Maildir may hold a million files, and is not worth a look at each.
        return 0
    with open_members(str(place), lambda name: not name.startswith(".")) as members:
        # A folder that holds mail or calendars as well is not an export; its files are known one by one.
        if any(member.name.lower().endswith(_FOREIGN_SUFFIXES) for member in members):
            return 0
        found = [member for member in members if _is_wanted(member.name)]
    top = [member.name for member in found if not member.folder]
    if top:
        return _sureness(top)
    is_one_folder = sum(not entry.name.startswith(".") for entry in place.iterdir()) == 1
    return _sureness([member.name for member in found]) if is_one_folder else 0


def _sureness(names: Sequence[str]) -> int:
    found = {kind.name for name in names for kind in _kinds_named(name)}
    if kinds.CONNECTIONS.name in found or len(found) >= 3:
        return 95
    return 60 if found - {kinds.IMPORTED_CONTACTS.name, kinds.NOTES.name} else 0


def _recognise_csv(name: str, head: bytes) -> int:
    if not name.lower().endswith((".csv", ".txt", ".tsv")):
        return 0
    encoding = encoding_of_head(head) or "utf-8"
    text = io.StringIO(head.decode(encoding, errors="replace"), newline="")
    table = table_in(iter(text), encoding, _kinds_of_file(name))
    if table is None:
        return 40 if _kinds_named(name) and "linkedin" in str(name).lower() else 0
    if _kinds_named(name):
        return 90
    if table.kind is kinds.CONNECTIONS and "connected_on" not in table.columns:
        # Any address book has names and addresses.
        return 20
    return 80


def open_source(access: Access) -> Source:
    """A source over the one path of `access`."""
    return LinkedInExport(access)


SPEC = ConnectorSpec(
    name="linkedin",
    title="LinkedIn data export",
    stream=STREAM,
    open_source=open_source,
    recognise=recognise,
)

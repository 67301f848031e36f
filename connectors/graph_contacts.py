"""Contacts of Microsoft 365 and Outlook.com over Microsoft Graph; it never writes.

https://learn.microsoft.com/graph/api/contact-delta, read 2026-11. Each folder has a delta of its own; the default one is not
among the folders that are listed, and goes by the name `contacts`. Where that way to it is refused, `me/contacts/delta` is
asked, which takes no options at all. Entries become contacts as cards do (`_graph_people`).

Promises: incremental: done, by delta; a link that ended costs one list, which is compared. tombstones: done, also of folders
that are gone. paging: done. 429: done. re-consent: done. wrong account: none here, as the sign-in compares. revocation: none
here, as the sign-in does it. notices: done, of all folders at once (`_graph_channels`).
"""

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import quote

import msgspec
from msgspec import Raw, Struct, field

from connectors._graph import IMMUTABLE, QUOTAS, Ask, Graph, require
from connectors._graph_channels import watching
from connectors._graph_delta import Pages, Place, changes_since, whole_round
from connectors._graph_people import SELECTED, Entry, contact_of, entry_stamp, read_entry
from connectors._graph_rows import id_of
from connectors._holdings import failing, suspicious
from connectors._mail_text import clean
from connectors._revisions import Kept, is_older, revised
from schemas.connector import (
    Access,
    Collection,
    ConnectorSpec,
    Page,
    Scope,
    Skipped,
    Source,
    Survey,
    Tombstone,
    Unreadable,
    Upsert,
)
from schemas.errors import (
    CursorExpired,
    KithError,
    Missing,
    RateLimited,
    Rejected,
    SuspiciousSnapshot,
    Transient,
)
from schemas.ids import Cursor, ExternalId, StreamName

STREAM = StreamName("contacts")
_PERMISSIONS = ("Contacts.Read", "Contacts.ReadWrite")
_PREFER = (IMMUTABLE, "odata.maxpagesize=200")
_DEFAULT = "contacts"
"""The name that the default folder goes by in a path."""
_TERMS = "1"
_BARE = "1 bare"
"""What the round of a default folder rests on that can only be asked for without options."""
_LIST_EVERY = timedelta(hours=6)


class _Folder(Struct, frozen=True, rename="camel"):
    """https://learn.microsoft.com/graph/api/resources/contactfolder."""

    id: str
    display_name: str | None = None
    removed: Raw | None = field(default=None, name="@removed")


class _Member(Struct, array_like=True):
    """A contact: what it said, and the last whole round that named it."""

    kept: Kept
    named: int = 0


class _Book(Struct, array_like=True):
    """A folder, where its delta stands, and the contacts in it by their ids."""

    name: str = ""
    place: Place = field(default_factory=Place)
    members: dict[str, _Member] = field(default_factory=dict)


class _State(Struct, forbid_unknown_fields=True):
    """A cursor. `default` is the id of the default folder, once a contact told it; `terms` is what all reading rests on."""

    version: int = 1
    terms: str = ""
    default: str = ""
    listed_at: int = 0
    books: dict[str, _Book] = field(default_factory=dict)


class GraphContactsSource:
    """Reads the address books of one account.

    Settings: `region` (the country of numbers without `+`) and `owner_emails` (whose entry is left out).
    """

    def __init__(self, access: Access) -> None:
        self._access = access

    def pull(self, cursor: Cursor | None, /) -> Iterator[Page]:
        """Yield what changed after the cursor, a stream for each folder.

        Raises:
            CursorExpired: the cursor is none of this connector's.
            SuspiciousSnapshot: everything in a folder is gone at once.
            ConnectorError: Microsoft does not answer as it should.
        """
        require(self._access, *_PERMISSIONS)
        yield from _Reading(self._access, _recall(cursor, self._access)).pages()


class _Reading:
    """One pull."""

    def __init__(self, access: Access, state: _State) -> None:
        self._access = access
        self._state = state
        self._graph = _open_graph(access)
        self._region = str(access.settings.get("region") or "")
        self._owner = _owner_emails(access)
        self._now = int(access.clock.now().timestamp())
        self._is_late = False
        """Whether rows tell how things were when a round was begun, in an earlier pull."""
        self._pages = Pages(
            lambda: Cursor(msgspec.json.encode(state).decode()),
            lambda: sum(len(book.members) for book in state.books.values()),
        )

    def pages(self) -> Iterator[Page]:
        """Every page there is: what changed, and what a whole round names, folder by folder."""
        if not 0 <= self._now - self._state.listed_at < _LIST_EVERY.total_seconds():
            yield from self._look_around()
        faults: dict[str, KithError] = {}
        for name, book in list(self._state.books.items()):
            try:
                yield from self._read(name, book)
            except RateLimited:
                raise
            except (Transient, Rejected, SuspiciousSnapshot) as fault:
                # One folder that fails does not keep the others from being read.
                faults[name] = fault
                if self._pages.changes:
                    yield self._pages.take(_stream(name))
                if isinstance(fault, Missing):
                    yield from self._look_around()
        left = [fault for name, fault in faults.items() if name in self._state.books]
        if left:
            raise failing(left, len(self._state.books))
        yield self._pages.take(_stream(next(iter(self._state.books), "")), is_last=True)

    # ------ which folders

    def _look_around(self) -> Iterator[Page]:
        """List the folders; take away what came from those that are gone."""
        state = self._state
        found = {one.id: clean(one.display_name or "") for one in _folders(self._graph)}
        # Should the default folder be listed after all, it is read once.
        found.pop(state.default, None)
        found[_DEFAULT] = "Contacts"
        for one in [one for one in state.books if one not in found]:
            book = state.books.pop(one)
            self._pages.changes += [Tombstone(ExternalId(each)) for each in book.members]
            self._pages.work += len(book.members)
            if self._pages.changes:
                yield self._pages.take(_stream(one))
        for one, name in found.items():
            state.books.setdefault(one, _Book()).name = name
        state.listed_at = self._now

    # ------ one folder

    def _read(self, name: str, book: _Book) -> Iterator[Page]:
        place = book.place
        yield from self._changes(name, book)
        if place.link and place.terms:
            return
        if not place.round_terms:
            place.begin(_TERMS)
        self._is_late = is_late = bool(place.page)
        try:
            yield from self._round(name, book)
        except Rejected:
            if name != _DEFAULT or place.page or place.round_terms == _BARE:
                raise
            place.begin(_BARE)
            yield from self._round(name, book)
        if is_late:
            # What has changed since the round was begun.
            yield from self._changes(name, book)

    def _changes(self, name: str, book: _Book) -> Iterator[Page]:
        place = book.place
        self._is_late = False
        for rows in changes_since(self._graph, place) if place.link else ():
            self._take(name, book, rows.value)
            if not rows.next_link:
                place.link = rows.delta_link
            if self._pages.changes:
                yield self._pages.take(_stream(name))

    def _round(self, name: str, book: _Book) -> Iterator[Page]:
        place = book.place
        way, query = f"me/contactFolders/{quote(name, safe='')}/contacts/delta", {"$select": SELECTED}
        if place.round_terms == _BARE:
            way, query = "me/contacts/delta", {}
        for rows in whole_round(self._graph, place, way, query):
            self._take(name, book, rows.value)
            if not rows.next_link:
                self._retire_unnamed(book)
            place.turn(rows)
            yield self._pages.take(_stream(name))

    def _retire_unnamed(self, book: _Book) -> None:
        gone = [one for one, member in book.members.items() if member.named != book.place.round]
        if len(gone) > 1 and len(gone) == len(book.members):
            raise SuspiciousSnapshot(suspicious(book.name, len(gone), "contacts"))
        for one in gone:
            self._retire(book, one)

    def _take(self, name: str, book: _Book, rows: tuple[Raw, ...]) -> None:
        """Tell what rows say; those that leave something out are asked for before anything is told."""
        entries: list[Entry] = []
        partial: list[str] = []
        for number, row in enumerate(rows):
            entry = self._entry(row, book, f"row {number + 1} of a page")
            if entry is None:
                continue
            if entry.removed is None and not entry.is_told:
                partial.append(entry.id)
            else:
                entries.append(entry)
        entries += self._asked(name, book, partial)
        for entry in entries:
            self._tell(name, book, entry)
        self._pages.work += len(rows)

    def _asked(self, name: str, book: _Book, ids: list[str]) -> Iterator[Entry]:
        way = f"me/contactFolders/{quote(name, safe='')}/contacts"
        if _BARE in {book.place.round_terms, book.place.terms}:
            way = "me/contacts"
        asks = [Ask(f"{way}/{quote(one, safe='')}", query={"$select": SELECTED}) for one in ids]
        for one, said in zip(ids, self._graph.batch(asks), strict=True):
            # One that went between two answers is told of as removed by the next round.
            if not isinstance(said.error, Missing):
                entry = self._entry(said.read(Raw), book, one)
                if entry is not None:
                    yield entry

    def _entry(self, row: Raw, book: _Book, where: str) -> Entry | None:
        try:
            return read_entry(row)
        except ValueError as fault:
            one = id_of(row)
            # What cannot be read now is not gone: it stays as it was held.
            if one in book.members:
                book.members[one].named = book.place.round
            self._pages.changes.append(
                Unreadable(f"{book.name}, {f'contact …{one[-24:]}' if one else where}", str(fault))
            )
            return None

    def _tell(self, name: str, book: _Book, entry: Entry) -> None:
        if entry.removed is not None:
            self._retire(book, entry.id)
            return
        if name == _DEFAULT and entry.parent_folder_id:
            self._state.default = entry.parent_folder_id
        contact = contact_of(entry, self._region, self._owner)
        if isinstance(contact, Skipped):
            self._retire(book, entry.id)
            self._pages.changes.append(contact)
            return
        member = book.members.get(entry.id)
        if member is not None and self._is_late and is_older(member.kept, entry_stamp(entry)):
            member.named = book.place.round
            return
        kept = revised(member.kept if member else None, contact, entry_stamp(entry))
        if kept is not None:
            self._pages.changes.append(Upsert(ExternalId(entry.id), contact, kept.stamp))
        if kept is not None or member is not None:
            book.members[entry.id] = _Member(kept or book.members[entry.id].kept, book.place.round)

    def _retire(self, book: _Book, one: str) -> None:
        if book.members.pop(one, None) is not None:
            self._pages.changes.append(Tombstone(ExternalId(one)))


def _recall(cursor: Cursor | None, access: Access) -> _State:
    terms = (
        f"graph_contacts 1 {access.settings.get('region') or ''} {' '.join(sorted(_owner_emails(access)))}"
    )
    if cursor is None:
        return _State(terms=terms)
    try:
        state = msgspec.json.decode(cursor, type=_State)
    except (msgspec.DecodeError, UnicodeEncodeError):
        raise CursorExpired("The place where reading stopped is unreadable; all is read anew.") from None
    if state.version != 1 or not state.terms:
        raise CursorExpired("The place where reading stopped is of another release; all is read anew.")
    if state.terms != terms:
        # What was read stays known, so that what has gone since is noticed; but all of it is read again.
        for book in state.books.values():
            book.place.terms = book.place.round_terms = ""
    state.terms = terms
    return state


def _owner_emails(access: Access) -> frozenset[str]:
    return frozenset(str(email).lower() for email in access.settings.get("owner_emails", ()))


def _stream(name: str) -> StreamName:
    return StreamName(f"{STREAM}/{name}") if name else STREAM


def _open_graph(access: Access) -> Graph:
    return Graph(access, needs=_PERMISSIONS[0], prefer=_PREFER)


def _folders(graph: Graph) -> list[_Folder]:
    """Every folder but the default one, those within others too: the delta of folders is flat."""
    found = []
    for rows in graph.pages("me/contactFolders/delta"):
        for row in rows.value:
            try:
                one = msgspec.json.decode(row, type=_Folder)
            except (msgspec.DecodeError, RecursionError) as error:
                # A folder that is not listed would be held for gone.
                raise Transient(
                    "Microsoft's list of contact folders cannot be read. Kith tries again."
                ) from error
            if one.removed is None:
                found.append(one)
    return found


# ------ connecting


def survey(access: Access) -> Survey:
    """Sign in, and tell what address books there are."""
    require(access, *_PERMISSIONS)
    folders = _folders(_open_graph(access))
    return Survey(
        str(access.settings.get("user") or "") or "nobody",
        (
            Collection(_DEFAULT, "Contacts", "contacts"),
            *(Collection(one.id, clean(one.display_name or ""), "contacts") for one in folders),
        ),
        ("tells what changed since the last look",),
    )


def open_source(access: Access) -> Source:
    """A source over the address books of an account."""
    return GraphContactsSource(access)


SPEC = ConnectorSpec(
    name="graph_contacts",
    title="Microsoft contacts",
    stream=STREAM,
    account="microsoft",
    open_source=open_source,
    survey=survey,
    scopes=(
        Scope(
            "Contacts.Read",
            "Reads names, addresses, numbers and firms in your address book: so Kith knows which addresses are one person, "
            "and what they are called. Notes, birthdays and photos are not asked for.",
        ),
    ),
    watch=watching(lambda _access: ("me/contacts",)),
    interval=timedelta(minutes=15),
    quotas=QUOTAS,
)

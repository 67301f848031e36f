"""Reads the collections of a DAV account in pages: what changed since the cursor, and nothing twice.

A cursor is JSON. For each collection it holds the sync-token up to which all is read, and for each member its etag and
what it gave. So a listing is compared with what is known, whether it tells of changes or of everything: a dead token
costs one listing and no body, a pull that was broken off goes on where it was, and what is missing from a whole listing
is known to be gone. A token is kept only once everything that it stands for is in pages.

    home listed -- same token or ctag --> nothing to do for that collection
        |
        +-- else: sync-collection, or PROPFIND --> compared --> gone: tombstones; new or changed: fetched, pages
        |
        +-- not in the home: its items are gone (a collection that only cannot be read is left as it is)

A poll that finds nothing new is one request. Once a month everything is listed anew: then series reach a month further,
and what a token may have missed is healed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct, field

from connectors._dav import Dav, DavCollection, Fetched, Home, Kind, Listing, open_dav
from connectors._holdings import Contents, Pages, failing, suspicious
from connectors._revisions import Kept
from schemas.connector import Access, Collection, Page, Survey, Unreadable
from schemas.errors import (
    CursorExpired,
    KithError,
    Missing,
    RateLimited,
    Rejected,
    SuspiciousSnapshot,
    Transient,
)
from schemas.ids import Cursor, StreamName


class Reader(Struct, frozen=True):
    """What a connector makes of its members.

    `read` takes a body, the name that people know it by, and its collection's. `terms` is what the reading rests on:
    when it changes, everything is read again. When `month` changes, everything is listed again.
    """

    kind: Kind
    stream: StreamName
    read: Callable[[bytes, str, str], Contents]
    is_ours: Callable[[DavCollection], bool]
    is_default: Callable[[DavCollection], bool]
    terms: str
    month: str


class _Member(Struct, array_like=True):
    etag: str
    items: dict[str, Kept]
    rolls_on: bool = False


class _Held(Struct, array_like=True):
    """A collection: its path, the month in which all of it was listed, its token and ctag, its members by name."""

    path: str
    month: str = ""
    token: str = ""
    ctag: str = ""
    members: dict[str, _Member] = field(default_factory=dict)

    def count(self) -> int:
        return sum(len(member.items) for member in self.members.values())


class _State(Struct, forbid_unknown_fields=True):
    """All that is remembered: for what the members were read, where the homes are, and the collections by id."""

    terms: str
    since: str
    url: str
    home: Home | None
    held: dict[str, _Held]


class _Work(Struct):
    """What is to be done for one collection."""

    collection: DavCollection
    held: _Held
    gone: list[str]
    wanted: dict[str, str]
    token: str
    bodies: Mapping[str, bytes]


class DavSource:
    """Reads the chosen collections of one account."""

    def __init__(self, access: Access, reader: Reader) -> None:
        self._access = access
        self._reader = reader

    def pull(self, cursor: Cursor | None, /) -> Iterator[Page]:
        """Yield what changed after the cursor, a stream for each collection.

        Raises:
            CursorExpired: the cursor is none of this connector's.
            SuspiciousSnapshot: everything is gone at once.
            Missing: there is none of the collections that were chosen.
            PartlyRead: some of them could not be read; the others were.
        """
        state = self._recall(cursor)
        dav = open_dav(self._access, self._reader.kind)
        try:
            yield from self._pages(dav, state)
        finally:
            dav.close()

    def _pages(self, dav: Dav, state: _State) -> Iterator[Page]:
        found = self._collections(dav, state)
        pages = Pages(state, lambda: sum(len(held.members) for held in state.held.values()))
        yield from self._retire(state, found, pages)
        works: list[_Work] = []
        faults: list[KithError] = []
        chosen = self._chosen(found)
        for one in chosen:
            try:
                work = self._compare(dav, one, state)
            except RateLimited:
                raise
            except (Transient, Rejected, SuspiciousSnapshot) as fault:
                # One calendar that fails does not keep the others from being read.
                faults.append(fault)
                continue
            if work is not None:
                works.append(work)
        pages.total += sum(len(work.wanted) for work in works)
        for work in works:
            try:
                yield from self._do(dav, work, pages)
            except RateLimited:
                raise
            except (Transient, Rejected) as fault:
                faults.append(fault)
                if pages.changes:
                    yield pages.take(self._stream(work.collection.id))
        if faults:
            raise failing(faults, len(chosen))
        stream = self._stream(next(iter(state.held), ""))
        yield pages.take(stream, is_last=True)

    # ------ which collections

    def _collections(self, dav: Dav, state: _State) -> list[DavCollection]:
        ids = {held.path: name for name, held in state.held.items()}
        with_tokens = any(held.token and not held.ctag for held in state.held.values())
        if state.home is not None:
            try:
                return dav.collections(state.home, ids, with_tokens=with_tokens)
            except Rejected:
                state.home = None
        state.home = dav.discover()
        return dav.collections(state.home, ids, with_tokens=with_tokens)

    def _chosen(self, found: Sequence[DavCollection]) -> list[DavCollection]:
        ours = [one for one in found if self._reader.is_ours(one)]
        named = _named_in(self._access)
        chosen = [
            one
            for one in ours
            if (_is_named(one, named) if named else self._reader.is_default(one) and one.can_read)
        ]
        if named and not chosen:
            there = ", ".join(f"“{one.name}”" for one in ours[:20]) or "none"
            raise Missing(f"There is nothing called {', '.join(sorted(named))} there. There is: {there}.")
        return chosen

    def _retire(self, state: _State, found: Sequence[DavCollection], pages: Pages) -> Iterator[Page]:
        """Take away what came from collections that the home no longer has, or that the owner no longer chooses."""
        there = {one.id: one for one in found}
        named = _named_in(self._access)
        total = sum(held.count() for held in state.held.values())
        if not found and total > 1:
            raise SuspiciousSnapshot(suspicious(self._access.account, total))
        for name in list(state.held):
            one = there.get(name)
            if one is None or (named and not _is_named(one, named)):
                held = state.held[name]
                for member in list(held.members):
                    _drop(held, member, pages)
                    if pages.is_full():
                        yield pages.take(self._stream(name))
                del state.held[name]
                if pages.changes:
                    yield pages.take(self._stream(name))

    # ------ one collection

    def _compare(self, dav: Dav, one: DavCollection, state: _State) -> _Work | None:
        """List a collection and compare; None when nothing is to be done for it."""
        month = self._reader.month
        held = state.held.setdefault(one.id, _Held(urlsplit(one.url).path, month))
        is_new_month = held.month != month
        mark, known = (one.ctag, held.ctag) if one.ctag else (one.token, held.token)
        if mark and mark == known and not is_new_month:
            return None
        listing = dav.listing(
            one, "" if is_new_month else held.token, with_bodies=not held.members and not held.token
        )
        gone = _gone(listing, held)
        wanted = {
            name: etag
            for name, etag in listing.etags.items()
            if name not in held.members or not etag or held.members[name].etag != etag
        }
        if listing.is_full and not listing.etags and held.count() > 1:
            raise SuspiciousSnapshot(suspicious(one.name, held.count()))
        if is_new_month:
            for name, member in held.members.items():
                if member.rolls_on and name in listing.etags:
                    wanted.setdefault(name, listing.etags[name])
        return _Work(one, held, gone, wanted, listing.token, listing.bodies)

    def _do(self, dav: Dav, work: _Work, pages: Pages) -> Iterator[Page]:
        held, stream = work.held, self._stream(work.collection.id)
        for name in work.gone:
            _drop(held, name, pages)
            if pages.is_full():
                yield pages.take(stream)
        here = (
            Fetched(name, etag, work.bodies[name])
            for name, etag in work.wanted.items()
            if name in work.bodies
        )
        rest = [name for name in work.wanted if name not in work.bodies]
        for fetched in chain(here, dav.fetch(work.collection.url, rest)):
            self._take(fetched, work, pages)
            pages.done += 1
            if pages.is_full():
                yield pages.take(stream)
        held.token, held.ctag, held.month = work.token, work.collection.ctag, self._reader.month
        if pages.changes:
            yield pages.take(stream)

    def _take(self, fetched: Fetched, work: _Work, pages: Pages) -> None:
        held, name = work.held, fetched.name
        before = held.members.get(name)
        if fetched.body is None and not fetched.fault:
            _drop(held, name, pages)
            return
        where = f"{work.collection.name}, {name}"
        contents = Contents({}, [Unreadable(where, fetched.fault)])
        if fetched.body is not None:
            contents = self._reader.read(fetched.body, where, work.collection.name)
        # The listing's etag and not that of the body: a change between the two is then seen next time.
        gave = pages.tell(name, before.items if before else {}, contents)
        held.members[name] = _Member(work.wanted[name], gave, contents.rolls_on)

    # ------ the cursor

    def _recall(self, cursor: Cursor | None) -> _State:
        terms, since = self._reader.terms, str(self._access.since or "")
        url = str(self._access.settings.get("url") or "")
        if cursor is None:
            return _State(terms, since, url, None, {})
        try:
            state = msgspec.json.decode(cursor, type=_State)
        except (msgspec.DecodeError, UnicodeEncodeError):
            raise CursorExpired("The place where reading stopped is unreadable; all is read anew.") from None
        if state.terms != terms or since < state.since:
            # What was read stays known, so that what has gone since is noticed; but all of it is read again.
            for held in state.held.values():
                held.token = held.ctag = held.month = ""
                for member in held.members.values():
                    member.etag = ""
        if state.url != url:
            state.home = None
        state.terms, state.since, state.url = terms, since, url
        return state

    def _stream(self, name: str) -> StreamName:
        return StreamName(f"{self._reader.stream}/{name}") if name else self._reader.stream


def survey(access: Access, reader: Reader, role: Callable[[DavCollection], str]) -> Survey:
    """Sign in, and tell what collections there are and what the server can do."""
    dav = open_dav(access, reader.kind)
    try:
        home = dav.discover()
        found = dav.collections(home)
    finally:
        dav.close()
    collections = tuple(
        Collection(
            one.id,
            one.name if one.can_read else f"{one.name} (not readable)",
            role(one),
            is_read=reader.is_ours(one) and reader.is_default(one) and one.can_read,
        )
        for one in found
    )
    can_sync = any(one.can_sync for one in found)
    abilities = ["tells changes (sync-collection)" if can_sync else "is compared by etag"]
    if any(one.can_write for one in found):
        abilities.append("can be written to")
    settings: Mapping[str, str] = {"principal": home.principal} if home.principal else {}
    user = str(access.settings.get("user") or "") or urlsplit(home.principal or home.urls[0]).path.strip("/")
    return Survey(user or "nobody", collections, tuple(abilities), {**settings, "home": home.urls[0]})


def _drop(held: _Held, name: str, pages: Pages) -> None:
    """A member is gone, with all that it gave."""
    member = held.members.pop(name, None)
    if member is not None:
        pages.retire(name, member.items)


def _gone(listing: Listing, held: _Held) -> list[str]:
    if listing.is_full:
        return [name for name in held.members if name not in listing.etags]
    return [name for name in listing.gone if name in held.members]


def _named_in(access: Access) -> frozenset[str]:
    """The names or ids that the owner chose, folded; empty for all."""
    given = access.settings.get("calendars") or ()
    names = given.split(",") if isinstance(given, str) else given
    return frozenset(str(name).strip().casefold() for name in names if str(name).strip())


def _is_named(one: DavCollection, named: frozenset[str]) -> bool:
    return one.id.casefold() in named or one.name.casefold() in named

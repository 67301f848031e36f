"""Reads folders of a mailbox in pages: what changed in each since the cursor, and nothing twice.

A cursor is JSON. For each folder it holds the sync state up to which all is read, and of each item a digest of its version
and what it gave, under a short name of its id (its own is some 150 characters long). So a state that the server no longer
takes costs one listing and no item that is known; what such a listing lacks is known to be gone; and a pull that was
broken off goes on where it was. What is gone is taken away last, when all folders were read: what was only moved to
another has come again by then.

    folders listed -- quiet --> nothing to do for that one
        |
        +-- else: SyncFolderItems, page after page --> new or changed: GetItem, pages --> all folders --> tombstones

Once a month series are read anew, so that they reach a month further.
"""

from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b

import msgspec
from msgspec import Struct, field

from connectors._exchange import Exchange, Folder
from connectors._exchange_elements import Changed, Element, ItemId, Property, id_of, key_of
from connectors._exchange_folders import Seen, is_quiet, left
from connectors._exchange_line import Fault
from connectors._holdings import Contents, Pages, failing, suspicious
from connectors._revisions import Kept
from connectors._withheld import withheld
from schemas.connector import Access, Page, Unreadable
from schemas.errors import CursorExpired, KithError, Rejected, SuspiciousSnapshot
from schemas.ids import Cursor, StreamName

BATCH = 50
"""Items asked for at once."""


class Reader(Struct, frozen=True):
    """What a connector makes of its items.

    `listed` is what a listing is asked for, by which `is_wanted` tells whether an item is read at all; `whole` is what is
    asked for of one that is. `read` takes some items of a folder, and may ask for more. `terms` is what the reading rests
    on: when it changes, everything is read again. When `month` changes, what rolls on is.
    """

    stream: StreamName
    folders: Callable[[Sequence[Folder]], list[Folder]]
    listed: Sequence[Property]
    is_wanted: Callable[[Element], bool]
    whole: Sequence[Property]
    read: Callable[[Exchange, Sequence[Element], Folder], list[Contents]]
    terms: str
    month: str = ""


class _Item(Struct, array_like=True):
    """An item as it was read: a digest of its version, what it gave, and its id where it rolls on."""

    version: str
    gave: dict[str, Kept]
    id: str = ""


class _Held(Struct, array_like=True):
    """A folder: how it was left, the month of its series, its items, and those of them that are gone.

    `unnamed` are items that no listing has named up to the state that is kept: what is still unnamed once the folder was
    listed to its end is gone, and nobody will say so.
    """

    seen: Seen = field(default_factory=Seen)
    month: str = ""
    items: dict[str, _Item] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    unnamed: set[str] = field(default_factory=set)


class _State(Struct):
    terms: str
    since: str
    roles: dict[str, str]
    held: dict[str, _Held]


class ExchangeSource:
    """Reads the chosen folders of one account."""

    def __init__(self, access: Access, reader: Reader) -> None:
        self._access = access
        self._reader = reader

    def pull(self, cursor: Cursor | None, /) -> Iterator[Page]:
        """Yield what changed after the cursor, a stream for each folder.

        Raises:
            CursorExpired: the cursor is none of this connector's.
            SuspiciousSnapshot: everything is gone at once, of a folder or of all.
            Rejected: a folder cannot be read; the others were.
            Missing: there is none of the folders that were chosen.
        """
        state = self._recall(cursor)
        line = Exchange(self._access)
        try:
            yield from _Reading(self._access, self._reader, line, state).pages()
        finally:
            line.close()

    def _recall(self, cursor: Cursor | None) -> _State:
        terms, since = self._reader.terms, str(self._access.since or "")
        if cursor is None:
            return _State(terms, since, {}, {})
        try:
            state = msgspec.json.decode(cursor, type=_State)
        except (msgspec.DecodeError, UnicodeEncodeError):
            raise CursorExpired("The place where reading stopped is unreadable; all is read anew.") from None
        if state.terms != terms or since < state.since:
            # What was read stays known, so that what has gone since is noticed; but all of it is read again.
            for held in state.held.values():
                held.seen = Seen()
                for item in held.items.values():
                    item.version = ""
        state.terms, state.since = terms, since
        return state


class _Reading:
    """One pull."""

    def __init__(self, access: Access, reader: Reader, line: Exchange, state: _State) -> None:
        self._access = access
        self._reader = reader
        self._line = line
        self._state = state
        self._pages = Pages(state, lambda: sum(len(held.items) for held in state.held.values()))

    def pages(self) -> Iterator[Page]:
        state = self._state
        folders = self._reader.folders(self._line.folders(state.roles))
        faults: list[KithError] = []
        for folder in folders:
            held = state.held.setdefault(folder.key, _Held(month=self._reader.month))
            try:
                yield from self._follow(folder, held)
            except (Rejected, SuspiciousSnapshot) as fault:
                # One folder that fails does not keep the others from being read.
                faults.append(fault)
                yield self._page(folder.key, is_kept=True)
        if faults:
            # Nothing is taken away: it may have been moved to where nobody could look.
            raise failing(faults, len(folders))
        there = {folder.key for folder in folders}
        lost = sum(len(held.items) for key, held in state.held.items() if key not in there)
        if lost > 1 and not any(held.items for key, held in state.held.items() if key in there):
            raise SuspiciousSnapshot(suspicious(self._access.account, lost))
        for key, held in list(state.held.items()):
            held.gone = held.gone if key in there else set(held.items)
            yield from self._retire(key, held)
            if key not in there:
                del state.held[key]
        yield self._page("", is_last=True)

    def _follow(self, folder: Folder, held: _Held) -> Iterator[Page]:
        """What is new in a folder, and once a month what reaches further."""
        is_new_month = held.month != self._reader.month
        if is_new_month or not is_quiet(folder, held.seen, self._access.clock):
            yield from self._read(folder, held)
        if is_new_month:
            yield from self._roll_on(folder, held)
            held.month = self._reader.month

    def _read(self, folder: Folder, held: _Held) -> Iterator[Page]:
        """What changed in a folder; all there is, and by what is missing what is gone, where its state is dead."""
        token = held.seen.state
        is_full = not token
        while True:
            if not token:
                is_full, held.seen, held.unnamed = True, Seen(), set(held.items)
            try:
                said = self._line.changes(folder.id, token, self._reader.listed)
            except CursorExpired:
                if not token:
                    raise
                token = ""
                continue
            wanted = [id_of(one.item) for one in said.changes if self._is_to_be_read(one, held)]
            held.unnamed |= {key_of(one.id) for one in wanted}
            yield from self._take(folder, held, wanted)
            held.unnamed -= {key_of(one.id) for one in said.changes}
            token = said.state
            # A mark stands for a folder that was listed to its end.
            held.seen = (
                left(folder, token, self._access.clock) if said.is_last else Seen(folder.name, "", token)
            )
            if said.is_last:
                break
        missing = held.unnamed & held.items.keys()
        if is_full and len(missing) > 1 and len(missing) == len(held.items):
            held.seen = Seen()
            raise SuspiciousSnapshot(suspicious(folder.name, len(missing)))
        held.gone |= missing
        held.unnamed = set()
        if self._pages.changes:
            yield self._page(folder.key)

    def _is_to_be_read(self, change: Changed, held: _Held) -> bool:
        """Notes what is gone, and tells whether an item is to be asked for."""
        item = key_of(change.id)
        if change.item is not None and self._reader.is_wanted(change.item):
            held.gone.discard(item)
            known = held.items.get(item)
            return known is None or known.version != _digest(id_of(change.item).version)
        held.gone |= {item} & held.items.keys()
        return False

    def _roll_on(self, folder: Folder, held: _Held) -> Iterator[Page]:
        """Read again what reaches further now."""
        ids = [ItemId(one.id) for key, one in held.items.items() if one.id and key not in held.gone]
        yield from self._take(folder, held, ids)
        if self._pages.changes:
            yield self._page(folder.key)

    def _take(self, folder: Folder, held: _Held, ids: Sequence[ItemId]) -> Iterator[Page]:
        for begin in range(0, len(ids), BATCH):
            batch = ids[begin : begin + BATCH]
            found: list[tuple[ItemId, Element]] = []
            for id_, item in zip(
                batch, self._line.items(batch, self._reader.whole, beside=[folder.id]), strict=True
            ):
                if not isinstance(item, Fault):
                    found.append((id_, item))
                elif not item.is_gone:
                    # What cannot be had now is not gone; what is gone will be told as such.
                    where = f"{folder.name}, item {key_of(id_.id)}"
                    self._pages.changes.append(Unreadable(where, withheld("the server", item.code)))
            read = self._reader.read(self._line, [item for _, item in found], folder)
            for (id_, item), contents in zip(found, read, strict=True):
                self._note(id_, item, contents, held)
            self._pages.done += len(batch)
            if self._pages.is_full():
                yield self._page(folder.key)

    def _note(self, id_: ItemId, item: Element, contents: Contents, held: _Held) -> None:
        name = key_of(id_.id)
        before = held.items.get(name)
        gave = self._pages.tell(name, before.gave if before else {}, contents)
        version = _digest(id_of(item).version or id_.version)
        held.items[name] = _Item(version, gave, id_.id if contents.rolls_on else "")

    def _retire(self, folder: str, held: _Held) -> Iterator[Page]:
        for name in sorted(held.gone):
            held.gone.remove(name)
            item = held.items.pop(name, None)
            if item is not None:
                self._pages.retire(name, item.gave)
            if self._pages.is_full():
                yield self._page(folder)
        if self._pages.changes:
            yield self._page(folder)

    def _page(self, folder: str, *, is_last: bool = False, is_kept: bool = False) -> Page:
        # What a folder is for does not change, and neither does its id; its name does.
        name = self._state.roles.get(folder, folder)
        stream = StreamName(f"{self._reader.stream}/{name}") if folder else self._reader.stream
        return self._pages.take(stream, is_last=is_last, is_kept=is_kept)


def _digest(version: str) -> str:
    return blake2b(version.encode("utf-8", "replace"), digest_size=6).hexdigest()

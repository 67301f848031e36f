"""One reading of a Google account's calendars: which there are, what changed in each, and the cursor of it all.

What it does in which order is told in `google_calendar`. Requests are made here, what events mean is said elsewhere.
"""

from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Literal
from urllib.parse import quote

import msgspec
from msgspec import Raw, Struct, field

from connectors._google import Api
from connectors._google_events import MASK, MOST_ATTENDEES, TYPES
from connectors._google_listing import Held, Listing
from connectors._holdings import failing, suspicious
from connectors._ical import Surroundings, window_end
from connectors._ical_zones import Zones, known_zone, to_utc
from connectors._mail_text import clean
from schemas.connector import Access, Change, Page, Tombstone, Unreadable
from schemas.errors import CursorExpired, KithError, Missing, Rejected, SuspiciousSnapshot
from schemas.ids import Cursor, ExternalId, StreamName

STREAM = StreamName("calendar")
PAGE_SIZE = 500
"""Changes in a page at most."""
Mode = Literal["delta", "snapshot"]
_LIST = "calendar/v3/users/me/calendarList"
_LISTED = 250
_EVENTS = 1_000
"""Events asked for at once: 2,500 are allowed, and may be larger together than an answer may be."""
_LOOK_BACK = timedelta(days=730)
_RECENT = timedelta(days=28)
_PRIMARY = "primary"
_SHARED = ("@group.calendar.google.com", "@import.calendar.google.com")
"""What the ids of calendars end with that are nobody's own: shared ones, and those subscribed to by their URL. Holidays
and birthdays end otherwise (`@group.v.calendar.google.com`), and so does a colleague's, whose meetings are not the owner's."""


class Entry(Struct, frozen=True, rename="camel"):
    """A calendar in the owner's list (`CalendarListEntry`)."""

    id: str
    summary: str = ""
    summary_override: str = ""
    access_role: str = ""
    selected: bool = False
    primary: bool = False
    hidden: bool = False
    deleted: bool = False

    @property
    def key(self) -> str:
        """What settings and streams call it: the owner's own has their address as its id."""
        return _PRIMARY if self.primary else self.id

    @property
    def name(self) -> str:
        """What the owner calls it."""
        name = clean(self.summary_override or self.summary)[:200]
        return _PRIMARY if self.primary and "@" in name else name or "a calendar without a name"

    @property
    def can_read(self) -> bool:
        """Whether more than free and busy is shown."""
        return self.access_role in {"owner", "writer", "writerWithoutPrivateAccess", "reader"}

    @property
    def is_default(self) -> bool:
        """Whether it is read when nothing else is chosen: the owner's, and shared ones that they look at."""
        return self.access_role == "owner" or (self.can_read and self.selected and self.id.endswith(_SHARED))


class _Entries(Struct, frozen=True, rename="camel"):
    items: tuple[Raw, ...] = ()
    next_page_token: str = ""
    next_sync_token: str = ""


class _Events(Struct, frozen=True, rename="camel"):
    items: tuple[Raw, ...] = ()
    updated: str = ""
    next_page_token: str = ""
    next_sync_token: str = ""


def calendars(api: Api) -> list[Entry]:
    """Every calendar in the owner's list."""
    pages = api.pages(_LIST, {"maxResults": _LISTED}, _Entries)
    return [entry for page in pages for raw in page.items if (entry := _entry_of(raw)) is not None]


def chosen(entries: Sequence[Entry], access: Access, held: Collection[str] = ()) -> list[Entry]:
    """Those of these calendars that are read: the ones named; else those read by default, and any that is held already.

    Raises:
        Missing: there is none of those that were named.
    """
    named = _named_in(access)
    if not named:
        return [one for one in entries if one.can_read and (one.is_default or one.key in held)]
    found = [one for one in entries if _is_named(one, named)]
    if not found:
        there = ", ".join(f"“{one.name}”" for one in entries[:20]) or "none"
        raise Missing(f"There is nothing called {', '.join(sorted(named))} there. There is: {there}.")
    return found


class State(Struct, forbid_unknown_fields=True):
    """A cursor: the terms of reading, the list of calendars with its token, and those that are read, by their keys."""

    terms: str
    since: str
    token: str = ""
    entries: dict[str, Entry] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)


class Reading:
    """One pull, which brings its state up to date."""

    def __init__(self, access: Access, api: Api, state: State) -> None:
        self._access = access
        self._api = api
        self._state = state
        self._named = _named_in(access)
        self._until = window_end(access.clock.now())
        self._zones = Zones(access.zone)
        self._done = 0

    def pages(self) -> Iterator[Page]:
        state, month = self._state, f"{self._until:%Y%m}"
        yield from self._paged(self._see_calendars(), STREAM)
        yield from self._retire()
        chosen = [(one, state.held.setdefault(one.key, Held())) for one in self._chosen()]
        faults: list[KithError] = []
        for one, held in chosen:
            if held.token and held.month == month:
                yield from _guarded(one, self._changed(one, held), faults)
        for one, held in chosen:
            if not held.is_begun:
                yield from _guarded(one, self._recent(one, held), faults)
        for one, held in chosen:
            if held.is_begun and not (held.token and held.month == month):
                yield from _guarded(one, self._whole(one, held), faults)
        if faults:
            raise failing(faults, len(chosen))
        yield self._checkpoint(_stream(next(iter(state.held), "")), is_last=True)

    # ------ which calendars

    def _see_calendars(self) -> list[Change]:
        """Bring the list of calendars up to date; what of it cannot be read."""
        state = self._state
        is_whole = not state.token
        entries = {} if is_whole else dict(state.entries)
        token, unreadable = "", list[Change]()
        query = {"maxResults": _LISTED, "syncToken": state.token}
        try:
            for page in self._api.pages(_LIST, query, _Entries):
                token = page.next_sync_token
                for raw in page.items:
                    entry = _entry_of(raw)
                    if entry is None:
                        unreadable.append(
                            Unreadable("the list of calendars", "an entry has no id or is none")
                        )
                    elif entry.deleted or entry.hidden:
                        entries.pop(entry.key, None)
                    else:
                        entries[entry.key] = entry
        except CursorExpired:
            if is_whole:
                raise
            state.token = ""
            return self._see_calendars()
        if not entries and state.held:
            raise SuspiciousSnapshot(suspicious("The list of calendars", len(state.held)))
        state.entries, state.token = entries, token
        return unreadable

    def _retire(self) -> Iterator[Page]:
        """Take away what came from calendars that are not there any more, or that the owner no longer chooses."""
        for key in list(self._state.held):
            entry = self._state.entries.get(key)
            if entry is None or (self._named and not _is_named(entry, self._named)):
                gone = self._state.held.pop(key).ids()
                yield from self._paged(_tombstones(gone), _stream(key))

    def _chosen(self) -> list[Entry]:
        """Those that are named; else those read by default, and any that is read already, looked at or not."""
        return chosen(list(self._state.entries.values()), self._access, self._state.held)

    # ------ one calendar

    def _changed(self, one: Entry, held: Held) -> Iterator[Page]:
        """What changed since the token; where that is dead, the calendar is left to be read whole."""
        before = self._done
        try:
            token = yield from self._listed(one, self._taken(one, held, held), {"syncToken": held.token})
        except CursorExpired:
            held.token = ""
            return
        held.token = token or held.token
        if self._done > before:
            yield self._checkpoint(_stream(one.key))

    def _recent(self, one: Entry, held: Held) -> Iterator[Page]:
        """What ends after four weeks ago, at first; the token of such a listing would tell of nothing else."""
        start = max(self._access.clock.now() - _RECENT, self._bound(held))
        yield from self._listed(one, self._taken(one, held, held), {"timeMin": _rfc3339(start)})
        held.is_begun = True
        yield self._checkpoint(_stream(one.key))

    def _whole(self, one: Entry, held: Held) -> Iterator[Page]:
        """Everything from the bound on; what is known and not among it is gone."""
        stream, known = _stream(one.key), held.ids()
        bound = self._bound(held)
        fresh = Held(month=f"{self._until:%Y%m}", bound=_rfc3339(bound), is_begun=True)
        listing = self._taken(one, fresh, held)
        fresh.token = yield from self._listed(one, listing, {"timeMin": fresh.bound}, "snapshot")
        if len(known) > 1 and not fresh.ids() and fresh.bound <= (held.bound or fresh.bound):
            raise SuspiciousSnapshot(suspicious(one.name, len(known)))
        self._state.held[one.key] = fresh
        yield from self._paged(_tombstones(known - fresh.ids()), stream, "snapshot")
        if not listing.has_kept:
            # What is kept was not named; else what nobody knows of (a reading broke off, a cursor was lost) goes as well.
            yield Page((), stream, "snapshot", last=True, done=self._done)
        yield self._checkpoint(stream)

    def _taken(self, one: Entry, held: Held, known: Held) -> Listing:
        zone, since = self._access.zone, self._access.since
        return Listing(held, known, Surroundings(one.name, zone, self._until, since, one.name), self._zones)

    def _listed(
        self, one: Entry, listing: Listing, more: Mapping[str, str], mode: Mode = "delta"
    ) -> Generator[Page, None, str]:
        """The pages of a listing; answers its token. What is asked with a token must be what it was given for."""
        path = f"calendar/v3/calendars/{quote(one.id, safe='')}/events"
        query = {
            "maxResults": _EVENTS,
            "maxAttendees": MOST_ATTENDEES,
            "eventTypes": TYPES,
            "singleEvents": False,
            **more,
        }
        token = ""
        for page in self._api.pages(path, query, _Events, mask=MASK):
            token = page.next_sync_token
            yield from self._paged(list(listing.take(page.items, page.updated)), _stream(one.key), mode)
        yield from self._paged(list(listing.rest()), _stream(one.key), mode)
        return token

    def _bound(self, held: Held) -> datetime:
        """How far back a calendar is read: to the day that the owner said, or two years at the first reading."""
        since = self._access.since
        if since is None and held.bound:
            return datetime.fromisoformat(held.bound)
        since = since or (self._access.clock.now() - _LOOK_BACK).date()
        return to_utc(datetime.combine(since, time()), known_zone(self._access.zone) or UTC)

    # ------ pages

    def _paged(self, changes: Sequence[Change], stream: StreamName, mode: Mode = "delta") -> Iterator[Page]:
        for start in range(0, len(changes), PAGE_SIZE):
            some = tuple(changes[start : start + PAGE_SIZE])
            self._done += len(some)
            yield Page(some, stream, mode, done=self._done)

    def _checkpoint(self, stream: StreamName, *, is_last: bool = False) -> Page:
        cursor = Cursor(msgspec.json.encode(self._state, order="deterministic").decode())
        return Page((), stream, checkpoint=cursor, last=is_last, done=self._done)


def _guarded(one: Entry, pages: Iterator[Page], faults: list[KithError]) -> Iterator[Page]:
    """The pages of one calendar; one that may not be read does not keep the others from it, and is told by its name."""
    try:
        yield from pages
    except Rejected as fault:
        faults.append(type(fault)(f"{one.name}: {fault}"))
    except SuspiciousSnapshot as fault:
        faults.append(fault)


def recall(cursor: Cursor | None, access: Access) -> State:
    terms, since = f"google_calendar 2 {access.zone}", str(access.since or "")
    if cursor is None:
        return State(terms, since)
    try:
        state = msgspec.json.decode(cursor, type=State)
    except (msgspec.DecodeError, UnicodeEncodeError):
        raise CursorExpired("The place where reading stopped is unreadable; all is read anew.") from None
    if state.terms != terms or since < state.since:
        # What was read stays known, so that what has gone since is noticed; but all of it is read again.
        for held in state.held.values():
            held.token = ""
    state.terms, state.since = terms, since
    return state


def _entry_of(raw: Raw) -> Entry | None:
    try:
        entry = msgspec.json.decode(raw, type=Entry)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return entry if entry.id else None


def _named_in(access: Access) -> frozenset[str]:
    """The names or ids that the owner chose, folded; empty for what is read by default."""
    given = access.settings.get("calendars") or ()
    names = given.split(",") if isinstance(given, str) else given
    return frozenset(str(name).strip().casefold() for name in names if str(name).strip())


def _is_named(one: Entry, named: frozenset[str]) -> bool:
    return not named.isdisjoint({one.key.casefold(), one.id.casefold(), one.name.casefold()})


def _tombstones(ids: Iterable[str]) -> list[Change]:
    return [Tombstone(ExternalId(one)) for one in sorted(ids)]


def _stream(key: str) -> StreamName:
    return StreamName(f"{STREAM}/{key}") if key else STREAM


def _rfc3339(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"

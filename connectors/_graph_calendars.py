"""The calendars of a Microsoft account, and what a cursor remembers of them; nothing here decides what is read when."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import quote

import msgspec
from msgspec import Raw, Struct, field

from connectors._graph import IMMUTABLE, Graph
from connectors._graph_delta import Place
from connectors._graph_rows import address_in, id_of
from connectors._mail_text import clean
from connectors._revisions import Kept
from schemas.connector import Access
from schemas.errors import CursorExpired, Transient
from schemas.ids import Cursor, StreamName

STREAM = StreamName("calendar")
PERMISSIONS = ("Calendars.ReadBasic", "Calendars.Read", "Calendars.ReadWrite")
"""Any of these will do; the first is asked for."""
ROWS = "100"
"""Rows that a page of a plain list is asked to hold."""
_PREFER = (IMMUTABLE, "odata.maxpagesize=200", 'outlook.body-content-type="text"')
"""A delta of a calendar view brings bodies along, asked for or not; as text they are short."""
STRETCH = timedelta(days=1_800)
"""The longest time in one question; 1,825 days are refused (microsoft-graph-docs issue 6284)."""


# ------ what there is


class _Owner(Struct, frozen=True):
    address: str | None = None


class Calendar(Struct, frozen=True, rename="camel"):
    """https://learn.microsoft.com/graph/api/resources/calendar."""

    id: str
    name: str | None = None
    owner: _Owner | None = None
    is_default_calendar: bool | None = None
    can_edit: bool | None = None

    @property
    def address(self) -> str:
        """Whose it is; empty where that is not said."""
        return address_in(self.owner.address if self.owner else None)

    @property
    def is_default(self) -> bool:
        """Whether it is the mailbox's own one."""
        return bool(self.is_default_calendar)

    def is_own(self, whose: str) -> bool:
        """Whether it is read when nothing else is chosen: birthdays and holidays cannot be written to, others' are others'."""
        return self.is_default or (bool(self.can_edit) and self.address in {"", whose})


def is_chosen(calendar: Calendar, chosen: Sequence[str]) -> bool:
    """Whether it is one of those chosen, by its id or by its name; ids differ by case alone."""
    name = clean(calendar.name or "").casefold()
    return calendar.id in chosen or name in {one.casefold() for one in chosen}


def calendars_of(access: Access, graph: Graph | None = None) -> list[Calendar]:
    """Every calendar of the account."""
    asked = graph or open_graph(access)
    query = {"$select": "id,name,owner,isDefaultCalendar,canEdit", "$top": ROWS}
    return [_calendar(row) for rows in asked.pages("me/calendars", query) for row in rows.value]


def watched(access: Access) -> list[str]:
    """What Graph is to tell of: `me/events` are those of the mailbox's own calendar alone (microsoft-graph-docs issue 21978)."""
    found = calendars_of(access)
    names = sorted(_chosen(access))
    whose = next((one.address for one in found if one.is_default), "")
    return [
        "me/events" if one.is_default else f"me/calendars/{quote(one.id, safe='=')}/events"
        for one in found
        if (is_chosen(one, names) if names else one.is_own(whose))
    ]


def _calendar(row: Raw) -> Calendar:
    try:
        return msgspec.json.decode(row, type=Calendar)
    except (msgspec.DecodeError, RecursionError) as error:
        # A calendar that is not listed would be held for gone.
        one = id_of(row)
        if not one:
            raise Transient("Microsoft's list of calendars cannot be read. Kith tries again.") from error
        return Calendar(one, one)


def open_graph(access: Access) -> Graph:
    """The account's Graph, with what every request prefers."""
    return Graph(access, needs=PERMISSIONS[0], prefer=_PREFER)


# ------ what is known


class Member(Struct, array_like=True):
    """A single event or a series, by its id: what it gave by recurrence-id, and when it is, in minutes since 1970.

    `version` is of a master, with the month up to which its instances are known. `exceptions` are the ids of occurrences that
    differ. `named` is the last whole round that named it.
    """

    items: dict[str, Kept] = field(default_factory=dict)
    begins: int = 0
    ends: int = 0
    version: str = ""
    exceptions: dict[str, str] = field(default_factory=dict)
    named: int = 0


class View(Struct, array_like=True):
    """A calendar, where its delta stands, how far back it was read, and what it holds."""

    id: str = ""
    name: str = ""
    owner: str = ""
    is_default: bool = False
    is_own: bool = True
    place: Place = field(default_factory=Place)
    past: str = ""
    past_page: str = ""
    members: dict[str, Member] = field(default_factory=dict)

    @property
    def way(self) -> str:
        """Its path at Graph."""
        return f"me/calendars/{quote(self.id, safe='')}"

    def read_again(self) -> None:
        """What was read stays known, so that what has gone since is noticed; but all of it is read again."""
        self.place.terms = ""
        for member in self.members.values():
            member.version = ""


class State(Struct, forbid_unknown_fields=True):
    """A cursor. `terms` is what all reading rests on; `chosen` are the names or ids of calendars that were chosen."""

    version: int = 1
    terms: str = ""
    since: str = ""
    chosen: list[str] = field(default_factory=list)
    listed_at: int = 0
    views: dict[str, View] = field(default_factory=dict)


def recall(cursor: Cursor | None, access: Access) -> State:
    """What is known by a cursor.

    Raises:
        CursorExpired: it is none of this connector's.
    """
    terms, since = f"graph_calendar 1 {access.zone}", str(access.since or "")
    chosen = sorted(_chosen(access))
    if cursor is None:
        return State(terms=terms, since=since, chosen=chosen)
    try:
        state = msgspec.json.decode(cursor, type=State)
    except (msgspec.DecodeError, UnicodeEncodeError):
        raise CursorExpired("The place where reading stopped is unreadable; all is read anew.") from None
    if state.version != 1 or not state.terms:
        raise CursorExpired("The place where reading stopped is of another release; all is read anew.")
    if state.terms != terms or since < state.since:
        for view in state.views.values():
            view.past = view.past_page = ""
            view.read_again()
    if state.chosen != chosen:
        state.listed_at = 0
    state.terms, state.since, state.chosen = terms, since, chosen
    return state


def _chosen(access: Access) -> frozenset[str]:
    given = access.settings.get("calendars") or ()
    names = given.split(",") if isinstance(given, str) else given
    return frozenset(str(name).strip() for name in names if str(name).strip())


# ------ time


class Span(Struct, frozen=True):
    """A window: UTC midnights, the end exclusive."""

    start: datetime
    end: datetime

    @property
    def text(self) -> str:
        """The window, to be written down."""
        return f"{self.start:%Y-%m-%d}/{self.end:%Y-%m-%d}"

    @property
    def query(self) -> dict[str, str]:
        """The window as Graph is asked for it."""
        return {
            "startDateTime": f"{self.start:%Y-%m-%dT%H:%M:%SZ}",
            "endDateTime": f"{self.end:%Y-%m-%dT%H:%M:%SZ}",
        }

    def meets(self, member: Member) -> bool:
        """Whether an event has some of its time in the window."""
        return member.begins <= minutes(self.end) and member.ends >= minutes(self.start)


def span_of(text: str) -> Span | None:
    """The window that was written down; None where none was."""
    start, _, end = text.partition("/")
    return Span(midnight(start), midnight(end)) if end else None


def midnight(day: str) -> datetime:
    """The UTC midnight of an ISO day."""
    return datetime.combine(date.fromisoformat(day), time(), UTC)


def stretches(start: datetime, end: datetime) -> list[Span]:
    """A time in pieces that may be asked for."""
    spans = []
    while start < end:
        until = min(end, start + STRETCH)
        spans.append(Span(start, until))
        start = until
    return spans


def minutes(moment: datetime) -> int:
    """Minutes since 1970; of a naive time as if it were UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.timestamp() // 60)

"""What the cursor of an IMAP account says: of each folder which messages were accounted for, and how far back.

seen of a folder        means
uidvalidity             the UIDs below are of this life of the folder (RFC 9051 2.3.1.1)
read                    accounted for: taken in, left out or refused; what is in it and gone from the server is dead
messages, uidnext       at the last agreement so many messages had UIDs below this one: as UIDs are never given
                        twice, that number tells whether one of them has gone
modseq                  the folder's state at that time, where the server counts states (RFC 7162)
reach                   all that came since this day was read; empty before the last four weeks were
former                  UIDs of an earlier life, or of an earlier reading under other terms, to be taken away once the
                        folder is read whole
"""

from datetime import date
from typing import Literal

import msgspec
from msgspec import Struct

from connectors._imap_uids import UidSet
from schemas.errors import CursorExpired
from schemas.ids import Cursor

BEGINNING = date(1900, 1, 1)
"""Before all mail."""


class _Seen(Struct, omit_defaults=True):
    uidvalidity: int
    read: str = ""
    messages: int = -1
    uidnext: int = 0
    modseq: int = 0
    reach: str = ""
    former: list[tuple[int, str]] = msgspec.field(default_factory=list)


class _Cursor(Struct):
    version: Literal[1]
    since: str
    headers_only: bool
    turn: int
    folders: dict[str, _Seen]


class Seen:
    """What was seen of one folder. `messages` is -1 while nothing was agreed on."""

    def __init__(self, uidvalidity: int) -> None:
        self.uidvalidity = uidvalidity
        self.read = UidSet()
        self.messages = -1
        self.uidnext = 0
        self.modseq = 0
        self.reach: date | None = None
        self.former: list[tuple[int, UidSet]] = []
        self._text: tuple[UidSet, str] = (self.read, "")

    def reborn(self, uidvalidity: int) -> "Seen":
        """The folder's new life, or its new reading: nothing is read, and what was is remembered."""
        seen = Seen(uidvalidity)
        seen.former = [*self.former, (self.uidvalidity, self.read)] if self.read else list(self.former)
        return seen

    def held(self) -> _Seen:
        """The same as it is written down."""
        if self._text[0] is not self.read:
            self._text = (self.read, str(self.read))
        return _Seen(
            self.uidvalidity,
            self._text[1],
            self.messages,
            self.uidnext,
            self.modseq,
            self.reach.isoformat() if self.reach else "",
            [(life, str(uids)) for life, uids in self.former],
        )


class State:
    """What was seen of an account, under which terms: back to which day, and whether headers alone.

    `turn` counts readings under other terms: a later one's records stand, whatever they were before.
    """

    def __init__(self, since: date, *, headers_only: bool) -> None:
        self.since = since
        self.headers_only = headers_only
        self.turn = 0
        self.folders: dict[str, Seen] = {}

    def cursor(self) -> Cursor:
        """The state as a cursor."""
        folders = {name: seen.held() for name, seen in self.folders.items()}
        written = _Cursor(1, self.since.isoformat(), self.headers_only, self.turn, folders)
        return Cursor(msgspec.json.encode(written).decode())


def state_of(cursor: Cursor | None, since: date | None, *, headers_only: bool) -> State:
    """The state that a cursor tells, under the terms of today.

    An earlier `since` than before is read back to; a later one takes nothing away. Other terms are a new reading.

    Raises:
        CursorExpired: it is no cursor of this connector.
    """
    state = State(since or BEGINNING, headers_only=headers_only)
    if cursor is None:
        return state
    try:
        written = msgspec.json.decode(cursor, type=_Cursor)
        state.since = min(state.since, date.fromisoformat(written.since))
        state.turn = written.turn
        for name, held in written.folders.items():
            seen = Seen(held.uidvalidity)
            seen.read = UidSet.parse(held.read)
            seen.messages, seen.uidnext, seen.modseq = held.messages, held.uidnext, held.modseq
            seen.reach = date.fromisoformat(held.reach) if held.reach else None
            seen.former = [(life, UidSet.parse(uids)) for life, uids in held.former]
            state.folders[name] = seen
    except (msgspec.MsgspecError, ValueError) as error:
        raise CursorExpired("the mark left by the last reading of this account cannot be read") from error
    if written.headers_only != headers_only:
        state.turn += 1
        state.folders = {name: seen.reborn(seen.uidvalidity) for name, seen in state.folders.items()}
    return state

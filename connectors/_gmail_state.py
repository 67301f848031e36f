"""What the cursor of a Gmail account says: a point of its history up to which all is known, and what is left to be read.

    no cursor -- the point that the history has now --> listing: newest first, a place in it after every page
        |                                                  |
        |                       todo: what changed meanwhile comes first, on every pull
        |                                                  v
        +--> settling: the whole mailbox is listed once more; what is held and was not named is gone
                                                           v
                                       settled: the history alone, one request where nothing changed

The point is taken before the listing begins, so that nothing which comes meanwhile is missed. Ids in `todo` stand for
changes before the point that are not read yet. A place is a view (`_gmail_reading`) with a page token in it; where Gmail
does not take the token any more the view is listed from its top, and what is held of it is not fetched again.
"""

from datetime import date
from typing import Literal

import msgspec
from msgspec import Struct

from schemas.errors import CursorExpired
from schemas.ids import Cursor

BEGINNING = date(1970, 1, 1)
"""Before all mail."""


class Place(Struct):
    """Where a listing goes on: a view, a page of it (an empty token is its top), and what was counted of that page."""

    view: int = 0
    token: str = ""
    count: int = 0


class State(Struct):
    """What was read of an account, under which terms.

    `place` is None once the listing has come to its end, and `recent` is the second that divides its last weeks from what
    is older. `total` is what there was to read, 0 until it is counted. `is_shifted` says that messages went while it was
    made, so that others may have slipped by. `turn` counts readings under other terms: a later one's records stand,
    whatever they were before.
    """

    version: Literal[1]
    since: date
    headers_only: bool
    chosen: list[str]
    history: str = ""
    todo: list[str] = msgspec.field(default_factory=list)
    place: Place | None = msgspec.field(default_factory=Place)
    recent: int = 0
    is_shifted: bool = False
    is_settled: bool = False
    turn: int = 0
    done: int = 0
    total: int = 0

    def cursor(self) -> Cursor:
        """The state as a cursor."""
        return Cursor(msgspec.json.encode(self).decode())

    def begin_again(self) -> None:
        """All is to be listed once more, news apart."""
        self.place = Place()
        self.recent = self.done = self.total = 0
        self.is_settled = self.is_shifted = False


def state_of(cursor: Cursor | None, since: date | None, chosen: list[str], *, headers_only: bool) -> State:
    """The state that a cursor tells, under the terms of today.

    An earlier `since` than before is read back to; a later one takes nothing away. Other terms are another listing.

    Raises:
        CursorExpired: it is no cursor of this connector.
    """
    fresh = State(1, max(since or BEGINNING, BEGINNING), headers_only, chosen)
    if cursor is None:
        return fresh
    try:
        state = msgspec.json.decode(cursor, type=State)
    except msgspec.MsgspecError as error:
        raise CursorExpired("the mark left by the last reading of this account cannot be read") from error
    if not state.history.isascii() or not state.history.isdecimal():
        raise CursorExpired("the mark left by the last reading of this account names no point of its history")
    if fresh.since < state.since or (headers_only, chosen) != (state.headers_only, state.chosen):
        state.since = min(fresh.since, state.since)
        state.turn += headers_only != state.headers_only
        state.headers_only, state.chosen = headers_only, chosen
        state.begin_again()
    return state

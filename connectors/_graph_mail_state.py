"""What the cursor of a mailbox at Microsoft Graph says: its folders, and of each which messages are held and how far it was read.

of a folder   means
phase         `new`: the last weeks are being listed; `walk`: all of it is, by a delta that has not come to its end;
              `live`: that delta tells what changes
link          where reading goes on, as Graph gave it; empty where that phase begins
told          held, and named by the present delta
untold        held, and not named by it so far: at the end of a walk, what is gone
leaving       said to have left, and not yet looked for elsewhere
is_stale      what is untold is to be read anew, under other terms
is_doubtful   a delta ended and its folder was walked again: what is missing then is looked for once more before it is gone
looked        the instant until which news were listed while the walk goes on
"""

from array import array
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable
from datetime import date
from typing import Literal

import msgspec
from msgspec import Struct, field

from schemas.errors import CursorExpired
from schemas.ids import Cursor

BEGINNING = date(1900, 1, 1)
"""Before all mail."""
Phase = Literal["new", "walk", "live"]


class Place(Struct, array_like=True, frozen=True):
    """A folder of the mailbox: its name, the folder that it is in, whether it is shown as one, how much is in it."""

    name: str
    parent: str = ""
    is_apart: bool = False
    count: int = 0


class _Seen(Struct, omit_defaults=True):
    phase: Phase = "new"
    link: str = ""
    told: str = ""
    untold: str = ""
    leaving: list[str] = field(default_factory=list)
    is_stale: bool = False
    is_doubtful: bool = False
    looked: str = ""


class _Cursor(Struct):
    version: Literal[1]
    since: str
    headers_only: bool
    turn: int
    tree_link: str
    tree: dict[str, Place]
    roles: dict[str, str]
    folders: dict[str, _Seen]


class Numbers:
    """A set of messages' numbers that knows how it is written down."""

    __slots__ = ("_text", "held")

    def __init__(self, text: str = "") -> None:
        """As it was written.

        Raises:
            ValueError: the text is none of ours.
        """
        numbers = array("Q")
        numbers.frombytes(b64decode(text, validate=True))
        self.held = set(numbers)
        self._text: str | None = text

    def add(self, numbers: Iterable[int]) -> None:
        """These too."""
        self.held.update(numbers)
        self._text = None

    def drop(self, numbers: Iterable[int]) -> None:
        """All but these."""
        self.held.difference_update(numbers)
        self._text = None

    def __str__(self) -> str:
        if self._text is None:
            self._text = b64encode(array("Q", sorted(self.held)).tobytes()).decode()
        return self._text


class Seen:
    """What was seen of one folder; the table above says how it is meant."""

    def __init__(self, written: _Seen | None = None) -> None:
        said = written or _Seen()
        self.phase: Phase = said.phase
        self.link = said.link
        self.told = Numbers(said.told)
        self.untold = Numbers(said.untold)
        self.leaving = list(said.leaving)
        self.is_stale = said.is_stale
        self.is_doubtful = said.is_doubtful
        self.looked = said.looked

    def count(self) -> int:
        """How many messages of it are held."""
        return len(self.told.held) + len(self.untold.held)

    def holds(self, number: int) -> bool:
        """Whether a message is held as one of this folder."""
        return number in self.told.held or number in self.untold.held

    def claims(self, number: int, one: str) -> bool:
        """Whether it is, and nobody said that it has left."""
        return self.holds(number) and one not in self.leaving

    def walk_again(self) -> None:
        """All of it is to be named anew."""
        self.phase, self.link = "walk", ""

    def begin_walk(self) -> None:
        """From here on a new delta tells what is there."""
        self.untold.add(self.told.held)
        self.told = Numbers()

    def written(self) -> _Seen:
        """The same as it is written down."""
        return _Seen(
            self.phase, self.link, str(self.told), str(self.untold), self.leaving, self.is_stale, self.is_doubtful,
            self.looked,
        )  # fmt: skip


class State:
    """What was seen of a mailbox, under which terms: back to which day, and whether headers alone.

    `turn` counts readings under other terms: a later one's records stand, whatever they were before.
    """

    def __init__(self, since: date, *, headers_only: bool) -> None:
        self.since = since
        self.headers_only = headers_only
        self.turn = 0
        self.tree_link = ""
        self.tree: dict[str, Place] = {}
        self.roles: dict[str, str] = {}
        self.folders: dict[str, Seen] = {}

    def keep_links(self, is_own: Callable[[str], bool]) -> None:
        """Let go of links that lead elsewhere, as those of another cloud do: what they told is told anew."""
        self.tree_link = self.tree_link if is_own(self.tree_link) else ""
        for seen in self.folders.values():
            if seen.link and not is_own(seen.link):
                seen.link = ""
                if seen.phase == "live":
                    seen.phase, seen.is_doubtful = "walk", True

    def cursor(self) -> Cursor:
        """The state as a cursor."""
        written = _Cursor(
            1,
            self.since.isoformat(),
            self.headers_only,
            self.turn,
            self.tree_link,
            self.tree,
            self.roles,
            {name: seen.written() for name, seen in self.folders.items()},
        )
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
        read_to = date.fromisoformat(written.since)
        state.turn, state.tree, state.roles = written.turn, written.tree, written.roles
        state.tree_link = written.tree_link
        state.folders = {name: Seen(seen) for name, seen in written.folders.items()}
    except (msgspec.MsgspecError, ValueError) as error:
        raise CursorExpired("the mark left by the last reading of this account cannot be read") from error
    is_other = written.headers_only != headers_only
    state.turn += is_other
    for seen in state.folders.values():
        if is_other or read_to > state.since:
            if seen.phase != "new":
                seen.walk_again()
            if is_other:
                seen.begin_walk()
                seen.is_stale = True
    state.since = min(state.since, read_to)
    return state

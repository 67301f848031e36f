"""Who took part in an interaction and how, packed small: eight bytes of identity key and one of part."""

from collections.abc import Iterable
from enum import IntEnum, IntFlag
from struct import Struct as Packing
from typing import cast

from schemas.interface import Direction
from schemas.interface import Kind as KindName

SMALL_MEETING = 12
"""At most this many people, the owner among them, make a meeting; more make an audience."""
_ONE = Packing(">QB")


class Part(IntEnum):
    """The part somebody has; the names are those of the interface."""

    FROM = 1
    TO = 2
    CC = 3
    BCC = 4
    ORGANIZER = 5
    ATTENDEE = 6
    OPTIONAL = 7
    DECLINED = 8
    ABOUT = 9


class Kind(IntEnum):
    """The kinds of interaction, in the interface's order."""

    EMAIL = 1
    MEETING = 2
    LINKEDIN_MESSAGE = 3
    LINKEDIN_INVITATION = 4
    RECOMMENDATION = 5
    ENDORSEMENT = 6
    NOTE = 7
    FAVOUR = 8


class Way(IntEnum):
    """Direction, seen from the owner."""

    IN = 1
    OUT = 2
    BOTH = 3


class Mark(IntEnum):
    """A bit for each kind of signal."""

    ASK = 1
    PROMISE = 2
    THANKS = 4
    INTRODUCTION = 8
    AUTO_REPLY = 16
    SETTLED = 32


class Trait(IntFlag):
    """What else is known of a meeting; kept in the column that messages use for signals."""

    CANCELLED = 1
    ALL_DAY = 2
    SERIES = 4
    OWNER_TENTATIVE = 8
    OWNER_UNANSWERED = 16


def pack(parts: Iterable[tuple[int, int]]) -> bytes:
    """Identity keys with their parts, as bytes."""
    return b"".join(_ONE.pack(key, part) for key, part in parts)


def unpack(packed: bytes) -> list[tuple[int, int]]:
    """Identity keys with their parts, in the order packed."""
    return list(_ONE.iter_unpack(packed))


KINDS: dict[int, KindName] = {kind: cast("KindName", kind.name.lower()) for kind in Kind}
"""The interface's name of each kind."""
DIRECTIONS: dict[int, Direction] = {way: cast("Direction", way.name.lower()) for way in Way}
"""The interface's name of each direction."""
PARTS: dict[int, str] = {part: part.name.lower() for part in Part}
"""The interface's name of each part."""

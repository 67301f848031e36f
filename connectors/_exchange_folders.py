"""Which folders of a mailbox are read, and whether there is anything new in one; it never asks a server.

A folder tells when what is in it changed last and how much it has lost. While both stay the same it is left alone, so
that a look at a quiet mailbox is one request; once an hour it is looked into all the same, as what servers in between
make of those two is not for them to promise.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from msgspec import Struct

from connectors._exchange import Exchange, Folder
from schemas.clock import Clock, epoch
from schemas.connector import Collection, Survey
from schemas.errors import Missing

LOOK_AT_LEAST = timedelta(hours=1)


class Seen(Struct, array_like=True):
    """A folder as it was left: its name, its mark, the state of its changes, and when it was last looked into."""

    name: str = ""
    mark: str = ""
    state: str = ""
    looked: int = 0


def is_quiet(folder: Folder, seen: Seen, clock: Clock) -> bool:
    """Whether nothing can have changed in a folder since it was left."""
    if not folder.mark or folder.mark != seen.mark or not seen.state:
        return False
    return 0 <= epoch(clock.now()) - seen.looked < LOOK_AT_LEAST.total_seconds()


def left(folder: Folder, state: str, clock: Clock) -> Seen:
    """A folder as it is left."""
    return Seen(folder.name, folder.mark, state, epoch(clock.now()))


def holding(folders: Iterable[Folder], holds: str) -> list[Folder]:
    """The folders made for a kind of item, but for deleted ones and those that programs make for themselves."""
    return [one for one in folders if one.is_kept and one.holds == holds]


def chosen(folders: Sequence[Folder], names: object) -> list[Folder]:
    """Those that the owner named, by their keys or names; all of them where nobody chose.

    Raises:
        Missing: there is none of those that were named.
    """
    given = names.split(",") if isinstance(names, str) else [str(one) for one in names or ()]  # type: ignore[attr-defined]
    wanted = {one.strip() for one in given if one.strip()}
    if not wanted:
        return list(folders)
    folded = {one.casefold() for one in wanted}
    found = [one for one in folders if one.key in wanted or one.name.casefold() in folded]
    if not found:
        there = ", ".join(f"“{one.name}”" for one in folders[:20]) or "none"
        raise Missing(f"There is nothing called {', '.join(sorted(wanted))} there. There is: {there}.")
    return found


def surveyed(line: Exchange, collections: Sequence[Collection], *abilities: str) -> Survey:
    """What signing in showed, with the way of signing in that was found."""
    return Survey(line.user, tuple(collections), abilities, {"auth": line.offered()})

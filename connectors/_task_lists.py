"""The lists of a to-do tool as its owner names them: which is chosen, and what to say of one that is gone; it never asks a tool."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

from connectors._mail_text import clean
from schemas.connector import Access, Collection, Survey
from schemas.errors import Missing

SINCE_LAST_LOOK = "tells what changed since the last look"
"""An ability, as a survey tells of it."""


class Listed(Protocol):
    """A list, by whatever name a tool has for it."""

    @property
    def id(self) -> str:
        """How settings name it."""
        ...

    @property
    def name(self) -> str:
        """How people call it."""
        ...


L = TypeVar("L", bound=Listed)


def collection(one: Listed) -> Collection:
    """A list as it is offered to its owner."""
    return Collection(one.id, clean(one.name), "tasks")


def collections(names: Mapping[str, str]) -> list[Collection]:
    """Lists of which the names are known by their ids."""
    return [Collection(one, name, "tasks") for one, name in names.items()]


def named(wanted: str, lists: Iterable[L]) -> L | None:
    """The list of this id, or else of this name in whatever case."""
    there = list(lists)
    name = clean(wanted).casefold()
    by_name = (one for one in there if name and clean(one.name).casefold() == name)
    return next((one for one in there if one.id == wanted), None) or next(by_name, None)


def chosen(access: Access, lists: Iterable[L], gone: str) -> L:
    """The list that the settings name.

    Raises:
        Missing: there is none; `gone` says so.
    """
    found = named(str(access.settings.get("list") or ""), lists)
    if found is None:
        raise Missing(gone)
    return found


def surveyed(access: Access, user: str, lists: Sequence[Listed], gone: str, *abilities: str) -> Survey:
    """What signing in showed of a tool; the chosen list is kept by its id, so that another name for it changes nothing.

    Raises:
        Missing: the list that is chosen is not there; `gone` says so.
    """
    settings = {"list": chosen(access, lists, gone).id} if access.settings.get("list") else {}
    return Survey(user, tuple(map(collection, lists)), abilities, settings)


def gone_list(where: str, kind: str, what: str = "list") -> str:
    """What to say of a list that is not there.

    Args:
        where: the tool, with its preposition: `in Todoist`.
        kind: the kind of account, as `kith connect` takes it.
        what: what the tool calls a list.
    """
    return (
        f"The {what} that tasks go to is not {where} (any more). "
        f"Choose another: kith connect {kind} --tasks {what.upper()}."
    )

"""`kith duplicates`: pairs that may be one person, and joining those that are sure."""

from collections.abc import Mapping, Sequence

import click

from deploy.cli.context import Context
from deploy.cli.ending import OK
from deploy.cli.paper import hint, is_terminal, plain, quiet, say, strong, wrapped
from deploy.cli.words import name_of
from schemas.decisions import Merge
from schemas.errors import UsageError
from schemas.ids import public_id
from schemas.interface import Duplicate, DuplicateList, JoinedPair, Person
from services.identity.duplicates import duplicates as pairs
from services.identity.keys import identity_key
from services.lookup import find_person, list_people
from services.store import history as rows


def duplicates(context: Context, *, yes: bool = False) -> int:
    """Pairs that may be one person."""
    if yes:
        raise UsageError("--yes goes with --accept-sure. Look at the pairs without it first.")
    book = context.kept()
    found = pairs(book.store, book.owner)
    if context.as_json:
        context.put(DuplicateList(found))
        return OK
    people = _people(context)
    for pair in found:
        a, b = _print(pair, people)
        say(f"    kith merge {_handle(a)} {_handle(b)}")
    if found:
        hint("", "If they are two people: kith distinct A B, and Kith does not ask again.")
    else:
        say("No two entries look like one person.")
    sure = sum(one.is_sure for one in found)
    if sure:
        hint(f"{sure} of them {'is' if sure == 1 else 'are'} sure: kith duplicates --accept-sure")
    return OK


def accept_sure(context: Context, *, yes: bool) -> int:
    """Join every pair that is sure, once the owner has said yes.

    Raises:
        UsageError: nobody can be asked, and nobody said yes beforehand.
    """
    book = context.kept()
    found = [one for one in pairs(book.store, book.owner) if one.is_sure]
    if found and not yes:
        _ask(context, found)
    elif not context.as_json:
        people = _people(context)
        for pair in found:
            _print(pair, people)
    merged = _joined(context, found)
    if context.as_json:
        context.put(DuplicateList(pairs(book.store, book.owner), merged=merged))
        return OK
    if not merged:
        say("No pair is sure. Those that may be one person: kith duplicates")
        return OK
    say("", f"{_counted(len(merged))} joined. To take one back:")
    say(*(f"    kith split {one.person} {one.b.partition(':')[2]}" for one in merged))
    return OK


def _joined(context: Context, found: Sequence[Duplicate]) -> list[JoinedPair]:
    book = context.book
    names = [(name_of(find_person(book, one.a)), name_of(find_person(book, one.b))) for one in found]
    if names:
        book.decide([Merge(a=a, b=b) for a, b in names])
        book.keep()
    keys = {name: identity_key(*name.split(":", 1)) for pair in names for name in pair}
    with book.store.read() as unit:
        whose = rows.person_of(unit, book.owner, list(keys.values()))
    return [
        JoinedPair(a, b, public_id("p", whose[keys[a]]), one.why)
        for (a, b), one in zip(names, found, strict=True)
    ]


def _ask(context: Context, found: Sequence[Duplicate]) -> None:
    if context.as_json or not is_terminal():
        raise UsageError(
            f"There is nobody to ask whether {_counted(len(found))} to be joined. Look at them: kith duplicates; then "
            "say so: kith duplicates --accept-sure --yes"
        )
    people = _people(context)
    for pair in found:
        _print(pair, people)
    if not click.confirm(
        f"Join {'this pair' if len(found) == 1 else f'these {len(found)} pairs'}?", err=True
    ):
        raise UsageError("Nothing was joined. One by one: kith duplicates")


def _counted(number: int) -> str:
    return "1 pair is" if number == 1 else f"{number} pairs are"


def _people(context: Context) -> Mapping[str, Person]:
    every = list_people(context.book, statuses=("person", "waiting", "automated"))
    return {one.id: one for one in every}


def _print(pair: Duplicate, people: Mapping[str, Person]) -> tuple[Person, Person]:
    a, b = sorted((people[pair.a], people[pair.b]), key=lambda one: not one.emails)
    say(f"{_who(a)}  and  {_who(b)}", *map(quiet, wrapped("; ".join(pair.why), "    ")))
    return a, b


def _who(one: Person) -> str:
    named = plain(one.name or _handle(one), 60)
    return (
        f"{strong(named)} ({plain(_handle(one) if one.emails or one.linkedin else 'a name on LinkedIn', 60)})"
    )


def _handle(one: Person) -> str:
    """What an owner would name a person by."""
    return next(iter(one.emails), None) or (one.linkedin or one.id).removeprefix("https://www.")

"""Finding people and follow-ups by what an owner types."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain, takewhile

from rapidfuzz.distance import OSA

from schemas.clock import instant
from schemas.errors import UsageError
from schemas.ids import key64, key_of, public_id
from schemas.interface import Followup, Interaction, Met, Person, PersonPage
from services.book import Book
from services.history.parts import KINDS, Kind, Mark
from services.identity.keys import OWNER_KEY, email_key
from services.identity.names import folded
from services.people import PersonRow, person_row, person_shape, strength_of
from services.shapes import Shaper
from services.store import history as rows
from services.store import search
from services.store.history import InteractionRow

_STATUS_ORDER = {"person": 0, "waiting": 1, "automated": 2}
_CANDIDATES = 8
_MEANT, _LIKE = 3, 0.74
"""So many names are proposed, and so like what was typed each must be: one letter of four, two of eight."""
_PHONE_PUNCTUATION = re.compile(r"[\s()./-]")
_DAY = 86_400


def list_people(
    book: Book,
    query: str = "",
    *,
    sort: str = "strength",
    role: str | None = None,
    tag: str | None = None,
    statuses: Sequence[str] = ("person", "waiting"),
) -> list[Person]:
    """People whose name, addresses or organisation hold every word of the query; people before those waiting.

    Args:
        sort: `strength`, `last` (newest contact first) or `name`.
    """
    now = book.clock.now()
    with book.store.read() as unit:
        found = [
            person_row(shape)
            for _, _, shape in rows.people(unit, book.owner, query=folded(query).split(), statuses=statuses)
        ]
    found = [row for row in found if (role is None or role in row.roles) and (tag is None or tag in row.tags)]
    ordered = sorted(found, key=lambda row: _order(row, sort, now))
    return [person_shape(row, now) for row in ordered]


def _order(row: PersonRow, sort: str, now: datetime) -> tuple[object, ...]:
    if sort == "name":
        return (folded(row.name), row.key)
    if sort == "last":
        return (-(row.last_at or 0), folded(row.name), row.key)
    return (
        _STATUS_ORDER.get(row.status, 3),
        -strength_of(row, now),
        -(row.last_at or 0),
        folded(row.name),
        row.key,
    )


def find_person(book: Book, who: str) -> PersonRow:
    """The person behind an id, an address, a profile or phone, or a name that is unambiguous.

    Raises:
        UsageError: nobody, or several; the candidates are listed.
    """
    who = " ".join(who.split())
    if not who:
        raise UsageError("Say who: an id, an address, or a name. They are listed by: kith people")
    with book.store.read() as unit:
        keys = [key for key in (key_of("p", who), email_key(who) if "@" in who else None) if key is not None]
        keys += (
            key64("linkedin", who.rstrip("/").rpartition("/")[2]),
            key64("phone", _PHONE_PUNCTUATION.sub("", who)),
        )
        for key in rows.person_of(unit, book.owner, keys).values():
            for _, _, shape in rows.people(unit, book.owner, [key]):
                return person_row(shape)
        words = folded(who).split()
        found = (
            [person_row(shape) for _, _, shape in rows.people(unit, book.owner, query=words)] if words else []
        )
    now = book.clock.now()
    found.sort(key=lambda row: _order(row, "strength", now))
    for choice in _choices(found, words):
        if len(choice) == 1:
            return choice[0]
        if len(choice) > 1:
            raise UsageError(_several(who, choice))
    raise UsageError(f"Nobody here is called {who}. {_near(book, ' '.join(words))}")


def _near(book: Book, name: str) -> str:
    """Whom a misspelt name may have meant, likeliest first; else how to look for somebody."""
    with book.store.read() as unit:
        found = rows.people(unit, book.owner, statuses=("person", "waiting"))
        every = [person_row(shape) for _, _, shape in found]
    now = book.clock.now()
    scored = [(_likeness(name, folded(row.name)), row) for row in every]
    scored.sort(key=lambda one: (-one[0], _order(one[1], "strength", now)))
    meant = list(dict.fromkeys(row.name for score, row in scored if score >= _LIKE))[:_MEANT]
    return f"Did you mean {' or '.join(meant)}?" if meant else "Search with: kith people NAME"


def _likeness(typed: str, name: str) -> float:
    """How like a name, or a word of it, is to what was typed: 1 is the same."""
    return max(OSA.normalized_similarity(typed, one) for one in (name, *name.split()))


def _choices(found: Sequence[PersonRow], words: Sequence[str]) -> Iterator[list[PersonRow]]:
    """Who may be meant, the likeliest reading first: the whole name, words of it, their beginnings, letters in it."""
    humans = [row for row in found if row.status != "automated"]
    names = {row.key: folded(row.name).replace("-", " ").split() for row in found}
    wanted = " ".join(words).replace("-", " ").split()
    for among in (humans, found):
        yield [row for row in among if names[row.key] == wanted]
        yield [row for row in among if all(word in names[row.key] for word in wanted)]
        yield [
            row
            for row in among
            if all(any(one.startswith(word) for one in names[row.key]) for word in wanted)
        ]
    yield humans
    yield list(found)


def _several(who: str, found: Sequence[PersonRow]) -> str:
    lines = [f"  {public_id('p', row.key)}  {row.name}, {_known_by(row)}" for row in found[:_CANDIDATES]]
    more = f"\n  and {len(found) - _CANDIDATES} more" if len(found) > _CANDIDATES else ""
    return f"{who} could be one of {len(found)}. Say which, by id or address:\n" + "\n".join(lines) + more


def _known_by(row: PersonRow) -> str:
    if row.emails:
        return row.emails[0]
    return f"linkedin.com/in/{row.linkedin}" if row.linkedin else row.organization or "a name on LinkedIn"


def page_of(book: Book, row: PersonRow, limit: int | None = None) -> PersonPage:
    """Everything `kith show` gives of a person; interactions and threads newest first."""
    now = book.clock.now()
    with book.store.read() as unit:
        shaper = Shaper(unit, book.owner, now)
        found = rows.interactions_of_person(unit, book.owner, row.key)
        interactions = list(shaper.interactions(found[:limit] if limit else found))
        threads = list(shaper.threads(sorted({one.thread for one in found if one.thread is not None})))
        met = _met(shaper, found, row.key)
    threads.sort(key=lambda one: (one.last_at, one.id), reverse=True)
    return PersonPage(
        person=person_shape(row, now),
        interactions=interactions,
        threads=threads,
        followups=book.followups(row.key),
        met=met,
    )


def _met(shaper: Shaper, found: Sequence[InteractionRow], key: int) -> Met | None:
    """The first interaction with a person, and who introduced them up to a day after it; `found` is newest first."""
    held = (one for one in reversed(found) if shaper.happened(one))
    first = next(held, None)
    if first is None:
        return None
    at_once = takewhile(lambda one: one.at <= first.at + _DAY, chain([first], held))
    introduced = (
        shaper.whose.get(one.author, one.author)
        for one in at_once
        if one.kind == Kind.EMAIL and one.signals & Mark.INTRODUCTION
    )
    through = next((person for person in introduced if person not in {OWNER_KEY, key}), None)
    return Met(
        at=instant(first.at),
        interaction=public_id("i", first.key),
        kind=KINDS[first.kind],
        through=public_id("p", through) if through is not None else None,
    )


def search_history(
    book: Book,
    query: str,
    *,
    person: PersonRow | None = None,
    kind: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 50,
) -> list[Interaction]:
    """Interactions whose subject or excerpt holds every word, or with people of that name; newest first."""
    now = book.clock.now()
    with book.store.read() as unit:
        ids = search.find(unit, book.owner, query, 5_000)
        found = {row.id: row for row in rows.interactions_with_ids(unit, ids)}
        for _, _, shape in rows.people(unit, book.owner, query=folded(query).split()):
            named = person_row(shape)
            if all(word in folded(named.name) for word in folded(query).split()):
                found.update(
                    (one.id, one) for one in rows.interactions_of_person(unit, book.owner, named.key)[:500]
                )
        shaper = Shaper(unit, book.owner, now)
        ordered = sorted(found.values(), key=lambda one: (-one.at, one.key))
        wanted = public_id("p", person.key) if person else None
        shown: list[Interaction] = []
        for shape_ in shaper.interactions(ordered):
            if kind is not None and shape_.kind != kind:
                continue
            if wanted is not None and all(part.id != wanted for part in shape_.people):
                continue
            if (since and shape_.at < since) or (until and shape_.at >= until):
                continue
            shown.append(shape_)
            if len(shown) >= limit:
                break
    return shown


def find_followup(book: Book, key: str) -> Followup:
    """The follow-up with this id, or the only one whose id begins so.

    Raises:
        UsageError: none, or several.
    """
    found = book.followup(key.strip()) if len(key.strip()) >= 4 else []
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{key} is the beginning of {len(found)} follow-ups. Give more of the id.")
    raise UsageError(f"There is no follow-up {key}. List them with their ids: kith followups --all")

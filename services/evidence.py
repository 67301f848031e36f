"""One follow-up with what it rests on: what a task in a to-do tool, or a line of a digest, links back to."""

from datetime import datetime

from msgspec import Struct

from schemas.ids import key_of, public_id
from schemas.interface import Followup, Interaction
from services.book import Book
from services.people import owners_words, person_row
from services.shapes import Shaper
from services.store import history as rows


class Evidence(Struct, frozen=True):
    """A follow-up as it stands, the interactions behind it, oldest first, and the names of the people in them by id."""

    followup: Followup
    interactions: list[Interaction]
    names: dict[str, str]
    timezone: str
    at: datetime


def evidence_of(book: Book, followup_id: str) -> Evidence | None:
    """The follow-up with exactly this id; None when there is none."""
    told = next((one for one in book.followup(followup_id) if one.id == followup_id), None)
    if told is None:
        return None
    now = book.clock.now()
    named = [*told.evidence, *([told.closed_by] if told.closed_by else [])]
    keys = [key for key in (key_of("i", one) for one in named) if key is not None]
    with book.store.read() as unit:
        said = owners_words(unit, book.owner).owner
        found = rows.interactions_with_keys(unit, book.owner, keys)
        interactions = list(Shaper(unit, book.owner, now).interactions(found))
        wanted = {part.id for one in interactions for part in one.people}
        whose = [key for key in (key_of("p", one) for one in wanted) if key is not None]
        names = {
            public_id("p", key): person_row(shape).name
            for key, _, shape in rows.people(unit, book.owner, whose)
        }
    return Evidence(told, interactions, names, said.timezone if said else "UTC", now)

"""Everything out as JSON Lines, in the interface's shapes and a fixed order, so that equal facts give equal bytes."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from schemas.clock import instant
from schemas.decisions import DigestComposed
from schemas.events import decode_body
from schemas.interface import EventShape, Followup, Owner, encode
from services.book import Book
from services.people import owners_words, person_row, person_shape
from services.shapes import Shaper
from services.store import events as stream
from services.store import followups as followup_rows
from services.store import history as rows
from services.store.unit import Unit
from services.tasklinks import with_tasks

_decode_followup = msgspec.json.Decoder(Followup).decode
FILES = (
    "owner.json",
    "people.jsonl",
    "interactions.jsonl",
    "threads.jsonl",
    "followups.jsonl",
    "goals.jsonl",
    "events.jsonl",
    "digests.jsonl",
)


def export(book: Book, folder: Path) -> dict[str, int]:
    """Write every file into a folder (made when missing); how many lines each has.

    The book is exported as it was last kept: call `Book.keep` before.
    """
    folder.mkdir(parents=True, exist_ok=True)
    now = book.clock.now()
    counts: dict[str, int] = {}
    with book.store.read() as unit:
        writers = {
            "owner.json": _owner(unit, book.owner),
            "people.jsonl": _people(unit, book.owner, now),
            "interactions.jsonl": _interactions(unit, book.owner, now),
            "threads.jsonl": _threads(unit, book.owner, now),
            "followups.jsonl": _followups(unit, book.owner),
            "goals.jsonl": iter(()),
            "events.jsonl": _events(unit, book.owner),
            "digests.jsonl": _digests(unit, book.owner),
        }
        for name, lines in writers.items():
            counts[name] = _write(folder / name, lines)
    return counts


def _write(path: Path, lines: Iterator[bytes]) -> int:
    count = 0
    with path.open("wb") as file:
        for line in lines:
            file.write(line)
            file.write(b"\n")
            count += 1
    return count


def _followups(unit: Unit, who: int) -> Iterator[bytes]:
    told = map(_decode_followup, followup_rows.followups(unit, who))
    return map(encode, with_tasks(unit, who, told))


def _owner(unit: Unit, who: int) -> Iterator[bytes]:
    said = owners_words(unit, who)
    if said.owner is not None:
        yield encode(
            Owner(
                name=said.owner.name,
                emails=list(said.emails),
                timezone=said.owner.timezone,
                domains=sorted(said.domains),
                created_at=instant(stream.owner_created_at(unit, who)),
            )
        )


def _people(unit: Unit, who: int, now: datetime) -> Iterator[bytes]:
    for _, _, shape in rows.people(unit, who):
        yield encode(person_shape(person_row(shape), now))


def _interactions(unit: Unit, who: int, now: datetime) -> Iterator[bytes]:
    for shape in Shaper(unit, who, now).interactions(rows.all_interactions(unit, who)):
        yield encode(shape)


def _threads(unit: Unit, who: int, now: datetime) -> Iterator[bytes]:
    for shape in Shaper(unit, who, now).threads():
        yield encode(shape)


def _events(unit: Unit, who: int) -> Iterator[bytes]:
    sources = stream.sources(unit, who)
    for event in stream.read_all(unit, who):
        account, name = sources[event.source]
        yield encode(
            EventShape(
                seq=event.seq,
                kind=event.kind,
                account=account,
                stream=name,
                external_id=event.external_id,
                revision=event.revision,
                at=instant(event.at),
                recorded_at=instant(event.recorded_at),
                body=msgspec.Raw(event.body),
            )
        )


def _digests(unit: Unit, who: int) -> Iterator[bytes]:
    newest: dict[str, str] = {}
    for _, kind, body in rows.words(unit, who, ("digest",)):
        record = decode_body(body, kind, 1)
        if isinstance(record, DigestComposed):
            newest[record.week] = record.body
    for week in sorted(newest):
        yield newest[week].encode()

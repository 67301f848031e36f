"""From rows and events to the interface's shapes of interactions, threads and people."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec

from schemas.clock import epoch, instant
from schemas.decisions import FavourNoted, NoteWritten
from schemas.events import EventBody, MailWords, decode_words
from schemas.ids import key64, public_id
from schemas.interface import Interaction, Part, SignalShape, Thread
from schemas.records import (
    ConnectionNote,
    DirectMessage,
    Endorsement,
    Invitation,
    Meeting,
    Message,
    Recommendation,
    Signal,
)
from services.history import parts as packed
from services.history.parts import Kind
from services.identity.keys import OWNER_KEY
from services.store import events as stream
from services.store import history as rows
from services.store.events import Body
from services.store.history import InteractionRow
from services.store.unit import Unit
from services.threads import is_between_humans

_CHUNK = 1_000
_decode_people = msgspec.json.Decoder(list[int]).decode


class Shaper:
    """Shapes one owner's history as of an instant; make one a reading, as it remembers who is who."""

    def __init__(self, unit: Unit, who: int, now: datetime) -> None:
        self._unit = unit
        self._who = who
        self._now = epoch(now)
        self.whose = rows.identity_persons(unit, who)
        self.automated = rows.automated(unit, who)
        self._sources = {
            key: f"{account}:{name}" for key, (account, name) in stream.sources(unit, who).items()
        }
        self._occurrences: dict[int, dict[int, str]] = {}

    def happened(self, row: InteractionRow) -> bool:
        """Whether an interaction is history: between humans, over, and not called off."""
        if row.kind == Kind.MEETING:
            if not row.is_held or row.ends_at is None or row.ends_at > self._now:
                return False
            came = (key for key, part in packed.unpack(row.parts) if part != packed.Part.DECLINED)
            return any(self.whose.get(key, key) not in self.automated for key in came)
        return row.at <= self._now + 86_400 and is_between_humans(row, self.whose, self.automated)

    def interactions(self, found: Iterable[InteractionRow]) -> Iterator[Interaction]:
        """The shapes of those that are history, in the order given."""
        chunk: list[InteractionRow] = []
        for row in found:
            if self.happened(row):
                chunk.append(row)
            if len(chunk) >= _CHUNK:
                yield from self._shaped(chunk)
                chunk = []
        yield from self._shaped(chunk)

    def _shaped(self, chunk: Sequence[InteractionRow]) -> Iterator[Interaction]:
        events = stream.read_bodies(self._unit, self._who, {row.seq for row in chunk})
        records = {seq: decode_words(e.body, e.kind, e.version) for seq, e in events.items()}
        copies = rows.sources_of_copies(self._unit, self._who, [row.key for row in chunk])
        for row in chunk:
            if row.seq in records:
                others = copies.get(row.key, set()) - {row.source}
                yield self._interaction(row, records[row.seq], events[row.seq], others)

    def _interaction(
        self, row: InteractionRow, record: EventBody | MailWords, event: Body, others: set[int]
    ) -> Interaction:
        subject, excerpt, signals = _text(record)
        people: dict[int, str] = {}
        for key, part in packed.unpack(row.parts):
            person = self.whose.get(key, key)
            if person != OWNER_KEY:
                people.setdefault(person, packed.PARTS[part])
        return Interaction(
            id=public_id("i", row.key),
            kind=packed.KINDS[row.kind],
            at=instant(row.at),
            ends_at=instant(row.ends_at) if row.ends_at is not None else None,
            direction=packed.DIRECTIONS[row.direction],
            subject=subject or None,
            excerpt=excerpt or None,
            thread=public_id("t", row.thread) if row.thread is not None else None,
            people=[Part(public_id("p", person), part) for person, part in people.items()],
            group_size=row.group_size,
            signals=[
                SignalShape(signal.kind, self._author(row), signal.text, signal.due) for signal in signals
            ],
            source=self._sources.get(row.source, ""),
            source_key=self._source_key(row, record, event),
            sources=[self._sources.get(one, "") for one in (row.source, *sorted(others))],
        )

    def _author(self, row: InteractionRow) -> str:
        author = self.whose.get(row.author, row.author)
        return "owner" if author == OWNER_KEY else public_id("p", author)

    def _source_key(self, row: InteractionRow, record: EventBody | MailWords, event: Body) -> str:
        if not isinstance(record, Meeting) or not record.is_series:
            return event.external_id
        if event.seq not in self._occurrences:
            keys = (f"{record.uid}/{one.recurrence_id}" for one in record.occurrences)
            self._occurrences[event.seq] = {key64("meeting", key): key for key in keys}
        return self._occurrences[event.seq].get(row.key, record.uid)

    def threads(self, keys: Sequence[int] | None = None) -> Iterator[Thread]:
        """The shapes of threads, by id; all, or these."""
        for row in rows.threads(self._unit, self._who, keys):
            people = {public_id("p", self.whose.get(key, key)) for key in _decode_people(row.people)}
            yield Thread(
                id=public_id("t", row.key),
                subject=row.subject or None,
                last_at=instant(row.last_at),
                messages=row.messages,
                people=sorted(people),
                state=row.state,
                since=instant(row.since) if row.since is not None else None,
            )


def _text(record: EventBody | MailWords) -> tuple[str, str, tuple[Signal, ...]]:
    match record:
        case MailWords() | Message() | DirectMessage():
            return record.subject, record.excerpt, record.signals
        case Meeting():
            return record.summary, record.location, ()
        case Invitation() | Recommendation():
            return "", record.excerpt, ()
        case Endorsement():
            return ", ".join(record.skills), "", ()
        case ConnectionNote() | NoteWritten() | FavourNoted():
            return "", record.text, ()
        case _:
            return "", "", ()

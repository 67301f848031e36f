"""Whose turn it is in a conversation, told from its messages alone, however old."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Literal, NamedTuple

import msgspec

from schemas.events import MailWords, decode_words
from schemas.interface import ThreadState
from schemas.records import DirectMessage, Message
from services.history.order import steps
from services.history.parts import Mark, Part, unpack
from services.identity.keys import OWNER_KEY
from services.store import events as stream
from services.store import history as rows
from services.store.history import InteractionRow, ThreadRow
from services.store.unit import Duty, Store, Unit

_CHUNK = 2_000
_encode = msgspec.json.Encoder().encode


class Turn(NamedTuple):
    """Whose turn, and since when (whole seconds UTC); None when nobody waits."""

    state: ThreadState
    since: int | None


def turn(messages: Sequence[InteractionRow]) -> Turn:
    """The state after the last message; messages oldest first, authors by person, all between humans.

    The owner's message answers what was asked and may ask in turn. Another recipient's message answers an ask, and so
    does the asker's own thanks, or word that it is settled, without a new ask. What the owner got as a copy asks nothing
    of the owner, and an automatic answer changes nothing.
    """
    state: ThreadState = "fyi"
    since: int | None = None
    asker: int | None = None
    sides: set[Literal["in", "out"]] = set()
    for message in messages:
        if message.signals & Mark.AUTO_REPLY:
            continue
        asks = bool(message.signals & Mark.ASK)
        if message.author == OWNER_KEY:
            sides.add("out")
            state, since, asker = ("awaiting_them", message.at, None) if asks else ("closed", None, None)
            continue
        sides.add("in")
        if asks and message.owner_part in {Part.TO, Part.BCC}:
            if state != "awaiting_me":
                state, since, asker = "awaiting_me", message.at, message.author
        elif state == "awaiting_them" or (
            state == "awaiting_me"
            and (message.author != asker or message.signals & (Mark.THANKS | Mark.SETTLED))
        ):
            state, since = "closed", None
    if state == "closed" and sides == {"out"}:
        state = "fyi"
    return Turn(state, since)


class ThreadTeller:
    """Writes the states of threads that changed."""

    def __init__(self, store: Store, owner: int) -> None:
        self._store = store
        self._owner = owner

    def settle(self) -> int:
        """Tell every stale thread anew; how many there were."""
        done = 0
        with self._store.read() as unit:
            if not rows.stale_threads(unit, self._owner, 1):
                return 0
            persons = rows.identity_persons(unit, self._owner)
            automated = rows.automated(unit, self._owner)
        while True:
            with self._store.write() as unit:
                unit.alone(self._owner, Duty.TELL)
                stale = rows.stale_threads(unit, self._owner, _CHUNK)
                if not stale:
                    return done
                self._tell(unit, stale, persons, automated)
                done += len(stale)

    def _tell(self, unit: Unit, stale: Sequence[int], persons: dict[int, int], automated: set[int]) -> None:
        told: list[ThreadRow] = []
        firsts: dict[int, int] = {}
        for thread, messages in _by_thread(rows.interactions_of_threads(unit, self._owner, stale)):
            after = steps(unit, self._owner, messages)
            human = [
                row._replace(author=persons.get(row.author, row.author))
                for row in sorted(messages, key=lambda one: (one.at, after.get(one.key, 0)))
                if is_between_humans(row, persons, automated)
            ]
            if not human:
                continue
            people = sorted({persons.get(k, k) for row in human for k, _ in unpack(row.parts)} - {OWNER_KEY})
            state = turn(human)
            firsts[thread] = human[0].seq
            told.append(
                ThreadRow(
                    key=thread,
                    subject="",
                    last_at=max(row.at for row in human),
                    messages=len(human),
                    people=_encode(people),
                    state=state.state,
                    since=state.since,
                )
            )
        subjects = _subjects(unit, self._owner, firsts)
        lively = {row.key for row in told}
        empty = [ThreadRow(key, "", 0, 0, b"[]", "fyi", None) for key in stale if key not in lively]
        rows.set_threads(
            unit, self._owner, [row._replace(subject=subjects.get(row.key, "")) for row in told] + empty
        )


def is_between_humans(row: InteractionRow, persons: dict[int, int], automated: set[int]) -> bool:
    """Whether an interaction happened between the owner and at least one human.

    A machine's message never did; the owner's did when one of those it went to is human.
    """
    if row.author != OWNER_KEY and persons.get(row.author, row.author) in automated:
        return False
    return any(persons.get(key, key) not in automated for key, _ in unpack(row.parts))


def _by_thread(messages: Iterator[InteractionRow]) -> Iterator[tuple[int, list[InteractionRow]]]:
    for thread, group in groupby(messages, key=lambda row: row.thread):
        if thread is not None:
            yield thread, list(group)


def _subjects(unit: Unit, owner: int, firsts: dict[int, int]) -> dict[int, str]:
    events = stream.read_bodies(unit, owner, firsts.values())
    subjects: dict[int, str] = {}
    for thread, seq in firsts.items():
        event = events.get(seq)
        if event is not None:
            record = decode_words(event.body, event.kind, event.version)
            if isinstance(record, MailWords | Message | DirectMessage):
                subjects[thread] = record.subject
    return subjects

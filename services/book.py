"""An owner's book, kept in step: everything derived follows the stream and the clock.

`keep()` reads what is new in the stream, notes the meetings that have ended since, tells people, threads and
follow-ups anew where something changed, and leaves the book as of one instant. Stopped anywhere, it goes on from
there; repeated, it changes nothing. Nothing here has an effect outside the database.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from schemas.clock import Clock, epoch, instant
from schemas.decisions import AnyDecision, OwnerDeclared
from schemas.events import VERSION, encode_body, kind_of
from schemas.ids import key_of
from schemas.interface import Followup
from services.history.parts import Kind, unpack
from services.people import PeopleTeller
from services.situation import situation
from services.state import State
from services.store import events as stream
from services.store import followups as followup_rows
from services.store import history as rows
from services.store.unit import Duty, Store, Unit
from services.tasklinks import with_tasks
from services.threads import ThreadTeller

if TYPE_CHECKING:
    from services.history.projector import Projector

DECISIONS = "decisions"
"""The account and stream of the owner's own word."""
_encode = msgspec.json.Encoder().encode
_followup_decoder = msgspec.json.Decoder(Followup)

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is, and of how much (0 when unknown)."""


def _silent(_what: str, _done: int, _total: int) -> None:
    return


class Habits(Struct, frozen=True):
    """What the owner's settings say of follow-ups."""

    lookback: timedelta = timedelta(days=60)
    weekly_cap: int = 5


class Book:
    """Everything Kith keeps for one owner."""

    def __init__(self, store: Store, owner: int, clock: Clock, habits: Habits | None = None) -> None:
        self.store = store
        self.owner = owner
        self.clock = clock
        self.habits = habits or Habits()
        self._people = PeopleTeller(store, owner)
        self._threads = ThreadTeller(store, owner)

    @cached_property
    def _projector(self) -> "Projector":
        from services.history.projector import Projector  # noqa: PLC0415  # reading a book projects nothing

        return Projector(self.store, self.owner)

    # --- keeping in step ----------------------------------------------------------------------------------------------

    def follow(self, limit: int) -> int:
        """Take about `limit` new events into history, and tell nothing anew yet; how many there were."""
        return self._projector.catch_up(epoch(self.clock.now()), limit=limit)

    def keep(self, progress: Progress = _silent) -> None:
        """Bring everything derived up to the stream's end and the present instant."""
        now = self.clock.now()
        with self.store.read() as unit:
            seq, as_of = stream.position(unit, self.owner, stream.HISTORY)
            last = stream.last_seq(unit, self.owner)
        done = 0

        def advance(count: int) -> None:
            nonlocal done
            done += count
            progress("history", done, max(0, last - seq))

        read = self._projector.catch_up(epoch(now), advance)
        self._note_ended(as_of, epoch(now))
        told = self._settle(now, progress)
        with self.store.read() as unit:
            seq, as_of = stream.position(unit, self.owner, stream.HISTORY)
            told_up_to, _ = stream.position(unit, self.owner, stream.TOLD)
        if read or told or as_of != epoch(now) or told_up_to != seq:
            self._tell_followups(now)

    def is_kept(self) -> bool:
        """Whether all that is in the stream was told, and told today, and no meeting has ended since."""
        now = self.clock.now()
        with self.store.read() as unit:
            seq, as_of = stream.position(unit, self.owner, stream.HISTORY)
            if seq != stream.last_seq(unit, self.owner) or instant(as_of).date() != now.date():
                return False
            if stream.position(unit, self.owner, stream.TOLD)[0] != seq:
                return False
            first, then = sorted((as_of, epoch(now)))
            if rows.ended_between(unit, self.owner, first, then, Kind.MEETING):
                return False
            return not (rows.stale_people(unit, self.owner, 1) or rows.stale_threads(unit, self.owner, 1))

    def replay(self, progress: Progress = _silent) -> None:
        """Drop everything derived and make it again from the stream; has no effect outside the database."""
        now = self.clock.now()
        with self.store.read() as unit:
            last = stream.last_seq(unit, self.owner)
        done = 0

        def advance(count: int) -> None:
            nonlocal done
            done += count
            progress("history", done, last)

        self._projector.rebuild(epoch(now), advance)
        self._settle(now, progress)
        self._tell_followups(now)

    def _note_ended(self, before: int, now: int) -> None:
        """A meeting counts once it is over: those that ended between two instants change their people."""
        if before == now:
            return
        with self.store.write() as unit:
            ended = rows.ended_between(unit, self.owner, min(before, now), max(before, now), Kind.MEETING)
            identities = {key for row in ended for key, _ in unpack(row.parts)}
            persons = rows.person_of(unit, self.owner, sorted(identities))
            rows.touch_people(unit, self.owner, sorted(set(persons.values())))

    def _settle(self, now: datetime, progress: Progress) -> int:
        progress("people", 0, 0)
        people = self._people.settle(now)
        progress("threads", 0, 0)
        return people + self._threads.settle()

    def _tell_followups(self, now: datetime) -> None:
        from services.followups import followups as tell_followups  # noqa: PLC0415  # reading a book tells nothing

        with self.store.write() as unit:
            unit.alone(self.owner, Duty.TELL)
            told = tell_followups(self._situation(unit, now))
            followup_rows.set_followups(
                unit,
                self.owner,
                [(one.id, one.state, one.rule, key_of("p", one.person or ""), _encode(one)) for one in told],
            )
            seq, _ = stream.position(unit, self.owner, stream.HISTORY)
            stream.set_position(unit, self.owner, stream.HISTORY, seq, epoch(now))
            stream.set_position(unit, self.owner, stream.TOLD, seq, epoch(now))

    # --- reading ------------------------------------------------------------------------------------------------------

    def situation(self) -> State:
        """The owner's state at the present instant."""
        with self.store.read() as unit:
            return self._situation(unit, self.clock.now())

    def _situation(self, unit: Unit, now: datetime) -> State:
        return situation(
            unit, self.owner, now, lookback=self.habits.lookback, weekly_cap=self.habits.weekly_cap
        )

    def followups(self, person: int | None = None) -> list[Followup]:
        """The follow-ups as last told, oldest reason first; all, or one person's."""
        with self.store.read() as unit:
            shapes = followup_rows.followups(unit, self.owner, person)
            found = list(with_tasks(unit, self.owner, map(_followup_decoder.decode, shapes)))
        return sorted(found, key=lambda one: (one.created_at, one.id))

    def followup(self, beginning: str) -> list[Followup]:
        """The follow-ups whose id begins so."""
        with self.store.read() as unit:
            shapes = followup_rows.followups_like(unit, self.owner, beginning)
            return list(with_tasks(unit, self.owner, map(_followup_decoder.decode, shapes)))

    def forget_rejects(self, source: str) -> None:
        """Take what one source could not make readable off the list, before it is tried again."""
        with self.store.write() as unit:
            stream.drop_rejects(unit, self.owner, source)

    # --- the owner's word ---------------------------------------------------------------------------------------------

    def decide(self, decisions: Sequence[AnyDecision]) -> None:
        """Append what the owner said; `keep` makes it felt."""
        decide(self.store, self.owner, self.clock, decisions)


def decide(store: Store, owner: int, clock: Clock, decisions: Sequence[AnyDecision]) -> None:
    """Append decisions to an owner's stream."""
    with store.write() as unit:
        append_decisions(unit, owner, epoch(clock.now()), decisions)


def append_decisions(unit: Unit, owner: int, now: int, decisions: Sequence[AnyDecision]) -> None:
    """Append decisions within a unit of work."""
    of = stream.source_id(unit, owner, DECISIONS, DECISIONS)
    number = stream.last_seq(unit, owner)
    stream.append(
        unit,
        owner,
        now,
        VERSION,
        [
            stream.NewEvent(of, kind_of(one), f"{now}-{number + index + 1}", "", now, encode_body(one))
            for index, one in enumerate(decisions)
        ],
    )


def begin_book(store: Store, declared: OwnerDeclared, clock: Clock) -> int:
    """Make an owner's book, or take a new declaration into the one there is; the owner's row number."""
    main = declared.emails[0].lower()
    with store.write() as unit:
        owner = stream.owner_id(unit, main) or stream.add_owner(unit, main, epoch(clock.now()))
    decide(store, owner, clock, [declared])
    return owner

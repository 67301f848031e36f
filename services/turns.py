"""One writer an owner at a time, across threads, processes and machines.

A turn is a lease with an expiry and a fencing number that only rises. Every write made in it first renews it, in the
same transaction: whoever was paused past its expiry, and overtaken, writes nothing more. The number is raised before
the work begins, so that work which kills its process is counted too: after three turns that failed or never ended an owner
rests for an hour, and the others go on.
"""

import contextlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TypeVar

from schemas.clock import Clock, epoch
from schemas.errors import KithError
from services.store import schedule as timetable
from services.store.schedule import Lease
from services.store.unit import Store, Unit, is_for_want_of_room

BOOK = "book"
LENGTH = timedelta(minutes=2)
"""How long a turn outlives its last write."""
ATTEMPTS = 3
REST = timedelta(hours=1)

T = TypeVar("T")


class TurnTaken(KithError):
    """Somebody else writes this owner's book just now."""


class TurnLost(KithError):
    """The turn ran out while its holder paused, and somebody else has it; nothing was written after that."""


class OwnerRests(KithError):
    """Three turns in a row did not finish; the next may begin an hour after the last."""


class Turns:
    """Gives turns in a store; the clock is the machine's, whatever `KITH_NOW` says."""

    def __init__(self, store: Store, clock: Clock, holder: str) -> None:
        """`holder` names this process, unlike any other."""
        self._store = store
        self._clock = clock
        self._holder = holder

    def run(self, owner: int, work: Callable[[Store], T], name: str = BOOK, length: timedelta = LENGTH) -> T:
        """Do the work in a turn, with a store that writes for as long as the turn is ours.

        Args:
            length: how long the turn outlives its last write.

        Raises:
            TurnTaken: somebody else has it.
            TurnLost: it was lost on the way.
            OwnerRests: too many did not finish.
        """
        held = self._take(owner, name, length)
        try:
            done = work(_Fenced(self._store, held, self._clock, length))
        except BaseException as error:
            with self._store.write() as unit:
                timetable.prolong(unit, held, epoch(self._clock.now()))
                if is_for_want_of_room(error) or not isinstance(error, Exception):
                    # Whoever was told to stop, or found no room to write, has not failed.
                    timetable.note_fence(unit, held.owner, _finished_name(held.name), held.fence)
            raise
        self._finish(held)
        return done

    def went_on(self, owner: int, name: str = BOOK) -> None:
        """The turn that is held has done something that lasts: its process may die now, and that is no failure."""
        with self._store.write() as unit:
            held = timetable.lease_of(unit, owner, name)
            if held is not None and held.holder == self._holder:
                timetable.note_fence(unit, owner, _finished_name(name), held.fence)

    def once(self, owner: int, what: str, which: str, within: timedelta) -> bool:
        """Whether nobody asked for this before, in whatever process; from now on somebody has.

        Args:
            what: the kind of thing, unlike the name of any turn; what is over of its kind is forgotten.
            within: how long anybody may ask for it again; it is remembered for no longer.
        """
        now = self._clock.now()
        with self._store.write() as unit:
            timetable.drop_over(unit, owner, f"{what} ", epoch(now))
            # Nobody holds it, so that it stands when turns are taken back.
            return timetable.give(unit, Lease(owner, f"{what} {which}", "", 1, epoch(now + within)))

    def end_all(self) -> None:
        """Take back every turn; for a process that knows that no other runs this home."""
        with self._store.write() as unit:
            timetable.end_leases(unit, epoch(self._clock.now()))

    def _take(self, owner: int, name: str, length: timedelta = LENGTH) -> Lease:
        now = epoch(self._clock.now())
        with self._store.write() as unit:
            last = timetable.lease_of(unit, owner, name)
            fence = last.fence if last else 0
            if last and last.expires_at > now:
                raise TurnTaken(f"The book of owner {owner} is being written by another process.")
            if (
                last
                and now < last.expires_at + REST.total_seconds()
                and fence - _finished(unit, last) >= ATTEMPTS
            ):
                raise OwnerRests(
                    f"The book of owner {owner} could not be brought up to date {ATTEMPTS} times."
                )
            held = Lease(owner, name, self._holder, fence + 1, epoch(self._clock.now() + length))
            if not timetable.give(unit, held):
                raise TurnTaken(f"The book of owner {owner} was just taken by another process.")
        return held

    def _finish(self, held: Lease) -> None:
        with self._store.write() as unit:
            if not timetable.prolong(unit, held, epoch(self._clock.now())):
                raise TurnLost(f"The turn on owner {held.owner} went to another process.")
            timetable.note_fence(unit, held.owner, _finished_name(held.name), held.fence)


class _Fenced(Store):
    """A store that writes while the turn is held, and renews it with each write."""

    def __init__(self, store: Store, held: Lease, clock: Clock, length: timedelta) -> None:
        super().__init__(store.engine)
        self._held = held
        self._clock = clock
        self._length = length

    @contextlib.contextmanager
    def write(self) -> Iterator[Unit]:
        """A unit that may write, while the turn is ours.

        Raises:
            TurnLost: it no longer is.
        """
        with super().write() as unit:
            if not timetable.prolong(unit, self._held, epoch(self._clock.now() + self._length)):
                raise TurnLost(f"The turn on owner {self._held.owner} went to another process.")
            yield unit


def _finished_name(name: str) -> str:
    return f"{name} finished"


def _finished(unit: Unit, last: Lease) -> int:
    """The fencing number of the last turn that finished."""
    done = timetable.lease_of(unit, last.owner, _finished_name(last.name))
    return done.fence if done else 0

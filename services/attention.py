"""Which owners need something, and when: found in the database, so that a lost job is never lost work."""

from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from schemas.clock import Clock, epoch, instant
from services import schedule
from services.accounts import active_feeds
from services.followups.days import week_of
from services.history.parts import Kind
from services.people import owners_words
from services.schedule import Rhythm
from services.status import DIGEST
from services.store import events as stream
from services.store import history as rows
from services.store import outbox
from services.store import schedule as timetable
from services.store import status as facts
from services.store.schedule import Due
from services.store.unit import Store, Unit

_UTC = ZoneInfo("UTC")


def tails_behind(store: Store) -> dict[int, int]:
    """The owners whose book does not tell of all that is in their stream, and where their stream ends.

    A book is behind by its position; or whoever read the newest events ended before telling of them: people or threads
    wait to be told anew, or the book was last told before those events were recorded.
    """
    behind: dict[int, int] = {}
    with store.read() as unit:
        for owner, _ in stream.owners(unit):
            seq, as_of = stream.position(unit, owner, stream.HISTORY)
            tail = stream.last_seq(unit, owner)
            if tail > seq or facts.recorded_at(unit, tail) > as_of or _is_stale(unit, owner):
                behind[owner] = tail
    return behind


def tending_at(store: Store, owner: int) -> datetime | None:
    """When time alone changes a book as it was last told: at the owner's midnight, or when a meeting ends.

    None for a book that was never told; its stream wakes it.
    """
    with store.read() as unit:
        _, as_of = stream.position(unit, owner, stream.HISTORY)
        if not as_of:
            return None
        midnight = schedule.next_midnight(_zone(unit, owner) or _UTC, instant(as_of))
        ends_at = facts.next_end(unit, owner, Kind.MEETING, as_of, epoch(midnight))
    return min(midnight, instant(ends_at)) if ends_at is not None else midnight


class Ahead(Struct, frozen=True):
    """Something that an account is due for; `connector` is empty for what the outbox asks for."""

    owner: int
    account: str
    connector: str
    next_at: datetime


def feeds_ahead(store: Store) -> list[Ahead]:
    """When each feed of an active account is asked for news next."""
    with store.read() as unit:
        return [Ahead(one.owner, one.account, one.connector, one.next_at) for one in active_feeds(unit)]


def deliveries_ahead(store: Store) -> list[Ahead]:
    """When something of the outbox is due next at each account."""
    with store.read() as unit:
        return [
            Ahead(owner, account, "", instant(due_at))
            for owner, account, due_at in outbox.waiting_anywhere(unit)
        ]


class DigestTimes:
    """Keeps, for each owner, when the digest is due next; each period comes up once, whoever asks."""

    def __init__(self, store: Store, clock: Clock, rhythm: Rhythm) -> None:
        self._store = store
        self._clock = clock
        self._rhythm = rhythm

    def next_due(self, owner: int) -> datetime | None:
        """When the owner's digest is due next; in the past while it waits to be composed.

        None while the book does not tell the owner's zone: before it is first told, and while it is told anew.
        """
        with self._store.read() as unit:
            row, zone = timetable.due(unit, owner, DIGEST), _zone(unit, owner)
            if zone is None:
                return None
            if row is not None and row.due_at == self._wanted(row, zone):
                return instant(row.due_at)
        with self._store.write() as unit:
            return instant(self._planned(unit, owner, zone).due_at)

    def week_due(self, owner: int) -> str | None:
        """The ISO week whose digest is to be composed now, that of the present day; two days late is too late."""
        now = self._clock.now()
        due_at = self.next_due(owner)
        if due_at is None or due_at > now:
            return None
        with self._store.write() as unit:
            zone = _zone(unit, owner)
            if zone is None:
                return None
            row = self._planned(unit, owner, zone)
            if row.due_at > epoch(now):
                return None
            latest = schedule.latest_due(self._rhythm, zone, instant(row.due_at), now)
            if now - latest <= schedule.CATCH_UP:
                return week_of(now, zone)
            self._move(unit, row, zone, latest)
            return None

    def settle(self, store: Store, owner: int) -> None:
        """The digest that was due is there: the next one is planned, in the store of whoever composed it."""
        now = self._clock.now()
        with store.write() as unit:
            zone = _zone(unit, owner) or _UTC
            row = self._planned(unit, owner, zone)
            if row.due_at <= epoch(now):
                latest = schedule.latest_due(self._rhythm, zone, instant(row.due_at), now)
                self._move(unit, row, zone, latest)

    def _planned(self, unit: Unit, owner: int, zone: ZoneInfo) -> Due:
        """The row, made when there is none, and set anew where the rhythm or the zone changed before it came due."""
        now = self._clock.now()
        row = timetable.due(unit, owner, DIGEST)
        if row is None:
            first = epoch(schedule.next_due(self._rhythm, zone, now))
            timetable.plan(unit, owner, DIGEST, first)
            row = timetable.due(unit, owner, DIGEST) or Due(owner, DIGEST, first, None)
        wanted = self._wanted(row, zone)
        if row.due_at > epoch(now) and wanted != row.due_at:
            timetable.move(unit, row, wanted, row.last_at)
            row = Due(owner, DIGEST, wanted, row.last_at)
        return row

    def _wanted(self, row: Due, zone: ZoneInfo) -> int:
        """When it should be due, by the rhythm and zone of now."""
        last = instant(row.last_at) if row.last_at is not None else None
        return epoch(schedule.following(self._rhythm, zone, last, self._clock.now()))

    def _move(self, unit: Unit, row: Due, zone: ZoneInfo, done: datetime) -> None:
        after = schedule.following(self._rhythm, zone, done, self._clock.now())
        timetable.move(unit, row, epoch(after), epoch(done))


def _is_stale(unit: Unit, owner: int) -> bool:
    """Whether somebody, or some thread, waits to be told anew."""
    return bool(rows.stale_people(unit, owner, 1) or rows.stale_threads(unit, owner, 1))


def _zone(unit: Unit, owner: int) -> ZoneInfo | None:
    """The owner's zone, as the book tells it."""
    said = owners_words(unit, owner).owner
    return ZoneInfo(said.timezone) if said else None

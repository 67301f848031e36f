"""What time brings: digests fall due, meetings end, days begin, accounts are asked for news. It only rings; the jobs and the rows decide.

A second scheduler, on another machine, rings as well: a job takes its owner's turn, and finds that nothing is due any
more. So two of them do what one does.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from threading import Event

from schemas.clock import Clock
from services.attention import DigestTimes, deliveries_ahead, feeds_ahead, tending_at
from services.store.unit import Store
from workers.actors import Bells
from workers.loop import Loop

_AT_MOST = timedelta(seconds=30)
_AT_LEAST = timedelta(seconds=1)
_RING_AGAIN = timedelta(minutes=2)


class Schedule:
    """Looks at the clock for every owner."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        owners: Callable[[], list[int]],
        digests: DigestTimes,
        bells: Bells,
    ) -> None:
        self._store = store
        self._clock = clock
        self._owners = owners
        self._digests = digests
        self._bells = bells
        self._rung: dict[tuple[int, str], tuple[str, datetime]] = {}
        self._next: datetime | None = None

    def look(self) -> None:
        """Ring for everything that is due by now."""
        now = self._clock.now()
        ahead: list[datetime] = []
        for owner in self._owners():
            week = self._digests.week_due(owner)
            if week is not None and self._may_ring(owner, "digest", week, now):
                self._bells.compose_digest.send(owner, week)
            tending = tending_at(self._store, owner)
            if tending is not None and tending <= now:
                if self._may_ring(owner, "tend", tending.isoformat(), now):
                    self._bells.tend.send(owner)
            elif tending is not None:
                ahead.append(tending)
            if week is None and (due_at := self._digests.next_due(owner)) is not None:
                ahead.append(due_at)
        ahead += self._look_at_accounts(now)
        self._next = min(ahead, default=None)

    def _look_at_accounts(self, now: datetime) -> Iterator[datetime]:
        """Ring for every account that is due; when the others will be."""
        for feed in feeds_ahead(self._store):
            if feed.next_at > now:
                yield feed.next_at
            elif self._may_ring(
                feed.owner, f"pull {feed.account} {feed.connector}", feed.next_at.isoformat(), now
            ):
                self._bells.pull.send(feed.owner, feed.account, feed.connector)
        for one in deliveries_ahead(self._store):
            if one.next_at > now:
                yield one.next_at
            elif self._may_ring(one.owner, f"deliver {one.account}", one.next_at.isoformat(), now):
                self._bells.deliver.send(one.owner, one.account)

    def _may_ring(self, owner: int, what: str, which: str, now: datetime) -> bool:
        """Whether nobody rang for this very thing a moment ago: the job may still be at it."""
        last, at = self._rung.get((owner, what), ("", now))
        if last == which and abs(now - at) < _RING_AGAIN:
            return False
        self._rung[owner, what] = (which, now)
        return True

    def pause(self) -> timedelta:
        """How long nothing can fall due, half a minute at most: clocks are set, and meetings come in."""
        if self._next is None:
            return _AT_MOST
        return max(_AT_LEAST, min(_AT_MOST, self._next - self._clock.now()))

    def run(self, stopped: Event) -> None:
        """Look again and again, until stopped."""
        Loop("schedule", self.look, self.pause).run(stopped)

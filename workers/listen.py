"""Listens at the accounts whose servers tell of news, and rings for a pull; a lost call only costs until the next poll.

One thread a listener, which waits and does not poll. A connection that breaks is made again, after a delay that grows
until one stands for a while; that is logged when it begins and when it is over. Whatever came while nobody listened is
pulled as soon as the connection stands. News without end ring ever more seldom, at last once a minute.
"""

from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from datetime import timedelta
from threading import Event, Thread
from time import monotonic
from typing import NamedTuple

import structlog

from schemas.connector import Listener
from schemas.errors import KithError, RateLimited, Transient
from services.accounts import backoff
from workers.loop import Loop

_LOOK_EVERY = timedelta(seconds=5)
_WAIT = timedelta(minutes=10)
_PATIENCE = timedelta(minutes=15)
"""How long a listener that was refused rests: only the owner, or a poll that works again, can change that."""
_BETWEEN, _AT_MOST_BETWEEN = timedelta(milliseconds=100), timedelta(minutes=1)
"""How long news are gathered after a call; twice as long after each that follows at once."""
_STANDS_AFTER = timedelta(minutes=1)
"""How old a connection must be to count as one that holds: some servers take one and drop it at once."""
_log = structlog.get_logger("kith.listen")


class Place(NamedTuple):
    """Where is listened: an owner's account, by a connector."""

    owner: int
    account: str
    connector: str


Open = Callable[[], Listener]


class Listeners:
    """Keeps a listener at every place that has one; which these are is asked again and again."""

    def __init__(
        self,
        places: Callable[[], Mapping[Place, Open]],
        ring: Callable[[Place], object],
        chance: Callable[[], float],
        *,
        patience: timedelta = _PATIENCE,
    ) -> None:
        """Nothing is opened yet.

        Args:
            places: where to listen now; an account that is paused or gone is not among them.
            ring: told that there is news at a place.
            chance: gives 0 to 1, by which delays differ.
            patience: how long a listener rests that was refused.
        """
        self._places = places
        self._ring = ring
        self._chance = chance
        self._patience = patience
        self._running: dict[Place, _Listening] = {}

    def look(self) -> None:
        """Begin where nobody listens yet, and end where nobody should."""
        wanted = self._places()
        for place in [one for one in self._running if one not in wanted]:
            self._running.pop(place).end()
        for place, opens in wanted.items():
            before = self._running.get(place)
            if before is None or before.is_over:
                self._running[place] = _Listening(
                    place, opens, self._ring, self._chance, self._patience, before.why if before else ""
                )

    def run(self, stopped: Event) -> None:
        """Look again and again, until stopped."""
        Loop("listen", self.look, lambda: _LOOK_EVERY).run(stopped)
        for one in self._running.values():
            one.end()


class _Listening:
    """One place, listened at in a thread of its own."""

    def __init__(
        self,
        place: Place,
        opens: Open,
        ring: Callable[[Place], object],
        chance: Callable[[], float],
        patience: timedelta,
        why: str,
    ) -> None:
        """`why` is what was logged of the last refusal: the same is not logged again."""
        self._place = place
        self._opens = opens
        self._ring = ring
        self._chance = chance
        self._patience = patience
        self.why = why
        self._ended = Event()
        self._listener: Listener | None = None
        self._failures = 0
        self._log = _log.bind(account=place.account, connector=place.connector)
        self._thread = Thread(target=self._run, name=f"listen {place.account}", daemon=True)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        return not self._thread.is_alive()

    def end(self) -> None:
        """Stop soon; does not wait for it."""
        self._ended.set()
        if self._listener is not None:
            with suppress(KithError, OSError):
                self._listener.close()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                with closing(self._opens()) as listener:
                    self._listener = listener
                    self._hear(listener)
            except RateLimited as error:
                self._broke_off(str(error), error.retry_after)
            except Transient as error:
                self._broke_off(str(error))
            except KithError as error:
                if str(error) != self.why:
                    self._log.info("not listened to; polling goes on", why=str(error))
                self.why = str(error)
                self._ended.wait(self._patience.total_seconds())
                return
            except Exception as error:  # noqa: BLE001  # the boundary of the thread: a listener's fault is no end of it
                self._broke_off(type(error).__name__)
            finally:
                self._listener = None

    def _broke_off(self, why: str, at_least: timedelta = timedelta()) -> None:
        self._failures += 1
        if self._failures == 1 and not self._ended.is_set():
            self._log.info("listening broke off, and is tried again", why=why)
        self._ended.wait(max(backoff(self._failures, self._chance()), at_least).total_seconds())

    def _hear(self, listener: Listener) -> None:
        began = rung = monotonic()
        between = _BETWEEN
        self.why = ""
        self._ring(self._place)
        while not self._ended.is_set():
            has_news = listener.wait(_STANDS_AFTER if self._failures else _WAIT)
            if self._failures and monotonic() - began >= _STANDS_AFTER.total_seconds():
                self._log.info("listening again", failures=self._failures)
                self._failures = 0
            if has_news and not self._ended.is_set():
                is_storm = monotonic() - rung < 2 * between.total_seconds()
                between = min(2 * between, _AT_MOST_BETWEEN) if is_storm else _BETWEEN
                self._ring(self._place)
                rung = monotonic()
                self._ended.wait(between.total_seconds())

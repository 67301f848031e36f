"""Waiting for news of an Exchange mailbox without asking for it: streaming notifications of EWS.

One subscription, and one request whose answer goes on for half an hour: an envelope comes when something happened, and
one now and then to say that the line still stands. What happened is not looked at, as an event is a reason to pull and no
more. Whatever happens between two such requests the server keeps until the next.

    Subscribe --> GetStreamingEvents --> envelopes --> closed, or ended --> GetStreamingEvents again
        ^                                    |
        +-- the subscription is no more -----+  (what was missed meanwhile counts as news)

The answer is read in a thread of its own: what has come of it may be anywhere between the socket, TLS and HTTP, so that
nothing but reading tells whether there is more.
"""

import re
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from threading import Condition, Thread

from connectors._exchange import Exchange
from schemas.connector import Access
from schemas.errors import ConnectorError, Missing, Transient

COMINGS = ("NewMailEvent", "CreatedEvent", "MovedEvent", "CopiedEvent", "DeletedEvent")
"""What comes to a folder and goes from it."""
CHANGES = (*COMINGS, "ModifiedEvent")
"""That and what is changed there; of mail hardly more than that it was read."""
_MINUTES = 30
"""How long one answer lasts, at most by the schema of EWS."""
_LONGEST = 1_048_576
"""Bytes of an envelope: room for a thousand events."""
_END = re.compile(rb"</(?:[\w.-]{1,40}:)?Envelope\s{0,20}>")
_STANDS_AFTER = 60.0
"""Seconds after which an answer that ends has ended as it should."""
_MOST_SHORT = 3
"""Answers in a row that may end sooner than that before something must be wrong."""


class ExchangeListener:
    """A line at rest to one account. What came before it was opened is not told: pull once it is."""

    def __init__(self, access: Access, roles: Sequence[str], events: Sequence[str]) -> None:
        """Subscribe to events in distinguished folders, and begin to listen.

        Raises:
            ConnectorError: the server does not tell of news, or not now.
        """
        self._roles = roles
        self._events = events
        self._asking = Exchange(access)
        self._listening = Exchange(access, self._take)
        self._held = bytearray()
        self._changed = Condition()
        self._has_news = False
        self._is_closed = False
        self._trouble: Exception | None = None
        try:
            self._subscription = self._asking.subscribe(roles, events)
        except BaseException:
            self._asking.close()
            raise
        Thread(target=self._run, name=f"hear {access.account}", daemon=True).start()

    def wait(self, timeout: timedelta, /) -> bool:
        """Whether something happened before the time was up."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._has_news or self._is_closed or self._trouble is not None,
                timeout.total_seconds(),
            )
            had, self._has_news = self._has_news and not self._is_closed, False
            if self._trouble is not None and not had and not self._is_closed:
                raise self._trouble
            return had

    def close(self) -> None:
        """Let go of the line, also while `wait` is under way in another thread; the server is told so, if it hears it."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._listening.hang_up()

    # ------ the thread that reads

    def _run(self) -> None:
        try:
            self._hear()
        except Exception as error:  # noqa: BLE001  # whatever ends the thread is for `wait` to raise
            with self._changed:
                self._trouble = error
                self._changed.notify_all()
        finally:
            if self._trouble is None:
                # Servers keep few subscriptions for a user, each for half an hour after nobody listens any more.
                with suppress(ConnectorError):
                    self._asking.unsubscribe(self._subscription)
            self._asking.close()
            self._listening.close()

    def _hear(self) -> None:
        """Ask for one answer after another until closed.

        Raises:
            Transient: the line broke, or the server ends every answer at once.
        """
        count_short = 0
        while not self._is_closed:
            began = time.monotonic()
            try:
                self._held.clear()
                self._take(self._listening.listen(self._subscription, _MINUTES))
            except _Ended:
                pass
            except Missing:
                self._subscription = self._asking.subscribe(self._roles, self._events)
                self._tell()
            except ConnectorError:
                if not self._is_closed:
                    raise
            is_short = time.monotonic() - began < _STANDS_AFTER
            count_short = count_short + 1 if is_short else 0
            if count_short > _MOST_SHORT:
                raise Transient("The server ends every wait for news at once. Kith begins again.")

    def _take(self, piece: bytes) -> None:
        """Take in what came, and heed each envelope that is whole.

        Raises:
            _Ended: that was the last one, or nobody listens any more.
        """
        looked = max(len(self._held) - 100, 0)
        self._held += piece
        while (end := _END.search(self._held, looked)) is not None:
            if self._is_closed:
                raise _Ended
            told = self._listening.told(bytes(self._held[: end.end()]).lstrip())
            del self._held[: end.end()]
            looked = 0
            if told.has_news:
                self._tell()
            if told.is_last:
                raise _Ended
        if len(self._held) > _LONGEST:
            raise Transient("The server tells of news in an envelope without an end. Kith begins again.")

    def _tell(self) -> None:
        with self._changed:
            self._has_news = True
            self._changed.notify_all()


class _Ended(Exception):
    """An answer came to its end."""

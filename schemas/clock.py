"""The only two protocols for time; nothing here reads a clock."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the present instant."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...


class Sleeper(Protocol):
    """Waits."""

    def sleep(self, duration: timedelta, /) -> None:
        """Return after `duration`."""
        ...


class FrozenClock:
    """A clock that stands still until it is moved; `KITH_NOW` and the tests use it."""

    def __init__(self, instant: datetime) -> None:
        self._instant = instant.astimezone(UTC)

    def now(self) -> datetime:
        """The instant it was set to."""
        return self._instant

    def advance(self, duration: timedelta) -> None:
        """Move the instant on by `duration`."""
        self._instant += duration


def epoch(instant: datetime) -> int:
    """Whole seconds since 1970-01-01T00:00:00Z of an aware instant; fractions are cut off."""
    return int(instant.timestamp() // 1)


def instant(seconds: int) -> datetime:
    """The aware UTC instant of whole seconds since 1970-01-01T00:00:00Z."""
    return datetime.fromtimestamp(seconds, UTC)

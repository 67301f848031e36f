"""The machine's clock: the one place that asks it for the time, and for waiting."""

import time
from datetime import UTC, datetime, timedelta


class SystemClock:
    """The present instant by the machine."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        return datetime.now(UTC)


class SystemSleeper:
    """Waits on the machine."""

    def sleep(self, duration: timedelta, /) -> None:
        """Return after `duration`."""
        time.sleep(duration.total_seconds())

"""Working days, day boundaries and weeks in somebody's zone; holds no words and reads no clock.

A working day is Monday to Friday. Public holidays are not known, so patience is generous instead.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_SATURDAY = 5


@lru_cache(maxsize=1024)
def zone_named(name: str | None) -> ZoneInfo | None:
    """The IANA zone of that name, or None when there is none; the name may be hostile."""
    if not name or len(name) > 64:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # OSError: the name of a folder of zones, such as `America`
        return None


def day_in(instant: datetime, zone: ZoneInfo) -> date:
    """The calendar day of the instant in the zone."""
    return instant.astimezone(zone).date()


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of the day in the zone, in UTC; where midnight is skipped, the end of the gap."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def day_end(day: date, zone: ZoneInfo) -> datetime:
    """The first instant after the day in the zone, in UTC."""
    return day_start(day + timedelta(days=1), zone)


def add_working_days(instant: datetime, days: int, zone: ZoneInfo) -> datetime:
    """The same wall time `days` working days on, in UTC: from a Saturday, one working day on is Monday."""
    local = instant.astimezone(zone)
    day = local.date()
    while days > 0:
        day += timedelta(days=1)
        days -= day.weekday() < _SATURDAY
    return datetime.combine(day, local.time(), zone).astimezone(UTC)


def working_days_between(start: datetime, end: datetime, zone: ZoneInfo) -> int:
    """How many working days began after the day of `start`, up to and with the day of `end`."""
    first, last = day_in(start, zone), day_in(end, zone)
    weeks, rest = divmod(max((last - first).days, 0), 7)
    return weeks * 5 + sum((first.weekday() + n) % 7 < _SATURDAY for n in range(1, rest + 1))


def past_weekend(instant: datetime, zone: ZoneInfo) -> datetime:
    """The instant itself on a working day, else the start of the next Monday in the zone."""
    day = day_in(instant, zone)
    if day.weekday() < _SATURDAY:
        return instant
    return day_start(day + timedelta(days=7 - day.weekday()), zone)


def week_of(instant: datetime, zone: ZoneInfo) -> str:
    """The ISO 8601 week of the instant in the zone, such as `2026-W47`."""
    year, week, _ = instant.astimezone(zone).isocalendar()
    return f"{year:04}-W{week:02}"

"""When things fall due, from the owner's day, time and zone; pure, and it reads no clock."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CATCH_UP = timedelta(hours=48)
"""A digest that fell due while nothing ran is still composed this long after; later, the next one is near."""
APART = timedelta(days=3, hours=12)
"""Two digests are at least half a week apart, wherever the owner moves between them."""


class Rhythm(Struct, frozen=True):
    """The day and time of the digest, on the owner's clock."""

    day: str = "monday"
    time: str = "07:30"


def next_due(rhythm: Rhythm, zone: ZoneInfo, after: datetime) -> datetime:
    """The first instant after `after`, in UTC, at which the owner's clock shows the rhythm's day and time.

    A time that the clock skips is read by the offset before the gap, and of a time that comes twice the first counts
    (RFC 5545 3.3.5).
    """
    local = after.astimezone(zone).date()
    ahead = (DAYS.index(rhythm.day) - local.weekday()) % 7
    # From a week early: a time that the clock skips may come a day after the day it names.
    days = (local + timedelta(days=ahead + shift) for shift in (-7, 0, 7, 14))
    return next(due for day in days if (due := _at(day, rhythm, zone)) > after)


def latest_due(rhythm: Rhythm, zone: ZoneInfo, first: datetime, now: datetime) -> datetime:
    """Of everything that fell due from `first` to `now`, the last; `first` when nothing did since."""
    due = first
    while True:
        after = next_due(rhythm, zone, max(due, now - timedelta(days=8)))
        if after > now:
            return due
        due = after


def following(rhythm: Rhythm, zone: ZoneInfo, last: datetime | None, now: datetime) -> datetime:
    """When the next digest is due: after the last one, or from now on for an owner who never had one."""
    return next_due(rhythm, zone, last + APART if last is not None else now)


def next_midnight(zone: ZoneInfo, after: datetime) -> datetime:
    """The instant at which the owner's next day begins."""
    return _instant(after.astimezone(zone).date() + timedelta(days=1), time(), zone)


def _at(day: date, rhythm: Rhythm, zone: ZoneInfo) -> datetime:
    return _instant(day, time.fromisoformat(rhythm.time), zone)


def _instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at, zone).astimezone(UTC)

"""When a digest is due: once a week on the owner's clock, whatever that clock does."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.schedule import DAYS, Rhythm, following, latest_due, next_due, next_midnight

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Pacific/Auckland",
    "Asia/Kathmandu",
    "America/St_Johns",
    "Pacific/Pago_Pago",
)
rhythms = st.builds(
    Rhythm,
    day=st.sampled_from(DAYS),
    time=st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.integers(0, 59)),
)
zones = st.sampled_from(ZONES).map(ZoneInfo)
instants = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # hypothesis wants naive bounds


@given(rhythms, zones, instants)
def test_due_is_the_first_after_and_shows_the_rhythm(rhythm: Rhythm, zone: ZoneInfo, after: datetime) -> None:
    """The due instant is after the one given, at most eight days on, and reads as day and time but in a gap."""
    due = next_due(rhythm, zone, after)
    assert after < due <= after + timedelta(days=7, hours=2)
    local = due.astimezone(zone)
    wall = time.fromisoformat(rhythm.time)
    if not _is_in_gap(local, wall, zone):
        assert (DAYS[local.weekday()], local.time().replace(tzinfo=None)) == (rhythm.day, wall)
        assert local.fold == 0


def _is_in_gap(local: datetime, wall: time, zone: ZoneInfo) -> bool:
    """Whether the clock skips the wall time on that day or the day before."""
    for day in (local.date(), local.date() - timedelta(days=1)):
        named = datetime.combine(day, wall, zone)
        if named.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != named.replace(tzinfo=None):
            return True
    return False


@given(rhythms, zones, instants)
def test_one_due_a_week(rhythm: Rhythm, zone: ZoneInfo, start: datetime) -> None:
    """A year of due instants are 52 or 53, rising, each about a week after the one before."""
    due, count = start, 0
    while True:
        after = next_due(rhythm, zone, due)
        if after > start + timedelta(days=365):
            break
        if count:
            assert timedelta(days=6, hours=22) <= after - due <= timedelta(days=7, hours=2)
        due, count = after, count + 1
    assert count in {52, 53}


@pytest.mark.parametrize(
    ("zone", "when", "day", "at", "wanted"),
    [
        ("Europe/Berlin", "2026-03-28T00:00Z", "sunday", "02:30", "2026-03-29T01:30Z"),
        ("Europe/Berlin", "2026-10-24T00:00Z", "sunday", "02:30", "2026-10-25T00:30Z"),
        ("Europe/Berlin", "2026-10-25T00:30Z", "sunday", "02:30", "2026-11-01T01:30Z"),
        ("America/New_York", "2026-03-07T00:00Z", "sunday", "02:15", "2026-03-08T07:15Z"),
        ("America/New_York", "2026-10-31T12:00Z", "sunday", "01:15", "2026-11-01T05:15Z"),
        ("America/Santiago", "2026-09-05T00:00Z", "sunday", "00:30", "2026-09-06T04:30Z"),
        ("Pacific/Auckland", "2026-11-23T09:00Z", "monday", "07:30", "2026-11-29T18:30Z"),
        ("Pacific/Pago_Pago", "2026-11-23T09:00Z", "monday", "07:30", "2026-11-23T18:30Z"),
        ("Europe/Berlin", "2028-02-27T12:00Z", "tuesday", "07:30", "2028-02-29T06:30Z"),
    ],
)
def test_gaps_overlaps_and_the_far_sides_of_the_world(
    zone: str, when: str, day: str, at: str, wanted: str
) -> None:
    """A skipped time is read by the offset before the gap, a doubled one the first time (RFC 5545 3.3.5)."""
    due = next_due(Rhythm(day, at), ZoneInfo(zone), datetime.fromisoformat(when))
    assert due == datetime.fromisoformat(wanted)


@given(rhythms, zones, zones, instants)
def test_a_move_brings_no_second_digest(rhythm: Rhythm, old: ZoneInfo, new: ZoneInfo, at: datetime) -> None:
    """Whoever moves to another zone after a digest waits at least half a week for the next, at most eleven days."""
    last = next_due(rhythm, old, at)
    due = following(rhythm, new, last, last)
    assert timedelta(days=3, hours=12) < due - last < timedelta(days=11)


@given(rhythms, zones, instants, st.integers(0, 400 * 24))
def test_after_downtime_the_last_due_counts(rhythm: Rhythm, zone: ZoneInfo, at: datetime, hours: int) -> None:
    """Of all that fell due while nothing ran the last is found, and nothing is due between it and now."""
    first = next_due(rhythm, zone, at)
    now = first + timedelta(hours=hours)
    latest = latest_due(rhythm, zone, first, now)
    assert first <= latest <= now < next_due(rhythm, zone, latest)


@given(zones, instants)
def test_midnight_begins_the_next_day(zone: ZoneInfo, at: datetime) -> None:
    """The owner's next day begins after the instant given, within 25 hours, and the moment before is the day before."""
    midnight = next_midnight(zone, at)
    assert timedelta(0) < midnight - at <= timedelta(hours=25)
    assert midnight.astimezone(zone).date() > at.astimezone(zone).date()
    assert (midnight - timedelta(seconds=1)).astimezone(zone).date() == at.astimezone(zone).date()

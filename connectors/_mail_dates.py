"""Dates of mail headers (RFC 5322 3.3 and 4.3, and what is written instead); it never asks what time it is."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz

_DATE = re.compile(
    r"\s*(?:[A-Za-z]{3},?\s*)?(\d{1,2})[ -]([A-Za-z]{3})[ -](\d{4}) +(\d{1,2}):(\d\d)(?::(\d\d))?"
    r"(?: +([+-]\d{4}|[A-Za-z]{1,5}))?(?:\s|$)"
)
_MONTHS = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1
    )
}
_ZONES = {
    "ut": 0, "gmt": 0, "utc": 0, "z": 0,
    "est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360, "pst": -480, "pdt": -420,
    "cet": 60, "cest": 120, "bst": 60, "jst": 540, "ist": 330,
}  # fmt: skip
"""Minutes east of UTC: RFC 5322 4.3, and five that people's programs write without leave."""
_EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_TRANSIT = timedelta(days=30)

Stated = tuple[datetime, int | None]
"""An aware UTC instant, and the offset in minutes that was written with it."""


def stated(text: str) -> Stated | None:
    """The instant that a Date header states; None when nobody can tell."""
    match = _DATE.match(text)
    if match is None:
        return _stated_otherwise(text[:200])
    day, month, year, hour, minute, second, zone = match.groups()
    number = _MONTHS.get(month.lower())
    if number is None:
        return None
    try:
        wall = datetime(
            int(year), number, int(day), int(hour), int(minute), min(int(second or 0), 59), tzinfo=UTC
        )
    except ValueError:
        return None
    return _placed(wall, _offset(zone) if zone else None)


def _offset(zone: str) -> int | None:
    """Minutes east of UTC; None for -0000 (RFC 5322 3.3: the zone is not known) and for unknown names."""
    if zone[0] in "+-":
        minutes = int(zone[1:3]) * 60 + int(zone[3:5])
        return None if zone == "-0000" else -minutes if zone[0] == "-" else minutes
    return _ZONES.get(zone.lower())


def _placed(wall: datetime, offset: int | None) -> Stated | None:
    if not offset:
        return wall, offset
    if abs(offset) >= 24 * 60:
        return None
    try:
        at = wall - timedelta(minutes=offset)
    except OverflowError:
        return None
    return at, offset if -720 <= offset <= 840 else None


def _stated_otherwise(text: str) -> Stated | None:
    """By the standard library's patience, then as ISO 8601."""
    text = text.strip()
    try:
        fields = parsedate_tz(text)
        if fields is not None:
            wall = datetime(*fields[:5], min(fields[5], 59), tzinfo=UTC)
            return _placed(wall, None if fields[9] is None else fields[9] // 60)
        iso = datetime.fromisoformat(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if iso.tzinfo is None:
        return iso.replace(tzinfo=UTC), None
    minutes = (iso.utcoffset() or timedelta()) // timedelta(minutes=1)
    return _placed(iso.replace(tzinfo=UTC), minutes)


def time_of_message(fields: Mapping[str, str], now: datetime) -> Stated | None:
    """When a message was sent, as docs/interface.md defines it.

    Its Date if readable, between 1980 and a day ahead, and within 30 days of the topmost Received; else the
    topmost Received; else None.
    """
    date = fields.get("date")
    sent = stated(date) if date else None
    if sent is not None and not _EARLIEST <= sent[0] <= now + _DAY:
        sent = None
    trace = fields.get("received")
    passed = stated(trace[-200:].rpartition(";")[2]) if trace else None
    if passed is None or not _EARLIEST <= passed[0] <= now + _DAY:
        return sent
    if sent is not None and abs(sent[0] - passed[0]) <= _TRANSIT:
        return sent
    return passed[0], None

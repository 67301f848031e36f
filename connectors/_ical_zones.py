"""Finds the time zone that a TZID means (RFC 5545 3.2.19, 3.6.5); it never trusts the label alone.

A TZID is a label: an IANA name, a Windows name, an IANA name behind a producer's prefix, or words made up by a
server. Known names are read from the tz database, since the VTIMEZONE bodies of old servers are stale at the edges;
for the rest the file's body speaks, and without a body the owner's zone.
"""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from connectors._ical_rules import RuleRefused, expand_rule

Line = tuple[str, Mapping[str, str], str]
"""A content line (RFC 5545 3.1): its name and its parameters' names in capitals, its value as it stands."""

_BODY_END = datetime(2060, 1, 1)  # noqa: DTZ001 -- a wall time
_BODY_START_YEAR = 1970
_MOST_PARTS = 200
_MOST_RULES = 6
_EVERY_YEAR = re.compile(r"^(?!.*(?:COUNT=|INTERVAL=(?!1(?:;|$))))")
_MOST_ONSETS = 2_000
_OFFSET = re.compile(r"([+-])(\d{2})(\d{2})(\d{2})?")
_FIXED = re.compile(r"(?:UTC|GMT)([+-])(\d{1,2}):?(\d{2})?", re.IGNORECASE)
_WALL = re.compile(r"(\d{8})T(\d{6})")


class BodyZone(tzinfo):
    """A zone known by its VTIMEZONE body alone.

    In a gap the offset before it holds; of two equal wall times the first is meant (RFC 5545 3.3.5).
    """

    def __init__(
        self, label: str, first: timedelta, onsets: Sequence[tuple[datetime, timedelta, timedelta]]
    ) -> None:
        self._label = label
        self._offsets = [first, *(to for _, _, to in onsets)]
        self._wall_edges = [onset + max(timedelta(), to - before) for onset, before, to in onsets]
        self._utc_edges = [onset - before for onset, before, _ in onsets]

    def utcoffset(self, dt: datetime | None, /) -> timedelta:
        """The offset at a wall time."""
        if dt is None:
            return self._offsets[-1]
        return self._offsets[bisect_right(self._wall_edges, dt.replace(tzinfo=None))]

    def dst(self, dt: datetime | None, /) -> timedelta:  # noqa: ARG002 -- tzinfo's signature
        """Not told apart."""
        return timedelta()

    def tzname(self, dt: datetime | None, /) -> str:  # noqa: ARG002 -- tzinfo's signature
        """The label in the file."""
        return self._label

    def fromutc(self, dt: datetime, /) -> datetime:
        """The wall time of a UTC time."""
        return dt + self._offsets[bisect_right(self._utc_edges, dt.replace(tzinfo=None))]


class Zones:
    """The zones of one file: `bodies` are its VTIMEZONEs as content lines, by TZID."""

    def __init__(self, owner: str, bodies: Mapping[str, Sequence[Line]] | None = None) -> None:
        self._bodies = bodies or {}
        self.owner: tzinfo = known_zone(owner) or UTC
        self._found: dict[str, tzinfo] = {}

    def find(self, tzid: str) -> tzinfo:
        """The zone of a TZID; the owner's when nobody knows it."""
        zone = self._found.get(tzid)
        if zone is None:
            zone = self._found[tzid] = known_zone(tzid) or self._zone_of_body(tzid) or self.owner
        return zone

    def _zone_of_body(self, tzid: str) -> tzinfo | None:
        lines = self._bodies.get(tzid)
        if lines is None:
            return None
        for name, _, value in lines:
            if name == "X-LIC-LOCATION" and (zone := _iana(value)) is not None:
                return zone
        return _read_body(tzid, lines)


def name_of(zone: tzinfo | None) -> str:
    """The IANA name of a zone, or nothing."""
    return zone.key if isinstance(zone, ZoneInfo) else ""


def known_zone(tzid: str) -> tzinfo | None:
    """The zone of an IANA, prefixed IANA or Windows name, or of a plain offset; None when it is none of these."""
    label = tzid.strip().strip('"')
    if len(label) > 200:
        return None
    zone = _iana(label)
    if zone is None:
        from icalendar.timezone.windows_to_olson import (  # noqa: PLC0415  # 60 ms that mail need not spend
            WINDOWS_TO_OLSON,
        )

        zone = _iana(WINDOWS_TO_OLSON.get(label, ""))
    if zone is None and "/" in label:
        # /freeassociation.sourceforge.net/Europe/Berlin, /mozilla.org/20070129_1/Europe/Berlin
        parts = label.strip("/").split("/")
        suffixes = ("/".join(parts[first:]) for first in range(max(1, len(parts) - 3), len(parts)))
        zone = next((found for suffix in suffixes if (found := _iana(suffix)) is not None), None)
    if zone is None and (match := _FIXED.fullmatch(label)) is not None:
        offset = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
        if offset < timedelta(hours=24):
            zone = timezone(-offset if match[1] == "-" else offset)
    return zone


def to_utc(wall: datetime, zone: tzinfo) -> datetime:
    """The instant of a naive wall time; before a gap, and the first of two, as RFC 5545 3.3.5 has it."""
    return wall.replace(tzinfo=UTC) if zone is UTC else wall.replace(tzinfo=zone).astimezone(UTC)


def to_wall(utc: datetime, zone: tzinfo) -> datetime:
    """The naive wall time of an instant (naive ones are UTC)."""
    return utc.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)


def _iana(name: str) -> tzinfo | None:
    key = _names().get(name.lower())
    return None if key is None else ZoneInfo(key)


@cache
def _names() -> dict[str, str]:
    # Only names of this set reach ZoneInfo, which would otherwise open a path made of the file's words.
    return {key.lower(): key for key in available_timezones() if key != "localtime"}


def _read_body(tzid: str, lines: Sequence[Line]) -> tzinfo | None:
    onsets: list[tuple[datetime, timedelta, timedelta]] = []
    part: dict[str, list[str]] | None = None
    parts = rules = 0
    for name, _, value in lines:
        if name == "BEGIN" and value.upper() in {"STANDARD", "DAYLIGHT"}:
            part, parts = {}, parts + 1
        elif name == "END" and part is not None:
            rules += "RRULE" in part
            if parts <= _MOST_PARTS and rules <= _MOST_RULES:
                onsets += _onsets(part)
            part = None
        elif part is not None:
            part.setdefault(name, []).append(value)
    if not onsets:
        return None
    onsets.sort()
    del onsets[_MOST_ONSETS:]
    return BodyZone(tzid, onsets[0][1], onsets)


def _onsets(part: Mapping[str, Sequence[str]]) -> list[tuple[datetime, timedelta, timedelta]]:
    """When one STANDARD or DAYLIGHT part begins (wall time before), with the offsets before and after."""
    before, after = _offset(part.get("TZOFFSETFROM")), _offset(part.get("TZOFFSETTO"))
    start = _wall(next(iter(part.get("DTSTART", ())), ""))
    if after is None or start is None:
        return []
    before = after if before is None else before
    starts = {start}
    for value in part.get("RDATE", ())[:50]:
        starts |= {wall for text in value.split(",", 200)[:200] if (wall := _wall(text)) is not None}
    rule = next(iter(part.get("RRULE", ())), "").upper()
    if "FREQ=YEARLY" in rule:
        first = start
        if start.year < _BODY_START_YEAR and _EVERY_YEAR.search(rule):
            # Exchange begins its rules in 1601; nobody met then.
            first = start.replace(year=_BODY_START_YEAR, day=min(start.day, 28))
        try:
            starts |= set(expand_rule(rule, first, _BODY_END, lambda utc: utc + before).starts)
        except RuleRefused:
            return [(start, before, after)]
    return [(wall, before, after) for wall in starts]


def _offset(values: Sequence[str] | None) -> timedelta | None:
    match = _OFFSET.fullmatch(values[0].strip()) if values else None
    if match is None:
        return None
    size = timedelta(hours=int(match[2]), minutes=int(match[3]), seconds=int(match[4] or 0))
    if size >= timedelta(hours=24):
        return None
    return -size if match[1] == "-" else size


def _wall(text: str) -> datetime | None:
    match = _WALL.match(text.strip())
    if match is None:
        return None
    try:
        return datetime.strptime(match[0], "%Y%m%dT%H%M%S")  # noqa: DTZ007 -- a wall time, on purpose
    except ValueError:
        return None

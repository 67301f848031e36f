"""The first reading of a calendar: where its events stand, and what holds for all of them; it holds none of them."""

from array import array
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import BinaryIO

from icalendar.parser.property import unescape_backslash
from msgspec import Struct

from connectors._ical_lines import LINE_LIMIT, clean_text, decode_line, read_line
from connectors._ical_zones import Line
from schemas.ids import key64

IS_ANSWER, IS_CANCEL, IS_CUT = 1, 2, 4
"""Flags of an event: its METHOD answers an invitation, or cancels it; the file ends within it."""

_ANSWER_METHODS = {b"REPLY", b"COUNTER", b"DECLINECOUNTER", b"REFRESH"}
_MOST_ZONES = 200
_ZONES_LIMIT = 4 * 1024 * 1024


class Outline(Struct):
    """Where the events of a file stand, and what holds for all of them.

    The arrays run in parallel, one item an event: offset and length in bytes, line (from 1), a hash of its UID,
    and flags.
    """

    offsets: "array[int]"
    lengths: "array[int]"
    lines: "array[int]"
    uids: "array[int]"
    flags: "array[int]"
    zones: dict[str, list[Line]]
    calendar: str = ""
    default_zone: str = ""
    has_calendar: bool = False

    def __len__(self) -> int:
        return len(self.offsets)


def outline_of(stream: BinaryIO) -> Outline:
    """Note the place of every VEVENT, and keep what holds for the whole file. Reads lines of bounded length."""
    outline = Outline(array("q"), array("q"), array("q"), array("Q"), array("B"), {})
    stream.seek(0)
    offset = number = zone_bytes = 0
    in_event = in_zone = is_partial = False
    depth = event_offset = event_line = flags = 0
    uid = bytearray()
    last = b""
    zone_lines: list[bytes] = []
    header: dict[bytes, bytes] = {}

    def close_event(end: int, cut: int = 0) -> None:
        outline.offsets.append(event_offset)
        outline.lengths.append(end - event_offset)
        outline.lines.append(event_line)
        outline.uids.append(key64(decode_line(bytes(uid[:4096])).strip()))
        outline.flags.append(flags | cut)

    while line := stream.readline(LINE_LIMIT):
        start, offset = offset, offset + len(line)
        is_rest, is_partial = is_partial, not line.endswith(b"\n")
        if is_rest:
            continue
        number += 1
        first = line[:1]
        if first in b" \t" and number > 1:
            if in_zone:
                zone_bytes += len(line)
                if zone_bytes < _ZONES_LIMIT and zone_lines:
                    zone_lines[-1] += line.rstrip(b"\r\n")[1:]
            elif last and len(uid) < 4096:
                uid += line.strip(b"\r\n")[1:]
            continue
        last = b""
        if in_event and first not in b"BbEeUu":
            continue
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        name, _, value = line.partition(b":")
        name = name.partition(b";")[0].strip().upper()
        value = value.strip()
        kind = value.upper() if name in {b"BEGIN", b"END"} else b""
        if name == b"BEGIN" and kind in {
            b"VEVENT",
            b"VCALENDAR",
            b"VTIMEZONE",
            b"VTODO",
            b"VJOURNAL",
            b"VFREEBUSY",
        }:
            if in_event:
                close_event(start)
            in_event = in_zone = False
            if kind == b"VEVENT":
                in_event, depth, event_offset, event_line = True, 0, start, number
                uid.clear()
                method = header.get(b"METHOD", b"").upper()
                flags = IS_ANSWER if method in _ANSWER_METHODS else IS_CANCEL if method == b"CANCEL" else 0
            elif kind == b"VCALENDAR":
                outline.has_calendar = True
                header.pop(b"METHOD", None)
            elif kind == b"VTIMEZONE" and len(outline.zones) < _MOST_ZONES and zone_bytes < _ZONES_LIMIT:
                in_zone, zone_lines = True, []
        elif in_event:
            if name == b"END" and (kind in {b"VEVENT", b"VCALENDAR"}):
                close_event(offset if kind == b"VEVENT" else start)
                in_event = False
            elif name in {b"BEGIN", b"END"}:
                depth += 1 if name == b"BEGIN" else -1
            elif name == b"UID" and depth <= 0 and not uid:
                uid += value[:4096]
                last = b"UID"
        elif in_zone:
            if name == b"END" and kind in {b"VTIMEZONE", b"VCALENDAR"}:
                in_zone = False
                _keep_zone(outline, zone_lines)
            else:
                zone_bytes += len(line)
                if zone_bytes < _ZONES_LIMIT:
                    zone_lines.append(line.rstrip(b"\r\n"))
        elif name in {b"METHOD", b"X-WR-CALNAME", b"X-WR-TIMEZONE"}:
            header[name] = value[:1000]
    if in_event:
        close_event(offset, IS_CUT)
    outline.calendar = clean_text(unescape_backslash(decode_line(header.get(b"X-WR-CALNAME", b""))))
    outline.default_zone = decode_line(header.get(b"X-WR-TIMEZONE", b""))
    return outline


def groups_of(outline: Outline) -> Iterator[list[int]]:
    """The events of each UID together, as indexes into the outline; the order is the same for the same bytes."""
    order = sorted(range(len(outline)), key=outline.uids.__getitem__)
    for _, group in groupby(order, key=outline.uids.__getitem__):
        yield list(group)


def _keep_zone(outline: Outline, raw: Sequence[bytes]) -> None:
    lines = [line for text in raw if (line := read_line(decode_line(text))) is not None]
    tzid = next((value.strip() for name, _, value in lines if name == "TZID"), "")
    if tzid:
        outline.zones.setdefault(tzid, lines)

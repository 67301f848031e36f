"""Splits calendar bytes into content lines (RFC 5545 3.1); it never says what a property means."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO

from connectors._ical_zones import Line
from connectors._mail_text import clean
from schemas.ids import key64

LINE_LIMIT = 64 * 1024
"""Bytes read at once of a line, however long it is."""
TEXT_LIMIT = 500
_PROPERTY_LIMIT = 1024 * 1024
_COMPONENT_LIMIT = 4 * 1024 * 1024
_UID_LIMIT = 400

_KEPT = frozenset(
    b"UID DTSTART DTEND DURATION RECURRENCE-ID RRULE EXRULE RDATE EXDATE SUMMARY LOCATION ORGANIZER ATTENDEE "
    b"STATUS SEQUENCE LAST-MODIFIED DTSTAMP X-MICROSOFT-CDO-ALLDAYEVENT".split()
)
_HEAD = re.compile(r'([A-Za-z0-9-]+)((?:;(?:[^":]|"[^"]*")*)?):')

Values = Sequence[tuple[Mapping[str, str], str]]
"""The parameters and the value of each property of one name."""
Properties = Mapping[str, Values]


def read_line(text: str) -> Line | None:
    """Split an unfolded content line (RFC 5545 3.1); None when it is none."""
    head, sign, value = text.partition(":")
    if '"' not in head:
        if not sign:
            return None
        name, *pairs = head.split(";")
        parameters = {}
        for pair in pairs:
            key, _, content = pair.partition("=")
            parameters[key.strip().upper()] = content.strip()
        return name.strip().upper(), parameters, value
    match = _HEAD.match(text)
    if match is None or match.end() > LINE_LIMIT:
        return None
    from icalendar.parser import Contentline  # noqa: PLC0415  # 60 ms that mail need not spend

    try:
        name, found, _ = Contentline(match[0] + "x").raw_parts()  # type: ignore[no-untyped-call]  # icalendar's
    except ValueError:
        return None
    parameters = {
        key.upper(): content if isinstance(content, str) else ",".join(content)
        for key, content in found.items()
    }
    return name.upper(), parameters, text[match.end() :]


def read_properties(stream: BinaryIO, offset: int, length: int) -> Properties:
    """The properties of one component that matter here, without those of the components inside it."""
    properties: dict[str, list[tuple[Mapping[str, str], str]]] = {}
    for raw in _kept_lines(stream, offset, length):
        line = read_line(decode_line(raw))
        if line is not None:
            name, parameters, value = line
            properties.setdefault(name, []).append((parameters, value))
    return properties


def _kept_lines(stream: BinaryIO, offset: int, length: int) -> Iterator[bytes]:
    """The unfolded lines of a component that are kept, bytes unfolded before they are decoded."""
    stream.seek(offset)
    left, total, depth = length, 0, 0
    current: bytearray | None = None
    is_partial = False
    while left > 0 and (line := stream.readline(min(LINE_LIMIT, left))):
        left -= len(line)
        is_rest, is_partial = is_partial, not line.endswith(b"\n")
        if is_rest or line[:1] in b" \t":
            if current is not None and len(current) < _PROPERTY_LIMIT and total < _COMPONENT_LIMIT:
                rest = line.rstrip(b"\r\n")
                current += rest if is_rest else rest[1:]
                total += len(rest)
            continue
        if current is not None:
            yield bytes(current)
            current = None
        name = line.partition(b":")[0].partition(b";")[0].strip().upper()
        if name == b"BEGIN":
            depth += 1
        elif name == b"END":
            depth -= 1
        elif depth == 1 and name in _KEPT and total < _COMPONENT_LIMIT:
            current = bytearray(line.rstrip(b"\r\n"))
            total += len(current)
    if current is not None:
        yield bytes(current)


def decode_line(raw: bytes) -> str:
    """The text of an unfolded line: UTF-8, or what Windows programs write instead."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def first_value(properties: Properties, name: str) -> str:
    """The first value of a property, or nothing."""
    values = properties.get(name)
    return values[0][1] if values else ""


def clean_uid(text: str) -> str:
    """A UID without blanks and controls around it; an endless one is cut and made distinct."""
    uid = clean(text)
    return uid if len(uid) <= _UID_LIMIT else f"{uid[:_UID_LIMIT]}~{key64(uid):016x}"


def clean_text(text: str, limit: int = TEXT_LIMIT) -> str:
    """Text as records keep it: NFC, on one line, without control or direction marks, cut at `limit`."""
    return clean(text)[:limit].strip()

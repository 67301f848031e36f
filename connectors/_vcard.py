"""Turns vCards (2.1, 3.0 RFC 2426, 4.0 RFC 6350) into contacts; it never decodes a photo and keeps no note.

A reader of our own stands here instead of vobject 0.9.9: vobject decodes before it unfolds, so that a fold within
a UTF-8 character breaks the card; it takes one charset for a file, though 2.1 names one a property; and one line
without a colon, one odd END, costs the whole card or the rest of the file. What is read here is a handful of
properties with small grammars; the rest is passed over unread.
"""

import quopri
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

from msgspec import Struct

from connectors._ical_zones import known_zone, name_of
from connectors._linkedin_url import slug
from connectors._mail_addresses import mailboxes
from connectors._mail_text import clean, decode
from connectors._phone import e164
from schemas.connector import Change, Skipped, Unreadable, Upsert
from schemas.ids import ExternalId, key64
from schemas.records import Contact

OWN_CARD = "your own card"
EMPTY_CARD = "an empty card"
NOT_A_PERSON = "a group or an organisation, not a person"

_LINE_LIMIT = 64 * 1024
_CARD_LIMIT = 256 * 1024
_MOST_VALUES = 100
_TEXT_LIMIT = 500
_KEPT = frozenset(
    b"FN N NICKNAME EMAIL TEL URL ORG TITLE ROLE TZ CATEGORIES UID REV KIND X-ADDRESSBOOKSERVER-KIND VERSION "
    b"X-SOCIALPROFILE SOCIALPROFILE X-LINKEDIN X-LINKEDIN-URL".split()
)
_BARE_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_REVISION = re.compile(
    r"(\d{4})-?(\d{2})-?(\d{2})(?:[T ](\d{2}):?(\d{2})(?::?(\d{2})(?:[.,]\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?",
    re.IGNORECASE,
)
_TO_ESCAPE = re.compile(r"([\\,;])")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_HANDLE = re.compile(r"[\w-]{2,100}")


class Book(Struct, frozen=True):
    """What an address book is read with.

    `name` is what people know the file by; `region` the country of numbers without `+`; `stamp` stands in for a
    missing REV, in UTC basic form.
    """

    name: str
    region: str = ""
    owner_emails: frozenset[str] = frozenset()
    stamp: str = ""


class Property(Struct, frozen=True):
    """A property: its name and those of its parameters in capitals, its value decoded but with its escapes."""

    name: str
    types: frozenset[str]
    parameters: Mapping[str, str]
    value: str


class _Card(Struct):
    """The kept lines of one card, bytes unfolded, and where it begins."""

    number: int
    line: int
    lines: list[bytes]
    faults: int = 0
    is_ended: bool = False
    size: int = 0


def read_cards(stream: BinaryIO, book: Book) -> Iterator[tuple[Change, int]]:
    """Yield one change for each card, with the bytes read so far.

    Never raises for what the bytes say: a card that cannot be understood is `Unreadable` in its place.
    """
    for card, done in _cards(stream):
        yield _change_of(card, book), done


def read_contact(properties: Iterable[Property], book: Book) -> Upsert | Skipped:
    """The change that one entry makes, whatever it was read from: its properties are as a card has them, escapes and all."""
    by_name = _by_name(properties)
    if _kind(by_name) in {"group", "org", "location", "application"}:
        return Skipped(NOT_A_PERSON)
    name = _name_of(by_name)
    emails = _unique(_addresses(by_name.get("EMAIL", ())))
    if name.lower() in emails:
        name = ""
    phones = _unique(e164(found.value, book.region) for found in by_name.get("TEL", ())[:_MOST_VALUES])
    urls = [_plain(found.value) for found in by_name.get("URL", ())]
    linkedin = _linkedin(by_name)
    if not (name or emails or phones or any(urls) or linkedin):
        return Skipped(EMPTY_CARD)
    if emails and book.owner_emails.issuperset(emails):
        return Skipped(OWN_CARD)
    uid = _uid(by_name) or f"card-{key64(name, *emails, *phones):016x}"
    contact = Contact(
        uid=uid,
        name=name,
        emails=emails,
        phones=phones,
        linkedin=linkedin,
        organization=_first_part(by_name, "ORG"),
        title=_text(by_name, "TITLE") or _text(by_name, "ROLE"),
        timezone=name_of(known_zone(_text(by_name, "TZ"))),
        categories=_unique(
            clean(_plain(part))[:100]
            for found in by_name.get("CATEGORIES", ())[:_MOST_VALUES]
            for part in _split(found.value, ",")[:_MOST_VALUES]
        ),
    )
    return Upsert(ExternalId(uid), contact, _revision(_text(by_name, "REV")) or book.stamp)


def _change_of(card: _Card, book: Book) -> Change:
    properties = [found for line in card.lines if (found := _read_property(line)) is not None]
    if not card.is_ended:
        return _unreadable(card, properties, book, "the file ends in the middle of it")
    change = read_contact(properties, book)
    if change == Skipped(EMPTY_CARD) and (card.faults or not card.lines):
        return _unreadable(card, properties, book, "none of its lines can be read")
    return change


def escaped(text: str) -> str:
    """A text as the value of a property (RFC 6350 3.4)."""
    return _TO_ESCAPE.sub(r"\\\1", text)


def _unreadable(card: _Card, properties: Iterable[Property], book: Book, reason: str) -> Unreadable:
    name = _name_of(_by_name(properties))
    known = f" ({name[:80]})" if name else ""
    return Unreadable(f"{book.name}, card {card.number} at line {card.line}{known}", reason)


# ------ lines to cards


def _cards(stream: BinaryIO) -> Iterator[tuple[_Card, int]]:
    card: _Card | None = None
    count = inner = line_number = 0
    lines = _Lines(stream)
    for raw, line_number in lines:
        mark = raw[:40].replace(b" ", b"").replace(b"\t", b"").upper()
        if mark.startswith(b"BEGIN:VCARD"):
            if card is not None and lines.last_name == b"AGENT":
                inner += 1  # vCard 2.1 puts the card of an agent inside
                continue
            if card is not None:
                card.is_ended = True  # its END is missing; all its lines are there
                yield card, lines.done
            count += 1
            card = _Card(count, line_number, [])
        elif mark.startswith(b"END:VCARD") and inner:
            inner -= 1
        elif mark.startswith(b"END:V") and card is not None:
            card.is_ended = True
            yield card, lines.done
            card = None
            if b"BEGIN:VCARD" in mark:
                # Observed 2026-11: files joined without a line between END and BEGIN.
                count += 1
                card = _Card(count, line_number, [])
        elif card is not None and not inner and raw:
            _keep(card, raw, lines.last_name)
    if card is not None:
        yield card, lines.done


def _keep(card: _Card, raw: bytes, name: bytes) -> None:
    if b":" not in raw:
        card.faults += 1
    elif name in _KEPT and card.size < _CARD_LIMIT:
        card.lines.append(raw)
        card.size += len(raw)


class _Lines:
    """Unfolded lines with their numbers; those of properties that are not kept come cut short.

    Bytes are unfolded before they are decoded, since a fold may stand within a character. A quoted-printable value
    goes on after a soft break whether the next line is indented or not (vCard 2.1).
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.done = 0
        self.last_name = b""

    def __iter__(self) -> Iterator[tuple[bytes, int]]:
        current: bytearray | None = None
        number = start = 0
        is_partial = is_kept = is_quoted = is_soft = False
        while line := self._stream.readline(_LINE_LIMIT):
            is_rest, is_partial = is_partial, not line.endswith(b"\n")
            number += not is_rest
            self.done += len(line)
            if number == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")
            text = line.rstrip(b"\r\n")
            is_fold = line[:1] in b" \t" and bool(text.strip())
            if current is not None and (is_rest or is_soft or is_fold):
                if is_kept and len(current) < _CARD_LIMIT:
                    if is_soft:
                        del current[-1:]
                    current += text if is_rest or is_soft else text[1:]
                is_soft = is_quoted and text.endswith(b"=")
                continue
            if current is not None:
                yield from self._give(current, start)
            current, start = bytearray(text), number
            is_kept = _name_in(text) in _KEPT
            is_quoted = b"QUOTED-PRINTABLE" in text[:300].partition(b":")[0].upper()
            is_soft = is_quoted and text.endswith(b"=")
        if current is not None:
            yield from self._give(current, start)

    def _give(self, line: bytearray, start: int) -> Iterator[tuple[bytes, int]]:
        name = _name_in(line)
        if name != b"BEGIN":
            self.last_name = name
        yield bytes(line), start
        self.last_name = name


def _name_in(line: bytes | bytearray) -> bytes:
    """The property's name in capitals, without its group."""
    head = bytes(line[:200]).partition(b":")[0].partition(b";")[0]
    return head.rpartition(b".")[2].strip().upper()


# ------ lines to properties


def _read_property(line: bytes) -> Property | None:
    head, value = _split_head(line)
    if head is None:
        return None
    name, *pairs = head.split(";")
    parameters: dict[str, str] = {}
    types: set[str] = set()
    for pair in pairs[:50]:
        key, sign, content = pair.partition("=")
        key, content = key.strip().upper(), content.strip().strip('"')
        if not sign:
            types.add(key)
        elif key == "TYPE":
            types.update(part.strip().upper() for part in content.split(","))
        else:
            parameters.setdefault(key, content)
    encoding = parameters.get("ENCODING", "").upper()
    if encoding == "QUOTED-PRINTABLE" or "QUOTED-PRINTABLE" in types:
        value = quopri.decodestring(value)
    elif encoding in {"B", "BASE64"} or "BASE64" in types:
        return None
    text = decode(value, parameters.get("CHARSET", ""))
    return Property(name.rpartition(".")[2].strip().upper(), frozenset(types), parameters, text)


def _split_head(line: bytes) -> tuple[str | None, bytes]:
    """Name with parameters, and value: split at the first colon outside quotes."""
    head, sign, value = line.partition(b":")
    while sign and head.count(b'"') % 2 and len(head) < 2_000:
        more, sign, value = value.partition(b":")
        head += b":" + more
    return (head.decode("utf-8", "replace"), value) if sign else (None, b"")


def _split(value: str, mark: str) -> list[str]:
    """The parts between unescaped marks, still escaped."""
    if "\\" not in value:
        return value.split(mark)
    parts, start, place = [], 0, 0
    while place < len(value):
        if value[place] == "\\":
            place += 2
            continue
        if value[place] == mark:
            parts.append(value[start:place])
            start = place + 1
        place += 1
    return [*parts, value[start:]]


def _plain(text: str) -> str:
    r"""A value without its escapes; `\:` is in no standard and in many files."""
    if "\\" not in text:
        return text.strip()
    return _ESCAPED.sub(lambda match: " " if match[1] in "nN" else match[1], text).strip()


# ------ properties to facts


def _by_name(properties: Iterable[Property]) -> Mapping[str, Sequence[Property]]:
    found: dict[str, list[Property]] = {}
    for one in properties:
        found.setdefault(one.name, []).append(one)
    return found


def _text(by_name: Mapping[str, Sequence[Property]], name: str) -> str:
    for found in by_name.get(name, ()):
        text = clean(_plain(found.value))[:_TEXT_LIMIT]
        if text:
            return text
    return ""


def _first_part(by_name: Mapping[str, Sequence[Property]], name: str) -> str:
    for found in by_name.get(name, ()):
        text = clean(_plain(_split(found.value, ";")[0]))[:_TEXT_LIMIT]
        if text:
            return text
    return ""


def _name_of(by_name: Mapping[str, Sequence[Property]]) -> str:
    """FN, or else given, additional and family name (RFC 6350 6.2.2), or else the nickname."""
    name = _text(by_name, "FN")
    if name:
        return name
    for found in by_name.get("N", ()):
        family, given, additional, *_ = [*_split(found.value, ";"), "", "", ""]
        words = (" ".join(_plain(word) for word in _split(part, ",")) for part in (given, additional, family))
        name = clean(" ".join(words))[:_TEXT_LIMIT]
        if name:
            return name
    return _text(by_name, "NICKNAME")


def _addresses(properties: Sequence[Property]) -> Iterator[str]:
    for found in properties[:_MOST_VALUES]:
        text = _plain(found.value)
        if text[:7].lower() == "mailto:":
            text = text[7:].partition("?")[0]
        # Outlook writes X.500 names (/o=…/cn=…) as addresses; they have no @.
        for box in mailboxes(text)[:1]:
            yield box.address


def _linkedin(by_name: Mapping[str, Sequence[Property]]) -> str:
    """The first LinkedIn profile among web addresses and social profiles (Apple's, RFC 9554 4.9)."""
    for name in ("X-SOCIALPROFILE", "SOCIALPROFILE", "X-LINKEDIN", "X-LINKEDIN-URL", "URL"):
        for found in by_name.get(name, ())[:_MOST_VALUES]:
            text = _plain(found.value)
            profile = slug(text)
            if not profile and name != "URL" and _is_linkedin(found):
                handle = found.parameters.get("X-USER", "") or text.removeprefix("x-apple:")
                profile = slug(f"/in/{handle}") if _HANDLE.fullmatch(handle) else ""
            if profile:
                return profile
    return ""


def _is_linkedin(found: Property) -> bool:
    services = {*found.types, found.parameters.get("SERVICE-TYPE", "").upper()}
    return "LINKEDIN" in services or found.name.startswith("X-LINKEDIN")


def _kind(by_name: Mapping[str, Sequence[Property]]) -> str:
    return (_text(by_name, "KIND") or _text(by_name, "X-ADDRESSBOOKSERVER-KIND")).lower()


def _uid(by_name: Mapping[str, Sequence[Property]]) -> str:
    """The UID, the same for `urn:uuid:X`, `X` and Apple's `X:ABPerson`."""
    uid = clean(_plain(next((found.value for found in by_name.get("UID", ())), "")))
    if uid[:9].lower() == "urn:uuid:":
        uid = uid[9:]
    uid = uid.removesuffix(":ABPerson")
    if _BARE_UUID.fullmatch(uid.lower()):
        return uid.lower()
    return uid if len(uid) <= _TEXT_LIMIT else f"{uid[:_TEXT_LIMIT]}~{key64(uid):016x}"


def _revision(text: str) -> str:
    """REV in UTC basic form (`20260301T080000Z`); empty when it is no time."""
    match = _REVISION.fullmatch(text)
    if match is None:
        return ""
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    try:
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
        zone = match[7] or "Z"
        if zone.upper() != "Z":
            digits = zone[1:].replace(":", "")
            offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
            moment -= -offset if zone[0] == "-" else offset
    except (ValueError, OverflowError):
        return ""
    return f"{moment:%Y%m%dT%H%M%SZ}"


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))

"""What Kith knows happened: the kinds of event, their versions, and how their bodies are written and read.

An event kind is never edited: a new version gets an upcaster here, and every stored body stays readable.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any, get_args

import msgspec
from msgspec import Struct

from schemas.decisions import AnyDecision
from schemas.records import (
    Connection,
    ConnectionNote,
    Contact,
    DirectMessage,
    Endorsement,
    ExportSeen,
    Invitation,
    Meeting,
    Message,
    OwnProfile,
    Position,
    Recommendation,
    Signal,
    SourceRecord,
    Task,
)

VERSION = 1
"""The version that every body is written in today."""

DETECTORS = 1
"""Raised whenever the text stage improves enough that old mail should be read again."""


class Gone(Struct, frozen=True, tag_field="type", tag="gone"):
    """A tombstone: the item is no longer held by its source; `kind` is what it was."""

    kind: str


class Erased(Struct, frozen=True, tag_field="type", tag="erased"):
    """All that is left of an event that was about somebody the owner had erased; `kind` is what it was."""

    kind: str


EventBody = SourceRecord | AnyDecision | Gone | Erased

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
UPCASTERS: dict[tuple[str, int], Upcaster] = {}
"""From (kind, old version) to what turns such a body into the next version."""


class MailWords(Struct, frozen=True):
    """What is shown of a mail; the rest of its record is passed over unread, which halves the time of decoding."""

    subject: str = ""
    excerpt: str = ""
    signals: tuple[Signal, ...] = ()
    utc_offset: int | None = None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(EventBody)
_words_decoder = msgspec.json.Decoder(MailWords)

_MAIL = str(Message.__struct_config__.tag)
SOURCE_KINDS: tuple[str, ...] = tuple(str(kind.__struct_config__.tag) for kind in get_args(SourceRecord))


def kind_of(body: EventBody) -> str:
    """The event kind of a body, such as `message` or `merge`; a tombstone's is `gone`."""
    return str(body.__struct_config__.tag)


def encode_body(body: EventBody) -> bytes:
    """The body as JSON, in the present version."""
    return _encoder.encode(body)


def decode_body(raw: bytes, kind: str, version: int) -> EventBody:
    """The body behind stored JSON of any version.

    Raises:
        msgspec.ValidationError: the bytes are no such body.
    """
    if version == VERSION:
        body: EventBody = _decoder.decode(raw)
        return body
    old: dict[str, Any] = msgspec.json.decode(raw)
    for step in range(version, VERSION):
        old = UPCASTERS[kind, step](old)
    upcast: EventBody = msgspec.convert(old, EventBody)
    return upcast


def decode_words(raw: bytes, kind: str, version: int) -> EventBody | MailWords:
    """The body behind stored JSON of any version, for whoever shows it: of a mail its words alone.

    Raises:
        msgspec.ValidationError: the bytes are no such body.
    """
    if kind == _MAIL and version == VERSION:
        words: MailWords = _words_decoder.decode(raw)
        return words
    return decode_body(raw, kind, version)


def at_of(record: SourceRecord, recorded_at: datetime) -> datetime:
    """When what the record says happened, aware UTC; what has no time of its own happened when it was recorded.

    A floating time is taken as UTC here: this instant orders exports, history resolves it in the owner's zone.
    """
    match record:
        case Message() | DirectMessage() | Invitation() | Recommendation() | Endorsement() | ConnectionNote():
            said = record.at
        case Meeting():
            said = record.starts_at
        case Connection():
            said = _midnight(record.connected_on) or recorded_at
        case ExportSeen():
            said = _midnight(record.exported_on) or recorded_at
        case Position():
            said = _midnight(record.started_on) or recorded_at
        case Task():
            said = record.done_at or recorded_at
        case Contact() | OwnProfile():
            said = recorded_at
    return said.astimezone(UTC) if said.tzinfo else said.replace(tzinfo=UTC)


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), UTC) if day else None

"""Fetched messages to changes, in other processes; the same mail gives the same record as from any mail file."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from hashlib import blake2b

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from connectors._gmail_mime import Part, raw_of
from connectors._mail_dates import stated
from connectors._mail_jobs import packed
from connectors._mail_text import clean
from connectors._mime import Terms, message_from_bytes
from schemas.connector import Change, ReadText, Same, Skipped, Tombstone, Unreadable, Upsert
from schemas.ids import ExternalId
from schemas.records import Message

_MOST = datetime(9999, 1, 1, tzinfo=UTC).timestamp()
_LEFT_OUT = {"DRAFT": "draft", "CHAT": "chat", "SPAM": "spam", "TRASH": "trash"}
_CHOOSABLE = frozenset({"SPAM", "TRASH"})


class Choice(Struct, frozen=True):
    """Which messages are read, by the ids of labels: those with one of these, or all but spam, trash, drafts and chats."""

    labels: frozenset[str] = frozenset()

    def kept_out(self, labels: AbstractSet[str]) -> str:
        """Why one of these labels keeps a message out; empty where none does."""
        for label, reason in _LEFT_OUT.items():
            if label in labels and not (label in _CHOOSABLE and label in self.labels):
                return reason
        return ""

    def refusal(self, labels: AbstractSet[str]) -> str:
        """Why a message with these labels is left out; empty of one that is read."""
        is_chosen = not self.labels or not self.labels.isdisjoint(labels)
        return self.kept_out(labels) or ("" if is_chosen else "without a chosen label")

    def decides_by(self, label: str) -> bool:
        """Whether it may turn on this label if a message is read."""
        return label in _LEFT_OUT or label in self.labels


class Letter(Struct, frozen=True, array_like=True):
    """What came of a message: Gmail's answer as it is, or why there is none."""

    id: str
    body: bytes = b""
    fault: str = ""
    is_gone: bool = False


class Letters(Struct, frozen=True):
    """Some messages to be read together; `held` counts those that are known without being fetched."""

    read_text: ReadText
    terms: Terms
    choice: Choice
    names: Mapping[str, str]
    """The owner's own labels by their ids."""
    headers_only: bool
    turn: int
    letters: tuple[Letter, ...]
    held: int = 0


class _Message(Struct, frozen=True, rename="camel"):
    """https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages."""

    id: str
    thread_id: str = ""
    label_ids: frozenset[str] = frozenset()
    internal_date: str = ""
    history_id: str = ""
    payload: Part = Part()


_decode = msgspec.json.Decoder(_Message).decode


def fingerprint_of(one: str, *, headers_only: bool) -> int:
    """What tells that a message is held as it would be read again; mail never changes, so its id and the terms do."""
    digest = blake2b(f"{one} {headers_only}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def read_letters(job: Letters) -> bytes:
    """Every message as packed changes."""
    changes: list[Change] = [Same(job.held)] if job.held else []
    for letter in job.letters:
        changes += _changes(job, letter)
    return packed(changes)


def _changes(job: Letters, letter: Letter) -> list[Change]:
    where = f"Gmail message {letter.id}"
    if letter.is_gone:
        return [Tombstone(ExternalId(letter.id))]
    if letter.fault:
        return [Unreadable(where, letter.fault)]
    try:
        message = _decode(letter.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return [Unreadable(where, "Gmail's answer about it cannot be read")]
    refusal = job.choice.refusal(message.label_ids)
    if refusal:
        return [Skipped(refusal), Tombstone(ExternalId(letter.id))]
    raw = raw_of(message.payload)
    change = message_from_bytes(raw, job.read_text, job.terms, where, received=_received(message))
    if not isinstance(change, Upsert) or not isinstance(change.record, Message):
        return [change]
    own = sorted(clean(job.names[label]) for label in message.label_ids if label in job.names)
    thread = _hexadecimal(message.thread_id)
    keys = ((f"gm:{thread}",) if thread else ()) + change.record.thread_keys
    record = replace(change.record, labels=tuple(own[:100]), thread_keys=tuple(dict.fromkeys(keys)))
    at = int(message.history_id) if message.history_id.isdecimal() and len(message.history_id) <= 20 else 0
    return [
        replace(
            change,
            id=ExternalId(letter.id),
            record=record,
            # Of two readings the later stands, by its turn and Gmail's own count.
            stamp=f"{job.turn:04}.{at:020}.{change.stamp}",
            fingerprint=fingerprint_of(letter.id, headers_only=job.headers_only),
        )
    ]


def _received(message: _Message) -> str:
    """When Google took it, in words that dates of mail are read from."""
    at = instant_of(message.internal_date)
    return at.isoformat() if at is not None else ""


def instant_of(milliseconds: str) -> datetime | None:
    """An instant as Gmail tells it, or None where it tells none that can be."""
    if not milliseconds.isascii() or not milliseconds.isdecimal() or len(milliseconds) > 18:
        return None
    seconds = int(milliseconds) / 1000
    return datetime.fromtimestamp(seconds, UTC) if seconds < _MOST else None


def written_at(body: bytes) -> datetime | None:
    """When a message was written, or came to Google where that is earlier; None of what is no mail yet, or tells nothing."""
    try:
        message = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    dates = [one.value for one in message.payload.headers if one.name.lower() == "date"]
    said = stated(dates[0]) if dates else None
    instants = [said[0] if said is not None else None, instant_of(message.internal_date)]
    return None if Choice().refusal(message.label_ids) else min(filter(None, instants), default=None)


def headers_of(body: bytes) -> dict[str, str]:
    """The headers of a message by lower-cased name, of repeated ones the topmost; none where it cannot be read."""
    try:
        fields = _decode(body).payload.headers
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
    return {one.name.lower(): one.value for one in reversed(fields)}


def id_of(body: bytes) -> str:
    """The id of a message; empty where it cannot be read."""
    try:
        return _decode(body).id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""


def _hexadecimal(thread: str) -> str:
    """A thread's number as Takeout's is written down, without leading zeros; empty for what is none."""
    try:
        return f"{int(thread, 16):x}" if len(thread) <= 16 else ""
    except ValueError:
        return ""

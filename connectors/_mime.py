"""One RFC 5322 message to a `Message` record; it never raises, whatever the bytes, and keeps no text of its own.

The header block is read by one pattern for every message; bodies are opened only where a human wrote to humans. The
work for one message is bounded before any parser sees it: see `HEADER_BYTES`, `BODY_BYTES` and `_FIELDS`.

A message is normalised first (line ends, mbox quoting, headers that mailbox formats add, blank lines at its end), so
that one message gives one record and one fingerprint from whatever file it comes.
"""

import binascii
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import blake2b, sha256

from msgspec import Struct

from connectors._mail_addresses import mailboxes
from connectors._mail_body import own_text
from connectors._mail_dates import time_of_message
from connectors._mail_labels import read_labels
from connectors._mail_nature import failed_recipients, nature_of
from connectors._mail_text import clean, decode, decode_words
from schemas.connector import Reading, ReadText, Skipped, TextContext, Unreadable, Upsert
from schemas.ids import ExternalId
from schemas.records import Mailbox, Message, Nature, Signal

HEADER_BYTES = 4_000_000
"""A larger header block is refused."""
BODY_BYTES = 262_144
"""What is looked at of a body, and what a fingerprint covers."""
FIRST_BYTES = 786_432
"""Enough of almost every message: a header block of 256 KB and its body, quoted and with CRLF at worst."""
_MOST_BYTES = HEADER_BYTES + 2 * BODY_BYTES
_FIELDS = 5_000
_SMALL_HEADER = 262_144
_SUBJECT_CHARS = 4_000
_SUBJECT_KEPT = 500
_ID_CHARS = 500
_REFERENCES = 100

_FIELD = re.compile(r"^([!-9;-~]{1,76})[ \t]*:[ \t]*(.*(?:\n[ \t].*)*)", re.MULTILINE)
_QUOTED_FROM = re.compile(rb"\n>+From ")
_ADDED = re.compile(
    rb"^(?:Status|X-Status|X-Keywords|X-UID|X-IMAP|X-IMAPbase|Content-Length|Lines|X-Mozilla-[A-Za-z0-9-]+)[ \t]*:.*\n(?:[ \t].*\n)*",
    re.IGNORECASE | re.MULTILINE,
)
"""What mbox writers put into the header block for themselves."""
_ADDED_HINT = re.compile(rb"\n(?:Status:|Content-Length:|X-(?:Status:|UID:|Mozilla-))")
_BLANK_LINE = re.compile(rb"\n\n")
"""A pattern finds two bytes twice as fast as `bytes.find`, which is built for longer needles."""
_ID = re.compile(r"<\s*([^<>\s]{1,500})\s*>")
_ID_FIELD = re.compile(rb"\nMessage-I[Dd]: ?\n?[ \t]*<([!-;=?-~]{1,500})>[ \t]*\n")
_VIA = re.compile(r"\s+(?:via|über|par le biais de|a través de|tramite)\s+.*$", re.IGNORECASE)
_LIST_POST = re.compile(r"<?mailto:([^>?\s]+)", re.IGNORECASE)

_JOINED = frozenset({"to", "cc", "bcc", "references"})
"""Fields whose repetitions are read as one."""
_KNOWN = frozenset({"from", "date", "received", "message-id", "to", "subject", "return-path", "delivered-to"})
"""A text with none of these headers is no mail."""
_RANKS: dict[Nature, int] = {
    "personal": 9,
    "auto_reply": 7,
    "invitation": 6,
    "list": 5,
    "bounce": 4,
    "receipt": 3,
}


class Terms(Struct, frozen=True):
    """Under what terms messages are read: the present instant, the instant before which all is left out."""

    now: datetime
    since: datetime | None = None
    keep_text: str = "excerpt"


class Normal(Struct, frozen=True):
    """A message without what its container did to it: header block and body with bare LF, both cut."""

    head: bytes
    body: bytes


def first_bytes(read: Callable[[int], bytes], size: int) -> bytes:
    """As much of a stored message of `size` bytes as is ever looked at.

    `read(n)` gives its first n bytes. Two stored copies of one message give the same normal form, however large.
    """
    if size <= FIRST_BYTES:
        return read(size)
    raw = read(FIRST_BYTES)
    if b"\n\n" in raw[:_SMALL_HEADER] or b"\r\n\r\n" in raw[:_SMALL_HEADER]:
        return raw
    return read(min(size, _MOST_BYTES))


def normalise(raw: bytes) -> Normal:
    """The message in its normal form; of a very large one, its beginning."""
    raw = raw[:_MOST_BYTES]
    if b"\r" in raw:
        raw = raw.replace(b"\r\n", b"\n")
    if raw[:3] == b"\xef\xbb\xbf":
        raw = raw[3:]
    if raw[:1] == b"\n":
        raw = raw.lstrip(b"\n")
    if raw[:5] == b"From " or raw[:6] == b">From ":
        raw = raw[raw.find(b"\n") + 1 :] if b"\n" in raw else b""
    blank = _BLANK_LINE.search(raw)
    head, body = raw.rstrip(b"\n") + b"\n", b""
    if blank is not None:
        end = blank.start()
        head, body = raw[: end + 1], raw[end + 2 : end + 2 + 2 * BODY_BYTES]
    if _ADDED_HINT.search(head):
        head = _ADDED.sub(b"", head)
    if body[:1] == b">" or _QUOTED_FROM.search(body):
        body = _QUOTED_FROM.sub(b"\nFrom ", b"\n" + body)[1:]
    return Normal(head, body[:BODY_BYTES].rstrip(b"\n"))


def fingerprint_of(normal: Normal) -> int:
    """A 63-bit hash of all that is read of a message."""
    # Three times the speed of blake2b at 7 KB where the processor knows SHA, as nearly all do.
    digest = sha256(normal.head)
    digest.update(normal.body)
    return int.from_bytes(digest.digest()[:8], "big") >> 1


def identify(raw: bytes) -> tuple[ExternalId, int]:
    """The id and the fingerprint of a message, found without reading the rest of it."""
    normal = normalise(raw)
    place = max(normal.head.find(b"\nMessage-ID:"), normal.head.find(b"\nMessage-Id:"))
    plain = (
        _ID_FIELD.match(normal.head, place) if place >= 0 and normal.head.count(b"\nMessage-I") == 1 else None
    )
    name = plain[1].decode("ascii") if plain else message_id_of(fields_of(normal.head))
    return ExternalId(name), fingerprint_of(normal)


def fields_of(head: bytes) -> dict[str, str]:
    """The header fields by lower-cased name, unfolded: of repeated ones the topmost, of recipients all."""
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError:
        # 8-bit headers in more than one charset: each line for itself.
        text = "\n".join(decode(line) for line in head.split(b"\n"))
    fields: dict[str, str] = {}
    if len(text) > _SMALL_HEADER:
        found = [match.groups() for match, _ in zip(_FIELD.finditer(text), range(_FIELDS), strict=False)]
    else:
        found = _FIELD.findall(text)
    for name, value in found:
        key = name.lower()
        if key not in fields:
            fields[key] = value.replace("\n", "") if "\n" in value else value
        elif key in _JOINED:
            fields[key] += (" " if key == "references" else ", ") + value.replace("\n", "")
    return fields


def message_id_of(fields: Mapping[str, str]) -> str:
    """The Message-ID without brackets; for a message without one, an id derived from what identifies it."""
    stated = fields.get("message-id", "")
    if stated:
        found = _ID.search(stated[:2000])
        bare = found[1] if found else "".join(stated.split()).strip("<>")
        name = clean(bare)
        if name:
            return name if len(name) <= _ID_CHARS else f"{_hashed(name)}@long-message-id.invalid"
    facts = (fields.get(name, "")[:2000] for name in ("date", "from", "to", "subject"))
    return f"{_hashed(*(' '.join(fact.split()) for fact in facts))}@no-message-id.invalid"


def _hashed(*parts: str) -> str:
    return blake2b("\x1f".join(parts).encode("utf-8", "replace"), digest_size=16).hexdigest()


def message_from_bytes(
    raw: bytes,
    read_text: ReadText,
    terms: Terms,
    where: str = "",
    *,
    received: str = "",
    by_stdlib: bool = False,
) -> Upsert | Skipped | Unreadable:
    """One stored message as a change; `where` names its place for a person, should it be refused.

    `received` says, as a Date header would, when its server took it, for mail that names no day that can be.
    Drafts, spam, trash and chats by Gmail's own labels are left out; so is what is older than `terms.since`.
    """
    normal = normalise(raw)
    if len(normal.head) > HEADER_BYTES:
        return Unreadable(where, "the headers are larger than 4 MB; no mail program writes that")
    fields = fields_of(normal.head)
    if _KNOWN.isdisjoint(fields):
        return Unreadable(where, "no mail headers")

    labels: tuple[str, ...] = ()
    gmail_labels = fields.get("x-gmail-labels")
    if gmail_labels:
        reason, labels = read_labels(gmail_labels)
        if reason:
            return Skipped(reason)
    if fields.get("x-draft", "").strip().lower() in {"1", "yes", "true", "on"}:
        return Skipped("draft")

    time = time_of_message(fields, terms.now)
    if time is None and received:
        time = time_of_message({"date": received}, terms.now)
    if time is None:
        return Unreadable(where, "no usable date")
    at, offset = time
    if terms.since is not None and at < terms.since:
        return Skipped("before --since")

    verdict = _verdict(fields, normal.body)
    if verdict is None:
        return Unreadable(where, "no sender")
    sender, subject, nature, reason = verdict
    to = _boxes(fields, "to")
    cc = _boxes(fields, "cc")
    bcc = _boxes(fields, "bcc")
    reply_to = _boxes(fields, "reply-to")
    if nature == "list":
        sender = _author(sender, reply_to, fields, (*to, *cc))

    reading = _NOTHING
    failed: tuple[str, ...] = ()
    if nature == "personal":
        text, is_html = own_text(
            fields.get("content-type", ""),
            fields.get("content-transfer-encoding", ""),
            fields.get("content-disposition", ""),
            normal.body,
            by_stdlib=by_stdlib,
        )
        if text:
            who = {"address": sender.address, "name": sender.name}
            reading = read_text(text, TextContext(at, offset, subject, who, is_html))
    elif nature == "auto_reply":
        reading = Reading(signals=(Signal(kind="auto_reply", text=subject[:280] or "automatic reply"),))
    elif nature == "bounce":
        failed = failed_recipients(fields, normal.body)

    thread_keys = _thread_keys(fields)
    fingerprint = fingerprint_of(normal)
    name = message_id_of(fields)
    record = Message(
        message_id=name,
        at=at,
        sender=sender,
        to=to,
        cc=cc,
        bcc=bcc,
        reply_to=reply_to,
        subject=subject,
        references=_references(fields, name),
        thread_keys=thread_keys,
        nature=nature,
        nature_reason=reason,
        utc_offset=offset,
        excerpt=reading.excerpt if terms.keep_text != "none" else "",
        text=reading.text,
        signals=reading.signals,
        labels=labels,
        failed=failed,
        signature=reading.signature,
    )
    # Of two copies the better one stays: written by a human rather than re-sent by a list, with the provider's thread,
    # with recipients that only the sender's own copy shows, with more text; the fingerprint settles the rest.
    stamp = (
        f"{_RANKS.get(nature, 1)}{min(len(thread_keys), 9)}{min(len(bcc), 9)}{min(len(reading.signals), 9)}"
        f"{1 if reading.excerpt else 0}{fingerprint:016x}"
    )
    return Upsert(ExternalId(name), record, stamp, fingerprint)


_NOTHING = Reading()


def nature_by_head(
    head: bytes, outline: bytes, terms: Terms | None = None
) -> tuple[Mapping[str, str], Nature | None]:
    """The fields of a header block, and the nature that its message will be given; None where nobody sent it.

    Args:
        outline: as much of the body as its calendar parts' headers: whether the rest is wanted is not known before.
        terms: where given, what is older than they allow has no nature either.
    """
    normal = normalise(head.rstrip(b"\r\n") + b"\n\n" + outline)
    fields = fields_of(normal.head)
    if terms is not None and terms.since is not None:
        time = time_of_message(fields, terms.now)
        if time is not None and time[0] < terms.since:
            return fields, None
    verdict = _verdict(fields, normal.body)
    return fields, verdict[2] if verdict is not None else None


def _verdict(fields: Mapping[str, str], body: bytes) -> tuple[Mailbox, str, Nature, str] | None:
    """Sender, subject, nature and the reason for it; None of a message that names no sender."""
    sender = _sender(fields)
    if sender is None:
        return None
    subject_field = fields.get("subject", "")
    subject = decode_words(subject_field[:_SUBJECT_CHARS])[:_SUBJECT_KEPT] if subject_field else ""
    nature, reason = nature_of(fields, sender.address, subject, body)
    return sender, subject, nature, reason


def _boxes(fields: Mapping[str, str], name: str) -> tuple[Mailbox, ...]:
    value = fields.get(name)
    return mailboxes(value) if value else ()


def _sender(fields: Mapping[str, str]) -> Mailbox | None:
    """The first of From; else Sender, the envelope's sender, or a local name such as MAILER-DAEMON."""
    for name in ("from", "sender", "x-original-from", "return-path"):
        boxes = _boxes(fields, name)
        if boxes:
            return boxes[0]
    for name in ("from", "sender"):
        local = clean(fields.get(name, "")[:200]).partition("(")[0].strip(" <>\"'").lower()
        if local:
            return Mailbox(local.rpartition("<")[2].strip())
    return None


def _author(
    sender: Mailbox, reply_to: tuple[Mailbox, ...], fields: Mapping[str, str], recipients: tuple[Mailbox, ...]
) -> Mailbox:
    """Who wrote a post whose From the list rewrote to satisfy DMARC; the sender where it did not."""
    original = _boxes(fields, "x-original-from")
    if original:
        return original[0]
    posting = _LIST_POST.search(fields.get("list-post", "")[:1000])
    lists = {box.address for box in recipients}
    if posting:
        lists.add(posting[1].lower())
    is_rewritten = sender.address in lists or _VIA.search(sender.name) is not None
    if is_rewritten and reply_to:
        author = next(
            (box for box in reply_to if box.address != sender.address and box.address not in lists), None
        )
        if author is not None:
            name = author.name or _VIA.sub("", sender.name).strip("' \"")
            return Mailbox(author.address, name)
    return sender


def _references(fields: Mapping[str, str], own: str) -> tuple[str, ...]:
    """Ancestors, oldest first, In-Reply-To last; prose is passed over (RFC 5322 3.6.4)."""
    ancestors = fields.get("references")
    answered = fields.get("in-reply-to")
    if not ancestors and not answered:
        return ()
    ids: dict[str, None] = {}
    if ancestors:
        if len(ancestors) > 100_000:
            ancestors = ancestors[:50_000] + " " + ancestors[-50_000:]
        ids = dict.fromkeys(_ID.findall(ancestors))
    if answered:
        for name in _ID.findall(answered[:4000]):
            ids.pop(name, None)
            ids[name] = None
    ids.pop(own, None)
    names = tuple([clean(name) for name in ids])
    return names if len(names) <= 2 * _REFERENCES else names[:_REFERENCES] + names[-_REFERENCES:]


def _thread_keys(fields: Mapping[str, str]) -> tuple[str, ...]:
    """The provider's threads: Gmail's number in hex, and the GUID within Thread-Index ([MS-OXOMSG] 2.2.1.3)."""
    keys: list[str] = []
    gmail = fields.get("x-gm-thrid", "").strip()
    if gmail.isascii() and gmail.isdecimal() and len(gmail) <= 20:
        keys.append(f"gm:{int(gmail):x}")
    index = fields.get("thread-index")
    if index:
        try:
            # 44 characters of base64 hold the 22 bytes that name the conversation.
            head = binascii.a2b_base64("".join(index[:200].split()).encode("ascii", "ignore")[:32])
        except (binascii.Error, ValueError):
            head = b""
        if len(head) >= 22:
            keys.append(f"ti:{head[6:22].hex()}")
    return tuple(keys)

"""One mail of an Exchange mailbox as the bytes of a mail (RFC 5322), so that it is read as any other is; it asks nobody.

What came from outside has the header block that it came with. What was sent here, or never left the organisation, has
none: of such a mail the fields are written from what the server keeps of them. Of a body there is the text that its writer
sees, as HTML or plain, and never an attachment.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from email.utils import format_datetime

from msgspec import Struct
from msgspec.structs import replace

from connectors._exchange_elements import Element, Property, T, extended, instant_of, text_of
from connectors._mail_jobs import packed
from connectors._mail_text import clean
from connectors._mime import HEADER_BYTES, Terms, message_from_bytes
from schemas.connector import Change, ReadText, Skipped, Unreadable, Upsert
from schemas.ids import ExternalId
from schemas.records import Message

LISTED: tuple[Property, ...] = ("item:ItemClass", "item:DateTimeReceived", "item:IsDraft")
_SMTP = ("0x5d02", "String")
"""The author's address by SMTP, where the server knows them by a name of its own (PidTagSentRepresentingSmtpAddress)."""
HEAD: tuple[Property, ...] = (
    *LISTED,
    "item:Subject",
    "item:InternetMessageHeaders",
    "item:InReplyTo",
    "item:DateTimeSent",
    "message:From",
    "message:Sender",
    "message:ToRecipients",
    "message:CcRecipients",
    "message:BccRecipients",
    "message:ReplyTo",
    "message:InternetMessageId",
    "message:References",
    "message:ConversationIndex",
    _SMTP,
)
BODY: tuple[Property, ...] = ("item:Body",)

_NO_DATE = "no usable date"
_NAME = re.compile(r"[!-9;-~]{1,76}")
_BREAK = re.compile(r"\s*[\r\n]+\s*")
_CONTENT = frozenset({"content-type", "content-transfer-encoding", "content-disposition"})
_MOST_FIELDS = 1_000
_MOST_PEOPLE = 2_000
_METHODS = {"request": "REQUEST", "canceled": "CANCEL", "resp": "REPLY", "notification": "REQUEST"}


class Mail(Struct, frozen=True, array_like=True):
    """What was fetched of a mail: its short name, the header block and the body made of it, and when it came.

    `fault` says why there is nothing.
    """

    key: str
    head: bytes = b""
    body: bytes = b""
    is_draft: bool = False
    received: str = ""
    fault: str = ""


class Mails(Struct, frozen=True):
    """Some mails of one folder to be read together."""

    read_text: ReadText
    terms: Terms
    folder: str
    turn: int
    mails: tuple[Mail, ...]


def is_mail(item: Element) -> bool:
    """Whether an item is a mail; in its folders stand notes, chats and rules as well."""
    kind = text_of(item, "ItemClass").lower()
    if kind.startswith(("ipm.note.microsoft.", "ipm.note.rules.replytemplate")):
        return False
    return kind.startswith(("ipm.note", "report.", "ipm.schedule.meeting"))


def received_at(item: Element) -> datetime | None:
    """When it came to the mailbox."""
    return instant_of(item, "DateTimeReceived")


def sent_at(item: Element) -> datetime | None:
    """When it was sent."""
    return instant_of(item, "DateTimeSent")


# --- bytes -----------------------------------------------------------------------------------------------------------------


def mail_of(key: str, item: Element) -> Mail:
    """A mail by its header block alone."""
    head = "".join(f"{name}: {value}\n" for name, value in _fields(item)).encode("utf-8", "replace")
    received = received_at(item)
    return Mail(
        key,
        head[: HEADER_BYTES + 1],
        is_draft=text_of(item, "IsDraft") == "true",
        received=format_datetime(received) if received else "",
    )


def with_body(mail: Mail, item: Element, most: int) -> Mail:
    """The mail with its text; the fields that say how a body is written are those of this one."""
    body = item.find(f"{T}Body")
    if body is None or not body.text:
        return mail
    kind = "html" if body.get("BodyType", "").upper() == "HTML" else "plain"
    head = b"".join(
        line + b"\n"
        for line in mail.head.split(b"\n")
        if line and line.partition(b":")[0].strip().lower().decode("ascii", "replace") not in _CONTENT
    )
    head += f"Content-Type: text/{kind}; charset=utf-8\nContent-Transfer-Encoding: 8bit\n".encode()
    return replace(mail, head=head, body=body.text.encode("utf-8", "replace")[:most])


def _fields(item: Element) -> Iterator[tuple[str, str]]:
    """The fields that the mail came with, and those that it came without."""
    told: set[str] = set()
    override = dict(_by_class(text_of(item, "ItemClass").lower()))
    for one in item.findall(f"{T}InternetMessageHeaders/{T}InternetMessageHeader")[:_MOST_FIELDS]:
        name = one.get("HeaderName", "")
        if _NAME.fullmatch(name) and name.lower() not in override:
            told.add(name.lower())
            yield name, _flat(one.text or "")
    yield from override.items()
    for name, value in _kept(item):
        if value and name.lower() not in told:
            yield name, _flat(value)


def _kept(item: Element) -> Iterator[tuple[str, str]]:
    """What the server keeps of a mail, as fields."""
    yield "From", _author(item)
    for name, element in (
        ("To", "ToRecipients"),
        ("Cc", "CcRecipients"),
        ("Bcc", "BccRecipients"),
        ("Reply-To", "ReplyTo"),
    ):
        yield (
            name,
            ", ".join(filter(None, map(_box, item.findall(f"{T}{element}/{T}Mailbox")[:_MOST_PEOPLE]))),
        )
    yield "Subject", text_of(item, "Subject")
    sent = sent_at(item) or received_at(item)
    # An instant without a zone: where its writer sat is not told (RFC 5322 3.3).
    yield "Date", format_datetime(sent.replace(tzinfo=None)) if sent else ""
    yield "Message-ID", text_of(item, "InternetMessageId")
    yield "References", text_of(item, "References")
    yield "In-Reply-To", text_of(item, "InReplyTo")
    yield "Thread-Index", text_of(item, "ConversationIndex")


def _by_class(kind: str) -> Iterator[tuple[str, str]]:
    """What a mail is by its class alone, where its own fields may not say so: keys in lower case."""
    if kind.startswith("ipm.schedule.meeting"):
        sort = kind.removeprefix("ipm.schedule.meeting.").partition(".")[0]
        yield "content-type", f"text/calendar; method={_METHODS.get(sort, 'REQUEST')}"
    elif kind.startswith("ipm.note.rules.ooftemplate"):
        yield "auto-submitted", "auto-replied"
    elif kind.startswith("report."):
        sort = "disposition-notification" if kind.endswith((".ipnrn", ".ipnnrn")) else "delivery-status"
        yield "content-type", f"multipart/report; report-type={sort}"


def _author(item: Element) -> str:
    for name in ("From", "Sender"):
        one = item.find(f"{T}{name}/{T}Mailbox")
        if one is not None:
            box = _box(one)
            address = extended(item, _SMTP)
            return box or (_written(text_of(one, "Name"), address) if "@" in address else "")
    return ""


def _box(mailbox: Element) -> str:
    """A mailbox as a field writes it; nothing for one that only the organisation's own addresses name."""
    address = text_of(mailbox, "EmailAddress")
    return _written(text_of(mailbox, "Name"), address) if "@" in address else ""


def _written(name: str, address: str) -> str:
    bare = re.sub(r"[\s<>,;\"\\]", "", address)
    shown = clean(name)[:200].replace("\\", "\\\\").replace('"', '\\"')
    return f'"{shown}" <{bare}>' if shown and shown != bare else f"<{bare}>"


def _flat(value: str) -> str:
    return _BREAK.sub(" ", value).replace("\x00", "").strip()


# --- records ---------------------------------------------------------------------------------------------------------------


def read_mails(job: Mails) -> bytes:
    """Every mail as a packed change; run in other processes."""
    return packed([_change(job, mail) for mail in job.mails])


def _change(job: Mails, mail: Mail) -> Change:
    where = f"{job.folder}, item {mail.key}"
    if mail.fault:
        return Unreadable(where, mail.fault)
    if mail.is_draft:
        return Skipped("draft")
    raw = mail.head.rstrip(b"\n") + b"\n\n" + mail.body
    change = message_from_bytes(raw, job.read_text, job.terms, where)
    if isinstance(change, Unreadable) and change.reason == _NO_DATE and mail.received:
        # The mail names no day that can be; the server knows when it came.
        dated = f"Date: {mail.received}\n".encode("ascii", "ignore") + raw
        change = message_from_bytes(dated, job.read_text, job.terms, where)
    if not isinstance(change, Upsert) or not isinstance(change.record, Message):
        return change
    record = replace(change.record, labels=(job.folder,))
    return replace(change, id=ExternalId(mail.key), record=record, stamp=f"{job.turn:04}.{change.stamp}")

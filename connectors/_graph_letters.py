"""Messages as Microsoft Graph shows them, to header blocks and texts as any mail has, and to changes in other processes.

https://learn.microsoft.com/graph/api/resources/message, read 2026-11. What came over the wire has its own header block
(`internetMessageHeaders`); for what the owner sent there is none, so that one is made of what Graph tells of the
message. The same mail so gives the same record as from any mail file.

`conversationId` is left alone: where a mail brings no Thread-Index, Exchange makes it from the subject, and strangers who
write "Hello" are no conversation.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from email.utils import format_datetime

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.structs import replace

from connectors._mail_jobs import packed
from connectors._mime import HEADER_BYTES, Terms, message_from_bytes, nature_by_head
from schemas.connector import Change, ReadText, Skipped, Unreadable, Upsert
from schemas.ids import ExternalId, key64
from schemas.records import Message, Nature

SELECT = (
    "id,internetMessageId,conversationIndex,subject,from,sender,toRecipients,ccRecipients,bccRecipients,replyTo,"
    "receivedDateTime,sentDateTime,isDraft,parentFolderId,internetMessageHeaders"
)
TEXT_CHARS = 262_144
"""What is taken of a text."""
ANSWERED = "String 0x1042"
"""PidTagInReplyToId ([MS-OXPROPS] 2.736): of mail that was sent, what it answers is told nowhere else."""
REFERRED = "String 0x1039"
"""PidTagInternetReferences ([MS-OXPROPS] 2.744)."""
_NAME = re.compile(r"[!-9;-~]{1,76}")
_BREAKS = re.compile(r"[\r\n]+[ \t]*")
_MEETING = "#microsoft.graph.eventmessage"
_FOREIGN = frozenset({"x-gmail-labels", "x-gm-thrid", "x-draft", "content-length", "lines"})
"""Headers that mail files have from the programs that wrote them; in mail that came they are the sender's own words."""
_FROM = frozenset({"From", "from", "FROM"})
_CONTENT_LINE = re.compile(
    rb"^(?:content-type|content-transfer-encoding|content-disposition)[ \t]*:[^\n]*\n",
    re.IGNORECASE | re.MULTILINE,
)
_TOO_LARGE = "the headers are larger than 4 MB; no mail program writes that"
_STRANGE = "it is not as Microsoft's pages say"
_NO_DATE = "no usable date"


# ------ as Graph tells it


class Address(Struct, frozen=True):
    """An address and a name (resources/emailaddress)."""

    address: str | None = None
    name: str | None = None


class Person(Struct, frozen=True, rename="camel"):
    """Who wrote, or was written to (resources/recipient)."""

    email_address: Address | None = None


class Header(Struct, frozen=True):
    """One header as it came (resources/internetmessageheader)."""

    name: str | None = None
    value: str | None = None


class Text(Struct, frozen=True, rename="camel"):
    """A text, and whether it is HTML (resources/itembody)."""

    content: str | None = None
    content_type: str | None = None


class Extended(Struct, frozen=True):
    """A property of MAPI by its tag (resources/singlevaluelegacyextendedproperty)."""

    id: str = ""
    value: str | None = None


class Mail(Struct, frozen=True, rename="camel"):
    """A message, or what of it has changed: what is left out is as it was, what is null is not said."""

    id: str
    kind: str = msgspec.field(default="", name="@odata.type")
    removed: Raw = msgspec.field(default=Raw(), name="@removed")
    internet_message_id: str | None = None
    conversation_index: str | None = None
    subject: str | None = None
    from_: Person | None = msgspec.field(default=None, name="from")
    sender: Person | None = None
    to_recipients: tuple[Person, ...] | UnsetType | None = UNSET
    cc_recipients: tuple[Person, ...] | None = None
    bcc_recipients: tuple[Person, ...] | None = None
    reply_to: tuple[Person, ...] | None = None
    received_date_time: datetime | None = None
    sent_date_time: datetime | UnsetType | None = UNSET
    is_draft: bool | None = None
    parent_folder_id: str | None = None
    internet_message_headers: tuple[Header, ...] | None = None

    @property
    def is_removed(self) -> bool:
        """Whether it has left the folder."""
        return bool(bytes(self.removed))

    @property
    def is_partial(self) -> bool:
        """Whether this tells no more than what changed."""
        return self.to_recipients is UNSET and self.sent_date_time is UNSET

    @property
    def received(self) -> datetime | None:
        """When it came."""
        return _utc(self.received_date_time)

    @property
    def sent(self) -> datetime | None:
        """When it was sent, or else when it came."""
        return _utc(self.sent_date_time or None) or self.received


def _utc(at: datetime | None) -> datetime | None:
    try:
        return at.astimezone(UTC) if at is not None and at.tzinfo is not None else None
    except OverflowError:
        return None


class Rest(Struct, frozen=True, rename="camel"):
    """What is asked for of one message alone: its text, and what a list left out."""

    body: Text | None = None
    internet_message_headers: tuple[Header, ...] | None = None
    extended: tuple[Extended, ...] = msgspec.field(default=(), name="singleValueExtendedProperties")


class _Named(Struct, frozen=True):
    id: str = ""


_decode = msgspec.json.Decoder(Mail).decode


def mail_in(row: Raw) -> Mail | None:
    """A row as it came; None where it is not as it should be."""
    try:
        return _decode(row)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return None


def name_in(row: Raw) -> str:
    """The id of a row that cannot be read otherwise; empty where it has none."""
    try:
        return msgspec.json.decode(row, type=_Named).id
    except (msgspec.DecodeError, RecursionError):
        return ""


# ------ as any mail is


class Letter(Struct, frozen=True, array_like=True):
    """A message as it is handed to another process; `fault` says why there is nothing in it."""

    number: int
    head: bytes = b""
    body: bytes = b""
    received: str = ""
    fault: str = ""


def number_of(one: str) -> int:
    """What a message goes by here: 63 bits of its immutable id, which has 150 characters and more."""
    return key64(one)


def id_of(number: int) -> ExternalId:
    """What a message is called within its folder."""
    return ExternalId(f"{number:016x}")


def author_of(mail: Mail) -> str:
    """Whose name a message bears, in lower case; empty where that is no address."""
    said = mail.from_.email_address if mail.from_ is not None else None
    return (said.address or "").strip().lower() if said is not None else ""


def has_headers(mail: Mail) -> bool:
    """Whether a message came with the header block that it had on its way."""
    return any(one.name in _FROM for one in mail.internet_message_headers or ())


def head_of(
    mail: Mail, own: str, *, is_own: bool, with_index: bool, extended: Iterable[Extended] = ()
) -> bytes:
    """The header block of a message, with what Graph tells beside it where that is all there is.

    Args:
        own: the owner's address, for what they sent under a name of their organisation's directory alone.
        is_own: the owner sent it.
        with_index: whether Exchange's own index of conversations stands for a Thread-Index that did not come.
    """
    lines: list[str] = []
    told: set[str] = set()
    stated = _stated_always(mail)
    if has_headers(mail):
        for one in mail.internet_message_headers or ():
            name = one.name or ""
            key = name.lower()
            if key not in _FOREIGN and _NAME.fullmatch(name):
                told.add(key)
                lines.append(f"{name}: {_one_line(one.value or '')}")
    else:
        stated += [*_stated(mail, own if is_own else ""), *_answers(extended)]
    if (is_own or with_index) and mail.conversation_index:
        stated.append(("Thread-Index", mail.conversation_index))
    lines += [f"{name}: {_one_line(value)}" for name, value in stated if value and name.lower() not in told]
    if mail.kind.lower().startswith(_MEETING):
        # The calendar part is not among a message's properties; its type is (MS-OXOCAL, eventMessage).
        lines.insert(0, "Content-Type: text/calendar; method=REQUEST")
    return "\n".join(lines).encode("utf-8", "replace") + b"\n"


def _one_line(text: str) -> str:
    return _BREAKS.sub(" ", text) if "\n" in text or "\r" in text else text


def _stated_always(mail: Mail) -> list[tuple[str, str]]:
    # The writer's own zone is not told; -0000 says so (RFC 5322 3.3).
    date = format_datetime(mail.sent.replace(tzinfo=None)) if mail.sent else ""
    return [("Message-ID", mail.internet_message_id or ""), ("Date", date)]


def _stated(mail: Mail, own: str) -> Iterator[tuple[str, str]]:
    author = _boxes((mail.from_,)) or _boxes((mail.sender,)) or own
    yield "From", author
    yield "Sender", _boxes((mail.sender,))
    yield "To", _boxes(mail.to_recipients or ())
    yield "Cc", _boxes(mail.cc_recipients or ())
    yield "Bcc", _boxes(mail.bcc_recipients or ())
    yield "Reply-To", _boxes(mail.reply_to or ())
    yield "Subject", mail.subject or ""


def _boxes(people: Iterable[Person | None]) -> str:
    """An address header; who has no address of the internet (`/O=…/CN=…`, [MS-OXCMAIL] 2.2.3.1) is left out."""
    boxes: list[str] = []
    for person in people:
        said = person.email_address if person is not None else None
        address = (said.address or "").strip() if said is not None else ""
        if said is None or "@" not in address or address.startswith("/") or re.search(r"[\s<>,;\"]", address):
            continue
        name = (said.name or "").replace("\\", "\\\\").replace('"', '\\"')
        boxes.append(f'"{name}" <{address}>' if name and name != address else f"<{address}>")
    return ", ".join(boxes)


def _answers(extended: Iterable[Extended]) -> Iterator[tuple[str, str]]:
    tags = {ANSWERED[7:].lower(): "In-Reply-To", REFERRED[7:].lower(): "References"}
    for one in extended:
        name = tags.get(one.id.rpartition(" ")[2].lower())
        if name and one.value:
            yield name, one.value


def nature_in(head: bytes, terms: Terms) -> Nature | None:
    """What the message is by its header block alone; None where it is not taken in."""
    return nature_by_head(head, b"", terms)[1]


def with_text(head: bytes, text: Text | None) -> tuple[bytes, bytes]:
    """Header block and body of a message whose text is this one: Graph hands out a text, never the parts of a mail."""
    said = (text.content or "")[:TEXT_CHARS] if text is not None else ""
    kind = "html" if text is not None and (text.content_type or "").lower() == "html" else "plain"
    content = f"Content-Type: text/{kind}; charset=utf-8\nContent-Transfer-Encoding: 8bit\n".encode()
    return _CONTENT_LINE.sub(b"", head) + content, said.encode("utf-8", "replace")


def faulty(number: int) -> Letter:
    """A message that cannot be read."""
    return Letter(number, fault=_STRANGE)


def letter_of(mail: Mail, head: bytes, body: bytes = b"") -> Letter:
    """The message on its way to be read."""
    fault = _TOO_LARGE if len(head) > HEADER_BYTES else ""
    return Letter(
        number_of(mail.id),
        b"" if fault else head,
        b"" if fault else body,
        format_datetime(mail.sent) if mail.sent is not None else "",
        fault,
    )


# ------ in other processes


class Letters(Struct, frozen=True):
    """Some messages of one folder to be read together."""

    read_text: ReadText
    terms: Terms
    folder: str
    turn: int
    letters: tuple[Letter, ...]
    skipped: tuple[Skipped, ...] = ()


def read_letters(job: Letters) -> bytes:
    """Every message as a packed change."""
    return packed([*(_change(job, letter) for letter in job.letters), *job.skipped])


def _change(job: Letters, letter: Letter) -> Change:
    where = f"{job.folder}, message {id_of(letter.number)}"
    if letter.fault:
        return Unreadable(where, letter.fault)
    raw = b"%b\n%b" % (letter.head, letter.body)
    change = message_from_bytes(raw, job.read_text, job.terms, where)
    if isinstance(change, Unreadable) and change.reason == _NO_DATE and letter.received:
        # The mail names no day that can be; Exchange knows when it came.
        dated = b"Date: %b\n%b" % (letter.received.encode("ascii"), raw)
        change = message_from_bytes(dated, job.read_text, job.terms, where)
    if not isinstance(change, Upsert) or not isinstance(change.record, Message):
        return change
    record = replace(change.record, labels=(job.folder,))
    return replace(change, id=id_of(letter.number), record=record, stamp=f"{job.turn:04}.{change.stamp}")

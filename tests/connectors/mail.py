"""Builders of mail for the tests."""

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTPUTF8
from email.utils import format_datetime

from connectors._mime import Terms, message_from_bytes
from schemas.connector import Skipped, Unreadable, Upsert
from schemas.records import Message
from tests.contract.source import NOW, read_plainly

TERMS = Terms(NOW)


def a_mail(number: int = 1, *, body: str = "Shall we meet on Tuesday?\n", **headers: str | None) -> bytes:
    """A plain mail from a human to a human; a header given as None is left out, `_` stands for `-`."""
    sent = datetime(2025, 3, 3, 9, 0, tzinfo=UTC) + timedelta(hours=number)
    fields: dict[str, str | None] = {
        "From": "Anna Berg <anna@example.com>",
        "To": "Me <me@home.test>",
        "Subject": f"Letter {number}",
        "Date": format_datetime(sent),
        "Message-ID": f"<m{number}@example.com>",
    }
    for name, value in headers.items():
        fields[name.replace("_", "-")] = value
    head = "".join(f"{name}: {value}\n" for name, value in fields.items() if value is not None)
    return f"{head}\n{body}".encode()


def a_mixed_mail(plain: str, html: str, number: int = 1) -> bytes:
    """A mail with a plain and an HTML text and an attachment."""
    mail = EmailMessage(policy=SMTPUTF8.clone(linesep="\n"))
    mail["From"] = "Anna Berg <anna@example.com>"
    mail["To"] = "me@home.test"
    mail["Subject"] = "Grüße"
    mail["Date"] = "Mon, 03 Mar 2025 10:00:00 +0100"
    mail["Message-ID"] = f"<mixed{number}@example.com>"
    mail.set_content(plain)
    mail.add_alternative(html, subtype="html")
    mail.add_attachment(b"\x00\x01" * 500, maintype="application", subtype="pdf", filename="a.pdf")
    return mail.as_bytes()


def read(raw: bytes, *, by_stdlib: bool = False) -> Upsert:
    """The message as it is taken in."""
    change = message_from_bytes(raw, read_plainly, TERMS, "here", by_stdlib=by_stdlib)
    assert isinstance(change, Upsert), change
    return change


def record_of(raw: bytes) -> Message:
    """The record of a message."""
    record = read(raw).record
    assert isinstance(record, Message)
    return record


def left_out(raw: bytes) -> str:
    """Why a message is not taken in."""
    change = message_from_bytes(raw, read_plainly, TERMS, "here")
    assert isinstance(change, Skipped | Unreadable), change
    return change.reason

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


def every_shape() -> list[bytes]:
    """Mail of every shape whose text takes finding."""
    stub = "View this message in your browser.\n"
    html = "<p>Could you send the plan by Friday?</p>"
    blank = a_mixed_mail(" \n\n", html, 3)
    nested = a_mixed_mail("Can you come on Monday?\n" + "filler " * 9_000, html, 4)
    latin = a_mail(
        5,
        body="",
        Content_Type="text/plain; charset=iso-8859-1",
        Content_Transfer_Encoding="quoted-printable",
    )
    invitation = (
        b"--b\nContent-Type: text/plain\n\nPlease join us.\n--b\nContent-Type: text/calendar; charset=utf-8; method=REQUEST\n\n"
        b"BEGIN:VCALENDAR\nEND:VCALENDAR\n--b--\n"
    )
    return [
        a_mail(1),
        a_mixed_mail("Shall we?\n\n-- \nAnna\n", html, 2),
        a_mixed_mail(stub, html, 6),
        blank,
        nested,
        latin + b"Gr=FC=DFe, k=F6nnen Sie das pr=FCfen?\n",
        a_mail(7, body="PGI+SGFsbG8/PC9iPg==\n", Content_Type="text/html; charset=utf-8", Content_Transfer_Encoding="base64"),
        a_mail(8, body=invitation.decode(), Content_Type='multipart/alternative; boundary="b"'),
        a_mail(9, body=(invitation + b"x" * 50_000).decode(), Content_Type='multipart/mixed; boundary="b"'),
        a_mail(10, body="BEGIN:VCALENDAR\nMETHOD:PUBLISH\nEND:VCALENDAR\n", Content_Type="text/calendar"),
        a_mail(11, List_Id="<talk.example.com>", List_Post="<mailto:talk@example.com>"),
        a_mail(
            12,
            body="--r\nContent-Type: text/plain\n\nNot delivered.\n--r\nContent-Type: message/delivery-status\n\n"
            "Reporting-MTA: dns; mx.example.com\n\nFinal-Recipient: rfc822; gone@example.com\nStatus: 5.1.1\n--r--\n",
            Content_Type='multipart/report; report-type=delivery-status; boundary="r"',
            Return_Path="<>",
        ),
        a_mail(13, body="--x\n\nno boundary is named\n--x--\n", Content_Type="multipart/mixed"),
        a_mail(14, body="text\n", Content_Type='text/plain; name="a.txt"', Content_Disposition="attachment"),
        a_mail(15, body="one line\n\nFrom the start\n>From quoted\n\n\n"),
        a_mail(16, body="", Content_Type='multipart/mixed; boundary="m"')
        + b"--m\nContent-Type: message/rfc822\n\nSubject: inner\n\ninner text?\n--m\nContent-Type: text/plain\n\nCould you look at this?\n--m--\n",
        a_mail(17, Auto_Submitted="auto-replied", Subject="Out of office: back on Monday"),
        a_mail(18, body="Straße 日本語?\n", Content_Type="text/plain; charset=utf-8", Content_Transfer_Encoding="8bit"),
        a_mail(19, body="no text at all\n", Content_Type="application/pdf"),
        a_mail(20, body="x" * 40_000 + "\n", Content_Type='multipart/mixed; boundary="never"'),
        a_mail(21, References="<a@example.com> <b@example.com>", In_Reply_To="<b@example.com>", Cc="Eve <eve@example.com>"),
    ]  # fmt: skip

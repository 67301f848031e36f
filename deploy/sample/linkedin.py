"""Writes LinkedIn's data export as a ZIP of CSVs, with the columns and date formats of mid-2023 to 2026.

It keeps to what has been observed of real archives and never sets the clock into the file: equal facts, equal bytes.
"""

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path

from msgspec import Struct

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NOTES = (
    'Notes:\n"When exporting your connection data, you may notice that some of the email addresses are missing. '
    "You will only see email addresses for connections who have allowed their connections to see or download their "
    "email address using this setting https://www.linkedin.com/psettings/privacy/email. You can learn more here "
    'https://www.linkedin.com/help/linkedin/answer/261"\n\n'
)


class Tie(Struct, frozen=True):
    """One row of Connections.csv; a row without a name is a member who closed the account."""

    name: str
    url: str
    email: str
    company: str
    position: str
    connected_on: date


class Note(Struct, frozen=True):
    """One row of messages.csv; `at` is UTC."""

    conversation: str
    sender: str
    sender_url: str
    to: str
    to_url: str
    at: datetime
    text: str
    subject: str = ""
    folder: str = "INBOX"


class Asked(Struct, frozen=True):
    """One row of Invitations.csv; `at` is a wall time."""

    sender: str
    to: str
    at: datetime
    message: str
    direction: str
    inviter_url: str
    invitee_url: str


class Praise(Struct, frozen=True):
    """One row of Recommendations_Received.csv or of Recommendations_Given.csv."""

    name: str
    company: str
    title: str
    text: str
    at: datetime


class Skill(Struct, frozen=True):
    """One row of Endorsement_Received_Info.csv."""

    name: str
    url: str
    skill: str
    at: datetime


def split_name(name: str) -> tuple[str, str]:
    """First and last name as LinkedIn keeps them: the first word, and the rest with any credentials."""
    first, _, last = name.removeprefix("Dr. ").partition(" ")
    return first, last


def connections(ties: Iterable[Tie]) -> str:
    """Connections.csv, newest first, with its preamble and without a last line end."""
    rows = [
        (*split_name(tie.name), tie.url, tie.email, tie.company, tie.position, english_day(tie.connected_on))
        for tie in sorted(ties, key=lambda tie: (tie.connected_on, tie.url), reverse=True)
    ]
    head = ("First Name", "Last Name", "URL", "Email Address", "Company", "Position", "Connected On")
    return _NOTES + table(head, rows).rstrip("\n")


def messages(notes: Iterable[Note]) -> str:
    """messages.csv, newest first, every field quoted."""
    head = (
        "CONVERSATION ID", "CONVERSATION TITLE", "FROM", "SENDER PROFILE URL", "TO", "RECIPIENT PROFILE URLS", "DATE",
        "SUBJECT", "CONTENT", "FOLDER", "ATTACHMENTS", "IS MESSAGE DRAFT", "IS CONVERSATION DRAFT",
    )  # fmt: skip
    rows = [
        (
            note.conversation, "", note.sender, note.sender_url, note.to, note.to_url,
            f"{note.at:%Y-%m-%d %H:%M:%S} UTC", note.subject, note.text, note.folder, "", "No", "No",
        )
        for note in sorted(notes, key=lambda note: (note.at, note.sender), reverse=True)
    ]  # fmt: skip
    return table(head, rows, csv.QUOTE_ALL)


def invitations(asked: Iterable[Asked]) -> str:
    """Invitations.csv; dates in the order of the United States, without a zone."""
    head = ("From", "To", "Sent At", "Message", "Direction", "inviterProfileUrl", "inviteeProfileUrl")
    return table(head, [
        (one.sender, one.to, us_time(one.at), one.message, one.direction, one.inviter_url, one.invitee_url)
        for one in asked
    ])  # fmt: skip


def recommendations(praise: Iterable[Praise]) -> str:
    """Recommendations_Received.csv or _Given.csv."""
    head = ("First Name", "Last Name", "Company", "Job Title", "Text", "Creation Date", "Status")
    return table(head, [
        (*split_name(one.name), one.company, one.title, one.text, f"{one.at:%m/%d/%y, %I:%M %p}", "VISIBLE")
        for one in praise
    ])  # fmt: skip


def endorsements(skills: Iterable[Skill]) -> str:
    """Endorsement_Received_Info.csv; profile addresses stand without a scheme."""
    head = (
        "Endorsement Date",
        "Skill Name",
        "Endorser First Name",
        "Endorser Last Name",
        "Endorser Public Url",
        "Endorsement Status",
    )
    return table(head, [
        (f"{one.at:%Y/%m/%d %H:%M:%S} UTC", one.skill, *split_name(one.name), one.url.removeprefix("https://"), "ACCEPTED")
        for one in skills
    ])  # fmt: skip


def table(head: Sequence[str], rows: Iterable[Sequence[str]], quoting: int = csv.QUOTE_MINIMAL) -> str:
    """A CSV (RFC 4180) with LF line ends."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n", quoting=quoting)  # type: ignore[arg-type]  # the stub wants a literal
    writer.writerow(head)
    writer.writerows(rows)
    return out.getvalue()


def english_day(day: date) -> str:
    """`08 Feb 2026`, whatever the locale."""
    return f"{day.day:02d} {_MONTHS[day.month - 1]} {day.year}"


def us_time(at: datetime) -> str:
    """`1/29/26, 2:37 PM`."""
    return (
        f"{at.month}/{at.day}/{at:%y}, {at.hour % 12 or 12}:{at.minute:02d} {'AM' if at.hour < 12 else 'PM'}"
    )


def archive(path: Path, files: dict[str, str], day: date) -> None:
    """Write the ZIP; every member carries the day of the export."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as whole:
        for name, text in files.items():
            member = zipfile.ZipInfo(name, (day.year, day.month, day.day, 6, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o600 << 16
            whole.writestr(member, text.encode())

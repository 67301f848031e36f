"""Turns rows of LinkedIn's CSV files into records, one pure function a file; it never opens anything."""

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Literal

from msgspec.structs import replace

from connectors._linkedin_dates import DateColumn, month_of
from connectors._linkedin_names import UNKNOWN, full_name, visible_name, visible_text
from connectors._linkedin_url import slug
from connectors._mail_addresses import mailboxes
from connectors._phone import e164
from schemas.connector import Change, Reading, ReadText, Skipped, TextContext, Unreadable, Upsert
from schemas.ids import ExternalId, key64
from schemas.records import (
    Connection,
    ConnectionNote,
    Contact,
    DirectMessage,
    Invitation,
    Position,
    ProfileRef,
    Recommendation,
    SourceRecord,
)

TEXT_CHARS = 64_000
"""Of a text no more is looked at."""
RECIPIENTS = 200
_NOTE_CHARS = 4_000
_FIRST_DAY = date(2003, 5, 5)
"""LinkedIn opened on that day; nothing in it is older."""
_VALUES = 20
"""Values taken from one cell of an uploaded address book."""

_TAG = re.compile(r"<[a-zA-Z/!][^<>]{0,2000}>")
_BLOCK_TAG = re.compile(r"<(?:p|br|div|li|ul)\b", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,12}|#\d{1,7}|#x[0-9a-fA-F]{1,6});")
_SPINMAIL = "spinmail-quill-editor"
_UNFILLED = re.compile(r"%[A-Z]{3,20}%")
_CREDENTIAL = re.compile(r"[A-Z]{2,8}|[A-Z][a-z]{0,6}[A-Z.][A-Za-z.®™+]{0,12}|Jr|Sr|Esq")
_VALUE_BREAKS = re.compile(r"[,;\n|]")

Way = Literal["in", "out"]


@dataclass(frozen=True)
class Export:
    """What rows must know of the export they stand in."""

    exported_on: date
    latest: datetime
    """No true instant is after it."""
    since: date | None
    keep_text: str
    read_text: ReadText
    names: Mapping[str, str] = field(default_factory=dict)
    """Names of members by slug, as the messages' senders give them."""


@dataclass(frozen=True)
class Cells:
    """One row by our words for its columns."""

    where: str
    cells: list[str]
    columns: Mapping[str, int]
    dates: DateColumn

    def __getitem__(self, word: str) -> str:
        """The cell under a column; empty where the file or the row has none."""
        index = self.columns.get(word)
        return self.cells[index] if index is not None and index < len(self.cells) else ""

    def unreadable(self, reason: str) -> Unreadable:
        """This row, refused."""
        return Unreadable(self.where, reason)

    def no_date(self, word: str) -> Unreadable:
        """This row, refused for its date."""
        said = self[word]
        if not said.strip():
            return self.unreadable("it has no date")
        if len(said) > 40 or "\n" in said:
            return self.unreadable(
                "text stands where its date should be; perhaps a quotation mark is not closed"
            )
        return self.unreadable(f"its date cannot be read: {visible_text(said, 40)}")


class NotInRow(Exception):
    """The row gives no record; carries what to say of it instead."""

    def __init__(self, change: Change) -> None:
        super().__init__()
        self.change = change


def connection(row: Cells, export: Export) -> Change:
    """One tie, named by its slug, else its address, else its name and day."""
    if any("\n" in row[word] for word in ("first_name", "last_name", "url", "email_address", "connected_on")):
        return row.unreadable("a line breaks inside a name or a date; perhaps a quotation mark is not closed")
    name = full_name(row["first_name"], row["last_name"]) or visible_name(row["name"])
    profile, email = profile_slug(row["url"]), address(row["email_address"])
    if not name and not profile and not email:
        has_more = any(
            cell.strip() for index, cell in enumerate(row.cells) if index != row.columns.get("connected_on")
        )
        return Skipped("no person named" if has_more else "hidden profile")
    said = row["connected_on"].strip()
    connected_on = row.dates.day(said) if said else None
    if said and connected_on is None:
        return row.no_date("connected_on")
    made = Connection(
        name=name,
        linkedin=profile,
        email=email,
        organization=visible_text(row["company"]),
        title=visible_text(row["position"]),
        connected_on=connected_on,
        exported_on=export.exported_on,
    )
    day = connected_on.isoformat() if connected_on else ""
    if profile:
        key = profile
    elif email:
        key = f"email:{email}"
    else:
        key = f"{key64('connection', name, day):016x}"
    # A person who connected twice stands in the list twice: the later tie is the one that holds.
    return Upsert(ExternalId(key), made, stamp=f"{export.exported_on}/{day}")


def message(row: Cells, export: Export) -> Change:
    """One message; spam and drafts are left out."""
    if row["folder"].strip().upper() == "SPAM":
        return Skipped("spam")
    if _is_yes(row["is_draft"]) or _is_yes(row["is_conversation_draft"]):
        return Skipped("draft")
    content = row["content"][:TEXT_CHARS]
    sender = profile_ref(row["sender_url"], row["from"])
    to = recipients(row["recipient_urls"], row["to"], export.names)
    if not _is_named(sender) and not any(_is_named(one) for one in to) and not content.strip():
        return Skipped("no person named")
    at = _instant(row, "date", export)
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    subject = visible_text(html.unescape(row["subject"][:2_000]), 300)
    conversation = visible_text(row["conversation"]) or _conversation_of(sender, to)
    reading = read(content, TextContext(at=at, subject=subject), export)
    key = key64(conversation, at.isoformat(), sender.linkedin or sender.name, " ".join(content.split()))
    made = DirectMessage(
        conversation=conversation,
        at=at,
        sender=sender,
        to=to,
        subject=subject,
        excerpt=reading.excerpt,
        text=reading.text,
        signals=reading.signals,
        is_campaign=_is_campaign(content, sender),
    )
    return _upsert("message", key, made, export)


def invitation(row: Cells, export: Export) -> Change:
    """One invitation; the person is the other side."""
    way = _WAYS.get(row["direction"].strip().upper())
    if way is None:
        return row.unreadable("its Direction is neither INCOMING nor OUTGOING")
    person = (
        profile_ref(row["inviter_url"], row["from"])
        if way == "in"
        else profile_ref(row["invitee_url"], row["to"])
    )
    if not _is_named(person):
        return Skipped("no person named")
    at = _instant(row, "sent_at", export)
    made = Invitation(person=person, at=at, direction=way, excerpt=_excerpt(row["message"], at, export))
    return _upsert("invitation", key64(way, person.linkedin or person.name, at.isoformat()), made, export)


def recommendation_received(row: Cells, export: Export) -> Change:
    """One recommendation written for the owner."""
    return _recommendation(row, export, "in")


def recommendation_given(row: Cells, export: Export) -> Change:
    """One recommendation the owner wrote."""
    return _recommendation(row, export, "out")


def _recommendation(row: Cells, export: Export, way: Way) -> Change:
    person = ProfileRef("", full_name(row["first_name"], row["last_name"]) or visible_name(row["name"]))
    if not person.name:
        return Skipped("no person named")
    at = _instant(row, "creation_date", export)
    made = Recommendation(
        person=person,
        at=at,
        direction=way,
        organization=visible_text(row["company"]),
        title=visible_text(row["job_title"]),
        excerpt=_excerpt(row["text"], at, export),
        status=visible_text(row["status"], 40),
    )
    return _upsert("recommendation", key64(way, person.name, at.isoformat()), made, export)


def endorsement(row: Cells, who: str, export: Export) -> tuple[ProfileRef, datetime, str]:
    """Who endorsed or was endorsed, when, and for which skill; many rows make one record.

    Raises:
        NotInRow: the row gives none.
    """
    name = full_name(row[f"{who}_first_name"], row[f"{who}_last_name"])
    person = profile_ref(row[f"{who}_url"], name)
    if not _is_named(person):
        raise NotInRow(Skipped("no person named"))
    return person, _instant(row, "endorsement_date", export), visible_text(row["skill_name"], 100)


def position(row: Cells, export: Export) -> Change:
    """One post the owner held or holds."""
    organization, title = visible_text(row["company_name"]), visible_text(row["title"])
    if not organization and not title:
        return Skipped("no organisation named")
    for word in ("started_on", "finished_on"):
        if row[word].strip() and month_of(row[word]) is None:
            return row.no_date(word)
    started_on = month_of(row["started_on"])
    made = Position(
        organization=organization,
        title=title,
        started_on=started_on,
        finished_on=month_of(row["finished_on"]),
    )
    return _upsert("position", key64(organization, title, str(started_on)), made, export)


def imported_contact(row: Cells, export: Export) -> Change:
    """One entry of an address book that the owner once uploaded."""
    name = full_name(row["first_name"], row["last_name"]) or visible_name(row["full_name"])
    emails = tuple(dict.fromkeys(filter(None, map(address, _values(row["emails"])))))
    phones = tuple(dict.fromkeys(filter(None, map(e164, _values(row["phone_numbers"])))))
    linkedin = next(filter(None, map(profile_slug, _values(row["profiles"]))), "")
    if not name and not emails and not phones and not linkedin:
        return Skipped("no person named")
    key = key64(name, *(sorted(emails) or sorted(phones) or [linkedin]))
    made = Contact(
        uid=f"upload:{key:016x}",
        name=name,
        emails=emails,
        phones=phones,
        linkedin=linkedin,
        organization=visible_text(next(iter(_values(row["companies"])), "")),
        title=visible_text(row["title"]),
        origin="upload",
    )
    return _upsert("contact", key, made, export)


def note(row: Cells, export: Export) -> Change:
    """One note the owner kept on a connection: their own words, kept whole."""
    person = profile_ref(row["url"], full_name(row["first_name"], row["last_name"]))
    if not _is_named(person):
        return Skipped("no person named")
    text = visible_text(row["note"], _NOTE_CHARS)
    if not text:
        return Skipped("empty note")
    at = _instant(row, "created_on" if row["created_on"].strip() else "edited_on", export)
    made = ConnectionNote(person=person, at=at, text=text)
    return _upsert("note", key64(person.linkedin or person.name, at.isoformat()), made, export)


READERS: Mapping[str, Callable[[Cells, Export], Change]] = {
    "connections": connection,
    "messages": message,
    "invitations": invitation,
    "recommendations received": recommendation_received,
    "recommendations given": recommendation_given,
    "positions": position,
    "imported contacts": imported_contact,
    "notes": note,
}
"""For each kind of file of which one row is one record, what reads a row. May raise `NotInRow`."""

_WAYS: Mapping[str, Way] = {"INCOMING": "in", "RECEIVED": "in", "OUTGOING": "out", "SENT": "out"}


def is_outgoing(row: Cells) -> bool:
    """Whether an invitation's row is one that the owner sent."""
    return _WAYS.get(row["direction"].strip().upper()) == "out"


@lru_cache(maxsize=50_000)
def profile_slug(url: str) -> str:
    """`slug`, remembered: the same few profiles stand in every message."""
    return slug(url.strip())


@lru_cache(maxsize=50_000)
def profile_ref(url: str, name: str) -> ProfileRef:
    """A member as a row names them; closed accounts have no name of their own."""
    return ProfileRef(profile_slug(url), visible_name(name) or ("" if url.strip() else UNKNOWN))


@lru_cache(maxsize=10_000)
def _recipients(urls: str, names: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    slugs = tuple(profile_slug(part) for part in urls.split(",", RECIPIENTS)[:RECIPIENTS] if part.strip())
    said = visible_name(names) if len(slugs) == 1 else ""
    return slugs, (said,) if said else _names_of(names, len(slugs))


def recipients(urls: str, names: str, known: Mapping[str, str]) -> tuple[ProfileRef, ...]:
    """To whom a message went, by profile; names are given only where it is certain whose they are.

    Names are joined by a comma and a blank, which names hold as well ("Smith, PhD"), so the addresses decide how
    many there are, and members known from messages they sent keep that name.
    """
    slugs, said = _recipients(urls, names)
    if slugs:
        paired = said if len(said) == len(slugs) else ("",) * len(slugs)
        return tuple(
            ProfileRef(one, known.get(one) or name or ("" if one else UNKNOWN))
            for one, name in zip(slugs, paired, strict=True)
        )
    return tuple(ProfileRef("", name) for name in said) or (
        (ProfileRef("", UNKNOWN),) if not names.strip() else ()
    )


def _names_of(joined: str, count: int) -> tuple[str, ...]:
    """The names in a list joined by commas; credentials go back to the name they follow."""
    parts = [part for part in joined[:20_000].split(", ") if part.strip()][:RECIPIENTS]
    if len(parts) != count:
        whole: list[str] = []
        for part in parts:
            if whole and _is_credential(part):
                whole[-1] += f", {part}"
            else:
                whole.append(part)
        parts = whole
    return tuple(filter(None, map(visible_name, parts)))


def _is_credential(part: str) -> bool:
    """Whether each word of it looks like letters after a name ("PhD", "MBA", "Jr."): "TJ Mehta" is a name."""
    return all(_CREDENTIAL.fullmatch(word.rstrip(".®™")) for word in part.split(maxsplit=8))


def read(text: str, context: TextContext, export: Export) -> Reading:
    """What is kept of a text that may be HTML, plain, or plain with entities."""
    text = text[:TEXT_CHARS]
    if not text.strip():
        return Reading()
    is_html = _TAG.search(text) is not None
    if is_html and not _BLOCK_TAG.search(text):
        text = text.replace("\r\n", "\n").replace("\n", "<br>")
    elif not is_html and _ENTITY.search(text):
        text = html.unescape(text)
    reading = export.read_text(
        text, TextContext(context.at, context.utc_offset, context.subject, context.sender, is_html)
    )
    return replace(reading, excerpt="", text="") if export.keep_text == "none" else reading


def _excerpt(text: str, at: datetime, export: Export) -> str:
    said = at if at.tzinfo else at.replace(tzinfo=UTC)
    return read(text, TextContext(at=said), export).excerpt


def _instant(row: Cells, word: str, export: Export) -> datetime:
    at = row.dates.instant(row[word].strip())
    if at is None:
        raise NotInRow(row.no_date(word))
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    if aware.date() < _FIRST_DAY or aware > export.latest:
        raise NotInRow(row.unreadable(f"its date cannot be true: {aware.date()}"))
    if export.since is not None and aware.date() < export.since:
        raise NotInRow(Skipped("before --since"))
    return at


def _upsert(what: str, key: int, record: SourceRecord, export: Export) -> Upsert:
    return Upsert(ExternalId(f"{what}:{key:016x}"), record, stamp=export.exported_on.isoformat())


def _is_named(person: ProfileRef) -> bool:
    return bool(person.linkedin) or person.name not in {"", UNKNOWN}


def _is_yes(cell: str) -> bool:
    return cell.strip().lower() in {"yes", "true", "1"}


def _is_campaign(content: str, sender: ProfileRef) -> bool:
    """Sponsored messages: LinkedIn's own editor's mark, or a form letter from no member with a gap left open."""
    return _SPINMAIL in content[:400] or (not sender.linkedin and _UNFILLED.search(content) is not None)


def _conversation_of(sender: ProfileRef, to: tuple[ProfileRef, ...]) -> str:
    """The oldest layout has no conversation id: those who take part are the conversation."""
    return f"{key64(*sorted({one.linkedin or one.name for one in (sender, *to)})):016x}"


@lru_cache(maxsize=20_000)
def address(cell: str) -> str:
    """The address in a cell, lower-cased; empty when there is none."""
    boxes = mailboxes(cell[:400])
    return boxes[0].address if boxes else ""


def _values(cell: str) -> list[str]:
    return [part.strip() for part in _VALUE_BREAKS.split(cell[:10_000])[:_VALUES] if part.strip()]

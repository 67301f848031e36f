"""What a source says, freed of its wire format; frozen, plain, and without a verdict about people.

Instants are aware UTC datetimes. A naive datetime is a floating wall time (RFC 5545 3.3.5), read in the owner's
zone when history is derived. Addresses are bare addr-specs (RFC 5322 3.4.1), lower-cased, IDNA domains decoded.
Text is NFC, with control characters removed; the empty string means "not said".
"""

from datetime import date, datetime
from typing import Literal

from msgspec import Struct

type_tag = "type"


class Record(Struct, frozen=True, omit_defaults=True, tag_field=type_tag, kw_only=True):
    """Anything a source can say; subclasses carry their event kind as tag."""


class Mailbox(Struct, frozen=True, omit_defaults=True, array_like=True):
    """A display name with its address (RFC 5322 3.4); the name is as its writer spelt it."""

    address: str
    name: str = ""


SignalKind = Literal["ask", "promise", "thanks", "introduction", "auto_reply", "settled"]


class Signal(Struct, frozen=True, omit_defaults=True):
    """Something the writer of a text does in it.

    `text` is the clause it rests on, at most 280 characters. `due` is the last day named, in the writer's own
    zone. `about` holds addresses a signal speaks of: whom an introduction brings together.
    """

    kind: SignalKind
    text: str
    due: date | None = None
    about: tuple[str, ...] = ()


Nature = Literal["personal", "list", "bulk", "automatic", "auto_reply", "bounce", "invitation", "receipt"]
"""What a mail is by its headers: from a human to humans, or one of the kinds that never count as contact."""


class Message(Record, frozen=True, tag="message"):
    """One mail (RFC 5322): its envelope and what its text does, never the text.

    `message_id` has no brackets. `references` are ancestors, oldest first, In-Reply-To last. `thread_keys` are
    the provider's own thread ids, prefixed (`gm:` X-GM-THRID in hex, `ti:` Thread-Index GUID). `sender` is the
    human author where a list rewrote From. `utc_offset` is the Date header's offset in minutes: a weak hint of
    where the writer sat. `nature_reason` names the header or rule behind `nature`. `failed` are recipients that
    a bounce (RFC 3464) reports as gone. `is_new_address` marks "my address has changed" texts.
    """

    message_id: str
    at: datetime
    sender: Mailbox
    to: tuple[Mailbox, ...] = ()
    cc: tuple[Mailbox, ...] = ()
    bcc: tuple[Mailbox, ...] = ()
    reply_to: tuple[Mailbox, ...] = ()
    subject: str = ""
    references: tuple[str, ...] = ()
    thread_keys: tuple[str, ...] = ()
    nature: Nature = "personal"
    nature_reason: str = ""
    utc_offset: int | None = None
    excerpt: str = ""
    signals: tuple[Signal, ...] = ()
    labels: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    text: str = ""
    """The whole text; kept only where the owner asked for it."""
    signature: tuple[str, ...] = ()
    """Identity hints from the writer's signature: `phone:+49…`, `linkedin:slug`, `email:…`, `org:…`, `title:…`."""


Partstat = Literal["needs-action", "accepted", "declined", "tentative", "delegated"]
AttendeeKind = Literal["individual", "group", "resource", "room", "unknown"]


class Attendee(Struct, frozen=True, omit_defaults=True):
    """One who is asked to a meeting (RFC 5545 3.8.4.1)."""

    address: str
    name: str = ""
    partstat: Partstat = "needs-action"
    kind: AttendeeKind = "individual"
    is_optional: bool = False


class Occurrence(Struct, frozen=True, array_like=True):
    """One instance of a series: `recurrence_id` names its original start (UTC instant or date, basic format)."""

    recurrence_id: str
    starts_at: datetime
    ends_at: datetime


class Meeting(Record, frozen=True, tag="meeting"):
    """One VEVENT component (RFC 5545 3.6.1): a single meeting, a series' master, or one override.

    For a series `occurrences` holds every instance inside the window without exclusions; for the rest it is
    empty. An override carries `recurrence_id` and stands for that occurrence alone. An all-day meeting has naive
    midnights and an exclusive end. `is_shortened` says that the series was cut at its limit.
    """

    uid: str
    starts_at: datetime
    ends_at: datetime
    recurrence_id: str = ""
    occurrences: tuple[Occurrence, ...] = ()
    is_series: bool = False
    is_shortened: bool = False
    is_all_day: bool = False
    is_cancelled: bool = False
    summary: str = ""
    location: str = ""
    organizer: Mailbox | None = None
    attendees: tuple[Attendee, ...] = ()
    calendar: str = ""
    tzid: str = ""


class Contact(Record, frozen=True, tag="contact"):
    """One entry of an address book (RFC 6350) or of an uploaded one.

    `phones` are E.164 where the number could be understood, else its digits. `linkedin` is a slug. `origin`
    is `card` for an address book and `upload` for LinkedIn's copy of one.
    """

    uid: str
    name: str = ""
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    linkedin: str = ""
    organization: str = ""
    title: str = ""
    timezone: str = ""
    categories: tuple[str, ...] = ()
    origin: Literal["card", "upload"] = "card"


class Connection(Record, frozen=True, tag="connection"):
    """A first-degree LinkedIn tie as one export shows it; `linkedin` is a slug, `exported_on` the export's day."""

    name: str
    linkedin: str = ""
    email: str = ""
    organization: str = ""
    title: str = ""
    connected_on: date | None = None
    exported_on: date | None = None


class ExportSeen(Record, frozen=True, tag="export"):
    """That a whole list was read: `connections` names every tie in it, so a missing one is known to have left."""

    exported_on: date
    connections: tuple[str, ...] = ()
    is_complete: bool = True


class ProfileRef(Struct, frozen=True, omit_defaults=True, array_like=True):
    """A LinkedIn member as another file names them; the slug is empty for closed accounts."""

    linkedin: str = ""
    name: str = ""


class DirectMessage(Record, frozen=True, tag="linkedin_message"):
    """One LinkedIn message; `at` is UTC."""

    conversation: str
    at: datetime
    sender: ProfileRef
    to: tuple[ProfileRef, ...] = ()
    subject: str = ""
    excerpt: str = ""
    text: str = ""
    signals: tuple[Signal, ...] = ()
    is_campaign: bool = False


class Invitation(Record, frozen=True, tag="invitation"):
    """A LinkedIn invitation; `at` is a floating wall time, as the export names no zone."""

    person: ProfileRef
    at: datetime
    direction: Literal["in", "out"]
    excerpt: str = ""


class Recommendation(Record, frozen=True, tag="recommendation"):
    """A LinkedIn recommendation; `in` was written for the owner."""

    person: ProfileRef
    at: datetime
    direction: Literal["in", "out"]
    organization: str = ""
    title: str = ""
    excerpt: str = ""
    status: str = ""


class Endorsement(Record, frozen=True, tag="endorsement"):
    """All skills that one person endorsed for another on one day; `in` was given to the owner."""

    person: ProfileRef
    at: datetime
    direction: Literal["in", "out"]
    skills: tuple[str, ...] = ()


class Position(Record, frozen=True, tag="position"):
    """A post the owner held; the dates are the first day of the month or year named."""

    organization: str
    title: str = ""
    started_on: date | None = None
    finished_on: date | None = None


class OwnProfile(Record, frozen=True, tag="own_profile"):
    """What an export says of its owner: addresses that are theirs, and their profile."""

    name: str = ""
    emails: tuple[str, ...] = ()
    linkedin: str = ""
    headline: str = ""


class ConnectionNote(Record, frozen=True, tag="note"):
    """A note the owner once kept on a connection."""

    person: ProfileRef
    at: datetime
    text: str


class Task(Record, frozen=True, tag="task"):
    """An item of a to-do tool that carries a key of ours, as the tool shows it now; others' items are never recorded.

    `key` is the `IdempotencyKey` it was put under. `due` is a date in the owner's zone. `list` names the list or
    project that it is in. `done_at` is aware UTC, and None while it is not done or the tool does not tell when.
    `is_kiths_tick` is set as it is taken in: it was Kith that ticked it off, which is no word of the owner's.
    """

    key: str
    title: str = ""
    due: date | None = None
    is_done: bool = False
    done_at: datetime | None = None
    list: str = ""
    url: str = ""
    is_kiths_tick: bool = False


SourceRecord = (
    Message
    | Meeting
    | Contact
    | Connection
    | ExportSeen
    | DirectMessage
    | Invitation
    | Recommendation
    | Endorsement
    | Position
    | OwnProfile
    | ConnectionNote
    | Task
)

"""An owner's state at an instant, as plain data: what the follow-up rules and the digest read, and nothing else.

Made by `services/store` and by tests alike. People are named by their public ids; `OWNER` stands for the owner.
All instants are aware UTC; dates are in the owner's zone unless a field says otherwise.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from schemas.interface import Balance, Counts, Direction, Kind, Status
from schemas.records import Nature, Signal

OWNER = "owner"


class PersonView(Struct, frozen=True, kw_only=True):
    """A person as rules see one.

    `identities` are `kind:value` strings. `months` counts contacts (sent, received, meetings of at most 12,
    LinkedIn messages) by month number, year * 12 + month - 1 in UTC. `reply_hours` are the person's own answer
    times to the owner's messages, in hours, each with the instant of the answer, oldest first. `is_inside` means an
    address in one of the owner's own organisation's domains. `linkedin_seen_on` is the day of the newest export
    that shows them; `moved_on` the day of the export that first showed their present organisation when an older
    one showed another (`moved_from`).
    """

    id: str
    name: str
    first_name: str = ""
    emails: tuple[str, ...] = ()
    identities: tuple[str, ...] = ()
    organization: str | None = None
    title: str | None = None
    timezone: str | None = None
    status: Status = "person"
    roles: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    cadence_days: int | None = None
    is_muted: bool = False
    is_inside: bool = False
    first_at: datetime | None = None
    last_at: datetime | None = None
    last_channel: str | None = None
    last_direction: Direction | None = None
    counts: Counts = field(default_factory=Counts)
    balance: Balance = field(default_factory=Balance)
    strength: float = 0.0
    months: Mapping[int, int] = field(default_factory=dict)
    reply_hours: tuple[tuple[datetime, float], ...] = ()
    connected_on: date | None = None
    linkedin_seen_on: date | None = None
    moved_on: date | None = None
    moved_from: str | None = None
    met_through: str | None = None
    """The person who introduced them, by id."""
    failed: tuple[str, ...] = ()
    """Those of the addresses that a bounce reported as gone."""
    muted_at: datetime | None = None
    """Since when the owner wants no follow-ups for them, when `is_muted`."""


class Said(Struct, frozen=True, kw_only=True):
    """One message (mail or LinkedIn) between humans, or another dated thing in a person's history.

    `author` is a person id or `OWNER`. `to` and `cc` are person ids; `owner_part` tells where the owner stands
    (`from`, `to`, `cc`, `bcc` or `none`). `signals` are the author's. `introduces` are person ids that an
    introduction brings together.
    """

    id: str
    kind: Kind
    at: datetime
    author: str
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    owner_part: str = "to"
    subject: str = ""
    excerpt: str = ""
    thread: str | None = None
    group_size: int = 2
    nature: Nature = "personal"
    signals: tuple[Signal, ...] = ()
    introduces: tuple[str, ...] = ()
    direction: Direction = "in"
    utc_offset: int | None = None
    """Minutes east of UTC where the author wrote, when the message says so."""
    step: int = 0
    """How many answers it stands after the first message of its thread in the same second."""


class MeetingView(Struct, frozen=True, kw_only=True):
    """One occurrence of a meeting, past or to come.

    `people` are the attendees and the organizer without the owner, rooms and resources; `declined` those of them
    who said no. `group_size` counts the owner. `owner_partstat` is the owner's answer. `series` is the UID of a
    recurring meeting, else empty. `days` lists the calendar days an all-day or long meeting covers.
    """

    id: str
    at: datetime
    ends_at: datetime
    summary: str = ""
    location: str = ""
    organizer: str | None = None
    people: tuple[str, ...] = ()
    declined: tuple[str, ...] = ()
    group_size: int = 2
    owner_partstat: str = "accepted"
    is_cancelled: bool = False
    is_all_day: bool = False
    series: str = ""


class Act(Struct, frozen=True, kw_only=True):
    """What the owner said of one follow-up, in the order said."""

    followup: str
    at: datetime
    kind: str
    """`done`, `snooze`, `dismiss` or `never`."""
    until: date | None = None
    rule: str = ""
    person: str = ""
    by: str = "owner"
    """Where it was said: `owner` to Kith, `tool` by ticking off or deleting the task."""


class SurfacedIn(Struct, frozen=True, kw_only=True):
    """That a follow-up was put into a digest or a tool."""

    followup: str
    at: datetime
    week: str


class State(Struct, frozen=True, kw_only=True):
    """Everything the rules may look at.

    `threads` maps a thread id to its messages, oldest first and answers last within a second, for each thread with a message in the last
    `horizon`. `direct` maps a person id to everything said between them and the owner within that time, oldest
    first, on any channel (the same `Said` objects and LinkedIn messages, favours and notes as well). `meetings`
    are occurrences from `horizon` ago to 60 days ahead, cancelled and declined ones included, by start.
    `acts` are the owner's words about follow-ups; `surfaced` what digests and tools have shown.
    """

    owner_name: str
    owner_emails: tuple[str, ...]
    zone: ZoneInfo
    now: datetime
    lookback: timedelta = timedelta(days=60)
    horizon: timedelta = timedelta(days=400)
    weekly_cap: int = 5
    people: Mapping[str, PersonView] = field(default_factory=dict)
    threads: Mapping[str, tuple[Said, ...]] = field(default_factory=dict)
    direct: Mapping[str, tuple[Said, ...]] = field(default_factory=dict)
    meetings: tuple[MeetingView, ...] = ()
    acts: tuple[Act, ...] = ()
    surfaced: tuple[SurfacedIn, ...] = ()
    export_on: date | None = None
    """The day of the newest LinkedIn export."""
    began_at: datetime | None = None
    """When this book began: follow-ups raised since then, or within the lookback before, stay listed.

    Without it only those within the lookback before now are, and those the owner has seen.
    """

"""The JSON shapes that users, scripts and other programs rely on: keys are fixed, order is the order here.

Times are RFC 3339 in UTC ending in `Z`, dates ISO 8601, absent values null and never missing.
"""

from datetime import UTC, date, datetime
from typing import Any, Literal

import msgspec
from msgspec import Struct

from schemas.records import SignalKind

Status = Literal["person", "waiting", "automated"]
Kind = Literal[
    "email",
    "meeting",
    "linkedin_message",
    "linkedin_invitation",
    "recommendation",
    "endorsement",
    "note",
    "favour",
]
Direction = Literal["in", "out", "both"]
ThreadState = Literal["awaiting_me", "awaiting_them", "closed", "fyi"]
FollowupState = Literal["open", "done", "satisfied", "dismissed", "snoozed", "expired"]
AccountState = Literal["active", "paused", "reconnect"]
Rule = Literal[
    "awaiting_me",
    "awaiting_them",
    "promise",
    "thanks",
    "meeting",
    "keep_in_touch",
    "reconnect",
    "new_connection",
    "conference",
    "manager",
    "goal_step",
    "favour",
    "congratulate",
]


class SourceReport(Struct):
    """What one path (or account) and kind brought: read = added + changed + unchanged + skipped + rejected."""

    source: str
    kind: str
    files: int = 0
    read: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    skipped: int = 0
    rejected: int = 0
    deleted: int = 0
    skips: dict[str, int] = msgspec.field(default_factory=dict)
    seconds: float = 0.0


class Reject(Struct):
    """One thing that could not be understood: which source, where in it, and why."""

    source: str
    where: str
    reason: str


class ImportReport(Struct):
    """The whole of an import or a sync."""

    sources: list[SourceReport]
    rejects: list[Reject]


class SyncedAccount(Struct):
    """How the reading of one account went; without a reason, well."""

    id: str
    name: str
    state: AccountState
    reason: str | None


class SyncReport(ImportReport):
    """The whole of a sync, with how it went by account."""

    accounts: list[SyncedAccount]


class Counts(Struct):
    """How often, by kind and direction; the definitions are in docs/interface.md."""

    sent: int = 0
    received: int = 0
    cc_sent: int = 0
    cc_received: int = 0
    meetings: int = 0
    audiences: int = 0
    linkedin_sent: int = 0
    linkedin_received: int = 0


class Balance(Struct):
    """Favours in the ledger."""

    given: int = 0
    received: int = 0


class Identity(Struct):
    """One address, profile or number of a person, and which source showed it first."""

    kind: str
    value: str
    source: str


class Person(Struct):
    """One human, one still waiting to be known, or an automated sender."""

    id: str
    name: str
    emails: list[str]
    phones: list[str]
    linkedin: str | None
    organization: str | None
    title: str | None
    timezone: str | None
    roles: list[str]
    tags: list[str]
    cadence_days: int | None
    first_at: datetime | None
    last_at: datetime | None
    last_channel: str | None
    last_direction: Direction | None
    counts: Counts
    strength: float
    balance: Balance
    status: Status
    is_automated: bool
    identities: list[Identity]
    verdict: str | None = None
    """Why an entry is automated or waits, in a few words."""
    connected_on: date | None = None
    """Since when they are connected on LinkedIn."""
    moved_on: date | None = None
    """The day of the export that first showed the present organisation after another."""
    moved_from: str | None = None
    left_on: date | None = None
    """The day of the first whole export that shows the connection no more; the profile may only be hidden."""
    failed: list[str] = msgspec.field(default_factory=list)
    """Addresses that a mail server has said are gone."""


class Part(Struct):
    """A person in an interaction."""

    id: str
    part: str


class SignalShape(Struct):
    """Something said in an interaction; `by` is a person id or `owner`."""

    kind: SignalKind
    by: str
    text: str
    due: date | None


class Interaction(Struct):
    """A message passed, a meeting held, or another thing that happened between the owner and people."""

    id: str
    kind: Kind
    at: datetime
    ends_at: datetime | None
    direction: Direction
    subject: str | None
    excerpt: str | None
    thread: str | None
    people: list[Part]
    group_size: int
    signals: list[SignalShape]
    source: str
    source_key: str
    sources: list[str]
    """Every source that holds it, `source` first."""


class Thread(Struct):
    """Messages of one conversation and whose turn it is."""

    id: str
    subject: str | None
    last_at: datetime
    messages: int
    people: list[str]
    state: ThreadState
    since: datetime | None


class TaskLink(Struct):
    """Where a follow-up stands in a to-do tool."""

    tool: str
    account: str
    task_id: str
    url: str | None
    state: str


class Followup(Struct):
    """A wish that the owner act, with its evidence; `created_at` is when its reason came about."""

    id: str
    rule: Rule
    person: str | None
    people: list[str]
    title: str
    why: str
    evidence: list[str]
    due: date | None
    created_at: datetime
    state: FollowupState
    until: date | None
    closed_at: datetime | None
    closed_by: str | None
    surfaced_at: datetime | None
    tasks: list[TaskLink]


class DigestItem(Struct):
    """One line of the digest with its reason.

    `text` stands alone; where it begins with `when` or `name`, these are given apart for whoever sets the page.
    """

    person: str | None
    text: str
    why: str
    followup: str | None
    name: str | None = None
    about: str | None = None
    """What the person does and where."""
    when: str | None = None
    evidence: list[str] = msgspec.field(default_factory=list)


class DigestSection(Struct):
    """A part of the digest; an empty one is left out."""

    key: str
    title: str
    items: list[DigestItem]


class Digest(Struct):
    """The weekly digest; `from` and `to` are the Monday and the Sunday of the ISO week in the owner's zone."""

    week: str
    from_: date = msgspec.field(name="from")
    to: date
    owner: str
    sections: list[DigestSection]
    numbers: dict[str, Any]
    subject: str = ""
    greeting: str = ""


class Goal(Struct):
    """A goal worked backward from the future."""

    id: str
    text: str
    by: date | None
    targets: list[str]
    steps: list[dict[str, Any]]


class Owner(Struct):
    """Whose network this is."""

    name: str
    emails: list[str]
    timezone: str
    domains: list[str]
    created_at: datetime


class EventShape(Struct):
    """One event of the stream as exported."""

    seq: int
    kind: str
    account: str
    stream: str
    external_id: str
    revision: str
    at: datetime
    recorded_at: datetime
    body: msgspec.Raw


class Duplicate(Struct):
    """Two people who may be one, and why Kith asks; `is_sure` where hardly anybody would say no."""

    a: str
    b: str
    score: float
    why: list[str]
    is_sure: bool


class JoinedPair(Struct):
    """Two entries that were joined: an identity of each, whose they are now, and why."""

    a: str
    b: str
    person: str
    why: list[str]


class Feed(Struct):
    """What is read with an account by one connector, and how that goes."""

    connector: str
    stream: str
    next_at: datetime
    tried_at: datetime | None
    ok_at: datetime | None
    failures: int
    """In a row."""
    failing_since: datetime | None
    reason: str | None
    is_complete: bool
    """The first reading came to its end."""
    done: int
    total: int
    oldest_at: datetime | None
    newest_at: datetime | None
    remote_at: datetime | None
    """When the newest item is of that the other side holds."""
    checked_at: datetime | None
    untold: str | None
    """Why the other side, though asked to, tells of no news."""


class Account(Struct):
    """A live account; nothing secret is ever in it."""

    id: str
    kind: str
    name: str
    user: str
    server: str | None
    state: AccountState
    reason: str | None
    reads: list[str]
    scopes: list[str]
    tasks: str | None
    """The list that follow-ups are written to."""
    connected_at: datetime
    last_sync_at: datetime | None
    lag: int | None
    """Seconds that what came is behind the newest that the other side holds; null when nobody knows."""
    feeds: list[Feed]
    gmail_topic: str | None
    """The Pub/Sub topic on which Gmail tells of news."""
    push_url: str | None
    """Where a push subscription of it has to post."""


class CollectionShape(Struct):
    """A folder, calendar, address book or list that an account offers."""

    id: str
    name: str
    role: str
    is_read: bool


class Connected(Struct):
    """What `kith connect` gives; `report` is that of the first sync, where there was one."""

    account: Account
    collections: list[CollectionShape]
    abilities: list[str]
    report: SyncReport | None


class PeopleList(Struct):
    """People, with a cursor to the next page."""

    people: list[Person]
    next: str | None = None


class FollowupList(Struct):
    """Follow-ups, with a cursor to the next page."""

    followups: list[Followup]
    next: str | None = None


class DuplicateList(Struct):
    """Pairs that Kith is unsure of, and those that were joined just now because they were sure."""

    duplicates: list[Duplicate]
    next: str | None = None
    merged: list[JoinedPair] = []


class AccountList(Struct):
    """Live accounts, first connected first."""

    accounts: list[Account]
    next: str | None = None


class RejectList(Struct):
    """What could not be read or enriched."""

    rejects: list[Reject]
    next: str | None = None


class InteractionList(Struct):
    """Interactions found by a search."""

    interactions: list[Interaction]
    next: str | None = None


class Met(Struct):
    """How the owner and a person met: the first interaction, and who had introduced them by then."""

    at: datetime
    interaction: str
    kind: Kind
    through: str | None


class PersonPage(Struct):
    """What `kith show` gives."""

    person: Person
    interactions: list[Interaction]
    threads: list[Thread]
    followups: list[Followup]
    met: Met | None = None


SHAPES: dict[str, type[Struct]] = {
    "report": ImportReport,
    "person": Person,
    "interaction": Interaction,
    "thread": Thread,
    "followup": Followup,
    "digest": Digest,
    "owner": Owner,
    "event": EventShape,
    "goal": Goal,
    "people": PeopleList,
    "followups": FollowupList,
    "duplicates": DuplicateList,
    "rejects": RejectList,
    "interactions": InteractionList,
    "show": PersonPage,
    "sync": SyncReport,
    "account": Account,
    "accounts": AccountList,
    "connect": Connected,
}

_encoder = msgspec.json.Encoder()


def encode(shape: Any) -> bytes:
    """One JSON document of a shape: UTF-8, compact, keys in their fixed order, instants ending in `Z`."""
    return _encoder.encode(shape)


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of every shape, under `$defs`."""
    _, components = msgspec.json.schema_components(SHAPES.values(), ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Kith",
        "shapes": {name: f"#/$defs/{shape.__name__}" for name, shape in SHAPES.items()},
        "$defs": components,
    }


def utc(instant: datetime) -> datetime:
    """The instant in UTC, so that it is written with `Z`."""
    return instant.astimezone(UTC)

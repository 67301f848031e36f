"""Whether everything is in sync: what the page at `/` and `kith status` tell; reads, and changes nothing."""

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from schemas.clock import epoch, instant
from schemas.interface import Reject
from services import accounts, schedule
from services.book import DECISIONS
from services.history.parts import Kind
from services.people import owners_words
from services.schedule import Rhythm
from services.standing import TROUBLED, AccountStanding, standing_of
from services.store import events as stream
from services.store import outbox
from services.store import schedule as timetable
from services.store import status as facts
from services.store.unit import Store, Unit

DIGEST = "digest"
"""The name of the digest's row in the timetable."""
_REJECTS_SHOWN = 20
_LAG_COUNTED = 100_000
_NONE = (0, 0)
_DAY = timedelta(days=1)


class SourceStatus(Struct):
    """One source: how much it holds, how new that is, and when it was last read."""

    source: str
    account: str
    stream: str
    items: int
    newest_at: datetime | None
    read_at: datetime | None
    """When an event of it was last recorded: a reading that brought nothing new does not count."""


class Unsent(Struct):
    """Something that was to be done at an account: what, where, and why it was not, as far as is known.

    `state` is `failed`, or `unsure` while the other side is asked whether it was done.
    """

    kind: str
    subject: str
    account: str
    state: str
    reason: str


class Totals(Struct):
    """How much there is of what was derived; `meetings` are those that took place, and are over."""

    people: int
    waiting: int
    automated: int
    interactions: int
    messages: int
    meetings: int
    threads: int
    awaiting_me: int
    awaiting_them: int


class Status(Struct):
    """What is in the book of one owner at an instant, and how far behind the stream it is."""

    at: datetime
    owner: str
    email: str
    timezone: str
    sources: list[SourceStatus]
    totals: Totals
    followups: dict[str, int]
    rejected: int
    rejects: list[Reject]
    """The newest twenty of them."""
    lag: int
    """Events that the book has not taken in yet, counted up to 100,000."""
    told_at: datetime | None
    """The instant that the book was last told for."""
    read_at: datetime | None
    next_digest: datetime | None
    is_in_sync: bool
    """Whether all that was read is in the book, and no account is in trouble."""
    accounts: list[AccountStanding] = field(default_factory=list)
    unsent: list[Unsent] = field(default_factory=list)
    """What was to be done at accounts and was refused, or nobody knows of whether it was done."""
    outbox: int = 0
    """How much is still to be done there."""
    queues: dict[str, int] = field(default_factory=dict)
    """Jobs that wait, by queue; filled in by whoever holds the broker."""


def status(
    store: Store,
    owner: int,
    now: datetime,
    rhythm: Rhythm | None = None,
    what_to_do: Callable[[accounts.Account], str] = lambda _account: "",
) -> Status:
    """The status of one owner's book, from one snapshot.

    Args:
        rhythm: of the digest; without one, the next digest is what was planned.
        what_to_do: says how an account whose sign-in is refused is connected again.
    """
    with store.read() as unit:
        said = owners_words(unit, owner)
        zone = ZoneInfo(said.owner.timezone) if said.owner else ZoneInfo("UTC")
        found = facts.source_facts(unit, owner, epoch(now), (DECISIONS, stream.ERASED))
        people = facts.people_by_status(unit, owner)
        kinds = facts.interactions_by_kind(unit, owner, epoch(now))
        threads = facts.threads_by_state(unit, owner)
        seq, as_of = stream.position(unit, owner, stream.HISTORY)
        lag = facts.events_after(unit, owner, seq, _LAG_COUNTED)
        planned = timetable.due(unit, owner, DIGEST)
        read_at = [one.read_at for one in found if one.read_at is not None]
        read_at += [at for at in (facts.last_read(unit, owner),) if at is not None]
        next_digest = instant(planned.due_at) if planned else None
        if rhythm is not None:
            last = instant(planned.last_at) if planned and planned.last_at is not None else None
            next_digest = schedule.following(rhythm, zone, last, now)
        standings = _standings(unit, owner, now, what_to_do)
        return Status(
            at=now,
            owner=said.owner.name if said.owner else "",
            email=said.emails[0] if said.emails else "",
            timezone=zone.key,
            sources=[_source(one) for one in found],
            totals=Totals(
                people=people.get("person", 0),
                waiting=people.get("waiting", 0),
                automated=people.get("automated", 0),
                interactions=sum(count for count, _ in kinds.values()),
                messages=sum(kinds.get(kind, _NONE)[0] for kind in (Kind.EMAIL, Kind.LINKEDIN_MESSAGE)),
                meetings=kinds.get(Kind.MEETING, _NONE)[1],
                threads=sum(threads.values()),
                awaiting_me=threads.get("awaiting_me", 0),
                awaiting_them=threads.get("awaiting_them", 0),
            ),
            followups=facts.followups_by_state(unit, owner),
            rejected=facts.reject_count(unit, owner),
            rejects=[
                Reject(where, place, why)
                for where, place, why, _ in facts.newest_rejects(unit, owner, _REJECTS_SHOWN)
            ],
            lag=lag,
            told_at=instant(as_of) if as_of else None,
            read_at=instant(max(read_at)) if read_at else None,
            next_digest=next_digest,
            is_in_sync=lag == 0 and as_of > 0 and not any(one.standing in TROUBLED for one in standings),
            accounts=standings,
            unsent=[
                Unsent(one.kind, one.subject, one.account, one.state, one.reason)
                for one in outbox.standing(unit, owner)
            ],
            outbox=len(outbox.standing(unit, owner, ("pending", "in_flight"))),
        )


def gathered(status: Status) -> list[SourceStatus]:
    """The sources as their owner looks at them: of an account all its mail, calendars or cards as one, and none that is empty.

    Vendors name folders and calendars by ids that say nothing to anybody.
    """
    known = {one.id for one in status.accounts}
    found: dict[str, SourceStatus] = {}
    for one in status.sources:
        sort = one.stream.partition("/")[0] if one.account in known else one.stream
        if one.account in known and not one.items:
            continue
        name = f"{one.account}:{sort}"
        before = found.get(name)
        found[name] = SourceStatus(
            source=name,
            account=one.account,
            stream=sort,
            items=one.items + (before.items if before else 0),
            newest_at=_later(one.newest_at, before.newest_at if before else None),
            read_at=_later(one.read_at, before.read_at if before else None),
        )
    return list(found.values())


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(filter(None, (one, other)), default=None)


def _standings(
    unit: Unit, owner: int, now: datetime, what_to_do: Callable[[accounts.Account], str]
) -> list[AccountStanding]:
    feeds = accounts.feeds(unit, owner)
    came = facts.events_since(unit, owner, epoch(now - _DAY))
    found = []
    for one in accounts.accounts(unit, owner):
        told = standing_of(one, [feed for feed in feeds if feed.account == one.id], came.get(one.id, 0), now)
        told.again = what_to_do(one) if told.standing == "reconnect" else ""
        found.append(told)
    return found


def _source(one: facts.SourceFacts) -> SourceStatus:
    return SourceStatus(
        source=f"{one.account}:{one.stream}",
        account=one.account,
        stream=one.stream,
        items=one.items,
        newest_at=instant(one.newest_at) if one.newest_at is not None else None,
        read_at=instant(one.read_at) if one.read_at is not None else None,
    )

"""From the derived tables to the State that the follow-up rules and the digest read.

Text is read from the stream for recent things alone: what is older counts by who and when.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from schemas.clock import epoch, instant
from schemas.decisions import (
    DigestComposed,
    FollowupDismissed,
    FollowupDone,
    FollowupSnoozed,
    FollowupsSurfaced,
)
from schemas.events import EventBody, MailWords, decode_body, decode_words
from schemas.ids import public_id
from schemas.interface import Status
from schemas.records import (
    ConnectionNote,
    DirectMessage,
    Endorsement,
    Invitation,
    Meeting,
    Message,
    Recommendation,
    Signal,
)
from services.history.order import steps
from services.history.parts import DIRECTIONS, KINDS, Kind, Mark, Part, Trait, Way, unpack
from services.identity.keys import OWNER_KEY
from services.identity.names import first_name
from services.people import OwnersWords, PersonRow, owners_words, person_row, strength_of
from services.state import OWNER, Act, MeetingView, PersonView, Said, State, SurfacedIn
from services.store import events as stream
from services.store import history as rows
from services.store.history import InteractionRow
from services.store.unit import Unit

HORIZON = timedelta(days=400)
"""How far back rules look at who wrote when."""
TEXT_HORIZON = timedelta(days=100)
"""How far back they look at what was written; further, to when the book began, at what asks or promises alone."""
AHEAD = timedelta(days=60)
_RUN = 2_000
_OWNER_PART = {0: "none", Part.FROM: "from", Part.TO: "to", Part.CC: "cc", Part.BCC: "bcc"}
_PARTSTAT = {Part.DECLINED: "declined", Part.ORGANIZER: "accepted"}


def situation(unit: Unit, who: int, now: datetime, *, lookback: timedelta, weekly_cap: int) -> State:
    """The owner's state at an instant, read in one snapshot.

    Args:
        lookback: how old a reason may be to raise a follow-up.
        weekly_cap: how many new follow-ups a week are surfaced; 0 for no cap.
    """
    said = owners_words(unit, who)
    people = {row.key: row for row in map(person_row, (shape for _, _, shape in rows.people(unit, who)))}
    automated = {key for key, row in people.items() if row.status == "automated"}
    whose = rows.identity_persons(unit, who)
    began = min(now, instant(stream.owner_created_at(unit, who))) - lookback
    recent = now - max(TEXT_HORIZON, lookback + timedelta(days=40))
    reader = _Reader(unit, who, whose, automated, epoch(recent), epoch(began))
    told: list[Said] = []
    meetings: list[MeetingView] = []
    span = epoch(min(began, now - HORIZON)), epoch(now + AHEAD)
    for found in _runs(rows.interactions_between(unit, who, *span)):
        told += reader.said([row for row in found if row.kind != Kind.MEETING and row.at <= epoch(now)])
        meetings += reader.meetings([row for row in found if row.kind == Kind.MEETING])
    threads: dict[str, list[Said]] = defaultdict(list)
    direct: dict[str, list[Said]] = defaultdict(list)
    for one in told:
        if one.thread is not None:
            threads[one.thread].append(one)
        for person in _with_owner(one):
            direct[person].append(one)
    replies = _reply_hours(threads.values())
    owner = said.owner
    acts, surfaced = _acts(unit, who)
    return State(
        owner_name=owner.name if owner else "",
        owner_emails=said.emails,
        zone=ZoneInfo(owner.timezone) if owner else ZoneInfo("UTC"),
        now=now,
        lookback=lookback,
        horizon=HORIZON,
        weekly_cap=weekly_cap,
        people={
            public_id("p", key): _view(row, now, replies.get(public_id("p", key), []), said)
            for key, row in people.items()
            if row.status != "automated"
        },
        threads={key: tuple(messages) for key, messages in threads.items()},
        direct={key: tuple(things) for key, things in direct.items()},
        meetings=tuple(meetings),
        acts=acts,
        surfaced=surfaced,
        export_on=said.export_on,
        began_at=instant(stream.owner_created_at(unit, who)),
    )


def _runs(found: Iterator[InteractionRow]) -> Iterator[list[InteractionRow]]:
    """Runs of rows, so that of what they say no more than one run is in memory; a second is never cut."""
    run: list[InteractionRow] = []
    for row in found:
        if len(run) >= _RUN and row.at != run[-1].at:
            yield run
            run = []
        run.append(row)
    if run:
        yield run


class _Reader:
    """Turns interaction rows into what rules see; machines and the text of old things are left out."""

    def __init__(
        self,
        unit: Unit,
        who: int,
        whose: dict[int, int],
        automated: set[int],
        text_from: int,
        signals_from: int,
    ) -> None:
        self._unit = unit
        self._who = who
        self._whose = whose
        self._automated = automated
        self._text_from = text_from
        self._signals_from = signals_from

    def _person(self, identity: int) -> int:
        return self._whose.get(identity, identity)

    def _records(self, found: Sequence[InteractionRow]) -> dict[int, EventBody | MailWords]:
        events = stream.read_bodies(
            self._unit, self._who, {row.seq for row in found if row.at >= self._text_from}
        )
        return {seq: decode_words(e.body, e.kind, e.version) for seq, e in events.items()}

    def said(self, found: Sequence[InteractionRow]) -> list[Said]:
        human = [
            row for row in found if self._person(row.author) not in self._automated or row.author == OWNER_KEY
        ]
        records = self._records(human)
        after = steps(self._unit, self._who, human)
        told = []
        for row in sorted(human, key=lambda one: (one.at, after.get(one.key, 0))):
            parts = [(self._person(key), part) for key, part in unpack(row.parts)]
            parts = [(key, part) for key, part in parts if key not in self._automated and key != OWNER_KEY]
            if parts:
                told.append(self._said(row, parts, records.get(row.seq), after.get(row.key, 0)))
        return told

    def _said(
        self,
        row: InteractionRow,
        parts: Sequence[tuple[int, int]],
        record: EventBody | MailWords | None,
        step: int,
    ) -> Said:
        subject, excerpt, signals = _text(record)
        author = OWNER if row.author == OWNER_KEY else public_id("p", self._person(row.author))
        to = _ids(key for key, part in parts if part in {Part.TO, Part.ABOUT})
        cc = _ids(key for key, part in parts if part in {Part.CC, Part.BCC})
        introduces: tuple[str, ...] = ()
        if row.signals & Mark.INTRODUCTION:
            introduces = tuple(one for one in (*to, *cc) if one != author)
        return Said(
            id=public_id("i", row.key),
            kind=KINDS[row.kind],
            at=instant(row.at),
            author=author,
            to=to,
            cc=cc,
            owner_part=_OWNER_PART.get(row.owner_part, "none"),
            subject=subject,
            excerpt=excerpt,
            thread=public_id("t", row.thread) if row.thread is not None else None,
            group_size=row.group_size,
            signals=signals,
            introduces=introduces,
            direction=DIRECTIONS[row.direction],
            utc_offset=record.utc_offset if isinstance(record, MailWords | Message) else None,
            step=step,
        )

    def meetings(self, found: Sequence[InteractionRow]) -> list[MeetingView]:
        records = self._records(found)
        views = []
        for row in found:
            parts = [(self._person(key), part) for key, part in unpack(row.parts)]
            people = _ids(key for key, _ in parts if key not in self._automated and key != OWNER_KEY)
            if not people and not row.signals & Trait.ALL_DAY:
                continue
            record = records.get(row.seq)
            meeting = record if isinstance(record, Meeting) else None
            author = self._person(row.author)
            views.append(
                MeetingView(
                    id=public_id("i", row.key),
                    at=instant(row.at),
                    ends_at=instant(row.ends_at if row.ends_at is not None else row.at),
                    summary=meeting.summary if meeting else "",
                    location=meeting.location if meeting else "",
                    organizer=OWNER
                    if row.direction == Way.OUT
                    else public_id("p", author)
                    if author
                    else None,
                    people=people,
                    declined=_ids(key for key, part in parts if part == Part.DECLINED),
                    group_size=row.group_size,
                    owner_partstat=_partstat(row),
                    is_cancelled=bool(row.signals & Trait.CANCELLED),
                    is_all_day=bool(row.signals & Trait.ALL_DAY),
                    series=meeting.uid if meeting and row.signals & Trait.SERIES else "",
                )
            )
        return views


def _text(record: EventBody | MailWords | None) -> tuple[str, str, tuple[Signal, ...]]:
    match record:
        case MailWords() | Message() | DirectMessage():
            return record.subject, record.excerpt, record.signals
        case Invitation() | Recommendation():
            return "", record.excerpt, ()
        case Endorsement():
            return "", ", ".join(record.skills), ()
        case ConnectionNote():
            return "", record.text, ()
        case _:
            return "", getattr(record, "text", ""), ()


def _partstat(row: InteractionRow) -> str:
    if row.signals & Trait.OWNER_TENTATIVE:
        return "tentative"
    if row.signals & Trait.OWNER_UNANSWERED:
        return "needs-action"
    return _PARTSTAT.get(Part(row.owner_part), "accepted") if row.owner_part else "accepted"


def _ids(keys: Iterable[int]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(public_id("p", key) for key in keys))


def _with_owner(one: Said) -> tuple[str, ...]:
    """The people with whom the owner dealt in it: the author, or those the owner wrote to."""
    return tuple(dict.fromkeys((*one.to, *one.cc))) if one.author == OWNER else (one.author,)


def _reply_hours(threads: Iterable[Sequence[Said]]) -> dict[str, list[tuple[datetime, float]]]:
    """How long each person took to answer the owner, by person, oldest first: the first answer to each message."""
    hours: dict[str, list[tuple[datetime, float]]] = defaultdict(list)
    for messages in threads:
        asked: dict[str, datetime] = {}
        for one in messages:
            if one.author == OWNER:
                for person in one.to:
                    asked.setdefault(person, one.at)
            elif one.author in asked:
                waited = one.at - asked.pop(one.author)
                hours[one.author].append((one.at, waited.total_seconds() / 3600))
    for answers in hours.values():
        answers.sort()
    return hours


def _view(
    row: PersonRow, now: datetime, replies: Sequence[tuple[datetime, float]], said: OwnersWords
) -> PersonView:
    status: Status = "person" if row.status == "person" else "waiting"
    return PersonView(
        id=public_id("p", row.key),
        name=row.name,
        first_name=first_name(row.name),
        emails=tuple(row.emails),
        identities=tuple(f"{one.kind}:{one.value}" for one in row.identities),
        organization=row.organization or None,
        title=row.title or None,
        timezone=row.timezone or None,
        status=status,
        roles=tuple(row.roles),
        tags=tuple(row.tags),
        cadence_days=row.cadence_days,
        is_muted=row.is_muted,
        muted_at=instant(row.muted_at) if row.muted_at is not None else None,
        is_inside=row.is_inside,
        first_at=instant(row.first_at) if row.first_at is not None else None,
        last_at=instant(row.last_at) if row.last_at is not None else None,
        last_channel=row.last_channel,
        last_direction=row.last_direction,  # type: ignore[arg-type]  # kept as the interface's words
        counts=row.counts,
        balance=row.balance,
        strength=strength_of(row, now),
        months=row.months,
        reply_hours=tuple(replies),
        connected_on=row.connected_on,
        linkedin_seen_on=row.linkedin_seen_on,
        moved_on=row.moved_on if said.export_on else None,
        moved_from=row.moved_from or None,
        failed=tuple(row.failed),
    )


def _acts(unit: Unit, who: int) -> tuple[tuple[Act, ...], tuple[SurfacedIn, ...]]:
    acts: list[Act] = []
    surfaced: list[SurfacedIn] = []
    for _, kind, body in rows.words(unit, who, ("done", "snooze", "dismiss", "digest", "surfaced")):
        match decode_body(body, kind, 1):
            case FollowupDone(followup=followup, at=at, by=by):
                acts.append(Act(followup=followup, at=at, kind="done", by=by))
            case FollowupSnoozed(followup=followup, at=at, until=until):
                acts.append(Act(followup=followup, at=at, kind="snooze", until=until))
            case FollowupDismissed() as word:
                how = "never" if word.never else "dismiss"
                acts.append(
                    Act(
                        followup=word.followup,
                        at=word.at,
                        kind=how,
                        rule=word.rule,
                        person=word.person,
                        by=word.by,
                    )
                )
            case DigestComposed() | FollowupsSurfaced() as shown:
                surfaced += [
                    SurfacedIn(followup=one, at=shown.at, week=shown.week) for one in shown.followups
                ]
            case _:
                pass
    return tuple(acts), tuple(surfaced)

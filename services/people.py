"""People as they are known now: told from identities, what was said of them, and what happened with them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any, cast

import msgspec
from msgspec import Struct, field

from schemas.clock import epoch, instant
from schemas.decisions import (
    CadenceSet,
    FavourNoted,
    OwnerDeclared,
    PersonMuted,
    RolesSet,
    TagsSet,
    VerdictGiven,
)
from schemas.events import decode_body
from schemas.ids import public_id
from schemas.interface import Balance, Counts, Direction, Identity, Person, Status
from schemas.records import ExportSeen, OwnProfile
from services.history.parts import DIRECTIONS, SMALL_MEETING, Kind, Part, Way
from services.identity.keys import domain_of, identity_key, organisation_domain
from services.identity.names import Spelling, best, folded
from services.identity.verdict import Evidence, Verdict, judge
from services.store import history as rows
from services.store.events import chunks
from services.store.history import IdentityRow, PersonColumns, TallyRow
from services.store.unit import Duty, Store, Unit
from services.strength import month_number, strength

_CHUNK = 500
_encode = msgspec.json.Encoder().encode
_ENTRIES = frozenset({"card", "connection", "upload", "recommendation", "endorsement", "note"})


class PersonRow(Struct, omit_defaults=True, kw_only=True):
    """All that is kept of a person; strength is told at the instant of reading."""

    key: int
    name: str = ""
    emails: list[str] = field(default_factory=list)
    phones: list[str] = field(default_factory=list)
    linkedin: str = ""
    organization: str = ""
    title: str = ""
    timezone: str = ""
    roles: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    cadence_days: int | None = None
    is_muted: bool = False
    muted_at: int | None = None
    is_inside: bool = False
    first_at: int | None = None
    last_at: int | None = None
    last_channel: str | None = None
    last_direction: str | None = None
    counts: Counts = field(default_factory=Counts)
    balance: Balance = field(default_factory=Balance)
    status: str = "waiting"
    verdict: str = ""
    identities: list[Identity] = field(default_factory=list)
    months: dict[int, int] = field(default_factory=dict)
    connected_on: date | None = None
    linkedin_seen_on: date | None = None
    moved_on: date | None = None
    moved_from: str = ""
    left_on: date | None = None
    failed: list[str] = field(default_factory=list)


_decoder = msgspec.json.Decoder(PersonRow)


def person_row(shape: bytes) -> PersonRow:
    """The row behind its stored form."""
    return _decoder.decode(shape)


def person_shape(row: PersonRow, now: datetime) -> Person:
    """A person as the interface shows one, at an instant."""
    return Person(
        id=public_id("p", row.key),
        name=row.name,
        emails=row.emails,
        phones=row.phones,
        linkedin=f"https://www.linkedin.com/in/{row.linkedin}" if row.linkedin else None,
        organization=row.organization or None,
        title=row.title or None,
        timezone=row.timezone or None,
        roles=row.roles,
        tags=row.tags,
        cadence_days=row.cadence_days,
        first_at=instant(row.first_at) if row.first_at is not None else None,
        last_at=instant(row.last_at) if row.last_at is not None else None,
        last_channel=row.last_channel,
        last_direction=cast("Direction | None", row.last_direction),
        counts=row.counts,
        strength=strength_of(row, now),
        balance=row.balance,
        status=cast("Status", row.status),
        is_automated=row.status == "automated",
        identities=row.identities,
        verdict=row.verdict or None,
        connected_on=row.connected_on,
        moved_on=row.moved_on,
        moved_from=row.moved_from or None,
        left_on=row.left_on,
        failed=row.failed,
    )


def strength_of(row: PersonRow, now: datetime) -> float:
    """How strong the tie is at an instant, 0 to 1."""
    return strength(
        row.months,
        outgoing=row.counts.sent + row.counts.linkedin_sent,
        incoming=row.counts.received + row.counts.linkedin_received,
        meetings=row.counts.meetings,
        now=now,
    )


class OwnersWords(Struct):
    """What the owner said of people, by identity key, and whose network it is."""

    roles: dict[int, list[str]] = field(default_factory=dict)
    tags: dict[int, list[str]] = field(default_factory=dict)
    cadence: dict[int, int | None] = field(default_factory=dict)
    muted: dict[int, int | None] = field(default_factory=dict)
    verdicts: dict[str, bool] = field(default_factory=dict)
    favours: dict[int, Counter[str]] = field(default_factory=dict)
    domains: frozenset[str] = frozenset()
    owner: OwnerDeclared | None = None
    emails: tuple[str, ...] = ()
    exports: set[date] = field(default_factory=set)
    """Days of the LinkedIn exports that show every connection there was."""
    export_on: date | None = None


def owners_words(unit: Unit, who: int) -> OwnersWords:
    """Every decision about people, in the order said; a later one outweighs an earlier."""
    said = OwnersWords()
    emails: dict[str, None] = {}
    for _, kind, body in rows.words(unit, who):
        record = decode_body(body, kind, 1)
        match record:
            case OwnerDeclared():
                said.owner = record
                emails.update(dict.fromkeys(record.emails))
            case OwnProfile():
                emails.update(dict.fromkeys(record.emails))
            case ExportSeen():
                said.export_on = max(said.export_on or record.exported_on, record.exported_on)
                if record.is_complete:
                    said.exports.add(record.exported_on)
            case RolesSet():
                said.roles[_key(record.person)] = _revised(
                    said.roles.get(_key(record.person), []), record.roles, record.remove
                )
            case TagsSet():
                said.tags[_key(record.person)] = _revised(
                    said.tags.get(_key(record.person), []), record.tags, record.remove
                )
            case CadenceSet():
                said.cadence[_key(record.person)] = record.days
            case PersonMuted():
                said.muted[_key(record.person)] = epoch(record.at) if record.muted else None
            case VerdictGiven():
                said.verdicts[record.identity] = record.is_automated
            case FavourNoted():
                said.favours.setdefault(_key(record.person), Counter())[record.direction] += 1
            case _:
                pass
    said.emails = tuple(emails)
    own = said.owner.domains if said.owner else ()
    said.domains = frozenset(own) | {d for d in map(organisation_domain, emails) if d}
    return said


def _key(name: str) -> int:
    kind, _, value = name.partition(":")
    return identity_key(kind, value)


def _revised(have: Sequence[str], change: Iterable[str], remove: bool) -> list[str]:
    changed = set(change)
    return sorted(set(have) - changed if remove else set(have) | changed)


class PeopleTeller:
    """Writes the rows of people who changed."""

    def __init__(self, store: Store, owner: int) -> None:
        self._store = store
        self._owner = owner

    def settle(self, now: datetime) -> int:
        """Tell every stale person anew, as of an instant; how many there were."""
        done = 0
        said: OwnersWords | None = None
        flipped: set[int] = set()
        while True:
            with self._store.write() as unit:
                unit.alone(self._owner, Duty.TELL)
                stale = rows.stale_people(unit, self._owner, _CHUNK)
                if not stale:
                    break
                said = said or owners_words(unit, self._owner)
                before = {key: status for key, status, _ in rows.people(unit, self._owner, stale)}
                told = self._tell(unit, stale, said, now)
                flipped |= {
                    row.key
                    for row in told
                    if (before.get(row.key) == "automated") != (row.status == "automated")
                }
                done += len(stale)
        self._retell_threads(flipped)
        return done

    def _retell_threads(self, flipped: set[int]) -> None:
        """Who turned out a machine, or human, changes whose turn it is where they wrote."""
        for chunk in chunks(sorted(flipped)):
            with self._store.write() as unit:
                rows.touch_threads_of(unit, self._owner, chunk)

    def _tell(self, unit: Unit, keys: Sequence[int], said: OwnersWords, now: datetime) -> list[PersonRow]:
        identities = rows.identities_of(unit, self._owner, keys)
        flat = [row.key for group in identities.values() for row in group]
        tallies = rows.tallies_of(unit, self._owner, flat)
        dealings = _dealings(rows.interactions_of_people(unit, self._owner, keys), epoch(now))
        told = []
        for key in keys:
            group = [row for row in identities.get(key, []) if not row.is_owner]
            if group and _is_known(group, tallies, dealings[key], said):
                told.append(_told(key, group, tallies, dealings[key], said))
        rows.set_people(unit, self._owner, [_columns(row) for row in told])
        have = {row.key for row in told}
        rows.drop_people(unit, self._owner, [key for key in keys if key not in have])
        return told


def _is_known(
    group: Sequence[IdentityRow], tallies: dict[int, list[TallyRow]], dealings: "_Dealings", said: OwnersWords
) -> bool:
    """Whether anything still speaks of them: whoever stood on a card alone is gone with it."""
    if dealings.is_any:
        return True
    words = (said.roles, said.tags, said.cadence, said.muted, said.favours)
    return any(
        _tells_of_one(tallies.get(row.key, ()))
        or any(row.key in one for one in words)
        or f"{row.kind}:{row.value}" in said.verdicts
        for row in group
    )


def _tells_of_one(sayings: Sequence[TallyRow]) -> bool:
    """Whether what is said of an identity makes it somebody: a phone or an address that several hold alone does not."""
    if any(tally.field not in {"entry", "holder"} for tally in sayings):
        return True
    return bool(sayings) and len({tally.value for tally in sayings if tally.field == "holder"}) < 2


class _Dealings:
    """What happened with one person, counted once an interaction."""

    def __init__(self) -> None:
        self.counts = Counts()
        self.months: Counter[int] = Counter()
        self.first: int | None = None
        self.last: tuple[int, str, str] | None = None
        self.is_met = False
        self._seen: set[int] = set()

    @property
    def is_any(self) -> bool:
        """Whether there was anything between them and the owner, or will be."""
        return bool(self._seen)

    def add(self, what: tuple[Any, ...], now: int) -> None:
        """Count one row of `interactions_of_people`; of two parts in one interaction the first read counts."""
        _, part, key, kind, at, ends_at, way, owner_part, _, size, is_held = what
        if key in self._seen:
            return
        self._seen.add(key)
        counts = self.counts
        channel = ""
        direction = DIRECTIONS[way]
        if kind == Kind.EMAIL:
            if way == Way.OUT:
                if part == Part.TO:
                    counts.sent += 1
                    channel = "email"
                elif part == Part.CC:
                    counts.cc_sent += 1
            elif part == Part.FROM:
                if owner_part == Part.TO:
                    counts.received += 1
                    channel = "email"
                elif owner_part == Part.CC:
                    counts.cc_received += 1
        elif kind == Kind.MEETING:
            if not is_held or part == Part.DECLINED or ends_at is None or ends_at > now:
                return
            if size > SMALL_MEETING:
                counts.audiences += 1
            else:
                counts.meetings += 1
                channel = "meeting"
                self.is_met = True
        elif kind == Kind.LINKEDIN_MESSAGE:
            if way == Way.OUT:
                counts.linkedin_sent += 1
                channel = "linkedin_message"
            elif part == Part.FROM:
                counts.linkedin_received += 1
                channel = "linkedin_message"
        if not channel:
            return
        self.months[month_number(datetime.fromtimestamp(at, UTC))] += 1
        if self.first is None or at < self.first:
            self.first = at
        if self.last is None or (at, channel, direction) > self.last:
            self.last = (at, channel, direction)


def _dealings(interactions: Iterable[tuple[Any, ...]], now: int) -> defaultdict[int, _Dealings]:
    dealings: defaultdict[int, _Dealings] = defaultdict(_Dealings)
    for what in interactions:
        dealings[what[0]].add(what, now)
    return dealings


def _told(
    key: int,
    group: Sequence[IdentityRow],
    tallies: dict[int, list[TallyRow]],
    dealings: _Dealings,
    said: OwnersWords,
) -> PersonRow:
    sayings = [tally for row in group for tally in tallies.get(row.key, [])]
    by_field: dict[str, list[TallyRow]] = defaultdict(list)
    for tally in sayings:
        by_field[tally.field].append(tally)
    emails = [row.value for row in group if row.kind == "email"]
    entries = {tally.value for tally in by_field["entry"]} & _ENTRIES
    counts = dealings.counts
    status, verdict = _status(group, tallies, counts, dealings.is_met, bool(entries), said)
    organization, title = _work(by_field)
    jobs = _moves(by_field["job"])
    seen_on = _day(max((t.at for t in by_field["job"]), default=0))
    row = PersonRow(
        key=key,
        # Whose card begins with a key that is shared is named by what the card says of the others.
        name=best([Spelling(t.value, t.rank, t.n) for t in by_field["name"] or by_field["holder"]], emails)
        or _fallback(group),
        emails=emails,
        phones=[row.value for row in group if row.kind == "phone"],
        linkedin=next((row.value for row in group if row.kind == "linkedin"), ""),
        organization=organization,
        title=title,
        timezone=max((t.value for t in by_field["timezone"]), default=""),
        roles=sorted({role for row in group for role in said.roles.get(row.key, ())}),
        tags=sorted({tag for row in group for tag in said.tags.get(row.key, ())}),
        cadence_days=next(
            (said.cadence[row.key] for row in group if said.cadence.get(row.key) is not None), None
        ),
        is_muted=any(said.muted.get(row.key) is not None for row in group),
        muted_at=min((at for row in group if (at := said.muted.get(row.key)) is not None), default=None),
        is_inside=any(domain_of(address) in said.domains for address in emails),
        first_at=dealings.first,
        last_at=dealings.last[0] if dealings.last else None,
        last_channel=dealings.last[1] if dealings.last else None,
        last_direction=dealings.last[2] if dealings.last else None,
        counts=counts if status != "automated" else Counts(),
        balance=_balance(group, said),
        status=status,
        verdict=verdict,
        identities=[Identity(row.kind, row.value, _shown_by(row, tallies.get(row.key, []))) for row in group],
        months=dict(sorted(dealings.months.items())),
        connected_on=max((date.fromisoformat(t.value) for t in by_field["connected"]), default=None),
        linkedin_seen_on=seen_on,
        left_on=min((day for day in said.exports if seen_on and day > seen_on), default=None),
        failed=sorted(
            row.value for row in group if any(t.field == "failed" for t in tallies.get(row.key, ()))
        ),
        moved_on=_day(jobs[0]),
        moved_from=jobs[1],
    )
    if status == "automated":
        row.first_at = row.last_at = row.last_channel = row.last_direction = None
        row.months = {}
    return row


_SHOWN_BY = {"card": "address book", "connection": "linkedin", "upload": "linkedin upload"}


def _shown_by(row: IdentityRow, sayings: Sequence[TallyRow]) -> str:
    """Which source is named for an identity: an address book before LinkedIn before mail, whichever came first."""
    entries = {tally.value for tally in sayings if tally.field == "entry"}
    for entry, name in _SHOWN_BY.items():
        if entry in entries:
            return name
    if any(tally.field in {"nature", "name"} for tally in sayings):
        return "linkedin" if row.kind.startswith("linkedin") else "mail"
    return row.source


def _columns(row: PersonRow) -> PersonColumns:
    found_by = " ".join(
        (row.name, *row.emails, row.organization, row.linkedin, *row.phones, *row.tags, *row.roles)
    )
    return PersonColumns(
        key=row.key,
        name=row.name,
        folded=folded(found_by),
        status=row.status,
        verdict=row.verdict,
        first_at=row.first_at,
        last_at=row.last_at,
        shape=_encode(row),
    )


def _fallback(group: Sequence[IdentityRow]) -> str:
    return next((row.value for row in group if not row.kind.endswith("_closed")), "LinkedIn member")


def _status(
    group: Sequence[IdentityRow],
    tallies: dict[int, list[TallyRow]],
    counts: Counts,
    is_met: bool,
    is_entry: bool,
    said: OwnersWords,
) -> tuple[Status, str]:
    verdicts = [
        _judged(row, tallies.get(row.key, []), counts, is_met, is_entry, said)
        for row in group
        if row.kind == "email"
    ]
    if verdicts and all(verdict.is_automated for verdict in verdicts) and len(verdicts) == len(group):
        return "automated", verdicts[0].why
    going = counts.sent + counts.cc_sent + counts.linkedin_sent
    coming = counts.received + counts.cc_received + counts.linkedin_received
    if is_entry:
        return "person", "in your address book or LinkedIn"
    if is_met:
        return "person", "you met"
    if going and coming:
        return "person", "you wrote to each other"
    return (
        "waiting",
        "wrote to you; you have not answered" if coming else "you wrote; no answer yet" if going else "",
    )


def _judged(
    row: IdentityRow,
    sayings: Sequence[TallyRow],
    counts: Counts,
    is_met: bool,
    is_entry: bool,
    said: OwnersWords,
) -> Verdict:
    word = said.verdicts.get(f"email:{row.value}", said.verdicts.get(f"email:@{domain_of(row.value)}"))
    natures: Counter[str] = Counter()
    for tally in sayings:
        if tally.field == "nature":
            natures[tally.value] += tally.n
    return judge(
        Evidence(
            address=row.value,
            natures=natures,
            to_lists=sum(t.n for t in sayings if t.field == "to_list"),
            answered=counts.sent,
            meetings=int(is_met),
            is_room=any(t.field == "room" for t in sayings),
            is_contact=is_entry,
            said=word,
        )
    )


def _work(by_field: dict[str, list[TallyRow]]) -> tuple[str, str]:
    """Organisation and title, from one source: the newest export, else the card, else signatures that agree."""
    if by_field["organization"]:
        top = max(by_field["organization"], key=lambda t: (t.at, t.rank, t.n, t.value))
        title = max(
            (t for t in by_field["title"] if (t.at, t.rank) == (top.at, top.rank)),
            key=lambda t: (t.n, t.value),
            default=None,
        )
        return top.value, title.value if title else ""
    if by_field["title"]:
        top = max(by_field["title"], key=lambda t: (t.at, t.rank, t.n, t.value))
        return "", top.value
    signed = max(by_field["signed_org"], key=lambda t: (t.n, t.value), default=None)
    signed_title = max(by_field["signed_title"], key=lambda t: (t.n, t.value), default=None)
    return (
        signed.value if signed and signed.n >= 2 else "",
        signed_title.value if signed_title and signed_title.n >= 2 else "",
    )


def _moves(jobs: Sequence[TallyRow]) -> tuple[int, str]:
    """When an export first showed the present organisation after another, and which one that was."""
    shown = sorted({(t.at, t.value.partition("\x1f")[0]) for t in jobs if t.at})
    moved_at, moved_from = 0, ""
    for (_, before), (at, after) in pairwise(shown):
        if before and after and folded(before) != folded(after):
            moved_at, moved_from = at, before
    return moved_at, moved_from


def _day(at: int) -> date | None:
    return datetime.fromtimestamp(at, UTC).date() if at else None


def _balance(group: Sequence[IdentityRow], said: OwnersWords) -> Balance:
    total: Counter[str] = Counter()
    for row in group:
        total += said.favours.get(row.key, Counter())
    return Balance(total["given"], total["received"])

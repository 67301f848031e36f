"""From the components of one UID (RFC 5545 3.8.4.4, 3.8.4.7) to the meetings that took, or will take, place."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from schemas.clock import epoch
from schemas.ids import key64
from schemas.records import Attendee, Meeting
from services.history.batch import Batch
from services.history.parts import Kind, Part, Trait, Way, pack
from services.history.project import is_place, uid_group
from services.identity.keys import OWNER_KEY
from services.store.history import InteractionRow

_CALLED_OFF = re.compile(
    r"\s*(?:cancell?ed|abgesagt|annulée?|cancelad[oa]|annullat[oa]|geannuleerd|inställt|avlyst|aflyst|peruutettu|"
    r"odwołan[aoey]|zrušeno)\s?[::]",
    re.IGNORECASE,
)
"""What Outlook puts before the title of a meeting that its organizer called off, and exports leave as the only sign."""


class Component(NamedTuple):
    """One component with the event that holds it."""

    record: Meeting
    revision: str
    seq: int
    source: int


class Held(NamedTuple):
    """One meeting: its row, who took part, and its text."""

    row: InteractionRow
    parts: list[tuple[int, int]]
    text: str


def meetings_of(components: Iterable[Component], batch: Batch, zone: ZoneInfo, owner: int) -> Iterator[Held]:
    """Every meeting that one UID's components make; of the same component in two calendars the greater revision counts.

    An override stands for its occurrence; a cancelled master cancels all; an override alone is a single meeting.
    """
    newest: dict[str, Component] = {}
    for component in sorted(components, key=lambda c: (c.revision, c.seq)):
        record = component.record
        slot = record.recurrence_id or ("" if record.is_series else f"@{record.starts_at.isoformat()}")
        newest[slot] = component
    singles = [slot for slot in newest if slot.startswith("@")]
    master = newest.get("")
    overrides = {slot: c for slot, c in newest.items() if slot and not slot.startswith("@")}
    first_single = min(singles, default=None)
    for slot in singles:
        component = newest[slot]
        uid = component.record.uid
        key = uid if slot == first_single and master is None else f"{uid}/{slot[1:]}"
        yield _held(component, key, component.record.starts_at, component.record.ends_at, batch, zone, owner)
    for slot, component in overrides.items():
        yield _held(
            component,
            f"{component.record.uid}/{slot}",
            component.record.starts_at,
            component.record.ends_at,
            batch,
            zone,
            owner,
            is_cancelled=master is not None and master.record.is_cancelled,
            is_series=master is not None,
        )
    if master:
        for occurrence in master.record.occurrences:
            if occurrence.recurrence_id not in overrides:
                key = f"{master.record.uid}/{occurrence.recurrence_id}"
                yield _held(
                    master, key, occurrence.starts_at, occurrence.ends_at, batch, zone, owner, is_series=True
                )


def _held(
    component: Component,
    source_key: str,
    starts_at: datetime,
    ends_at: datetime,
    batch: Batch,
    zone: ZoneInfo,
    owner: int,
    *,
    is_cancelled: bool = False,
    is_series: bool = False,
) -> Held:
    record = component.record
    parts, owner_part, traits = _parts(record, batch)
    organizer = record.organizer
    author = batch.address(organizer.address, "") if organizer and "@" in organizer.address else None
    way = Way.BOTH if author is None else Way.OUT if author == OWNER_KEY else Way.IN
    if is_cancelled or record.is_cancelled or _CALLED_OFF.match(record.summary):
        traits |= Trait.CANCELLED
    if record.is_all_day:
        traits |= Trait.ALL_DAY
    if is_series:
        traits |= Trait.SERIES
    key = key64("meeting", source_key)
    row = InteractionRow(
        # Occurrences share an event, so their ids are derived; negative ones cannot meet the events' own numbers.
        id=-key64(str(owner), "meeting", source_key, str(component.seq)),
        key=key,
        kind=Kind.MEETING,
        at=epoch(_instant(starts_at, zone)),
        ends_at=epoch(_instant(ends_at, zone)),
        direction=way,
        owner_part=owner_part,
        author=author or OWNER_KEY,
        thread=None,
        group_size=len(parts) + 1,
        is_held=not traits & Trait.CANCELLED and owner_part != Part.DECLINED and bool(parts),
        signals=int(traits),
        seq=component.seq,
        source=component.source,
        group=uid_group(record.uid),
        parts=pack(parts.items()),
    )
    return Held(row, list(parts.items()), f"{record.summary} {record.location}")


def _parts(record: Meeting, batch: Batch) -> tuple[dict[int, int], int, Trait]:
    parts: dict[int, int] = {}
    owner_part = 0
    traits = Trait(0)
    if record.organizer and "@" in record.organizer.address:
        key = batch.address(record.organizer.address, "")
        if key == OWNER_KEY:
            owner_part = int(Part.ORGANIZER)
        else:
            parts[key] = Part.ORGANIZER
    for attendee in record.attendees:
        if attendee.kind in {"room", "resource"} or "@" not in attendee.address:
            continue
        if attendee.address.endswith("@resource.calendar.google.com") or is_place(attendee, record.location):
            continue
        key = batch.address(attendee.address, "")
        part = _part(attendee)
        if key == OWNER_KEY:
            if part is Part.DECLINED or not owner_part:
                owner_part = int(part)
            traits |= _answer(attendee)
        elif part is Part.DECLINED or key not in parts:
            parts[key] = part
    return parts, owner_part, traits


def _part(attendee: Attendee) -> Part:
    # Who sends somebody else does not come either (RFC 5545 3.2.12).
    if attendee.partstat in {"declined", "delegated"}:
        return Part.DECLINED
    return Part.OPTIONAL if attendee.is_optional else Part.ATTENDEE


def _answer(attendee: Attendee) -> Trait:
    if attendee.partstat == "tentative":
        return Trait.OWNER_TENTATIVE
    return Trait.OWNER_UNANSWERED if attendee.partstat == "needs-action" else Trait(0)


def _instant(at: datetime, zone: ZoneInfo) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=zone).astimezone(UTC)

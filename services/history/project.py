"""From one event's record to rows: what each kind of record means for people and history.

Pure but for the batch it is handed. Everything counts with a sign, so that a record that was replaced or retired is
taken away exactly as it was added.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from schemas.clock import epoch, instant
from schemas.decisions import (
    AnyDecision,
    FavourNoted,
    FollowupDismissed,
    FollowupDone,
    NoteWritten,
    OwnerDeclared,
)
from schemas.events import EventBody, kind_of
from schemas.ids import key64
from schemas.records import (
    Attendee,
    Connection,
    ConnectionNote,
    Contact,
    DirectMessage,
    Endorsement,
    ExportSeen,
    Invitation,
    Mailbox,
    Meeting,
    Message,
    OwnProfile,
    Position,
    ProfileRef,
    Recommendation,
    Signal,
    Task,
)
from services.history.batch import Batch, node_key
from services.history.loose import topics_of
from services.history.parts import KINDS, Kind, Mark, Part, Way, pack
from services.identity.keys import OWNER_KEY, email_key
from services.identity.names import folded
from services.store.history import InteractionRow

_encode = msgspec.json.Encoder().encode
_PLACES = re.compile(r"\s*[;,/|]\s*")
_MARK = {
    "ask": Mark.ASK,
    "promise": Mark.PROMISE,
    "thanks": Mark.THANKS,
    "introduction": Mark.INTRODUCTION,
    "auto_reply": Mark.AUTO_REPLY,
    "settled": Mark.SETTLED,
}
NAME_BY_OTHERS, NAME_ON_CARD, NAME_ON_LINKEDIN, NAME_BY_SELF = 0, 1, 2, 3
"""How much a spelling of a name is worth, by who wrote it."""

REFERENCES_JOINED = 30
"""How many ancestors of a message tie it to its thread: the first and the last of them."""


class Place(NamedTuple):
    """Where a record stands: its event and that event's instant, its source row and name, and how floating times are read."""

    seq: int
    at: int
    source: int
    account: str
    zone: ZoneInfo


def apply(batch: Batch, record: EventBody, place: Place, sign: int) -> None:
    """Count a record into the batch, or with -1 out of it."""
    match record:
        case Message():
            _message(batch, record, place, sign)
        case Meeting():
            _meeting(batch, record, place, sign)
        case Contact():
            _contact(batch, record, sign)
        case Connection():
            _connection(batch, record, sign)
        case DirectMessage():
            _direct_message(batch, record, place, sign)
        case Invitation():
            text = _Told(Kind.LINKEDIN_INVITATION, "invitation", record.person, record.at, record.direction)
            _told(batch, text, f"{record.excerpt}", place, sign)
        case Recommendation():
            text = _Told(Kind.RECOMMENDATION, "recommendation", record.person, record.at, record.direction)
            key = _told(batch, text, record.excerpt, place, sign)
            batch.say(
                key, "organization", record.organization, sign, 1, epoch(_instant(record.at, place.zone))
            )
        case Endorsement():
            text = _Told(Kind.ENDORSEMENT, "endorsement", record.person, record.at, record.direction)
            _told(batch, text, ", ".join(record.skills), place, sign)
        case ConnectionNote():
            _told(batch, _Told(Kind.NOTE, "note", record.person, record.at, "out"), record.text, place, sign)
        case Task():
            _task(batch, record, place, sign)
        case OwnProfile() | Position() | ExportSeen():
            _word(batch, record, place, sign)
            batch.everybody_changed |= isinstance(record, ExportSeen)
            if isinstance(record, OwnProfile):
                _own(batch, record.emails, record.linkedin)
        case _:
            _decision(batch, record, place, sign)  # type: ignore[arg-type]  # tombstones are taken apart by the caller


def _word(batch: Batch, record: EventBody, place: Place, sign: int) -> None:
    batch.words[place.seq] = (kind_of(record), _encode(record)) if sign > 0 else None


def _task(batch: Batch, record: Task, place: Place, sign: int) -> None:
    """A task that its owner ticked off is their word on its follow-up, for as long as it stays so."""
    if record.is_done and not record.is_kiths_tick:
        _word(batch, FollowupDone(followup=record.key, at=instant(place.at), by="tool"), place, sign)


def word_of_deletion(was: Task, told_at: int, gone_at: int) -> AnyDecision | None:
    """What deleting a task in its tool says: a lasting no, or that it is done where it was ticked off first.

    What Kith ticked off may be cleared away without a word.

    Args:
        told_at: when the task was last told of, in whole seconds UTC.
        gone_at: when it was gone.
    """
    if was.is_kiths_tick:
        return None
    if was.is_done:
        return FollowupDone(followup=was.key, at=instant(told_at), by="tool")
    return FollowupDismissed(followup=was.key, at=instant(gone_at), by="tool")


def _own(batch: Batch, emails: Iterable[str], slug: str) -> None:
    """Whether what is now the owner's own was taken for somebody else's before decides on a rebuild, at the flush."""
    for address in emails:
        batch.identities[email_key(address)] = ("email", address, "owner")
    if slug:
        batch.identities[key64("linkedin", slug)] = ("linkedin", slug, "owner")


def _decision(batch: Batch, record: AnyDecision, place: Place, sign: int) -> None:
    _word(batch, record, place, sign)
    kind = kind_of(record)
    match record:
        case OwnerDeclared():
            _own(batch, record.emails, "")
        case NoteWritten():
            _owners_word(batch, record.person, Kind.NOTE, Way.OUT, record.at, record.text, place, sign)
        case FavourNoted():
            way = Way.OUT if record.direction == "given" else Way.IN
            _owners_word(batch, record.person, Kind.FAVOUR, way, record.at, record.text, place, sign)
        case _:
            pass
    batch.joins_changed |= kind in {"merge", "split"}
    batch.everybody_changed |= kind in {"owner", "verdict"}
    for name in _identities_in(record):
        family, _, value = name.partition(":")
        batch.touched.add(batch.identity(family, value, "you"))


def _identities_in(record: AnyDecision) -> Iterable[str]:
    for field in ("person", "a", "b", "identity"):
        value = getattr(record, field, "")
        if value and ":" in value and not (field == "identity" and ":@" in value):
            yield value
    for field in ("left", "right"):
        yield from getattr(record, field, ())


def _owners_word(
    batch: Batch, who: str, kind: Kind, way: Way, at: datetime, text: str, place: Place, sign: int
) -> None:
    family, _, value = who.partition(":")
    key = batch.identity(family, value, "you")
    row = _row(key64(KINDS[kind], str(place.seq)), kind, epoch(at), way, place, author=OWNER_KEY)
    _put(batch, row, [(key, Part.ABOUT)], sign, text)


# --- mail ---------------------------------------------------------------------------------------------------------


def _message(batch: Batch, record: Message, place: Place, sign: int) -> None:
    author = batch.address(record.sender.address, place.account) if record.sender.address else OWNER_KEY
    if record.sender.name:
        batch.say(author, "name", record.sender.name, sign, NAME_BY_SELF)
    if author != OWNER_KEY:
        batch.say(author, "nature", record.nature, sign)
        if record.utc_offset is not None and record.nature == "personal":
            batch.say(author, "offset", str(record.utc_offset), sign)
        for hint in record.signature:
            what, _, value = hint.partition(":")
            batch.say(author, f"signed_{what}", value, sign)
    for address in record.failed:
        batch.say(batch.address(address, place.account), "failed", "bounce", sign, at=epoch(record.at))
    if record.nature != "personal":
        if record.nature == "list":
            for mailbox in record.to:
                batch.say(batch.address(mailbox.address, place.account), "to_list", "list", sign)
        return
    _personal(batch, record, author, place, sign)


def _personal(batch: Batch, record: Message, author: int, place: Place, sign: int) -> None:
    parts: dict[int, int] = {}
    owner_part = int(Part.FROM) if author == OWNER_KEY else 0
    if author != OWNER_KEY:
        parts[author] = Part.FROM
    for part, mailboxes in ((Part.TO, record.to), (Part.CC, record.cc), (Part.BCC, record.bcc)):
        for mailbox in mailboxes:
            key = _recipient(batch, mailbox, place, sign)
            if key == OWNER_KEY:
                owner_part = owner_part or part
            elif key is not None:
                parts.setdefault(key, part)
    if not parts:
        return
    key = key64("email", record.message_id)
    row = _row(
        key,
        Kind.EMAIL,
        epoch(record.at),
        Way.OUT if author == OWNER_KEY else Way.IN,
        place,
        author=author,
        owner_part=owner_part,
        group_size=len(parts) + 1,
        signals=_marks(record.signals),
    )
    if sign > 0:
        own = node_key(record.message_id)
        ancestors = record.references
        if len(ancestors) > REFERENCES_JOINED:
            ancestors = ancestors[:5] + ancestors[5 - REFERENCES_JOINED :]
        batch.bonds.append(
            (own, *(node_key(name) for name in ancestors), *(node_key(n) for n in record.thread_keys))
        )
        batch.in_thread[key] = own
        if not ancestors:
            batch.topics += topics_of(record, own, author, parts)
    if author == OWNER_KEY:
        for other in parts:
            batch.touched.add(other)
    _put(batch, row, list(parts.items()), sign, f"{record.subject} {record.text or record.excerpt}")


def _recipient(batch: Batch, mailbox: Mailbox, place: Place, sign: int) -> int | None:
    if not mailbox.address or "@" not in mailbox.address:
        return None
    key = batch.address(mailbox.address, place.account)
    if mailbox.name and key != OWNER_KEY:
        batch.say(key, "name", mailbox.name, sign, NAME_BY_OTHERS)
    return key


def _marks(signals: Iterable[Signal]) -> int:
    marks = 0
    for signal in signals:
        marks |= _MARK[signal.kind]
    return marks


# --- meetings -----------------------------------------------------------------------------------------------------


def uid_group(uid: str) -> int:
    """The key that all components of one UID share."""
    return key64("uid", uid)


def is_place(attendee: Attendee, location: str) -> bool:
    """Whether an attendee is what the meeting's location is called: a room that its calendar calls an individual."""
    return bool(attendee.name) and folded(attendee.name) in map(folded, _PLACES.split(location[:1_000]))


def _meeting(batch: Batch, record: Meeting, place: Place, sign: int) -> None:
    """Components are only noted here: what a series is, all of them together say (`services.history.meetings`)."""
    group = uid_group(record.uid)
    batch.groups.add(group)
    slot = (
        group,
        key64(record.recurrence_id, str(record.starts_at) if not record.recurrence_id else ""),
        place.source,
    )
    if sign > 0:
        batch.components[slot] = place.seq
    elif batch.components.get(slot, place.seq) == place.seq:
        # Also where this very batch had put it there: a meeting that is deleted soon after it was made.
        batch.components[slot] = None
    asked = [
        (one.address, one.name, "room" if is_place(one, record.location) else one.kind)
        for one in record.attendees
    ]
    if record.organizer and record.organizer.address not in {address for address, _, _ in asked}:
        asked.append((record.organizer.address, record.organizer.name, "individual"))
    for address, name, kind in asked:
        if "@" not in address:
            continue
        key = batch.address(address, place.account)
        # Whoever was asked is listed, though the meeting should be gone before the batch is written.
        batch.touched.add(key)
        batch.say(key, "name", name, sign, NAME_BY_OTHERS)
        if kind in {"room", "resource", "group"}:
            batch.say(key, "room", kind, sign)


# --- contacts -----------------------------------------------------------------------------------------------------


def _contact(batch: Batch, record: Contact, sign: int) -> None:
    source = "address book" if record.origin == "card" else "linkedin upload"
    keys = [batch.address(address, source) for address in record.emails]
    keys += [batch.identity("phone", number, source) for number in record.phones]
    if record.linkedin:
        keys.append(batch.identity("linkedin", record.linkedin, source))
    if not keys and record.name:
        keys.append(batch.identity("name", folded(record.name), source))
    _entry(batch, keys, record.name, record.organization, record.title, NAME_ON_CARD, 0, "card", sign)
    for key in keys[:1]:
        batch.say(key, "timezone", record.timezone, sign, 2)


def _connection(batch: Batch, record: Connection, sign: int) -> None:
    keys: list[int] = []
    if record.linkedin:
        keys.append(batch.identity("linkedin", record.linkedin, "linkedin"))
    if record.email:
        keys.append(batch.address(record.email, "linkedin"))
    if not keys and record.name:
        keys.append(batch.identity("linkedin_name", folded(record.name), "linkedin"))
    seen = (
        epoch(datetime(record.exported_on.year, record.exported_on.month, record.exported_on.day, tzinfo=UTC))
        if (record.exported_on)
        else 0
    )
    _entry(
        batch,
        keys,
        record.name,
        record.organization,
        record.title,
        NAME_ON_LINKEDIN,
        seen,
        "connection",
        sign,
    )
    for key in keys[:1]:
        if record.connected_on:
            batch.say(key, "connected", record.connected_on.isoformat(), sign)
        batch.say(key, "job", f"{record.organization}\x1f{record.title}", sign, 0, seen)


def _entry(
    batch: Batch,
    keys: list[int],
    name: str,
    organization: str,
    title: str,
    rank: int,
    at: int,
    kind: str,
    sign: int,
) -> None:
    for key in keys:
        batch.say(key, "entry", kind, sign, rank, at)
    for key in keys[:1]:
        batch.say(key, "name", name, sign, rank)
        batch.say(key, "organization", organization, sign, rank, at)
        batch.say(key, "title", title, sign, rank, at)
    for other in keys[1:]:
        batch.join(keys[0], other, sign)
    for key in keys:
        batch.hold(key, name, sign)


# --- LinkedIn -----------------------------------------------------------------------------------------------------


def _profile(batch: Batch, ref: ProfileRef, conversation: str, sign: int) -> int | None:
    """The identity of a member: the slug; without one a name, which only ever proposes."""
    if ref.linkedin:
        key = batch.identity("linkedin", ref.linkedin, "linkedin")
        batch.say(key, "name", ref.name, sign, NAME_BY_OTHERS)
        return key
    if not ref.name:
        return None
    if ref.name == batch.owner.name:
        return OWNER_KEY
    if ref.name.casefold() == "linkedin member":
        return batch.identity("linkedin_closed", conversation, "linkedin")
    key = batch.identity("linkedin_name", folded(ref.name), "linkedin")
    batch.say(key, "name", ref.name, sign, NAME_BY_OTHERS)
    return key


def _direct_message(batch: Batch, record: DirectMessage, place: Place, sign: int) -> None:
    if record.is_campaign:
        return
    author = _profile(batch, record.sender, record.conversation, sign)
    if author is None:
        return
    parts: dict[int, int] = {} if author == OWNER_KEY else {author: int(Part.FROM)}
    owner_part = int(Part.FROM) if author == OWNER_KEY else int(Part.TO)
    for ref in record.to:
        key = _profile(batch, ref, record.conversation, sign)
        if key:
            parts.setdefault(key, Part.TO)
    if not parts:
        return
    key = key64("linkedin_message", place_key(record))
    row = _row(
        key,
        Kind.LINKEDIN_MESSAGE,
        epoch(record.at),
        Way.OUT if author == OWNER_KEY else Way.IN,
        place,
        author=author,
        owner_part=owner_part,
        group_size=len(parts) + 1,
        signals=_marks(record.signals),
    )
    if sign > 0:
        own = node_key(f"linkedin:{record.conversation}")
        batch.bonds.append((own,))
        batch.in_thread[key] = own
    _put(batch, row, list(parts.items()), sign, f"{record.subject} {record.excerpt}")


def place_key(record: DirectMessage) -> str:
    """What makes a LinkedIn message one: conversation, instant, sender, text."""
    return "\x1f".join(
        (
            record.conversation,
            record.at.isoformat(),
            record.sender.linkedin or record.sender.name,
            record.excerpt,
        )
    )


class _Told(NamedTuple):
    kind: Kind
    what: str
    person: ProfileRef
    at: datetime
    direction: str


def _told(batch: Batch, told: _Told, text: str, place: Place, sign: int) -> int:
    key = _profile(batch, told.person, f"{told.what}{told.at}", sign)
    if key is None or key == OWNER_KEY:
        return OWNER_KEY
    batch.say(key, "entry", told.what, sign)
    at = epoch(_instant(told.at, place.zone))
    way = Way.IN if told.direction == "in" else Way.OUT
    row = _row(
        key64(told.what, str(key), str(at), told.direction),
        told.kind,
        at,
        way,
        place,
        author=key if way is Way.IN else OWNER_KEY,
    )
    _put(batch, row, [(key, Part.FROM if way is Way.IN else Part.TO)], sign, text)
    return key


# --- rows ---------------------------------------------------------------------------------------------------------


def _instant(at: datetime, zone: ZoneInfo) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=zone).astimezone(UTC)


def _row(
    key: int,
    kind: Kind,
    at: int,
    way: Way,
    place: Place,
    *,
    author: int,
    owner_part: int = 0,
    group_size: int = 2,
    signals: int = 0,
) -> InteractionRow:
    return InteractionRow(
        id=place.seq,
        key=key,
        kind=kind,
        at=at,
        ends_at=None,
        direction=way,
        owner_part=owner_part,
        author=author,
        thread=None,
        group_size=group_size,
        is_held=True,
        signals=signals,
        seq=place.seq,
        source=place.source,
        group=None,
        parts=b"",
    )


def _put(batch: Batch, row: InteractionRow, parts: list[tuple[int, int]], sign: int, text: str) -> None:
    if sign > 0:
        batch.happened(row._replace(parts=pack(parts)), parts)
        batch.texts[row.id] = text
    else:
        batch.taken_back(row.key, row.id, parts)

"""Erases people, and what the owner ruled out, from the stream and from everything derived of it.

One unit blanks the events, notes what must not come back and drops everything derived; then the book is made again
and the database's files are rewritten. Stopped after that unit, the next command makes the book again. Of an erased
person only salted hashes of their identities remain. What others wrote stays theirs: their mails and meetings lose
the person's address, and the person's name and addresses wherever their text spells them out.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from msgspec.structs import replace

from schemas.clock import epoch
from schemas.decisions import (
    AnyDecision,
    DigestComposed,
    FollowupDismissed,
    FollowupDone,
    FollowupSnoozed,
    FollowupsSurfaced,
    Forgotten,
    NeverIngest,
    Split,
)
from schemas.errors import UsageError
from schemas.events import (
    SOURCE_KINDS,
    VERSION,
    Erased,
    EventBody,
    Gone,
    decode_body,
    encode_body,
)
from schemas.ids import key64, public_id
from schemas.interface import Digest, DigestItem, Followup, encode
from schemas.records import SourceRecord, Task
from services.book import Book, append_decisions
from services.history.batch import OwnerKeys
from services.identity.keys import mailbox_key
from services.identity.names import folded
from services.ingest import body_digest, revision_of
from services.people import PersonRow, person_row
from services.reduction import named_in, without
from services.refusal import identity_hash, is_matched, outside, owner_keys, salt_of
from services.store import events as stream
from services.store import followups as followup_rows
from services.store import history as rows
from services.store import outbox, search
from services.store.events import Held, StoredEvent
from services.store.scrub import scrub
from services.store.unit import Duty, Unit

_GONE = "…"
_BATCH = 1_000
_SHORTEST, _LONGEST = 4, 120
_decode_digest = msgspec.json.Decoder(Digest).decode
_decode_followup = msgspec.json.Decoder(Followup).decode

Reduce = Callable[[SourceRecord], SourceRecord | None]


def forget(book: Book, row: PersonRow, salt: str) -> int:
    """Erase a person with all identities, from stream and history alike; how many events were touched.

    Later imports leave out what names one of the identities. Cannot be undone.

    Args:
        salt: 16 bytes of chance as text, for a book that has no salt of its own yet.
    """
    with book.store.write() as unit:
        _alone(unit, book.owner)
        found = rows.identities_of(unit, book.owner, [row.key]).get(row.key, [])
        identities = {f"{one.kind}:{one.value}" for one in found if not one.is_owner}
        owner = owner_keys(unit, book.owner)
        followups = _followups_of(unit, book.owner, row)
        traces = _traces(unit, book.owner, row, identities)
        erasing = _Erasing(
            unit,
            book.owner,
            lambda record: without(record, identities.__contains__, owner),
            identities.__contains__,
            public_id("p", row.key),
            followups,
            traces,
        )
        touched = erasing.run()
        salt = salt_of(unit, book.owner) or salt
        hashes = tuple(sorted(identity_hash(one, book.owner, salt) for one in identities))
        append_decisions(unit, book.owner, epoch(book.clock.now()), [Forgotten(hashes=hashes, salt=salt)])
        _drop_derived(unit, book.owner)
    _finish(book)
    return touched


def never_ingest(book: Book, pattern: str) -> int:
    """Rule out an address, a domain with all below it, or a label, backwards as well; how many events were touched.

    Raises:
        UsageError: the pattern is empty, or one of the owner's own addresses.
    """
    wanted = pattern.strip().lower().removeprefix("@")
    if not wanted:
        raise UsageError("There is nothing to rule out. Name an address, a domain or a label.")
    if "@" in wanted:
        wanted = mailbox_key(wanted)
    patterns = {wanted}
    with book.store.write() as unit:
        _alone(unit, book.owner)
        owner = owner_keys(unit, book.owner)
        if "@" in wanted and owner.owns(wanted):
            raise UsageError(
                f"{wanted} is your own address; ruling it out would rule out all your mail. Name somebody else's."
            )
        erasing = _Erasing(
            unit,
            book.owner,
            lambda record: outside(record, patterns, owner),
            _ruled_out(patterns, owner),
        )
        touched = erasing.run()
        append_decisions(unit, book.owner, epoch(book.clock.now()), [NeverIngest(pattern=wanted)])
        _drop_derived(unit, book.owner)
    _finish(book)
    return touched


def forget_account(book: Book, account: str, said: int | None = None) -> int:
    """Erase all that came from an account, from stream and history alike; how many events were touched.

    What is left is as if the account had never been connected. What other accounts and files brought stays, also where
    it is the same mail or meeting; so does the owner's word.

    Args:
        said: the event by which the account's address was made the owner's own, where that is to be taken back.
    """
    with book.store.write() as unit:
        _alone(unit, book.owner)
        known = _spellings(unit, book.owner)
        of_it = [key for key, (one, _) in stream.sources(unit, book.owner).items() if one == account]
        blank = {kind: encode_body(Erased(kind)) for kind in (*SOURCE_KINDS, "gone")}
        touched = stream.blank_sources(unit, book.owner, VERSION, of_it, blank)
        if said is not None:
            stream.blank_events(unit, book.owner, VERSION, {said: ("", "", encode_body(Erased("owner")))})
        stream.release_sources(unit, book.owner, of_it)
        stream.drop_cursors(unit, book.owner, account)
        stream.drop_rejects(unit, book.owner, account)
        _drop_derived(unit, book.owner)
        digests = stream.read_kinds(unit, book.owner, ("digest",))
    if digests:
        # What a digest quotes is known to be gone only once history has been made again without it.
        book.replay()
        with book.store.write() as unit:
            _alone(unit, book.owner)
            traces = _Traces(known - _spellings(unit, book.owner))
            _reduce_digests(unit, book.owner, digests, traces)
            _drop_derived(unit, book.owner)
    _finish(book)
    return touched


def _spellings(unit: Unit, who: int) -> set[str]:
    """How the people in the book are called, and what they do and where."""
    people = (person_row(shape) for _, _, shape in rows.people(unit, who))
    return {text for one in people for text in (one.name, one.title, one.organization, *one.emails)}


def _reduce_digests(unit: Unit, who: int, digests: Iterable[StoredEvent], traces: "_Traces") -> None:
    """Take out of digests what rests on anything, or names anybody, no longer there."""
    there = {public_id("p", key) for key, _, _ in rows.people(unit, who)}
    there.update(public_id("i", one.key) for one in rows.all_interactions(unit, who))
    there.update(_decode_followup(shape).id for shape in followup_rows.followups(unit, who, None))
    changed: dict[int, tuple[str, str, bytes]] = {}
    for event in digests:
        record = decode_body(event.body, event.kind, event.version)
        if isinstance(record, DigestComposed):
            body = encode_body(_digest_resting_on(record, there, traces))
            if body != event.body:
                changed[event.seq] = (event.external_id, event.revision, body)
    stream.blank_events(unit, who, VERSION, changed)


def _digest_resting_on(record: DigestComposed, there: set[str], traces: "_Traces") -> DigestComposed:
    try:
        digest = _decode_digest(record.body.encode())
    except msgspec.MsgspecError:
        return replace(record, followups=(), body="{}")
    count = sum(len(section.items) for section in digest.sections)
    for section in digest.sections:
        section.items = [
            one
            for one in section.items
            if there.issuperset(filter(None, (one.person, one.followup, *one.evidence)))
            and not traces.are_in_line(one)
        ]
    digest.sections = [section for section in digest.sections if section.items]
    if count == sum(len(section.items) for section in digest.sections):
        return record
    # Subject and numbers speak of what was taken out as well.
    digest.subject, digest.numbers = "", {}
    followups = tuple(one for one in record.followups if one in there)
    return replace(record, followups=followups, body=encode(digest).decode())


def _alone(unit: Unit, who: int) -> None:
    """Nobody tells the book, or appends what this pass would not see, until it is done."""
    unit.alone(who, Duty.TELL)
    unit.alone(0, Duty.APPEND)


def _ruled_out(patterns: set[str], owner: OwnerKeys) -> Callable[[str], bool]:
    def is_ruled_out(identity: str) -> bool:
        return is_matched(identity, patterns) and not owner.owns(identity.partition(":")[2])

    return is_ruled_out


def _followups_of(unit: Unit, who: int, row: PersonRow) -> frozenset[str]:
    kind = msgspec.json.Decoder(dict[str, Any])
    return frozenset(kind.decode(shape)["id"] for shape in followup_rows.followups(unit, who, row.key))


def _drop_derived(unit: Unit, who: int) -> None:
    rows.empty(unit, who)
    search.empty(unit, who)
    stream.set_position(unit, who, stream.HISTORY, 0, 0)


def _finish(book: Book) -> None:
    with book.store.write() as unit:
        others = [one for one, _ in stream.owners(unit) if one != book.owner]
        if others and unit.is_sqlite:
            # The index is one for all owners, and cannot drop the words of one.
            search.clear(unit)
    for one in others if book.store.engine.dialect.name == "sqlite" else ():
        Book(book.store, one, book.clock, book.habits).replay()
    book.replay()
    with book.store.write() as unit:
        outbox.blank_but(unit, book.owner, [one.id for one in book.followups()])
    scrub(book.store)


# --- what spells a person out -------------------------------------------------------------------------------------


class _Traces:
    """Finds a person's addresses and names in text, and puts an ellipsis there."""

    def __init__(self, spellings: Iterable[str]) -> None:
        known = sorted(
            {one for one in spellings if _SHORTEST <= len(one) <= _LONGEST}, key=lambda one: (-len(one), one)
        )
        parts = [r"\s+".join(re.escape(word) for word in one.split()) for one in known]
        body = "|".join(parts) or r"(?!)"
        self._loose = re.compile(body, re.IGNORECASE)
        self._exact = re.compile(rf"(?<!\w)(?:{body})(?!\w)", re.IGNORECASE)

    def may_be_in(self, text: str) -> bool:
        """Whether a text that holds escapes may spell the person out."""
        return self._loose.search(text) is not None

    def are_in(self, text: str) -> bool:
        """Whether a text spells the person out."""
        return self._exact.search(text) is not None

    def are_in_line(self, item: DigestItem) -> bool:
        """Whether a digest's line spells the person out."""
        return any(map(self.are_in, (item.text, item.why, item.about or "", item.name or "")))

    def removed(self, text: str) -> str:
        """The text without them."""
        return self._exact.sub(_GONE, text)

    def removed_from(self, value: Any) -> Any:
        """Plain values without them, however deep."""
        if isinstance(value, str):
            return self.removed(value)
        if isinstance(value, list):
            return [self.removed_from(one) for one in value]
        if isinstance(value, dict):
            return {key: self.removed_from(one) for key, one in value.items()}
        return value


def _traces(unit: Unit, who: int, row: PersonRow, identities: set[str]) -> _Traces:
    """Addresses, phones and profiles as sources spell them, and whole names that nobody else in the book bears."""
    found: set[str] = set()
    names: set[str] = {row.name}
    for event in stream.read_all(unit, who):
        record = decode_body(event.body, event.kind, event.version)
        if event.kind not in SOURCE_KINDS or isinstance(record, Gone | Erased):
            continue
        for one in named_in(record):  # type: ignore[arg-type]  # its kind says that it is a source's record
            if one.identity in identities:
                names.add(one.name)
                found.add(one.address)
    for identity in identities:
        kind, _, value = identity.partition(":")
        if kind == "linkedin":
            found.discard(value)
            found.add(f"linkedin.com/in/{value}")
        elif kind in {"email", "phone"}:
            found.add(value)
    borne = {folded(person_row(shape).name) for key, _, shape in rows.people(unit, who) if key != row.key}
    whole = {one for one in names if " " in one.strip() or not one.isascii()}
    return _Traces(found | {one for one in whole if folded(one) not in borne})


# --- one pass over the stream ---------------------------------------------------------------------------------------


class _Erasing:
    """Blanks or reduces every event that a reduction says something of, within one unit."""

    def __init__(
        self,
        unit: Unit,
        who: int,
        reduce: Reduce,
        is_erased: Callable[[str], bool],
        person: str = "",
        followups: frozenset[str] = frozenset(),
        traces: _Traces | None = None,
    ) -> None:
        self._unit = unit
        self._who = who
        self._reduce = reduce
        self._is_erased = is_erased
        self._person = person
        self._followups = followups
        self._traces = traces or _Traces(())
        self._sources: set[int] = set()
        self._blank: set[int] = set()

    def run(self) -> int:
        """How many events were touched."""
        touched = 0
        changed: list[tuple[StoredEvent, EventBody]] = []
        for event in stream.read_all(self._unit, self._who):
            left = self._left(event)
            if isinstance(left, Erased):
                self._blank.add(event.seq)
            if left is not None:
                changed.append((event, left))
            if len(changed) >= _BATCH:
                touched += self._write(changed)
                changed = []
        touched += self._write(changed)
        accounts = stream.sources(self._unit, self._who)
        for account in {accounts[one][0] for one in self._sources}:
            # A cursor's tally counts what is no longer held.
            stream.drop_cursors(self._unit, self._who, account)
        spelt = [
            key
            for key, one in stream.keyed_rejects(self._unit, self._who)
            if self._traces.are_in(one.where) or self._traces.are_in(one.reason)
        ]
        stream.drop_these_rejects(self._unit, self._who, spelt)
        return touched

    def _left(self, event: StoredEvent) -> EventBody | None:
        """What an event's body becomes; None when it stays as it is."""
        record = decode_body(event.body, event.kind, event.version)
        if isinstance(record, Erased):
            return None
        if isinstance(record, Gone):
            return Erased(event.kind) if event.replaces in self._blank else None
        # The kind says whether it is a source's record or a decision.
        is_sources = event.kind in SOURCE_KINDS
        left: EventBody | None = self._reduce(record) if is_sources else self._said(record)  # type: ignore[arg-type]
        if isinstance(record, Task) and record.key in self._followups:
            left = None
        if left is None or self._traces.are_in(event.external_id):
            return Erased(event.kind)
        left = self._without_traces(left, event)
        return None if left == record else left

    def _without_traces(self, left: EventBody, event: StoredEvent) -> EventBody:
        body = encode_body(left)
        if not self._traces.may_be_in(body.decode()):
            return left
        cleaned = msgspec.json.encode(self._traces.removed_from(msgspec.json.decode(body)))
        return decode_body(cleaned, event.kind, VERSION)

    def _said(self, record: AnyDecision) -> AnyDecision | None:
        match record:
            case DigestComposed():
                return self._digest(record)
            case FollowupsSurfaced():
                shown = tuple(one for one in record.followups if one not in self._followups)
                return replace(record, followups=shown) if shown else None
            case FollowupDone() | FollowupSnoozed() | FollowupDismissed() if (
                record.followup in self._followups
            ):
                return None
            case Split():
                left = tuple(one for one in record.left if not self._is_erased(one))
                right = tuple(one for one in record.right if not self._is_erased(one))
                return replace(record, left=left, right=right) if left and right else None
            case _:
                named = (getattr(record, name, "") for name in ("person", "a", "b", "identity"))
                return None if any(one and self._is_erased(one) for one in named) else record

    def _digest(self, record: DigestComposed) -> DigestComposed | None:
        try:
            digest = _decode_digest(record.body.encode())
        except msgspec.MsgspecError:
            return None
        for section in digest.sections:
            section.items = [
                one
                for one in section.items
                if one.person != self._person
                and one.followup not in self._followups
                and not self._traces.are_in_line(one)
            ]
        digest.sections = [section for section in digest.sections if section.items]
        left = self._traces.removed_from(msgspec.json.decode(encode(digest)))
        followups = tuple(one for one in record.followups if one not in self._followups)
        return replace(record, followups=followups, body=msgspec.json.encode(left).decode())

    def _write(self, changed: list[tuple[StoredEvent, EventBody]]) -> int:
        if not changed:
            return 0
        keys = [key64(str(event.source), event.external_id) for event, _ in changed]
        held = stream.held_of(self._unit, self._who, keys)
        blank: dict[int, tuple[str, str, bytes]] = {}
        kept: list[tuple[int, Held]] = []
        released: list[int] = []
        for key, (event, left) in zip(keys, changed, strict=True):
            self._sources.add(event.source)
            is_newest = key in held and held[key].seq == event.seq
            if isinstance(left, Erased):
                blank[event.seq] = ("", "", encode_body(left))
                released += [key] if is_newest else []
                continue
            stamp, digest = self._as_admitted(event)
            is_sources = event.kind in SOURCE_KINDS
            revision = revision_of(stamp, digest) if is_sources else event.revision
            blank[event.seq] = (event.external_id, revision, encode_body(left))
            if is_newest:
                kept.append(
                    (event.source, Held(key, held[key].stamp, digest, held[key].fingerprint, event.seq))
                )
        stream.blank_events(self._unit, self._who, VERSION, blank)
        stream.release(self._unit, self._who, released)
        stream.hold(self._unit, self._who, kept)
        return len(changed)

    def _as_admitted(self, event: StoredEvent) -> tuple[str, int]:
        """Stamp and digest as a later import of the same item has them: reduced, with the text its author wrote."""
        record = decode_body(event.body, event.kind, event.version)
        left = self._reduce(record) if event.kind in SOURCE_KINDS else None  # type: ignore[arg-type]  # likewise
        return event.revision.rpartition("~")[0], body_digest(encode_body(left) if left else event.body)

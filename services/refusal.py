"""What is never taken in: what the owner ruled out, and people who were erased.

Erased people leave only salted hashes behind, so that later imports respect the erasure without naming anybody.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b

from msgspec.structs import replace

from schemas.connector import Upsert
from schemas.decisions import Forgotten, NeverIngest, OwnerDeclared
from schemas.events import EventBody, decode_body
from schemas.records import ExportSeen, Message, OwnProfile, SourceRecord
from services.history.batch import OwnerKeys
from services.identity.keys import domain_of, own_mailbox_key
from services.reduction import named_in, without
from services.store import events as stream
from services.store import history as rows
from services.store.unit import Unit

ERASED = "about somebody you had erased"
RULED_OUT = "on your never-ingest list"

Admit = Callable[[Upsert], Upsert | str]
"""The item as it may be taken in, less people who were erased; or the reason why it is left out."""


def refusals(unit: Unit, who: int) -> Admit:
    """What becomes of an item by the owner's words so far."""
    patterns: set[str] = set()
    erased: dict[str, set[str]] = defaultdict(set)
    for record in _said(unit, who, ("never", "forgotten")):
        if isinstance(record, NeverIngest):
            patterns.add(record.pattern.lower())
        elif isinstance(record, Forgotten):
            erased[record.salt].update(record.hashes)
    if not patterns and not erased:
        return lambda change: change
    owner = owner_keys(unit, who)

    @lru_cache(maxsize=65_536)
    def is_erased(identity: str) -> bool:
        return any(identity_hash(identity, who, salt) in hashes for salt, hashes in erased.items())

    def admit(change: Upsert) -> Upsert | str:
        left = outside(change.record, patterns, owner) if patterns else change.record
        if left is None:
            return RULED_OUT
        left = without(left, is_erased, owner) if erased else left
        if left is None:
            return ERASED
        return change if left is change.record else replace(change, record=left)

    return admit


def outside(record: SourceRecord, patterns: set[str], owner: OwnerKeys) -> SourceRecord | None:
    """The record; None when it bears a label, or names somebody but the owner, that is ruled out."""
    if isinstance(record, ExportSeen):
        return without(record, lambda identity: is_matched(identity, patterns), owner)
    if isinstance(record, Message) and any(label.lower() in patterns for label in record.labels):
        return None
    is_named = any(
        is_matched(one.identity, patterns) and not owner.owns(one.identity.partition(":")[2])
        for one in named_in(record)
    )
    return None if is_named else record


def is_matched(identity: str, patterns: set[str]) -> bool:
    """Whether an identity is an address, or at a domain or below one, that a pattern names."""
    _, _, value = identity.partition(":")
    if value in patterns:
        return True
    domain = domain_of(value)
    while "." in domain:
        if domain in patterns:
            return True
        domain = domain.partition(".")[2]
    return False


def identity_hash(identity: str, who: int, salt: str) -> str:
    """What is kept of an erased identity; without a salt, as the first releases kept it."""
    raw, person = identity.encode(), b"kith-forgotten"
    if not salt:
        return blake2b(raw, digest_size=16, salt=str(who).encode()[:16], person=person).hexdigest()
    return blake2b(raw, digest_size=16, key=salt.encode(), person=person).hexdigest()


def salt_of(unit: Unit, who: int) -> str:
    """The salt of the book's erasures; empty before the first."""
    salts = (one.salt for one in _said(unit, who, ("forgotten",)) if isinstance(one, Forgotten))
    return next(filter(None, salts), "")


def owner_keys(unit: Unit, who: int) -> OwnerKeys:
    """How the owner is known, by everything the stream says."""
    keys = OwnerKeys()
    for record in _said(unit, who, ("owner", "own_profile")):
        if isinstance(record, OwnerDeclared):
            keys.mailboxes.update(own_mailbox_key(address) for address in record.emails)
            keys.name = record.name
        elif isinstance(record, OwnProfile):
            keys.mailboxes.update(own_mailbox_key(address) for address in record.emails)
            keys.slugs.update({record.linkedin} - {""})
    return keys


def _said(unit: Unit, who: int, kinds: Sequence[str]) -> Iterator[EventBody]:
    """What was said of a few kinds: as far as the book has been kept from its words, beyond that from the stream.

    A replay that was stopped half-way must not let in what the owner ruled out.
    """
    for _, kind, body in rows.words(unit, who, kinds):
        yield decode_body(body, kind, 1)
    seq, _ = stream.position(unit, who, stream.HISTORY)
    for event in stream.read_kinds(unit, who, kinds, seq):
        yield decode_body(event.body, event.kind, event.version)

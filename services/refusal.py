"""What is never taken in: what the owner ruled out, and people who were erased.

Erased people leave only salted hashes behind, so that later imports respect the erasure without naming anybody.
"""

from collections.abc import Callable, Iterable
from hashlib import blake2b

from schemas.connector import Upsert
from schemas.decisions import Forgotten, NeverIngest
from schemas.events import decode_body
from schemas.records import (
    Connection,
    ConnectionNote,
    Contact,
    DirectMessage,
    Endorsement,
    Invitation,
    Meeting,
    Message,
    Recommendation,
    SourceRecord,
)
from services.identity.keys import domain_of, mailbox_key
from services.store import history as rows
from services.store.unit import Unit

ERASED = "about somebody you had erased"
RULED_OUT = "on your never-ingest list"


def refusals(unit: Unit, who: int) -> Callable[[Upsert], str | None]:
    """The reason why an item must be left out, or None, by the owner's words so far."""
    patterns: set[str] = set()
    hashes: set[str] = set()
    for _, kind, body in rows.words(unit, who, ("never", "forgotten")):
        record = decode_body(body, kind, 1)
        if isinstance(record, NeverIngest):
            patterns.add(record.pattern.lower())
        elif isinstance(record, Forgotten):
            hashes.update(record.hashes)
    if not patterns and not hashes:
        return lambda _: None

    def reason(change: Upsert) -> str | None:
        identities = list(identities_in(change.record))
        if hashes and any(identity_hash(identity, who) in hashes for identity in identities):
            return ERASED
        labels = change.record.labels if isinstance(change.record, Message) else ()
        if patterns and any(is_ruled_out(identity, patterns) for identity in identities):
            return RULED_OUT
        return RULED_OUT if any(label.lower() in patterns for label in labels) else None

    return reason


def is_ruled_out(identity: str, patterns: set[str]) -> bool:
    """Whether an identity is an address, or at a domain, that the owner ruled out."""
    _, _, value = identity.partition(":")
    domain = domain_of(value)
    return value in patterns or (
        bool(domain) and any(domain == pattern or domain.endswith(f".{pattern}") for pattern in patterns)
    )


def identity_hash(identity: str, who: int) -> str:
    """What is kept of an erased identity."""
    return blake2b(
        identity.encode(), digest_size=16, salt=str(who).encode()[:16], person=b"kith-forgotten"
    ).hexdigest()


def identities_in(record: SourceRecord) -> Iterable[str]:
    """Every identity that a record names, as `kind:value`."""
    match record:
        case Message():
            for mailbox in (record.sender, *record.to, *record.cc, *record.bcc):
                yield f"email:{mailbox_key(mailbox.address)}"
        case Meeting():
            if record.organizer:
                yield f"email:{mailbox_key(record.organizer.address)}"
            for attendee in record.attendees:
                yield f"email:{mailbox_key(attendee.address)}"
        case Contact():
            yield from (f"email:{mailbox_key(address)}" for address in record.emails)
            yield from (f"phone:{number}" for number in record.phones)
            yield f"linkedin:{record.linkedin}"
        case Connection():
            yield f"linkedin:{record.linkedin}"
            if record.email:
                yield f"email:{mailbox_key(record.email)}"
        case DirectMessage():
            yield from (f"linkedin:{ref.linkedin}" for ref in (record.sender, *record.to))
        case Invitation() | Recommendation() | Endorsement() | ConnectionNote():
            yield f"linkedin:{record.person.linkedin}"
        case _:
            return

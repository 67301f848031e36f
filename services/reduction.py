"""Records less some of the people in them: what erasure leaves of the stream, and what later imports let in.

Pure. Both go through `without`, so that an item read before an erasure and the same item read after it come to the
same record.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from msgspec.structs import replace

from schemas.records import (
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
    ProfileRef,
    Recommendation,
    SourceRecord,
)
from services.history.batch import OwnerKeys
from services.identity.keys import mailbox_key
from services.identity.names import folded

IsErased = Callable[[str], bool]
"""Whether an identity, as `kind:value`, is one of somebody to leave out."""


class Named(NamedTuple):
    """One of those a record names: the identity, and how the record spells its address and name."""

    identity: str
    address: str = ""
    name: str = ""


def email_identity(address: str) -> str:
    """The identity of an address, as `kind:value`."""
    return f"email:{mailbox_key(address)}"


def profile_identity(ref: ProfileRef, conversation: str = "") -> str:
    """The identity of a LinkedIn member; without a profile it is a name, which stands for itself alone."""
    if ref.linkedin:
        return f"linkedin:{ref.linkedin}"
    if ref.name.casefold() == "linkedin member":
        return f"linkedin_closed:{conversation}"
    return f"linkedin_name:{folded(ref.name)}"


def named_in(record: SourceRecord) -> Iterator[Named]:
    """Everybody a record names, the owner included."""
    match record:
        case Message():
            for mailbox in (record.sender, *record.to, *record.cc, *record.bcc, *record.reply_to):
                yield _of_mailbox(mailbox)
            for address in record.failed:
                yield Named(email_identity(address), address)
            for signal in record.signals:
                for address in signal.about:
                    yield Named(email_identity(address), address)
        case Meeting():
            if record.organizer:
                yield _of_mailbox(record.organizer)
            for one in record.attendees:
                yield Named(email_identity(one.address), one.address, one.name)
        case Contact():
            for address in record.emails:
                yield Named(email_identity(address), address, record.name)
            for number in record.phones:
                yield Named(f"phone:{number}", number, record.name)
            if record.linkedin:
                yield Named(f"linkedin:{record.linkedin}", record.linkedin, record.name)
            if not (record.emails or record.phones or record.linkedin):
                yield Named(f"name:{folded(record.name)}", "", record.name)
        case Connection():
            if record.linkedin:
                yield Named(f"linkedin:{record.linkedin}", record.linkedin, record.name)
            if record.email:
                yield Named(email_identity(record.email), record.email, record.name)
            if not (record.linkedin or record.email):
                yield Named(f"linkedin_name:{folded(record.name)}", "", record.name)
        case DirectMessage():
            for ref in (record.sender, *record.to):
                yield Named(profile_identity(ref, record.conversation), ref.linkedin, ref.name)
        case Invitation() | Recommendation() | Endorsement() | ConnectionNote():
            what = str(record.__struct_config__.tag)
            identity = profile_identity(record.person, f"{what}{record.at}")
            yield Named(identity, record.person.linkedin, record.person.name)
        case ExportSeen():
            for key in record.connections:
                yield Named(_tie(key), key.removeprefix("email:"))
        case _:
            return


def without(record: SourceRecord, is_erased: IsErased, owner: OwnerKeys) -> SourceRecord | None:
    """The record less those people; None when it was theirs, or about nobody else but the owner."""
    match record:
        case Message():
            return _message(record, is_erased, owner)
        case Meeting():
            return _meeting(record, is_erased, owner)
        case DirectMessage():
            return _direct_message(record, is_erased, owner)
        case ExportSeen():
            kept = tuple(key for key in record.connections if not is_erased(_tie(key)))
            return record if kept == record.connections else replace(record, connections=kept)
        case _:
            return None if any(is_erased(one.identity) for one in named_in(record)) else record


def _of_mailbox(mailbox: Mailbox) -> Named:
    return Named(email_identity(mailbox.address), mailbox.address, mailbox.name)


def _tie(key: str) -> str:
    """A tie is listed by its profile or, as `email:…`, by its address."""
    return email_identity(key.removeprefix("email:")) if key.startswith("email:") else f"linkedin:{key}"


def _message(record: Message, is_erased: IsErased, owner: OwnerKeys) -> Message | None:
    def stays(address: str) -> bool:
        return not is_erased(email_identity(address))

    def kept(mailboxes: tuple[Mailbox, ...]) -> tuple[Mailbox, ...]:
        return tuple(one for one in mailboxes if stays(one.address))

    if not stays(record.sender.address):
        return None
    failed = tuple(address for address in record.failed if stays(address))
    if failed != record.failed:
        return None  # a bounce quotes the address that failed, and is about nothing else
    signals = tuple(one for one in record.signals if all(map(stays, one.about)))
    left = replace(
        record,
        to=kept(record.to),
        cc=kept(record.cc),
        bcc=kept(record.bcc),
        reply_to=kept(record.reply_to),
        signals=signals,
    )
    if left == record:
        return record
    left = replace(left, text="")  # a whole text quotes and greets those it went to
    others = (one for one in (left.sender, *left.to, *left.cc, *left.bcc) if not owner.owns(one.address))
    return left if any(others) else None


def _meeting(record: Meeting, is_erased: IsErased, owner: OwnerKeys) -> Meeting | None:
    def stays(address: str) -> bool:
        return not is_erased(email_identity(address))

    attendees = tuple(one for one in record.attendees if stays(one.address))
    was_theirs = record.organizer is not None and not stays(record.organizer.address)
    if attendees == record.attendees and not was_theirs:
        return record
    others = [one.address for one in attendees if one.kind == "individual"]
    if record.organizer and not was_theirs:
        others.append(record.organizer.address)
    if all(owner.owns(address) for address in others):
        return None
    left = replace(record, attendees=attendees)
    return replace(left, organizer=None, summary="", location="") if was_theirs else left


def _direct_message(record: DirectMessage, is_erased: IsErased, owner: OwnerKeys) -> DirectMessage | None:
    def stays(ref: ProfileRef) -> bool:
        return not is_erased(profile_identity(ref, record.conversation))

    if not stays(record.sender):
        return None
    to = tuple(ref for ref in record.to if stays(ref))
    if to == record.to:
        return record
    others = (
        ref for ref in (record.sender, *to) if ref.linkedin not in owner.slugs and ref.name != owner.name
    )
    return replace(record, to=to, text="") if any(others) else None

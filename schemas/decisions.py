"""What the owner said; each decision is an event of the stream, so that a replay respects it.

People are named by identities (`email:ana@example.com`), never by person ids, so that decisions keep their meaning
when people are merged. Follow-ups are named by their ids, which derive from their reasons.
"""

from datetime import date, datetime
from typing import Literal

from msgspec import Struct


class Decision(Struct, frozen=True, omit_defaults=True, tag_field="type", kw_only=True):
    """Anything the owner can decide."""


class OwnerDeclared(Decision, frozen=True, tag="owner"):
    """Who the owner is: name, every address of their own (first is the main one), IANA zone, own domains."""

    name: str
    emails: tuple[str, ...]
    timezone: str
    domains: tuple[str, ...] = ()


class Merge(Decision, frozen=True, tag="merge"):
    """Two identities belong to one person."""

    a: str
    b: str


class Split(Decision, frozen=True, tag="split"):
    """The identities on the left belong to another person than those on the right."""

    left: tuple[str, ...]
    right: tuple[str, ...]


class Distinct(Decision, frozen=True, tag="distinct"):
    """A proposed pair is not one person; it is not proposed again."""

    a: str
    b: str


class RolesSet(Decision, frozen=True, tag="role"):
    """The person has, or no longer has, these roles."""

    person: str
    roles: tuple[str, ...]
    remove: bool = False


class TagsSet(Decision, frozen=True, tag="tag"):
    """The person has, or no longer has, these tags."""

    person: str
    tags: tuple[str, ...]
    remove: bool = False


class CadenceSet(Decision, frozen=True, tag="cadence"):
    """How often the owner wants to be in touch; None ends it."""

    person: str
    days: int | None


class NoteWritten(Decision, frozen=True, tag="owner_note"):
    """The owner's own note on a person."""

    person: str
    at: datetime
    text: str


class FavourNoted(Decision, frozen=True, tag="favour"):
    """A favour given or received, in the owner's words."""

    person: str
    at: datetime
    direction: Literal["given", "received"]
    text: str


class FollowupDone(Decision, frozen=True, tag="done"):
    """The owner did it; `by` tells where they said so."""

    followup: str
    at: datetime
    by: Literal["owner", "tool"] = "owner"


class FollowupSnoozed(Decision, frozen=True, tag="snooze"):
    """Not before this day."""

    followup: str
    at: datetime
    until: date


class FollowupDismissed(Decision, frozen=True, tag="dismiss"):
    """Not this one; with `never`, no follow-up of this rule for this person again."""

    followup: str
    at: datetime
    never: bool = False
    rule: str = ""
    person: str = ""
    by: Literal["owner", "tool"] = "owner"


class PersonMuted(Decision, frozen=True, tag="mute"):
    """No follow-ups for this person, or follow-ups again."""

    person: str
    at: datetime
    muted: bool = True


class VerdictGiven(Decision, frozen=True, tag="verdict"):
    """An address or a whole domain is a machine, or is human, whatever its headers say."""

    identity: str
    is_automated: bool


class NeverIngest(Decision, frozen=True, tag="never"):
    """Nothing of this address, domain or label is kept, backwards and from now on."""

    pattern: str


class Forgotten(Decision, frozen=True, tag="forgotten"):
    """A person was erased; only salted hashes of the identities remain, so that later syncs respect it.

    `salt` is a book's own. Erasures by the first releases have none: theirs was the owner's number.
    """

    hashes: tuple[str, ...]
    salt: str = ""


class DigestComposed(Decision, frozen=True, tag="digest"):
    """A digest was composed and showed these follow-ups; `body` is its JSON shape."""

    week: str
    at: datetime
    followups: tuple[str, ...]
    body: str


class FollowupsSurfaced(Decision, frozen=True, tag="surfaced"):
    """These follow-ups were put before the owner, in a to-do tool, within the cap of this ISO week."""

    week: str
    at: datetime
    followups: tuple[str, ...]


class DigestMailSet(Decision, frozen=True, tag="digest_mail"):
    """Whether the owner gets the weekly digest as a mail; it lies in the home in either case."""

    at: datetime
    is_on: bool


AnyDecision = (
    OwnerDeclared
    | Merge
    | Split
    | Distinct
    | RolesSet
    | TagsSet
    | CadenceSet
    | NoteWritten
    | FavourNoted
    | FollowupDone
    | FollowupSnoozed
    | FollowupDismissed
    | PersonMuted
    | VerdictGiven
    | NeverIngest
    | Forgotten
    | DigestComposed
    | FollowupsSurfaced
    | DigestMailSet
)

"""What a rule finds in the facts: why a follow-up came about, and what ended it; never how the owner acted."""

from datetime import date, datetime

from msgspec import Struct

from schemas.ids import key64, public_id
from schemas.interface import Rule
from services.state import PersonView


class Closure(Struct, frozen=True, kw_only=True):
    """The first thing that happened after a reason and ended it.

    `how` is the clause told to the owner ("you answered"), `subject` what the interaction calls itself.
    """

    at: datetime
    interaction: str
    how: str
    subject: str = ""


class Reason(Struct, frozen=True, kw_only=True):
    """Why the owner may want to act.

    `key` names the reason for good: interaction ids where there are any, for person ids change with merges.
    `raised_at` is the instant its condition came true. A reason is fresh when `fresh_at` (else `raised_at`) lies
    within the lookback; a `is_standing` one says how things are now (silence), not what happened, and is always
    fresh while it stands. `is_quiet` reasons are told only of follow-ups that the owner has already seen.
    """

    rule: Rule
    key: tuple[str, ...]
    person: str | None
    people: tuple[str, ...]
    title: str
    why: str
    raised_at: datetime
    evidence: tuple[str, ...] = ()
    due: date | None = None
    closure: Closure | None = None
    expires_at: datetime | None = None
    fresh_at: datetime | None = None
    is_standing: bool = False
    is_quiet: bool = False

    @property
    def id(self) -> str:
        """The follow-up's id: equal reasons have equal ids on every run."""
        return followup_id(self.rule, self.key)


def followup_id(rule: Rule, key: tuple[str, ...]) -> str:
    """The id of the follow-up that this rule raises for this key."""
    return public_id("f", key64("followup", rule, *key))


def identity(view: PersonView) -> str:
    """What names the person for good where no interaction can: the profile, else the smallest identity."""
    profiles = sorted(one for one in view.identities if one.startswith("linkedin:"))
    return profiles[0] if profiles else min(view.identities, default=view.id)


def earliest(*closures: Closure | None) -> Closure | None:
    """The closure that happened first, ties broken by interaction id."""
    found = [closure for closure in closures if closure is not None]
    return min(found, key=lambda closure: (closure.at, closure.interaction), default=None)

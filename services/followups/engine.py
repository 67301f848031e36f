"""Follow-ups as a pure function of the facts, the owner's acts and the instant; no history of its own.

    reason in the facts ──► open ──evidence──────────────► satisfied
                             │ ▲  ──done─────────────────► done
                      snooze │ │  ──dismiss, never, mute─► dismissed
                             ▼ │  ──its time has passed──► expired
                           snoozed

What happened first closes it, whatever its order of arrival; a dismissal is lasting and stands above all. Facts read
in another order, or replayed, give equal follow-ups. A reason whose end came before it was raised raises nothing,
unless the owner has already seen it: then it is told how it ended.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from msgspec import Struct

from schemas.interface import Followup, FollowupState
from schemas.interface import Rule as RuleName
from services.followups import words
from services.followups.days import day_start
from services.followups.facts import Facts
from services.followups.reason import Closure, Reason
from services.followups.rules import (
    awaiting_me,
    awaiting_them,
    conference,
    congratulate,
    keep_in_touch,
    meeting,
    new_connection,
    promise,
    reconnect,
    thanks,
)
from services.state import Act, State

RULES: Final[Mapping[RuleName, Callable[[Facts], Iterator[Reason]]]] = {
    "awaiting_me": awaiting_me.reasons,
    "promise": promise.reasons,
    "thanks": thanks.reasons,
    "awaiting_them": awaiting_them.reasons,
    "meeting": meeting.reasons,
    "conference": conference.reasons,
    "keep_in_touch": keep_in_touch.reasons,
    "reconnect": reconnect.reasons,
    "new_connection": new_connection.reasons,
    "congratulate": congratulate.reasons,
}
"""In the order of the digest."""

OPEN_FOR: Final = timedelta(days=60)
"""An open follow-up whose reason is older than this, and than the lookback, has answered itself."""
THANKS_WITHIN: Final = timedelta(days=7)
SNOOZED_FOR: Final = timedelta(days=7)
"""A snoozed follow-up is open for at least so long when its day comes."""


class _Ending(Struct, frozen=True):
    """How a follow-up stands: its state, and when and by what it ended."""

    state: FollowupState
    at: datetime | None = None
    by: str | None = None
    until: date | None = None


def followups(state: State) -> list[Followup]:
    """Every follow-up raised within the lookback or seen by the owner, as it stands now, the newest last."""
    facts = Facts(state)
    acts: dict[str, list[Act]] = defaultdict(list)
    for act in sorted((one for one in state.acts if one.at <= state.now), key=lambda one: one.at):
        acts[act.followup].append(act)
    surfaced: dict[str, datetime] = {}
    for one in state.surfaced:
        if one.at <= state.now:
            surfaced[one.followup] = min(one.at, surfaced.get(one.followup, one.at))
    found = {
        reason.id: reason for find in RULES.values() for reason in find(facts) if _is_raised(facts, reason)
    }
    nevers = _nevers(facts, found)
    listed = [
        _followup(facts, reason, _ending(facts, reason, acts[followup], nevers), surfaced.get(followup))
        for followup, reason in found.items()
        if followup in facts.seen or not _is_refused(facts, reason, nevers)
    ]
    return sorted(listed, key=lambda one: (one.created_at, one.id))


def _is_raised(facts: Facts, reason: Reason) -> bool:
    """Whether the reason has come true, was not over by then, and is not too old to begin with."""
    if reason.raised_at > facts.now:
        return False
    if reason.id in facts.seen:
        return True
    if reason.is_quiet or (reason.closure is not None and reason.closure.at < reason.raised_at):
        return False
    if reason.is_standing:
        return True
    lookback = min(facts.state.lookback, THANKS_WITHIN) if reason.rule == "thanks" else facts.state.lookback
    began = min(facts.now, facts.state.began_at or facts.now)
    return (reason.fresh_at or reason.raised_at) >= began - lookback


def _nevers(facts: Facts, found: Mapping[str, Reason]) -> dict[tuple[str, str], datetime]:
    """Since when the owner wants no more of a rule for a person, by rule and person id."""
    by_identity = {one: view.id for view in facts.people.values() for one in view.identities}
    nevers: dict[tuple[str, str], datetime] = {}
    for act in facts.state.acts:
        if act.kind != "never" or act.at > facts.now:
            continue
        reason = found.get(act.followup)
        rule = act.rule or (reason.rule if reason is not None else "")
        person = (
            by_identity.get(act.person, act.person) or (reason.person if reason is not None else "") or ""
        )
        if rule and person:
            nevers[rule, person] = min(act.at, nevers.get((rule, person), act.at))
    return nevers


def _is_refused(facts: Facts, reason: Reason, nevers: Mapping[tuple[str, str], datetime]) -> bool:
    """Whether the owner had said beforehand that they want none of these."""
    if reason.person is None:
        return False
    view = facts.people.get(reason.person)
    if view is not None and view.is_muted:
        return True
    said_at = nevers.get((reason.rule, reason.person))
    return said_at is not None and reason.raised_at > said_at


def _ending(
    facts: Facts, reason: Reason, acts: Sequence[Act], nevers: Mapping[tuple[str, str], datetime]
) -> _Ending:
    expires_at = _expires_at(facts, reason)
    until: date | None = None
    done: Act | None = None
    dismissed: Act | None = None
    unwanted = nevers.get((reason.rule, reason.person or ""))
    for act in acts:
        match act.kind:
            case "done":
                done = done or act
            case "dismiss" | "never":
                dismissed = dismissed or act
            case "snooze" if act.until is not None:
                until = act.until
                if expires_at is not None:
                    expires_at = max(expires_at, day_start(until, facts.zone) + SNOOZED_FOR)
            case _:
                pass
    view = facts.people.get(reason.person or "")
    closed = reason.closure
    ends: list[tuple[datetime, int, _Ending]] = []
    if closed is not None and closed.at <= facts.now:
        at = max(closed.at, reason.raised_at)
        ends.append((at, 0, _Ending("satisfied", at, closed.interaction or None)))
    if done is not None:
        at = max(done.at, reason.raised_at)
        ends.append((at, 1, _Ending("done", at, done.by)))
    if expires_at is not None and expires_at <= facts.now:
        ends.append((expires_at, 2, _Ending("expired", expires_at)))
    if unwanted is not None and dismissed is None:
        at = max(unwanted, reason.raised_at)
        ends.append((at, 3, _Ending("dismissed", at, "owner")))
    if dismissed is not None:
        return _Ending("dismissed", max(dismissed.at, reason.raised_at), dismissed.by)
    if ends:
        return min(ends, key=lambda one: one[:2])[2]
    if view is not None and view.is_muted:
        return _Ending("dismissed", view.muted_at, "owner")
    if until is not None and facts.today < until:
        return _Ending("snoozed", until=until)
    return _Ending("open")


def _expires_at(facts: Facts, reason: Reason) -> datetime | None:
    if reason.expires_at is not None:
        return reason.expires_at
    if reason.is_standing or reason.rule in {"keep_in_touch", "reconnect"}:
        return None
    return reason.raised_at + max(OPEN_FOR, facts.state.lookback)


def _followup(facts: Facts, reason: Reason, ending: _Ending, surfaced_at: datetime | None) -> Followup:
    why = reason.why
    if ending.state == "satisfied" and reason.closure is not None:
        why = f"{why} {closing(facts, reason.closure)}"
    return Followup(
        id=reason.id,
        rule=reason.rule,
        person=reason.person,
        people=list(reason.people),
        title=reason.title,
        why=why,
        evidence=list(reason.evidence),
        due=reason.due,
        created_at=reason.raised_at,
        state=ending.state,
        until=ending.until,
        closed_at=ending.at,
        closed_by=ending.by,
        surfaced_at=surfaced_at,
        tasks=[],
    )


def closing(facts: Facts, closure: Closure) -> str:
    """How it completed itself, such as: Done: you answered on Wednesday at 9:14 (Re: Board prep)."""
    local = closure.at.astimezone(facts.zone)
    subject = words.one_line(closure.subject, 80)
    return (
        f"Done: {closure.how} {facts.on(closure.at)} at {local.hour}:{local.minute:02}"
        f"{f' ({subject})' if subject else ''}."
    )

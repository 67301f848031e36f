"""F6: the owner's rhythm with a person has run out, by the last real contact on any channel.

    contact ──rhythm passes──► raised ──next contact──► over
                                  └ ────done or dismissed by the owner──► raised again one rhythm later

The rhythm is the person's own, or comes with a role the owner gave; 0 turns it off. Quiet while a meeting is booked.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from services.followups import words
from services.followups.days import past_weekend
from services.followups.facts import Contact, Facts
from services.followups.reason import Closure, Reason, followup_id, identity
from services.state import PersonView

ROLE_DAYS: Final = {
    "mentor": 42,
    "sponsor": 56,
    "mentee": 42,
    "ally": 56,
    "nurturer": 42,
    "client": 56,
    "friendly critic": 90,
    "information source": 90,
}
"""A rhythm for those who hold a role. Managers and reports have a rule of their own; peers are met anyway."""
_ROUNDS_AT_MOST = 40


def rhythm(view: PersonView) -> tuple[int, str] | None:
    """The rhythm in days and the role it comes from, if any; None when the owner asked for none."""
    if view.cadence_days is not None:
        return (view.cadence_days, "") if view.cadence_days > 0 else None
    roles = [role.casefold().replace("-", " ").replace("_", " ") for role in view.roles]
    return min(((ROLE_DAYS[role], role) for role in roles if role in ROLE_DAYS), default=None)


def reasons(facts: Facts) -> Iterator[Reason]:
    """One reason for each time the rhythm ran out: the present silence, and the ones that ended of late."""
    ended: dict[str, datetime] = {}
    for act in sorted(facts.state.acts, key=lambda one: one.at):
        if act.kind in {"done", "dismiss"} and act.at <= facts.now:
            ended.setdefault(act.followup, act.at)
    for person, view in facts.people.items():
        found = rhythm(view)
        if found is None or facts.real(person) is None:
            continue
        contacts = facts.contacts(person)
        if view.last_at is not None and view.last_at <= facts.now:
            newest = contacts[-1].at if contacts else None
            if newest is None or view.last_at > newest:
                contacts.append(Contact(view.last_at, view.last_at, "", view.last_channel or "contact"))
        for at, last in enumerate(contacts):
            following = contacts[at + 1] if at + 1 < len(contacts) else None
            yield from _rounds(facts, view, found, last, following, ended)


def _rounds(
    facts: Facts,
    view: PersonView,
    found: tuple[int, str],
    last: Contact,
    following: Contact | None,
    ended: dict[str, datetime],
) -> Iterator[Reason]:
    """The follow-ups of one silence: the first, and one more each time the owner ended it without a contact."""
    days, _ = found
    since = last.over_at
    # One message or meeting can be the last contact with several people: the identity tells them apart.
    base = (last.id or last.at.isoformat(), identity(view))
    for turn in range(_ROUNDS_AT_MOST):
        raised_at = past_weekend(since + timedelta(days=days), facts.zone)
        if raised_at > facts.now or (following is not None and following.at <= raised_at):
            return
        key = base if turn == 0 else (*base, str(turn))
        yield _reason(facts, view, found, last, following, key, raised_at)
        done_at = ended.get(followup_id("keep_in_touch", key))
        if done_at is None or (following is not None and following.over_at <= done_at):
            return
        since = max(done_at, raised_at)


def _reason(
    facts: Facts,
    view: PersonView,
    found: tuple[int, str],
    last: Contact,
    following: Contact | None,
    key: tuple[str, ...],
    raised_at: datetime,
) -> Reason:
    days, role = found
    name = facts.short(view.id)
    ago = (facts.today - facts.day(last.at)).days
    begin = (
        f"Your {role}; {words.rhythm(days)}." if role else f"Your rhythm with {name}: {words.rhythm(days)}."
    )
    booked = facts.booked.get(view.id)
    planned = f" Booked {facts.on(booked.at)}." if booked is not None else " Nothing booked."
    closure: Closure | None = None
    if following is not None:
        closure = ended_by(facts, view, following)
        planned = ""
    return Reason(
        rule="keep_in_touch",
        key=key,
        person=view.id,
        people=(view.id,),
        title=f"Talk to {name}",
        why=f"{begin} Last: {last.word} {facts.on(last.at)}, {words.span(ago)} ago.{planned}",
        evidence=(last.id,) if last.id else (),
        raised_at=raised_at,
        closure=closure,
        fresh_at=following.over_at if following is not None else None,
        is_standing=following is None,
        is_quiet=following is None and booked is not None,
    )


def ended_by(facts: Facts, view: PersonView, contact: Contact) -> Closure:
    """The contact as what ended a silence."""
    how = contact.how or f"you and {facts.short(view.id)} were in touch"
    return Closure(at=contact.over_at, interaction=contact.id, how=how, subject=contact.subject)

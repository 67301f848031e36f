"""F8, first half: a LinkedIn connection was made, and there has been no word, mail or meeting, before or since.

Raised on the day after, so that a greeting of the same day needs no prompt. Not raised while somebody of the same
name has been in touch: a profile that Kith could not join to them by a hard key is most likely theirs.
"""

from collections.abc import Iterator
from datetime import timedelta

from services.followups import words
from services.followups.days import day_start
from services.followups.facts import Contact, Facts
from services.followups.reason import Reason, identity
from services.followups.rules.keep_in_touch import ended_by
from services.state import OWNER, PersonView


def reasons(facts: Facts) -> Iterator[Reason]:
    """One reason for each new connection with whom there had been no contact until the day after."""
    for person, view in facts.people.items():
        if view.connected_on is None or view.connected_on >= facts.today or facts.real(person) is None:
            continue
        found = _reason(facts, view)
        if found is not None:
            yield found


def _reason(facts: Facts, view: PersonView) -> Reason | None:
    connected_on = view.connected_on
    if connected_on is None:
        return None
    raised_at = day_start(connected_on + timedelta(days=1), facts.zone)
    if view.first_at is not None and view.first_at < raised_at and _was_in_touch(view):
        return None
    invitations = [said for said in facts.other.get(view.id, ()) if said.kind == "linkedin_invitation"]
    if any(said.direction == "out" and said.excerpt for said in invitations):
        return None
    first = _first_contact(facts, view)
    if first is None and _was_in_touch(view):
        return None
    name = facts.name(view.id)
    closure = ended_by(facts, view, first) if first is not None else None
    export = ""
    if facts.state.export_on is not None:
        age = max((facts.today - facts.state.export_on).days, 0)
        old = f", {words.span(age)} old" if age else ""
        export = f" From your LinkedIn export of {words.day(facts.state.export_on, facts.today)}{old}."
    return Reason(
        rule="new_connection",
        key=(identity(view), connected_on.isoformat()),
        person=view.id,
        people=(view.id,),
        title=f"Say hello to {name}",
        why=f"Connected on LinkedIn {words.on_day(connected_on, facts.today)}; no message yet.{export}",
        evidence=tuple(said.id for said in invitations[:1]),
        raised_at=raised_at,
        closure=closure,
        is_quiet=facts.is_known_by_name(view.id),
    )


def _was_in_touch(view: PersonView) -> bool:
    counts = view.counts
    return any(
        (
            counts.sent,
            counts.received,
            counts.cc_sent,
            counts.cc_received,
            counts.meetings,
            counts.audiences,
            counts.linkedin_sent,
            counts.linkedin_received,
        )
    )


def _first_contact(facts: Facts, view: PersonView) -> Contact | None:
    found = facts.contacts(view.id)
    copied = [
        Contact(said.at, said.at, said.id, "a mail")
        for said in (*facts.sent.get(view.id, ()), *facts.got.get(view.id, ()))
        if said.author == OWNER or said.owner_part == "cc"
    ]
    return min((*found, *copied), key=lambda one: (one.at, one.id), default=None)

"""F10, the part that LinkedIn exports give: a person's organisation changed between two of them.

Only the three the owner knows best are raised at a time: more would be a list of strangers' careers.
"""

from collections.abc import Iterator
from datetime import timedelta

from services.followups import words
from services.followups.days import day_start
from services.followups.facts import Facts
from services.followups.reason import Reason, identity
from services.state import PersonView

AT_A_TIME = 3
KEPT_FOR = timedelta(days=42)


def reasons(facts: Facts) -> Iterator[Reason]:
    """The moves of the people the owner knows best, and those already seen."""
    found: list[tuple[float, int, Reason]] = []
    for person, view in facts.people.items():
        if view.moved_on is None or not view.organization or facts.real(person) is None:
            continue
        reason = _reason(facts, view)
        if facts.has_seen("congratulate", reason.key):
            yield reason
        elif not view.is_muted and not view.is_inside and reason.raised_at >= facts.now - KEPT_FOR:
            found.append((-view.strength, -sum(view.months.values()), reason))
    for _, _, reason in sorted(found, key=lambda one: (one[0], one[1], one[2].id))[:AT_A_TIME]:
        yield reason


def _reason(facts: Facts, view: PersonView) -> Reason:
    moved_on = view.moved_on or facts.today
    raised_at = day_start(moved_on, facts.zone)
    age = (facts.today - moved_on).days
    before = f"Before: {words.one_line(view.moved_from, 60)}. " if view.moved_from else ""
    old = f", {words.span(age)} old" if age > 0 else ""
    return Reason(
        rule="congratulate",
        key=(identity(view), (view.organization or "").casefold()),
        person=view.id,
        people=(view.id,),
        title=f"Congratulate {facts.short(view.id)} on the move to {words.one_line(view.organization or '', 60)}",
        why=f"{before}From your LinkedIn export of {words.day(moved_on, facts.today)}{old}.",
        raised_at=raised_at,
        closure=facts.written_to((view.id,), raised_at),
        expires_at=raised_at + KEPT_FOR,
    )

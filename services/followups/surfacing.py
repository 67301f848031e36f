"""Which open follow-ups the owner is shown next: the most useful first, a few a week, never more than the cap.

Being shown is the owner's attention, not a state: what is not shown stays open and listed.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from schemas.interface import Followup, Rule
from services.followups.days import day_in, week_of
from services.followups.rules.reconnect import neighbours, rank
from services.state import PersonView, State

RECONNECTS_A_WEEK: Final = 2
PER_PERSON_A_WEEK: Final = 3
"""However many questions somebody sends, they do not fill the owner's week."""
DUE_SOON: Final = timedelta(days=7)
_RANKS: Final[Mapping[Rule, int]] = {
    "awaiting_me": 0,
    "promise": 1,
    "thanks": 2,
    "awaiting_them": 3,
    "meeting": 4,
    "conference": 6,
    "keep_in_touch": 7,
    "reconnect": 8,
    "new_connection": 9,
    "congratulate": 10,
}
_LATER_PROMISE: Final = 5
_OTHER: Final = 11
_GENTLE: Final = frozenset({"conference", "keep_in_touch", "reconnect", "new_connection", "congratulate"})
"""Rules that only say "a word would be good": one of them is enough for a person who is on the list anyway."""


def surface(followups: Sequence[Followup], state: State) -> list[str]:
    """The ids of open follow-ups to show now, best first, within what the cap leaves of this week in the owner's zone."""
    week = week_of(state.now, state.zone)
    first: dict[str, tuple[datetime, str]] = {}
    for shown in state.surfaced:
        if shown.at <= state.now:
            known = first.get(shown.followup, (shown.at, shown.week))
            first[shown.followup] = min((shown.at, shown.week), known)
    this_week = {one for one, (at, named) in first.items() if week in {named, week_of(at, state.zone)}}
    rule_of = {one.id: one.rule for one in followups}
    reconnects = sum(rule_of.get(one) == "reconnect" for one in this_week)
    per_person = Counter(one.person for one in followups if one.id in this_week)
    covered = {
        person
        for one in followups
        if one.id in first and one.state in {"open", "snoozed"}
        for person in one.people
    }
    left = state.weekly_cap - len(this_week) if state.weekly_cap > 0 else len(followups)
    chosen: list[str] = []
    for one in in_order(followups, state):
        if len(chosen) >= left:
            break
        if one.state != "open" or one.id in first:
            continue
        if one.rule == "reconnect" and reconnects >= RECONNECTS_A_WEEK:
            continue
        if one.person is not None and per_person[one.person] >= PER_PERSON_A_WEEK:
            continue
        if one.rule in _GENTLE and covered.issuperset(one.people):
            continue
        per_person[one.person] += 1
        reconnects += one.rule == "reconnect"
        covered.update(one.people)
        chosen.append(one.id)
    return chosen


def in_order(followups: Sequence[Followup], state: State) -> list[Followup]:
    """The follow-ups, the most useful first; equal ones by id, so that the order is always the same."""
    known = neighbours(state.people)
    today = day_in(state.now, state.zone)

    def place(one: Followup) -> tuple[float | str, ...]:
        view = state.people.get(one.person or "") or PersonView(id="", name="")
        rule = _RANKS.get(one.rule, _OTHER)
        age = (state.now - one.created_at).total_seconds()
        due = (one.due - today).days if one.due is not None else 0
        match one.rule:
            case "awaiting_me":
                return (rule, -view.strength, -age, one.id)
            case "promise":
                return (rule if due <= DUE_SOON.days else _LATER_PROMISE, due, -view.strength, one.id)
            case "thanks":
                return (rule, -age, -view.strength, one.id)
            case "reconnect":
                return (rule, *rank(view, known), one.id)
            case _:
                return (rule, -view.strength, -age, one.id)

    return sorted(followups, key=place)

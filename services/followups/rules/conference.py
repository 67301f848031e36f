"""F8, second half: people first met around a conference with whom there has been no word since.

A conference is a calendar entry of two to five whole days, or one that calls itself so. First met: first seen, or
connected on LinkedIn, from its first day until two days after its last.
"""

import re
from collections.abc import Iterator
from datetime import timedelta

from services.followups import words
from services.followups.days import day_start
from services.followups.facts import MEETING_AT_MOST, Facts, is_on
from services.followups.reason import Closure, Reason
from services.state import MeetingView

AFTER = timedelta(days=2)
PEOPLE_AT_LEAST = 3
"""An entry that does not call itself a conference needs so many first met."""
_DAYS = (timedelta(hours=36), timedelta(days=5))
_LONG = timedelta(hours=4)
_IS = re.compile(
    r"\b(?:conference|conf|summit|expo|congress|convention|symposium|forum|meetup|hackathon|trade fair|"
    r"konferenz|kongress|messe|tagung|conférence|congrès|salon|conferencia|congreso|feria|conferenza|congresso|"
    r"conferência)\b",
    re.IGNORECASE,
)
_IS_NOT = re.compile(
    r"\b(?:vacations?|holidays?|leave|out of office|ooo|pto|day off|sick|parental|urlaub|ferien|elternzeit|krank|"
    r"vacaciones|vacances|congés?|ferie|férias|birthday|geburtstag|conference call|conf call|conference room)\b",
    re.IGNORECASE,
)


def reasons(facts: Facts) -> Iterator[Reason]:
    """One reason for each conference that is over and brought new people."""
    met_on: dict[str, None] = {}
    for meeting in facts.meetings:
        if not is_conference(meeting) or meeting.ends_at + AFTER > facts.now:
            continue
        found = _reason(facts, meeting, met_on)
        if found is not None:
            met_on.update(dict.fromkeys(found.people))
            yield found


def is_conference(meeting: MeetingView) -> bool:
    """Whether the entry is a conference by its length and its name."""
    summary = meeting.summary[:300]
    if not is_on(meeting) or _IS_NOT.search(summary):
        return False
    length = meeting.ends_at - meeting.at
    if length > _DAYS[1] + timedelta(hours=2):
        return False
    if _IS.search(summary):
        return meeting.is_all_day or length >= _LONG
    return meeting.is_all_day and length >= _DAYS[0]


def _reason(facts: Facts, meeting: MeetingView, taken: dict[str, None]) -> Reason | None:
    until = meeting.ends_at + AFTER
    first, last = facts.day(meeting.at), facts.day(until)
    new = [
        person
        for person, view in facts.people.items()
        if facts.real(person) is not None
        and not view.is_muted
        and not view.is_inside
        and person not in taken
        and (
            (view.first_at is not None and meeting.at <= view.first_at <= until)
            or (
                view.first_at is None and view.connected_on is not None and first <= view.connected_on <= last
            )
        )
    ]
    raised_at = day_start(last + timedelta(days=1), facts.zone)
    words_since = {person: _word(facts, person, meeting) for person in new}
    silent = [person for person in new if (at := words_since[person]) is None or at.at > raised_at]
    if not silent or (not _IS.search(meeting.summary[:300]) and len(new) < PEOPLE_AT_LEAST):
        return None
    order = sorted(silent, key=lambda one: (-facts.people[one].strength, facts.name(one), one))
    still = [person for person in order if words_since[person] is None]
    ends = [closure for person in silent if (closure := words_since[person]) is not None]
    names = ", ".join(facts.name(one) for one in (still or order)[:12])
    more = len(still or order) - 12
    where = words.one_line(meeting.summary, 60) or "the event"
    many = f"{words.sentence(words.number(len(new)))} {'person' if len(new) == 1 else 'people'}"
    if len(new) == 1:
        title = f"One person from {where}, no word since"
    else:
        title = f"{many} from {where}, {words.number(len(order))} with no word since"
    return Reason(
        rule="conference",
        key=(meeting.id,),
        person=order[0] if len(order) == 1 else None,
        people=tuple(order),
        title=title,
        why=f"{names}{f' and {words.number(more)} others' if more > 0 else ''}. It ended {facts.on(meeting.ends_at)}.",
        evidence=(meeting.id,),
        raised_at=raised_at,
        closure=max(ends, key=lambda one: (one.at, one.interaction)) if not still and ends else None,
    )


def _word(facts: Facts, person: str, meeting: MeetingView) -> Closure | None:
    """The owner's first word to the person after it began, or a meeting with them after it ended."""
    found = [
        closure
        for closure in (
            facts.written_to((person,), meeting.at),
            facts.talked_with((person,), meeting.ends_at, MEETING_AT_MOST),
        )
        if closure is not None
    ]
    return min(found, key=lambda one: (one.at, one.interaction), default=None)

"""F8, second half: people first met around a conference with whom there has been no word since.

A conference is a calendar entry of two to five whole days, or one that calls itself so. First met: first seen, or
connected on LinkedIn, from its first day until two days after its last.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from services.followups import words
from services.followups.days import day_start
from services.followups.facts import MEETING_AT_MOST, Facts, first_later, is_on
from services.followups.reason import Closure, Reason, earliest
from services.state import MeetingView, PersonView
from services.vocabulary import upper_first

AFTER = timedelta(days=2)
PEOPLE_AT_LEAST = 3
"""An entry that does not call itself a conference needs so many first met."""
_DAYS = (timedelta(hours=36), timedelta(days=5))
_LONG = timedelta(hours=4)
_MOMENT = timedelta(microseconds=1)
_DAY = timedelta(days=1)
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
    # By time of first meeting, so that a calendar full of long entries costs no more than the people it brought.
    arrived = sorted(
        (view.first_at or day_start(view.connected_on or facts.today, facts.zone), person)
        for person, view in facts.people.items()
        if (view.first_at or view.connected_on) and not view.is_inside and facts.welcome((person,))
    )
    taken: set[str] = set()
    for meeting in facts.meetings:
        if not is_conference(meeting) or meeting.ends_at + AFTER > facts.now:
            continue
        begin = bisect_left(arrived, (meeting.at - _DAY, ""))
        end = bisect_left(arrived, (meeting.ends_at + AFTER + _DAY, ""))
        near = [person for _, person in arrived[begin:end] if person not in taken]
        found = _reason(facts, meeting, near) if near else None
        if found is not None:
            taken.update(found.people)
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


def _reason(facts: Facts, meeting: MeetingView, near: Sequence[str]) -> Reason | None:
    until = meeting.ends_at + AFTER
    # A whole day ends as the next one begins: the last moment within it names the day.
    first, last = facts.day(meeting.at), facts.day(until - _MOMENT)
    names_itself = _IS.search(meeting.summary[:300]) is not None
    new = [
        person
        for person, view in ((one, facts.people[one]) for one in near)
        if not facts.is_known_by_name(person)
        and (
            (view.first_at is None and view.connected_on is not None and first <= view.connected_on <= last)
            or (
                view.first_at is not None
                and meeting.at <= view.first_at <= until
                and (names_itself or _was_met(facts, view, meeting, first, last))
            )
        )
    ]
    raised_at = day_start(last + timedelta(days=1), facts.zone)
    words_since = {person: _word(facts, person, meeting) for person in new}
    silent = [person for person in new if (at := words_since[person]) is None or at.at > raised_at]
    if not silent or (not names_itself and len(new) < PEOPLE_AT_LEAST):
        return None
    order = sorted(silent, key=lambda one: (-facts.people[one].strength, facts.name(one), one))
    still = [person for person in order if words_since[person] is None]
    shown = still or order
    ends = [closure for person in silent if (closure := words_since[person]) is not None]
    names = ", ".join(facts.name(one) for one in shown[:12])
    more = len(shown) - 12
    where = words.one_line(meeting.summary, 60) or "the event"
    many = f"{upper_first(words.number(len(new)))} {'person' if len(new) == 1 else 'people'}"
    if len(new) == 1:
        title = f"One person from {where}, no word since"
    elif len(shown) == len(new):
        title = f"{many} from {where}, no word with any of them since"
    else:
        title = f"{many} from {where}, {words.number(len(shown))} with no word since"
    return Reason(
        rule="conference",
        key=(meeting.id,),
        person=shown[0] if len(new) == 1 else None,
        people=tuple(shown),
        title=title,
        why=f"{names}{f' and {words.number(more)} others' if more > 0 else ''}. It ended {facts.on(meeting.ends_at - _MOMENT)}.",
        evidence=(meeting.id,),
        raised_at=raised_at,
        closure=max(ends, key=lambda one: (one.at, one.interaction)) if not still and ends else None,
    )


def _was_met(facts: Facts, view: PersonView, meeting: MeetingView, first: date, last: date) -> bool:
    """Whether they met or connected then: a first mail in that week may come from anywhere."""
    if view.connected_on is not None and first <= view.connected_on <= last:
        return True
    return any(meeting.at <= one.at <= meeting.ends_at + AFTER for one in facts.met.get(view.id, ()))


def _word(facts: Facts, person: str, meeting: MeetingView) -> Closure | None:
    """The first word of either side after they met, or a meeting with them after it ended."""
    met_at = max(facts.people[person].first_at or meeting.at, meeting.at)
    theirs = first_later(facts.got.get(person, ()), met_at)
    wrote = (
        Closure(
            at=theirs.at, interaction=theirs.id, how=f"{facts.short(person)} wrote", subject=theirs.subject
        )
        if theirs is not None
        else None
    )
    return earliest(
        wrote,
        facts.written_to((person,), meeting.at),
        facts.talked_with((person,), meeting.ends_at, MEETING_AT_MOST),
    )

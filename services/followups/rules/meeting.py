"""F5: an outside meeting is over and the owner has sent nothing to anybody there within two days.

Of a series only an occurrence with people met for the first time counts. Big meetings, whole days, cancelled and
declined ones never do, nor an invitation left unanswered among people the owner never wrote to (a known way of
making spam look like acquaintance).
"""

from collections.abc import Iterator
from datetime import timedelta

from services.followups import words
from services.followups.days import past_weekend
from services.followups.facts import MEETING_AT_MOST, Facts, attendees
from services.followups.reason import Reason
from services.followups.rules import thanks
from services.state import OWNER, MeetingView, PersonView
from services.vocabulary import upper_first

WITHIN = timedelta(days=2)


def reasons(facts: Facts) -> Iterator[Reason]:
    """One reason for each outside meeting that has ended."""
    begun = facts.now - facts.state.horizon
    for meeting in facts.meetings:
        if meeting.ends_at > facts.now or meeting.at < begun:
            continue
        if meeting.is_all_day or meeting.group_size > MEETING_AT_MOST:
            continue
        persons = tuple(one for one in facts.welcome(attendees(meeting)) if not facts.people[one].is_inside)
        if not persons or not _was_attended(facts, meeting, persons):
            continue
        new = tuple(one for one in persons if is_first(facts, one, meeting))
        if (meeting.series and not new) or thanks.is_owed_for(facts, meeting, persons):
            continue
        yield _reason(facts, meeting, persons, new)


def is_first(facts: Facts, person: str, meeting: MeetingView) -> bool:
    """Whether the owner met the person for the first time there, as far as the whole history tells."""
    view = facts.people[person]
    if view.first_at is not None and view.first_at >= meeting.at:
        return True
    is_all_known = view.first_at is not None and view.first_at >= facts.now - facts.state.horizon
    return is_all_known and next((one.id for one in facts.met.get(person, ())), meeting.id) == meeting.id


def _was_attended(facts: Facts, meeting: MeetingView, persons: tuple[str, ...]) -> bool:
    if meeting.owner_partstat != "needs-action" or meeting.organizer in {None, OWNER}:
        return True
    return any(_is_written_to(facts.people[person]) for person in persons)


def _is_written_to(view: PersonView) -> bool:
    return view.counts.sent + view.counts.cc_sent + view.counts.linkedin_sent > 0


def _reason(facts: Facts, meeting: MeetingView, persons: tuple[str, ...], new: tuple[str, ...]) -> Reason:
    first = sorted(persons, key=lambda one: (one not in new, -facts.people[one].strength, persons.index(one)))
    names = [facts.name(one) for one in first]
    thing = words.days_own(facts.day(meeting.at), facts.today, "meeting")
    about = f"{words.quoted(meeting.summary, 60)}: " if words.one_line(meeting.summary) else ""
    if not new:
        met = "nothing sent since."
    elif len(persons) == 1:
        met = "you met for the first time; nothing sent since."
    else:
        met = f"you met {words.listed([facts.name(one) for one in new])} for the first time; nothing sent since."
    return Reason(
        rule="meeting",
        key=(meeting.id,),
        person=first[0],
        people=tuple(first),
        title=f"Follow up with {words.listed(names)} after {thing}",
        why=about + met if about else upper_first(met),
        evidence=(meeting.id,),
        raised_at=past_weekend(meeting.ends_at + WITHIN, facts.zone),
        closure=facts.written_to(persons, meeting.at),
    )

"""F4: thanks owed after an introduction, a favour, advice or a recommendation, or a 1:1 with a mentor or sponsor.

Any word of the owner to the person settles it. It expires silently after a week: late thanks need no prompt.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from services.followups import words
from services.followups.facts import MESSAGES, Facts, attendees, is_human, signal
from services.followups.reason import Closure, Reason, earliest
from services.state import OWNER, MeetingView, Said

KEPT_FOR = timedelta(days=7)
ADVISERS = frozenset({"mentor", "sponsor"})
_TWO = 2


def reasons(facts: Facts) -> Iterator[Reason]:
    """One reason for each thing received from a person."""
    for thread in facts.threads.values():
        for at, said in enumerate(thread):
            if said.author == OWNER or said.kind not in MESSAGES or not is_human(said):
                continue
            if facts.real(said.author) is None or said.owner_part not in {"to", "cc"}:
                continue
            if signal(said, "introduction") and _is_for_owner(said):
                yield _introduction(facts, said, thread[at + 1 :])
            elif _is_advice(facts, thread, at):
                about = words.topic(said.subject, 60)
                yield _reason(
                    facts,
                    said,
                    said.author,
                    f"the advice on {about}" if about else "the advice",
                    f"You asked, and {facts.short(said.author)} answered {facts.on(said.at)}.",
                )
    for person, history in facts.other.items():
        if facts.real(person) is None:
            continue
        for said in history:
            if said.kind == "favour" and said.direction == "in":
                text = words.one_line(said.excerpt or said.subject, 80)
                why = (
                    f"{words.quoted(text)} You noted it {facts.on(said.at)}."
                    if text
                    else "You noted a favour."
                )
                yield _reason(facts, said, person, "the favour", why)
            elif said.kind == "recommendation" and said.direction == "in":
                why = f"{facts.short(person)} recommended you on LinkedIn {facts.on(said.at)}."
                yield _reason(facts, said, person, "the recommendation", why)
    for person, meetings in facts.met.items():
        if (view := facts.real(person)) is not None and ADVISERS.intersection(view.roles):
            yield from (_talk(facts, person, meeting) for meeting in meetings if _is_talk(meeting))


def _is_for_owner(said: Said) -> bool:
    """An introduction with the owner in To, or of one other person; two others with the owner in Cc is theirs."""
    others = {*said.introduces} - {OWNER, said.author}
    return said.owner_part == "to" or len(others) == 1


def _is_advice(facts: Facts, thread: tuple[Said, ...], at: int) -> bool:
    """A mentor's or sponsor's answer to the owner's own question, the first one after it."""
    view = facts.real(thread[at].author)
    if view is None or not ADVISERS.intersection(view.roles):
        return False
    for said in reversed(thread[:at]):
        if not is_human(said):
            continue
        if said.author == thread[at].author:
            return False
        if said.author == OWNER:
            return signal(said, "ask") is not None and view.id in said.to
    return False


def _is_talk(meeting: MeetingView) -> bool:
    return meeting.group_size == _TWO and not meeting.is_all_day and len(attendees(meeting)) == 1


def is_owed_for(facts: Facts, meeting: MeetingView, persons: tuple[str, ...]) -> bool:
    """Whether this meeting already asks for thanks, so that no other follow-up is needed for it."""
    return _is_talk(meeting) and any(ADVISERS.intersection(facts.people[person].roles) for person in persons)


def _introduction(facts: Facts, said: Said, after: tuple[Said, ...]) -> Reason:
    met = facts.welcome(person for person in said.introduces if person != said.author)
    name = facts.short(said.author)
    title = (
        f"the introduction to {words.listed([facts.short(one) for one in met])}"
        if met
        else "the introduction"
    )
    talked = ""
    if met:
        first = next((one for one in facts.contacts(met[0]) if one.at > said.at), None)
        if first is not None:
            talked = f" You and {facts.short(met[0])} were in touch {facts.on(first.at)}."
    in_thread = next(
        (one for one in after if one.author == OWNER and is_human(one) and signal(one, "thanks")), None
    )
    closure = (
        Closure(
            at=in_thread.at, interaction=in_thread.id, how=f"you thanked {name}", subject=in_thread.subject
        )
        if in_thread is not None
        else None
    )
    why = f"{name} introduced you {facts.on(said.at)}.{talked}"
    return _reason(facts, said, said.author, title, why, closure=closure)


def _talk(facts: Facts, person: str, meeting: MeetingView) -> Reason:
    role = next(role for role in sorted(facts.people[person].roles) if role in ADVISERS)
    about = f": {words.quoted(meeting.summary, 60)}" if meeting.summary else ""
    return _built(
        facts,
        (meeting.id,),
        person,
        f"the talk {facts.on(meeting.at)}",
        f"A talk with your {role}{about}; nothing sent since.",
        meeting.id,
        meeting.ends_at,
        None,
    )


def _reason(
    facts: Facts,
    said: Said,
    person: str,
    thing: str,
    why: str,
    *,
    closure: Closure | None = None,
) -> Reason:
    return _built(facts, (said.id,), person, thing, why, said.id, said.at, closure)


def _built(
    facts: Facts,
    key: tuple[str, ...],
    person: str,
    thing: str,
    why: str,
    evidence: str,
    at: datetime,
    closure: Closure | None,
) -> Reason:
    return Reason(
        rule="thanks",
        key=key,
        person=person,
        people=(person,),
        title=f"Thank {facts.short(person)} for {thing}",
        why=why,
        evidence=(evidence,),
        raised_at=at,
        closure=earliest(closure, facts.written_to((person,), at)),
        expires_at=at + KEPT_FOR,
    )

"""F2: the owner asked, and after the patience that fits the person nobody has answered.

    asked ──answer before patience ends─────────► nothing is raised
      │ ────holding answer ("I'll come back")───► a new wait, until the day they named
      │ ────the owner asks again────────────────► a new wait
      │ ────the owner takes it back─────────────► nothing is raised
      └ ────patience ends──► raised ──any human answer, a talk, a LinkedIn message, the owner's next word──► over

Patience is counted in the addressee's working days. Automatic answers never count, and who has no address left
that takes mail is not waited for. After the third message in a
row without an answer Kith is silent: a fourth would be pressure.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import ceil

from msgspec import Struct

from services.followups import words
from services.followups.days import add_working_days, day_end, past_weekend, working_days_between
from services.followups.facts import (
    MESSAGES,
    TALK_AT_MOST,
    Facts,
    in_order,
    others_in_to,
    signal,
)
from services.followups.reason import Closure, Reason, earliest
from services.state import OWNER, Said

ASKED_AT_MOST = 8
DEFAULT_DAYS = 4
LEAST_DAYS = 2
MOST_DAYS = 10
ENOUGH_ANSWERS = 3
"""With fewer answers known, nothing is said of what is usual."""
SILENT_AFTER = 3
"""So many messages in a row without an answer are enough."""
_ONE_SITTING = timedelta(hours=1)
"""What the owner sends within this time of the last message is the same attempt: a forgotten attachment."""
_BESIDE = timedelta(days=60)
"""A message of the same subject in another thread belongs to the question within this time of it."""
_SHARE = 0.8


class Patience(Struct, frozen=True):
    """How long to wait, in working days; with `usual` days in which `within` of `known` answers came, if known."""

    days: int
    usual: int = 0
    within: int = 0
    known: int = 0


def patience(facts: Facts, person: str, asked_at: datetime) -> Patience:
    """The patience that fits the person by the answers they had given when they were asked."""
    view = facts.people[person]
    hours = sorted(took for at, took in view.reply_hours if at <= asked_at and took >= 0)
    if len(hours) < ENOUGH_ANSWERS:
        return Patience(DEFAULT_DAYS)
    usual = max(ceil(hours[ceil(_SHARE * len(hours)) - 1] / 24), 1)
    within = sum(took <= usual * 24 for took in hours)
    return Patience(min(max(usual, LEAST_DAYS), MOST_DAYS), usual, within, len(hours))


def reasons(facts: Facts) -> Iterator[Reason]:
    """One reason for each wait that outlasted its patience."""
    for thread in facts.threads.values():
        if not any(said.author == OWNER and signal(said, "ask") for said in thread):
            continue
        human = tuple(said for said in thread if said.kind in MESSAGES and facts.is_human(said))
        for at, said in enumerate(human):
            if said.author == OWNER and signal(said, "ask") and len(others_in_to(said)) <= ASKED_AT_MOST:
                persons = tuple(one for one in others_in_to(said) if facts.is_reached(one))
                if persons:
                    yield from _waits(facts, *_conversation(facts, human, at, persons), persons)


def _conversation(
    facts: Facts, thread: tuple[Said, ...], asked: int, persons: tuple[str, ...]
) -> tuple[tuple[Said, ...], int]:
    """The thread with what was written under its subject beside it, and where the question stands in it."""
    beside = {said.id: said for one in persons for said in facts.same_topic(one, thread[asked], _BESIDE)}
    if not beside:
        return thread, asked
    whole = in_order((*thread, *beside.values()))
    return whole, whole.index(thread[asked])


def _waits(facts: Facts, thread: tuple[Said, ...], asked: int, persons: tuple[str, ...]) -> Iterator[Reason]:
    """The waits that one question begins: its own, then one for each holding answer."""
    ask = thread[asked]
    slowest = max((patience(facts, one, ask.at) for one in persons), key=lambda one: one.days)
    zone = facts.zone_of(persons[0])
    attempts = _attempts(thread, asked)
    since, hold = ask, None
    deadline = add_working_days(ask.at, slowest.days, zone)
    for said in thread[asked + 1 :]:
        is_late = said.at > deadline
        closure: Closure | None = None
        if said.author == OWNER:
            if is_late:
                closure = _said(said, "you wrote again")
            elif signal(said, "ask") or signal(said, "settled"):
                return
            else:
                attempts += said.at - since.at > _ONE_SITTING
                continue
        else:
            closure = _said(said, f"{facts.short(said.author)} answered")
        promise = signal(said, "promise") if said.author != OWNER else None
        if (is_late or promise is None) and attempts < SILENT_AFTER:
            yield _reason(facts, ask, hold, persons, slowest, deadline, closure)
        if promise is None:
            return
        since = hold = said
        attempts = 0
        deadline = add_working_days(said.at, slowest.days, zone)
        if promise.due is not None and promise.due >= facts.day(said.at):
            deadline = past_weekend(day_end(promise.due, zone), zone)
    if attempts < SILENT_AFTER:
        yield _reason(facts, ask, hold, persons, slowest, deadline, None)


def _attempts(thread: tuple[Said, ...], asked: int) -> int:
    """How many times in a row the owner has written by then without an answer, this one counted."""
    count, later = 1, thread[asked]
    for said in reversed(thread[:asked]):
        if said.author != OWNER or count >= SILENT_AFTER:
            break
        count += later.at - said.at > _ONE_SITTING
        later = said
    return count


def _said(said: Said, how: str) -> Closure:
    return Closure(at=said.at, interaction=said.id, how=how, subject=said.subject)


def _elsewhere(facts: Facts, ask: Said, persons: tuple[str, ...], since: datetime) -> Closure | None:
    """An answer outside the thread: a talk, a LinkedIn message, or the same subject in a new mail."""
    found = []
    for person in persons:
        said = facts.got_elsewhere(person, ask, since)
        if said is not None:
            did = "wrote on LinkedIn" if said.kind == "linkedin_message" else "answered"
            found.append(_said(said, f"{facts.short(person)} {did}"))
    return earliest(*found, facts.talked_with(persons, since, TALK_AT_MOST))


def _reason(
    facts: Facts,
    ask: Said,
    hold: Said | None,
    persons: tuple[str, ...],
    waited: Patience,
    deadline: datetime,
    closure: Closure | None,
) -> Reason:
    began = hold or ask
    topic = words.topic(ask.subject, 60)
    # A subject that begins like a sentence stands in one as a quotation.
    about = topic if topic[:1].islower() else f'"{topic}"'
    whom = facts.short(persons[0])
    ended = earliest(closure, _elsewhere(facts, ask, persons, began.at))
    return Reason(
        rule="awaiting_them",
        key=(ask.id,) if hold is None else (ask.id, hold.id),
        person=persons[0],
        people=persons,
        title=f"Ask {whom} again about {about}?" if topic else f"Ask {whom} again?",
        why=_why(facts, ask, hold, persons[0], waited, ended.at if ended else facts.now),
        evidence=(ask.id,) if hold is None else (ask.id, hold.id),
        raised_at=deadline,
        closure=ended,
    )


def _why(facts: Facts, ask: Said, hold: Said | None, person: str, waited: Patience, until: datetime) -> str:
    asked = signal(ask, "ask")
    begin = f"You asked {facts.on(ask.at)}: {words.quoted(asked.text if asked else '')}"
    if hold is not None:
        held = signal(hold, "promise")
        by = f", by {words.day(held.due, facts.today)}" if held is not None and held.due else ""
        text = held.text if held else ""
        return f"{begin} {facts.short(hold.author)} said {facts.on(hold.at)}: {words.quoted(text)}{by}. Nothing since."
    now = words.counted(working_days_between(ask.at, until, facts.zone_of(person)), "working day")
    if not waited.usual:
        return f"{begin} No answer for {now}."
    usual = words.counted(waited.usual, "day")
    return (
        f"{begin} {facts.short(person)} usually answers in {usual} "
        f"({waited.within} of {waited.known} times); now {now}."
    )

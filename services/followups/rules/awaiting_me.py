"""F1: somebody asked the owner, in To, and the owner has not answered.

    asked ──owner answers in the thread──────────────► over
      │ ────another recipient answers (unless alone)─► over
      │ ────the asker says thanks, or takes it back──► over
      └ ────owner answers elsewhere (same subject, LinkedIn, a talk)──► over

A holding answer ("I'll check and come back") is an answer here: its promise is a follow-up of its own.
Never for lists, machines, people still waiting to be known, or a question to a crowd.
"""

import re
from collections.abc import Iterator

from msgspec import Struct

from services.followups import words
from services.followups.facts import MESSAGES, TALK_AT_MOST, Facts, others_in_to, signal
from services.followups.reason import Closure, Reason, earliest
from services.state import OWNER, Said
from services.subjects import is_forward
from services.vocabulary import upper_first

ASKED_AT_MOST = 8
"""A question to more people than this in To is asked of nobody in particular."""

_CALL = re.compile(r"([^,;:!?.–—\n]{2,60})[,:!–—]")
"""A name before a question, with or without a greeting, ends in one of these."""
_ANYBODY = re.compile(
    r"\b(?:some(?:one|body)|any(?:one|body)|jemand(?:en|em)?|irgendwer|quelqu['’]un|alguien|alguno|qualcuno)\b",
    re.IGNORECASE,
)
_GREETINGS = frozenset(
    "hi hello hey dear good morning afternoon evening hallo liebe lieber guten tag sehr geehrte geehrter frau herr bonjour "
    "bonsoir salut cher chère chers hola buenos buenas días tardes querido querida estimado estimada ciao buongiorno caro cara "
    "gentile mr mrs ms and und et y e &".split()
)


class _Open(Struct):
    """The first unanswered question of one asker in one thread, and the ones repeated since."""

    ask: Said
    again: list[Said]


def reasons(facts: Facts) -> Iterator[Reason]:
    """One reason for each thread and asker whose question was or is the owner's to answer."""
    for thread in facts.threads.values():
        yield from _in_thread(facts, thread)


def _in_thread(facts: Facts, thread: tuple[Said, ...]) -> Iterator[Reason]:
    waiting: dict[str, _Open] = {}

    def over(asker: str, closure: Closure | None) -> Reason:
        opened = waiting.pop(asker)
        return _reason(facts, opened, earliest(closure, _elsewhere(facts, opened.ask)))

    for said in thread:
        if said.kind not in MESSAGES or not facts.is_human(said):
            continue
        if said.author == OWNER:
            for asker in [one for one in waiting if _answers(said, one)]:
                yield over(
                    asker, Closure(at=said.at, interaction=said.id, how="you answered", subject=said.subject)
                )
            continue
        for asker in [
            one for one in waiting if one != said.author and not _asked_alone(facts, waiting[one].ask)
        ]:
            how = f"{facts.short(said.author)} answered"
            yield over(asker, Closure(at=said.at, interaction=said.id, how=how, subject=said.subject))
        if _asks_owner(facts, said):
            opened = waiting.get(said.author)
            if opened is not None:
                elsewhere = _elsewhere(facts, opened.ask)
                if elsewhere is None or elsewhere.at > said.at:
                    opened.again.append(said)
                    continue
                yield over(said.author, None)
            waiting[said.author] = _Open(said, [])
        elif said.author in waiting and (signal(said, "thanks") or signal(said, "settled")):
            name = facts.short(said.author)
            how = f"{name} said thanks" if signal(said, "thanks") else f"{name} took it back"
            yield over(said.author, Closure(at=said.at, interaction=said.id, how=how, subject=said.subject))
    for asker in list(waiting):
        yield over(asker, None)


def _asks_owner(facts: Facts, said: Said) -> bool:
    return (
        said.owner_part == "to"
        and signal(said, "ask") is not None
        and facts.real(said.author) is not None
        and len(others_in_to(said)) < ASKED_AT_MOST
        and not _asks_another(facts, said)
        and not _asks_anybody(said)
    )


def _asks_anybody(said: Said) -> bool:
    """Whether every question in a mail to several leaves open who is asked."""
    return len(others_in_to(said)) > 1 and all(
        _ANYBODY.search(one.text[:400]) for one in said.signals if one.kind == "ask"
    )


def _asks_another(facts: Facts, said: Said) -> bool:
    """Whether the mail, or each question in it, begins with the name of another whom it went to, and not the owner's."""
    mine = _words_of(facts.state.owner_name)
    others = {
        word
        for person in (*said.to, *said.cc)
        if person not in {OWNER, said.author} and (view := facts.people.get(person)) is not None
        for word in _words_of(view.name)
    } - mine
    if not others:
        return False
    greeted, *asked = (
        _called(text, others | mine)
        for text in (said.excerpt, *(one.text for one in said.signals if one.kind == "ask"))
    )
    if greeted and not greeted & mine:
        return not any(called & mine for called in asked)
    return all(called and not called & mine for called in asked)


def _called(text: str, names: set[str]) -> set[str]:
    """Those of the names with which the text begins, where nothing but a greeting stands beside them."""
    found = _CALL.match(text)
    called = _words_of(found[1]) - _GREETINGS if found else set()
    return called if called <= names else set()


def _answers(said: Said, asker: str) -> bool:
    """An answer goes to the asker; one whose address is not known to be theirs still counts, a forward does not."""
    return asker in said.to or asker in said.cc or not is_forward(said.subject)


def _asked_alone(facts: Facts, ask: Said) -> bool:
    """Whether only the owner can answer: nobody else was written to, or the question names the owner."""
    if not others_in_to(ask) and not [person for person in ask.cc if person != OWNER]:
        return True
    first_name = facts.state.owner_name.split(" ")[0].casefold()
    asked = signal(ask, "ask")
    return bool(first_name) and asked is not None and first_name in _words_of(asked.text)


def _words_of(text: str) -> set[str]:
    return {word.strip("@,.;:!?'\"()").casefold() for word in text[:400].split()} - {""}


def _elsewhere(facts: Facts, ask: Said) -> Closure | None:
    """The owner's answer outside the thread: same subject in a new mail, a LinkedIn message, or a talk."""
    written = facts.sent_elsewhere(ask.author, ask, ask.at)
    answer = None
    if written is not None:
        how = "you wrote on LinkedIn" if written.kind == "linkedin_message" else "you answered"
        answer = Closure(at=written.at, interaction=written.id, how=how, subject=written.subject)
    return earliest(answer, facts.talked_with((ask.author,), ask.at, TALK_AT_MOST))


def _reason(facts: Facts, opened: _Open, closure: Closure | None) -> Reason:
    ask = opened.ask
    every = [one for said in (ask, *opened.again) for one in said.signals if one.kind == "ask"]
    about = words.topic(ask.subject) or words.one_line(every[0].text, 80) or "their question"
    return Reason(
        rule="awaiting_me",
        key=(ask.id,),
        person=ask.author,
        people=(ask.author,),
        title=f"Answer {facts.name(ask.author)}: {about}",
        why=_why(facts, opened, every[0].text),
        evidence=(ask.id, *(said.id for said in opened.again)),
        due=next((one.due for one in every if one.due is not None), None),
        raised_at=ask.at,
        closure=closure,
    )


def _why(facts: Facts, opened: _Open, asked: str) -> str:
    ask = opened.ask
    others = len({*ask.to, *ask.cc} - {OWNER, ask.author})
    if others == 0:
        whom = "to you alone"
    else:
        whom = f"to you and {words.number(others)} {'other' if others == 1 else 'others'}"
    place = " on LinkedIn" if ask.kind == "linkedin_message" else ""
    again = f" Asked again {facts.on(opened.again[-1].at)}." if opened.again else ""
    return f"{words.quoted(asked)} {upper_first(facts.when(ask.at))}{place}, {whom}.{again}"

"""F3: the owner promised something in a message; it is kept when something goes out to that person after.

Raised at once, due on the day named. What follows within ten minutes is the same sitting, not the promise kept.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta

from services.followups import words
from services.followups.days import day_end
from services.followups.facts import MESSAGES, Facts, is_human, others_in_to
from services.followups.reason import Reason
from services.state import OWNER, Said
from services.vocabulary import upper_first

PROMISED_AT_MOST = 8
_SAME_SITTING = timedelta(minutes=10)
_GIVEN_UP_AFTER = timedelta(days=30)
_I_WILL = re.compile(
    r"\b(?:i['’]ll|i will|i shall|i['’]m going to|i am going to|let me)\s+(?:also |then )?", re.IGNORECASE
)
_DAY = (
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|\d|the \d|week|month|quarter|year|morning|afternoon|evening"
)
_WHEN = re.compile(
    rf"\s(?:(?:by|before|until|till|later|end of|first thing|tomorrow|today|tonight|asap|soon)\b"
    rf"|(?:on|this|next|in the|in|within) (?:{_DAY})).*",
    re.IGNORECASE,
)
_STOP = re.compile(r"[.;:!?\n]|,? (?:and|but|if|when|once|as soon|so|because) ", re.IGNORECASE)
_READ_AT_MOST = 280


def reasons(facts: Facts) -> Iterator[Reason]:
    """One reason for each message in which the owner promised something to people."""
    for thread in facts.threads.values():
        for said in thread:
            if said.author == OWNER and said.kind in MESSAGES and said.signals and is_human(said):
                found = _reason(facts, said)
                if found is not None:
                    yield found


def _reason(facts: Facts, said: Said) -> Reason | None:
    promises = sorted(
        (one for one in said.signals if one.kind == "promise"),
        key=lambda one: (one.due or date.max, one.text),
    )
    persons = tuple(one for one in others_in_to(said) if facts.real(one))
    if not promises or not persons or len(others_in_to(said)) > PROMISED_AT_MOST:
        return None
    first = promises[0]
    due = first.due if first.due is not None and first.due >= facts.day(said.at) - timedelta(days=1) else None
    owed_from = max(said.at, day_end(due, facts.zone)) if due is not None else said.at
    quotes = " ".join(words.quoted(one.text) for one in promises[:3])
    about = words.topic(said.subject, 60)
    return Reason(
        rule="promise",
        key=(said.id,),
        person=persons[0],
        people=persons,
        title=title(first.text, facts.short(persons[0]), words.day(due, facts.today) if due else ""),
        why=f"{quotes} {upper_first(facts.when(said.at))}{f', in {words.quoted(about, 60)}' if about else ''}.",
        evidence=(said.id,),
        due=due,
        raised_at=said.at,
        fresh_at=owed_from,
        closure=facts.written_to(persons, said.at + _SAME_SITTING),
        expires_at=owed_from + _GIVEN_UP_AFTER,
    )


def title(clause: str, name: str, due: str) -> str:
    """The promise as a thing to do: "I'll send you the deck by Friday" is "Send Mei the deck (you said by Friday)".

    A clause of another shape or language is quoted as it stands.
    """
    by = f" (you said by {due})" if due else ""
    line = words.one_line(clause, _READ_AT_MOST)
    found = _I_WILL.search(line)
    if found is not None:
        action = _STOP.split(line[found.end() :], maxsplit=1)[0]
        action = _WHEN.split(action, maxsplit=1)[0].strip(" ,")
        turned = _turned(action, name)
        if turned:
            return f"{upper_first(words.one_line(turned, 90))}{by}"
    return (
        f"Keep your word to {name}{by}: {words.quoted(line, 80)}" if line else f"Keep your word to {name}{by}"
    )


def _turned(action: str, name: str) -> str:
    """The action seen from the owner's side, naming the person; empty where the words do not allow it."""
    parts = action.split(" ")
    if len(parts) < 2 or not parts[0].isalpha() or {"i", "i'm", "i’m", "i've", "i’ve", "be"} & _lower(parts):
        return ""
    turned, named = [], False
    for part in parts:
        match part.lower():
            case "you" if not named:
                turned.append(name)
                named = True
            case "you":
                turned.append("them")
            case "your":
                turned.append("their" if named else f"{name}'s")
                named = True
            case "my":
                turned.append("your")
            case "me":
                turned.append("you")
            case _:
                turned.append(part)
    return " ".join(turned) if named else f"{' '.join(turned)}, as you told {name}"


def _lower(parts: list[str]) -> set[str]:
    return {part.lower() for part in parts}

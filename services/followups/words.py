"""Plain words for days, spans, people and quotes; hostile text goes in, one harmless line comes out.

Words never grade, urge or guess a gender. Times are in the owner's words: today, yesterday, Tuesday, 14 March.
"""

import unicodedata
from collections.abc import Sequence
from datetime import date
from functools import lru_cache

from services.subjects import bare
from services.vocabulary import JOINERS, MONTHS, NUMBERS, WEEKDAYS

_READ_AT_MOST = 1000
_YEAR_IS_PLAIN = 300
"""A day and month alone are clear for about this many days."""


def one_line(text: str, limit: int = 120) -> str:
    """The text on one line without control, format and bidirectional characters, cut at a word when too long."""
    text = text[:_READ_AT_MOST]
    if not text.isprintable():
        text = "".join(map(_harmless, text))
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    cut = line[: limit - 1]
    head, gap, _ = cut.rpartition(" ")
    return (head if gap and len(head) > limit // 2 else cut).rstrip(" ,;:.-") + "…"


def _harmless(char: str) -> str:
    match unicodedata.category(char):
        case "Cc" | "Zl" | "Zp":
            return " "
        case "Cf" if char in JOINERS:
            return char
        case "Cf" | "Cs" | "Co" | "Cn":
            return ""
        case _:
            return char


def quoted(text: str, limit: int = 160) -> str:
    """The text in straight quotation marks, with its own turned into single ones; says so where it was not kept."""
    if not text:
        return "(the words are not kept)"
    return f'"{one_line(text, limit).replace(chr(34), chr(39))}"'


def topic(subject: str, limit: int = 80) -> str:
    """The subject without its chain of `Re:`, `AW:`, `Fwd:`."""
    return one_line(bare(one_line(subject, _READ_AT_MOST)), limit)


@lru_cache(maxsize=8192)
def same_topic(subject: str) -> str:
    """What is equal for subjects of one conversation: the topic without case."""
    return topic(subject, _READ_AT_MOST).casefold()


def day(when: date, today: date) -> str:
    """The day as the owner would say it: today, tomorrow, Tuesday, 14 March, 14 March 2024."""
    away = (when - today).days
    if -2 < away < 2:
        return ("yesterday", "today", "tomorrow")[away + 1]
    if -7 < away < 7:
        return WEEKDAYS[when.weekday()]
    if abs(away) <= _YEAR_IS_PLAIN:
        return f"{when.day} {MONTHS[when.month - 1]}"
    return f"{when.day} {MONTHS[when.month - 1]} {when.year}"


def on_day(when: date, today: date) -> str:
    """The day with its preposition: `today`, `on Tuesday`, `on 14 March`."""
    said = day(when, today)
    return said if said in {"yesterday", "today", "tomorrow"} else f"on {said}"


def days_own(when: date, today: date, thing: str) -> str:
    """A thing of a day: `yesterday's meeting`, `Thursday's meeting`, `the meeting of 14 March`."""
    said = day(when, today)
    return f"the {thing} of {said}" if said[0].isdigit() else f"{said}'s {thing}"


def month(when: date, today: date) -> str:
    """The month, with its year unless the day and month alone are clear."""
    name = MONTHS[when.month - 1]
    return name if abs((when - today).days) <= _YEAR_IS_PLAIN else f"{name} {when.year}"


def number(count: int) -> str:
    """Small numbers as words, others in digits."""
    return NUMBERS[count] if 0 <= count < len(NUMBERS) else str(count)


def counted(count: int, noun: str) -> str:
    """`1 mail`, `2 mails`: digits, for figures."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def span(days: int) -> str:
    """A length of time in one unit that fits: days, weeks, months, years."""
    if days < 14:
        return counted(days, "day")
    if days < 112:
        return counted(round(days / 7), "week")
    if days < 730:
        return counted(round(days / 30.44), "month")
    return counted(days // 365, "year")


def rhythm(days: int) -> str:
    """How often: `every week`, `every 6 weeks`, `every 10 days`, `every 3 months`."""
    if days == 1:
        return "every day"
    if days % 7 == 0:
        return "every week" if days == 7 else f"every {days // 7} weeks"
    if days % 30 == 0:
        return "every month" if days == 30 else f"every {days // 30} months"
    return f"every {days} days"


def listed(names: Sequence[str], most: int = 2) -> str:
    """`Ana`, `Ana and Ben`, `Ana and three others`."""
    if len(names) <= 1:
        return "".join(names)
    if len(names) <= most:
        return f"{', '.join(names[:-1])} and {names[-1]}"
    others = len(names) - 1
    return f"{names[0]} and {number(others)} others"

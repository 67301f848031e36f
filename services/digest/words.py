"""How the digest says days, ages, lists and names; every function is total and knows no clock."""

import unicodedata
from collections.abc import Sequence
from datetime import date, timedelta

from services.vocabulary import JOINERS, MONTHS, NUMBERS, WEEKDAYS

NAME_LENGTH = 60
LINE_LENGTH = 280

# One base letter with more marks than this is not a name in any script but a tower that covers other lines.
_MARKS_IN_A_ROW = 4
QUIET, LOOKED_BACK = "nothing is waiting for you", "nothing was put before you that week"
"""What the subject says of a week with nothing in it: of the present one, and of one gone by."""


def clean(text: str, limit: int = LINE_LENGTH) -> str:
    """The text on one line, in NFC, without control, bidi-override or invisible characters, cut at `limit`."""
    # Twice the limit is read and no more: a hostile name of megabytes costs as much as a long one.
    kept: list[str] = []
    marks = 0
    for char in unicodedata.normalize("NFC", text[: limit * 8]):
        category = unicodedata.category(char)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if char.isspace() or category in {"Zl", "Zp", "Zs"}:
            kept.append(" ")
        elif (category[0] == "C" and char not in JOINERS) or marks > _MARKS_IN_A_ROW:
            continue
        else:
            kept.append(char)
    return cut(" ".join("".join(kept).split()), limit)


def cut(text: str, limit: int) -> str:
    """The text in at most `limit` characters, an ellipsis for what is left out, no letter parted from its marks."""
    if len(text) <= limit:
        return text
    end = limit - 1
    while end > 0 and (unicodedata.category(text[end])[0] == "M" or text[end] in JOINERS):
        end -= 1
    space = text.rfind(" ", 0, end)
    if space > limit * 2 // 3:
        end = space
    return text[:end].rstrip(" ,;:.-") + "…"


def initials(name: str) -> str:
    """One or two letters for the circle beside a person; East Asian names give their first character."""
    words = [word for word in name.split() if word[0].isalnum()]
    if not words:
        return "·"
    first = words[0][0]
    if unicodedata.category(first) == "Lo" or len(words) == 1:
        return first.upper()[:1]
    return (first + words[-1][0]).upper()[:2]


def full_date(day: date) -> str:
    """`Monday, 23 November`."""
    return f"{WEEKDAYS[day.weekday()]}, {day.day} {MONTHS[day.month - 1]}"


def day_words(day: date, today: date) -> str:
    """The day as people say it from `today`: today, Tuesday, 14 March, March 2023."""
    distance = (day - today).days
    if distance in {-1, 0, 1}:
        return ("yesterday", "today", "tomorrow")[distance + 1]
    if -7 < distance < 7:
        return WEEKDAYS[day.weekday()]
    if abs(distance) < 300:
        return f"{day.day} {MONTHS[day.month - 1]}"
    return f"{MONTHS[day.month - 1]} {day.year}"


def on_day(day: date, today: date) -> str:
    """The day with its preposition: `on Tuesday`, `yesterday`, `in March 2023`."""
    words = day_words(day, today)
    if words in {"yesterday", "today", "tomorrow"}:
        return words
    return f"{'in' if words.split()[0] in MONTHS else 'on'} {words}"


def span_words(start: date, end: date) -> str:
    """`16 to 22 November`, `30 November to 6 December`."""
    if start.month == end.month:
        return f"{start.day} to {end.day} {MONTHS[end.month - 1]}"
    return f"{start.day} {MONTHS[start.month - 1]} to {end.day} {MONTHS[end.month - 1]}"


def age_words(days: int) -> str:
    """How old something is: of today, 5 days old, 28 weeks old."""
    if days <= 0:
        return "of today"
    if days < 14:
        return f"{counted(days, 'day')} old"
    return f"{days // 7} weeks old"


def export_words(day: date, today: date) -> str:
    """Where a line rests: `From your LinkedIn export of 3 May, 28 weeks old.`."""
    year = f" {day.year}" if today - day > timedelta(days=300) else ""
    age = age_words((today - day).days)
    tail = "" if age == "of today" else f", {age}"
    return f"From your LinkedIn export of {day.day} {MONTHS[day.month - 1]}{year}{tail}."


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 mail`, `2 mails`, `1,204 people`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def number_word(number: int) -> str:
    """Small numbers in words, larger ones in figures."""
    return NUMBERS[number] if 0 <= number < len(NUMBERS) else f"{number:,}"


def listed(names: Sequence[str], limit: int = 4) -> str:
    """`Ana, Jonas and Mei`; past the limit the rest is counted: `Ana, Jonas and 5 others`."""
    if len(names) > limit:
        shown = list(names[: limit - 1])
        return f"{', '.join(shown)} and {len(names) - len(shown)} others"
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"

"""A follow-up's words as Todoist holds them, and back: markdown that is shown and not obeyed, the key, due dates.

https://developer.todoist.com/api/v1/, read 2026-11. Nothing here asks Todoist anything.
"""

import re
from datetime import date, datetime
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo

from msgspec import Struct

from connectors._mail_text import clean
from connectors._tasks import cut, one_line, plain_lines, safe_link
from schemas.connector import TaskDraft, TaskLimits

LIMITS = TaskLimits(title=500, note=16_383)
_MARK = re.compile(r"^kith: (\S{1,400})\s*$", re.MULTILINE)
_MARKDOWN = re.compile(r"([\\`*_\[\]~<])")
_ESCAPED = re.compile(r"\\([\\`*_\[\]~<])")
_LABEL = re.compile(r"(?<!\S)@(?=\w)")
_NO_LABEL = "@\u2060"
"""Observed 2026-10: a word after an @ becomes a label and leaves the title, asked for or not; a joiner keeps it."""


class Due(Struct, frozen=True):
    """A date, a floating time of day, or an instant with `Z` (https://developer.todoist.com/api/v1/#tag/Due-dates)."""

    date: str
    is_recurring: bool = False


def content_of(draft: TaskDraft) -> str:
    """The title as content: markdown that a name or subject brings is shown, not obeyed."""
    return _fitting(draft.title, LIMITS.title)


def _fitting(title: str, limit: int) -> str:
    room = limit
    while len(escaped := _LABEL.sub(_NO_LABEL, _escaped(one_line(title, room)))) > limit:
        room -= max(1, (len(escaped) - limit) // 2)
    return escaped


def title_of(content: str) -> str:
    """The title that content shows."""
    return clean(_ESCAPED.sub(r"\1", content))


def body_of(draft: TaskDraft) -> str:
    """The note and the link as a description, less the mark."""
    lines = [_escaped(line).replace("kith:", "kith :") for line in plain_lines(draft.note)]
    link = safe_link(draft.url)
    tail = f"[Open in Kith]({link})" if link else ""
    note = cut("\n".join(lines), LIMITS.note - len(tail) - 500)
    return "\n\n".join(part for part in (note, tail) if part)


def marked(body: str, key: str) -> str:
    """A description: the body and, last, the line by which the task is known."""
    mark = f"kith: {quote(key, safe='/:._-')}" if key else ""
    return "\n\n".join(part for part in (cut(body, LIMITS.note - len(mark) - 2), mark) if part)


def key_in(description: str) -> str:
    """The key that a description carries; empty when there is none."""
    marks = _MARK.findall(description)
    return unquote(marks[-1]) if marks else ""


def unmarked(description: str) -> str:
    """A description less its mark, without the space around lines that nobody sees."""
    return "\n".join(line.rstrip() for line in _MARK.sub("", description).strip().splitlines())


def _escaped(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)


# ------ dates


def day_of(due: Due | None, zone: str) -> date | None:
    """The day that a due date falls on, in the owner's zone."""
    if due is None:
        return None
    try:
        if due.date.endswith("Z"):
            return datetime.fromisoformat(due.date).astimezone(ZoneInfo(zone)).date()
        return date.fromisoformat(due.date[:10])
    except (ValueError, OverflowError):
        return None


def is_due(due: Due | None, day: date | None) -> bool:
    """Whether a due date still reads as Kith wrote it: a day without a time of day, once."""
    if due is None or day is None:
        return due is None and day is None
    return not due.is_recurring and due.date == day.isoformat()

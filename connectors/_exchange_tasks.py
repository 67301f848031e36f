"""One task of an Exchange mailbox as elements of EWS: what is read of it, and what is written when it changes.

Dates of tasks are days: they are written as midnight in UTC, by which Exchange means that day everywhere; what an older
program wrote as its own midnight is read in the owner's zone. Nothing here asks a server.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from connectors._exchange_elements import (
    Element,
    Property,
    erased,
    extended,
    extended_value,
    node,
    text_of,
    written,
)
from connectors._mail_text import clean
from connectors._tasks import closed, cut, one_line, plain_lines, safe_link
from schemas.connector import TaskDraft, TaskLimits
from schemas.records import Task

KEY = ("KithKey", "String")
"""The property by which a task of ours is known, among the public strings ([MS-OXPROPS] 1.3.2)."""
LIMITS = TaskLimits(title=255, note=30_000)
CREATED = "item:DateTimeCreated"
"""Of several tasks with one key the oldest is meant: others are copies that their owner made, which carry the key along."""
LISTED: tuple[Property, ...] = (
    "item:Subject",
    CREATED,
    "item:LastModifiedTime",
    "task:DueDate",
    "task:Status",
    "task:CompleteDate",
    KEY,
)
"""What is read of a task, and what a list gives."""
WHOLE: tuple[Property, ...] = (*LISTED, "item:TextBody", "task:StartDate", "task:IsRecurring")
"""What has to be known of a task before it is written to."""


# ------ what a task says


def key_in(item: Element) -> str:
    """The key that a task carries; empty when it is none of ours."""
    return extended(item, KEY)


def created_in(item: Element) -> str:
    """When it was made, as Exchange writes it, so that it sorts; a move leaves it as it is."""
    return text_of(item, "DateTimeCreated")


def is_done(item: Element) -> bool:
    """Whether it is completed."""
    return text_of(item, "Status") == "Completed"


def title_in(item: Element) -> str:
    """The title on one line."""
    return clean(text_of(item, "Subject"))


def note_in(item: Element) -> str:
    """The note in plain lines."""
    return "\n".join(plain_lines(text_of(item, "TextBody"))).strip()


def due_in(item: Element, zone: str) -> date | None:
    """The day that it is due."""
    return _day(text_of(item, "DueDate"), zone)


def task_of(item: Element, zone: str, list_name: str) -> Task:
    """A task of ours as it is now."""
    return Task(
        key=key_in(item),
        title=title_in(item),
        due=due_in(item, zone),
        is_done=is_done(item),
        done_at=_done_at(item, zone) if is_done(item) else None,
        list=list_name,
    )


def _day(text: str, zone: str) -> date | None:
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None or at.utcoffset() != timedelta():
            # Written with its own offset: the day stands there.
            return at.date()
        is_day = at.time() == time()
        return at.date() if is_day else at.astimezone(ZoneInfo(zone)).date()
    except (ValueError, OverflowError):
        return None


def _done_at(item: Element, zone: str) -> datetime | None:
    """When it was completed: Exchange keeps the day, within which the last change is as near as can be told."""
    day = _day(text_of(item, "CompleteDate"), zone)
    try:
        changed = datetime.fromisoformat(text_of(item, "LastModifiedTime"))
    except ValueError:
        changed = None
    if day is None:
        return None
    end = datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone)).astimezone(UTC)
    latest = end - timedelta(seconds=1)
    return min(changed.astimezone(UTC), latest) if changed is not None and changed.tzinfo else latest


# ------ what is written


def new_task(key: str, draft: TaskDraft) -> Element:
    """A task as it is first written."""
    return node(
        "t:Task",
        node("t:Subject", _title(draft)),
        _body(note_of(draft)),
        extended_value(KEY, key),
        _due(draft.due) if draft.due else None,
    )


def changes(item: Element, was: TaskDraft, draft: TaskDraft, zone: str) -> list[Element]:
    """What differs between two drafts, where it still reads as the first of them."""
    found: list[Element] = []
    if _title(was) != _title(draft) and title_in(item) == _title(was):
        found.append(written("item:Subject", "Task", node("t:Subject", _title(draft))))
    if note_of(was) != note_of(draft) and note_in(item) == note_of(was):
        found.append(written("item:Body", "Task", _body(note_of(draft))))
    is_planned = text_of(item, "StartDate") or text_of(item, "IsRecurring") == "true"
    if was.due != draft.due and due_in(item, zone) == was.due and not is_planned:
        found.append(
            written("task:DueDate", "Task", _due(draft.due)) if draft.due else erased("task:DueDate")
        )
    return found


def completion(item: Element, closing: str) -> list[Element]:
    """What marks it done, with a closing line before its note."""
    found = _state("Completed", 100)
    before = text_of(item, "TextBody")
    note = closed(one_line(closing, LIMITS.title) if closing else "", before)
    if note != before:
        found.append(written("item:Body", "Task", _body(note)))
    return found


def reopening() -> list[Element]:
    """What takes a completion back."""
    return _state("NotStarted", 0)


def note_of(draft: TaskDraft) -> str:
    """Note and link as they are written: a program shows the address as a link."""
    link = safe_link(draft.url)
    note = cut("\n".join(plain_lines(draft.note)), LIMITS.note - len(link) - 500)
    return "\n\n".join(part for part in (note, link) if part).strip()


def _title(draft: TaskDraft) -> str:
    return one_line(draft.title, LIMITS.title)


def _state(status: str, percent: int) -> list[Element]:
    return [
        written("task:PercentComplete", "Task", node("t:PercentComplete", percent)),
        written("task:Status", "Task", node("t:Status", status)),
    ]


def _body(note: str) -> Element:
    return node("t:Body", note, BodyType="Text")


def _due(day: date) -> Element:
    return node("t:DueDate", f"{day:%Y-%m-%d}T00:00:00Z")

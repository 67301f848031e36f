"""Google's Tasks API as Kith speaks it: requests, and a follow-up's words as a task's and back; it decides nothing.

https://developers.google.com/workspace/tasks/reference/rest and /workspace/tasks/limits, read 2026-11.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, TypeVar
from urllib.parse import quote, unquote

import msgspec
from msgspec import Raw, Struct

from connectors._google import TASKS, Api
from connectors._mail_text import clean
from connectors._task_lists import gone_list
from connectors._tasks import cut, one_line, plain_lines, safe_link
from schemas.connector import Access, Quota, TaskDraft, TaskLimits
from schemas.errors import Ambiguous, Transient

TITLE: Final = "Google Tasks"
LIMITS = TaskLimits(title=500, note=4_000)
"""Google takes 1,024 and 8,192 characters; whether one outside the basic plane counts twice is written nowhere."""
MOST = 8_192
"""What notes may hold at the most, by the stricter count."""
QUOTA = Quota("tasks", 50_000, timedelta(days=1))
GONE_LIST: Final = gone_list("in Google Tasks", "google")
NAME = 120
"""Characters of a list's name."""
OPEN, DONE = "needsAction", "completed"
_PAGE = 100
_LISTS = 1_000
_MARK = re.compile(r"^kith: (\S{1,400})\s*$", re.MULTILINE)
_TASK = "id,etag,title,notes,status,due,completed,deleted,updated,parent,webViewLink"

T = TypeVar("T")


class GoogleTask(Struct, frozen=True, rename="camel"):
    """A task (https://developers.google.com/workspace/tasks/reference/rest/v1/tasks)."""

    id: str
    etag: str = ""
    title: str = ""
    notes: str = ""
    status: str = OPEN
    due: str = ""
    completed: str = ""
    deleted: bool = False
    updated: str = ""
    parent: str = ""
    web_view_link: str = ""

    @property
    def is_done(self) -> bool:
        """Whether it is ticked off."""
        return self.status == DONE

    @property
    def key(self) -> str:
        """The key of ours that it carries; empty for one that its owner wrote."""
        return key_in(self.notes)


class TaskList(Struct, frozen=True):
    """A list of tasks."""

    id: str
    title: str = ""

    @property
    def name(self) -> str:
        """As people know it."""
        return clean(self.title)


class _Tasks(Struct, frozen=True, rename="camel"):
    """A page; tasks are as they came, so that one that cannot be read stops no other."""

    items: tuple[Raw, ...] = ()
    next_page_token: str = ""


class _Lists(Struct, frozen=True, rename="camel"):
    items: tuple[TaskList, ...] = ()
    next_page_token: str = ""


class Tasks:
    """One account's task lists."""

    def __init__(self, access: Access) -> None:
        self._api = Api(access, TASKS, TITLE, quota=QUOTA.name)

    def lists(self) -> list[TaskList]:
        """Every list."""
        mask = "nextPageToken,items(id,title)"
        pages = self._api.pages("tasks/v1/users/@me/lists", {"maxResults": _LISTS}, _Lists, mask=mask)
        return [one for page in pages for one in page.items]

    def make_list(self, name: str) -> TaskList:
        """Make a list."""
        return self._write("POST", "tasks/v1/users/@me/lists", {"title": cut(clean(name), NAME)}, TaskList)

    def rows(self, one: str, since: str = "") -> Iterator[Raw]:
        """The tasks of a list, done, hidden and deleted ones too; since a time (RFC 3339) those changed since.

        Raises:
            Missing: the list is gone.
        """
        query = {
            "maxResults": _PAGE,
            "showCompleted": True,
            "showHidden": True,
            "showDeleted": True,
            "updatedMin": since,
        }
        for page in self._api.pages(_path(one), query, _Tasks, mask=f"nextPageToken,items({_TASK})"):
            yield from page.items

    def has_open_children(self, one: str, task: str) -> bool:
        """Whether a task has sub-tasks that are not done."""
        query = {"maxResults": _PAGE, "showCompleted": False}
        pages = self._api.pages(_path(one), query, _Tasks, mask=f"nextPageToken,items({_TASK})")
        rows = (task_of(raw) for page in pages for raw in page.items)
        return any(row is not None and row.parent == task and not row.is_done for row in rows)

    def task(self, one: str, task: str) -> GoogleTask:
        """A task of a list, which may be one that was deleted.

        Raises:
            Missing: there is none in this list.
        """
        return self._api.get(_path(one, task), {}, GoogleTask, mask=_TASK)

    def insert(self, one: str, fields: Mapping[str, Any]) -> GoogleTask:
        """Make a task in a list; sent twice, it makes two.

        Raises:
            Missing: the list is gone.
            Ambiguous: the answer never came, or cannot be read.
        """
        return self._write("POST", _path(one), fields, GoogleTask)

    def patch(self, one: str, task: GoogleTask, fields: Mapping[str, Any]) -> GoogleTask:
        """Write fields of a task as it was read; None takes one out.

        Raises:
            Stale: it is not as it was read.
            Missing: it is gone.
        """
        headers = {"If-Match": task.etag} if task.etag else {}
        return self._write("PATCH", _path(one, task.id), fields, GoogleTask, headers)

    def _write(
        self, verb: str, path: str, fields: Mapping[str, Any], kind: type[T], headers: Mapping[str, str] = {}
    ) -> T:
        answer = self._api.ask(verb, path, headers=headers, content=msgspec.json.encode(fields))
        try:
            return self._api.decoded(answer, kind)
        except Transient as error:
            raise Ambiguous(f"{TITLE}' answer cannot be read; it may have been written.") from error


def task_of(row: Raw) -> GoogleTask | None:
    """A task as it came, or None where it cannot be read."""
    try:
        return msgspec.json.decode(row, type=GoogleTask)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _path(one: str, task: str = "") -> str:
    path = f"tasks/v1/lists/{quote(one, safe='')}/tasks"
    return f"{path}/{quote(task, safe='')}" if task else path


# ------ words


def title_of(draft: TaskDraft) -> str:
    """The title as a task holds it."""
    return one_line(draft.title, LIMITS.title)


def body_of(draft: TaskDraft) -> str:
    """The note and the link as a task's notes, less the mark; Google shows them as plain text, links to be clicked."""
    lines = [line.replace("kith:", "kith :") for line in plain_lines(draft.note)]
    link = safe_link(draft.url)
    tail = f"Open in Kith: {link}" if link else ""
    note = cut("\n".join(lines), LIMITS.note - len(tail) - 500)
    return "\n\n".join(part for part in (note, tail) if part)


def marked(body: str, key: str) -> str:
    """Notes: the body and, last, the line by which the task is known."""
    mark = f"kith: {quote(key, safe='/:._-')}" if key else ""
    return "\n\n".join(part for part in (cut(body, LIMITS.note - len(mark) - 2), mark) if part)


def key_in(notes: str) -> str:
    """The key that notes carry; empty when there is none."""
    marks = _MARK.findall(notes)
    return unquote(marks[-1]) if marks else ""


def unmarked(notes: str) -> str:
    """Notes less their mark, without the space around lines that nobody sees."""
    return "\n".join(line.rstrip() for line in _MARK.sub("", notes).strip().splitlines())


def due_of(day: date | None) -> str | None:
    """A day as Google takes it: of a time nothing but the date is kept, and midnight in UTC is read back."""
    return f"{day.isoformat()}T00:00:00.000Z" if day else None


def day_of(due: str) -> date | None:
    """The day that a due date names, whatever zone the owner is in."""
    try:
        return date.fromisoformat(due[:10])
    except ValueError:
        return None


def instant_of(text: str) -> datetime | None:
    """An aware UTC instant; None where it is none."""
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def later(mark: str, row: GoogleTask, now: datetime) -> str:
    """The later of a mark and of when a task changed by Google's clock; a time that lies ahead is not believed."""
    at = instant_of(row.updated)
    return max(mark, _rfc3339(at)) if at and at < now + timedelta(days=1) else mark


def before(mark: str, overlap: timedelta) -> str:
    """A mark so much earlier; nothing where there is none."""
    at = instant_of(mark)
    return _rfc3339(at - overlap) if at else ""


def _rfc3339(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}"[:23] + "Z"

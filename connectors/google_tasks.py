"""Follow-ups as tasks of Google Tasks, and what their owner did with them.

https://developers.google.com/workspace/tasks/reference/rest, read 2026-11. Google has no sync token for tasks, no id that
the maker chooses, and nowhere to put a key but the notes: its last line is the key by which a task of ours is known. A task
is looked for in every list before it is made, since an insert that is sent again makes a second one; one that its owner
deleted is not made again as long as Google shows that it was there. What changed is asked for by Google's own times, with
an overlap; what is done is hidden there and shown here. A due date is a day and nothing more.

A task that left its list is looked for in the others before it counts as deleted. Once a week the lists are read whole, as
Google forgets what was deleted.

Promises: incremental: done, by times of change. tombstones: done. paging: done. 429: done. re-consent: done, also where the
permission was not given. wrong account: none here, because the sign-in compares it. revocation: none here, likewise.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import msgspec
from msgspec import Raw, Struct

from connectors._google import Stale, is_granted, require, scope
from connectors._google_tasks import (
    DONE,
    GONE_LIST,
    LIMITS,
    MOST,
    OPEN,
    QUOTA,
    TITLE,
    GoogleTask,
    Tasks,
    before,
    body_of,
    day_of,
    due_of,
    instant_of,
    later,
    marked,
    task_of,
    title_of,
    unmarked,
)
from connectors._mail_text import clean
from connectors._task_lists import SINCE_LAST_LOOK, chosen, collection, collections, named, surveyed
from connectors._tasks import closed, next_tick, stamp_of
from schemas.connector import (
    Access,
    Change,
    Collection,
    ConnectorSpec,
    Page,
    Source,
    Survey,
    TaskDraft,
    TaskRef,
    TaskSink,
    Tombstone,
    Unreadable,
    Upsert,
)
from schemas.errors import CursorExpired, Deleted, Missing, Rejected, Transient
from schemas.ids import Cursor, ExternalId, IdempotencyKey, StreamName
from schemas.records import Task

STREAM = StreamName("tasks")
_OVERLAP = timedelta(minutes=5)
"""What was changed may be shown a while later, by one of Google's servers or another."""
_LISTS_EVERY = timedelta(hours=12)
_WHOLE_EVERY = timedelta(days=7)
_REMEMBERED = timedelta(days=30)
"""How long a task that is done is followed, should its owner take that back."""
_TRIES = 4
_READ, _WRITE = ("tasks", "tasks.readonly"), ("tasks",)
_GONE = "The task was deleted in Google Tasks. Nothing is written to it any more."


# ------ reading


class _Seen(Struct, array_like=True):
    """A task of ours as it was last seen: its id and list, and what tells two versions apart."""

    id: str
    list: str
    version: str
    is_done: bool = False
    updated: str = ""


class _State(Struct):
    """A cursor: the names of lists, up to when each is read, and our tasks by their keys."""

    version: int = 1
    tick: int = 0
    lists_at: str = ""
    whole_at: str = ""
    lists: dict[str, str] = {}
    marks: dict[str, str] = {}
    ours: dict[str, _Seen] = {}


class GoogleTasksSource:
    """Reads what became of the tasks that carry a key of ours; others are never recorded."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def pull(self, cursor: Cursor | None, /) -> Iterator[Page]:
        """Yield one page of what changed.

        Raises:
            CursorExpired: the cursor is none of this connector's.
            Missing: the list is gone; what was in it is not told of, as nobody said no to it.
        """
        state = _state_of(cursor)
        state.tick = next_tick(state.tick, self._access.clock)
        tasks = _signed_in(self._access, _READ, "see what became of tasks")
        changes = list(_Reading(self._access, tasks, state).changes())
        checkpoint = Cursor(msgspec.json.encode(state, order="deterministic").decode())
        yield Page(tuple(changes), STREAM, checkpoint=checkpoint, last=True)


class _Reading:
    """One look at an account, which brings its state up to date."""

    def __init__(self, access: Access, tasks: Tasks, state: _State) -> None:
        self._wanted = str(access.settings.get("list") or "")
        self._tasks = tasks
        self._state = state
        self._now = access.clock.now()
        self._there: dict[str, tuple[str, GoogleTask]] = {}
        self._left: set[str] = set()
        self._deleted: set[str] = set()
        self._knows_lists = False

    def changes(self) -> Iterator[Change]:
        state = self._state
        is_first = not state.whole_at
        if _is_due(state.lists_at, self._now, _LISTS_EVERY):
            self._look_at_lists()
        target = self._chosen()
        if _is_due(state.whole_at, self._now, _WHOLE_EVERY):
            state.marks.clear()
            state.whole_at = self._now.isoformat()
        followed = {target, *(seen.list for seen in state.ours.values())}
        for one in [one for one in state.lists if is_first or one in followed]:
            yield from self._read(one, is_chosen=one == target)
        self._look_elsewhere()
        for key, (one, task) in sorted(self._there.items()):
            yield from self._told(key, one, task)
        for key in sorted(self._left - self._there.keys()):
            del state.ours[key]
            yield Tombstone(ExternalId(key))
        if is_first:
            # Whoever reads from nothing may hold what was deleted since they lost their place.
            for key in sorted(self._deleted - state.ours.keys()):
                yield Tombstone(ExternalId(key))
        self._forget()

    # ------ lists

    def _look_at_lists(self) -> None:
        """See which lists there are; of one that has another name our open tasks are told again."""
        state = self._state
        names, state.lists = state.lists, {one.id: one.name for one in self._tasks.lists()}
        state.lists_at, self._knows_lists = self._now.isoformat(), True
        for key, seen in state.ours.items():
            if seen.list not in state.lists:
                self._left.add(key)
            elif not seen.is_done and names.get(seen.list) != state.lists[seen.list]:
                self._look_at(key, seen.list)

    def _chosen(self) -> str:
        """The list that the settings name; empty where they name none."""
        if not self._wanted:
            return ""
        found = named(self._wanted, collections(self._state.lists))
        if found is None and not self._knows_lists:
            self._look_at_lists()
            found = named(self._wanted, collections(self._state.lists))
        if found is None:
            raise Missing(GONE_LIST)
        return found.id

    # ------ tasks

    def _read(self, one: str, *, is_chosen: bool) -> Iterator[Change]:
        """Take in what changed in a list since it was last read, or all of it."""
        state = self._state
        mark = state.marks.get(one, "")
        here = {seen.id: key for key, seen in state.ours.items() if seen.list == one}
        named = set[str]()
        try:
            for raw in self._tasks.rows(one, before(mark, _OVERLAP)):
                row = task_of(raw)
                if row is None:
                    named |= {key for name, key in here.items() if name.encode() in bytes(raw)}
                    yield from _unreadable(raw, state.lists[one])
                    continue
                state.marks[one] = later(state.marks.get(one, ""), row, self._now)
                key = row.key or here.get(row.id, "")
                if not key:
                    continue
                if not row.deleted:
                    named.add(key)
                    self._take(key, one, row)
                elif here.get(row.id) == key:
                    self._left.add(key)
                else:
                    self._deleted.add(key)
        except Missing as error:
            # The list went since the lists were looked at.
            state.lists_at = ""
            if is_chosen:
                raise Missing(GONE_LIST) from error
            self._left |= set(here.values())
            return
        if not mark:
            self._left |= set(here.values()) - named

    def _take(self, key: str, one: str, row: GoogleTask) -> None:
        """Of several tasks with one key, the one that is known is meant: the others are copies that its owner made."""
        seen, known = self._state.ours.get(key), self._there.get(key)
        if known is None or (seen is not None and row.id == seen.id):
            self._there[key] = (one, row)

    def _look_elsewhere(self) -> None:
        """Look for the tasks that left their list in the others: under the id they had, else by their keys."""
        if self._left - self._there.keys() and not self._knows_lists:
            self._look_at_lists()
        state = self._state
        for key in sorted(self._left - self._there.keys()):
            for one in state.lists:
                if one != state.ours[key].list and self._look_at(key, one):
                    break
        left = {key: state.ours[key].list for key in self._left - self._there.keys()}
        since = before(
            min((state.marks.get(one, "") for one in left.values()), default=""), timedelta(days=1)
        )
        for one in state.lists:
            if all(list_ == one for list_ in left.values()):
                continue  # Nothing left another list for this one.
            for row in filter(None, map(task_of, self._tasks.rows(one, since))):
                if left.get(row.key, one) != one and not row.deleted:
                    self._there.setdefault(row.key, (one, row))

    def _look_at(self, key: str, one: str) -> bool:
        """Take in a task of ours if it is in a list."""
        try:
            task = self._tasks.task(one, self._state.ours[key].id)
        except Missing:
            return False
        if not task.deleted:
            self._there[key] = (one, task)
        return not task.deleted

    def _told(self, key: str, one: str, task: GoogleTask) -> Iterator[Change]:
        state = self._state
        seen = state.ours.get(key)
        if seen is not None and task.id != seen.id and key not in self._left:
            return
        name = state.lists.get(one, "")
        now = _Seen(task.id, one, f"{task.etag or task.updated} {name}", task.is_done, task.updated)
        state.ours[key] = now
        if seen == now:
            return
        record = Task(
            key=key,
            title=clean(task.title),
            due=day_of(task.due),
            is_done=task.is_done,
            done_at=instant_of(task.completed) if task.is_done else None,
            list=name,
            url=task.web_view_link if task.web_view_link.startswith("https://") else "",
        )
        yield Upsert(ExternalId(key), record, stamp_of(state.tick))

    def _forget(self) -> None:
        """Follow what is done no longer than it may come back."""
        for key, seen in list(self._state.ours.items()):
            at = instant_of(seen.updated)
            if seen.is_done and (at is None or at < self._now - _REMEMBERED):
                del self._state.ours[key]


def _state_of(cursor: Cursor | None) -> _State:
    if cursor is None:
        return _State()
    try:
        state = msgspec.json.decode(cursor, type=_State)
    except msgspec.DecodeError as error:
        raise CursorExpired("the mark left by the last look at Google Tasks cannot be read") from error
    if state.version != 1 or not state.whole_at:
        raise CursorExpired("the mark left by the last look at Google Tasks is of another release")
    return state


def _unreadable(raw: Raw, name: str) -> Iterator[Change]:
    # Of a task that cannot be read, whose it is can only be guessed: others' are nothing to report.
    if b"kith: " in bytes(raw):
        yield Unreadable(f"a task with a key of Kith's in {name}", "it is not as Google's pages say")


def _is_due(last: str, now: datetime, every: timedelta) -> bool:
    at = instant_of(last)
    return at is None or abs(now - at) >= every


# ------ writing


class GoogleTasksSink:
    """Writes follow-ups into one list. Not for two threads at once."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._wanted = str(access.settings.get("list") or "")
        self._lists: dict[str, str] = {}
        self._marks: dict[str, str] = {}
        self._ours: dict[str, tuple[str, GoogleTask]] = {}
        self._deleted: set[str] = set()
        self._places: dict[str, str] = {}

    @cached_property
    def _tasks(self) -> Tasks:
        return _signed_in(self._access, _WRITE, "write tasks")

    def find(self, key: IdempotencyKey, /) -> TaskRef | None:
        """The task that carries this key: every list is read once, then what changed in each."""
        self._catch_up()
        found = self._ours.get(key)
        return _ref(found[1]) if found else None

    def put(self, key: IdempotencyKey, draft: TaskDraft, /) -> TaskRef:
        """Make a task under a key, unless there is one or was one that its owner deleted."""
        found = self.find(key)
        if found is not None:
            return found
        if key in self._deleted:
            raise Deleted("Its owner deleted the task in Google Tasks. It is not made again.")
        fields = {
            "title": title_of(draft),
            "notes": marked(body_of(draft), key),
            **({"due": due_of(draft.due)} if draft.due else {}),
        }
        one = self._chosen()
        try:
            made = self._tasks.insert(one, fields)
        except Missing as error:
            self._lists.clear()
            raise Missing(GONE_LIST) from error
        self._places[made.id] = one
        self._ours[key] = (one, made)
        return _ref(made)

    def update(self, ref: TaskRef, was: TaskDraft, draft: TaskDraft, /) -> TaskRef:
        """Write the fields that differ between the drafts and still read at Google as the first of them."""

        def changes(_one: str, task: GoogleTask) -> dict[str, Any]:
            fields: dict[str, Any] = {}
            old, new = title_of(was), title_of(draft)
            if new not in {old, task.title} and clean(task.title) == clean(old):
                fields["title"] = new
            old, new = unmarked(body_of(was)), unmarked(body_of(draft))
            if new != old and unmarked(task.notes) == old:
                fields["notes"] = marked(body_of(draft), task.key)
            if was.due != draft.due and day_of(task.due) == was.due:
                fields["due"] = due_of(draft.due)
            return fields

        return self._write(ref, changes)

    def complete(self, ref: TaskRef, closing: str, /) -> TaskRef:
        """Mark it done with a closing line.

        Raises:
            Rejected: its owner hung sub-tasks of their own under it, which would be closed with it.
        """

        def changes(one: str, task: GoogleTask) -> dict[str, Any]:
            if task.is_done:
                return {}
            if self._tasks.has_open_children(one, task.id):
                raise Rejected(
                    "The task has sub-tasks in Google Tasks that are not Kith's and would be closed with it. "
                    "It is left for its owner to close."
                )
            notes = closed(body_of(TaskDraft("", closing)), task.notes, MOST)
            return {"status": DONE, **({"notes": notes} if notes != task.notes else {})}

        return self._write(ref, changes)

    def reopen(self, ref: TaskRef, /) -> TaskRef:
        """Take a completion back."""
        return self._write(
            ref, lambda _one, task: {"status": OPEN, "completed": None} if task.is_done else {}
        )

    def _write(self, ref: TaskRef, changes_of: Callable[[str, GoogleTask], dict[str, Any]]) -> TaskRef:
        """Read, change and write, again where somebody was faster."""
        for _ in range(_TRIES):
            one, task = self._located(ref.id)
            fields = changes_of(one, task)
            if not fields:
                return _ref(task)
            try:
                return _ref(self._tasks.patch(one, task, fields))
            except (Stale, Missing):
                continue
        raise Transient("Somebody else keeps changing the task. Kith tries again later.")

    def _located(self, task: str) -> tuple[str, GoogleTask]:
        """A task and its list: where it was, where it should be, or any other.

        Raises:
            Deleted: it is in none.
            Missing: the list that tasks go to is gone.
        """
        asked = set[str]()
        for _ in range(2):
            lists = self._all_lists()
            first = named(self._wanted, collections(lists))
            places = dict.fromkeys([self._places.get(task, ""), first.id if first else "", *lists])
            for one in [one for one in places if one and one not in asked]:
                asked.add(one)
                try:
                    found = self._tasks.task(one, task)
                except Missing:
                    continue
                if not found.deleted:
                    self._places[task] = one
                    return one, found
            # It may be in a list that was made since the lists were looked at.
            self._lists.clear()
        self._chosen()
        raise Deleted(_GONE)

    def _chosen(self) -> str:
        try:
            return chosen(self._access, collections(self._all_lists()), GONE_LIST).id
        except Missing:
            self._lists.clear()
            raise

    def _all_lists(self) -> Mapping[str, str]:
        if not self._lists:
            self._lists = {one.id: one.name for one in self._tasks.lists()}
        return self._lists

    def _catch_up(self) -> None:
        """Take in what changed in every list; what is deleted in one and is in another was moved."""
        before_it = set(self._ours)
        lists = list(self._all_lists())
        for one in lists:
            self._read(one)
        if before_it - self._ours.keys():
            # It may be in a list that was made since the lists were looked at.
            self._lists.clear()
            for one in self._all_lists().keys() - set(lists):
                self._read(one)

    def _read(self, one: str) -> None:
        now = self._access.clock.now()
        try:
            rows = list(self._tasks.rows(one, before(self._marks.get(one, ""), _OVERLAP)))
        except Missing:
            self._lists.pop(one, None)
            self._ours = {key: found for key, found in self._ours.items() if found[0] != one}
            return
        for row in filter(None, map(task_of, rows)):
            self._marks[one] = later(self._marks.get(one, ""), row, now)
            if row.key:
                self._take(row.key, one, row)

    def _take(self, key: str, one: str, row: GoogleTask) -> None:
        known = self._ours.get(key)
        if not row.deleted:
            if known is None or known[1].id == row.id:
                self._ours[key] = (one, row)
                self._places[row.id] = one
            self._deleted.discard(key)
        elif known is None:
            self._deleted.add(key)
        elif known[0] == one and known[1].id == row.id:
            del self._ours[key]
            self._deleted.add(key)


def _ref(task: GoogleTask) -> TaskRef:
    return TaskRef(task.id, task.web_view_link, task.etag or task.updated)


# ------ connecting


def survey(access: Access) -> Survey:
    """Sign in; find the list, where one is chosen; tell of all lists, and of none where the permission was not given.

    Raises:
        Missing: the list that is chosen is not there.
    """
    user, wanted = str(access.settings.get("user") or ""), str(access.settings.get("list") or "")
    if not wanted and not any(is_granted(access, name) for name in _READ):
        # Reading mail and meetings takes no permission for tasks.
        return Survey(user)
    lists = _signed_in(access, _READ, "see task lists").lists()
    return surveyed(access, user or "the account", lists, GONE_LIST, SINCE_LAST_LOOK)


def make_list(access: Access, name: str) -> Collection:
    """The list with this name, made where there is none."""
    tasks = _signed_in(access, _WRITE, "make a task list")
    return collection(named(name, tasks.lists()) or tasks.make_list(name))


def _signed_in(access: Access, names: Sequence[str], purpose: str) -> Tasks:
    require(access, TITLE, names, purpose)
    return Tasks(access)


def open_source(access: Access) -> Source:
    """A source over the tasks of `access` that Kith made."""
    return GoogleTasksSource(access)


def open_sink(access: Access) -> TaskSink:
    """A sink into the list of `access`."""
    return GoogleTasksSink(access)


SPEC = ConnectorSpec(
    name="google_tasks",
    title=TITLE,
    stream=STREAM,
    account="google",
    open_source=open_source,
    open_sink=open_sink,
    survey=survey,
    make_list=make_list,
    write_scopes=(
        scope(
            "tasks",
            "Kith writes follow-ups into one list of Google Tasks that you choose, and sees when you tick them off. "
            "Tasks that are not Kith's are neither kept nor changed.",
        ),
    ),
    interval=timedelta(minutes=5),
    quotas=(QUOTA,),
    limits=LIMITS,
)

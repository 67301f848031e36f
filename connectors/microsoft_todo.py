"""Follow-ups as tasks of Microsoft To Do over Graph, and what their owner did with them.

https://learn.microsoft.com/graph/todo-concept-overview, read 2026-11. A task is made with its key in the same request; Graph
knows no request that makes it once only. So before one is made, and after an answer that never came, tasks are listed and
matched by their keys. A task that its owner deleted is not found; whoever calls keeps in mind that it was there.

Every list has a delta of its own. The chosen list is followed, and every other that a task of ours is in; the rest, but for
that of flagged mails, is looked into when a task left its list, and once an hour so that deltas do not grow old. A task that
is moved leaves one list and comes to another, maybe under another id, and what has only left is asked for by its id before
it is told as gone.

Promises: incremental: done, by a delta a list; a link that ended costs one list, which is compared. tombstones: done, each
looked at before it is told. paging: done. 429: done. re-consent: done. wrong account: none here, as the sign-in compares.
revocation: none here, as the sign-in does it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct

from connectors._graph import QUOTAS, Conflict, Rows, require
from connectors._graph_channels import TASKS_LIFE, watching
from connectors._graph_delta import Place as Round
from connectors._graph_delta import changes_since, whole_round
from connectors._graph_todo import (
    GONE_LIST,
    LIMITS,
    PERMISSIONS,
    Place,
    Todo,
    TodoList,
    TodoTask,
    instant_of,
    note_of,
    place_of,
    task_of,
    title_of,
    trimmed,
)
from connectors._mail_text import clean
from connectors._revisions import digest_of
from connectors._task_lists import (
    SINCE_LAST_LOOK,
    chosen,
    collection,
    collections,
    named,
    surveyed,
)
from connectors._tasks import closed, next_tick, stamp_of
from schemas.connector import (
    Access,
    Change,
    Collection,
    ConnectorSpec,
    Page,
    Scope,
    Source,
    Survey,
    TaskDraft,
    TaskRef,
    TaskSink,
    Tombstone,
    Unreadable,
    Upsert,
)
from schemas.errors import ConnectorError, CursorExpired, Deleted, Missing, Rejected, Transient
from schemas.ids import Cursor, ExternalId, IdempotencyKey, StreamName
from schemas.records import Task

STREAM = StreamName("tasks")
_LIST_EVERY = timedelta(hours=1)
_TRIES = 4


# ------ reading


class _Ours(Struct, array_like=True):
    """A task of ours: its key, the list it is in, since when it is done, and a digest of what it said."""

    key: str
    list: str
    done_at: datetime | None = None
    digest: str = ""


class _Followed(Struct, array_like=True):
    """A list: its name, and where its delta stands."""

    name: str
    round: Round


class _State(Struct, forbid_unknown_fields=True):
    """A cursor: when the lists were looked at, where each stands, and our tasks by their ids."""

    version: int = 1
    tick: int = 0
    listed_at: int = 0
    chosen: str = ""
    lists: dict[str, _Followed] = {}
    ours: dict[str, _Ours] = {}


class MicrosoftTodoSource:
    """Reads what became of the tasks that carry a key of ours; others are never recorded."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._todo = Todo(access)

    def pull(self, cursor: Cursor | None, /) -> Iterator[Page]:
        """Yield one page of what changed.

        Raises:
            CursorExpired: the cursor is none of this connector's.
            Missing: the list is gone; what was in it is not told of, as nobody said no to it.
            ConnectorError: Microsoft does not answer as it should.
        """
        require(self._access, *PERMISSIONS)
        state = _state_of(cursor)
        state.tick = next_tick(state.tick, self._access.clock)
        changes = _Look(self._access, self._todo, state).changes()
        checkpoint = Cursor(msgspec.json.encode(state).decode())
        yield Page(tuple(changes), STREAM, checkpoint=checkpoint, last=True)


class _Look:
    """One look at all lists, which brings the state up to date."""

    def __init__(self, access: Access, todo: Todo, state: _State) -> None:
        self._access = access
        self._todo = todo
        self._state = state
        self._came: dict[str, tuple[str, TodoTask]] = {}
        self._left: set[str] = set()
        self._unreadable: list[Change] = []

    def changes(self) -> list[Change]:
        """What became of our tasks since the last look."""
        state, now = self._state, int(self._access.clock.now().timestamp())
        wanted = str(self._access.settings.get("list") or "")
        is_whole = wanted != state.chosen or not 0 <= now - state.listed_at < _LIST_EVERY.total_seconds()
        if is_whole:
            self._look_around(wanted, now)
        target = named(wanted, collections({one: it.name for one, it in state.lists.items()}))
        followed = {target.id if target else "", *(ours.list for ours in state.ours.values())}
        others = [one for one in state.lists if one not in followed]
        self._read_all([one for one in state.lists if one in followed], wanted, now)
        if is_whole or self._left:
            self._read_all(others, wanted, now)
        self._settle_left()
        told = [
            change for one, (place, task) in self._came.items() for change in self._told(one, place, task)
        ]
        return [*self._unreadable, *told, *self._gone()]

    def _read_all(self, lists: Sequence[str], wanted: str, now: int) -> None:
        for one in lists:
            if one not in self._state.lists:
                continue  # It went with one before it.
            try:
                self._read(one)
            except Missing:
                self._look_around(wanted, now)
                if one in self._state.lists:
                    raise

    def _look_around(self, wanted: str, now: int) -> None:
        """See which lists there are; the tasks of one that is gone have left it."""
        state = self._state
        lists = self._todo.lists()
        target = chosen(self._access, lists, GONE_LIST) if wanted else None
        # Lists that others share take a permission of their own.
        there = {one.id: one.name for one in lists if one.is_owner is not False or one == target}
        for one in [one for one in state.lists if one not in there]:
            del state.lists[one]
            self._left |= {task for task, ours in state.ours.items() if ours.list == one}
        for one, name in there.items():
            if one not in state.lists:
                state.lists[one] = _Followed(name, Round())
            elif state.lists[one].name != name:
                # Each task names its list.
                state.lists[one] = _Followed(name, Round())
        state.listed_at, state.chosen = now, wanted

    def _read(self, one: str) -> None:
        round_ = self._state.lists[one].round
        for rows in changes_since(self._todo.graph, round_) if round_.link else ():
            self._take(one, rows)
            if not rows.next_link:
                round_.link = rows.delta_link
        if round_.link:
            return
        round_.begin("1")
        there: set[str] = set()
        number = round_.round
        for rows in whole_round(self._todo.graph, round_, *self._todo.delta(one)):
            if round_.round != number:
                there, number = set(), round_.round
            there |= self._take(one, rows)
            round_.turn(rows)
        self._left |= {
            task for task, ours in self._state.ours.items() if ours.list == one and task not in there
        }

    def _take(self, one: str, rows: Rows) -> set[str]:
        """Take in the rows of one list: whose they are, or that they left it; answers the ids that were named."""
        partial: list[str] = []
        there: set[str] = set()
        for row in rows.value:
            task = task_of(row)
            if task is None:
                # Of a task that cannot be read, whose it is can only be guessed: others' are nothing to report.
                there |= self._unread(bytes(row))
            elif task.removed is not None:
                there.discard(task.id)
                self._came.pop(task.id, None)
                ours = self._state.ours.get(task.id)
                if ours is not None and ours.list == one:
                    self._left.add(task.id)
            else:
                there.add(task.id)
                if task.is_told:
                    self._claim(one, task)
                else:
                    partial.append(task.id)
        for found in self._todo.at([(one, task) for task in partial]):
            if found is not None:
                self._claim(one, found)
        return there

    def _unread(self, row: bytes) -> set[str]:
        mine = {task for task in self._state.ours if task.encode() in row}
        if mine or b'"Kith"' in row:
            self._unreadable.append(
                Unreadable(
                    "a task of Microsoft To Do with a key of Kith's", "it is not as Microsoft's pages say"
                )
            )
        return mine

    def _claim(self, one: str, task: TodoTask) -> None:
        if task.key or task.id in self._state.ours:
            self._came[task.id] = (one, task)
            self._left.discard(task.id)

    def _settle_left(self) -> None:
        """What left a list and came to no other is asked for: its own id may lead to it yet."""
        keys = {task.key for _, task in self._came.values()}
        lost = [one for one in sorted(self._left) if self._state.ours[one].key not in keys]
        asked = [(place, one) for one in lost for place in self._state.lists]
        for (place, one), task in zip(asked, self._todo.at(asked), strict=True):
            if task is not None:
                self._came[one] = (place, task)
                self._left.discard(one)

    def _told(self, one: str, place: str, task: TodoTask) -> Iterator[Change]:
        state = self._state
        known = state.ours.get(one)
        key = task.key or (known.key if known else "")
        others = [each for each, ours in state.ours.items() if ours.key == key and each != one]
        if known is None and any(each not in self._left for each in others):
            # A copy, or the next time of a task that its owner made recurring: the one that Kith made counts.
            return
        for each in others:
            # It goes on under another id.
            known = state.ours.pop(each)
            self._left.discard(each)
        done_at = None
        if task.is_done:
            # The completion's own time is a UTC date alone (microsoft-graph-docs-contrib issue 8664).
            done_at = (known.done_at if known else None) or instant_of(task.last_modified_date_time)
        record = Task(
            key=key,
            title=clean(task.title if isinstance(task.title, str) else ""),
            due=self._todo.day(task),
            is_done=task.is_done,
            done_at=done_at,
            list=state.lists[place].name,
        )
        digest = digest_of(record)
        if known is None or known.digest != digest:
            yield Upsert(ExternalId(key), record, stamp_of(state.tick))
        state.ours[one] = _Ours(key, place, done_at, digest)

    def _gone(self) -> Iterator[Change]:
        for one in sorted(self._left):
            ours = self._state.ours.pop(one, None)
            if ours is not None:
                yield Tombstone(ExternalId(ours.key))


def _state_of(cursor: Cursor | None) -> _State:
    if cursor is None:
        return _State()
    try:
        state = msgspec.json.decode(cursor, type=_State)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise CursorExpired("the mark left by the last look at Microsoft To Do cannot be read") from error
    if state.version != 1 or not state.tick:
        raise CursorExpired("the mark left by the last look at Microsoft To Do is of another release")
    return state


# ------ writing


class MicrosoftTodoSink:
    """Writes follow-ups into one list. Not for two threads at once."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._todo = Todo(access)
        self._list = ""
        self._known: dict[str, Place] | None = None
        """Our tasks by key as they were listed, with those made since; None when something may have been made unseen."""

    def find(self, key: IdempotencyKey, /) -> TaskRef | None:
        """The task that carries this key: where it was last, else by a list of all tasks."""
        require(self._access, *PERMISSIONS)
        found = self._located(key)
        return _ref(*found) if found else None

    def put(self, key: IdempotencyKey, draft: TaskDraft, /) -> TaskRef:
        """Make a task under a key, unless there is one."""
        require(self._access, *PERMISSIONS)
        one = self._chosen()
        if self._known is None or key in self._known:
            found = self._located(key)
            if found is not None:
                return _ref(*found)
        known = self._known
        # Until the answer is here, nobody knows what there is.
        self._known = None
        try:
            task = self._todo.make(one, key, draft)
        except Missing as error:
            self._list = ""
            raise Missing(GONE_LIST) from error
        place = Place(one, task.id, key)
        self._known = {**(known or {}), key: place}
        return _ref(place, task)

    def update(self, ref: TaskRef, was: TaskDraft, draft: TaskDraft, /) -> TaskRef:
        """Write the fields that differ between the drafts and still read in To Do as the first of them."""

        def changes(task: TodoTask) -> Mapping[str, Any]:
            change: dict[str, Any] = {}
            old, new = title_of(was), title_of(draft)
            if new != old and task.title == old:
                change["title"] = new
            old, new = note_of(was), note_of(draft)
            if new != old and trimmed(task.note) == trimmed(old):
                change["body"] = {"content": new, "contentType": "text"}
            if was.due != draft.due and self._todo.day(task) == was.due and not task.is_recurring:
                change["dueDateTime"] = self._todo.due(draft.due)
            return change

        return self._write(ref, changes)

    def complete(self, ref: TaskRef, closing: str, /) -> TaskRef:
        """Mark it done with a closing line, in one request."""

        def changes(task: TodoTask) -> Mapping[str, Any]:
            if task.is_done:
                return {}
            note = closed(note_of(TaskDraft("", closing)), task.note)
            body = {"body": {"content": note, "contentType": "text"}} if note != task.note else {}
            return {"status": "completed", **body}

        return self._write(ref, changes)

    def reopen(self, ref: TaskRef, /) -> TaskRef:
        """Take a completion back."""
        return self._write(ref, lambda task: {"status": "notStarted"} if task.is_done else {})

    def _write(self, ref: TaskRef, changes_of: Callable[[TodoTask], Mapping[str, Any]]) -> TaskRef:
        """Read, change and write, again where its owner was faster."""
        require(self._access, *PERMISSIONS)
        for _ in range(_TRIES):
            place, task = self._at(ref)
            change = changes_of(task)
            if not change:
                return _ref(place, task)
            try:
                return _ref(place, self._todo.change(place, task, change))
            except (Conflict, Missing):
                continue
        raise Transient("Another program keeps changing the task. Kith tries again later.")

    def _at(self, ref: TaskRef) -> tuple[Place, TodoTask]:
        """A task where it is.

        Raises:
            Deleted: it is in no list.
            Missing: the list that tasks go to is gone.
        """
        place = place_of(ref.id)
        if place is None:
            raise Rejected("The task is none of Microsoft To Do's.")
        try:
            return place, self._todo.task(place)
        except Missing:
            self._forget(place)
        found = self._located(place.key)
        if found is None:
            self._chosen()
            raise Deleted("The task was deleted in Microsoft To Do. Nothing is written to it any more.")
        return found

    def _located(self, key: str) -> tuple[Place, TodoTask] | None:
        """A task by its key: where it was last, else in a fresh list of all."""
        place = (self._known or {}).get(key)
        if place is not None:
            try:
                return place, self._todo.task(place)
            except Missing:
                self._forget(place)
        found: dict[str, tuple[Place, TodoTask]] = {}
        for one in self._lists():
            for task in self._tasks(one):
                # Of copies the first that was found counts; the chosen list comes first.
                if task.key and task.key not in found:
                    found[task.key] = (Place(one.id, task.id, task.key), task)
        self._known = {each: place for each, (place, _) in found.items()}
        return found.get(key)

    def _forget(self, place: Place) -> None:
        if self._known is not None:
            self._known.pop(place.key, None)

    def _lists(self) -> list[TodoList]:
        """All lists, the chosen one first."""
        lists = self._todo.lists()
        target = named(str(self._access.settings.get("list") or ""), lists)
        self._list = target.id if target else ""
        return sorted(lists, key=lambda one: one.id != self._list)

    def _tasks(self, one: TodoList) -> Iterator[TodoTask]:
        try:
            yield from self._todo.tasks(one.id)
        except Missing:
            return  # It went between two answers.
        except ConnectorError:
            # What others share takes a permission of its own, and was not written to either.
            if one.is_owner is not False or one.id == self._list:
                raise

    def _chosen(self) -> str:
        if not self._list:
            self._lists()
        if not self._list:
            raise Missing(GONE_LIST)
        return self._list


def _ref(place: Place, task: TodoTask) -> TaskRef:
    return TaskRef(place.text, version=task.etag or "")


# ------ connecting


def survey(access: Access) -> Survey:
    """Sign in; find the list, where one is chosen; tell of all lists.

    Raises:
        Missing: the list that is chosen is not there.
    """
    require(access, *PERMISSIONS)
    user = str(access.settings.get("user") or "") or "nobody"
    return surveyed(access, user, Todo(access).lists(), GONE_LIST, SINCE_LAST_LOOK)


def make_list(access: Access, name: str) -> Collection:
    """The list with this name, made where there is none.

    Raises:
        Rejected: Microsoft makes no list of this name.
    """
    require(access, *PERMISSIONS)
    todo = Todo(access)
    found = named(name, todo.lists())
    try:
        return collection(found or todo.make_list(name))
    except Conflict as error:
        raise Rejected(
            "Microsoft To Do makes no list of this name. Choose one that is there: kith connect microsoft --tasks LIST."
        ) from error


def watched(access: Access) -> list[str]:
    """What Graph is to tell of: the tasks of the chosen list. What is moved to another is seen when it is asked for."""
    target = named(str(access.settings.get("list") or ""), Todo(access).lists())
    return [f"me/todo/lists/{quote(target.id, safe='=')}/tasks"] if target else []


def open_source(access: Access) -> Source:
    """A source over the tasks of `access` that Kith made."""
    return MicrosoftTodoSource(access)


def open_sink(access: Access) -> TaskSink:
    """A sink into the list of `access`."""
    return MicrosoftTodoSink(access)


SPEC = ConnectorSpec(
    name="microsoft_todo",
    title="Microsoft To Do",
    stream=STREAM,
    account="microsoft",
    open_source=open_source,
    open_sink=open_sink,
    survey=survey,
    make_list=make_list,
    write_scopes=(
        Scope(
            "Tasks.ReadWrite",
            "Writes follow-ups into one list of Microsoft To Do that you choose, and sees when you tick them off. Tasks that "
            "are not Kith's are neither kept nor changed.",
        ),
    ),
    watch=watching(watched, TASKS_LIFE),
    interval=timedelta(minutes=5),
    quotas=QUOTAS,
    limits=LIMITS,
)

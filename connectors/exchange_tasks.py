"""Follow-ups as tasks of an Exchange mailbox, by EWS, and what their owner did with them; not for Microsoft 365.

Our key stands in a named property of each task (`KithKey`, public strings), which no program shows and every move
keeps. By it a task is looked for in all lists before one is made, so that a lost answer makes no second one; and by it
the source knows a task of ours. A task's own id is another one after a move, and is therefore kept nowhere for long.

Of several tasks with one key the oldest is meant: the others are copies that their owner made. Deleted tasks are among the
deleted items: they are gone, and are not made again. What is changed is read first, only the fields that differ are
written, and never over a version that was not read.

Promises: incremental: done, by SyncFolderItems of each list. tombstones: done. paging: done. 429: done (ErrorServerBusy).
re-consent: done. wrong account: none, because a mailbox is its user's. revocation: none, because passwords are changed
at the server.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from weakref import finalize

import msgspec
from msgspec import Struct

from connectors._exchange import Exchange, Folder, opened
from connectors._exchange_elements import Changed, Element, ItemId, id_of, is_equal, key_of
from connectors._exchange_folders import Seen, holding, is_quiet, left
from connectors._exchange_folders import surveyed as mailbox_surveyed
from connectors._exchange_line import Conflict, Fault
from connectors._exchange_tasks import (
    CREATED,
    KEY,
    LIMITS,
    LISTED,
    WHOLE,
    changes,
    completion,
    created_in,
    is_done,
    key_in,
    new_task,
    reopening,
    task_of,
)
from connectors._mail_text import clean
from connectors._task_lists import chosen, gone_list, named
from connectors._tasks import next_tick, stamp_of
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
    Upsert,
)
from schemas.errors import CursorExpired, Deleted, Missing, Transient
from schemas.ids import Cursor, ExternalId, IdempotencyKey, StreamName

STREAM = StreamName("tasks")
_HOLDS = "IPF.Task"
_TRIES = 4
_MOST_COPIES = 100
_KNOWN_FOR = timedelta(minutes=2)
"""How long an open sink believes that lists are there: one that is deleted takes tasks still, among the deleted items."""
_GONE_LIST = gone_list("on the server", "exchange")


# ------ reading


class _Ours(Struct, array_like=True):
    """A task with a key of ours: the key, the list it is in, its id there, and when it was made."""

    key: str
    folder: str
    id: str
    created: str = ""


class _State(Struct):
    """A cursor: what folders are for, how each list was left, and our tasks by the short names of their ids."""

    version: int = 1
    tick: int = 0
    roles: dict[str, str] = {}
    lists: dict[str, Seen] = {}
    ours: dict[str, _Ours] = {}


class ExchangeTasksSource:
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
        found = opened(self._access, lambda line: _Reading(self._access, line, state).changes())
        checkpoint = Cursor(msgspec.json.encode(state).decode())
        yield Page(tuple(found), STREAM, checkpoint=checkpoint, last=True)


class _Reading:
    """One look at the lists, which brings its state up to date."""

    def __init__(self, access: Access, line: Exchange, state: _State) -> None:
        self._access = access
        self._line = line
        self._state = state
        self._told: dict[str, Upsert] = {}
        """What the items say that were looked at, by the short names of their ids."""
        self._lost: set[str] = set()

    def changes(self) -> list[Change]:
        state = self._state
        lists = holding(self._line.folders(state.roles), _HOLDS)
        _chosen(lists, self._access)
        state.tick = next_tick(state.tick, self._access.clock)
        before = self._meant()
        for one in lists:
            seen = state.lists.get(one.key, Seen(one.name))
            if seen.name != one.name:
                self._look_again(self._in(one.key), {one.key: one})
            if not is_quiet(one, seen, self._access.clock):
                self._read(one, seen)
            elif seen.name != one.name:
                state.lists[one.key] = Seen(one.name, seen.mark, seen.state, seen.looked)
        there = {one.key: one for one in lists}
        for key in state.lists.keys() - there.keys():
            self._lost |= self._in(key)
            del state.lists[key]
        for item in self._lost:
            del state.ours[item]
        # What left one list and is in another was moved; or there is a copy, which stands in for it from now on.
        meant = self._meant()
        self._look_again({item for key, item in meant.items() if before.get(key) != item}, there)
        told = [self._told[item] for item in meant.values() if item in self._told]
        return [*told, *(Tombstone(ExternalId(key)) for key in before if key not in meant)]

    def _meant(self) -> dict[str, str]:
        """The task of each key: the oldest of those that carry it."""
        meant: dict[str, str] = {}
        for item, one in sorted(self._state.ours.items(), key=lambda pair: pair[1].created):
            meant.setdefault(one.key, item)
        return meant

    def _in(self, folder: str) -> set[str]:
        return {item for item, one in self._state.ours.items() if one.folder == folder}

    def _read(self, one: Folder, seen: Seen) -> None:
        """Take in what changed in a list; all of it, and by what is missing what is gone, where its state is dead."""
        token, missing = seen.state, set[str]() if seen.state else self._in(one.key)
        while True:
            try:
                said = self._line.changes(one.id, token, LISTED)
            except CursorExpired:
                if not token:
                    raise
                token, missing = "", self._in(one.key)
                continue
            for change in said.changes:
                self._take(change, one)
                missing.discard(key_of(change.id))
            token = said.state
            if said.is_last:
                break
        self._lost |= missing
        self._state.lists[one.key] = left(one, token, self._access.clock)

    def _take(self, change: Changed, one: Folder) -> None:
        item = key_of(change.id)
        if change.item is None:
            self._lost |= {item} & self._state.ours.keys()
        elif key_in(change.item):
            self._tell(change.item, change.id, one)

    def _tell(self, item: Element, id_: str, one: Folder) -> None:
        record = task_of(item, self._access.zone, one.name)
        self._state.ours[key_of(id_)] = _Ours(record.key, one.key, id_, created_in(item))
        self._lost.discard(key_of(id_))
        self._told[key_of(id_)] = Upsert(ExternalId(record.key), record, stamp_of(self._state.tick))

    def _look_again(self, items: set[str], lists: Mapping[str, Folder]) -> None:
        """Look at tasks that say something else now though nobody wrote to them: their list has another name, say."""
        known = [self._state.ours[item] for item in sorted(items - self._told.keys())]
        ids = [ItemId(one.id) for one in known]
        for one, found in zip(known, self._line.items(ids, LISTED), strict=True):
            if not isinstance(found, Fault):
                self._tell(found, one.id, lists[one.folder])


def _state_of(cursor: Cursor | None) -> _State:
    if cursor is None:
        return _State()
    try:
        state = msgspec.json.decode(cursor, type=_State)
    except msgspec.DecodeError as error:
        raise CursorExpired("the mark left by the last look at the task lists cannot be read") from error
    if state.version != 1:
        raise CursorExpired("the mark left by the last look at the task lists is of another release")
    return state


# ------ writing


class ExchangeTasksSink:
    """Writes follow-ups into one list. Not for two threads at once."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._line = Exchange(access)
        # Sinks are let go of without a word; their connections go with them.
        finalize(self, self._line.close)
        self._lists: list[Folder] | None = None
        self._listed_at = access.clock.now()

    def find(self, key: IdempotencyKey, /) -> TaskRef | None:
        """The task that carries this key, by one search in all lists, and another in those there are by now."""
        found = self._looked_for(key)
        return TaskRef(key, version=found.version) if found else None

    def put(self, key: IdempotencyKey, draft: TaskDraft, /) -> TaskRef:
        """Make a task under a key, unless there is one."""
        chosen = _chosen(self._all(), self._access)
        found = self._found(key)
        if found is not None:
            return TaskRef(key, version=found.version)
        try:
            made = self._line.create(chosen.id, new_task(key, draft))
        except Missing as error:
            self._lists = None
            raise Missing(_GONE_LIST) from error
        return TaskRef(key, version=made.version)

    def update(self, ref: TaskRef, was: TaskDraft, draft: TaskDraft, /) -> TaskRef:
        """Write the fields that differ between the drafts and still read at the server as the first of them."""
        return self._write(ref, lambda item: changes(item, was, draft, self._access.zone))

    def complete(self, ref: TaskRef, closing: str, /) -> TaskRef:
        """Mark it done with a closing line."""
        return self._write(ref, lambda item: [] if is_done(item) else completion(item, closing))

    def reopen(self, ref: TaskRef, /) -> TaskRef:
        """Take a completion back."""
        return self._write(ref, lambda item: reopening() if is_done(item) else [])

    def _write(self, ref: TaskRef, changes_of: Callable[[Element], list[Element]]) -> TaskRef:
        """Read, change and write, again where somebody else was faster."""
        for _ in range(_TRIES):
            found = self._looked_for(ref.id)
            if found is None:
                _chosen(self._all(), self._access)
                raise Deleted("The task was deleted in the to-do tool. Nothing is written to it any more.")
            item = self._line.items([found], WHOLE)[0]
            if isinstance(item, Fault):
                if item.is_gone:
                    # It was moved between the two looks.
                    continue
                raise Transient(f"The server does not show the task ({item.code}). Kith tries again later.")
            wanted = changes_of(item)
            if not wanted:
                return TaskRef(ref.id, version=id_of(item).version)
            try:
                made = self._line.update(id_of(item), wanted)
            except (Conflict, Missing):
                continue
            return TaskRef(ref.id, version=made.version)
        raise Transient("Another program keeps changing the task. Kith tries again later.")

    def _looked_for(self, key: str) -> ItemId | None:
        """A task that there should be: in a list that was made since the lists were looked at as well."""
        found = self._found(key)
        if found is None:
            self._lists = None
            found = self._found(key)
        return found

    def _found(self, key: str) -> ItemId | None:
        for is_again in (False, True):
            try:
                found, _ = self._line.find(
                    [one.id for one in self._all()],
                    (CREATED,),
                    restriction=is_equal(KEY, key),
                    most=_MOST_COPIES,
                )
            except Missing:
                # A list has gone since they were listed.
                self._lists = None
                if is_again:
                    raise
                continue
            return id_of(min(found, key=created_in)) if found else None
        return None

    def _all(self) -> list[Folder]:
        now = self._access.clock.now()
        if self._lists is None or not timedelta() <= now - self._listed_at < _KNOWN_FOR:
            self._lists, self._listed_at = holding(self._line.folders({}), _HOLDS), now
            if not self._lists:
                raise Missing(_GONE_LIST)
        return self._lists


def _offered(lists: Iterable[Folder]) -> list[Collection]:
    """Lists as settings and people name them: the server's own id of a folder is another after a move."""
    return [Collection(one.key, one.name, "tasks") for one in lists]


def _chosen(lists: Sequence[Folder], access: Access) -> Folder:
    """The list that the settings name.

    Raises:
        Missing: there is none.
    """
    key = chosen(access, _offered(lists), _GONE_LIST).id
    return next(one for one in lists if one.key == key)


# ------ connecting


def survey(access: Access) -> Survey:
    """Sign in; find the list, where one is chosen; tell of all lists.

    Raises:
        Missing: the list that is chosen is not there.
    """

    def look(line: Exchange) -> Survey:
        lists = _offered(holding(line.folders({}), _HOLDS))
        seen = mailbox_surveyed(line, lists)
        if not access.settings.get("list"):
            return seen
        kept = {**seen.settings, "list": chosen(access, lists, _GONE_LIST).id}
        return msgspec.structs.replace(seen, settings=kept)

    return opened(access, look)


def make_list(access: Access, name: str) -> Collection:
    """The list with this name, made where there is none."""

    def make(line: Exchange) -> Collection:
        found = named(name, _offered(holding(line.folders({}), _HOLDS)))
        return found or _offered([line.make_folder(clean(name), "tasks", "TasksFolder")])[0]

    return opened(access, make)


def open_source(access: Access) -> Source:
    """A source over the tasks of `access` that Kith made."""
    return ExchangeTasksSource(access)


def open_sink(access: Access) -> TaskSink:
    """A sink into the list of `access`."""
    return ExchangeTasksSink(access)


SPEC = ConnectorSpec(
    name="exchange_tasks",
    title="Tasks in Exchange",
    stream=STREAM,
    open_source=open_source,
    account="exchange",
    open_sink=open_sink,
    survey=survey,
    make_list=make_list,
    interval=timedelta(minutes=2),
    limits=LIMITS,
)

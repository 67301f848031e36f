"""Follow-ups as Todoist tasks, and what their owner did with them (https://developer.todoist.com/api/v1/, read 2026-11).

A task is made by one `/sync` command whose uuid is made of its key and project, so that sending it again makes no second one; the
key also stands in the description's last line, by which `find` and the source know a task of ours. Todoist says
nowhere how long it knows a uuid: after an answer that never came, `find` before `put`. A task that its owner deleted is
not found, and is not made again while its uuid is known; whoever calls keeps in mind that it was there.

Promises: incremental: done, by sync token; a token that Todoist no longer takes costs one full sync, and what is then
not named is looked at one by one. tombstones: done. paging: none, because a sync is one answer. 429: done. re-consent:
done. wrong account: none, because a token is one user's. revocation: none, because a personal token is revoked by hand.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec import Raw, Struct

from connectors._mail_text import clean
from connectors._task_lists import SINCE_LAST_LOOK, chosen, collection, collections, named, surveyed
from connectors._tasks import closed, next_tick, one_line, stamp_of
from connectors._todoist import (
    EVERYTHING,
    GONE_PROJECT,
    QUOTAS,
    Api,
    Command,
    Item,
    Project,
    Synced,
    item_of,
    uuid_of,
)
from connectors._todoist_words import (
    LIMITS,
    body_of,
    content_of,
    day_of,
    is_due,
    key_in,
    marked,
    title_of,
    unmarked,
)
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
from schemas.errors import CursorExpired, Deleted, Missing, Rejected
from schemas.ids import Cursor, ExternalId, IdempotencyKey, StreamName
from schemas.records import Task

STREAM = StreamName("tasks")


# ------ reading


class _Ours(Struct, array_like=True):
    """An open task of ours: its key, which its owner may have taken out, and the project it was in."""

    key: str
    project: str


class _State(Struct):
    """A cursor: where the next sync begins, the names of projects, and our open tasks by id."""

    version: int = 1
    token: str = EVERYTHING
    tick: int = 0
    projects: dict[str, str] = {}
    ours: dict[str, _Ours] = {}


class TodoistSource:
    """Reads what became of the tasks that carry a key of ours; others are never recorded."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._api = Api(access)

    def pull(self, cursor: Cursor | None, /) -> Iterator[Page]:
        """Yield one page of what changed.

        Raises:
            CursorExpired: the cursor is none of this connector's.
            Missing: the project is gone; what was in it is not told of, as nobody said no to it.
            ConnectorError: Todoist does not answer as it should.
        """
        state = _state_of(cursor)
        said = self._api.read(state.token, ("items", "projects"))
        self._see_project(said, state)
        state.tick = next_tick(state.tick, self._access.clock)
        state.token = said.sync_token
        changes: list[Change] = []
        # A full sync leaves out what is done: where nothing is known yet, that is read as well.
        done = self._api.completed() if cursor is None else []
        named = set[str]()
        suspects = self._suspects(state, said.projects, is_whole=said.full_sync)
        for row in said.items:
            item = item_of(row)
            if item is None:
                changes += _unreadable(row)
            else:
                named.add(item.id)
                changes += self._changes(item, state)
        for item in done:
            changes += self._changes(item, state)
        suspects |= state.ours.keys() if said.full_sync else set()
        for one in sorted(suspects - named):
            changes += self._look_again(one, state)
        checkpoint = Cursor(msgspec.json.encode(state).decode())
        yield Page(tuple(changes), STREAM, checkpoint=checkpoint, last=True)

    def _see_project(self, said: Synced, state: _State) -> None:
        """See that the chosen project, by its id or else by the name it had, is there still."""
        wanted = str(self._access.settings.get("list") or "")
        names = state.projects | {
            one.id: clean(one.name) for one in said.projects if one.id not in state.projects
        }
        found = named(wanted, collections(names))
        told = {one.id: one for one in said.projects}
        is_gone = told[found.id].is_deleted if found and found.id in told else said.full_sync
        if wanted and is_gone:
            raise Missing(GONE_PROJECT)

    @staticmethod
    def _suspects(state: _State, projects: tuple[Project, ...], *, is_whole: bool) -> set[str]:
        """Takes in what is told of projects; answers our tasks in those that are gone or have another name."""
        changed = {
            one.id for one in projects if one.is_deleted or state.projects.get(one.id) != clean(one.name)
        }
        if is_whole:
            state.projects = {}
        state.projects |= {one.id: clean(one.name) for one in projects if not one.is_deleted}
        return {one for one, ours in state.ours.items() if ours.project in changed}

    def _changes(self, item: Item, state: _State) -> Iterator[Change]:
        known = state.ours.get(item.id)
        key = key_in(item.description) or (known.key if known else "")
        if not key:
            return
        if item.is_deleted or item.checked:
            state.ours.pop(item.id, None)
        else:
            state.ours[item.id] = _Ours(key, item.project_id)
        if item.is_deleted:
            yield Tombstone(ExternalId(item.id))
            return
        record = Task(
            key=key,
            title=title_of(item.content),
            due=day_of(item.due, self._access.zone),
            is_done=item.checked,
            done_at=_instant(item.completed_at) if item.checked else None,
            list=state.projects.get(item.project_id, ""),
            url=_url(item.id),
        )
        yield Upsert(ExternalId(item.id), record, stamp_of(state.tick))

    def _look_again(self, one: str, state: _State) -> Iterator[Change]:
        try:
            yield from self._changes(self._api.task(one), state)
        except Missing:
            del state.ours[one]
            yield Tombstone(ExternalId(one))


def _state_of(cursor: Cursor | None) -> _State:
    if cursor is None:
        return _State()
    try:
        state = msgspec.json.decode(cursor, type=_State)
    except msgspec.DecodeError as error:
        raise CursorExpired("the mark left by the last look at Todoist cannot be read") from error
    if state.version != 1 or not state.token:
        raise CursorExpired("the mark left by the last look at Todoist is of another release")
    return state


def _unreadable(row: Raw) -> Iterator[Change]:
    # Of a task that cannot be read, whose it is can only be guessed: others' are nothing to report.
    if b"kith: " in bytes(row):
        yield Unreadable("a Todoist task with a key of Kith's", "it is not as Todoist's pages say")


def _instant(text: str | None) -> datetime | None:
    try:
        at = datetime.fromisoformat(text or "")
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _url(one: str) -> str:
    return f"https://app.todoist.com/app/task/{one}"


# ------ writing


class TodoistSink:
    """Writes follow-ups into one project. Not for two threads at once."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._api = Api(access)
        self._project = ""
        self._token = EVERYTHING
        self._ours: dict[str, Item] = {}

    def find(self, key: IdempotencyKey, /) -> TaskRef | None:
        """The task that carries this key: one full sync and the list of completed ones, then a partial sync each."""
        self._catch_up()
        item = self._ours.get(key)
        return _ref(item) if item else None

    def put(self, key: IdempotencyKey, draft: TaskDraft, /) -> TaskRef:
        """Make a task by one request; of a key that Todoist has seen, the task that there is."""
        project = self._list()
        # Another project is another command: in a project that is gone, the task is gone as well.
        temp = self._uuid("temp", key, project)
        args = {
            "project_id": project,
            "content": content_of(draft),
            "description": marked(body_of(draft), key),
            "auto_parse_labels": False,
            **({"due": {"date": draft.due.isoformat()}} if draft.due else {}),
        }
        try:
            made = self._api.do([Command("item_add", self._uuid("add", key, project), args, temp)])
        except Deleted as error:
            self._project = ""
            raise Missing(GONE_PROJECT) from error
        if one := made.temp_id_mapping.get(temp):
            return TaskRef(one, _url(one))
        found = self.find(key)
        if found is None:
            raise Deleted("Its owner deleted the task in Todoist. It is not made again.")
        return found

    def update(self, ref: TaskRef, was: TaskDraft, draft: TaskDraft, /) -> TaskRef:
        """Write the fields that differ between the drafts and still read in Todoist as the first of them."""

        def changes(item: Item) -> list[Command]:
            args: dict[str, Any] = {}
            old, new = content_of(was), content_of(draft)
            is_as_written = title_of(item.content) == one_line(title_of(old), LIMITS.title)
            if new not in {old, item.content} and is_as_written:
                args["content"] = new
            old, new = unmarked(body_of(was)), unmarked(body_of(draft))
            if new != old and unmarked(item.description) == old:
                args["description"] = marked(body_of(draft), key_in(item.description))
            if was.due != draft.due and is_due(item.due, was.due):
                args["due"] = {"date": draft.due.isoformat()} if draft.due else None
            return [self._change("item_update", item, args)] if args else []

        return self._write(ref, changes)

    def complete(self, ref: TaskRef, closing: str, /) -> TaskRef:
        """Mark it done with a closing line.

        Raises:
            Rejected: its owner hung sub-tasks of their own under it, which would be closed with it.
        """
        line = body_of(TaskDraft("", closing))

        def changes(item: Item) -> list[Command]:
            # One that its owner made recurring goes on to its next day, and is never checked.
            is_next = item.due is not None and item.due.is_recurring
            if item.checked or (is_next and line and item.description.startswith(line)):
                return []
            if self._api.has_open_children(item.id):
                raise Rejected(
                    "The task has sub-tasks in Todoist that are not Kith's and would be closed with it. "
                    "It is left for its owner to close."
                )
            commands = [self._change("item_close", item, {})]
            note = closed(line, item.description, LIMITS.note)
            if note != item.description:
                commands.insert(0, self._change("item_update", item, {"description": note}))
            return commands

        return self._write(ref, changes)

    def reopen(self, ref: TaskRef, /) -> TaskRef:
        """Take a completion back."""
        return self._write(
            ref, lambda item: [self._change("item_uncomplete", item, {})] if item.checked else []
        )

    def _write(self, ref: TaskRef, changes_of: Callable[[Item], list[Command]]) -> TaskRef:
        """Read a task and have done what is to be done to it, in one request.

        Raises:
            Deleted: it is not there.
            Missing: its project is not there: a project that is gone takes its tasks along, and nobody said no to them.
        """
        try:
            item = self._api.task(ref.id)
            commands = changes_of(item)
            if not commands:
                return _ref(item)
            self._api.do(commands)
        except Deleted:
            self._project = ""
            self._list()
            raise
        # What was read is old now, and what it has become costs a request that nobody needs.
        return TaskRef(item.id, _url(item.id))

    def _change(self, kind: str, item: Item, more: Mapping[str, Any]) -> Command:
        """A command on a task as it was read: the same after a lost answer, another once the task has changed."""
        args = {"id": item.id, **more}
        state = f"{item.updated_at} {item.checked}"
        return Command(
            kind, self._uuid(kind, state, msgspec.json.encode(args, order="sorted").decode()), args
        )

    def _uuid(self, *parts: str) -> str:
        return uuid_of(self._access.account, *parts)

    def _list(self) -> str:
        if not self._project:
            self._project = chosen(self._access, self._api.projects(), GONE_PROJECT).id
        return self._project

    def _catch_up(self) -> None:
        said = self._api.read(self._token, ("items",))
        if said.full_sync:
            self._ours = {key: item for item in self._api.completed() if (key := key_in(item.description))}
        self._token = said.sync_token
        for item in map(item_of, said.items):
            key = key_in(item.description) if item else ""
            if item and key and not item.is_deleted:
                self._ours[key] = item
            elif item and key:
                self._ours.pop(key, None)


def _ref(item: Item) -> TaskRef:
    return TaskRef(item.id, _url(item.id), item.updated_at or "")


# ------ connecting


def survey(access: Access) -> Survey:
    """Sign in; find the project, where one is chosen; tell of all projects.

    Raises:
        Missing: the project that is chosen is not there.
    """
    api = Api(access)
    return surveyed(access, api.user().email, api.projects(), GONE_PROJECT, SINCE_LAST_LOOK)


def make_list(access: Access, name: str) -> Collection:
    """The project with this name, made where there is none."""
    api = Api(access)
    return collection(named(name, api.projects()) or api.make_project(name))


def open_source(access: Access) -> Source:
    """A source over the tasks of `access` that Kith made."""
    return TodoistSource(access)


def open_sink(access: Access) -> TaskSink:
    """A sink into the project of `access`."""
    return TodoistSink(access)


SPEC = ConnectorSpec(
    name="todoist",
    title="Todoist",
    stream=STREAM,
    open_source=open_source,
    account="todoist",
    open_sink=open_sink,
    survey=survey,
    make_list=make_list,
    interval=timedelta(minutes=2),
    quotas=QUOTAS,
    limits=LIMITS,
)

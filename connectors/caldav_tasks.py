"""Follow-ups as tasks of a CalDAV server (RFC 4791, RFC 5545 3.6.2), and what their owner did with them.

A task's UID and file name are made of its key, so that a task is looked for where it should be, then by its UID in every
list of the account, before one is made; `If-None-Match: *` stands against two makers at once, where the server heeds it
(SOGo does not, Zimbra misreads it: there the look beforehand is what protects). What is changed is read first, only the
lines that differ are written, and never over a version that was not read (`If-Match`).

A task that its owner dropped (CANCELLED) or deleted is gone. Lists other than the chosen one are looked at only for
tasks that left it; a program that moves a task by deleting it first and making it anew later may be read in between.

Of a list that was deleted and made again at the same URL nobody deleted the tasks one by one. Such a list does not know
the old one's sync-token, and holds none of ours: then they are let go of, are not told as gone, and the list is named.
A token that merely died while its owner deleted every one of ours looks the same, and is taken for the same: a
follow-up that stays open is a smaller harm than one that is dismissed for good against its owner's will.

Promises: incremental: done, by sync-collection, else by etags. tombstones: done. paging: done, by the DAV layer.
429: done. re-consent: done. wrong account: none, because a list is looked for by name. revocation: none, because
passwords are changed at the server.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta

import msgspec
from msgspec import Struct

from connectors._dav import DavCollection, Listing, PreconditionFailed, member_url
from connectors._dav_tasks import GONE_LIST, Lists, Place
from connectors._task_lists import SINCE_LAST_LOOK, collection, named, surveyed
from connectors._tasks import next_tick, stamp_of
from connectors._vtodo import (
    LIMITS,
    OURS,
    Changes,
    NoTask,
    Todo,
    changed,
    completed,
    done_at,
    due_in,
    key_of,
    new_todo,
    read_todo,
    reopened,
    status_in,
    title_in,
    touched,
    uid_of,
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
from schemas.errors import CursorExpired, Deleted, Missing, Rejected, Transient
from schemas.ids import Cursor, ExternalId, IdempotencyKey, StreamName
from schemas.records import Task

STREAM = StreamName("tasks")
_TRIES = 4
_LOST = (
    "None of the tasks that Kith wrote there ({count}) is left, and the server does not say that they were deleted: the "
    "list seems to have been made anew. Their follow-ups stay open, and get no second task by themselves. To have them "
    "written again, name another list: kith connect caldav --tasks LIST."
)

# ------ reading


class _State(Struct):
    """A cursor: what is known of each list that is followed, and where each task of ours is, by its UID."""

    version: int = 1
    tick: int = 0
    homes: list[str] = []
    lists: dict[str, "_Followed"] = {}
    ours: dict[str, tuple[str, str]] = {}


class _Followed(Struct):
    """A list as it was last read: its name, and its token or, where it has none, its etags."""

    name: str = ""
    token: str = ""
    etags: dict[str, str] = {}


class CaldavTasksSource:
    """Reads what became of the tasks that carry a key of ours; others are never recorded."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def pull(self, cursor: Cursor | None, /) -> Iterator[Page]:
        """Yield one page of what changed.

        Raises:
            CursorExpired: the cursor is none of this connector's.
            Missing: the list is gone.
        """
        state = _state_of(cursor)
        lists = Lists(self._access, state.homes)
        chosen = lists.chosen()
        state.homes = lists.homes
        state.tick = next_tick(state.tick, self._access.clock)
        reading = _Reading(self._access, lists, state)
        followed = {chosen.url} | {url for url, _ in state.ours.values()}
        changes: list[Change] = []
        for one in lists.all():
            if one.url in followed:
                changes += reading.read(one)
            elif cursor is None:
                changes += reading.begin(one)
        changes += reading.look_elsewhere()
        kept = {chosen.url} | {url for url, _ in state.ours.values()}
        state.lists = {url: one for url, one in state.lists.items() if url in kept}
        checkpoint = Cursor(msgspec.json.encode(state).decode())
        yield Page(tuple(changes), STREAM, checkpoint=checkpoint, last=True)


class _Reading:
    """One look at an account, which brings its state up to date."""

    def __init__(self, access: Access, lists: Lists, state: _State) -> None:
        self._zone = access.zone
        self._lists = lists
        self._state = state
        self._names = {one.url: one.name for one in lists.all()}
        # Of a list that is gone no change is told: what was in it is looked for as well.
        self._left = {uid: place for uid, place in state.ours.items() if place[0] not in self._names}
        self._made_anew: set[str] = set()

    def read(self, one: DavCollection) -> Iterator[Change]:
        """What changed in a list, and all of ours in one that has another name."""
        known = self._state.lists.get(one.url, _Followed(one.name))
        ours = {name: uid for uid, (url, name) in self._state.ours.items() if url == one.url}
        listing = self._lists.dav.listing(one, known.token)
        gone = {
            name for name in ours if name in listing.gone or (listing.is_full and name not in listing.etags)
        }
        if gone == ours.keys() and _is_another(known, listing):
            self._made_anew.add(one.url)
        wanted = [name for name, etag in listing.etags.items() if not etag or known.etags.get(name) != etag]
        if known.name != one.name:
            wanted += [name for name in ours if name not in gone]
        for fetched in self._lists.dav.fetch(one.url, wanted):
            place = None
            reason = fetched.fault
            try:
                if fetched.body is not None:
                    place = Place(one.url, fetched.name, fetched.etag, read_todo(fetched.body))
            except NoTask as why:
                reason = str(why)
            if reason and fetched.name in ours:
                yield Unreadable(f"the task {fetched.name} in {one.name}", reason)
            elif place is None or ours.get(place.name, place.uid) != place.uid:
                gone |= {fetched.name} & ours.keys()
            if place is not None:
                yield from self._changes(place)
        self._follow(one, listing)
        self._left |= {ours[name]: (one.url, name) for name in gone}

    def begin(self, one: DavCollection) -> Iterator[Change]:
        """The tasks of ours in a list that was not chosen."""
        for place in self._searched(one, OURS):
            yield from self._changes(place)

    def look_elsewhere(self) -> Iterator[Change]:
        """What became of the tasks that left the list in which they were."""
        lost = dict.fromkeys(self._made_anew, 0)
        for uid, left in sorted(self._left.items()):
            if self._state.ours[uid] != left:
                continue
            place = self._found(uid, left[0])
            if place is not None:
                yield from self._changes(place)
                continue
            del self._state.ours[uid]
            if left[0] in lost:
                lost[left[0]] += 1
            else:
                yield Tombstone(ExternalId(key_of(uid)))
        for url, count in lost.items():
            if count:
                yield Unreadable(f"the list {self._names[url]}", _LOST.format(count=count))

    def _found(self, uid: str, left: str) -> Place | None:
        others = (one for one in self._lists.all() if one.url != left)
        places = (place for one in others for place in self._searched(one, uid))
        return next((place for place in places if place.uid == uid), None)

    def _searched(self, one: DavCollection, uid: str) -> list[Place]:
        """The tasks of a list whose UID begins so; where there are any it is followed from now on."""
        is_new = one.url not in self._state.lists
        try:
            # The list is marked before it is searched, so that what changes meanwhile is told next time.
            listing = self._lists.dav.listing(one) if is_new else None
            places = list(self._lists.search(one, uid))
        except Rejected:
            # What may not be read was not written to either.
            return []
        if listing is not None and places:
            self._follow(one, listing)
        return places

    def _follow(self, one: DavCollection, listing: Listing) -> None:
        etags = {} if listing.token else dict(listing.etags)
        self._state.lists[one.url] = _Followed(one.name, listing.token, etags)

    def _changes(self, place: Place) -> Iterator[Change]:
        key = key_of(place.uid)
        if not key:
            return
        self._state.ours[place.uid] = (place.url, place.name)
        status = status_in(place.todo)
        if status == "dropped":
            yield Tombstone(ExternalId(key))
            return
        record = Task(
            key=key,
            title=title_in(place.todo),
            due=due_in(place.todo, self._zone),
            is_done=status == "done",
            done_at=done_at(place.todo) if status == "done" else None,
            list=self._names.get(place.url, ""),
        )
        yield Upsert(ExternalId(key), record, stamp_of(self._state.tick))


def _is_another(known: _Followed, listing: Listing) -> bool:
    """Whether what stands at a list's URL may be another list, by all that a server tells.

    It gave a token and does not know it now; or it gives none, and of several members none is left.
    """
    if not listing.is_full or known.etags.keys() & listing.etags.keys():
        return False
    return bool(known.token) or len(known.etags) > 1


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


class CaldavTasksSink:
    """Writes follow-ups into one list. Not for two threads at once."""

    def __init__(self, access: Access) -> None:
        self._clock = access.clock
        self._lists = Lists(access)
        self._places: dict[str, tuple[str, str]] = {}

    def find(self, key: IdempotencyKey, /) -> TaskRef | None:
        """The task that carries this key: where it should be, else by its UID in every list."""
        place = self._looked_for(uid_of(key))
        return _ref(place) if place else None

    def put(self, key: IdempotencyKey, draft: TaskDraft, /) -> TaskRef:
        """Make a task under a key, unless there is one."""
        chosen = self._lists.chosen()
        uid = uid_of(key)
        place = self._located(uid)
        if place is not None:
            return _ref(place)
        name = f"{uid}.ics"
        body = new_todo(key, draft, self._clock.now()).to_bytes()
        try:
            etag = self._lists.dav.put(member_url(chosen.url, name), body, if_none_match=True)
        except PreconditionFailed:
            return self.find(key) or TaskRef(uid)
        except Rejected:
            # A list that is gone is refused in as many ways as there are servers.
            self._lists.look_again()
            self._lists.chosen()
            raise
        self._places[uid] = (chosen.url, name)
        return TaskRef(uid, version=etag or "")

    def update(self, ref: TaskRef, was: TaskDraft, draft: TaskDraft, /) -> TaskRef:
        """Write the properties that differ between the drafts and still say what the first of them did."""
        return self._write(ref, lambda todo: changed(todo, was, draft))

    def complete(self, ref: TaskRef, closing: str, /) -> TaskRef:
        """Mark it done with a closing line; one that was dropped is left alone."""

        def changes(todo: Todo) -> Changes:
            return completed(todo, closing, self._clock.now()) if status_in(todo) == "open" else {}

        return self._write(ref, changes)

    def reopen(self, ref: TaskRef, /) -> TaskRef:
        """Take a completion back."""
        return self._write(ref, lambda todo: reopened() if status_in(todo) == "done" else {})

    def _write(self, ref: TaskRef, changes_of: Callable[[Todo], Changes]) -> TaskRef:
        """Read, change and write, again where another program was faster."""
        for _ in range(_TRIES):
            place = self._looked_for(ref.id)
            if place is None:
                self._lists.chosen()
                raise Deleted("The task was deleted in the to-do tool. Nothing is written to it any more.")
            changes = changes_of(place.todo)
            if not changes:
                return _ref(place)
            body = touched(place.todo, changes, self._clock.now()).to_bytes()
            try:
                etag = self._lists.dav.put(place.address, body, if_match=place.etag)
            except PreconditionFailed:
                continue
            return TaskRef(ref.id, version=etag or "")
        raise Transient("Another program keeps changing the task. Kith tries again later.")

    def _looked_for(self, uid: str) -> Place | None:
        """A task that there should be: in a list that was made since the lists were looked at as well."""
        place = self._located(uid)
        if place is None:
            self._lists.look_again()
            place = self._located(uid)
        return place

    def _located(self, uid: str) -> Place | None:
        known = self._places.get(uid) or self._expected(uid)
        place = self._lists.at(*known) if known else None
        if place is None or place.uid != uid:
            place = self._lists.find(uid)
        if place is None:
            self._places.pop(uid, None)
        else:
            self._places[uid] = (place.url, place.name)
        return place

    def _expected(self, uid: str) -> tuple[str, str] | None:
        try:
            return self._lists.chosen().url, f"{uid}.ics"
        except Missing:
            return None


def _ref(place: Place) -> TaskRef:
    return TaskRef(place.uid, version=place.etag)


# ------ connecting


def survey(access: Access) -> Survey:
    """Sign in; find the list, where one is chosen; tell of every list that can be written to.

    Raises:
        Missing: the list that is chosen is not there, or cannot be written to.
    """
    shown = [one for one in Lists(access).all() if one.can_write]
    abilities = [SINCE_LAST_LOOK] if any(one.can_sync for one in shown) else []
    return surveyed(access, str(access.settings.get("user") or ""), shown, GONE_LIST, *abilities)


def make_list(access: Access, name: str) -> Collection:
    """The list with this name, made where there is none."""
    lists = Lists(access)
    return collection(named(name, lists.all()) or lists.make(name))


def open_source(access: Access) -> Source:
    """A source over the tasks of `access` that Kith made."""
    return CaldavTasksSource(access)


def open_sink(access: Access) -> TaskSink:
    """A sink into the list of `access`."""
    return CaldavTasksSink(access)


SPEC = ConnectorSpec(
    name="caldav_tasks",
    title="Tasks on a CalDAV server",
    stream=STREAM,
    open_source=open_source,
    account="caldav",
    open_sink=open_sink,
    survey=survey,
    make_list=make_list,
    interval=timedelta(minutes=2),
    limits=LIMITS,
)

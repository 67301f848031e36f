"""One pull of an Exchange mailbox's mail: what is new, the last four weeks, then what is older, then what is gone.

The order is the promise, as it is for IMAP. News of all folders come first, and of a folder that was not read to its end
the last four weeks, by a search; then it is listed by SyncFolderItems, page after page, and of what is listed only that is
asked for which has not come yet. Tombstones come last, when all folders were read: a mail that is moved has another id
where it is now, and must have come from there before it goes.

Of each mail the header block is asked for, and of mail between humans its text. The cursor holds, of each folder, how far
it was listed and the short names of all that came from it: so a state that the server no longer takes costs a listing,
and no mail is asked for twice. Every page counts what came in pages up to it, never what is merely on its way.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Literal

import msgspec
from msgspec import Struct, field

from connectors._exchange import Exchange, Folder
from connectors._exchange_elements import Element, ItemId, Property, id_of, is_since, key_of
from connectors._exchange_folders import Seen, chosen, is_quiet, left
from connectors._exchange_line import TRIPPED, Fault
from connectors._exchange_mail import (
    BODY,
    HEAD,
    LISTED,
    Mail,
    Mails,
    is_mail,
    mail_of,
    read_mails,
    received_at,
    with_body,
)
from connectors._holdings import suspicious
from connectors._http import TooLarge
from connectors._mail_jobs import compact, decoded, terms_of
from connectors._mime import BODY_BYTES, nature_by_head
from connectors._withheld import withheld
from schemas.connector import Access, Change, Page, Tombstone
from schemas.errors import CursorExpired, Rejected, SuspiciousSnapshot
from schemas.ids import Cursor, ExternalId, StreamName

STREAM = "mail"
RECENT = timedelta(days=28)
HEADS = 100
BODIES = 40
_PAGE = 500
_TOMBSTONES = 1_000
_KEY = 11
"""The length of a short name."""
HOLDS = frozenset({"IPF.Note", "IPF.Imap", ""})
"""What folders of mail are called; one that is called nothing, as programs make them, holds mail."""
_NOT_READ = frozenset({"drafts", "outbox"})


class _Box(Struct, array_like=True):
    """A folder as it is written down; sets of short names are written one after the other.

    `read` is what came from it. `unnamed` is what of that no listing has named up to the state that is kept: what is
    still unnamed once it was listed to its end is gone, and nobody will say so. `again` is what is to be read once more,
    under other terms. `gone` waits for its tombstone.
    """

    seen: Seen = field(default_factory=Seen)
    is_whole: bool = False
    read: str = ""
    unnamed: str = ""
    again: str = ""
    gone: str = ""


class _Cursor(Struct):
    version: Literal[1]
    since: str
    headers_only: bool
    turn: int
    roles: dict[str, str]
    boxes: dict[str, _Box]


class _Run:
    """One folder in one pull. `taken` counts what is on its way as well as what has come."""

    def __init__(self, box: _Box) -> None:
        self.seen = box.seen
        self.is_whole = box.is_whole
        self.read = _names(box.read)
        self.unnamed = _names(box.unnamed)
        self.again = _names(box.again)
        self.gone = _names(box.gone)
        self.taken = self.read - self.again

    def held(self) -> _Box:
        """As it is written down."""
        texts = map(_text, (self.read, self.unnamed, self.again, self.gone))
        return _Box(self.seen, self.is_whole, *texts)

    def list_anew(self) -> None:
        """Nothing is known to be there any more; what came before goes unless it is named again."""
        self.seen, self.is_whole = Seen(), False
        self.unnamed = set(self.read)

    def note_read(self, names: set[str]) -> None:
        """These have come."""
        self.unnamed |= names - self.read
        self.read |= names
        self.again -= names

    def note_page(self, there: set[str], gone: set[str], seen: Seen) -> None:
        """So much was named of what is there, and of what is not, up to a state."""
        self.unnamed -= there
        self.gone = (self.gone - there) | (gone & self.read)
        self.seen = seen

    def note_end(self) -> None:
        """It was listed to its end."""
        self.gone |= self.unnamed
        self.is_whole = True
        self.unnamed, self.again = set(), set()

    def forget(self, names: set[str]) -> None:
        """Their tombstones were told."""
        self.gone -= names
        self.read -= names


class State:
    """What was read of a mailbox, under which terms. `turn` counts readings under other terms: a later one's stand."""

    def __init__(self, since: str, *, headers_only: bool) -> None:
        self.since = since
        self.headers_only = headers_only
        self.turn = 0
        self.roles: dict[str, str] = {}
        self.runs: dict[str, _Run] = {}

    def cursor(self) -> Cursor:
        """The state as a cursor."""
        boxes = {key: run.held() for key, run in self.runs.items()}
        written = _Cursor(1, self.since, self.headers_only, self.turn, self.roles, boxes)
        return Cursor(msgspec.json.encode(written).decode())


def state_of(cursor: Cursor | None, access: Access) -> State:
    """The state that a cursor tells, under the terms of today.

    Raises:
        CursorExpired: it is no cursor of this connector.
    """
    headers_only = bool(access.settings.get("headers_only", False))
    since = str(access.since or "")
    state = State(since, headers_only=headers_only)
    if cursor is None:
        return state
    try:
        written = msgspec.json.decode(cursor, type=_Cursor)
        state.runs = {key: _Run(box) for key, box in written.boxes.items()}
    except (msgspec.MsgspecError, ValueError) as error:
        raise CursorExpired("the mark left by the last reading of this mailbox cannot be read") from error
    state.turn = written.turn
    state.roles = written.roles
    state.since = min(since, written.since)
    if written.headers_only != headers_only:
        state.turn += 1
    is_anew = written.headers_only != headers_only
    if is_anew or state.since < written.since:
        # What was older than was asked for never came: all is listed again, and only that is read.
        for run in state.runs.values():
            run.list_anew()
            if is_anew:
                run.again, run.taken = set(run.read), set()
    return state


class Reading:
    """What one pull does with a mailbox."""

    def __init__(self, access: Access, line: Exchange, state: State) -> None:
        self._access = access
        self._line = line
        self._state = state
        self._terms = terms_of(access)
        self._marks: deque[tuple[bool, Callable[[], None]]] = deque()
        self._streams: deque[str] = deque()
        self._failed: dict[str, Rejected] = {}
        self._done = 0
        self._since_checkpoint = 0

    def pages(self) -> Iterator[Page]:
        """The pages of the pull, lazily."""
        folders = chosen(
            read_by_default(self._line.folders(self._state.roles)), self._access.settings.get("folders")
        )
        runs = [(one, self._state.runs.setdefault(one.key, _Run(_Box()))) for one in folders]
        self._done = sum(len(run.read) for _, run in runs)
        # Two readings, as workers take some jobs ahead before they give the first answer: the news do not wait for those.
        yield from self._read(job for one, run in runs for job in self._borne(one, self._news(one, run)))
        yield from self._read(
            job
            for one, run in runs
            if not run.is_whole and one.key not in self._failed
            for job in self._borne(one, self._listing(one, run))
        )
        if self._failed:
            # Nothing is taken away: it may have been moved to where nobody could look.
            yield self._page("", [], is_kept=True)
            raise next(iter(self._failed.values()))
        yield from self._retire(runs)
        yield self._page("", [], is_last=True)

    # --- what is there ----------------------------------------------------------------------------------------------------

    def _read(self, jobs: Iterator[Mails]) -> Iterator[Page]:
        """Each job's page, and what may be noted with it."""
        for answer in self._access.workers.map(read_mails, jobs):
            self._settle()
            _, note = self._marks.popleft()
            note()
            self._settle()
            yield self._page(self._streams.popleft(), decoded(answer))
        self._settle()

    def _note_later(self, note: Callable[[], None]) -> None:
        """Note something once everything before it has come."""
        self._marks.append((False, note))

    def _settle(self) -> None:
        """Note what may be noted before the next job's answer has come."""
        while self._marks and not self._marks[0][0]:
            self._marks.popleft()[1]()

    def _borne(self, folder: Folder, jobs: Iterator[Mails]) -> Iterator[Mails]:
        """The jobs of one folder; that it fails does not keep the others from being read."""
        try:
            yield from jobs
        except Rejected as fault:
            self._failed[folder.key] = fault

    def _news(self, folder: Folder, run: _Run) -> Iterator[Mails]:
        if not run.is_whole:
            yield from self._recent(folder, run)
        elif not is_quiet(folder, run.seen, self._access.clock):
            yield from self._listing(folder, run)

    def _recent(self, folder: Folder, run: _Run) -> Iterator[Mails]:
        """What came in the last four weeks, the newest first."""
        begin = self._terms.now - RECENT
        if self._terms.since is not None:
            begin = max(begin, self._terms.since.astimezone(UTC))
        offset: int | None = 0
        while offset is not None:
            found, offset = self._line.find(
                [folder.id],
                LISTED,
                restriction=is_since("item:DateTimeReceived", f"{begin:%Y-%m-%dT%H:%M:%SZ}"),
                latest_first="item:DateTimeReceived",
                most=_PAGE,
                offset=offset,
            )
            yield from self._fetch(folder, run, found)

    def _listing(self, folder: Folder, run: _Run) -> Iterator[Mails]:
        """What changed in a folder since it was listed last, or all of it."""
        token = run.seen.state
        while True:
            try:
                said = self._line.changes(folder.id, token, LISTED)
            except CursorExpired:
                if not token:
                    raise
                token = ""
                self._note_later(run.list_anew)
                continue
            there = {key_of(one.id) for one in said.changes if one.item is not None}
            gone = {key_of(one.id) for one in said.changes if one.item is None}
            items = [one.item for one in said.changes if one.item is not None]
            yield from self._fetch(folder, run, items)
            token = said.state
            # A mark stands for a folder that was listed to its end.
            seen = left(folder, token, self._access.clock) if said.is_last else Seen(folder.name, "", token)
            self._note_later(partial(run.note_page, there, gone, seen))
            if said.is_last:
                self._note_later(run.note_end)
                return

    def _fetch(self, folder: Folder, run: _Run, items: Sequence[Element]) -> Iterator[Mails]:
        """The mails among some items that have not come yet, as jobs."""
        wanted: list[ItemId] = []
        for item in items:
            id_ = id_of(item)
            if id_.id and key_of(id_.id) not in run.taken and self._is_wanted(item):
                wanted.append(id_)
                run.taken.add(key_of(id_.id))
        for begin in range(0, len(wanted), HEADS):
            mails = self._mails(folder, wanted[begin : begin + HEADS])
            if not mails:
                continue
            # What was not handed out is not held: it comes once it changes, or all is listed anew.
            read = {one.key for one in mails if not one.is_draft and not one.fault}
            self._marks.append((True, partial(self._note_read, run, read)))
            self._streams.append(folder.key)
            yield Mails(self._access.read_text, self._terms, folder.name, self._state.turn, tuple(mails))

    def _note_read(self, run: _Run, read: set[str]) -> None:
        self._done += len(read - run.read)
        run.note_read(read)

    def _is_wanted(self, item: Element) -> bool:
        if not is_mail(item):
            return False
        received = received_at(item)
        return self._terms.since is None or received is None or received >= self._terms.since

    def _mails(self, folder: Folder, ids: Sequence[ItemId]) -> list[Mail]:
        """Some mails: of all the header block, of those between humans the text."""
        mails: dict[str, Mail] = {}
        humans: list[ItemId] = []
        for id_, item in zip(ids, self._items(folder, ids, HEAD), strict=True):
            key = key_of(id_.id)
            if isinstance(item, Fault):
                if not item.is_gone:
                    mails[key] = Mail(key, fault=withheld("the server", item.code))
                continue
            mail = mails[key] = mail_of(key, item)
            if self._state.headers_only or mail.is_draft:
                continue
            if nature_by_head(mail.head, b"", self._terms)[1] == "personal":
                humans.append(id_)
        for begin in range(0, len(humans), BODIES):
            batch = humans[begin : begin + BODIES]
            for id_, item in zip(batch, self._items(folder, batch, BODY, BODY_BYTES), strict=True):
                key = key_of(id_.id)
                if not isinstance(item, Fault):
                    mails[key] = with_body(mails[key], item, BODY_BYTES)
                elif item.code == TRIPPED:
                    mails[key] = Mail(key, fault=withheld("the server", item.code))
                # What is refused counts as empty: who wrote to whom is known all the same.
        return list(mails.values())

    def _items(
        self, folder: Folder, ids: Sequence[ItemId], properties: Sequence[Property], body: int = 0
    ) -> list[Element | Fault]:
        """Items by their ids, fewer at a time where an answer would be too large."""
        try:
            return self._line.items(ids, properties, body=body, beside=[folder.id])
        except TooLarge:
            if len(ids) == 1:
                return [Fault("it is too large")]
            half = len(ids) // 2
            return [
                *self._items(folder, ids[:half], properties, body),
                *self._items(folder, ids[half:], properties, body),
            ]

    # --- what is gone -----------------------------------------------------------------------------------------------------

    def _retire(self, runs: Sequence[tuple[Folder, _Run]]) -> Iterator[Page]:
        """What went from folders that are there, and all that came from those which are there no more."""
        left_out = sorted(self._state.runs.keys() - {one.key for one, _ in runs})
        lost = sum(len(self._state.runs[key].read) for key in left_out)
        if lost > 1 and not any(run.read for _, run in runs):
            raise SuspiciousSnapshot(suspicious(self._access.account, lost, "mails"))
        for one, run in runs:
            yield from self._gone(one.key, run, run.gone)
        for key in left_out:
            run = self._state.runs[key]
            yield from self._gone(key, run, run.read)
            del self._state.runs[key]

    def _gone(self, key: str, run: _Run, gone: Iterable[str]) -> Iterator[Page]:
        """Tombstones of a folder, once all folders were read."""
        names = sorted(gone)
        for begin in range(0, len(names), _TOMBSTONES):
            batch = names[begin : begin + _TOMBSTONES]
            run.forget(set(batch))
            yield self._page(key, [Tombstone(ExternalId(one)) for one in batch])

    def _page(self, key: str, changes: list[Change], *, is_last: bool = False, is_kept: bool = False) -> Page:
        # A cursor grows with the mailbox; writing all of it with every page would cost the square of that.
        self._since_checkpoint += len(changes)
        size = sum(len(run.read) for run in self._state.runs.values())
        checkpoint = None
        if is_last or is_kept or self._since_checkpoint * 20 >= size:
            checkpoint = self._state.cursor()
            self._since_checkpoint = 0
        # What a folder is for does not change, and neither does its id; its name does.
        stream = StreamName(f"{STREAM}/{self._state.roles.get(key, key)}" if key else STREAM)
        return Page(compact(changes), stream, checkpoint=checkpoint, last=is_last, done=self._done)


def read_by_default(folders: Iterable[Folder]) -> list[Folder]:
    """The folders of mail that are read when nobody chose, the inbox and what was sent first."""
    found = [one for one in folders if one.is_kept and one.holds in HOLDS and one.role not in _NOT_READ]
    first = {"inbox": 0, "sent": 1}
    return sorted(found, key=lambda one: (first.get(one.role, 2), one.name, one.key))


def newest_of(items: Iterable[tuple[datetime | None, datetime | None]]) -> datetime | None:
    """The newest of mails by when they came and were sent: the earlier of the two, as mail is moved and clocks are wrong."""
    told = [min(filter(None, one), default=None) for one in items]
    return max(filter(None, told), default=None)


def _names(text: str) -> set[str]:
    return {text[begin : begin + _KEY] for begin in range(0, len(text), _KEY)}


def _text(names: set[str]) -> str:
    return "".join(sorted(names))

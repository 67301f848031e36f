"""The one contract between Kith and every outside system.

A *source* is read in pages; each page holds *changes* and may hold a *checkpoint*, a cursor from which reading may
go on. A cursor is a string only its connector can read. A *task sink* writes follow-ups into a to-do tool, a *mail
sink* sends the digest, a *listener* waits for news. The promises, each with a test in `tests/contract/`:

1. `pull(None)` yields all there is; `pull(c)` yields what changed after `c`. Pages arrive lazily.
2. A page with a checkpoint may be the last thing ever read: resuming from it loses nothing.
3. Repeats are allowed, gaps are not. Order is not promised; revisions tell newer from same.
4. What cannot be read becomes `Unreadable` in its place; one bad item never stops the rest.
5. A dead cursor raises `CursorExpired`; the caller pulls `None`.
6. Only the last page of a snapshot retires what it did not name, and only inside its window.
7. A source only reads. It does not sleep, log bodies, touch a database, or ask the time but through `access.clock`.
8. `put` with a known key makes no second task: the key travels in the task, so that `find` sees it after a lost answer.
9. What an owner changed in their tool stays as they changed it; items without a key of ours are never touched.
10. Outside errors end at the connector, as classes of `schemas.errors`: of a write whose answer never came, `Ambiguous`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal, Protocol, TypeVar

from msgspec import Struct

from schemas.clock import Clock
from schemas.errors import ReauthRequired
from schemas.ids import Cursor, ExternalId, IdempotencyKey, StreamName
from schemas.records import Signal, SourceRecord

A = TypeVar("A")
B = TypeVar("B")


class Upsert(Struct, frozen=True, tag=True):
    """It is so now.

    `stamp` orders revisions of one item: of two that differ, the greater stays, whatever order they come in.
    `fingerprint` is a 63-bit hash of the raw item, by which an unread copy can be told to be held already.
    `is_row` is false for what a file says as a whole (that a list was read to its end), which no row of it is and
    which is therefore not counted as read.
    """

    id: ExternalId
    record: SourceRecord
    stamp: str = ""
    fingerprint: int = 0
    is_row: bool = True


class Tombstone(Struct, frozen=True, tag=True):
    """It is gone."""

    id: ExternalId


def legible(text: str) -> str:
    """A file's name as text that can be written down: bytes that no encoding explains become escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


class Unreadable(Struct, frozen=True, tag=True):
    """It could not be understood: where it stands (file, member, position) and why, for a person to read."""

    where: str
    reason: str


class Skipped(Struct, frozen=True, tag=True):
    """Understood and left out on purpose; `reason` is counted."""

    reason: str
    count: int = 1


class Same(Struct, frozen=True, tag=True):
    """Held already, known without reading it again."""

    count: int = 1


Change = Upsert | Tombstone | Unreadable | Skipped | Same


class Window(Struct, frozen=True):
    """The time a snapshot covers: aware UTC instants, the end exclusive."""

    start: datetime
    end: datetime


class Page(Struct, frozen=True):
    """One answer of a source.

    `stream` is what the changes belong to. `done` and `total` are for progress alone (bytes or items; total 0
    when unknown). `files` counts files finished in this page. `named` are ids that are there, of a snapshot whose
    source knows them from a listing and need not read them again: its last page retires what neither its changes nor
    these named.
    """

    changes: tuple[Change, ...]
    stream: StreamName = StreamName("items")
    mode: Literal["delta", "snapshot"] = "delta"
    checkpoint: Cursor | None = None
    last: bool = False
    window: Window | None = None
    done: int = 0
    total: int = 0
    files: int = 0
    named: tuple[ExternalId, ...] = ()


class TextContext(Struct, frozen=True):
    """What the text stage must know of a text: its instant, the writer's UTC offset, and who reads it.

    `at` is aware UTC; `utc_offset` is in minutes. `direct_readers` counts addressees in To. `is_html` texts are
    turned into text first.
    """

    at: datetime
    utc_offset: int | None = None
    subject: str = ""
    sender: Mapping[str, str] | None = None
    is_html: bool = False


class Reading(Struct, frozen=True):
    """What is kept of a text: an excerpt of its own words, what they do, and hints from the signature.

    `text` is the whole text, and empty unless the owner wants it kept.
    """

    excerpt: str = ""
    text: str = ""
    signals: tuple[Signal, ...] = ()
    signature: tuple[str, ...] = ()


ReadText = Callable[[str, TextContext], Reading]
"""The text stage: a module-level function, so that parsing processes can be given it by name."""

IsHeld = Callable[[Sequence[tuple[ExternalId, int]]], Sequence[bool]]
"""For ids with fingerprints: whether the very same item is held already."""


class Workers(Protocol):
    """Runs a pure, module-level function over items in other processes, answers in order, few at a time."""

    def map(self, function: Callable[[A], B], items: Iterable[A], /) -> Iterator[B]:
        """Yield `function(item)` for each item, in the order given."""
        ...


def no_secret() -> str:
    """The secret of what needs none."""
    return ""


def no_other(_refused: str, /) -> str:
    """What takes the place of a secret that was refused, where nothing can.

    Raises:
        ReauthRequired: always.
    """
    raise ReauthRequired("The sign-in was refused. Connect the account again.")


def unmetered(_quota: str, _units: int, /) -> None:
    """The spending of what has no quota."""


@dataclass(frozen=True)
class Access:
    """All that a connector is handed of the world.

    `files` are the paths of a file connector. `zone` is the owner's IANA zone; `since` leaves out what is older.
    `keep_text` is `none`, `excerpt` or `full`. `secret` gives the account's password or token, decrypted when it is
    asked for, and `renew` another in place of one that was refused (an access token of OAuth); it raises `ReauthRequired`
    when there is none. `spend` takes units of one of the connector's quotas, shared between processes; it raises `RateLimited`
    when they are used up. `settings` are the account's, as `kith connect` took them (docs/interface.md), among them
    `user`, `host`, `port`, `security`, `ca_file`, `url`, `base_url`, `allow_private`, `headers_only`, `folders`,
    `calendars`, `list` and `gmail_topic`; and `scopes`, those that an OAuth sign-in granted.
    """

    account: str
    clock: Clock
    read_text: ReadText
    workers: Workers
    is_held: IsHeld
    files: tuple[str, ...] = ()
    zone: str = "UTC"
    since: date | None = None
    keep_text: str = "excerpt"
    settings: Mapping[str, Any] = field(default_factory=dict)
    secret: Callable[[], str] = no_secret
    renew: Callable[[str], str] = no_other
    spend: Callable[[str, int], None] = unmetered


class Source(Protocol):
    """The reading side of a connector."""

    def pull(self, cursor: Cursor | None, /) -> Iterator[Page]:
        """Yield pages of changes after the cursor, lazily.

        Raises:
            CursorExpired: the cursor is dead; pull `None`.
            UnreadableFile: nothing in the file can be understood.
        """
        ...


class TaskDraft(Struct, frozen=True):
    """What a follow-up says as a task: one line, a note of plain lines, a date in the owner's zone, a link back."""

    title: str
    note: str = ""
    due: date | None = None
    url: str = ""


class TaskRef(Struct, frozen=True):
    """Where a task stands in its tool: the tool's id, a link for people, and what tells two versions apart."""

    id: str
    url: str = ""
    version: str = ""


class TaskSink(Protocol):
    """The writing side of a to-do tool, within the list that `access.settings["list"]` names.

    Every call may raise `Transient`, `RateLimited`, `ReauthRequired` or `Rejected`; `Missing` where the list is gone,
    with its tasks, and `Deleted` where the task alone is; and of a write whose answer never came `Ambiguous`, after which
    `find` tells.
    """

    def find(self, key: IdempotencyKey, /) -> TaskRef | None:
        """The task that carries this key, open or done, in whatever list it is now; None when there is none."""
        ...

    def put(self, key: IdempotencyKey, draft: TaskDraft, /) -> TaskRef:
        """Make a task under a key, once: where there is one with this key, that one, untouched.

        Raises:
            Deleted: the tool tells that there was one, and that its owner deleted it.
        """
        ...

    def update(self, ref: TaskRef, was: TaskDraft, draft: TaskDraft, /) -> TaskRef:
        """Write what differs between two drafts, but for what the owner has changed since the first was written."""
        ...

    def complete(self, ref: TaskRef, closing: str, /) -> TaskRef:
        """Mark it done, with a closing line put before its note; done already is done."""
        ...

    def reopen(self, ref: TaskRef, /) -> TaskRef:
        """Take a completion back."""
        ...


class MailSink(Protocol):
    """Sends a mail to the owner."""

    def send(self, mail: bytes, sender: str, to: str, /) -> None:
        """Hand over one whole mail (RFC 5322, CRLF lines) for one addressee.

        Raises:
            Transient: it was not taken, and may be later.
            Rejected: it was refused for good.
            ReauthRequired: the sign-in was refused.
            Ambiguous: it may have been taken; the answer never came.
        """
        ...


class Listener(Protocol):
    """A connection on which the other side tells that there is news, by which pulling is hastened."""

    def wait(self, timeout: timedelta, /) -> bool:
        """Whether there was news before the time was up; raises what a source raises."""
        ...

    def close(self) -> None:
        """Let go of the connection, also from another thread: a `wait` under way then ends soon."""
        ...


class Hook(Struct, frozen=True):
    """Where the other side may tell that there is news: an https URL, and the word by which its notices are known."""

    url: str
    token: str


class Channel(Struct, frozen=True):
    """What the other side agreed to tell of, until `ends_at` (aware UTC): its id, and what it calls that which it is on."""

    id: str
    resource: str
    ends_at: datetime


class Collection(Struct, frozen=True):
    """A folder, calendar, address book, list or project that an account offers.

    `id` is how settings name it. `role` is what it is for, where the other side tells: `inbox`, `sent`, `drafts`,
    `junk`, `trash`, `archive`, `all`, `calendar`, `contacts`, `tasks`, or empty.
    """

    id: str
    name: str
    role: str = ""
    is_read: bool = True
    """Whether it is read when nothing else is chosen."""


class Survey(Struct, frozen=True):
    """What signing in showed: as whom, what there is, and what the server can do, for a person to read.

    `settings` are those that were found out and should be kept with the account.
    """

    user: str
    collections: tuple[Collection, ...] = ()
    abilities: tuple[str, ...] = ()
    settings: Mapping[str, Any] = {}


class Location(Struct, frozen=True):
    """Where an account's server is, as found from an address: settings to connect with, and how they were found.

    `is_sure` is false for what only the domain's own records or a third party said, which whoever controls those could
    have forged: no secret goes there before the owner has confirmed the host.
    """

    settings: Mapping[str, Any]
    found_by: str
    is_sure: bool = False


class Quota(Struct, frozen=True):
    """So many units in so long a time, for one account, however many processes spend them."""

    name: str
    units: int
    period: timedelta


class Scope(Struct, frozen=True):
    """One permission that an OAuth sign-in asks for, and what Kith does with it, for the owner to read."""

    name: str
    reason: str


class TaskLimits(Struct, frozen=True):
    """How many characters a to-do tool keeps of a title and of a note."""

    title: int = 500
    note: int = 10_000


@dataclass(frozen=True)
class ConnectorSpec:
    """How a connector introduces itself.

    `stream` is the stream its items belong to; a source with several collections names one stream for each, after it:
    `calendar/work`. `account` is the kind of account it reads with (`kith connect KIND`); empty for files. `recognise`
    (file connectors) answers how surely a path is of this format, from 0 to 100, by looking at its first 64 KB and never
    at more. `locate` finds the server of an account from the settings given (an address, say), before anything secret is
    sent; it raises `Rejected` with what to give instead when it finds none. `survey` signs in and tells what is there;
    `newest` tells the instant of the newest item that the other side holds, to compare with what has come. `make_list`
    makes a list of a to-do tool under a name, and no second one where there is one. `scopes` are what an OAuth sign-in
    is asked for to read; `headers_scopes`, where there are any, take their place in headers-only mode; `write_scopes` are
    asked for in addition once it writes tasks, or sends the digest. `watch` has the other side tell of news at a hook: of
    channels that stand it renews those that end within a day, opens what is missing, ends what is too many, and answers
    those that stand now; with no hook it ends all of them. A notice is never more than a reason to pull. `interval` is how often it is asked
    for news where nothing tells.
    """

    name: str
    title: str
    stream: StreamName
    open_source: Callable[[Access], Source] | None = None
    recognise: Callable[[str, bytes], int] | None = None
    scopes: tuple[Scope, ...] = ()
    headers_scopes: tuple[Scope, ...] = ()
    write_scopes: tuple[Scope, ...] = ()
    account: str = ""
    open_sink: Callable[[Access], TaskSink] | None = None
    open_mail: Callable[[Access], MailSink] | None = None
    open_listener: Callable[[Access], Listener] | None = None
    locate: Callable[[Mapping[str, Any]], Location] | None = None
    survey: Callable[[Access], Survey] | None = None
    newest: Callable[[Access], datetime | None] | None = None
    make_list: Callable[[Access, str], Collection] | None = None
    watch: Callable[[Access, Hook | None, Sequence[Channel]], tuple[Channel, ...]] | None = None
    interval: timedelta = timedelta(minutes=15)
    quotas: tuple[Quota, ...] = ()
    limits: TaskLimits = field(default_factory=TaskLimits)

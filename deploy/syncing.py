"""Reads live accounts into the book now."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from deploy.accounts import accesses
from deploy.clock import SystemSleeper
from deploy.mailers import redirect_mail
from deploy.parsing import ParsingPool
from deploy.wiring import Application
from schemas.clock import epoch
from schemas.connector import Access, ConnectorSpec, Page, Source, Upsert, Workers
from schemas.errors import ConnectorError, KithError, PartlyRead, QuotaSpent, RateLimited, ReauthRequired
from schemas.events import at_of
from schemas.ids import Cursor
from schemas.interface import Reject, SourceReport, SyncedAccount, SyncReport
from schemas.records import DirectMessage, Meeting, Message
from services import accounts
from services.accounts import Account, Feed, backoff
from services.book import Book
from services.ingest import Ingest
from services.quotas import rest, rests_until
from services.refusal import refusals
from services.store import events as stream
from services.store.unit import Store
from services.tasks import telling_ticks_apart
from services.turns import OwnerRests, TurnLost, TurnTaken

_GATHER = 500
_ALONE_FOR = timedelta(milliseconds=500)
_COMPARE_EVERY = timedelta(hours=1)
_PATIENCE = timedelta(seconds=10)
_LOOK_EVERY = timedelta(milliseconds=200)

Busy = Callable[[Account], None]
"""Told of an account that another process reads just now."""
Rests = Callable[[Feed, ConnectorSpec], None]
"""Told of a feed that goes on later, since all that its server allows for now is used up."""
Advance = Callable[[str, int, int], None]
"""Told which account is read, how much of it is, and of how much."""


class Budget:
    """How long a reading may take; it stops after a page that it can go on from."""

    def __init__(self, length: timedelta | None) -> None:
        """`length` is of the machine's own time; None for no end."""
        self._ends_at = None if length is None else time.monotonic() + length.total_seconds()
        self.is_spent = False

    def limited(self, source: Source) -> Source:
        """The source, which yields no more once the time is up."""
        return _Limited(source, self)

    def pages(self, pages: Iterator[Page]) -> Iterator[Page]:
        """Pages until the time is up."""
        for page in pages:
            yield page
            is_over = self._ends_at is not None and time.monotonic() >= self._ends_at
            if is_over and page.checkpoint is not None and not page.last:
                self.is_spent = True
                return


class _Limited(Struct):
    source: Source
    budget: Budget

    def pull(self, cursor: Cursor | None, /) -> Iterator[Page]:
        """Yield the source's pages while there is time."""
        return self.budget.pages(self.source.pull(cursor))


class _Extent(Struct):
    """What came: from when to when, and how far the reading got."""

    oldest: datetime | None = None
    newest: datetime | None = None
    done: int = 0
    total: int = 0

    def take(self, page: Page, now: datetime) -> None:
        times = [
            at_of(change.record, now)
            for change in page.changes
            if isinstance(change, Upsert) and isinstance(change.record, Message | DirectMessage | Meeting)
        ]
        self.oldest = min([*times, *filter(None, [self.oldest])], default=None)
        # A meeting that is still to come tells nothing of how far the reading is.
        self.newest = max([*(one for one in times if one <= now), *filter(None, [self.newest])], default=None)
        self.done, self.total = page.done, page.total


def sync(
    app: Application,
    book: Book,
    account_ids: Sequence[str] = (),
    *,
    full: bool = False,
    advance: Advance = lambda _what, _done, _total: None,
    busy: Busy = lambda _account: None,
    rests: Rests = lambda _feed, _spec: None,
    patience: timedelta = _PATIENCE,
) -> SyncReport:
    """Read these accounts, or all that are active, to their ends, and keep the book; safe to repeat.

    One account that fails keeps no other from being read; how each went is in the report. An account that was asked for
    by its id is read in whatever state it is, and is active again when its sign-in works.

    Args:
        full: everything is read anew, not only what is new.
        busy: told of an account that another process reads just now, and still did when patience was over; that
            process goes on with it by itself.
        rests: told of what goes on later, since all that its server allows for now is used up.
        patience: how long to wait for such a process, by the machine's own time.
    """
    with book.store.read() as unit:
        known = accounts.accounts(unit, book.owner)
    report = SyncReport([], [], [])
    with ParsingPool(alone_for=_ALONE_FOR) as pool:
        for account in known:
            if account.id in account_ids or (not account_ids and account.state == "active"):
                reading = _Reading(app, book, pool, report, advance, busy, rests, patience, full=full)
                report.accounts.append(reading.read(account))
            elif not account_ids and account.state == "reconnect":
                report.accounts.append(
                    SyncedAccount(account.id, account.name, account.state, account.reason or None)
                )
    book.keep(advance)
    app.wake(book.owner)
    return report


class _Reading:
    """Reads accounts, each feed in the turn in which the jobs read it as well."""

    def __init__(
        self,
        app: Application,
        book: Book,
        pool: Workers,
        report: SyncReport,
        advance: Advance,
        busy: Busy,
        rests: Rests,
        patience: timedelta,
        *,
        full: bool,
    ) -> None:
        self._app = app
        self._book = book
        self._pool = pool
        self._report = report
        self._advance = advance
        self._busy = busy
        self._rests = rests
        self._patience = patience
        self._full = full

    def read(self, account: Account) -> SyncedAccount:
        with self._book.store.read() as unit:
            feeds = {one.connector: one for one in accounts.feeds(unit, account.owner, account.id)}
        failed = ""
        is_read = True
        try:
            for spec, access in accesses(self._app, account, self._pool):
                if spec.name in feeds:
                    try:
                        failed = self._read_feed(feeds[spec.name], spec, access) or failed
                    except TurnTaken:
                        is_read = False
        except ReauthRequired as error:
            with self._book.store.write() as unit:
                accounts.set_state(unit, account, "reconnect", str(error))
                redirect_mail(self._app, unit, account.owner)
            return SyncedAccount(account.id, account.name, "reconnect", str(error))
        if not is_read:
            self._busy(account)
        state = account.state
        if state == "reconnect" and is_read and not failed:
            state = "active"
            with self._book.store.write() as unit:
                accounts.set_state(unit, account, state)
                redirect_mail(self._app, unit, account.owner)
        return SyncedAccount(account.id, account.name, state, failed or None)

    def _read_feed(self, feed: Feed, spec: ConnectorSpec, access: Access) -> str:
        """Why it failed, or nothing; a refused sign-in is an end of the turn like any other."""

        def work(store: Store) -> str | ReauthRequired:
            book = Book(store, feed.owner, self._book.clock, self._book.habits)
            try:
                return read_feed(
                    self._app,
                    book,
                    feed,
                    spec,
                    access,
                    self._report,
                    self._advance,
                    self._rests,
                    full=self._full,
                )
            except ReauthRequired as error:
                return error

        deadline = time.monotonic() + self._patience.total_seconds()
        while True:
            try:
                told = self._app.turns.run(feed.owner, work, turn_of(feed))
                break
            except TurnTaken:
                if time.monotonic() >= deadline:
                    raise
                SystemSleeper().sleep(_LOOK_EVERY)
            except (TurnLost, OwnerRests) as error:
                return str(error)
        if isinstance(told, ReauthRequired):
            raise told
        return told


def turn_of(feed: Feed) -> str:
    """The name of the turn in which a feed is read."""
    return f"pull {feed.account} {feed.connector}"


def read_feed(
    app: Application,
    book: Book,
    feed: Feed,
    spec: ConnectorSpec,
    access: Access,
    report: SyncReport,
    advance: Advance = lambda _what, _done, _total: None,
    rests: Rests = lambda _feed, _spec: None,
    *,
    full: bool = False,
    chance: float = 0,
    budget: Budget | None = None,
) -> str:
    """Read one feed to its end, and note how it went; why it failed, or nothing.

    One collection of several that cannot be read is listed among the rejects, and is no failure.

    Args:
        rests: told when all that the server allows for now is used up; what came until then is kept, and it goes on later.
        full: everything is read anew, what is held as well.
        chance: from 0 to 1, by which the next try after a failure is put apart from others'.
        budget: how long it may take; what is left then is due at once.

    Raises:
        ReauthRequired: the sign-in was refused; noted as a failure of this feed.
    """
    if spec.open_source is None:
        return ""
    began = time.monotonic()
    entry = SourceReport(feed.account, spec.name)
    report.sources.append(entry)
    extent = _Extent()
    now = app.clock.now()
    with book.store.write() as unit:
        until = rests_until(unit, feed.owner, feed.account, now)
        if until is not None:
            return f"The server asked to be left alone until {until:%H:%M} UTC. Kith goes on by itself."
        admit = telling_ticks_apart(book.store, book.owner, feed.account, refusals(unit, book.owner))
        if full:
            stream.set_cursor(unit, book.owner, feed.account, spec.name, None, epoch(now))
    if full:
        access = replace(access, is_held=lambda items: [False] * len(items))
    has_come = False

    def progress(page: Page) -> None:
        nonlocal has_come
        has_come = True
        extent.take(page, now)
        advance(feed.account, page.done, page.total)

    ingest = Ingest(
        book.store, book.owner, book.clock, feed.account, spec.name, admit, gather=_GATHER, is_live=True
    )
    budget = budget or Budget(None)
    partly = ""
    try:
        ingest.run(budget.limited(spec.open_source(access)), entry, report.rejects, progress)
    except PartlyRead as error:
        partly = str(error)
        entry.read += 1
        entry.rejected += 1
        report.rejects.append(Reject(spec.name, f"{spec.title} ({feed.account})", partly))
    except KithError as error:
        if isinstance(error, QuotaSpent) and has_come:
            with book.store.write() as unit:
                accounts.note_success(
                    unit, feed, now, now + error.retry_after, **msgspec.structs.asdict(extent)
                )
            rests(feed, spec)
            return ""
        with book.store.write() as unit:
            others = accounts.others_failing(unit, feed)
            wait = (
                error.retry_after
                if isinstance(error, RateLimited)
                else backoff(feed.failures + 1, chance, others)
            )
            accounts.note_failure(unit, feed, now, now + wait, str(error))
            # Of its own quota a feed spends alone; a server that refuses is left alone by all that work at the account.
            if isinstance(error, RateLimited) and not isinstance(error, QuotaSpent):
                rest(unit, feed.owner, feed.account, now + wait)
        if isinstance(error, ReauthRequired):
            raise
        return str(error)
    finally:
        entry.seconds = round(time.monotonic() - began, 3)
    with book.store.write() as unit:
        accounts.note_success(
            unit,
            feed,
            now,
            now if budget.is_spent else now + spec.interval,
            **msgspec.structs.asdict(extent),
            is_complete=not budget.is_spent,
            partly=partly,
        )
    _compare(book, feed, spec, access, now)
    return ""


def _compare(book: Book, feed: Feed, spec: ConnectorSpec, access: Access, now: datetime) -> None:
    """Ask the other side now and then for its newest item, so that silence can be told from standing still."""
    if spec.newest is None or (feed.checked_at is not None and now - feed.checked_at < _COMPARE_EVERY):
        return
    try:
        newest = spec.newest(access)
    except QuotaSpent:
        return
    except RateLimited as error:
        with book.store.write() as unit:
            rest(unit, feed.owner, feed.account, now + error.retry_after)
    except ConnectorError:
        return  # Reading went well a moment ago; the next reading tells if that is over.
    else:
        with book.store.write() as unit:
            accounts.note_remote(unit, feed, newest, now)

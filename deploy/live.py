"""What the jobs do at live accounts: read what is new, do what the outbox asks for, and say where to listen.

Each in a turn of its own, so that two processes never do the same at once; each for a while only, so that a long first
reading leaves room for the rest. What goes wrong is noted with the account, and is no error of the job.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import cache, partial
from random import SystemRandom

import structlog

from deploy.accounts import accesses, connectors_of, hook_of
from deploy.consent import may_write, sends_mail
from deploy.grants import Tokens
from deploy.mailers import redirect_mail
from deploy.parsing import ParsingPool
from deploy.posting import ask_for_owner, letter_of
from deploy.syncing import Advance, Budget, read_feed, turn_of
from deploy.wiring import Application
from schemas.connector import Access, ConnectorSpec, Listener, TaskSink
from schemas.errors import ConnectorError, Missing, RateLimited, ReauthRequired, Rejected, Transient
from schemas.interface import SyncReport
from services import accounts
from services.accounts import Account, Feed
from services.book import Book
from services.outbox import Delivered, Delivery, MailWork, TaskWork, Work
from services.store.channels import channels, set_channels
from services.store.outbox import Side
from services.store.unit import Store, Unit
from services.tasks import Tool, is_in_line, reconcile
from workers.listen import Open, Place
from workers.once import Once

FOR_A_WHILE = timedelta(seconds=60)
"""How long one job reads an account before others have their turn."""
_TELL_EVERY = timedelta(seconds=5)
_RENEW_BEFORE, _ASK_AGAIN = timedelta(days=1), timedelta(hours=6)
_ALONE_FOR = timedelta(seconds=1)
chance = SystemRandom().random
"""By which delays differ between accounts and installations."""
_log = structlog.get_logger("kith.live")


class Live:
    """The live accounts of a home."""

    def __init__(
        self,
        app: Application,
        ring: Callable[[int, str], None] = lambda _owner, _account: None,
        look: Callable[[int, str, str], None] = lambda _owner, _account, _connector: None,
        for_a_while: timedelta = FOR_A_WHILE,
    ) -> None:
        """Nothing is opened yet.

        Args:
            ring: told of an owner's account at which there is something to do.
            look: told of an owner's account that is to be read at once, and by which connector.
            for_a_while: how long one job reads an account before others have their turn.
        """
        self._app = app
        self._turns = app.turns
        self._ring = ring
        self._look = look
        self._for_a_while = for_a_while
        self._once = Once()
        self._sinks: dict[tuple[int, str], tuple[Account, TaskSink]] = {}

    # --- reading ------------------------------------------------------------------------------------------------------

    def pull(self, owner: int, account_id: str, connector: str) -> bool:
        """Read a feed for a while; whether there is more to read at once."""
        with self._app.store.read() as unit:
            account, feed = _feed(unit, owner, account_id, connector)
        if account is None or feed is None or account.state != "active":
            return False
        name = turn_of(feed)
        with self._once.at(owner, name) as turn:
            if not turn.is_ours:
                return False
            more = self._turns.run(owner, partial(self._pull, account, feed), name)
        return more or turn.is_wanted_again

    def _pull(self, account: Account, feed: Feed, store: Store) -> bool:
        book = Book(store, account.owner, self._app.clock, self._app.book_of(account.owner).habits)
        report = SyncReport([], [], [])
        budget = Budget(self._for_a_while)
        try:
            with ParsingPool(alone_for=_ALONE_FOR) as pool:
                spec, access = self._joined(account, feed.connector, pool)
                why = read_feed(
                    self._app,
                    book,
                    feed,
                    spec,
                    access,
                    report,
                    self._progress(feed),
                    chance=chance(),
                    budget=budget,
                )
        except ReauthRequired as error:
            self._needs_owner(store, account, error)
            return False
        if not why:
            self._watch(store, feed, spec, access)
        is_fresh = feed.tried_at is None or not feed.is_complete
        if is_fresh or any(entry.added or entry.changed or entry.deleted for entry in report.sources):
            # Tasks may begin, or go on, once an account was read whole, also where that brought nothing.
            self._app.wake(account.owner)
        return budget.is_spent and not why

    def _progress(self, feed: Feed) -> Advance:
        """Has the book told now and then of what has come, so that a long first reading is of use from its beginning."""
        last = time.monotonic()

        def advance(_what: str, _done: int, _total: int) -> None:
            nonlocal last
            self._turns.went_on(feed.owner, turn_of(feed))
            if time.monotonic() - last >= _TELL_EVERY.total_seconds():
                last = time.monotonic()
                self._app.wake(feed.owner)

        return advance

    def _watch(self, store: Store, feed: Feed, spec: ConnectorSpec, access: Access) -> None:
        """Have the other side tell of news, where it can and this home can be reached; polling goes on in any case."""
        hook = hook_of(self._app, feed, spec)
        now = self._app.clock.now()
        where = (feed.owner, feed.account, feed.connector)
        if spec.watch is None or hook is None or (feed.ask_at is not None and now < feed.ask_at):
            return
        with store.read() as unit:
            standing = channels(unit, *where)
        if standing and all(one.ends_at - now > _RENEW_BEFORE for one in standing):
            return
        try:
            standing = spec.watch(access, hook, standing)
        except RateLimited as error:
            # As after a long reading, which takes all there is.
            with store.write() as unit:
                accounts.note_notices(unit, feed, feed.untold, now + error.retry_after)
            return
        except ConnectorError as error:
            # What passes is no trouble while what was agreed before still stands.
            is_told = isinstance(error, Transient) and any(one.ends_at > now for one in standing)
            say = _log.info if feed.untold or is_told else _log.warning
            say("no notices of news", account=feed.account, connector=feed.connector, why=str(error))
            with store.write() as unit:
                accounts.note_notices(unit, feed, "" if is_told else str(error), now + _ASK_AGAIN)
            return
        soonest = min((one.ends_at for one in standing), default=now + 2 * _ASK_AGAIN)
        # Where less is granted than was asked for, half of that goes by before it is asked for again.
        ask_at = now + (soonest - now) / 2 if soonest - now <= _RENEW_BEFORE else None
        with store.write() as unit:
            set_channels(unit, *where, standing)
            accounts.note_notices(unit, feed, "", ask_at)

    def _joined(
        self, account: Account, connector: str, pool: ParsingPool | None = None
    ) -> tuple[ConnectorSpec, Access]:
        return next(one for one in accesses(self._app, account, pool) if one[0].name == connector)

    def _needs_owner(self, store: Store, account: Account, error: ConnectorError) -> None:
        with store.write() as unit:
            now = accounts.account_of(unit, account.owner, account.id)
            if now is not None and now.state == "paused":
                # It stays so; that its sign-in is over is known when its owner comes back to it.
                accounts.set_state(unit, account, "paused", str(error))
            if now is None or now.state != "active":
                return  # Another job, or the owner, was first.
            accounts.set_state(unit, account, "reconnect", str(error))
            asked = ask_for_owner(self._app, unit, now)
            by = redirect_mail(self._app, unit, account.owner) or (asked.account if asked else None)
            if by is not None:
                unit.after_commit(lambda: self._ring(account.owner, by))
        _log.warning("account must be reconnected", account=account.id, why=str(error))

    def touch(self, owner: int) -> None:
        """Refresh the grants that nothing used for a week, of accounts that are paused as well."""
        with self._app.store.read() as unit:
            known = accounts.accounts(unit, owner)
        for account in known:
            if account.kind not in self._app.authorities or account.reason:
                continue  # Why it is over was told already.
            try:
                Tokens(self._app, account).touch()
            except ReauthRequired as error:
                self._needs_owner(self._app.store, account, error)
            except ConnectorError as error:
                _log.info("a sign-in could not be refreshed", account=account.id, why=str(error))

    # --- writing ------------------------------------------------------------------------------------------------------

    def keep_tools(self, book: Book) -> list[str]:
        """Ask for what keeps the to-do tools of a book in line; the accounts at which there is something to do."""
        with book.store.read() as unit:
            known = accounts.accounts(unit, book.owner)
            feeds = accounts.feeds(unit, book.owner)
        active = {one.id for one in known if one.state == "active"}
        # An answer may not have come yet while an account is still read for the first time.
        may_begin = all(one.is_complete for one in feeds if one.account in active)
        public_url = self._app.settings.public_url
        return reconcile(book, self._tools(known), public_url, may_begin=may_begin)

    def _tools(self, known: Sequence[Account]) -> list[Tool]:
        return [
            Tool(one.id, spec.limits)
            for one in known
            if one.state == "active" and one.settings.get("list")
            for spec in connectors_of(self._app, one.kind)
            if spec.open_sink is not None
        ]

    def deliver(self, owner: int, account_id: str) -> bool:
        """Do what the outbox asks for at an account; whether it was asked again meanwhile."""
        with self._app.store.read() as unit:
            account = accounts.account_of(unit, owner, account_id)
        if account is None or account.state != "active":
            return False
        name = f"deliver {account_id}"
        with self._once.at(owner, name) as turn:
            if not turn.is_ours:
                return False
            told = self._turns.run(owner, partial(self._deliver, account), name)
        if told.done or told.failed:
            _log.info("outbox", account=account_id, done=told.done, failed=told.failed)
        if told.has_put:
            # A task that no reading has seen cannot be told as deleted; its owner may do so within a minute.
            for spec in connectors_of(self._app, account.kind):
                if spec.open_sink is not None:
                    self._look(owner, account_id, spec.name)
        if told.done and not is_in_line(
            self._app.book_of(owner), self._tools([account]), self._app.settings.public_url
        ):
            # What closed while its task was being made waits to be asked for.
            self._app.wake(owner)
        return turn.is_wanted_again

    def _deliver(self, account: Account, store: Store) -> Delivered:
        work = cache(partial(self._work_at, account, store))
        told = Delivery(store, account.owner, account.id, work, self._app.clock, chance).run()
        if told.error is not None:
            self._sinks.pop((account.owner, account.id), None)
        if isinstance(told.error, ReauthRequired | Missing):
            self._needs_owner(store, account, told.error)
        return told

    def _work_at(self, account: Account, store: Store, side: Side) -> Work:
        for spec, access in accesses(self._app, account):
            if side == "tasks" and spec.open_sink is not None and may_write(spec, account.settings):
                sink = self._sink_of(account, spec.open_sink, access)
                return TaskWork(store, account.owner, account.id, sink, self._app.clock)
            if side == "mail" and spec.open_mail is not None and sends_mail(spec, account.settings):
                return MailWork(spec.open_mail(access), partial(letter_of, self._app, account))
        raise ReauthRequired(
            f"This release of Kith knows no way to write to accounts of the kind {account.kind}."
        )

    def _sink_of(self, account: Account, opens: Callable[[Access], TaskSink], access: Access) -> TaskSink:
        """The sink that is open already, while the account is the same: finding its list takes longer than a write."""
        before, sink = self._sinks.get((account.owner, account.id), (None, None))
        if sink is None or before != account:
            sink = opens(access)
            self._sinks[account.owner, account.id] = account, sink
        return sink

    # --- listening ----------------------------------------------------------------------------------------------------

    def places(self) -> Mapping[Place, Open]:
        """Where the other side tells of news, and how to listen there."""
        with self._app.store.read() as unit:
            feeds = accounts.active_feeds(unit)
            known = {
                (one.owner, one.id): one
                for owner in dict.fromkeys(feed.owner for feed in feeds)
                for one in accounts.accounts(unit, owner)
            }
        found: dict[Place, Open] = {}
        for feed in feeds:
            account = known[feed.owner, feed.account]
            for spec in connectors_of(self._app, account.kind):
                if spec.name == feed.connector and spec.open_listener is not None:
                    place = Place(feed.owner, feed.account, feed.connector)
                    found[place] = partial(self._listen, account, spec.name)
        return found

    def _listen(self, account: Account, connector: str) -> Listener:
        spec, access = self._joined(account, connector)
        if spec.open_listener is None:
            raise Rejected(f"Nothing tells of news at {account.name}.")
        return spec.open_listener(access)


def _feed(unit: Unit, owner: int, account_id: str, connector: str) -> tuple[Account | None, Feed | None]:
    account = accounts.account_of(unit, owner, account_id)
    feeds = accounts.feeds(unit, owner, account_id)
    return account, next((one for one in feeds if one.connector == connector), None)

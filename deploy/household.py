"""A home and everything that works in it: jobs, page, relay, schedule and listeners, joined."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from threading import Event, Thread
from typing import Any

import structlog
from dramatiq import Broker, Worker

from deploy.accounts import what_to_do
from deploy.digests import write_digest
from deploy.hosting import Hosted
from deploy.live import Live, chance
from deploy.posting import ask_for_digest
from deploy.watching import Watch
from deploy.wiring import Application
from schemas.clock import epoch
from schemas.ids import key64
from schemas.interface import Reject
from services.attention import DigestTimes
from services.book import Book
from services.composing import compose
from services.evidence import Evidence, evidence_of
from services.links import Deed
from services.notices import Notice, Notices
from services.oneclick import OneClick
from services.schedule import Rhythm
from services.status import Status, status
from services.store import events as stream
from services.store.outbox import Intent
from services.store.readiness import troubles
from services.store.unit import Store
from services.web.app import Desk
from services.web.guard import known_hosts
from workers.actors import Bells, register
from workers.broker import is_reachable, jobs_waiting, make_broker
from workers.gather import Gather
from workers.listen import Listeners
from workers.relay import Relay
from workers.schedule import Schedule

THREADS = 4
_DRAIN_MILLISECONDS = 5_000
_HEED_WITHIN = timedelta(seconds=1)
_log = structlog.get_logger("kith.household")


class Household:
    """A home and everything that works in it; also what the actors call (`workers.actors.Jobs`)."""

    def __init__(self, app: Application) -> None:
        self.app = app
        self.rhythm = Rhythm(app.settings.digest_day, app.settings.digest_time)
        self.turns = app.turns
        self.digests = DigestTimes(app.store, app.clock, self.rhythm)
        self.broker: Broker = make_broker(app.settings.broker_url, self._bury)
        self.bells: Bells = register(self.broker, self)
        self.live = Live(app, self._ring_for, self._look_at)
        self.notices = Gather(self._heed)
        app.wake = self.wake

    def wake(self, owner: int, /) -> None:
        """Ring for an owner whose stream has grown."""
        self.bells.keep_owner.send(owner)

    def _ring_for(self, owner: int, account: str) -> None:
        self.bells.deliver.send(owner, account)

    def _look_at(self, owner: int, account: str, connector: str) -> None:
        self.bells.pull.send(owner, account, connector)

    # --- jobs ---------------------------------------------------------------------------------------------------------

    def keep(self, owner: int, /) -> bool:
        """Bring an owner's book and to-do tools up to date, in a turn; whether the book still is when that is done."""

        def work(store: Store) -> list[str]:
            book = self._book(store, owner)
            book.keep()
            return self.live.keep_tools(book)

        for account in self.turns.run(owner, work):
            self.bells.deliver.send(owner, account)
        return self.app.book_of(owner).is_kept()

    def pull(self, owner: int, account: str, connector: str, /) -> bool:
        """Read what is new at an account for a while, in a turn; whether there is more at once."""
        return self.live.pull(owner, account, connector)

    def deliver(self, owner: int, account: str, /) -> bool:
        """Do what the outbox asks for at an account, in a turn; whether it was asked again meanwhile."""
        return self.live.deliver(owner, account)

    def touch(self, owner: int, /) -> None:
        """See that no sign-in of the owner's ends because it was not used."""
        self.live.touch(owner)

    def compose_digest(self, owner: int, week: str, /) -> None:
        """Compose the digest of a week into the home's folder, in a turn, unless it is there already; and have it sent."""

        def work(store: Store) -> Intent | None:
            if self.digests.week_due(owner) != week:
                return None
            digest = compose(self._book(store, owner), week)
            write_digest(digest, self._digest_folder(owner), self.app.digest_links(owner, digest))
            with store.write() as unit:
                asked = ask_for_digest(self.app, unit, owner, week)
            self.digests.settle(store, owner)
            _log.info("digest composed", owner=owner, week=week)
            return asked

        asked = self.turns.run(owner, work)
        if asked is not None:
            self.bells.deliver.send(owner, asked.account)

    def _book(self, store: Store, owner: int) -> Book:
        return Book(store, owner, self.app.clock, self.app.book_of(owner).habits)

    def _digest_folder(self, owner: int) -> Any:
        folder = self.app.settings.home / "digests"
        return folder if len(self.app.owners()) == 1 else folder / str(owner)

    def _bury(self, actor: str, args: tuple[Any, ...], why: str) -> None:
        """A job failed for good: its owner finds it among what was set aside."""
        if not args or not isinstance(args[0], int):
            return
        refused = Reject("jobs", actor, why)
        key = key64(refused.source, refused.where, refused.reason)
        with self.app.store.write() as unit:
            stream.add_rejects(unit, args[0], epoch(self.app.clock.now()), [(key, refused)])

    # --- what the page is handed --------------------------------------------------------------------------------------

    def desk(self) -> Desk:
        """What the page reads through."""
        return Desk(
            statuses=self._statuses,
            troubles=self._troubles,
            hosts=known_hosts(self.app.settings.public_url),
            one_click=self._one_click(),
            public_url=self.app.settings.public_url,
            sign_ins=Hosted(self.app) if self.app.link_signer else None,
            vendors={kind: spec.title for kind, spec in self.app.authorities.items()},
            find_followup=self._evidence,
            take_notices=self._take_notices if self.app.notice_signer else None,
        )

    def _take_notices(self, notices: Sequence[Notice]) -> bool:
        """Whether a word of these is known; what follows from it is done apart, as vendors wait for seconds only."""
        signer = self.app.notice_signer
        known = [one for one in notices if signer is not None and signer.read(one.token) is not None]
        self.notices.bring(known)
        return bool(known)

    def _heed(self, notices: Sequence[Notice]) -> None:
        if self.app.notice_signer is None:
            return
        _, at_once = Notices(self.app.store, self.app.clock, self.app.notice_signer).take(notices)
        for told in at_once:
            self.bells.pull.send(told.owner, told.account, told.connector)

    def _evidence(self, followup: str) -> tuple[Evidence, Mapping[Deed, str]] | None:
        one_click = self._one_click()
        for owner in self._owners():
            found = evidence_of(self.app.book_of(owner), followup)
            if found is not None:
                return found, one_click.tokens(owner, followup) if one_click else {}
        return None

    def _one_click(self) -> OneClick | None:
        signer = self.app.link_signer
        return OneClick(self.app.store, self.app.clock, signer, self.wake) if signer else None

    def _statuses(self) -> Sequence[Status]:
        now = self.app.clock.now()
        found = [
            status(self.app.store, owner, now, self.rhythm, what_to_do) for owner, _ in self.app.owners()
        ]
        for one in found:
            one.queues = jobs_waiting(self.broker)
        return found

    def _troubles(self) -> Sequence[str]:
        found = list(troubles(self.app.store))
        try:
            if not is_reachable(self.broker):
                found.append("broker: it does not answer.")
        except Exception as error:  # noqa: BLE001  # whatever a client raises, the broker is not ready
            found.append(f"broker: it cannot be reached ({type(error).__name__}).")
        return found

    # --- threads ------------------------------------------------------------------------------------------------------

    def begin_watch(self, stopped: Event) -> list[Thread]:
        """Start relay, schedule, listeners, and the reading of watched files."""
        relay = Relay(self.app.store, self.wake)
        schedule = Schedule(self.app.store, self.app.clock, self._owners, self.digests, self.bells)
        watch = Watch(self.app)
        listeners = Listeners(self.live.places, lambda place: self.bells.pull.send(*place), chance)
        threads = [
            Thread(target=relay.run, args=(stopped,), name="relay", daemon=True),
            Thread(target=schedule.run, args=(stopped,), name="schedule", daemon=True),
            Thread(target=watch.run, args=(stopped,), name="watch", daemon=True),
            Thread(target=listeners.run, args=(stopped,), name="listeners", daemon=True),
        ]
        for thread in threads:
            thread.start()
        return threads

    def _owners(self) -> list[int]:
        return [owner for owner, _ in self.app.owners()]

    @contextlib.contextmanager
    def working(self, threads: int = THREADS) -> Iterator[None]:
        """Run jobs meanwhile; at the end those that run are stopped where they may be, and the relay finds them."""
        worker = Worker(self.broker, worker_threads=threads, worker_timeout=500)
        worker.start()
        try:
            yield
        finally:
            self.notices.settle(_HEED_WITHIN)
            worker.stop(timeout=_DRAIN_MILLISECONDS)
            self.broker.close()

"""A home in miniature: a real broker and worker over a store, with books of a frozen clock."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from dramatiq import Worker

from schemas.clock import Clock, FrozenClock
from services.book import Book
from services.store.unit import Store
from services.turns import Turns
from tests.services.builders import NOW
from workers.actors import Bells, register
from workers.broker import EmbeddedBroker, make_broker

QUEUE = "default"


class Home:
    """What `deploy.household.Household` is to a machine: jobs run in turns, what failed is listed."""

    def __init__(
        self, store: Store, clock: Clock | None = None, work: Callable[[int], None] | None = None
    ) -> None:
        self.store = store
        self.clock = clock or FrozenClock(NOW)
        self.buried: list[tuple[str, tuple[Any, ...], str]] = []
        self.composed: list[tuple[int, str]] = []
        self.pulled: list[tuple[int, str, str]] = []
        self.delivered: list[tuple[int, str]] = []
        self.touched: list[int] = []
        self.turns = Turns(store, FrozenClock(NOW), "test")
        self.work = work
        broker = make_broker("memory:", lambda *job: self.buried.append(job), growth=timedelta(0))
        assert isinstance(broker, EmbeddedBroker)
        broker.fail_fast_default = False
        self.broker = broker
        self.bells: Bells = register(broker, self)

    def keep(self, owner: int, /) -> bool:
        def work(store: Store) -> None:
            if self.work:
                self.work(owner)
            Book(store, owner, self.clock).keep()

        self.turns.run(owner, work)
        return Book(self.store, owner, self.clock).is_kept()

    def compose_digest(self, owner: int, week: str, /) -> None:
        self.turns.run(owner, lambda _: self.composed.append((owner, week)))

    def pull(self, owner: int, account: str, connector: str, /) -> bool:
        self.pulled.append((owner, account, connector))
        return False

    def deliver(self, owner: int, account: str, /) -> bool:
        self.delivered.append((owner, account))
        return False

    def touch(self, owner: int, /) -> None:
        self.touched.append(owner)

    @contextlib.contextmanager
    def working(self, threads: int = 2) -> Iterator[None]:
        worker = Worker(self.broker, worker_threads=threads, worker_timeout=20)
        worker.start()
        try:
            yield
        finally:
            worker.stop()

    def join(self) -> None:
        """Wait until everything that was sent is done."""
        self.broker.join(QUEUE, timeout=20_000)

    def drained(self) -> None:
        """Run everything that waits, to its end; once a home, as a broker serves one worker."""
        with self.working():
            self.join()

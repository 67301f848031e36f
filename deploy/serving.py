"""Runs a home: joins page, relay, schedule and workers, starts them in order and ends them in less than ten seconds.

`up` is everything in this process, one process a home. `serve` is the page alone, `worker` the jobs alone, `scheduler`
relay and schedule alone: as many processes as there are machines for, on PostgreSQL and Redis.
"""

import contextlib
import ipaddress
import multiprocessing
import os
import secrets
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from threading import Event, Thread
from types import FrameType
from typing import Any

import structlog
import uvicorn
from dramatiq import Broker, Worker

from deploy.clock import SystemClock
from deploy.digests import write_digest
from deploy.lock import only_here
from deploy.logs import set_up_logs
from deploy.settings import Settings
from deploy.watching import Watch
from deploy.wiring import Application
from schemas.clock import epoch
from schemas.errors import ConfigError, KithError
from schemas.ids import key64
from schemas.interface import Reject
from services.attention import DigestTimes
from services.book import Book
from services.composing import compose
from services.oneclick import OneClick
from services.schedule import Rhythm
from services.status import Status, status
from services.store import events as stream
from services.store.readiness import troubles
from services.store.unit import Store
from services.turns import Turns
from services.vault import listed
from services.web.app import Desk, make_app
from services.web.guard import known_hosts
from workers.actors import Bells, register
from workers.broker import is_reachable, jobs_waiting, make_broker
from workers.relay import Relay
from workers.schedule import Schedule

THREADS = 2
_DRAIN_MILLISECONDS = 5_000
_WEB_DRAIN_SECONDS = 2
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_log = structlog.get_logger("kith.serving")


class Household:
    """A home and everything that works in it; also what the actors call (`workers.actors.Jobs`)."""

    def __init__(self, app: Application) -> None:
        self.app = app
        self.rhythm = Rhythm(app.settings.digest_day, app.settings.digest_time)
        self.turns = Turns(
            app.store, SystemClock(), f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        )
        self.digests = DigestTimes(app.store, app.clock, self.rhythm)
        self.broker: Broker = make_broker(app.settings.broker_url, self._bury)
        self.bells: Bells = register(self.broker, self)
        app.wake = self.wake

    def wake(self, owner: int, /) -> None:
        """Ring for an owner whose stream has grown."""
        self.bells.keep_owner.send(owner)

    # --- jobs ---------------------------------------------------------------------------------------------------------

    def keep(self, owner: int, /) -> bool:
        """Bring an owner's book up to date, in a turn; whether it still is when that is done."""
        self.turns.run(owner, lambda store: self._book(store, owner).keep())
        return self.app.book_of(owner).is_kept()

    def compose_digest(self, owner: int, week: str, /) -> None:
        """Compose the digest of a week into the home's folder, in a turn, unless it is there already."""

        def work(store: Store) -> None:
            if self.digests.week_due(owner) == week:
                digest = compose(self._book(store, owner), week)
                links = self.app.digest_links(owner, digest)
                write_digest(digest, self._digest_folder(owner), links)
                self.digests.settle(store, owner)
                _log.info("digest composed", owner=owner, week=week)

        self.turns.run(owner, work)

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
        )

    def _one_click(self) -> OneClick | None:
        signer = self.app.link_signer
        return OneClick(self.app.store, self.app.clock, signer, self.wake) if signer else None

    def _statuses(self) -> Sequence[Status]:
        now = self.app.clock.now()
        found = [status(self.app.store, owner, now, self.rhythm) for owner, _ in self.app.owners()]
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
        """Start relay, schedule, and the reading of watched files."""
        relay = Relay(self.app.store, self.wake)
        schedule = Schedule(self.app.store, self.app.clock, self._owners, self.digests, self.bells)
        watch = Watch(self.app)
        threads = [
            Thread(target=relay.run, args=(stopped,), name="relay", daemon=True),
            Thread(target=schedule.run, args=(stopped,), name="schedule", daemon=True),
            Thread(target=watch.run, args=(stopped,), name="watch", daemon=True),
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
            worker.stop(timeout=_DRAIN_MILLISECONDS)
            self.broker.close()


# --- the commands -------------------------------------------------------------------------------------------------


def up(app: Application, host: str, port: int) -> int:
    """Everything in one process, until it is told to stop; the exit status.

    Raises:
        HomeBusy: another process runs this home.
        ConfigError: it may not listen there, or there is no home.
    """
    _only_loopback(host)
    _begin_logs(app.settings)
    _made(app)
    with only_here(app.settings.home), _listening(host, port) as listener:
        household = Household(app)
        if app.database_file is not None:
            # No other process runs jobs on this file: what was begun and not ended died with its process.
            household.turns.end_all()
        with _stopping() as (stopped, received), household.working():
            watch = household.begin_watch(stopped)
            _announce(host, listener)
            _serve_until(stopped, household, listener)
            _join(watch)
    _log.info("stopped")
    return 128 + signal.SIGINT if signal.SIGINT in received else 0


def serve(app: Application, host: str, port: int) -> int:
    """The page alone, until it is told to stop; the exit status."""
    _only_loopback(host)
    _begin_logs(app.settings)
    with _listening(host, port) as listener:
        household = Household(app)
        with _stopping() as (stopped, received):
            _announce(host, listener)
            _serve_until(stopped, household, listener)
    return 128 + signal.SIGINT if signal.SIGINT in received else 0


def worker(app: Application, processes: int = 1, threads: int = THREADS) -> int:
    """The jobs alone, in so many processes, until it is told to stop; the exit status.

    Raises:
        ConfigError: the broker lives in another process, where no job can come from.
    """
    _shared_broker(app.settings, "worker")
    _begin_logs(app.settings)
    others = multiprocessing.get_context("spawn")
    children = [
        others.Process(target=_work_alone, args=(app.settings, threads)) for _ in range(processes - 1)
    ]
    for child in children:
        child.start()
    with _stopping() as (stopped, received), Household(app).working(threads):
        stopped.wait()
        for child in children:
            child.terminate()
    for child in children:
        child.join(timeout=10)
    return 128 + signal.SIGINT if signal.SIGINT in received else 0


def _work_alone(settings: Settings, threads: int) -> None:
    worker(Application(settings), 1, threads)


def scheduler(app: Application) -> int:
    """Relay and schedule alone, until it is told to stop; the exit status.

    Raises:
        ConfigError: the broker lives in another process.
    """
    _shared_broker(app.settings, "scheduler")
    _begin_logs(app.settings)
    household = Household(app)
    with _stopping() as (stopped, received):
        watch = household.begin_watch(stopped)
        stopped.wait()
        _join(watch)
    household.broker.close()
    return 128 + signal.SIGINT if signal.SIGINT in received else 0


# --- pieces -------------------------------------------------------------------------------------------------------


def _made(app: Application) -> None:
    """Open the store, so that a home that was never made is told of before anything starts."""
    _ = app.store


def _begin_logs(settings: Settings) -> None:
    set_up_logs(settings.log_format, secrets=[*listed(settings.secret_key), *_passwords(settings)])


def _passwords(settings: Settings) -> Iterator[str]:
    for url in (settings.database_url, settings.broker_url):
        credentials = url.partition("://")[2].rpartition("@")[0]
        yield credentials.partition(":")[2]


def _only_loopback(host: str) -> None:
    if host == "localhost":
        return
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(host).is_loopback:
            return
    raise ConfigError(
        f"Kith asks for no password yet, so it listens on this machine alone, not on {host}. Leave out --host, and "
        "reach it from elsewhere through a tunnel: ssh -L 8321:127.0.0.1:8321 this-machine"
    )


def _shared_broker(settings: Settings, what: str) -> None:
    if settings.broker_url.partition(":")[0] == "memory":
        raise ConfigError(
            f"kith {what} runs apart from the page, so it needs a broker that processes share: set KITH_BROKER_URL "
            "to redis://…. On one machine, kith up runs everything in one process without."
        )


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        raise KithError(
            f"Port {port} on {host} cannot be used: {os.strerror(error.errno or 0)}. Choose another with --port, "
            "or let the system choose: --port 0"
        ) from error
    with listener:
        yield listener


@contextlib.contextmanager
def _stopping() -> Iterator[tuple[Event, list[int]]]:
    """An event set by SIGINT or SIGTERM, and the signals that came."""
    stopped = Event()
    received: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        stopped.set()

    before = {number: signal.signal(number, stop) for number in _SIGNALS}
    try:
        yield stopped, received
    finally:
        stopped.set()
        for number, handler in before.items():
            signal.signal(number, handler)


def _announce(host: str, listener: socket.socket) -> None:
    at = f"[{host}]" if ":" in host else host
    sys.stdout.write(f"Kith is at http://{at}:{listener.getsockname()[1]} (stop it with Ctrl-C)\n")
    sys.stdout.flush()


def _serve_until(stopped: Event, household: Household, listener: socket.socket) -> None:
    """Answer requests until a signal comes; uvicorn takes the signals, and hands them back when it is done."""
    server = uvicorn.Server(
        uvicorn.Config(
            make_app(household.desk()),
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_WEB_DRAIN_SECONDS,
            limit_concurrency=200,
        )
    )
    if not stopped.is_set():
        server.run(sockets=[listener])
    stopped.set()


def _join(threads: Sequence[Thread]) -> None:
    for thread in threads:
        thread.join(timeout=2)

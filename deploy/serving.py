"""Runs a home: starts its household in order and ends it in less than ten seconds.

`up` is everything in this process, one process a home. `serve` is the page alone, `worker` the jobs alone, `scheduler`
relay and schedule alone: as many processes as there are machines for, on PostgreSQL and Redis.
"""

import contextlib
import ipaddress
import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from threading import Event, Thread
from types import FrameType

import structlog
import uvicorn

from deploy.household import THREADS, Household
from deploy.lock import only_here
from deploy.logs import set_up_logs
from deploy.settings import Settings
from deploy.wiring import Application
from schemas.errors import ConfigError, KithError
from services.vault import listed
from services.web.app import make_app

_WEB_DRAIN_SECONDS = 2
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_log = structlog.get_logger("kith.serving")


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
    yield from (settings.google_client_secret, settings.microsoft_client_secret)
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

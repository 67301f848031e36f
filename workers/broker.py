"""The broker: in this process, or Redis where there is one. It is a bell, never the book: what it loses, relay finds."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from dramatiq import Broker, Message, Middleware
from dramatiq.broker import MessageProxy
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import ShutdownNotifications, TimeLimit

from schemas.errors import ConfigError, KithError
from services.store.unit import Unavailable, why_unavailable
from workers.verdict import SOON, Verdicts

_log = structlog.get_logger("kith.jobs")
_LONGEST_MILLISECONDS = 3_600_000

Bury = Callable[[str, tuple[Any, ...], str], None]
"""Told of a job that failed for good: its actor, its arguments, and why, without anything private."""


def make_broker(url: str, bury: Bury, growth: timedelta = SOON) -> Broker:
    """The broker at `memory:` or `redis://…`, with Kith's own middleware and no actors yet.

    Args:
        url: `KITH_BROKER_URL`.
        bury: told of each job that failed for good.
        growth: the first delay before a failed job comes again.

    Raises:
        ConfigError: the URL names another broker, or Redis' client is not installed.
    """
    middleware = [
        TimeLimit(time_limit=_LONGEST_MILLISECONDS),
        ShutdownNotifications(notify_shutdown=True),
        Verdicts(growth),
        DeadLetters(bury),
    ]
    if url.partition(":")[0] == "memory":
        return EmbeddedBroker(middleware)
    if url.startswith(("redis://", "rediss://", "unix://")):
        try:
            from dramatiq.brokers.redis import RedisBroker  # noqa: PLC0415  # an extra; embedded homes have no Redis
        except ImportError as error:
            raise ConfigError(
                "KITH_BROKER_URL names Redis, whose client is not installed here. Install Kith with the extra "
                "`redis`: pip install 'kith[redis]'."
            ) from error
        return RedisBroker(url=url, middleware=middleware, namespace="kith")  # type: ignore[no-untyped-call]  # Dramatiq types no keywords here
    raise ConfigError(
        f"KITH_BROKER_URL begins with {url.partition(':')[0]}:; Kith knows memory: and redis://. "
        "Leave it out to run everything in one process."
    )


class EmbeddedBroker(StubBroker):
    """Dramatiq's in-process broker, which keeps nothing of a job that failed: a dead letter is recorded, then gone."""

    def nacked(self, queue_name: str) -> None:
        """Let go of what the consumer kept of its dead letters."""
        self.dead_letters_by_queue[queue_name].clear()

    def waiting(self) -> dict[str, int]:
        """How many jobs are queued or running, by queue; delayed ones under a name of their own."""
        return {name: queue.unfinished_tasks for name, queue in self.queues.items() if queue.unfinished_tasks}


class DeadLetters(Middleware):
    """Records what failed for good."""

    def __init__(self, bury: Bury) -> None:
        self._bury = bury

    def after_nack(self, broker: Broker, message: MessageProxy) -> None:
        """The job is over: say so, and drop it."""
        why = _why(message)
        try:
            _log.error("job failed", job=message.actor_name, args=message.args, why=why)
            self._bury(message.actor_name, message.args, why)
        except Exception:  # noqa: BLE001  # the boundary of a job: nothing may end the worker's thread
            # Whatever keeps the record from being written is in the log; the relay finds the work itself.
            _log.exception("failed job was not recorded", job=message.actor_name)
        if isinstance(broker, EmbeddedBroker):
            broker.nacked(message.queue_name)


def _why(message: MessageProxy) -> str:
    """Our own errors speak for themselves; of others only the name is told, as their words may quote mail."""
    attempts = message.options.get("attempts", 1)
    error = getattr(message, "_exception", None)
    match error:
        case KithError():
            said = str(error)
        case Unavailable():
            said = why_unavailable(error)
        case OSError(strerror=str(words)):
            said = words
        case _:
            said = type(error).__name__
    return f"{said} (attempt {attempts})"


def jobs_waiting(broker: Broker) -> dict[str, int]:
    """How many jobs wait in each queue, as far as the broker can tell."""
    return broker.waiting() if isinstance(broker, EmbeddedBroker) else {}


def is_reachable(broker: Broker) -> bool:
    """Whether the broker answers."""
    client = getattr(broker, "client", None)
    return True if client is None else bool(client.ping())


__all__ = ["Bury", "EmbeddedBroker", "Message", "is_reachable", "jobs_waiting", "make_broker"]

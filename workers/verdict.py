"""The one table from error to verdict, and the middleware that carries it out; it knows no vendor and no words.

    Transient            again, after a delay that grows
    RateLimited          again, after exactly the delay that was asked for
    TurnTaken            again soon: somebody else writes that owner's book
    TurnLost, OwnerRests no more: whoever has the turn, or the relay, sees to it
    Shutdown             no more in this process; the relay of the next one finds the work undone
    the rest of ours     no more: asking again is useless
    anything else        again, after a delay that grows

What comes again does so `ATTEMPTS` times in all, then it is a dead letter.
"""

from datetime import timedelta
from typing import Any, Literal

import structlog
from dramatiq import Broker, Middleware
from dramatiq.broker import MessageProxy
from dramatiq.middleware.shutdown import Shutdown
from msgspec import Struct

from schemas.errors import KithError, RateLimited, Transient
from services.turns import ATTEMPTS, OwnerRests, TurnLost, TurnTaken

SOON = timedelta(seconds=1)
_log = structlog.get_logger("kith.jobs")


class Verdict(Struct, frozen=True):
    """What becomes of a job that raised; only what is `counted` brings its end nearer."""

    kind: Literal["again", "drop", "fail"]
    delay: timedelta = timedelta(0)
    is_counted: bool = True


def verdict(error: BaseException, attempt: int, growth: timedelta = SOON) -> Verdict:
    """What becomes of a job whose `attempt` (1 is the first) raised this; delays grow fourfold from `growth`."""
    match error:
        case TurnTaken():
            return Verdict("again", growth, is_counted=False)
        case RateLimited():
            return Verdict("again", error.retry_after, is_counted=False)
        case TurnLost() | OwnerRests() | Shutdown():
            return Verdict("drop")
        case KithError() if not isinstance(error, Transient):
            return Verdict("fail")
        case _ if attempt < ATTEMPTS:
            return Verdict("again", growth * 4 ** (attempt - 1))
        case _:
            return Verdict("fail")


class Verdicts(Middleware):
    """Carries out the verdict on each job that raised."""

    def __init__(self, growth: timedelta = SOON) -> None:
        """`growth` is nothing under test."""
        self._growth = growth

    def after_process_message(
        self,
        broker: Broker,
        message: MessageProxy,
        *,
        result: Any = None,  # noqa: ARG002  # Dramatiq's signature
        exception: BaseException | None = None,
    ) -> None:
        """Send the job again, drop it, or let it fail."""
        if exception is None:
            return
        attempt = int(message.options.get("attempts", 0)) + 1
        found = verdict(exception, attempt, self._growth)
        log = _log.bind(
            job=message.actor_name, args=message.args, attempt=attempt, error=type(exception).__name__
        )
        if found.kind == "again":
            if found.is_counted:
                message.options["attempts"] = attempt
            log.info("job comes again", seconds=found.delay.total_seconds())
            broker.enqueue(message, delay=int(found.delay.total_seconds() * 1000))  # type: ignore[arg-type]  # a proxy of the message, which Dramatiq's own Retries sends too
        elif found.kind == "drop":
            log.info("job is left to another")
        else:
            message.options["attempts"] = attempt
            message.fail()

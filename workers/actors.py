"""The jobs: each decodes ids, calls one service and returns. Importing this module declares nothing."""

from typing import Protocol

import dramatiq
from dramatiq import Actor, Broker
from msgspec import Struct

from services.turns import TurnTaken


class Jobs(Protocol):
    """What the actors call; `deploy.household` joins it to a home."""

    def keep(self, owner: int, /) -> bool:
        """Bring an owner's book up to date, in a turn; whether it still is when that is done."""
        ...

    def compose_digest(self, owner: int, week: str, /) -> None:
        """Compose the digest of an ISO week, in a turn, unless it is there already."""
        ...

    def pull(self, owner: int, account: str, connector: str, /) -> bool:
        """Read what is new at an account for a while, in a turn; whether there is more at once."""
        ...

    def deliver(self, owner: int, account: str, /) -> bool:
        """Do what the outbox asks for at an account, in a turn; whether it was asked again meanwhile."""
        ...

    def touch(self, owner: int, /) -> None:
        """See that no sign-in of the owner's ends because it was not used."""
        ...


class Bells(Struct, frozen=True):
    """The actors of one broker; ring one by `send`."""

    keep_owner: "Actor[[int], None]"
    tend: "Actor[[int], None]"
    compose_digest: "Actor[[int, str], None]"
    pull: "Actor[[int, str, str], None]"
    deliver: "Actor[[int, str], None]"


def register(broker: Broker, jobs: Jobs) -> Bells:
    """Declare the actors on a broker."""

    @dramatiq.actor(broker=broker)
    def keep_owner(owner_id: int) -> None:
        """An owner's stream has grown."""
        try:
            is_kept = jobs.keep(owner_id)
        except TurnTaken:
            return  # Whoever has the turn looks again at its end, and the relay after that.
        if not is_kept:
            keep_owner.send(owner_id)

    @dramatiq.actor(broker=broker)
    def tend(owner_id: int) -> None:
        """Time has passed: a meeting ended, or a day began."""
        jobs.keep(owner_id)
        jobs.touch(owner_id)

    @dramatiq.actor(broker=broker)
    def compose_digest(owner_id: int, week: str) -> None:
        """An owner's digest is due."""
        jobs.compose_digest(owner_id, week)

    @dramatiq.actor(broker=broker)
    def pull(owner_id: int, account: str, connector: str) -> None:
        """There may be news at an account."""
        if jobs.pull(owner_id, account, connector):
            pull.send(owner_id, account, connector)

    @dramatiq.actor(broker=broker)
    def deliver(owner_id: int, account: str) -> None:
        """There is something to do at an account."""
        if jobs.deliver(owner_id, account):
            deliver.send(owner_id, account)

    return Bells(keep_owner, tend, compose_digest, pull, deliver)

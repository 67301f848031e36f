"""How mail files are read in other processes: jobs of a few hundred messages there, changes back, in order.

A job is a small value that names places, never bodies; its answer is one compact string. What is held already is told
by a cheaper pass over the same places, for as long as that pass pays.
"""

from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime, time
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from connectors._mime import Terms
from schemas.connector import Access, Change, Same, Skipped, Tombstone, Unreadable, Upsert
from schemas.ids import ExternalId

Place = tuple[int, int]
"""A message within its job: start and end in a file, or number and 0."""
Known = tuple[Place, ExternalId, int]
"""A message as the first pass finds it: where, its id, its fingerprint."""

_REJECTS_KEPT = 1_000
_REST_LONGEST = 32
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Upsert | Tombstone | Unreadable | Skipped | Same]).decode


def terms_of(access: Access) -> Terms:
    """The terms that an `Access` sets for reading; `since` begins at midnight in the owner's zone."""
    start = None
    if access.since is not None:
        start = datetime.combine(access.since, time(), ZoneInfo(access.zone))
    return Terms(access.clock.now(), start, access.keep_text)


class Job(Protocol):
    """Some messages to be read together."""

    def without(self, held: frozenset[Place]) -> "Job":
        """The same job less the messages at these places."""
        ...


J = TypeVar("J", bound=Job)


def packed(changes: list[Change]) -> bytes:
    """An answer on its way to the caller's process."""
    return _encode(changes)


def decoded(answer: bytes) -> list[Change]:
    """The changes of an answer."""
    return list(_decode(answer))


def worked(
    access: Access,
    jobs: Iterator[J],
    identify: Callable[[J | None], list[Known]],
    read: Callable[[J], bytes],
) -> Iterator[tuple[J, list[Change]]]:
    """Each job with its changes, in order.

    `identify` and `read` are module-level functions, run by `access.workers`; `identify(None)` is asked where the
    first pass is left out for a while, because nothing it found was held: it pauses for 1, 2, 4 … 32 jobs.
    """
    plan: deque[tuple[J, int]] = deque()
    if access.settings.get("holds_any", True):
        wanted = _unheld(access, jobs, identify, plan)
    else:
        wanted = _all(jobs, plan)
    for answer in access.workers.map(read, wanted):
        job, held = plan.popleft()
        changes: list[Change] = [Same(held)] if held else []
        changes.extend(decoded(answer))
        yield job, changes


def _all(jobs: Iterator[J], plan: deque[tuple[J, int]]) -> Iterator[J]:
    for job in jobs:
        plan.append((job, 0))
        yield job


def _unheld(
    access: Access, jobs: Iterator[J], identify: Callable[[J | None], list[Known]], plan: deque[tuple[J, int]]
) -> Iterator[J]:
    """The jobs less what is held. Each is sent on, an empty one too, so that pages come while nothing is new."""
    asked: deque[tuple[J, bool]] = deque()
    rest = 0
    resting = 0

    def scouted() -> Iterator[J | None]:
        nonlocal resting
        for job in jobs:
            asked.append((job, resting == 0))
            if resting:
                resting -= 1
                yield None
            else:
                yield job

    for known in access.workers.map(identify, scouted()):
        job, was_asked = asked.popleft()
        answers = access.is_held([(name, fingerprint) for _, name, fingerprint in known]) if known else ()
        held = frozenset(place for (place, _, _), is_held in zip(known, answers, strict=True) if is_held)
        if was_asked and known:
            rest = 0 if 20 * len(held) > len(known) else min(_REST_LONGEST, max(1, rest * 2))
            resting = rest
        plan.append((job, len(held)))
        yield job.without(held) if held else job  # type: ignore[misc]  # a job less some places is of its own kind


class Tally(Struct):
    """What reading came to, kept in a cursor, so that what has not changed is accounted for without reading it."""

    same: int = 0
    skipped: dict[str, int] = msgspec.field(default_factory=dict)
    rejected: list[tuple[str, str]] = msgspec.field(default_factory=list)

    def add(self, changes: list[Change]) -> None:
        """Count these changes in."""
        for change in changes:
            if isinstance(change, Upsert):
                self.same += 1
            elif isinstance(change, Same):
                self.same += change.count
            elif isinstance(change, Skipped):
                self.skipped[change.reason] = self.skipped.get(change.reason, 0) + change.count
            elif isinstance(change, Unreadable):
                if len(self.rejected) < _REJECTS_KEPT:
                    self.rejected.append((change.where, change.reason))
                else:
                    self.skipped["could not be read before"] = (
                        self.skipped.get("could not be read before", 0) + 1
                    )

    def total(self) -> int:
        """How many messages were counted."""
        return self.same + sum(self.skipped.values()) + len(self.rejected)

    def fitted(self, count: int) -> "Tally":
        """The tally of `count` messages of these, where files have left and nobody knows which."""
        left = max(0, count - len(self.rejected))
        skipped: dict[str, int] = {}
        for reason, number in self.skipped.items():
            skipped[reason] = min(number, left)
            left -= skipped[reason]
        return Tally(left, skipped, self.rejected[:count])

    def repeated(self) -> list[Change]:
        """The same outcome once more, nothing read."""
        changes: list[Change] = [Same(self.same)] if self.same else []
        changes.extend(Skipped(reason, count) for reason, count in sorted(self.skipped.items()) if count)
        changes.extend(Unreadable(where, reason) for where, reason in self.rejected)
        return changes


def compact(changes: list[Change]) -> tuple[Change, ...]:
    """The changes with equal skips counted together."""
    skips: dict[str, int] = {}
    kept: list[Change] = []
    for change in changes:
        if isinstance(change, Skipped):
            skips[change.reason] = skips.get(change.reason, 0) + change.count
        else:
            kept.append(change)
    kept.extend(Skipped(reason, count) for reason, count in skips.items())
    return tuple(kept)

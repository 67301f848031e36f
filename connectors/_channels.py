"""Keeps the channels on which another side tells of news as they ought to be; how one is opened or ended, each side says.

    stands, ends later than in a day           kept
    ends within a day, or has ended            renewed, or where that cannot be another opened in its place
    is missing                                 opened
    is for another hook, or for nothing        ended, once everything else stands
    is refused for what it is on               left out: there the other side is asked for news as before
    everything is refused                      the first refusal is raised

Anything else that goes wrong takes back what was opened, so that no channel stands that nobody knows of.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Protocol

from schemas.connector import Channel, Hook
from schemas.errors import ConnectorError, Missing, Rejected

RENEW_WITHIN = timedelta(days=1)
"""Channels that end sooner are renewed."""


class Side(Protocol):
    """Another side, and the hook at which it is to tell."""

    def is_on(self, channel: Channel, place: str, /) -> bool:
        """Whether a channel tells of news in a place, at this hook."""
        ...

    def open(self, place: str, /) -> Channel:
        """Open a channel.

        Raises:
            Rejected: there is none to be had for this place.
        """
        ...

    def renew(self, channel: Channel, /) -> Channel | None:
        """The channel, which ends later now; None where only another can take its place."""
        ...

    def stop(self, channel: Channel, /) -> None:
        """End a channel.

        Raises:
            Missing: it has ended already.
        """
        ...


def keep_channels(
    side: Side, places: Iterable[str], standing: Sequence[Channel], now: datetime
) -> tuple[Channel, ...]:
    """See that there is one channel for each place and no other; those that stand now.

    Raises:
        ConnectorError: the other side does not do it; what stood before still stands.
    """
    kept: list[Channel] = []
    opened: list[Channel] = []
    refusals: list[Rejected] = []
    try:
        for place in places:
            held = _held(side, place, standing, now)
            if held is not None:
                kept.append(held)
                continue
            try:
                opened.append(side.open(place))
            except Rejected as refusal:
                refusals.append(refusal)
    except ConnectorError:
        with suppress(ConnectorError):
            end_channels(side.stop, opened)
        raise
    if refusals and not kept and not opened:
        raise refusals[0]
    ids = {one.id for one in kept}
    with suppress(ConnectorError):
        # Whatever is not ended now ends by itself in days.
        end_channels(side.stop, [one for one in standing if one.id not in ids])
    return (*kept, *opened)


def _held(side: Side, place: str, standing: Sequence[Channel], now: datetime) -> Channel | None:
    """The channel that tells of a place and goes on to; None where there is none."""
    found = max(
        (one for one in standing if side.is_on(one, place)), key=lambda one: one.ends_at, default=None
    )
    if found is None or found.ends_at - now > RENEW_WITHIN:
        return found
    return side.renew(found)


def end_channels(stop: Callable[[Channel], None], standing: Iterable[Channel]) -> None:
    """End these channels, each whatever becomes of the others.

    Raises:
        ConnectorError: what went wrong first.
    """
    faults: list[ConnectorError] = []
    for one in standing:
        try:
            stop(one)
        except Missing:
            continue
        except ConnectorError as fault:
            faults.append(fault)
    if faults:
        raise faults[0]


def mark(*words: str) -> str:
    """Twenty characters that stand for these words."""
    return sha256("\n".join(words).encode()).hexdigest()[:20]


def mark_of(hook: Hook, place: str) -> str:
    """What tells a channel for this hook and place from one for others."""
    return mark(hook.url, hook.token, place)

"""Items of Microsoft Graph asked for each by itself: one that always fails is told apart from an outage."""

from collections.abc import Callable, Sequence

from connectors._graph import BATCH, Ask, Said
from connectors._withheld import SPARE, TRIES, others_wanted, withheld
from schemas.errors import Missing, RateLimited, Rejected, Transient

Batch = Callable[[Sequence[Ask]], list[Said]]


class Withheld(Rejected):
    """An item that Graph does not hand out, however often it is asked for, while it hands out others."""


def items(batch: Batch, asks: Sequence[Ask], others: Callable[[int], list[Ask]]) -> list[Said]:
    """What each item was told, in their order; `Withheld` where Graph fails at it alone.

    Args:
        batch: sends requests together.
        others: requests like these for at most so many other items, by which one that was asked for alone is judged.
    """
    said = batch(asks)
    for _ in range(TRIES - 1):
        failing = [place for place, one in enumerate(said) if _has_failed(one)]
        wanted = others_wanted(len(failing), sum(map(_is_answered, said)))
        if not failing or wanted > BATCH:
            return said
        again = [asks[place] for place in failing]
        told = batch([*again, *(others(wanted + SPARE) if wanted else ())])
        if sum(map(_is_answered, told[len(again) :])) < wanted:
            return said
        for place, one in zip(failing, told, strict=False):
            said[place] = one
    failing = [place for place, one in enumerate(said) if _has_failed(one)]
    for place in failing:
        status = said[place].status
        said[place] = Said(status, error=Withheld(withheld("Microsoft", status or "it fails each time")))
    return said


def _has_failed(said: Said) -> bool:
    return isinstance(said.error, Transient) and not isinstance(said.error, RateLimited)


def _is_answered(said: Said) -> bool:
    return said.error is None or isinstance(said.error, Missing)

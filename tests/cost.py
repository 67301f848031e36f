"""What a piece of work costs a processor: the least of a few tries, for a busy machine only ever adds."""

from collections.abc import Callable
from time import process_time
from typing import Final

_TRIES: Final = 4


def cpu_seconds(work: Callable[[], object], enough: float) -> float:
    """The least processor time of up to four tries, in seconds; it tries no more once one took less than ``enough``."""
    least = float("inf")
    for _ in range(_TRIES):
        begun = process_time()
        work()
        least = min(least, process_time() - begun)
        if least < enough:
            break
    return least

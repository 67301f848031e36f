"""Seeds of random histories: a few always run, all hundred where a test's full size is asked for (`-m slow`)."""

from typing import Any, Final

import pytest

_ALWAYS: Final = 6
HUNDRED: Final[list[Any]] = [
    *range(_ALWAYS),
    *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(_ALWAYS, 100)),
]

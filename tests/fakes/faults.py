"""Faults to order of a server: which the next requests meet, each once."""

import threading
from typing import Literal

Fault = Literal["lose_answer", "die_before", "429", "500", "503", "cut", "slow", "web_page"]
"""What was asked is done and never answered; not even read; refused for now, with the time to wait; failed; answered
by half; answered late; done, and answered by a sign-in page in between."""
PATIENCE = 47
"""The seconds that a 429 asks to wait for."""


class Faults:
    """Faults in the order in which they are met."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Fault, bool]] = []
        self._lock = threading.Lock()

    def order(self, fault: Fault, times: int = 1, *, writes_only: bool = False) -> None:
        """The next requests, or the next that write, meet a fault."""
        with self._lock:
            self._waiting += [(fault, writes_only)] * times

    def mend(self) -> None:
        """Faults ordered and not met are none."""
        with self._lock:
            self._waiting.clear()

    def next(self, *, is_write: bool) -> Fault | None:
        """The fault that a request meets, taken off the list."""
        with self._lock:
            for place, (fault, writes_only) in enumerate(self._waiting):
                if is_write or not writes_only:
                    del self._waiting[place]
                    return fault
            return None

"""Messages fetched in batches: what is refused for now is asked for again in smaller ones, and nothing is paid for twice.

Each call within a batch has an answer of its own. A whole batch in which nothing was answered ends the reading for now; it
never waits. A message at which Gmail fails while it hands out others is given up (`_withheld`).
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime

from connectors._gmail_api import GET, UNITS, Gmail
from connectors._gmail_records import Letter, instant_of
from connectors._google_batch import Reply
from connectors._http import TooLarge
from connectors._withheld import SPARE, TRIES, others_wanted, withheld
from schemas.connector import Access
from schemas.errors import ConnectorError, Missing, RateLimited, Transient

BATCH = 25
"""Google takes 100 and advises 50; a cold 100 was refused in part, and 25 one after the other never (Observed 2026-07)."""
_LEAST = 5
_MOST_OTHERS = 25
_BARE = ("From", "To", "Date", "Subject", "Message-ID")
_TAKEN = re.compile(rb'"internalDate": ?"([0-9]{1,18})"')


class Fetching:
    """Fetches messages of one account, within what it may spend."""

    def __init__(self, access: Access, gmail: Gmail) -> None:
        self._access = access
        self._gmail = gmail
        self._size = BATCH

    def fetch(self, ids: Iterable[str]) -> Iterator[list[Letter]]:
        """What came of each message, a batch at a time; in their order, but for what was refused at first.

        Raises:
            RateLimited: what may be asked in this minute is used up, here or at Google.
            Transient: Gmail does not hand them out now.
        """
        waiting = deque(ids)
        tries: dict[str, int] = {}
        while waiting:
            batch = self._granted(waiting)
            try:
                replies = self._gmail.get(batch)
            except TooLarge:
                if len(batch) == 1:
                    yield [self._bare(batch[0])]
                else:
                    self._size = max(1, len(batch) // 2)
                    waiting.extendleft(reversed(batch))
                continue
            yield from self._judged(batch, replies, waiting, tries)

    def _granted(self, waiting: deque[str]) -> list[str]:
        """As many messages as a batch may hold and there are units left for; one at least."""
        size = min(self._size, len(waiting))
        while True:
            try:
                self._access.spend(UNITS, GET * size)
            except RateLimited:
                if size == 1:
                    raise
                size //= 2
            else:
                return [waiting.popleft() for _ in range(size)]

    def _judged(
        self, batch: list[str], replies: list[Reply | None], waiting: deque[str], tries: dict[str, int]
    ) -> Iterator[list[Letter]]:
        letters: list[Letter] = []
        again: list[str] = []
        refused: ConnectorError | None = None
        for one, reply in zip(batch, replies, strict=True):
            if reply is not None and 200 <= reply.status < 300:
                letters.append(Letter(one, reply.body))
                continue
            if reply is None or reply.status >= 500 or reply.status == 408:
                tries[one] = tries.get(one, 0) + 1
                again.append(one)
                continue
            failure = self._gmail.failure(reply)
            if isinstance(failure, Missing):
                letters.append(Letter(one, is_gone=True))
            elif isinstance(failure, RateLimited):
                refused = failure
                again.append(one)
            elif reply.status == 401:
                # The token ended within the batch: alone it is renewed, or refused in words of their own.
                letters.append(self._alone(one))
            elif reply.status == 403:
                raise failure
            else:
                letters.append(Letter(one, fault=withheld("Gmail", reply.status)))
        if letters:
            yield letters
        if refused is not None:
            self._size = max(_LEAST, self._size // 2)
            if not letters:
                raise refused
        failed = [one for one in again if tries.get(one, 0) >= TRIES]
        if failed:
            yield self._given_up(failed, [one.id for one in letters])
        waiting.extendleft(one for one in reversed(again) if one not in failed)

    def _given_up(self, failed: list[str], handed_out: list[str]) -> list[Letter]:
        """Messages at which Gmail fails each time, while it hands out others; the newest others judge where there are none.

        Raises:
            Transient: it does not hand out others either.
        """
        wanted = others_wanted(len(failed), len(handed_out))
        if 0 < wanted <= _MOST_OTHERS:
            known = {*failed, *handed_out}
            page = next(self._gmail.listed(size=wanted + SPARE + len(known)))
            others = [one.id for one in page.messages if one.id not in known][: wanted + SPARE]
            self._access.spend(UNITS, GET * len(others))
            replies = self._gmail.get(others, metadata=_BARE) if others else []
            wanted -= sum(reply is not None and reply.status == 200 for reply in replies)
        if wanted > 0:
            raise Transient("Gmail does not hand out some mail just now. Kith tries again.")
        return [Letter(one, fault=withheld("Gmail", "it fails each time")) for one in failed]

    def _alone(self, one: str) -> Letter:
        try:
            return Letter(one, self._gmail.get_alone(one).body)
        except Missing:
            return Letter(one, is_gone=True)

    def _bare(self, one: str) -> Letter:
        """Of a message whose text is beyond all measure the headers that matter most."""
        self._access.spend(UNITS, GET)
        try:
            (reply,) = self._gmail.get([one], metadata=_BARE)
        except TooLarge:
            reply = None
        if reply is None or reply.status != 200:
            return Letter(one, fault="it is larger than Kith reads")
        return Letter(one, reply.body)


def newest_of(letters: Iterable[Letter]) -> datetime | None:
    """When the newest of these messages came, read without taking them apart; None where none tells."""
    found: list[datetime] = []
    for letter in letters:
        taken = _TAKEN.search(letter.body)
        at = instant_of(taken[1].decode()) if taken is not None else None
        if at is not None:
            found.append(at)
    return max(found, default=None)

"""Notices of news from other sides: known by a signed word that each carries, and never more than a reason to pull.

The word names owner, account and connector, under a key that is derived from the home's by HKDF (RFC 5869) for this
purpose alone; so that nothing has to be kept to know it again, and a key can be turned over. What a notice says of the
news itself is not read.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from hashlib import sha256
from hmac import compare_digest

import itsdangerous
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Struct

from schemas.clock import Clock, epoch, instant
from services.store import accounts as rows
from services.store import channels
from services.store.unit import Store

LONGEST = 128
"""The most characters of a word that every other side takes (Graph's `clientState`)."""
APART = timedelta(seconds=5)
"""Pulls that notices ask for are at least this long apart for one feed, however many notices come."""
_PURPOSE = b"kith: notices of news"
_WORD = re.compile(r"(\d{1,9})~([a-z0-9-]{1,40})~([a-z0-9_]{1,30})")
_TOKEN = re.compile(r"[A-Za-z0-9_~.-]{1,128}")


class Told(Struct, frozen=True):
    """Whose feed a notice is about."""

    owner: int
    account: str
    connector: str


class Notice(Struct, frozen=True):
    """One notice: the word it carried, and the id of a channel that it says has ended, or has to be renewed."""

    token: str
    ended: str = ""


class NoticeSigner:
    """Makes the words that notices carry, and knows them again."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Take the home's keys, the present one first."""
        self._signers = [
            itsdangerous.Signer(_derived(key), key_derivation="none", digest_method=sha256) for key in keys
        ]

    def token(self, told: Told) -> str:
        """The word for one feed."""
        return self._signers[0].sign(f"{told.owner}~{told.account}~{told.connector}").decode("ascii")

    def read(self, token: str) -> Told | None:
        """The feed behind a word; None for what no key of the home signed."""
        if not _TOKEN.fullmatch(token):
            return None
        word = token.rpartition(".")[0]
        matches = [compare_digest(one.sign(word), token.encode("ascii")) for one in self._signers]
        found = _WORD.fullmatch(word)
        return Told(int(found[1]), found[2], found[3]) if found and any(matches) else None


class Notices:
    """Takes notices, and has the feeds that they are about pulled."""

    def __init__(self, store: Store, clock: Clock, signer: NoticeSigner) -> None:
        self._store = store
        self._clock = clock
        self._signer = signer

    def take(self, notices: Sequence[Notice]) -> tuple[bool, list[Told]]:
        """Whether a word among these is known, and the feeds to be pulled at once.

        One that was read a moment ago becomes due when `APART` is over: whatever comes until then is read together.
        """
        known: dict[Told, list[str]] = {}
        for notice in notices:
            told = self._signer.read(notice.token)
            if told is not None:
                known.setdefault(told, []).extend([notice.ended] if notice.ended else [])
        return bool(known), self._due(known)

    def _due(self, known: Mapping[Told, Sequence[str]]) -> list[Told]:
        at_once: list[Told] = []
        now = epoch(self._clock.now())
        for told, ended in known.items():
            with self._store.write() as unit:
                channels.end(unit, told.owner, told.account, told.connector, ended, now)
                found = [
                    one
                    for one in rows.active_feeds(unit)
                    if (one.owner, one.account, one.connector) == (told.owner, told.account, told.connector)
                ]
                if not found:
                    continue
                tried = found[0].tried_at
                rests = tried is not None and now < tried + APART.total_seconds()
                due = epoch(instant(tried) + APART) if tried is not None and rests else now
                channels.bring_forward(unit, told.owner, told.account, told.connector, due)
                if not rests:
                    at_once.append(told)
        return at_once


def _derived(key: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(key.encode())

"""Which stamp an item gets that is seen again: greater than its last one if, and only if, it says something else.

A source that shows what is so now knows that what it shows is newer, even where its producer did not count the revision
up, or counted it down (a restored backup). Ingest goes by stamps alone, so the stamp must say so.
"""

import re
from hashlib import blake2b

import msgspec
from msgspec import Struct

from schemas.records import SourceRecord

_AGAIN = re.compile(r"\.r(\d{6})")


class Kept(Struct, array_like=True, frozen=True):
    """What a cursor remembers of an item: its last stamp, and a digest of what it said."""

    stamp: str
    digest: str


def digest_of(record: SourceRecord) -> str:
    """What tells two records apart: 64 bits, in hexadecimal."""
    return blake2b(msgspec.json.encode(record), digest_size=8).hexdigest()


def revised(old: Kept | None, record: SourceRecord, stamp: str) -> Kept | None:
    """What to keep of an item now, with the stamp to give it; None when it says what it said before."""
    digest = digest_of(record)
    if old is None:
        return Kept(stamp, digest)
    if old.digest == digest:
        return None
    return Kept(stamp if stamp > old.stamp else _after(old.stamp), digest)


def is_older(old: Kept | None, stamp: str) -> bool:
    """Whether a stamp is of before what is held, by the producer's own count."""
    return old is not None and stamp < _AGAIN.sub("", old.stamp)


def _after(stamp: str) -> str:
    """A stamp just above another, and below any that the producer counts up to."""
    head, match = stamp, _AGAIN.search(stamp)
    if match is not None:
        head = stamp[: match.start()]
    return f"{head}.r{int(match[1]) + 1 if match else 1:06d}"

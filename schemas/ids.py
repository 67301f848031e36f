"""Names for the identifiers, and how the derived ones are made: equal facts give equal ids on every run."""

from hashlib import blake2b
from typing import NewType

OwnerId = NewType("OwnerId", int)
"""Row number of an owner on this installation."""
Seq = NewType("Seq", int)
"""Place of an event in the stream, rising in commit order."""
PersonId = NewType("PersonId", str)
"""`p` and 16 hexadecimal digits: the smallest `key64` of the person's identities."""
StreamName = NewType("StreamName", str)
"""One thing in an account that can be followed in order, such as `mail`."""
ExternalId = NewType("ExternalId", str)
"""What the source calls an item."""
Cursor = NewType("Cursor", str)
"""Opaque position in a stream; only its connector can read it."""
IdempotencyKey = NewType("IdempotencyKey", str)
"""Rule and reason: the same effect asked twice is done once."""


def key64(*parts: str) -> int:
    """A 63-bit number, never negative, derived from the parts in order; fits a BIGINT."""
    digest = blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def public_id(prefix: str, key: int) -> str:
    """The opaque form of a `key64` that users, scripts and exports see."""
    return f"{prefix}{key:016x}"


def key_of(prefix: str, public: str) -> int | None:
    """The `key64` behind a public id, or None when it is not one with this prefix."""
    digits = public.removeprefix(prefix)
    if len(public) != len(prefix) + 16 or len(digits) != 16:
        return None
    try:
        return int(digits, 16)
    except ValueError:
        return None

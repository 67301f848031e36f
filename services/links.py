"""Links that do one thing: signed, expiring, and saying nothing of whom they are about but by number.

A link is what it allows: whoever holds it may do that and nothing else, without a login. It holds the owner's number,
what may be done, the id of what it is done to, the digest's week and its end; no name, no address. The key that signs
is derived from the home's by HKDF (RFC 5869) for this purpose alone. Of several keys the first signs and all are
accepted, so that a key can be turned over. It reads no clock: a link's end is counted from the day of its digest.
"""

import base64
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from hmac import compare_digest
from typing import Literal

import itsdangerous
import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Struct

from schemas.clock import epoch
from schemas.errors import ConfigError
from schemas.interface import Digest
from services.digest.render import Action, Links

Deed = Literal["done", "snooze", "dismiss", "unsubscribe", "reconnect"]

ACTS_FOR = timedelta(days=60)
UNSUBSCRIBES_FOR = timedelta(days=365)
_DEEDS: dict[Action, Deed] = {"done": "done", "snooze": "snooze", "not_this": "dismiss"}
_PURPOSE = b"kith: links that do one thing"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,400}\.[A-Za-z0-9_-]{1,100}")


class Link(Struct, frozen=True, array_like=True):
    """What a link allows; `about` is a follow-up's id, or empty. From `ends_at` (whole seconds UTC) on it is dead."""

    owner: int
    deed: Deed
    about: str
    week: str
    ends_at: int


class LinkSigner:
    """Signs links and reads those it signed."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Take the home's keys, the present one first.

        Raises:
            ConfigError: there is none.
        """
        if not keys:
            raise ConfigError(
                "This home has no key to sign links with. Put secret.key back from a backup, or set KITH_SECRET_KEY."
            )
        self._signers = [
            itsdangerous.Signer(_derived(key), key_derivation="none", digest_method=sha256) for key in keys
        ]

    def signed(self, link: Link) -> str:
        """The link as a token that may stand in a URL."""
        body = base64.urlsafe_b64encode(msgspec.msgpack.encode(link)).rstrip(b"=")
        return self._signers[0].sign(body).decode("ascii")

    def read(self, token: str) -> Link | None:
        """The link behind a token, ended or not; None for what no key of the home signed."""
        if not _TOKEN.fullmatch(token):
            return None
        body = token.rpartition(".")[0].encode("ascii")
        # Whole tokens are compared: Base64 spells the same signature in several ways, of which one alone is ours.
        matches = [compare_digest(one.sign(body), token.encode("ascii")) for one in self._signers]
        if not any(matches):
            return None
        try:
            return msgspec.msgpack.decode(base64.urlsafe_b64decode(body + b"=" * (-len(body) % 4)), type=Link)
        except (msgspec.MsgspecError, ValueError):
            return None  # Signed by a release that wrote links otherwise.


def digest_links(
    signer: LinkSigner, public_url: str, owner: int, digest: Digest, *, is_mailed: bool = False
) -> Links:
    """The links of an owner's digest, under the address that Kith is reached by; equal digests get equal links.

    Only a digest that `is_mailed` can be unsubscribed from. A follow-up's links end `ACTS_FOR` after the digest's
    Monday, the unsubscribing one `UNSUBSCRIBES_FOR` after it.
    """
    base = f"{public_url.rstrip('/')}/go/"

    def action(followup: str, what: Action) -> str:
        link = Link(owner, _DEEDS[what], followup, digest.week, _end(digest.from_, ACTS_FOR))
        return base + signer.signed(link)

    unsubscribe = Link(owner, "unsubscribe", "", digest.week, _end(digest.from_, UNSUBSCRIBES_FOR))
    return Links(action=action, unsubscribe=base + signer.signed(unsubscribe) if is_mailed else None)


def reconnect_link(signer: LinkSigner, public_url: str, owner: int, account: str, at: datetime) -> str:
    """Where an owner reads how to connect an account again, from `at` on for `ACTS_FOR`."""
    link = Link(owner, "reconnect", account, "", epoch(at + ACTS_FOR))
    return f"{public_url.rstrip('/')}/go/{signer.signed(link)}"


def _end(monday: date, length: timedelta) -> int:
    return epoch(datetime.combine(monday, time(), UTC) + length)


def _derived(key: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(key.encode())

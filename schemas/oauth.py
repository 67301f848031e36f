"""How Kith is let into accounts by OAuth 2.0 (RFC 6749): what is asked, what was granted, and who grants it.

An *authority* is a vendor's authorisation server, spoken to with a *client* that the owner registered there. What its
owner allows is a *grant*. Everything in a grant is secret; instants are aware and in UTC.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from msgspec import Struct

from schemas.clock import Clock
from schemas.errors import ReauthRequired, Rejected

SIGN_IN_WITHIN = timedelta(minutes=10)
"""How long a sign-in may take its owner from its beginning to its end."""


class ClientRefused(ReauthRequired):
    """The authority does not take the client; a new sign-in mends nothing before its settings are right."""


class ForeignAnswer(Rejected):
    """It answers no sign-in that is under way; the one that is goes on."""


class Client(Struct, frozen=True, omit_defaults=True):
    """What an owner registered with a vendor; `tenant` is Microsoft's directory, empty for whichever."""

    id: str
    secret: str = ""
    tenant: str = ""


class Grant(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What an owner allowed.

    `client` is whom it was given to; its secret is empty where that stands in the settings. `subject` names the
    account at the vendor for ever, `user` is its address now. `scopes` are spelt as the vendor spells them.
    """

    client: Client
    refresh_token: str
    access_token: str = ""
    expires_at: datetime | None = None
    """When the access token ends."""
    scopes: tuple[str, ...] = ()
    subject: str = ""
    user: str = ""
    consented_at: datetime
    refreshed_at: datetime


class Attempt(Struct, frozen=True, kw_only=True):
    """One sign-in under way: what must come back with its answer (`state`, `nonce`), and proves it ours (`verifier`)."""

    kind: str
    state: str
    nonce: str
    verifier: str
    redirect_uri: str
    scopes: tuple[str, ...]
    began_at: datetime


class DeviceCode(Struct, frozen=True, kw_only=True):
    """A sign-in on another device (RFC 8628): where its owner goes, and what they type there."""

    user_code: str
    url: str
    device_code: str
    interval: timedelta
    ends_at: datetime
    scopes: tuple[str, ...]


class Pending(Struct, frozen=True):
    """The owner has not signed in on the other device yet; from now on ask so much `longer` apart (RFC 8628 3.5)."""

    longer: timedelta = timedelta()


class Authority(Protocol):
    """A vendor's authorisation server, as one client speaks to it.

    What it does not answer is `Transient`; what it refuses for good is `Rejected` before there is a grant and
    `ReauthRequired` of one that there was, with the cause in words.
    """

    def begin(self, redirect_uri: str, scopes: Sequence[str]) -> Attempt:
        """A new sign-in, unlike any other."""
        ...

    def url(self, attempt: Attempt, user: str = "") -> str:
        """Where the owner's browser goes; `user` is the address that is expected."""
        ...

    def finish(self, attempt: Attempt, query: str) -> Grant:
        """The grant that the query of a redirect brings.

        Raises:
            ForeignAnswer: it belongs to another sign-in.
            Rejected: nothing was allowed, or not in time.
            ClientRefused: the client, or its redirect, is not known there.
        """
        ...

    def refresh(self, grant: Grant) -> Grant:
        """The grant with a new access token, and a new refresh token where the authority gave one.

        Raises:
            ReauthRequired: it is over; says why.
        """
        ...

    def begin_device(self, scopes: Sequence[str]) -> DeviceCode:
        """A sign-in on another device.

        Raises:
            Rejected: the authority does not allow it.
        """
        ...

    def finish_device(self, code: DeviceCode) -> Grant | Pending:
        """The grant, once the owner has signed in.

        Raises:
            Rejected: the owner said no, or the time is up.
        """
        ...

    def revoke(self, grant: Grant) -> bool:
        """Give a grant back; False where the authority has no way to."""
        ...

    def missing(self, asked: Sequence[str], grant: Grant) -> tuple[str, ...]:
        """Those asked scopes that were not granted, spelt as they were asked."""
        ...


@dataclass(frozen=True)
class AuthoritySpec:
    """How an authority introduces itself.

        `kind` is the kind of account that it lets in. `open` takes the client, another root than the vendor's (empty for
        the vendor's), and the clock. `loopback` is the redirect to this machine, with `{port}` in it. `read_file` reads the
        file in which the vendor's own tools keep a grant; with it come its text and the instant. `has_paths` says whether browsers
    are sent back to this machine by any path, and not by that of `loopback` alone. `clash` says why some scopes
        may not be asked together; empty where they may. `removal` is where owners take a grant back by themselves.
    """

    kind: str
    title: str
    open: Callable[[Client, str, Clock], Authority]
    loopback: str
    read_file: Callable[[str, datetime], Grant]
    removal: str
    clash: Callable[[Sequence[str]], str] = lambda _scopes: ""
    has_paths: bool = False
    has_device: bool = False
    needs_secret: bool = False

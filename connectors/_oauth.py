"""The protocol of OAuth 2.0, as far as authorities have it in common; it holds no state and knows no vendor.

The code flow (RFC 6749 4.1) always goes with PKCE by S256 (RFC 7636) and with a state and a nonce that serve once.
oauthlib builds what is sent; how it is sent, and where to, is `_http`'s affair: nothing is redirected, an answer is
small and comes soon, and a server in trouble is `Transient`, never a refusal. No error of it repeats an authority's
words, which may hold addresses or be anybody's; its codes are told.
"""

import binascii
import re
import secrets
from abc import ABC, abstractmethod
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
from msgspec import Struct

from connectors._http import Http, Limits
from schemas.clock import Clock, epoch
from schemas.errors import ReauthRequired, Rejected, Transient
from schemas.oauth import SIGN_IN_WITHIN, Attempt, Client, ClientRefused, ForeignAnswer, Grant

LIMITS = Limits(body=256 * 1024, idle=timedelta(seconds=10), whole=timedelta(seconds=15), redirects=0)
"""A refresh is over well within the turn in which it is made."""
_QUERY = 8_192
_FIELDS = 20
_SKEW = timedelta(minutes=10)
_USUAL, _LONGEST = 3_600, 2 * 86_400
"""Seconds that an access token lasts, where that is not said, and at most."""
_CODE = re.compile(r"[a-z_]{1,40}")
_BUSY = frozenset({"temporarily_unavailable", "server_error", "internal_failure"})
"""What no authority refuses for good by, whatever the status: RFC 6749 4.1.2.1, and Google's own, also in its words."""
_FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


class Told(Struct, frozen=True):
    """What a token endpoint, or that of devices, says: good (RFC 6749 5.1, RFC 8628 3.2) or not (5.2)."""

    access_token: str = ""
    token_type: str = ""
    expires_in: int | None = None
    refresh_token: str = ""
    scope: str = ""
    id_token: str = ""
    device_code: str = ""
    user_code: str = ""
    verification_uri: str = ""
    interval: int | None = None
    error: str = ""
    error_description: str = ""
    error_subtype: str = ""
    suberror: str = ""
    error_codes: tuple[int, ...] = ()

    @property
    def code(self) -> str:
        """The error as it may be repeated."""
        return self.error if _CODE.fullmatch(self.error) else "an error of its own"


class Claims(Struct, frozen=True):
    """Who signed in (OpenID Connect Core 2), with Microsoft's own ids (`oid` in `tid`)."""

    iss: str = ""
    aud: str | tuple[str, ...] = ""
    sub: str = ""
    exp: int = 0
    nonce: str = ""
    email: str = ""
    preferred_username: str = ""
    oid: str = ""
    tid: str = ""


class Refused(Exception):
    """An authority said no; `told` is how."""

    def __init__(self, told: Told) -> None:
        super().__init__(told.code)
        self.told = told


class _Caller(Struct, frozen=True):
    settings: Mapping[str, Any]
    clock: Clock


class Endpoints:
    """The endpoints of one authority that are asked without a browser, all of one origin."""

    def __init__(self, title: str, root: str, clock: Clock, *, is_named: bool) -> None:
        """Nothing is sent yet.

        Args:
            is_named: the owner set the root, so that it may be anywhere.
        """
        self._title = title
        self._root = root
        self._caller = _Caller({"allow_private": is_named}, clock)

    def ask(self, path: str, body: str) -> Told:
        """Post a form.

        Raises:
            Refused: it says no.
            ConnectorError: it does not answer as it should.
        """
        http = Http(self._caller, base=self._root, limits=LIMITS)
        try:
            answer = http.request(
                "POST", path, headers=_FORM, content=body.encode(), expect="json", allow=(400, 401, 403)
            )
        finally:
            http.close()
        try:
            told = (
                msgspec.json.decode(answer.body, type=Told, strict=False) if answer.body.strip() else Told()
            )
        except (msgspec.MsgspecError, ValueError) as error:
            raise Transient(
                f"The sign-in of {self._title} answered with what cannot be understood ({answer.status}). Kith tries again."
            ) from error
        if told.error or answer.status >= 400:
            raise _no(told, self._title)
        return told


def _no(told: Told, title: str) -> Refused | Transient:
    """A refusal, or trouble that passes."""
    if _BUSY.isdisjoint({told.error, told.error_description}):
        return Refused(told)
    return Transient(
        f"The sign-in of {title} is busy. Try again in a minute; what Kith does by itself, it tries again."
    )


# ------ a sign-in in the browser


def begun(kind: str, redirect_uri: str, scopes: Sequence[str], now: datetime) -> Attempt:
    """A new sign-in, unlike any other."""
    return Attempt(
        kind=kind,
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(24),
        verifier=secrets.token_urlsafe(64),
        redirect_uri=redirect_uri,
        scopes=tuple(scopes),
        began_at=now,
    )


def authorize_url(endpoint: str, client: Client, attempt: Attempt, scopes: Sequence[str], **more: str) -> str:
    """Where the browser goes (RFC 6749 4.1.1, RFC 7636 4.3). oauthlib would refuse the plain root of a test."""
    from oauthlib.oauth2 import WebApplicationClient  # noqa: PLC0415  # most commands sign in to nothing

    asked = {
        "response_type": "code",
        "client_id": client.id,
        "redirect_uri": attempt.redirect_uri,
        "scope": " ".join(scopes),
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": WebApplicationClient(client.id).create_code_challenge(attempt.verifier, "S256"),
        "code_challenge_method": "S256",
        **{name: value for name, value in more.items() if value},
    }
    return f"{endpoint}?{urlencode(asked)}"


def code_in(query: str, attempt: Attempt, now: datetime, title: str, is_issuer: Callable[[str], bool]) -> str:
    """The code that a redirect brings (RFC 6749 4.1.2), where it answers this sign-in and comes from this authority.

    Raises:
        ForeignAnswer: it answers another, or none.
        Rejected: it comes from elsewhere, or too late.
        Refused: the owner allowed nothing, or the authority refused it.
        Transient: the authority is busy.
    """
    try:
        pairs = (
            parse_qsl(query, keep_blank_values=True, max_num_fields=_FIELDS) if len(query) <= _QUERY else []
        )
    except ValueError:
        pairs = []
    said = dict(pairs)
    # No parameter comes twice (RFC 6749 3.1): of two states, each program between could read another.
    is_ours = len(said) == len(pairs) and compare_digest(
        said.get("state", "").encode(), attempt.state.encode()
    )
    if not is_ours:
        raise ForeignAnswer(
            "That answer belongs to no sign-in that is under way here. Nothing was changed. Begin again from Kith."
        )
    if not timedelta() <= now - attempt.began_at + _SKEW or now - attempt.began_at > SIGN_IN_WITHIN:
        raise Rejected("The sign-in took too long, and its time is over. Nothing was changed. Begin again.")
    if "iss" in said and not is_issuer(said["iss"]):
        raise Rejected(
            f"That answer does not come from {title}, which was asked (RFC 9207). Nothing was changed. Begin again."
        )
    if "error" in said:
        raise _no(
            Told(error=said["error"], error_description=said.get("error_description", "")[:2_000]), title
        )
    if not said.get("code"):
        raise Rejected(f"{title} sent back no code. Nothing was changed. Begin again.")
    return said["code"]


def form(grant_type: str, client: Client, **values: str) -> str:
    """The body of a request for tokens."""
    from oauthlib.oauth2.rfc6749.parameters import prepare_token_request  # noqa: PLC0415

    body: str = prepare_token_request(
        grant_type, client_id=client.id, client_secret=client.secret or None, **values
    )
    return body


# ------ what came of it


def granted(told: Told, before: Grant, now: datetime) -> Grant:
    """The grant with what a token endpoint gave; what it left out stays as it was (RFC 6749 6)."""
    seconds = _USUAL if told.expires_in is None else min(max(told.expires_in, 0), _LONGEST)
    return msgspec.structs.replace(
        before,
        access_token=told.access_token,
        refresh_token=told.refresh_token or before.refresh_token,
        expires_at=now + timedelta(seconds=seconds),
        scopes=tuple(told.scope.split()) or before.scopes,
        refreshed_at=now,
    )


def day_of(grant: Grant) -> str:
    """The day of a consent, for people to read."""
    return f"{grant.consented_at.day} {grant.consented_at:%B}"


def claims_of(
    told: Told,
    client: Client,
    now: datetime,
    title: str,
    is_issuer: Callable[[str], bool],
    nonce: str = "",
) -> Claims | None:
    """Who signed in; None where the authority does not say.

    The token came straight from the authority over TLS, which stands for its signature (OpenID Connect Core 3.1.3.7, 6).

    Raises:
        Rejected: it was made for another client or sign-in, or elsewhere.
    """
    if not told.id_token:
        return None
    try:
        body = told.id_token.split(".")[1]
        claims = msgspec.json.decode(urlsafe_b64decode(body + "=" * (-len(body) % 4)), type=Claims)
    except (IndexError, ValueError, binascii.Error, msgspec.MsgspecError) as error:
        raise Rejected(f"{title} did not say who signed in, in a way that can be understood.") from error
    audience = (claims.aud,) if isinstance(claims.aud, str) else claims.aud
    is_for_us = client.id in audience and is_issuer(claims.iss)
    if not is_for_us or (nonce and not compare_digest(claims.nonce.encode(), nonce.encode())):
        raise Rejected(f"What {title} says of who signed in was not said to this sign-in. Begin again.")
    if claims.exp + _SKEW.total_seconds() < epoch(now):
        raise Rejected(
            f"By this machine's clock, what {title} says of who signed in is over already. Set the clock right."
        )
    return claims


# ------ an authority


class CodeFlow(ABC):
    """An authority's sign-ins by browser, and its refreshes; what is its own in them, each says."""

    kind: str
    title: str
    removal: str
    """Where owners take a grant back by themselves."""

    def __init__(self, client: Client, endpoints: Endpoints, tokens: str, clock: Clock) -> None:
        """Nothing is sent yet; `tokens` is the path of the token endpoint."""
        self._client = client
        self._endpoints = endpoints
        self._tokens = tokens
        self._clock = clock

    def begin(self, redirect_uri: str, scopes: Sequence[str]) -> Attempt:
        """A new sign-in."""
        return begun(self.kind, redirect_uri, scopes, self._clock.now())

    def finish(self, attempt: Attempt, query: str) -> Grant:
        """The grant that a redirect brings."""
        try:
            code = code_in(query, attempt, self._clock.now(), self.title, self._is_issuer)
            told = self._ask(
                "authorization_code",
                attempt.scopes,
                code=code,
                redirect_uri=attempt.redirect_uri,
                code_verifier=attempt.verifier,
            )
        except Refused as error:
            raise self._not_let_in(error.told, attempt.redirect_uri) from error
        return self._given(told, attempt.scopes, attempt.nonce)

    def refresh(self, grant: Grant) -> Grant:
        """The grant with a new access token, and a new refresh token where one was given."""
        try:
            told = self._ask("refresh_token", grant.scopes, refresh_token=grant.refresh_token)
        except Refused as error:
            raise self._over(error.told, grant) from error
        return self._named(granted(told, grant, self._clock.now()), told)

    def _ask(self, grant_type: str, scopes: Sequence[str], **values: str) -> Told:
        return self._endpoints.ask(
            self._tokens, form(grant_type, self._client, **self._scoped(scopes), **values)
        )

    def _given(self, told: Told, scopes: Sequence[str], nonce: str = "") -> Grant:
        """A new grant; whoever does not say what was granted granted what was asked for (RFC 6749 5.1)."""
        if not told.refresh_token or not told.access_token:
            raise Rejected(
                f"{self.title} gave no lasting permission. Take back what Kith was allowed at {self.removal}, and begin again."
            )
        now = self._clock.now()
        bare = Grant(
            client=msgspec.structs.replace(self._client, secret=""),
            refresh_token=told.refresh_token,
            scopes=tuple(scopes),
            consented_at=now,
            refreshed_at=now,
        )
        return self._named(granted(told, bare, now), told, nonce)

    def _named(self, grant: Grant, told: Told, nonce: str = "") -> Grant:
        """The grant with who signed in, where that was not known; else no word of theirs can lose what was turned over."""
        if grant.subject and grant.user:
            return grant
        claims = claims_of(told, self._client, self._clock.now(), self.title, self._is_issuer, nonce)
        if claims is None:
            return grant
        subject, user = self._who(claims)
        return msgspec.structs.replace(
            grant, subject=grant.subject or subject, user=grant.user or user.lower()
        )

    # ------ its own

    def _scoped(self, _scopes: Sequence[str]) -> Mapping[str, str]:
        """What the token endpoint wants to be told of permissions."""
        return {}

    @abstractmethod
    def _is_issuer(self, issuer: str) -> bool:
        """Whether an answer comes from there."""

    @abstractmethod
    def _who(self, claims: Claims) -> tuple[str, str]:
        """What names the account for ever, and its address now."""

    @abstractmethod
    def _not_let_in(self, told: Told, redirect_uri: str) -> Rejected | ClientRefused | Transient:
        """Why there is no grant."""

    @abstractmethod
    def _over(self, told: Told, grant: Grant) -> ReauthRequired | Transient:
        """Why a grant is over."""

"""Microsoft's authorisation server (https://learn.microsoft.com/entra/identity-platform/v2-protocols, read 2026-11).

Each refresh gives another refresh token; the one before stays good for a while, and each ends when it was not used for
90 days. Why a sign-in is refused stands in numbers (https://learn.microsoft.com/entra/identity-platform/
reference-error-codes), from which everything here is told. Permissions are Graph's unless they name another resource.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode, urlsplit

import msgspec
from msgspec import Struct

from connectors._oauth import Claims, CodeFlow, Endpoints, Refused, Told, authorize_url, day_of, form
from schemas.clock import Clock
from schemas.errors import ReauthRequired, Rejected, Transient
from schemas.oauth import Attempt, AuthoritySpec, Client, ClientRefused, DeviceCode, Grant, Pending

TITLE: Final = "Microsoft"
_ROOT = "https://login.microsoftonline.com"
_GRAPH = "https://graph.microsoft.com/"
_RESERVED = ("openid", "profile", "offline_access")
_DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
_CODE = re.compile(r"AADSTS([0-9]{4,7})")
REMOVAL: Final = (
    "https://myapps.microsoft.com (work or school) or https://account.live.com/consent/Manage (personal)"
)
_TRANSIENT = frozenset({90033, 90055, 90046, 50195})
_INCLUDED = {
    "calendars.readbasic": ("calendars.read", "calendars.readwrite"),
    "calendars.read": ("calendars.readwrite",),
    "mail.readbasic": ("mail.read", "mail.readwrite"),
    "mail.read": ("mail.readwrite",),
    "contacts.read": ("contacts.readwrite",),
    "tasks.readwrite": ("tasks.readwrite.shared",),
}
"""What else is enough where Kith asks for one of these (https://learn.microsoft.com/graph/permissions-reference)."""
_NOTHING_LOST = "Nothing is lost; Kith goes on where it stopped."

_CLIENT = {
    7000215: "the client secret is wrong. Set KITH_MICROSOFT_CLIENT_SECRET to the secret's value, not to its id",
    7000222: "the client secret has expired. Make a new one at entra.microsoft.com, Certificates & secrets, and set "
    "KITH_MICROSOFT_CLIENT_SECRET to its value",
    7000218: "it wants a client secret. At entra.microsoft.com, Authentication, allow public client flows; or set "
    "KITH_MICROSOFT_CLIENT_SECRET",
    700016: "it does not know the client there. Compare KITH_MICROSOFT_CLIENT_ID and KITH_MICROSOFT_TENANT with "
    "entra.microsoft.com, Overview",
    90002: "there is no such directory. Correct KITH_MICROSOFT_TENANT",
    50194: "the client is for one directory alone. Set KITH_MICROSOFT_TENANT to that directory's id",
    50011: "it does not know the redirect. Add it at entra.microsoft.com, Authentication, letter by letter",
    700025: "a public client has no secret. Leave out KITH_MICROSOFT_CLIENT_SECRET",
}
"""What is wrong with the client, by the number, and what to do."""
_CAUSE = {
    700082: "it was not used for 90 days",
    70008: "it has expired",
    700084: "it lasts a day, as the redirect is registered for a single-page application. Register it for desktop or web",
    50173: "your password was changed, or an administrator ended it",
    50076: "your organisation wants a second factor",
    50079: "your organisation wants a second factor to be set up",
    50078: "the second factor is to be shown again",
    50074: "your organisation wants a second factor",
    50132: "your password was changed, or the session was ended",
    50133: "your password was changed, or has expired",
    50055: "your password has expired",
    50057: "the account is disabled. Ask your administrator",
    50034: "the account is not in that directory",
    50020: "the account is not in that directory. See KITH_MICROSOFT_TENANT in docs/microsoft.md",
    65001: "the permission was withdrawn, or was never given",
    90094: "an administrator has to allow it",
    90095: "an administrator has to allow it, and was asked",
    90097: "an administrator has to allow it",
    53000: "your organisation lets in only devices that it looks after",
    53001: "your organisation lets in only devices that it looks after",
    53003: "a rule of your organisation (Conditional Access) keeps Kith out. Ask your administrator",
    530003: "your organisation lets in only devices that it looks after",
    530036: "your organisation lets no device sign in by a code. Connect in a browser: leave out --device",
}
"""Why a grant is over, or none is given, by the number."""


class MicrosoftAuthority(CodeFlow):
    """Microsoft, as one client speaks to it."""

    kind, title, removal = "microsoft", TITLE, REMOVAL

    def __init__(self, client: Client, root: str, clock: Clock) -> None:
        """Nothing is sent yet; `root` is that of a national cloud, or of a test."""
        self._root = root.rstrip("/") or _ROOT
        self._path = f"/{client.tenant or 'common'}/oauth2/v2.0"
        endpoints = Endpoints(TITLE, self._root, clock, is_named=bool(root))
        super().__init__(client, endpoints, f"{self._path}/token", clock)

    def url(self, attempt: Attempt, user: str = "") -> str:
        """Where the browser goes; the answer comes in the query, so that a cookie of ours may be strict enough."""
        return authorize_url(
            f"{self._root}{self._path}/authorize",
            self._client,
            attempt,
            (*_RESERVED, *map(_full, attempt.scopes)),
            response_mode="query",
            prompt="" if user else "select_account",
            login_hint=user,
        )

    def begin_device(self, scopes: Sequence[str]) -> DeviceCode:
        """A sign-in on another device."""
        now = self._clock.now()
        try:
            told = self._endpoints.ask(
                f"{self._path}/devicecode",
                urlencode({"client_id": self._client.id, "scope": _joined(scopes)}),
            )
        except Refused as error:
            raise self._not_let_in(error.told) from error
        url = urlsplit(told.verification_uri)
        if not (told.device_code and told.user_code and url.hostname) or url.scheme not in {"https", "http"}:
            raise Transient("Microsoft gave no code for another device. Try again.")
        return DeviceCode(
            user_code=told.user_code[:40],
            url=told.verification_uri[:300],
            device_code=told.device_code,
            interval=timedelta(seconds=min(max(told.interval or 5, 1), 60)),
            ends_at=now + timedelta(seconds=min(max(told.expires_in or 900, 60), 1_800)),
            scopes=tuple(scopes),
        )

    def finish_device(self, code: DeviceCode) -> Grant | Pending:
        """The grant, once the owner has signed in."""
        if self._clock.now() >= code.ends_at:
            raise Rejected("The code's time is over. Begin again.")
        try:
            told = self._endpoints.ask(
                self._tokens, form(_DEVICE, self._client, device_code=code.device_code)
            )
        except Refused as error:
            match error.told.error:
                case "authorization_pending":
                    return Pending()
                case "slow_down":
                    return Pending(timedelta(seconds=5))
                case "expired_token":
                    raise Rejected("The code's time is over. Begin again.") from error
                case "authorization_declined" | "access_denied":
                    raise Rejected("You allowed nothing, and nothing was changed.") from error
                case _:
                    raise self._not_let_in(error.told) from error
        return self._given(told, code.scopes)

    def revoke(self, grant: Grant) -> bool:  # noqa: ARG002  # the protocol's
        """False: Microsoft ends a single grant for nobody but its owner."""
        return False

    def missing(self, asked: Sequence[str], grant: Grant) -> tuple[str, ...]:
        """What was not granted, nor anything that includes it; names are compared as Microsoft does: case says nothing."""
        given = {_short(one) for one in grant.scopes}
        return tuple(one for one in asked if given.isdisjoint({_short(one), *_INCLUDED.get(_short(one), ())}))

    def _is_issuer(self, issuer: str) -> bool:
        """Each directory is an issuer of its own; all of them are this host's."""
        return issuer.startswith(f"{self._root}/") and issuer.endswith("/v2.0")

    def _scoped(self, scopes: Sequence[str]) -> Mapping[str, str]:
        return {"scope": _joined(scopes)}

    def _who(self, claims: Claims) -> tuple[str, str]:
        # As Microsoft's own libraries name an account: object and directory. `sub` differs between clients.
        subject = f"{claims.oid}.{claims.tid}" if claims.oid and claims.tid else claims.sub
        return subject, claims.email or claims.preferred_username

    def _not_let_in(self, told: Told, _redirect_uri: str = "") -> Rejected | ClientRefused | Transient:
        numbers = _numbers(told)
        if _TRANSIENT.intersection(numbers):
            return Transient("The sign-in of Microsoft is busy. Try again in a minute.")
        refused = _client_refused(numbers)
        if refused is not None:
            return refused
        cause = _first(numbers, _CAUSE)
        if cause:
            return Rejected(f"Microsoft did not let you in: {cause}. Nothing was changed.")
        match told.error:
            case "access_denied" | "consent_required":
                return Rejected("You allowed nothing, and nothing was changed. To allow it, begin again.")
            case "invalid_grant":
                return Rejected(
                    "Microsoft no longer takes that sign-in: it serves once, for minutes. Begin again."
                )
            case "invalid_client" | "unauthorized_client":
                return ClientRefused(_unknown_client(told))
            case _:
                return Rejected(f"Microsoft refused the sign-in ({_named(told, numbers)}). Begin again.")

    def _over(self, told: Told, grant: Grant) -> ReauthRequired | Transient:
        numbers = _numbers(told)
        if _TRANSIENT.intersection(numbers):
            return Transient("The sign-in of Microsoft is busy. Kith tries again.")
        refused = _client_refused(numbers)
        if refused is not None:
            return refused
        if told.error in {"invalid_client", "unauthorized_client"}:
            return ClientRefused(_unknown_client(told))
        begin = f"Microsoft refused the sign-in kept since {day_of(grant)}"
        cause = _first(numbers, _CAUSE)
        if not cause and "consent_required" in {told.error, told.suberror}:
            cause = _CAUSE[65001]
        if not cause and told.error == "interaction_required":
            cause = "it wants to see you yourself"
        return ReauthRequired(f"{begin}: {cause or _named(told, numbers)}. {_NOTHING_LOST}")


def _full(scope: str) -> str:
    return scope if "://" in scope or scope in _RESERVED else f"{_GRAPH}{scope}"


def _short(scope: str) -> str:
    return scope.lower().removeprefix(_GRAPH)


def _joined(scopes: Sequence[str]) -> str:
    return " ".join(dict.fromkeys((*_RESERVED, *map(_full, (one for one in scopes if one != "email")))))


# ------ a token cache of Microsoft's own library


class _Token(Struct, frozen=True):
    secret: str
    client_id: str
    home_account_id: str = ""
    target: str | None = ""
    realm: str = ""


class _Account(Struct, frozen=True):
    home_account_id: str = ""
    username: str = ""


class _Cache(Struct, frozen=True, rename="pascal"):
    refresh_token: Mapping[str, _Token] = {}
    access_token: Mapping[str, _Token] = {}
    account: Mapping[str, _Account] = {}


def read_file(text: str, now: datetime) -> Grant:
    """The grant in a serialised cache of msal, which holds one account.

    Raises:
        Rejected: it is no such file, or holds several accounts.
    """
    try:
        cache = msgspec.json.decode(text, type=_Cache)
    except (msgspec.MsgspecError, ValueError) as error:
        raise Rejected("The file is no serialised token cache of msal. See docs/microsoft.md.") from error
    tokens = {one.home_account_id: one for one in cache.refresh_token.values()}
    if len(tokens) != 1:
        raise Rejected(
            f"The cache holds {len(tokens)} accounts that can be refreshed; Kith takes one at a time. Write one with a single account."
        )
    (token,) = tokens.values()
    mine = [one for one in cache.access_token.values() if one.home_account_id == token.home_account_id]
    scopes = dict.fromkeys(
        scope for one in (*mine, token) for scope in (one.target or "").split() if scope not in _RESERVED
    )
    realm = next((one.realm for one in mine if one.realm), "")
    user = next(
        (one.username for one in cache.account.values() if one.home_account_id == token.home_account_id), ""
    )
    return Grant(
        client=Client(token.client_id, tenant=realm),
        refresh_token=token.secret,
        scopes=tuple(scopes),
        subject=token.home_account_id,
        user=user.lower(),
        consented_at=now,
        refreshed_at=now,
    )


# ------ words


def _numbers(told: Told) -> tuple[int, ...]:
    found = _CODE.search(told.error_description[:2_000])
    return (*told.error_codes[:10], *([int(found[1])] if found else []))


def _client_refused(numbers: Sequence[int]) -> ClientRefused | None:
    cause = _first(numbers, _CLIENT)
    return (
        ClientRefused(f"Microsoft does not take the client: {cause} (docs/microsoft.md).") if cause else None
    )


def _unknown_client(told: Told) -> str:
    return (
        f"Microsoft does not take the client ({told.code}). Compare KITH_MICROSOFT_CLIENT_ID, _SECRET and _TENANT with "
        "entra.microsoft.com (docs/microsoft.md)."
    )


def _first(numbers: Sequence[int], told: Mapping[int, str]) -> str:
    return next((told[one] for one in numbers if one in told), "")


def _named(told: Told, numbers: Sequence[int]) -> str:
    return f"{told.code}, AADSTS{numbers[0]}" if numbers else told.code


AUTHORITY = AuthoritySpec(
    kind="microsoft",
    title=TITLE,
    open=MicrosoftAuthority,
    loopback="http://localhost:{port}",
    read_file=read_file,
    removal=REMOVAL,
    has_device=True,
)

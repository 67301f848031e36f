"""Google's authorisation server (https://developers.google.com/identity/protocols/oauth2, read 2026-11).

A refresh token comes with a consent and stays the same; it ends when the owner takes it back, after seven days where
the project is in Testing, after six months without use, when the password is changed and it may read mail, or when the
organisation's session is over (`invalid_rapt`). All of these are one `invalid_grant`: which it was, is told from when.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from connectors._oauth import Claims, CodeFlow, Endpoints, Refused, Told, authorize_url, day_of
from schemas.clock import Clock
from schemas.errors import ConnectorError, ReauthRequired, Rejected
from schemas.oauth import Attempt, AuthoritySpec, Client, ClientRefused, DeviceCode, Grant, Pending

TITLE: Final = "Google"
_BROWSER = "https://accounts.google.com"
_TOKENS = "https://oauth2.googleapis.com"
_ISSUERS = frozenset({"https://accounts.google.com", "accounts.google.com"})
_IDENTITY = ("openid", "email")
_AUTH = "https://www.googleapis.com/auth/"
_METADATA = f"{_AUTH}gmail.metadata"
_MAIL = "https://mail.google.com/"
_INCLUDED = {
    "calendar.events.readonly": ("calendar.events", "calendar.readonly", "calendar"),
    "calendar.calendarlist.readonly": ("calendar.calendarlist", "calendar.readonly", "calendar"),
    "gmail.readonly": ("gmail.modify", _MAIL),
    "gmail.send": ("gmail.compose", "gmail.modify", _MAIL),
    "contacts.readonly": ("contacts",),
}
"""What else is enough where Kith asks for one of these (the scopes of each method in Google's discovery documents)."""
_TESTING = timedelta(days=7)
_NEARLY, _A_DAY = timedelta(hours=2), timedelta(days=1)
_UNUSED = timedelta(days=180)
REMOVAL: Final = "https://myaccount.google.com/connections"
_NOTHING_LOST = "Nothing is lost; Kith goes on where it stopped."
_CURE = (
    'To end this for good: at console.cloud.google.com, Google Auth Platform, Audience, press "Publish app", so that the '
    'status is "In production" (docs/google.md).'
)


class GoogleAuthority(CodeFlow):
    """Google, as one client speaks to it."""

    kind, title, removal = "google", TITLE, REMOVAL

    def __init__(self, client: Client, root: str, clock: Clock) -> None:
        """Nothing is sent yet; `root` stands in for both of Google's hosts."""
        root = root.rstrip("/")
        super().__init__(
            client, Endpoints(TITLE, root or _TOKENS, clock, is_named=bool(root)), "/token", clock
        )
        self._browser = root or _BROWSER
        self._issuers = _ISSUERS | ({root} if root else set())

    def url(self, attempt: Attempt, user: str = "") -> str:
        """Where the browser goes.

        A refresh token comes with a consent alone, which is therefore asked for each time. What was granted before is
        not taken along (`include_granted_scopes`): everything that is wanted is asked for, and nothing else comes back.
        """
        return authorize_url(
            f"{self._browser}/o/oauth2/v2/auth",
            self._client,
            attempt,
            (*_IDENTITY, *attempt.scopes),
            access_type="offline",
            prompt="consent" if user else "select_account consent",
            login_hint=user,
        )

    def finish(self, attempt: Attempt, query: str) -> Grant:
        """The grant that a redirect brings."""
        grant = super().finish(attempt, query)
        if clash(grant.scopes):
            # Google refuses to read mail with any token that holds it, whatever else that holds.
            raise Rejected(
                "Google put the permission for headers alone together with another for mail, which it then refuses to "
                f"read mail with. {self._given_back(grant)} Begin again: this time it comes alone."
            )
        return grant

    def _given_back(self, grant: Grant) -> str:
        try:
            self.revoke(grant)
        except ConnectorError:
            return f"Remove Kith at {REMOVAL}, which it could not do by itself."
        return "Kith gave both back."

    def begin_device(self, scopes: Sequence[str]) -> DeviceCode:  # noqa: ARG002  # the protocol's
        """Refused: Google lets devices have none of these scopes."""
        raise Rejected(
            "Google lets no other device sign in for mail, calendar, contacts or tasks. Connect in a browser on this "
            "machine, or on another and bring the file: kith connect google --authorized-user FILE (docs/google.md)."
        )

    def finish_device(self, code: DeviceCode) -> Grant | Pending:
        """Refused, as `begin_device` is."""
        self.begin_device(code.scopes)
        return Pending()

    def revoke(self, grant: Grant) -> bool:
        """Give everything back that this account's owner allowed this client (RFC 7009)."""
        try:
            self._endpoints.ask("/revoke", urlencode({"token": grant.refresh_token}))
        except Refused as error:
            if error.told.error != "invalid_token":
                raise Rejected(f"Google refused to take the permission back ({error.told.code}).") from error
        return True

    def missing(self, asked: Sequence[str], grant: Grant) -> tuple[str, ...]:
        """What was not granted, nor anything that includes it: owners can untick each."""
        return tuple(one for one in asked if not _included_in(one, grant.scopes))

    def _is_issuer(self, issuer: str) -> bool:
        return issuer in self._issuers

    def _who(self, claims: Claims) -> tuple[str, str]:
        return claims.sub, claims.email

    def _not_let_in(self, told: Told, redirect_uri: str) -> Rejected | ClientRefused:
        match told.error:
            case "access_denied":
                return Rejected("You allowed nothing, and nothing was changed. To allow it, begin again.")
            case "invalid_grant":
                return Rejected(
                    "Google no longer takes that sign-in: it serves once, for minutes. Begin again."
                )
            case "redirect_uri_mismatch":
                return ClientRefused(
                    f"Google does not know the redirect {redirect_uri} for this client. Add it to the client at "
                    "console.cloud.google.com, letter by letter (docs/google.md)."
                )
            case _:
                return _client_refused(told) or Rejected(
                    f"Google refused the sign-in ({told.code}). Begin again."
                )

    def _over(self, told: Told, grant: Grant) -> ReauthRequired:
        return _client_refused(told) or ReauthRequired(
            f"Google refused the sign-in kept since {day_of(grant)}{_cause(told, grant, self._clock.now())}"
        )


def _included_in(scope: str, granted: Sequence[str]) -> bool:
    wider = _INCLUDED.get(scope.removeprefix(_AUTH), ())
    return any(one in granted for one in (scope, *wider, *(f"{_AUTH}{name}" for name in wider)))


def clash(scopes: Sequence[str]) -> str:
    """Why these may not be asked together."""
    others = [one for one in scopes if one.startswith((f"{_AUTH}gmail.", _MAIL))]
    if _METADATA in others and len(set(others)) > 1:
        return (
            "Google takes the permission for headers alone with no other for mail. Leave out --headers-only, or send the "
            "digest by another account: kith connect smtp …"
        )
    return ""


class _File(Struct, frozen=True):
    client_id: str
    client_secret: str
    refresh_token: str
    scopes: tuple[str, ...] | str = ()
    type: str = "authorized_user"


def read_file(text: str, now: datetime) -> Grant:
    """The grant in a file of Google's own tools (`authorized_user`); whose it is, Google has to say, and no file.

    Raises:
        Rejected: it is no such file.
    """
    try:
        read = msgspec.json.decode(text, type=_File)
    except (msgspec.MsgspecError, ValueError) as error:
        raise Rejected(
            "The file is none of Google's tools: it holds client_id, client_secret and refresh_token, in JSON. "
            "See docs/google.md."
        ) from error
    if read.type != "authorized_user":
        raise Rejected(f"The file is of another kind ({read.type[:40]}); Kith signs in as a person.")
    scopes = read.scopes.split() if isinstance(read.scopes, str) else read.scopes
    return Grant(
        client=Client(read.client_id, read.client_secret),
        refresh_token=read.refresh_token,
        scopes=tuple(scopes),
        consented_at=now,
        refreshed_at=now,
    )


# ------ words


def _cause(told: Told, grant: Grant, now: datetime) -> str:
    """Why a grant is over, and what that means."""
    if told.error_subtype in {"invalid_rapt", "rapt_required"} or "rapt" in told.error_description:
        return (
            f": your organisation wants you to sign in again after a while. {_NOTHING_LOST} Its administrator can leave "
            "Kith out of that: Google Cloud session control."
        )
    if told.error != "invalid_grant":
        return f" ({told.code}). {_NOTHING_LOST}"
    if now - grant.refreshed_at >= _UNUSED:
        return ": it was not used for six months. Nothing is lost."
    password = " or your password was changed," if any("gmail" in one for one in grant.scopes) else ""
    else_why = f"it was withdrawn at {REMOVAL},{password} or an administrator ended it"
    used_for = grant.refreshed_at - grant.consented_at
    if now - grant.consented_at < _TESTING - _NEARLY or used_for > _TESTING + _NEARLY:
        return f": {else_why}. {_NOTHING_LOST}"
    testing = "consents of a Google project in Testing end after 7 days"
    if used_for < _TESTING - _A_DAY:
        # It was not asked for around its seventh day, so that when it ended is not known.
        return f", most likely as {testing}; else {else_why}. {_NOTHING_LOST} {_CURE}"
    return f": {testing}. {_NOTHING_LOST} {_CURE}"


def _client_refused(told: Told) -> ClientRefused | None:
    if told.error not in {"invalid_client", "unauthorized_client", "deleted_client", "disabled_client"}:
        return None
    return ClientRefused(
        f"Google does not take the client ({told.code}). Compare KITH_GOOGLE_CLIENT_ID and KITH_GOOGLE_CLIENT_SECRET with "
        "console.cloud.google.com, Google Auth Platform, Clients (docs/google.md)."
    )


AUTHORITY = AuthoritySpec(
    kind="google",
    title=TITLE,
    open=GoogleAuthority,
    loopback="http://127.0.0.1:{port}",
    read_file=read_file,
    removal=REMOVAL,
    clash=clash,
    # As Google's own libraries have it: `/authorize/` (google-api-dotnet-client), `/Callback` (google-oauth-java-client).
    has_paths=True,
    needs_secret=True,
)

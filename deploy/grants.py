"""Keeps the grants of OAuth accounts good: asked for an access token, it gives one that is, and loses no grant on the way.

A refresh may turn the refresh token over, so that of two at once one would hold a dead one: it is made in a turn, by one
process at a time. The new refresh token is durable before the new access token is used. A process that ends on the way
leaves the grant as it was: the next one asks again with the old refresh token, which authorities take for as long as
nobody has used the new one, or for a while. What was connected again meanwhile is never written over. An authority that
does not answer ends nothing.
"""

import time
from datetime import timedelta

from msgspec.structs import replace

from deploy.clock import SystemSleeper
from deploy.settings import Settings
from deploy.vaults import Secrets, mask, sealed, secrets_of
from deploy.wiring import Application
from schemas.errors import ConnectorError, ReauthRequired, Transient
from schemas.oauth import Authority, Client, ClientRefused, Grant
from services import accounts
from services.accounts import Account
from services.store.unit import Store
from services.turns import OwnerRests, TurnLost, TurnTaken

AHEAD = timedelta(minutes=5)
"""So long before its end an access token is renewed."""
UNUSED = timedelta(days=7)
"""A grant that was not used for so long is refreshed: unused ones end (Microsoft 90 days, Google six months)."""
TURN = timedelta(seconds=20)
"""How long a refresh keeps others from it when its process ends in the middle; it takes 15 seconds at most."""
_PATIENCE = timedelta(seconds=30)
_LOOK_EVERY = timedelta(milliseconds=100)


# --- who grants ---------------------------------------------------------------------------------------------------------


def client_of(settings: Settings, kind: str) -> Client:
    """The owner's own client for a kind of account; its id is empty where there is none."""
    if kind == "google":
        return Client(settings.google_client_id, settings.google_client_secret)
    return Client(settings.microsoft_client_id, settings.microsoft_client_secret, settings.microsoft_tenant)


def authority_of(app: Application, kind: str, client: Client | None = None) -> Authority:
    """Who lets in accounts of a kind; by another client than the settings name, where one is given."""
    settings = app.settings
    root = settings.google_auth_root if kind == "google" else settings.microsoft_authority
    return app.authorities[kind].open(client or client_of(settings, kind), root, app.clock)


def client_for(settings: Settings, kind: str, grant: Grant) -> Client:
    """The client that a grant was given to, with its present secret where that stands in the settings."""
    ours = client_of(settings, kind)
    if grant.client.id != ours.id:
        return grant.client
    return Client(ours.id, ours.secret, grant.client.tenant or ours.tenant)


def _not_set(app: Application, kind: str, grant: Grant) -> ClientRefused | None:
    """Why a client is refused that this process knows by its grant alone: where it was connected, it had its secret."""
    if client_of(app.settings, kind).id or grant.client.secret:
        return None
    return ClientRefused(
        f"{app.authorities[kind].title} does not take the client, and KITH_{kind.upper()}_CLIENT_ID is not set where Kith runs "
        "now: maybe it was set in the window alone where you connected. Nothing is lost. Set it for good, with its secret, in "
        f"{app.settings.home / 'kith.toml'} (docs/{kind}.md)."
    )


# --- access tokens ------------------------------------------------------------------------------------------------------


class Tokens:
    """The access tokens of one account."""

    def __init__(self, app: Application, account: Account) -> None:
        """Nothing is read or sent yet."""
        self._app = app
        self._account = account
        self._held: Grant | None = None

    def token(self) -> str:
        """An access token that is good for minutes at least.

        Raises:
            ReauthRequired: the grant is over.
            Transient: it has to be refreshed, and cannot be now.
        """
        grant = self._held
        if grant is None or not self._lasts(grant, AHEAD):
            grant = self._kept()
        if not self._lasts(grant, AHEAD):
            try:
                grant = self._refreshed(grant)
            except Transient:
                # It is renewed ahead of time, so that an authority may be out of order for a while.
                if not self._lasts(grant, timedelta(seconds=10)):
                    raise
        self._held = grant
        return grant.access_token

    def renew(self, refused: str) -> str:
        """Another access token in place of one that was refused before its time.

        Raises:
            ReauthRequired: the grant is over.
            Transient: it cannot be refreshed now.
        """
        grant = self._kept()
        if grant.access_token == refused or not self._lasts(grant, timedelta()):
            grant = self._refreshed(grant)
        self._held = grant
        return grant.access_token

    def touch(self) -> bool:
        """Refresh a grant that nothing used for a week; whether that was so.

        Raises:
            ReauthRequired: the grant is over.
            Transient: it cannot be refreshed now.
        """
        grant = self._kept()
        if self._app.clock.now() - grant.refreshed_at < UNUSED:
            return False
        self._held = self._refreshed(grant)
        return True

    def _lasts(self, grant: Grant, length: timedelta) -> bool:
        ends_at = grant.expires_at
        return bool(grant.access_token) and ends_at is not None and ends_at - self._app.clock.now() > length

    def _kept(self) -> Grant:
        grant = secrets_of(self._app, self._account).grant
        if grant is None:
            raise ReauthRequired("Nothing is kept to sign in with. Connect the account again.")
        return grant

    def _refreshed(self, stale: Grant) -> Grant:
        """The grant refreshed, here or by another process meanwhile."""
        deadline = time.monotonic() + _PATIENCE.total_seconds()
        while True:
            try:
                told = self._app.turns.run(
                    self._account.owner, lambda store: self._in_turn(store, stale), self._turn, TURN
                )
            except TurnTaken:
                if time.monotonic() >= deadline:
                    raise Transient(_BUSY) from None
                SystemSleeper().sleep(_LOOK_EVERY)
            except (TurnLost, OwnerRests) as error:
                # It was connected again, or another process was faster: what is kept now is newer than ours.
                return self._newer(stale, Transient(_BUSY), error)
            else:
                return told if isinstance(told, Grant) else self._newer(stale, told, told)
            grant = self._kept()
            if not _is_same(grant, stale):
                return grant

    @property
    def _turn(self) -> str:
        return f"grant {self._account.id}"

    def _in_turn(self, store: Store, stale: Grant) -> Grant | ConnectorError:
        """The new grant, once it is durable; or why there is none, which is an end of the turn like any other."""
        grant = self._kept()
        if not _is_same(grant, stale):
            return grant
        # A process that dies here has harmed nothing, and is no reason to let the account rest.
        self._app.turns.went_on(self._account.owner, self._turn)
        kind = self._account.kind
        try:
            new = authority_of(self._app, kind, client_for(self._app.settings, kind, grant)).refresh(grant)
        except ClientRefused as error:
            return _not_set(self._app, kind, grant) or error
        except ConnectorError as error:
            return error
        with store.write() as unit:
            now = secrets_of(self._app, self._account, unit)
            if now.grant is None or not _is_same(now.grant, grant):
                return now.grant or ReauthRequired("The account was disconnected meanwhile.")
            accounts.set_secret(unit, self._account, sealed(self._app, replace(now, grant=new)))
        mask(Secrets(grant=new))
        return new

    def _newer(self, stale: Grant, error: ConnectorError, cause: Exception) -> Grant:
        """What is kept now, if that is not what was refused."""
        grant = self._kept()
        if _is_same(grant, stale):
            raise error from cause
        return grant


_BUSY = "The sign-in is being renewed by another process, which has not ended yet. Kith tries again."


def _is_same(one: Grant, other: Grant) -> bool:
    return (one.refresh_token, one.access_token) == (other.refresh_token, other.access_token)

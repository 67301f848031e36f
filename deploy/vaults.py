"""What is locked away of accounts: opened when it is needed, and from then on masked in every log line.

Of a feed (`….ics`) the URL itself lets whoever has it in; it is therefore locked away like a password, and is nowhere
else.
"""

import msgspec
from msgspec import Struct

from deploy.logs import keep_out
from deploy.wiring import Application
from schemas.oauth import Grant
from services import accounts
from services.accounts import Account
from services.store.unit import Unit


class Secrets(Struct, frozen=True, omit_defaults=True):
    """What is locked away of an account: password or token, a URL that is as good as one, or a grant."""

    secret: str = ""
    url: str = ""
    grant: Grant | None = None


def sealed(app: Application, secrets: Secrets) -> str:
    """What may be kept of secrets."""
    return app.vault.sealed(msgspec.json.encode(secrets).decode())


def secrets_of(app: Application, account: Account, unit: Unit | None = None) -> Secrets:
    """The secrets of an account as they are kept now; in a unit of the caller's, or one of its own.

    Raises:
        ReauthRequired: no key of the home opens them.
    """
    if unit is None:
        with app.store.read() as reading:
            kept = accounts.sealed_secret(reading, account)
    else:
        kept = accounts.sealed_secret(unit, account)
    opened = msgspec.json.decode(app.vault.opened(kept), type=Secrets)
    mask(opened)
    return opened


def mask(secrets: Secrets) -> None:
    """Keep secrets out of every log line of this process."""
    grant = secrets.grant
    for one in (secrets.secret, secrets.url, grant.client.secret if grant else ""):
        if one:
            keep_out(one)
    for one in (grant.access_token, grant.refresh_token) if grant else ():
        if one:
            keep_out(one, is_passing=True)

"""By which account an owner's mail goes out."""

from deploy.accounts import connectors_of
from deploy.consent import sends_mail
from deploy.wiring import Application
from schemas.clock import epoch
from services import accounts
from services.accounts import Account
from services.store import outbox
from services.store.unit import Unit


def mailer(app: Application, unit: Unit, owner: int) -> Account | None:
    """The account that an owner's mail goes out by; where none works, one that waits to be reconnected, and mail with it."""
    senders = [one for one in accounts.accounts(unit, owner) if _is_sender(app, one)]
    return next((one for state in ("active", "reconnect") for one in senders if one.state == state), None)


def _is_sender(app: Application, account: Account) -> bool:
    """Whether an account is there to send: one of SMTP for nothing else, any other where its owner wants it."""
    return any(sends_mail(spec, account.settings) for spec in connectors_of(app, account.kind))


def redirect_mail(app: Application, unit: Unit, owner: int) -> str | None:
    """Have mail that waits where nothing goes out sent by an account that works; which, where there is any."""
    by = mailer(app, unit, owner)
    if by is None or by.state != "active":
        return None
    idle = [one.id for one in accounts.accounts(unit, owner) if one.state != "active"]
    moved = outbox.move_mail(unit, owner, idle, by.id, epoch(app.clock.now()))
    return by.id if moved else None

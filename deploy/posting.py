"""The mails that Kith sends to its owner: the weekly digest, and one when an account must be reconnected.

Which are asked for is noted in the outbox, once each; what they say is made when they are sent.
"""

from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr

import msgspec

from deploy.accounts import what_to_do
from deploy.hosting import reconnect_url
from deploy.mailers import mailer
from deploy.wiring import Application
from schemas.clock import epoch, instant
from schemas.decisions import DigestComposed
from schemas.errors import ConfigError, KithError, ReauthRequired, Rejected
from schemas.events import decode_body
from schemas.ids import key64, public_id
from schemas.interface import Digest
from schemas.records import Mailbox
from services import accounts
from services.accounts import Account
from services.digest.posting import post
from services.digest.words import clean
from services.links import reconnect_link
from services.mailing import is_mail_wanted
from services.outbox import Letter
from services.people import owners_words
from services.schedule import CATCH_UP
from services.store import events as stream
from services.store import outbox
from services.store.outbox import Intent
from services.store.unit import Unit

_decode = msgspec.json.Decoder(Digest).decode


def ask_for_digest(
    app: Application, unit: Unit, owner: int, week: str, *, is_forced: bool = False
) -> Intent | None:
    """Have a week's digest sent, once; None where no account sends mail, or the owner wants none.

    Args:
        is_forced: also where the owner has switched the weekly mail off.
    """
    by = mailer(app, unit, owner)
    if by is None or not (is_forced or is_mail_wanted(unit, owner)):
        return None
    return _asked(app, unit, by, f"{by.id} mail {week}", week, "")


def ask_for_owner(app: Application, unit: Unit, account: Account) -> Intent | None:
    """Have the owner told that an account must be reconnected from now on; None where that cannot be.

    Whoever sets it so asks once, in the same unit.
    """
    by = mailer(app, unit, account.owner)
    if by is None or by.id == account.id or not is_mail_wanted(unit, account.owner):
        return None
    now = f"{epoch(app.clock.now())}"
    return _asked(app, unit, by, f"{by.id} mail {account.id} {now}", account.id, now)


def _asked(app: Application, unit: Unit, by: Account, key: str, subject: str, payload: str) -> Intent:
    """What is asked for once, by whichever account: another one sends no second mail."""
    known = outbox.mail(unit, by.owner, subject, payload)
    if known is not None:
        return known
    intent = Intent(key=key, account=by.id, kind="mail", subject=subject, payload=payload)
    outbox.ask(unit, by.owner, [intent], epoch(app.clock.now()))
    return intent


def send_digest(app: Application, owner: int, week: str) -> str:
    """Send a week's digest now, unless it went out already; what came of it, in words.

    Raises:
        ConfigError: no account sends mail.
        ReauthRequired: the sign-in to it was refused.
        KithError: it could not be sent; says whether it is tried again.
    """
    from deploy.live import Live  # noqa: PLC0415  # which sends by what is made here

    with app.store.write() as unit:
        asked = ask_for_digest(app, unit, owner, week, is_forced=True)
    if asked is None:
        raise ConfigError("No account sends mail yet. Connect one: kith connect smtp --user you@example.com")
    if asked.state == "done":
        return f"The digest of {week} was sent already; it goes out once."
    Live(app).deliver(owner, asked.account)
    with app.store.read() as unit:
        told = outbox.intent(unit, owner, asked.key) or asked
        by = accounts.account_of(unit, owner, asked.account)
    if told.state == "done":
        return f"The digest of {week} was sent to {by.settings.get('to') if by else 'you'}."
    if by is not None and by.state == "reconnect":
        raise ReauthRequired(by.reason)
    later = " It is tried again by itself while kith up runs." if told.state == "pending" else ""
    raise KithError(f"The digest of {week} could not be sent. {told.reason}{later}")


def letter_of(app: Application, by: Account, intent: Intent) -> Letter | None:
    """The mail that is asked for; None where what it would tell of is over.

    Raises:
        Rejected: it comes too late to be of use, or what it would tell of is gone.
    """
    sender, to = str(by.settings.get("from") or by.user), str(by.settings.get("to") or by.user)
    with app.store.read() as unit:
        said = owners_words(unit, by.owner).owner
        name = said.name if said else ""
        content = (
            _notice(app, unit, by, intent, sender, to)
            if intent.payload
            else _digest(app, unit, by.owner, intent, sender, Mailbox(to, name))
        )
    return Letter(content, sender, to) if content else None


def _digest(app: Application, unit: Unit, owner: int, intent: Intent, sender: str, to: Mailbox) -> bytes:
    week = intent.subject
    if app.clock.now() - instant(intent.created_at) > CATCH_UP:
        raise Rejected(
            f"The digest of {week} was not sent: two days passed in which it could not be. Read it: kith digest"
        )
    composed: DigestComposed | None = None
    for event in stream.read_kinds(unit, owner, ("digest",)):
        word = decode_body(event.body, event.kind, event.version)
        if isinstance(word, DigestComposed) and word.week == week:
            composed = word
    if composed is None:
        raise Rejected(f"There is no digest of {week} to send. Compose it: kith digest")
    digest = _decode(composed.body.encode())
    return post(
        digest,
        owner=owner,
        sender=Mailbox(sender, "Kith"),
        to=to,
        instance=instance_of(unit, owner),
        date=instant(intent.created_at),
        links=app.digest_links(owner, digest, is_mailed=True),
    )


def instance_of(unit: Unit, owner: int) -> str:
    """What names this book among all there are, and is the same on whatever machine it lies."""
    return public_id("k", key64("instance", str(owner), str(stream.owner_created_at(unit, owner))))


def _notice(app: Application, unit: Unit, by: Account, intent: Intent, sender: str, to: str) -> bytes:
    account = accounts.account_of(unit, by.owner, intent.subject)
    if account is None or account.state != "reconnect":
        return b""
    return _reconnect_mail(app, unit, account, sender, to, instant(intent.created_at))


def _reconnect_mail(
    app: Application, unit: Unit, account: Account, sender: str, to: str, date: datetime
) -> bytes:
    name = clean(account.name, 80)
    mail = EmailMessage(policy=SMTP)
    mail["From"] = formataddr(("Kith", sender))
    mail["To"] = to
    is_read = bool(account.settings.get("reads"))
    mail["Subject"] = f"Kith can no longer {'read' if is_read else 'send by'} {name}"
    mail["Date"] = format_datetime(date)
    mark = public_id("", key64(account.id, str(epoch(date)), instance_of(unit, account.owner)))
    mail["Message-ID"] = f"<kith-{mark}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834 5
    mail["X-Auto-Response-Suppress"] = "All"
    mail["X-Kith-Instance"] = instance_of(unit, account.owner)
    lines = [account.reason, "", _meanwhile(unit, account), "", what_to_do(account)]
    here = reconnect_url(app, account, date)
    if here:
        lines.append(f"Or in a browser: {here}")
    elif app.link_signer is not None:
        lines.append(
            reconnect_link(app.link_signer, app.settings.public_url, account.owner, account.id, date)
        )
    mail.set_content("\n".join(lines) + "\n")
    return mail.as_bytes()


def _meanwhile(unit: Unit, account: Account) -> str:
    """What becomes of an account's work while it waits for its owner."""
    if not account.settings.get("reads"):
        return "Nothing is lost: your digest goes out by another account meanwhile."
    went_well = [one.ok_at for one in accounts.feeds(unit, account.owner, account.id) if one.ok_at]
    if not went_well:
        return "Kith has not read it yet; it begins once the account is connected."
    at = max(went_well)
    when = f"Kith last read it on {at.day} {at:%B %Y}."
    # A refused sign-in's own reason may end so.
    is_said = "Nothing is lost" in account.reason
    return when if is_said else f"{when} Nothing is lost; Kith goes on where it stopped."

"""What `kith doctor` says of accounts: each is signed in to, all at once and within a time, and nothing is changed."""

from collections.abc import Iterator
from datetime import timedelta
from queue import Empty, Queue
from threading import Thread

from deploy.accounts import hook_of, how_mail_is_told, how_to_reconnect, keys_of, push_url
from deploy.cli.doctor import Check
from deploy.cli.paper import plain
from deploy.connecting import still_there, surveyed
from deploy.wiring import Application
from schemas.connector import Survey
from schemas.errors import KithError, Missing, RateLimited, ReauthRequired, Rejected, Transient
from schemas.oauth import ClientRefused
from services import accounts
from services.accounts import Account, Feed
from services.people import owners_words
from services.vault import Sealed, listed

LIMIT = timedelta(seconds=60)
_BEHIND = timedelta(days=2)

_Outcome = Survey | Exception


def account_checks(app: Application, limit: timedelta = LIMIT) -> Iterator[Check]:
    """A check of every owner's accounts, and of each feed that does not go well.

    Args:
        limit: how long signing in may take.
    """
    with app.store.read() as unit:
        known = [one for owner, _ in app.owners() for one in accounts.accounts(unit, owner)]
        feeds = [one for owner, _ in app.owners() for one in accounts.feeds(unit, owner)]
        under_old = [
            one for one in known if not app.vault.is_under_first_key(accounts.sealed_secret(unit, one))
        ]
    asked = {one.id: _begun(app, one) for one in known if one.state != "paused"}
    for account in known:
        if account.id not in asked:
            yield Check(_name(account), "ok", "left alone until you resume it")
            continue
        outcome = _ended(asked[account.id], limit)
        yield _verdict(account, outcome)
        if isinstance(outcome, Survey):
            of_it = [one for one in feeds if (one.owner, one.account) == (account.owner, account.id)]
            yield from _feeds(app, account, of_it)
    if under_old and len(listed(app.settings.secret_key)) > 1:
        yield Check(
            "old keys",
            "warning",
            f"{len(under_old)} secrets are locked away with an old key",
            "Lock them away with the present one: kith accounts --rotate",
        )


def _name(account: Account) -> str:
    return f"{plain(account.name, 60)} ({account.id})"


def _begun(app: Application, account: Account) -> "Queue[_Outcome]":
    """Sign in, in a thread that nobody has to wait for."""
    outcome: Queue[_Outcome] = Queue()

    def run() -> None:
        try:
            with app.store.read() as unit:
                said = owners_words(unit, account.owner)
            outcome.put(surveyed(app, account, said, keys_of(app, account)))
        except Exception as error:  # noqa: BLE001  # whatever it is, the account cannot be read, and the next one is asked
            outcome.put(error)

    Thread(target=run, name=f"doctor {account.id}", daemon=True).start()
    return outcome


def _ended(outcome: "Queue[_Outcome]", limit: timedelta) -> _Outcome:
    try:
        return outcome.get(timeout=limit.total_seconds())
    except Empty:
        return Transient(f"There was no answer in {limit.total_seconds():.0f} seconds.")


def _verdict(account: Account, outcome: _Outcome) -> Check:
    name, again = _name(account), how_to_reconnect(account)
    match outcome:
        case Survey():
            return _signed_in(account, outcome)
        case Sealed():
            remedy = f"With the key back: kith resume {account.id}. Without it, connect it again: {again}"
        case ClientRefused():
            remedy = f"Set that right, restart what runs this home, and say: kith resume {account.id}. Nothing is lost meanwhile."
        case ReauthRequired() if account.settings.get("scopes") is not None:
            remedy = f"Sign in again: {again}"
        case ReauthRequired():
            remedy = (
                f"Connect it again with a password or token that is good: {again}. Nothing is lost meanwhile."
            )
        case Missing():
            remedy = (
                f"Put it back, or look for where it is now, and connect it so: {again}{_with_list(account)}"
            )
        case RateLimited():
            minutes = round(outcome.retry_after.total_seconds() / 60)
            when = "a minute" if minutes <= 1 else f"{minutes} minutes"
            return Check(name, "warning", str(outcome), f"Nothing; Kith asks again in {when}.")
        case Rejected():
            remedy = f"Mend that, then connect it again: {again}"
        case Transient():
            remedy = (
                "Kith tries again by itself. If it stays so, see whether the server runs and this machine is on line. "
                f"Is it elsewhere now, connect it there, as in {again}; and let go of this one: kith disconnect {account.id}"
            )
        case KithError():
            remedy = f"Connect it again: {again}"
        case _:
            finding = f"a fault in Kith itself ({type(outcome).__name__})"
            return Check(name, "fault", finding, "Please report it, with what kith -v sync says.")
    return Check(name, "fault", str(outcome), remedy)


def _with_list(account: Account) -> str:
    return " --tasks LIST" if account.settings.get("list") else ""


def _signed_in(account: Account, survey: Survey) -> Check:
    name = _name(account)
    gone = still_there(account, survey.collections)
    if gone:
        return Check(
            name,
            "fault",
            f"it signs in, but {', '.join(plain(one, 60) for one in gone)} is there no more",
            f"Put it back, or choose others: {how_to_reconnect(account)} with --folders or --calendars",
        )
    if account.state == "reconnect":
        return Check(name, "warning", "it signs in again, and waits", f"kith resume {account.id}")
    return Check(name, "ok", "it signs in")


def _feeds(app: Application, account: Account, feeds: list[Feed]) -> Iterator[Check]:
    for feed in feeds:
        name = f"{_name(account)}, {feed.connector}"
        if feed.failures and feed.failed_at is not None:
            finding = f"has failed since {feed.failed_at:%d %B, %H:%M} UTC: {feed.reason}"
            yield Check(name, "warning", finding, f"It is tried again by itself; now: kith sync {account.id}")
        elif feed.reason:
            finding = f"not all of it can be read: {feed.reason}"
            yield Check(name, "warning", finding, f"It is tried again by itself; now: kith sync {account.id}")
        elif feed.remote_at and feed.newest_at and feed.remote_at - feed.newest_at > _BEHIND:
            finding = f"the newest that came is of {feed.newest_at:%d %B}, the newest there of {feed.remote_at:%d %B}"
            yield Check(name, "warning", finding, f"Read everything anew: kith sync {account.id} --full")
        spec = app.connectors.get(feed.connector)
        if feed.untold and spec is not None and hook_of(app, feed, spec) is not None:
            yield Check(
                name,
                "warning",
                f"is told of no news: {feed.untold}",
                f"Kith tries again every six hours; once that is mended, at once: kith resume {account.id}",
            )
    if account.settings.get("gmail_topic") and not push_url(app, account):
        yield Check(f"{_name(account)}, gmail", "warning", how_mail_is_told(app, account))

"""Commands about the accounts that are connected."""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo

from deploy.accounts import how_mail_is_told, push_url, shapes_of, stop_notices, what_to_do
from deploy.cli.context import Context
from deploy.cli.ending import FAILED, OK, PARTIAL, RECONNECT
from deploy.cli.importing import print_report, status_of, tell_next
from deploy.cli.keeping import rewrite_digests
from deploy.cli.paper import Column, day, hint, plain, quiet, say, table, wrapped
from deploy.cli.progress import progress
from deploy.lock import only_here
from deploy.mailers import redirect_mail
from deploy.syncing import sync as read
from deploy.wiring import Application
from schemas.connector import ConnectorSpec
from schemas.errors import ConfigError
from schemas.interface import Account, AccountList, ImportReport, SyncReport
from services import accounts as kept
from services.accounts import Account as KeptAccount
from services.accounts import Feed
from services.book import Book
from services.people import owners_words
from services.store.unit import Store
from services.turns import TurnTaken
from services.vault import Vault, listed

_KEY = "secret.key"


def accounts(context: Context) -> int:
    """List the accounts."""
    book = context.book
    found = shapes_of(context.application, book.owner)
    if context.as_json:
        context.put(AccountList(found))
        return OK
    if not found:
        say("No account is connected yet.")
        hint("", "Next: kith connect google  (or microsoft, exchange, imap, caldav, carddav, todoist, smtp)")
        return OK
    with book.store.read() as unit:
        said = owners_words(unit, book.owner)
        known = kept.accounts(unit, book.owner)
    again = {one.id: what_to_do(one) for one in known}
    told = {one.id: how_mail_comes(context.application, one) for one in known}
    zone, now = ZoneInfo(said.owner.timezone if said.owner else "UTC"), book.clock.now()
    rows = [
        (
            one.id,
            one.name,
            one.state,
            ", ".join(one.reads),
            one.tasks or "",
            day(one.last_sync_at, now, zone),
            _behind(one.lag),
        )
        for one in found
    ]
    columns = (
        "account",
        Column("name", least=12),
        "state",
        Column("reads", goes=1),
        Column("tasks to", goes=2),
        "last read",
        Column("behind", goes=3),
    )
    say(*table(columns, rows))
    for one in found:
        _print_troubles(one, again[one.id])
        say(*told[one.id])
    return OK


def _behind(lag: int | None) -> str:
    if not lag:
        return ""
    hours = round(lag / 3_600)
    return f"{max(1, hours)} h" if hours < 48 else f"{round(hours / 24)} days"


def _print_troubles(account: Account, again: str) -> None:
    reasons = [account.reason, *(f"{one.stream}: {one.reason}" for one in account.feeds if one.reason)]
    reasons += [f"{one.stream}: {one.untold}" for one in account.feeds if one.untold]
    for reason in filter(None, reasons[:1] if account.reason else reasons):
        say("", f"{account.id}:", *map(quiet, wrapped(reason, "    ")))
    if account.state == "reconnect":
        say(*wrapped(again, "    "))


def how_mail_comes(app: Application, account: KeptAccount) -> list[str]:
    """What is to be done for Gmail's notices, as lines; the address stands by itself, to be copied."""
    words, url = how_mail_is_told(app, account), push_url(app, account)
    lines = ["", f"{account.id}:", *map(quiet, wrapped(words, "    "))] if words else []
    return [*lines, f"    {url}"] if url else lines


# --- reading ------------------------------------------------------------------------------------------------------------


def sync(context: Context, asked: list[str], full: bool) -> int:
    """Read accounts now and print what came of it."""
    book = context.book
    with book.store.read() as unit:
        chosen = [kept.find_account(unit, book.owner, one).id for one in asked]
    with progress(context) as advance:
        report = read(
            context.application, book, chosen, full=full, advance=advance, busy=tell_busy, rests=tell_rest
        )
    ask_tools(context)
    if context.as_json:
        context.put(report)
    else:
        print_outcome(report)
        if not report.accounts:
            hint("There is no account to read. Connect one, as in: kith connect google")
    return status_of_sync(report)


def ask_tools(context: Context) -> None:
    """Ask for what to-do tools lack by now: whatever runs the home writes it, and would not look before there is news."""
    from deploy.live import Live  # noqa: PLC0415  # needed after a reading alone

    app, book = context.application, context.book

    def work(store: Store) -> list[str]:
        return Live(app).keep_tools(Book(store, book.owner, book.clock, book.habits))

    # Who has the turn looks at the tools as well.
    with suppress(TurnTaken):
        app.turns.run(book.owner, work)


def tell_busy(account: KeptAccount) -> None:
    """Say that another process reads an account."""
    hint(f"{plain(account.name)} is being read by the process that runs this home, which goes on by itself.")


def tell_rest(feed: Feed, spec: ConnectorSpec) -> None:
    """Say that the rest of a feed comes later."""
    hint(
        f"{spec.title} allows no more for now. What came is kept; the rest comes by itself while kith up runs, or a piece at "
        f"a time by kith sync {feed.account}."
    )


def print_outcome(report: SyncReport) -> None:
    """What came by account, and which account failed, and why."""
    if report.sources:
        say("")
        told = ImportReport(report.sources, report.rejects)
        print_report(told)
        tell_next(told, dry_run=False)
    for one in report.accounts:
        if one.reason:
            say("", f"{plain(one.name)} ({one.id}) could not be read:", *wrapped(one.reason, "    "))
    if any(one.state == "reconnect" for one in report.accounts):
        hint("", "Next: kith accounts tells how to connect again")


def status_of_sync(report: SyncReport) -> int:
    """4 when an account waits to be reconnected, 1 when all failed, 3 when some did or records were refused."""
    failed = [one for one in report.accounts if one.reason]
    if any(one.state == "reconnect" for one in failed):
        return RECONNECT
    if failed:
        return FAILED if len(failed) == len(report.accounts) else PARTIAL
    return status_of(ImportReport(report.sources, report.rejects))


# --- states -------------------------------------------------------------------------------------------------------------


def pause(context: Context, asked: str) -> int:
    """Leave an account alone."""
    with context.book.store.write() as unit:
        account = kept.find_account(unit, context.book.owner, asked)
        kept.interrupt(unit, account)
        redirect_mail(context.application, unit, account.owner)
    return _tell(context, account, f"{plain(account.name)} is left alone until: kith resume {account.id}")


def resume(context: Context, asked: str) -> int:
    """Read an account again."""
    with context.book.store.write() as unit:
        account = kept.find_account(unit, context.book.owner, asked)
        kept.resume(unit, account, context.book.clock.now())
        redirect_mail(context.application, unit, account.owner)
    return _tell(context, account, f"{plain(account.name)} is read again. Now: kith sync {account.id}")


def disconnect(context: Context, asked: str, forget: bool = False) -> int:
    """Delete an account with its secret; what it brought stays, or is erased with it."""
    with context.book.store.write() as unit:
        account = kept.find_account(unit, context.book.owner, asked)
        # Stopped half-way, the same command goes on.
        kept.interrupt(unit, account)
        redirect_mail(context.application, unit, account.owner)
    stop_notices(context.application, account)
    count = _forget(context, account) if forget else 0
    left = _given_back(context, account)
    with context.book.store.write() as unit:
        kept.delete_account(unit, account)
    if context.as_json:
        context.put({"account": account.id, "events": count, "still_granted": left or None})
    else:
        rest = f"is erased: {count:,} event{'' if count == 1 else 's'}" if forget else "stays"
        say(f"{plain(account.name)} is disconnected, and its secret deleted. What it brought {rest}.")
        if left:
            hint(*wrapped(left))
        elif account.kind in context.application.authorities:
            hint("What was allowed to Kith there is given back.")
        if account.settings.get("list_name"):
            hint(f"Tasks in {plain(account.settings['list_name'])} stay there as they are.")
        if forget:
            hint("Files you exported, backups and digests you sent still tell of it.")
    return OK


def _given_back(context: Context, account: KeptAccount) -> str:
    """Have the other side end what it granted; what the owner has to do there, or nothing."""
    if account.kind not in context.application.authorities:
        return ""
    from deploy.signing import give_back_kept  # noqa: PLC0415  # most accounts were let in by password

    return give_back_kept(context.application, account)


def _forget(context: Context, account: KeptAccount) -> int:
    from services.erasure import forget_account  # noqa: PLC0415  # for the few who erase

    book = context.book
    with book.store.write() as unit:
        kept.forget_tasks(unit, account)
        others = [one for one in kept.accounts(unit, book.owner) if one.id != account.id]
    is_others = account.user.lower() in {one.user.lower() for one in others}
    count = forget_account(book, account.id, None if is_others else account.settings.get("declared"))
    rewrite_digests(context.application, book, context.settings.home / "digests")
    return count


def _tell(context: Context, account: KeptAccount, sentence: str) -> int:
    if context.as_json:
        told = shapes_of(context.application, account.owner)
        context.put(next(one for one in told if one.id == account.id))
    else:
        say(sentence)
    return OK


# --- the key ------------------------------------------------------------------------------------------------------------


def rotate(context: Context) -> int:
    """Lock every secret away anew: under a new key where the home keeps its own, else under the first that is listed.

    The old keys stay behind the new one in the file, for backups that were made before.

    Raises:
        HomeBusy: a process that knows the old key alone runs this home.
    """
    application = context.application
    home = context.settings.home
    owners = [owner for owner, _ in application.owners()]
    with only_here(home):
        is_own = context.settings.origins.get("KITH_SECRET_KEY") == str(home / _KEY)
        keys = context.settings.secret_key
        if is_own:
            keys = "\n".join([secrets.token_urlsafe(32), *listed(keys)])
            _replace(home / _KEY, keys)
        elif len(listed(keys)) < 2:
            raise ConfigError(
                "KITH_SECRET_KEY holds one key. Put the new key before the old one, parted by a comma, restart what runs "
                "this home, and repeat the command."
            )
        vault = Vault(keys)
        with application.store.write() as unit:
            count = sum(kept.seal_anew(unit, owner, vault) for owner in owners)
    if context.as_json:
        context.put({"secrets": count, "keys": len(listed(keys))})
    else:
        say(f"{count} secrets are locked away under the {'new' if is_own else 'first'} key.")
        hint("Old keys are still listed after it; without them, older backups open no account.")
    return OK


def _replace(file: Path, text: str) -> None:
    """Write a file that only its owner can read in the place of the old one, whole or not at all."""
    draft = file.with_name(f".{file.name}.new")
    with os.fdopen(
        os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii"
    ) as out:
        out.write(f"{text}\n")
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)

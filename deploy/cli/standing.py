"""`kith status`: whether everything is in sync."""

from zoneinfo import ZoneInfo

from deploy.accounts import what_to_do
from deploy.cli.context import Context
from deploy.cli.paper import FIRST_STEPS, Column, day, hint, plain, say, table, wrapped
from services.digest.words import number_word
from services.schedule import Rhythm
from services.standing import TROUBLED, AccountStanding
from services.status import Status, gathered, status


def standing(context: Context) -> Status:
    """The status of the owner's book now."""
    book = context.book
    rhythm = Rhythm(context.settings.digest_day, context.settings.digest_time)
    return status(book.store, book.owner, book.clock.now(), rhythm, what_to_do)


_COLUMNS = (
    "account",
    Column("name", least=12),
    "stands",
    "last read",
    Column("newest", goes=1),
    Column("back to", goes=2),
    Column("in 24 h", is_figure=True, goes=3),
)


def _answer(now: Status) -> str:
    troubled = [one for one in now.accounts if one.standing in TROUBLED]
    if troubled:
        every = len(now.accounts)
        some = "your account" if every == 1 else f"{number_word(len(troubled))} of your {every} accounts"
        return f"{some} cannot be read as {'it' if len(troubled) == 1 else 'they'} should"
    return "everything is in sync" if now.is_in_sync else f"{now.lag:,} events are not taken in yet"


def _account_row(one: AccountStanding, now: Status, zone: ZoneInfo) -> tuple[str, ...]:
    stands = (
        f"reading, {100 * one.done // one.total} %"
        if one.standing == "reading" and one.total
        else one.standing
    )
    return (
        one.id,
        plain(one.name),
        stands,
        day(one.read_at, now.at, zone),
        day(one.newest_at, now.at, zone),
        day(one.oldest_at, now.at, zone),
        f"{one.items_24h:,}",
    )


def print_standing(_context: Context, now: Status) -> None:
    """The status as calm text."""
    zone = ZoneInfo(now.timezone)
    is_new = not now.sources and not now.accounts
    if is_new:
        say(f"{plain(now.owner)}: nothing has been read yet.")
    else:
        say(f"{plain(now.owner)}: {_answer(now)}.")
        totals = now.totals
        told = (
            f"{totals.people:,} people, {totals.waiting:,} waiting to be known, {totals.automated:,} automated senders; "
            f"{totals.messages:,} messages and {totals.meetings:,} meetings in {totals.threads:,} threads."
        )
        say(*wrapped(told))
    rows = [
        (one.source, f"{one.items:,}", day(one.newest_at, now.at, zone), day(one.read_at, now.at, zone))
        for one in gathered(now)
    ]
    if rows:
        say("")
        say(
            *table(
                (
                    Column("source", least=12),
                    Column("items", is_figure=True),
                    "newest",
                    Column("last brought something", goes=1),
                ),
                rows,
            )
        )
    if now.accounts:
        say("", *table(_COLUMNS, [_account_row(one, now, zone) for one in now.accounts]))
    for one in now.accounts:
        if one.reason:
            say("", f"{plain(one.name)} ({one.id}):", *wrapped(one.reason, "    "))
        if one.again:
            say(*wrapped(one.again, "    "))
    if now.outbox:
        say("", f"Still to be written to accounts: {now.outbox:,}.")
    for what in now.unsent:
        how = "Being asked after" if what.state == "unsure" else "Not done"
        say("", f"{how}: {what.kind} {plain(what.subject)} at {what.account}.", *wrapped(what.reason, "    "))
    say("", f"Open follow-ups: {now.followups.get('open', 0)}.")
    if now.rejected:
        say(f"Could not be understood: {now.rejected:,} (kith rejects).")
    if now.next_digest and now.next_digest <= now.at:
        say("This week's digest is due: kith digest shows it, and kith up writes it.")
    elif now.next_digest:
        say(f"Next digest: {now.next_digest.astimezone(zone):%A, %d %B at %H:%M}.")
    if is_new:
        hint("", *FIRST_STEPS)

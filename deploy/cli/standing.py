"""`kith status`: whether everything is in sync."""

from zoneinfo import ZoneInfo

from deploy.cli.context import Context
from deploy.cli.paper import Column, day, plain, say, table, wrapped
from services.schedule import Rhythm
from services.status import Status, status


def standing(context: Context) -> Status:
    """The status of the owner's book now."""
    book = context.book
    rhythm = Rhythm(context.settings.digest_day, context.settings.digest_time)
    return status(book.store, book.owner, book.clock.now(), rhythm)


def print_standing(_context: Context, now: Status) -> None:
    """The status as calm text."""
    zone = ZoneInfo(now.timezone)
    say(
        f"{plain(now.owner)}: {'everything is in sync' if now.is_in_sync else f'{now.lag:,} events are not taken in yet'}."
    )
    totals = now.totals
    told = (
        f"{totals.people:,} people, {totals.waiting:,} waiting to be known, {totals.automated:,} automated senders; "
        f"{totals.messages:,} messages and {totals.meetings:,} meetings in {totals.threads:,} threads."
    )
    say(*wrapped(told))
    rows = [
        (one.source, f"{one.items:,}", day(one.newest_at, now.at, zone), day(one.read_at, now.at, zone))
        for one in now.sources
    ]
    if rows:
        say("")
        say(
            *table(
                ("source", Column("items", is_figure=True), "newest", Column("last brought something")), rows
            )
        )
    say("", f"Open follow-ups: {now.followups.get('open', 0)}.")
    if now.rejected:
        say(f"Could not be understood: {now.rejected:,} (kith rejects).")
    if now.next_digest and now.next_digest <= now.at:
        say("This week's digest is due: kith digest shows it, and kith up writes it.")
    elif now.next_digest:
        say(f"Next digest: {now.next_digest.astimezone(zone):%A, %d %B at %H:%M}.")

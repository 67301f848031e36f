"""Commands about the home itself."""

import os
import re
import sys
from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import msgspec

from deploy.cli.context import Context
from deploy.cli.ending import OK
from deploy.cli.paper import FIRST_STEPS, Column, hint, plain, print_rejects, say, table, wrapped
from deploy.cli.progress import progress
from deploy.settings import SECRET_NAMES, Settings
from schemas.decisions import OwnerDeclared
from schemas.errors import UsageError
from schemas.interface import RejectList
from schemas.interface import schema as shapes
from services.store import events as stream

_ADDRESS = re.compile(r"[^@\s,;<>]{1,64}@[^@\s,;<>]{1,253}\.[^@\s,;<>.]{2,63}|[^@\s,;<>]{1,64}@localhost")


def init(context: Context, name: str, emails: list[str], timezone: str, domains: list[str]) -> int:
    """Make the home, or say anew who its owner is."""
    wrong = [address for address in emails if not _ADDRESS.fullmatch(address.strip())]
    if wrong:
        raise UsageError(f"{wrong[0]} is not an e-mail address. Write it like mara@example.com.")
    if not name.strip():
        raise UsageError("Your name is empty. Write it as others know you: --name 'Mara Lindholm'.")
    zone = _zone(timezone)
    known = [email for _, email in context.application.owners()] if context.application.is_made else []
    given = dict.fromkeys(address.strip().lower() for address in emails)
    # A book is known by its first address: an owner who names it among others is the same owner.
    declared = OwnerDeclared(
        name=name.strip(),
        emails=tuple(sorted(given, key=lambda one: one not in known)),
        timezone=zone,
        domains=tuple(dict.fromkeys(domain.strip().lower().removeprefix("@") for domain in domains)),
    )
    book = context.application.make(declared)
    book.keep()
    home = str(context.settings.home)
    if context.as_json:
        context.put({"home": home, "owner": declared.emails[0], "emails": declared.emails, "timezone": zone})
    else:
        say(f"The book of {declared.name} is kept in {home}.")
        if known and declared.emails[0] not in known:
            owners = [*known, declared.emails[0]]
            addresses = " ".join(f"--email {one}" for one in (known[0], *declared.emails))
            hint(
                "",
                *wrapped(
                    f"This home now has {len(owners)} owners: {', '.join(owners)}. Commands ask for one by --owner. Did you "
                    "mean to add an address to the first?"
                ),
                f"    kith init … {addresses}",
            )
        hint("", *FIRST_STEPS)
    return OK


def _zone(timezone: str) -> str:
    try:
        return str(ZoneInfo(timezone.strip()))
    except (ValueError, OSError, KeyError) as error:
        low = timezone.strip().lower()
        near = sorted(one for one in available_timezones() if low and low in one.lower())[:4]
        also = f" Did you mean {', '.join(near)}?" if near else " Write it like Europe/Berlin."
        raise UsageError(f"{timezone} is not a time zone.{also}") from error


def status(context: Context) -> int:
    """Sources, counts, lag, rejects, the next digest."""
    from deploy.cli.standing import print_standing, standing  # noqa: PLC0415

    now = standing(context)
    if context.as_json:
        context.put(now)
    else:
        print_standing(context, now)
    return OK


def config(context: Context) -> int:
    """The effective settings."""
    settings = context.settings
    shown = shown_settings(settings)
    if context.as_json:
        context.put(
            {"settings": [{"name": n, "value": shown[n], "from": settings.origins[n]} for n in sorted(shown)]}
        )
    else:
        rows = [
            (n, "not set" if shown[n] in {None, ""} else str(shown[n]), settings.origins[n])
            for n in sorted(shown)
        ]
        say(*table(("setting", "value", Column("from", least=11)), rows))
    return OK


def shown_settings(settings: Settings) -> dict[str, object]:
    """The settings in force as they may be shown to their owner: secrets masked."""
    return {
        name: _shown(getattr(settings, name.removeprefix("KITH_").lower()), is_secret=name in SECRET_NAMES)
        for name in settings.origins
    }


def _shown(value: object, *, is_secret: bool) -> object:
    if is_secret:
        return "********" if value else None
    if value is None or isinstance(value, int):
        return value
    if hasattr(value, "days"):
        return f"{value.days}d"
    if isinstance(value, tuple):
        return os.pathsep.join(str(one) for one in value)
    return (
        value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        if hasattr(value, "astimezone")
        else _masked(value)
    )


def _masked(value: object) -> str:
    """A URL's password is nobody's business."""
    return re.sub(r"(://[^:/@]*):[^@/]*@", r"\1:********@", str(value))


def rejects(context: Context, retry: bool) -> int:
    """List what could not be read; with `retry`, try the stream's own again."""
    book = context.book
    if retry:
        with progress(context) as advance:
            book.forget_rejects("stream")
            book.replay(advance)
    with book.store.read() as unit:
        found = stream.rejects(unit, book.owner)
    if context.as_json:
        context.put(RejectList(found))
    elif found:
        print_rejects(found)
    else:
        say("Everything that was read was understood.")
    return OK


def replay(context: Context) -> int:
    """Drop everything derived and make it again."""
    book = context.book
    with progress(context) as advance:
        book.replay(advance)
    with book.store.read() as unit:
        count = stream.last_seq(unit, book.owner)
    if context.as_json:
        context.put({"events": count})
    else:
        say(f"Made again from {count:,} events.")
    return OK


def export(context: Context, out: str) -> int:
    """Write everything as JSON Lines."""
    from services.export import export as write  # noqa: PLC0415

    book = context.book
    with progress(context) as advance:
        book.keep(advance)
    counts = write(book, Path(out).expanduser())
    if context.as_json:
        context.put({"out": out, "lines": counts})
    else:
        rows = [(name, f"{count:,}") for name, count in counts.items()]
        say(*table(("file", Column("lines", is_figure=True)), rows), "", f"Written to {plain(out)}.")
    return OK


def schema(_context: Context) -> int:
    """Print the JSON Schema of every shape."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(shapes()), indent=2).decode() + "\n")
    return OK


def migrate(context: Context) -> int:
    """Open the home, which brings its tables up to date."""
    from services.store.migrate import HEAD  # noqa: PLC0415

    context.application.store.read()
    if context.as_json:
        context.put({"tables": HEAD})
    else:
        say(f"The tables are those of this release ({HEAD}).")
    return OK

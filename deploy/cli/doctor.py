"""`kith doctor`: looks at what a home stands on, and says of each fault what to do about it; changes nothing."""

import importlib.util
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct
from sqlalchemy.exc import SQLAlchemyError

from deploy.cli.context import Context
from deploy.cli.ending import FAILED, OK
from deploy.cli.paper import plain, quiet, say, wrapped
from schemas.clock import instant
from schemas.errors import ConfigError, KithError
from services.people import owners_words
from services.store import events as stream
from services.store import health
from services.store.migrate import HEAD, current
from services.store.unit import Store, open_store

State = Literal["ok", "warning", "fault"]
_MB = 1_000_000
_LEAST_FREE, _SCARCE_FREE = 100 * _MB, 1_000 * _MB
_OVER_A_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "afs", "ceph", "glusterfs", "fuse.rclone"}
)
_AHEAD = timedelta(hours=1)
_INDENT = " " * 7
_MARKS = {"ok": "ok", "warning": "note", "fault": "FAULT"}


class Check(Struct):
    """One thing looked at: how it stands, and what to do when it does not stand well."""

    name: str
    state: State
    finding: str
    remedy: str | None = None


class Examination(Struct):
    """Everything that was looked at."""

    is_well: bool
    checks: list[Check]


class Bundled(Examination):
    """The same, and the file in which it was put for somebody who helps."""

    bundle: str
    holds: list[str]


def doctor(context: Context, bundle: str | None = None) -> int:
    """Look at everything and print what was found; 1 when there is a fault.

    Args:
        bundle: a file to make, with all of it and more, for somebody who helps.

    Raises:
        UsageError: that file is there already, or its folder is not.
    """
    from deploy.cli import bundle as bundles  # noqa: PLC0415  # it stands on this module

    file = bundles.free(bundle) if bundle else None
    checks = list(examine(context))
    told = Examination(all(one.state != "fault" for one in checks), checks)
    holds = bundles.write_bundle(context, told, file) if file else []
    if context.as_json:
        context.put(Bundled(told.is_well, told.checks, str(file), holds) if file else told)
        return OK if told.is_well else FAILED
    for one in checks:
        say(*lines_of(one))
    say("", "Everything is well." if told.is_well else "What is marked FAULT keeps Kith from its work.")
    if file:
        _tell_bundle(file, bundles.PARTS)
    return OK if told.is_well else FAILED


def _tell_bundle(file: Path, parts: Mapping[str, str]) -> None:
    wide = max(map(len, parts)) + 2
    say("", f"Written for somebody who helps: {plain(str(file))}", "")
    say(*(f"  {name:<{wide}}{what}" for name, what in parts.items()))
    say(
        "",
        *wrapped(
            "Addresses, names, servers, folders and secrets stand in it as placeholders, and nothing of what you read or "
            "wrote. It is a ZIP of plain text: read it before you pass it on."
        ),
    )


def lines_of(check: Check) -> list[str]:
    """A check as calm text: its mark, what was found, and under it what to do."""
    head, *rest = wrapped(f"{check.name}: {plain(check.finding, 300)}", _INDENT)
    remedy = map(quiet, wrapped(check.remedy, _INDENT)) if check.remedy else ()
    return [f"{_MARKS[check.state]:<{len(_INDENT)}}{head.lstrip()}", *rest, *remedy]


def examine(context: Context) -> Iterator[Check]:
    """The checks in the order in which one rests on another; what cannot be looked at is left out."""
    try:
        settings = context.settings
    except ConfigError as error:
        yield Check("settings", "fault", str(error), "Correct the setting, then ask again.")
        return
    changed = sum(origin != "default" for origin in settings.origins.values())
    yield Check(
        "settings", "ok", f"{changed} {'is' if changed == 1 else 'are'} not the default (kith config)"
    )
    home = settings.home
    if not home.is_dir() or not context.application.is_made:
        remedy = "Make it: kith init --name … --email … --timezone …; or name another with --home."
        yield Check("home", "fault", f"there is none at {home} yet", remedy)
        return
    yield _folder(home)
    yield from _place(home)
    yield _key(home, settings.secret_key)
    yield _disk(home, context.application.database_file)
    yield _broker(settings.broker_url)
    yield _parser()
    yield _zones("Europe/Berlin")
    if settings.now is not None:
        frozen = f"frozen at {settings.now:%Y-%m-%dT%H:%M:%SZ}"
        yield Check("clock", "warning", frozen, "KITH_NOW is set; unset it.")
    found = list(_database(settings.database_url, context.application.clock.now()))
    yield from found
    if all(one.state == "ok" for one in found if one.name in {"database", "tables"}):
        from deploy.cli.doctor_accounts import account_checks  # noqa: PLC0415  # it stands on this module

        yield from account_checks(context.application)


def _folder(home: Path) -> Check:
    mode = stat.S_IMODE(home.stat().st_mode)
    if not os.access(home, os.W_OK | os.X_OK):
        return Check("home", "fault", f"{home} cannot be written to", "Check who owns it.")
    if os.name == "posix" and mode & 0o077:
        finding = f"{home} can be read by others (mode {mode:04o})"
        return Check("home", "warning", finding, f"Make it yours alone: chmod 700 {home}")
    return Check("home", "ok", str(home))


def _place(home: Path) -> Iterator[Check]:
    kind = filesystem(home, _mounts())
    if kind in _OVER_A_NETWORK:
        yield Check(
            "file system",
            "warning",
            f"the home is on {kind}, over a network",
            "SQLite can be damaged there when two machines write. Keep the home on a local disk, or use PostgreSQL.",
        )


def filesystem(path: Path, mounts: str) -> str | None:
    """The kind of file system a path is on, by the text of Linux's /proc/self/mounts; None when it does not tell."""
    best: tuple[int, str] | None = None
    absolute = path.absolute()
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        # proc(5): spaces in a mount point are written in octal.
        point = Path(fields[1].replace("\\040", " "))
        if absolute.is_relative_to(point) and (best is None or len(point.parts) >= best[0]):
            best = (len(point.parts), fields[2])
    return best[1] if best else None


def _mounts() -> str:
    try:
        return Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _key(home: Path, key: str) -> Check:
    if key:
        return Check("key", "ok", "there, and nobody else can read it")
    return Check(
        "key",
        "fault",
        f"there is none: neither KITH_SECRET_KEY nor {home / 'secret.key'}",
        "Put it back from a backup of the home. Without it, accounts must be connected anew; nothing else is lost.",
    )


def _disk(home: Path, database: Path | None) -> Check:
    free = shutil.disk_usage(home).free
    size = database.stat().st_size if database is not None and database.exists() else 0
    finding = f"{free / _MB:,.0f} MB free; the book takes {size / _MB:,.0f} MB"
    if free < max(_LEAST_FREE, size // 10):
        return Check("disk", "fault", finding, "Free some space: an import stops when the disk is full.")
    if free < max(_SCARCE_FREE, size):
        return Check("disk", "warning", finding, "A backup or a replay of the book may need more than that.")
    return Check("disk", "ok", finding)


def _broker(url: str) -> Check:
    if url == "memory:":
        return Check("broker", "ok", "in this process; needs nothing")
    try:
        import redis  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415  # an extra
    except ModuleNotFoundError:
        return Check(
            "broker",
            "fault",
            "Redis is asked for, and its client is not installed",
            "pip install 'kith[redis]'",
        )
    try:
        redis.Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3).ping()
    except (redis.RedisError, ValueError) as error:
        return Check(
            "broker",
            "fault",
            f"Redis does not answer ({type(error).__name__})",
            "Check that it runs and that KITH_BROKER_URL leads to it.",
        )
    return Check("broker", "ok", "Redis answers")


def _parser() -> Check:
    if importlib.util.find_spec("fast_mail_parser") is not None:
        return Check("mail parser", "ok", "the fast one")
    return Check(
        "mail parser",
        "warning",
        "the standard library's; imports take several times as long",
        "pip install fast-mail-parser, where there is a wheel for this machine.",
    )


def _zones(name: str) -> Check:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return Check(
            "time zones",
            "fault",
            f"{name} is unknown to this machine",
            "Install its time zone data: pip install tzdata",
        )
    return Check("time zones", "ok", "known")


def _database(url: str, now: datetime) -> Iterator[Check]:
    try:
        store = open_store(url)
    except KithError as error:
        yield Check("database", "fault", str(error), None)
        return
    try:
        yield from _tables(store, now)
    except SQLAlchemyError as error:
        what = str(getattr(error, "orig", "")).splitlines()
        finding = what[0] if what else type(error).__name__
        is_closed = "unable to open" in finding or "readonly" in finding
        yield Check(
            "database",
            "fault",
            f"cannot be opened: {finding}" if is_closed else f"cannot be read: {finding}",
            "Check who owns it, and whether its folder can be written to."
            if is_closed
            else "Stop what else uses it; if it stays so, restore the last backup: kith restore FILE",
        )
    finally:
        store.close()


def _tables(store: Store, now: datetime) -> Iterator[Check]:
    with store.read() as unit:
        found = health.damage(unit)
        if found:
            yield Check(
                "database", "fault", f"damaged: {found[0]}", "Restore the last backup: kith restore FILE"
            )
            return
        yield Check("database", "ok", "whole")
        revision = current(unit.connection)
        if revision is None or revision < HEAD:
            yield Check(
                "tables",
                "warning",
                f"of an earlier release ({revision})",
                "kith migrate, or any other command.",
            )
            return
        if revision > HEAD:
            yield Check(
                "tables", "fault", f"of a later release ({revision})", "Install that release of Kith again."
            )
            return
        yield Check("tables", "ok", f"those of this release ({HEAD})")
        newest = health.newest_record(unit)
        if newest is not None and instant(newest) > now + _AHEAD:
            yield Check(
                "clock",
                "fault",
                f"the book was last written on {instant(newest):%d %B %Y, %H:%M} UTC, which is still to come",
                "Set this machine's clock right.",
            )
        else:
            yield Check("clock", "ok", f"{now.astimezone(UTC):%d %B %Y, %H:%M} UTC")
        if not stream.owners(unit):
            yield Check("owner", "fault", "the book has none", "kith init --name … --email … --timezone …")
        for owner, email in stream.owners(unit):
            said = owners_words(unit, owner)
            zone = _zones(said.owner.timezone if said.owner else "UTC")
            if zone.state != "ok":
                yield zone
            behind = stream.last_seq(unit, owner) - stream.position(unit, owner, stream.HISTORY)[0]
            if behind > 0:
                yield Check(
                    f"book of {email}",
                    "warning",
                    f"{behind:,} events are not taken in yet",
                    "kith up does so by itself; so does the next kith people.",
                )
            else:
                yield Check(f"book of {email}", "ok", "everything is taken in")

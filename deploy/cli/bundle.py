"""`kith doctor --bundle FILE`: what somebody who helps has to know of a home, and nothing that is its owner's own.

What goes in is chosen part by part; its texts are disguised besides (`deploy.disguise`).
"""

import io
import os
import platform
import re
import sqlite3
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import distributions, version
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from deploy.accounts import FEED
from deploy.cli.context import Context
from deploy.cli.doctor import Check, Examination
from deploy.cli.home import shown_settings
from deploy.cli.paper import plain
from deploy.disguise import Disguise
from deploy.logs import MASK
from deploy.settings import SECRET_NAMES, Settings
from deploy.vaults import secrets_of
from deploy.wiring import Application
from schemas.errors import ConfigError, KithError, UsageError
from services import accounts
from services.accounts import Account
from services.people import owners_words
from services.schedule import Rhythm
from services.status import Status, gathered, status
from services.store import events as stream
from services.store.migrate import HEAD, current

_Of = TypeVar("_Of")
PARTS = {
    "doctor.json": "what kith doctor found, and what to do about it",
    "status.json": "how each account stands, and how much there is of everything",
    "config.json": "the settings in force, secrets masked",
    "versions.json": "of Kith, Python, this system, the database and the libraries",
    "rejects.json": "how many items could not be read, and why",
}
_UNKNOWN = {"unknown": "The home, its database or its settings are not as they should be: see doctor.json."}
_WORDS = frozenset({"security", "auth", "reads", "scopes", "since", "by", "tenant"})
"""What an account's settings hold in words of Kith's or of a protocol."""
_ENDINGS = frozenset({".mbox", ".eml", ".ics", ".vcf", ".zip", ".csv", ".pst", ".ost", ".msg"})
_SETTING = re.compile(r"KITH_[A-Z_]+[A-Z]|kith\.toml|secret\.key")


def free(given: str) -> Path:
    """The file to write, as it was given.

    Raises:
        UsageError: it is there already, or its folder is not.
    """
    file = Path(given).expanduser()
    if os.path.lexists(file):
        raise UsageError(f"{plain(given)} is there already, and is left as it is. Name another file.")
    if not file.parent.is_dir():
        raise UsageError(f"There is no folder {plain(str(file.parent))}. Make it, or name another file.")
    return file


def write_bundle(context: Context, told: Examination, file: Path) -> list[str]:
    """Write the bundle, whole or not at all, readable by its owner alone; the names of its parts.

    Raises:
        UsageError: another file has come to be there meanwhile.
    """
    parts = {
        name: msgspec.json.format(msgspec.json.encode(part)) for name, part in _parts(context, told).items()
    }
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as out:
        for name, part in parts.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o600 << 16
            out.writestr(entry, part, zipfile.ZIP_DEFLATED)
    handle, draft = tempfile.mkstemp(prefix=".kith-", dir=file.parent)
    try:
        with os.fdopen(handle, "wb") as written:
            written.write(content.getvalue())
        free(str(file))
        Path(draft).replace(file)
    finally:
        Path(draft).unlink(missing_ok=True)
    return list(parts)


def _parts(context: Context, told: Examination) -> dict[str, Any]:
    disguise = Disguise()
    settings, app = _settings(context), None
    if settings is not None:
        _learn_settings(disguise, settings)
        app = context.application if _is_sound(told) else None
    if app is not None:
        _learn_book(disguise, app)
    checks = told.checks if settings is not None else [_of_settings(one) for one in told.checks]
    return {
        "doctor.json": disguise.value(msgspec.to_builtins(Examination(told.is_well, checks))),
        "status.json": _told(_statuses, disguise, app),
        "config.json": _told(_config, disguise, settings),
        "versions.json": _versions(app),
        "rejects.json": _told(_rejects, disguise, app),
    }


def _told(
    tell: Callable[[Disguise, _Of], dict[str, Any]], disguise: Disguise, of: _Of | None
) -> dict[str, Any]:
    """A part, or why there is none."""
    if of is None:
        return _UNKNOWN
    try:
        return tell(disguise, of)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is what help is wanted with: the rest is told
        return {"unknown": f"It could not be told: a fault in Kith itself ({type(error).__name__})."}


def _settings(context: Context) -> Settings | None:
    try:
        return context.settings
    except ConfigError:
        return None


def _is_sound(told: Examination) -> bool:
    """Whether the database may be opened without anything being changed."""
    stands = {one.name: one.state for one in told.checks}
    return stands.get("database") == stands.get("tables") == "ok"


def _of_settings(check: Check) -> Check:
    """A setting that cannot be read may be anything, a secret in the wrong place as well: its name alone is told."""
    names = dict.fromkeys(_SETTING.findall(check.finding))
    finding = f"cannot be read: {', '.join(names) or 'one of them'}"
    return msgspec.structs.replace(check, finding=finding)


# --- what is to be hidden -----------------------------------------------------------------------------------------------


def _learn_settings(disguise: Disguise, settings: Settings) -> None:
    disguise.knows("path", map(str, settings.watch))
    for name in SECRET_NAMES:
        disguise.calls(str(getattr(settings, name.removeprefix("KITH_").lower())), MASK)
    disguise.calls(str(Path.home()), "~")
    disguise.calls(str(settings.home), "<home>")


def _learn_book(disguise: Disguise, app: Application) -> None:
    with app.store.read() as unit:
        for owner, email in stream.owners(unit):
            said = owners_words(unit, owner)
            disguise.knows("address", (email, *said.emails))
            disguise.knows("host", said.owner.domains if said.owner else ())
            disguise.knows("owner", (said.owner.name,) if said.owner else ())
            for account in accounts.accounts(unit, owner):
                _learn_account(disguise, app, account)


def _learn_account(disguise: Disguise, app: Application, account: Account) -> None:
    words = dict(_words_of(account.settings))
    disguise.knows("address", (one for one in (account.name, *words) if "@" in one))
    disguise.knows("host", (word for word, name in words.items() if name == "host"))
    disguise.knows("path", (word for word, name in words.items() if name == "ca_file"))
    called = [account.name, *words]
    disguise.knows("label", [*called, *(plain(one, 60) for one in called)])
    try:
        kept = secrets_of(app, account)
    except KithError:  # Locked away with a key that is lost: then nothing can have told of it.
        return
    disguise.calls(kept.secret, MASK)
    if account.kind == FEED:
        disguise.calls(kept.url, MASK)


def _words_of(settings: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Each word of an account's settings that is the owner's own, with the name of its setting."""
    if isinstance(settings, str):
        yield settings, name
    elif isinstance(settings, Mapping):
        for key, one in settings.items():
            if key not in _WORDS:
                yield from _words_of(one, str(key))
    elif isinstance(settings, list | tuple):
        for one in settings:
            yield from _words_of(one, name)


# --- the parts ----------------------------------------------------------------------------------------------------------


def _statuses(disguise: Disguise, app: Application) -> dict[str, Any]:
    rhythm = Rhythm(app.settings.digest_day, app.settings.digest_time)
    now = app.clock.now()
    return {
        "owners": [
            disguise.value(msgspec.to_builtins(_bare(status(app.store, owner, now, rhythm))))
            for owner, _ in app.owners()
        ]
    }


def _bare(now: Status) -> Status:
    """A status without what names things of the owner's: folders, tasks and mails; rejects are a part of their own."""
    sources = [
        msgspec.structs.replace(one, source=f"{one.account}:{sort}", stream=sort)
        for one in gathered(now)
        for sort in (one.stream.partition("/")[0],)
    ]
    unsent = [msgspec.structs.replace(one, subject=MASK) for one in now.unsent]
    return msgspec.structs.replace(now, sources=sources, unsent=unsent, rejects=[])


def _config(disguise: Disguise, settings: Settings) -> dict[str, Any]:
    shown = shown_settings(settings)
    rows = []
    for name, origin in sorted(settings.origins.items()):
        value = shown[name]
        is_own = name not in SECRET_NAMES and isinstance(value, str) and value != "" and origin != "default"
        if name == "KITH_WATCH":
            value = f"{len(settings.watch)} paths"
        elif name == "KITH_DATABASE_URL":
            value = str(value).partition(":")[0]
        elif name.endswith(("_CLIENT_ID", "_TENANT")) and is_own:
            value = MASK
        elif isinstance(value, str):
            value = disguise.text(value)
        rows.append({"name": name, "value": value, "from": _origin(origin)})
    return {"settings": rows}


def _origin(origin: str) -> str:
    if origin in {"default", "environment", "--home"}:
        return origin
    return "kith.toml" if origin.endswith("kith.toml") else "a file"


def _versions(app: Application | None) -> dict[str, Any]:
    database: dict[str, Any] = {"sqlite": sqlite3.sqlite_version, "migration": None, "newest_migration": HEAD}
    if app is not None:
        with app.store.read() as unit:
            database["migration"] = current(unit.connection)
            if not unit.is_sqlite:
                told = unit.connection.dialect.server_version_info
                database["postgresql"] = ".".join(map(str, told or ()))
    return {
        "kith": version("kith"),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}",
        "database": database,
        "libraries": dict(sorted((one.name.lower(), one.version) for one in distributions())),
    }


def _rejects(disguise: Disguise, app: Application) -> dict[str, Any]:
    said: Counter[tuple[str, str]] = Counter()
    with app.store.read() as unit:
        for owner, _ in stream.owners(unit):
            kinds = {one.id: one.kind for one in accounts.accounts(unit, owner)}
            said.update(
                (kinds.get(one.source) or _sort_of(one.source, one.where), one.reason)
                for one in stream.rejects(unit, owner)
            )
    counts: Counter[tuple[str, str]] = Counter()
    for (kind, reason), count in said.items():
        counts[kind, disguise.text(reason)] += count
    return {
        "rejects": [
            {"kind": kind, "reason": reason, "count": count}
            for (kind, reason), count in sorted(counts.items())
        ]
    }


def _sort_of(source: str, where: str) -> str:
    """The kind of what a reject came from, without its name: an account that is no more, jobs, the stream, or a file."""
    gone = re.fullmatch(r"([a-z]{2,20})-[0-9a-f]{8}", source)
    if gone or source in {"jobs", "stream"}:
        return gone.group(1) if gone else source
    endings = (Path(one.partition(", ")[0]).suffix.lower() for one in (where, source))
    return next((f"files{one}" for one in endings if one in _ENDINGS), "files")

"""Commands that keep the book whole, and that make it forget."""

import json
import os
import tomllib
from importlib.metadata import version
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import msgspec

from deploy.cli.context import Context
from deploy.cli.ending import OK
from deploy.cli.paper import hint, plain, say
from deploy.cli.progress import progress
from deploy.digests import write_digest
from deploy.settings import SECRET_NAMES
from schemas.decisions import DigestComposed
from schemas.errors import ConfigError
from schemas.events import decode_body
from schemas.ids import public_id
from schemas.interface import Digest
from services.accounts import note_lost_secrets
from services.backup import Backup, not_empty, write_backup
from services.book import Book
from services.digest.words import counted
from services.lookup import find_person
from services.store import history as rows

if TYPE_CHECKING:
    from deploy.wiring import Application

_TOML, _KEY = "kith.toml", "secret.key"
_OWN_TO_A_MACHINE = frozenset({"KITH_HOME", "KITH_DATABASE_URL", "KITH_BROKER_URL"})


# --- backup -------------------------------------------------------------------------------------------------------


def backup(context: Context, file: str, with_key: bool = False) -> int:
    """Write everything that cannot be derived again to one file, while the home may go on running.

    The key that unlocks tokens stays out unless it is asked for: a backup that is found should open no account.
    Without it history, people and follow-ups are restored all the same, and only accounts are connected anew.
    """
    context.book  # noqa: B018  # there must be a book, of this owner
    path = Path(file).expanduser()
    extras = _extras(context, with_key=with_key)
    now = context.application.clock.now()
    made = write_backup(context.application.store, path, now, version("kith"), extras)
    size = path.stat().st_size
    if context.as_json:
        context.put(
            {
                "file": str(path),
                "bytes": size,
                "owners": list(made.owners),
                "events": made.counts["event"],
                "has_key": _KEY in extras,
            }
        )
    else:
        say(f"Kept {made.counts['event']:,} events of {', '.join(made.owners)} in {path} ({_size(size)}).")
        if _KEY not in extras:
            hint(f"The key that unlocks your accounts is not in it: {context.settings.home / _KEY}")
    return OK


def _extras(context: Context, *, with_key: bool) -> dict[str, bytes]:
    extras: dict[str, bytes] = {}
    toml = context.settings.home / _TOML
    if toml.exists():
        extras[_TOML] = _portable(toml.read_text(encoding="utf-8"), str(toml))
    if with_key:
        if not context.settings.secret_key:
            raise ConfigError("This home has no key to keep. Make the backup without it.")
        extras[_KEY] = context.settings.secret_key.encode()
    return extras


def _portable(text: str, where: str) -> bytes:
    """The settings without secrets, and without what is so on this machine alone."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where} cannot be read: {error}. Mend or remove it.") from error
    kept = (f"{name} = {json.dumps(value)}\n" for name, value in found.items() if _is_portable(name, value))
    return "".join(kept).encode()


def _is_portable(name: str, value: Any) -> bool:
    full = f"KITH_{name.upper().removeprefix('KITH_')}"
    is_plain = isinstance(value, str | int | float | bool) and name.replace("_", "").isalnum()
    return is_plain and not full.endswith("_FILE") and full not in SECRET_NAMES | _OWN_TO_A_MACHINE


def restore(context: Context, file: str) -> int:
    """Make an empty home hold what a backup holds."""
    path = Path(file).expanduser()
    found = Backup(path)
    application = context.application
    home = context.settings.home
    if application.is_made:
        held = application.owners()
        application.close()
        if held:
            raise not_empty([email for _, email in held])
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    _place(home, found.extras)
    store = application.prepare()
    found.load(store)
    with progress(context) as advance:
        for owner, _ in application.owners():
            application.book_of(owner).replay(advance)
    lost = _lost_accounts(context)
    if context.as_json:
        context.put(
            {
                "home": str(home),
                "owners": list(found.manifest.owners),
                "events": found.manifest.counts["event"],
                "made_at": found.manifest.made_at,
                "has_key": _KEY in found.extras,
            }
        )
    else:
        say(
            f"The book of {', '.join(found.manifest.owners)} is in {home}, as of {found.manifest.made_at:%Y-%m-%d %H:%M} UTC."
        )
        if lost:
            hint(
                f"The key that unlocks {', '.join(map(plain, lost))} is not here. Put it into {home / _KEY}, after the "
                "one there, and say kith resume; or connect them again."
            )
    return OK


def _lost_accounts(context: Context) -> list[str]:
    """The names of accounts that this home's key does not open; they wait to be reconnected."""
    # The key may have come with the backup, after the settings were read.
    context.close()
    application = context.application
    with application.store.write() as unit:
        return [
            account.name
            for owner, _ in application.owners()
            for account in note_lost_secrets(unit, owner, application.vault)
        ]


def _place(home: Path, extras: dict[str, bytes]) -> None:
    """Settings and key from a backup, where the home has none of its own."""
    if _TOML in extras and not (home / _TOML).exists():
        settings = _portable(extras[_TOML].decode(errors="replace"), f"The backup's {_TOML}")
        _write_private(home / _TOML, settings)
    if _KEY in extras and not (home / _KEY).exists():
        _write_private(home / _KEY, extras[_KEY])


def _write_private(file: Path, content: bytes) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(content)


def _size(size: int) -> str:
    return f"{size / 1_048_576:,.1f} MB" if size >= 104_858 else f"{size / 1_024:,.0f} KB"


# --- forget -------------------------------------------------------------------------------------------------------


def forget(context: Context, person: str) -> int:
    """Erase a person from stream and history, and from the digests kept as files."""
    from services.erasure import forget as erase  # noqa: PLC0415

    book = context.kept()
    row = find_person(book, person)
    count = erase(book, row, token_hex(16))
    rewrite_digests(context.application, book, context.settings.home / "digests")
    if context.as_json:
        context.put({"person": public_id("p", row.key), "events": count})
    else:
        say(
            f"{plain(row.name, 100)} is forgotten; {counted(count, 'event')} {'was' if count == 1 else 'were'} blanked. Later imports leave them out.",
            "Files you exported, backups and digests you sent still name them.",
        )
    return OK


def rewrite_digests(application: "Application", book: Book, folder: Path) -> None:
    """Digests in the home are set again from what is left of them; those of no known week go."""
    if not folder.is_dir():
        return
    bodies: dict[str, str] = {}
    with book.store.read() as unit:
        for _, kind, body in rows.words(unit, book.owner, ("digest",)):
            record = decode_body(body, kind, 1)
            if isinstance(record, DigestComposed):
                bodies[record.week] = record.body
    weeks = {file.stem for file in folder.iterdir() if file.suffix in {".html", ".txt", ".json", ".new"}}
    for file in folder.iterdir():
        if file.suffix in {".html", ".txt", ".json", ".new"}:
            file.unlink()
    for week in sorted(weeks & set(bodies)):
        digest = msgspec.json.decode(bodies[week], type=Digest)
        write_digest(digest, folder, application.digest_links(book.owner, digest))

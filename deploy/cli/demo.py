"""`kith demo`: a sample network as ordinary files, read by the ordinary path, and shown."""

import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from deploy.cli import importing, reading, words
from deploy.cli.context import Context
from deploy.cli.ending import OK
from deploy.cli.paper import hint, say
from deploy.cli.progress import progress
from deploy.importing import import_paths
from deploy.sample.network import write_sample
from deploy.settings import duration
from schemas.decisions import AnyDecision, CadenceSet, NoteWritten, OwnerDeclared, RolesSet, TagsSet
from schemas.errors import ConfigError
from services.lookup import find_person

_MARK = "sample-network"


def demo(context: Context, once: bool, port: int) -> int:
    """Make the sample home anew, print people, follow-ups and digest, then serve the page unless `once`.

    Raises:
        ConfigError: the home holds a book that is not the sample's.
    """
    home = context.settings.home
    if home.exists() and any(home.iterdir()):
        if not (home / _MARK).exists():
            raise ConfigError(
                f"{home} holds a book already, and the demo would put its sample people into it. Give it a home of "
                "its own: kith --home .demo demo"
            )
        shutil.rmtree(home)
        context.close()
    home.mkdir(parents=True)
    (home / _MARK).write_text("Made by kith demo; it is made anew each time.\n", encoding="ascii")
    sample = write_sample(home / "files", context.application.clock.now())
    say(
        f"Written to {home / 'files'}: the mail, calendar, contacts and LinkedIn exports of {sample.owner_name}.",
        "",
    )
    owner = OwnerDeclared(name=sample.owner_name, emails=sample.owner_emails, timezone=sample.timezone)
    book = context.application.make(owner)
    with progress(context) as advance:
        report = import_paths(
            context.application, book, [str(path) for path in _files(home / "files")], advance=advance
        )
    importing.print_report(report)
    book.decide([decision for command in sample.words for decision in _said(context, command)])
    book.keep()
    _title("People, strongest first")
    reading.people(context, "", "strength", None, None, 15, None, False)
    _title("Follow-ups")
    reading.print_followups(book, [one for one in book.followups() if one.state == "open"])
    _title("The digest of this week")
    reading.digest(context, None, str(home / "digest"))
    reading.digest(context, None, None)
    _title("What to try next")
    kith, place = _as_typed(sys.argv[0]), _near(home)
    say(
        f"  {kith} --home {place} show Ana",
        f"  {kith} --home {place} search venue",
        f"  open {place / 'digest' / 'digest.html'} in a browser",
        f"  {kith} init --name 'Your Name' --email you@example.com --timezone Europe/Berlin",
        f"  {kith} import your-mail.mbox your-calendar.ics LinkedInDataExport.zip",
    )
    if once:
        return OK
    from deploy.cli.up import up  # noqa: PLC0415

    return up(context.application, "127.0.0.1", port)


def _as_typed(program: str) -> str:
    """How the owner called this program, so that the same works again."""
    return str(_near(Path(program).absolute())) if Path(program).name == "kith" and "/" in program else "kith"


def _near(path: Path) -> Path:
    """The path as seen from here, where it lies below."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _said(context: Context, command: Sequence[str]) -> Iterator[AnyDecision]:
    """The decision that a `kith` command of the owner's would make."""
    what, who, *rest = command
    row = find_person(context.book, who)
    person = words.name_of(row)
    match what:
        case "role":
            yield RolesSet(person=person, roles=tuple(rest))
        case "tag":
            yield TagsSet(person=person, tags=tuple(rest))
        case "cadence":
            yield CadenceSet(person=person, days=duration(rest[0], "The rhythm").days)
        case "note":
            yield NoteWritten(person=person, at=context.book.clock.now(), text=" ".join(rest))
        case _:
            raise ValueError(f"the sample says {what}, which no decision here means")


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _title(text: str) -> None:
    say("", text, "═" * len(text), "")
    hint()

"""The `kith` command: names and options as docs/interface.md fixes them; what is heavy is imported when it is used."""

import io
import os
import sys
from typing import Annotated, TypeAlias

import typer

app = typer.Typer(
    name="kith",
    help="Keeps your professional network by itself: history, follow-ups and a weekly digest.",
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

Ctx: TypeAlias = typer.Context
Who = Annotated[
    str, typer.Argument(metavar="PERSON", help="An id, an address, or a name that is unambiguous.")
]
_HOISTED = {"--json": 0, "-v": 0, "--verbose": 0, "--home": 1, "--owner": 1}


def run() -> None:
    """The console entry."""
    raise SystemExit(main(sys.argv[1:]))


def main(arguments: list[str]) -> int:
    """Run one command; its exit status. Options that stand before the command may stand after it as well."""
    from deploy.cli.ending import ended  # noqa: PLC0415

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    ordered = hoisted(arguments) or ["--help"]
    verbose = not {"-v", "--verbose"}.isdisjoint(ordered)
    return ended(lambda: app(args=ordered, prog_name="kith", standalone_mode=False), verbose=verbose)


def hoisted(arguments: list[str]) -> list[str]:
    """The arguments with the common options put first; what follows `--` is left alone."""
    first: list[str] = []
    rest: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        name, equals, _ = argument.partition("=")
        if argument == "--":
            rest.append(argument)
            rest.extend(waiting)
        elif argument in _HOISTED:
            first.append(argument)
            if _HOISTED[argument]:
                first.extend(value for _, value in zip(range(1), waiting, strict=False))
        elif equals and _HOISTED.get(name):
            first.append(argument)
        else:
            rest.append(argument)
    return first + rest


@app.callback()
def common(
    ctx: Ctx,
    home: Annotated[str | None, typer.Option("--home", metavar="DIR", help="Where the book is kept.")] = None,
    owner: Annotated[
        str, typer.Option("--owner", metavar="EMAIL", help="Whose book, when there are several.")
    ] = "",
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Tell more on standard error.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Keeps your professional network by itself: history, follow-ups and a weekly digest."""
    from deploy.cli.context import Context  # noqa: PLC0415

    context = Context(dict(os.environ), home, owner, as_json, verbose)
    ctx.obj = context
    ctx.call_on_close(context.close)


# --- the home -----------------------------------------------------------------------------------------------------


@app.command()
def init(
    ctx: Ctx,
    name: Annotated[str, typer.Option("--name", metavar="N", help="Your name.")],
    email: Annotated[
        list[str], typer.Option("--email", metavar="A", help="Every address of your own; the main one first.")
    ],
    timezone: Annotated[str, typer.Option("--timezone", metavar="TZ", help="Such as Europe/Berlin.")],
    domain: Annotated[
        list[str] | None, typer.Option("--domain", metavar="D", help="A domain of your own organisation.")
    ] = None,
) -> None:
    """Make the home: database, key, and who you are."""
    from deploy.cli import home as command  # noqa: PLC0415

    raise typer.Exit(command.init(ctx.obj, name, email, timezone, domain or []))


@app.command("import")
def import_(
    ctx: Ctx,
    paths: Annotated[list[str], typer.Argument(metavar="PATH", help="Files and folders.")],
    kind: Annotated[
        str | None, typer.Option("--as", metavar="KIND", help="mbox, maildir, eml, ics, vcf or linkedin.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="DATE", help="Leave out what is older.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would happen; change nothing.")
    ] = False,
) -> None:
    """Read mail, calendars, contacts and LinkedIn exports."""
    from deploy.cli import importing as command  # noqa: PLC0415

    raise typer.Exit(command.import_(ctx.obj, paths, kind, since, dry_run))


@app.command()
def status(ctx: Ctx) -> None:
    """Sources, lag, rejected records, next digest."""
    from deploy.cli import home as command  # noqa: PLC0415

    raise typer.Exit(command.status(ctx.obj))


@app.command()
def config(ctx: Ctx) -> None:
    """The settings in force and where each comes from."""
    from deploy.cli import home as command  # noqa: PLC0415

    raise typer.Exit(command.config(ctx.obj))


@app.command()
def rejects(
    ctx: Ctx,
    retry: Annotated[
        bool, typer.Option("--retry", help="Read again what could not be read from the stream.")
    ] = False,
) -> None:
    """What could not be read, each with its place and reason."""
    from deploy.cli import home as command  # noqa: PLC0415

    raise typer.Exit(command.rejects(ctx.obj, retry))


@app.command()
def replay(ctx: Ctx) -> None:
    """Make everything derived again from the event stream."""
    from deploy.cli import home as command  # noqa: PLC0415

    raise typer.Exit(command.replay(ctx.obj))


@app.command()
def export(
    ctx: Ctx,
    out: Annotated[
        str, typer.Option("--out", metavar="DIR", help="The folder to write to, made if missing.")
    ],
) -> None:
    """All data out as JSON Lines."""
    from deploy.cli import home as command  # noqa: PLC0415

    raise typer.Exit(command.export(ctx.obj, out))


_File = Annotated[str, typer.Argument(metavar="FILE")]


@app.command()
def backup(
    ctx: Ctx,
    file: _File,
    with_key: Annotated[
        bool, typer.Option("--with-key", help="The key that unlocks accounts as well: guard the file.")
    ] = False,
) -> None:
    """A consistent copy of the home, which may go on running."""
    from deploy.cli import keeping as command  # noqa: PLC0415

    raise typer.Exit(command.backup(ctx.obj, file, with_key))


@app.command()
def restore(ctx: Ctx, file: _File) -> None:
    """Make an empty home hold what a backup holds."""
    from deploy.cli import keeping as command  # noqa: PLC0415

    raise typer.Exit(command.restore(ctx.obj, file))


@app.command()
def forget(ctx: Ctx, person: Who) -> None:
    """Erase a person from stream and history alike, for good."""
    from deploy.cli import keeping as command  # noqa: PLC0415

    raise typer.Exit(command.forget(ctx.obj, person))


@app.command()
def schema(ctx: Ctx) -> None:
    """The JSON Schema of every shape."""
    from deploy.cli import home as command  # noqa: PLC0415

    raise typer.Exit(command.schema(ctx.obj))


@app.command()
def doctor(ctx: Ctx) -> None:
    """Look the home over; say what to do about each fault."""
    from deploy.cli import doctor as command  # noqa: PLC0415

    raise typer.Exit(command.doctor(ctx.obj))


@app.command()
def migrate(ctx: Ctx) -> None:
    """Bring the database to the tables of this release."""
    from deploy.cli import home as command  # noqa: PLC0415

    raise typer.Exit(command.migrate(ctx.obj))


# --- reading ------------------------------------------------------------------------------------------------------


@app.command()
def people(
    ctx: Ctx,
    query: Annotated[list[str] | None, typer.Argument(metavar="[QUERY]")] = None,
    sort: Annotated[str, typer.Option("--sort", metavar="strength|last|name")] = "strength",
    role: Annotated[str | None, typer.Option("--role", metavar="R")] = None,
    tag: Annotated[str | None, typer.Option("--tag", metavar="T")] = None,
    limit: Annotated[int | None, typer.Option("--limit", metavar="N", min=1)] = None,
    after: Annotated[
        str | None, typer.Option("--after", metavar="CURSOR", help="Go on after a page's `next`.")
    ] = None,
    show_all: Annotated[bool, typer.Option("--all", help="Automated senders as well.")] = False,
) -> None:
    """The people, strongest first."""
    from deploy.cli import reading as command  # noqa: PLC0415

    raise typer.Exit(command.people(ctx.obj, " ".join(query or []), sort, role, tag, limit, after, show_all))


@app.command()
def show(ctx: Ctx, person: Who) -> None:
    """One person: identities, history and open follow-ups."""
    from deploy.cli import reading as command  # noqa: PLC0415

    raise typer.Exit(command.show(ctx.obj, person))


@app.command()
def search(
    ctx: Ctx,
    query: Annotated[list[str], typer.Argument(metavar="QUERY")],
    person: Annotated[str | None, typer.Option("--person", metavar="P")] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", metavar="K", help="email, meeting, linkedin_message, …")
    ] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="DATE")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="DATE")] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1)] = 50,
) -> None:
    """Search names, subjects and excerpts; newest first."""
    from deploy.cli import reading as command  # noqa: PLC0415

    raise typer.Exit(command.search(ctx.obj, " ".join(query), person, kind, since, until, limit))


@app.command()
def followups(
    ctx: Ctx,
    show_all: Annotated[bool, typer.Option("--all", help="Closed ones as well.")] = False,
    person: Annotated[str | None, typer.Option("--person", metavar="P")] = None,
    rule: Annotated[str | None, typer.Option("--rule", metavar="R")] = None,
) -> None:
    """The follow-ups, each with its reason."""
    from deploy.cli import reading as command  # noqa: PLC0415

    raise typer.Exit(command.followups(ctx.obj, show_all, person, rule))


@app.command()
def duplicates(ctx: Ctx) -> None:
    """Pairs that may be one person, and why Kith asks."""
    from deploy.cli import reading as command  # noqa: PLC0415

    raise typer.Exit(command.duplicates(ctx.obj))


@app.command()
def digest(
    ctx: Ctx,
    week: Annotated[str | None, typer.Option("--week", metavar="2026-W47")] = None,
    out: Annotated[
        str | None, typer.Option("--out", metavar="DIR", help="Write digest.html, .txt and .json.")
    ] = None,
) -> None:
    """Compose the weekly digest."""
    from deploy.cli import reading as command  # noqa: PLC0415

    raise typer.Exit(command.digest(ctx.obj, week, out))


# --- the owner's word ---------------------------------------------------------------------------------------------


@app.command()
def done(ctx: Ctx, followup: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """A follow-up is done: you did it."""
    from deploy.cli import words as command  # noqa: PLC0415

    raise typer.Exit(command.done(ctx.obj, followup))


@app.command()
def snooze(
    ctx: Ctx,
    followup: Annotated[str, typer.Argument(metavar="ID")],
    until: Annotated[str, typer.Option("--until", metavar="DATE", help="2026-12-01, or 7d.")],
) -> None:
    """A follow-up can wait until that day."""
    from deploy.cli import words as command  # noqa: PLC0415

    raise typer.Exit(command.snooze(ctx.obj, followup, until))


@app.command()
def dismiss(
    ctx: Ctx,
    followup: Annotated[str, typer.Argument(metavar="ID")],
    never: Annotated[bool, typer.Option("--never", help="None of this kind for this person again.")] = False,
) -> None:
    """A follow-up you do not want."""
    from deploy.cli import words as command  # noqa: PLC0415

    raise typer.Exit(command.dismiss(ctx.obj, followup, never))


_Remove = Annotated[bool, typer.Option("--remove", help="Take away instead of giving.")]


@app.command()
def role(
    ctx: Ctx,
    person: Who,
    roles: Annotated[list[str], typer.Argument(metavar="ROLE")],
    remove: _Remove = False,
) -> None:
    """What somebody is to you: mentor, sponsor, ally, client."""
    from deploy.cli import words as command  # noqa: PLC0415

    raise typer.Exit(command.role(ctx.obj, person, roles, remove))


@app.command()
def tag(
    ctx: Ctx, person: Who, tags: Annotated[list[str], typer.Argument(metavar="TAG")], remove: _Remove = False
) -> None:
    """Tags of your own."""
    from deploy.cli import words as command  # noqa: PLC0415

    raise typer.Exit(command.tag(ctx.obj, person, tags, remove))


@app.command()
def cadence(ctx: Ctx, person: Who, every: Annotated[str, typer.Argument(metavar="30d|off")]) -> None:
    """How often you want to be in touch."""
    from deploy.cli import words as command  # noqa: PLC0415

    raise typer.Exit(command.cadence(ctx.obj, person, every))


@app.command()
def note(ctx: Ctx, person: Who, text: Annotated[list[str], typer.Argument(metavar="TEXT")]) -> None:
    """A note of your own, into the timeline."""
    from deploy.cli import words as command  # noqa: PLC0415

    raise typer.Exit(command.note(ctx.obj, person, " ".join(text)))


@app.command()
def favour(
    ctx: Ctx,
    direction: Annotated[str, typer.Argument(metavar="given|received")],
    person: Who,
    text: Annotated[list[str], typer.Argument(metavar="TEXT")],
) -> None:
    """A favour given or received, in your words."""
    from deploy.cli import words as command  # noqa: PLC0415

    raise typer.Exit(command.favour(ctx.obj, direction, person, " ".join(text)))


@app.command()
def mute(
    ctx: Ctx,
    person: Who,
    off: Annotated[bool, typer.Option("--off", help="Follow-ups for them again.")] = False,
) -> None:
    """No follow-ups for this person."""
    from deploy.cli import words as command  # noqa: PLC0415

    raise typer.Exit(command.mute(ctx.obj, person, off))


@app.command()
def never(ctx: Ctx, pattern: Annotated[str, typer.Argument(metavar="ADDRESS|DOMAIN|LABEL")]) -> None:
    """Keep nothing of an address, domain or label, backwards too."""
    from deploy.cli import words as command  # noqa: PLC0415

    raise typer.Exit(command.never(ctx.obj, pattern))


@app.command()
def verdict(
    ctx: Ctx,
    address: Annotated[str, typer.Argument(metavar="ADDRESS|@DOMAIN")],
    is_what: Annotated[str, typer.Argument(metavar="human|automated")],
) -> None:
    """An address, or a whole domain, is human or a machine."""
    from deploy.cli import words as command  # noqa: PLC0415

    raise typer.Exit(command.verdict(ctx.obj, address, is_what))


@app.command()
def merge(ctx: Ctx, a: Annotated[str, typer.Argument()], b: Annotated[str, typer.Argument()]) -> None:
    """Two entries are one person."""
    from deploy.cli import words as command  # noqa: PLC0415

    raise typer.Exit(command.merge(ctx.obj, a, b))


@app.command()
def distinct(ctx: Ctx, a: Annotated[str, typer.Argument()], b: Annotated[str, typer.Argument()]) -> None:
    """Two entries are two people: a lasting no to a proposal."""
    from deploy.cli import words as command  # noqa: PLC0415

    raise typer.Exit(command.distinct(ctx.obj, a, b))


@app.command()
def split(ctx: Ctx, person: Who, identity: Annotated[str, typer.Argument(metavar="IDENTITY")]) -> None:
    """An identity belongs to somebody else; undoes a merge exactly."""
    from deploy.cli import words as command  # noqa: PLC0415

    raise typer.Exit(command.split(ctx.obj, person, identity))


# --- running ------------------------------------------------------------------------------------------------------

_Host = Annotated[str, typer.Option("--host", metavar="H")]
_Port = Annotated[int, typer.Option("--port", min=0, max=65_535)]


@app.command()
def up(ctx: Ctx, host: _Host = "127.0.0.1", port: _Port = 8321) -> None:
    """Everything in one process: web page, schedule and workers."""
    from deploy.cli import up as command  # noqa: PLC0415

    raise typer.Exit(command.up(ctx.obj.application, host, port))


@app.command()
def serve(ctx: Ctx, host: _Host = "127.0.0.1", port: _Port = 8321) -> None:
    """The web page alone."""
    from deploy.cli import up as command  # noqa: PLC0415

    raise typer.Exit(command.serve(ctx.obj.application, host, port))


@app.command()
def worker(
    ctx: Ctx,
    processes: Annotated[int, typer.Option("--processes", metavar="N", min=1)] = 1,
    threads: Annotated[int, typer.Option("--threads", metavar="M", min=1)] = 2,
) -> None:
    """The jobs alone, for a broker that several processes share."""
    from deploy.cli import up as command  # noqa: PLC0415

    raise typer.Exit(command.worker(ctx.obj.application, processes, threads))


@app.command()
def scheduler(ctx: Ctx) -> None:
    """The schedule alone, for a broker that several processes share."""
    from deploy.cli import up as command  # noqa: PLC0415

    raise typer.Exit(command.scheduler(ctx.obj.application))


@app.command()
def demo(
    ctx: Ctx,
    once: Annotated[bool, typer.Option("--once", help="End after the printout.")] = False,
    port: _Port = 8321,
) -> None:
    """A sample network, from files to digest; then the web page."""
    from deploy.cli import demo as command  # noqa: PLC0415

    raise typer.Exit(command.demo(ctx.obj, once, port))


if __name__ == "__main__":
    run()

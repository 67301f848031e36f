"""The `kith` command: names and options as docs/interface.md fixes them; what is heavy is imported when it is used.

Each command hands its words to a function of another module here, and ends with the exit status it gives.
"""

import gc
import io
import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from deploy.cli.context import Context
    from schemas.connector import ConnectorSpec

_HOISTED = {"--json": 0, "-v": 0, "--verbose": 0, "--home": 1, "--owner": 1}


def run() -> None:
    """The console entry."""
    # Nearly all that a command makes lives until it ends: looking for garbage all the while costs a tenth of its time.
    gc.set_threshold(200_000, 50, 50)
    status = main(sys.argv[1:])
    # And what is left at the end goes with the process.
    gc.freeze()
    raise SystemExit(status)


def main(arguments: list[str], known: "Mapping[str, ConnectorSpec] | None" = None) -> int:
    """Run one command; its exit status. Options that stand before the command may stand after it as well.

    Args:
        known: the connectors by their names, instead of all there are.
    """
    from deploy.cli.ending import ended  # noqa: PLC0415

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    ordered = hoisted(arguments) or ["--help"]
    verbose = not {"-v", "--verbose"}.isdisjoint(ordered)
    return ended(
        lambda: app.main(args=ordered, prog_name="kith", standalone_mode=False, obj=known), verbose=verbose
    )


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


_SECTIONS = {
    "Begin": "init connect import up demo",
    "Look": "status people show followups search digest rejects duplicates",
    "Answer a follow-up": "done snooze dismiss mute",
    "Say what only you know": "role tag cadence note favour merge split distinct verdict",
    "Accounts": "accounts sync pause resume disconnect",
    "Your data": "export backup restore forget never replay",
    "The machine": "doctor config schema migrate serve worker scheduler",
}
"""The commands by what they are for, as `kith --help` lists them."""


class _Commands(click.Group):
    """Lists the commands by what they are for, and passes Ctrl-C on as it comes: click would print an empty line first."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # as click calls it
        wide = max(map(len, self.commands))
        for title, names in _SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(
                    [
                        (name.ljust(wide), self.commands[name].get_short_help_str(formatter.width - wide - 6))
                        for name in names.split()
                    ]
                )

    def invoke(self, ctx: click.Context) -> Any:
        from deploy.cli.ending import Interrupted  # noqa: PLC0415

        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Interrupted from None


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option("--home", metavar="DIR", help="Where the book is kept.")
@click.option("--owner", metavar="EMAIL", default="", help="Whose book, when there are several.")
@click.option("-v", "--verbose", is_flag=True, help="Tell more on standard error.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@click.version_option(package_name="kith")
@click.pass_context
def app(ctx: click.Context, home: str | None, owner: str, verbose: bool, as_json: bool) -> None:
    """Keeps your professional network by itself: history, follow-ups and a weekly digest."""
    from deploy.cli.context import Context  # noqa: PLC0415

    context = Context(dict(os.environ), home, owner, as_json, verbose, ctx.obj)
    ctx.obj = context
    ctx.call_on_close(context.close)


_Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
_person = click.argument("person", metavar="PERSON")
_followup = click.argument("followup", metavar="ID")
_account = click.argument("account", metavar="ID")
_file = click.argument("file", metavar="FILE")
_remove = click.option("--remove", is_flag=True, help="Take away instead of giving.")
_host = click.option("--host", metavar="H", default="127.0.0.1", show_default=True)
_port = click.option("--port", metavar="P", type=click.IntRange(0, 65_535), default=8321, show_default=True)


def _several(name: str, metavar: str, *, required: bool = True) -> _Decorator:
    return click.argument(name, metavar=metavar, nargs=-1, required=required)


def _count(option: str, default: int | None = None, metavar: str = "N") -> _Decorator:
    return click.option(
        option, metavar=metavar, type=click.IntRange(min=1), default=default, show_default=True
    )


# --- the home -----------------------------------------------------------------------------------------------------


@app.command()
@click.option("--name", metavar="N", required=True, help="Your name.")
@click.option(
    "--email",
    metavar="A",
    required=True,
    multiple=True,
    help="Every address of your own; the main one first.",
)
@click.option("--timezone", metavar="TZ", required=True, help="Such as Europe/Berlin.")
@click.option("--domain", metavar="D", multiple=True, help="A domain of your own organisation.")
@click.pass_obj
def init(
    context: "Context", name: str, email: tuple[str, ...], timezone: str, domain: tuple[str, ...]
) -> int:
    """Make the home: database, key, and who you are."""
    from deploy.cli import home as command  # noqa: PLC0415

    return command.init(context, name, list(email), timezone, list(domain))


@app.command("import")
@_several("paths", "PATH...")
@click.option("--as", "kind", metavar="KIND", help="mbox, maildir, eml, ics, vcf or linkedin.")
@click.option("--since", metavar="DATE", help="Leave out what is older.")
@click.option("--dry-run", is_flag=True, help="Tell what would happen; change nothing.")
@click.pass_obj
def import_(
    context: "Context", paths: tuple[str, ...], kind: str | None, since: str | None, dry_run: bool
) -> int:
    """Read mail, calendars, contacts and LinkedIn exports."""
    from deploy.parsing import get_ready  # noqa: PLC0415

    # What parses is loaded in a process of its own, beside what is loaded here.
    get_ready(paths)
    from deploy.cli import importing as command  # noqa: PLC0415

    return command.import_(context, list(paths), kind, since, dry_run)


@app.command()
@click.pass_obj
def status(context: "Context") -> int:
    """Sources, lag, rejected records, next digest."""
    from deploy.cli import home as command  # noqa: PLC0415

    return command.status(context)


@app.command()
@click.pass_obj
def config(context: "Context") -> int:
    """The settings in force and where each comes from."""
    from deploy.cli import home as command  # noqa: PLC0415

    return command.config(context)


@app.command()
@click.option("--retry", is_flag=True, help="Read again what could not be read from the stream.")
@click.pass_obj
def rejects(context: "Context", retry: bool) -> int:
    """What could not be read, each with its place and reason."""
    from deploy.cli import home as command  # noqa: PLC0415

    return command.rejects(context, retry)


@app.command()
@click.pass_obj
def replay(context: "Context") -> int:
    """Make everything derived again from the event stream."""
    from deploy.cli import home as command  # noqa: PLC0415

    return command.replay(context)


@app.command()
@click.option("--out", metavar="DIR", required=True, help="The folder to write to, made if missing.")
@click.pass_obj
def export(context: "Context", out: str) -> int:
    """All data out as JSON Lines."""
    from deploy.cli import home as command  # noqa: PLC0415

    return command.export(context, out)


@app.command()
@_file
@click.option("--with-key", is_flag=True, help="The key that unlocks accounts as well: guard the file.")
@click.pass_obj
def backup(context: "Context", file: str, with_key: bool) -> int:
    """A consistent copy of the home, which may go on running."""
    from deploy.cli import keeping as command  # noqa: PLC0415

    return command.backup(context, file, with_key)


@app.command()
@_file
@click.pass_obj
def restore(context: "Context", file: str) -> int:
    """Make an empty home hold what a backup holds."""
    from deploy.cli import keeping as command  # noqa: PLC0415

    return command.restore(context, file)


@app.command()
@_person
@click.pass_obj
def forget(context: "Context", person: str) -> int:
    """Erase a person from stream and history alike, for good."""
    from deploy.cli import keeping as command  # noqa: PLC0415

    return command.forget(context, person)


@app.command()
@click.pass_obj
def schema(context: "Context") -> int:
    """The JSON Schema of every shape."""
    from deploy.cli import home as command  # noqa: PLC0415

    return command.schema(context)


@app.command()
@click.option("--bundle", metavar="FILE", help="Write it, with nothing private, for somebody who helps.")
@click.pass_obj
def doctor(context: "Context", bundle: str | None) -> int:
    """Look the home over; say what to do about each fault."""
    from deploy.cli import doctor as command  # noqa: PLC0415

    return command.doctor(context, bundle)


@app.command()
@click.pass_obj
def migrate(context: "Context") -> int:
    """Bring the database to the tables of this release."""
    from deploy.cli import home as command  # noqa: PLC0415

    return command.migrate(context)


# --- accounts -----------------------------------------------------------------------------------------------------


@app.command()
@click.argument("kind", metavar="KIND")
@click.option("--user", metavar="U", help="Who signs in: mostly the e-mail address.")
@click.option("--password-file", metavar="F", help="Holds the password; - is standard input.")
@click.option("--token-file", metavar="F", help="Holds the token; - is standard input.")
@click.option(
    "--auth",
    type=click.Choice(["basic", "ntlm", "oauth"]),
    help="How Exchange is signed in to; found out when left out.",
)
@click.option("--host", metavar="H", help="The server; looked for when left out.")
@click.option("--port", metavar="P", type=click.IntRange(1, 65_535))
@click.option("--security", type=click.Choice(["tls", "starttls", "none"]))
@click.option(
    "--url",
    metavar="URL",
    help="Of a calendar, address book or Exchange server, or of a feed (.ics); - is standard input.",
)
@click.option(
    "--ca-file", metavar="F", help="Trust the certificates in it: a server with an authority of its own."
)
@click.option("--name", metavar="LABEL", help="How you call it.")
@click.option("--read", metavar="WHAT", help="calendar, mail, contacts, tasks: parted by commas.")
@click.option("--folders", metavar="A,B", help="Read these mail folders alone.")
@click.option("--calendars", metavar="A,B", help="Read these calendars or address books alone.")
@click.option(
    "--tasks",
    metavar="[LIST]",
    is_flag=False,
    flag_value="Kith",
    help="Write follow-ups to this list, made if missing.",
)
@click.option("--from", "sender", metavar="ADDRESS", help="Whom the digest comes from.")
@click.option("--to", metavar="ADDRESS", help="Where the digest goes.")
@click.option("--digest", is_flag=True, help="Send the weekly digest by it (google, microsoft, exchange).")
@click.option(
    "--gmail-topic",
    metavar="T",
    help="Gmail tells of news on this Pub/Sub topic, projects/P/topics/T; or off (docs/google.md).",
)
@click.option("--device", is_flag=True, help="Sign in on another device (microsoft).")
@click.option("--authorized-user", metavar="F", help="Take the sign-in from a file of Google's tools.")
@click.option("--token-cache", metavar="F", help="Take the sign-in from a serialised cache of msal.")
@click.option("--headers-only", is_flag=True, help="Read no text of a mail.")
@click.option("--since", metavar="DATE", help="Leave out what is older; else two years.")
@click.option("--never", metavar="ADDRESS|DOMAIN|LABEL", multiple=True, help="Keep nothing of it.")
@click.option(
    "--allow-private", is_flag=True, help="The server may be in a private network or on this machine."
)
@click.option("--no-sync", is_flag=True, help="Read nothing yet.")
@click.pass_obj
def connect(context: "Context", /, kind: str, **given: Any) -> int:
    """Add an account, or connect one again.

    KIND is google, microsoft, exchange, imap, smtp, caldav, carddav or todoist; caldav with an address that ends in
    .ics is a feed. Google and Microsoft ask for your consent in the browser.
    """
    from deploy.cli import connecting as command  # noqa: PLC0415

    return command.connect(context, kind, given)


@app.command()
@click.option("--rotate", is_flag=True, help="Lock every secret away anew, under a new key.")
@click.pass_obj
def accounts(context: "Context", rotate: bool) -> int:
    """The accounts: state, last reading, how far behind."""
    from deploy.cli import accounts as command  # noqa: PLC0415

    return command.rotate(context) if rotate else command.accounts(context)


@app.command()
@_account
@click.option("--forget", is_flag=True, help="Erase all that it brought as well.")
@click.pass_obj
def disconnect(context: "Context", account: str, forget: bool) -> int:
    """Delete an account and its secret; what it brought stays."""
    from deploy.cli import accounts as command  # noqa: PLC0415

    return command.disconnect(context, account, forget)


@app.command()
@_several("accounts", "[ID]...", required=False)
@click.option("--full", is_flag=True, help="Read everything anew, not only what is new.")
@click.pass_obj
def sync(context: "Context", accounts: tuple[str, ...], full: bool) -> int:
    """Read accounts now."""
    from deploy.cli import accounts as command  # noqa: PLC0415

    return command.sync(context, list(accounts), full)


@app.command()
@_account
@click.pass_obj
def pause(context: "Context", account: str) -> int:
    """Leave an account alone until it is resumed."""
    from deploy.cli import accounts as command  # noqa: PLC0415

    return command.pause(context, account)


@app.command()
@_account
@click.pass_obj
def resume(context: "Context", account: str) -> int:
    """Read a paused account again."""
    from deploy.cli import accounts as command  # noqa: PLC0415

    return command.resume(context, account)


# --- reading ------------------------------------------------------------------------------------------------------


@app.command()
@_several("query", "[QUERY]", required=False)
@click.option("--sort", metavar="strength|last|name", default="strength", show_default=True)
@click.option("--role", metavar="R")
@click.option("--tag", metavar="T")
@_count("--limit")
@click.option("--after", metavar="CURSOR", help="Go on after a page's `next`.")
@click.option("--all", "show_all", is_flag=True, help="Automated senders as well.")
@click.pass_obj
def people(
    context: "Context",
    query: tuple[str, ...],
    sort: str,
    role: str | None,
    tag: str | None,
    limit: int | None,
    after: str | None,
    show_all: bool,
) -> int:
    """The people, strongest first."""
    from deploy.cli import reading as command  # noqa: PLC0415

    return command.people(context, " ".join(query), sort, role, tag, limit, after, show_all)


@app.command()
@_person
@click.pass_obj
def show(context: "Context", person: str) -> int:
    """One person: identities, history and open follow-ups."""
    from deploy.cli import reading as command  # noqa: PLC0415

    return command.show(context, person)


@app.command()
@_several("query", "QUERY...")
@click.option("--person", metavar="P")
@click.option("--kind", metavar="K", help="email, meeting, linkedin_message, …")
@click.option("--since", metavar="DATE")
@click.option("--until", metavar="DATE")
@_count("--limit", 50)
@click.pass_obj
def search(
    context: "Context",
    query: tuple[str, ...],
    person: str | None,
    kind: str | None,
    since: str | None,
    until: str | None,
    limit: int,
) -> int:
    """Search names, subjects and excerpts; newest first."""
    from deploy.cli import reading as command  # noqa: PLC0415

    return command.search(context, " ".join(query), person, kind, since, until, limit)


@app.command()
@click.option("--all", "show_all", is_flag=True, help="Closed ones as well.")
@click.option("--person", metavar="P")
@click.option("--rule", metavar="R")
@click.pass_obj
def followups(context: "Context", show_all: bool, person: str | None, rule: str | None) -> int:
    """The follow-ups, each with its reason."""
    from deploy.cli import reading as command  # noqa: PLC0415

    return command.followups(context, show_all, person, rule)


@app.command()
@click.option("--accept-sure", is_flag=True, help="Join all pairs that are sure, after a yes.")
@click.option("--yes", is_flag=True, help="Say that yes now.")
@click.pass_obj
def duplicates(context: "Context", accept_sure: bool, yes: bool) -> int:
    """Pairs that may be one person, and why Kith asks."""
    from deploy.cli import pairs as command  # noqa: PLC0415

    return command.accept_sure(context, yes=yes) if accept_sure else command.duplicates(context, yes=yes)


@app.command()
@click.option("--week", metavar="2026-W47")
@click.option("--out", metavar="DIR", help="Write digest.html, .txt and .json.")
@click.option("--send", is_flag=True, help="Send it to yourself now; the same digest goes out once.")
@click.option("--mail", type=click.Choice(["on", "off"]), help="Whether it comes by mail as well.")
@click.pass_obj
def digest(context: "Context", week: str | None, out: str | None, send: bool, mail: str | None) -> int:
    """Compose the weekly digest."""
    from deploy.cli import reading, words  # noqa: PLC0415

    if mail is not None:
        return words.digest_mail(context, is_on=mail == "on")
    return reading.digest(context, week, out, send=send)


# --- the owner's word ---------------------------------------------------------------------------------------------


@app.command()
@_followup
@click.pass_obj
def done(context: "Context", followup: str) -> int:
    """A follow-up is done: you did it."""
    from deploy.cli import words as command  # noqa: PLC0415

    return command.done(context, followup)


@app.command()
@_followup
@click.option("--until", metavar="DATE", required=True, help="2026-12-01, 7d, tomorrow or friday.")
@click.pass_obj
def snooze(context: "Context", followup: str, until: str) -> int:
    """A follow-up can wait until that day."""
    from deploy.cli import words as command  # noqa: PLC0415

    return command.snooze(context, followup, until)


@app.command()
@_followup
@click.option("--never", is_flag=True, help="None of this kind for this person again.")
@click.pass_obj
def dismiss(context: "Context", followup: str, never: bool) -> int:
    """A follow-up you do not want."""
    from deploy.cli import words as command  # noqa: PLC0415

    return command.dismiss(context, followup, never)


@app.command()
@_person
@_several("roles", "ROLE...")
@_remove
@click.pass_obj
def role(context: "Context", person: str, roles: tuple[str, ...], remove: bool) -> int:
    """What somebody is to you: mentor, sponsor, ally, client."""
    from deploy.cli import words as command  # noqa: PLC0415

    return command.role(context, person, roles, remove)


@app.command()
@_person
@_several("tags", "TAG...")
@_remove
@click.pass_obj
def tag(context: "Context", person: str, tags: tuple[str, ...], remove: bool) -> int:
    """Tags of your own."""
    from deploy.cli import words as command  # noqa: PLC0415

    return command.tag(context, person, tags, remove)


@app.command()
@_person
@click.argument("every", metavar="30d|off")
@click.pass_obj
def cadence(context: "Context", person: str, every: str) -> int:
    """How often you want to be in touch."""
    from deploy.cli import words as command  # noqa: PLC0415

    return command.cadence(context, person, every)


@app.command()
@_person
@_several("text", "TEXT...")
@click.pass_obj
def note(context: "Context", person: str, text: tuple[str, ...]) -> int:
    """A note of your own, into the timeline."""
    from deploy.cli import words as command  # noqa: PLC0415

    return command.note(context, person, " ".join(text))


@app.command()
@click.argument("direction", metavar="given|received")
@_person
@_several("text", "TEXT...")
@click.pass_obj
def favour(context: "Context", direction: str, person: str, text: tuple[str, ...]) -> int:
    """A favour given or received, in your words."""
    from deploy.cli import words as command  # noqa: PLC0415

    return command.favour(context, direction, person, " ".join(text))


@app.command()
@_person
@click.option("--off", is_flag=True, help="Follow-ups for them again.")
@click.pass_obj
def mute(context: "Context", person: str, off: bool) -> int:
    """No follow-ups for this person."""
    from deploy.cli import words as command  # noqa: PLC0415

    return command.mute(context, person, off)


@app.command()
@click.argument("pattern", metavar="ADDRESS|DOMAIN|LABEL")
@click.pass_obj
def never(context: "Context", pattern: str) -> int:
    """Keep nothing of an address, domain or label, backwards too."""
    from deploy.cli import words as command  # noqa: PLC0415

    return command.never(context, pattern)


@app.command()
@click.argument("address", metavar="ADDRESS|@DOMAIN")
@click.argument("is_what", metavar="human|automated")
@click.pass_obj
def verdict(context: "Context", address: str, is_what: str) -> int:
    """An address, or a whole domain, is human or a machine."""
    from deploy.cli import words as command  # noqa: PLC0415

    return command.verdict(context, address, is_what)


@app.command()
@click.argument("a")
@click.argument("b")
@click.pass_obj
def merge(context: "Context", a: str, b: str) -> int:
    """Two entries are one person."""
    from deploy.cli import words as command  # noqa: PLC0415

    return command.merge(context, a, b)


@app.command()
@click.argument("a")
@click.argument("b")
@click.pass_obj
def distinct(context: "Context", a: str, b: str) -> int:
    """Two entries are two people: a lasting no to a proposal."""
    from deploy.cli import words as command  # noqa: PLC0415

    return command.distinct(context, a, b)


@app.command()
@_person
@click.argument("identity", metavar="IDENTITY")
@click.pass_obj
def split(context: "Context", person: str, identity: str) -> int:
    """An identity belongs to somebody else; undoes a merge exactly."""
    from deploy.cli import words as command  # noqa: PLC0415

    return command.split(context, person, identity)


# --- running ------------------------------------------------------------------------------------------------------


@app.command()
@_host
@_port
@click.pass_obj
def up(context: "Context", host: str, port: int) -> int:
    """Everything in one process: web page, schedule and workers."""
    from deploy.cli import up as command  # noqa: PLC0415

    return command.up(context.application, host, port)


@app.command()
@_host
@_port
@click.pass_obj
def serve(context: "Context", host: str, port: int) -> int:
    """The web page alone."""
    from deploy.cli import up as command  # noqa: PLC0415

    return command.serve(context.application, host, port)


@app.command()
@_count("--processes", 1)
@_count("--threads", 2, "M")
@click.pass_obj
def worker(context: "Context", processes: int, threads: int) -> int:
    """The jobs alone, for a broker that several processes share."""
    from deploy.cli import up as command  # noqa: PLC0415

    return command.worker(context.application, processes, threads)


@app.command()
@click.pass_obj
def scheduler(context: "Context") -> int:
    """The schedule alone, for a broker that several processes share."""
    from deploy.cli import up as command  # noqa: PLC0415

    return command.scheduler(context.application)


@app.command()
@click.option("--once", is_flag=True, help="End after the printout.")
@_port
@click.pass_obj
def demo(context: "Context", once: bool, port: int) -> int:
    """A sample network, from files to digest; then the web page."""
    from deploy.cli import demo as command  # noqa: PLC0415

    return command.demo(context, once, port)


if __name__ == "__main__":
    run()

"""`kith connect`: what was given, asked for where a terminal is there, and never prompted for where none is."""

import re
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import msgspec

from deploy.accounts import FEED, TASKS, shapes_of
from deploy.cli.accounts import ask_tools, how_mail_comes, print_outcome, status_of_sync, tell_busy, tell_rest
from deploy.cli.context import Context
from deploy.cli.ending import OK
from deploy.cli.paper import Column, hint, is_terminal, plain, say, table, wrapped
from deploy.cli.progress import progress
from deploy.connecting import Connection, Wish, located, option_of
from deploy.connecting import connect as keep
from deploy.syncing import sync
from deploy.vaults import Secrets
from schemas.connector import Collection, Location
from schemas.errors import ConfigError, UsageError
from schemas.interface import CollectionShape, Connected, SyncReport
from services.accounts import Account
from services.digest.words import listed

_ALWAYS = frozenset(
    {"ca_file", "name", "read", "tasks", "headers_only", "since", "never", "allow_private", "no_sync"}
)
_SERVER = frozenset({"user", "host", "port", "security", "password_file"})
_FITTING = {
    "imap": _SERVER | {"folders"},
    "smtp": _SERVER | {"sender", "to"},
    "caldav": frozenset({"url", "user", "password_file", "calendars"}),
    "carddav": frozenset({"url", "user", "password_file", "calendars"}),
    "exchange": frozenset(
        {
            "url",
            "user",
            "password_file",
            "token_file",
            "auth",
            "digest",
            "sender",
            "to",
            "folders",
            "calendars",
        }
    ),
    "todoist": frozenset({"token_file"}),
    FEED: frozenset({"url", "user", "password_file"}),
    "google": frozenset(
        {"user", "device", "authorized_user", "digest", "to", "folders", "calendars", "gmail_topic"}
    ),
    "microsoft": frozenset({"user", "device", "token_cache", "digest", "to", "folders", "calendars"}),
}
"""The options of each kind, besides those of all."""
_SPELT = {"sender": "--from"}
_LONGEST_SECRET = 65_536
_TOPIC = re.compile(
    r"projects/([a-z0-9.-]{1,63}:)?[a-z][a-z0-9-]{4,28}[a-z0-9]/topics/(?!goog)[A-Za-z][A-Za-z0-9._~+%-]{2,254}"
)
"""https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names; some projects are named with a domain before them."""


def connect(context: Context, kind: str, given: Mapping[str, Any]) -> int:
    """Connect an account, print what signing in showed, and read it for the first time."""
    book = context.book
    wish = _wish(context, kind, given)
    if wish.kind in context.application.authorities:
        from deploy.cli.signing import signed_wish  # noqa: PLC0415  # most accounts are signed in to by password

        signed = signed_wish(context, wish, given)
        if signed is None:
            _leave_out(context, given["never"])
            return OK
        wish = signed
    else:
        found = located(context.application, wish, lambda found: _confirm(kind, found))
        wish = _with_secrets(found, given)
    made = keep(context.application, book, wish)
    if not context.as_json:
        _print(made)
        say(*how_mail_comes(context.application, made.account))
    _leave_out(context, given["never"])
    report: SyncReport | None = None
    if not given["no_sync"]:
        with progress(context) as advance:
            report = sync(
                context.application, book, [made.account.id], advance=advance, busy=tell_busy, rests=tell_rest
            )
        ask_tools(context)
    if context.as_json:
        context.put(_shape(context, made, report))
    elif report is not None:
        print_outcome(report)
        hint(f"Then: kith up, which {listed(_goes_on(made.account))}")
    else:
        hint("", f"Nothing is read yet. kith up reads by itself; now: kith sync {made.account.id}")
    return status_of_sync(report) if report is not None else OK


def _leave_out(context: Context, patterns: Sequence[str]) -> None:
    for pattern in patterns:
        from services.erasure import never_ingest  # noqa: PLC0415  # most accounts come without

        never_ingest(context.book, pattern)


# --- what was given -----------------------------------------------------------------------------------------------------


def _wish(context: Context, kind: str, given: Mapping[str, Any]) -> Wish:
    url = _url(given)
    if kind == "caldav" and urlsplit(url).path.lower().endswith((".ics", ".ical")):
        kind = FEED
    _check_kind(context, kind)
    _check_options(kind, given)
    if kind == FEED and not url:
        raise UsageError(
            "A feed needs its address: --url https://….ics, or --url - to read it from standard input."
        )
    names = ("user", "host", "port", "security", "to", "headers_only", "allow_private")
    settings = {name: given[name] for name in names if given[name]}
    settings |= {"auth": given["auth"]} if given["auth"] else {}
    if kind == "exchange" and given["token_file"]:
        settings["auth"] = "oauth"
    settings |= {"gmail_topic": _topic(given["gmail_topic"])} if given["gmail_topic"] else {}
    settings |= {"from": given["sender"]} if given["sender"] else {}
    settings |= {"since": _day(given["since"])} if given["since"] else {}
    settings |= {"ca_file": _certificates(given["ca_file"])} if given["ca_file"] else {}
    if url and kind != FEED:
        settings["url"] = url
    is_named = kind in {"todoist", "smtp", FEED} or kind in context.application.authorities
    if not is_named and not given["user"]:
        raise UsageError(f"Say who signs in: kith connect {kind} --user you@example.com")
    return Wish(
        kind=kind,
        name=(given["name"] or "").strip(),
        read=_words(given["read"], lower=True),
        tasks=(given["tasks"] or "").strip(),
        folders=_words(given["folders"]),
        calendars=_words(given["calendars"]),
        settings=settings,
        sends=given["digest"],
        secrets=Secrets(url=url if kind == FEED else ""),
    )


def _check_kind(context: Context, kind: str) -> None:
    known = sorted({spec.account for spec in context.application.connectors.values() if spec.account})
    if kind in known:
        return
    near = sorted(get_close_matches(kind.lower(), known))
    also = f" Did you mean {' or '.join(near)}?" if near else ""
    raise UsageError(f"Kith connects {', '.join(known) or 'nothing'}; not {plain(kind, 40)}.{also}")


def _check_options(kind: str, given: Mapping[str, Any]) -> None:
    fitting = _FITTING.get(kind, frozenset())
    for name, value in given.items():
        if value and name not in _ALWAYS | fitting:
            option = _SPELT.get(name, f"--{name.replace('_', '-')}")
            raise UsageError(
                f"{option} says nothing of an account of the kind {kind}. See: kith connect --help"
            )


def _url(given: Mapping[str, Any]) -> str:
    url = _from_input("the address") if given["url"] == "-" else (given["url"] or "").strip()
    if not url:
        return ""
    if url.lower().startswith("webcal:"):
        url = f"https:{url.partition(':')[2]}"
    parts = urlsplit(url)
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise UsageError("--url is no address of a server. Write it like https://dav.example.com/")
    if "@" in parts.netloc:
        raise UsageError("--url holds a name or a password. Leave them out; give --user and --password-file.")
    return url


def _certificates(file: str) -> str:
    path = Path(file).expanduser().absolute()
    if not path.is_file():
        raise UsageError(f"--ca-file names {file}, which is no file. Correct the path.")
    return str(path)


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise UsageError(f"{text} is not a date. Write it like 2025-01-31.") from error


def _topic(text: str) -> str:
    """The whole name of a Pub/Sub topic; empty for none from now on."""
    if text.strip().lower() == "off":
        return ""
    if not _TOPIC.fullmatch(text.strip()):
        raise UsageError(
            "--gmail-topic is no name of a Pub/Sub topic. Write it whole, as the Google Cloud console shows it: "
            "projects/PROJECT/topics/TOPIC; or off, for no notices of mail."
        )
    return text.strip()


def _words(text: str | None, *, lower: bool = False) -> tuple[str, ...]:
    words = [word.strip() for word in (text or "").split(",") if word.strip()]
    return tuple(word.lower() for word in words) if lower else tuple(words)


# --- secrets --------------------------------------------------------------------------------------------------------------


def _with_secrets(wish: Wish, given: Mapping[str, Any]) -> Wish:
    """The wish with its password or token: asked for only once it is known where it goes."""
    if wish.kind == "todoist" or wish.settings.get("auth") == "oauth":
        secret = _secret("Token", "--token-file", given["token_file"])
    elif wish.settings.get("user"):
        where = (
            wish.settings.get("host") or urlsplit(wish.settings.get("url", "") or wish.secrets.url).hostname
        )
        secret = _secret(
            f"Password of {wish.settings['user']} at {where}", "--password-file", given["password_file"]
        )
    else:
        return wish
    return msgspec.structs.replace(wish, secrets=Secrets(secret, wish.secrets.url))


def _secret(what: str, option: str, file: str | None) -> str:
    if file == "-":
        return _from_input(what)
    if file:
        try:
            with Path(file).expanduser().open(encoding="utf-8") as opened:
                secret = opened.read(_LONGEST_SECRET).strip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is no text"
            raise ConfigError(
                f"{option} names {file}, which cannot be read: {why}. Correct the path."
            ) from error
    elif is_terminal():
        secret = click.prompt(what, hide_input=True, err=True)
    else:
        raise UsageError(
            f"There is no terminal to ask on. Give {option} FILE, or {option} - for standard input."
        )
    if not secret:
        raise UsageError(f"{what}: it is empty.")
    return str(secret)


def _from_input(what: str) -> str:
    text = sys.stdin.read(_LONGEST_SECRET).strip("\r\n")
    if not text:
        raise UsageError(f"{what}: standard input held nothing.")
    return text


# --- where it goes --------------------------------------------------------------------------------------------------------


def _confirm(kind: str, found: Location) -> None:
    """Tell where the server was found; what others could have forged is confirmed before anything secret goes there."""
    told = ", ".join(f"{name} {value}" for name, value in found.settings.items())
    hint(f"Found {plain(told)}, by {plain(found.found_by)}.")
    if found.is_sure:
        return
    options = " ".join(f"--{name} {value}" for name, value in found.settings.items())
    if not is_terminal():
        raise UsageError(
            f"That was found by {found.found_by}, which others could have forged. If it is right, say so: "
            f"kith connect {kind} {options} …"
        )
    if not click.confirm("Is that your server? Your password goes there.", err=True):
        place = "--url URL" if "url" in found.settings else "--host HOST"
        raise UsageError(f"Nothing was sent. Say which it is: kith connect {kind} {place} …")


# --- what was found -------------------------------------------------------------------------------------------------------


def _print(made: Connection) -> None:
    account, survey = made.account, made.survey
    where = (
        account.settings.get("host")
        or urlsplit(account.settings.get("url", "")).hostname
        or account.kind.capitalize()
    )
    say(f"Signed in{f' as {plain(account.user)}' if account.user else ''} at {plain(str(where))}.")
    if survey.collections:
        rows = [(one.name, one.role, _use(account, one)) for one in survey.collections]
        say("", *table((Column("there is", least=12), Column("for", goes=1), "is used"), rows), "")
    if survey.abilities:
        say(*wrapped(f"{plain(str(where))}: {', '.join(survey.abilities)}."))
    if made.declared:
        say(f"{plain(made.declared)} counts as your own address from now on.")
    if account.settings["reads"]:
        say(f"Kith reads its {listed(account.settings['reads'])}.")
    if account.settings.get("list_name"):
        say(f"Follow-ups are written to {plain(account.settings['list_name'])}.")
    if account.settings.get("sends"):
        say("The weekly digest goes out by it.")
    for line in made.off:
        say(*wrapped(line))
    say(f"{plain(account.name)} is connected: {account.id}")


def _goes_on(account: Account) -> list[str]:
    """What the home does with an account while it runs."""
    does = ["goes on reading"] if account.settings["reads"] else []
    does += ["writes your follow-ups"] if account.settings.get("list_name") else []
    does += ["sends the weekly digest"] if account.settings.get("sends") or account.kind == "smtp" else []
    return does or ["does the rest"]


def _use(account: Account, one: Collection) -> str:
    if one.role == TASKS:
        return "yes" if one.id == account.settings.get("list") else ""
    chosen = account.settings.get(option_of(account.kind, one), ())
    return "yes" if (one.id in chosen if chosen else one.is_read) else ""


def _shape(context: Context, made: Connection, report: SyncReport | None) -> Connected:
    told = shapes_of(context.application, made.account.owner)
    return Connected(
        account=next(one for one in told if one.id == made.account.id),
        collections=[
            CollectionShape(one.id, one.name, one.role, one.is_read) for one in made.survey.collections
        ],
        abilities=list(made.survey.abilities),
        report=report,
    )

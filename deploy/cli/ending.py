"""How a command ends: with an exit status, and on trouble with one line on standard error that says what to do next.

This is the edge of the program: no error goes past it, and none is printed as a traceback unless `-v` asks for it.
"""

import os
import sys
import traceback
from collections.abc import Callable

import click

from schemas.errors import HomeBusy, KithError, ReauthRequired, UsageError

OK, FAILED, USAGE, PARTIAL, RECONNECT, BUSY, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130
"""The exit statuses, as docs/interface.md tells them."""
_STOPPED = "stopped. What was done stays; repeat the command to go on."
_STATUSES: tuple[tuple[type[KithError], int], ...] = (
    (UsageError, USAGE),
    (HomeBusy, BUSY),
    (ReauthRequired, RECONNECT),
)


class Interrupted(Exception):
    """The owner pressed Ctrl-C."""


def ended(act: Callable[[], object], *, verbose: bool) -> int:
    """Run a command to its end; its exit status, whatever happened."""
    try:
        status = act()
        sys.stdout.flush()
    except (KeyboardInterrupt, Interrupted, click.Abort):
        return _told(_STOPPED, INTERRUPTED)
    except BrokenPipeError:
        # Who reads has had enough; what Python would still flush at exit goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else OK
    except Exception as error:  # noqa: BLE001  # the edge of the program, see above
        if verbose:
            traceback.print_exc()
        return _told(*_in_words(error))
    return status if isinstance(status, int) else OK


def _in_words(error: Exception) -> tuple[str, int]:
    match error:
        case KithError():
            status = next((status for kind, status in _STATUSES if isinstance(error, kind)), FAILED)
            return str(error), status
        case click.ClickException():
            return _usage(error), USAGE
        case OSError():
            return _system(error), FAILED
        case MemoryError():
            return (
                "there is not enough memory. What was done stays; free some and repeat the command.",
                FAILED,
            )
        case _ if (fault := _database(error)) is not None:
            return fault, FAILED
        case _:
            where = type(error).__name__
            return (
                f"a fault in Kith itself ({where}). What was done stays. The same command with -v tells more; please "
                "report it."
            ), FAILED


def _usage(error: click.ClickException) -> str:
    """Which word of the command is off, and where the right ones are listed."""
    what = error.format_message() if hasattr(error, "format_message") else str(error)
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "kith"
    told = " ".join(what.split()).rstrip(".")
    # click may end with a question of its own: Did you mean 'people'?
    return f"{told}{'' if told.endswith(('?', '?)')) else '.'} See: {path} --help"


def _system(error: OSError) -> str:
    why = error.strerror or type(error).__name__
    where = f" ({error.filename})" if error.filename else ""
    if isinstance(error, PermissionError):
        return f"permission was refused{where}. Check who owns it, or choose another place."
    return f"the system says: {why}{where}. Mend that and repeat the command; what was done stays."


def _database(error: Exception) -> str | None:
    """What a database's own error means, or None when it is none; it names no statement and no value."""
    from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError  # noqa: PLC0415  # loaded by then, or no such error

    if not isinstance(error, SQLAlchemyError):
        return None
    if isinstance(error, ArgumentError):
        return "KITH_DATABASE_URL is no address of a database. Write it like sqlite:////path/kith.db or postgresql://…"
    text = str(getattr(error, "orig", "")).lower()
    where = f" ({place})" if (place := " ".join(getattr(error, "__notes__", ()))) else ""
    if "locked" in text:
        return "another process is writing to this home and did not finish in a minute. Repeat the command later."
    if "malformed" in text or "not a database" in text:
        return (
            "the database is damaged. `kith doctor` tells more; restore your last backup: kith restore FILE"
        )
    if "full" in text or "no space" in text:
        return f"the disk is full{where}. What was done stays; free some space and repeat the command."
    if "i/o error" in text:
        return f"the disk takes nothing, or gives nothing back{where}. See whether it is sound, and has room."
    if "readonly" in text or "unable to open" in text:
        return f"the database cannot be written{where}. Check who owns the home folder."
    if isinstance(error, DBAPIError):
        return "the database refused. `kith doctor` tells more; the same command with -v tells all."
    return None


def _told(text: str, status: int) -> int:
    from deploy.cli.paper import plain, wrapped  # noqa: PLC0415  # not needed by a command that ends well

    # A candidate list stands under its line; what the owner typed is quoted in either, and must stay harmless.
    first, *more = text.split("\n")
    told = f"kith: {plain(first, 1_000)}"
    # For a script it is one line; a terminal would break it within words.
    lines = [*(wrapped(told) if sys.stderr.isatty() else [told]), *(f"  {plain(line, 300)}" for line in more)]
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    sys.stderr.flush()
    return status

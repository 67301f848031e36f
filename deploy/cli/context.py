"""What every command is handed, and how commands end: one document or calm text out, one line on trouble, a status."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from deploy.settings import Settings, read_settings
from deploy.wiring import Application
from schemas.errors import HomeBusy, KithError, ReauthRequired, UsageError
from schemas.interface import encode
from services.book import Book

OK, FAILED, USAGE, PARTIAL, RECONNECT, BUSY, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130
"""The exit statuses, as docs/interface.md tells them."""


@dataclass
class Context:
    """The options that stand before every command."""

    environment: dict[str, str]
    home: str | None = None
    owner: str = ""
    as_json: bool = False
    verbose: bool = False

    @cached_property
    def settings(self) -> Settings:
        """The settings in force."""
        return read_settings(self.home, self.environment)

    @cached_property
    def application(self) -> Application:
        """The home, opened."""
        return Application(self.settings)

    @cached_property
    def book(self) -> Book:
        """The owner's book."""
        return self.application.book(self.owner)

    def kept(self) -> Book:
        """The owner's book, brought up to the stream's end and the present day."""
        if not self.book.is_kept():
            self.book.keep()
        return self.book

    def put(self, shape: Any) -> None:
        """Write one JSON document to standard output."""
        sys.stdout.write(encode(shape).decode() + "\n")

    def close(self) -> None:
        """Let go of the home."""
        if "application" in self.__dict__:
            self.application.close()


def status_of(error: BaseException) -> int:
    """The exit status that an error ends a command with."""
    match error:
        case UsageError():
            return USAGE
        case HomeBusy():
            return BUSY
        case ReauthRequired():
            return RECONNECT
        case KeyboardInterrupt():
            return INTERRUPTED
        case _:
            return FAILED


@contextmanager
def told(*, verbose: bool) -> Iterator[None]:
    """Turn errors into one line on standard error and an exit status; with `-v` the traceback stays."""
    try:
        yield
    except KithError as error:
        if verbose:
            raise
        sys.stderr.write(f"kith: {error}\n")
        raise SystemExit(status_of(error)) from None
    except KeyboardInterrupt:
        sys.stderr.write("kith: stopped. What was done stays; repeat the command to go on.\n")
        raise SystemExit(INTERRUPTED) from None
    except BrokenPipeError:
        sys.stderr.close()
        raise SystemExit(OK) from None

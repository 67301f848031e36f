"""What every command is handed: the options that stand before it, the home, and the owner's book."""

import io
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from deploy.settings import Settings, read_settings
from schemas.connector import ConnectorSpec
from schemas.interface import encode

if TYPE_CHECKING:
    from deploy.wiring import Application
    from services.book import Book


@dataclass
class Context:
    """The options that stand before every command."""

    environment: dict[str, str]
    home: str | None = None
    owner: str = ""
    as_json: bool = False
    verbose: bool = False
    connectors: Mapping[str, ConnectorSpec] | None = None
    """Instead of all there are."""

    @cached_property
    def settings(self) -> Settings:
        """The settings in force."""
        return read_settings(self.home, self.environment)

    @cached_property
    def application(self) -> "Application":
        """The home, opened."""
        from deploy.wiring import Application  # noqa: PLC0415  # the database is not loaded to explain a command

        return Application(self.settings, self.connectors)

    @cached_property
    def book(self) -> "Book":
        """The owner's book."""
        return self.application.book(self.owner)

    def kept(self) -> "Book":
        """The owner's book, brought up to the stream's end and the present day."""
        if not self.book.is_kept():
            self.book.keep()
        return self.book

    def put(self, shape: Any) -> None:
        """Write one JSON document to standard output: in UTF-8 whatever the terminal speaks (RFC 8259 8.1)."""
        document = encode(shape) + b"\n"
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.flush()
            sys.stdout.buffer.write(document)
        else:
            sys.stdout.write(document.decode())

    def close(self) -> None:
        """Let go of the home; what is asked for after that is opened anew."""
        if "application" in self.__dict__:
            self.application.close()
        for opened in ("settings", "application", "book"):
            self.__dict__.pop(opened, None)

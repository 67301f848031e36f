"""The one place where everything is built and joined."""

import os
import secrets
import socket
import stat
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from connectors import authorities, connectors
from deploy.clock import SystemClock
from deploy.settings import Settings
from schemas.clock import Clock, FrozenClock
from schemas.connector import ConnectorSpec
from schemas.decisions import OwnerDeclared
from schemas.errors import ConfigError, UsageError
from schemas.interface import Digest
from schemas.oauth import AuthoritySpec
from services.book import Book, Habits, begin_book
from services.store import events as stream
from services.store.migrate import migrate
from services.store.unit import Store, open_store

if TYPE_CHECKING:
    from services.digest.render import Links
    from services.links import LinkSigner
    from services.notices import NoticeSigner
    from services.turns import Turns
    from services.vault import Vault


class Application:
    """A home, opened: its settings, clock, store and books."""

    def __init__(self, settings: Settings, known: Mapping[str, ConnectorSpec] | None = None) -> None:
        """Nothing is opened yet.

        Args:
            known: the connectors by their names, instead of all there are.
        """
        self.settings = settings
        self._known = known
        self.clock: Clock = FrozenClock(settings.now) if settings.now else SystemClock()
        self.wake: Callable[[int], None] = lambda _owner: None
        """Told of an owner whose stream has grown."""

    @property
    def connectors(self) -> Mapping[str, ConnectorSpec]:
        """Every connector by its name."""
        return connectors() if self._known is None else self._known

    @property
    def authorities(self) -> Mapping[str, AuthoritySpec]:
        """Whoever lets in by OAuth, by the kind of account."""
        return authorities()

    @cached_property
    def vault(self) -> "Vault":
        """What locks secrets away, with the key of this home."""
        from services.vault import Vault  # noqa: PLC0415  # ciphers are not loaded where no account is touched

        return Vault(self.settings.secret_key)

    @cached_property
    def store(self) -> Store:
        """The store, with the tables of this release.

        Raises:
            ConfigError: the home was never made, or its database cannot be opened.
            HomeTooNew: a later release wrote it.
        """
        if not self.is_made:
            raise ConfigError(
                f"There is no Kith home at {self.settings.home} yet. Make it: kith init --name 'Your Name' "
                "--email you@example.com --timezone Europe/Berlin"
            )
        return self._opened()

    def _opened(self) -> Store:
        store = open_store(self.settings.database_url)
        migrate(store)
        self._guard_files()
        return store

    @property
    def is_made(self) -> bool:
        """Whether this home has been made."""
        file = self.database_file
        return file is None or file.exists()

    @property
    def database_file(self) -> Path | None:
        """The SQLite file, or None for a server."""
        url = self.settings.database_url
        return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None

    def make(self, declared: OwnerDeclared) -> Book:
        """Make the home (folder, key, database) if need be, and the owner's book in it."""
        return self.book_of(begin_book(self.prepare(), declared, self.clock))

    def prepare(self) -> Store:
        """Make the home (folder, key, database) if need be; its store, which may hold no owner yet."""
        home = self.settings.home
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        home.chmod(0o700)
        key = home / "secret.key"
        if not self.settings.secret_key and not key.exists():
            with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(32))
        # Where it was looked who is there already, it is open.
        if "store" not in self.__dict__:
            self.__dict__["store"] = self._opened()
        return self.store

    def book(self, email: str = "") -> Book:
        """The book of the owner with this address, or of the only owner.

        Raises:
            UsageError: no such owner, or several and none named.
        """
        with self.store.read() as unit:
            owners = stream.owners(unit)
        if not owners:
            raise ConfigError(
                "This home has no owner yet. Say who you are: kith init --name … --email … --timezone …"
            )
        if not email:
            if len(owners) > 1:
                names = ", ".join(main for _, main in owners)
                raise UsageError(f"This home has several owners ({names}). Name one with --owner.")
            return self.book_of(owners[0][0])
        found = [key for key, main in owners if main == email.lower()]
        if not found:
            names = ", ".join(main for _, main in owners)
            raise UsageError(f"No owner here has the address {email}. Owners: {names}.")
        return self.book_of(found[0])

    def book_of(self, owner: int) -> Book:
        """The book of the owner with this number."""
        habits = Habits(lookback=self.settings.lookback, weekly_cap=self.settings.weekly_cap)
        return Book(self.store, owner, self.clock, habits)

    @cached_property
    def link_signer(self) -> "LinkSigner | None":
        """Signs the links of digests; None without a key."""
        from services.links import LinkSigner  # noqa: PLC0415  # most commands write no links
        from services.vault import listed  # noqa: PLC0415

        keys = listed(self.settings.secret_key)
        return LinkSigner(keys) if keys else None

    @cached_property
    def notice_signer(self) -> "NoticeSigner | None":
        """Makes and knows the words that notices of news carry; None without a key."""
        from services.notices import NoticeSigner  # noqa: PLC0415  # most commands are told nothing
        from services.vault import listed  # noqa: PLC0415

        keys = listed(self.settings.secret_key)
        return NoticeSigner(keys) if keys else None

    def digest_links(self, owner: int, digest: Digest, *, is_mailed: bool = False) -> "Links":
        """What the lines of an owner's digest lead to; nothing, without a key to sign it with."""
        from services.digest.render import NO_LINKS  # noqa: PLC0415
        from services.links import digest_links  # noqa: PLC0415

        if self.link_signer is None:
            return NO_LINKS
        return digest_links(self.link_signer, self.settings.public_url, owner, digest, is_mailed=is_mailed)

    @cached_property
    def turns(self) -> "Turns":
        """Gives turns to this process."""
        from services.turns import Turns  # noqa: PLC0415  # most commands take none

        holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        return Turns(self.store, SystemClock(), holder)

    def owners(self) -> list[tuple[int, str]]:
        """Number and main address of every owner."""
        with self.store.read() as unit:
            return stream.owners(unit)

    def close(self) -> None:
        """Let go of the database."""
        if "store" in self.__dict__:
            self.store.close()

    def _guard_files(self) -> None:
        """The database is the owner's alone to read; SQLite's side files follow its mode."""
        file = self.database_file
        if file is not None and file.exists() and os.name == "posix":
            mode = stat.S_IMODE(file.stat().st_mode)
            if mode & 0o077:
                file.chmod(0o600)

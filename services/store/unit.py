"""The unit of work: one transaction on one connection, with hooks that run once it is durable.

SQLite: WAL, `synchronous=FULL`, `BEGIN IMMEDIATE` for writes, so that a writer waits at its beginning and never fails
in its middle. PostgreSQL: one advisory lock an owner for appends, taken by `services.store.events`.
"""

import contextlib
import errno
import sqlite3
from collections.abc import Callable, Iterator
from enum import IntEnum
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from schemas.errors import ConfigError

_PAGE_CACHE_KIB = 65_536
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})
_LOCKS = 0x4B697400
"""Keeps Kith's advisory locks apart from other programs' in a shared database."""


Unavailable = OperationalError
"""The database cannot do what it was told now: the disk is full, it may not be written, or it does not answer."""


def is_for_want_of_room(error: BaseException) -> bool:
    """Whether something failed because it could not be written, in the database or beside it; nothing else is wrong."""
    return isinstance(error, Unavailable) or (isinstance(error, OSError) and error.errno in _NO_ROOM)


def why_unavailable(error: Unavailable) -> str:
    """What keeps the database from it, in words that name no statement and no value."""
    said = str(error.orig).lower()
    # SQLite says "full", PostgreSQL "No space left on device".
    if "full" in said or "no space" in said:
        return "The disk is full. What was done stays; free some space."
    if "i/o error" in said:
        return "The disk takes nothing, or gives nothing back. See whether it is sound, and has room."
    if "readonly" in said or "unable to open" in said:
        return "The database cannot be written. Check who owns the home folder, and whether its disk may be written."
    return "The database does not answer, or is busy."


class Duty(IntEnum):
    """What is done by one writer at a time."""

    APPEND = 0
    TELL = 1
    SPEND = 2


class Unit:
    """One transaction; `after_commit` hooks run after it, in order, and never when it is rolled back."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._hooks: list[Callable[[], None]] = []

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is SQLite."""
        return self.connection.dialect.name == "sqlite"

    def alone(self, owner: int, what: Duty) -> None:
        """Wait until nobody else does this for this owner, to the end of the transaction.

        SQLite has one writer anyway; PostgreSQL holds an advisory lock.
        """
        if not self.is_sqlite:
            statement = text("SELECT pg_advisory_xact_lock(:purpose, :owner)")
            self.connection.execute(statement, {"purpose": _LOCKS + what, "owner": owner})

    def after_commit(self, hook: Callable[[], None]) -> None:
        """Run `hook` once the transaction is durable."""
        self._hooks.append(hook)

    def committed(self) -> None:
        """Run the hooks; called by the store alone."""
        for hook in self._hooks:
            hook()


class Store:
    """A database holding one installation; hand it around, open units from it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def file(self) -> Path | None:
        """The file that holds the database; None where a server does."""
        name = self.engine.url.database
        is_file = self.engine.dialect.name == "sqlite" and name and name != ":memory:"
        return Path(str(name)) if is_file else None

    @contextlib.contextmanager
    def write(self) -> Iterator[Unit]:
        """A unit that may write; commits at the end, rolls back when the block raises."""
        with self.engine.connect() as connection, connection.begin():
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            unit = Unit(connection)
            yield unit
        unit.committed()

    @contextlib.contextmanager
    def read(self) -> Iterator[Unit]:
        """A unit that only reads, from one snapshot."""
        with self.engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN")
            else:
                connection.execution_options(isolation_level="REPEATABLE READ")
            yield Unit(connection)
            connection.rollback()

    def close(self) -> None:
        """Let go of every connection."""
        self.engine.dispose()


def open_store(url: str) -> Store:
    """The store at an SQLAlchemy URL for SQLite or PostgreSQL (psycopg).

    Raises:
        ConfigError: the URL names another database, or its driver is not installed.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return Store(_sqlite(parsed))
    if parsed.get_backend_name() == "postgresql":
        try:
            return Store(create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True))
        except ModuleNotFoundError as error:
            raise ConfigError(
                "PostgreSQL needs its driver, which is not installed here. Install Kith with the extra "
                "`postgres`: pip install 'kith[postgres]'."
            ) from error
    raise ConfigError(
        f"KITH_DATABASE_URL names {parsed.get_backend_name()}; Kith keeps its book in SQLite or PostgreSQL. "
        "Set it to sqlite:///path/kith.db or postgresql://user@host/database."
    )


def _sqlite(url: URL) -> Engine:
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": 60})

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        # The driver's own transaction handling is switched off: Store.write says BEGIN IMMEDIATE itself.
        connection.isolation_level = None
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "secure_delete = ON",
            "busy_timeout = 60000",
            f"cache_size = -{_PAGE_CACHE_KIB}",
            "temp_store = MEMORY",
            "wal_autocheckpoint = 64000",
            "journal_size_limit = 33554432",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "handle_error")
    def _name_the_place(context: ExceptionContext) -> None:
        # Whoever reads that a disk is full wants to know which.
        if context.sqlalchemy_exception is not None:
            context.sqlalchemy_exception.add_note(str(url.database))

    return engine

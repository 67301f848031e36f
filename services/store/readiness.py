"""Whether the store can be worked with: it answers, its tables are of this release, and it takes what is written."""

import shutil
from collections.abc import Iterator

from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError

from services.store.migrate import HEAD, current
from services.store.tables import lease
from services.store.unit import Store, Unavailable, Unit, why_unavailable
from services.store.upsert import put_rows

_LEAST_FREE_BYTES = 10_000_000
"""What a batch of events may take. SQLite writes small things into room that it has already, also on a full disk."""
_NOBODY = 0
_NAME = "readiness"


def troubles(store: Store) -> Iterator[str]:
    """What keeps the store from being ready, each in one sentence without anything private."""
    try:
        with store.read() as unit:
            revision = current(unit.connection)
    except SQLAlchemyError as error:
        yield f"database: it cannot be reached ({type(error).__name__})."
        return
    if revision != HEAD:
        yield f"migrations: the tables are at {revision or 'nothing'}, this release needs {HEAD}. Run: kith migrate"
        return
    if store.file is not None and (free := shutil.disk_usage(store.file.parent).free) < _LEAST_FREE_BYTES:
        yield f"disk: it is full, or nearly so ({free // 1_000_000} MB are left). Free some space."
        return
    try:
        _write_something(store)
    except Unavailable as error:
        if not _is_busy(error):
            yield f"database: {why_unavailable(error)}"
    except SQLAlchemyError as error:
        yield f"database: it cannot be written ({type(error).__name__})."


def _write_something(store: Store) -> None:
    """A write that lasts: one that is rolled back never comes to the disk."""
    with store.engine.connect() as connection:
        # A connection of its own, and closed after: no other should be as impatient as this one.
        connection.detach()
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA busy_timeout = 0")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql("SET LOCAL lock_timeout = '1s'")
        columns = ("owner", "name", "holder", "fence", "expires_at")
        put_rows(Unit(connection), lease, columns, [(_NOBODY, _NAME, "", 0, 0)], "leave")
        is_it = (lease.c.owner == _NOBODY) & (lease.c.name == _NAME)
        connection.execute(update(lease).where(is_it).values(fence=lease.c.fence + 1))
        connection.commit()


def _is_busy(error: Unavailable) -> bool:
    """Whether somebody else writes just now, so that it can be written."""
    said = str(error.orig).lower()
    return "locked" in said or "lock timeout" in said

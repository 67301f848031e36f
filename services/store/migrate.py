"""Brings a database to the tables of this release; an old home always opens, a newer one is refused.

Alembic is heavy to import, so a database that is up to date is recognised without it.
"""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from schemas.errors import HomeTooNew
from services.store.unit import Store

HEAD = "0004"
_SCRIPTS = Path(__file__).parent / "migrations"


def migrate(store: Store) -> str | None:
    """Upgrade the database; the revision it had, or None when it was empty.

    Raises:
        HomeTooNew: a later release wrote it.
    """
    with store.engine.connect() as connection:
        revision = current(connection)
    if revision == HEAD:
        return revision
    if revision is not None and revision > HEAD:
        raise HomeTooNew(
            f"This book was written by a later release of Kith (its tables are at {revision}, this release knows "
            f"{HEAD}). Nothing was touched. Install that release again, or restore a backup made before it."
        )
    from alembic import command  # noqa: PLC0415  # 0.6 s that an up-to-date home need not spend
    from alembic.config import Config  # noqa: PLC0415  # likewise

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    with store.write() as unit:
        config.attributes["connection"] = unit.connection
        command.upgrade(config, "head")
    return revision


def current(connection: Connection) -> str | None:
    """The revision of a database's tables; None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    row = connection.execute(text("SELECT version_num FROM alembic_version")).first()
    return str(row.version_num) if row else None

"""Leaves no byte of what was blanked or dropped: freed pages, dead rows and the write-ahead log are rewritten."""

from services.store.tables import metadata
from services.store.unit import Store


def scrub(store: Store) -> None:
    """Rewrite the database's files, so that they hold what its tables hold and nothing else.

    SQLite: `VACUUM` (https://www.sqlite.org/lang_vacuum.html) by way of a file, as the home may be larger than memory,
    then a checkpoint that cuts the log to nothing, as soon as those who still read from it are done. PostgreSQL:
    `VACUUM FULL`; what its own log and archives keep is the server's affair.
    """
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if connection.dialect.name == "sqlite":
            for statement in (
                "PRAGMA wal_checkpoint(TRUNCATE)",
                "PRAGMA temp_store = FILE",
                "VACUUM",
                "PRAGMA temp_store = MEMORY",
                "PRAGMA wal_checkpoint(TRUNCATE)",
            ):
                connection.exec_driver_sql(statement)
            return
        quote = connection.dialect.identifier_preparer.quote
        for table in (*(one.name for one in metadata.sorted_tables), "search"):
            connection.exec_driver_sql(f"VACUUM FULL {quote(table)}")

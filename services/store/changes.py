"""Whether anybody wrote to the database since one last looked: the cheapest question there is."""

from sqlalchemy import Connection

from services.store.unit import Store


class Changes:
    """Watches a store from one connection of its own; for one thread."""

    def __init__(self, store: Store) -> None:
        self._connection: Connection = store.engine.connect()
        self._version: int | None = None

    def are_there(self) -> bool:
        """Whether another connection, of this process or another, may have written since the last look.

        SQLite tells by `PRAGMA data_version` (https://www.sqlite.org/pragma.html#pragma_data_version), without
        touching a table. A server is always taken to have changed.
        """
        if self._connection.dialect.name != "sqlite":
            return True
        version = self._connection.exec_driver_sql("PRAGMA data_version").scalar_one()
        self._connection.rollback()
        was, self._version = self._version, int(version)
        return was != self._version

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

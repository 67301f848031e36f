"""Many rows in one statement, on both databases: inserted, or where the key stands, replaced, added to or left.

Core compiles each statement once; the rows then go straight to the driver, because on the hot path Core's care for
every value costs more than the database does. Rows are tuples in the order of `columns`.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

from sqlalchemy import Table, insert
from sqlalchemy.engine import Dialect

from services.store.unit import Unit

Conflict = Literal["fail", "replace", "add", "leave"]


def put_rows(
    unit: Unit,
    table: Table,
    columns: tuple[str, ...],
    rows: Sequence[tuple[Any, ...]],
    conflict: Conflict = "fail",
    changes: tuple[str, ...] = (),
) -> None:
    """Insert rows.

    Args:
        columns: the names of the values in each row.
        conflict: what to do where the primary key stands: `replace` sets `changes` to the new values, `add` adds the
            new values of `changes` to the old, `leave` keeps the old row.
    """
    if not rows:
        return
    sql, names = _compiled(table, columns, conflict, changes, unit.connection.dialect)
    if names is None:
        unit.connection.exec_driver_sql(sql, list(rows))
    else:
        unit.connection.exec_driver_sql(sql, [dict(zip(columns, row, strict=True)) for row in rows])


@lru_cache(maxsize=128)
def _compiled(
    table: Table, columns: tuple[str, ...], conflict: Conflict, changes: tuple[str, ...], dialect: Dialect
) -> tuple[str, tuple[str, ...] | None]:
    statement: Any
    if conflict == "fail":
        statement = insert(table)
    else:
        statement = _insert(table, dialect)
        keys = [column.name for column in table.primary_key]
        if conflict == "leave":
            statement = statement.on_conflict_do_nothing(index_elements=keys)
        else:
            new = statement.excluded
            statement = statement.on_conflict_do_update(
                index_elements=keys,
                set_={
                    name: table.c[name] + new[name] if conflict == "add" else new[name] for name in changes
                },
            )
    compiled = statement.compile(dialect=dialect, column_keys=list(columns))
    if compiled.positional:
        order = tuple(compiled.positiontup or ())
        if order != columns:
            raise ValueError(f"the columns of {table.name} must be given in the order {order}")
        return str(compiled), None
    return str(compiled), columns


def _insert(table: Table, dialect: Dialect) -> Any:
    """The dialect's own INSERT; the other dialect's modules cost 40 ms that a command need not spend."""
    if dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert as of_sqlite  # noqa: PLC0415

        return of_sqlite(table)
    from sqlalchemy.dialects.postgresql import insert as of_postgresql  # noqa: PLC0415

    return of_postgresql(table)

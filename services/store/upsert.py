"""Insert or update in one statement, on both databases."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from services.store.unit import Unit


def upsert(unit: Unit, table: Table, values: Sequence[dict[str, Any]], changes: Sequence[str]) -> None:
    """Insert rows; where the primary key stands already, set `changes` to the new values."""
    if not values:
        return
    build = sqlite.insert if unit.is_sqlite else postgresql.insert
    statement = build(table)
    keys = [column.name for column in table.primary_key]
    if changes:
        statement = statement.on_conflict_do_update(
            index_elements=keys, set_={name: statement.excluded[name] for name in changes}
        )
    else:
        statement = statement.on_conflict_do_nothing(index_elements=keys)
    unit.connection.execute(statement, values)


def add_to(unit: Unit, table: Table, values: Sequence[dict[str, Any]], counter: str) -> None:
    """Insert rows; where the primary key stands already, add the new counter to the old."""
    if not values:
        return
    build = sqlite.insert if unit.is_sqlite else postgresql.insert
    statement = build(table)
    statement = statement.on_conflict_do_update(
        index_elements=[column.name for column in table.primary_key],
        set_={counter: table.c[counter] + statement.excluded[counter]},
    )
    unit.connection.execute(statement, values)

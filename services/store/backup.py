"""The tables that hold the truth, as JSON lines: out in the order of their keys, and in again into empty ones."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw
from sqlalchemy import Boolean, Column, LargeBinary, SmallInteger, Table, Text, func, select, text
from sqlalchemy.exc import SQLAlchemyError

from services.store.tables import (
    account,
    cursor,
    event,
    feed,
    held,
    outbox,
    owner,
    reject,
    schedule,
    source,
    task,
)
from services.store.unit import Duty, Unit
from services.store.upsert import put_rows

TRUTH: dict[str, Table] = {
    table.name: table
    for table in (owner, source, event, held, cursor, reject, schedule, account, feed, outbox, task)
}
"""What everything else is derived from; in this order a row never comes before one that it leans on."""
_AT_ONCE = 2_000
_encode = msgspec.json.Encoder().encode


class UnfitRow(ValueError):
    """A line is no row of its table, or the database will not take it."""


def lines_of(unit: Unit, table: Table) -> Iterator[bytes]:
    """Each row as a JSON object, by key; a few thousand in memory at a time."""
    row_type = _row_type(table)
    bodies = [index for index, one in enumerate(table.columns) if isinstance(one.type, LargeBinary)]
    statement = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=_AT_ONCE)
    for row in unit.connection.execute(statement):
        values = list(row)
        for index in bodies:
            values[index] = Raw(values[index])
        yield _encode(row_type(*values))


def load(unit: Unit, table: Table, lines: Iterable[bytes]) -> int:
    """Put rows into a table that does not hold them yet; how many there were.

    Raises:
        UnfitRow: a line is no row of this table.
    """
    columns = tuple(column.name for column in table.columns)
    decode = msgspec.json.Decoder(_row_type(table)).decode
    try:
        rows = [
            tuple(bytes(value) if isinstance(value, Raw) else value for value in msgspec.structs.astuple(one))
            for one in map(decode, lines)
        ]
        put_rows(unit, table, columns, rows)
    except (msgspec.MsgspecError, UnicodeError, SQLAlchemyError) as error:
        raise UnfitRow(table.name) from error
    return len(rows)


def begin_loading(unit: Unit) -> bool:
    """Keep others from appending; whether there is nothing here yet."""
    unit.alone(0, Duty.APPEND)
    return not any(
        unit.connection.execute(select(table).limit(1)).first() for table in (owner, source, event)
    )


def go_on_counting(unit: Unit) -> None:
    """Have the next row that is numbered by the database follow the last one there is; SQLite does by itself."""
    if unit.is_sqlite:
        return
    for table in (owner, source, event):
        name = unit.connection.execute(
            text("SELECT pg_get_serial_sequence(:table, :column)"),
            {"table": table.name, "column": _number(table).name},
        ).scalar()
        last = unit.connection.execute(select(func.max(_number(table)))).scalar()
        if name and last:
            unit.connection.execute(text("SELECT setval(:name, :last)"), {"name": name, "last": last})


def _number(table: Table) -> Column[Any]:
    (only,) = table.primary_key.columns
    return only


def _row_type(table: Table) -> type[msgspec.Struct]:
    return msgspec.defstruct(
        table.name, [(str(one.name), _value_type(one)) for one in table.columns], forbid_unknown_fields=True
    )


def _value_type(column: Column[Any]) -> Any:
    kind: Any
    match column.type:
        case LargeBinary():
            kind = Raw
        case Text():
            kind = str
        case Boolean():
            kind = bool
        case SmallInteger():
            kind = Annotated[int, Meta(ge=-(2**15), le=2**15 - 1)]
        case _:
            kind = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
    return kind | None if column.nullable else kind

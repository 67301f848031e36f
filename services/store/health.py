"""Whether a database is sound: asked by `kith doctor`; reads, and mends nothing."""

from sqlalchemy import text

from services.store.unit import Unit

_FINDINGS = 5


def damage(unit: Unit) -> list[str]:
    """What is broken in the database's own structure, a few lines of it; empty when it is whole.

    PostgreSQL keeps its own checksums and tells of damage by refusing; there a reading of the event table is asked for.
    """
    if unit.is_sqlite:
        found = unit.connection.execute(text(f"PRAGMA integrity_check({_FINDINGS})")).scalars()
        return [line for line in map(str, found) if line != "ok"]
    unit.connection.execute(text("SELECT count(*) FROM event")).scalar_one()
    return []


def newest_record(unit: Unit) -> int | None:
    """When the newest event was recorded, as an epoch; None for an empty book."""
    newest = unit.connection.execute(text("SELECT max(recorded_at) FROM event")).scalar()
    return int(newest) if newest is not None else None

"""Rows of what is due and of who may run what: both tables move by compare-and-set alone."""

from msgspec import Struct
from sqlalchemy import delete, select, update

from services.store.tables import lease, schedule
from services.store.unit import Unit
from services.store.upsert import put_rows


class Due(Struct, frozen=True):
    """Something that falls due; `last_at` is when it last was."""

    owner: int
    name: str
    due_at: int
    last_at: int | None


class Lease(Struct, frozen=True):
    """The right to run one thing of an owner's for a while; a greater `fence` is a newer right."""

    owner: int
    name: str
    holder: str
    fence: int
    expires_at: int


# --- due --------------------------------------------------------------------------------------------------------------


def due(unit: Unit, who: int, name: str) -> Due | None:
    """When something of an owner's is due."""
    row = unit.connection.execute(
        select(schedule).where(schedule.c.owner == who, schedule.c.name == name)
    ).first()
    return Due(row.owner, row.name, row.due_at, row.last_at) if row else None


def plan(unit: Unit, who: int, name: str, due_at: int) -> None:
    """Set when something is due first; what is planned already stays as it is."""
    put_rows(unit, schedule, ("owner", "name", "due_at"), [(who, name, due_at)], "leave")


def move(unit: Unit, was: Due, due_at: int, last_at: int | None) -> bool:
    """Set when something is due next, unless somebody else did meanwhile; whether it was set."""
    result = unit.connection.execute(
        update(schedule)
        .where(
            schedule.c.owner == was.owner,
            schedule.c.name == was.name,
            schedule.c.due_at == was.due_at,
        )
        .values(due_at=due_at, last_at=last_at)
    )
    return bool(result.rowcount)


# --- leases -----------------------------------------------------------------------------------------------------------


def lease_of(unit: Unit, who: int, name: str) -> Lease | None:
    """The newest right that was given."""
    row = unit.connection.execute(select(lease).where(lease.c.owner == who, lease.c.name == name)).first()
    return Lease(row.owner, row.name, row.holder, row.fence, row.expires_at) if row else None


def give(unit: Unit, right: Lease) -> bool:
    """Give a right, unless its fence is not the next; whether it was given."""
    note_fence(unit, right.owner, right.name, 0)
    result = unit.connection.execute(
        update(lease)
        .where(lease.c.owner == right.owner, lease.c.name == right.name, lease.c.fence == right.fence - 1)
        .values(holder=right.holder, fence=right.fence, expires_at=right.expires_at)
    )
    return bool(result.rowcount)


def note_fence(unit: Unit, who: int, name: str, fence: int) -> None:
    """Keep a fencing number under a name, where it is greater than the one kept."""
    columns = ("owner", "name", "holder", "fence", "expires_at")
    put_rows(unit, lease, columns, [(who, name, "", 0, 0)], "leave")
    unit.connection.execute(
        update(lease)
        .where(lease.c.owner == who, lease.c.name == name, lease.c.fence < fence)
        .values(fence=fence)
    )


def prolong(unit: Unit, held: Lease, expires_at: int) -> bool:
    """Hold on to a right; False when it was given to somebody else meanwhile."""
    result = unit.connection.execute(
        update(lease)
        .where(
            lease.c.owner == held.owner,
            lease.c.name == held.name,
            lease.c.holder == held.holder,
            lease.c.fence == held.fence,
        )
        .values(expires_at=expires_at)
    )
    return bool(result.rowcount)


def take_away(unit: Unit, who: int, what: str) -> None:
    """Whoever holds a right whose name speaks of this writes nothing more."""
    unit.connection.execute(
        delete(lease).where(lease.c.owner == who, lease.c.name.contains(what, autoescape=True))
    )


def drop_over(unit: Unit, who: int, begin: str, now: int) -> None:
    """Forget the rights of an owner whose names begin so and whose time is over, their numbers as well."""
    unit.connection.execute(
        delete(lease).where(
            lease.c.owner == who,
            lease.c.name.startswith(begin, autoescape=True),
            lease.c.expires_at <= now,
        )
    )


def end_leases(unit: Unit, now: int) -> None:
    """No right that somebody holds stands beyond now."""
    unit.connection.execute(
        update(lease).where(lease.c.holder != "", lease.c.expires_at > now).values(expires_at=now)
    )

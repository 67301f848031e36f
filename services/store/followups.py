"""Rows of the follow-ups as they stood when last told."""

from collections.abc import Iterator, Sequence

from sqlalchemy import delete, insert, select

from services.store.tables import followup
from services.store.unit import Unit


def set_followups(unit: Unit, who: int, told: Sequence[tuple[str, str, str, int | None, bytes]]) -> None:
    """Put follow-ups (id, state, rule, person, shape) in place of all there were."""
    unit.connection.execute(delete(followup).where(followup.c.owner == who))
    if told:
        unit.connection.execute(
            insert(followup),
            [
                {"owner": who, "key": key, "state": state, "rule": rule, "person": person, "shape": shape}
                for key, state, rule, person, shape in told
            ],
        )


def followups(unit: Unit, who: int, person: int | None = None) -> Iterator[bytes]:
    """The shapes of all follow-ups, or of one person's, by id."""
    statement = select(followup.c.shape).where(followup.c.owner == who).order_by(followup.c.key)
    if person is not None:
        statement = statement.where(followup.c.person == person)
    yield from unit.connection.execute(statement).scalars()


def state_of(unit: Unit, who: int, key: str) -> str | None:
    """The state of one follow-up; None when there is none."""
    return unit.connection.execute(
        select(followup.c.state).where(followup.c.owner == who, followup.c.key == key)
    ).scalar_one_or_none()


def followups_like(unit: Unit, who: int, beginning: str) -> list[bytes]:
    """The shapes of follow-ups whose id begins so."""
    statement = select(followup.c.shape).where(
        followup.c.owner == who, followup.c.key.startswith(beginning, autoescape=True)
    )
    return list(unit.connection.execute(statement).scalars())

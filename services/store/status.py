"""What the status page counts; every query is bounded by an index or by the size of one narrow table."""

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import case, func, select

from services.store.tables import cursor, event, followup, held, interaction, person, reject, source, thread
from services.store.unit import Unit

_RECENT = 20_000
_LONGEST_MEETING = 40 * 86_400


class SourceFacts(Struct):
    """What is known of one source: times are whole seconds, None where there is none."""

    key: int
    account: str
    stream: str
    items: int = 0
    newest_at: int | None = None
    read_at: int | None = None


def source_facts(unit: Unit, who: int, now: int, without: Sequence[str]) -> list[SourceFacts]:
    """Every source of an owner but those of some accounts, by account and stream."""
    statement = select(source).where(source.c.owner == who).order_by(source.c.account, source.c.stream)
    facts = {
        row.id: SourceFacts(row.id, row.account, row.stream)
        for row in unit.connection.execute(statement)
        if row.account not in without
    }
    last_seq: dict[int, int] = {}
    counts = select(held.c.source, func.count(), func.max(held.c.seq)).where(held.c.owner == who)
    for key, items, seq in unit.connection.execute(counts.group_by(held.c.source)):
        if key in facts:
            facts[key].items = items
            last_seq[seq] = key
    recorded = select(event.c.seq, event.c.recorded_at).where(event.c.seq.in_(last_seq))
    for seq, at in unit.connection.execute(recorded):
        facts[last_seq[seq]].read_at = at
    _newest(unit, who, now, facts)
    return list(facts.values())


def _newest(unit: Unit, who: int, now: int, facts: dict[int, SourceFacts]) -> None:
    """The newest thing that has happened by each source: among the last interactions, else in what it holds."""
    recent = (
        select(interaction.c.source, interaction.c.at)
        .where(interaction.c.owner == who, interaction.c.at <= now)
        .order_by(interaction.c.at.desc())
        .limit(_RECENT)
        .subquery()
    )
    newest = select(recent.c.source, func.max(recent.c.at)).group_by(recent.c.source)
    for key, at in unit.connection.execute(newest):
        if key in facts:
            facts[key].newest_at = at
    for one in facts.values():
        if one.newest_at is None and one.items:
            seqs = select(held.c.seq).where(held.c.owner == who, held.c.source == one.key)
            one.newest_at = unit.connection.execute(
                select(func.max(event.c.at)).where(event.c.seq.in_(seqs), event.c.at <= now)
            ).scalar()


def last_read(unit: Unit, who: int) -> int | None:
    """When a checkpoint was last kept: the last time that any source was read to an end of a page."""
    return unit.connection.execute(
        select(func.max(cursor.c.updated_at)).where(cursor.c.owner == who)
    ).scalar()


def people_by_status(unit: Unit, who: int) -> dict[str, int]:
    """How many entries are people, wait, or are automated."""
    statement = select(person.c.status, func.count()).where(person.c.owner == who).group_by(person.c.status)
    return {status: int(count) for status, count in unit.connection.execute(statement)}


def interactions_by_kind(unit: Unit, who: int, now: int) -> dict[int, tuple[int, int]]:
    """How many interactions there are, and how many of them took place and are over, by kind.

    The kinds are those of `services.history.parts.Kind`; what is no meeting has no end, and counts as none over.
    """
    over = func.sum(case((interaction.c.is_held & (interaction.c.ends_at <= now), 1), else_=0))
    statement = (
        select(interaction.c.kind, func.count(), over)
        .where(interaction.c.owner == who)
        .group_by(interaction.c.kind)
    )
    return {kind: (int(count), int(ended)) for kind, count, ended in unit.connection.execute(statement)}


def threads_by_state(unit: Unit, who: int) -> dict[str, int]:
    """How many threads there are with anything in them, by state."""
    statement = (
        select(thread.c.state, func.count())
        .where(thread.c.owner == who, thread.c.merged_into.is_(None), thread.c.messages > 0)
        .group_by(thread.c.state)
    )
    return {state: int(count) for state, count in unit.connection.execute(statement)}


def followups_by_state(unit: Unit, who: int) -> dict[str, int]:
    """How many follow-ups there are, by state."""
    statement = (
        select(followup.c.state, func.count()).where(followup.c.owner == who).group_by(followup.c.state)
    )
    return {state: int(count) for state, count in unit.connection.execute(statement)}


def reject_count(unit: Unit, who: int) -> int:
    """How many records could not be understood."""
    return int(
        unit.connection.execute(
            select(func.count()).select_from(reject).where(reject.c.owner == who)
        ).scalar_one()
    )


def newest_rejects(unit: Unit, who: int, limit: int) -> list[tuple[str, str, str, int]]:
    """Source, place, reason and time of the records refused last."""
    statement = (
        select(reject.c.source, reject.c.place, reject.c.reason, reject.c.at)
        .where(reject.c.owner == who)
        .order_by(reject.c.at.desc(), reject.c.source, reject.c.place)
        .limit(limit)
    )
    return [tuple(row) for row in unit.connection.execute(statement)]


def events_after(unit: Unit, who: int, seq: int, at_most: int) -> int:
    """How many events wait behind a position, counted up to a limit."""
    behind = select(event.c.seq).where(event.c.owner == who, event.c.seq > seq).limit(at_most).subquery()
    return int(unit.connection.execute(select(func.count()).select_from(behind)).scalar_one())


def events_since(unit: Unit, who: int, since: int) -> dict[str, int]:
    """How many events each account brought since an instant, among the last of the stream."""
    recent = (
        select(event.c.source, event.c.recorded_at)
        .where(event.c.owner == who)
        .order_by(event.c.seq.desc())
        .limit(_RECENT)
        .subquery()
    )
    statement = (
        select(source.c.account, func.count())
        .select_from(recent.join(source, source.c.id == recent.c.source))
        .where(recent.c.recorded_at >= since)
        .group_by(source.c.account)
    )
    return {account: int(count) for account, count in unit.connection.execute(statement)}


def next_end(unit: Unit, who: int, kind: int, after: int, before: int) -> int | None:
    """The first end after `after` of a meeting that began before `before`, and not more than forty days ago."""
    statement = select(func.min(interaction.c.ends_at)).where(
        interaction.c.owner == who,
        interaction.c.kind == kind,
        interaction.c.at > after - _LONGEST_MEETING,
        interaction.c.at < before,
        interaction.c.ends_at > after,
    )
    return unit.connection.execute(statement).scalar()


def recorded_at(unit: Unit, seq: int) -> int:
    """When an event was recorded; 0 for none."""
    return int(unit.connection.execute(select(event.c.recorded_at).where(event.c.seq == seq)).scalar() or 0)

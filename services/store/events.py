"""The stream: append and read, in order, once; with what each source holds now, cursors and rejects.

An append and the checkpoint it belongs to share one unit. On PostgreSQL an append holds one advisory lock an owner
until its commit, so that `seq` becomes visible in order; SQLite has one writer anyway.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Struct
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    and_,
    any_,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from schemas.interface import Reject
from services.store.tables import cursor, event, held, owner, projection, reject, source
from services.store.unit import Duty, Unit
from services.store.upsert import put_rows


class NewEvent(Struct):
    """An event about to be appended; instants are whole seconds UTC, `body` is JSON."""

    source: int
    kind: str
    external_id: str
    revision: str
    at: int
    body: bytes
    replaces: int | None = None


class StoredEvent(NamedTuple):
    """An event as the stream holds it."""

    seq: int
    source: int
    kind: str
    version: int
    external_id: str
    revision: str
    at: int
    recorded_at: int
    replaces: int | None
    body: bytes


class Held(Struct, frozen=True):
    """What a source holds of one item now."""

    key: int
    stamp: str
    digest: int
    fingerprint: int
    seq: int


def owner_id(unit: Unit, email: str) -> int | None:
    """The row number of the owner with this main address."""
    return unit.connection.execute(select(owner.c.id).where(owner.c.email == email)).scalar()


def owners(unit: Unit) -> list[tuple[int, str]]:
    """Every owner of the installation, first made first."""
    return [(row.id, row.email) for row in unit.connection.execute(select(owner).order_by(owner.c.id))]


def add_owner(unit: Unit, email: str, now: int) -> int:
    """Make an owner; its row number."""
    result = unit.connection.execute(insert(owner).values(email=email, created_at=now))
    key = result.inserted_primary_key
    return int(key[0]) if key else 0


def owner_created_at(unit: Unit, who: int) -> int:
    """When the owner was made."""
    return int(unit.connection.execute(select(owner.c.created_at).where(owner.c.id == who)).scalar_one())


def source_id(unit: Unit, who: int, account: str, stream: str) -> int:
    """The row number of a stream in an account, made when new."""
    known = unit.connection.execute(
        select(source.c.id).where(
            source.c.owner == who, source.c.account == account, source.c.stream == stream
        )
    ).scalar()
    if known is not None:
        return int(known)
    result = unit.connection.execute(insert(source).values(owner=who, account=account, stream=stream))
    key = result.inserted_primary_key
    return int(key[0]) if key else 0


def sources(unit: Unit, who: int) -> dict[int, tuple[str, str]]:
    """Account and stream by row number."""
    return {
        row.id: (row.account, row.stream)
        for row in unit.connection.execute(select(source).where(source.c.owner == who))
    }


ERASED = "erased"
"""The account of all that came from accounts whose traces were erased."""
_EVENT = tuple(column.name for column in event.columns)
_HELD = tuple(column.name for column in held.columns)


def append(unit: Unit, who: int, recorded_at: int, version: int, events: Sequence[NewEvent]) -> int:
    """Append events in the order given; the `seq` of the first, the others follow without a gap of their own."""
    if not events:
        return last_seq(unit, who) + 1
    # Numbers are shared by all owners, and must become visible in their order.
    unit.alone(0, Duty.APPEND)
    first = int(unit.connection.execute(select(func.coalesce(func.max(event.c.seq), 0))).scalar_one()) + 1
    put_rows(
        unit,
        event,
        _EVENT,
        [
            (
                first + index,
                who,
                item.source,
                item.kind,
                version,
                item.external_id,
                item.revision,
                item.at,
                recorded_at,
                item.replaces,
                item.body,
            )
            for index, item in enumerate(events)
        ],
    )
    return first


def last_seq(unit: Unit, who: int) -> int:
    """The newest `seq` of an owner; 0 for an empty stream."""
    return int(
        unit.connection.execute(
            select(func.coalesce(func.max(event.c.seq), 0)).where(event.c.owner == who)
        ).scalar_one()
    )


_COLUMNS = (
    event.c.seq,
    event.c.source,
    event.c.kind,
    event.c.version,
    event.c.external_id,
    event.c.revision,
    event.c.at,
    event.c.recorded_at,
    event.c.replaces,
    event.c.body,
)


def read_after(unit: Unit, who: int, seq: int, limit: int) -> list[StoredEvent]:
    """At most `limit` events after `seq`, in order."""
    statement = (
        select(*_COLUMNS).where(event.c.seq > seq, event.c.owner == who).order_by(event.c.seq).limit(limit)
    )
    return [StoredEvent._make(row) for row in unit.connection.execute(statement).all()]


def read_all(unit: Unit, who: int, batch: int = 2_000) -> Iterator[StoredEvent]:
    """Every event in order, a batch in memory at a time."""
    seq = 0
    while page := read_after(unit, who, seq, batch):
        yield from page
        seq = page[-1].seq


def read_these(unit: Unit, who: int, seqs: Iterable[int]) -> dict[int, StoredEvent]:
    """The events with these numbers."""
    found: dict[int, StoredEvent] = {}
    for chunk in chunks(list(seqs)):
        statement = select(*_COLUMNS).where(event.c.owner == who, among(unit, event.c.seq, chunk))
        found.update((row[0], StoredEvent._make(row)) for row in unit.connection.execute(statement).all())
    return found


class Body(NamedTuple):
    """What an event says, and of which item."""

    seq: int
    kind: str
    version: int
    external_id: str
    body: bytes


def read_bodies(unit: Unit, who: int, seqs: Iterable[int]) -> dict[int, Body]:
    """What the events with these numbers say."""
    columns = (event.c.seq, event.c.kind, event.c.version, event.c.external_id, event.c.body)
    found: dict[int, Body] = {}
    for chunk in chunks(list(seqs)):
        statement = select(*columns).where(event.c.owner == who, among(unit, event.c.seq, chunk))
        found.update((row[0], Body._make(row)) for row in unit.connection.execute(statement).all())
    return found


def read_kinds(unit: Unit, who: int, kinds: Sequence[str], after: int = 0) -> list[StoredEvent]:
    """Every event of a few kinds after a `seq`, in order; for kinds of which there are few."""
    statement = (
        select(*_COLUMNS)
        .where(event.c.seq > after, event.c.owner == who, event.c.kind.in_(kinds))
        .order_by(event.c.seq)
    )
    return [StoredEvent._make(row) for row in unit.connection.execute(statement)]


def held_of(unit: Unit, who: int, keys: Sequence[int]) -> dict[int, Held]:
    """What is held of these items, by key."""
    found: dict[int, Held] = {}
    for chunk in chunks(keys):
        statement = select(held.c.key, held.c.stamp, held.c.digest, held.c.fingerprint, held.c.seq).where(
            held.c.owner == who, among(unit, held.c.key, chunk)
        )
        found.update((row[0], Held(*row)) for row in unit.connection.execute(statement))
    return found


def hold(unit: Unit, who: int, items: Sequence[tuple[int, Held]]) -> None:
    """Note what sources hold now: (source, Held) pairs, replacing what was held of the same keys."""
    rows = [(who, h.key, of, h.stamp, h.digest, h.fingerprint, h.seq) for of, h in items]
    put_rows(unit, held, _HELD, rows, "replace", ("source", "stamp", "digest", "fingerprint", "seq"))


def release(unit: Unit, who: int, keys: Sequence[int]) -> None:
    """Forget that these items are held, so that their return counts as new."""
    for chunk in chunks(keys):
        unit.connection.execute(delete(held).where(held.c.owner == who, among(unit, held.c.key, chunk)))


def held_keys(unit: Unit, who: int, of: int) -> dict[int, int]:
    """Key and `seq` of everything one source holds."""
    statement = select(held.c.key, held.c.seq).where(held.c.owner == who, held.c.source == of)
    return {row.key: row.seq for row in unit.connection.execute(statement)}


def holds_any(unit: Unit, who: int, account: str, stream: str) -> bool:
    """Whether anything of a stream is held."""
    statement = (
        select(held.c.key)
        .join(source, and_(source.c.id == held.c.source, source.c.owner == held.c.owner))
        .where(held.c.owner == who, source.c.account == account, source.c.stream == stream)
        .limit(1)
    )
    return unit.connection.execute(statement).first() is not None


def cursor_of(unit: Unit, who: int, account: str, stream: str) -> str | None:
    """Where reading of a stream may go on."""
    return unit.connection.execute(
        select(cursor.c.token).where(
            cursor.c.owner == who, cursor.c.account == account, cursor.c.stream == stream
        )
    ).scalar()


def set_cursor(unit: Unit, who: int, account: str, stream: str, token: str | None, now: int) -> None:
    """Keep a checkpoint, or drop a dead one."""
    if token is None:
        unit.connection.execute(
            delete(cursor).where(
                cursor.c.owner == who, cursor.c.account == account, cursor.c.stream == stream
            )
        )
        return
    columns = ("owner", "account", "stream", "token", "updated_at")
    put_rows(unit, cursor, columns, [(who, account, stream, token, now)], "replace", ("token", "updated_at"))


HISTORY = "history"
"""The position up to which events were taken into history."""
TOLD = "told"
"""How far follow-ups have been told; 0 from the first event after that until they are told again."""


def position(unit: Unit, who: int, name: str) -> tuple[int, int]:
    """How far a projection has read, and the instant its time-dependent parts were made for."""
    row = unit.connection.execute(
        select(projection.c.seq, projection.c.as_of).where(
            projection.c.owner == who, projection.c.name == name
        )
    ).first()
    return (row.seq, row.as_of) if row else (0, 0)


def set_position(unit: Unit, who: int, name: str, seq: int, as_of: int) -> None:
    """Move a projection's position; in the unit that wrote what it read."""
    columns = ("owner", "name", "seq", "as_of")
    put_rows(unit, projection, columns, [(who, name, seq, as_of)], "replace", ("seq", "as_of"))


def add_rejects(unit: Unit, who: int, now: int, items: Sequence[tuple[int, Reject]]) -> None:
    """List what could not be understood; the same place and reason is listed once."""
    columns = ("owner", "key", "source", "place", "reason", "at")
    rows = [(who, key, r.source, r.where, r.reason, now) for key, r in items]
    put_rows(unit, reject, columns, rows, "replace", ("at",))


def rejects(unit: Unit, who: int) -> list[Reject]:
    """Everything that could not be understood, by source and place."""
    statement = (
        select(reject).where(reject.c.owner == who).order_by(reject.c.source, reject.c.place, reject.c.reason)
    )
    return [Reject(row.source, row.place, row.reason) for row in unit.connection.execute(statement)]


def drop_rejects(unit: Unit, who: int, of: str) -> None:
    """Take the rejects of one source off the list."""
    unit.connection.execute(delete(reject).where(reject.c.owner == who, reject.c.source == of))


def blank_events(unit: Unit, who: int, version: int, bodies: dict[int, tuple[str, str, bytes]]) -> None:
    """The one update the stream allows: erasure puts (external id, revision, body) in place of what was there."""
    if not bodies:
        return
    unit.connection.execute(
        update(event)
        .where(event.c.owner == who, event.c.seq == bindparam("this"))
        .values(
            external_id=bindparam("id"),
            revision=bindparam("is_now"),
            version=version,
            body=bindparam("text"),
        ),
        [
            {"this": seq, "id": external_id, "is_now": revision, "text": body}
            for seq, (external_id, revision, body) in bodies.items()
        ],
    )


def blank_sources(unit: Unit, who: int, version: int, of: Sequence[int], bodies: Mapping[str, bytes]) -> int:
    """The same for everything that sources brought: by kind of event the body put there; how many there were.

    The sources lose their names, which may say what an account, a folder or a calendar is called.
    """
    count = 0
    for kind, body in bodies.items():
        result = unit.connection.execute(
            update(event)
            .where(event.c.owner == who, event.c.source.in_(of), event.c.kind == kind, event.c.body != body)
            .values(external_id="", revision="", version=version, body=body)
        )
        count += result.rowcount
    for key in of:
        unit.connection.execute(
            update(source).where(source.c.id == key).values(account=ERASED, stream=str(key))
        )
    return count


def release_sources(unit: Unit, who: int, of: Sequence[int]) -> None:
    """Forget all that sources hold."""
    unit.connection.execute(delete(held).where(held.c.owner == who, held.c.source.in_(of)))


def drop_cursors(unit: Unit, who: int, account: str) -> None:
    """Have everything of an account read again."""
    unit.connection.execute(delete(cursor).where(cursor.c.owner == who, cursor.c.account == account))


def drop_these_rejects(unit: Unit, who: int, keys: Sequence[int]) -> None:
    """Take these off the list of what could not be understood."""
    for chunk in chunks(keys):
        unit.connection.execute(delete(reject).where(reject.c.owner == who, among(unit, reject.c.key, chunk)))


def keyed_rejects(unit: Unit, who: int) -> list[tuple[int, Reject]]:
    """Everything that could not be understood, with the key of each."""
    statement = select(reject).where(reject.c.owner == who)
    return [
        (row.key, Reject(row.source, row.place, row.reason)) for row in unit.connection.execute(statement)
    ]


def among(unit: Unit, column: ColumnElement[Any], keys: Iterable[int]) -> ColumnElement[bool]:
    """That a column is one of these numbers, as one bound value: a list of many costs Core more than the look-up."""
    if unit.is_sqlite:
        listed = func.json_each(f"[{','.join(map(str, keys))}]").table_valued("value")
        return column.in_(select(listed.c.value))
    return column == any_(bindparam(None, list(keys), type_=ARRAY(BigInteger), unique=True))


def chunks(items: Sequence[Any], size: int = 4_000) -> Iterator[Sequence[Any]]:
    """Runs of at most `size`, so that memory stays flat however many there are."""
    for start in range(0, len(items), size):
        yield items[start : start + size]

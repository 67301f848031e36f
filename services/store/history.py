"""Rows of the derived tables: identities, tallies, links, words, interactions, threads, components."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, func, literal, select, update

from services.store.events import among, chunks
from services.store.tables import (
    DERIVED,
    component,
    copy,
    event,
    identity,
    interaction,
    link,
    node,
    participant,
    person,
    tally,
    thread,
    topic,
    word,
)
from services.store.unit import Unit
from services.store.upsert import put_rows


class IdentityRow(NamedTuple):
    """One identity and whose it is."""

    key: int
    kind: str
    value: str
    source: str
    person: int
    is_owner: bool


class TallyRow(NamedTuple):
    """How often one value was said of an identity."""

    identity: int
    field: str
    value: str
    rank: int
    at: int
    n: int


class InteractionRow(NamedTuple):
    """One interaction; `id` is local to the database, `key` is for ever."""

    id: int
    key: int
    kind: int
    at: int
    ends_at: int | None
    direction: int
    owner_part: int
    author: int
    thread: int | None
    group_size: int
    is_held: bool
    signals: int
    seq: int
    source: int
    group: int | None
    parts: bytes


_INTERACTION = tuple(interaction.c[name] for name in InteractionRow._fields)


def empty(unit: Unit, who: int) -> None:
    """Drop everything derived of one owner."""
    own = select(interaction.c.id).where(interaction.c.owner == who)
    unit.connection.execute(delete(participant).where(participant.c.interaction.in_(own)))
    for table in DERIVED:
        if table is not participant:
            unit.connection.execute(delete(table).where(table.c.owner == who))


# --- identities -------------------------------------------------------------------------------------------------------


def add_identities(unit: Unit, who: int, rows: Iterable[tuple[int, str, str, str, bool]]) -> None:
    """Make identities (key, kind, value, source, is_owner) that are not there yet, each a person of its own."""
    columns = ("owner", "key", "kind", "value", "source", "person", "is_owner")
    put_rows(unit, identity, columns, [(who, k, kind, v, s, k, own) for k, kind, v, s, own in rows], "leave")


def person_of(unit: Unit, who: int, keys: Sequence[int]) -> dict[int, int]:
    """The person of each known identity."""
    found: dict[int, int] = {}
    for chunk in chunks(keys):
        statement = select(identity.c.key, identity.c.person).where(
            identity.c.owner == who, among(unit, identity.c.key, chunk)
        )
        found.update((row.key, row.person) for row in unit.connection.execute(statement))
    return found


def person_of_any(unit: Unit, who: int, persons: Sequence[int]) -> list[int]:
    """Those of these persons who still have an identity."""
    found: set[int] = set()
    for chunk in chunks(persons):
        statement = (
            select(identity.c.person)
            .where(identity.c.owner == who, among(unit, identity.c.person, chunk))
            .distinct()
        )
        found.update(unit.connection.execute(statement).scalars())
    return sorted(found)


_IDENTITY = tuple(identity.c[name] for name in IdentityRow._fields)


def identities_of(unit: Unit, who: int, persons: Sequence[int]) -> dict[int, list[IdentityRow]]:
    """The identities of each person, by kind and value."""
    found: dict[int, list[IdentityRow]] = {}
    for chunk in chunks(persons):
        statement = select(*_IDENTITY).where(identity.c.owner == who, among(unit, identity.c.person, chunk))
        for row in unit.connection.execute(statement):
            found.setdefault(row.person, []).append(IdentityRow(*row))
    for rows in found.values():
        rows.sort(key=lambda row: (row.kind, row.value))
    return found


def all_identities(unit: Unit, who: int) -> list[IdentityRow]:
    """Every identity of the owner's book."""
    statement = select(*_IDENTITY).where(identity.c.owner == who)
    return [IdentityRow(*row) for row in unit.connection.execute(statement)]


def identity_persons(unit: Unit, who: int) -> dict[int, int]:
    """Identity to person, for all; the owner's own identities lead to 0."""
    statement = select(identity.c.key, identity.c.person, identity.c.is_owner).where(identity.c.owner == who)
    return {
        key: 0 if is_owner else whose for key, whose, is_owner in unit.connection.execute(statement).all()
    }


def strays(unit: Unit, who: int) -> dict[int, int]:
    """Identities that belong to a person with another key: identity to person."""
    statement = select(identity.c.key, identity.c.person).where(
        identity.c.owner == who, identity.c.person != identity.c.key
    )
    return {row.key: row.person for row in unit.connection.execute(statement)}


def move_identities(unit: Unit, who: int, persons: Mapping[int, int]) -> None:
    """Give identities to other persons."""
    if persons:
        unit.connection.execute(
            update(identity)
            .where(identity.c.owner == who, identity.c.key == bindparam("this"))
            .values(person=bindparam("whose")),
            [{"this": key, "whose": whose} for key, whose in persons.items()],
        )


def add_tallies(unit: Unit, who: int, counts: Mapping[tuple[int, str, str, int, int], int]) -> None:
    """Add to (or, with negative numbers, take from) what was said of identities."""
    columns = ("owner", "identity", "field", "value", "rank", "at", "n")
    put_rows(unit, tally, columns, [(who, *key, n) for key, n in counts.items() if n], "add", ("n",))


def tallies_of(unit: Unit, who: int, identities: Sequence[int]) -> dict[int, list[TallyRow]]:
    """Everything said of these identities, that still stands."""
    found: dict[int, list[TallyRow]] = {}
    for chunk in chunks(identities):
        statement = select(
            tally.c.identity, tally.c.field, tally.c.value, tally.c.rank, tally.c.at, tally.c.n
        ).where(tally.c.owner == who, among(unit, tally.c.identity, chunk), tally.c.n > 0)
        for row in unit.connection.execute(statement):
            found.setdefault(row.identity, []).append(TallyRow(*row))
    return found


def signed_hints(unit: Unit, who: int) -> list[tuple[int, str, str]]:
    """Identity, field and value of everything that signatures say of their writers."""
    statement = select(tally.c.identity, tally.c.field, tally.c.value).where(
        tally.c.owner == who,
        tally.c.field.in_(("signed_email", "signed_newemail", "signed_phone", "signed_linkedin")),
        tally.c.n > 0,
    )
    return [(row.identity, row.field, row.value) for row in unit.connection.execute(statement)]


def holders(unit: Unit, who: int) -> dict[int, list[str]]:
    """The names under which cards and exports hold an identity, where there is more than one."""
    of_one = (tally.c.owner == who, tally.c.field == "holder", tally.c.n > 0)
    several = (
        select(tally.c.identity)
        .where(*of_one)
        .group_by(tally.c.identity)
        .having(func.count(tally.c.value.distinct()) > 1)
    )
    statement = select(tally.c.identity, tally.c.value).where(*of_one, tally.c.identity.in_(several))
    found: dict[int, list[str]] = {}
    for row in unit.connection.execute(statement):
        found.setdefault(row.identity, []).append(row.value)
    return found


def add_links(unit: Unit, who: int, counts: Mapping[tuple[int, int], int]) -> None:
    """Add to (or take from) the hard links between identities."""
    rows = [(who, a, b, n) for (a, b), n in counts.items() if n]
    put_rows(unit, link, ("owner", "a", "b", "n"), rows, "add", ("n",))


def links(unit: Unit, who: int) -> list[tuple[int, int]]:
    """Every hard link that stands."""
    statement = select(link.c.a, link.c.b).where(link.c.owner == who, link.c.n > 0)
    return [(row.a, row.b) for row in unit.connection.execute(statement)]


def add_words(unit: Unit, who: int, words: Sequence[tuple[int, str, bytes]]) -> None:
    """Keep decisions and small records (seq, kind, body) at hand, in their order."""
    columns = ("owner", "seq", "kind", "body")
    put_rows(unit, word, columns, [(who, *one) for one in words], "replace", ("kind", "body"))


def drop_words(unit: Unit, who: int, seqs: Sequence[int]) -> None:
    """Let go of records that were replaced or retired."""
    for chunk in chunks(seqs):
        unit.connection.execute(delete(word).where(word.c.owner == who, among(unit, word.c.seq, chunk)))


def words(unit: Unit, who: int, kinds: Sequence[str] = ()) -> list[tuple[int, str, bytes]]:
    """Decisions and small records in the order of the stream."""
    statement = select(word.c.seq, word.c.kind, word.c.body).where(word.c.owner == who).order_by(word.c.seq)
    if kinds:
        statement = statement.where(word.c.kind.in_(kinds))
    return [(row.seq, row.kind, row.body) for row in unit.connection.execute(statement)]


# --- interactions -------------------------------------------------------------------------------------------------


def keys_present(unit: Unit, who: int, keys: Sequence[int]) -> dict[int, int]:
    """Interaction key to id, for those that are there."""
    found: dict[int, int] = {}
    for chunk in chunks(keys):
        statement = select(interaction.c.key, interaction.c.id).where(
            interaction.c.owner == who, among(unit, interaction.c.key, chunk)
        )
        found.update((row.key, row.id) for row in unit.connection.execute(statement))
    return found


def add_interactions(
    unit: Unit, who: int, rows: Sequence[InteractionRow], taking_part: Sequence[tuple[int, int, int]]
) -> None:
    """Insert interactions and (identity, interaction id, part) rows."""
    columns = ("id", "owner", *InteractionRow._fields[1:])
    put_rows(unit, interaction, columns, [(row.id, who, *row[1:]) for row in rows])
    put_rows(unit, participant, ("identity", "interaction", "part"), taking_part)


def drop_interactions(unit: Unit, ids: Sequence[int], identities: Iterable[int]) -> None:
    """Remove interactions and the rows of those who took part."""
    whose = list(identities)
    for chunk in chunks(ids):
        for people in chunks(whose, 400):
            unit.connection.execute(
                delete(participant).where(
                    among(unit, participant.c.identity, people), among(unit, participant.c.interaction, chunk)
                )
            )
        unit.connection.execute(delete(interaction).where(among(unit, interaction.c.id, chunk)))


def add_copies(unit: Unit, who: int, copies: Sequence[tuple[int, int]]) -> None:
    """Note events that tell again of interactions, as (interaction key, event)."""
    if copies:
        put_rows(unit, copy, ("owner", "key", "seq"), [(who, *one) for one in copies], "leave")


def drop_copies(unit: Unit, who: int, seqs: Sequence[int]) -> None:
    """These events tell of nothing again any more."""
    for chunk in chunks(seqs):
        unit.connection.execute(delete(copy).where(copy.c.owner == who, among(unit, copy.c.seq, chunk)))


def first_copies(unit: Unit, who: int, keys: Sequence[int]) -> dict[int, int]:
    """For each interaction key with copies the oldest event that tells of it again."""
    found: dict[int, int] = {}
    for chunk in chunks(keys):
        statement = (
            select(copy.c.key, func.min(copy.c.seq).label("seq"))
            .where(copy.c.owner == who, among(unit, copy.c.key, chunk))
            .group_by(copy.c.key)
        )
        found.update((row.key, row.seq) for row in unit.connection.execute(statement))
    return found


def sources_of_copies(unit: Unit, who: int, keys: Sequence[int]) -> dict[int, set[int]]:
    """For each interaction key with copies the sources of the events that tell of it again."""
    found: dict[int, set[int]] = {}
    for chunk in chunks(keys):
        statement = (
            select(copy.c.key, event.c.source)
            .join(event, event.c.seq == copy.c.seq)
            .where(copy.c.owner == who, among(unit, copy.c.key, chunk))
        )
        for row in unit.connection.execute(statement):
            found.setdefault(row.key, set()).add(row.source)
    return found


def interactions_with_ids(unit: Unit, ids: Sequence[int]) -> list[InteractionRow]:
    """The interactions with these ids."""
    found: list[InteractionRow] = []
    for chunk in chunks(ids):
        statement = select(*_INTERACTION).where(among(unit, interaction.c.id, chunk))
        found += [InteractionRow(*row) for row in unit.connection.execute(statement)]
    return found


def interactions_with_keys(unit: Unit, who: int, keys: Sequence[int]) -> list[InteractionRow]:
    """The interactions with these keys, oldest first."""
    found: list[InteractionRow] = []
    for chunk in chunks(keys):
        statement = select(*_INTERACTION).where(
            interaction.c.owner == who, among(unit, interaction.c.key, chunk)
        )
        found += [InteractionRow._make(row) for row in unit.connection.execute(statement)]
    return sorted(found, key=lambda row: (row.at, row.id))


def interactions_in_groups(unit: Unit, who: int, groups: Sequence[int]) -> list[InteractionRow]:
    """Every occurrence of these series."""
    found: list[InteractionRow] = []
    for chunk in chunks(groups):
        statement = select(*_INTERACTION).where(
            interaction.c.owner == who, among(unit, interaction.c.group, chunk)
        )
        found += [InteractionRow(*row) for row in unit.connection.execute(statement)]
    return found


def interactions_of_threads(unit: Unit, who: int, threads: Sequence[int]) -> Iterator[InteractionRow]:
    """The messages of threads, by thread and time."""
    for chunk in chunks(threads):
        statement = (
            select(*_INTERACTION)
            .where(interaction.c.owner == who, among(unit, interaction.c.thread, chunk))
            .order_by(interaction.c.thread, interaction.c.at, interaction.c.key)
        )
        for row in unit.connection.execute(statement):
            yield InteractionRow(*row)


def interactions_between(
    unit: Unit, who: int, start: int, end: int, kinds: Sequence[int] = ()
) -> Iterator[InteractionRow]:
    """Interactions that begin in a span (end exclusive), oldest first, streamed."""
    statement = (
        select(*_INTERACTION)
        .where(interaction.c.owner == who, interaction.c.at >= start, interaction.c.at < end)
        .order_by(interaction.c.at, interaction.c.key)
    )
    if kinds:
        statement = statement.where(interaction.c.kind.in_(kinds))
    for row in unit.connection.execute(statement.execution_options(yield_per=2_000)):
        yield InteractionRow._make(row)


def ended_between(unit: Unit, who: int, start: int, end: int, kind: int) -> list[InteractionRow]:
    """Meetings that began before `end` and ended after `start`, up to and including `end`."""
    # Meetings alone have a group, and the index over it holds nothing else. Were the beginning asked for here as well,
    # SQLite would rather go through all mail that is older.
    statement = select(*_INTERACTION).where(
        interaction.c.owner == who,
        interaction.c.group.isnot(None),
        interaction.c.kind == kind,
        interaction.c.ends_at > start,
        interaction.c.ends_at <= end,
    )
    found = (InteractionRow._make(row) for row in unit.connection.execute(statement).all())
    return [row for row in found if row.at <= end]


def all_interactions(unit: Unit, who: int) -> Iterator[InteractionRow]:
    """Every interaction by its key, streamed."""
    statement = select(*_INTERACTION).where(interaction.c.owner == who).order_by(interaction.c.key)
    for row in unit.connection.execute(statement.execution_options(yield_per=2_000)):
        yield InteractionRow(*row)


def interactions_of_people(
    unit: Unit, who: int, persons: Sequence[int]
) -> Iterator[tuple[int, int, int, int, int, int | None, int, int, int, int, bool]]:
    """For each interaction of each person, by person.

    Yields person, part, interaction id, kind, at, ends_at, direction, owner_part, author, group_size, is_held.
    """
    for chunk in chunks(persons):
        statement = (
            select(
                identity.c.person,
                participant.c.part,
                interaction.c.id,
                interaction.c.kind,
                interaction.c.at,
                interaction.c.ends_at,
                interaction.c.direction,
                interaction.c.owner_part,
                interaction.c.author,
                interaction.c.group_size,
                interaction.c.is_held,
            )
            .join(participant, participant.c.identity == identity.c.key)
            .join(interaction, interaction.c.id == participant.c.interaction)
            .where(identity.c.owner == who, interaction.c.owner == who, among(unit, identity.c.person, chunk))
            .order_by(identity.c.person, participant.c.part)
        )
        for row in unit.connection.execute(statement.execution_options(yield_per=5_000)):
            yield tuple(row)


def interactions_of_person(unit: Unit, who: int, whose: int) -> list[InteractionRow]:
    """One person's interactions, newest first."""
    # Asked for an order, SQLite would go through everybody's interactions by time.
    statement = (
        select(*_INTERACTION)
        .select_from(identity)
        .join(participant, participant.c.identity == identity.c.key)
        .join(interaction, interaction.c.id == participant.c.interaction)
        .where(identity.c.owner == who, identity.c.person == whose, interaction.c.owner == who)
    )
    # Somebody with two addresses may have taken part with both.
    found = {row[0]: InteractionRow._make(row) for row in unit.connection.execute(statement).all()}
    return sorted(found.values(), key=lambda row: (-row.at, row.key))


# --- threads ------------------------------------------------------------------------------------------------------


def threads_of_nodes(unit: Unit, who: int, keys: Sequence[int]) -> dict[int, int]:
    """The thread of each known node, merges followed."""
    found: dict[int, int] = {}
    for chunk in chunks(keys):
        statement = select(node.c.key, node.c.thread).where(
            node.c.owner == who, among(unit, node.c.key, chunk)
        )
        found.update((row.key, row.thread) for row in unit.connection.execute(statement))
    pending = set(found.values())
    into: dict[int, int] = {}
    while pending:
        moved: dict[int, int] = {}
        for chunk in chunks(sorted(pending)):
            statement = select(thread.c.key, thread.c.merged_into).where(
                thread.c.owner == who, among(unit, thread.c.key, chunk), thread.c.merged_into.isnot(None)
            )
            moved.update((row.key, row.merged_into) for row in unit.connection.execute(statement))
        into.update(moved)
        pending = set(moved.values())
    if into:
        for key, at in found.items():
            end = at
            while end in into:
                end = into[end]
            found[key] = end
    return found


def add_nodes(unit: Unit, who: int, threads: Mapping[int, int]) -> None:
    """Place new nodes in their threads."""
    put_rows(unit, node, ("owner", "key", "thread"), [(who, k, t) for k, t in threads.items()], "leave")


_NEW_THREAD = ("owner", "key", "is_stale", "subject", "last_at", "messages", "people", "state")


def touch_threads(unit: Unit, who: int, keys: Iterable[int]) -> None:
    """Make threads that are not there yet, and mark all these as stale."""
    rows = [(who, key, True, "", 0, 0, b"[]", "fyi") for key in keys]
    put_rows(unit, thread, _NEW_THREAD, rows, "replace", ("is_stale",))


def touch_threads_of(unit: Unit, who: int, persons: Sequence[int]) -> None:
    """Mark the threads in which these people took part as stale."""
    concerned = (
        select(interaction.c.thread)
        .join(participant, participant.c.interaction == interaction.c.id)
        .join(identity, identity.c.key == participant.c.identity)
        .where(identity.c.owner == who, identity.c.person.in_(persons), interaction.c.thread.isnot(None))
    )
    unit.connection.execute(
        update(thread)
        .where(thread.c.owner == who, thread.c.key.in_(concerned), thread.c.merged_into.is_(None))
        .values(is_stale=True)
    )


def merge_threads(unit: Unit, who: int, into: Mapping[int, int]) -> None:
    """Let threads go on in others, with their messages."""
    if not into:
        return
    rows = [{"this": old, "into": new} for old, new in into.items()]
    unit.connection.execute(
        update(thread)
        .where(thread.c.owner == who, thread.c.key == bindparam("this"))
        .values(merged_into=bindparam("into"), is_stale=False, messages=0),
        rows,
    )
    unit.connection.execute(
        update(interaction)
        .where(interaction.c.owner == who, interaction.c.thread == bindparam("this"))
        .values(thread=bindparam("into")),
        rows,
    )


def stale_threads(unit: Unit, who: int, limit: int) -> list[int]:
    """Threads whose state must be told anew."""
    statement = select(thread.c.key).where(thread.c.owner == who, thread.c.is_stale).limit(limit)
    return list(unit.connection.execute(statement).scalars())


class ThreadRow(NamedTuple):
    """The state of a thread; `people` are their keys as JSON."""

    key: int
    subject: str
    last_at: int
    messages: int
    people: bytes
    state: str
    since: int | None


def set_threads(unit: Unit, who: int, rows: Sequence[ThreadRow]) -> None:
    """Write the states of threads."""
    columns = ("owner", "key", "is_stale", *ThreadRow._fields[1:])
    changes = ("is_stale", *ThreadRow._fields[1:])
    put_rows(unit, thread, columns, [(who, row.key, False, *row[1:]) for row in rows], "replace", changes)


_THREAD = (
    thread.c.key,
    thread.c.subject,
    thread.c.last_at,
    thread.c.messages,
    thread.c.people,
    thread.c.state,
    thread.c.since,
)


def threads(unit: Unit, who: int, keys: Sequence[int] | None = None) -> Iterator[Any]:
    """Threads that hold messages, by key; all, or these."""
    statement = select(*_THREAD).where(thread.c.owner == who, thread.c.messages > 0).order_by(thread.c.key)
    if keys is None:
        yield from unit.connection.execute(statement.execution_options(yield_per=2_000))
        return
    for chunk in chunks(keys):
        yield from unit.connection.execute(statement.where(among(unit, thread.c.key, chunk))).all()


# --- what messages are about ------------------------------------------------------------------------------------------


class TopicRow(NamedTuple):
    """What a message is about and with whom, as one key; `node` is the message's, `at` in whole seconds UTC."""

    is_answer: bool
    key: int
    node: int
    at: int


def add_topics(unit: Unit, who: int, rows: Iterable[TopicRow]) -> None:
    """Note what messages are about."""
    put_rows(unit, topic, ("owner", *TopicRow._fields), [(who, *row) for row in rows], "leave")


def answers_about(unit: Unit, who: int) -> set[int]:
    """What answers that name nothing are about."""
    statement = select(topic.c.key).where(topic.c.owner == who, topic.c.is_answer).distinct()
    return set(unit.connection.execute(statement).scalars())


def topics(unit: Unit, who: int, keys: Sequence[int]) -> Iterator[TopicRow]:
    """All that is about these, in no order."""
    for chunk in chunks(keys):
        for is_answer in (False, True):
            statement = select(topic.c.is_answer, topic.c.key, topic.c.node, topic.c.at).where(
                topic.c.owner == who, topic.c.is_answer == is_answer, among(unit, topic.c.key, chunk)
            )
            for row in unit.connection.execute(statement).all():
                yield TopicRow._make(row)


# --- meetings -----------------------------------------------------------------------------------------------------


def set_components(unit: Unit, who: int, rows: Iterable[tuple[int, int, int, int]]) -> None:
    """Note the events (group, key, source, seq) that hold the components of series."""
    columns = ("owner", "group", "key", "source", "seq")
    put_rows(unit, component, columns, [(who, *row) for row in rows], "replace", ("seq",))


def drop_components(unit: Unit, who: int, rows: Iterable[tuple[int, int, int]]) -> None:
    """Let go of components (group, key, source)."""
    for g, k, s in rows:
        unit.connection.execute(
            delete(component).where(
                component.c.owner == who,
                component.c.group == g,
                component.c.key == k,
                component.c.source == s,
            )
        )


def components_of(unit: Unit, who: int, groups: Sequence[int]) -> dict[int, list[int]]:
    """The event numbers of each group's components."""
    found: dict[int, list[int]] = {}
    for chunk in chunks(groups):
        statement = select(component.c.group, component.c.seq).where(
            component.c.owner == who, among(unit, component.c.group, chunk)
        )
        for row in unit.connection.execute(statement):
            found.setdefault(row.group, []).append(row.seq)
    return found


# --- people -------------------------------------------------------------------------------------------------------


def touch_people(unit: Unit, who: int, keys: Iterable[int]) -> None:
    """Make people that are not there yet, and mark all these as stale."""
    columns = ("owner", "key", "is_stale", "name", "folded", "status", "verdict", "shape")
    rows = [(who, key, True, "", "", "waiting", "", b"") for key in keys]
    put_rows(unit, person, columns, rows, "replace", ("is_stale",))


def stale_people(unit: Unit, who: int, limit: int) -> list[int]:
    """People who must be told anew."""
    statement = (
        select(person.c.key)
        .where(person.c.owner == who, person.c.is_stale)
        .order_by(person.c.key)
        .limit(limit)
    )
    return list(unit.connection.execute(statement).scalars())


def touch_everybody(unit: Unit, who: int) -> None:
    """Mark everything that hangs on a person's verdict or the owner's words as stale."""
    unit.connection.execute(update(person).where(person.c.owner == who).values(is_stale=True))


class PersonColumns(NamedTuple):
    """A person's row; `folded` is what they are found by, `shape` is services.people.PersonRow as JSON."""

    key: int
    name: str
    folded: str
    status: str
    verdict: str
    first_at: int | None
    last_at: int | None
    shape: bytes


def set_people(unit: Unit, who: int, rows: Sequence[PersonColumns]) -> None:
    """Write people's rows."""
    columns = ("owner", "key", "is_stale", *PersonColumns._fields[1:])
    changes = ("is_stale", *PersonColumns._fields[1:])
    put_rows(unit, person, columns, [(who, row.key, False, *row[1:]) for row in rows], "replace", changes)


def drop_people(unit: Unit, who: int, keys: Sequence[int]) -> None:
    """Remove people who have no identity left."""
    for chunk in chunks(keys):
        unit.connection.execute(delete(person).where(person.c.owner == who, among(unit, person.c.key, chunk)))


def people(
    unit: Unit,
    who: int,
    keys: Sequence[int] | None = None,
    query: Sequence[str] = (),
    statuses: Sequence[str] = (),
) -> Iterator[tuple[int, str, bytes]]:
    """Key, status and shape of people by key: all, or these, or those whose folded text holds every word."""
    statement = select(person.c.key, person.c.status, person.c.shape).where(
        person.c.owner == who, person.c.shape != literal(b"")
    )
    for text in query:
        statement = statement.where(person.c.folded.contains(text, autoescape=True))
    if statuses:
        statement = statement.where(person.c.status.in_(statuses))
    statement = statement.order_by(person.c.key)
    if keys is None:
        for row in unit.connection.execute(statement.execution_options(yield_per=2_000)):
            yield row.key, row.status, row.shape
        return
    for chunk in chunks(keys):
        for row in unit.connection.execute(statement.where(among(unit, person.c.key, chunk))):
            yield row.key, row.status, row.shape


def automated(unit: Unit, who: int) -> set[int]:
    """Those who are machines."""
    statement = select(person.c.key).where(person.c.owner == who, person.c.status == "automated")
    return set(unit.connection.execute(statement).scalars())

"""The history projection: reads the stream from its own position, a batch at a time, and writes what follows from it.

Each batch is one unit: rows and position commit together. Nothing here has an outside effect, so everything derived
can be emptied and made again, ids included. When an address turns out to be the owner's own after it was taken for
somebody else's, everything is made again, as who wrote to whom has changed.
"""

from collections.abc import Callable, Sequence
from zoneinfo import ZoneInfo

import msgspec

from schemas.decisions import OwnerDeclared
from schemas.events import Erased, EventBody, Gone, decode_body
from schemas.ids import key64
from schemas.interface import Reject
from schemas.records import Meeting, OwnProfile, Task
from services.history.batch import Batch, OwnerKeys
from services.history.loose import bonds_of
from services.history.meetings import Component, meetings_of
from services.history.parts import unpack
from services.history.project import Place, apply, word_of_deletion
from services.identity.components import components
from services.identity.joining import hard_links, joining_words
from services.identity.keys import own_mailbox_key
from services.store import events as stream
from services.store import history as rows
from services.store import search
from services.store.events import StoredEvent
from services.store.unit import Duty, Store, Unit

BATCH = 5_000
_KNOWN_AT_MOST = 200_000


Progress = Callable[[int], None]


class Projector:
    """Keeps one owner's derived tables in step with the stream."""

    def __init__(self, store: Store, owner: int) -> None:
        self._store = store
        self._owner = owner
        self._keys: OwnerKeys | None = None
        self._zone = ZoneInfo("UTC")
        self._known: dict[int, int] = {}
        self._answered: set[int] = set()
        """What answers that name nothing are about."""
        self._seq = -1

    def catch_up(self, now: int, progress: Progress = lambda _: None, limit: int | None = None) -> int:
        """Read what is new, at most about `limit` events; how many there were."""
        done = 0
        while limit is None or done < limit:
            count = self._step(now)
            if count == 0:
                break
            done += count
            progress(count)
        return done

    def rebuild(self, now: int, progress: Progress = lambda _: None) -> int:
        """Empty everything derived and make it again; how many events were read."""
        with self._store.write() as unit:
            stream.set_position(unit, self._owner, stream.HISTORY, 0, 0)
        return self.catch_up(now, progress)

    def _empty(self, unit: Unit) -> None:
        """Before the first event nothing is derived, whatever was before; also by an earlier release."""
        rows.empty(unit, self._owner)
        search.empty(unit, self._owner)
        self._keys = None
        self._known.clear()

    def _step(self, now: int) -> int:
        # Until the step is durable: what one that fails has learnt on its way was never written.
        remembered, self._seq = self._seq, -1
        with self._store.write() as unit:
            unit.alone(self._owner, Duty.TELL)
            seq, as_of = stream.position(unit, self._owner, stream.HISTORY)
            if seq != remembered:
                # Another process has written since: what this one remembers may not be so any more.
                self._keys = None
                self._known.clear()
            events = stream.read_after(unit, self._owner, seq, BATCH)
            if not events:
                self._seq = remembered
                return 0
            if seq == 0:
                self._empty(unit)
            if self._keys is None:
                self._load_owner(unit)
                self._answered = rows.answers_about(unit, self._owner)
            decoded = self._decode(unit, events, now)
            if self._owner_grew(unit, decoded):
                stream.set_position(unit, self._owner, stream.HISTORY, 0, 0)
                return len(events)
            self._write(unit, decoded)
            stream.set_position(unit, self._owner, stream.HISTORY, events[-1].seq, as_of)
            stream.set_position(unit, self._owner, stream.TOLD, 0, as_of)
        self._seq = events[-1].seq
        return len(events)

    # --- reading ------------------------------------------------------------------------------------------------------

    def _load_owner(self, unit: Unit) -> None:
        """Who the owner is by everything the stream says, so that a rebuild knows it from its first event."""
        self._keys = OwnerKeys()
        for event in stream.read_kinds(unit, self._owner, ("owner", "own_profile")):
            self._learn(decode_body(event.body, event.kind, event.version))

    def _learn(self, record: EventBody) -> bool:
        keys = self._keys or OwnerKeys()
        before = (len(keys.mailboxes), len(keys.slugs), keys.name)
        if isinstance(record, OwnerDeclared):
            keys.mailboxes.update(own_mailbox_key(address) for address in record.emails)
            keys.name = record.name
            self._zone = ZoneInfo(record.timezone)
        elif isinstance(record, OwnProfile):
            keys.mailboxes.update(own_mailbox_key(address) for address in record.emails)
            keys.slugs.update({record.linkedin} - {""})
        self._keys = keys
        return before != (len(keys.mailboxes), len(keys.slugs), keys.name)

    def _owner_grew(self, unit: Unit, decoded: Sequence[tuple[StoredEvent, EventBody, int]]) -> bool:
        grew = [self._learn(record) for _, record, sign in decoded if sign > 0]
        if not any(grew) or self._keys is None:
            return False
        return any(
            (row.kind == "email" and self._keys.owns(row.value))
            or (row.kind == "linkedin" and row.value in self._keys.slugs)
            for row in rows.all_identities(unit, self._owner)
            if not row.is_owner
        )

    def _decode(
        self, unit: Unit, events: Sequence[StoredEvent], now: int
    ) -> list[tuple[StoredEvent, EventBody, int]]:
        """Each event's record with +1, preceded by what it replaces with -1."""
        replaced = stream.read_these(unit, self._owner, [e.replaces for e in events if e.replaces])
        decoded: list[tuple[StoredEvent, EventBody, int]] = []
        refused: list[Reject] = []
        for event in events:
            try:
                old = replaced.get(event.replaces) if event.replaces else None
                was = decode_body(old.body, old.kind, old.version) if old else None
                if old is not None and was is not None and not isinstance(was, Erased):
                    decoded.append((old, was, -1))
                record = decode_body(event.body, event.kind, event.version)
                if isinstance(record, Gone) and isinstance(was, Task) and old is not None:
                    record = word_of_deletion(was, old.at, event.at) or record
            except (msgspec.MsgspecError, KeyError) as error:
                refused.append(
                    Reject("stream", f"event {event.seq} ({event.kind})", f"it cannot be read: {error}")
                )
                continue
            if not isinstance(record, Gone | Erased):
                decoded.append((event, record, 1))
        stream.add_rejects(unit, self._owner, now, [(key64(r.source, r.where, r.reason), r) for r in refused])
        return decoded

    # --- writing ------------------------------------------------------------------------------------------------------

    def _write(self, unit: Unit, decoded: Sequence[tuple[StoredEvent, EventBody, int]]) -> None:
        batch = Batch(self._keys or OwnerKeys())
        accounts = stream.sources(unit, self._owner)
        for event, record, sign in decoded:
            place = Place(event.seq, event.at, event.source, accounts[event.source][0], self._zone)
            apply(batch, record, place, sign)
        self._write_meetings(unit, batch)
        self._write_identities(unit, batch)
        rows.add_words(unit, self._owner, [(seq, *word) for seq, word in batch.words.items() if word])
        rows.drop_words(unit, self._owner, [seq for seq, word in batch.words.items() if word is None])
        rows.add_tallies(unit, self._owner, batch.tallies)
        rows.add_links(unit, self._owner, batch.links)
        self._write_interactions(unit, batch)
        stale = {self._known.get(key, key) for key in batch.touched if key}
        if batch.joins_changed:
            stale |= self._join(unit)
        rows.touch_people(unit, self._owner, sorted(stale))
        if batch.everybody_changed:
            rows.touch_everybody(unit, self._owner)

    def _write_meetings(self, unit: Unit, batch: Batch) -> None:
        if not batch.groups:
            return
        rows.set_components(
            unit, self._owner, [(*slot, seq) for slot, seq in batch.components.items() if seq is not None]
        )
        rows.drop_components(
            unit, self._owner, [slot for slot, seq in batch.components.items() if seq is None]
        )
        groups = sorted(batch.groups)
        for row in rows.interactions_in_groups(unit, self._owner, groups):
            batch.dropped.add(row.id)
            batch.touched.update(key for key, _ in unpack(row.parts))
        by_group = rows.components_of(unit, self._owner, groups)
        events = stream.read_these(unit, self._owner, [seq for seqs in by_group.values() for seq in seqs])
        for seqs in by_group.values():
            found = []
            for event in (events[seq] for seq in seqs if seq in events):
                record = decode_body(event.body, event.kind, event.version)
                if isinstance(record, Meeting):
                    found.append(Component(record, event.revision, event.seq, event.source))
            for held in meetings_of(found, batch, self._zone, self._owner):
                batch.happened(held.row, held.parts)
                batch.texts[held.row.id] = held.text

    def _write_identities(self, unit: Unit, batch: Batch) -> None:
        if len(self._known) > _KNOWN_AT_MOST:
            self._known.clear()
        unknown = [key for key in batch.identities if key not in self._known]
        fresh = []
        for key in unknown:
            kind, value, source = batch.identities[key]
            is_owner = source == "owner" or (kind == "email" and batch.owner.owns(value))
            fresh.append((key, kind, value, source, is_owner))
        rows.add_identities(unit, self._owner, fresh)
        wanted = set(unknown) | {key for key in batch.touched if key and key not in self._known}
        self._known.update(rows.person_of(unit, self._owner, sorted(wanted)))

    def _write_interactions(self, unit: Unit, batch: Batch) -> None:
        again: set[int] = set()
        if batch.dropped:
            gone = rows.interactions_with_ids(unit, sorted(batch.dropped))
            whose = {key for row in gone for key, _ in unpack(row.parts)}
            rows.drop_interactions(unit, [row.id for row in gone], whose)
            again = {row.id for row in gone}
            search.remove(unit, self._owner, sorted(again))
            rows.touch_threads(
                unit, self._owner, sorted({row.thread for row in gone if row.thread is not None})
            )
            rows.drop_copies(unit, self._owner, sorted(batch.dropped))
            self._promote(unit, batch, [row.key for row in gone])
        if not batch.interactions:
            return
        present = rows.keys_present(unit, self._owner, list(batch.interactions))
        fresh = {key: item for key, item in batch.interactions.items() if key not in present}
        copies = [(key, row.id) for key, others in batch.again.items() for row, _ in others]
        # A meeting is told anew from all its components: there its row is not one telling among several.
        copies += [
            (k, row.id) for k, (row, _) in batch.interactions.items() if k in present and not row.group
        ]
        rows.add_copies(unit, self._owner, copies)
        self._join_loose(unit, batch)
        threads = self._thread(unit, batch)
        placed = []
        taking_part = []
        for key, (row, parts) in fresh.items():
            thread = threads.get(batch.in_thread[key]) if key in batch.in_thread else None
            placed.append(row._replace(thread=thread))
            taking_part += [(identity, row.id, part) for identity, part in parts]
        rows.add_interactions(unit, self._owner, placed, taking_part)
        rows.touch_threads(
            unit, self._owner, sorted({row.thread for row in placed if row.thread is not None})
        )
        search.add(
            unit,
            self._owner,
            [(row.id, batch.texts.get(row.id, "")) for row in placed if row.id not in again],
        )

    def _promote(self, unit: Unit, batch: Batch, freed: Sequence[int]) -> None:
        """Where another event tells of an interaction whose own event is gone, the oldest such event has it now."""
        heirs = rows.first_copies(unit, self._owner, freed)
        if not heirs:
            return
        rows.drop_copies(unit, self._owner, sorted(heirs.values()))
        accounts = stream.sources(unit, self._owner)
        told = Batch(batch.owner)
        for event in stream.read_these(unit, self._owner, heirs.values()).values():
            record = decode_body(event.body, event.kind, event.version)
            place = Place(event.seq, event.at, event.source, accounts[event.source][0], self._zone)
            apply(told, record, place, 1)
        for key, (row, parts) in told.interactions.items():
            younger = batch.interactions.pop(key, None)
            if younger is not None:
                batch.again.setdefault(key, []).insert(0, younger)
            batch.interactions[key] = (row, parts)
            batch.touched.update(one for one, _ in parts)
        batch.bonds += told.bonds
        batch.topics += told.topics
        batch.in_thread.update(told.in_thread)
        batch.texts.update(told.texts)

    def _join_loose(self, unit: Unit, batch: Batch) -> None:
        """Bond answers that name nothing with what they may answer, whichever of them came first."""
        rows.add_topics(unit, self._owner, batch.topics)
        self._answered.update(one.key for one in batch.topics if one.is_answer)
        concerned = {one.key for one in batch.topics} & self._answered
        if concerned:
            batch.bonds += bonds_of(rows.topics(unit, self._owner, sorted(concerned)))

    def _thread(self, unit: Unit, batch: Batch) -> dict[int, int]:
        """Join the batch's bonds to the threads there are; the thread of every node in them.

        A thread's key is the smallest of its nodes, so that it is the same in whatever order messages arrive.
        """
        nodes = {key for bond in batch.bonds for key in bond}
        known = rows.threads_of_nodes(unit, self._owner, sorted(nodes))
        root: dict[int, int] = {}

        def find(key: int) -> int:
            end = key
            while root.get(end, end) != end:
                end = root[end]
            while root.get(key, key) != end:
                root[key], key = end, root[key]
            return end

        def unite(a: int, b: int) -> None:
            a, b = find(a), find(b)
            if a != b:
                root[max(a, b)] = min(a, b)

        for key, thread in known.items():
            root.setdefault(key, key)
            unite(key, thread)
        for own, *others in batch.bonds:
            root.setdefault(own, own)
            for other in others:
                unite(own, other)
        threads = {key: find(key) for key in nodes}
        rows.add_nodes(
            unit, self._owner, {key: thread for key, thread in threads.items() if key not in known}
        )
        moved = {old: find(old) for old in set(known.values()) if find(old) != old}
        rows.touch_threads(unit, self._owner, sorted(set(moved.values())))
        rows.merge_threads(unit, self._owner, moved)
        return threads

    def _join(self, unit: Unit) -> set[int]:
        """Tell anew which identities are one person; the persons that changed."""
        whose = components(hard_links(unit, self._owner), joining_words(unit, self._owner))
        before = rows.strays(unit, self._owner)
        now = {key: person for key, person in whose.items() if before.get(key, key) != person}
        now |= {key: key for key in before if key not in whose}
        stale = {before.get(key, key) for key in now} | set(now.values())
        rows.move_identities(unit, self._owner, now)
        # A thread tells its people by person, so it is told anew with them.
        for chunk in stream.chunks(sorted(stale)):
            rows.touch_threads_of(unit, self._owner, chunk)
        self._known.update(now)
        left = {key for key in stale if key not in set(rows.person_of_any(unit, self._owner, sorted(stale)))}
        rows.drop_people(unit, self._owner, sorted(left))
        return stale - left

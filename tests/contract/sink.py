"""The promises of `TaskSink` and of the source that reads its tasks back, as tests that every to-do tool inherits.

A tool's test class gives a `rig`: the tool's server with its owner's hands, and faults to order.

    class TestAcme(SinkContract):
        @pytest.fixture
        def rig(self): ...

What `find` says of a deleted task is None; that it is never made again is for whoever calls `put` to keep in mind, as a
tool that has lost it can tell nobody.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Protocol

import msgspec
import pytest
from msgspec import Struct

from schemas.clock import FrozenClock
from schemas.connector import (
    Access,
    Change,
    ConnectorSpec,
    Page,
    TaskDraft,
    TaskRef,
    TaskSink,
    Tombstone,
    Upsert,
)
from schemas.errors import (
    Ambiguous,
    ConnectorError,
    CursorExpired,
    Deleted,
    Missing,
    RateLimited,
    ReauthRequired,
    Transient,
)
from schemas.ids import Cursor, ExternalId, IdempotencyKey
from schemas.records import SourceRecord, Task
from tests.contract.source import FarWorkers, Holding, read_plainly
from tests.fakes.faults import PATIENCE, Faults

KEY = IdempotencyKey("awaiting_me/p00112233:1")
OTHER = IdempotencyKey("promise/p44556677:2")
DRAFT = TaskDraft(
    title="Answer Ana Okafor: review of the draft",
    note='"Could you look at section 3 before Friday?"\nTuesday, to you alone.',
    due=date(2026, 11, 27),
    url="http://127.0.0.1:8321/followups/f1",
)
LATER = msgspec.structs.replace(DRAFT, title="Answer Ana Okafor", due=date(2026, 11, 30))
HOSTILE = {
    "a header's end": "Hello\r\nBcc: everybody@example.com\r\n\r\nbody",
    "a property of its own": "x\nATTENDEE:mailto:eve@example.com\nEND:VTODO\nBEGIN:VEVENT",
    "NUL and escape": "a\x00b\x1b[31mred\x07",
    "other line ends": "one\u2028two\u2029three\x85four\x0bfive\x0csix",
    "direction": "invoice\u202etxt.exe\u2066",
    "markdown": "* [click](javascript:alert(1)) **bold** _it_ `x` <b>",
    "labels": "@home #work tell @ana",
    "escapes of iCalendar": 'a\\nb; c, d: \\, \\; \\\\ "q"',
    "long": "x" * 10_000,
    "long and escaped": "*" * 10_000,
    "wide": "\U0001f600" * 600,
    "spaces": "   ",
}


class Seen(Struct, frozen=True):
    """A task as its owner sees it."""

    id: str
    title: str
    note: str = ""
    due: date | None = None
    is_done: bool = False
    list: str = ""


class SinkRig(Protocol):
    """A to-do tool under test: its server, its owner's hands, and faults to order."""

    spec: ConnectorSpec
    clock: FrozenClock
    list_name: str
    faults: Faults

    def settings(self) -> dict[str, Any]:
        """Settings that lead to the server, its list among them."""
        ...

    def secret(self) -> str:
        """What signs in."""
        ...

    def tasks(self) -> list[Seen]:
        """Every task at the server, of any list."""
        ...

    def complete(self, one: str) -> None: ...

    def reopen(self, one: str) -> None: ...

    def rename(self, one: str, title: str) -> None: ...

    def annotate(self, one: str, note: str) -> None: ...

    def reschedule(self, one: str, due: date | None) -> None: ...

    def move(self, one: str) -> str:
        """Put a task into another list; answers the list's name."""
        ...

    def move_to_new(self, one: str) -> None:
        """Make a list called "Brand new" and put a task into it."""
        ...

    def delete(self, one: str) -> None: ...

    def add_foreign(self, title: str) -> str: ...

    def delete_list(self) -> None: ...

    def revoke(self) -> None:
        """What signed in before does so no longer."""
        ...


def an_access(rig: SinkRig, **more: Any) -> Access:
    """An access to the rig's account."""
    access = Access(
        account="one",
        clock=rig.clock,
        read_text=read_plainly,
        workers=FarWorkers(),
        is_held=Holding(),
        zone="Europe/Berlin",
        settings=rig.settings(),
        secret=rig.secret,
    )
    return replace(access, **more)


def a_sink(rig: SinkRig, **more: Any) -> TaskSink:
    """A sink as a worker opens it."""
    assert rig.spec.open_sink is not None
    return rig.spec.open_sink(an_access(rig, **more))


def pull(rig: SinkRig, cursor: Cursor | None = None) -> list[Page]:
    """Every page of one pull by a source opened for it."""
    assert rig.spec.open_source is not None
    return list(rig.spec.open_source(an_access(rig)).pull(cursor))


def cursor_of(pages: Iterable[Page]) -> Cursor:
    """The last checkpoint."""
    return [page.checkpoint for page in pages if page.checkpoint is not None][-1]


def changes_of(pages: Iterable[Page]) -> list[Change]:
    """All changes, in order."""
    return [change for page in pages for change in page.changes]


class Held:
    """What a home holds of the tasks after some pulls: the greatest stamp stays."""

    def __init__(self, rig: SinkRig) -> None:
        self._rig = rig
        self._items: dict[ExternalId, Upsert] = {}
        self.gone: list[ExternalId] = []
        self.cursor: Cursor | None = None

    def catch_up(self) -> dict[str, Task]:
        """Pull, keep what is newer, and answer the tasks by key."""
        pages = pull(self._rig, self.cursor)
        self.cursor = cursor_of(pages)
        for change in changes_of(pages):
            if isinstance(change, Tombstone):
                self.gone.append(change.id)
                self._items.pop(change.id, None)
            elif isinstance(change, Upsert):
                held = self._items.get(change.id)
                assert held is None or change.record == held.record or change.stamp > held.stamp
                self._items[change.id] = change
        return {
            item.record.key: item.record for item in self._items.values() if isinstance(item.record, Task)
        }


def put_at_last(rig: SinkRig, key: IdempotencyKey, draft: TaskDraft) -> TaskRef:
    """Put as the outbox does: after an answer that never came, look before sending again."""
    is_unsure = False
    for _ in range(4):
        sink = a_sink(rig)
        try:
            return (sink.find(key) if is_unsure else None) or sink.put(key, draft)
        except Ambiguous:
            is_unsure = True
        except Transient:
            continue
    raise AssertionError("it never came about")


class SinkContract:
    """Every to-do tool keeps these promises."""

    def ours(self, rig: SinkRig) -> list[Seen]:
        """The tasks at the server but for those that the owner wrote."""
        return [task for task in rig.tasks() if not task.title.startswith("Foreign")]

    # ------ put and find

    def test_put_makes_one_task_and_find_finds_it(self, rig: SinkRig) -> None:
        """What was put is there with all it says, and its key leads to it, also from another process."""
        ref = a_sink(rig).put(KEY, DRAFT)
        (task,) = rig.tasks()
        assert (task.title, task.due, task.is_done) == (DRAFT.title, DRAFT.due, False)
        assert "Could you look at section 3" in task.note
        assert "Tuesday, to you alone." in task.note
        assert task.list == rig.list_name
        found = a_sink(rig).find(KEY)
        assert found is not None
        assert found.id == ref.id
        assert a_sink(rig).find(OTHER) is None

    def test_put_twice_is_one(self, rig: SinkRig) -> None:
        """A known key makes no second task, whatever it says now, and leaves the one there is as it is."""
        first = a_sink(rig).put(KEY, DRAFT)
        (task,) = rig.tasks()
        rig.rename(task.id, "Ana!")
        second = a_sink(rig).put(KEY, LATER)
        assert second.id == first.id
        (task,) = rig.tasks()
        assert (task.title, task.due) == ("Ana!", DRAFT.due)

    def test_many_keys_are_many_tasks(self, rig: SinkRig) -> None:
        """Each key is a task of its own, also where the words are the same."""
        sink = a_sink(rig)
        keys = [IdempotencyKey(f"thanks/p{number}:ä ö/%2F.?") for number in range(5)]
        refs = {key: sink.put(key, DRAFT) for key in keys}
        assert len(rig.tasks()) == 5
        finder = a_sink(rig)
        assert [finder.find(key) for key in keys] != [None] * 5
        assert {key: found.id for key in keys if (found := finder.find(key))} == {
            key: ref.id for key, ref in refs.items()
        }
        assert {record.key for record in Held(rig).catch_up().values()} == set(keys)

    def test_a_done_or_moved_task_is_found(self, rig: SinkRig) -> None:
        """Find sees a task of ours that is done, and one that its owner put into another list."""
        a_sink(rig).put(KEY, DRAFT)
        a_sink(rig).put(OTHER, DRAFT)
        one, other = rig.tasks()
        rig.complete(one.id)
        rig.move(other.id)
        assert a_sink(rig).find(KEY) is not None
        assert a_sink(rig).find(OTHER) is not None
        assert len(rig.tasks()) == 2

    def test_a_deleted_task_is_not_found(self, rig: SinkRig) -> None:
        """What its owner deleted is not there, for this sink or for another."""
        sink = a_sink(rig)
        sink.put(KEY, DRAFT)
        assert sink.find(KEY) is not None
        rig.delete(rig.tasks()[0].id)
        assert sink.find(KEY) is None
        assert a_sink(rig).find(KEY) is None
        assert rig.tasks() == []

    # ------ lost answers and crashes

    def lose(self, rig: SinkRig, tries: int) -> None:
        """Puts so many, of which every answer or every request is lost, and looks for exactly one each."""
        for number in range(tries):
            key = IdempotencyKey(f"awaiting_them/p{number}")
            rig.faults.order("lose_answer" if number % 2 else "die_before", writes_only=True)
            put_at_last(rig, key, TaskDraft(f"Ask again {number}"))
            rig.clock.advance(timedelta(minutes=1))
        titles = sorted(task.title for task in rig.tasks())
        assert titles == sorted(f"Ask again {number}" for number in range(tries))

    def test_lost_answers_make_exactly_one(self, rig: SinkRig) -> None:
        """Whether a request or its answer is lost, one task comes of it (30 of 30)."""
        self.lose(rig, 30)

    @pytest.mark.slow
    def test_lost_answers_make_exactly_one_at_full_size(self, rig: SinkRig) -> None:
        """Whether a request or its answer is lost, one task comes of it (500 of 500)."""
        self.lose(rig, 500)

    def test_a_lost_answer_is_ambiguous(self, rig: SinkRig) -> None:
        """A write whose answer never came says so, and find tells what became of it."""
        rig.faults.order("lose_answer", writes_only=True)
        sink = a_sink(rig)
        with pytest.raises(Ambiguous):
            sink.put(KEY, DRAFT)
        found = sink.find(KEY)
        assert found is not None
        assert sink.put(KEY, DRAFT).id == found.id
        assert len(rig.tasks()) == 1

    def test_an_answer_cut_in_half_makes_one(self, rig: SinkRig) -> None:
        """Half an answer to a write is no answer; after looking there is one task."""
        rig.faults.order("cut", writes_only=True)
        put_at_last(rig, KEY, DRAFT)
        assert len(rig.tasks()) == 1

    def test_a_crash_right_after_the_send_makes_one(self, rig: SinkRig) -> None:
        """A process that died before it heard the answer is followed by one that looks first."""
        rig.faults.order("lose_answer", writes_only=True)
        with pytest.raises(Ambiguous):
            a_sink(rig).put(KEY, DRAFT)
        sink = a_sink(rig)
        ref = sink.find(KEY) or sink.put(KEY, DRAFT)
        assert ref.id
        assert len(rig.tasks()) == 1

    # ------ update, complete, reopen

    def test_update_writes_what_differs(self, rig: SinkRig) -> None:
        """What differs between the drafts is written, the rest and the key stay."""
        sink = a_sink(rig)
        ref = sink.put(KEY, DRAFT)
        sink.update(ref, DRAFT, LATER)
        (task,) = rig.tasks()
        assert (task.title, task.due) == (LATER.title, LATER.due)
        assert "Could you look at section 3" in task.note
        changed = msgspec.structs.replace(LATER, note="She asked twice.", due=None)
        sink.update(ref, LATER, changed)
        (task,) = rig.tasks()
        assert (task.title, task.due) == (LATER.title, None)
        assert "She asked twice." in task.note
        assert "section 3" not in task.note
        assert a_sink(rig).find(KEY) is not None
        assert [record.title for record in Held(rig).catch_up().values()] == [LATER.title]

    def test_update_leaves_what_the_owner_changed(self, rig: SinkRig) -> None:
        """A title and a date that the owner wrote stay; what they left alone is written."""
        sink = a_sink(rig)
        ref = sink.put(KEY, DRAFT)
        one = rig.tasks()[0].id
        rig.rename(one, "Ana, the draft")
        changed = msgspec.structs.replace(LATER, note="She asked twice.")
        sink.update(ref, DRAFT, changed)
        (task,) = rig.tasks()
        assert (task.title, task.due) == ("Ana, the draft", LATER.due)
        assert "She asked twice." in task.note
        rig.reschedule(one, date(2027, 1, 5))
        sink.update(ref, changed, msgspec.structs.replace(changed, due=date(2026, 12, 24)))
        assert rig.tasks()[0].due == date(2027, 1, 5)
        rig.reschedule(one, None)
        sink.update(ref, changed, msgspec.structs.replace(changed, due=date(2026, 12, 24)))
        assert rig.tasks()[0].due is None

    def test_an_update_whose_answer_is_lost_is_done_once(self, rig: SinkRig) -> None:
        """An update sent again after a lost answer changes nothing more, and undoes nothing of the owner's."""
        sink = a_sink(rig)
        ref = sink.put(KEY, DRAFT)
        rig.faults.order("lose_answer", writes_only=True)
        with pytest.raises(Ambiguous):
            sink.update(ref, DRAFT, LATER)
        rig.rename(rig.tasks()[0].id, "Mine")
        sink.update(ref, DRAFT, LATER)
        (task,) = rig.tasks()
        assert (task.title, task.due) == ("Mine", LATER.due)

    def test_complete_and_reopen(self, rig: SinkRig) -> None:
        """Done is done once, with a closing line before the note; it can be taken back, and done again."""
        sink = a_sink(rig)
        ref = sink.put(KEY, DRAFT)
        closing = "Done: you answered on Wednesday at 9:14 (Re: Board prep)."
        for _ in range(2):
            sink.complete(ref, closing)
            (task,) = rig.tasks()
            assert task.is_done
            assert task.note.count("you answered on Wednesday") == 1
            assert task.note.index("Done: you answered") < task.note.index("Could you look")
        sink.reopen(ref)
        sink.reopen(ref)
        assert not rig.tasks()[0].is_done
        assert not Held(rig).catch_up()[KEY].is_done
        sink.complete(ref, closing)
        assert rig.tasks()[0].is_done
        assert rig.tasks()[0].note.count("you answered on Wednesday") == 1
        assert Held(rig).catch_up()[KEY].is_done

    def test_completing_leaves_what_the_owner_changed(self, rig: SinkRig) -> None:
        """Of a task that its owner renamed, dated and moved, only the state changes."""
        sink = a_sink(rig)
        ref = sink.put(KEY, DRAFT)
        one = rig.tasks()[0].id
        rig.rename(one, "Ana, the draft")
        rig.reschedule(one, date(2027, 1, 5))
        elsewhere = rig.move(one)
        sink.complete(ref, "Done.")
        (task,) = rig.tasks()
        assert (task.title, task.due, task.is_done, task.list) == (
            "Ana, the draft",
            date(2027, 1, 5),
            True,
            elsewhere,
        )

    @pytest.mark.parametrize("length", [0, 8_100, 8_192, 16_300, 16_383])
    def test_completing_leaves_the_owners_note_as_it_is(self, rig: SinkRig, length: int) -> None:
        """However long it is and however it is set, not a letter of it goes; the closing line stands before it if it fits."""
        sink = a_sink(rig)
        ref = sink.put(KEY, DRAFT)
        note = "Mine:\n  - indented\n\n    and  spaced  x"
        note += "x" * max(0, length - len(note))
        rig.annotate(rig.tasks()[0].id, note)
        sink.complete(ref, "Done: you answered.")
        (task,) = rig.tasks()
        assert task.is_done
        before, owners, after = task.note.replace("\r\n", "\n").partition(note)
        assert owners
        assert before in {"", "Done: you answered.\n\n"}
        assert after.strip() == ""
        assert before or length > 8_100

    def test_a_completion_whose_answer_is_lost_is_done_once(self, rig: SinkRig) -> None:
        """Completing again after a lost answer finds it done."""
        sink = a_sink(rig)
        ref = sink.put(KEY, DRAFT)
        rig.faults.order("lose_answer", writes_only=True)
        with pytest.raises(Ambiguous):
            sink.complete(ref, "Done: you answered.")
        sink.complete(ref, "Done: you answered.")
        (task,) = rig.tasks()
        assert task.is_done
        assert task.note.count("Done: you answered.") == 1

    def test_a_deleted_task_is_told_as_deleted(self, rig: SinkRig) -> None:
        """What its owner deleted is neither changed nor made again by a change."""
        sink = a_sink(rig)
        ref = sink.put(KEY, DRAFT)
        rig.delete(rig.tasks()[0].id)
        for open_sink in (sink, a_sink(rig)):
            with pytest.raises(Deleted):
                open_sink.update(ref, DRAFT, LATER)
            with pytest.raises(Deleted):
                open_sink.complete(ref, "Done.")
            with pytest.raises(Deleted):
                open_sink.reopen(ref)
        assert rig.tasks() == []

    def test_a_list_that_goes_is_no_deleted_task(self, rig: SinkRig) -> None:
        """Nobody said no to a task whose list is gone: it is the list that is told of, by a sink long open as well."""
        sink = a_sink(rig)
        ref = sink.put(KEY, DRAFT)
        rig.delete_list()
        rig.clock.advance(timedelta(minutes=5))
        acts: list[Callable[[TaskSink], TaskRef]] = [
            lambda one: one.put(OTHER, DRAFT),
            lambda one: one.update(ref, DRAFT, LATER),
            lambda one: one.complete(ref, "Done."),
            lambda one: one.reopen(ref),
        ]
        for open_sink in (sink, a_sink(rig)):
            for act in acts:
                with pytest.raises(Missing, match="Choose another") as refused:
                    act(open_sink)
                assert not isinstance(refused.value, Deleted)
        assert rig.tasks() == []

    def test_a_task_in_a_list_made_since_is_written_to(self, rig: SinkRig) -> None:
        """A list that its owner made while a sink was open is looked into before a task counts as deleted."""
        sink = a_sink(rig)
        ref = sink.put(KEY, DRAFT)
        sink.find(KEY)
        rig.move_to_new(rig.tasks()[0].id)
        assert sink.find(KEY) is not None
        sink.complete(ref, "Done.")
        (task,) = rig.tasks()
        assert (task.is_done, task.list) == (True, "Brand new")

    def test_a_list_that_is_gone_is_missing(self, rig: SinkRig) -> None:
        """Where the list is gone nothing is written elsewhere, and the words tell to choose another."""
        rig.delete_list()
        with pytest.raises(Missing, match="Choose another"):
            a_sink(rig).put(KEY, DRAFT)
        assert rig.tasks() == []

    def test_no_list_chosen_is_missing(self, rig: SinkRig) -> None:
        """Nothing is written to a list that nobody chose."""
        settings = {name: one for name, one in rig.settings().items() if name != "list"}
        with pytest.raises(Missing):
            a_sink(rig, settings=settings).put(KEY, DRAFT)
        assert rig.tasks() == []

    # ------ reading back

    def test_what_the_owner_did_is_read_back(self, rig: SinkRig) -> None:
        """Renamed, rescheduled, moved, done, reopened and deleted are each seen once they happened."""
        held = Held(rig)
        assert held.catch_up() == {}
        a_sink(rig).put(KEY, DRAFT)
        record = held.catch_up()[KEY]
        assert (record.title, record.due, record.is_done) == (DRAFT.title, DRAFT.due, False)
        assert record.list == rig.list_name
        one = rig.tasks()[0].id
        rig.rename(one, "Ana, *the* draft")
        assert held.catch_up()[KEY].title == "Ana, *the* draft"
        rig.reschedule(one, date(2027, 1, 5))
        assert held.catch_up()[KEY].due == date(2027, 1, 5)
        elsewhere = rig.move(one)
        one = rig.tasks()[0].id
        assert held.catch_up()[KEY].list == elsewhere
        rig.clock.advance(timedelta(minutes=5))
        rig.complete(one)
        record = held.catch_up()[KEY]
        assert record.is_done
        assert record.done_at is not None
        assert abs(record.done_at - rig.clock.now()) < timedelta(minutes=1)
        rig.reopen(one)
        record = held.catch_up()[KEY]
        assert (record.is_done, record.done_at) == (False, None)
        assert held.gone == []
        rig.delete(one)
        assert held.catch_up() == {}
        assert len(held.gone) == 1

    def test_a_first_look_sees_open_and_done(self, rig: SinkRig) -> None:
        """Read from nothing, tasks of ours are seen whether they are done or not."""
        a_sink(rig).put(KEY, DRAFT)
        a_sink(rig).put(OTHER, DRAFT)
        rig.complete(rig.tasks()[0].id)
        records = Held(rig).catch_up()
        assert {record.is_done for record in records.values()} == {True, False}

    def test_nothing_new_is_an_empty_last_page(self, rig: SinkRig) -> None:
        """After the last checkpoint nothing is new."""
        a_sink(rig).put(KEY, DRAFT)
        pages = pull(rig, cursor_of(pull(rig)))
        assert changes_of(pages) == []
        assert pages[-1].last
        assert {page.stream for page in pages} == {rig.spec.stream}

    def test_records_survive_the_codec(self, rig: SinkRig) -> None:
        """A record written as JSON and read again is the same record."""
        a_sink(rig).put(KEY, DRAFT)
        rig.complete(rig.tasks()[0].id)
        for record in Held(rig).catch_up().values():
            assert msgspec.json.decode(msgspec.json.encode(record), type=SourceRecord) == record

    @pytest.mark.parametrize("cursor", ["", "{", "null", "[1]", '{"version": 99}', "\x00"])
    def test_a_dead_cursor_is_refused(self, rig: SinkRig, cursor: str) -> None:
        """A cursor that nobody can read is told apart from one that has nothing new."""
        with pytest.raises(CursorExpired):
            pull(rig, Cursor(cursor))

    def test_a_pull_that_failed_loses_nothing(self, rig: SinkRig) -> None:
        """After faults while reading, the next pull from the same cursor brings what there is."""
        held = Held(rig)
        held.catch_up()
        a_sink(rig).put(KEY, DRAFT)
        for fault in ("cut", "500", "lose_answer", "web_page"):
            rig.faults.order(fault)
            with pytest.raises(Transient):
                held.catch_up()
        rig.faults.order("slow")
        assert held.catch_up().keys() == {KEY}

    def test_work_on_both_sides_comes_to_rest(self, rig: SinkRig) -> None:
        """Where the owner and Kith change a task at once, the owner's fields win and a second look changes nothing."""
        held = Held(rig)
        sink = a_sink(rig)
        ref = sink.put(KEY, DRAFT)
        held.catch_up()
        one = rig.tasks()[0].id
        rig.rename(one, "Mine")
        rig.complete(one)
        sink.update(ref, DRAFT, LATER)
        first = held.catch_up()[KEY]
        assert (first.title, first.is_done, first.due) == ("Mine", True, LATER.due)
        sink.update(ref, DRAFT, LATER)
        assert held.catch_up()[KEY] == first
        assert changes_of(pull(rig, held.cursor)) == []

    # ------ others' tasks

    def test_foreign_tasks_are_neither_recorded_nor_touched(self, rig: SinkRig) -> None:
        """Through put, update, completion and reading, tasks without a key of ours stay as they were, unseen."""
        for title in ("Foreign milk", "Foreign kith: not a key of ours"):
            rig.add_foreign(title)
        before = rig.tasks()
        sink = a_sink(rig)
        ref = sink.put(KEY, DRAFT)
        sink.update(ref, DRAFT, LATER)
        sink.complete(ref, "Done.")
        sink.reopen(ref)
        held = Held(rig)
        assert held.catch_up().keys() == {KEY}
        rig.delete(before[0].id)
        rig.complete(before[1].id)
        assert changes_of(pull(rig, held.cursor)) == []
        assert [task for task in rig.tasks() if task.title.startswith("Foreign")] == [
            msgspec.structs.replace(before[1], is_done=True)
        ]

    # ------ refusals

    def test_a_refused_sign_in_asks_for_another(self, rig: SinkRig) -> None:
        """Whatever is asked for with a grant that is gone, only the owner can renew it; the words name no secret."""
        ref = a_sink(rig).put(KEY, DRAFT)
        secret = rig.secret()
        rig.revoke()
        assert rig.spec.survey is not None
        survey = rig.spec.survey
        for act in (
            lambda: a_sink(rig).find(KEY),
            lambda: a_sink(rig).put(OTHER, DRAFT),
            lambda: a_sink(rig).update(ref, DRAFT, LATER),
            lambda: a_sink(rig).complete(ref, "Done."),
            lambda: pull(rig),
            lambda: survey(an_access(rig)),
        ):
            with pytest.raises(ReauthRequired) as refused:
                act()
            assert secret not in str(refused.value)

    def test_too_many_requests_are_waited_for_exactly(self, rig: SinkRig) -> None:
        """The time that the other side asks for is handed on as it is, and nothing is made meanwhile."""
        for act in (lambda: a_sink(rig).put(KEY, DRAFT), lambda: a_sink(rig).find(KEY), lambda: pull(rig)):
            rig.faults.order("429")
            with pytest.raises(RateLimited) as refused:
                act()
            assert refused.value.retry_after == timedelta(seconds=PATIENCE)
        assert rig.tasks() == []

    def test_a_write_that_is_put_off_is_made_later(self, rig: SinkRig) -> None:
        """A write refused for now makes nothing, and one when it is tried again."""
        rig.faults.order("429", writes_only=True)
        with pytest.raises(RateLimited) as refused:
            a_sink(rig).put(KEY, DRAFT)
        assert refused.value.retry_after == timedelta(seconds=PATIENCE)
        assert rig.tasks() == []
        a_sink(rig).put(KEY, DRAFT)
        assert len(rig.tasks()) == 1

    def test_a_server_in_trouble_may_do_it_later(self, rig: SinkRig) -> None:
        """A failing server is tried again; of a write it may have done, it is found out."""
        for fault in ("500", "503"):
            rig.faults.order(fault, times=9)
            with pytest.raises(Transient):
                a_sink(rig).find(KEY)
            rig.faults.mend()
        rig.faults.order("500", writes_only=True)
        with pytest.raises((Transient, Ambiguous)):
            a_sink(rig).put(KEY, DRAFT)
        put_at_last(rig, KEY, DRAFT)
        assert len(rig.tasks()) == 1

    def test_errors_hold_no_words_of_a_task(self, rig: SinkRig) -> None:
        """No error quotes a title, a note or a key."""
        draft = TaskDraft("CANARY-TITLE", "CANARY-NOTE", None, "https://kith.example/CANARY-LINK")
        for fault in ("429", "500", "503", "cut", "lose_answer", "web_page", "die_before"):
            rig.faults.order(fault, writes_only=True)
            with pytest.raises(ConnectorError) as refused:
                a_sink(rig).put(IdempotencyKey(f"CANARY-{fault}"), draft)
            assert "CANARY" not in str(refused.value)

    def test_used_up_quotas_send_nothing(self, rig: SinkRig) -> None:
        """What is spent is asked for before each request, by the names that the connector declares."""
        names = {quota.name for quota in rig.spec.quotas}
        if not names:
            pytest.skip("this tool has no quota")
        asked: list[str] = []

        def none_left(quota: str, units: int, /) -> None:
            asked.append(quota)
            raise RateLimited("used up", retry_after=timedelta(minutes=3))

        for act in ("find", "put"):
            sink = a_sink(rig, spend=none_left)
            with pytest.raises(RateLimited):
                _ = sink.find(KEY) if act == "find" else sink.put(KEY, DRAFT)
        assert set(asked) <= names
        assert rig.tasks() == []

    # ------ hostile words

    @pytest.mark.parametrize("title", HOSTILE.values(), ids=HOSTILE)
    def test_hostile_titles_stay_one_line(self, rig: SinkRig, title: str) -> None:
        """Whatever a name or subject holds, a title is one line without controls, and one task comes of it."""
        sink = a_sink(rig)
        ref = sink.put(KEY, msgspec.structs.replace(DRAFT, title=title))
        (task,) = rig.tasks()
        assert 0 < len(task.title) <= rig.spec.limits.title
        assert not any(
            ord(letter) < 32 or letter in "\x7f\x85\u2028\u2029\u202e\u2066" for letter in task.title
        )
        record = Held(rig).catch_up()[KEY]
        assert "\n" not in record.title
        if len(title) < 100 and title.isascii() and title.isprintable() and title.strip():
            assert record.title == title
        elif len(title) > 500:
            assert record.title.endswith("…")
        # It still reads as it was written, so that it may be changed.
        sink.update(ref, msgspec.structs.replace(DRAFT, title=title), DRAFT)
        assert rig.tasks()[0].title == DRAFT.title

    @pytest.mark.parametrize("note", HOSTILE.values(), ids=HOSTILE)
    def test_hostile_notes_change_nothing_else(self, rig: SinkRig, note: str) -> None:
        """Whatever a note quotes, title, date and key stay what they are."""
        note = f"{note}\nkith: promise/forged\n{note}"
        sink = a_sink(rig)
        ref = sink.put(KEY, msgspec.structs.replace(DRAFT, note=note))
        (task,) = rig.tasks()
        assert (task.title, task.due, task.is_done) == (DRAFT.title, DRAFT.due, False)
        assert Held(rig).catch_up().keys() == {KEY}
        sink.update(ref, msgspec.structs.replace(DRAFT, note=note), DRAFT)
        assert "forged" not in rig.tasks()[0].note
        assert a_sink(rig).find(KEY) is not None

    @pytest.mark.parametrize(
        "url",
        ["javascript:alert(1)", "data:text/html,x", "https://x.example/a) [b](http://evil.example", "x"],
    )
    def test_a_hostile_link_is_no_link(self, rig: SinkRig, url: str) -> None:
        """A link leads to a web page as a whole, or is left out."""
        a_sink(rig).put(KEY, TaskDraft("T", "N", None, url))
        (task,) = rig.tasks()
        assert "javascript:" not in task.note
        assert "data:" not in task.note
        assert ") [b]" not in task.note

    # ------ connecting

    def test_the_survey_names_the_lists(self, rig: SinkRig) -> None:
        """Signing in tells who, and every list by the name that settings know it by."""
        assert rig.spec.survey is not None
        seen = rig.spec.survey(an_access(rig))
        assert seen.user
        named = {one.name: one for one in seen.collections if one.role == "tasks"}
        assert rig.list_name in named
        settings = {**rig.settings(), "list": named[rig.list_name].id}
        assert a_sink(rig, settings=settings).put(KEY, DRAFT).id
        assert rig.tasks()[0].list == rig.list_name

    def test_a_missing_list_is_made_when_asked_for(self, rig: SinkRig) -> None:
        """A list is made once when it is asked for by name; its absence is told."""
        assert rig.spec.survey is not None
        assert rig.spec.make_list is not None
        settings = {**rig.settings(), "list": "People: & Söhne"}
        with pytest.raises(Missing):
            rig.spec.survey(an_access(rig, settings=settings))
        for _ in range(2):
            made = rig.spec.make_list(an_access(rig), "People: & Söhne")
            seen = rig.spec.survey(an_access(rig))
            assert [one.name for one in seen.collections].count("People: & Söhne") == 1
        a_sink(rig, settings={**settings, "list": made.id}).put(KEY, DRAFT)
        assert [task.list for task in rig.tasks()] == ["People: & Söhne"]

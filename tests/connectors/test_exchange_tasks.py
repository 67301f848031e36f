"""Follow-ups become tasks in an Exchange mailbox, and what their owner does with them is seen."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from connectors import exchange_tasks
from schemas.clock import FrozenClock
from schemas.connector import Upsert
from schemas.errors import Transient
from schemas.records import Task
from tests.contract.sink import (
    DRAFT,
    KEY,
    LATER,
    OTHER,
    Held,
    Seen,
    SinkContract,
    SinkRig,
    a_sink,
    an_access,
    changes_of,
)
from tests.fakes.exchange import NOW, ExchangeServer, a_task
from tests.fakes.exchange_wire import Asked, T, e


class ExchangeRig:
    """A mailbox with a list for Kith and one more."""

    spec = exchange_tasks.SPEC
    list_name = "Kith"

    def __init__(self, server: ExchangeServer, clock: FrozenClock, auth: str = "basic") -> None:
        self.server = server
        self.clock = clock
        self.auth = auth
        self.list = server.add_folder(self.list_name, "IPF.Task", "tasks")
        self.elsewhere = server.add_folder("Elsewhere", "IPF.Task")
        self.faults = server.faults
        self._secret = server.token if auth == "oauth" else server.password

    def settings(self) -> dict[str, Any]:
        return {
            "url": self.server.url,
            "user": self.server.user,
            "auth": self.auth,
            "allow_private": True,
            "list": self.list_name,
        }

    def secret(self) -> str:
        return self._secret

    def tasks(self) -> list[Seen]:
        return [
            Seen(
                one.id,
                one.element.findtext(f"{T}Subject"),
                one.element.findtext(f"{T}Body") or "",
                _day(one.element.findtext(f"{T}DueDate")),
                one.element.findtext(f"{T}Status") == "Completed",
                self.server.name_of(one.folder),
            )
            for one in self.server.items()
        ]

    def complete(self, one: str) -> None:
        self.server.change(one, e("t:Status", "Completed"))

    def reopen(self, one: str) -> None:
        self.server.change(one, e("t:Status", "NotStarted"))

    def rename(self, one: str, title: str) -> None:
        self.server.change(one, e("t:Subject", title))

    def annotate(self, one: str, note: str) -> None:
        self.server.change(one, e("t:Body", note, BodyType="Text"))

    def reschedule(self, one: str, due: date | None) -> None:
        if due is None:
            self.server.erase(one, "DueDate")
        else:
            self.server.change(one, e("t:DueDate", f"{due:%Y-%m-%dT00:00:00Z}"))

    def move(self, one: str) -> str:
        self.server.move(one, self.elsewhere)
        return "Elsewhere"

    def move_to_new(self, one: str) -> None:
        self.server.move(one, self.server.add_folder("Brand new", "IPF.Task"))

    def delete(self, one: str) -> None:
        self.server.delete(one)

    def add_foreign(self, title: str) -> str:
        return self.server.add(self.list, a_task(title))

    def delete_list(self) -> None:
        self.server.delete_folder(self.list)

    def revoke(self) -> None:
        self.server.revoke()


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text[:10]) if text else None


@pytest.fixture
def rig() -> Iterator[ExchangeRig]:
    """A mailbox whose every request and answer must be as Microsoft's schema has it."""
    clock = FrozenClock(NOW)
    with ExchangeServer(clock).serve() as server:
        yield ExchangeRig(server, clock)
        assert server.breaches == []


class TestExchangeTasks(SinkContract):
    """Exchange keeps the promises of every to-do tool."""


class TestExchangeTasksByToken(SinkContract):
    """So it does signed in by a token, where folders do not tell when they changed."""

    @pytest.fixture
    def rig(self) -> Iterator[ExchangeRig]:
        clock = FrozenClock(NOW)
        with ExchangeServer(clock).serve() as server:
            server.ways = {"bearer"}
            server.tells_marks = False
            yield ExchangeRig(server, clock, "oauth")
            assert server.breaches == []

    def lose(self, rig: SinkRig, tries: int) -> None:
        """Fewer than by password, whose way is the same."""
        super().lose(rig, min(tries, 30))


def test_somebody_who_is_faster_is_not_written_over(rig: ExchangeRig) -> None:
    """A change between our look and our write is seen, and what its owner wrote stays (ErrorIrresolvableConflict)."""
    sink = a_sink(rig)
    ref = sink.put(KEY, DRAFT)
    one = rig.tasks()[0].id
    rig.server.between = lambda: rig.rename(one, "Mine")
    sink.update(ref, DRAFT, LATER)
    (task,) = rig.tasks()
    assert (task.title, task.due) == ("Mine", LATER.due)


def test_a_task_moved_under_our_hands_is_found_again(rig: ExchangeRig) -> None:
    """A move gives a task another id; what is written goes where it is now."""
    sink = a_sink(rig)
    ref = sink.put(KEY, DRAFT)
    one = rig.tasks()[0].id
    rig.server.between = lambda: rig.move(one)
    sink.complete(ref, "Done.")
    (task,) = rig.tasks()
    assert (task.is_done, task.list) == (True, "Elsewhere")


def test_somebody_who_never_rests_is_left_alone(rig: ExchangeRig) -> None:
    """Where every write meets another's, it is given up for now, and nothing is written over."""
    sink = a_sink(rig)
    ref = sink.put(KEY, DRAFT)
    one = rig.tasks()[0].id
    number = 0

    def meddle(asked: Asked) -> None:
        nonlocal number
        if asked.operation == "UpdateItem":
            number += 1
            rig.rename(one, f"Mine {number}")

    rig.server.refuse = meddle
    with pytest.raises(Transient):
        sink.update(ref, DRAFT, LATER)
    assert 1 < number < 10
    assert rig.tasks()[0].due == DRAFT.due


def test_what_each_step_costs(rig: ExchangeRig) -> None:
    """Making a task is a look and a write; changing it two looks and a write; a quiet account is one request."""
    sink = a_sink(rig)
    ref = sink.put(KEY, DRAFT)
    assert rig.server.operations() == ["GetFolder", "FindFolder", "FindItem", "CreateItem"]
    sink.put(OTHER, DRAFT)
    assert rig.server.operations() == ["FindItem", "CreateItem"]
    sink.update(ref, DRAFT, LATER)
    assert rig.server.operations() == ["FindItem", "GetItem", "UpdateItem"]
    held = Held(rig)
    held.catch_up()
    rig.server.operations()
    held.catch_up()
    assert rig.server.operations() == ["FindFolder"]
    rig.rename(rig.tasks()[0].id, "Other")
    held.catch_up()
    assert rig.server.operations() == ["FindFolder", "SyncFolderItems"]


def test_a_copy_its_owner_made_is_theirs(rig: ExchangeRig) -> None:
    """A copy carries the key as well, in whatever list it is: it is neither read nor written while the task is there."""
    held = Held(rig)
    sink = a_sink(rig)
    for key, place in ((KEY, rig.list), (OTHER, rig.server.add_folder("An earlier name", "IPF.Task"))):
        ref = sink.put(key, DRAFT)
        held.catch_up()
        rig.clock.advance(timedelta(minutes=10))
        original = rig.server.items()[-1].id
        copy = rig.server.copy(original, place)
        rig.rename(copy, "Foreign copy")
        rig.complete(copy)
        record = held.catch_up()[key]
        assert (record.title, record.is_done, record.list) == (DRAFT.title, False, "Kith")
        rig.rename(original, "Mine")
        rig.reopen(copy)
        assert held.catch_up()[key].title == "Mine"
        assert Held(rig).catch_up()[key].title == "Mine"
        for one in (sink, a_sink(rig)):
            one.complete(ref, "Done.")
        assert [task.is_done for task in rig.tasks() if task.id in {original, copy}] == [True, False]
        assert held.catch_up()[key].is_done
        rig.delete(copy)
        assert held.catch_up()[key].is_done
    assert held.gone == []


def test_a_copy_stands_in_for_what_is_deleted(rig: ExchangeRig) -> None:
    """While one of several is left the task is not gone; it is told as that one is."""
    held = Held(rig)
    a_sink(rig).put(KEY, DRAFT)
    held.catch_up()
    rig.clock.advance(timedelta(minutes=10))
    original = rig.tasks()[0].id
    rig.rename(rig.server.copy(original, rig.elsewhere), "The copy")
    held.catch_up()
    rig.delete(original)
    record = held.catch_up()[KEY]
    assert (record.title, record.list, held.gone) == ("The copy", "Elsewhere", [])
    rig.delete(rig.tasks()[0].id)
    assert held.catch_up() == {}
    assert len(held.gone) == 1


def test_a_dead_state_tells_what_has_gone(rig: ExchangeRig) -> None:
    """After ErrorInvalidSyncStateData a list is read whole, and what is missing from it is gone."""
    held = Held(rig)
    sink = a_sink(rig)
    sink.put(KEY, DRAFT)
    sink.put(OTHER, DRAFT)
    held.catch_up()
    rig.delete(rig.tasks()[0].id)
    rig.server.expire_sync_states()
    assert held.catch_up().keys() == {OTHER}
    assert [str(one) for one in held.gone] == [str(KEY)]


def test_a_list_renamed_is_told(rig: ExchangeRig) -> None:
    """Another name of a list is told of every task in it, whichever was chosen by its short name."""
    held = Held(rig)
    kept = exchange_tasks.survey(an_access(rig)).settings
    a_sink(rig).put(KEY, DRAFT)
    held.catch_up()
    rig.server.rename_folder(rig.list, "Network")
    pages = list(
        exchange_tasks.open_source(an_access(rig, settings={**rig.settings(), **kept})).pull(held.cursor)
    )
    (change,) = changes_of(pages)
    assert isinstance(change, Upsert)
    assert isinstance(change.record, Task)
    assert change.record.list == "Network"


@pytest.mark.parametrize(
    ("wire", "day"),
    [
        ("2026-12-01T00:00:00Z", date(2026, 12, 1)),
        ("2026-11-30T23:00:00Z", date(2026, 12, 1)),
        ("2026-12-01T00:00:00+01:00", date(2026, 12, 1)),
        ("2026-12-01T00:00:00", date(2026, 12, 1)),
    ],
)
def test_due_dates_are_days(rig: ExchangeRig, wire: str, day: date) -> None:
    """A day is that day, whether it was written as midnight in UTC, in the owner's zone or with its offset."""
    a_sink(rig).put(KEY, DRAFT)
    rig.server.change(rig.tasks()[0].id, e("t:DueDate", wire))
    assert Held(rig).catch_up()[KEY].due == day


def test_our_key_is_a_property_that_nobody_sees(rig: ExchangeRig) -> None:
    """The key stands in a named property, and neither in the title nor in the note."""
    a_sink(rig).put(KEY, DRAFT)
    (task,) = rig.tasks()
    assert KEY not in task.note + task.title
    (item,) = rig.server.items()
    uri = item.element.find(f"{T}ExtendedProperty/{T}ExtendedFieldURI")
    assert dict(uri.attrib) == {
        "DistinguishedPropertySetId": "PublicStrings",
        "PropertyName": "KithKey",
        "PropertyType": "String",
    }

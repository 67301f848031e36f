"""Google Tasks as a to-do tool of Kith: the promises of every tool, and what is Google's own."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from connectors import google_tasks
from schemas.clock import FrozenClock
from schemas.connector import TaskDraft, Unreadable, Upsert
from schemas.errors import Ambiguous, Missing, RateLimited, ReauthRequired, Rejected, Transient
from schemas.ids import IdempotencyKey
from tests.connectors.google import GoogleRig, a_google
from tests.contract.sink import (
    DRAFT,
    KEY,
    LATER,
    OTHER,
    Held,
    Seen,
    SinkContract,
    a_sink,
    an_access,
    changes_of,
    pull,
)
from tests.contract.source import NOW
from tests.fakes.google_tasks import DEFAULT, Tasks


class TasksRig:
    """A Google account with a list for Kith and one more."""

    spec = google_tasks.SPEC
    list_name = "Kith"

    def __init__(self, google: GoogleRig, tool: Tasks) -> None:
        self.google = google
        self.tool = tool
        self.clock = google.clock
        self.list = tool.add_list(self.list_name)
        self.elsewhere = tool.add_list("Elsewhere")
        self.faults = google.server.faults

    def settings(self) -> dict[str, Any]:
        return {**self.google.access().settings, "list": self.list_name}

    def secret(self) -> str:
        return self.google.access().secret() if self.google.token else "ended"

    def tasks(self) -> list[Seen]:
        return [
            Seen(
                task["id"],
                task["title"],
                task.get("notes", ""),
                date.fromisoformat(task["due"][:10]) if "due" in task else None,
                task["status"] == "completed",
                name,
            )
            for name, task in self.tool.tasks()
        ]

    def complete(self, one: str) -> None:
        self.tool.complete(one)

    def reopen(self, one: str) -> None:
        self.tool.reopen(one)

    def rename(self, one: str, title: str) -> None:
        self.tool.set(one, title=title)

    def annotate(self, one: str, note: str) -> None:
        self.tool.set(one, notes=note)

    def reschedule(self, one: str, due: date | None) -> None:
        self.tool.set(one, due=f"{due}T00:00:00.000Z" if due else None)

    def move(self, one: str) -> str:
        self.tool.move(one, self.elsewhere)
        return "Elsewhere"

    def move_to_new(self, one: str) -> None:
        self.tool.move(one, self.tool.add_list("Brand new"))

    def delete(self, one: str) -> None:
        self.tool.delete(one)

    def add_foreign(self, title: str) -> str:
        return self.tool.add_task(title, self.list)

    def delete_list(self) -> None:
        self.tool.delete_list(self.list)

    def revoke(self) -> None:
        self.google.token = ""


@pytest.fixture
def rig() -> Iterator[TasksRig]:
    """A Google whose every exchange must be as its documents have it."""
    clock = FrozenClock(NOW)
    tool = Tasks(clock)
    with a_google(tool, clock=clock) as google:
        yield TasksRig(google, tool)


class TestGoogleTasks(SinkContract):
    """Google Tasks keeps the promises of every to-do tool."""


class TestWhereEtagsAreNotHeeded(SinkContract):
    """So it does where a condition on a write is passed over, and pages are small."""

    @pytest.fixture
    def rig(self, rig: TasksRig) -> TasksRig:
        rig.tool.heeds_etags = False
        rig.tool.page_size = 20
        return rig


def requests_of(rig: TasksRig) -> list[str]:
    """The requests since the last time this was asked, with the names of lists."""
    names = {rig.list: "kith", rig.elsewhere: "elsewhere", rig.tool.list_named(DEFAULT): "default"}
    seen = "\n".join(rig.google.asked()).replace("/tasks/v1/", "")
    for ident, name in names.items():
        seen = seen.replace(ident, name)
    return seen.splitlines()


EVERY_LIST = ["GET lists/default/tasks", "GET lists/kith/tasks", "GET lists/elsewhere/tasks"]


# ------ what it costs


def test_looking_costs_one_request(rig: TasksRig) -> None:
    """A look after the first asks the list once, whatever there is; a task elsewhere adds its list."""
    held = Held(rig)
    held.catch_up()
    requests_of(rig)
    ref = a_sink(rig).put(KEY, DRAFT)
    requests_of(rig)
    for _ in range(3):
        held.catch_up()
        assert requests_of(rig) == ["GET lists/kith/tasks"]
    rig.move(ref.id)
    held.catch_up()
    requests_of(rig)
    held.catch_up()
    assert requests_of(rig) == ["GET lists/kith/tasks", "GET lists/elsewhere/tasks"]


def test_writing_costs_few_requests(rig: TasksRig) -> None:
    """A put looks once in each list and writes once; changes are a read and a write."""
    sink = a_sink(rig)
    ref = sink.put(KEY, DRAFT)
    assert requests_of(rig) == ["GET users/@me/lists", *EVERY_LIST, "POST lists/kith/tasks"]
    sink.put(OTHER, DRAFT)
    assert requests_of(rig) == [*EVERY_LIST, "POST lists/kith/tasks"]
    sink.update(ref, DRAFT, LATER)
    assert requests_of(rig) == [f"GET lists/kith/tasks/{ref.id}", f"PATCH lists/kith/tasks/{ref.id}"]
    sink.update(ref, LATER, LATER)
    assert requests_of(rig) == [f"GET lists/kith/tasks/{ref.id}"]


def test_a_hundred_changes_are_read_as_such(rig: TasksRig) -> None:
    """Of 500 tasks 100 changed ones cost as many pages as they fill."""
    for number in range(500):
        rig.clock.advance(timedelta(minutes=1))
        rig.tool.add_task(f"T{number}", rig.list, notes=f"kith: k{number}")
    held = Held(rig)
    assert len(held.catch_up()) == 500
    rig.clock.advance(timedelta(hours=1))
    for task in rig.tasks()[::5]:
        rig.rename(task.id, "Changed")
    requests_of(rig)
    pages = pull(rig, held.cursor)
    assert len(changes_of(pages)) == 100
    assert requests_of(rig) == ["GET lists/kith/tasks"] * 2


def test_many_deleted_at_once_are_looked_for_together(rig: TasksRig) -> None:
    """Each is asked for by its id in each other list, and those are listed once in all."""
    for number in range(20):
        rig.tool.add_task(f"T{number}", rig.list, notes=f"kith: k{number}")
    held = Held(rig)
    assert len(held.catch_up()) == 20
    for task in rig.tasks():
        rig.delete(task.id)
    requests_of(rig)
    assert held.catch_up() == {}
    asked = requests_of(rig)
    assert [asked.count(one) for one in EVERY_LIST] == [1, 1, 1]
    assert len(asked) == 1 + len(EVERY_LIST) + 20 * 2


def test_the_limit_of_a_day_is_waited_for(rig: TasksRig) -> None:
    """What Google answers no more today is asked for tomorrow, as its day goes."""
    rig.tool.left_today = 0
    with pytest.raises(RateLimited) as refused:
        a_sink(rig).put(KEY, DRAFT)
    assert timedelta(minutes=1) < refused.value.retry_after <= timedelta(days=1)


# ------ one task, and never again


def test_a_deleted_task_is_not_made_again(rig: TasksRig) -> None:
    """Put again under its key, by this sink or another, a task that its owner deleted stays deleted."""
    sink = a_sink(rig)
    sink.put(KEY, DRAFT)
    rig.delete(rig.tasks()[0].id)
    for again in (sink, a_sink(rig)):
        with pytest.raises(Missing, match="not made again"):
            again.put(KEY, DRAFT)
    assert rig.tasks() == []


def test_a_moved_task_is_not_a_deleted_one(rig: TasksRig) -> None:
    """What is deleted in one list and lives in another is put no second time and told as moved."""
    held = Held(rig)
    ref = a_sink(rig).put(KEY, DRAFT)
    held.catch_up()
    for to in (rig.elsewhere, rig.tool.list_named(DEFAULT), rig.list):
        rig.tool.move(rig.tasks()[0].id, to)
        assert a_sink(rig).put(KEY, DRAFT).id == ref.id
        assert held.catch_up()[KEY].list in {"Elsewhere", DEFAULT, "Kith"}
    assert held.gone == []
    assert len(rig.tasks()) == 1


def test_a_list_that_was_made_meanwhile_is_looked_at(rig: TasksRig) -> None:
    """A task that its owner put into a list of their own making is found by a sink that has been open for long."""
    held = Held(rig)
    sink = a_sink(rig)
    ref = sink.put(KEY, DRAFT)
    held.catch_up()
    rig.tool.move(ref.id, rig.tool.add_list("Brand new"))
    assert sink.put(KEY, DRAFT).id == ref.id
    rig.tool.move(ref.id, rig.tool.add_list("Newer still"))
    sink.complete(ref, "Done.")
    (task,) = rig.tasks()
    assert (task.list, task.is_done) == ("Newer still", True)
    record = held.catch_up()[KEY]
    assert (record.list, record.is_done) == ("Newer still", True)


def test_a_lost_answer_is_found_in_whatever_list(rig: TasksRig) -> None:
    """The task of a lost answer that its owner put elsewhere at once is found by another process."""
    rig.faults.order("lose_answer", writes_only=True)
    with pytest.raises(Ambiguous):
        a_sink(rig).put(KEY, DRAFT)
    rig.move(rig.tasks()[0].id)
    assert a_sink(rig).find(KEY) is not None
    a_sink(rig).put(KEY, DRAFT)
    assert len(rig.tasks()) == 1


def test_an_answer_that_cannot_be_read_is_ambiguous(rig: TasksRig) -> None:
    """A task that was made, and told of in a way nobody understands, is looked for before it is made again."""
    sink = a_sink(rig)
    sink.find(KEY)
    rig.faults.order("web_page", writes_only=True)
    with pytest.raises((Ambiguous, Transient)):
        sink.put(KEY, DRAFT)
    sink.put(KEY, DRAFT)
    assert len(rig.tasks()) == 1


def test_a_copy_its_owner_made_is_theirs(rig: TasksRig) -> None:
    """Of two tasks with one key the one that Kith made is meant; the copy is not written to."""
    held = Held(rig)
    sink = a_sink(rig)
    ref = sink.put(KEY, DRAFT)
    held.catch_up()
    copy = rig.tool.add_task("Foreign copy", rig.elsewhere, notes=rig.tool.task(ref.id)["notes"])
    assert held.catch_up()[KEY].title == DRAFT.title
    sink.complete(ref, "Done.")
    assert held.catch_up()[KEY].is_done
    assert rig.tool.task(copy)["status"] == "needsAction"


def test_somebody_faster_is_written_after(rig: TasksRig) -> None:
    """A task that changes between reading and writing is read again, and what its owner wrote stays."""
    sink = a_sink(rig)
    ref = sink.put(KEY, DRAFT)
    rig.tool.before_write = lambda: rig.rename(ref.id, "Mine")
    sink.update(ref, DRAFT, LATER)
    (task,) = rig.tasks()
    assert (task.title, task.due) == ("Mine", LATER.due)

    def again() -> None:
        rig.rename(ref.id, "Mine")
        rig.tool.before_write = again

    rig.tool.before_write = again
    with pytest.raises(Transient, match="keeps changing"):
        sink.complete(ref, "Done.")


def test_subtasks_of_the_owners_are_not_closed(rig: TasksRig) -> None:
    """A task with open sub-tasks is left to its owner, as closing it would close those."""
    sink = a_sink(rig)
    ref = sink.put(KEY, DRAFT)
    child = rig.tool.add_task("Foreign step", rig.list, parent=ref.id)
    with pytest.raises(Rejected, match="sub-tasks"):
        sink.complete(ref, "Done.")
    assert [task.is_done for task in rig.tasks()] == [False, False]
    rig.complete(child)
    sink.complete(ref, "Done.")
    assert rig.tool.task(ref.id)["status"] == "completed"


# ------ words and days


def test_the_key_is_one_quiet_line(rig: TasksRig) -> None:
    """Notes end with the link and the key, each on a line of its own."""
    a_sink(rig).put(KEY, DRAFT)
    lines = rig.tasks()[0].note.splitlines()
    assert lines[-1] == f"kith: {KEY}"
    assert lines[-3] == f"Open in Kith: {DRAFT.url}"


def test_a_key_taken_out_is_still_known(rig: TasksRig) -> None:
    """An open task whose notes its owner rewrote is still followed; its key is not written back."""
    held = Held(rig)
    ref = a_sink(rig).put(KEY, DRAFT)
    held.catch_up()
    rig.tool.set(ref.id, notes="my own words")
    assert held.catch_up().keys() == {KEY}
    a_sink(rig).complete(ref, "Done.")
    assert held.catch_up()[KEY].is_done
    assert rig.tool.task(ref.id)["notes"] == "Done.\n\nmy own words"


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_a_day_is_the_same_day_everywhere(rig: TasksRig, zone: str) -> None:
    """A due date is a date, whatever zone its owner is in."""
    a_sink(rig, zone=zone).put(KEY, DRAFT)
    assert rig.tasks()[0].due == DRAFT.due
    assert Held(rig).catch_up()[KEY].due == DRAFT.due


def test_long_and_wide_words_fit(rig: TasksRig) -> None:
    """Words outside the basic plane, which may count twice, are cut to what Google takes, the key never."""
    wide = "\U0001f600" * 9_000
    a_sink(rig).put(KEY, TaskDraft(wide, wide, None, "https://kith.example/" + "a" * 300))
    assert a_sink(rig).find(KEY) is not None


# ------ reading


@pytest.mark.parametrize("keeps", [True, False])
def test_what_google_forgot_is_found_out(rig: TasksRig, *, keeps: bool) -> None:
    """After weeks without a look, what was deleted, done or moved meanwhile is seen though Google shows no trace."""
    rig.tool.moves_keep_ids = keeps
    held = Held(rig)
    sink = a_sink(rig)
    keys = [IdempotencyKey(f"k{number}") for number in range(4)]
    ids = [sink.put(key, DRAFT).id for key in keys]
    held.catch_up()
    rig.clock.advance(timedelta(days=30))
    rig.delete(ids[0])
    rig.complete(ids[1])
    rig.move(ids[2])
    rig.tool.forget_deleted()
    records = held.catch_up()
    assert keys[0] not in records
    assert records[keys[1]].is_done
    assert records[keys[2]].list == "Elsewhere"
    assert not records[keys[3]].is_done
    assert changes_of(pull(rig, held.cursor)) == []


def test_a_cursor_that_is_lost_leaves_nothing_behind(rig: TasksRig) -> None:
    """Read from nothing by one who holds much, what was deleted meanwhile is told, and what was moved is not."""
    held = Held(rig)
    one, other = a_sink(rig).put(KEY, DRAFT).id, a_sink(rig).put(OTHER, DRAFT).id
    held.catch_up()
    rig.delete(one)
    rig.move(other)
    held.cursor = None
    rig.clock.advance(timedelta(seconds=1))
    assert held.catch_up().keys() == {OTHER}
    assert len(held.gone) == 1


def test_what_is_shown_late_is_seen(rig: TasksRig) -> None:
    """A change that Google shows some minutes late, under its own earlier time, is not missed."""
    held = Held(rig)
    sink = a_sink(rig)
    one, other = sink.put(KEY, DRAFT).id, sink.put(OTHER, DRAFT).id
    rig.clock.advance(timedelta(minutes=10))
    rig.rename(other, "Newer")
    held.catch_up()
    rig.tool.lag = timedelta(minutes=4)
    rig.rename(one, "Late")
    assert held.catch_up()[KEY].title == "Late"


def test_a_clock_that_is_wrong_changes_nothing(rig: TasksRig) -> None:
    """Changes are asked for by Google's times alone: ours may be years off."""
    held = Held(rig)
    ref = a_sink(rig).put(KEY, DRAFT)
    held.catch_up()
    ahead = FrozenClock(NOW + timedelta(days=400))
    assert list(google_tasks.open_source(an_access(rig, clock=ahead)).pull(held.cursor))
    rig.rename(ref.id, "Mine")
    assert held.catch_up()[KEY].title == "Mine"


def test_a_list_renamed_or_deleted_is_seen(rig: TasksRig) -> None:
    """Another name of a list is seen within a day; a list that goes takes its tasks with it, but for the chosen one."""
    held = Held(rig)
    ref = a_sink(rig).put(KEY, DRAFT)
    held.catch_up()
    rig.move(ref.id)
    held.catch_up()
    rig.tool.rename_list(rig.elsewhere, "Somewhere")
    rig.clock.advance(timedelta(days=1))
    assert held.catch_up()[KEY].list == "Somewhere"
    rig.tool.delete_list(rig.elsewhere)
    assert held.catch_up() == {}
    assert len(held.gone) == 1


def test_the_chosen_list_deleted_says_nothing_of_its_tasks(rig: TasksRig) -> None:
    """Nobody said no to a task whose list is gone: reading stops and says so."""
    held = Held(rig)
    a_sink(rig).put(KEY, DRAFT)
    held.catch_up()
    rig.delete_list()
    for _ in range(2):
        with pytest.raises(Missing, match="--tasks LIST"):
            held.catch_up()
    assert held.gone == []


def test_a_list_renamed_is_still_the_one_chosen(rig: TasksRig) -> None:
    """The survey keeps the list's id, so that another name for it changes nothing."""
    kept = google_tasks.survey(an_access(rig)).settings
    rig.tool.rename_list(rig.list, "Network")
    a_sink(rig, settings={**rig.settings(), **kept}).put(KEY, DRAFT)
    assert [task.list for task in rig.tasks()] == ["Network"]


def test_a_list_deleted_under_a_sink_is_missing(rig: TasksRig) -> None:
    """A list that went while a sink was open is told as gone, and another of that name is used afterwards."""
    sink = a_sink(rig)
    sink.put(KEY, DRAFT)
    rig.delete_list()
    with pytest.raises(Missing, match="Choose another"):
        sink.put(OTHER, DRAFT)
    rig.list = rig.tool.add_list(rig.list_name)
    sink.put(OTHER, DRAFT)
    assert [task.list for task in rig.tasks()] == [rig.list_name]


# ------ hostile, and refused


@pytest.mark.parametrize(
    "fields",
    [{"title": 5}, {"status": []}, {"due": 5}, {"deleted": "no"}, {"links": 5, "updated": 7}],
    ids=str,
)
def test_one_hostile_task_stops_nothing(rig: TasksRig, fields: dict[str, Any]) -> None:
    """A task of ours that cannot be read is told of and stays as it was; the others come."""
    rig.google.server.inspect = lambda _request, _reply: ()
    held = Held(rig)
    ref = a_sink(rig).put(KEY, DRAFT)
    held.catch_up()
    rig.tool.set(ref.id, **{name: value for name, value in fields.items() if name not in {"due", "updated"}})
    rig.tool.task(ref.id).update({name: value for name, value in fields.items() if name == "due"})
    if "updated" in fields:
        rig.tool.task(ref.id)["title"] = 7
    rig.tool.add_task("Foreign", rig.list)
    rig.tool.add_task("T", rig.list, notes=f"kith: {OTHER}")
    pages = pull(rig, held.cursor)
    (bad,) = [change for change in changes_of(pages) if isinstance(change, Unreadable)]
    assert "Kith" in bad.where
    assert DRAFT.title not in bad.reason
    held = Held(rig)
    assert held.catch_up().keys() == {OTHER}


def test_dates_that_are_none_are_none(rig: TasksRig) -> None:
    """Words where a time should be lose the time and nothing else; a time far ahead does not hide what comes."""
    held = Held(rig)
    ref = a_sink(rig).put(KEY, DRAFT)
    rig.complete(ref.id)
    rig.tool.task(ref.id).update(due="soon", completed="yesterday", updated="9998-01-01T00:00:00.000Z")
    record = held.catch_up()[KEY]
    assert (record.due, record.done_at, record.is_done) == (None, None, True)
    a_sink(rig).put(OTHER, DRAFT)
    assert OTHER in held.catch_up()


def test_a_permission_that_was_not_given(rig: TasksRig) -> None:
    """It is named before anything is asked; reading mail and meetings needs none of it."""
    granted = rig.settings()
    rig.google.scopes = {one for one in rig.google.scopes if not one.endswith("/tasks")}
    sink = a_sink(rig)
    for act in (
        lambda: sink.put(KEY, DRAFT),
        lambda: sink.find(KEY),
        lambda: pull(rig),
        lambda: google_tasks.survey(an_access(rig)),
        lambda: google_tasks.make_list(an_access(rig), "New"),
    ):
        with pytest.raises(ReauthRequired, match="kith connect google"):
            act()
    assert rig.google.asked() == []
    without = {name: one for name, one in rig.settings().items() if name != "list"}
    assert google_tasks.survey(an_access(rig, settings=without)).collections == ()
    with pytest.raises(ReauthRequired, match="permission"):
        a_sink(rig, settings=granted).put(KEY, DRAFT)


def test_records_lead_to_google(rig: TasksRig) -> None:
    """A record's link is the one that Google gives, and the reference's as well."""
    ref = a_sink(rig).put(KEY, msgspec.structs.replace(DRAFT))
    (change,) = changes_of(pull(rig))
    assert isinstance(change, Upsert)
    assert getattr(change.record, "url", "") == ref.url == f"https://tasks.google.com/task/{ref.id}?sa=6"

"""Follow-ups become Todoist tasks, and what their owner does with them is seen."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Literal

import msgspec
import pytest

from connectors import todoist
from schemas.clock import FrozenClock
from schemas.connector import TaskDraft, Tombstone, Upsert
from schemas.errors import Ambiguous, Missing, RateLimited, Rejected
from schemas.ids import IdempotencyKey
from schemas.records import Task
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
from tests.fakes.todoist import NOW, Todoist


class TodoistRig:
    """A Todoist on the loopback with a project for Kith and one more."""

    spec = todoist.SPEC
    list_name = "Kith"

    def __init__(self, server: Todoist, clock: FrozenClock) -> None:
        self.server = server
        self.clock = clock
        self.project = server.add_project(self.list_name)
        self.elsewhere = server.add_project("Elsewhere")
        self.faults = server.faults
        self._token = server.token

    def settings(self) -> dict[str, Any]:
        return {"base_url": self.server.url, "list": self.list_name}

    def secret(self) -> str:
        return self._token

    def tasks(self) -> list[Seen]:
        names = {self.server.inbox: "Inbox", self.project: self.list_name, self.elsewhere: "Elsewhere"}
        return [
            Seen(
                item["id"],
                item["content"],
                item["description"],
                item["due"] and date.fromisoformat(item["due"]["date"][:10]),
                item["checked"],
                names.get(item["project_id"]) or self.server.project(item["project_id"])["name"],
            )
            for item in self.server.tasks()
        ]

    def complete(self, one: str) -> None:
        self.server.complete(one)

    def reopen(self, one: str) -> None:
        self.server.uncomplete(one)

    def rename(self, one: str, title: str) -> None:
        self.server.rename(one, title)

    def annotate(self, one: str, note: str) -> None:
        self.server.describe(one, note)

    def reschedule(self, one: str, due: date | None) -> None:
        self.server.reschedule(one, {"date": due.isoformat()} if due else None)

    def move(self, one: str) -> str:
        self.server.move(one, self.elsewhere)
        return "Elsewhere"

    def move_to_new(self, one: str) -> None:
        self.server.move(one, self.server.add_project("Brand new"))

    def delete(self, one: str) -> None:
        self.server.delete(one)

    def add_foreign(self, title: str) -> str:
        return self.server.add_task(title, self.project)

    def delete_list(self) -> None:
        self.server.delete_project(self.project)

    def revoke(self) -> None:
        self.server.revoke()


@pytest.fixture
def rig() -> Iterator[TodoistRig]:
    """A Todoist whose every reply must be as its vendor's schema has it."""
    clock = FrozenClock(NOW)
    with Todoist(clock).serve() as server:
        yield TodoistRig(server, clock)
        assert server.breaches == []


class TestTodoist(SinkContract):
    """Todoist keeps the promises of every to-do tool."""


class TestTodoistThatForgetsWhatItMade(SinkContract):
    """So it does where a command seen before is answered without the id that it made."""

    @pytest.fixture
    def rig(self, rig: TodoistRig) -> TodoistRig:
        rig.server.repeats_mapping = False
        return rig


def requests_of(rig: TodoistRig) -> list[str]:
    """The requests since the last time this was asked."""
    seen = [f"{one.method} {one.path.removeprefix('/api/v1')}" for one in rig.server.requests]
    rig.server.requests.clear()
    return seen


def test_the_vendors_schema_is_held_against_every_reply(rig: TodoistRig) -> None:
    """Replies and arguments are as the vendor's schema has them; without the schema only this is left out."""
    if rig.server.shapes is None:
        pytest.skip("the vendor's schema is not here: name its folder in KITH_SPECS")
    task = rig.server.task(rig.server.add_task("Milk"))
    assert rig.server.shapes.breaches("Task", task) == []
    assert rig.server.shapes.breaches("Task", {**task, "checked": 1, "due": {"date": 5}}) != []


def test_writing_costs_few_requests(rig: TodoistRig) -> None:
    """A put is one request once the project is known; a find after the first is one as well."""
    sink = a_sink(rig)
    ref = sink.put(KEY, DRAFT)
    assert requests_of(rig) == ["GET /projects", "POST /sync"]
    sink.put(OTHER, DRAFT)
    assert requests_of(rig) == ["POST /sync"]
    sink.find(KEY)
    assert requests_of(rig) == ["POST /sync", "GET /tasks/completed/by_completion_date"]
    sink.find(OTHER)
    assert requests_of(rig) == ["POST /sync"]
    sink.update(ref, DRAFT, LATER)
    assert requests_of(rig) == [f"GET /tasks/{ref.id}", "POST /sync"]
    sink.update(ref, LATER, LATER)
    assert requests_of(rig) == [f"GET /tasks/{ref.id}"]


def test_looking_costs_one_request(rig: TodoistRig) -> None:
    """A look after the first is one partial sync, whatever there is."""
    held = Held(rig)
    held.catch_up()
    requests_of(rig)
    a_sink(rig).put(KEY, DRAFT)
    requests_of(rig)
    held.catch_up()
    held.catch_up()
    assert requests_of(rig) == ["POST /sync", "POST /sync"]


def test_a_uuid_that_todoist_forgot_is_told_by_find(rig: TodoistRig) -> None:
    """Where Todoist knows a command no longer, the key in the task still does."""
    a_sink(rig).put(KEY, DRAFT)
    rig.server.forget_commands()
    assert a_sink(rig).find(KEY) is not None
    assert len(rig.tasks()) == 1


def test_a_deleted_task_is_not_made_again(rig: TodoistRig) -> None:
    """Put again under its key, a task that its owner deleted stays deleted."""
    rig.server.repeats_mapping = False
    sink = a_sink(rig)
    sink.put(KEY, DRAFT)
    rig.delete(rig.tasks()[0].id)
    with pytest.raises(Missing, match="not made again"):
        sink.put(KEY, DRAFT)
    assert rig.tasks() == []


def test_the_wait_may_stand_in_the_body_alone(rig: TodoistRig) -> None:
    """Retry-After is read from the answer's body where no header says it."""
    rig.server.says_retry_after_in_body_only = True
    rig.faults.order("429")
    with pytest.raises(RateLimited) as refused:
        a_sink(rig).find(KEY)
    assert refused.value.retry_after == timedelta(seconds=47)


def test_the_limit_of_full_syncs_is_waited_for(rig: TodoistRig) -> None:
    """The 101st full sync within 15 minutes is put off until the first one is 15 minutes old."""
    for _ in range(100):
        a_sink(rig).find(KEY)
    rig.clock.advance(timedelta(minutes=5))
    with pytest.raises(RateLimited) as refused:
        a_sink(rig).find(KEY)
    assert timedelta(minutes=10) <= refused.value.retry_after <= timedelta(minutes=10, seconds=2)
    rig.clock.advance(refused.value.retry_after)
    assert a_sink(rig).find(KEY) is None


@pytest.mark.parametrize("how", ["error", "full"])
def test_a_sync_token_that_ended_loses_nothing(rig: TodoistRig, how: Any) -> None:
    """After a token ends, what was done, renamed, moved or deleted meanwhile is seen all the same."""
    held = Held(rig)
    sink = a_sink(rig)
    keys = [IdempotencyKey(f"k{number}") for number in range(5)]
    ids = [sink.put(key, DRAFT).id for key in keys]
    held.catch_up()
    rig.complete(ids[0])
    rig.rename(ids[1], "Mine")
    rig.move(ids[2])
    rig.delete(ids[3])
    rig.server.expire_sync_tokens(how)
    records = held.catch_up()
    assert records[keys[0]].is_done
    assert records[keys[1]].title == "Mine"
    assert records[keys[2]].list == "Elsewhere"
    assert keys[3] not in records
    assert not records[keys[4]].is_done
    assert changes_of(pull(rig, held.cursor)) == []


def test_a_plan_without_history_is_no_refusal(rig: TodoistRig) -> None:
    """Where completed tasks may not be listed, open ones are found and read all the same."""
    rig.server.has_history = False
    a_sink(rig).put(KEY, DRAFT)
    assert a_sink(rig).find(KEY) is not None
    assert Held(rig).catch_up().keys() == {KEY}


def test_a_project_deleted_under_a_sink_is_missing(rig: TodoistRig) -> None:
    """A project that went while a sink was open is told as gone, and another of that name is used afterwards."""
    sink = a_sink(rig)
    sink.put(KEY, DRAFT)
    rig.delete_list()
    with pytest.raises(Missing, match="Choose another"):
        sink.put(OTHER, DRAFT)
    rig.project = rig.server.add_project(rig.list_name)
    sink.put(OTHER, DRAFT)
    assert [task.list for task in rig.tasks()] == [rig.list_name]


def test_what_a_plan_holds_no_more_of_is_no_refused_sign_in(rig: TodoistRig) -> None:
    """A full plan is told as such: the token is good."""
    rig.server.most_tasks = rig.server.most_projects = 0
    with pytest.raises(Rejected, match="MAX_ITEMS"):
        a_sink(rig).put(KEY, DRAFT)
    with pytest.raises(Rejected, match="Choose one"):
        todoist.make_list(an_access(rig), "New")


@pytest.mark.parametrize("how", ["error", "full"])
def test_a_sink_outlives_its_sync_token(rig: TodoistRig, how: Any) -> None:
    """A sink that has looked before looks at everything again when its token ends."""
    sink = a_sink(rig)
    ref = sink.put(KEY, DRAFT)
    assert sink.find(KEY) is not None
    rig.delete(ref.id)
    rig.server.expire_sync_tokens(how)
    assert sink.find(KEY) is None


def test_a_project_renamed_or_deleted_is_seen(rig: TodoistRig) -> None:
    """Todoist tells of a project alone; our tasks in it are looked at for themselves."""
    held = Held(rig)
    ref = a_sink(rig).put(KEY, DRAFT)
    held.catch_up()
    rig.server.rename_project(rig.project, "Network")
    assert held.catch_up()[KEY].list == "Network"
    other = rig.server.add_project("Of my own")
    rig.server.move(ref.id, other)
    assert held.catch_up()[KEY].list == "Of my own"
    rig.server.delete_project(other)
    assert held.catch_up() == {}
    assert len(held.gone) == 1


@pytest.mark.parametrize("how", [None, "error", "full"])
def test_the_chosen_project_deleted_says_nothing_of_its_tasks(
    rig: TodoistRig, how: Literal["error", "full"] | None
) -> None:
    """Nobody said no to a task whose project is gone: reading stops and says so, whatever else Todoist tells."""
    held = Held(rig)
    a_sink(rig).put(KEY, DRAFT)
    held.catch_up()
    rig.server.delete_project(rig.project)
    if how is not None:
        rig.server.expire_sync_tokens(how)
    for _ in range(2):
        with pytest.raises(Missing, match="--tasks PROJECT"):
            held.catch_up()
    assert held.gone == []


def test_in_another_project_it_is_made_anew(rig: TodoistRig) -> None:
    """Todoist knows the command that made the task in the project that is gone; in another it is another."""
    ref = a_sink(rig).put(KEY, DRAFT)
    rig.server.delete_project(rig.project)
    other = rig.server.add_project("Elsewhere")
    made = a_sink(rig, settings={**rig.settings(), "list": other}).put(KEY, DRAFT)
    assert made.id != ref.id
    assert rig.server.task(made.id)["project_id"] == other


def test_a_project_renamed_is_still_the_one_chosen(rig: TodoistRig) -> None:
    """The survey keeps the project's id, so that another name for it changes nothing."""
    kept = todoist.survey(an_access(rig)).settings
    rig.server.rename_project(rig.project, "Network")
    a_sink(rig, settings={**rig.settings(), **kept}).put(KEY, DRAFT)
    assert rig.server.tasks()[0]["project_id"] == rig.project


def test_a_key_taken_out_is_still_known(rig: TodoistRig) -> None:
    """An open task whose description its owner rewrote is still followed; its key is not written back."""
    held = Held(rig)
    ref = a_sink(rig).put(KEY, DRAFT)
    held.catch_up()
    rig.server.describe(ref.id, "my own words")
    assert held.catch_up().keys() == {KEY}
    a_sink(rig).complete(ref, "Done.")
    assert held.catch_up()[KEY].is_done
    assert rig.server.task(ref.id)["description"] == "Done.\n\nmy own words"


def test_the_key_is_one_quiet_line(rig: TodoistRig) -> None:
    """A description ends with the link and the key, each on a line of its own."""
    a_sink(rig).put(KEY, DRAFT)
    lines = rig.server.tasks()[0]["description"].splitlines()
    assert lines[-1] == f"kith: {KEY}"
    assert lines[-3] == f"[Open in Kith]({DRAFT.url})"


def test_names_make_no_labels_and_no_markdown(rig: TodoistRig) -> None:
    """An @ in a name stays in the title, and what looks like markdown is shown as it is."""
    a_sink(rig).put(KEY, TaskDraft("* [click](http://evil.example) @ana", "**see** [x](y)"))
    item = rig.server.tasks()[0]
    assert item["labels"] == []
    assert item["content"] == "\\* \\[click\\](http://evil.example) @\u2060ana"
    assert item["description"].startswith("\\*\\*see\\*\\* \\[x\\](y)")
    assert Held(rig).catch_up()[KEY].title == "* [click](http://evil.example) @ana"


@pytest.mark.parametrize(
    ("due", "day"),
    [
        ({"date": "2026-12-01"}, date(2026, 12, 1)),
        ({"date": "2026-12-01T23:30:00"}, date(2026, 12, 1)),
        ({"date": "2026-12-01T23:30:00Z", "timezone": "Europe/Berlin"}, date(2026, 12, 2)),
        ({"date": "2026-12-01", "is_recurring": True}, date(2026, 12, 1)),
        ({"date": "soon"}, None),
    ],
)
def test_due_dates_come_in_three_shapes(rig: TodoistRig, due: dict[str, Any], day: date | None) -> None:
    """A date, a floating time and an instant are each a day of the owner's; what they set is not written over."""
    sink = a_sink(rig)
    ref = sink.put(KEY, msgspec.structs.replace(DRAFT, due=date(2026, 12, 1)))
    rig.server.reschedule(ref.id, due)
    assert Held(rig).catch_up()[KEY].due == day
    sink.update(ref, msgspec.structs.replace(DRAFT, due=date(2026, 12, 1)), LATER)
    is_as_written = due == {"date": "2026-12-01"}
    assert (rig.server.task(ref.id)["due"]["date"] == "2026-11-30") == is_as_written


def test_subtasks_of_the_owners_are_not_closed(rig: TodoistRig) -> None:
    """A task with open sub-tasks is left to its owner, as closing it would close those."""
    sink = a_sink(rig)
    ref = sink.put(KEY, DRAFT)
    child = rig.server.add_subtask("Foreign step", ref.id)
    with pytest.raises(Rejected, match="sub-tasks"):
        sink.complete(ref, "Done.")
    assert [task.is_done for task in rig.tasks()] == [False, False]
    rig.complete(child)
    sink.complete(ref, "Done.")
    assert rig.server.task(ref.id)["checked"]


def test_a_task_its_owner_made_recurring_is_ticked_once(rig: TodoistRig) -> None:
    """Ticking it takes it to its next day and leaves it open; after a lost answer it is not taken a day further."""
    sink = a_sink(rig)
    ref = sink.put(KEY, DRAFT)
    rig.server.reschedule(ref.id, {"date": "2026-11-27", "is_recurring": True, "string": "every week"})
    rig.faults.order("lose_answer", writes_only=True)
    with pytest.raises(Ambiguous):
        sink.complete(ref, "Done: you answered.")
    for one in (sink, a_sink(rig)):
        one.complete(ref, "Done: you answered.")
    (task,) = rig.tasks()
    assert (task.due, task.is_done) == (date(2026, 12, 4), False)
    assert task.note.count("Done: you answered.") == 1


def test_a_section_is_no_other_list(rig: TodoistRig) -> None:
    """A task put into a section of its project is in the same list."""
    held = Held(rig)
    ref = a_sink(rig).put(KEY, DRAFT)
    held.catch_up()
    rig.server.move_to_section(ref.id, rig.server.add_section(rig.project, "This week"))
    assert held.catch_up()[KEY].list == "Kith"


def test_many_pages_of_projects_and_completed_tasks_are_read(rig: TodoistRig) -> None:
    """Lists that come in pages are read to their end."""
    for number in range(250):
        rig.complete(rig.server.add_task(f"Foreign {number}"))
        rig.server.add_project(f"P{number}")
    a_sink(rig).put(KEY, DRAFT)
    rig.complete(rig.server.tasks()[-1]["id"])
    assert a_sink(rig).find(KEY) is not None
    assert len(todoist.survey(an_access(rig)).collections) == 253


def test_changes_are_upserts_and_tombstones_of_ours(rig: TodoistRig) -> None:
    """A page holds tasks with a key of ours and nothing else."""
    rig.add_foreign("Foreign")
    ref = a_sink(rig).put(KEY, DRAFT)
    pages = pull(rig)
    (change,) = changes_of(pages)
    assert isinstance(change, Upsert)
    assert isinstance(change.record, Task)
    assert change.record.url == ref.url
    rig.delete(ref.id)
    assert changes_of(pull(rig, pages[-1].checkpoint)) == [Tombstone(change.id)]

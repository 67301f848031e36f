"""Follow-ups become tasks of Microsoft To Do, and what their owner does with them is seen."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from connectors import microsoft_todo
from connectors._graph_rows import Moment
from connectors._graph_todo import day_of, place_of
from schemas.clock import FrozenClock
from schemas.connector import TaskDraft, Tombstone, Upsert
from schemas.errors import ConnectorError, Missing, RateLimited, ReauthRequired, Rejected, Transient
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
    cursor_of,
    pull,
)
from tests.fakes.api import Json, no_breaches
from tests.fakes.graph_lists import Side, a_side
from tests.fakes.graph_todo import NOW, GraphTodo, Kept, ids_of
from tests.seeds import HUNDRED

TOKEN = "eyJ0eXAiOiJKV1QifQ.token-of-the-owner"
BERLIN = "Europe/Berlin"


class TodoRig:
    """A To Do on the loopback with a list for Kith and one more."""

    spec = microsoft_todo.SPEC
    list_name = "Kith"

    def __init__(self, fake: GraphTodo, side: Side, clock: FrozenClock) -> None:
        self.fake = fake
        self.side = side
        self.clock = clock
        self.scopes: frozenset[str] | None = frozenset({"Tasks.ReadWrite"})
        self.list = fake.add_list(self.list_name)
        self.elsewhere = fake.add_list("Elsewhere")
        self.faults = side.server.faults

    def grants(self, token: str) -> frozenset[str] | None:
        return self.scopes if token == TOKEN else None

    def settings(self) -> dict[str, Any]:
        return {"base_url": self.side.server.url, "list": self.list_name, "user": "me@home.test"}

    def secret(self) -> str:
        return TOKEN

    def tasks(self) -> list[Seen]:
        return [self.seen(task) for task in self.fake.tasks()]

    def seen(self, task: Kept) -> Seen:
        due = task.due and day_of(Moment(f"{task.due:%Y-%m-%dT%H:%M:%S}", str(task.due.tzinfo)), BERLIN)
        note = task.props.get("body", {}).get("content", "")
        is_done = task.props["status"] == "completed"
        return Seen(
            task.id, task.props["title"], note, due, is_done, self.fake.lists[task.place]["displayName"]
        )

    def complete(self, one: str) -> None:
        self.fake.change(one, status="completed")

    def reopen(self, one: str) -> None:
        self.fake.change(one, status="notStarted")

    def rename(self, one: str, title: str) -> None:
        self.fake.change(one, title=title)

    def annotate(self, one: str, note: str) -> None:
        self.fake.change(one, body={"content": note, "contentType": "text"})

    def reschedule(self, one: str, due: date | None) -> None:
        self.fake.reschedule(one, due)

    def move(self, one: str) -> str:
        self.fake.move(one, self.elsewhere)
        return "Elsewhere"

    def move_to_new(self, one: str) -> None:
        self.fake.move(one, self.fake.add_list("Brand new"))

    def delete(self, one: str) -> None:
        self.fake.delete(one)

    def add_foreign(self, title: str) -> str:
        return self.fake.add(title, self.list).id

    def delete_list(self) -> None:
        self.fake.delete_list(self.list)

    def revoke(self) -> None:
        self.scopes = None


@pytest.fixture
def rig() -> Iterator[TodoRig]:
    """A To Do whose every exchange must be as its vendor's schema has it."""
    clock = FrozenClock(NOW)
    fake = GraphTodo(clock)
    fake.mailbox.most = None
    made: list[TodoRig] = []
    with a_side([fake], lambda token: made[0].grants(token)) as side:  # noqa: PLW0108  # it is made after
        fake.server = side.server
        made.append(TodoRig(fake, side, clock))
        yield made[0]


class TestMicrosoftTodo(SinkContract):
    """To Do keeps the promises of every to-do tool."""


class TestMicrosoftTodoAtItsWorst(SinkContract):
    """So it does where ids change with the list, changes tell only what changed, and nothing is promised of versions."""

    @pytest.fixture
    def rig(self, rig: TodoRig) -> TodoRig:
        rig.fake.keeps_ids = rig.fake.heeds_if_match = rig.fake.expands_deltas = False
        rig.fake.is_partial = True
        rig.fake.due_as = "utc"
        rig.fake.most_rows = 50
        return rig


class TestWhatIsWritten:
    """What a task of ours looks like."""

    def test_key_and_link_go_with_it_in_one_request(self, rig: TodoRig) -> None:
        """The key and the link back stand in a linked resource, made in the same request as the task."""
        a_sink(rig).put(KEY, DRAFT)
        (task,) = rig.fake.tasks()
        (linked,) = task.linked
        assert (linked["applicationName"], linked["externalId"], linked["webUrl"]) == ("Kith", KEY, DRAFT.url)
        assert [one for one in rig.side.paths() if one.startswith("POST")] == [
            f"POST me/todo/lists/{quoted(rig.list)}/tasks"
        ]
        assert task.props["body"]["contentType"] == "text"

    def test_the_list_of_flagged_mails_is_none(self, rig: TodoRig) -> None:
        """It is neither offered nor read nor written into, also when it is named."""
        seen = microsoft_todo.survey(an_access(rig))
        assert "Flagged Emails" not in [one.name for one in seen.collections]
        with pytest.raises(Missing, match="Choose another"):
            a_sink(rig, settings={**rig.settings(), "list": rig.fake.flagged}).put(KEY, DRAFT)
        pull(rig)
        assert not [one for one in rig.side.paths() if quoted(rig.fake.flagged) in one]

    def test_titles_fit_what_to_do_takes(self, rig: TodoRig) -> None:
        """Letters beyond the basic plane count twice."""
        a_sink(rig).put(KEY, TaskDraft("😀" * 300))
        title = rig.fake.tasks()[0].props["title"]
        assert title.endswith("…")
        assert len(title.encode("utf-16-le")) <= 2 * 255

    def test_a_change_by_its_owner_meanwhile_is_kept(self, rig: TodoRig) -> None:
        """What was changed between reading and writing is read again, and stays."""
        sink = a_sink(rig)
        ref = sink.put(KEY, DRAFT)
        one = rig.tasks()[0].id
        rig.fake.before_change = lambda: rig.rename(one, "Mine")
        sink.update(ref, DRAFT, LATER)
        (task,) = rig.tasks()
        assert (task.title, task.due) == ("Mine", LATER.due)

    def test_the_day_of_what_its_owner_made_recurring_is_theirs(self, rig: TodoRig) -> None:
        """A task that comes again has its days by its rule, which a written date would break."""
        sink = a_sink(rig)
        ref = sink.put(KEY, DRAFT)
        pattern = {"type": "weekly", "interval": 1, "daysOfWeek": ["friday"], "firstDayOfWeek": "monday"}
        range_ = {"type": "noEnd", "startDate": "2026-11-27", "recurrenceTimeZone": "UTC"}
        rig.fake.change(rig.tasks()[0].id, recurrence={"pattern": pattern, "range": range_})
        sink.update(ref, DRAFT, LATER)
        (task,) = rig.tasks()
        assert (task.title, task.due) == (LATER.title, DRAFT.due)

    def test_a_refused_name_is_told(self, rig: TodoRig) -> None:
        """A list that Microsoft does not make leaves it to the owner to choose one."""
        with pytest.raises(Rejected, match="Choose one"):
            microsoft_todo.make_list(an_access(rig), "Flagged Emails")


def quoted(one: str) -> str:
    """An id as it stands in a path."""
    return quote(one, safe="")


class TestDueDates:
    """A date in disguise."""

    @pytest.mark.parametrize(
        "zone",
        [BERLIN, "UTC", "Pacific/Honolulu", "Pacific/Auckland", "Pacific/Kiritimati", "America/St_Johns"],
    )
    @pytest.mark.parametrize("due_as", ["utc", "zone"])
    @pytest.mark.parametrize(
        "day", [date(2026, 11, 27), date(2026, 3, 29), date(2026, 10, 25), date(2027, 1, 1)]
    )
    def test_a_day_stays_that_day(self, rig: TodoRig, zone: str, due_as: Any, day: date) -> None:
        """Written from any zone, kept in either way, or set by Microsoft's own program: the day is the day."""
        rig.fake.due_as = due_as
        access = an_access(rig, zone=zone)
        sink = microsoft_todo.open_sink(access)
        ref = sink.put(KEY, msgspec.structs.replace(DRAFT, due=day))
        assert self.read(access) == [day]
        rig.fake.reschedule(rig.fake.tasks()[0].id, day + timedelta(days=3), zone)
        assert self.read(access) == [day + timedelta(days=3)]
        was = msgspec.structs.replace(DRAFT, due=day + timedelta(days=3))
        sink.update(ref, was, msgspec.structs.replace(DRAFT, due=day))
        assert self.read(access) == [day]

    @staticmethod
    def read(access: Any) -> list[date | None]:
        pages = microsoft_todo.open_source(access).pull(None)
        return [
            one.record.due
            for page in pages
            for one in page.changes
            if isinstance(one, Upsert) and isinstance(one.record, Task)
        ]

    @pytest.mark.parametrize(
        ("text", "zone", "day"),
        [
            ("2026-11-26T23:00:00.0000000", "UTC", date(2026, 11, 27)),
            ("2026-11-27T00:00:00.0000000", "UTC", date(2026, 11, 27)),
            ("2026-11-27T00:00:00.0000000", "W. Europe Standard Time", date(2026, 11, 27)),
            ("2026-11-27T00:00:00.0000000", "Mars Standard Time", date(2026, 11, 27)),
            ("2026-11-27T00:00:00.0000000", None, date(2026, 11, 27)),
            ("soon", "UTC", None),
            ("", "UTC", None),
            ("0001-01-01T00:00:00", "Pacific/Auckland", None),
        ],
    )
    def test_odd_ones(self, text: str, zone: str | None, day: date | None) -> None:
        """Windows' names are zones, made-up ones are none, and what is no date is no day."""
        assert day_of(Moment(text, zone), BERLIN) == day


class TestWhatItCosts:
    """Requests, as the fake counts them."""

    def test_a_look_is_one_request(self, rig: TodoRig) -> None:
        """Whatever the lists hold; a task elsewhere adds its list, and once an hour all lists are looked into."""
        for number in range(50):
            rig.add_foreign(f"Foreign {number}")
        a_sink(rig).put(KEY, DRAFT)
        cursor = cursor_of(pull(rig))
        rig.side.paths()
        for _ in range(3):
            rig.clock.advance(timedelta(minutes=5))
            cursor = cursor_of(pull(rig, cursor))
            assert len(rig.side.paths()) == 1
        rig.move(next(task.id for task in rig.tasks() if task.title == DRAFT.title))
        cursor = cursor_of(pull(rig, cursor))
        assert len(rig.side.paths()) == 3
        cursor = cursor_of(pull(rig, cursor))
        assert len(rig.side.paths()) == 2
        rig.clock.advance(timedelta(hours=1))
        pull(rig, cursor)
        assert len(rig.side.paths()) == 4

    def test_a_hundred_changes_come_with_the_lists(self, rig: TodoRig) -> None:
        """Tasks that were done, renamed or made since cost nothing more; deleted ones are asked for by the batch."""
        sink = a_sink(rig)
        for number in range(100):
            sink.put(IdempotencyKey(f"k{number}"), TaskDraft(f"T{number}"))
        held = Held(rig)
        held.catch_up()
        rig.side.paths()
        for task in rig.fake.tasks():
            rig.complete(task.id)
        assert all(one.is_done for one in held.catch_up().values())
        assert len(rig.side.paths()) == 1
        for task in rig.fake.tasks():
            rig.delete(task.id)
        assert held.catch_up() == {}
        asked = rig.side.paths()
        # Each of a hundred in each of three lists.
        assert (asked.count("POST $batch"), len(asked)) == (15, 318)

    def test_writing_costs_few_requests(self, rig: TodoRig) -> None:
        """The first put lists what there is, the next ones are one request; a change is one more than its write."""
        sink = a_sink(rig)
        ref = sink.put(KEY, DRAFT)
        first = rig.side.paths()
        assert (len(first), first[-1].partition(" ")[0]) == (6, "POST")
        sink.put(OTHER, DRAFT)
        assert len(rig.side.paths()) == 1
        sink.find(KEY)
        assert len(rig.side.paths()) == 1
        sink.update(ref, DRAFT, LATER)
        assert [one.partition(" ")[0] for one in rig.side.paths()] == ["GET", "PATCH"]
        sink.update(ref, LATER, LATER)
        assert len(rig.side.paths()) == 1


class TestReadingBack:
    """What its owner did."""

    @pytest.mark.parametrize("keeps_ids", [True, False])
    def test_a_task_is_followed_from_list_to_list(self, rig: TodoRig, keeps_ids: bool) -> None:
        """Under the id it had or another, it is the same task, is written to, and is gone only when it is deleted."""
        rig.fake.keeps_ids = keeps_ids
        held = Held(rig)
        sink = a_sink(rig)
        ref = sink.put(KEY, DRAFT)
        held.catch_up()
        number = rig.fake.tasks()[0].number
        for name, where in (("Elsewhere", rig.elsewhere), ("Tasks", rig.fake.default), ("Kith", rig.list)):
            rig.fake.move(rig.fake.kept[number].id if keeps_ids else self.id_of(rig), where)
            assert held.catch_up()[KEY].list == name
            assert held.gone == []
        a_sink(rig).complete(ref, "Done.")
        assert held.catch_up()[KEY].is_done
        rig.fake.delete(self.id_of(rig))
        assert held.catch_up() == {}
        assert len(held.gone) == 1

    @staticmethod
    def id_of(rig: TodoRig) -> str:
        found = a_sink(rig).find(KEY)
        assert found is not None
        place = place_of(found.id)
        assert place is not None
        return place.task

    def test_a_move_that_is_told_by_half_is_no_deletion(self, rig: TodoRig) -> None:
        """Where the other list does not tell yet, the task is asked for by its id before anything is said."""
        held = Held(rig)
        a_sink(rig).put(KEY, DRAFT)
        held.catch_up()
        rig.move(rig.tasks()[0].id)
        rig.fake.late.add(rig.elsewhere)
        assert held.catch_up()[KEY].list == "Elsewhere"
        rig.fake.late.clear()
        assert held.catch_up()[KEY].list == "Elsewhere"
        assert held.gone == []

    def test_when_it_was_done(self, rig: TodoRig) -> None:
        """The moment of the completion is that of the change, as the completion itself tells a UTC date; later changes leave it."""
        held = Held(rig)
        a_sink(rig).put(KEY, DRAFT)
        held.catch_up()
        rig.clock.advance(timedelta(hours=14, minutes=20))
        rig.complete(rig.tasks()[0].id)
        done_at = rig.clock.now()
        record = held.catch_up()[KEY]
        assert record.done_at is not None
        assert abs(record.done_at - done_at) < timedelta(seconds=1)
        rig.clock.advance(timedelta(days=2))
        rig.rename(rig.tasks()[0].id, "Ana")
        assert held.catch_up()[KEY].done_at == record.done_at

    def test_the_next_time_of_a_recurring_task_is_another(self, rig: TodoRig) -> None:
        """Made recurring by its owner, the task that Kith made is the one that counts."""
        held = Held(rig)
        a_sink(rig).put(KEY, DRAFT)
        held.catch_up()
        rig.complete(rig.tasks()[0].id)
        rig.fake.spawn(rig.tasks()[0].id)
        assert held.catch_up()[KEY].is_done
        assert held.catch_up()[KEY].is_done
        assert len(held.gone) == 0

    def test_a_key_taken_out_is_still_known(self, rig: TodoRig) -> None:
        """A task whose link its owner took away is still followed."""
        held = Held(rig)
        a_sink(rig).put(KEY, DRAFT)
        held.catch_up()
        rig.fake.tasks()[0].linked = []
        rig.complete(rig.tasks()[0].id)
        assert held.catch_up()[KEY].is_done

    def test_new_lists_and_new_names_are_seen(self, rig: TodoRig) -> None:
        """Within the hour."""
        held = Held(rig)
        a_sink(rig).put(KEY, DRAFT)
        held.catch_up()
        rig.fake.lists[rig.list]["displayName"] = "Network"
        rig.clock.advance(timedelta(hours=2))
        settings = {**rig.settings(), "list": rig.list}
        pages = list(microsoft_todo.open_source(an_access(rig, settings=settings)).pull(held.cursor))
        (change,) = changes_of(pages)
        assert isinstance(change, Upsert)
        assert isinstance(change.record, Task)
        assert change.record.list == "Network"

    def test_another_list_deleted_takes_its_tasks_along(self, rig: TodoRig) -> None:
        """A task in a list that is deleted is deleted; one in the chosen list is not spoken of."""
        held = Held(rig)
        sink = a_sink(rig)
        sink.put(KEY, DRAFT)
        sink.put(OTHER, DRAFT)
        rig.move(rig.tasks()[1].id)
        held.catch_up()
        rig.fake.delete_list(rig.elsewhere)
        assert held.catch_up().keys() == {KEY}
        assert len(held.gone) == 1
        rig.delete_list()
        for _ in range(2):
            with pytest.raises(Missing, match="--tasks LIST"):
                held.catch_up()
        assert len(held.gone) == 1

    def test_several_lists_deleted_at_once(self, rig: TodoRig) -> None:
        """Each takes its tasks along, and the chosen list is read as ever."""
        held = Held(rig)
        sink = a_sink(rig)
        keys = [IdempotencyKey(f"k{number}") for number in range(3)]
        for key in keys:
            sink.put(key, DRAFT)
        lists = [rig.fake.add_list("One"), rig.fake.add_list("Two")]
        for task, one in zip(rig.tasks(), lists, strict=False):
            rig.fake.move(task.id, one)
        assert {record.list for record in held.catch_up().values()} == {"One", "Two", "Kith"}
        for one in lists:
            rig.fake.delete_list(one)
        assert held.catch_up().keys() == {keys[2]}
        assert len(held.gone) == 2

    def test_a_list_named_in_another_case_is_followed(self, rig: TodoRig) -> None:
        """What is new in the chosen list is seen at the next look, however its owner wrote its name."""
        settings = {**rig.settings(), "list": "KITH"}
        source = microsoft_todo.open_source(an_access(rig, settings=settings))
        cursor = cursor_of(source.pull(None))
        a_sink(rig).put(KEY, DRAFT)
        assert len(changes_of(source.pull(cursor))) == 1

    def test_others_lists_are_let_be(self, rig: TodoRig) -> None:
        """A list that somebody shares takes a permission of its own; it stops nothing."""
        rig.fake.add_list("Ana's", isOwner=False, isShared=True)
        a_sink(rig).put(KEY, DRAFT)
        assert a_sink(rig).find(OTHER) is None
        assert Held(rig).catch_up().keys() == {KEY}

    @pytest.mark.parametrize("seed", HUNDRED)
    def test_a_full_resync(self, rig: TodoRig, seed: int) -> None:
        """After 410 what was done, renamed, moved and deleted meanwhile is seen, nothing else is, and nothing twice."""
        chance = random.Random(seed)
        rig.fake.tokens.ends_with_location = bool(seed % 2)
        rig.fake.keeps_ids, rig.fake.expands_deltas = seed % 3 != 0, seed % 5 != 0
        rig.fake.most_rows = chance.choice((1, 100))
        held = Held(rig)
        sink = a_sink(rig)
        keys = [IdempotencyKey(f"k{number}") for number in range(6)]
        for key in keys:
            sink.put(key, TaskDraft(key))
        held.catch_up()
        tasks = rig.fake.tasks()
        for task in chance.sample(tasks, 4):
            one = min(self.ids(rig, task))
            match chance.randint(0, 3):
                case 0:
                    rig.complete(one)
                case 1:
                    rig.rename(one, "Mine")
                case 2:
                    rig.move(one)
                case _:
                    rig.delete(one)
        rig.fake.tokens.expire()
        if chance.random() < 0.5:
            rig.faults.order(chance.choice(("500", "cut", "429", "lose_answer")))
            with pytest.raises(Transient):
                held.catch_up()
        records = held.catch_up()
        assert {key: (one.title, one.is_done, one.list) for key, one in records.items()} == {
            task.linked[0]["externalId"]: (
                task.props["title"],
                task.props["status"] == "completed",
                rig.fake.lists[task.place]["displayName"],
            )
            for task in rig.fake.tasks()
        }
        assert len(held.gone) == len(keys) - len(records)
        assert changes_of(pull(rig, held.cursor)) == []

    @staticmethod
    def ids(rig: TodoRig, task: Kept) -> set[str]:
        return ids_of(task, keeps=rig.fake.keeps_ids)


class TestFaults:
    """What goes wrong at Microsoft."""

    def test_a_permission_that_is_missing(self, rig: TodoRig) -> None:
        """Known beforehand or told by Graph, it is named, with what to do; to read alone does not do."""
        settings = {**rig.settings(), "scopes": ["Tasks.Read"]}
        with pytest.raises(ReauthRequired, match=r"Tasks\.ReadWrite"):
            a_sink(rig, settings=settings).put(KEY, DRAFT)
        rig.scopes = frozenset({"Tasks.Read"})
        with pytest.raises(ReauthRequired, match="kith connect microsoft"):
            a_sink(rig).put(KEY, DRAFT)
        assert rig.tasks() == []

    def test_a_batch_that_leaves_out_a_part_takes_nothing_away(self, rig: TodoRig) -> None:
        """What was not answered is not known to be deleted."""
        held = Held(rig)
        a_sink(rig).put(KEY, DRAFT)
        held.catch_up()
        rig.delete(rig.tasks()[0].id)
        rig.side.batch.forgets = 1
        with pytest.raises(Transient):
            held.catch_up()
        assert held.gone == []
        assert held.catch_up() == {}

    @pytest.mark.parametrize("fault", ["lose_answer", "cut", "500", "503", "web_page"])
    def test_an_open_sink_looks_before_it_writes_again(self, rig: TodoRig, fault: Any) -> None:
        """After a write whose end nobody knows, the same sink looks what there is, also where nobody asks it to."""
        sink = a_sink(rig)
        sink.put(OTHER, DRAFT)
        rig.faults.order(fault, writes_only=True)
        with pytest.raises(ConnectorError):
            sink.put(KEY, DRAFT)
        sink.put(KEY, DRAFT)
        assert len(rig.tasks()) == 2

    def test_too_many_requests_of_ten_minutes(self, rig: TodoRig) -> None:
        """The mailbox's own limit is waited for as long as it says."""
        rig.fake.mailbox.most = 10
        sink = a_sink(rig)
        for number in range(5):
            sink.put(IdempotencyKey(f"k{number}"), DRAFT)
        with pytest.raises(RateLimited) as caught:
            sink.put(OTHER, DRAFT)
        assert timedelta(minutes=9) < caught.value.retry_after <= timedelta(minutes=10, seconds=1)

    @pytest.mark.parametrize(
        "change",
        [{"title": 7}, {"linkedResources": "x"}, {"status": []}, {"dueDateTime": "soon"}, {"@odata.etag": 7}],
    )
    def test_one_bad_task_stops_nothing(self, rig: TodoRig, change: Json) -> None:
        """One of ours that cannot be read is named and is not gone; another's is nothing to report."""
        rig.side.server.inspect = no_breaches
        held = Held(rig)
        sink = a_sink(rig)
        sink.put(KEY, DRAFT)
        held.catch_up()
        one = rig.tasks()[0].id
        foreign = rig.add_foreign("Foreign")
        rig.fake.garble = lambda row: {**row, **change} if row["id"] in {one, foreign} else row
        rig.rename(one, "Mine")
        sink.put(OTHER, DRAFT)
        pages = pull(rig, held.cursor)
        changes = changes_of(pages)
        assert [getattr(one, "where", "") for one in changes if not isinstance(one, Upsert)] == [
            "a task of Microsoft To Do with a key of Kith's"
        ]
        assert not any(isinstance(one, Tombstone) for one in changes)
        rig.fake.garble = lambda row: row
        rig.rename(one, "Mine again")
        held.cursor = cursor_of(pages)
        assert held.catch_up()[KEY].title == "Mine again"

    @pytest.mark.parametrize("fault", ["500", "503", "cut", "lose_answer", "web_page", "die_before", "429"])
    def test_every_request_of_a_put_may_fail(self, rig: TodoRig, fault: Any) -> None:
        """Whichever fails, one task comes of it in the end, and never two."""
        for place in range(7):
            key = IdempotencyKey(f"k{place}")
            for number in range(4):
                try:
                    a_sink(rig, spend=OrderAt(rig, place if number == 0 else -1, fault)).put(
                        key, TaskDraft(key)
                    )
                    break
                except ConnectorError:
                    rig.faults.mend()
        assert sorted(task.title for task in rig.tasks()) == [f"k{place}" for place in range(7)]


class OrderAt:
    """Orders a fault once so many requests were spent."""

    def __init__(self, rig: TodoRig, place: int, fault: Any) -> None:
        self._rig, self._left, self._fault = rig, place, fault

    def __call__(self, _quota: str, _units: int, /) -> None:
        if self._left == 0:
            self._rig.faults.order(self._fault)
        self._left -= 1

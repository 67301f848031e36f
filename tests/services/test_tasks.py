"""Follow-ups in a to-do tool: made once, completed by what happens, and never against the owner's word."""

import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from schemas.clock import FrozenClock
from schemas.connector import TaskLimits, TaskRef, Tombstone
from schemas.decisions import FollowupSnoozed
from schemas.errors import (
    Ambiguous,
    ConnectorError,
    Deleted,
    Missing,
    RateLimited,
    ReauthRequired,
    Rejected,
    Transient,
)
from schemas.ids import ExternalId
from schemas.interface import Followup, SourceReport
from services import tasks as tools_of
from services.backup import Backup, write_backup
from services.book import Book, Habits
from services.erasure import forget
from services.ingest import Ingest
from services.lookup import find_person
from services.outbox import Delivered, Delivery, TaskWork
from services.store import outbox
from services.store.accounts import AccountRow, put_account
from services.store.migrate import migrate
from services.store.unit import Store, open_store
from services.tasks import Tool as Account
from tests.services.builders import MARA, NOW, SALT, a_book, a_message, an_ask, exported, take
from tests.services.tools import Tool

ANA, BEN = "ana@example.org", "ben@example.org"
URL = "http://127.0.0.1:8321"
TODO = Account("todo-1", TaskLimits())


class Desk:
    """A book, a tool, and what runs between them."""

    def __init__(self, store: Store, cap: int = 5) -> None:
        self.clock = FrozenClock(NOW)
        began = a_book(store, self.clock)
        self.book = Book(store, began.owner, self.clock, Habits(weekly_cap=cap))
        self.tool = Tool()
        self.mails = 0

    def mail(self, sender: str, to: str = MARA, *, asks: bool = False, re: str = "") -> str:
        self.mails += 1
        key = f"m{self.mails}"
        days_ago = (NOW - self.clock.now()).total_seconds() / 86_400
        references = [re] if re else []
        signals = [an_ask()] if asks else []
        take(
            self.book,
            [a_message(key, sender, [to], days_ago=days_ago, signals=signals, references=references)],
        )
        return key

    def unsay(self, key: str) -> None:
        """A mail is deleted in its mailbox."""
        take(self.book, [Tombstone(ExternalId(f"{key}@example.com"))])

    def known(self, *addresses: str) -> None:
        """Two-way contact, some time ago."""
        self.clock.advance(timedelta(days=-20))
        for address in addresses:
            self.mail(address, re=self.mail(MARA, address))
        self.clock.advance(timedelta(days=20))

    def work(self, *, may_begin: bool = True) -> Delivered:
        """One round: tell the book, ask for what is needed, do it, read back."""
        self.book.keep()
        tools_of.reconcile(self.book, [TODO], URL, may_begin=may_begin)
        told = self.delivery().run()
        self.read()
        return told

    def delivery(self, tool: Tool | None = None) -> Delivery:
        store, owner = self.book.store, self.book.owner
        work = TaskWork(store, owner, TODO.account, tool or self.tool, self.clock)
        return Delivery(store, owner, TODO.account, lambda _side: work, self.clock, lambda: 0.5)

    def read(self) -> None:
        store, owner = self.book.store, self.book.owner
        admit = tools_of.telling_ticks_apart(store, owner, TODO.account, lambda change: change)
        ingest = Ingest(store, owner, self.clock, TODO.account, "tasks", admit, is_live=True)
        ingest.run(self.tool, SourceReport("todo", "tasks"), [], lambda _: None)
        self.book.keep()

    def settle(self) -> None:
        """Rounds until nothing is asked for any more."""
        for _ in range(12):
            self.work()
            with self.book.store.read() as unit:
                if not outbox.waiting(unit, self.book.owner):
                    return
            self.clock.advance(timedelta(minutes=90))
        raise AssertionError("it never settles")

    def followup(self, person: str = ANA) -> Followup:
        who = next(one.id for one in self.book.situation().people.values() if person in one.emails)
        return next(one for one in self.book.followups() if one.person == who and one.rule == "awaiting_me")


@pytest.fixture
def desk(store: Store) -> Desk:
    made = Desk(store)
    made.known(ANA, BEN)
    return made


def test_an_ask_becomes_one_task_and_the_answer_completes_it(desk: Desk) -> None:
    """The task carries the follow-up's id and reason; answered, it is done and says by which mail."""
    asked = desk.mail(ANA, asks=True)
    desk.work()
    item = desk.tool.of(desk.followup().id)
    assert item.draft.title.startswith("Answer ")
    assert item.draft.note == desk.followup().why
    assert item.draft.url == f"{URL}/followups/{desk.followup().id}"
    desk.clock.advance(timedelta(hours=2))
    desk.mail(MARA, ANA, re=asked)
    desk.settle()
    assert item.is_done
    assert item.closing.startswith("Done: you answered")
    assert desk.followup().state == "satisfied"
    assert len(desk.tool.held()) == 1


@pytest.mark.parametrize("cleared", [False, True])
def test_what_kith_ticked_is_no_word_of_the_owners(desk: Desk, *, cleared: bool) -> None:
    """With the answer gone, the follow-up is open again and its task unticked; cleared away, it is not made again."""
    asked = desk.mail(ANA, asks=True)
    desk.settle()
    desk.clock.advance(timedelta(hours=2))
    answer = desk.mail(MARA, ANA, re=asked)
    desk.settle()
    key = desk.followup().id
    assert desk.tool.of(key).is_done
    assert desk.followup().state == "satisfied"
    if cleared:
        desk.tool.delete(key)
        desk.settle()
    desk.clock.advance(timedelta(hours=2))
    desk.unsay(answer)
    desk.settle()
    assert (desk.followup().state, desk.followup().closed_by) == ("open", None)
    assert [desk.tool.of(one).is_done for one in desk.tool.held()] == [False] * (not cleared)
    if cleared:
        return
    desk.tool.tick(key)
    desk.settle()
    assert (desk.followup().state, desk.followup().closed_by) == ("done", "tool")


def test_what_closes_while_its_task_is_made_is_completed_after(desk: Desk) -> None:
    """Answered between asking for the task and its being made, it is not forgotten: the tool is not in line yet."""
    asked = desk.mail(ANA, asks=True)
    tools_of.reconcile(desk.book, [TODO], URL)
    sink = desk.delivery()

    def answered(what: str) -> ConnectorError | None:
        if what == "put":
            desk.tool.faults.clear()
            desk.clock.advance(timedelta(minutes=1))
            desk.mail(MARA, ANA, re=asked)
            tools_of.reconcile(desk.book, [TODO], URL)
        return None

    desk.tool.faults = [answered]
    sink.run()
    assert not desk.tool.of(desk.followup().id).is_done
    assert not tools_of.is_in_line(desk.book, [TODO], URL)
    desk.settle()
    assert desk.tool.of(desk.followup().id).is_done
    assert tools_of.is_in_line(desk.book, [TODO], URL)


def test_nothing_to_do_calls_nothing(desk: Desk) -> None:
    """Rounds in which nothing changed make no call, also as days pass and reasons are told anew."""
    desk.mail(ANA, asks=True)
    desk.settle()
    calls = len(desk.tool.calls)
    for _ in range(5):
        desk.clock.advance(timedelta(days=1))
        desk.work()
    assert desk.tool.calls[calls:] == []


def test_ticked_off_in_the_tool_is_done_and_unticked_is_open(desk: Desk) -> None:
    """The owner's tick closes the follow-up, taken back it opens it again, and Kith contradicts neither."""
    desk.mail(ANA, asks=True)
    desk.settle()
    key = desk.followup().id
    desk.tool.tick(key)
    desk.settle()
    assert (desk.followup().state, desk.followup().closed_by) == ("done", "tool")
    desk.tool.tick(key, done=False)
    desk.settle()
    assert desk.followup().state == "open"
    assert not desk.tool.of(key).is_done


def test_deleted_in_the_tool_is_never_made_again(desk: Desk) -> None:
    """A deleted task is a lasting no: later rounds, new mail in the thread and a replay make none."""
    asked = desk.mail(ANA, asks=True)
    desk.settle()
    key = desk.followup().id
    desk.tool.delete(key)
    desk.settle()
    assert (desk.followup().state, desk.followup().closed_by) == ("dismissed", "tool")
    desk.mail(ANA, re=asked)
    desk.book.replay()
    for _ in range(3):
        desk.clock.advance(timedelta(days=8))
        desk.work()
    assert key not in desk.tool.held()


def test_deleted_before_its_answer_came_is_a_lasting_no(desk: Desk) -> None:
    """A task that its owner deleted before Kith knew that it was made dismisses its follow-up, and stops nothing else."""
    desk.mail(ANA, asks=True)
    desk.mail(BEN, asks=True)
    key = desk.followup(ANA).id
    desk.tool.lost = {1}
    desk.work()
    (lost,) = desk.tool.held()[:1]
    desk.tool.delete(lost)
    desk.tool.refused = {lost: Deleted("Its owner deleted the task.")}
    desk.clock.advance(timedelta(minutes=1))
    assert desk.work().error is None
    desk.settle()
    told = {one.id: (one.state, one.closed_by) for one in desk.book.followups()}
    assert told.pop(lost) == ("dismissed", "tool")
    assert list(told.values()) == [("open", None)]
    assert desk.tool.held() == list(told)
    assert key in {lost, *told}
    calls = len(desk.tool.calls)
    desk.clock.advance(timedelta(days=8))
    desk.settle()
    assert desk.tool.calls[calls:] == []


def test_a_list_that_goes_takes_no_task_with_it(desk: Desk) -> None:
    """A change of a task whose list is gone waits for the owner; in the list that they choose the task is made anew."""
    desk.mail(ANA, asks=True)
    desk.settle()
    key = desk.followup().id
    desk.tool.items.clear()
    desk.tool.refused = {key: Missing("The list is gone.")}
    until = (desk.clock.now() + timedelta(days=3)).date()
    desk.book.decide([FollowupSnoozed(followup=key, at=desk.clock.now(), until=until)])
    desk.book.keep()
    tools_of.reconcile(desk.book, [TODO], URL)
    assert isinstance(desk.delivery().run().error, Missing)
    with desk.book.store.write() as unit:
        assert [row.state for row in outbox.tasks(unit, desk.book.owner)] == ["open"]
        outbox.ask_anew(unit, desk.book.owner, TODO.account, int(desk.clock.now().timestamp()))
    desk.tool.refused = {}
    desk.settle()
    assert desk.tool.of(key).draft.due == until
    assert not desk.tool.of(key).is_done


def test_what_is_tried_again_is_looked_for_first(desk: Desk) -> None:
    """What was given up may have been made all the same: after the account was mended it is found, not made twice."""
    desk.mail(ANA, asks=True)
    desk.tool.lost = {1}
    desk.work()
    desk.tool.faults = [lambda _what: Rejected("no longer allowed")]
    desk.clock.advance(timedelta(minutes=1))
    assert desk.work().failed == 1
    desk.tool.faults = []
    with desk.book.store.write() as unit:
        outbox.try_again(unit, desk.book.owner, TODO.account, int(desk.clock.now().timestamp()))
    desk.settle()
    assert desk.tool.held() == [desk.followup().id]


def test_ticked_off_then_cleared_away_stays_done(desk: Desk) -> None:
    """Whoever clears the tasks that are done says nothing new."""
    desk.mail(ANA, asks=True)
    desk.settle()
    key = desk.followup().id
    desk.tool.tick(key)
    desk.settle()
    desk.tool.delete(key)
    desk.settle()
    assert (desk.followup().state, desk.followup().closed_by) == ("done", "tool")


def test_what_the_owner_renamed_is_left_alone(desk: Desk) -> None:
    """A snooze moves the day of a task only while the task still says what Kith wrote."""
    desk.mail(ANA, asks=True)
    desk.settle()
    key = desk.followup().id
    item = desk.tool.of(key)
    item.draft = type(item.draft)("Call Ana", item.draft.note, item.draft.due, item.draft.url)
    until = (desk.clock.now() + timedelta(days=3)).date()
    desk.book.decide([FollowupSnoozed(followup=key, at=desk.clock.now(), until=until)])
    desk.settle()
    assert desk.tool.of(key).draft.title == "Call Ana"


def test_a_snooze_moves_the_day(desk: Desk) -> None:
    """Snoozed in Kith, the task is due when the follow-up comes back."""
    desk.mail(ANA, asks=True)
    desk.settle()
    key = desk.followup().id
    until = (desk.clock.now() + timedelta(days=3)).date()
    desk.book.decide([FollowupSnoozed(followup=key, at=desk.clock.now(), until=until)])
    desk.settle()
    assert desk.tool.of(key).draft.due == until


def test_the_cap_holds_for_tools(store: Store) -> None:
    """No more than the week's cap of new tasks; the next week brings the next."""
    desk = Desk(store, cap=2)
    others = [f"p{n}@example.org" for n in range(5)]
    desk.known(*others)
    for one in others:
        desk.mail(one, asks=True)
    desk.settle()
    assert len(desk.tool.held()) == 2
    desk.clock.advance(timedelta(days=7))
    desk.settle()
    assert len(desk.tool.held()) == 4


def test_a_first_reading_makes_no_task(desk: Desk) -> None:
    """While an account is still read for the first time the answer may be yet to come: then there is no task at all."""
    asked = desk.mail(ANA, asks=True)
    desk.work(may_begin=False)
    assert desk.tool.calls == []
    desk.clock.advance(timedelta(minutes=1))
    desk.mail(MARA, ANA, re=asked)
    desk.settle()
    assert desk.tool.held() == []


def test_what_was_given_up_is_made_once_its_reason_is_back(desk: Desk) -> None:
    """Answered before its task could be made it gets none; the answer deleted again, it gets one, and one alone."""
    asked = desk.mail(ANA, asks=True)
    desk.tool.faults = [lambda what: Transient("down") if what == "put" else None]
    desk.work()
    desk.clock.advance(timedelta(minutes=1))
    answer = desk.mail(MARA, ANA, re=asked)
    desk.tool.faults = []
    desk.settle()
    assert desk.tool.held() == []
    desk.clock.advance(timedelta(minutes=1))
    desk.unsay(answer)
    desk.settle()
    assert desk.tool.held() == [desk.followup().id]
    desk.settle()
    assert len(desk.tool.held()) == 1


def test_a_replay_touches_no_tool(desk: Desk, tmp_path: Path) -> None:
    """After a replay the same follow-ups stand, and no call is made."""
    desk.mail(ANA, asks=True)
    desk.mail(BEN, asks=True)
    desk.settle()
    before = exported(desk.book, tmp_path / "before")
    calls = len(desk.tool.calls)
    desk.book.replay()
    desk.settle()
    assert desk.tool.calls[calls:] == []
    assert exported(desk.book, tmp_path / "after") == before


def test_whoever_is_forgotten_leaves_no_word_in_tools(desk: Desk, tmp_path: Path) -> None:
    """Their task is completed without a word, their name stands nowhere, and others' tasks stay as they are (C3)."""
    desk.mail(ANA, asks=True)
    desk.mail(BEN, asks=True)
    desk.settle()
    key, other = desk.followup(ANA).id, desk.followup(BEN).id
    forget(desk.book, find_person(desk.book, ANA), SALT)
    with desk.book.store.engine.connect() as connection:
        for table in ("task", "outbox"):
            for row in connection.exec_driver_sql(f"SELECT * FROM {table}"):
                assert "ana@example.org" not in str(tuple(row))
    desk.settle()
    assert desk.tool.of(key).is_done
    assert desk.tool.of(key).closing == ""
    assert not desk.tool.of(other).is_done


def test_a_restored_home_touches_no_tool(desk: Desk, tmp_path: Path) -> None:
    """What was written into tools comes along in a backup: restored, nothing is made or completed again (R22)."""
    asked = desk.mail(ANA, asks=True)
    desk.mail(BEN, asks=True)
    desk.settle()
    desk.mail(MARA, ANA, re=asked)
    desk.settle()
    write_backup(desk.book.store, tmp_path / "kept", NOW, "0", {})
    other = open_store(f"sqlite:///{tmp_path / 'restored.db'}")
    migrate(other)
    Backup(tmp_path / "kept").load(other)
    desk.book = Book(other, desk.book.owner, desk.clock, desk.book.habits)
    desk.book.replay()
    calls = len(desk.tool.calls)
    desk.settle()
    assert desk.tool.calls[calls:] == []
    assert len(desk.tool.held()) == 2
    other.close()


@pytest.mark.parametrize("lost", [{1}, {1, 2}, {2}, {1, 3}])
def test_a_lost_answer_makes_no_second_task(desk: Desk, lost: set[int]) -> None:
    """Whichever answers are lost, each follow-up has one task, and is completed (R11)."""
    desk.tool.lost = lost
    asked = desk.mail(ANA, asks=True)
    desk.mail(BEN, asks=True)
    desk.settle()
    assert sorted(desk.tool.held()) == sorted([desk.followup(ANA).id, desk.followup(BEN).id])
    desk.mail(MARA, ANA, re=asked)
    desk.settle()
    assert desk.tool.of(desk.followup(ANA).id).is_done


def test_a_crash_after_the_send_makes_no_second_task(desk: Desk) -> None:
    """The process dies once the tool has the task and before that is noted: the next one asks the tool first."""

    class Died(BaseException):
        pass

    class Dying(Tool):
        def _answered(self, name: str) -> TaskRef:
            raise Died

    dying = Dying()
    desk.mail(ANA, asks=True)
    tools_of.reconcile(desk.book, [TODO], URL)
    with pytest.raises(Died):
        desk.delivery(dying).run()
    desk.tool.items = dying.items
    desk.settle()
    assert desk.tool.held() == [desk.followup().id]


@pytest.mark.parametrize(
    ("error", "state", "wait"),
    [
        (Transient("down"), "pending", timedelta(seconds=1.5)),
        (RateLimited("slow", retry_after=timedelta(minutes=7)), "pending", timedelta(minutes=7)),
        (ReauthRequired("no"), "pending", timedelta(seconds=1.5)),
        (Missing("the list is gone"), "pending", timedelta(seconds=1.5)),
        (Ambiguous("lost"), "unsure", timedelta(seconds=2)),
        (Rejected("too long"), "failed", timedelta(0)),
    ],
)
def test_each_error_has_its_verdict(desk: Desk, error: ConnectorError, state: str, wait: timedelta) -> None:
    """What may work later waits as long as it should; what was refused for good is listed; the words are kept."""
    desk.mail(ANA, asks=True)
    desk.tool.faults = [lambda what: error if what == "put" else None]
    told = desk.work()
    assert (told.error is error) == (state != "failed")
    with desk.book.store.read() as unit:
        (intent,) = outbox.standing(unit, desk.book.owner, ("pending", "unsure", "failed"))
    assert (intent.state, intent.reason) == (state, str(error))
    assert intent.next_at == int((desk.clock.now() + wait).timestamp())
    desk.tool.faults = []
    if state != "failed":
        desk.settle()
        assert len(desk.tool.held()) == 1


def test_followups_tell_where_their_tasks_are(desk: Desk, tmp_path: Path) -> None:
    """A follow-up names tool, account, task and state wherever it is read, and in the export."""
    desk.mail(ANA, asks=True)
    with desk.book.store.write() as unit:
        account = AccountRow(desk.book.owner, TODO.account, "todoist", "Todoist", "active", "", "{}", "", 0)
        put_account(unit, account)
    desk.settle()
    (link,) = desk.followup().tasks
    assert (link.tool, link.account, link.task_id, link.state) == ("todoist", "todo-1", "t1", "open")
    assert desk.book.followup(desk.followup().id)[0].tasks == [link]
    told = exported(desk.book, tmp_path)["followups.jsonl"]
    assert b'"tasks":[{"tool":"todoist","account":"todo-1","task_id":"t1"' in told


def _chaos(chance: random.Random) -> Callable[[str], ConnectorError | None]:
    def fault(_what: str) -> ConnectorError | None:
        if chance.random() < 0.25:
            return chance.choice(
                [Transient("x"), Ambiguous("y"), RateLimited("z", retry_after=timedelta(minutes=1))]
            )
        return None

    return fault


@pytest.mark.parametrize("seed", range(15))
def test_whatever_happens_each_followup_has_one_task_in_its_state(sqlite_store: Store, seed: int) -> None:
    """Asks, answers, ticks, deletions, faults and lost answers in any order end with tool and book in line."""
    chance = random.Random(seed)
    desk = Desk(sqlite_store, cap=0)
    people = [f"p{n}@example.org" for n in range(4)]
    desk.known(*people)
    asked: dict[str, str] = {}
    deleted: set[str] = set()
    desk.tool.faults = [_chaos(chance)]
    desk.tool.lost = {n for n in range(1, 60) if chance.random() < 0.3}
    for _ in range(14):
        person = chance.choice(people)
        match chance.randrange(5):
            case 0 | 1:
                asked[person] = desk.mail(person, asks=True)
            case 2 if person in asked:
                desk.mail(MARA, person, re=asked.pop(person))
            case 3 if desk.tool.items:
                desk.tool.tick(chance.choice(desk.tool.held()))
            case 4 if desk.tool.items:
                key = chance.choice(desk.tool.held())
                if not desk.tool.of(key).is_done:
                    desk.tool.delete(key)
                    desk.read()
                    deleted.add(key)
            case _:
                pass
        desk.work()
        desk.clock.advance(timedelta(hours=chance.randint(1, 5)))
    desk.tool.faults, desk.tool.lost = [], set()
    desk.settle()
    desk.settle()
    keys = desk.tool.held()
    assert len(keys) == len(set(keys))
    assert not deleted & set(keys)
    for one in desk.book.followups():
        if one.id in keys:
            assert desk.tool.of(one.id).is_done == (one.state not in {"open", "snoozed"})
        elif one.id not in deleted and one.surfaced_at is not None:
            assert one.state not in {"open", "snoozed"}

"""One account that takes tasks and mail alike: each as it should be done, and neither waits for the other."""

from datetime import timedelta
from types import MappingProxyType

import pytest

from schemas.errors import (
    Ambiguous,
    ConnectorError,
    Missing,
    RateLimited,
    ReauthRequired,
    Rejected,
    Transient,
)
from services import tasks as tools_of
from services.outbox import Delivered, Delivery, Letter, MailWork, TaskWork, Work
from services.store import outbox
from services.store.outbox import Intent, Side
from services.store.unit import Store
from tests.services.builders import NOW
from tests.services.test_tasks import ANA, BEN, TODO, URL, Desk

WEEK = Intent(key="mail of the week", account=TODO.account, kind="mail", subject="2026-W48", payload="")


class Post:
    """A post office that says what it is told to, and counts what it took."""

    def __init__(self) -> None:
        self.says: ConnectorError | None = None
        self.taken: list[bytes] = []

    def send(self, mail: bytes, _sender: str, _to: str, /) -> None:
        if self.says is not None:
            raise self.says
        self.taken.append(mail)


class Counter(Desk):
    """A desk whose account sends mail as well; a digest and two tasks are asked for."""

    def __init__(self, store: Store, digest_first: bool = True) -> None:
        super().__init__(store)
        self.post = Post()
        self.known(ANA, BEN)
        asked_at = NOW if digest_first else NOW + timedelta(minutes=2)
        with store.write() as unit:
            outbox.ask(unit, self.book.owner, [WEEK], int(asked_at.timestamp()))
        self.clock.advance(timedelta(minutes=1))
        self.mail(ANA, asks=True)
        self.mail(BEN, asks=True)
        self.book.keep()
        tools_of.reconcile(self.book, [TODO], URL)
        self.clock.advance(timedelta(minutes=1))

    def deliver(self) -> Delivered:
        works: MappingProxyType[Side, Work] = MappingProxyType(
            {
                "tasks": TaskWork(self.book.store, self.book.owner, TODO.account, self.tool, self.clock),
                "mail": MailWork(self.post, lambda _: Letter(b"digest", "a@example.com", "b@example.com")),
            }
        )
        store, owner = self.book.store, self.book.owner
        delivery = Delivery(store, owner, TODO.account, works.__getitem__, self.clock, lambda: 0.5)
        return delivery.run()

    def states(self) -> dict[str, list[str]]:
        """How what was asked for stands, by kind."""
        found: dict[str, list[str]] = {}
        with self.book.store.read() as unit:
            for state in ("pending", "in_flight", "unsure", "done", "failed"):
                for one in outbox.standing(unit, self.book.owner, (state,)):
                    found.setdefault(one.kind, []).append(state)
        return found


@pytest.fixture
def counter(store: Store) -> Counter:
    return Counter(store)


def test_an_account_takes_tasks_and_mail_in_one_go(counter: Counter) -> None:
    """A digest and two tasks are asked for at one account; all three are done."""
    assert counter.deliver() == Delivered(done=3, has_put=True)
    assert len(counter.post.taken) == 1
    assert len(counter.tool.held()) == 2


@pytest.mark.parametrize("error", [Transient("down"), Ambiguous("lost"), Rejected("no")])
def test_mail_that_cannot_go_out_keeps_no_task_waiting(counter: Counter, error: ConnectorError) -> None:
    """The post office of an account is down, and its list is not: the tasks are made in the same round."""
    counter.post.says = error
    counter.deliver()
    assert len(counter.tool.held()) == 2
    mail = {"Transient": "pending", "Ambiguous": "failed", "Rejected": "failed"}[type(error).__name__]
    assert counter.states() == {"mail": [mail], "put": ["done", "done"]}


@pytest.mark.parametrize("error", [Transient("down"), Ambiguous("lost")])
def test_a_list_that_is_down_keeps_no_mail_waiting(store: Store, error: ConnectorError) -> None:
    """Once the list did not answer no more is asked of it in this round, and the digest goes out."""
    counter = Counter(store, digest_first=False)
    counter.tool.faults = [lambda what: error if what == "put" else None]
    told = counter.deliver()
    assert told.error is error
    assert counter.tool.calls == ["put"]
    assert len(counter.post.taken) == 1


@pytest.mark.parametrize(
    "error", [RateLimited("slow", retry_after=timedelta(minutes=1)), ReauthRequired("no"), Missing("gone")]
)
def test_what_is_true_of_the_account_ends_the_round(counter: Counter, error: ConnectorError) -> None:
    """Told to wait, or refused altogether, nothing else is asked of the account, whatever it is for."""
    counter.post.says = error
    assert counter.deliver().error is error
    assert counter.tool.calls == []


def test_what_was_in_flight_stands_as_its_kind_does(counter: Counter) -> None:
    """Its process died: a task is asked for before it is made, a digest counts as sent and is listed."""
    with counter.book.store.write() as unit:
        for one in outbox.standing(unit, counter.book.owner, ("pending",)):
            outbox.set_state(unit, counter.book.owner, one, "in_flight", int(NOW.timestamp()))
    counter.deliver()
    assert counter.states() == {"mail": ["failed"], "put": ["done", "done"]}
    assert counter.post.taken == []
    assert counter.tool.calls == ["find", "put"] * 2

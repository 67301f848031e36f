"""Jobs on a real worker: what raises is retried as the table says, what fails for good is recorded and dropped."""

import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from dramatiq.middleware.shutdown import Shutdown

from schemas.errors import Ambiguous, ConfigError, RateLimited, ReauthRequired, Rejected, Transient
from schemas.interface import SourceReport
from services.ingest import Ingest
from services.store.unit import Store
from services.turns import OwnerRests, TurnLost, TurnTaken
from tests.services.builders import MARA, Given, a_book, a_meeting, a_message, an_ask, exported, upsert
from tests.workers.homes import QUEUE, Home
from workers.broker import make_broker
from workers.verdict import Verdict, verdict

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("error", "attempt", "wanted"),
    [
        (Transient("reset"), 1, Verdict("again", SECOND)),
        (Transient("reset"), 2, Verdict("again", 4 * SECOND)),
        (Transient("reset"), 3, Verdict("fail")),
        (
            RateLimited("slow", retry_after=timedelta(minutes=7)),
            9,
            Verdict("again", timedelta(minutes=7), False),
        ),
        (TurnTaken("busy"), 9, Verdict("again", SECOND, False)),
        (TurnLost("late"), 1, Verdict("drop")),
        (OwnerRests("rests"), 1, Verdict("drop")),
        (Shutdown(), 1, Verdict("drop")),
        (ReauthRequired("gone"), 1, Verdict("fail")),
        (Rejected("no"), 1, Verdict("fail")),
        (Ambiguous("lost"), 1, Verdict("fail")),
        (ConfigError("no"), 1, Verdict("fail")),
        (ZeroDivisionError(), 1, Verdict("again", SECOND)),
        (MemoryError(), 3, Verdict("fail")),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_each_error_has_its_verdict(error: BaseException, attempt: int, wanted: Verdict) -> None:
    """The table from error to verdict."""
    assert verdict(error, attempt) == wanted


def test_another_broker_is_refused() -> None:
    """A URL of no known broker, and Redis without its client, are told in one sentence."""
    with pytest.raises(ConfigError, match="memory: and redis"):
        make_broker("amqp://localhost", lambda *_: None)


def test_a_poison_job_stops_after_three_attempts(sqlite_store: Store) -> None:
    """It is recorded once with its reason and count, nothing of it stays in memory, and the worker goes on."""
    book = a_book(sqlite_store)
    attempts: list[int] = []

    def fail(owner: int) -> None:
        attempts.append(owner)
        raise ZeroDivisionError("secret words of a mail")

    home = Home(sqlite_store, work=fail)
    home.bells.keep_owner.send(book.owner)
    with home.working():
        home.broker.join(QUEUE, timeout=20_000)
        home.bells.compose_digest.send(99, "2026-W48")
        home.broker.join(QUEUE, timeout=20_000)
    assert len(attempts) == 3
    assert home.buried == [("keep_owner", (book.owner,), "ZeroDivisionError (attempt 3)")]
    assert home.composed == [(99, "2026-W48")]
    assert home.broker.dead_letters == []
    assert home.broker.waiting() == {}


def test_what_fails_at_first_is_done_in_the_end(sqlite_store: Store) -> None:
    """A reset connection costs a delay and nothing else."""
    book = a_book(sqlite_store)
    attempts: list[int] = []

    def stumble(owner: int) -> None:
        attempts.append(owner)
        if len(attempts) < 3:
            raise Transient("the connection was reset")

    home = Home(sqlite_store, work=stumble)
    home.bells.keep_owner.send(book.owner)
    home.drained()
    assert (len(attempts), home.buried, book.is_kept()) == (3, [], True)


def test_an_unreadable_job_is_dropped(sqlite_store: Store) -> None:
    """A message for an actor nobody knows, as after an upgrade, ends as a dead letter that is let go."""
    home = Home(sqlite_store)
    message = home.bells.keep_owner.message(1)
    home.broker.enqueue(message.copy(actor_name="gone_since"))
    home.drained()
    assert [job[0] for job in home.buried] == ["gone_since"]
    assert home.broker.dead_letters == []


def _records() -> list[object]:
    return [
        *[
            a_message(
                f"a{i}", "ana@example.org", days_ago=50 - i, signals=[an_ask()], references=[f"a{i - 1}"]
            )
            for i in range(12)
        ],
        *[
            a_message(f"m{i}", MARA, ["ana@example.org", "ben@example.net"], days_ago=40 - i)
            for i in range(12)
        ],
        *[a_meeting(f"u{i}", ["ben@example.net"], days_ago=20 - 2 * i) for i in range(12)],
    ]


def _fill(home: Home, owner: int, ring: Callable[[int], None]) -> None:
    """Read the records page by page, and ring after each."""
    ingest = Ingest(home.store, owner, home.clock, "files", "given")
    source = Given([upsert(one) for one in _records()], page=5)  # type: ignore[arg-type]
    ingest.run(source, SourceReport("given", "items"), [], lambda _: ring(owner))


@pytest.mark.parametrize("seed", range(4))
def test_jobs_twice_and_shuffled_leave_the_same_book(store: Store, tmp_path: Path, seed: int) -> None:
    """Every message delivered up to three times, in any order, on two threads: the export is that of one quiet keep."""
    chance = random.Random(seed)
    home = Home(store)
    owner = a_book(store).owner
    waiting: list[Callable[[], object]] = []

    def ring(who: int) -> None:
        job = chance.choice([home.bells.keep_owner, home.bells.tend])
        waiting.extend([lambda: job.send(who)] * chance.randint(1, 3))
        chance.shuffle(waiting)
        if chance.random() < 0.5:
            waiting.pop()()

    with home.working():
        _fill(home, owner, ring)
        for send in waiting:
            send()
        home.broker.join(QUEUE, timeout=60_000)
    # A bell that found the book taken left it to its writer, who looks again; so all is told by now.
    book = a_book(store)
    assert home.buried == []
    told = exported(book, tmp_path / "told", without=["events.jsonl"])
    book.replay()
    assert exported(book, tmp_path / "quiet", without=["events.jsonl"]) == told

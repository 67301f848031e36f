"""The relay finds what no message told of; an idle home costs it one look at a number."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

from sqlalchemy import event

from schemas.clock import FrozenClock, epoch
from schemas.decisions import TagsSet
from services.book import Book
from services.store import events as stream
from services.store.unit import Store
from tests.services.builders import NOW, a_book, a_message, take
from tests.workers.homes import QUEUE, Home
from workers.relay import Relay

TAG = TagsSet(person="email:ana@example.org", tags=("lisbon",))


@contextmanager
def _statements(store: Store) -> Iterator[list[str]]:
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    event.listen(store.engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(store.engine, "before_cursor_execute", note)


def test_a_lost_message_is_found(store: Store) -> None:
    """Events that nobody rang for are told once the stream rests, and rung for once."""
    book = a_book(store)
    book.keep()
    rung: list[int] = []
    relay = Relay(store, rung.append)
    relay.look()
    relay.look()
    assert rung == []
    book.decide([TAG])
    for _ in range(10):
        relay.look()
    assert rung == [book.owner]


def test_a_bell_that_nothing_came_of_is_rung_again(sqlite_store: Store) -> None:
    """With growing patience: three times in the first hundred looks, then every ten minutes."""
    book = a_book(sqlite_store)
    rung: list[int] = []
    relay = Relay(sqlite_store, rung.append)
    for _ in range(100):
        relay.look()
    assert rung == [book.owner] * 3
    book.keep()
    for _ in range(2_000):
        relay.look()
    assert rung == [book.owner] * 3


def test_a_growing_stream_is_left_alone(sqlite_store: Store) -> None:
    """While every look finds more, whoever reads is at it; the bell rings when that ends."""
    book = a_book(sqlite_store)
    rung: list[int] = []
    relay = Relay(sqlite_store, rung.append)
    for _ in range(10):
        book.decide([TAG])
        relay.look()
    assert rung == []
    relay.look()
    assert rung == [book.owner]


def test_a_book_read_but_not_told_is_found(sqlite_store: Store) -> None:
    """A process that ended between reading events and telling of them leaves a book that the relay finds."""
    clock = FrozenClock(NOW)
    book = a_book(sqlite_store, clock)
    book.keep()
    clock.advance(timedelta(minutes=5))
    book.decide([TAG])
    book.follow(100)
    with sqlite_store.read() as unit:
        seq, as_of = stream.position(unit, book.owner, stream.HISTORY)
        assert (seq, as_of) == (stream.last_seq(unit, book.owner), epoch(NOW))
    rung: list[int] = []
    relay = Relay(sqlite_store, rung.append)
    relay.look()
    relay.look()
    assert rung == [book.owner]


def test_an_idle_look_reads_no_table(sqlite_store: Store) -> None:
    """While nobody writes, a look is one PRAGMA."""
    book = a_book(sqlite_store)
    take(book, [a_message("a", "ana@example.org")])
    relay = Relay(sqlite_store, lambda _: None)
    relay.look()
    with _statements(sqlite_store) as said:
        for _ in range(5):
            relay.look()
    assert said == ["PRAGMA data_version"] * 5


def test_relay_and_worker_together_tell_the_book(sqlite_store: Store, tmp_path: Path) -> None:
    """Decisions appended by somebody else are in the book within two seconds."""
    home = Home(sqlite_store)
    book = a_book(sqlite_store)
    take(book, [a_message("a", "ana@example.org")])
    told, stopped = Event(), Event()
    keep = home.keep

    def keep_and_tell(owner: int, /) -> bool:
        kept = keep(owner)
        told.set()
        return kept

    home.keep = keep_and_tell  # type: ignore[method-assign]
    relay = Relay(sqlite_store, home.bells.keep_owner.send)
    watch = Thread(target=relay.run, args=(stopped,))
    with home.working():
        watch.start()
        book.decide([TAG])
        assert told.wait(timeout=2)
        home.broker.join(QUEUE, timeout=5_000)
        stopped.set()
        watch.join(timeout=5)
    assert not watch.is_alive()
    assert Book(sqlite_store, book.owner, book.clock).is_kept()

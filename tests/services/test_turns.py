"""One writer an owner: a turn excludes others, ends by itself, and whoever lost it writes nothing more."""

import errno
from datetime import timedelta
from threading import Barrier, Thread

import pytest

from schemas.clock import FrozenClock
from schemas.decisions import TagsSet
from services.book import decide
from services.store import events as stream
from services.store.unit import Store
from services.turns import ATTEMPTS, LENGTH, REST, OwnerRests, TurnLost, Turns, TurnTaken
from tests.services.builders import NOW, a_book

TAG = TagsSet(person="email:ana@example.org", tags=("lisbon",))


def _nothing(_store: Store) -> None:
    return


def _last(store: Store, owner: int) -> int:
    with store.read() as unit:
        return stream.last_seq(unit, owner)


def _raise(error: BaseException) -> None:
    raise error


def test_who_is_told_to_stop_has_not_failed(store: Store) -> None:
    """However often a turn is interrupted, by its owner or with its process, the next may begin at once."""
    turns = Turns(store, FrozenClock(NOW), "one")
    for _ in range(ATTEMPTS + 1):
        with pytest.raises(KeyboardInterrupt):
            turns.run(1, lambda _: _raise(KeyboardInterrupt()))
    for _ in range(ATTEMPTS):
        with pytest.raises(RuntimeError):
            turns.run(1, lambda _: _raise(RuntimeError()))
    with pytest.raises(OwnerRests):
        turns.run(1, _nothing)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_who_found_no_room_to_write_has_not_failed(store: Store, number: int) -> None:
    """A digest that no disk has room for rests nobody: with room again the next turn may begin at once (R14)."""
    turns = Turns(store, FrozenClock(NOW), "one")
    for _ in range(ATTEMPTS + 1):
        with pytest.raises(OSError, match="no room"):
            turns.run(1, lambda _: _raise(OSError(number, "no room")))


def test_a_turn_that_went_on_before_it_died_has_not_failed(store: Store) -> None:
    """A long reading that is killed again and again goes on each time, as long as each time something lasts of it."""
    turns = Turns(store, FrozenClock(NOW), "one")

    def dies(_: Store) -> None:
        turns.went_on(1, "pull")
        raise RuntimeError

    for _ in range(ATTEMPTS + 1):
        with pytest.raises(RuntimeError):
            turns.run(1, dies, "pull")
    for _ in range(ATTEMPTS):
        with pytest.raises(RuntimeError):
            turns.run(1, lambda _: _raise(RuntimeError()), "pull")
    with pytest.raises(OwnerRests):
        turns.run(1, _nothing, "pull")


def test_a_turn_excludes_others_and_ends(store: Store) -> None:
    """While one works nobody else may; another owner's turn is another matter; afterwards it is free at once."""
    clock = FrozenClock(NOW)
    one, two = Turns(store, clock, "one"), Turns(store, clock, "two")

    def work(_: Store) -> str:
        with pytest.raises(TurnTaken):
            two.run(1, _nothing)
        two.run(2, _nothing)
        return "done"

    assert one.run(1, work) == "done"
    two.run(1, _nothing)


def test_a_paused_holder_writes_nothing_once_overtaken(store: Store) -> None:
    """Paused past its expiry and overtaken, a holder's next write fails and changes nothing."""
    book = a_book(store)
    clock = FrozenClock(NOW)
    one, two = Turns(store, clock, "one"), Turns(store, clock, "two")

    def paused(mine: Store) -> None:
        decide(mine, book.owner, clock, [TAG])
        clock.advance(LENGTH + timedelta(seconds=1))
        two.run(book.owner, lambda theirs: decide(theirs, book.owner, clock, [TAG]))
        decide(mine, book.owner, clock, [TAG])

    before = _last(store, book.owner)
    with pytest.raises(TurnLost):
        one.run(book.owner, paused)
    assert _last(store, book.owner) == before + 2


def test_a_slow_holder_keeps_its_turn_by_writing(sqlite_store: Store) -> None:
    """Each write renews the turn, so that long work is not overtaken."""
    book = a_book(sqlite_store)
    clock = FrozenClock(NOW)
    one, two = Turns(sqlite_store, clock, "one"), Turns(sqlite_store, clock, "two")

    def slow(mine: Store) -> None:
        for _ in range(10):
            clock.advance(LENGTH / 2)
            decide(mine, book.owner, clock, [TAG])
            with pytest.raises(TurnTaken):
                two.run(book.owner, _nothing)

    one.run(book.owner, slow)


def test_what_never_finishes_rests_after_three_turns(store: Store) -> None:
    """After three turns that raised, or whose process died, an owner rests for an hour; others do not."""
    clock = FrozenClock(NOW)
    turns = Turns(store, clock, "one")

    def fail(_: Store) -> None:
        raise ZeroDivisionError

    for _ in range(ATTEMPTS):
        with pytest.raises(ZeroDivisionError):
            turns.run(1, fail)
    with pytest.raises(OwnerRests):
        turns.run(1, _nothing)
    turns.run(2, _nothing)
    clock.advance(REST)
    turns.run(1, _nothing)
    turns.run(1, _nothing)


def test_turns_of_a_dead_process_end_with_it(sqlite_store: Store) -> None:
    """Whoever knows that no other process is there takes back its turns, and the count of attempts stays."""
    clock = FrozenClock(NOW)

    dead = Turns(sqlite_store, clock, "dead")
    for _ in range(ATTEMPTS):
        dead._take(1, "book")
        with pytest.raises(TurnTaken):
            Turns(sqlite_store, clock, "next").run(1, _nothing)
        Turns(sqlite_store, clock, "next").end_all()
    with pytest.raises(OwnerRests):
        Turns(sqlite_store, clock, "next").run(1, _nothing)


def test_what_is_asked_for_once_is_remembered_no_longer_than_it_counts(store: Store) -> None:
    """The second to ask hears so, after a start as well; when its time is over it leaves nothing, and turns keep their numbers."""
    clock = FrozenClock(NOW)
    turns, within = Turns(store, clock, "one"), timedelta(minutes=10)
    turns.run(1, _nothing)
    assert turns.once(1, "sign-in", "a", within)
    Turns(store, clock, "next").end_all()
    assert not Turns(store, clock, "next").once(1, "sign-in", "a", within)
    kept = _leases(store)
    for number in range(20):
        clock.advance(within)
        assert turns.once(1, "sign-in", str(number), within)
        assert not turns.once(1, "sign-in", str(number), within)
    assert _leases(store) == kept


def _leases(store: Store) -> int:
    with store.engine.connect() as opened:
        return int(opened.exec_driver_sql("SELECT count(*) FROM lease").scalar_one())


def test_of_many_at_once_one_has_the_turn(store: Store) -> None:
    """Eight threads ask at the same moment, and one works."""
    clock = FrozenClock(NOW)
    start, hold = Barrier(8), Barrier(8)
    done: list[str] = []

    def ask(name: str) -> None:
        turns = Turns(store, clock, name)
        start.wait(timeout=30)

        def work(_: Store) -> None:
            done.append(name)
            hold.wait(timeout=30)

        try:
            turns.run(1, work)
        except TurnTaken:
            hold.wait(timeout=30)

    threads = [Thread(target=ask, args=(str(i),)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(done) == 1

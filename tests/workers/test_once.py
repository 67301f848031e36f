"""Within a process the same thing is done by one at a time, and nothing that was asked for meanwhile is forgotten."""

from threading import Event, Thread

import pytest

from workers.once import Once


def test_who_comes_meanwhile_leaves_word() -> None:
    """The second does nothing, and the first learns of it at its end; another name is not held up."""
    once = Once()
    began, may_end = Event(), Event()
    told: list[bool] = []

    def first() -> None:
        with once.at(1, "pull") as turn:
            assert turn.is_ours
            began.set()
            assert may_end.wait(10)
        told.append(turn.is_wanted_again)

    thread = Thread(target=first)
    thread.start()
    assert began.wait(10)
    with once.at(1, "pull") as second:
        assert not second.is_ours
    with once.at(2, "pull") as other:
        assert other.is_ours
    may_end.set()
    thread.join(10)
    assert told == [True]


def test_a_turn_ends_with_its_block_also_when_that_raises() -> None:
    """What failed leaves the way free, and undisturbed work is not asked for again."""
    once = Once()
    with pytest.raises(ZeroDivisionError), once.at("x"):
        _ = 1 / 0
    with once.at("x") as turn:
        assert turn.is_ours
    assert not turn.is_wanted_again

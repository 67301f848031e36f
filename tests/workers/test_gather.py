"""What comes from many sides is done by one, each thing once, and nobody who brings it waits."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

from workers.gather import Gather


class Work:
    """Does what it is handed, once it is let."""

    def __init__(self) -> None:
        self.done: list[tuple[int, ...]] = []
        self.may = Event()
        self.began = Event()

    def __call__(self, items: Sequence[int]) -> None:
        self.began.set()
        assert self.may.wait(10)
        self.done.append(tuple(items))
        if 13 in items:
            raise RuntimeError("thirteen")


def test_a_storm_is_done_once() -> None:
    """A thousand times the same, from eight sides, while the first is being done: one time more."""
    work = Work()
    gather = Gather(work)
    gather.bring([1])
    assert work.began.wait(10)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(gather.bring, [[1, 2]] * 1_000))
    gather.bring([99])
    assert not gather.settle(timedelta())
    work.may.set()
    assert gather.settle(timedelta(seconds=10))
    assert work.done == [(1,), (1, 2, 99)]


def test_what_fails_keeps_nothing_that_comes_later() -> None:
    """Whatever was raised."""
    work = Work()
    work.may.set()
    gather = Gather(work)
    gather.bring([13])
    gather.bring([99])
    assert gather.settle(timedelta(seconds=10))
    assert [one for some in work.done for one in some] == [13, 99]


def test_no_more_waits_than_may() -> None:
    """Whatever is brought, memory is bounded; nothing brought is nothing done."""
    work = Work()
    gather = Gather(work, most=3)
    gather.bring([])
    gather.bring([1])
    assert work.began.wait(10)
    gather.bring([99, *range(1_000)])
    work.may.set()
    assert gather.settle(timedelta(seconds=10))
    assert work.done == [(1,), (99, 0, 1)]

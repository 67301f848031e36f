"""Listeners: news lead to a bounded number of pulls, broken lines are dialled again ever more slowly, ends are soon."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise
from threading import Event, Thread
from time import monotonic

import pytest
from structlog.testing import capture_logs

from schemas.connector import Listener
from schemas.errors import RateLimited, ReauthRequired, Rejected, Transient
from workers.listen import Listeners, Open, Place

HERE = Place(1, "imap-1", "imap")


class Line:
    """A line to a server: what `wait` is to do, and how often it was dialled."""

    def __init__(self) -> None:
        self.dialled: list[float] = []
        self.refuses: Exception | None = None
        self.breaks: Exception | None = None
        self.news = Event()
        self.is_storm = False
        self.closed = 0

    def open(self) -> Listener:
        self.dialled.append(monotonic())
        if self.refuses is not None:
            raise self.refuses
        return _Listener(self)


class _Listener:
    def __init__(self, line: Line) -> None:
        self._line = line
        self._closed = Event()

    def wait(self, timeout: timedelta, /) -> bool:
        end = monotonic() + timeout.total_seconds()
        while not self._closed.is_set() and monotonic() < end:
            if self._line.breaks is not None:
                raise self._line.breaks
            if self._line.is_storm:
                return True
            if self._line.news.wait(0.005):
                self._line.news.clear()
                return True
        return False

    def close(self) -> None:
        self._line.closed += 1
        self._closed.set()


class Desk:
    """Listeners at one place, and what they did."""

    def __init__(self, line: Line, patience: timedelta = timedelta(minutes=15)) -> None:
        self.line = line
        self.rings: list[float] = []
        self.places: dict[Place, Open] = {HERE: self.line.open}
        self.listeners = Listeners(
            lambda: self.places, lambda _: self.rings.append(monotonic()), lambda: 0.5, patience=patience
        )

    def until(self, is_so: Callable[[], bool], within: float = 5) -> None:
        deadline, pause = monotonic() + within, Event()
        while not is_so():
            assert monotonic() < deadline, "it never came to be so"
            pause.wait(0.005)


@contextmanager
def _listening(line: Line | None = None) -> Iterator[Desk]:
    desk = Desk(line or Line())
    stopped = Event()
    thread = Thread(target=desk.listeners.run, args=(stopped,), daemon=True)
    thread.start()
    try:
        yield desk
    finally:
        stopped.set()
        thread.join(5)
        assert not thread.is_alive()


def test_it_rings_as_it_connects_and_at_news() -> None:
    """What came while nobody listened is pulled at once; from then on each piece of news rings soon."""
    with _listening() as desk:
        desk.until(lambda: len(desk.rings) == 1)
        desk.line.news.set()
        began = monotonic()
        desk.until(lambda: len(desk.rings) == 2)
        assert monotonic() - began < 3


def test_a_storm_rings_ever_more_seldom() -> None:
    """News without end ring a bounded number of times: the pauses grow as long as there is no rest (R29)."""
    with _listening() as desk:
        desk.line.is_storm = True
        desk.until(lambda: len(desk.rings) >= 5)
        gaps = [after - before for before, after in pairwise(desk.rings[1:])]
        assert all(later > earlier * 1.5 for earlier, later in pairwise(gaps)), gaps


def test_after_a_storm_news_ring_at_once_again() -> None:
    """Once there was a rest, the next piece of news waits for nothing."""
    with _listening() as desk:
        desk.line.is_storm = True
        desk.until(lambda: len(desk.rings) >= 4)
        desk.line.is_storm = False
        count, quiet = len(desk.rings), Event()
        quiet.wait(2.5)
        desk.line.news.set()
        began = monotonic()
        desk.until(lambda: len(desk.rings) > count)
        assert monotonic() - began < 1.5


@pytest.mark.parametrize(
    ("how", "error"), [("refuses", Transient("it broke off")), ("breaks", ValueError("a fault of ours"))]
)
def test_a_broken_line_is_dialled_ever_more_seldom(how: str, error: Exception) -> None:
    """A server that refuses, or takes every call and drops it at once: delays grow, and it is logged once."""
    line = Line()
    setattr(line, how, error)
    with capture_logs() as log, _listening(line) as desk:
        desk.until(lambda: len(desk.line.dialled) >= 3, 9)
        first, second, third = desk.line.dialled[:3]
        assert third - second > 1.5 * (second - first) > 1.5
        assert len(desk.rings) <= 3
        assert [entry["event"] for entry in log] == ["listening broke off, and is tried again"]


def test_a_refused_sign_in_is_not_tried_again() -> None:
    """Only the owner can change that; polling tells them."""
    line = Line()
    line.refuses = ReauthRequired("no")
    with capture_logs() as log, _listening(line) as desk:
        desk.until(lambda: len(log) > 0)
        desk.until(lambda: log[0]["event"] == "not listened to; polling goes on")
        assert len(desk.line.dialled) == 1
        assert desk.rings == []


def test_a_server_that_cannot_tell_is_asked_again_and_told_of_once() -> None:
    """It may be able to some day; what it says is logged again only when it is something else, or after it could."""
    line = Line()
    desk = Desk(line, patience=timedelta(milliseconds=1))

    def dialled(words: str) -> None:
        count = len(line.dialled)
        line.refuses = Rejected(words)

        def is_done() -> bool:
            desk.listeners.look()
            return len(line.dialled) >= count + 3

        desk.until(is_done)

    with capture_logs() as log:
        dialled("it cannot")
        dialled("it may not")
    desk.places.clear()
    desk.listeners.look()
    assert [entry["why"] for entry in log] == ["it cannot", "it may not"]


def test_a_server_that_asks_to_wait_is_left_alone_for_as_long() -> None:
    """It is not dialled before the time that it names."""
    line = Line()
    line.refuses = RateLimited("it is busy", retry_after=timedelta(seconds=3))
    with _listening(line) as desk:
        desk.until(lambda: len(desk.line.dialled) >= 2, 9)
        first, second = desk.line.dialled[:2]
        assert second - first >= 3


def test_a_place_that_is_left_is_let_go_of_soon() -> None:
    """An account that was paused, or is gone: its line is closed at the next look, and rings no more."""
    desk = Desk(Line())
    desk.listeners.look()
    desk.until(lambda: len(desk.rings) == 1)
    desk.places.clear()
    desk.listeners.look()
    desk.until(lambda: desk.line.closed > 0)
    desk.line.news.set()
    desk.places[HERE] = desk.line.open
    desk.listeners.look()
    desk.until(lambda: len(desk.line.dialled) == 2)
    desk.until(lambda: len(desk.rings) >= 2)
    desk.places.clear()
    desk.listeners.look()

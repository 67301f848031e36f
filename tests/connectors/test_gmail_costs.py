"""What reading Gmail costs there: units and requests as the fake counts them, by the prices of 2026."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import timedelta
from email.utils import format_datetime
from typing import Any, TypeVar

import pytest

from connectors import gmail
from schemas.connector import Access, Skipped
from schemas.errors import RateLimited
from tests.connectors.gmail import HEADERS_ONLY, GmailBox, a_gmail_box, a_letter, name_of, names
from tests.contract.live_source import Mirror, live_changes
from tests.contract.source import NOW
from tests.fakes.api import no_breaches

A = TypeVar("A")
B = TypeVar("B")

AHEAD = 12


class Eager:
    """Workers that take as many jobs ahead of their answers as those of two processors do."""

    def map(self, function: Callable[[A], B], items: Iterable[A], /) -> Iterator[B]:
        """Yield `function(item)` for each item, in the order given."""
        waiting = iter(items)
        jobs: deque[A] = deque()
        while True:
            while len(jobs) < AHEAD:
                try:
                    jobs.append(next(waiting))
                except StopIteration:
                    break
            if not jobs:
                return
            yield function(jobs.popleft())


@pytest.fixture
def box() -> Iterator[GmailBox]:
    """A mailbox whose exchanges are counted, and held against the schema in the other tests."""
    with a_gmail_box() as made:
        yield made


def holding(mirror: Mirror) -> Callable[[Any], list[bool]]:
    """Whether what is asked for is held by a mirror."""

    def is_held(asked: Any) -> list[bool]:
        held = {key: one.fingerprint for (_, key), one in mirror.held.items()}
        return [held.get(name) == fingerprint for name, fingerprint in asked]

    return is_held


def spending(box: GmailBox) -> Callable[[str, int], None]:
    """A quota of 6,000 units a minute, as a home counts it."""
    spent: deque[tuple[Any, int]] = deque()

    def spend(name: str, units: int, /) -> None:
        assert name == "gmail"
        now = box.clock.now()
        while spent and spent[0][0] <= now - timedelta(minutes=1):
            spent.popleft()
        if sum(used for _, used in spent) + units > 6_000:
            raise RateLimited("used up", retry_after=timedelta(minutes=1))
        spent.append((now, units))

    return spend


def read_to_the_end(
    box: GmailBox, progress: list[tuple[int, int]], access: Callable[[Mirror], Access]
) -> tuple[Mirror, int]:
    """A first reading, with a minute's rest each time one is asked for; and how many rests that took."""
    mirror = Mirror()
    for rests in range(1_000):
        try:
            pages = mirror.taking(gmail.open_source(access(mirror)).pull(mirror.cursor))
            progress.extend((page.done, page.total) for page in pages)
        except RateLimited:
            box.clock.advance(timedelta(minutes=1))
        else:
            return mirror, rests
    raise AssertionError("it does not come to an end")


def fill(box: GmailBox, count: int, days: float = 0.3) -> None:
    """So many mails, that far apart, the newest today."""
    for number in range(count):
        box.gmail.deliver(a_letter(f"n{number}"), ["INBOX"], at=NOW - timedelta(days=number * days))


@pytest.mark.parametrize("scopes", [(), HEADERS_ONLY], ids=["texts", "headers"])
def test_a_first_reading_costs_the_least_there_is(scopes: tuple[str, ...]) -> None:
    """Of 1,200 messages: list pages and one get each, and less than 5 % above, though a minute holds 300."""
    with a_gmail_box(*scopes) as box:
        box.server.inspect = no_breaches
        fill(box, 1_200)
        box.gmail.units = 6_000
        spend = spending(box)
        progress: list[tuple[int, int]] = []
        mirror, rests = read_to_the_end(
            box, progress, lambda held: box.access(spend=spend, is_held=holding(held), workers=Eager())
        )
        least = -(-1_200 // 500) * 5 + 1_200 * 20
        assert len(mirror.held) == 1_200
        assert box.gmail.calls["messages.get"] == 1_200
        assert least <= box.gmail.spent <= least * 1.01
        assert rests == 4
        assert progress == sorted(progress)
        assert progress[-1] == (1_200, 1_200)
        assert scopes or {total for _, total in progress} == {1_200}
        assert max(box.batch.sizes) <= 25


def test_old_mail_costs_little_where_no_search_is_allowed() -> None:
    """Headers alone, of the last month, in a mailbox of two years: the listing ends with the first page of older mail."""
    with a_gmail_box(*HEADERS_ONLY) as box:
        box.server.inspect = no_breaches
        for number in range(700):
            at = NOW - timedelta(days=number)
            box.gmail.deliver(a_letter(f"n{number}", Date=format_datetime(at)), at=at)
        mirror = box.read(since=(NOW - timedelta(days=30)).date())
        assert len(mirror.held) == 31
        assert box.gmail.calls["messages.get"] == 200


def test_a_poll_without_change_is_one_request(box: GmailBox) -> None:
    """One look at the history, two units, however many messages there are."""
    fill(box, 40)
    mirror = box.read()
    spent, requests = box.gmail.spent, box.requests
    assert live_changes(box.pull(mirror.cursor)) == []
    assert (box.gmail.spent - spent, box.requests - requests) == (2, 1)


def test_a_change_costs_what_has_changed(box: GmailBox) -> None:
    """A hundred new messages among a thousand: the history, the labels, and a hundred gets in four batches."""
    box.server.inspect = no_breaches
    fill(box, 1_000)
    mirror = box.read()
    for number in range(100):
        box.put(f"new{number}", days=0)
    spent, requests = box.gmail.spent, box.requests
    box.read(mirror)
    assert len(mirror.held) == 1_100
    assert (box.gmail.spent - spent, box.requests - requests) == (2 + 1 + 100 * 20, 6)


def test_what_says_nothing_new_costs_nothing(box: GmailBox) -> None:
    """A hundred messages read, starred and archived, ten drafts written, a hundred deleted or binned: not one get."""
    fill(box, 200)
    mirror = box.read()
    ids = list(box.gmail.mails)
    for one in ids[:100]:
        box.gmail.relabel(one, ["STARRED", "IMPORTANT"], ["UNREAD", "INBOX"])
    for one in ids[100:150]:
        box.gmail.delete(one)
    for one in ids[150:]:
        box.gmail.trash(one)
    for number in range(10):
        box.gmail.delete(box.put(f"draft{number}", labels=["DRAFT"]))
        box.put(f"kept{number}", labels=["DRAFT"])
    spent, requests = box.gmail.spent, box.requests
    box.read(mirror)
    assert len(mirror.held) == 100
    assert (box.gmail.spent - spent, box.requests - requests) == (2, 1)


def test_a_lost_history_costs_a_listing(box: GmailBox) -> None:
    """What is held is not fetched again: 600 messages are listed, counted and listed, and what is missing is fetched."""
    box.server.inspect = no_breaches
    fill(box, 600, days=0.04)
    mirror = box.read()
    box.gmail.expire()
    box.put("missing", days=0)
    gets, spent = box.gmail.calls["messages.get"], box.gmail.spent
    mirror.cursor = None
    pages = box.pull(None, is_held=holding(mirror))
    mirror.take(pages)
    assert len(mirror.held) == 601
    assert box.gmail.calls["messages.get"] - gets == 1
    assert box.gmail.spent - spent == 1 + 1 + (2 + 2 + 2) * 5 + 2 + 20


@pytest.mark.slow
def test_a_mailbox_that_no_minute_lists(box: GmailBox) -> None:
    """Of one with more than a thousand pages nothing is retired by absence, and the reading comes to its end all the same."""
    box.server.inspect = no_breaches
    fill(box, 1_010, days=0.02)
    mirror = box.read()
    box.remove("n7")
    box.gmail.expire()
    box.gmail.page_size = 1
    mirror.cursor = None
    pages = box.pull(None, is_held=holding(mirror))
    assert pages[-1].last
    assert len(mirror.take(pages).held) == 1_010
    box.remove("n8")
    assert len(box.read(mirror).held) == 1_009


def test_the_last_weeks_come_first(box: GmailBox) -> None:
    """Before anything older, though mail was put there in no order; whatever else is left, news come before that."""
    for day in (300, 2, 27, 60, 1, 700, 20, 40):
        box.put(f"d{day}", days=day)
    pages = gmail.open_source(box.access()).pull(None)
    mirror = Mirror().take([next(pages)])
    days = [int(name[1:]) for name in names(mirror)]
    assert sorted(days) == [1, 2, 20, 27]
    pages.close()  # type: ignore[attr-defined]  # it is a generator
    box.put("d0", days=0)
    order = [name_of(one.record) for one in live_changes(box.pull(mirror.cursor)) if hasattr(one, "record")]
    assert order[0] == "d0"
    assert set(order[1:]) >= {"d40", "d60", "d300", "d700"}


def test_what_is_used_up_here_is_not_asked_for(box: GmailBox) -> None:
    """Nothing leaves for Google that the account's quota does not hold; what it does hold is used to the last message."""
    fill(box, 30)
    left = [5 + 1 + 1 + 7 * 20]

    def spend(_name: str, units: int, /) -> None:
        if units > left[0]:
            raise RateLimited("used up", retry_after=timedelta(seconds=9))
        left[0] -= units

    mirror = Mirror()
    with pytest.raises(RateLimited) as refused:
        box.read(mirror, spend=spend)
    assert refused.value.retry_after == timedelta(seconds=9)
    assert box.gmail.calls["messages.get"] == len(mirror.held) == 7


def test_what_was_paid_for_is_kept(box: GmailBox) -> None:
    """When Google's own count is smaller than ours, every message it handed out is taken in, and none asked for twice."""
    fill(box, 90)
    box.gmail.units = 1_000
    mirror = Mirror()
    for _ in range(10):
        with suppress(RateLimited):
            box.read(mirror, is_held=holding(mirror), workers=Eager())
            break
        box.clock.advance(timedelta(minutes=1))
    assert len(mirror.held) == 90
    assert box.gmail.calls["messages.get"] == 90


def test_too_many_at_once_are_asked_for_in_smaller_batches(box: GmailBox) -> None:
    """What is refused within a batch comes with the next ones, which are smaller; the rest of the batch is not lost."""
    fill(box, 100)
    box.gmail.at_once = 10
    assert len(box.read().held) == 100
    assert box.gmail.calls["messages.get"] >= 100
    assert box.batch.sizes[0] == 25
    assert max(box.batch.sizes[2:]) <= 10
    box.gmail.at_once = 0
    box.put("one more", days=0)
    with pytest.raises(RateLimited):
        box.read()


def test_held_messages_are_told_of(box: GmailBox) -> None:
    """A listing made anew counts what it passes over, and says nothing of it."""
    fill(box, 10)
    mirror = box.read()
    pages = box.pull(None, is_held=holding(mirror))
    assert live_changes(pages) == []
    assert (
        sum(
            change.count
            for page in pages
            for change in page.changes
            if not isinstance(change, Skipped) and hasattr(change, "count")
        )
        == 10
    )

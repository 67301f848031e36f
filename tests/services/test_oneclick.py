"""What a link does: one thing, once, to what it names, and nothing while it is only looked at."""

from collections.abc import Sequence
from datetime import date, timedelta

import pytest

from schemas.clock import FrozenClock, epoch
from schemas.decisions import DigestMailSet, FollowupDismissed, FollowupDone, FollowupSnoozed
from schemas.events import decode_body
from services.book import Book
from services.links import Deed, Link, LinkSigner
from services.mailing import is_mail_wanted, set_mail
from services.oneclick import OneClick
from services.store import events as stream
from services.store.unit import Store
from tests.services.builders import MARA, NOW, a_book, a_message, an_ask, take

ANA = "ana@example.org"
KINDS = ("done", "snooze", "dismiss", "digest_mail")


class Desk:
    """A book in which Ana waits for an answer, and the links of its digest."""

    def __init__(self, store: Store, keys: Sequence[str] = ("k" * 43,), name: str = "Ana Okafor") -> None:
        self.clock = FrozenClock(NOW)
        self.store = store
        self.book = a_book(store, self.clock)
        take(
            self.book,
            [
                a_message("m1", MARA, [ANA], days_ago=9),
                a_message("m2", ANA, signals=[an_ask(name)], days_ago=3, subject=name, name=name),
            ],
        )
        [found] = [one for one in self.book.followups() if one.rule == "awaiting_me"]
        self.followup = found.id
        self.woken: list[int] = []
        self.one_click = OneClick(store, self.clock, LinkSigner(keys), self.woken.append)

    def link(self, deed: Deed, about: str | None = None, days: int = 60, owner: int | None = None) -> Link:
        about = about if about is not None else "" if deed == "unsubscribe" else self.followup
        ends_at = epoch(NOW + timedelta(days=days))
        return Link(self.book.owner if owner is None else owner, deed, about, "2026-W48", ends_at)

    def said(self) -> list[object]:
        """Every decision on follow-ups and mail, in order."""
        with self.store.read() as unit:
            found = stream.read_kinds(unit, self.book.owner, KINDS)
        return [decode_body(one.body, one.kind, one.version) for one in found]

    def state(self) -> str:
        self.book.keep()
        [found] = [one for one in self.book.followups() if one.id == self.followup]
        return found.state


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


DEEDS: list[Deed] = ["done", "snooze", "dismiss", "unsubscribe", "reconnect"]


@pytest.mark.parametrize("deed", DEEDS)
def test_looking_changes_nothing(deed: Deed, desk: Desk) -> None:
    """However often a link is looked at, nothing is said in the owner's name."""
    with desk.store.read() as unit:
        before = stream.last_seq(unit, desk.book.owner)
    for _ in range(3):
        assert desk.one_click.asked(desk.link(deed)) is not None
    with desk.store.read() as unit:
        assert stream.last_seq(unit, desk.book.owner) == before
    assert desk.woken == []


def test_done_once_however_often_it_is_pressed(desk: Desk) -> None:
    """Three clicks before the book has heard of the first, and one after: one event, one state, one wake-up."""
    link = desk.link("done")
    answers = [desk.one_click.do(link) for _ in range(3)]
    assert [(one.state, one.is_settled) for one in answers if one] == [("done", True)] * 3
    assert desk.state() == "done"
    assert desk.one_click.do(link) == answers[0]
    assert desk.said() == [FollowupDone(followup=desk.followup, at=NOW)]
    assert desk.woken == [desk.book.owner]


def test_left_out(desk: Desk) -> None:
    """A dismissal is the owner's word on this follow-up alone."""
    told = desk.one_click.do(desk.link("dismiss"))
    assert told is not None
    assert (told.state, desk.state()) == ("dismissed", "dismissed")
    assert desk.said() == [FollowupDismissed(followup=desk.followup, at=NOW)]


def test_put_off_and_put_off_again(desk: Desk) -> None:
    """A day in the owner's zone, from tomorrow to a year ahead; the same once is said once, another day anew."""
    link = desk.link("snooze")
    today = date(2026, 11, 23)
    for wrong in (None, today, today - timedelta(days=1), today + timedelta(days=400)):
        assert desk.one_click.do(link, wrong) is None
    assert desk.said() == []
    week, month = today + timedelta(days=7), today + timedelta(days=30)
    for day in (week, week, month):
        told = desk.one_click.do(link, day)
        assert told is not None
        assert (told.state, told.until) == ("snoozed", day)
    assert desk.state() == "snoozed"
    assert [one.until for one in desk.said() if isinstance(one, FollowupSnoozed)] == [week, month]
    assert desk.one_click.do(desk.link("done")) is not None
    assert desk.state() == "done"


def test_what_is_closed_stays_as_it_is(desk: Desk) -> None:
    """A follow-up that was answered meanwhile is told of, and nothing is added."""
    take(desk.book, [a_message("m3", MARA, [ANA], days_ago=1, references=["m2"])])
    for deed in ("done", "snooze", "dismiss"):
        told = desk.one_click.do(desk.link(deed), date(2026, 11, 30))
        assert told is not None
        assert (told.state, told.is_settled) == ("satisfied", True)
    assert desk.said() == []


@pytest.mark.parametrize("deed", DEEDS)
def test_links_end(deed: Deed, desk: Desk) -> None:
    """From its end on a link tells and does nothing."""
    link = desk.link(deed, days=60)
    desk.clock.advance(timedelta(days=60) - timedelta(seconds=1))
    assert desk.one_click.asked(link) is not None
    desk.clock.advance(timedelta(seconds=1))
    assert desk.one_click.asked(link) is None
    assert desk.one_click.do(link, date(2027, 3, 1)) is None
    assert desk.said() == []


def test_what_is_not_there_is_not_told(desk: Desk) -> None:
    """Another owner's follow-up, one that is gone, a beginning of one, and an owner that never was: nothing."""
    other = a_book(desk.store, desk.clock, ["ben@example.net"])
    other.keep()
    for link in (
        desk.link("done", owner=other.owner),
        desk.link("done", about="f0000000000000000"),
        desk.link("done", about=desk.followup[:6]),
        desk.link("done", about=""),
        desk.link("dismiss", about="%"),
        desk.link("done", owner=99),
        desk.link("unsubscribe", owner=99),
    ):
        assert desk.one_click.asked(link) is None
        assert desk.one_click.do(link) is None
    assert desk.said() == []


def test_the_weekly_mail_is_switched_off_and_on(desk: Desk) -> None:
    """It is on until the owner says otherwise; unsubscribing twice is said once, and touches nothing else."""
    link = desk.link("unsubscribe")
    asked = desk.one_click.asked(link)
    assert asked is not None
    assert not asked.is_settled
    for _ in range(3):
        told = desk.one_click.do(link)
        assert told is not None
        assert told.is_settled
    with desk.store.write() as unit:
        assert not is_mail_wanted(unit, desk.book.owner)
        assert set_mail(unit, desk.book.owner, desk.clock, is_on=True)
        assert not set_mail(unit, desk.book.owner, desk.clock, is_on=True)
        assert is_mail_wanted(unit, desk.book.owner)
    assert desk.said() == [DigestMailSet(at=NOW, is_on=False), DigestMailSet(at=NOW, is_on=True)]
    assert desk.state() == "open"


def test_a_replay_keeps_what_was_clicked(desk: Desk) -> None:
    """What links did is in the stream: a book made anew tells the same."""
    desk.one_click.do(desk.link("done"))
    desk.one_click.do(desk.link("unsubscribe"))
    desk.book.keep()
    before = desk.book.followups()
    Book(desk.store, desk.book.owner, desk.clock).replay()
    assert desk.book.followups() == before
    with desk.store.read() as unit:
        assert not is_mail_wanted(unit, desk.book.owner)


def test_an_account_link_only_tells(desk: Desk) -> None:
    """Connecting again is done at the computer: the link changes nothing."""
    told = desk.one_click.do(desk.link("reconnect", about="a1"))
    assert told is not None
    assert told.is_settled
    assert desk.said() == []

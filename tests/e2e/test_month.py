"""A month with real servers, lived in a minute: mail comes and is answered, tasks appear and complete themselves."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.store import outbox
from tests.e2e.world import MARA, World, is_done, mails_of, world
from tests.servers import smtp
from tests.servers.dav import DavServer
from tests.servers.dovecot import Dovecot, needed, running
from tests.servers.radicale import radicale
from tests.servers.xandikos import xandikos
from tests.services.builders import exported

ANA, BEN, CLEO, DAN = (f"{name}@example.org" for name in ("ana", "ben", "cleo", "dan"))
START = datetime(2026, 11, 2, 5, 0, tzinfo=UTC)
"""A Monday, two and a half hours before the digest's time in Berlin."""


def day(number: int, hour: int = 12) -> datetime:
    return datetime(2026, 11, number, hour, tzinfo=UTC)


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    needed()
    with running() as server:
        yield server


@pytest.fixture(params=[radicale, xandikos], ids=["radicale", "xandikos"])
def dav(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DavServer]:
    folder = tmp_path / "dav"
    folder.mkdir()
    with request.param(folder) as server:
        server.make_calendar("work", "Work")
        yield server


def test_a_month(dovecot: Dovecot, dav: DavServer, tmp_path: Path) -> None:
    """Every promise of the closed loop, in the order of a calendar's pages."""
    user = f"month-{dav.name}"
    with world(tmp_path, START, dovecot, user, dav, KITH_WEEKLY_CAP="0") as (life, post):
        life.knows(ANA, BEN, CLEO, DAN)
        life.connect()
        life.run()
        assert life.tasks() == {}, "what lies weeks back and was answered asks for nothing"
        _first_week(life)
        life.close()
        life.open()
        _second_week(life)
        _third_week(life)
        life.live(day(30, 10))
        _digests(life, post)
        _in_the_end(life, tmp_path)


def _first_week(life: World) -> None:
    life.live(day(3))
    asked = life.mail(ANA, MARA, "Could you look at section 3 before Friday?", "Draft")
    life.live(day(3, 13), timedelta(minutes=20))
    (waiting,) = life.followups("awaiting_me", ANA)
    task = life.tasks()[waiting.id]
    assert str(task["SUMMARY"]) == waiting.title
    assert "section 3" in str(task["DESCRIPTION"])
    life.live(day(5))
    life.mail(MARA, ANA, "Looks good, two remarks inside.", "Draft", re=asked)
    life.live(day(5, 13), timedelta(minutes=20))
    (answered,) = life.followups("awaiting_me", ANA)
    assert answered.state == "satisfied"
    task = life.tasks()[answered.id]
    assert is_done(task)
    assert "Done: you answered" in str(task["DESCRIPTION"])
    life.mail(BEN, MARA, "Can you send me the numbers?", "Numbers")
    life.live(day(6))
    (ben,) = life.followups("awaiting_me", BEN)
    life.tick(ben.id)
    life.live(day(6, 14), timedelta(minutes=30))
    (ben,) = life.followups("awaiting_me", BEN)
    assert (ben.state, ben.closed_by) == ("done", "tool")


def _second_week(life: World) -> None:
    life.live(day(10))
    asked = life.mail(CLEO, MARA, "Would you join our panel in March?", "Panel")
    life.live(day(10, 14), timedelta(minutes=30))
    (cleo,) = life.followups("awaiting_me", CLEO)
    life.delete(cleo.id)
    life.live(day(10, 18), timedelta(minutes=30))
    (cleo,) = life.followups("awaiting_me", CLEO)
    assert (cleo.state, cleo.closed_by) == ("dismissed", "tool")
    life.mail(CLEO, MARA, "Just the programme for your information.", "Panel", re=asked)
    life.meeting("coffee@example.com", day(12, 9), "erin@example.net")
    life.live(day(11))
    life.meeting("coffee@example.com", day(16, 9), "erin@example.net", sequence=1)
    life.live(day(15))
    assert life.followups("meeting", "erin@example.net") == [], "what was moved has not been"
    assert cleo.id not in life.tasks()


def _third_week(life: World) -> None:
    life.live(day(20))
    (met,) = life.followups("meeting", "erin@example.net")
    assert met.id in life.tasks()
    life.mail(
        MARA, "erin@example.net", "It was good to meet you. I'll send you the paper by Friday.", "Coffee"
    )
    life.live(day(20, 18))
    assert is_done(life.tasks()[met.id])
    (promise,) = life.followups("promise", "erin@example.net")
    assert promise.due is not None
    assert life.tasks()[promise.id]["DUE"].dt == promise.due


def _digests(life: World, post: smtp.Behaviour) -> None:
    mails = mails_of(post)
    days = [f"{mail['Date']}"[5:16] for mail in mails]
    assert days == ["02 Nov 2026", "09 Nov 2026", "16 Nov 2026", "23 Nov 2026", "30 Nov 2026"]
    assert len({mail["Message-ID"] for mail in mails}) == 5
    assert life.household.digests.next_due(life.book.owner) == datetime(2026, 12, 7, 6, 30, tzinfo=UTC)


def _in_the_end(life: World, folder: Path) -> None:
    """One task for each follow-up that was shown and not deleted, each in its follow-up's state; a replay tells the same."""
    tasks = life.tasks()
    for one in life.book.followups():
        if one.id in tasks:
            assert is_done(tasks[one.id]) == (one.state not in {"open", "snoozed"}), one.title
    with life.app.store.read() as unit:
        assert outbox.standing(unit, life.book.owner, ("pending", "unsure", "failed")) == []
    before = exported(life.book, folder / "before")
    life.book.replay()
    life.run()
    assert exported(life.book, folder / "after", ["events.jsonl"]) == {
        name: content for name, content in before.items() if name != "events.jsonl"
    }
    assert life.tasks().keys() == tasks.keys()

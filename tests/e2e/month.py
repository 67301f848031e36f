"""The month that every kind of account must live through: every promise of the closed loop, in a calendar's order."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from services.store import outbox
from tests.e2e.home import MARA, LivedHome
from tests.services.builders import exported

ANA, BEN, CLEO, DAN = (f"{name}@example.org" for name in ("ana", "ben", "cleo", "dan"))
START = datetime(2026, 11, 2, 5, 0, tzinfo=UTC)
"""A Monday, two and a half hours before the digest's time in Berlin."""


def day(number: int, hour: int = 12) -> datetime:
    """An instant of that November."""
    return datetime(2026, 11, number, hour, tzinfo=UTC)


def live_a_month(life: LivedHome, folder: Path) -> None:
    """Live it; `folder` is for what is exported."""
    life.knows(ANA, BEN, CLEO, DAN)
    life.connect()
    life.run()
    assert life.seen() == {}, "what lies weeks back and was answered asks for nothing"
    _first_week(life)
    life.close()
    life.open()
    _second_week(life)
    _third_week(life)
    life.live(day(30, 10))
    _digests(life)
    _in_the_end(life, folder)


def _first_week(life: LivedHome) -> None:
    life.live(day(3))
    asked = life.mail(ANA, MARA, "Could you look at section 3 before Friday?", "Draft")
    life.live(day(3, 13), timedelta(minutes=20))
    (waiting,) = life.followups("awaiting_me", ANA)
    task = life.seen()[waiting.id]
    assert task.title == waiting.title
    assert "section 3" in task.note
    life.live(day(5))
    life.mail(MARA, ANA, "Looks good, two remarks inside.", "Draft", re=asked)
    life.live(day(5, 13), timedelta(minutes=20))
    (answered,) = life.followups("awaiting_me", ANA)
    assert answered.state == "satisfied"
    task = life.seen()[answered.id]
    assert task.is_done
    assert "Done: you answered" in task.note
    life.mail(BEN, MARA, "Can you send me the numbers?", "Numbers")
    life.live(day(6))
    (ben,) = life.followups("awaiting_me", BEN)
    life.tick(ben.id)
    life.live(day(6, 14), timedelta(minutes=30))
    (ben,) = life.followups("awaiting_me", BEN)
    assert (ben.state, ben.closed_by) == ("done", "tool")


def _second_week(life: LivedHome) -> None:
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
    assert cleo.id not in life.seen()


def _third_week(life: LivedHome) -> None:
    life.live(day(20))
    (met,) = life.followups("meeting", "erin@example.net")
    assert met.id in life.seen()
    life.mail(
        MARA, "erin@example.net", "It was good to meet you. I'll send you the paper by Friday.", "Coffee"
    )
    life.live(day(20, 18))
    assert life.seen()[met.id].is_done
    (promise,) = life.followups("promise", "erin@example.net")
    assert promise.due is not None
    assert life.seen()[promise.id].due == promise.due


def _digests(life: LivedHome) -> None:
    mails = life.digests()
    days = [f"{mail['Date']}"[5:16] for mail in mails]
    assert days == ["02 Nov 2026", "09 Nov 2026", "16 Nov 2026", "23 Nov 2026", "30 Nov 2026"]
    assert len({mail["Message-ID"] for mail in mails}) == 5
    assert life.household.digests.next_due(life.book.owner) == datetime(2026, 12, 7, 6, 30, tzinfo=UTC)


def _in_the_end(life: LivedHome, folder: Path) -> None:
    """One task for each follow-up that was shown and not deleted, each in its follow-up's state; a replay tells the same."""
    tasks = life.seen()
    for one in life.book.followups():
        if one.id in tasks:
            assert tasks[one.id].is_done == (one.state not in {"open", "snoozed"}), one.title
    with life.app.store.read() as unit:
        assert outbox.standing(unit, life.book.owner, ("pending", "unsure", "failed")) == []
    before = exported(life.book, folder / "before")
    life.book.replay()
    life.run()
    assert exported(life.book, folder / "after", ["events.jsonl"]) == {
        name: content for name, content in before.items() if name != "events.jsonl"
    }
    assert life.seen().keys() == tasks.keys()

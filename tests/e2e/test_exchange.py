"""A home whose one account is at an Exchange server: it hears of news, and sends the digest from there."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from threading import enumerate as enumerate_threads
from time import monotonic

from deploy.cli.accounts import pause
from tests.e2e.exchange import exchange_world
from tests.e2e.home import MARA
from workers.listen import Listeners

START = datetime.fromisoformat("2026-11-09T05:00:00+00:00")
"""A Monday, an hour and a half before the digest."""
ANA, BEN = "ana@example.net", "ben@example.net"


def until(is_so: Callable[[], bool], within: float = 15) -> None:
    deadline, pauses = monotonic() + within, Event()
    while not is_so():
        assert monotonic() < deadline, "it never came to be so"
        pauses.wait(0.05)


def test_a_mail_that_comes_is_a_task_at_once(tmp_path: Path) -> None:
    """The server tells of it: a task stands in the list though no schedule looks; paused, the line is let go of."""
    with exchange_world(tmp_path, START) as life:
        life.knows(ANA, BEN)
        ids = life.connect()
        life.run()
        here, events = life.household, life.server.subscriptions
        listeners = Listeners(here.live.places, lambda it: here.bells.pull.send(*it), lambda: 0.5)
        listeners.look()
        # Mail, and the calendar.
        until(lambda: events.heard == 2)
        here.broker.join("default")
        life.mail(ANA, MARA, "Could you send me the numbers?", "Numbers")
        until(lambda: life.tasks() == 1)
        events.forget()
        until(lambda: events.heard == 2)
        life.mail(BEN, MARA, "Could you send me the letter?", "Letter")
        until(lambda: life.tasks() == 2)
        pause(life.context(), ids["exchange"])
        listeners.look()
        until(lambda: not any(one.name.startswith(("listen ", "hear ")) for one in enumerate_threads()))
        assert events.standing == 0
        life.mail(BEN, MARA, "Could you send me the keys?", "Keys")
        here.broker.join("default")
        assert life.tasks() == 2


def test_the_digest_goes_out_once_a_week(tmp_path: Path) -> None:
    """An owner who has no other account gets it from there, once a week though answers are lost; it tells of nobody new."""
    with exchange_world(tmp_path, START) as life:
        life.knows(ANA, BEN)
        life.connect()
        life.mail(ANA, MARA, "Could you send me the numbers?", "Numbers")
        life.run()
        people = len(life.book.situation().people)
        for week in range(2):
            life.server.faults.order("lose_answer", 2, writes_only=True)
            life.live(START + timedelta(days=7 * week, hours=6), timedelta(hours=12))
        sent = life.digests()
        assert len(sent) == len({one["Message-ID"] for one in sent}) == 2
        assert [one["To"] for one in sent] == [f"Mara Lindholm <{MARA}>"] * 2
        assert sent[0]["Auto-Submitted"] == "auto-generated"
        assert len(life.book.situation().people) == people

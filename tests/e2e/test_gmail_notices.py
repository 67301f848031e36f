"""Mail that comes to Gmail is in the book at once where its owner made a topic for it; nobody else moves the home."""

import json
from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from deploy.accounts import push_url, shapes_of
from deploy.cli.accounts import disconnect, resume
from deploy.cli.doctor_accounts import account_checks
from services import accounts
from services.notices import APART, NoticeSigner, Told
from services.store.events import last_seq
from tests.deploy.test_up import until
from tests.e2e.google import GoogleHome, google_world
from tests.e2e.home import MARA
from tests.e2e.hooks import PUBLIC, is_known, reachable
from tests.e2e.month import START
from tests.e2e.test_notices import SOON, knock, settle
from tests.fakes.google import refused, user_rate

ERIN, FAY = "erin@example.net", "fay@example.net"
ASK = "Could you look at section 3 before Friday?"


class Followed:
    """A home at Google, its owner's topic, and the subscription that posts to the address that Kith showed."""

    def __init__(self, life: GoogleHome) -> None:
        self.life = life
        self.watching = life.gmail.watching
        self.pubsub = self.watching.pubsub
        self.pubsub.postman.routes = life.calendars.channels.postman.routes
        self.topic = self.pubsub.make()

    def connect(self, topic: str) -> None:
        self.id = self.life.connect(gmail_topic=topic)["google"]

    def subscribe(self) -> None:
        with self.life.app.store.read() as unit:
            account = accounts.find_account(unit, self.life.book.owner, self.id)
        self.address = push_url(self.life.app, account)
        self.subscription = self.pubsub.subscribe(self.topic, self.address, is_signed=True)

    def later(self, **length: float) -> None:
        self.life.clock.advance(timedelta(**length))

    def mail(self, sender: str = ERIN) -> None:
        self.life.mail(sender, MARA, ASK, "Draft")

    def asked(self, what: str = "history") -> int:
        """How often something of Gmail's was asked for since anything was asked here."""
        count = sum(one.path == f"/gmail/v1/users/me/{what}" for one in self.life.server.requests)
        self.life.server.requests.clear()
        return count


@pytest.fixture
def followed(tmp_path: Path) -> Iterator[Followed]:
    """A home that was read, and is told of mail."""
    with google_world(tmp_path, START, KITH_PUBLIC_URL=PUBLIC) as life:
        made = Followed(life)
        with reachable(life, life.calendars.channels.postman):
            made.connect(made.topic)
            made.subscribe()
            life.run()
            assert made.watching.standing is not None
            assert [one.status for one in made.pubsub.postman.posted] == [202]
            settle(life)
            made.later(minutes=1)
            life.server.requests.clear()
            yield made
            settle(life)
        assert life.server.breaches == []
        assert made.pubsub.breaches == []


def test_a_letter_is_in_the_book_at_once(followed: Followed) -> None:
    """No poll is waited for: Gmail publishes, Pub/Sub posts, one look at the history follows, and who wrote is known."""
    followed.mail()
    assert followed.pubsub.postman.posted[-1].status == 202
    assert until(lambda: is_known(followed.life, ERIN), SOON) < 5
    settle(followed.life)
    assert followed.asked() == 1


def test_what_a_notice_says_is_not_believed(followed: Followed) -> None:
    """Whoever it names and whatever its size, it is a reason to look, and to look at the owner's own mailbox alone."""
    own = {"emailAddress": "somebody@example.org", "historyId": "1"}
    bodies = [
        json.dumps(
            {"message": {"data": b64encode(json.dumps(own).encode()).decode(), "messageId": "1"}}
        ).encode(),
        b"{",
        b"\xff" * 3_000_000,
    ]
    for body in bodies:
        assert followed.pubsub.post(followed.subscription, body).status == 202
        settle(followed.life)
        paths = {one.path for one in followed.life.server.requests}
        assert paths <= {"/gmail/v1/users/me/history"}
        followed.life.server.requests.clear()
        followed.later(minutes=1)


def test_a_forged_notice_does_nothing(followed: Followed) -> None:
    """Without the word, with a changed one, with one of another home: 403, and no request follows (S24)."""
    page = followed.pubsub.postman.routes[PUBLIC]
    path, _, word = followed.address.removeprefix(PUBLIC).partition("=")
    assert path == "/hooks/google?token"
    told = Told(followed.life.book.owner, followed.id, "gmail")
    other = NoticeSigner(["k" * 43]).token(told)
    for forged in ("", "x", word[:-1] + ("A" if word[-1] != "A" else "B"), f"{word}.x", other):
        assert knock(page, f"/hooks/google?token={forged}", {}, b"{}") == 403
    settle(followed.life)
    assert followed.life.server.requests == []


def _events(life: GoogleHome) -> int:
    with life.app.store.read() as unit:
        return last_seq(unit, life.book.owner)


def test_a_replayed_notice_is_harmless(followed: Followed) -> None:
    """Pub/Sub may bring one twice, and who saw one may bring it for ever: a look that finds nothing, now and then."""
    followed.mail()
    settle(followed.life)
    events = _events(followed.life)
    followed.asked()
    body = followed.subscription.taken[-1]
    for _ in range(200):
        assert followed.pubsub.post(followed.subscription, body).status == 202
    settle(followed.life)
    assert followed.asked() <= 1
    assert _events(followed.life) == events


def test_a_storm_is_a_few_looks(followed: Followed) -> None:
    """A thousand are all answered in time and read together; what came last is read too (R29)."""
    postman = followed.pubsub.postman
    postman.posted.clear()
    for _ in range(1_000):
        followed.pubsub.publish(followed.topic, b"{}")
    assert {one.status for one in postman.posted} == {202}
    assert max(one.seconds for one in postman.posted) < 3
    settle(followed.life)
    assert 1 <= followed.asked() <= 5
    followed.mail(FAY)
    settle(followed.life)
    followed.later(seconds=APART.total_seconds())
    followed.life.run(1)
    assert is_known(followed.life, FAY)


def test_what_came_while_the_home_was_down_is_read(followed: Followed) -> None:
    """Pub/Sub tries again until it is answered."""
    routes, followed.pubsub.postman.routes = followed.pubsub.postman.routes, {}
    followed.mail()
    assert followed.pubsub.postman.posted[-1].status == 0
    settle(followed.life)
    assert not is_known(followed.life, ERIN)
    followed.pubsub.postman.routes = routes
    followed.later(seconds=5)
    followed.pubsub.push()
    assert until(lambda: is_known(followed.life, ERIN), SOON) < 5
    assert followed.subscription.backlog == []


def test_where_nobody_tells_polling_goes_on(followed: Followed) -> None:
    """A subscription that was deleted costs minutes, and nothing else."""
    followed.pubsub.topics[followed.topic].subscriptions.clear()
    followed.mail()
    settle(followed.life)
    assert not is_known(followed.life, ERIN)
    followed.later(minutes=2)
    followed.life.run(1)
    assert is_known(followed.life, ERIN)


def test_the_watch_is_asked_for_each_day(followed: Followed) -> None:
    """Over days of polling it stands at any time, for a hundred units a day."""
    days = 0
    for _ in range(10):
        followed.later(hours=12)
        followed.life.run(1)
        settle(followed.life)
        days += followed.asked("watch")
        assert followed.watching.standing is not None
    assert days == 5


def test_disconnecting_ends_it(followed: Followed) -> None:
    """At Google; what comes afterwards all the same is taken, so that it does not come again, and does nothing."""
    disconnect(followed.life.context(), followed.id)
    assert followed.watching.standing is None
    followed.life.server.requests.clear()
    followed.pubsub.publish(followed.topic, b"{}")
    assert followed.subscription.backlog == []
    settle(followed.life)
    assert followed.life.server.requests == []


def test_a_topic_that_is_taken_back_is_told_on_no_more(followed: Followed) -> None:
    """Connecting with --gmail-topic off ends the watch with the next reading."""
    followed.connect("")
    followed.life.run()
    assert followed.watching.standing is None
    assert followed.asked("stop") == 1
    followed.later(hours=7)
    followed.life.run(1)
    assert (followed.asked("stop"), followed.watching.standing) == (0, None)


def _checks(life: GoogleHome) -> list[tuple[str, str, str]]:
    return [
        (one.state, one.finding, one.remedy or "")
        for one in account_checks(life.app)
        if one.name.endswith("gmail")
    ]


def _untold(life: GoogleHome) -> dict[str, str]:
    (account,) = shapes_of(life.app, life.book.owner)
    return {one.connector: one.untold for one in account.feeds if one.untold}


def _told(logs: list[Any]) -> list[str]:
    found = [one for one in logs if one["event"] == "no notices of news" and one.get("connector") == "gmail"]
    return [one["log_level"] for one in found]


def test_a_refusal_is_told_once_with_its_cure(tmp_path: Path) -> None:
    """One warning in a day; accounts and doctor say what to do; once it is done, resuming has it asked at once."""
    with google_world(tmp_path, START, KITH_PUBLIC_URL=PUBLIC) as life:
        made = Followed(life)
        with reachable(life, life.calendars.channels.postman), structlog.testing.capture_logs() as logs:
            made.pubsub.topics[made.topic].is_open = False
            made.connect(made.topic)
            made.subscribe()
            for _ in range(9):
                life.run(1)
                life.clock.advance(timedelta(hours=3))
            made.mail()
            life.run(1)
            assert is_known(life, ERIN)
            assert _told(logs) == ["warning"] + ["info"] * 4
            ((state, finding, remedy),) = _checks(life)
            assert state == "warning"
            assert "gmail-api-push@system.gserviceaccount.com, may not publish" in finding
            assert len(finding) < 300, "doctor shows no more of it"
            assert remedy.endswith(f"kith resume {made.id}")
            assert _untold(life) == {"gmail": finding.removeprefix("is told of no news: ")}
            made.pubsub.topics[made.topic].is_open = True
            resume(life.context(), made.id)
            life.run(1)
            assert made.watching.standing is not None
            assert (_checks(life), _untold(life)) == ([], {})
            life.clock.advance(timedelta(minutes=1))
            made.mail(FAY)
            until(lambda: is_known(life, FAY), SOON)
            settle(life)
        assert life.server.breaches == []


def test_what_passes_is_no_trouble_while_the_watch_stands(followed: Followed) -> None:
    """Asking for another day fails for hours: nobody is told, as notices come; then it is asked for all the same."""
    ended = followed.watching.standing
    assert ended is not None
    with structlog.testing.capture_logs() as logs:
        followed.later(hours=25)
        followed.watching.refusals.extend([refused(500, "backendError", "Internal error")] * 2)
        for _ in range(2):
            followed.life.run(1)
            assert _checks(followed.life) == []
            followed.later(hours=6, minutes=1)
        assert followed.asked("watch") == 2
        assert _told(logs) == ["info", "info"]
        followed.life.run(1)
    assert followed.watching.standing is not None
    assert followed.watching.standing.ends_at > ended.ends_at


def test_units_that_are_used_up_come_back(tmp_path: Path) -> None:
    """A long first reading leaves none for the watch: it is asked for a minute later, and nobody is troubled."""
    with google_world(tmp_path, START, KITH_PUBLIC_URL=PUBLIC) as life:
        made = Followed(life)
        with structlog.testing.capture_logs() as logs:
            made.watching.refusals.append(user_rate())
            made.connect(made.topic)
            life.run()
            assert (made.watching.standing, _checks(life), _told(logs)) == (None, [], [])
            life.clock.advance(timedelta(minutes=2))
            life.run(1)
            assert made.watching.standing is not None
        assert life.server.breaches == []


def test_a_topic_that_goes_while_it_is_watched_is_told(followed: Followed) -> None:
    """With the next day's asking, and not only when the week is over."""
    followed.pubsub.topics.clear()
    followed.later(hours=25)
    followed.life.run(1)
    ((state, finding, _),) = _checks(followed.life)
    assert (state, "there is no such topic" in finding) == ("warning", True)


def test_a_topic_may_be_named_later(tmp_path: Path) -> None:
    """Connecting the account again with it is enough: it is watched with the next reading."""
    with google_world(tmp_path, START, KITH_PUBLIC_URL=PUBLIC) as life:
        made = Followed(life)
        with reachable(life, life.calendars.channels.postman):
            life.connect()
            life.run()
            assert made.watching.standing is None
            made.connect(made.topic)
            life.run(1)
            settle(life)
            assert made.watching.standing is not None
        assert life.server.breaches == []


def test_another_process_asks_no_sooner(tmp_path: Path) -> None:
    """What was refused is known after a restart as well, and no second warning comes."""
    with google_world(tmp_path, START, KITH_PUBLIC_URL=PUBLIC) as life:
        made = Followed(life)
        with structlog.testing.capture_logs() as logs:
            made.connect("projects/kith-of-mara/topics/nothing")
            life.run()
            for _ in range(3):
                life.close()
                life.open()
                life.clock.advance(timedelta(minutes=30))
                life.run(1)
            assert made.asked("watch") == 1
            assert _told(logs) == ["warning"]


def test_a_home_that_nobody_can_reach_says_so(tmp_path: Path) -> None:
    """A topic that was named there is kept; nothing is asked of Google, and doctor says what is missing."""
    with google_world(tmp_path, START) as life:
        made = Followed(life)
        made.connect(made.topic)
        life.run()
        assert made.watching.standing is None
        assert made.asked("watch") == 0
        ((state, finding, _),) = _checks(life)
        assert (state, "KITH_PUBLIC_URL" in finding) == ("warning", True)

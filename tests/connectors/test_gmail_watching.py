"""Gmail tells of news on the topic that its owner made: asked for each day, once per mailbox, and told why where it cannot."""

import json
from base64 import b64decode
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from connectors._channels import RENEW_WITHIN
from connectors.gmail import SPEC
from schemas.connector import Channel, Hook
from schemas.errors import ConnectorError, RateLimited, ReauthRequired, Rejected, Transient
from tests.connectors.gmail import GmailBox, a_gmail_box
from tests.connectors.hooks import ORIGIN, Page, a_hook, a_page
from tests.contract.source import NOW
from tests.fakes.api import Reply
from tests.fakes.faults import Fault
from tests.fakes.gmail import METADATA, READONLY, SEND
from tests.fakes.google import switched_off, user_rate
from tests.fakes.pubsub import Subscription

DAY = timedelta(days=1)


class Topic:
    """A mailbox, a topic, and a subscription of it that posts to a page."""

    def __init__(self, box: GmailBox, page: Page) -> None:
        self.box = box
        self.page = page
        self.watching = box.gmail.watching
        self.pubsub = self.watching.pubsub
        self.hook: Hook | None = a_hook("google")
        self.name = self.pubsub.make()
        self.subscription: Subscription = self.pubsub.subscribe(self.name, f"{ORIGIN}/hooks/google?token=w")
        self.pubsub.postman.routes[ORIGIN] = page.url

    def watch(self, standing: Sequence[Channel] = (), **more: Any) -> tuple[Channel, ...]:
        assert SPEC.watch is not None
        return SPEC.watch(self.box.access(**{"gmail_topic": self.name, **more}), self.hook, standing)

    def asked(self) -> list[str]:
        """The requests since this was asked last."""
        seen = [one.path.rpartition("/")[2] for one in self.box.server.requests]
        self.box.server.requests.clear()
        return seen


@pytest.fixture
def topic() -> Iterator[Topic]:
    with a_gmail_box() as box, a_page() as page:
        made = Topic(box, page)
        yield made
        assert made.pubsub.breaches == []


# --- what is agreed -------------------------------------------------------------------------------------------------------


def test_what_happens_in_the_mailbox_is_posted(topic: Topic) -> None:
    """Once as it begins, then for mail that comes and for what becomes of it, in the shape of Pub/Sub."""
    (channel,) = topic.watch()
    assert (channel.id, channel.ends_at) == (topic.name, NOW + timedelta(days=2))
    topic.box.clock.advance(timedelta(seconds=5))
    topic.box.add("one")
    topic.box.clock.advance(timedelta(seconds=5))
    topic.box.remove("one")
    assert [one.status for one in topic.pubsub.postman.posted] == [202] * 3
    bodies = [json.loads(one) for one in topic.page.bodies]
    assert {one["subscription"] for one in bodies} == {topic.subscription.name}
    told = [json.loads(b64decode(one["message"]["data"])) for one in bodies]
    assert [sorted(one) for one in told] == [["emailAddress", "historyId"]] * 3


def test_what_stands_is_asked_for_anew_each_day(topic: Topic) -> None:
    """As Google advises; until then nothing is asked. It stands for a week, so that some days may be missed."""
    standing = topic.watch()
    assert topic.asked() == ["watch"]
    topic.box.clock.advance(DAY - timedelta(hours=1))
    assert topic.watch(standing) == standing
    assert topic.asked() == []
    for _ in range(30):
        topic.box.clock.advance(DAY)
        standing = topic.watch(standing)
        assert standing[0].ends_at - topic.box.clock.now() > RENEW_WITHIN
    assert topic.asked() == ["watch"] * 30
    topic.box.clock.advance(timedelta(days=6))
    assert topic.watching.standing is not None


def test_a_day_of_it_costs_a_hundred_units(topic: Topic) -> None:
    """Of 6,000 a minute; and fifty more where it is ended."""
    spent: list[tuple[str, int]] = []
    standing = topic.watch(spend=lambda quota, units: spent.append((quota, units)))
    topic.hook = None
    topic.watch(standing, spend=lambda quota, units: spent.append((quota, units)))
    assert spent == [("gmail", 100), ("gmail", 50)]
    assert topic.box.gmail.spent == 150


@pytest.mark.parametrize("longest", [timedelta(hours=6), timedelta()])
def test_the_end_is_what_google_says(topic: Topic, longest: timedelta) -> None:
    """Where that is sooner than a day, it is asked for again each time."""
    topic.watching.longest = longest
    (channel,) = topic.watch()
    assert channel.ends_at == NOW + longest
    assert topic.watch([channel]) == (channel,)
    assert topic.asked() == ["watch", "watch"]


@pytest.mark.parametrize("said", [{}, {"expiration": ""}, {"expiration": "9" * 300}, {"expiration": "-1"}])
def test_an_end_that_makes_no_sense_is_none(topic: Topic, said: dict[str, str]) -> None:
    """It is asked for again within days, whatever Google says."""
    topic.watching.refusals.append(Reply(200, said))
    (channel,) = topic.watch()
    assert timedelta() < channel.ends_at - NOW <= timedelta(days=2)
    topic.box.server.breaches.clear()  # An empty end is not as Google's schema has it.


def test_by_headers_alone_it_is_told_as_well() -> None:
    """The permission that reads headers is enough; one that only sends is not, and nothing is asked."""
    with a_gmail_box(METADATA) as box, a_page() as page:
        assert len(Topic(box, page).watch()) == 1
    with a_gmail_box(SEND) as box, a_page() as page:
        with pytest.raises(ReauthRequired, match=r"read mail \(gmail\.readonly\)"):
            Topic(box, page).watch()
        assert box.requests == 0


# --- where it is not wanted -----------------------------------------------------------------------------------------------


def test_without_a_topic_nothing_is_asked(topic: Topic) -> None:
    """Which is how most homes are."""
    assert topic.watch(gmail_topic="") == ()
    assert topic.watch(gmail_topic=None) == ()
    assert topic.asked() == []


@pytest.mark.parametrize("how", ["without a hook", "without a topic"])
def test_it_ends_when_it_is_not_wanted_any_more(topic: Topic, how: str) -> None:
    """At Google, and twice is no error; what nobody knows to stand is not asked after."""
    standing = topic.watch()
    more = {"gmail_topic": ""} if how == "without a topic" else {}
    topic.hook = None if how == "without a hook" else topic.hook
    assert topic.watch(standing, **more) == ()
    assert topic.watching.standing is None
    assert topic.watch(standing, **more) == ()
    assert topic.asked() == ["watch", "stop", "stop"]
    assert topic.watch((), **more) == ()
    assert topic.asked() == []
    topic.box.clock.advance(DAY)
    posted = len(topic.page.bodies)
    topic.box.add("quiet")
    assert len(topic.page.bodies) == posted


def test_another_topic_takes_its_place(topic: Topic) -> None:
    """Google keeps one watch for a mailbox, and refuses another while it stands."""
    standing = topic.watch()
    other = topic.pubsub.make("other")
    (channel,) = topic.watch(standing, gmail_topic=other)
    assert channel.id == other
    assert topic.watching.standing is not None
    assert topic.watching.standing.topic == other
    assert topic.asked() == ["watch", "watch", "stop", "watch"]


def test_a_watch_that_nobody_knows_of_is_replaced(topic: Topic) -> None:
    """As after a home was put back from an older backup."""
    topic.watch(gmail_topic=topic.pubsub.make("forgotten"))
    assert topic.watch()[0].id == topic.name
    assert topic.watching.standing is not None
    assert topic.watching.standing.topic == topic.name


# --- where it cannot be ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("projects/kith-of-mara/topics/nothing", r"there is no such topic\. Make it"),
        (
            "projects/kith-of-mara/topics/closed",
            r"gmail-api-push@system\.gserviceaccount\.com, may not .* Pub/Sub Publisher",
        ),
        ("projects/somebody-else/topics/mail", r"another Google Cloud project than the client"),
    ],
)
def test_what_keeps_gmail_from_it_is_told_with_its_cure(topic: Topic, name: str, words: str) -> None:
    """It names the topic and says what to do; the account needs no sign-in, and no address is in the words."""
    topic.pubsub.make("closed", is_open=False)
    with pytest.raises(Rejected, match=words) as told:
        topic.watch(gmail_topic=name)
    assert not isinstance(told.value, ReauthRequired)
    assert name in str(told.value)
    assert "goes on asking" in str(told.value)
    assert topic.box.gmail.address not in str(told.value)
    assert topic.watching.standing is None


@pytest.mark.parametrize(
    ("reply", "kind"),
    [(switched_off(), Rejected), (user_rate(), RateLimited), (Reply(429, {"error": {}}), RateLimited)],
    ids=["switched off", "too much", "too many"],
)
def test_what_is_not_about_the_topic_is_not_blamed_on_it(
    topic: Topic, reply: Reply, kind: type[ConnectorError]
) -> None:
    """The API is switched off, or all units are spent: both are answered 403 as well."""
    topic.watching.refusals.append(reply)
    with pytest.raises(kind) as told:
        topic.watch()
    assert topic.name not in str(told.value)


@pytest.mark.parametrize("fault", ["lose_answer", "500", "503", "cut", "web_page", "die_before", "429"])
def test_a_fault_is_a_reason_to_ask_later(topic: Topic, fault: Fault) -> None:
    """Asking again is the same watch: nothing stands twice, and one that stands unknown is found."""
    topic.box.server.faults.order(fault, times=5)
    with pytest.raises(Transient):
        topic.watch()
    topic.box.server.faults.mend()
    assert topic.watch()[0].id == topic.name


# --- what is lost on the way ----------------------------------------------------------------------------------------------


def test_what_a_home_does_not_take_comes_again(topic: Topic) -> None:
    """While it is down Pub/Sub keeps trying, ever more seldom, and all of it comes once it is back."""
    topic.watch()
    topic.page.bodies.clear()
    topic.pubsub.postman.routes.clear()
    for name in ("one", "two"):
        topic.box.clock.advance(timedelta(seconds=30))
        topic.box.add(name)
    assert len(topic.subscription.backlog) == 2
    topic.pubsub.postman.routes[ORIGIN] = topic.page.url
    topic.box.clock.advance(timedelta(minutes=1))
    topic.pubsub.push()
    assert len(topic.page.bodies) == 2
    assert topic.subscription.backlog == []


def test_of_a_burst_one_a_second_is_told(topic: Topic) -> None:
    """The rest is dropped by Google; what was told leads to all of it."""
    topic.watch()
    topic.box.clock.advance(timedelta(minutes=1))
    told = len(topic.page.bodies)
    for number in range(50):
        topic.box.add(f"burst{number}")
    assert len(topic.page.bodies) == told + 1
    assert topic.watching.dropped == 49


def test_reading_never_tells(topic: Topic) -> None:
    """What Kith itself does in the mailbox is no news: else each notice would bring the next."""
    topic.box.add("one")
    topic.watch()
    topic.box.clock.advance(timedelta(minutes=1))
    told = len(topic.page.bodies)
    topic.box.read()
    assert READONLY in topic.box.scopes
    assert len(topic.page.bodies) == told

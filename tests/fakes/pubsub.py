"""Cloud Pub/Sub as far as it stands between Gmail and a home: topics, and push subscriptions that post until they are heard.

https://cloud.google.com/pubsub/docs/push and /reference/rest/v1/PubsubMessage as of 2026-11. A message is posted as JSON,
wrapped, with its data in base64; 102, 200, 201, 202 and 204 take it, after anything else it comes again, ever later (0.1 s
doubled to a minute), for seven days. Messages may come twice, and in any order. Where the owner wishes so, a token of
Google's comes along.
"""

import json
from base64 import b64encode
from datetime import timedelta

from msgspec import Struct

from schemas.clock import Clock
from tests.fakes.api import Json
from tests.fakes.google_schema import misfits
from tests.fakes.postman import Posted, Postman

TAKES = frozenset({102, 200, 201, 202, 204})
_FIRST, _LONGEST, _KEPT = timedelta(milliseconds=100), timedelta(seconds=60), timedelta(days=7)


class Letter(Struct):
    """A message that a subscription has not been rid of yet; instants are of the clock."""

    body: bytes
    published_at: float
    due_at: float
    tries: int = 0


class Subscription(Struct):
    """Where what is published on a topic is posted; `is_signed` with a token of Google's."""

    name: str
    endpoint: str
    is_signed: bool
    backlog: list[Letter]
    taken: list[bytes]
    """The bodies that were taken."""


class Topic(Struct):
    """A topic; `is_open` where Gmail's service account may publish to it."""

    is_open: bool
    subscriptions: list[Subscription]


class PubSub:
    """The topics of one project."""

    def __init__(self, clock: Clock, project: str = "kith-of-mara") -> None:
        self.clock = clock
        self.project = project
        self.postman = Postman()
        self.topics: dict[str, Topic] = {}
        self.breaches: list[str] = []
        self._messages = 2_070_443_601_311_540

    def make(self, name: str = "mail", *, is_open: bool = True) -> str:
        """Make a topic; its whole name."""
        whole = f"projects/{self.project}/topics/{name}"
        self.topics[whole] = Topic(is_open, [])
        return whole

    def subscribe(self, topic: str, endpoint: str, *, is_signed: bool = False) -> Subscription:
        """Have what is published from now on posted to an address."""
        held = self.topics[topic].subscriptions
        name = f"projects/{self.project}/subscriptions/push-{len(held) + 1}"
        held.append(Subscription(name, endpoint, is_signed, [], []))
        return held[-1]

    def publish(self, topic: str, data: bytes) -> None:
        """Publish a message, and post what is due."""
        self._messages += 1
        now = self.clock.now()
        at = f"{now:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
        message: Json = {
            "data": b64encode(data).decode(),
            "messageId": str(self._messages),
            "publishTime": at,
        }
        self.breaches += misfits("pubsub.v1", "PubsubMessage", message)
        told = {**message, "message_id": message["messageId"], "publish_time": at}
        for one in self.topics[topic].subscriptions:
            body = json.dumps({"message": told, "subscription": one.name}).encode()
            one.backlog.append(Letter(body, now.timestamp(), now.timestamp()))
        self.push()

    def push(self) -> None:
        """Post what is due by now."""
        now = self.clock.now().timestamp()
        for topic in self.topics.values():
            for one in topic.subscriptions:
                one.backlog = [
                    letter for letter in one.backlog if now < letter.published_at + _KEPT.total_seconds()
                ]
                for letter in [letter for letter in one.backlog if letter.due_at <= now]:
                    self._post(one, letter, now)

    def _post(self, to: Subscription, letter: Letter, now: float) -> None:
        if self.post(to, letter.body).status in TAKES:
            to.backlog.remove(letter)
            to.taken.append(letter.body)
            return
        wait = min(_FIRST * 2 ** min(letter.tries, 20), _LONGEST)
        letter.tries += 1
        letter.due_at = now + wait.total_seconds()

    def post(self, to: Subscription, body: bytes) -> Posted:
        """Post a body once, as it may come again."""
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)",
            **({"Authorization": "Bearer eyJhbGciOiJSUzI1NiJ9.e30.c2ln"} if to.is_signed else {}),
        }
        return self.postman.post(to.endpoint, headers, body)

"""Gmail's watch of a mailbox: one at a time for a client, on a topic of that client's project, for a week at most.

https://developers.google.com/workspace/gmail/api/guides/push and /reference/rest/v1/users/watch as of 2026-11; refusals as
they were seen (googleapis/google-api-nodejs-client issues 1301, 2843, 3593). It publishes once as it begins, then at each
change, once a second at most: what is more is dropped.
"""

import json
from collections import deque
from datetime import datetime, timedelta

from msgspec import Struct

from schemas.clock import Clock
from tests.fakes.api import Json, Reply, Request
from tests.fakes.google import refused
from tests.fakes.pubsub import PubSub

_TEST = "Error sending test message to Cloud PubSub {} : {}"


class Watch(Struct, frozen=True):
    """A watch that stands."""

    topic: str
    ends_at: datetime


class Watching:
    """Whether a mailbox is watched, and the telling."""

    def __init__(self, clock: Clock, address: str) -> None:
        self.clock = clock
        self.address = address
        self.pubsub = PubSub(clock)
        self.longest = timedelta(days=7)
        self.refusals: deque[Reply] = deque()
        """What the next watches are told instead."""
        self.dropped = 0
        self._held: Watch | None = None
        self._told_at: datetime | None = None

    @property
    def standing(self) -> Watch | None:
        """The one that stands now."""
        held = self._held
        return held if held is not None and held.ends_at > self.clock.now() else None

    def begin(self, request: Request, point: int) -> Json | Reply:
        """Watch, or go on watching."""
        if self.refusals:
            return self.refusals.popleft()
        try:
            body = request.json()
        except ValueError:
            body = None
        topic = body.get("topicName") if isinstance(body, dict) else None
        if not isinstance(topic, str) or not topic:
            return refused(400, "invalidArgument", "topicName required")
        if not topic.startswith(f"projects/{self.pubsub.project}/topics/"):
            words = f"Invalid topicName does not match projects/{self.pubsub.project}/topics/*"
            return refused(400, "invalidArgument", words)
        if set(body) != {"topicName"}:
            return refused(400, "invalidArgument", "This fake filters by no labels")
        if self.standing is not None and self.standing.topic != topic:
            words = "Only one user push notification client allowed per developer (call /stop then try again)"
            return refused(400, "invalidArgument", words)
        held = self.pubsub.topics.get(topic)
        if held is None:
            return refused(404, "notFound", _TEST.format(topic, "Resource not found (resource=topic)."))
        if not held.is_open:
            return refused(
                403, "forbidden", _TEST.format(topic, "User not authorized to perform this action.")
            )
        self._held = Watch(topic, self.clock.now() + self.longest)
        self._publish(topic, point)
        return {
            "historyId": str(point),
            "expiration": str(int(self._held.ends_at.timestamp() * 1000)),
        }

    def stop(self) -> Reply:
        """Watch no more; nobody minds where nothing was watched."""
        self._held = None
        return Reply(204)

    def tell(self, point: int) -> None:
        """Something happened in the mailbox."""
        now = self.clock.now()
        if self.standing is None or self.standing.topic not in self.pubsub.topics:
            return
        if self._told_at is not None and now - self._told_at < timedelta(seconds=1):
            self.dropped += 1
            return
        self._told_at = now
        self._publish(self.standing.topic, point)

    def _publish(self, topic: str, point: int) -> None:
        said = {"emailAddress": self.address, "historyId": point}
        self.pubsub.publish(topic, json.dumps(said, separators=(",", ":")).encode())

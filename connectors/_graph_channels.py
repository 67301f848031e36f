"""Has Microsoft Graph tell of news, by a subscription for each thing that is read.

https://learn.microsoft.com/graph/change-notifications-delivery-webhooks and /graph/api/subscription-post-subscriptions, read
2026-11. A subscription is prolonged until Graph no longer knows it; then another takes its place. Graph asks the hook for an
answer before it opens one. What a subscription is on is kept with the mark of its hook, since none can be moved to another.

The vendor's page says that a resource has one subscription for an app and its changes and that a second is refused; people
report that it is not. Where it is, the one that stands makes room if it is this home's.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from msgspec import Struct

from connectors._channels import end_channels, keep_channels, mark_of
from connectors._graph import Conflict, Graph, decoded
from schemas.connector import Access, Channel, Hook
from schemas.errors import Missing, ReauthRequired, Rejected

Watch = Callable[[Access, Hook | None, Sequence[Channel]], tuple[Channel, ...]]
OUTLOOK_LIFE = timedelta(minutes=10_070)
"""Mail, calendars and contacts are told of for 10,080 minutes at most; less is asked for, as clocks differ."""
TASKS_LIFE = timedelta(minutes=4_220)
"""To Do, for 4,230."""
_LONGEST = timedelta(days=31)


class _Subscription(Struct, frozen=True, rename="camel"):
    id: str
    expiration_date_time: datetime


class _Standing(Struct, frozen=True, rename="camel"):
    id: str
    resource: str = ""
    notification_url: str = ""


class GraphChannels:
    """The subscriptions of one account at one hook (`_channels.Side`); a place is a resource: `me/messages`."""

    def __init__(
        self, graph: Graph, hook: Hook, standing: Sequence[Channel], life: timedelta, now: datetime
    ) -> None:
        self._graph = graph
        self._hook = hook
        self._known = {one.id for one in standing}
        self._life = life
        self._now = now

    def is_on(self, channel: Channel, place: str, /) -> bool:
        """Whether it was opened for this resource and hook."""
        return channel.resource == self._kept_as(place)

    def _kept_as(self, place: str) -> str:
        return f"{place}#{mark_of(self._hook, place)}"

    def open(self, place: str, /) -> Channel:
        """Open a subscription.

        Raises:
            Rejected: Microsoft tells nothing of this resource, or does not reach the hook.
        """
        body = {
            "changeType": "created,updated,deleted",
            "notificationUrl": self._hook.url,
            "lifecycleNotificationUrl": self._hook.url,
            "resource": place,
            "expirationDateTime": self._until(),
            "clientState": self._hook.token,
        }
        try:
            try:
                answer = self._graph.send("POST", "subscriptions", body)
            except Conflict:
                self._make_room(place)
                answer = self._graph.send("POST", "subscriptions", body)
        except ReauthRequired as error:
            # A permission to read does for reading, whatever else it does not do for.
            raise Rejected(
                "Microsoft tells of no news there with the permissions that it gave. Kith goes on asking for them."
            ) from error
        except Rejected as error:
            raise Rejected(
                f"Microsoft sends no notices to {self._hook.url}: {error} It has to get an answer from that address, over "
                "https and within ten seconds. Kith goes on asking for news."
            ) from error
        return self._channel(answer.body, self._kept_as(place))

    def _make_room(self, place: str) -> None:
        """End this home's subscriptions on a resource: one for a hook that is no more, or whose answer was lost."""
        for rows in self._graph.pages("subscriptions"):
            for row in rows.value:
                told = decoded(bytes(row), _Standing)
                is_ours = told.id in self._known or told.notification_url == self._hook.url
                if is_ours and told.resource == place:
                    with suppress(Missing):
                        self._graph.send("DELETE", _way(told.id))

    def renew(self, channel: Channel, /) -> Channel | None:
        """Prolong a subscription; None where Graph knows it no longer, or lets it not be prolonged."""
        try:
            body = {"expirationDateTime": self._until()}
            answer = self._graph.send("PATCH", _way(channel.id), body)
        except (Rejected, ReauthRequired):
            return None
        return self._channel(answer.body, channel.resource)

    def stop(self, channel: Channel, /) -> None:
        """End a subscription."""
        stop_channel(self._graph, channel)

    def _until(self) -> str:
        return f"{self._now + self._life:%Y-%m-%dT%H:%M:%SZ}"

    def _channel(self, answer: bytes, kept_as: str) -> Channel:
        told = decoded(answer, _Subscription)
        ends_at = told.expiration_date_time
        if ends_at.tzinfo is None:
            ends_at = ends_at.replace(tzinfo=UTC)
        within = min(max(ends_at, self._now), self._now + _LONGEST)
        return Channel(told.id, kept_as, within.astimezone(UTC))


def stop_channel(graph: Graph, channel: Channel) -> None:
    """Have Graph tell nothing more by a subscription.

    Raises:
        Missing: it has ended already.
    """
    graph.send("DELETE", _way(channel.id))


def _way(one: str) -> str:
    return f"subscriptions/{quote(one, safe='')}"


def watching(resources: Callable[[Access], Sequence[str]], life: timedelta = OUTLOOK_LIFE) -> Watch:
    """What has Graph tell of news in these resources (`ConnectorSpec.watch`)."""

    def watch(access: Access, hook: Hook | None, standing: Sequence[Channel]) -> tuple[Channel, ...]:
        graph = Graph(access)
        if hook is None:
            end_channels(lambda one: stop_channel(graph, one), standing)
            return ()
        now = access.clock.now()
        return keep_channels(
            GraphChannels(graph, hook, standing, life, now), resources(access), standing, now
        )

    return watch

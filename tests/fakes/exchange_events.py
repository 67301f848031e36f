"""What the fake of Exchange tells by itself: subscriptions, and answers that go on while somebody listens.

https://learn.microsoft.com/exchange/client-developer/exchange-web-services/notification-subscriptions-mailbox-events-and-ews-in-exchange,
read 2026-11. What happens while nobody listens is kept; a user has 20 subscriptions at most, as servers have it by default.
"""

import uuid
from collections.abc import Callable, Iterator
from queue import SimpleQueue

from msgspec import Struct, field

from tests.fakes.exchange_wire import Dropped, Element, M, Refused, T, e, message_of, response_of

_MOST = 20
_EVENTS = "GetStreamingEvents"


class _Closed(Struct, frozen=True):
    """The time of an answer is up."""


class _Drop(Struct, frozen=True):
    """The connection breaks."""


class _Beat(Struct, frozen=True):
    """The line still stands."""


class _Gone(Struct, frozen=True):
    """The subscription is no more."""


class _Subscription(Struct):
    folders: frozenset[str]
    kinds: frozenset[str]
    to_say: SimpleQueue[Element | _Closed | _Drop | _Beat | _Gone] = field(default_factory=SimpleQueue)
    is_heard: bool = False


class Subscriptions:
    """Those of one mailbox."""

    def __init__(self) -> None:
        self._standing: dict[str, _Subscription] = {}
        self.given = 0
        """How many there ever were."""

    # ------ what a test looks at, and makes happen

    @property
    def standing(self) -> int:
        """How many there are."""
        return len(self._standing)

    @property
    def heard(self) -> int:
        """How many of them somebody listens to."""
        return sum(one.is_heard for one in self._standing.values())

    def beat(self) -> None:
        """Say that the lines still stand, as servers do every 45 seconds."""
        self._say(_Beat())

    def close(self) -> None:
        """End every answer, as when its time is up."""
        self._say(_Closed())

    def drop(self) -> None:
        """Drop every connection in mid answer."""
        self._say(_Drop())

    def forget(self) -> None:
        """Know of no subscription any more, as after a server was started anew."""
        self._say(_Gone())
        self._standing.clear()

    def _say(self, word: _Closed | _Drop | _Beat | _Gone) -> None:
        for one in self._standing.values():
            if one.is_heard:
                one.to_say.put(word)

    def tell(
        self, kind: str, folder: str, instant: str, item: str, *, was: tuple[str, str] = ("", "")
    ) -> None:
        """Something happened to an item in a folder; `was` is its id and folder before."""
        event = e(
            f"t:{kind}",
            e("t:TimeStamp", instant),
            e("t:ItemId", Id=item, ChangeKey="AAAA"),
            e("t:ParentFolderId", Id=folder, ChangeKey="AAAA"),
            e("t:OldItemId", Id=was[0], ChangeKey="AAAA") if was[0] else None,
            e("t:OldParentFolderId", Id=was[1], ChangeKey="AAAA") if was[1] else None,
        )
        for one in list(self._standing.values()):
            if kind in one.kinds and one.folders & {folder, was[1]}:
                one.to_say.put(event)

    # ------ EWS

    def subscribe(self, body: Element, folder_of: Callable[[Element], str]) -> Element:
        """A subscription to events in folders."""
        asked = body.find(f"{M}StreamingSubscriptionRequest")
        if asked is None:
            raise Refused("ErrorInvalidSubscriptionRequest")
        if len(self._standing) >= _MOST:
            raise Refused("ErrorExceededSubscriptionCount")
        id_ = str(uuid.UUID(int=self.given))
        self.given += 1
        self._standing[id_] = _Subscription(
            frozenset(map(folder_of, asked.find(f"{T}FolderIds"))),
            frozenset(one.text for one in asked.find(f"{T}EventTypes")),
        )
        return response_of("Subscribe", message_of("Subscribe", e("m:SubscriptionId", id_)))

    def unsubscribe(self, body: Element) -> Element:
        """One less."""
        if self._standing.pop(body.findtext(f"{M}SubscriptionId"), None) is None:
            raise Refused("ErrorSubscriptionNotFound")
        return response_of("Unsubscribe", message_of("Unsubscribe"))

    def stream(self, body: Element) -> Element | Iterator[Element]:
        """What happens, for as long as the answer lasts."""
        id_ = body.findtext(f"{M}SubscriptionIds/{T}SubscriptionId")
        one = self._standing.get(id_)
        if one is None:
            return _gone(id_)
        one.is_heard = True
        return _said(id_, one)


def _said(id_: str, one: _Subscription) -> Iterator[Element]:
    yield _envelope(e("m:ConnectionStatus", "OK"))
    try:
        while True:
            word = one.to_say.get()
            if isinstance(word, _Drop):
                raise Dropped
            if isinstance(word, _Closed):
                yield _envelope(e("m:ConnectionStatus", "Closed"))
                return
            if isinstance(word, _Gone):
                yield _gone(id_)
                return
            if isinstance(word, _Beat):
                yield _envelope(e("m:ConnectionStatus", "OK"))
            else:
                told = e("t:Notification", e("t:SubscriptionId", id_), e("t:MoreEvents", "false"), word)
                yield _envelope(e("m:Notifications", told))
    finally:
        one.is_heard = False


def _envelope(within: Element) -> Element:
    return response_of(_EVENTS, message_of(_EVENTS, within))


def _gone(id_: str) -> Element:
    ids = e("m:ErrorSubscriptionIds", e("t:SubscriptionId", id_))
    return response_of(_EVENTS, message_of(_EVENTS, ids, code="ErrorSubscriptionNotFound"))

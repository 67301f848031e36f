"""Has Gmail tell of news in a mailbox, by a Pub/Sub topic that its owner made.

https://developers.google.com/workspace/gmail/api/guides/push and /reference/rest/v1/users/watch, read 2026-11. Gmail
publishes to the topic, and a push subscription of it posts to the hook: of the hook Gmail itself is told nothing. A mailbox
has one watch for each OAuth client, for a week at most. Asking for it again prolongs it, which Google advises to do each
day; asking for it on another topic is refused while one stands (Observed 2025-2026), so that it is ended first.

As it begins, Gmail publishes once, by which it is known that the topic is there and may be published to:

    400   the topic is of another project than the client
    403   gmail-api-push@system.gserviceaccount.com may not publish to it
    404   there is no such topic

Gmail tells once a second at most and drops the rest; nothing is lost by it, as a notice is no more than a reason to pull.
"""

from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from connectors._gmail_api import METADATA, READING, STOP, UNITS, WATCH, me
from connectors._google import GMAIL, Api, reasons, require
from connectors._http import Answer
from schemas.connector import Access, Channel
from schemas.errors import Rejected

_HELD = timedelta(days=2)
"""How long a watch is held to stand at most; what ends within a day is renewed, and so it is each day."""
_UNTOLD = timedelta(days=1, hours=1)
"""How long one is held to stand whose end is not told."""
_ABOUT_THE_TOPIC = frozenset({"invalidArgument", "badRequest", "forbidden", "notFound"})
_CURES = {
    400: "it is of another Google Cloud project than the client that Kith signs in by. Make a topic in that project, and "
    "name it",
    403: "Gmail's own account, gmail-api-push@system.gserviceaccount.com, may not publish to it. Give it the role Pub/Sub "
    "Publisher there",
    404: "there is no such topic. Make it, or name another",
}


class _Watched(Struct, frozen=True):
    expiration: str | int = ""


def watch_mailbox(access: Access, topic: str) -> Channel:
    """Have Gmail tell on a topic, and on no other.

    Raises:
        Rejected: Gmail cannot tell there; says what to do about it.
    """
    api = _api(access)
    answer = _asked(api, topic)
    if answer.status == 400:
        # It may tell on another topic still, and does on one alone.
        _stop(api)
        answer = _asked(api, topic)
    if answer.status >= 400:
        if reasons(answer.body) <= _ABOUT_THE_TOPIC:
            raise Rejected(_refused(topic, answer.status))
        raise api.failure(answer.status, answer.headers, answer.body)
    told = api.decoded(answer, _Watched)
    return Channel(topic, "me", _ends_at(str(told.expiration), access.clock.now()))


def stop_watching(access: Access) -> None:
    """Have Gmail tell nothing more; where it tells nothing already, that is no error."""
    _stop(_api(access))


def _api(access: Access) -> Api:
    require(access, "Gmail", (*READING, METADATA), "read mail")
    return Api(access, GMAIL, "Gmail", quota=UNITS)


def _asked(api: Api, topic: str) -> Answer:
    # Asking twice does no more than asking once.
    body = msgspec.json.encode({"topicName": topic})
    return api.ask("POST", me("watch"), content=body, units=WATCH, is_write=False, allow=frozenset(_CURES))


def _stop(api: Api) -> None:
    api.ask("POST", me("stop"), units=STOP, is_write=False)


def _ends_at(milliseconds: str, now: datetime) -> datetime:
    if not milliseconds.isdecimal():
        return now + _UNTOLD
    left = int(milliseconds[:20]) / 1000 - now.timestamp()
    return now + timedelta(seconds=min(max(left, 0), _HELD.total_seconds()))


def _refused(topic: str, status: int) -> str:
    return f"Gmail tells nothing on {topic}: {_CURES[status]} (docs/google.md, Notices of mail). Kith goes on asking for news."

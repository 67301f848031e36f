"""Channels of Google Calendar, on which it tells of news: opened at a calendar, ended by their id and resource, never prolonged.

https://developers.google.com/workspace/calendar/api/guides/push and /v3/reference/events/watch as of 2026-11. A notice is
headers alone; the first says that the channel stands. What Google leaves open a test chooses: how long a channel stands
at most (`longest`), and whether a domain is trusted (`distrusts`).
"""

import hashlib
import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from msgspec import Struct

from schemas.clock import Clock
from tests.fakes.api import Json, Reply, Request
from tests.fakes.google import refused
from tests.fakes.postman import Postman

_ID = re.compile(r"[A-Za-z0-9_\-+/=]{1,64}")
_OWN = "@group.v.calendar.google.com"
_ROOT = "https://www.googleapis.com/calendar/v3"


class Open(Struct):
    """A channel that stands."""

    id: str
    calendar: str
    resource: str
    address: str
    token: str
    ends_at: datetime
    numbers: int = 0


class Channels:
    """What stands, and the telling of it."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.postman = Postman()
        self.longest = timedelta(days=7)
        self.distrusts = False
        self.used: set[str] = set()
        """The ids of all channels ever opened."""
        self._open: dict[str, Open] = {}

    @property
    def standing(self) -> list[Open]:
        """Those that stand now."""
        return [one for one in self._open.values() if one.ends_at > self.clock.now()]

    def watch(self, request: Request, calendar: str) -> Reply:
        """Open a channel, and say on it that it stands."""
        refusal = self._refusal(body := _body(request), calendar)
        if refusal is not None:
            return refusal
        asked = str(body.get("expiration") or "")
        until = self.clock.now() + self.longest
        if asked:
            until = min(until, datetime.fromtimestamp(int(asked) / 1000, until.tzinfo))
        one = Open(
            body["id"],
            calendar,
            hashlib.sha256(calendar.encode()).hexdigest()[:27],
            body["address"],
            str(body.get("token") or ""),
            until,
        )
        self.used.add(one.id)
        self._open[one.id] = one
        self._send(one, "sync")
        said = {
            "kind": "api#channel", "id": one.id, "resourceId": one.resource, "resourceUri": _uri(calendar),
            "expiration": str(int(one.ends_at.timestamp() * 1000)), **({"token": one.token} if one.token else {}),
        }  # fmt: skip
        return Reply(200, said)

    def _refusal(self, body: Json, calendar: str) -> Reply | None:
        one, address = body.get("id"), str(body.get("address") or "")
        if not isinstance(one, str) or not _ID.fullmatch(one):
            return refused(400, "channelIdInvalid", "Channel id must be [A-Za-z0-9_\\-\\+\\/=]+, 64 at most.")
        if body.get("type") not in {"web_hook", "webhook"}:
            return refused(400, "required", "Channel type is missing.")
        if len(str(body.get("token") or "")) > 256:
            return refused(400, "invalid", "Channel token is longer than 256 characters.")
        if urlsplit(address).scheme != "https":
            return refused(400, "push.webhookUrlNotHttps", f"WebHook callback must be HTTPS: {address}")
        if self.distrusts or not self.postman.reaches(address):
            words = f"Unauthorized WebHook callback channel: {address}"
            return refused(401, "push.webhookUrlUnauthorized", words)
        if calendar.endswith(_OWN):
            words = "Push notifications are not supported by this resource."
            return refused(400, "pushNotSupportedForRequestedResource", words, domain="calendar")
        if one in self.used:
            return refused(400, "channelIdNotUnique", f"Channel id {one} not unique")
        return None

    def stop(self, request: Request) -> Reply:
        """End a channel that is named by id and resource."""
        body = _body(request)
        one = self._open.get(body.get("id", ""))
        if one is None or one not in self.standing or one.resource != body.get("resourceId"):
            return refused(404, "channelUnknown", f"Channel '{body.get('id')}' not found for project '1'")
        del self._open[one.id]
        return Reply(204)

    def tell(self, calendar: str) -> None:
        """There is news in a calendar."""
        for one in self.standing:
            if one.calendar == calendar:
                self._send(one, "exists")

    def forget(self) -> None:
        """Every channel ends without a word."""
        self._open.clear()

    def _send(self, one: Open, state: str) -> None:
        one.numbers += 1 if state == "sync" else 3  # They grow, and leave some out.
        headers = {
            "X-Goog-Channel-ID": one.id,
            "X-Goog-Channel-Expiration": f"{one.ends_at:%a, %d %b %Y %H:%M:%S GMT}",
            "X-Goog-Resource-ID": one.resource,
            "X-Goog-Resource-URI": _uri(one.calendar),
            "X-Goog-Resource-State": state,
            "X-Goog-Message-Number": str(one.numbers),
            **({"X-Goog-Channel-Token": one.token} if one.token else {}),
        }
        self.postman.post(one.address, headers)


def _body(request: Request) -> Json:
    body: Any = request.json()
    return body if isinstance(body, dict) else {}


def _uri(calendar: str) -> str:
    return f"{_ROOT}/calendars/{quote(calendar, safe='')}/events?alt=json"

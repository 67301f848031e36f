"""Has Google tell of news in calendars, by a channel for each.

https://developers.google.com/workspace/calendar/api/guides/push and /v3/reference/events/watch, read 2026-11. A channel is
never prolonged: another is opened before the old one is stopped, and for a moment both tell. Its id is derived, begins with
what it is for, and is used once. Of calendars that Google makes by itself, such as holidays, it tells nothing.
"""

from datetime import datetime, timedelta
from urllib.parse import quote

import msgspec
from msgspec import Struct

from connectors._channels import mark, mark_of
from connectors._google import Api, reasons
from schemas.connector import Channel, Hook
from schemas.errors import Rejected

_LIFE = timedelta(days=7)
_LONGEST = timedelta(days=31)
_UNTOLD = timedelta(hours=1)
"""How long a channel is held to stand whose end is not told (the default of `ttl`)."""
_REFUSALS = frozenset({400, 401, 403})


class _Opened(Struct, frozen=True, rename="camel"):
    resource_id: str
    expiration: str | int = ""


class GoogleChannels:
    """The channels of one account at one hook (`_channels.Side`); a place is a calendar's id."""

    def __init__(self, api: Api, hook: Hook, now: datetime) -> None:
        self._api = api
        self._hook = hook
        self._now = now

    def is_on(self, channel: Channel, place: str, /) -> bool:
        """Whether the id begins so."""
        return channel.id.startswith(mark_of(self._hook, place))

    def open(self, place: str, /) -> Channel:
        """Open a channel for as long as Google lets it stand.

        Raises:
            Rejected: Google tells nothing of this calendar, or nothing to this address.
        """
        its = mark_of(self._hook, place)
        one = f"{its}-{mark(its, self._now.isoformat())}"
        body = {
            "id": one,
            "type": "web_hook",
            "address": self._hook.url,
            "token": self._hook.token,
            "expiration": str(int((self._now + _LIFE).timestamp() * 1000)),
        }
        answer = self._api.ask(
            "POST",
            f"calendar/v3/calendars/{quote(place, safe='')}/events/watch",
            content=msgspec.json.encode(body),
            allow=_REFUSALS,
        )
        if answer.status >= 400:
            why = [reason for reason in reasons(answer.body) if reason.startswith("webhookUrl")]
            if why:
                raise Rejected(_refused(self._hook.url, why[0]))
            raise self._api.failure(answer.status, answer.headers, answer.body)
        told = self._api.decoded(answer, _Opened)
        return Channel(one, told.resource_id, self._ends_at(str(told.expiration)))

    def _ends_at(self, milliseconds: str) -> datetime:
        if not milliseconds.isdecimal():
            return self._now + _UNTOLD
        left = min(int(milliseconds[:20]) / 1000 - self._now.timestamp(), _LONGEST.total_seconds())
        return self._now + timedelta(seconds=max(left, 0))

    def renew(self, _channel: Channel, /) -> None:
        """Google prolongs none."""

    def stop(self, channel: Channel, /) -> None:
        """End a channel."""
        stop_channel(self._api, channel)


def stop_channel(api: Api, channel: Channel) -> None:
    """Have Google tell nothing more on a channel.

    Raises:
        Missing: it has ended already.
    """
    body = {"id": channel.id, "resourceId": channel.resource}
    # Ending one twice does nothing.
    api.ask("POST", "calendar/v3/channels/stop", content=msgspec.json.encode(body), is_write=False)


def _refused(url: str, reason: str) -> str:
    return (
        f"Google sends no notices to {url} ({reason}). It has to reach that address over https, with a certificate that "
        "browsers trust. Kith goes on asking for news."
    )

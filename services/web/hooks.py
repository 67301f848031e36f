"""`/hooks/google` and `/hooks/microsoft`: where other sides tell that there is news.

Anybody can reach them, so that nothing that comes is believed: what carries a word of ours is a reason to pull, and
everything else is turned away unread. The answer comes at once, as slow ones are told less and less.

Google Calendar: https://developers.google.com/workspace/calendar/api/guides/push (headers alone, no body).
Gmail: https://cloud.google.com/pubsub/docs/push (JSON about a message). The address, with our word in it, the owner gives
to their subscription; whoever knows it may have Kith ask for mail, and no more. So the body is not read, and the token that
Google can sign each request with is not looked at: to verify it, Google's keys would have to be fetched.
Microsoft: https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks (handshake, then JSON).
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta

import msgspec
from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from services.notices import Notice

Take = Callable[[Sequence[Notice]], bool]
"""Handed notices; whether the word of one of them is known."""

_BODY_AT_MOST = 1024 * 1024
_BODY_WITHIN = timedelta(seconds=10)
_HANDSHAKE_AT_MOST = 4_096
_NOTICES_AT_MOST = 1_000


_ENDS = frozenset({"subscriptionRemoved", "reauthorizationRequired"})


class _Notice(Struct, rename="camel"):
    client_state: str | None = None
    subscription_id: str | None = None
    lifecycle_event: str | None = None

    def plain(self) -> Notice:
        ended = self.subscription_id if self.lifecycle_event in _ENDS else None
        return Notice(self.client_state or "", ended or "")


class _Notices(Struct):
    value: list[_Notice] = []


_decode = msgspec.json.Decoder(_Notices).decode


def hook_routes(take: Take) -> list[Route]:
    """The routes of notices."""

    async def google(request: Request) -> Response:
        if request.headers.get("x-goog-resource-state") == "sync":
            return Response(status_code=204)  # The channel stands; there is no news yet.
        word = request.headers.get("x-goog-channel-token") or request.query_params.get("token", "")
        return await _taken([Notice(word)])

    async def microsoft(request: Request) -> Response:
        handshake = request.query_params.get("validationToken")
        if handshake is not None:
            if len(handshake) > _HANDSHAKE_AT_MOST:
                return Response(status_code=400)
            return PlainTextResponse(handshake)
        try:
            notices = _decode(await _body(request)).value[:_NOTICES_AT_MOST]
        except (msgspec.MsgspecError, ValueError):
            return Response(status_code=400)
        return await _taken([one.plain() for one in notices])

    async def _taken(notices: Sequence[Notice]) -> Response:
        is_known = await run_in_threadpool(take, notices)
        return Response(status_code=202 if is_known else 403)

    return [
        Route("/hooks/google", google, methods=["POST"]),
        Route("/hooks/microsoft", microsoft, methods=["POST"]),
    ]


async def _body(request: Request) -> bytes:
    """The whole body.

    Raises:
        ValueError: it is too long, or comes too slowly.
    """
    body = b""
    try:
        async with asyncio.timeout(_BODY_WITHIN.total_seconds()):
            async for chunk in request.stream():
                body += chunk
                if len(body) > _BODY_AT_MOST:
                    raise ValueError("too long")
    except (ClientDisconnect, TimeoutError) as error:
        raise ValueError("too slow") from error
    return body

"""What browsers and mail programs send by POST, bounded, and whose page it comes from."""

import asyncio
from datetime import timedelta
from email import message_from_bytes
from itertools import islice
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import ClientDisconnect, Request

_BODY_AT_MOST = 4_096
_BODY_WITHIN = timedelta(seconds=10)
_FIELDS_AT_MOST = 10


async def fields(request: Request) -> dict[str, str]:
    """The fields of a form, in lower case; none of one that is too long, comes too slowly, or is in no form's coding."""
    body = b""
    try:
        async with asyncio.timeout(_BODY_WITHIN.total_seconds()):
            async for chunk in request.stream():
                body += chunk
                if len(body) > _BODY_AT_MOST:
                    return {}
    except (ClientDisconnect, TimeoutError):
        return {}
    kind = request.headers.get("content-type", "")
    try:
        pairs = _parts(kind, body) if kind.lower().startswith("multipart/") else _pairs(body)
    except ValueError:
        return {}
    return {name.lower(): value.strip().lower() for name, value in pairs}


def _pairs(body: bytes) -> list[tuple[str, str]]:
    return parse_qsl(body.decode("latin-1"), max_num_fields=_FIELDS_AT_MOST)


def _parts(kind: str, body: bytes) -> list[tuple[str, str]]:
    """The fields of a form in parts (RFC 7578), as RFC 8058 3.2 lets a mail program send them."""
    whole = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode("latin-1") + body)
    return [
        (str(part.get_param("name", "", "content-disposition")), str(part.get_payload()))
        for part in islice(whole.walk(), _FIELDS_AT_MOST)
        if not part.is_multipart()
    ]


def is_foreign(request: Request, public_url: str) -> bool:
    """Whether a browser says that another site's page sent this (RFC 6454 7); mail programs say nothing."""
    origin = request.headers.get("origin")
    if origin is None:
        return request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}
    public = urlsplit(public_url)
    ours = {request.headers.get("host", ""), public.netloc}
    return urlsplit(origin).netloc.lower() not in {one.lower() for one in ours if one}

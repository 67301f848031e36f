"""`/connect/<kind>` and `/oauth/<kind>/callback`: signing in at a vendor through the page.

A page says what will be asked and why; pressing its button goes to the vendor, with a cookie that this browser alone can
bring back: sealed, for minutes, not readable by scripts, sent by no other site but with the redirect itself
(SameSite=Lax). The callback acts on nothing without it. What leads on is a page, and no redirect: browsers hold a form's
policy (CSP 3, form-action) against every host that it comes by from there, and vendors send on to others.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from schemas.errors import KithError
from schemas.oauth import ForeignAnswer
from services.digest.words import clean
from services.web.forms import fields, is_foreign
from services.web.guard import LOOPBACK, host_of

if TYPE_CHECKING:
    from services.web.app import Paper

_QUERY_AT_MOST = 8_192


class Want(Struct, frozen=True):
    """One permission that will be asked for: of what, why, and the vendor's name for it."""

    title: str
    reason: str
    scope: str


class Option(Struct, frozen=True):
    """Something that Kith may be for, and what is asked for it."""

    name: str
    label: str
    is_on: bool
    wants: tuple[Want, ...]
    is_settled: bool = False
    """It stays as it is, whatever is chosen."""


class Offer(Struct, frozen=True, kw_only=True):
    """What would be asked of whom: `wants`, or what is wanted for those `options` that are chosen, where there are any."""

    kind: str
    title: str
    user: str
    wants: tuple[Want, ...]
    options: tuple[Option, ...]


class Begun(Struct, frozen=True):
    """Where the browser goes, and the cookie that it has to bring back in that time."""

    url: str
    cookie: str
    lasts: timedelta


class Ended(Struct, frozen=True, kw_only=True):
    """Who was let in where, and what Kith does from then on."""

    title: str
    user: str
    lines: tuple[str, ...]


class SignIns(Protocol):
    """What signs in; each raises `KithError` with what is to be said."""

    def offer(self, kind: str, ticket: str, /) -> Offer:
        """What would be asked, and why."""
        ...

    def begin(self, kind: str, ticket: str, chosen: Mapping[str, str], /) -> Begun:
        """Begin."""
        ...

    def finish(self, kind: str, query: str, cookie: str, /) -> Ended:
        """What came of it.

        Raises:
            ForeignAnswer: it answers nothing that this browser began; that goes on.
        """
        ...


class Closing(Struct, frozen=True, kw_only=True):
    """Everything the page at the end says."""

    title: str
    words: str
    lines: tuple[str, ...] = ()
    command: str = ""


def sign_in_routes(
    paper: "Paper", sign_ins: SignIns, kinds: Mapping[str, str], public_url: str
) -> list[Route]:
    """The routes, for the kinds of account that are signed in to so, with their titles."""
    home = urlsplit(public_url)
    is_secure = home.scheme == "https"
    cookie_name = "__Host-kith-sign-in" if is_secure else "kith-sign-in"

    def look(request: Request) -> Response:
        kind = request.path_params["kind"]
        if kind not in kinds:
            return paper.problem(404, "There is nothing at this address.")
        is_elsewhere = request.headers.get("host", "").lower() != home.netloc.lower()
        # A proxy may name itself; on this machine nothing stands between.
        if is_elsewhere and host_of(home.netloc) in LOOPBACK:
            return paper.problem(
                421, f"Sign-ins come back to {public_url} (KITH_PUBLIC_URL). Open this page there."
            )
        try:
            offer = sign_ins.offer(kind, request.query_params.get("ask", "")[:_QUERY_AT_MOST])
        except KithError as error:
            return _told(paper, 400, f"Shall Kith be let in at {kinds[kind]}?", str(error))
        answer = paper.page("connect.html.j2", offer=offer)
        answer.headers["Referrer-Policy"] = "same-origin"
        return answer

    async def act(request: Request) -> Response:
        kind = request.path_params["kind"]
        if kind not in kinds:
            return paper.problem(404, "There is nothing at this address.")
        chosen = await fields(request)
        if is_foreign(request, public_url) or chosen.get("go") != "sign-in":
            return paper.problem(403, "Another page asked for this. Open the link yourself to do it.")
        ticket = request.query_params.get("ask", "")[:_QUERY_AT_MOST]
        try:
            begun = await run_in_threadpool(sign_ins.begin, kind, ticket, chosen)
        except KithError as error:
            return _told(paper, 400, f"Shall Kith be let in at {kinds[kind]}?", str(error))
        answer = paper.page("onward.html.j2", title=kinds[kind], url=begun.url)
        answer.headers["Refresh"] = f"0; url={begun.url}"
        answer.set_cookie(
            cookie_name,
            begun.cookie,
            max_age=int(begun.lasts.total_seconds()),
            path="/",
            secure=is_secure,
            httponly=True,
            samesite="lax",
        )
        return answer

    def callback(request: Request) -> Response:
        kind = request.path_params["kind"]
        if kind not in kinds:
            return paper.problem(404, "There is nothing at this address.")
        title = f"Did {kinds[kind]} let Kith in?"
        query = request.url.query if len(request.url.query) <= _QUERY_AT_MOST else ""
        try:
            ended = sign_ins.finish(kind, query, request.cookies.get(cookie_name, ""))
        except ForeignAnswer as error:
            return _told(paper, 400, title, str(error))
        except KithError as error:
            answer = _told(paper, 400, title, str(error))
        else:
            words = f"Yes, as {clean(ended.user, 200)}."
            answer = paper.page(
                "signed.html.j2",
                page=Closing(title=title, words=words, lines=tuple(clean(one, 500) for one in ended.lines)),
            )
        answer.delete_cookie(cookie_name, path="/", secure=is_secure, httponly=True, samesite="lax")
        return answer

    return [
        Route("/connect/{kind}", look, methods=["GET"]),
        Route("/connect/{kind}", act, methods=["POST"]),
        Route("/oauth/{kind}/callback", callback, methods=["GET"]),
    ]


def _told(paper: "Paper", status: int, title: str, words: str) -> Response:
    return paper.page("signed.html.j2", status, page=Closing(title=title, words=words))

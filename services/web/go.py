"""`/go/<signed>`: what a link of the digest would do, done when that is confirmed.

A GET changes nothing, whoever sends it: programs that look through mail follow every link in it. A POST does what the
link allows and no more; it needs no cookie, so that a mail program can unsubscribe (RFC 8058), and from a page of
another site it is refused, but for that.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from schemas.interface import FollowupState
from services.digest.words import clean, full_date
from services.links import Deed
from services.oneclick import Asked, OneClick
from services.web.forms import fields, is_foreign

if TYPE_CHECKING:
    from services.web.app import Paper

_DEAD = "This link does not work, or no longer. What waits for you stands in your next digest."
_TITLES: dict[Deed, str] = {
    "done": "Is this done?",
    "snooze": "When shall it come back?",
    "dismiss": "Shall it be left out?",
    "unsubscribe": "Stop the weekly mail?",
    "reconnect": "Which account waits for you?",
}
_BUTTONS: dict[Deed, str] = {
    "done": "Yes, it is done",
    "dismiss": "Yes, leave it out",
    "unsubscribe": "Yes, stop it",
}


_CLOSED: dict[FollowupState, tuple[str, str]] = {
    "done": ("It is done.", "It is off your list."),
    "satisfied": ("It is done.", "What happened since has settled it."),
    "dismissed": ("It is left out.", "Kith does not suggest it again."),
    "expired": ("It is off your list.", "Its time has passed."),
}


class Button(Struct, frozen=True):
    """What to press, and the day it stands for where it stands for one."""

    label: str
    note: str = ""
    until: str = ""


class Page(Struct, frozen=True, kw_only=True):
    """Everything a page of a link says; `answer` is what is so already."""

    title: str
    deed: Deed
    answer: str = ""
    detail: str = ""
    about: str = ""
    why: str = ""
    command: str = ""
    buttons: tuple[Button, ...] = ()


def go_routes(paper: "Paper", one_click: OneClick, public_url: str) -> list[Route]:
    """The routes of links, read and done through `one_click`."""

    def shown(asked: Asked | None, *, is_done: bool = False) -> Response:
        if asked is None:
            return paper.problem(410, _DEAD)
        answer = paper.page("go.html.j2", page=_page(asked, is_done=is_done))
        # Without a referrer a form says that it comes from nowhere; this one is asked where it comes from.
        answer.headers["Referrer-Policy"] = "same-origin"
        return answer

    def look(request: Request) -> Response:
        link = one_click.link(request.path_params["signed"])
        return shown(one_click.asked(link)) if link else paper.problem(400, _DEAD)

    async def act(request: Request) -> Response:
        link = one_click.link(request.path_params["signed"])
        if link is None:
            return paper.problem(400, _DEAD)
        said = await fields(request)
        is_one_click = said.get("list-unsubscribe") == "one-click" and link.deed == "unsubscribe"
        if not is_one_click and is_foreign(request, public_url):
            return paper.problem(403, "Another page asked for this. Open the link yourself to do it.")
        if not is_one_click and said.get("go") != link.deed:
            return paper.problem(400, _DEAD)
        asked = await run_in_threadpool(one_click.do, link, _day(said.get("until", "")))
        return shown(asked, is_done=True)

    return [
        Route("/go/{signed}", look, methods=["GET"]),
        Route("/go/{signed}", act, methods=["POST"]),
    ]


# --- what is said -----------------------------------------------------------------------------------------------------


def _page(asked: Asked, *, is_done: bool) -> Page:
    deed = asked.link.deed
    match deed:
        case "reconnect":
            return Page(
                title=_TITLES[deed],
                deed=deed,
                detail="One of your accounts wants a new sign-in. Nothing is lost: Kith goes on where it stopped. See which "
                "one on the computer that runs Kith:",
                command="kith accounts",
            )
        case "unsubscribe" if asked.is_settled:
            return Page(
                title=_TITLES[deed],
                deed=deed,
                answer="The weekly mail is off.",
                detail="Your digest still comes every week, as a page in Kith's home. To get it by mail again:",
                command="kith digest --mail on",
            )
        case "unsubscribe":
            return Page(
                title=_TITLES[deed],
                deed=deed,
                detail="Your digest comes once a week. Without the mail it still does, as a page in Kith's home.",
                buttons=(Button(_BUTTONS[deed]),),
            )
        case _:
            return _followup_page(asked, is_done=is_done)


def _followup_page(asked: Asked, *, is_done: bool) -> Page:
    deed = asked.link.deed
    answer, detail = _CLOSED.get(asked.state, ("", ""))
    if asked.until is not None:
        answer = f"It comes back on {full_date(asked.until)}."
    if asked.is_settled or is_done:
        buttons: tuple[Button, ...] = ()
    elif deed == "snooze":
        buttons = tuple(_days(asked.today))
    else:
        buttons = (Button(_BUTTONS[deed]),)
    return Page(
        title=_TITLES[deed],
        deed=deed,
        answer=answer,
        detail=detail,
        about=clean(asked.title, 200),
        why=clean(asked.why, 400),
        buttons=buttons,
    )


def _days(today: date) -> Iterator[Button]:
    for label, ahead in (
        ("Tomorrow", timedelta(days=1)),
        ("Next week", timedelta(weeks=1)),
        ("In a month", timedelta(days=30)),
    ):
        day = today + ahead
        yield Button(label, full_date(day), day.isoformat())


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None

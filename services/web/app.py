"""The ASGI app of all pages.

Status at `/`, evidence at `/followups/`, the digest's links at `/go/`, sign-ins at `/connect/`, notices of news at
`/hooks/`, health at `/healthz` and `/readyz`. It reads through callables it is handed, and knows neither
the queue nor where anything is put.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from msgspec import Struct
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from services.digest.render import typeset
from services.oneclick import OneClick
from services.status import Status
from services.web.go import go_routes
from services.web.guard import Guard
from services.web.hooks import Take, hook_routes
from services.web.sign_in import SignIns, sign_in_routes
from services.web.view import book_view
from services.web.why import Find, why_routes

_TEMPLATES = Path(__file__).parent / "templates"
_LOOK = _TEMPLATES / "kith.css"
_FOREVER = "public, max-age=31536000, immutable"
_TITLES = {
    400: "What was asked?",
    403: "Who asks?",
    404: "Where is that page?",
    405: "Can this page do that?",
    410: "What was asked?",
    421: "Is this the right address?",
    500: "What went wrong?",
    503: "Is Kith ready?",
}
_WORDS = {
    404: "There is nothing at this address.",
    405: "This page can only be read.",
    500: "Something in Kith failed while making this page. Nothing is lost; the log of this process says where.",
}


class Desk(Struct, frozen=True, kw_only=True):
    """What the pages are handed."""

    statuses: Callable[[], Sequence[Status]]
    """The status of every owner's book."""
    troubles: Callable[[], Sequence[str]]
    """What keeps Kith from being ready, each in one sentence; empty when it is."""
    hosts: frozenset[str]
    """The hosts that a request may name."""
    one_click: OneClick | None = None
    """What the links of the digest do; None where there is no key to sign them with."""
    public_url: str = ""
    sign_ins: SignIns | None = None
    """What signs in at vendors; None where there is no key to seal a sign-in with."""
    vendors: Mapping[str, str] = {}
    """The kinds of account that are signed in to at a vendor, and what that is called."""
    find_followup: Find | None = None
    """Finds a follow-up with what it rests on."""
    take_notices: Take | None = None
    """Takes notices of news; None where there is no key to know them by."""


class Paper:
    """The templates and what they refer to."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["typeset"] = typeset
        self.files = {
            name: (content, kind)
            for file, kind in (("kith.css", "text/css"), ("kith.svg", "image/svg+xml"))
            for content in ((_TEMPLATES / file).read_bytes(),)
            for name in (f"{hashlib.sha256(content).hexdigest()[:12]}-{file}",)
        }
        self._urls = {name.partition("-")[2].partition(".")[2]: f"/assets/{name}" for name in self.files}

    def page(self, template: str, status: int = 200, **values: object) -> Response:
        """A page set from a template."""
        text = self._templates.get_template(template).render(urls=self._urls, **values)
        return Response(text, status, media_type="text/html")

    def lone(self, template: str, **values: object) -> tuple[str, str]:
        """A page that needs no other request, as its server is gone by then; and the source (CSP) of its style."""
        style = _LOOK.read_text(encoding="utf-8")
        text = self._templates.get_template(template).render(urls=self._urls, look=Markup(style), **values)  # noqa: S704  # our own file
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        return text, f"'sha256-{digest}'"

    def problem(self, status: int, words: str) -> Response:
        """The page for something that cannot be shown."""
        return self.page("problem.html.j2", status, title=_TITLES.get(status, _TITLES[500]), words=words)


def make_app(desk: Desk) -> ASGIApp:
    """The app, reading through `desk`."""
    paper = Paper()

    def home(_request: Request) -> Response:
        books = [book_view(one) for one in desk.statuses()]
        return paper.page("status.html.j2", books=books)

    def healthz(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    def readyz(_request: Request) -> Response:
        troubles = desk.troubles()
        return PlainTextResponse("\n".join(troubles or ["ready"]) + "\n", 503 if troubles else 200)

    def asset(request: Request) -> Response:
        found = paper.files.get(request.path_params["name"])
        if found is None:
            raise HTTPException(404)
        return Response(found[0], media_type=found[1], headers={"Cache-Control": _FOREVER})

    def refused(_request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        answer = paper.problem(status, _WORDS.get(status, "This cannot be shown."))
        if isinstance(error, HTTPException):
            answer.headers.update(error.headers or {})
        return answer

    app = Starlette(
        routes=[
            Route("/", home),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/assets/{name}", asset),
            *(go_routes(paper, desk.one_click, desk.public_url) if desk.one_click else ()),
            *(sign_in_routes(paper, desk.sign_ins, desk.vendors, desk.public_url) if desk.sign_ins else ()),
            *(why_routes(paper, desk.find_followup) if desk.find_followup else ()),
            *(hook_routes(desk.take_notices) if desk.take_notices else ()),
        ],
        exception_handlers={HTTPException: refused, Exception: refused},
    )
    # Outermost, so that the page for an error of ours carries the headers too.
    return Guard(app, desk.hosts, paper.problem)

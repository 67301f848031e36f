"""`/followups/<id>`: why something is on the owner's list, with what it rests on; where a task links back to."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from schemas.interface import FollowupState, Interaction
from services.digest.words import clean, day_words
from services.evidence import Evidence
from services.links import Deed
from services.web.view import Moment, moment_of

if TYPE_CHECKING:
    from services.web.app import Paper

Find = Callable[[str], tuple[Evidence, Mapping[Deed, str]] | None]
"""The follow-up with this id, and the tokens that answer it; None when there is none."""

_STATES: dict[FollowupState, str] = {
    "open": "Open",
    "snoozed": "Comes back",
    "done": "Done",
    "satisfied": "Done by itself",
    "dismissed": "Left out",
    "expired": "Its time has passed",
}
_KINDS = {
    "email": "Mail",
    "meeting": "Meeting",
    "linkedin_message": "LinkedIn message",
    "linkedin_invitation": "LinkedIn invitation",
    "recommendation": "Recommendation",
    "endorsement": "Endorsement",
    "note": "Your note",
    "favour": "Favour",
}
_ACTIONS: tuple[tuple[Deed, str], ...] = (("done", "Done"), ("snooze", "Snooze"), ("dismiss", "Not this"))


class Line(Struct, frozen=True):
    """One thing that happened: what kind, whose, when, and what it says."""

    kind: str
    who: str
    when: Moment
    subject: str
    excerpt: str


class WhyView(Struct, frozen=True, kw_only=True):
    """Everything the page says."""

    title: str
    why: str
    state: str
    due: str
    lines: list[Line]
    tasks: list[tuple[str, str]]
    actions: list[tuple[str, str]]


def why_routes(paper: "Paper", find: Find) -> list[Route]:
    """The route of follow-ups, read through `find`."""

    def look(request: Request) -> Response:
        found = find(request.path_params["followup"])
        if found is None:
            return paper.problem(404, "There is no such follow-up here any more.")
        evidence, tokens = found
        return paper.page("why.html.j2", page=why_view(evidence, tokens))

    return [Route("/followups/{followup}", look)]


def why_view(evidence: Evidence, tokens: Mapping[Deed, str]) -> WhyView:
    """What the page says of a follow-up; `tokens` are those of its links."""
    told = evidence.followup
    zone = ZoneInfo(evidence.timezone)
    today = evidence.at.astimezone(zone).date()
    until = f" {day_words(told.until, today)}" if told.state == "snoozed" and told.until else ""
    is_undecided = told.state in {"open", "snoozed"}
    return WhyView(
        title=clean(told.title, 200),
        why=clean(told.why, 600),
        state=f"{_STATES[told.state]}{until}",
        due=day_words(told.due, today) if told.due else "",
        lines=[_line(one, evidence, zone) for one in evidence.interactions],
        tasks=[(one.account, one.url) for one in told.tasks if one.url and one.url.startswith("https://")],
        actions=[(label, f"/go/{tokens[deed]}") for deed, label in _ACTIONS if deed in tokens]
        if is_undecided
        else [],
    )


def _line(one: Interaction, evidence: Evidence, zone: ZoneInfo) -> Line:
    names = [clean(evidence.names[part.id], 80) for part in one.people if part.id in evidence.names]
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    # Whoever called a meeting, one is in it with the others.
    way = "with" if one.kind == "meeting" else {"in": "from", "out": "to"}.get(one.direction, "with")
    return Line(
        kind=_KINDS.get(one.kind, "Record"),
        who=f"{way} {shown}" if shown else "",
        when=moment_of(one.at, evidence.at, zone),
        subject=clean(one.subject or "", 200),
        excerpt=clean(one.excerpt or "", 300),
    )

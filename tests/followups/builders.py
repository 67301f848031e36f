"""Builders of small states: name only what the case is about; days are counted back from a fixed now."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from schemas.interface import Counts, Followup
from schemas.records import Signal
from services.followups import followups
from services.state import OWNER, MeetingView, PersonView, Said, State

NOW = datetime(2026, 11, 23, 7, 30, tzinfo=UTC)
"""A Monday morning."""
ZONE = ZoneInfo("Europe/Lisbon")


def ago(days: float = 0, hours: float = 0) -> datetime:
    return NOW - timedelta(days=days, hours=hours)


def a_person(person: str = "p-ana", name: str = "", **more: Any) -> PersonView:
    first = (name or person.removeprefix("p-").capitalize()).split(" ")[0]
    defaults: dict[str, Any] = {
        "id": person,
        "name": name or f"{first} Okafor",
        "first_name": first,
        "emails": (f"{first.lower()}@example.com",),
        "identities": (f"email:{first.lower()}@example.com",),
        "first_at": ago(300),
        "strength": 0.5,
    }
    return PersonView(**{**defaults, **more})


def an_ask(text: str = "Could you look at section 3 before Friday?", due: date | None = None) -> Signal:
    return Signal("ask", text, due)


def a_promise(text: str = "I'll send you the deck by Friday.", due: date | None = None) -> Signal:
    return Signal("promise", text, due)


def thanks() -> Signal:
    return Signal("thanks", "Thanks a lot")


def a_message(said: str, at: datetime, *signals: Signal, by: str = "p-ana", **more: Any) -> Said:
    """A mail; from the owner to Ana when `by` is the owner, else to the owner alone."""
    own = by == OWNER
    defaults: dict[str, Any] = {
        "id": said,
        "kind": "email",
        "at": at,
        "author": by,
        "to": ("p-ana",) if own else (),
        "owner_part": "from" if own else "to",
        "subject": "review of the draft",
        "thread": "t1",
        "signals": signals,
        "direction": "out" if own else "in",
    }
    return Said(**{**defaults, **more})


def a_meeting(meeting: str, ended: datetime, *people: str, **more: Any) -> MeetingView:
    """A meeting of one hour that ended then, of the owner and these people."""
    persons = people or ("p-ana",)
    defaults: dict[str, Any] = {
        "id": meeting,
        "at": ended - timedelta(hours=1),
        "ends_at": ended,
        "summary": "Catch-up",
        "people": persons,
        "group_size": len(persons) + 1,
    }
    return MeetingView(**{**defaults, **more})


def a_state(
    people: Iterable[PersonView] = (),
    said: Sequence[Said] = (),
    meetings: Sequence[MeetingView] = (),
    **more: Any,
) -> State:
    """A state whose threads and histories are laid out from what was said, as the store does it."""
    persons = {view.id: view for view in people}
    threads: dict[str, list[Said]] = {}
    direct: dict[str, list[Said]] = {}
    for one in said:
        if one.thread is not None:
            threads.setdefault(one.thread, []).append(one)
        with_whom = (*one.to, *one.cc) if one.author == OWNER else (one.author,)
        for person in with_whom:
            if person != OWNER:
                direct.setdefault(person, []).append(one)
    defaults: dict[str, Any] = {
        "owner_name": "Mara Lind",
        "owner_emails": ("mara@example.com",),
        "zone": ZONE,
        "now": NOW,
        "people": persons,
        "threads": {thread: tuple(past) for thread, past in threads.items()},
        "direct": {person: tuple(past) for person, past in direct.items()},
        "meetings": tuple(meetings),
    }
    return State(**{**defaults, **more})


def found(state: State, rule: str) -> list[Followup]:
    return [one for one in followups(state) if one.rule == rule]


def states_of(state: State, rule: str) -> list[tuple[str, str | None]]:
    return [(one.state, one.closed_by) for one in found(state, rule)]


def counts(**more: int) -> Counts:
    return Counts(**more)

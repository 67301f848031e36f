"""The page of a follow-up: why it is on the list, what it rests on, and how to answer it."""

from datetime import date, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from starlette.testclient import TestClient

from schemas.interface import Direction, Followup, Interaction, Part, TaskLink
from services.evidence import Evidence, evidence_of
from services.store.unit import Store
from services.web.app import make_app
from tests.services.builders import MARA, NOW, a_book, a_message, an_ask, take
from tests.web.desks import a_desk, a_status
from tests.web.test_app import HOSTILE, Reader

TOLD = Followup(
    id="f1",
    rule="awaiting_me",
    person="p1",
    people=["p1"],
    title="Answer Ana Okafor: review of the draft",
    why='"Could you look at section 3?" Tuesday, to you alone.',
    evidence=["i1"],
    due=date(2026, 11, 27),
    created_at=NOW - timedelta(days=2),
    state="open",
    until=None,
    closed_at=None,
    closed_by=None,
    surfaced_at=NOW,
    tasks=[TaskLink("todoist", "todoist-1", "t1", "https://app.todoist.test/task/t1", "open")],
)
SAID = Interaction(
    id="i1",
    kind="email",
    at=NOW - timedelta(days=2),
    ends_at=None,
    direction="in",
    subject="Draft",
    excerpt="Could you look at section 3?",
    thread=None,
    people=[Part("p1", "from")],
    group_size=2,
    signals=[],
    source="imap-1:mail/INBOX",
    source_key="m1@example.com",
    sources=["imap-1:mail/INBOX"],
)


def a_client(evidence: Evidence | None, tokens: dict[Any, str] | None = None) -> TestClient:
    def find(asked: str) -> Any:
        return (evidence, tokens or {}) if evidence and asked == evidence.followup.id else None

    return TestClient(
        make_app(replace(a_desk([a_status()]), find_followup=find)), base_url="http://127.0.0.1:8321"
    )


def evidence(**changes: Any) -> Evidence:
    return Evidence(replace(TOLD, **changes), [SAID], {"p1": "Ana Okafor"}, "Europe/Berlin", NOW)


def test_it_says_why_and_by_what() -> None:
    """Title, reason, state, day, the mail with who and when, the task, and the links that answer it."""
    answer = a_client(evidence(), {"done": "d.1", "snooze": "s.1", "dismiss": "x.1"}).get("/followups/f1")
    assert answer.status_code == 200
    words = Reader(answer.text).words
    for said in ("Answer Ana Okafor", "to you alone", "Open", "from Ana Okafor", "Draft", "Not this"):
        assert said in words
    assert 'href="/go/d.1"' in answer.text
    assert 'href="https://app.todoist.test/task/t1"' in answer.text


@pytest.mark.parametrize("direction", ["in", "out", "both"])
def test_a_meeting_is_with_somebody(direction: Direction) -> None:
    """Whoever called it: nobody gets a meeting from anybody."""
    held = replace(SAID, kind="meeting", direction=direction)
    found = Evidence(TOLD, [held], {"p1": "Ana Okafor"}, "Europe/Berlin", NOW)
    words = Reader(a_client(found).get("/followups/f1").text).words
    assert "Meeting" in words
    assert "with Ana Okafor" in words


@pytest.mark.parametrize("state", ["done", "satisfied", "dismissed", "expired"])
def test_what_is_over_is_not_asked_for(state: str) -> None:
    """A follow-up that has ended offers nothing to do."""
    answer = a_client(evidence(state=state), {"done": "d.1"}).get("/followups/f1")
    assert "/go/" not in answer.text


def test_what_is_not_there_is_told_plainly() -> None:
    """Another id is no follow-up; nothing may be posted here."""
    client = a_client(evidence())
    assert client.get("/followups/f2").status_code == 404
    assert client.post("/followups/f1").status_code == 405


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_it_can_run(text: str) -> None:
    """Whatever stands in titles, names, subjects and links of a tool stays text."""
    found = Evidence(
        replace(TOLD, title=text, why=text, tasks=[TaskLink("t", text, "1", text, "open")]),
        [replace(SAID, subject=text, excerpt=text)],
        {"p1": text},
        "Europe/Berlin",
        NOW,
    )
    page = Reader(a_client(found).get("/followups/f1").text)
    assert not page.tags & {"script", "img", "svg", "iframe", "object"}
    assert not {name for name in page.attributes if name.startswith("on")}


def test_evidence_is_found_by_id_alone(sqlite_store: Store) -> None:
    """A follow-up comes with its mail and the name of who wrote it; the beginning of an id is none."""
    book = a_book(sqlite_store)
    take(
        book,
        [
            a_message("m1", MARA, ["ana@example.org"], days_ago=9),
            a_message("m2", "ana@example.org", references=["m1"], signals=[an_ask()], name="Ana Okafor"),
        ],
    )
    (told,) = [one for one in book.followups() if one.rule == "awaiting_me"]
    found = evidence_of(book, told.id)
    assert found is not None
    assert [one.source_key for one in found.interactions] == ["m2@example.com"]
    assert list(found.names.values()) == ["Ana Okafor"]
    assert evidence_of(book, told.id[:6]) is None

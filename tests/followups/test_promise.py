"""F3: what the owner promised."""

from datetime import date

import pytest

from services.followups.rules.promise import title
from services.state import OWNER
from tests.followups.builders import (
    a_message,
    a_person,
    a_promise,
    a_state,
    ago,
    found,
    states_of,
)

MEI = a_person("p-mei", "Mei Tanaka")
PROMISED = a_message(
    "i1", ago(5), a_promise(due=date(2026, 11, 20)), by=OWNER, to=("p-mei",), subject="Board prep"
)


def test_a_promise_is_quoted_with_its_day() -> None:
    """Raised at once, with the clause, where it was said, and the day promised."""
    (one,) = found(a_state([MEI], [PROMISED]), "promise")
    assert one.title == "Send Mei the deck (you said by Friday)"
    assert one.why == '"I\'ll send you the deck by Friday." Wednesday, in "Board prep".'
    assert (one.due, one.created_at, one.person) == (date(2026, 11, 20), PROMISED.at, "p-mei")


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        ("I'll send you my comments tomorrow", "Send Mei your comments"),
        ("I’ll get back to you on the budget by Monday.", "Get back to Mei on the budget"),
        ("I will review your draft before the meeting", "Review Mei's draft"),
        ("Let me introduce you to Omar next week", "Introduce Mei to Omar"),
        ("Sure, I'll check with finance and come back", "Check with finance, as you told Mei"),
        ("I'll be there", 'Keep your word to Mei: "I\'ll be there"'),
        (
            "Ich schicke dir die Folien bis Freitag",
            'Keep your word to Mei: "Ich schicke dir die Folien bis Freitag"',
        ),
        ("I'll", 'Keep your word to Mei: "I\'ll"'),
        ("", "Keep your word to Mei"),
    ],
)
def test_the_title_turns_the_clause_round(clause: str, expected: str) -> None:
    """English clauses become a thing to do; others are quoted as they stand."""
    assert title(clause, "Mei", "") == expected


def test_a_promise_is_kept_by_what_goes_out_after() -> None:
    """Any later message to that person, in any thread or on LinkedIn, keeps it; the next ten minutes do not."""
    for kept in (
        a_message("i2", ago(2), by=OWNER, to=("p-mei",), thread="t2"),
        a_message("i2", ago(2), by=OWNER, to=(), cc=("p-mei",)),
        a_message("i2", ago(2), by=OWNER, to=("p-mei",), thread=None, kind="linkedin_message"),
    ):
        assert states_of(a_state([MEI], [PROMISED, kept]), "promise") == [("satisfied", "i2")]
    for other in (
        a_message("i2", ago(5, -0.1), by=OWNER, to=("p-mei",)),
        a_message("i2", ago(2), by=OWNER, to=("p-ana",)),
        a_message("i2", ago(2), by="p-mei"),
        a_message("i2", ago(2), by=OWNER, to=("p-mei",), nature="auto_reply"),
    ):
        assert states_of(a_state([MEI, a_person()], [PROMISED, other]), "promise") == [("open", None)]


def test_a_promise_lives_by_its_day() -> None:
    """An old promise due of late stands, one without a day is given up after a month."""
    due = a_message("i1", ago(80), a_promise(due=date(2026, 11, 25)), by=OWNER)
    assert states_of(a_state([a_person()], [due]), "promise") == [("open", None)]
    undated = a_message("i1", ago(31), a_promise("I'll think about it"), by=OWNER)
    assert states_of(a_state([a_person()], [undated]), "promise") == [("expired", None)]
    assert found(a_state([a_person()], [a_message("i1", ago(61), a_promise(), by=OWNER)]), "promise") == []


def test_promises_of_others_and_to_nobody_are_none() -> None:
    """Only the owner's own word to people counts."""
    assert found(a_state([a_person()], [a_message("i1", ago(2), a_promise())]), "promise") == []
    for person in (a_person(status="automated"), a_person(is_muted=True)):
        assert found(a_state([person], [a_message("i1", ago(2), a_promise(), by=OWNER)]), "promise") == []

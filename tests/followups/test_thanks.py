"""F4: thanks owed."""

import pytest

from schemas.records import Signal
from services.state import OWNER, MeetingView, PersonView, Said, State
from tests.followups.builders import (
    a_meeting,
    a_message,
    a_person,
    a_state,
    ago,
    an_ask,
    found,
    states_of,
    thanks,
)

LENA = a_person("p-lena", "Lena Wolf")
OMAR = a_person("p-omar", "Omar Diaz")
MENTOR = a_person("p-lena", "Lena Wolf", roles=("mentor",))
INTRO = a_message(
    "i1",
    ago(3),
    Signal("introduction", "meet Omar"),
    by="p-lena",
    to=("p-omar",),
    introduces=("p-omar",),
    subject="Mara <> Omar",
)


def a_favour(person: str = "p-lena", direction: str = "in", kind: str = "favour") -> State:
    said = Said(
        id="i1",
        kind=kind,  # type: ignore[arg-type]  # the table below names kinds as plain words
        at=ago(2),
        author=person,
        excerpt="Read my application",
        direction=direction,  # type: ignore[arg-type]  # as above
    )
    return a_state([LENA], direct={"p-lena": (said,)})


def test_an_introduction_is_owed_thanks() -> None:
    """Named with who was introduced, and what came of it."""
    talked = a_message("i2", ago(1), by="p-omar", thread="t2")
    (one,) = found(a_state([LENA, OMAR], [INTRO, talked]), "thanks")
    assert one.title == "Thank Lena for the introduction to Omar"
    assert one.why == "Lena introduced you on Friday. You and Omar were in touch yesterday."
    assert (one.person, one.people) == ("p-lena", ["p-lena"])


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param(
            a_message("i2", ago(2), by=OWNER, to=("p-lena",), thread="t9"), ("satisfied", "i2"), id="any word"
        ),
        pytest.param(
            a_message("i2", ago(2), thanks(), by=OWNER, to=("p-omar",)),
            ("satisfied", "i2"),
            id="thanked in Bcc",
        ),
        pytest.param(
            a_message("i2", ago(2), by=OWNER, to=("p-omar",)), ("open", None), id="wrote to Omar only"
        ),
        pytest.param(
            a_message("i2", ago(4), by=OWNER, to=("p-lena",), thread="t9"), ("open", None), id="wrote before"
        ),
    ],
)
def test_what_settles_thanks(said: Said, expected: tuple[str, str | None]) -> None:
    """Any later word to the person, or thanks in that thread."""
    assert states_of(a_state([LENA, OMAR], [INTRO, said]), "thanks") == [expected]


def test_introducing_two_others_owes_nothing() -> None:
    """With the owner in Cc and two others introduced, the thanks are theirs."""
    theirs = a_message(
        "i1",
        ago(3),
        Signal("introduction", "meet Omar"),
        by="p-lena",
        to=("p-omar", "p-ben"),
        introduces=("p-omar", "p-ben"),
        owner_part="cc",
    )
    assert found(a_state([LENA, OMAR], [theirs]), "thanks") == []


@pytest.mark.parametrize(
    ("view", "meeting", "is_owed"),
    [
        pytest.param(MENTOR, a_meeting("m1", ago(2), "p-lena"), True, id="1:1 with a mentor"),
        pytest.param(LENA, a_meeting("m1", ago(2), "p-lena"), False, id="1:1 without a role"),
        pytest.param(MENTOR, a_meeting("m1", ago(2), "p-lena", "p-omar"), False, id="not alone"),
        pytest.param(MENTOR, a_meeting("m1", ago(2), "p-lena", is_cancelled=True), False, id="cancelled"),
        pytest.param(MENTOR, a_meeting("m1", ago(-2), "p-lena"), False, id="still to come"),
        pytest.param(MENTOR, a_meeting("m1", ago(7.1), "p-lena"), False, id="a week ago: silent"),
    ],
)
def test_a_talk_with_a_mentor_is_owed_thanks(view: PersonView, meeting: MeetingView, is_owed: bool) -> None:
    """Only a 1:1, only with a mentor or sponsor, only for a week."""
    assert bool(found(a_state([view, OMAR], meetings=[meeting]), "thanks")) is is_owed


def test_favours_and_recommendations_received_are_owed_thanks() -> None:
    """Received ones are, given ones are not."""
    assert [one.title for one in found(a_favour(), "thanks")] == ["Thank Lena for the favour"]
    assert [one.title for one in found(a_favour(kind="recommendation"), "thanks")] == [
        "Thank Lena for the recommendation"
    ]
    assert found(a_favour(direction="out"), "thanks") == []
    assert found(a_favour(kind="endorsement"), "thanks") == []


def test_a_mentors_answer_to_a_question_is_advice() -> None:
    """An answer to the owner's own question, by a mentor; the same by anybody else is an answer."""
    asked = a_message("i1", ago(3), an_ask(), by=OWNER, to=("p-lena",))
    answered = a_message("i2", ago(2), by="p-lena")
    (one,) = found(a_state([MENTOR], [asked, answered]), "thanks")
    assert one.title == "Thank Lena for the advice on review of the draft"
    assert found(a_state([LENA], [asked, answered]), "thanks") == []

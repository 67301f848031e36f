"""F1: who waits for the owner's answer."""

from datetime import date

import pytest

from schemas.records import Signal
from services.state import OWNER, PersonView, Said
from tests.followups.builders import (
    a_meeting,
    a_message,
    a_person,
    a_promise,
    a_state,
    ago,
    an_ask,
    found,
    states_of,
    thanks,
)

ANA = a_person()
BEN = a_person("p-ben", "Ben Cole")


def test_a_question_to_the_owner_is_raised_with_its_words_and_numbers() -> None:
    """An unanswered question says who asked what, when, and of how many."""
    asked = a_message("i1", ago(6), an_ask(due=date(2026, 11, 20)))
    (one,) = found(a_state([ANA], [asked]), "awaiting_me")
    assert one.title == "Answer Ana Okafor: review of the draft"
    assert one.why == '"Could you look at section 3 before Friday?" Tuesday, to you alone.'
    assert (one.state, one.person, one.people, one.evidence) == ("open", "p-ana", ["p-ana"], ["i1"])
    assert (one.due, one.created_at, one.closed_at) == (date(2026, 11, 20), asked.at, None)


@pytest.mark.parametrize(
    ("said", "people"),
    [
        pytest.param(a_message("i1", ago(6)), [ANA], id="nothing asked"),
        pytest.param(a_message("i1", ago(6), an_ask(), owner_part="cc"), [ANA], id="owner in Cc"),
        pytest.param(a_message("i1", ago(6), an_ask(), owner_part="none"), [ANA], id="owner not there"),
        pytest.param(a_message("i1", ago(6), an_ask(), nature="list"), [ANA], id="a list"),
        pytest.param(a_message("i1", ago(6), an_ask(), nature="bulk"), [ANA], id="a newsletter"),
        pytest.param(
            a_message("i1", ago(6), an_ask(), Signal("auto_reply", "away")), [ANA], id="an automatic answer"
        ),
        pytest.param(a_message("i1", ago(6), an_ask()), [a_person(status="waiting")], id="a stranger"),
        pytest.param(a_message("i1", ago(6), an_ask()), [a_person(status="automated")], id="a machine"),
        pytest.param(a_message("i1", ago(6), an_ask()), [a_person(is_muted=True)], id="a muted person"),
        pytest.param(a_message("i1", ago(61), an_ask()), [ANA], id="older than the lookback"),
        pytest.param(a_message("i1", ago(-0.5), an_ask()), [ANA], id="dated in the future"),
        pytest.param(
            a_message("i1", ago(6), an_ask(), to=tuple(f"p-{n}" for n in range(8))), [ANA], id="a crowd"
        ),
        pytest.param(a_message("i1", ago(6), an_ask(), by=OWNER), [ANA], id="the owner's own question"),
    ],
)
def test_what_asks_nothing_of_the_owner_raises_nothing(said: Said, people: list[PersonView]) -> None:
    """Only a real person's question, in To, to few, counts."""
    assert found(a_state(people, [said]), "awaiting_me") == []


ASKED = a_message("i1", ago(6), an_ask())
ASKED_BOTH = a_message("i1", ago(6), an_ask(), to=("p-ben",), group_size=3)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param([ASKED, a_message("i2", ago(5), by=OWNER)], ("satisfied", "i2"), id="answered"),
        pytest.param(
            [ASKED, a_message("i2", ago(5), a_promise("I'll check and come back"), by=OWNER)],
            ("satisfied", "i2"),
            id="a holding answer; the promise takes over",
        ),
        pytest.param(
            [ASKED, a_message("i2", ago(5), by=OWNER, nature="auto_reply")],
            ("open", None),
            id="out of office",
        ),
        pytest.param(
            [ASKED, a_message("i2", ago(5), by=OWNER, to=("p-ben",), subject="Fwd: review of the draft")],
            ("open", None),
            id="forwarded to another",
        ),
        pytest.param(
            [ASKED, a_message("i2", ago(5), by=OWNER, to=("p-ana-2",))],
            ("satisfied", "i2"),
            id="answered to an address not known to be theirs",
        ),
        pytest.param([ASKED, a_message("i2", ago(5), thanks())], ("satisfied", "i2"), id="they said thanks"),
        pytest.param(
            [ASKED, a_message("i2", ago(5), thanks(), an_ask("and section 4?"))],
            ("open", None),
            id="thanks with a further question",
        ),
        pytest.param(
            [ASKED, a_message("i2", ago(5), Signal("settled", "Never mind, found it."))],
            ("satisfied", "i2"),
            id="they took it back",
        ),
        pytest.param([ASKED, a_message("i2", ago(7), by=OWNER)], ("open", None), id="written before"),
        pytest.param(
            [ASKED_BOTH, a_message("i2", ago(5), by="p-ben")],
            ("satisfied", "i2"),
            id="another recipient answered",
        ),
        pytest.param(
            [ASKED, a_message("i2", ago(5), by="p-ben")], ("open", None), id="asked alone, another writes"
        ),
        pytest.param(
            [
                a_message("i1", ago(6), an_ask("Mara, could you decide?"), to=("p-ben",)),
                a_message("i2", ago(5), by="p-ben"),
            ],
            ("open", None),
            id="asked by name, another writes",
        ),
        pytest.param(
            [ASKED_BOTH, a_message("i2", ago(5), by="p-bot", nature="automatic")],
            ("open", None),
            id="a machine",
        ),
        pytest.param(
            [ASKED, a_message("i2", ago(5), by=OWNER, thread=None, kind="linkedin_message", subject="")],
            ("satisfied", "i2"),
            id="answered on LinkedIn",
        ),
        pytest.param(
            [ASKED, a_message("i2", ago(5), by=OWNER, thread="t2", subject="RE: Review of the draft")],
            ("satisfied", "i2"),
            id="answered in a new thread of the same subject",
        ),
        pytest.param(
            [ASKED, a_message("i2", ago(5), by=OWNER, thread="t2", subject="lunch")],
            ("open", None),
            id="written to about something else",
        ),
    ],
)
def test_what_ends_a_question(said: list[Said], expected: tuple[str, str | None]) -> None:
    """An answer by the owner or another recipient, thanks, or an answer elsewhere ends it; nothing else does."""
    assert states_of(a_state([ANA, BEN], said), "awaiting_me") == [expected]


def test_a_talk_with_the_asker_answers() -> None:
    """A small meeting begun after the question ends it when it is over; a big or declined one does not."""
    talk = a_meeting("m1", ago(3))
    (one,) = found(a_state([ANA], [ASKED], [talk]), "awaiting_me")
    assert (one.state, one.closed_by, one.closed_at) == ("satisfied", "m1", talk.ends_at)
    assert one.why.endswith("Done: you met Ana on Friday at 7:30 (Catch-up).")
    for other in (
        a_meeting("m1", ago(3), group_size=11),
        a_meeting("m1", ago(3), is_cancelled=True),
        a_meeting("m1", ago(3), owner_partstat="declined"),
        a_meeting("m1", ago(3), declined=("p-ana",)),
        a_meeting("m1", ago(7)),
        a_meeting("m1", ago(-1)),
    ):
        assert states_of(a_state([ANA], [ASKED], [other]), "awaiting_me") == [("open", None)]


def test_asking_twice_is_one_followup_and_asking_anew_another() -> None:
    """One follow-up for a thread and asker; a question after an answer begins the next."""
    again = a_message("i2", ago(3), an_ask("Any news?"))
    (one,) = found(a_state([ANA], [ASKED, again]), "awaiting_me")
    assert one.evidence == ["i1", "i2"]
    assert one.why.endswith("Asked again on Friday.")
    answered = a_message("i3", ago(4), by=OWNER)
    assert states_of(a_state([ANA], [ASKED, answered, again]), "awaiting_me") == [
        ("satisfied", "i3"),
        ("open", None),
    ]


def test_two_askers_in_a_thread_are_two_followups() -> None:
    """Each asker waits for an own answer."""
    both = [ASKED, a_message("i2", ago(5), an_ask("And the budget?"), by="p-ben")]
    assert [one.person for one in found(a_state([ANA, BEN], both), "awaiting_me")] == ["p-ana", "p-ben"]


def test_the_closing_sentence_names_the_answer() -> None:
    """A follow-up that completed itself says when, and by which message."""
    answered = a_message("i2", ago(5, -1.75), by=OWNER, subject="Re: Board prep")
    (one,) = found(a_state([ANA], [ASKED, answered]), "awaiting_me")
    assert one.why.endswith("Done: you answered on Wednesday at 9:15 (Re: Board prep).")


@pytest.mark.parametrize(
    ("excerpt", "asked", "is_mine"),
    [
        ("Hi both, could you send the file?", "Hi both, could you send the file?", True),
        ("Hi Ben, could you send the file?", "could you send the file?", False),
        ("Hi Ben and Mara, could you send the file?", "could you send the file?", True),
        ("Hi both, all is well. Ben, could you send the file?", "Ben, could you send the file?", False),
        ("Hi Ben, all is well. Mara, could you send the file?", "Mara, could you send the file?", True),
        ("Ben Cole: could you send the file?", "Ben Cole: could you send the file?", False),
        ("As Ben said, could you send the file?", "As Ben said, could you send the file?", True),
        ("", "Could you send the file?", True),
    ],
)
def test_a_question_to_another_by_name_is_theirs(excerpt: str, asked: str, is_mine: bool) -> None:
    """Of a mail to several, a question that names another recipient, or a greeting that does, asks the owner nothing."""
    said = a_message("i1", ago(6), an_ask(asked), to=("p-ben",), group_size=3, excerpt=excerpt)
    assert bool(found(a_state([ANA, BEN], [said]), "awaiting_me")) is is_mine


def test_the_owners_other_address_asks_nothing() -> None:
    """Who has the owner's own whole name is most likely the owner at an old address, and asks the owner nothing."""
    assert found(a_state([a_person(name="Mara Lind")], [ASKED]), "awaiting_me") == []
    assert found(a_state([a_person(name="Mara Linde")], [ASKED]), "awaiting_me")


@pytest.mark.parametrize(
    ("asked", "to", "is_mine"),
    [
        ("Could somebody bring cake?", ("p-ben", "p-cy"), False),
        ("Kann jemand Kuchen mitbringen?", ("p-ben", "p-cy"), False),
        ("Could somebody bring cake?", (), True),
        ("Could you all tell me who comes?", ("p-ben", "p-cy"), True),
        ("Can you ask somebody for the key?", ("p-ben",), True),
    ],
)
def test_who_asks_somebody_of_several_asks_nobody(asked: str, to: tuple[str, ...], is_mine: bool) -> None:
    """ "Could somebody…?" to three people waits for none of them; to the owner alone it does."""
    said = a_message("i1", ago(6), an_ask(asked), to=to, group_size=len(to) + 2)
    assert bool(found(a_state([ANA, BEN], [said]), "awaiting_me")) is is_mine

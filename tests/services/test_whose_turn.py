"""Whose turn it is in a conversation: what the last words of either side leave open."""

import pytest

from schemas.records import Message, Signal
from services.store import history as rows
from services.store.unit import Store
from tests.services.builders import MARA, a_book, a_message, an_ask, take

ANA = "ana@example.org"
ASKED = a_message("q", ANA, signals=[an_ask()], days_ago=5)
ASKED_THEM = a_message("q", MARA, [ANA], signals=[an_ask()], days_ago=5)


def by_ana(*signals: Signal) -> Message:
    return a_message("r", ANA, signals=signals, references=["q"], days_ago=4)


def by_mara(*signals: Signal) -> Message:
    return a_message("r", MARA, [ANA], signals=signals, references=["q"], days_ago=4)


@pytest.mark.parametrize(
    ("said", "state"),
    [
        pytest.param([ASKED], "awaiting_me", id="asked"),
        pytest.param([ASKED, by_mara()], "closed", id="answered"),
        pytest.param([ASKED, by_ana()], "awaiting_me", id="a word more"),
        pytest.param([ASKED, by_ana(Signal("thanks", "Thanks"))], "closed", id="thanks"),
        pytest.param([ASKED, by_ana(Signal("settled", "Never mind"))], "closed", id="taken back"),
        pytest.param([ASKED, by_mara(Signal("auto_reply", "Away"))], "awaiting_me", id="the owner is away"),
        pytest.param([ASKED_THEM, by_ana()], "closed", id="they answered"),
        pytest.param([ASKED_THEM, by_ana(Signal("auto_reply", "Away"))], "awaiting_them", id="they are away"),
    ],
)
def test_the_last_words_say_whose_turn_it_is(sqlite_store: Store, said: list[Message], state: str) -> None:
    """Answers, thanks and taking back close; an absence notice, though no header tells, changes nothing."""
    book = a_book(sqlite_store)
    take(book, said)
    with book.store.read() as unit:
        assert [row.state for row in rows.threads(unit, book.owner)] == [state]

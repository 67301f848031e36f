"""Messages of one second: Date headers tell no less, and an answer comes after what it answers all the same."""

import random
from datetime import timedelta
from itertools import permutations
from pathlib import Path

import pytest

from schemas.interface import Followup
from schemas.records import Message
from services.book import Book
from services.store import history as rows
from services.store.unit import Store
from tests.services.builders import MARA, a_book, a_message, an_ask, exported, take

ANA = "ana@example.org"
KEYS = [(f"q{n}", f"r{n}", f"s{n}") for n in range(8)]
"""Ids of their own order, which is as good as any: so an answer stands before its question as often as after it."""


def asks(book: Book) -> list[Followup]:
    return [one for one in book.followups() if one.rule in {"awaiting_me", "awaiting_them"}]


def states(book: Book) -> list[str]:
    with book.store.read() as unit:
        return [row.state for row in rows.threads(unit, book.owner) if row.messages > 1]


def known(book: Book) -> None:
    """Ana and the owner have written to each other before."""
    take(
        book,
        [
            a_message("old", MARA, [ANA], days_ago=30),
            a_message("old2", ANA, days_ago=29, references=["old"]),
        ],
    )


@pytest.mark.parametrize(("question", "answer", "_more"), KEYS)
def test_an_answer_of_the_same_second_closes_its_question(
    sqlite_store: Store, question: str, answer: str, _more: str
) -> None:
    """Whatever their ids, the follow-up is satisfied by the answer, and the thread is closed."""
    book = a_book(sqlite_store)
    known(book)
    take(
        book,
        [
            a_message(question, ANA, signals=[an_ask()]),
            a_message(answer, MARA, [ANA], references=[question]),
        ],
    )
    assert [one.state for one in asks(book)] == ["satisfied"]
    assert states(book) == ["closed", "closed"]


@pytest.mark.parametrize(("question", "answer", "again"), KEYS)
def test_asked_again_in_the_same_second_is_open(
    sqlite_store: Store, question: str, answer: str, again: str
) -> None:
    """A chain of three is told in its order, also where each names but the one before it."""
    book = a_book(sqlite_store)
    known(book)
    take(
        book,
        [
            a_message(again, ANA, signals=[an_ask("And section 4?")], references=[answer]),
            a_message(answer, MARA, [ANA], references=[question]),
            a_message(question, ANA, signals=[an_ask()]),
        ],
    )
    assert [one.state for one in asks(book)] in (["satisfied", "open"], ["open", "satisfied"])
    assert "awaiting_me" in states(book)


@pytest.mark.parametrize(("question", "answer", "_more"), KEYS)
def test_the_owners_question_that_is_answered_at_once_waits_for_nobody(
    sqlite_store: Store, question: str, answer: str, _more: str
) -> None:
    """Answered within the second it raises nothing when patience is over."""
    book = a_book(sqlite_store)
    known(book)
    take(
        book,
        [
            a_message(question, MARA, [ANA], signals=[an_ask()], days_ago=20),
            a_message(answer, ANA, references=[question], days_ago=20),
        ],
    )
    assert asks(book) == []
    assert states(book) == ["closed", "closed"]


def test_any_order_of_reading_tells_the_same(tmp_path: Path, sqlite_store: Store) -> None:
    """Four messages of one second, two of which answer each other in a circle, in every order: the same to the byte."""
    said = [
        a_message("a", ANA, signals=[an_ask()]),
        a_message("b", MARA, [ANA], references=["a"]),
        a_message("c", ANA, references=["b", "d"]),
        a_message("d", MARA, [ANA], references=["a", "c"]),
    ]
    wanted: dict[str, bytes] | None = None
    for number, order in enumerate(permutations(said)):
        book = a_book(sqlite_store, emails=[MARA.replace("@", f"+{number}@"), MARA])
        take(book, order, page=1)
        told = exported(book, tmp_path / str(number), ["events.jsonl", "owner.json"])
        wanted = wanted or told
        assert told == wanted, [one.message_id for one in order]


@pytest.mark.parametrize("seed", range(5))
def test_a_long_chain_of_one_second_costs_little(sqlite_store: Store, seed: int) -> None:
    """Two thousand messages of one second, each an answer to the one before, end with the last of them."""
    book = a_book(sqlite_store)
    chain: list[Message] = []
    for number in range(400):
        sender, to = (ANA, MARA) if number % 2 else (MARA, ANA)
        signals = [an_ask()] if number == 399 else []
        references = [f"m{number - 1}"] if number else []
        chain.append(a_message(f"m{number}", sender, [to], references=references, signals=signals))
    random.Random(seed).shuffle(chain)
    take(book, chain)
    assert states(book) == ["awaiting_me"]
    book.clock.advance(timedelta(hours=1))  # type: ignore[attr-defined]  # it stands still
    assert [one.state for one in asks(book)] == ["open"]

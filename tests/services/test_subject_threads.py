"""Replies that name nothing they answer join their conversation by their subject, and others do not."""

import random
from itertools import permutations
from pathlib import Path
from time import process_time

import pytest
from msgspec.structs import replace

from schemas.connector import Change, Tombstone
from schemas.ids import ExternalId
from schemas.records import Message
from services.book import Book
from services.store import history as rows
from services.store.unit import Store
from tests.services.builders import MARA, a_book, a_message, an_ask, exported, take, upsert

ANA, BEN = "ana@example.org", "ben@example.net"
QUESTION = a_message("q", ANA, subject="Budget for 2027", signals=[an_ask()], days_ago=4)


def reply(subject: str = "Re: Budget for 2027", *, days_ago: float = 2, **more: object) -> Message:
    return a_message("r", MARA, [ANA], subject=subject, days_ago=days_ago, **more)  # type: ignore[arg-type]


def threads(book: Book) -> list[tuple[int, str]]:
    """How many messages each thread has, and how it stands."""
    with book.store.read() as unit:
        return sorted((row.messages, row.state) for row in rows.threads(unit, book.owner))


JOINED, APART = [(2, "closed")], [(1, "awaiting_me"), (1, "fyi")]


@pytest.mark.parametrize(
    "subject",
    [
        "Re: Budget for 2027",
        "RE: BUDGET FOR 2027",
        "AW: Budget for 2027",
        "Antw: Budget  for 2027",
        "SV: Budget for 2027",
        "Réf : Budget for 2027",
        "RIF: Budget for 2027",
        "RES: Budget for 2027",
        "Re[3]: Budget for 2027",
        "Re: AW: Re: Budget for 2027",
        "re:Budget for 2027",
        "Odp: Budget for 2027",
    ],
)
def test_a_reply_that_names_nothing_joins_its_question(sqlite_store: Store, subject: str) -> None:
    """In the words of any language, however often they were put before it."""
    book = a_book(sqlite_store)
    take(book, [QUESTION, reply(subject)])
    assert threads(book) == JOINED


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(reply("Budget for 2027"), id="no reply by its subject"),
        pytest.param(reply("WG: Budget for 2027"), id="passed on"),
        pytest.param(reply("Fwd: Re: Budget for 2027"), id="a reply passed on"),
        pytest.param(reply("Re: Budget"), id="another subject"),
        pytest.param(reply("Re: Fwd: Budget for 2027"), id="a reply to what was passed on"),
        pytest.param(reply(days_ago=5), id="earlier than what it would answer"),
        pytest.param(reply(references=["elsewhere"]), id="it says what it answers"),
        pytest.param(replace(reply(), thread_keys=("gm:17",)), id="its provider says where it belongs"),
        pytest.param(
            a_message("r", MARA, [BEN], subject="Re: Budget for 2027", days_ago=2), id="to somebody else"
        ),
        pytest.param(a_message("r", BEN, subject="Re: Budget for 2027", days_ago=2), id="by somebody else"),
    ],
)
def test_what_may_be_about_something_else_stays_apart(sqlite_store: Store, answer: Message) -> None:
    """Where it is not sure that it is an answer to that, it begins a conversation of its own."""
    book = a_book(sqlite_store)
    take(book, [QUESTION, answer])
    assert [count for count, _ in threads(book)] == [1, 1]


def test_a_month_later_it_is_another_matter(sqlite_store: Store) -> None:
    """Thirty days after the question it is joined, a day later not."""
    for days, wanted in ((30, [2]), (31, [1, 1])):
        book = a_book(sqlite_store, emails=[f"m{days}@example.com", MARA])
        question = a_message("q", ANA, subject="Budget", days_ago=40)
        take(book, [question, reply("Re: Budget", days_ago=40 - days)])
        assert [count for count, _ in threads(book)] == wanted


@pytest.mark.parametrize(
    "subject", ["", "Re:", "Re: Re:", "Re: ok", "Re: (no subject)", "AW: (kein Betreff)"]
)
def test_a_subject_that_says_nothing_joins_nothing(sqlite_store: Store, subject: str) -> None:
    """Empty, a word of two letters, or what programs write where there is none."""
    book = a_book(sqlite_store)
    bare = subject.rpartition(":")[2].strip()
    take(book, [replace(QUESTION, subject=bare), reply(subject)])
    assert [count for count, _ in threads(book)] == [1, 1]


def test_answers_to_answers_that_name_nothing(sqlite_store: Store) -> None:
    """Both programs lose the thread: all of it is one, and the last word tells whose turn it is."""
    book = a_book(sqlite_store)
    again = a_message("a", ANA, subject="AW: Re: Budget for 2027", days_ago=1, signals=[an_ask()])
    take(book, [QUESTION, reply(), again])
    assert threads(book) == [(3, "awaiting_me")]


def test_who_answers_one_of_several(sqlite_store: Store) -> None:
    """A question to the owner and to Ben: Ben's answer to the owner joins it, for he was asked as well."""
    book = a_book(sqlite_store)
    question = a_message("q", ANA, [MARA, BEN], subject="Budget for 2027", days_ago=4)
    take(book, [question, a_message("r", BEN, subject="Re: Budget for 2027", days_ago=3)])
    assert [count for count, _ in threads(book)] == [2]


def test_what_answers_the_answer_is_in_the_thread_too(sqlite_store: Store) -> None:
    """A message that names the reply, which itself names nothing, comes along."""
    book = a_book(sqlite_store)
    take(book, [a_message("t", ANA, references=["r"], subject="Re: Budget for 2027", days_ago=1)])
    take(book, [reply()])
    take(book, [QUESTION])
    assert [count for count, _ in threads(book)] == [3]


LETTERS = [
    QUESTION,
    reply(),
    a_message("a", ANA, subject="AW: Budget for 2027", days_ago=1, signals=[an_ask()]),
    a_message("o", ANA, subject="Budget for 2027", days_ago=20),
    a_message("x", BEN, subject="Re: Budget for 2027", days_ago=1),
]


def test_the_order_of_reading_leaves_no_trace(sqlite_store: Store, tmp_path: Path) -> None:
    """Five letters in every order, read one by one: the same to the byte, ids of threads included."""
    wanted: dict[str, bytes] | None = None
    for number, order in enumerate(permutations(LETTERS)):
        if number % 5:
            continue
        book = a_book(sqlite_store, emails=[f"m{number}@example.com", MARA])
        take(book, order, page=1 + number % 3)
        told = exported(book, tmp_path / str(number), ["events.jsonl", "owner.json"])
        wanted = wanted or told
        assert told == wanted, [one.message_id for one in order]


@pytest.mark.parametrize("seed", range(12))
def test_a_replay_tells_the_same(store: Store, tmp_path: Path, seed: int) -> None:
    """Letters come and go, in pages of any size; made again from the stream, every file is the same."""
    chance = random.Random(seed)
    book = a_book(store)
    subjects = (
        "Budget",
        "Re: Budget",
        "AW: Budget",
        "Re: Re: Budget",
        "Venue for June",
        "SV: Venue for June",
    )
    letters: list[Message] = []
    for number in range(60):
        person = chance.choice((ANA, BEN))
        sender, to = chance.choice(((person, [MARA]), (MARA, [person])))
        subject = chance.choice(subjects)
        letters.append(
            a_message(
                f"l{number}",
                sender,
                to,
                subject=subject,
                days_ago=chance.uniform(0, 80),
                references=[f"l{chance.randrange(60)}"] if chance.random() < 0.3 else [],
            )
        )
    changes: list[Change] = [upsert(one) for one in letters]
    for one in chance.sample(letters, 20):
        place = chance.randrange(len(changes))
        changes.insert(place, Tombstone(ExternalId(one.message_id)))
    start = 0
    while start < len(changes):
        count = chance.randint(1, 25)
        take(book, changes[start : start + count], page=chance.randint(1, 9))
        start += count
    kept = exported(book, tmp_path / "kept")
    book.replay()
    assert exported(book, tmp_path / "replayed") == kept


def test_a_great_many_of_one_subject_cost_little(sqlite_store: Store) -> None:
    """Thousands that name nothing and are all called the same cost no more than a few times what others do."""

    def read(book: Book, subject: str) -> None:
        many = []
        for number in range(2_000):
            sender, to = ((ANA, MARA), (MARA, ANA))[number % 2]
            called = f"{'Re: ' * (number % 2)}{subject.format(number=number)}"
            many.append(a_message(f"s{number}", sender, [to], subject=called, days_ago=number / 2_000))
        take(book, many, page=500)

    one, other = a_book(sqlite_store), a_book(sqlite_store, emails=["m2@example.com", MARA])
    plain = process_time()
    read(one, "Status {number}")
    plain = process_time() - plain
    same = process_time()
    read(other, "Status")
    same = process_time() - same
    # The newest beginning has no answer, and the oldest answer nothing before it.
    assert threads(other) == [(1, "fyi"), (1, "fyi"), (1_998, "closed")]
    assert same < 4 * plain + 1

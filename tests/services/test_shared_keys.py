"""Keys that several people share join nobody: switchboards, offices, families."""

from itertools import permutations
from pathlib import Path

import pytest

from schemas.connector import Tombstone
from schemas.decisions import Merge
from schemas.ids import ExternalId
from schemas.interface import Person
from schemas.records import Connection, Contact
from services.book import Book
from services.identity.shared import is_shared
from services.lookup import list_people
from services.store.unit import Store
from tests.services.builders import a_book, take, upsert

SWITCHBOARD = "+49301234567"


def a_card(name: str, *emails: str, phone: str = "") -> Contact:
    return Contact(uid=name, name=name, emails=emails, phones=(phone,) if phone else ())


def everybody(book: Book) -> set[tuple[str, tuple[str, ...]]]:
    """Names with their addresses."""
    return {(one.name, tuple(sorted(one.emails))) for one in persons(book)}


def persons(book: Book) -> list[Person]:
    return list_people(book, statuses=("person", "waiting", "automated"))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["Anna Berg", "Petra Schulz"], True),
        (["Klaus Meier", "Petra Meier"], True),
        (["Anna Berg", "Work Reception"], True),
        (["Anna Berg", "Berg, Anna"], False),
        (["Anna Berg", "ANNA BERG (Acme)", "Dr. Anna Berg, PhD"], False),
        (["Anna Berg", "Anna Berg-Holm"], False),
        (["Anna Berg", "Anna Holm"], False),
        (["A. Berg", "Anna Berg"], False),
        (["Robert Smith", "Bob Smith"], False),
        (["Jörg Müller", "Jorg Muller"], False),
        (["Mum", "Petra Meier"], False),
        (["王小明", "Xiaoming Wang"], False),
        (["Ольга Иванова", "Olga Ivanova"], False),
        (["Meier Klaus", "Klaus Meier"], False),
        ([], False),
        ([f"{given} Meier" for given in "Ada Bob Cyd Dan Eve Fay Gil Hal Ian Joy Kim Lee Max".split()], True),
    ],
)
def test_two_peoples_names_tell_a_shared_key(names: list[str], expected: bool) -> None:
    """Names that one person can have share nothing; names of two do."""
    assert is_shared(names) is is_shared(reversed(names)) is expected


def test_a_switchboard_joins_nobody(sqlite_store: Store) -> None:
    """Colleagues whose cards name the company's number stay as many as they are, and the number is nobody."""
    book = a_book(sqlite_store)
    take(
        book,
        [
            a_card("Anna Berg", "anna@work.example", phone=SWITCHBOARD),
            a_card("Petra Schulz", "petra@work.example", phone=SWITCHBOARD),
        ],
    )
    assert everybody(book) == {
        ("Anna Berg", ("anna@work.example",)),
        ("Petra Schulz", ("petra@work.example",)),
    }


def test_a_familys_mailbox_joins_nobody(sqlite_store: Store) -> None:
    """Two names on one address do not make what else is theirs one person's."""
    book = a_book(sqlite_store)
    take(
        book,
        [
            a_card("Klaus Meier", "meiers@home.example"),
            a_card("Petra Meier", "meiers@home.example", "pm@home.example"),
        ],
    )
    assert ("Petra Meier", ("pm@home.example",)) in everybody(book)
    assert ("pm@home.example", "meiers@home.example") not in {emails for _, emails in everybody(book)}


def test_one_persons_keys_join(sqlite_store: Store) -> None:
    """Cards and exports that hold a key under names of one person are that one person."""
    book = a_book(sqlite_store)
    take(
        book,
        [
            a_card("Robert Smith", "bob@work.example", phone=SWITCHBOARD),
            a_card("Bob Smith", "bob@home.example", phone=SWITCHBOARD),
            Connection(name="Robert Smith", linkedin="bob-smith", email="bob@home.example"),
        ],
    )
    (one,) = persons(book)
    assert sorted(one.emails) == ["bob@home.example", "bob@work.example"]
    assert one.linkedin == "https://www.linkedin.com/in/bob-smith"


def test_any_order_of_cards_tells_the_same_people(sqlite_store: Store, tmp_path: Path) -> None:
    """Whichever card comes first, by itself or with others, and after a replay, the people are equal."""
    cards = [
        a_card("Anna Berg", "anna@work.example", "office@work.example", phone=SWITCHBOARD),
        a_card("Work Reception", "office@work.example", phone=SWITCHBOARD),
        a_card("Petra Schulz", "petra@work.example", phone=SWITCHBOARD),
    ]
    told = set()
    for number, order in enumerate(permutations(cards)):
        book = a_book(sqlite_store, emails=(f"mara{number}@example.com",))
        for card in order:
            take(book, [card])
        now = frozenset(everybody(book))
        book.replay()
        assert frozenset(everybody(book)) == now
        told.add(now)
    assert len(told) == 1


def test_a_key_is_shared_no_more_when_the_other_card_goes(sqlite_store: Store) -> None:
    """What a card said is taken back with it, and the key joins again; the owner's own merge stands above all."""
    book = a_book(sqlite_store)
    anna = a_card("Anna Berg", "anna@work.example", "berg@home.example")
    other = a_card("Petra Schulz", "berg@home.example")
    take(book, [anna, other])
    assert len(persons(book)) == 2
    book.decide([Merge(a="email:anna@work.example", b="email:berg@home.example")])
    book.keep()
    assert len(persons(book)) == 1
    second = a_book(sqlite_store, emails=("mara2@example.com",))
    take(second, [anna, other])
    take(second, [Tombstone(ExternalId(upsert(other).id))])
    assert everybody(second) == {("Anna Berg", ("anna@work.example", "berg@home.example"))}

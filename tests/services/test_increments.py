"""However a book came about, step by step or by two processes in turn, it equals one made in one go."""

import random
from pathlib import Path

import pytest

from schemas.decisions import AnyDecision, Merge, Split
from schemas.interface import Reject, SourceReport
from schemas.records import Contact, SourceRecord
from services.book import Book
from services.ingest import Ingest
from services.store.unit import Store
from tests.services.builders import MARA, Given, a_book, a_meeting, a_message, an_ask, exported, upsert

PEOPLE = [f"p{number}@example.org" for number in range(8)]


def random_records(chance: random.Random) -> list[SourceRecord]:
    everybody = [*PEOPLE, MARA]
    records: list[SourceRecord] = []
    for i in range(60):
        kind = chance.random()
        if kind < 0.5:
            references = [f"a{chance.randrange(i)}"] if i and chance.random() < 0.5 else []
            signals = [an_ask()] if chance.random() < 0.4 else []
            to = chance.sample(everybody, 2)
            records.append(
                a_message(
                    f"a{i}",
                    chance.choice(everybody),
                    to,
                    days_ago=60 - i,
                    signals=signals,
                    references=references,
                )
            )
        elif kind < 0.75:
            records.append(a_meeting(f"u{i}", chance.sample(PEOPLE, 2), days_ago=60 - i * 1.2))
        else:
            records.append(Contact(uid=f"c{i}", name=f"N{i}", emails=tuple(chance.sample(PEOPLE, 2))))
    chance.shuffle(records)
    return records


def random_decision(chance: random.Random, what: str) -> list[AnyDecision]:
    a, b = (f"email:{one}" for one in chance.sample(PEOPLE, 2))
    if what == "merges" or (what == "both" and chance.random() < 0.5):
        return [Merge(a=a, b=b)]
    return [Split(left=(a,), right=(b,))]


@pytest.mark.parametrize("books", [1, 2])
@pytest.mark.parametrize("what", ["none", "merges", "splits", "both"])
@pytest.mark.parametrize("seed", range(4))
def test_step_by_step_equals_replay(
    sqlite_store: Store, tmp_path: Path, seed: int, what: str, books: int
) -> None:
    """Records and decisions in small steps, kept by one or two long-lived books in turn, equal a replay."""
    chance = random.Random(f"{seed}{what}{books}")
    first = a_book(sqlite_store)
    writers = [first, *(Book(sqlite_store, first.owner, first.clock) for _ in range(books - 1))]
    records = random_records(chance)
    while records:
        step, records = records[: chance.randint(1, 6)], records[6:]
        ingest = Ingest(sqlite_store, first.owner, first.clock, "files", "given")
        rejects: list[Reject] = []
        ingest.run(Given([upsert(one) for one in step], 3), SourceReport("g", "i"), rejects, lambda _: None)
        if what != "none" and chance.random() < 0.3:
            first.decide(random_decision(chance, what))
        for _ in range(chance.randint(1, 2)):
            book = chance.choice(writers)
            if chance.random() < 0.6:
                book.keep()
            else:
                book.follow(100)
    chance.choice(writers).keep()
    told = exported(first, tmp_path / "told")
    Book(sqlite_store, first.owner, first.clock).replay()
    assert exported(first, tmp_path / "replayed") == told

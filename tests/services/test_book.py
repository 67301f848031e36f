"""The book as a whole: order, repetition and replay change nothing; merges and splits undo each other."""

import random
from datetime import date
from pathlib import Path

import msgspec
import pytest

from schemas.decisions import Merge, OwnerDeclared, Split, VerdictGiven
from schemas.records import Connection, Contact, ExportSeen, Signal
from services.store.unit import Store
from tests.services.builders import MARA, a_book, a_meeting, a_message, an_ask, exported, take

ANA, BEN, CEM, NEWS = "ana@example.org", "ben@example.net", "cem@example.org", "news@shop.example"


def some_records() -> list[object]:
    return [
        a_message("a1", ANA, days_ago=40, signals=[an_ask()], name="Okafor, Ana"),
        a_message("m1", MARA, [ANA], days_ago=39, references=["a1"]),
        a_message("a2", ANA, days_ago=3, signals=[an_ask()], references=["a1", "m1"]),
        a_message("b1", BEN, days_ago=5, signals=[an_ask("Can we meet?")]),
        a_message("m2", MARA, [BEN], cc=[CEM], days_ago=20, signals=[an_ask("Any news?")]),
        a_message("n1", NEWS, days_ago=2, nature="bulk"),
        a_message("m3", MARA, [CEM], days_ago=9, signals=[Signal(kind="promise", text="I'll send it")]),
        a_meeting("u1", [CEM, ANA], days_ago=12),
        a_meeting("u2", [BEN], days_ago=-4),
        Contact(uid="c1", name="Ana Okafor", emails=(ANA, "ana@home.example"), organization="Nordlicht"),
    ]


def test_people_history_and_followups_come_of_records(store: Store) -> None:
    """Two-way contact, meetings and cards make people; a newsletter makes an automated entry."""
    book = a_book(store)
    report = take(book, some_records())  # type: ignore[arg-type]
    assert (report.read, report.added) == (10, 10)
    followups = {(one.rule, one.state) for one in book.followups()}
    assert ("awaiting_me", "open") in followups


def test_any_order_and_paging_gives_the_same_export(store: Store, tmp_path: Path) -> None:
    """The same facts in any order and paging give the same export, events.jsonl apart."""
    seen = set()
    for seed in range(6):
        records = some_records()
        random.Random(seed).shuffle(records)
        with store.write() as unit:
            from services.store.tables import metadata  # noqa: PLC0415

            for table in reversed(metadata.sorted_tables):
                unit.connection.execute(table.delete())
        book = a_book(store)
        take(book, records, page=1 + seed * 2)  # type: ignore[arg-type]
        files = exported(book, tmp_path / str(seed), without=["events.jsonl"])
        seen.add(msgspec.json.encode({k: v.decode() for k, v in files.items()}))
    assert len(seen) == 1


def test_replay_changes_nothing(store: Store, tmp_path: Path) -> None:
    """`replay` gives the export that was there, byte for byte."""
    book = a_book(store)
    take(book, some_records())  # type: ignore[arg-type]
    book.decide([Merge(a=f"email:{BEN}", b=f"email:{CEM}")])
    book.keep()
    before = exported(book, tmp_path / "before")
    book.replay()
    assert exported(book, tmp_path / "after") == before


def test_importing_twice_adds_nothing(store: Store, tmp_path: Path) -> None:
    """The second import finds everything unchanged."""
    book = a_book(store)
    take(book, some_records())  # type: ignore[arg-type]
    before = exported(book, tmp_path / "before")
    report = take(book, some_records())  # type: ignore[arg-type]
    assert (report.read, report.unchanged, report.added, report.changed) == (10, 10, 0, 0)
    assert exported(book, tmp_path / "after") == before


@pytest.mark.parametrize("pair", [(BEN, CEM), (ANA, BEN)])
def test_merge_then_split_is_the_identity(store: Store, tmp_path: Path, pair: tuple[str, str]) -> None:
    """A merge undone by a split leaves the people that were there."""
    book = a_book(store)
    take(book, some_records())  # type: ignore[arg-type]
    before = exported(book, tmp_path / "before", without=["events.jsonl"])
    book.decide([Merge(a=f"email:{pair[0]}", b=f"email:{pair[1]}")])
    book.keep()
    assert exported(book, tmp_path / "merged", without=["events.jsonl"]) != before
    left = {"email:ana@example.org", "email:ana@home.example"} if pair[0] == ANA else {f"email:{pair[0]}"}
    book.decide([Split(left=tuple(sorted(left)), right=(f"email:{pair[1]}",))])
    book.keep()
    assert exported(book, tmp_path / "split", without=["events.jsonl"]) == before


def test_what_everybody_rests_on_is_felt_at_once(sqlite_store: Store, tmp_path: Path) -> None:
    """A verdict on a domain, a new own domain and a newer export change people as a replay would."""
    book = a_book(sqlite_store)
    take(book, some_records())  # type: ignore[arg-type]
    first, second = date(2026, 5, 1), date(2026, 11, 1)
    take(
        book, [Connection(name="Cem Aydin", linkedin="cem", exported_on=first), ExportSeen(exported_on=first)]
    )
    take(
        book, [Connection(name="Dia Roy", linkedin="dia", exported_on=second), ExportSeen(exported_on=second)]
    )
    book.decide([VerdictGiven(identity="email:@example.net", is_automated=True)])
    book.decide([OwnerDeclared(name="M", emails=(MARA,), timezone="Europe/Berlin", domains=("example.org",))])
    book.keep()
    before = exported(book, tmp_path / "before")
    people = [msgspec.json.decode(line) for line in before["people.jsonl"].splitlines()]
    assert [one["left_on"] for one in people if one["name"] == "Cem Aydin"] == ["2026-11-01"]
    assert [one["status"] for one in people if BEN in one["emails"]] == ["automated"]
    book.replay()
    assert exported(book, tmp_path / "after") == before

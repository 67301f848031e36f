"""One mail that several accounts hold is one interaction, for as long as any of them holds it."""

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from schemas.connector import Change, Page, Tombstone
from schemas.ids import Cursor, ExternalId, StreamName
from schemas.interface import SourceReport
from schemas.records import Message
from services.book import Book
from services.ingest import Ingest
from services.store.unit import Store
from tests.services.builders import MARA, a_book, a_message, an_ask, exported, upsert

ANA = "ana@example.org"
ACCOUNTS = ("files", "imap-1", "imap-2")


class Said:
    """A source that says these changes, on one page."""

    def __init__(self, changes: Sequence[Change]) -> None:
        self._changes = tuple(changes)

    def pull(self, _cursor: Cursor | None, /) -> Iterator[Page]:
        yield Page(self._changes, StreamName("mail"), checkpoint=Cursor("1"), last=True)


def say(book: Book, account: str, *changes: Change) -> None:
    ingest = Ingest(book.store, book.owner, book.clock, account, "mail")
    ingest.run(Said(changes), SourceReport(account, "mail"), [], lambda _: None)


def kept(book: Book, folder: Path) -> dict[str, bytes]:
    book.keep()
    return exported(book, folder, ["events.jsonl"])


def mails(export: dict[str, bytes]) -> int:
    return export["interactions.jsonl"].count(b"\n")


def gone(record: Message) -> Tombstone:
    return Tombstone(ExternalId(record.message_id))


def test_a_mail_in_two_accounts_is_one_until_both_let_go(store: Store, tmp_path: Path) -> None:
    """Counted once; deleted in one account it stays as the other holds it; deleted in both it is gone."""
    book = a_book(store)
    mail = a_message("m1", ANA, signals=[an_ask()])
    answer = a_message("m2", MARA, [ANA], references=["m1"], days_ago=0.5)
    say(book, "files", upsert(mail), upsert(answer))
    alone = kept(book, tmp_path / "alone")
    say(book, "imap-1", upsert(mail), upsert(answer))
    both = kept(book, tmp_path / "both")
    assert {name: both[name] for name in both if name != "interactions.jsonl"} == {
        name: alone[name] for name in alone if name != "interactions.jsonl"
    }
    shapes = [json.loads(line) for line in both["interactions.jsonl"].splitlines()]
    assert [one["sources"] for one in shapes] == [["files:mail", "imap-1:mail"]] * 2
    say(book, "files", gone(mail), gone(answer))
    left = kept(book, tmp_path / "left")
    assert mails(left) == 2
    assert left["threads.jsonl"] == alone["threads.jsonl"]
    say(book, "imap-1", gone(mail))
    assert mails(kept(book, tmp_path / "one")) == 1
    say(book, "imap-1", gone(answer))
    assert mails(kept(book, tmp_path / "none")) == 0


def test_both_copies_in_one_page_leave_one_when_one_goes(store: Store, tmp_path: Path) -> None:
    """Two folders of one account hold a mail; what one folder lets go of in the same page, the other keeps."""
    book = a_book(store)
    mail = a_message("m1", ANA)
    first, second = upsert(mail), replace(upsert(mail), id=ExternalId("again"))
    say(book, "imap-1", first, second)
    assert mails(kept(book, tmp_path / "two")) == 1
    say(book, "imap-1", gone(mail))
    assert mails(kept(book, tmp_path / "one")) == 1


def test_a_copy_is_not_lost_to_a_better_revision(store: Store, tmp_path: Path) -> None:
    """When the account that told first tells it better and then lets go, the other copy stands."""
    book = a_book(store)
    mail = a_message("m1", ANA, subject="Draft")
    say(book, "files", upsert(mail, "1"))
    say(book, "imap-1", upsert(mail))
    say(book, "files", upsert(replace(mail, subject="Draft 2"), "2"))
    book.keep()
    say(book, "files", gone(mail))
    assert b'"Draft"' in kept(book, tmp_path / "left")["interactions.jsonl"]


@pytest.mark.parametrize("seed", range(12))
def test_comings_and_goings_in_steps_equal_a_replay(sqlite_store: Store, tmp_path: Path, seed: int) -> None:
    """Three accounts take in and let go of the same mails at random: the history is what a replay makes of it."""
    chance = random.Random(seed)
    book = a_book(sqlite_store)
    mail = [a_message(f"m{n}", ANA, references=[f"m{n - 1}"], days_ago=30 - n) for n in range(1, 9)]
    holding: dict[str, set[int]] = {account: set() for account in ACCOUNTS}
    for _ in range(30):
        account = chance.choice(ACCOUNTS)
        changes: list[Change] = []
        for number in chance.sample(range(8), 3):
            if number in holding[account]:
                holding[account].discard(number)
                changes.append(gone(mail[number]))
            else:
                holding[account].add(number)
                changes.append(upsert(mail[number]))
        say(book, account, *changes)
        if chance.random() < 0.5:
            book.keep()
    told = kept(book, tmp_path / "told")
    assert mails(told) == len(set().union(*holding.values()))
    Book(sqlite_store, book.owner, book.clock).replay()
    assert exported(book, tmp_path / "replayed", ["events.jsonl"]) == told

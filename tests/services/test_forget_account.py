"""What an account brought is erased as if it had never been connected; what others brought stays."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from schemas.connector import Tombstone
from schemas.decisions import NoteWritten, OwnerDeclared
from schemas.ids import ExternalId
from schemas.interface import Reject, SourceReport
from schemas.records import Contact, SourceRecord
from services.book import Book
from services.composing import compose
from services.erasure import forget_account
from services.ingest import Ingest
from services.store import events as stream
from services.store.unit import Store
from tests.services.builders import MARA, NOW, Given, a_book, a_meeting, a_message, an_ask, exported, upsert

ACCOUNT, OTHER = "imap-0a1b2c3d", "files"
ZOE, BEN = "zoe.canary@erased.example", "ben@example.net"
CANARIES = (b"zoe.canary", b"zoe canary", b"heliotrope", b"palimpsest", b"imap-0a1b2c3d")
NOT_DERIVED = ("events.jsonl", "digests.jsonl")


def read(book: Book, account: str, records: Sequence[SourceRecord], name: str = "mail") -> SourceReport:
    report = SourceReport(account, "imap")
    rejects: list[Reject] = []
    ingest = Ingest(book.store, book.owner, book.clock, account, "imap")
    changes = [upsert(one) for one in records]
    ingest.run(Given(changes, stream=name), report, rejects, lambda _: None)
    book.keep()
    return report


def its_own() -> list[SourceRecord]:
    """What the account alone holds: a person of its own, and one whom others know as well."""
    return [
        a_message(
            "z1", ZOE, days_ago=2, subject="Heliotrope", name="Zoe Canary", signals=[an_ask("Heliotrope?")]
        ),
        a_message("z2", MARA, [ZOE, BEN], days_ago=1, references=["z1"], subject="Re: Heliotrope"),
        a_meeting("uz", [ZOE, BEN], days_ago=3),
        Contact(uid="cz", name="Zoe Canary", emails=(ZOE,), organization="Palimpsest Ltd"),
        Contact(uid="cb", name="Ben Ames", emails=(BEN,), organization="Palimpsest Ltd"),
    ]


def shared() -> list[SourceRecord]:
    """What others hold too."""
    return [
        a_message("b1", BEN, days_ago=6, signals=[an_ask("Is the plan fine?")], name="Ben Ames"),
        a_meeting("ub", [BEN], days_ago=5),
        a_message("e1", "cem@example.org", days_ago=6, signals=[an_ask("Are you there?")], name="Cem Kaya"),
        a_message("e0", MARA, ["cem@example.org"], days_ago=9),
    ]


@pytest.mark.parametrize("is_first", [True, False])
def test_it_is_as_if_it_had_never_been_connected(store: Store, tmp_path: Path, is_first: bool) -> None:
    """People, interactions, threads and follow-ups are those of the other sources alone, whichever was read first."""
    book = a_book(store)
    alone = a_book(store, emails=("m2@example.com", MARA))
    read(alone, OTHER, shared())
    before = exported(alone, tmp_path / "before", without=("owner.json", *NOT_DERIVED))
    for account in (ACCOUNT, OTHER) if is_first else (OTHER, ACCOUNT):
        read(book, account, shared() if account == OTHER else its_own() + shared())
    between = exported(book, tmp_path / "between", without=("owner.json", *NOT_DERIVED))
    assert between != before
    assert forget_account(book, ACCOUNT) == 9
    assert exported(book, tmp_path / "after", without=("owner.json", *NOT_DERIVED)) == before
    book.replay()
    assert exported(book, tmp_path / "again", without=("owner.json", *NOT_DERIVED)) == before
    assert forget_account(book, ACCOUNT) == 0


def test_no_byte_of_it_remains(sqlite_store: Store, tmp_path: Path) -> None:
    """Not in events, tombstones, digests, rejects, names of folders, cursors, indexes or freed pages (S27)."""
    book = a_book(sqlite_store)
    read(book, OTHER, shared())
    read(book, ACCOUNT, its_own(), "calendar/Heliotrope folder")
    ingest = Ingest(book.store, book.owner, book.clock, ACCOUNT, "imap")
    gone = Given([Tombstone(ExternalId("cz"))], stream="calendar/Heliotrope folder")
    ingest.run(gone, SourceReport(ACCOUNT, "imap"), [], lambda _: None)
    book.keep()
    compose(book)
    with book.store.write() as unit:
        reject = Reject(ACCOUNT, "Heliotrope folder, 7", "no usable date")
        stream.add_rejects(unit, book.owner, 0, [(1, reject)])
        stream.set_cursor(unit, book.owner, ACCOUNT, "imap", "Heliotrope:7", 0)

    def everything() -> bytes:
        return b"".join(one.read_bytes() for one in tmp_path.glob("one.db*")).lower()

    assert [one for one in CANARIES if one not in everything()] == []
    forget_account(book, ACCOUNT)
    assert [one for one in CANARIES if one in everything()] == []
    files = exported(book, tmp_path / "out")
    assert [one for one in CANARIES if one in b"".join(files.values()).lower()] == []


def test_digests_keep_what_rests_on_others(store: Store) -> None:
    """Lines that rest on the account go, those of other sources stay; a digest without such lines stays as it was."""
    book = a_book(store)

    def digests() -> list[bytes]:
        with book.store.read() as unit:
            return [event.body for event in stream.read_kinds(unit, book.owner, ("digest",))]

    read(book, OTHER, shared())
    compose(book)
    read(book, ACCOUNT, its_own())
    compose(book)
    before = digests()
    assert [b"Zoe" in one for one in before] == [False, True]
    assert [b"Palimpsest" in one for one in before] == [False, True]
    forget_account(book, ACCOUNT)
    after = digests()
    assert after[0] == before[0]
    assert not any(word in after[1] for word in (b"Zoe", b"Heliotrope", b"Palimpsest"))
    body = msgspec.json.decode(msgspec.json.decode(after[1])["body"])
    texts = [item["text"] for section in body["sections"] for item in section["items"]]
    assert any("Cem" in text for text in texts)


def test_the_owners_word_stays(store: Store) -> None:
    """Notes and roles are the owner's own, but for an address that only the account made theirs."""
    book = a_book(store)
    read(book, ACCOUNT, its_own())
    mine = OwnerDeclared(name="Mara Lindholm", emails=(MARA, "mara@work.example"), timezone="Europe/Berlin")
    book.decide([NoteWritten(person=f"email:{BEN}", at=NOW, text="likes tea"), mine])
    with book.store.read() as unit:
        said = stream.last_seq(unit, book.owner)
    read(book, OTHER, [a_message("w1", "mara@work.example", [BEN])])
    forget_account(book, ACCOUNT, said)
    with book.store.read() as unit:
        kinds = [event.kind for event in stream.read_all(unit, book.owner) if b"erased" not in event.body]
    assert kinds == ["owner", "owner_note", "message"]


def test_connected_again_all_comes_back(store: Store, tmp_path: Path) -> None:
    """Nothing that was erased with an account is kept out: its owner may want it again."""
    book = a_book(store)
    read(book, ACCOUNT, its_own())
    before = exported(book, tmp_path / "before", without=NOT_DERIVED)
    forget_account(book, ACCOUNT)
    report = read(book, ACCOUNT, its_own())
    assert (report.added, report.unchanged) == (5, 0)
    assert exported(book, tmp_path / "after", without=NOT_DERIVED) == before

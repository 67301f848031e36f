"""Erasure leaves nothing of a person, everything of the others, and is respected by whatever is read later."""

import mailbox
from email.message import EmailMessage
from pathlib import Path

import msgspec
import pytest

from deploy.importing import import_paths
from deploy.settings import read_settings
from deploy.wiring import Application
from schemas.connector import Upsert
from schemas.decisions import (
    FavourNoted,
    FollowupDone,
    Forgotten,
    Merge,
    NoteWritten,
    OwnerDeclared,
    RolesSet,
    Split,
)
from schemas.errors import UsageError
from schemas.events import decode_body
from schemas.ids import ExternalId
from schemas.interface import Reject, SourceReport
from schemas.records import (
    Connection,
    Contact,
    DirectMessage,
    ExportSeen,
    Mailbox,
    Message,
    ProfileRef,
    Signal,
    SourceRecord,
)
from services.book import Book, begin_book
from services.composing import compose
from services.erasure import forget, never_ingest
from services.ingest import Ingest
from services.lookup import find_person, search_history
from services.refusal import ERASED, RULED_OUT, refusals
from services.store import events as stream
from services.store import history as rows
from services.store.unit import Store
from tests.services.builders import (
    MARA,
    NOW,
    SALT,
    Given,
    a_book,
    a_meeting,
    a_message,
    an_ask,
    exported,
    take,
    upsert,
)

ZOE, ZOE_HOME = "zoe.canary@erased.example", "zoecanary@home.example"
BEN, CEM = "ben@example.net", "cem@example.org"
CANARIES = (
    b"zoe.canary",
    b"zoecanary",
    b"zoe canary",
    b"canary, zoe",
    b"heliotrope",
    b"palimpsest",
    b"zoe-canary-7",
)


def zoes_records() -> list[SourceRecord]:
    """What is about nobody but her."""
    return [
        a_message(
            "z1", ZOE, days_ago=9, subject="Heliotrope", name="Canary, Zoe", signals=[an_ask("Heliotrope?")]
        ),
        a_message("z2", MARA, [ZOE], days_ago=8, references=["z1"], subject="Re: Heliotrope"),
        msgspec.structs.replace(
            a_message(
                "z3",
                ZOE,
                [MARA],
                days_ago=3,
                subject="Heliotrope",
                signals=[an_ask("Is the palimpsest fine?")],
            ),
            excerpt="The palimpsest is here.",
        ),
        a_meeting("uz", [ZOE], days_ago=12),
        Contact(uid="cz", name="Zoe Canary", emails=(ZOE, ZOE_HOME), organization="Palimpsest Ltd"),
        Connection(name="Zoe Canary", linkedin="zoe-canary-7", email=ZOE),
        DirectMessage(
            conversation="7",
            at=NOW,
            sender=ProfileRef("zoe-canary-7", "Zoe Canary"),
            to=(ProfileRef("mara", "Mara Lindholm"),),
            excerpt="palimpsest",
        ),
    ]


def shared_records() -> list[SourceRecord]:
    """What is others' as well."""
    introduction = Signal(kind="introduction", text="Ben, meet Zoe Canary", about=(ZOE, BEN))
    return [
        a_message(
            "g1", BEN, [MARA, ZOE], days_ago=7, cc=[ZOE_HOME, CEM], subject="Plan", signals=[introduction]
        ),
        a_message(
            "g2", BEN, days_ago=6, subject="Zoe  Canary wrote to zoe.canary@erased.example", references=["z1"]
        ),
        a_message("g3", MARA, [CEM, ZOE], days_ago=5),
        a_meeting("ug", [ZOE, BEN, CEM], days_ago=4),
        ExportSeen(exported_on=NOW.date(), connections=("cem-1", f"email:{ZOE}", "zoe-canary-7")),
    ]


def others_records() -> list[SourceRecord]:
    """What never named her."""
    return [
        a_message("b1", BEN, days_ago=30, signals=[an_ask()], name="Ben Ames"),
        a_message("m1", MARA, [BEN], days_ago=29, references=["b1"]),
        Contact(uid="cb", name="Ben Ames", emails=(BEN,)),
    ]


def read(book: Book, records: list[SourceRecord]) -> SourceReport:
    """Read records as an import does, with what is refused."""
    report = SourceReport("given", "items")
    rejects: list[Reject] = []
    with book.store.read() as unit:
        admit = refusals(unit, book.owner)
    changes = [
        Upsert(ExternalId("export"), one) if isinstance(one, ExportSeen) else upsert(one) for one in records
    ]
    Ingest(book.store, book.owner, book.clock, "files", "given", admit).run(
        Given(changes), report, rejects, lambda _: None
    )
    book.keep()
    assert report.read == report.added + report.changed + report.unchanged + report.skipped + report.rejected
    return report


def everything_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()).lower()


def test_nothing_of_an_erased_person_remains(sqlite_store: Store, tmp_path: Path) -> None:
    """No byte of addresses, names, subjects or excerpts is in any file of the home, nor in an export of it."""
    book = a_book(sqlite_store)
    read(book, zoes_records() + shared_records() + others_records())
    person = find_person(book, ZOE)
    name = f"email:{ZOE}"
    book.decide(
        [
            NoteWritten(person=name, at=NOW, text="palimpsest"),
            FavourNoted(person=name, at=NOW, direction="given", text="heliotrope"),
            NoteWritten(person=f"email:{BEN}", at=NOW, text="knows Zoe Canary well"),
            RolesSet(person=name, roles=("mentor",)),
        ]
    )
    book.keep()
    done = next(one for one in book.followups() if one.person and "Zoe" in one.title)
    book.decide([FollowupDone(followup=done.id, at=NOW)])
    compose(book)
    before = everything_in(tmp_path)
    assert all(canary in before for canary in CANARIES)
    assert forget(book, person, SALT) == len(zoes_records()) + len(shared_records()) + 6
    assert [one for one in CANARIES if one in everything_in(tmp_path)] == []
    files = exported(book, tmp_path / "out")
    assert [one for one in CANARIES if one in b"".join(files.values()).lower()] == []
    with pytest.raises(UsageError, match="Nobody"):
        find_person(book, ZOE)


def test_the_others_keep_what_is_theirs(store: Store, tmp_path: Path) -> None:
    """Group mails and meetings lose the erased person alone; who never met them is told as before."""
    book, other = a_book(store), tmp_path / "before"
    read(book, others_records())
    before = exported(book, other)
    read(book, zoes_records() + shared_records())
    forget(book, find_person(book, ZOE), SALT)
    ben = find_person(book, BEN)
    assert (ben.name, ben.counts.received, ben.counts.meetings) == ("Ben Ames", 3, 1)
    interactions = [
        msgspec.json.decode(one)
        for one in exported(book, tmp_path / "after")["interactions.jsonl"].splitlines()
    ]
    sizes = {one["source_key"]: (one["group_size"], len(one["people"])) for one in interactions}
    assert sizes["g1@example.com"] == (3, 2)
    assert sizes["g3@example.com"] == (2, 1)
    assert sizes["ug"] == (3, 2)
    assert not any(key.startswith("z") or key == "uz" for key in sizes)
    assert set(before["interactions.jsonl"].splitlines()) <= set(
        exported(book, tmp_path / "after")["interactions.jsonl"].splitlines()
    )


def test_erased_before_or_after_reading_is_the_same(store: Store, tmp_path: Path) -> None:
    """What is read after an erasure comes to what is left of the same things read before it."""
    book = a_book(store)
    read(book, zoes_records()[:1] + zoes_records()[4:6])
    forget(book, find_person(book, ZOE), SALT)
    late = read(book, zoes_records() + shared_records() + others_records())
    assert late.skips == {ERASED: len(zoes_records())}
    after = exported(book, tmp_path / "late", without=["events.jsonl", "threads.jsonl"])
    again = read(book, zoes_records() + shared_records() + others_records())
    assert (again.skips, again.added, again.changed) == ({ERASED: len(zoes_records())}, 0, 0)
    early = begin_book(
        store,
        OwnerDeclared(name="Mara Lindholm", emails=("m2@example.com", MARA), timezone="Europe/Berlin"),
        book.clock,
    )
    second = Book(store, early, book.clock)
    read(second, zoes_records() + shared_records() + others_records())
    forget(second, find_person(second, ZOE), SALT)
    again = read(second, zoes_records() + shared_records() + others_records())
    assert (again.skips, again.added, again.changed) == ({ERASED: len(zoes_records())}, 0, 0)
    ids = [
        {msgspec.json.decode(line)["id"] for line in one["interactions.jsonl"].splitlines()}
        for one in (after, exported(second, tmp_path / "early"))
    ]
    assert ids[0] == ids[1]


def test_an_erasure_of_an_earlier_release_is_respected(store: Store) -> None:
    """What was kept of an erased address without a salt of the book's own keeps it out still, beside newer erasures."""
    book = a_book(store)
    # Of her address in the book of the first owner, as it was written then.
    book.decide([Forgotten(hashes=("533c05eed0486e20f7604cd937cfe7cd",))])
    book.keep()
    late = read(book, zoes_records()[:1] + others_records())
    assert late.skips == {ERASED: 1}
    forget(book, find_person(book, BEN), SALT)
    again = read(book, zoes_records()[:1])
    assert again.skips == {ERASED: 1}


def test_what_is_kept_of_the_erased_is_of_each_book_its_own(store: Store) -> None:
    """The same person erased in two books leaves other hashes in each; one book has one salt for all its erasures."""
    first = a_book(store)
    second = a_book(store, emails=["m2@example.com", MARA])
    kept = []
    for number, book in enumerate((first, second)):
        read(book, [a_message("b1", BEN), a_message("c1", CEM)])
        for who, salt in ((BEN, f"{number}" * 32), (CEM, "f" * 32)):
            forget(book, find_person(book, who), salt)
        with store.read() as unit:
            words = [
                decode_body(body, kind, 1) for _, kind, body in rows.words(unit, book.owner, ("forgotten",))
            ]
        kept.append([one for one in words if isinstance(one, Forgotten)])
        assert {one.salt for one in kept[-1]} == {f"{number}" * 32}
    assert not {h for one in kept[0] for h in one.hashes} & {h for one in kept[1] for h in one.hashes}


def test_replay_after_erasure_changes_nothing(store: Store, tmp_path: Path) -> None:
    """A replay respects an erasure, whatever versions of an item came before and after it."""
    book = a_book(store)
    read(book, zoes_records() + shared_records() + others_records())
    ben_alone = a_meeting("uz", [BEN], days_ago=11)
    take(book, [upsert(ben_alone, "1"), upsert(a_meeting("ug", [BEN], days_ago=4), "1")])
    take(book, [upsert(a_meeting("ug", [ZOE], days_ago=4), "2")])
    forget(book, find_person(book, ZOE), SALT)
    before = exported(book, tmp_path / "before")
    assert find_person(book, BEN).counts.meetings == 1
    book.replay()
    assert exported(book, tmp_path / "after") == before


def test_all_of_a_merged_person_is_erased(store: Store) -> None:
    """A merged person goes with every identity; after a split only the one that was named."""
    book = a_book(store)
    read(
        book,
        [*others_records(), a_message("c1", CEM, days_ago=2, name="Cem Demir"), a_message("m2", MARA, [CEM])],
    )
    book.decide([Merge(a=f"email:{BEN}", b=f"email:{CEM}")])
    book.decide([Merge(a=f"email:{BEN}", b=f"email:{ZOE}")])
    book.decide([Split(left=(f"email:{ZOE}",), right=(f"email:{BEN}", f"email:{CEM}"))])
    book.keep()
    forget(book, find_person(book, BEN), SALT)
    for address in (BEN, CEM):
        with pytest.raises(UsageError):
            find_person(book, address)


def test_an_erasure_is_respected_while_a_replay_is_half_done(store: Store) -> None:
    """What must not come back is known from the stream, though everything derived is gone."""
    book = a_book(store)
    read(book, zoes_records())
    forget(book, find_person(book, ZOE), SALT)
    with store.write() as unit:
        rows.empty(unit, book.owner)
        stream.set_position(unit, book.owner, "history", 0, 0)
    assert read(book, zoes_records()).skipped == len(zoes_records())


def test_search_finds_nothing_of_the_erased_for_any_owner(store: Store, tmp_path: Path) -> None:
    """With several owners the index is made again for all of them, and the others' words are found."""
    book = a_book(store)
    second = Book(
        store,
        begin_book(store, OwnerDeclared(name="Jo", emails=("jo@example.com",), timezone="UTC"), book.clock),
        book.clock,
    )
    take(second, [a_message("j1", BEN, ["jo@example.com"], subject="Marmalade")])
    read(book, zoes_records())
    assert search_history(book, "heliotrope")
    forget(book, find_person(book, ZOE), SALT)
    assert not search_history(book, "heliotrope")
    assert search_history(second, "marmalade")
    if store.engine.dialect.name == "sqlite":
        assert b"heliotrope" not in everything_in(tmp_path)


def test_never_ingest_deletes_backwards_and_keeps_out(store: Store) -> None:
    """A domain that is ruled out takes with it all that named it, below it as well, and lets nothing in again."""
    book = a_book(store)
    records = zoes_records() + shared_records() + others_records() + [a_message("s1", "a@sub.erased.example")]
    read(book, records)
    removed = never_ingest(book, "@Erased.example")
    with pytest.raises(UsageError):
        find_person(book, ZOE)
    assert removed == 11
    again = read(book, records)
    assert (again.added, again.changed, again.skips[RULED_OUT]) == (0, 0, 10)


def test_never_ingest_knows_labels(store: Store) -> None:
    """A label rules out what bears it, in any case of letters."""
    book = a_book(store)
    private = msgspec.structs.replace(a_message("p1", BEN), labels=("Private", "Inbox"))
    read(book, [private, *others_records()])
    assert never_ingest(book, "private") == 1
    assert read(book, [private, *others_records()]).skips == {RULED_OUT: 1}


def test_never_ingest_spares_the_owner(store: Store) -> None:
    """The owner's own address cannot be ruled out; their own domain rules out colleagues and no one else."""
    book = a_book(store)
    with pytest.raises(UsageError, match="your own"):
        never_ingest(book, MARA)
    with pytest.raises(UsageError, match="nothing"):
        never_ingest(book, " @ ")
    read(book, [*others_records(), a_message("k1", "kim@example.com")])
    assert never_ingest(book, "example.com") == 1
    assert find_person(book, BEN).counts.received == 1


def test_a_name_that_others_bear_stays_theirs(store: Store) -> None:
    """Of two people of one name, erasing one leaves the other's name alone."""
    book = a_book(store)
    read(
        book,
        [
            a_message("s1", "sam@one.example", name="Sam Lee"),
            a_message("m1", MARA, ["sam@one.example"]),
            a_message("s2", "sam@two.example", name="Sam Lee"),
            a_message("m2", MARA, ["sam@two.example"]),
        ],
    )
    forget(book, find_person(book, "sam@one.example"), SALT)
    assert find_person(book, "Sam Lee").emails == ["sam@two.example"]


def mbox_of(messages: list[Message], path: Path) -> Path:
    box = mailbox.mbox(path)
    for one in messages:
        mail = EmailMessage()
        mail["From"] = f"{one.sender.name} <{one.sender.address}>" if one.sender.name else one.sender.address
        mail["To"] = ", ".join(to.address for to in one.to)
        mail["Date"] = one.at
        mail["Message-ID"] = f"<{one.message_id}>"
        mail["Subject"] = one.subject
        mail.set_content(f"About {one.subject}.")
        box.add(mail)
    box.close()
    return path


@pytest.mark.parametrize("is_touched", [False, True])
def test_a_file_read_again_counts_the_erased_as_skipped(
    database_url: str, tmp_path: Path, *, is_touched: bool
) -> None:
    """However often and whether or not the file changed, its erased mails are counted as left out."""
    settings = read_settings(
        str(tmp_path / "home"), {"KITH_DATABASE_URL": database_url, "KITH_NOW": NOW.isoformat()}
    )
    app = Application(settings)
    book = app.make(OwnerDeclared(name="Mara Lindholm", emails=(MARA,), timezone="Europe/Berlin"))
    mails = [one for one in zoes_records() + shared_records() + others_records() if isinstance(one, Message)]
    path = mbox_of(mails, tmp_path / "all.mbox")
    other = mbox_of(mails[3:], tmp_path / "some.mbox")
    import_paths(app, book, [str(path)])
    forget(book, find_person(book, ZOE), SALT)
    for _ in range(3):
        if is_touched:
            path.write_bytes(path.read_bytes().replace(b"About Plan.", b"About plans."))
        [entry] = import_paths(app, book, [str(path)]).sources
        assert (entry.read, entry.added, entry.unchanged) == (8, 0, 5)
        assert entry.skips == {ERASED: 3}
    [entry] = import_paths(app, book, [str(other)]).sources
    assert (entry.read, entry.unchanged, entry.skipped) == (5, 5, 0)
    app.close()


def test_reading_and_erasing_stay_quick_on_hostile_text(sqlite_store: Store) -> None:
    """A name of many words beside a text that nearly spells it costs no more than a look at each letter."""
    book = a_book(sqlite_store)
    name = " ".join(["aa"] * 40)
    read(
        book,
        [
            msgspec.structs.replace(a_message("h1", ZOE), sender=Mailbox(ZOE, name)),
            a_message("m1", MARA, [ZOE]),
            a_message("h2", BEN, subject=("aa " * 39 + "ab ") * 500),
        ],
    )
    assert forget(book, find_person(book, ZOE), SALT) == 2

"""Address books of every producer become contacts, and no bytes make the reader fail."""

import io
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors._vcard import EMPTY_CARD, NOT_A_PERSON, OWN_CARD, Book, read_cards
from connectors.vcard import SPEC, recognise
from schemas.connector import Change, Page, Same, Skipped, Unreadable, Upsert
from schemas.errors import CursorExpired, UnreadableFile
from schemas.ids import Cursor
from schemas.records import Contact
from tests.connectors import files
from tests.connectors.files import an_access, changes_of
from tests.contract.source import SourceContract

FIXTURES = Path(__file__).parents[1] / "fixtures" / "vcard"


def pull(*paths: Path, cursor: Cursor | None = None, settings: Mapping[str, Any] | None = None) -> list[Page]:
    return files.pull(SPEC, an_access(*paths, settings=settings), cursor)


def cards(text: str | bytes, **book: Any) -> list[Change]:
    raw = text if isinstance(text, bytes) else text.replace("\n", "\r\n").encode()
    return [change for change, _ in read_cards(io.BytesIO(raw), Book("book.vcf", **book))]


def contacts(found: Sequence[Change]) -> list[Contact]:
    return [
        change.record for change in found if isinstance(change, Upsert) and isinstance(change.record, Contact)
    ]


def a_card(*lines: str) -> str:
    return "\n".join(["BEGIN:VCARD", "VERSION:3.0", *lines, "END:VCARD", ""])


class TestVcard(SourceContract):
    spec = SPEC

    def given(self, folder: Path) -> Path:
        people = (a_card(f"UID:p{n}", f"FN:Person {n}", "REV:20260301T080000Z") for n in range(600))
        file = folder / "people.vcf"
        file.write_text("".join(people) + a_card("NOTE:nobody"))
        return file

    def grown(self, path: Path) -> set[str]:
        with path.open("a") as book:
            book.write(a_card("UID:new", "FN:New"))
        return {"new"}

    def spoiled(self, path: Path) -> bool:
        with path.open("a") as book:
            book.write("BEGIN:VCARD\nnot a property\nEND:VCARD\n")
        return True


@pytest.mark.parametrize(
    ("file", "settings", "expected", "skips"),
    [
        (
            "apple.vcf",
            {},
            [
                Contact(
                    uid="9f8e7d6c-0000-4000-8000-000000000001",
                    name="Dr. Ana Okafor",
                    emails=("ana@example.com", "ana.okafor@home.example"),
                    phones=("+4915123456789",),
                    linkedin="ana-okafor",
                    organization="Nordlicht GmbH",
                    title="Head of Research",
                    categories=("Work", "Friends, old"),
                )
            ],
            [NOT_A_PERSON],
        ),
        (
            "google.vcf",
            {"region": "DE", "owner_emails": ("mara@example.com",)},
            [
                Contact(
                    uid="",
                    name="Jonas Weiß",
                    emails=("jonas@example.com",),
                    phones=("+4915123456789",),
                    organization="Atelier Nord",
                    categories=("myContacts",),
                )
            ],
            [OWN_CARD, EMPTY_CARD],
        ),
        (
            "outlook21.vcf",
            {},
            [
                Contact(
                    uid="",
                    name="Jürgen Müller",
                    emails=("juergen@example.com",),
                    phones=("+4930901820",),
                    organization="Bäckerei Müller",
                    title="Geschäftsführer",
                )
            ],
            [],
        ),
        (
            "android21.vcf",
            {},
            [Contact(uid="", name="めい たなか", emails=("mei@example.com",), phones=("+819012345678",))],
            [],
        ),
        (
            "nextcloud40.vcf",
            {},
            [
                Contact(
                    uid="3f2504e0-4f89-41d3-9a0c-0305e82c3301",
                    name="Björn Lindqvist",
                    emails=("bjorn@example.com",),
                    phones=("+46701234567",),
                    linkedin="björn-l",
                    organization="Norrsken AB",
                    timezone="Europe/Stockholm",
                )
            ],
            [],
        ),
    ],
)
def test_every_producer(
    file: str, settings: dict[str, Any], expected: list[Contact], skips: list[str]
) -> None:
    """Each producer's card becomes one contact with every fact in it; the rest is left out by reason."""
    found = changes_of(pull(FIXTURES / file, settings=settings))
    got = contacts(found)
    assert [
        contact if wanted.uid else Contact(**{**_fields(contact), "uid": ""})
        for contact, wanted in zip(got, expected, strict=True)
    ] == expected
    assert [change.reason for change in found if isinstance(change, Skipped)] == skips
    assert len(found) == len(expected) + len(skips)


def _fields(contact: Contact) -> dict[str, Any]:
    return {name: getattr(contact, name) for name in contact.__struct_fields__}


@pytest.mark.parametrize(
    ("rev", "stamp"),
    [
        ("2026-03-01T09:00:00+01:00", "20260301T080000Z"),
        ("20260301T080000Z", "20260301T080000Z"),
        ("20260301T030000-0500", "20260301T080000Z"),
        ("2026-03-01T08:00:00.123Z", "20260301T080000Z"),
        ("2026-03-01", "20260301T000000Z"),
        ("yesterday", "20000101T000000Z"),
        ("2026-02-30T00:00:00Z", "20000101T000000Z"),
    ],
)
def test_revision(rev: str, stamp: str) -> None:
    """REV in any spelling gives one UTC stamp; one that is no time gives way to the file's."""
    (change,) = cards(a_card("FN:Ana", f"REV:{rev}"), stamp="20000101T000000Z")
    assert isinstance(change, Upsert)
    assert change.stamp == stamp


@pytest.mark.parametrize(
    ("line", "slug"),
    [
        ("URL:https://uk.linkedin.com/in/ana?trk=x", "ana"),
        ("X-SOCIALPROFILE;type=linkedin;x-user=ana-o:x-apple:ana-o", "ana-o"),
        ("X-SOCIALPROFILE;type=linkedin:https://www.linkedin.com/in/ana", "ana"),
        ("X-LINKEDIN:ana-o", "ana-o"),
        ("SOCIALPROFILE;SERVICE-TYPE=LinkedIn;VALUE=text:ana-o", "ana-o"),
        ("X-SOCIALPROFILE;type=twitter;x-user=ana:x-apple:ana", ""),
        ("URL:javascript:alert(1)//linkedin.com/in/ana", ""),
        ("URL:https://www.linkedin.com/company/acme", ""),
    ],
)
def test_linkedin(line: str, slug: str) -> None:
    """A LinkedIn profile is found wherever producers put it, and nothing else is taken for one."""
    (contact,) = contacts(cards(a_card("FN:Ana", line)))
    assert contact.linkedin == slug


@pytest.mark.parametrize(
    ("written", "region", "number"),
    [
        ("+49 (0)151 2345678", "", "+491512345678"),
        ("tel:+1-212-555-0123;ext=5", "", "+12125550123"),
        ("(212) 555-0123", "US", "+12125550123"),
        ("(212) 555-0123", "", "2125550123"),
        ("٠١٥١٢٣", "", "015123"),
        ("112", "DE", "112"),
        ("ask me", "", ""),
    ],
)
def test_phone(written: str, region: str, number: str) -> None:
    """Numbers with + become E.164 anywhere, others only where a region is known; the rest is digits."""
    (contact,) = contacts(cards(a_card("FN:Ana", f"TEL:{written}"), region=region))
    assert contact.phones == ((number,) if number else ())


def test_fold_within_a_character() -> None:
    """Bytes are unfolded before they are decoded: a fold may cut through a UTF-8 character."""
    raw = "FN:Hélène".encode()
    cut = raw.index(b"\xa9")
    found = cards(b"BEGIN:VCARD\r\n" + raw[:cut] + b"\r\n " + raw[cut:] + b"\r\nEND:VCARD\r\n")
    assert [contact.name for contact in contacts(found)] == ["Hélène"]


def test_charset_of_a_property() -> None:
    """Each property of a 2.1 card may name its own charset."""
    raw = (
        b"BEGIN:VCARD\nVERSION:2.1\nFN;CHARSET=KOI8-R:"
        + "Ирина".encode("koi8-r")
        + b"\nTITLE;CHARSET=no-such:Chef\nEND:VCARD\n"
    )
    (contact,) = contacts(cards(raw))
    assert (contact.name, contact.title) == ("Ирина", "Chef")


def test_one_broken_card_does_not_stop_the_rest() -> None:
    """A card that cannot be read is reported with its place; those around it are read."""
    text = (
        a_card("FN:Ana") + a_card("this is no property", "nor this") + a_card("FN:Tom") + "BEGIN:VCARD\nFN:Le"
    )
    found = cards(text)
    assert [contact.name for contact in contacts(found)] == ["Ana", "Tom"]
    assert [change for change in found if isinstance(change, Unreadable)] == [
        Unreadable("book.vcf, card 2 at line 5", "none of its lines can be read"),
        Unreadable("book.vcf, card 4 at line 14 (Le)", "the file ends in the middle of it"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "BEGIN:VCARD\nFN:Ana\nBEGIN:VCARD\nFN:Tom\nEND:VCARD\n",
        "BEGIN:VCARD\nFN:Ana\nEND:VCARDBEGIN:VCARD\nFN:Tom\nEND:VCARD\n",
        "begin:vcard\nfn:Ana\nEnd: vCard\n\n\nBEGIN: VCARD\nFN:Tom\nEND:VCALENDAR\n",
        "BEGIN:VCARD\nFN:Ana\nAGENT:\nBEGIN:VCARD\nFN:Secretary\nEND:VCARD\nEND:VCARD\nBEGIN:VCARD\nFN:Tom\nEND:VCARD\n",
    ],
)
def test_wrong_ends(text: str) -> None:
    """Missing, joined and misspelt END lines cost no card."""
    assert [contact.name for contact in contacts(cards(text))] == ["Ana", "Tom"]


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (["N:Okafor;Ana;Maria;Dr.;"], "Ana Maria Okafor"),
        (["FN:", "N:Okafor;Ana,Maria;;;"], "Ana Maria Okafor"),
        (["N:O\\;Kafor;Ana"], "Ana O;Kafor"),
        (["NICKNAME:Annie", "EMAIL:ana@example.com"], "Annie"),
        (["FN:ana@example.com", "EMAIL:Ana@example.com"], ""),
        (["FN:\u202eevil\x07 name", "EMAIL:a@example.com"], "evil name"),
    ],
)
def test_names(lines: list[str], name: str) -> None:
    """A missing FN is made from N; a name that only repeats the address is none; tricks are stripped."""
    assert [contact.name for contact in contacts(cards(a_card(*lines)))] == [name]


def test_the_same_card_in_two_files_is_one(tmp_path: Path) -> None:
    """Takeout's group files repeat cards: without a UID, equal facts give equal ids."""
    (tmp_path / "All Contacts.vcf").write_text(a_card("FN:Ana", "EMAIL:ana@example.com", "NOTE:x"))
    (tmp_path / "My Group.vcf").write_text(a_card("EMAIL:Ana@example.com", "FN:Ana"))
    ids = [change.id for change in changes_of(pull(tmp_path)) if isinstance(change, Upsert)]
    assert len(ids) == 2
    assert len(set(ids)) == 1


def test_an_unchanged_file_is_not_read_again(tmp_path: Path) -> None:
    """The second pull says how many are the same, and repeats what was left out and why."""
    file = tmp_path / "book.vcf"
    file.write_text(a_card("FN:Ana") + a_card("NOTE:x") + "BEGIN:VCARD\nFN:Cut")
    first = pull(file)
    assert first[-1].last
    again = pull(file, cursor=first[-1].checkpoint)
    assert changes_of(again) == [
        Same(1),
        Skipped(EMPTY_CARD),
        Unreadable("book.vcf, card 3 at line 9 (Cut)", "the file ends in the middle of it"),
    ]
    os.utime(file, (1, 1))
    assert changes_of(pull(file, cursor=first[-1].checkpoint))[0] == Same(1)
    file.write_text(a_card("FN:Ana") + a_card("FN:Tom"))
    assert len(contacts(changes_of(pull(file, cursor=first[-1].checkpoint)))) == 2


def test_resuming_from_any_page_loses_nothing(tmp_path: Path) -> None:
    """Pages hold at most 500 changes, and what follows each checkpoint completes what came before it."""
    file = tmp_path / "book.vcf"
    file.write_text("".join(a_card(f"FN:Person {n}", f"EMAIL:p{n}@example.com") for n in range(1_234)))
    pages = pull(file)
    every = [change.id for change in changes_of(pages) if isinstance(change, Upsert)]
    assert len(every) == 1_234
    assert [len(page.changes) for page in pages] == [500, 500, 234]
    for stop, page in enumerate(pages, start=1):
        rest = changes_of(pull(file, cursor=page.checkpoint))
        before = [change.id for change in changes_of(pages[:stop]) if isinstance(change, Upsert)]
        after = [change.id for change in rest if isinstance(change, Upsert)]
        assert before + after == every


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<!DOCTYPE html><html>", "web page"),
        (b"", "BEGIN:VCARD"),
        (b"hello", "BEGIN:VCARD"),
        (b"\xff\xfeB\x00", "UTF-16"),
        (b"PK\x03\x04....", "ZIP"),
    ],
)
def test_other_formats_are_refused(tmp_path: Path, content: bytes, words: str) -> None:
    """A file that is no address book is refused whole, in words that say what it is."""
    file = tmp_path / "book.vcf"
    file.write_bytes(content)
    with pytest.raises(UnreadableFile, match=words):
        pull(file)


def test_in_a_folder_a_strange_file_is_one_reject(tmp_path: Path) -> None:
    """In a folder the rest is read, and links are not followed."""
    (tmp_path / "a.vcf").write_bytes(b"<html>")
    (tmp_path / "b.vcf").write_text(a_card("FN:Ana"))
    (tmp_path / "c.vcf").symlink_to(tmp_path / "b.vcf")
    found = changes_of(pull(tmp_path))
    assert [type(change) for change in found] == [Unreadable, Upsert]


def test_a_strange_cursor_is_dead(tmp_path: Path) -> None:
    """A cursor of another connector is refused, so that the caller starts anew."""
    with pytest.raises(CursorExpired):
        pull(FIXTURES / "apple.vcf", cursor=Cursor("not ours"))


def test_recognise() -> None:
    """Content decides; a name alone is a weak sign."""
    assert recognise("x", b"\xef\xbb\xbf\r\nBEGIN:VCARD\r\n") == 100
    assert recognise("x.vcf", b"<html>") == 40
    assert recognise("x.txt", b"hello BEGIN:VCARD") == 0
    for file in FIXTURES.glob("*.vcf"):
        assert recognise(str(file), file.read_bytes()) == 100


@given(st.binary(max_size=400))
def test_any_bytes(raw: bytes) -> None:
    """No bytes make the reader fail, within a card or around it."""
    list(read_cards(io.BytesIO(raw), Book("b")))
    list(read_cards(io.BytesIO(b"BEGIN:VCARD\n" + raw + b"\nEND:VCARD\n"), Book("b")))


PROPERTY = st.sampled_from(
    ["FN", "N", "EMAIL", "TEL", "ORG", "REV", "UID", "URL", "item1.EMAIL", "TZ", "CATEGORIES"]
)
PARAMETER = st.sampled_from(
    ["", ";TYPE=a,b", ';TYPE="x:y"', ";ENCODING=QUOTED-PRINTABLE", ";CHARSET=idna", ';"', ";B"]
)


@given(st.lists(st.tuples(PROPERTY, PARAMETER, st.text(max_size=30)), max_size=8))
def test_any_values(lines: list[tuple[str, str, str]]) -> None:
    """Whatever stands in the properties, each card gives one change."""
    text = a_card(
        *(
            f"{name}{parameter}:{value.splitlines()[0] if value.splitlines() else ''}"
            for name, parameter, value in lines
        )
    )
    raw = text.encode("utf-8", "surrogatepass")
    assert len(cards(raw)) == 1


def hostile_cards() -> Iterator[tuple[str, bytes]]:
    yield "one line", b"BEGIN:VCARD\nFN:" + b"a" * 2_000_000 + b"\nEND:VCARD\n"
    yield "folds", b"BEGIN:VCARD\nFN:a" + b"\n a" * 500_000 + b"\nEND:VCARD\n"
    yield (
        "soft breaks",
        b"BEGIN:VCARD\nFN;ENCODING=QUOTED-PRINTABLE:a=" + b"\na=" * 500_000 + b"\nEND:VCARD\n",
    )
    yield "quotes", b"BEGIN:VCARD\nFN;" + b'X="' * 20_000 + b":" * 20_000 + b"\nEND:VCARD\n"
    yield "values", b"BEGIN:VCARD\n" + b"EMAIL:a@example.com\n" * 50_000 + b"END:VCARD\n"
    yield "escapes", b"BEGIN:VCARD\nCATEGORIES:" + b"\\," * 32_000 + b"\nEND:VCARD\n"
    yield "agents", b"BEGIN:VCARD\nAGENT:\n" * 50_000


@pytest.mark.parametrize(("name", "raw"), [pytest.param(*case, id=case[0]) for case in hostile_cards()])
def test_hostile_cards_are_bounded(name: str, raw: bytes) -> None:
    """Large and twisted cards cost time in proportion to their size."""
    begin = time.process_time()
    list(read_cards(io.BytesIO(raw), Book("b")))
    assert time.process_time() - begin < 6

"""LinkedIn's data export: every era, container and encoding; what counts as a row and what becomes of it."""

import csv
import io
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import linkedin_export
from connectors._linkedin_names import visible_name
from connectors._linkedin_records import recipients
from schemas.connector import Page, Reading, Same, Skipped, TextContext, Unreadable, Upsert
from schemas.errors import UnreadableFile
from schemas.records import (
    Connection,
    ConnectionNote,
    Contact,
    DirectMessage,
    Endorsement,
    ExportSeen,
    Invitation,
    OwnProfile,
    Position,
    ProfileRef,
    Recommendation,
    SourceRecord,
)
from tests.contract.source import SourceContract, an_access, changes_of, pages_of, upserts_of
from tests.cost import cpu_seconds

FIXTURES = Path(__file__).parents[1] / "fixtures" / "linkedin"
SPEC = linkedin_export.SPEC
floating = datetime.fromisoformat
HEADER = ("First Name", "Last Name", "URL", "Email Address", "Company", "Position", "Connected On")
ANA = ("Ana", "Okafor", "https://www.linkedin.com/in/ana-okafor", "", "Northwind", "Head", "08 Feb 2026")
TOM = ("Tom", "Mehta", "https://www.linkedin.com/in/tom-mehta", "", "Nordlicht", "Buyer", "15 Jan 2017")

R = TypeVar("R", bound=SourceRecord)


def fixture(name: str) -> bytes:
    return (FIXTURES / name).read_bytes()


def a_csv(*rows: Sequence[str], separator: str = ",") -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def a_file(folder: Path, content: bytes, name: str = "Connections.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def a_zip(
    folder: Path,
    members: dict[str, bytes],
    name: str = "Basic_LinkedInDataExport_02-09-2026.zip",
    written_on: tuple[int, int, int] = (1980, 1, 1),
) -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members.items():
            archive.writestr(zipfile.ZipInfo(member, (*written_on, 0, 0, 0)), content)
    return path


def a_whole_export() -> dict[str, bytes]:
    return {
        "Connections.csv": fixture("connections_2023.csv"),
        "messages.csv": fixture("messages_2026.csv"),
        "Endorsement_Received_Info.csv": fixture("endorsements_received_utf16.csv"),
        **{
            name: fixture(name)
            for name in (
                "Invitations.csv",
                "Recommendations_Received.csv",
                "Recommendations Given.csv",
                "Profile.csv",
                "Email Addresses.csv",
                "Positions.csv",
                "ImportedContacts.csv",
                "Notes.csv",
            )
        },
    }


def records(path: Path, kind: type[R], **more: Any) -> list[R]:
    return [
        change.record
        for change in changes_of(pages_of(SPEC, path, **more))
        if isinstance(change, Upsert) and isinstance(change.record, kind)
    ]


def rows_of(pages: Iterable[Page]) -> Counter[str]:
    """Data rows by what became of them, as an import counts them."""
    rows: Counter[str] = Counter()
    for change in changes_of(pages):
        match change:
            case Upsert():
                rows["held"] += change.is_row
            case Same():
                rows["held"] += change.count
            case Skipped():
                rows[change.reason] += change.count
            case Unreadable():
                rows["rejected"] += 1
    return rows


def rejects(path: Path) -> list[Unreadable]:
    return [change for change in changes_of(pages_of(SPEC, path)) if isinstance(change, Unreadable)]


class TestLinkedInContract(SourceContract):
    """Without ties, whose streams carry the export's day and are tested below."""

    spec = SPEC

    def given(self, folder: Path) -> Path:
        members = a_whole_export()
        del members["Connections.csv"]
        return a_zip(folder, members)

    def grown(self, path: Path) -> set[str]:
        before = set(upserts_of(pages_of(SPEC, path)))
        row = b'Ana Okafor,Sam Owner,"2/8/26, 9:05 AM",,INCOMING,www.linkedin.com/in/ana-okafor,\n'
        self._rewrite(path, row)
        return {str(name) for name in set(upserts_of(pages_of(SPEC, path))) - before}

    def spoiled(self, path: Path) -> bool:
        self._rewrite(path, b"Ana Okafor,Sam Owner,never,,INCOMING,,\n")
        return True

    def _rewrite(self, path: Path, row: bytes) -> None:
        members = a_whole_export()
        del members["Connections.csv"]
        members["Invitations.csv"] += row
        a_zip(path.parent, members)


# --- Connections -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "connections_2016_outlook.csv",
            {
                "email:ana.okafor@example.com": ("Ana Okafor", "Northwind Example", "Head of Research", None),
                "email:bjorn@example.test": ("Björn Lindqvist", "Nordlicht", "Engineer", None),
            },
        ),
        (
            "connections_2017.csv",
            {
                "email:ana.okafor@example.com": (
                    "Ana Okafor",
                    "Northwind Example",
                    "Head of Research",
                    date(2017, 3, 3),
                ),
                "36348f3b874f5e04": ("Björn Lindqvist", "Nordlicht", "Engineer", date(2017, 1, 15)),
            },
        ),
        (
            "connections_2021_preamble.csv",
            {
                "email:ana.okafor@example.com": (
                    "Ana Okafor",
                    "Northwind Example",
                    "Head of Research",
                    date(2021, 9, 8),
                ),
                "36348f3b874f5e04": ("Björn Lindqvist", "Nordlicht", "Engineer", date(2017, 1, 15)),
            },
        ),
        (
            "connections_2023.csv",
            {
                "ana-okafor": (
                    "Ana Okafor, PhD, MBA",
                    "Northwind Example",
                    "Head of Research & Insight",
                    date(2026, 2, 8),
                ),
                "hélène-roy": ('Tom Mehta "TJ"', "Atelier Nord", "", date(2026, 1, 21)),
                "bjorn-lindqvist": ("Björn Lindqvist", "Nordlicht", "Engineer", date(2017, 1, 15)),
                "email:nadia@example.com": ("Nadia Haddad", "", "", date(2017, 1, 14)),
                "23e53faa86f9cdb6": ("Li Wei", "Example Steel", "Buyer", date(2017, 1, 13)),
            },
        ),
        (
            "connections_excel_semicolon.csv",
            {
                "ana-okafor": (
                    "Ana Okafor",
                    "Northwind Example",
                    "Head of Research; Insight",
                    date(2026, 2, 3),
                ),
                "bjorn-lindqvist": ("Björn Lindqvist", "Nordlicht", "Engineer", date(2017, 1, 15)),
            },
        ),
        (
            "connections_excel_cp1252.csv",
            {"zoe-mueller": ("Zoë Müller", "Bäckerei", "Inhaberin", date(2021, 4, 4))},
        ),
    ],
)
def test_connections_of_every_era(name: str, expected: dict[str, tuple[str, str, str, date | None]]) -> None:
    """Each era's list gives the same facts, with ids from slug, else address, else name and day."""
    held = upserts_of(pages_of(SPEC, FIXTURES / name))
    ties = {
        id_: (tie.record.name, tie.record.organization, tie.record.title, tie.record.connected_on)
        for id_, tie in held.items()
        if isinstance(tie.record, Connection)
    }
    assert ties == expected
    seen = held[next(id_ for id_ in held if id_ == "export")].record
    assert isinstance(seen, ExportSeen)
    assert set(seen.connections) == set(expected)
    assert seen.is_complete


def test_every_row_is_accounted_for(tmp_path: Path) -> None:
    """Hidden rows and rows without a person are counted; what a file says as a whole is no row."""
    assert rows_of(pages_of(SPEC, FIXTURES / "connections_2023.csv")) == {
        "held": 5,
        "hidden profile": 1,
        "no person named": 1,
    }
    pages = pages_of(SPEC, a_zip(tmp_path, a_whole_export()))
    assert rows_of(pages) == {
        # 5 ties, 4 own rows, 2 posts, 5 messages, 2 invitations, 3 recommendations, 3 endorsements, note, contact
        "held": 5 + 4 + 2 + 5 + 2 + 3 + 3 + 1 + 1,
        "hidden profile": 1,
        "no person named": 3,
        "spam": 1,
        "draft": 1,
        "rejected": 2,
    }


def test_ties_stand_in_a_stream_of_their_export(tmp_path: Path) -> None:
    """Ties are dated by their export and kept apart by it, all else is one stream."""
    pages = pages_of(SPEC, a_zip(tmp_path, a_whole_export()))
    assert {page.stream for page in pages} == {"linkedin/2026-02-09", "linkedin"}
    ties = [c.record for p in pages for c in p.changes if isinstance(c, Upsert) and p.stream != "linkedin"]
    assert {type(tie) for tie in ties} == {Connection, ExportSeen}
    assert {tie.exported_on for tie in ties if isinstance(tie, Connection | ExportSeen)} == {date(2026, 2, 9)}


@pytest.mark.parametrize(
    ("name", "written_on", "expected"),
    [
        ("Complete_LinkedInDataExport_11-20-2026.zip", (2025, 1, 1), date(2026, 11, 20)),
        ("Basic_LinkedInDataExport_11-20-2026 (1).zip", (2025, 1, 1), date(2026, 11, 20)),
        ("Basic_LinkedInDataExport_20-11-2026.zip", (2025, 1, 1), date(2026, 11, 20)),
        ("export.zip", (2026, 3, 1), date(2026, 3, 1)),
        ("export.zip", (2025, 1, 1), date(2026, 2, 8)),
        ("export.zip", (1980, 1, 1), date(2026, 2, 8)),
        ("Basic_LinkedInDataExport_11-20-2099.zip", (2026, 3, 1), date(2026, 3, 1)),
    ],
)
def test_export_date(tmp_path: Path, name: str, written_on: tuple[int, int, int], expected: date) -> None:
    """The name tells the export's day, else its members' times, else the newest thing in it; never the future."""
    path = a_zip(tmp_path, {"Connections.csv": a_csv(HEADER, ANA, TOM)}, name, written_on)
    assert records(path, ExportSeen)[0].exported_on == expected


def test_two_exports_differ_where_a_person_moved(tmp_path: Path) -> None:
    """Two exports give two lists with equal ids, so that they can be compared."""
    old = a_zip(
        tmp_path, {"Connections.csv": a_csv(HEADER, ANA, TOM)}, "Basic_LinkedInDataExport_02-09-2026.zip"
    )
    moved = (*ANA[:4], "Atelier Nord", "Partner", ANA[6])
    new = a_zip(
        tmp_path, {"Connections.csv": a_csv(HEADER, moved)}, "Basic_LinkedInDataExport_11-20-2026.zip"
    )
    assert records(old, ExportSeen)[0].connections == ("ana-okafor", "tom-mehta")
    assert records(new, ExportSeen)[0].connections == ("ana-okafor",)
    assert records(new, Connection)[0].organization == "Atelier Nord"


def test_a_list_with_a_gap_is_not_complete(tmp_path: Path) -> None:
    """After an unreadable row nobody may be said to have left."""
    bad = (*TOM[:6], "no day")
    path = a_file(tmp_path, a_csv(HEADER, ANA, bad))
    assert not records(path, ExportSeen)[0].is_complete
    assert [(r.where, r.reason) for r in rejects(path)] == [
        ("Connections.csv, line 3", "its date cannot be read: no day")
    ]


def test_a_longest_list_is_not_complete(tmp_path: Path) -> None:
    """LinkedIn lists at most 30,000: so long a list may miss some."""
    rows = [("", "", f"/in/p{number}", "", "", "", "08 Feb 2026") for number in range(30_000)]
    seen = records(a_file(tmp_path, a_csv(HEADER, *rows)), ExportSeen)[0]
    assert len(seen.connections) == 30_000
    assert not seen.is_complete
    assert records(a_file(tmp_path, a_csv(HEADER, *rows[1:])), ExportSeen)[0].is_complete


def test_later_of_two_ties_stays(tmp_path: Path) -> None:
    """A person who connected twice is one tie, of the later day, whatever the order of the rows."""
    older = (*ANA[:6], "01 Jan 2019")
    for rows in ((ANA, older), (older, ANA)):
        held = upserts_of(pages_of(SPEC, a_file(tmp_path, a_csv(HEADER, *rows))))
        tie = held[next(id_ for id_ in held if id_ == "ana-okafor")].record
        assert isinstance(tie, Connection)
        assert tie.connected_on == date(2026, 2, 8)


def test_header_is_found_below_any_preamble(tmp_path: Path) -> None:
    """No text above the header is matched, and a stray quotation mark in it swallows nothing."""
    for above in (
        b"",
        b'Hinweise:\n"Beim Export, bitte; beachten"\n\n',
        b'"never closed, ever\n\n\nx\n',
        b"sep=,\n",
    ):
        path = a_file(tmp_path, above + a_csv(HEADER, ANA))
        assert [tie.linkedin for tie in records(path, Connection)] == ["ana-okafor"]


def test_header_beyond_twenty_rows_is_refused(tmp_path: Path) -> None:
    """A header is looked for in the first 20 rows and no further."""
    with pytest.raises(UnreadableFile, match="first 20 rows"):
        pages_of(SPEC, a_file(tmp_path, b"x\n" * 21 + a_csv(HEADER, ANA)))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (a_csv(HEADER), "no row below"),
        (b"First Name,Company,Position\nAna,N,H\n", "no column Connected On or Email Address or Url"),
        (b"Company,Position,Connected On\nN,H,08 Feb 2026\n", "no column First Name"),
        (b"something else entirely\n", "no row of column names"),
        (b"\x00" * 500, "no row of column names"),
    ],
)
def test_files_without_a_table_are_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    """A file that gives no row is an error with its reason, never a success."""
    with pytest.raises(UnreadableFile, match=reason):
        pages_of(SPEC, a_file(tmp_path, content))


def test_foreign_headers(tmp_path: Path) -> None:
    """Column names of other interface languages are known, accents or not."""
    header = ("Vorname", "Nachname", "URL", "E-Mail-Adresse", "Unternehmen", "Position", "Connected On")
    assert records(a_file(tmp_path, a_csv(header, ANA)), Connection)[0].organization == "Northwind"
    header = ("Prénom", "Nom", "URL", "Adresse e-mail", "Entreprise", "Poste", "Connected On")
    assert records(a_file(tmp_path, a_csv(header, ANA)), Connection)[0].title == "Head"


def test_astray_quotes_are_told(tmp_path: Path) -> None:
    """Rows swallowed by an open quotation mark, and rows with a comma too many, are rejected with their line."""
    text = a_csv(HEADER, ANA).decode()
    path = a_file(tmp_path, f'{text}"Tom,Mehta,,,,,15 Jan 2017\nLi,Wei,,,,,1 Jan 2017\n'.encode())
    assert [r.where for r in rejects(path)] == ["Connections.csv, line 3"]
    path = a_file(tmp_path, f"{text}Tom,Mehta,PhD,,,,,15 Jan 2017\n".encode())
    assert "8 columns under 7" in rejects(path)[0].reason


def test_whole_column_decides_day_and_month(tmp_path: Path) -> None:
    """One unmistakable date settles the others."""
    rows = [(*ANA[:6], "03/02/2026"), (*TOM[:6], "25/01/2017")]
    assert records(a_file(tmp_path, a_csv(HEADER, *rows)), Connection)[0].connected_on == date(2026, 2, 3)


def test_endless_cells_are_bounded(tmp_path: Path) -> None:
    """A cell of megabytes is one reject, and the file's other rows are read."""
    text = a_csv(HEADER, ANA).decode()
    long = ",".join(("Tom", "Mehta", "", "", '"' + "x" * 3_000_000 + '"', "", "15 Jan 2017"))
    path = a_file(tmp_path, f"{text}{long}\n{a_csv(TOM).decode()}".encode())
    assert {tie.linkedin for tie in records(path, Connection)} >= {"ana-okafor", "tom-mehta"}
    assert any("longer than" in r.reason for r in rejects(path))


def test_rubbish_is_given_up(tmp_path: Path) -> None:
    """After a thousand rows that cannot be told apart the rest is left, and said to be."""
    path = a_file(tmp_path, a_csv(HEADER, ANA) + b"a,b,c,d,e,f,g,h\n" * 5_000)
    found = rejects(path)
    assert len(found) == 1_001
    assert "left unread" in found[-1].reason


# --- Names --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("✅ Tom 🚀", "Tom"),
        ("Meh\u200eta\u200b", "Mehta"),
        ("He\u0301le\u0300ne", "Hélène"),
        ("Ana\u00a0Maria", "Ana Maria"),
        ("Björn (he/him)", "Björn"),
        ("Ana Okafor, she/her/hers", "Ana Okafor"),
        ("Okafor, PhD, MBA", "Okafor, PhD, MBA"),
        ('Mehta "RM"', 'Mehta "RM"'),
        ("Anna (Annie)", "Anna (Annie)"),
        ("-Anna", "-Anna"),
        ("=1+1", "=1+1"),
        ("👩🏽‍💻 Zoë 1️⃣", "Zoë 1"),
        ("undefined", ""),
        ("山田 太郎", "山田 太郎"),
        ("Sheila Hermann", "Sheila Hermann"),
        ("A\u202eB", "AB"),
    ],
)
def test_names(raw: str, shown: str) -> None:
    """What cannot be seen, emoji and pronouns go; credentials, nicknames and everything else stay."""
    assert visible_name(raw) == shown


@given(st.text(max_size=80))
def test_cleaning_a_name_twice_equals_once(text: str) -> None:
    """A clean name is clean."""
    once = visible_name(text)
    assert visible_name(once) == once


@pytest.mark.parametrize(
    ("urls", "names", "expected"),
    [
        ("/in/a", "Smith, PhD, MBA", [("a", "Smith, PhD, MBA")]),
        ("/in/a,/in/b", "Ana Okafor, PhD, Tom", [("a", "Ana Okafor, PhD"), ("b", "Tom")]),
        ("/in/a,/in/b", "Ana, Tom, Li", [("a", ""), ("b", "")]),
        ("/in/a,/in/k", "Ana, Tom, Li", [("a", ""), ("k", "Known Name")]),
        ("", "Ana Okafor, PhD, Tom Mehta", [("", "Ana Okafor, PhD"), ("", "Tom Mehta")]),
        ("", "Ana Okafor, TJ Mehta", [("", "Ana Okafor"), ("", "TJ Mehta")]),
        ("", "", [("", "LinkedIn Member")]),
    ],
)
def test_recipients(urls: str, names: str, expected: list[tuple[str, str]]) -> None:
    """Addresses say how many there are; a name is given only where it is certain whose it is."""
    assert recipients(urls, names, {"k": "Known Name"}) == tuple(ProfileRef(*one) for one in expected)


# --- The other files -------------------------------------------------------------------------------------------------


def test_messages(tmp_path: Path) -> None:
    """Messages have sender, recipients and time; spam, drafts and campaigns are told apart."""
    found = {one.at: one for one in records(FIXTURES / "messages_2026.csv", DirectMessage)}
    ana = ProfileRef("ana-okafor", "Ana Okafor, PhD")
    sam = ProfileRef("sam-owner", "Sam Owner")
    asked = found[datetime(2026, 2, 1, 10, 0, tzinfo=UTC)]
    assert (asked.conversation, asked.sender, asked.to) == ("2-aaa==", ana, (sam,))
    trio = found[datetime(2026, 2, 2, 10, 5, tzinfo=UTC)]
    assert trio.to == (ana, ProfileRef("bjorn-lindqvist", "Björn Lindqvist"))
    assert found[datetime(2025, 2, 2, 10, 5, tzinfo=UTC)].sender == ProfileRef("", "LinkedIn Member")
    assert [one.sender.name for one in found.values() if one.is_campaign] == ["Example Cloud"]
    assert len(found) == 5


def test_messages_of_old_layouts(tmp_path: Path) -> None:
    """Layouts without recipients' addresses, conversation ids or a zone are read."""
    first, second = records(FIXTURES / "messages_2020.csv", DirectMessage)
    assert first.to == (ProfileRef("", "Sam Owner"),)
    assert second.at == datetime(2021, 5, 3, 9, 30, tzinfo=UTC)
    oldest = b'From,To,Date,Subject,Content,Direction,Folder\nAna,Sam,"03/25/15, 10:15 AM",Hi,Hello,INCOMING,INBOX\n'
    (one,) = records(a_file(tmp_path, oldest, "Messages.csv"), DirectMessage)
    assert one.at == datetime(2015, 3, 25, 10, 15, tzinfo=UTC)
    assert one.conversation


def test_texts_go_through_the_text_stage(tmp_path: Path) -> None:
    """HTML is said to be HTML, entities in plain text are resolved, and by `none` no excerpt is kept."""
    seen: list[tuple[str, bool]] = []

    def read_text(text: str, context: TextContext) -> Reading:
        seen.append((text, context.is_html))
        return Reading(excerpt=text)

    head = b"FROM,SENDER PROFILE URL,TO,DATE,CONTENT\n"
    body = b'Ana,/in/ana,Sam,2026-02-01 10:00:00 UTC,"%s"\n'
    texts = (b"<p>Hi</p>", b"a &amp; b\nc", b"1 < 2 > 0", b'<a href=""x"">Ana</a>\nhere')
    path = a_file(tmp_path, head + b"".join(body % text for text in texts), "messages.csv")
    kept = records(path, DirectMessage, read_text=read_text, keep_text="none")
    assert seen == [
        ("<p>Hi</p>", True),
        ("a & b\nc", False),
        ("1 < 2 > 0", False),
        ('<a href="x">Ana</a><br>here', True),
    ]
    assert {one.excerpt for one in kept} == {""}


def test_a_message_has_one_id_in_all_exports(tmp_path: Path) -> None:
    """The same message in a later export, re-saved by a spreadsheet, has the same id and a greater stamp."""
    row = ("2-a", "Ana", "/in/ana", "Sam", "2026-02-01 10:00:00 UTC", "one\ntwo")
    header = ("CONVERSATION ID", "FROM", "SENDER PROFILE URL", "TO", "DATE", "CONTENT")
    resaved = ("2-a", "Ana", "/in/ana", "Sam", "2026-02-01 10:00:00 UTC", "one\r\ntwo")
    old = a_zip(tmp_path, {"messages.csv": a_csv(header, row)}, "x_02-09-2026.zip")
    new = a_zip(tmp_path, {"messages.csv": a_csv(header, resaved, separator=";")}, "x_11-20-2026.zip")
    ((one, before),), ((other, after),) = (upserts_of(pages_of(SPEC, path)).items() for path in (old, new))
    assert one == other
    assert before.stamp < after.stamp


def test_invitations(tmp_path: Path) -> None:
    """The person is the other side; the time floats, as no zone is named; U+202F is a blank."""
    out, in_ = records(FIXTURES / "Invitations.csv", Invitation)
    assert (out.person, out.at, out.direction) == (
        ProfileRef("priya-raman", "Priya Raman"),
        floating("2026-01-29 14:37:00"),
        "out",
    )
    assert (in_.person.linkedin, in_.at, in_.direction) == (
        "tom-mehta",
        floating("2026-02-03 09:05:00"),
        "in",
    )


def test_recommendations(tmp_path: Path) -> None:
    """Dates that lost their quotes are mended, and the file's name tells given from received."""
    first, second = records(FIXTURES / "Recommendations_Received.csv", Recommendation)
    assert (first.at, first.direction) == (floating("2022-08-30 17:51:00"), "in")
    assert (second.at, second.status) == (floating("2022-09-14 11:20:00"), "HIDDEN")
    (given_one,) = records(FIXTURES / "Recommendations Given.csv", Recommendation)
    assert (given_one.at, given_one.direction) == (floating("2026-03-29 00:00:00"), "out")
    with pytest.raises(UnreadableFile, match="given or received"):
        pages_of(SPEC, a_file(tmp_path, fixture("Recommendations_Received.csv"), "table.csv"))


def test_endorsements_collapse(tmp_path: Path) -> None:
    """All skills of one person and day are one record; each row is accounted for."""
    path = FIXTURES / "endorsements_received_utf16.csv"
    first, second = records(path, Endorsement)
    assert first.person == ProfileRef("ana-okafor", "Ana Okafor")
    assert (first.at, first.skills) == (
        datetime(2026, 1, 5, 10, 11, 9, tzinfo=UTC),
        ("Negotiation", "Pricing"),
    )
    assert (second.skills, second.direction) == (("Pricing",), "in")
    assert rows_of(pages_of(SPEC, path)) == {"held": 3, "no person named": 1}


def test_owner(tmp_path: Path) -> None:
    """The owner is put together from all files; addresses nobody confirmed are not theirs."""
    (me,) = records(a_zip(tmp_path, a_whole_export()), OwnProfile)
    assert me == OwnProfile(
        name="Sam Owner",
        emails=("sam.owner@example.com", "sam.old@example.com"),
        linkedin="sam-owner",
        headline="Platform lead",
    )


def test_owner_is_inferred_from_messages(tmp_path: Path) -> None:
    """Who sends under the profile's name is the owner; without a profile, who takes part everywhere."""
    header = ("FROM", "SENDER PROFILE URL", "TO", "RECIPIENT PROFILE URLS", "DATE", "CONTENT")
    rows = [
        ("Ana", "/in/ana", "Sam", "/in/sam", "2026-02-01 10:00:00 UTC", "1"),
        ("Sam", "/in/sam", "Tom", "/in/tom", "2026-02-02 10:00:00 UTC", "2"),
    ]
    messages = a_csv(header, *rows)
    (me,) = records(a_file(tmp_path, messages, "messages.csv"), OwnProfile)
    assert (me.linkedin, me.name) == ("sam", "Sam")
    profile = b"First Name,Last Name,Headline\nAna,,x\n"
    (me,) = records(a_zip(tmp_path, {"messages.csv": messages, "Profile.csv": profile}), OwnProfile)
    assert me.linkedin == "ana"
    assert not records(a_file(tmp_path, a_csv(header, rows[0]), "messages.csv"), OwnProfile)


def test_owner_who_was_only_written_to(tmp_path: Path) -> None:
    """Whom messages went to under the profile's name is the owner, where nobody sent any under it."""
    header = ("FROM", "SENDER PROFILE URL", "TO", "RECIPIENT PROFILE URLS", "DATE", "CONTENT")
    row = ("Ana", "/in/ana", "Sam Owner", "/in/sam", "2026-02-01 10:00:00 UTC", "1")
    profile = b"First Name,Last Name,Headline\nSam,Owner,x\n"
    export = {"messages.csv": a_csv(header, row), "Profile.csv": profile}
    (me,) = records(a_zip(tmp_path, export), OwnProfile)
    assert (me.linkedin, me.name) == ("sam", "Sam Owner")


def test_positions_contacts_notes() -> None:
    """Posts have months, uploads several values a cell, notes their whole text."""
    first, second = records(FIXTURES / "Positions.csv", Position)
    assert (first.started_on, first.finished_on) == (date(2021, 3, 1), None)
    assert (second.started_on, second.finished_on) == (date(2017, 1, 1), date(2021, 2, 1))
    (uploaded,) = records(FIXTURES / "ImportedContacts.csv", Contact)
    assert (uploaded.name, uploaded.origin) == ("Priya Raman", "upload")
    assert uploaded.emails == ("priya@example.com", "p.raman@example.test")
    assert uploaded.phones == ("+351912345678", "01715550100")
    (kept,) = records(FIXTURES / "Notes.csv", ConnectionNote)
    assert kept.person == ProfileRef("ana-okafor", "Ana Okafor")
    assert kept.text == "Met at the pricing workshop, likes early calls."


def test_since_leaves_out_what_is_older() -> None:
    """What happened before the day asked for is skipped; ties are the present and stay."""
    pages = pages_of(SPEC, FIXTURES / "messages_2026.csv", since=date(2026, 2, 1))
    assert rows_of(pages)["before --since"] == 2
    assert len(records(FIXTURES / "connections_2023.csv", Connection, since=date(2026, 2, 1))) == 5


def test_dates_that_cannot_be_true_are_rejected(tmp_path: Path) -> None:
    """A message from the future or from before LinkedIn is no evidence of anything."""
    head = b"FROM,SENDER PROFILE URL,TO,DATE,CONTENT\n"
    rows = b"Ana,/in/a,Sam,2031-01-01 10:00:00 UTC,x\nAna,/in/a,Sam,1999-01-01 10:00:00 UTC,x\n"
    assert len(rejects(a_file(tmp_path, head + rows, "messages.csv"))) == 2


# --- Containers --------------------------------------------------------------------------------------------------------


def _facts(path: Path) -> dict[str, SourceRecord]:
    return {str(id_): upsert.record for id_, upsert in upserts_of(pages_of(SPEC, path)).items()}


def test_zip_and_folder_say_the_same(tmp_path: Path) -> None:
    """An export says the same packed, unpacked, and with one folder at its top; names of any spelling."""
    members = a_whole_export()
    packed = _facts(a_zip(tmp_path, members))
    topped = {f"Basic_LinkedInDataExport_02-09-2026/{name}": content for name, content in members.items()}
    noise = {"__MACOSX/._Connections.csv": b"\x00", "Jobs/Saved Jobs.csv": b"a,b\n"}
    assert _facts(a_zip(tmp_path, topped | noise)) == packed
    folder = tmp_path / "Basic_LinkedInDataExport_02-09-2026"
    folder.mkdir()
    for name, content in members.items():
        (folder / name.upper().replace(" ", "_").replace(".CSV", "_123456.csv")).write_bytes(content)
    assert _facts(folder) == packed


def test_guides_and_coaches_are_not_read(tmp_path: Path) -> None:
    """Side files under like names are not the owner's messages."""
    members = {
        "Connections.csv": a_csv(HEADER, ANA),
        "learning_coach_messages.csv": fixture("messages_2026.csv"),
    }
    assert not records(a_zip(tmp_path, members), DirectMessage)


def test_one_bad_member_stops_nothing(tmp_path: Path) -> None:
    """A member without its key column is named with what is wanting; the others are read."""
    members = {"Connections.csv": a_csv(HEADER, ANA), "Invitations.csv": b"From,To,Sent At\nA,B,1/1/26\n"}
    path = a_zip(tmp_path, members)
    assert rejects(path) == [Unreadable("Invitations.csv", "Invitations.csv has no column Direction.")]
    assert len(records(path, Connection)) == 1


def test_sentences_instead_of_tables_are_nothing(tmp_path: Path) -> None:
    """A side file that says it has nothing to say is no error."""
    members = {
        "Connections.csv": a_csv(HEADER, ANA),
        "messages.csv": b"No conversations found\n",
        "Notes.csv": b"",
    }
    assert not rejects(a_zip(tmp_path, members))


def test_empty_connections_are_never_a_success(tmp_path: Path) -> None:
    """A list of ties without a row is told, though other files are read."""
    members = {"Connections.csv": b"Notes:\n", "Invitations.csv": fixture("Invitations.csv")}
    assert any(reject.where == "Connections.csv" for reject in rejects(a_zip(tmp_path, members)))


@pytest.mark.parametrize(
    "members",
    [
        {"readme.txt": b"x"},
        {"Connections.csv": b"garbage\n"},
        {"a/Connections.csv": b"x", "b/Connections.csv": b"y"},
        {"../Connections.csv": a_csv(HEADER, ANA)},
    ],
)
def test_archives_with_nothing_to_read_are_refused(tmp_path: Path, members: dict[str, bytes]) -> None:
    """An archive of which nothing can be understood is refused whole, with words on why."""
    with pytest.raises(UnreadableFile) as refused:
        pages_of(SPEC, a_zip(tmp_path, members))
    assert str(refused.value)


@pytest.mark.parametrize("name", sorted(path.name for path in FIXTURES.glob("*.csv")))
def test_samples_are_recognised(name: str) -> None:
    """Each sample is known, but the bare address book of 2016 under a name that says nothing."""
    sure = linkedin_export.recognise(str(FIXTURES / name), fixture(name)[:65_536])
    assert (sure >= 80) is (name != "connections_2016_outlook.csv")


def test_other_things_are_not_recognised(tmp_path: Path) -> None:
    """Other archives, tables and folders are not claimed."""
    for content, name in (
        (b"a,b\n1,2\n", "table.csv"),
        (b"From ana@example.com\n", "mail.mbox"),
        (b"PK\x03\x04 broken", "x.zip"),
        (b"", "empty.csv"),
    ):
        assert linkedin_export.recognise(str(a_file(tmp_path, content, name)), content) < 50
    assert linkedin_export.recognise(str(tmp_path), b"") == 0
    assert linkedin_export.recognise(str(a_zip(tmp_path, {"mail.mbox": b"x"})), b"PK\x03\x04") == 0
    assert linkedin_export.recognise(str(FIXTURES), b"") >= 50
    unpacked = tmp_path / "downloads" / "Basic_LinkedInDataExport_02-09-2026"
    unpacked.mkdir(parents=True)
    a_file(unpacked, a_csv(HEADER, ANA))
    assert linkedin_export.recognise(str(unpacked.parent), b"") >= 50
    (unpacked.parent / "mail").mkdir()
    assert linkedin_export.recognise(str(unpacked.parent), b"") == 0


def test_unchanged_export_is_known_at_once(tmp_path: Path) -> None:
    """The same file again is counted without being read, rejects included; a newer one is read."""
    path = a_zip(tmp_path, a_whole_export())
    pages = pages_of(SPEC, path)
    again = pages_of(SPEC, path, pages[-1].checkpoint)
    assert not upserts_of(again)
    assert rows_of(again) == rows_of(pages)
    assert upserts_of(pages_of(SPEC, path, pages[-1].checkpoint, keep_text="none"))


# --- Properties and bounds -----------------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(
    content=st.one_of(
        st.binary(max_size=400),
        st.binary(max_size=200).map(lambda raw: a_csv(HEADER, ANA) + raw),
        st.lists(st.lists(st.text(max_size=12), max_size=9), max_size=8).map(lambda r: a_csv(HEADER, *r)),
        st.text(max_size=200).map(lambda text: text.encode("utf-16", "surrogatepass")),
    ),
    name=st.sampled_from(["Connections.csv", "messages.csv", "Invitations.csv", "Positions.csv", "x.csv"]),
)
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str
) -> None:
    """Nothing but typed errors and counted rejects comes of any file."""
    path = a_file(tmp_path_factory.mktemp("any"), content, name)
    linkedin_export.recognise(str(path), content)
    try:
        pages = pages_of(SPEC, path)
    except UnreadableFile:
        return
    assert sum(rows_of(pages).values()) > 0
    for page in pages:
        msgspec.json.encode(page.changes)


@settings(max_examples=40, deadline=None)
@given(
    order=st.permutations(range(len(HEADER))), separator=st.sampled_from([",", ";", "\t"]), more=st.booleans()
)
def test_any_order_of_columns_says_the_same(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], separator: str, more: bool
) -> None:
    """Columns in any order, under any separator and among unknown ones give the same records."""
    folder = tmp_path_factory.mktemp("order")
    expected = _facts(a_file(folder, a_csv(HEADER, ANA, TOM)))
    extra = {HEADER: ("Shoe Size",), ANA: ("41",), TOM: ("",)} if more else {HEADER: (), ANA: (), TOM: ()}
    rows = [(*extra[row], *(row[index] for index in order)) for row in (HEADER, ANA, TOM)]
    assert _facts(a_file(folder, a_csv(*rows, separator=separator))) == expected


@pytest.mark.parametrize(
    "content",
    [
        "<" * 65_536,
        "<a " * 20_000,
        "&#" * 32_768,
        "%A" * 32_768,
        "(she/" * 13_000,
        "a, " * 20_000,
        "A.B " * 16_000,
    ],
)
def test_hostile_texts_take_no_time(tmp_path: Path, content: str) -> None:
    """64 KB of anything in any cell of a message costs little time (S18)."""
    header = ("FROM", "SENDER PROFILE URL", "TO", "RECIPIENT PROFILE URLS", "DATE", "CONTENT", "SUBJECT")
    row = (content, content, content, "", "2026-02-01 10:00:00 UTC", content, content)
    path = a_file(tmp_path, a_csv(header, row), "messages.csv")
    assert cpu_seconds(lambda: pages_of(SPEC, path), 1.5) < 1.5


def test_many_rows_come_in_pages(tmp_path: Path) -> None:
    """Pages are bounded however long a file is, and progress ends at its total."""
    rows = [("", "", f"/in/p{number}", "", "", "", "08 Feb 2026") for number in range(1_700)]
    pages = pages_of(SPEC, a_file(tmp_path, a_csv(HEADER, *rows)))
    assert max(len(page.changes) for page in pages) == 500
    assert len(pages) > 4
    assert pages[-1].done == pages[-1].total > 0


def test_unfinished_pulls_leave_nothing_open(tmp_path: Path) -> None:
    """A pull that nobody finishes leaves nothing open."""
    assert SPEC.open_source is not None
    pull = SPEC.open_source(an_access(a_zip(tmp_path, a_whole_export()))).pull(None)
    next(iter(pull))
    del pull

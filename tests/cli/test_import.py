"""`kith import`: nothing is lost silently, whatever the paths hold; repeating it changes nothing."""

import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.cli.runner import Kith, a_mail, adds_up, an_mbox, lines, total

FIXTURES = Path(__file__).parent.parent / "fixtures"
EVERY_FIXTURE = sorted(
    path for path in FIXTURES.glob("*/*") if path.is_file() and path.suffix.lower() != ".md"
)
_STATUS = {"sign_in.ics": 1, "Invitations.csv": 3, "messages_2026.csv": 3}
_AS = {"connections_2016_outlook.csv": ("--as", "linkedin")}
"""An address book like any other, under a name that says nothing."""
CALENDAR = b"""BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//x//y//EN\r
BEGIN:VEVENT\r
UID:one@example.com\r
DTSTAMP:20261101T100000Z\r
DTSTART:20261112T100000Z\r
DTEND:20261112T110000Z\r
SUMMARY:Coffee\r
ORGANIZER:mailto:mara@example.com\r
ATTENDEE;PARTSTAT=ACCEPTED:mailto:ana@example.org\r
END:VEVENT\r
END:VCALENDAR\r
"""
CARD = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ben Ode\r\nN:Ode;Ben;;;\r\nEMAIL:ben@example.net\r\nEND:VCARD\r\n"
CONNECTIONS = "First Name,Last Name,URL,Email Address,Company,Position,Connected On\n"


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def state(home: Path) -> bytes:
    """The database as it lies on the disk, once nobody has it open."""
    return (home / "kith.db").read_bytes()


@pytest.mark.parametrize("fixture", EVERY_FIXTURE, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_fixture_adds_up_and_repeats(kith: Kith, fixture: Path) -> None:
    """read = added + changed + unchanged + skipped + rejected, the first time and the second; the second adds none."""
    first = kith("--json", "import", *_AS.get(fixture.name, ()), fixture)
    assert first.status == _STATUS.get(fixture.name, 0), first
    report = kith.json("import", *_AS.get(fixture.name, ()), fixture, shape="report", status=first.status)
    assert adds_up(report)
    assert (total(report, "added"), total(report, "changed")) == (0, 0)
    assert total(report, "read") > 0


def test_a_folder_of_mixed_kinds_has_an_entry_for_each(kith: Kith, tmp_path: Path) -> None:
    """One entry per path given and kind found in it, whatever the names; what is nobody's business is passed over."""
    folder = tmp_path / "mixed"
    write(folder / "a" / "mail", an_mbox(a_mail("a"), a_mail("b")))
    write(folder / "b" / "one.eml", a_mail("c"))
    write(folder / "b" / "two.eml", a_mail("d"))
    write(folder / "calendar.ics", CALENDAR)
    write(folder / "cards.vcf", CARD)
    write(folder / "photo.jpg", b"\xff\xd8\xff\xe0" + bytes(100))
    report = kith.json("import", folder, shape="report")
    assert {(one["source"], one["kind"], one["files"], one["read"]) for one in report["sources"]} == {
        (str(folder), "mbox", 1, 2),
        (str(folder), "eml", 2, 2),
        (str(folder), "ics", 1, 1),
        (str(folder), "vcf", 1, 1),
    }
    assert adds_up(report)


UNREADABLE: dict[str, bytes] = {
    "random.mbox": bytes(range(256)) * 40,
    "page.mbox": b"<!doctype html><html><body>Sign in to continue</body></html>\n",
    "page.ics": b"<!doctype html><html><body>Sign in to continue</body></html>\n",
    "mail.pst": b"!BDN" + bytes(600),
    "empty.mbox": b"",
    "empty.ics": b"",
    "words.txt": b"Nothing to see here.\n",
    "archive.zip": b"PK\x05\x06" + bytes(18),
    "cut.zip": b"PK\x03\x04" + bytes(50),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_that_is_not_what_it_claims_is_one_reject(kith: Kith, tmp_path: Path, name: str) -> None:
    """Wholly rejected: exit 1, one read and rejected, with its place and a reason; the line says so."""
    path = write(tmp_path / name, UNREADABLE[name])
    report = kith.json("import", path, shape="report", status=1)
    assert [(one["source"], one["read"], one["rejected"]) for one in report["sources"]] == [(str(path), 1, 1)]
    [reject] = report["rejects"]
    assert reject["source"] == str(path)
    assert name in reject["where"]
    assert len(reject["reason"].split()) >= 4
    shown = kith("import", path)
    assert shown.status == 1
    assert name in shown.out


def test_outlooks_archive_is_told_how_to_be_read(kith: Kith, tmp_path: Path) -> None:
    """A .pst says which export to make instead, also where it lies among other files."""
    write(tmp_path / "old" / "mail.pst", b"!BDN" + bytes(600))
    write(tmp_path / "old" / "one.eml", a_mail("a"))
    report = kith.json("import", tmp_path / "old", shape="report", status=3)
    [reject] = report["rejects"]
    assert "mbox" in reject["reason"]
    assert total(report, "added") == 1


def test_a_missing_path_is_refused_and_the_others_are_read(kith: Kith, tmp_path: Path) -> None:
    """The other paths are imported; the status says that something was not."""
    mail = write(tmp_path / "one.eml", a_mail("a"))
    report = kith.json("import", tmp_path / "nowhere", mail, shape="report", status=3)
    assert adds_up(report)
    assert total(report, "added") == 1
    assert "no such file" in report["rejects"][0]["reason"]


def test_what_is_refused_whole_is_listed_as_well(kith: Kith, tmp_path: Path) -> None:
    """`kith rejects` lists what the report does: formats, paths and folders refused before anything was read of them."""
    folder = tmp_path / "old"
    bad = a_mail("bad").replace(b"Date: Tue, 17 Nov 2026 10:00:00 +0100\n", b"")
    write(folder / "mail.pst", b"!BDN" + bytes(600))
    write(folder / "box.mbox", an_mbox(a_mail("a"), bad))
    write(folder / "card.vcf", b"")
    write(tmp_path / "none" / "song.mp3", b"ID3" + bytes(600))
    paths = (folder, tmp_path / "none", tmp_path / "nowhere")
    foretold = kith.json("import", "--dry-run", *paths, shape="report", status=3)
    assert len(foretold["rejects"]) == 5
    assert kith.json("rejects")["rejects"] == [], "a rehearsal keeps nothing"
    for _ in range(2):
        report = kith.json("import", *paths, shape="report", status=3)
        listed = kith.json("rejects", shape="rejects")["rejects"]
        assert sorted(map(str, listed)) == sorted(map(str, report["rejects"]))
        assert len(listed) == kith.json("status")["rejected"] == 5


def test_some_rejected_of_many_is_done_in_part(kith: Kith, tmp_path: Path) -> None:
    """One mail without any date among good ones: exit 3, its place is named, and `kith rejects` keeps it."""
    bad = a_mail("bad").replace(b"Date: Tue, 17 Nov 2026 10:00:00 +0100\n", b"")
    path = write(
        tmp_path / "box.mbox",
        an_mbox(a_mail("a"), bad, a_mail("c")),
    )
    report = kith.json("import", path, shape="report", status=3)
    assert (total(report, "read"), total(report, "added"), total(report, "rejected")) == (3, 2, 1)
    [reject] = report["rejects"]
    assert "box.mbox" in reject["where"]
    assert kith.json("rejects", shape="rejects")["rejects"] == [reject]
    kith("import", path)
    assert len(kith.json("rejects", shape="rejects")["rejects"]) == 1, "repeated, it is one reject still"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_a_reject(kith: Kith, tmp_path: Path) -> None:
    """Permission refused: counted, told, and no traceback."""
    path = write(tmp_path / "one.eml", a_mail("a"))
    path.chmod(0)
    assert kith.json("import", path, shape="report", status=1)["rejects"]


def test_a_loop_of_links_ends(kith: Kith, tmp_path: Path) -> None:
    """A folder that links to itself is read once; links in folders are not followed, a link given is."""
    folder = tmp_path / "loop"
    write(folder / "one.eml", a_mail("a"))
    (folder / "again").symlink_to(folder)
    (folder / "self").symlink_to(folder / "self")
    report = kith.json("import", folder, shape="report")
    assert total(report, "read") == 1
    (tmp_path / "link.eml").symlink_to(folder / "one.eml")
    assert total(kith.json("import", tmp_path / "link.eml", shape="report"), "unchanged") == 1
    assert kith("import", folder / "self").status == 1


@pytest.mark.parametrize(
    "name", ["two words.eml", "línea\nnew.eml", "größe 例.eml", "-dash.eml", "$(x);'\".eml"]
)
def test_names_of_files_may_be_anything(kith: Kith, tmp_path: Path, name: str) -> None:
    """Spaces, newlines, other scripts and shell characters in a name are a name."""
    path = write(tmp_path / "in" / name, a_mail("a"))
    assert total(kith.json("import", path, shape="report"), "added") == 1
    assert total(kith.json("import", tmp_path / "in", shape="report"), "unchanged") == 1
    assert kith("import", path).out.count("\n") == 2, "a name with a newline takes one line"


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX alone")
def test_a_name_that_is_no_text_is_read(kith: Kith, tmp_path: Path) -> None:
    """A name that no encoding explains is read, and told without harm."""
    folder = tmp_path / "in"
    folder.mkdir()
    path = write(folder / os.fsdecode(b"caf\xe9.eml"), a_mail("a"))
    assert total(kith.json("import", folder, shape="report"), "added") == 1
    assert total(kith.json("import", path, shape="report"), "unchanged") == 1
    for name, content in (
        (b"b\xe9.eml", b"not a mail at all"),
        (b"c\xe9.ics", CALENDAR),
        (b"\xe9.csv", b"a,b\n"),
    ):
        write(folder / os.fsdecode(name), content)
    report = kith.json("import", folder, shape="report", status=3)
    assert (total(report, "added"), total(report, "rejected"), total(report, "unchanged")) == (1, 1, 1)
    assert kith("import", folder / os.fsdecode(b"b\xe9.eml")).status == 1
    assert kith.json("rejects", shape="rejects")["rejects"]


def test_the_same_file_twice_in_one_command_counts_once(kith: Kith, tmp_path: Path) -> None:
    """The second mention finds everything unchanged, however it is spelt."""
    path = write(tmp_path / "one.mbox", an_mbox(a_mail("a"), a_mail("b")))
    report = kith.json("import", path, path, tmp_path / "." / "one.mbox", shape="report")
    assert adds_up(report)
    assert total(report, "added") == 2
    assert kith.json("people")["people"][0]["counts"]["received"] == 2


def test_a_grown_mbox_brings_what_was_appended(kith: Kith, tmp_path: Path) -> None:
    """Mail appended to a file that was read is added; the rest is unchanged."""
    path = write(tmp_path / "one.mbox", an_mbox(a_mail("a"), a_mail("b")))
    kith("import", path)
    with path.open("ab") as file:
        file.write(an_mbox(a_mail("c")))
    report = kith.json("import", path, shape="report")
    assert adds_up(report)
    assert (total(report, "read"), total(report, "added"), total(report, "unchanged")) == (3, 1, 2)


def test_the_same_message_in_two_files_is_one(kith: Kith, tmp_path: Path) -> None:
    """A copy in another file of another kind is unchanged, and counted once with the person."""
    write(tmp_path / "one.mbox", an_mbox(a_mail("a")))
    write(tmp_path / "one.eml", a_mail("a"))
    report = kith.json("import", tmp_path / "one.mbox", tmp_path / "one.eml", shape="report")
    assert (total(report, "added"), total(report, "unchanged")) == (1, 1)


def test_a_dry_run_changes_nothing_and_foretells(kith: Kith, tmp_path: Path) -> None:
    """The database stays as it was, byte for byte, and the real run reports what was foretold."""
    folder = tmp_path / "in"
    write(folder / "one.mbox", an_mbox(a_mail("a"), a_mail("b")))
    write(folder / "calendar.ics", CALENDAR)
    write(folder / "cards.vcf", CARD)
    write(
        folder / "Connections.csv",
        (CONNECTIONS + "Ana,Okafor,https://www.linkedin.com/in/ana,,X,Y,01 Nov 2026\n").encode(),
    )
    before, rejects = state(kith.home), kith.json("rejects")
    foretold = kith.json("import", "--dry-run", folder, shape="report")
    assert state(kith.home) == before
    assert kith.json("rejects") == rejects
    real = kith.json("import", folder, shape="report")
    for report in (foretold, real):
        for one in report["sources"]:
            one.pop("seconds")
    assert foretold == real
    assert total(real, "added") == 5


def test_since_leaves_out_what_is_older(kith: Kith, tmp_path: Path) -> None:
    """Older mail is skipped with its reason, and comes in when `--since` is dropped."""
    old = a_mail("old", date="Mon, 02 Mar 2020 10:00:00 +0100")
    path = write(tmp_path / "one.mbox", an_mbox(old, a_mail("new")))
    report = kith.json("import", path, "--since", "2026-01-01", shape="report")
    assert adds_up(report)
    assert (total(report, "added"), total(report, "skipped")) == (1, 1)
    whole = kith.json("import", path, shape="report")
    assert adds_up(whole)
    assert (total(whole, "added"), total(whole, "unchanged")) == (1, 1)
    assert kith("import", path, "--since", "yesterday").status == 2


def test_as_names_the_kind(kith: Kith, tmp_path: Path) -> None:
    """A file whose name and beginning tell nothing is read as what it is said to be; an unknown kind is refused."""
    path = write(tmp_path / "export", b"\n\n" + CARD)
    assert total(kith.json("import", "--as", "vcf", path, shape="report"), "added") == 1
    assert kith("import", "--as", "vcf", tmp_path / "nothing").status == 1
    wrong = kith("import", "--as", "outlook", path)
    assert wrong.status == 2
    assert "mbox" in wrong.err
    assert kith("import", "--as", "ics", path).status == 1


@pytest.mark.parametrize(
    "content", [CONNECTIONS, 'Notes:\n"When exporting your connection data"\n\n' + CONNECTIONS, "a,b\n1,2\n"]
)
def test_an_export_without_a_row_is_an_error(kith: Kith, tmp_path: Path, content: str) -> None:
    """A non-empty LinkedIn file that gives nothing is rejected, never a success of zero rows."""
    path = tmp_path / "Basic_LinkedInDataExport_11-20-2026.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("Connections.csv", content)
    result = kith("--json", "import", path)
    assert result.status == 1, result
    report = kith.json("import", path, shape="report", status=1)
    assert total(report, "rejected") == 1
    assert adds_up(report)


def test_own_cards_are_known_by_what_came_just_before(kith: Kith, tmp_path: Path) -> None:
    """An address of the owner's that the LinkedIn export tells makes the card in the same import their own."""
    folder = tmp_path / "in"
    write(
        folder / "Email Addresses.csv",
        b"Email Address,Confirmed,Primary,Updated On\nmara@home.test,Yes,Yes,Not Available\n",
    )
    write(
        folder / "me.vcf",
        CARD.replace(b"ben@example.net", b"mara@home.test").replace(b"Ben Ode", b"Mara Lindholm"),
    )
    report = kith.json("import", folder, shape="report")
    assert adds_up(report)
    assert {one["kind"]: one["skips"] for one in report["sources"]}["vcf"] == {"your own card": 1}
    assert kith.json("people", "--all")["people"] == []


def test_the_order_of_files_changes_no_export(tmp_path: Path) -> None:
    """Files in another order, apart or in one folder: equal exports, events.jsonl apart."""
    folder = tmp_path / "in"
    files = [
        write(folder / "1.eml", a_mail("a")),
        write(folder / "2.eml", a_mail("b", "mara@example.com", "ana@example.org")),
        write(folder / "3.ics", CALENDAR),
        write(folder / "4.vcf", CARD),
        write(folder / "5.vcf", CARD.replace(b"Ben Ode", b"Benjamin Ode")),
    ]
    exports: list[Any] = []
    for name, commands in (
        ("whole", [[folder]]),
        ("apart", [[path] for path in files]),
        ("reversed", [[path] for path in reversed(files)]),
    ):
        kith = Kith(tmp_path / name).init()
        for paths in commands:
            assert kith("import", *paths).status == 0
        exports.append(kith.export(tmp_path / f"{name}-out", without=("events.jsonl",)))
    assert exports[0] == exports[1] == exports[2]
    assert len(lines(tmp_path / "whole-out" / "people.jsonl")) == 2


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX alone")
@pytest.mark.parametrize(
    ("ending", "content"),
    [
        (b".mbox", an_mbox(a_mail("a"))),
        (b".eml", a_mail("a")),
        (b".ics", CALENDAR),
        (b".vcf", CARD),
        (b".csv", (CONNECTIONS + "Ana,Okafor,https://www.linkedin.com/in/ana,,X,Y,01 Nov 2026\n").encode()),
    ],
)
def test_every_kind_reads_names_that_are_no_text(
    kith: Kith, tmp_path: Path, ending: bytes, content: bytes
) -> None:
    """A file, and a folder below, whose names no encoding explains: read, and unchanged when read again."""
    path = write(tmp_path / "in" / os.fsdecode(b"d\xe9") / os.fsdecode(b"caf\xe9" + ending), content)
    assert total(kith.json("import", path, shape="report"), "added") == 1
    assert total(kith.json("import", tmp_path / "in", shape="report"), "unchanged") == 1
    assert kith("import", tmp_path / "in").status == 0
    path.write_bytes(content + b"\nBEGIN:VCARD\n\xff\xfe")
    assert kith("import", tmp_path / "in").status in {0, 3}

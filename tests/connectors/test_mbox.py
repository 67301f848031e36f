import mailbox
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import mbox
from schemas.connector import Unreadable
from schemas.errors import UnreadableFile
from schemas.ids import ExternalId
from schemas.records import Message
from tests.connectors.mail import a_mail
from tests.contract.source import (
    Holding,
    SourceContract,
    changes_of,
    pages_of,
    units_of,
    upserts_of,
)

FIXTURES = Path(__file__).parents[1] / "fixtures" / "mbox"
LINE = b"From anna@example.com Mon Mar  3 10:00:00 2025\n"


def an_mbox(path: Path, *mails: bytes, line: bytes = LINE) -> Path:
    path.write_bytes(b"".join(line + mail + b"\n" for mail in mails))
    return path


def excerpts(path: Path) -> dict[str, str]:
    return {
        name: upsert.record.excerpt
        for name, upsert in upserts_of(pages_of(mbox.SPEC, path)).items()
        if isinstance(upsert.record, Message)
    }


class TestMbox(SourceContract):
    spec = mbox.SPEC

    def given(self, folder: Path) -> Path:
        return an_mbox(folder / "mail.mbox", *(a_mail(number) for number in range(1, 30)))

    def grown(self, path: Path) -> set[str]:
        path.write_bytes(path.read_bytes() + LINE + a_mail(99) + b"\n")
        return {"m99@example.com"}

    def spoiled(self, path: Path) -> bool:
        path.write_bytes(path.read_bytes() + LINE + a_mail(98, Date="never") + b"\n")
        return True


@pytest.fixture
def _small_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mbox, "_RANGE", 700)


@pytest.mark.usefixtures("_small_ranges")
class TestMboxInSmallRanges(TestMbox):
    """The same promises where messages lie across the borders of ranges."""

    def test_every_page_size_gives_the_same(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Ranges of any size find the same messages."""
        path = an_mbox(tmp_path / "mail.mbox", *(a_mail(number) for number in range(4)))
        whole = upserts_of(pages_of(mbox.SPEC, path))
        for size in (1, 2, 3, 50, 191, 192, 193, 4000):
            monkeypatch.setattr(mbox, "_RANGE", size)
            pages = pages_of(mbox.SPEC, path)
            assert upserts_of(pages) == whole
            assert units_of(pages)["read"] == len(whole)


def test_takeout_is_read() -> None:
    """Takeout's separators, labels and thread numbers are understood; drafts, spam, trash and chats are left out."""
    pages = pages_of(mbox.SPEC, FIXTURES / "takeout.mbox")
    found = upserts_of(pages)
    assert set(found) == {"plain@example.com", "labelled@example.com"}
    record = found[ExternalId("labelled@example.com")].record
    assert isinstance(record, Message)
    assert record.thread_keys == ("gm:18b3654c10265f40",)
    assert record.labels == ("Kunden/Größe",)
    assert units_of(pages) == {"read": 2, "skipped": 4}


def test_lines_that_begin_with_from_stay_in_the_body(tmp_path: Path) -> None:
    """A body's own "From " lines neither split a message nor vanish, and quoting is undone."""
    body = "Hello\n\nFrom the desk of Anna:\nNote: nothing\n\n>From here on all is well\n>>From twice\n"
    path = an_mbox(tmp_path / "a.mbox", a_mail(1, body=body), a_mail(2))
    assert excerpts(path)["m1@example.com"] == (
        "Hello From the desk of Anna: Note: nothing From here on all is well From twice"
    )
    assert len(excerpts(path)) == 2


@pytest.mark.parametrize(
    "line",
    [
        b"From - Mon Mar 03 10:00:00 2025\n",
        b"From 1779873633236952867@xxx Mon Oct 16 01:29:30 +0000 2023\n",
        b'From "Anna Berg" Mon Mar  3 10:00:00 2025\n',
        b"From MAILER-DAEMON Mon Mar  3 10:00:00 2025\n",
        b"From anna@example.com  Mon Mar  3 10:00 2025\r\n",
        b"From anna@example.com Mon, 3 Mar 2025 10:00:00 +0100\n",
        b"From \n",
    ],
)
def test_separators_of_many_writers(tmp_path: Path, line: bytes) -> None:
    """Every observed shape of a separator line splits."""
    assert len(excerpts(an_mbox(tmp_path / "a.mbox", a_mail(1), a_mail(2), a_mail(3), line=line))) == 3


def test_content_length_is_ignored(tmp_path: Path) -> None:
    """A lying Content-Length swallows no message."""
    path = an_mbox(tmp_path / "a.mbox", a_mail(1, Content_Length="100000"), a_mail(2))
    assert len(excerpts(path)) == 2


def test_what_thunderbird_deleted_is_left_out(tmp_path: Path) -> None:
    """A message deleted but not yet compacted away counts as trash, on the first and on every later import."""
    mails = [
        b"X-Mozilla-Status: 000" + flags + b"\n" + a_mail(number) for number, flags in enumerate((b"1", b"9"))
    ]
    path = an_mbox(tmp_path / "Inbox", *mails)
    holding = Holding()
    for _ in range(2):
        pages = pages_of(mbox.SPEC, path, is_held=holding)
        assert units_of(pages) == {"read": 1, "skipped": 1}
        holding.keep(pages)


def test_crlf_and_quoting_make_no_other_message(tmp_path: Path) -> None:
    """The same messages with CRLF, status headers and mbox quoting are held already."""
    plain = an_mbox(tmp_path / "a.mbox", *(a_mail(number, body="From me\n") for number in range(20)))
    mails = (a_mail(n, body=">From me\n\n", Status="RO", X_Mozilla_Status="0001") for n in range(20))
    other = an_mbox(tmp_path / "b.mbox", *(mail.replace(b"\n", b"\r\n") for mail in mails))
    holding = Holding()
    holding.keep(pages_of(mbox.SPEC, plain))
    pages = pages_of(mbox.SPEC, other, is_held=holding)
    assert upserts_of(pages) == {}
    assert units_of(pages) == {"read": 20}


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    """A file whose beginning has changed is read from its beginning."""
    path = an_mbox(tmp_path / "a.mbox", a_mail(1), a_mail(2))
    mark = pages_of(mbox.SPEC, path)[-1].checkpoint
    an_mbox(path, a_mail(7), a_mail(8), a_mail(9))
    assert set(upserts_of(pages_of(mbox.SPEC, path, mark))) == {
        f"m{number}@example.com" for number in (7, 8, 9)
    }


def test_a_message_cut_off_is_read_again_when_whole(tmp_path: Path) -> None:
    """A message that was still being written is read anew once its rest has come."""
    path = an_mbox(tmp_path / "a.mbox", a_mail(1), a_mail(2, body="One two three\n"))
    whole = path.read_bytes()
    path.write_bytes(whole[:-8])
    mark = pages_of(mbox.SPEC, path)[-1].checkpoint
    path.write_bytes(whole)
    record = upserts_of(pages_of(mbox.SPEC, path, mark))[ExternalId("m2@example.com")].record
    assert isinstance(record, Message)
    assert record.excerpt == "One two three"


def test_a_huge_attachment_is_stepped_over(tmp_path: Path) -> None:
    """A message of many megabytes is read by its beginning, and the next one is found."""
    huge = a_mail(1, body="Look at this.\n" + ("QUJD" * 19 + "\n") * 160_000)
    path = an_mbox(tmp_path / "a.mbox", huge, a_mail(2))
    assert set(excerpts(path)) == {"m1@example.com", "m2@example.com"}


def test_a_tree_of_files_is_one_source(tmp_path: Path) -> None:
    """Takeout and Thunderbird trees are read file by file; empty files and indexes are passed over."""
    (tmp_path / "Inbox.sbd").mkdir()
    an_mbox(tmp_path / "Inbox", a_mail(1))
    (tmp_path / "Inbox.msf").write_bytes(b"index")
    an_mbox(tmp_path / "Inbox.sbd" / "Work", a_mail(2))
    (tmp_path / "Sent").write_bytes(b"")
    (tmp_path / "broken.mbox").write_bytes(b"<html>sorry</html>")
    pages = pages_of(mbox.SPEC, tmp_path)
    assert set(upserts_of(pages)) == {"m1@example.com", "m2@example.com"}
    assert [change.where for change in changes_of(pages) if isinstance(change, Unreadable)] == ["broken.mbox"]
    assert pages[-1].last


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (b"", "empty"),
        (b"!BDN1234", "connect the account"),
        (b"<!DOCTYPE html><html>", "download it again"),
        (b"PK\x03\x04rest", "unpack"),
        (b"Just a note\nwith lines\n", "no line that begins a message"),
    ],
)
def test_what_is_no_mbox_is_refused_with_advice(tmp_path: Path, content: bytes, advice: str) -> None:
    """A file that is something else is refused whole, and the reason says what to do."""
    path = tmp_path / "mail.mbox"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=advice):
        pages_of(mbox.SPEC, path)


def test_probing_separator_lines_take_no_time(tmp_path: Path) -> None:
    """A file made of lines that nearly separate is read in linear time."""
    path = an_mbox(tmp_path / "a.mbox", a_mail(1, body=("\n\nFrom " + "Mon Jan 1 " * 30) * 3_000))
    began = time.process_time()
    assert len(excerpts(path)) == 1
    assert time.process_time() - began < 6


def test_a_reject_names_its_place(tmp_path: Path) -> None:
    """A reject says file and byte."""
    path = an_mbox(tmp_path / "a.mbox", a_mail(1), a_mail(2, Date="never"))
    place = len(LINE + a_mail(1)) + 1
    [reject] = [change for change in changes_of(pages_of(mbox.SPEC, path)) if isinstance(change, Unreadable)]
    assert reject == Unreadable(f"a.mbox, message at byte {place}", "no usable date")


@given(
    st.lists(
        st.text(st.characters(codec="ascii", exclude_characters="\r\x00"), max_size=80),
        min_size=1,
        max_size=6,
    )
)
def test_what_the_standard_library_writes_is_split_as_written(
    tmp_path_factory: pytest.TempPathFactory, bodies: list[str]
) -> None:
    """As many messages come out of an mbox as the standard library put in, whatever they say."""
    path = tmp_path_factory.mktemp("mbox") / "a.mbox"
    written = mailbox.mbox(path)
    for number, body in enumerate(bodies):
        written.add(a_mail(number, body=body))
    written.close()
    assert units_of(pages_of(mbox.SPEC, path)) == {"read": len(bodies)}

import os
from pathlib import Path

import pytest

from connectors import connectors, eml
from schemas.errors import UnreadableFile
from tests.connectors.mail import a_mail
from tests.contract.source import SourceContract, pages_of, units_of, upserts_of

FIXTURES = Path(__file__).parents[1] / "fixtures" / "eml"


class TestEml(SourceContract):
    spec = eml.SPEC

    def given(self, folder: Path) -> Path:
        (folder / "mails" / "deeper").mkdir(parents=True)
        for number in range(5):
            (folder / "mails" / f"{number}.eml").write_bytes(a_mail(number))
        (folder / "mails" / "deeper" / "x.EML").write_bytes(a_mail(50))
        (folder / "mails" / "notes.txt").write_bytes(b"not mail")
        return folder / "mails"

    def grown(self, path: Path) -> set[str]:
        (path / "deeper" / "y.eml").write_bytes(a_mail(51))
        return {"m51@example.com"}

    def spoiled(self, path: Path) -> bool:
        (path / "bad.eml").write_bytes(b"\xff\xfe\x00")
        return True


def test_one_file_is_one_message() -> None:
    """A single file is read, with its quirks."""
    pages = pages_of(eml.SPEC, FIXTURES / "outlook.eml")
    [upsert] = upserts_of(pages).values()
    assert upsert.id == "folded@example.com"
    assert pages[-1].last
    assert (pages[-1].done, pages[-1].total) == (1, 1)


def test_a_file_that_was_edited_is_read_again(tmp_path: Path) -> None:
    """A file written anew in its place is noticed, though its folder keeps its time."""
    path = tmp_path / "a.eml"
    path.write_bytes(a_mail(1))
    then = path.stat().st_mtime_ns - 10**12
    os.utime(path, ns=(then, then))
    mark = pages_of(eml.SPEC, tmp_path)[-1].checkpoint
    path.write_bytes(a_mail(2))
    later = path.stat().st_mtime_ns + 10**9
    os.utime(path, ns=(later, later))
    assert set(upserts_of(pages_of(eml.SPEC, tmp_path, mark))) == {"m2@example.com"}


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (b"", "empty"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "save the messages as .eml"),
        (b"hello", "mail headers"),
    ],
)
def test_what_is_no_message_is_refused_with_advice(tmp_path: Path, content: bytes, advice: str) -> None:
    """A file that is something else is refused whole, and the reason says what to do."""
    path = tmp_path / "a.eml"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=advice):
        pages_of(eml.SPEC, path)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    """A path that is not there is named."""
    with pytest.raises(UnreadableFile, match=r"gone\.eml cannot be opened"):
        pages_of(eml.SPEC, tmp_path / "gone.eml")


def test_bad_files_in_a_folder_are_rejects(tmp_path: Path) -> None:
    """In a folder a bad file is one reject among good ones."""
    (tmp_path / "a.eml").write_bytes(a_mail(1))
    (tmp_path / "b.eml").write_bytes(b"")
    (tmp_path / "c.eml").write_bytes(b"<html>error</html>")
    assert units_of(pages_of(eml.SPEC, tmp_path)) == {"read": 1, "rejected": 2}


def test_every_mail_connector_is_found() -> None:
    """A connector is found by being there."""
    assert {"eml", "maildir", "mbox"} <= set(connectors())
    assert all(spec.title and spec.stream for spec in connectors().values())

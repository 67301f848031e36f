import os
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import msgspec
import pytest

from connectors import _mail_folders, maildir
from schemas.connector import Same, Skipped, Unreadable
from schemas.errors import CursorExpired, UnreadableFile
from schemas.ids import Cursor, ExternalId
from tests.connectors.mail import a_mail
from tests.contract.source import (
    Holding,
    SourceContract,
    an_access,
    changes_of,
    pages_of,
    units_of,
    upserts_of,
)

_LATER = 60_000_000_000


def a_maildir(folder: Path, *mails: bytes, first: int = 1) -> Path:
    for box in ("cur", "new", "tmp"):
        (folder / box).mkdir(parents=True, exist_ok=True)
    for number, mail in enumerate(mails, first):
        (folder / "cur" / f"{number:05}.host:2,S").write_bytes(mail)
    return folder


def aged(folder: Path) -> Path:
    """The folder as if it had been written a minute ago, so that the next change is seen."""
    for box in ("cur", "new"):
        then = (folder / box).stat().st_mtime_ns - _LATER
        os.utime(folder / box, ns=(then, then))
    return folder


class TestMaildir(SourceContract):
    spec = maildir.SPEC

    def given(self, folder: Path) -> Path:
        a_maildir(folder / "mail", *(a_mail(number) for number in range(1, 12)))
        aged(a_maildir(folder / "mail" / ".Sent", a_mail(40), a_mail(41)))
        return aged(folder / "mail")

    def grown(self, path: Path) -> set[str]:
        (path / "new" / "99.host").write_bytes(a_mail(99))
        (path / ".Sent" / "cur" / "98.host:2,S").write_bytes(a_mail(98))
        return {"m98@example.com", "m99@example.com"}

    def spoiled(self, path: Path) -> bool:
        (path / "new" / "97.host").write_bytes(b"nothing of use")
        return True


@pytest.fixture
def _small_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_mail_folders, "_FILES_A_JOB", 2)


@pytest.mark.usefixtures("_small_jobs")
class TestMaildirInSmallJobs(TestMaildir):
    """The same promises with many pages a folder."""

    def test_mail_that_comes_while_an_import_is_broken_off_is_not_lost(self, tmp_path: Path) -> None:
        """What sorts before the place where reading broke off is read when it is new."""
        path = self.given(tmp_path)
        pages = pages_of(self.spec, path)
        (path / "cur" / "00000.host:2,S").write_bytes(a_mail(77))
        later = pages_of(self.spec, path, pages[2].checkpoint)
        assert "m77@example.com" in upserts_of(later)
        assert units_of(later)["read"] == 14


def test_an_unchanged_folder_is_not_listed(tmp_path: Path) -> None:
    """As long as the times of cur and new stand, no file is looked at."""
    path = aged(a_maildir(tmp_path / "mail", a_mail(1), a_mail(2)))
    mark = pages_of(maildir.SPEC, path)[-1].checkpoint
    times = [(box, (path / box).stat().st_mtime_ns) for box in ("cur", "new")]
    for file in (path / "cur").iterdir():
        file.unlink()
    for box, then in times:
        os.utime(path / box, ns=(then, then))
    assert changes_of(pages_of(maildir.SPEC, path, mark)) == [Same(2)]


def test_drafts_and_trash_are_left_out_by_flag(tmp_path: Path) -> None:
    """Flag D and flag T leave a message out before it is opened."""
    path = a_maildir(tmp_path / "mail", a_mail(1))
    (path / "cur" / "2.host:2,DS").write_bytes(a_mail(2))
    (path / "cur" / "3.host:2,ST").write_bytes(a_mail(3))
    changes = changes_of(pages_of(maildir.SPEC, path))
    assert [change for change in changes if isinstance(change, Skipped)] == [
        Skipped("draft"),
        Skipped("trash"),
    ]
    assert set(upserts_of(pages_of(maildir.SPEC, path))) == {"m1@example.com"}


def test_skips_and_rejects_are_accounted_for_again(tmp_path: Path) -> None:
    """A second look at an unchanged folder says the same of what was left out and refused."""
    path = a_maildir(tmp_path / "mail", a_mail(1), a_mail(2, X_Gmail_Labels="Spam"), a_mail(3, Date="never"))
    aged(path)
    pages = pages_of(maildir.SPEC, path)
    again = changes_of(pages_of(maildir.SPEC, path, pages[-1].checkpoint))
    assert again == [Same(1), Unreadable("cur/00003.host:2,S", "no usable date"), Skipped("spam")]


def test_a_tree_of_maildirs_is_one_source(tmp_path: Path) -> None:
    """Plain folder trees with Maildirs in them are read, and `where` names the folder."""
    a_maildir(tmp_path / "work" / "inbox", a_mail(1))
    a_maildir(tmp_path / "home" / "inbox", b"\x00")
    pages = pages_of(maildir.SPEC, tmp_path)
    assert set(upserts_of(pages)) == {"m1@example.com"}
    [reject] = [change for change in changes_of(pages) if isinstance(change, Unreadable)]
    assert reject.where == "home/inbox/cur/00001.host:2,S"


def test_an_older_since_reads_again(tmp_path: Path) -> None:
    """What was left out for its age is looked at when the owner asks for more."""
    path = aged(a_maildir(tmp_path / "mail", a_mail(1), a_mail(2, Date="Mon, 01 Jan 2018 10:00:00 +0000")))
    pages = pages_of(maildir.SPEC, path, since=date(2024, 1, 1))
    assert units_of(pages) == {"read": 1, "skipped": 1}
    assert len(upserts_of(pages_of(maildir.SPEC, path, pages[-1].checkpoint))) == 2


def test_folders_that_vanish_while_reading_end_quietly(tmp_path: Path) -> None:
    """A directory that is removed between two pages stops nothing."""
    path = a_maildir(tmp_path / "mail", *(a_mail(number) for number in range(1200)))
    assert maildir.SPEC.open_source is not None
    pages = maildir.SPEC.open_source(an_access(path)).pull(None)
    first = next(pages)
    for file in (path / "cur").iterdir():
        file.unlink()
    rest = list(pages)
    assert units_of([first, *rest])["skipped"] > 0
    assert rest[-1].last


def test_nothing_new_is_found_without_reading_twice(tmp_path: Path) -> None:
    """What is held already is answered for without reading it."""
    path = a_maildir(tmp_path / "mail", *(a_mail(number) for number in range(1700)))
    holding = Holding()
    pages = pages_of(maildir.SPEC, path)
    holding.keep(pages)
    again = pages_of(maildir.SPEC, path, is_held=holding)
    assert {type(change) for change in changes_of(again)} == {Same}
    assert units_of(again)["read"] == 1700


@pytest.mark.usefixtures("_small_jobs")
def test_looking_for_what_is_held_pauses_while_nothing_is(tmp_path: Path) -> None:
    """A first import beside other mail is hardly looked at twice, and still finds what is held."""
    path = a_maildir(tmp_path / "mail", *(a_mail(number) for number in range(400)))
    asked: list[int] = []
    holding = Holding()

    def counting(items: Sequence[tuple[ExternalId, int]]) -> Sequence[bool]:
        asked.append(len(items))
        return holding(items)

    pages = pages_of(maildir.SPEC, path, is_held=counting)
    assert len(upserts_of(pages)) == 400
    assert sum(asked) < 40
    holding.keep(pages)
    asked.clear()
    assert upserts_of(pages_of(maildir.SPEC, path, is_held=counting)) == {}
    assert sum(asked) == 400


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes among its files")
def test_what_is_no_ordinary_file_is_a_reject(tmp_path: Path) -> None:
    """A pipe, a device or a directory in a Maildir keeps nobody waiting."""
    path = a_maildir(tmp_path / "mail", a_mail(1))
    os.mkfifo(path / "cur" / "2.host:2,S")
    (path / "cur" / "3.host:2,S").mkdir()
    (path / "cur" / "4.host:2,S").symlink_to("/dev/zero")
    assert units_of(pages_of(maildir.SPEC, path)) == {"read": 1, "rejected": 3}


def test_no_maildir_is_refused(tmp_path: Path) -> None:
    """A folder without a Maildir says so."""
    with pytest.raises(UnreadableFile, match="holds no Maildir"):
        pages_of(maildir.SPEC, tmp_path)


def test_a_cursor_of_another_release_is_dead(tmp_path: Path) -> None:
    """The version in a cursor is checked."""
    path = a_maildir(tmp_path / "mail", a_mail(1))
    mark = pages_of(maildir.SPEC, path)[-1].checkpoint
    assert mark is not None
    other = msgspec.json.decode(mark) | {"version": 2}
    with pytest.raises(CursorExpired):
        pages_of(maildir.SPEC, path, Cursor(msgspec.json.encode(other).decode()))

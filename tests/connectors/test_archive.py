"""Archives as nobody should make them; the path and the bounds of everything that is read from one."""

import io
import os
import stat
import struct
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors._archive import ENTRIES, Member, open_members
from schemas.errors import UnreadableFile

TEXT = b"First Name,Connected On\nAna,08 Feb 2026\n"


def is_csv(name: str) -> bool:
    return name.lower().endswith(".csv")


def an_archive(*entries: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    raw = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name given twice is the point of one test
        with zipfile.ZipFile(raw, "w", method) as archive:
            for name, content in entries:
                archive.writestr(name, content, method)
    return raw.getvalue()


def written(folder: Path, content: bytes) -> str:
    path = folder / "export.zip"
    path.write_bytes(content)
    return str(path)


def listed(path: str) -> list[Member]:
    with open_members(path, is_csv) as members:
        return list(members)


def read_all(path: str) -> dict[str, bytes]:
    with open_members(path, is_csv) as members:
        found = {}
        for member in members:
            with member.open() as stream:
                found[member.path] = stream.read()
        return found


def directory_at(raw: bytes) -> int:
    return raw.index(b"PK\x01\x02")


def patched(raw: bytes, offset: int, form: str, value: int) -> bytes:
    changed = bytearray(raw)
    struct.pack_into(form, changed, directory_at(raw) + offset, value)
    return bytes(changed)


def test_only_wanted_members_are_listed(tmp_path: Path) -> None:
    """Members that nobody asked for are not even opened."""
    path = written(tmp_path, an_archive(("a.csv", TEXT), ("Jobs/b.csv", b"b"), ("receipt.pdf", b"%PDF")))
    assert read_all(path) == {"Jobs/b.csv": b"b", "a.csv": TEXT}


def test_a_member_can_be_read_twice(tmp_path: Path) -> None:
    """Each opening begins at the beginning."""
    with open_members(written(tmp_path, an_archive(("a.csv", TEXT))), is_csv) as (member,):
        for _ in range(2):
            with member.open() as stream:
                assert stream.read() == TEXT


@pytest.mark.parametrize(
    "name",
    [
        "../a.csv",
        "x/../../a.csv",
        "/etc/a.csv",
        "C:\\Users\\a.csv",
        "..\\a.csv",
        "\\\\host\\share\\a.csv",
        "D:a.csv",
    ],
)
def test_names_that_lead_outside_are_refused(tmp_path: Path, name: str) -> None:
    """A member whose name leaves the archive is never read, and nothing is written anywhere."""
    before = sorted(tmp_path.parent.rglob("*"))
    path = written(tmp_path, an_archive((zipfile.ZipInfo(name), TEXT)))
    with pytest.raises(UnreadableFile, match="outside"):
        read_all(path)
    assert sorted(tmp_path.parent.rglob("*")) == sorted([*before, Path(path)])


def test_links_are_refused(tmp_path: Path) -> None:
    """A symbolic link in an archive is no file."""
    link = zipfile.ZipInfo("a.csv")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(UnreadableFile, match="link"):
        read_all(written(tmp_path, an_archive((link, b"/etc/passwd"))))


def test_encrypted_members_say_what_to_do(tmp_path: Path) -> None:
    """An encrypted member is refused with the way out."""
    path = written(tmp_path, patched(an_archive(("a.csv", TEXT)), 8, "<H", 1))
    with pytest.raises(UnreadableFile, match="unpack the archive yourself"):
        read_all(path)


def test_members_under_one_name_are_refused(tmp_path: Path) -> None:
    """Of two members with one name neither can be trusted to be the one meant."""
    path = written(tmp_path, an_archive(("a.csv", TEXT), ("a.csv", b"other"), ("b.csv", TEXT)))
    with pytest.raises(UnreadableFile, match="twice"):
        read_all(path)
    with open_members(path, lambda name: name == "b.csv") as (other,), other.open() as stream:
        assert stream.read() == TEXT


def test_overlapping_members_are_refused(tmp_path: Path) -> None:
    """Two entries over the same bytes, the better ZIP bomb, are not inflated."""
    raw = bytearray(an_archive(("a.csv", TEXT), ("b.csv", TEXT)))
    second = raw.index(b"PK\x01\x02", directory_at(bytes(raw)) + 4)
    struct.pack_into("<L", raw, second + 42, 0)
    with pytest.raises(UnreadableFile, match="overlap"):
        read_all(written(tmp_path, bytes(raw)))
    longer = patched(an_archive(("a.csv", TEXT), ("b.csv", TEXT)), 20, "<L", 500)
    with pytest.raises(UnreadableFile, match="overlap"):
        read_all(written(tmp_path, longer))


def test_bombs_are_refused_by_their_ratio(tmp_path: Path) -> None:
    """A member of a thousand times its packed size is refused before it is opened."""
    path = written(tmp_path, an_archive(("a.csv", b"\0" * (20 << 20))))
    with pytest.raises(UnreadableFile, match="300 times"):
        read_all(path)


def test_sizes_that_lie_are_found_out(tmp_path: Path) -> None:
    """A member never gives more than the size it says, and saying too little is damage."""
    raw = an_archive(("a.csv", TEXT * 1_000))
    with pytest.raises(UnreadableFile, match="damaged"):
        read_all(written(tmp_path, patched(raw, 24, "<L", 100)))
    with pytest.raises(UnreadableFile, match="512 MB"):
        read_all(written(tmp_path, patched(raw, 24, "<L", 0xFFFFFFF0)))


def test_zip64_lies_are_found_out(tmp_path: Path) -> None:
    """A ZIP64 field that claims exabytes, or that is not there, is refused."""
    zip64 = zipfile.ZipInfo("a.csv")
    zip64.extra = struct.pack("<HHQ", 1, 8, 1 << 60)
    claims = patched(an_archive((zip64, TEXT)), 24, "<L", 0xFFFFFFFF)
    with pytest.raises(UnreadableFile):
        read_all(written(tmp_path, claims))
    missing = patched(an_archive(("a.csv", TEXT)), 24, "<L", 0xFFFFFFFF)
    with pytest.raises(UnreadableFile):
        read_all(written(tmp_path, missing))


def test_names_with_nul_are_refused(tmp_path: Path) -> None:
    """A name that reads differently up to its NUL is not trusted."""
    raw = an_archive(("a.csvX.csv", TEXT)).replace(b"a.csvX.csv", b"a.csv\0.csv")
    with pytest.raises(UnreadableFile, match="NUL"):
        read_all(written(tmp_path, raw))


def test_huge_directories_are_refused(tmp_path: Path) -> None:
    """A million entries are refused by the length of their directory, unread."""
    raw = an_archive(("a.csv", TEXT))
    start = directory_at(raw)
    end = raw.index(b"PK\x05\x06")
    entry = raw[start:end]
    directory = entry * 100_000
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65_535, 65_535, len(directory), start, 0)
    with pytest.raises(UnreadableFile, match="directory is longer"):
        listed(written(tmp_path, raw[:start] + directory + tail))
    directory = entry * (ENTRIES + 1)
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65_535, 65_535, len(directory), start, 0)
    with pytest.raises(UnreadableFile, match="more than 20,000"):
        listed(written(tmp_path, raw[:start] + directory + tail))


def test_other_methods_are_refused(tmp_path: Path) -> None:
    """Methods whose inflation cannot be bounded are not used."""
    with pytest.raises(UnreadableFile, match="method 12"):
        read_all(written(tmp_path, an_archive(("a.csv", TEXT), method=zipfile.ZIP_BZIP2)))


def test_names_in_utf8_without_the_flag(tmp_path: Path) -> None:
    """A name in UTF-8 that does not say so is read as UTF-8, any other as cp437."""
    raw = an_archive(("a__.csv", TEXT)).replace(b"a__.csv", "aé.csv".encode())
    assert [member.path for member in listed(written(tmp_path, raw))] == ["aé.csv"]
    raw = an_archive(("a_.csv", TEXT)).replace(b"a_.csv", b"a\x82.csv")
    assert [member.path for member in listed(written(tmp_path, raw))] == ["aé.csv"]


def test_folders_are_read_without_links(tmp_path: Path) -> None:
    """Plain files of a folder and of those right in it; links, pipes and deeper folders are left alone."""
    secret = tmp_path / "secret.csv"
    secret.write_bytes(b"secret")
    folder = tmp_path / "export"
    (folder / "Jobs" / "deep").mkdir(parents=True)
    (folder / "a.csv").write_bytes(TEXT)
    (folder / "Jobs" / "b.csv").write_bytes(b"b")
    (folder / "Jobs" / "deep" / "c.csv").write_bytes(b"c")
    (folder / "link.csv").symlink_to(secret)
    os.mkfifo(folder / "pipe.csv")
    assert read_all(str(folder)) == {"Jobs/b.csv": b"b", "a.csv": TEXT}


def test_paths_that_are_nothing(tmp_path: Path) -> None:
    """A path that is not there, or no file, is told plainly."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "absent", tmp_path / "pipe", Path("a\0b")):
        with pytest.raises(UnreadableFile):
            listed(str(path))


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damage_is_always_told(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """An archive with any bytes changed or cut is read or refused, nothing else."""
    raw = bytearray(an_archive(("a.csv", TEXT * 3), ("b/c.csv", TEXT)))
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(4, len(raw)))
    path = written(tmp_path_factory.mktemp("zip"), b"PK\x03\x04" + bytes(raw[4:cut]))
    with suppress(UnreadableFile):
        read_all(path)


def test_a_zip_without_members_holds_nothing(tmp_path: Path) -> None:
    """An empty archive is read as one with nothing in it, not refused by accident."""
    path = tmp_path / "empty.zip"
    path.write_bytes(b"PK\x05\x06" + bytes(18))
    with open_members(str(path), lambda _: True) as members:
        assert list(members) == []

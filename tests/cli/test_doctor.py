"""`kith doctor`: a sound home is well; each fault is found, with what to do about it."""

import gc
import sqlite3
import warnings
from pathlib import Path

import pytest

from deploy.cli.doctor import filesystem
from tests.cli.runner import Kith, a_mail

MOUNTS = "/dev/sda1 / ext4 rw 0 0\nnas:/home /home nfs4 rw 0 0\n//nas/x /mnt/my\\040disk cifs rw 0 0\ntmpfs /home/m/tmp tmpfs rw 0 0\n"


def faults(kith: Kith) -> dict[str, str]:
    """What is not well, by name; every one has a remedy."""
    result = kith("--json", "doctor")
    document = kith.json("doctor", status=result.status)
    bad = {one["name"]: one["state"] for one in document["checks"] if one["state"] != "ok"}
    assert document["is_well"] is (result.status == 0) is ("fault" not in bad.values())
    assert all(one["remedy"] for one in document["checks"] if one["state"] != "ok")
    return {name: state for name, state in bad.items() if name not in {"disk", "file system"}}


def test_a_sound_home_is_well(kith: Kith) -> None:
    """Nothing but the frozen clock of the test is remarked on; the text ends with the verdict."""
    assert faults(kith) == {"clock": "warning"}
    assert kith("doctor").out.endswith("Everything is well.\n")


def test_a_home_that_was_never_made(tmp_path: Path) -> None:
    """One fault, which says how to make it; nothing is made."""
    assert faults(Kith(tmp_path / "none")) == {"home": "fault"}
    assert not (tmp_path / "none").exists()


def test_what_is_wrong_is_found(kith: Kith) -> None:
    """A home that others can read, a key that is gone, a clock behind the book."""
    kith.home.chmod(0o755)
    (kith.home / "secret.key").unlink()
    assert faults(kith) == {"home": "warning", "key": "fault", "clock": "warning"}
    kith.home.chmod(0o700)
    early = Kith(kith.home, "2020-01-01T00:00:00Z", {"KITH_SECRET_KEY": "x" * 40})
    assert faults(early) == {"clock": "fault"}


def test_a_book_that_lags_and_tables_of_other_releases(kith: Kith, tmp_path: Path) -> None:
    """Events not taken in are a warning; a later release's tables are a fault, an earlier one's a warning."""
    (tmp_path / "a.eml").write_bytes(a_mail("a"))
    kith("import", tmp_path / "a.eml")
    with sqlite3.connect(kith.home / "kith.db") as database:
        database.execute("UPDATE projection SET seq = 0")
    assert faults(kith)["book of mara@example.com"] == "warning"
    for revision, state in (("9999", "fault"), ("0000", "warning")):
        database.execute("UPDATE alembic_version SET version_num = ?", (revision,))
        database.commit()
        assert faults(kith)["tables"] == state
    database.close()


def test_a_damaged_database_is_told(kith: Kith, tmp_path: Path) -> None:
    """Pages overwritten in the middle of the file are found."""
    (tmp_path / "a.eml").write_bytes(a_mail("a"))
    kith("import", tmp_path / "a.eml")
    file = kith.home / "kith.db"
    content = bytearray(file.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 20_000] = b"\xff" * 20_000
    file.write_bytes(content)
    assert faults(kith)["database"] == "fault"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "ext4"),
        ("/etc/x", "ext4"),
        ("/home/m/.local", "nfs4"),
        ("/home/m/tmp/x", "tmpfs"),
        ("/homes", "ext4"),
        ("/mnt/my disk/k", "cifs"),
    ],
)
def test_the_file_system_is_told_by_the_longest_mount(path: str, kind: str) -> None:
    """As Linux lists mounts, spaces escaped; a name that only begins alike is another place."""
    assert filesystem(Path(path), MOUNTS) == kind


def test_a_home_made_leaves_no_connection_open(tmp_path: Path, database_url: str) -> None:
    """`init`, which looks who is there already, opens the database once and lets go of it."""
    kith = Kith(tmp_path / "home", settings={"KITH_DATABASE_URL": database_url})
    gc.collect()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        kith.init()
        gc.collect()
    assert [str(one.message) for one in caught if "still open" in str(one.message)] == []

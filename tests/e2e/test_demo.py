"""`kith demo`: what a newcomer sees first."""

from pathlib import Path

from tests.cli.runner import Kith


def test_the_demo_shows_people_follow_ups_and_the_week(tmp_path: Path) -> None:
    """One command on an empty folder, twice: the files, the import, people, follow-ups and the digest, within 80 cells."""
    kith = Kith(tmp_path / "demo", settings={"COLUMNS": "80"})
    first = kith.program("demo", "--once")
    assert first.returncode == 0, first.stderr
    for expected in (
        "Ana Okafor",
        "WAITING FOR YOU",
        "YOU PROMISED",
        "RECONNECT",
        "Good morning, Mara.",
        "What to try next",
    ):
        assert expected in first.stdout
    wide = [line for line in first.stdout.splitlines() if len(line) > 80 and str(tmp_path) not in line]
    assert wide == []
    assert {one.name for one in (tmp_path / "demo" / "digest").iterdir()} == {
        "digest.html",
        "digest.json",
        "digest.txt",
    }
    assert kith("show", "Ana").status == 0, "the command that the demo proposes"
    assert "Jonas" in kith("search", "venue").out, "likewise"
    second = kith.program("demo", "--once")
    assert (second.returncode, second.stdout) == (0, first.stdout)
    assert kith("doctor").status == 0


def test_the_demo_keeps_its_hands_off_a_real_home(tmp_path: Path) -> None:
    """A home that holds a book is refused, and stays as it is."""
    kith = Kith(tmp_path / "home").init()
    before = (tmp_path / "home" / "kith.db").read_bytes()
    result = kith("demo", "--once")
    assert result.status == 1
    assert "--home" in result.err
    assert (tmp_path / "home" / "kith.db").read_bytes() == before

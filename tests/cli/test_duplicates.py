"""`kith duplicates --accept-sure`: what is sure is joined at one word, never without one, and can be taken back."""

import os
import pty
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.runner import Kith, a_mail, an_mbox


def a_card(name: str, *emails: str, firm: str = "Northgate", url: str = "") -> str:
    lines = [
        f"FN:{name}",
        *(f"EMAIL:{one}" for one in emails),
        f"ORG:{firm}",
        *([f"URL:{url}"] if url else []),
    ]
    return "\r\n".join(["BEGIN:VCARD", "VERSION:3.0", *lines, "END:VCARD", ""])


Make = Callable[..., Kith]


@pytest.fixture
def make(kith: Kith, tmp_path: Path) -> Make:
    """A home with these cards and mails."""

    def made(*cards: str, mails: tuple[bytes, ...] = ()) -> Kith:
        folder = tmp_path / "files"
        folder.mkdir(exist_ok=True)
        (folder / "c.vcf").write_text("".join(cards))
        if mails:
            (folder / "m.mbox").write_bytes(an_mbox(*mails))
        assert kith("import", folder).status == 0
        return kith

    return made


def is_sure(kith: Kith) -> list[bool]:
    return [one["is_sure"] for one in kith.json("duplicates", shape="duplicates")["duplicates"]]


TWO = (a_card("Ana Okafor", "ana@example.org"), a_card("Ana Okafor", "ana@home.test"))
THREE = (
    *TWO,
    a_card("Cem Kaya", "cem@example.net", firm="Zeta"),
    a_card("Cem Kaya", "ck@home.test", firm="Zeta"),
)


def test_all_that_is_sure_is_joined_at_once_and_can_be_split_again(make: Make, tmp_path: Path) -> None:
    """Each pair is named with what it was joined by; split by hand, all is as before (R28)."""
    kith = make(*THREE)
    before = kith.export(tmp_path / "before", without=("events.jsonl",))
    told = kith.json("duplicates", "--accept-sure", "--yes", shape="duplicates")
    assert told["duplicates"] == []
    assert {frozenset((one["a"], one["b"])) for one in told["merged"]} == {
        frozenset(("email:ana@example.org", "email:ana@home.test")),
        frozenset(("email:cem@example.net", "email:ck@home.test")),
    }
    assert all("both at" in " ".join(one["why"]) for one in told["merged"])
    shown = {tuple(one["emails"]): one["id"] for one in kith.json("people")["people"]}
    assert {one["person"] for one in told["merged"]} == set(shown.values())
    kept = kith.export(tmp_path / "kept")
    kith("replay")
    assert kith.export(tmp_path / "replayed") == kept
    for one in told["merged"]:
        assert kith("split", one["person"], one["b"]).status == 0
    assert kith.export(tmp_path / "after", without=("events.jsonl",)) == before
    again = kith.json("duplicates", "--accept-sure", "--yes", shape="duplicates")
    assert (again["duplicates"], again["merged"]) == ([], []), "who was split is not asked about again"


def test_the_words_tell_how_to_take_each_back(make: Make) -> None:
    """As text: each pair with its reasons, and the command that splits it."""
    said = make(*TWO)("duplicates", "--accept-sure", "--yes").out
    assert "Ana Okafor (ana@example.org)" in said
    assert "kith split " in said
    assert "ana@home.test" in said


@pytest.mark.parametrize(
    "cards",
    [
        pytest.param(
            (a_card("Ana Okafor", "a@x.test"), a_card("Ana Okafor", "b@y.test", firm="Z")), id="a name alone"
        ),
        pytest.param((*TWO, a_card("Ana Okafor", "ana@third.test")), id="three of one name"),
        pytest.param(
            (a_card("Ana Okafor", "ana@northgate.test"), a_card("Ana Okafor", "a.okafor@northgate.test")),
            id="two addresses that one firm gave",
        ),
        pytest.param(
            (a_card("Ana M. Okafor", "a@x.test"), a_card("Ana B. Okafor", "b@y.test")),
            id="other middle names",
        ),
        pytest.param(
            (
                a_card("Ana Okafor", "a@x.test", url="https://www.linkedin.com/in/ana-1"),
                a_card("Ana Okafor", "b@y.test", url="https://www.linkedin.com/in/ana-2"),
            ),
            id="two profiles",
        ),
    ],
)
def test_what_is_not_sure_is_left_to_the_owner(make: Make, cards: tuple[str, ...]) -> None:
    """Proposed or not, none of these is sure, and accepting what is sure joins nobody."""
    kith = make(*cards)
    assert not any(is_sure(kith))
    before = kith.json("people")
    assert kith.json("duplicates", "--accept-sure", "--yes")["merged"] == []
    assert kith.json("people") == before


def test_a_stranger_who_signs_with_anothers_address_is_not_sure(make: Make) -> None:
    """Anybody can write a name and an address under a mail: of whom nobody ever answered, nothing is sure."""
    false = a_mail(
        "f1",
        "Ana Okafor <ana.okafor@elsewhere.test>",
        body="Hello Mara,\n\nplease find my new details below.\n\n-- \nAna Okafor\nNorthgate\nana@example.org\n",
    )
    kith = make(TWO[0], mails=(false,))
    assert not any(is_sure(kith))


def test_nothing_is_joined_without_a_word(make: Make, tmp_path: Path) -> None:
    """Without a terminal only `--yes` says it; refused, nothing has changed."""
    kith = make(*TWO)
    before = kith.export(tmp_path / "before")
    refused = kith.program("duplicates", "--accept-sure")
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    assert kith.program("--json", "duplicates", "--accept-sure").returncode == 2
    assert kith("duplicates", "--yes").status == 2
    assert kith.export(tmp_path / "after") == before


@pytest.mark.parametrize(("answer", "count"), [("y", 1), ("n", 2), ("", 2)])
def test_on_a_terminal_it_asks(make: Make, answer: str, count: int) -> None:
    """The pairs are shown, and joined by a yes alone."""
    kith = make(*TWO)
    control, terminal = pty.openpty()
    with subprocess.Popen(
        kith.words("duplicates", "--accept-sure"),
        env=kith.environment,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    ) as running:
        os.close(terminal)
        os.write(control, f"{answer}\n".encode())
        shown = b""
        while running.poll() is None or b"?" not in shown:
            try:
                shown += os.read(control, 4_096)
            except OSError:
                break
    os.close(control)
    assert b"Join" in shown
    assert len(kith.json("people")["people"]) == count

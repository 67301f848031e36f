"""KITH_KEEP_TEXT decides what of a text stays in the home."""

from pathlib import Path

import pytest

from deploy.importing import import_paths
from deploy.settings import read_settings
from deploy.wiring import Application
from schemas.decisions import OwnerDeclared
from services.store import events as stream

ASK = "Could you look at section 3 before Friday?"
PLAIN = "The heron stood by the weir all morning."
QUOTED = "An older sentence of mine."
LETTER = f"""\
From: Ana Okafor <ana@example.org>
To: mara@example.com
Date: Thu, 19 Nov 2026 10:00:00 +0000
Message-ID: <1@example.org>
Subject: Draft

Hello Mara,

{PLAIN} {ASK}

On Wed, 18 Nov 2026 at 09:00, Mara <mara@example.com> wrote:
> {QUOTED}
"""


@pytest.mark.parametrize(
    ("keep", "stays", "goes"),
    [
        ("none", [], [ASK, PLAIN, QUOTED]),
        ("excerpt", [ASK, PLAIN], [QUOTED]),
        ("full", [ASK, PLAIN, QUOTED], []),
    ],
)
def test_what_stays_of_a_text(tmp_path: Path, keep: str, stays: list[str], goes: list[str]) -> None:
    """None keeps no word, the default the writer's own first ones, full the whole text; the signal is always there."""
    (tmp_path / "letter.eml").write_text(LETTER)
    environment = {"KITH_KEEP_TEXT": keep, "KITH_NOW": "2026-11-23T09:00:00Z"}
    app = Application(read_settings(str(tmp_path / "home"), environment))
    book = app.make(OwnerDeclared(name="Mara", emails=("mara@example.com",), timezone="Europe/Berlin"))
    import_paths(app, book, [str(tmp_path / "letter.eml")])
    with app.store.read() as unit:
        kept = b"".join(event.body for event in stream.read_all(unit, book.owner)).decode()
    app.close()
    assert '"kind":"ask"' in kept
    assert all(sentence in kept for sentence in stays)
    home = b"".join(file.read_bytes() for file in (tmp_path / "home").rglob("*") if file.is_file())
    assert not any(sentence.encode() in home for sentence in goes)

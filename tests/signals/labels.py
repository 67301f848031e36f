"""Where the labelled sentences and mails are, and how they are split.

A labelled line belongs to the test part when the first byte of its text's SHA-256 is even, else to the dev part:
the split follows from the text alone, and nobody chose it.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Literal

from msgspec import Struct

DATA = Path(__file__).parent / "data"
Part = Literal["dev", "test"]


class Sentence(Struct, frozen=True):
    """One labelled line: what a reader would say that it does (`none` for nothing)."""

    kinds: frozenset[str]
    language: str
    text: str


class Mail(Struct, frozen=True):
    """A whole mail with the words that are its writer's own."""

    name: str
    text: str
    own: str
    is_html: bool = False


def part_of(text: str) -> Part:
    """The part that a text belongs to."""
    return "dev" if hashlib.sha256(text.encode()).digest()[0] % 2 else "test"


def sentences(part: Part | None = None) -> list[Sentence]:
    """The labelled sentences: `kinds<TAB>language<TAB>text` a line, kinds parted by `+`."""
    found = []
    for path in sorted(DATA.glob("sentences_*.tsv")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                kinds, language, text = line.split("\t")
                found.append(Sentence(frozenset(kinds.split("+")) - {"none"}, language, text))
    return [each for each in found if part is None or part_of(each.text) == part]


def mails(part: Part | None = None) -> list[Mail]:
    """The labelled mails."""
    raw = json.loads((DATA / "mails.json").read_text(encoding="utf-8"))
    found = [Mail(each["name"], each["text"], each["own"], each.get("is_html", False)) for each in raw]
    return [each for each in found if part is None or part_of(each.text) == part]


def requests_file() -> Path | None:
    """The labelled business sentences, which are not part of the repository; None when they are not here.

    `KITH_DATA` names their folder; else `shared/data` beside the repository is tried.
    """
    base = os.environ.get("KITH_DATA")
    for folder in [Path(base)] if base else [Path(__file__).parents[3] / "shared" / "data"]:
        path = folder / "requests" / "train.txt"
        if path.is_file():
            return path
    return None

# ruff: noqa: T201 - a command prints
"""Prints how well the text stage does on the labelled sets: `python -m tests.signals.measure [dev|test|all]`."""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime

from msgspec import Struct

from schemas.connector import TextContext
from services.signals.reading import read_text
from tests.signals.labels import Mail, Part, Sentence, mails, requests_file, sentences
from tests.signals.train import choose_thresholds, cross_validated, figures, read_rows

KINDS = ("ask", "promise", "thanks", "introduction")
LANGUAGES = ("en", "de", "fr", "es", "it")
CONTEXT = TextContext(at=datetime(2026, 11, 25, 9, tzinfo=UTC))


class Score(Struct, frozen=True):
    """Hits, false findings and misses of one kind."""

    hits: int = 0
    false: int = 0
    missed: int = 0

    @property
    def precision(self) -> float:
        """The share of findings that are right."""
        return self.hits / max(1, self.hits + self.false)

    @property
    def recall(self) -> float:
        """The share of what is there that is found."""
        return self.hits / max(1, self.hits + self.missed)


def found_in(text: str) -> frozenset[str]:
    """The kinds of signal that the text stage sees in a text alone."""
    return frozenset(signal.kind for signal in read_text(text, CONTEXT).signals)


def score(rows: Iterable[Sentence], kind: str) -> Score:
    """How one kind is found in labelled sentences."""
    hits = false = missed = 0
    for row in rows:
        is_found, is_there = kind in found_in(row.text), kind in row.kinds
        hits += is_found and is_there
        false += is_found and not is_there
        missed += is_there and not is_found
    return Score(hits, false, missed)


def is_cut_right(mail: Mail) -> bool:
    """Whether exactly the writer's own words are left of a mail, white space apart."""
    context = TextContext(at=CONTEXT.at, is_html=mail.is_html)
    own = " ".join(mail.own.split())
    excerpt = read_text(mail.text, context).excerpt
    return excerpt == own or (len(own) > 280 and excerpt.endswith("…") and own.startswith(excerpt[:-1]))


def main(part: Part | None) -> None:
    """Print the tables."""
    rows = sentences(part)
    print(f"{'kind':14}{'language':10}{'there':>6}{'precision':>11}{'recall':>8}")
    for kind in KINDS:
        for languages in ((code,) for code in LANGUAGES):
            _print_row(kind, languages[0], [row for row in rows if row.language in languages])
        _print_row(kind, "all", rows)
    cut = mails(part)
    print(f"\nreply cutting: {sum(map(is_cut_right, cut))} of {len(cut)} mails exactly right")
    path = requests_file()
    if path is None:
        print("\nlabelled business sentences: not here, left out")
        return
    labelled = read_rows(path)
    scores = cross_validated(labelled)
    labels = [label for _, label in labelled]
    precise, balanced = choose_thresholds(labelled, scores)
    print("\nasks in labelled business sentences, ten-fold cross-validation")
    for name, limit in (("balanced", balanced), ("precision first", precise)):
        precision, recall, mean = figures([s >= limit for s in scores], labels)
        print(f"{name:24}{precision:>11.3f}{recall:>8.3f}   F1 {mean:.3f}")


def _print_row(kind: str, language: str, rows: list[Sentence]) -> None:
    result = score(rows, kind)
    print(
        f"{kind:14}{language:10}{result.hits + result.missed:>6}{result.precision:>11.3f}{result.recall:>8.3f}"
    )


if __name__ == "__main__":
    asked = sys.argv[1] if len(sys.argv) > 1 else "test"
    main(None if asked == "all" else "dev" if asked == "dev" else "test")

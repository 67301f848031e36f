# ruff: noqa: T201 - a command prints
"""Trains the model of English asks and writes `services/signals/asks.json`; prints what it is worth first.

    python -m tests.signals.train [path/to/train.txt]

Logistic regression by AdaGrad in plain Python, seeded: the same labels give the same weights. The labels are the
training part of ParakweetLabs/EmailIntentDataSet (Apache-2.0), which is not in this repository.
"""

import json
import math
import random
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from services.signals.asks import english_score, has_phrase, is_ask_by_rule, is_forbidden
from services.signals.english import ENGLISH
from services.signals.language import tokens_of
from services.signals.model import PHRASE, RULE, Model, framed_tokens
from tests.signals.labels import requests_file

WEIGHTS = Path(__file__).parents[2] / "services" / "signals" / "asks.json"
FOLDS = 10
WANTED_PRECISION = 0.90
_RATE, _DECAY, _ROUNDS, _RAREST, _LEAST = 0.25, 0.003, 8, 2, 0.1

Row = tuple[str, bool]


def read_rows(path: Path) -> list[Row]:
    """Labelled sentences, lower-cased as the rules see them."""
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    rows = [line.split("\t", 1) for line in lines if "\t" in line]
    return [(text.lower().replace("’", "'"), label == "Yes") for label, text in rows]


def features(lowered: str) -> tuple[str, ...]:
    """What the model sees of a sentence: its words and the rules' verdicts.

    Those of the rules that forbid an ask are seen in training alone, lest words be blamed for what rules decide.
    """
    tokens = tokens_of(lowered)
    framed = framed_tokens(tokens)
    verdicts = {
        RULE: is_ask_by_rule(lowered, tokens, ENGLISH) or has_phrase(lowered, tokens, ENGLISH),
        PHRASE: has_phrase(lowered, tokens, ENGLISH),
        "#promise": _promises(lowered),
        "#forbidden": ENGLISH.no_ask.search(lowered) is not None,
        "#rhetoric": "?" in lowered and ENGLISH.no_question.search(lowered) is not None,
    }
    return (
        *framed,
        *map(" ".join, pairwise(framed)),
        *map(" _ ".join, zip(framed, framed[2:], strict=False)),
        *(name for name, is_so in verdicts.items() if is_so),
    )


def fit(rows: Sequence[tuple[str, ...]], labels: Sequence[bool]) -> Model:
    """Weights for the features that more than one sentence has."""
    seen = Counter(feature for row in rows for feature in set(row))
    known = [[feature for feature in row if seen[feature] >= _RAREST] for row in rows]
    weights = dict.fromkeys((f for f, count in seen.items() if count >= _RAREST), 0.0)
    squares = dict.fromkeys(weights, 1.0)
    bias = 0.0
    shuffled = random.Random(0)
    order = list(range(len(rows)))
    for _ in range(_ROUNDS):
        shuffled.shuffle(order)
        for at in order:
            row = known[at]
            score = bias + sum(weights[feature] for feature in row)
            error = 1 / (1 + math.exp(-max(-30.0, min(30.0, score)))) - labels[at]
            bias -= 0.02 * error
            for feature in row:
                slope = error + _DECAY * weights[feature]
                squares[feature] += slope * slope
                weights[feature] -= _RATE * slope / math.sqrt(squares[feature])
    kept = {f: round(w, 2) for f, w in sorted(weights.items()) if abs(w) >= _LEAST or f in {RULE, PHRASE}}
    return Model(
        round(bias, 3),
        0.0,
        -math.inf,
        {f: w for f, w in kept.items() if " " not in f and f not in {"#promise", "#forbidden", "#rhetoric"}},
        {(f.split(" ")[0], f.split(" ")[1]): w for f, w in kept.items() if f.count(" ") == 1},
        {(f.split(" ")[0], f.split(" ")[2]): w for f, w in kept.items() if f.count(" ") == 2},
    )


def score(model: Model, lowered: str) -> float:
    """The score of a sentence, as the detector sees it; what the detector forbids scores lowest."""
    tokens = tokens_of(lowered)
    is_plea = "?" in lowered or "please" in tokens
    if (
        ENGLISH.ask_words.isdisjoint(tokens)
        or is_forbidden(lowered, ENGLISH)
        or (_promises(lowered) and not is_plea)
    ):
        return -math.inf
    return english_score(model, lowered, tokens, ENGLISH)


def floor(model: Model, rows: Sequence[Row], threshold: float) -> float:
    """What words alone score, at the least, in all but one in two hundred of the sentences that ask."""
    asking = [tokens_of(text) for text, _ in rows if score(model, text) >= threshold]
    alone = sorted(
        model.bias + sum(model.words.get(token, 0.0) for token in framed_tokens(tokens)) for tokens in asking
    )
    return round(alone[len(alone) // 200], 2)


def _promises(lowered: str) -> bool:
    return ENGLISH.promise.search(lowered) is not None and not ENGLISH.no_promise.search(lowered)


def cross_validated(rows: Sequence[Row]) -> list[float]:
    """The score of each row by a model that has not seen it: ten folds, drawn with a fixed seed."""
    order = list(range(len(rows)))
    random.Random(7).shuffle(order)
    sets = [features(text) for text, _ in rows]
    scores = [0.0] * len(rows)
    for fold in range(FOLDS):
        held = set(order[fold::FOLDS])
        kept = [at for at in order if at not in held]
        model = fit([sets[at] for at in kept], [rows[at][1] for at in kept])
        for at in held:
            scores[at] = score(model, rows[at][0])
    return scores


def figures(is_found: Iterable[bool], labels: Iterable[bool]) -> tuple[float, float, float]:
    """Precision, recall and their harmonic mean."""
    pairs = Counter(zip(is_found, labels, strict=True))
    hits, false, missed = pairs[True, True], pairs[True, False], pairs[False, True]
    precision, recall = hits / max(1, hits + false), hits / max(1, hits + missed)
    return precision, recall, 2 * precision * recall / max(1e-9, precision + recall)


def choose_thresholds(rows: Sequence[Row], scores: Sequence[float]) -> tuple[float, float]:
    """Two thresholds: the lowest with the wanted precision, and the one with the best harmonic mean."""
    labels = [label for _, label in rows]
    grid = [step / 20 for step in range(-30, 61)]
    by = {limit: figures([s >= limit for s in scores], labels) for limit in grid}
    precise = min((limit for limit in grid if by[limit][0] >= WANTED_PRECISION), default=grid[-1])
    return precise, max(grid, key=lambda limit: by[limit][2])


def main(path: Path) -> None:
    """Cross-validate, print the figures, train on all rows and write the weights."""
    rows = read_rows(path)
    labels = [label for _, label in rows]
    rules = [
        is_ask_by_rule(text, tokens_of(text), ENGLISH) and not is_forbidden(text, ENGLISH) for text, _ in rows
    ]
    scores = cross_validated(rows)
    precise, balanced = choose_thresholds(rows, scores)
    for name, found in (
        ("rules alone", rules),
        (f"with model, balanced ({balanced:+.2f})", [s >= balanced for s in scores]),
        (f"with model, precision first ({precise:+.2f})", [s >= precise for s in scores]),
    ):
        print("{:38} precision {:.3f}  recall {:.3f}  F1 {:.3f}".format(name, *figures(found, labels)))
    model = fit([features(text) for text, _ in rows], labels)
    WEIGHTS.write_text(
        json.dumps(
            {
                "origin": "Trained by tests/signals/train.py on the training part of ParakweetLabs/EmailIntentDataSet (Apache-2.0).",
                "bias": model.bias,
                "threshold": precise,
                "floor": floor(model, rows, precise),
                "words": model.words,
                "pairs": {" ".join(pair): weight for pair, weight in model.pairs.items()},
                "skips": {" ".join(pair): weight for pair, weight in model.skips.items()},
            },
            ensure_ascii=False,
            indent=0,
        )
        + "\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    given = Path(sys.argv[1]) if len(sys.argv) > 1 else requests_file()
    if given is None:
        sys.exit("The labelled requests are not here; name their file.")
    main(given)

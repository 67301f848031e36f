"""A small linear model of English asks: weights as plain JSON, scored in plain Python, only where rules are unsure.

The weights come from `python -m tests.signals.train`; nothing learns at run time.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from itertools import pairwise, repeat

from msgspec import Struct

MOST_TOKENS = 60
RULE, PHRASE = "#rule", "#phrase"
QUESTION_BONUS = 0.7
"""Added to questions: between people a plain question wants an answer, also where the labels leave it out."""

_ZERO = repeat(0.0)

Pair = tuple[str, str]


class Model(Struct, frozen=True):
    """Weights of words, of pairs of neighbours, and of pairs with one word between; all occurrences count.

    `RULE` weighs that the rules take the sentence for an ask, `PHRASE` that it has a phrase of asking in it.
    `floor` is what the words alone must reach for pairs to be looked at. `threshold` is the score from which precision reached nine in ten in cross-validation.
    """

    bias: float
    threshold: float
    floor: float
    words: Mapping[str, float]
    pairs: Mapping[Pair, float]
    skips: Mapping[Pair, float]

    def score(self, tokens: Sequence[str]) -> float:
        """The log-odds that a sentence of these tokens asks, by its words alone."""
        framed = framed_tokens(tokens)
        single = self.bias + sum(map(self.words.get, framed, _ZERO))
        if single < self.floor:
            return single
        return (
            single
            + sum(map(self.pairs.get, pairwise(framed), _ZERO))
            + sum(map(self.skips.get, zip(framed, framed[2:], strict=False), _ZERO))
        )


def framed_tokens(tokens: Sequence[str]) -> list[str]:
    """Tokens between marks of begin and end; every number is `0`, and a long sentence is cut."""
    return ["<", *["0" if token[0] in "0123456789" else token for token in tokens[:MOST_TOKENS]], ">"]


@cache
def load() -> Model:
    """The shipped model."""
    raw = json.loads(resources.files("services.signals").joinpath("asks.json").read_text(encoding="utf-8"))
    return Model(
        raw["bias"],
        raw["threshold"],
        raw["floor"],
        raw["words"],
        _pairs(raw["pairs"]),
        _pairs(raw["skips"]),
    )


def _pairs(raw: Mapping[str, float]) -> dict[Pair, float]:
    split = {key: key.split(" ") for key in raw}
    return {(first, second): raw[key] for key, (first, second) in split.items()}

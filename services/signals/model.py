"""A small linear model of English asks: weights as plain JSON, scored in plain Python, only where rules are unsure.

The weights come from `python -m tests.signals.train`; without their file there is no model, only rules.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib import resources

from msgspec import Struct

_TOKENS = re.compile(r"[a-z']+|\d+|[?!:$@]")
_MOST_TOKENS = 60
RULE, PHRASE = "#rule", "#phrase"


class Model(Struct, frozen=True):
    """Weights of words and word pairs, of the two rules' verdicts, and the score from which a sentence asks.

    `RULE` weighs that the rules take the sentence for an ask, `PHRASE` that it has a phrase of asking in it.
    `bias` is part of every score. `threshold` is where precision reached nine in ten in cross-validation.
    """

    bias: float
    threshold: float
    weights: dict[str, float]

    def score(self, lowered: str) -> float:
        """The log-odds that a sentence asks, by its words alone."""
        weights = self.weights
        return self.bias + sum(
            [weights[feature] for feature in set(word_features(lowered)) if feature in weights]
        )


def word_features(lowered: str) -> Iterator[str]:
    """The words of a lower-cased sentence, its pairs of neighbours and of next but one, its length; a number is `0`."""
    tokens = [
        "<",
        *["0" if token[0].isdigit() else token for token in _TOKENS.findall(lowered[:600])[:_MOST_TOKENS]],
        ">",
    ]
    yield from tokens[1:-1]
    yield from map(" ".join, zip(tokens, tokens[1:], strict=False))
    yield from map(" _ ".join, zip(tokens, tokens[2:], strict=False))
    yield f"#length{min(6, len(tokens) // 6)}"


@cache
def load() -> Model:
    """The shipped model."""
    raw = json.loads(resources.files("services.signals").joinpath("asks.json").read_text(encoding="utf-8"))
    return Model(raw["bias"], raw["threshold"], raw["weights"])

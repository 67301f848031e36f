"""Decides whether a sentence asks its reader for something: rules, and for English a small linear model with them.

It must prefer silence: a follow-up that nobody asked for costs more trust than one that is missing.
"""

import math
from collections.abc import Sequence

from services.signals import model
from services.signals.language import Language

_SHORTEST_QUESTION = 2
_QUESTION_ENDS = ("?", '?"', "?)", "?'", "?”", "? )", "? :)")


def is_ask(lowered: str, tokens: Sequence[str], language: Language, *, is_other: bool = False) -> bool:
    """Whether a lower-cased sentence wants an answer or an act of its reader.

    Args:
        lowered: one sentence, in lower case with straight apostrophes.
        tokens: its words in order.
        language: the language it is read in.
        is_other: it gives thanks or a promise already, so that only a question or a plea makes it an ask, too.
    """
    if is_other and "?" not in lowered and "please" not in tokens:
        return False
    if language.code == "en":
        asks = model.load()
        if language.ask_words.isdisjoint(tokens):
            return False
        score = english_score(asks, lowered, tokens, language, enough=asks.threshold)
        return score >= asks.threshold and not is_forbidden(lowered, language)
    return is_ask_by_rule(lowered, tokens, language) and not is_forbidden(lowered, language)


def is_question(lowered: str) -> bool:
    """Whether a sentence ends as a question does."""
    return lowered.endswith(_QUESTION_ENDS)


def is_forbidden(lowered: str, language: Language) -> bool:
    """Whether a sentence is a courtesy, an offer or a rhetorical question, whatever else is in it."""
    if "?" in lowered and language.no_question.search(lowered):
        return True
    return language.no_ask.search(lowered) is not None


def is_ask_by_rule(lowered: str, tokens: Sequence[str], language: Language) -> bool:
    """Whether a sentence is a question or has a phrase of asking."""
    if is_question(lowered):
        return len(tokens) > _SHORTEST_QUESTION
    return has_phrase(lowered, tokens, language)


def has_phrase(lowered: str, tokens: Sequence[str], language: Language) -> bool:
    """Whether a sentence has a phrase with which people ask."""
    if not language.pleas.isdisjoint(tokens):
        return True
    if language.ask_words.isdisjoint(tokens):
        return False
    return language.ask.search(lowered) is not None or (
        language.order is not None
        and not language.order_words.isdisjoint(tokens)
        and language.order.search(lowered) is not None
    )


def english_score(
    asks: model.Model, lowered: str, tokens: Sequence[str], language: Language, *, enough: float = math.inf
) -> float:
    """How surely a sentence asks, by its words and by the rules; from `enough` on the rules are left out."""
    score = asks.score(tokens)
    is_asking = is_question(lowered)
    if is_asking:
        score += model.QUESTION_BONUS
    # The rules are the dearer part: they are tried only where their word could tip the scale.
    if score >= enough or score + asks.words[model.RULE] + asks.words[model.PHRASE] < asks.threshold:
        return score
    phrase = has_phrase(lowered, tokens, language)
    if phrase or (is_asking and len(tokens) > _SHORTEST_QUESTION):
        score += asks.words[model.RULE]
    return score + phrase * asks.words[model.PHRASE]

"""Decides whether a sentence asks its reader for something: rules, and for English a small linear model with them.

It must prefer silence: a follow-up that nobody asked for costs more trust than one that is missing.
"""

from services.signals import model
from services.signals.language import Language

_SHORTEST_QUESTION = 3
_QUESTION_ENDS = ("?", '?"', "?)", "?'", "?”", "? )", "? :)")


def is_ask(lowered: str, words: frozenset[str], language: Language, *, is_other: bool = False) -> bool:
    """Whether a lower-cased sentence wants an answer or an act of its reader.

    Args:
        lowered: one sentence, in lower case with straight apostrophes.
        words: its words.
        language: the language it is read in.
        is_other: it gives thanks or a promise already, so that only a question or a plea makes it an ask, too.
    """
    if is_other and "?" not in lowered and "please" not in words:
        return False
    if language.code == "en":
        return _asks_in_english(lowered, words, language)
    return _asks_by_rule(lowered, words, language) and not language.no_ask.search(lowered)


def _asks_by_rule(lowered: str, words: frozenset[str], language: Language) -> bool:
    if lowered.endswith(_QUESTION_ENDS):
        return len(words) >= _SHORTEST_QUESTION and not language.no_question.search(lowered)
    return not words.isdisjoint(language.ask_words) and language.ask.search(lowered) is not None


def _asks_in_english(lowered: str, words: frozenset[str], language: Language) -> bool:
    asks = model.load()
    score = asks.score(lowered)
    # The rules are the dearer part: they are asked only where their word could tip the scale.
    if score + asks.weights[model.RULE] + asks.weights[model.PHRASE] < asks.threshold:
        return False
    has_phrase = not words.isdisjoint(language.ask_words) and language.ask.search(lowered) is not None
    if "?" in lowered and language.no_question.search(lowered):
        return False
    if has_phrase or (lowered.endswith(_QUESTION_ENDS) and len(words) >= _SHORTEST_QUESTION):
        score += asks.weights[model.RULE]
    if has_phrase:
        score += asks.weights[model.PHRASE]
    return score >= asks.threshold and not language.no_ask.search(lowered)

"""Decides whether a sentence asks its reader for something: rules first, a small linear model where they are unsure.

It must prefer silence: a follow-up that nobody asked for costs more trust than one that is missing.
"""

from services.signals.language import Language


def is_ask(lowered: str, words: frozenset[str], language: Language, *, is_other: bool = False) -> bool:
    """Whether a lower-cased sentence wants an answer or an act of its reader.

    Args:
        lowered: one sentence, in lower case with straight apostrophes.
        words: its words.
        language: the language it is read in.
        is_other: it gives thanks or a promise already, so that only a question or an order makes it an ask, too.
    """
    if language.no_ask.search(lowered):
        return False
    if lowered.rstrip(" \"')”").endswith("?"):
        return not language.no_question.search(lowered) and len(words) >= 3
    if is_other and "?" not in lowered:
        return False
    return language.ask.search(lowered) is not None

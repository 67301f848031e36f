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
    if lowered.endswith(("?", '?"', "?)", "?'", "?”", "? )")):
        return (
            len(words) >= 3
            and not language.no_question.search(lowered)
            and not language.no_ask.search(lowered)
        )
    if (is_other and "?" not in lowered) or words.isdisjoint(language.ask_words):
        return False
    return language.ask.search(lowered) is not None and not language.no_ask.search(lowered)

"""What a language's rules are made of, and which language a text is in.

Patterns see a sentence in lower case with straight apostrophes, but for introductions, which look for names.
"""

import re
from collections.abc import Iterable

from msgspec import Struct


class Language(Struct, frozen=True):
    """One language's rules: a kind is found where its pattern matches and its `no_` pattern does not.

    `cues` are words without one of which no statement of the language can carry a signal; `common` tells the
    language from the others.
    """

    code: str
    common: frozenset[str]
    cues: frozenset[str]
    ask: re.Pattern[str]
    no_ask: re.Pattern[str]
    no_question: re.Pattern[str]
    promise: re.Pattern[str]
    no_promise: re.Pattern[str]
    thanks: re.Pattern[str]
    no_thanks: re.Pattern[str]
    introduction: re.Pattern[str]
    no_introduction: re.Pattern[str]


def words(text: str) -> frozenset[str]:
    """A blank-separated word list as a set."""
    return frozenset(text.split())


def choose(text_words: frozenset[str], languages: Iterable[Language]) -> Language:
    """The language whose common words a text has most of; the first when none has any."""
    best, best_score = None, -1
    for language in languages:
        score = len(text_words & language.common)
        if score > best_score:
            best, best_score = language, score
    assert best is not None  # noqa: S101 - there is always a first language
    return best

"""What a language's rules are made of, and which language a text is in.

Patterns see a sentence in lower case with straight apostrophes, but for introductions, which look for names.
"""

import re
from collections.abc import Sequence
from functools import cached_property

from msgspec import Struct

_SHORT = 12


class Language(Struct, frozen=True, dict=True):
    """One language's rules: a kind is found where its pattern matches and its `no_` pattern does not.

    A pattern is only tried on a sentence that has one of its kind's words, which is what makes reading fast;
    `common` tells the language from the others. `pleas` are words that make a phrase of asking alone,
    `order` finds imperatives, which are phrases of asking, too, beside one of their own words, and
    `helpers` those that tell something only beside one of the `persons`, or at the beginning of a sentence.
    """

    code: str
    common: frozenset[str]
    ask_words: frozenset[str]
    promise_words: frozenset[str]
    thanks_words: frozenset[str]
    introduction_words: frozenset[str]
    ask: re.Pattern[str]
    no_ask: re.Pattern[str]
    no_question: re.Pattern[str]
    promise: re.Pattern[str]
    no_promise: re.Pattern[str]
    thanks: re.Pattern[str]
    no_thanks: re.Pattern[str]
    introduction: re.Pattern[str]
    no_introduction: re.Pattern[str]
    pleas: frozenset[str] = frozenset()
    order: re.Pattern[str] | None = None
    order_words: frozenset[str] = frozenset()
    helpers: frozenset[str] = frozenset()
    persons: frozenset[str] = frozenset()

    @cached_property
    def telling(self) -> frozenset[str]:
        """Words without one of which, or a helper, a sentence tells nothing."""
        kinds = (self.ask_words, self.promise_words, self.thanks_words, self.introduction_words)
        return frozenset({"?"}).union(*kinds) - self.helpers


def rule(pattern: str, flags: int = 0) -> re.Pattern[str]:
    r"""Compile alternatives so that those which begin with `\b` share one test for it.

    The engine tries every alternative at every character; with the boundary in front, at every word only, which is
    five times faster on these rules.
    """
    bounded: list[str] = []
    free: list[str] = []
    for alternative in _alternatives(pattern):
        (bounded if alternative.startswith(r"\b") else free).append(alternative.removeprefix(r"\b"))
    joined = [rf"\b(?=\w)(?:{'|'.join(bounded)})"] if bounded else []
    return re.compile("|".join(joined + free), flags)


def _alternatives(pattern: str) -> list[str]:
    """Split a pattern at the bars outside all brackets."""
    parts, depth, in_class, start, at = [], 0, False, 0, 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            at += 1
        elif in_class:
            in_class = char != "]"
        elif char == "[":
            in_class = True
        elif char in "()":
            depth += 1 if char == "(" else -1
        elif char == "|" and depth == 0:
            parts.append(pattern[start:at])
            start = at + 1
        at += 1
    return [*parts, pattern[start:]]


_BLANKS = bytes.maketrans(b'.,;:()[]{}"/\\*<>|=+#&~^_%\t', b" " * 26)
_WIDE_BLANKS = "“”„«»…–—¿¡\xa0"
_SIGNS = "?!$@"


def blanked(lowered: str) -> str:
    """A lower-cased text with straight apostrophes, nothing in it but words, the signs that matter, and line ends.

    Bytes are translated many times faster than text that is not ASCII, and every text comes through here.
    """
    for sign in _SIGNS:
        if sign in lowered:
            lowered = lowered.replace(sign, f" {sign} ")
    if not lowered.isascii():
        for blank in _WIDE_BLANKS:
            lowered = lowered.replace(blank, " ")
    return lowered.encode("utf-8", "surrogatepass").translate(_BLANKS).decode("utf-8", "surrogatepass")


def tokens_of(lowered: str) -> list[str]:
    """The words of a lower-cased text with straight apostrophes, its numbers, and the signs that matter."""
    return blanked(lowered).split()


def words(text: str) -> frozenset[str]:
    """A blank-separated word list as a set."""
    return frozenset(text.split())


def choose(text_words: frozenset[str], languages: Sequence[Language]) -> tuple[Language, ...]:
    """The language whose common words a text has most of; several when a short text could be in any of them."""
    # Most mail is in the first language, and the others need not be counted to see it.
    if len(text_words & languages[0].common) > max(_SHORT // 2, len(text_words) // 4):
        return (languages[0],)
    scores = [len(text_words & language.common) for language in languages]
    best = max(scores)
    if len(text_words) > _SHORT:
        return (languages[scores.index(best)],)
    return tuple(language for language, score in zip(languages, scores, strict=True) if score == best)

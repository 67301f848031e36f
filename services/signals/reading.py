"""Reads one text: whose words they are, what they do, and until when.

It is pure and can be handed to another process by name; it never raises on any text, and keeps none of it.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from schemas.connector import Reading, TextContext
from schemas.records import Signal, SignalKind
from services.signals import phrases
from services.signals.asks import is_ask, is_forbidden
from services.signals.deadlines import find_due
from services.signals.english import ENGLISH
from services.signals.french import FRENCH
from services.signals.german import GERMAN
from services.signals.italian import ITALIAN
from services.signals.language import Language, blanked, choose, tokens_of
from services.signals.markup import text_from_html
from services.signals.quotes import own_words
from services.signals.sentences import bare, cut, paragraphs, sentence_at
from services.signals.signature import addresses_in, hints_from_signature, new_address
from services.signals.spanish import SPANISH

LONGEST_TEXT = 64 * 1024
LONGEST_EXCERPT = 280
MOST_SIGNALS = 8
# What a human asks or promises stands early; a longer text is a report, and its end is not worth the time.
_READ = 4 * 1024
_MOST_PIECES = 40
_SHORTEST_SENTENCE = 4
_LONGEST_ABSENCE = 1500
# Who takes a question back says so first.
_SETTLED_LINES = 4
# The language shows, and a machine gives itself away, in so many characters.
_OPENING = 400

_LANGUAGES = (ENGLISH, GERMAN, FRENCH, SPANISH, ITALIAN)
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_LINKS = re.compile(r"<?https?://[^\s<>]+>?")
_AUTO_SUBJECT = re.compile(phrases.AUTO_SUBJECT, re.IGNORECASE)
_AUTO_TEXT = re.compile(phrases.AUTO_TEXT, re.IGNORECASE)
_OUT_OF_OFFICE = re.compile(rf"\b(?:{phrases.OUT_OF_OFFICE})")
_MARKS = '"“”„«»'
_SPEECH = re.compile(r"(?<!\w)[\"“”„«»][^\"“”„«»]+(?:[\"“”«»]|$)")
# Fewer words in quotation marks than these are a name: "Option B" is still talked about.
_SPOKEN = 2
_NOT_READING = re.compile(rf"\b(?:{phrases.NOT_READING})")
_NO_ANSWER = re.compile(rf"\b(?:{phrases.NO_ANSWER})\b(?! (?:{phrases.ANSWER_LATER}))")
_SETTLED = re.compile(
    rf"(?:(?:hi|hello|hey|hallo|ok(?:ay)?|oh|sorry|ah|well|ach)\b[\w ]{{0,30}}[,.!:–—-]* )?(?:{phrases.SETTLED})"
)


class _Sentence(NamedTuple):
    text: str
    lowered: str
    tokens: list[str]


def read_text(text: str, context: TextContext) -> Reading:
    """Read a mail's or message's text: an excerpt of the writer's own words, their signals, signature hints.

    Only the first 64 KB are read. Days are resolved in the writer's own calendar: `context.at` moved by
    `context.utc_offset` (UTC when that is not known).
    """
    cut = text[:LONGEST_TEXT]
    if context.is_html:
        cut = text_from_html(cut)
    own = own_words(cut)
    parts = paragraphs(own.lines)
    said = " ".join(parts)[:_READ]
    if not said.isprintable():
        parts = [_CONTROLS.sub("", part) for part in parts]
        said = " ".join(parts)[:_READ]
    signature = hints_from_signature(own.signature) + new_address(said)
    return Reading(excerpt=_excerpt(said), signals=_signals(parts, said, context), signature=signature)


def _excerpt(said: str) -> str:
    folded = " ".join(said[: 2 * LONGEST_EXCERPT].split())
    if len(folded) <= LONGEST_EXCERPT:
        return folded
    cut = folded[: LONGEST_EXCERPT - 1]
    at_word = cut.rfind(" ")
    return (cut[:at_word] if at_word > LONGEST_EXCERPT // 2 else cut).rstrip(" ,;:-") + "…"


def _signals(parts: list[str], said: str, context: TextContext) -> tuple[Signal, ...]:
    if not said:
        return ()
    text = "\n\n".join(parts)[:_READ]
    if "://" in text:
        text = _LINKS.sub(" ", text)
    text = cut(text)
    lowered = text.lower().replace("’", "'")
    words = blanked(lowered)
    opening = frozenset(words[:_OPENING].split())
    if _is_automatic(said, opening, context.subject):
        return (Signal("auto_reply", said[:LONGEST_EXCERPT]),)
    found: list[Signal] = []
    languages = choose(opening, _LANGUAGES)
    for sentence in _telling(text, words, languages):
        for language in languages:
            if kinds := _kinds(sentence, language):
                kinds = [kind for kind in kinds if not _is_denied(kind, sentence, languages)]
                found += [_signal(kind, sentence, language, context, said) for kind in kinds]
                break
        if len(found) >= MOST_SIGNALS:
            break
    return tuple(_as_meant(found[:MOST_SIGNALS], text, lowered, opening, languages))


def _as_meant(
    found: list[Signal], text: str, lowered: str, opening: frozenset[str], languages: tuple[Language, ...]
) -> list[Signal]:
    """The signals without asks where the writer wants no answer, and with what they take back where they ask nothing."""
    if any(one.kind == "ask" for one in found):
        if not any(any(map(lowered.__contains__, phrases.NO_ANSWER_WORDS[one.code])) for one in languages):
            return found
        if _NO_ANSWER.search(lowered.replace("\n", " ")) is None:
            return found
        found = [one for one in found if one.kind != "ask"]
    if opening.isdisjoint(phrases.SETTLED_WORDS):
        return found
    lines = zip(text.split("\n", _SETTLED_LINES), lowered.split("\n", _SETTLED_LINES), strict=False)
    line = next((line for line, low in lines if _SETTLED.match(low)), "")
    return [Signal("settled", line[:LONGEST_EXCERPT]), *found][:MOST_SIGNALS] if line else found


def _telling(text: str, words: str, languages: tuple[Language, ...]) -> Iterator[_Sentence]:
    """The sentences of a cut text with a word in them that may tell something; `words` is the same text blanked."""
    pieces = text.split("\n", _MOST_PIECES)[:_MOST_PIECES]
    split = [piece.split() for piece in words.split("\n", _MOST_PIECES)[:_MOST_PIECES]]
    telling = {at for language in languages for at in _telling_in(split, language)}
    read = 0
    for at in sorted(telling):
        if at < read:
            continue
        first, read = sentence_at(pieces, at)
        said = bare(" ".join(pieces[first:read]))
        if len(said) >= _SHORTEST_SENTENCE:
            own = _without_speech(said)
            lowered = own.lower().replace("’", "'")
            yield _Sentence(said, lowered, split[at] if own == pieces[at] else tokens_of(lowered))


def _without_speech(sentence: str) -> str:
    """The sentence without what stands in quotation marks in it, which are another's words; a name or a title stays."""
    if not any(map(sentence.__contains__, _MARKS)):
        return sentence
    return _SPEECH.sub(lambda found: found[0] if found[0].count(" ") < _SPOKEN else " … ", sentence)


def _telling_in(split: list[list[str]], language: Language) -> list[int]:
    lacks_any, lacks_helper, lacks_person = (
        found.isdisjoint for found in (language.telling, language.helpers, language.persons)
    )
    return [
        at
        for at, tokens in enumerate(split)
        if not lacks_any(tokens)
        or not (lacks_helper(tokens) or (lacks_person(tokens) and lacks_helper(tokens[:1])))
    ]


def _signal(
    kind: SignalKind, sentence: _Sentence, language: Language, context: TextContext, said: str
) -> Signal:
    text = " ".join(sentence.text.split())[:LONGEST_EXCERPT]
    if kind == "introduction":
        return Signal(kind, text, about=addresses_in(said))
    if kind == "thanks":
        return Signal(kind, text)
    return Signal(kind, text, due=find_due(sentence.lowered, _local_time(context), language.code))


def _kinds(sentence: _Sentence, language: Language) -> list[SignalKind]:
    text, lowered, tokens = sentence
    if (
        not language.introduction_words.isdisjoint(tokens)
        and language.introduction.search(text)
        and not language.no_introduction.search(text)
    ):
        return ["introduction"]
    kinds: list[SignalKind] = []
    if (
        not language.thanks_words.isdisjoint(tokens)
        and language.thanks.search(lowered)
        and not language.no_thanks.search(lowered)
    ):
        kinds.append("thanks")
    if (
        not language.promise_words.isdisjoint(tokens)
        and language.promise.search(lowered)
        and not language.no_promise.search(lowered)
    ):
        kinds.append("promise")
    if is_ask(lowered, tokens, language, is_other=bool(kinds)):
        kinds.append("ask")
    return kinds


def _is_denied(kind: SignalKind, sentence: _Sentence, languages: tuple[Language, ...]) -> bool:
    """Whether one of the languages that a short text may be in says that a sentence does no such thing."""
    if len(languages) == 1:
        return False
    if kind == "ask":
        return any(is_forbidden(sentence.lowered, language) for language in languages)
    return kind == "promise" and any(language.no_promise.search(sentence.lowered) for language in languages)


def _is_automatic(said: str, words: frozenset[str], subject: str) -> bool:
    if subject and _AUTO_SUBJECT.match(subject.strip()):
        return True
    if words.isdisjoint(phrases.AWAY_WORDS) and not any(map(words.issuperset, phrases.AWAY_PAIRS)):
        return False
    lowered = said.lower()
    return _AUTO_TEXT.search(lowered[:300]) is not None or (
        len(said) < _LONGEST_ABSENCE
        and _OUT_OF_OFFICE.search(lowered) is not None
        and _NOT_READING.search(lowered) is not None
    )


def _local_time(context: TextContext) -> datetime:
    offset = context.utc_offset if context.utc_offset is not None and abs(context.utc_offset) < 24 * 60 else 0
    try:
        return (context.at + timedelta(minutes=offset)).replace(tzinfo=None)
    except OverflowError:
        return context.at.replace(tzinfo=None)

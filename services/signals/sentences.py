"""Cuts a writer's own lines into sentences, bullets and lines that stand alone; it never splits a number or an abbreviation.

A text is cut fast and too often first, at every mark with a blank behind it. Only around the few pieces that anybody
looks at are those that go on (an abbreviation, a small letter) put together again.
"""

import re
from collections.abc import Sequence

LONGEST_SENTENCE = 1000

_WRAPPED = 50
_ABBREVIATIONS = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "dr",
        "prof",
        "sr",
        "jr",
        "st",
        "vs",
        "etc",
        "eg",
        "ie",
        "e.g",
        "i.e",
        "approx",
        "dept",
        "est",
        "inc",
        "ltd",
        "co",
        "corp",
        "no",
        "nr",
        "vol",
        "fig",
        "p",
        "pp",
        "jan",
        "feb",
        "mar",
        "apr",
        "jun",
        "jul",
        "aug",
        "sep",
        "sept",
        "oct",
        "nov",
        "dec",
        "mon",
        "tue",
        "wed",
        "thu",
        "fri",
        "sat",
        "sun",
        "a.m",
        "p.m",
        "u.s",
        "u.k",
        "bzw",
        "ca",
        "z.b",
        "d.h",
        "u.a",
        "usw",
        "evtl",
        "ggf",
        "inkl",
        "tel",
        "str",
        "hr",
        "fr",
        "dipl",
        "ing",
        "abs",
        "bspw",
        "o.ä",
        "s.o",
        "u",
        "z",
        "d",
        "m",
        "mme",
        "mlle",
        "p.ex",
        "cf",
        "av",
        "bd",
        "env",
        "sra",
        "srta",
        "ud",
        "uds",
        "pág",
        "núm",
        "dott",
        "sig",
        "sig.ra",
        "ing",
        "avv",
        "pag",
        "ecc",
    ]
)
_ENDS = ".!?…"
_WIDE_ENDS = "。？！"
_CLOSERS = "\"'”’»)]"
_SMALL = re.compile(r"\s*[a-zà-ÿ]")
_BULLET = re.compile(r"(?:[-*•·–—o]|\d{1,2}[.)]|[a-z][.)]) +")


def paragraphs(lines: Sequence[str]) -> list[str]:
    """Join lines that were wrapped (RFC 3676 4.1 and by habit); a blank line, a bullet or a short line parts."""
    result: list[str] = []
    current: list[str] = []
    is_open = False
    for line in lines:
        stripped = line.strip()
        if not stripped:
            is_open = False
            continue
        if is_open and not (stripped[0] in "-*•·–—o0123456789abcdef" and _BULLET.match(stripped)):
            current.append(stripped)
        else:
            if current:
                result.append(" ".join(current))
            current = [stripped]
        is_flowed = line[-1] == " " and not line.endswith("-- ")
        is_open = is_flowed or len(stripped) >= _WRAPPED
        if not is_open and stripped[-1] not in ".!?:;,":
            is_open = False
    if current:
        result.append(" ".join(current))
    return result


def cut(paragraphs: str) -> str:
    """The text, its paragraphs parted by blank lines, with a line's end wherever a sentence may end as well."""
    cut = paragraphs
    # One sign is looked for ten times as fast as two.
    ends = [end for end in _ENDS if end in cut]
    for end in ends:
        cut = cut.replace(f"{end} ", f"{end}\n")
    for closer in _CLOSERS:
        if closer in cut:
            for end in ends:
                cut = cut.replace(f"{end}{closer} ", f"{end}{closer}\n")
    if not cut.isascii():
        for end in _WIDE_ENDS:
            cut = cut.replace(end, f"{end}\n")
    return cut


def sentence_at(pieces: Sequence[str], at: int) -> tuple[int, int]:
    """The range of the pieces that make up the sentence of one of them; an empty piece parts paragraphs."""
    first, last = at, at + 1
    while first and _goes_on(pieces[first - 1], pieces[first]):
        first -= 1
    while last < len(pieces) and _goes_on(pieces[last - 1], pieces[last]):
        last += 1
    return first, last


def bare(sentence: str) -> str:
    """A sentence of at most `LONGEST_SENTENCE` characters without the bullet before it."""
    stripped = sentence[:LONGEST_SENTENCE].strip()
    match = _BULLET.match(stripped) if stripped[:1] in "-*•·–—o0123456789abcdef" else None
    return stripped[match.end() :] if match else stripped


def _goes_on(piece: str, after: str) -> bool:
    if not piece or not after:
        return False
    if _SMALL.match(after):
        return True
    if piece[-1] != "." or piece.endswith(".."):
        return False
    word = piece[-13:-1].split()
    if not word:
        return True
    last = word[-1].lstrip("(\"'").lower()
    return (
        last in _ABBREVIATIONS
        or (len(last) == 1 and last.isalpha() and last != "i")
        or (last.isdigit() and len(last) <= 2 and len(piece) > 7)
    )

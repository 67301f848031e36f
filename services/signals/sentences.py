"""Cuts a writer's own lines into sentences, bullets and lines that stand alone; it never splits a number or an abbreviation."""

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
_END = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s+[^\sa-zà-ÿ])|[。？！]+")
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


def sentences(paragraph: str) -> list[str]:
    """The sentences of a paragraph, each at most `LONGEST_SENTENCE` characters long."""
    result = []
    start = 0
    for match in _END.finditer(paragraph):
        end = match.end()
        if match[0] == "." and _goes_on(paragraph, start, match.start()):
            continue
        if end > start:
            result.append(_bare(paragraph[start:end][:LONGEST_SENTENCE]))
        start = end
    rest = paragraph[start:].strip()
    if rest:
        result.append(_bare(rest[:LONGEST_SENTENCE]))
    return [sentence for sentence in result if sentence]


def _goes_on(paragraph: str, start: int, dot: int) -> bool:
    word = paragraph[max(start, dot - 12) : dot].split()
    if not word:
        return True
    last = word[-1].lstrip("(\"'").lower()
    return (
        last in _ABBREVIATIONS
        or (len(last) == 1 and last.isalpha() and last != "i")
        or (last.isdigit() and len(last) <= 2 and dot - start > 6)
    )


def _bare(sentence: str) -> str:
    stripped = sentence.strip()
    match = _BULLET.match(stripped) if stripped[:1] in "-*•·–—o0123456789abcdef" else None
    return stripped[match.end() :] if match else stripped

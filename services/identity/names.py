"""Names in all their shapes: which spelling to show, and how two spellings compare.

Nothing here decides who somebody is; a name can be written by anybody.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

_BRACKETED = re.compile(r"\s*[(\[{<][^()\[\]{}<>]{0,80}[)\]}>]")
_QUOTED = re.compile(r"\s*[\"“”„][^\"“”„]{0,60}[\"“”]")
_VIA = re.compile(r"\s+(?:via|über|through|por|from|at|@|bei|geb\.|geborene|née|nee)\s.+$", re.IGNORECASE)
_SPACES = re.compile(r"\s+")
_TAIL = re.compile(r"\s+[|/•·–—-]\s+.*$")
_JOINERS = "\u200c\u200d"
_LONE_JOINERS = re.compile(rf"(?<![^\W\d_])[{_JOINERS}]|[{_JOINERS}](?![^\W\d_])")
_SELECTORS = "\ufe0e\ufe0f"
_CREDENTIALS = frozenset(
    """phd ph.d dphil md m.d mba msc m.sc bsc b.sc ma m.a ba b.a llm ll.m jd esq pmp cpa cfa cissp frcp mrcp rn dds dvm
    prof prof. dr dr. ing ing. dipl.-ing dipl.-ing. mag mag. csm pe p.e ccie shrm-cp sphr acca cima fca jr jr. sr sr. ii
    iii iv he/him she/her they/them er/ihm sie/ihr il/lui elle i.a i.v ppa msw lcsw obe mbe cbe kbe""".split()
)
_TITLES = frozenset(
    "mr mr. mrs mrs. ms ms. herr frau dr dr. prof prof. sir madame mme m. sr. sra. sig. dott. ir.".split()
)
_PARTICLES = frozenset(
    "von van de der den del della di da dos du la le el al bin ibn ter ten zu zur y e".split()
)
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


class Spelling(NamedTuple):
    """A name as some source writes it: how much the source is worth, and how often it was seen."""

    text: str
    rank: int
    n: int


@lru_cache(maxsize=32_768)
def cleaned(name: str) -> str:
    """The name without brackets, credentials, company tails and shouting; order made given-name first.

    `Okafor, Ana (Legal)` becomes `Ana Okafor`. What cannot be improved comes back as it was, spaces folded.
    """
    text = _SPACES.sub(" ", _without_symbols(unicodedata.normalize("NFC", name))).strip(" '\"“”„,;.")
    plain = _SPACES.sub(" ", _VIA.sub("", _TAIL.sub("", _QUOTED.sub("", _BRACKETED.sub("", text))))).strip(
        " ,;'\""
    )
    if not plain or "@" in plain:
        return text if "@" not in text else ""
    plain = _reordered(plain)
    words = [word for word in plain.split(" ") if word]
    while len(words) > 1 and words[-1].lower().strip(",.") in _CREDENTIALS:
        words.pop()
    while len(words) > 2 and words[0].lower() in _TITLES:
        words.pop(0)
    words = [word.strip(",") for word in words]
    joined = " ".join(words)
    if len(joined) > 3 and (joined.isupper() or joined.islower()) and not _CJK.search(joined):
        joined = " ".join(_cased(word) for word in words)
    return joined[:120]


def _without_symbols(name: str) -> str:
    """The name without pictures, trade marks and what cannot be seen; joiners that spell a word stay."""
    if name.isascii():
        return name
    told = "".join(_letter(char) for char in name)
    # Who is called by a picture alone keeps it.
    return _LONE_JOINERS.sub("", told) if told.strip() else name


def _letter(char: str) -> str:
    category = unicodedata.category(char)
    if category in {"So", "Sk", "Co", "Cn", "Cs"}:
        return " "
    return "" if char in _SELECTORS or (category == "Cf" and char not in _JOINERS) else char


def _reordered(name: str) -> str:
    family, comma, given = name.partition(",")
    if not comma:
        return name
    given = given.strip()
    tail = [part for part in given.replace(",", " ").split() if part]
    if not tail or all(part.lower().strip(".,") in _CREDENTIALS for part in tail):
        return family.strip()
    first = given.partition(",")[0].strip()
    if len(first.split()) > 3 or len(family.split()) > 4:
        return name
    return f"{first} {family.strip()}"


def _cased(word: str) -> str:
    low = word.lower()
    if low in _PARTICLES:
        return low
    return "-".join("'".join(bit[:1].upper() + bit[1:] for bit in part.split("'")) for part in low.split("-"))


def best(spellings: Iterable[Spelling], addresses: Iterable[str] = ()) -> str:
    """The spelling to show: the person's own before others', whole names before parts, then the most used.

    Without any, the best that the first address tells: `ana.okafor@example.com` gives `Ana Okafor`.
    """
    weight: dict[str, tuple[int, int, int]] = {}
    for text, rank, n in spellings:
        name = cleaned(text)
        if name:
            is_whole, top, total = weight.get(name, (0, 0, 0))
            weight[name] = (max(is_whole, _wholeness(name)), max(top, rank), total + n)
    if weight:
        return min(weight, key=lambda name: (*(-part for part in weight[name]), name))
    for address in sorted(addresses):
        return from_address(address)
    return ""


def _wholeness(name: str) -> int:
    if _CJK.search(name):
        return 2
    words = [word for word in name.split(" ") if len(word.strip(".")) > 1]
    return 2 if len(words) >= 2 else 1 if words else 0


def from_address(address: str) -> str:
    """What an address tells of a name, for want of a better one."""
    local = address.partition("@")[0].partition("+")[0]
    parts = [part for part in re.split(r"[._-]+", local) if part]
    if 2 <= len(parts) <= 3 and all(part.isalpha() and len(part) > 1 for part in parts):
        return " ".join(_cased(part) for part in parts)
    return address


@lru_cache(maxsize=32_768)
def folded(text: str) -> str:
    """Lower case without accents, for finding and comparing; letters with no base form stay."""
    decomposed = unicodedata.normalize(
        "NFKD", text.casefold().replace("ß", "ss").replace("ø", "o").replace("ł", "l")
    )
    return "".join(ch for ch in decomposed if not unicodedata.combining(ch))


def first_name(name: str) -> str:
    """What a friend would say: the first word of a given-first name; the whole for CJK and single words."""
    words = cleaned(name).split(" ")
    if _CJK.search(name) or len(words) == 1:
        return " ".join(words)
    return words[0] if len(words[0].strip(".")) > 1 else " ".join(words[:2])

"""Frees names and short texts of a LinkedIn export from what cannot be seen; it never shortens a name."""

import re
import unicodedata

UNKNOWN = "LinkedIn Member"
"""What LinkedIn calls someone whose account is closed."""

_NAME_CHARS = 300
_TEXT_CHARS = 500
_KEPT_SYMBOLS = frozenset("©®™°")
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_VARIATIONS = range(0xFE00, 0xFE10)
_KEYCAP = 0x20E3
_NOTHING = frozenset({"undefined", "null"})
_PRONOUN = r"(?:she|hers|her|he|him|his|they|them|theirs|sie|ihr|er|ihm|elle|il|iel|ella|él|ele|ela|lei|lui|zij|haar|hij|hem)"
_PRONOUNS = re.compile(
    rf"[(\[]\s?{_PRONOUN}(?:\s?/\s?{_PRONOUN}){{1,3}}\s?[)\]]|\b{_PRONOUN}(?:/{_PRONOUN}){{1,3}}$",
    re.IGNORECASE,
)


def visible_name(text: str) -> str:
    """The name NFC, without emoji, check marks, pronouns, and control and format characters.

    Credentials, nicknames and capitals stay: they are part of how the person writes the name.
    """
    text = text[:_NAME_CHARS]
    if text.isascii() and text.isprintable() and "/" not in text:
        plain = " ".join(text.split())
    else:
        shown = "".join(_shown(c) for c in unicodedata.normalize("NFC", text))
        unsaid = _PRONOUNS.sub(" ", " ".join(shown.split()))
        # What stood apart by format characters may compose now that they are gone.
        plain = unicodedata.normalize("NFC", " ".join(unsaid.split())).rstrip(" ,|")
    return "" if plain.lower() in _NOTHING else plain


def visible_text(text: str, limit: int = _TEXT_CHARS) -> str:
    """A line of text NFC, without control and format characters, at most `limit` characters."""
    text = text[: 2 * limit]
    if text.isascii() and text.isprintable():
        plain = " ".join(text.split())
    else:
        kept = "".join(_legible(c) for c in unicodedata.normalize("NFC", text))
        plain = unicodedata.normalize("NFC", " ".join(kept.split()))
    return "" if plain.lower() in _NOTHING else plain[:limit]


def full_name(first: str, last: str) -> str:
    """First and last name as one."""
    return f"{visible_name(first)} {visible_name(last)}".strip()


def _shown(c: str) -> str:
    category = unicodedata.category(c)
    if category in {"Cf", "Cs", "Co", "Cn"}:
        return ""
    if category in {"Cc", "Zs", "Zl", "Zp"}:
        return " "
    if category == "So" and c not in _KEPT_SYMBOLS:
        return " "
    point = ord(c)
    return "" if point in _SKIN_TONES or point in _VARIATIONS or point == _KEYCAP else c


def _legible(c: str) -> str:
    category = unicodedata.category(c)
    if category in {"Cf", "Cs", "Co", "Cn"}:
        return ""
    return " " if category in {"Cc", "Zs", "Zl", "Zp"} else c

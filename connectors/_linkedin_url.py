"""Turns the address of a LinkedIn profile into its slug; it never guesses one from a name."""

import re
import unicodedata
from urllib.parse import unquote

_LIMIT = 2_000
_PROFILE = re.compile(
    r"(?:https?://)?(?:[a-z0-9-]{1,63}\.){0,3}linkedin\.com(?::\d{1,5})?/(?:mwlite/|m/)?(in|pub)/([^?#]+)",
    re.IGNORECASE,
)
_PATH = re.compile(r"/?(in)/([^?#]+)", re.IGNORECASE)
_OLD_NUMBERS = re.compile(r"[0-9a-f]{1,3}", re.IGNORECASE)


def slug(url: str) -> str:
    """The slug of a profile address, decoded, NFC and lower-cased; empty when it is not one.

    Takes any country's host, a missing scheme, a bare `/in/…` path, tracking parameters and a trailing locale.
    `slug` of an address made of a slug is that slug again.
    """
    text = _visible(url[:_LIMIT])
    match = _PROFILE.fullmatch(text.split("?")[0].split("#")[0]) or _PATH.fullmatch(text)
    if match is None:
        return ""
    kind, parts = match[1].lower(), match[2].split("/")
    if kind == "pub":
        return _clean(_slug_of_pub(parts))
    return _clean(parts[0])


def _slug_of_pub(parts: list[str]) -> str:
    # Observed: /pub/ana-okafor/3/12/4b7 has led to /in/ana-okafor-4b70123 since the /pub/ paths were retired.
    numbers = [part for part in parts[1:4] if _OLD_NUMBERS.fullmatch(part)]
    if len(numbers) != 3:
        return parts[0]
    first, second, third = numbers
    return f"{parts[0]}-{third.zfill(3)}{second.zfill(3)}{first}"


def _clean(part: str) -> str:
    try:
        decoded = unquote(part, errors="strict")
    except UnicodeDecodeError:
        decoded = part
    lowered = unicodedata.normalize("NFC", unicodedata.normalize("NFC", _visible(decoded)).lower())
    return "" if any(mark in lowered for mark in "/?# ") else lowered


def _visible(text: str) -> str:
    """The text without control and format characters (right-to-left marks, zero-width spaces) and outer blanks."""
    return "".join(c for c in text if unicodedata.category(c) not in {"Cc", "Cf", "Cs"}).strip()

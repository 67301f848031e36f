"""Mail's texts made plain: charsets, encoded words, stray control characters; it never guesses at meaning.

Every function takes hostile input, answers in time linear to it, and never raises.
"""

import binascii
import codecs
import re
import unicodedata
from functools import lru_cache

_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
"""Controls, bidi marks and overrides, and other characters without a shape; joiners stay, scripts need them."""
_SPACE = re.compile(r"\s+")
_ENCODED = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")
_BETWEEN = re.compile(r"(\?=)\s+(?==\?)")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_UNSAFE = frozenset({"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"})
"""Codecs that take quadratic time, or are not charsets of mail at all."""


def clean(text: str) -> str:
    """The text in NFC on one line, without controls or direction marks, runs of space made one."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    return _SPACE.sub(" ", unicodedata.normalize("NFC", _UNSEEN.sub("", text))).strip()


@lru_cache(maxsize=1024)
def codec_of(charset: str) -> str | None:
    """Python's name of a declared charset, or None when there is none fit for mail.

    Latin-1 is read as cp1252, as every mail program does (WHATWG Encoding 4.2).
    """
    name = charset.strip().strip("\"'").partition("*")[0].lower()
    try:
        info = codecs.lookup(name)
        b"".decode(name)
    except (LookupError, ValueError, UnicodeError):
        return None
    if info.name in _UNSAFE:
        return None
    return "cp1252" if info.name in {"iso8859-1", "ascii"} else info.name


def decode(data: bytes, charset: str = "", *, is_cut: bool = False) -> str:
    """The bytes as text: by the declared charset, else UTF-8, else cp1252; what is left undecodable is replaced.

    `is_cut` says that the bytes may end within a character.
    """
    declared = codec_of(charset) if charset else None
    for codec in ("utf-8",) if declared in {None, "utf-8", "cp1252"} else (declared, "utf-8"):
        try:
            return data.decode(codec or "utf-8")
        except UnicodeDecodeError as error:
            if is_cut and error.start >= len(data) - 4:
                return data[: error.start].decode(codec or "utf-8")
        except (UnicodeError, ValueError):
            continue
    return data.decode("cp1252", "replace")


def unbase64(data: bytes) -> bytes:
    """Base64 decoded as far as it goes; strangers in it are left out (RFC 2045 6.8)."""
    try:
        return binascii.a2b_base64(data)
    except binascii.Error:
        kept = _NOT_BASE64.sub(b"", data)
        kept = kept[: len(kept) - 1] if len(kept) % 4 == 1 else kept
        return binascii.a2b_base64(kept + b"=" * (-len(kept) % 4))


def decode_words(text: str) -> str:
    """The text with its encoded words (RFC 2047) decoded, broken ones too, as one clean line."""
    if "=?" not in text:
        return clean(text)
    joined = _BETWEEN.sub(r"\1", _SPACE.sub(" ", text))
    pieces: list[str] = []
    pending = b""
    pending_charset = ""
    end = 0
    for word in _ENCODED.finditer(joined):
        charset, encoding, content = word.groups()
        charset = charset.lower()
        if pending and (word.start() != end or charset != pending_charset):
            pieces.append(decode(pending, pending_charset))
            pending = b""
        pieces.append(joined[end : word.start()])
        raw = content.encode("utf-8", "surrogateescape")
        # Producers split characters between words, so the bytes of neighbours are joined before decoding.
        pending += unbase64(raw) if encoding in "bB" else binascii.a2b_qp(raw, header=True)
        pending_charset = charset
        end = word.end()
    if pending:
        pieces.append(decode(pending, pending_charset))
    pieces.append(joined[end:])
    return clean("".join(pieces))

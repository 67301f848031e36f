"""Which parts of a message to ask for, told by its BODYSTRUCTURE (RFC 9051 7.5.2), and the message made of them.

What is asked for is the one text that `_mail_body.own_text` would find in the whole message. It is put back under the
message's own header block with the boundary that it names, so that it is read by the same code as any message.
"""

import re
from collections.abc import Mapping

from msgspec import Struct

from connectors._imap_grammar import Value, number_of, pairs_of
from connectors._mail_body import BOUNDARY_VALUE, is_stub, plain_part
from schemas.records import Nature

TEXT_BYTES = 262_144
"""What is asked for of one part."""
RAW = "TEXT"
"""The whole body, as a section."""
_PARTS = 200
_DEPTH = 30
_SHORT = 8_000
"""A part of more bytes is no stub."""
_CHARSET = re.compile(r"[^\s\"';]{1,60}")
_ENCODING = re.compile(r"[A-Za-z0-9-]{1,40}")
_METHOD = re.compile(r"[A-Za-z-]{1,40}")
_PLAIN_TYPES = frozenset({"", "text/plain", "text/html", "text"})


class Part(Struct, frozen=True):
    """A leaf of a message: its section number, lower-case media type, and what its headers say."""

    section: str
    media: str
    charset: str = ""
    encoding: str = ""
    method: str = ""
    size: int = 0
    is_attached: bool = False


def parts_of(structure: Value) -> tuple[Part, ...] | None:
    """The leaves in order; those of a message within the message are its own. None for what is no structure."""
    found: list[Part] = []
    try:
        _walk(structure, "", 0, found)
    except (TypeError, IndexError, AttributeError):
        return None
    return tuple(found)


def _walk(node: Value, section: str, depth: int, found: list[Part]) -> None:
    if depth > _DEPTH or len(found) >= _PARTS:
        return
    if isinstance(node[0], list):
        for number, child in enumerate(node, 1):
            if not isinstance(child, list):
                break
            _walk(child, f"{section}.{number}" if section else str(number), depth + 1, found)
        return
    media = f"{_word(node[0])}/{_word(node[1])}"
    named = pairs_of(node[2])
    extension = 8 if media.startswith("text/") else 10 if media == "message/rfc822" else 7
    disposition = node[extension + 1] if len(node) > extension + 1 else None
    is_attached = (
        isinstance(disposition, list) and bool(disposition) and _word(disposition[0]) == "attachment"
    )
    found.append(
        Part(
            section or "1",
            media,
            _safe(_CHARSET, named.get(b"CHARSET")),
            _safe(_ENCODING, node[5]),
            _safe(_METHOD, named.get(b"METHOD")),
            number_of(node[6]),
            is_attached,
        )
    )


def _word(value: Value) -> str:
    return value.decode("ascii", "replace").lower() if isinstance(value, bytes) else ""


def _safe(pattern: re.Pattern[str], value: Value) -> str:
    """A parameter fit to stand in a header line."""
    text = value.decode("latin-1") if isinstance(value, bytes) else ""
    return text if pattern.fullmatch(text) else ""


def outline_of(parts: tuple[Part, ...] | None) -> bytes:
    """The headers of calendar parts, by which a scheduling message is known; those of forwarded mail are not its own."""
    lines: list[bytes] = []
    for part in parts or ():
        if part.media == "message/rfc822":
            break
        if part.media == "text/calendar":
            method = f'; method="{part.method}"' if part.method else ""
            lines.append(f"Content-Type: text/calendar{method}\n".encode())
    return b"\n".join(lines)


class Wanted:
    """What is wanted of one message's body, and what has come of it."""

    __slots__ = ("_boundary", "_got", "_html", "_is_raw", "_outline", "_plain")

    def __init__(
        self, fields: Mapping[str, str], nature: Nature | None, parts: tuple[Part, ...] | None
    ) -> None:
        """Nothing has come yet."""
        self._got: list[tuple[Part, bytes]] = []
        self._outline = outline_of(parts)
        self._boundary = ""
        self._plain: list[Part] = []
        self._html: list[Part] = []
        content_type = fields.get("content-type", "")
        media = content_type.partition(";")[0].strip().lower()
        boundary = BOUNDARY_VALUE.search(content_type[:1000]) if media.startswith("multipart/") else None
        if boundary is not None:
            self._boundary = boundary[1]
        is_multipart = media.startswith("multipart/")
        self._is_raw = nature == "bounce" or (
            (nature == "personal" and is_multipart and (boundary is None or parts is None))
            or (media == "text/calendar" and nature is not None)
        )
        if self._is_raw:
            self._plain = [Part(RAW, "text/plain", size=TEXT_BYTES)]
        elif nature == "personal" and not is_multipart:
            disposition = fields.get("content-disposition", "").lower().lstrip()
            if media in _PLAIN_TYPES and not disposition.startswith("attachment"):
                self._plain = [Part("1", "text/plain", size=parts[0].size if parts else TEXT_BYTES)]
        elif nature == "personal":
            texts = [part for part in parts or () if not part.is_attached]
            self._plain = [part for part in texts if part.media == "text/plain"]
            self._html = [part for part in texts if part.media == "text/html"][:1]

    def next(self) -> Part | None:
        """The part to ask for next; None when all that is wanted has come."""
        if not self._got:
            return (self._plain or self._html or [None])[0]  # type: ignore[list-item]  # None ends the list
        last, data = self._got[-1]
        if not self._boundary or last.media == "text/html" or last.size > _SHORT:
            return None
        text = plain_part(last.charset, last.encoding, data)
        if not text.strip():
            left = self._plain[len(self._got) :]
            if left:
                return left[0]
        return self._html[0] if self._html and is_stub(text) else None

    def take(self, part: Part, data: bytes) -> None:
        """What came of a part that was asked for."""
        self._got.append((part, data))

    def body(self) -> bytes:
        """The body that stands for the whole one."""
        if self._is_raw or not self._boundary:
            return b"".join(data for _, data in self._got)
        opening = b"--" + self._boundary.encode("ascii") + b"\n"
        pieces = []
        for part, data in self._got:
            charset = f'; charset="{part.charset}"' if part.charset else ""
            encoding = f"Content-Transfer-Encoding: {part.encoding}\n" if part.encoding else ""
            pieces.append(
                b"%b%b\n%b\n" % (opening, f"Content-Type: {part.media}{charset}\n{encoding}".encode(), data)
            )
        if self._outline:
            pieces += [b"%b%b\n\n" % (opening, line) for line in self._outline.split(b"\n\n")]
        return b"".join(pieces) + opening[:-1] + b"--\n" if pieces else b""

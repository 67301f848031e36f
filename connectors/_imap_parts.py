"""What to ask for of a message's body, told by its header block and its size, and the body made of what came.

A small mail between humans is asked for as it is. Of a large one, and of what a machine may have sent for a human, the
structure alone is (RFC 9051 7.5.2), by which an invitation is known; of lists and newsletters nothing is. Then of mail between humans the one text that `_mail_body.own_text`
would find in the whole message. What came is put under the message's own header block with the boundary that it names,
so that it is read by the same code as any message. Nothing else of a body ever leaves the server.
"""

import re
from collections.abc import Mapping

from msgspec import Struct

from connectors._imap_grammar import Value, number_of, pairs_of
from connectors._mail_body import BOUNDARY_VALUE, is_stub, plain_part
from schemas.records import Nature

TEXT_BYTES = 262_144
"""What is asked for of one part."""
STRUCTURE = "BODYSTRUCTURE"
RAW = "TEXT"
"""The whole body, as a section."""
_SMALL = 32_768
"""A body up to this is asked for whole: to have the server take it apart costs more than its attachments."""
_PARTS = 200
_DEPTH = 30
_SHORT = 8_000
"""A part of more bytes is no stub."""
_CHARSET = re.compile(r"[^\s\"';]{1,60}")
_ENCODING = re.compile(r"[A-Za-z0-9-]{1,40}")
_METHOD = re.compile(r"[A-Za-z-]{1,40}")
_MAY_INVITE = frozenset({"personal", "automatic", "auto_reply"})
"""The natures, by the header block alone, of mail that may turn out to be an invitation."""
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

    def item(self) -> str:
        """How it is asked for."""
        return STRUCTURE if self.section == STRUCTURE else f"BODY.PEEK[{self.section}]<0.{TEXT_BYTES}>"

    def headers(self) -> bytes:
        """A header block that says the same."""
        charset = f'; charset="{self.charset}"' if self.charset else ""
        encoding = f"Content-Transfer-Encoding: {self.encoding}\n" if self.encoding else ""
        return f"Content-Type: {self.media}{charset}\n{encoding}".encode()


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

    __slots__ = ("_asked", "_boundary", "_got", "_has_parts", "_html", "_is_personal", "_outline", "_plain")

    def __init__(
        self, fields: Mapping[str, str], nature: Nature | None, size: int, *, headers_only: bool = False
    ) -> None:
        """Nothing has come yet.

        Args:
            nature: what the header block alone says of it; None where nothing is wanted.
            size: bytes of the body, as far as the server tells.
        """
        self._got: list[tuple[Part, bytes]] = []
        self._outline = b""
        self._plain: list[Part] = []
        self._html: list[Part] = []
        self._asked: Part | None = None
        self._has_parts = False
        self._is_personal = nature == "personal" and not headers_only
        content_type = fields.get("content-type", "")
        media = content_type.partition(";")[0].strip().lower()
        is_multipart = media.startswith("multipart/")
        boundary = BOUNDARY_VALUE.search(content_type[:1000]) if is_multipart else None
        self._boundary = boundary[1] if boundary is not None else ""
        if nature is None or (media == "multipart/report" and nature != "bounce"):
            return
        if is_multipart and nature in _MAY_INVITE and not (self._is_personal and size <= _SMALL):
            self._asked = Part(STRUCTURE, "")
        elif not headers_only and self._wants_raw(fields, nature, media):
            self._asked = Part(RAW, "", size=size)

    def _wants_raw(self, fields: Mapping[str, str], nature: Nature, media: str) -> bool:
        if nature == "bounce" or media == "text/calendar":
            return True
        disposition = fields.get("content-disposition", "").lower().lstrip()
        return self._is_personal and (
            bool(self._boundary)
            or media.startswith("multipart/")
            or (media in _PLAIN_TYPES and not disposition.startswith("attachment"))
        )

    def next(self) -> Part | None:
        """The part to ask for next; None when all that is wanted has come."""
        return self._asked

    def structure(self, value: Value) -> bytes:
        """Take the structure that was asked for; the headers of its calendar parts, which may change the nature."""
        parts = parts_of(value)
        self._has_parts = True
        self._outline = outline_of(parts)
        self._asked = None
        if self._is_personal and (parts is None or not self._boundary):
            self._asked = Part(RAW, "", size=TEXT_BYTES)
        elif self._is_personal:
            texts = [part for part in parts or () if not part.is_attached]
            self._plain = [part for part in texts if part.media == "text/plain"]
            self._html = [part for part in texts if part.media == "text/html"][:1]
            self._asked = next(iter(self._plain or self._html), None)
        return self._outline

    def forget(self) -> None:
        """Nothing more is wanted: it is no mail between humans after all."""
        self._asked = None

    def take(self, data: bytes) -> None:
        """What came of the part that was asked for."""
        part = self._asked
        if part is None:
            return
        self._got.append((part, data))
        self._asked = self._after(part, data)

    def _after(self, part: Part, data: bytes) -> Part | None:
        """The part to ask for after one: another where that one is blank, HTML where it says nothing of its own."""
        if part.section == RAW or part.media == "text/html" or part.size > _SHORT:
            return None
        text = plain_part(part.charset, part.encoding, data)
        left = self._plain[len(self._got) :]
        if left and not text.strip():
            return left[0]
        return self._html[0] if self._html and is_stub(text) else None

    def body(self) -> bytes:
        """The body that stands for the whole one."""
        if not self._has_parts or any(part.section == RAW for part, _ in self._got):
            return b"".join(data for _, data in self._got)
        opening = b"--" + self._boundary.encode("ascii") + b"\n"
        pieces = [b"%b%b\n%b\n" % (opening, part.headers(), data) for part, data in self._got]
        if self._outline:
            pieces += [b"%b%b\n\n" % (opening, line) for line in self._outline.split(b"\n\n")]
        return b"".join(pieces) + opening[:-1] + b"--\n" if pieces else b""

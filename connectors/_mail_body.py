"""The one text of a message that its writer typed: found in its parts, decoded, and cut; never attachments.

The parts are found by `fast_mail_parser` (Rust) or, where it has no wheel, by the standard library; a message of one
part needs neither. What both are handed is bounded first: an unbounded message hangs the one and kills the other.
"""

import binascii
import re
from collections.abc import Iterator
from email import message_from_bytes as parse_by_stdlib
from email.message import Message as EmailMessage
from functools import lru_cache

from connectors._mail_text import decode, unbase64

try:
    from fast_mail_parser import ParseError, PyLazyMimePart, parse_email_tree

    HAS_RUST = True
except ImportError:  # no wheel for Intel Macs and Windows on ARM
    HAS_RUST = False

TEXT_BYTES = 65_536
"""A text is cut here before and after decoding."""
_PARTS = 200
_DEPTH = 30
_BOUNDARY = re.compile(rb"^--", re.MULTILINE)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([^\s\"';]{1,60})", re.IGNORECASE)
BOUNDARY_VALUE = re.compile(r"""boundary="?([!#-:<-~]{1,100})"?(?:;|$)""", re.IGNORECASE)
_PART_HEAD = 1_000
_ENCODINGS = frozenset({"", "7bit", "8bit", "binary", "quoted-printable", "base64"})
_STUB_CHARS = 400
_STUB = re.compile(
    r"(?:view|open|read|see)[^\n]{0,40}(?:in|with) (?:your|a|the)?[^\n]{0,10}browser|html[- ](?:capable|enabled|compatible|e-?mail|format|version)"
    r"|does not support html|im browser (?:ansehen|anzeigen|öffnen)|unterstützt kein html|in html",
    re.IGNORECASE,
)

Text = tuple[str, bool]
"""A text, and whether it is HTML."""
Part = tuple[str, str, bytes]
"""Media type (lower case), whole Content-Type value, decoded bytes."""


def own_text(
    content_type: str, encoding: str, disposition: str, body: bytes, *, by_stdlib: bool = False
) -> Text:
    """The text of a message by its top-level headers: plain before HTML, unless the plain one is a stub."""
    media = content_type.partition(";")[0].strip().lower()
    if not media.startswith("multipart/"):
        if media not in {"", "text/plain", "text/html", "text"} or disposition.lower().lstrip().startswith(
            "attachment"
        ):
            return "", False
        return _text(content_type, _unpacked(body[: TEXT_BYTES * 2], encoding)), media == "text/html"
    if not by_stdlib and (first := _first_part(content_type, body)) is not None:
        return first, False
    if body.count(b"boundary=") > _DEPTH * 2:
        return "", False
    payload = b"Content-Type: " + content_type[:1000].encode("utf-8", "replace") + b"\n\n" + _bounded(body)
    plain = html = ""
    for kind, declared, content in _by_stdlib(payload) if by_stdlib or not HAS_RUST else _by_rust(payload):
        if kind == "text/plain" and not plain.strip():
            plain = _text(declared, content)
        elif kind == "text/html" and not html:
            html = _text(declared, content)
        if plain.strip() and (html or not is_stub(plain)):
            break
    return (html, True) if html and is_stub(plain) else (plain, False)


def _first_part(content_type: str, body: bytes) -> str | None:
    """The text of a multipart that begins with it, as nearly all do; None where it takes a parser to see."""
    declared = BOUNDARY_VALUE.search(content_type[:1000])
    if declared is None:
        return None
    opening = b"--" + declared[1].encode("ascii")
    begin = len(opening)
    if body[:begin] != opening or body[begin : begin + 1] != b"\n":
        return None
    blank = body.find(b"\n\n", begin, begin + _PART_HEAD)
    headers = _plain_headers(body[begin + 1 : blank + 1]) if blank >= 0 else None
    end = body.find(b"\n" + opening, blank + 1) if headers is not None else -1
    if headers is None or end < 0 or body[end + 1 + begin : end + 3 + begin] not in {b"--", b"\nC", b"\nc"}:
        return None
    content = body[blank + 2 : min(end, blank + 2 + 4 * TEXT_BYTES)]
    text = _text(headers[0], _unpacked(content, headers[1]))
    return None if is_stub(text) else text


@lru_cache(maxsize=1_000)
def _plain_headers(head: bytes) -> tuple[str, str] | None:
    """The Content-Type and the encoding that a part's headers give a plain text; None when it is anything else."""
    fields: dict[str, str] = {}
    for line in head.decode("latin-1").replace("\n ", " ").replace("\n\t", " ").splitlines():
        name, colon, value = line.partition(":")
        if not colon or name.lower() in fields:
            return None
        fields[name.lower()] = value.strip()
    content_type = fields.get("content-type", "")
    encoding = fields.get("content-transfer-encoding", "").lower()
    is_plain = content_type.partition(";")[0].strip().lower() == "text/plain"
    if not is_plain or encoding not in _ENCODINGS or "content-disposition" in fields:
        return None
    return content_type, encoding


def _bounded(body: bytes) -> bytes:
    """The body up to its `_PARTS`th line that may open a part."""
    if body.count(b"\n--") <= _PARTS:
        return body
    for number, line in enumerate(_BOUNDARY.finditer(body)):
        if number == _PARTS:
            return body[: line.start()]
    return body


def plain_part(charset: str, encoding: str, data: bytes) -> str:
    """The text of a part by the charset and the transfer encoding that it declares."""
    return _text(f"text/plain; charset={charset}" if charset else "text/plain", _unpacked(data, encoding))


def is_stub(plain: str) -> bool:
    """Whether a plain text says nothing but that there is an HTML one, or nothing at all."""
    text = plain.strip()
    return not text or (len(text) < _STUB_CHARS and _STUB.search(text) is not None)


def _text(content_type: str, data: bytes) -> str:
    text = decode(data[:TEXT_BYTES], charset_of(content_type[:1000]), is_cut=len(data) >= TEXT_BYTES)
    return text.replace("\x00", "") if "\x00" in text else text


@lru_cache(maxsize=2_000)
def charset_of(content_type: str) -> str:
    """The charset that a Content-Type declares; empty where it declares none."""
    declared = _CHARSET.search(content_type)
    return declared[1] if declared else ""


def _unpacked(data: bytes, encoding: str) -> bytes:
    """The bytes behind a Content-Transfer-Encoding (RFC 2045 6)."""
    name = encoding.strip().lower()
    if name.startswith("quoted"):
        return binascii.a2b_qp(data)
    if name.startswith("base64"):
        return unbase64(data)
    return data


def _by_rust(payload: bytes) -> Iterator[Part]:
    try:
        root = parse_email_tree(payload, mode="lazy")
    except (ParseError, ValueError):
        return
    stack: list[tuple[PyLazyMimePart, int]] = [(root, 0)]
    seen = 0
    while stack and seen < _PARTS:
        part, depth = stack.pop()
        seen += 1
        kind = part.content_type.lower()
        if kind.startswith("multipart/"):
            if depth < _DEPTH:
                stack.extend((child, depth + 1) for child in reversed(part.children))
        elif (
            kind.startswith("text/")
            and not part.is_message
            and (part.disposition or "").lower() != "attachment"
        ):
            try:
                content = part.content
            except (ParseError, ValueError):
                continue
            if content is not None:
                yield kind, _declared(part.headers), content


def _declared(headers: dict[str, list[str]]) -> str:
    for name, values in headers.items():
        if name.lower() == "content-type" and values:
            return values[0]
    return ""


def _by_stdlib(payload: bytes) -> Iterator[Part]:
    try:
        root = parse_by_stdlib(payload)
    except (ValueError, LookupError, RecursionError):
        return
    stack: list[tuple[EmailMessage, int]] = [(root, 0)]
    seen = 0
    while stack and seen < _PARTS:
        part, depth = stack.pop()
        seen += 1
        kind = part.get_content_type().lower()
        if part.is_multipart():
            held = part.get_payload()
            if kind.startswith("multipart/") and depth < _DEPTH and isinstance(held, list):
                stack.extend(
                    (child, depth + 1) for child in reversed(held) if isinstance(child, EmailMessage)
                )
        elif kind.startswith("text/") and not str(
            part.get("content-disposition", "")
        ).lower().strip().startswith("attachment"):
            try:
                content = part.get_payload(decode=True)
            except (ValueError, LookupError):
                continue
            if isinstance(content, bytes):
                yield kind, str(part.get("content-type", "")), content

"""Answers of IMAP servers (RFC 9051 9) as lists of bytes; lenient in what it takes, bounded in what it builds."""

import re
from typing import Any

from imapclient import imap_utf7  # type: ignore[import-untyped]  # imapclient carries no types

from connectors._imap_wire import Wire
from schemas.errors import Transient

Value = Any
"""None (NIL), bytes (a string or an atom), or a list of values."""
Code = tuple[str, bytes]
"""A response code in upper case, and what follows it within the brackets."""

_TOKEN = re.compile(rb'([()])|"((?:[^"\\]++|\\.)*+)"?|([^\s()"]++)', re.DOTALL)
"""A string without an end goes on to the end, so that no input is looked at twice; nothing is ever tried again."""
_LITERAL = re.compile(rb"~?\{(\d{1,15})\+?\}\r?\n$")
_STATUS = re.compile(
    rb"(\S+) (OK|NO|BAD|BYE|PREAUTH)\b *(?:\[([A-Za-z0-9\-]+) ?([^\]]*)\])? ?(.*)", re.IGNORECASE
)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_DEPTH = 100


class Garbled(Exception):
    """What came is not IMAP."""


class Status:
    """A line that says how something went: OK, NO, BAD, BYE; tagged, or `*`."""

    __slots__ = ("argument", "code", "tag", "text", "word")

    def __init__(self, tag: bytes, word: str, code: str, argument: bytes, text: bytes) -> None:
        self.tag = tag
        self.word = word
        self.code = code
        self.argument = argument
        self.text = text


def status_of(line: bytes) -> Status | None:
    """The line as a status; None when it is data."""
    match = _STATUS.match(line)
    if match is None:
        return None
    tag, word, code, argument, text = match.groups()
    return Status(tag, word.upper().decode(), (code or b"").upper().decode(), argument or b"", text.strip())


def literal_size(line: bytes) -> int | None:
    """How many bytes follow a line as a literal; None when it ends the response."""
    if line[-3:-1] != b"}\r" and line[-2:-1] != b"}":
        return None
    match = _LITERAL.search(line)
    return int(match[1]) if match else None


def without_size(line: bytes) -> bytes:
    """The line without the announcement of a literal at its end."""
    return line[: line.rfind(b"{")].removesuffix(b"~")


def parsed(pieces: list[bytes]) -> list[Value]:
    """A response's values; pieces are text and literals by turns, beginning with text.

    Raises:
        Garbled: brackets do not match, or are nested beyond reason.
    """
    top: list[Value] = []
    stack = [top]
    for number, piece in enumerate(pieces):
        if number % 2:
            top.append(piece)
            continue
        for bracket, quoted, atom in _TOKEN.findall(piece):
            if atom:
                top.append(None if atom in {b"NIL", b"nil", b"Nil"} else atom)
            elif not bracket:
                top.append(_ESCAPED.sub(rb"\1", quoted) if b"\\" in quoted else quoted)
            elif bracket == b"(":
                if len(stack) > _DEPTH:
                    raise Garbled
                inner: list[Value] = []
                top.append(inner)
                stack.append(inner)
                top = inner
            else:
                if len(stack) == 1:
                    raise Garbled
                stack.pop()
                top = stack[-1]
    if len(stack) > 1:
        raise Garbled
    return stack[0]


def number_of(value: Value) -> int:
    """A number; 0 for what is none."""
    return int(value) if isinstance(value, bytes) and value.isdigit() and len(value) <= 19 else 0


def pairs_of(value: Value) -> dict[bytes, Value]:
    """A list of names and values by turns, names in upper case."""
    if not isinstance(value, list):
        return {}
    names = value[::2]
    return {
        name.upper(): inner
        for name, inner in zip(names, value[1::2], strict=False)
        if isinstance(name, bytes)
    }


def rest_of(wire: Wire, line: bytes, limit: int) -> list[bytes]:
    """The pieces of the response that begins with this line, literals included; all must fit in `limit` bytes."""
    pieces: list[bytes] = []
    held = 0
    while (size := literal_size(line)) is not None:
        held += size + len(line)
        if held > limit:
            raise Transient(
                "The mail server sends an answer that is too large to be one. Kith tries again later."
            )
        pieces += [without_size(line), wire.take(size)]
        line = wire.line()
    pieces.append(line)
    return pieces


def name_in(value: Value) -> str:
    """A folder's or a label's name, from modified UTF-7 (RFC 3501 5.1.3) or as UTF-8 by servers that write that."""
    raw = value if isinstance(value, bytes) else b""
    return str(imap_utf7.decode(raw)) if raw.isascii() else raw.decode("utf-8", "replace")


def quoted(name: str) -> str:
    """A folder's name as a command's argument."""
    text = str(imap_utf7.encode(name).decode("ascii"))
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

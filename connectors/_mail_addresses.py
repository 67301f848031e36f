"""Address headers to mailboxes (RFC 5322 3.4 and what is written instead); it never judges who someone is.

One scan over the header, linear whatever it holds; equal headers and equal mailboxes are read once per process.
"""

import re
from functools import lru_cache

from connectors._mail_text import clean, decode_words
from schemas.records import Mailbox

RECIPIENTS = 500
"""Mailboxes kept of one header."""
_HEADER_CHARS = 64_000
_NAME_CHARS = 200
_ADDRESS_CHARS = 254
"""RFC 5321 4.5.3.1.3."""

_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|<[^<>]*>|[(),:;]|\\.|[^"<>(),:;\\]+|.', re.DOTALL)
_SIMPLE = re.compile(
    r"""([^"<>(),:;@\\]*)<\s*([^\s"<>(),:;@\\]+@[^\s"<>(),:;@\\]+)\s*>|([^\s"<>(),:;@\\]+@[^\s"<>(),:;@\\]+)"""
)
_BARE = re.compile(r"""[^\s"<>(),:;@\\]+@[^\s"<>(),:;@\\]+""")
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)


def mailboxes(header: str) -> tuple[Mailbox, ...]:
    """The mailboxes of an address header in order, those of groups included, at most `RECIPIENTS`."""
    if len(header) > _HEADER_CHARS:
        header = header[:_HEADER_CHARS].rpartition(",")[0]
    return _mailboxes(header)


@lru_cache(maxsize=20_000)
def _mailboxes(header: str) -> tuple[Mailbox, ...]:
    if '"' not in header and "(" not in header and ":" not in header and ";" not in header:
        found = [_one(part.strip()) for part in header.split(",", RECIPIENTS + 1)]
    else:
        found = [_one(part) for part in _split(header)]
    return tuple([box for box in found[:RECIPIENTS] if box is not None])


def _split(header: str) -> list[str]:
    """One string a mailbox: comments are dropped unless they name an address without a name; groups are opened."""
    parts: list[str] = []
    current: list[str] = []
    comments: list[str] = []
    depth = 0

    def close() -> None:
        text = "".join(current).strip()
        if text:
            note = " ".join(" ".join(comments).split())
            # `anna@example.com (Anna Berg)`: the old way to give a name (RFC 822 A.1.2).
            parts.append(f'"{note}" <{text}>' if note and '"' not in note and _BARE.fullmatch(text) else text)
        current.clear()
        comments.clear()

    for match in _PIECE.finditer(header):
        piece = match.group()
        if piece == "(":
            depth += 1
        elif piece == ")":
            depth = max(0, depth - 1)
        elif depth:
            if depth == 1 and len(comments) < 20:
                comments.append(piece)
        elif piece in {",", ";"}:
            close()
            if len(parts) > RECIPIENTS:
                break
        elif piece == ":":
            # A group's name, or prose such as `mailto:`; what follows is the address.
            current.clear()
        else:
            current.append(piece)
    close()
    return parts


@lru_cache(maxsize=100_000)
def _one(text: str) -> Mailbox | None:
    simple = _SIMPLE.fullmatch(text)
    if simple is not None:
        address = _address(simple[2] or simple[3])
        return Mailbox(address, _name(simple[1] or "", address)) if address else None
    angle = text.rfind("<")
    if angle >= 0:
        inside = text[angle + 1 :].partition(">")[0]
        route = inside.rpartition(":")[2] if inside.startswith("@") else inside
        address = _address(route)
        if address:
            return Mailbox(address, _name(text[:angle], address))
    words = text.split()
    for place, word in enumerate(words):
        if "@" in word:
            # `Anna Berg anna@example.com`: the brackets are missing. Quoted local parts end here too.
            address = _address(text if '"' in text else word.strip("<>[]"))
            return Mailbox(address, _name(" ".join(words[:place]), address)) if address else None
    return None


@lru_cache(maxsize=50_000)
def _address(text: str) -> str:
    """Lower-cased, IDNA domain decoded (RFC 5891 4.2), trailing dots off; empty when it is none."""
    local, at, domain = clean(text).replace(" ", "").lower().rpartition("@")
    domain = domain.strip(".[]'\"") if not domain.startswith("[") else domain
    local = local.lstrip("'")
    if not at or not local or not domain or len(local) + len(domain) >= _ADDRESS_CHARS:
        return ""
    if "xn--" in domain:
        domain = ".".join(_label(label) for label in domain.split("."))
    return f"{local}@{domain}"


def _label(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return clean(label.encode("ascii").decode("idna")).lower() or label
    except (UnicodeError, ValueError):
        return label


def _name(text: str, address: str) -> str:
    """The display name as its writer spelt it, decoded; a name that only repeats the address is none."""
    text = text[:2000].strip()
    if text.startswith('"') or "\\" in text:
        text = _QUOTED_PAIR.sub(r"\1", text.replace('\\"', "\x00").replace('"', "").replace("\x00", '"'))
    name = decode_words(text) if text else ""
    while len(name) > 1 and name[0] == name[-1] and name[0] in "'\"":
        name = name[1:-1].strip()
    name = name[:_NAME_CHARS].strip()
    return "" if name.lower() in {address, f"<{address}>", f"'{address}'"} else name

"""Many requests to one of Google's APIs in one (https://developers.google.com/workspace/gmail/api/guides/batch, read 2026-11).

Each inner request is answered for itself, and charged for itself; answers may come in any order.
"""

import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b

from msgspec import Struct

from connectors._http import Answer
from schemas.errors import Transient

_BOUNDARY = re.compile(r"""boundary="?([^";\s]{1,200})"?""", re.IGNORECASE)
_STATUS = re.compile(rb"HTTP/[0-9.]+ ([1-5][0-9][0-9])\b")
_NAME = re.compile(r"<?response-([^<>\s]{1,20})>?")


class Reply(Struct, frozen=True):
    """The answer to one inner request; names of headers in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def batch_of(paths: Sequence[str]) -> tuple[str, bytes]:
    """The media type and the content of a batch that reads these paths; the first is called 0.

    Paths begin with a slash and are quoted, with their queries.
    """
    boundary = f"kith_{blake2b(''.join(paths).encode(), digest_size=12).hexdigest()}"
    pieces = [
        f"--{boundary}\r\nContent-Type: application/http\r\nContent-ID: <{number}>\r\n\r\nGET {path} HTTP/1.1\r\n\r\n"
        for number, path in enumerate(paths)
    ]
    return f"multipart/mixed; boundary={boundary}", f"{''.join(pieces)}\r\n--{boundary}--\r\n".encode("ascii")


def replies_of(answer: Answer, count: int) -> dict[int, Reply]:
    """The inner answers by the numbers of their requests; those that cannot be read are not among them.

    Raises:
        Transient: it is no answer to a batch.
    """
    found = _BOUNDARY.search(answer.headers.get("content-type", ""))
    if found is None:
        raise Transient("Google's answer to a batch cannot be read. Kith tries again.")
    replies: dict[int, Reply] = {}
    for piece in answer.body.split(b"--" + found[1].encode("ascii", "replace"))[1:]:
        if piece.startswith(b"--"):
            break
        outer, inner = _parted(piece)
        name = _NAME.fullmatch(_headers(outer).get("content-id", ""))
        number = int(name[1]) if name is not None and name[1].isascii() and name[1].isdecimal() else -1
        head, body = _parted(inner)
        status = _STATUS.match(head)
        if status is not None and 0 <= number < count:
            replies[number] = Reply(int(status[1]), _headers(head), body.rstrip(b"\r\n"))
    return replies


def _parted(data: bytes) -> tuple[bytes, bytes]:
    """What is before the first empty line, and what is after it."""
    data = data.lstrip(b"\r\n")
    head, _, body = data.partition(b"\r\n\r\n")
    if not body and b"\r\n\r\n" not in data:
        head, _, body = data.partition(b"\n\n")
    return head, body


def _headers(head: bytes) -> dict[str, str]:
    pairs = [line.partition(":") for line in head.decode("latin-1").splitlines()]
    return {name.strip().lower(): value.strip() for name, colon, value in pairs if colon}

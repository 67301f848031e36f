"""Many requests to one of Google's APIs in one (https://developers.google.com/workspace/gmail/api/guides/batch, read 2026-11).

Each inner request is answered for itself, and charged for itself; answers may come in any order.
"""

import re
from collections.abc import Sequence
from hashlib import blake2b

from msgspec import Struct

from connectors._http import Answer
from schemas.errors import Transient

_BOUNDARY = re.compile(r"""boundary="?([^";\s]{1,200})"?""", re.IGNORECASE)
_STATUS = re.compile(rb"HTTP/[0-9.]+ ([1-5][0-9][0-9])\b")
_NAME = re.compile(rb"^content-id: *<?response-([0-9]{1,9})>?\r?$", re.IGNORECASE | re.MULTILINE)


class Reply(Struct, frozen=True):
    """The answer to one inner request: its status, its header block as it came, its body."""

    status: int
    head: bytes
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
        outer, begin = _head(piece, 0)
        head, begin = _head(piece, begin)
        name, status = _NAME.search(outer), _STATUS.match(head)
        number = int(name[1]) if name is not None else count
        if status is not None and number < count:
            replies[number] = Reply(int(status[1]), head, piece[begin:].rstrip(b"\r\n"))
    return replies


def _head(piece: bytes, begin: int) -> tuple[bytes, int]:
    """What stands before the next empty line, and where it goes on after that."""
    while piece[begin : begin + 1] in {b"\r", b"\n"}:
        begin += 1
    end = piece.find(b"\r\n\r\n", begin)
    return (piece[begin:end], end + 4) if end >= 0 else (piece[begin:], len(piece))


def headers_of(reply: Reply) -> dict[str, str]:
    """The headers of an inner answer; their names in lower case."""
    pairs = [line.partition(":") for line in reply.head.decode("latin-1").splitlines()[1:]]
    return {name.strip().lower(): value.strip() for name, colon, value in pairs if colon}

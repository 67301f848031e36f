"""What the to-do tools share: words made fit for a task, and the order of what is read back. It never sends anything.

The words of a follow-up quote what others wrote. A title is one line without controls, a note is plain lines, and a
link is a web address or nothing, whatever a name or a subject tries.
"""

import re
from math import inf
from urllib.parse import quote, urlsplit

from connectors._mail_text import clean
from schemas.clock import Clock

_LINE_ENDS = re.compile(r"\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_URL_KEPT = "%/:=&?~#+!$,;@*"
"""What may stand in a link as it is: reserved characters (RFC 3986 2.2), but for brackets, quotes and spaces."""


def one_line(text: str, limit: int) -> str:
    """The text as a title of at most so many characters."""
    return cut(clean(_LINE_ENDS.sub(" ", text)), limit) or "…"


def plain_lines(text: str) -> list[str]:
    """The text as lines, each without controls; none at the end is empty."""
    lines = [clean(line) for line in _LINE_ENDS.split(text)]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def cut(text: str, limit: int) -> str:
    """The text, or its beginning and an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def width(text: str) -> int:
    """How long a text is for a tool that counts letters outside the basic plane twice, as UTF-16 does."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def closed(line: str, note: str, most: float = inf) -> str:
    """A note as it stands in a tool with a closing line before it, once; as it is where that would be wider than `most`.

    It may be its owner's by now, so that no letter of it is changed or left out.
    """
    if not line or note.lstrip().startswith(line):
        return note
    whole = "\n\n".join(part for part in (line, note) if part.strip())
    return whole if width(whole) <= most else note


def safe_link(url: str) -> str:
    """The link if it leads to a web page, with all that could end it early percent-encoded; else nothing."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if parts.scheme.lower() not in {"http", "https"} or not parts.hostname:
        return ""
    return quote(url, safe=_URL_KEPT)


def next_tick(last: int, clock: Clock) -> int:
    """A number greater than the last one: microseconds since 1970, or one more than the last where time stands still.

    A tool tells how things are and not always when they came to be so: what was read later is newer. As a stamp it is
    written with `stamp_of`.
    """
    return max(int(clock.now().timestamp() * 1_000_000), last + 1)


def stamp_of(tick: int) -> str:
    """A tick as a stamp, which sorts as the ticks do."""
    return f"{tick:020d}"

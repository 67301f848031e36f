"""Calm text on a terminal: tables, dates in the owner's words, and nothing that a name could do to a screen."""

import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table
from rich.text import Text

_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")


def plain(text: str | None, width: int = 200) -> str:
    """The text without control, escape and direction characters, on one line, cut at `width`."""
    kept = "".join(
        " " if ch in "\n\t\r" else ch
        for ch in text or ""
        if ch in "\n\t\r" or (unicodedata.category(ch) != "Cc" and ch not in _BIDI)
    )
    kept = " ".join(kept.split())
    return kept if len(kept) <= width else kept[: width - 1].rstrip() + "…"


def console() -> Console:
    """Standard output, without markup in what is printed."""
    return Console(markup=False, highlight=False, soft_wrap=False)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[int] = ()) -> Table:
    """A table without lines; the columns in `right` hold figures."""
    drawn = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    figures = set(right)
    for index, name in enumerate(columns):
        drawn.add_column(
            name,
            justify="right" if index in figures else "left",
            overflow="ellipsis",
            no_wrap=index in figures or index == 0,
        )
    for row in rows:
        drawn.add_row(*(Text(plain(cell)) for cell in row))
    return drawn


def day(at: datetime | None, now: datetime, zone: ZoneInfo) -> str:
    """A day in the owner's words: today, yesterday, Tuesday, 14 March, 14 March 2024."""
    if at is None:
        return ""
    then, today = at.astimezone(zone).date(), now.astimezone(zone).date()
    gap = (today - then).days
    if gap == 0:
        return "today"
    if gap == 1:
        return "yesterday"
    if 1 < gap < 7:
        return then.strftime("%A")
    if gap == -1:
        return "tomorrow"
    return f"{then.day} {then:%B}" if abs(gap) < 300 else f"{then.day} {then:%B %Y}"


def say(*lines: str) -> None:
    """Lines on standard output."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def hint(*lines: str) -> None:
    """Lines on standard error: what to do next, and what scripts should not read."""
    sys.stderr.write("".join(f"{line}\n" for line in lines))

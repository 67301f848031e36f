"""Calm text on a terminal: tables, dates in the owner's words, and nothing that a name could do to a screen."""

import os
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from rich.cells import cell_len, set_cell_size

from schemas.interface import Reject

_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"
"""Persian and Indic names are spelt with these; they cannot turn the direction of a line."""
_WIDTH_OF_A_PIPE = 100
_GAP = "  "
_LEGIBLE = 8
_QUIET, _STRONG = "2", "1"
FIRST_STEPS = (
    "Next: kith connect google  (or microsoft, exchange, imap, caldav, carddav, todoist, smtp)",
    "  or: kith import PATH…  (mbox, Maildir, .eml, .ics, .vcf, LinkedIn ZIP; folders too)",
)
"""What to do with a home in which nothing is yet."""


class Column(NamedTuple):
    """A column of a table and how it gives way on a narrow screen."""

    title: str
    is_figure: bool = False
    least: int = 0
    """It may be cut to so many cells; 0: never cut."""
    goes: int = 0
    """The highest goes first when there is no room; 0: stays."""


def plain(text: str | None, width: int = 200) -> str:
    """The text without control, format and direction characters, on one line, cut at `width`."""
    kept = "".join(
        " " if ch.isspace() else ch
        for ch in text or ""
        if ch.isspace() or ch in _JOINERS or unicodedata.category(ch) not in _UNSAFE
    )
    kept = " ".join(kept.split())
    return kept if len(kept) <= width else kept[: width - 1].rstrip() + "…"


def width() -> int:
    """How many cells a line has: the terminal's, `COLUMNS`, or a page's when it goes to a file."""
    if not sys.stdout.isatty() and not os.environ.get("COLUMNS"):
        return _WIDTH_OF_A_PIPE
    return max(40, shutil.get_terminal_size((80, 24)).columns)


def quiet(text: str) -> str:
    """The text in a quieter ink, where there is one."""
    return _inked(text, _QUIET)


def strong(text: str) -> str:
    """The text in a stronger ink, where there is one."""
    return _inked(text, _STRONG)


def _inked(text: str, ink: str) -> str:
    is_plain = not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return text if is_plain or not text else f"\x1b[{ink}m{text}\x1b[0m"


def cut(text: str, cells: int) -> str:
    """The text in at most so many cells, with an ellipsis where it was cut."""
    if cell_len(text) <= cells:
        return text
    return set_cell_size(text, max(0, cells - 1)).rstrip() + "…"


def table(columns: Sequence[Column | str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table without rules, one a row: where room is short, columns go or are cut."""
    shown = [Column(one) if isinstance(one, str) else one for one in columns]
    cells = [[plain(cell) for cell in row] for row in rows]
    # A column that may go, and says nothing in any row, takes no room.
    kept = [
        i for i, column in enumerate(shown) if not column.goes or not cells or any(row[i] for row in cells)
    ]
    widths = [
        max(cell_len(column.title), *(cell_len(row[index]) for row in cells), 0)
        for index, column in enumerate(shown)
    ]
    room = width()
    while (over := _over(kept, widths, room)) > 0:
        slack = sum(max(0, widths[i] - shown[i].least) for i in kept if shown[i].least)
        leaving = max(kept, key=lambda i: shown[i].goes)
        if slack >= over or not shown[leaving].goes:
            break
        kept.remove(leaving)
    _narrow(kept, widths, shown, room)
    lines = [
        quiet(_line([shown[i].title for i in kept], [widths[i] for i in kept], [shown[i] for i in kept]))
    ]
    lines += (
        _line([row[i] for i in kept], [widths[i] for i in kept], [shown[i] for i in kept]) for row in cells
    )
    return lines


def _over(kept: Sequence[int], widths: Sequence[int], room: int) -> int:
    return sum(widths[i] for i in kept) + len(_GAP) * (len(kept) - 1) - room


def _narrow(kept: Sequence[int], widths: list[int], shown: Sequence[Column], room: int) -> None:
    """Cut the widest of the columns that may be cut, until the lines fit: to their least, then to what is legible."""
    for least in (None, _LEGIBLE):
        while _over(kept, widths, room) > 0:
            can = [i for i in kept if shown[i].least and widths[i] > (least or shown[i].least)]
            if not can:
                break
            widths[max(can, key=lambda i: widths[i])] -= 1


def _line(cells: Sequence[str], widths: Sequence[int], columns: Sequence[Column]) -> str:
    parts = []
    for cell, cells_wide, column in zip(cells, widths, columns, strict=True):
        fit = cut(cell, cells_wide)
        pad = " " * (cells_wide - cell_len(fit))
        parts.append(pad + fit if column.is_figure else fit + pad)
    return _GAP.join(parts).rstrip()


def wrapped(text: str, indent: str = "", limit: int = 2_000) -> list[str]:
    """The text on as many lines as it needs, each behind the indent; a comfortable measure, never the whole screen."""
    return textwrap.wrap(
        plain(text, limit),
        min(width(), 88),
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )


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


def is_terminal() -> bool:
    """Whether there is somebody who can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def say(*lines: str) -> None:
    """Lines on standard output."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def hint(*lines: str) -> None:
    """Lines on standard error: what to do next, and what scripts should not read."""
    sys.stdout.flush()
    sys.stderr.write("".join(f"{line}\n" for line in lines))


def print_rejects(found: Sequence[Reject]) -> None:
    """What could not be understood: its place, and the reason under it."""
    for one in found:
        say(plain(one.where, 300), *map(quiet, wrapped(one.reason, "    ")))

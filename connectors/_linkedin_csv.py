"""Finds the table in a CSV of any era, encoding and separator and yields its rows; it never decides what a row means.

RFC 4180 as LinkedIn writes it, and as Excel re-saves it. The header is found by its column names within the first
rows, whatever stands above it. Nothing is held but one row.
"""

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from connectors._archive import Member
from schemas.errors import UnreadableFile

CELL_CHARS = 1 << 20
"""Longest cell read; LinkedIn's own longest text is an article pasted into a message."""
_HEADER_WITHIN = 20
_LINE_CHARS = 1 << 20
_BLOCK = 1 << 16
_SEPARATORS = (",", ";", "\t")
_HEADER_CELLS = 200
_SUFFIX = re.compile(r"(?:_\d+)?(?: ?\(\d{1,3}\))?\.(?:csv|txt)", re.IGNORECASE)


@dataclass(frozen=True)
class Kind:
    """One file of the export: the names it goes by, its columns, and which of them it cannot do without.

    `columns` maps our word for a column to the names seen for it, folded by `fold`; of several that a file has the
    first named wins. Each of `keys` is a group of columns of which one must be there.
    """

    name: str
    files: frozenset[str]
    columns: Mapping[str, tuple[str, ...]]
    keys: tuple[tuple[str, ...], ...]

    def place_columns(self, header: list[str]) -> dict[str, int]:
        """Where each known column stands in a header."""
        folded = [fold(cell) for cell in header[:_HEADER_CELLS]]
        first: dict[str, int] = {}
        for index, cell in enumerate(folded):
            first.setdefault(cell, index)
        placed: dict[str, int] = {}
        for word, names in self.columns.items():
            there = [first[name] for name in names if name in first]
            if there:
                placed[word] = there[0]
        return placed

    def missing(self, placed: Mapping[str, int]) -> list[tuple[str, ...]]:
        """The key groups of which no column is there."""
        return [group for group in self.keys if not any(word in placed for word in group)]


@dataclass(frozen=True)
class Table:
    """A header that was found: how the file is written and where its columns stand."""

    kind: Kind
    encoding: str
    separator: str
    header_lines: int
    """Physical lines up to the header, itself included."""
    width: int
    columns: Mapping[str, int]


@dataclass(frozen=True)
class Row:
    """One data row; `line` is where it begins, as an editor counts."""

    line: int
    cells: list[str]


@dataclass(frozen=True)
class Fault:
    """A row that cannot be told apart into cells."""

    line: int
    reason: str


def fold(name: str) -> str:
    """A column's or file's name for comparing: no accents, case, blanks, underscores or signs."""
    decomposed = unicodedata.normalize("NFKD", name[:200])
    return "".join(c for c in decomposed.casefold() if c.isalnum())


def fold_file(name: str) -> str:
    """A file's name for comparing: its ending, a numeric member suffix and a browser's ` (1)` removed."""
    name = name[-200:]
    match = _SUFFIX.search(name)
    if match is None or match.end() != len(name):
        return ""
    return fold(name[: match.start()])


def find_table(member: Member, kinds: tuple[Kind, ...]) -> Table | None:
    """The table of the first kind whose key columns a row near the top has; None when no row has any's.

    Raises:
        UnreadableFile: the bytes cannot be read.
    """
    encoding = _encoding_of(member)
    with _lines(member, encoding) as lines:
        return table_in(lines, encoding, kinds)


def table_in(lines: Iterator[str], encoding: str, kinds: tuple[Kind, ...]) -> Table | None:
    """As `find_table`, in lines already decoded."""
    for number, cells, separator in _candidates(lines):
        for kind in kinds:
            placed = kind.place_columns(cells)
            if placed and not kind.missing(placed):
                width = _width(cells)
                return Table(kind, encoding, separator, number, width, placed)
    return None


def nearest_miss(member: Member, kind: Kind) -> list[tuple[str, ...]]:
    """The key columns wanting in the row that looks most like the kind's header."""
    with _lines(member, _encoding_of(member)) as lines:
        best = max((kind.place_columns(cells) for _, cells, _ in _candidates(lines)), key=len, default={})
    return kind.missing(best) if len(best) > 1 else []


def has_little(member: Member) -> bool:
    """Whether a file holds nothing, or a mere sentence instead of a table ("No conversations found")."""
    if member.size > 2_000:
        return False
    with _lines(member, _encoding_of(member)) as lines:
        said = [line for line in lines if line.strip()]
    return len(said) <= 2


def read_rows(member: Member, table: Table) -> Iterator[Row | Fault]:
    """The rows below the header in order; blank lines are none.

    Raises:
        UnreadableFile: the bytes give out on the way.
    """
    csv.field_size_limit(CELL_CHARS)
    with _lines(member, table.encoding) as lines:
        for _ in range(table.header_lines):
            next(lines, "")
        reader = csv.reader(lines, delimiter=table.separator)
        while True:
            begins = table.header_lines + reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Fault(begins, _csv_reason(error))
                continue
            if len(cells) > 1 or "".join(cells).strip():
                yield Row(begins, cells)


def _csv_reason(error: csv.Error) -> str:
    if "field limit" in str(error):
        return f"a cell is longer than {CELL_CHARS:,} characters; perhaps a quotation mark is not closed"
    return f"the row is not CSV ({str(error)[:80]})"


def _candidates(lines: Iterator[str]) -> Iterator[tuple[int, list[str], str]]:
    """Each line that may be a header, split by each separator: its number, cells, separator."""
    seen = 0
    # Lines are split singly: a header has no line break, and a stray quote in the text above it must not swallow it.
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            if number > 4 * _HEADER_WITHIN:
                return
            continue
        seen += 1
        if seen > _HEADER_WITHIN:
            return
        if len(line) > _BLOCK:
            continue
        for separator in _SEPARATORS:
            if separator not in line and separator != ",":
                continue
            try:
                cells = next(csv.reader([line], delimiter=separator), [])
            except csv.Error:
                continue
            yield number, cells, separator


def _width(cells: list[str]) -> int:
    """Columns of a header without a trailing separator's empty one."""
    width = len(cells)
    while width and not cells[width - 1].strip():
        width -= 1
    return width


@contextmanager
def _lines(member: Member, encoding: str) -> Iterator[Iterator[str]]:
    with member.open() as raw, io.TextIOWrapper(raw, encoding, errors="replace", newline="") as text:
        yield _bounded_lines(text)


def _bounded_lines(text: io.TextIOWrapper) -> Iterator[str]:
    # A line without an end comes in pieces, so that no more than one is held.
    return iter(lambda: text.readline(_LINE_CHARS), "")


def _encoding_of(member: Member) -> str:
    """BOM, else UTF-16 by its zero bytes, else UTF-8 if all of it is, else what Excel writes in the West."""
    with member.open() as raw:
        head = raw.read(_BLOCK)
        known = encoding_of_head(head)
        if known:
            return known
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while head:
                decoder.decode(head)
                head = raw.read(_BLOCK)
        except UnicodeDecodeError:
            return "cp1252"
    # Cut in the middle of its last character it is UTF-8 all the same.
    return "utf-8"


def encoding_of_head(head: bytes) -> str:
    """The encoding a BOM or UTF-16's zero bytes tell; empty when they do not."""
    for bom, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if head.startswith(bom):
            return encoding
    sample = head[:2_000]
    if sample[1::2].count(0) > len(sample) // 4:
        return "utf-16-le"
    if sample[::2].count(0) > len(sample) // 4:
        return "utf-16-be"
    return ""


def check_found(table: Table | None, member: Member, kind: Kind | None) -> Table:
    """The table, or words on what is wanting for the `kind` the file's name claims, if it claims any.

    Raises:
        UnreadableFile: there is none.
    """
    if table is not None:
        return table
    if kind is None:
        raise UnreadableFile(
            f"{member.path} has no row of column names known from a LinkedIn export in its first {_HEADER_WITHIN} rows."
        )
    wanting = nearest_miss(member, kind)
    if wanting:
        names = "; ".join(" or ".join(_shown(word) for word in group) for group in wanting)
        raise UnreadableFile(f"{member.path} has no column {names}.")
    raise UnreadableFile(
        f"{member.path} has no row of column names of a LinkedIn {kind.name} file in its first {_HEADER_WITHIN} rows."
    )


def _shown(word: str) -> str:
    return word.replace("_", " ").title()

"""Reads the dates of LinkedIn's CSV files, one form a column; it never settles an ambiguous cell by itself.

Whether `03/04/24` is March or April is decided once over the whole column. Forms, by sync-protocols observations of
real archives: `08 Feb 2026`, `2026-02-08 10:11:12 UTC`, `1/29/26, 2:37 PM`, `2024/03/15 10:11:12 UTC`,
`Wed Jun 24 12:43:42 UTC 2026`, `Apr 08, 2024 07:00 AM - Apr 08, 2024 05:00 PM`, `Jun 2019`, and what Excel makes of
them: `4-Apr-21`, `15.03.2024`.
"""

import re
import unicodedata
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache
from typing import Literal

Order = Literal["day first", "month first"]

_CELL_CHARS = 80
_FIRST_YEAR = 1950
_LAST_YEAR = 2199

_TIME = re.compile(
    r"(?<!\d)(\d{1,2})[:.](\d{2})(?:[:.](\d{2})(?:[.,]\d{1,9})?)?(?:\s{0,3}([ap]\.?\s?m\b\.?))?(?![\d.])",
    re.IGNORECASE,
)
_ZONE = re.compile(r"(?<![^\W\d_])(?:utc|gmt|z)\b|^\s?([+-])(\d{2}):?(\d{2})\b")
_YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})t?")
_YEAR_FIRST_HAN = re.compile(r"(\d{4})\s?年\s?(\d{1,2})\s?月(?:\s?(\d{1,2})\s?日)?")
_NUMERIC = re.compile(r"(\d{1,2})([-/.])\s?(\d{1,2})\2\s?(\d{4}|\d{2})")
_WORDS = re.compile(r"\d+|[^\W\d_]+")
_MONTH_YEAR = re.compile(r"(\d{1,2})[-/.](\d{4})")
_SMALL_WORDS = frozenset(
    {"de", "del", "di", "of", "the", "le", "den", "st", "nd", "rd", "th", "er", "o", "a"}
)

_MONTHS: dict[str, int] = {
    word: number
    for number, words in enumerate(
        (
            # English, German, French, Spanish, Italian, Portuguese, Dutch; without accents.
            "jan january januar janner janv janvier ene enero gen gennaio janeiro januari",
            "feb february februar feber fev fevr fevrier febrero febbraio fevereiro februari",
            "mar march mrz marz maerz mars marzo marco maa maart mrt",
            "apr april avr avril abr abril aprile",
            "may mai mayo mag maggio maio mei",
            "jun june juni juin junio giu giugno junho",
            "jul july juli juil juillet julio lug luglio julho",
            "aug august aout ago agosto augustus",
            "sep sept september septembre septiembre set sett settembre setembro setiembre",
            "oct october okt oktober octobre octubre ott ottobre out outubro",
            "nov november novembre noviembre novembro",
            "dec december dez dezember decembre dic diciembre dicembre dezembro",
        ),
        start=1,
    )
    for word in words.split()
}
_WEEKDAYS = frozenset({"mon", "tue", "wed", "thu", "fri", "sat", "sun"})


class DateColumn:
    """The one way in which a column's dates are written; shown every cell first, asked for each one after."""

    def __init__(self, default: Order, latest: date) -> None:
        """`default` holds when no cell tells; `latest` is a day that no true date of the column exceeds."""
        self._default = default
        self._latest = latest
        self._votes = {"day first": 0, "month first": 0}
        self._falls = {"day first": 0, "month first": 0}
        self._before: dict[str, date] = {}
        self._order: Order | None = None

    def show(self, cell: str) -> None:
        """Take one cell of the column into account."""
        if cell[:4].isdigit():
            return
        match = _NUMERIC.match(_plain(cell))
        if match is None:
            return
        first, second, year = int(match[1]), int(match[3]), _year(match[4])
        by_order = {"day first": _date(year, second, first), "month first": _date(year, first, second)}
        possible = [k for k, day in by_order.items() if day is not None and day <= self._latest]
        if len(possible) == 1:
            self._votes[possible[0]] += 1
        for order, day in by_order.items():
            if day is not None:
                self._falls[order] += order in self._before and self._before[order] < day
                self._before[order] = day

    @property
    def order(self) -> Order:
        """The order of day and month in the column's numeric dates.

        The one that more cells demand; failing that the one that leaves the list better sorted, as every list of an
        export is newest first; failing that the default.
        """
        for evidence, wins in ((self._votes, 1), (self._falls, -1)):
            days, months = evidence["day first"] * wins, evidence["month first"] * wins
            if days != months:
                return "day first" if days > months else "month first"
        return self._default

    def day(self, cell: str) -> date | None:
        """The day a cell names, or None when it names none."""
        said = self._said(cell)
        return said.date() if said is not None else None

    def instant(self, cell: str) -> datetime | None:
        """The time a cell names: aware where it names a zone, else floating; midnight when it is a mere day."""
        return self._said(cell)

    def _said(self, cell: str) -> datetime | None:
        if len(cell) == 23 and cell.endswith(" UTC"):
            # What messages.csv holds a hundred thousand times.
            try:
                return datetime.fromisoformat(cell[:19]).replace(tzinfo=UTC)
            except ValueError:
                pass
        if self._order is None:
            self._order = self.order
        return _read(cell[:_CELL_CHARS], self._order)


def month_of(cell: str) -> date | None:
    """The first day of the month or year a cell names (`Jun 2019`, `2019`, `06/2019`, Excel's `Jun-19`)."""
    text = _plain(cell)
    match = _MONTH_YEAR.fullmatch(text)
    if match is not None:
        return _date(int(match[2]), int(match[1]), 1)
    han = _YEAR_FIRST_HAN.fullmatch(text)
    if han is not None:
        return _date(int(han[1]), int(han[2]), 1)
    words = [word for word in _WORDS.findall(text) if word not in _SMALL_WORDS]
    if len(words) == 1 and len(words[0]) == 4 and words[0].isascii() and words[0].isdigit():
        return _date(int(words[0]), 1, 1)
    if len(words) == 2:
        months = [_MONTHS[word] for word in words if word in _MONTHS]
        years = [word for word in words if word.isascii() and word.isdigit() and len(word) in {2, 4}]
        if months and years:
            return _date(_year(years[0]), months[0], 1)
        return None
    said = _read(cell[:_CELL_CHARS], "month first")
    return said.date().replace(day=1) if said is not None else None


@lru_cache(maxsize=4_096)
def _read(cell: str, order: Order) -> datetime | None:
    text = _plain(cell)
    if " - " in text:
        text = text.partition(" - ")[0].strip()
    clock = time()
    zone: timezone | None = None
    rest = text
    # A zone stands only beside a time; `15.03.2024` would else read as one.
    timed = _time_in(text)
    if timed is not None:
        clock, start, end = timed
        tail = text[end:]
        zoned = _ZONE.search(tail)
        if zoned is not None:
            zone = _zone(zoned)
            if zone is None:
                return None
            tail = f"{tail[: zoned.start()]} {tail[zoned.end() :]}"
        rest = f"{text[:start]} {tail}".strip(" ,")
    day = _day_in(rest, order)
    if day is None:
        return None
    said = datetime.combine(day, clock)
    return said.replace(tzinfo=zone).astimezone(UTC) if zone is not None else said


def _time_in(text: str) -> tuple[time, int, int] | None:
    """The time of day in the text and where it stands; the date itself is stepped over."""
    dated = _YEAR_FIRST.match(text) or _NUMERIC.match(text)
    from_ = dated.end() if dated else 0
    for match in _TIME.finditer(text, from_):
        hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
        half = (match[4] or "")[:1].lower()
        if half and (hour > 12 or hour == 0):
            # The oldest messages are said to be written `HH:mm a`: 24 hours, and the half of the day all the same.
            if (half == "p") is not (hour > 12):
                return None
        elif half:
            hour = hour % 12 + (12 if half == "p" else 0)
        if hour < 24 and minute < 60 and second < 61:
            return time(hour, minute, min(second, 59)), match.start(), match.end()
    return None


def _zone(match: re.Match[str]) -> timezone | None:
    if match[1] is None:
        return UTC
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    if offset >= timedelta(hours=24):
        return None
    return timezone(offset if match[1] == "+" else -offset)


def _day_in(text: str, order: Order) -> date | None:
    match = _YEAR_FIRST.fullmatch(text) or _YEAR_FIRST_HAN.fullmatch(text)
    if match is not None:
        return _date(int(match[1]), int(match[2]), int(match[3] or 0))
    match = _NUMERIC.fullmatch(text)
    if match is not None:
        first, second = int(match[1]), int(match[3])
        month, day = (second, first) if order == "day first" else (first, second)
        return _date(_year(match[4]), month, day)
    words = [word for word in _WORDS.findall(text) if word not in _SMALL_WORDS]
    if len(words) == 4 and words[0] in _WEEKDAYS:
        words = words[1:]
    if len(words) != 3:
        return None
    if words[0] in _MONTHS:
        month_word, day_word, year_word = words
    else:
        day_word, month_word, year_word = words
        if len(day_word) == 4:
            day_word, year_word = year_word, day_word
    if month_word not in _MONTHS or not _is_number(day_word, 2) or not _is_number(year_word, 4):
        return None
    return _date(_year(year_word), _MONTHS[month_word], int(day_word))


def _is_number(word: str, digits: int) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= digits and len(word) != 3


def _year(digits: str) -> int:
    """Two digits are of this century: LinkedIn began in 2003."""
    return int(digits) + (2000 if len(digits) == 2 else 0)


def _date(year: int, month: int, day: int) -> date | None:
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _plain(cell: str) -> str:
    """Folded for reading: no accents, no exotic spaces (U+202F before AM, as ICU writes it), lower case."""
    text = cell[:_CELL_CHARS]
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
        text = "".join(c for c in text if unicodedata.category(c) not in {"Cc", "Cf", "Cs"})
        text = text.replace("\u2013", "-").replace("\u2212", "-")
    return " ".join(text.split()).lower().strip(" ,;")

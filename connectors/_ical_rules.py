"""Expands a recurrence rule (RFC 5545 3.3.10) within a bound on work; it never runs a rule it has not weighed.

The maths are dateutil's. dateutil looks for a match up to the year 9999 and cannot be interrupted, so a tiny hostile
rule (every second; 30 February; INTERVAL=0) would run for seconds or for ever. Three things hold it:

- the gate: a rule is read against the grammar's own bounds and refused when it says what no calendar can mean;
- the weight: what a month of the rule costs is known from its parts, so the months it may run are too;
- the count: at most `MOST_STARTS` starts are taken.

A rule that reaches its bound is shortened and says so; one that can never match is refused.
"""

import re
from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

from dateutil.rrule import (  # type: ignore[import-untyped]  # dateutil ships no types
    DAILY,
    HOURLY,
    MINUTELY,
    MONTHLY,
    SECONDLY,
    WEEKLY,
    YEARLY,
    rrule,
    weekday,
)
from msgspec import Struct

MOST_STARTS = 24_000
"""Starts taken from one rule: every day since 1970, and some."""
_WORK = 1_000_000
"""Units of about 0.1 µs that one rule may cost before it is shortened."""
_MOST_TIMES = 1_440
"""Times of day that one rule may name."""
_MOST_INTERVAL = 100_000
_REACH = 40 * 12
"""Months past the window in which a rule without a match must show one: every calendar pattern recurs in 40 years."""

_FREQUENCIES: dict[str, int] = {
    "YEARLY": YEARLY,
    "MONTHLY": MONTHLY,
    "WEEKLY": WEEKLY,
    "DAILY": DAILY,
    "HOURLY": HOURLY,
    "MINUTELY": MINUTELY,
    "SECONDLY": SECONDLY,
}
_WEEKDAYS = {"MO": 0, "TU": 1, "WE": 2, "TH": 3, "FR": 4, "SA": 5, "SU": 6}
_NUMBER_PARTS = {
    # part: (dateutil's name, least, greatest, whether negative counts from the end)
    "BYSECOND": ("bysecond", 0, 59, False),
    "BYMINUTE": ("byminute", 0, 59, False),
    "BYHOUR": ("byhour", 0, 23, False),
    "BYMONTHDAY": ("bymonthday", 1, 31, True),
    "BYYEARDAY": ("byyearday", 1, 366, True),
    "BYWEEKNO": ("byweekno", 1, 53, True),
    "BYMONTH": ("bymonth", 1, 12, False),
    "BYSETPOS": ("bysetpos", 1, 366, True),
}
_BY_DAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_UNTIL = re.compile(r"(\d{8})(?:T(\d{6})(Z)?)?")
_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class RuleRefused(ValueError):
    """The rule cannot be meant; its text says why, for a person to read."""


class Expansion(Struct, frozen=True):
    """The starts of a rule as naive wall times, rising; `is_shortened` when the bound cut them."""

    starts: list[datetime]
    is_shortened: bool = False


class _Exhausted(Exception):
    """The rule has opened as many months as it may."""


class _BoundedRule(rrule):  # type: ignore[misc]  # dateutil ships no types
    """dateutil's rule with an end to its search.

    `_byeaster`, which iCalendar has no part for, is read whenever the rule opens another month (a yearly rule:
    another year; dateutil 2.9, `_iterinfo.rebuild`): the one place where a search without a match can be stopped.
    """

    def __init__(self, frequency: int, months: int, **parts: Any) -> None:
        self._months_left = months + 2
        super().__init__(frequency, **parts)

    @property
    def _byeaster(self) -> None:
        self._months_left -= 1
        if self._months_left < 0:
            raise _Exhausted

    @_byeaster.setter
    def _byeaster(self, value: object) -> None:
        """Ignored: dateutil's initialiser says None."""


def expand_rule(
    text: str,
    start: datetime,
    end: datetime,
    as_wall: Callable[[datetime], datetime],
    *,
    is_date: bool = False,
    share: int = 1,
) -> Expansion:
    """The wall times of a rule from `start` to before `end`, both naive.

    `as_wall` turns a UTC wall time (of UNTIL) into one of the series' zone. A DATE in UNTIL reaches to the end
    of that day. Of COUNT, RFC 5545 3.8.5.3 lets DTSTART be the first whether it matches or not: it is neither
    added nor counted here. The bounds are divided by `share`, for several rules of one series.

    Raises:
        RuleRefused: the rule is malformed, cannot be weighed, or never matches a date.
    """
    parts = _read_parts(text)
    frequency, count, until, arguments = _arguments(parts, as_wall, is_date=is_date)
    _refuse_impossible_days(arguments)
    months = max(0, (end.year - start.year) * 12 + end.month - start.month) + 1
    affordable = int(_WORK / share / _monthly_work(frequency, arguments))
    if affordable < 1:
        raise RuleRefused("it repeats more often than a calendar can show")
    if until is not None and until < start:
        return Expansion([])
    reach = min(months + _REACH, affordable)
    rule_months = -(-reach // 12) if frequency == YEARLY else reach
    starts: list[datetime] = []
    try:
        rule = _BoundedRule(frequency, rule_months, dtstart=start, until=until, count=count, **arguments)
        for found in rule:
            if found >= end:
                return Expansion(starts)
            starts.append(found)
            if len(starts) >= MOST_STARTS // share:
                return Expansion(starts, is_shortened=True)
    except _Exhausted:
        if not starts and affordable >= months + _REACH:
            raise RuleRefused("its rule never matches a date") from None
        return Expansion(starts, is_shortened=affordable < months)
    except (ValueError, TypeError, OverflowError, IndexError):
        # dateutil answers contradictory parts (BYHOUR that INTERVAL never meets) in each of these ways.
        raise RuleRefused("its rule contradicts itself") from None
    return Expansion(starts)


def _read_parts(text: str) -> dict[str, str]:
    if len(text) > 4_096:
        raise RuleRefused("its rule is longer than 4,096 characters")
    parts: dict[str, str] = {}
    for pair in text.upper().replace(" ", "").strip(";").split(";"):
        name, sign, value = pair.partition("=")
        if not sign or not value:
            raise RuleRefused(f"its rule has a part without a value ({pair[:40]!r})")
        parts[name] = value
    if parts.get("FREQ") not in _FREQUENCIES:
        raise RuleRefused("its rule names no frequency")
    return parts


def _arguments(
    parts: dict[str, str], as_wall: Callable[[datetime], datetime], *, is_date: bool
) -> tuple[int, int | None, datetime | None, dict[str, Any]]:
    frequency = _FREQUENCIES[parts["FREQ"]]
    count: int | None = None
    until: datetime | None = None
    arguments: dict[str, Any] = {"interval": 1}
    for name, value in parts.items():
        if name == "INTERVAL":
            arguments["interval"] = _number(name, value, 1, _MOST_INTERVAL)
        elif name == "COUNT":
            count = _number(name, value, 1, 10**18)
        elif name == "UNTIL":
            until = _read_until(value, as_wall)
        elif name == "WKST" and value in _WEEKDAYS:
            arguments["wkst"] = _WEEKDAYS[value]
        elif name == "BYDAY":
            arguments["byweekday"] = _read_days(value, frequency)
        elif name in _NUMBER_PARTS:
            argument, least, most, is_signed = _NUMBER_PARTS[name]
            arguments[argument] = _read_numbers(name, value, least, most, is_signed=is_signed)
        elif (
            name == "FREQ"
            or name.startswith("X-")
            or (name, value)
            in {
                # RFC 7529: these two say what is so anyway.
                ("RSCALE", "GREGORIAN"),
                ("SKIP", "OMIT"),
            }
        ):
            continue
        else:
            raise RuleRefused(f"its rule has an unknown part ({name[:20]}={value[:20]})")
    if is_date:
        # RFC 5545 3.3.10: parts of the day must be ignored for a DATE.
        for argument in ("byhour", "byminute", "bysecond"):
            arguments.pop(argument, None)
    return frequency, count, until, arguments


def _number(name: str, value: str, least: int, most: int) -> int:
    if not value.removeprefix("+").removeprefix("-").isdecimal() or len(value) > 19:
        raise RuleRefused(f"{name} of its rule is not a number ({value[:20]})")
    number = int(value)
    if not least <= number <= most:
        raise RuleRefused(f"{name} of its rule is {number}, not {least:,} to {most:,}")
    return number


def _read_numbers(name: str, value: str, least: int, most: int, *, is_signed: bool) -> tuple[int, ...]:
    numbers = set()
    for item in value.split(","):
        if name == "BYSECOND" and item == "60":
            continue  # a leap second, which no clock here has
        number = _number(name, item, -most if is_signed else least, most)
        if number == 0 and least > 0:
            raise RuleRefused(f"{name} of its rule is 0")
        numbers.add(number)
    return tuple(sorted(numbers))


def _read_days(value: str, frequency: int) -> tuple[weekday, ...]:
    days = set()
    for item in value.split(","):
        match = _BY_DAY.fullmatch(item)
        if match is None or (match[1] is not None and not 1 <= abs(int(match[1])) <= 53):
            raise RuleRefused(f"BYDAY of its rule is not a weekday ({item[:20]})")
        # RFC 5545 3.3.10: a number counts within a month or a year only; elsewhere it says nothing.
        number = int(match[1]) if match[1] and frequency in {MONTHLY, YEARLY} else None
        days.add((_WEEKDAYS[match[2]], number))
    return tuple(weekday(day, number) for day, number in sorted(days, key=lambda d: (d[0], d[1] or 0)))


def _read_until(value: str, as_wall: Callable[[datetime], datetime]) -> datetime:
    match = _UNTIL.fullmatch(value)
    if match is None:
        raise RuleRefused(f"UNTIL of its rule is not a date ({value[:20]})")
    try:
        day = datetime.strptime(match[1], "%Y%m%d")  # noqa: DTZ007 -- a wall time, on purpose
        if match[2] is None:
            # A DATE reaches to the end of that day; midnight would drop the last occurrence.
            return datetime.combine(day, time.max)
        clock = timedelta(
            hours=int(match[2][:2]), minutes=int(match[2][2:4]), seconds=min(59, int(match[2][4:]))
        )
        return as_wall(day + clock) if match[3] else day + clock
    except (ValueError, OverflowError):
        raise RuleRefused(f"UNTIL of its rule is not a date ({value[:20]})") from None


def _refuse_impossible_days(arguments: dict[str, Any]) -> None:
    months, days = arguments.get("bymonth"), arguments.get("bymonthday")
    if months and days and all(abs(day) > _LONGEST_MONTHS[month - 1] for month in months for day in days):
        raise RuleRefused("its rule never matches a date")


def _monthly_work(frequency: int, arguments: dict[str, Any]) -> float:
    """What a month of the rule costs at most, in units of about 0.1 µs, apart from the starts it yields."""
    interval: int = arguments["interval"]
    positions = len(arguments.get("bysetpos", ()))
    hours, minutes, seconds = (len(arguments.get(part, ())) for part in ("byhour", "byminute", "bysecond"))
    times = (max(1, hours) if frequency < HOURLY else 1) * (max(1, minutes) if frequency < MINUTELY else 1)
    times *= max(1, seconds) if frequency < SECONDLY else 1
    if times > _MOST_TIMES:
        raise RuleRefused("it repeats more often than a calendar can show")
    if frequency == YEARLY:
        return (2_500 + 366 * (3 + positions)) / 12 / interval
    if frequency == MONTHLY:
        return (200 + 31 * (3 + positions)) / interval
    if frequency == WEEKLY:
        return (60 + 7 * (3 + positions)) * 4.4 / interval
    if frequency == DAILY:
        return (25 + positions * 5) * 30.5 / interval
    steps_a_day = {HOURLY: 24, MINUTELY: 1_440, SECONDLY: 86_400}[frequency]
    filtered = {HOURLY: hours, MINUTELY: hours + minutes, SECONDLY: hours + minutes + seconds}[frequency]
    # Days that no filter admits are jumped; times of day that none admits are walked through one by one.
    walked = max(1.0, steps_a_day / interval) if filtered or positions else 1.0
    return (40 + 5 * times + walked * (6 + 10 * positions)) * 30.5

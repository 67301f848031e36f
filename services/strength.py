"""Strength of a tie, from contacts alone: recency, frequency, both directions, kind of contact.

A pure function of dated counts and an instant. It orders lists and never stands as a grade of anybody.
"""

from collections.abc import Mapping
from datetime import datetime
from math import exp, log

HALF_LIFE_MONTHS = 6.0
"""A contact weighs half as much after this many months."""

FULL = 24.0
"""Decayed contacts at which a tie is as strong as it gets to look: 1 - 1/e of the scale."""


def month_number(at: datetime) -> int:
    """Months since year 0, in UTC."""
    return at.year * 12 + at.month - 1


def strength(
    months: Mapping[int, int], *, outgoing: int, incoming: int, meetings: int, now: datetime
) -> float:
    """Between 0 and 1, rounded to four digits: decayed contacts, weighed by how mutual they are.

    `months` counts contacts by month number; the rest counts all time. One-sided ties weigh half.
    """
    present = month_number(now)
    decay = log(2) / HALF_LIFE_MONTHS
    weight = sum(n * exp(-decay * max(0, present - month)) for month, n in months.items())
    if not weight:
        return 0.0
    both = min(outgoing, incoming) + meetings
    mutual = 0.5 + 0.5 * min(1.0, 2 * both / max(1, outgoing + incoming + meetings))
    return round(1 - exp(-weight * mutual / FULL), 4)

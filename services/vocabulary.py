"""Words that every face of Kith shares: days, months and small numbers."""

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
NUMBERS = (
    "no",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)
JOINERS = "\u200c\u200d"
"""Format characters that carry meaning inside words: Persian and Indic spelling, joined emoji. They turn no line around."""


def upper_first(text: str) -> str:
    """The text with its first letter large, and no other letter touched."""
    return text[:1].upper() + text[1:]

"""What rows of Microsoft Graph have in common: values that are unset, what was removed, times in a zone, stamps.

https://learn.microsoft.com/graph/delta-query-overview, read 2026-11. Nothing here asks Graph anything.
"""

import re
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct, UnsetType

from connectors._mail_addresses import mailboxes

T = TypeVar("T")

YEARS = range(1900, 2200)
"""Those in which somebody meets."""
FRACTION = re.compile(r"\.\d+")
"""Fractions of a second, of which Graph writes seven digits."""


class Removed(Struct, frozen=True):
    """Why a row stands for nothing any more."""

    reason: str = ""


class Moment(Struct, frozen=True, rename="camel"):
    """https://learn.microsoft.com/graph/api/resources/datetimetimezone."""

    date_time: str = ""
    time_zone: str | None = None


class _Named(Struct, frozen=True):
    id: str


class Fault(ValueError):
    """It cannot be understood; the text says why."""


def id_of(row: Raw) -> str:
    """The id of a row that cannot be read otherwise; empty where not even that can."""
    try:
        return msgspec.json.decode(row, type=_Named).id
    except (msgspec.DecodeError, RecursionError):
        return ""


def nearest_day(wall: datetime) -> date:
    """The day whose midnight is nearest to a wall time."""
    return (wall + timedelta(hours=12)).date()


def told(value: T | UnsetType | None, otherwise: T) -> T:
    """A value, or what stands for one that is unset or null."""
    return otherwise if isinstance(value, UnsetType) or value is None else value


def instant_of(text: str, what: str) -> datetime:
    """A time, in UTC where it does not say otherwise.

    Raises:
        Fault: it is none; the text names what it was to be.
    """
    try:
        moment = datetime.fromisoformat(FRACTION.sub("", text))
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Fault(f"{what} is no time ({text[:40]!r})") from None
    if moment.year not in YEARS:
        raise Fault(f"{what} is out of range ({text[:40]!r})")
    return moment


def change_stamp(text: str | None) -> str:
    """A time of a change, to the fraction of a second (`20260301T080000.0000000Z`); empty where it is none."""
    try:
        moment = instant_of(text or "", "its last change")
    except Fault:
        return ""
    fraction = FRACTION.search(text or "")
    return f"{moment:%Y%m%dT%H%M%S}{(fraction[0] if fraction else '.')[:8].ljust(8, '0')}Z"


def address_in(text: str | None) -> str:
    """The address that a text is; empty where it is none, as the X.500 names of old internal mail are."""
    return next((box.address for box in mailboxes(text or "")[:1]), "")

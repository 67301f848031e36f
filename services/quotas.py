"""What an account's server allows in so long a time, kept by all processes together: never more, in any such time.

A server that asks for patience gets it from all that works at the account, not from what it refused alone.

Time is cut into slots, a row each, which are used over again. What lies in a slot that reaches into the last period
counts whole, so that no stretch of a period's length, wherever it begins, holds more than the quota; a unit is free
again one period and at most one slot (a twelfth of it, or a second) after it was spent.
"""

from datetime import datetime, timedelta

from schemas.clock import Clock, epoch, instant
from schemas.connector import Quota
from schemas.errors import QuotaSpent
from services.store import accounts as rows
from services.store.unit import Duty, Store, Unit

_SLOTS = 12
_REST = "rest"


def spend(store: Store, owner: int, account: str, quota: Quota, units: int, clock: Clock) -> None:
    """Take units of an account's quota; more at once than it has in all counts as all of it.

    Raises:
        QuotaSpent: so many are not left; with the time until they are.
    """
    wanted = min(units, quota.units)
    period = max(1, round(quota.period.total_seconds()))
    slot = max(1, period // _SLOTS)
    slots = period // slot + 2
    now = epoch(clock.now())
    begin = now - now % slot
    name = f"{quota.name} {begin // slot % slots}"
    with store.write() as unit:
        unit.alone(owner, Duty.SPEND)
        known = rows.spent(unit, owner, account, [f"{quota.name} {number}" for number in range(slots)])
        # A slot that is still to come was written by a clock that has been set back since.
        live = sorted((since, used) for since, used in known.values() if now - period - slot < since <= now)
        left = quota.units - sum(used for _, used in live)
        if wanted > left:
            raise QuotaSpent(
                f"All that the server allows in {_told(quota.period)} is used up; Kith goes on by itself.",
                retry_after=_until_free(live, wanted - left, period + slot, now),
            )
        since, used = known.get(name, (begin, 0))
        rows.set_spent(unit, owner, account, name, begin, wanted + (used if since == begin else 0))


def rest(unit: Unit, owner: int, account: str, until: datetime) -> None:
    """Leave an account alone until then, as its server asks."""
    whole = epoch(until) + (until.microsecond > 0)
    rows.set_spent(unit, owner, account, _REST, whole, 0)
    rows.postpone(unit, owner, account, whole)


def rests_until(unit: Unit, owner: int, account: str, now: datetime) -> datetime | None:
    """Until when an account is to be left alone; None where it may be asked."""
    until, _ = rows.spent(unit, owner, account, [_REST]).get(_REST, (0, 0))
    return instant(until) if until > epoch(now) else None


def _until_free(live: list[tuple[int, int]], missing: int, lasts: int, now: int) -> timedelta:
    for since, used in live:
        missing -= used
        if missing <= 0:
            return timedelta(seconds=since + lasts - now)
    return timedelta(seconds=lasts)


def _told(period: timedelta) -> str:
    minutes = round(period.total_seconds() / 60)
    if minutes < 2:
        return f"{round(period.total_seconds())} seconds"
    return f"{minutes} minutes" if minutes < 120 else f"{round(minutes / 60)} hours"

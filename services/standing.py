"""How each account stands, as its owner should hear of it: "synced" is a count with a date, and silence is looked into.

reconnect  its sign-in is refused; only the owner can mend that
paused     by its owner
failing    it could not be read for an hour, or three times in a row
silent     the other side holds newer items than those that came
reading    the first reading goes on
well       all there was came
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from services.accounts import Account, Feed

Standing = Literal["well", "reading", "silent", "failing", "paused", "reconnect"]
TROUBLED: frozenset[Standing] = frozenset({"silent", "failing", "reconnect"})
_FAILING_AFTER = timedelta(hours=1)
_FAILURES = 3
_SILENT_AFTER = timedelta(hours=6)
"""A sender's clock and a server's differ, and mail is moved about: less than this is no silence."""


class AccountStanding(Struct):
    """How one account stands; times are those of items, but for `read_at`, when it was last read without a fault."""

    id: str
    name: str
    kind: str
    standing: Standing
    reason: str | None
    read_at: datetime | None
    newest_at: datetime | None
    oldest_at: datetime | None
    remote_at: datetime | None
    """Of the newest item that the other side holds."""
    items_24h: int
    """How many items came, changed or went in the last 24 hours."""
    is_read: bool
    """Whether anything is read with it; mail is only sent."""
    done: int
    total: int
    """How far the first reading is, while it goes on; 0 when unknown."""
    again: str = ""
    """What its owner does where its sign-in is refused, in a sentence; filled in by who knows the commands."""


def standing_of(account: Account, feeds: Sequence[Feed], items_24h: int, now: datetime) -> AccountStanding:
    """How an account stands at an instant."""
    standing, reason = _judged(account, feeds, now)
    reading = next((one for one in feeds if not one.is_complete), None)
    return AccountStanding(
        id=account.id,
        name=account.name,
        kind=account.kind,
        standing=standing,
        reason=reason or None,
        read_at=max((one.ok_at for one in feeds if one.ok_at), default=None),
        newest_at=max((one.newest_at for one in feeds if one.newest_at), default=None),
        oldest_at=min((one.oldest_at for one in feeds if one.oldest_at), default=None),
        remote_at=max((one.remote_at for one in feeds if one.remote_at), default=None),
        items_24h=items_24h,
        is_read=bool(feeds),
        done=reading.done if reading else 0,
        total=reading.total if reading else 0,
    )


def _judged(account: Account, feeds: Sequence[Feed], now: datetime) -> tuple[Standing, str]:
    if account.state == "reconnect":
        return "reconnect", account.reason
    if account.state == "paused":
        return "paused", account.reason
    for feed in feeds:
        is_long = feed.failed_at is not None and now - feed.failed_at >= _FAILING_AFTER
        if feed.failures >= _FAILURES or is_long:
            return "failing", feed.reason
    if any(_is_silent(feed) for feed in feeds):
        return "silent", (
            "The server holds newer items than those that came. Read it anew: kith sync "
            f"{account.id} --full; if that does not help, kith doctor."
        )
    if any(not feed.is_complete for feed in feeds):
        return "reading", next((feed.reason for feed in feeds if feed.reason), "")
    # One collection of several that cannot be read is no failure, and the others are read as ever.
    return "well", next((feed.reason for feed in feeds if feed.reason and not feed.failures), "")


def _is_silent(feed: Feed) -> bool:
    """Whether something was there for hours already when the other side was asked, and had not come."""
    if not feed.is_complete or feed.remote_at is None or feed.checked_at is None:
        return False
    is_old_enough = feed.checked_at - feed.remote_at >= _SILENT_AFTER
    return is_old_enough and (feed.newest_at is None or feed.remote_at - feed.newest_at >= _SILENT_AFTER)

"""Rows of accounts, of what is followed at them, and of what was spent of their quotas."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, delete, func, select, update

from services.store.events import drop_cursors
from services.store.tables import account, channel, feed, outbox, spending, task
from services.store.unit import Unit
from services.store.upsert import put_rows


class AccountRow(NamedTuple):
    """One account; `settings` is JSON, `secret` is sealed, `created_at` in whole seconds."""

    owner: int
    id: str
    kind: str
    name: str
    state: str
    reason: str
    settings: str
    secret: str
    created_at: int


class FeedRow(NamedTuple):
    """One connector that is read with an account; instants in whole seconds."""

    owner: int
    account: str
    connector: str
    next_at: int
    tried_at: int | None
    ok_at: int | None
    failures: int
    failed_at: int | None
    reason: str
    is_complete: bool
    done: int
    total: int
    oldest_at: int | None
    newest_at: int | None
    remote_at: int | None
    checked_at: int | None
    untold: str
    ask_at: int | None


FeedKey = tuple[int, str, str]
"""Owner, account and connector."""


# --- accounts ---------------------------------------------------------------------------------------------------------


def accounts(unit: Unit, who: int) -> list[AccountRow]:
    """The accounts of an owner, first connected first."""
    statement = select(account).where(account.c.owner == who).order_by(account.c.created_at, account.c.id)
    return [AccountRow._make(row) for row in unit.connection.execute(statement)]


def account_of(unit: Unit, who: int, key: str) -> AccountRow | None:
    """One account."""
    row = unit.connection.execute(select(account).where(_is(who, key))).first()
    return AccountRow._make(row) if row else None


def put_account(unit: Unit, row: AccountRow) -> None:
    """Keep an account, or what is new about it."""
    changes = ("name", "state", "reason", "settings", "secret")
    put_rows(unit, account, AccountRow._fields, [tuple(row)], "replace", changes)


def change_account(unit: Unit, who: int, key: str, **values: str) -> None:
    """Set columns of an account."""
    unit.connection.execute(update(account).where(_is(who, key)).values(**values))


def drop_account(unit: Unit, who: int, key: str) -> None:
    """Delete an account with its secret, what is followed at it, its cursors, and what was still to be done there."""
    unit.connection.execute(delete(account).where(_is(who, key)))
    unit.connection.execute(delete(feed).where(feed.c.owner == who, feed.c.account == key))
    unit.connection.execute(delete(spending).where(spending.c.owner == who, spending.c.account == key))
    unit.connection.execute(delete(channel).where(channel.c.owner == who, channel.c.account == key))
    unit.connection.execute(
        delete(outbox).where(outbox.c.owner == who, outbox.c.account == key, outbox.c.state == "pending")
    )
    drop_cursors(unit, who, key)


def drop_done(unit: Unit, who: int, key: str) -> None:
    """Delete all that was done at an account as well: its tasks, and what says that a thing was done."""
    for table in (outbox, task):
        unit.connection.execute(delete(table).where(table.c.owner == who, table.c.account == key))


def _is(who: int, key: str) -> ColumnElement[bool]:
    return and_(account.c.owner == who, account.c.id == key)


# --- feeds ------------------------------------------------------------------------------------------------------------


_ACTIVE = and_(account.c.owner == feed.c.owner, account.c.id == feed.c.account, account.c.state == "active")


def feeds(unit: Unit, who: int) -> list[FeedRow]:
    """What is followed at an owner's accounts."""
    statement = select(feed).where(feed.c.owner == who).order_by(feed.c.account, feed.c.connector)
    return [FeedRow._make(row) for row in unit.connection.execute(statement)]


def active_feeds(unit: Unit) -> list[FeedRow]:
    """Every feed of active accounts of any owner, the longest due first."""
    statement = select(feed).join(account, _ACTIVE).order_by(feed.c.next_at, feed.c.account, feed.c.connector)
    return [FeedRow._make(row) for row in unit.connection.execute(statement)]


_NEW_FEED = (
    *("owner", "account", "connector", "next_at", "tried_at", "failures", "failed_at", "reason"),
    *("is_complete", "done", "total", "untold", "ask_at"),
)
_AS_NEW = ("next_at", "tried_at", "failures", "failed_at", "reason", "untold", "ask_at")


def put_feeds(unit: Unit, who: int, key: str, connectors: Sequence[str], now: int) -> None:
    """Follow these at an account and no others, each of them due at once, as if it had never been tried or failed."""
    unit.connection.execute(
        delete(feed).where(feed.c.owner == who, feed.c.account == key, feed.c.connector.not_in(connectors))
    )
    rows = [(who, key, one, now, None, 0, None, "", False, 0, 0, "", None) for one in connectors]
    put_rows(unit, feed, _NEW_FEED, rows, "replace", _AS_NEW)


def change_feed(unit: Unit, which: FeedKey, **values: Any) -> None:
    """Set columns of a feed."""
    who, key, connector = which
    unit.connection.execute(
        update(feed)
        .where(feed.c.owner == who, feed.c.account == key, feed.c.connector == connector)
        .values(**values)
    )


def note_failure(unit: Unit, which: FeedKey, now: int, retry_at: int, reason: str) -> None:
    """One more failure in a row."""
    change_feed(
        unit,
        which,
        next_at=retry_at,
        tried_at=now,
        failures=feed.c.failures + 1,
        failed_at=func.coalesce(feed.c.failed_at, now),
        reason=reason,
    )


def postpone(unit: Unit, who: int, key: str, until: int) -> None:
    """Nothing is asked of an account, by what is followed or is still to be done there, before then."""
    for table in (feed, outbox):
        unit.connection.execute(
            update(table)
            .where(table.c.owner == who, table.c.account == key, table.c.next_at < until)
            .values(next_at=until)
        )


def hasten(unit: Unit, who: int, key: str, now: int) -> None:
    """Everything followed at an account is due at once."""
    unit.connection.execute(
        update(feed)
        .where(feed.c.owner == who, feed.c.account == key)
        .values(next_at=now, tried_at=None, failures=0, failed_at=None, reason="", untold="", ask_at=None)
    )


# --- quotas -----------------------------------------------------------------------------------------------------------


def spent(unit: Unit, who: int, key: str, slots: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Beginning and units of each of these slots of time that is known."""
    statement = select(spending.c.quota, spending.c.since, spending.c.units).where(
        spending.c.owner == who, spending.c.account == key, spending.c.quota.in_(slots)
    )
    return {row.quota: (row.since, row.units) for row in unit.connection.execute(statement)}


def set_spent(unit: Unit, who: int, key: str, slot: str, since: int, units: int) -> None:
    """Keep what was spent in a slot of time."""
    columns = ("owner", "account", "quota", "since", "units")
    put_rows(unit, spending, columns, [(who, key, slot, since, units)], "replace", ("since", "units"))

"""Rows of the channels on which other sides tell of news."""

from collections.abc import Iterable, Sequence

from sqlalchemy import delete, select, update

from schemas.clock import epoch, instant
from schemas.connector import Channel
from services.store.tables import channel, feed
from services.store.unit import Unit
from services.store.upsert import put_rows


def channels(unit: Unit, who: int, account: str, connector: str) -> tuple[Channel, ...]:
    """The channels of a feed, by id."""
    statement = (
        select(channel.c.id, channel.c.resource, channel.c.ends_at)
        .where(channel.c.owner == who, channel.c.account == account, channel.c.connector == connector)
        .order_by(channel.c.id)
    )
    return tuple(
        Channel(row.id, row.resource, instant(row.ends_at)) for row in unit.connection.execute(statement)
    )


def set_channels(unit: Unit, who: int, account: str, connector: str, standing: Iterable[Channel]) -> None:
    """These are the channels of a feed now, and no others."""
    unit.connection.execute(
        delete(channel).where(
            channel.c.owner == who, channel.c.account == account, channel.c.connector == connector
        )
    )
    rows = [(who, account, connector, one.id, one.resource, epoch(one.ends_at)) for one in standing]
    columns = ("owner", "account", "connector", "id", "resource", "ends_at")
    put_rows(unit, channel, columns, rows, "leave")


def end(unit: Unit, who: int, account: str, connector: str, ids: Sequence[str], now: int) -> None:
    """These channels of a feed have ended (whole seconds), whatever was agreed."""
    unit.connection.execute(
        update(channel)
        .where(
            channel.c.owner == who,
            channel.c.account == account,
            channel.c.connector == connector,
            channel.c.id.in_(ids),
        )
        .values(ends_at=now)
    )


def end_all(unit: Unit, who: int, account: str, now: int) -> None:
    """Every channel of an account has ended (whole seconds), as far as is known here."""
    unit.connection.execute(
        update(channel).where(channel.c.owner == who, channel.c.account == account).values(ends_at=now)
    )


def bring_forward(unit: Unit, who: int, account: str, connector: str, at: int) -> None:
    """A feed is due at `at` (whole seconds) unless it is before."""
    its = (feed.c.owner == who, feed.c.account == account, feed.c.connector == connector)
    unit.connection.execute(update(feed).where(*its, feed.c.next_at > at).values(next_at=at))

"""Accounts: what is connected, in what state, and how the reading of each goes.

An account is active, paused by its owner, or waits to be reconnected because its sign-in was refused. What is read with
it is a *feed* for each connector. The same account connected again is the same account: its id is derived from kind,
user and place, so that its cursors, and what came from it, go on. Callers own the unit; nothing here opens a network.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, cast

import msgspec
from msgspec import Struct

from schemas.clock import epoch, instant
from schemas.errors import ReauthRequired, UsageError
from schemas.ids import key64
from services.store import accounts as rows
from services.store import channels
from services.store.accounts import AccountRow, FeedRow
from services.store.schedule import take_away
from services.store.unit import Unit
from services.vault import Vault

State = Literal["active", "paused", "reconnect"]
_FIRST, _LONGEST, _HOURLY = timedelta(seconds=2), timedelta(minutes=15), timedelta(hours=1)
_PATIENCE = 10
_encode = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Account(Struct, frozen=True):
    """One account of an owner; `settings` are what `kith connect` took and found out, and hold nothing secret."""

    owner: int
    id: str
    kind: str
    name: str
    state: State
    reason: str
    settings: Mapping[str, Any]
    created_at: datetime

    @property
    def user(self) -> str:
        """Who signs in."""
        return str(self.settings.get("user", ""))


class Feed(Struct, frozen=True):
    """One connector that is read with an account, and how that goes."""

    owner: int
    account: str
    connector: str
    next_at: datetime
    tried_at: datetime | None
    """None: not since it was connected, or resumed."""
    ok_at: datetime | None
    failures: int
    """In a row."""
    failed_at: datetime | None
    """When the first of them was."""
    reason: str
    is_complete: bool
    """The first reading came to its end."""
    done: int
    total: int
    oldest_at: datetime | None
    newest_at: datetime | None
    """Of the items that came."""
    remote_at: datetime | None
    """Of the newest item that the other side holds."""
    checked_at: datetime | None
    """When the other side was asked for that."""
    untold: str = ""
    """Why the other side, though asked to, tells of no news."""
    ask_at: datetime | None = None
    """Not before then is it asked again to tell of news."""


def account_id(kind: str, user: str, place: str) -> str:
    """The id of an account: equal for the same user at the same place, however they are spelt."""
    key = key64(kind, user.strip().lower(), place.strip().lower().rstrip("/"))
    return f"{kind}-{key & 0xFFFFFFFF:08x}"


# --- accounts -----------------------------------------------------------------------------------------------------------


def accounts(unit: Unit, owner: int) -> list[Account]:
    """The owner's accounts, first connected first."""
    return [_account(row) for row in rows.accounts(unit, owner)]


def account_of(unit: Unit, owner: int, key: str) -> Account | None:
    """The account with this id."""
    row = rows.account_of(unit, owner, key)
    return _account(row) if row else None


def find_account(unit: Unit, owner: int, asked: str) -> Account:
    """The account with this id, with this name, or whose id alone begins so.

    Raises:
        UsageError: there is none, or there are several.
    """
    known = accounts(unit, owner)
    if not known:
        raise UsageError("No account is connected yet. Connect one: kith connect imap --user you@example.com")
    for found in (
        [one for one in known if one.id == asked],
        [one for one in known if one.name.lower() == asked.lower()],
        [one for one in known if asked and one.user.lower() == asked.lower()],
        [one for one in known if asked and one.id.startswith(asked.lower())],
    ):
        if len(found) == 1:
            return found[0]
    ids = ", ".join(f"{one.id} ({one.name})" for one in known)
    raise UsageError(f"{asked} is not the id of one account. There are: {ids}.")


def keep_account(unit: Unit, account: Account, sealed: str, connectors: Sequence[str], now: datetime) -> None:
    """Keep an account, new or connected again, and follow these connectors with it: each is due at once.

    A job that is at it just now, by what was so before, writes nothing more. Where news was told of, that is looked after
    anew, as what is read may be something else now.
    """
    take_away(unit, account.owner, account.id)
    rows.put_account(
        unit,
        AccountRow(
            account.owner,
            account.id,
            account.kind,
            account.name,
            account.state,
            account.reason,
            _encode(dict(account.settings)).decode(),
            sealed,
            epoch(account.created_at),
        ),
    )
    rows.put_feeds(unit, account.owner, account.id, connectors, epoch(now))
    channels.end_all(unit, account.owner, account.id, epoch(now))


def set_state(unit: Unit, account: Account, state: State, reason: str = "") -> None:
    """Set an account's state, and why it is in it."""
    rows.change_account(unit, account.owner, account.id, state=state, reason=reason)


def resume(unit: Unit, account: Account, now: datetime) -> None:
    """Have an account read again, at once."""
    set_state(unit, account, "active")
    rows.hasten(unit, account.owner, account.id, epoch(now))


def interrupt(unit: Unit, account: Account) -> None:
    """Pause an account; a job that is at it just now writes nothing more, as it has lost its turn."""
    set_state(unit, account, "paused")
    take_away(unit, account.owner, account.id)


def delete_account(unit: Unit, account: Account) -> None:
    """Delete an account with its secret, feeds and cursors; what came from it stays."""
    rows.drop_account(unit, account.owner, account.id)


def forget_tasks(unit: Unit, account: Account) -> None:
    """Forget what was done at an account; the tasks themselves stay in their tool."""
    rows.drop_done(unit, account.owner, account.id)


# --- secrets ------------------------------------------------------------------------------------------------------------


def sealed_secret(unit: Unit, account: Account) -> str:
    """The account's secret as it is kept; empty when the account is gone."""
    row = rows.account_of(unit, account.owner, account.id)
    return row.secret if row else ""


def set_secret(unit: Unit, account: Account, sealed: str) -> None:
    """Keep another secret, sealed."""
    rows.change_account(unit, account.owner, account.id, secret=sealed)


def note_lost_secrets(unit: Unit, owner: int, vault: Vault) -> list[Account]:
    """Have accounts reconnected whose secret no key of the home opens; which these are."""
    lost: list[Account] = []
    for account in accounts(unit, owner):
        try:
            vault.opened(sealed_secret(unit, account))
        except ReauthRequired as error:
            set_state(unit, account, "reconnect", str(error))
            lost.append(account)
    return lost


def seal_anew(unit: Unit, owner: int, vault: Vault) -> int:
    """Seal with the present key whatever an older one sealed; how many there were. What nothing opens stays."""
    count = 0
    for account in accounts(unit, owner):
        sealed = sealed_secret(unit, account)
        if vault.is_under_first_key(sealed):
            continue
        try:
            set_secret(unit, account, vault.sealed(vault.opened(sealed)))
            count += 1
        except ReauthRequired as error:
            set_state(unit, account, "reconnect", str(error))
    return count


# --- feeds --------------------------------------------------------------------------------------------------------------


def feeds(unit: Unit, owner: int, account: str | None = None) -> list[Feed]:
    """What is followed at the owner's accounts, or at one of them."""
    return [_feed(row) for row in rows.feeds(unit, owner) if account in {None, row.account}]


def active_feeds(unit: Unit) -> list[Feed]:
    """Every feed of active accounts of any owner, the longest due first."""
    return [_feed(row) for row in rows.active_feeds(unit)]


def note_success(
    unit: Unit,
    feed: Feed,
    now: datetime,
    next_at: datetime,
    *,
    done: int = 0,
    total: int = 0,
    oldest: datetime | None = None,
    newest: datetime | None = None,
    is_complete: bool = False,
    partly: str = "",
) -> None:
    """A reading went well, and the next is due at `next_at`; or sooner, where that was asked for since `feed` was looked up.

    Args:
        done: how much has been read, for progress alone.
        total: of how much; 0 when unknown.
        oldest: the time of the oldest item that came.
        newest: the time of the newest.
        is_complete: it came to the end of all there is; once it has, that stays so.
        partly: why one collection of several could not be read, for the owner to read.
    """
    rows.change_feed(
        unit,
        _row(feed),
        next_at=min([epoch(next_at), *_asked_for_since(unit, feed)]),
        tried_at=epoch(now),
        ok_at=epoch(now),
        failures=0,
        failed_at=None,
        reason=partly,
        is_complete=feed.is_complete or is_complete,
        done=done,
        total=total,
        oldest_at=_epoch(min(filter(None, (feed.oldest_at, oldest)), default=None)),
        newest_at=_epoch(max(filter(None, (feed.newest_at, newest)), default=None)),
    )


def _asked_for_since(unit: Unit, feed: Feed) -> list[int]:
    """When the feed is due now, where that was changed since it was looked up: there may be news that was not read yet."""
    return [
        one.next_at
        for one in rows.feeds(unit, feed.owner)
        if (one.owner, one.account, one.connector) == _row(feed) and one.next_at != epoch(feed.next_at)
    ]


def note_failure(unit: Unit, feed: Feed, now: datetime, retry_at: datetime, reason: str) -> None:
    """A reading failed, and is tried again at `retry_at`; `reason` is for the owner to read."""
    rows.note_failure(unit, _row(feed), epoch(now), epoch(retry_at), reason)


def note_notices(unit: Unit, feed: Feed, untold: str, ask_at: datetime | None) -> None:
    """Whether the other side tells of news: why it does not, or nothing; and not before when it is asked again."""
    rows.change_feed(unit, _row(feed), untold=untold, ask_at=_epoch(ask_at))


def note_remote(unit: Unit, feed: Feed, newest: datetime | None, now: datetime) -> None:
    """The other side was asked for its newest item, and this is when that is of."""
    rows.change_feed(unit, _row(feed), remote_at=_epoch(newest), checked_at=epoch(now))


def others_failing(unit: Unit, feed: Feed) -> int:
    """How many other feeds of the same account have failed since they last worked."""
    return sum(
        one.failures > 0 and one.connector != feed.connector for one in feeds(unit, feed.owner, feed.account)
    )


def backoff(failures: int, chance: float, others: int = 0) -> timedelta:
    """How long to wait after so many failures in a row: 2 s, doubled each time to 15 minutes; hourly after ten.

    Args:
        chance: from 0 to 1; takes up to a quarter off, so that what failed together does not come back together.
        others: how many more at the same server fail as well; each counts as two failures more, so that together they
            ask as seldom as one.
    """
    doubled = max(failures, 1) - 1 + 2 * others
    length = _HOURLY if failures > _PATIENCE else min(_FIRST * 2 ** min(doubled, 20), _LONGEST)
    return length * (1 - chance / 4)


# --- rows ---------------------------------------------------------------------------------------------------------------


def _account(row: AccountRow) -> Account:
    return Account(
        row.owner,
        row.id,
        row.kind,
        row.name,
        cast("State", row.state),
        row.reason,
        _decode(row.settings),
        instant(row.created_at),
    )


def _feed(row: FeedRow) -> Feed:
    return Feed(
        row.owner,
        row.account,
        row.connector,
        instant(row.next_at),
        _instant(row.tried_at),
        _instant(row.ok_at),
        row.failures,
        _instant(row.failed_at),
        row.reason,
        row.is_complete,
        row.done,
        row.total,
        _instant(row.oldest_at),
        _instant(row.newest_at),
        _instant(row.remote_at),
        _instant(row.checked_at),
        row.untold,
        _instant(row.ask_at),
    )


def _row(feed: Feed) -> tuple[int, str, str]:
    return (feed.owner, feed.account, feed.connector)


def _instant(seconds: int | None) -> datetime | None:
    return instant(seconds) if seconds is not None else None


def _epoch(at: datetime | None) -> int | None:
    return epoch(at) if at is not None else None

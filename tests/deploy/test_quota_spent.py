"""A reading that has used up what its server allows in a minute goes on in the next: that is no failure of anything."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from deploy.connecting import Wish, connect
from deploy.settings import read_settings
from deploy.syncing import sync
from deploy.wiring import Application
from schemas.clock import FrozenClock
from schemas.connector import Access, ConnectorSpec, Page, Quota, Source, Survey, Upsert
from schemas.decisions import OwnerDeclared
from schemas.ids import Cursor, ExternalId, StreamName
from services import accounts
from services.accounts import Feed
from tests.services.builders import MARA, NOW, a_message

_MAILS = 5
_A_MINUTE = timedelta(minutes=1)


class _Mailbox:
    """Five mails, each of which costs one of two that a minute allows."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def pull(self, cursor: Cursor | None, /) -> Iterator[Page]:
        for number in range(int(cursor or 0), _MAILS):
            self._access.spend("mails", 1)
            mail = a_message(f"m{number}", "ana@example.org")
            place = Cursor(str(number + 1))
            is_held = self._access.is_held([(ExternalId(f"m{number}"), 7)])[0]
            yield Page(
                () if is_held else (Upsert(ExternalId(f"m{number}"), mail, fingerprint=7),),
                StreamName("mail"),
                checkpoint=place,
                last=number + 1 == _MAILS,
            )


def _open(access: Access) -> Source:
    return _Mailbox(access)


KNOWN = {
    "slow_mail": ConnectorSpec(
        "slow_mail",
        "Slow mail",
        StreamName("mail"),
        _open,
        account="slow",
        survey=lambda _: Survey(MARA),
        quotas=(Quota("mails", 2, _A_MINUTE),),
    )
}


def test_a_reading_goes_on_in_the_next_minute(tmp_path: Path) -> None:
    """Two mails a minute: three turns for five, none of which is a failure."""
    app = Application(read_settings(str(tmp_path / "home"), {"KITH_SECRET_KEY": "k" * 43}), KNOWN)
    clock = FrozenClock(NOW)
    app.clock = clock
    book = app.make(OwnerDeclared(name="Mara Lindholm", emails=(MARA,), timezone="Europe/Berlin"))
    account = connect(app, book, Wish(kind="slow")).account
    told: list[str] = []

    def rests(feed: Feed, _spec: ConnectorSpec) -> None:
        told.append(feed.connector)

    came = []
    for _ in range(3):
        report = sync(app, book, [account.id], rests=rests)
        assert [one.reason for one in report.accounts] == [None]
        came.append(report.sources[0].added)
        with app.store.read() as unit:
            (feed,) = accounts.feeds(unit, book.owner, account.id)
        assert (feed.failures, feed.reason, feed.is_complete) == (0, "", sum(came) == _MAILS)
        clock.advance(_A_MINUTE + timedelta(seconds=10))
    assert (came, told) == ([2, 2, 1], ["slow_mail", "slow_mail"])
    clock.advance(_A_MINUTE)
    report = sync(app, book, [account.id], full=True)
    assert report.sources[0].unchanged == 2, "anew means that what is held is read as well"
    app.close()

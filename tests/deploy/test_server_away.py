"""R10: a server that is away is not stormed, however much Kith follows at it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from deploy.connecting import Wish, connect
from deploy.live import Live
from deploy.settings import read_settings
from deploy.wiring import Application
from schemas.clock import FrozenClock
from schemas.connector import Access, ConnectorSpec, Page, Survey
from schemas.decisions import OwnerDeclared
from schemas.errors import Transient
from schemas.ids import Cursor, StreamName
from services import accounts
from tests.services.builders import MARA, NOW

_SECOND = timedelta(seconds=1)


class _Server:
    """Counts what asks it, and answers none of it while it is away."""

    def __init__(self) -> None:
        self.is_away = False
        self.asked: list[str] = []

    def feed(self, name: str) -> ConnectorSpec:
        return ConnectorSpec(
            name,
            name.title(),
            StreamName("mail" if name == "archive" else name),
            lambda access: _Feed(self, name, access),
            account="away",
            survey=lambda _: Survey(MARA),
        )


class _Feed:
    def __init__(self, server: _Server, name: str, access: Access) -> None:
        self._server, self._name, self._access = server, name, access

    def pull(self, cursor: Cursor | None, /) -> Iterator[Page]:
        self._server.asked.append(self._name)
        if self._server.is_away:
            raise Transient("The server is away. Kith tries again later.")
        yield Page((), StreamName(self._name), checkpoint=Cursor("1"), last=True)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_no_storm(tmp_path: Path, count: int) -> None:
    """All that is followed at a server that is away asks ten times in the first minute at most; back, all is read."""
    server = _Server()
    known = {name: server.feed(name) for name in ("mail", "calendar", "contacts", "archive")[:count]}
    app = Application(read_settings(str(tmp_path / "home"), {"KITH_SECRET_KEY": "k" * 43}), known)
    app.clock = clock = FrozenClock(NOW)
    book = app.make(OwnerDeclared(name="Mara Lindholm", emails=(MARA,), timezone="Europe/Berlin"))
    account = connect(app, book, Wish(kind="away")).account
    live = Live(app)

    def a_second() -> None:
        """What the schedule does: all that is due is asked for."""
        with app.store.read() as unit:
            due = [one for one in accounts.active_feeds(unit) if one.next_at <= clock.now()]
        for feed in due:
            live.pull(feed.owner, feed.account, feed.connector)
        clock.advance(_SECOND)

    server.is_away = True
    for _ in range(60):
        a_second()
    assert count <= len(server.asked) <= 10
    assert set(server.asked) == set(known)

    server.is_away = False
    server.asked.clear()
    for _ in range(15 * 60):
        a_second()
    assert set(server.asked) == set(known)
    with app.store.read() as unit:
        assert all(one.failures == 0 for one in accounts.feeds(unit, book.owner, account.id))
    app.close()

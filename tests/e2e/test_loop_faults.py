"""The closed loop with live accounts, and what goes wrong around it: passwords, servers, lists, processes and disks."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors import connectors
from deploy.accounts import Secrets, sealed
from deploy.cli.accounts import pause
from schemas.connector import ConnectorSpec, Page, Source
from schemas.errors import ReauthRequired
from schemas.ids import Cursor
from services import accounts
from services.accounts import Account, Feed
from services.status import Status, status
from tests.e2e.world import MARA, World, mails_of, world
from tests.servers import smtp
from tests.servers.dav import DavServer
from tests.servers.dovecot import Dovecot, needed, running
from tests.servers.radicale import radicale

ANA, BEN, CLEO = (f"{name}@example.org" for name in ("ana", "ben", "cleo"))
TUESDAY = datetime(2026, 11, 3, 9, 0, tzinfo=UTC)
MONDAY = datetime(2026, 11, 9, 6, 0, tzinfo=UTC)
"""Half an hour before the digest's time in Berlin."""
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    needed()
    with running() as server:
        yield server


@pytest.fixture(scope="module")
def radicale_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DavServer]:
    with radicale(tmp_path_factory.mktemp("dav")) as server:
        yield server


@pytest.fixture
def dav(radicale_server: DavServer) -> DavServer:
    """A calendar server on which nothing is but an empty calendar."""
    radicale_server.ask("DELETE", radicale_server.calendars)
    radicale_server.ask("PROPFIND", radicale_server.calendars, Depth="0")
    radicale_server.make_calendar("work", "Work")
    return radicale_server


class Place:
    """Where a test's worlds are made; each test has a mailbox of its own."""

    def __init__(self, folder: Path, dovecot: Dovecot, dav: DavServer, user: str) -> None:
        self.folder = folder
        self.dovecot = dovecot
        self.dav = dav
        self.user = user

    def world(
        self, start: datetime = TUESDAY, **more: Any
    ) -> AbstractContextManager[tuple[World, smtp.Behaviour]]:
        return world(self.folder, start, self.dovecot, self.user, self.dav, **more)


@pytest.fixture
def place(tmp_path: Path, dovecot: Dovecot, dav: DavServer, request: pytest.FixtureRequest) -> Place:
    return Place(tmp_path, dovecot, dav, f"u{abs(hash(request.node.nodeid)) % 10**9}")


# --- a password that works no more (R16) ------------------------------------------------------------------------------


def _state(life: World, account: str) -> Account:
    with life.app.store.read() as unit:
        found = accounts.account_of(unit, life.book.owner, account)
    assert found is not None
    return found


def _spoil(life: World, account: str) -> None:
    """The password is another now."""
    with life.app.store.write() as unit:
        secret = sealed(life.app, Secrets(secret="no longer the password"))
        accounts.set_secret(unit, _state(life, account), secret)


def _tries(place: Place) -> int:
    """How often somebody has signed in to the mailbox, or tried to."""
    log = (place.dovecot.folder / "dovecot.log").read_text()
    return sum("imap-login: " in line and f"user=<{place.user}>" in line for line in log.splitlines())


def test_a_password_that_works_no_more(place: Place) -> None:
    """Within a cycle the account waits for its owner, who gets one mail; others go on, and nothing is missed (R16)."""
    with place.world() as (life, post):
        life.knows(ANA, BEN)
        ids = life.connect()
        life.run()
        _spoil(life, ids["imap"])
        life.live(TUESDAY + HOUR, timedelta(minutes=10))
        assert _state(life, ids["imap"]).state == "reconnect"
        (told,) = mails_of(post)
        assert told["Subject"] == f"Kith can no longer read {place.user}"
        tried = _tries(place)
        life.mail(ANA, MARA, "Could you look at section 3 before Friday?", "Draft")
        life.live(TUESDAY + timedelta(days=2))
        life.close()
        life.open()
        life.live(TUESDAY + timedelta(days=3))
        assert _tries(place) == tried, "a server that locks out is not asked again"
        assert len(post.taken) == 1
        assert life.followups("awaiting_me", ANA) == []
        feeds = {one.connector: one for one in _feeds(life)}
        assert feeds["caldav"].ok_at == feeds["caldav_tasks"].ok_at == life.clock.now()
        life.connect("imap")
        life.run()
        (asked,) = life.followups("awaiting_me", ANA)
        assert asked.id in life.tasks()
        _spoil(life, ids["imap"])
        life.live(life.clock.now() + HOUR, timedelta(minutes=10))
        assert [mail["Subject"] for mail in mails_of(post)] == [told["Subject"]] * 2
        assert len({mail["Message-ID"] for mail in mails_of(post)}) == 2


def _feeds(life: World) -> list[Feed]:
    with life.app.store.read() as unit:
        return accounts.feeds(unit, life.book.owner)


def _how(life: World) -> Status:
    return status(life.app.store, life.book.owner, life.clock.now(), life.household.rhythm)


def test_a_password_fails_while_mail_cannot_go_out(place: Place) -> None:
    """The owner hears of it once it can, however late; not at all where the account is well again by then."""
    with place.world() as (life, post):
        ids = life.connect()
        life.run()
        post.says["DATA"] = "451 4.3.0 Later"
        _spoil(life, ids["imap"])
        life.live(TUESDAY + timedelta(days=3))
        assert post.taken == []
        post.says.clear()
        life.live(TUESDAY + timedelta(days=3, hours=2), HOUR)
        assert [mail["Subject"] for mail in mails_of(post)] == [f"Kith can no longer read {place.user}"]
        life.connect("imap")
        life.run()
        post.says["DATA"] = "451 4.3.0 Later"
        _spoil(life, ids["imap"])
        life.live(TUESDAY + timedelta(days=3, hours=4), HOUR)
        life.connect("imap")
        post.says.clear()
        life.live(TUESDAY + timedelta(days=3, hours=6), HOUR)
        assert len(post.taken) == 1
        assert _how(life).unsent == [], "what nobody needs any more is no failure"


class Meddling:
    """Mail as it is read, and something that happens once just after the server has refused."""

    def __init__(self) -> None:
        self.act: Callable[[], object] | None = None

    def known(self) -> dict[str, ConnectorSpec]:
        spec = connectors()["imap"]
        opens = spec.open_source
        assert opens is not None
        return {
            **connectors(),
            "imap": replace(spec, open_source=lambda access: _Meddled(opens(access), self)),
        }


class _Meddled:
    def __init__(self, source: Source, meddling: Meddling) -> None:
        self._source = source
        self._meddling = meddling

    def pull(self, cursor: Cursor | None, /) -> Iterator[Page]:
        try:
            yield from self._source.pull(cursor)
        except ReauthRequired:
            act, self._meddling.act = self._meddling.act, None
            if act is not None:
                act()
            raise


def test_connected_again_while_the_old_password_is_tried(place: Place) -> None:
    """An attempt with the old password that ends after the owner gave the new one changes nothing (R16)."""
    meddling = Meddling()
    with place.world(known=meddling.known()) as (life, post):
        ids = life.connect("imap", "smtp")
        life.run()
        _spoil(life, ids["imap"])
        meddling.act = lambda: life.connect("imap")
        life.live(TUESDAY + HOUR, timedelta(minutes=20))
        assert _state(life, ids["imap"]).state == "active"
        assert meddling.act is None
        assert post.taken == []
        assert _how(life).accounts[0].standing == "well"


def test_paused_while_the_password_is_refused(place: Place) -> None:
    """What the owner paused stays paused, whatever the attempt that was under way comes to."""
    meddling = Meddling()
    with place.world(known=meddling.known()) as (life, post):
        ids = life.connect("imap", "smtp")
        life.run()
        _spoil(life, ids["imap"])
        meddling.act = lambda: pause(life.context(), ids["imap"])
        life.live(TUESDAY + HOUR, timedelta(minutes=20))
        assert _state(life, ids["imap"]).state == "paused"
        assert meddling.act is None
        assert post.taken == []

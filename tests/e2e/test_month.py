"""A month with real servers, lived in a minute: mail comes and is answered, tasks appear and complete themselves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.month import START, live_a_month
from tests.e2e.world import world
from tests.servers.dav import DavServer
from tests.servers.dovecot import Dovecot, needed, running
from tests.servers.radicale import radicale
from tests.servers.xandikos import xandikos


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    needed()
    with running() as server:
        yield server


@pytest.fixture(
    params=[radicale, pytest.param(xandikos, marks=pytest.mark.slow)], ids=["radicale", "xandikos"]
)
def dav(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DavServer]:
    folder = tmp_path / "dav"
    folder.mkdir()
    with request.param(folder) as server:
        server.make_calendar("work", "Work")
        yield server


def test_a_month(dovecot: Dovecot, dav: DavServer, tmp_path: Path) -> None:
    """Every promise of the closed loop, in the order of a calendar's pages."""
    user = f"month-{dav.name}"
    with world(tmp_path, START, dovecot, user, dav, KITH_WEEKLY_CAP="0") as (life, _):
        live_a_month(life, tmp_path)

"""Calendars of CalDAV servers come whole, once, and as calendar files would tell them; on two servers that differ."""

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.caldav import SPEC
from schemas.connector import Access
from schemas.records import Meeting, SourceRecord
from tests.connectors.dav import SERVERS, Rig, a_rig, an_event, calendar
from tests.contract.live_source import LiveSourceContract
from tests.servers.dav import DavServer


@pytest.fixture(scope="module", params=SERVERS)
def dav_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DavServer]:
    """One server of each kind, for all tests here."""
    with SERVERS[request.param](tmp_path_factory.mktemp(request.param)) as server:
        yield server


@pytest.fixture
def rig(dav_server: DavServer) -> Iterator[Rig]:
    """A fresh calendar on it."""
    with a_rig(dav_server, "caldav") as made:
        yield made


class MeetingServer:
    """A server's items are single meetings, named by their UID."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self._sequence = 0
        self.break_off = rig.wire.break_off
        self.mend = rig.wire.mend
        self.answered = rig.wire.answered

    def add(self, name: str, /) -> None:
        self.rig.put(f"{name}@x.ics", calendar(an_event(name)))

    def change(self, name: str, /) -> bool:
        self._sequence += 1
        self.rig.put(f"{name}@x.ics", calendar(an_event(name, sequence=self._sequence, summary="Changed")))
        return True

    def remove(self, name: str, /) -> None:
        self.rig.remove(f"{name}@x.ics")

    def spoil(self) -> bool:
        self.rig.put("bad.ics", calendar(an_event("bad", *["RRULE:FREQ=DAILY;COUNT=3"] * 5)))
        return True


class TestCaldav(LiveSourceContract):
    """The promises of every live source."""

    spec = SPEC

    @pytest.fixture
    def server(self, rig: Rig) -> Any:
        return MeetingServer(rig)

    def access(self, server: Any, **more: Any) -> Access:
        made: Access = server.rig.access(**more)
        return made

    def name_of(self, record: SourceRecord) -> str:
        assert isinstance(record, Meeting)
        return record.uid

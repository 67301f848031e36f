"""What the tests of DAV connectors share: both servers, seen through a wire that can fail, and meetings and cards."""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from schemas.clock import FrozenClock
from schemas.connector import Access
from tests.contract.live_source import SECRET, a_live_access
from tests.fakes.dav_faults import DavFaults
from tests.servers.dav import DavServer
from tests.servers.radicale import radicale
from tests.servers.xandikos import xandikos

SERVERS: dict[str, Callable[[Path], AbstractContextManager[DavServer]]] = {
    "radicale": radicale,
    "xandikos": xandikos,
}
FAR = datetime(2026, 12, 1, 8, tzinfo=UTC)


def calendar(*components: str) -> str:
    """A calendar of components."""
    return "\n".join(
        ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//example//test//EN", *components, "END:VCALENDAR", ""]
    )


def an_event(
    uid: str, *lines: str, start: str = "20261201T080000Z", sequence: int = 0, summary: str = "Meeting"
) -> str:
    """A VEVENT."""
    return "\n".join(
        [
            *("BEGIN:VEVENT", f"UID:{uid}", f"SEQUENCE:{sequence}", "DTSTAMP:20260101T000000Z"),
            *(f"DTSTART:{start}", "DURATION:PT1H", f"SUMMARY:{summary}", *lines, "END:VEVENT"),
        ]
    )


def a_card(uid: str, name: str, *lines: str, version: str = "3.0", rev: str = "20260101T000000Z") -> str:
    """A vCard."""
    lines = (f"VERSION:{version}", f"UID:{uid}", f"FN:{name}", f"N:{name};;;;", f"REV:{rev}", *lines)
    return "\n".join(["BEGIN:VCARD", *lines, "END:VCARD", ""])


class Rig:
    """A server with one collection, and the wire to it."""

    def __init__(self, server: DavServer, kind: str) -> None:
        self.server = server
        self.kind = kind
        self.wire = DavFaults(server.url, "alice", "secret")
        self.home = server.calendars if kind == "caldav" else server.cards
        self.made: list[str] = []
        self.main = self.make("work")

    def make(self, name: str, shown: str = "", components: str = "VEVENT") -> str:
        """One more collection; its URL."""
        if self.kind == "caldav":
            url = self.server.make_calendar(name, shown, components)
        else:
            url = self.server.make_book(name, shown)
        self.made.append(url)
        return url

    def unmake(self, url: str) -> None:
        """Delete a collection."""
        self.server.delete(url)
        self.made.remove(url)

    def put(self, name: str, body: str, collection: str = "") -> None:
        """Write a member."""
        kind = "text/calendar" if self.kind == "caldav" else "text/vcard"
        self.server.put(f"{collection or self.main}{name}", body, kind)

    def remove(self, name: str, collection: str = "") -> None:
        """Delete a member."""
        self.server.delete(f"{collection or self.main}{name}")

    def access(self, *, secret: str = SECRET, **more: Any) -> Access:
        """An access to the account over the wire."""
        given = {"url": self.wire.url, "user": "alice", "allow_private": True, **more}
        # The suite's own right password is this server's.
        return a_live_access("dav", secret="secret" if secret == SECRET else secret, **given)


@contextmanager
def a_rig(server: DavServer, kind: str) -> Iterator[Rig]:
    """A new collection on a server, with a wire to it; what was made is deleted afterwards."""
    rig = Rig(server, kind)
    try:
        yield rig
    finally:
        rig.wire.close()
        for url in list(rig.made):
            rig.unmake(url)


def later(access: Access, **more: float) -> Access:
    """The same access some time later."""
    return dataclasses.replace(access, clock=FrozenClock(access.clock.now() + timedelta(**more)))

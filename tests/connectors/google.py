"""What the tests of Google's connectors share: fakes behind one root, a wire to them that can fail, and an access."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from connectors import connectors
from schemas.clock import FrozenClock
from schemas.connector import Access
from tests.contract.live_source import SECRET, a_live_access
from tests.contract.source import NOW
from tests.fakes.api import ApiServer, Part
from tests.fakes.google import google_server
from tests.fakes.google_calendar import OWNER
from tests.fakes.relay import Relay


class GoogleRig:
    """A user's Google account, and the wire to it."""

    def __init__(self, clock: FrozenClock) -> None:
        self.clock = clock
        self.token = SECRET
        google = [spec for spec in connectors().values() if spec.account == "google"]
        self.scopes = {one.name for spec in google for one in (*spec.scopes, *spec.write_scopes)}
        self.server: ApiServer
        self.wire: Relay

    def grants(self, token: str) -> frozenset[str] | None:
        """What a token may be used for."""
        return frozenset(self.scopes) if token == self.token else None

    def access(self, *, secret: str = "", **more: Any) -> Access:
        """An access to the account over the wire."""
        settings = {
            "base_url": f"http://127.0.0.1:{self.wire.port}",
            "scopes": sorted(self.scopes),
            "user": OWNER,
        }
        return a_live_access(
            "google", secret=secret or self.token, **{"clock": self.clock, **settings, **more}
        )

    def asked(self) -> list[str]:
        """The requests since the last time this was asked, as verb and path."""
        seen = [f"{one.method} {one.path}" for one in self.server.requests]
        self.server.requests.clear()
        return seen


@contextmanager
def a_google(*parts: Part, clock: FrozenClock | None = None) -> Iterator[GoogleRig]:
    """An account with these APIs; each exchange must be as Google's documents have it."""
    rig = GoogleRig(clock or FrozenClock(NOW))
    rig.server = google_server(parts, rig.grants)
    with rig.server.serve() as server, Relay(urlsplit(server.url).port or 0) as wire:
        rig.wire = wire
        yield rig
        assert server.breaches == []

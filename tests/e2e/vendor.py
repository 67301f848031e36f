"""What lives among a vendor's APIs have in common: their owner signs in as in a browser, and nothing goes over the wire amiss."""

from pathlib import Path
from typing import Any

from deploy.connecting import Wish
from deploy.grants import authority_of
from deploy.signing import granted_wish, sign_in_for
from schemas.clock import FrozenClock
from tests.e2e.home import MARA, LivedHome
from tests.fakes.api import ApiServer
from tests.fakes.visitor import consented

CLIENT, CLIENT_SECRET = "kith-of-mara", "client-canary-secret"


class VendorHome(LivedHome):
    """A home whose one account is at a vendor: it reads all there is, keeps a list of tasks, and sends the digest."""

    def __init__(self, home: Path, clock: FrozenClock, server: ApiServer, **settings: str) -> None:
        """Nobody has signed in yet; the vendor's time is the home's."""
        self.server = server
        super().__init__(home, clock.now(), None, **settings)
        self.clock = clock
        self.close()
        self.open()

    def wish(self, kind: str, tasks: str = "Follow-ups", **given: Any) -> Wish:
        """Sign in, allow everything that is asked for, and have it all."""
        wish = Wish(kind=kind, tasks=tasks, sends=True, settings=given)
        sign_in = sign_in_for(self.app, self.book.owner, wish)
        authority = authority_of(self.app, kind)
        attempt = authority.begin(
            "http://127.0.0.1:1" if kind == "google" else "http://localhost:1", sign_in.scopes
        )
        sent_to = consented(authority.url(attempt), who=MARA)
        grant = authority.finish(attempt, sent_to.partition("?")[2])
        return granted_wish(self.app, sign_in, grant)

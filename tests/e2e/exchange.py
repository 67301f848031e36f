"""A small world at an Exchange server: mail, calendar, contacts and tasks of EWS behind one sign-in, as its fake has them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

from deploy.connecting import Wish
from deploy.vaults import Secrets
from tests.connectors.exchange import a_letter
from tests.e2e.home import MARA, LivedHome
from tests.fakes.exchange import ExchangeServer

_FOLDERS = {"INBOX": "inbox", "Sent": "sentitems"}


class ExchangeHome(LivedHome):
    """A home whose one account is at an Exchange server."""

    kinds = ("exchange",)

    def __init__(self, home: Path, start: datetime, server: ExchangeServer) -> None:
        """Nobody has written to anybody yet; the server's time is the home's."""
        self.server = server
        super().__init__(home, start)
        server.clock = self.clock

    def wish(self, kind: str, tasks: str = "Follow-ups", **given: Any) -> Wish:
        """Sign in with the mailbox's password, have it all read, follow-ups written into a list, and the digest sent."""
        settings = {"url": self.server.url, "user": MARA, "auth": "basic", "allow_private": True, **given}
        secrets = Secrets(self.server.password)
        return Wish(kind=kind, tasks=tasks, settings=settings, secrets=secrets, sends=True)

    def put_mail(self, folder: str, raw: bytes, when: datetime) -> None:
        """A mail lies in a folder since an instant."""
        self.server.add(_FOLDERS[folder], a_letter(raw, received=when))

    def digests(self) -> list[Message]:
        """The mails that came to the owner from the home, in order."""
        return [one for one in map(message_from_bytes, self.server.sent) if one["X-Kith-Instance"]]

    def tasks(self) -> int:
        """How many tasks there are."""
        return sum(one.element.tag.endswith("}Task") for one in self.server.items())


@contextmanager
def exchange_world(folder: Path, start: datetime) -> Iterator[ExchangeHome]:
    """A world that begins at an instant."""
    server = ExchangeServer()
    server.user = MARA
    with server.serve():
        made = ExchangeHome(folder / "home", start, server)
        try:
            yield made
        finally:
            made.close()
            assert server.breaches == []

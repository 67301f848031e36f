"""A mailbox at a fake of Microsoft Graph, as the contract's tests handle it: messages by name, and a wire that can be cut."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from schemas.connector import Access
from tests.contract.live_source import SECRET, a_live_access
from tests.fakes.api import ApiServer
from tests.fakes.graph import Batch, graph_server
from tests.fakes.graph_mail import OWNER, GraphMail, Stored
from tests.fakes.relay import Relay
from tests.servers.mailbox import a_letter

WHEN = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
READ = frozenset({"https://graph.microsoft.com/Mail.Read"})


class GraphBox:
    """One account's mailbox; the fake, its batches and its server are there for tests to change."""

    def __init__(self, seed: int = 0) -> None:
        self.mail = GraphMail(seed=seed)
        self.batch = Batch()
        self.server: ApiServer = graph_server([self.mail], self.grants, self.batch)
        self.mail.server = self.server
        self.scopes = READ
        self._relay: Relay | None = None

    def grants(self, token: str) -> frozenset[str] | None:
        """What the account's token is worth."""
        return self.scopes if token == SECRET else None

    @property
    def relay(self) -> Relay:
        """The wire."""
        assert self._relay is not None
        return self._relay

    @contextmanager
    def serve(self) -> Iterator["GraphBox"]:
        """Answer until the block ends; every exchange then was as the vendor's schema has it."""
        with self.server.serve(), Relay(int(self.server.url.rpartition(":")[2])) as self._relay:
            self.server.url = f"http://127.0.0.1:{self._relay.port}"
            yield self
        assert self.server.breaches == []

    def add(self, name: str) -> None:
        """Put a mail of this name into the inbox."""
        self.put(name)

    def put(self, name: str, folder: str = "inbox", *, at: datetime = WHEN, **headers: str | None) -> Stored:
        """Put a mail of this name into a folder."""
        return self.mail.put(a_letter(name, **headers), folder, at=at)

    def named(self, name: str) -> Stored:
        """The mail of this name."""
        return self.mail.named(f"{name}@example.com")

    def change(self, name: str) -> bool:
        """Mail never changes; that it was read does."""
        self.mail.flag(self.named(name), isRead=True)
        return False

    def remove(self, name: str) -> None:
        """Delete the mail of this name for good."""
        self.mail.delete(self.named(name))

    def spoil(self) -> bool:
        """A mail without a single header of mail."""
        self.mail.put(b"X-Nothing: here\r\n\r\nnothing of use\r\n", at=WHEN)
        return True

    def break_off(self, after: int) -> None:
        """Cut the wire after so many more bytes of answers."""
        self.relay.cut_after(after)

    def mend(self) -> None:
        """Let everything pass again."""
        self.relay.mend()

    def answered(self) -> int:
        """Bytes of answers so far."""
        return self.relay.answered

    def asked(self) -> list[str]:
        """The requests since the last question, those in batches in place of the batches."""
        asked = [f"{one.method} {one.path}" for one in self.server.requests if "$batch" not in one.path]
        self.server.requests.clear()
        return asked

    def access(self, **more: Any) -> Access:
        """An access to it, by way of the relay."""
        given = {"base_url": self.server.url, "user": OWNER, "scopes": sorted(self.scopes)}
        return a_live_access("microsoft", **{**given, **more})

"""One user's mailbox on a Dovecot, as the contract's tests handle it: messages by name, and a wire that can be cut."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Any

from imapclient import IMAPClient  # type: ignore[import-untyped]  # it carries no types

from schemas.connector import Access
from tests.connectors.mail import a_mail
from tests.contract.live_source import a_live_access
from tests.fakes.relay import Relay
from tests.servers.dovecot import Dovecot

_USERS = count(1)
WHEN = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def a_letter(name: str, **headers: str | None) -> bytes:
    """A mail that goes by a name."""
    given: dict[str, str | None] = {"Message_ID": f"<{name}@example.com>", "Subject": f"Letter {name}"}
    given.update(headers)
    return a_mail(1, body="Shall we meet on Tuesday?\n", **given).replace(b"\n", b"\r\n")


class MailBox:
    """The mailbox of a user of its own."""

    def __init__(self, dovecot: Dovecot, relay: Relay) -> None:
        self.dovecot = dovecot
        self.relay = relay
        self.user = f"user{next(_USERS)}"
        self._client: IMAPClient | None = None

    @property
    def client(self) -> IMAPClient:
        """A mail program's connection, past the relay."""
        if self._client is None:
            self._client = self.dovecot.signed_in(self.user)
        return self._client

    def add(
        self, name: str, folder: str = "INBOX", *, at: datetime = WHEN, flags: tuple[str, ...] = ()
    ) -> None:
        """Put a mail of this name into a folder."""
        self.put(a_letter(name), folder, at=at, flags=flags)

    def put(
        self, raw: bytes, folder: str = "INBOX", *, at: datetime = WHEN, flags: tuple[str, ...] = ()
    ) -> None:
        """Put these bytes into a folder."""
        self.client.append(folder, raw, flags, at)

    def change(self, name: str) -> bool:
        """Mail never changes."""
        return False

    def remove(self, name: str, folder: str = "INBOX") -> None:
        """Expunge the mail of this name."""
        self.client.select_folder(folder)
        found = self.client.search(["HEADER", "Message-ID", f"<{name}@example.com>"])
        assert found
        self.client.delete_messages(found)
        self.client.expunge()
        self.client.close_folder()

    def move(self, name: str, source: str, target: str) -> None:
        """Move a mail to another folder."""
        self.client.select_folder(source)
        self.client.move(self.client.search(["HEADER", "Message-ID", f"<{name}@example.com>"]), target)
        self.client.close_folder()

    def spoil(self) -> bool:
        """A mail without a single header of mail."""
        self.put(b"X-Nothing: here\r\n\r\nnothing of use\r\n")
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

    def access(self, **more: Any) -> Access:
        """An access to it, by way of the relay."""
        given = {
            "host": "127.0.0.1",
            "port": self.relay.port,
            "security": "none",
            "allow_private": True,
            "user": self.user,
        }
        return a_live_access("imap", **{**given, **more})

    def close(self) -> None:
        """Let go of the mail program's connection."""
        if self._client is not None:
            self._client.shutdown()


@contextmanager
def a_mailbox(dovecot: Dovecot, port: int = 0) -> Iterator[MailBox]:
    """A new user's mailbox."""
    with Relay(port or dovecot.port) as relay:
        box = MailBox(dovecot, relay)
        try:
            yield box
        finally:
            box.close()

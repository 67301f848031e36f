"""A Gmail mailbox as the contract's tests handle it: messages by name, and a wire that can be cut."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from connectors import gmail
from schemas.clock import FrozenClock
from schemas.connector import Access, Page
from schemas.ids import Cursor
from schemas.records import Message, SourceRecord
from tests.connectors.mail import a_mail
from tests.contract.live_source import SECRET, Mirror, a_live_access, live_pages
from tests.contract.source import NOW
from tests.fakes.api import ApiServer
from tests.fakes.gmail import METADATA, READONLY, SEND, Gmail
from tests.fakes.google import Batch, google_server
from tests.fakes.relay import Relay

OTHER = "another token"


def a_letter(name: str, **headers: str | None) -> bytes:
    """A mail that goes by a name."""
    given: dict[str, str | None] = {"Message_ID": f"<{name}@example.com>", "Subject": f"Letter {name}"}
    given.update(headers)
    return a_mail(1, body="Shall we meet on Tuesday?\n", **given)


class GmailBox:
    """A mailbox behind Google's API, seen from behind."""

    def __init__(self, scopes: frozenset[str]) -> None:
        self.clock = FrozenClock(NOW)
        self.gmail = Gmail(self.clock)
        self.scopes = scopes
        self.token = SECRET
        self.server: ApiServer = google_server([self.gmail], self._grants)
        self.batch: Batch = next(part for part in self.server.parts if isinstance(part, Batch))
        self.batch.begins = self.gmail.begin_batch
        self.relay: Relay

    def _grants(self, token: str) -> frozenset[str] | None:
        return self.scopes if token == self.token else None

    def add(self, name: str) -> None:
        """A mail of this name comes."""
        self.put(name)

    def put(self, name: str, days: float = 3, labels: Sequence[str] = ("INBOX", "UNREAD")) -> str:
        """A mail of this name came so many days ago, and is there now; its id."""
        return self.gmail.deliver(a_letter(name), labels, at=NOW - timedelta(days=days))

    def change(self, name: str) -> bool:
        """The owner labels a mail."""
        self.gmail.relabel(self.named(name), [self.gmail.make_label(f"Work/{len(self.gmail.labels)}")])
        return True

    def remove(self, name: str) -> None:
        """Delete a mail for good."""
        self.gmail.delete(self.named(name))

    def named(self, name: str) -> str:
        """The id of the mail of this name."""
        return self.gmail.named(f"{name}@example.com")

    def spoil(self) -> bool:
        """A mail without a single header of mail."""
        self.gmail.deliver(b"X-Nothing: here\n\nnothing of use\n")
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

    @property
    def requests(self) -> int:
        """How many requests came over the wire; those within a batch are one."""
        return len([one for one in self.server.requests if "host" in one.headers])

    def access(self, **more: Any) -> Access:
        """An access to it, by way of the relay."""
        given = {
            "base_url": f"http://127.0.0.1:{self.relay.port}",
            "user": self.gmail.address,
            "scopes": sorted(self.scopes),
            "clock": self.clock,
        }
        return a_live_access("google", **{**given, **more})

    def pull(self, cursor: Cursor | None = None, **more: Any) -> list[Page]:
        """The pages of one pull."""
        return live_pages(gmail.SPEC, self.access(**more), cursor)

    def read(self, mirror: Mirror | None = None, **more: Any) -> Mirror:
        """The mirror brought up to date; pages before a fault are kept."""
        mirror = mirror or Mirror()
        return mirror.take(gmail.open_source(self.access(**more)).pull(mirror.cursor))


def name_of(record: SourceRecord) -> str:
    """The name that a mail goes by."""
    assert isinstance(record, Message)
    return record.message_id.partition("@")[0]


def names(mirror: Mirror) -> list[str]:
    """The names of what is held, sorted."""
    return sorted(name_of(one.record) for one in mirror.held.values())


@contextmanager
def a_gmail_box(*scopes: str) -> Iterator[GmailBox]:
    """A mailbox, at an end of which every exchange was as Google's documents have it."""
    box = GmailBox(frozenset(scopes or (READONLY, SEND)))
    with box.server.serve() as server, Relay(int(server.url.rpartition(":")[2])) as box.relay:
        yield box
    assert server.breaches == []


HEADERS_ONLY = (METADATA,)

"""Waiting for news of an IMAP account without asking for it: IDLE (RFC 2177), one connection for INBOX and one for Sent."""

import select
import time
from contextlib import suppress
from datetime import timedelta

from connectors._imap_folders import list_folders, open_folder
from connectors._imap_grammar import status_of
from connectors._imap_session import Refused, Session, open_session, said
from schemas.connector import Access
from schemas.errors import Rejected, Transient

_AGAIN_AFTER = 600.0
"""Seconds after which IDLE is said anew: routers forget a silent connection, servers one after half an hour."""
_NEWS = (b"EXISTS", b"EXPUNGE", b"VANISHED")


class ImapListener:
    """Two connections at rest. What came before they were opened is not told: pull once they are."""

    def __init__(self, access: Access) -> None:
        """Connect and begin to listen.

        Raises:
            Rejected: the server cannot tell of news.
        """
        self._idling: list[_Idling] = []
        self._is_closed = False
        try:
            first = open_session(access)
            self._idling.append(_Idling(first))
            if not first.can("IDLE"):
                raise _unable(first)  # noqa: TRY301 - what was opened is closed below
            sent = next((one.name for one in list_folders(first) if one.role == "sent"), None)
            self._idling[0].begin("INBOX")
            if sent is not None:
                self._idling.append(_Idling(open_session(access)))
                self._idling[1].begin(sent)
        except BaseException:
            self.close()
            raise

    def wait(self, timeout: timedelta, /) -> bool:
        """Whether mail came or went before the time was up."""
        end = time.monotonic() + timeout.total_seconds()
        while not self._is_closed:
            if any([one.has_news() for one in self._idling]):  # noqa: C419 - each is to be read, also after news of another
                return True
            now = time.monotonic()
            if now >= end:
                return False
            due = min(one.due for one in self._idling)
            if due <= now:
                for one in self._idling:
                    one.renew()
                continue
            with suppress(OSError, ValueError):
                select.select(
                    [one.session.wire.connection for one in self._idling], [], [], min(end, due) - now
                )
        return False

    def close(self) -> None:
        """Let go of both connections, also while `wait` is under way in another thread."""
        self._is_closed = True
        for one in self._idling:
            one.session.wire.close()


class _Idling:
    """One connection in IDLE."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.due = 0.0
        self._tag = b""
        self._has_news = False

    def begin(self, folder: str) -> None:
        """Open the folder and idle in it."""
        try:
            open_folder(self.session, folder)
        except Refused as refused:
            raise self.session.trouble(refused, f"to open {folder}") from refused
        self._idle()

    def renew(self) -> None:
        """End IDLE and begin it again; news that comes in between counts."""
        self.session.wire.send(b"DONE\r\n")
        while not self._took(self.session.wire.line()):
            pass
        self._idle()

    def _idle(self) -> None:
        self._tag = self.session.send("IDLE")
        while not (line := self.session.wire.line()).startswith(b"+"):
            if self._took(line):
                raise _unable(self.session)
        self.due = time.monotonic() + _AGAIN_AFTER

    def has_news(self) -> bool:
        """Whether news has come since this was last asked; waits for nothing."""
        while self.session.wire.has_line():
            if self._took(self.session.wire.line()):
                raise Transient(f"{self.session.host} stopped telling of news. Kith begins again.")
        had, self._has_news = self._has_news, False
        return had

    def _took(self, line: bytes) -> bool:
        """Take note of a line; whether it ends the command."""
        status = status_of(line)
        if status is None:
            self._has_news = self._has_news or any(word in line.split() for word in _NEWS)
            return False
        if status.word == "BYE":
            raise Transient(
                f"{self.session.host} ended the connection ({said(status.text) or 'without a word'}). Kith begins again."
            )
        return status.tag == self._tag


def _unable(session: Session) -> Rejected:
    return Rejected(f"{session.host} does not tell of new mail by itself (no IDLE). Kith asks now and then.")

"""Mail of an Exchange mailbox, by EWS, and the digest sent from there; not for Microsoft 365.

Of each mail the header block is read, and of mail from humans to humans its text; of an account that wants headers alone
not even that. `_exchange_reading` tells the order, and `_exchange_mail` how a mail that never left the organisation gets
the fields that it does not have. Nothing is ever changed but by sending (`_exchange_sending`).

Promises: incremental: done, by the sync state of each folder. tombstones: done, once all folders were read. paging: done.
429: done (ErrorServerBusy). re-consent: done, as a refused sign-in. wrong account: none, because a mailbox is its user's.
revocation: none, because a password is changed at the server. mail: done; a lost answer is settled by a look into Sent
Items, and is `Ambiguous` where they do not hold it.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from connectors._exchange import Exchange, opened
from connectors._exchange_discovery import locate_exchange
from connectors._exchange_folders import surveyed
from connectors._exchange_listening import COMINGS, ExchangeListener
from connectors._exchange_sending import ExchangePost
from schemas.connector import Access, Collection, ConnectorSpec, Listener, MailSink, Page, Source, Survey
from schemas.ids import Cursor, StreamName

STREAM = StreamName("mail")
_HEARD = ("inbox", "sentitems")
"""The folders whose news count, as Exchange calls them."""


class ExchangeMail:
    """The mail of one account."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def pull(self, cursor: Cursor | None, /) -> Iterator[Page]:
        """Yield pages of mails: news, the last four weeks, then older ones; then what is gone.

        Raises:
            CursorExpired: the cursor is none of this connector's.
            SuspiciousSnapshot: everything is gone at once.
            Rejected: a folder cannot be read; the others were.
        """
        from connectors._exchange_reading import Reading, state_of  # noqa: PLC0415 - loaded when an account is read

        state = state_of(cursor, self._access)
        line = Exchange(self._access)
        try:
            yield from Reading(self._access, line, state).pages()
        finally:
            line.close()


def open_source(access: Access) -> Source:
    """The account's mail; nobody is asked yet."""
    return ExchangeMail(access)


def open_mail(access: Access) -> MailSink:
    """The account that mail is sent from; nobody is asked yet."""
    return ExchangePost(access)


def open_listener(access: Access) -> Listener:
    """What is told of mail that comes and is sent.

    Raises:
        ConnectorError: the server does not tell of news, or not now.
    """
    return ExchangeListener(access, _HEARD, COMINGS)


def survey(access: Access) -> Survey:
    """Sign in, and tell the folders of mail."""
    from connectors._exchange_reading import HOLDS, read_by_default  # noqa: PLC0415

    def look(line: Exchange) -> Survey:
        folders = line.folders({})
        read = {one.key for one in read_by_default(folders)}
        collections = [
            Collection(one.key, one.name, one.role, one.key in read) for one in folders if one.holds in HOLDS
        ]
        return surveyed(line, collections, "tells what changed since the last look")

    return opened(access, look)


def newest(access: Access) -> datetime | None:
    """Of when the newest mail in the inbox and among those sent is."""
    from connectors._exchange_mail import received_at, sent_at  # noqa: PLC0415
    from connectors._exchange_reading import newest_of  # noqa: PLC0415

    def look(line: Exchange) -> datetime | None:
        found, _ = line.find(
            _HEARD,
            ("item:DateTimeReceived", "item:DateTimeSent"),
            latest_first="item:DateTimeReceived",
        )
        return newest_of((received_at(one), sent_at(one)) for one in found)

    return opened(access, look)


SPEC = ConnectorSpec(
    name="exchange_mail",
    title="Mail in Exchange",
    stream=STREAM,
    account="exchange",
    open_source=open_source,
    open_mail=open_mail,
    open_listener=open_listener,
    locate=locate_exchange,
    survey=survey,
    newest=newest,
    interval=timedelta(minutes=2),
)

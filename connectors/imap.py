"""Mail of any IMAP server (RFC 9051 and 3501), read over one connection and never changed: not even marked as seen.

Of each message the header block is read, and of mail from humans to humans the one text that its writer typed; of an
account that wants headers alone not even that. Folders are read newest first; `_imap_reading` tells the order, and
`_imap_state` what the cursor says.

Promises: incremental: done (new UIDs; QRESYNC where the server enables it, else by counting, else by the whole list of
UIDs). tombstones: done, once all that is there was read. paging: done. 429: the codes of RFC 5530 that say "not now" are
`Transient`. re-consent: a refused sign-in, tried once. wrong account: none, because a server says nobody's name.
revocation: none, because a password is changed at the provider.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

from connectors._discovery import locate_mail
from schemas.connector import Access, Collection, ConnectorSpec, Listener, Page, Source, Survey
from schemas.ids import Cursor, StreamName

STREAM = StreamName("mail")
_NEWEST = 20
_ABILITIES = {
    "IDLE": "tells of new mail at once (IDLE)",
    "QRESYNC": "tells what is gone (QRESYNC)",
    "CONDSTORE": "counts its changes (CONDSTORE)",
    "SPECIAL-USE": "says what folders are for (SPECIAL-USE)",
    "X-GM-EXT-1": "knows Gmail's labels and threads",
    "OBJECTID": "names threads (OBJECTID)",
    "LIST-STATUS": "tells of all folders at once (LIST-STATUS)",
}


class Imap:
    """The mail of one account."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def pull(self, cursor: Cursor | None, /) -> Iterator[Page]:
        """Yield pages of messages: news, the last four weeks, then older ones; then what is gone."""
        from connectors._imap_reading import Reading  # noqa: PLC0415 - loaded when an account is read
        from connectors._imap_session import signed_in  # noqa: PLC0415
        from connectors._imap_state import state_of  # noqa: PLC0415

        access = self._access
        state = state_of(cursor, access.since, headers_only=bool(access.settings.get("headers_only", False)))
        with signed_in(access) as session:
            yield from Reading(access, session, state).pages()


def open_source(access: Access) -> Source:
    """The account's mail; nobody is asked yet."""
    return Imap(access)


def survey(access: Access) -> Survey:
    """Sign in, and tell the folders and what the server can do."""
    from connectors._imap_folders import is_read, list_folders  # noqa: PLC0415
    from connectors._imap_session import signed_in  # noqa: PLC0415

    with signed_in(access) as session:
        folders = list_folders(session)
        return Survey(
            session.user,
            tuple(
                Collection(one.name, one.name, one.role, is_read(one, session, folders)) for one in folders
            ),
            tuple(words for name, words in _ABILITIES.items() if session.can(name)),
        )


def newest(access: Access) -> datetime | None:
    """Of when the newest message in INBOX and Sent is: when it was written, or came to the server where that is earlier.

    Mail that was moved here from elsewhere came late and is old, and a writer's clock may be ahead.
    """
    from connectors._imap_folders import list_folders, open_folder  # noqa: PLC0415
    from connectors._imap_grammar import pairs_of  # noqa: PLC0415
    from connectors._imap_session import Refused, signed_in  # noqa: PLC0415
    from connectors._mail_dates import stated  # noqa: PLC0415

    found: list[datetime] = []
    with signed_in(access) as session:
        for folder in list_folders(session):
            if folder.role not in {"inbox", "sent"}:
                continue
            try:
                count = open_folder(session, folder.name).standing.messages
                if not count:
                    continue
                answer = session.ask(f"FETCH {max(1, count - _NEWEST + 1)}:{count} (INTERNALDATE ENVELOPE)")
            except Refused as refused:
                raise session.trouble(refused, f"to open {folder.name}") from refused
            for one in answer.data:
                told = pairs_of(one[3]) if len(one) > 3 else {}
                envelope = told.get(b"ENVELOPE")
                dates = [told.get(b"INTERNALDATE"), *(envelope[:1] if isinstance(envelope, list) else ())]
                said = [stated(one.decode("ascii", "replace")) for one in dates if isinstance(one, bytes)]
                instants = [one[0].astimezone(UTC) for one in said if one is not None]
                if instants:
                    found.append(min(instants))
    return max(found, default=None)


def open_listener(access: Access) -> Listener:
    """Connections on which INBOX and Sent tell that there is news."""
    from connectors._imap_listening import ImapListener  # noqa: PLC0415

    return ImapListener(access)


SPEC = ConnectorSpec(
    "imap",
    "Mail by IMAP",
    STREAM,
    open_source,
    account="imap",
    open_listener=open_listener,
    locate=partial(locate_mail, "imap"),
    survey=survey,
    newest=newest,
)

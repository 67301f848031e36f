"""Mail of Microsoft 365 and Outlook.com, and the digest sent from there (https://learn.microsoft.com/graph/, read 2026-11).

Folders are followed by delta queries with immutable ids, so that a moved message keeps its name; `_graph_mail_reading`
tells the order, `_graph_mail_state` what the cursor says. Of each message the header block is read, and of mail from
humans to humans its text; of an account that wants headers alone not even that. The digest goes out as MIME, so that its
headers arrive as they were written. Nothing is ever changed but by sending.

Promises: incremental: done. tombstones: done, once it is known that a message is in no folder that is read. paging:
done, each page a checkpoint. 429: done, alone and within batches. re-consent: done, with the permission that is missing.
wrong account: none, because the sign-in tells. revocation: none, because Microsoft offers none. mail: done; a lost answer
is settled by a look into Sent Items where the permission to read allows that, and is `Ambiguous` else. notices: done, of
all folders at once (`_graph_channels`).
"""

from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import Raw, Struct

from connectors._addressed import checked
from connectors._graph import QUOTAS, Ask, Graph, Rows, require
from connectors._graph_channels import watching
from schemas.connector import (
    Access,
    Collection,
    ConnectorSpec,
    MailSink,
    Page,
    Scope,
    Source,
    Survey,
)
from schemas.errors import Ambiguous, ConnectorError, ReauthRequired
from schemas.ids import Cursor, StreamName

STREAM = StreamName("mail")
INTERVAL = timedelta(minutes=5)
_READ = ("Mail.Read", "Mail.ReadWrite")
_READ_BASIC = ("Mail.ReadBasic", *_READ)
_SEND = "Mail.Send"


class GraphMail:
    """The mail of one account."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def pull(self, cursor: Cursor | None, /) -> Iterator[Page]:
        """Yield pages of messages: news, the last four weeks, then older ones; then what is gone."""
        from connectors._graph_mail_reading import Reading  # noqa: PLC0415 - loaded when an account is read
        from connectors._graph_mail_state import state_of  # noqa: PLC0415

        access = self._access
        state = state_of(cursor, access.since, headers_only=_headers_only(access))
        yield from Reading(access, _graph(access), state).pages()


def _headers_only(access: Access) -> bool:
    return bool(access.settings.get("headers_only", False))


def _graph(access: Access) -> Graph:
    names = _READ_BASIC if _headers_only(access) else _READ
    require(access, *names)
    return Graph(access, needs=names[0])


# ------ connecting


class _Me(Struct, frozen=True, rename="camel"):
    mail: str | None = None
    user_principal_name: str | None = None


class _Dated(Struct, frozen=True, rename="camel"):
    received_date_time: datetime
    sent_date_time: datetime | None = None
    is_draft: bool | None = None


def survey(access: Access) -> Survey:
    """Sign in, and tell the folders with what they are for."""
    from connectors._graph_folders import all_folders, folders_ask, is_read, see_folders  # noqa: PLC0415
    from connectors._graph_mail_state import BEGINNING, State  # noqa: PLC0415

    graph = _graph(access)
    state = State(BEGINNING, headers_only=_headers_only(access))
    ask = folders_ask(state)
    see_folders(graph, state, graph.get(ask.path, Rows, ask.query))
    folders = tuple(Collection(one.id, one.path, one.role, is_read(one, state)) for one in all_folders(state))
    abilities = ("tells what changed since the last look", "tells a moved message from a deleted one")
    return Survey(str(access.settings.get("user") or "") or _user(graph), folders, abilities)


def _user(graph: Graph) -> str:
    """Whose account it is; what is asked for to read mail does not always allow to ask that."""
    try:
        me = graph.get("me", _Me, {"$select": "mail,userPrincipalName"})
    except ReauthRequired:
        return "Microsoft"
    return me.mail or me.user_principal_name or "Microsoft"


def newest(access: Access) -> datetime | None:
    """Of when the newest message in the inbox and in Sent Items is: when it was sent, or came where that is earlier."""
    query = {
        "$select": "receivedDateTime,sentDateTime,isDraft",
        "$orderby": "receivedDateTime desc",
        "$top": "5",
    }
    found: list[datetime] = []
    for said in _graph(access).batch(
        [Ask(f"me/mailFolders/{name}/messages", query=query) for name in ("inbox", "sentitems")]
    ):
        for row in said.read(Rows).value:
            found += _when(row)
    return max(found, default=None)


def _when(row: Raw) -> Iterator[datetime]:
    try:
        told = msgspec.json.decode(row, type=_Dated)
        dates = [at.astimezone(UTC) for at in (told.received_date_time, told.sent_date_time) if at]
    except (msgspec.DecodeError, OverflowError):
        return
    if not told.is_draft:
        yield min(dates)


# ------ sending


class GraphPost:
    """Sends mail from one account."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def send(self, mail: bytes, sender: str, to: str, /) -> None:
        """Hand over one mail, once: one that is in Sent Items already is not sent again.

        Raises:
            Rejected: it names other addressees than the one it is for, since Graph goes by what the mail says.
        """
        require(self._access, _SEND)
        name = checked(mail, sender, to)
        graph = Graph(self._access, needs=_SEND)
        if self._is_sent(graph, name):
            return
        try:
            graph.send("POST", "me/sendMail", b64encode(mail), headers={"Content-Type": "text/plain"})
        except Ambiguous:
            # Sent Items may be behind: only what is there is known.
            if not self._is_sent(graph, name):
                raise

    def _is_sent(self, graph: Graph, name: str) -> bool:
        """Whether Sent Items hold the mail; no where that may not be looked at."""
        if not name:
            return False
        try:
            require(self._access, *_READ_BASIC)
            query = {"$select": "id", "$filter": f"internetMessageId eq '{name}'", "$top": "1"}
            return bool(graph.get("me/mailFolders/sentitems/messages", Rows, query).value)
        except ConnectorError:
            return False


def open_source(access: Access) -> Source:
    """The account's mail; nobody is asked yet."""
    return GraphMail(access)


def open_mail(access: Access) -> MailSink:
    """The account that mail is sent from; nobody is asked yet."""
    return GraphPost(access)


SPEC = ConnectorSpec(
    name="graph_mail",
    title="Microsoft mail",
    stream=STREAM,
    open_source=open_source,
    scopes=(
        Scope(
            "Mail.Read",
            "Reads your mail: who wrote to whom and when, and in letters between people what was asked or promised. "
            "It changes nothing, not even what is marked as read.",
        ),
    ),
    headers_scopes=(
        Scope(
            "Mail.ReadBasic",
            "Reads who wrote to whom, when, and the subject. Microsoft does not hand out the text of any mail with it.",
        ),
    ),
    write_scopes=(
        Scope(
            _SEND,
            "Sends your weekly digest from your own account to you. Kith sends nothing to anybody else.",
        ),
    ),
    account="microsoft",
    open_mail=open_mail,
    survey=survey,
    newest=newest,
    watch=watching(lambda _access: ("me/messages",)),
    interval=INTERVAL,
    quotas=QUOTAS,
)

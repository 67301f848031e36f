"""Gmail's API v1 as Kith speaks it: what is asked for, what it costs, and in how many pieces.

https://developers.google.com/workspace/gmail/api/reference/rest, discovery document of 2026-10-05. It decides nothing
about mail, and keeps nothing but connections.

What a call costs (https://developers.google.com/workspace/gmail/api/reference/quota): a project made since May 2026 has
6,000 units a minute for each user, and `messages.get` costs 20 of them in whatever format. So a message is fetched once:
headers first, and the text of the few that need it after that, would cost half as much again. Where the text may be read
it comes with the headers (`format=full`, whose answer names attachments and does not hold them), and `fields` keeps the
rest of it off the wire; an account that wants headers alone is asked for the named ones alone.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta
from typing import Annotated, Final
from urllib.parse import urlencode

from msgspec import Meta, Struct

from connectors._google import GMAIL, Api, is_granted, reasons, require
from connectors._google_batch import Reply, batch_of, headers_of, replies_of
from connectors._http import Limits
from schemas.connector import Access, Quota
from schemas.errors import ConnectorError, CursorExpired, Missing, Rejected

UNITS: Final = "gmail"
QUOTA = Quota(UNITS, 6_000, timedelta(minutes=1))
PROFILE, LABELS, LIST, GET, HISTORY, SEND, WATCH, STOP = 1, 1, 5, 20, 2, 100, 100, 50
"""What one call costs."""
PAGE: Final = 500
"""Ids on a page of a list, or changes on one of the history, at most."""
READING: Final = ("gmail.readonly", "gmail.modify", "https://mail.google.com/")
METADATA: Final = "gmail.metadata"
NO_DRAFTS: Final = "-in:drafts -in:chats"
_CHANGES = 50_000
"""Changed messages that one look at the history may bring; with more of them a listing is cheaper."""
_DEPTH = 10
_LIMITS = Limits(body=16 * 1024 * 1024)
_LIST_FIELDS = "messages/id,nextPageToken"
_HISTORY_FIELDS = (
    "history(messagesAdded/message(id,labelIds),messagesDeleted/message/id,labelsAdded(message/id,labelIds),"
    "labelsRemoved(message/id,labelIds)),historyId,nextPageToken"
)
_PLAIN = ("prettyPrint", "false")
_OUTER_FIELDS = "id,threadId,labelIds,internalDate,historyId"
_HEADERS = (
    "From Sender Reply-To To Cc Bcc Date Subject Message-ID In-Reply-To References Received Return-Path Delivered-To "
    "Content-Type Content-Disposition Auto-Submitted Precedence List-Id List-Post List-Owner List-Unsubscribe "
    "List-Unsubscribe-Post Mailing-List X-Mailing-List X-MailingList X-BeenThere X-ListName X-Loop Feedback-ID "
    "X-Auto-Response-Suppress X-AutoReply X-Autorespond X-Autoresponder X-Auto-Reply X-Autoreply-From Auto-Response "
    "X-Auto-Response-For X-Campaign X-CampaignID X-Campaign-ID X-Mailchimp-Campaign X-MC-User X-CSA-Complaints "
    "X-Mailgun-Tag X-Failed-Recipients X-Cron-Env X-JIRA-FingerPrint X-GitHub-Reason X-Newsletter X-Bulkmail "
    "X-Google-Group-Id X-Original-From X-Kith-Instance X-Draft Thread-Index"
).split()  # fmt: skip
"""Every header that a record or its nature comes of (`_mime`, `_mail_nature`)."""


MessageId = Annotated[str, Meta(pattern=r"^[0-9A-Za-z_-]{1,64}$")]


def me(path: str) -> str:
    """Where a thing of the account's own is, from the API's root."""
    return f"gmail/v1/users/me/{path}"


class Ref(Struct, frozen=True, rename="camel"):
    """A message as lists name it; `label_ids` is None where they are not told."""

    id: MessageId
    label_ids: tuple[str, ...] | None = None


class ListPage(Struct, frozen=True, rename="camel"):
    """A page of `messages.list`."""

    messages: tuple[Ref, ...] = ()
    next_page_token: str = ""


class Profile(Struct, frozen=True, rename="camel"):
    """Of whom the mailbox is, and how its history stands."""

    email_address: str
    history_id: str


class Label(Struct, frozen=True):
    """A label: `type` is `system` or `user`; the name of a user's own may change, its id never does."""

    id: str
    name: str
    type: str = "user"


class _Labels(Struct, frozen=True):
    labels: tuple[Label, ...] = ()


class _Touched(Struct, frozen=True, rename="camel"):
    message: Ref
    label_ids: tuple[str, ...] = ()


class _Record(Struct, frozen=True, rename="camel"):
    messages_added: tuple[_Touched, ...] = ()
    messages_deleted: tuple[_Touched, ...] = ()
    labels_added: tuple[_Touched, ...] = ()
    labels_removed: tuple[_Touched, ...] = ()


class _HistoryPage(Struct, frozen=True, rename="camel"):
    history: tuple[_Record, ...] = ()
    history_id: str = ""
    next_page_token: str = ""


class Touch:
    """What the history tells of one message, whatever order it tells it in (it was seen to keep none, Observed 2024-06)."""

    __slots__ = ("gained", "is_deleted", "is_new", "labels", "lost")

    def __init__(self) -> None:
        self.is_new = False
        self.is_deleted = False
        self.labels: tuple[str, ...] | None = None
        """Those it came with, where it is told."""
        self.gained: set[str] = set()
        self.lost: set[str] = set()


class Gmail:
    """One account's Gmail."""

    def __init__(self, access: Access) -> None:
        """Nothing is asked yet.

        Raises:
            ReauthRequired: the sign-in gave no permission to read mail.
        """
        require(access, "Gmail", (*READING, METADATA), "read mail")
        self._access = access
        self._api = Api(access, GMAIL, "Gmail", quota=UNITS, limits=_LIMITS)
        self.can_search = not is_granted(access, METADATA)
        """Beside this permission every other one is of no use: Google then refuses `q` and bodies (Observed 2018-2026)."""
        self.headers_only = not self.can_search or bool(access.settings.get("headers_only"))
        self._get = _headers_query() if self.headers_only else _full_query()

    def profile(self) -> Profile:
        """Of whom the mailbox is.

        Raises:
            Rejected: the Google account has no mailbox.
        """
        answer = self._api.ask("GET", me("profile"), units=PROFILE, allow=(400,))
        if answer.status == 400:
            if "failedPrecondition" in reasons(answer.body):
                raise Rejected(
                    "This Google account has no Gmail. Connect it without mail: kith connect google --read "
                    "calendar,contacts,tasks."
                )
            raise self._api.failure(answer.status, answer.headers, answer.body)
        return self._api.decoded(answer, Profile)

    def labels(self) -> tuple[Label, ...]:
        """Every label, system ones too."""
        return self._api.get(me("labels"), {}, _Labels, units=LABELS, mask="labels(id,name,type)").labels

    def listed(
        self,
        *,
        label: str = "",
        search: str = "",
        token: str = "",
        size: int = PAGE,
        with_removed: bool = False,
    ) -> Iterator[ListPage]:
        """Pages of ids, newest first as far as Gmail keeps to that (it does not always, Observed 2024-06).

        Args:
            label: the id of the label that they have.
            search: a query; left out where the permission allows none.
            token: where to go on.
            size: of a page.
            with_removed: spam and trash too.
        """
        query = {
            "maxResults": size,
            "labelIds": label,
            "q": search if self.can_search else "",
            "pageToken": token,
            "includeSpamTrash": with_removed or None,
        }
        return self._api.pages(me("messages"), query, ListPage, units=LIST, mask=_LIST_FIELDS)

    def changes(self, since: str) -> tuple[dict[str, Touch], str]:
        """What happened to which messages since a point of the history, and the point that it has come to.

        Raises:
            CursorExpired: Gmail no longer knows that point, or so much has happened that a listing costs less.
        """
        touched: dict[str, Touch] = {}
        reached = since
        query = {"startHistoryId": since, "maxResults": PAGE}
        try:
            for page in self._api.pages(
                me("history"), query, _HistoryPage, units=HISTORY, mask=_HISTORY_FIELDS
            ):
                for record in page.history:
                    _note(touched, record)
                if len(touched) > _CHANGES:
                    raise CursorExpired(
                        "So much has happened in Gmail since the last reading that it is listed anew."
                    )
                reached = page.history_id or reached
        except Missing as error:
            raise CursorExpired(
                "Gmail no longer knows where the last reading ended; it is listed anew."
            ) from error
        return touched, reached

    def get(self, ids: Sequence[str], *, metadata: Collection[str] = ()) -> list[Reply | None]:
        """The answers to one batch, in the order of the ids; None for what was not answered. It spends nothing.

        Args:
            ids: at most a hundred (https://developers.google.com/workspace/gmail/api/guides/batch).
            metadata: the only headers that are wanted, and no text, whatever may be read.
        """
        query = _headers_query(metadata) if metadata else self._get
        kind, content = batch_of([f"/{me(f'messages/{one}')}?{query}" for one in ids])
        answer = self._api.ask(
            "POST",
            "batch",
            headers={"Content-Type": kind},
            content=content,
            units=0,
            is_write=False,
            expect="data",
        )
        replies = replies_of(answer, len(ids))
        return [replies.get(number) for number in range(len(ids))]

    def get_alone(self, one: str) -> Reply:
        """The answer to a request of its own, for what was refused in a batch; a refusal is raised."""
        answer = self._api.ask("GET", f"{me(f'messages/{one}')}?{self._get}", units=GET)
        return Reply(answer.status, b"", answer.body)

    def failure(self, reply: Reply) -> ConnectorError:
        """What the refusal of an inner request means."""
        return self._api.failure(reply.status, headers_of(reply), reply.body)


def _note(touched: dict[str, Touch], record: _Record) -> None:
    for one in record.messages_added:
        touch = touched.setdefault(one.message.id, Touch())
        touch.is_new = True
        touch.labels = one.message.label_ids
    for one in record.messages_deleted:
        touched.setdefault(one.message.id, Touch()).is_deleted = True
    for one in record.labels_added:
        touched.setdefault(one.message.id, Touch()).gained.update(one.label_ids)
    for one in record.labels_removed:
        touched.setdefault(one.message.id, Touch()).lost.update(one.label_ids)


def _headers_query(names: Collection[str] = _HEADERS) -> str:
    pairs = [("format", "metadata"), *(("metadataHeaders", name) for name in names)]
    return urlencode([*pairs, ("fields", f"{_OUTER_FIELDS},payload/headers"), _PLAIN], safe="(),/")


def _full_query() -> str:
    part = "mimeType,filename,headers,body/data"
    whole = part
    for _ in range(_DEPTH):
        whole = f"{part},parts({whole})"
    return urlencode(
        [("format", "full"), ("fields", f"{_OUTER_FIELDS},payload({whole})"), _PLAIN], safe="(),/"
    )

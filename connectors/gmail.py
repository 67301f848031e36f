"""Gmail by Google's own API: each message fetched once, changes by the mailbox's history, nothing ever changed there.

https://developers.google.com/workspace/gmail/api/guides/sync, read 2026-11. `_gmail_reading` tells the order of a pull,
`_gmail_state` what its cursor says, `_gmail_api` what is asked for and what it costs. Of a message the headers and the one
text that its writer typed are looked at; of an account that wants headers alone, and of one whose sign-in gave
`gmail.metadata`, the headers. Attachments stay where they are. The digest goes out by `messages.send`.

Promises: incremental: done (history.list; a listing made anew where that is lost). tombstones: done (deleted, or moved to
the bin or to spam). paging: done. 429: done, within a batch too. re-consent: done. wrong account: done by whoever compares
the survey's user. revocation: none here, because the sign-in is given back for the whole account. notices: done, where
the owner made a Pub/Sub topic for them (`_gmail_watching`).
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from connectors._channels import RENEW_WITHIN
from connectors._gmail_api import QUOTA
from connectors._google import scope
from schemas.connector import (
    Access,
    Channel,
    Collection,
    ConnectorSpec,
    Hook,
    MailSink,
    Page,
    Source,
    Survey,
)
from schemas.ids import Cursor, StreamName

STREAM = StreamName("mail")
_ROLES = {"INBOX": "inbox", "SENT": "sent", "DRAFT": "drafts", "SPAM": "junk", "TRASH": "trash"}
_NAMES = {"INBOX": "Inbox", "SENT": "Sent", "DRAFT": "Drafts", "SPAM": "Spam", "TRASH": "Bin"}
_LEFT_OUT = frozenset({"drafts", "junk", "trash"})
_NEWEST = 5


class GmailSource:
    """The mail of one account."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def pull(self, cursor: Cursor | None, /) -> Iterator[Page]:
        """Yield pages of messages: what changed, the last four weeks, then older ones; then what is gone."""
        from connectors._gmail_api import Gmail  # noqa: PLC0415 - loaded when an account is read
        from connectors._gmail_reading import Reading  # noqa: PLC0415
        from connectors._gmail_state import state_of  # noqa: PLC0415

        access = self._access
        gmail = Gmail(access)
        chosen = sorted(map(str, access.settings.get("folders") or ()))
        state = state_of(cursor, access.since, chosen, headers_only=gmail.headers_only)
        yield from Reading(access, gmail, state).pages()


def open_source(access: Access) -> Source:
    """The account's mail; nobody is asked yet."""
    return GmailSource(access)


def open_mail(access: Access) -> MailSink:
    """What sends the owner's own mail by this account; nobody is asked yet."""
    from connectors._gmail_sending import GmailSink  # noqa: PLC0415 - loaded when something is sent

    return GmailSink(access)


def survey(access: Access) -> Survey:
    """Whose mailbox it is, its labels, and what may be read of it."""
    from connectors._gmail_api import Gmail  # noqa: PLC0415

    gmail = Gmail(access)
    user = gmail.profile().email_address
    collections = [
        Collection(one.id, _NAMES.get(one.id, one.name), role, role not in _LEFT_OUT)
        for one in gmail.labels()
        for role in [_ROLES.get(one.id, "")]
        if role or one.type != "system"
    ]
    order = list(_ROLES)
    collections.sort(key=lambda one: (order.index(one.id) if one.id in _ROLES else len(order), one.name))
    abilities = ["tells what changed since the last look"]
    if not gmail.can_search:
        abilities.append("reads headers alone, as Google's permission gmail.metadata rules out the rest")
    elif gmail.headers_only:
        abilities.append("reads headers alone, as chosen")
    return Survey(user, tuple(collections), tuple(abilities))


def newest(access: Access) -> datetime | None:
    """When the newest message was written, or came to Google where that is earlier; drafts and chats are none."""
    from connectors._gmail_api import GET, NO_DRAFTS, UNITS, Gmail  # noqa: PLC0415
    from connectors._gmail_records import written_at  # noqa: PLC0415

    gmail = Gmail(access)
    ids = [one.id for one in next(gmail.listed(search=NO_DRAFTS, size=_NEWEST)).messages]
    if not ids:
        return None
    access.spend(UNITS, GET * len(ids))
    replies = gmail.get(ids, metadata=("Date",))
    instants = [written_at(one.body) for one in replies if one is not None and one.status == 200]
    return max(filter(None, instants), default=None)


def watch(access: Access, hook: Hook | None, standing: Sequence[Channel]) -> tuple[Channel, ...]:
    """Have Gmail tell of news on the owner's topic, where there is one (`ConnectorSpec.watch`).

    What comes at the hook comes by a subscription that the owner made for it.
    """
    from connectors._gmail_watching import stop_watching, watch_mailbox  # noqa: PLC0415 - likewise

    topic = str(access.settings.get("gmail_topic") or "")
    if hook is None or not topic:
        if standing:
            stop_watching(access)
        return ()
    now = access.clock.now()
    held = tuple(one for one in standing if one.id == topic and one.ends_at - now > RENEW_WITHIN)
    return held or (watch_mailbox(access, topic),)


SPEC = ConnectorSpec(
    "gmail",
    "Gmail",
    STREAM,
    open_source,
    account="google",
    scopes=(
        scope(
            "gmail.readonly",
            "Reads your mail to see who writes to whom and what was asked or promised. Kith keeps envelopes and a "
            "short excerpt, never attachments, and changes nothing in Gmail.",
        ),
    ),
    headers_scopes=(
        scope(
            "gmail.metadata",
            "Reads the headers of your mail (from, to, date, subject), to see who writes to whom. Google gives Kith "
            "no text of any mail with this.",
        ),
    ),
    write_scopes=(
        scope("gmail.send", "Sends your weekly digest from your own address to yourself, and nothing else."),
    ),
    open_mail=open_mail,
    survey=survey,
    newest=newest,
    watch=watch,
    # A poll costs 2 of the 6,000 units a minute, and at most homes nothing tells of news.
    interval=timedelta(minutes=2),
    quotas=(QUOTA,),
)

"""Mail of one mailbox at Microsoft Graph, with state: folders, messages that move, deltas with opaque tokens, sending.

https://learn.microsoft.com/graph/api/resources/message, message-delta, mailfolder-delta, user-sendmail, as of 2026-11.
A message's id changes when it moves unless immutable ids are asked for; a delta tells of what was there when its walk
began, then of changes, and of a flag's change by that flag alone. What the vendor's pages leave open, a test chooses:
`shows_headers` (where `internetMessageHeaders` are given), `hold` (a folder whose changes are late), `keeps_ids` (whether
a mail that is sent keeps its Message-ID), `sent_items_late`.
"""

import base64
import binascii
import random
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import getaddresses
from html import unescape
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from schemas.clock import Clock, FrozenClock
from tests.fakes.api import ApiServer, Json, Reply, Request
from tests.fakes.graph import (
    VERSION,
    Mailbox,
    Refused,
    Tokens,
    allows,
    has_immutable_ids,
    link,
    needs_scope,
    page_size,
    path_of,
    preferences,
    refuse,
    selected,
)

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
OWNER = "me@home.test"
READ = ("Mail.Read", "Mail.ReadWrite")
BASIC = ("Mail.ReadBasic", *READ)
WELL_KNOWN = {
    "inbox": "Posteingang",
    "sentitems": "Gesendete Elemente",
    "drafts": "Entwürfe",
    "deleteditems": "Gelöschte Elemente",
    "junkemail": "Junk-E-Mail",
    "archive": "Archiv",
    "outbox": "Postausgang",
    "conversationhistory": "Aufgezeichnete Unterhaltungen",
}
_ROOT = "cm9vdA=="
_FILTERED_DELTA = 5_000
_ALWAYS = ("id", "@odata.type", "@odata.etag")
_PROPERTIES = frozenset(
    """id categories changeKey createdDateTime lastModifiedDateTime bccRecipients body bodyPreview
    ccRecipients conversationId conversationIndex flag from hasAttachments importance inferenceClassification
    internetMessageHeaders internetMessageId isDraft isRead parentFolderId receivedDateTime replyTo sender sentDateTime
    subject toRecipients uniqueBody webLink""".split()
)
_USUAL = _PROPERTIES - {"internetMessageHeaders", "uniqueBody"}
_FULL_TEXT = frozenset({"body", "bodyPreview", "uniqueBody"})
_FOLDER = frozenset(
    "id displayName parentFolderId childFolderCount unreadItemCount totalItemCount isHidden".split()
)
_SINCE = re.compile(r"receivedDateTime (ge|gt) (\S+)")
_NAMED = re.compile(r"internetMessageId eq '((?:[^']|'')*)'")
_EXPAND = re.compile(r"singleValueExtendedProperties\(\$filter=(id eq '[^']+'(?: or id eq '[^']+')*)\)")
_EXTENDED = {"String 0x1039": "References", "String 0x1042": "In-Reply-To"}
_TAG = re.compile(r"<[^>]*>")
_LINE_END = re.compile(r" ?(?:<br\b[^>]*>|</(?:div|p|blockquote)>|<blockquote\b[^>]*>) ?")


class Stored(Struct):
    """A message: its number, where it is, how often it moved, what it says, and the bytes that it came as."""

    number: int
    folder: str
    props: Json
    raw: bytes
    moves: int = 0

    def id(self, *, immutable: bool) -> str:
        """Its id, in one of the two formats; both hold characters that a path has to escape."""
        kind = f"I{self.number:08d}" if immutable else f"R{self.number:08d}.{self.moves}"
        return f"AAMkAD/{base64.b64encode(kind.encode()).decode()}+="


class _Change(Struct):
    """What is told of an item in one place: when it was new there, which properties changed when, or that it left."""

    revision: int
    new_at: int = 0
    props: tuple[tuple[int, frozenset[str]], ...] = ()
    is_removed: bool = False
    left_as: str = ""

    def since(self, revision: int) -> frozenset[str] | None:
        """The properties that changed after a revision; None where all of it is new."""
        if self.new_at > revision:
            return None
        return frozenset(name for at, names in self.props if at > revision for name in names)


class _Walk(Struct):
    """What a token stands for: a chain of pages and how far it was read, and the revisions it leads from and to."""

    folder: str
    select: frozenset[str]
    revision: int
    items: list[Any] = []
    begin: int = 0
    after: int = 0
    filter: str = ""


class GraphMail:
    """The part. Every method that is no answer is a test's, or the owner's own hand."""

    def __init__(self, clock: Clock | None = None, *, user: str = OWNER, seed: int = 0) -> None:
        self.clock = clock or FrozenClock(NOW)
        self.user = user
        self.mailbox = Mailbox(self.clock)
        self.tokens = Tokens()
        self.shows_headers: frozenset[str] = frozenset({"delta", "list", "get", "basic"})
        self.keeps_ids = True
        self.sent_items_late = False
        self.names_nothing = False
        """Whether a delta that begins names none of what is there."""
        self.begins_no_delta: set[str] = set()
        """Folders whose delta has ended before it begins."""
        self.is_elsewhere = False
        """Whether the mailbox is kept on a server of its own."""
        self.poison: set[int] = set()
        """Numbers of messages at which the server fails whenever one is asked for by itself."""
        self.most_in_page = 200
        self.sent: list[bytes] = []
        self.folders: dict[str, Json] = {}
        self.roles: dict[str, str] = {}
        self.messages: dict[int, Stored] = {}
        self.server: ApiServer | None = None
        self.told: Callable[[str], object] = lambda _change: None
        """Told of each change to a message: `created`, `updated` or `deleted`."""
        self._changes: dict[str, dict[int, _Change]] = {}
        self._held_at: dict[str, int] = {}
        self._folder_changes: dict[str, _Change] = {}
        self._revision = 0
        self._random = random.Random(seed)
        self._ids: dict[str, int] = {}
        for role, name in WELL_KNOWN.items():
            self.roles[role] = self.add_folder(name)
        self._late: list[Stored] = []

    # ------ the owner's hand

    def add_folder(
        self, name: str, parent: str = "", *, is_hidden: bool = False, is_search: bool = False
    ) -> str:
        """Make a folder; answers its id."""
        one = base64.b64encode(f"folder-{len(self.folders):06d}".encode()).decode() + "AAA="
        self.folders[one] = {
            **({"@odata.type": "#microsoft.graph.mailSearchFolder"} if is_search else {}),
            "id": one,
            "displayName": name,
            "parentFolderId": parent or _ROOT,
            "isHidden": is_hidden,
        }
        self._changes[one] = {}
        self._tell_folder(one)
        return one

    def rename_folder(self, one: str, name: str) -> None:
        """Give a folder another name."""
        self.folders[one]["displayName"] = name
        self._tell_folder(one, frozenset({"displayName"}))

    def move_folder(self, one: str, parent: str) -> None:
        """Put a folder into another; of what is in it nobody is told."""
        self.folders[one]["parentFolderId"] = parent or _ROOT
        self._tell_folder(one, frozenset({"parentFolderId"}))

    def unlist_folder(self, one: str, *, is_hidden: bool) -> None:
        """The list of folders names one no more, which is there all the same."""
        self.folders[one]["isHidden"] = is_hidden
        self._revision += 1
        self._folder_changes[one] = _Change(self._revision, is_removed=True)

    def delete_folder(self, one: str) -> None:
        """Delete a folder for good, with all that is in it."""
        for message in [message for message in self.messages.values() if message.folder == one]:
            del self.messages[message.number]
        del self.folders[one]
        self._revision += 1
        self._folder_changes[one] = _Change(self._revision, is_removed=True)

    def put(
        self,
        raw: bytes,
        folder: str = "inbox",
        *,
        at: datetime | None = None,
        is_draft: bool = False,
        props: Json | None = None,
    ) -> Stored:
        """A message came, or was written, as these bytes; `props` take the place of what they say."""
        place = self.roles.get(folder, folder)
        number = len(self._ids) + 1
        made = Stored(number, place, {}, raw)
        is_own = place in {self.roles["sentitems"], self.roles["drafts"]}
        made.props = {
            **_props_of(raw, number, at or self.clock.now(), is_own=is_own),
            "isDraft": is_draft,
            **(props or {}),
        }
        self._ids[made.id(immutable=True)] = number
        self._ids[made.id(immutable=False)] = number
        self.messages[number] = made
        self._tell(made)
        return made

    def named(self, message_id: str) -> Stored:
        """The message with this Message-ID, brackets left out."""
        return next(
            one for one in self.messages.values() if one.props["internetMessageId"] == f"<{message_id}>"
        )

    def move(self, message: Stored, folder: str) -> None:
        """Move a message: it leaves the one folder and is new in the other."""
        left_as = message.id(immutable=False)
        self._leave(message, left_as)
        message.folder = self.roles.get(folder, folder)
        message.moves += 1
        self._ids[message.id(immutable=False)] = message.number
        self._tell(message)

    def delete(self, message: Stored) -> None:
        """Delete a message for good."""
        self._leave(message, message.id(immutable=False))
        del self.messages[message.number]

    def flag(self, message: Stored, **props: Any) -> None:
        """Change properties, such as `isRead`, which alone are told of."""
        message.props |= props
        self._tell(message, frozenset(props))

    def hold(self, folder: str) -> None:
        """What happens in a folder from now on is not told of yet."""
        self._held_at[self.roles.get(folder, folder)] = self._revision

    def release(self) -> None:
        """Everything is told of again."""
        self._held_at.clear()

    def end_delta(self, folder: str) -> None:
        """The deltas of one folder have ended."""
        place = self.roles.get(folder, folder)
        self.tokens.expire(lambda walk: bool(walk.folder == place))

    def deliver_late(self) -> None:
        """What was sent and was not yet in Sent Items is there now."""
        for message in self._late:
            self.messages[message.number] = message
            self._tell(message)
        self._late.clear()

    def _tell(self, message: Stored, props: frozenset[str] | None = None) -> None:
        self._changed(self._changes[message.folder], message.number, props)
        self.told("created" if props is None else "updated")

    def _leave(self, message: Stored, left_as: str) -> None:
        self._revision += 1
        changes = self._changes[message.folder]
        changes[message.number] = _Change(self._revision, is_removed=True, left_as=left_as)
        self.told("deleted")

    def _tell_folder(self, one: str, props: frozenset[str] | None = None) -> None:
        self._changed(self._folder_changes, one, props)

    def _changed(self, changes: dict[Any, _Change], one: object, props: frozenset[str] | None) -> None:
        self._revision += 1
        before = changes.get(one)
        if props is None or before is None or before.is_removed:
            changes[one] = _Change(self._revision, self._revision)
        else:
            told = (*before.props, (self._revision, props))
            changes[one] = _Change(self._revision, before.new_at, told)

    # ------ the part

    def serves(self, path: str, /) -> bool:
        """The owner, mail folders, messages, and sending."""
        head = path.removeprefix(f"{VERSION}/me").split("/")[1:2]
        return path.startswith(f"{VERSION}/me") and (
            not head or head[0] in {"mailFolders", "messages", "sendMail"}
        )

    def answer(self, request: Request, /) -> Reply:
        """What Graph says."""
        try:
            self.mailbox.spend()
            if self.is_elsewhere:
                raise refuse(
                    404, "MailboxNotEnabledForRESTAPI", "The mailbox is either inactive or on-premise."
                )
            return self._answer(request)
        except Refused as refused:
            return refused.reply

    def _answer(self, request: Request) -> Reply:
        match request.method, path_of(request)[1:]:
            case "GET", []:
                needs_scope(request, "User.Read", "User.ReadBasic.All")
                allows(request, {"$select"})
                me = {"id": "8f0c", "displayName": "Me", "mail": self.user, "userPrincipalName": self.user}
                return Reply(200, me)
            case "GET", ["mailFolders", "delta"]:
                return self._folder_delta(request)
            case "GET", ["mailFolders", one]:
                needs_scope(request, *BASIC)
                allows(request, {"$select", "$expand"})
                return Reply(200, self._folder_row(self._folder(one), selected(request, _FOLDER)))
            case "GET", ["mailFolders", one, "messages"]:
                return self._list(request, self._folder(one))
            case "GET", ["mailFolders", one, "messages", "delta"]:
                return self._delta(request, self._folder(one))
            case "GET", ["messages"]:
                return self._list(request, "")
            case "GET", ["messages", one, *_] if self._message(one).number in self.poison:
                raise refuse(500, "ErrorInternalServerError", "An internal server error occurred.")
            case "GET", ["messages", one]:
                return self._get(request, self._message(one))
            case "GET", ["messages", one, "$value"]:
                needs_scope(request, *READ)
                allows(request, ())
                return Reply(200, headers={"Content-Type": "text/plain"}, body=self._message(one).raw)
            case "POST", ["sendMail"]:
                return self._send(request)
        raise refuse(400, "BadRequest", "Resource not found for the segment.")

    def _folder(self, one: str) -> str:
        place = self.roles.get(one.lower(), one)
        if place not in self.folders:
            raise refuse(404, "ErrorItemNotFound", "The specified object was not found in the store.")
        return place

    def _message(self, one: str) -> Stored:
        number = self._ids.get(one)
        message = self.messages.get(number) if number else None
        if message is None or one not in {message.id(immutable=True), message.id(immutable=False)}:
            raise refuse(404, "ErrorItemNotFound", "The specified object was not found in the store.")
        return message

    # ------ folders

    def _folder_row(self, one: str, names: frozenset[str]) -> Json:
        inside = [message for message in self.messages.values() if message.folder == one]
        row = {
            **self.folders[one],
            "childFolderCount": sum(other["parentFolderId"] == one for other in self.folders.values()),
            "totalItemCount": len(inside),
            "unreadItemCount": sum(not message.props["isRead"] for message in inside),
        }
        return {name: value for name, value in row.items() if not names or name in names or name in _ALWAYS}

    def _folder_delta(self, request: Request) -> Reply:
        needs_scope(request, *BASIC)
        token = request.one("$deltatoken") or request.one("$skiptoken")
        if token:
            allows(request, {"$deltatoken", "$skiptoken"})
            walk = self.tokens.state_of(token, f"{self._url()}/me/mailFolders/delta")
        else:
            allows(request, {"$select", "$deltatoken"})
            walk = _Walk("", selected(request, _FOLDER), 0)
        if not request.one("$skiptoken"):
            names = [one for one, change in self._folder_changes.items() if change.revision > walk.revision]
            walk = _Walk("", walk.select, self._revision, names, after=walk.revision)
        return self._page(
            request, walk, ["me", "mailFolders", "delta"], lambda one: self._told_folder(one, walk)
        )

    def _told_folder(self, one: str, walk: _Walk) -> Json | None:
        change = self._folder_changes[one]
        if change.is_removed:
            return {"id": one, "@removed": {"reason": "deleted"}} if walk.after else None
        names = change.since(walk.after)
        return self._folder_row(one, walk.select if names is None else names)

    # ------ messages

    def _row(self, message: Stored, request: Request, names: frozenset[str], where: str) -> Json:
        wanted = set(names or _USUAL)
        if not any(scope.rpartition("/")[2] in READ for scope in request.scopes):
            if names & _FULL_TEXT or request.one("$expand"):
                raise refuse(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
            wanted -= _FULL_TEXT
            if "basic" not in self.shows_headers:
                wanted.discard("internetMessageHeaders")
        if where not in self.shows_headers:
            wanted.discard("internetMessageHeaders")
        props = {**message.props, "parentFolderId": message.folder}
        row = {name: value for name, value in props.items() if name in wanted or name in _ALWAYS}
        if "body" in row:
            row["body"] = _body_as(row["body"], preferences(request).get("outlook.body-content-type", "html"))
        return {**row, "id": message.id(immutable=has_immutable_ids(request))}

    def _get(self, request: Request, message: Stored) -> Reply:
        needs_scope(request, *BASIC)
        allows(request, {"$select", "$expand"})
        row = self._row(message, request, selected(request, _PROPERTIES), "get")
        if request.one("$expand"):
            asked = _EXPAND.fullmatch(request.one("$expand"))
            if asked is None:
                raise refuse(400, "BadRequest", "Parsing OData Select and Expand failed.")
            row |= _extended(message, asked[1])
        return Reply(200, row)

    def _list(self, request: Request, folder: str) -> Reply:
        needs_scope(request, *BASIC)
        allows(request, {"$select", "$filter", "$orderby", "$top", "$skip", "$count"})
        names = selected(request, _PROPERTIES)
        rows = [message for message in self.messages.values() if folder in {"", message.folder}]
        said, order = request.one("$filter"), request.one("$orderby")
        if order and order not in {"receivedDateTime desc", "receivedDateTime"}:
            raise refuse(400, "BadRequest", "The order is not supported here.")
        if said and order and "receivedDateTime" not in said:
            raise refuse(
                400, "InefficientFilter", "The restriction or sort order is too complex for this operation."
            )
        if said:
            rows = [message for message in rows if _filter_of(said)(message.props)]
        rows.sort(
            key=lambda message: (message.props["receivedDateTime"], message.number), reverse="desc" in order
        )
        size = page_size(request, 10, 1_000)
        begin = int(request.one("$skip", "0"))
        page: Json = {
            "value": [self._row(message, request, names, "list") for message in rows[begin : begin + size]]
        }
        if begin + size < len(rows):
            query = "&".join(
                f"{name.replace('$', '%24')}={value.replace(' ', '%20')}"
                for name, value in request.query
                if name != "$skip"
            )
            way = f"me/mailFolders/{folder}/messages" if folder else "me/messages"
            page["@odata.nextLink"] = f"{self._url()}/{way}?{query}&%24skip={begin + size}"
        return Reply(200, page)

    def _delta(self, request: Request, folder: str) -> Reply:
        needs_scope(request, *BASIC)
        token = request.one("$deltatoken") or request.one("$skiptoken")
        path = ["me", "mailFolders", folder, "messages", "delta"]
        if token:
            allows(request, {"$deltatoken", "$skiptoken"})
            walk = self.tokens.state_of(token, f"{self._url()}/{'/'.join(path)}")
            if walk.folder != folder:
                raise refuse(400, "BadRequest", "The token is another folder's.")
            if request.one("$deltatoken"):
                walk = self._round(walk)
        else:
            walk = self._first_round(request, folder)
        return self._page(request, walk, path, lambda number: self._told(number, request, walk))

    def _first_round(self, request: Request, folder: str) -> _Walk:
        """All that is there now, newest first where that is asked for; with a filter no more than so many."""
        if folder in self.begins_no_delta:
            raise refuse(410, "SyncStateNotFound")
        allows(request, {"$select", "$filter", "$orderby", "$top", "$expand", "changeType", "$deltatoken"})
        said, order = request.one("$filter"), request.one("$orderby")
        if order and order != "receivedDateTime desc":
            raise refuse(400, "ErrorInvalidUrlQuery", "The only order of a delta is receivedDateTime desc.")
        rows = [message for message in self.messages.values() if message.folder == folder]
        if said:
            if not _SINCE.fullmatch(said):
                raise refuse(
                    400, "ErrorInvalidUrlQuery", "The only filter of a delta is receivedDateTime ge or gt."
                )
            rows = [message for message in rows if _filter_of(said)(message.props)]
        if order:
            rows.sort(key=lambda message: (message.props["receivedDateTime"], message.number), reverse=True)
        else:
            self._random.shuffle(rows)
        kept = [] if self.names_nothing else rows[:_FILTERED_DELTA] if said else rows
        revision = self._seen(folder)
        numbers = [message.number for message in kept]
        return _Walk(folder, selected(request, _PROPERTIES), revision, numbers, filter=said)

    def _round(self, walk: _Walk) -> _Walk:
        revision = self._seen(walk.folder)
        numbers = [
            number
            for number, change in self._changes.get(walk.folder, {}).items()
            if walk.revision < change.revision <= revision
        ]
        self._random.shuffle(numbers)
        return _Walk(walk.folder, walk.select, revision, numbers, after=walk.revision, filter=walk.filter)

    def _seen(self, folder: str) -> int:
        return self._held_at.get(folder, self._revision)

    def _told(self, number: int, request: Request, walk: _Walk) -> Json | None:
        message = self.messages.get(number)
        if message is not None and message.folder != walk.folder:
            message = None
        if not walk.after:
            return self._row(message, request, walk.select, "delta") if message is not None else None
        change = self._changes[walk.folder][number]
        if change.is_removed:
            lasting = Stored(number, "", {}, b"").id(immutable=True)
            one = lasting if has_immutable_ids(request) else change.left_as
            return {"id": one, "@removed": {"reason": "deleted"}}
        if message is None or (walk.filter and not _filter_of(walk.filter)(message.props)):
            return None
        row = self._row(message, request, walk.select, "delta")
        names = change.since(walk.after)
        if names is not None:
            kept = {*names, "parentFolderId", *_ALWAYS}
            row = {name: value for name, value in row.items() if name in kept}
        return row

    def _page(
        self, request: Request, walk: _Walk, path: list[str], told: Callable[[Any], Json | None]
    ) -> Reply:
        assert self.server is not None
        end = walk.begin + page_size(request, 10, self.most_in_page)
        rows = [row for one in walk.items[walk.begin : end] if (row := told(one)) is not None]
        is_more = end < len(walk.items)
        following = _Walk(walk.folder, walk.select, walk.revision, filter=walk.filter)
        if is_more:
            following = replace(walk, begin=end)
        name = "skiptoken" if is_more else "deltatoken"
        there = link(self.server, path, name, self.tokens.make(following))
        return Reply(200, {"value": rows, f"@odata.{'next' if is_more else 'delta'}Link": there})

    def _url(self) -> str:
        assert self.server is not None
        return f"{self.server.url}{VERSION}"

    # ------ sending

    def _send(self, request: Request) -> Reply:
        needs_scope(request, "Mail.Send")
        allows(request, ())
        if not request.headers.get("content-type", "").startswith("text/plain"):
            raise refuse(400, "BadRequest", "This fake takes MIME alone.")
        try:
            raw = base64.b64decode(request.body, validate=True)
        except binascii.Error as wrong:
            raise refuse(400, "ErrorMimeContentInvalidBase64String") from wrong
        mail = message_from_bytes(raw, policy=default)
        if [address for _, address in getaddresses(mail.get_all("From", []))] != [self.user]:
            raise refuse(403, "ErrorSendAsDenied", "The user account is not allowed to send as this address.")
        if not mail.get_all("To"):
            raise refuse(400, "ErrorInvalidRecipients", "At least one recipient is not valid.")
        self.sent.append(raw)
        if not self.keeps_ids:
            raw = re.sub(rb"(?im)^message-id:.*\r?\n", b"", raw)
        stored = self.put(raw, "sentitems")
        if self.sent_items_late:
            self.delete(stored)
            self._late.append(stored)
        return Reply(202)


def _filter_of(said: str) -> Callable[[Json], bool]:
    since, named = _SINCE.fullmatch(said), _NAMED.fullmatch(said)
    if since is not None:
        try:
            bound = datetime.fromisoformat(since[2])
        except ValueError as wrong:
            raise refuse(400, "BadRequest", "Invalid filter clause.") from wrong
        is_within = {"ge": datetime.__ge__, "gt": datetime.__gt__}[since[1]]
        return lambda props: bool(is_within(datetime.fromisoformat(props["receivedDateTime"]), bound))
    if named is not None:
        wanted = named[1].replace("''", "'")
        return lambda props: bool(props["internetMessageId"] == wanted)
    raise refuse(400, "BadRequest", "Invalid filter clause.")


def _extended(message: Stored, asked: str) -> Json:
    """Properties of MAPI by their tags, of which only those that are there come."""
    mail = message_from_bytes(message.raw)
    found = [
        {"id": one, "value": str(mail[_EXTENDED[one]])}
        for one in re.findall(r"id eq '([^']+)'", asked)
        if one in _EXTENDED and mail[_EXTENDED[one]]
    ]
    return {"singleValueExtendedProperties": found} if found else {}


# ------ a message as Graph shows it


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _props_of(raw: bytes, number: int, at: datetime, *, is_own: bool) -> Json:
    mail = message_from_bytes(raw, policy=default)
    sent = _date_of(mail) or at
    index = base64.b64encode(b"\x01\xda" + bytes(4) + number.to_bytes(16, "big")).decode()
    props: Json = {
        "@odata.etag": f'W/"{number}"',
        "changeKey": f"CQAA{number}",
        "createdDateTime": _instant(at),
        "lastModifiedDateTime": _instant(at),
        "receivedDateTime": _instant(at),
        "sentDateTime": _instant(sent),
        "subject": _text_of(mail, "Subject"),
        "internetMessageId": _text_of(mail, "Message-ID").strip() or f"<exchange{number}@prod.outlook.test>",
        "conversationId": f"AAQkAD{number}=",
        "conversationIndex": _text_of(mail, "Thread-Index").strip() or index,
        "from": next(iter(_people(mail, "From")), None),
        "sender": next(iter(_people(mail, "Sender") or _people(mail, "From")), None),
        "toRecipients": _people(mail, "To"),
        "ccRecipients": _people(mail, "Cc"),
        "bccRecipients": _people(mail, "Bcc") if is_own else [],
        "replyTo": _people(mail, "Reply-To"),
        "isRead": False,
        "isDraft": False,
        "hasAttachments": False,
        "importance": "normal",
        "inferenceClassification": "focused",
        "categories": [],
        "flag": {"flagStatus": "notFlagged"},
        "body": _body_of(mail),
        "bodyPreview": _body_of(mail)["content"][:255],
        "webLink": f"https://outlook.example/mail/{number}",
    }
    if "calendar" in mail.get_content_type() or any(
        part.get_content_type() == "text/calendar" for part in mail.walk()
    ):
        props["@odata.type"] = "#microsoft.graph.eventMessageRequest"
    if not is_own:
        # Only what came over the wire has its headers.
        props["internetMessageHeaders"] = list(_headers_of(raw))
    return props


def _text_of(mail: EmailMessage, name: str) -> str:
    try:
        return str(mail.get(name, ""))
    except (ValueError, IndexError, AttributeError):
        return ""


def _date_of(mail: EmailMessage) -> datetime | None:
    try:
        said: datetime = mail["Date"].datetime
        return said if said.tzinfo else said.replace(tzinfo=UTC)
    except (AttributeError, ValueError, TypeError, OverflowError):
        return None


def _people(mail: EmailMessage, name: str) -> list[Json]:
    return [
        {"emailAddress": {"name": shown or address, "address": address}}
        for shown, address in getaddresses(mail.get_all(name, []))
        if address
    ]


def _headers_of(raw: bytes) -> Iterator[Json]:
    head = raw.replace(b"\r\n", b"\n").partition(b"\n\n")[0].decode("utf-8", "replace")
    for name, value in re.findall(r"^([!-9;-~]+):[ \t]*(.*(?:\n[ \t].*)*)", head, re.MULTILINE):
        yield {"name": name, "value": re.sub(r"\n[ \t]+", " ", value)}


def _body_of(mail: EmailMessage) -> Json:
    for kind in ("html", "plain"):
        part = mail.get_body((kind,)) if mail.get_content_maintype() in {"multipart", "text"} else None
        if part is not None:
            text = part.get_payload(decode=True)
            assert isinstance(text, bytes)
            said = text.decode(part.get_content_charset() or "utf-8", "replace").replace("\r\n", "\n")
            return {"contentType": kind.replace("plain", "text"), "content": said.replace("\n", "\r\n")}
    return {"contentType": "text", "content": ""}


def _body_as(body: Json | None, wanted: str) -> Json | None:
    if body is None or body["contentType"] == wanted or wanted not in {"text", "html"}:
        return body
    content = body["content"]
    if wanted == "text":
        # As a browser shows it: a line ends at a tag that says so, not where the source has one; quotations get no marks.
        lines = _LINE_END.sub("\r\n", " ".join(content.split()))
        return {"contentType": "text", "content": unescape(_TAG.sub("", lines))}
    return {"contentType": "html", "content": f"<html><body><pre>{content}</pre></body></html>"}

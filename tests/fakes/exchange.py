"""A mailbox on an Exchange server of one's own, on the loopback, with state: what was changed is told by what changed.

EWS as Exchange 2019 speaks it (https://learn.microsoft.com/exchange/client-developer/web-service-reference, read 2026-11):
sync states that end, at most 512 changes an answer, ids that become others when an item moves, change keys, properties
that a list does not give, restrictions, and what an `UpdateItem` in an old version is told.
"""

import base64
import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from email.utils import parseaddr

from msgspec import Struct, field

from schemas.clock import Clock, FrozenClock
from tests.fakes.exchange_events import Subscriptions
from tests.fakes.exchange_wire import Asked, Element, M, Refused, T, Wire, e, message_of, response_of
from tests.fakes.faults import Faults

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
USER = "alice@example.com"
PASSWORD = "correct-horse-battery-staple"
TOKEN = "eyJ0eXAiOiJKV1QifQ.fake.token"

_ORDER = {
    name: place
    for place, name in enumerate(
        """MimeContent ItemId ParentFolderId ItemClass Subject Sensitivity Body Attachments DateTimeReceived Size
        Categories Importance InReplyTo IsSubmitted IsDraft IsFromMe IsResend IsUnmodified InternetMessageHeaders
        DateTimeSent DateTimeCreated ReminderIsSet DisplayCc DisplayTo HasAttachments ExtendedProperty Culture
        LastModifiedName LastModifiedTime ConversationId TextBody
        Sender ToRecipients CcRecipients BccRecipients ConversationIndex ConversationTopic From InternetMessageId IsRead
        References ReplyTo
        UID RecurrenceId DateTimeStamp Start End OriginalStart IsAllDayEvent LegacyFreeBusyStatus Location IsMeeting
        IsCancelled IsRecurring MeetingRequestWasSent CalendarItemType MyResponseType Organizer RequiredAttendees
        OptionalAttendees Resources AppointmentSequenceNumber
        CompleteDate DueDate IsComplete PercentComplete Recurrence StartDate Status
        FirstOccurrence LastOccurrence ModifiedOccurrences DeletedOccurrences StartTimeZone EndTimeZone StartTimeZoneId
        FileAs DisplayName GivenName MiddleName Nickname CompleteName CompanyName EmailAddresses PhoneNumbers Birthday
        BusinessHomePage ContactSource Department ImAddresses JobTitle Surname""".split()
    )
}
"""The order in which the schema wants the elements of an item."""
_ONLY_BY_GET = frozenset(
    {
        "Body", "TextBody", "InternetMessageHeaders", "ToRecipients", "CcRecipients", "BccRecipients", "ReplyTo",
        "RequiredAttendees", "OptionalAttendees", "Resources", "Recurrence", "ModifiedOccurrences",
        "DeletedOccurrences", "FirstOccurrence", "LastOccurrence", "Attachments", "MimeContent",
    }
)  # fmt: skip
"""What lists do not give: it has to be asked for item by item."""
_ROLES = {
    "msgfolderroot": ("Top of Information Store", "IPF.Note"),
    "inbox": ("Inbox", "IPF.Note"),
    "sentitems": ("Sent Items", "IPF.Note"),
    "drafts": ("Drafts", "IPF.Note"),
    "deleteditems": ("Deleted Items", "IPF.Note"),
    "junkemail": ("Junk E-Mail", "IPF.Note"),
    "outbox": ("Outbox", "IPF.Note"),
    "calendar": ("Calendar", "IPF.Appointment"),
    "contacts": ("Contacts", "IPF.Contact"),
    "tasks": ("Tasks", "IPF.Task"),
}
_MOST_CHANGES = 512


class Item(Struct):
    """An item: the element of its kind with all that it says, and what the server knows besides."""

    id: str
    folder: str
    element: Element
    made: int
    changed: int
    read_changed: int = 0
    key: int = 0
    """How often it was written: its change key."""


class Folder(Struct):
    """A folder, and which items it lost, with what became of their revisions."""

    id: str
    name: str
    holds: str
    parent: str = ""
    lost: dict[str, tuple[int, int]] = field(default_factory=dict)
    latest: str = ""
    count_lost: int = 0
    is_hidden: bool = False


class ExchangeServer:
    """One user's mailbox. Every method but `serve` is a test's, or the user's own hand."""

    def __init__(self, clock: Clock | None = None, *, made: int = 0) -> None:
        """`made` counts what other mailboxes hold, whose ids are none of this one's."""
        self.clock = clock or FrozenClock(NOW)
        self.user = USER
        self.password = PASSWORD
        self.token = TOKEN
        self.ways = {"basic"}
        self.faults = Faults()
        self.asked: list[Asked] = []
        self.breaches: list[str] = []
        self.tells_marks = True
        """Whether folders tell when they changed last; some servers in between leave that out."""
        self.knows_maximum_body = True
        self.autodiscovered: tuple[int, bytes] = (404, b"")
        self.refuse: Callable[[Asked], None] = lambda _asked: None
        """A test's own refusals: raises `Refused`."""
        self.sent: list[bytes] = []
        """Mails that went out, as they were handed over."""
        self.keeps_copies = True
        """Whether what went out is in Sent Items at once."""
        self.broken: set[str] = set()
        """Ids of items that the server cannot read itself, and what it says of them."""
        self.broken_code = "ErrorCorruptData"
        self.broken_texts: set[str] = set()
        """Ids of items at whose text the server fails."""
        self.between: Callable[[], object] | None = None
        """What somebody else does just before the next write."""
        self.wire = Wire(self)
        self.subscriptions = Subscriptions()
        self._items: dict[str, Item] = {}
        self._occurrences: dict[str, Item] = {}
        self._folders: dict[str, Folder] = {}
        self._roles: dict[str, str] = {}
        self._revision = 0
        self._generation = 0
        self._made = made
        self._lock = threading.RLock()
        for role, (name, holds) in _ROLES.items():
            self._roles[role] = self.add_folder(
                name, holds, "" if role == "msgfolderroot" else "msgfolderroot"
            )

    @contextmanager
    def serve(self) -> Iterator["ExchangeServer"]:
        """Answer on a free port of the loopback until the block ends."""
        with self.wire.serve():
            try:
                yield self
            finally:
                self.subscriptions.drop()

    @property
    def url(self) -> str:
        """Where EWS is."""
        return self.wire.url

    # ------ what a test makes go wrong

    def expire_sync_states(self) -> None:
        """Sync states given out so far are worth nothing from now on."""
        self._generation += 1

    def revoke(self) -> None:
        """What signed in before does so no longer."""
        self.password = "another"
        self.token = "another"

    # ------ what the user does

    def folder(self, role: str) -> str:
        """The id of a folder of this role, or the id itself."""
        return self._roles.get(role, role)

    def add_folder(self, name: str, holds: str, parent: str = "msgfolderroot") -> str:
        """Make a folder; answers its id."""
        with self._lock:
            id_ = self._id("folder")
            self._folders[id_] = Folder(
                id_, name, holds, self.folder(parent) if parent else "", latest=self._instant()
            )
            return id_

    def hide_folder(self, folder: str) -> None:
        """Let no program show a folder, as those that servers keep for themselves."""
        self._folders[folder].is_hidden = True

    def rename_folder(self, folder: str, name: str) -> None:
        """Give a folder another name."""
        self._folders[folder].name = name

    def delete_folder(self, folder: str) -> None:
        """Move a folder to the deleted items, as mail programs do."""
        with self._lock:
            self._folders[folder].parent = self.folder("deleteditems")

    def folder_named(self, name: str) -> str | None:
        """The id of a folder that is not deleted."""
        gone = self.folder("deleteditems")
        return next(
            (one.id for one in self._folders.values() if one.name == name and one.parent != gone), None
        )

    def name_of(self, folder: str) -> str:
        """A folder's name."""
        return self._folders[folder].name

    def add(self, folder: str, element: Element, *, was: tuple[str, str] = ("", "")) -> str:
        """Put an item into a folder; answers its id. `was` is the id and folder of one that is moved."""
        with self._lock:
            id_ = self._id("item")
            self._items[id_] = Item(id_, self.folder(folder), element, self._next(), self._revision)
            element.set("created", element.get("created") or self._instant())
            self._touch(self._items[id_].folder)
            self._stamp(self._items[id_])
            if was[0]:
                self._tell("MovedEvent", self._items[id_], was=was)
            else:
                self._tell("CreatedEvent", self._items[id_])
                if self._items[id_].folder == self.folder("inbox"):
                    self._tell("NewMailEvent", self._items[id_])
            return id_

    def add_occurrence(self, element: Element) -> str:
        """Make an occurrence that differs from its series, which no folder lists; answers its id."""
        with self._lock:
            id_ = self._id("occurrence")
            self._occurrences[id_] = Item(id_, "", element, self._next(), self._revision)
            self._stamp(self._occurrences[id_])
            return id_

    def change(self, id_: str, *elements: Element) -> None:
        """Write these elements of an item in place of the ones there are."""
        with self._lock:
            item = self._items[id_]
            for one in elements:
                old = item.element.find(one.tag)
                if old is not None and one.tag != f"{T}ExtendedProperty":
                    item.element.remove(old)
                item.element.append(one)
            self._settle_task(item)
            self._written(item)

    def erase(self, id_: str, *names: str) -> None:
        """Take elements of an item away."""
        with self._lock:
            item = self._items[id_]
            for name in names:
                for old in item.element.findall(f"{T}{name}"):
                    item.element.remove(old)
            self._written(item)

    def mark_read(self, id_: str) -> None:
        """Mark a mail as read, which is a change of its own kind."""
        with self._lock:
            item = self._items[id_]
            item.read_changed = self._next()
            self._touch(item.folder)
            self._tell("ModifiedEvent", item)

    def move(self, id_: str, folder: str) -> str:
        """Put an item into another folder, where it has another id; answers that."""
        with self._lock:
            item = self._items[id_]
            self._take_out(id_)
            return self.add(folder, item.element, was=(id_, item.folder))

    def copy(self, id_: str, folder: str) -> str:
        """Copy an item with all that it holds; answers the copy's id."""
        with self._lock:
            element = deepcopy(self._items[id_].element)
            element.set("created", "")
            return self.add(folder, element)

    def delete(self, id_: str) -> str:
        """Delete an item as mail programs do: it is among the deleted items then."""
        return self.move(id_, "deleteditems")

    def remove(self, id_: str) -> None:
        """Delete an item for good."""
        with self._lock:
            self._tell("DeletedEvent", self._take_out(id_))

    def _take_out(self, id_: str) -> Item:
        item = self._items.pop(id_)
        folder = self._folders[item.folder]
        folder.lost[id_] = (item.made, self._next())
        folder.count_lost += 1
        return item

    def _tell(self, kind: str, item: Item, *, was: tuple[str, str] = ("", "")) -> None:
        self.subscriptions.tell(kind, item.folder, self._instant(), item.id, was=was)

    # ------ what a test looks at

    def items(self, *, deleted: bool = False) -> list[Item]:
        """Every item, in the order made; without those that are deleted, unless they are asked for."""
        with self._lock:
            found = sorted(self._items.values(), key=lambda one: one.made)
            return [one for one in found if deleted or not self._is_deleted(one.folder)]

    def item(self, id_: str) -> Item:
        """An item as it is now."""
        return self._items[id_]

    def operations(self) -> list[str]:
        """The operations asked for since this was asked last."""
        told = [one.operation for one in self.asked]
        self.asked.clear()
        return told

    def _is_deleted(self, folder: str) -> bool:
        while folder:
            if folder == self._roles["deleteditems"]:
                return True
            folder = self._folders[folder].parent
        return False

    # ------ EWS

    def answer(self, asked: Asked) -> Element | Iterator[Element]:
        """What EWS says to one request, once or for as long as somebody listens."""
        serve = _OPERATIONS.get(asked.operation)
        if serve is None:
            raise Refused("ErrorInvalidRequest", "The request is invalid.", is_fault=True)
        if asked.operation in {"CreateItem", "UpdateItem", "CreateFolder"} and self.between is not None:
            act, self.between = self.between, None
            act()
        with self._lock:
            self.asked.append(asked)
            self.refuse(asked)
            return serve(self, asked.body)

    def autodiscover(self, query: str) -> tuple[int, bytes]:
        """What Autodiscover v2 gives: a test's own answer."""
        del query
        return self.autodiscovered

    def publish(self, url: str) -> None:
        """Let Autodiscover v2 name this place."""
        self.autodiscovered = (200, json.dumps({"Protocol": "EWS", "Url": url}).encode())

    def _get_folder(self, body: Element) -> Element:
        messages = []
        for one in body.find(f"{M}FolderIds"):
            try:
                found = self._folder_element(self._folder_of(one), _wanted(body, "FolderShape"))
                messages.append(message_of("GetFolder", e("m:Folders", found)))
            except Refused as error:
                messages.append(message_of("GetFolder", e("m:Folders"), code=error.code))
        return response_of("GetFolder", *messages)

    def _find_folder(self, body: Element) -> Element:
        top = self._folder_of(body.find(f"{M}ParentFolderIds")[0])
        if body.get("Traversal") != "Deep":
            raise Refused("ErrorInvalidRequest", is_fault=True)
        within = [one for one in self._folders.values() if one is not top and self._is_below(one, top.id)]
        wanted = _wanted(body, "FolderShape")
        offset, most = _page_of(body.find(f"{M}IndexedPageFolderView"))
        page = [self._folder_element(one, wanted) for one in within[offset : offset + most]]
        root = e("m:RootFolder", e("t:Folders", *page), **_paging(offset, len(page), len(within)))
        return response_of("FindFolder", message_of("FindFolder", root))

    def _create_folder(self, body: Element) -> Element:
        parent = self._folder_of(body.find(f"{M}ParentFolderId")[0])
        made = body.find(f"{M}Folders")[0]
        holds = {"TasksFolder": "IPF.Task", "CalendarFolder": "IPF.Appointment"}.get(
            made.tag.removeprefix(T), "IPF.Note"
        )
        name = made.findtext(f"{T}DisplayName")
        if any(one.name == name and one.parent == parent.id for one in self._folders.values()):
            raise Refused("ErrorFolderExists", "A folder with the specified name already exists.")
        id_ = self.add_folder(name, holds, parent.id)
        return response_of(
            "CreateFolder",
            message_of("CreateFolder", e("m:Folders", self._folder_element(self._folders[id_], []))),
        )

    def _delete_folder(self, body: Element) -> Element:
        gone = self._folder_of(body.find(f"{M}FolderIds")[0])
        for one in [item.id for item in self._items.values() if item.folder == gone.id]:
            del self._items[one]
        del self._folders[gone.id]
        return response_of("DeleteFolder", message_of("DeleteFolder"))

    def _sync(self, body: Element) -> Element:
        operation = "SyncFolderItems"
        folder = self._folder_of(body.find(f"{M}SyncFolderId")[0])
        most = int(body.findtext(f"{M}MaxChangesReturned"))
        if not 1 <= most <= _MOST_CHANGES:
            raise Refused("ErrorInvalidMaxChanges", is_fault=True)
        since = self._since(folder, body.findtext(f"{M}SyncState") or "")
        if since is None:
            return response_of(
                operation,
                message_of(
                    operation,
                    e("m:SyncState"),
                    e("m:IncludesLastItemInRange", "true"),
                    code="ErrorInvalidSyncStateData",
                    words="The synchronization state data is corrupt or otherwise invalid.",
                ),
            )
        wanted = _wanted(body, "ItemShape")
        self._check_listed(wanted)
        changes = sorted(self._changes(folder, since, wanted), key=lambda one: one[0])
        page = changes[:most]
        is_last = len(page) == len(changes)
        upto = self._revision if is_last else page[-1][0]
        return response_of(
            operation,
            message_of(
                operation,
                e("m:SyncState", self._state(folder, upto)),
                e("m:IncludesLastItemInRange", "true" if is_last else "false"),
                e("m:Changes", *(one for _, one in page)),
            ),
        )

    def _changes(self, folder: Folder, since: int, wanted: list[str]) -> Iterator[tuple[int, Element]]:
        for item in self._items.values():
            if item.folder != folder.id:
                continue
            if item.made > since:
                yield max(item.made, item.changed), e("t:Create", self._item_element(item, wanted))
            elif item.changed > since:
                yield item.changed, e("t:Update", self._item_element(item, wanted))
            elif item.read_changed > since:
                yield item.read_changed, e("t:ReadFlagChange", self._id_element(item), e("t:IsRead", "true"))
        for id_, (made, gone) in folder.lost.items():
            if gone > since >= made:
                yield gone, e("t:Delete", e("t:ItemId", Id=id_, ChangeKey="AAAA"))

    def _get_item(self, body: Element) -> Element:
        wanted = _wanted(body, "ItemShape")
        most = body.findtext(f"{M}ItemShape/{T}MaximumBodySize")
        if most is not None and not self.knows_maximum_body:
            raise Refused("ErrorSchemaValidation", "The request failed schema validation.", is_fault=True)
        messages = []
        for one in body.find(f"{M}ItemIds"):
            item = self._items.get(one.get("Id", "")) or self._occurrences.get(one.get("Id", ""))
            if item is None:
                messages.append(message_of("GetItem", e("m:Items"), code="ErrorItemNotFound"))
            elif item.id in self.broken:
                messages.append(message_of("GetItem", e("m:Items"), code=self.broken_code))
            else:
                element = self._item_element(item, wanted)
                text = element.find(f"{T}Body")
                if text is not None and item.id in self.broken_texts:
                    messages.append(message_of("GetItem", e("m:Items"), code="ErrorInternalServerError"))
                    continue
                if text is not None and most and len(text.text or "") > int(most):
                    text.text = (text.text or "")[: int(most)]
                messages.append(message_of("GetItem", e("m:Items", element)))
        return response_of("GetItem", *messages)

    def _find_item(self, body: Element) -> Element:
        wanted = _wanted(body, "ItemShape")
        self._check_listed(wanted)
        offset, most = _page_of(body.find(f"{M}IndexedPageItemView"))
        restriction = body.find(f"{M}Restriction")
        messages = []
        for one in body.find(f"{M}ParentFolderIds"):
            folder = self._folder_of(one)
            found = [
                item
                for item in self._items.values()
                if item.folder == folder.id and (restriction is None or _meets(item.element, restriction[0]))
            ]
            if body.find(f"{M}SortOrder") is not None:
                found.sort(key=lambda item: item.element.findtext(f"{T}DateTimeReceived") or "", reverse=True)
            page = [self._item_element(item, wanted) for item in found[offset : offset + most]]
            root = e("m:RootFolder", e("t:Items", *page), **_paging(offset, len(page), len(found)))
            messages.append(message_of("FindItem", root))
        return response_of("FindItem", *messages)

    def _create_item(self, body: Element) -> Element:
        if body.get("MessageDisposition") != "SaveOnly":
            return self._send(body)
        folder = self._folder_of(body.find(f"{M}SavedItemFolderId")[0])
        element = deepcopy(body.find(f"{M}Items")[0])
        if element.find(f"{T}ItemId") is not None:
            raise Refused("ErrorInvalidPropertySet")
        id_ = self.add(folder.id, element)
        self._settle_task(self._items[id_])
        return response_of(
            "CreateItem",
            message_of(
                "CreateItem",
                e("m:Items", e(f"t:{element.tag.removeprefix(T)}", self._id_element(self._items[id_]))),
            ),
        )

    def _send(self, body: Element) -> Element:
        """Take a mail to whom its own headers name, who is the user themself in these tests; a copy stays."""
        content = body.find(f"{M}Items/{T}Message/{T}MimeContent")
        if body.get("MessageDisposition") != "SendAndSaveCopy" or content is None:
            raise Refused("ErrorInvalidSendItemSaveSettings")
        folder = self._folder_of(body.find(f"{M}SavedItemFolderId")[0])
        raw = base64.b64decode(content.text, validate=True)
        mail = message_from_bytes(raw, policy=default)
        if parseaddr(mail["From"])[1].lower() != self.user.lower():
            raise Refused("ErrorSendAsDenied", "The user account does not have the right to send as another.")
        self.sent.append(raw)
        copy = e(
            "t:Message",
            e("t:ItemClass", "IPM.Note"),
            e("t:Subject", str(mail["Subject"] or "")),
            e("t:DateTimeReceived", self._instant()),
            e("t:IsDraft", "false"),
            e("t:DateTimeSent", self._instant()),
            e("t:InternetMessageId", str(mail["Message-ID"] or f"<{len(self.sent)}@exchange.test>")),
        )
        if self.keeps_copies:
            self.add(folder.id, copy)
        return response_of("CreateItem", message_of("CreateItem", e("m:Items")))

    def _update_item(self, body: Element) -> Element:
        change = body.find(f"{M}ItemChanges/{T}ItemChange")
        one = change.find(f"{T}ItemId")
        item = self._items.get(one.get("Id", ""))
        if item is None:
            raise Refused("ErrorItemNotFound", "The specified object was not found in the store.")
        if not one.get("ChangeKey"):
            raise Refused("ErrorChangeKeyRequiredForWriteOperations")
        if one.get("ChangeKey") != _change_key(item) and body.get("ConflictResolution") != "AlwaysOverwrite":
            raise Refused("ErrorIrresolvableConflict", "The send or update operation could not be performed.")
        for update in change.find(f"{T}Updates"):
            self._apply(item.element, update)
        self._settle_task(item)
        self._written(item)
        kind = item.element.tag.removeprefix(T)
        found = message_of(
            "UpdateItem",
            e("m:Items", e(f"t:{kind}", self._id_element(item))),
            e("m:ConflictResults", e("t:Count", "0")),
        )
        return response_of("UpdateItem", found)

    @staticmethod
    def _apply(element: Element, update: Element) -> None:
        path = update[0]
        if path.tag == f"{T}FieldURI":
            name = path.get("FieldURI").rpartition(":")[2]
            for old in element.findall(f"{T}{name}"):
                element.remove(old)
        else:
            for old in element.findall(f"{T}ExtendedProperty"):
                if dict(old[0].attrib) == dict(path.attrib):
                    element.remove(old)
        if update.tag == f"{T}SetItemField":
            element.append(deepcopy(update[1][0]))

    def _settle_task(self, item: Item) -> None:
        """What Exchange makes of a task's state: the day it was completed, without a time, and 100 per cent."""
        element = item.element
        if element.tag != f"{T}Task":
            return
        status = element.findtext(f"{T}Status") or "NotStarted"
        was_done = element.findtext(f"{T}IsComplete") == "true"
        for name in ("Status", "PercentComplete", "IsComplete"):
            for old in element.findall(f"{T}{name}"):
                element.remove(old)
        is_done = status == "Completed"
        element.extend(
            [
                e("t:Status", status),
                e("t:PercentComplete", "100" if is_done else "0"),
                e("t:IsComplete", "true" if is_done else "false"),
            ]
        )
        if is_done and not was_done:
            element.append(e("t:CompleteDate", f"{self.clock.now():%Y-%m-%dT00:00:00Z}"))
        for old in element.findall(f"{T}CompleteDate") if not is_done else ():
            element.remove(old)

    def _subscribe(self, body: Element) -> Element:
        return self.subscriptions.subscribe(body, lambda one: self._folder_of(one).id)

    def _unsubscribe(self, body: Element) -> Element:
        return self.subscriptions.unsubscribe(body)

    def _stream(self, body: Element) -> Element | Iterator[Element]:
        return self.subscriptions.stream(body)

    # ------ parts

    def _check_listed(self, wanted: Sequence[str]) -> None:
        if wrong := _ONLY_BY_GET & set(wanted):
            raise Refused(
                "ErrorInvalidPropertyRequest",
                f"{min(wrong)} can not be used for this type of request.",
                is_fault=True,
            )

    def _item_element(self, item: Item, wanted: Sequence[str]) -> Element:
        made = e(f"t:{item.element.tag.removeprefix(T)}", self._id_element(item))
        names = set(wanted)
        parts = [one for one in item.element if one.tag.removeprefix(T) in names - {"ExtendedProperty"}]
        for name in names:
            if name.startswith("property "):
                parts += [
                    one
                    for one in item.element.findall(f"{T}ExtendedProperty")
                    if _property_key(one[0]) == name
                ]
        if "TextBody" in names and item.element.find(f"{T}Body") is not None:
            parts.append(e("t:TextBody", item.element.findtext(f"{T}Body") or "", BodyType="Text"))
        if "DateTimeCreated" in names:
            parts = [one for one in parts if one.tag != f"{T}DateTimeCreated"]
            parts.append(e("t:DateTimeCreated", item.element.get("created", self._instant())))
        if "LastModifiedTime" in names:
            parts = [one for one in parts if one.tag != f"{T}LastModifiedTime"]
            parts.append(e("t:LastModifiedTime", item.element.get("modified", self._instant())))
        made.extend(deepcopy(sorted(parts, key=lambda one: _ORDER[one.tag.removeprefix(T)])))
        return made

    def _id_element(self, item: Item) -> Element:
        return e("t:ItemId", Id=item.id, ChangeKey=_change_key(item))

    def _folder_element(self, folder: Folder, wanted: Sequence[str]) -> Element:
        kind = {
            "IPF.Task": "TasksFolder",
            "IPF.Appointment": "CalendarFolder",
            "IPF.Contact": "ContactsFolder",
        }
        names = set(wanted)
        marks = []
        if self.tells_marks and "property 0x670a" in names:
            marks = [
                _extended("0x670a", "SystemTime", folder.latest),
                _extended("0x670b", "Integer", str(folder.count_lost)),
            ]
        if "property 0x10f4" in names and folder.is_hidden:
            marks.append(_extended("0x10f4", "Boolean", "true"))
        return e(
            f"t:{kind.get(folder.holds, 'Folder')}",
            e("t:FolderId", Id=folder.id, ChangeKey="AQAAAA=="),
            e("t:ParentFolderId", Id=folder.parent or self._roles.get("msgfolderroot", folder.id))
            if "ParentFolderId" in names
            else None,
            e("t:FolderClass", folder.holds) if "FolderClass" in names else None,
            e("t:DisplayName", folder.name) if "DisplayName" in names else None,
            *marks,
        )

    def _folder_of(self, one: Element) -> Folder:
        id_ = one.get("Id", "")
        if one.tag == f"{T}DistinguishedFolderId":
            id_ = self._roles.get(id_, "")
        if id_ not in self._folders:
            raise Refused("ErrorFolderNotFound", "The specified folder could not be found in the store.")
        return self._folders[id_]

    def _is_below(self, folder: Folder, top: str) -> bool:
        while folder.parent:
            if folder.parent == top:
                return True
            folder = self._folders[folder.parent]
        return False

    def _state(self, folder: Folder, upto: int) -> str:
        text = json.dumps([self._generation, folder.id, upto])
        return base64.b64encode(text.encode().ljust(900)).decode()

    def _since(self, folder: Folder, state: str) -> int | None:
        """The revision that a sync state stands for; None when it is dead."""
        if not state:
            return 0
        try:
            generation, id_, upto = json.loads(base64.b64decode(state))
        except ValueError:
            return None
        return int(upto) if (generation, id_) == (self._generation, folder.id) else None

    def _written(self, item: Item) -> None:
        item.changed = self._next()
        item.key += 1
        self._stamp(item)
        self._touch(item.folder)
        self._tell("ModifiedEvent", item)

    def _stamp(self, item: Item) -> None:
        # No two changes fall on one tick of the store's own clock.
        item.element.set("modified", self._tick())

    def _touch(self, folder: str) -> None:
        # No two changes fall on one tick of the store's own clock.
        self._folders[folder].latest = self._tick()

    def _tick(self) -> str:
        return f"{self.clock.now() + timedelta(seconds=self._revision):%Y-%m-%dT%H:%M:%SZ}"

    def _next(self) -> int:
        self._revision += 1
        return self._revision

    def _instant(self) -> str:
        return f"{self.clock.now():%Y-%m-%dT%H:%M:%SZ}"

    def _id(self, kind: str) -> str:
        """An id as long as Exchange's, of which the last part alone differs; its letters' case tells ids apart."""
        self._made += 1
        tail = hashlib.sha256(f"{kind} {self._made}".encode()).digest()
        return base64.b64encode(b"mailbox-guid@server ".ljust(80, b"\x00") + tail).decode()


_OPERATIONS: dict[str, Callable[[ExchangeServer, Element], Element | Iterator[Element]]] = {
    "GetFolder": ExchangeServer._get_folder,  # the same module
    "FindFolder": ExchangeServer._find_folder,
    "CreateFolder": ExchangeServer._create_folder,
    "DeleteFolder": ExchangeServer._delete_folder,
    "SyncFolderItems": ExchangeServer._sync,
    "GetItem": ExchangeServer._get_item,
    "FindItem": ExchangeServer._find_item,
    "CreateItem": ExchangeServer._create_item,
    "UpdateItem": ExchangeServer._update_item,
    "Subscribe": ExchangeServer._subscribe,
    "Unsubscribe": ExchangeServer._unsubscribe,
    "GetStreamingEvents": ExchangeServer._stream,
}


def _change_key(item: Item) -> str:
    return base64.b64encode(f"{item.made:08}{item.key:08}".encode()).decode()


def _wanted(body: Element, shape: str) -> list[str]:
    """The names of the properties that are asked for; those without an element as `property …`."""
    found = body.find(f"{M}{shape}/{T}AdditionalProperties")
    names = []
    for one in found if found is not None else ():
        if one.tag == f"{T}FieldURI":
            names.append(one.get("FieldURI").rpartition(":")[2])
        else:
            names.append(_property_key(one))
    return names


def _property_key(uri: Element) -> str:
    return f"property {(uri.get('PropertyTag') or uri.get('PropertyName') or '').lower()}"


def _extended(tag: str, kind: str, value: str) -> Element:
    return e(
        "t:ExtendedProperty", e("t:ExtendedFieldURI", PropertyTag=tag, PropertyType=kind), e("t:Value", value)
    )


def _page_of(view: Element) -> tuple[int, int]:
    offset, most = int(view.get("Offset")), int(view.get("MaxEntriesReturned"))
    if most > 1_000:
        raise Refused("ErrorExceededFindCountLimit")
    return offset, most


def _paging(offset: int, given: int, whole: int) -> dict[str, str]:
    return {
        "IndexedPagingOffset": str(offset + given),
        "TotalItemsInView": str(whole),
        "IncludesLastItemInRange": "true" if offset + given >= whole else "false",
    }


def _meets(element: Element, restriction: Element) -> bool:
    path = restriction[0]
    wanted = restriction.find(f"{T}FieldURIOrConstant/{T}Constant").get("Value")
    if path.tag == f"{T}ExtendedFieldURI":
        values = [
            one.findtext(f"{T}Value")
            for one in element.findall(f"{T}ExtendedProperty")
            if _property_key(one[0]) == _property_key(path)
        ]
        return wanted in values
    value = element.findtext(f"{T}{path.get('FieldURI').rpartition(':')[2]}") or ""
    if restriction.tag == f"{T}IsGreaterThanOrEqualTo":
        return bool(value >= wanted)
    return bool(value == wanted)


# ------ items


def a_task(subject: str, *, due: date | None = None) -> Element:
    """A task that its owner wrote."""
    return e(
        "t:Task",
        e("t:ItemClass", "IPM.Task"),
        e("t:Subject", subject),
        e("t:DueDate", f"{due:%Y-%m-%dT00:00:00Z}") if due else None,
        e("t:Status", "NotStarted"),
        e("t:IsComplete", "false"),
    )

"""A mailbox on an Exchange server of one's own (2013 SP1 to Subscription Edition), asked by EWS; it decides nothing.

Requests are answered by exchangelib's services: `_exchange_services` tells which of the library is used, and why. They
travel over `_exchange_line`, which also tells what an error is.
"""

from base64 import b64encode
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct

from connectors._exchange_elements import (
    Changed,
    Element,
    ItemId,
    Property,
    T,
    change_of,
    extended,
    id_node,
    id_of,
    key_of,
    listed_in,
    node,
    property_of,
    shape_of,
    text_of,
)
from connectors._exchange_line import TRIPPED, Fault, Line, Unspoken, has_tripped, is_gone
from connectors._mail_text import clean
from connectors._withheld import SPARE, TRIES, others_wanted
from schemas.connector import Access
from schemas.errors import Ambiguous, Rejected, Transient

if TYPE_CHECKING:
    from connectors import _exchange_services as ews

S = TypeVar("S")

LATEST = ("0x670a", "SystemTime")
LOST = ("0x670b", "Integer")
HIDDEN = ("0x10f4", "Boolean")
"""When what is in a folder changed last, and how much it has lost (PidTagLocalCommitTimeMax, PidTagDeletedCountTotal); and
whether people see it (PidTagAttributeHidden)."""
CHANGES = 512
"""SyncFolderItems gives no more at once."""
_FOLDERS = 1_000
_MOST_FOLDERS = 10_000
_MOST_OTHERS = 20
"""Items that are asked for to tell one at fault from an outage."""
_NOT_KEPT = frozenset({"trash", "junk", "log"})
_ROLES = {
    "inbox": "inbox",
    "sentitems": "sent",
    "drafts": "drafts",
    "deleteditems": "trash",
    "junkemail": "junk",
    "outbox": "outbox",
    "calendar": "calendar",
    "contacts": "contacts",
    "tasks": "tasks",
    "syncissues": "log",
}


class Folder(Struct, frozen=True):
    """A folder: our short name for it, the server's id, how people call it, what it holds and what it is for.

    `mark` differs once something in it has; empty where the server does not tell. `is_kept` is false for what is among
    deleted items, junk, what Outlook logs about itself, or hidden from people.
    """

    key: str
    id: str
    name: str
    holds: str = ""
    role: str = ""
    mark: str = ""
    is_kept: bool = True


class Synced(Struct, frozen=True):
    """One answer about a folder's changes: up to which state, and whether that is all."""

    changes: tuple[Changed, ...]
    state: str
    is_last: bool


class Exchange:
    """One account's mailbox. Not for two threads at once."""

    def __init__(self, access: Access, take: Callable[[bytes], None] | None = None) -> None:
        """Nothing is sent yet.

        Args:
            take: is handed what comes of answers as it comes, where `listen` alone is asked for.

        Raises:
            Rejected: the URL is none, or one of Microsoft 365.
        """
        self._line = Line(access, take)
        self._mailbox: ews.Mailbox | None = None
        self._cuts_bodies = True

    @property
    def user(self) -> str:
        """Who signs in."""
        return self._line.user

    def offered(self) -> str:
        """The way of signing in that is set, else the safest that the server offers."""
        return self._line.offered()

    def hang_up(self) -> None:
        """End the answer under way, from another thread."""
        self._line.hang_up()

    def close(self) -> None:
        """Let go of the line."""
        self._line.close()

    # ------ folders

    def folders(self, roles: dict[str, str]) -> list[Folder]:
        """Every folder of the mailbox that people see.

        Args:
            roles: what folders are for, by their keys; filled where it names none of them, and kept by the caller.

        Raises:
            Transient: the server names none at all.
        """
        is_asked = not roles
        if is_asked:
            roles |= self._roles()
        found: dict[str, tuple[Element, str]] = {}
        for element in self._found_folders():
            one, parent = element.find(f"{T}FolderId"), element.find(f"{T}ParentFolderId")
            if one is not None and one.get("Id"):
                found[one.get("Id")] = (element, parent.get("Id", "") if parent is not None else "")
        if not found:
            raise Transient(f"{self._line.host} names no folder at all. Kith tries again later.")
        if not is_asked and not roles.keys() & set(map(key_of, found)):
            # Another mailbox is there now; what the folders of the other were for is still of use to tell what is gone.
            roles |= self._roles()
        return [_folder(id_, element, roles, found) for id_, (element, _) in found.items()]

    def _found_folders(self) -> Iterator[Element]:
        from connectors._exchange_services import FindFolder  # noqa: PLC0415

        offset = 0
        while True:
            payload = node(
                "m:FindFolder",
                shape_of(
                    "m:FolderShape",
                    (
                        "folder:FolderClass",
                        "folder:DisplayName",
                        "folder:ParentFolderId",
                        LATEST,
                        LOST,
                        HIDDEN,
                    ),
                ),
                node(
                    "m:IndexedPageFolderView",
                    MaxEntriesReturned=str(_FOLDERS),
                    Offset=str(offset),
                    BasePoint="Beginning",
                ),
                node("m:ParentFolderIds", node("t:DistinguishedFolderId", Id="msgfolderroot")),
                Traversal="Deep",
            )
            page, following = self._one(FindFolder, payload)
            yield from listed_in(page, "Folders")
            if following is None:
                return
            self._check_goes_on(following > offset)
            offset = following
            if offset > _MOST_FOLDERS:
                raise Rejected(f"{self._line.host} names more than {_MOST_FOLDERS:,} folders; none is read.")

    def _roles(self) -> dict[str, str]:
        """What folders are for, by their keys; the folder of all folders has the role `root`."""
        from connectors._exchange_services import GetFolder  # noqa: PLC0415

        names = {**_ROLES, "msgfolderroot": "root"}
        payload = node(
            "m:GetFolder",
            shape_of("m:FolderShape", ()),
            node("m:FolderIds", *(node("t:DistinguishedFolderId", Id=name) for name in names)),
        )
        answers = self._ask(GetFolder, payload)
        roles: dict[str, str] = {}
        for role, one in zip(names.values(), answers, strict=False):
            if isinstance(one, Exception):
                # A mailbox need not have every one; but of one that cannot be read at all none can be.
                if not is_gone(one):
                    raise self._line.trouble(one)
                continue
            id_ = one.find(f"{T}FolderId")
            if id_ is not None:
                roles[key_of(id_.get("Id", ""))] = role
        return roles

    def make_folder(self, name: str, parent: str, element: str) -> Folder:
        """Make a folder below a distinguished one; `element` is what it is made of, `TasksFolder` say."""
        from connectors._exchange_services import CreateFolder  # noqa: PLC0415

        payload = node(
            "m:CreateFolder",
            node("m:ParentFolderId", node("t:DistinguishedFolderId", Id=parent)),
            node("m:Folders", node(f"t:{element}", node("t:DisplayName", name))),
        )
        made = self._one(CreateFolder, payload, is_write=True)
        id_ = made.find(f"{T}FolderId").get("Id", "")
        return Folder(key_of(id_), id_, name)

    # ------ items

    def changes(self, folder: str, state: str, properties: Sequence[Property]) -> Synced:
        """What changed in a folder since a state, or all of it; read marks are no change.

        Raises:
            CursorExpired: the state is dead.
        """
        from connectors._exchange_services import SyncItems  # noqa: PLC0415

        payload = node(
            "m:SyncFolderItems",
            shape_of("m:ItemShape", properties),
            node("m:SyncFolderId", node("t:FolderId", Id=folder)),
            node("m:SyncState", state) if state else None,
            node("m:MaxChangesReturned", CHANGES),
            node("m:SyncScope", "NormalItems"),
        )
        service = self._service(SyncItems)
        found = self._ask_of(service, payload)
        for one in found:
            if isinstance(one, Exception):
                raise self._line.trouble(one)
        if not service.sync_state:
            raise Transient(f"{self._line.host} told changes without saying up to where. Kith tries again.")
        self._check_goes_on(service.includes_last_item_in_range or service.sync_state != state)
        changes = [change for element in found if (change := change_of(element)) is not None]
        return Synced(tuple(changes), service.sync_state, service.includes_last_item_in_range)

    def items(
        self,
        ids: Sequence[ItemId],
        properties: Sequence[Property],
        *,
        body: int = 0,
        beside: Sequence[str] = (),
    ) -> list[Element | Fault]:
        """Items by their ids, in that order; one at which the server fails each time, while it hands out others, is a fault.

        Args:
            body: how much of a body may come, in bytes, where the properties name it.
            beside: folders whose items judge one that was asked for alone.
        """
        if not ids:
            return []
        try:
            found = self._got(ids, properties, body if self._cuts_bodies else 0)
        except Unspoken:
            if not body or not self._cuts_bodies:
                raise
            # Bodies are cut by the server only where it is new enough for that.
            self._cuts_bodies = False
            found = self._got(ids, properties, 0)
        if len(found) != len(ids):
            raise Transient(
                f"{self._line.host} answered for other items than were asked for. Kith tries again."
            )
        cut = body if self._cuts_bodies else 0
        tripped = [place for place, one in enumerate(found) if has_tripped(one)]
        if tripped and self._hands_out_others(
            ids, len(tripped), partial(self._got, properties=properties, body=cut), beside
        ):
            for place in tripped:
                found[place] = self._got_alone(ids[place], properties, cut)
        return [self._line.fault(one) if isinstance(one, Exception) else one for one in found]

    def _hands_out_others(
        self,
        ids: Sequence[ItemId],
        failed: int,
        got: Callable[[Sequence[ItemId]], list[Any]],
        beside: Sequence[str],
    ) -> bool:
        """Whether so many others come that those of these which failed are at fault themselves."""
        wanted = others_wanted(failed, len(ids) - failed)
        if not wanted or not beside or wanted > _MOST_OTHERS:
            return not wanted
        found, _ = self.find(beside, (), most=wanted + SPARE + len(ids))
        asked = {one.id for one in ids}
        others = [one for one in map(id_of, found) if one.id not in asked][: wanted + SPARE]
        return bool(others) and sum(not isinstance(one, Exception) for one in got(others)) >= wanted

    def _got_alone(self, item: ItemId, properties: Sequence[Property], body: int) -> Any:
        """An item that failed among others, asked for again."""
        for _ in range(TRIES - 1):
            answers = self._got([item], properties, body)
            if answers and not has_tripped(answers[0]):
                return answers[0]
        return Fault(TRIPPED)

    def _got(self, ids: Collection[ItemId], properties: Sequence[Property], body: int) -> list[Any]:
        from connectors._exchange_services import GetItem  # noqa: PLC0415

        shape = shape_of("m:ItemShape", properties, body)
        return self._ask(GetItem, node("m:GetItem", shape, node("m:ItemIds", *map(id_node, ids))))

    def find(
        self,
        folders: Sequence[str],
        properties: Sequence[Property],
        *,
        restriction: Element = None,
        latest_first: str = "",
        most: int = 1,
        offset: int = 0,
    ) -> tuple[list[Element], int | None]:
        """Items of one folder, or of some that are looked at together, and where the next page begins.

        Args:
            folders: their ids, or the names of distinguished ones.
            latest_first: a property to sort by.
        """
        from connectors._exchange_services import FindItem  # noqa: PLC0415

        order = None
        if latest_first:
            order = node("m:SortOrder", node("t:FieldOrder", property_of(latest_first), Order="Descending"))
        payload = node(
            "m:FindItem",
            shape_of("m:ItemShape", properties),
            node(
                "m:IndexedPageItemView",
                MaxEntriesReturned=str(most),
                Offset=str(offset),
                BasePoint="Beginning",
            ),
            node("m:Restriction", restriction) if restriction is not None else None,
            order,
            node("m:ParentFolderIds", *map(_folder_node, folders)),
            Traversal="Shallow",
        )
        found: list[Element] = []
        following: int | None = None
        for answer in self._ask(FindItem, payload):
            page, after = answer if isinstance(answer, tuple) else (answer, None)
            if isinstance(page, Exception):
                raise self._line.trouble(page)
            following = after if after is not None else following
            found += listed_in(page, "Items")
        self._check_goes_on(following is None or following > offset)
        return found, following

    def create(self, folder: str, item: Element) -> ItemId:
        """Make an item; the caller has looked before whether there is one."""
        from connectors._exchange_services import CreateItem  # noqa: PLC0415

        payload = node(
            "m:CreateItem",
            node("m:SavedItemFolderId", _folder_node(folder)),
            node("m:Items", item),
            MessageDisposition="SaveOnly",
            SendMeetingInvitations="SendToNone",
        )
        return id_of(self._one(CreateItem, payload, is_write=True))

    def send(self, mail: bytes, folder: str) -> None:
        """Send a mail as it is written to whom it names, and keep a copy in a folder; the caller has looked before."""
        from connectors._exchange_services import CreateItem  # noqa: PLC0415

        content = node("t:MimeContent", b64encode(mail).decode(), CharacterSet="UTF-8")
        payload = node(
            "m:CreateItem",
            node("m:SavedItemFolderId", _folder_node(folder)),
            node("m:Items", node("t:Message", content)),
            MessageDisposition="SendAndSaveCopy",
        )
        # Of what was sent Exchange tells no id.
        for answer in self._ask(CreateItem, payload, is_write=True) or [None]:
            self._judge(answer)

    def update(self, item: ItemId, changes: Sequence[Element]) -> ItemId:
        """Change an item, as it was in that version.

        Raises:
            Conflict: it is in another one now.
        """
        from connectors._exchange_services import UpdateItem  # noqa: PLC0415

        payload = node(
            "m:UpdateItem",
            node("m:ItemChanges", node("t:ItemChange", id_node(item), node("t:Updates", *changes))),
            ConflictResolution="NeverOverwrite",
            MessageDisposition="SaveOnly",
            SendMeetingInvitationsOrCancellations="SendToNone",
        )
        return id_of(self._one(UpdateItem, payload, is_write=True))

    # ------ news

    def subscribe(self, roles: Sequence[str], events: Sequence[str]) -> str:
        """Have events in distinguished folders told; the subscription's name."""
        from connectors._exchange_services import Subscribe  # noqa: PLC0415

        payload = node(
            "m:Subscribe",
            node(
                "m:StreamingSubscriptionRequest",
                node("t:FolderIds", *(node("t:DistinguishedFolderId", Id=one) for one in roles)),
                node("t:EventTypes", *(node("t:EventType", one) for one in events)),
            ),
        )
        return self._one(Subscribe, payload).text or ""

    def unsubscribe(self, subscription: str) -> None:
        """Have them told no more."""
        from connectors._exchange_services import Unsubscribe  # noqa: PLC0415

        self._ask(Unsubscribe, node("m:Unsubscribe", node("m:SubscriptionId", subscription)))

    def listen(self, subscription: str, minutes: int) -> bytes:
        """Ask for what happens, until the server ends the answer; what of it was not taken as it came."""
        from connectors._exchange_services import StreamEvents  # noqa: PLC0415

        payload = node(
            "m:GetStreamingEvents",
            node("m:SubscriptionIds", node("t:SubscriptionId", subscription)),
            node("m:ConnectionTimeout", minutes),
        )
        return self._line.post(*self._service(StreamEvents).request(payload))

    def told(self, envelope: bytes) -> "ews.Told":
        """What one envelope of such an answer says.

        Raises:
            Missing: the subscription is no more.
        """
        from connectors._exchange_services import StreamEvents  # noqa: PLC0415

        with self._understood():
            told = self._service(StreamEvents).told(envelope)
        if told.error is not None:
            raise self._line.trouble(told.error)
        return told

    # ------ one exchange

    def _service(self, kind: type[S]) -> S:
        if self._mailbox is None:
            from connectors._exchange_services import Mailbox  # noqa: PLC0415

            address = self._line.user if "@" in self._line.user else ""
            self._mailbox = Mailbox(self._line.url, address, self._line.post)
        return kind(account=self._mailbox)  # type: ignore[call-arg]  # what every service takes

    def _ask(self, kind: type[Any], payload: Element, *, is_write: bool = False) -> list[Any]:
        return self._ask_of(self._service(kind), payload, is_write=is_write)

    def _ask_of(self, service: Any, payload: Element, *, is_write: bool = False) -> list[Any]:
        self._line.is_write = is_write
        with self._understood():
            return list(service.ask(payload))

    @contextmanager
    def _understood(self) -> Iterator[None]:
        """What the library makes of an answer, or why it makes nothing of it as an error of `schemas.errors`."""
        from connectors._exchange_services import EWSError, Garbled  # noqa: PLC0415

        try:
            yield
        except EWSError as error:
            raise self._line.trouble(error) from None
        except (Garbled, ValueError, TypeError, AttributeError, KeyError) as error:
            # What the library trips over is no answer of EWS.
            said = "sent an answer that is not EWS, or not a whole one"
            if self._line.is_write:
                raise Ambiguous(f"{self._line.host} {said}, to a write; it may have happened.") from error
            raise Transient(f"{self._line.host} {said}. Kith tries again.") from error

    def _one(self, kind: type[Any], payload: Element, *, is_write: bool = False) -> Any:
        """The one element that was asked for."""
        found = self._ask(kind, payload, is_write=is_write)
        first = found[0] if found else None
        self._judge(None if isinstance(first, bool) else first)
        return first

    def _check_goes_on(self, goes_on: bool) -> None:
        """That a listing comes to its end some time."""
        if not goes_on:
            raise Transient(f"{self._line.host} gives the same page again and again. Kith tries again later.")

    def _judge(self, answer: Any) -> None:
        """Raise what an answer says was in the way."""
        trouble = answer[0] if isinstance(answer, tuple) else answer
        if isinstance(trouble, Exception):
            raise self._line.trouble(trouble)
        if answer is not None:
            return
        if self._line.is_write:
            raise Ambiguous(f"{self._line.host} left the answer to a write out; it may have happened.")
        raise Transient(f"{self._line.host} left the answer out. Kith tries again.")


def _folder_node(folder: str) -> Element:
    kind = "DistinguishedFolderId" if folder in _ROLES else "FolderId"
    return node(f"t:{kind}", Id=folder)


def _folder(
    id_: str, element: Element, roles: Mapping[str, str], found: Mapping[str, tuple[Element, str]]
) -> Folder:
    latest, lost = extended(element, LATEST), extended(element, LOST)
    above, role = id_, ""
    is_kept = True
    for _ in range(100):
        # Below the deleted items everything is deleted, below junk everything is junk.
        role = roles.get(key_of(above), "")
        is_hidden = above in found and extended(found[above][0], HIDDEN).lower() in {"true", "1"}
        if role in _NOT_KEPT or is_hidden:
            is_kept = False
        above = found[above][1] if above in found else ""
        if not above or not is_kept:
            break
    own = roles.get(key_of(id_), "") or (role if not is_kept else "")
    return Folder(
        key_of(id_),
        id_,
        clean(text_of(element, "DisplayName"))[:200] or "?",
        text_of(element, "FolderClass"),
        own,
        f"{latest} {lost}" if latest and lost else "",
        is_kept,
    )


def opened(access: Access, use: Callable[[Exchange], S]) -> S:
    """What is made of an account's line, which is let go of afterwards."""
    line = Exchange(access)
    try:
        return use(line)
    finally:
        line.close()

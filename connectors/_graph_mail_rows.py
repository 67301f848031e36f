"""Rows of a mailbox at Microsoft Graph to letters: what is read of each message, and what has to be asked for beside it.

A list brings header blocks by the hundred. Of mail from humans to humans the text is asked for as well, twenty messages
in a request; of a delivery report its MIME; of nothing else anything. A message that Graph will not hand out further
counts with what is known of it: who wrote to whom is known all the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from urllib.parse import quote

from msgspec import Raw, Struct, structs

from connectors._graph import BATCH, Ask, Graph, Rows, Said
from connectors._graph_folders import Folder
from connectors._graph_items import Withheld, items
from connectors._graph_letters import (
    ANSWERED,
    REFERRED,
    SELECT,
    Letter,
    Letters,
    Mail,
    Rest,
    author_of,
    faulty,
    has_headers,
    head_of,
    letter_of,
    mail_in,
    name_in,
    nature_in,
    number_of,
    with_text,
)
from connectors._http import TooLarge
from connectors._mime import BODY_BYTES, Terms
from schemas.connector import Access, Skipped
from schemas.errors import Missing, Rejected, Transient
from schemas.records import Nature

_DAY = timedelta(days=1)
_SIZES = (100, 10, 1)
"""Rows of a page: as many as are asked for, and fewer where that would be more than an answer may hold."""
_AS_TEXT = 'outlook.body-content-type="text"'
_EXPAND = f"singleValueExtendedProperties($filter=id eq '{ANSWERED}' or id eq '{REFERRED}')"
_WITHHELD = 20
"""After so many messages whose headers Graph did not give when asked, it is not asked for others'."""


class Sorted(Struct, frozen=True):
    """One page: what is to be read of it, the numbers that it accounts for, and the ids of what has left."""

    job: Letters
    read: list[int]
    leaving: list[str]


class _Draft(Struct):
    """A message on the way to its letter."""

    mail: Mail
    is_own: bool
    head: bytes = b""
    body: bytes = b""
    nature: Nature | None = None
    rest: Rest = Rest()
    is_gone: bool = False
    fault: str = ""


class Mailbox:
    """One mailbox, read under the terms of one pull."""

    def __init__(self, access: Access, graph: Graph, terms: Terms, *, turn: int, headers_only: bool) -> None:
        """Nothing is asked yet."""
        self.graph = graph
        self._access = access
        self._terms = terms
        self._turn = turn
        self._headers_only = headers_only
        self._own = _own_addresses(access)
        self._withheld = 0
        self._left_out: set[int] = set()
        """What is not taken in, for its own date or as Graph does not hand it out: it counts as read no more than it is, as
        the owner may name an earlier day, and Graph may have it again."""

    # ------ asking

    def rows(self, path: str, query: Mapping[str, str] | None = None) -> Rows:
        """One page; of fewer rows where those are too large."""
        for size in _SIZES[:-1]:
            try:
                return self.graph.get(path, Rows, query, prefer=[_sized(size)])
            except TooLarge:
                continue
        return self.graph.get(path, Rows, query, prefer=[_sized(_SIZES[-1])])

    def batch(self, asks: Sequence[Ask]) -> list[Said]:
        """What each was told; where that is too much in one answer, by halves."""
        said: list[Said] = []
        for begin in range(0, len(asks), BATCH):
            some = asks[begin : begin + BATCH]
            try:
                said += self.graph.batch(some)
            except TooLarge as error:
                half = len(some) // 2
                halves = [*self.batch(some[:half]), *self.batch(some[half:])] if half else []
                said += halves or [Said(0, error=error)]
        return said

    def mails(self, ids: Sequence[str]) -> list[Said]:
        """Messages by their ids, each asked for alone."""
        return self._items([Ask(_way(one), query={"$select": SELECT}) for one in ids])

    def _items(self, asks: Sequence[Ask], end: str = "") -> list[Said]:
        """What messages asked for each by itself were told; those that fail are judged by the newest others.

        Args:
            end: what of a message is asked for.
        """
        asked = {ask.path for ask in asks}

        def others(count: int) -> list[Ask]:
            newest = {"$select": "id", "$orderby": "receivedDateTime desc", "$top": str(count + len(asks))}
            rows = self.graph.get("me/messages", Rows, newest).value
            ways = [way for row in rows if (way := f"{_way(name_in(row))}{end}") not in asked]
            return [structs.replace(asks[0], path=way) for way in ways[:count]]

        return items(self._each if end else self.batch, asks, others)

    def _each(self, asks: Sequence[Ask]) -> list[Said]:
        """What each was told outside of a batch, whose answers are all JSON."""
        said: list[Said] = []
        for ask in asks:
            try:
                said.append(Said(200, self.graph.send("GET", ask.path).body))
            except (Missing, Transient) as error:
                said.append(Said(0, error=error))
        return said

    # ------ sorting

    def sort(self, folder: Folder, rows: Sequence[Raw], taken: set[int]) -> Sorted:
        """What a page of a folder brings, beside what was taken before; what is new is taken then."""
        faults: list[Letter] = []
        mails: list[Mail] = []
        partial: list[str] = []
        read: list[int] = []
        leaving: list[str] = []
        for row in rows:
            mail = mail_in(row)
            number = number_of(mail.id if mail is not None else name_in(row))
            if mail is None:
                read.append(number)
                if number not in taken:
                    faults.append(faulty(number))
            elif mail.is_removed:
                if number in taken:
                    leaving.append(mail.id)
            elif number in taken:
                if number not in self._left_out:
                    read.append(number)
            elif mail.is_partial:
                partial.append(mail.id)
            else:
                mails.append(mail)
        new = self.take(folder, [*mails, *self._whole(folder, partial, taken, faults)], taken, faults)
        return Sorted(new.job, [*read, *new.read], leaving)

    def take(
        self, folder: Folder, mails: Iterable[Mail], taken: set[int], faults: Iterable[Letter] = ()
    ) -> Sorted:
        """The messages that are to be read, each once, with all that is read of them."""
        kept: dict[str, Mail] = {}
        skips: dict[str, int] = {}
        since = self._terms.since
        for mail in mails:
            if mail.is_draft:
                skips["draft"] = skips.get("draft", 0) + 1
            elif since is not None and mail.received is not None and mail.received < since - _DAY:
                skips["before --since"] = skips.get("before --since", 0) + 1
            elif number_of(mail.id) not in taken:
                kept[mail.id] = mail
        drafts = self._drafts(folder, kept.values())
        letters = [
            Letter(number_of(draft.mail.id), fault=draft.fault)
            if draft.fault
            else letter_of(draft.mail, draft.head, draft.body)
            for draft in drafts
        ]
        taken.update(one.number for one in letters)
        self._left_out |= {
            number_of(draft.mail.id) for draft in drafts if draft.nature is None or draft.fault
        }
        read = [one.number for one in letters if one.number not in self._left_out]
        whole = (*faults, *letters)
        skipped = tuple(Skipped(reason, count) for reason, count in skips.items())
        job = Letters(self._access.read_text, self._terms, folder.path, self._turn, whole, skipped)
        return Sorted(job, read, [])

    def _whole(self, folder: Folder, ids: Sequence[str], taken: set[int], faults: list[Letter]) -> list[Mail]:
        """Messages of which only a change was told, and which are not held: a draft that was sent, say."""
        found: list[Mail] = []
        for one, said in zip(ids, self.mails(ids), strict=True):
            if isinstance(said.error, Withheld):
                faults.append(Letter(number_of(one), fault=str(said.error)))
                taken.add(number_of(one))
                self._left_out.add(number_of(one))
                continue
            mail = None if isinstance(said.error, Missing) else mail_in(Raw(said.told()))
            if mail is not None and mail.parent_folder_id == folder.id:
                found.append(mail)
        return found

    # ------ what a list leaves out

    def _drafts(self, folder: Folder, mails: Iterable[Mail]) -> list[_Draft]:
        drafts = [_Draft(mail, folder.role == "sent" or author_of(mail) in self._own) for mail in mails]
        for draft in drafts:
            self._judge(draft)
        asks = [(draft, ask) for draft in drafts if (ask := self._rest_of(draft)) is not None]
        for (draft, _), said in zip(asks, self._items([ask for _, ask in asks]), strict=True):
            self._fill(draft, said)
        if not self._headers_only:
            for draft in drafts:
                if draft.nature == "bounce":
                    self._fill_report(draft)
        return [draft for draft in drafts if not draft.is_gone]

    def _judge(self, draft: _Draft) -> None:
        draft.head = head_of(
            draft.mail,
            self._own[0] if self._own else "",
            is_own=draft.is_own,
            with_index=self._headers_only,
            extended=draft.rest.extended,
        )
        draft.nature = nature_in(draft.head, self._terms)

    def _wants_text(self, draft: _Draft) -> bool:
        return draft.nature == "personal" and not self._headers_only

    def _lacks_headers(self, draft: _Draft) -> bool:
        if draft.is_own or draft.nature is None or self._withheld >= _WITHHELD:
            return False
        return not has_headers(draft.mail)

    def _rest_of(self, draft: _Draft) -> Ask | None:
        """What is still to be asked for of a message; None where nothing is."""
        names = ["internetMessageHeaders"] if self._lacks_headers(draft) else []
        if self._wants_text(draft):
            names.append("body")
        if not names:
            return None
        query = {"$select": ",".join(names)}
        if draft.is_own and "body" in names:
            query["$expand"] = _EXPAND
        return Ask(_way(draft.mail.id), query=query, prefer=(_AS_TEXT,))

    def _fill(self, draft: _Draft, said: Said) -> None:
        lacked = self._lacks_headers(draft)
        if isinstance(said.error, Missing):
            draft.is_gone = True
            return
        if isinstance(said.error, Withheld):
            draft.fault = str(said.error)
            return
        if not isinstance(said.error, Rejected):
            draft.rest = said.read(Rest)
        headers = draft.rest.internet_message_headers
        if headers:
            draft.mail = structs.replace(draft.mail, internet_message_headers=headers)
        if headers or draft.rest.extended:
            self._judge(draft)
        if lacked:
            self._withheld = 0 if has_headers(draft.mail) else self._withheld + 1
        if self._wants_text(draft):
            draft.head, draft.body = with_text(draft.head, draft.rest.body)

    def _fill_report(self, draft: _Draft) -> None:
        """The body of a delivery report as it came: which address is gone stands in a part that is no text."""
        try:
            (said,) = self._items([Ask(f"{_way(draft.mail.id)}/$value")], "/$value")
        except Rejected:
            return
        if isinstance(said.error, Withheld):
            draft.fault = str(said.error)
        elif not isinstance(said.error, Missing):
            draft.body = said.told().replace(b"\r\n", b"\n").partition(b"\n\n")[2][:BODY_BYTES]


def delta_ask(link: str) -> Ask:
    """The request for the first page of a delta that is followed."""
    return Ask(link, prefer=(_sized(_SIZES[0]),))


def _sized(size: int) -> str:
    return f"odata.maxpagesize={size}"


def _way(one: str) -> str:
    return f"me/messages/{quote(one, safe='')}"


def _own_addresses(access: Access) -> tuple[str, ...]:
    """The owner's addresses, that of the account first."""
    given = (access.settings.get("user"), *(access.settings.get("owner_emails") or ()))
    return tuple(dict.fromkeys(str(one).strip().lower() for one in given if one and "@" in str(one)))

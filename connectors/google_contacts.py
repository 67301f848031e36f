"""Google Contacts by the People API to contacts, as address books of cards tell them; it never writes.

https://developers.google.com/people/v1/contacts and /api/rest/v1/people.connections/list, read 2026-11. Contacts are read
by sync tokens that end seven days after all was read; then all is read again, and what is known and not there any more
goes. Of a contact that is merged into another the former name goes. "Other contacts", whom Google gathers from mail, are
read where the sign-in was given the permission, which Kith does not ask for.

Promises: incremental: done, by sync tokens. tombstones: done. paging: done. 429: done. re-consent: done, also where a
permission was not given. wrong account: none here, because the sign-in compares it. revocation: none here, likewise.
"""

from collections.abc import Generator, Iterable, Iterator
from datetime import timedelta
from typing import Literal

import msgspec
from msgspec import Raw, Struct, field

from connectors._google import PEOPLE, Api, is_granted, require, scope
from connectors._holdings import suspicious
from connectors._mail_text import clean
from connectors._vcard import Book, Property, escaped, read_contact
from schemas.connector import (
    Access,
    Change,
    Collection,
    ConnectorSpec,
    Page,
    Quota,
    Skipped,
    Source,
    Survey,
    Tombstone,
    Unreadable,
    Upsert,
)
from schemas.errors import CursorExpired, SuspiciousSnapshot
from schemas.ids import Cursor, ExternalId, StreamName

STREAM = StreamName("contacts")
PAGE_SIZE = 500
"""Changes in a page at most."""
Mode = Literal["delta", "snapshot"]
_TITLE = "Google Contacts"
_QUOTA = Quota("people", 90, timedelta(minutes=1))
"""What the console shows for reads of one user, where nobody asked for more (reported 2026-10)."""
_OTHERS_READ = "contacts.other.readonly"
_LISTED = 1_000
_MOST_VALUES = 100
_PERSON = (
    "resourceName,metadata(deleted,previousResourceNames,sources(type,id,updateTime)),names/displayName,"
    "emailAddresses/value,phoneNumbers(value,canonicalForm)"
)


# ------ the wire


class _Source(Struct, frozen=True, rename="camel"):
    type: str = ""
    id: str = ""
    update_time: str = ""


class _Metadata(Struct, frozen=True, rename="camel"):
    deleted: bool = False
    previous_resource_names: tuple[str, ...] = ()
    sources: tuple[_Source, ...] = ()


class _Name(Struct, frozen=True, rename="camel"):
    display_name: str = ""


class _Value(Struct, frozen=True):
    value: str = ""


class _Phone(Struct, frozen=True, rename="camel"):
    value: str = ""
    canonical_form: str = ""


class _Organization(Struct, frozen=True, rename="camel"):
    name: str = ""
    title: str = ""
    current: bool = False


class _Person(Struct, frozen=True, rename="camel"):
    """A contact (https://developers.google.com/people/api/rest/v1/people#Person)."""

    resource_name: str
    metadata: _Metadata = _Metadata()
    names: tuple[_Name, ...] = ()
    nicknames: tuple[_Value, ...] = ()
    email_addresses: tuple[_Value, ...] = ()
    phone_numbers: tuple[_Phone, ...] = ()
    organizations: tuple[_Organization, ...] = ()
    urls: tuple[_Value, ...] = ()


class _Named(Struct, frozen=True, rename="camel"):
    resource_name: str = ""


class _Answer(Struct, frozen=True, rename="camel"):
    connections: tuple[Raw, ...] = ()
    other_contacts: tuple[Raw, ...] = ()
    next_page_token: str = ""
    next_sync_token: str = ""


class _Total(Struct, frozen=True, rename="camel"):
    total_items: int = 0


class _Feed(Struct, frozen=True):
    """A list of people that has a sync token of its own; with a token the query must be what the token was given for."""

    path: str
    query: dict[str, object]
    mask: str
    stream: StreamName


_CONTACTS = _Feed(
    "v1/people/me/connections",
    {
        "personFields": "metadata,names,nicknames,emailAddresses,phoneNumbers,organizations,urls",
        "sources": ("READ_SOURCE_TYPE_CONTACT",),
    },
    f"connections({_PERSON},nicknames/value,organizations(name,title,current),urls/value)",
    STREAM,
)
_OTHERS = _Feed(
    "v1/otherContacts",
    {"readMask": "metadata,names,emailAddresses,phoneNumbers"},
    f"otherContacts({_PERSON})",
    StreamName(f"{STREAM}/other"),
)


# ------ reading


class _Held(Struct):
    """A list as it is known: its sync token, and who was told of."""

    token: str = ""
    names: set[str] = field(default_factory=set)


class _State(Struct, forbid_unknown_fields=True):
    """A cursor: the terms of reading, and the lists by their streams."""

    terms: str
    held: dict[StreamName, _Held] = field(default_factory=dict)


class _Listing:
    """Takes the pages of a list in: brings `held` up to date, which is what is `known`, or nothing where all is listed."""

    def __init__(self, held: _Held, known: _Held, book: Book) -> None:
        self._held = held
        self._known = known
        self._book = book
        self.has_kept = False
        """Whether somebody who is known could not be read, and stays as they were."""

    def take(self, rows: Iterable[Raw]) -> Iterator[Change]:
        names = self._held.names
        for raw in rows:
            try:
                person = msgspec.json.decode(raw, type=_Person)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                name = _name_in(raw)
                if name in self._known.names:
                    names.add(name)
                    self.has_kept = True
                where = clean(name)[:100] or "a contact without a name"
                yield Unreadable(f"{self._book.name}, {where}", f"it is not as Google's pages say: {error}")
                continue
            change = Skipped("") if person.metadata.deleted else _contact(person, self._book)
            # Of those that were merged into one, the others go.
            gone = {*person.metadata.previous_resource_names} - {person.resource_name}
            if isinstance(change, Upsert):
                names.add(person.resource_name)
                yield change
            else:
                gone.add(person.resource_name)
            for name in sorted(gone):
                names.discard(name)
                yield Tombstone(ExternalId(name))
            if isinstance(change, Skipped) and change.reason:
                yield change


class GoogleContactsSource:
    """Reads the contacts of one account."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._done = 0
        self._book = Book(
            _TITLE,
            str(access.settings.get("region") or ""),
            frozenset(str(email).lower() for email in access.settings.get("owner_emails", ())),
        )

    def pull(self, cursor: Cursor | None, /) -> Iterator[Page]:
        """Yield what changed after the cursor.

        Raises:
            CursorExpired: the cursor is none of this connector's.
            SuspiciousSnapshot: all contacts are gone at once.
        """
        state = self._recall(cursor)
        feeds = (_CONTACTS, _OTHERS) if is_granted(self._access, _OTHERS_READ) else (_CONTACTS,)
        api = _api(self._access)
        self._done = 0
        try:
            for feed in feeds:
                yield from self._read(api, feed, state)
        finally:
            api.close()
        for stream in state.held.keys() - {feed.stream for feed in feeds}:
            yield from self._paged(_tombstones(state.held.pop(stream).names), stream)
        yield self._checkpoint(state, STREAM, is_last=True)

    def _read(self, api: Api, feed: _Feed, state: _State) -> Iterator[Page]:
        held = state.held.setdefault(feed.stream, _Held())
        if held.token:
            before, listing = self._done, _Listing(held, held, self._book)
            try:
                held.token = (yield from self._listed(api, feed, listing, held.token)) or held.token
            except CursorExpired:
                held.token = ""
            else:
                if self._done > before:
                    yield self._checkpoint(state, feed.stream)
                return
        yield from self._whole(api, feed, state, held)

    def _whole(self, api: Api, feed: _Feed, state: _State, held: _Held) -> Iterator[Page]:
        """Everybody; who is known and not among them is gone."""
        fresh = _Held()
        listing = _Listing(fresh, held, self._book)
        fresh.token = yield from self._listed(api, feed, listing, "")
        if len(held.names) > 1 and not fresh.names:
            raise SuspiciousSnapshot(suspicious(_TITLE, len(held.names), "people"))
        state.held[feed.stream] = fresh
        yield from self._paged(_tombstones(held.names - fresh.names), feed.stream, "snapshot")
        if not listing.has_kept:
            # Who is kept was not named; else who nobody knows of (a reading broke off, a cursor was lost) goes as well.
            yield Page((), feed.stream, "snapshot", last=True, done=self._done)
        yield self._checkpoint(state, feed.stream)

    def _listed(self, api: Api, feed: _Feed, listing: _Listing, token: str) -> Generator[Page, None, str]:
        """The pages of a list, of what changed where there is a token; answers its next token."""
        query = {**feed.query, "pageSize": _LISTED, "requestSyncToken": True, "syncToken": token}
        mask = f"nextPageToken,nextSyncToken,{feed.mask}"
        given = ""
        for page in api.pages(feed.path, query, _Answer, mask=mask):
            given = page.next_sync_token
            changes = list(listing.take(page.connections or page.other_contacts))
            yield from self._paged(changes, feed.stream, "delta" if token else "snapshot")
        return given

    def _recall(self, cursor: Cursor | None) -> _State:
        terms = f"google_contacts 1 {self._book.region} {' '.join(sorted(self._book.owner_emails))}"
        if cursor is None:
            return _State(terms)
        try:
            state = msgspec.json.decode(cursor, type=_State)
        except (msgspec.DecodeError, UnicodeEncodeError):
            raise CursorExpired("The place where reading stopped is unreadable; all is read anew.") from None
        if state.terms != terms:
            # Who was read stays known, so that who has gone since is noticed; but everybody is read again.
            for held in state.held.values():
                held.token = ""
        state.terms = terms
        return state

    def _paged(self, changes: list[Change], stream: StreamName, mode: Mode = "delta") -> Iterator[Page]:
        for start in range(0, len(changes), PAGE_SIZE):
            some = tuple(changes[start : start + PAGE_SIZE])
            self._done += len(some)
            yield Page(some, stream, mode, done=self._done)

    def _checkpoint(self, state: _State, stream: StreamName, *, is_last: bool = False) -> Page:
        cursor = Cursor(msgspec.json.encode(state, order="deterministic").decode())
        return Page((), stream, checkpoint=cursor, last=is_last, done=self._done)


# ------ a contact


def _contact(person: _Person, book: Book) -> Upsert | Skipped:
    """The change that a contact makes, under the name that Google knows it by."""
    card = next((one for one in person.metadata.sources if one.type == "CONTACT"), None)
    updated = (
        card.update_time if card else max((one.update_time for one in person.metadata.sources), default="")
    )
    # Google's own cards (CardDAV) have the id of the contact as their UID.
    values = [("UID", card.id if card and card.id else person.resource_name.rpartition("/")[2])]
    values += [("FN", one.display_name) for one in person.names[:1]]
    values += [("NICKNAME", one.value) for one in person.nicknames[:1]]
    values += [("EMAIL", one.value) for one in person.email_addresses[:_MOST_VALUES]]
    values += [("URL", one.value) for one in person.urls[:_MOST_VALUES]]
    works_at = sorted(person.organizations[:_MOST_VALUES], key=lambda one: not one.current)[:1]
    values += [pair for one in works_at for pair in (("ORG", one.name), ("TITLE", one.title))]
    values += [("REV", updated)]
    properties = [Property(name, frozenset(), {}, escaped(value)) for name, value in values]
    properties += [
        Property("TEL", frozenset(), {}, one.canonical_form or one.value)
        for one in person.phone_numbers[:_MOST_VALUES]
    ]
    change = read_contact(properties, book)
    if isinstance(change, Upsert):
        return Upsert(ExternalId(person.resource_name), change.record, change.stamp)
    return change


def _name_in(raw: Raw) -> str:
    try:
        return msgspec.json.decode(raw, type=_Named).resource_name
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


def _tombstones(names: Iterable[str]) -> list[Change]:
    return [Tombstone(ExternalId(one)) for one in sorted(names)]


# ------ connecting


def _api(access: Access) -> Api:
    require(access, _TITLE, ("contacts.readonly",), "read contacts")
    return Api(access, PEOPLE, _TITLE, quota=_QUOTA.name)


def survey(access: Access) -> Survey:
    """Sign in, and tell how many contacts there are."""
    api = _api(access)
    query = {"personFields": "metadata", "pageSize": 1}
    try:
        total = api.get(_CONTACTS.path, query, _Total, mask="totalItems").total_items
    finally:
        api.close()
    return Survey(
        str(access.settings.get("user") or "the account"),
        (Collection("contacts", f"Contacts ({total:,})", "contacts"),),
        ("tells what changed since the last look",),
    )


def open_source(access: Access) -> Source:
    """A source over the contacts of an account.

    Settings: `region` (the country of numbers without `+`) and `owner_emails` (whose card is left out).
    """
    return GoogleContactsSource(access)


SPEC = ConnectorSpec(
    name="google_contacts",
    title="Google Contacts",
    stream=STREAM,
    account="google",
    open_source=open_source,
    survey=survey,
    scopes=(
        scope(
            "contacts.readonly",
            "Names, employers and other addresses of the people you know come from your contacts. Kith never changes them.",
        ),
    ),
    interval=timedelta(minutes=30),
    quotas=(_QUOTA,),
)

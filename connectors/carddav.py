"""Address books of a CardDAV server (RFC 6352, with sync-collection of RFC 6578) to contacts; it never writes.

Groups are passed over, photos are never decoded; cards become contacts as those of files do (`_vcard`).

Promises: incremental: done, by sync-token, else by ctag and etags. tombstones: done, also of books that the home no
longer lists. paging: done. 429: done. re-consent: done, as a refused password. wrong account: none, because a URL and a
user name one. revocation: none, because a password is the server's to change.
"""

from datetime import timedelta
from functools import partial
from io import BytesIO

from connectors._dav import CARDS
from connectors._dav_source import DavSource, Reader
from connectors._dav_source import survey as survey_with
from connectors._discovery import locate_dav
from connectors._holdings import Contents
from connectors._vcard import Book, read_cards
from schemas.connector import Access, ConnectorSpec, Skipped, Source, Survey, Unreadable, Upsert
from schemas.ids import StreamName

STREAM = StreamName("contacts")

_MADE_BY_SERVER = ("z-server-generated", "z-app-generated")
"""Nextcloud's books of all users of the server, and of all one ever wrote to: read when chosen, not by default."""


def open_source(access: Access) -> Source:
    """A source over the chosen address books of an account.

    Settings: `region` (the country of numbers without `+`) and `owner_emails` (whose card is left out).
    """
    return DavSource(access, _reader(access))


def survey(access: Access) -> Survey:
    """Sign in, and tell what address books there are."""
    return survey_with(access, _reader(access), lambda _: "contacts")


def _reader(access: Access) -> Reader:
    region = str(access.settings.get("region") or "")
    emails = frozenset(str(email).lower() for email in access.settings.get("owner_emails", ()))

    def read(body: bytes, name: str, _book: str) -> Contents:
        return _contents(body, Book(name, region, emails))

    return Reader(
        CARDS,
        STREAM,
        read,
        is_ours=lambda _: True,
        is_default=lambda one: not one.id.startswith(_MADE_BY_SERVER),
        terms=f"carddav 1 {region} {' '.join(sorted(emails))}",
        month=f"{access.clock.now():%Y%m}",
    )


def _contents(body: bytes, book: Book) -> Contents:
    contents = Contents({})
    for number, (change, _) in enumerate(read_cards(BytesIO(body), book)):
        if isinstance(change, Upsert):
            # A resource holds one card (RFC 6352 5.1); where it holds more, the others get a number.
            contents.records[str(number) if number else ""] = (change.record, change.stamp)
        elif isinstance(change, Unreadable | Skipped):
            contents.others.append(change)
    if not contents.records and not contents.others:
        contents.others.append(Unreadable(book.name, "it is not a card"))
    return contents


SPEC = ConnectorSpec(
    name="carddav",
    title="CardDAV address books",
    stream=STREAM,
    account="carddav",
    open_source=open_source,
    locate=partial(locate_dav, "carddav"),
    survey=survey,
    interval=timedelta(minutes=15),
)

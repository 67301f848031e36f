"""Contacts of an Exchange mailbox, by EWS; it never writes, and is not for Microsoft 365.

The folders of contacts that people see are read: not the lists that programs keep of whom a mail was sent to, and not the
address book of the organisation, which is nobody's own.

Promises: as `exchange_calendar`.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from connectors._exchange import Exchange, Folder, opened
from connectors._exchange_elements import Element, Property, T, id_of, key_of, text_of
from connectors._exchange_folders import holding, surveyed
from connectors._exchange_source import ExchangeSource, Reader
from connectors._holdings import Contents
from connectors._linkedin_url import slug
from connectors._mail_addresses import mailboxes
from connectors._mail_text import clean
from connectors._phone import e164
from schemas.connector import Access, Collection, ConnectorSpec, Skipped, Source, Survey, Unreadable
from schemas.ids import StreamName
from schemas.records import Contact

STREAM = StreamName("contacts")
_HOLDS = "IPF.Contact"
_EMPTY = "an empty card"
_OWN = "your own card"
_OF_THE_SERVER = frozenset({f"{T}ItemId", f"{T}LastModifiedTime"})
_LONGEST = 500
_MOST = 100
_WHOLE: tuple[Property, ...] = (
    "item:LastModifiedTime",
    "item:Categories",
    "contacts:DisplayName",
    "contacts:GivenName",
    "contacts:MiddleName",
    "contacts:Surname",
    "contacts:CompanyName",
    "contacts:JobTitle",
    "contacts:EmailAddresses",
    "contacts:PhoneNumbers",
    "contacts:ImAddresses",
    "contacts:BusinessHomePage",
)


def open_source(access: Access) -> Source:
    """A source over the contacts of an account."""
    return ExchangeSource(access, _reader(access))


def _reader(access: Access) -> Reader:
    region = str(access.settings.get("region") or "")
    own = frozenset(str(one).lower() for one in access.settings.get("owner_emails", ()))

    def read(_line: Exchange, items: Sequence[Element], folder: Folder) -> list[Contents]:
        return [_contents(item, folder, region, own) for item in items]

    return Reader(
        STREAM,
        lambda folders: holding(folders, _HOLDS),
        (),
        lambda item: bool(item.tag == f"{T}Contact"),
        _WHOLE,
        read,
        terms=f"exchange_contacts 1 {region} {' '.join(sorted(own))}",
    )


def _contents(item: Element, folder: Folder, region: str, own: frozenset[str]) -> Contents:
    name = _line(item, "DisplayName") or " ".join(
        part for part in (_line(item, one) for one in ("GivenName", "MiddleName", "Surname")) if part
    )
    emails = tuple(dict.fromkeys(_addresses(item)))
    phones = tuple(
        dict.fromkeys(filter(None, (e164(clean(one), region) for one in _entries(item, "PhoneNumbers"))))
    )
    links = (slug(one) for one in (_line(item, "BusinessHomePage"), *_entries(item, "ImAddresses")))
    linkedin = next(filter(None, links), "")
    if name.lower() in emails:
        name = ""
    if not (name or emails or phones or linkedin):
        if any("".join(one.itertext()).strip() for one in item if one.tag not in _OF_THE_SERVER):
            where = f"{folder.name}, item {key_of(id_of(item).id)}"
            return Contents(
                {}, [Unreadable(where, "it has no name, no address and no number that can be read")]
            )
        return Contents({}, [Skipped(_EMPTY)])
    if emails and own.issuperset(emails):
        return Contents({}, [Skipped(_OWN)])
    contact = Contact(
        uid=key_of(id_of(item).id),
        name=name,
        emails=emails,
        phones=phones,
        linkedin=linkedin,
        organization=_line(item, "CompanyName"),
        title=_line(item, "JobTitle"),
        categories=tuple(
            clean(one.text or "")[:100]
            for one in item.findall(f"{T}Categories/{T}String")[:_MOST]
            if one.text
        ),
    )
    return Contents({"": (contact, text_of(item, "LastModifiedTime"))})


def _line(item: Element, name: str) -> str:
    return clean(text_of(item, name))[:_LONGEST]


def _entries(item: Element, name: str) -> Iterator[str]:
    for one in item.findall(f"{T}{name}/{T}Entry")[:_MOST]:
        if one.text and one.text.strip():
            yield one.text.strip()[:_LONGEST]


def _addresses(item: Element) -> Iterator[str]:
    """Addresses by SMTP; of somebody in the organisation Exchange may keep a name of its own instead (EX)."""
    for one in _entries(item, "EmailAddresses"):
        yield from (box.address for box in mailboxes(one)[:1] if "@" in box.address)


def survey(access: Access) -> Survey:
    """Sign in, and tell what folders of contacts there are."""

    def look(line: Exchange) -> Survey:
        found = holding(line.folders({}), _HOLDS)
        return surveyed(line, [Collection(one.key, one.name, "contacts") for one in found])

    return opened(access, look)


SPEC = ConnectorSpec(
    name="exchange_contacts",
    title="Contacts in Exchange",
    stream=STREAM,
    account="exchange",
    open_source=open_source,
    survey=survey,
    interval=timedelta(minutes=15),
)

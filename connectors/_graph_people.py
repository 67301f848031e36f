"""Contacts of Microsoft Graph as the vCard reader makes them (https://learn.microsoft.com/graph/api/resources/contact).

Read 2026-11. Notes, birthdays and postal addresses are not asked for. Nothing here asks Graph anything.
"""

from collections.abc import Iterable

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field

from connectors._graph_rows import Removed, address_in, change_stamp, told
from connectors._linkedin_url import slug
from connectors._mail_text import clean
from connectors._phone import e164
from connectors._vcard import EMPTY_CARD, OWN_CARD
from schemas.connector import Skipped
from schemas.records import Contact

SELECTED = (
    "id,parentFolderId,lastModifiedDateTime,displayName,givenName,middleName,surname,nickName,fileAs,emailAddresses,"
    "businessPhones,mobilePhone,homePhones,companyName,jobTitle,businessHomePage,categories"
)
_MOST = 100
_TEXT = 500


class _Email(Struct, frozen=True):
    address: str | None = None


class Entry(Struct, frozen=True, rename="camel"):
    """One row. What is unset was not told: of a change only what changed is promised."""

    id: str
    removed: Removed | None = field(default=None, name="@removed")
    parent_folder_id: str | None = None
    last_modified_date_time: str | None = None
    display_name: str | UnsetType | None = UNSET
    given_name: str | UnsetType | None = UNSET
    middle_name: str | UnsetType | None = UNSET
    surname: str | UnsetType | None = UNSET
    nick_name: str | UnsetType | None = UNSET
    file_as: str | UnsetType | None = UNSET
    email_addresses: tuple[_Email, ...] | UnsetType | None = UNSET
    business_phones: tuple[str, ...] | UnsetType | None = UNSET
    mobile_phone: str | UnsetType | None = UNSET
    home_phones: tuple[str, ...] | UnsetType | None = UNSET
    company_name: str | UnsetType | None = UNSET
    job_title: str | UnsetType | None = UNSET
    business_home_page: str | UnsetType | None = UNSET
    categories: tuple[str, ...] | UnsetType | None = UNSET

    @property
    def is_told(self) -> bool:
        """Whether all of it is here."""
        return not any(getattr(self, name) is UNSET for name in self.__struct_fields__)


def read_entry(row: Raw) -> Entry:
    """A row as it came.

    Raises:
        ValueError: it is none.
    """
    try:
        return msgspec.json.decode(row, type=Entry)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"it is not as Microsoft's pages say ({str(error)[:120]})") from error


def entry_stamp(entry: Entry) -> str:
    """When it was changed; sorts as the changes do."""
    return change_stamp(entry.last_modified_date_time)


def contact_of(entry: Entry, region: str, owner_emails: frozenset[str]) -> Contact | Skipped:
    """A contact, or why it is left out."""
    emails = _unique(address_in(one.address) for one in told(entry.email_addresses, ())[:_MOST])
    name = _name_of(entry)
    if name.lower() in emails:
        name = ""
    numbers = (told(entry.mobile_phone, ""), *told(entry.business_phones, ()), *told(entry.home_phones, ()))
    phones = _unique(e164(number, region) for number in numbers[:_MOST])
    linkedin = slug(told(entry.business_home_page, "")[:_TEXT])
    if not (name or emails or phones or linkedin):
        return Skipped(EMPTY_CARD)
    if emails and owner_emails.issuperset(emails):
        return Skipped(OWN_CARD)
    return Contact(
        uid=entry.id,
        name=name,
        emails=emails,
        phones=phones,
        linkedin=linkedin,
        organization=_text(entry.company_name),
        title=_text(entry.job_title),
        categories=_unique(clean(one)[:100] for one in told(entry.categories, ())[:_MOST]),
    )


def _name_of(entry: Entry) -> str:
    """The name that is shown, or else its parts, the nickname, or what it is filed as."""
    parts = " ".join(_text(part) for part in (entry.given_name, entry.middle_name, entry.surname))
    names = (_text(entry.display_name), clean(parts), _text(entry.nick_name), _text(entry.file_as))
    return next((name for name in names if name), "")


def _text(value: str | UnsetType | None) -> str:
    return clean(told(value, ""))[:_TEXT].strip()


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))

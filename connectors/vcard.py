"""Address-book files (vCard 2.1, 3.0, 4.0): one `.vcf`, or a folder of them, to contacts; it never writes."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from connectors._file_memory import Step, read_files, refuse_other_formats
from connectors._vcard import Book, read_cards
from schemas.connector import Access, ConnectorSpec, Page, Source
from schemas.errors import UnreadableFile
from schemas.ids import Cursor, StreamName

STREAM = StreamName("contacts")

_SUFFIXES = (".vcf", ".vcard")
_MARK = re.compile(rb"BEGIN[ \t]*:[ \t]*VCARD", re.IGNORECASE)
_BOM = b"\xef\xbb\xbf"


class VcardSource:
    """Reads address-book files; one that has not changed is not read again.

    Settings: `region` (the country of numbers without `+`) and `owner_emails` (whose card is left out).
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self._region = str(access.settings.get("region") or "")
        self._owner_emails = frozenset(
            str(email).lower() for email in access.settings.get("owner_emails", ())
        )

    def pull(self, cursor: Cursor | None, /) -> Iterator[Page]:
        """Yield a change for each card, in the order of the file.

        Raises:
            CursorExpired: the cursor is none of this connector's.
            UnreadableFile: the path holds no card.
        """
        terms = f"vcard 1 {self._region} {' '.join(sorted(self._owner_emails))}"
        return read_files(self._access.files, _SUFFIXES, self._steps, STREAM, cursor, terms)

    def _steps(self, path: Path, name: str) -> Iterator[Step]:
        modified = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        book = Book(name, self._region, self._owner_emails, f"{modified:%Y%m%dT%H%M%SZ}")
        with path.open("rb") as stream:
            refuse_other_formats(stream.read(1024), name, "an address book")
            stream.seek(0)
            is_empty = True
            for change, done in read_cards(stream, book):
                is_empty = False
                yield Step((change,), 1, done)
            if is_empty:
                raise UnreadableFile(f"{name} is not an address book: BEGIN:VCARD stands nowhere in it.")


def recognise(path: str, head: bytes) -> int:
    """How surely a file is an address book, from its first 64 KB."""
    is_named = path.lower().endswith(_SUFFIXES)
    if _MARK.match(head.removeprefix(_BOM).lstrip()):
        return 100
    if not is_named:
        return 0
    return 90 if _MARK.search(head) else 40


def open_source(access: Access) -> Source:
    """A source over the address-book files of `access`."""
    return VcardSource(access)


SPEC = ConnectorSpec(
    name="vcf", title="Address book (.vcf)", stream=STREAM, open_source=open_source, recognise=recognise
)

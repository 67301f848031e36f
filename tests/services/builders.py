"""Records and books to test with, said in few words."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from schemas.clock import FrozenClock
from schemas.connector import Change, Page, Upsert
from schemas.decisions import OwnerDeclared
from schemas.ids import Cursor, ExternalId, StreamName
from schemas.interface import Reject, SourceReport
from schemas.records import Attendee, Mailbox, Meeting, Message, Signal, SourceRecord
from services.book import Book, begin_book
from services.export import FILES, export
from services.ingest import Ingest
from services.store.unit import Store

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
MARA = "mara@example.com"
SALT = "0123456789abcdef" * 2
"""For erasures."""


def mailboxes(addresses: Iterable[str]) -> tuple[Mailbox, ...]:
    return tuple(Mailbox(address) for address in addresses)


def a_message(
    key: str,
    sender: str,
    to: Sequence[str] = (MARA,),
    *,
    days_ago: float = 1,
    cc: Sequence[str] = (),
    references: Sequence[str] = (),
    signals: Sequence[Signal] = (),
    subject: str = "Draft",
    name: str = "",
    nature: str = "personal",
) -> Message:
    return Message(
        message_id=f"{key}@example.com",
        at=NOW - timedelta(days=days_ago),
        sender=Mailbox(sender, name),
        to=mailboxes(to),
        cc=mailboxes(cc),
        references=tuple(f"{one}@example.com" for one in references),
        signals=tuple(signals),
        subject=subject,
        nature=nature,  # type: ignore[arg-type]
    )


def an_ask(text: str = "Could you look at section 3?") -> Signal:
    return Signal(kind="ask", text=text)


def a_meeting(
    uid: str, people: Sequence[str], *, days_ago: float = 3, hours: float = 1, **kwargs: object
) -> Meeting:
    starts_at = NOW - timedelta(days=days_ago)
    return Meeting(
        uid=uid,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=hours),
        organizer=Mailbox(MARA),
        attendees=tuple(Attendee(one, partstat="accepted") for one in (MARA, *people)),
        summary="Meeting",
        **kwargs,  # type: ignore[arg-type]
    )


def upsert(record: SourceRecord, stamp: str = "") -> Upsert:
    match record:
        case Message():
            key = record.message_id
        case Meeting():
            key = f"{record.uid}/{record.recurrence_id}" if record.recurrence_id else record.uid
        case _:
            key = getattr(record, "uid", "") or getattr(record, "linkedin", "") or repr(record)
    return Upsert(ExternalId(key), record, stamp)


class Given:
    """A source that says what it was given, so many changes a page."""

    def __init__(self, changes: Sequence[Change], page: int = 100, stream: str = "items") -> None:
        self._pages = [changes[i : i + page] for i in range(0, len(changes), page)]
        self._stream = stream

    def pull(self, _cursor: Cursor | None, /) -> Iterator[Page]:
        for index, changes in enumerate(self._pages):
            yield Page(
                tuple(changes),
                StreamName(self._stream),
                checkpoint=Cursor(str(index)),
                last=index == len(self._pages) - 1,
            )


def a_book(store: Store, clock: FrozenClock | None = None, emails: Sequence[str] = (MARA,)) -> Book:
    clock = clock or FrozenClock(NOW)
    declared = OwnerDeclared(name="Mara Lindholm", emails=tuple(emails), timezone="Europe/Berlin")
    return Book(store, begin_book(store, declared, clock), clock)


def take(book: Book, records: Iterable[SourceRecord | Change], page: int = 100) -> SourceReport:
    """Read records, or whatever else a source says, into the book, and keep it."""
    changes = [one if isinstance(one, Change) else upsert(one) for one in records]
    report = SourceReport("given", "items")
    rejects: list[Reject] = []
    ingest = Ingest(book.store, book.owner, book.clock, "files", "given")
    ingest.run(Given(changes, page), report, rejects, lambda _: None)
    book.keep()
    return report


def exported(book: Book, folder: Path, without: Sequence[str] = ()) -> dict[str, bytes]:
    """Every exported file but some, by name."""
    export(book, folder)
    return {name: (folder / name).read_bytes() for name in FILES if name not in without}

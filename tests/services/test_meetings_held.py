"""Which entries of calendars are meetings that took place, and whom they make a person of."""

from typing import Any

import pytest
from msgspec.structs import replace

from schemas.interface import Person
from schemas.records import Attendee, Mailbox, Meeting
from services.book import Book
from services.lookup import list_people
from services.store.unit import Store
from tests.services.builders import MARA, a_book, a_meeting, take

ANA, BEN = "ana@example.org", "ben@example.net"


def persons(book: Book) -> dict[str, Person]:
    """Everybody known, by address."""
    every = list_people(book, statuses=("person", "waiting", "automated"))
    return {address: one for one in every for address in one.emails}


def asked_by(organizer: str, partstat: str = "needs-action", **more: Any) -> Meeting:
    """A meeting that somebody else called, with the owner's answer."""
    owner = Attendee(MARA, partstat=partstat)  # type: ignore[arg-type]
    return replace(
        a_meeting("m", [organizer], **more),
        organizer=Mailbox(organizer),
        attendees=(owner, Attendee(organizer, partstat="accepted")),
    )


@pytest.mark.parametrize(
    "summary",
    [
        "Canceled: Budget",
        "Cancelled: Budget",
        "Abgesagt: Budget",
        "Annulé : Budget",
        "Cancelado: Budget",
        "Annullato: Budget",
        "Geannuleerd: Budget",
    ],
)
def test_a_title_that_says_called_off_is_no_meeting(sqlite_store: Store, summary: str) -> None:
    """Outlook leaves a meeting that was called off in its exports, with nothing but a word before the title."""
    book = a_book(sqlite_store)
    take(book, [replace(a_meeting("m", [ANA]), summary=summary)])
    assert persons(book)[ANA].counts.meetings == 0
    assert book.followups() == []


@pytest.mark.parametrize("summary", ["Cancelled orders", "Abgesagte Termine: was nun?", "Re: canceled: why?"])
def test_a_title_that_speaks_of_calling_off_is_one(sqlite_store: Store, summary: str) -> None:
    """A meeting about what was cancelled took place."""
    book = a_book(sqlite_store)
    take(book, [replace(a_meeting("m", [ANA]), summary=summary)])
    assert persons(book)[ANA].counts.meetings == 1


def test_who_sent_another_did_not_come(sqlite_store: Store) -> None:
    """Of one who delegated (RFC 5545 3.2.12) and the delegate, the owner met the delegate."""
    meeting = replace(
        a_meeting("m", []),
        attendees=(
            Attendee(MARA, partstat="accepted"),
            Attendee(ANA, partstat="delegated"),
            Attendee(BEN, partstat="accepted"),
        ),
    )
    book = a_book(sqlite_store)
    take(book, [meeting])
    assert (persons(book)[ANA].counts.meetings, persons(book)[BEN].counts.meetings) == (0, 1)


@pytest.mark.parametrize(
    ("name", "location", "is_room"),
    [
        ("Conference Room 4", "Conference Room 4", True),
        ("Salle Paris", "salle paris; Teams", True),
        ("Ana Okafor", "Conference Room 4", False),
        ("Ana Okafor", "Ana's office", False),
        ("", "", False),
    ],
)
def test_who_is_called_like_the_place_is_a_room(
    sqlite_store: Store, name: str, location: str, is_room: bool
) -> None:
    """A room that its calendar asks like anybody is told by the location, which bears its name."""
    asked = (
        Attendee(MARA, partstat="accepted"),
        Attendee(ANA, name, "accepted"),
        Attendee(BEN, partstat="accepted"),
    )
    book = a_book(sqlite_store)
    take(book, [replace(a_meeting("m", []), attendees=asked, location=location)])
    assert persons(book)[ANA].status == ("automated" if is_room else "person")
    assert persons(book)[BEN].counts.meetings == 1


@pytest.mark.parametrize("partstat", ["needs-action", "tentative", "accepted"])
def test_what_nobody_declined_was_held(sqlite_store: Store, partstat: str) -> None:
    """An invitation counts once it is over, unless it was declined or called off: many go to meetings without a word."""
    book = a_book(sqlite_store)
    take(book, [asked_by(ANA, partstat)])
    told = persons(book)[ANA]
    assert (told.status, told.counts.meetings) == ("person", 1)

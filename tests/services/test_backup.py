"""A backup holds one instant of a running home, and restores to the same export on either database."""

from services.store import events as stream
from services.store.unit import Store
from tests.services.builders import a_book, a_message, take


def test_a_reading_unit_sees_one_instant(store: Store) -> None:
    """What others write while a unit reads is not seen by it."""
    book = a_book(store)
    with store.read() as unit:
        before = stream.last_seq(unit, book.owner)
        take(book, [a_message("b1", "ben@example.net")])
        assert stream.last_seq(unit, book.owner) == before

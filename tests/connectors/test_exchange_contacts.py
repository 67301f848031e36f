"""Contacts of an Exchange mailbox become people's cards."""

from collections.abc import Iterator
from typing import Any

import pytest

from connectors import exchange_contacts
from schemas.connector import Access, Skipped, Unreadable
from schemas.records import Contact, SourceRecord
from tests.connectors.exchange import Mailbox, a_contact, an_access
from tests.contract.live_source import LiveServer, LiveSourceContract, Mirror, live_pages
from tests.fakes.exchange import ExchangeServer
from tests.fakes.exchange_wire import Element, e


class Cards(Mailbox):
    """A folder of contacts."""

    def make(self, name: str, turn: int) -> Element:
        return a_contact(name, emails=[f"{name}@example.com"], title="Director" if turn else "")

    def bad(self) -> Element:
        return a_contact("\u200b", e("t:PhoneNumbers", e("t:Entry", "?", Key="HomePhone")))


@pytest.fixture
def mailbox() -> Iterator[ExchangeServer]:
    """A mailbox whose every request and answer must be as Microsoft's schema has it."""
    with ExchangeServer().serve() as server:
        yield server
        assert server.breaches == []


class TestExchangeContacts(LiveSourceContract):
    """Contacts keep the promises of every source."""

    spec = exchange_contacts.SPEC

    @pytest.fixture
    def server(self, mailbox: ExchangeServer) -> Cards:
        return Cards(mailbox, "contacts")

    def access(self, server: LiveServer, **more: Any) -> Access:
        assert isinstance(server, Cards)
        return an_access(server.server, **more)

    def name_of(self, record: SourceRecord) -> str:
        assert isinstance(record, Contact)
        return record.name


def the_contacts(server: ExchangeServer, **more: Any) -> list[Contact]:
    held = Mirror().take(live_pages(exchange_contacts.SPEC, an_access(server, **more))).held
    return [one.record for one in held.values() if isinstance(one.record, Contact)]


def test_a_card_says_who_somebody_is(mailbox: ExchangeServer) -> None:
    """Name, addresses, numbers, organisation, title, profile and categories are read; an address of Exchange's own is not."""
    mailbox.add(
        "contacts",
        a_contact(
            "Okafor, Ana",
            e("t:Categories", e("t:String", "Friends"), e("t:String", "Lisbon")),
            e("t:CompanyName", "Atelier Nord"),
            e("t:PhoneNumbers", e("t:Entry", "+49 30 1234567", Key="BusinessPhone")),
            e("t:BusinessHomePage", "https://www.linkedin.com/in/ana-okafor/"),
            emails=["Ana@Example.com", "/o=Firm/ou=X/cn=Recipients/cn=ana"],
            title="Architect",
        ),
    )
    (contact,) = the_contacts(mailbox)
    assert (contact.name, contact.emails) == ("Okafor, Ana", ("ana@example.com",))
    assert (contact.organization, contact.title) == ("Atelier Nord", "Architect")
    assert contact.phones == ("+49301234567",)
    assert (contact.linkedin, contact.categories) == ("ana-okafor", ("Friends", "Lisbon"))


def test_what_is_nobodys_card_is_left_out(mailbox: ExchangeServer) -> None:
    """Lists of addresses, the owner's own card, and folders that programs keep for themselves are not read."""
    mailbox.add(
        "contacts", e("t:DistributionList", e("t:ItemClass", "IPM.DistList"), e("t:DisplayName", "All"))
    )
    mailbox.add("contacts", a_contact("Me", emails=["me@home.test"]))
    cache = mailbox.add_folder("Recipient Cache", "IPF.Contact.RecipientCache")
    mailbox.add(cache, a_contact("Seen once", emails=["once@example.com"]))
    hidden = mailbox.add_folder("PersonMetadata", "IPF.Contact")
    mailbox.hide_folder(hidden)
    mailbox.add(
        mailbox.add_folder("Below", "IPF.Contact", hidden), a_contact("Nobody", emails=["n@example.com"])
    )
    deleted = mailbox.add_folder("Old", "IPF.Contact", "deleteditems")
    mailbox.add(deleted, a_contact("Gone", emails=["gone@example.com"]))
    pages = live_pages(exchange_contacts.SPEC, an_access(mailbox, owner_emails=("me@home.test",)))
    assert [one for page in pages for one in page.changes] == [Skipped("your own card")]


def test_a_card_without_anything_is_left_out(mailbox: ExchangeServer) -> None:
    """A card on which nothing is written is counted as that; one whose words cannot be read is told of."""
    mailbox.add("contacts", e("t:Contact", e("t:ItemClass", "IPM.Contact")))
    mailbox.add("contacts", a_contact("", e("t:PhoneNumbers", e("t:Entry", "?", Key="HomePhone"))))
    pages = live_pages(exchange_contacts.SPEC, an_access(mailbox))
    empty, unreadable = [one for page in pages for one in page.changes]
    assert empty == Skipped("an empty card")
    assert isinstance(unreadable, Unreadable)


def test_a_quiet_mailbox_costs_one_request(mailbox: ExchangeServer) -> None:
    """A look that finds nothing new is one request, whatever the number of folders."""
    for number in range(20):
        folder = mailbox.add_folder(f"Book {number}", "IPF.Contact")
        mailbox.add(folder, a_contact(f"N{number}", emails=[f"n{number}@example.com"]))
    access = an_access(mailbox)
    mirror = Mirror().take(live_pages(exchange_contacts.SPEC, access))
    assert len(mirror.held) == 20
    mailbox.operations()
    live_pages(exchange_contacts.SPEC, access, mirror.cursor)
    assert mailbox.operations() == ["FindFolder"]

"""Contacts of Microsoft Graph come whole, once, and as card files would tell them, from the default folder and all others."""

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors import vcard
from connectors._vcard import EMPTY_CARD, OWN_CARD
from connectors.graph_contacts import SPEC, survey
from schemas.connector import Skipped, Upsert
from schemas.errors import RateLimited, ReauthRequired, SuspiciousSnapshot, Transient
from schemas.records import Contact, SourceRecord
from tests.connectors.files import an_access
from tests.connectors.graph_rig import GraphContract, GraphRig, a_rig
from tests.contract.live_source import (
    Mirror,
    live_changes,
)
from tests.fakes.api import Json, no_breaches
from tests.fakes.graph_contacts import DEFAULT, GraphContacts
from tests.seeds import HUNDRED


class Rig(GraphRig[GraphContacts]):
    """An item is a contact with an address of its name."""

    spec = SPEC

    def add(self, name: str, /) -> None:
        self._ids[name] = self.fake.add(f"Person {name}", [f"{name}@example.com"])

    def change(self, name: str, /) -> bool:
        self._changes += 1
        self.fake.change(self._ids[name], displayName=f"Changed {self._changes}")
        return True

    def spoil(self) -> bool:
        self.side.server.inspect = no_breaches
        bad = self.fake.add("bad")
        self.fake.garble = lambda row: {**row, "displayName": 7} if row["id"] == bad else row
        return True


@pytest.fixture
def rig() -> Iterator[Rig]:
    """A mailbox with its default folder."""
    with a_rig(Rig, GraphContacts(), "Contacts.Read") as made:
        yield made


class TestGraphContacts(GraphContract):
    """The promises of every live source."""

    spec = SPEC

    def name_of(self, record: SourceRecord) -> str:
        assert isinstance(record, Contact)
        return record.emails[0].partition("@")[0]


class TestGraphContactsInSmallPages(TestGraphContacts):
    """The same where a page holds two rows, and the default folder has no name in paths."""

    @pytest.fixture
    def server(self, rig: Rig) -> Any:
        rig.fake.most_rows = 2
        rig.fake.knows_default_by_name = False
        return rig


def names(mirror: Mirror) -> list[str]:
    """The names of all that is held, sorted."""
    return sorted(one.record.name for one in mirror.held.values() if isinstance(one.record, Contact))


class TestFolders:
    """Every folder is a stream; the default one is not listed."""

    @pytest.mark.parametrize("knows", [True, False])
    @pytest.mark.parametrize("lists", [True, False])
    def test_the_default_folder_is_read_once(self, rig: Rig, knows: bool, lists: bool) -> None:
        """Whether it answers to its name or not, and whether it is listed or not, after a while each contact is there once."""
        rig.fake.knows_default_by_name, rig.fake.lists_default = knows, lists
        rig.fake.add("Ana")
        rig.fake.add("Bo", folder=rig.fake.add_folder("Team"))
        mirror = rig.read(Mirror())
        rig.clock.advance(timedelta(days=1))
        assert names(rig.read(mirror)) == ["Ana", "Bo"]
        rig.fake.add("Cy")
        assert names(rig.read(mirror)) == ["Ana", "Bo", "Cy"]
        assert {one.name for one in survey(rig.access()).collections} >= {"Contacts", "Team"}

    def test_a_folder_that_goes_takes_its_contacts_along(self, rig: Rig) -> None:
        """Its link is refused, and its contacts are gone; the others stay."""
        team = rig.fake.add_folder("Team")
        rig.fake.add("Ana")
        rig.fake.add("Bo", folder=team)
        mirror = rig.read(Mirror())
        rig.fake.delete_folder(team)
        assert names(rig.read(mirror)) == ["Ana"]

    def test_a_contact_that_changes_its_folder_is_there_once(self, rig: Rig) -> None:
        """Moved, it leaves the one stream and comes to the other."""
        team = rig.fake.add_folder("Team")
        one = rig.fake.add("Ana")
        mirror = rig.read(Mirror())
        rig.fake.put_into(one, team)
        assert [stream for stream, _ in rig.read(mirror).held] == [f"contacts/{team}"]
        rig.fake.put_into(one, DEFAULT)
        assert [stream for stream, _ in rig.read(mirror).held] == ["contacts/contacts"]


class TestWhatItCosts:
    """Requests, as the fake counts them."""

    def test_a_poll_without_change_is_one_request_a_folder(self, rig: Rig) -> None:
        """Whatever they hold; every six hours the folders are listed too."""
        rig.fake.add_folder("Team")
        for number in range(30):
            rig.fake.add(f"{number}")
        mirror = rig.read(Mirror())
        rig.side.paths()
        for _ in range(3):
            rig.clock.advance(timedelta(minutes=15))
            rig.read(mirror)
            assert len(rig.side.paths()) == 2
        rig.clock.advance(timedelta(hours=6))
        rig.read(mirror)
        assert len(rig.side.paths()) == 3

    @pytest.mark.parametrize(("is_partial", "asked"), [(False, 1), (True, 106)])
    def test_a_hundred_changes_cost_as_many(self, rig: Rig, is_partial: bool, asked: int) -> None:
        """They come with the list; where only what changed is told, each is asked for, twenty at a time."""
        ids = [rig.fake.add(f"{number}") for number in range(300)]
        rig.fake.is_partial = is_partial
        mirror = rig.read(Mirror())
        rig.side.paths()
        for number, one in enumerate(ids[:100]):
            rig.fake.change(one, displayName=f"changed {number}")
        rig.read(mirror)
        assert len(rig.side.paths()) == asked
        assert len(names(mirror)) == 300
        assert sum(name.startswith("changed") for name in names(mirror)) == 100


class TestLinksThatEnd:
    """A link that Graph no longer knows costs a list, and changes nothing but what changed."""

    @pytest.mark.parametrize("seed", HUNDRED)
    def test_a_full_resync(self, rig: Rig, seed: int) -> None:
        """After 410 nothing comes twice and nothing is taken away that is there, wherever the pull is broken off."""
        chance = random.Random(seed)
        rig.fake.tokens.ends_with_location = bool(seed % 2)
        rig.fake.is_partial, rig.fake.repeats = seed % 3 == 0, seed % 5 == 0
        rig.fake.most_rows = chance.choice((2, 200))
        ids = [rig.fake.add(f"{number}") for number in range(chance.randint(4, 9))]
        mirror = rig.read(Mirror())
        for number in range(chance.randint(0, 5)):
            rig.fake.add(f"new {number}")
        for one in chance.sample(ids, 2):
            rig.fake.delete(one)
        rig.fake.tokens.expire()
        for _ in range(chance.randint(0, 2)):
            if chance.random() < 0.5:
                rig.side.server.faults.order(chance.choice(("500", "cut", "429", "lose_answer")))
            try:
                for number, page in enumerate(rig.pages(mirror.cursor)):
                    mirror.take([page])
                    if number == chance.randint(0, 3):
                        break
            except Transient:
                pass
            rig.side.server.faults.mend()
            there = {one.props["displayName"] for one in rig.fake.contacts.values()}
            assert there & {f"{number}" for number in range(len(ids))} <= set(names(mirror))
        rig.read(mirror)
        assert names(mirror) == sorted(one.props["displayName"] for one in rig.fake.contacts.values())
        assert live_changes(rig.pull(mirror.cursor)) == []

    def test_a_round_that_begins_again_forgets_what_it_named(self, rig: Rig) -> None:
        """What was named before the link to the next page died, and deleted since, is gone all the same."""
        rig.fake.most_rows = 2
        ids = [rig.fake.add(f"{number}") for number in range(6)]
        mirror = rig.read(Mirror())
        rig.fake.tokens.expire()
        mirror.take([next(rig.pages(mirror.cursor))])
        rig.fake.delete(ids[0])
        rig.fake.tokens.expire()
        assert names(rig.read(mirror)) == ["1", "2", "3", "4", "5"]

    def test_links_of_another_root_are_not_followed(self, rig: Rig) -> None:
        """Where the root of an account has changed the new one alone is asked, and all is compared once."""
        rig.fake.add("Ana")
        mirror = rig.read(Mirror())
        rig.side.paths()
        with a_rig(Rig, GraphContacts(), "Contacts.Read") as other:
            other.fake.add("Ana")
            other.fake.add("Bo")
            assert names(other.read(mirror)) == ["Ana", "Bo"]
        assert rig.side.paths() == []

    def test_everything_gone_at_once_is_held_back(self, rig: Rig) -> None:
        """A whole list that names nothing of what was there takes nothing away before somebody said so."""
        ids = [rig.fake.add(f"{number}") for number in range(3)]
        mirror = rig.read(Mirror())
        for one in ids:
            rig.fake.delete(one)
        rig.fake.tokens.expire()
        with pytest.raises(SuspiciousSnapshot, match="--forget"):
            rig.read(mirror)
        assert len(mirror.held) == 3


def only(rig: Rig, **more: Any) -> Contact:
    """The one contact that is read."""
    (record,) = [one.record for one in rig.read(Mirror(), **more).held.values()]
    assert isinstance(record, Contact)
    return record


class TestWhatAnEntrySays:
    """Entries as contacts."""

    def test_as_a_card_would_tell_it(self, rig: Rig, tmp_path: Path) -> None:
        """The same person by Graph and as a card is the same contact, but for what it goes by."""
        rig.fake.add(
            "Dr. Ana Okafor",
            ["Ana@Example.com", "ana@old.example"],
            mobilePhone="+49 171 123456",
            businessPhones=["030 123456"],
            companyName="Acme GmbH",
            jobTitle="Head of Design",
            businessHomePage="https://www.linkedin.com/in/ana-okafor/",
            categories=["Board", "Berlin"],
        )
        lines = (
            "BEGIN:VCARD",
            "VERSION:3.0",
            "FN:Dr. Ana Okafor",
            "EMAIL:Ana@Example.com",
            "EMAIL:ana@old.example",
            "TEL;TYPE=cell:+49 171 123456",
            "TEL;TYPE=work:030 123456",
            "ORG:Acme GmbH;Design",
            "TITLE:Head of Design",
            "URL:https://www.linkedin.com/in/ana-okafor/",
            "CATEGORIES:Board,Berlin",
            "END:VCARD",
        )
        (tmp_path / "one.vcf").write_text("\r\n".join(lines) + "\r\n")
        assert vcard.SPEC.open_source is not None
        pages = vcard.SPEC.open_source(an_access(tmp_path / "one.vcf", settings={"region": "DE"})).pull(None)
        (card,) = [one.record for page in pages for one in page.changes if isinstance(one, Upsert)]
        ours = only(rig, region="DE")
        assert isinstance(card, Contact)
        assert msgspec.structs.replace(ours, uid="") == msgspec.structs.replace(card, uid="")
        assert ours.phones == ("+49171123456", "+4930123456")

    @pytest.mark.parametrize(
        ("more", "name"),
        [
            (
                {"displayName": None, "givenName": "Ana", "middleName": "B.", "surname": "Okafor"},
                "Ana B. Okafor",
            ),
            ({"displayName": "", "nickName": "Annie"}, "Annie"),
            ({"displayName": " ", "fileAs": "Okafor, Ana"}, "Okafor, Ana"),
            ({"displayName": "ana@example.com"}, ""),
        ],
    )
    def test_names(self, rig: Rig, more: Json, name: str) -> None:
        """The name that is shown, else its parts, the nickname, or what it is filed as; an address is no name."""
        rig.fake.add("x", ["ana@example.com"], **more)
        assert only(rig).name == name

    def test_addresses_of_exchange_are_none(self, rig: Rig) -> None:
        """X.500 names are no addresses; an entry with nothing else is empty, and so is one that became so."""
        rig.fake.add("Dee", ["/O=EXAMPLE/OU=X/CN=RECIPIENTS/CN=DEE", "dee@example.com"])
        one = rig.fake.add("", ["/o=Example/cn=x"], fileAs="")
        two = rig.fake.add("Bo", ["bo@example.com"])
        mirror = rig.read(Mirror())
        assert sorted(
            one.record.emails for one in mirror.held.values() if isinstance(one.record, Contact)
        ) == [
            ("bo@example.com",),
            ("dee@example.com",),
        ]
        rig.fake.change(two, displayName="", fileAs="", emailAddresses=[])
        rig.fake.change(one, jobTitle="x")
        assert names(rig.read(mirror)) == ["Dee"]

    def test_ones_own_entry_is_left_out(self, rig: Rig) -> None:
        """Who the owner is, Kith knows."""
        rig.fake.add("Me", ["me@home.test"])
        rig.fake.add("")
        skipped = [
            one
            for page in rig.pull(owner_emails=["Me@home.test"])
            for one in page.changes
            if isinstance(one, Skipped)
        ]
        assert sorted(one.reason for one in skipped) == sorted([OWN_CARD, EMPTY_CARD])

    def test_what_is_nobodys_business_is_not_asked_for(self, rig: Rig) -> None:
        """Notes and birthdays are never selected."""
        rig.fake.add("Ana")
        rig.pull()
        chosen = [one.one("$select") for one in rig.side.server.requests]
        assert any(chosen)
        assert not any("personalNotes" in one or "birthday" in one for one in chosen)


class TestFaults:
    """What goes wrong at Microsoft."""

    @pytest.mark.parametrize(
        "change",
        [
            {"emailAddresses": 7},
            {"emailAddresses": [7]},
            {"mobilePhone": ["1"]},
            {"categories": "x"},
            {"id": 7},
        ],
    )
    def test_one_bad_entry_stops_nothing(self, rig: Rig, change: Json) -> None:
        """It is named with its place; what was held of it stays."""
        rig.side.server.inspect = no_breaches
        bad = rig.fake.add("bad")
        mirror = rig.read(Mirror())
        rig.fake.garble = lambda row: {**row, **change} if row["id"] == bad else row
        rig.fake.change(bad, jobTitle="x")
        rig.fake.add("good")
        assert names(rig.read(mirror)) == ["bad", "good"]
        assert mirror.unreadable[0].where.startswith("Contacts, ")

    def test_endless_words_are_cut(self, rig: Rig) -> None:
        """Names have an end, and so have lists."""
        rig.fake.add(
            "n" * 100_000, [f"a{number}@example.com" for number in range(500)], companyName="c" * 9_999
        )
        contact = only(rig)
        assert (len(contact.name), len(contact.organization), len(contact.emails)) == (500, 500, 100)

    def test_refusals(self, rig: Rig) -> None:
        """A missing permission is named; the time to wait is handed on."""
        with pytest.raises(ReauthRequired, match=r"Contacts\.Read"):
            rig.pull(scopes="Mail.Read")
        rig.side.server.faults.order("429")
        with pytest.raises(RateLimited):
            rig.pull()
        rig.scopes = frozenset({"Mail.Read"})
        with pytest.raises(ReauthRequired, match="kith connect microsoft"):
            rig.pull()

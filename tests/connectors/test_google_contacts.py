"""Google's contacts come whole, once, and as cards would tell them, whatever happens to tokens."""

import random
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from connectors import vcard
from connectors._vcard import EMPTY_CARD, OWN_CARD
from connectors.google_contacts import SPEC, survey
from schemas.clock import FrozenClock
from schemas.connector import Access, Change, Page, Skipped, Tombstone
from schemas.errors import RateLimited, ReauthRequired, SuspiciousSnapshot, Transient
from schemas.ids import Cursor, ExternalId
from schemas.records import Contact, SourceRecord
from tests.connectors.google import GoogleRig, a_google
from tests.contract.live_source import LiveSourceContract, Mirror, a_live_access, live_changes, live_pages
from tests.contract.source import NOW
from tests.fakes.google_people import CONNECTIONS, OTHERS, People
from tests.seeds import HUNDRED

OTHERS_READ = "https://www.googleapis.com/auth/contacts.other.readonly"


@pytest.fixture
def people() -> People:
    """The account's contacts, for the owner's hands."""
    return People(FrozenClock(NOW))


@pytest.fixture
def rig(people: People) -> Iterator[GoogleRig]:
    """The account."""
    with a_google(people) as made:
        people.clock = made.clock
        yield made


class ContactServer:
    """A server's items are contacts, named by their names."""

    def __init__(self, rig: GoogleRig, people: People) -> None:
        self.rig = rig
        self.people = people
        self._names: dict[str, str] = {}
        self.break_off = rig.wire.cut_after
        self.mend = rig.wire.mend

    def answered(self) -> int:
        return self.rig.wire.answered

    def add(self, name: str, /) -> None:
        self._names[name] = self.people.add(name, f"{name}@example.com")

    def change(self, name: str, /) -> bool:
        self.people.change(self._names[name], phoneNumbers=[{"value": "030 123"}])
        return True

    def remove(self, name: str, /) -> None:
        self.people.delete(self._names[name])

    def spoil(self) -> bool:
        self.rig.server.inspect = lambda _request, _reply: ()
        self.people.put("people/c9", {"resourceName": "people/c9", "names": "Bob"})
        return True


class TestGoogleContacts(LiveSourceContract):
    """The promises of every live source."""

    spec = SPEC

    @pytest.fixture
    def server(self, rig: GoogleRig, people: People) -> Any:
        return ContactServer(rig, people)

    def access(self, server: Any, **more: Any) -> Access:
        made: Access = server.rig.access(**more)
        return made

    def name_of(self, record: SourceRecord) -> str:
        assert isinstance(record, Contact)
        return record.name


class TestInSmallPages(TestGoogleContacts):
    """The same where answers come in pages of two."""

    @pytest.fixture
    def server(self, rig: GoogleRig, people: People) -> Any:
        people.page_size = 2
        return ContactServer(rig, people)


def lazily(rig: GoogleRig, cursor: Cursor | None = None, **more: Any) -> Iterator[Page]:
    """Pages one by one, so that those before a fault are kept."""
    assert SPEC.open_source is not None
    return SPEC.open_source(rig.access(**more)).pull(cursor)


def read(rig: GoogleRig, mirror: Mirror, **more: Any) -> list[Change]:
    """The mirror brought up to date; what changed."""
    pages = list(lazily(rig, mirror.cursor, **more))
    mirror.take(pages)
    return live_changes(pages)


def contacts(mirror: Mirror) -> dict[str, Contact]:
    """What is held, by Google's names."""
    return {name: one.record for (_, name), one in mirror.held.items() if isinstance(one.record, Contact)}


# ------ contacts


def test_it_says_what_a_card_says(rig: GoogleRig, people: People, tmp_path: Any) -> None:
    """A contact and its card are one record in one revision."""
    one = people.add(
        "Bob; Builder, Jr", "Bob@Example.com", "bob@work.example",
        phoneNumbers=[{"value": "030 1234567", "canonicalForm": "+49301234567"}, {"value": "112"}],
        nicknames=[{"value": "Bobby"}],
        organizations=[
            {"name": "Old\\Firm", "title": "Trainee"}, {"name": "Acme; Söhne", "title": "CEO, CTO", "current": True},
        ],
        urls=[{"value": "https://bob.example"}, {"value": "https://www.linkedin.com/in/bob-builder/"}],
    )  # fmt: skip
    mirror = Mirror()
    read(rig, mirror, region="DE")
    (there,) = mirror.held.values()
    source = people.person(one)["metadata"]["sources"][0]
    (tmp_path / "a.vcf").write_text(
        "\r\n".join(
            [
                "BEGIN:VCARD", "VERSION:3.0", f"UID:{source['id']}", "FN:Bob\\; Builder\\, Jr", "EMAIL:Bob@Example.com",
                "EMAIL:bob@work.example", "TEL:+49301234567", "TEL:112", "NICKNAME:Bobby", "ORG:Acme\\; Söhne",
                "TITLE:CEO\\, CTO", "URL:https://bob.example", "URL:https://www.linkedin.com/in/bob-builder/",
                f"REV:{source['updateTime']}", "END:VCARD", "",
            ]
        )
    )  # fmt: skip
    files = a_live_access("files", files=(str(tmp_path / "a.vcf"),), region="DE")
    (here,) = Mirror().take(live_pages(vcard.SPEC, files)).held.values()
    assert (there.stamp, there.record) == (here.stamp, here.record)
    assert contacts(mirror)[one].emails == ("bob@example.com", "bob@work.example")


def test_what_is_nobody_is_counted(rig: GoogleRig, people: People) -> None:
    """An empty contact and the owner's own card are counted; one that becomes so goes."""
    people.add("Anna", "anna@example.com")
    people.add()
    one = people.add("Bob")
    pages = list(lazily(rig, owner_emails=("anna@example.com",)))
    skipped = [change for page in pages for change in page.changes if isinstance(change, Skipped)]
    assert sorted(one.reason for one in skipped) == sorted([OWN_CARD, EMPTY_CARD])
    mirror = Mirror().take(pages)
    assert set(contacts(mirror)) == {one}
    people.change(one, names=[])
    read(rig, mirror, owner_emails=("anna@example.com",))
    assert contacts(mirror) == {}


def test_a_merged_contact_is_one(rig: GoogleRig, people: People) -> None:
    """Of two that became one under another name, both former names go."""
    one, two = people.add("Bob", "bob@example.com"), people.add("Bobby", "b@example.com")
    people.add("Carol")
    mirror = Mirror()
    read(rig, mirror)
    merged = people.merge(one, two)
    read(rig, mirror)
    assert merged in contacts(mirror)
    assert not {one, two} & contacts(mirror).keys()
    assert contacts(mirror) == contacts(Mirror().take(lazily(rig)))


def test_other_contacts_where_they_may_be_read(rig: GoogleRig, people: People) -> None:
    """Whom Google gathers from mail is read where the permission is there, and goes when it is withdrawn."""
    people.add("Bob", "bob@example.com")
    other = people.add("", "carol@example.com", others=True)
    mirror = Mirror()
    read(rig, mirror)
    assert rig.asked() == [f"GET {CONNECTIONS}"]
    assert OTHERS_READ not in {one.name for one in SPEC.scopes}
    rig.scopes.add(OTHERS_READ)
    read(rig, mirror)
    assert rig.asked() == [f"GET {CONNECTIONS}", f"GET {OTHERS}"]
    assert [stream for stream, name in mirror.held if name == other] == ["contacts/other"]
    people.delete(other)
    kept = people.add("", "dave@example.com", others=True)
    read(rig, mirror)
    assert kept in contacts(mirror)
    assert other not in contacts(mirror)
    rig.scopes.discard(OTHERS_READ)
    read(rig, mirror)
    assert [one.name for one in contacts(mirror).values()] == ["Bob"]


# ------ tokens


@pytest.mark.parametrize("status", [400, 410])
def test_a_token_that_ended_is_a_comparison(rig: GoogleRig, people: People, status: int) -> None:
    """After seven days everything is read again; who went meanwhile goes, and nobody else."""
    people.expired_status = status
    ids = [people.add(f"P{number}") for number in range(5)]
    mirror = Mirror()
    read(rig, mirror)
    rig.clock.advance(timedelta(days=6))
    people.add("Late", one="people/late")
    read(rig, mirror)
    rig.clock.advance(timedelta(days=2))
    people.forget(ids[0])
    people.change(ids[1], names=[{"displayName": "Changed"}])
    rig.asked()
    changes = read(rig, mirror)
    assert rig.asked() == [f"GET {CONNECTIONS}"] * 2
    assert [one for one in changes if isinstance(one, Tombstone)] == [Tombstone(ExternalId(ids[0]))]
    assert set(contacts(mirror)) == {*ids[1:], "people/late"}
    assert contacts(mirror)[ids[1]].name == "Changed"
    assert read(rig, mirror) == []


def test_a_cursor_that_is_lost_leaves_nobody_behind(rig: GoogleRig, people: People) -> None:
    """Read from nothing by one who holds many, who went meanwhile is retired with the last page."""
    ids = [people.add(f"P{number}") for number in range(5)]
    mirror = Mirror()
    read(rig, mirror)
    people.forget(ids[0])
    mirror.take(lazily(rig))
    assert set(contacts(mirror)) == set(ids[1:])


def test_all_gone_at_once_is_not_believed(rig: GoogleRig, people: People) -> None:
    """A full reading that names nobody takes nobody away."""
    ids = [people.add(f"P{number}") for number in range(3)]
    mirror = Mirror()
    read(rig, mirror)
    for one in ids:
        people.forget(one)
    people.expire_tokens()
    with pytest.raises(SuspiciousSnapshot):
        read(rig, mirror)
    assert len(mirror.held) == 3


def test_it_costs_as_much_as_there_is_news(rig: GoogleRig, people: People) -> None:
    """2,500 contacts are three requests, no change is one, and 100 changes are one."""
    ids = [people.add(f"P{number}") for number in range(2_500)]
    spent: list[str] = []
    mirror = Mirror()
    read(rig, mirror, spend=lambda name, units: spent.extend([name] * units))
    assert rig.asked() == [f"GET {CONNECTIONS}"] * 3
    assert spent == [SPEC.quotas[0].name] * 3
    for _ in range(3):
        assert read(rig, mirror) == []
        assert rig.asked() == [f"GET {CONNECTIONS}"]
    for one in ids[::25]:
        people.change(one, names=[{"displayName": "Changed"}])
    assert len(read(rig, mirror)) == 100
    assert rig.asked() == [f"GET {CONNECTIONS}"]


def test_full_readings_that_are_refused_are_waited_for(rig: GoogleRig, people: People) -> None:
    """The quota of full readings is its own; what is held stays."""
    people.add("Bob")
    mirror = Mirror()
    read(rig, mirror)
    people.expire_tokens()
    people.full_syncs_left = 0
    with pytest.raises(RateLimited) as refused:
        read(rig, mirror)
    assert refused.value.retry_after > timedelta()
    people.full_syncs_left = 1
    read(rig, mirror)
    assert len(mirror.held) == 1


@pytest.mark.parametrize("seed", HUNDRED)
def test_nobody_twice_and_nobody_lost(seed: int) -> None:
    """Whatever an owner does, and however often tokens end and the wire breaks, who is held is who is there."""
    chance = random.Random(seed)
    people = People(FrozenClock(NOW))
    people.page_size = chance.choice([1, 3, 50])
    people.add("Stays")
    ids: list[str] = []
    with a_google(people) as rig:
        mirror = Mirror()
        for step in range(8):
            for _ in range(chance.randint(1, 6)):
                act = chance.choice(["add", "add", "change", "delete", "merge"])
                if act == "add" or len(ids) < 2:
                    ids.append(people.add(f"Step {step}"))
                elif act == "change":
                    people.change(chance.choice(ids), names=[{"displayName": f"Step {step}"}])
                elif act == "delete":
                    people.delete(ids.pop(chance.randrange(len(ids))))
                else:
                    chance.shuffle(ids)
                    ids.append(people.merge(ids.pop(), ids.pop()))
            if chance.random() < 0.3:
                people.expire_tokens()
            if chance.random() < 0.4:
                rig.wire.cut_after(chance.randint(0, 3_000))
                with suppress(Transient):
                    mirror.take(lazily(rig, mirror.cursor))
                rig.wire.mend()
            else:
                mirror.take(lazily(rig, mirror.cursor))
        mirror.take(lazily(rig, mirror.cursor))
        # The stream tells of a merged one's former names; a reading from nothing knows none of them.
        assert contacts(mirror) == contacts(Mirror().take(lazily(rig)))
        assert set(ids) == {name for name, one in contacts(mirror).items() if one.name != "Stays"}


# ------ hostile, and refused


HOSTILE: dict[str, Any] = {
    "text as names": {"names": "Bob"},
    "null as names": {"names": None},
    "a number as a name": {"names": [{"displayName": 5}]},
    "a list as address": {"emailAddresses": [["bob@example.com"]]},
    "text as metadata": {"metadata": "x"},
    "a number as time": {"metadata": {"sources": [{"updateTime": 5}]}},
    "text as deleted": {"metadata": {"deleted": "yes"}},
}


@pytest.mark.parametrize("fields", HOSTILE.values(), ids=HOSTILE)
def test_one_hostile_contact_stops_nothing(rig: GoogleRig, people: People, fields: dict[str, Any]) -> None:
    """Whatever stands in a field, it is told of in its place, the others come, and what was held stays held."""
    rig.server.inspect = lambda _request, _reply: ()
    people.add("Before", one="people/before")
    people.add("Bad", one="people/bad")
    mirror = Mirror()
    read(rig, mirror)
    people.put("people/bad", {"resourceName": "people/bad", "nicknames": [{"value": "CANARY"}], **fields})
    people.add("After", one="people/after")
    read(rig, mirror)
    assert set(contacts(mirror)) == {"people/before", "people/bad", "people/after"}
    (one,) = mirror.unreadable
    assert one.where == "Google Contacts, people/bad"
    assert "CANARY" not in one.reason
    people.expire_tokens()
    read(rig, mirror)
    assert set(contacts(mirror)) == {"people/before", "people/bad", "people/after"}


def test_words_are_made_plain(rig: GoogleRig, people: People) -> None:
    """Controls and line ends leave; nothing of a word becomes another property."""
    one = people.add(
        "Bob\r\nEMAIL:eve@example.com\x00\u202e" + "x" * 10_000,
        "mailto:bob@example.com",
        "no address",
        phoneNumbers=[{"value": "call me;ext=1\n"}],
        organizations=[{"name": "A\\, B", "title": "\x1b[31m"}],
    )
    mirror = Mirror()
    read(rig, mirror)
    contact = contacts(mirror)[one]
    assert contact.name.startswith("Bob EMAIL:eve@example.comxx")
    assert len(contact.name) <= 500
    assert contact.emails == ("bob@example.com",)
    assert (contact.organization, contact.title) == ("A\\, B", "[31m")


def test_a_permission_that_was_not_given(rig: GoogleRig) -> None:
    """It is named, with what to do, before anything is asked; and where Google says so though it was granted once."""
    granted = sorted(rig.scopes)
    rig.scopes = {one for one in rig.scopes if "contacts" not in one}
    with pytest.raises(ReauthRequired, match=r"contacts\.readonly"):
        list(lazily(rig))
    with pytest.raises(ReauthRequired, match="kith connect google"):
        survey(rig.access())
    assert rig.asked() == []
    with pytest.raises(ReauthRequired, match="permission"):
        list(lazily(rig, scopes=granted))


@pytest.mark.parametrize("fault", ["500", "503", "cut", "lose_answer", "die_before", "web_page", "429"])
def test_faults_lose_nothing(rig: GoogleRig, people: People, fault: Any) -> None:
    """A server in trouble is `Transient`, without words of a contact, and the next reading brings who is there."""
    people.add("CANARY", "canary@example.com")
    mirror = Mirror()
    rig.server.faults.order(fault)
    with pytest.raises(Transient) as caught:
        read(rig, mirror)
    assert "canary" not in str(caught.value).lower()
    read(rig, mirror)
    people.add("Bob")
    rig.server.faults.order(fault)
    with pytest.raises(Transient):
        read(rig, mirror)
    read(rig, mirror)
    assert len(mirror.held) == 2

"""Address books of CardDAV servers come whole, once, and as card files would tell them; on two servers that differ."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors import vcard
from connectors._vcard import NOT_A_PERSON
from connectors.carddav import SPEC, survey
from schemas.connector import Access, Page, Skipped
from schemas.ids import Cursor
from schemas.records import Contact, SourceRecord
from tests.connectors.dav import SERVERS, Rig, a_card, a_rig
from tests.contract.live_source import LiveSourceContract, Mirror, a_live_access, live_changes, live_pages
from tests.servers.dav import DavServer


@pytest.fixture(scope="module", params=SERVERS)
def dav_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DavServer]:
    """One server of each kind, for all tests here."""
    with SERVERS[request.param](tmp_path_factory.mktemp(request.param)) as server:
        yield server


@pytest.fixture
def rig(dav_server: DavServer) -> Iterator[Rig]:
    """A fresh address book on it."""
    with a_rig(dav_server, "carddav") as made:
        yield made


class ContactServer:
    """A server's items are cards, named by their UID."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self._changes = 0
        self.break_off = rig.wire.break_off
        self.mend = rig.wire.mend
        self.answered = rig.wire.answered

    def add(self, name: str, /) -> None:
        self.rig.put(f"{name}@x.vcf", a_card(name, f"Person {name}", f"EMAIL:{name}@example.com"))

    def change(self, name: str, /) -> bool:
        self._changes += 1
        rev = f"20260201T0000{self._changes:02}Z"
        self.rig.put(f"{name}@x.vcf", a_card(name, "Changed", f"EMAIL:{name}@example.com", rev=rev))
        return True

    def remove(self, name: str, /) -> None:
        self.rig.remove(f"{name}@x.vcf")

    def spoil(self) -> bool:
        # No server takes a card that nobody can read, so that one is spoilt on its way.
        self.add("bad")
        lines = (b"FN:Person bad", b"N:Person bad;;;;", b"EMAIL:bad@example.com")
        self.rig.wire.amend = lambda _, body: _without_values(body, lines)
        return True


def _without_values(body: bytes, lines: Iterable[bytes]) -> bytes:
    for line in lines:
        body = body.replace(line, line.partition(b":")[0])
    return body


class TestCarddav(LiveSourceContract):
    """The promises of every live source."""

    spec = SPEC

    @pytest.fixture
    def server(self, rig: Rig) -> Any:
        return ContactServer(rig)

    def access(self, server: Any, **more: Any) -> Access:
        made: Access = server.rig.access(**more)
        return made

    def name_of(self, record: SourceRecord) -> str:
        assert isinstance(record, Contact)
        return record.uid


def pull(rig: Rig, cursor: Cursor | None = None, **more: Any) -> list[Page]:
    return live_pages(SPEC, rig.access(**more), cursor)


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_it_says_what_a_file_says(rig: Rig, tmp_path: Path, version: str) -> None:
    """The same card in a file and on a server is the same contact in the same revision, without its photo."""
    photo = (
        "PHOTO;ENCODING=b;TYPE=JPEG:" + "A" * 4000
        if version == "3.0"
        else "PHOTO:data:image/jpeg;base64,AAAA"
    )
    lines = ("EMAIL;TYPE=work:ann@example.com", "TEL:+49 30 1234567", "ORG:Acme;Sales", "TITLE:Buyer", photo)
    card = a_card("one", "Ann Example", *lines, version=version)
    rig.put("one.vcf", card)
    (tmp_path / "one.vcf").write_text(card)
    there = Mirror().take(pull(rig)).held.values()
    files = (str(tmp_path / "one.vcf"),)
    here = Mirror().take(live_pages(vcard.SPEC, a_live_access("files", files=files))).held.values()
    assert [(one.stamp, one.record) for one in there] == [(one.stamp, one.record) for one in here]


def test_groups_are_passed_over(rig: Rig) -> None:
    """A group is no person; it is counted."""
    rig.put(
        "g.vcf",
        a_card("g", "Friends", "X-ADDRESSBOOKSERVER-KIND:group", "X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:one"),
    )
    rig.put("one.vcf", a_card("one", "Ann Example"))
    pages = pull(rig)
    assert len(Mirror().take(pages).held) == 1
    skips = [change for page in pages for change in page.changes if isinstance(change, Skipped)]
    assert [skip.reason for skip in skips] == [NOT_A_PERSON]


def test_the_owners_card_is_left_out(rig: Rig) -> None:
    """A card of the owner's own addresses is no contact; when it turns out to be theirs, it is taken away."""
    rig.put("me.vcf", a_card("me", "Me", "EMAIL:me@example.com"))
    mirror = Mirror().take(pull(rig))
    assert len(mirror.held) == 1
    assert mirror.take(pull(rig, mirror.cursor, owner_emails=("me@example.com",))).held == {}


def test_books_that_servers_make_are_read_when_chosen(rig: Rig) -> None:
    """Nextcloud's book of all its users is offered, and not read unless it is chosen."""
    book = rig.make("z-server-generated--system", "Accounts")
    rig.put("one.vcf", a_card("one", "Ann Example"))
    rig.put("two.vcf", a_card("two", "Bob Example"), book)
    assert {one.id: one.is_read for one in survey(rig.access()).collections} == {
        "work": True,
        "z-server-generated--system": False,
    }
    assert [stream for stream, _ in Mirror().take(pull(rig)).held] == ["contacts/work"]
    mirror = Mirror().take(pull(rig, calendars=("Accounts",)))
    assert [stream for stream, _ in mirror.held] == ["contacts/z-server-generated--system"]


def test_a_card_without_a_revision_is_followed(rig: Rig) -> None:
    """A card whose producer writes no REV is seen to change."""
    mirror = Mirror()
    for name in ("Ann One", "Ann Two", "Ann One", "Ann Three"):
        rig.put("one.vcf", a_card("one", name).replace("REV:20260101T000000Z\n", ""))
        mirror.take(pull(rig, mirror.cursor))
        [held] = mirror.held.values()
        assert isinstance(held.record, Contact)
        assert held.record.name == name


def test_nothing_new_is_one_request(rig: Rig) -> None:
    """A poll in which nothing changed asks once."""
    rig.put("one.vcf", a_card("one", "Ann Example"))
    cursor = pull(rig)[-1].checkpoint
    asked = len(rig.wire.asked)
    assert live_changes(pull(rig, cursor)) == []
    assert len(rig.wire.asked) == asked + 1

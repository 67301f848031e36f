"""Mail of an Exchange mailbox becomes messages, the same as from mail files."""

import dataclasses
import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from connectors import exchange_mail
from schemas.connector import Access, Page, Skipped, Upsert
from schemas.errors import Rejected, SuspiciousSnapshot, Transient
from schemas.records import Mailbox as Box
from schemas.records import Message, SourceRecord
from tests.connectors.exchange import SEEDS, Mailbox, a_box, a_letter, a_sent_letter, an_access, later
from tests.connectors.mail import a_mail, a_mixed_mail, record_of
from tests.contract.live_source import LiveServer, LiveSourceContract, Mirror, live_changes, live_pages
from tests.contract.source import NOW
from tests.fakes.exchange import ExchangeServer
from tests.fakes.exchange_wire import Element, Refused, e

SPEC = exchange_mail.SPEC


class Letters(Mailbox):
    """A folder of mail."""

    def make(self, name: str, turn: int) -> Element:
        assert not turn
        return a_letter(a_mail(Message_ID=f"<{name}@example.com>", Subject=f"Letter {name}"))

    def change(self, name: str) -> bool:
        """Marked as read, which is no change of a mail."""
        self.server.mark_read(self.ids[name])
        return False

    def bad(self) -> Element:
        return a_letter(b"X-Nothing: 1\n\n")


class Spread(Letters):
    """Mail over several folders, one below another."""

    def __init__(self, server: ExchangeServer) -> None:
        super().__init__(server, "inbox")
        work = server.add_folder("Work", "IPF.Imap", "inbox")
        self.places = ["inbox", work, server.add_folder("Übersicht", "", work)]

    def add(self, name: str) -> None:
        self.folder = self.places[len(self.ids) % 3]
        super().add(name)


@pytest.fixture
def mailbox() -> Iterator[ExchangeServer]:
    """A mailbox whose every request and answer must be as Microsoft's schema has it."""
    with ExchangeServer().serve() as server:
        yield server
        assert server.breaches == []


class TestExchangeMail(LiveSourceContract):
    """Mail keeps the promises of every source."""

    spec = SPEC

    @pytest.fixture
    def server(self, mailbox: ExchangeServer) -> Letters:
        return Letters(mailbox, "inbox")

    def access(self, server: LiveServer, **more: Any) -> Access:
        assert isinstance(server, Letters)
        return an_access(server.server, **more)

    def name_of(self, record: SourceRecord) -> str:
        assert isinstance(record, Message)
        return record.message_id.partition("@")[0]


class TestExchangeMailOfFolders(TestExchangeMail):
    """So it does where it is spread over folders."""

    @pytest.fixture
    def server(self, mailbox: ExchangeServer) -> Letters:
        return Spread(mailbox)


def read(server: ExchangeServer, mirror: Mirror | None = None, **more: Any) -> Mirror:
    """The mirror brought up to date."""
    mirror = mirror or Mirror()
    assert SPEC.open_source is not None
    return mirror.take(SPEC.open_source(an_access(server, **more)).pull(mirror.cursor))


def messages(mirror: Mirror) -> dict[str, Message]:
    return {
        one.record.message_id: one.record for one in mirror.held.values() if isinstance(one.record, Message)
    }


def the_message(server: ExchangeServer, **more: Any) -> Message:
    (one,) = messages(read(server, **more)).values()
    return one


def names(pages: list[Page]) -> list[str]:
    """Message-IDs in the order in which they came."""
    return [
        one.record.message_id.partition("@")[0]
        for page in pages
        for one in page.changes
        if isinstance(one, Upsert) and isinstance(one.record, Message)
    ]


# --- one mail, wherever it is read ------------------------------------------------------------------------------------


def test_a_mail_is_the_same_as_from_a_file(mailbox: ExchangeServer) -> None:
    """Who wrote what to whom and when is what the same mail says in a file; only the folder is told besides."""
    raw = a_mail(
        References="<a@example.com> <b@example.com>",
        In_Reply_To="<b@example.com>",
        Cc="Jonas Weiß <jonas@example.com>",
        Thread_Index="AQHWAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
        Subject="=?utf-8?q?Gr=C3=BC=C3=9Fe?=",
    )
    mailbox.add("inbox", a_letter(raw))
    message = the_message(mailbox)
    same = record_of(raw)
    for name in Message.__struct_fields__:
        if name != "labels":
            assert getattr(message, name) == getattr(same, name), name
    assert message.labels == ("Inbox",)


def test_what_was_sent_here_gets_its_fields(mailbox: ExchangeServer) -> None:
    """Of a mail without a header block the fields are written from what the server keeps; the zone stays unknown."""
    mailbox.add("sentitems", a_sent_letter(1, e("t:BccRecipients", a_box("Quiet", "quiet@example.com"))))
    message = the_message(mailbox)
    assert message.sender == Box("alice@example.com", "Alice")
    assert message.to == (Box("ana@example.com", "Ana, Okafor"),)
    assert message.bcc == (Box("quiet@example.com", "Quiet"),)
    assert message.references == ("m1@example.com",)
    assert (message.subject, message.utc_offset) == ("Re: Letter 1", None)
    assert message.at == (NOW - timedelta(days=3, minutes=1)).replace(microsecond=0)
    assert "Tuesday" in message.excerpt


def test_an_address_of_the_organisation_is_looked_up(mailbox: ExchangeServer) -> None:
    """An author known by Exchange's own kind of address is told by the SMTP address that stands beside it."""
    smtp = e(
        "t:ExtendedProperty",
        e("t:ExtendedFieldURI", PropertyTag="0x5d02", PropertyType="String"),
        e("t:Value", "mei@example.com"),
    )
    item = a_sent_letter(1, smtp)
    item.find("{*}From").remove(item.find("{*}From")[0])
    item.find("{*}From").append(a_box("Mei", "/o=Firm/ou=X/cn=Recipients/cn=mei", "EX"))
    mailbox.add("inbox", item)
    assert the_message(mailbox).sender == Box("mei@example.com", "Mei")


@pytest.mark.parametrize(
    ("kind", "nature"),
    [
        ("IPM.Schedule.Meeting.Request", "invitation"),
        ("IPM.Schedule.Meeting.Resp.Pos", "invitation"),
        ("IPM.Note.Rules.OofTemplate.Microsoft", "auto_reply"),
        ("REPORT.IPM.Note.NDR", "bounce"),
        ("REPORT.IPM.Note.IPNRN", "receipt"),
        ("IPM.Note.SMIME.MultipartSigned", "personal"),
    ],
)
def test_a_class_tells_what_fields_do_not(mailbox: ExchangeServer, kind: str, nature: str) -> None:
    """Invitations, answers of machines and reports are known by their class where they have no fields."""
    item = a_sent_letter(1)
    item.find("{*}ItemClass").text = kind
    mailbox.add("inbox", item)
    assert the_message(mailbox).nature == nature


def test_what_is_no_mail_is_left_out(mailbox: ExchangeServer) -> None:
    """Chats, notes, drafts, junk, deleted mail, what is on its way out and what Outlook logs are not read."""
    mailbox.add("inbox", a_letter(a_mail(1), kind="IPM.Note.Microsoft.Conversation"))
    mailbox.add("inbox", a_letter(a_mail(2), kind="IPM.Post"))
    mailbox.add("inbox", a_letter(a_mail(3), is_draft=True))
    for number, place in enumerate(("drafts", "junkemail", "deleteditems", "outbox"), 4):
        mailbox.add(place, a_letter(a_mail(number)))
    below = mailbox.add_folder("Old", "IPF.Note", "deleteditems")
    mailbox.add(below, a_letter(a_mail(9)))
    pages = live_pages(SPEC, an_access(mailbox))
    assert [one for page in pages for one in page.changes] == [Skipped("draft")]


def test_a_draft_that_is_sent_comes(mailbox: ExchangeServer) -> None:
    """What was a draft and is none any more is read."""
    id_ = mailbox.add("inbox", a_letter(a_mail(1), is_draft=True))
    mirror = read(mailbox)
    assert messages(mirror) == {}
    mailbox.change(id_, e("t:IsDraft", "false"))
    assert list(messages(read(mailbox, mirror))) == ["m1@example.com"]


# --- bodies -------------------------------------------------------------------------------------------------------------


def bodies_asked(server: ExchangeServer) -> int:
    """Of how many mails the text was asked for."""
    asked = [one.body for one in server.asked if one.operation == "GetItem"]
    return sum(
        len(one.findall(".//{*}ItemIds/{*}ItemId"))
        for one in asked
        if any(uri.get("FieldURI") == "item:Body" for uri in one.iterfind(".//{*}FieldURI"))
    )


def test_texts_only_of_mail_between_humans(mailbox: ExchangeServer) -> None:
    """Of newsletters, invitations and machines' mail no text is asked for; of headers alone none at all."""
    mailbox.add("inbox", a_letter(a_mail(1)))
    mailbox.add(
        "inbox", a_letter(a_mail(2, List_Unsubscribe="<https://example.com/u>", List_Id="<x.example.com>"))
    )
    mailbox.add("inbox", a_letter(a_mail(3), kind="IPM.Schedule.Meeting.Request"))
    mirror = read(mailbox)
    assert len(mirror.held) == 3
    assert bodies_asked(mailbox) == 1
    mailbox.operations()
    alone = read(mailbox, headers_only=True)
    assert bodies_asked(mailbox) == 0
    assert all(not one.excerpt and not one.signals for one in messages(alone).values())


def test_html_is_read_as_text(mailbox: ExchangeServer) -> None:
    """An HTML text is read as HTML, and what the mail's own fields say of its parts does not hide it."""
    item = a_letter(a_mixed_mail("x", "y"), body_type="HTML")
    item.find("{*}Body").text = "<html><body><p>Could you send me the <b>deck</b>?</p></body></html>"
    mailbox.add("inbox", item)
    message = the_message(mailbox)
    assert message.excerpt == item.find("{*}Body").text


def test_a_server_that_cannot_cut_bodies(mailbox: ExchangeServer) -> None:
    """One that does not know how to cut a body gives it whole, and is not asked for that again."""
    mailbox.knows_maximum_body = False
    for number in range(60):
        mailbox.add("inbox", a_letter(a_mail(number)))
    assert len(read(mailbox).held) == 60
    assert mailbox.operations().count("GetItem") == 1 + 1 + 2


def test_other_terms_read_anew(mailbox: ExchangeServer) -> None:
    """Turned from headers alone to texts, every mail is read again, under the id it had."""
    for number in range(5):
        mailbox.add("inbox", a_letter(a_mail(number)))
    mirror = read(mailbox, headers_only=True)
    held = dict(mirror.held)
    read(mailbox, mirror)
    assert mirror.held.keys() == held.keys()
    assert all(one.excerpt for one in messages(mirror).values())


# --- order and costs ----------------------------------------------------------------------------------------------------


def test_the_last_weeks_come_first(mailbox: ExchangeServer) -> None:
    """On a first reading the last four weeks of all folders come before anything older, newest first."""
    work = mailbox.add_folder("Work", "IPF.Note")
    for number in range(30):
        mailbox.add("inbox", a_letter(a_mail(number), received=NOW - timedelta(days=500 - number)))
    for number in range(30, 34):
        mailbox.add(work, a_letter(a_mail(number), received=NOW - timedelta(days=40 - number)))
    mailbox.add("inbox", a_letter(a_mail(40), received=NOW - timedelta(days=1)))
    came = names(live_pages(SPEC, an_access(mailbox)))
    assert set(came[:5]) == {"m40", "m30", "m31", "m32", "m33"}
    assert came[1:5] == ["m33", "m32", "m31", "m30"]
    assert len(came) == len(set(came)) == 35


def test_what_is_older_is_not_asked_for(mailbox: ExchangeServer) -> None:
    """Of mail before `--since` nothing but ids and dates is asked for; a longer look back then reads it, and only it."""
    for number in range(50):
        mailbox.add(
            "inbox",
            a_letter(a_mail(number, Date="Wed, 01 Jan 2020 10:00:00 +0000"), received=NOW.replace(year=2020)),
        )
    mailbox.add("inbox", a_letter(a_mail(99)))
    access = an_access(mailbox, since=date(2025, 1, 1))
    mirror = Mirror().take(live_pages(SPEC, access))
    assert list(messages(mirror)) == ["m99@example.com"]
    assert (
        sum(
            len(one.body.findall(".//{*}ItemIds/{*}ItemId"))
            for one in mailbox.asked
            if one.operation == "GetItem"
        )
        == 2
    )
    mailbox.operations()
    longer = dataclasses.replace(access, since=date(2019, 1, 1))
    pages = live_pages(SPEC, longer, mirror.cursor)
    assert "m99" not in names(pages)
    assert len(mirror.take(pages).held) == 51


def test_a_first_reading_costs_what_it_must(mailbox: ExchangeServer) -> None:
    """A thousand mails cost two listings, a request for each hundred headers, and one for each forty texts."""
    for number in range(1_000):
        mailbox.add("inbox", a_letter(a_mail(number)))
    assert len(read(mailbox).held) == 1_000
    told = mailbox.operations()
    assert told.count("SyncFolderItems") == 2 + 1
    assert told.count("GetItem") <= 11 * (1 + 3)
    assert len(told) <= 55


def test_a_quiet_mailbox_costs_one_request(mailbox: ExchangeServer) -> None:
    """A look that finds nothing new is one request for all folders; once an hour each is looked into."""
    for number in range(10):
        mailbox.add(mailbox.add_folder(f"F{number}", "IPF.Note"), a_letter(a_mail(number)))
    access = an_access(mailbox)
    mirror = Mirror().take(live_pages(SPEC, access))
    mailbox.operations()
    for _ in range(3):
        mirror.take(live_pages(SPEC, access, mirror.cursor))
    assert mailbox.operations() == ["FindFolder"] * 3
    mirror.take(live_pages(SPEC, later(access, timedelta(hours=2)), mirror.cursor))
    assert mailbox.operations() == ["FindFolder", *["SyncFolderItems"] * 12]


def test_a_new_mail_costs_four_requests(mailbox: ExchangeServer) -> None:
    """Of a mailbox with many folders only the one with news is looked into."""
    for number in range(10):
        mailbox.add(mailbox.add_folder(f"F{number}", "IPF.Note"), a_letter(a_mail(number)))
    mirror = read(mailbox)
    mailbox.add("inbox", a_letter(a_mail(99), received=NOW))
    mailbox.operations()
    read(mailbox, mirror)
    assert mailbox.operations() == ["FindFolder", "SyncFolderItems", "GetItem", "GetItem"]


def test_read_marks_are_no_news(mailbox: ExchangeServer) -> None:
    """That mail was read is listed and asks for nothing."""
    ids = [mailbox.add("inbox", a_letter(a_mail(number))) for number in range(5)]
    mirror = read(mailbox)
    for one in ids:
        mailbox.mark_read(one)
    mailbox.operations()
    pages = live_pages(SPEC, an_access(mailbox), mirror.cursor)
    assert live_changes(pages) == []
    assert mailbox.operations() == ["FindFolder", "SyncFolderItems"]


# --- moves, dead states, kills ------------------------------------------------------------------------------------------


def test_a_move_is_no_deletion(mailbox: ExchangeServer) -> None:
    """A mail that is moved comes from where it is before it goes from where it was, whatever the order of folders."""
    work = mailbox.add_folder("Work", "IPF.Note")
    ids = [mailbox.add("inbox", a_letter(a_mail(number))) for number in range(3)]
    mirror = read(mailbox)
    moved = mailbox.move(ids[0], work)
    for page in live_pages(SPEC, an_access(mailbox), mirror.cursor):
        mirror.take([page])
        assert "m0@example.com" in messages(mirror)
    assert len(mirror.held) == 3
    mailbox.move(moved, "inbox")
    assert len(read(mailbox, mirror).held) == 3


def test_a_dead_state_costs_a_listing(mailbox: ExchangeServer) -> None:
    """After ErrorInvalidSyncStateData nothing that is known is asked for; what has gone meanwhile goes."""
    ids = [mailbox.add("inbox", a_letter(a_mail(number))) for number in range(20)]
    mirror = read(mailbox)
    mailbox.remove(ids[3])
    mailbox.add("inbox", a_letter(a_mail(77)))
    mailbox.expire_sync_states()
    mailbox.operations()
    read(mailbox, mirror)
    told = mailbox.operations()
    assert told.count("GetItem") == 2
    assert set(messages(mirror)) == {f"m{n}@example.com" for n in range(20) if n != 3} | {"m77@example.com"}


@pytest.mark.parametrize("seed", SEEDS)
def test_full_resync_neither_doubles_nor_deletes(mailbox: ExchangeServer, seed: int) -> None:
    """States die at any time, readings are killed at any page, mail comes, moves and goes: in the end all is as it is."""
    luck = random.Random(seed)
    folders = ["inbox", "sentitems", mailbox.add_folder("Work", "IPF.Note")]
    ids: dict[str, str] = {}
    mirror = Mirror()
    for step in range(6):
        for number in range(luck.randrange(5)):
            name = f"m{step}{number}@example.com"
            old = a_letter(
                a_mail(Message_ID=f"<{name}>"), received=NOW - timedelta(days=luck.choice((3, 300)))
            )
            ids[name] = mailbox.add(luck.choice(folders), old)
        for name in luck.sample(sorted(ids), min(len(ids), luck.randrange(3))):
            if luck.random() < 0.5:
                mailbox.delete(ids.pop(name))
            else:
                ids[name] = mailbox.move(ids[name], luck.choice(folders))
        if luck.random() < 0.5:
            mailbox.expire_sync_states()
        pages = live_pages(SPEC, an_access(mailbox), mirror.cursor)
        before = set(messages(mirror))
        # A kill: what comes after some page is never taken in.
        mirror.take(pages[: luck.randrange(len(pages) + 1)])
        assert before & ids.keys() <= set(messages(mirror))
    read(mailbox, mirror)
    assert sorted(
        one.record.message_id for one in mirror.held.values() if isinstance(one.record, Message)
    ) == sorted(ids)
    assert mirror.held.keys() == read(mailbox).held.keys()


def test_a_kill_between_any_pages(mailbox: ExchangeServer) -> None:
    """A first reading that is killed after any page goes on from its last checkpoint, and asks for nothing before that."""
    for number in range(700):
        mailbox.add("inbox", a_letter(a_mail(number), received=NOW - timedelta(days=number % 60)))
    whole = live_pages(SPEC, an_access(mailbox))
    assert len(whole) > 6
    for cut in range(1, len(whole)):
        mirror = Mirror().take(whole[:cut])
        kept = max((number for number in range(cut) if whole[number].checkpoint), default=-1)
        came = set(names(whole[: kept + 1]))
        rest = live_pages(SPEC, an_access(mailbox), mirror.cursor)
        assert not came & set(names(rest))
        assert len(mirror.take(rest).held) == 700


def test_a_folder_that_is_gone_takes_its_mail_along(mailbox: ExchangeServer) -> None:
    """Mail in a folder that was deleted goes once the rest was read; that of a renamed one stays as it was."""
    work, home = mailbox.add_folder("Work", "IPF.Note"), mailbox.add_folder("Home", "IPF.Note")
    mailbox.add(work, a_letter(a_mail(1)))
    mailbox.add(home, a_letter(a_mail(2)))
    mirror = read(mailbox)
    mailbox.delete_folder(work)
    mailbox.rename_folder(home, "Häusliches")
    assert list(messages(read(mailbox, mirror))) == ["m2@example.com"]


def test_a_mail_that_the_server_trips_over_stops_no_other(mailbox: ExchangeServer) -> None:
    """One that fails twice as if the server did, while others come, is told of; where none comes it is the server's trouble."""
    mailbox.broken_code = "ErrorInternalServerError"
    ids = [mailbox.add("inbox", a_letter(a_mail(number))) for number in range(3)]
    mailbox.broken.update(ids)
    with pytest.raises(Transient):
        read(mailbox)
    mailbox.broken -= set(ids[1:])
    mirror = read(mailbox)
    assert set(messages(mirror)) == {"m1@example.com", "m2@example.com"}
    (told,) = mirror.unreadable
    assert "ErrorInternalServerError" in told.reason


def test_a_mail_alone_that_the_server_trips_over_stops_no_other(mailbox: ExchangeServer) -> None:
    """One that is new by itself is judged by others of its folder; it comes once all is listed anew."""
    mailbox.broken_code = "ErrorInternalServerError"
    for number in range(3):
        mailbox.add("inbox", a_letter(a_mail(number)))
    mirror = read(mailbox)
    mailbox.broken.add(mailbox.add("inbox", a_letter(a_mail(8))))
    read(mailbox, mirror)
    assert [one.reason for one in mirror.unreadable] == [
        "the server does not hand it out (ErrorInternalServerError)"
    ]
    mailbox.add("inbox", a_letter(a_mail(9)))
    assert "m9@example.com" in messages(read(mailbox, mirror))
    mailbox.broken.clear()
    assert "m8@example.com" not in messages(read(mailbox, mirror))
    mailbox.expire_sync_states()
    mailbox.add("inbox", a_letter(a_mail(10)))
    assert len(messages(read(mailbox, mirror))) == 6


def test_a_text_that_the_server_trips_over_is_told_of(mailbox: ExchangeServer) -> None:
    """A mail whose text alone fails is told of, and not taken for an empty one; it comes once all is listed anew."""
    ids = [mailbox.add("inbox", a_letter(a_mail(number))) for number in range(4)]
    mailbox.broken_texts.add(ids[2])
    mirror = read(mailbox)
    assert len(messages(mirror)) == 3
    assert len(mirror.unreadable) == 1
    mailbox.broken_texts.clear()
    mailbox.expire_sync_states()
    mailbox.add("inbox", a_letter(a_mail(9)))
    assert len(messages(read(mailbox, mirror))) == 5


def test_a_trip_that_was_the_servers_own_costs_nothing(mailbox: ExchangeServer) -> None:
    """One that comes when it is asked for again is no trouble."""
    mailbox.broken_code = "ErrorInternalServerError"
    ids = [mailbox.add("inbox", a_letter(a_mail(number))) for number in range(3)]
    mailbox.broken.add(ids[0])

    def mend(asked: Any) -> None:
        if asked.operation == "GetItem" and len(asked.body.findall(".//{*}ItemIds/{*}ItemId")) == 1:
            mailbox.broken.clear()

    mailbox.refuse = mend
    mirror = read(mailbox)
    assert len(messages(mirror)) == 3
    assert mirror.unreadable == []


def test_a_folder_that_cannot_be_read_stops_no_other(mailbox: ExchangeServer) -> None:
    """What the server refuses of one folder is told once the others were read; nothing is taken away meanwhile."""
    work, home = mailbox.add_folder("Work", "IPF.Note"), mailbox.add_folder("Home", "IPF.Note")
    moved = mailbox.add("inbox", a_letter(a_mail(1)))
    mailbox.add(work, a_letter(a_mail(2)))
    mirror = read(mailbox)

    def refuse(asked: Any) -> None:
        where = asked.body.find(".//{*}SyncFolderId/{*}FolderId")
        if where is not None and where.get("Id") == home:
            raise Refused("ErrorAccessDenied")

    mailbox.refuse = refuse
    mailbox.move(moved, home)
    mailbox.add(work, a_letter(a_mail(3)))
    with pytest.raises(Rejected, match="ErrorAccessDenied"):
        read(mailbox, mirror)
    assert set(messages(mirror)) == {f"m{number}@example.com" for number in (1, 2, 3)}
    mailbox.operations()
    with pytest.raises(Rejected):
        read(mailbox, mirror)
    assert "GetItem" not in mailbox.operations()
    mailbox.refuse = lambda _asked: None
    assert len(read(mailbox, mirror).held) == 3


def test_a_first_reading_goes_on_past_a_folder_that_fails(mailbox: ExchangeServer) -> None:
    """The older mail of the others comes as well, and that folder is asked once."""
    home = mailbox.add_folder("Home", "IPF.Note")
    mailbox.add(home, a_letter(a_mail(1)))
    for number in range(2, 5):
        mailbox.add("inbox", a_letter(a_mail(number), received=NOW - timedelta(days=90)))
    asked_for: list[str] = []

    def refuse(asked: Any) -> None:
        if any(one.get("Id") == home for one in asked.body.iter("{*}FolderId")):
            asked_for.append(asked.operation)
            raise Refused("ErrorAccessDenied")

    mailbox.refuse = refuse
    mirror = Mirror()
    with pytest.raises(Rejected):
        read(mailbox, mirror)
    assert set(messages(mirror)) == {f"m{number}@example.com" for number in (2, 3, 4)}
    assert asked_for == ["FindItem"]


def test_an_empty_mailbox_takes_nothing_away(mailbox: ExchangeServer) -> None:
    """Another mailbox without a mail in the place of the one that was read is not believed; one with mail is."""
    for number in range(3):
        mailbox.add("inbox", a_letter(a_mail(number)))
    mirror = read(mailbox)
    with ExchangeServer(made=10_000).serve() as other:
        with pytest.raises(SuspiciousSnapshot):
            read(other, mirror)
        assert len(mirror.held) == 3
        for number in range(3):
            other.add("inbox", a_letter(a_mail(number)))
        assert len(read(other, mirror).held) == 3
        assert other.breaches == []


# --- hostile ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hostile",
    [
        a_letter(a_mail(1), e("t:InternetMessageId", "<x@y>\r\nFrom: eve@example.com")),
        a_sent_letter(1, body="a\n\nFrom: eve@example.com\n"),
        a_sent_letter(1, to="ana@example.com>\nBcc: eve@example.com"),
    ],
    ids=["id", "body", "address"],
)
def test_hostile_words_make_no_fields(mailbox: ExchangeServer, hostile: Element) -> None:
    """Whatever stands in a property of a mail, it makes no other field and no other person."""
    mailbox.add("inbox", hostile)
    message = the_message(mailbox)
    assert "eve@example.com" not in {
        message.sender.address,
        *(box.address for box in (*message.cc, *message.bcc)),
    }


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "soon", ""])
def test_an_instant_that_is_none_stops_nothing(mailbox: ExchangeServer, when: str) -> None:
    """A mail that came at no time that there is comes by the day it names itself, and the others come."""
    odd = a_letter(a_mail(1))
    mailbox.add("inbox", odd)
    mailbox.add("inbox", a_letter(a_mail(2)))
    mailbox.wire.spoil = lambda said: said.replace(
        f"<t:DateTimeReceived>{odd.findtext('{*}DateTimeReceived')}".encode(),
        f"<t:DateTimeReceived>{when}".encode(),
        1,
    )
    assert set(messages(read(mailbox, since=date(2025, 1, 1)))) == {"m1@example.com", "m2@example.com"}


def test_the_newest_is_the_earlier_of_sent_and_come(mailbox: ExchangeServer) -> None:
    """What was moved here came late and is old."""
    mailbox.add("inbox", a_letter(a_mail(1), received=NOW - timedelta(days=2)))
    mailbox.add("inbox", a_letter(a_mail(2), received=NOW - timedelta(days=9)))
    assert exchange_mail.newest(an_access(mailbox)) == (NOW - timedelta(days=2)).replace(microsecond=0)
    assert mailbox.operations() == ["FindItem"]


def test_what_went_before_it_was_listed_goes(mailbox: ExchangeServer) -> None:
    """Mail that came by the search and was deleted before the listing named it is gone, though no server says so."""
    ids = [
        mailbox.add("inbox", a_letter(a_mail(number), received=NOW - timedelta(days=2)))
        for number in range(30)
    ]
    pages = live_pages(SPEC, an_access(mailbox))
    mirror = Mirror().take(pages[:1])
    assert len(mirror.held) == 30
    mailbox.remove(ids[7])
    assert len(read(mailbox, mirror).held) == 29


def test_a_listing_anew_may_be_broken_off(mailbox: ExchangeServer) -> None:
    """A listing after a dead state that is killed and gone on with still tells what has gone before it began."""
    ids = [mailbox.add("inbox", a_letter(a_mail(number))) for number in range(1_100)]
    mirror = read(mailbox)
    mailbox.expire_sync_states()
    for one in (ids[3], ids[1_000]):
        mailbox.remove(one)
    added = [mailbox.add("inbox", a_letter(a_mail(number))) for number in range(2_000, 2_200)]
    pages = live_pages(SPEC, an_access(mailbox), mirror.cursor)
    for cut in range(1, len(pages)):
        broken = Mirror()
        broken.held, broken.cursor = dict(mirror.held), mirror.cursor
        broken.take(pages[:cut])
        assert len(read(mailbox, broken).held) == 1_098 + len(added)

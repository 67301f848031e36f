"""Mail of Microsoft Graph, read from a fake that refuses what Graph refuses."""

import random
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any, TypeVar

import pytest
from msgspec.structs import replace

from connectors import graph_mail
from deploy.sample.bulk import Settings, shard_messages
from schemas.connector import Access, Page, Skipped, Unreadable, Upsert
from schemas.errors import (
    Missing,
    RateLimited,
    ReauthRequired,
    Rejected,
    Transient,
)
from schemas.records import Message, SourceRecord
from tests.connectors.graph_box import GraphBox
from tests.connectors.mail import TERMS, a_mail, a_mixed_mail
from tests.contract.live_source import FIRST, LiveServer, LiveSourceContract, Mirror, live_changes, live_pages
from tests.contract.source import NOW, read_plainly
from tests.fakes.api import no_breaches
from tests.fakes.faults import PATIENCE, Fault
from tests.fakes.graph_mail import OWNER, WELL_KNOWN
from tests.servers.mailbox import a_letter

A = TypeVar("A")
B = TypeVar("B")

BASIC = frozenset({"https://graph.microsoft.com/Mail.ReadBasic"})


@pytest.fixture
def box() -> Iterator[GraphBox]:
    """A mailbox."""
    with GraphBox().serve() as made:
        yield made


class TestGraphMail(LiveSourceContract):
    """All mail in the inbox."""

    spec = graph_mail.SPEC

    @pytest.fixture
    def server(self) -> Iterator[LiveServer]:
        with GraphBox().serve() as made:
            yield made

    def access(self, server: LiveServer, **more: Any) -> Access:
        assert isinstance(server, GraphBox)
        return server.access(**more)

    def name_of(self, record: SourceRecord) -> str:
        return name_of(record)


class TestGraphMailOfFolders(TestGraphMail):
    """Mail of the contract's tests spread over folders, in pages of two."""

    @pytest.fixture
    def server(self) -> Iterator[LiveServer]:
        box = _Spread()
        box.mail.most_in_page = 2
        with box.serve() as made:
            yield made


class _Spread(GraphBox):
    """A mailbox whose every other mail is in another folder."""

    def __init__(self) -> None:
        super().__init__()
        self._places = ["inbox", self.mail.add_folder("Work/Übersicht"), "archive"]

    def add(self, name: str) -> None:
        self.put(name, self._places[len(self.mail.messages) % 3])


def name_of(record: SourceRecord) -> str:
    assert isinstance(record, Message)
    return record.message_id.partition("@")[0]


def pull(box: GraphBox, mirror: Mirror | None = None, **more: Any) -> list[Page]:
    """One whole pull, taken into the mirror, each page before the next is asked for."""
    mirror = mirror or Mirror()
    pages: list[Page] = []
    for page in graph_mail.GraphMail(box.access(**more)).pull(mirror.cursor):
        mirror.take([page])
        pages.append(page)
    return pages


def read(box: GraphBox, mirror: Mirror | None = None, **more: Any) -> Mirror:
    """The mirror, or a new one, brought up to date."""
    mirror = mirror or Mirror()
    pull(box, mirror, **more)
    return mirror


def names(mirror: Mirror) -> list[str]:
    """All that is held, by name; what is held twice is named twice."""
    return sorted(name_of(one.record) for one in mirror.held.values())


def places(mirror: Mirror) -> dict[str, list[str]]:
    """What is held, by folder."""
    found: dict[str, list[str]] = {}
    for one in mirror.held.values():
        assert isinstance(one.record, Message)
        found.setdefault(one.record.labels[0], []).append(name_of(one.record))
    return {folder: sorted(some) for folder, some in found.items()}


def record_of(mirror: Mirror, name: str) -> Message:
    """The one record of a name."""
    (one,) = [one.record for one in mirror.held.values() if name_of(one.record) == name]
    assert isinstance(one, Message)
    return one


# --- records ----------------------------------------------------------------------------------------------------------


def _as_from_a_file(raw: bytes) -> Upsert:
    from connectors._mime import message_from_bytes  # noqa: PLC0415 - the one use

    change = message_from_bytes(raw, read_plainly, TERMS)
    assert isinstance(change, Upsert), change
    return change


def _shapes() -> list[bytes]:
    """Mail of every kind."""
    html = "<p>Could you look at <b>section 3</b>?</p>"
    return [
        a_mail(1),
        a_mail(
            2, Cc='"Berg, Jonas" <jonas@example.com>, Li <li@example.org>', Reply_To="Anna <a@example.net>"
        ),
        a_mail(3, Subject="=?utf-8?q?Gr=C3=BC=C3=9Fe?=", From="=?utf-8?b?SsO8cmdlbg==?= <j@example.com>"),
        a_mail(4, References="<m1@example.com> <m2@example.com>", In_Reply_To="<m2@example.com>"),
        a_mail(5, List_Id="<list.example.org>", List_Post="<mailto:list@example.org>"),
        a_mail(6, List_Unsubscribe="<https://news.example.com/u>", Precedence="bulk"),
        a_mail(7, Auto_Submitted="auto-replied", Subject="Automatic reply: Letter"),
        a_mail(8, From="no-reply@example.com"),
        a_mail(9, Thread_Index="AdrRk0nZ0123456789abcdef0123456789ABCDEFGH==", Thread_Topic="Letter"),
        a_mail(10, Date="Mon, 03 Mar 2025 23:00:00 -0800"),
        a_mail(11, body="> quoted\n\n>From the start\n\n-- \nAnna\n+49 30 1234567\n"),
        a_mail(12, Content_Type="text/html; charset=utf-8", body=html),
        a_mixed_mail("Could you look at section 3?\n", html, 13),
    ]


def test_a_record_is_the_one_that_a_file_gives(box: GraphBox) -> None:
    """The same mail by Graph and from an mbox is one record, but for the folder among its labels, and so one interaction."""
    mails = _shapes()
    mails += list(shard_messages(Settings(messages=150, people=20), 0))
    for number, raw in enumerate(mails):
        box.mail.put(raw.replace(b"\n", b"\r\n"), at=NOW - timedelta(days=number % 80))
    expected = {change.id: change.record for change in map(_as_from_a_file, mails)}
    mirror = read(box)
    assert mirror.unreadable == []
    found: dict[str, Message] = {}
    for one in mirror.held.values():
        assert isinstance(one.record, Message)
        found[one.record.message_id] = one.record
    assert found.keys() == expected.keys()
    for name, record in expected.items():
        assert isinstance(record, Message)
        got = found[name]
        assert replace(got, excerpt="", signature=()) == replace(
            record, labels=("Posteingang",), excerpt="", signature=()
        )
        # Exchange makes text of what is HTML alone; where there was a plain text too, its words are the same.
        assert got.excerpt.split()[:3] == record.excerpt.replace("<p>", "").split()[:3], name
    plain = [one for one in found if one.startswith("m1@")]
    assert found[plain[0]].excerpt == "Shall we meet on Tuesday?"


def test_what_the_owner_sent_has_what_it_answers(box: GraphBox) -> None:
    """Mail in Sent Items has no header block: it is made of its properties, with what it answers and its thread."""
    raw = a_mail(
        1,
        From=f"Me <{OWNER}>",
        To='"Berg, Anna" <anna@example.com>',
        Bcc="Jonas <jonas@example.com>",
        References="<m0@example.com> <m9@example.com>",
        In_Reply_To="<m9@example.com>",
        Thread_Index="AdrRk0nZ0123456789abcdef0123456789ABCDEFGH==",
        Subject="Grüße",
    )
    box.mail.put(raw, "sentitems", at=NOW - timedelta(days=1))
    expected = _as_from_a_file(raw).record
    assert isinstance(expected, Message)
    (held,) = read(box).held.values()
    assert held.record == replace(expected, labels=("Gesendete Elemente",), utc_offset=None)


def test_names_of_the_directory_are_no_addresses(box: GraphBox) -> None:
    """Addresses of X.500 are left out, beside whom others stand; the owner's own mail is known as theirs."""
    legacy = {"emailAddress": {"name": "Jonas", "address": "/O=EXAMPLE/OU=EXCHANGE/CN=RECIPIENTS/CN=JONAS"}}
    usable = {"emailAddress": {"name": 'Anna "A" Berg', "address": "Anna@Example.com"}}
    hostile = {"emailAddress": {"name": "x\r\nBcc: eve@evil.example", "address": "li@example.com>\r\nX: y"}}
    own = {"from": legacy, "sender": legacy, "toRecipients": [legacy, usable, hostile]}
    box.mail.put(a_mail(1), "sentitems", at=NOW, props=own)
    box.mail.put(a_mail(2), at=NOW, props={"from": legacy, "sender": legacy})
    box.mail.shows_headers = frozenset()
    mirror = read(box)
    (held,) = mirror.held.values()
    assert isinstance(held.record, Message)
    assert held.record.sender.address == OWNER
    assert [(one.address, one.name) for one in held.record.to] == [("anna@example.com", 'Anna "A" Berg')]
    assert held.record.bcc == ()
    assert [one.reason for one in mirror.unreadable] == ["no sender"]


def test_a_delegate_writes_for_somebody(box: GraphBox) -> None:
    """The author is whom the mail is from, not who sent it for them."""
    box.put("one", From="Carla <carla@example.com>", Sender="Assistant <office@example.com>")
    assert record_of(read(box), "one").sender.address == "carla@example.com"


def test_invitations_and_bounces_are_known(box: GraphBox) -> None:
    """A meeting request is one though Graph shows no calendar part, and a bounce names whom it failed."""
    invitation = (
        a_mail(1, Content_Type='multipart/alternative; boundary="b"', body="").rstrip(b"\n")
        + b"\n\n--b\nContent-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\n--b--\n"
    )
    report = (
        b"--b\nContent-Type: text/plain\n\nIt did not arrive.\n--b\nContent-Type: message/delivery-status\n\n"
        b"Reporting-MTA: dns; mx.example.com\n\nFinal-Recipient: rfc822; gone@example.org\nAction: failed\n"
        b"Status: 5.1.1\n\n--b--\n"
    )
    bounce = a_mail(
        2,
        From="postmaster@example.com",
        Content_Type='multipart/report; report-type=delivery-status; boundary="b"',
        body=report.decode(),
    )
    box.mail.put(invitation, at=NOW)
    box.mail.put(bounce, at=NOW)
    mirror = read(box)
    assert record_of(mirror, "m1").nature == "invitation"
    assert record_of(mirror, "m2").nature == "bounce"
    assert record_of(mirror, "m2").failed == ("gone@example.org",)


@pytest.mark.parametrize("shown", [{"get"}, {"list", "get"}, set()])
def test_headers_that_a_list_leaves_out_are_asked_for(box: GraphBox, shown: set[str]) -> None:
    """Where deltas give no header block it is asked for; where nothing does, what is known is told, and asking ends."""
    box.mail.shows_headers = frozenset(shown)
    for number in range(60):
        box.put(f"n{number}", List_Id="<list.example.org>", at=NOW - timedelta(days=40 + number))
    mirror = read(box)
    natures = Counter(one.record.nature for one in mirror.held.values() if isinstance(one.record, Message))
    assert natures == {"list" if shown else "personal": 60}
    asked = box.asked()
    assert sum("/messages/" in one and "delta" not in one for one in asked) == 60


def test_headers_only_reads_no_text(box: GraphBox) -> None:
    """With the permission for headers alone all but texts is as before, and nothing beyond it is asked for."""
    mails = _shapes()
    for raw in mails:
        box.mail.put(raw, at=NOW)
    whole = read(box)
    box.scopes = BASIC
    without = read(box, headers_only=True)
    assert without.held.keys() == whole.held.keys()
    for key, held in without.held.items():
        was = whole.held[key].record
        assert isinstance(was, Message)
        assert held.record == replace(was, excerpt="", thread_keys=_keys(held))
    with pytest.raises(ReauthRequired, match=r"Mail\.Read is missing"):
        read(box)


def _keys(held: Upsert) -> tuple[str, ...]:
    """Without texts nothing tells what the owner's mail answers: Exchange's own index ties it to what came."""
    assert isinstance(held.record, Message)
    assert len(held.record.thread_keys) == 1
    return held.record.thread_keys


def test_headers_withheld_from_the_narrow_permission(box: GraphBox) -> None:
    """Where the permission for headers alone gives no header block after all, who wrote to whom is known all the same."""
    box.scopes = BASIC
    box.mail.shows_headers = frozenset({"delta", "list", "get"})
    for number in range(40):
        box.put(f"n{number}")
    mirror = read(box, headers_only=True)
    assert len(mirror.held) == 40
    assert record_of(mirror, "n7").sender.address == "anna@example.com"
    assert sum("/messages/" in one and "delta" not in one for one in box.asked()) == 40


def test_other_terms_are_another_reading(box: GraphBox) -> None:
    """Where the owner wants headers alone from now on, what is held loses its text, and gains it again later."""
    for name in FIRST:
        box.put(name)
    mirror = read(box)
    full = {key: one.record for key, one in mirror.held.items()}
    read(box, mirror, headers_only=True)
    assert {one.record.excerpt for one in mirror.held.values()} == {""}  # type: ignore[union-attr]
    read(box, mirror)
    assert {key: one.record for key, one in mirror.held.items()} == full


def test_a_mail_without_a_usable_date_has_the_day_it_came(box: GraphBox) -> None:
    """Where the header tells no day that can be, Exchange does."""
    came = datetime(2026, 10, 3, 8, 30, tzinfo=UTC)
    for name, said in (("none", None), ("bad", "yesterday")):
        box.mail.put(a_letter(name, Date=said), at=came, props={"sentDateTime": f"{came:%Y-%m-%dT%H:%M:%SZ}"})
    mirror = read(box)
    assert {record_of(mirror, name).at for name in ("none", "bad")} == {came}


# --- which folders ----------------------------------------------------------------------------------------------------


def test_drafts_junk_and_trash_are_left_out(box: GraphBox) -> None:
    """Folders are known by what they are for, whatever they are called, and those below them with them."""
    below = box.mail.add_folder("Inbox", box.mail.roles["deleteditems"])
    hidden = box.mail.add_folder("Hidden", is_hidden=True)
    search = box.mail.add_folder("Unread", is_search=True)
    for role in (*WELL_KNOWN, below, hidden, search):
        box.put(f"in-{role.rstrip('=')}", role)
    box.mail.put(a_letter("draft"), at=NOW, is_draft=True)
    pages = pull(box)
    assert names(Mirror().take(pages)) == ["in-archive", "in-inbox", "in-sentitems"]
    assert {one.reason for page in pages for one in page.changes if isinstance(one, Skipped)} == {"draft"}


def test_a_draft_is_read_once_it_was_sent(box: GraphBox) -> None:
    """A draft in a folder that is read is nothing until it was sent, by which only a flag of it changes."""
    draft = box.mail.put(a_letter("one"), at=NOW, is_draft=True)
    mirror = read(box)
    assert names(mirror) == []
    box.mail.flag(draft, isDraft=False)
    assert names(read(box, mirror)) == ["one"]


def test_folders_can_be_chosen(box: GraphBox) -> None:
    """The owner's choice by path, id or purpose is what is read; another choice takes away what is read no more."""
    work = box.mail.add_folder("Work")
    plans = box.mail.add_folder("Plans", work)
    for name, folder in (("one", "inbox"), ("two", work), ("three", plans), ("four", "junkemail")):
        box.put(name, folder)
    mirror = read(box, folders=["Work/Plans", "junk"])
    assert names(mirror) == ["four", "three"]
    read(box, mirror, folders=[work, "INBOX"])
    assert names(mirror) == ["one", "two"]
    with pytest.raises(Missing, match="no folder 'Nowhere'"):
        read(box, folders=["Nowhere"])


def test_a_survey_names_folders_and_owner(box: GraphBox) -> None:
    """A survey tells paths, purposes and what is read; of whom, the sign-in or Graph itself."""
    box.mail.add_folder("Plans", box.mail.add_folder("Work"))
    assert graph_mail.SPEC.survey is not None
    survey = graph_mail.SPEC.survey(box.access())
    assert survey.user == OWNER
    told = {one.name: (one.role, one.is_read) for one in survey.collections}
    assert told["Work/Plans"] == ("", True)
    assert told["Posteingang"] == ("inbox", True)
    assert told["Gelöschte Elemente"] == ("trash", False)
    assert graph_mail.SPEC.survey(box.access(user="")).user == "Microsoft"
    box.scopes |= {"User.Read"}
    assert graph_mail.SPEC.survey(box.access(user="")).user == OWNER


def test_the_newest_is_as_new_as_both_clocks_say(box: GraphBox) -> None:
    """Of inbox and Sent Items: when the newest was sent or came, whichever is earlier; drafts are none."""
    assert graph_mail.SPEC.newest is not None
    box.put("late", at=NOW, Date="Fri, 20 Nov 2026 08:00:00 +0000")
    box.put("sent", "sentitems", at=NOW - timedelta(days=1), Date="Mon, 30 Nov 2026 08:00:00 +0000")
    box.put("other", "archive", at=NOW)
    box.mail.put(a_letter("draft"), at=NOW, is_draft=True)
    assert graph_mail.SPEC.newest(box.access()) == NOW - timedelta(days=1)


def test_a_renamed_folder_changes_nothing(box: GraphBox) -> None:
    """A folder is followed by its id: another name brings nothing anew."""
    work = box.mail.add_folder("Work")
    box.put("one", work)
    mirror = read(box)
    box.mail.rename_folder(work, "Arbeit")
    assert live_changes(pull(box, mirror)) == []
    box.put("two", work)
    assert places(read(box, mirror)) == {"Work": ["one"], "Arbeit": ["two"]}


def test_a_folder_that_is_deleted_goes_with_its_mail(box: GraphBox) -> None:
    """A folder put into the trash, of whose mail nobody is told, is gone with it, as one deleted for good; put back it comes again."""
    work, plans = box.mail.add_folder("Work"), box.mail.add_folder("Plans")
    for name, folder in (("one", "inbox"), ("two", work), ("three", plans)):
        box.put(name, folder)
    mirror = read(box)
    box.mail.move_folder(work, box.mail.roles["deleteditems"])
    assert names(read(box, mirror)) == ["one", "three"]
    box.mail.delete_folder(plans)
    assert names(read(box, mirror)) == ["one"]
    box.mail.move_folder(work, "")
    assert names(read(box, mirror)) == ["one", "two"]


@pytest.mark.parametrize("is_hidden", [True, False])
def test_a_folder_that_is_only_not_listed(box: GraphBox, is_hidden: bool) -> None:
    """One that the list calls removed is looked at, once: hidden now it is read no more, and else it is read as before."""
    work = box.mail.add_folder("Work")
    box.put("one")
    box.put("two", work)
    mirror = read(box)
    box.mail.unlist_folder(work, is_hidden=is_hidden)
    read(box, mirror)
    box.put("three", work)
    assert names(read(box, mirror)) == (["one"] if is_hidden else ["one", "three", "two"])
    box.asked()
    read(box, mirror)
    assert not any("messages" not in one and "delta" not in one for one in box.asked())


# --- moves and removals -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("late", ["", "inbox", "archive"])
@pytest.mark.parametrize("target", ["archive", "inbox"])
def test_a_moved_mail_is_never_gone(box: GraphBox, target: str, late: str) -> None:
    """Whichever folder tells of a move first, and if the other tells a day later, the mail is held at every moment."""
    source = {"archive": "inbox", "inbox": "archive"}[target]
    for name in FIRST:
        box.put(name, source)
    mirror = read(box)
    if late:
        box.mail.hold(late)
    box.mail.move(box.named("two"), target)
    for _ in range(3):
        for page in live_pages(graph_mail.SPEC, box.access(), mirror.cursor):
            mirror.take([page])
            assert set(names(mirror)) == set(FIRST)
    box.mail.release()
    read(box, mirror)
    assert names(mirror) == sorted(FIRST)
    assert record_of(mirror, "two").labels == (WELL_KNOWN[target],)


def test_moved_on_before_anybody_told(box: GraphBox) -> None:
    """A mail that two folders still name, and both say has left, is in the third, which does not tell yet."""
    work = box.mail.add_folder("Work")
    box.put("one")
    mirror = read(box)
    box.mail.hold("inbox")
    box.mail.move(box.named("one"), "archive")
    assert places(read(box, mirror)) == {"Posteingang": ["one"], "Archiv": ["one"]}
    box.mail.release()
    box.mail.hold(work)
    box.mail.move(box.named("one"), work)
    for page in graph_mail.GraphMail(box.access()).pull(mirror.cursor):
        mirror.take([page])
        assert "one" in names(mirror)
    assert places(mirror) == {"Work": ["one"]}


def test_moved_while_its_folder_is_walked(box: GraphBox) -> None:
    """A mail that leaves a folder before its first walk comes to it is where it went before it is missed."""
    box.mail.most_in_page = 2
    for number, name in enumerate(FIRST):
        box.put(name, "archive", at=NOW - timedelta(days=number))
    first = islice(graph_mail.GraphMail(box.access()).pull(None), 7)
    mirror = Mirror().take(first)
    assert names(mirror) == sorted(FIRST)
    box.asked()
    moved = False
    for page in graph_mail.GraphMail(box.access()).pull(mirror.cursor):
        mirror.take([page])
        assert set(names(mirror)) == set(FIRST)
        if not moved and any(one.one("$orderby") and "delta" in one.path for one in box.server.requests):
            box.mail.move(box.named("five"), "inbox")
            moved = True
    assert moved
    assert places(mirror)["Posteingang"] == ["five"]


def test_moved_when_its_delta_had_ended(box: GraphBox) -> None:
    """A mail that is missing from a folder walked anew, and that no folder tells of yet, is held until the next look."""
    for name in FIRST:
        box.put(name)
    mirror = read(box)
    box.mail.hold("archive")
    box.mail.move(box.named("two"), "archive")
    box.mail.end_delta("inbox")
    assert names(read(box, mirror)) == sorted(FIRST)
    box.mail.release()
    assert names(read(box, mirror)) == sorted(FIRST)
    assert places(mirror)["Archiv"] == ["two"]


def test_there_and_back_again(box: GraphBox) -> None:
    """A mail moved away and back between two looks is where it was."""
    box.put("one")
    mirror = read(box)
    for folder in ("archive", "inbox", "archive", "inbox"):
        box.mail.move(box.named("one"), folder)
    assert places(read(box, mirror)) == {"Posteingang": ["one"]}


def test_what_is_thrown_away_is_gone_and_can_come_back(box: GraphBox) -> None:
    """Into the trash is gone, out of it is there again, also without a word from the folder it came back to."""
    box.put("one")
    box.put("two")
    mirror = read(box)
    box.mail.move(box.named("one"), "deleteditems")
    assert names(read(box, mirror)) == ["two"]
    box.mail.move(box.named("one"), "archive")
    assert places(read(box, mirror)) == {"Archiv": ["one"], "Posteingang": ["two"]}


def test_a_folder_emptied_at_once(box: GraphBox) -> None:
    """Everything deleted in one go is taken away."""
    for number in range(30):
        box.put(f"n{number}")
    mirror = read(box)
    for number in range(30):
        box.remove(f"n{number}")
    assert names(read(box, mirror)) == []


# --- order, cost and resumption ---------------------------------------------------------------------------------------


def _aged(box: GraphBox) -> int:
    """Mail of all ages in three folders; how many."""
    work = box.mail.add_folder("Work")
    ages = {"inbox": (1, 20, 60, 200, 700), work: (2, 27, 80, 300, 1_500), "sentitems": (3, 400)}
    for folder, days in ages.items():
        for day in days:
            at = NOW - timedelta(days=day)
            box.put(f"d{day}", folder, at=at)
    return 12


def test_the_last_weeks_come_first(box: GraphBox) -> None:
    """The last four weeks of all folders come before anything older; then each folder goes back in time."""
    box.mail.most_in_page = 2
    count = _aged(box)
    order = [int(name_of(one.record)[1:]) for one in live_changes(pull(box)) if isinstance(one, Upsert)]
    assert [day <= 28 for day in order] == [True] * 5 + [False] * 7
    assert sorted(order[5:8]) == order[5:8]
    assert len(order) == len(set(order)) == count


def test_news_come_before_a_reading_that_goes_on(box: GraphBox) -> None:
    """While the rest of a first reading is still to come, what came meanwhile is first in the next pull."""
    box.mail.most_in_page = 2
    _aged(box)
    mirror = Mirror().take(islice(graph_mail.GraphMail(box.access()).pull(None), 6))
    box.put("news", at=NOW)
    pages = pull(box, mirror)
    first = next(one for one in live_changes(pages) if isinstance(one, Upsert))
    assert name_of(first.record) == "news"
    assert len(names(mirror)) == 13


def test_nothing_from_before_the_day_is_read(box: GraphBox) -> None:
    """`since` leaves out what is older; an earlier day brings it, a later one takes nothing away."""
    for name, day, late in (("new", 5, 0), ("older", 100, 95), ("oldest", 800, 0)):
        at = NOW - timedelta(days=day)
        box.put(name, at=at + timedelta(days=late), Date=at.strftime("%a, %d %b %Y %H:%M:%S +0000"))
    mirror = read(box, since=date(2026, 9, 1))
    assert names(mirror) == ["new"]
    read(box, mirror, since=date(2025, 1, 1))
    assert names(mirror) == ["new", "older"]
    read(box, mirror, since=date(2026, 9, 1))
    assert names(mirror) == ["new", "older"]
    assert names(read(box, mirror)) == ["new", "older", "oldest"]


def test_nothing_new_costs_one_request_a_folder(box: GraphBox) -> None:
    """A look that finds nothing asks each folder once, and for the list of folders, twenty in a batch; and reads no mail."""
    for number in range(25):
        box.put(f"n{number}", box.mail.add_folder(f"F{number}"))
    mirror = read(box)
    box.asked()
    box.batch.sizes.clear()
    before = box.answered()
    spent: list[int] = []
    assert live_changes(pull(box, mirror, spend=lambda _name, units: spent.append(units))) == []
    asked = Counter(box.asked())
    assert len(asked) == 1 + 3 + 25
    assert max(asked.values()) == 1
    assert sum(spent) == 29
    assert box.batch.sizes == [20, 9]
    assert box.answered() - before < 29 * 500


def test_flags_are_no_news(box: GraphBox) -> None:
    """That a hundred mails were read, of which a delta tells by the flag alone, brings nothing and costs no request more."""
    for number in range(100):
        box.put(f"n{number}")
    mirror = read(box)
    for number in range(100):
        box.change(f"n{number}")
    box.asked()
    assert live_changes(pull(box, mirror)) == []
    assert len(box.asked()) == 4


@pytest.mark.parametrize("there", [100, 400])
def test_a_hundred_changes_cost_a_hundred(box: GraphBox, there: int) -> None:
    """Fifty new mails and fifty deleted ones cost a request each and a few more, however much mail there is."""
    for number in range(there):
        box.put(f"n{number}", at=NOW - timedelta(days=50))
    mirror = read(box)
    for number in range(50):
        box.put(f"new{number}")
        box.remove(f"n{number}")
    box.asked()
    box.batch.sizes.clear()
    read(box, mirror)
    assert len(names(mirror)) == there
    assert len(box.asked()) <= 4 + 50 + 50
    assert len(box.batch.sizes) <= 1 + 3 + 3


def test_a_first_reading_costs_a_page_in_a_hundred_and_a_text_each(box: GraphBox) -> None:
    """A first reading asks for each text once, for a page a hundred messages, and for nothing twice but the rows of the last weeks."""
    for number in range(600):
        kind = {"List_Id": "<list.example.org>"} if number % 3 else {}
        box.put(f"n{number}", at=NOW - timedelta(days=number % 300), **kind)
    read(box)
    asked = box.asked()
    texts = [one for one in asked if "/me/messages/" in one]
    assert len(texts) == len(set(texts)) == 200
    assert len(asked) - len(texts) <= 6 + 1 + 2 * 3 + 1 + 12 + 3


def test_what_is_held_is_not_read_again(box: GraphBox) -> None:
    """A walk after an ended delta costs its pages and no text."""
    for number in range(300):
        box.put(f"n{number}", at=NOW - timedelta(days=number))
    mirror = read(box)
    box.mail.tokens.expire()
    box.asked()
    assert live_changes(pull(box, mirror)) == []
    assert not [one for one in box.asked() if "/me/messages/" in one]


def test_what_is_too_large_for_one_answer_comes_in_more(box: GraphBox) -> None:
    """Rows, or texts, that are together more than an answer may hold come in smaller answers."""
    long = {"name": "X-Long", "value": "y" * 560_000}
    text = {"contentType": "text", "content": "Shall we? " * 280_000}
    for number in range(100):
        stored = box.put(f"n{number}", at=NOW - timedelta(days=50), List_Id="<list.example.org>")
        stored.props["internetMessageHeaders"].append(long)
    for number in range(20):
        box.put(f"t{number}", "archive").props["body"] = text
    mirror = read(box)
    assert len(mirror.held) == 120
    assert record_of(mirror, "t7").excerpt.startswith("Shall we?")
    assert set(box.batch.sizes) >= {20, 10}


@pytest.mark.parametrize("with_location", [False, True])
def test_an_ended_delta_takes_nothing_away(box: GraphBox, with_location: bool) -> None:
    """After a delta ended, what was deleted meanwhile goes, what was moved stays, and nothing comes twice."""
    for name in FIRST:
        box.put(name)
    mirror = read(box)
    box.mail.move(box.named("one"), "archive")
    box.remove("two")
    box.put("six")
    box.mail.tokens.ends_with_location = with_location
    box.mail.tokens.expire()
    read(box, mirror)
    assert set(names(mirror)) >= {"one", "three", "four", "five", "six"}
    read(box, mirror)
    assert names(mirror) == ["five", "four", "one", "six", "three"]


def test_a_walk_that_never_comes_to_its_end_is_given_up(box: GraphBox) -> None:
    """Where every link dies at once a folder is begun twice in a pull, and left for the next one; what came is kept."""
    box.mail.most_in_page = 2
    for number in range(6):
        box.put(f"n{number}", at=NOW - timedelta(days=100 + number))
    box.mail.tokens.most = 0
    mirror = Mirror()
    for _ in range(2):
        box.asked()
        with pytest.raises(Transient, match="tries again"):
            mirror.take(graph_mail.GraphMail(box.access()).pull(mirror.cursor))
        walks = [one for one in box.asked() if one.endswith("messages/delta")]
        assert 2 <= len(walks) <= 8
        assert set(names(mirror)) >= {"n0", "n1"}
    box.mail.tokens.most = 500
    assert names(read(box, mirror)) == [f"n{number}" for number in range(6)]


def test_a_delta_that_cannot_begin_starts_nothing_anew(box: GraphBox) -> None:
    """A list that ends before its first page is waited for; the mail of other folders is not read again for it."""
    box.put("one")
    mirror = read(box)
    box.mail.end_delta("inbox")
    box.mail.begins_no_delta.add(box.mail.roles["inbox"])
    with pytest.raises(Transient, match="tries again"):
        read(box, mirror)
    box.mail.begins_no_delta.clear()
    assert live_changes(pull(box, mirror)) == []


def test_a_walk_that_names_nothing_is_not_believed(box: GraphBox) -> None:
    """A whole folder that a walk does not name, though a look shows mail in it, is kept, and told of."""
    for name in FIRST:
        box.put(name)
    mirror = read(box)
    kept = box.mail.messages
    box.mail.tokens.expire()
    box.mail.names_nothing = True
    read(box, mirror)
    with pytest.raises(Transient, match="did not name all"):
        read(box, mirror)
    assert box.mail.messages is kept
    assert names(mirror) == sorted(FIRST)
    box.mail.names_nothing = False
    read(box, mirror)
    assert names(read(box, mirror)) == sorted(FIRST)


# --- whatever happens -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "seeds", [range(6), pytest.param(range(6, 100), marks=pytest.mark.slow, id="the rest of a hundred")]
)
def test_anything_at_any_time(seeds: Sequence[int]) -> None:
    """R7, 100 seeds: mail comes, goes and moves, deltas end, folders tell late, pulls break off: no mail that is there is
    ever taken away, none is held twice in the end, and in the end it is as the server has it."""
    for seed in seeds:
        with GraphBox(seed).serve() as box:
            if seed % 5:
                # Every fifth is held against the schema: to do so takes longer than all the rest.
                box.server.inspect = no_breaches
            _wander(box, random.Random(seed))


def _wander(box: GraphBox, rng: random.Random) -> None:
    box.mail.most_in_page = rng.choice([2, 3, 10])
    folders = ["inbox", "archive", box.mail.add_folder("Work"), "deleteditems"]
    mirror = Mirror()
    for number in range(rng.randrange(12)):
        box.put(f"w{number}", rng.choice(folders), at=NOW - timedelta(days=rng.choice([2, 50, 500])))
    for step in range(14):
        there = list(box.mail.messages.values())
        match rng.choice(
            ["put", "remove", "move", "move", "flag", "end", "hold", "release", "read", "cut", "kill", "429"]
        ):
            case "put":
                box.put(f"s{step}", rng.choice(folders), at=NOW - timedelta(days=rng.choice([2, 50, 500])))
            case "remove" if there:
                box.mail.delete(rng.choice(there))
            case "move" if there:
                for message in rng.sample(there, min(len(there), rng.randrange(1, 4))):
                    box.mail.move(message, rng.choice(folders))
            case "flag" if there:
                box.mail.flag(rng.choice(there), isRead=True)
            case "end":
                box.mail.tokens.ends_with_location = rng.random() < 0.5
                box.mail.tokens.expire()
            case "hold":
                box.mail.hold(rng.choice(folders))
            case "release":
                box.mail.release()
            case "read":
                _watched(box, mirror)
            case "cut":
                box.break_off(rng.randrange(200, 20_000))
                _watched(box, mirror)
                box.mend()
            case "429":
                box.batch.faults.order(rng.choice(["429", "500"]), rng.randrange(1, 4))
                box.batch.crowded = rng.randrange(3)
                _watched(box, mirror)
                box.batch.faults.mend()
            case _:
                _watched(box, mirror, rng.randrange(6))
    box.mail.release()
    for _ in range(3):
        _watched(box, mirror)
    kept = {box.mail.roles.get(folder, folder) for folder in folders[:3]}
    expected = sorted(
        one.props["internetMessageId"][1:].partition("@")[0]
        for one in box.mail.messages.values()
        if one.folder in kept
    )
    assert names(mirror) == expected


def _watched(box: GraphBox, mirror: Mirror, most: int = 10_000) -> None:
    """Some pages of a pull, each of which leaves what is in a folder that is read."""
    gone = box.mail.roles["deleteditems"]
    there = {
        one.props["internetMessageId"][1:].partition("@")[0]
        for one in box.mail.messages.values()
        if one.folder != gone
    }
    try:
        for page in islice(graph_mail.GraphMail(box.access()).pull(mirror.cursor), most):
            before = set(names(mirror))
            # A page without a checkpoint is read again after a kill, as a store would find.
            mirror.take([page])
            assert before & there <= set(names(mirror))
    except Transient:
        pass


@pytest.mark.parametrize(
    "fault", ["lose_answer", "cut", "die_before", "web_page", "429", "500", "503", "slow"]
)
def test_a_fault_at_any_request(box: GraphBox, fault: Fault) -> None:
    """Whatever befalls whichever request, what came before is kept, and the next pull brings the rest."""
    box.mail.most_in_page = 2
    for number, name in enumerate((*FIRST, "six", "seven")):
        box.put(name, ["inbox", "archive"][number % 2], at=NOW - timedelta(days=number * 10))
    waits: set[timedelta] = set()
    for place in range(0, 40, 2):
        mirror = Mirror()
        source = graph_mail.GraphMail(box.access())
        pages = source.pull(None)
        try:
            for _ in range(place):
                mirror.take([next(pages)])
            box.server.faults.order(fault)
            mirror.take(pages)
        except StopIteration:
            break
        except RateLimited as error:
            waits.add(error.retry_after)
        except Transient:
            pass
        box.server.faults.mend()
        assert names(read(box, mirror)) == sorted([*FIRST, "six", "seven"])
    assert waits == ({timedelta(seconds=PATIENCE)} if fault == "429" else set())


class _Ahead:
    """Workers that take four jobs before they give the first answer."""

    def map(self, function: Callable[[A], B], items: Iterable[A], /) -> Iterator[B]:
        waiting: deque[A] = deque()
        for item in items:
            waiting.append(item)
            if len(waiting) > 4:
                yield function(waiting.popleft())
        while waiting:
            yield function(waiting.popleft())


def test_what_was_taken_ahead_is_not_lost(box: GraphBox) -> None:
    """Where a request fails, the pages that were under way before it still come."""
    box.mail.most_in_page = 2
    for number in range(12):
        box.put(f"n{number}", at=NOW - timedelta(days=40 + number))
    mirror = Mirror()
    pages = graph_mail.GraphMail(box.access(workers=_Ahead())).pull(None)
    mirror.take(islice(pages, 4))
    box.server.faults.order("429")
    with pytest.raises(RateLimited):
        mirror.take(pages)
    assert len(mirror.held) >= 8
    assert len(read(box, mirror, workers=_Ahead()).held) == 12


def test_a_spent_quota_is_waited_for(box: GraphBox) -> None:
    """When the mailbox takes no more for now, that is told with the time to wait, and what came is kept."""
    for number in range(300):
        box.put(f"n{number}", at=NOW - timedelta(days=40 + number % 20))
    box.mail.mailbox.most = 150
    mirror = Mirror()
    with pytest.raises(RateLimited) as caught:
        read(box, mirror)
    assert timedelta(minutes=9) < caught.value.retry_after <= timedelta(minutes=11)
    assert len(mirror.held) == 100
    box.mail.mailbox.most = None
    assert len(read(box, mirror).held) == 300


def test_more_leaves_at_once_than_may_be_asked_for(box: GraphBox) -> None:
    """Where looking for what left a folder takes more requests than there are for now, each pull settles some of it."""
    for number in range(450):
        box.put(f"n{number}")
    mirror = read(box)
    for number in range(400):
        box.remove(f"n{number}")
    counts = []
    for _ in range(6):
        quota = iter(range(150))

        def spend(_name: str, units: int, quota: Iterator[int] = quota) -> None:
            if len(list(islice(quota, units))) < units:
                raise RateLimited("No more for now.", retry_after=timedelta(minutes=10))

        with suppress(RateLimited):
            read(box, mirror, spend=spend)
        counts.append(len(mirror.held))
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] == 50


def test_a_missing_permission_is_named(box: GraphBox) -> None:
    """Without the permission to read mail, nothing is asked, and the words say what to do; so where Graph finds it out."""
    box.scopes = frozenset({"Calendars.Read"})
    with pytest.raises(ReauthRequired, match=r"Mail\.Read is missing.*kith connect microsoft"):
        read(box)
    assert box.asked() == []
    with pytest.raises(ReauthRequired, match=r"Mail\.Read is missing at Microsoft \(ErrorAccessDenied\)"):
        read(box, scopes=None)


def test_a_mailbox_that_graph_cannot_read(box: GraphBox) -> None:
    """A mailbox on a server of its own is refused with the way to read it."""
    box.mail.is_elsewhere = True
    with pytest.raises(Rejected, match="kith connect exchange"):
        read(box)


HOSTILE: list[dict[str, Any]] = [
    {"subject": "x\r\nBcc: eve@evil.example\r\n\r\nbody"},
    {"subject": None, "from": None, "sender": None, "toRecipients": None, "internetMessageId": None},
    {"internetMessageHeaders": [{"name": "From\r\nX", "value": "a"}, {"name": None, "value": None}, {}]},
    {
        "internetMessageHeaders": [
            {"name": "From", "value": "Eve <eve@example.com>\r\n\r\nbody\r\nTo: x@example.com"}
        ]
    },
    {"internetMessageHeaders": [{"name": "X-Gmail-Labels", "value": "Spam"}]},
    {"internetMessageHeaders": [{"name": f"X-{number}", "value": "y" * 100} for number in range(3_000)]},
    {"internetMessageHeaders": [{"name": "X-Long", "value": "y" * 4_500_000}]},
    {"conversationIndex": "no base64 !!"},
    {"receivedDateTime": "0001-01-01T00:00:00Z", "sentDateTime": "9999-12-31T23:59:59Z"},
    {
        "toRecipients": [
            {"emailAddress": {"name": "n", "address": f"p{number}@example.com"}} for number in range(3_000)
        ]
    },
    {"body": {"contentType": "html", "content": "<div>" * 50_000}},
    {"body": {"contentType": "text", "content": "\x00\u202e" + "x" * 2_000_000}},
    {"body": None},
]


@pytest.mark.parametrize("props", HOSTILE)
def test_hostile_values_stop_nothing(box: GraphBox, props: dict[str, Any]) -> None:
    """Whatever a message says of itself, the others are read, and none takes on what it did not have."""
    box.put("one")
    box.mail.put(a_letter("odd"), at=NOW, props=props)
    box.put("two")
    mirror = read(box)
    assert {"one", "two"} <= set(names(mirror))
    for held in mirror.held.values():
        assert isinstance(held.record, Message)
        assert "evil" not in str(held.record.bcc)
        assert len(held.record.to) <= 500
    assert live_changes(pull(box, mirror)) == []


def test_rows_that_are_not_as_they_should_be(box: GraphBox) -> None:
    """A row of another shape is named with its place, once; the others are read."""
    box.put("one")
    odd = box.put("odd")
    box.server.inspect = no_breaches
    odd.props["toRecipients"] = {"not": "a list"}
    odd.props["subject"] = 7
    mirror = read(box)
    assert names(mirror) == ["one"]
    assert {(one.reason, one.where.partition(",")[0]) for one in mirror.unreadable} == {
        ("it is not as Microsoft's pages say", "Posteingang")
    }
    assert [one for one in live_changes(pull(box, mirror)) if isinstance(one, Unreadable)] == []


def test_a_folder_that_is_not_as_it_should_be(box: GraphBox) -> None:
    """A folder's row of another shape is told of; the others are read, and one that was known stays as it was."""
    work = box.mail.add_folder("Work")
    box.put("one")
    box.put("two", work)
    box.server.inspect = no_breaches
    strange = box.mail.add_folder("Strange")
    box.put("three", strange)
    box.mail.folders[strange]["displayName"] = {"not": "a name"}
    mirror = read(box)
    assert set(names(mirror)) == {"one", "two"}
    assert [(one.where, one.reason) for one in mirror.unreadable] == [
        (f"the list of mail folders, folder …{strange[-24:]}", "it is not as Microsoft's pages say")
    ]
    box.mail.tokens.expire(lambda _walk: True)
    box.mail.folders[work]["displayName"] = 7
    box.put("four", work)
    assert set(names(read(box, mirror))) == {"one", "two", "four"}
    assert len(mirror.unreadable) == 3
    box.mail.rename_folder(strange, "Mine")
    assert set(names(read(box, mirror))) == {"one", "two", "three", "four"}


@pytest.mark.parametrize("others", [3, 60])
def test_a_mail_that_is_never_handed_out_stops_no_other(box: GraphBox, others: int) -> None:
    """One at which the server fails each time, while it hands out others, is told of; it comes once it has changed."""
    for number in range(others):
        box.put(f"n{number}", at=NOW - timedelta(days=number))
    mirror = read(box)
    bad = box.put("bad", at=NOW)
    box.mail.poison.add(bad.number)
    mirror = read(box, mirror)
    (told,) = mirror.unreadable
    assert told.reason == "Microsoft does not hand it out (500)"
    assert told.where.startswith("Posteingang, message ")
    box.put("after", at=NOW)
    assert set(names(read(box, mirror))) == {*(f"n{number}" for number in range(others)), "after"}
    assert len(mirror.unreadable) == 1
    box.mail.poison.add(box.put("worse", at=NOW).number)
    read(box, mirror)
    assert len(mirror.unreadable) == 2
    box.mail.poison.clear()
    box.change("bad")
    assert "bad" in names(read(box, mirror))
    assert len(names(mirror)) == others + 2


def test_a_mail_that_is_never_handed_out_comes_by_a_whole_reading(box: GraphBox) -> None:
    """What was given up among others in a first reading is not held: it comes once all is named anew."""
    for number in range(30):
        box.put(f"n{number}", at=NOW - timedelta(days=number * 3))
    box.mail.poison |= {box.named("n2").number, box.named("n20").number}
    mirror = read(box)
    assert len(mirror.held) == 28
    assert len(mirror.unreadable) == 2
    box.mail.poison.clear()
    assert len(read(box, mirror).held) == 28
    box.mail.end_delta("inbox")
    assert len(read(box, mirror).held) == 30


def test_where_most_fail_it_is_an_outage(box: GraphBox) -> None:
    """Where no other mail is handed out either none is given up: all come once it is over."""
    for number in range(6):
        box.put(f"n{number}", at=NOW - timedelta(days=number))
    mirror = Mirror()
    box.mail.poison |= set(box.mail.messages)
    with pytest.raises(Transient):
        read(box, mirror)
    box.mail.poison -= {box.named("n1").number}
    with pytest.raises(Transient):
        read(box, mirror)
    assert mirror.unreadable == []
    box.mail.poison.clear()
    assert len(read(box, mirror).held) == 6


def test_a_report_and_a_move_that_are_never_handed_out(box: GraphBox) -> None:
    """So it is with the MIME of a delivery report, and with one that is looked for where it went."""
    for number in range(6):
        box.put(f"n{number}", at=NOW - timedelta(days=number))
    mirror = read(box)
    report = box.put("report", Content_Type="multipart/report; report-type=delivery-status; boundary=x")
    box.mail.poison |= {report.number, box.named("n3").number}
    box.mail.move(box.named("n3"), "deleteditems")
    box.mail.end_delta("archive")
    read(box, mirror)
    assert {one.reason for one in mirror.unreadable} == {
        "Microsoft does not hand it out (500)",
        "Microsoft does not hand it out (it fails each time)",
    }
    box.put("after")
    assert {"after", "n5"} <= set(names(read(box, mirror)))


def test_links_in_the_cursor_lead_nowhere_else(box: GraphBox) -> None:
    """Where the root of an account has changed the new one alone is asked, whatever addresses a cursor holds."""
    box.put("one")
    mirror = read(box)
    box.asked()
    with GraphBox().serve() as other:
        other.put("one")
        assert live_changes(pull(other, mirror)) == []
        other.put("two")
        assert names(read(other, mirror)) == ["one", "two"]
    assert box.asked() == []


def test_words_hold_no_secret(box: GraphBox) -> None:
    """Errors name neither subjects nor addresses nor ids."""
    box.put("one", Subject="Top secret")
    box.server.faults.order("500", 5)
    with pytest.raises(Transient) as caught:
        read(box)
    assert "secret" not in str(caught.value)
    assert "@" not in str(caught.value)

"""Gmail read by its API: what it costs, what changes, what is gone, and what is the same as from a mail file."""

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from connectors import gmail, mbox
from connectors._mime import message_from_bytes
from deploy.sample.bulk import Settings, shard_messages
from schemas.connector import Access, Upsert
from schemas.errors import Missing
from schemas.interface import SourceReport
from schemas.records import Message, SourceRecord
from services.erasure import never_ingest
from services.ingest import Ingest
from services.refusal import refusals
from services.store.unit import Store
from tests.connectors.gmail import HEADERS_ONLY, GmailBox, a_gmail_box, a_letter, name_of, names
from tests.connectors.mail import TERMS, a_mixed_mail, every_shape
from tests.contract.live_source import LiveServer, LiveSourceContract, Mirror
from tests.contract.source import NOW, an_access, pages_of, read_plainly, upserts_of
from tests.fakes.api import Reply, Request
from tests.fakes.gmail import READONLY
from tests.services.builders import a_book, exported


@pytest.fixture
def box() -> Iterator[GmailBox]:
    """A mailbox that may be read."""
    with a_gmail_box() as made:
        yield made


class TestGmail(LiveSourceContract):
    """Texts and queries allowed."""

    spec = gmail.SPEC

    @pytest.fixture
    def server(self) -> Iterator[LiveServer]:
        with a_gmail_box() as made:
            yield made

    def access(self, server: LiveServer, **more: Any) -> Access:
        assert isinstance(server, GmailBox)
        return server.access(**more)

    def name_of(self, record: SourceRecord) -> str:
        return name_of(record)


class TestGmailOfHeaders(TestGmail):
    """With the permission that forbids both."""

    @pytest.fixture
    def server(self) -> Iterator[LiveServer]:
        with a_gmail_box(*HEADERS_ONLY) as made:
            yield made


class TestGmailWithABin(TestGmail):
    """The contract's removals are moves to the bin, and to spam, from which nothing comes back by itself."""

    @pytest.fixture
    def server(self) -> Iterator[LiveServer]:
        with a_gmail_box() as made:
            yield _Bin(made)

    def access(self, server: LiveServer, **more: Any) -> Access:
        assert isinstance(server, _Bin)
        return server.box.access(**more)


class _Bin:
    """A mailbox from which nothing is deleted."""

    def __init__(self, box: GmailBox) -> None:
        self.box = box
        self.add, self.change, self.spoil = box.add, box.change, box.spoil
        self.break_off, self.mend, self.answered = box.break_off, box.mend, box.answered
        self._removed = 0

    def remove(self, name: str) -> None:
        """To the bin, or to spam."""
        self._removed += 1
        self.box.gmail.relabel(self.box.named(name), ["TRASH" if self._removed % 2 else "SPAM"], ["INBOX"])


# --- records ----------------------------------------------------------------------------------------------------------


def as_from_a_file(raw: bytes) -> Upsert:
    """The change that a mail file gives."""
    change = message_from_bytes(raw, read_plainly, TERMS, "here")
    assert isinstance(change, Upsert), change
    return change


@pytest.mark.parametrize("transcodes", [False, True])
@pytest.mark.parametrize("opens_reports", [False, True])
def test_a_record_is_the_one_that_a_file_gives(box: GmailBox, transcodes: bool, opens_reports: bool) -> None:
    """The same mail by Gmail and from an mbox is one record, however Gmail takes it apart, but for its thread."""
    box.gmail.transcodes, box.gmail.opens_reports = transcodes, opens_reports
    mails = [*every_shape(), *shard_messages(Settings(messages=150, people=20), 0)]
    for number, raw in enumerate(mails):
        box.gmail.deliver(raw, at=NOW - timedelta(days=number % 80))
    expected = {change.id: change.record for change in map(as_from_a_file, mails)}
    mirror = box.read()
    assert mirror.unreadable == []
    found = {message_of(one).message_id: message_of(one) for one in mirror.held.values()}
    assert found.keys() == expected.keys()
    for name, record in expected.items():
        assert isinstance(record, Message)
        one = found[name]
        assert one == replace(record, thread_keys=(one.thread_keys[0], *record.thread_keys)), name
        assert one.thread_keys[0].startswith("gm:")


def message_of(upsert: Upsert) -> Message:
    """A change's record."""
    assert isinstance(upsert.record, Message)
    return upsert.record


def test_labels_and_threads_are_those_of_takeout(box: GmailBox, tmp_path: Path) -> None:
    """A mail that Takeout exported says the same by the API: the owner's labels by their names, and the thread."""
    labels = [box.gmail.make_label(name) for name in ("Work/Übersicht", "Reisen")]
    raw = a_letter("one")
    one = box.gmail.deliver(raw, ["INBOX", "STARRED", "CATEGORY_PERSONAL", *labels])
    exported = tmp_path / "All mail.mbox"
    head = f'From 1 Mon Mar  3 10:00:00 2025\nX-GM-THRID: {int(one, 16)}\nX-Gmail-Labels: Inbox,Starred,"Category Personal",Reisen,Work/Übersicht\n'
    exported.write_bytes(head.encode() + raw + b"\n")
    (from_file,) = upserts_of(pages_of(mbox.SPEC, exported)).values()
    (by_api,) = box.read().held.values()
    assert by_api.record == from_file.record
    assert message_of(by_api).labels == ("Reisen", "Work/Übersicht")


def test_what_came_by_api_and_from_a_file_is_one_interaction(
    box: GmailBox, sqlite_store: Store, tmp_path: Path
) -> None:
    """In a book that has both, each mail is there once."""
    book = a_book(sqlite_store)
    mails = [a_letter(name, To="mara@example.com") for name in ("one", "two")]
    for raw in mails:
        box.gmail.deliver(raw)
    exported_mails = tmp_path / "mail.mbox"
    exported_mails.write_bytes(b"".join(b"From a Mon Mar  3 10:00:00 2025\n" + raw + b"\n" for raw in mails))
    assert mbox.SPEC.open_source is not None
    for account, source in (
        ("files", mbox.SPEC.open_source(an_access(exported_mails))),
        ("google", gmail.open_source(box.access())),
    ):
        ingest = Ingest(book.store, book.owner, book.clock, account, "mail", is_live=account == "google")
        ingest.run(source, SourceReport(account, "mail"), [], lambda _: None)
    book.keep()
    lines = exported(book, tmp_path / "out")["interactions.jsonl"].splitlines()
    keys = sorted(msgspec.json.decode(line)["source_key"] for line in lines)
    assert keys == ["one@example.com", "two@example.com"]


def test_headers_only_reads_no_text(box: GmailBox) -> None:
    """With `headers_only` all but the text is as before, and no text is asked for."""
    for raw in every_shape():
        box.gmail.deliver(raw)
    with_text = {message_of(one).message_id: message_of(one) for one in box.read().held.values()}
    asked = len(box.server.requests)
    mirror = box.read(headers_only=True)
    formats = {one.one("format") for one in box.server.requests[asked:] if one.one("format")}
    assert formats == {"metadata"}
    for one in map(message_of, mirror.held.values()):
        whole = with_text[one.message_id]
        assert one.excerpt == ""
        if "calendar part" not in whole.nature_reason and one.message_id != "m10@example.com":
            # A part that makes a mail an invitation, or a calendar none, is no header of the mail.
            assert one == replace(whole, excerpt="", failed=()), one.message_id


def test_other_terms_are_another_reading(box: GmailBox) -> None:
    """Where the owner wants headers alone from now on, what is held loses its text, and gains it again later."""
    box.add("one")
    mirror = box.read()
    full = [one.record for one in mirror.held.values()]
    box.read(mirror, headers_only=True)
    assert [message_of(one).excerpt for one in mirror.held.values()] == [""]
    box.read(mirror)
    assert [one.record for one in mirror.held.values()] == full


def test_a_mail_without_a_date_has_the_day_it_came(box: GmailBox) -> None:
    """Where no header tells when, Google does."""
    came = datetime(2026, 10, 3, 8, 30, tzinfo=UTC)
    box.gmail.deliver(a_letter("undated", Date=None), at=came)
    (one,) = box.read().held.values()
    assert message_of(one).at == came


def test_nothing_but_what_is_needed_comes(box: GmailBox) -> None:
    """Neither attachments nor snippets leave Google, and nothing is changed there."""
    mark = b64encode(b"ATTACHED-AND-NOT-FOR-KITH" * 40)
    raw = a_mixed_mail("Shall we?", "<p>Shall we?</p>").replace(b64encode(b"\x00\x01" * 20)[:20], mark[:20])
    box.gmail.deliver(raw)
    with recorded(box) as answers:
        box.read()
    assert b"Shall we" not in answers  # it is base64 there
    assert urlsafe_b64encode(b"Shall we?") in answers
    assert b"SNIPPET" not in answers
    assert b"attachmentId" not in answers
    assert {one.method for one in box.server.requests if one.path.startswith("/gmail")} == {"GET"}
    assert set(box.gmail.calls) == {
        "getProfile",
        "labels.list",
        "messages.list",
        "messages.get",
        "history.list",
    }


@contextmanager
def recorded(box: GmailBox) -> Iterator[bytearray]:
    """What goes over the wire."""
    answers = bytearray()
    inspect = box.server.inspect

    def keep(request: Request, reply: Reply) -> Sequence[str]:
        answers.extend(reply.payload())
        return inspect(request, reply)

    box.server.inspect = keep
    yield answers
    box.server.inspect = inspect


# --- which messages ---------------------------------------------------------------------------------------------------


def test_drafts_chats_spam_and_bin_are_left_out(box: GmailBox) -> None:
    """Whether they are there from the beginning or come later; a mail to oneself is one mail."""
    mirror = Mirror()
    for later in ("", "-later"):
        for label in ("INBOX", "SENT", "DRAFT", "CHAT", "SPAM", "TRASH", "CATEGORY_PROMOTIONS"):
            box.put(f"{label.lower()}{later}", labels=[label])
        box.put(f"self{later}", labels=["SENT", "INBOX"])
        box.put(f"archived{later}", labels=[])
        box.read(mirror)
    kept = ["archived", "category_promotions", "inbox", "self", "sent"]
    assert names(mirror) == sorted([*kept, *(f"{name}-later" for name in kept)])


def test_a_label_that_is_never_taken_in(box: GmailBox, sqlite_store: Store) -> None:
    """`--never LABEL` keeps out what has that label of the owner's, by its name."""
    book = a_book(sqlite_store)
    never_ingest(book, "Private")
    private = box.gmail.make_label("Private")
    box.put("one")
    box.put("two", labels=["INBOX", private])
    with book.store.read() as unit:
        admit = refusals(unit, book.owner)
    report = SourceReport("google", "mail")
    ingest = Ingest(book.store, book.owner, book.clock, "google", "mail", admit, is_live=True)
    ingest.run(gmail.open_source(box.access()), report, [], lambda _: None)
    assert (report.added, report.skips) == (1, {"on your never-ingest list": 1})


def test_labels_can_be_chosen(box: GmailBox) -> None:
    """By name or id, spam and bin too; what has none of them any more is let go; none at all is an error."""
    work, other = (box.gmail.make_label(name) for name in ("Work", "Other"))
    for name, labels in (
        ("work", [work]),
        ("both", [work, other]),
        ("other", [other]),
        ("none", []),
        ("junk", ["SPAM"]),
    ):
        box.put(name, labels=labels)
    mirror = box.read(folders=["Work"])
    assert names(mirror) == ["both", "work"]
    box.read(mirror, folders=[work, "SPAM"])
    assert names(mirror) == ["both", "junk", "work"]
    box.gmail.relabel(box.named("both"), remove=[work])
    box.gmail.relabel(box.named("other"), add=[work])
    box.put("new", labels=["INBOX"])
    box.read(mirror, folders=[work, "SPAM"])
    assert names(mirror) == ["junk", "other", "work"]
    box.read(mirror)
    assert names(mirror) == ["both", "new", "none", "other", "work"]
    with pytest.raises(Missing, match="Nowhere"):
        box.read(folders=["Nowhere"])


def test_a_survey_names_labels_and_what_may_be_read(box: GmailBox) -> None:
    """Whose mailbox it is, and its labels with what they are for."""
    work = box.gmail.make_label("Work")
    told = gmail.survey(box.access())
    assert told.user == "mara@example.com"
    found = {one.name: (one.id, one.role, one.is_read) for one in told.collections}
    assert found == {
        "Inbox": ("INBOX", "inbox", True),
        "Sent": ("SENT", "sent", True),
        "Drafts": ("DRAFT", "drafts", False),
        "Spam": ("SPAM", "junk", False),
        "Bin": ("TRASH", "trash", False),
        "Work": (work, "", True),
    }
    assert not any("headers" in words for words in told.abilities)
    box.scopes = frozenset(HEADERS_ONLY)
    assert any("headers alone" in words for words in gmail.survey(box.access()).abilities)


def test_the_newest_is_as_new_as_both_clocks_say(box: GmailBox) -> None:
    """A writer's clock that is ahead makes nothing newer than its arrival; drafts and spam are none."""
    assert gmail.newest(box.access()) is None
    arrived = NOW - timedelta(hours=2)
    box.gmail.deliver(a_letter("ahead", Date="Fri, 01 Jan 2038 10:00:00 +0000"), at=arrived)
    box.gmail.deliver(a_letter("old", Date="Mon, 03 Mar 2025 10:00:00 +0100"), at=NOW)
    box.gmail.deliver(a_letter("draft"), ["DRAFT"], at=NOW)
    assert gmail.newest(box.access()) == arrived
    box.scopes = frozenset(HEADERS_ONLY)
    assert gmail.newest(box.access()) == arrived


def test_nothing_from_before_the_day_is_read(box: GmailBox) -> None:
    """`since` leaves out what is older; an earlier day brings it, a later one takes nothing away."""
    for name, day in (("new", 5), ("older", 100), ("oldest", 800)):
        at = NOW - timedelta(days=day)
        box.gmail.deliver(a_letter(name, Date=at.strftime("%a, %d %b %Y %H:%M:%S +0000")), at=at)
    for scopes in ((READONLY,), HEADERS_ONLY):
        box.scopes = frozenset(scopes)
        mirror = box.read(since=date(2026, 9, 1))
        assert names(mirror) == ["new"]
        assert names(box.read(mirror, since=date(2026, 7, 1))) == ["new", "older"]
        assert names(box.read(mirror, since=date(2026, 11, 1))) == ["new", "older"]
        assert names(box.read(mirror, since=date(2020, 1, 1))) == ["new", "older", "oldest"]

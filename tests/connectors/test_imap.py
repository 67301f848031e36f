import random
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from connectors import imap
from connectors._imap_listening import ImapListener
from deploy.sample.bulk import Settings, shard_messages
from schemas.connector import Access, Page, Skipped, Tombstone, Upsert
from schemas.errors import Missing, ReauthRequired, Rejected, Transient
from schemas.records import Message, SourceRecord
from tests.connectors.mail import TERMS, every_shape
from tests.contract.live_source import FIRST, LiveServer, LiveSourceContract, Mirror, live_changes, live_pages
from tests.contract.source import NOW, read_plainly
from tests.servers.dovecot import Dovecot
from tests.servers.mailbox import MailBox, a_letter, a_mailbox


@pytest.fixture
def box(dovecot: Dovecot) -> Iterator[MailBox]:
    """A mailbox on a server that can everything."""
    with a_mailbox(dovecot) as made:
        yield made


@pytest.fixture(params=["dovecot", "plain_dovecot"])
def any_box(request: pytest.FixtureRequest) -> Iterator[MailBox]:
    """A mailbox on a server that can everything, and on one that can nothing special."""
    with a_mailbox(request.getfixturevalue(request.param)) as made:
        yield made


class TestImap(LiveSourceContract):
    """By QRESYNC."""

    spec = imap.SPEC

    @pytest.fixture
    def server(self, dovecot: Dovecot) -> Iterator[LiveServer]:
        with a_mailbox(dovecot) as made:
            yield made

    def access(self, server: LiveServer, **more: Any) -> Access:
        assert isinstance(server, MailBox)
        return server.access(**more)

    def name_of(self, record: SourceRecord) -> str:
        return name_of(record)


class TestPlainImap(TestImap):
    """By nothing but what RFC 3501 has."""

    @pytest.fixture
    def server(self, plain_dovecot: Dovecot) -> Iterator[LiveServer]:
        with a_mailbox(plain_dovecot) as made:
            yield made


class TestImapOfFolders(TestImap):
    """Mail of the contract's tests spread over folders."""

    @pytest.fixture
    def server(self, dovecot: Dovecot) -> Iterator[LiveServer]:
        with a_mailbox(dovecot) as made:
            yield _Spread(made)

    def access(self, server: LiveServer, **more: Any) -> Access:
        assert isinstance(server, _Spread)
        return server.box.access(**more)


class _Spread:
    """A mailbox whose every other mail is in another folder, and whose changes are moves."""

    def __init__(self, box: MailBox) -> None:
        self.box = box
        self.places: dict[str, str] = {}
        box.client.create_folder("Work/Übersicht")
        self.spoil, self.break_off, self.mend, self.answered = (
            box.spoil,
            box.break_off,
            box.mend,
            box.answered,
        )

    def add(self, name: str) -> None:
        self.places[name] = ("INBOX", "Work/Übersicht", "Sent")[len(self.places) % 3]
        self.box.add(name, self.places[name])

    def change(self, name: str) -> bool:
        """Moved: another item with the same name, so that the contract's own test of changes does not apply."""
        return False

    def remove(self, name: str) -> None:
        self.box.remove(name, self.places[name])


def name_of(record: SourceRecord) -> str:
    assert isinstance(record, Message)
    return record.message_id.partition("@")[0]


def read(box: MailBox, mirror: Mirror | None = None, **more: Any) -> Mirror:
    """The mirror brought up to date."""
    mirror = mirror or Mirror()
    assert imap.SPEC.open_source is not None
    return mirror.take(imap.SPEC.open_source(box.access(**more)).pull(mirror.cursor))


def pull(box: MailBox, mirror: Mirror | None = None, **more: Any) -> list[Page]:
    """The pages of one pull."""
    return live_pages(imap.SPEC, box.access(**more), mirror.cursor if mirror else None)


def held(mirror: Mirror) -> dict[str, list[str]]:
    """The names of what is held, by folder."""
    found: dict[str, list[str]] = {}
    for stream, _ in mirror.held:
        found.setdefault(stream.partition("/")[2], [])
    for (stream, _), one in mirror.held.items():
        found[stream.partition("/")[2]].append(name_of(one.record))
    return {folder: sorted(names) for folder, names in found.items()}


def names(mirror: Mirror) -> list[str]:
    """The names of what is held, sorted."""
    return sorted(name_of(one.record) for one in mirror.held.values())


# --- records ----------------------------------------------------------------------------------------------------------


def _as_from_a_file(raw: bytes) -> Upsert:
    from connectors._mime import message_from_bytes  # noqa: PLC0415

    change = message_from_bytes(raw, read_plainly, TERMS, "here")
    assert isinstance(change, Upsert), change
    return change


def test_a_record_is_the_one_that_a_file_gives(any_box: MailBox) -> None:
    """The same bytes by IMAP and from an mbox are one record, but for the folder among its labels."""
    mails = every_shape()
    mails += list(shard_messages(Settings(messages=150, people=20), 0))
    for number, raw in enumerate(mails):
        any_box.put(raw.replace(b"\n", b"\r\n"), at=NOW - timedelta(days=number % 80))
    expected = {change.id: change.record for change in map(_as_from_a_file, mails)}
    mirror = read(any_box)
    assert mirror.unreadable == []
    found = {name_of_id(one): one.record for one in mirror.held.values()}
    assert found.keys() == expected.keys()
    for name, record in expected.items():
        assert isinstance(record, Message)
        assert found[name] == replace(record, labels=("INBOX",)), name


def name_of_id(upsert: Upsert) -> str:
    assert isinstance(upsert.record, Message)
    return upsert.record.message_id


def test_headers_only_reads_no_text(box: MailBox) -> None:
    """With `headers_only` everything but the text is as before, and the text does not come over the wire."""
    for raw in every_shape():
        box.put(raw.replace(b"\n", b"\r\n"))
    with_text = {name_of_id(one): one.record for one in read(box).held.values()}
    before = box.answered()
    without = {name_of_id(one): one.record for one in read(box, headers_only=True).held.values()}
    spent = box.answered() - before
    assert without.keys() == with_text.keys()
    assert spent < 60_000
    for name, record in without.items():
        whole = with_text[name]
        assert isinstance(record, Message)
        assert isinstance(whole, Message)
        assert record.excerpt == ""
        if (
            name != "m10@example.com"
        ):  # A whole mail that is a calendar is told from an invitation by its text.
            assert record == replace(whole, excerpt="", failed=())


def test_other_terms_are_another_reading(box: MailBox) -> None:
    """Where the owner wants headers alone from now on, what is held loses its text, and gains it again later."""
    box.add("one")
    mirror = read(box)
    full = [one.record for one in mirror.held.values()]
    read(box, mirror, headers_only=True)
    assert [one.record.excerpt for one in mirror.held.values()] == [""]  # type: ignore[union-attr]
    read(box, mirror)
    assert [one.record for one in mirror.held.values()] == full


def test_a_mail_without_a_date_has_the_day_it_came(box: MailBox) -> None:
    """Where no header tells when, the server does."""
    came = datetime(2026, 10, 3, 8, 30, tzinfo=UTC)
    box.put(a_letter("undated", Date=None), at=came)
    (one,) = read(box).held.values()
    assert isinstance(one.record, Message)
    assert one.record.at == came


def test_reading_marks_nothing(box: MailBox) -> None:
    """No message is marked as seen, nor anything else about it."""
    for raw in every_shape():
        box.put(raw.replace(b"\n", b"\r\n"))
    read(box)
    box.client.select_folder("INBOX", readonly=True)
    assert {
        flags for one in box.client.fetch(box.client.search(), ["FLAGS"]).values() for flags in one[b"FLAGS"]
    } <= {b"\\Recent"}


# --- folders ----------------------------------------------------------------------------------------------------------


def test_drafts_junk_and_trash_are_left_out(any_box: MailBox) -> None:
    """By what the server says they are for, else by their names; drafts elsewhere by their flag."""
    any_box.client.create_folder("Trash/2025")
    for folder in ("INBOX", "Sent", "Drafts", "Junk", "Trash", "Trash/2025"):
        any_box.add(folder.lower().replace("/", "-"), folder)
    any_box.add("unfinished", flags=("\\Draft",))
    pages = pull(any_box)
    assert held(Mirror().take(pages)) == {"INBOX": ["inbox"], "Sent": ["sent"]}
    skipped = [change for page in pages for change in page.changes if isinstance(change, Skipped)]
    assert skipped == [Skipped("draft")]


def test_folders_can_be_chosen(box: MailBox) -> None:
    """Only the chosen are read; what came of one that is chosen no more is let go; none at all is an error."""
    for folder in ("Projects", "Clients/Ærø"):
        box.client.create_folder(folder)
        box.add(folder[:3], folder)
    box.add("inbox")
    mirror = read(box, folders=["INBOX", "Clients/Ærø"])
    assert held(mirror) == {"INBOX": ["inbox"], "Clients/Ærø": ["Cli"]}
    read(box, mirror, folders=["INBOX", "Projects"])
    assert held(mirror) == {"INBOX": ["inbox"], "Projects": ["Pro"]}
    with pytest.raises(Missing, match="Nowhere"):
        read(box, folders=["Nowhere"])


@pytest.mark.parametrize(
    "name", ["Grüße", 'a "b" c', "back\\slash", "A&B", "日本語/受信", "100% *done*", "emoji 🎉"]
)
def test_any_name_will_do(box: MailBox, name: str) -> None:
    """Folders are read whatever they are called, and gone when they are gone."""
    box.client.create_folder(name)
    box.add("here", name)
    mirror = read(box)
    assert held(mirror) == {name: ["here"]}
    box.client.delete_folder(name)
    assert held(read(box, mirror)) == {}


def test_a_survey_names_roles(box: MailBox) -> None:
    """Folders come with what they are for, and with whether they are read when nobody chose."""
    assert imap.SPEC.survey is not None
    survey = imap.SPEC.survey(box.access())
    found = {one.name: (one.role, one.is_read) for one in survey.collections}
    assert found == {
        "INBOX": ("inbox", True),
        "Sent": ("sent", True),
        "Drafts": ("drafts", False),
        "Junk": ("junk", False),
        "Trash": ("trash", False),
    }
    assert any("IDLE" in words for words in survey.abilities)


def test_the_newest_is_as_new_as_both_clocks_say(any_box: MailBox) -> None:
    """Old mail that was moved here today is old; a writer's clock that is ahead makes nothing newer than its arrival."""
    assert imap.SPEC.newest is not None
    assert imap.SPEC.newest(any_box.access()) is None
    written = "Mon, 03 Mar 2025 10:00:00 +0100"
    any_box.put(a_letter("moved", Date=written), at=NOW)
    assert imap.SPEC.newest(any_box.access()) == datetime(2025, 3, 3, 9, 0, tzinfo=UTC)
    arrived = NOW.replace(microsecond=0) - timedelta(hours=2)
    any_box.put(a_letter("ahead", Date="Fri, 01 Jan 2038 10:00:00 +0000"), "Sent", at=arrived)
    assert imap.SPEC.newest(any_box.access()) == arrived


# --- what changes -----------------------------------------------------------------------------------------------------


def test_a_moved_mail_comes_before_it_goes(any_box: MailBox) -> None:
    """Within one pull the mail is told of at its new place first; never is it nowhere."""
    any_box.client.create_folder("Archive")
    any_box.add("stays")
    any_box.add("moves", at=NOW - timedelta(days=300))
    mirror = read(any_box)
    any_box.move("moves", "INBOX", "Archive")
    pages = pull(any_box, mirror)
    kinds = [type(change) for change in live_changes(pages)]
    assert kinds == [Upsert, Tombstone]
    for page in pages:
        mirror.take([page])
        assert "moves" in names(mirror)
    assert held(mirror) == {"INBOX": ["stays"], "Archive": ["moves"]}


def test_a_folder_made_anew_under_its_name(any_box: MailBox) -> None:
    """With another UIDVALIDITY all comes under new ids first; the old ones go in the end, and nothing doubles."""
    any_box.client.create_folder("Work")
    for name in FIRST:
        any_box.add(name, "Work")
    mirror = read(any_box)
    _rebuild(any_box, "Work", [*FIRST[1:], "six"])
    pages = pull(any_box, mirror)
    kinds = [type(change) for change in live_changes(pages)]
    assert kinds == [Upsert] * 5 + [Tombstone] * 5
    assert names(mirror.take(pages)) == sorted([*FIRST[1:], "six"])
    assert live_changes(pull(any_box, mirror)) == []


def _rebuild(box: MailBox, folder: str, left: list[str] | tuple[str, ...]) -> None:
    """The folder with another UIDVALIDITY, and other UIDs, and these mails in it."""
    box.client.rename_folder(folder, f"{folder}-old")
    box.client.create_folder(folder)
    random.Random(len(left)).shuffle(copied := list(left))
    for name in copied:
        box.add(name, folder)
    box.client.delete_folder(f"{folder}-old")


def test_a_rebuilt_folder_read_in_pieces(any_box: MailBox) -> None:
    """R7, R8: broken off after any page, a reading of a rebuilt folder takes nothing away that is there."""
    any_box.client.create_folder("Work")
    ages = {name: NOW - timedelta(days=70 * number) for number, name in enumerate(FIRST)}
    for name, at in ages.items():
        any_box.add(name, "Work", at=at)
    before = pull(any_box)
    any_box.client.rename_folder("Work", "Work-old")
    any_box.client.create_folder("Work")
    for name in reversed(FIRST[1:]):
        any_box.add(name, "Work", at=ages[name])
    any_box.client.delete_folder("Work-old")
    pages = pull(any_box, Mirror().take(before))
    assert len([page for page in pages if page.changes]) >= 3
    for number in range(len(pages) + 1):
        mirror = Mirror().take([*before, *pages[:number]])
        assert set(names(mirror)) >= set(FIRST[1:])
        assert names(read(any_box, mirror)) == sorted(FIRST[1:])


def test_a_renamed_folder(any_box: MailBox) -> None:
    """Mail of a renamed folder comes under the new name before it goes under the old."""
    any_box.client.create_folder("Work")
    any_box.add("one", "Work")
    mirror = read(any_box)
    any_box.client.rename_folder("Work", "Done")
    for page in pull(any_box, mirror):
        mirror.take([page])
        assert "one" in names(mirror)
    assert held(mirror) == {"Done": ["one"]}


def test_most_of_a_folder_emptied(any_box: MailBox) -> None:
    """Where more goes than is usual the server is asked once more, and is believed."""
    for number in range(30):
        any_box.add(f"n{number}")
    mirror = read(any_box)
    for number in range(28):
        any_box.remove(f"n{number}")
    assert names(read(any_box, mirror)) == ["n28", "n29"]


def test_flags_are_no_news(any_box: MailBox) -> None:
    """A mail that was read or flagged says nothing new."""
    any_box.add("one")
    any_box.add("two")
    mirror = read(any_box)
    any_box.client.select_folder("INBOX")
    any_box.client.add_flags([1, 2], ["\\Seen", "\\Flagged"])
    assert live_changes(pull(any_box, mirror)) == []


def test_nothing_new_costs_one_look(box: MailBox) -> None:
    """Where nothing has changed no folder is opened, however much is in it."""
    for number in range(20):
        box.add(f"n{number}")
    mirror = read(box)
    before, connections = box.answered(), box.relay.connections
    assert live_changes(pull(box, mirror)) == []
    assert box.relay.connections == connections + 1
    assert box.answered() - before < 2_500


def test_the_last_weeks_come_first(any_box: MailBox) -> None:
    """The last four weeks of all folders come before anything older, and the rest in steps back through time."""
    any_box.client.create_folder("Work")
    ages = {"INBOX": (1, 20, 60, 200, 700), "Work": (2, 27, 80, 300, 1_500), "Sent": (3, 400)}
    for folder, days in ages.items():
        for day in days:
            any_box.add(f"d{day}", folder, at=NOW - timedelta(days=day))
    order = [int(name_of(one.record)[1:]) for one in live_changes(pull(any_box)) if isinstance(one, Upsert)]
    steps = [sum(day > bound for bound in (29, 91, 366)) for day in order]
    assert steps == sorted(steps)
    assert len(order) == 12


def test_nothing_from_before_the_day_is_read(any_box: MailBox) -> None:
    """`since` leaves out what is older; an earlier day brings it, a later one takes nothing away."""
    for name, day in (("new", 5), ("older", 100), ("oldest", 800)):
        at = NOW - timedelta(days=day)
        any_box.put(a_letter(name, Date=at.strftime("%a, %d %b %Y %H:%M:%S +0000")), at=at)
    mirror = read(any_box, since=date(2026, 9, 1))
    assert names(mirror) == ["new"]
    read(any_box, mirror, since=date(2025, 1, 1))
    assert names(mirror) == ["new", "older"]
    read(any_box, mirror, since=date(2026, 9, 1))
    assert names(mirror) == ["new", "older"]
    assert names(read(any_box, mirror)) == ["new", "older", "oldest"]


def test_more_than_one_answer_holds(box: MailBox) -> None:
    """A folder of many hundreds is read in pieces, each with a checkpoint, and progress is told."""
    raws, old = [a_letter(f"n{number}") for number in range(700)], NOW - timedelta(days=60)
    for begin in range(0, 700, 100):
        box.client.multiappend("INBOX", [{"msg": raw, "date": old} for raw in raws[begin : begin + 100]])
    pages = pull(box)
    assert len(names(Mirror().take(pages))) == 700
    assert len([page for page in pages if page.changes]) == 3
    assert [(page.done, page.total) for page in pages] == [(300, 700), (600, 700), (700, 700), (700, 700)]
    for page in pages:
        assert page.checkpoint is not None
        assert len(page.checkpoint) < 1_000
        assert len(names(read(box, Mirror().take(pages[: pages.index(page) + 1])))) == 700


def test_anything_at_any_time(dovecot: Dovecot, plain_dovecot: Dovecot) -> None:
    """R7: mail added, moved, deleted, folders rebuilt, pulls broken off anywhere: in the end it is as the server has it."""
    for seed in range(8):
        with a_mailbox(dovecot if seed % 2 else plain_dovecot) as box:
            _wander(box, random.Random(seed))


def _wander(box: MailBox, rng: random.Random) -> None:
    folders = {"INBOX": set[str](), "Work": set[str]()}
    box.client.create_folder("Work")
    mirror, number = Mirror(), 0
    for _ in range(14):
        folder = rng.choice(list(folders))
        other = "Work" if folder == "INBOX" else "INBOX"
        match rng.choice(["add", "add", "remove", "move", "rebuild", "read", "cut"]):
            case "add":
                number += 1
                box.add(f"w{number}", folder, at=NOW - timedelta(days=rng.choice([2, 50, 500])))
                folders[folder].add(f"w{number}")
            case "remove" if folders[folder]:
                name = rng.choice(sorted(folders[folder]))
                box.remove(name, folder)
                folders[folder].discard(name)
            case "move" if folders[folder]:
                name = rng.choice(sorted(folders[folder]))
                box.move(name, folder, other)
                folders[folder].discard(name)
                folders[other].add(name)
            case "rebuild":
                _rebuild(box, "Work", sorted(folders["Work"]))
            case "read":
                read(box, mirror)
                assert {f: sorted(n) for f, n in folders.items() if n} == held(mirror)
            case _:
                box.break_off(rng.randrange(200, 9_000))
                try:
                    read(box, mirror)
                except Transient:
                    pass
                finally:
                    box.mend()
    there = set().union(*folders.values())
    assert there & set(names(mirror)) == there & set(names(mirror))
    read(box, mirror)
    assert {f: sorted(n) for f, n in folders.items() if n} == held(mirror)


# --- connecting -------------------------------------------------------------------------------------------------------


def test_encryption_is_as_the_certificate_says(dovecot: Dovecot) -> None:
    """TLS and STARTTLS are trusted by the authority given, and by no other."""
    for port, security in ((dovecot.tls_port, "tls"), (dovecot.port, "starttls")):
        with a_mailbox(dovecot, port) as box:
            box.add("one")
            assert names(read(box, security=security, ca_file=dovecot.ca_file)) == ["one"]
            with pytest.raises(Rejected, match="--ca-file"):
                read(box, security=security)
            with pytest.raises(Rejected, match="how the host is spelt"):
                read(box, security=security, ca_file=dovecot.ca_file, host="127.1")
            with pytest.raises(Rejected, match="no file of certificates"):
                read(box, security=security, ca_file="/nowhere/ca.pem")


def test_the_wrong_kind_of_port_is_told(box: MailBox) -> None:
    """TLS to a port that does not speak it is refused with what to try."""
    with pytest.raises(Rejected, match="starttls"):
        read(box, security="tls")


def test_nothing_goes_unencrypted_where_it_was_not_allowed(box: MailBox) -> None:
    """Without encryption only what is in the owner's network, and allowed, is read."""
    with pytest.raises(Rejected, match="--allow-private"):
        read(box, allow_private=False)
    with pytest.raises(Rejected, match="tls, starttls and none"):
        read(box, security="ssl")


def test_passwords_of_any_letters(box: MailBox, plain_dovecot: Dovecot) -> None:
    """A secret in any script is sent as it is, and one with a line break never."""
    for secret in ("pässwörd 日本", 'quo"te\\d', " "):
        with pytest.raises(ReauthRequired):
            read(box, secret=secret)
    with pytest.raises(Rejected, match="line break"):
        read(box, secret="a\r\nK1 LOGOUT")
    with a_mailbox(plain_dovecot) as plain, pytest.raises((ReauthRequired, Rejected)):
        read(plain, secret="pässwörd 日本")


def test_the_owners_files_stay_closed(box: MailBox, tmp_path: Path) -> None:
    """A file that is no certificate is refused by name, with nothing of what is in it."""
    path = tmp_path / "secret.txt"
    path.write_text("something private")
    with pytest.raises(Rejected) as caught:
        read(box, security="starttls", ca_file=str(path))
    assert "private" not in str(caught.value)


# --- listening --------------------------------------------------------------------------------------------------------


def test_news_is_told_at_once(box: MailBox) -> None:
    """Mail that comes, is sent or goes wakes whoever listens within a second; nothing wakes them otherwise."""
    box.add("first")
    assert imap.SPEC.open_listener is not None
    listener = imap.SPEC.open_listener(box.access())
    try:
        assert not listener.wait(timedelta(seconds=0.2))
        for act in (
            partial(box.add, "second"),
            partial(box.add, "reply", "Sent"),
            partial(box.remove, "first"),
            partial(box.add, "third"),
        ):
            begun = time.monotonic()
            act()
            assert listener.wait(timedelta(seconds=10))
            assert time.monotonic() - begun < 5
            while listener.wait(timedelta(seconds=0.7)):
                pass
    finally:
        listener.close()


def test_listening_over_tls(dovecot: Dovecot) -> None:
    """The same through encryption."""
    assert imap.SPEC.open_listener is not None
    with a_mailbox(dovecot, dovecot.tls_port) as box:
        listener = imap.SPEC.open_listener(box.access(security="tls", ca_file=dovecot.ca_file))
        try:
            box.add("reply", "Sent")
            assert listener.wait(timedelta(seconds=10))
        finally:
            listener.close()


@pytest.mark.parametrize("security", ["none", "tls"])
def test_closing_ends_a_wait(dovecot: Dovecot, security: str) -> None:
    """A wait under way in another thread ends soon once the listener is closed."""
    assert imap.SPEC.open_listener is not None
    with a_mailbox(dovecot, dovecot.tls_port if security == "tls" else 0) as box:
        listener = imap.SPEC.open_listener(box.access(security=security, ca_file=dovecot.ca_file))
        ended: list[object] = []

        def wait() -> None:
            try:
                ended.append(listener.wait(timedelta(seconds=60)))
            except Transient as error:
                ended.append(error)

        thread = threading.Thread(target=wait)
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
        listener.close()
        thread.join(5)
        assert not thread.is_alive()
        assert ended == [False]


def test_listening_goes_on_after_it_was_said_anew(box: MailBox) -> None:
    """IDLE is ended and begun again when it is due, and news is told as before."""
    listener = ImapListener(box.access())
    try:
        before = box.answered()
        for one in listener._idling:
            one.due = 0.0
        assert not listener.wait(timedelta(seconds=0.5))
        assert box.answered() > before
        assert all(one.due > time.monotonic() + 500 for one in listener._idling)
        box.add("reply", "Sent")
        assert listener.wait(timedelta(seconds=10))
    finally:
        listener.close()


def test_a_cut_wire_ends_listening(box: MailBox) -> None:
    """A connection that breaks is told of as what may work later."""
    assert imap.SPEC.open_listener is not None
    listener = imap.SPEC.open_listener(box.access())
    box.break_off(0)
    with pytest.raises(Transient):
        listener.wait(timedelta(seconds=10))
    listener.close()


def test_who_cannot_tell_says_so(plain_dovecot: Dovecot) -> None:
    """A server without IDLE is refused at once, so that it is asked now and then instead."""
    assert imap.SPEC.open_listener is not None
    with a_mailbox(plain_dovecot) as box, pytest.raises(Rejected, match="now and then"):
        imap.SPEC.open_listener(box.access())


def test_a_listener_asks_nothing(box: MailBox) -> None:
    """While nothing happens nothing is sent, either way."""
    assert imap.SPEC.open_listener is not None
    listener = imap.SPEC.open_listener(box.access())
    try:
        listener.wait(timedelta(seconds=0.2))
        before = box.answered()
        assert not listener.wait(timedelta(seconds=1))
        assert box.answered() == before
    finally:
        listener.close()

"""The sample network holds by construction what the demo and the end-to-end tests rely on."""

import csv
import io
import mailbox
import re
import zipfile
from collections import defaultdict
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.utils import getaddresses, parsedate_to_datetime
from pathlib import Path

import icalendar
import pytest
import vobject

from deploy.sample.network import SampleReport, write_sample

NOW = datetime(2026, 11, 23, 7, 30, tzinfo=UTC)
RULES = {
    "awaiting_me",
    "awaiting_them",
    "promise",
    "thanks",
    "meeting",
    "keep_in_touch",
    "reconnect",
    "new_connection",
    "conference",
}
RESERVED = re.compile(r"(?:^|\.)(?:example|example\.com|test)$")
MACHINE = ("List-Id", "Auto-Submitted")


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleReport:
    return write_sample(tmp_path_factory.mktemp("sample"), NOW)


def mails(report: SampleReport) -> list[mailbox.mboxMessage]:
    with closing(mailbox.mbox(report.mbox)) as box:
        return list(box)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_equal_now_and_seed_give_equal_bytes(tmp_path: Path) -> None:
    """Two samples of one instant and seed are equal byte for byte; another seed differs."""
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        write_sample(tmp_path / name, NOW, seed)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert contents(tmp_path / "a") != contents(tmp_path / "c")


@pytest.mark.parametrize("shift", range(7))
def test_the_sample_ends_at_now_on_every_weekday(tmp_path: Path, shift: int) -> None:
    """Whatever day it is, the newest mail is of the last days, the oldest two years old, and none is to come."""
    now = NOW + timedelta(days=100 + shift, hours=3 * shift)
    report = write_sample(tmp_path, now)
    dates = [parsedate_to_datetime(message["Date"]) for message in mails(report)]
    assert max(dates) <= now
    assert now - max(dates) < timedelta(days=4)
    assert timedelta(days=700) < now - min(dates) < timedelta(days=760)


def test_every_message_is_read_by_the_standard_library(sample: SampleReport) -> None:
    """As many messages as reported, each with a Message-ID of its own, a date, an author and no defect."""
    messages = mails(sample)
    assert len(messages) == sample.messages
    assert len({message["Message-ID"] for message in messages}) == sample.messages
    for message in messages:
        whole = message_from_bytes(message.as_bytes())
        assert not whole.defects
        assert all(not part.defects for part in whole.walk())
        assert message["From"]
        assert message["X-GM-THRID"].isdigit()


def test_addresses_are_reserved_ones(sample: SampleReport) -> None:
    """No address in mail or calendar could belong to anybody."""
    text = sample.calendar.read_bytes().decode().replace("\r\n ", "")
    for message in mails(sample):
        for part in message.walk():
            body = part.get_payload(decode=True)
            text += body.decode().replace("\r", "").replace("\n ", "") if isinstance(body, bytes) else ""
    domains = set(re.findall(r"[\w.+-]+@([a-z0-9-]+(?:\.[a-z0-9-]+)+)", text))
    for message in mails(sample):
        boxes = getaddresses([str(message[header] or "") for header in ("From", "To", "Cc", "Reply-To")])
        domains |= {address.partition("@")[2] for _, address in boxes if address}
    assert domains
    assert [domain for domain in sorted(domains) if not RESERVED.search(domain)] == []


def test_replies_point_at_letters_of_the_archive(sample: SampleReport) -> None:
    """Each In-Reply-To names an older letter that is there, in the same Gmail thread."""
    by_id = {message["Message-ID"]: message for message in mails(sample)}
    answers = [message for message in by_id.values() if message["In-Reply-To"]]
    assert len(answers) > 500
    for message in answers:
        older = by_id[message["In-Reply-To"]]
        assert older["X-GM-THRID"] == message["X-GM-THRID"]
        assert parsedate_to_datetime(older["Date"]) < parsedate_to_datetime(message["Date"])


def test_mail_counts_are_those_of_the_files(sample: SampleReport) -> None:
    """Counting the mbox anew, by headers alone, gives the counts reported."""
    sent: dict[str, int] = defaultdict(int)
    received: dict[str, int] = defaultdict(int)
    own = set(sample.owner_emails)
    for message in mails(sample):
        kinds = {part.get_content_type() for part in message.walk()}
        if (
            any(message[name] for name in MACHINE)
            or "text/calendar" in kinds
            or message["X-Gmail-Labels"] == "Drafts"
        ):
            continue
        author = getaddresses([message["From"]])[0][1]
        to = {address for _, address in getaddresses([str(message["To"])])}
        if author in own:
            for address in to - own:
                sent[address] += 1
        elif to & own:
            received[author] += 1
    told = {address: count for address, count in sample.counts.items() if "@" in address}
    assert {address: count.sent for address, count in told.items() if count.sent} == dict(sent)
    assert {address: count.received for address, count in told.items() if count.received} == dict(received)


def test_the_calendar_is_read_by_a_library(sample: SampleReport) -> None:
    """As many components as reported: series with exclusions and overrides, all-day ones, cancelled ones."""
    calendar = icalendar.Calendar.from_ical(sample.calendar.read_bytes())
    events = calendar.walk("VEVENT")
    assert len(events) == sample.components
    assert any("EXDATE" in event for event in events)
    assert sum("RECURRENCE-ID" in event for event in events) >= 3
    assert any(event["STATUS"] == "CANCELLED" and "RECURRENCE-ID" not in event for event in events)
    assert any(event["DTSTART"].params.get("VALUE") == "DATE" for event in events)


def test_cards_and_exports_are_read(sample: SampleReport) -> None:
    """The cards parse; the exports hold their tables; who moved, came and left differs between the two."""
    cards = list(vobject.readComponents(sample.contacts.read_text("utf-8")))
    assert len(cards) == sample.cards
    rows: list[dict[str, str]] = []
    for path in sample.exports:
        with zipfile.ZipFile(path) as whole:
            lines = whole.read("Connections.csv").decode().split("\n", 3)
            assert lines[0] == "Notes:"
            table = list(csv.DictReader(io.StringIO(lines[3])))
        assert {"URL", "Company", "Connected On"} <= set(table[0])
        rows.append({row["URL"]: row["Company"] for row in table if row["URL"]})
    older, newer = rows
    assert older["https://www.linkedin.com/in/bjornlindqvist"] == "Kraftverk"
    assert newer["https://www.linkedin.com/in/bjornlindqvist"] == "Nordlicht"
    assert set(older) - set(newer) == {"https://www.linkedin.com/in/georgepapadakis"}
    assert "https://www.linkedin.com/in/sofia-pena-ux" in set(newer) - set(older)


def test_the_ground_truth_does_not_contradict_itself(sample: SampleReport) -> None:
    """Each rule has an instance; nothing is both wanted and forbidden; everybody named is in the files."""
    expected = {(one.rule, one.identity) for one in sample.expected_open}
    allowed = {(one.rule, one.identity) for one in sample.allowed_open}
    forbidden = {(one.rule, one.identity) for one in sample.forbidden_open}
    assert {rule for rule, _ in expected} == RULES
    assert not expected & forbidden
    assert not expected & allowed
    assert not allowed & forbidden
    assert {identity for _, identity in expected} <= set(sample.statuses)
    for _, identity in expected:
        assert sample.statuses[identity] == "person"
    assert set(sample.statuses.values()) == {"person", "waiting", "automated"}
    assert 60 <= sum(status == "person" for status in sample.statuses.values()) <= 100

"""The benchmark's corpus is the same on every machine and has the shape that its docstring claims."""

import statistics
from email import message_from_bytes
from email.utils import getaddresses, parsedate_to_datetime
from pathlib import Path

import pytest

from deploy.sample import bulk

SETTINGS = bulk.Settings(messages=2_000, people=200)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "cur").iterdir()}


def test_the_bytes_do_not_depend_on_the_number_of_processes(tmp_path: Path) -> None:
    """Two shards written by one process equal those written by two."""
    one = bulk.write_maildir(tmp_path / "one", 2_500, 100, processes=1)
    two = bulk.write_maildir(tmp_path / "two", 2_500, 100, processes=2)
    assert len(files(one)) == 2_500
    assert files(one) == files(two)


def test_the_mbox_holds_the_same_messages(tmp_path: Path) -> None:
    """As many envelope lines as messages, each message's id in it."""
    path = bulk.write_mbox(tmp_path / "all.mbox", 300, 50)
    whole = path.read_bytes()
    assert sum(line.startswith(b"From ") for line in whole.split(b"\n")) == 300
    for raw in bulk.shard_messages(bulk.Settings(messages=300, people=50), 0):
        assert message_from_bytes(raw)["Message-ID"].encode() in whole


@pytest.fixture(scope="module")
def raws() -> list[bytes]:
    return list(bulk.shard_messages(SETTINGS, 0))


def test_sizes_are_those_of_real_mail(raws: list[bytes]) -> None:
    """The median is 7 KB within a tenth, and some are ten times that."""
    sizes = [len(raw) for raw in raws]
    assert abs(statistics.median(sizes) - bulk.MEDIAN_BYTES) < bulk.MEDIAN_BYTES / 10
    assert max(sizes) > 10 * bulk.MEDIAN_BYTES


def test_humans_write_more_than_half(raws: list[bytes]) -> None:
    """50 to 62 of 100 are between humans, both ways; a third of those and more are replies that name their ancestors."""
    messages = [message_from_bytes(raw) for raw in raws]
    human = [message for message in messages if not message["List-Id"] and not message["Auto-Submitted"]]
    mine = [message for message in human if getaddresses([message["From"]])[0][1] in bulk.OWNER_ADDRESSES]
    replies = [message for message in human if message["References"]]
    assert 0.50 < len(human) / len(messages) < 0.62
    assert 0.35 < len(mine) / len(human) < 0.65
    assert len(replies) > len(human) / 3


def test_every_message_parses(raws: list[bytes]) -> None:
    """No defect, a Message-ID of its own, a date within the five years before the end."""
    messages = [message_from_bytes(raw) for raw in raws]
    assert len({message["Message-ID"] for message in messages}) == len(messages)
    for message in messages:
        assert not any(part.defects for part in message.walk())
        at = parsedate_to_datetime(message["Date"])
        assert 0 <= (bulk.END - at).days <= 1_827


def test_other_sizes_keep_the_shape() -> None:
    """People grow with the square root of the messages."""
    assert [bulk.people_for(count) for count in (10_000, 100_000, 1_000_000)] == [474, 1_500, 4_743]

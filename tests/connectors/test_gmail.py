"""Gmail read by its API: what it costs, what changes, what is gone, and what is the same as from a mail file."""

from collections.abc import Iterator
from typing import Any

import pytest

from connectors import gmail
from schemas.connector import Access
from schemas.records import SourceRecord
from tests.connectors.gmail import HEADERS_ONLY, GmailBox, a_gmail_box, name_of
from tests.contract.live_source import LiveServer, LiveSourceContract


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

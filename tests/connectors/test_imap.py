from collections.abc import Iterator
from typing import Any

import pytest

from connectors import imap
from schemas.connector import Access
from schemas.records import Message, SourceRecord
from tests.contract.live_source import LiveServer, LiveSourceContract
from tests.servers.dovecot import Dovecot
from tests.servers.mailbox import MailBox, a_mailbox


class TestImap(LiveSourceContract):
    """By QRESYNC."""

    spec = imap.SPEC

    @pytest.fixture
    def server(self, dovecot: Dovecot) -> Iterator[LiveServer]:
        with a_mailbox(dovecot) as box:
            yield box

    def access(self, server: LiveServer, **more: Any) -> Access:
        assert isinstance(server, MailBox)
        return server.access(**more)

    def name_of(self, record: SourceRecord) -> str:
        assert isinstance(record, Message)
        return record.message_id.partition("@")[0]


class TestPlainImap(TestImap):
    """By nothing but what RFC 3501 has."""

    @pytest.fixture
    def server(self, plain_dovecot: Dovecot) -> Iterator[LiveServer]:
        with a_mailbox(plain_dovecot) as box:
            yield box

"""Mail of Microsoft Graph, read from a fake that refuses what Graph refuses."""

from collections.abc import Iterator
from typing import Any

import pytest

from connectors import graph_mail
from schemas.connector import Access
from schemas.records import Message, SourceRecord
from tests.connectors.graph_box import GraphBox
from tests.contract.live_source import LiveServer, LiveSourceContract


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


def name_of(record: SourceRecord) -> str:
    assert isinstance(record, Message)
    return record.message_id.partition("@")[0]

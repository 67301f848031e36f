"""Servers that connectors are tested against."""

from collections.abc import Iterator

import pytest

from tests.servers.dovecot import Dovecot, needed, running


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """A Dovecot for the whole run."""
    needed()
    with running() as server:
        yield server


@pytest.fixture(scope="session")
def plain_dovecot() -> Iterator[Dovecot]:
    """A Dovecot that says it can do nothing but what every server can."""
    needed()
    with running(more={"imap_capability": "IMAP4rev1 LITERAL+ UIDPLUS MOVE"}) as server:
        yield server

"""Calendars or contacts at a fake of Microsoft Graph, as the contract's tests and those beside them handle them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Generic, TypeVar

import pytest

from schemas.clock import FrozenClock
from schemas.connector import Access, ConnectorSpec, Page
from schemas.ids import Cursor
from tests.contract.live_source import SECRET, LiveSourceContract, Mirror, a_live_access, live_pages
from tests.fakes.graph_lists import Lists, Side, a_side

L = TypeVar("L", bound=Lists)
R = TypeVar("R", bound="GraphRig[Any]")


class GraphRig(Generic[L]):
    """One part of a mailbox, seen from behind; what its items are, a class of its own says."""

    spec: ClassVar[ConnectorSpec]

    def __init__(self, fake: L, side: Side, clock: FrozenClock, permission: str) -> None:
        self.fake = fake
        self.side = side
        self.clock = clock
        self.scopes = frozenset({permission})
        self._ids: dict[str, str] = {}
        self._changes = 0
        self.break_off = side.break_off
        self.mend = side.mend
        self.answered = side.answered

    def grants(self, token: str) -> frozenset[str] | None:
        return self.scopes if token == SECRET else None

    def remove(self, name: str, /) -> None:
        self.fake.delete(self._ids[name])

    def access(self, **more: Any) -> Access:
        return a_live_access("microsoft", **{"base_url": self.side.server.url, "clock": self.clock, **more})

    def pages(self, cursor: Cursor | None = None, **more: Any) -> Iterator[Page]:
        """The pages of one pull, each asked for when it is wanted."""
        assert self.spec.open_source is not None
        return self.spec.open_source(self.access(**more)).pull(cursor)

    def pull(self, cursor: Cursor | None = None, **more: Any) -> list[Page]:
        """One whole pull, held to what pages promise."""
        return live_pages(self.spec, self.access(**more), cursor)

    def read(self, mirror: Mirror, **more: Any) -> Mirror:
        """The mirror brought up to date."""
        return mirror.take(self.pages(mirror.cursor, **more))


@contextmanager
def a_rig(kind: type[R], fake: Lists, permission: str) -> Iterator[R]:
    """A mailbox with this part; whatever breaks the vendor's schema fails the test."""
    assert isinstance(fake.clock, FrozenClock)
    made: list[R] = []
    with a_side([fake], lambda token: made[0].grants(token)) as side:  # noqa: PLW0108  # it is made after
        fake.server = side.server
        made.append(kind(fake, side, fake.clock, permission))
        yield made[0]


class GraphContract(LiveSourceContract):
    """The promises of every live source, for the fixture `rig`."""

    @pytest.fixture
    def server(self, rig: Any) -> Any:
        return rig

    def access(self, server: Any, **more: Any) -> Access:
        made: Access = server.access(**more)
        return made

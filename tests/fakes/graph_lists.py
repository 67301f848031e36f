"""What the fakes of Graph's calendar, contacts and To Do share: lists and deltas in pages, and a mailbox seen by its two sides."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import ClassVar, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from schemas.clock import Clock, FrozenClock
from tests.fakes.api import ApiServer, Json, Part, Reply, Request
from tests.fakes.graph import (
    VERSION,
    Batch,
    Mailbox,
    Refused,
    Tokens,
    allows,
    graph_server,
    link,
    needs_scope,
    page_size,
    path_of,
    refuse,
)
from tests.fakes.relay import Relay

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
_TOKENS = {"$deltatoken", "$skiptoken"}


def listed(
    server: ApiServer, request: Request, path: Sequence[str], rows: Sequence[Json], usual: int, most: int
) -> Reply:
    """One page of a plain list; the link to the next one repeats the query, and skips what was given."""
    skip = request.one("$skip") or "0"
    if not skip.isdecimal():
        raise refuse(400, "BadRequest", "Invalid $skip.")
    begin = int(skip)
    end = begin + page_size(request, usual, most)
    said: Json = {"value": list(rows[begin:end])}
    if end < len(rows):
        query = {**dict(request.query), "$skip": str(end)}
        way = "/".join(quote(piece, safe="") for piece in path)
        said["@odata.nextLink"] = f"{server.url}{VERSION}/{way}?{urlencode(query)}"
    return Reply(200, said)


def projected(row: Json, names: frozenset[str]) -> Json:
    """A row with the properties that were chosen, or all of it where none were."""
    return {
        name: value
        for name, value in row.items()
        if not names or name in names or name == "id" or "@" in name
    }


class Walk(Struct):
    """What a token stands for: a collection and the revision it was seen at; of a page, the rows still to come.

    Rows of one group come on one page.
    """

    of: str
    revision: int
    rest: list[list[Json]] | None = None


W = TypeVar("W", bound=Walk)


class Lists:
    """A part that is read alone. What the vendor's pages leave open a test chooses.

    `is_partial`: whether a change tells only what changed; `repeats`: whether the last thing told comes again.
    """

    scopes: ClassVar[tuple[str, ...]]
    """Permissions of which any will do."""

    def __init__(self, clock: Clock | None, mailbox: Mailbox | None) -> None:
        self.clock = clock or FrozenClock(NOW)
        self.mailbox = mailbox or Mailbox(self.clock)
        self.server: ApiServer | None = None
        self.told: Callable[[str], object] = lambda _resource: None
        """Told of each change, by what subscriptions are on."""
        self.tokens = Tokens()
        self.most_rows = 200
        self.is_partial = False
        self.repeats = False
        self.garble: Callable[[Json], Json] = lambda row: row
        """What becomes of a row on its way out."""
        self._revision = 0
        self._made = 0

    def delete(self, one: str) -> None:
        """Delete an item."""
        raise NotImplementedError

    def serves(self, path: str, /) -> bool:
        """Whether a path is this part's."""
        raise NotImplementedError

    def answer(self, request: Request, /) -> Reply:
        """What Graph says."""
        try:
            self.mailbox.spend()
            needs_scope(request, *self.scopes)
            if request.method != "GET":
                raise refuse(405, "Request_BadRequest", "Kith reads alone here.")
            return self._answer(request, path_of(request)[1:])
        except Refused as refused:
            return refused.reply

    def _answer(self, request: Request, path: list[str]) -> Reply:
        raise NotImplementedError

    @property
    def _server(self) -> ApiServer:
        assert self.server is not None
        return self.server

    def _delta(
        self,
        request: Request,
        path: list[str],
        of: str,
        begin: Callable[[], W],
        everything: Callable[[W, Request], list[list[Json]]],
        changed: Callable[[W, Request], list[list[Json]]],
    ) -> Reply:
        """One page of a delta: of its first round where no token came, which `begin` makes."""
        if _TOKENS.isdisjoint(name for name, _ in request.query):
            walk = begin()
            groups, revision = everything(walk, request), self._revision
        else:
            allows(request, _TOKENS)
            way = f"{self._server.url}{VERSION}/{'/'.join(path)}"
            walk = self.tokens.state_of(request.one("$deltatoken") or request.one("$skiptoken"), way)
            if walk.of != of:
                raise refuse(400, "ErrorInvalidUrlQuery", "The token is of another collection.")
            if walk.rest is None:
                groups, revision = changed(walk, request), self._revision
                groups += groups[-1:] if self.repeats else []
            else:
                groups, revision = walk.rest, walk.revision
        size = page_size(request, 10, self.most_rows)
        rows: list[Json] = []
        while groups and (not rows or len(rows) + len(groups[0]) <= size):
            rows += groups[0]
            groups = groups[1:]
        token = self.tokens.make(replace(walk, revision=revision, rest=groups or None))
        there = link(self._server, path, "skiptoken" if groups else "deltatoken", token)
        return Reply(200, {"value": rows, "@odata.nextLink" if groups else "@odata.deltaLink": there})


class Side:
    """A Graph of some parts, behind a wire that can be cut."""

    def __init__(self, server: ApiServer, relay: Relay, batch: Batch) -> None:
        self.server = server
        self.relay = relay
        self.batch = batch
        self.break_off = relay.cut_after
        self.mend = relay.mend

    def answered(self) -> int:
        """How many bytes of answers were sent so far."""
        return self.relay.answered

    def paths(self) -> list[str]:
        """What was asked since the last time this was asked, batches with their parts: `GET me/calendars`."""
        asked = [
            f"{one.method} {one.raw_path.removeprefix(VERSION).strip('/')}" for one in self.server.requests
        ]
        self.server.requests.clear()
        return asked


@contextmanager
def a_side(parts: Sequence[Part], grants: Callable[[str], frozenset[str] | None]) -> Iterator[Side]:
    """These parts behind a wire; the links that they give lead back through it, and what breaks the schema fails at the end."""
    batch = Batch()
    server = graph_server(parts, grants, batch)
    with server.serve(), Relay(urlsplit(server.url).port or 0) as relay:
        server.url = f"http://127.0.0.1:{relay.port}"
        yield Side(server, relay, batch)
        assert server.breaches == []

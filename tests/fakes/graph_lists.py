"""What the fakes of Graph's calendar, contacts and To Do share: plain lists in pages, and a mailbox seen by its two sides."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import quote, urlencode, urlsplit

from tests.fakes.api import ApiServer, Json, Part, Reply, Request
from tests.fakes.graph import VERSION, Batch, graph_server, page_size, refuse
from tests.fakes.relay import Relay


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

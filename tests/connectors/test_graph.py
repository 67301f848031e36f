"""What the connectors of Microsoft Graph share: errors as ours, pages, batches, and links that lead nowhere else."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import Struct

from connectors._graph import BATCH, Ask, Conflict, Graph, Rows, require
from schemas.clock import FrozenClock
from schemas.connector import Access
from schemas.errors import (
    Ambiguous,
    ConnectorError,
    CursorExpired,
    Missing,
    RateLimited,
    ReauthRequired,
    Rejected,
    Transient,
)
from tests.contract.live_source import SECRET, a_live_access
from tests.fakes.api import ApiServer, Reply, Request, no_breaches
from tests.fakes.faults import PATIENCE, Fault
from tests.fakes.graph import Batch, error, graph_server, has_immutable_ids


class Things:
    """A part that answers what a test told it, by path."""

    def __init__(self) -> None:
        self.replies: dict[str, Reply] = {}

    def serves(self, path: str, /) -> bool:
        return path.startswith("/v1.0/things")

    def answer(self, request: Request, /) -> Reply:
        told = self.replies.get(request.path.rpartition("/")[2])
        return told or Reply(200, {"value": [{"id": request.path, "is_lasting": has_immutable_ids(request)}]})


class Thing(Struct):
    """One row."""

    id: str
    is_lasting: bool = False


@pytest.fixture
def things() -> Things:
    return Things()


@pytest.fixture
def batch() -> Batch:
    return Batch()


@pytest.fixture
def server(things: Things, batch: Batch) -> Iterator[ApiServer]:
    made = graph_server([things], lambda token: frozenset({"Mail.Read"}) if token == SECRET else None, batch)
    # The part is none of Graph's.
    made.inspect = no_breaches
    with made.serve():
        yield made


def an_access(server: ApiServer, **more: Any) -> Access:
    return a_live_access("microsoft", base_url=server.url, **more)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (error(401, "InvalidAuthenticationToken"), ReauthRequired),
        (error(403, "ErrorAccessDenied"), ReauthRequired),
        (error(403, "Authorization_RequestDenied"), ReauthRequired),
        (error(404, "MailboxNotEnabledForRESTAPI"), Rejected),
        (error(404, "ErrorItemNotFound"), Missing),
        (error(409, "ErrorIrresolvableConflict"), Conflict),
        (error(412, "ErrorIrresolvableConflict"), Conflict),
        (error(410, "syncStateNotFound"), CursorExpired),
        (error(410, "resyncRequired"), CursorExpired),
        (error(400, "SYNCSTATENOTFOUND"), CursorExpired),
        (error(410, "Gone", Location="https://evil.example/"), CursorExpired),
        (error(429, "ApplicationThrottled", Retry_After="7"), RateLimited),
        (error(429, "MailboxConcurrency"), RateLimited),
        (error(429, "ErrorTooManyObjectsOpened"), RateLimited),
        (error(503, "ServiceUnavailable", Retry_After="7"), RateLimited),
        (error(503, "ServiceUnavailable"), Transient),
        (error(500, "ErrorServerBusy"), RateLimited),
        (error(504, "GatewayTimeout"), Transient),
        (error(504, "GatewayTimeout", Retry_After="7"), RateLimited),
        (error(423, "Locked"), Transient),
        (error(400, "ErrorInvalidUrlQuery"), Rejected),
        (error(507, "ErrorQuotaExceeded"), Rejected),
        (Reply(400, {"error": {"code": "syncStateNotFound", "message": None}}), CursorExpired),
        (Reply(502, body=b"<html>bad gateway</html>", headers={"Content-Type": "text/html"}), Transient),
        (Reply(200, body=b'{"value": 7}'), Transient),
        (Reply(200, body=b"[" * 100_000), Transient),
        (Reply(200, body=b"<html></html>", headers={"Content-Type": "text/html"}), Transient),
    ],
)
def test_errors_are_ours(server: ApiServer, things: Things, reply: Reply, kind: type[ConnectorError]) -> None:
    """Every refusal ends as the class that says what to do, alone and within a batch."""
    things.replies["a"] = reply
    graph = Graph(an_access(server, renew=lambda _refused: SECRET), needs="Mail.Read")
    with pytest.raises(kind) as caught:
        graph.get("things/a", Rows)
    assert type(caught.value) is kind or isinstance(caught.value, RateLimited)
    assert SECRET not in str(caught.value)
    if reply.said is not None:
        said = graph.batch([Ask("things/a"), Ask("things/b")])
        assert isinstance(said[0].error, kind)
        assert said[1].read(Rows).value


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("429", RateLimited),
        ("500", Ambiguous),
        ("503", Transient),
        ("lose_answer", Ambiguous),
        ("cut", Ambiguous),
        ("web_page", Ambiguous),
    ],
)
def test_a_write_without_an_answer_is_ambiguous(
    server: ApiServer, fault: Fault, kind: type[ConnectorError]
) -> None:
    """A write that may have happened is told apart from one that did not."""
    server.faults.order(fault)
    with pytest.raises(kind) as caught:
        Graph(an_access(server)).send("POST", "things/a", {"title": "x"})
    assert type(caught.value) is kind


def test_patience_is_what_was_asked_for(server: ApiServer, batch: Batch) -> None:
    """`Retry-After` is kept to the second, alone and of a part of a batch."""
    graph = Graph(an_access(server))
    server.faults.order("429")
    with pytest.raises(RateLimited) as caught:
        graph.get("things/a", Rows)
    assert caught.value.retry_after == timedelta(seconds=PATIENCE)
    batch.faults.order("429")
    one, other = graph.batch([Ask("things/a"), Ask("things/b")])
    assert isinstance(one.error, RateLimited)
    assert one.error.retry_after == timedelta(seconds=PATIENCE)
    assert other.error is None


def test_patience_until_an_hour_is_patience_too(server: ApiServer, things: Things) -> None:
    """`Retry-After` may be a time (RFC 9110 10.2.3); where it is neither, a minute will do, and no wait is for ever."""
    graph = Graph(an_access(server, clock=FrozenClock(datetime(2026, 11, 23, 9, tzinfo=UTC))))
    for said, minutes in (("Mon, 23 Nov 2026 09:05:00 GMT", 5), ("soon", 1), ("9999999", 24 * 60)):
        things.replies["a"] = error(429, "ApplicationThrottled", Retry_After=said)
        with pytest.raises(RateLimited) as caught:
            graph.get("things/a", Rows)
        assert caught.value.retry_after == timedelta(minutes=minutes)


def test_batches_are_cut_and_come_back_in_order(server: ApiServer, batch: Batch) -> None:
    """However many are asked, no batch is over the limit, and answers are given in the order of the asking."""
    said = Graph(an_access(server)).batch([Ask(f"things/{number}") for number in range(45)])
    rows = [one.read(Rows).value[0] for one in said]
    assert [bytes(row) for row in rows] == [
        b'{"id": "/v1.0/things/%d", "is_lasting": true}' % number for number in range(45)
    ]
    assert batch.sizes == [BATCH, BATCH, 5]


def test_a_crowded_mailbox_is_asked_less_at_once(server: ApiServer, batch: Batch) -> None:
    """Parts refused for running at once go through in smaller batches, without a wait."""
    batch.crowded = 9
    said = Graph(an_access(server)).batch([Ask(f"things/{number}") for number in range(20)])
    assert all(one.error is None for one in said)
    assert batch.sizes == [20, 4, 4, 1]


def test_a_part_without_an_answer(server: ApiServer, batch: Batch) -> None:
    """What a batch's answer leaves out is asked again later; a write of that kind may have happened."""
    graph = Graph(an_access(server))
    batch.forgets = 2
    assert [type(one.error) for one in graph.batch([Ask("things/a"), Ask("things/b")])] == [Transient] * 2
    batch.forgets = 1
    assert type(graph.batch([Ask("things/a", "POST", body={})])[0].error) is Ambiguous


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v1.0/things/b",
        "http://127.0.0.1:1/v1.0/things/b",
        "http://127.0.0.1/v1.0/things/b",
        "{url}@evil.example/v1.0/things/b",
        "{url}.evil.example/v1.0/things/b",
        "{url}/v1.0/../admin",
        "{url}/beta/things/b",
        "http://[::1",
        "file:///etc/passwd",
        "../admin",
    ],
)
def test_links_lead_nowhere_else(server: ApiServer, things: Things, link: str) -> None:
    """A link to another server, or to another part of this one, is not followed, in pages or in batches."""
    whole = link.replace("{url}", server.url)
    things.replies["a"] = Reply(200, {"value": [], "@odata.nextLink": whole})
    graph = Graph(an_access(server))
    with pytest.raises(Rejected):
        list(graph.pages("things/a"))
    with pytest.raises(Rejected):
        graph.batch([Ask(whole)])
    assert [request.path for request in server.requests] == ["/v1.0/things/a"]


def test_pages_are_followed_with_preferences(server: ApiServer, things: Things) -> None:
    """Every page is asked for with the preferences of the first, which no link holds."""
    things.replies["a"] = Reply(
        200, {"value": [], "@odata.nextLink": f"{server.url}/v1.0/things/b?$skiptoken=x%2F"}
    )
    pages = list(Graph(an_access(server)).pages("things/a", {"$top": "1"}, prefer=["odata.maxpagesize=5"]))
    assert len(pages) == 2
    assert {request.headers["prefer"] for request in server.requests} == {
        'IdType="ImmutableId", odata.maxpagesize=5'
    }
    assert server.requests[1].query == (("$skiptoken", "x/"),)


def test_links_that_lead_in_a_circle_come_to_an_end(server: ApiServer, things: Things) -> None:
    """However a list goes on, what has been asked for once is not asked for again."""
    for one, other in (("a", "b"), ("b", "c"), ("c", "b")):
        things.replies[one] = Reply(
            200, {"value": [], "@odata.nextLink": f"{server.url}/v1.0/things/{other}"}
        )
    with pytest.raises(Transient, match="end"):
        list(Graph(an_access(server)).pages("things/a"))
    assert [request.path[-1] for request in server.requests] == ["a", "b", "c"]


def test_a_refused_token_is_renewed_once(server: ApiServer) -> None:
    """A token that ended is renewed and the request goes through; the quota is spent for each request."""
    renewed: list[str] = []
    spent: list[int] = []

    def renew(refused: str) -> str:
        renewed.append(refused)
        return SECRET

    access = an_access(server, secret="old", renew=renew, spend=lambda _name, units: spent.append(units))
    graph = Graph(access)
    graph.get("things/a", Rows)
    graph.batch([Ask("things/a"), Ask("things/b")])
    assert renewed == ["old", "old"]
    assert spent == [1, 2]


def test_parts_that_are_refused_a_token_are_asked_with_another(server: ApiServer, batch: Batch) -> None:
    """A token that ended between the batch and its parts is renewed once; where that does not help, it is told."""
    renewed: list[str] = []

    def renew(refused: str) -> str:
        renewed.append(refused)
        return SECRET

    graph = Graph(an_access(server, renew=renew))
    asks = [Ask(f"things/{number}") for number in range(20)]
    batch.unsure = 7
    assert all(one.error is None for one in graph.batch(asks))
    assert (renewed, batch.sizes) == ([SECRET], [20, 7])
    batch.unsure = 40
    assert {type(one.error) for one in graph.batch(asks)} == {ReauthRequired}
    assert len(renewed) == 2
    batch.unsure = 1
    with pytest.raises(ReauthRequired):
        Graph(an_access(server)).batch(asks)


def test_rules_that_keep_kith_out_are_told(server: ApiServer, things: Things) -> None:
    """A claims challenge that outlasts another token is one state with its cure, asked about no more than twice."""
    challenge = 'Bearer realm="", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="'
    things.replies["a"] = error(401, "InvalidAuthenticationToken", WWW_Authenticate=challenge)
    with pytest.raises(ReauthRequired, match="administrator") as caught:
        Graph(an_access(server, renew=lambda _refused: SECRET)).get("things/a", Rows)
    assert "eyJ" not in str(caught.value)
    assert len(server.requests) == 2


def test_a_missing_permission_is_named() -> None:
    """Where it is known what was granted, a missing permission is named with the way to give it."""
    access = a_live_access("microsoft", scopes=["https://graph.microsoft.com/Mail.ReadBasic", "User.Read"])
    require(access, "Mail.Read", "Mail.ReadBasic")
    require(a_live_access("microsoft"), "Mail.Send")
    with pytest.raises(ReauthRequired, match=r"Mail\.Send.*kith connect microsoft"):
        require(access, "Mail.Send")

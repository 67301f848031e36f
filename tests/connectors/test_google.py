"""What Google's APIs have in common: errors by their reasons, pages, quotas, permissions, and where requests go."""

import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from connectors._google import AUTH, CALENDAR, Api, Duplicate, Stale, is_granted, reasons, require, scope
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
from tests.contract.source import NOW
from tests.fakes.api import ApiServer, Reply, Request
from tests.fakes.google import Google, masked, refused, switched_off, user_rate

ADDRESS = "mara@example.com"


class _Page(Struct, frozen=True, rename="camel"):
    items: tuple[int, ...] = ()
    next_page_token: str = ""


class _Told:
    """An API that says what it is told to."""

    def __init__(self) -> None:
        self.replies: deque[Reply] = deque()

    def serves(self, path: str, /) -> bool:
        return path.startswith("/calendar/")

    def answer(self, request: Request, /) -> Reply:
        return self.replies.popleft() if len(self.replies) > 1 else self.replies[0]


@contextmanager
def an_api(*replies: Reply, **more: Any) -> Iterator[tuple[Api, ApiServer]]:
    part = _Told()
    part.replies.extend(replies)
    server = ApiServer(Google(), [part], lambda token: frozenset() if token == SECRET else None)
    with server.serve():
        api = Api(an_access(server.url, **more), CALENDAR, "Google Calendar", quota="requests")
        yield api, server
        api.close()


def an_access(url: str = "", **more: Any) -> Access:
    return a_live_access("google", **{"base_url": url, "user": ADDRESS, **more})


def words(code: int, reason: str, **more: Any) -> Reply:
    """A refusal whose words hold what must not be repeated."""
    return refused(code, reason, f"CANARY {ADDRESS} did something", **more)


EXPECTED: list[tuple[Reply, type[ConnectorError], str]] = [
    (words(401, "authError"), ReauthRequired, "kith connect google"),
    (
        words(403, "insufficientPermissions", info="ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
        ReauthRequired,
        "every box",
    ),
    (words(403, "forbidden", info="ACCESS_TOKEN_SCOPE_INSUFFICIENT"), ReauthRequired, "every box"),
    (switched_off(), Rejected, "Switch it on"),
    (words(403, "accessNotConfigured"), Rejected, "Switch it on"),
    (user_rate(), RateLimited, "goes on by itself"),
    (words(403, "userRateLimitExceeded", domain="usageLimits"), RateLimited, "goes on by itself"),
    (words(403, "quotaExceeded", domain="usageLimits"), RateLimited, "goes on by itself"),
    (words(403, "dailyLimitExceeded", domain="usageLimits"), RateLimited, "tomorrow"),
    (words(429, "rateLimitExceeded"), RateLimited, "goes on by itself"),
    (words(403, "forbidden"), Rejected, "403 forbidden"),
    (words(400, "badRequest"), Rejected, "400 badRequest"),
    (words(400, "badRequest", info="EXPIRED_SYNC_TOKEN"), CursorExpired, "read anew"),
    (words(404, "notFound"), Missing, "404"),
    (words(410, "fullSyncRequired"), CursorExpired, "read anew"),
    (words(410, "updatedMinTooLongAgo"), CursorExpired, "read anew"),
    (words(410, "deleted"), Missing, "410"),
    (words(409, "duplicate"), Duplicate, "409 duplicate"),
    (words(412, "conditionNotMet"), Stale, "412 conditionNotMet"),
    (Reply(403, body=b"<html>forbidden</html>", headers={"Content-Type": "text/html"}), Rejected, "(403)"),
    (Reply(400, {"error": "invalid_grant"}), Rejected, "(400)"),
    (words(500, "backendError"), Transient, "failed (500)"),
    (words(503, "backendError"), Transient, "cannot answer now (503)"),
]


@pytest.mark.parametrize(("reply", "error", "told"), EXPECTED)
def test_errors_are_told_apart_by_their_reasons(reply: Reply, error: type[ConnectorError], told: str) -> None:
    """Each is of the class that decides what becomes of it, and none repeats Google's words."""
    with (
        an_api(reply, renew=lambda old: old) as (api, _),
        pytest.raises(error, match=re.escape(told)) as caught,
    ):
        api.get("calendar/v3/users/me/calendarList", {}, _Page)
    assert type(caught.value) is error
    for word in ("CANARY", ADDRESS, SECRET):
        assert word not in str(caught.value)


def test_patience_is_as_long_as_it_is_asked_for() -> None:
    """By Retry-After, else a minute; of a daily limit until midnight at the Pacific, summer and winter."""
    for reply, wait in (
        (words(429, "rateLimitExceeded", headers={"Retry-After": "7"}), timedelta(seconds=7)),
        (user_rate(), timedelta(minutes=1)),
    ):
        with an_api(reply) as (api, _), pytest.raises(RateLimited) as told:
            api.get("calendar/v3/x", {}, _Page)
        assert told.value.retry_after == wait
    for now, hours in ((NOW, 23), (datetime(2026, 7, 1, 9, tzinfo=UTC), 22)):
        reply = words(403, "dailyLimitExceeded")
        with an_api(reply, clock=FrozenClock(now)) as (api, _), pytest.raises(RateLimited) as told:
            api.get("calendar/v3/x", {}, _Page)
        assert told.value.retry_after == timedelta(hours=hours)


def test_a_write_that_failed_may_have_happened() -> None:
    """A 5xx at a write is in doubt; at a read that is sent as a POST it is not."""
    with an_api(words(500, "backendError")) as (api, _):
        with pytest.raises(Ambiguous):
            api.ask("POST", "calendar/v3/x", content=b"{}")
        with pytest.raises(Transient):
            api.ask("POST", "calendar/v3/x", content=b"{}", is_write=False)


def test_pages_come_one_by_one_and_end() -> None:
    """They are asked for as they are taken, with the query and the token; a list that turns in a circle is no list."""
    pages = [Reply(200, {"items": [n], "nextPageToken": f"t{n}"}) for n in (1, 2)]
    with an_api(*pages, Reply(200, {"items": [3]})) as (api, server):
        turned = api.pages("calendar/v3/x", {"a": ["b", "c d"], "empty": "", "none": None, "is": True}, _Page)
        assert next(turned).items == (1,)
        assert len(server.requests) == 1
        assert [page.items for page in turned] == [(2,), (3,)]
        assert [one.query for one in server.requests] == [
            (("a", "b"), ("a", "c d"), ("is", "true")),
            (("a", "b"), ("a", "c d"), ("is", "true"), ("pageToken", "t1")),
            (("a", "b"), ("a", "c d"), ("is", "true"), ("pageToken", "t2")),
        ]
    with an_api(Reply(200, {"items": [], "nextPageToken": "same"})) as (api, server):
        with pytest.raises(Transient, match="come to an end"):
            list(api.pages("calendar/v3/x", {}, _Page))
        assert len(server.requests) == 2


def test_each_request_is_spent_before_it_is_sent() -> None:
    """By its price, of the quota that was named; where it is used up nothing leaves."""
    spent: list[tuple[str, int]] = []
    with an_api(Reply(200, {}), spend=lambda name, units: spent.append((name, units))) as (api, _):
        api.get("calendar/v3/x", {}, _Page)
        api.get("calendar/v3/x", {}, _Page, units=5)
        api.ask("GET", "calendar/v3/x", units=0)
    assert spent == [("requests", 1), ("requests", 5)]

    def none_left(_name: str, _units: int, /) -> None:
        raise RateLimited("used up", retry_after=timedelta(minutes=3))

    with an_api(Reply(200, {}), spend=none_left) as (api, server):
        with pytest.raises(RateLimited):
            api.get("calendar/v3/x", {}, _Page)
        assert server.requests == []


def test_an_answer_that_is_none() -> None:
    """A sign-in page, or JSON of another shape, may be better later."""
    page = Reply(200, body=b"<!DOCTYPE html><html></html>", headers={"Content-Type": "text/html"})
    for reply in (page, Reply(200, {"items": "none"}), Reply(200, body=b'{"items": [')):
        with an_api(reply) as (api, _), pytest.raises(Transient):
            api.get("calendar/v3/x", {}, _Page)


def test_statuses_that_a_caller_knows() -> None:
    """What the caller allows is an answer, whose reasons it can ask for; hostile ones are none."""
    with an_api(words(400, "failedPrecondition")) as (api, _):
        answer = api.ask("GET", "calendar/v3/x", allow=(400,))
    assert answer.status == 400
    assert reasons(answer.body) == {"failedPrecondition"}
    assert (
        reasons(msgspec.json.encode({"error": {"errors": [{"reason": "a b <x>"}, {"reason": "x" * 99}]}}))
        == set()
    )
    assert reasons(b"\xff\x00") == set()


def test_permissions_by_their_names() -> None:
    """Short names stand for Google's long ones; what was not given is asked for by the first that would do."""
    assert scope("gmail.send", "why").name == f"{AUTH}gmail.send"
    given = an_access(scopes=[f"{AUTH}tasks", "https://mail.google.com/"])
    assert is_granted(given, "tasks")
    assert is_granted(given, "https://mail.google.com/")
    assert not is_granted(given, "tasks.readonly")
    require(given, "Google Tasks", ("tasks.readonly", "tasks"), "read tasks")
    with pytest.raises(ReauthRequired, match=r"Gmail: .* to read mail \(gmail\.readonly\)"):
        require(given, "Gmail", ("gmail.readonly",), "read mail")
    with pytest.raises(ReauthRequired):
        require(an_access(), "Gmail", ("gmail.readonly",), "read mail")


@pytest.mark.parametrize(
    ("mask", "left"),
    [
        ("", {"a": {"b": 1, "c": [{"d": 2, "e": 3}]}, "f": 4}),
        ("f", {"f": 4}),
        ("a/b,f", {"a": {"b": 1}, "f": 4}),
        ("a(b,c/d)", {"a": {"b": 1, "c": [{"d": 2}]}}),
        ("a/c(e)", {"a": {"c": [{"e": 3}]}}),
        ("a/*", {"a": {"b": 1, "c": [{"d": 2, "e": 3}]}}),
        ("nothing", {}),
    ],
)
def test_the_fakes_field_masks(mask: str, left: dict[str, Any]) -> None:
    """A mask leaves what it names; one that is none is refused."""
    said = {"a": {"b": 1, "c": [{"d": 2, "e": 3}]}, "f": 4}
    assert masked(said, mask) == left
    for wrong in ("a(", "a)", "a,,b", "/a", "a b"):
        with pytest.raises(ValueError):  # noqa: PT011 - it is told apart by nothing else
            masked(said, wrong)

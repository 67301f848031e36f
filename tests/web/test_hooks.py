"""Notices of news at `/hooks/`: each vendor's handshake and shape, and nothing for anybody else."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from starlette.testclient import TestClient

from services.notices import Notice
from services.web.app import make_app
from tests.web.desks import a_desk
from tests.web.test_app import HOSTILE

WORD = "1~google-0a1b2c3d~google_calendar.c2lnbmF0dXJl"


class Site:
    """The app, and the notices that it took."""

    def __init__(self) -> None:
        self.taken: list[Notice] = []
        desk = a_desk(())
        desk = type(desk)(
            **{name: getattr(desk, name) for name in desk.__struct_fields__} | {"take_notices": self._take}
        )
        self.client = TestClient(make_app(desk), base_url="http://127.0.0.1:8321")

    def _take(self, notices: Sequence[Notice]) -> bool:
        self.taken += notices
        return any(one.token == WORD for one in notices)

    def post(self, path: str, body: Any = None, **headers: str) -> int:
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(path, content=content, headers=named).status_code


@pytest.fixture
def site() -> Site:
    return Site()


def test_google_tells_by_headers(site: Site) -> None:
    """Its first notice says that the channel stands; each later one that there is news."""
    assert site.post("/hooks/google", x_goog_resource_state="sync", x_goog_channel_token=WORD) == 204
    assert site.taken == []
    assert site.post("/hooks/google", x_goog_resource_state="exists", x_goog_channel_token=WORD) == 202
    assert site.taken == [Notice(WORD)]
    assert site.post("/hooks/google", x_goog_resource_state="exists", x_goog_channel_token="other") == 403
    assert site.post("/hooks/google") == 403


@pytest.mark.parametrize(
    "body",
    [
        {
            "message": {"data": "e30=", "messageId": "1", "publishTime": "2026-11-23T09:00:00Z"},
            "subscription": "s",
        },
        {"message": {"data": "eyJlbWFpbEFkZHJlc3MiOiJ4QGV4YW1wbGUub3JnIn0="}, "subscription": "another"},
        b"",
        b"{",
        b"\xff" * 5_000_000,
    ],
    ids=["empty", "of somebody else", "nothing", "half", "endless"],
)
def test_gmail_tells_by_its_address(site: Site, body: Any) -> None:
    """Pub/Sub posts to an address that has our word: it is answered alike whatever the message says, signed or not (S24)."""
    path = f"/hooks/google?token={WORD}"
    assert site.post(path, body) == 202
    assert site.post(path, body, authorization="Bearer eyJhbGciOiJSUzI1NiJ9.e30.c2ln") == 202
    assert site.taken == [Notice(WORD)] * 2
    for word in ("", "other", WORD[:-1], f"{WORD}x", "%00", "x" * 8_000):
        assert site.post(f"/hooks/google?token={word}", body) == 403
    assert site.post(path, body, x_goog_channel_token="other") == 403


def test_microsoft_shakes_hands(site: Site) -> None:
    """The word of the handshake comes back as plain text, whatever it is, and as nothing that a browser would run."""
    for word in (*HOSTILE, "Validation: Testing client application reachability for subscription"):
        answer = site.client.post("/hooks/microsoft", params={"validationToken": word})
        assert (answer.status_code, answer.text) == (200, word)
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert site.client.post("/hooks/microsoft", params={"validationToken": "x" * 5_000}).status_code == 400
    assert site.taken == []


def test_microsoft_tells_in_json(site: Site) -> None:
    """Each entry has its word; what says that a subscription ended names it."""
    entry = {
        "subscriptionId": "s1",
        "clientState": WORD,
        "changeType": "created",
        "resource": "me/messages/1",
        "resourceData": {"id": "1"},
        "subscriptionExpirationDateTime": "2026-12-01T00:00:00Z",
        "tenantId": "t",
    }
    assert site.post("/hooks/microsoft", {"value": [entry]}) == 202
    assert site.post("/hooks/microsoft", {"value": [{**entry, "lifecycleEvent": "missed"}]}) == 202
    assert (
        site.post("/hooks/microsoft", {"value": [{**entry, "lifecycleEvent": "subscriptionRemoved"}]}) == 202
    )
    assert site.taken == [Notice(WORD), Notice(WORD), Notice(WORD, "s1")]
    assert site.post("/hooks/microsoft", {"value": [{**entry, "clientState": None}]}) == 403
    nulls = {"lifecycleEvent": None, "resourceData": None, "encryptedContent": None, "id": None}
    assert site.post("/hooks/microsoft", {"value": [{**entry, **nulls}]}) == 202


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"value": 1}', b'{"value": [1]}', b"\xff", b"{" * 100_000, b" " * 2_000_000]
)
def test_what_is_no_notice_is_turned_away(site: Site, body: bytes) -> None:
    """Whatever it is, and however long."""
    assert site.post("/hooks/microsoft", body) in {400, 403}
    assert [one for one in site.taken if one.token] == []


@pytest.mark.parametrize("path", ["/hooks/google", "/hooks/microsoft"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_only_posts_are_notices(site: Site, path: str, method: str) -> None:
    """Nothing else does anything."""
    assert site.client.request(method, path).status_code == 405


def test_without_a_key_there_is_no_hook() -> None:
    """A home that could not know its words takes none."""
    client = TestClient(make_app(a_desk(())), base_url="http://127.0.0.1:8321")
    assert client.post("/hooks/google").status_code == 404

"""The pages of the digest's links: they show first, act on a POST, and are no use to anybody who forges one."""

from collections.abc import Mapping, Sequence

import pytest
from starlette.testclient import TestClient

from services.links import Deed, LinkSigner
from services.store import events as stream
from services.store.unit import Store
from services.web.app import Desk, make_app
from services.web.guard import known_hosts
from tests.services.test_oneclick import Desk as Book
from tests.web.test_app import HOSTILE, Reader, words

PUBLIC = "https://kith.example.com"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


class Site:
    """A running app over a book, asked as a browser or a mail program would."""

    def __init__(self, store: Store, keys: Sequence[str] = ("k" * 43,), name: str = "Ana Okafor") -> None:
        self.book = Book(store, keys, name)
        self.signer = LinkSigner(["k" * 43])
        desk = Desk(
            statuses=list,
            troubles=list,
            hosts=known_hosts(PUBLIC),
            one_click=self.book.one_click,
            public_url=PUBLIC,
        )
        self.client = TestClient(make_app(desk), base_url="http://127.0.0.1:8321", follow_redirects=False)

    def path(self, deed: Deed, **changes: object) -> str:
        return f"/go/{self.signer.signed(self.book.link(deed, **changes))}"  # type: ignore[arg-type]

    def length(self) -> int:
        with self.book.store.read() as unit:
            return stream.last_seq(unit, self.book.book.owner)

    def post(self, path: str, form: Mapping[str, str], **headers: str) -> tuple[int, str]:
        answer = self.client.post(path, data=dict(form), headers=headers)
        assert "set-cookie" not in answer.headers
        return answer.status_code, answer.text


@pytest.fixture
def site(sqlite_store: Store) -> Site:
    return Site(sqlite_store)


DEEDS: list[Deed] = ["done", "snooze", "dismiss", "unsubscribe", "reconnect"]


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_scanner_changes_nothing(deed: Deed, method: str, site: Site) -> None:
    """A GET or HEAD, with any query, shows what would be done and does nothing (S10)."""
    before = site.length()
    for query in ("", "?go=done", "?List-Unsubscribe=One-Click", "?until=2026-12-01"):
        answer = site.client.request(method, site.path(deed) + query)
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
    assert site.length() == before


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_methods_are_refused(method: str, site: Site) -> None:
    """Nothing but GET, HEAD and POST."""
    before = site.length()
    assert site.client.request(method, site.path("done")).status_code == 405
    assert site.length() == before


def test_done_is_shown_and_then_done(site: Site) -> None:
    """The page names the follow-up and its reason; pressing the button does it, and pressing again says so."""
    path = site.path("done")
    asked = words(site.client.get(path).text)
    for part in ("Is this done?", "Answer Ana", "Yes, it is done"):
        assert part in asked
    for _ in range(2):
        status, told = site.post(path, {"go": "done"})
        assert status == 200
        assert "It is done. It is off your list." in words(told)
        assert "<button" not in told
    assert site.book.state() == "done"
    assert "It is done." in words(site.client.get(path).text)


def test_snoozing_offers_three_days(site: Site) -> None:
    """Tomorrow, next week and in a month, each by its date; a day chosen is told, and may be changed."""
    path = site.path("snooze")
    page = site.client.get(path).text
    for part in (
        "Tomorrow Tuesday, 24 November",
        "Next week Monday, 30 November",
        "In a month Wednesday, 23 December",
    ):
        assert part in words(page)
    status, told = site.post(path, {"go": "snooze", "until": "2026-11-30"})
    assert status == 200
    assert "It comes back on Monday, 30 November." in words(told)
    again = words(site.client.get(path).text)
    assert "It comes back on Monday, 30 November." in again
    assert "Tomorrow" in again
    for wrong in ("", "2026-11-23", "2020-01-01", "2999-01-01", "tomorrow", "2026-11-31"):
        assert site.post(path, {"go": "snooze", "until": wrong})[0] == 410
    assert site.book.state() == "snoozed"


def test_leaving_out(site: Site) -> None:
    """Not this one."""
    path = site.path("dismiss")
    assert "Shall it be left out?" in words(site.client.get(path).text)
    assert "Kith does not suggest it again." in words(site.post(path, {"go": "dismiss"})[1])
    assert site.book.state() == "dismissed"


@pytest.mark.parametrize("as_parts", [False, True])
def test_one_click_unsubscribing(as_parts: bool, site: Site) -> None:
    """A mail program's POST (RFC 8058) without cookie or Origin, in either coding, acts at once, and twice is once."""
    path = site.path("unsubscribe")
    for _ in range(2):
        if as_parts:
            files = {"List-Unsubscribe": (None, "One-Click")}
            answer = site.client.post(path, files=files)
        else:
            answer = site.client.post(path, data=ONE_CLICK)
        assert answer.status_code == 200
        assert "The weekly mail is off." in words(answer.text)
    assert len(site.book.said()) == 1


def test_unsubscribing_by_hand(site: Site) -> None:
    """The link in the mail shows a page first, and tells how to take it back."""
    path = site.path("unsubscribe")
    assert "Yes, stop it" in words(site.client.get(path).text)
    assert site.book.said() == []
    told = site.post(path, {"go": "unsubscribe"})[1]
    assert "kith digest --mail on" in words(told)
    assert len(site.book.said()) == 1


def test_one_click_does_nothing_but_unsubscribe(site: Site) -> None:
    """The words of a mail program on any other link are refused, from anywhere; so is one deed in another's name."""
    before = site.length()
    for deed in ("done", "snooze", "dismiss", "reconnect"):
        form = {**ONE_CLICK, "until": "2026-11-30"}
        assert site.post(site.path(deed), form)[0] == 400
        assert site.post(site.path(deed), form, Origin="https://mail.example")[0] == 403
    assert site.post(site.path("dismiss"), {"go": "done"})[0] == 400
    assert site.post(site.path("unsubscribe"), {"go": "done"})[0] == 400
    assert site.length() == before


ORIGINS = [
    ({}, True),
    ({"Origin": "http://127.0.0.1:8321"}, True),
    ({"Origin": PUBLIC}, True),
    ({"Sec-Fetch-Site": "same-origin"}, True),
    ({"Origin": "null"}, False),
    ({"Origin": "https://evil.example"}, False),
    ({"Origin": "http://127.0.0.1:3000"}, False),
    ({"Origin": "https://kith.example.com.evil.example"}, False),
    ({"Origin": "https://kith.example.com:444"}, False),
    ({"Origin": "https://kith.example.com@evil.example"}, False),
    ({"Sec-Fetch-Site": "cross-site"}, False),
    ({"Sec-Fetch-Site": "same-site"}, False),
]


@pytest.mark.parametrize(("headers", "is_let"), ORIGINS)
def test_other_pages_press_no_button(headers: dict[str, str], is_let: bool, site: Site) -> None:
    """A form on another site, port or sandbox is refused (S4); the mail program's unsubscribing is not."""
    status, told = site.post(site.path("done"), {"go": "done"}, **headers)
    assert status == (200 if is_let else 403)
    assert len(site.book.said()) == is_let
    if not is_let:
        assert "Another page asked for this." in words(told)
        assert "Ana" not in told
    assert site.post(site.path("unsubscribe"), ONE_CLICK, **headers)[0] == 200


def test_dead_links_look_alike(site: Site) -> None:
    """Forged, cut, ended, gone and of nobody: one page, which names nothing and hints at nothing."""
    good = site.path("done")
    dead = [
        (good[:-1], "done", 400),
        (good[:-1] + ("A" if good[-1] != "A" else "B"), "done", 400),
        ("/go/x", "done", 400),
        ("/go/" + "x" * 5_000, "done", 400),
        ("/go/%3Cscript%3Ealert(1)", "done", 400),
        (f"/go/{LinkSigner(['other']).signed(site.book.link('done'))}", "done", 400),
        (site.path("done", days=0), "done", 410),
        (site.path("done", about="f0000000000000000"), "done", 410),
        (site.path("done", owner=99), "done", 410),
        (site.path("unsubscribe", owner=99), "unsubscribe", 410),
    ]
    pages = set()
    for path, deed, status in dead:
        for answer in (site.client.get(path), site.client.post(path, data={"go": deed})):
            assert answer.status_code == status
            pages.add(answer.text)
    assert len(pages) == 1
    assert "This link does not work, or no longer." in words(pages.pop())
    assert site.book.said() == []


def test_bodies_are_bounded(site: Site) -> None:
    """A body that is too long, has too many fields or is in no form's coding is no form."""
    path = site.path("done")
    bodies = [
        ("go=done&x=" + "y" * 5_000, "application/x-www-form-urlencoded"),
        ("go=done" + "&a=b" * 50, "application/x-www-form-urlencoded"),
        ('{"go": "done"}', "application/json"),
        ("--x\r\n" * 600, "multipart/form-data; boundary=x"),
        ("go=done", "multipart/form-data"),
        ("", "text/plain"),
    ]
    for body, kind in bodies:
        answer = site.client.post(path, content=body, headers={"Content-Type": kind})
        assert answer.status_code == 400, kind
    assert site.book.said() == []


def test_headers_stay_strict(site: Site) -> None:
    """Nothing but a form to this very site; the page may tell its own site alone where it came from."""
    for answer in (
        site.client.get(site.path("done")),
        site.client.post(site.path("done"), data={"go": "done"}),
        site.client.get("/go/x"),
    ):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "form-action 'self'" in policy
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] in {"same-origin", "no-referrer"}
    assert site.client.get("/").headers["referrer-policy"] == "no-referrer"


def test_only_known_hosts_are_answered(site: Site) -> None:
    """A rebound name gets nowhere, with a good link too (S5)."""
    answer = site.client.post(site.path("done"), data={"go": "done"}, headers={"Host": "evil.test"})
    assert answer.status_code == 421
    assert site.book.said() == []


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_stay_words(text: str, sqlite_store: Store) -> None:
    """What a stranger put into a name or a question is text on the page (S6)."""
    site = Site(sqlite_store, name=text)
    html = site.client.get(site.path("done")).text
    assert Reader(html).tags <= {
        "html", "head", "meta", "title", "link", "body", "header", "a", "main", "h1", "section", "p", "bdi", "form",
        "input", "button",
    }  # fmt: skip
    assert "\u202e" not in html


def test_without_a_key_there_are_no_links() -> None:
    """A home that cannot sign answers no link."""
    desk = Desk(statuses=list, troubles=list, hosts=known_hosts(PUBLIC))
    client = TestClient(make_app(desk), base_url="http://127.0.0.1:8321")
    assert client.get("/go/x").status_code == 404


def test_links_outlive_a_turned_key(sqlite_store: Store) -> None:
    """After a new key is put before the old one, the links of last week's mail still work."""
    site = Site(sqlite_store, keys=["n" * 43, "k" * 43])
    assert site.client.get(site.path("done")).status_code == 200

"""The status page: what it says, to whom it answers, and that nothing in it can run."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from services.standing import Standing
from services.status import Status, Unsent
from services.web.app import Desk, make_app
from services.web.guard import host_of, known_hosts
from tests.web.desks import a_desk, a_reject, a_source, a_status, an_account

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    "</title><svg/onload=alert(1)>",
    "{{7*7}}{% raw %}",
    "javascript:alert(1)",
    "\u202egnp.exe\u2066",
    "</style><script src=//evil.example></script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "a\r\nSet-Cookie: x=1",
    "<!--",
    "]]>",
)


def a_client(desk: Desk, **options: Any) -> TestClient:
    return TestClient(make_app(desk), base_url="http://127.0.0.1:8321", **options)


def page(*statuses: Status) -> str:
    answer = a_client(a_desk(statuses)).get("/")
    assert answer.status_code == 200
    return str(answer.text)


class Reader(HTMLParser):
    """Gathers the tags, the attributes and the words of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.words += f" {data} "


def words(html: str) -> str:
    return " ".join(Reader(html).words.split())


def test_the_page_answers_its_question() -> None:
    """Title, verdict, counts, sources by name with their dates, follow-ups and the next digest."""
    html = page(a_status())
    said = words(html)
    assert "<title>Is everything in sync? · Kith</title>" in html
    for part in (
        "Yes. Everything that was read is in your book.",
        "117 people 1,363 messages 712 meetings 574 threads",
        "24 follow-ups open, 2 snoozed, 15 done.",
        "Mail from files 1,937 messages newest yesterday, 04:00 · read today, 08:30",
        "Calendar from files 1 entry",
        "LinkedIn export of 3 May 57 records",
        "Digest 30 November",
        "Book as of today, 10:00",
    ):
        assert part in said
    assert said.index("Mail") < said.index("Calendar") < said.index("LinkedIn")


@pytest.mark.parametrize(
    ("changes", "wanted", "looks_again"),
    [
        ({"lag": 1_240}, "Not yet. 1,240 events wait to be taken in.", True),
        ({"lag": 100_000}, "Not yet. More than 100,000 events", True),
        ({"rejected": 1, "rejects": [a_reject()]}, "Yes, but for 1 record.", False),
        ({"sources": []}, "Nothing has been read yet.", False),
        (
            {"sources": [a_source(items=0)], "rejected": 2, "rejects": [a_reject()] * 2},
            "Nothing could be read.",
            False,
        ),
        ({"followups": {}}, "Nothing is waiting for you.", False),
        ({"queues": {"default": 2}}, "2 jobs in the queue.", False),
    ],
)
def test_the_page_says_what_is_not_well(changes: dict[str, Any], wanted: str, looks_again: bool) -> None:
    """Lag, rejected records, an empty book, waiting jobs; only a lag is worth another look."""
    html = page(a_status(**changes))
    assert wanted in words(html)
    assert ("Look again" in words(html)) == looks_again


def test_rejects_are_listed_with_place_and_reason() -> None:
    """Each by the end of its path and its reason, the rest counted; folders of the owner's disk are not shown."""
    said = words(page(a_status(rejected=43, rejects=[a_reject() for _ in range(20)])))
    assert "All mail.mbox, message 41 no usable date" in said
    assert "43 records could not be read" in said
    assert "And 23 more records" in said
    assert "/home/mara" not in said


def test_what_was_not_done_is_told_apart_from_what_is_asked_after() -> None:
    """A task that was refused is not done; of one whose answer never came nobody knows, and the tool is being asked."""
    unsent = [
        Unsent("put", "f1", "todoist-1", "failed", "The title is too long."),
        Unsent("put", "f2", "todoist-1", "unsure", "Its answer never came."),
    ]
    said = words(page(a_status(unsent=unsent)))
    assert re.search(
        r"Not done [^.]*The title is too long\. Being asked after [^.]*Its answer never came\.", said
    )
    assert "Not done" not in words(page(a_status(unsent=unsent[1:])))


def test_no_book_and_several() -> None:
    """Before `kith init` the page tells how to begin; of several owners each is named."""
    assert "There is no book here yet." in words(page())
    said = words(page(a_status(), a_status(owner="Ana Okafor", email="ana@example.org")))
    assert "Mara Lindholm mara@example.com" in said
    assert "Ana Okafor ana@example.org" in said


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_stay_words(text: str) -> None:
    """In a name, an account, a stream, a place or a reason: no tag, attribute or script comes of it (S6)."""
    calm = Reader(page(a_status(rejected=1, rejects=[a_reject()])))
    html = page(
        a_status(
            owner=text,
            email=text,
            sources=[a_source(text, account=text)],
            rejected=1,
            rejects=[a_reject(where=text, reason=text)],
        )
    )
    found = Reader(html)
    assert found.tags <= calm.tags
    assert found.attributes <= calm.attributes
    assert "\u202e" not in html
    assert not found.tags & {"script", "iframe", "object", "embed", "form", "base"}


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/nowhere", "/assets/none"])
def test_every_answer_carries_the_headers(path: str) -> None:
    """Strict content policy, no framing, no sniffing, no referrer, nothing cached; on errors as well."""
    headers = a_client(a_desk([a_status()])).get(path).headers
    policy = headers["content-security-policy"]
    for part in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"):
        assert part in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers


def test_assets_are_ours_and_cached() -> None:
    """The page names no other host, and its style and mark are served under names of their content."""
    html = page(a_status())
    client = a_client(a_desk([a_status()]))
    assert not re.findall(r'(?:href|src)="(?!/)', html)
    urls = re.findall(r'href="(/assets/[^"]+)"', html)
    assert len(urls) == 2
    for url in urls:
        answer = client.get(url)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    ("host", "wanted"),
    [
        ("127.0.0.1", 200),
        ("127.0.0.1:8321", 200),
        ("LOCALHOST:9", 200),
        ("[::1]:8321", 200),
        ("kith.example.com", 200),
        ("kith.example.com:443", 200),
        ("evil.test", 421),
        ("evil.test:8321", 421),
        ("127.0.0.1.nip.example", 421),
        ("10.0.0.7", 421),
        ("0.0.0.0", 421),
        ("2130706433", 421),
        ("127.0.0.1@evil.test", 400),
        ("127.0.0.1:80:80", 400),
        ("127.0.0.1/evil", 400),
        ("", 400),
    ],
)
def test_only_known_hosts_are_answered(host: str, wanted: int) -> None:
    """Against DNS rebinding (S5): this machine's names and the public URL's, with any port; nothing else."""
    answer = a_client(a_desk([a_status()])).get("/", headers={"Host": host, "X-Forwarded-Host": "127.0.0.1"})
    assert answer.status_code == wanted
    assert ("Mara" in answer.text) == (wanted == 200)
    if wanted != 200:
        assert "evil" not in answer.text


@given(st.text(max_size=300))
def test_any_host_header_is_a_host_or_none(header: str) -> None:
    """No text makes trouble, and what comes out is among known hosts only if it is one."""
    host = host_of(header)
    assert host is None or re.fullmatch(r"[a-z0-9.\-\[\]:]*", host)


def test_public_urls_add_their_host() -> None:
    """With or without a port, in IPv6 too."""
    assert "kith.example.com" in known_hosts("https://kith.example.com:8443/x")
    assert "[2001:db8::1]" in known_hosts("http://[2001:db8::1]:8321")
    assert known_hosts("nonsense") == known_hosts("http://127.0.0.1:8321")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_nothing_can_be_written(method: str) -> None:
    """The page is for reading: every other method is refused (S4)."""
    answer = a_client(a_desk([a_status()])).request(method, "/")
    assert answer.status_code == 405
    assert "set-cookie" not in answer.headers


def test_missing_pages_and_failures_are_calm() -> None:
    """A page that is not there and an error of ours get a page of the house, without what was asked or raised."""

    def fail() -> list[Status]:
        raise ZeroDivisionError("secret of the stack")

    desk = Desk(statuses=fail, troubles=list, hosts=known_hosts(""))
    client = a_client(desk, raise_server_exceptions=False)
    missing = client.get("/<script>alert(1)</script>")
    assert missing.status_code == 404
    assert "There is nothing at this address." in words(missing.text)
    assert "alert" not in missing.text
    failed = client.get("/")
    assert failed.status_code == 500
    assert "Nothing is lost" in words(failed.text)
    assert "secret" not in failed.text
    assert "default-src 'none'" in failed.headers["content-security-policy"]


def test_health_and_readiness() -> None:
    """Alive whenever it answers; ready only without troubles, which are told."""
    ready = a_client(a_desk([]))
    assert (ready.get("/healthz").text, ready.get("/readyz").status_code) == ("ok\n", 200)
    troubled = a_client(a_desk([], ["broker: it does not answer."]))
    answer = troubled.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "broker: it does not answer.\n")
    assert troubled.get("/healthz").status_code == 200


def test_an_account_to_connect_again_says_how() -> None:
    """Under the reason stands the command, as text; where all is well nothing stands."""
    refused = an_account("google-1", "google", "reconnect", "Google refused the sign-in.")
    refused.again = "Connect it again: kith connect google --user <b>mara@example.com"
    html = page(a_status(accounts=[refused]))
    assert "Google refused the sign-in. Connect it again: kith connect google" in words(html)
    assert "<b>" not in html
    assert "Connect it again" not in words(page(a_status(accounts=[an_account("g", "google", "well", None)])))


def test_accounts_are_counted_as_one_says_it() -> None:
    """One alone is "your account"; of several as many as are in trouble."""

    def told(*standings: Standing) -> str:
        accounts = [an_account(f"imap-{n}", "imap", one, None) for n, one in enumerate(standings)]
        return words(page(a_status(accounts=accounts)))

    assert "No. Your account cannot be read as it should." in told("reconnect")
    assert "No. One of your 2 accounts cannot be read as it should." in told("well", "failing")
    assert "No. Two of your 3 accounts cannot be read as they should." in told("silent", "well", "reconnect")


def test_accounts_of_one_name_are_told_apart() -> None:
    """Mail in and out at one address are two accounts: the kind stands with each; else the name is enough."""
    two = [an_account("imap-1", "imap", "well", None), an_account("smtp-1", "smtp", "well", None)]
    html = words(page(a_status(accounts=two, sources=[a_source(account="imap-1")])))
    assert html.count("mara@example.com (imap)") == 2
    assert html.count("mara@example.com (smtp)") == 1
    assert "(imap)" not in words(page(a_status(accounts=two[:1])))


def test_a_book_without_accounts_tells_how_to_connect_one() -> None:
    """Before anything was read, the page names the command; with an account it does not."""
    assert "kith connect google" in words(page(a_status(sources=[])))
    held = a_status(sources=[], accounts=[an_account("imap-1", "imap", "reading", None)])
    assert "kith connect google" not in words(page(held))

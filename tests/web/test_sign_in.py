"""Signing in through the page: what is said before, what the browser has to bring back, and what is turned away (S1, S4, S6, S9)."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import escape, unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from starlette.testclient import TestClient

from deploy.accounts import push_url
from deploy.hosting import reconnect_url
from deploy.household import Household
from deploy.settings import read_settings
from deploy.wiring import Application
from schemas.clock import FrozenClock
from schemas.decisions import OwnerDeclared
from services import accounts
from services.accounts import Account
from services.web.app import make_app
from tests.cli.runner import Kith
from tests.cli.vendor import AUTH, SmallApi, vendor_connectors
from tests.fakes.api import ApiServer
from tests.fakes.authority import GoogleSignIn, MicrosoftSignIn, Registration, Someone, signing_in
from tests.fakes.visitor import consented
from tests.web.test_app import HOSTILE, Reader

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
MARA, BEN = "mara@example.com", "ben@example.com"
PEOPLE = (Someone(MARA, "1001", "directory-1"), Someone(BEN, "1002", "directory-1"))
SECRET = "client-secret-canary"


class Site:
    """A home behind a page, whose public URL is `base`, beside the fake of a vendor."""

    def __init__(self, folder: Path, kind: str, base: str) -> None:
        self.kind, self.base, self.folder = kind, base, folder
        self.clock = FrozenClock(NOW)
        redirects = (f"{base}/oauth/{kind}/callback",)
        client = Registration("kith-client", SECRET, redirects, is_desktop=base.startswith("http:"))
        self.sign_in: GoogleSignIn | MicrosoftSignIn = (
            GoogleSignIn(self.clock, [client], PEOPLE)
            if kind == "google"
            else MicrosoftSignIn(self.clock, [client], PEOPLE)
        )
        self.api = SmallApi(self.sign_in)

    def begin(self, server: ApiServer) -> None:
        self.server = server
        upper = self.kind.upper()
        roots = {
            "google": {"KITH_GOOGLE_AUTH_ROOT": server.url, "KITH_GOOGLE_API_ROOT": server.url},
            "microsoft": {"KITH_MICROSOFT_AUTHORITY": server.url, "KITH_GRAPH_ROOT": server.url},
        }[self.kind]
        self.kith = Kith(
            self.folder / "home",
            settings={
                **roots,
                f"KITH_{upper}_CLIENT_ID": "kith-client",
                f"KITH_{upper}_CLIENT_SECRET": SECRET,
                "KITH_PUBLIC_URL": self.base,
            },
            connectors=vendor_connectors(),
        )
        self.environment = self.kith.environment
        made = Application(read_settings(None, self.environment), vendor_connectors())
        made.make(OwnerDeclared(name="Mara", emails=(MARA,), timezone="Europe/Berlin"))
        made.close()
        self.app = Application(read_settings(None, self.environment), vendor_connectors())
        self.app.clock = self.clock
        self.page = make_app(Household(self.app).desk())
        self.browser = self.client()

    def client(self) -> TestClient:
        return TestClient(self.page, base_url=self.base, follow_redirects=False)

    def ask(self, *words: str) -> str:
        """The path of the link that the command gives."""
        told = self.kith("connect", self.kind, *words)
        assert told.status == 0, told
        found = re.search(r"https://\S+", told.out)
        assert found, told
        return found[0].removeprefix(self.base)

    def press(self, path: str, browser: TestClient | None = None, **chosen: str) -> Any:
        """Press the page's button, as a browser does."""
        headers = {"Origin": self.base}
        return (browser or self.browser).post(path, data={"go": "sign-in", **chosen}, headers=headers)

    def back(self, path: str, who: str = MARA, **more: Any) -> str:
        """Press the button, answer the vendor, and the path to which that sends the browser."""
        back = consented(onward(self.press(path)), who, **more)
        assert back.startswith(f"{self.base}/oauth/{self.kind}/callback?"), back
        return back.removeprefix(self.base)

    def accounts(self) -> list[Account]:
        with self.app.store.read() as unit:
            return accounts.accounts(unit, 1)


def _site(kind: str, folder: Path, base: str) -> Iterator[Site]:
    made = Site(folder, kind, base)
    with signing_in(made.sign_in, made.api) as server:
        made.begin(server)
        yield made
        made.app.close()


@pytest.fixture(params=["google", "microsoft"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """A server with a name of its own."""
    yield from _site(request.param, tmp_path, "https://kith.example.com")


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Site]:
    """A page of this machine alone."""
    yield from _site("google", tmp_path, "http://127.0.0.1:8321")


def onward(sent: Any) -> str:
    """Where the page that follows the button leads, by itself and by its link."""
    assert sent.status_code == 200, sent.text
    url = str(sent.headers["refresh"]).removeprefix("0; url=")
    assert f'href="{escape(url)}"' in sent.text
    assert "form-action 'self';" in sent.headers["content-security-policy"]
    return url


def words_of(text: str) -> str:
    return " ".join(Reader(text).words.split())


# --- the whole way ------------------------------------------------------------------------------------------------------


def test_a_server_is_let_in_through_its_page(site: Site) -> None:
    """The command gives a link; the page says what is asked and why; after the vendor the account is there and is read."""
    path = site.ask("--read", "calendar,mail", "--tasks")
    page = site.browser.get(path)
    assert page.status_code == 200
    for words in ("To know whom you meet, and when.", "To see whom you write with", "To write follow-ups"):
        assert words in words_of(page.text)
    assert "digest" not in page.text
    assert "Set-Cookie" not in page.headers
    assert site.server.requests == []
    ended = site.browser.get(site.back(path))
    assert ended.status_code == 200
    assert f"Yes, as {MARA}." in words_of(ended.text)
    assert "Kith reads its calendar, mail and tasks from now on." in words_of(ended.text)
    (account,) = site.accounts()
    assert (account.state, account.settings["list_name"]) == ("active", "Kith")
    assert site.kith("sync").status == 0
    for canary in ("canary", "state=", "<script"):
        assert canary not in ended.text


@pytest.mark.parametrize("site", ["google"], indirect=True)
def test_the_address_for_notices_of_mail_is_shown(site: Site) -> None:
    """Where a topic was named, the page at the end says where its subscription has to post."""
    topic = "projects/kith-of-mara/topics/mail"
    ended = site.browser.get(site.back(site.ask("--read", "mail", "--gmail-topic", topic)))
    (account,) = site.accounts()
    address = push_url(site.app, account)
    assert address.startswith("https://kith.example.com/hooks/google?token=")
    assert f"{topic} posts to this address: {address}" in words_of(ended.text)


def test_a_page_of_this_machine_lets_choose(here: Site) -> None:
    """Without a link, on this machine: what Kith is for is ticked, and that alone is asked for."""
    page = here.browser.get("/connect/google")
    assert page.status_code == 200
    assert 'name="read_calendar" value="1" checked' in page.text
    assert 'name="tasks" value="1">' in page.text
    assert here.press("/connect/google").status_code == 400
    sent = here.press("/connect/google", read_calendar="1", digest="1")
    asked = dict(parse_qsl(urlsplit(onward(sent)).query))["scope"].split()
    assert asked == ["openid", "email", f"{AUTH}calendar.events.readonly", f"{AUTH}gmail.send"]
    back = consented(onward(sent), MARA).removeprefix(here.base)
    assert here.browser.get(back).status_code == 200
    (account,) = here.accounts()
    assert (account.settings["reads"], account.settings["sends"]) == (["calendar"], True)
    elsewhere = TestClient(here.page, base_url="http://localhost:9999")
    assert "KITH_PUBLIC_URL" in elsewhere.get("/connect/google").text


def test_what_is_not_ticked_is_not_asked_for(here: Site) -> None:
    """Tasks alone are tasks alone; and what an account is for already, and stays so, cannot be ticked off in vain."""
    sent = here.press("/connect/google", tasks="1")
    asked = dict(parse_qsl(urlsplit(onward(sent)).query))["scope"].split()
    assert asked == ["openid", "email", f"{AUTH}tasks"]
    back = consented(onward(sent), MARA).removeprefix(here.base)
    assert here.browser.get(back).status_code == 200
    (account,) = here.accounts()
    assert (account.settings["reads"], account.settings["list_name"]) == (["tasks"], "Kith")
    page = here.browser.get("/connect/google")
    assert 'name="tasks" value="1" checked disabled> Write follow-ups to Kith, as before' in page.text
    assert 'name="read_calendar" value="1"> Read calendar' in page.text
    assert 'name="digest" value="1"> Send you' in page.text
    assert here.press("/connect/google").status_code == 400
    sent = here.press("/connect/google", read_calendar="1")
    asked = dict(parse_qsl(urlsplit(onward(sent)).query))["scope"].split()
    assert asked == ["openid", "email", f"{AUTH}calendar.events.readonly", f"{AUTH}tasks"]


def test_where_no_vendor_leads_back_to_the_page(tmp_path: Path) -> None:
    """Microsoft sends browsers back to this machine by the one address that was registered: only the command waits there."""
    for made in _site("microsoft", tmp_path, "http://127.0.0.1:8321"):
        for answer in (
            made.browser.get("/connect/microsoft"),
            made.press("/connect/microsoft", read_mail="1"),
        ):
            assert answer.status_code == 400
            assert "In a terminal on this computer: kith connect microsoft" in words_of(answer.text)
        assert made.server.requests == []


def test_a_server_lets_nobody_begin_without_a_link(site: Site) -> None:
    """Whoever finds the page connects nothing; a link ends after an hour, and is of one home and one vendor."""
    for answer in (
        site.browser.get(f"/connect/{site.kind}"),
        site.press(f"/connect/{site.kind}", read_mail="1"),
    ):
        assert answer.status_code == 400
        assert "Begin on the computer that runs Kith" in words_of(answer.text)
    path = site.ask()
    other = {"google": "microsoft", "microsoft": "google"}[site.kind]
    wrong = path.replace(f"/{site.kind}?", f"/{other}?")
    assert site.browser.get(wrong).status_code == 400
    assert site.browser.get(path[:-3] + "AAA").status_code == 400
    assert site.browser.get(f"/connect/{site.kind}?ask={'x' * 60_000}").status_code == 400
    site.clock.advance(timedelta(minutes=61))
    late = site.browser.get(path)
    assert (late.status_code, "no longer" in late.text) == (400, True)
    assert site.browser.get("/connect/nobody").status_code == 404
    assert site.browser.get("/oauth/nobody/callback").status_code == 404
    assert site.server.requests == []


def test_the_cookie(site: Site) -> None:
    """Sealed, for ten minutes, for this site and https alone, and not for scripts; gone when it has served."""
    path = site.ask()
    sent = site.press(path)
    cookie = sent.headers["set-cookie"]
    assert cookie.startswith("__Host-kith-sign-in=")
    for part in ("HttpOnly", "SameSite=lax", "Secure", "Path=/", "Max-Age=600"):
        assert part in cookie
    state = dict(parse_qsl(urlsplit(onward(sent)).query))["state"]
    assert state not in cookie
    ended = site.browser.get(consented(onward(sent), MARA).removeprefix(site.base))
    assert "Max-Age=0" in ended.headers["set-cookie"]


def test_more_than_a_browser_holds_on_to(site: Site) -> None:
    """Many names of calendars would make a cookie that browsers drop without a word: it is told before anybody signs in."""
    names = ",".join(f"c_{number:064}@group.calendar.google.com" for number in range(30))
    answer = site.press(site.ask("--calendars", names))
    assert (answer.status_code, "set-cookie" in answer.headers) == (400, False)
    assert "Name fewer of them" in words_of(answer.text)


# --- what is turned away ------------------------------------------------------------------------------------------------


def test_another_browser_cannot_end_it(site: Site) -> None:
    """Whoever sends their own answer to the owner's browser, or the owner's to theirs, is turned away; the owner goes on."""
    path = site.ask()
    back = site.back(path)
    stranger = site.client()
    assert stranger.get(back).status_code == 400
    other = site.press(path, stranger)
    theirs = consented(onward(other), BEN).removeprefix(site.base)
    assert site.browser.get(theirs).status_code == 400
    assert site.accounts() == []
    assert site.browser.get(back).status_code == 200
    assert [one.user for one in site.accounts()] == [MARA]


def test_an_answer_serves_once(site: Site) -> None:
    """Replayed with its cookie, which somebody kept, it is refused, and so it is after ten minutes."""
    path = site.ask()
    back = site.back(path)
    kept = dict(site.browser.cookies)
    assert site.browser.get(back).status_code == 200
    again = site.client()
    again.cookies.update(kept)
    replayed = again.get(back)
    assert (replayed.status_code, "has had its answer" in replayed.text) == (400, True)
    late = site.back(path)
    site.clock.advance(timedelta(minutes=11))
    refused = site.browser.get(late)
    assert (refused.status_code, "too long" in refused.text) == (400, True)
    exchanges = [form for _, form in site.sign_in.asked if form.get("grant_type") == "authorization_code"]
    assert len(exchanges) == 1


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_come_to_nothing(site: Site, text: str) -> None:
    """Whatever a callback says of errors, codes and states is neither shown nor acted on."""
    path = site.ask()
    sent = site.press(path)
    state = dict(parse_qsl(urlsplit(onward(sent)).query))["state"]
    for said in (
        {"error": text, "error_description": text, "state": text},
        {"code": text, "state": text, "iss": text, "next": text, "redirect_uri": text},
        {"error": "access_denied", "error_description": text, "state": state},
    ):
        answer = site.browser.get(f"/oauth/{site.kind}/callback?{urlencode(said)}")
        assert answer.status_code == 400
        assert "location" not in answer.headers
        assert {"script", "img", "svg"}.isdisjoint(Reader(answer.text).tags)
        assert text not in unescape(answer.text)
    assert site.accounts() == []


def test_the_other_vendors_callback_is_refused(site: Site) -> None:
    """An answer that comes to the callback of another vendor belongs to no sign-in there (mix-up)."""
    back = site.back(site.ask())
    other = {"google": "microsoft", "microsoft": "google"}[site.kind]
    assert site.browser.get(back.replace(f"/oauth/{site.kind}/", f"/oauth/{other}/")).status_code == 400
    assert site.accounts() == []


@pytest.mark.parametrize(
    ("headers", "data"),
    [
        ({"Origin": "https://evil.test"}, {"go": "sign-in"}),
        ({"Origin": "null"}, {"go": "sign-in"}),
        ({"Sec-Fetch-Site": "cross-site"}, {"go": "sign-in"}),
        ({}, {}),
    ],
)
def test_no_other_page_begins_one(site: Site, headers: dict[str, str], data: dict[str, str]) -> None:
    """A form of another site, or none of ours, sends nobody to the vendor."""
    path = site.ask()
    answer = site.browser.post(path, data=data, headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    for method in ("PUT", "DELETE"):
        assert site.browser.request(method, path).status_code == 405
    assert site.browser.post(f"/oauth/{site.kind}/callback", data={"code": "x"}).status_code == 405


def test_the_redirect_is_the_settings_and_never_the_requests(site: Site) -> None:
    """Whatever a request calls this host, the vendor is told what the settings say."""
    path = site.ask()
    sent = site.browser.post(
        path,
        data={"go": "sign-in"},
        headers={"X-Forwarded-Host": "evil.test", "Host": "127.0.0.1", "Origin": site.base},
    )
    asked = dict(parse_qsl(urlsplit(onward(sent)).query))
    assert asked["redirect_uri"] == f"https://kith.example.com/oauth/{site.kind}/callback"


# --- signing in again ---------------------------------------------------------------------------------------------------


def test_the_link_of_the_mail_signs_in_again(site: Site) -> None:
    """It is of one account, for as long as those of a digest; somebody else who signs in with it changes nothing."""
    site.browser.get(site.back(site.ask("--read", "mail")))
    (account,) = site.accounts()
    site.sign_in.end(MARA)
    with site.app.store.write() as unit:
        accounts.set_state(unit, account, "reconnect", "It was withdrawn.")
    link = reconnect_url(site.app, account, NOW).removeprefix(site.base)
    site.clock.advance(timedelta(days=30))
    page = site.browser.get(link)
    assert f"Sign in as {MARA}" in words_of(page.text)
    wrong = site.browser.get(site.back(link, BEN))
    assert (wrong.status_code, "You signed in as ben@example.com" in wrong.text) == (400, True)
    assert site.accounts()[0].state == "reconnect"
    assert site.browser.get(site.back(link)).status_code == 200
    (again,) = site.accounts()
    assert (again.id, again.state, again.settings["reads"]) == (account.id, "active", ["mail"])
    site.clock.advance(timedelta(days=31))
    assert site.browser.get(link).status_code == 400


def test_a_page_without_a_client_says_how_to_get_one(here: Site) -> None:
    """In the words of the command."""
    environment = {name: value for name, value in here.environment.items() if "CLIENT" not in name}
    bare = Application(read_settings(None, environment), vendor_connectors())
    browser = TestClient(make_app(Household(bare).desk()), base_url=here.base)
    answer = browser.get("/connect/google")
    assert (answer.status_code, "KITH_GOOGLE_CLIENT_ID" in answer.text) == (400, True)
    bare.close()

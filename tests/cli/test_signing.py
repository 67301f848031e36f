"""`kith connect google|microsoft`: the whole way through a browser, a device or a file, and what becomes of the answer."""

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Any

import pytest

from deploy.clock import SystemClock, SystemSleeper
from schemas.clock import FrozenClock
from tests.cli.runner import NOW, Kith, Result, total
from tests.cli.vendor import AUTH, SmallApi, vendor_connectors
from tests.fakes.api import ApiServer
from tests.fakes.authority import GoogleSignIn, MicrosoftSignIn, Registration, Someone, signing_in
from tests.fakes.visitor import consented, fetch
from tests.services.builders import a_meeting, a_message

MARA, BEN = "mara@example.com", "ben@example.com"
SECRET = "client-secret-canary"
PEOPLE = (Someone(MARA, "1001", "directory-1"), Someone(BEN, "1002", "directory-1"))
BROWSER = f"{sys.executable} -m tests.fakes.visitor %s"


class Desk:
    """A home, a fake of a vendor with a small API, and a browser that signs in as Mara."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind, self.folder = kind, folder
        self.clock = FrozenClock(datetime.fromisoformat(NOW))
        self.sign_in: GoogleSignIn | MicrosoftSignIn = (
            GoogleSignIn(self.clock, [Registration("kith-client", SECRET)], PEOPLE)
            if kind == "google"
            else MicrosoftSignIn(self.clock, [Registration("kith-client")], PEOPLE)
        )
        self.api = SmallApi(self.sign_in)
        self.api.items["mail"] = [a_message("m1", "ana@example.org", name="Ana Okafor")]
        self.api.items["calendar"] = [a_meeting("u1", ["ana@example.org"])]
        self.page = folder / "page.html"
        self.kith = Kith(folder / "home", connectors=vendor_connectors())

    def begin(self, server: ApiServer) -> None:
        self.server = server
        roots = (
            {
                "KITH_GOOGLE_CLIENT_ID": "kith-client",
                "KITH_GOOGLE_CLIENT_SECRET": SECRET,
                "KITH_GOOGLE_AUTH_ROOT": server.url,
                "KITH_GOOGLE_API_ROOT": server.url,
            }
            if self.kind == "google"
            else {
                "KITH_MICROSOFT_CLIENT_ID": "kith-client",
                "KITH_MICROSOFT_AUTHORITY": server.url,
                "KITH_GRAPH_ROOT": server.url,
            }
        )
        self.kith.environment |= {
            **roots,
            "BROWSER": BROWSER,
            "VISITOR_WHO": MARA,
            "VISITOR_PAGE": str(self.page),
        }
        self.kith.init()

    def connect(self, *more: str | Path, **visitor: str) -> Result:
        before = dict(self.kith.environment)
        self.kith.environment |= {f"VISITOR_{name.upper()}": value for name, value in visitor.items()}
        try:
            return self.kith("connect", self.kind, *more)
        finally:
            self.kith.environment = before

    def last_page(self) -> str:
        """The page at which the browser ended."""
        deadline = monotonic() + 20
        while not self.page.exists() or not self.page.read_text(encoding="utf-8"):
            assert monotonic() < deadline, "the browser never came to an end"
            SystemSleeper().sleep(timedelta(milliseconds=20))
        return self.page.read_text(encoding="utf-8")

    def accounts(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.kith.json("accounts", shape="accounts")["accounts"]
        return found

    def account(self) -> dict[str, Any]:
        (one,) = self.accounts()
        return one

    def later(self, **length: float) -> None:
        self.clock.advance(timedelta(**length))
        self.kith.environment["KITH_NOW"] = self.clock.now().isoformat()


@pytest.fixture(params=["google", "microsoft"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    yield from _desk(request.param, tmp_path)


@pytest.fixture
def google(tmp_path: Path) -> Iterator[Desk]:
    yield from _desk("google", tmp_path)


@pytest.fixture
def microsoft(tmp_path: Path) -> Iterator[Desk]:
    yield from _desk("microsoft", tmp_path)


def _desk(kind: str, folder: Path) -> Iterator[Desk]:
    made = Desk(kind, folder)
    with signing_in(made.sign_in, made.api) as server:
        made.begin(server)
        yield made


CALENDAR = {"google": f"{AUTH}calendar.events.readonly", "microsoft": "Calendars.Read"}
MAIL = {"google": f"{AUTH}gmail.readonly", "microsoft": "Mail.Read"}
HEADERS = {"google": f"{AUTH}gmail.metadata", "microsoft": "Mail.ReadBasic"}
TASKS = {"google": f"{AUTH}tasks", "microsoft": "Tasks.ReadWrite"}
SEND = {"google": f"{AUTH}gmail.send", "microsoft": "Mail.Send"}


# --- the whole way ------------------------------------------------------------------------------------------------------


def test_an_account_is_connected_through_the_browser(desk: Desk) -> None:
    """What is asked and why is told first; the owner allows it, the account is read, and hours later it is read on."""
    told = desk.connect()
    assert told.status == 0, told
    for words in (
        "the least that it needs",
        "Calendar: To know whom you meet",
        "Mail: To see whom you write with",
    ):
        assert words in told.err
    assert "Tasks" not in told.err
    assert "Kith reads its calendar and mail." in told.out
    account = desk.account()
    assert (account["user"], account["state"], account["reads"]) == (MARA, "active", ["calendar", "mail"])
    assert {CALENDAR[desk.kind], MAIL[desk.kind]} <= set(account["scopes"])
    assert not {TASKS[desk.kind], SEND[desk.kind]} & set(account["scopes"])
    assert desk.kith.json("people")["people"][0]["name"] == "Ana Okafor"
    desk.later(hours=5)
    desk.api.items["mail"].append(a_message("m2", "zoe@example.net", days_ago=0.1))
    assert total(desk.kith.json("sync", shape="sync"), "added") == 1
    assert desk.sign_in.refreshes() == 1


def test_the_page_at_the_end(desk: Desk) -> None:
    """Says that the window may be closed, in Kith's look, and holds no code, token or script."""
    assert desk.connect("--no-sync").status == 0
    page = desk.last_page()
    assert f"Yes, as {MARA}." in page
    assert "You may close this one." in page
    assert "--accent" in page
    for canary in ("canary", "code=", "state=", "<script", "href="):
        assert canary not in page


def test_no_secret_is_told_or_kept_open(desk: Desk) -> None:
    """Tokens, codes and the client's secret are in no output, file or log of the home, but for the address to open."""
    told = desk.connect("--tasks", "--digest")
    shown = told.out + re.sub(r"http://\S+", "", told.err)
    desk.later(hours=2)
    shown += "".join(
        f"{one.out}{one.err}" for one in (desk.kith("-v", "sync"), desk.kith("config"), desk.kith("accounts"))
    )
    for one in (desk.kith.home / "kith.db", desk.kith.home / "kith.db-wal"):
        if one.exists():
            shown += one.read_bytes().decode("latin-1")
    assert "canary" not in shown
    assert "verifier" not in shown


def test_only_what_was_chosen_is_asked_for(desk: Desk) -> None:
    """Each choice has its permissions, and no others (S2)."""
    for words, wanted in (
        (("--read", "calendar"), [CALENDAR]),
        (("--read", "mail"), [MAIL]),
        (("--read", "mail", "--headers-only"), [HEADERS]),
        (("--read", "calendar", "--tasks"), [CALENDAR, TASKS]),
        (("--read", "mail", "--digest"), [MAIL, SEND]),
    ):
        assert desk.connect(*words, "--no-sync").status == 0, words
        given = desk.sign_in.given[-1].scopes
        asked = {
            one
            for one in given
            if one.startswith((AUTH + "c", AUTH + "g", AUTH + "t", "Cal", "Mail", "Tasks"))
        }
        assert asked == {one[desk.kind] for one in wanted}, words
        assert desk.kith("disconnect", desk.account()["id"]).status == 0


def test_permissions_are_added_later(desk: Desk) -> None:
    """Tasks turned on by connecting again: the same account, what was chosen before is asked for too, reading goes on."""
    desk.connect()
    before = desk.account()
    told = desk.connect("--tasks", "Network")
    assert told.status == 0, told
    account = desk.account()
    assert (account["id"], account["tasks"]) == (before["id"], "Network")
    assert account["reads"] == ["calendar", "mail", "tasks"]
    assert {CALENDAR[desk.kind], MAIL[desk.kind], TASKS[desk.kind]} <= set(account["scopes"])
    assert list(desk.api.lists.values()) == ["Network"]
    shown = desk.kith.json("show", "ana@example.org")["person"]["counts"]
    assert (shown["received"], shown["meetings"]) == (1, 1), (
        "what was read before is not read as something new"
    )
    assert desk.connect("--digest").status == 0
    assert desk.account()["tasks"] == "Network"


def test_what_was_not_allowed_is_off(google: Desk) -> None:
    """A permission that its owner unticked: that is not read or written, and it is told why and how to change it."""
    told = google.connect("--tasks", untick="gmail.readonly auth/tasks")
    assert told.status == 0, told
    assert "Kith does not read mail and tasks: that was not allowed." in told.out
    assert "Kith writes no tasks: that was not allowed." in told.out
    assert "kith connect google --user mara@example.com --read calendar,mail,tasks" in " ".join(
        told.out.split()
    )
    account = google.account()
    assert (account["reads"], account["tasks"]) == (["calendar"], None)
    assert [one["connector"] for one in account["feeds"]] == ["google_calendar"]
    assert google.connect("--read", "calendar,mail").status == 0
    assert google.account()["reads"] == ["calendar", "mail"]


def test_nothing_allowed_is_nothing_kept(desk: Desk) -> None:
    """A refusal ends with words, on the terminal and on the page; nothing is there afterwards."""
    told = desk.connect(answer="cancel")
    assert (told.status, desk.accounts()) == (1, [])
    assert "You allowed nothing" in told.err
    assert "You allowed nothing" in desk.last_page()


def test_every_box_unticked_is_nothing_kept(google: Desk) -> None:
    """Only who one is: that is not enough for anything, and is given back."""
    told = google.connect(untick="readonly")
    assert (told.status, google.accounts()) == (1, [])
    assert "allowed nothing of what Kith asked for" in told.err
    assert google.last_page().count("kith connect google") == 1
    assert [one.over for one in google.sign_in.given] == ["withdrawn"]


def test_headers_alone_and_the_digest_do_not_go_together_at_google(google: Desk) -> None:
    """It is said before anybody is sent anywhere."""
    told = google.connect("--headers-only", "--digest")
    assert told.status == 2
    assert "no other for mail" in told.err
    assert google.server.requests == []


# --- whose account ------------------------------------------------------------------------------------------------------


def test_another_account_is_not_taken_for_this_one(desk: Desk) -> None:
    """Signing in as somebody else changes nothing, and says how to connect them as well."""
    desk.connect("--no-sync")
    before = desk.account()
    told = desk.connect("--no-sync", who=BEN)
    assert told.status == 1
    assert "You signed in as ben@example.com; this account is of mara@example.com." in told.err
    assert desk.account() == before
    assert desk.connect("--no-sync", "--user", BEN, who=BEN).status == 0
    assert {one["user"] for one in desk.accounts()} == {MARA, BEN}
    several = desk.connect("--no-sync")
    assert (several.status, "Say which: --user" in several.err) == (2, True)
    wrong = desk.connect("--no-sync", "--user", "zoe@example.net")
    assert (wrong.status, "not as zoe@example.net" in wrong.err) == (1, True)


def test_an_account_stays_the_same_under_another_address(desk: Desk) -> None:
    """Addresses change; whose account it is does not."""
    desk.connect("--no-sync")
    before = desk.account()
    desk.sign_in.people = {"mara.l@example.com": Someone("mara.l@example.com", "1001", "directory-1")}
    told = desk.connect("--no-sync", who="mara.l@example.com")
    assert told.status == 0, told
    assert (desk.account()["id"], desk.account()["user"]) == (before["id"], "mara.l@example.com")


def test_an_address_that_was_given_to_somebody_else(desk: Desk) -> None:
    """Is not the account that it was."""
    desk.connect("--no-sync")
    desk.sign_in.people = {MARA: Someone(MARA, "2002", "directory-1")}
    told = desk.connect("--no-sync")
    assert told.status == 1
    assert "Nothing was changed" in told.err


# --- the client ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("public_url", "redirect"),
    [
        ("http://127.0.0.1:8321", {"google": "needs no redirect URI", "microsoft": "http://localhost"}),
        ("https://kith.example.com/", "https://kith.example.com/oauth/{kind}/callback"),
    ],
)
def test_a_missing_client_is_told_with_the_way_to_one(desk: Desk, public_url: str, redirect: Any) -> None:
    """Step by step, with the very redirect URI and the settings; in one line, and nobody is asked anything."""
    desk.kith.environment["KITH_PUBLIC_URL"] = public_url
    del desk.kith.environment[f"KITH_{desk.kind.upper()}_CLIENT_ID"]
    told = desk.connect()
    assert (told.status, told.err.count("\n")) == (1, 1), told
    wanted = redirect[desk.kind] if isinstance(redirect, dict) else redirect.format(kind=desk.kind)
    for words in (wanted, f"KITH_{desk.kind.upper()}_CLIENT_ID", f"docs/{desk.kind}.md"):
        assert words in told.err
    assert desk.server.requests == []


def test_the_secret_may_come_from_a_file(google: Desk, tmp_path: Path) -> None:
    """As every setting; a wrong one is told by its name."""
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    del google.kith.environment["KITH_GOOGLE_CLIENT_SECRET"]
    assert "KITH_GOOGLE_CLIENT_SECRET is not set" in google.connect().err
    google.kith.environment["KITH_GOOGLE_CLIENT_SECRET_FILE"] = str(tmp_path / "secret")
    assert google.connect("--no-sync").status == 0
    (tmp_path / "secret").write_text("wrong")
    told = google.connect("--no-sync")
    assert (told.status, "Compare KITH_GOOGLE_CLIENT_ID" in told.err) == (4, True)


# --- devices and files --------------------------------------------------------------------------------------------------


def test_another_device(microsoft: Desk) -> None:
    """The code is printed, typed elsewhere, and the account is connected, though nobody answers for a while between."""
    assert isinstance(microsoft.sign_in, MicrosoftSignIn)
    microsoft.sign_in.refuses = "server_error", 90033
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.cli.vendor", "connect", "microsoft", "--device"],
        env=microsoft.kith.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr is not None
    line = ""
    while "and type" not in line:
        line = child.stderr.readline()
        assert line, child.communicate()
    found = re.search(r"open (\S+) and type (\w+)", line)
    assert found
    deadline = monotonic() + 20
    while not any(form.get("device_code") for _, form in microsoft.sign_in.asked):
        assert child.poll() is None
        assert monotonic() < deadline, "it was never asked whether the code was typed"
        SystemSleeper().sleep(timedelta(milliseconds=20))
    microsoft.sign_in.refuses = None
    consented(found[1], MARA, code=found[2])
    out, err = child.communicate(timeout=60)
    assert child.returncode == 0, (out, err)
    assert microsoft.account()["user"] == MARA


def test_google_lets_no_device_in(google: Desk) -> None:
    """And it is said what to do instead."""
    told = google.connect("--device")
    assert (told.status, "--authorized-user FILE" in told.err) == (1, True)


def test_a_file_of_googles_tools(google: Desk, tmp_path: Path) -> None:
    """It brings its own client; a file that is over, or none, is told; no setting is needed."""
    from google.oauth2.credentials import Credentials  # noqa: PLC0415

    google.connect("--no-sync")
    given = google.sign_in.given[-1]
    google.kith("disconnect", "google-")
    given.over = ""
    theirs = Credentials(  # type: ignore[no-untyped-call]
        None,
        refresh_token=given.refresh,
        token_uri=f"{google.server.url}/token",
        client_id="kith-client",
        client_secret=SECRET,
        scopes=list(given.scopes),
    )
    file = tmp_path / "authorized_user.json"
    file.write_text(theirs.to_json())  # type: ignore[no-untyped-call]
    for name in ("KITH_GOOGLE_CLIENT_ID", "KITH_GOOGLE_CLIENT_SECRET"):
        del google.kith.environment[name]
    told = google.connect("--authorized-user", file)
    assert told.status == 0, told
    assert (google.account()["user"], google.account()["reads"]) == (MARA, ["calendar", "mail"])
    google.later(hours=3)
    assert google.kith("sync").status == 0
    given.over = "withdrawn"
    assert google.connect("--authorized-user", file).status == 4
    for text in ("", "{}", "no json"):
        file.write_text(text)
        assert google.connect("--authorized-user", file).status in {1, 2}
    assert google.connect("--authorized-user", tmp_path / "nothing").status == 1


def test_a_file_that_does_not_say_whose_it_is(google: Desk, tmp_path: Path) -> None:
    """The APIs say it, whatever is written in the file: somebody else's is neither taken for the account that is meant, nor kept beside it."""
    google.connect("--no-sync", who=BEN)
    given = google.sign_in.given[-1]
    google.kith("disconnect", "google-")
    given.over, given.scopes = (
        "",
        tuple(one for one in given.scopes if one.startswith(AUTH) and "userinfo" not in one),
    )
    file = tmp_path / "authorized_user.json"
    file.write_text(
        json.dumps(
            {
                "client_id": "kith-client",
                "client_secret": SECRET,
                "refresh_token": given.refresh,
                "account": MARA,
            }
        )
    )
    told = google.connect("--no-sync", "--user", MARA, "--authorized-user", file)
    assert (told.status, google.accounts()) == (1, []), told
    assert "You signed in as ben@example.com, and not as mara@example.com." in told.err
    google.connect("--no-sync")
    before = google.account()
    told = google.connect("--no-sync", "--authorized-user", file)
    assert (told.status, google.account()) == (1, before), told
    assert "this account is of mara@example.com" in told.err
    assert google.connect("--no-sync", "--user", BEN, "--authorized-user", file).status == 0
    assert {one["user"] for one in google.accounts()} == {MARA, BEN}


@pytest.mark.parametrize("says", [True, False])
def test_a_file_that_allows_what_does_not_go_together(google: Desk, tmp_path: Path, says: bool) -> None:
    """Headers alone beside another permission for mail: Google would refuse to read mail with it, so it is refused before
    anything is kept, whether the file says so or Google does; it stays good for whoever made it."""
    google.connect("--no-sync")
    given = google.sign_in.given[-1]
    google.kith("disconnect", "google-")
    given.over, given.scopes = "", (*given.scopes, HEADERS["google"])
    file = tmp_path / "authorized_user.json"
    scopes = {"scopes": list(given.scopes)} if says else {}
    file.write_text(
        json.dumps(
            {
                "client_id": "kith-client",
                "client_secret": SECRET,
                "refresh_token": given.refresh,
                **scopes,
            }
        )
    )
    told = google.connect("--no-sync", "--authorized-user", file)
    assert (told.status, google.accounts(), given.over) == (1, [], ""), told
    assert "gmail.metadata" in told.err
    assert "Nothing was changed" in told.err


class _Way:
    """msal's way out, led to the fake."""

    def __init__(self, root: str) -> None:
        import requests  # noqa: PLC0415

        self._session, self._root = requests.Session(), root
        self._session.trust_env = False

    def _to(self, url: str) -> str:
        return url.replace("https://login.microsoftonline.com", self._root)

    def get(self, url: str, **given: Any) -> Any:
        return self._session.get(self._to(url), **given)

    def post(self, url: str, **given: Any) -> Any:
        return self._session.post(self._to(url), **given)

    def close(self) -> None:
        self._session.close()


@pytest.mark.parametrize("may", ["Read", "ReadWrite"])
def test_a_cache_of_msal(microsoft: Desk, tmp_path: Path, may: str) -> None:
    """What msal signed in to is taken over by its cache, also where it may do more than Kith asks for."""
    import msal  # noqa: PLC0415

    microsoft.clock.advance(SystemClock().now() - microsoft.clock.now())
    microsoft.later()
    microsoft.sign_in.root = "https://login.microsoftonline.com"
    cache, way = msal.SerializableTokenCache(), _Way(microsoft.server.url)
    app = msal.PublicClientApplication(
        "kith-client",
        authority="https://login.microsoftonline.com/directory-1",
        instance_discovery=False,
        http_client=way,
        token_cache=cache,
    )
    flow = app.initiate_device_flow([f"Mail.{may}", f"Calendars.{may}"])
    consented(way._to(flow["verification_uri"]), MARA, code=flow["user_code"])
    assert "access_token" in app.acquire_token_by_device_flow(flow)
    file = tmp_path / "cache.bin"
    file.write_text(cache.serialize())
    microsoft.sign_in.root = microsoft.server.url
    del microsoft.kith.environment["KITH_MICROSOFT_CLIENT_ID"]
    told = microsoft.connect("--token-cache", file)
    assert told.status == 0, told
    assert (microsoft.account()["user"], microsoft.account()["reads"]) == (MARA, ["calendar", "mail"])
    microsoft.later(hours=3)
    assert microsoft.kith("sync").status == 0


def test_options_of_the_other_vendor(desk: Desk) -> None:
    """Say nothing of this one."""
    other = {"google": "--token-cache", "microsoft": "--authorized-user"}[desk.kind]
    for words in ((other, "f"), ("--password-file", "f"), ("--url", "https://x.test/")):
        told = desk.connect(*words)
        assert (told.status, "says nothing of an account" in told.err) == (2, True)


TOPIC = "projects/kith-of-mara/topics/mail"


@pytest.mark.parametrize(
    "name",
    ["mail", "topics/mail", "projects/kith-of-mara/subscriptions/mail", "projects/K/topics/mail", f"{TOPIC}/x",
     "projects/kith-of-mara/topics/m", "projects/kith-of-mara/topics/google", f"https://{TOPIC}", f"{TOPIC}\nx",
     "projects/kith-of-mara/topics/a b", "projects/kith-of-mara/topics/" + "m" * 300],
)  # fmt: skip
def test_what_is_no_topic_is_refused(google: Desk, name: str) -> None:
    """Before anybody signs in, with how a topic is written."""
    told = google.connect("--gmail-topic", name)
    assert told.status == 2
    assert "projects/PROJECT/topics/TOPIC" in told.err
    assert google.server.requests == []


def test_a_topic_for_notices_of_mail(google: Desk) -> None:
    """It stays with the account until it is taken back; where a subscription has to post stands by itself, to be copied."""
    told = google.connect("--read", "mail", "--gmail-topic", TOPIC)
    assert told.status == 0, told
    assert "Gmail tells nothing" in told.out, "nobody reaches this home yet"
    account = google.account()
    assert (account["gmail_topic"], account["push_url"]) == (TOPIC, None)
    google.kith.environment["KITH_PUBLIC_URL"] = "https://kith.example.com"
    account = google.account()
    url = account["push_url"]
    begins = f"https://kith.example.com/hooks/google?token=1~{account['id']}~gmail."
    assert url.startswith(begins)
    assert len(url) >= len(begins) + 43, "256 bits that nobody guesses"
    printed = google.kith("accounts").out
    assert f"    {url}" in printed.splitlines()
    assert TOPIC in printed
    del google.kith.environment["KITH_PUBLIC_URL"]
    assert google.connect().status == 0
    assert google.account()["gmail_topic"] == TOPIC
    assert google.connect("--gmail-topic", "off").status == 0
    google.kith.environment["KITH_PUBLIC_URL"] = "https://kith.example.com"
    account = google.account()
    assert (account["gmail_topic"], account["push_url"]) == (None, None)
    assert "topic" not in google.kith("accounts").out


def test_a_topic_says_nothing_without_mail(google: Desk) -> None:
    """Which is told, with what to do."""
    told = google.connect("--read", "calendar", "--gmail-topic", TOPIC)
    assert told.status == 0, told
    assert "no mail is read" in told.out
    assert "--read mail" in told.out


def test_a_topic_says_nothing_elsewhere(microsoft: Desk) -> None:
    """It is Gmail's."""
    told = microsoft.connect("--gmail-topic", TOPIC)
    assert (told.status, "says nothing of an account" in told.err) == (2, True)


# --- hostile answers ----------------------------------------------------------------------------------------------------


def test_strangers_at_the_port_end_nothing(google: Desk) -> None:
    """What answers no sign-in, names another host or path, or sends HTML, is turned away; the sign-in goes on (S1, S5, S6)."""
    child, url = _waiting(google)
    back = consented(url, MARA)
    at, _, query = back.partition("?")
    for asked, status in (
        (f"{at}?state=forged&code=4/forged", 400),
        (f"{at}?code=4/forged", 400),
        (f"{at}?state=&code=x", 400),
        (f"{at}/?error=%3Cscript%3Ealert(1)%3C/script%3E&error_description=%3Cimg%20src=x%3E", 400),
        (f"{at}?{'x' * 60_000}", 400),
        (f"{at}/favicon.ico", 404),
        (f"{at}//evil.test/?{query}", 404),
        (f"{at}/?next=https://evil.test", 400),
    ):
        page = fetch(asked)
        assert (page.status, page.location) == (status, ""), asked
        assert "<script" not in page.text
        assert "<img" not in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
    assert fetch(back, Host="evil.test").status == 404
    assert fetch(back, [("a", "b")]).status == 501
    replies = list[int]()
    threads = [Thread(target=lambda: replies.append(fetch(back).status)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 0, (out, err)
    assert replies.count(200) == 1, "an answer serves once"
    exchanges = [form for _, form in google.sign_in.asked if form.get("grant_type") == "authorization_code"]
    assert len(exchanges) == 1


def test_a_fault_of_kith_itself_ends_the_sign_in(google: Desk) -> None:
    """The page says so, and the command ends at once with one plain line; it does not wait until the time is up."""
    child, url = _waiting(google)
    try:
        back = consented(url, MARA)
        with sqlite3.connect(google.kith.home / "kith.db") as opened:
            opened.execute("ALTER TABLE account RENAME TO elsewhere")
        page = fetch(back)
        out, err = child.communicate(timeout=30)
    finally:
        child.kill()
    assert (page.status, "window where you began" in page.text) == (500, True), page
    assert (child.returncode, out, err.count("kith: ")) == (1, "", 1), (out, err)
    assert err.strip().splitlines()[-1].startswith("kith: the database refused"), err
    assert "Traceback" not in err


def _waiting(desk: Desk) -> "tuple[subprocess.Popen[str], str]":
    """A command that waits for the answer of a browser, and the address that this has to open."""
    desk.kith.environment["BROWSER"] = "true"
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.cli.vendor", "connect", desk.kind, "--no-sync"],
        env=desk.kith.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr is not None
    url = ""
    while not url.startswith("http"):
        url = child.stderr.readline().strip() or "   "
    return child, url


# --- letting go ---------------------------------------------------------------------------------------------------------


def test_letting_go_gives_the_permission_back(desk: Desk) -> None:
    """Google ends it; Microsoft ends none, so it is told where to; the tokens are deleted in either case."""
    desk.connect("--no-sync")
    told = desk.kith("disconnect", desk.account()["id"])
    assert told.status == 0
    if desk.kind == "google":
        assert [one.over for one in desk.sign_in.given] == ["withdrawn"]
        assert "given back" in told.err
    else:
        assert "https://myapps.microsoft.com" in " ".join(told.err.split())
    assert desk.accounts() == []
    with sqlite3.connect(desk.kith.home / "kith.db") as opened:
        assert opened.execute("SELECT count(*) FROM account").fetchone() == (0,)


def test_letting_go_keeps_what_another_owner_lives_by(google: Desk) -> None:
    """Google ends all that one person allowed one client at once: as long as another account here needs that, it is left,
    and told; whoever lets go last gives it back, and somebody else's is a matter of its own."""
    ida = ("--owner", "ida@example.com")
    assert google.kith("init", "--name", "Ida", "--email", ida[1], "--timezone", "Europe/Berlin").status == 0
    mine = ("--owner", MARA)
    for owner, who in ((mine, MARA), (ida, MARA), (ida, BEN)):
        google.kith.environment["VISITOR_WHO"] = who
        told = google.kith(*owner, "connect", "google", "--no-sync", "--user", who)
        assert told.status == 0, told
    (account,) = google.kith.json(*mine, "accounts")["accounts"]
    told = google.kith(*mine, "disconnect", account["id"])
    assert told.status == 0, told
    assert "another account here is let in by the same permission" in " ".join(told.err.split())
    assert "What was allowed to Kith there is given back" not in told.err
    assert {one.over for one in google.sign_in.given} == {""}
    assert google.kith(*ida, "sync").status == 0
    for one in google.kith.json(*ida, "accounts")["accounts"]:
        assert "given back" in google.kith(*ida, "disconnect", one["id"]).err
    assert {one.over for one in google.sign_in.given} == {"withdrawn"}


def test_nothing_allowed_ends_nothing_of_another_owner(google: Desk) -> None:
    """A sign-in that is given back at once leaves what the same person allowed for another owner's account."""
    assert google.connect("--no-sync").status == 0
    ida = ("--owner", "ida@example.com")
    assert google.kith("init", "--name", "Ida", "--email", ida[1], "--timezone", "Europe/Berlin").status == 0
    google.kith.environment["VISITOR_UNTICK"] = "readonly"
    assert google.kith(*ida, "connect", "google", "--no-sync").status == 1
    assert {one.over for one in google.sign_in.given} == {""}


def test_letting_go_where_nobody_answers(google: Desk) -> None:
    """The tokens are deleted here, and it is told that Google may still list Kith, and where."""
    google.connect("--no-sync")
    google.server.faults.order("503")
    told = google.kith("disconnect", google.account()["id"])
    assert told.status == 0
    assert "https://myaccount.google.com/connections" in " ".join(told.err.split())
    assert google.accounts() == []


# --- how it ends --------------------------------------------------------------------------------------------------------


def test_a_withdrawn_permission_is_told_and_mended(desk: Desk) -> None:
    """The account waits with its cause; connected again it goes on where it stopped, without a gap (R16)."""
    desk.connect()
    desk.sign_in.end(MARA)
    desk.later(hours=2)
    told = desk.kith("sync")
    assert (told.status, desk.account()["state"]) == (4, "reconnect")
    assert "refused the sign-in kept since 23 November" in " ".join(told.out.split())
    asked = len(desk.server.requests)
    assert desk.kith("sync").status == 4
    assert len(desk.server.requests) == asked
    desk.api.items["mail"].append(a_message("m2", "zoe@example.net", days_ago=0.1))
    again = desk.connect("--user", MARA)
    assert again.status == 0, again
    assert (desk.account()["state"], desk.account()["reason"]) == ("active", None)
    assert desk.kith.json("show", "zoe@example.net")["person"]["counts"]["received"] == 1
    assert total(desk.kith.json("sync"), "added") == 0


def test_a_client_that_was_set_in_one_window_alone_is_told_and_mended(google: Desk) -> None:
    """Where no client is set any more, that is what is said, not that it was mistyped; set for good, reading goes on."""
    google.connect()
    given = {
        name: google.kith.environment.pop(name)
        for name in list(google.kith.environment)
        if "_CLIENT_" in name
    }
    google.later(hours=2)
    told = google.kith("sync")
    assert told.status == 4
    words = " ".join(told.out.split())
    assert "KITH_GOOGLE_CLIENT_ID is not set where Kith runs now" in words
    assert str(google.kith.home / "kith.toml") in "".join(told.out.split())
    (google.kith.home / "kith.toml").write_text(
        "".join(f'{name.removeprefix("KITH_").lower()} = "{value}"\n' for name, value in given.items())
    )
    assert google.kith("resume", google.account()["id"]).status == 0
    assert google.kith("sync").status == 0


def test_trouble_of_the_authority_asks_nothing_of_the_owner(desk: Desk) -> None:
    """An authority that fails for a while leaves the account active, and is tried again."""
    desk.connect()
    desk.later(hours=2)
    desk.server.faults.order("503", 20)
    assert desk.kith("sync").status == 1
    assert desk.account()["state"] == "active"
    desk.server.faults.mend()
    desk.later(hours=2)
    assert desk.kith("sync").status == 0

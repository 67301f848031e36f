"""`kith doctor` on broken set-ups, with the connectors that Kith has and servers that speak the protocols.

Each is connected as its owner would, then broken from outside. What doctor says of all of them is docs/doctor.md, word
for word; `--golden-update` writes that page.
"""

import re
import ssl
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import trustme

from deploy.cli.doctor import Check, lines_of
from deploy.vaults import Secrets
from services.store import accounts as rows
from services.store.unit import open_store
from services.vault import Vault
from tests.cli.runner import Kith
from tests.connectors.dav import an_event, calendar
from tests.contract.live_source import SECRET
from tests.fakes.dav_faults import DavFaults
from tests.fakes.http_script import Reply, ScriptedServer, reply
from tests.fakes.todoist import Todoist
from tests.servers import smtp
from tests.servers.dav import DavServer
from tests.servers.dovecot import Dovecot, needed
from tests.servers.dovecot import running as dovecot
from tests.servers.processes import free_port
from tests.servers.radicale import radicale

PAGE = Path(__file__).parents[2] / "docs" / "doctor.md"
MARA = "mara@example.com"
_NEAR = ("--allow-private",)
_OF_THE_MACHINE = frozenset({"disk", "file system"})
"""Checks that tell of the machine that the tests run on."""


class Servers:
    """Everything that an account could be at; each runs from the time it is needed."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder
        self.post = smtp.Behaviour()
        self.feed: Reply = reply(200, calendar(an_event("one")).encode(), content_type="text/calendar")

    @cached_property
    def mail(self) -> Dovecot:
        """A mailbox."""
        return self._stack.enter_context(dovecot())

    @cached_property
    def post_port(self) -> int:
        """A submission server, by its port."""
        return self._stack.enter_context(smtp.mail_server(self.post, "none"))

    def early_post(self) -> tuple[int, Path]:
        """One whose certificate begins in another century; its port, and who vouches for it."""
        authority, context = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.cert_pem.write_to_path(str(self._folder / "ca.pem"))
        begins = datetime(2090, 1, 1, tzinfo=UTC)
        authority.issue_cert("127.0.0.1", not_before=begins).configure_cert(context)
        port = self._stack.enter_context(smtp.mail_server(self.post, "tls", context))
        return port, self._folder / "ca.pem"

    @cached_property
    def origin(self) -> DavServer:
        """A calendar server."""
        server = self._stack.enter_context(radicale(self._folder))
        server.ask("PROPFIND", server.calendars, Depth="0")
        server.make_calendar("work", "Work")
        server.make_calendar("team", "Team")
        return server

    @cached_property
    def dav(self) -> DavFaults:
        """The line to it."""
        line = DavFaults(self.origin.url)
        self._stack.callback(line.close)
        return line

    @cached_property
    def todoist(self) -> Todoist:
        """A to-do tool."""
        return self._stack.enter_context(Todoist().serve())

    @cached_property
    def feed_url(self) -> str:
        """A calendar that is published, by its secret address."""
        web = ScriptedServer(lambda _: self.feed)
        self._stack.callback(web.close)
        return f"{web.url}private-canary/team.ics"


class Desk:
    """A home of its own, and the servers that its account may be at."""

    def __init__(self, folder: Path, at: Servers) -> None:
        self.folder = folder
        self.at = at
        self.kith = Kith(folder / "home").init()

    def connect(self, kind: str, *words: str, secret: str = "") -> None:
        file = "--token-file" if kind == "todoist" else "--password-file"
        given = (file, "-") if secret else ()
        done = self.kith("connect", kind, *words, "--no-sync", *given, given=secret)
        assert done.status == 0, done

    def set(self, **settings: Any) -> None:
        """The account's settings are others than those it was connected with."""
        store = open_store(f"sqlite:///{self.kith.home / 'kith.db'}")
        with store.write() as unit:
            (row,) = rows.accounts(unit, 1)
            told = {**msgspec.json.decode(row.settings), **settings}
            rows.change_account(unit, 1, row.id, settings=msgspec.json.encode(told).decode())
        store.close()

    def remember(self, secret: str) -> None:
        """What is locked away is not what the server wants."""
        vault = Vault((self.kith.home / "secret.key").read_text())
        store = open_store(f"sqlite:///{self.kith.home / 'kith.db'}")
        with store.write() as unit:
            (row,) = rows.accounts(unit, 1)
            sealed = vault.sealed(msgspec.json.encode(Secrets(secret=secret)).decode())
            rows.change_account(unit, 1, row.id, secret=sealed)
        store.close()


Act = Callable[[Desk], object]


# --- accounts as they are connected -----------------------------------------------------------------------------------


def mail(desk: Desk, *more: str, port: int = 0, security: str = "none") -> None:
    server = ("--host", "127.0.0.1", "--port", str(port or desk.at.mail.port), "--security", security)
    desk.connect("imap", "--user", MARA, *server, *_NEAR, *more, secret=SECRET)


def mail_by_tls(desk: Desk) -> None:
    mail(desk, "--ca-file", desk.at.mail.ca_file, port=desk.at.mail.tls_port, security="tls")


def mail_of_one_folder(desk: Desk) -> None:
    with desk.at.mail.signed_in(MARA) as program:
        program.create_folder("Clients")
    mail(desk, "--folders", "INBOX,Clients")


def post(desk: Desk) -> None:
    server = ("--host", "127.0.0.1", "--port", str(desk.at.post_port), "--security", "none")
    desk.connect("smtp", "--user", MARA, *server, *_NEAR, secret=smtp.PASSWORD)


def calendars(desk: Desk, *more: str) -> None:
    place = ("--user", "alice", "--url", desk.at.dav.url)
    desk.connect("caldav", *place, *_NEAR, *more, secret=desk.at.origin.password)


def calendars_and_tasks(desk: Desk) -> None:
    calendars(desk, "--tasks", "Network")


def one_calendar(desk: Desk) -> None:
    calendars(desk, "--calendars", "Team")


def todoist(desk: Desk) -> None:
    desk.kith.environment["KITH_TODOIST_ROOT"] = desk.at.todoist.url
    desk.connect("todoist", "--tasks", "Network", secret=desk.at.todoist.token)


def feed(desk: Desk) -> None:
    desk.connect("caldav", "--url", desk.at.feed_url, *_NEAR)


# --- how they break ---------------------------------------------------------------------------------------------------


def folder_deleted(desk: Desk) -> None:
    with desk.at.mail.signed_in(MARA) as program:
        program.delete_folder("Clients")


def sign_in_refused(desk: Desk) -> None:
    desk.at.post.says["AUTH"] = "535 5.7.8 No"


def certificate_of_tomorrow(desk: Desk) -> None:
    port, file = desk.at.early_post()
    desk.set(port=port, security="tls", ca_file=str(file))


def server_down(desk: Desk) -> None:
    desk.at.dav.meddle = lambda _: reply(503)


def list_deleted(desk: Desk) -> None:
    desk.at.origin.delete(f"{desk.at.origin.calendars}network/")


def calendar_deleted(desk: Desk) -> None:
    desk.at.origin.delete(f"{desk.at.origin.calendars}team/")


def project_deleted(desk: Desk) -> None:
    project = desk.at.todoist.project_named("Network")
    assert project is not None
    desk.at.todoist.delete_project(project)


def quota_used_up(desk: Desk) -> None:
    desk.at.todoist.faults.order("429", 9)


def feed_gone(desk: Desk) -> None:
    desk.at.feed = reply(404)


def feed_behind_a_sign_in(desk: Desk) -> None:
    desk.at.feed = reply(200, b"<!doctype html><title>Sign in</title>", content_type="text/html")


def key_lost(desk: Desk) -> None:
    (desk.kith.home / "secret.key").unlink()


def key_changed(desk: Desk) -> None:
    (desk.kith.home / "secret.key").write_text("y" * 43)


def clock_behind(desk: Desk) -> None:
    desk.kith.environment["KITH_NOW"] = "2020-01-01T00:00:00Z"


class SetUp(NamedTuple):
    """An account, what broke, how that is told on the page, how grave it is, and words of what is found and of the cure."""

    connect: Act
    breaks: Act
    title: str
    state: str
    finding: str
    remedy: str


TABLE = {
    "password": SetUp(
        mail,
        lambda desk: desk.remember("the old one"),
        "The password of a mailbox was changed",
        "fault",
        "refused the sign-in",
        f"kith connect imap --user {MARA} --host",
    ),
    "host": SetUp(
        mail,
        lambda desk: desk.set(host="nowhere.invalid"),
        "The mail server's name is no more",
        "fault",
        "cannot be found",
        "kith disconnect imap-",
    ),
    "port": SetUp(
        mail,
        lambda desk: desk.set(port=free_port()),
        "Nobody listens on the mail server's port",
        "fault",
        "does not answer",
        "kith connect imap",
    ),
    "plain port": SetUp(
        mail,
        lambda desk: desk.set(security="tls"),
        "A port that does not encrypt",
        "fault",
        "--security starttls",
        "kith connect imap",
    ),
    "certificate": SetUp(
        mail_by_tls,
        lambda desk: desk.set(ca_file=""),
        "A certificate that nobody known vouches for",
        "fault",
        "--ca-file",
        "kith connect imap",
    ),
    "early certificate": SetUp(
        post,
        certificate_of_tomorrow,
        "A certificate that is not valid yet",
        "fault",
        "clock",
        "kith connect smtp",
    ),
    "private": SetUp(
        mail,
        lambda desk: desk.set(allow_private=False),
        "A server's name that leads into your own network",
        "fault",
        "private network",
        "kith connect imap",
    ),
    "folder": SetUp(
        mail_of_one_folder,
        folder_deleted,
        "A folder that was chosen is deleted",
        "fault",
        "Clients is there no more",
        "--folders",
    ),
    "post": SetUp(
        post,
        sign_in_refused,
        "The outgoing server refuses the sign-in",
        "fault",
        "refused",
        "kith connect smtp",
    ),
    "down": SetUp(
        calendars,
        server_down,
        "A calendar server is down",
        "fault",
        "503",
        "tries again by itself",
    ),
    "calendar": SetUp(
        one_calendar,
        calendar_deleted,
        "A calendar that was chosen is deleted",
        "fault",
        "team is there no more",
        "--calendars",
    ),
    "list": SetUp(
        calendars_and_tasks,
        list_deleted,
        "The list that follow-ups go to is deleted",
        "fault",
        "--tasks LIST",
        "--tasks LIST",
    ),
    "token": SetUp(
        todoist,
        lambda desk: desk.at.todoist.revoke(),
        "Todoist's token was revoked",
        "fault",
        "token",
        "kith connect todoist --token-file",
    ),
    "project": SetUp(
        todoist,
        project_deleted,
        "Todoist's project is deleted",
        "fault",
        "is not in Todoist",
        "--tasks LIST",
    ),
    "quota": SetUp(
        todoist,
        quota_used_up,
        "A quota is used up",
        "warning",
        "takes no more requests for now",
        "asks again in a minute",
    ),
    "feed": SetUp(
        feed, feed_gone, "A calendar feed is gone", "fault", "(404)", "kith connect caldav --url URL"
    ),
    "feed page": SetUp(
        feed,
        feed_behind_a_sign_in,
        "A calendar feed that asks for a sign-in",
        "fault",
        "web page",
        "kith connect caldav --url URL",
    ),
    "key lost": SetUp(mail, key_lost, "The key is lost", "fault", "no longer has", "kith resume imap-"),
    "key changed": SetUp(
        mail, key_changed, "The key is another", "fault", "no longer has", "kith resume imap-"
    ),
    "clock": SetUp(
        mail,
        clock_behind,
        "The machine's clock is wrong",
        "fault",
        "still to come",
        "Set this machine's clock right",
    ),
}


class Told(NamedTuple):
    """What doctor found not to be well, and all that it printed."""

    checks: list[Check]
    printed: str
    is_changed: bool


@pytest.fixture(scope="module")
def told_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Told]:
    """What is told of a set-up; each is tried once."""
    needed()

    @cache
    def told(name: str) -> Told:
        folder = tmp_path_factory.mktemp("desk")
        with ExitStack() as stack:
            desk = Desk(folder, Servers(stack, tmp_path_factory.mktemp("dav")))
            set_up = TABLE[name]
            set_up.connect(desk)
            set_up.breaks(desk)
            before = desk.kith.json("accounts")
            document = desk.kith.json("doctor", status=1 if set_up.state == "fault" else 0)
            printed = desk.kith("doctor").out
            is_changed = desk.kith.json("accounts") != before
        checks = [msgspec.convert(one, Check) for one in document["checks"]]
        amiss = [one for one in checks if one.state != "ok" and one.name not in _OF_THE_MACHINE]
        # The clock of the tests is frozen, which doctor remarks on.
        return Told([one for one in amiss if not one.finding.startswith("frozen")], printed, is_changed)

    return told


@pytest.mark.parametrize("name", TABLE)
def test_each_broken_set_up_has_its_cure(told_of: Callable[[str], Told], name: str) -> None:
    """What is wrong and what to do is told in words, with no secret among them; nothing is changed by looking."""
    told, set_up = told_of(name), TABLE[name]
    worst = [one for one in told.checks if one.state == set_up.state]
    assert any(set_up.finding in one.finding and set_up.remedy in (one.remedy or "") for one in worst), (
        told.checks
    )
    assert not told.is_changed
    for secret in (SECRET, smtp.PASSWORD, "the old one", "0123456789abcdef", "private-canary"):
        assert secret not in told.printed


# --- the page ---------------------------------------------------------------------------------------------------------

_HEAD = """\
# What doctor says

`kith doctor` looks at what a home stands on and signs in to each account; of what is not well it says what was found
and what to do. These are broken set-ups and its words on them. Each was connected and broken for real, against the
servers that the tests run (`tests/cli/test_doctor_set_ups.py`, which also wrote this page); names, ports and ids stand
here in place of theirs.

## For somebody who helps

`kith doctor --bundle help.zip` puts what it found in one ZIP of plain text, with what else a helper asks for first:

| part | holds |
| --- | --- |
| `doctor.json` | every check, as `kith doctor --json` says it |
| `status.json` | `owners`: of each, what `kith status --json` says, its rejects apart |
| `config.json` | the settings in force and where each comes from, secrets masked |
| `versions.json` | of Kith, Python, the system, SQLite or PostgreSQL, the tables (`migration`) and the installed libraries |
| `rejects.json` | how many items could not be read, by kind of source and reason |

Nothing that was read or written is in it. Addresses, names of owners and accounts, servers, folders and paths stand as
`<address-1>`, `<host-1>` and the like, the same thing always as the same; secrets, task titles and quoted words as
`[redacted]`. Read it before you pass it on all the same: a fault may tell what nobody foresaw. Only you can read the
file (mode 0600), and a file that is there already is never written over. Where the home or its database cannot be opened, the
parts that need it say so, and `doctor.json` says why.
"""
_HOSTS = {"imap": "imap.example.com", "smtp": "smtp.example.com", "caldav": "dav.example.com"}
_PORTS = {"imap": "993", "smtp": "465"}
_OF_LIBRARIES = {
    "cannot be found": "Name or service not known",
    "as it should": "WRONG_VERSION_NUMBER",
    "not to be trusted": "unable to get local issuer certificate",
}
"""What stands in brackets after these words is the machine's, and not the same on each."""


def _shown(check: Check) -> Check:
    """A check as the page shows it: free ports, ids and folders differ from run to run."""
    kind = (re.findall(r"\((imap|smtp|caldav|todoist|feed)-", check.name) or [""])[0]
    host, port = _HOSTS.get(kind, "calendar.example.com"), _PORTS.get(kind, "443")

    def shown(text: str) -> str:
        text = re.sub(r"\b(imap|smtp|caldav|todoist|feed)-[0-9a-f]{8}\b", r"\1-5f0c2e9a", text)
        text = re.sub(r"http://127\.0\.0\.1:\d+", f"https://{host}", text)
        text = re.sub(r"127\.0\.0\.1(:\d+)?", host, text)
        text = re.sub(r"(port )\d{4,5}", rf"\g<1>{port}", text)
        text = re.sub(r"/\S*/home\b", "~/.local/share/kith", text)
        for words, theirs in _OF_LIBRARIES.items():
            text = re.sub(rf"{words} \((?!certificate is)[^()]*\)", f"{words} ({theirs})", text)
        return re.sub(r"/\S*/ca\.pem", "ca.pem", text)

    # What only servers without a name or a certificate need.
    remedy = re.sub(r" --(allow-private|security none)", "", shown(check.remedy or ""))
    return Check(shown(check.name), check.state, shown(check.finding), remedy)


def test_the_page_shows_what_doctor_says(
    told_of: Callable[[str], Told], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """docs/doctor.md has each set-up with doctor's very words, on a screen that is wide enough."""
    monkeypatch.setenv("COLUMNS", "100")
    parts = [_HEAD]
    for name, set_up in TABLE.items():
        lines = [line for one in told_of(name).checks for line in lines_of(_shown(one))]
        parts.append("\n".join([f"## {set_up.title}", "", "```", *lines, "```", ""]))
    page = "\n".join(parts)
    if request.config.getoption("--golden-update", default=False):
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page, (
        "docs/doctor.md differs: look at why, then --golden-update"
    )

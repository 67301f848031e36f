"""`kith doctor` on accounts: each broken set-up is found by signing in for real, and its cure is told."""

import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import trustme

from deploy.cli.doctor_accounts import account_checks
from deploy.settings import read_settings
from deploy.wiring import Application
from services import accounts
from services.store.unit import open_store
from services.vault import Vault
from tests.cli.acme import FEED_PATH, PASSWORD, TOKEN, Acme, acme_connectors, running
from tests.cli.runner import Kith


class Setting(NamedTuple):
    """A home with one account at a server."""

    kith: Kith
    acme: Acme
    folder: Path


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    with running() as acme:
        root = {"KITH_TODOIST_ROOT": f"http://127.0.0.1:{acme.port}"}
        kith = Kith(tmp_path / "home", settings=root, connectors=acme_connectors()).init()
        yield Setting(kith, acme, tmp_path)


Act = Callable[[Setting], None]


def mail(at: Setting) -> None:
    server = ("--host", "127.0.0.1", "--port", str(at.acme.port), "--security", "none", "--allow-private")
    words = ("connect", "imap", "--user", "mara@example.com", *server, "--no-sync", "--password-file", "-")
    assert at.kith(*words, given=PASSWORD).status == 0


def todo(at: Setting) -> None:
    (at.folder / "token").write_text(TOKEN)
    words = ("connect", "todoist", "--token-file", at.folder / "token", "--tasks", "--no-sync")
    assert at.kith(*words).status == 0


def feed(at: Setting) -> None:
    url = f"http://127.0.0.1:{at.acme.port}{FEED_PATH}"
    assert at.kith("connect", "caldav", "--url", url, "--allow-private", "--no-sync").status == 0


def changed(**settings: Any) -> Act:
    """The account's settings become others than those it was connected with."""

    def act(at: Setting) -> None:
        store = open_store(f"sqlite:///{at.kith.home / 'kith.db'}")
        with store.write() as unit:
            (account,) = accounts.accounts(unit, 1)
            accounts.set_settings(unit, account, {**account.settings, **settings})
        store.close()

    return act


def wrong_password(at: Setting) -> None:
    at.acme.passwords = {"mara@example.com": "another"}


def wrong_port(at: Setting) -> None:
    with running() as other:
        port = other.port
    changed(port=port)(at)


def server_down(at: Setting) -> None:
    at.acme.is_down = True


def token_revoked(at: Setting) -> None:
    at.acme.tokens = {}


def list_deleted(at: Setting) -> None:
    at.acme.lists.popitem()


def key_changed(at: Setting) -> None:
    (at.kith.home / "secret.key").write_text("y" * 43)


def key_lost(at: Setting) -> None:
    (at.kith.home / "secret.key").unlink()


def feed_gone(at: Setting) -> None:
    at.acme.has_feed = False


def quota_used_up(at: Setting) -> None:
    at.acme.retry_after = 600


def clock_behind(at: Setting) -> None:
    at.kith.environment["KITH_NOW"] = "2020-01-01T00:00:00Z"


class Broken(NamedTuple):
    """A set-up, what broke, how grave that is, and words of what is found and of the cure."""

    connect: Act
    breaks: Act
    state: str
    finding: str
    remedy: str


TABLE = {
    "nothing": Broken(mail, lambda _: None, "ok", "it signs in", ""),
    "wrong password": Broken(
        mail, wrong_password, "fault", "refused the sign-in", "kith connect imap --user mara"
    ),
    "wrong host name": Broken(mail, changed(host="nowhere.invalid"), "fault", "cannot be found", "host"),
    "wrong port": Broken(mail, wrong_port, "fault", "does not answer", "port"),
    "a plain port with TLS": Broken(
        mail, changed(security="tls"), "fault", "speaks no TLS", "kith connect imap"
    ),
    "server down": Broken(mail, server_down, "fault", "is not ready", "tries again by itself"),
    "token revoked": Broken(todo, token_revoked, "fault", "refused the sign-in", "kith connect todoist"),
    "list deleted": Broken(todo, list_deleted, "fault", "is there no more", "--tasks LIST"),
    "key changed": Broken(mail, key_changed, "fault", "no longer has", "kith resume imap-"),
    "key lost": Broken(mail, key_lost, "fault", "no longer has", "kith resume imap-"),
    "private address": Broken(
        mail, changed(allow_private=False), "fault", "private network", "kith connect imap"
    ),
    "feed gone": Broken(feed, feed_gone, "fault", "has it no more", "kith connect caldav --url URL"),
    "quota used up": Broken(todo, quota_used_up, "warning", "asks for patience", "in 10 minutes"),
}


def of_account(kith: Kith) -> list[dict[str, Any]]:
    result = kith("--json", "doctor")
    assert result.err == ""
    document = kith.json("doctor", status=result.status)
    assert (result.status == 1) is any(one["state"] == "fault" for one in document["checks"])
    return [one for one in document["checks"] if "-" in one["name"]]


@pytest.mark.parametrize("name", TABLE)
def test_each_broken_set_up_has_its_cure(setting: Setting, name: str) -> None:
    """What is wrong and what to do is told in words, with no secret among them; nothing is changed by looking."""
    broken = TABLE[name]
    broken.connect(setting)
    broken.breaks(setting)
    before = setting.kith.json("accounts")
    (check,) = of_account(setting.kith)
    assert check["state"] == broken.state, check
    assert broken.finding in check["finding"], check
    assert broken.remedy in (check["remedy"] or ""), check
    assert setting.kith.json("accounts") == before
    told = setting.kith("doctor").out
    for secret in (PASSWORD, TOKEN, "private-canary"):
        assert secret not in told


def test_a_wrong_clock_is_told_before_accounts(setting: Setting) -> None:
    """A clock behind the book is a fault of its own."""
    mail(setting)
    clock_behind(setting)
    checks = {one["name"]: one for one in setting.kith.json("doctor", status=1)["checks"]}
    assert checks["clock"]["remedy"] == "Set this machine's clock right."


@pytest.mark.parametrize("fault", ["stranger", "early", "none"])
def test_certificates_are_looked_at(setting: Setting, tmp_path: Path, fault: str) -> None:
    """Nobody's certificate, and one that a wrong clock finds not valid yet, are faults with words; a good one is well."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    if fault != "stranger":
        setting.kith.environment["SSL_CERT_FILE"] = str(tmp_path / "ca.pem")
    mail(setting)
    begins = datetime(2090, 1, 1, tzinfo=UTC) if fault == "early" else None
    with running(authority, begins) as server:
        server.passwords = dict(setting.acme.passwords)
        changed(port=server.port, security="tls")(setting)
        (check,) = of_account(setting.kith)
    assert check["state"] == ("ok" if fault == "none" else "fault"), check
    if fault == "early":
        assert "clock" in check["finding"]
    if fault == "stranger":
        assert "not trusted" in check["finding"]


def test_states_and_failing_feeds_are_told(setting: Setting) -> None:
    """Paused is left alone; one that works again is to be resumed; a feed that fails says since when."""
    mail(setting)
    setting.acme.is_down = True
    setting.kith("sync")
    setting.acme.is_down = False
    account, feed_check = of_account(setting.kith)
    assert (account["state"], feed_check["state"]) == ("ok", "warning")
    assert "has failed since 23 November, 09:00 UTC" in feed_check["finding"]
    setting.kith("pause", "imap-")
    asked = len(setting.acme.asked)
    assert [one["state"] for one in of_account(setting.kith)] == ["ok"]
    assert len(setting.acme.asked) == asked
    store = open_store(f"sqlite:///{setting.kith.home / 'kith.db'}")
    with store.write() as unit:
        (kept,) = accounts.accounts(unit, 1)
        accounts.set_state(unit, kept, "reconnect", "it was refused")
    store.close()
    first = of_account(setting.kith)[0]
    assert (first["state"], first["remedy"]) == ("warning", f"kith resume {kept.id}")
    setting.kith("resume", "imap-")
    assert setting.kith("sync").status == 0
    assert [one["state"] for one in of_account(setting.kith)] == ["ok"]


def test_secrets_under_old_keys_are_told(setting: Setting) -> None:
    """With the command that locks them away anew."""
    mail(setting)
    key = setting.kith.home / "secret.key"
    key.write_text(f"{'n' * 40}\n{key.read_text()}")
    assert setting.kith("sync").status == 0
    checks = {one["name"]: one for one in setting.kith.json("doctor")["checks"]}
    assert checks["old keys"]["remedy"].endswith("kith accounts --rotate")
    assert setting.kith("accounts", "--rotate").status == 0
    assert "old keys" not in {one["name"] for one in setting.kith.json("doctor")["checks"]}
    assert Vault(key.read_text().split()[0]).is_under_first_key(Vault(key.read_text()).sealed("x"))


def test_a_server_that_says_nothing_is_not_waited_for(setting: Setting) -> None:
    """One that takes the connection and never answers is a fault after the time for it, not a hang."""
    mail(setting)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        changed(port=silent.getsockname()[1])(setting)
        app = Application(read_settings(None, setting.kith.environment), acme_connectors())
        (check,) = account_checks(app, timedelta(milliseconds=300))
        app.close()
    assert (check.state, "no answer" in check.finding) == ("fault", True)

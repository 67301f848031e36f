"""`kith doctor` on accounts: their states, their feeds, and how long it waits for them."""

import json
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from deploy.cli.doctor_accounts import account_checks
from deploy.settings import read_settings
from deploy.wiring import Application
from services import accounts
from services.store import accounts as rows
from services.store.unit import open_store
from services.vault import Vault
from tests.cli.acme import PASSWORD, Acme, acme_connectors, running
from tests.cli.runner import Kith


class Setting(NamedTuple):
    """A home with one account at a server."""

    kith: Kith
    acme: Acme


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    with running() as acme:
        yield Setting(Kith(tmp_path / "home", connectors=acme_connectors()).init(), acme)


def mail(at: Setting) -> None:
    server = ("--host", "127.0.0.1", "--port", str(at.acme.port), "--security", "none", "--allow-private")
    words = ("connect", "imap", "--user", "mara@example.com", *server, "--no-sync", "--password-file", "-")
    assert at.kith(*words, given=PASSWORD).status == 0


def of_account(kith: Kith) -> list[dict[str, Any]]:
    result = kith("--json", "doctor")
    assert result.err == ""
    document = kith.json("doctor", status=result.status)
    assert (result.status == 1) is any(one["state"] == "fault" for one in document["checks"])
    return [one for one in document["checks"] if "-" in one["name"]]


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
        store = open_store(f"sqlite:///{setting.kith.home / 'kith.db'}")
        with store.write() as unit:
            (kept,) = accounts.accounts(unit, 1)
            settings = json.dumps({**kept.settings, "port": silent.getsockname()[1]})
            rows.change_account(unit, 1, kept.id, settings=settings)
        store.close()
        app = Application(read_settings(None, setting.kith.environment), acme_connectors())
        (check,) = account_checks(app, timedelta(milliseconds=300))
        app.close()
    assert (check.state, "no answer" in check.finding) == ("fault", True)

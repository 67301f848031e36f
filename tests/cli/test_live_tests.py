"""The tests at the vendors themselves: that they say what they need, and, at the fakes, that they work and leave nothing behind."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from deploy.clock import SystemClock
from tests.fakes.authority import Given, SignIn
from tests.fakes.network import small_network
from tests.fakes.todoist import Todoist
from tests.fakes.vendors import CLIENT, MARA, SECRET, TENANT, exchange, google, microsoft
from tests.live.vendors import LIST, LIVE

ROOT = Path(__file__).parents[2]


def run(vendor: str, settings: Mapping[str, str], *more: str) -> "subprocess.CompletedProcess[str]":
    """The live tests of a vendor, with nothing set but this."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KITH_")}
    return subprocess.run(
        [sys.executable, "-m", "tests.live", vendor, *more],
        env={**environment, **settings},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("vendor", sorted(LIVE))
def test_without_credentials_they_say_what_to_set(vendor: str) -> None:
    """Each variable by its name, the page that tells more, and no failure."""
    told = run(vendor, {})
    assert (told.returncode, told.stderr) == (0, "")
    for one in LIVE[vendor].needed:
        assert one.name in told.stdout
    page = ROOT / "docs" / "live-tests.md"
    assert "docs/live-tests.md" in told.stdout
    for one in (*LIVE[vendor].needed, *LIVE[vendor].may):
        assert one.name in page.read_text(encoding="utf-8")
    assert f"make live-{vendor}" in page.read_text(encoding="utf-8")


def test_they_are_no_part_of_the_other_tests() -> None:
    """Nothing of theirs is collected where nobody asked for them."""
    told = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "tests/live"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "no tests collected" in told.stdout, told


def a_grant(sign_in: SignIn, *scopes: str) -> str:
    """What Mara allowed some time ago; its refresh token."""
    given = Given(CLIENT, sign_in.people[MARA], scopes, sign_in.clock.now(), refresh="refresh-canary-live")
    sign_in.given.append(given)
    return given.refresh


def test_at_google(tmp_path: Path) -> None:
    """They pass, and the list that they made is gone again."""
    clock = SystemClock()
    with google(small_network(clock.now(), days=20), clock) as vendor:
        auth = "https://www.googleapis.com/auth/"
        scopes = ("gmail.readonly", "calendar.events.readonly", "calendar.calendarlist.readonly")
        token = a_grant(
            vendor.parts["sign_in"],
            "openid",
            f"{auth}userinfo.email",
            *(f"{auth}{one}" for one in (*scopes, "contacts.readonly", "tasks")),
        )
        file = tmp_path / "authorized_user.json"
        file.write_text(
            f'{{"type": "authorized_user", "client_id": "{CLIENT}", "client_secret": "{SECRET}", "refresh_token": "{token}"}}'
        )
        told = run("google", {**vendor.settings, "KITH_LIVE_GOOGLE_AUTHORIZED_USER": str(file)})
        _went_well(told, vendor.breaches)
        assert vendor.server.requests
        assert [one["title"] for one in vendor.parts["tasks"]._lists.values()] == ["My Tasks"]


def test_at_microsoft(tmp_path: Path) -> None:
    """Likewise, with what msal keeps of a sign-in."""
    clock = SystemClock()
    with microsoft(small_network(clock.now(), days=20), clock) as vendor:
        sign_in = vendor.parts["sign_in"]
        token = a_grant(
            sign_in, "openid", "profile", "offline_access",
            *(f"{one}" for one in ("Calendars.ReadBasic", "Mail.Read", "Contacts.Read", "Tasks.ReadWrite")),
        )  # fmt: skip
        file = tmp_path / "cache.bin"
        file.write_text(_msal_cache(token))
        told = run("microsoft", {**vendor.settings, "KITH_LIVE_MICROSOFT_TOKEN_CACHE": str(file)})
        _went_well(told, vendor.breaches)
        lists = {one["displayName"] for one in vendor.parts["todo"].lists.values()}
        assert lists == {"Tasks", "Flagged Emails"}


def _msal_cache(refresh: str) -> str:
    """The cache of one account, as msal.SerializableTokenCache writes it."""
    home = f"1001.{TENANT}"
    common = {"home_account_id": home, "environment": "login.microsoftonline.com"}
    account = {
        **common,
        "realm": TENANT,
        "username": MARA,
        "local_account_id": "1001",
        "authority_type": "MSSTS",
    }
    token = {**common, "credential_type": "RefreshToken", "client_id": CLIENT, "secret": refresh}
    return json.dumps({"Account": {"a": account}, "RefreshToken": {"r": token}})


def test_at_exchange(tmp_path: Path) -> None:
    """Likewise; the password is read from a file."""
    clock = SystemClock()
    with exchange(small_network(clock.now(), days=20), clock) as vendor:
        file = tmp_path / "password.txt"
        file.write_text(vendor.secret)
        settings = {
            "KITH_LIVE_EXCHANGE_USER": MARA,
            "KITH_LIVE_EXCHANGE_PASSWORD_FILE": str(file),
            "KITH_LIVE_EXCHANGE_URL": vendor.server.url,
        }
        told = run("exchange", settings)
        _went_well(told, vendor.breaches)
        assert vendor.server.folder_named(LIST) is None


def test_at_todoist(tmp_path: Path) -> None:
    """Likewise, for the project that they make."""
    with Todoist(SystemClock()).serve() as todoist:
        file = tmp_path / "token.txt"
        file.write_text(todoist.token)
        told = run("todoist", {"KITH_TODOIST_ROOT": todoist.url, "KITH_LIVE_TODOIST_TOKEN_FILE": str(file)})
        _went_well(told, [])
        projects = todoist._projects.values()
        assert [one["name"] for one in projects if not one["is_deleted"]] == ["Inbox"]


def _went_well(told: Any, breaches: list[str]) -> None:
    assert told.returncode == 0, told.stdout + told.stderr
    assert " passed" in told.stdout
    assert "skipped" not in told.stdout
    assert breaches == []

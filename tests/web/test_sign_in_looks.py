"""Signing in in a real browser, end to end: from the page or the command, through the vendor's consent, to the end of it.

`KITH_PICTURES=folder pytest -m browser tests/web` keeps the pictures.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from socket import create_server
from threading import Thread
from typing import TYPE_CHECKING

import pytest
import uvicorn

from tests.fakes.authority import GoogleSignIn, signing_in
from tests.web.test_looks import WIDTHS, browser  # noqa: F401  # a fixture is found by its name
from tests.web.test_sign_in import MARA, Site

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A running page on a port of its own, which is its public URL too."""
    with create_server(("127.0.0.1", 0)) as listener:
        made = Site(tmp_path, "google", f"http://127.0.0.1:{listener.getsockname()[1]}")
        with signing_in(made.sign_in, made.api) as server:
            made.begin(server)
            running = uvicorn.Server(uvicorn.Config(made.page, log_config=None, lifespan="off", ws="none"))
            thread = Thread(target=running.run, kwargs={"sockets": [listener]})
            thread.start()
            yield made
            running.should_exit = True
            thread.join(timeout=10)
            made.app.close()


def _keep(page: "Page", name: str, tmp_path: Path) -> None:
    kept = Path(os.environ.get("KITH_PICTURES") or tmp_path)
    kept.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=kept / f"sign-in-{name}.png", full_page=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_through_the_page(
    browser: "Browser",  # noqa: F811
    site: Site,
    tmp_path: Path,
    width: int,
    scheme: str,
) -> None:
    """What is asked is read, the vendor's consent is clicked, and the account is there; no fault by axe, no script, no leak."""
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415

    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda said: faults.append(f"{said.type} {said.text} {said.location['url']}"))
    page.goto(f"{site.base}/connect/google")
    page.get_by_label("Write follow-ups to a list called Kith").check()
    _keep(page, f"asked-{width}-{scheme}", tmp_path)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("button", name="Go on to Google").click()
    page.wait_for_url(f"{site.server.url}/**")
    assert page.title() == "Kith wants access to your Google Account", page.url
    _keep(page, f"vendor-{width}-{scheme}", tmp_path)
    page.get_by_role("button", name="Continue").click()
    page.wait_for_load_state()
    assert page.title() == "Did Google let Kith in? · Kith"
    _keep(page, f"ended-{width}-{scheme}", tmp_path)
    assert f"Yes, as {MARA}." in page.inner_text("main")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert context.cookies() == []
    assert [one for one in faults if site.base in one] == []
    (account,) = site.accounts()
    assert account.settings["list_name"] == "Kith"
    page.reload()
    assert "belongs to no sign-in" in page.inner_text("main")
    _keep(page, f"again-{width}-{scheme}", tmp_path)
    context.close()
    looked = browser.new_context(viewport={"width": width, "height": 900}, bypass_csp=True)
    page = looked.new_page()
    page.goto(f"{site.base}/connect/google")
    assert [one["id"] for one in Axe().run(page).response["violations"]] == []
    looked.close()


def test_back_and_no(browser: "Browser", site: Site, tmp_path: Path) -> None:  # noqa: F811
    """Cancelled at the vendor: told plainly, nothing kept, and the page can be begun again."""
    page = browser.new_page()
    page.goto(f"{site.base}/connect/google")
    page.get_by_role("button", name="Go on to Google").click()
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_load_state()
    assert "You allowed nothing, and nothing was changed." in page.inner_text("main")
    _keep(page, "cancelled", tmp_path)
    assert site.accounts() == []
    page.close()


def test_from_the_command(browser: "Browser", tmp_path: Path) -> None:  # noqa: F811
    """`kith connect google` on this machine: its address opened in Chromium, consent clicked, the window told to be closed."""
    from tests.cli.test_signing import Desk  # noqa: PLC0415

    desk = Desk("google", tmp_path)
    with signing_in(desk.sign_in, desk.api) as server:
        desk.begin(server)
        desk.kith.environment["BROWSER"] = "true"
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.cli.vendor", "connect", "google"],
            env=desk.kith.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert child.stderr is not None
        url = ""
        while not url.startswith("http"):
            line = child.stderr.readline()
            assert line, child.communicate()
            url = line.strip()
        page = browser.new_page()
        page.goto(url)
        page.get_by_label("gmail.readonly").uncheck()
        page.get_by_role("button", name="Continue").click()
        page.wait_for_load_state()
        assert "You may close this one." in page.inner_text("main")
        _keep(page, "command-ended", tmp_path)
        assert page.evaluate("getComputedStyle(document.body).maxWidth") != "none"
        out, err = child.communicate(timeout=60)
        assert child.returncode == 0, (out, err)
        assert "Kith does not read mail: that was not allowed." in out
        page.close()


def test_a_vendor_that_sends_on_to_another_host(browser: "Browser", site: Site) -> None:  # noqa: F811
    """As Microsoft does to where personal accounts and those of organisations sign in: the browser goes along."""
    assert isinstance(site.sign_in, GoogleSignIn)
    with signing_in(site.sign_in) as elsewhere:
        site.sign_in.sends_on = elsewhere.url.replace("127.0.0.1", "localhost")
        page = browser.new_context().new_page()
        page.goto(f"{site.base}/connect/google")
        page.get_by_role("button", name="Go on to Google").click()
        page.wait_for_url(f"{elsewhere.url.replace('127.0.0.1', 'localhost')}/**")
        page.get_by_role("button", name="Continue").click()
        page.wait_for_url(f"{site.base}/**")
        assert f"Yes, as {MARA}." in page.inner_text("main")

"""The pages in a real browser: nothing cut off, nothing run, nothing fetched from elsewhere, and axe finds no fault.

`KITH_PICTURES=folder pytest -m browser tests/web` keeps the pictures.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from socket import create_server
from threading import Thread
from typing import TYPE_CHECKING

import pytest
import uvicorn

from services.status import Status
from services.web.app import Desk, make_app
from services.web.guard import known_hosts
from tests.web.desks import a_reject, a_source, a_status
from tests.web.test_app import HOSTILE

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
WIDTHS = (375, 1_100)
LONG = "https://" + "a" * 200


def _hostile() -> Sequence[Status]:
    return [
        a_status(
            owner=text,
            email=text,
            sources=[a_source(text, account=text)],
            rejected=2,
            rejects=[a_reject(where=text, reason=text), a_reject(where=LONG, reason=LONG)],
        )
        for text in (*HOSTILE, "العربية", LONG)
    ]


def _calm() -> Sequence[Status]:
    return [a_status()]


PAGES: dict[str, Callable[[], Sequence[Status]]] = {
    "calm": _calm,
    "behind": lambda: [a_status(lag=1_240, queues={"default": 2})],
    "aside": lambda: [a_status(rejected=43, rejects=[a_reject() for _ in range(20)])],
    "empty": lambda: [a_status(sources=[])],
    "none": list,
    "hostile": _hostile,
}


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """One Chromium for all pages."""
    if not CHROMIUM:
        pytest.skip("no Chromium on this machine")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  # only where a browser is at hand

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def site() -> Iterator[tuple[str, list[str]]]:
    """A running site and the name of the page that it shows."""
    shown = ["calm"]

    def statuses() -> Sequence[Status]:
        return PAGES[shown[0]]()

    app = make_app(Desk(statuses=statuses, troubles=list, hosts=known_hosts("")))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none"))
    with create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", shown
        server.should_exit = True
        thread.join(timeout=10)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", [*PAGES, "missing"])
def test_page(
    browser: "Browser", site: tuple[str, list[str]], tmp_path: Path, name: str, width: int, scheme: str
) -> None:
    """Each page at phone and desktop width, light and dark, with calm, full and hostile words."""
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415

    url, shown = site
    shown[0] = name if name in PAGES else "calm"
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme="dark" if scheme == "dark" else "light",
        bypass_csp=False,
    )
    page = context.new_page()
    asked: list[str] = []
    alerts: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: alerts.append(dialog.message))
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{url}/{'' if name in PAGES else name}", wait_until="load")
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    kept = Path(os.environ.get("KITH_PICTURES") or tmp_path)
    kept.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=kept / f"status-{name}-{width}-{scheme}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert all(one.startswith(url) for one in asked)
    assert alerts == []
    assert said == ([] if name in PAGES else said[:1])
    context.close()
    if width != WIDTHS[0] or name == "hostile":
        return  # The same words in the same colours: axe would say the same.
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme="dark" if scheme == "dark" else "light",
        bypass_csp=True,
    )
    page = context.new_page()
    page.goto(f"{url}/{'' if name in PAGES else name}", wait_until="load")
    assert [(one["id"], one["nodes"][0]["html"]) for one in Axe().run(page).response["violations"]] == []
    context.close()

"""The digest in a real browser: nothing fetched, nothing cut off, nothing that a reader with other eyes would miss.

`KITH_PICTURES=folder pytest -m browser tests/digest` keeps the pictures.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from services.digest import render_html
from tests.digest import weeks

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
    "--disable-component-update",
    "--disable-sync",
]
WIDTHS = {"phone": 375, "desktop": 900}
PAGES = {**weeks.GOLDEN, "crowded": weeks.crowded, "long-words": weeks.long_words}


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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("page_name", PAGES)
def test_page(browser: "Browser", tmp_path: Path, page_name: str, width: str, scheme: str) -> None:
    """A digest fetches nothing, runs nothing, never scrolls sideways, and axe finds no fault in it."""
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415

    context = browser.new_context(
        viewport={"width": WIDTHS[width], "height": 800},
        color_scheme="dark" if scheme == "dark" else "light",
        device_scale_factor=2 if width == "phone" else 1,
    )
    page = context.new_page()
    asked: list[str] = []
    alerts: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: alerts.append(dialog.message))
    page.set_content(render_html(PAGES[page_name](), weeks.LINKS), wait_until="load")
    page.screenshot(
        path=_picture(tmp_path, f"{page_name}-{width}-{scheme}"), full_page=page_name != "crowded"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= WIDTHS[width]
    small = page.evaluate(
        "[...document.querySelectorAll('a.a')].map(a => a.getBoundingClientRect())"
        ".filter(box => box.width < 44 || box.height < 44).length"
    )
    assert small == 0
    report = Axe().run(page)
    assert report.response["violations"] == []
    assert (asked, alerts) == ([], [])
    context.close()


def _picture(tmp_path: Path, name: str) -> Path:
    kept = os.environ.get("KITH_PICTURES")
    folder = Path(kept) if kept else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}.png"

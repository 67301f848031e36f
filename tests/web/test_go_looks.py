"""The digest's links in a real browser: from the page of the home to the deed, by mouse and by keyboard, without scripts.

`KITH_PICTURES=folder pytest -m browser tests/web` keeps the pictures.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from socket import create_server
from threading import Thread
from typing import TYPE_CHECKING

import pytest
import uvicorn

from deploy.digests import write_digest
from services.composing import compose
from services.links import Deed, LinkSigner, digest_links
from services.store.unit import Store
from services.web.app import Desk, make_app
from services.web.guard import known_hosts
from tests.services.test_oneclick import Desk as Book
from tests.web.test_looks import WIDTHS, browser  # noqa: F401  # a fixture is found by its name

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

KEYS = ("k" * 43,)
LONG = "Bartholomew-Maximilian Featherstonehaugh-Cholmondeley of the Northgate and Southgate Company"


class Site:
    """A running page over a book, and the digest that leads to it."""

    def __init__(self, store: Store, url: str, name: str) -> None:
        self.book = Book(store, KEYS, name)
        self.url = url
        self.signer = LinkSigner(KEYS)
        self.app = make_app(
            Desk(
                statuses=list,
                troubles=list,
                hosts=known_hosts(url),
                one_click=self.book.one_click,
                public_url=url,
            )
        )

    def write(self, folder: Path) -> str:
        digest = compose(self.book.book)
        page, *_ = write_digest(
            digest, folder, digest_links(self.signer, self.url, self.book.book.owner, digest)
        )
        return page.as_uri()


@pytest.fixture
def site(sqlite_store: Store, request: pytest.FixtureRequest) -> Iterator[Site]:
    """A site on a port of its own."""
    with create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        running = Site(sqlite_store, url, getattr(request, "param", "Ana Okafor"))
        server = uvicorn.Server(uvicorn.Config(running.app, log_config=None, lifespan="off", ws="none"))
        thread = Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield running
        server.should_exit = True
        thread.join(timeout=10)


def _keep(page: "Page", name: str, tmp_path: Path) -> None:
    kept = Path(os.environ.get("KITH_PICTURES") or tmp_path)
    kept.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=kept / f"go-{name}.png", full_page=True)


def test_done_from_a_digest_page(browser: "Browser", site: Site, tmp_path: Path) -> None:  # noqa: F811
    """The digest of the home is opened, Done is clicked and confirmed: the follow-up is done; no script has run."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site.write(tmp_path))
    page.get_by_role("link", name="Done").first.click()
    assert page.title() == "Is this done? · Kith"
    assert site.book.said() == []
    page.get_by_role("button", name="Yes, it is done").click()
    assert "It is done. It is off your list." in page.inner_text("main")
    assert site.book.state() == "done"
    page.go_back()
    page.reload()
    assert "It is done." in page.inner_text("main")
    assert page.get_by_role("button").count() == 0
    assert len(site.book.said()) == 1
    context.close()


def test_snoozed_by_keyboard(browser: "Browser", site: Site, tmp_path: Path) -> None:  # noqa: F811
    """Every choice is reached by the Tab key, shows where it is, and is pressed by Enter."""
    page = browser.new_page()
    page.goto(site.write(tmp_path))
    page.get_by_role("link", name="Snooze").first.click()
    page.wait_for_load_state()
    for _ in range(3):  # Past the mark at the top, to the second choice.
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent").startswith("Next week")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.wait_for_load_state()
    assert "It comes back on Monday, 30 November." in page.inner_text("main")
    assert site.book.state() == "snoozed"
    page.close()


def test_another_site_presses_nothing(browser: "Browser", site: Site) -> None:  # noqa: F811
    """A form on a page of another origin, with a good link, is refused by the browser's own word for where it stands."""
    path = f"{site.url}/go/{site.signer.signed(site.book.link('done'))}"
    page = browser.new_page()
    page.set_content(
        f'<form method="post" action="{path}"><input name="go" value="done"><button>Win</button>'
    )
    page.get_by_role("button").click()
    page.wait_for_url(f"{site.url}/**")
    assert "Another page asked for this." in page.inner_text("main")
    assert site.book.said() == []
    page.close()


DEEDS: list[Deed] = ["done", "snooze", "dismiss", "unsubscribe", "reconnect"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("site", "width"), [("Ana Okafor", WIDTHS[1]), (LONG, WIDTHS[0])], indirect=["site"], ids=["calm", "long"]
)
@pytest.mark.parametrize("deed", [*DEEDS, "dead"])
def test_page(
    browser: "Browser",  # noqa: F811
    site: Site,
    tmp_path: Path,
    deed: str,
    width: int,
    scheme: str,
) -> None:
    """Each page, before and after, in few words on a desktop and in long ones on a phone, light and dark: nothing cut off, no fault found by axe."""
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415

    context = browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme="dark" if scheme == "dark" else "light",
        bypass_csp=True,
    )
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url))
    token = "dead" if deed == "dead" else site.signer.signed(site.book.link(deed))  # type: ignore[arg-type]
    page.goto(f"{site.url}/go/{token}")
    for when in ("before", "after"):
        _keep(page, f"{deed}-{width}-{scheme}-{when}", tmp_path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        small = "[...document.querySelectorAll('button')].filter(b => b.getBoundingClientRect().height < 44).length"
        assert page.evaluate(small) == 0
        if width == WIDTHS[0]:
            assert [one["id"] for one in Axe().run(page).response["violations"]] == []
        if when == "before" and page.get_by_role("button").count():
            page.get_by_role("button").first.click()
            page.wait_for_load_state()
    assert all(one.startswith(site.url) for one in asked)
    context.close()

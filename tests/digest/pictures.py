"""Takes the pictures of the digest that the README shows: `python -m tests.digest.pictures docs/images`."""

import shutil
import sys
from pathlib import Path

from services.digest import render_html
from tests.digest import weeks
from tests.digest.test_digest_looks import QUIET

SHOTS = {
    "digest-light.png": ("light", 720, 1010, 1.25),
    "digest-dark.png": ("dark", 720, 1010, 1.25),
    "digest-phone.png": ("light", 375, 812, 1.75),
}


def take(folder: Path) -> None:
    """Write the three pictures into a folder, over what was there."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  # only where a browser is at hand

    page_html = render_html(weeks.full_week(), weeks.LINKS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
        for name, (scheme, width, height, scale) in SHOTS.items():
            page = chromium.new_page(
                viewport={"width": width, "height": height},
                color_scheme="dark" if scheme == "dark" else "light",
                device_scale_factor=scale,
            )
            page.set_content(page_html)
            page.screenshot(path=folder / name)
        chromium.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]))

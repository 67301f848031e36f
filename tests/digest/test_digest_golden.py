"""Golden digests: what a week looks like, byte for byte, in every form."""

from pathlib import Path

import pytest

from schemas.interface import Digest
from schemas.records import Mailbox
from services.digest import render_email, render_html, render_json, render_text
from tests.digest import weeks

FOLDER = Path(__file__).parents[1] / "golden" / "digest"


def _forms(digest: Digest) -> dict[str, bytes]:
    mail = render_email(
        digest,
        sender=Mailbox("kith@lumen.example", "Kith"),
        to=Mailbox("mara@lumen.example", digest.owner),
        message_id=f"digest.{digest.week}@lumen.example",
        boundary="=_kith_digest",
        date=weeks.MONDAY,
        links=weeks.LINKS,
    )
    return {
        "html": render_html(digest, weeks.LINKS).encode(),
        "txt": render_text(digest).encode(),
        "json": render_json(digest),
        "eml": mail.as_bytes(),
    }


@pytest.mark.parametrize("name", weeks.GOLDEN)
def test_digest_equals_its_golden_files(name: str, request: pytest.FixtureRequest) -> None:
    """A week is written the same to the byte on every run, in HTML, text, JSON and as a mail."""
    for form, written in _forms(weeks.GOLDEN[name]()).items():
        path = FOLDER / f"{name}.{form}"
        if request.config.getoption("--golden-update", default=False):
            path.write_bytes(written)
        assert path.exists(), f"{path.name} is missing: look at the digest, then --golden-update"
        assert path.read_bytes() == written, f"{path.name} differs: look at why, then --golden-update"


def test_no_golden_file_is_unused() -> None:
    """Every golden file belongs to a week of `weeks.GOLDEN`."""
    expected = {f"{name}.{form}" for name in weeks.GOLDEN for form in ("html", "txt", "json", "eml")}
    assert {path.name for path in FOLDER.iterdir()} == expected

"""Digests as files of the home: `digests/2026-W48.html`, `.txt` and `.json`."""

import os
from pathlib import Path

from schemas.interface import Digest
from services.digest import Links, render_html, render_json, render_text
from services.digest.render import NO_LINKS


def write_digest(digest: Digest, folder: Path, links: Links = NO_LINKS) -> list[Path]:
    """Write a digest in its three forms, each whole or not at all; the files, readable by the owner alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    forms = {
        "html": render_html(digest, links).encode(),
        "txt": render_text(digest, links).encode(),
        "json": render_json(digest),
    }
    written = []
    for ending, content in forms.items():
        file = folder / f"{digest.week}.{ending}"
        draft = file.with_suffix(f".{ending}.new")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            out.write(content)
        draft.replace(file)
        written.append(file)
    return written

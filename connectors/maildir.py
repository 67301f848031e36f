"""Mail in Maildirs (https://cr.yp.to/proto/maildir.html, read 2026-11), nested ones and whole trees of them.

A Maildir is a folder with `cur` and `new`; Maildir++ keeps its subfolders beside them as `.Sent` or `.Work.2024`.
Messages flagged D (draft) or T (trashed) are left out.

Promises: incremental: done (two stats for a folder that has not changed). tombstones: none, because mail deleted from
a file has still been written. paging: done. 429, re-consent, wrong account, revocation: none, because files have no
grant.
"""

import os
from pathlib import Path

from connectors._mail_folders import STREAM, Folder, MessageFolders
from schemas.connector import Access, ConnectorSpec, Source, legible
from schemas.errors import UnreadableFile

_ENTRIES = 500


def _is_maildir(path: str) -> bool:
    return Path(path, "cur").is_dir() and Path(path, "new").is_dir()


def folders_below(path: str) -> list[Folder]:
    """Every Maildir at a path and below it, in order; the insides of `cur`, `new` and `tmp` are not listed."""
    found: list[Folder] = []
    for place, folders, _ in os.walk(path):
        folders[:] = sorted(name for name in folders if name not in {"cur", "new", "tmp"})
        if _is_maildir(place):
            name = os.path.relpath(place, path)
            found.append(Folder(place, "" if name == "." else legible(name), ("cur", "new")))
    if not found:
        raise UnreadableFile(f"{path} holds no Maildir: a folder with cur and new in it.")
    return found


def open_source(access: Access) -> Source:
    """The Maildirs at the path given."""
    return MessageFolders(access, folders_below)


def recognise(path: str, head: bytes) -> int:  # noqa: ARG001 - a folder has no first bytes
    """How surely a path is a Maildir, or a folder with Maildirs in it."""
    if not Path(path).is_dir():
        return 0
    if _is_maildir(path):
        return 100
    with os.scandir(path) as entries:
        nested = any(_is_maildir(entry.path) for entry, _ in zip(entries, range(_ENTRIES), strict=False))
    return 90 if nested else 0


SPEC = ConnectorSpec("maildir", "Mail in Maildirs", STREAM, open_source, recognise)

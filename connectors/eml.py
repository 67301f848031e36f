"""Mail as .eml files, one message each (RFC 5322), single or in folder trees.

Promises: incremental: done (files are looked at by their times). tombstones: none, because mail deleted from a folder
has still been written. paging: done. 429, re-consent, wrong account, revocation: none, because files have no grant.
"""

import os
from pathlib import Path

from connectors._mail_folders import STREAM, Folder, MessageFolders
from connectors._mail_formats import is_mbox, mail_fields, refusal
from schemas.connector import Access, ConnectorSpec, Source, legible
from schemas.errors import UnreadableFile

_ENDINGS = (".eml",)
_ENTRIES = 500
_HEAD = 65_536


def folders_below(path: str) -> list[Folder]:
    """The one file named, or every folder at a path and below it that holds .eml files, in order."""
    if not Path(path).is_dir():
        _check(path)
        return [Folder(str(Path(path).parent), "", is_deep=True, only=Path(path).name)]
    found: list[Folder] = []
    for place, folders, names in os.walk(path):
        folders.sort()
        if any(name.lower().endswith(_ENDINGS) for name in names):
            name = os.path.relpath(place, path)
            found.append(Folder(place, "" if name == "." else legible(name), endings=_ENDINGS, is_deep=True))
    if not found:
        raise UnreadableFile(f"{path} holds no .eml file.")
    return found


def _check(path: str) -> None:
    name = Path(path).name
    try:
        with Path(path).open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise UnreadableFile(f"{name} cannot be opened: {error.strerror}.") from error
    reason = refusal(name, head)
    if reason:
        raise UnreadableFile(reason)
    if not mail_fields(head):
        raise UnreadableFile(f"{name} cannot be read as a mail message: it does not begin with mail headers.")


def open_source(access: Access) -> Source:
    """The message files at the path given."""
    return MessageFolders(access, folders_below)


def recognise(path: str, head: bytes) -> int:
    """How surely a path is one message, or a folder of such files.

    Outlook's own files are claimed weakly, so that their owner is told what to do with them.
    """
    if Path(path).is_dir():
        with os.scandir(path) as entries:
            near = zip(entries, range(_ENTRIES), strict=False)
            return 70 if any(entry.name.lower().endswith(_ENDINGS) for entry, _ in near) else 0
    ending = Path(path).suffix.lower()
    if is_mbox(head):
        return 10
    fields = mail_fields(head)
    if fields >= 2:
        return 95 if ending in _ENDINGS else 60
    if ending in {*_ENDINGS, ".pst", ".ost", ".msg"}:
        return 50
    return 0


SPEC = ConnectorSpec("eml", "Mail as .eml files", STREAM, open_source, recognise)

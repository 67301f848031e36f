"""Xandikos (CalDAV and CardDAV) as a process; it asks for no password."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.dav import DavServer
from tests.servers.processes import free_port, running


@contextmanager
def xandikos(folder: Path) -> Iterator[DavServer]:
    """A server over an empty folder, with the principal /alice/ and no collection."""
    port = free_port()
    command = [
        *(sys.executable, "-m", "xandikos", "serve", "-d", str(folder / "dav"), "--defaults"),
        *("--current-user-principal", "/alice/", "-l", "127.0.0.1", "-p", str(port)),
    ]
    with running(command, port, folder / "xandikos.log"):
        root = f"http://127.0.0.1:{port}/"
        server = DavServer("xandikos", root, f"{root}alice/calendars/", f"{root}alice/contacts/")
        server.delete(f"{server.calendars}calendar/")
        server.delete(f"{server.cards}addressbook/")
        yield server

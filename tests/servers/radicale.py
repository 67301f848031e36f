"""Radicale (CalDAV and CardDAV) as a process, with the user alice and her password."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.dav import DavServer
from tests.servers.processes import free_port, running

_CONFIG = """\
[server]
hosts = 127.0.0.1:{port}
[auth]
type = htpasswd
htpasswd_filename = {folder}/users
htpasswd_encryption = plain
delay = 0
[storage]
filesystem_folder = {folder}/collections
[rights]
type = owner_only
"""


@contextmanager
def radicale(folder: Path) -> Iterator[DavServer]:
    """A server over an empty folder."""
    port = free_port()
    (folder / "users").write_text("alice:secret\n")
    config = folder / "radicale.conf"
    config.write_text(_CONFIG.format(port=port, folder=folder))
    command = [sys.executable, "-m", "radicale", "--config", str(config)]
    with running(command, port, folder / "radicale.log"):
        yield DavServer("radicale", f"http://127.0.0.1:{port}/", f"http://127.0.0.1:{port}/alice/")

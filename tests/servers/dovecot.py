"""A real IMAP server for the tests: Dovecot on free ports of 127.0.0.1, as root or as an ordinary user.

One server serves a whole test run; each test has a user of its own, so that none sees another's mail. Every name is a
user, with the password `SECRET`.
"""

import getpass
import grp
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from imapclient import IMAPClient  # type: ignore[import-untyped]  # it carries no types

from tests.contract.live_source import SECRET

DOVECOT = shutil.which("dovecot") or "/usr/sbin/dovecot"
_WITHIN = 15.0
_SETTINGS = """
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2
auth_failure_delay = 0
default_internal_user = {internal}
default_internal_group = {group}
default_login_user = {login}
first_valid_uid = 1
first_valid_gid = 1
mail_uid = {mail}
mail_gid = {mail_group}
mail_location = {location}
mail_max_userip_connections = 100
mail_fsync = never
mailbox_list_index = yes
{more}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Sent {{
    special_use = \\Sent
    auto = create
  }}
  mailbox Drafts {{
    special_use = \\Drafts
    auto = create
  }}
  mailbox Junk {{
    special_use = \\Junk
    auto = create
  }}
  mailbox Trash {{
    special_use = \\Trash
    auto = create
  }}
}}
passdb {{
  driver = static
  args = password={secret}
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {folder}/oauth2.conf
}}
userdb {{
  driver = static
  args = uid={mail} gid={mail_group} home={folder}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""


@dataclass(frozen=True)
class Dovecot:
    """A running Dovecot: its ports, the folder with its mail, and the certificate to trust."""

    folder: Path
    port: int
    tls_port: int

    @property
    def ca_file(self) -> str:
        """The certificate of who signed the server's own."""
        return str(self.folder / "ca.pem")

    def signed_in(self, user: str) -> IMAPClient:
        """A connection of a mail program's."""
        client = IMAPClient("127.0.0.1", self.port, ssl=False, timeout=30)
        client.login(user, SECRET)
        return client

    def maildir(self, user: str) -> Path:
        """Where a user's INBOX is when mail is kept as Maildir."""
        return self.folder / "mail" / user / "Maildir"

    def own(self, path: Path) -> None:
        """Give files that a test wrote to the user that Dovecot reads mail as."""
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", "nobody:nogroup", str(path)], check=True)


def is_installed() -> bool:
    """Whether there is a Dovecot here."""
    return Path(DOVECOT).exists()


@contextmanager
def running(location: str = "sdbox:~/sdbox", more: Mapping[str, str] | None = None) -> Iterator[Dovecot]:
    """A Dovecot of one's own, ended at the end.

    Args:
        location: where mail is kept, in Dovecot's words.
        more: settings by name.
    """
    # A short path: a socket's may not be longer than 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="kith-imap-", dir="/tmp"))
    try:
        for _ in range(5):
            server = _started(folder, location, more or {})
            if server is not None:
                break
        else:
            raise RuntimeError((folder / "out").read_text() + (folder / "dovecot.log").read_text())
        try:
            yield server
        finally:
            _stop(server)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _started(folder: Path, location: str, more: Mapping[str, str]) -> Dovecot | None:
    is_root = os.geteuid() == 0
    own = getpass.getuser()
    own_group = grp.getgrgid(os.getgid()).gr_name
    folder.chmod(0o755)
    (folder / "mail").mkdir(exist_ok=True)
    (folder / "mail").chmod(0o777)
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    for number, blob in enumerate(certificate.cert_chain_pems):
        blob.write_to_path(folder / "cert.pem", append=number > 0)
    (folder / "oauth2.conf").write_text("tokeninfo_url = http://127.0.0.1:9/\nclient_id = kith\n")
    ports = _free_ports(2)
    (folder / "dovecot.conf").write_text(
        _SETTINGS.format(
            folder=folder,
            location=location,
            secret=SECRET,
            port=ports[0],
            tls_port=ports[1],
            internal="dovecot" if is_root else own,
            group="dovecot" if is_root else own_group,
            login="dovenull" if is_root else own,
            mail="nobody" if is_root else own,
            mail_group="nogroup" if is_root else own_group,
            more="\n".join(f"{name} = {value}" for name, value in more.items()),
        )
    )
    with (folder / "out").open("wb") as out:
        subprocess.run(
            [DOVECOT, "-c", str(folder / "dovecot.conf")],
            check=False,
            stdout=out,
            stderr=out,
            timeout=_WITHIN,
        )
    deadline = time.monotonic() + _WITHIN
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", ports[0]), 1) as made:
            made.settimeout(5)
            if made.recv(4) == b"* OK":
                return Dovecot(folder, *ports)
        if not (folder / "run" / "master.pid").exists():
            return None
        time.sleep(0.02)  # noqa: TID251 - a server starts in its own time
    return None


def _stop(server: Dovecot) -> None:
    master = server.folder / "run" / "master.pid"
    pid = int(master.read_text())
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _WITHIN
    # It takes its own file away when it ends; as a process it may stay for whoever should have waited for it.
    while master.exists() and time.monotonic() < deadline:
        time.sleep(0.02)  # noqa: TID251 - a server ends in its own time


def _free_ports(count: int) -> list[int]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in listeners]
    for one in listeners:
        one.close()
    return ports


def needed() -> None:
    """Skip what needs a Dovecot where there is none."""
    if not is_installed():
        pytest.skip("needs Dovecot: python -m tests.system_packages")

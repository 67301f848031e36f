"""The three programs as the benchmark runs them, each with a home of its own and nothing of the user's."""

import os
import shutil
import sys
from pathlib import Path

from deploy.sample.bulk import END, OWNER_ADDRESSES, OWNER_NAME, ZONE

NOW = END.strftime("%Y-%m-%dT08:00:00Z")


def environment(home: Path) -> dict[str, str]:
    """A small, fixed environment with its HOME in the benchmark's folder."""
    home.mkdir(parents=True, exist_ok=True)
    keep = {name: os.environ[name] for name in ("PATH", "VIRTUAL_ENV", "TMPDIR") if name in os.environ}
    return {**keep, "HOME": str(home), "LANG": "C.UTF-8", "TZ": "UTC"}


class Kith:
    """The `kith` command of this environment."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.env = environment(home.parent / "kith-user") | {"KITH_NOW": NOW, "KITH_LOG_FORMAT": "json"}
        self._program = Path(sys.executable).with_name("kith")

    @property
    def is_there(self) -> bool:
        """Whether the command is installed."""
        return self._program.exists()

    def command(self, *words: str) -> list[str]:
        """A call of it with this home, answering in JSON."""
        return [str(self._program), "--home", str(self.home), "--json", *words]

    def init(self) -> list[str]:
        """Make the home."""
        addresses = [word for address in OWNER_ADDRESSES for word in ("--email", address)]
        return self.command("init", "--name", OWNER_NAME, *addresses, "--timezone", ZONE)


class Notmuch:
    """notmuch with its database apart from the mail (`database.mail_root`, notmuch-config(1))."""

    def __init__(self, home: Path, maildir: Path) -> None:
        self.home = home
        self.env = environment(home.parent / "notmuch-user")
        self.env["NOTMUCH_CONFIG"] = str(home / "config")
        home.mkdir(parents=True, exist_ok=True)
        (home / "database").mkdir(exist_ok=True)
        (home / "config").write_text(
            f"[database]\npath={home / 'database'}\nmail_root={maildir.resolve()}\n"
            f"[user]\nname={OWNER_NAME}\nprimary_email={OWNER_ADDRESSES[0]}\nother_email={OWNER_ADDRESSES[1]}\n"
            "[new]\ntags=unread;inbox\n[maildir]\nsynchronize_flags=false\n"
        )

    @property
    def is_there(self) -> bool:
        """Whether the program is installed."""
        return shutil.which("notmuch") is not None

    def new(self) -> list[str]:
        """Index what is new."""
        return ["notmuch", "new", "--no-hooks", "--quiet"]


class Mu:
    """mu with its database in a folder of its own."""

    def __init__(self, home: Path, maildir: Path) -> None:
        self.home = home
        self.env = environment(home.parent / "mu-user")
        self._maildir = maildir.resolve()

    @property
    def is_there(self) -> bool:
        """Whether the program is installed."""
        return shutil.which("mu") is not None

    def init(self) -> list[str]:
        """Make the database."""
        own = [f"--my-address={address}" for address in OWNER_ADDRESSES]
        return ["mu", "init", f"--muhome={self.home}", f"--maildir={self._maildir}", *own]

    def index(self, *, is_lazy: bool = False) -> list[str]:
        """Index the mail; lazily, folders whose time stamp has not changed are passed over."""
        lazy = ["--lazy-check"] if is_lazy else []
        return ["mu", "index", "--quiet", f"--muhome={self.home}", *lazy]

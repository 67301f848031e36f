"""Installs what the tests need and no wheel holds: a browser, an IMAP server. Run as `python -m tests.system_packages`.

Where one cannot be installed (no Debian packages, not root), the tests that need it are left out and say so.
"""

import os
import shutil
import subprocess
import sys

PACKAGES = {
    "chromium": ("chromium", "fonts-dejavu-core", "fonts-liberation"),
    "/usr/sbin/dovecot": ("dovecot-imapd",),
}
"""By the program that shows that they are there."""


def main() -> int:
    """Install what is missing and can be had."""
    wanted = [name for program, names in PACKAGES.items() if not shutil.which(program) for name in names]
    if not wanted:
        return 0
    if not shutil.which("apt-get") or os.geteuid() != 0:
        sys.stderr.write(
            f"There is no {' and no '.join(wanted)} here; the tests that need it are left out. Install it to run them.\n"
        )
        return 0
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    sys.stderr.write(f"Installing {', '.join(wanted)} for the tests.\n")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *wanted]):
        done = subprocess.run(["apt-get", "-q", *command], check=False, env=environment, **quiet)  # type: ignore[call-overload]  # two streams to nowhere
        if done.returncode:
            sys.stderr.write("They could not be installed; the tests that need them are left out.\n")
            return 0
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

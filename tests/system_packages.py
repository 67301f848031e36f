"""Installs what the tests need and no wheel holds: a browser. Run as `python -m tests.system_packages`.

Where it cannot be installed (no Debian packages, not root), the browser tests are left out and say so.
"""

import os
import shutil
import subprocess
import sys

PACKAGES = ("chromium", "fonts-dejavu-core", "fonts-liberation")


def main() -> int:
    """Install Chromium when it is missing and can be had."""
    if shutil.which("chromium"):
        return 0
    if not shutil.which("apt-get") or os.geteuid() != 0:
        sys.stderr.write(
            "There is no Chromium here; the browser tests are left out. Install it to run them.\n"
        )
        return 0
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    sys.stderr.write("Installing Chromium for the browser tests.\n")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *PACKAGES]):
        done = subprocess.run(["apt-get", "-q", *command], check=False, env=environment, **quiet)  # type: ignore[call-overload]  # two streams to nowhere
        if done.returncode:
            sys.stderr.write("Chromium could not be installed; the browser tests are left out.\n")
            return 0
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

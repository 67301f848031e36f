"""The Makefile, with a Python that installs nothing: what it says while its user waits."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAYS = "Installing what Kith needs into .venv (a minute or two)…\n"
_STUB = """#!/bin/sh
if [ "$1" = -m ] && [ "$2" = venv ]; then
    mkdir -p "$3/bin"
    for one in python pip kith; do printf '#!/bin/sh\\n' > "$3/bin/$one"; chmod +x "$3/bin/$one"; done
fi
"""


@pytest.mark.parametrize("target", ["setup", "demo"])
def test_installing_is_said_and_only_then(tmp_path: Path, target: str) -> None:
    """One line at once when something is installed, also after a lock changed; no line when nothing is to be done."""
    (tmp_path / "deploy" / "locks").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "deploy/locks/run.txt", "deploy/locks/test.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    python = tmp_path / "python"
    python.write_text(_STUB)
    python.chmod(0o755)

    def made() -> str:
        words = ["make", "--no-print-directory", target, f"PYTHON={python}"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
        return subprocess.run(
            words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=True
        ).stdout

    assert made() == SAYS
    assert made() in {"", "make: Nothing to be done for 'setup'.\n"}
    lock = tmp_path / "deploy" / "locks" / "run.txt"
    later = (tmp_path / ".venv" / ".run").stat().st_mtime + 5
    os.utime(lock, (later, later))
    assert made() == SAYS

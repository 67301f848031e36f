"""The files of docs/operations.md that start Kith by itself are well made, and start what there is."""

import os
import plistlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.cli.main import app

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")


def block_of(language: str) -> str:
    (block,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(block)


def test_both_start_the_command_that_runs_a_home() -> None:
    """The unit and the property list name the same program, which has the command; the list is one that parses."""
    listed = plistlib.loads(block_of("xml").encode())
    (started,) = re.findall(r"^ExecStart=%h/(.*)$", block_of("ini"), re.MULTILINE)
    program, command = started.split(" ")
    assert listed["ProgramArguments"] == [f"/Users/mara/{program}", command]
    assert command in app.commands
    assert f"~/Library/LaunchAgents/{listed['Label']}.plist" in PAGE
    assert listed["KeepAlive"] == {"SuccessfulExit": False}
    assert (listed["RunAtLoad"], listed["ThrottleInterval"]) == (True, 60)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_finds_no_fault_in_the_unit(tmp_path: Path) -> None:
    """`systemd-analyze verify` has nothing to say of it, and does of the same unit with a misspelt word."""
    program = tmp_path / "kith" / ".venv" / "bin" / "kith"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)

    def verified(unit: str) -> str:
        file = tmp_path / "kith.service"
        # Root's %h is root's folder, whatever HOME says.
        file.write_text(unit.replace("%h", str(tmp_path)))
        environment = {**os.environ, "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
        return subprocess.run(
            ["systemd-analyze", "verify", "--user", "--man=no", str(file)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        ).stderr

    assert "kith" not in verified(block_of("ini"))
    assert "Restrat" in verified(block_of("ini").replace("Restart=", "Restrat="))

"""The benchmark measures what it says."""

import os
import re
import sys
from pathlib import Path

import pytest

from tests.bench.__main__ import main
from tests.bench.costs import told_on_page, whole_table
from tests.bench.measure import run

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
LINUX = pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs /proc")
CHILD = "import time; kept = bytes(range(256)) * (60 * 4096); time.sleep(0.5)"


@LINUX
def test_memory_of_descendants_counts(tmp_path: Path) -> None:
    """A child's child that holds 60 MB is seen in the peak of the tree."""
    program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CHILD!r}], check=True)"
    cost = run([sys.executable, "-c", program], os.environ, tmp_path)
    assert cost.status == 0
    assert cost.resident > 60 * 1024 * 1024
    assert cost.proportional > 60 * 1024 * 1024
    assert cost.wall > 0.5


def test_the_exit_status_and_outputs_are_kept(tmp_path: Path) -> None:
    """A failing command's status and words come back."""
    cost = run([sys.executable, "-c", "import sys; print('out'); sys.exit('no')"], os.environ, tmp_path)
    assert (cost.status, cost.stdout.strip(), cost.stderr.strip()) == (1, b"out", b"no")


def test_one_table_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A small run prints its table and writes it to the file asked for."""
    out = tmp_path / "table.md"
    words = ["--messages", "40", "--only", "mu", "--corpus", str(tmp_path / "corpus"), "--out", str(out)]
    assert main(words) == 0
    page = capsys.readouterr().out
    assert page == out.read_text("utf-8")
    assert "| step |" in page


def test_the_costs_on_the_page_are_those_that_are_measured() -> None:
    """What docs/bench.md tells of the vendors was counted, and is so now; `--update` of `tests.bench.costs` writes it anew.

    Where batches end depends on when answers come, so a request or two may differ.
    """
    told, counted = told_on_page(), whole_table()
    assert _NUMBER.sub("#", told) == _NUMBER.sub("#", counted)
    for then, now in zip(_NUMBER.findall(told), _NUMBER.findall(counted), strict=True):
        before, after = (float(one.replace(",", "")) for one in (then, now))
        assert after == pytest.approx(before, rel=0.05, abs=2)

"""Homes to try commands on."""

from pathlib import Path

import pytest

from tests.cli.runner import Kith


@pytest.fixture
def kith(tmp_path: Path) -> Kith:
    """A home just made, with nothing in it."""
    return Kith(tmp_path / "home").init()

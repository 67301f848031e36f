"""Live tests are collected by `python -m tests.live` alone, which says for whom."""

import os

import pytest

collect_ignore_glob = [] if os.environ.get("KITH_LIVE") else ["test_*.py"]


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker."""
    config.addinivalue_line("markers", "live: at a vendor, with an account of whoever runs it")

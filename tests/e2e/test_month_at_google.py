"""The same month at Google, over its own APIs."""

from pathlib import Path

from tests.e2e.google import google_world
from tests.e2e.month import START, live_a_month


def test_a_month_at_google(tmp_path: Path) -> None:
    """Every promise of the closed loop, with Gmail, Calendar and Tasks, and nothing on the wire that Google refuses."""
    with google_world(tmp_path, START, KITH_WEEKLY_CAP="0") as life:
        live_a_month(life, tmp_path)
        assert life.server.breaches == []

"""The same month at Microsoft, over Graph."""

from pathlib import Path

from tests.e2e.microsoft import microsoft_world
from tests.e2e.month import START, live_a_month


def test_a_month_at_microsoft(tmp_path: Path) -> None:
    """Every promise of the closed loop, with mail, calendar and To Do, and nothing on the wire that Graph refuses."""
    with microsoft_world(tmp_path, START, KITH_WEEKLY_CAP="0") as life:
        live_a_month(life, tmp_path)
        assert life.server.breaches == []

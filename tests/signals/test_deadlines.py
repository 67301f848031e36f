"""A clause's deadline is the day that its writer meant."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.connector import TextContext
from services.signals.deadlines import find_due
from services.signals.reading import read_text

TABLE = (Path(__file__).parent / "data" / "deadlines.txt").read_text(encoding="utf-8").splitlines()[1:]
FIRST = datetime(1990, 1, 1)  # noqa: DTZ001 - the grammar takes a writer's wall time
TIMES = st.datetimes(min_value=FIRST, max_value=FIRST.replace(year=2090))
LANGUAGES = ("en", "de", "fr", "es", "it")


@pytest.mark.parametrize("line", TABLE)
def test_a_clause_names_the_day_of_the_table(line: str) -> None:
    """Each clause of the table, said at its time, names the day beside it."""
    said, wanted = line.rsplit(" = ", 1)
    at, language, clause = said.split(" ", 2)
    due = find_due(clause, datetime.fromisoformat(at), language)
    assert due == (None if wanted == "-" else date.fromisoformat(wanted))


def test_the_table_is_large() -> None:
    """The table holds at least 120 cases."""
    assert len(TABLE) >= 120


@pytest.mark.parametrize(
    ("offset", "due"),
    [
        (0, date(2026, 11, 25)),
        (120, date(2026, 11, 26)),
        (-720, date(2026, 11, 25)),
        (840, date(2026, 11, 26)),
    ],
)
def test_a_promise_is_due_in_the_day_of_its_writer(offset: int, due: date) -> None:
    """ "Tomorrow" at 23:30 UTC is another day in Helsinki than in London."""
    context = TextContext(at=datetime(2026, 11, 24, 23, 30, tzinfo=UTC), utc_offset=offset)
    [signal] = read_text("I'll send you the deck tomorrow.", context).signals
    assert (signal.kind, signal.due) == ("promise", due)


@given(
    st.text(max_size=300),
    TIMES,
    st.sampled_from(LANGUAGES),
)
def test_any_clause_names_a_day_or_none(clause: str, at: datetime, language: str) -> None:
    """No text makes the grammar fail."""
    due = find_due(clause, at, language)
    assert due is None or isinstance(due, date)


@given(
    TIMES,
    st.sampled_from(["monday", "friday", "sunday"]),
)
def test_by_a_weekday_is_within_the_coming_seven_days(at: datetime, weekday: str) -> None:
    """ "By Friday" never lies in the past and never beyond a week."""
    due = find_due(f"by {weekday}", at)
    assert due is not None
    assert timedelta(0) <= due - at.date() < timedelta(days=7)

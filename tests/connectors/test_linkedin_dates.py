"""Dates in every form that LinkedIn's files and Excel's copies of them hold."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors._linkedin_dates import DateColumn, month_of
from tests.cost import cpu_seconds

floating = datetime.fromisoformat
LATEST = date(2026, 11, 22)


def column(*cells: str, default: str = "month first") -> DateColumn:
    made = DateColumn("day first" if default == "day first" else "month first", LATEST)
    for cell in cells:
        made.show(cell)
    return made


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("08 Feb 2026", date(2026, 2, 8)),
        ("8 Feb 2026", date(2026, 2, 8)),
        ("Feb 8, 2026", date(2026, 2, 8)),
        ("February 8, 2026", date(2026, 2, 8)),
        ("2026-02-08", date(2026, 2, 8)),
        ("2026/02/08", date(2026, 2, 8)),
        ("8-Feb-26", date(2026, 2, 8)),
        ("4-Apr-21", date(2021, 4, 4)),
        ("15.03.2024", date(2024, 3, 15)),
        ("08. März 2026", date(2026, 3, 8)),
        ("8. Mrz. 2026", date(2026, 3, 8)),
        ("8 févr. 2026", date(2026, 2, 8)),
        ("8 août 2025", date(2025, 8, 8)),
        ("8 de febrero de 2026", date(2026, 2, 8)),
        ("8 dic 2025", date(2025, 12, 8)),
        ("8 gen 2026", date(2026, 1, 8)),
        ("8 de fev. de 2026", date(2026, 2, 8)),
        ("8 mrt 2026", date(2026, 3, 8)),
        ("08\u00a0Feb\u00a02026", date(2026, 2, 8)),
        ("２０２６-02-08", date(2026, 2, 8)),
        ("2026年2月8日", date(2026, 2, 8)),
        ("30 Feb 2026", None),
        ("08 Foo 2026", None),
        ("2026", None),
        ("someday", None),
        ("", None),
        ("08 Feb 0026", None),
        ("31/31/2026", None),
    ],
)
def test_days(cell: str, expected: date | None) -> None:
    """Each observed form of a day is read; what is no day gives none."""
    assert column(cell).day(cell) == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2026-02-08 10:11:12 UTC", datetime(2026, 2, 8, 10, 11, 12, tzinfo=UTC)),
        ("2026-02-08 10:11 UTC", datetime(2026, 2, 8, 10, 11, tzinfo=UTC)),
        ("2026-02-08 10:11:12", floating("2026-02-08 10:11:12")),
        ("2026-02-08T10:11:12Z", datetime(2026, 2, 8, 10, 11, 12, tzinfo=UTC)),
        ("2026-02-08T10:11:12.345+02:00", datetime(2026, 2, 8, 8, 11, 12, tzinfo=UTC)),
        ("2024/03/15 10:11:12 UTC", datetime(2024, 3, 15, 10, 11, 12, tzinfo=UTC)),
        ("1/29/26, 2:37 PM", floating("2026-01-29 14:37:00")),
        ("1/29/26, 2:37\u202fPM", floating("2026-01-29 14:37:00")),
        ("1/29/26, 12:05 AM", floating("2026-01-29 00:05:00")),
        ("08/30/22, 05:51 PM", floating("2022-08-30 17:51:00")),
        ("03/29/26", floating("2026-03-29 00:00:00")),
        ("01/29/20, 14:37 PM", floating("2020-01-29 14:37:00")),
        ("01/29/20, 00:37 AM", floating("2020-01-29 00:37:00")),
        ("01/29/20, 14:37 AM", None),
        ("01/29/20, 00:37 PM", None),
        ("Wed Jun 24 12:43:42 UTC 2026", datetime(2026, 6, 24, 12, 43, 42, tzinfo=UTC)),
        ("Apr 08, 2024 07:00 AM - Apr 08, 2024 05:00 PM", floating("2024-04-08 07:00:00")),
        ("15.03.2024 10:11", floating("2024-03-15 10:11:00")),
        ("2026-02-08 25:11:12 UTC", None),
    ],
)
def test_instants(cell: str, expected: datetime | None) -> None:
    """Each observed form of an instant is read, aware where it names a zone and floating where not."""
    assert column(cell).instant(cell) == expected


def test_column_decides_by_cells_with_one_reading() -> None:
    """One cell that can be read in one way only decides for all that can be read in two."""
    assert column("03/04/24", "25/12/23").day("03/04/24") == date(2024, 4, 3)
    assert column("03/04/24", "12/25/23").day("03/04/24") == date(2024, 3, 4)


def test_column_decides_by_the_future() -> None:
    """A reading that would lie in the future is none."""
    assert column("01/12/26").day("01/12/26") == date(2026, 1, 12)


def test_column_decides_by_order() -> None:
    """With no such cell, the order that leaves the list newest first decides."""
    cells = ("05/03/24", "04/03/24", "01/03/24", "11/02/24", "02/02/24")
    assert column(*cells).day("05/03/24") == date(2024, 3, 5)


def test_column_falls_back() -> None:
    """With no evidence at all the default holds."""
    assert column("03/04/24", default="day first").day("03/04/24") == date(2024, 4, 3)
    assert column("03/04/24").day("03/04/24") == date(2024, 3, 4)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("Jun 2019", date(2019, 6, 1)),
        ("2019", date(2019, 1, 1)),
        ("Jun-19", date(2019, 6, 1)),
        ("juin 2019", date(2019, 6, 1)),
        ("06/2019", date(2019, 6, 1)),
        ("2019-06-15", date(2019, 6, 1)),
        ("15 Jun 2019", date(2019, 6, 1)),
        ("", None),
        ("present", None),
        ("99999", None),
    ],
)
def test_months(cell: str, expected: date | None) -> None:
    """Months and years of positions give their first day."""
    assert month_of(cell) == expected


@given(st.text(max_size=120))
def test_any_text_is_taken(cell: str) -> None:
    """No text makes reading a date fail."""
    dates = column(cell)
    dates.instant(cell)
    month_of(cell)


@given(
    st.dates(date(2003, 5, 5), date(2026, 11, 20)),
    st.sampled_from(["%d %b %Y", "%b %d, %Y", "%Y-%m-%d", "%d.%m.%Y"]),
)
def test_written_days_come_back(day: date, form: str) -> None:
    """A day written in a form that tells its order is read as that day."""
    cell = day.strftime(form)
    assert column(cell, "25.12.2023").day(cell) == day


@pytest.mark.parametrize("probe", ["1:" * 32_768, " " * 65_536, "1/1/" * 16_384, "a" * 65_536, "- " * 32_768])
def test_long_cells_take_no_time(probe: str) -> None:
    """64 KB of anything in a date cell is refused at once (S18)."""

    def refused() -> None:
        assert column(probe).instant(probe) is None
        assert month_of(probe) is None

    assert cpu_seconds(refused, 1.5) < 1.5

"""Tables that are nearly those of candles: several prices side by side, two timeframes, names that tell half."""

from __future__ import annotations

import pandas as pd
import pytest

from lib.errors import FileRefused
from lib.files import read
from tests.files.written import table

DAYS = table(60, "1D", "2024-01-13", 4)
HOURS = table(60, "1h", "2024-01-13", 3)


def lines(want: pd.DataFrame, time: str) -> str:
    """Rows without a header, the times in the given format."""
    return "".join(
        f"{at.strftime(time)}," + ",".join(f"{each:.5f}" for each in row) + "\n"
        for at, row in zip(want.index, want.to_numpy(), strict=True)
    )


def test_closes_of_four_symbols_are_no_candles() -> None:
    rows = "".join(
        f"{time:%Y-%m-%d},{c},{c + 0.9},{c - 0.3},{c + 0.4}\n" for time, c in DAYS["close"].items()
    )
    with pytest.raises(FileRefused, match="which column is the open cannot be told"):
        read("x.csv", ("Date,SPY,IVV,ES,VOO\n" + rows).encode())


def test_days_before_candles_of_minutes_are_said() -> None:
    minutes = table(200, "5min", "2024-03-20", 5)
    text = (
        "time,open,high,low,close,volume\n" + lines(DAYS, "%Y-%m-%d %H:%M") + lines(minutes, "%Y-%m-%d %H:%M")
    )
    made = read("x.csv", text.encode())
    assert str(made.timeframe) == "5m"
    assert any(
        each.startswith("From line 2 on, 61 rows in turn stand whole days or hours apart")
        for each in made.reading.warnings
    )


def test_a_few_days_without_trades_are_no_other_timeframe() -> None:
    sparse = table(2000, "5min", "2024-03-20", 5).iloc[
        [*range(300), *range(300, 2000, 288), *range(1900, 2000)]
    ]
    made = read("x.csv", ("time,open,high,low,close,volume\n" + lines(sparse, "%Y-%m-%d %H:%M")).encode())
    assert not made.reading.warnings


def test_dates_under_another_name_beside_times_of_day() -> None:
    made = read(
        "x.csv", ("Session,Time,Open,High,Low,Close,Volume\n" + lines(HOURS, "%Y-%m-%d,%H:%M")).encode()
    )
    pd.testing.assert_frame_equal(made.table, HOURS, check_freq=False, rtol=1e-4)


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("Date,Hour Ending", lambda at: f"{at:%Y-%m-%d},{at.hour + 1}"),
        ("Datum,Von,Bis", lambda at: f"{at:%Y-%m-%d},{at:%H:%M},{at + pd.Timedelta('1h'):%H:%M}"),
    ],
)
def test_hours_by_their_beginning_or_end(header: str, cells: object) -> None:
    assert callable(cells)
    rows = "".join(
        f"{cells(at)}," + ",".join(f"{each:.5f}" for each in row) + "\n"
        for at, row in zip(HOURS.index, HOURS.to_numpy(), strict=True)
    )
    made = read("x.csv", f"{header},Open,High,Low,Close,Volume\n{rows}".encode())
    pd.testing.assert_frame_equal(made.table, HOURS, check_freq=False, rtol=1e-4)


def test_dates_in_the_first_row_of_each_day() -> None:
    rows = lines(HOURS, "%d.%m.%Y,%H:%M").splitlines()
    kept = [row if n % 24 == 0 else row[10:] for n, row in enumerate(rows)]
    made = read("x.csv", ("Datum,Zeit,Open,High,Low,Close,Volume\n" + "\n".join(kept) + "\n").encode())
    pd.testing.assert_frame_equal(made.table, HOURS, check_freq=False, rtol=1e-4)


def test_a_day_whose_date_is_missing_is_not_that_above_it() -> None:
    rows = lines(HOURS, "%Y-%m-%d,%H:%M").splitlines()
    kept = [row if n == 0 or n == 48 else row[10:] for n, row in enumerate(rows)]
    with pytest.raises(FileRefused, match="is not a time like the others"):
        read("x.csv", ("Date,Time,Open,High,Low,Close,Volume\n" + "\n".join(kept) + "\n").encode())


def test_a_printed_table_whose_times_have_no_names() -> None:
    text = "open high low close volume\ntime\n" + lines(HOURS, "%Y-%m-%d %H:%M:%S").replace(",", "   ")
    made = read("x.txt", text.encode())
    pd.testing.assert_frame_equal(made.table, HOURS, check_freq=False, rtol=1e-4)


def test_the_same_column_twice_is_one() -> None:
    names = "Open,High,Low,Close,Volume"
    rows = "".join(
        f"{at:%Y-%m-%d}," + ",".join(f"{each:.5f}" for each in (*row, *row)) + "\n"
        for at, row in zip(DAYS.index, DAYS.to_numpy(), strict=True)
    )
    made = read("x.csv", f"Date,{names},{names}\n{rows}".encode())
    pd.testing.assert_frame_equal(made.table, DAYS, check_freq=False, rtol=1e-4)
    with pytest.raises(FileRefused, match="several columns could be the open"):
        read("x.csv", f"Date,{names},{names}\n{rows.replace('-13,1.', '-13,2.')}".encode())

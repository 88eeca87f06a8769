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

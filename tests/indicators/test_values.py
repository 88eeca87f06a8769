"""Values against definitions written out plainly, and a few that are worked by hand here."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lib.indicators import REGISTRY, Pick, compute, parse_list
from tests.indicators import plain
from tests.indicators.made import table, walk

WRITTEN = [
    *REGISTRY,
    "sma(2)", "sma(150)", "ema(2)", "ema(10)", "bbands(5,0.5)", "vwap(2)", "vwap(3)", "supertrend(7,1)",
    "supertrend(2,0.5)", "ichimoku(1,2,3)", "ichimoku(20,5,9)", "psar(0.05,0.1)", "psar(1,1)", "rsi(2)",
    "macd(2,3,2)", "macd(5,35,5)", "stoch(14,1,1)", "stoch(1,1,1)", "stoch(5,3,7)", "atr(2)", "adx(5)",
    "cci(5)", "willr(2)", "mfi(2)", "mfi(100)",
]  # fmt: skip


@pytest.mark.parametrize("written", WRITTEN)
def test_as_defined(written: str) -> None:
    pick = Pick.parse(written)
    bars = walk(400)
    whole = [int(value) if float(value).is_integer() else value for value in pick.params]
    expected = getattr(plain, pick.name)(bars, *whole)
    values = compute(bars, [pick])
    for column, theirs in zip(pick.columns, expected, strict=True):
        rows = np.array([np.nan if value is None else value for value in theirs])
        np.testing.assert_allclose(values[column], rows, rtol=1e-9, atol=1e-9, equal_nan=True)


def test_worked_by_hand() -> None:
    high, low = np.array([11.0, 13, 12, 16, 15]), np.array([9.0, 10, 10, 12, 11])
    close, volume = np.array([10.0, 12, 11, 15, 13]), np.array([100.0, 200, 100, 400, 200])
    written = "sma(3);ema(3);rsi(2);bbands(2,2);atr(2);obv;willr(3);stoch(3,1,1);vwap(1);cci(2);mfi(2)"
    picks = parse_list(written)
    values = compute(table(close, high, low, close, volume), picks)
    nan = np.nan
    expected = {
        "sma(3)": [nan, nan, 11, 38 / 3, 13],
        "ema(3)": [nan, nan, 11, 13, 13],
        # changes +2 -1 +4 -2; gains 1, 2.5, 1.25; losses .5, .25, 1.125
        "rsi(2)": [nan, nan, 200 / 3, 250 / 2.75, 125 / 2.375],
        "bbands(2,2).upper": [nan, 13, 12.5, 17, 16],
        "bbands(2,2).lower": [nan, 9, 10.5, 9, 12],
        # true ranges 3, 2, 5, 4
        "atr(2)": [nan, nan, 2.5, 3.75, 3.875],
        "obv": [100, 300, 200, 600, 400],
        "willr(3)": [nan, nan, -50, -100 / 6, -50],
        "stoch(3,1,1).k": [nan, nan, 50, 500 / 6, 50],
        # typical 10, 35/3, 11, 43/3, 13
        "vwap(1)": [10, 10000 / 900, 13300 / 1200, 30500 / 2400, 38300 / 3000],
        "cci(2)": [nan, 1 / 0.015, -1 / 0.015, 1 / 0.015, -1 / 0.015],
        "mfi(2)": [nan, nan, 7000 / 3 / (7000 / 3 + 1100) * 100, 17200 / 3 / (17200 / 3 + 1100) * 100,
                   17200 / 3 / (17200 / 3 + 2600) * 100],
    }  # fmt: skip
    for column, rows in expected.items():
        np.testing.assert_allclose(values[column], rows, rtol=1e-12, equal_nan=True, err_msg=column)


def test_vwap_of_days_starts_anew_with_the_trading_week_and_month() -> None:
    """London's days open at 23:00 UTC the day before in summer: a Monday's on a Sunday, the first of a month's before."""
    midnights = pd.date_range("2023-12-28", "2024-07-31", freq="B", tz="Europe/London")
    bars = walk(len(midnights)).set_axis(midnights.tz_convert("UTC").as_unit("us").rename("time"))
    values = compute(bars, parse_list("vwap(1);vwap(2);vwap(3)"))
    same = np.isclose(
        values, np.repeat(bars[["high", "low", "close"]].mean(axis=1).to_numpy()[:, None], 3, 1)
    )
    assert same[:, 0].all()
    assert (midnights[1:].day_of_week[same[1:, 1]] == 0).all() and same[:, 1].sum() == 1 + 31
    assert midnights[1:][same[1:, 2]].month.tolist() == [1, 2, 3, 4, 5, 6, 7]
    for at in range(len(bars)):
        part = compute(bars.iloc[:at], parse_list("vwap(2)"))
        assert part.equals(values.iloc[:at][["vwap(2)"]])


def test_vwap_starts_anew_with_each_session() -> None:
    bars = walk(24 * 40, start="2024-01-28")  # a Sunday
    values = compute(bars, parse_list("vwap(1);vwap(2);vwap(3)"))
    typical = bars[["high", "low", "close"]].sum(axis=1) / 3
    same = {column: np.isclose(values[column], typical, rtol=1e-14) for column in values}
    assert (bars.index[same["vwap(1)"]].hour == 0).all()
    assert same["vwap(1)"].sum() == 40
    assert bars.index[same["vwap(2)"]][1:].day_of_week.unique().tolist() == [0]
    assert bars.index[same["vwap(3)"]][1:].day.unique().tolist() == [1]

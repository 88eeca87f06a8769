"""Figures about a stretch, against values worked out by hand."""

import math

import numpy as np
import pandas as pd
import pytest

from lib.candles import empty, from_micros
from lib.statistics import summarise


def table(closes, *, volume=None, step="1D"):
    times = pd.date_range("2024-01-01", periods=len(closes), freq=step, tz="UTC").as_unit("us")
    closes = np.array(closes, float)
    opens = np.concatenate([[closes[0]], closes[:-1]])
    return from_micros(
        times.asi8,
        {
            "open": opens,
            "high": np.maximum(opens, closes) + 1,
            "low": np.minimum(opens, closes) - 1,
            "close": closes,
            "volume": np.full(len(closes), np.nan) if volume is None else np.array(volume, float),
        },
    )


def test_return_range_and_volume():
    summary = summarise(table([100, 110, 99], volume=[1, math.nan, 2.5]))
    assert summary.change == pytest.approx(-0.01)
    assert (summary.high, summary.low) == (111, 98)
    assert summary.span == pytest.approx((111 - 98) / 98)
    assert summary.volume == 3.5
    assert summary.candles == 3


def test_volatility_is_scaled_by_the_candles_a_year_has_here():
    # log returns ln(1.1) and ln(0.9), a day apart: deviation of two values is |a - b| / sqrt(2)
    deviation = abs(math.log(1.1) - math.log(0.9)) / math.sqrt(2)
    summary = summarise(table([100, 110, 99]))
    assert summary.volatility == pytest.approx(deviation * math.sqrt(365.2425), rel=1e-9)


def test_what_cannot_be_known_is_none():
    assert summarise(empty()) is None
    two = summarise(table([100, 101]))
    assert two.volatility is None
    assert two.volume is None


def test_filled_candles_are_left_out():
    whole = table([100, 500, 99], volume=[1, 9, 2])
    whole["filled"] = [False, True, False]
    summary = summarise(whole)
    assert summary.candles == 2
    assert summary.volume == 3
    assert summarise(whole, with_filled=True).candles == 3
    assert summarise(whole.drop(columns="filled"), np.array([True, True, True])) is None


def test_returns_to_and_from_filled_candles_do_not_count():
    whole = table([100, 110, 99, 99, 99, 50, 55, 44])
    filled = np.array([False, False, False, True, True, False, False, False])
    summary = summarise(whole, filled)
    returns = np.log([1.1, 0.9, 1.1, 0.8])
    assert summary.volatility == pytest.approx(returns.std(ddof=1) * math.sqrt(365.2425), rel=1e-9)
    assert summarise(whole, filled, with_filled=True).volatility != pytest.approx(summary.volatility)

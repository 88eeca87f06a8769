from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lib.chart import ChartView, Line, Pane, filled_spans, precision_of, view_of
from lib.errors import InternalError
from lib.series import Series
from lib.timeframes import parse
from tests.chart.test_payload import candles


def test_line_must_match_the_candles() -> None:
    with pytest.raises(InternalError, match="2 values for 3 candles"):
        ChartView("x", candles(3), parse("1m"), (Line("a", "A", np.zeros(2)),))
    with pytest.raises(InternalError, match="names a pane"):
        ChartView("x", candles(3), parse("1m"), (Line("a", "A", np.zeros(3), pane="b"),))
    with pytest.raises(InternalError, match="kind 'area'"):
        ChartView("x", candles(3), parse("1m"), (Line("a", "A", np.zeros(3), kind="area"),))


@pytest.mark.parametrize(
    ("closes", "decimals"),
    [
        ([100.0, 101.5], 2),
        ([1.2345, 1.2346], 4),
        ([0.00001234], 8),
        ([64000.1], 2),
        ([1.23456], 5),
        ([1 / 3], 7),
        ([80 / 3], 5),
        ([], 2),
        ([400.12] * 40 + [400.1234], 2),
    ],
)
def test_precision(closes: list[float], decimals: int) -> None:
    assert precision_of(pd.DataFrame({"close": closes})) == decimals


def test_view_of_indicators() -> None:
    indicators = pytest.importorskip("lib.indicators")
    table = candles(200)
    picks = indicators.parse_list("ema(10);rsi(14);macd(12,26,9);bbands(20,2);ichimoku(9,26,52)")
    values = indicators.compute(table, picks)
    view = view_of(Series.of("sample", "AAPL", "1m"), table, parse("1m"), picks, values, has_older=True)
    assert view.identity == "sample:AAPL:1m" and view.title == "AAPL (sample)" and view.has_older
    assert [pane.title for pane in view.panes] == [picks[1].label, picks[2].label]
    assert {line.id for line in view.lines} == set(values.columns)
    homes = {line.pane for line in view.lines}
    assert homes == {"price", *(pane.id for pane in view.panes)}
    overlays = [line.color_index for line in view.lines if line.pane == "price"]
    assert overlays == list(range(len(overlays)))
    assert any(line.shift < 0 for line in view.lines)
    assert isinstance(view.panes[0], Pane) and view.panes[0].levels


def test_filled_candles_are_told_as_runs() -> None:
    table = candles(7)
    at = table.index
    assert filled_spans(table, parse("1m")) == ()
    marked = table.assign(filled=[True, True, False, True, False, False, True])
    assert filled_spans(marked, parse("1m")) == (
        (at[0], at[2]),
        (at[3], at[4]),
        (at[6], at[6] + pd.Timedelta(minutes=1)),
    )
    assert filled_spans(table.assign(filled=False), parse("1m")) == ()

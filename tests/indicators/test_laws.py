"""What holds for every indicator of the registry."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.indicators import REGISTRY, Pick, compute
from tests.indicators.made import candles, params, picks, table, walk

each = pytest.mark.parametrize("name", REGISTRY)
ALL = [Pick.of(name) for name in REGISTRY]


def identical(one: pd.DataFrame, other: pd.DataFrame) -> None:
    """To the last bit."""
    assert list(one.columns) == list(other.columns)
    assert one.index.equals(other.index)
    assert np.array_equal(one.to_numpy(), other.to_numpy(), equal_nan=True)


@each
@settings(max_examples=40)
@given(data=st.data())
def test_no_value_depends_on_later_candles(name: str, data: st.DataObject) -> None:
    bars, pick = data.draw(candles()), data.draw(picks(name))
    at = data.draw(st.integers(0, len(bars)))
    identical(compute(bars.iloc[:at], [pick]), compute(bars, [pick]).iloc[:at])


def test_every_prefix_of_the_defaults() -> None:
    bars = walk(170)
    whole = compute(bars, ALL)
    for at in range(len(bars)):
        identical(compute(bars.iloc[:at], ALL), whole.iloc[:at])


def test_prefix_of_many_candles() -> None:
    # longer than what is worked on at once, and than a block of the longest window
    bars = walk(40_000, freq="1min")
    long = [*ALL, Pick.of("bbands", 1999, 2), Pick.of("mfi", 1999)]
    whole = compute(bars, long)
    for at in (16_383, 16_384, 16_385, 32_769, 39_999):
        identical(compute(bars.iloc[:at], long), whole.iloc[:at])


def test_a_forming_candle_moves_the_last_row_only() -> None:
    bars = walk(200)
    moved = bars.copy()
    moved.iloc[-1, 1:5] = [200.0, 90.0, 150.0, 1e5]
    before, after = compute(bars, ALL), compute(moved, ALL)
    identical(before.iloc[:-1], after.iloc[:-1])
    spans = [f"ichimoku(9,26,52).{span}" for span in ("span_a", "span_b")]  # they show what was 26 bars ago
    assert (before.iloc[-1] != after.iloc[-1]).drop([*spans, "psar(0.02,0.2)"]).sum() >= 24


@each
@settings(max_examples=25)
@given(data=st.data())
def test_warm_up_is_as_long_as_the_registry_says(name: str, data: st.DataObject) -> None:
    pick = data.draw(picks(name))
    values = compute(walk(pick.warmup + 30), [pick])
    assert values.notna().all(axis=1).tolist() == [False] * pick.warmup + [True] * 30


@each
@settings(max_examples=15)
@given(data=st.data())
def test_where_candles_start_is_forgotten_after_settling(name: str, data: st.DataObject) -> None:
    pick = data.draw(picks(name))
    if pick.settle is None:
        return
    assert pick.settle >= pick.warmup
    skipped = data.draw(st.integers(1, 100))
    bars = walk(pick.settle + skipped + 200, seed=data.draw(st.integers(0, 1000)))
    whole, late = compute(bars, [pick]), compute(bars.iloc[skipped:], [pick])
    settled = late.index[pick.settle :]
    scale = 100 if pick.indicator.pane == "own" else bars["close"].max()
    apart = (whole.loc[settled] - late.loc[settled]).abs().to_numpy()
    if name == "cci":  # it has no scale of its own: distance in mean deviations, which may be tiny
        apart = apart / np.maximum(whole.loc[settled].abs().to_numpy(), 1)
    assert apart.max() < 1e-9 * scale


@each
@given(data=st.data())
@settings(max_examples=15)
def test_the_unit_of_prices_and_volumes_does_not_matter(name: str, data: st.DataObject) -> None:
    # Powers of two, so that the arithmetic is the same to the last bit: 0.0001 is treated as 100 is.
    bars, pick = walk(150), data.draw(picks(name))
    small, less = 2.0 ** data.draw(st.integers(-30, 30)), 2.0 ** data.draw(st.integers(-40, 40))
    other = table(*(bars[c].to_numpy() * small for c in ("open", "high", "low", "close")),
                  bars["volume"].to_numpy() * less)  # fmt: skip
    priced = pick.indicator.pane == "price" or name in ("macd", "atr")
    factor = small if priced else less if name == "obv" else 1.0
    identical(compute(bars, [pick]) * factor, compute(other, [pick]))


@settings(max_examples=25)
@given(bars=candles())
def test_shape_and_untouched_input(bars: pd.DataFrame) -> None:
    before, attributes = bars.copy(deep=True), dict(vars(bars["close"]))
    values = compute(bars, ALL)
    pd.testing.assert_frame_equal(bars, before, check_exact=True)
    assert vars(bars["close"]).keys() == attributes.keys()
    assert values.index is bars.index or values.index.equals(bars.index)
    assert list(values.columns) == [column for pick in ALL for column in pick.columns]
    assert (values.dtypes == np.float64).all()


def test_values_can_be_changed_without_changing_the_candles() -> None:
    bars = walk(100)
    before = bars.copy(deep=True)
    values = compute(bars, ALL)
    values.loc[:, :] = 0.0
    pd.testing.assert_frame_equal(bars, before)


def test_a_kept_table_with_its_provenance_is_fine() -> None:
    bars = walk(100)
    kept = bars.assign(origin="x", fetched_at=bars.index, filled=False)
    identical(compute(bars, ALL), compute(kept, ALL))


def test_several_of_one_kind_and_each_once() -> None:
    bars = walk(60)
    values = compute(bars, [Pick.of("ema", 10), Pick.of("rsi"), Pick.of("ema", 21), Pick.of("ema", 10)])
    assert list(values.columns) == ["ema(10)", "rsi(14)", "ema(21)"]
    assert list(compute(bars, []).columns) == []
    assert len(compute(bars, [])) == 60


@each
@given(data=st.data())
@settings(max_examples=10)
def test_parameters_over_their_whole_range_are_computed(name: str, data: st.DataObject) -> None:
    pick = Pick(name, data.draw(params(REGISTRY[name], most=10**6)))
    values = compute(walk(300), [pick])
    assert values.iloc[: pick.warmup].isna().any(axis=1).all()
    assert values.iloc[pick.warmup :].notna().all(axis=None)

"""Candles that upset formulas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lib.candles import empty
from lib.indicators import REGISTRY, Pick, compute
from tests.indicators.made import table, walk

ALL = [Pick.of(name) for name in REGISTRY]
BOUNDED = {"rsi(14)": (0, 100), "mfi(14)": (0, 100), "willr(14)": (-100, 0), "adx(14).adx": (0, 100),
           "stoch(14,3,3).k": (0, 100), "stoch(14,3,3).d": (0, 100)}  # fmt: skip


def flat(count: int, price: float = 50.0, volume: float = 10.0) -> pd.DataFrame:
    return table(*(np.full(count, price) for _ in range(4)), np.full(count, volume))


def scaled(by: float) -> pd.DataFrame:
    return walk(200) * [by, by, by, by, 1]


def with_spike() -> pd.DataFrame:
    bars = walk(200)
    bars.iloc[100, [1, 3]] = 1e9
    return bars


NASTY = {
    "flat": flat(200),
    "flat and tiny": flat(200, 1e-12),
    "flat and huge": flat(200, 1e12),
    "tiny": scaled(1e-10),
    "huge": scaled(1e12),
    "spike": with_spike(),
    "no trades": walk(200).assign(volume=0.0),
    "no volume": walk(200).assign(volume=np.nan),
    "enormous volume": walk(200).assign(volume=1e300),
}


@pytest.mark.parametrize("case", NASTY)
def test_no_crash_no_infinity_no_figure_out_of_bounds(case: str) -> None:
    values = compute(NASTY[case], ALL)
    assert not np.isinf(values.drop(columns=["obv", "vwap(1)", "mfi(14)"]).to_numpy()).any()
    for column, (low, high) in BOUNDED.items():
        known = values[column].dropna()
        assert known.between(low - 1e-6, high + 1e-6).all(), column


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_too_few_candles_give_blank_columns(count: int) -> None:
    bars = walk(count)
    values = compute(bars, ALL)
    assert len(values) == count
    assert list(values.columns) == [column for pick in ALL for column in pick.columns]
    there = {column for column in values if values[column].notna().any()}
    assert there <= {"vwap(1)", "obv", "psar(0.02,0.2)", "ichimoku(9,26,52).lagging"}
    assert (values.dtypes == np.float64).all()


def test_an_empty_candle_table() -> None:
    assert compute(empty(), ALL).shape == (0, sum(len(pick.columns) for pick in ALL))


@pytest.mark.parametrize("pick", ALL, ids=str)
def test_each_count_around_the_first_value(pick: Pick) -> None:
    bars = walk(pick.warmup + 3)
    for count in range(max(0, pick.warmup - 3), pick.warmup + 4):
        known = compute(bars.iloc[:count], [pick]).notna().all(axis=1)
        assert known.sum() == max(0, count - pick.warmup)


def test_flat_prices() -> None:
    values = compute(flat(200), ALL).iloc[100:]
    for column in ("sma(20)", "ema(21)", "bbands(20,2).upper", "bbands(20,2).lower", "vwap(1)",
                   "ichimoku(9,26,52).span_b", "supertrend(10,3)"):  # fmt: skip
        assert (values[column] == 50).all(), column
    for column in ("atr(14)", "macd(12,26,9).macd", "rsi(14)", "cci(20)", "willr(14)", "stoch(14,3,3).k"):
        assert (values[column] == 0).all(), column  # nothing over nothing: as TA-Lib has it
    assert values["mfi(14)"].isna().all()


def test_bands_of_coins_that_cost_next_to_nothing() -> None:
    # TA-Lib's own bands fall together here: their variance is below what it takes for zero
    bars = scaled(1e-8)
    bands = compute(bars, [Pick.of("bbands")]).dropna()
    expected = 2 * bars["close"].rolling(20).std(ddof=0).dropna()
    width = (bands["bbands(20,2).upper"] - bands["bbands(20,2).middle"]).to_numpy()
    np.testing.assert_allclose(width, expected, rtol=1e-9)


def test_bands_of_a_price_that_hardly_moves() -> None:
    rng = np.random.default_rng(1)
    steps = rng.integers(0, 3, 400)
    close = 60_000 + steps * 0.01
    bands = compute(table(close, close, close, close, close), [Pick.of("bbands", 20, 1)]).dropna()
    exact = pd.Series(steps).rolling(20).var(ddof=0).pow(0.5).dropna() * 0.01
    width = (bands["bbands(20,1).upper"] - bands["bbands(20,1).middle"]).to_numpy()
    np.testing.assert_allclose(width, exact, atol=2e-11)  # the price's own last digit


def test_money_flow_of_little_money() -> None:
    # below 1 in a window TA-Lib says 0, whatever moved
    bars = walk(100)
    little = bars.assign(volume=bars["volume"] * 1e-9)
    ours = compute(little, [Pick.of("mfi")]).to_numpy()
    np.testing.assert_allclose(ours, compute(bars, [Pick.of("mfi")]).to_numpy(), rtol=1e-9)


def test_a_spike_is_gone_when_it_has_left_the_window() -> None:
    calm, spiked = walk(200), with_spike()
    for pick in (Pick.of("mfi"), Pick.of("cci"), Pick.of("willr"), Pick.of("ichimoku")):
        one, other = compute(calm, [pick]).iloc[190:], compute(spiked, [pick]).iloc[190:]
        np.testing.assert_allclose(one, other, rtol=1e-9)


def test_a_blank_volume() -> None:
    bars = walk(100, freq="1min")
    bars.iloc[50, 4] = np.nan
    known = compute(bars, [Pick.of(name) for name in ("vwap", "mfi", "obv")]).notna()
    assert np.flatnonzero(~known["vwap(1)"]).tolist() == [50]
    assert np.flatnonzero(~known["mfi(14)"]).tolist() == [*range(14), *range(50, 64)]
    assert np.flatnonzero(~known["obv"]).tolist() == list(range(50, 100))


def test_volume_that_begins_later() -> None:
    bars = walk(100)
    bars.iloc[:30, 4] = np.nan
    values = compute(bars, [Pick.of("obv"), Pick.of("mfi")])
    assert values["obv"].first_valid_index() == bars.index[30]
    assert values["obv"].iloc[30] == bars["volume"].iloc[30]
    assert values["mfi(14)"].first_valid_index() == bars.index[43]


def test_prices_need_no_volume() -> None:
    bars = walk(200)
    picks = [pick for pick in ALL if not pick.indicator.needs_volume]
    without = compute(bars.assign(volume=np.nan), picks)
    assert np.array_equal(without.to_numpy(), compute(bars, picks).to_numpy(), equal_nan=True)
    needing = [pick for pick in ALL if pick.indicator.needs_volume]
    assert compute(bars.assign(volume=np.nan), needing).isna().all(axis=None)

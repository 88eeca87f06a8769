"""Candles for tests of the store."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lib.candles import from_micros, micros, require, resample
from lib.series import Series
from lib.store import Store
from lib.store.pyramid import levels_of
from lib.timeframes import parse, to_us

SERIES = Series.of("test", "BTC/USDT", "1m")


def at(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


def candles(
    timeframe: str, start: str, count: int, *, seed: int = 0, gaps: float = 0.0, unknown: float = 0.0
) -> pd.DataFrame:
    """A random walk on the grid, with a share of bars missing and of volumes unknown. Volumes are in
    eighths, so that sums do not depend on their order."""
    random = np.random.default_rng(seed)
    frame = parse(timeframe)
    opened = frame.floor(at(start))
    times = frame.opens(opened, frame.after(opened, count)).asi8
    price = 100 * np.exp(np.cumsum(random.normal(0, 0.001, len(times))))
    close = price * (1 + random.normal(0, 0.001, len(times)))
    volume = random.integers(0, 800, len(times)) / 8
    volume[random.random(len(times)) < unknown] = np.nan
    table = from_micros(
        times,
        {
            "open": price, "high": np.maximum(price, close) * 1.001, "low": np.minimum(price, close) * 0.999,
            "close": close, "volume": volume,
        },
    )  # fmt: skip
    return require(table[random.random(len(times)) >= gaps])


def of_market(table: pd.DataFrame, zone: str, clock: str = "0h") -> pd.DataFrame:
    """Daily candles that open at a time of day of a market, not at 00:00 UTC."""
    opens = (table.index.tz_localize(None) + pd.Timedelta(clock)).tz_localize(zone)
    return table.set_index(opens.tz_convert("UTC").as_unit("us").rename("time"))


def same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(left, right, check_freq=False)


def check_whole(store: Store, series: Series) -> pd.DataFrame:
    """Everything the store says of a series fits its base; the base is returned."""
    base = require(store.read(series))
    for level in levels_of(series.timeframe):
        same(store.read(series, timeframe=level), resample(base, level, series.timeframe))
    info = store.info(series)
    assert (info.count, to_us(info.first), to_us(info.last)) == (
        len(base), int(micros(base)[0]), int(micros(base)[-1]),
    )  # fmt: skip
    kept = store.read(series, provenance=True)
    assert info.filled == int(kept["filled"].sum())
    return base

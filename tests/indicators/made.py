"""Candles made for tests, and strategies that pick indicators and candles."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from lib.indicators import REGISTRY, Indicator, Pick


def walk(count: int, *, seed: int = 3, freq: str = "1h", start: str = "2024-01-30") -> pd.DataFrame:
    """A random walk around 100 with volumes: every run the same."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, count)))
    opened = np.concatenate((close[:1], close[:-1]))
    return table(
        opened,
        np.maximum(opened, close) * (1 + rng.random(count) * 0.01),
        np.minimum(opened, close) * (1 - rng.random(count) * 0.01),
        close,
        rng.random(count) * 1000 + 1,
        freq=freq, start=start,
    )  # fmt: skip


def table(*columns: np.ndarray, freq: str = "1h", start: str = "2024-01-30") -> pd.DataFrame:
    times = pd.date_range(start, periods=len(columns[0]), freq=freq, tz="UTC", unit="us", name="time")
    names = ("open", "high", "low", "close", "volume")
    return pd.DataFrame(dict(zip(names, columns, strict=True)), index=times)


@st.composite
def candles(draw: st.DrawFn, *, most: int = 150) -> pd.DataFrame:
    """Candles of any count, with what upsets formulas: ties, flat stretches, jumps, no volume."""
    count = draw(st.integers(0, most))
    made = walk(count, seed=draw(st.integers(0, 2**32 - 1)), freq=draw(st.sampled_from(["1min", "1h", "1D"])))
    scale = draw(st.sampled_from([1.0, 1e-7, 3e4, 1e9]))
    rounded = draw(st.booleans())
    for name in ("open", "high", "low", "close"):
        made[name] = (np.maximum(made[name].round(0), 1) if rounded else made[name]) * scale
    if count and draw(st.booleans()):
        at = draw(st.integers(0, count - 1))
        flat = slice(at, at + draw(st.integers(1, 60)))
        made.iloc[flat, :4] = made["close"].iloc[at]
        made.iloc[flat, 4] = draw(st.sampled_from([0.0, 5.0, np.nan]))
    if draw(st.booleans()) and count:
        made.iloc[draw(st.integers(0, count - 1)), 4] = draw(st.sampled_from([np.nan, 0.0, 1e15]))
    return made


def params(entry: Indicator, *, most: int = 40) -> st.SearchStrategy[tuple[float, ...]]:
    """Parameters within their limits; whole numbers up to ``most``, so that few candles are enough."""
    each = [
        st.sampled_from([value for value, _ in param.choices])
        if param.choices
        else st.integers(int(param.min), int(min(param.max, most))).map(float)
        if param.integer
        else st.floats(param.min, param.max)
        for param in entry.params
    ]
    return st.tuples(*each).filter(lambda made: not entry.check(*made))


def picks(name: str, *, most: int = 40) -> st.SearchStrategy[Pick]:
    return params(REGISTRY[name], most=most).map(lambda made: Pick(name, made))

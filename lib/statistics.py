"""Figures about a stretch of candles, as a reader of a chart would ask for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = ["Summary", "summarise"]

_YEAR_SECONDS = 365.2425 * 86400


@dataclass(frozen=True, slots=True)
class Summary:
    """What a stretch of candles did. Ratios are plain (0.05 is 5%); None where it cannot be known."""

    candles: int
    first: pd.Timestamp
    last: pd.Timestamp
    open: float
    close: float
    high: float
    low: float
    change: float
    """Last close over first open, less one."""
    span: float
    """(high - low) / low: how far apart the extremes are."""
    volatility: float | None
    """Standard deviation of log returns between closes, scaled to a year by the number of candles a
    year has in this very stretch; None under 3 candles."""
    volume: float | None
    """Summed volume; None where no candle has one."""


def summarise(candles: pd.DataFrame) -> Summary | None:
    """Statistics of a candle table; None when it is empty. Filled candles are left out where the table
    says which they are. O(n)."""
    if "filled" in candles.columns:
        candles = candles[~candles["filled"].to_numpy(bool)]
    if not len(candles):
        return None
    open_ = float(candles["open"].iloc[0])
    close = float(candles["close"].iloc[-1])
    high, low = float(candles["high"].max()), float(candles["low"].min())
    volume = candles["volume"].to_numpy()
    known = ~np.isnan(volume)
    return Summary(
        candles=len(candles),
        first=candles.index[0],
        last=candles.index[-1],
        open=open_,
        close=close,
        high=high,
        low=low,
        change=close / open_ - 1,
        span=(high - low) / low,
        volatility=_volatility(candles),
        volume=float(volume[known].sum()) if known.any() else None,
    )


def _volatility(candles: pd.DataFrame) -> float | None:
    if len(candles) < 3:
        return None
    returns = np.diff(np.log(candles["close"].to_numpy()))
    years = (candles.index[-1] - candles.index[0]).total_seconds() / _YEAR_SECONDS
    return float(returns.std(ddof=1) * np.sqrt(len(returns) / years))

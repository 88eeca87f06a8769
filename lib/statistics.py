"""Figures about a stretch of candles, as a reader of a chart would ask for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
    year has in this very stretch; None under two returns."""
    volume: float | None
    """Summed volume; None where no candle has one."""


def summarise(
    candles: pd.DataFrame, filled: np.ndarray[Any, Any] | None = None, *, with_filled: bool = False
) -> Summary | None:
    """Statistics of a candle table; None when it holds none.

    ``filled`` (bool, one for each candle; by default the table's own column, where it has one) marks candles that
    were made up: they are left out, and so are the returns to and from them, unless ``with_filled``. Among
    coarser candles those are marked that hold one. O(n).
    """
    if filled is None and "filled" in candles.columns:
        filled = candles["filled"].to_numpy(bool)
    whole = candles
    if filled is None or with_filled:
        filled = np.zeros(len(candles), bool)
    if filled.any():
        candles = candles[~filled]
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
        volatility=_volatility(whole, filled),
        volume=float(volume[known].sum()) if known.any() else None,
    )


def _volatility(candles: pd.DataFrame, filled: np.ndarray[Any, Any]) -> float | None:
    observed = ~(filled[1:] | filled[:-1])
    returns = np.diff(np.log(candles["close"].to_numpy()))[observed]
    if len(returns) < 2:
        return None
    # the years that these very returns cover
    years = np.diff(candles.index)[observed].sum() / np.timedelta64(1, "s") / _YEAR_SECONDS
    return float(returns.std(ddof=1) * np.sqrt(len(returns) / years))

"""How far two series are apart over their common bars, and which leads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from lib.calendars.runs import Array
from lib.candles import micros, resample
from lib.comparison.clocks import Shift, find_shift
from lib.errors import InputError
from lib.timeframes import Timeframe, from_us

__all__ = ["Comparison", "compare"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Differences are right less left, of closes at common times: in price and in basis points (1/100 of a
    percent) of the left close. ``correlation`` is of log returns between common closes. ``lag`` is by how many
    bars the right series comes later (negative: it leads), where its returns agree best,
    ``lag_correlation`` strong; None where even that is no more than chance gives. ``within`` is the share of common bars no more than ``tolerance`` basis points
    apart. What cannot be known is None."""

    timeframe: Timeframe
    start: pd.Timestamp | None
    end: pd.Timestamp | None
    common: int
    only_left: int
    only_right: int
    mean: float | None
    deviation: float | None
    largest: float | None
    largest_at: pd.Timestamp | None
    mean_bps: float | None
    deviation_bps: float | None
    largest_bps: float | None
    tolerance: float
    within: float | None
    correlation: float | None
    lag: int | None
    lag_correlation: float | None
    shift: Shift | None


def compare(
    left: pd.DataFrame,
    right: pd.DataFrame,
    left_timeframe: Timeframe,
    right_timeframe: Timeframe | None = None,
    *,
    tolerance: float = 1.0,
    lags: int = 5,
) -> Comparison:
    """Two candle tables over their common bars. The finer one is resampled to the coarser timeframe. Bars that
    only one has are counted within the span both cover. ``tolerance`` is in basis points. Filled candles are
    left out. O(n): two million-bar tables take under a second.

    Raises ``InputError`` where neither timeframe is made of whole bars of the other.
    """
    right_timeframe = right_timeframe or left_timeframe
    left, right, timeframe = _same(_observed(left), _observed(right), left_timeframe, right_timeframe)
    left, right, span = _overlap(left, right)
    times, at, to = np.intersect1d(micros(left), micros(right), assume_unique=True, return_indices=True)
    a, b = left["close"].to_numpy()[at], right["close"].to_numpy()[to]
    apart, points = b - a, (b / a - 1) * 1e4
    some = len(times) > 0
    worst = int(np.abs(apart).argmax()) if some else 0
    lag, strength = _best_lag(a, b, times, timeframe, lags)
    return Comparison(
        timeframe=timeframe,
        start=from_us(span[0]) if span else None,
        end=timeframe.after(from_us(span[1])) if span else None,
        common=len(times),
        only_left=len(left) - len(times),
        only_right=len(right) - len(times),
        mean=float(apart.mean()) if some else None,
        deviation=float(apart.std(ddof=1)) if len(times) > 1 else None,
        largest=float(apart[worst]) if some else None,
        largest_at=from_us(int(times[worst])) if some else None,
        mean_bps=float(points.mean()) if some else None,
        deviation_bps=float(points.std(ddof=1)) if len(times) > 1 else None,
        largest_bps=float(points[np.abs(points).argmax()]) if some else None,
        tolerance=tolerance,
        within=float((np.abs(points) <= tolerance).mean()) if some else None,
        correlation=_correlation(np.diff(np.log(a)), np.diff(np.log(b))),
        lag=lag,
        lag_correlation=strength,
        shift=find_shift(left, right, timeframe) if timeframe.seconds <= 3600 else None,
    )


def _observed(table: pd.DataFrame) -> pd.DataFrame:
    return table[~table["filled"].to_numpy(bool)] if "filled" in table.columns else table


def _same(
    left: pd.DataFrame, right: pd.DataFrame, of_left: Timeframe, of_right: Timeframe
) -> tuple[pd.DataFrame, pd.DataFrame, Timeframe]:
    if of_left == of_right:
        return left, right, of_left
    if of_left.divides(of_right):
        return resample(left, of_right, of_left), right, of_right
    if of_right.divides(of_left):
        return left, resample(right, of_left, of_right), of_left
    raise InputError(
        f"Candles of {of_left.words} and of {of_right.words} cannot be compared: neither is made of whole ones of "
        "the other.",
        remedy="Choose timeframes of which one divides the other, such as 1m and 1h.",
    )


def _overlap(
    left: pd.DataFrame, right: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, tuple[int, int] | None]:
    a, b = micros(left), micros(right)
    if not len(a) or not len(b) or a[-1] < b[0] or b[-1] < a[0]:
        return left.iloc[:0], right.iloc[:0], None
    low, high = max(int(a[0]), int(b[0])), min(int(a[-1]), int(b[-1]))
    parts = [
        table.iloc[np.searchsorted(times, low) : np.searchsorted(times, high, side="right")]
        for table, times in ((left, a), (right, b))
    ]
    return parts[0], parts[1], (low, high)


def _correlation(a: Array, b: Array) -> float | None:
    if len(a) < 3 or not a.std() or not b.std():
        return None
    return float(np.corrcoef(a, b)[0, 1])


def _best_lag(
    a: Array, b: Array, times: Array, timeframe: Timeframe, lags: int
) -> tuple[int | None, float | None]:
    """The lag (bars, right after left) of the strongest correlation of returns; only returns over exactly one bar
    count, so that a lag is a time. The smallest lag of equals."""
    if len(times) < lags + 4 or timeframe.is_calendar:
        return None, None
    # places on the common grid, so that a hole moves nothing
    place = (times - times[0]) // timeframe.micros
    if int(place[-1]) > 60 * len(place) + 1000:
        return None, None
    one, other = (_on_grid(np.log(values), place) for values in (a, b))
    found: dict[int, float] = {}
    for lag in sorted(range(-lags, lags + 1), key=abs):
        x, y = (one[: len(one) - lag], other[lag:]) if lag >= 0 else (one[-lag:], other[:lag])
        known = ~(np.isnan(x) | np.isnan(y))
        value = _correlation(x[known], y[known])
        if value is not None:
            found[lag] = value
    if not found:
        return None, None
    best = max(found, key=lambda lag: found[lag])
    # of eleven correlations of strangers the largest is about 2.5 of these
    clear = found[best] > 5 / np.sqrt(len(place))
    return (best if clear else None), found[best]


def _on_grid(logs: Array, place: Array) -> Array:
    """Returns over exactly one step at the step they end at; NaN elsewhere."""
    values = np.full(int(place[-1]) + 1, np.nan)
    values[place] = logs
    return np.diff(values)

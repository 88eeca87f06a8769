"""Coarser candles kept beside the base, so that decades fit on a screen without reading every minute.

Each level is made from the base itself, not from the level below, so that it equals a resample of the
base to the last bit. Only the buckets that a write touched are made again, and none before it is over:
the bucket that holds the newest bar is left out, and readers make it from the base. So most appends of
one bar touch no level at all.

Bars of a day and longer go to the bucket of their trading day, which may begin after they open: see
:func:`lib.candles.resample`. So such a bucket has bars from before its own start.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from lib.candles import micros, resample
from lib.timeframes import Timeframe, parse, trading_days

__all__ = ["PYRAMID", "Piece", "Span", "buckets", "edge", "levels_of", "piece", "reach"]

PYRAMID = tuple(parse(text) for text in "1m 5m 15m 30m 1h 2h 4h 12h 1d 1w".split())
_DAY, _HALF_HOUR = 86400 * 10**6, 1800 * 10**6
# first and last open of touched bars, µs
Span = tuple[int, int]


class Piece(NamedTuple):
    """Fresh candles of a level for the buckets that open in ``[start, end)`` µs, all there are."""

    start: int
    end: int
    table: pd.DataFrame

    def cut(self, start: int, end: int) -> Piece:
        """The buckets that open in ``[start, end)`` µs."""
        lo, hi = np.searchsorted(micros(self.table), [start, end])
        return Piece(max(self.start, start), min(self.end, end), self.table.iloc[lo:hi])


def levels_of(base: Timeframe) -> tuple[Timeframe, ...]:
    """The levels kept above a base, finest first."""
    return tuple(level for level in PYRAMID if base < level and base.divides(level))


def reach(base: Timeframe) -> int:
    """How long before a bucket a bar of it may open, µs."""
    return _DAY if base.seconds >= 86400 else 0


def edge(base: Timeframe, level: Timeframe, newest: int) -> int:
    """The open of the first bucket that is not over, as the series' newest bar, or one after it, is of it."""
    return _floor(level, _days(newest)[0] if reach(base) else newest)


def buckets(base: Timeframe, level: Timeframe, span: Span, newest: int | None) -> Span | None:
    """The ``[start, end)`` µs of the buckets that hold a span, without the one that holds the bar
    ``newest`` and what follows; None where nothing is left."""
    first, last = (_days(span[0])[0], _days(span[1])[1]) if reach(base) else span
    start, end = _floor(level, first), _floor(level, last) + level.micros
    if newest is not None:
        end = min(end, edge(base, level, newest))
    return (start, end) if start < end else None


def piece(base: Timeframe, bars: pd.DataFrame, level: Timeframe, start: int, end: int) -> Piece:
    """The buckets of a level in ``[start, end)`` µs, from bars of the base that cover them. O(n)."""
    lo, hi = np.searchsorted(micros(bars), [start - reach(base), end])
    return Piece(start, end, resample(bars.iloc[lo:hi], level, base)).cut(start, end)


def _floor(level: Timeframe, time: int) -> int:
    return int(level.floor_us(np.array([time], dtype=np.int64))[0])


def _days(time: int) -> Span:
    """The first trading day of what opens then or later, and the last one of what opens then or before. They
    differ in the afternoon, when New York's session and the next day's of other markets begin; always on
    a half hour."""
    marks = time - time % _DAY + np.arange(0, _DAY, _HALF_HOUR, dtype=np.int64)
    days = [trading_days(np.append(some, time)) for some in (marks[marks >= time], marks[marks <= time])]
    return int(days[0].min()), int(days[1].max())

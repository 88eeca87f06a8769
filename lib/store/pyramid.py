"""Coarser candles kept beside the base, so that decades fit on a screen without reading every minute.

Each level is made from the base itself, not from the level below, so that it equals a resample of the
base to the last bit. Only the buckets that a write touched are made again, and none before it is over:
the bucket that holds the newest bar is left out, and readers make it from the base. So most appends of
one bar touch no level at all.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from lib.candles import micros, resample
from lib.timeframes import Timeframe, parse

__all__ = ["PYRAMID", "Piece", "Span", "buckets", "levels_of", "piece"]

PYRAMID = tuple(parse(text) for text in "1m 5m 15m 30m 1h 2h 4h 12h 1d 1w".split())
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


def buckets(level: Timeframe, span: Span, newest: int | None) -> Span | None:
    """The ``[start, end)`` µs of the buckets that hold a span, without the one that holds the bar
    ``newest`` and what follows; None where nothing is left."""
    ends = level.floor_us(np.array([*span, span[1] if newest is None else newest], dtype=np.int64))
    start, end = int(ends[0]), int(ends[1]) + level.micros
    if newest is not None:
        end = min(end, int(ends[2]))
    return (start, end) if start < end else None


def piece(base: pd.DataFrame, level: Timeframe, start: int, end: int) -> Piece:
    """The buckets of a level in ``[start, end)`` µs, from a base that covers them. O(n)."""
    lo, hi = np.searchsorted(micros(base), [start, end])
    return Piece(start, end, resample(base.iloc[lo:hi], level))

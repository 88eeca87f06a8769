"""Coarser candles kept beside the base, so that decades fit on a screen without reading every minute.

Each level is made from the base itself, not from the level below, so that it equals a resample of the
base to the last bit. Only the buckets that a write touched are made again.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from lib.candles import micros, resample
from lib.store.encoding import to_arrow
from lib.timeframes import Timeframe, parse

__all__ = ["PYRAMID", "Piece", "cut", "hull", "levels_of", "pieces", "splice"]

PYRAMID = tuple(parse(text) for text in "1m 5m 15m 30m 1h 2h 4h 12h 1d 1w".split())


class Piece(NamedTuple):
    """Fresh candles of a level for the buckets that open in ``[start, end)`` µs, all there are."""

    start: int
    end: int
    table: pd.DataFrame


def levels_of(base: Timeframe) -> tuple[Timeframe, ...]:
    """The levels kept above a base, finest first."""
    return tuple(level for level in PYRAMID if base < level and base.divides(level))


def _buckets(level: Timeframe, first: int, last: int) -> tuple[int, int]:
    """The span of whole buckets that holds the opens ``first`` to ``last``, µs."""
    start, tail = level.floor_us(np.array([first, last], dtype=np.int64))
    return int(start), int(tail) + level.micros


def hull(levels: tuple[Timeframe, ...], first: int, last: int) -> tuple[int, int]:
    """The span of the base that every level needs to make its buckets of ``[first, last]`` again."""
    spans = [_buckets(level, first, last) for level in levels]
    return min(start for start, _ in spans), max(end for _, end in spans)


def pieces(
    base: pd.DataFrame, levels: tuple[Timeframe, ...], first: int, last: int
) -> dict[Timeframe, Piece]:
    """For each level its buckets of ``[first, last]``, from a base that covers :func:`hull`. O(levels x n)."""
    times = micros(base)
    made = {}
    for level in levels:
        start, end = _buckets(level, first, last)
        lo, hi = np.searchsorted(times, [start, end])
        made[level] = Piece(start, end, resample(base.iloc[lo:hi], level))
    return made


def cut(piece: Piece, start: int, end: int) -> Piece:
    """The buckets of a piece that open in ``[start, end)`` µs."""
    lo, hi = np.searchsorted(micros(piece.table), [start, end])
    return Piece(max(piece.start, start), min(piece.end, end), piece.table.iloc[lo:hi])


def splice(old: pa.Table | None, fresh: list[Piece]) -> pa.Table | None:
    """A partition of a level with the buckets of every piece replaced."""
    for piece in fresh:
        made = to_arrow(piece.table)
        if old is None:
            old = made
            continue
        times = old.column("time").combine_chunks().view(pa.int64()).to_numpy()
        lo, hi = np.searchsorted(times, [piece.start, piece.end])
        old = pa.concat_tables([old.slice(0, lo), made, old.slice(hi)])
    return old

"""Candles whose time is not where one opens: when they belong to the bucket that holds it.

Some programs stamp the first candles of an evening with their first quote, at 22:05 for the hour of 22:00.
That is inferred only of a small and regular part of a file; what else is off the grid is refused by line.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lib.timeframes import Timeframe

__all__ = ["coarser", "floored", "off_the_grid", "regular"]

Array = np.ndarray[Any, Any]
_LEAST = 5
_DAY = 86400 * 10**6
_COARSER = 12  # times the timeframe, at the least
_RUN = 10  # steps in turn that are no chance


def coarser(micros: Array, frame: Timeframe) -> tuple[int, int] | None:
    """The first row and the length of a run of rows that are all whole days, or whole hours, apart, where the timeframe
    is a small part of that: candles of another timeframe among the others. None where there is none. O(rows)."""
    least = _COARSER * frame.micros
    unit = next((each for each in (_DAY // 24, _DAY) if each >= least), 0)
    if frame.is_calendar or not unit:
        return None
    steps = np.abs(np.diff(micros))
    if int((steps >= unit).sum()) < _RUN:
        return None
    whole = np.concatenate(([False], (steps > 0) & (steps % unit == 0), [False]))
    edges = np.flatnonzero(whole[1:] != whole[:-1]).reshape(-1, 2)
    length = edges[:, 1] - edges[:, 0]
    at = int(length.argmax()) if len(length) else 0
    return (int(edges[at, 0]), int(length[at]) + 1) if len(length) and length[at] >= _RUN else None


def floored(micros: Array, frame: Timeframe) -> Array:
    """µs of the buckets' starts, in step with the most of the candles. O(n)."""
    if frame.is_calendar or frame.unit == "w" or not len(micros):
        return micros
    ruling = _ruling(micros, frame.micros)
    return np.asarray((micros - ruling) // frame.micros * frame.micros + ruling)


def off_the_grid(micros: Array, frame: Timeframe) -> Array:
    """Which candles are out of step with the most of them."""
    if frame.is_calendar or frame.unit == "w" or not len(micros):
        return np.zeros(len(micros), bool)
    phases = micros % frame.micros
    if (phases == phases[0]).all():  # the usual case, without a sort
        return np.zeros(len(micros), bool)
    return np.asarray(phases != _ruling(micros, frame.micros))


def regular(micros: Array, frame: Timeframe) -> bool:
    """Whether the candles off the grid are few, each alone in its bucket, nearly all by the same time, all over
    the file, and not only the first ones of sessions: those may be short candles that opened when they say."""
    off = off_the_grid(micros, frame)
    count = int(off.sum())
    if count < _LEAST or count * 4 >= len(micros) or frame.seconds >= 86400:
        return False
    order = np.argsort(micros, kind="stable")
    times, off = micros[order], off[order]
    buckets = floored(times, frame)
    alone = np.diff(buckets, prepend=buckets[0] - 1) > 0
    alone[:-1] &= np.diff(buckets) > 0
    _, counts = np.unique((times - buckets)[off], return_counts=True)
    at = np.flatnonzero(off)
    follows = np.diff(times, prepend=times[0] - 2 * frame.micros)[off] <= frame.micros
    spread = at[-1] - at[0] > len(times) // 2
    return bool(alone[off].all() and counts.max() >= 0.9 * count and spread and follows.mean() > 0.2)


def _ruling(micros: Array, step: int) -> int:
    values, counts = np.unique(micros % step, return_counts=True)
    return int(values[counts.argmax()])

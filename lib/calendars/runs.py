"""Evenly spaced opens, kept as runs: ten million minutes of an exchange are a few thousand runs.

A run is a first open and how many follow it, one ``step`` apart. What is expected is a :class:`Runs`, and
so is what of it is there; both are counted by arithmetic, without ever being written out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lib.timeframes import to_us

__all__ = ["Array", "Runs", "as_us", "distinct", "stamps"]

Array = np.ndarray[Any, Any]


def as_us(time: pd.Timestamp | int) -> int:
    """Microseconds since the epoch, UTC, of a tz-aware time or of such a count."""
    return to_us(time) if isinstance(time, pd.Timestamp) else int(time)


def stamps(times: Array | pd.DatetimeIndex) -> Array:
    """int64 microseconds since the epoch of an index, or the array of them as it is."""
    if isinstance(times, pd.DatetimeIndex):
        index = times if times.unit == "us" else times.as_unit("us")
        ticks: Array = index.asi8
        return ticks
    return np.asarray(times, dtype=np.int64)


def distinct(times: Array) -> Array:
    """Times (int64 µs) ascending, each once: ``np.unique``, a hundred times faster for those in order or nearly so."""
    steps = np.diff(times)
    if (steps < 0).any():
        times = np.sort(times, kind="stable")
        steps = np.diff(times)
    return times if (steps > 0).all() else times[np.concatenate(([True], steps > 0))]


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """``firsts`` (int64 µs, ascending) and ``counts`` (int64, at least 1) of runs that do not overlap,
    ``step`` µs between the opens of one run."""

    firsts: Array
    counts: Array
    step: int

    @classmethod
    def of(cls, firsts: Array, counts: Array, step: int) -> Runs:
        """Runs without the empty ones."""
        some = counts > 0
        if not some.all():
            firsts, counts = firsts[some], counts[some]
        return cls(firsts.astype(np.int64, copy=False), counts.astype(np.int64, copy=False), step)

    @classmethod
    def from_times(cls, times: Array, step: int) -> Runs:
        """Ascending times as the longest runs they make. O(n)."""
        if not len(times):
            return cls(np.empty(0, np.int64), np.empty(0, np.int64), step)
        starts = np.concatenate(([0], np.flatnonzero(np.diff(times) != step) + 1))
        return cls(times[starts], np.diff(starts, append=len(times)), step)

    @property
    def total(self) -> int:
        """How many opens."""
        return int(self.counts.sum())

    @property
    def lasts(self) -> Array:
        """The last open of each run, int64 µs."""
        lasts: Array = self.firsts + (self.counts - 1) * self.step
        return lasts

    @property
    def offsets(self) -> Array:
        """How many opens come before each run, and at the end how many there are: one more than runs."""
        return np.concatenate((np.zeros(1, np.int64), np.cumsum(self.counts)))

    def times(self) -> Array:
        """Every open, int64 µs ascending. O(answer): 10 million take about 0.1 s."""
        times = np.repeat(self.firsts - self.offsets[:-1] * self.step, self.counts)
        times += np.arange(len(times), dtype=np.int64) * self.step
        return times

    def at(self, numbers: Array) -> Array:
        """The opens with these numbers, counted from 0 over all runs; int64 µs."""
        offsets = self.offsets
        run = np.searchsorted(offsets, numbers, side="right") - 1
        opens: Array = self.firsts[run] + (numbers - offsets[run]) * self.step
        return opens

    def before(self, edges: Array) -> Array:
        """How many opens come before each of ``edges`` (int64 µs). O(edges × log runs)."""
        if not len(self.firsts):
            return np.zeros(len(edges), np.int64)
        run = np.maximum(np.searchsorted(self.firsts, edges, side="left") - 1, 0)
        inside = np.clip(-((self.firsts[run] - edges) // self.step), 0, self.counts[run])
        answer: Array = self.offsets[run] + inside
        return answer

    def within(self, start: int, end: int) -> Runs:
        """The opens in ``[start, end)``."""
        skipped = np.clip(-((self.firsts - start) // self.step), 0, self.counts)
        kept = np.clip(-((self.firsts - end) // self.step), 0, self.counts) - skipped
        return Runs.of(self.firsts + skipped * self.step, kept, self.step)

    def split(self, edges: Array) -> Runs:
        """The same opens, with no run across any of ``edges`` (int64 µs, ascending): a run has its opens
        before an edge or from it on."""
        if not len(self.firsts):
            return self
        offsets, cuts = self.offsets, self.before(edges)
        at = np.searchsorted(offsets, cuts)
        new = (offsets[np.minimum(at, len(offsets) - 1)] != cuts) & np.diff(cuts, prepend=-1).astype(bool)
        if not new.any():
            return self
        numbers = np.insert(offsets, at[new], cuts[new])
        return Runs(self.at(numbers[:-1]), np.diff(numbers), self.step)

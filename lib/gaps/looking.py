"""Expected against present, counted without being written out, and how much of it by the day, for a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from lib.calendars import Calendar, Phase, Runs, find_phase, runs_of
from lib.calendars.runs import Array, as_us, distinct, stamps
from lib.calendars.sessions import DAY, label
from lib.timeframes import Timeframe, from_us

__all__ = [
    "Buckets",
    "Coverage",
    "Kept",
    "by_day",
    "by_edges",
    "coverage_of",
    "look",
]


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of what is expected in ``[start, end)`` is there. ``outside`` counts candles at times the
    calendar does not expect; ``ignored`` those it does, but a reader does not: they are not among ``expected``.
    ``share`` is present over expected, None where nothing is expected."""

    start: pd.Timestamp
    end: pd.Timestamp
    expected: int
    present: int
    outside: int
    ignored: int = 0

    @property
    def missing(self) -> int:
        return self.expected - self.present

    @property
    def share(self) -> float | None:
        return self.present / self.expected if self.expected else None


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """Expected against present over ``[start, end)`` µs: ``expected`` opens, those ``present`` of them, and
    the candles ``outside``, all as runs; ``missing`` runs as (first number, how many) of the expected."""

    start: int
    end: int
    expected: Runs
    present: Runs
    outside: Runs
    missing: tuple[Array, Array]
    phase: Phase


@dataclass(frozen=True, slots=True, eq=False)
class Buckets:
    """For a picture: ``edges`` (int64 µs) of buckets, and for each ``expected`` and ``present`` bars (int64)
    and their ``share`` (float64, NaN where nothing is expected)."""

    edges: Array
    expected: Array
    present: Array
    share: Array


def look(
    times: Array | pd.DatetimeIndex,
    timeframe: Timeframe,
    calendar: Calendar,
    start: pd.Timestamp | int | None = None,
    end: pd.Timestamp | int | None = None,
    *,
    phase: Phase | None = None,
) -> Kept:
    """Expected against present, for whoever needs gaps, coverage and a picture of the same candles."""
    opens = stamps(times)
    phase = phase or find_phase(opens, timeframe, calendar)
    opens = label(opens, timeframe, phase)
    if opens is not times and timeframe.seconds >= 7 * 86400:
        opens = distinct(opens)
    low, high = _span(opens, calendar, start, end)
    part = opens[np.searchsorted(opens, low) : np.searchsorted(opens, high)]
    expected = runs_of(calendar, timeframe, low, high, phase)
    step = expected.step
    pieces = Runs.from_times(part, step)
    if len(expected.firsts):
        edges = np.sort(np.concatenate((expected.firsts, expected.lasts + 1)))
        pieces = pieces.split(edges)
        run = np.maximum(np.searchsorted(expected.firsts, pieces.firsts, side="right") - 1, 0)
        ahead = pieces.firsts - expected.firsts[run]
        fits = (ahead >= 0) & (ahead % step == 0) & (ahead // step < expected.counts[run])
    else:
        run = ahead = np.zeros(len(pieces.firsts), np.int64)
        fits = np.zeros(len(pieces.firsts), bool)
    numbers = expected.offsets[:-1][run[fits]] + ahead[fits] // step if fits.any() else np.empty(0, np.int64)
    present = Runs(pieces.firsts[fits], pieces.counts[fits], step)
    outside = Runs(pieces.firsts[~fits], pieces.counts[~fits], step)
    after = np.concatenate(([0], numbers + present.counts))
    length = np.append(numbers, expected.total) - after
    holes = length > 0
    return Kept(low, high, expected, present, outside, (after[holes], length[holes]), phase)


def coverage_of(kept: Kept, ignored: Array | None = None) -> Coverage:
    """How much of what the calendar expects is there: the counts of what was looked at. ``ignored`` (bool, one for
    each gap) says whose candles nobody expects."""
    left = 0 if ignored is None else int(kept.missing[1][ignored].sum())
    return Coverage(
        from_us(kept.start), from_us(kept.end), kept.expected.total - left, kept.present.total, kept.outside.total,
        left,
    )  # fmt: skip


def by_edges(kept: Kept, edges: Array, ignored: Array | None = None) -> Buckets:
    """Expected and present between each of ``edges`` (int64 µs, ascending) and the next; without the candles of the
    gaps that are ``ignored`` (bool, one for each gap). O(edges × log gaps)."""
    numbers = kept.expected.before(edges)
    expected = np.diff(numbers)
    if ignored is not None and ignored.any():
        firsts, counts = (part[ignored] for part in kept.missing)
        gap = np.searchsorted(firsts, numbers, side="right") - 1
        inside = np.clip(numbers - firsts[gap], 0, counts[gap])
        before = np.concatenate(([0], np.cumsum(counts)))[gap] + inside
        expected = expected - np.diff(np.where(gap >= 0, before, 0))
    present = np.diff(kept.present.before(edges))
    share = np.divide(present, expected, out=np.full(len(expected), np.nan), where=expected > 0)
    return Buckets(edges, expected, present, share)


def by_day(kept: Kept, every: int = DAY, ignored: Array | None = None) -> Buckets:
    """Expected and present of every UTC day (or every hour, with ``every`` an hour in µs); ``ignored`` as for
    :func:`by_edges`."""
    first = kept.start // every * every
    return by_edges(kept, np.arange(first, max(kept.end, first + 1) + every, every, dtype=np.int64), ignored)


def _span(
    opens: Array, calendar: Calendar, start: pd.Timestamp | int | None, end: pd.Timestamp | int | None
) -> tuple[int, int]:
    low = as_us(start) if start is not None else int(opens[0]) if len(opens) else 0
    high = as_us(end) if end is not None else int(opens[-1]) + 1 if len(opens) else low
    first, last = calendar.known
    low = low if first is None else max(low, first)
    return low, max(low, high if last is None else min(high, last))

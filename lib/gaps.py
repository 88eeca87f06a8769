"""What is missing: the bars a calendar expects that are not there, and how much is.

Nothing here writes the expected bars out. Expected and present opens are both runs, so a series of ten
million minutes is compared in the time it takes to look once at the steps between its bars.

The cause of a gap is a likely one, told by simple rules, the first that holds:

- ``edge``: before the first or after the last candle there is.
- ``weekend``: with a calendar that expects Saturdays, a gap that holds all of one and is at most four days.
- ``holiday``: an hour or more, over half of it around a day the calendar calls quiet (Christmas, New Year, Good
  Friday for currencies, from noon of the day before to noon of the day after); or, where
  weekends or session breaks are among the gaps, one or more days from such an hour on.
- ``session break``: gaps of like length that start at one hour of the day on at least four in ten of the days.
- ``thin market``: at most five bars, and the bars beside them trade little (a volume at most a fifth of the
  median); where volumes are unknown, a day that has at least five such short gaps.
- ``halt``: inside one session of an exchange, 5 minutes to 4 hours, and the bar after it trades at least
  twice the median volume.
- ``outage``: everything else; the source lacks what there must have been.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import pandas as pd

from lib.calendars import Calendar, Phase, Runs, find_phase, runs_of
from lib.calendars.runs import as_us, stamps
from lib.calendars.sessions import DAY, HOUR, label
from lib.calendars.weekly import quiet_share
from lib.timeframes import Timeframe, from_us

__all__ = [
    "CAUSES",
    "Buckets",
    "Coverage",
    "Gap",
    "Gaps",
    "Kept",
    "YearMap",
    "by_day",
    "by_edges",
    "by_year",
    "coverage",
    "coverage_of",
    "find_gaps",
    "gaps_of",
    "look",
]

Array = np.ndarray[Any, Any]

CAUSES = ("outage", "halt", "thin market", "session break", "holiday", "weekend", "edge")
_OUTAGE, _HALT, _THIN, _BREAK, _HOLIDAY, _WEEKEND, _EDGE = range(len(CAUSES))
_MINUTE = 60 * 10**6


@dataclass(frozen=True, slots=True)
class Gap:
    """A run of expected bars that are not there: the first missing open, the first expected open after the
    run (both UTC), how many bars, and the likely cause."""

    start: pd.Timestamp
    end: pd.Timestamp
    count: int
    cause: str


class Gaps(Sequence[Gap]):
    """Gaps in order of time, kept as arrays (a thin market has millions): ``starts``, ``ends`` (int64 µs),
    ``counts`` (int64) and ``causes`` (int8, numbers into ``CAUSES``). Indexing and iterating give ``Gap``."""

    __slots__ = ("causes", "counts", "ends", "starts")

    def __init__(self, starts: Array, ends: Array, counts: Array, causes: Array) -> None:
        self.starts, self.ends, self.counts, self.causes = starts, ends, counts, causes

    def __len__(self) -> int:
        return len(self.starts)

    @overload
    def __getitem__(self, at: int) -> Gap: ...
    @overload
    def __getitem__(self, at: slice) -> Gaps: ...
    def __getitem__(self, at: int | slice) -> Gap | Gaps:
        if isinstance(at, slice):
            return Gaps(self.starts[at], self.ends[at], self.counts[at], self.causes[at])
        return Gap(
            from_us(int(self.starts[at])),
            from_us(int(self.ends[at])),
            int(self.counts[at]),
            CAUSES[int(self.causes[at])],
        )

    def __iter__(self) -> Iterator[Gap]:
        return (self[at] for at in range(len(self)))

    def only(self, *causes: str) -> Gaps:
        """The gaps of these causes."""
        wanted = np.isin(self.causes, [CAUSES.index(cause) for cause in causes])
        return Gaps(self.starts[wanted], self.ends[wanted], self.counts[wanted], self.causes[wanted])

    @property
    def missing(self) -> int:
        """How many bars, over all gaps."""
        return int(self.counts.sum())


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of what is expected in ``[start, end)`` is there. ``outside`` counts candles at times the
    calendar does not expect; ``share`` is present over expected, None where nothing is expected."""

    start: pd.Timestamp
    end: pd.Timestamp
    expected: int
    present: int
    outside: int

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


def find_gaps(
    times: Array | pd.DatetimeIndex,
    timeframe: Timeframe,
    calendar: Calendar,
    start: pd.Timestamp | int | None = None,
    end: pd.Timestamp | int | None = None,
    *,
    volume: Array | None = None,
    phase: Phase | None = None,
) -> Gaps:
    """The gaps of candles that open at ``times`` (ascending, unique; int64 µs or an index) between ``start``
    and ``end``: by default from the first candle to the last. ``volume`` (float64, one for each time) helps
    to tell causes. ``phase`` is found from the times where it is not given.

    O(n) where ``n`` counts candles, gaps and sessions: ten million candles in about 0.1 s.
    """
    opens = stamps(times)
    kept = look(opens, timeframe, calendar, start, end, phase=phase)
    return gaps_of(kept, opens, timeframe, calendar, volume)


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
        opens = np.unique(opens)
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


def coverage(
    times: Array | pd.DatetimeIndex,
    timeframe: Timeframe,
    calendar: Calendar,
    start: pd.Timestamp | int | None = None,
    end: pd.Timestamp | int | None = None,
    *,
    phase: Phase | None = None,
) -> Coverage:
    """How much of what the calendar expects is there; by default from the first candle to the last. O(n)."""
    return coverage_of(look(times, timeframe, calendar, start, end, phase=phase))


def coverage_of(kept: Kept) -> Coverage:
    """The counts of what was looked at."""
    return Coverage(
        from_us(kept.start), from_us(kept.end), kept.expected.total, kept.present.total, kept.outside.total
    )


def by_edges(kept: Kept, edges: Array) -> Buckets:
    """Expected and present between each of ``edges`` (int64 µs, ascending) and the next. O(edges)."""
    expected = np.diff(kept.expected.before(edges))
    present = np.diff(kept.present.before(edges))
    share = np.divide(present, expected, out=np.full(len(expected), np.nan), where=expected > 0)
    return Buckets(edges, expected, present, share)


def by_day(kept: Kept, every: int = DAY) -> Buckets:
    """Expected and present of every UTC day (or every hour, with ``every`` an hour in µs)."""
    first = kept.start // every * every
    return by_edges(kept, np.arange(first, max(kept.end, first + 1) + every, every, dtype=np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class YearMap:
    """A picture of coverage, a year to a row: ``years`` (int64), and arrays of years × 366 days: ``share`` (float64,
    NaN where nothing is expected) and ``missing`` (int64). Columns are the days of a leap year, so that a date
    has the same column in every year; February 29 of other years is NaN."""

    years: Array
    share: Array
    missing: Array


def by_year(kept: Kept) -> YearMap:
    """Coverage of every UTC day, a year to a row. O(days)."""
    days = by_day(kept)
    dates = days.edges[:-1].view("datetime64[us]").astype("datetime64[D]")
    year = dates.astype("datetime64[Y]").astype(np.int64) + 1970
    place = (dates - dates.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    place += (~leap) & (place >= 59)
    years = np.arange(year[0], year[-1] + 1)
    share = np.full((len(years), 366), np.nan)
    missing = np.zeros((len(years), 366), np.int64)
    share[year - years[0], place] = days.share
    missing[year - years[0], place] = days.expected - days.present
    return YearMap(years, share, missing)


def _span(
    opens: Array, calendar: Calendar, start: pd.Timestamp | int | None, end: pd.Timestamp | int | None
) -> tuple[int, int]:
    low = as_us(start) if start is not None else int(opens[0]) if len(opens) else 0
    high = as_us(end) if end is not None else int(opens[-1]) + 1 if len(opens) else low
    first, last = calendar.known
    low = low if first is None else max(low, first)
    return low, max(low, high if last is None else min(high, last))


# ---------------------------------------------------------------------------------------------- causes


def gaps_of(
    kept: Kept, opens: Array, timeframe: Timeframe, calendar: Calendar, volume: Array | None = None
) -> Gaps:
    """The gaps of what was looked at, with their causes; ``opens`` and ``volume`` as for ``find_gaps``."""
    numbers, counts = kept.missing
    starts = kept.expected.at(numbers) if len(numbers) else np.empty(0, np.int64)
    after = numbers + counts
    ends = np.full(len(starts), kept.end, np.int64)
    inner = after < kept.expected.total
    if inner.any():
        ends[inner] = kept.expected.at(after[inner])
    gaps = Gaps(starts, ends, counts, np.full(len(starts), _OUTAGE, np.int8))
    if len(starts):
        _tell(gaps, kept, opens, timeframe, calendar, volume)
    return gaps


def _tell(
    gaps: Gaps, kept: Kept, opens: Array, timeframe: Timeframe, calendar: Calendar, volume: Array | None
) -> None:
    causes, step = gaps.causes, timeframe.micros
    lengths = gaps.counts * step
    level, beside, after = _volumes(gaps, opens, volume)
    # from the last rule to the first, so that the first that holds stands
    if calendar.halts:
        spans = calendar.sessions(kept.start, kept.end)
        session = np.searchsorted(spans.opens, gaps.starts, side="right")
        inside = session == np.searchsorted(spans.opens, gaps.ends, side="right")
        short = (lengths >= 5 * _MINUTE) & (lengths <= 4 * HOUR)
        causes[inside & short & (after >= 2 * level)] = _HALT
    few = gaps.counts <= 5
    if timeframe.seconds < 86400:
        if np.isnan(level):
            causes[few & (_on_day(gaps.starts[few], gaps.starts) >= 5)] = _THIN
        else:
            causes[few & (beside <= level / 5)] = _THIN
        causes[_recurring(gaps, kept, step)] = _BREAK
    quiet = quiet_share(
        calendar.quiet_days(kept.start - 2 * DAY, kept.end + DAY), gaps.starts, gaps.ends, lengths
    )
    causes[(lengths >= HOUR) & (gaps.ends - gaps.starts <= 6 * DAY) & (quiet > 0.5)] = _HOLIDAY
    causes[_weekends(gaps, kept)] = _WEEKEND
    causes[_closed_days(gaps, kept)] = _HOLIDAY
    if len(opens):
        causes[(gaps.ends <= opens[0]) | (gaps.starts > opens[-1])] = _EDGE
    else:
        causes[:] = _EDGE


def _volumes(gaps: Gaps, opens: Array, volume: Array | None) -> tuple[float, Array, Array]:
    """The median volume, the largest of the two bars on either side of each gap, and the one after it."""
    nothing = np.full(len(gaps), np.nan)
    if volume is None or not len(volume) or np.isnan(volume).all():
        return np.nan, nothing, nothing
    known = volume[~np.isnan(volume)]
    traded = known[known > 0]
    if not len(traded):
        return np.nan, nothing, nothing
    at = np.searchsorted(opens, gaps.starts)
    around = np.clip(at[:, None] + np.arange(-2, 2), 0, len(volume) - 1)
    beside = np.nan_to_num(volume[around], nan=0.0).max(axis=1)
    following = np.nan_to_num(volume[np.clip(at, 0, len(volume) - 1)], nan=0.0)
    return float(np.median(traded)), beside, following


def _on_day(some: Array, starts: Array) -> Array:
    """For each of ``starts``: how many of ``some`` are on its UTC day."""
    days, counts = np.unique(some // DAY, return_counts=True)
    if not len(days):
        return np.zeros(len(starts), np.int64)
    at = np.minimum(np.searchsorted(days, starts // DAY), len(days) - 1)
    found: Array = np.where(days[at] == starts // DAY, counts[at], 0)
    return found


def _recurring(gaps: Gaps, kept: Kept, step: int) -> Array:
    """Gaps under a day that, to the quarter of an hour, start at an hour of the day and last as long as on
    four in ten of the days with candles; clocks that change give each season its own hour."""
    quarter = 15 * _MINUTE
    shape = (gaps.starts % DAY) // quarter * 1000 + gaps.counts * step // quarter
    under = (gaps.counts * step < DAY) & (gaps.counts * step >= quarter)
    days = 1 + int(np.count_nonzero(np.diff(kept.present.firsts // DAY)))
    _, at, counts = np.unique(shape, return_inverse=True, return_counts=True)
    often = counts >= max(5, 0.2 * days)
    # the two seasons together make the four in ten
    usual = counts[often].sum() >= 0.4 * days
    found: Array = under & often[at] if usual else np.zeros(len(gaps), bool)
    return found


def _weekends(gaps: Gaps, kept: Kept) -> Array:
    """Gaps of at most four days that hold a whole Saturday whose bars were expected."""
    # 1970-01-03 was a Saturday; the first that begins in the gap
    saturday = -((2 * DAY - gaps.starts) // (7 * DAY)) * (7 * DAY) + 2 * DAY
    wanted = kept.expected.before(saturday + DAY) - kept.expected.before(saturday)
    found: Array = (saturday + DAY <= gaps.ends) & (gaps.ends - gaps.starts <= 4 * DAY) & (wanted > 0)
    return found


def _closed_days(gaps: Gaps, kept: Kept) -> Array:
    """Gaps of one to six days that start at an hour at which the market closes on other days, too."""
    breaks = np.isin(gaps.causes, (_BREAK, _WEEKEND))
    weeks = max(1, (kept.end - kept.start) // (7 * DAY))
    hours, counts = np.unique(gaps.starts[breaks] % DAY, return_counts=True)
    # a market that is open now and then has no usual closing hour
    usual = hours[counts * 4 >= weeks] if breaks.sum() >= 0.8 * weeks else hours[:0]
    long = (gaps.ends - gaps.starts >= DAY) & (gaps.ends - gaps.starts <= 6 * DAY)
    found: Array = long & (gaps.causes == _OUTAGE) & np.isin(gaps.starts % DAY, usual)
    return found

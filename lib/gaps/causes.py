"""Gaps, and the likely cause of each.

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
from typing import overload

import numpy as np
import pandas as pd

from lib.calendars import Calendar, Phase
from lib.calendars.runs import Array, stamps
from lib.calendars.sessions import DAY, HOUR
from lib.calendars.weekly import quiet_share
from lib.gaps.looking import Kept, look
from lib.timeframes import Timeframe, from_us

__all__ = ["CAUSES", "Gap", "Gaps", "find_gaps", "gaps_of"]

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

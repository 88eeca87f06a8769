"""What to ask a source for: the wanted range, less what is stored, less what it is known not to have."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lib.errors import InputError, UnknownName
from lib.series import Series
from lib.timeframes import Timeframe

if TYPE_CHECKING:
    from lib.store import GapState, Store

__all__ = ["EARLIEST", "Ask", "Span", "checked_range", "less", "missing", "together", "without"]

# Opens in [start, end); None is no bound.
Span = tuple[pd.Timestamp | None, pd.Timestamp | None]

# Stands for the beginning of time where one must be written down.
EARLIEST = pd.Timestamp("1700-01-01", tz="UTC").as_unit("us")
# Holes that lie within this many candles are fetched by one request rather than several.
_TOGETHER = 1000
# Stored times are looked through in pieces of this many candles, so that memory stays small.
_PIECE = 40_000


def checked_range(start: pd.Timestamp | None, end: pd.Timestamp | None) -> Span:
    """A range in UTC. Raises ``InputError`` for one that is none."""
    for what, at in (("start", start), ("end", end)):
        if at is not None and at.tzinfo is None:
            raise InputError(
                f"The {what} {at} has no zone.", remedy="Say which zone it is in, as in 2024-01-01Z."
            )
    start, end = (None if at is None else at.tz_convert("UTC").as_unit("us") for at in (start, end))
    if start is not None and end is not None and start >= end:
        raise InputError(
            f"The start {start:%Y-%m-%d %H:%M} is not before the end {end:%Y-%m-%d %H:%M}.",
            remedy="Choose an earlier start or a later end.",
        )
    # a day of grace: this machine's clock may be wrong
    if start is not None and start > pd.Timestamp.now(tz="UTC") + pd.Timedelta(days=1):
        raise InputError(
            f"The start {start:%Y-%m-%d %H:%M} UTC lies in the future: there are no candles yet.",
            remedy="Choose one that has passed, or none for all there is.",
        )
    return start, end


# ----------------------------------------------------------------------------------------- what is missing


def missing(store: Store, series: Series, start: pd.Timestamp | None, end: pd.Timestamp | None) -> list[Span]:
    """The parts of ``[start, end)`` that hold no observed candle, ascending; a filled one does not count.
    The steps are taken from the stored candles themselves, since not every series is cut where ours
    would be (3-day candles).

    O(1) for a series without holes, by its count; otherwise O(stored candles in the range), some
    0.2 s for a million.
    """
    try:
        info = store.info(series)
    except UnknownName:
        return [(start, end)]
    frame, first, last = series.timeframe, info.first, info.last
    if first is None or last is None or (end is not None and end <= first):
        return [(start, end)]
    beyond = frame.after(last)
    if start is not None and start >= beyond:
        return [(start, end)]
    spans: list[Span] = []
    if start is None or frame.after(first, -1) >= start:
        spans.append((start, first))
    if info.filled or not _whole(frame, first, last, info.count):
        low = first if start is None else max(start, first)
        high = beyond if end is None else min(end, beyond)
        spans += _holes(store, series, low, high, filled=bool(info.filled))
    if end is None or beyond < end:
        spans.append((beyond, end))
    return spans


def _whole(frame: Timeframe, first: pd.Timestamp, last: pd.Timestamp, count: int) -> bool:
    if frame.is_calendar:
        return bool(len(frame.opens(first, frame.after(last))) == count)
    return bool((last - first) // pd.Timedelta(seconds=frame.seconds) + 1 == count)


def _holes(
    store: Store, series: Series, low: pd.Timestamp, high: pd.Timestamp, *, filled: bool
) -> list[Span]:
    """Spans between neighbouring stored candles that lie further apart than one candle. The range's
    edges count as ``low`` and ``high``: a candle at or after them ends the last hole. With ``filled``
    there are filled candles among the stored ones, which end none."""
    frame, spans = series.timeframe, []
    due = low  # nothing is stored in [due, at)
    at = low
    while at < high:
        until = min(high, frame.after(at, _PIECE))
        times = _observed(store, series, at, until, filled=filled)
        if len(times):
            if frame.after(times[0], -1) >= due:
                spans.append((due, times[0]))
            opens = times.as_unit("us").asi8
            length = frame.micros if not frame.is_calendar else 31 * frame.count * 86_400_000_000
            for i in np.flatnonzero(np.diff(opens) > length):
                spans.append((frame.after(times[i]), times[i + 1]))
            due = frame.after(times[-1])
        at = until
    if due < high:
        spans.append((due, high))
    return list(spans)


def _observed(
    store: Store, series: Series, start: pd.Timestamp, end: pd.Timestamp, *, filled: bool
) -> pd.DatetimeIndex:
    if not filled:
        return store.read(series, start=start, end=end).index
    table = store.read(series, start=start, end=end, provenance=True)
    return table.index[~table["filled"].to_numpy(bool)]


def without(spans: Iterable[Span], states: Iterable[GapState], source: str) -> list[Span]:
    """The spans without what this source was asked for before, and does not have. Sources close gaps late: what was
    so old then is asked for again once it is twice as old, so a gap of today tomorrow, and one of years ago never."""
    now = pd.Timestamp.now(tz="UTC")
    known = []
    for state in states:
        if state.state == "unfillable" and state.by == source:
            end = min(state.end, state.at - (now - state.at))
            if state.start < end:
                known.append((state.start, end))
    return less(spans, known)


def less(spans: Iterable[Span], taken: Iterable[tuple[pd.Timestamp, pd.Timestamp]]) -> list[Span]:
    """The spans without those of ``taken``, which do not overlap each other. O(n log n)."""
    known = sorted(taken)
    left: list[Span] = []
    for start, end in spans:
        low, begin = start, EARLIEST if start is None else start
        # they do not overlap, so those that end before the span begins stand first
        for at in range(bisect_right(known, begin, key=lambda one: one[1]), len(known)):
            first, last = known[at]
            if end is not None and first >= end:
                break
            if first > begin:
                left.append((low, first))
            low = begin = last
        if end is None or begin < end:
            left.append((low, end))
    return left


@dataclass(frozen=True, slots=True)
class Ask:
    """One stretch to fetch, and the missing spans within it; what else comes along is left alone."""

    spans: tuple[Span, ...]

    @property
    def start(self) -> pd.Timestamp | None:
        return self.spans[0][0]

    @property
    def end(self) -> pd.Timestamp | None:
        return self.spans[-1][1]

    def wanted(self, table: pd.DataFrame) -> pd.DataFrame:
        """What of a table lies in the spans."""
        keep = np.zeros(len(table), bool)
        for start, end in self.spans:
            low = 0 if start is None else table.index.searchsorted(start)
            high = len(table) if end is None else table.index.searchsorted(end)
            keep[low:high] = True
        return table if keep.all() else table[keep]

    def due(self, start: pd.Timestamp, end: pd.Timestamp, frame: Timeframe) -> int:
        """How many candles the spans have room for in ``[start, end)``."""
        count = 0
        for low, high in self.spans:
            first = start if low is None else max(low, start)
            last = end if high is None else min(high, end)
            if first < last:
                count += -(-int((last - first).total_seconds()) // frame.seconds)
        return count


def together(spans: Iterable[Span], frame: Timeframe) -> list[Ask]:
    """Neighbouring spans that one request can serve become one ask."""
    asks: list[Ask] = []
    for span in spans:
        low, high = asks[-1].start if asks else None, span[1]
        if low is not None and high is not None and (high - low).total_seconds() <= _TOGETHER * frame.seconds:
            asks[-1] = Ask((*asks[-1].spans, span))
        else:
            asks.append(Ask((span,)))
    return asks

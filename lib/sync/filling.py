"""Gaps closed with candles that were made up, marked as filled, and taken out again.

A filled candle never counts as observed: a source that has the real one replaces it, the chart draws it
otherwise, and statistics leave it out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from lib.calendars import Calendar, Phase, find_phase
from lib.candles import from_micros, micros
from lib.errors import InputError
from lib.series import Series
from lib.sync.planning import Span
from lib.timeframes import Timeframe, from_us, to_us

if TYPE_CHECKING:
    from lib.store import Store

__all__ = ["METHODS", "Method", "fill", "unfill"]

Method = Literal["forward", "linear"]
METHODS: tuple[Method, ...] = ("forward", "linear")

# Stored candles read, or candles made, at a time.
_PIECE = 50_000
# Looked at to tell where the series' candles open.
_SAMPLE = 20_000
Array = np.ndarray[Any, Any]
Expected = Callable[[pd.Timestamp, pd.Timestamp], Array]


def fill(
    store: Store,
    series: Series,
    gaps: Iterable[Span],
    method: Method = "forward",
    *,
    calendar: Calendar | None = None,
    phase: Phase | None = None,
) -> int:
    """Close gaps, ``[start, end)`` each in ascending order; how many candles were made. Only what is missing
    between two stored candles is filled, nothing before the first or after the last.

    - "forward": every candle stands still at the close before the gap.
    - "linear": a straight line in time from the close before the gap to the open after it.

    Volume is 0, as nothing is known to have been traded, and unknown where both neighbours' is. ``calendar``
    tells which opens to fill, ``phase`` where such candles open (None: as the newest of the series do);
    without a calendar every step of the series' timeframe from the candle before is filled. The
    candles' origin is "forward fill" or "linear fill". Raises ``InputError`` and what the store raises.
    """
    if method not in METHODS:
        raise InputError(f"There is no method {method!r}.", remedy=f"There are: {', '.join(METHODS)}.")
    info = store.info(series)
    expected = None if calendar is None else _expected(store, series, calendar, phase)
    spans = []
    for start, end in gaps:
        first = max(info.first if start is None else start, info.first)
        last = min(info.last if end is None else end, info.last)
        if first < last:
            spans.append((first, last))
    made, done, waiting = 0, [], []
    for some in _pieces(spans, series.timeframe):
        for span, table in _closed(store, series, some, method, expected):
            waiting.append(table)
            done.append(span)
        if sum(map(len, waiting)) >= _PIECE:
            made += _stored(store, series, waiting, done, method)
            waiting, done = [], []
    return made + _stored(store, series, waiting, done, method)


def unfill(
    store: Store, series: Series, start: pd.Timestamp | None = None, end: pd.Timestamp | None = None
) -> int:
    """Take the filled candles that open in ``[start, end)`` out again, whatever the method; how many there
    were. What was filled is a gap once more, and what sources are known not to have stays known."""
    gone = store.unfill(series, start, end)
    back, stays = [], []
    for state in store.gap_states(series):
        first = state.start if start is None else max(start, state.start)
        last = state.end if end is None else min(end, state.end)
        if state.state == "unfillable":
            stays.append(state)
        elif state.state == "filled" and first < last:
            back.append((first, last))
    if back:
        from lib.store import GapState

        store.set_gap_states(series, [*(GapState(*span, "detected") for span in back), *stays])
    return gone


def _expected(store: Store, series: Series, calendar: Calendar, phase: Phase | None) -> Expected:
    """The opens a calendar expects in a span, cut as the series itself is."""
    if phase is None:
        newest = store.read(series, last=_SAMPLE).index
        phase = find_phase(newest.as_unit("us").asi8, series.timeframe, calendar)
    return lambda start, end: calendar.expected(series.timeframe, start, end, phase)


def _pieces(spans: Sequence[tuple[pd.Timestamp, pd.Timestamp]], frame: Timeframe) -> Iterable[Any]:
    """Neighbouring gaps that are read for at once."""
    piece: list[tuple[pd.Timestamp, pd.Timestamp]] = []
    for span in spans:
        if piece and (span[1] - piece[0][0]).total_seconds() > _PIECE * frame.seconds:
            yield piece
            piece = []
        piece.append(span)
    if piece:
        yield piece


def _closed(
    store: Store, series: Series, spans: list[tuple[pd.Timestamp, pd.Timestamp]], method: Method,
    expected: Expected | None,
) -> Iterable[tuple[tuple[pd.Timestamp, pd.Timestamp], pd.DataFrame]]:  # fmt: skip
    """Each gap and the candles that close it, where there are any to make."""
    low, high = spans[0][0], spans[-1][1]
    before = store.read(series, end=low, last=1)
    table = pd.concat([before, store.read(series, start=low, end=series.timeframe.after(high))])
    times = micros(table)
    for start, end in spans:
        opens = _opens(series.timeframe, table, start, end, expected)
        opens = opens[~np.isin(opens, times)]
        at = np.searchsorted(times, opens)
        opens = opens[(at > 0) & (at < len(times))]
        if len(opens):
            yield (start, end), _made(opens, table, times, series.timeframe, method)


def _opens(
    frame: Timeframe, table: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp, expected: Expected | None
) -> Array:
    if expected is not None:
        return expected(start, end)
    # cut where the series itself is: its hours may open at half past
    step = table.index[max(0, int(table.index.searchsorted(start, side="right")) - 1)]
    if frame.is_calendar:
        return np.asarray(frame.opens(start, end).as_unit("us").asi8, dtype=np.int64)
    first = to_us(start) + (to_us(step) - to_us(start)) % frame.micros
    return np.arange(first, to_us(end), frame.micros, dtype=np.int64)


def _made(opens: Array, table: pd.DataFrame, times: Array, frame: Timeframe, method: Method) -> pd.DataFrame:
    """Candles at these opens, each between the stored ones beside it. O(n)."""
    right = np.searchsorted(times, opens)
    left = right - 1
    close, follows = table["close"].to_numpy()[left], table["open"].to_numpy()[right]
    volume = table["volume"].to_numpy()
    figures: dict[str, Array] = {"open": close, "high": close, "low": close, "close": close}
    if method == "linear":
        # the line starts when the candle before is over, and ends when the next opens
        began = np.array([to_us(frame.after(from_us(int(at)))) for at in times[np.unique(left)]])
        began = began[np.unique(left, return_inverse=True)[1]]
        ends = np.array([to_us(frame.after(from_us(int(at)))) for at in opens])
        length = np.maximum(times[right] - began, 1)
        first = close + (follows - close) * np.clip((opens - began) / length, 0, 1)
        last = close + (follows - close) * np.clip((ends - began) / length, 0, 1)
        figures = {
            "open": first, "high": np.maximum(first, last), "low": np.minimum(first, last), "close": last,
        }  # fmt: skip
    nothing = np.isnan(volume[left]) & np.isnan(volume[right])
    return from_micros(opens, {**figures, "volume": np.where(nothing, np.nan, 0.0)})


def _stored(
    store: Store, series: Series, tables: list[pd.DataFrame], spans: list[tuple[pd.Timestamp, pd.Timestamp]],
    method: Method,
) -> int:  # fmt: skip
    if not tables:
        return 0
    from lib.store import GapState

    made = store.write(series, pd.concat(tables), origin=f"{method} fill", filled=True)
    store.set_gap_states(series, [GapState(*span, "filled", by=method) for span in spans])
    return made.added

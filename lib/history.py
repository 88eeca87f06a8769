"""What History and Replay read: candles of a stretch with their indicators, in one call.

Indicator values never depend on how the reader came to a stretch. A series of up to ``EXACT`` bars at
the timeframe shown is computed whole, once, and cut; a longer one is computed from a lead long enough
for a start's influence to die out (each indicator states how long: ``settle``). Only indicators that
sum from the first bar for ever (OBV) cannot be had exactly that way; ``Loaded.exact`` then is False.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from lib.errors import InputError
from lib.indicators import REGISTRY, Pick, compute
from lib.series import Series
from lib.store import SeriesInfo, Store
from lib.timeframes import Timeframe
from lib.viewport import PAGE, Stretch, around

__all__ = ["EXACT", "Loaded", "extended", "load", "opening", "rebased", "whole", "widened"]

# Bars computed whole. 100,000 bars of 12 indicators take about 0.1 s and 20 MB.
EXACT = 100_000
# Points a picture of closes is drawn with, at the most.
POINTS = 400
# Values of whole series kept, newest used last: at most this many, a few MB each.
_KEPT = 12
_kept: OrderedDict[tuple[object, ...], pd.DataFrame] = OrderedDict()
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Loaded:
    """Candles of a stretch and the indicator columns aligned with them."""

    series: Series
    timeframe: Timeframe
    candles: pd.DataFrame
    values: pd.DataFrame
    has_older: bool
    has_newer: bool
    exact: bool


def load(
    store: Store, series: Series, timeframe: Timeframe, picks: Sequence[Pick], stretch: Stretch
) -> Loaded:
    """Read ``stretch`` of ``series`` at ``timeframe`` (its own or coarser) with ``picks`` computed.

    Raises ``UnknownName`` for a series that is not stored. O(bars of the stretch + lead), or, the
    first time after a write, O(bars of the series) up to ``EXACT``.
    """
    info = store.info(series)
    if expected(info, timeframe) <= EXACT:
        full = store.read(series, timeframe=timeframe)
        values = _whole_values(store, series, timeframe, full, picks)
        low, high = _cut(full.index, stretch)
        candles, values = full.iloc[low:high], values.iloc[low:high]
        return Loaded(series, timeframe, candles, values, low > 0, high < len(full), True)
    candles = store.read(series, timeframe=timeframe, start=stretch.start, end=stretch.end)
    settle = [REGISTRY[pick.name].settle(*pick.params) for pick in picks]
    lead = max([min(bars, EXACT) for bars in settle if bars is not None], default=0)
    before = (
        store.read(series, timeframe=timeframe, end=candles.index[0], last=lead)
        if lead and len(candles)
        else candles[:0]
    )
    values = compute(pd.concat([before, candles]), picks, timeframe=timeframe).iloc[len(before) :]
    return Loaded(
        series,
        timeframe,
        candles,
        values,
        bool(len(candles)) and timeframe.floor(info.first) < candles.index[0],
        bool(len(candles)) and timeframe.floor(info.last) > candles.index[-1],
        all(bars is not None for bars in settle),
    )


def opening(
    store: Store,
    series: Series,
    timeframe: Timeframe,
    at: pd.Timestamp | None = None,
    *,
    span: pd.Timedelta | None = None,
    bars: int = PAGE,
) -> Stretch:
    """The stretch of a first look: the newest ``bars``, or those around ``at``; ``span`` is what the
    screen is to show, and is covered as far as ``EXACT`` bars go. A date outside the series opens at
    its nearer end. What is not loaded is asked for when the reader comes near an edge."""
    info = store.info(series)
    wanted = bars if span is None else int(span.total_seconds() // timeframe.seconds) + bars // 2
    wanted = min(max(wanted, bars), EXACT)
    if at is not None and at < info.last:
        found = around(max(at, info.first), timeframe, bars=wanted)
        return Stretch(found.start, None if found.end >= info.last else found.end)
    recent = store.read(series, timeframe=timeframe, last=wanted)
    return Stretch(recent.index[0] if len(recent) else None, None)


def widened(
    store: Store, series: Series, timeframe: Timeframe, stretch: Stretch, *, bars: int = PAGE
) -> Stretch:
    """The stretch with one page of older bars before it."""
    if stretch.start is None:
        return stretch
    older = store.read(series, timeframe=timeframe, end=stretch.start, last=bars)
    return Stretch(older.index[0], stretch.end) if len(older) else Stretch(None, stretch.end)


def extended(
    store: Store, series: Series, timeframe: Timeframe, stretch: Stretch, *, bars: int = PAGE
) -> Stretch:
    """The stretch with one page of newer bars after it; steps over closed hours and holes."""
    info = store.info(series)
    end = stretch.end
    while end is not None:
        end = timeframe.after(timeframe.floor(end), bars)
        if end > info.last:
            return Stretch(stretch.start, None)
        if len(store.read(series, timeframe=timeframe, start=stretch.end, end=end)):
            break
    return Stretch(stretch.start, end)


def whole(
    store: Store,
    series: Series,
    timeframe: Timeframe,
    picks: Sequence[Pick],
    near: pd.Timestamp | None = None,
) -> Loaded:
    """All of a series: what Replay walks over. Where it has more than ``EXACT`` bars, the newest of them, or
    as many around ``near`` where that lies before these."""
    stretch = opening(store, series, timeframe, bars=EXACT)
    if near is not None and stretch.start is not None and near < stretch.start:
        stretch = opening(store, series, timeframe, near, bars=EXACT)
    return load(store, series, timeframe, picks, stretch)


def rebased(store: Store, infos: Sequence[SeriesInfo]) -> dict[Series, pd.Series]:
    """Closes over the span all have, a few hundred points each, as percent of the first.

    Raises ``InputError`` where they have no time in common.
    """
    first, last = max(info.first for info in infos), min(info.last for info in infos)
    if first >= last:
        raise InputError(
            f"These series have no time in common: one ends on {last:%Y-%m-%d}, another begins on {first:%Y-%m-%d}.",
            remedy="Leave one of them out.",
        )
    made = {}
    for info in infos:
        span = (last - first).total_seconds()
        coarse = next(
            (each for each in info.timeframes if span / each.seconds <= POINTS), info.timeframes[-1]
        )
        closes = store.read(info.series, timeframe=coarse, start=coarse.floor(first), end=last)["close"]
        made[info.series] = closes / closes.iloc[0] * 100
    return made


def expected(info: SeriesInfo, timeframe: Timeframe) -> int:
    """About how many bars the series has at ``timeframe``; never too few by much, O(1)."""
    return -(-info.count * info.series.timeframe.seconds // timeframe.seconds)


def _cut(index: pd.DatetimeIndex, stretch: Stretch) -> tuple[int, int]:
    low = 0 if stretch.start is None else int(index.searchsorted(stretch.start))
    high = len(index) if stretch.end is None else int(index.searchsorted(stretch.end))
    return low, high


def _whole_values(
    store: Store, series: Series, timeframe: Timeframe, full: pd.DataFrame, picks: Sequence[Pick]
) -> pd.DataFrame:
    """Values over a whole series; kept by the store's revision, so that a write is seen at once."""
    key = (store.url, series, timeframe, store.revision(series), len(full), tuple(picks))
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    values = compute(full, picks, timeframe=timeframe)
    with _lock:
        _kept[key] = values
        while len(_kept) > _KEPT:
            _kept.popitem(last=False)
    return values

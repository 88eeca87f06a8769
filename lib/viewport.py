"""The bars a screen needs: which timeframe, which stretch, never more than a bounded count. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from lib.timeframes import Timeframe, parse

__all__ = ["PAGE", "SPANS", "Stretch", "around", "pick_timeframe"]

# Timeframes that fit themselves to a span: those people speak of, not every one that can be made.
_USUAL = frozenset(map(parse, "1m 5m 15m 30m 1h 4h 1d 1w 1M".split()))

# Bars fetched at once. A round trip for a page of 2,000 took about 110 ms in a browser.
PAGE = 2_000

# Spans a reader may ask for by name, in days; None is everything there is.
SPANS: dict[str, float | None] = {
    "Day": 1, "Week": 7, "Month": 30.5, "3 months": 91.5, "Year": 365.25, "5 years": 1826.25, "All": None,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stretch:
    """A half-open range of candle opens, ``[start, end)``; None is the series' own edge."""

    start: pd.Timestamp | None = None
    end: pd.Timestamp | None = None


def pick_timeframe(offered: Sequence[Timeframe], span: pd.Timedelta, *, most: int = PAGE) -> Timeframe:
    """The finest of ``offered`` that shows ``span`` in at most ``most`` bars, among the usual ones and
    the finest offered; else the coarsest."""
    finest = min(offered)
    ordered = sorted(each for each in offered if each in _USUAL or each == finest)
    for timeframe in ordered:
        if span.total_seconds() / timeframe.seconds <= most:
            return timeframe
    return ordered[-1]


def around(time: pd.Timestamp, timeframe: Timeframe, *, bars: int) -> Stretch:
    """Room for ``bars`` candles with ``time`` in the middle; closed hours make them fewer."""
    half = pd.Timedelta(seconds=timeframe.seconds * (bars // 2))
    return Stretch(timeframe.floor(time - half), timeframe.after(timeframe.floor(time + half)))

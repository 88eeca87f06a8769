"""Odd volumes, and quotes that cross."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lib.candles import micros
from lib.quality.model import Bars, Finding, listed
from lib.quality.prices import odd_runs
from lib.timeframes import Timeframe, from_us
from lib.wording import count

__all__ = ["crossed", "holes"]


def holes(bars: Bars) -> list[Finding]:
    """Bars without volume among bars with it: unknown, or zero although the price moved; in runs longer than
    chance explains, and at least 3. Nothing where less than half of the bars have a volume."""
    known = bars.volume > 0
    if known.mean() < 0.5:
        return []
    moved = (bars.high > bars.low) | np.isnan(bars.volume)
    without = ~known & moved
    spans, longer = odd_runs(without, 3, bars.times)
    return listed(
        bars, "volume hole", "warning", spans, longer,
        lambda first, last: f"No volume in {count(last - first + 1, 'candle')} from {bars.when(first)} on, though others "
        "have one and the price moved.",
        "In {places} more candles have no volume.",
    )  # fmt: skip


def crossed(bid: pd.DataFrame, ask: pd.DataFrame, timeframe: Timeframe) -> list[Finding]:
    """Bars of two series of one market, at the same times, whose ask is below the bid at the open or the
    close. One finding. O(n)."""
    _, left, right = np.intersect1d(micros(bid), micros(ask), assume_unique=True, return_indices=True)
    under = np.zeros(len(left), bool)
    for name in ("open", "close"):
        under |= ask[name].to_numpy()[right] < bid[name].to_numpy()[left]
    at = np.flatnonzero(under)
    if not len(at):
        return []
    times = micros(bid)[left[at]]
    first, last = from_us(int(times[0])), from_us(int(times[-1]))
    text = f"The ask is below the bid in {len(at):,} of {count(len(left), 'candle')}, first at {first:%Y-%m-%d %H:%M} UTC."
    return [Finding("crossed", "fault", first, timeframe.after(last), len(at), text)]

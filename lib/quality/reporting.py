"""The report: every check, over one table."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lib.calendars import Calendar, Phase
from lib.candles import COLUMNS, PRICES, micros
from lib.gaps import coverage_of, gaps_of, look
from lib.quality import prices, volumes, zones
from lib.quality.model import SEVERITIES, Array, Bars, Finding, Refetches, Report
from lib.quality.splits import splits
from lib.timeframes import Timeframe, from_us, to_us
from lib.wording import count

__all__ = ["report"]


def report(
    table: pd.DataFrame,
    timeframe: Timeframe,
    calendar: Calendar,
    *,
    start: pd.Timestamp | int | None = None,
    end: pd.Timestamp | int | None = None,
    refetches: Refetches | None = None,
    ask: pd.DataFrame | None = None,
    bid: pd.DataFrame | None = None,
    phase: Phase | None = None,
) -> Report:
    """What is missing from a candle table, and what in it is odd.

    ``start`` and ``end`` bound what is expected, by default the first and the last candle. ``refetches`` are
    the ledger's counts. ``ask`` is the ask side's table where this one is the bid's, or ``bid`` where it is the ask's. Candles that were filled
    are left out. A table that never passed ``candles.conform`` may have prices of zero or less: they are
    reported, and the other checks leave their rows out.

    O(n): about 0.3 s for a million candles and 3 s for ten million.
    """
    filled = table["filled"].to_numpy(bool) if "filled" in table.columns else np.zeros(len(table), bool)
    if filled.any():
        table = table[~filled]
    times = micros(table)
    volume = table["volume"].to_numpy()
    kept = look(times, timeframe, calendar, start, end, phase=phase)
    gaps = gaps_of(kept, times, timeframe, calendar, volume)
    found = _counts(table, timeframe, refetches or Refetches())
    sound = _sound(table)
    if len(times) and not sound.all():
        found.append(_unsound(times[~sound], timeframe))
        table, times = table[sound], times[sound]
    if ask is not None:
        found += volumes.crossed(table, ask, timeframe)
    if bid is not None:
        found += volumes.crossed(bid, table, timeframe)
    if len(table) >= 3:
        bars = _bars(table, times, timeframe, calendar)
        found += _checks(bars)
        found += zones.outside(bars, kept)
    found.sort(key=lambda each: (-SEVERITIES.index(each.severity), each.start))
    return Report(len(table), int(filled.sum()), coverage_of(kept), gaps, tuple(found))


def _sound(table: pd.DataFrame) -> Array:
    fine = np.ones(len(table), bool)
    for name in PRICES:
        values = table[name].to_numpy()
        fine &= (values > 0) & (values < np.inf)
    return fine


def _unsound(times: Array, timeframe: Timeframe) -> Finding:
    first, last = from_us(int(times[0])), from_us(int(times[-1]))
    text = f"A price is zero, negative or no number in {count(len(times), 'candle')}, first at {first:%Y-%m-%d %H:%M} UTC."
    return Finding("not positive", "fault", first, timeframe.after(last), len(times), text)


def _bars(table: pd.DataFrame, times: Array, timeframe: Timeframe, calendar: Calendar) -> Bars:
    o, h, lo, c, v = (np.ascontiguousarray(table[name].to_numpy()) for name in COLUMNS)
    returns = np.diff(np.log(c))
    scale = prices.local_scale(returns)
    return Bars(times, o, h, lo, c, v, timeframe, calendar, returns, scale)


def _checks(bars: Bars) -> list[Finding]:
    split = splits(bars)
    spikes = prices.spikes(bars)
    spikes += prices.patches(bars, _numbers(bars, split + spikes))
    # a spike is two outliers, and a split one: they have been told
    told = _numbers(bars, split + spikes) | _after(bars, spikes)
    return [
        *split, *spikes, *prices.wicks(bars), *prices.outliers(bars, told), *prices.flat(bars), *prices.stale(bars),
        *volumes.holes(bars), *zones.misplaced(bars),
    ]  # fmt: skip


def _after(bars: Bars, found: list[Finding]) -> set[int]:
    """The bars that follow."""
    ends = np.array([to_us(each.end) for each in found], np.int64)
    return set(np.searchsorted(bars.times, ends).tolist())


def _numbers(bars: Bars, found: list[Finding]) -> set[int]:
    opens = np.array([to_us(each.start) for each in found], np.int64)
    return set(np.searchsorted(bars.times, opens).tolist())


def _counts(table: pd.DataFrame, timeframe: Timeframe, counts: Refetches) -> list[Finding]:
    if not len(table):
        return []
    first, end = table.index[0], timeframe.after(table.index[-1])
    rows, changed = count(counts.duplicates, "row"), count(counts.conflicts, "candle")
    refused = count(counts.refused, "row")
    told = [
        ("duplicates", "note", counts.duplicates, f"The source sent {rows} twice, the same in every figure."),
        ("conflicts", "warning", counts.conflicts, f"A later fetch changed {changed}: the source revises."),
        ("refused", "warning", counts.refused, f"{refused} from the source broke the rules of candles: refused."),
    ]  # fmt: skip
    return [Finding(kind, grave, first, end, n, text) for kind, grave, n, text in told if n]

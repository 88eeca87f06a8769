"""Odd prices: spikes, outliers, flat and repeated bars.

All measures are relative to the series itself. A usual return is 1.4826 × the median absolute return of the
surroundings, which is a standard deviation where returns are normal. Returns are not: of the minutes of a
currency, one in ten thousand is beyond 20 of those without any fault. So the bounds are wide, a move that
stays is a note only, and what counts against a source is what comes and goes within a bar.
"""

from __future__ import annotations

from math import log

import numpy as np

from lib.calendars.sessions import HOUR
from lib.quality.model import Array, Bars, Finding, listed, runs
from lib.wording import count

__all__ = ["flat", "local_scale", "odd_runs", "outliers", "patches", "spikes", "stale", "wicks"]

_BLOCK = 500
# In usual returns: what a bad print is beyond, and what a true move hardly ever reaches.
_SPIKE = 15.0
_OUTLIER = 60.0
# Smaller moves than these are of no matter, whatever the scale says.
_LEAST_SPIKE = 0.003
_LEAST_OUTLIER = 0.02
_LEAST_WICK = 0.005
# Bars that may be away together; and without a trade between them and the others.
_PATCH = 5
_LONG_PATCH = 60
_BARE = 8.0
_LEAST_BARE = 0.005
# What comes back to within this share of the move has reverted.
_REVERTED = 0.2


def local_scale(returns: Array) -> Array:
    """For each return the size of a usual one: over blocks of 500 returns, 1.4826 × the median of those that
    are not zero, and of a block and its neighbours the largest, but never under a quarter of the whole
    series'. NaN returns are left out. O(n)."""
    moves = np.abs(returns)
    moves = np.where(moves > 0, moves, np.nan)
    if not np.isfinite(moves).any():
        return np.full(len(returns), np.inf)
    count = max(1, len(moves) // _BLOCK)
    edges = np.linspace(0, len(moves), count + 1).astype(int)
    medians = np.array([_median(moves[a:b]) for a, b in zip(edges[:-1], edges[1:], strict=True)])
    whole = float(np.nanmedian(medians))
    medians = np.maximum(np.nan_to_num(medians, nan=0.0), whole / 4)
    padded = np.concatenate((medians[:1], medians, medians[-1:]))
    around = np.maximum(np.maximum(padded[:-2], padded[1:-1]), padded[2:])
    return np.asarray(1.4826 * np.repeat(around, np.diff(edges)))


def _median(values: Array) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else float("nan")


def odd_runs(
    mask: Array, least: int, times: Array, chance: float = 0.0
) -> tuple[list[tuple[int, int]], Array]:
    """The runs of True (first, last) that chance explains no more, and by how many times each is longer than the
    longest that it does. Were the other such bars of its surroundings (blocks of 500) strewn at random, a run of
    that length would be found in one of a hundred such series. Their share is never taken for less than the
    whole series', nor than that of the other bars in the run's hours of the day (``times``, int64 µs: every night is
    quiet), nor than ``chance``, nor for more than 98%, or nothing would ever be odd where all is alike. O(n)."""
    spans = runs(mask, least)
    if not spans:
        return [], np.empty(0)
    count = max(1, len(mask) // _BLOCK)
    edges = np.linspace(0, len(mask), count + 1).astype(int)
    inside = np.add.reduceat(mask.astype(np.int64), edges[:-1])
    padded = np.concatenate((inside[:1], inside, inside[-1:]))
    around = np.maximum(np.maximum(padded[:-2], padded[1:-1]), padded[2:])
    first = np.array([span[0] for span in spans], np.int64)
    length = np.array([last - begin + 1 for begin, last in spans], float)
    block = np.searchsorted(edges, first, side="right") - 1
    others = (around[block] - length) / np.diff(edges)[block]
    whole = (float(mask.sum()) - length) / len(mask)
    share = np.maximum(np.maximum(others, whole), chance)
    longer = length / _explained(share, len(mask), least)
    odd = np.flatnonzero(longer >= 1)
    if len(odd):
        share[odd] = np.maximum(share[odd], _at_these_hours(mask, times, [spans[at] for at in odd]))
        longer[odd] = length[odd] / _explained(share[odd], len(mask), least)
        odd = odd[longer[odd] >= 1]
    return [spans[at] for at in odd], longer[odd]


def _explained(share: Array, count: int, least: int) -> Array:
    """The longest runs that chance explains among so many bars, by the share of such bars."""
    longest: Array = np.maximum(least, np.ceil(np.log(0.01 / count) / np.log(np.clip(share, 1e-9, 0.98))))
    return longest


def _at_these_hours(mask: Array, times: Array, spans: list[tuple[int, int]]) -> Array:
    """The share of True among the other bars of each run's hours of the day, over its bars the geometric mean: what
    chance must go by bar after bar."""
    hours = times // HOUR % 24
    every, true = np.bincount(hours, minlength=24), np.bincount(hours[mask], minlength=24)
    found = np.empty(len(spans))
    for at, (first, last) in enumerate(spans):
        own = np.bincount(hours[first : last + 1], minlength=24)
        usual = (true - own) / np.maximum(every - own, 1)
        found[at] = np.exp((own * np.log(np.maximum(usual, 1e-9))).sum() / own.sum())
    return found


def _percent(ratio: float) -> str:
    return f"{100 * ratio:+.3g}%"


def spikes(bars: Bars) -> list[Finding]:
    """Closes that leave the series by more than 15 usual returns (and 0.3%) and are back a bar later, to
    within a fifth of the way; and that stand apart from the bars on both sides: their own move is at least
    five times any other of the ten around."""
    there, back = bars.returns[:-1], bars.returns[1:]
    bound = np.maximum(_SPIKE * bars.scale[:-1], _LEAST_SPIKE)
    with np.errstate(invalid="ignore"):
        hits = (np.abs(there) > bound) & (np.abs(there + back) < _REVERTED * np.abs(there))
    at = np.flatnonzero(hits)
    at = at[[_stands_apart(bars.returns, int(each), int(each) + 1) for each in at]] if len(at) else at
    return listed(
        bars, "spike", "warning", [(int(i) + 1, int(i) + 1) for i in at], np.abs(there[at]),
        lambda first, _: f"The close of {bars.when(first)} is {_percent(np.expm1(bars.returns[first - 1]))} from "
        "the one before, and the next one is back: a bad print, most likely.",
        "Closes that leave the series and come back within a bar: {n} more.",
    )  # fmt: skip


def patches(bars: Bars, told: set[int]) -> list[Finding]:
    """Closes that leave the series and are then back, to within a fifth of the way: another unit, or another market's
    prices. Those that begin in ``told`` (bar numbers) are left out.

    - Two to five that leave by more than 60 usual returns (and 2%) and hardly move (a fifth of it) between.
    - Up to sixty that leave by more than 8 usual returns (and 0.5%) without a trade on the way there or back: between
      their highs and lows and those of both neighbours half of the way lies bare. Across a pause prices may jump, and
      so they may between an exchange's days: there these bars are at most five, and beyond 25 usual returns.
    """
    nights = bars.timeframe.seconds >= 86400 and bars.calendar.halts
    size = np.abs(bars.returns)
    bare = np.log(np.maximum(bars.low[1:] / bars.high[:-1], bars.low[:-1] / bars.high[1:])) > size / 2
    bare &= size > np.maximum((25.0 if nights else _BARE) * bars.scale, _LEAST_BARE)
    far = size > np.maximum(_OUTLIER * bars.scale, _LEAST_OUTLIER)
    spans: list[tuple[int, int]] = []
    sizes: list[float] = []
    for at in np.flatnonzero(bare | far).tolist():
        move = abs(float(bars.returns[at]))
        away = np.cumsum(bars.returns[at : at + 1 + (_PATCH if nights else _LONG_PATCH)])
        back = np.flatnonzero(np.abs(away[1:]) < _REVERTED * move)
        first = at + 1
        if not len(back) or first in told or (spans and first <= spans[-1][1] + 1):
            continue
        last = first + int(back[0])
        if (far[at] and _is_still(bars, first, last, move)) or (
            bare[at] and _is_bare(bars, first, last, move)
        ):
            spans.append((first, last))
            sizes.append(move)
    return listed(
        bars, "spike", "warning", spans, np.array(sizes),
        lambda first, last: f"The closes of {count(last - first + 1, 'candle')} from {bars.when(first)} on are "
        f"{_percent(np.expm1(bars.returns[first - 1]))} from the one before, and the next one is back: bad prints, most "
        "likely.",
        "Closes that leave the series and come back: {n} more.",
    )  # fmt: skip


def _is_still(bars: Bars, first: int, last: int, move: float) -> bool:
    inside = bars.returns[first:last]
    return 0 < last - first < _PATCH and not (np.abs(inside) > _REVERTED * move).any()


def _is_bare(bars: Bars, first: int, last: int, move: float) -> bool:
    """Whether nothing was traded between these bars' prices and their neighbours', which do trade, and no pause was
    there; and whether the move is at least twice any between them, and five times any of the ten bars around."""
    beside = [first - 1, last + 1]
    if (np.abs(bars.returns[first:last]) > move / 2).any():
        return False
    if (bars.high[beside] == bars.low[beside]).any() or not _stands_apart(bars.returns, first - 1, last):
        return False
    if bars.timeframe.seconds < 86400 or not bars.calendar.halts:
        step = bars.timeframe.micros
        if bars.times[first] - bars.times[first - 1] > step or bars.times[last + 1] - bars.times[last] > step:
            return False
    low, high = float(bars.low[first : last + 1].min()), float(bars.high[first : last + 1].max())
    bare = max(log(low / bars.high[beside].max()), log(bars.low[beside].min() / high))
    return bare > move / 2


def _stands_apart(returns: Array, at: int, back: int) -> bool:
    """Whether a return is at least five times any of the five before it, and of the five after the one ``back``."""
    around = np.concatenate((returns[max(0, at - 5) : at], returns[back + 1 : back + 6]))
    rest = np.abs(around[~np.isnan(around)])
    return not len(rest) or bool(abs(returns[at]) >= 5 * rest.max())


def wicks(bars: Bars) -> list[Finding]:
    """Highs and lows far from everything around: beyond the bodies of the bar and of both neighbours by more
    than 25 usual returns and 0.5%, and by five times as much as the wicks of ten bars around."""
    body_top, body_low = np.maximum(bars.open, bars.close), np.minimum(bars.open, bars.close)
    reach = np.maximum(np.log(bars.high / body_top), np.log(body_low / bars.low))
    scale = np.append(bars.scale, bars.scale[-1:]) if len(bars.scale) else np.full(len(reach), np.inf)
    at = np.flatnonzero(reach > np.maximum(25 * scale, _LEAST_WICK))
    kept = []
    for each in at:
        around = np.concatenate((reach[max(0, each - 5) : each], reach[each + 1 : each + 6]))
        near = slice(max(0, each - 1), each + 2)
        body = max(float(np.log(body_top[near].max() / body_low[near].min())), 1e-12)
        if len(around) and reach[each] >= 5 * float(around.max()) and reach[each] >= 2 * body:
            kept.append(int(each))
    return listed(
        bars, "wick", "warning", [(i, i) for i in kept], reach[kept],
        lambda first, _: f"The {_far_end(bars, first)} off the bar's open and close, and nothing around it goes near.",
        "Highs or lows that nothing around goes near: {n} more.",
    )  # fmt: skip


def _far_end(bars: Bars, at: int) -> str:
    above = bars.high[at] / max(bars.open[at], bars.close[at])
    below = min(bars.open[at], bars.close[at]) / bars.low[at]
    end, off = ("high", above - 1) if above > below else ("low", 1 / below - 1)
    return f"{end} of {bars.when(at)} is {_percent(off)}"


def outliers(bars: Bars, told: set[int]) -> list[Finding]:
    """Closes beyond 60 usual returns (and 2%) of the one before, with no pause between them; across a pause,
    beyond ten times as much as the usual pause too. Those in ``told`` (bar numbers) are left out."""
    paused = np.diff(bars.times) > bars.timeframe.micros
    bound = np.maximum(_OUTLIER * bars.scale, _LEAST_OUTLIER)
    over = np.abs(bars.returns[paused & (np.abs(bars.returns) > 0)])
    if len(over):
        bound[paused] = np.maximum(bound[paused], 10 * 1.4826 * float(np.median(over)))
    with np.errstate(invalid="ignore"):
        at = [int(each) for each in np.flatnonzero(np.abs(bars.returns) > bound) if int(each) + 1 not in told]
    sizes = np.abs(bars.returns[at]) / bars.scale[at]
    return listed(
        bars, "outlier", "note", [(i + 1, i + 1) for i in at], sizes,
        lambda first, _: f"The close of {bars.when(first)} is {_percent(np.expm1(bars.returns[first - 1]))} from the "
        f"one before: {abs(bars.returns[first - 1]) / bars.scale[first - 1]:.0f} times a usual move.",
        "Moves beyond 60 times a usual one: {n} more.",
    )  # fmt: skip


def flat(bars: Bars) -> list[Finding]:
    """Runs of bars whose four prices are one and the same: longer than chance explains (see ``odd_runs``), and
    at least 5. A weekend or a holiday filled with the last price looks like this."""
    still = (bars.high == bars.low) & (bars.open == bars.close)
    same = still.copy()
    same[1:] &= bars.close[1:] == bars.close[:-1]
    share = float(same.mean())
    found: list[Finding] = []
    if share > 0.5:
        text = f"{share:.0%} of the candles have one price only, the one before's: nothing traded, or it was filled."
        found.append(bars.finding("flat", "note", 0, len(same) - 1, int(same.sum()), text))
    spans, longer = odd_runs(same, 5, bars.times)
    for severity, some in (("warning", longer >= 2), ("note", longer < 2)):
        found += listed(
            bars, "flat", severity, [spans[at] for at in np.flatnonzero(some)], longer[some],
            lambda first, last: f"{last - first + 1:,} candles from {bars.when(first)} on stand at "
            f"{bars.close[first]:g}: open, high, low and close are all the same.",
            most=5 if severity == "warning" else 0,
            more="In {places} candles stand at one price for longer than chance explains.",
        )  # fmt: skip
    return found


def stale(bars: Bars) -> list[Finding]:
    """Bars that moved and yet repeat the one before in all five figures: 2 in a row where volumes are known,
    4 without; longer where chance asks for it (see ``odd_runs``). Bars of a tick or two repeat by chance: as often
    as their prices alone do times as often as volumes alone do."""
    known = bars.volume > 0
    alike = np.zeros(len(bars.times), bool)
    alike[1:] = bars.high[1:] > bars.low[1:]
    for values in (bars.open, bars.high, bars.low, bars.close):
        alike[1:] &= values[1:] == values[:-1]
    even = np.zeros(len(bars.times), bool)
    even[1:] = bars.volume[1:] == bars.volume[:-1]
    again = alike.copy()
    again[1:] &= even[1:] | ~(known[1:] | known[:-1])
    sure = known.mean() > 0.5
    chance = float((alike & ~again).mean() * (even & ~again).mean())
    spans, longer = odd_runs(again, 1 if sure else 3, bars.times, chance)
    return listed(
        bars, "stale", "warning" if sure else "note", [(first - 1, last) for first, last in spans], longer,
        lambda first, last: f"{last - first + 1:,} candles from {bars.when(first)} on are the same in all figures: one "
        "was repeated.",
        "In {places} more candles repeat one.",
    )  # fmt: skip

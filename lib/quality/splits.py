"""Jumps like those of splits."""

from __future__ import annotations

from math import exp, log

import numpy as np

from lib.calendars.sessions import HOUR
from lib.quality.model import Array, Bars, Finding

__all__ = ["splits"]

# News makes falls as large as these.
_SMALL = np.array([1.2, 1.25, 4 / 3])
_RATIOS = np.array([1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 100, 1000])


def splits(bars: Bars) -> list[Finding]:
    """Jumps from close to open, over a pause or between days, by a ratio splits have, that stay: the five closes after
    are as far from the five before.

    - 3:2, 2:1 ... 1000:1, either way, to within 5%. A note where volumes do not speak; a warning where they change
      inversely (to within a factor of two, and more so than not at all), where the session after is a calm one, or for
      10:1 and more. Markets that never close have no splits: there only 10:1 and more are looked for.
    - Falls by 6:5, 5:4 and 4:3, to within 2%, before a calm session: a note. Not of currencies and metals.

    A calm session trades less than twice the usual, new shares counted: news of such a size would make it trade more.
    """
    jump = np.log(bars.open[1:] / bars.close[:-1])
    between = (np.diff(bars.times) > bars.timeframe.micros) | (bars.timeframe.seconds >= 86400)
    least = 10 if bars.calendar.name == "24/7" else 1.5
    large = np.log(_RATIOS[np.greater_equal(_RATIOS, least)])
    small = np.log(_SMALL) if bars.calendar.name not in ("24/7", "forex", "23/5") else large
    size = np.abs(jump)
    # where hardly anything trades the jump itself may be all the scale there is
    rough = (
        between
        & (size > min(large[0] - 0.05, small[0] - 0.02))
        & ((size > 8 * bars.scale) | (size > log(9.5)))
    )
    found = []
    for at in np.flatnonzero(rough).tolist():
        ratio = _nearest(large, size[at])
        if abs(ratio - size[at]) < 0.05:
            if _stays(bars, at, ratio):
                found.append(_split(bars, at, ratio if jump[at] > 0 else -ratio))
            continue
        ratio = _nearest(small, size[at])
        fits = jump[at] < 0 and abs(ratio - size[at]) < 0.02 and _stays(bars, at, ratio)
        if fits and _is_calm(bars, at + 1, exp(ratio)):
            found.append(_split(bars, at, -ratio))
    return found


def _nearest(ratios: Array, size: float) -> float:
    return float(ratios[np.abs(ratios - size).argmin()])


def _stays(bars: Bars, at: int, ratio: float) -> bool:
    before, after = np.log(bars.close[max(0, at - 4) : at + 1]), np.log(bars.close[at + 1 : at + 6])
    moved = abs(float(np.median(after) - np.median(before)))
    return abs(moved - ratio) < 0.25 * ratio + 0.02


def _is_calm(bars: Bars, at: int, times: float) -> bool:
    """Whether the session that bar ``at`` begins trades less than twice the median volume of the twenty before it,
    so many ``times``. Sessions of bars shorter than a day lie three hours apart."""
    if bars.timeframe.seconds >= 86400:
        traded = bars.volume[max(0, at - 20) : at + 1]
    else:
        pauses = np.flatnonzero(np.diff(bars.times) > 3 * HOUR) + 1
        edges = np.concatenate(([0], pauses, [len(bars.times)]))
        session = int(np.searchsorted(edges, at))
        if edges[session] != at:
            return False
        traded = np.add.reduceat(bars.volume[: edges[session + 1]], edges[max(0, session - 20) : session + 1])
    return bool(0 < traded[-1] < 2 * times * float(np.median(traded[:-1])))


def _split(bars: Bars, at: int, ratio: float) -> Finding:
    wide = 20
    before, after = (
        float(np.nanmedian(part)) if not np.isnan(part := bars.volume[low:high]).all() else 0.0
        for low, high in ((max(0, at - wide + 1), at + 1), (at + 1, at + 1 + wide))
    )
    change = log(after / before) if before > 0 and after > 0 else 0.0
    small = abs(ratio) < log(1.45)
    inverse = not small and abs(change + ratio) < min(log(2), abs(change))
    calm = small or (not inverse and _is_calm(bars, at + 1, exp(max(0.0, -ratio))))
    word = "multiplied" if ratio > 0 else "divided"
    also = (
        ", and the volume changes inversely"
        if inverse
        else ", and hardly more than usual is traded"
        if calm
        else ""
    )
    severe = not small and (inverse or calm or abs(ratio) >= log(9.9))
    return bars.finding(
        "split", "warning" if severe else "note", at + 1, at + 1, 1,
        f"From {bars.when(at + 1)} on prices are {word} by {exp(abs(ratio)):.3g}{also}: a split that is not adjusted "
        "for, or another unit.",
    )  # fmt: skip

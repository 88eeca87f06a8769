"""Which columns are open, high, low and close, told by the figures: the high is the highest of the four,
the low the lowest, and a candle opens near where the one before it closed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import numpy as np

__all__ = ["ORDERS", "PRICES", "fitting", "likeliest"]

Array = np.ndarray[Any, Any]
PRICES = ("open", "high", "low", "close")
# Orders that are written by someone, the usual one first.
ORDERS = (
    ("open", "high", "low", "close"),
    ("open", "close", "high", "low"),
    ("open", "low", "high", "close"),
    ("low", "high", "open", "close"),
    ("high", "low", "open", "close"),
)


def fitting(rows: Array, share: float = 1.0) -> list[tuple[str, ...]]:
    """Every order of four columns in which at least ``share`` of the rows are candles."""
    top, bottom = rows.max(axis=1), rows.min(axis=1)
    tops = [(rows[:, at] == top).mean() >= share for at in range(4)]
    bottoms = [(rows[:, at] == bottom).mean() >= share for at in range(4)]
    return [
        order for order in permutations(PRICES) if tops[order.index("high")] and bottoms[order.index("low")]
    ]


def likeliest(rows: Array, later: int) -> tuple[tuple[str, ...], str]:
    """The order of four columns, or an empty one where several fit.

    ``rows`` (n, 4) floats of the sample; ``later`` is 1 where they ascend in time, -1 where they descend, 0
    where that is not known.
    """
    orders = fitting(rows)
    if not orders:
        return (), ""
    known = [order for order in ORDERS if order in orders]
    jumps = {order: _jump(rows[::later] if later else rows, order) for order in orders}
    best = min(jumps, key=lambda order: jumps[order])
    if later and len(rows) >= 8 and all(jumps[best] < 0.5 * jumps[each] for each in orders if each != best):
        why = "only so are the highs highest, the lows lowest, and opens near the closes before them"
        return best, "by its place: there is no header" if best == ORDERS[0] else why
    if ORDERS[0] in orders:
        return ORDERS[0], "by its place: there is no header"
    if len(known) == 1:
        return known[0], "only so are the highs the highest and the lows the lowest"
    return (), ""


def _jump(rows: Array, order: Sequence[str]) -> float:
    """How far a candle opens from the close before, in the middle."""
    steps = np.abs(rows[1:, order.index("open")] - rows[:-1, order.index("close")])
    return float(steps.mean()) if len(steps) else 0.0

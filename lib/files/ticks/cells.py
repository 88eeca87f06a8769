"""The sample of a file that may hold ticks: its columns as figures, and how prices, counts and their times look."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from lib.files.columns.cells import is_missing, numeric
from lib.files.texts.layout import Layout

__all__ = ["Cells", "counts", "irregular", "restless", "stands_on"]

Array = np.ndarray[Any, Any]
_REPEATED = 0.02


class Cells:
    """The sample's columns as figures."""

    def __init__(self, found: Layout, times: set[int]) -> None:
        rows = [row for row in found.rows if len(row) == found.width]
        self.columns = list(zip(*rows, strict=True)) if rows else []
        self.names = [_plain(label) for label in found.names]
        # price/价格: what stands before the stroke is a name too
        self.short = [_plain(label.partition("/")[0]) for label in found.names]
        self.times = times
        self.header = bool(found.header)
        self._values: dict[int, Array] = {}

    def holds(self, at: int) -> bool:
        """All cells are figures, and some are there."""
        column = self.columns[at] if at < len(self.columns) else ()
        return any(numeric(cell) for cell in column) and all(
            numeric(cell) or is_missing(cell) for cell in column
        )

    def values(self, at: int) -> Array:
        """A column as floats; looked at once."""
        if at not in self._values:
            self._values[at] = np.array([_value(cell) for cell in self.columns[at]])
        return self._values[at]

    def figures(self) -> list[int]:
        return [at for at in range(len(self.columns)) if at not in self.times and self.holds(at)]

    def named(self, pattern: re.Pattern[str]) -> list[int]:
        found = [at for at in self.figures() if pattern.fullmatch(self.names[at])]
        return found or [at for at in self.figures() if pattern.fullmatch(self.short[at])]


def _plain(label: str) -> str:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", label)
    return " ".join(re.sub(r"[\W_]+", " ", spaced.casefold()).split())


def _value(cell: str) -> float:
    """A figure of the sample; NaN where it is none, or one that no market has."""
    if " " in cell or "," in cell:
        cell = cell.replace(" ", "")
        cell = cell.replace(",", "." if cell.count(",") == 1 and "." not in cell else "")
    try:
        made = float(cell)
    except ValueError:
        return float("nan")
    return made if abs(made) < 1e100 else float("nan")


def irregular(micros: Array) -> bool:
    """Times of ticks: some repeat, or lie between whole seconds, or keep no step."""
    known = np.sort(micros[micros != np.iinfo(np.int64).min])
    steps = np.diff(known)
    if len(steps) < 2:
        return bool(len(known) and (known % 10**6).any())
    if (known % 10**6).mean() > 0 and ((known % 10**6) != 0).mean() > 0.2:
        return True
    if (steps == 0).mean() > _REPEATED:
        return True
    values, counts = np.unique(steps, return_counts=True)
    return bool(counts.max() < len(steps) * 0.3 and values[counts.argmax()] < 3600 * 10**6)


def counts(values: Array) -> bool:
    """Numbers of trades, not prices: whole, each above the one before, or each below it."""
    steps = np.diff(values)
    whole = bool((values == np.floor(values)).all())
    return len(values) > 4 and whole and bool((steps > 0).all() or (steps < 0).all())


def restless(values: Array) -> float:
    """How far figures jump from row to row, relative to their size."""
    known = values[np.isfinite(values) & (values > 0)]
    if len(known) < 2:
        return float("inf")
    return float(np.abs(np.diff(np.log(known))).mean()) + 1e-6


def stands_on(found: Layout, cells: Cells, at: Mapping[str, int], micros: Array) -> bool:
    """Whether an empty side of a quote means that it did not change: rows of MetaTrader 5, in the order of time.

    Told by its header, ``<BID>`` and ``<ASK>``, or by a column of flags that agrees with the sides that are there: 2
    stands for a new bid, 4 for a new ask (TICK_FLAG_BID and TICK_FLAG_ASK; a tick keeps what did not change, as told
    at https://www.mql5.com/en/docs/constants/structures/mqltick).
    """
    known = micros[micros != np.iinfo(np.int64).min]
    if not {"bid", "ask"} <= at.keys() or (np.diff(known) < 0).any():
        return False
    names = [name.strip().upper() for name in found.names]
    if names[at["bid"]] == "<BID>" and names[at["ask"]] == "<ASK>":
        return True
    place = next((each for each, name in enumerate(cells.names) if name == "flags"), None)
    if place is None or not cells.holds(place):
        return False
    flags = np.nan_to_num(cells.values(place), nan=-1.0)
    if (flags < 0).any() or (flags % 1).any() or (flags >= 2**16).any():
        return False
    bits = flags.astype(np.int64)
    sides = ((2, cells.values(at["bid"])), (4, cells.values(at["ask"])))
    return all(bool((((bits & bit) > 0) == ~np.isnan(side)).all()) for bit, side in sides)

"""A window of candles: its bounds, and tables cut to it and put together."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from lib.candles import COLUMNS, empty, from_micros, micros, with_provenance

__all__ = ["Window", "cut", "joined"]


class Window(NamedTuple):
    """Opens in ``[start, end)`` µs, the newest ``last`` of them; None is no bound."""

    start: int | None = None
    end: int | None = None
    last: int | None = None
    provenance: bool = False

    def meets(self, first: int, end: int) -> bool:
        """Whether bars that open in ``[first, end)`` can lie in it."""
        return (self.end is None or first < self.end) and (self.start is None or end > self.start)


def cut(table: pd.DataFrame, window: Window) -> pd.DataFrame:
    """The candles of a table that lie in a window; a view."""
    times = micros(table)
    lo = 0 if window.start is None else int(np.searchsorted(times, window.start))
    hi = len(times) if window.end is None else int(np.searchsorted(times, window.end))
    return table.iloc[lo if window.last is None else max(lo, hi - window.last) : hi]


def joined(tables: list[pd.DataFrame], provenance: bool) -> pd.DataFrame:
    """Tables in the order of their times as one."""
    full = [table for table in tables if len(table)]
    if len(full) == 1:
        return full[0]
    if not full:
        return with_provenance(empty(), "", pd.Timestamp(0, tz="UTC")) if provenance else empty()
    if provenance:
        return pd.concat(full)
    # four times faster than concat for few rows
    columns = {name: np.concatenate([table[name].to_numpy() for table in full]) for name in COLUMNS}
    return from_micros(np.concatenate([micros(table) for table in full]), columns)

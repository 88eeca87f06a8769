"""The shape of a candle table: its columns, its times as counts, and what each row is from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from lib.errors import InternalError

__all__ = [
    "COLUMNS", "NO_TIME", "PRICES", "PROVENANCE", "Array", "empty", "from_micros", "micros", "require", "stamps",
    "with_provenance",
]  # fmt: skip

PRICES = ["open", "high", "low", "close"]
COLUMNS = [*PRICES, "volume"]
PROVENANCE = ["origin", "fetched_at", "filled"]
NO_TIME = np.iinfo(np.int64).min

Array = np.ndarray[Any, Any]


def empty() -> pd.DataFrame:
    """A candle table of no candles."""
    return from_micros(np.empty(0, np.int64), {name: np.empty(0) for name in COLUMNS})


def micros(table: pd.DataFrame) -> Array:
    """The index as int64 microseconds since the epoch, UTC. A view where the unit is µs already."""
    index = table.index
    if not isinstance(index, pd.DatetimeIndex):
        raise InternalError(f"A candle table is indexed by time, not by {type(index).__name__}.")
    return stamps(index)


def stamps(values: pd.DatetimeIndex | pd.Series[pd.Timestamp]) -> Array:
    """Times as int64 µs since the epoch."""
    index = values if isinstance(values, pd.DatetimeIndex) else pd.DatetimeIndex(values)
    # as_unit copies even where there is nothing to do
    ticks: Array = (index if index.unit == "us" else index.as_unit("us")).asi8
    return ticks


def from_micros(times: Array, columns: dict[str, Array]) -> pd.DataFrame:
    """A table over int64 µs since the epoch; checks nothing. For arrays that were a table before."""
    index = pd.DatetimeIndex(times, dtype="datetime64[us, UTC]", name="time", copy=False)
    return pd.DataFrame(columns, index=index, copy=False)


def require(table: pd.DataFrame) -> pd.DataFrame:
    """Assert the shape of a candle table (not its every row): columns, dtypes, zone, order. O(n),
    a few milliseconds for a million rows. Raises ``InternalError``: only our own code calls this."""
    index = table.index
    if not isinstance(index, pd.DatetimeIndex) or str(index.dtype) != "datetime64[us, UTC]":
        raise InternalError(f"A candle table's time is datetime64[us, UTC], not {index.dtype}.")
    if list(table.columns[:5]) != COLUMNS:
        raise InternalError(f"A candle table's columns are {COLUMNS}, not {list(table.columns)}.")
    if len(index) > 1 and not (np.diff(index.asi8) > 0).all():
        raise InternalError("A candle table's times ascend and are unique; these do not.")
    return table


def with_provenance(
    table: pd.DataFrame, origin: str, fetched_at: pd.Timestamp, *, filled: bool = False
) -> pd.DataFrame:
    """The table with its provenance columns, the same for every row."""
    kept = table[COLUMNS].copy(deep=False)
    kept["origin"] = pd.array([origin], dtype="str").take(np.zeros(len(kept), np.intp))
    kept["fetched_at"] = pd.DatetimeIndex([fetched_at.as_unit("us")]).tz_convert("UTC").repeat(len(kept))
    kept["filled"] = filled
    return kept

"""Candles out: CSV, JSON and Parquet, made column by column by Arrow (a million candles: about 1 s)."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lib.candles import COLUMNS, micros
from lib.errors import InputError
from lib.series import Series
from lib.timeframes import Timeframe

__all__ = ["FORMATS", "MEDIA_TYPES", "file_name", "to_bytes"]

MEDIA_TYPES: Mapping[str, str] = MappingProxyType(
    {"csv": "text/csv", "json": "application/json", "parquet": "application/vnd.apache.parquet"}
)
FORMATS = tuple(MEDIA_TYPES)
_SECOND = 10**6


def to_bytes(table: pd.DataFrame, fmt: str) -> bytes:
    """A candle table as a file: time (UTC, the open) and open, high, low, close, volume.

    - ``csv``: a header, ISO 8601 times with ``Z``, an empty volume where there is none.
    - ``json``: a list of objects, ``null`` for no volume.
    - ``parquet``: ``time`` as timestamp[us, UTC], the rest float64, zstd.

    Figures are the shortest that read back as the same float64. Raises ``InputError`` for another format.
    """
    if fmt == "csv":
        return _csv(table)
    if fmt == "json":
        return _json(table)
    if fmt == "parquet":
        return _parquet(table)
    raise InputError(f"{fmt!r} is no format to write.", remedy=f"Choose one of: {', '.join(FORMATS)}.")


def file_name(series: Series, fmt: str, timeframe: Timeframe | None = None) -> str:
    """A name for a download: ``BTC-USDT_1h.csv``. Letters, digits, ``.``, ``-`` and ``_`` only."""
    symbol = re.sub(r"[^0-9A-Za-z.]+", "-", series.symbol).strip("-.") or "candles"
    return f"{symbol}_{timeframe or series.timeframe}.{fmt}"


def _csv(table: pd.DataFrame) -> bytes:
    parts: list[Any] = [_times(table)]
    for name in COLUMNS:
        parts += [",", _figures(table, name, "")]
    return f"time,{','.join(COLUMNS)}\n".encode() + _joined([*parts, "\n"], len(table))


def _json(table: pd.DataFrame) -> bytes:
    if not len(table):
        return b"[]\n"
    parts: list[Any] = ['{"time":"', _times(table), '"']
    for name in COLUMNS:
        parts += [f',"{name}":', _figures(table, name, "null")]
    rows = _joined([*parts, "},\n"], len(table))
    return b"[\n" + rows[:-2] + b"\n]\n"


def _joined(parts: list[Any], rows: int) -> bytes:
    """The rows' texts one after another: they lie so in the memory of Arrow's answer."""
    if not rows:
        return b""
    made = _concat(parts)
    _, places, data = made.buffers()
    ends = np.frombuffer(places, np.int64)[[made.offset, made.offset + rows]]
    return bytes(memoryview(data)[ends[0] : ends[1]])


def _concat(parts: list[Any]) -> Any:
    """Texts side by side; 64-bit places, as JSON passes 2 GB at some ten million rows."""
    wide = [pa.scalar(part, pa.large_string()) if isinstance(part, str) else part for part in parts]
    return pc.binary_join_element_wise(*wide, pa.scalar("", pa.large_string()))


def _figures(table: pd.DataFrame, name: str, missing: str) -> Any:
    values = pa.array(table[name].to_numpy(np.float64), from_pandas=True)
    return pc.fill_null(values.cast(pa.string()), missing).cast(pa.large_string())


def _times(table: pd.DataFrame) -> Any:
    """ISO 8601 with ``Z``; a fraction only where any time has one."""
    ticks = micros(table)
    unit = "us" if (ticks % _SECOND).any() else "s"
    stamps = pa.array(ticks if unit == "us" else ticks // _SECOND).cast(pa.timestamp(unit))
    texts = pc.replace_substring(stamps.cast(pa.large_string()), " ", "T")
    return _concat([texts, "Z"])


def _parquet(table: pd.DataFrame) -> bytes:
    stamps = pa.array(micros(table)).cast(pa.timestamp("us", tz="UTC"))
    arrays = [stamps, *(pa.array(table[name].to_numpy(np.float64)) for name in COLUMNS)]
    sink = io.BytesIO()
    pq.write_table(pa.table(arrays, names=["time", *COLUMNS]), sink, compression="zstd")
    return sink.getvalue()

"""Candle tables as files: CSV, JSON, NDJSON, Parquet and Feather, made column by column by Arrow, and Excel."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from types import MappingProxyType
from typing import IO, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lib.candles import PROVENANCE, micros
from lib.errors import InputError
from lib.export.spreadsheets import neutral, write_sheet

__all__ = ["FORMATS", "MEDIA_TYPES", "NAMES", "to_bytes", "write"]

MEDIA_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "csv": "text/csv",
        "json": "application/json",
        "ndjson": "application/x-ndjson",
        "parquet": "application/vnd.apache.parquet",
        "feather": "application/vnd.apache.arrow.file",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    }
)
FORMATS = tuple(MEDIA_TYPES)
NAMES: Mapping[str, str] = MappingProxyType(
    {
        "csv": "CSV",
        "json": "JSON",
        "ndjson": "NDJSON",
        "parquet": "Parquet",
        "feather": "Feather",
        "xlsx": "Excel",
    }
)
_SECOND = 10**6


def to_bytes(table: pd.DataFrame, fmt: str, *, title: str = "Candles") -> bytes:
    """A candle table as a file: time (UTC, the open) and open, high, low, close, volume, then whatever other
    columns the table has but its provenance, such as indicators: numbers or texts.

    - ``csv``: a header, ISO 8601 times with ``Z``, an empty cell where there is no figure.
    - ``json``: a list of objects, ``null`` for no figure; ``ndjson``: an object a line.
    - ``parquet`` (zstd) and ``feather`` (lz4): ``time`` as timestamp[us, UTC], figures float64.
    - ``xlsx``: one sheet, named by ``title``; times as Excel's own (UTC, to the millisecond).

    Figures are the shortest that read back as the same float64. Texts in CSV and Excel that a spreadsheet
    would run are made plain, see :func:`neutral`. Raises ``InputError`` for another format, and for more
    rows than a sheet holds.
    """
    sink = io.BytesIO()
    write([table], fmt, sink, title=title)
    return sink.getvalue()


def write(tables: Iterable[pd.DataFrame], fmt: str, sink: IO[bytes], *, title: str = "Candles") -> int:
    """Tables that go on from one another, at least one, as one file as :func:`to_bytes` makes it; how many rows they
    have. Each is written before the next is asked for, but for Excel."""
    writers: dict[str, Callable[[Iterator[pd.DataFrame], IO[bytes]], None]] = {
        "csv": _csv, "json": _json, "ndjson": _ndjson, "parquet": _parquet, "feather": _feather,
        "xlsx": lambda tables, sink: write_sheet(tables, sink, title),
    }  # fmt: skip
    if fmt not in writers:
        raise InputError(f"{fmt!r} is no format to write.", remedy=f"Choose one of: {', '.join(FORMATS)}.")
    rows = 0

    def counted() -> Iterator[pd.DataFrame]:
        nonlocal rows
        for table in tables:
            rows += len(table)
            yield table.drop(columns=PROVENANCE, errors="ignore")

    writers[fmt](counted(), sink)
    return rows


def _csv(tables: Iterator[pd.DataFrame], sink: IO[bytes]) -> None:
    for number, table in enumerate(tables):
        if not number:
            header = ",".join(_csv_cell(str(name)) for name in table.columns)
            sink.write(f"time,{header}\n".encode())
        parts: list[Any] = [_times(table)]
        for name in table.columns:
            parts += [",", _cells(table, name, "", _csv_cell)]
        sink.write(_joined([*parts, "\n"], len(table)))


def _csv_cell(text: str) -> str:
    safe = neutral(text)
    return '"' + safe.replace('"', '""') + '"' if re.search(r'[",\r\n]', safe) else safe


def _json(tables: Iterator[pd.DataFrame], sink: IO[bytes]) -> None:
    before = b"[\n"
    for table in tables:
        if len(table):
            sink.write(before + _objects(table, "},\n")[:-2])
            before = b",\n"
    sink.write(b"[]\n" if before == b"[\n" else b"\n]\n")


def _ndjson(tables: Iterator[pd.DataFrame], sink: IO[bytes]) -> None:
    for table in tables:
        sink.write(_objects(table, "}\n"))


def _objects(table: pd.DataFrame, end: str) -> bytes:
    parts: list[Any] = ['{"time":"', _times(table), '"']
    for name in table.columns:
        parts += [f",{_json_cell(str(name))}:", _cells(table, name, "null", _json_cell)]
    return _joined([*parts, end], len(table))


def _json_cell(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


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


def _cells(table: pd.DataFrame, name: str, missing: str, spell: Callable[[str], str]) -> Any:
    """A column as texts: figures in their shortest form, texts as ``spell`` writes them."""
    column = table[name]
    if not pd.api.types.is_numeric_dtype(column):
        texts = [missing if pd.isna(each) else spell(str(each)) for each in column]
        return pa.array(texts, pa.large_string())
    figures = column.to_numpy(np.float64)
    # Infinity is no number in JSON, and no figure of a candle
    values = pa.array(np.where(np.isfinite(figures), figures, np.nan), from_pandas=True)
    return pc.fill_null(values.cast(pa.string()), missing).cast(pa.large_string())


def _times(table: pd.DataFrame) -> Any:
    """ISO 8601 with ``Z``; a fraction only where any time has one."""
    ticks = micros(table)
    unit = "us" if (ticks % _SECOND).any() else "s"
    stamps = pa.array(ticks if unit == "us" else ticks // _SECOND).cast(pa.timestamp(unit))
    texts = pc.replace_substring(stamps.cast(pa.large_string()), " ", "T")
    return _concat([texts, "Z"])


def _arrow(table: pd.DataFrame) -> pa.Table:
    stamps = pa.array(micros(table)).cast(pa.timestamp("us", tz="UTC"))
    numeric = {name: pd.api.types.is_numeric_dtype(table[name]) for name in table.columns}
    arrays = [
        pa.array(table[name].to_numpy(np.float64) if numeric[name] else table[name].astype("str"))
        for name in table.columns
    ]
    return pa.table([stamps, *arrays], names=["time", *map(str, table.columns)])


def _parquet(tables: Iterator[pd.DataFrame], sink: IO[bytes]) -> None:
    first = _arrow(next(tables))
    with pq.ParquetWriter(sink, first.schema, compression="zstd") as file:
        for table in chain([first], map(_arrow, tables)):
            file.write_table(table)


def _feather(tables: Iterator[pd.DataFrame], sink: IO[bytes]) -> None:
    first = _arrow(next(tables))
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_file(sink, first.schema, options=options) as file:
        for table in chain([first], map(_arrow, tables)):
            file.write_table(table, max_chunksize=2**16)

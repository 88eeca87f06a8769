"""Candles out: CSV, JSON, NDJSON, Parquet and Feather, made column by column by Arrow (a million candles:
about 1 s), and Excel, written cell by cell (about 10 s).
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.feather as feather
import pyarrow.parquet as pq

from lib.candles import PROVENANCE, micros
from lib.errors import InputError
from lib.series import Series
from lib.timeframes import Timeframe

if TYPE_CHECKING:
    from lib.indicators import Pick
    from lib.store import Store

__all__ = ["FORMATS", "MEDIA_TYPES", "NAMES", "file_name", "gather", "neutral", "to_bytes", "to_zip"]

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
# What a sheet of Excel holds, its header left out.
_SHEET_ROWS = 2**20 - 1


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
    table = table.drop(columns=PROVENANCE, errors="ignore")
    if fmt == "xlsx":
        return _xlsx(table, title)
    writers: dict[str, Callable[[pd.DataFrame], bytes]] = {
        "csv": _csv, "json": _json, "ndjson": _ndjson, "parquet": _parquet, "feather": _feather,
    }  # fmt: skip
    if fmt not in writers:
        raise InputError(f"{fmt!r} is no format to write.", remedy=f"Choose one of: {', '.join(FORMATS)}.")
    return writers[fmt](table)


def gather(
    store: Store,
    series: Series,
    timeframe: Timeframe | None = None,
    start: pd.Timestamp | None = None,
    end: pd.Timestamp | None = None,
    picks: Sequence[Pick] = (),
) -> pd.DataFrame:
    """Candles that open in ``[start, end)``, with a column for each output of ``picks``, named as
    :func:`lib.indicators.compute` names them. Indicators are computed from the first candle stored, so that
    their values do not depend on ``start``. Raises as ``store.read``."""
    if not picks:
        return store.read(series, timeframe=timeframe, start=start, end=end)
    from lib.indicators import compute

    table = store.read(series, timeframe=timeframe, end=end)
    values = compute(table, picks, timeframe=timeframe or series.timeframe)
    whole = pd.concat([table, values], axis=1)
    return whole if start is None else whole.iloc[int(whole.index.searchsorted(start)) :]


def to_zip(store: Store, wanted: Sequence[Series], fmt: str) -> bytes:
    """Several series as files of one format in a zip, each named by source, symbol and timeframe. One
    series is in memory at a time, and the zip. Raises as ``store.read`` and :func:`to_bytes`."""
    sink = io.BytesIO()
    # what is compressed already is only put in
    packed = zipfile.ZIP_STORED if fmt in ("parquet", "feather", "xlsx") else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(sink, "w", packed) as archive:
        for number, series in enumerate(wanted, 1):
            source = re.sub(r"[^0-9A-Za-z.]+", "-", series.source).strip("-.") or "source"
            name = f"{source}_{file_name(series, fmt)}"
            if name in archive.namelist():
                name = f"{number}_{name}"
            title = f"{series.symbol} {series.timeframe}"
            archive.writestr(name, to_bytes(store.read(series), fmt, title=title))
    return sink.getvalue()


def neutral(text: str) -> str:
    """A text that no spreadsheet runs as a formula: one that begins with ``= + - @``, a tab or a line's end
    gets an apostrophe in front (CWE-1236). Numbers are not texts, and keep their signs."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r", "\n"} else text


def file_name(series: Series, fmt: str, timeframe: Timeframe | None = None) -> str:
    """A name for a download: ``BTC-USDT_1h.csv``. Letters, digits, ``.``, ``-`` and ``_`` only."""
    symbol = re.sub(r"[^0-9A-Za-z.]+", "-", series.symbol).strip("-.") or "candles"
    return f"{symbol}_{timeframe or series.timeframe}.{fmt}"


def _csv(table: pd.DataFrame) -> bytes:
    parts: list[Any] = [_times(table)]
    for name in table.columns:
        parts += [",", _cells(table, name, "", _csv_cell)]
    header = ",".join(_csv_cell(str(name)) for name in table.columns)
    return f"time,{header}\n".encode() + _joined([*parts, "\n"], len(table))


def _csv_cell(text: str) -> str:
    safe = neutral(text)
    return '"' + safe.replace('"', '""') + '"' if re.search(r'[",\r\n]', safe) else safe


def _json(table: pd.DataFrame) -> bytes:
    if not len(table):
        return b"[]\n"
    return b"[\n" + _objects(table, "},\n")[:-2] + b"\n]\n"


def _ndjson(table: pd.DataFrame) -> bytes:
    return _objects(table, "}\n")


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


def _parquet(table: pd.DataFrame) -> bytes:
    sink = io.BytesIO()
    pq.write_table(_arrow(table), sink, compression="zstd")
    return sink.getvalue()


def _feather(table: pd.DataFrame) -> bytes:
    sink = io.BytesIO()
    feather.write_feather(_arrow(table), sink, compression="lz4")
    return sink.getvalue()


# ------------------------------------------------------------------------------------------------ Excel


def _xlsx(table: pd.DataFrame, title: str) -> bytes:
    if len(table) > _SHEET_ROWS:
        raise InputError(
            f"A sheet of Excel holds {_SHEET_ROWS:,} candles, and these are {len(table):,}.",
            remedy="Choose a shorter range, a longer timeframe, or another format.",
        )
    import xlsxwriter

    sink = io.BytesIO()
    options = {
        "constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
    }  # fmt: skip
    with xlsxwriter.Workbook(sink, options) as book:
        sheet = book.add_worksheet(_sheet_name(title))
        sheet.freeze_panes(1, 1)
        sheet.set_column(0, 0, 22)
        date = book.add_format(
            {"num_format": "yyyy-mm-dd hh:mm:ss.000" if _fine(table) else "yyyy-mm-dd hh:mm:ss"}
        )
        for at, name in enumerate(["time", *map(str, table.columns)]):
            sheet.write_string(0, at, neutral(name))
        # days since 1899-12-30, as Excel counts them
        days = micros(table) / (86400 * _SECOND) + 25569
        columns = [_sheet_cells(table[name]) for name in table.columns]
        for row, day in enumerate(days.tolist(), 1):
            sheet.write_number(row, 0, day, date)
            for at, column in enumerate(columns, 1):
                value = column[row - 1]
                if isinstance(value, str):
                    sheet.write_string(row, at, value)
                elif value is not None:
                    sheet.write_number(row, at, value)
    return sink.getvalue()


def _fine(table: pd.DataFrame) -> bool:
    return bool((micros(table) % _SECOND).any())


def _sheet_cells(column: Any) -> list[Any]:
    if pd.api.types.is_numeric_dtype(column):
        return [value if np.isfinite(value) else None for value in column.to_numpy(np.float64).tolist()]
    return [None if pd.isna(each) else neutral(str(each)) for each in column]


def _sheet_name(title: str) -> str:
    r"""At most 31 characters, none of ``[]:*?/\\``, no apostrophe at an end."""
    return re.sub(r"[\[\]:*?/\\\x00-\x1f]", "-", title)[:31].strip("' ") or "Candles"

"""What is stored, on its way out: read part by part, with indicators beside it, one series or several in a zip."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from lib.export.formats import write
from lib.series import Series
from lib.timeframes import Timeframe

if TYPE_CHECKING:
    from lib.indicators import Pick
    from lib.store import Store

__all__ = ["file_name", "gather", "pieces", "to_zip"]

_PIECE = 2**18


def pieces(
    store: Store,
    series: Series,
    timeframe: Timeframe | None = None,
    start: pd.Timestamp | None = None,
    end: pd.Timestamp | None = None,
    picks: Sequence[Pick] = (),
    *,
    rows: int = _PIECE,
) -> Iterator[pd.DataFrame]:
    """The table of :func:`gather` in tables of at most ``rows`` rows, at least one, in the order of time. Candles are
    read as they are asked for; with ``picks`` all are read at once."""
    frame = timeframe or series.timeframe
    info = store.info(series)
    step = pd.Timedelta(seconds=frame.seconds) * rows
    if picks or frame.is_calendar or info.last - info.first < step:
        table = gather(store, series, timeframe, start, end, picks)
        for at in range(0, max(len(table), 1), rows):
            yield table.iloc[at : at + rows]
        return
    # the bucket that holds the first candle may open before it
    low = info.first - pd.Timedelta(seconds=2 * frame.seconds)
    low, high = low if start is None else max(low, start), info.last if end is None else min(info.last, end)
    empty = True
    while low <= high:
        above = low + step
        table = store.read(
            series, timeframe=timeframe, start=low, end=above if end is None else min(above, end)
        )
        if len(table):
            empty = False
            yield table
        low = above
    if empty:
        yield gather(store, series, timeframe, start, end)


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
    """Several series as files of one format in a zip, each named by source, symbol and timeframe. A
    part of one series is in memory at a time, and the zip. Raises as ``store.read`` and :func:`to_bytes`."""
    whole = io.BytesIO()
    # what is compressed already is only put in
    packed = zipfile.ZIP_STORED if fmt in ("parquet", "feather", "xlsx") else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(whole, "w", packed) as archive:
        for number, series in enumerate(wanted, 1):
            source = re.sub(r"[^0-9A-Za-z.]+", "-", series.source).strip("-.") or "source"
            name = f"{source}_{file_name(series, fmt)}"
            if name in archive.namelist():
                name = f"{number}_{name}"
            title = f"{series.symbol} {series.timeframe}"
            with archive.open(name, "w", force_zip64=True) as sink:
                write(pieces(store, series), fmt, sink, title=title)
    return whole.getvalue()


def file_name(series: Series, fmt: str, timeframe: Timeframe | None = None) -> str:
    """A name for a download: ``BTC-USDT_1h.csv``. Letters, digits, ``.``, ``-`` and ``_`` only."""
    symbol = re.sub(r"[^0-9A-Za-z.]+", "-", series.symbol).strip("-.") or "candles"
    return f"{symbol}_{timeframe or series.timeframe}.{fmt}"

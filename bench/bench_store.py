"""Windows and appends on a series of ten million one-minute bars, on the local disk."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from bench import Result
from lib.candles import COLUMNS, from_micros, micros
from lib.series import Series
from lib.store import Store
from lib.store.files import LocalFiles

BARS = 10_000_000
WINDOW = 2_000
SERIES = Series.of("bench", "TEN", "1m")
MINUTE = 60_000_000


def run(bars: int = BARS) -> list[Result]:
    with tempfile.TemporaryDirectory() as folder:
        table = _walk(bars + 60)
        store = Store(LocalFiles(Path(folder) / "store"))
        begun = time.perf_counter()
        store.write(SERIES, table.iloc[:bars], origin="bench")
        rewrite = time.perf_counter() - begun
        return [
            _window(store, table.iloc[:bars], Path(folder)),
            *_append(store, table, bars, rewrite, Path(folder)),
            _coarse(store),
            _size(store, bars),
        ]


def _walk(bars: int) -> pd.DataFrame:
    random = np.random.default_rng(1)
    price = np.round(100 + np.cumsum(random.normal(0, 0.01, bars)).clip(-90), 2)
    close = np.round(price + random.normal(0, 0.01, bars), 2)
    columns = (price, np.maximum(price, close) + 0.01, np.minimum(price, close) - 0.01, close,
               random.integers(1, 100_000, bars) / 100)  # fmt: skip
    # so that ten million bars end in the middle of a month: an append costs what its partition holds
    times = 1_136_937_600_000_000 + np.arange(bars, dtype=np.int64) * MINUTE
    return from_micros(times, dict(zip(COLUMNS, columns, strict=True)))


def _window(store: Store, table: pd.DataFrame, folder: Path) -> Result:
    """Random windows, each from a store that has nothing open, against a memory map of plain columns
    from which the same candle table is made."""
    plain_file = folder / "columns"
    np.stack([micros(table).view(np.float64), *(table[name].to_numpy() for name in COLUMNS)]).tofile(
        plain_file
    )
    times = micros(table)
    starts = np.random.default_rng(2).integers(0, len(table) - WINDOW, 60)

    def plain(start: int) -> pd.DataFrame:
        mapped = np.memmap(plain_file, np.float64, "r", shape=(6, len(table)))
        lo = int(np.searchsorted(mapped[0].view(np.int64), times[start]))
        cut = np.array(mapped[:, lo : lo + WINDOW])
        return from_micros(cut[0].view(np.int64), dict(zip(COLUMNS, cut[1:], strict=True)))

    def ours(start: int) -> pd.DataFrame:
        fresh = Store(LocalFiles(Path(store.url)))
        fresh.info(SERIES)  # a page has looked at the library before it shows a window
        begun = time.perf_counter()
        fresh.read(SERIES, start=table.index[start], end=table.index[start + WINDOW])
        taken.append(time.perf_counter() - begun)
        return fresh.read(SERIES, start=table.index[start], end=table.index[start + WINDOW])

    floor = _median([lambda start=start: plain(int(start)) for start in starts])
    taken: list[float] = []
    for start in starts[:5]:
        pd.testing.assert_frame_equal(plain(int(start)), ours(int(start)), check_freq=False)
    for start in starts:
        ours(int(start))
    cold = statistics.median(taken)
    warm = _median([lambda start=start: store.read(SERIES, end=table.index[start + WINDOW], last=WINDOW)
                    for start in np.repeat(starts[:6], 5)])  # fmt: skip
    ratio = cold / floor
    return Result(
        "window of 2,000 bars of 10,000,000, against a memory map", ratio, "x", "at most 15", ratio <= 15,
        f"{cold * 1000:.2f} ms, files not yet open; {warm * 1000:.2f} ms once open; memory map {floor * 1000:.2f} ms",
    )  # fmt: skip


def _append(store: Store, table: pd.DataFrame, bars: int, rewrite: float, folder: Path) -> list[Result]:
    """Appends as a live series makes them, each on disk when it returns; some close coarser candles."""
    more = [
        lambda at=at: store.write(SERIES, table.iloc[at : at + 1], origin="bench")
        for at in range(bars, bars + 60)
    ]
    append = _median(more)
    plain = _median([lambda: _rewrite_plain(table, folder / "plain.parquet")] * 3)
    ratio = rewrite / append
    return [
        Result(
            "append of one bar, against rewriting the series", ratio, "x cheaper", "at least 100", ratio >= 100,
            f"{append * 1000:.1f} ms with the manifest and all coarser candles; the whole series {rewrite:.1f} s",
        ),
        Result(
            "append of one bar, against rewriting one plain Parquet file", plain / append, "x cheaper", "", True,
            f"the file, without coarser candles and provenance, takes pyarrow {plain:.2f} s",
        ),
    ]  # fmt: skip


def _rewrite_plain(table: pd.DataFrame, path: Path) -> None:
    columns = {"time": micros(table), **{name: table[name].to_numpy() for name in COLUMNS}}
    pq.write_table(pa.table(columns), path, compression="zstd", use_dictionary=False)
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def _coarse(store: Store) -> Result:
    taken = _median(
        [lambda: Store(LocalFiles(Path(store.url))).read(SERIES, timeframe="1w") for _ in range(10)]
    )
    return Result("19 years as weekly candles, files not yet open", taken * 1000, "ms", "", True)


def _size(store: Store, bars: int) -> Result:
    return Result(
        "bytes a bar on disk, coarser candles included",
        store.info(SERIES).size_bytes / bars,
        "bytes",
        "",
        True,
    )


def _median(calls: list[Callable[[], object]]) -> float:
    taken = []
    for call in calls:
        begun = time.perf_counter()
        call()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)

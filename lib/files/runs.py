"""Rows beyond the memory, in the order of time: sorted runs on disk, read back window by window.

Each part of a file becomes one run, sorted by time with equal times in the file's order, in batches whose
edges are kept in memory. A window takes from every run the batches that touch it: so rows of one time
meet, however far apart they stood. Costs one write and one read of 8 bytes a column and row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from lib.candles import COLUMNS, from_micros, micros

__all__ = ["Runs", "Writer", "keep", "kept"]

Array = np.ndarray[Any, Any]
_BATCH = 2**16


class Writer:
    """Writes to disk on a thread of its own, one thing behind: what is to be written may take its room once
    more. What goes wrong is raised at the next call."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1)
        self._under_way: Future[None] | None = None

    def do(self, write: Callable[[], None]) -> None:
        """Begin to write, when all before is written."""
        self.done()
        self._under_way = self._pool.submit(write)

    def done(self) -> None:
        """Wait until all is written."""
        if self._under_way is not None:
            self._under_way.result()
            self._under_way = None

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()


@dataclass(frozen=True, slots=True)
class _Run:
    path: Path
    firsts: Array  # µs of the first row of each batch
    lasts: Array


class Runs:
    """Sorted runs in ``folder``; columns are of 8 bytes, ``time`` (int64 µs) among them."""

    def __init__(self, folder: Path, writer: Writer) -> None:
        self._folder, self.writer = folder, writer
        self._runs: list[_Run] = []
        self._samples: list[Array] = []
        self.rows = 0
        self.in_order = True
        self._last: int | None = None
        self._written = False

    def add(self, columns: dict[str, Array]) -> None:
        """One more part of the file, in its order."""
        times = columns["time"]
        if not len(times):
            return
        ascends = len(times) < 2 or int(np.diff(times).min()) >= 0
        if not ascends or (self._last is not None and times[0] < self._last):
            self.in_order = False
        self._last = int(times[-1])
        if not ascends:
            order = np.argsort(times, kind="stable")
            columns = {name: values[order] for name, values in columns.items()}
            times = columns["time"]
        starts = np.arange(0, len(times), _BATCH)
        path = self._folder / f"run{len(self._runs)}.arrow"
        batch = pa.record_batch({name: pa.array(values) for name, values in columns.items()})
        self.writer.do(lambda: _write(path, [batch.slice(at, _BATCH) for at in starts], "lz4"))
        lasts = times[np.minimum(starts + _BATCH, len(times)) - 1]
        self._runs.append(_Run(path, times[starts], lasts))
        self._samples.append(times[:: _BATCH // 16].copy())  # a view would hold all times
        self.rows += len(times)

    @property
    def newest_first(self) -> bool:
        """The file's later parts hold the earlier times."""
        return len(self._runs) > 1 and self._runs[-1].firsts[0] < self._runs[0].firsts[0]

    def windows(self, rows: int) -> list[tuple[int, int]]:
        """Spans [from, to) of time that hold about ``rows`` rows each, and all rows together."""
        if not self._runs:
            return []
        marks = np.sort(np.concatenate(self._samples))
        step = max(1, rows // (_BATCH // 16))
        edges = [int(each) for each in np.unique(marks[step::step])]
        low = int(marks[0])
        edges = [each for each in edges if each > low]
        high = max(int(run.lasts.max()) for run in self._runs) + 1
        return list(zip([low, *edges], [*edges, high], strict=True))

    def read(self, low: int, high: int, names: tuple[str, ...] | None = None) -> Iterator[dict[str, Array]]:
        """The rows of ``[low, high)`` of each run that has some, in the order of the file's parts."""
        if not self._written:
            self.writer.done()
            self._written = True
        for run in self._runs:
            touched = np.flatnonzero((run.lasts >= low) & (run.firsts < high))
            if not len(touched):
                continue
            columns = tuple(self._names(run)) if names is None else names
            with pa.OSFile(str(run.path), "rb") as source:
                file = pa.ipc.open_file(source)
                parts = [file.get_batch(int(at)).select(columns) for at in touched]
                table = pa.Table.from_batches(parts)
                made = {name: table.column(name).to_numpy() for name in columns}
            times = made["time"]
            begin, end = np.searchsorted(times, [low, high])
            if end > begin:
                yield {name: values[begin:end] for name, values in made.items()}

    def _names(self, run: _Run) -> list[str]:
        with pa.OSFile(str(run.path), "rb") as source:
            return list(pa.ipc.open_file(source).schema.names)


def keep(table: pd.DataFrame, path: Path, writer: Writer) -> Path:
    """A candle table into a file of its own."""
    columns = {name: pa.array(table[name].to_numpy()) for name in COLUMNS}
    batch = pa.record_batch({"time": pa.array(micros(table)), **columns})
    writer.do(lambda: _write(path, [batch], None))
    return path


def _write(path: Path, batches: list[pa.RecordBatch], compression: str | None) -> None:
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with (
        pa.OSFile(str(path), "wb") as sink,
        pa.ipc.new_file(sink, batches[0].schema, options=options) as file,
    ):
        for batch in batches:
            file.write_batch(batch)


def kept(path: Path) -> pd.DataFrame:
    """The candle table of such a file."""
    with pa.OSFile(str(path), "rb") as source:
        table = pa.ipc.open_file(source).read_all()
    columns = {name: table.column(name).to_numpy().copy() for name in COLUMNS}
    return from_micros(table.column("time").to_numpy().copy(), columns)

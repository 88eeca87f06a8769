"""Kept tables as Parquet bytes, and windows out of such bytes.

zstd, plain numeric columns (tick-sized prices gain nothing from dictionaries), times as delta binary
packed, row groups of 16,384 bars: 20 bytes a bar of one-minute data, and a window of 2,000 bars decodes
one or two row groups. A :class:`Block` is one partition opened once over its bytes; it can hold on to
what it has decoded.
"""

from __future__ import annotations

import threading
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from lib.candles import COLUMNS, PROVENANCE, from_micros, micros
from lib.errors import CorruptFile
from lib.store.leads import Lead, born_of
from lib.timeframes import to_us

__all__ = ["NOTHING", "Block", "encode", "from_arrow", "replace_span", "stamped", "times_of", "to_arrow"]

Array = np.ndarray[Any, Any]

_ROW_GROUP = 16_384
_STAMP = pa.timestamp("us", tz="UTC")
_GENERATION = b"candlebook.generation"
_SCHEMA = pa.schema(
    [pa.field("time", _STAMP, nullable=False)]
    + [pa.field(name, pa.float64(), nullable=False) for name in COLUMNS]
    + [
        pa.field("origin", pa.string(), nullable=False),
        pa.field("fetched_at", _STAMP, nullable=False),
        pa.field("filled", pa.bool_(), nullable=False),
    ]
)

# A kept table without a bar.
NOTHING = _SCHEMA.empty_table()


def to_arrow(table: pd.DataFrame) -> pa.Table:
    """A kept table as Arrow, in the columns and types of a partition."""
    arrays = [
        pa.array(micros(table)).view(_STAMP),
        *(pa.array(table[name].to_numpy(np.float64)) for name in COLUMNS),
        _origins(table["origin"]),
        pa.array(pd.DatetimeIndex(table["fetched_at"]).as_unit("us").asi8).view(_STAMP),
        pa.array(table["filled"].to_numpy(bool)),
    ]
    return pa.Table.from_arrays(arrays, schema=_SCHEMA)


def stamped(table: pd.DataFrame, origin: str, fetched_at: pd.Timestamp, *, filled: bool) -> pa.Table:
    """A candle table with the same provenance for every bar, as :func:`to_arrow` would give it."""
    count = len(table)
    return pa.Table.from_arrays(
        [
            pa.array(micros(table)).view(_STAMP),
            *(pa.array(table[name].to_numpy(np.float64)) for name in COLUMNS),
            pa.repeat(pa.scalar(origin, pa.string()), count),
            pa.repeat(pa.scalar(to_us(fetched_at), pa.int64()), count).view(_STAMP),
            pa.repeat(pa.scalar(filled), count),
        ],
        schema=_SCHEMA,
    )


def from_arrow(table: pa.Table) -> pd.DataFrame:
    """The kept table of what :func:`to_arrow` made."""
    kept = from_micros(times_of(table), {name: table.column(name).to_numpy() for name in COLUMNS})
    return _with_provenance(kept, {name: table.column(name).combine_chunks() for name in PROVENANCE})


def times_of(table: pa.Table) -> Array:
    """The opens of a partition, int64 µs."""
    times: Array = table.column("time").combine_chunks().view(pa.int64()).to_numpy()
    return times


def replace_span(old: pa.Table, fresh: pa.Table, start: int, end: int) -> pa.Table:
    """A partition with its bars in ``[start, end)`` µs replaced."""
    lo, hi = np.searchsorted(times_of(old), [start, end])
    return pa.concat_tables([old.slice(0, lo), fresh, old.slice(hi)]).combine_chunks()


def encode(table: pa.Table, generation: int, lead: Lead | None = None) -> bytes:
    """A kept table as the bytes of one partition. ``generation`` counts the commits of that partition.
    About 0.3 µs a bar."""
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(
        sink,
        _SCHEMA,
        compression="zstd",
        use_dictionary=["origin", "fetched_at"],
        column_encoding={"time": "DELTA_BINARY_PACKED"},
        write_statistics=["time"],
        store_schema=False,
    ) as writer:
        writer.write_table(table, row_group_size=_ROW_GROUP)
        writer.add_key_value_metadata({_GENERATION: str(generation).encode()})
        if lead is not None:
            writer.add_key_value_metadata(lead.metadata())
    encoded: bytes = sink.getvalue().to_pybytes()
    return encoded


def _origins(column: pd.Series[str]) -> pa.Array:
    made = pa.array(column, type=pa.large_string())
    if isinstance(made, pa.ChunkedArray):
        made = made.combine_chunks()
    return made.cast(pa.string())


class Block:
    """One partition over its bytes. Safe for several threads. ``table`` is what the bytes were made of,
    where that is at hand; it spares decoding them.

    Raises ``CorruptFile``, naming the file, when the bytes are not a partition of ours.
    """

    def __init__(self, data: bytes, path: str, table: pa.Table | None = None) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._groups: dict[int, dict[str, Array]] = {}
        self._whole = table
        self.size = len(data)
        self.held = self.size + (table.nbytes if table is not None else 0)
        try:
            self._file = pq.ParquetFile(pa.BufferReader(data))
            meta = self._file.metadata
            self.rows: int = meta.num_rows
            metadata = meta.metadata or {}
            self.generation = int(metadata[_GENERATION])
            self.born = born_of(metadata)
            groups = [meta.row_group(i) for i in range(meta.num_row_groups) if meta.row_group(i).num_rows]
            stats = [group.column(0).statistics for group in groups]
            self._firsts = [int(stat.min_raw) for stat in stats]
            self._lasts = [int(stat.max_raw) for stat in stats]
            self._sizes = [group.num_rows for group in groups]
        except (pa.ArrowException, OSError, KeyError, ValueError, AttributeError, TypeError) as error:
            raise _corrupt(path, error) from error

    @cached_property
    def lead(self) -> Lead | None:
        """The candles before the partition, where the file has some."""
        return Lead.from_metadata(self._file.metadata.metadata or {}) if self.born else None

    @property
    def first(self) -> int:
        """Open of the first bar, µs."""
        return self._firsts[0]

    @property
    def last(self) -> int:
        """Open of the last bar, µs."""
        return self._lasts[-1]

    def window(
        self, start: int | None, end: int | None, last: int | None = None, *, provenance: bool = False
    ) -> pd.DataFrame:
        """The bars with opens in ``[start, end)`` µs, the newest ``last`` of them. Decodes only the
        row groups it needs, and keeps what it decoded."""
        wanted = [
            i
            for i in range(len(self._sizes))
            if (end is None or self._firsts[i] < end) and (start is None or self._lasts[i] >= start)
        ]
        pieces: list[tuple[dict[str, Array], slice]] = []
        count = 0
        for i in reversed(wanted):
            held = self._decoded(i)
            times = held["time"]
            lo = 0 if start is None else int(np.searchsorted(times, start))
            hi = len(times) if end is None else int(np.searchsorted(times, end))
            if last is not None:
                lo = max(lo, hi - (last - count))
            if lo < hi:
                pieces.append((held, slice(lo, hi)))
                count += hi - lo
            if last is not None and count >= last:
                break
        pieces.reverse()
        table = from_micros(
            _joined(pieces, "time", np.int64), {name: _joined(pieces, name) for name in COLUMNS}
        )
        return _with_provenance(table, self._provenance(micros(table))) if provenance else table

    def arrow(self) -> pa.Table:
        """The whole partition as Arrow, in the columns and types of :func:`to_arrow`; kept."""
        with self._lock:
            if self._whole is None:
                try:
                    self._whole = self._file.read(use_threads=False).cast(_SCHEMA).combine_chunks()
                except (pa.ArrowException, OSError) as error:
                    raise _corrupt(self.path, error) from error
                self.held += self._whole.nbytes
            return self._whole

    def _decoded(self, group: int) -> dict[str, Array]:
        with self._lock:
            if group not in self._groups:
                read = self._read([group], ["time", *COLUMNS])
                times = {"time": read["time"].view(pa.int64()).to_numpy()}
                self._groups[group] = times | {name: read[name].to_numpy() for name in COLUMNS}
                self.held += 8 * 6 * self._sizes[group]
            return self._groups[group]

    def _read(self, groups: list[int], columns: list[str]) -> dict[str, pa.Array]:
        """Columns of row groups that follow each other."""
        if self._whole is not None and groups:
            begin = sum(self._sizes[: groups[0]])
            table = self._whole.slice(begin, sum(self._sizes[group] for group in groups))
            return {name: table.column(name).combine_chunks() for name in columns}
        try:
            table = self._file.read_row_groups(groups, columns=columns, use_threads=False)
            return {name: table.column(name).combine_chunks() for name in columns}
        except (pa.ArrowException, OSError, KeyError) as error:
            raise _corrupt(self.path, error) from error

    def _provenance(self, times: Array) -> dict[str, pa.Array]:
        """The provenance of bars that follow each other."""
        groups: list[int] = []
        lo = 0
        if len(times):
            begin, end = int(times[0]), int(times[-1])
            groups = [
                i for i in range(len(self._sizes)) if self._firsts[i] <= end and self._lasts[i] >= begin
            ]
            lo = int(np.searchsorted(self._decoded(groups[0])["time"], begin))
        with self._lock:
            read = self._read(groups, PROVENANCE)
        return {name: column[lo : lo + len(times)] for name, column in read.items()}


def _with_provenance(table: pd.DataFrame, columns: dict[str, pa.Array]) -> pd.DataFrame:
    table["origin"] = pd.array(columns["origin"], dtype="str")
    fetched = np.asarray(columns["fetched_at"].view(pa.int64()).to_numpy())
    table["fetched_at"] = pd.DatetimeIndex(fetched.view("datetime64[us]")).tz_localize("UTC")
    table["filled"] = columns["filled"].to_numpy(zero_copy_only=False)
    return table


def _joined(
    pieces: list[tuple[dict[str, Array], slice]], name: str, dtype: type[np.generic] = np.float64
) -> Array:
    parts = [held[name][at] for held, at in pieces]
    if not parts:
        return np.empty(0, dtype)
    # a copy always: what a caller does to a table must not reach what is held here
    return np.concatenate(parts)


def _corrupt(path: str, error: Exception) -> CorruptFile:
    return CorruptFile(
        f"The stored file {path} cannot be read: {str(error).rstrip('.')}.",
        remedy="It is left as it is. Put it back from a copy, or move it away and download its span again.",
        path=path,
    )

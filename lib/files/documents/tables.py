"""Parquet, Arrow and Feather: typed columns, read when they are asked for."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lib.errors import FileRefused
from lib.files.documents.nested import flat, has_lists
from lib.files.packed.containers import Buffer, most_bytes
from lib.files.packed.extents import arrow_bytes
from lib.files.texts.grid import Columns, Texts, Unlike
from lib.files.texts.layout import Layout

__all__ = ["Sheet", "TableGrid", "head_of", "layout_of", "open_sheet", "pieces", "sheet_of"]

Array = np.ndarray[Any, Any]
T = TypeVar("T")
_SAMPLE = 300
_MOST_COLUMNS = 2000
# What Arrow raises of a damaged file.
_FAULTS = (
    pa.ArrowException, OSError, MemoryError, ValueError, IndexError, struct.error, subprocess.TimeoutExpired,
)  # fmt: skip
_READ_FEATHER = """
import io, sys
import pyarrow as pa
from pyarrow import feather
table = feather.read_table(io.BytesIO(sys.stdin.buffer.read()))
table.validate(full=True)
with pa.ipc.new_stream(sys.stdout.buffer, table.schema) as sink:
    sink.write_table(table)
"""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table's schema and head; ``load`` reads whole columns by position."""

    schema: pa.Schema
    head: pa.Table
    load: Callable[[list[int]], pa.Table]


def open_sheet(data: Buffer, name: str, kind: str) -> Sheet:
    """Look at a Parquet or Arrow file. Raises ``FileRefused``."""
    try:
        sheet = _parquet(data, name) if kind == "parquet" else _arrow(data, name)
    except _FAULTS as error:
        raise _unread(name, "a Parquet" if kind == "parquet" else "an Arrow", error) from error
    if len(sheet.schema) > _MOST_COLUMNS:
        raise FileRefused(
            f"{name} has {len(sheet.schema):,} columns; {_MOST_COLUMNS:,} is the most.", file=name
        )
    return sheet


def _unread(name: str, title: str, error: Exception) -> FileRefused:
    first = str(error).split("\n")[0][:120]
    return FileRefused(
        f"{name} is {title} file that cannot be read: {first}.", remedy="Fetch or write it again.", file=name
    )


def pieces(path: Path, rows: int, name: str) -> Iterator[tuple[pa.Table, int]]:
    """A Parquet file of any size, some rows at a time, and how many it has in all; in memory of these rows. Raises
    ``FileRefused``."""
    try:
        size = path.stat().st_size
        # pages are read as they are come to, not a column of a row group at once
        with pq.ParquetFile(path, buffer_size=2**20, pre_buffer=False) as plain:
            texts = _texts_in(plain)
        with pq.ParquetFile(path, buffer_size=2**20, pre_buffer=False, read_dictionary=texts) as file:
            whole = _promised(file, size, name)
            some = max(1, rows * file.metadata.num_rows // max(whole, 1))
            for batch in file.iter_batches(batch_size=some):
                yield _short(flat(pa.Table.from_batches([batch])), most_bytes(size), name), whole
    except _FAULTS as error:
        raise _unread(name, "a Parquet", error) from error


def head_of(path: Path, rows: int, name: str) -> bytes:
    """The first rows of a Parquet file as one of their own. Raises ``FileRefused``."""
    for table, _ in pieces(path, rows, name):
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink)
        made: bytes = sink.getvalue().to_pybytes()
        return made
    raise FileRefused(f"{name} has columns and no rows.", file=name)


def sheet_of(table: pa.Table) -> Sheet:
    """A table at hand as a sheet."""
    return Sheet(table.schema, table.slice(0, _SAMPLE), table.select)


def _promised(file: pq.ParquetFile, size: int, name: str) -> int:
    """How many rows there are: run lengths can promise any number of them."""
    about = file.metadata
    rows: int = about.num_rows
    if has_lists(file.schema_arrow):  # whose members are the rows
        groups = [about.row_group(n) for n in range(about.num_row_groups)]
        members = [sum(group.column(n).num_values for group in groups) for n in range(about.num_columns)]
        rows = max(rows, *members)
    if rows * 40 > most_bytes(size):
        raise FileRefused(
            f"{name} holds {rows:,} rows in {size:,} bytes; that is not a file of candles.", file=name
        )
    return rows


def _parquet(data: Buffer, name: str) -> Sheet:
    file = pq.ParquetFile(pa.BufferReader(data))
    _promised(file, len(data), name)
    file = pq.ParquetFile(pa.BufferReader(data), read_dictionary=_texts_in(file))
    schema, most = file.schema_arrow, most_bytes(len(data))
    if has_lists(schema):
        return sheet_of(_short(flat(file.read()), most, name))
    head = next(file.iter_batches(batch_size=_SAMPLE), None)
    table = pa.Table.from_batches([head]) if head is not None else schema.empty_table()
    if any(pa.types.is_struct(each.type) for each in schema):
        return Sheet(
            flat(table).schema,
            _short(flat(table), most, name),
            lambda at: _short(flat(file.read()).select(at), most, name),
        )
    return Sheet(
        schema,
        _short(table, most, name),
        lambda at: _short(file.read([schema.names[n] for n in at]), most, name),
    )


def _texts_in(file: pq.ParquetFile) -> list[str]:
    """The paths of all columns of texts: one that is long and repeated is kept once, until it is known what all rows of
    it come to."""
    leaves = [file.schema.column(n) for n in range(len(file.schema))]
    return [each.path for each in leaves if each.logical_type.type == "STRING"]


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _short(table: pa.Table, most: int, name: str) -> pa.Table:
    """The table, unless its texts come to too much, each of them once for every row."""
    for field, column in zip(table.schema, table.columns, strict=True):
        if not pa.types.is_dictionary(field.type) or not _is_text(field.type.value_type):
            continue
        made = sum(
            pc.sum(pc.take(pc.binary_length(each.dictionary), each.indices)).as_py() or 0
            for each in column.chunks
        )
        if made > most:
            raise FileRefused(
                f"{name} unpacks to more than {made // 2**20:,} MB of texts in the column {field.name[:60]!r}; that is "
                "not a file of candles.",
                file=name,
            )
    return table


def _arrow(data: Buffer, name: str) -> Sheet:
    source = pa.BufferReader(data)
    if data[:4] != b"FEA1":
        made = arrow_bytes(data)
        if made > most_bytes(len(data)):
            raise FileRefused(
                f"{name} unpacks to more than {made // 2**20:,} MB from {len(data):,} bytes; that is not a file of "
                "candles.",
                file=name,
            )
    if data[:6] == b"ARROW1":
        table = pa.ipc.open_file(source).read_all()
    elif data[:4] == b"FEA1":
        table = _feather(bytes(data))
    else:
        table = pa.ipc.open_stream(source).read_all()
    table.validate(full=True)  # places of texts beyond their buffer would end the process
    most, table = most_bytes(len(data)), flat(table)
    head = _short(table.slice(0, _SAMPLE), most, name)
    return Sheet(table.schema, head, lambda at: _short(table.select(at), most, name))


def _feather(data: bytes) -> pa.Table:
    """A Feather file of the first version, which only R's package still writes. Its reader trusts every length in
    the file, and a damaged one would end the process: so it runs in one of its own. Some 0.3 s."""
    made = subprocess.run(
        [sys.executable, "-c", _READ_FEATHER], input=data, capture_output=True, timeout=300, check=False
    )
    if made.returncode:
        raise ValueError("its parts are not where it says")
    return pa.ipc.open_stream(made.stdout).read_all()


def layout_of(sheet: Sheet, name: str) -> Layout:
    """The layout of a table whose columns have names and types: only the sample is told in texts."""
    columns = [_texts(sheet.head.column(n)).to_pylist() for n in range(len(sheet.schema))]
    rows = tuple(tuple(cell or "" for cell in row) for row in zip(*columns, strict=True))
    if not rows:
        raise FileRefused(f"{name} has columns and no rows.", file=name)
    seen: dict[str, int] = {}
    names = []
    for label in sheet.schema.names:
        seen[label] = seen.get(label, 0) + 1
        names.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    return Layout(
        delimiter="", header=1, names=tuple(names), first_line=1, start=0, width=len(names), rows=rows,
        why_delimiter="", why_header="the file names its columns",
    )  # fmt: skip


def _texts(column: Any) -> Any:
    """Any column as texts; times in ISO 8601, with Z where they have a zone."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = _spread(column), kind.value_type
    if pa.types.is_timestamp(kind):
        plain = column.cast(pa.timestamp("us", tz=kind.tz), safe=False)
        if kind.tz is None:
            return pc.strftime(plain, format="%Y-%m-%d %H:%M:%S")
        if kind.tz != "UTC":  # a market's days are known by its own midnights
            local = pc.local_timestamp(plain)
            if pc.all(pc.equal(pc.floor_temporal(local, unit="day"), local)).as_py():
                return pc.strftime(plain, format="%Y-%m-%d %H:%M:%S%z")
        moment = plain.cast(pa.timestamp("us", tz="UTC")).cast(pa.timestamp("us"))
        return pc.binary_join_element_wise(pc.strftime(moment, format="%Y-%m-%d %H:%M:%S"), "Z", "")
    try:
        return column.cast(
            pa.string()
        )  # bytes too, where they are UTF-8: some writers do not mark their texts
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.chunked_array([pa.nulls(len(column), pa.string())])


def _spread(column: Any) -> Any:
    """A dictionary's values in the rows. Views of texts, which some writers keep, are made texts first."""
    if pa.types.is_string_view(column.type.value_type):
        parts = [(each.indices, each.dictionary.cast(pa.string())) for each in column.chunks]
        column = pa.chunked_array([pa.DictionaryArray.from_arrays(*each) for each in parts])
    return column.cast(column.type.value_type)


class TableGrid:
    """The rows of a typed table. A figure's cell is a number already: nothing can be misread."""

    def __init__(self, sheet: Sheet, name: str, first: int = 1) -> None:
        self.sheet, self.name, self.first = sheet, name, first
        self.likely = 0

    def blocks(
        self, types: Mapping[int, pa.DataType], decimal: str, take: Callable[[Columns], T]
    ) -> Iterator[T]:
        table = self._load(tuple(types))
        try:
            columns = {at: _cast(table.column(n), kind) for n, (at, kind) in enumerate(types.items())}
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise Unlike(str(error)) from error
        yield take(columns)

    def _load(self, wanted: tuple[int, ...]) -> pa.Table:
        try:
            return self.sheet.load(list(wanted))
        except (pa.ArrowException, OSError, MemoryError) as error:
            first = str(error).split("\n")[0][:120]
            raise FileRefused(
                f"{self.name} is damaged: {first}.", remedy="Fetch or write it again.", file=self.name
            ) from error

    def texts(self, wanted: tuple[int, ...]) -> Texts:
        unique = tuple(dict.fromkeys(wanted))
        table = self._load(unique)
        columns = {at: _one(_texts(table.column(n))) for n, at in enumerate(unique)}
        return Texts(columns, self.lines(table.num_rows), [], 0)

    def lines(self, rows: int) -> Array:
        return np.arange(self.first, self.first + rows)

    def last(self) -> tuple[str, ...]:
        return ()


def _cast(column: Any, kind: pa.DataType) -> Any:
    if pa.types.is_dictionary(column.type) and not pa.types.is_dictionary(kind):
        column = _spread(column)
    if pa.types.is_timestamp(kind) and pa.types.is_timestamp(column.type):
        if (kind.tz is None) != (column.type.tz is None):
            raise Unlike("times with and without a zone")
        return column.cast(kind, safe=False)
    if pa.types.is_dictionary(kind):
        return column.cast(pa.string()).dictionary_encode()
    if pa.types.is_decimal(column.type) or pa.types.is_integer(column.type):
        return column.cast(kind, safe=pa.types.is_integer(kind))
    if pa.types.is_date(column.type) and pa.types.is_timestamp(kind):
        return column.cast(pa.timestamp("us"))
    if pa.types.is_string(kind):
        return _texts(column)
    made = column.cast(kind)
    if pa.types.is_floating(kind) and pa.types.is_float32(column.type):
        # the digits as they are written, not the nearest double of the nearest float
        return column.cast(pa.string()).cast(kind)
    return made


def _one(column: Any) -> Any:
    made = column.combine_chunks()
    return (
        made.chunk(0)
        if isinstance(made, pa.ChunkedArray) and made.num_chunks == 1
        else (pa.array([], pa.string()) if isinstance(made, pa.ChunkedArray) else made)
    )

"""Rows and columns of a text, read by Arrow: typed and fast where all is well, as texts and line by
line where something is not.

A grid hides how the table was written: what reads it asks for columns by position. A grid over another
kind of file needs the same four methods.
"""

from __future__ import annotations

import csv
import io
import mmap
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from lib.candles import Finding
from lib.errors import FileRefused
from lib.files.columns.cells import MISSING
from lib.files.texts.layout import Layout, cut
from lib.files.texts.parallel import BLOCK, TooLong, each_block
from lib.files.texts.text import Text

__all__ = ["Columns", "Grid", "TextGrid", "Texts", "Unlike"]

Array = np.ndarray[Any, Any]
Columns = dict[int, pa.ChunkedArray]
T = TypeVar("T")
_LONGEST_LINE = 2**20
_HEAD = 2**16  # tells how long lines are


class Unlike(Exception):
    """A cell or a row is not like the sample; read again as texts. Never leaves this package."""


class Texts:
    """Columns as strings, by position; ``lines`` of each row; ``findings`` for rows left out."""

    def __init__(
        self, columns: dict[int, pa.Array], lines: Array, findings: list[Finding], left_out: int
    ) -> None:
        self.columns, self.lines, self.findings, self.left_out = columns, lines, findings, left_out


class Grid(Protocol):
    """What a plan is carried out on: rows of cells, asked for by the column's position. ``likely``: about how
    many rows there are, 0 where that is not known."""

    likely: int

    def blocks(
        self, types: Mapping[int, pa.DataType], decimal: str, take: Callable[[Columns], T]
    ) -> Iterator[T]:
        """``take`` of the columns of the given types, some rows at once, in the file's order; it may be
        called on several threads. Raises ``Unlike`` where a cell is of another type."""

    def texts(self, wanted: tuple[int, ...]) -> Texts:
        """Columns as texts; rows of another width are left out, and found."""

    def lines(self, rows: int) -> Array:
        """The file's line of each of ``rows`` rows that ``blocks`` gave."""

    def last(self) -> tuple[str, ...]:
        """The cells of the last row, at a glance; none where that would take more."""


class TextGrid:
    """The rows of a text, by its layout. Holds no copy of it."""

    def __init__(self, text: Text, layout: Layout, name: str, path: Path | None = None) -> None:
        """``path`` where the text is a file as it stands: it is then read block by block, not mapped."""
        self.layout, self.name = layout, name
        as_it_stands = path if isinstance(text.data, mmap.mmap) else None
        self._source: Path | bytes | mmap.mmap = as_it_stands or text.data
        self._start, self._delimiter = layout.start, layout.delimiter
        self._body: Any = pa.py_buffer(text.data).slice(layout.start)
        if layout.delimiter == "whitespace":
            squeezed = re.sub(rb"(?m)^[ \t]+|[ \t]+(?=\r?$)", b"", memoryview(self._body))
            self._source, self._start, self._delimiter = re.sub(rb"[ \t]+", b"\t", squeezed), 0, "\t"
            self._body = pa.py_buffer(self._source)
        self._ids = [f"c{n}" for n in range(layout.width)]
        head = bytes(memoryview(self._body)[:_HEAD])
        self.likely = int(self._body.size / max(len(head), 1) * head.count(b"\n") * 1.05) + 1

    def blocks(
        self, types: Mapping[int, pa.DataType], decimal: str, take: Callable[[Columns], T]
    ) -> Iterator[T]:
        # a twentieth of the time goes into looking for words for nothing: not before a cell is no figure
        ways = [self._options(types, decimal, ()), self._options(types, decimal)]

        def work(block: bytes) -> T:
            return take(self._columns(block, types, ways))

        try:
            yield from each_block(self._source, self._start, work)
        except TooLong as error:
            raise Unlike("a line of a million characters") from error

    def _columns(self, block: bytes, types: Mapping[int, pa.DataType], ways: list[dict[str, Any]]) -> Columns:
        """The columns of some whole lines; runs on any thread."""
        try:
            table = self._table(block, ways)
        except pa.ArrowInvalid as error:
            if block.strip():
                raise Unlike(str(error)) from error
            return {at: pa.chunked_array([], kind) for at, kind in types.items()}
        if b'"' in block and _swallowed(block, table.num_rows):
            raise Unlike("quoted cells hold the ends of lines")
        return {at: table.column(self._ids[at]) for at in types}

    def _table(self, block: bytes, ways: list[dict[str, Any]]) -> pa.Table:
        """By the first of some options that reads the lines; what goes before it is not tried again."""
        read = pacsv.ReadOptions(column_names=self._ids, block_size=len(block) + 1, use_threads=False)
        *quick, last = ways
        for options in quick:
            try:
                return pacsv.read_csv(pa.BufferReader(block), read_options=read, **options)
            except pa.ArrowInvalid:
                ways[:] = [last]
        return pacsv.read_csv(pa.BufferReader(block), read_options=read, **last)

    def _options(
        self, types: Mapping[int, pa.DataType], decimal: str, missing: tuple[str, ...] = MISSING
    ) -> dict[str, Any]:
        return {
            "parse_options": pacsv.ParseOptions(delimiter=self._delimiter, newlines_in_values=False),
            "convert_options": pacsv.ConvertOptions(
                column_types={self._ids[at]: kind for at, kind in types.items()},
                include_columns=[self._ids[at] for at in types],
                null_values=list(missing),
                strings_can_be_null=False,
                decimal_point=decimal,
                timestamp_parsers=[pacsv.ISO8601],
            ),
        }

    def lines(self, rows: int) -> Array:
        starts, ends = self._spans()
        full = np.flatnonzero(ends > starts)
        if len(full) != rows:  # a quoted cell holds a line's end: ask the slow reader
            full = np.array([line for line, _ in self._records()], np.int64)[:rows]
        return full + self.layout.first_line

    def last(self) -> tuple[str, ...]:
        lines = bytes(memoryview(self._body)[-_HEAD:]).decode("utf-8", "replace").splitlines()
        rows = (cut(line, self.layout.delimiter) for line in reversed(lines[1:]))
        return next((tuple(row) for row in rows if len(row) == self.layout.width), ())

    def texts(self, wanted: tuple[int, ...]) -> Texts:
        body = memoryview(self._body)
        starts, ends = self._spans()
        self._refuse_endless(starts, ends)
        if _find(body, b'"'):
            return self._slow(wanted)
        marks = np.frombuffer(self._body, np.uint8) == ord(self._delimiter)
        seen = np.concatenate(([0], np.cumsum(marks, dtype=np.int64)))
        widths = seen[ends] - seen[starts] + 1
        full = ends > starts
        like = full & (widths == self.layout.width)
        odd = np.flatnonzero(full & ~like)
        findings = [
            self._odd(int(at), int(widths[at]), bytes(body[starts[at] : ends[at]])) for at in odd[:200]
        ]
        if len(odd):
            kept = np.flatnonzero(like)
            joined = b"\n".join([bytes(body[starts[at] : ends[at]]) for at in kept]) + b"\n"
            source: Any = pa.py_buffer(joined)
        else:
            source = self._body
        lines = np.flatnonzero(like) + self.layout.first_line
        if not len(lines):
            return Texts({at: pa.array([], pa.string()) for at in wanted}, lines, findings, len(odd))
        read = pacsv.ReadOptions(column_names=self._ids, block_size=BLOCK)
        try:
            options = self._options(dict.fromkeys(wanted, pa.string()), ".")
            table = pacsv.read_csv(pa.BufferReader(source), read_options=read, **options)
        except pa.ArrowInvalid:
            return self._slow(wanted)
        columns = {at: _one(table.column(self._ids[at])) for at in wanted}
        return Texts(columns, lines, findings, len(odd))

    def _refuse_endless(self, starts: Array, ends: Array) -> None:
        """A line of a million letters is no row; what takes cells apart would take it for hours."""
        at = int((ends - starts).argmax())
        if ends[at] - starts[at] > _LONGEST_LINE:
            line = at + self.layout.first_line
            raise FileRefused(
                f"Line {line} of {self.name} is longer than a million characters; that is no row of candles.",
                file=self.name, line=line,
            )  # fmt: skip

    def _odd(self, at: int, width: int, raw: bytes) -> Finding:
        shown = raw[:60].decode("utf-8", "replace")
        cells = "cell" if width == 1 else "cells"
        return Finding(
            "row", at, at + self.layout.first_line, None, shown,
            f"The line has {width} {cells} where the others have {self.layout.width}: {shown!r}.",
        )  # fmt: skip

    def _slow(self, wanted: tuple[int, ...]) -> Texts:
        """Row by row with quotes honoured. A few µs a row."""
        columns: dict[int, list[str]] = {at: [] for at in wanted}
        lines: list[int] = []
        findings: list[Finding] = []
        left_out = 0
        for line, row in self._records():
            if len(row) == self.layout.width and not any(self._holds_row(cell) for cell in row):
                lines.append(line + self.layout.first_line)
                for at in wanted:
                    columns[at].append(row[at])
                continue
            left_out += 1
            if len(findings) < 200:
                findings.append(self._odd(line, len(row), self._delimiter.join(row).encode()))
        arrays = {at: pa.array(cells, pa.string()) for at, cells in columns.items()}
        return Texts(arrays, np.array(lines, np.int64), findings, left_out)

    def _holds_row(self, cell: str) -> bool:
        """A cell over several lines that holds a row: its quote was never meant to go on."""
        return "\n" in cell and cell.count(self._delimiter) >= min(3, self.layout.width - 1)

    def _records(self) -> Any:
        """(line from 0, cells) of every row that is not blank."""
        text = io.TextIOWrapper(
            io.BytesIO(memoryview(self._body)), encoding="utf-8", errors="replace", newline=""
        )
        reader = csv.reader(text, delimiter=self._delimiter)
        before = 0
        try:
            for row in reader:
                if row and row != [""]:
                    yield before, row
                before = reader.line_num
        except csv.Error as error:
            line = before + self.layout.first_line
            raise FileRefused(
                f"Line {line} of {self.name} cannot be cut into cells: {error}.", file=self.name, line=line
            ) from error

    def _spans(self) -> tuple[Array, Array]:
        return _line_spans(np.frombuffer(self._body, np.uint8))


def _swallowed(block: bytes, rows: int) -> bool:
    """Whether lines went into quoted cells: a quote that is not closed takes the next row with it."""
    starts, ends = _line_spans(np.frombuffer(block, np.uint8))
    return rows < int((ends > starts).sum())


def _line_spans(raw: Array) -> tuple[Array, Array]:
    """Where each line starts and ends, its end mark left out."""
    stops = np.flatnonzero(raw == 10)
    if not len(stops) or stops[-1] != len(raw) - 1:
        stops = np.append(stops, len(raw))
    starts = np.concatenate(([0], stops[:-1] + 1))
    ends = stops - ((stops > starts) & (raw[np.maximum(stops, 1) - 1] == 13))
    return starts, ends


def _find(body: Any, what: bytes) -> bool:
    return any(what in bytes(body[at : at + 2**22]) for at in range(0, len(body), 2**22))


def _one(column: pa.ChunkedArray) -> pa.Array:
    made = column.combine_chunks()
    return made.chunk(0) if isinstance(made, pa.ChunkedArray) else made

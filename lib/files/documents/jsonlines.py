"""Large NDJSON block by block: whole lines, each block as a grid of the columns that the head of the file has.

Objects are read by Arrow, of which only the columns that are needed, and lists as the delimited text that they
nearly are: about 80 MB a second. What is written otherwise, and any block in which something is not as in the head,
goes the way of a small document, at a tenth of that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.json as pajson

from lib.errors import FileRefused
from lib.files.documents.documents import rows_of_lines
from lib.files.documents.records import Found, to_text
from lib.files.documents.tables import TableGrid, sheet_of
from lib.files.plan import Plan
from lib.files.texts.blocks import Block
from lib.files.texts.grid import Grid, TextGrid
from lib.files.texts.text import Text

__all__ = ["JsonLines", "is_lines", "starts_lines"]

Array = np.ndarray[Any, Any]
_HEAD = 2**17
_PART = 2**20  # what a thread of Arrow takes at once
_BRACKETS = re.compile(rb"(?m)^[ \t]*\[[ \t]*|[ \t]*\][ \t]*,?[ \t]*(?=\r?$)")
_FLAGS = {"0", "1", "true", "false"}


def is_lines(head: bytes, name: str) -> bool:
    """Whether a text that begins so is NDJSON that can be read in parts: a value a line, and one table of them."""
    rows = head[: head.rfind(b"\n") + 1].splitlines()
    if len(rows) < 2 or head[:1] not in (b"{", b"["):
        return False
    try:
        values = [json.loads(row) for row in rows if row.strip()]
        return len({type(each) for each in values}) == 1 and rows_of_lines(b"\n".join(rows), name) is not None
    except (ValueError, RecursionError, FileRefused):
        return False


def starts_lines(path: Path) -> bool:
    """The same of a file."""
    with path.open("rb") as file:
        return is_lines(file.read(_HEAD), path.name)


class JsonLines:
    """How the lines of a file become the columns of its ``plan``, which was made of ``head``, its first lines."""

    def __init__(self, plan: Plan, head: bytes) -> None:
        self._plan, self._layout, self._name = plan, plan.layout, plan.name
        found = rows_of_lines(head, plan.name)
        if found is None or self._width(found) != self._layout.width:
            raise FileRefused(
                f"{plan.name} is JSON that cannot be read in parts, and too large to be opened at once.",
                remedy="Save it as CSV or Parquet.", file=plan.name,
            )  # fmt: skip
        self._names = found.names
        self._schema = self._typed(head) if found.names is not None else None
        last = {str(row[-1]).lower() for row in found.rows if isinstance(row, list) and row}
        line = json.loads(head.lstrip().split(b"\n", 1)[0])
        whole = isinstance(line, list) and len(line) == found.width  # no last cell was left out
        self._plain_lists = found.names is None and whole and not last <= _FLAGS

    def _width(self, found: Found) -> int:
        return len(found.names) if found.names is not None else found.width

    def grid(self, block: Block) -> Grid:
        """The rows of a block. Raises ``FileRefused`` for what is no JSON."""
        layout = replace(self._layout, start=0, first_line=block.line)
        table = self._by_arrow(block.data) if self._schema is not None else None
        if table is not None:
            return TableGrid(sheet_of(table), self._name, block.line)
        text = self._unbracketed(block.data) if self._plain_lists else None
        if text is None:
            found = rows_of_lines(block.data, self._name, block.line)
            text = b"" if found is None else self._like_the_head(found)
        return TextGrid(Text(text, 0, "utf-8", ""), layout, self._name)

    def lines(self, block: Block, rows: int) -> Callable[[], Array]:
        """The file's line of each of ``rows`` rows of a block; that of the block where lines are no rows."""

        def made() -> Array:
            full = [n for n, line in enumerate(block.data.split(b"\n"), block.line) if line.strip()]
            return np.array(full, np.int64) if len(full) == rows else np.full(rows, block.line, np.int64)

        return made

    # ------------------------------------------------------------------------------------------ objects

    def _typed(self, head: bytes) -> pa.Schema | None:
        """The columns that are needed, in the types in which every block must have them; None where a row is no such
        object."""
        plan = self._plan
        try:
            whole = pajson.read_json(pa.BufferReader(head)).schema
        except pa.ArrowInvalid:
            return None
        seen = _flat(whole.empty_table()).schema
        kinds: dict[tuple[str, ...], pa.DataType] = {}
        for at in dict.fromkeys((*plan.roles.times, *plan.figures.values(), *plan.beside)):
            name = (self._names or ())[at]
            if self._layout.names[at] != name or seen.get_field_index(name) < 0:
                return None
            kind = seen.field(name).type
            if pa.types.is_timestamp(kind) or pa.types.is_null(kind):
                kind = pa.string()
            elif pa.types.is_integer(kind) and at not in plan.roles.times:
                kind = pa.float64()
            elif pa.types.is_nested(kind):
                return None
            kinds[(name,) if whole.get_field_index(name) >= 0 else tuple(name.split("."))] = kind
        return pa.schema(_fields(kinds))

    def _by_arrow(self, data: bytes) -> pa.Table | None:
        """The block as a table; None where a value is of another type, or a row lacks its time or price: it may be
        a message of another kind."""
        schema = self._schema
        try:
            made = _flat(pajson.read_json(
                pa.BufferReader(data), pajson.ReadOptions(block_size=_PART),
                pajson.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
            ))  # fmt: skip
        except pa.ArrowInvalid:
            return None
        plan = self._plan
        needed = (
            *plan.roles.times,
            *(plan.figures[role] for role in ("close", "price") if role in plan.figures),
        )
        if any(made.column(self._layout.names[at]).null_count for at in needed):
            return None
        columns = [
            made.column(name) if name in made.column_names else pa.nulls(len(made))
            for name in self._layout.names
        ]
        return pa.table(columns, list(self._layout.names))

    # -------------------------------------------------------------------------------------------- lists

    @staticmethod
    def _unbracketed(data: bytes) -> bytes | None:
        """Lists of figures and texts without their brackets; None where more than these is in them."""
        if b"\\" in data or b"{" in data:
            return None
        made = _BRACKETS.sub(b"", data)
        return None if b"[" in made or b"]" in made else made.replace(b", ", b",")

    def _like_the_head(self, found: Found) -> bytes:
        """The rows as text, their columns in the order of the head's."""
        if self._names is None or found.names is None:
            return to_text(Found("", None, found.rows, found.width))
        at = {name: n for n, name in enumerate(found.names)}
        rows = [
            [row.get(name) for name in self._names]
            if isinstance(row, dict)
            else [row[at[name]] if name in at else None for name in self._names]
            for row in found.rows
        ]
        return to_text(Found("", None, rows, len(self._names)))


def _flat(table: pa.Table) -> pa.Table:
    """The members of objects as columns of their own: ``mid.o``."""
    while any(pa.types.is_struct(each.type) for each in table.schema):
        table = table.flatten()
    return table


def _fields(kinds: dict[tuple[str, ...], pa.DataType]) -> list[pa.Field]:
    """The fields of a schema, from the types of paths through objects."""
    made = []
    for name in dict.fromkeys(path[0] for path in kinds):
        inside = {path[1:]: kind for path, kind in kinds.items() if path[0] == name and len(path) > 1}
        made.append(pa.field(name, pa.struct(_fields(inside)) if inside else kinds[(name,)]))
    return made

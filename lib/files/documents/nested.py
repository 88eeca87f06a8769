"""Columns within columns of Parquet and Arrow: members of structs, and rows that hold many candles each in lists."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["flat", "has_lists"]

_DEEPEST = 4
_LEAST = 4  # four prices


def has_lists(schema: pa.Schema) -> bool:
    """Whether there are lists at any depth."""
    return any(_holds_list(each.type) for each in schema)


def _holds_list(kind: pa.DataType) -> bool:
    return _is_list(kind) or (
        pa.types.is_struct(kind) and any(_holds_list(kind.field(n).type) for n in range(kind.num_fields))
    )


def flat(table: pa.Table) -> pa.Table:
    """The members of structs as columns of their own, ``ohlc.open``; the members of lists as rows of their own, where
    the lists of each row are columns of candles, or one list of objects. What stands beside them is repeated."""
    for _ in range(_DEEPEST):
        if any(pa.types.is_struct(each.type) for each in table.schema):
            table = table.flatten()
        elif (made := _in_rows(table)) is not None:
            table = made
        else:
            break
    return table


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _in_rows(table: pa.Table) -> pa.Table | None:
    lists = {
        n: table.column(n).combine_chunks() for n, each in enumerate(table.schema) if _is_list(each.type)
    }
    figures = sum(pa.types.is_integer(each.type) or pa.types.is_floating(each.type) for each in table.schema)
    if not lists or figures >= _LEAST:
        return None  # candles as they stand, with something beside them
    lengths = {n: _lengths(column) for n, column in lists.items()}
    alike = Counter(each.tobytes() for each in lengths.values()).most_common(1)
    taken = [n for n in lists if lengths[n].tobytes() == alike[0][0]]
    members = [lists[n].type.value_type for n in taken]
    if sum(each.num_fields if pa.types.is_struct(each) else 1 for each in members) < _LEAST:
        return None
    counts = lengths[taken[0]]
    rows = pa.array(np.repeat(np.arange(len(counts)), counts))
    kept = [n for n, each in enumerate(table.schema) if n in taken or _is_plain(each.type)]
    columns = [pc.list_flatten(lists[n]) if n in taken else _once(table.column(n)).take(rows) for n in kept]
    return pa.table(columns, names=[table.schema.names[n] for n in kept])


def _is_plain(kind: pa.DataType) -> bool:
    return not (pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _once(column: Any) -> Any:
    """Texts that are about to be repeated, each kept once."""
    text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    return column.dictionary_encode() if text else column


def _lengths(column: pa.Array) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.asarray(pc.list_value_length(column).fill_null(0).cast(pa.int64()))

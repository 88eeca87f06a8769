"""Rows and columns of JSON with something around each of them: an object that names it, or a key of its own."""

from __future__ import annotations

from typing import Any

from lib.files.columns.cells import time_kind
from lib.files.documents.parsing import flattened

__all__ = ["keyed_rows", "named_columns", "rows_within"]

_LEAST = 4  # four prices
_NAMES = ("name", "id", "key", "field", "column", "label")


def _scalar(value: Any) -> bool:
    return not isinstance(value, (list, dict))


def named_columns(nodes: list[dict[str, Any]]) -> dict[str, list[Any]] | None:
    """Columns that are an object each, ``{"name": "open", "values": [...]}``, by their names; None for other objects."""
    made: dict[str, list[Any]] = {}
    for node in nodes if _LEAST < len(nodes) < 500 else ():
        lists = [value for value in node.values() if isinstance(value, list)]
        name = next((node[each] for each in _NAMES if isinstance(node.get(each), str)), "")
        if len(lists) != 1 or not name or not all(map(_scalar, lists[0])):
            return None
        made[name] = lists[0]
    lengths = {len(column) for column in made.values()}
    return made if len(made) == len(nodes) > _LEAST and len(lengths) == 1 else None


def rows_within(nodes: list[dict[str, Any]]) -> list[list[Any]] | None:
    """The rows of objects that hold one list each, ``{"i": 0, "v": [1700000000, 1.5, ...]}``, behind the time that
    stands beside the list, if it has none itself; None where these are no rows."""
    at = [name for name, value in nodes[0].items() if isinstance(value, list)]
    if len(at) != 1 or len(nodes) < 2:
        return None
    rows = [node.get(at[0]) for node in nodes]
    if not all(isinstance(row, list) and all(map(_scalar, row)) for row in rows):
        return None
    if len({len(row) for row in rows if row is not None}) != 1 or len(nodes[0][at[0]]) < _LEAST:
        return None
    times = [name for name, value in nodes[0].items() if _scalar(value) and time_kind(str(value))]
    if any(time_kind(str(cell)) for cell in nodes[0][at[0]][:1]):
        times = []
    elif not times:
        return None
    made = [[*(node.get(name) for name in times[:1]), *node[at[0]]] for node in nodes]
    return made if len(made[0]) > _LEAST else None


def keyed_rows(node: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of an object that holds one under each of its keys, all with the same names and a time. The keys are a
    column where the times are not all different: they are symbols then. Nothing where these are no rows."""
    some = list(node.values())
    if len(some) < 3 or not all(isinstance(each, dict) and each.keys() == some[0].keys() for each in some):
        return []
    rows = [flattened(each) for each in some]
    if not all(_scalar(cell) for cell in rows[0].values()):
        return []
    times = [name for name, cell in rows[0].items() if time_kind(str(cell))]
    if not times:
        return []
    if any(len({str(row.get(name)) for row in rows}) == len(rows) for name in times):
        return rows
    return [{"symbol": at, **row} for at, row in zip(node, rows, strict=True)]

"""Rows and columns of JSON, and what is around each of them: an object that names it, a key of its own, a text; and
which of many objects are rows."""

from __future__ import annotations

from collections import Counter
from typing import Any

from lib.files.columns.cells import numeric, time_kind
from lib.files.documents.parsing import flattened

__all__ = ["cut_texts", "keyed_rows", "named_columns", "names_of", "of_one_kind", "rows_within"]

_LEAST = 4  # four prices
_MOST_NAMES = 500
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


def of_one_kind(nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The objects that are rows, of a stream that has its acknowledgements and heartbeats among them: those that share
    most of their names with what most are."""
    if all(each.keys() == nodes[0].keys() for each in nodes):
        return nodes
    common = set(Counter(frozenset(each) for each in nodes).most_common(1)[0][0])
    return [each for each in nodes if len(common & each.keys()) * 4 >= len(common) * 3] or nodes


def names_of(rows: list[dict[str, Any]]) -> list[str]:
    """The names of all rows; where each row has others, those that some rows share."""
    if all(row.keys() == rows[0].keys() for row in rows):
        return list(rows[0])
    counts = Counter(name for row in rows for name in row)
    if len(counts) <= _MOST_NAMES:
        return list(counts)
    return [name for name, count in counts.items() if count * 100 >= len(rows)]


def cut_texts(lines: list[str]) -> list[list[str]]:
    """Rows that are one text each, ``"2024-01-31,1.5,1.7,1.4,1.6,100"``; nothing where these are other texts."""
    for mark in ",;|\t ":
        width = lines[0].count(mark)
        if width >= _LEAST and all(line.count(mark) == width for line in lines):
            rows = [line.split(mark) for line in lines]
            if sum(numeric(cell) for cell in rows[0]) >= _LEAST:
                return rows
    return []

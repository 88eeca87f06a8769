"""Spans of time with what is said of each: how a newer word goes over an older one.

There is a layer for each source that was asked in vain ("unfillable"; what two of them lack may overlap), one for
what is being looked for at the moment ("filling"), under which stays what was said before, and one for all the
rest. Within a layer spans never overlap; a new one cuts what lay there, and takes up neighbours of its own layer
that touch it and say the same. "detected" clears every layer under it, and so does :data:`NOTHING`, which is not
kept itself; by a source it clears only what that source was looking for.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import Any, NamedTuple

__all__ = ["NOTHING", "Row", "merged"]

NOTHING = ""
_REST = ""
_FILLING = "filling"


class Row(NamedTuple):
    """``[start, end)`` in µs, and what is said of it."""

    start: int
    end: int
    state: str
    by: str
    at: int
    note: str


def merged(old: Iterable[Any], new: Iterable[Row]) -> list[Row]:
    """The spans of ``old`` with those of ``new`` over them, one after the other; by start. O(log n) for each
    new one, and a move of what follows."""
    layers: dict[str, list[Row]] = {}
    for found in old:
        row = Row(*found)
        layers.setdefault(_layer(row), []).append(row)
    for rows in layers.values():
        rows.sort()
    for row in new:
        if row.state == "detected" or (row.state == NOTHING and not row.by):
            for rows in layers.values():
                _cut(rows, row)
        elif row.state in ("unfillable", NOTHING):
            _settle(layers.get(_FILLING, []), row, by=row.by)
        if row.state == NOTHING:
            continue
        if row.state == "unfillable":
            _settle(layers.get(_REST, []), row, state="detected")
        rows = layers.setdefault(_layer(row), [])
        at = _cut(rows, row)
        _join(rows, at, row)
    return sorted(row for rows in layers.values() for row in rows)


def _layer(row: Row) -> str:
    # no source is named so: a name is never empty
    if row.state == "unfillable":
        return f"source {row.by}"
    return _FILLING if row.state == "filling" else _REST


def _cut(rows: list[Row], out: Row) -> int:
    """Take ``[out.start, out.end)`` out of a layer; where it would go in."""
    low = bisect_right(rows, out.start, key=lambda row: row.end)
    high = bisect_left(rows, out.end, key=lambda row: row.start)
    pieces = []
    if low < high:
        if rows[low].start < out.start:
            pieces.append(rows[low]._replace(end=out.start))
        if rows[high - 1].end > out.end:
            pieces.append(rows[high - 1]._replace(start=out.end))
    rows[low:high] = pieces
    return low + (len(pieces) > 0 and pieces[0].end <= out.start)


def _settle(rows: list[Row], answered: Row, *, state: str | None = None, by: str | None = None) -> None:
    """Some of what was said of a span holds no longer, as it was answered."""
    low = bisect_right(rows, answered.start, key=lambda row: row.end)
    high = bisect_left(rows, answered.end, key=lambda row: row.start)
    for row in [row for row in rows[low:high] if state in (None, row.state) and by in (None, row.by)]:
        _cut(rows, Row(max(row.start, answered.start), min(row.end, answered.end), "", "", 0, ""))


def _join(rows: list[Row], at: int, row: Row) -> None:
    """Put a span where nothing lies; neighbours that touch it and say the same become one with it."""
    low = high = at
    if row.state != "unfillable":  # a gap that was filled or left alone stays one gap
        rows.insert(at, row)
        return
    if at and rows[at - 1].end == row.start and rows[at - 1].note == row.note:
        low, row = at - 1, row._replace(start=rows[at - 1].start)
    if at < len(rows) and rows[at].start == row.end and rows[at].note == row.note:
        high, row = at + 1, row._replace(end=rows[at].end)
    rows[low:high] = [row]

"""Runs of digits in a column of texts, found for all rows at once over the column's own bytes.

A time such as ``31.07.2015 08:00:00.000`` is seven runs with one separator between each. Rows with the
same number of runs form a group, whose runs are a matrix. O(bytes), no Python per row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

__all__ = ["Group", "groups"]

Array = np.ndarray[Any, Any]
_LONGEST = 18


@dataclass(frozen=True, slots=True)
class Group:
    """Rows whose text has ``k`` runs of digits. ``values`` and ``lengths`` are (rows, k);
    ``between`` (rows, k - 1) is the single byte between two runs, 0 where there is not just one.
    ``whole``: the text begins and ends with a run, and no run is too long."""

    rows: Array
    values: Array
    lengths: Array
    between: Array
    whole: Array


def groups(texts: pa.Array) -> Iterator[Group]:
    """Groups of a string array without nulls, by the number of runs; rows without a digit are in none."""
    buffer, offsets = _bytes(texts)
    if not len(buffer):
        return
    digit = (buffer - np.uint8(48)) < 10
    begins = digit.copy()
    begins[1:] &= ~digit[:-1]
    inner = offsets[:-1][(np.diff(offsets) > 0)]
    begins[inner] = digit[inner]
    ends = digit.copy()
    ends[:-1] &= ~digit[1:]
    last = offsets[1:][np.diff(offsets) > 0] - 1
    ends[last] = digit[last]
    starts, stops = np.flatnonzero(begins), np.flatnonzero(ends) + 1
    row = np.searchsorted(offsets, starts, side="right") - 1
    counts = np.bincount(row, minlength=len(offsets) - 1)
    lengths = stops - starts
    values = _values(buffer, starts, lengths)
    firsts = np.cumsum(counts) - counts
    for k in np.unique(counts[counts > 0]):
        rows = np.flatnonzero(counts == k)
        at = firsts[rows][:, None] + np.arange(k)
        gap = starts[at[:, 1:]] - stops[at[:, :-1]]
        between = np.where(gap == 1, buffer[stops[at[:, :-1]] % len(buffer)], 0)
        whole = (starts[at[:, 0]] == offsets[rows]) & (stops[at[:, -1]] == offsets[rows + 1])
        whole &= (lengths[at] <= _LONGEST).all(axis=1)
        yield Group(rows, values[at], lengths[at], between, whole)


def _bytes(texts: pa.Array) -> tuple[Array, Array]:
    wide = pa.types.is_large_string(texts.type)
    _, raw, data = texts.buffers()
    if not len(texts) or data is None:
        return np.empty(0, np.uint8), np.zeros(len(texts) + 1, np.int64)
    offsets = np.frombuffer(raw, np.int64 if wide else np.int32)[texts.offset : texts.offset + len(texts) + 1]
    buffer = np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]]
    return buffer, (offsets - offsets[0]).astype(np.int64)


def _values(buffer: Array, starts: Array, lengths: Array) -> Array:
    values = np.zeros(len(starts), np.int64)
    for n in range(min(int(lengths.max(initial=0)), _LONGEST)):
        longer = lengths > n
        digits = buffer[np.where(longer, starts + n, 0)].astype(np.int64) - 48
        values = np.where(longer, values * 10 + digits, values)
    return values

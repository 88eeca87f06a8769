"""A column that parts the rows of several symbols, though its name is no word for one: told by what it holds."""

from __future__ import annotations

import re
from collections import Counter
from itertools import groupby
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lib.files.columns.cells import is_missing, numeric, time_kind
from lib.files.columns.placed import like_prices
from lib.files.texts.grid import Grid, Unlike
from lib.files.texts.layout import Layout
from lib.files.times.months import month_of

__all__ = ["parting_columns"]

_CODE = re.compile(r"\^?[^\W_][\w./:=^&!-]{1,24}")
# Texts that part no symbols: answers, sides, weekdays, sessions, parts of an experiment, and periods.
_OTHER = frozenset(
    "true false yes no ok error none buy sell bid ask long short up down flat mon tue wed thu fri sat sun pre post reg rth eth "
    "regular extended premarket postmarket open close closed final train test val valid validation".split()
)
_PERIOD = re.compile(r"(?i)(w|q|h|kw|cw|wk|week|fy|cy|m|day|bar|session|quarter|half|year)?[ _-]?\d*")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_FEW = 2000  # runs of rows that are still one symbol each
_LEAST = 8  # rows that a sample needs to tell


def parting_columns(found: Layout, grid: Grid) -> list[tuple[int, tuple[str, ...]]]:
    """Positions of such columns, and the texts in each in the order of the file: none where they stand abreast.

    Candles of several symbols stand either abreast, so that each time comes once for each of them, or one symbol
    below the other, so that each has one run of rows. Reads the whole of a column of codes, unless the first and
    the last row have the same one.
    """
    rows = [row for row in found.rows if len(row) == found.width]
    places = (
        [at for at in range(found.width) if _codes([row[at] for row in rows])] if len(rows) >= _LEAST else []
    )
    if not places or not like_prices(found):
        return []
    if abreast := [at for at in places if _abreast(found, rows, at)]:
        return [(at, ()) for at in abreast]
    last = grid.last()
    places = [at for at in places if len({row[at] for row in rows}) * 2 <= len(rows)]  # not one for each row
    below = [(at, _runs_of(grid, at)) for at in places if not last or last[at] != rows[0][at]]
    return [
        (at, runs) for at, runs in below if 1 < len(runs) == len(set(runs)) and not any(map(_no_code, runs))
    ]


def _codes(cells: list[str]) -> bool:
    """Every cell is a code or a word that a symbol could be."""
    return not any(map(_no_code, set(cells)))


def _no_code(text: str) -> bool:
    if is_missing(text) or numeric(text) or time_kind(text) or not _CODE.fullmatch(text):
        return True
    bare = _YEAR.sub("", text.casefold()).strip(" -_/.")
    letters = re.sub(r"[\W\d_]", "", bare)
    return bare in _OTHER or _PERIOD.fullmatch(bare) is not None or month_of(letters) > 0


def _abreast(found: Layout, rows: list[tuple[str, ...]], at: int) -> bool:
    """Each time comes twice or more in the sample, never twice with the same code."""
    kinds = [
        Counter(time_kind(row[place]) for row in rows[:40]).most_common(1)[0][0]
        for place in range(found.width)
    ]
    places = [place for place, kind in enumerate(kinds) if kind in ("date", "datetime", "clock")]
    places = places or [place for place, kind in enumerate(kinds) if kind == "epoch"]
    times = [tuple(row[place] for place in places) for row in rows]
    both = {(time, row[at]) for time, row in zip(times, rows, strict=True)}
    return bool(places) and len(set(times)) * 2 <= len(rows) + 1 and len(both) == len(rows)


def _runs_of(grid: Grid, at: int) -> tuple[str, ...]:
    """The texts of a column, each once for every run of rows that have it, notes at the end left out; nothing where
    there are too many."""
    made: list[str] = []
    try:
        for some in grid.blocks({at: pa.string()}, ".", lambda loaded: _runs(loaded[at])):
            made += some
            if len(made) > _FEW:
                return ()
    except Unlike:
        made = _runs(grid.texts((at,)).columns[at])
    runs = [text for text, _ in groupby(made)]
    while runs and _no_code(runs[-1]):
        runs.pop()
    return tuple(runs)


def _runs(column: Any) -> list[str]:
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if not len(array):
        return []
    ends = pc.run_end_encode(pc.fill_null(array, ""))
    made: list[str] = pc.utf8_trim_whitespace(ends.values[: _FEW + 1]).to_pylist()
    return made

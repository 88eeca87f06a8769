"""What the cells of a workbook's sheet stand for, where it is not what they hold: cells merged over several rows,
dates whose day and month a spreadsheet swapped, days counted from 1904, dates that run across instead of down."""

from __future__ import annotations

import datetime as dt
import re
from itertools import pairwise, zip_longest
from typing import Any

from lib.files.columns.words import TIME_WORDS, bare

__all__ = ["from_1904", "swapped_back", "turned", "unmerged"]

Row = list[Any]
_HEAD = 20
_FIGURES = 3  # in a row of candles
_TEXT = re.compile(r"\s*(\d{1,2})([/.-])(\d{1,2})\2(\d{4})(?:[ T]+(\d{1,2}:\d{2}(?::\d{2})?))?\s*")
_LEAST = 10
# Days between the epochs of Excel's calendars, and the counts that dates have: 1941 to 2119 and 1945 to 2123.
_APART, _DAYS = 1462, (15000, 80000)
_WORDS = {"open", "high", "low", "close"}


def unmerged(rows: list[Row], ranges: list[tuple[tuple[int, int], tuple[int, int]]]) -> None:
    """Give each row the cell that it shares with those above it, and its date where only the first row of a day has
    one beside the times of day. In place."""
    for (top, left), (bottom, right) in ranges:
        if left == right and top < len(rows) and left < len(rows[top]):
            _fill(rows[top][left], rows[top + 1 : bottom + 1], left)
    body = [row for row in rows[1:] if _figures(row) >= _FIGURES]
    width = max(map(len, body), default=0)
    clocks = width and any(
        all(isinstance(row[at], dt.time) for row in body if at < len(row)) for at in range(width)
    )
    for at in range(width if clocks else 0):
        cells = [row[at] for row in body if at < len(row)]
        days = sum(isinstance(cell, dt.date) for cell in cells)
        if isinstance(cells[0], dt.date) and days * 2 < len(cells) == days + cells.count(""):
            for cell, row in zip(_held(cells), body, strict=True):
                row[at] = cell


def _fill(cell: Any, rows: list[Row], at: int) -> None:
    for row in rows:
        if at < len(row) and row[at] == "" and _figures(row) >= _FIGURES:
            row[at] = cell


def _held(cells: list[Any]) -> list[Any]:
    """Each cell, or the last one above it that is filled."""
    made: list[Any] = []
    for cell in cells:
        made.append(cell if cell != "" or not made else made[-1])
    return made


def _figures(row: Row) -> int:
    return sum(type(cell) in (int, float) for cell in row)


def from_1904(rows: list[Row]) -> None:
    """Days that are counted without a date's format in a workbook of the calendar of 1904, as of 1900. In place."""
    for at in _named(rows):
        body = [row for row in rows if at < len(row) and type(row[at]) in (int, float)]
        if len(body) > 1 and all(_DAYS[0] <= row[at] + _APART <= _DAYS[1] for row in body):
            for row in body:
                row[at] += _APART


def _named(rows: list[Row]) -> list[int]:
    """The columns that are named for times."""
    return sorted({
        at for row in rows[:_HEAD] for at, cell in enumerate(row) if isinstance(cell, str) and bare(cell) in TIME_WORDS
    })  # fmt: skip


def turned(rows: list[Row]) -> list[Row]:
    """The rows of a sheet whose first column has the names of the prices; else the same."""
    words = {bare(row[0]) for row in rows if row and isinstance(row[0], str)}
    if (
        not words >= _WORDS
        or len(rows) > 50
        or any(len(_WORDS & set(map(bare, map(str, row)))) > 1 for row in rows)
    ):
        return rows
    return [list(row) for row in zip_longest(*rows, fillvalue="")]


def swapped_back(rows: list[Row]) -> str:
    """Swap the day and the month of the dates of a column back, where a spreadsheet read 3/1 as 1 March: days above 12
    stayed as they were, or stayed texts, and only so do the rows stand in the order of their times. In place; says so."""
    for at in range(max(map(len, rows), default=0)):
        body = [row for row in rows if at < len(row) and (isinstance(row[at], dt.date) or _parts(row[at]))]
        cells = [row[at] for row in body]
        if sum(isinstance(cell, dt.date) for cell in cells) < _LEAST:
            continue
        as_is, back = _read(cells, swap=False), _read(cells, swap=True)
        if as_is is None or back is None:
            continue
        texts = any(isinstance(cell, str) for cell in cells)
        if _breaks(back) * 10 <= _breaks(as_is) and _breaks(as_is):
            changed = sum(a != b for a, b in zip(as_is, back, strict=True))
            _put(body, at, back)
            return (
                f"The day and the month of {changed:,} dates were swapped, as a spreadsheet of another language does: only "
                "so are the rows in the order of their times."
            )
        if texts and not _breaks(as_is):
            _put(body, at, as_is)
    return ""


def _put(body: list[Row], at: int, moments: list[dt.datetime]) -> None:
    for row, moment in zip(body, moments, strict=True):
        row[at] = moment


def _parts(cell: Any) -> re.Match[str] | None:
    return _TEXT.fullmatch(cell) if isinstance(cell, str) else None


def _read(cells: list[Any], *, swap: bool) -> list[dt.datetime] | None:
    """Dates and texts of dates as moments; the day and the month of dates swapped where they can be. None where the
    texts tell no order."""
    texts = [hit for cell in cells if (hit := _parts(cell))]
    firsts, seconds = [int(hit[1]) for hit in texts], [int(hit[3]) for hit in texts]
    if texts and not (min(firsts) > 12 or min(seconds) > 12):
        return None
    made = []
    for cell in cells:
        try:
            if hit := _parts(cell):
                first, second = (hit[1], hit[3]) if min(firsts) > 12 else (hit[3], hit[1])
                clock = hit[5] or "00:00"
                made.append(dt.datetime.fromisoformat(f"{hit[4]}-{second:0>2}-{first:0>2}T{clock:0>5}"))
            else:
                moment = cell if isinstance(cell, dt.datetime) else dt.datetime.combine(cell, dt.time())
                day, month = (
                    (moment.month, moment.day) if swap and moment.day < 13 else (moment.day, moment.month)
                )
                made.append(moment.replace(day=day, month=month))
        except ValueError:
            return None
    return made


def _breaks(moments: list[dt.datetime]) -> int:
    """How many steps go against the order of the others."""
    steps = [late > early for early, late in pairwise(moments) if late != early]
    return min(sum(steps), len(steps) - sum(steps))

"""Columns of a table without a header, told by what they hold."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa

from lib.files.columns.cells import is_missing
from lib.files.columns.price_orders import PRICES, likeliest
from lib.files.columns.roles import Work, holds_figures, value_of
from lib.files.texts.layout import Layout
from lib.files.times.times import parse_texts

__all__ = ["by_place", "like_prices"]

Array = np.ndarray[Any, Any]


def by_place(work: Work) -> None:
    """No header: after the time come four prices, in an order that the sample tells, and the volume; every
    row is checked against it later."""
    start = next((at for at in range(work.layout.width) if work.kind(at) not in ("", "clock")), -1)
    first = start + 1
    if first < work.layout.width and work.kind(first) == "clock":
        first += 1
    elif start >= 0 and work.kind(start) == "date" and _clock_digits(work, first):
        work.take("date", start, "the first column of dates")
        work.take("clock", first, "times of day follow the dates")
        first += 1
    for at in (*range(first, work.layout.width - 3), *range(start - 3)):
        rows = work.floats(list(range(at, at + 4)))
        if not len(rows) or not _close_together(rows):
            continue
        order, why = likeliest(rows, _direction(work, start))
        for role, place in zip(order, range(at, at + 4), strict=False):
            if work.wants(role):
                work.take(role, place, why)
        if order and work.wants("volume"):
            _volume(work, at + 4)
        if order and work.wants("volume") and start == 0 and at == first + 1 and holds_figures(work, first):
            work.take("volume", first, "it stands between the time and the prices")
        if order and work.wants("volume") and 0 < at < start and holds_figures(work, at - 1):
            work.take("volume", at - 1, "it stands before the prices")
        break
    for role in PRICES:
        if work.wants(role):
            work.undecided[role] = work.layout.names


def like_prices(found: Layout) -> bool:
    """Whether any four columns side by side hold figures of one size, as prices do."""
    work = Work(found, None)
    runs = (work.floats(list(range(at, at + 4))) for at in range(found.width - 3))
    return any(len(rows) > 0 and _close_together(rows) for rows in runs)


def _close_together(rows: Array) -> bool:
    """Four prices of one candle are of one size; a count or a volume beside them seldom is."""
    low, high = rows.min(axis=1), rows.max(axis=1)
    return bool(((low > 0) & (high < 3 * low)).mean() > 0.9 or ((low <= 0) & (high <= 0)).all())


def _direction(work: Work, time: int) -> int:
    """1 where the sample ascends in time, -1 where it descends, 0 where its cells do not tell at a glance."""
    if time < 0 or not work.cells:
        return 0
    cells = [cell for cell in work.cells[time] if not is_missing(cell)]
    if not cells:
        return 0
    if work.kind(time) == "epoch" or all(re.match(r"\d{4}", cell) for cell in cells):
        keys: list[Any] = [value_of(cell) for cell in cells] if work.kind(time) == "epoch" else cells
        return int(keys[0] < keys[-1]) - int(keys[0] > keys[-1])
    read = (parse_texts(pa.array(cells, pa.string()), day_first=first) for first in (True, False))
    ways = {int(np.sign(each.micros[-1] - each.micros[0])) for each in read if not each.bad[[0, -1]].any()}
    return ways.pop() if len(ways) == 1 else 0


def _volume(work: Work, first: int) -> None:
    """The figures that follow the prices; not an average price, which lies between low and high."""
    for at in range(first, work.layout.width):
        if not holds_figures(work, at) or work.kind(at) not in ("", "epoch") or _counts_up(work, at):
            continue
        rows = work.floats([work.at["low"], at, work.at["high"]])
        average = len(rows) and bool(
            (((rows[:, 0] <= rows[:, 1]) & (rows[:, 1] <= rows[:, 2])) | (rows[:, 1] == 0)).all()
            and (rows[:, 1] != 0).any()
        )
        more = any(holds_figures(work, later) for later in range(at + 1, work.layout.width))
        if not (more and (average or _moves_with(work, at))):
            work.take("volume", at, "it follows the prices")
            return


def _counts_up(work: Work, at: int) -> bool:
    """Counts since 1970, that rise or fall throughout; a large volume does not."""
    if work.kind(at) != "epoch":
        return False
    values = np.array([value_of(cell) for cell in work.cells[at]])
    return bool((values[1:] >= values[:-1]).all() or (values[1:] <= values[:-1]).all())


def _moves_with(work: Work, at: int) -> bool:
    """A further price: it stays at nearly the same part of the close from row to row, as an adjusted one does."""
    rows = work.floats([work.at["close"], at])
    rows = rows[(rows > 0).all(axis=1)]
    if len(rows) < 8:
        return False
    parts = rows[1:, 1] / rows[:-1, 1] - rows[1:, 0] / rows[:-1, 0]
    return bool((np.abs(parts) < 0.005).mean() > 0.9)


def _clock_digits(work: Work, at: int) -> bool:
    """Times of day without colons: 90100, 160000, or 0900. Told by their minutes and seconds."""
    cells = work.cells[at] if work.cells and at < work.layout.width else ()
    if not cells or not all(re.fullmatch(r"\d{4}|\d{6}|0", cell) for cell in cells):
        return False
    padded = [cell.zfill(6 if max(map(len, cells)) > 4 else 4) for cell in cells]
    if any(int(each[:2]) > 23 or int(each[2:4]) > 59 for each in padded):
        return False
    return len(set(cells)) > 1 or set(cells) <= {"0", "0000", "000000"}

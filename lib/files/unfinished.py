"""Candles that were written while they formed: left out where a column says so of each row.

Exchanges send a candle again and again until it is over, with a flag; brokers flag the newest one of an answer.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from lib.files.columns.columns import Roles
from lib.files.columns.symbols import distinct
from lib.files.columns.words import plain
from lib.files.texts.grid import Grid
from lib.files.texts.layout import Layout

__all__ = ["FINISHED", "find_flag", "finished"]

_FLAG = re.compile(r"(is ?)?(complete|confirm|closed|final|finished)(d|ed)?|(candle|bar) (closed|complete)|x")
FINISHED = ("true", "True", "TRUE", "1", "t", "yes")
_UNFINISHED = ("false", "False", "FALSE", "0", "f", "no")


def find_flag(found: Layout, roles: Roles, grid: Grid) -> int | None:
    """The column that tells finished candles from others, where it calls some finished and some not. Costs a read
    of that column, only where there is one."""
    for at, name in enumerate(found.names if found.header else ()):
        if at in roles.at.values() or not _FLAG.fullmatch(plain(name)):
            continue
        cells = {row[at] for row in found.rows if len(row) == found.width}
        if not cells <= {*FINISHED, *_UNFINISHED}:
            continue
        cells = set(distinct(grid, at))
        if cells <= {*FINISHED, *_UNFINISHED} and cells & {*FINISHED} and cells & {*_UNFINISHED}:
            return at
    return None


def finished(rows: list[list[Any]]) -> list[bool] | None:
    """Which of rows without names are over: their last cells are flags, and what is not over is the newest time or
    has its finished row beside it. None where the last cells are no flags. The first cells are the times."""
    flags = [str(row[-1]).lower() for row in rows]
    if len(rows) < 4 or (set(flags) != {"0", "1"} and set(flags) != {"false", "true"}):
        return None
    over = [flag in FINISHED for flag in flags]
    at: dict[str, bool] = defaultdict(bool)
    for row, each in zip(rows, over, strict=True):
        at[str(row[0])] |= each
    open_ = [time for time, each in at.items() if not each]
    ends = (str(rows[0][0]), str(rows[-1][0]))
    return over if not open_ or (len(open_) == 1 and open_[0] in ends) else None

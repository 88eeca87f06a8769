"""What was read of a file, row by row, before it is a candle table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lib.candles import Finding

__all__ = ["LISTED", "Rows"]

Array = np.ndarray[Any, Any]
# A report lists this many faults of one kind in full, and counts the others.
LISTED = 200


@dataclass(slots=True)
class Rows:
    """What was read, row by row: µs and figures; rows in ``bad`` were found faulty already. ``parts``: the names of
    the tables that were joined, and how many rows each has. ``fine``: the figures break no rule."""

    micros: Array
    figures: dict[str, Array]
    lines: Callable[[], Array]
    bad: Array | None = None
    findings: tuple[Finding, ...] = ()
    counts: dict[str, int] | None = None
    left_out: int = 0
    note: str = ""
    parts: tuple[tuple[str, int], ...] = ()
    fine: bool = False

    def mark(self, rule: str, mask: Array, tell: Callable[[int], tuple[str, str]]) -> None:
        """Note rows that broke a rule; ``tell`` gives the value and the sentence of a row."""
        at = np.flatnonzero(mask)
        if not len(at):
            return
        lines = self.lines()
        self.bad = mask if self.bad is None else self.bad | mask
        self.counts = {**(self.counts or {}), rule: len(at)}
        self.findings += tuple(
            Finding(rule, int(row), int(lines[row]), None, *tell(int(row))) for row in at[:LISTED]
        )

    def part_of(self, row: int) -> str:
        """The name of the part that a row is in; nothing where there is one table."""
        for name, count in self.parts:
            if row < count:
                return name
            row -= count
        return ""

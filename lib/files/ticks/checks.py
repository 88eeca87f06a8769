"""Ticks looked at row by row, a whole file or block after block: a price and a size for each, what is faulty, what is
left out, and what is to be said of it in the end."""

from __future__ import annotations

from typing import Any

import numpy as np

from lib.errors import FileRefused
from lib.files.planned import Plan
from lib.files.rows import Rows
from lib.files.ticks import ticks
from lib.files.times import times

__all__ = ["TickChecks"]

Array = np.ndarray[Any, Any]
_SHOWN = 3


class TickChecks:
    """What is seen of the ticks of one file, from its first row to its last.

    Where ``Ticks.standing`` says so, an empty side of a quote is the one that was there before: its last value goes
    over from one block to the next. Quotes before both sides were told, and rows that tell neither, are left out.
    """

    def __init__(self, plan: Plan) -> None:
        assert plan.ticks is not None
        self.plan, self.ticks = plan, plan.ticks
        self.last = {"bid": np.nan, "ask": np.nan}
        self.crossed = self.lacking = self.stood = self.neither = self.priced = 0
        self.lines: list[int] = []
        self.sales = False

    def add(self, rows: Rows) -> None:
        """Price and volume of every tick into ``rows.figures``; faulty ones, and those left out, are marked bad."""
        if self.ticks.standing:
            self._stand(rows)
        across = ticks.crossed(self.ticks, rows.figures)
        if across.any():
            self.crossed += int(across.sum())
            if len(self.lines) < _SHOWN:
                self.lines += [int(line) for line in rows.lines()[np.flatnonzero(across)[:_SHOWN]]]
        sizes = rows.figures.get("volume")
        self.sales |= sizes is not None and bool((sizes < 0).any())
        price, size = ticks.priced(self.ticks, rows.figures)
        timeless = (rows.micros == times.NO_TIME) & (True if rows.bad is None else ~rows.bad)
        _mark(rows, "time", timeless, price, "The time is missing.")
        known = ~np.isnan(price) if rows.bad is None else ~np.isnan(price) | rows.bad
        if self.ticks.kind == "quotes":
            self.priced += int((known if rows.bad is None else known & ~rows.bad).sum())
            if not known.all():
                self.lacking += int((~known).sum())
                rows.bad = ~known if rows.bad is None else rows.bad | ~known
        else:
            _mark(rows, "missing", ~known, price, "The price is missing.")
        with np.errstate(invalid="ignore"):
            _mark(rows, "not positive", price <= 0, price, "The price is {cell}; a price is above zero.")
        _mark(rows, "infinite", np.isinf(price), price, "The price is infinite.")
        _mark(rows, "volume", ~np.isfinite(size), size, "The size is {cell}; it is no number of anything.")
        rows.figures = {"price": price, "volume": size}

    def _stand(self, rows: Rows) -> None:
        """Fill the empty sides of quotes with those before."""
        fine = np.ones(len(rows.micros), bool) if rows.bad is None else ~rows.bad
        told = {side: ~np.isnan(rows.figures[side]) & fine for side in self.last}
        some = told["bid"] | told["ask"]
        if not fine.any():
            return
        for side, known in told.items():
            before = np.maximum.accumulate(np.where(known, np.arange(len(known)), -1))
            values = np.where(before >= 0, rows.figures[side][before], self.last[side])
            self.last[side] = float(values[-1])
            rows.figures[side] = np.where(some, values, np.nan)
        both = ~np.isnan(rows.figures["bid"] + rows.figures["ask"])
        self.stood += int((both & ~(told["bid"] & told["ask"])).sum())
        self.neither += int((fine & ~some).sum())

    def notes(self) -> list[str]:
        """What is to be said when all rows are there. Raises ``FileRefused`` where no quote has the side that is
        asked for."""
        if self.lacking and not self.priced:
            wanted = "both sides" if self.ticks.side == "mid" else f"the {self.ticks.side}"
            raise FileRefused(
                f"{self.plan.name}: none of its {self.lacking:,} quotes has {wanted}.",
                remedy="Choose the side that is there (--side bid or --side ask), or say which columns are which "
                "(--column bid=NAME).",
                file=self.plan.name, question="side",
            )  # fmt: skip
        made = []
        if self.crossed:
            shown = ", ".join(map(str, self.lines[:_SHOWN]))
            made.append(
                f"The bid is above the ask in {self.crossed:,} quotes (line {shown}); they were taken as they are."
            )
        if self.sales:
            made.append("Negative sizes are sales; their volume counts like that of purchases.")
        if self.stood:
            made.append(
                f"{self.stood:,} quotes tell one side only, as MetaTrader writes them: the other stood as it was before."
            )
        if self.neither:
            made.append(f"{self.neither:,} rows tell no quote, such as trades alone, and were left out.")
        if lacking := self.lacking - self.neither:
            made.append(f"{lacking:,} quotes lack a side, and were left out.")
        return made


def _mark(rows: Rows, rule: str, mask: Array, cells: Array, message: str) -> None:
    """Note rows that broke a rule; ``message`` may use ``{cell}``."""

    def tell(row: int) -> tuple[str, str]:
        cell = f"{cells[row]:.10g}"
        return cell, message.format(cell=cell)

    rows.mark(rule, mask, tell)

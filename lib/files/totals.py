"""What the windows of a large file add up to: one report, one timeframe."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from lib import timeframes
from lib.candles import Finding, Report
from lib.errors import CandlesRefused, FileRefused
from lib.files.model import Choices
from lib.files.reading import remedy
from lib.timeframes import Timeframe

__all__ = ["Steps", "Total"]

Array = np.ndarray[Any, Any]
_LISTED = 200
_MOST_STEPS = 10**5


class Steps:
    """The steps between the candles of a file, counted part by part."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._last: int | None = None

    def add(self, times: Array) -> None:
        """Times that ascend, and begin where the last ones ended, in µs."""
        if not len(times):
            return
        steps = np.diff(times) if self._last is None else np.diff(times, prepend=self._last)
        self._last = int(times[-1])
        if len(steps) and (smallest := int(steps.min())) == int(
            steps.max()
        ):  # the usual case, without a sort
            self._count(smallest, len(steps))
            return
        for value, count in zip(
            *(each.tolist() for each in np.unique(steps, return_counts=True)), strict=True
        ):
            self._count(value, count)

    def _count(self, step: int, count: int) -> None:
        if step > 0 and (step in self._counts or len(self._counts) < _MOST_STEPS):
            self._counts[step] = self._counts.get(step, 0) + count

    def frame(self) -> Timeframe | None:
        """The timeframe, as of times that keep the steps in the same shares."""
        if not self._counts:
            return None
        share = max(1, sum(self._counts.values()) // 10**5)
        return timeframes.of_steps(
            np.concatenate([np.repeat(step, max(1, count // share)) for step, count in self._counts.items()])
        )


class Total:
    """The report of all windows together."""

    def __init__(self, choices: Choices) -> None:
        self.choices = choices
        self.rows_out = self.rows_in = self.duplicates = 0
        self.counts: dict[str, int] = {}
        self.findings: list[Finding] = []
        self.first: pd.Timestamp | None = None
        self.last: pd.Timestamp | None = None

    def add(self, report: Report, ahead: int) -> None:
        """One more window, whose first ``ahead`` rows are of the window before."""
        self.rows_in += report.rows_in - ahead
        self.rows_out += report.rows_out - ahead
        self.duplicates += report.duplicates
        for rule, count in report.counts.items():
            self.counts[rule] = self.counts.get(rule, 0) + count
        self.findings += report.findings[: max(0, _LISTED - len(self.findings))]

    def edge(self, table: pd.DataFrame) -> None:
        """The first and the last time, of a window's candles."""
        self.first = table.index[0] if self.first is None else self.first
        self.last = table.index[-1]

    def report(
        self,
        name: str,
        found: dict[str, int],
        findings: list[Finding],
        lost: int,
        *,
        in_order: bool,
        ticks: bool,
    ) -> Report:
        """With what reading found: ``found`` counts it, ``lost`` is how many rows went with it. Raises
        ``CandlesRefused``, and ``FileRefused`` where no candle is left."""
        settled = {"conflict"} if self.choices.conflicts in ("first", "last") else set()
        counts = {**found}
        for rule, count in self.counts.items():
            counts[rule] = counts.get(rule, 0) + count
        listed = sorted([*findings, *self.findings], key=lambda each: each.line or 0)
        rows_in = (self.rows_out if ticks else self.rows_in) + lost
        made = Report(
            rows_in, self.rows_out, self.duplicates, in_order, self.first, self.last, counts, tuple(listed)
        )
        if self.choices.bad_rows != "drop" and counts.keys() - settled:
            raise CandlesRefused(
                f"{name}: {made.sentence()}", report=made, file=name, line=listed[0].line, remedy=remedy(made),
            )  # fmt: skip
        if not self.rows_out:
            raise FileRefused(f"{name} holds no candles. {made.sentence()}", file=name)
        return made

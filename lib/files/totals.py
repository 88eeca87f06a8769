"""What the windows of a large file add up to: one report, one timeframe."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lib import timeframes
from lib.candles import Finding, Report
from lib.errors import CandlesRefused, FileRefused
from lib.files.model import Choices
from lib.files.reading import remedy
from lib.timeframes import Timeframe

__all__ = ["Total", "frame_of"]

_LISTED = 200


def frame_of(steps: dict[int, int]) -> Timeframe | None:
    """The timeframe of steps between candles and how often each is there: as of times that keep them in
    the same shares."""
    if not steps:
        return None
    share = max(1, sum(steps.values()) // 10**5)
    made = [np.repeat(step, max(1, count // share)) for step, count in steps.items()]
    times = np.concatenate([[0], np.cumsum(np.concatenate(made) // 10**6)])
    return timeframes.infer(pd.DatetimeIndex(times.astype("datetime64[s]")))


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

"""What checking candles found: single findings, the report of them all."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

__all__ = ["LISTED", "Conformed", "Finding", "Report"]

# A report lists this many findings of one rule in full and counts the rest.
LISTED = 200


@dataclass(frozen=True, slots=True)
class Finding:
    """One row that broke one rule. ``row`` is its position in what was given, from 0; ``line`` its
    line in the file, where the caller knew it; ``time`` is None where the time itself is the fault."""

    rule: str
    row: int
    line: int | None
    time: pd.Timestamp | None
    value: str
    message: str

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return f"line {self.line}" if self.line is not None else f"row {self.row + 1}"


@dataclass(frozen=True, slots=True)
class Report:
    """What :func:`conform` saw. ``counts`` has every rule that was broken and how often; ``findings``
    lists the first of each. ``duplicates`` are rows the same as another in every column, merged."""

    rows_in: int
    rows_out: int
    duplicates: int
    sorted_on_entry: bool
    first: pd.Timestamp | None
    last: pd.Timestamp | None
    counts: dict[str, int] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def refused(self) -> int:
        """How many rows broke a rule (a row that broke two counts once)."""
        return self.rows_in - self.rows_out - self.duplicates

    @property
    def ok(self) -> bool:
        return not self.counts

    def sentence(self) -> str:
        """The first fault, and how many more there are."""
        if self.ok:
            return f"{self.rows_out:,} candles, all in order."
        first = self.findings[0]
        more = sum(self.counts.values()) - 1
        also = f" {more:,} more like it or of other kinds." if more else ""
        return f"{first.place[0].upper()}{first.place[1:]}: {first.message}{also}"


@dataclass(frozen=True, slots=True)
class Conformed:
    """A candle table and the report of how it came to be one."""

    table: pd.DataFrame
    report: Report

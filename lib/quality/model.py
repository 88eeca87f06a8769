"""What a report on the quality of a series says."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lib.calendars import Calendar
from lib.gaps import Coverage, Gaps
from lib.timeframes import Timeframe, from_us
from lib.wording import count

__all__ = [
    "SEVERITIES",
    "Array",
    "Badge",
    "Bars",
    "Finding",
    "Refetches",
    "Report",
    "badge",
    "listed",
    "runs",
    "share_text",
]

Array = np.ndarray[Any, Any]

SEVERITIES = ("note", "warning", "fault")
# So many of one kind are told one by one; the rest is one sentence.
_LISTED = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """Something odd. ``kind`` is one word or two; ``severity`` is ``note`` (may well be so), ``warning``
    (look at it) or ``fault`` (cannot be so); ``start`` is the first open concerned and ``end`` the end of the
    last bar (UTC), so that a chart can show them; ``count`` counts bars; ``text`` is a sentence."""

    kind: str
    severity: str
    start: pd.Timestamp
    end: pd.Timestamp
    count: int
    text: str


@dataclass(frozen=True, slots=True)
class Refetches:
    """What a series' ledger counts, which no table shows: rows that came twice the same, bars that a later
    fetch changed, and rows refused."""

    duplicates: int = 0
    conflicts: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """Findings, the gravest first, and within a severity the earliest; what the calendar says is missing;
    how many candles were looked at, and how many filled ones were left out."""

    candles: int
    filled: int
    coverage: Coverage
    gaps: Gaps
    findings: tuple[Finding, ...]

    def of(self, kind: str) -> tuple[Finding, ...]:
        """The findings of one kind."""
        return tuple(found for found in self.findings if found.kind == kind)


@dataclass(frozen=True, slots=True)
class Badge:
    """A few words beside a chart, and ``level``: ``good``, ``fair`` or ``poor``."""

    text: str
    level: str


def badge(report: Report) -> Badge:
    """``99.8% · 3 findings``. Good: at least 99.5% there and nothing worse than notes; poor: under 95%, or a
    fault; fair: between."""
    share = report.coverage.share
    worst = max((SEVERITIES.index(found.severity) for found in report.findings), default=0)
    told = count(len(report.findings), "finding") if report.findings else "no findings"
    if share is None:
        return Badge(f"nothing expected · {told}", "fair" if worst < 2 else "poor")
    level = "good" if share >= 0.995 and worst == 0 else "poor" if share < 0.95 or worst == 2 else "fair"
    return Badge(f"{share_text(share)} · {told}", level)


def share_text(share: float) -> str:
    """0.9987 as 99.8%: cut, not rounded, so that 100% is said only where nothing at all is missing."""
    return "100%" if share >= 1 else f"{math.floor(share * 1000) / 10:.1f}%"


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """A series as the checks see it: opens (int64 µs) and float64 prices and volumes, all above zero.

    ``returns[i]`` is the log return from close ``i`` to close ``i + 1``, ``scale[i]`` how large a usual one
    is there: 1.4826 × the median absolute return of its surroundings, a standard deviation's worth.
    """

    times: Array
    open: Array
    high: Array
    low: Array
    close: Array
    volume: Array
    timeframe: Timeframe
    calendar: Calendar
    returns: Array
    scale: Array

    def finding(self, kind: str, severity: str, first: int, last: int, count: int, text: str) -> Finding:
        """A finding on the bars ``first`` to ``last``."""
        return Finding(kind, severity, from_us(int(self.times[first])), self.end_of(last), count, text)

    def end_of(self, at: int) -> pd.Timestamp:
        return self.timeframe.after(from_us(int(self.times[at])))

    def when(self, at: int) -> str:
        """The bar's open, for people."""
        time = from_us(int(self.times[at]))
        return f"{time:%Y-%m-%d}" if self.timeframe.seconds >= 86400 else f"{time:%Y-%m-%d %H:%M} UTC"


def listed(
    bars: Bars,
    kind: str,
    severity: str,
    spans: list[tuple[int, int]],
    weights: Array,
    word: Callable[[int, int], str],
    more: str,
    most: int = _LISTED,
) -> list[Finding]:
    """The spans (first bar, last bar) as findings: the heaviest ``most`` one by one, the rest in one. ``word``
    makes the sentence of a span; ``more`` the one for the rest, with ``{n}`` for their number and ``{places}`` for
    it with that word."""
    order = np.argsort(-weights, kind="stable")
    told = sorted(int(at) for at in order[:most])
    found = []
    for at in told:
        first, last = spans[at]
        found.append(bars.finding(kind, severity, first, last, last - first + 1, word(first, last)))
    rest = sorted(int(at) for at in order[most:])
    if rest:
        bad = sum(spans[at][1] - spans[at][0] + 1 for at in rest)
        text = more.format(n=f"{len(rest):,}", places=count(len(rest), "place"))
        found.append(bars.finding(kind, severity, spans[rest[0]][0], spans[rest[-1]][1], bad, text))
    return found


def runs(mask: Array, least: int) -> list[tuple[int, int]]:
    """(first, last) of the runs of True that are at least ``least`` long. O(n)."""
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0))
    first, last = edges[::2], edges[1::2] - 1
    long = last - first + 1 >= least
    return list(zip(first[long].tolist(), last[long].tolist(), strict=True))

"""The quality report of a stored series."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd

from lib.calendars import Calendar, Phase
from lib.candles import micros
from lib.errors import UnknownName
from lib.quality import Badge, Refetches, Report, badge, report
from lib.series import Series
from lib.sync.holes import calendar_of, ignored_in, nothing_in, typical

if TYPE_CHECKING:
    from lib.store import Store

__all__ = ["Checked", "check", "other_side", "report_on"]

# How the symbols end under which the two sides of a market are kept.
_SIDES = {".bid": ".ask", ".ask": ".bid"}


@dataclass(frozen=True, slots=True, eq=False)
class Checked:
    """A report, by which calendar and why that one, and the badge that sums it up."""

    series: Series
    calendar: Calendar
    reason: str
    report: Report
    badge: Badge


def check(
    store: Store,
    series: Series,
    start: pd.Timestamp | None = None,
    end: pd.Timestamp | None = None,
    *,
    name: str = "",
) -> Checked:
    """Look a stored series over, by default all of it. ``name`` is the calendar's, else the one kept with the series,
    else what fits it best. What re-fetches revised and refused is counted from the ledger.

    Reads the whole range at once: about a second for a million candles. Raises ``UnknownName``, ``InputError``.
    """
    table = store.read(series, start=start, end=end, provenance=bool(store.info(series).filled))
    if not len(table):
        raise nothing_in(store, series)
    ranged = start is not None or end is not None
    opens = typical(store, series, micros(table)) if ranged else micros(table)
    made, reason = calendar_of(store, series, opens, name=name)
    found = report_on(store, series, table, made, start=start, end=end)
    return Checked(series, made, reason, found, badge(found))


def report_on(
    store: Store, series: Series, table: pd.DataFrame, calendar: Calendar, *,
    start: pd.Timestamp | None = None, end: pd.Timestamp | None = None, phase: Phase | None = None,
) -> Report:  # fmt: skip
    """The report on candles of a series that were read already, with the counts of its ledger; gaps that a reader
    ignores are listed in it, and not expected. A bid is set beside its ask, where that is stored: see ``other_side``."""
    ledger = store.ledger(series)
    told = Refetches(
        conflicts=sum(entry.revised for entry in ledger), refused=sum(entry.refused for entry in ledger)
    )
    beside = _beside(store, series, table)
    side = series.symbol[-4:].lower()
    made = report(
        table, series.timeframe, calendar, start=start, end=end, refetches=told, phase=phase,
        ask=beside if side == ".bid" else None, bid=beside if side == ".ask" else None,
    )  # fmt: skip
    left = ignored_in(store, series, made.gaps)
    seen = made.coverage
    return replace(made, coverage=replace(seen, expected=seen.expected - left, ignored=left))


def other_side(series: Series) -> Series | None:
    """The series that would hold the other side of the market: ``EUR_USD.ask`` for ``EUR_USD.bid``, and the other way
    round. None for a series of no side."""
    stem, end = series.symbol[:-4], series.symbol[-4:]
    other = _SIDES.get(end.lower())
    return Series(series.source, stem + other, series.timeframe) if stem and other else None


def _beside(store: Store, series: Series, table: pd.DataFrame) -> pd.DataFrame | None:
    """The observed candles of the other side, over the same time."""
    other = other_side(series)
    if other is None or not len(table):
        return None
    try:
        filled = bool(store.info(other).filled)
    except UnknownName:
        return None
    end = series.timeframe.after(table.index[-1])
    found = store.read(other, start=table.index[0], end=end, provenance=filled)
    return found[~found["filled"].to_numpy(bool)] if filled else found

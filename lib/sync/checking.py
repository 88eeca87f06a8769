"""The quality report of a stored series."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd

from lib.calendars import Calendar, Phase
from lib.candles import micros
from lib.quality import Badge, Refetches, Report, badge, report
from lib.series import Series
from lib.sync.holes import calendar_of, ignored_in, nothing_in

if TYPE_CHECKING:
    from lib.store import Store

__all__ = ["Checked", "check", "report_on"]


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
    made, reason = calendar_of(store, series, micros(table), name=name)
    found = report_on(store, series, table, made, start=start, end=end)
    return Checked(series, made, reason, found, badge(found))


def report_on(
    store: Store, series: Series, table: pd.DataFrame, calendar: Calendar, *,
    start: pd.Timestamp | None = None, end: pd.Timestamp | None = None, phase: Phase | None = None,
) -> Report:  # fmt: skip
    """The report on candles of a series that were read already, with the counts of its ledger; gaps that a reader
    ignores are listed in it, and not expected."""
    ledger = store.ledger(series)
    told = Refetches(
        conflicts=sum(entry.revised for entry in ledger), refused=sum(entry.refused for entry in ledger)
    )
    made = report(table, series.timeframe, calendar, start=start, end=end, refetches=told, phase=phase)
    left = ignored_in(store, series, made.gaps)
    seen = made.coverage
    return replace(made, coverage=replace(seen, expected=seen.expected - left, ignored=left))

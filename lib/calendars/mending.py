"""exchange_calendars 4.13 under pandas 3.1, which asks offsets other questions than pandas before it.

That library has offsets of its own, and they answer the old questions only. So the calendars with Orthodox Easter (ASEX,
XBEL, XBSE, XCYS) could not be built, nor could Tel Aviv's (XTAE), whose week changed and which took Easter for every
Jewish feast; and those that sometimes have, or once had, a session on a weekend (XBOM, XKRX, XMOS) lost these without
a word. Here the offsets answer the new questions, too. Under other pandas this changes nothing.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
from pandas.tseries.offsets import BaseOffset

from lib.calendars.runs import Array

__all__ = ["mend"]


def mend() -> None:
    """Give the library's offsets what pandas 3.1 asks for. Loads exchange_calendars; cheap the second time."""
    from exchange_calendars import tase_holidays
    from exchange_calendars.pandas_extensions import offsets

    if not hasattr(BaseOffset, "_add_datetime"):
        return
    for feast in (offsets.OrthodoxEaster, tase_holidays._HolidayOffset):
        feast._add_datetime = _applied
        feast._add_datetime_ndarray = _one_by_one
    week = offsets.CompositeCustomBusinessDay
    week._add_datetime = _moved
    week._get_daily_offset_mask = _are_sessions


def _applied(offset: Any, day: dt.datetime) -> dt.datetime:
    moved: dt.datetime = offset._apply(day)
    return moved


def _one_by_one(offset: Any, days: Array) -> Array:
    """What pandas takes as: ask for each day."""
    raise NotImplementedError


def _moved(offset: Any, day: dt.datetime) -> dt.datetime:
    """So many sessions on from a day, or back."""
    step = dt.timedelta(days=1 if offset.n > 0 else -1)
    left = abs(offset.n)
    while left:
        day += step
        left -= bool(offset.is_on_offset(day))
    return day


def _are_sessions(offset: Any, days: Array) -> Array:
    """Which of the days (datetime64) are sessions, each by the week of its time."""
    dates = days.astype("datetime64[D]")
    found: Array = np.is_busday(dates, busdaycal=offset.calendar)
    for start, end, week in offset.business_days:
        inside = np.ones(len(dates), bool)
        if start is not None:
            inside &= dates >= np.datetime64(start, "D")
        if end is not None:
            inside &= dates <= np.datetime64(end, "D")
        found[inside] = np.is_busday(dates[inside], busdaycal=week.calendar)
    return found

"""Markets that keep the same week all year: crypto's, currencies', metals', and one learnt from data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from lib.calendars.runs import Array
from lib.calendars.sessions import DAY, HOUR, Calendar, Sessions, local_to_utc, utc_to_local

__all__ = ["ALWAYS", "BREAKS", "FOREX", "WEEKDAYS", "Week", "easter", "local_slots", "quiet_share"]

_WEEK = 7 * DAY
# 1970-01-05 was a Monday.
_MONDAY = 4 * DAY


@dataclass(frozen=True, eq=False)
class Week(Calendar):
    """The same spans every week on the wall clock of ``zone``: ``spans`` are (open, close, date), each in µs
    from Monday 00:00; the date of a span is the trading date it counts for.

    ``quiet``: days on which the market is as good as closed, though no rule says so. Their bars are expected,
    for some vendors have them, and what is missing then is a holiday's.
    """

    name: str
    title: str
    zone: str
    spans: tuple[tuple[int, int, int], ...]
    quiet: bool = False

    def sessions(self, start: int, end: int) -> Sessions:
        """The spans that reach into ``[start, end)``, µs. O(weeks)."""
        first = (start - _MONDAY) // _WEEK - 1
        weeks = np.arange(first, (end - _MONDAY) // _WEEK + 2, dtype=np.int64) * _WEEK + _MONDAY
        opens, closes, dates = ((weeks[:, None] + self._parts[:, part]).ravel() for part in range(3))
        opens, closes = local_to_utc(opens, self.zone), local_to_utc(closes, self.zone)
        return Sessions(opens, closes, dates).within(start, end)

    @cached_property
    def _parts(self) -> Array:
        return np.array(self.spans, np.int64)

    def quiet_days(self, start: int, end: int) -> Array:
        """Christmas, New Year and Good Friday in ``[start, end)``, where the market has quiet days. O(years)."""
        if not self.quiet:
            return np.empty(0, np.int64)
        years = range(pd.Timestamp(start, unit="us").year, pd.Timestamp(end, unit="us").year + 1)
        days = [
            [
                np.datetime64(f"{year}-01-01"),
                easter(year) - np.timedelta64(2, "D"),
                np.datetime64(f"{year}-12-25"),
            ]
            for year in years
        ]
        found = np.array(days, "datetime64[us]").astype(np.int64).ravel()
        return found[(found >= start) & (found < end)]


def quiet_share(days: Array, starts: Array, ends: Array, trade: Array | int) -> Array:
    """How much of spans (µs) with so much ``trade`` (µs) in them lies around the nearest of ``days``: from noon of the
    day before until noon of the day after. 0 where there is no trade."""
    if not len(days):
        return np.zeros(len(starts))
    at = np.searchsorted(days, (starts + ends) // 2)
    share = np.zeros(len(starts))
    for near in (np.maximum(at - 1, 0), np.minimum(at, len(days) - 1)):
        overlap = np.minimum(ends, days[near] + 36 * HOUR) - np.maximum(starts, days[near] - 12 * HOUR)
        share = np.maximum(share, overlap / np.maximum(trade, 1))
    return np.where(np.asarray(trade) > 0, share, 0.0)


def easter(year: int) -> np.datetime64:
    """Easter Sunday of the Gregorian calendar (Meeus, Jones and Butcher's rule)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e, g = b // 4, b % 4, (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = c // 4, c % 4
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return np.datetime64(f"{year:04d}-{month:02d}-{day + 1:02d}", "D")


def _daily(first: int, last: int, shift: int = 0) -> tuple[tuple[int, int, int], ...]:
    """Whole days of the week, Monday 0, each moved by ``shift``."""
    return tuple((day * DAY + shift, (day + 1) * DAY + shift, day * DAY) for day in range(first, last))


ALWAYS = Week("24/7", "Always open", "UTC", _daily(0, 7))
WEEKDAYS = Week("24/5", "Monday 00:00 to Saturday 00:00 UTC", "UTC", _daily(0, 5))
FOREX = Week(
    "forex",
    "Currencies: Sunday 17:00 to Friday 17:00 New York",
    "America/New_York",
    _daily(0, 5, -7 * HOUR),
    quiet=True,
)
BREAKS = Week(
    "23/5",
    "Metals and futures: Sunday 18:00 to Friday 17:00 New York, with an hour's break from 17:00 each day",
    "America/New_York",
    tuple((day * DAY - 6 * HOUR, day * DAY + 17 * HOUR, day * DAY) for day in range(5)),
    quiet=True,
)


def local_slots(times: Array, zone: str, slot: int) -> Array:
    """Which slot (of ``slot`` µs) of the week, from Monday 00:00 on the wall clock, each time falls into."""
    slots: Array = (utc_to_local(times, zone) - _MONDAY) % _WEEK // slot
    return slots

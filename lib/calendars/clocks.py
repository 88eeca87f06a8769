"""The clocks that candles are written in, besides UTC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lib.calendars.runs import Array, distinct
from lib.calendars.sessions import DAY, HOUR, Calendar, find_phase, local_to_utc, runs_of
from lib.timeframes import Timeframe

__all__ = ["WEEK", "Weeks", "by_weeks", "quarters", "readings"]

WEEK = 7 * DAY

# Wall clocks that candles are written in, besides the market's own.
_CLOCKS = (
    "America/New_York",
    "America/Chicago",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Athens",
    "Asia/Tokyo",
)
# How far a clock may be ahead of UTC.
_HOURS = (*range(-12, 0), *range(1, 15))


def readings(times: Array, zone: str) -> Iterator[tuple[Array, str]]:
    """Times (int64 µs, ascending) in UTC if they were another clock's, and that clock in words: first those of
    ``zone`` and of the zones most vendors write in, then a broker's, then UTC moved by whole hours. O(n) each."""
    for each in dict.fromkeys((zone, *_CLOCKS)):
        if each != "UTC":
            name = each.split("/")[-1].replace("_", " ")
            yield distinct(local_to_utc(times, each)), f"the clock of {name}"
    yield (
        distinct(local_to_utc(times - 7 * HOUR, "America/New_York")),
        "a clock seven hours ahead of New York's",
    )
    for hours in _HOURS:
        yield times - hours * HOUR, f"UTC{hours:+d}"


def quarters(times: Array, frame: Timeframe) -> tuple[Array, Timeframe]:
    """The quarters of an hour that hold candles of less, and their timeframe; longer ones as they are. O(n)."""
    if frame.seconds >= 900:
        return times, frame
    quarter = HOUR // 4
    return distinct(times // quarter * quarter), Timeframe(15, "m")


@dataclass(frozen=True, slots=True, eq=False)
class Weeks:
    """Weeks from Saturday noon UTC, the first from ``start`` (µs) on; int64 for each: ``size``, its candles; how many
    places hold a candle or expect one, not both, as times are (``now``) and when they are moved by the whole hours
    that explain them ``best``; and how many candles are ``outside`` the calendar's hours now."""

    start: int
    size: Array
    now: Array
    best: Array
    outside: Array


def by_weeks(times: Array, frame: Timeframe, calendar: Calendar) -> Weeks:
    """Candles against their calendar, week by week and for every whole hour that their clock may be off. ``frame``
    must divide an hour. O(weeks × candles of a week × 27): 60 ms for twenty years of quarters of an hour."""
    step, week = frame.micros, WEEK // frame.micros
    expected = runs_of(
        calendar, frame, int(times[0]), int(times[-1]) + 1, find_phase(times, frame, calendar)
    ).times()
    # cut on Saturdays at noon, so that a week whose clock is off stays together, and one is free on either side
    noon = 2 * DAY + DAY // 2
    start = (int(times[0]) - noon) // WEEK * WEEK + noon - WEEK
    weeks = (int(times[-1]) - start) // WEEK + 2
    wanted, there = np.zeros(weeks * week, bool), np.zeros(weeks * week, bool)
    wanted[(expected - start) // step] = True
    there[(times - start) // step] = True

    def counted(places: Array) -> Array:
        found: Array = places.reshape(weeks, week).sum(axis=1)
        return found

    best = now = counted(wanted ^ there)
    for hours in _HOURS:
        best = np.minimum(best, counted(wanted ^ np.roll(there, -hours * HOUR // step)))
    return Weeks(start, counted(there), now, best, counted(there & ~wanted))

"""Times in the wrong zone, told by when the market opens and closes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lib.calendars import Calendar
from lib.calendars.runs import Array, as_us, distinct
from lib.calendars.sessions import DAY, HOUR, agreement, find_phase, local_to_utc
from lib.gaps import Kept
from lib.quality.model import Bars, Finding
from lib.timeframes import Timeframe
from lib.wording import count

__all__ = ["misplaced", "outside"]

# Wall clocks that candles are written in, besides the market's own.
_CLOCKS = (
    "America/New_York",
    "America/Chicago",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Athens",
    "Asia/Tokyo",
)
_QUARTER = HOUR // 4
_YEARS = 3
# What agrees so well no other clock explains better: three hours of a year are off at most.
_SURE = 0.9995
# What more than this of disagrees may have had another clock for a part.
_DOUBTFUL = 0.005


def misplaced(bars: Bars) -> list[Finding]:
    """Whether the candles agree better with their calendar when their times are read as another clock's: of New
    York, Chicago, London, Berlin, Athens, Tokyo or the market's own, of a broker seven hours ahead of New York (whose
    days end when currencies' do), or of UTC moved by whole hours. Told where the
    calendar explains at least 90% then, and the part it does not explain shrinks to a third or less.
    Looks at the quarters of an hour of the last three years, and where no clock explains these, at each of their
    calendar years: a vendor may have changed its clock. A calendar that never closes tells nothing."""
    calendar = bars.calendar
    if calendar.name in ("24/7", "learnt") or bars.timeframe.seconds > 4 * 3600 or len(bars.times) < 50:
        return []
    times, frame = _coarse(bars)
    found = _other_clock(bars, times, frame)
    if not found and 1 - _agreement(times, frame, calendar) > _DOUBTFUL:
        years = np.flatnonzero(np.diff(times.view("datetime64[us]").astype("datetime64[Y]").astype(int))) + 1
        found = [each for part in np.split(times, years) for each in _other_clock(bars, part, frame)]
    return found


def _other_clock(bars: Bars, times: Array, frame: Timeframe) -> list[Finding]:
    """The finding on some times of the bars, where another clock explains them better by enough."""
    calendar = bars.calendar
    if int(times[-1]) - int(times[0]) < 2 * DAY or (now := _agreement(times, frame, calendar)) >= _SURE:
        return []
    best, reading = now, ""
    for moved, words in _readings(times, calendar):
        score = _agreement(moved, frame, calendar)
        # the first of equals stands: where one season tells no clock from a fixed shift, the clock is named
        if score > best + 1e-4:
            best, reading = score, f"read as {words}"
    if not reading or best < 0.9 or 1 - best > (1 - now) / 3:
        return []
    first, beyond = np.searchsorted(bars.times, [times[0], times[-1] + frame.micros]).tolist()
    text = (
        f"From {bars.when(first)} to {bars.when(beyond - 1)} the times look like another clock's: {reading}, {best:.1%} "
        f"of them agree with the calendar {calendar.name}; as they are, {now:.1%}."
    )
    return [bars.finding("time zone", "fault", first, beyond - 1, beyond - first, text)]


def _readings(times: Array, calendar: Calendar) -> Iterator[tuple[Array, str]]:
    """The times in UTC if they were another clock's, and that clock in words."""
    for zone in dict.fromkeys((calendar.zone, *_CLOCKS)):
        if zone != "UTC":
            name = zone.split("/")[-1].replace("_", " ")
            yield distinct(local_to_utc(times, zone)), f"the clock of {name}"
    yield (
        distinct(local_to_utc(times - 7 * HOUR, "America/New_York")),
        "a clock seven hours ahead of New York's",
    )
    for hours in (*range(-12, 0), *range(1, 15)):
        yield times - hours * HOUR, f"UTC{hours:+d}"


def _coarse(bars: Bars) -> tuple[Array, Timeframe]:
    times = bars.times[bars.times >= int(bars.times[-1]) - _YEARS * 366 * DAY]
    if bars.timeframe.seconds >= 900:
        return times, bars.timeframe
    return distinct(times // _QUARTER * _QUARTER), Timeframe(15, "m")


def _agreement(times: Array, frame: Timeframe, calendar: Calendar) -> float:
    return agreement(times, frame, calendar, find_phase(times, frame, calendar))


def outside(bars: Bars, kept: Kept) -> list[Finding]:
    """Candles when the calendar has the market closed: a warning from 1% of all on, a note below."""
    number = kept.outside.total
    if not number:
        return []
    every = kept.outside.times() if number <= 10**6 else kept.outside.firsts
    weekend = int(((every // DAY + 3) % 7 >= 5).sum())
    first = int(np.searchsorted(bars.times, as_us(int(kept.outside.firsts[0]))))
    last = int(np.searchsorted(bars.times, as_us(int(kept.outside.lasts[-1]))))
    last = min(last, len(bars.times) - 1)
    on = f", {weekend:,} of them on a Saturday or Sunday (UTC)" if weekend else ""
    text = f"The market is closed, by the calendar {bars.calendar.name}, at the times of {count(number, 'candle')}{on}."
    severity = "warning" if number >= 0.01 * len(bars.times) else "note"
    return [bars.finding("outside hours", severity, min(first, last), last, number, text)]

"""Times in the wrong zone, told by when the market opens and closes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lib.calendars import Calendar
from lib.calendars.clocks import WEEK, by_weeks, quarters, readings
from lib.calendars.runs import Array, as_us, distinct
from lib.calendars.sessions import DAY, HOUR, agreement, find_phase, utc_to_local
from lib.gaps import Kept
from lib.quality.model import Bars, Finding, runs
from lib.timeframes import Timeframe
from lib.wording import count

__all__ = ["misplaced", "outside"]

_YEARS = 3
# Of a stretch so many slots, the newest, are looked at; so many clocks are told.
_SAMPLE = 100_000
_MOST = 5
_PARTS = 40
# What agrees so well no other clock explains better: three hours of a year are off at most.
_SURE = 0.9995
# What more than this of disagrees may have had yet another clock for a part.
_DOUBTFUL = 0.01


def misplaced(bars: Bars) -> list[Finding]:
    """Whether the candles agree better with their calendar when their times are read as another clock's: of New
    York, Chicago, London, Berlin, Athens, Tokyo or the market's own, of a broker seven hours ahead of New York (whose
    days end when currencies' do), or of UTC moved by whole hours. Told where the calendar explains at least 90% then,
    and the part it does not explain shrinks to a third or less. Looks at the quarters of an hour of the last three
    years, and where no clock explains these well, or there are more, at the weeks of all years: a vendor may have had
    another clock for some, or other summers. A calendar that never closes tells nothing. O(n): some 0.1 s for a
    million candles."""
    calendar = bars.calendar
    if calendar.name in ("24/7", "learnt") or bars.timeframe.seconds > 4 * 3600 or len(bars.times) < 50:
        return []
    times, frame = quarters(bars.times, bars.timeframe)
    recent = times[times >= int(times[-1]) - _YEARS * 366 * DAY]
    whole = _explained(recent, frame, calendar)
    is_all = len(recent) == len(times)
    if whole is not None and is_all and whole.best >= 1 - _DOUBTFUL:
        return [_told(bars, [recent], frame, whole)]
    parts = [each for each in _odd_parts(times, frame, calendar) if len(each)]
    if len(parts) > _PARTS:  # each costs some milliseconds, and dirty data may have a thousand
        least = sorted(map(len, parts))[-_PARTS]
        parts = [each for each in parts if len(each) >= least][:_PARTS]
    found: dict[str, list[tuple[Array, _Reading]]] = {}
    for part in parts:
        reading = _explained(part[-_SAMPLE:], frame, calendar)
        if reading is not None:
            found.setdefault(reading.words, []).append((part, reading))
    season = _season(parts, times) if found else ""
    if whole is not None and (not found or (is_all and not season)):
        return [_told(bars, [recent], frame, whole)]
    return [
        _told(bars, [part for part, _ in some], frame, min((each for _, each in some), key=lambda each: each.best), season)
        for some in list(found.values())[:_MOST]
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Reading:
    """Which clock explains times, and how well; ``now`` is how well they are explained as they are."""

    words: str
    best: float
    now: float


def _explained(times: Array, frame: Timeframe, calendar: Calendar) -> _Reading | None:
    """The other clock that explains the times better by enough."""
    if int(times[-1]) - int(times[0]) < 2 * DAY or (now := _agreement(times, frame, calendar)) >= _SURE:
        return None
    best, reading = now, ""
    for moved, words in readings(times, calendar.zone):
        score = _agreement(moved, frame, calendar)
        # the first of equals stands: where one season tells no clock from a fixed shift, the clock is named
        if score > best + 1e-4:
            best, reading = score, words
    if not reading or best < 0.9 or 1 - best > (1 - now) / 3:
        return None
    return _Reading(reading, best, now)


def _told(
    bars: Bars, parts: Sequence[Array], frame: Timeframe, reading: _Reading, season: str = ""
) -> Finding:
    spans = [np.searchsorted(bars.times, [part[0], part[-1] + frame.micros]).tolist() for part in parts]
    first, last = spans[0][0], spans[-1][1] - 1
    stretches = f", in {len(spans)} stretches," if len(spans) > 1 else ""
    text = (
        f"From {bars.when(first)} to {bars.when(last)}{stretches} the times look like another clock's: read as "
        f"{reading.words}, {reading.best:.1%} of them agree with the calendar {bars.calendar.name}; as they are, "
        f"{reading.now:.1%}.{season}"
    )
    return bars.finding("time zone", "fault", first, last, sum(end - begin for begin, end in spans), text)


def _odd_parts(times: Array, frame: Timeframe, calendar: Calendar) -> list[Array]:
    """The times of each stretch of weeks that agree with the calendar better by whole hours earlier or later. A week
    is odd where candles lie outside, and a move leaves a third or less of what disagrees; a stretch counts from two
    weeks or six such slots on. Where hours are no whole number of candles, the calendar years."""
    if HOUR % frame.micros:
        years = np.flatnonzero(np.diff(times.view("datetime64[us]").astype("datetime64[Y]").astype(int))) + 1
        return np.split(times, years)
    weeks = by_weeks(times, frame, calendar)
    odd = (weeks.outside > 0) & (3 * weeks.best <= weeks.now) & (10 * weeks.best <= weeks.size)
    known = np.flatnonzero(weeks.size > 0)
    found = []
    for first, last in runs(odd[known], 1):
        some = known[first : last + 1]
        if (weeks.now[some] - weeks.best[some]).sum() >= (4 if len(some) > 1 else 6):
            edges = weeks.start + WEEK * np.array([some[0], some[-1] + 1])
            low, high = np.searchsorted(times, edges)
            found.append(times[low:high])
    return found


def _season(parts: Sequence[Array], times: Array) -> str:
    """What the stretches have in common, as a sentence with a space before it: summers, or the weeks in which summer
    time is kept on one side of the Atlantic only. Nothing for a single one."""
    if len(parts) < 2:
        return ""
    days = distinct(times // DAY) * DAY + DAY // 2
    odd = np.isin(days // DAY, distinct(np.concatenate(parts) // DAY))
    us, eu = (
        utc_to_local(days, zone) - days != winter * HOUR
        for zone, winter in (("America/New_York", -5), ("Europe/London", 0))
    )
    for season, least, words in (
        (us, 0.9, " These are New York's summers: summer time was left out, or counted twice."),
        (eu, 0.9, " These are Europe's summers: summer time was left out, or counted twice."),
        (
            us ^ eu,
            0.7,
            " Then New York and Europe are not both on summer time: the dates of the other were used.",
        ),
    ):
        if (odd & season).sum() >= least * (odd | season).sum():
            return words
    return ""


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

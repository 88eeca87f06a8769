"""When a market is open, and which bars that makes.

Every calendar answers one question, :meth:`Calendar.sessions`: the spans of trade between two times. The
bars are worked out here, for all calendars alike, once it is known where a vendor lets them open: the
:class:`Phase`.

- ``clock``: on the multiples of the timeframe from a wall clock's midnight, moved by ``offset``; a bar is
  expected where any trade falls into it. An hour from 09:00 is expected of an exchange that opens at 09:30.
- ``session``: from the session's open on, and again after a lunch break: 09:30, 10:30, 11:30.
- ``date``: daily and longer bars, stamped with midnight UTC of the trading date, moved by ``offset``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lib.calendars.runs import Array, Runs, as_us, distinct, stamps
from lib.timeframes import Timeframe

__all__ = [
    "DAY",
    "HOUR",
    "Calendar",
    "Phase",
    "Sessions",
    "agreement",
    "find_phase",
    "label",
    "local_to_utc",
    "runs_of",
    "utc_to_local",
]

HOUR = 3600 * 10**6
DAY = 24 * HOUR
# Bars looked at to tell the phase: enough to see both halves of a year of hours.
_SAMPLE = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class Sessions:
    """Spans of trade: ``opens`` and ``closes`` (int64 µs, ascending, not overlapping) and ``dates`` (int64
    µs of midnight UTC of the trading date). A session with a lunch break is two spans of one date."""

    opens: Array
    closes: Array
    dates: Array

    @classmethod
    def none(cls) -> Sessions:
        """Always closed."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64))

    def within(self, start: int, end: int) -> Sessions:
        """The spans that reach into ``[start, end)``, whole."""
        part = slice(
            int(np.searchsorted(self.closes, start, side="right")), int(np.searchsorted(self.opens, end))
        )
        return Sessions(self.opens[part], self.closes[part], self.dates[part])


@dataclass(frozen=True, slots=True)
class Phase:
    """Where bars open; see the module. ``zone`` and ``offset`` (µs) speak of ``clock``; ``offset`` of
    ``date`` too."""

    kind: str = "clock"
    zone: str = "UTC"
    offset: int = 0


class Calendar(ABC):
    """When a market is open. ``name`` is what :func:`lib.calendars.calendar` is asked for, ``title`` is for people;
    ``zone`` the wall clock the market follows, such as ``America/New_York``; ``known``: from and until when (µs) the
    calendar is recorded, None without end; ``halts``: whether trade can be halted inside a session, as at an
    exchange."""

    name: str
    title: str
    zone: str
    known: tuple[int | None, int | None] = (None, None)
    halts = False

    @abstractmethod
    def sessions(self, start: int, end: int) -> Sessions:
        """The spans that reach into ``[start, end)``, µs."""

    def quiet_days(self, start: int, end: int) -> Array:
        """Midnights UTC (int64 µs, ascending) of days in ``[start, end)``, µs, on which bars are expected, for some
        vendors have them, though the market is as good as closed. None but where a calendar says so."""
        return np.empty(0, np.int64)

    def expected(
        self,
        timeframe: Timeframe,
        start: pd.Timestamp | int,
        end: pd.Timestamp | int,
        phase: Phase | None = None,
    ) -> Array:
        """Opens expected in ``[start, end)``: int64 µs, ascending. O(answer)."""
        return runs_of(self, timeframe, start, end, phase).times()


# -------------------------------------------------------------------------------------- wall clocks


def local_to_utc(local: Array, zone: str) -> Array:
    """UTC (int64 µs) of wall times; an hour that the clocks skip moves forward, one that comes twice is
    the second. O(n)."""
    if zone == "UTC" or not len(local):
        return local
    naive = pd.DatetimeIndex(local.view("datetime64[us]"))
    aware = naive.tz_localize(zone, nonexistent="shift_forward", ambiguous=np.zeros(len(local), bool))
    return stamps(aware.tz_convert("UTC"))


def utc_to_local(times: Array, zone: str) -> Array:
    """Wall times (int64 µs, as if UTC) of UTC. O(n)."""
    if zone == "UTC" or not len(times):
        return times
    aware = pd.DatetimeIndex(times.view("datetime64[us]")).tz_localize("UTC").tz_convert(zone)
    return stamps(aware.tz_localize(None))


def _changes(zone: str, start: int, end: int) -> Array:
    """When (µs, to the hour) the zone's clocks change in ``[start, end)``."""
    days = np.arange(start // DAY * DAY, end + DAY, DAY)
    moved = np.flatnonzero(np.diff(utc_to_local(days, zone) - days))
    hours = (days[moved][:, None] + np.arange(25) * HOUR).ravel()
    apart = utc_to_local(hours, zone) - hours
    at = np.flatnonzero(np.diff(apart.reshape(-1, 25), axis=1).ravel())
    found: Array = hours.reshape(-1, 25)[:, 1:].ravel()[at]
    return found


# ------------------------------------------------------------------------------------------- the bars


def runs_of(
    calendar: Calendar,
    timeframe: Timeframe,
    start: pd.Timestamp | int,
    end: pd.Timestamp | int,
    phase: Phase | None = None,
) -> Runs:
    """The bars the calendar expects to open in ``[start, end)``. O(sessions), a few milliseconds for 20
    years. Without ``phase``: ``date`` for a day and longer, ``clock`` on UTC for shorter ones."""
    first, last = as_us(start), as_us(end)
    daily = timeframe.seconds >= 86400
    phase = phase or Phase("date" if daily else "clock")
    reach = 40 * DAY * timeframe.count if timeframe.is_calendar else timeframe.micros + 2 * DAY
    spans = calendar.sessions(first - reach, last + reach)
    if last <= first or not len(spans.opens):
        return Runs.of(np.empty(0, np.int64), np.empty(0, np.int64), timeframe.micros)
    if daily and (phase.kind == "date" or timeframe.seconds > 86400):
        opens = _buckets(spans, timeframe, phase)
        opens = opens[(opens >= first) & (opens < last)]
        # a step no two of them share, so that each is a run of its own
        return Runs.from_times(opens, timeframe.micros if not timeframe.is_calendar else 1)
    if phase.kind == "session":
        runs = _from_open(spans, timeframe)
    else:
        runs = _on_clock(spans, timeframe.micros, phase)
    return runs.within(first, last)


def _buckets(spans: Sessions, timeframe: Timeframe, phase: Phase) -> Array:
    opens: Array = distinct(timeframe.floor_us(spans.dates))
    return opens + phase.offset


def _from_open(spans: Sessions, timeframe: Timeframe) -> Runs:
    step = timeframe.micros
    if timeframe.seconds == 86400:
        first = np.flatnonzero(np.diff(spans.dates, prepend=-1))
        return Runs.of(spans.opens[first], np.ones(len(first), np.int64), step)
    return Runs.of(spans.opens, -((spans.opens - spans.closes) // step), step)


def _on_clock(spans: Sessions, step: int, phase: Phase) -> Runs:
    opens, closes = spans.opens, spans.closes
    shift = np.full(len(opens), phase.offset, np.int64)
    if phase.zone != "UTC":
        opens, closes = _cut(opens, closes, _changes(phase.zone, int(opens[0]), int(closes[-1])))
        shift = phase.offset - (utc_to_local(opens, phase.zone) - opens)
    first = opens - (opens - shift) % step
    last = closes - 1 - (closes - 1 - shift) % step
    # Two spans in one bar make one bar; where the clocks change inside, the bar is an hour shorter or longer.
    slack = HOUR if step > HOUR else 0
    again = first[1:] < last[:-1] + step - slack
    first[1:][again] += step
    return Runs.of(first, (last - first) // step + 1, step)


def _cut(opens: Array, closes: Array, at: Array) -> tuple[Array, Array]:
    """The spans, none of them across any of ``at``."""
    span = np.searchsorted(opens, at, side="right") - 1
    fits = (span >= 0) & (at > opens[span]) & (at < closes[span])
    at, span = at[fits], span[fits]
    return np.insert(opens, span + 1, at), np.insert(closes, span, at)


def label(times: Array, timeframe: Timeframe, phase: Phase) -> Array:
    """The opens that bars of a week or longer stand for. Vendors stamp a week with its Monday, its Sunday or
    its last day of trade, and a month with midnight in some zone: the nearest bucket is meant. Shorter
    bars are as they are. O(n)."""
    if timeframe.is_calendar:
        opens: Array = timeframe.floor_us(times - phase.offset + 14 * HOUR) + phase.offset
        return opens
    if timeframe.unit != "w":
        return times
    nearest: Array = timeframe.floor_us(times - phase.offset + timeframe.micros // 2) + phase.offset
    return nearest


# ------------------------------------------------------------------------------------------ the phase


def find_phase(times: Array | pd.DatetimeIndex, timeframe: Timeframe, calendar: Calendar) -> Phase:
    """Where these bars open: of the phases such bars can have, the one whose expected opens agree best with
    the first 20,000 of them (shared opens over opens in either). O(sample)."""
    opens = stamps(times)[:_SAMPLE]
    if not len(opens):
        return Phase("date" if timeframe.seconds >= 86400 else "clock")
    if timeframe.is_calendar:
        return Phase("date")
    if timeframe.unit == "w":
        return Phase("date", offset=_weekly_offset(opens, timeframe))
    best, best_score = Phase(), -1.0
    for phase in _candidates(opens, timeframe, calendar):
        score = agreement(opens, timeframe, calendar, phase)
        if score > best_score + 1e-9:
            best, best_score = phase, score
    return best


def agreement(opens: Array, timeframe: Timeframe, calendar: Calendar, phase: Phase) -> float:
    """Shared opens over opens in either, 0 to 1, between the first and the last of ``opens``."""
    expected = runs_of(calendar, timeframe, int(opens[0]), int(opens[-1]) + 1, phase)
    wanted = expected.times()
    shared = 0
    if len(wanted):
        labels = distinct(label(opens, timeframe, phase))
        at = np.minimum(np.searchsorted(wanted, labels), len(wanted) - 1)
        shared = int((wanted[at] == labels).sum())
    either = len(opens) + len(wanted) - shared
    return shared / either if either else 0.0


def _weekly_offset(opens: Array, timeframe: Timeframe) -> int:
    ahead = _modal((opens - timeframe.floor_us(opens)) // HOUR * HOUR)
    # from Friday evening on it is the eve of the week that follows
    return ahead if ahead <= 4 * DAY + 12 * HOUR else ahead - 7 * DAY


def _candidates(opens: Array, timeframe: Timeframe, calendar: Calendar) -> list[Phase]:
    step = timeframe.micros
    if timeframe.seconds == 86400:
        found = [Phase("date", offset=_modal(opens % DAY)), Phase("date", offset=_modal(opens % DAY) - DAY)]
        found.append(Phase("session"))
    else:
        found = []
    found.append(Phase("clock", offset=_modal(opens % step)))
    if step > HOUR:
        zones = dict.fromkeys((calendar.zone, "America/New_York", "Europe/London"))
        for zone in zones:
            if zone != "UTC":
                found.append(Phase("clock", zone, _modal(utc_to_local(opens, zone) % step)))
    if timeframe.seconds != 86400:
        found.append(Phase("session"))
    return found


def _modal(values: Array) -> int:
    each, counts = np.unique(values, return_counts=True)
    return int(each[counts.argmax()])

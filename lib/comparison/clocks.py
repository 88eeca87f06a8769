"""Whether one of two series is written on another clock, and how to undo it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lib.calendars.runs import Array
from lib.calendars.sessions import DAY, HOUR, local_to_utc, utc_to_local
from lib.candles import from_micros, micros, resample
from lib.timeframes import Timeframe

__all__ = ["Shift", "find_shift", "unshift"]

_WEEK = 7 * DAY
# Common bars a week needs before its best shift says anything, and how much better that must be.
_FEWEST = 20
_CORRELATED = 0.5
_MARGIN = 0.15
_HOURS = range(-14, 15)
# Summer time by whose rule: each year's changes are those of a zone that keeps it.
_RULES = {"": "UTC", "US": "America/New_York", "EU": "Europe/London"}
_NAMES = {
    ("US", -8): "America/Los_Angeles", ("US", -6): "America/Chicago", ("US", -5): "America/New_York",
    ("EU", 0): "Europe/London", ("EU", 1): "Europe/Berlin", ("EU", 2): "Europe/Athens",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shift:
    """On which clock the right series is written, seen from the left one: UTC and ``hours``, and one more in
    summer by the rule ``US`` or ``EU`` where ``rule`` says so. ``zone`` names it where a zone is just that.
    ``agreement`` is the share of the ``weeks`` looked at whose own best shift is this one."""

    hours: int
    rule: str
    zone: str
    weeks: int
    agreement: float
    text: str

    @property
    def is_none(self) -> bool:
        return self.hours == 0 and not self.rule


def find_shift(left: pd.DataFrame, right: pd.DataFrame, timeframe: Timeframe) -> Shift | None:
    """Whether the right series is written on another clock than the left, told week by week: the shift in whole
    hours, -14 to 14, at which the returns of the hours correlate best. A week speaks when that correlation is
    above 0.5 and, unless no shift is best, clearly above (by 0.15) the one with no shift. Of all the clocks (a
    fixed distance; one more hour in summer, on the dates of the US or of Europe) the one most weeks agree with
    is the answer; a fixed one where they tie. None where fewer than two weeks speak, or under half agree.

    For timeframes of an hour and less. O(n) and 29 passes over the hours.
    """
    if timeframe.seconds > 3600 or 3600 % timeframe.seconds or not len(left) or not len(right):
        return None
    hour = Timeframe(1, "h")
    one, other = resample(left, hour), resample(right, hour)
    first = min(int(micros(one)[0]), int(micros(other)[0])) // _WEEK * _WEEK
    last = max(int(micros(one)[-1]), int(micros(other)[-1]))
    hours = ((last - first) // _WEEK + 1) * (_WEEK // HOUR)
    a, b = _hourly(one, first, hours), _hourly(other, first, hours)
    scores = np.stack([_weekly(a, _moved(b, shift)) for shift in _HOURS])
    best = np.where(np.isnan(scores), -1.0, scores)
    winner = best.argmax(axis=0)
    top = best.max(axis=0)
    unmoved = best[-_HOURS[0]]
    speaks = (top >= _CORRELATED) & ((winner == -_HOURS[0]) | (top >= unmoved + _MARGIN))
    if speaks.sum() < 2:
        return None
    middles = (first + np.flatnonzero(speaks) * _WEEK + _WEEK // 2).astype(np.int64)
    return _name(winner[speaks] + _HOURS[0], middles)


def _hourly(table: pd.DataFrame, first: int, hours: int) -> Array:
    logs = np.full(hours + 1, np.nan)
    logs[(micros(table) - first) // HOUR] = np.log(table["close"].to_numpy())
    return np.diff(logs, prepend=np.nan)[:hours]


def _moved(values: Array, shift: int) -> Array:
    """Values of a clock ``shift`` hours ahead of UTC, put at their UTC hours."""
    moved = np.full(len(values), np.nan)
    if shift >= 0:
        moved[: len(values) - shift] = values[shift:]
    else:
        moved[-shift:] = values[:shift]
    return moved


def _weekly(a: Array, b: Array) -> Array:
    """The correlation of each week's hours; NaN where fewer than 20 are common."""
    x, y = a.reshape(-1, _WEEK // HOUR), b.reshape(-1, _WEEK // HOUR)
    known = ~(np.isnan(x) | np.isnan(y))
    count = known.sum(axis=1)
    x, y = np.where(known, x, 0.0), np.where(known, y, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        x = np.where(known, x - (x.sum(axis=1) / count)[:, None], 0.0)
        y = np.where(known, y - (y.sum(axis=1) / count)[:, None], 0.0)
        score = (x * y).sum(axis=1) / np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    return np.where(count >= _FEWEST, score, np.nan)


def _name(found: Array, middles: Array) -> Shift | None:
    best = (-1.0, 0, "")
    for rule, zone in _RULES.items():
        summer = _summer(middles, zone)
        values, counts = np.unique(found - summer, return_counts=True)
        base, share = int(values[counts.argmax()]), float(counts.max()) / len(found)
        if rule and not summer.any():
            continue
        if share > best[0] + 1e-9:
            best = (share, base, rule)
    share, hours, rule = best
    if share < 0.5:
        return None
    zone = _NAMES.get((rule, hours), "" if rule or hours else "UTC")
    seasons = any(len(np.unique(_summer(middles, each))) > 1 for each in _RULES.values())
    words = _words(hours, rule, zone, share, len(found), seasons=seasons)
    return Shift(hours, rule, zone, len(found), share, words)


def _summer(times: Array, zone: str) -> Array:
    """1 where the zone's clocks are on summer time, 0 elsewhere."""
    if zone == "UTC":
        return np.zeros(len(times), np.int64)
    apart = (utc_to_local(times, zone) - times) // HOUR
    winter = int(utc_to_local(np.zeros(1, np.int64) + 20 * 365 * DAY, zone)[0] - 20 * 365 * DAY) // HOUR
    summer: Array = apart - winter
    return summer


def _words(hours: int, rule: str, zone: str, share: float, weeks: int, *, seasons: bool) -> str:
    seen = f"told by {share:.0%} of {weeks} weeks"
    if not hours and not rule:
        return f"Both series are on the same clock ({seen})."
    if zone:
        return f"The right series is written in {zone} time, summer time and all ({seen})."
    if rule:
        dates = "the US" if rule == "US" else "Europe"
        return f"The right series is on UTC{hours:+d}, and UTC{hours + 1:+d} in summer on the dates of {dates} ({seen})."
    if not seasons:
        return (
            f"The right series is on UTC{hours:+d} ({seen}); the weeks are of one season, and do not tell whether it "
            "keeps summer time."
        )
    return f"The right series is on UTC{hours:+d} all year ({seen})."


def unshift(table: pd.DataFrame, shift: Shift) -> pd.DataFrame:
    """The table with its times put from the shift's clock to UTC. Candles of an hour that the clocks repeat fall
    onto one another: of each time the last stays. O(n)."""
    times = micros(table)
    wall = times - shift.hours * HOUR
    if shift.rule:
        zone = _RULES[shift.rule]
        standard = int(utc_to_local(np.zeros(1, np.int64) + 20 * 365 * DAY, zone)[0]) - 20 * 365 * DAY
        wall = local_to_utc(wall + standard, zone)
    order = np.argsort(wall, kind="stable")
    last = np.append(np.diff(wall[order]) != 0, True) if len(wall) else np.zeros(0, bool)
    kept = order[last]
    columns: dict[str, Any] = {name: table[name].array.take(kept) for name in table.columns}
    return from_micros(wall[kept], columns)

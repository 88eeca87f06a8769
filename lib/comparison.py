"""Two series of one market, side by side: how far apart, which leads, and whether one is on another clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lib.calendars.sessions import DAY, HOUR, local_to_utc, utc_to_local
from lib.candles import from_micros, micros, resample
from lib.errors import InputError
from lib.timeframes import Timeframe, from_us

__all__ = ["Comparison", "Offset", "Shift", "compare", "find_shift", "quote_offset", "unshift"]

Array = np.ndarray[Any, Any]

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


@dataclass(frozen=True, slots=True)
class Comparison:
    """Differences are right less left, of closes at common times: in price and in basis points (1/100 of a
    percent) of the left close. ``correlation`` is of log returns between common closes. ``lag`` is by how many
    bars the right series comes later (negative: it leads), where its returns agree best,
    ``lag_correlation`` strong. ``within`` is the share of common bars no more than ``tolerance`` basis points
    apart. What cannot be known is None."""

    timeframe: Timeframe
    start: pd.Timestamp | None
    end: pd.Timestamp | None
    common: int
    only_left: int
    only_right: int
    mean: float | None
    deviation: float | None
    largest: float | None
    largest_at: pd.Timestamp | None
    mean_bps: float | None
    deviation_bps: float | None
    largest_bps: float | None
    tolerance: float
    within: float | None
    correlation: float | None
    lag: int | None
    lag_correlation: float | None
    shift: Shift | None


@dataclass(frozen=True, slots=True)
class Offset:
    """What to add to the series' prices to come to the broker's: the median of the ``samples`` differences;
    ``spread`` is their median absolute deviation and ``low`` to ``high`` holds the true median in 95% of cases.
    ``sure`` where there are at least 10 and that span is narrower than the quotes' own bid to ask."""

    offset: float
    spread: float
    low: float
    high: float
    samples: int
    sure: bool
    text: str


def compare(
    left: pd.DataFrame,
    right: pd.DataFrame,
    left_timeframe: Timeframe,
    right_timeframe: Timeframe | None = None,
    *,
    tolerance: float = 1.0,
    lags: int = 5,
) -> Comparison:
    """Two candle tables over their common bars. The finer one is resampled to the coarser timeframe. Bars that
    only one has are counted within the span both cover. ``tolerance`` is in basis points. Filled candles are
    left out. O(n): two million-bar tables take under a second.

    Raises ``InputError`` where neither timeframe is made of whole bars of the other.
    """
    right_timeframe = right_timeframe or left_timeframe
    left, right, timeframe = _same(_observed(left), _observed(right), left_timeframe, right_timeframe)
    left, right, span = _overlap(left, right)
    times, at, to = np.intersect1d(micros(left), micros(right), assume_unique=True, return_indices=True)
    a, b = left["close"].to_numpy()[at], right["close"].to_numpy()[to]
    apart, points = b - a, (b / a - 1) * 1e4
    some = len(times) > 0
    worst = int(np.abs(apart).argmax()) if some else 0
    lag, strength = _best_lag(a, b, times, timeframe, lags)
    return Comparison(
        timeframe=timeframe,
        start=from_us(span[0]) if span else None,
        end=timeframe.after(from_us(span[1])) if span else None,
        common=len(times),
        only_left=len(left) - len(times),
        only_right=len(right) - len(times),
        mean=float(apart.mean()) if some else None,
        deviation=float(apart.std(ddof=1)) if len(times) > 1 else None,
        largest=float(apart[worst]) if some else None,
        largest_at=from_us(int(times[worst])) if some else None,
        mean_bps=float(points.mean()) if some else None,
        deviation_bps=float(points.std(ddof=1)) if len(times) > 1 else None,
        largest_bps=float(points[np.abs(points).argmax()]) if some else None,
        tolerance=tolerance,
        within=float((np.abs(points) <= tolerance).mean()) if some else None,
        correlation=_correlation(np.diff(np.log(a)), np.diff(np.log(b))),
        lag=lag,
        lag_correlation=strength,
        shift=find_shift(left, right, timeframe) if timeframe.seconds <= 3600 else None,
    )


def _observed(table: pd.DataFrame) -> pd.DataFrame:
    return table[~table["filled"].to_numpy(bool)] if "filled" in table.columns else table


def _same(
    left: pd.DataFrame, right: pd.DataFrame, of_left: Timeframe, of_right: Timeframe
) -> tuple[pd.DataFrame, pd.DataFrame, Timeframe]:
    if of_left == of_right:
        return left, right, of_left
    if of_left.divides(of_right):
        return resample(left, of_right), right, of_right
    if of_right.divides(of_left):
        return left, resample(right, of_left), of_left
    raise InputError(
        f"Candles of {of_left.words} and of {of_right.words} cannot be compared: neither is made of whole ones of "
        "the other.",
        remedy="Choose timeframes of which one divides the other, such as 1m and 1h.",
    )


def _overlap(
    left: pd.DataFrame, right: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, tuple[int, int] | None]:
    a, b = micros(left), micros(right)
    if not len(a) or not len(b) or a[-1] < b[0] or b[-1] < a[0]:
        return left.iloc[:0], right.iloc[:0], None
    low, high = max(int(a[0]), int(b[0])), min(int(a[-1]), int(b[-1]))
    parts = [
        table.iloc[np.searchsorted(times, low) : np.searchsorted(times, high, side="right")]
        for table, times in ((left, a), (right, b))
    ]
    return parts[0], parts[1], (low, high)


def _correlation(a: Array, b: Array) -> float | None:
    if len(a) < 3 or not a.std() or not b.std():
        return None
    return float(np.corrcoef(a, b)[0, 1])


def _best_lag(
    a: Array, b: Array, times: Array, timeframe: Timeframe, lags: int
) -> tuple[int | None, float | None]:
    """The lag (bars, right after left) of the strongest correlation of returns; only returns over exactly one bar
    count, so that a lag is a time. The smallest lag of equals."""
    if len(times) < lags + 4 or timeframe.is_calendar:
        return None, None
    # places on the common grid, so that a hole moves nothing
    place = (times - times[0]) // timeframe.micros
    if int(place[-1]) > 60 * len(place) + 1000:
        return None, None
    one, other = (_on_grid(np.log(values), place) for values in (a, b))
    found: dict[int, float] = {}
    for lag in sorted(range(-lags, lags + 1), key=abs):
        x, y = (one[: len(one) - lag], other[lag:]) if lag >= 0 else (one[-lag:], other[:lag])
        known = ~(np.isnan(x) | np.isnan(y))
        value = _correlation(x[known], y[known])
        if value is not None:
            found[lag] = value
    if not found:
        return None, None
    best = max(found, key=lambda lag: found[lag])
    return best, found[best]


def _on_grid(logs: Array, place: Array) -> Array:
    """Returns over exactly one step at the step they end at; NaN elsewhere."""
    values = np.full(int(place[-1]) + 1, np.nan)
    values[place] = logs
    return np.diff(values)


# -------------------------------------------------------------------------------------- another clock


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
    return Shift(hours, rule, zone, len(found), share, _words(hours, rule, zone, share, len(found)))


def _summer(times: Array, zone: str) -> Array:
    """1 where the zone's clocks are on summer time, 0 elsewhere."""
    if zone == "UTC":
        return np.zeros(len(times), np.int64)
    apart = (utc_to_local(times, zone) - times) // HOUR
    winter = int(utc_to_local(np.zeros(1, np.int64) + 20 * 365 * DAY, zone)[0] - 20 * 365 * DAY) // HOUR
    summer: Array = apart - winter
    return summer


def _words(hours: int, rule: str, zone: str, share: float, weeks: int) -> str:
    seen = f"told by {share:.0%} of {weeks} weeks"
    if not hours and not rule:
        return f"Both series are on the same clock ({seen})."
    if zone:
        return f"The right series is written in {zone} time, summer time and all ({seen})."
    if rule:
        dates = "the US" if rule == "US" else "Europe"
        return f"The right series is on UTC{hours:+d}, and UTC{hours + 1:+d} in summer on the dates of {dates} ({seen})."
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


# --------------------------------------------------------------------------------------- a live quote


def quote_offset(
    samples: Iterable[tuple[pd.Timestamp, float, float, pd.Timestamp, float]], most: float = 120.0
) -> Offset:
    """A broker's live quotes against the series: each sample is (the quote's time, bid, ask, the time at which the
    series' last close was made, that close). A close more than ``most`` seconds from its quote is not used.

    The offset is the median of (bid + ask) / 2 - close: one wild quote moves it little. Its span is the order
    statistics that hold the true median in 95% of cases (binomial, normal approximation).

    Raises ``InputError`` where no sample is usable.
    """
    apart, wide = [], []
    for at, bid, ask, closed_at, close in samples:
        fine = np.isfinite([bid, ask, close]).all() and 0 < bid <= ask and close > 0
        if fine and abs((at - closed_at).total_seconds()) <= most:
            apart.append((bid + ask) / 2 - close)
            wide.append(ask - bid)
    if not apart:
        raise InputError(
            "No quote can be set beside a close of the series.",
            remedy=f"Both must be live: quote and close lie at most {most:g} seconds apart.",
        )
    values = np.sort(np.array(apart))
    middle = float(np.median(values))
    spread = float(np.median(np.abs(values - middle)))
    reach = 0.98 * np.sqrt(len(values))
    low = float(values[max(0, int(np.floor(len(values) / 2 - reach)))])
    high = float(values[min(len(values) - 1, int(np.ceil(len(values) / 2 + reach)))])
    sure = len(values) >= 10 and high - low <= float(np.median(wide))
    text = (
        f"Add {middle:+.6g} to the series: the median of {len(values)} quotes, "
        f"{low:+.6g} to {high:+.6g}{'' if sure else '; too few or too far apart to rely on'}."
    )
    return Offset(middle, spread, low, high, len(values), sure, text)

"""Timeframes: one spelling of our own, every provider's spelling read, and the edges of buckets.

A timeframe is written ``1s 1m 5m 15m 30m 1h 4h 1d 1w 1M``: a count and a unit, ``m`` for minutes and
``M`` for months. Buckets are cut in UTC: fixed lengths from 1970-01-01, weeks from Monday, months from
the first of the month.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from math import gcd
from typing import Any

import numpy as np
import pandas as pd

from lib.errors import UnknownName

__all__ = ["LADDER", "Timeframe", "from_us", "infer", "of_steps", "parse", "to_us", "trading_days"]

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_MICRO = 1_000_000
# 1970-01-01 was a Thursday: weeks that start on a Monday are 4 days off a multiple of 7 days.
_MONDAY = 4 * 86400 * _MICRO
# A month for sorting and for rough spans only; edges of months come from the calendar.
_MONTH_SECONDS = 2_629_746
_DAY = 86400 * _MICRO
# The day that follows begins at midnight in Auckland (11:00 or 12:00 UTC), at the earliest of all markets.
_EVE = 13 * 3600 * _MICRO + 1800 * _MICRO
# New York opens at 13:30 or 14:30 UTC. No market has a midnight then, but others in between.
_NEW_YORK = (13 * 3600 * _MICRO + 1800 * _MICRO, 14 * 3600 * _MICRO + 1800 * _MICRO)
_NAMES = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week", "M": "month"}


@dataclass(frozen=True, slots=True)
class Timeframe:
    """A count of one unit, e.g. ``Timeframe(15, "m")``. Made by :func:`parse`."""

    count: int
    unit: str

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"

    @property
    def words(self) -> str:
        """For people: ``15 minutes``, ``1 day``."""
        return f"{self.count} {_NAMES[self.unit]}{'s' if self.count != 1 else ''}"

    @property
    def seconds(self) -> int:
        """Length in seconds; for months the mean length, good for ordering and rough spans only."""
        if self.unit == "M":
            return self.count * _MONTH_SECONDS
        return self.count * _SECONDS[self.unit]

    @property
    def micros(self) -> int:
        """Length in microseconds; for months as :attr:`seconds`."""
        return self.seconds * _MICRO

    @property
    def is_calendar(self) -> bool:
        """True for months, whose buckets differ in length."""
        return self.unit == "M"

    def __lt__(self, other: Timeframe) -> bool:
        return self.seconds < other.seconds

    def __le__(self, other: Timeframe) -> bool:
        return self.seconds <= other.seconds

    def divides(self, other: Timeframe) -> bool:
        """True when every bucket of ``other`` is made of whole buckets of this timeframe."""
        if other.is_calendar:
            if self.is_calendar:
                return other.count % self.count == 0
            return self.unit != "w" and 86400 % self.seconds == 0
        if self.is_calendar:
            return False
        if other.unit == "w" and self.unit != "w":
            # weeks start on Mondays, so only what divides a day is cut at a Monday's midnight
            return 86400 % self.seconds == 0
        return other.seconds % self.seconds == 0

    def floor_us(self, times: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Opens of the buckets that hold ``times``: int64 microseconds since the epoch, UTC. O(n)."""
        if self.is_calendar:
            months = times.view("datetime64[us]").astype("datetime64[M]").astype(np.int64)
            months -= months % self.count
            opens: np.ndarray[Any, Any] = months.view("datetime64[M]").astype("datetime64[us]").view(np.int64)
            return opens
        offset = _MONDAY if self.unit == "w" else 0
        floored: np.ndarray[Any, Any] = times - (times - offset) % self.micros
        return floored

    def floor(self, time: pd.Timestamp) -> pd.Timestamp:
        """Open of the bucket that holds ``time`` (tz-aware; the answer is UTC)."""
        return from_us(int(self.floor_us(np.array([to_us(time)], dtype=np.int64))[0]))

    def after(self, open_time: pd.Timestamp, count: int = 1) -> pd.Timestamp:
        """``count`` buckets later: ``after(open)`` is the time a candle closes."""
        if self.is_calendar:
            moved: pd.Timestamp = open_time.tz_convert("UTC") + pd.DateOffset(months=self.count * count)
            return moved
        return from_us(to_us(open_time) + self.micros * count)

    def opens(self, start: pd.Timestamp, end: pd.Timestamp) -> pd.DatetimeIndex:
        """Every bucket open in ``[start, end)`` on the UTC grid. O(answer)."""
        first = self.floor(start)
        if first < start:
            first = self.after(first)
        if self.is_calendar:
            return pd.date_range(first, end, freq=f"{self.count}MS", inclusive="left", unit="us")
        ticks = np.arange(to_us(first), to_us(end), self.micros, dtype=np.int64)
        return pd.DatetimeIndex(ticks.view("datetime64[us]")).tz_localize("UTC")

    @property
    def grid_us(self) -> int:
        """The finest step, in microseconds, on which a candle of this timeframe may open.

        Sessions open on the quarter hour (Mumbai's hourly candles open at :15, New York's at :30), so
        a candle of an hour may open on any quarter; what is shorter opens on its own multiples.
        """
        return gcd(self.seconds if not self.is_calendar else 86400, 900) * _MICRO


def trading_days(times: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The days that candles of a day and longer stand for, as their UTC midnights: int64 µs of opens in, the
    same out; 00:00 UTC stays as it is. O(n).

    Such candles open at a midnight of their market, or when its session opens: from 11:00 UTC of the day
    before (Auckland's midnight) over 23:00 (London's in summer; the CME's session in winter) to 14:30 of the day
    itself (New York's session). So what opens at 10:30 UTC or later is of the day that follows, but for 13:30
    and 14:30. One time after another a day later, so candles a day apart, but for the clocks, stay in order.
    """
    inside = times % _DAY
    late = (inside >= _DAY - _EVE) & (inside != _NEW_YORK[0]) & (inside != _NEW_YORK[1])
    days: np.ndarray[Any, Any] = times - inside + np.where(late, _DAY, 0)
    return days


def to_us(time: pd.Timestamp) -> int:
    """Microseconds since the epoch of a tz-aware time; parts of one are cut off."""
    # not .value, which is in nanoseconds whatever the unit
    return int(time.as_unit("us").asm8.view("i8"))


def from_us(us: int) -> pd.Timestamp:
    """The UTC time of microseconds since the epoch."""
    return pd.Timestamp(us, unit="us", tz="UTC").as_unit("us")


# Written by us in menus, and the pyramid is built on these.
LADDER: tuple[Timeframe, ...] = tuple(
    Timeframe(int(text[:-1]), text[-1])
    for text in "1s 5s 15s 30s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M".split()
)

_WORDS = {
    "s": "s", "sec": "s", "secs": "s", "second": "s", "seconds": "s",
    "m": "m", "t": "m", "min": "m", "mins": "m", "minute": "m", "minutes": "m",
    "h": "h", "hr": "h", "hrs": "h", "hour": "h", "hours": "h", "hourly": "h",
    "d": "d", "day": "d", "days": "d", "daily": "d",
    "w": "w", "wk": "w", "week": "w", "weeks": "w", "weekly": "w",
    "mn": "M", "mo": "M", "mon": "M", "mth": "M", "ms": "M",
    "month": "M", "months": "M", "monthly": "M",
}  # fmt: skip
_COUNT_FIRST = re.compile(r"([0-9]+)\s*([a-zA-Z]+)")
_UNIT_FIRST = re.compile(r"([a-zA-Z]+)\s*([0-9]+)")
_ISO = re.compile(r"P(?:([0-9]+)([DWM])|T([0-9]+)([HMS]))")


@lru_cache(maxsize=512)
def parse(text: str | Timeframe) -> Timeframe:
    """Read a timeframe in any spelling seen at a provider.

    ``1m`` is a minute and ``1M`` a month, as Binance writes them; ``M1`` is MetaTrader's minute and
    ``MN1`` its month; a bare number counts minutes, as in TradingView (``60`` is an hour); ``D`` and
    ``W`` stand for one; ``M`` alone is OANDA's month; ``PT1M`` is ISO 8601's minute, ``P1M`` its month.

    Raises ``UnknownName`` for anything else, with examples.
    """
    if isinstance(text, Timeframe):
        return text
    raw = text.strip()
    made = _parse(raw)
    if made is None:
        raise UnknownName(
            f"{text!r} is not a timeframe.",
            remedy="Write a count and a unit: 1m, 5m, 15m, 1h, 4h, 1d, 1w or 1M.",
            timeframe=text,
        )
    return made


def _parse(raw: str) -> Timeframe | None:
    if raw.isdecimal() and raw.isascii():
        return _tidy(int(raw), "m")
    if raw == "M":
        return Timeframe(1, "M")
    if iso := _ISO.fullmatch(raw.upper()):
        count, unit = (iso[1], iso[2]) if iso[1] else (iso[3], iso[4])
        return _tidy(int(count), unit if iso[1] and unit == "M" else unit.lower())
    if hit := _COUNT_FIRST.fullmatch(raw):
        unit = "M" if hit[2] == "M" else _WORDS.get(hit[2].lower(), "")
        return _tidy(int(hit[1]), unit)
    if hit := _UNIT_FIRST.fullmatch(raw):
        return _tidy(int(hit[2]), _WORDS.get(hit[1].lower(), ""))
    unit = _WORDS.get(raw.lower(), "")
    return _tidy(1, unit) if unit and raw.lower() != "t" else None


def _tidy(count: int, unit: str) -> Timeframe | None:
    """Whole larger units: 60m is 1h, 1440m is 1d, 7d is 1w. None for what cannot be."""
    if not unit or count <= 0:
        return None
    for small, large, n in (("s", "m", 60), ("m", "h", 60), ("h", "d", 24), ("d", "w", 7)):
        if unit == small and count % n == 0:
            count, unit = count // n, large
    return Timeframe(count, unit) if count <= 100_000 else None


def infer(times: pd.DatetimeIndex) -> Timeframe | None:
    """The timeframe of sorted, unique candle opens, from the steps between them; None under 2 candles.

    The smallest step that at least 1 in 10 steps have and that 9 in 10 are multiples of: gaps make steps
    longer, never shorter, and a stray time breaks one step in two odd ones. Where there is none, the most
    frequent step. Daily and monthly candles are told by the calendar.
    """
    return of_steps(np.diff(times.as_unit("us").asi8))


def of_steps(steps: np.ndarray[Any, Any]) -> Timeframe | None:
    """:func:`infer` by the steps themselves, in µs; None where there is none above zero. O(n) where 9 in 10
    are the smallest one, O(n log n) else."""
    if not len(steps):
        return None
    smallest = steps.min()
    if smallest > 0 and np.count_nonzero(steps == smallest) * 10 >= len(steps) * 9:
        return _of_step(int(smallest))
    values, counts = np.unique(steps[steps > 0], return_counts=True)
    if not len(values):
        return None
    total = counts.sum()
    common = values[counts * 10 >= total]
    fits = [each for each in common if counts[values % each == 0].sum() * 10 >= total * 9]
    return _of_step(int(fits[0] if fits else values[counts.argmax()]))


def _of_step(step: int) -> Timeframe | None:
    # a market's days and longer are an hour off where its clocks change
    day, hour = _DAY, 3600 * _MICRO
    if 28 * day - hour <= step <= 31 * day + hour:
        return Timeframe(1, "M")
    for months in (3, 6, 12):
        if months * 30 * day - 3 * day <= step <= months * 31 * day + hour:
            return Timeframe(months, "M")
    if step in (day - hour, day + hour, 7 * day - hour, 7 * day + hour):
        step = round(step / day) * day
    return _tidy(step // _MICRO, "s") if step % _MICRO == 0 else None

"""A market made of arithmetic: prices and volumes as a pure function of (seed, time).

Any minute, and any tick in it, can be computed on its own, so history, seeding and live ticks agree for
ever. The level at whole minutes is Brownian motion by Lévy's construction (the midpoint of an interval is
the mean of its ends plus a normal number, halving the interval each time), laid over slow value noise that
keeps the price near its base; each interval's volatility follows clusters and the hour of the day. Inside a
minute, 240 ticks run from its open to its close through exactly the high and the low, which are drawn from
the extremes of a Brownian bridge: ``P(max > m) = exp(-2 (m - a)(m - b) / s²)``.

Prices are whole numbers of ticks and volumes whole numbers of lots, so that sums and extremes are exact
however they are grouped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

__all__ = ["MINUTE_US", "TICKS", "TICK_US", "Market", "Minutes", "Ticks"]

Array = np.ndarray[Any, Any]

MINUTE_US = 60_000_000
TICKS = 240
TICK_US = MINUTE_US // TICKS

_MINUTES_A_YEAR = 525_960
_TOP = 21  # the slowest level: 2^21 minutes, four years
_GUARD = 2  # spare intervals on each side while halving

# What each stream of random numbers is for; all are drawn from one hash.
_BASE, _HALVE, _CLUSTER, _HIGH, _LOW, _WHEN, _LOTS, _CLOSE, _PATH, _SHARE, _JITTER = range(1, 12)


class Minutes(NamedTuple):
    """Candles of consecutive minutes. ``first`` is the first one's number since 1970; ``open high low
    close`` in price ticks and ``lots`` in lots, all int64 of one length."""

    first: int
    open: Array
    high: Array
    low: Array
    close: Array
    lots: Array


class Ticks(NamedTuple):
    """Trades in time order: ``times`` int64 µs UTC, strictly ascending; ``prices`` in price ticks,
    ``lots`` in lots."""

    times: Array
    prices: Array
    lots: Array


@dataclass(frozen=True, slots=True)
class Market:
    """One simulated market. ``volatility`` is a year's, as a fraction; ``scale`` is price ticks per
    unit of price; ``lots`` the usual volume of a minute."""

    seed: int
    base: float
    scale: int
    volatility: float
    lots: float
    wander: float = 0.5
    clustering: float = 0.45

    @property
    def minute_volatility(self) -> float:
        """Standard deviation of a minute's log return, on average over the calendar."""
        return float(self.volatility / np.sqrt(_MINUTES_A_YEAR))

    def minutes(self, first: int, count: int) -> Minutes:
        """``count`` candles from minute number ``first``. O(count), under 1 µs each."""
        logs = self._levels(first, count + 1)
        whole = np.maximum(np.rint(np.exp(logs) * self.scale), 3).astype(np.int64)
        at = np.arange(first, first + count)
        opened = whole[:-1]
        # the last trade of a minute seldom is the first of the next
        closed = np.maximum(whole[1:] + (self._bits(_CLOSE, at) % np.uint64(5)).astype(np.int64) // 2 - 1, 2)
        calm = self._weather(at.astype(np.float64), 0)
        spread = self.minute_volatility * calm * opened
        high = np.rint(_reach(opened, closed, spread, self._uniform(_HIGH, at), 1.0)).astype(np.int64)
        low = np.rint(_reach(opened, closed, spread, self._uniform(_LOW, at), -1.0)).astype(np.int64)
        high = np.maximum(high, np.maximum(opened, closed))
        low = np.maximum(np.minimum(low, np.minimum(opened, closed)), 1)
        busy = 0.25 + 0.5 * (high - low) / np.maximum(spread, 1.0)
        noise = 0.6 + 0.8 * self._uniform(_LOTS, at)
        lots = 1 + np.floor(self.lots * busy * noise * calm).astype(np.int64)
        return Minutes(first, opened, high, low, closed, lots)

    def ticks(self, first: int, count: int) -> Ticks:
        """All ticks of ``count`` minutes from minute ``first``: 240 each, one in every quarter of a
        second, at a seeded moment of it. O(count), about 25 µs a minute, 6 kB of memory."""
        made = self.minutes(first, count)
        number = (np.arange(first, first + count)[:, None] * TICKS + np.arange(TICKS)).ravel()
        jitter = (self._bits(_JITTER, number) % np.uint64(TICK_US)).astype(np.int64)
        prices = self._path(made, number)
        lots = self._shares(made, number)
        return Ticks(number * TICK_US + jitter, prices, lots)

    # -- the level at whole minutes

    def _levels(self, first: int, count: int) -> Array:
        """Log prices at minutes ``first .. first + count - 1``, by halving from the slowest level."""
        low, high = (first >> _TOP) - _GUARD, ((first + count - 1) >> _TOP) + _GUARD + 1
        values = np.log(self.base) + self.wander * self._normal(_BASE, np.arange(low, high + 1))
        for level in range(_TOP, 0, -1):
            number = np.arange(low, low + len(values) - 1)
            middle = 0.5 * (values[:-1] + values[1:]) + self._halving(level, number)
            finer = np.empty(2 * len(values) - 1)
            finer[0::2], finer[1::2] = values, middle
            low *= 2
            # keep what the range needs and a little more
            left = max(0, (first >> (level - 1)) - _GUARD - low)
            right = ((first + count - 1) >> (level - 1)) + _GUARD + 1 - low
            values, low = finer[left : right + 1], low + left
        return np.asarray(values[first - low : first - low + count])

    def _halving(self, level: int, number: Array) -> Array:
        """How far the middle of each interval of 2^level minutes lies off the mean of its ends."""
        middle = (number.astype(np.float64) + 0.5) * 2.0**level
        size = 0.5 * self.minute_volatility * 2.0 ** (level / 2)
        return np.asarray(size * self._weather(middle, level) * self._normal(_HALVE + 64 * level, number))

    def _weather(self, minute: Array, level: int) -> Array:
        """Local volatility over the mean one (mean square about 1): clusters of hours to weeks, and the
        hour of the day for what is shorter than a few hours."""
        calm = np.zeros(len(minute))
        octaves = [8, 10, 12, 14]
        for octave in octaves:
            if octave >= level:
                calm += self._noise(octave, minute)
        size = self.clustering / np.sqrt(len(octaves) / 2)
        felt = sum(octave >= level for octave in octaves)
        out: Array = np.exp(size * calm - 0.66 * size * size * felt)
        return out * _DAY[minute.astype(np.int64) % 1440] if level <= 7 else out

    def _noise(self, octave: int, minute: Array) -> Array:
        """Value noise: normal numbers every 2^octave minutes, joined smoothly."""
        place = minute / 2.0**octave
        cell = np.floor(place).astype(np.int64)
        part = place - cell
        part = part * part * (3.0 - 2.0 * part)
        lowest = int(cell.min()) if len(cell) else 0
        span = int(cell.max()) - lowest if len(cell) else 0
        knots = self._normal(_CLUSTER + 64 * octave, np.arange(lowest, lowest + span + 2))
        at = cell - lowest
        out: Array = knots[at] + part * (knots[at + 1] - knots[at])
        return out

    # -- inside a minute

    def _path(self, made: Minutes, number: Array) -> Array:
        """Tick prices (flat, minutes x 240) through each minute's open, high, low and close."""
        count = len(made.open)
        at = np.arange(made.first, made.first + count)
        draw = self._bits(_WHEN, at)
        top = 1 + (draw % np.uint64(TICKS - 2)).astype(np.int64)
        bottom = 1 + ((draw >> np.uint64(32)) % np.uint64(TICKS - 3)).astype(np.int64)
        bottom += bottom >= top
        top_first = top < bottom
        knots = np.stack([np.zeros(count, np.int64), np.minimum(top, bottom), np.maximum(top, bottom),
                          np.full(count, TICKS - 1)], axis=1)  # fmt: skip
        middle = [np.where(top_first, made.high, made.low), np.where(top_first, made.low, made.high)]
        levels = np.stack([made.open, *middle, made.close], axis=1).astype(np.float64)
        walk = np.cumsum(self._normal(_PATH, number).reshape(count, TICKS), axis=1)
        walk *= (made.high - made.low)[:, None] / 24.0
        bent = levels - np.take_along_axis(walk, knots, axis=1)
        slot = np.arange(TICKS)
        part = (slot >= knots[:, 1:2]).astype(np.int64) + (slot >= knots[:, 2:3])
        start, end = np.take_along_axis(knots, part, 1), np.take_along_axis(knots, part + 1, 1)
        before, after = np.take_along_axis(bent, part, 1), np.take_along_axis(bent, part + 1, 1)
        path = walk + before + (after - before) * (slot - start) / (end - start)
        path = np.where(path > made.high[:, None], 2 * made.high[:, None] - path, path)
        path = np.where(path < made.low[:, None], 2 * made.low[:, None] - path, path)
        whole = np.rint(np.clip(path, made.low[:, None], made.high[:, None])).astype(np.int64)
        np.put_along_axis(whole, knots, levels.astype(np.int64), axis=1)
        return np.asarray(whole.ravel())

    def _shares(self, made: Minutes, number: Array) -> Array:
        """Lots of each tick; those of a minute add up to the minute's."""
        weights = 0.1 + self._uniform(_SHARE, number).reshape(-1, TICKS) ** 4
        parts = np.cumsum(weights, axis=1)
        parts /= parts[:, -1:]
        sold = np.floor(parts * made.lots[:, None]).astype(np.int64)
        sold[:, -1] = made.lots
        return np.diff(sold, axis=1, prepend=0).ravel()

    # -- random numbers by place, not by turn

    def _bits(self, purpose: int, at: Array) -> Array:
        """64 mixed bits for each whole number of ``at`` (the finalizer of SplitMix64)."""
        start = (self.seed * 0x9E3779B97F4A7C15 + purpose * 0xD1B54A32D192ED03) & 0xFFFFFFFFFFFFFFFF
        x = at.astype(np.int64).view(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(start)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(x ^ (x >> np.uint64(31)))

    def _uniform(self, purpose: int, at: Array) -> Array:
        """Numbers in (0, 1), never an end."""
        return ((self._bits(purpose, at) >> np.uint64(12)).astype(np.float64) + 0.5) / 2.0**52

    def _normal(self, purpose: int, at: Array) -> Array:
        """Near-normal numbers of mean 0 and variance 1: the sum of four 16-bit ones, which is exact
        arithmetic and so the same on every machine."""
        quarters = np.ascontiguousarray(self._bits(purpose, at)).view(np.uint16).reshape(-1, 4)
        return np.asarray((quarters.sum(axis=1, dtype=np.int64) - 131_070) * (np.sqrt(3.0) / 65_536.0))


def _day() -> Array:
    """Volatility by the minute of the day over the mean one: busiest at 14:30, quietest at 2:30 UTC."""
    turn = 2 * np.pi * (np.arange(1440) / 1440.0 - 14.5 / 24.0)
    out: Array = (1.0 + 0.35 * np.cos(turn) + 0.12 * np.cos(2 * turn)) / 1.034
    return out


_DAY = _day()


def _reach(opened: Array, closed: Array, spread: Array, chance: Array, side: float) -> Array:
    """The extreme of a Brownian bridge from ``opened`` to ``closed``, drawn by inverting its law."""
    step = (closed - opened).astype(np.float64)
    root = np.sqrt(step * step - 2.0 * spread * spread * np.log(chance))
    out: Array = 0.5 * (opened + closed + side * root)
    return out

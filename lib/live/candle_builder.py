"""Ticks and candle updates in, candles out. Pure: no clock, no thread, no network.

A bucket in which nothing traded gives no candle. A candle is *closed* once it can no longer change: by
its provider's word, or, for ticks, when a later bucket has begun or :meth:`CandleBuilder.advance` is told
that its time is over. What may be missing (a break in the connection, a candle whose last word never
came) is not stitched: it is listed in :attr:`CandleBuilder.missing`, as ``[start, end)`` in microseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from lib import candles
from lib.timeframes import Timeframe

__all__ = ["LIMIT", "CandleBuilder", "CandleUpdate", "State", "Tick", "Update"]

LIMIT = 20_000

Array = np.ndarray[Any, Any]
Row = tuple[float, float, float, float, float]


class Tick(NamedTuple):
    """A trade: ``time_us`` µs UTC, price, size (NaN where the source has none)."""

    time_us: int
    price: float
    size: float


class CandleUpdate(NamedTuple):
    """A provider's word on one candle, whole: ``open_us`` its open, ``event_us`` when it was said (both
    µs UTC), ``closed`` True when it is the last word."""

    open_us: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    closed: bool
    event_us: int


Update = Tick | CandleUpdate


class State(NamedTuple):
    """What a builder holds at one moment. ``times`` (µs) and ``rows`` (5 x n) are never changed after, so
    keeping a state costs nothing."""

    times: Array
    rows: Array
    forming_us: int | None
    forming: Row | None

    def table(self) -> pd.DataFrame:
        """The candle table, the forming candle last. O(n): 0.2 ms for 20,000 candles."""
        count = len(self.times)
        total = count + (self.forming_us is not None)
        times, block = np.empty(total, np.int64), np.empty((5, total))
        times[:count], block[:, :count] = self.times, self.rows
        if self.forming_us is not None:
            times[count], block[:, count] = self.forming_us, self.forming
        index = pd.DatetimeIndex(times.view("datetime64[us]"), name="time").tz_localize("UTC")
        return pd.DataFrame(block.T, index=index, columns=candles.COLUMNS, copy=False)


@dataclass(slots=True)
class _Forming:
    """The candle of the bucket that is open. ``first_us`` and ``last_us`` are its earliest and latest
    trade, or its latest event; ``whole`` is False when trades before it may have been missed."""

    open_us: int
    row: Row
    first_us: int
    last_us: int
    whole: bool


class CandleBuilder:
    """Candles of one timeframe, at most ``limit`` closed ones. Appending is O(1)."""

    def __init__(self, timeframe: Timeframe, *, limit: int = LIMIT) -> None:
        self.timeframe = timeframe
        self.missing: list[tuple[int, int]] = []
        self.late = 0  # ticks of candles that were closed already: dropped
        self._limit = limit
        self._times = np.empty(2 * limit, np.int64)
        self._rows = np.empty((5, 2 * limit))
        self._start = self._end = 0
        self._events: dict[int, int] = {}  # event times of the newest closed candles
        self._forming: _Forming | None = None
        self._broken = False
        self._fresh: list[tuple[int, Row]] = []

    # -- in

    def add(self, update: Update) -> None:
        """Take one tick or one candle update, in the order they came."""
        if isinstance(update, Tick):
            self._tick(update)
        else:
            self._update(update)

    def advance(self, now_us: int) -> None:
        """Close the forming candle if its time is over at ``now_us``. For ticks only: a provider of
        candles says itself when one is closed."""
        if self._forming is not None and self.ends_by(now_us):
            self._finish(self._forming)

    def seed(self, closed: pd.DataFrame, forming: pd.DataFrame, upto_us: int = 0) -> None:
        """Take candles fetched by request: closed ones as :meth:`insert`, and a forming one that holds
        all that traded before ``upto_us``. What lies between the candles held and these is missing."""
        held = self._next()
        first = int(candles.micros(closed)[0]) if len(closed) else None
        if held is not None and first is not None and held < first:
            self._miss(held, first)
        self.insert(closed)
        if not len(forming):
            return
        self._broken = False
        open_us = int(candles.micros(forming)[-1])
        if self._end == self._start or open_us > self._times[self._end - 1]:
            values = forming[candles.COLUMNS].to_numpy()[-1]
            row = (float(values[0]), float(values[1]), float(values[2]), float(values[3]), float(values[4]))
            self._forming = _Forming(open_us, row, open_us, upto_us, whole=True)

    def insert(self, closed: pd.DataFrame) -> None:
        """Put closed candles in their places; one that is there already is replaced. O(n)."""
        if not len(closed):
            return
        state = self.state()
        times = np.concatenate([state.times, candles.micros(closed)])
        rows = np.hstack([state.rows, closed[candles.COLUMNS].to_numpy(np.float64).T])
        order = np.argsort(times, kind="stable")
        times, rows = times[order], rows[:, order]
        newest = np.append(times[1:] != times[:-1], True)
        self._reset(times[newest][-self._limit :], rows[:, newest][:, -self._limit :])
        for open_us in candles.micros(closed).tolist() if self.missing else ():
            self._found(open_us)
        if self._forming is not None and self._forming.open_us <= times[-1]:
            self._forming = None

    def settle(self, start: int, end: int) -> None:
        """No longer count ``[start, end)`` as missing: its provider has nothing there."""
        self._cut(start, end)

    def broken(self) -> None:
        """The connection broke: what comes next may lie in a later bucket, or in the middle of one."""
        self._broken = True

    # -- out

    def ends_by(self, now_us: int) -> bool:
        """Whether the forming candle's time is over at ``now_us``."""
        return self._forming is not None and self.after(self._forming.open_us) <= now_us

    @property
    def last_us(self) -> int | None:
        """Open of the newest closed candle."""
        return int(self._times[self._end - 1]) if self._end > self._start else None

    @property
    def forming_us(self) -> int | None:
        """Open of the forming candle."""
        return self._forming.open_us if self._forming is not None else None

    @property
    def price(self) -> float | None:
        """The last price known."""
        if self._forming is not None:
            return self._forming.row[3]
        return float(self._rows[3, self._end - 1]) if self._end > self._start else None

    def state(self) -> State:
        """What is held now. O(1), no copy."""
        forming = self._forming
        return State(
            self._times[self._start : self._end],
            self._rows[:, self._start : self._end],
            forming.open_us if forming is not None else None,
            forming.row if forming is not None else None,
        )

    def take_closed(self) -> pd.DataFrame:
        """The candles that closed since the last call, by ticks or updates; seeds are not among them."""
        fresh, self._fresh = dict(self._fresh), []
        if not fresh:
            return candles.empty()
        rows = np.array(list(fresh.values()))
        table = candles.from_micros(
            np.array(list(fresh), np.int64), {name: rows[:, at] for at, name in enumerate(candles.COLUMNS)}
        )
        return table.sort_index()

    def after(self, open_us: int) -> int:
        """When the candle that opens at ``open_us`` closes (µs)."""
        if not self.timeframe.is_calendar:
            return open_us + self.timeframe.micros
        stamp = self.timeframe.after(pd.Timestamp(open_us, unit="us", tz="UTC"))
        return int(stamp.as_unit("us").asm8.view("i8"))

    # -- ticks

    def _tick(self, tick: Tick) -> None:
        forming = self._forming
        if forming is None or not forming.open_us <= tick.time_us < self.after(forming.open_us):
            if self._begin(tick, forming):
                return
            self.late += 1
            return
        o, h, low, c, volume = forming.row
        if tick.time_us < forming.first_us:
            o, forming.first_us = tick.price, tick.time_us
        if tick.time_us >= forming.last_us:
            c, forming.last_us = tick.price, tick.time_us
        forming.row = (o, max(h, tick.price), min(low, tick.price), c, _sum(volume, tick.size))
        self._broken = False

    def _begin(self, tick: Tick, forming: _Forming | None) -> bool:
        """Open the bucket of ``tick``, closing the one before. False for a bucket that is past."""
        open_us = int(self.timeframe.floor_us(np.array([tick.time_us], np.int64))[0])
        if (forming is not None and open_us < forming.open_us) or open_us <= (self.last_us or -(2**62)):
            return False
        if self._broken:
            self._lost_before(open_us, forming)
        elif forming is not None:
            self._finish(forming)
        price = tick.price
        self._forming = _Forming(
            open_us, (price, price, price, price, tick.size), tick.time_us, tick.time_us, not self._broken
        )
        self._broken = False
        return True

    def _lost_before(self, open_us: int, forming: _Forming | None) -> None:
        """After a break, what was forming is incomplete, and buckets up to ``open_us`` were not seen."""
        start = forming.open_us if forming is not None else self._next()
        self._forming = None
        if start is not None and start < open_us:
            self._miss(start, open_us)

    def _finish(self, forming: _Forming) -> None:
        self._forming = None
        if forming.whole:
            self._append(forming.open_us, forming.row)
        else:
            self._miss(forming.open_us, self.after(forming.open_us))

    # -- candle updates

    def _update(self, update: CandleUpdate) -> None:
        newest = self.last_us
        forming = self._forming
        if newest is not None and update.open_us <= newest:
            self._revise(update)
        elif forming is not None and update.open_us < forming.open_us:
            if update.closed:  # the last word on a candle came after the first on the next
                self._append(update.open_us, _row(update), update.event_us)
                self._found(update.open_us)
        elif forming is not None and update.open_us == forming.open_us:
            if update.event_us >= forming.last_us:
                self._hold(update)
        else:
            start = forming.open_us if forming is not None else self._next()
            if start is not None and start < update.open_us:
                self._miss(start, update.open_us)
            self._hold(update)
        self._broken = False

    def _hold(self, update: CandleUpdate) -> None:
        """Show the update's candle as forming, or close it."""
        if update.closed:
            self._forming = None
            self._append(update.open_us, _row(update), update.event_us)
        else:
            at = update.event_us
            self._forming = _Forming(update.open_us, _row(update), update.open_us, at, whole=True)

    def _revise(self, update: CandleUpdate) -> None:
        """A word on a candle that is closed: only a later last word with other figures counts."""
        if not update.closed or update.event_us < self._events.get(update.open_us, 0):
            return
        at = self._start + int(np.searchsorted(self._times[self._start : self._end], update.open_us))
        row = _row(update)
        if self._times[at] == update.open_us and np.array_equal(self._rows[:, at], row, equal_nan=True):
            return
        if self._times[at] != update.open_us and update.open_us < self._times[self._start]:
            return
        self.insert(
            candles.from_micros(
                np.array([update.open_us]),
                {n: np.array([v]) for n, v in zip(candles.COLUMNS, row, strict=True)},
            )
        )
        self._events[update.open_us] = update.event_us
        self._fresh.append((update.open_us, row))
        self._found(update.open_us)

    # -- keeping

    def _next(self) -> int | None:
        return self.after(self.last_us) if self.last_us is not None else None

    def _miss(self, start: int, end: int) -> None:
        self.missing.append((start, end))

    def _found(self, open_us: int) -> None:
        """The candle at ``open_us`` is there after all."""
        self._cut(open_us, self.after(open_us))

    def _cut(self, first: int, last: int) -> None:
        left: list[tuple[int, int]] = []
        for start, end in self.missing:
            pieces = [(start, min(end, first)), (max(start, last), end)]
            left.extend((a, b) for a, b in pieces if a < b)
        self.missing = left

    def _append(self, open_us: int, row: Row, event_us: int = 0) -> None:
        if self._end == len(self._times) or self._end - self._start >= self._limit:
            self._make_room()
        self._times[self._end] = open_us
        self._rows[:, self._end] = row
        self._end += 1
        self._fresh.append((open_us, row))
        if event_us:
            self._events[open_us] = event_us
            while len(self._events) > 16:
                del self._events[next(iter(self._events))]

    def _make_room(self) -> None:
        """Forget the oldest; where the end of the arrays is reached, go on in new ones, for states
        given out still read the old."""
        if self._end - self._start >= self._limit:
            self._start = self._end - self._limit + 1
        if self._end == len(self._times):
            self._reset(self._times[self._start : self._end], self._rows[:, self._start : self._end])

    def _reset(self, times: Array, rows: Array) -> None:
        fresh_times, fresh_rows = np.empty(2 * self._limit, np.int64), np.empty((5, 2 * self._limit))
        fresh_times[: len(times)], fresh_rows[:, : len(times)] = times, rows
        self._times, self._rows = fresh_times, fresh_rows
        self._start, self._end = 0, len(times)


def _row(update: CandleUpdate) -> Row:
    return (update.open, update.high, update.low, update.close, update.volume)


def _sum(a: float, b: float) -> float:
    """Sum of volumes, where NaN is "not known"."""
    if a != a:
        return b
    return a if b != b else a + b

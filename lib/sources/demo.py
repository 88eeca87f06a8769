"""The demo source: synthetic candles of invented markets, the same on every machine and in every year.

Nothing here is a price of anything. See :mod:`lib.sources.simulator` for how they are made.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from lib import candles
from lib.errors import UnknownName
from lib.sources.base import Page, Recent
from lib.sources.simulator import MINUTE_US, Market, Ticks
from lib.timeframes import Timeframe, parse

__all__ = ["MARKETS", "START", "Demo"]

# Volatilities of a year: about 60% (a coin), 75% (a smaller coin), 8% (a currency pair), 18% (an index).
MARKETS = {
    "DEMO-BTC": Market(seed=11, base=40_000.0, scale=100, volatility=0.60, lots=900),
    "DEMO-ETH": Market(seed=23, base=2_400.0, scale=100, volatility=0.75, lots=1_500),
    "DEMO-EUR": Market(seed=37, base=1.12, scale=100_000, volatility=0.08, lots=600, wander=0.05),
    "DEMO-INDEX": Market(seed=41, base=4_800.0, scale=4, volatility=0.18, lots=400, wander=0.15),
}
START = pd.Timestamp("2020-01-01", tz="UTC").as_unit("us")

_TIMEFRAMES = tuple(
    parse(text) for text in "1s 5s 15s 30s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 1w 1M".split()
)
_PAGE_MINUTES = 200_000
_BLOCK_US = 28 * 1440 * MINUTE_US
_PAGE_TICKED = 1_440  # minutes a page where the ticks themselves are needed

Array = np.ndarray[Any, Any]


class Demo:
    """Simulated markets behind the protocol of a source. ``clock`` gives seconds since 1970."""

    name = "demo"
    title = "Demo feed (synthetic)"
    docs = "https://en.wikipedia.org/wiki/L%C3%A9vy%27s_construction"
    timeframes = _TIMEFRAMES
    synthetic = True
    live = True

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock

    def symbols(self) -> tuple[str, ...]:
        """The invented symbols; each begins with DEMO."""
        return tuple(sorted(MARKETS))

    def pages(
        self,
        symbol: str,
        timeframe: Timeframe,
        start: pd.Timestamp | None,
        end: pd.Timestamp | None,
        *,
        stop: threading.Event | None = None,
    ) -> Iterator[Page]:
        """Closed candles from 2020 on. Cost: under 1 µs a minute of time; under 1m, 25 µs a minute.

        Raises ``UnknownName`` for a symbol or timeframe that is not simulated."""
        market = self._market(symbol, timeframe)
        at = _ceiling(timeframe, START if start is None else max(start, START))
        closed = timeframe.floor(self.now())  # the open of the forming candle
        last = closed if end is None else min(end.tz_convert("UTC"), closed)
        while at < last and not (stop is not None and stop.is_set()):
            until = _page_end(timeframe, at, last)
            table = _between(market, timeframe, _us(at), _us(until))
            at = until
            yield Page(table, 1, at)

    def recent(self, symbol: str, timeframe: Timeframe, count: int) -> Recent:
        """The newest ``count`` closed candles and the forming one."""
        return self.recent_at(symbol, timeframe, count, self.now())

    def recent_at(self, symbol: str, timeframe: Timeframe, count: int, now: pd.Timestamp) -> Recent:
        """As :meth:`recent` at the moment ``now``: what a watcher of the ticks up to it would hold."""
        market = self._market(symbol, timeframe)
        forming_open = timeframe.floor(now)
        first = max(timeframe.after(forming_open, -count), _ceiling(timeframe, START))
        closed = _between(market, timeframe, _us(first), _us(forming_open))
        return Recent(closed, _forming(market, timeframe, _us(forming_open), _us(now)))

    def ticks(self, symbol: str, start_us: int, end_us: int) -> Ticks:
        """Trades with ``start_us <= time < end_us`` (µs UTC), prices and lots as whole numbers."""
        return _ticks(self._market(symbol, None), start_us, end_us)

    def price(self, symbol: str, ticks: Array) -> Array:
        """Prices of whole numbers of price ticks."""
        out: Array = ticks / self._market(symbol, None).scale
        return out

    def now(self) -> pd.Timestamp:
        return pd.Timestamp(int(self._clock() * 1e6), unit="us", tz="UTC")

    def _market(self, symbol: str, timeframe: Timeframe | None) -> Market:
        market = MARKETS.get(symbol)
        if market is None:
            raise UnknownName(
                f"The demo feed has no symbol {symbol!r}.",
                remedy=f"It has {', '.join(self.symbols())}.",
                source=self.name,
                symbol=symbol,
            )
        if timeframe is not None and timeframe not in _TIMEFRAMES:
            raise UnknownName(
                f"The demo feed has no candles of {timeframe}.",
                remedy=f"It has {', '.join(str(one) for one in _TIMEFRAMES)}.",
                source=self.name,
                timeframe=str(timeframe),
            )
        return market


def _ceiling(timeframe: Timeframe, time: pd.Timestamp) -> pd.Timestamp:
    """The first open at or after ``time``."""
    edge = timeframe.floor(time)
    return edge if edge == time else timeframe.after(edge)


def _page_end(timeframe: Timeframe, at: pd.Timestamp, last: pd.Timestamp) -> pd.Timestamp:
    """A bucket edge about one page later, not after ``last`` rounded up to an edge."""
    minutes = _PAGE_TICKED if timeframe.seconds < 60 else _PAGE_MINUTES
    step = max(1, minutes * 60 // timeframe.seconds)
    until = timeframe.after(at, step)
    if until < last:
        return until
    return _ceiling(timeframe, last)


def _between(market: Market, timeframe: Timeframe, start_us: int, end_us: int) -> pd.DataFrame:
    """Candles that open in ``[start_us, end_us)``, both edges of buckets."""
    if start_us >= end_us:
        return candles.empty()
    if timeframe.seconds < 60:
        return _grouped(market, _ticks(market, start_us, end_us), timeframe)
    if timeframe.seconds >= 86_400:
        blocks = range(start_us // _BLOCK_US, -(-end_us // _BLOCK_US))
        days = pd.concat([_days(market, block) for block in blocks])
        at = np.searchsorted(candles.micros(days), (start_us, end_us))
        return candles.resample(days.iloc[at[0] : at[1]], timeframe)
    table = _minutes(market, start_us // MINUTE_US, end_us // MINUTE_US)
    return candles.resample(table, timeframe) if timeframe.seconds > 60 else table


@lru_cache(maxsize=1024)
def _days(market: Market, block: int) -> pd.DataFrame:
    """Daily candles of four weeks; kept, because a chart of weeks needs millions of minutes."""
    first = block * _BLOCK_US // MINUTE_US
    return candles.resample(_minutes(market, first, first + _BLOCK_US // MINUTE_US), parse("1d"))


def _minutes(market: Market, first: int, end: int) -> pd.DataFrame:
    """Candles of the minutes numbered ``first`` to before ``end``."""
    made = market.minutes(first, end - first)
    times = np.arange(first, end) * MINUTE_US
    return _table(market, times, made.open, made.high, made.low, made.close, made.lots)


def _forming(market: Market, timeframe: Timeframe, open_us: int, now_us: int) -> pd.DataFrame:
    """The candle of what traded in ``[open_us, now_us)``: no row, or one."""
    ticked = _grouped(
        market, _ticks(market, max(open_us, now_us // MINUTE_US * MINUTE_US), now_us), parse("1m")
    )
    if timeframe.seconds <= 60:
        return ticked.set_axis(candles.from_micros(np.full(len(ticked), open_us), {}).index)
    whole = _between(market, parse("1m"), open_us, now_us // MINUTE_US * MINUTE_US)
    parts = [part for part in (whole, ticked) if len(part)]
    return candles.resample(pd.concat(parts), timeframe) if parts else candles.empty()


def _ticks(market: Market, start_us: int, end_us: int) -> Ticks:
    first = start_us // MINUTE_US
    count = max(0, -(-end_us // MINUTE_US) - first)
    made = _minute_of_ticks(market, first) if count == 1 else market.ticks(first, count)
    at = slice(*np.searchsorted(made.times, (start_us, end_us)))
    return Ticks(made.times[at], made.prices[at], made.lots[at])


@lru_cache(maxsize=16)
def _minute_of_ticks(market: Market, minute: int) -> Ticks:
    """A feed asks for parts of the same minute 240 times."""
    return market.ticks(minute, 1)


def _grouped(market: Market, ticks: Ticks, timeframe: Timeframe) -> pd.DataFrame:
    """Candles of ticks, by bucket."""
    if not len(ticks.times):
        return candles.empty()
    opens = timeframe.floor_us(ticks.times)
    starts = np.flatnonzero(np.concatenate(([True], opens[1:] != opens[:-1])))
    ends = np.append(starts[1:], len(opens)) - 1
    return _table(
        market,
        opens[starts],
        ticks.prices[starts],
        np.maximum.reduceat(ticks.prices, starts),
        np.minimum.reduceat(ticks.prices, starts),
        ticks.prices[ends],
        np.add.reduceat(ticks.lots, starts),
    )


def _table(market: Market, times: Array, *columns: Array) -> pd.DataFrame:
    *prices, lots = columns
    named = {name: ticks / market.scale for name, ticks in zip(candles.PRICES, prices, strict=True)}
    return candles.from_micros(np.ascontiguousarray(times), {**named, "volume": lots.astype(np.float64)})


def _us(time: pd.Timestamp) -> int:
    return int(time.as_unit("us").asm8.view("i8"))

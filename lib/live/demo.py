"""The demo feed: the ticks of the simulated markets, as their time comes. Synthetic, and says so."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pandas as pd

from lib.errors import SourceDown
from lib.live.candle_builder import Tick, Update
from lib.live.feeds import Seed
from lib.sources.demo import Demo
from lib.timeframes import Timeframe

__all__ = ["DemoFeed"]

# A process that slept longer than this fetches what it missed as candles, not as ticks.
_BEHIND_US = 120_000_000
_EVERY = 0.25


class DemoFeed:
    """Feed of the demo source. ``clock`` gives seconds since 1970."""

    origin = "demo stream"
    seed_origin = "demo history"
    stale_after = 10.0
    ticks = True

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.source: Demo = Demo(clock)

    def seed(self, symbol: str, timeframe: Timeframe, count: int) -> Seed:
        """The candles a watcher would hold now, exactly."""
        now = self.source.now()
        recent = self.source.recent_at(symbol, timeframe, count, now)
        return Seed(recent.closed, recent.forming, _us(now))

    @contextmanager
    def connect(self, symbol: str, timeframe: Timeframe, since_us: int) -> Iterator[_Ticking]:
        """Ticks from ``since_us`` on, so that none is missed or doubled."""
        yield _Ticking(self.source, symbol, since_us or _us(self.source.now()))


class _Ticking:
    def __init__(self, source: Demo, symbol: str, since_us: int) -> None:
        self._source, self._symbol, self.upto_us = source, symbol, since_us

    def receive(self, timeout: float) -> list[Update] | None:
        time.sleep(min(timeout, _EVERY))
        now_us = _us(self._source.now())
        if not 0 <= now_us - self.upto_us <= _BEHIND_US:
            raise SourceDown(
                "This machine's clock jumped, or it slept; the missed candles are being read.", planned=True
            )
        made = self._source.ticks(self._symbol, self.upto_us, now_us)
        self.upto_us = now_us
        prices = self._source.price(self._symbol, made.prices).tolist()
        ticks: list[Update] = [
            Tick(at, price, float(lots))
            for at, price, lots in zip(made.times.tolist(), prices, made.lots.tolist(), strict=True)
        ]
        return ticks or None


def _us(stamp: pd.Timestamp) -> int:
    return int(stamp.as_unit("us").asm8.view("i8"))

"""Feeds that do what a test says, watches that end with their test, and an exchange in a hurry."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lib import candles
from lib.errors import CandlebookError
from lib.live import hub
from lib.live.candle_builder import CandleUpdate, Update
from lib.live.feeds import Backoff, Seed
from lib.live.watch import Timing, Watch
from lib.series import Series
from lib.sources.base import Page, Recent
from lib.timeframes import Timeframe, parse

MINUTE = 60_000_000
START = 1_700_000_040_000_000  # on the minute
QUICK = Timing(
    reach=0.3, idle=30.0, stale=1.0, drop=3.0, refill=0.2, record=0.02, backoff=Backoff(0.02, 2.0, 0.1, 0.0)
)


def candle(minute: int, close: float = 11.0) -> pd.DataFrame:
    """One candle, ``minute`` minutes after START."""
    row = {"open": 10.0, "high": 50.0, "low": 5.0, "close": close, "volume": 2.0}
    return candles.from_micros(
        np.array([START + minute * MINUTE]), {name: np.array([value]) for name, value in row.items()}
    )


def rows(minutes: range, close: float = 11.0) -> pd.DataFrame:
    return pd.concat([candles.empty(), *(candle(minute, close) for minute in minutes)])


def word(minute: int, close: float, *, closed: bool = False, at: float = 1.0) -> CandleUpdate:
    open_us = START + minute * MINUTE
    return CandleUpdate(open_us, 10.0, 50.0, 5.0, close, 2.0, closed, int(open_us + at * 1e6))


@dataclass
class ScriptedSource:
    """REST of a :class:`ScriptedFeed`: ``has`` is what it can give, ``down`` the error it gives instead."""

    name: str = "scripted"
    title: str = "Scripted exchange"
    docs: str = ""
    timeframes: tuple[Timeframe, ...] = (parse("1m"),)
    synthetic: bool = False
    live: bool = True
    has: pd.DataFrame = field(default_factory=lambda: rows(range(3)))
    forming: pd.DataFrame = field(default_factory=candles.empty)
    down: CandlebookError | None = None
    asked: list[tuple[int, int]] = field(default_factory=list)

    def pages(
        self,
        symbol: str,
        timeframe: Timeframe,
        start: pd.Timestamp | None,
        end: pd.Timestamp | None,
        *,
        stop: object = None,
    ) -> Iterator[Page]:
        assert start is not None
        assert end is not None
        minute = [int((time.timestamp() * 1e6 - START) // MINUTE) for time in (start, end)]
        self.asked.append((minute[0], minute[1]))
        if self.down is not None:
            raise self.down
        yield Page(self.has[(self.has.index >= start) & (self.has.index < end)], 1, end)

    def recent(self, symbol: str, timeframe: Timeframe, count: int) -> Recent:
        if self.down is not None:
            raise self.down
        return Recent(self.has.iloc[-count:], self.forming)

    def symbols(self) -> tuple[str, ...]:
        return ("A",)


class ScriptedFeed:
    """A feed whose messages are put in by the test. Putting an error ends the connection with it."""

    origin = "scripted stream"
    seed_origin = "scripted REST"
    stale_after = 0.4
    ticks = False
    upto_us = 0

    def __init__(self) -> None:
        self.source: Any = ScriptedSource()
        self.inbox: queue.Queue[list[Update] | CandlebookError] = queue.Queue()
        self.refuse: CandlebookError | None = None
        self.attempts = 0
        self.open = 0
        self.most_open = 0

    def seed(self, symbol: str, timeframe: Timeframe, count: int) -> Seed:
        recent = self.source.recent(symbol, timeframe, count)
        return Seed(recent.closed, recent.forming)

    @contextmanager
    def connect(self, symbol: str, timeframe: Timeframe, since_us: int) -> Iterator[ScriptedFeed]:
        self.attempts += 1
        if self.refuse is not None:
            raise self.refuse
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            yield self
        finally:
            self.open -= 1

    def receive(self, timeout: float) -> list[Update] | None:
        try:
            said = self.inbox.get(timeout=timeout)
        except queue.Empty:
            return None
        if isinstance(said, CandlebookError):
            raise said
        return said

    def say(self, *updates: Update) -> None:
        self.inbox.put(list(updates))


@pytest.fixture
def feed() -> ScriptedFeed:
    return ScriptedFeed()


@pytest.fixture
def watching(feed: ScriptedFeed) -> Iterator[Callable[..., Watch]]:
    """Start a watch of the scripted feed; it ends with the test."""
    made: list[Watch] = []

    def start(store: Any = None, timing: Timing = QUICK) -> Watch:
        watch = Watch(feed, Series.of("scripted", "A", "1m"), store, timing)
        made.append(watch)
        watch.start()
        return watch

    yield start
    for watch in made:
        watch.stop()
        assert not watch.alive


@pytest.fixture(autouse=True)
def _nothing_stays() -> Iterator[None]:
    yield
    hub.stop_all()
    assert hub.watches() == ()

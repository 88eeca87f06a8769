"""What a live feed is, which feeds there are, and when a lost one is tried again.

A feed is one file per provider: its address, its spelling, a pure ``parse`` from a message to updates. It
keeps no candles, no thread and no policy; those are the watch's.
"""

from __future__ import annotations

import importlib
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, cast

import pandas as pd

from lib.errors import CandlebookError, InputError, RateLimited, SourceError, UnknownName
from lib.live.candle_builder import Update
from lib.sources import registry
from lib.sources.base import Source
from lib.timeframes import Timeframe

__all__ = ["Backoff", "Connection", "Feed", "Seed", "get", "names", "next_delay", "retry_or_fatal"]


@dataclass(frozen=True, slots=True)
class Seed:
    """What a chart starts with: closed candles, the forming one (no row or one), and the time in µs
    before which every trade is in them (0 where that is not known)."""

    closed: pd.DataFrame
    forming: pd.DataFrame
    upto_us: int = 0


class Connection(Protocol):
    """An open feed. ``upto_us`` (µs) is a promise of feeds of ticks: every trade before it has been given,
    so that a bucket which ended by then is over. 0 where the provider says itself when a candle is closed.
    """

    upto_us: int

    def receive(self, timeout: float) -> list[Update] | None:
        """What came, waiting at most ``timeout`` seconds for the first of it; None when nothing did. An
        empty list is a message that says nothing of candles but shows life.

        Raises ``SourceDown`` when the connection ended (``fields["planned"]`` is True where that is the
        provider's custom and no fault), ``BadAnswer`` for what is not in its protocol.
        """
        ...


class Feed(Protocol):
    """A live feed of one source. ``origin`` and ``seed_origin`` are written beside the candles that are
    stored; ``stale_after`` is how many seconds of silence are odd; ``ticks`` is True for a feed of trades,
    which is seeded anew after every break, and False for one of whole candles."""

    source: Source
    origin: str
    seed_origin: str
    stale_after: float
    ticks: bool

    def seed(self, symbol: str, timeframe: Timeframe, count: int) -> Seed:
        """The newest ``count`` closed candles and the forming one. Raises as ``Source.recent``."""
        ...

    def connect(self, symbol: str, timeframe: Timeframe, since_us: int) -> AbstractContextManager[Connection]:
        """Open the stream, from ``since_us`` on where the provider can (0: from now). Raises as
        :meth:`Connection.receive`, and ``Blocked``."""
        ...


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait between attempts, in seconds: ``first``, then ``factor`` times as long each time
    up to ``cap``, every wait made longer or shorter by up to ``jitter`` of itself."""

    first: float = 1.0
    factor: float = 2.0
    cap: float = 60.0
    jitter: float = 0.2

    def delays(self, chance: Callable[[], float] = random.random) -> Iterator[float]:
        """The waits, without end. Start anew after a success."""
        delay = self.first
        while True:
            yield min(self.cap, delay * (1 + self.jitter * (2 * chance() - 1)))
            delay = min(self.cap, delay * self.factor)


def retry_or_fatal(error: CandlebookError) -> CandlebookError | None:
    """None when trying again may help; else the error to stop at. Only a wrong name or setting cannot
    heal by itself: a block ends when the reader's network changes, an odd answer may be a one-off."""
    return error if isinstance(error, InputError) else None


def next_delay(error: CandlebookError, delays: Iterator[float], cap: float, *, heard: bool = True) -> float:
    """Seconds until the next attempt after ``error``; ``heard`` is whether the connection had spoken. Not
    at once without that: a server that ends every connection at its door must not be hammered."""
    if error.fields.get("planned") and heard:
        return 0.0
    if isinstance(error, RateLimited) and error.retry_after is not None:
        return max(error.retry_after, next(delays))
    return cap if isinstance(error, SourceError) and error.fields.get("status") else next(delays)


# source name -> module:Class, imported when first asked for
_FEEDS: Mapping[str, str] = MappingProxyType(
    {"binance": "lib.live.binance:BinanceFeed", "demo": "lib.live.demo:DemoFeed"}
)


def names() -> tuple[str, ...]:
    """The sources that have a live feed, sorted."""
    return tuple(_FEEDS)


def get(name: str) -> Feed:
    """The live feed of a source. Raises ``UnknownName`` where it has none."""
    if name not in _FEEDS:
        registry.get(name)  # an unknown source is told as such
        raise UnknownName(
            f"The source {name} has no live feed.", remedy=f"Live feeds: {', '.join(_FEEDS)}.", source=name
        )
    module, _, made = _FEEDS[name].partition(":")
    return cast(Feed, getattr(importlib.import_module(module), made)())

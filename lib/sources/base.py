"""What a source of candles is: the protocol every provider's adapter keeps to.

An adapter is one file: addresses, spellings, a pure ``parse_*`` from bytes to a frame, and the order of
requests. The wire itself is :mod:`lib.sources.http`. Adapters may speak to whoever runs them while they
wait, through :func:`note`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import pandas as pd

from lib.errors import UnknownName
from lib.timeframes import Timeframe

__all__ = ["Page", "Quote", "Quotes", "Recent", "Source", "note", "notes_to", "offered"]


@dataclass(frozen=True, slots=True)
class Page:
    """One step of a download. ``table`` is a candle table of closed candles, possibly empty;
    ``requests`` is how many requests this step took; every candle that opens before ``until`` (UTC)
    and was wanted has now been delivered, or does not exist. ``refused`` has a sentence for each row that
    broke a rule of the candle table and was left out: its candle counts as missing."""

    table: pd.DataFrame
    requests: int
    until: pd.Timestamp
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recent:
    """The newest candles: ``closed`` is a candle table, ``forming`` one of no or one row after it."""

    closed: pd.DataFrame
    forming: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Quote:
    """What a broker bids and asks for ``symbol`` at ``time`` (UTC). ``broker_time`` is what the broker's own
    clock showed then, without a zone; None where it is not told."""

    symbol: str
    bid: float
    ask: float
    time: pd.Timestamp
    broker_time: pd.Timestamp | None = None


class Quotes(Protocol):
    """Who quotes prices now, and has no candles."""

    name: str
    title: str
    docs: str

    def quote(self, symbol: str) -> Quote:
        """The newest price. Raises as ``Source.pages``."""
        ...

    def symbols(self) -> tuple[str, ...]:
        """The symbols quoted, sorted."""
        ...


@runtime_checkable
class Source(Protocol):
    """A provider of candles. ``name`` is its key in the registry and in the store, ``title`` is for
    people, ``docs`` the address of the provider's own description. ``synthetic`` sources invent their
    candles and say so wherever they are shown; ``live`` ones have a feed under the same name."""

    name: str
    title: str
    docs: str
    timeframes: tuple[Timeframe, ...]
    synthetic: bool
    live: bool

    def pages(
        self,
        symbol: str,
        timeframe: Timeframe,
        start: pd.Timestamp | None,
        end: pd.Timestamp | None,
        *,
        stop: threading.Event | None = None,
    ) -> Iterator[Page]:
        """Closed candles that open in ``[start, end)``, oldest first; None is unbounded.

        Ends early, without an error, once ``stop`` is set. Raises ``UnknownName`` (symbol, timeframe),
        ``RateLimited``, ``SourceDown``, ``Blocked``, ``BadAnswer``.
        """
        ...

    def recent(self, symbol: str, timeframe: Timeframe, count: int) -> Recent:
        """The newest ``count`` closed candles, and the forming one. Does not wait long: it seeds a
        chart somebody is looking at. Raises as :meth:`pages`."""
        ...

    def symbols(self) -> tuple[str, ...]:
        """The provider's own list, in its spelling, sorted; kept for a while within the process."""
        ...


_listener: ContextVar[Callable[[str], None] | None] = ContextVar("listener", default=None)


@contextmanager
def notes_to(listener: Callable[[str], None]) -> Iterator[None]:
    """While open, what adapters say in this thread about their waits goes to ``listener``; an empty
    text means that the wait is over."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def note(text: str) -> None:
    """Say something to whoever runs the adapter in this thread, if anybody listens."""
    if (listener := _listener.get()) is not None:
        listener(text)


def offered(source: Source, timeframe: Timeframe) -> Timeframe:
    """The timeframe, where the source has it. Raises ``UnknownName``."""
    if timeframe not in source.timeframes:
        raise UnknownName(
            f"{source.title} has no candles of {timeframe.words}.",
            remedy=f"It has {', '.join(map(str, source.timeframes))}.",
            source=source.name,
            timeframe=str(timeframe),
        )
    return timeframe

"""A source that gives what it is told to, and writes down what it was asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pandas as pd

from lib.candles import empty
from lib.sources.base import Page, Recent
from lib.timeframes import Timeframe, parse


@dataclass
class Scripted:
    """``tables`` by symbol; ``size`` candles a page; ``refused`` tells what is said of the rows that ``bad`` has;
    ``before`` is called ahead of each page with its number, and may raise or wait."""

    tables: dict[str, pd.DataFrame]
    name: str = "scripted"
    size: int = 100
    bad: pd.DatetimeIndex | None = None
    before: Callable[[int], None] = lambda number: None
    asked: list[tuple[str, pd.Timestamp | None, pd.Timestamp | None]] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    title: str = "A scripted source"
    docs: str = "https://example.com"
    timeframes: tuple[Timeframe, ...] = (parse("1m"), parse("1h"), parse("1d"))
    synthetic: bool = False
    live: bool = False

    def pages(
        self,
        symbol: str,
        timeframe: Timeframe,
        start: pd.Timestamp | None,
        end: pd.Timestamp | None,
        *,
        stop: threading.Event | None = None,
    ) -> Iterator[Page]:
        self.asked.append((symbol, start, end))
        table = self.tables.get(symbol, empty())
        table = table[
            (table.index >= (start or table.index[0]))
            & (table.index < (end or pd.Timestamp.max.tz_localize("UTC")))
        ]
        if not len(table):
            self.before(len(self.order))
            self.order.append(symbol)
            yield Page(empty(), 1, end or pd.Timestamp.now(tz="UTC"))
            return
        for at in range(0, len(table), self.size):
            if stop is not None and stop.is_set():
                return
            self.before(len(self.order))
            self.order.append(symbol)
            some = table.iloc[at : at + self.size]
            last = at + self.size >= len(table)
            until = end if last and end is not None else timeframe.after(some.index[-1])
            bad = some.index.isin(self.bad) if self.bad is not None else some.index != some.index
            yield Page(some[~bad], 1, until, tuple(f"{when}: high below low" for when in some.index[bad]))

    def recent(self, symbol: str, timeframe: Timeframe, count: int) -> Recent:
        raise NotImplementedError

    def symbols(self) -> tuple[str, ...]:
        return tuple(self.tables)

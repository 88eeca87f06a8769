"""The exchanges that ccxt knows, some hundred, over REST and without a key: each is a source of its own,
``ccxt.`` and ccxt's name of the exchange (``ccxt.kraken``).

Facts from docs.ccxt.com (Manual, "OHLCV Candlestick Charts", "Rate Limit", "Exceptions") and the package:
``fetch_ohlcv`` gives rows of milliseconds, open, high, low, close and volume, ascending from ``since`` on,
the forming candle too; how many at most is in ``features``; ``rateLimit`` is the milliseconds that ccxt leaves
between two requests of cost 1. Whether ``since`` itself belongs to the answer differs, so one candle earlier
is asked for. Some exchanges give their newest candles only, whatever ``since`` says: what is older
does not exist here then. Volume is that of the base asset, on some contracts their number.

Tried against servers of our own that speak as two of the exchanges do; the others are ccxt's promise.
"""

from __future__ import annotations

import difflib
import importlib.util
import threading
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from lib import settings
from lib.candles import COLUMNS
from lib.errors import BadAnswer, UnknownName
from lib.sources.batch import Ask, Batch, admit
from lib.sources.ccxt_wire import Wire, wire
from lib.sources.foreign import persist
from lib.sources.http import READ_SECONDS, Answer
from lib.sources.limits import Clock
from lib.sources.reading import rows_table
from lib.sources.walk import Rest
from lib.timeframes import Timeframe, from_us, parse, to_us

__all__ = ["Ccxt", "exchanges", "parse_rows"]

# Where ccxt does not say how many candles come at most.
_FEW = 100
# The first exchange of coins opened in July 2010.
_EARLIEST = 1_277_942_400_000_000


class Ccxt(Rest):
    """One exchange, by ccxt's name for it. CANDLEBOOK_CCXT_REST may give another address for all."""

    docs = "https://docs.ccxt.com/#/README?id=ohlcv-candlestick-charts"
    earliest = _EARLIEST
    newest = False
    may_skip = True
    _reached = False
    spelling = "ccxt writes symbols as BTC/USDT, and perpetual contracts as BTC/USDT:USDT."

    def __init__(
        self,
        exchange: str,
        base_url: str | None = None,
        *,
        clock: Clock | None = None,
        timeout: float = READ_SECONDS,
    ) -> None:
        known = exchanges()
        if known and exchange not in known:
            near = difflib.get_close_matches(exchange.lower(), known, n=2, cutoff=0.5)
            remedy = f"Did you mean {' or '.join(near)}?" if near else "docs.ccxt.com lists those it knows."
            raise UnknownName(f"ccxt knows no exchange {exchange!r}.", remedy=remedy, exchange=exchange)
        self.name = f"ccxt.{exchange}"
        self.title = f"{exchange} (ccxt)"
        self._exchange = exchange
        self._base = settings.ccxt_rest() if base_url is None else base_url
        self._timeout = timeout
        super().__init__(self._base, clock or Clock())

    @cached_property
    def _wire(self) -> Wire:
        return wire(self._exchange, self.name, self.title, self._base, self._clock, self._timeout)

    @cached_property
    def _spelled(self) -> dict[Timeframe, str]:
        """The spelling of each timeframe; of two for the same, the first."""
        made: dict[Timeframe, str] = {}
        for text, theirs in self._wire.timeframes.items():
            try:
                frame = parse(text)
            except UnknownName:  # years, which nothing here is kept in
                continue
            if _agree(frame, theirs):
                made.setdefault(frame, text)
        return made

    @cached_property
    def timeframes(self) -> tuple[Timeframe, ...]:  # type: ignore[override]  # imports ccxt, so only when asked
        """Those of the exchange, shortest first. Raises ``InputError`` where ccxt is not installed."""
        return tuple(sorted(self._spelled))

    @cached_property
    def page(self) -> int:  # type: ignore[override]
        """What comes at most, less the one candle that is asked for before the first."""
        return max(1, (self._wire.most or _FEW) - 1)

    def _fetch(
        self, symbol: str, timeframe: Timeframe, ask: Ask, stop: threading.Event | None, patience: float
    ) -> Answer[Batch]:
        start = ask.start or 0
        since = max(0, to_us(timeframe.after(from_us(start), -1))) // 1000
        spelled = self._spelled[timeframe]
        sent: list[int] = []
        told: list[float | None] = []

        def once(left: float) -> Batch:
            rows, time, requests = self._wire.call(
                lambda made: made.fetch_ohlcv(symbol, spelled, since, ask.limit + 1), stop, left
            )
            sent.append(requests)
            told.append(time)
            return admit(parse_rows(rows, start, ask.end), self.title, symbol, timeframe)

        batch, _ = persist(once, self._clock, stop, patience, reached=self._reached)
        self._reached = True
        return Answer(batch, told[-1], sum(sent))

    def _load(self, patience: float) -> tuple[str, ...]:
        markets, _ = persist(
            lambda left: self._wire.call(lambda made: made.load_markets(), None, left)[0],
            self._clock,
            None,
            patience,
        )
        return tuple(sorted(markets))


def _agree(frame: Timeframe, theirs: Any) -> bool:
    """Whether a timeframe is as long as what the exchange is asked for by it, where that is a number: at some
    what ccxt calls a week is three days, or two weeks fifteen."""
    if frame.is_calendar or not str(theirs).isdecimal():
        return True
    return int(theirs) in (frame.seconds, frame.seconds // 60, frame.seconds * 1000)


def exchanges() -> tuple[str, ...]:
    """The exchanges by ccxt's names, sorted, without importing it: each is a file of the package. Empty
    where it is not installed."""
    found = importlib.util.find_spec("ccxt")
    if found is None or not found.submodule_search_locations:
        return ()
    files = (path for folder in found.submodule_search_locations for path in Path(folder).glob("*.py"))
    return tuple(sorted(path.stem for path in files if not path.stem.startswith("_")))


def parse_rows(rows: Any, start: int = 0, end: int | None = None) -> pd.DataFrame:
    """What ``fetch_ohlcv`` gave, from ``start`` (µs) on: ``time`` (datetime64[us, UTC]), ``open high low
    close volume`` (float64). Those at ``end`` or later are left out, unless there are no others: then they tell
    where candles go on.

    >>> parse_rows([[1711929600000, 71280.0, 71288.23, 70985.0, 71002.85, 1.25]])["close"].tolist()
    [71002.85]

    Raises ``BadAnswer`` naming the row where the shape is another.
    """
    if not isinstance(rows, list):
        raise BadAnswer(f"A list of candles was expected and {type(rows).__name__} came.")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, list) or len(row) < 5 or type(row[0]) is not int:
            raise BadAnswer(f"Row {number} of {len(rows)} is no candle: {str(row)[:80]}.", row=number)
    kept = [row for row in rows if row[0] * 1000 >= start]
    kept = [row for row in kept if end is None or row[0] * 1000 < end] or kept
    columns = {
        name: [row[at] if at < len(row) else None for row in kept] for at, name in enumerate(COLUMNS, 1)
    }
    return rows_table([row[0] for row in kept], columns)

"""Yahoo Finance through yfinance: stocks, funds, indices, currencies, futures and coins, without a key.

Facts from ranaroussi.github.io/yfinance (``Ticker.history``) and the package. Yahoo documents no interface, and
may change it any day. Candles of a minute reach back 30 days and come 7 days at a time, those under
an hour 60 days, hours 730 days, days to the beginning. Prices are not adjusted for dividends
(``auto_adjust=False``), but Yahoo itself adjusts all of them for splits, later ones too: what is stored
before a split no longer fits what comes after. Hours outside the session are left out.

A candle of a day is stamped with its trading date, at 00:00 UTC, wherever the exchange is; others with their open
in UTC. The day counts as closed at the following 00:00 UTC, when its session is over on every exchange. Weeks
and months are not asked for: Yahoo cuts them by the range asked for, and days make them.

Tried against a server of ours with the shape that yfinance reads, through yfinance and its own transport;
never against Yahoo, whose cookies, crumbs and blocks are yfinance's business. How often it may be asked is
nowhere written; once a second is ours.
"""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from lib import settings
from lib.candles import COLUMNS, empty
from lib.errors import BadAnswer, CandlebookError, UnknownName
from lib.sources.batch import Ask, Batch, admit
from lib.sources.foreign import persist
from lib.sources.http import READ_SECONDS, Answer
from lib.sources.limits import Clock, Limit, Limiter, limiter
from lib.sources.walk import Rest
from lib.sources.yahoo_wire import YahooWire
from lib.timeframes import Timeframe, parse, to_us

__all__ = ["Yahoo", "parse_frame"]

_DAY = 86_400_000_000
_DAILY = parse("1d")
# How far back each reaches, in days, a day kept for the way there; and how many days are asked for at once. Of
# minutes 7 are allowed, and two windows where one was empty must fit.
_REACH = {
    "1m": (29, 3), "2m": (59, 59), "5m": (59, 59), "15m": (59, 59), "30m": (59, 59), "1h": (729, 729),
}  # fmt: skip
_SYMBOL = re.compile(r"[A-Z0-9^][A-Z0-9.=^&_-]*")
# Once a second on the whole, a handful at once: the first answer takes three requests.
_LIMITS = (Limit(60, 60.0), Limit(10, 10.0))
_LISTED = 250


class Yahoo(Rest):
    """Yahoo Finance. CANDLEBOOK_YAHOO_REST may stand in for its hosts."""

    name = "yahoo"
    title = "Yahoo"
    docs = "https://ranaroussi.github.io/yfinance/reference/api/yfinance.Ticker.history.html"
    timeframes = tuple(parse(text) for text in (*_REACH, "1d"))
    newest = False
    # more than any window below holds
    page = 100_000
    _reached = False
    spelling = "Yahoo writes its symbols as AAPL, ^GSPC, EURUSD=X or BTC-USD, in capitals."

    def __init__(
        self, base_url: str | None = None, *, clock: Clock | None = None, timeout: float = READ_SECONDS
    ) -> None:
        base = settings.yahoo_rest() if base_url is None else base_url
        budget = limiter(self.name, base, lambda: Limiter(self.title, _LIMITS, clock))
        super().__init__(base, budget.clock)
        self._wire = YahooWire(base, budget, timeout)

    def _size(self, timeframe: Timeframe) -> int:
        days = _REACH.get(str(timeframe), (0, 36_500))[1]
        return min(self.page, days * 86_400 // timeframe.seconds)

    def _oldest(self, timeframe: Timeframe) -> int:
        if timeframe == _DAILY:
            return self.earliest
        return int(self._clock.time() * 1e6) - _REACH[str(timeframe)][0] * _DAY

    def _fetch(
        self, symbol: str, timeframe: Timeframe, ask: Ask, stop: threading.Event | None, patience: float
    ) -> Answer[Batch]:
        if not _SYMBOL.fullmatch(symbol):
            raise UnknownName(f"Yahoo has no symbol {symbol!r}.", symbol=symbol)
        start, end = ask.start or 0, self._end_of_time(timeframe) if ask.end is None else ask.end
        # the session that is dated today began yesterday in some places, and ends tomorrow in others
        slack = _DAY if timeframe == _DAILY else 0
        asked = {
            "start": datetime.fromtimestamp(max(0, start - slack) // 1_000_000, UTC),
            "end": datetime.fromtimestamp(-(-(end + slack) // 1_000_000), UTC),
            "interval": str(timeframe),
            "auto_adjust": False,
            "actions": False,
        }
        sent: list[int] = []
        told: list[float | None] = []

        def once(left: float) -> Batch:
            frame, time, requests = self._wire.call(
                lambda yf, own: _history(yf, own, symbol, asked), stop, left
            )
            sent.append(requests)
            told.append(time)
            if frame is None:
                return Batch(empty(), 0)
            raw = parse_frame(frame, timeframe)
            opens = raw["time"].array.as_unit("us").asi8
            return admit(raw[(opens >= start) & (opens < end)], self.title, symbol, timeframe)

        batch, tries = persist(once, self._clock, stop, patience, reached=self._reached)
        self._reached = True
        return Answer(batch, told[-1], max(tries, sum(sent)))

    def _load(self, patience: float) -> tuple[str, ...]:
        """Yahoo lists nothing; its most active stocks of today stand in."""

        def once(left: float) -> Any:
            return self._wire.call(
                lambda yf, own: yf.screen("most_actives", count=_LISTED, session=own), None, left
            )[0]

        found, _ = persist(once, self._clock, None, patience)
        try:
            return tuple(sorted({str(one["symbol"]) for one in found["quotes"]}))
        except (LookupError, TypeError) as error:
            raise BadAnswer("Yahoo's most active stocks have another shape than expected.") from error

    def _unknown(self, symbol: str) -> UnknownName:
        """Yahoo's own search tells what may be meant."""
        try:
            found = self._wire.call(
                lambda yf, own: yf.Search(symbol, max_results=3, news_count=0, session=own).quotes, None, 5.0
            )[0]
            near = [str(one["symbol"]) for one in found]
        except CandlebookError:  # a search that cannot be had is no reason to hide what is wrong
            near = []
        return UnknownName(
            f"{self.title} has no symbol {symbol!r}.",
            remedy=f"Did you mean {' or '.join(near)}?" if near else self.spelling,
            source=self.name,
            symbol=symbol,
        )


def _history(yf: Any, session: Any, symbol: str, asked: dict[str, Any]) -> pd.DataFrame | None:
    """The frame of candles; None where there are none in the range, which yfinance takes for an error."""
    try:
        return yf.Ticker(symbol, session=session).history(**asked)
    except yf.exceptions.YFPricesMissingError as error:
        reason = str(error.yahoo_reason or "").lower()
        if not reason or "doesn't exist" in reason or "no data found" in reason:
            return None
        raise


def parse_frame(frame: pd.DataFrame, timeframe: Timeframe) -> pd.DataFrame:
    """The rows of a frame of yfinance's: ``time`` (datetime64[us, UTC]), ``open high low close volume``
    (float64).

    >>> index = pd.DatetimeIndex(["2024-04-01"], tz="Asia/Tokyo")
    >>> frame = pd.DataFrame({"Open": 1.0, "High": 2.0, "Low": 0.5, "Close": 1.5, "Volume": 3}, index=index)
    >>> str(parse_frame(frame, parse("1d"))["time"][0])
    '2024-04-01 00:00:00+00:00'

    Raises ``BadAnswer`` where the frame has another shape.
    """
    index, names = frame.index, [name.capitalize() for name in COLUMNS]
    if not isinstance(index, pd.DatetimeIndex) or (len(frame) and index.tz is None):
        raise BadAnswer("yfinance gave a frame without times.")
    if missing := [name for name in names[:4] if name not in frame.columns]:
        raise BadAnswer(f"yfinance gave a frame without {', '.join(missing)}.")
    if timeframe == _DAILY:
        times = index.tz_localize(None).normalize().tz_localize("UTC")
    else:
        times = index.tz_convert("UTC") if index.tz is not None else index.tz_localize("UTC")
    columns = {
        name: frame[title].to_numpy(dtype=np.float64, na_value=np.nan)
        for name, title in zip(COLUMNS, names, strict=True)
        if title in frame.columns
    }
    made = pd.DataFrame({"time": times.as_unit("us"), **columns})
    # the price of this moment comes as a last row, at this second
    if len(made) and to_us(made["time"].iloc[-1]) % min(timeframe.micros, 60_000_000):
        made = made.iloc[:-1]
    return made

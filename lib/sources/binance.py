"""Binance spot candles over REST, from the host that serves market data to everybody.

Facts from github.com/binance/binance-spot-api-docs (``rest-api.md``, ``errors.md``): klines weigh 2 and
come at most 1,000 at a time, ascending; with ``startTime`` the oldest from there, with only ``endTime``
or neither the newest; the last row may be the candle that is still forming. An address may spend a weight
of 6,000 a minute; 429 asks to slow down, 418 is a ban, both with Retry-After.
"""

from __future__ import annotations

import difflib
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from lib import settings
from lib.candles import conform, empty, micros
from lib.errors import BadAnswer, Cancelled, CandlebookError, CandlesRefused, InputError, UnknownName
from lib.sources.base import Page, Recent
from lib.sources.failures import as_json
from lib.sources.http import CONNECT_SECONDS, READ_SECONDS, Answer, Http
from lib.sources.limits import Clock, Limiter, limiter
from lib.timeframes import Timeframe, parse

__all__ = ["Binance", "parse_klines", "parse_symbols"]

PAGE = 1000
KLINES_WEIGHT = 2
EXCHANGE_INFO_WEIGHT = 20
WEIGHT_PER_MINUTE = 6000
_SYMBOLS_SECONDS = 3600.0
# How often an answer that brings nothing new is asked for again before it is believed or refused.
_REPEATS = 3
# The year 5138 in milliseconds; what is larger counts microseconds.
_MICROSECONDS_FROM = 10**14
_COLUMNS = ["open", "high", "low", "close", "volume"]
_REMEDIES = {
    451: "The host data-api.binance.vision serves market data in more places (CANDLEBOOK_BINANCE_REST "
    "chooses the host); the demo feed works everywhere.",
    403: "Its firewall may dislike this address: try again in a few minutes, or from another network.",
}

_symbols: dict[str, tuple[float, tuple[str, ...]]] = {}


class Binance:
    """Binance spot. The address comes from CANDLEBOOK_BINANCE_REST where none is given."""

    name = "binance"
    title = "Binance spot"
    docs = "https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md"
    synthetic = False
    live = True
    timeframes: tuple[Timeframe, ...] = tuple(
        parse(text) for text in "1s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M".split()
    )

    def __init__(
        self,
        base_url: str | None = None,
        *,
        clock: Clock | None = None,
        weight_per_minute: int = WEIGHT_PER_MINUTE,
        timeouts: tuple[float, float] = (CONNECT_SECONDS, READ_SECONDS),
    ) -> None:
        base = base_url or settings.binance_rest()
        self._base = base
        budget = limiter(self.name, base, lambda: Limiter(self.title, weight_per_minute, clock))
        self._clock = budget.clock
        self._http = Http(
            self.title,
            base,
            budget,
            weight_header="X-MBX-USED-WEIGHT-1M",
            remedies=_REMEDIES,
            explain=_explain,
            timeouts=timeouts,
        )

    # ------------------------------------------------------------------------------------ the protocol

    def pages(
        self,
        symbol: str,
        timeframe: Timeframe,
        start: pd.Timestamp | None,
        end: pd.Timestamp | None,
        *,
        stop: threading.Event | None = None,
    ) -> Iterator[Page]:
        """See ``Source``. One request of weight 2 for each 1,000 candles, and two more where the list of
        candles ends before ``end``. Spans without candles cost nothing: the server goes on
        to the next candle there is."""
        self._check(timeframe)
        at = 0 if start is None else max(0, _us(start))
        last = None if end is None else _us(end)
        try:
            yield from self._walk(symbol, timeframe, at, last, stop)
        except Cancelled:
            return

    def recent(self, symbol: str, timeframe: Timeframe, count: int) -> Recent:
        """See ``Source``. One request for each 1,000 candles; gives up after about 5 seconds."""
        self._check(timeframe)
        parts: list[pd.DataFrame] = []
        forming = empty()
        before: int | None = None
        left = count
        while left > 0:
            extra = {} if before is None else {"endTime": before // 1000 - 1}
            size = min(PAGE, left + (before is None))
            answer = self._klines(symbol, timeframe, {"limit": size, **extra}, None, patience=5.0)
            closed, open_now = _split(answer.value, self._now(answer), timeframe)
            if before is None:
                forming = open_now
            else:
                closed = closed[micros(closed) < before]
            if not len(closed):
                break
            parts.insert(0, closed)
            left -= len(closed)
            before = int(micros(closed)[0])
            if len(answer.value) < size:
                break
        table = pd.concat(parts) if len(parts) > 1 else (parts[0] if parts else empty())
        return Recent(table.iloc[-count:] if count else empty(), forming)

    def symbols(self) -> tuple[str, ...]:
        """See ``Source``. One request of weight 20, kept for an hour."""
        return self._list(patience=30.0)

    # ----------------------------------------------------------------------------------------- inside

    def _walk(
        self, symbol: str, timeframe: Timeframe, at: int, end: int | None, stop: threading.Event | None
    ) -> Iterator[Page]:
        """Ask from ``at`` (µs) on until a candle at or after ``end``, or the forming one, shows that there
        is no more. No ``endTime`` is sent: so the next candle after the range comes along and proves
        that nothing is missing before it, and an empty answer can only mean the end of the list."""
        requests = barren = 0
        while end is None or at < end:
            if barren:
                self._clock.wait(0.25 * 2**barren, stop)
            ask = {"startTime": -(-at // 1000), "limit": _limit(timeframe, at, end)}
            answer = self._klines(symbol, timeframe, ask, stop)
            requests += answer.requests
            closed, forming = _split(answer.value, self._now(answer), timeframe)
            opens = micros(closed)
            done = bool(len(forming)) or (end is not None and bool((opens >= end).any()))
            fresh = closed[(opens >= at) & (opens < end if end is not None else True)]
            if not len(fresh) and not done:
                if not len(answer.value):
                    newest = self._klines(symbol, timeframe, {"limit": 1}, stop)
                    requests += newest.requests
                    done = not (micros(newest.value) >= at).any()
                barren += 1
                if not done and barren < _REPEATS:
                    continue
                if not done:
                    raise self._stuck(symbol, timeframe, at)
            barren = 0
            if len(fresh):
                at = _us(timeframe.after(fresh.index[-1]))
            yield Page(fresh, requests, _stamp(end if done and end is not None else at))
            requests = 0
            if done:
                return

    def _klines(
        self,
        symbol: str,
        timeframe: Timeframe,
        ask: dict[str, int],
        stop: threading.Event | None,
        patience: float = 120.0,
    ) -> Answer[pd.DataFrame]:
        try:
            return self._http.get(
                "/api/v3/klines",
                {"symbol": symbol, "interval": str(timeframe), **ask},
                read=lambda body: _table(body, symbol, timeframe),
                weight=KLINES_WEIGHT,
                stop=stop,
                patience=patience,
            )
        except UnknownName as error:
            raise self._unknown(symbol) from error

    def _now(self, answer: Answer[Any]) -> float:
        """The server's time where it said so: this machine's clock may be wrong."""
        return self._clock.time() if answer.server_time is None else answer.server_time

    def _list(self, patience: float) -> tuple[str, ...]:
        known = _symbols.get(self._base)
        if known is not None and self._clock.monotonic() - known[0] < _SYMBOLS_SECONDS:
            return known[1]
        answer = self._http.get(
            "/api/v3/exchangeInfo", {}, read=parse_symbols, weight=EXCHANGE_INFO_WEIGHT, patience=patience
        )
        _symbols[self._base] = (self._clock.monotonic(), answer.value)
        return answer.value

    def _check(self, timeframe: Timeframe) -> None:
        if timeframe not in self.timeframes:
            raise UnknownName(
                f"{self.title} has no candles of {timeframe.words}.",
                remedy=f"It has {', '.join(map(str, self.timeframes))}.",
                source=self.name,
                timeframe=str(timeframe),
            )

    def _unknown(self, symbol: str) -> UnknownName:
        plain = "".join(c for c in symbol.upper() if c.isalnum())
        try:
            listed = self._list(patience=5.0)
        except CandlebookError:  # a list that cannot be had is no reason to hide what is wrong
            listed = ()
        near = [plain] if plain in listed else difflib.get_close_matches(plain, listed, n=3)
        remedy = f"Did you mean {' or '.join(near)}?" if near else "Binance writes its symbols as BTCUSDT."
        return UnknownName(
            f"{self.title} has no symbol {symbol!r}.", remedy=remedy, source=self.name, symbol=symbol
        )

    def _stuck(self, symbol: str, timeframe: Timeframe, at: int) -> BadAnswer:
        return BadAnswer(
            f"{self.title} has {symbol} {timeframe} candles from {_stamp(at):%Y-%m-%d %H:%M} UTC on, but sent "
            f"none of them {_REPEATS} times.",
            remedy="Try again later.",
            source=self.name,
            symbol=symbol,
        )


# ------------------------------------------------------------------------------------------------ parsing


def parse_klines(body: bytes) -> pd.DataFrame:
    """The rows of a klines answer as they came: ``time`` (datetime64[us, UTC]), ``open high low close
    volume`` (float64; volume in the base asset). Milliseconds and microseconds are told apart by size.

    >>> parse_klines(b'[[1711929600000,"71280.00","71288.23","70985.00","71002.85","1.25",'
    ...              b'1711929659999,"88942.10",812,"0.61","43401.15","0"]]')["close"].tolist()
    [71002.85]

    Raises ``BadAnswer`` naming the row where the shape is another.
    """
    rows = as_json(body)
    if not isinstance(rows, list):
        raise BadAnswer(f"A list of candles was expected and {type(rows).__name__} came.")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, list) or len(row) < 6 or type(row[0]) is not int:
            raise BadAnswer(f"Row {number} of {len(rows)} is no candle: {str(row)[:80]}.", row=number)
    times = np.array([row[0] for row in rows], dtype=np.int64)
    times = np.where(times < _MICROSECONDS_FROM, times * 1000, times)
    columns = {}
    for at, name in enumerate(_COLUMNS, 1):
        try:
            columns[name] = np.array([row[at] for row in rows], dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise BadAnswer(f"Some {name} is no number.", column=name) from error
    index = pd.DatetimeIndex(times.view("datetime64[us]")).tz_localize("UTC")
    return pd.DataFrame({"time": index, **columns})


def parse_symbols(body: bytes) -> tuple[str, ...]:
    """The symbols of an exchangeInfo answer, sorted; those that no longer trade too.

    >>> parse_symbols(b'{"timezone":"UTC","symbols":[{"symbol":"ETHBTC","status":"TRADING"}]}')
    ('ETHBTC',)
    """
    found = as_json(body)
    try:
        return tuple(sorted(str(one["symbol"]) for one in found["symbols"]))
    except (KeyError, TypeError) as error:
        raise BadAnswer("The list of symbols has another shape than documented.") from error


def _table(body: bytes, symbol: str, timeframe: Timeframe) -> pd.DataFrame:
    try:
        return conform(parse_klines(body), timeframe).table
    except CandlesRefused as refused:
        time = refused.report.findings[0].time
        where = "" if time is None else f" Its time is {time:%Y-%m-%d %H:%M:%S} UTC."
        raise BadAnswer(
            f"Binance sent {symbol} {timeframe} candles that cannot be: {refused.report.sentence()}{where}",
            symbol=symbol,
            timeframe=str(timeframe),
        ) from refused


def _split(table: pd.DataFrame, now: float, timeframe: Timeframe) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Closed candles and the forming one. A candle is closed when its time is over, or when another
    follows it. ``now`` is in seconds since 1970."""
    if not len(table) or _us(timeframe.after(table.index[-1])) <= now * 1e6:
        return table, empty()
    return table.iloc[:-1], table.iloc[-1:]


def _explain(status: int, body: Any) -> CandlebookError | None:
    """Errors that Binance tells by a code: -1121 is an unknown symbol, -1100 characters it never has."""
    code, words = (body.get("code"), str(body.get("msg", ""))) if isinstance(body, dict) else (None, "")
    if code == -1121 or (code == -1100 and "'symbol'" in words):
        return UnknownName("There is no such symbol.", status=status, code=code)
    if status == 400 and code is not None:
        return InputError(f"Binance refused the request ({code}): {words[:200].rstrip('. ')}.", code=code)
    return None


def _limit(timeframe: Timeframe, at: int, end: int | None) -> int:
    """How many candles to ask for: what fits before ``end`` and one more, at most a page."""
    return PAGE if end is None else int(min(PAGE, (end - at) // timeframe.micros + 3))


def _us(time: pd.Timestamp) -> int:
    return int(time.value) // 1000


def _stamp(us: int) -> pd.Timestamp:
    return pd.Timestamp(us, unit="us", tz="UTC").as_unit("us")

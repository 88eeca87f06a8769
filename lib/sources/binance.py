"""Binance spot candles over REST, from the host that serves market data to everybody.

Facts from github.com/binance/binance-spot-api-docs (``rest-api.md``, ``errors.md``): klines weigh 2 and
come at most 1,000 at a time, ascending; with ``startTime`` the oldest from there, with only ``endTime``
or neither the newest; the last row may be the candle that is still forming. An address may spend a weight
of 6,000 a minute; 429 asks to slow down, 418 is a ban, both with Retry-After.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pandas as pd

from lib import settings
from lib.errors import BadAnswer, CandlebookError, InputError, RateLimited, SourceDown, UnknownName
from lib.sources.batch import Ask, Batch, admit
from lib.sources.failures import as_json
from lib.sources.http import CONNECT_SECONDS, READ_SECONDS, Answer, Http
from lib.sources.limits import Clock, Limiter, limiter
from lib.sources.reading import floats
from lib.sources.walk import Rest
from lib.timeframes import Timeframe, parse

__all__ = ["Binance", "parse_klines", "parse_symbols"]

KLINES_WEIGHT = 2
WEIGHT_PER_MINUTE = 6000
# The year 5138 in milliseconds; what is larger counts microseconds.
_MICROSECONDS_FROM = 10**14
_COLUMNS = ["open", "high", "low", "close", "volume"]
_REMEDIES = {
    451: "The host data-api.binance.vision serves market data in more places (CANDLEBOOK_BINANCE_REST "
    "chooses the host); the demo feed works everywhere.",
    403: "Its firewall may dislike this address: try again in a few minutes, or from another network.",
}


class Binance(Rest):
    """Binance spot. The address comes from CANDLEBOOK_BINANCE_REST where none is given."""

    name = "binance"
    title = "Binance spot"
    docs = "https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md"
    live = True
    timeframes: tuple[Timeframe, ...] = tuple(
        parse(text) for text in "1s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M".split()
    )
    page = 1000
    skips = True
    # 50 pages a second are allowed: at 300 ms an answer 15 must be under way, and some are being read
    ahead = 24
    spelling = "Binance writes its symbols as BTCUSDT."
    _root = "/api/v3"
    _list_weight = 20
    _weight = WEIGHT_PER_MINUTE
    _remedies = _REMEDIES

    def __init__(
        self,
        base_url: str | None = None,
        *,
        clock: Clock | None = None,
        weight_per_minute: int | None = None,
        timeouts: tuple[float, float] = (CONNECT_SECONDS, READ_SECONDS),
    ) -> None:
        base = base_url or self._address()
        weight = weight_per_minute or self._weight
        budget = limiter(self.name, base, lambda: Limiter(self.title, weight, clock))
        super().__init__(base, budget.clock)
        self._http = Http(
            self.title,
            base,
            budget,
            weight_header="X-MBX-USED-WEIGHT-1M",
            remedies=self._remedies,
            explain=_explain,
            timeouts=timeouts,
        )

    @staticmethod
    def _address() -> str:
        return settings.binance_rest()

    @staticmethod
    def _cost(limit: int) -> int:
        """The weight of a request for ``limit`` candles."""
        return KLINES_WEIGHT

    def _fetch(
        self, symbol: str, timeframe: Timeframe, ask: Ask, stop: threading.Event | None, patience: float
    ) -> Answer[Batch]:
        params: dict[str, str | int] = {"symbol": symbol, "interval": str(timeframe), "limit": ask.limit}
        if ask.start is not None:
            params["startTime"] = -(-ask.start // 1000)
        if ask.end is not None:
            params["endTime"] = -(-ask.end // 1000) - 1
        return self._http.get(
            f"{self._root}/klines",
            params,
            read=lambda body: admit(parse_klines(body), self.title, symbol, timeframe),
            weight=self._cost(ask.limit),
            stop=stop,
            patience=patience,
        )

    def _load(self, patience: float) -> tuple[str, ...]:
        path = f"{self._root}/exchangeInfo"
        return self._http.get(path, {}, read=parse_symbols, weight=self._list_weight, patience=patience).value


# ------------------------------------------------------------------------------------------------ parsing


def parse_klines(body: bytes) -> pd.DataFrame:
    """The rows of a klines answer as they came: ``time`` (datetime64[us, UTC]), ``open high low close
    volume`` (float64; volume in the base asset). Milliseconds and microseconds are told apart by size.

    >>> parse_klines(b'[[1711929600000,"71280.00","71288.23","70985.00","71002.85","1.25",'
    ...              b'1711929659999,"88942.10",812,"0.61","43401.15","0"]]')["close"].tolist()
    [71002.85]

    Raises ``BadAnswer`` naming the row where the shape is another, and the error that came in the place of rows.
    """
    rows = as_json(body)
    if isinstance(rows, dict) and "code" in rows:
        raise _explain(200, rows) or BadAnswer(_refused(rows))
    if not isinstance(rows, list):
        raise BadAnswer(f"A list of candles was expected and {type(rows).__name__} came.")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, list) or len(row) < 6:
            raise BadAnswer(f"Row {number} of {len(rows)} is no candle: {str(row)[:80]}.", row=number)
    told = floats([row[0] for row in rows], "time")
    if not (np.abs(told) < 2**53).all():  # whole numbers as large as that are exact in a float64
        raise BadAnswer("Some time is no number of milliseconds.", column="time")
    times = told.astype(np.int64)
    times = np.where(times < _MICROSECONDS_FROM, times * 1000, times)
    columns = {name: floats([row[at] for row in rows], name) for at, name in enumerate(_COLUMNS, 1)}
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


def _explain(status: int, body: Any) -> CandlebookError | None:
    """Errors that Binance tells by a code, with status 400 or 200: -1121 is an unknown symbol, -1100 characters it
    never has, -1003 and -1034 ask to slow down, -1007 and -1008 say that it is busy."""
    code, words = (body.get("code"), str(body.get("msg", ""))) if isinstance(body, dict) else (None, "")
    if code == -1121 or (code == -1100 and "'symbol'" in words):
        return UnknownName("There is no such symbol.", status=status, code=code)
    if status not in (200, 400) or code is None:
        return None
    if code in (-1003, -1034):
        return RateLimited(_refused(body), remedy="Try again then.", code=code)
    if code in (-1007, -1008):
        return SourceDown(_refused(body), remedy="Try again later.", code=code)
    return InputError(_refused(body), code=code) if status == 400 else None


def _refused(body: Any) -> str:
    words = str(body.get("msg", ""))[:200].rstrip(". ")
    return f"Binance refused the request ({body['code']}): {words}."

"""OANDA v20 candles over REST: currencies, metals, indices, at bid, ask or the middle.

Facts from developer.oanda.com/rest-live-v20 (instrument-ep, development-guide, best-practices): at most
5,000 candles a request, and ``count`` not together with both ends; days and longer are cut at 17:00 New
York unless told otherwise, so UTC and Mondays are asked for; a candle without prices is absent;
``complete`` tells the closed ones; volume is the number of prices. An address may send 120 requests a
second and open 2 connections a second. A ``to`` later than its clock is 400 "Invalid value specified for 'to'. Time
is in the future", more than 5,000 candles 400 "Maximum value for 'count' exceeded" (github.com/hootnot/oanda-api-v20
issues 103 and 144, github.com/happydasch/btoandav20 issue 28).

The middle of bid and ask is meant by the plain symbol, ``EUR_USD``; ``EUR_USD.bid`` and ``EUR_USD.ask`` are
series of their own.
"""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import quote

import pandas as pd

from lib import settings
from lib.candles import empty
from lib.errors import CandlebookError, InputError, UnknownName
from lib.sources.batch import Ask, Batch, admit
from lib.sources.failures import as_json
from lib.sources.http import CONNECT_SECONDS, READ_SECONDS, Answer, Http
from lib.sources.limits import Clock, Limit, Limiter, limiter
from lib.sources.reading import member, objects, rows_table
from lib.sources.walk import Rest
from lib.timeframes import Timeframe, from_us, parse

__all__ = ["Oanda", "parse_candles", "parse_instruments"]

_GRANULARITIES = {
    parse(ours): theirs
    for ours, theirs in {
        "5s": "S5", "10s": "S10", "15s": "S15", "30s": "S30", "1m": "M1", "2m": "M2", "4m": "M4", "5m": "M5",
        "10m": "M10", "15m": "M15", "30m": "M30", "1h": "H1", "2h": "H2", "3h": "H3", "4h": "H4", "6h": "H6",
        "8h": "H8", "12h": "H12", "1d": "D", "1w": "W", "1M": "M",
    }.items()
}  # fmt: skip
_SIDES = {"bid": ("B", "bid"), "ask": ("A", "ask"), "": ("M", "mid")}
_LIMITS = (Limit(120, 1), Limit(2, 1, of="connections"))
_TOKEN = "CANDLEBOOK_OANDA_TOKEN"
_WHERE = "A free practice account has one: Manage API Access, at https://www.oanda.com."


class _Future(InputError):
    """A range that has not come yet: an error there, an empty answer here."""


class Oanda(Rest):
    """OANDA v20. The token is in CANDLEBOOK_OANDA_TOKEN, the host (practice or live) in
    CANDLEBOOK_OANDA_REST."""

    name = "oanda"
    title = "OANDA"
    docs = "https://developer.oanda.com/rest-live-v20/instrument-ep/"
    timeframes = tuple(_GRANULARITIES)
    page = 5000
    by_room = True
    earliest = 946_684_800_000_000  # 2000: its oldest series begin in 2002
    spelling = "OANDA writes its instruments as EUR_USD; EUR_USD.bid and EUR_USD.ask are the two sides."

    def __init__(
        self,
        base_url: str | None = None,
        *,
        clock: Clock | None = None,
        timeouts: tuple[float, float] = (CONNECT_SECONDS, READ_SECONDS),
    ) -> None:
        base = base_url or settings.oanda_rest()
        budget = limiter(self.name, base, lambda: Limiter(self.title, _LIMITS, clock))
        super().__init__(base, budget.clock)
        self._http = Http(
            self.title,
            base,
            budget,
            headers={"Accept-Datetime-Format": "RFC3339"},
            secret=lambda: {"Authorization": f"Bearer {settings.secret(_TOKEN, _WHERE)}"},
            explain=_explain,
            remedies={
                401: f"Check {_TOKEN}, and that CANDLEBOOK_OANDA_REST is the host of its kind of account."
            },
            timeouts=timeouts,
        )

    def _fetch(
        self, symbol: str, timeframe: Timeframe, ask: Ask, stop: threading.Event | None, patience: float
    ) -> Answer[Batch]:
        instrument, side = _sides(symbol)
        price, field = _SIDES[side]
        params: dict[str, str | int] = {
            "price": price,
            "granularity": _GRANULARITIES[timeframe],
            "dailyAlignment": 0,
            "alignmentTimezone": "UTC",
            "weeklyAlignment": "Monday",
            **self._range(ask),
        }
        try:
            return self._http.get(
                f"/v3/instruments/{quote(instrument, safe='')}/candles",
                params,
                read=lambda body: admit(parse_candles(body, field), self.title, symbol, timeframe),
                stop=stop,
                patience=patience,
            )
        except _Future as future:
            return Answer(Batch(empty(), 0), None, int(future.fields.get("requests", 1)))

    def _range(self, ask: Ask) -> dict[str, str | int]:
        """``from`` and ``to``, or one of them and ``count``. A ``to`` that has not come yet is an error."""
        if ask.start is None:
            end = {} if ask.end is None else {"to": _written(ask.end - 1)}
            return {"count": ask.limit, **end}
        start = _written(ask.start + 999_999)
        if ask.end is None or ask.end > (self._clock.time() - 10) * 1e6:
            return {"from": start, "count": ask.limit}
        return {"from": start, "to": _written(ask.end - 1)}

    def _load(self, patience: float) -> tuple[str, ...]:
        account = (
            settings.oanda_account()
            or self._http.get("/v3/accounts", {}, read=_first_account, patience=patience).value
        )
        path = f"/v3/accounts/{quote(account, safe='')}/instruments"
        return self._http.get(path, {}, read=parse_instruments, patience=patience).value


def parse_candles(body: bytes, side: str = "mid") -> pd.DataFrame:
    """The rows of a candles answer as they came: ``time`` (datetime64[us, UTC]), ``open high low close`` of
    ``side`` (mid, bid or ask) and ``volume`` (float64; number of prices), ``complete`` (bool).

    >>> parse_candles(b'{"instrument":"EUR_USD","granularity":"H1","candles":[{"complete":true,"volume":481,'
    ...   b'"time":"2017-01-03T00:00:00.000000000Z","mid":{"o":"1.04577","h":"1.04712","l":"1.04572",'
    ...   b'"c":"1.04662"}}]}')[["open", "close", "volume"]].to_numpy().tolist()
    [[1.04577, 1.04662, 481.0]]

    Raises ``BadAnswer`` where the shape is another.
    """
    rows = objects(member(as_json(body), "candles"), ("time", "volume", "complete", side))
    objects([row[side] for row in rows], "ohlc")
    letters = {"open": "o", "high": "h", "low": "l", "close": "c"}
    columns = {name: [row[side][letter] for row in rows] for name, letter in letters.items()}
    columns["volume"] = [row["volume"] for row in rows]
    table = rows_table([row["time"] for row in rows], columns)
    table["complete"] = [str(row["complete"]).lower() == "true" for row in rows]
    return table


def parse_instruments(body: bytes) -> tuple[str, ...]:
    """The names of an account's instruments, sorted.

    >>> parse_instruments(b'{"instruments":[{"name":"EUR_USD","type":"CURRENCY"}]}')
    ('EUR_USD',)
    """
    return tuple(sorted(str(one["name"]) for one in objects(member(as_json(body), "instruments"), ("name",))))


def _first_account(body: bytes) -> str:
    accounts = objects(member(as_json(body), "accounts"), ("id",))
    if not accounts:
        raise InputError(f"The token in {_TOKEN} has no account.", remedy="Set CANDLEBOOK_OANDA_ACCOUNT.")
    return str(accounts[0]["id"])


def _sides(symbol: str) -> tuple[str, str]:
    """``EUR_USD.bid`` as its instrument and side."""
    instrument, dot, side = symbol.rpartition(".")
    if dot and side in _SIDES and side:
        return instrument, side
    return symbol, ""


def _explain(status: int, body: Any) -> CandlebookError | None:
    words = str(body.get("errorMessage", "")) if isinstance(body, dict) else ""
    if status in (400, 404) and "instrument" in words.lower():
        return UnknownName("There is no such instrument.", status=status)
    if status == 400 and "future" in words.lower():
        return _Future(words[:200])
    return None


def _written(us: int) -> str:
    return f"{from_us(us // 1_000_000 * 1_000_000):%Y-%m-%dT%H:%M:%SZ}"

"""Servers of the protocols Candlebook reads candles from, each as its provider documents it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from lib.timeframes import Timeframe, from_us, parse, to_us
from tests.servers import binance_rest
from tests.servers.provider import Provider, Reply, Request
from tests.sources.clock import FakeClock

__all__ = ["Binance", "BinanceFutures", "ByKey", "Massive", "MetaApi", "Oanda", "TwelveData"]


def _span(provider: Provider, symbol: str, frame: Timeframe, start: int, end: int) -> tuple[list[int], Any]:
    """Opens in ``[start, end)`` (µs) up to now, and their figures by name."""
    market = provider.markets[symbol]
    opens = market.opens(frame, start, min(end, int(provider.clock.now * 1e6) + 1))
    figures = {name: values.tolist() for name, values in market.candles(frame, opens).items()}
    for at in set(opens.tolist()) & provider.broken:
        figures["high"][opens.tolist().index(at)] = 1e-9
    return opens.tolist(), figures


def _newest(provider: Provider, symbol: str, frame: Timeframe, end: int, count: int) -> tuple[list[int], Any]:
    """The newest ``count`` candles that open before ``end``."""
    step, market = frame.micros * (count + 1), provider.markets[symbol]
    end = min(end, int(provider.clock.now * 1e6) + 1)
    start = end - step
    while len(market.opens(frame, start, end)) < count and start > market.listed:
        start -= step
    opens, figures = _span(provider, symbol, frame, start, end)
    return opens[-count:], {name: values[-count:] for name, values in figures.items()}


# ------------------------------------------------------------------------------------------------ Binance


class Binance(Provider):
    """Spot; the rules of klines are those of ``binance_rest``."""

    limits = ((6000, 60.0),)
    root = "/api/v3"

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self._exchange = binance_rest.Exchange(now=clock.time)
        self._exchange.markets = self.markets

    def is_candles(self, request: Request) -> bool:
        return request.path == f"{self.root}/klines"

    def weight(self, request: Request) -> int:
        return 2 if self.is_candles(request) else 20

    def high(self, row: Any) -> tuple[Any, Any]:
        return row, 2

    def refusal(self, status: int) -> Any:
        return {"code": -1000, "msg": "An unknown error occurred while processing the request."}

    def respond(self, request: Request) -> Reply:
        if self.is_candles(request):
            status, rows = self._exchange._klines(request.params, None)
            if status != 200:
                return Reply(status, rows)
            for row in rows:
                if row[0] * 1000 in self.broken:
                    row[2] = "0.00000001"
            return Reply(200, None, {"X-MBX-USED-WEIGHT-1M": str(self.used())}, rows, lambda made: made)
        if request.path == f"{self.root}/exchangeInfo":
            return Reply(200, {"symbols": [{"symbol": name} for name in self.markets]})
        return Reply(404, {"msg": "nothing here"})


class BinanceFutures(Binance):
    limits = ((2400, 60.0),)
    root = "/fapi/v1"

    def weight(self, request: Request) -> int:
        if not self.is_candles(request):
            return 1
        limit = int(request.params.get("limit", 500))
        assert limit <= 1500
        return 1 if limit < 100 else 2 if limit < 500 else 5 if limit <= 1000 else 10


# -------------------------------------------------------------------------------------------- Twelve Data


class TwelveData(Provider):
    """``/time_series``: newest first unless asked otherwise, text for figures, errors with status 200 where
    ``polite`` is not set, an error for a range without candles."""

    limits = ((8, 60.0), (800, 86_400.0))
    polite = False

    def truth(self, symbol: str, timeframe: str | Timeframe, start: str, end: str) -> pd.DataFrame:
        table = super().truth(symbol, timeframe, start, end)
        return table.assign(volume=np.nan) if self.markets[symbol].weekends else table

    def is_candles(self, request: Request) -> bool:
        return request.path == "/time_series"

    def high(self, row: Any) -> tuple[Any, Any]:
        return row, "high"

    def refusal(self, status: int) -> Any:
        words = {429: "You have run out of API credits for the current minute."}
        return {"code": status, "message": words.get(status, "Something is wrong."), "status": "error"}

    def _refuse(self, code: int, words: str) -> Reply:
        return Reply(code if self.polite else 200, {"code": code, "message": words, "status": "error"})

    def respond(self, request: Request) -> Reply:
        if not self.is_candles(request):
            return self._lists(request)
        params = request.params
        symbol = params["symbol"]
        if symbol not in self.markets:
            return self._refuse(
                404, "**symbol** parameter is missing or invalid. Please provide a valid symbol."
            )
        frame = parse(params["interval"])
        assert params["timezone"] == "UTC"
        size = int(params["outputsize"])
        assert 0 < size <= 5000
        end = _us(params["end_date"]) + 1 if "end_date" in params else 2**62
        if "start_date" in params:
            opens, figures = _span(self, symbol, frame, _us(params["start_date"]), end)
            opens, figures = opens[-size:], {name: values[-size:] for name, values in figures.items()}
        else:
            opens, figures = _newest(self, symbol, frame, end, size)
        if not opens:
            return self._refuse(
                400, "No data is available on the specified dates. Try setting different dates."
            )
        form = "%Y-%m-%d" if frame.seconds >= 86_400 else "%Y-%m-%d %H:%M:%S"
        names = list(figures) if not self.markets[symbol].weekends else list(figures)[:4]
        rows = [
            {"datetime": f"{from_us(at):{form}}", **{name: f"{figures[name][i]:.8f}" for name in names}}
            for i, at in enumerate(opens)
        ]
        rows = rows if params.get("order") == "asc" else rows[::-1]
        headers = {"api-credits-used": str(self.used()), "api-credits-left": str(8 - self.used())}
        return Reply(200, None, headers, rows, lambda made: {"meta": {}, "values": made, "status": "ok"})

    def _lists(self, request: Request) -> Reply:
        kinds = {"/forex_pairs": "/", "/commodities": "XAU/", "/cryptocurrencies": "BTC/"}
        mark = kinds[request.path]
        listed = [{"symbol": name} for name in self.markets if mark in name]
        return Reply(200, {"data": listed, "status": "ok"})


# --------------------------------------------------------------------------------------------------- OANDA


class Oanda(Provider):
    limits = ((120, 1.0),)
    connections = 2

    def is_candles(self, request: Request) -> bool:
        return request.path.endswith("/candles")

    def high(self, row: Any) -> tuple[Any, Any]:
        return row[next(side for side in ("mid", "bid", "ask") if side in row)], "h"

    def refusal(self, status: int) -> Any:
        return {"errorMessage": f"Error {status}."}

    def respond(self, request: Request) -> Reply:
        if request.path == "/v3/accounts":
            return Reply(200, {"accounts": [{"id": "101-004-1-001", "tags": []}]})
        if request.path == "/v3/accounts/101-004-1-001/instruments":
            return Reply(200, {"instruments": [{"name": name} for name in self.markets if "." not in name]})
        params, instrument = request.params, request.path.split("/")[3]
        side = {"M": "mid", "B": "bid", "A": "ask"}[params["price"]]
        symbol = instrument if side == "mid" else f"{instrument}.{side}"
        if symbol not in self.markets:
            return Reply(400, {"errorMessage": "Invalid value specified for 'instrument'"})
        assert (params["dailyAlignment"], params["alignmentTimezone"]) == ("0", "UTC")
        assert params["weeklyAlignment"] == "Monday"
        frame, now = parse(params["granularity"]), self.clock.now * 1e6
        start, end = (_us(params[name]) if name in params else None for name in ("from", "to"))
        for name, at in (("from", start), ("to", end)):
            if at is not None and at > now:
                return Reply(
                    400, {"errorMessage": f"Invalid value specified for '{name}'. Time is in the future"}
                )
        count = int(params.get("count", 500))
        if start is not None and end is not None:
            if "count" in params:
                return Reply(
                    400, {"errorMessage": "'count' cannot be specified when both 'to' and 'from' are set"}
                )
            if (end - start) / frame.micros > 5000:
                return Reply(400, {"errorMessage": "Maximum value for 'count' exceeded"})
            opens, figures = _span(self, symbol, frame, start, end)
        elif start is not None:  # the candles without prices count as well
            opens, figures = _span(self, symbol, frame, start, start + count * frame.micros)
        else:
            opens, figures = _newest(self, symbol, frame, 2**62 if end is None else end, count)
        assert count <= 5000
        rows = [
            {
                "complete": to_us(frame.after(from_us(at))) <= now,
                "volume": figures["volume"][i],
                "time": f"{from_us(at):%Y-%m-%dT%H:%M:%S}.000000000Z",
                side: {name[0]: f"{figures[name][i]:.8f}" for name in ("open", "high", "low", "close")},
            }
            for i, at in enumerate(opens)
        ]
        return Reply(200, None, {}, rows, lambda made: {"instrument": instrument, "candles": made})


# ----------------------------------------------------------------------------------- API Massive, by key


class Massive(Provider):
    """``oldest``: which candles a limit leaves, the oldest or the newest; ``closed_end``: whether ``end``
    belongs to the range. Neither is documented. ``days``: how far back the plan reaches."""

    limits = ((10, 60.0),)
    most = 1000
    oldest = True
    closed_end = True
    days = 0

    def is_candles(self, request: Request) -> bool:
        return request.path.startswith("/api/v1/candles/") and request.method == "GET"

    def high(self, row: Any) -> tuple[Any, Any]:
        return row, "high"

    def respond(self, request: Request) -> Reply:
        if request.headers.get("content-type") != "application/json":
            return Reply(415, {"error": "Unsupported media type"})
        if request.path == "/api/v1/symbols":
            return Reply(200, {"symbols": list(self.markets)})
        if request.path == "/api/v1/candles/batch":
            asked = json.loads(request.body)["requests"]
            parts = [self._candles(one["symbol"], {k: str(v) for k, v in one.items()}) for one in asked]
            wrapped = [
                one.data if one.rows is None else {"symbol": ask["symbol"], "candles": one.rows}
                for one, ask in zip(parts, asked, strict=True)
            ]
            return Reply(200, {"results": wrapped})
        symbol = request.path.rsplit("/", 1)[1]
        if request.path.startswith("/api/v1/tick/"):
            return self._ticks(symbol, request.params)
        return self._candles(symbol, request.params)

    def _candles(self, symbol: str, params: dict[str, str]) -> Reply:
        if symbol not in self.markets:
            return Reply(404, {"error": "Not found"})
        frame = parse(params["timeframe"])
        limit = min(int(params["limit"]), self.most)
        start, end = _us(params["start"]), _us(params["end"]) + self.closed_end
        if self.days and start < (self.clock.now - self.days * 86_400) * 1e6:
            return Reply(403, {"error": "This part of history is not in your plan"})
        opens, figures = _span(self, symbol, frame, start, end)
        cut = slice(None, limit) if self.oldest else slice(-limit, None)
        names = list(figures)[:4] if not any(figures["volume"]) else list(figures)
        rows = [
            {"timestamp": f"{from_us(at):%Y-%m-%dT%H:%M:%SZ}", **{name: figures[name][i] for name in names}}
            for i, at in enumerate(opens)
        ]
        return Reply(200, None, {}, rows[cut], lambda made: {"candles": made})

    def _ticks(self, symbol: str, params: dict[str, str]) -> Reply:
        if symbol not in self.markets:
            return Reply(404, {"error": "Unknown symbol"})
        opens, figures = _span(self, symbol, parse("1m"), _us(params["start"]), _us(params["end"]))
        ticks = [
            {"timestamp": f"{from_us(at).isoformat()}", "bid": figures["low"][i], "ask": figures["high"][i]}
            for i, at in enumerate(opens)
        ]
        return Reply(200, {"ticks": ticks[: int(params["limit"])]})


class ByKey(Provider):
    """The common shape; ``form`` is ``lists``, ``objects`` or ``nested``, ``unit`` is s, ms, us or iso."""

    limits = ((60, 60.0),)
    form = "lists"
    unit = "s"

    def is_candles(self, request: Request) -> bool:
        return request.path.startswith("/ohlcv")

    def high(self, row: Any) -> tuple[Any, Any]:
        return (row, 2) if isinstance(row, list) else (row, "h" if "h" in row else "high")

    def respond(self, request: Request) -> Reply:
        if request.path == "/symbols":
            return Reply(200, [{"symbol": name} for name in self.markets])
        params = request.params
        symbol = params.get("symbol") or params["pair"]
        if symbol not in self.markets:
            return Reply(200, {"error": "Unknown symbol", "code": 4})
        start, end = (
            _us(params[name]) for name in (("start", "end") if "start" in params else ("from", "to"))
        )
        opens, figures = _span(self, symbol, parse(params["timeframe"]), start, end + 1)
        kept = slice(None, int(params["limit"]))
        names = list(figures)
        values = [[self._time(at), *(figures[name][i] for name in names)] for i, at in enumerate(opens)][kept]
        if self.form == "lists":
            return Reply(200, None, {}, values, lambda made: made)
        if self.form == "objects":
            rows = [dict(zip(["time", *names], row, strict=True)) for row in values]
            return Reply(200, None, {}, rows, lambda made: made)
        rows = [dict(zip("tohlcv", row, strict=True)) for row in values]
        return Reply(200, None, {}, rows, lambda made: {"ok": True, "tags": [], "data": {"bars": made}})

    def _time(self, us: int) -> Any:
        if self.unit == "iso":
            return f"{from_us(us):%Y-%m-%dT%H:%M:%S+00:00}"
        return us // {"s": 1_000_000, "ms": 1000, "us": 1}[self.unit]


class MetaApi(Provider):
    limits = ((60, 60.0),)
    account = "acc-1"

    def is_candles(self, request: Request) -> bool:
        return request.path.endswith("/current-price")

    def refusal(self, status: int) -> Any:
        return {"id": 1, "error": "SomeError", "message": f"Error {status}."}

    def respond(self, request: Request) -> Reply:
        parts = request.path.split("/")
        if parts[4] != self.account:
            return Reply(404, {"id": 1, "error": "NotFoundError", "message": "Trading account not found"})
        if parts[-1] == "symbols":
            return Reply(200, list(self.markets))
        if parts[6] not in self.markets:
            return Reply(404, {"id": 1, "error": "NotFoundError", "message": "Specified symbol not found"})
        at = pd.Timestamp(self.clock.now, unit="s", tz="UTC")
        local = f"{at + pd.Timedelta(hours=3):%Y-%m-%d %H:%M:%S.000}"
        price = {"symbol": parts[6], "bid": 1.05297, "ask": 1.05309, "time": f"{at:%Y-%m-%dT%H:%M:%S.345Z}"}
        return Reply(200, {**price, "brokerTime": local})


def _us(text: str) -> int:
    """A time written as text, or a number in seconds, ms or µs by its size, in µs."""
    if text.isdecimal():
        number = int(text)
        return number * (1_000_000 if number < 10**11 else 1000 if number < 10**14 else 1)
    made = pd.Timestamp(text)
    return to_us(made.tz_localize("UTC") if made.tzinfo is None else made)

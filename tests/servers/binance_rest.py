"""A small exchange that speaks Binance's REST protocol for spot candles on a real port.

Its candles are a seeded walk: a function of the symbol and the candle's open alone, so that any range
can be made without the rest and every run sees the same figures. Faults are switched on for single requests.
To try the app by hand: ``python -m tests.servers.binance_rest --port 8765``, then start the app
with ``CANDLEBOOK_BINANCE_REST=http://127.0.0.1:8765``.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pandas as pd

from lib.candles import from_micros
from lib.timeframes import Timeframe, parse
from tests.servers.market import Market, us
from tests.servers.market import stamp as _stamp
from tests.servers.serving import Handler, Serving

INTERVALS = "1s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M".split()
WEIGHTS = {"/api/v3/klines": 2, "/api/v3/exchangeInfo": 20, "/api/v3/ping": 1, "/api/v3/time": 1}
RESTRICTED = "Service unavailable from a restricted location according to the terms of use."


@dataclass
class Fault:
    """What goes wrong with one request: ``kind`` is a status (``"429"``) or one of ``cut slow garbage
    html empty reversed shuffled duplicate overlap truncated same bad null drip``."""

    kind: str
    retry_after: str | None = None
    seconds: float = 1.0


@dataclass
class Exchange:
    """The state behind the server. ``now`` gives seconds since 1970. ``limit`` is the weight a minute;
    above it the answer is 429, and 418 after three of those."""

    markets: dict[str, Market] = field(default_factory=dict)
    now: Callable[[], float] = time.time
    limit: int = 6000
    microseconds: bool = False
    faults: dict[int, Fault] = field(default_factory=dict)  # by number of the klines request, from 1
    always: Fault | None = None
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    served: int = 0  # rows
    limited: int = 0  # requests above the limit
    used: int = 0
    minute: int = 0
    banned_until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, symbol: str, listed: str, **more: Any) -> Market:
        market = Market(symbol, us(listed), **more)
        self.markets[symbol] = market
        return market

    def truth(self, symbol: str, timeframe: str | Timeframe, start: str, end: str) -> pd.DataFrame:
        """The candle table of closed candles in ``[start, end)``."""
        frame, market = parse(timeframe), self.markets[symbol]
        opens = market.opens(frame, us(start), us(end))
        closed = [frame.after(_stamp(int(at))).timestamp() <= self.now() for at in opens[-40:]]
        opens = opens[: len(opens) - closed.count(False)]
        return from_micros(opens, market.candles(frame, opens))

    @property
    def klines(self) -> list[dict[str, str]]:
        """The parameters of every klines request so far."""
        return [params for path, params in self.requests if path == "/api/v3/klines"]

    # ------------------------------------------------------------------------------------- protocol

    def answer(self, path: str, params: dict[str, str]) -> tuple[int, Any, dict[str, str], Fault | None]:
        """Status, body (to be JSON), headers, fault of the wire."""
        with self.lock:
            self.requests.append((path, params))
            number = len(self.klines)
            fault = self.always or (self.faults.get(number) if path == "/api/v3/klines" else None)
            refused = self._meter(path)
        headers = {"X-MBX-USED-WEIGHT-1M": str(self.used), "X-MBX-USED-WEIGHT": str(self.used)}
        if refused:
            return (*refused, None)
        if fault and fault.kind.isdecimal():
            if fault.retry_after is not None:
                headers["Retry-After"] = fault.retry_after
            return int(fault.kind), self._words(int(fault.kind)), headers, None
        if path == "/api/v3/klines":
            status, body = self._klines(params, fault)
            return status, body, headers, fault
        return (*self._other(path), headers, fault)

    def _meter(self, path: str) -> tuple[int, Any, dict[str, str]] | None:
        now = self.now()
        if now < self.banned_until:
            left = str(int(self.banned_until - now) + 1)
            return 418, self._words(418), {"Retry-After": left}
        if int(now // 60) != self.minute:
            self.minute, self.used = int(now // 60), 0
        self.used += WEIGHTS.get(path, 1)
        if self.used <= self.limit:
            return None
        self.limited += 1
        if self.limited > 3:
            self.banned_until = now + 120
        return 429, self._words(429), {"Retry-After": str(int(60 - now % 60) + 1)}

    @staticmethod
    def _words(status: int) -> Any:
        if status == 451:
            return {"code": 0, "msg": RESTRICTED}
        if status in (418, 429):
            return {"code": -1003, "msg": "Too much request weight used."}
        if status == 403:
            return "<html><head><title>403 Forbidden</title></head></html>"
        return {"code": -1000, "msg": "An unknown error occurred while processing the request."}

    def _other(self, path: str) -> tuple[int, Any]:
        if path == "/api/v3/ping":
            return 200, {}
        if path == "/api/v3/time":
            return 200, {"serverTime": int(self.now() * 1000)}
        if path == "/api/v3/exchangeInfo":
            listed = [{"symbol": name, "status": "TRADING"} for name in self.markets]
            return 200, {"timezone": "UTC", "serverTime": int(self.now() * 1000), "symbols": listed}
        return 404, "<html>404</html>"

    def _klines(self, params: dict[str, str], fault: Fault | None) -> tuple[int, Any]:
        symbol, interval = params.get("symbol", ""), params.get("interval", "")
        if (
            not symbol.isascii()
            or not symbol.replace("-", "").replace(".", "").isalnum()
            or symbol != symbol.upper()
        ):
            return 400, {"code": -1100, "msg": "Illegal characters found in parameter 'symbol'."}
        if symbol not in self.markets:
            return 400, {"code": -1121, "msg": "Invalid symbol."}
        if interval not in INTERVALS:
            return 400, {"code": -1120, "msg": "Invalid interval."}
        limit = int(params.get("limit", 500))
        if not 0 < limit <= 1000:
            limit = 1000
        start, end = (int(params[key]) if key in params else None for key in ("startTime", "endTime"))
        timeframe, market = parse(interval), self.markets[symbol]
        before = min(int(self.now() * 1e6), 2**60 if end is None else end * 1000) + 1
        if fault and fault.kind == "overlap" and start is not None:
            start = max(0, start - 7 * timeframe.seconds * 1000)
        if fault and fault.kind == "same" and start is not None:
            start = max(0, start - limit * timeframe.seconds * 1000)
        if fault and fault.kind == "empty":
            return 200, []
        opens = self._window(market, timeframe, start, before, limit)
        return 200, self._rows(market, timeframe, opens)

    @staticmethod
    def _window(market: Market, timeframe: Timeframe, start: int | None, before: int, limit: int) -> Any:
        """The oldest ``limit`` opens from ``start`` (ms) on, or the newest before ``before`` (µs)."""
        span = timeframe.micros * (limit + 2)
        if start is None:
            first = before - span
            opens = market.opens(timeframe, first, before)
            while len(opens) < limit and first > market.listed:
                first -= span * 4
                opens = market.opens(timeframe, first, before)
            return opens[-limit:]
        first = max(start * 1000, market.listed)
        until = first + span
        opens = market.opens(timeframe, first, min(until, before))
        while len(opens) < limit and until < before:
            until += span * 4
            opens = market.opens(timeframe, first, min(until, before))
        return opens[:limit]

    def _rows(self, market: Market, timeframe: Timeframe, opens: Any) -> list[list[Any]]:
        unit = 1 if self.microseconds else 1000
        values = market.candles(timeframe, opens)
        columns = [[f"{one:.8f}" for one in values[name].tolist()] for name in values]
        if timeframe.is_calendar:
            closes = [us(str(timeframe.after(_stamp(at)).date())) for at in opens.tolist()]
        else:
            closes = (opens + timeframe.micros).tolist()
        rest = ["0.0", 5, "0.0", "0.0", "0"]
        return [
            [at // unit, *figures, close // unit - 1, *rest]
            for at, close, *figures in zip(opens.tolist(), closes, *columns, strict=True)
        ]


def _spoil(fault: Fault, rows: Any) -> bytes:
    """The body of an answer with this fault."""
    if isinstance(rows, list):
        if fault.kind == "reversed":
            rows = rows[::-1]
        if fault.kind == "shuffled":
            rows = rows[1::2] + rows[::2]
        if fault.kind == "duplicate":
            rows = sorted([*rows, *rows[::3]])
        if fault.kind == "bad" and rows:
            rows[len(rows) // 2][3] = "999999999"
        if fault.kind == "all bad":
            rows = [[*row[:3], "999999999", *row[4:]] for row in rows]
    body = json.dumps(None if fault.kind == "null" else rows).encode()
    if fault.kind == "garbage":
        return b"\x00\xff\x13 not json at all"
    if fault.kind == "html":
        return b"<!DOCTYPE html><html><body>Please log in</body></html>"
    return body[: len(body) // 2] if fault.kind == "truncated" else body


class _Handler(Handler):
    exchange: Exchange

    def date_time_string(self, timestamp: float | None = None) -> str:
        return formatdate(self.exchange.now() if timestamp is None else timestamp, usegmt=True)

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        params = {key: values[0] for key, values in parse_qs(url.query).items()}
        status, data, headers, fault = self.exchange.answer(url.path, params)
        body = _spoil(fault, data) if fault else json.dumps(data).encode()
        if fault and fault.kind == "slow":
            time.sleep(fault.seconds)
        try:
            self._send(status, body, headers, cut=bool(fault and fault.kind == "cut"))
        except OSError:  # the other side has gone, as after a time-out
            self.close_connection = True

    def _send(self, status: int, body: bytes, headers: dict[str, str], *, cut: bool) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json;charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            self.reset()


class Server(Serving):
    """The exchange on a port of 127.0.0.1; a context manager."""

    def __init__(self, exchange: Exchange, port: int = 0) -> None:
        super().__init__(_Handler, port, exchange=exchange)


def main() -> None:
    options = argparse.ArgumentParser(description="An exchange for trying Candlebook by hand.")
    options.add_argument("--port", type=int, default=8765)
    options.add_argument("--limit", type=int, default=6000, help="weight a minute")
    options.add_argument("--always", default="", help="a fault for every request: 429, 451, cut, html ...")
    given = options.parse_args()
    exchange = Exchange(limit=given.limit, always=Fault(given.always) if given.always else None)
    exchange.add("BTCUSDT", "2019-08-17 04:00", price=30_000.0)
    exchange.add("ETHUSDT", "2019-08-17 04:00", price=2_000.0)
    exchange.add("BNBUSDT", "2021-11-06", price=300.0)
    with Server(exchange, given.port) as server:
        print(f"Serving {', '.join(exchange.markets)} on {server.url}", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()

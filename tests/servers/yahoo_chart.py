"""Yahoo as yfinance asks it: a cookie, a crumb, candles of a symbol, a search, a list of what is traded most.
The shape of an answer is that which yfinance reads."""

from __future__ import annotations

from typing import Any

from lib.timeframes import parse
from tests.servers.market import stamp
from tests.servers.provider import Provider, Reply, Request
from tests.sources.clock import FakeClock

__all__ = ["YahooChart"]

_RANGES = ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"]
_REACH = {"1m": 30, "2m": 60, "5m": 60, "15m": 60, "30m": 60, "1h": 730, "1d": 100_000}


class YahooChart(Provider):
    """``zone`` is where every market of it is; ``session`` the hour at which a day's candle is stamped there."""

    zone = "UTC"
    session = 0.0
    live = False  # whether the price of this moment comes as a last row

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.crumb = "cRumb"

    def is_candles(self, request: Request) -> bool:
        return request.path.startswith("/v8/finance/chart/") and "period1" in request.params

    def high(self, row: Any) -> tuple[Any, Any]:
        return row, 2

    def refusal(self, status: int) -> Any:
        return {"chart": {"result": None, "error": {"code": "Error", "description": f"Error {status}"}}}

    def respond(self, request: Request) -> Reply:
        if request.path == "/":
            return Reply(404, "", {"Set-Cookie": "A3=d=cookie; Path=/; Max-Age=9999"})
        if request.path == "/v1/test/getcrumb":
            return Reply(200, self.crumb)
        if request.path == "/v1/finance/search":
            near = [{"symbol": name} for name in self.markets if name[:2] == request.params["q"][:2].upper()]
            return Reply(200, {"quotes": near[: int(request.params["quotesCount"])], "news": []})
        if request.path == "/v1/finance/screener/predefined/saved":
            quotes = [{"symbol": name} for name in reversed(list(self.markets))]
            return Reply(200, {"finance": {"result": [{"quotes": quotes}], "error": None}})
        if request.path.startswith("/v8/finance/chart/"):
            return self._chart(request.path.rsplit("/", 1)[1], request.params)
        return Reply(404, {"finance": {"result": None, "error": {"code": "Not Found", "description": "No"}}})

    def _chart(self, symbol: str, params: dict[str, str]) -> Reply:
        if symbol not in self.markets:
            return self._error(404, "Not Found", "No data found, symbol may be delisted")
        now = int(self.clock.now)
        start, end = (int(params.get(name, now)) for name in ("period1", "period2"))
        interval = params["interval"]
        if start < now - _REACH[interval] * 86_400:
            words = f"{interval} data not available for startTime={start} and endTime={end}. The requested range must be within the last {_REACH[interval]} days."
            return self._error(422, "Unprocessable Entity", words)
        if interval == "1m" and end - start > 8 * 86_400:
            words = "1m data not available. Only 8 days worth of 1m granularity data are allowed to be fetched per request."
            return self._error(422, "Unprocessable Entity", words)
        market, frame = self.markets[symbol], parse(interval)
        shift = self._shift() if interval == "1d" else 0
        opens = market.opens(frame, start * 1_000_000 - shift, min(end, now + 1) * 1_000_000 - shift)
        figures = {name: values.tolist() for name, values in market.candles(frame, opens).items()}
        for at in set(opens.tolist()) & self.broken:
            figures["high"][opens.tolist().index(at)] = 1e-9
        rows = [
            [(at + shift) // 1_000_000, *(figures[name][i] for name in figures)]
            for i, at in enumerate(opens.tolist())
        ]
        if self.live and rows:
            rows.append([now, *[rows[-1][4]] * 4, 0])
        return Reply(200, None, {}, rows, lambda made: self._wrapped(symbol, interval, made))

    def _shift(self) -> int:
        """From midnight in UTC to the open of that day's session, in µs."""
        local = stamp(0).tz_localize(None).tz_localize(self.zone)
        return int(local.timestamp() * 1_000_000) + int(self.session * 3_600_000_000)

    def _wrapped(self, symbol: str, interval: str, rows: list[Any]) -> Any:
        days = sorted({row[0] // 86_400 for row in rows if isinstance(row[0], int)})
        periods = [
            {"start": day * 86_400, "end": (day + 1) * 86_400, "timezone": "UTC", "gmtoffset": 0}
            for day in days
        ]
        meta = {
            "currency": "USD", "symbol": symbol, "instrumentType": "EQUITY", "exchangeTimezoneName": self.zone,
            "timezone": "UTC", "gmtoffset": 0, "priceHint": 2, "dataGranularity": interval, "validRanges": _RANGES,
            **({"tradingPeriods": [periods]} if periods and interval != "1d" else {}),
        }  # fmt: skip
        if not rows:  # as Yahoo does over a closed market
            result = {"meta": meta, "indicators": {"quote": [{}], "adjclose": [{}]}}
            return {"chart": {"result": [result], "error": None}}
        quote = {
            name: [row[at] for row in rows]
            for at, name in enumerate(["open", "high", "low", "close", "volume"], 1)
        }
        adjusted = {"adjclose": [{"adjclose": [row[4] / 2 for row in rows]}]} if interval == "1d" else {}
        result = {
            "meta": meta,
            "timestamp": [row[0] for row in rows],
            "indicators": {"quote": [quote], **adjusted},
        }
        return {"chart": {"result": [result], "error": None}}

    def _error(self, status: int, code: str, words: str) -> Reply:
        return Reply(status, {"chart": {"result": None, "error": {"code": code, "description": words}}})

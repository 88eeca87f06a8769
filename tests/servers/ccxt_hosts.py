"""Two of the exchanges that ccxt knows, as it asks them. One gives candles from a time on, after that time and
as many as it likes, or its newest only; the other gives windows."""

from __future__ import annotations

from typing import Any

from lib.timeframes import parse
from tests.servers.provider import Provider, Reply, Request
from tests.sources.clock import FakeClock

__all__ = ["Bitstamp", "Kraken"]


def _rows(provider: Provider, symbol: str, seconds: int, start: int, end: int) -> list[tuple[int, list[str]]]:
    """Seconds and figures of the candles that open in ``[start, end)`` (µs), up to now."""
    frame = parse(f"{seconds}s")
    market = provider.markets[symbol]
    opens = market.opens(frame, start, min(end, int(provider.clock.now * 1e6) + 1))
    figures = {name: [repr(v) for v in vs.tolist()] for name, vs in market.candles(frame, opens).items()}
    for at in set(opens.tolist()) & provider.broken:
        figures["high"][opens.tolist().index(at)] = "0.000000001"
    return [(at // 1_000_000, [figures[name][i] for name in figures]) for i, at in enumerate(opens.tolist())]


class Kraken(Provider):
    """docs.kraken.com/api-reference/market-data: ``since`` itself is left out. The real one gives its newest 720
    candles whatever is asked for: ``newest``."""

    # a request for candles costs 1.2 where 60 a minute may be spent
    limits = ((50, 60.0),)
    most = 720

    def __init__(self, clock: FakeClock, newest: bool = False) -> None:
        super().__init__(clock)
        self.newest = newest

    def is_candles(self, request: Request) -> bool:
        return request.path == "/0/public/OHLC"

    def high(self, row: Any) -> tuple[Any, Any]:
        return row, 2

    def refusal(self, status: int) -> Any:
        return {"error": ["EService:Unavailable"]}

    def respond(self, request: Request) -> Reply:
        if request.path == "/0/public/Assets":
            names = {part for name in self.markets for part in name.split("/")}
            made = {"aclass": "currency", "decimals": 10, "display_decimals": 5, "status": "enabled"}
            return Reply(200, {"error": [], "result": {name: {**made, "altname": name} for name in names}})
        if request.path == "/0/public/AssetPairs":
            return Reply(
                200, {"error": [], "result": {self._id(name): self._pair(name) for name in self.markets}}
            )
        if not self.is_candles(request):
            return Reply(404, {"error": ["EGeneral:Unknown method"]})
        named = {self._id(name): name for name in self.markets}
        pair = request.params["pair"]
        if pair not in named:
            return Reply(200, {"error": ["EQuery:Unknown asset pair"]})
        seconds = int(request.params["interval"]) * 60
        start = int(request.params.get("since", 0)) * 1_000_000 + 1
        span = seconds * 1_000_000 * (self.most + 2)
        now = int(self.clock.now * 1e6)
        if self.newest:
            found = _rows(self, named[pair], seconds, max(start, now - span), now + 1)[-self.most :]
        else:
            start = max(start, self.markets[named[pair]].listed)
            end, found = start + span, _rows(self, named[pair], seconds, start, start + span)
            while len(found) < self.most and end < now:
                end += span * 8
                found = _rows(self, named[pair], seconds, start, end)
            found = found[: self.most]
        rows = [[at, *figures[:4], figures[3], figures[4], 5] for at, figures in found]
        return Reply(200, None, {}, rows, lambda made: {"error": [], "result": {pair: made, "last": 0}})

    @staticmethod
    def _id(name: str) -> str:
        return name.replace("/", "")

    def _pair(self, name: str) -> dict[str, Any]:
        base, quote = name.split("/")
        return {
            "altname": self._id(name), "wsname": name, "base": base, "quote": quote, "pair_decimals": 5,
            "lot_decimals": 8, "fees": [[0, 0.26]], "fees_maker": [[0, 0.16]], "leverage_buy": [],
            "ordermin": "0.0001", "status": "online",
        }  # fmt: skip


class Bitstamp(Provider):
    """www.bitstamp.net/api: ``start`` and ``end`` both belong to the answer."""

    limits = ((800, 60.0),)

    def is_candles(self, request: Request) -> bool:
        return request.path.startswith("/api/v2/ohlc/")

    def high(self, row: Any) -> tuple[Any, Any]:
        return row, "high"

    def respond(self, request: Request) -> Reply:
        if request.path.strip("/") == "api/v2/markets":
            return Reply(200, [self._market(name) for name in self.markets])
        named = {name.replace("/", "").lower(): name for name in self.markets}
        pair = request.path.strip("/").rsplit("/", 1)[1]
        if not self.is_candles(request) or pair not in named:
            return Reply(404, {"code": "404", "errors": []})
        params = request.params
        found = _rows(
            self, named[pair], int(params["step"]),
            int(params["start"]) * 1_000_000, int(params["end"]) * 1_000_000 + 1,
        )[: int(params["limit"])]  # fmt: skip
        names = ["timestamp", "open", "high", "low", "close", "volume"]
        rows = [dict(zip(names, [str(at), *figures], strict=True)) for at, figures in found]
        return Reply(200, None, {}, rows, lambda made: {"data": {"pair": named[pair], "ohlc": made}})

    @staticmethod
    def _market(name: str) -> dict[str, Any]:
        base, quote = name.split("/")
        return {
            "name": name, "market_symbol": name.replace("/", "").lower(), "base_currency": base,
            "base_decimals": 8, "counter_currency": quote, "counter_decimals": 2, "minimum_order_value": "10",
            "trading": "Enabled", "description": f"{base} / {quote}", "market_type": "SPOT",
        }  # fmt: skip

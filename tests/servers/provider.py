"""The base of servers that speak a provider's protocol: a real port, a table of markets, a switch for each
fault, a log of requests, and the provider's own limits, whose breaches are counted."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pandas as pd

from lib.timeframes import Timeframe
from tests.servers.faults import Fault, row_fault, spoil_body
from tests.servers.market import Market, truth, us
from tests.servers.serving import Handler, Serving
from tests.sources.clock import FakeClock

__all__ = ["Provider", "Reply", "Request", "Running"]


@dataclass
class Request:
    """One request as it came: ``at`` in seconds since 1970 by the server's clock; names of headers in
    lower case; ``target`` is the address on the wire, with its query."""

    at: float
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.target).path)

    @property
    def params(self) -> dict[str, str]:
        return {key: values[0] for key, values in parse_qs(urlsplit(self.target).query).items()}


@dataclass
class Reply:
    """``data`` is to be JSON; ``rows`` are the candles, and ``put`` makes the data of other rows."""

    status: int
    data: Any
    headers: dict[str, str] = field(default_factory=dict)
    rows: list[Any] | None = None
    put: Any = None


class Provider:
    """State and protocol. Subclasses answer requests in :meth:`respond`.

    ``key`` is the header a request must have. ``limits`` are pairs of weight and seconds, in windows of
    the server's own that begin at an odd moment; ``connections`` is how many may be opened a second.
    """

    key: tuple[str, str] | None = None
    limits: tuple[tuple[int, float], ...] = ()
    connections: int = 0
    phase = 17.3

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.markets: dict[str, Market] = {}
        self.faults: dict[int, Fault] = {}  # by number of the request for candles, from 1
        self.log: list[Request] = []
        self.asked = 0  # requests for candles
        self.over = 0  # requests and connections above a limit
        self.opened: list[float] = []
        self.skew = 0.0
        self.broken: set[int] = set()  # opens (µs) of candles whose high is below their low
        self._used: dict[tuple[int, int], int] = {}
        self._before: deque[list[Any]] = deque(maxlen=32)
        self._lock = threading.Lock()

    # ------------------------------------------------------------------------------ for subclasses

    def respond(self, request: Request) -> Reply:
        raise NotImplementedError

    def is_candles(self, request: Request) -> bool:
        raise NotImplementedError

    def high(self, row: Any) -> tuple[Any, Any]:
        """Where a row has its high: the container and the key."""
        raise NotImplementedError

    def fault_of(self, request: Request) -> Fault | None:
        """What goes wrong with a request for candles."""
        return self.faults.get(self.asked)

    def weight(self, request: Request) -> int:
        return 1

    def refusal(self, status: int) -> Any:
        """The body of an error."""
        return {"message": f"Error {status}."}

    # --------------------------------------------------------------------------------- for tests

    def add(self, symbol: str, listed: str, **more: Any) -> Market:
        market = self.markets[symbol] = Market(symbol, us(listed), **more)
        return market

    def truth(self, symbol: str, timeframe: str | Timeframe, start: str, end: str) -> pd.DataFrame:
        """The candle table of closed candles in ``[start, end)``."""
        return truth(self.markets[symbol], timeframe, start, end, self.clock.now)

    # ---------------------------------------------------------------------------------- the rest

    def answer(self, request: Request) -> tuple[Reply, bytes, str]:
        """The reply, its bytes, and the kind of its fault."""
        with self._lock:
            self.log.append(request)
            candles = self.is_candles(request)
            self.asked += candles
            fault = self.fault_of(request) if candles else None
            over = self._count(request)
        if over:
            return (made := Reply(429, self.refusal(429))), json.dumps(made.data).encode(), ""
        if self.key is not None and request.headers.get(self.key[0].lower()) != self.key[1]:
            return (made := Reply(401, self.refusal(401))), json.dumps(made.data).encode(), ""
        if fault is not None and fault.status is not None:
            return (made := self._status(fault)), json.dumps(made.data).encode(), fault.kind
        reply = self.respond(request)
        kind = fault.kind if fault else ""
        if reply.rows is not None:
            rows = row_fault(kind, reply.rows, self._earlier(reply.rows), self.high)
            self._before.append(reply.rows)
            reply.data = reply.put(rows)
        if kind == "error in 200":
            reply.data = self.refusal(500)
        return reply, spoil_body(kind, json.dumps(reply.data).encode(), reply.headers), kind

    def _earlier(self, rows: list[Any]) -> list[Any]:
        """The newest answer whose candles begin before these: with several requests under way at once, the
        one before may be of a later page, which no server sends in this one's place."""
        first = min(map(_when, rows), default=None)
        for before in reversed(self._before):
            if before and (first is None or min(map(_when, before)) < first):
                return before
        return []

    def _status(self, fault: Fault) -> Reply:
        headers = {}
        if fault.kind == "429 seconds":
            headers["Retry-After"] = "7"
        if fault.kind == "429 date":
            headers["Retry-After"] = formatdate(self.clock.now + 9, usegmt=True)
        if fault.status in (301, 302):
            headers["Location"] = "http://127.0.0.1:1/elsewhere"
        assert fault.status is not None
        return Reply(fault.status, self.refusal(fault.status), headers)

    def _count(self, request: Request) -> bool:
        now, over = self.clock.now, False
        for number, (most, seconds) in enumerate(self.limits):
            window = (number, int((now - (self.phase if seconds < 86_400 else 0)) // seconds))
            self._used[window] = self._used.get(window, 0) + self.weight(request)
            over |= self._used[window] > most
        self.over += over
        return over

    def used(self, number: int = 0) -> int:
        """What was used of a limit in its running window."""
        most, seconds = self.limits[number]
        at = self.clock.now - (self.phase if seconds < 86_400 else 0)
        return self._used.get((number, int(at // seconds)), 0)

    def connected(self) -> None:
        with self._lock:
            self.opened.append(self.clock.now)
            window = [at for at in self.opened if at > self.clock.now - 0.999]
            self.over += bool(self.connections) and len(window) > self.connections


def _when(row: Any) -> Any:
    """What a row has first, or calls by a name of time: it grows with the time."""
    if isinstance(row, list):
        return row[0]
    return next(row[name] for name in ("time", "datetime", "timestamp", "t") if name in row)


class _Handler(Handler):
    provider: Provider
    skew = 0.0

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.provider.connected()

    def date_time_string(self, timestamp: float | None = None) -> str:
        now = self.provider.clock.now + self.provider.skew + self.skew
        return formatdate(now if timestamp is None else timestamp, usegmt=True)

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.provider.clock.now, self.command, self.path, headers, body)
        reply, data, kind = self.provider.answer(request)
        self.skew = {"clock ahead": 86_400.0 * 3, "clock behind": -86_400.0 * 30}.get(kind, 0.0)
        if kind == "slow":
            time.sleep(1.0)
        try:
            self._send(reply, data, kind)
        except OSError:  # the other side has gone, as after a time-out
            self.close_connection = True

    do_POST = do_GET

    def _send(self, reply: Reply, data: bytes, kind: str) -> None:
        if kind == "closed":
            self.reset()
            return
        self.send_response(reply.status)
        headers = {"Content-Type": "application/json;charset=UTF-8", **reply.headers}
        chunked = kind == "chunk cut"
        headers |= {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(len(data))}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        half = len(data) // 2
        if chunked:
            self.wfile.write(f"{half:x}\r\n".encode() + data[:half] + b"\r\n")
            self.reset()
        elif kind == "cut":
            self.wfile.write(data[:half])
            self.reset()
        elif kind == "drip":
            # a minute passes between two pieces, by the clock that the client's deadline is read from
            self.wfile.write(data[:1])
            self.wfile.flush()
            self.provider.clock.advance(61)
            self.wfile.write(data[1:])
        else:
            self.wfile.write(data)


class Running(Serving):
    """The provider on a port of 127.0.0.1; a context manager."""

    def __init__(self, provider: Provider, port: int = 0) -> None:
        self.provider = provider
        super().__init__(_Handler, port, provider=provider)

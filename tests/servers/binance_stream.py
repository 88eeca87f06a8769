"""Binance's kline stream on a real websocket port, told from the same exchange as the REST server.

``Server(Exchange)`` sends ``/ws/<symbol>@kline_<interval>`` by the exchange's clock; with :func:`hurried`
as its ``now``, a candle of a minute closes in a second or less. Faults are switched on while it runs.
To try the app by hand: ``python -m tests.servers.binance_stream --port 8766 --rest 8765``, then start the app
with ``CANDLEBOOK_BINANCE_REST=http://127.0.0.1:8765 CANDLEBOOK_BINANCE_STREAM=ws://127.0.0.1:8766``.
"""

from __future__ import annotations

import argparse
import contextlib
import http
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server as WebsocketServer
from websockets.sync.server import ServerConnection, serve

from lib.timeframes import Timeframe, parse
from tests.servers.binance_rest import Exchange
from tests.servers.binance_rest import Server as RestServer


def hurried(start: float, speed: float = 1.0) -> Callable[[], float]:
    """A clock: ``start`` (seconds since 1970) now, and ``speed`` seconds for each real one."""
    began = time.monotonic()
    return lambda: start + speed * (time.monotonic() - began)


@dataclass
class Faults:
    """What goes wrong. ``refuse`` is an HTTP status for the handshake; ``slow`` seconds before it is
    answered; ``silent`` sends nothing; ``say`` is sent once, as it is;
    ``twice`` sends every update again; ``backwards`` sends the update before after each one;
    ``forget_last`` leaves out the updates with ``x`` true."""

    refuse: int = 0
    slow: float = 0.0
    silent: bool = False
    say: list[str | bytes] = field(default_factory=list)
    twice: bool = False
    backwards: bool = False
    forget_last: bool = False


class Server:
    """The stream on a port of 127.0.0.1; a context manager. ``connections`` counts handshakes that were
    asked for, ``open`` those that live now; ``sent`` are all klines sent, in order."""

    def __init__(self, exchange: Exchange, port: int = 0, *, every: float = 2.0) -> None:
        self.exchange = exchange
        self.faults = Faults()
        self.connections = 0
        self.sent: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self._every = every
        self._live: set[ServerConnection] = set()
        self._stop = threading.Event()
        self._server: WebsocketServer = serve(
            self._serve, "127.0.0.1", port, process_request=self._answer, compression=None, ping_interval=None
        )
        self.url = f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self.cut()
        self._server.shutdown()
        self._thread.join(5)

    @property
    def open(self) -> int:
        return len(self._live)

    def cut(self) -> None:
        """End every connection without a goodbye."""
        for connection in list(self._live):
            with contextlib.suppress(OSError):
                connection.socket.shutdown(socket.SHUT_RDWR)

    # -- the protocol

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        self.connections += 1
        self.paths.append(request.path)
        if self.faults.slow:
            self._stop.wait(self.faults.slow)
        if self.faults.refuse:
            return connection.respond(http.HTTPStatus(self.faults.refuse), "refused\n")
        return None

    def _serve(self, connection: ServerConnection) -> None:
        self._live.add(connection)
        try:
            self._stream(connection)
        except (ConnectionClosed, OSError):
            pass
        finally:
            self._live.discard(connection)

    def _stream(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        symbol, _, kind = connection.request.path.removeprefix("/ws/").partition("@kline_")
        known = symbol == symbol.lower() and symbol.upper() in self.exchange.markets
        before: dict[str, Any] | None = None
        updates = self._updates(symbol.upper(), parse(kind)) if known else iter(())
        while not self._stop.is_set():
            while self.faults.say:
                connection.send(self.faults.say.pop(0))
            event = next(updates, None) if known and not self.faults.silent else None
            if event is None:
                _until_closed(connection, 0.02)
                continue
            if event["k"]["x"] and self.faults.forget_last:
                continue
            self._send(connection, event)
            if self.faults.twice:
                self._send(connection, event)
            if self.faults.backwards and before is not None:
                self._send(connection, before)
            before = event

    def _send(self, connection: ServerConnection, event: dict[str, Any]) -> None:
        connection.send(json.dumps(event, separators=(",", ":")))
        self.sent.append(event)

    def _updates(self, symbol: str, timeframe: Timeframe) -> Iterator[dict[str, Any] | None]:
        """Events as their time comes by the exchange's clock; None while there is nothing to say."""
        market, step = self.exchange.markets[symbol], int(self._every * 1e6)
        now = int(self.exchange.now() * 1e6)
        open_us, said = self._floor(timeframe, now), 0
        while True:
            now = int(self.exchange.now() * 1e6)
            close_us = open_us + timeframe.micros
            there = len(market.opens(timeframe, open_us, open_us + 1)) > 0
            if now >= close_us:
                if there:
                    yield self._event(symbol, timeframe, open_us, close_us, closed=True)
                open_us, said = close_us, 0
            elif now >= said + step and there:
                said = now
                yield self._event(symbol, timeframe, open_us, now, closed=False)
            else:
                yield None

    def _floor(self, timeframe: Timeframe, now: int) -> int:
        return int(timeframe.floor_us(np.array([now], np.int64))[0])

    def _event(
        self, symbol: str, timeframe: Timeframe, open_us: int, now: int, *, closed: bool
    ) -> dict[str, Any]:
        """The candle as it is at ``now``: its extremes are reached in the middle of its time."""
        final = self.exchange.markets[symbol].candles(timeframe, np.array([open_us], np.int64))
        o, h, low, c, v = (float(final[name][0]) for name in ("open", "high", "low", "close", "volume"))
        part = 1.0 if closed else (now - open_us) / timeframe.micros
        if part < 1:
            c = round(o + (c - o) * part, 8)
            v = round(v * part, 8)
            if part < 0.5:
                h, low = max(o, c), min(o, c)
        figures = {"o": f"{o:.8f}", "c": f"{c:.8f}", "h": f"{h:.8f}", "l": f"{low:.8f}", "v": f"{v:.8f}"}
        k = {
            "t": open_us // 1000,
            "T": (open_us + timeframe.micros) // 1000 - 1,
            "s": symbol,
            "i": str(timeframe),
            "f": 1,
            "L": 9,
            **figures,
            "n": 9,
            "x": closed,
            "q": "1.0",
            "V": "1.0",
            "Q": "1.0",
            "B": "0",
        }
        return {"e": "kline", "E": now // 1000, "s": symbol, "k": k}


def _until_closed(connection: ServerConnection, seconds: float) -> None:
    """Wait a little; notices a connection that has ended, and passes over what the other side says."""
    try:
        connection.recv(timeout=seconds)
    except TimeoutError:
        pass


def main() -> None:
    options = argparse.ArgumentParser(description="An exchange with a stream, for trying Candlebook by hand.")
    options.add_argument("--port", type=int, default=8766)
    options.add_argument("--rest", type=int, default=8765, help="port of its REST interface")
    options.add_argument("--refuse", type=int, default=0, help="HTTP status for every handshake: 451, 503")
    options.add_argument("--silent", action="store_true", help="accept, then send nothing")
    given = options.parse_args()
    exchange = Exchange()
    exchange.add("BTCUSDT", "2019-08-17 04:00", price=30_000.0)
    exchange.add("ETHUSDT", "2019-08-17 04:00", price=2_000.0)
    with RestServer(exchange, given.rest) as rest, Server(exchange, given.port) as stream:
        stream.faults = Faults(refuse=given.refuse, silent=given.silent)
        print(f"Serving {', '.join(exchange.markets)} on {rest.url} and {stream.url}", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()

"""Binance spot's kline stream, from the host that serves market data to everybody.

Facts from github.com/binance/binance-spot-api-docs (``web-socket-streams.md``): a raw stream is
``/ws/btcusdt@kline_1m``, names in lower case; an update comes every second for ``1s`` and every two for the
rest, the last one of a candle with ``"x": true``; a connection lives 24 hours at most; the server pings
every 20 seconds (the library answers); ``serverShutdown`` asks to connect anew. A stream that does not
exist is silent: an unknown symbol is found by the REST request that seeds the chart.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import quote

import numpy as np
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
    WebSocketException,
)
from websockets.sync.client import ClientConnection, connect

from lib import settings
from lib.errors import BadAnswer, Blocked, CandlebookError, RateLimited, SourceDown
from lib.live.candle_builder import CandleUpdate, Update
from lib.live.feeds import Seed
from lib.sources.base import Source
from lib.sources.binance import Binance
from lib.timeframes import Timeframe

__all__ = ["BinanceFeed", "explain", "parse", "stream_name"]

# A little under the 24 hours after which the server ends a connection.
_LIFETIME = 23.8 * 3600
_OPEN_SECONDS = 5.0
# The year 5138 in milliseconds; what is larger counts microseconds.
_MICROSECONDS_FROM = 10**14

Tap = Callable[[str], None]


class BinanceFeed:
    """Feed of Binance spot candles. ``tap`` is given every raw message, before it is read."""

    origin = "binance stream"
    seed_origin = "binance REST"
    stale_after = 20.0
    ticks = False

    def __init__(self, base_url: str | None = None, *, tap: Tap | None = None) -> None:
        self.source: Source = Binance()
        self._base = base_url or settings.binance_stream()
        self._tap = tap

    def seed(self, symbol: str, timeframe: Timeframe, count: int) -> Seed:
        """The newest candles by REST. Raises as ``Source.recent``."""
        recent = self.source.recent(symbol, timeframe, count)
        return Seed(recent.closed, recent.forming)

    @contextmanager
    def connect(self, symbol: str, timeframe: Timeframe, since_us: int) -> Iterator[_Stream]:
        """Open the stream; it begins with the candle that is forming now."""
        address = f"{self._base}/ws/{quote(stream_name(symbol, timeframe), safe='@')}"
        with ExitStack() as stack:
            try:
                opening = connect(
                    address,
                    open_timeout=_OPEN_SECONDS,
                    close_timeout=1,
                    compression=None,
                    max_size=2**20,
                    user_agent_header="Candlebook",
                )
                socket = stack.enter_context(opening)
            except (OSError, WebSocketException) as error:
                raise explain(error) from error
            yield _Stream(socket, symbol, timeframe, self._tap)


class _Stream:
    upto_us = 0

    def __init__(self, socket: ClientConnection, symbol: str, timeframe: Timeframe, tap: Tap | None) -> None:
        self._socket, self._symbol, self._timeframe, self._tap = socket, symbol, timeframe, tap
        self._ends = time.monotonic() + _LIFETIME

    def receive(self, timeout: float) -> list[Update] | None:
        if time.monotonic() > self._ends:
            raise _renewal("Binance ends a connection after 24 hours; connecting anew.")
        try:
            text = self._socket.recv(timeout=timeout)
        except TimeoutError:
            return None
        except (OSError, WebSocketException) as error:
            raise explain(error) from error
        if isinstance(text, bytes):
            raise BadAnswer("Binance's stream sent bytes where its documentation promises text.")
        if self._tap is not None:
            self._tap(text)
        return parse(text, self._symbol, self._timeframe)


def stream_name(symbol: str, timeframe: Timeframe) -> str:
    """``btcusdt@kline_1m``."""
    return f"{symbol.lower()}@kline_{timeframe}"


def parse(text: str, symbol: str, timeframe: Timeframe) -> list[Update]:
    """The candle updates of one message, raw or wrapped by a combined stream; an empty list for answers
    to commands and for other streams' messages. Volume is in the base asset.

    >>> from lib.timeframes import parse as timeframe
    >>> parse('{"e":"kline","E":1700000002000,"s":"ETHBTC","k":{"t":1699999980000,"T":1700000039999,'
    ...       '"s":"ETHBTC","i":"1m","o":"0.05","c":"0.06","h":"0.07","l":"0.04","v":"12.5","x":false}}',
    ...       "ETHBTC", timeframe("1m"))[0].close
    0.06

    Raises ``BadAnswer`` for what the protocol does not have, ``SourceDown`` (planned) when the server is
    about to shut down.
    """
    try:
        said = json.loads(text)
    except ValueError as error:
        raise BadAnswer(f"Binance's stream sent something that is not JSON: {text[:60]!r}.") from error
    if isinstance(said, dict) and "stream" in said and "data" in said:
        said = said["data"]
    if not isinstance(said, dict):
        raise BadAnswer(f"Binance's stream sent a {type(said).__name__}, not an event: {text[:60]!r}.")
    if said.get("e") == "serverShutdown":
        raise _renewal("Binance is restarting this server; connecting anew.")
    problem = said.get("error", said if "code" in said and "msg" in said else None)
    if isinstance(problem, dict):
        raise BadAnswer(
            f"Binance's stream refused: {str(problem.get('msg'))[:200]}.", code=problem.get("code")
        )
    if said.get("e") != "kline":
        return []
    return _kline(said, symbol, timeframe)


def _kline(said: dict[str, Any], symbol: str, timeframe: Timeframe) -> list[Update]:
    try:
        k = said["k"]
        if k["s"] != symbol.upper() or k["i"] != str(timeframe):
            return []
        prices = tuple(float(k[key]) for key in "ohlc")
        update = CandleUpdate(
            open_us=_micros(k["t"]),
            open=prices[0],
            high=prices[1],
            low=prices[2],
            close=prices[3],
            volume=float(k["v"]),
            closed=k["x"] is True,
            event_us=_micros(said["E"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadAnswer(
            f"A kline event lacks a figure or has an odd one ({error!r}): {said!s:.120}"
        ) from error
    _check(update, timeframe)
    return [update]


def _check(update: CandleUpdate, timeframe: Timeframe) -> None:
    """The rules of the candle table for one candle. Raises ``BadAnswer``."""
    o, h, low, c = update.open, update.high, update.low, update.close
    finite = all(math.isfinite(price) for price in (o, h, low, c, update.volume))
    if not finite or low <= 0 or low > min(o, c) or h < max(o, c) or update.volume < 0:
        raise BadAnswer(f"Binance's stream sent a candle that cannot be: {update}.")
    if int(timeframe.floor_us(np.array([update.open_us], np.int64))[0]) != update.open_us:
        raise BadAnswer(f"Binance's stream sent a candle that opens off the grid of {timeframe}: {update}.")


def _micros(time: int) -> int:
    if type(time) is not int:
        raise TypeError(f"a time is a whole number, not {time!r}")
    return time if time >= _MICROSECONDS_FROM else time * 1000


def explain(error: Exception) -> CandlebookError:
    """Any failure of the connection as an error of ours: the one seam where they are mapped."""
    if isinstance(error, InvalidStatus):
        return _refused(error)
    if isinstance(error, ConnectionClosed):
        code = error.rcvd.code if error.rcvd is not None else None
        how = f"with code {code}" if code is not None else "without a goodbye"
        return SourceDown(f"Binance's stream ended {how}.", code=code)
    if isinstance(error, TimeoutError):
        return SourceDown(f"Binance's stream did not answer within {_OPEN_SECONDS:g} seconds.")
    if isinstance(error, InvalidURI):
        return BadAnswer("The address of Binance's stream is none; see CANDLEBOOK_BINANCE_STREAM.")
    if isinstance(error, InvalidHandshake):
        return BadAnswer(f"What answers at Binance's address speaks no websocket ({type(error).__name__}).")
    return SourceDown(f"Binance's stream cannot be reached: {_reason(error)}.")


def _refused(error: InvalidStatus) -> CandlebookError:
    status = error.response.status_code
    if status in (418, 429):
        after = error.response.headers.get("Retry-After", "")
        seconds = float(after) if after.isdecimal() else None
        return RateLimited("Binance asks for fewer connections.", retry_after=seconds, status=status)
    if status in (401, 403, 451):
        where = "for this place" if status == 451 else "for this address"
        return Blocked(
            f"Binance's stream is refused {where} (HTTP {status}).",
            remedy="The demo feed works everywhere.",
            status=status,
        )
    if status >= 500:
        return SourceDown(f"Binance's stream is out of order (HTTP {status}).", status=status)
    return BadAnswer(f"Binance's stream answered HTTP {status}.", status=status)


def _reason(error: Exception) -> str:
    """What the system says, without numbers: ``Connection refused``. The library's own words are left
    out: they may hold the address of a proxy, and that a password."""
    return str(getattr(error, "strerror", None) or type(error).__name__).rstrip(".")


def _renewal(words: str) -> SourceDown:
    return SourceDown(words, planned=True)

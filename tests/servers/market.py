"""Markets for servers of tests: candles as a function of the symbol and the candle's open alone, so that
any range can be made without the rest and every run sees the same figures."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lib.candles import from_micros
from lib.timeframes import Timeframe, parse

# 1970-01-02 was a Friday.
_FRIDAY_EVENING = (86_400 + 22 * 3600) * 1_000_000


@dataclass
class Market:
    """One symbol: ``listed`` is the open of its first candle, ``halts`` are spans without candles,
    ``delisted`` the time of its end, all in µs since the epoch. A market with ``weekends`` is closed from
    Friday 22:00 to Sunday 22:00 UTC. ``decimals`` are those of its figures."""

    symbol: str
    listed: int
    halts: tuple[tuple[int, int], ...] = ()
    delisted: int | None = None
    price: float = 100.0
    weekends: bool = False
    decimals: int = 8

    def opens(self, timeframe: Timeframe, start: int, end: int) -> np.ndarray[Any, Any]:
        """Opens of the candles there are in ``[start, end)``."""
        start = max(start, self.listed)
        end = min(end, self.delisted) if self.delisted is not None else end
        if end <= start:
            return np.empty(0, np.int64)
        opens: np.ndarray[Any, Any] = timeframe.opens(stamp(start), stamp(end)).as_unit("us").asi8
        for a, b in self.halts:
            opens = opens[(opens < a) | (opens >= b)]
        if self.weekends and timeframe.seconds <= 86_400:
            # the hours of a week from Friday 22:00, at the candle's last moment for whole days
            last = opens + (timeframe.micros - 1 if timeframe.seconds == 86_400 else 0)
            week = (last - _FRIDAY_EVENING) % (7 * 86_400_000_000)
            opens = opens[week >= 48 * 3_600_000_000]
        return opens

    def candles(self, timeframe: Timeframe, opens: np.ndarray[Any, Any]) -> dict[str, np.ndarray[Any, Any]]:
        """Figures of these candles with 8 decimals at most, so that text and float agree."""
        seed = zlib.crc32(f"{self.symbol} {timeframe}".encode())

        def level(at: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
            days = at / 86_400e6
            slow = np.sin(days / 97 + seed % 7) + 0.4 * np.sin(days / 11 + seed % 5)
            fast = 0.05 * np.sin(days * 3.1) + 0.01 * np.sin(days * 71) + 0.002 * _noise(at, seed)
            return self.price * np.exp(0.5 * slow + fast)

        o, c = level(opens), level(opens + timeframe.micros)
        spread = 0.001 * np.abs(_noise(opens, seed + 1))
        h, low = np.maximum(o, c) * (1 + spread), np.minimum(o, c) * (1 - spread)
        volume = 10 * np.abs(_noise(opens, seed + 2)) + 0.001
        named = {"open": o, "high": h, "low": low, "close": c, "volume": volume}
        return {name: np.round(values, self.decimals) for name, values in named.items()}


def _noise(at: np.ndarray[Any, Any], seed: int) -> np.ndarray[Any, Any]:
    """Figures in [-1, 1] that look random and depend on time and seed only (a multiplicative hash)."""
    mixed = (at.astype(np.uint64) // np.uint64(1_000_000) + np.uint64(seed * 2654435761 % 2**32)) * np.uint64(
        0x9E3779B97F4A7C15
    )
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return (mixed >> np.uint64(11)).astype(np.float64) / 2**52 - 1


def stamp(us: int) -> pd.Timestamp:
    return pd.Timestamp(us, unit="us", tz="UTC")


def us(text: str) -> int:
    """µs since the epoch of a UTC time written as text."""
    return int(pd.Timestamp(text, tz="UTC").value) // 1000


def truth(market: Market, timeframe: str | Timeframe, start: str, end: str, now: float) -> pd.DataFrame:
    """The candle table of closed candles in ``[start, end)`` at ``now`` (seconds since 1970)."""
    frame = parse(timeframe)
    opens = market.opens(frame, us(start), us(end))
    closed = [frame.after(stamp(int(at))).timestamp() <= now for at in opens[-40:]]
    opens = opens[: len(opens) - closed.count(False)]
    return from_micros(opens, market.candles(frame, opens))

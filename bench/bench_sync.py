"""What the program itself costs a download, and how near a download comes to what a provider allows."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from bench import Result
from lib.series import Series
from lib.sources.binance import Binance
from lib.store import open_store
from lib.sync import download
from lib.sync.holes import holes
from tests.scripted import Scripted
from tests.servers.binance_rest import Exchange, Server
from tests.sources.clock import FakeClock
from tests.store.make import candles

__all__ = ["run"]

_PAGES = 300
# Binance allows a weight of 6,000 a minute, and a page weighs 2.
_LIMIT_MS = 20.0


def run() -> list[Result]:
    return [*_costs(), *_throughput()]


def _costs() -> list[Result]:
    table = candles("1m", "2022-01-01", _PAGES * 1000)
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(str(Path(folder) / "one"))
        begun = time.perf_counter()
        download(store, Scripted({"X": table}, size=1000), "X", "1m")
        page = (time.perf_counter() - begun) / _PAGES * 1000
        begun = time.perf_counter()
        download(store, Scripted({"X": table}, size=1000), "X", "1m", table.index[0], table.index[-1])
        nothing = (time.perf_counter() - begun) * 1000
        plain = open_store(str(Path(folder) / "plain"))
        series = Series.of("scripted", "X", "1m")
        begun = time.perf_counter()
        for at in range(0, 40_000, 1000):
            plain.write(series, table.iloc[at : at + 1000], origin="t")
        merged = (time.perf_counter() - begun) / 40 * 1000
        holed = open_store(str(Path(folder) / "holed"))
        keep = np.random.default_rng(0).random(len(table)) > 0.01
        holed.write(series, table[keep], origin="t")
        begun = time.perf_counter()
        found = holes(holed, series, name="24/7")
        listed = (time.perf_counter() - begun) * 1000
    return [
        Result("Sync: a page of 1,000 minutes, kept and merged", page, "ms", "at most 20 (what Binance allows)", page <= _LIMIT_MS,
               f"each page merged at once costs {merged:.0f} ms; {_PAGES} pages"),
        Result("Sync: a whole series again", nothing, "ms", "", True, "no request, no look at a candle"),
        Result(f"Gaps of {len(table):,} stored candles with states", listed, "ms", "", True, f"{len(found):,} gaps"),
    ]  # fmt: skip


def _throughput() -> list[Result]:
    """Pages a minute, in the time of a clock that only waiting moves, against what the limit allows."""
    limit, minutes = 240, 8
    clock = FakeClock(pd.Timestamp("2024-03-15 12:00:10", tz="UTC").timestamp())
    exchange = Exchange(now=clock.time, limit=limit)
    exchange.add("BTCUSDT", "2020-01-01")
    # a little is left for others behind the same address, so that a last minute is not only begun
    pages = int(limit * 0.95) // 2 * minutes
    start = pd.Timestamp("2020-02-01", tz="UTC")
    with Server(exchange) as server, tempfile.TemporaryDirectory() as folder:
        source = Binance(server.url, clock=clock, weight_per_minute=limit)
        begun = time.perf_counter()
        end = start + pd.Timedelta(minutes=pages * 1000)
        done = download(open_store(folder), source, "BTCUSDT", "1m", start, end)
        real = time.perf_counter() - begun
    share = done.requests * 2 / ((clock.waited // 60 + 1) * limit)
    fine = exchange.limited == 0
    return [
        Result("Sync: share of the provider's limit used", share * 100, "%", "at least 90, none above it", share >= 0.9 and fine,
               f"{done.requests} requests in {clock.waited:.0f} s of the clock, {real:.0f} s in truth; refused: {exchange.limited}"),
    ]  # fmt: skip

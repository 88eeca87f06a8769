"""What the program itself costs a download, and how near a download comes to what a provider allows."""

from __future__ import annotations

import multiprocessing as mp
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench import Result
from lib.series import Series
from lib.sources.binance import KLINES_WEIGHT, WEIGHT_PER_MINUTE, Binance
from lib.sources.binance_futures import BinanceFutures
from lib.store import open_store
from lib.sync import download
from lib.sync.holes import holes
from lib.timeframes import parse
from tests.scripted import Scripted
from tests.servers import providers
from tests.servers.binance_rest import Exchange, Fault, Server
from tests.servers.provider import Running
from tests.sources.clock import FakeClock
from tests.store.make import candles

__all__ = ["run"]

_PAGES = 300
_START = pd.Timestamp("2020-02-01", tz="UTC")
_MINUTE = 60
# Candles a page where only requests are counted.
_SMALL = 20
# Seconds an answer of an exchange far away takes.
_FAR = 0.3
# Binance allows a weight of 6,000 a minute, and a page weighs 2.
_LIMIT_MS = 20.0


def run() -> list[Result]:
    return [*_costs(), *_throughput(), *_slow_network()]


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
    """What is spent of the real limits in three minutes of a clock that only waiting moves."""
    found = []
    for make, serve in ((Binance, providers.Binance), (BinanceFutures, providers.BinanceFutures)):
        clock = FakeClock(pd.Timestamp("2024-03-15 12:00:10", tz="UTC").timestamp())
        provider = serve(clock)
        provider.add("BTCUSDT", "2020-01-01")
        begun = time.perf_counter()
        with Running(provider) as running:
            source = make(running.url, clock=clock)
            # one at a time: several who wait would each move this clock
            source.page, source.ahead = _SMALL, 1
            for _ in source.pages("BTCUSDT", parse("1m"), _START, None):
                if clock.waited >= 3 * _MINUTE:
                    break
        most = provider.limits[0][0]
        spent = sum(provider.weight(one) for one in provider.log if one.at < clock.began + 3 * _MINUTE)
        share = spent / (3 * most) * 100
        found.append(
            Result(f"Sync: share of {source.title}'s limit used", share, "%", "at least 90, none above it",
                   share >= 90 and provider.over == 0,
                   f"a weight of {spent:,} in 3 minutes of {most:,} each, {len(provider.log):,} requests in "
                   f"{time.perf_counter() - begun:.0f} s in truth; above it: {provider.over}")
        )  # fmt: skip
    return found


def _slow_network() -> list[Result]:
    """A real clock, a real limit, and answers that take 300 ms each."""
    found = []
    for ahead, pages in ((1, 40), (Binance.ahead, 1500)):
        ours, its = mp.Pipe()
        server = mp.get_context("spawn").Process(target=_serve, args=(its,), daemon=True)
        server.start()
        with tempfile.TemporaryDirectory() as folder:
            source = Binance(ours.recv())
            source.ahead = ahead
            begun = time.perf_counter()
            end = _START + pd.Timedelta(minutes=pages * 1000)
            done = download(open_store(folder), source, "BTCUSDT", "1m", _START, end)
            spent = time.perf_counter() - begun
        ours.send("enough")
        above = ours.recv()
        server.join(10)
        share = pages / spent / (WEIGHT_PER_MINUTE / KLINES_WEIGHT / _MINUTE) * 100
        how = "one after another" if ahead == 1 else f"{ahead} under way"
        bar = "" if ahead == 1 else "at least 90, none above it"
        found.append(
            Result(f"Sync: share of the limit at 300 ms an answer, {how}", share, "%", bar, ahead == 1 or (share >= 90 and not above),
                   f"{pages:,} pages in {spent:.0f} s, {done.requests:,} requests; above it: {above}")
        )  # fmt: skip
    return found


def _serve(said: Connection) -> None:
    """An exchange far away, in a process of its own; tells how often it was asked above its limit."""

    class Far(Exchange):
        def answer(self, path: str, params: dict[str, str]) -> tuple[int, Any, dict[str, str], Fault | None]:
            made = super().answer(path, params)
            time.sleep(_FAR)
            return made

    there = Far()
    there.add("BTCUSDT", "2020-01-01")
    with Server(there) as server:
        said.send(server.url)
        said.recv()
        said.send(there.limited)

"""A download of 100 pages that is killed at a random moment and started again: what it cost, and what is there.
The tests do it a few times, ``python -m bench.soak_kill`` fifty times."""

from __future__ import annotations

import multiprocessing as mp
import os
import random
import signal
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import pandas as pd

from lib.series import Series
from lib.sources.binance import Binance
from lib.store import Store
from lib.store.files import LocalFiles
from lib.sync import download
from tests.servers.binance_rest import Exchange, us

PAGES = 100
SYMBOLS = ("BTCUSDT", "HALTUSDT")
START = pd.Timestamp("2023-01-10", tz="UTC")
HALTS = (
    ("2023-01-15 03:07", "2023-01-16 11:41"),
    ("2023-02-02 10:00", "2023-02-02 10:01"),
    ("2023-02-20", "2023-02-28"),
)


@dataclass(frozen=True)
class Killed:
    """``before`` and ``after`` count the requests of the two runs; ``again`` the pages fetched twice; ``stored`` candles
    were in the store as it was found, ``kept`` of them beside those in the journal."""

    symbol: str
    before: int
    after: int
    stored: int
    kept: int
    whole: bool

    @property
    def again(self) -> int:
        return self.before + self.after - PAGES


def exchange() -> Exchange:
    """Two markets, one of which was halted now and then."""
    made = Exchange()
    made.add("BTCUSDT", "2022-12-01", price=30_000.0)
    made.add("HALTUSDT", "2022-12-01", halts=tuple((us(a), us(b)) for a, b in HALTS))
    return made


def end_of(there: Exchange, symbol: str) -> pd.Timestamp:
    """Where exactly 100 pages from the start on end."""
    truth = there.truth(symbol, "1m", str(START.tz_localize(None)), "2023-06-01")
    return truth.index[PAGES * 1000]


def sync(url: str, folder: str, symbol: str, end: pd.Timestamp, said: Connection | None = None) -> int:
    """What both processes run."""
    store = Store(LocalFiles(Path(folder)))
    source = Binance(url)
    if said:
        said.send("on")
    return download(store, source, symbol, "1m", START, end).recovered


def kill_one(there: Exchange, url: str, folder: Path, symbol: str, chance: random.Random) -> Killed:
    """Kill a download of 100 pages after a random request and some milliseconds, and let it go on."""
    there.requests.clear()
    end = end_of(there, symbol)
    series = Series.of("binance", symbol, "1m")
    mine, its = mp.Pipe()
    child = mp.get_context("spawn").Process(
        target=sync, args=(url, str(folder), symbol, end, its), daemon=True
    )
    child.start()
    mine.recv()
    page, wait = chance.randrange(PAGES + 1), chance.uniform(0, 0.06)
    until = time.monotonic() + 60
    while len(there.klines) < page and time.monotonic() < until and child.is_alive():
        time.sleep(0.0005)
    time.sleep(wait)
    if child.pid and child.is_alive():
        os.kill(child.pid, signal.SIGKILL)
    child.join(30)
    time.sleep(0.02)  # a request that was on its way is counted too
    before = len(there.klines)
    store = Store(LocalFiles(folder))
    stored = sum(info.count for info in store.list() if info.series == series)
    recovered = sync(url, str(folder), symbol, end)
    after = len(there.klines) - before
    got = Store(LocalFiles(folder)).read(series)
    truth = there.truth(symbol, "1m", str(START.tz_localize(None)), str(end.tz_localize(None)))
    return Killed(symbol, before, after, stored, stored + recovered, got.equals(truth))

"""What other processes run in tests of the store. Imports little: each child pays for it."""

from __future__ import annotations

from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pandas as pd

from lib.candles import from_micros
from lib.series import Series
from lib.store import Store
from lib.store.files import LocalFiles
from tests.store.make import SERIES, candles

HOURS = Series.of("test", "K", "2h")
START = 1_262_304_000_000_000  # 2010-01-01
STEP = 7_200_000_000


def chunk(number: int) -> pd.DataFrame:
    """Three bars whose figures follow from their times; numbers walk over twelve years."""
    return bars_at({number})


def bars_at(numbers: set[int]) -> pd.DataFrame:
    every = np.array(sorted(numbers), dtype=np.int64)
    opens = START + (every % 12) * 365 * 12 * STEP + (every // 12) * 3 * STEP
    times = np.sort((opens[:, None] + np.arange(3) * STEP).ravel())
    price = 1.0 + (times // STEP % 9973)
    return from_micros(
        times, {"open": price, "high": price + 1, "low": price / 2, "close": price, "volume": price}
    )


def write_chunks(folder: str, numbers: list[int], said: Connection | None = None) -> None:
    store = Store(LocalFiles(Path(folder)))
    for number in numbers:
        store.write(HOURS, chunk(number), origin="t")
        if said:
            said.send(number)


def append_bars(folder: str, count: int) -> None:
    store = Store(LocalFiles(Path(folder)))
    more = candles("1m", "2024-01-01", 3000 + count, seed=1)
    for number in range(3000, 3000 + count):
        store.write(SERIES, more.iloc[number : number + 1], origin="t")


def take_turns(folder: str, other: Connection) -> None:
    """Write what is asked for, and tell all that is stored then, until there is nothing more."""
    store = Store(LocalFiles(Path(folder)))
    while (number := other.recv()) is not None:
        store.write(HOURS, chunk(number), origin="t")
        other.send((store.read(HOURS)["close"].tolist(), store.info(HOURS).count, store.revision(HOURS)))


def write_and_look(folder: str, numbers: list[int], said: Connection) -> None:
    """Write, and see one's own bars at once, and never fewer than before; tell how many were others'."""
    store = Store(LocalFiles(Path(folder)))
    mine: set[int] = set()
    seen = 0
    for number in numbers:
        store.write(HOURS, chunk(number), origin="t")
        mine.add(number)
        found = store.read(HOURS)
        own = bars_at(mine)
        assert own.index.isin(found.index).all()
        assert len(found) >= seen
        seen = len(found)
        assert len(store.read(HOURS, last=5)) == min(5, seen)
    said.send(seen - 3 * len(mine))

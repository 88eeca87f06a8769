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

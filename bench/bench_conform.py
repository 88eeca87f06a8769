"""What conform costs against sorting the same rows."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from bench import Result
from lib.candles import COLUMNS, conform
from lib.timeframes import parse

ROWS = 1_000_000


def run() -> list[Result]:
    ordered = _rows()
    mixed = ordered.sample(frac=1, random_state=1).reset_index(drop=True)
    frame = parse("1m")
    sort = _median(lambda: mixed.sort_values("time"))
    shuffled = _median(lambda: conform(mixed, frame))
    sorted_ = _median(lambda: conform(ordered, frame))
    ratio = shuffled / sort
    return [
        Result(
            "conform, 1,000,000 rows in any order, against sorting them", ratio, "x", "at most 3", ratio <= 3,
            f"{shuffled * 1000:.0f} ms; DataFrame.sort_values {sort * 1000:.0f} ms",
        ),
        Result(
            "conform, the same rows in order already", sorted_ / sort, "x", "at most 3", sorted_ / sort <= 3,
            f"{sorted_ * 1000:.0f} ms",
        ),
    ]  # fmt: skip


def _rows() -> pd.DataFrame:
    random = np.random.default_rng(1)
    price = 100 * np.exp(np.cumsum(random.normal(0, 1e-4, ROWS)))
    columns = dict(zip(COLUMNS, (price, price * 1.001, price * 0.999, price, price), strict=True))
    return pd.DataFrame(
        {"time": pd.date_range("2022-01-01", periods=ROWS, freq="1min", tz="UTC", unit="us"), **columns}
    )


def _median(call: Callable[[], object], times: int = 5) -> float:
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        call()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)

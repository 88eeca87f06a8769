"""Files of candles for tests, written here: a few rows in any dialect."""

from __future__ import annotations

import numpy as np
import pandas as pd

HEADER = "time,open,high,low,close,volume\n"


def rows(count: int = 6, time: str = "2024-01-{:02d}", rest: str = ",1.5,2.5,1.25,2.0,10") -> str:
    """``count`` rows; ``time`` is formatted with 1, 2, 3 ..."""
    return "".join(time.format(n) + rest + "\n" for n in range(1, count + 1))


def table(count: int = 200, step: str = "1h", start: str = "2024-03-01", seed: int = 1) -> pd.DataFrame:
    """A candle table of made-up candles with five decimals."""
    random = np.random.default_rng(seed)
    close = (1.1 + np.cumsum(random.normal(0, 0.001, count))).round(5)
    open_ = np.r_[close[0], close[:-1]]
    index = pd.date_range(start, periods=count, freq=step, tz="UTC", unit="us", name="time")
    return pd.DataFrame(
        {
            "open": open_,
            "high": (np.maximum(open_, close) + 0.0005).round(5),
            "low": (np.minimum(open_, close) - 0.0005).round(5),
            "close": close,
            "volume": random.integers(0, 9999, count).astype(float),
        },
        index=index,
    )

"""Indicators: all that TA-Lib has, against TA-Lib called directly on the same arrays in the same run; and
what a live page computes at each update."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from time import perf_counter

import numpy as np
import pandas as pd
import talib

from bench import Result
from lib.indicators import REGISTRY, Pick, compute, parse_list

LIVE = parse_list("ema(21);rsi(14);macd(12,26,9);bbands(20,2);vwap(1)")


def run() -> list[Result]:
    return [*_against_talib(1_000_000), *map(_live, (500, 2_000, 20_000)), _import()]


def candles(count: int) -> pd.DataFrame:
    """A random walk of minutes: the same figures in every run."""
    rng = np.random.default_rng(7)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 1e-3, count)))
    opened = np.concatenate((close[:1], close[:-1]))
    high = np.maximum(opened, close) * (1 + rng.random(count) * 1e-3)
    low = np.minimum(opened, close) * (1 - rng.random(count) * 1e-3)
    times = pd.date_range("2020", periods=count, freq="1min", tz="UTC", unit="us", name="time")
    columns = {"open": opened, "high": high, "low": low, "close": close, "volume": rng.random(count) * 100}
    return pd.DataFrame(columns, index=times)


def _direct(table: pd.DataFrame) -> dict[str, Callable[[], object]]:
    h, lo, c, v = (table[name].to_numpy() for name in ("high", "low", "close", "volume"))
    return {
        "sma": lambda: talib.SMA(c, 20),
        "ema": lambda: talib.EMA(c, 21),
        "bbands": lambda: talib.BBANDS(c, 20, 2.0, 2.0),
        "psar": lambda: talib.SAR(h, lo, 0.02, 0.2),
        "rsi": lambda: talib.RSI(c, 14),
        "macd": lambda: talib.MACD(c, 12, 26, 9),
        "stoch": lambda: talib.STOCH(h, lo, c, 14, 3, 0, 3, 0),
        "atr": lambda: talib.ATR(h, lo, c, 14),
        "adx": lambda: (talib.ADX(h, lo, c, 14), talib.PLUS_DI(h, lo, c, 14), talib.MINUS_DI(h, lo, c, 14)),
        "cci": lambda: talib.CCI(h, lo, c, 20),
        "willr": lambda: talib.WILLR(h, lo, c, 14),
        "mfi": lambda: talib.MFI(h, lo, c, v, 14),
        "obv": lambda: talib.OBV(c, v),
    }


def _against_talib(count: int) -> list[Result]:
    table = candles(count)
    direct = _direct(table)
    theirs = {name: _best(call) for name, call in direct.items()}
    ours = {name: _best(lambda name=name: compute(table, [Pick.of(name)])) for name in REGISTRY}
    shared, rest = sum(ours[name] for name in direct), [name for name in REGISTRY if name not in direct]
    ratio = shared / sum(theirs.values())
    each = ", ".join(f"{name} {ours[name] * 1e3:.0f}/{theirs[name] * 1e3:.0f}" for name in direct)
    return [
        Result(
            "indicators, 1M candles, against TA-Lib", ratio, "x", "at most 3", ratio <= 3,
            f"{shared * 1e3:.0f} ms against {sum(theirs.values()) * 1e3:.0f} ms; each in ms: {each}",
        ),
        Result(
            "indicators TA-Lib lacks, 1M candles", sum(ours[name] for name in rest) * 1e3, "ms", "", True,
            ", ".join(f"{name} {ours[name] * 1e3:.0f} ms" for name in rest),
        ),
    ]  # fmt: skip


def _live(count: int) -> Result:
    table = candles(count)
    value = _best(lambda: compute(table, LIVE), times=50) * 1e3
    # 3% of a core at 2 updates a second leaves 15 ms for each; indicators may have half.
    picks = " ".join(map(str, LIVE))
    return Result(f"5 indicators, {count:,} candles", value, "ms", "at most 7.5", value <= 7.5, picks)


def _import() -> Result:
    """What ``import lib.indicators`` adds to a process that has pandas already."""
    code = (
        "import sys; from time import perf_counter; import pandas; begun = perf_counter(); "
        "import lib.indicators; print(perf_counter() - begun); "
        "assert 'talib' not in sys.modules and 'pandas_ta_classic' not in sys.modules"
    )
    ran = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(3)
    ]
    value = min(float(each.stdout) for each in ran) * 1e3
    return Result("import lib.indicators", value, "ms", "at most 100", value <= 100, "after pandas")


def _best(call: Callable[[], object], times: int = 5) -> float:
    best = float("inf")
    for _ in range(times):
        begun = perf_counter()
        call()
        best = min(best, perf_counter() - begun)
    return best


if __name__ == "__main__":
    for result in run():
        print(result)

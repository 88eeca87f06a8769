"""Gaps: a series of ten million minutes against its calendar, and against pandas' date_range and difference;
and the report on the quality of as many."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import numpy as np
import pandas as pd

from bench import Result
from lib.calendars import Calendar, calendar
from lib.candles import from_micros
from lib.gaps import by_day, find_gaps, look
from lib.quality import report
from lib.timeframes import parse

COUNT = 10_000_000
MINUTE = parse("1m")


def run() -> list[Result]:
    found = [_planted(name) for name in ("24/7", "forex", "XNYS")]
    found.append(_thin())
    found.append(_picture())
    found.append(_report())
    return found


def opens(market: Calendar, count: int = COUNT) -> np.ndarray:
    """The last ``count`` minutes of the market before 2026."""
    end = pd.Timestamp("2026-01-01", tz="UTC")
    per_year = {"24/7": 525_000, "forex": 375_000}.get(market.name, 97_000)
    return market.expected(MINUTE, end - pd.DateOffset(years=count // per_year + 1), end)[-count:]


def plant(times: np.ndarray, gaps: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Which minutes stay, and where the gaps begin: of 1 to 60 minutes, none touching another."""
    rng = np.random.default_rng(5)
    firsts = np.sort(rng.choice(len(times) // 100 - 2, gaps, replace=False)) * 100 + 50
    keep = np.ones(len(times), bool)
    for first, long in zip(firsts, rng.integers(1, 49, gaps), strict=True):
        keep[first : first + long] = False
    return keep, firsts


def best(call: Callable[[], object], times: int = 3) -> float:
    took = []
    for _ in range(times):
        begun = perf_counter()
        call()
        took.append(perf_counter() - begun)
    return min(took)


def naive(index: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """How it is usually done; right for a market that never closes only."""
    return pd.date_range(index[0], index[-1], freq="1min", unit="us").difference(index)


def _planted(name: str) -> Result:
    market = calendar(name)
    every = opens(market)
    keep, firsts = plant(every)
    times = every[keep]
    gaps = find_gaps(times, MINUTE, market)
    right = np.array_equal(gaps.starts, every[firsts]) and gaps.missing == int((~keep).sum())
    took = best(lambda: find_gaps(times, MINUTE, market))
    index = pd.DatetimeIndex(times.view("datetime64[us]")).tz_localize("UTC")
    theirs = best(lambda: naive(index), 1)
    detail = (
        f"{len(times):,} minutes, {len(firsts):,} planted gaps, {'all found and no other' if right else 'NOT as planted'}; "
        f"date_range and difference: {theirs:.2f} s, {theirs / took:.0f} times as long, and for 24/7 only"
    )
    return Result(f"gaps, 10M minutes, {name}", took, "s", "under 1", right and took < 1, detail)


def _thin() -> Result:
    """The worst there is: every other minute, at random, is a gap of its own."""
    market = calendar("24/7")
    every = opens(market)
    times = every[np.random.default_rng(3).random(len(every)) < 0.5]
    took = best(lambda: find_gaps(times, MINUTE, market), 2)
    count = len(find_gaps(times, MINUTE, market))
    return Result("gaps, half of 10M minutes missing", took, "s", "", True, f"{count:,} gaps")


def _picture() -> Result:
    market = calendar("forex")
    times = opens(market)
    kept = look(times, MINUTE, market)
    took = best(lambda: by_day(kept)) * 1e3
    return Result(
        "coverage by day of 10M minutes", took, "ms", "", True, f"{len(by_day(kept).edges) - 1:,} days"
    )


def _report() -> Result:
    market = calendar("24/7")
    times = opens(market)
    rng = np.random.default_rng(7)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 3e-4, len(times))))
    opened = np.concatenate((close[:1], close[:-1]))
    top, low = np.maximum(opened, close), np.minimum(opened, close)
    columns = {
        "open": opened,
        "high": top * (1 + rng.random(len(times)) * 1e-4),
        "low": low * (1 - rng.random(len(times)) * 1e-4),
        "close": close,
        "volume": rng.random(len(times)) + 1,
    }
    table = from_micros(times, columns)
    took = best(lambda: report(table, MINUTE, market), 2)
    found = report(table, MINUTE, market).findings
    detail = f"a random walk without faults: {len(found)} findings"
    return Result("quality report, 10M minutes", took, "s", "under 10", took < 10 and not found, detail)

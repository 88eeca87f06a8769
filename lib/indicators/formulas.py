"""How each indicator is computed: a function of its name, candles and parameters in, one float64 array
for each output out, as long as the candles.

pandas-ta-classic with TA-Lib underneath (``talib=True``) where it has that path and its answer holds;
where it is not used, the function says why. Every one keeps the law of ``compute``: a value depends on
its own and earlier bars alone, and in the same arithmetic however many bars follow.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from itertools import islice
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import talib

from lib.candles import micros
from lib.timeframes import parse, trading_days

with warnings.catch_warnings():
    # While it is imported, 0.8 asks pandas 3 for the day of the year by a name that pandas gives up.
    warnings.simplefilter("ignore", DeprecationWarning)
    import pandas_ta_classic as ta

__all__ = ["FORMULAS"]

Array = np.ndarray[Any, Any]
Formula = Callable[..., tuple[Array, ...]]

# Values worked on at once: with their temporaries they fit into a processor's second cache.
_CACHED = 16_384
_DAY = 22 * 3600 * 10**6
_LONG = 400 * _DAY


def sma(candles: pd.DataFrame, length: float) -> tuple[Array, ...]:
    return (_array(ta.sma(candles["close"], int(length), talib=True)),)


def ema(candles: pd.DataFrame, length: float) -> tuple[Array, ...]:
    return (_ema(candles["close"], length),)


def rsi(candles: pd.DataFrame, length: float) -> tuple[Array, ...]:
    return (_array(ta.rsi(candles["close"], int(length), talib=True)),)


def macd(candles: pd.DataFrame, fast: float, slow: float, signal: float) -> tuple[Array, ...]:
    """Appel's: EMA(fast) - EMA(slow), each as :func:`ema` gives it, so that the line is the difference
    of the two averages a reader can draw. TA-Lib's MACD starts its fast average late, at the slow one's
    first bar, and hides the line until the signal is there; the library's own path is a slow loop.
    """
    line = _ema(candles["close"], fast) - _ema(candles["close"], slow)
    started = int(slow) - 1
    average = np.full(len(line), np.nan)
    if len(line) - started >= signal:
        average[started:] = _ema(pd.Series(line[started:]), signal)
    return line, average, line - average


def bbands(candles: pd.DataFrame, length: float, deviations: float) -> tuple[Array, ...]:
    """Population deviation, as Bollinger. TA-Lib (and ``talib=True``) takes it as the difference of two
    large running sums and rounds variances below 1e-14 down to 0: bands vanish for prices such as
    0.00001, and lose their digits where a price moves little. The library's own path takes 30x as long.
    """
    (middle,) = sma(candles, length)
    band = deviations * _over_windows(candles["close"].to_numpy(), int(length), _deviations)
    return middle + band, middle, middle - band


def stoch(candles: pd.DataFrame, k: float, smooth: float, d: float) -> tuple[Array, ...]:
    frame = ta.stoch(*_prices(candles), k=int(k), d=int(d), smooth_k=int(smooth), talib=True)
    return _array(frame.iloc[:, 0]), _array(frame.iloc[:, 1])


def atr(candles: pd.DataFrame, length: float) -> tuple[Array, ...]:
    return (_array(ta.atr(*_prices(candles), length=int(length), talib=True)),)


def adx(candles: pd.DataFrame, length: float) -> tuple[Array, ...]:
    frame = ta.adx(*_prices(candles), length=int(length), talib=True)
    return _array(frame.iloc[:, 0]), _array(frame.iloc[:, 1]), _array(frame.iloc[:, 2])


def obv(candles: pd.DataFrame) -> tuple[Array, ...]:
    """Starts from the first bar's volume."""
    return (_array(ta.obv(candles["close"], candles["volume"], talib=True)),)


def vwap(candles: pd.DataFrame, session: float) -> tuple[Array, ...]:
    """Sessions are cut in UTC, where coarser candles are cut, too: not at an exchange's open, nor for currencies at
    New York's 17:00, so that Sunday evening's hours end their week. Candles of a day and longer go by their trading
    days: London's Monday opens at 23:00 UTC on Sunday in summer. The library cuts them by ``to_period``, which drops the
    zone with a warning and takes 10x as long."""
    grid = parse({1: "1d", 2: "1w", 3: "1M"}[int(session)])
    times = micros(candles)
    starts = grid.floor_us(np.where(_daily(times), trading_days(times), times))
    which = np.cumsum(np.concatenate(([0], starts[1:] != starts[:-1])))
    volume = candles["volume"].reset_index(drop=True)
    money = volume * _typical(candles)
    return (_array(money.groupby(which).cumsum() / volume.groupby(which).cumsum()),)


def _daily(times: Array) -> Array:
    """Whether no two candles so far opened within less than 22 hours: a day when clocks change has 23. A first
    candle goes with the second."""
    least = np.minimum.accumulate(np.diff(times, prepend=times[:1] - _LONG))
    if len(least) > 1:
        least[0] = least[1]
    daily: Array = least >= _DAY
    return daily


def supertrend(candles: pd.DataFrame, length: float, multiplier: float) -> tuple[Array, ...]:
    """A band holds while the last close has not left it, and moves only towards the price; the line is
    the lower band until a close at or under it, then the upper one until a close above it. Starts as
    the first close lies to the middle of its bar.

    The library's loop takes 5x as long, puts 0 into the warm-up and lets go of a band while the price
    is on the other side of it.
    """
    high, low, close = (series.to_numpy() for series in _prices(candles))
    first = int(length)
    middle, reach = (high + low) / 2, multiplier * atr(candles, length)[0]
    uppers, lowers, closes = (middle + reach).tolist(), (middle - reach).tolist(), close.tolist()
    line = np.full(len(close), np.nan)
    line[first:] = _follow(uppers, lowers, closes, first, rising=bool(close[first] >= middle[first]))
    return (line,)


def _follow(
    uppers: list[float], lowers: list[float], closes: list[float], first: int, *, rising: bool
) -> list[float]:
    # Each bar needs the one before, so it stays a loop; over plain lists, 0.2 s for a million bars.
    line: list[float] = []
    upper, lower, before = uppers[first], lowers[first], closes[first - 1]
    rows = zip(
        islice(uppers, first, None), islice(lowers, first, None), islice(closes, first, None), strict=True
    )
    for next_upper, next_lower, close in rows:
        if next_upper < upper or before > upper:
            upper = next_upper
        if next_lower > lower or before < lower:
            lower = next_lower
        rising = close > lower if rising else close > upper
        line.append(lower if rising else upper)
        before = close
    return line


def ichimoku(candles: pd.DataFrame, tenkan: float, kijun: float, senkou: float) -> tuple[Array, ...]:
    """The spans stand on the bar they are drawn at, ``kijun`` bars after the ranges they come from; the
    lagging line is the close of its own bar, which the chart draws ``kijun`` bars to the left: to move
    it here would put a later close on an earlier row. The library's function does, and also counts
    every time of the index to guess the days ahead.
    """
    conversion, base, wide = (_middle(candles, int(length)) for length in (tenkan, kijun, senkou))
    ahead = int(kijun)
    return (
        conversion,
        base,
        _later((conversion + base) / 2, ahead),
        _later(wide, ahead),
        _array(candles["close"]),
    )


def psar(candles: pd.DataFrame, acceleration: float, maximum: float) -> tuple[Array, ...]:
    """TA-Lib itself: the library's ``talib=True`` splits its points over two columns by the side of the
    price they are on, and putting them together again takes 5x as long as the points."""
    return (talib.SAR(candles["high"].to_numpy(), candles["low"].to_numpy(), acceleration, maximum),)


def cci(candles: pd.DataFrame, length: float) -> tuple[Array, ...]:
    return (_array(ta.cci(*_prices(candles), length=int(length), talib=True)),)


def willr(candles: pd.DataFrame, length: float) -> tuple[Array, ...]:
    return (_array(ta.willr(*_prices(candles), length=int(length), talib=True)),)


def mfi(candles: pd.DataFrame, length: float) -> tuple[Array, ...]:
    """TA-Lib (and ``talib=True``) gives 0 where the money of a window is below 1, as it is for pairs
    quoted in bitcoin; the library's own path takes 10x as long and lets what has left the window
    linger in a running sum."""
    typical = _typical(candles)
    money = typical * candles["volume"].to_numpy()
    change = np.diff(typical, prepend=typical[0])
    unknown = np.isnan(money)
    gained = _over_windows(np.where((change > 0) | unknown, money, 0.0), int(length), _sums)
    lost = _over_windows(np.where((change < 0) | unknown, money, 0.0), int(length), _sums)
    values = 100 * gained / (gained + lost)
    values[: int(length)] = np.nan
    return (values,)


# ------------------------------------------------------------------------------------------------- parts


def _array(series: pd.Series) -> Array:
    """A copy: what pandas lends may not be written to, and may be the candles' own."""
    values: Array = series.to_numpy(dtype=np.float64, copy=True)
    return values


def _prices(candles: pd.DataFrame) -> tuple[pd.Series, pd.Series, pd.Series]:
    return candles["high"], candles["low"], candles["close"]


def _typical(candles: pd.DataFrame) -> Array:
    high, low, close = (series.to_numpy() for series in _prices(candles))
    typical: Array = (high + low + close) / 3
    return typical


def _ema(series: pd.Series, length: float) -> Array:
    if len(series) < length:
        return np.full(len(series), np.nan)
    return _array(ta.ema(series, int(length), talib=True))


def _middle(candles: pd.DataFrame, length: int) -> Array:
    if len(candles) < length:
        return np.full(len(candles), np.nan)
    if length == 1:  # TA-Lib's begins at 2
        return _array((candles["high"] + candles["low"]) / 2)
    return _array(ta.midprice(candles["high"], candles["low"], length, talib=True))


def _later(values: Array, by: int) -> Array:
    moved = np.full(len(values), np.nan)
    moved[by:] = values[:-by]
    return moved


def _over_windows(values: Array, length: int, measure: Callable[[Array, Array], Array]) -> Array:
    """One figure for each window of ``length`` values; NaN for the first rows and while a NaN is in the
    window. Values are laid in rows of ``length``, after a row of NaN: a window is then the left part of
    one row and the right part of the row before, and ``measure`` is given those two (many rows of each;
    as many as stay in the processor's cache)."""
    rows = -(-len(values) // length)
    blocks = np.full((rows + 1, length), np.nan)
    blocks.reshape(-1)[length : length + len(values)] = values
    figures = np.empty((rows, length))
    step = max(1, _CACHED // length)
    for at in range(0, rows, step):
        figures[at : at + step] = measure(blocks[at + 1 : at + step + 1], blocks[at : min(at + step, rows)])
    return figures.reshape(-1)[: len(values)]


def _sums(within: Array, before: Array) -> Array:
    """Sums over windows. Nothing is ever subtracted, so nothing of what has left a window lingers in it,
    and each sum is as exact as adding it alone. O(1) for each value."""
    sums: Array = np.cumsum(within, axis=1)
    sums[:, :-1] += np.cumsum(before[:, :0:-1], axis=1)[:, ::-1]
    return sums


def _deviations(within: Array, before: Array) -> Array:
    """Population standard deviations over windows. Values are taken from the first of their row, so
    that squares are of moves, not of prices."""
    length, anchor = within.shape[1], within[:, :1]
    within, before = within - anchor, before - anchor
    mean = _sums(within, before) / length
    spread = _sums(within * within, before * before) / length - mean * mean
    deviations: Array = np.sqrt(np.maximum(spread, 0))
    return deviations


FORMULAS: Mapping[str, Formula] = MappingProxyType(
    {
        each.__name__: each
        for each in (
            sma, ema, bbands, vwap, supertrend, ichimoku, psar, rsi,
            macd, stoch, atr, adx, cci, willr, mfi, obv,
        )
    }
)  # fmt: skip

"""Every indicator written straight from its definition, bar by bar over plain lists: slow, and computed
by nothing that Candlebook uses. None stands for no value."""

from __future__ import annotations

from math import sqrt

import pandas as pd

Values = list[float | None]


def sma(bars: pd.DataFrame, length: int) -> list[Values]:
    close = list(bars["close"])
    return [
        [_mean(close[at - length + 1 : at + 1]) if at >= length - 1 else None for at in range(len(close))]
    ]


def ema(bars: pd.DataFrame, length: int) -> list[Values]:
    return [_ema(list(bars["close"]), length)]


def bbands(bars: pd.DataFrame, length: int, deviations: float) -> list[Values]:
    close = list(bars["close"])
    upper: Values = []
    middle: Values = []
    lower: Values = []
    for at in range(len(close)):
        if at < length - 1:
            bands: tuple[float | None, ...] = (None, None, None)
        else:
            window = close[at - length + 1 : at + 1]
            mean = _mean(window)
            width = deviations * sqrt(sum((value - mean) ** 2 for value in window) / length)
            bands = (mean + width, mean, mean - width)
        for series, value in zip((upper, middle, lower), bands, strict=True):
            series.append(value)
    return [upper, middle, lower]


def vwap(bars: pd.DataFrame, session: int) -> list[Values]:
    values: Values = []
    before, money, volume = None, 0.0, 0.0
    for time, typical, traded in zip(bars.index, _typical(bars), bars["volume"], strict=True):
        key = {1: time.date(), 2: time.isocalendar()[:2], 3: (time.year, time.month)}[int(session)]
        if key != before:
            before, money, volume = key, 0.0, 0.0
        money, volume = money + typical * traded, volume + traded
        values.append(money / volume)
    return [values]


def supertrend(bars: pd.DataFrame, length: int, multiplier: float) -> list[Values]:
    values: Values = []
    ranges = atr(bars, length)[0]
    upper = lower = before = None
    rising = True
    for bar, reach in zip(bars.itertuples(), ranges, strict=True):
        if reach is None:
            values.append(None)
        else:
            middle = (bar.high + bar.low) / 2
            high, low = middle + multiplier * reach, middle - multiplier * reach
            if upper is None:
                upper, lower, rising = high, low, bar.close >= middle
            else:
                upper = high if before > upper else min(high, upper)
                lower = low if before < lower else max(low, lower)
            rising = bar.close > (lower if rising else upper)
            values.append(lower if rising else upper)
        before = bar.close
    return [values]


def ichimoku(bars: pd.DataFrame, tenkan: int, kijun: int, senkou: int) -> list[Values]:
    def middle(length: int, at: int) -> float | None:
        if at < length - 1:
            return None
        window = slice(at - length + 1, at + 1)
        return (max(bars["high"].iloc[window]) + min(bars["low"].iloc[window])) / 2

    rows = range(len(bars))
    conversion, base = [middle(tenkan, at) for at in rows], [middle(kijun, at) for at in rows]
    both = [None if a is None or b is None else (a + b) / 2 for a, b in zip(conversion, base, strict=True)]
    ahead: Values = [None] * kijun
    span_a = (ahead + both)[: len(bars)]
    span_b = (ahead + [middle(senkou, at) for at in rows])[: len(bars)]
    return [conversion, base, span_a, span_b, list(bars["close"])]


def psar(bars: pd.DataFrame, step: float, most: float) -> list[Values]:
    high, low = list(bars["high"]), list(bars["low"])
    fall = low[0] - low[1]
    rising = not (fall > 0 and fall > high[1] - high[0])
    extreme, factor, point = (high[1], step, low[0]) if rising else (low[1], step, high[0])
    values: Values = [None]
    for at in range(1, len(bars)):
        two = slice(max(at - 1, 1), at + 1)  # the first bar only sets the start
        if (low[at] <= point) if rising else (high[at] >= point):
            point = max(extreme, *high[two], high[at]) if rising else min(extreme, *low[two], low[at])
            rising, factor = not rising, step
            extreme = high[at] if rising else low[at]
            values.append(point)
        else:
            values.append(point)
            further = high[at] > extreme if rising else low[at] < extreme
            if further:
                extreme = high[at] if rising else low[at]
                factor = min(factor + step, most)
        point += factor * (extreme - point)
        point = min(point, *low[two], low[at]) if rising else max(point, *high[two], high[at])
    return [values]


def rsi(bars: pd.DataFrame, length: int) -> list[Values]:
    close = list(bars["close"])
    moves = [b - a for a, b in zip(close, close[1:], strict=False)]
    gains = _wilder([max(move, 0.0) for move in moves], length)
    losses = _wilder([max(-move, 0.0) for move in moves], length)
    return [[None, *(_share(a, b) for a, b in zip(gains, losses, strict=True))]]


def macd(bars: pd.DataFrame, fast: int, slow: int, signal: int) -> list[Values]:
    close = list(bars["close"])
    pairs = zip(_ema(close, fast), _ema(close, slow), strict=True)
    line = [None if a is None or b is None else a - b for a, b in pairs]
    known = [value for value in line if value is not None]
    average: Values = [None] * (len(line) - len(known)) + _ema(known, signal)
    rest = [None if b is None or a is None else a - b for a, b in zip(line, average, strict=True)]
    return [line, average, rest]


def stoch(bars: pd.DataFrame, length: int, smooth: int, d: int) -> list[Values]:
    raw = [
        100 * (bar - min(low)) / (max(high) - min(low))
        for bar, high, low in _windows(bars, length)
    ]  # fmt: skip
    fast = [_mean(raw[at - smooth + 1 : at + 1]) for at in range(smooth - 1, len(raw))]
    slow = [_mean(fast[at - d + 1 : at + 1]) for at in range(d - 1, len(fast))]
    return [_pad(fast[d - 1 :], len(bars)), _pad(slow, len(bars))]


def atr(bars: pd.DataFrame, length: int) -> list[Values]:
    return [[None, *_wilder(_ranges(bars), length)]]


def adx(bars: pd.DataFrame, length: int) -> list[Values]:
    ups = [b - a for a, b in zip(bars["high"], bars["high"].iloc[1:], strict=False)]
    downs = [a - b for a, b in zip(bars["low"], bars["low"].iloc[1:], strict=False)]
    plus = _sums([u if u > d and u > 0 else 0.0 for u, d in zip(ups, downs, strict=True)], length)
    minus = _sums([d if d > u and d > 0 else 0.0 for u, d in zip(ups, downs, strict=True)], length)
    ranges = _sums(_ranges(bars), length)
    plus_di = [100 * a / b for a, b in zip(plus, ranges, strict=True)]
    minus_di = [100 * a / b for a, b in zip(minus, ranges, strict=True)]
    dx = [100 * abs(a - b) / (a + b) for a, b in zip(plus_di, minus_di, strict=True)]
    rows = len(bars)
    index = [value for value in _wilder(dx, length) if value is not None]
    return [_pad(index, rows), _pad(plus_di, rows), _pad(minus_di, rows)]


def cci(bars: pd.DataFrame, length: int) -> list[Values]:
    typical = _typical(bars)
    values = []
    for at in range(length - 1, len(typical)):
        window = typical[at - length + 1 : at + 1]
        mean = _mean(window)
        values.append((typical[at] - mean) / (0.015 * _mean([abs(value - mean) for value in window])))
    return [_pad(values, len(bars))]


def willr(bars: pd.DataFrame, length: int) -> list[Values]:
    values = [
        -100 * (max(high) - bar) / (max(high) - min(low))
        for bar, high, low in _windows(bars, length)
    ]  # fmt: skip
    return [_pad(values, len(bars))]


def mfi(bars: pd.DataFrame, length: int) -> list[Values]:
    typical = _typical(bars)
    volume = list(bars["volume"])
    gained = [b * v if b > a else 0.0 for a, b, v in zip(typical, typical[1:], volume[1:], strict=False)]
    lost = [b * v if b < a else 0.0 for a, b, v in zip(typical, typical[1:], volume[1:], strict=False)]
    values = [
        _share(sum(gained[at - length + 1 : at + 1]), sum(lost[at - length + 1 : at + 1]))
        for at in range(length - 1, len(gained))
    ]
    return [_pad(values, len(bars))]


def obv(bars: pd.DataFrame) -> list[Values]:
    close, volume = list(bars["close"]), list(bars["volume"])
    total = volume[0]
    values: Values = [total]
    for at in range(1, len(close)):
        total += volume[at] * ((close[at] > close[at - 1]) - (close[at] < close[at - 1]))
        values.append(total)
    return [values]


# ------------------------------------------------------------------------------------------------ parts


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _typical(bars: pd.DataFrame) -> list[float]:
    return [(bar.high + bar.low + bar.close) / 3 for bar in bars.itertuples()]


def _ranges(bars: pd.DataFrame) -> list[float]:
    rows = list(bars.itertuples())
    return [
        max(now.high, before.close) - min(now.low, before.close)
        for before, now in zip(rows, rows[1:], strict=False)
    ]


def _windows(bars: pd.DataFrame, length: int) -> list[tuple[float, list[float], list[float]]]:
    close, high, low = list(bars["close"]), list(bars["high"]), list(bars["low"])
    return [
        (close[at], high[at - length + 1 : at + 1], low[at - length + 1 : at + 1])
        for at in range(length - 1, len(close))
    ]


def _ema(values: list[float], length: int) -> Values:
    made: Values = [None] * (length - 1)
    average = _mean(values[:length])
    made.append(average)
    for value in values[length:]:
        average += 2 / (length + 1) * (value - average)
        made.append(average)
    return made


def _wilder(values: list[float], length: int) -> Values:
    made: Values = [None] * (length - 1)
    average = _mean(values[:length])
    made.append(average)
    for value in values[length:]:
        average += (value - average) / length
        made.append(average)
    return made


def _sums(values: list[float], length: int) -> list[float]:
    """Wilder's running sum, with the first of length - 1 values, as TA-Lib seeds it."""
    total = sum(values[: length - 1])
    made = []
    for value in values[length - 1 :]:
        total += value - total / length
        made.append(total)
    return made


def _share(gained: float | None, lost: float | None) -> float | None:
    return None if gained is None or lost is None else 100 * gained / (gained + lost)


def _pad(values: list[float] | Values, rows: int) -> Values:
    return [None] * (rows - len(values)) + list(values)

"""Against TA-Lib called directly, over all that it has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.indicators import REGISTRY, Pick, compute
from tests.indicators.made import picks, walk

Direct = Callable[..., Any]


def i(value: float) -> int:
    return int(value)


SAME: dict[str, Direct] = {
    "sma": lambda h, lo, c, v, n: talib.SMA(c, i(n)),
    "ema": lambda h, lo, c, v, n: talib.EMA(c, i(n)),
    "rsi": lambda h, lo, c, v, n: talib.RSI(c, i(n)),
    "stoch": lambda h, lo, c, v, k, s, d: talib.STOCH(h, lo, c, i(k), i(s), 0, i(d), 0),
    "atr": lambda h, lo, c, v, n: talib.ATR(h, lo, c, i(n)),
    "adx": lambda h, lo, c, v, n: (talib.ADX(h, lo, c, i(n)), talib.PLUS_DI(h, lo, c, i(n)),
                                   talib.MINUS_DI(h, lo, c, i(n))),
    "psar": lambda h, lo, c, v, step, most: talib.SAR(h, lo, step, most),
    "cci": lambda h, lo, c, v, n: talib.CCI(h, lo, c, i(n)),
    "willr": lambda h, lo, c, v, n: talib.WILLR(h, lo, c, i(n)),
    "obv": lambda h, lo, c, v: talib.OBV(c, v),
}  # fmt: skip
# Ours are computed otherwise, for reasons their functions give: equal but for rounding.
NEAR: dict[str, Direct] = {
    "bbands": lambda h, lo, c, v, n, k: talib.BBANDS(c, i(n), k, k),
    "mfi": lambda h, lo, c, v, n: talib.MFI(h, lo, c, v, i(n)),
}


@pytest.mark.parametrize("name", [*SAME, *NEAR])
@settings(max_examples=20)
@given(data=st.data())
def test_values(name: str, data: st.DataObject) -> None:
    pick = data.draw(picks(name))
    bars = walk(300, seed=data.draw(st.integers(0, 100)))
    columns = [bars[column].to_numpy() for column in ("high", "low", "close", "volume")]
    theirs = np.atleast_2d({**SAME, **NEAR}[name](*columns, *pick.params))
    ours = compute(bars, [pick]).to_numpy().T
    if name in SAME:
        assert np.array_equal(ours, theirs, equal_nan=True)
    else:
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9, equal_nan=True)


def test_macd_differs_only_in_how_its_fast_average_starts() -> None:
    # TA-Lib's begins at the slow average's first bar, ours at its own, as in the published sheets.
    bars = walk(400)
    ours = compute(bars, [Pick.of("macd")]).to_numpy()
    theirs = np.column_stack(talib.MACD(bars["close"].to_numpy(), 12, 26, 9))
    apart = np.abs(ours - theirs)[33:]
    assert np.isnan(theirs[:33]).all()
    assert apart[0].max() > 1e-4
    assert (
        apart.max(axis=1) <= bars["close"].max() * 0.1 * (11 / 13) ** np.arange(len(apart)) * 10 + 1e-12
    ).all()
    average = talib.EMA(bars["close"].to_numpy(), 12) - talib.EMA(bars["close"].to_numpy(), 26)
    assert np.array_equal(ours[:, 0], average, equal_nan=True)


def test_all_that_talib_has_is_compared() -> None:
    assert set(REGISTRY) - set(SAME) - set(NEAR) == {"macd", "vwap", "supertrend", "ichimoku"}

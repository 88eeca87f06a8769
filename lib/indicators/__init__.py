"""Indicators: one registry, and one function that computes them.

Live, history and replay all use :func:`compute`, so that a value never depends on the page. Its law:
what it gives for the first n candles is what it gives for all of them, cut at n, to the last bit. No
value looks ahead, none is filled, and the warm-up stays NaN.

>>> picks = parse_list("ema(21);macd(12,26,9)")
>>> values = compute(candles, picks)          # doctest: +SKIP
>>> list(values.columns)                      # doctest: +SKIP
['ema(21)', 'macd(12,26,9).macd', 'macd(12,26,9).signal', 'macd(12,26,9).histogram']

Adding one: an entry in ``registry``, a function of its name in ``formulas``, and a table of values that
someone else computed under ``tests/indicators``.
"""

from __future__ import annotations

from lib.indicators.docs import markdown_table
from lib.indicators.picks import QUICK, Pick, format_list, parse_list
from lib.indicators.registry import REGISTRY, Indicator, Output, Param
from lib.indicators.values import compute

__all__ = [
    "QUICK",
    "REGISTRY",
    "Indicator",
    "Output",
    "Param",
    "Pick",
    "compute",
    "format_list",
    "markdown_table",
    "parse_list",
]

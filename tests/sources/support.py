"""Small things that the tests of several adapters share."""

from __future__ import annotations

import pandas as pd

from lib.sources.base import Source
from lib.timeframes import parse


def at(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


def whole(source: Source, symbol: str, timeframe: str, start: str | None, end: str | None) -> pd.DataFrame:
    """All candles of a range, by its pages."""
    low, high = (None if text is None else at(text) for text in (start, end))
    return pd.concat([page.table for page in source.pages(symbol, parse(timeframe), low, high)])


def same(got: pd.DataFrame, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(got, expected, check_freq=False, check_exact=True)

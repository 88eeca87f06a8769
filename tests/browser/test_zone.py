"""The chart's calendar: what a candle is called, the same as in Python."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd
from playwright.sync_api import Page

from lib.chart.assets import FRONTEND
from lib.timeframes import parse, trading_days
from lib.ui import words


def asked(page: Page, call: str, values: list[Any]) -> list[Any]:
    """What a function of the module gives for each value."""
    source = "data:text/javascript," + quote((FRONTEND / "zone.js").read_text())
    made = page.evaluate(
        f"async ([source, values]) => {{ const m = await import(source); return values.map({call}); }}",
        [source, values],
    )
    return list(made)


def test_days_are_called_by_their_trading_day(page: Page) -> None:
    half_hours = pd.date_range("1969-12-30", "1970-01-04", freq="30min", unit="us")
    times = np.concatenate([half_hours.asi8, half_hours.asi8 + 60 * 10**6 * 17])
    assert asked(page, "m.tradingDay", [int(time // 10**6) for time in times]) == [
        int(day // 10**6) for day in trading_days(times)
    ]
    opens = [pd.Timestamp(text) for text in ("2024-04-30 00:00+01:00", "2024-05-01 00:00+01:00", "2024-05-01 09:30-04:00",
                                             "2024-05-01 00:00+12:00", "2024-05-01 00:00Z")]  # fmt: skip
    seconds = [int(time.timestamp()) for time in opens]
    said = asked(page, 'at => m.calendarOf("America/New_York", 86400).full(at)', seconds)
    assert said == ["Tue 30 Apr 2024", *["Wed 1 May 2024"] * 4]
    # the first of May is the first of its month on the axis
    assert asked(page, 'at => m.calendarOf("", 86400).tick(at, 60)', seconds) == ["Apr", *["May"] * 4]
    assert [words.day(time, parse("1d")) for time in opens] == ["2024-04-30", *["2024-05-01"] * 4]
    assert [words.day(time, parse("1h")) for time in opens[:2]] == ["2024-04-29", "2024-04-30"]


def test_shorter_candles_are_called_by_their_open(page: Page) -> None:
    opened = int(pd.Timestamp("2024-04-30 23:00Z").timestamp())
    assert asked(page, 'at => m.calendarOf("Europe/London", 3600).full(at)', [opened]) == [
        "Wed 1 May 2024 00:00"
    ]
    assert asked(page, 'at => m.calendarOf("UTC", 3600).full(at)', [opened]) == ["Tue 30 Apr 2024 23:00"]

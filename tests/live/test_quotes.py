"""A broker's quotes beside a feed: answers that were worked out by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pandas as pd

from lib.live.quotes import Quoted
from lib.sources.base import Quote

START = pd.Timestamp("2024-05-01 10:00", tz="UTC")


class Broker:
    """Quotes 0.3 above the feed, 0.2 apart, a second later each time."""

    name = title = docs = "broker"
    asked = 0

    def quote(self, symbol: str) -> Quote:
        self.asked += 1
        middle = 100.3 + self.asked
        return Quote(symbol, middle - 0.1, middle + 0.1, START + pd.Timedelta(seconds=self.asked))

    def symbols(self) -> tuple[str, ...]:
        return ("X",)


def feed(price: float | None, at: pd.Timestamp | None) -> Any:
    return SimpleNamespace(price=price, last_message_at=at)


def test_the_offset_is_what_the_quotes_are_apart() -> None:
    quoted = Quoted(Broker(), "X")
    assert quoted.offset() is None
    for n in range(1, 13):
        assert quoted.take(feed(100.0 + n, START + pd.Timedelta(seconds=n))).bid == 100.2 + n
    found = quoted.offset()
    assert found is not None and found.samples == 12
    assert abs(found.offset - 0.3) < 1e-9 and found.sure


def test_a_silent_feed_tells_nothing() -> None:
    quoted = Quoted(Broker(), "X")
    quoted.take(feed(None, None))
    quoted.take(feed(101.0, START - pd.Timedelta(minutes=10)))
    assert quoted.offset() is None

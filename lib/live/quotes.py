"""A broker's quotes beside the prices of a feed: how far apart the two are, and how sure that is."""

from __future__ import annotations

from collections import deque

import pandas as pd

from lib.comparison import Offset, quote_offset
from lib.errors import InputError
from lib.live.snapshot import Snapshot
from lib.sources.base import Quote, Quotes

__all__ = ["Quoted"]

# An hour of quotes, one every ten seconds.
_KEPT = 360


class Quoted:
    """Samples of one symbol at a broker and one feed; the newest :data:`_KEPT` count."""

    def __init__(self, quotes: Quotes, symbol: str) -> None:
        self.symbol = symbol
        self._quotes = quotes
        self._samples: deque[tuple[pd.Timestamp, float, float, pd.Timestamp, float]] = deque(maxlen=_KEPT)

    def take(self, snapshot: Snapshot) -> Quote:
        """Ask the broker once, and set its quote beside what the feed said last, where it said anything.
        A request: some 100 ms. Raises what ``quote`` raises."""
        quote = self._quotes.quote(self.symbol)
        price, at = snapshot.price, snapshot.last_message_at
        if price is not None and at is not None:
            self._samples.append((quote.time, quote.bid, quote.ask, at, price))
        return quote

    def offset(self) -> Offset | None:
        """What to add to the feed's prices to come to the broker's; None while nothing tells."""
        try:
            return quote_offset(self._samples)
        except InputError:
            return None

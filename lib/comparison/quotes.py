"""How far a broker's live quotes are from a series."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lib.errors import InputError

__all__ = ["Offset", "quote_offset"]


@dataclass(frozen=True, slots=True)
class Offset:
    """What to add to the series' prices to come to the broker's: the median of the ``samples`` differences;
    ``spread`` is their median absolute deviation and ``low`` to ``high`` holds the true median in 95% of cases.
    ``sure`` where there are at least 10 and that span is narrower than the quotes' own bid to ask."""

    offset: float
    spread: float
    low: float
    high: float
    samples: int
    sure: bool
    text: str


def quote_offset(
    samples: Iterable[tuple[pd.Timestamp, float, float, pd.Timestamp, float]], most: float = 120.0
) -> Offset:
    """A broker's live quotes against the series: each sample is (the quote's time, bid, ask, the time at which the
    series' last close was made, that close). A close more than ``most`` seconds from its quote is not used.

    The offset is the median of (bid + ask) / 2 - close: one wild quote moves it little. Its span is the order
    statistics that hold the true median in 95% of cases (binomial, normal approximation).

    Raises ``InputError`` where no sample is usable.
    """
    apart, wide = [], []
    for at, bid, ask, closed_at, close in samples:
        fine = np.isfinite([bid, ask, close]).all() and 0 < bid <= ask and close > 0
        if fine and abs((at - closed_at).total_seconds()) <= most:
            apart.append((bid + ask) / 2 - close)
            wide.append(ask - bid)
    if not apart:
        raise InputError(
            "No quote can be set beside a close of the series.",
            remedy=f"Both must be live: quote and close lie at most {most:g} seconds apart.",
        )
    values = np.sort(np.array(apart))
    middle = float(np.median(values))
    spread = float(np.median(np.abs(values - middle)))
    reach = 0.98 * np.sqrt(len(values))
    low = float(values[max(0, int(np.floor(len(values) / 2 - reach)))])
    high = float(values[min(len(values) - 1, int(np.ceil(len(values) / 2 + reach)))])
    sure = len(values) >= 10 and high - low <= float(np.median(wide))
    text = (
        f"Add {middle:+.6g} to the series: the median of {len(values)} quotes, "
        f"{low:+.6g} to {high:+.6g}{'' if sure else '; too few or too far apart to rely on'}."
    )
    return Offset(middle, spread, low, high, len(values), sure, text)

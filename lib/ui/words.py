"""Figures and times in words, the same on every page. Pure text; no streamlit."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lib.quality import share_text
from lib.timeframes import Timeframe, from_us, to_us, trading_days
from lib.wording import count

__all__ = ["age", "count", "day", "duration", "moment", "number", "percent", "price", "share", "size", "when"]

_STEPS = ((86400 * 365.25, "year"), (86400 * 30.44, "month"), (86400, "day"), (3600, "hour"), (60, "minute"))


def age(then: pd.Timestamp, now: pd.Timestamp) -> str:
    """How long ago, to one unit: ``3 hours ago``."""
    seconds = (now - then).total_seconds()
    for length, name in _STEPS:
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {name}{'s' if count != 1 else ''} ago"
    return "just now"


def day(time: pd.Timestamp, timeframe: Timeframe | None = None) -> str:
    """The UTC date; of a candle of a day or longer the date of its trading day, wherever the reader sits."""
    if timeframe is not None and timeframe.seconds >= 86400:
        time = from_us(int(trading_days(np.array([to_us(time)], np.int64))[0]))
    return f"{time.tz_convert('UTC'):%Y-%m-%d}"


def when(time: pd.Timestamp, zone: str | None) -> str:
    """A time in a zone (an IANA name; None is UTC), to the minute."""
    return f"{time.tz_convert(zone or 'UTC'):%Y-%m-%d %H:%M}"


def moment(text: str) -> pd.Timestamp | None:
    """What an address says of a time, UTC where it names no zone; None where it says none."""
    try:
        found = pd.Timestamp(text)
        found = found.tz_localize("UTC") if found.tzinfo is None else found.tz_convert("UTC")
    except ValueError:
        return None
    return None if found is pd.NaT else found


def number(value: float | None) -> str:
    """Large figures short: 1.25M. A dash where there is none."""
    if value is None:
        return "–"
    for size_, sign in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size_:
            return f"{value / (1e3 if sign == 'k' else size_):,.2f}{sign}"
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def percent(value: float | None, *, signed: bool = True) -> str:
    """0.0512 as +5.12%."""
    if value is None:
        return "–"
    return f"{value * 100:{'+' if signed else ''},.2f}%"


def share(value: float | None) -> str:
    """0.9987 as 99.8%, cut; a dash where there is none."""
    return "–" if value is None else share_text(value)


def price(value: float, digits: int) -> str:
    """A price with its decimals: 1,234.50."""
    return f"{value:,.{digits}f}"


def size(count: int) -> str:
    """Bytes for people."""
    for length, name in ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB")):
        if count >= length:
            return f"{count / length:.1f} {name}"
    return f"{count} bytes"


def duration(seconds: float) -> str:
    """A length of time to come, to one unit: ``2 minutes``."""
    for length, name in ((3600, "hour"), (60, "minute")):
        if seconds >= length * 1.5:
            return f"about {round(seconds / length)} {name}s"
    return f"about {max(1, round(seconds))} s"

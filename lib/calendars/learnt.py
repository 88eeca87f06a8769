"""A calendar learnt from data: the quarters of an hour of the week in which bars usually are."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lib.calendars.runs import Array, stamps
from lib.calendars.sessions import DAY, HOUR
from lib.calendars.weekly import Week, local_slots
from lib.errors import InputError
from lib.timeframes import Timeframe

__all__ = ["learnt"]

_WEEK = 7 * DAY
_SLOT = HOUR // 4
_ZONES = ("UTC", "America/New_York", "Europe/London")
_FEWEST_WEEKS = 4


def learnt(times: Array | pd.DatetimeIndex, timeframe: Timeframe, zones: tuple[str, ...] = _ZONES) -> Week:
    """The week in which these bars come: open is each quarter of an hour in which, in at least half of the
    weeks, a bar was. On the wall clock of UTC, New York or London, whichever gives the sharpest pattern: the
    least sum of p(1 - p) over the shares p of weeks; UTC where they tie, as in data of one season.

    It knows no holidays, and what is missing in more than half of the weeks it takes for closed. Bars of a day
    give days of the week, longer ones every day. O(n).

    Raises ``InputError`` for bars that span less than four weeks.
    """
    opens = stamps(times)
    weeks = (int(opens[-1]) - int(opens[0]) + timeframe.micros) / _WEEK if len(opens) else 0.0
    if weeks < _FEWEST_WEEKS:
        raise InputError(
            f"A calendar is learnt from at least {_FEWEST_WEEKS} weeks of candles; these span {weeks:.1f}.",
            remedy="Choose one: 24/7, forex, 24/5 or an exchange such as XNYS.",
        )
    if timeframe.seconds > 86400:
        return _named("UTC", np.ones(_WEEK // _SLOT, bool))
    if timeframe.seconds == 86400:
        zones = ("UTC",)
    shares = {zone: _shares(opens, timeframe, zone, weeks) for zone in zones}
    zone = min(zones, key=lambda each: round(float((shares[each] * (1 - shares[each])).sum()), 1))
    return _named(zone, shares[zone] >= 0.5)


def _shares(opens: Array, timeframe: Timeframe, zone: str, weeks: float) -> Array:
    """For each quarter of an hour of the week: in which share of the weeks a bar was there."""
    slots = _WEEK // _SLOT
    wide = max(1, timeframe.micros // _SLOT)
    # one time for each slot and week: what is shorter than a slot is counted once
    firsts = opens[np.flatnonzero(np.diff(opens // _SLOT, prepend=-1))]
    counts = np.bincount(local_slots(firsts, zone, _SLOT), minlength=slots)
    spread = np.zeros(slots)
    for ahead in range(wide):
        spread += np.roll(counts, ahead)
    shares: Array = np.clip(spread / weeks, 0.0, 1.0)
    return shares


def _named(zone: str, is_open: Array) -> Week:
    edges = np.flatnonzero(np.diff(is_open.astype(np.int8), prepend=0, append=0))
    spans: list[tuple[int, int, int]] = []
    for first, last in zip(edges[::2] * _SLOT, edges[1::2] * _SLOT, strict=True):
        # a span is a day's at most, so that it has one date
        cuts = [int(first), *range(int(first) // DAY * DAY + DAY, int(last), DAY), int(last)]
        spans += [(a, b, a // DAY * DAY) for a, b in zip(cuts, cuts[1:], strict=False)]
    open_for = sum(b - a for a, b, _ in spans) / HOUR
    clock = "" if open_for >= 168 else f" on the clock of {zone}"
    title = f"Learnt from the data: {open_for:g} hours a week{clock}, holidays unknown"
    return Week("learnt", title, zone, tuple(spans))

"""Exchanges: sessions, holidays, early closes and lunch breaks as exchange_calendars records them.

That library is loaded when the first exchange is asked for (half a second), and a schedule is worked out once
for each code and span of decades (0.1 to 0.2 s for most codes).
"""

from __future__ import annotations

import difflib
import threading
import warnings
from functools import cache, lru_cache
from typing import Any

import numpy as np
import pandas as pd

from lib.calendars.mending import mend
from lib.calendars.runs import Array, stamps
from lib.calendars.sessions import DAY, Calendar, Sessions
from lib.errors import InputError, UnknownName

__all__ = ["Exchange", "codes", "exchange"]

# Two threads that build one calendar at once would each pay for it; and what warnings say is set for all.
_LOCK = threading.RLock()
_FOREVER = (np.datetime64("1900-01-01"), np.datetime64("2100-01-01"))


class Exchange(Calendar):
    """One exchange's calendar. Its schedule reaches as far as it is asked, within what is recorded."""

    halts = True

    def __init__(self, code: str) -> None:
        made = _build(code, None, None)
        self.name = code
        self.title = f"{code}, sessions on the clock of {made.tz}"
        self.zone = str(made.tz)
        self._bounds = (_bound(made, "bound_min"), _bound(made, "bound_max"))
        first, last = self._bounds
        self.known = (
            None if first is None else int(first.astype("datetime64[us]").astype(np.int64)),
            None if last is None else int(last.astype("datetime64[us]").astype(np.int64)) + DAY,
        )

    def sessions(self, start: int, end: int) -> Sessions:
        """The spans that reach into ``[start, end)``, µs; none where nothing is recorded."""
        # a decade at each end, so that views that move by a day share one schedule
        low = max(_decade(start - 7 * DAY, 0), self._bounds[0] or _FOREVER[0])
        high = min(_decade(end + 7 * DAY, 1), self._bounds[1] or _FOREVER[1])
        if low >= high:
            return Sessions.none()
        with _LOCK:
            return _schedule(self.name, str(low), str(high)).within(start, end)


@lru_cache(maxsize=64)
def exchange(code: str) -> Exchange:
    """The calendar of an exchange by its code, such as XNYS, or another name of it, such as NYSE.

    Raises ``UnknownName`` with the nearest names; ``InputError`` where the library cannot build it.
    """
    if code not in codes():
        near = difflib.get_close_matches(code.upper(), codes(), n=3, cutoff=0.5)
        raise UnknownName(
            f"There is no calendar {code!r}.",
            remedy=(f"Did you mean {' or '.join(near)}? " if near else "")
            + "Others are 24/7, 24/5, 23/5, forex and the codes of exchanges, such as XNYS or XLON.",
            calendar=code,
        )
    with _LOCK:
        return Exchange(code)


@cache
def codes() -> tuple[str, ...]:
    """Every code and every other name of one, sorted."""
    names = _library().get_calendar_names(include_aliases=True)
    return tuple(sorted(name for name in names if name not in ("24/7", "24/5")))


def _decade(time: int, later: int) -> np.datetime64:
    """The first day of the decade that holds the time, or of one ``later``."""
    year = pd.Timestamp(time, unit="us").year // 10 * 10 + later * 10
    return np.datetime64(f"{year:04d}-01-01", "D")


def _bound(made: Any, which: str) -> np.datetime64 | None:
    try:
        bound = getattr(made, which)()
    except NotImplementedError:
        return None
    return None if bound is None else np.datetime64(bound.date(), "D")


@cache
def _library() -> Any:
    import exchange_calendars

    mend()
    return exchange_calendars


def _build(code: str, start: str | None, end: str | None) -> Any:
    with warnings.catch_warnings():
        # what the library's own code is warned of by pandas says nothing to the reader
        warnings.simplefilter("ignore")
        try:
            return _library().get_calendar(code, start=start, end=end)
        except (ValueError, NotImplementedError) as error:
            raise InputError(
                f"The installed exchange_calendars cannot work out the calendar {code}"
                + (f" from {start} to {end}" if start else "")
                + f": {str(error).splitlines()[0][:200]}",
                remedy="Choose another calendar, or one learnt from the data.",
                calendar=code,
            ) from error


@lru_cache(maxsize=32)
def _schedule(code: str, start: str, end: str) -> Sessions:
    table = _build(code, start, end).schedule
    dates = stamps(pd.DatetimeIndex(table.index))
    opens, closes, lunch, back = (
        stamps(pd.DatetimeIndex(table[name])) for name in ("open", "close", "break_start", "break_end")
    )
    broken = np.flatnonzero(pd.DatetimeIndex(table["break_start"]).notna())
    return Sessions(
        _insert(opens, broken, back),
        _insert(closes, broken, lunch, before=True),
        _insert(dates, broken, dates),
    )


def _insert(values: Array, broken: Array, other: Array, *, before: bool = False) -> Array:
    """The morning's and the afternoon's: ``other`` goes before or after the value of a session with a break."""
    return np.insert(values, broken if before else broken + 1, other[broken])

"""The rules of a candle table, each over all rows at once; what breaks one is noted with its row and line."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lib.candles.report import LISTED, Finding
from lib.candles.table import COLUMNS, NO_TIME, PRICES, Array
from lib.errors import InternalError
from lib.timeframes import Timeframe, trading_days

__all__ = ["Log", "check_grid", "check_overlap", "check_same", "check_values", "figures_fine", "spotless"]

_PIECE = 2**17  # rows looked at together


def figures_fine(named: dict[str, Array]) -> bool:
    """Whether no rule is broken by any of the four prices, or by a volume where there is one."""
    o, h, lo, c = (named[name] for name in PRICES)
    fine = not len(o) or _fine_prices(o, h, lo, c)
    return fine and ("volume" not in named or not len(o) or _fine_volume(named["volume"]))


def spotless(times: Array, named: dict[str, Array], timeframe: Timeframe, *, fine: bool = False) -> bool:
    """Whether nothing is to be sorted, merged or found in times (µs) and figures: the usual case, told in
    pieces that stay in a core's cache. ``fine``: :func:`figures_fine` has said so of the figures. False may also
    mean that a closer look is needed."""
    step = timeframe.micros if not timeframe.is_calendar and timeframe.unit != "w" else 0
    if not len(times) or not step or times[0] == NO_TIME or times[0] % timeframe.grid_us != 0:
        return False
    for at in range(0, len(times), _PIECE):
        if not fine and not figures_fine({name: named[name][at : at + _PIECE] for name in COLUMNS}):
            return False
        apart = np.diff(times[max(at - 1, 0) : at + _PIECE])
        others = apart[apart != step]
        if len(others) and (others.min() < step or (others % step).any()):
            return False
    return True


def _fine_prices(o: Array, h: Array, lo: Array, c: Array) -> bool:
    with np.errstate(invalid="ignore"):  # a NaN fails every comparison
        between = (h >= o).all() and (h >= c).all() and (lo <= o).all() and (lo <= c).all()
        return bool(between and lo.min() > 0 and h.max() < np.inf)


def _fine_volume(volume: Array) -> bool:
    with np.errstate(invalid="ignore"):
        if volume.min() >= 0 and volume.max() < np.inf:
            return True
        return not ((volume < 0).any() or np.isinf(volume).any())


class Log:
    """Collects which rows broke which rule, in the sorted order, and words the first of each."""

    def __init__(
        self, times: Array, unit: int, order: Array | None, lines: Array | None, named: dict[str, Array]
    ) -> None:
        self.times, self.unit, self.order, self.lines, self.named = times, unit, order, lines, named
        self.bad = np.zeros(len(times), bool)
        self.counts: dict[str, int] = {}
        self.findings: list[Finding] = []

    def add(self, rule: str, mask: Array, value: str, message: str) -> None:
        """``value`` names the column shown; ``message`` may use ``{time}`` and the columns' names."""
        rows = np.flatnonzero(mask)
        if not len(rows):
            return
        self.bad |= mask
        self.counts[rule] = self.counts.get(rule, 0) + len(rows)
        for at in rows[:LISTED]:
            self.findings.append(self._word(rule, int(at), value, message))

    def _word(self, rule: str, at: int, value: str, message: str) -> Finding:
        row = int(self.order[at]) if self.order is not None else at
        tick = int(self.times[at])
        time = None
        if tick != NO_TIME:
            time = pd.Timestamp(tick * (10**9 // self.unit) // 1000, unit="us", tz="UTC")
        figures = _told_apart({name: float(values[at]) for name, values in self.named.items()})
        shown = figures.get(value, str(time) if time is not None else "no time")
        text = message.format(time=f"{time:%Y-%m-%d %H:%M:%S}" if time is not None else "?", **figures)
        line = int(self.lines[row]) if self.lines is not None else None
        return Finding(rule, row, line, time, shown, text)


def _told_apart(figures: dict[str, float]) -> dict[str, str]:
    """Figures as texts: short, but with all their digits where two that differ would look the same."""
    short = {name: f"{value:.10g}" for name, value in figures.items()}
    whole = {name: repr(value) for name, value in figures.items()}
    return short if len(set(short.values())) == len(set(whole.values())) else whole


def check_values(log: Log, named: dict[str, Array]) -> None:
    """Prices that are there, above zero, and between low and high; a volume that can be one."""
    o, h, lo, c, v = (named[name] for name in COLUMNS)
    top = np.maximum(np.maximum(o, c), lo)
    bottom = np.minimum(np.minimum(o, c), h)
    # One pass decides the usual case, that all is well: a NaN fails every comparison.
    with np.errstate(invalid="ignore"):
        fine = (h >= top) & (lo <= bottom) & (lo > 0) & (h < np.inf)
        volume_fine = ~(v < 0) & ~np.isinf(v)
        if fine.all() and volume_fine.all():
            return
        for name in PRICES:
            log.add("missing", np.isnan(named[name]), name, f"The {name} price is missing.")
        for name in PRICES:
            log.add("infinite", np.isinf(named[name]), name, f"The {name} price is infinite.")
            log.add(
                "not positive", named[name] <= 0, name,
                f"The {name} price is {{{name}}}; a price is above zero.",
            )  # fmt: skip
        log.add(
            "high",
            h < top,
            "high",
            "The high {high} is below another price (open {open}, low {low}, close {close}).",
        )
        log.add(
            "low",
            (lo > bottom) & (h >= top),
            "low",
            "The low {low} is above another price (open {open}, close {close}).",
        )
        log.add(
            "volume", ~volume_fine, "volume", "The volume is {volume}; it cannot be negative or infinite."
        )


def check_grid(log: Log, times: Array, usable: Array, unit: int, timeframe: Timeframe) -> None:
    """Where a candle may open: on the grid's finest step, and in step with the rest of the table.

    Sessions and clock changes move all candles of a span together, so a phase that many candles share
    is a session's; one that few share, on a table where another rules, is a fault.
    """
    grid = timeframe.grid_us * unit // 10**6
    if grid == 0:  # seconds given for a grid below a second cannot happen: the finest grid is 1 s
        raise InternalError("The finest grid is one second.")
    step = timeframe.seconds * unit if not timeframe.is_calendar else grid
    if len(times) and usable.all() and timeframe.unit != "w" and step % grid == 0:
        phase = times % step  # the usual case in one pass: all candles in step, on the grid
        if phase[0] % grid == 0 and (phase == phase[0]).all():
            return
    off = usable & (times % grid != 0)
    where = "a candle of " + timeframe.words + " opens"
    log.add("grid", off, "time", "{time} is not where " + where + ".")
    usable = usable & ~off
    if timeframe.is_calendar or timeframe.unit == "w":
        return
    length = timeframe.seconds * unit
    phases = times % length
    first = phases[usable][:1]
    if not len(first) or (phases[usable] == first[0]).all():
        return
    values, inverse, counts = np.unique(phases[usable], return_inverse=True, return_counts=True)
    ruling = int(values[counts.argmax()])
    hour = 3600 * unit
    apart = np.abs(values - ruling)
    clock_change = (np.minimum(apart, length - apart) == hour) & (length > hour)
    few = (counts * 20 < counts.sum()) & (values != ruling) & ~clock_change
    if few.any():
        odd = np.zeros(len(times), bool)
        odd[np.flatnonzero(usable)[few[inverse]]] = True
        log.add(
            "grid", odd, "time", "{time} is out of step with the other candles of " + timeframe.words + "."
        )


def check_same(log: Log, times: Array, named: dict[str, Array], conflicts: str) -> tuple[int, Array]:
    """Rows at one time: count the exact duplicates, and find the conflicts. Sorted, so O(n)."""
    extra = np.zeros(len(times), bool)
    same_time = np.zeros(len(times), bool)
    if len(times) > 1:
        same_time[1:] = times[1:] == times[:-1]
    if not same_time.any():
        return 0, extra
    group = np.cumsum(~same_time) - 1
    members = np.flatnonzero(same_time | np.append(same_time[1:], False))
    members = members[~log.bad[members]]
    frame = pd.DataFrame({name: values[members] for name, values in named.items()})
    frame["group"] = group[members]
    repeated = frame.duplicated(keep="first").to_numpy()
    extra[members[repeated]] = True
    rest = members[~repeated]
    several = pd.Series(group[rest]).duplicated(keep=False).to_numpy()
    clashing = rest[several]
    if len(clashing):
        if conflicts == "refuse":
            mask = np.zeros(len(times), bool)
            mask[clashing] = True
            log.add(
                "conflict", mask, "close",
                "There are other figures for {time} on another line "
                "(here open {open}, high {high}, low {low}, close {close}, volume {volume}).",
            )  # fmt: skip
        else:
            losing = pd.Series(group[clashing]).duplicated(keep=conflicts).to_numpy()
            mask = np.zeros(len(times), bool)
            mask[clashing[losing]] = True
            log.add("conflict", mask, "close", "There are other figures for {time}; those were taken.")
    return int(repeated.sum()), extra


def check_overlap(log: Log, times_us: Array, usable: Array, timeframe: Timeframe) -> None:
    """Candles that open before the one before has closed."""
    at = np.flatnonzero(usable)
    if len(at) < 2:
        return
    short = np.diff(times_us[at]) < timeframe.micros
    if not short.any():
        return
    if timeframe.unit == "w":
        # stamped with a week's last trading day, as many are: a Thursday before Good Friday comes early
        short &= np.diff(timeframe.floor_us(trading_days(times_us[at]))) == 0
    elif timeframe.seconds > 3600:
        # local candles of 2h and more come an hour early once a year, when the clocks go forward
        short &= np.diff(times_us[at]) < timeframe.micros - 3600 * 10**6
    mask = np.zeros(len(times_us), bool)
    mask[at[1:][short]] = True
    log.add("overlap", mask, "time", "{time} comes before the candle before it has closed.")

"""The candle table: the one thing everything passes.

A **candle table** is a DataFrame indexed by ``time`` (``datetime64[us, UTC]``, the bar's OPEN time,
strictly ascending, unique) with float64 columns ``open high low close volume``; volume is NaN where
the source has none. A **kept table** has three more columns, its provenance: ``origin`` (str: where the
bar came from), ``fetched_at`` (``datetime64[us, UTC]``) and ``filled`` (bool: made up to close a gap).

Everything that enters passes one door, :func:`conform`. Nothing is repaired, nothing is invented.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pandas as pd

from lib.errors import CandlesRefused, InputError, InternalError
from lib.timeframes import Timeframe

__all__ = [
    "COLUMNS",
    "PRICES",
    "PROVENANCE",
    "Conformed",
    "Finding",
    "Report",
    "conform",
    "empty",
    "from_micros",
    "merge",
    "micros",
    "require",
    "resample",
    "with_provenance",
]

PRICES = ["open", "high", "low", "close"]
COLUMNS = [*PRICES, "volume"]
PROVENANCE = ["origin", "fetched_at", "filled"]

# A report lists this many findings of one rule in full and counts the rest.
_LISTED = 200
_NS_UNIT = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """One row that broke one rule. ``row`` is its position in what was given, from 0; ``line`` its
    line in the file, where the caller knew it; ``time`` is None where the time itself is the fault."""

    rule: str
    row: int
    line: int | None
    time: pd.Timestamp | None
    value: str
    message: str

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return f"line {self.line}" if self.line is not None else f"row {self.row + 1}"


@dataclass(frozen=True, slots=True)
class Report:
    """What :func:`conform` saw. ``counts`` has every rule that was broken and how often; ``findings``
    lists the first of each. ``duplicates`` are rows the same as another in every column, merged."""

    rows_in: int
    rows_out: int
    duplicates: int
    sorted_on_entry: bool
    first: pd.Timestamp | None
    last: pd.Timestamp | None
    counts: dict[str, int] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def refused(self) -> int:
        """How many rows broke a rule (a row that broke two counts once)."""
        return self.rows_in - self.rows_out - self.duplicates

    @property
    def ok(self) -> bool:
        return not self.counts

    def sentence(self) -> str:
        """The first fault, and how many more there are."""
        if self.ok:
            return f"{self.rows_out:,} candles, all in order."
        first = self.findings[0]
        more = sum(self.counts.values()) - 1
        also = f" {more:,} more like it or of other kinds." if more else ""
        return f"{first.place[0].upper()}{first.place[1:]}: {first.message}{also}"


@dataclass(frozen=True, slots=True)
class Conformed:
    """A candle table and the report of how it came to be one."""

    table: pd.DataFrame
    report: Report


def empty() -> pd.DataFrame:
    """A candle table of no candles."""
    return from_micros(np.empty(0, np.int64), {name: np.empty(0) for name in COLUMNS})


def micros(table: pd.DataFrame) -> Array:
    """The index as int64 microseconds since the epoch, UTC. A view where the unit is µs already."""
    index = table.index
    if not isinstance(index, pd.DatetimeIndex):
        raise InternalError(f"A candle table is indexed by time, not by {type(index).__name__}.")
    return _stamps(index)


def _stamps(values: pd.DatetimeIndex | pd.Series[pd.Timestamp]) -> Array:
    index = values if isinstance(values, pd.DatetimeIndex) else pd.DatetimeIndex(values)
    # as_unit copies even where there is nothing to do
    ticks: Array = (index if index.unit == "us" else index.as_unit("us")).asi8
    return ticks


def from_micros(times: Array, columns: dict[str, Array]) -> pd.DataFrame:
    """A table over int64 µs since the epoch; checks nothing. For arrays that were a table before."""
    index = pd.DatetimeIndex(times.view("datetime64[us]"), name="time").tz_localize("UTC")
    return pd.DataFrame(columns, index=index, copy=False)


def require(table: pd.DataFrame) -> pd.DataFrame:
    """Assert the shape of a candle table (not its every row): columns, dtypes, zone, order. O(n),
    a few milliseconds for a million rows. Raises ``InternalError``: only our own code calls this."""
    index = table.index
    if not isinstance(index, pd.DatetimeIndex) or str(index.dtype) != "datetime64[us, UTC]":
        raise InternalError(f"A candle table's time is datetime64[us, UTC], not {index.dtype}.")
    if list(table.columns[:5]) != COLUMNS:
        raise InternalError(f"A candle table's columns are {COLUMNS}, not {list(table.columns)}.")
    if len(index) > 1 and not (np.diff(index.asi8) > 0).all():
        raise InternalError("A candle table's times ascend and are unique; these do not.")
    return table


def with_provenance(
    table: pd.DataFrame, origin: str, fetched_at: pd.Timestamp, *, filled: bool = False
) -> pd.DataFrame:
    """The table with its provenance columns, the same for every row."""
    kept = table[COLUMNS].copy(deep=False)
    kept["origin"] = pd.array([origin], dtype="str").take(np.zeros(len(kept), np.intp))
    kept["fetched_at"] = pd.DatetimeIndex([fetched_at.as_unit("us")]).tz_convert("UTC").repeat(len(kept))
    kept["filled"] = filled
    return kept


# ---------------------------------------------------------------------------------------------- conform


def conform(
    raw: pd.DataFrame,
    timeframe: Timeframe,
    *,
    conflicts: Literal["refuse", "first", "last"] = "refuse",
    bad_rows: Literal["refuse", "drop"] = "refuse",
) -> Conformed:
    """The one door: make a candle table of ``raw`` or say what is wrong with it.

    ``raw`` has a tz-aware ``time`` column or index (any unit; the bar's open), columns ``open high low
    close`` and, where known, ``volume``; any order. A column ``line`` gives each row's line in its
    file, used in findings only. Other columns are ignored.

    Sorts; merges rows that are the same in every column. Each rule a row can break, by name:

    - ``time``: missing. ``grid``: not where a candle of ``timeframe`` can open, or out of step with
      the rest of the table. ``overlap``: opens before the candle before it has closed.
    - ``missing``, ``infinite``, ``not positive``: of the four prices.
    - ``high``: below open, low or close. ``low``: above open or close.
    - ``volume``: negative or infinite.
    - ``conflict``: same time as another row, other figures; ``conflicts`` may name which one stands.

    With ``bad_rows="refuse"`` any finding raises ``CandlesRefused`` (its ``report`` lists them), but for
    conflicts that ``conflicts`` settles; with ``"drop"`` the rows found are left out, and the report says
    which.

    O(n) on sorted rows, O(n log n) else; under 3 times the cost of the sort.
    """
    named = _columns(raw)
    lines = raw["line"].to_numpy() if "line" in raw.columns else None
    times, has_time, unit = _times(raw)
    rows_in = len(times)

    order, was_sorted = _order(times)
    if order is not None:
        times = times[order]
        has_time = has_time[order]
        named = {name: values[order] for name, values in named.items()}

    log = _Log(times, unit, order, lines, named)
    _check_values(log, named)
    if not has_time.all():
        log.add("time", ~has_time, "time", "The time is missing or could not be read.")
    _check_grid(log, times, has_time & ~log.bad, unit, timeframe)
    duplicates, extra = _check_same(log, times, named, conflicts)
    times_us = _to_us(times, unit)
    if not timeframe.is_calendar:
        _check_overlap(log, times_us, ~(log.bad | extra), timeframe)

    keep = ~(log.bad | extra)
    if keep.all():
        kept_times, kept = times_us, named
    else:
        kept_times = times_us[keep]
        kept = {name: values[keep] for name, values in named.items()}
    table = from_micros(np.ascontiguousarray(kept_times), kept)
    report = Report(
        rows_in=rows_in,
        rows_out=len(table),
        duplicates=duplicates,
        sorted_on_entry=was_sorted,
        first=table.index[0] if len(table) else None,
        last=table.index[-1] if len(table) else None,
        counts=log.counts,
        findings=tuple(sorted(log.findings, key=lambda found: found.row)),
    )
    settled = {"conflict"} if conflicts != "refuse" else set()
    if bad_rows == "refuse" and log.counts.keys() - settled:
        raise CandlesRefused(report.sentence(), report=report)
    return Conformed(table, report)


def _columns(raw: pd.DataFrame) -> dict[str, Array]:
    absent = [name for name in PRICES if name not in raw.columns]
    if absent:
        raise InputError(f"Candles need the columns {', '.join(PRICES)}; missing: {', '.join(absent)}.")
    named: dict[str, Array] = {}
    for name in COLUMNS:
        if name not in raw.columns:
            named[name] = np.full(len(raw), np.nan)
            continue
        try:
            # a copy: the table must not change when the caller's frame does
            named[name] = raw[name].to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
        except (TypeError, ValueError) as error:
            raise InputError(f"The column {name} holds something that is not a number: {error}.") from error
    return named


def _times(raw: pd.DataFrame) -> tuple[Array, Array, int]:
    """int64 times in their own unit, which of them are there, and the unit's ticks in a second."""
    values = raw["time"] if "time" in raw.columns else raw.index
    try:
        index = values if isinstance(values, pd.DatetimeIndex) else pd.DatetimeIndex(values)
    except (TypeError, ValueError) as error:
        raise InputError(f"The column time holds something that is not a time: {error}.") from error
    if index.tz is None:
        raise InputError(
            "The times have no zone.", remedy="Say which zone they are in; it is never guessed here."
        )
    return index.asi8, ~np.asarray(index.isna()), _NS_UNIT[index.unit]


def _order(times: Array) -> tuple[Array | None, bool]:
    if len(times) < 2:
        return None, True
    steps = np.diff(times)
    if (steps >= 0).all():
        return None, True
    if (steps < 0).all():
        return np.arange(len(times) - 1, -1, -1), False
    return np.argsort(times, kind="stable"), False


def _to_us(times: Array, unit: int) -> Array:
    if unit == 10**6:
        return times
    if unit > 10**6:
        return times // (unit // 10**6)
    return times * (10**6 // unit)


class _Log:
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
        for at in rows[:_LISTED]:
            self.findings.append(self._word(rule, int(at), value, message))

    def _word(self, rule: str, at: int, value: str, message: str) -> Finding:
        row = int(self.order[at]) if self.order is not None else at
        tick = int(self.times[at])
        time = None
        if tick != np.iinfo(np.int64).min:
            time = pd.Timestamp(tick * (10**9 // self.unit) // 1000, unit="us", tz="UTC")
        figures = {name: f"{values[at]:.10g}" for name, values in self.named.items()}
        shown = figures.get(value, str(time) if time is not None else "no time")
        text = message.format(time=f"{time:%Y-%m-%d %H:%M:%S}" if time is not None else "?", **figures)
        line = int(self.lines[row]) if self.lines is not None else None
        return Finding(rule, row, line, time, shown, text)


def _check_values(log: _Log, named: dict[str, Array]) -> None:
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


def _check_grid(log: _Log, times: Array, usable: Array, unit: int, timeframe: Timeframe) -> None:
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


def _check_same(log: _Log, times: Array, named: dict[str, Array], conflicts: str) -> tuple[int, Array]:
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


def _check_overlap(log: _Log, times_us: Array, usable: Array, timeframe: Timeframe) -> None:
    at = np.flatnonzero(usable)
    if len(at) < 2:
        return
    short = np.diff(times_us[at]) < timeframe.micros
    if not short.any():
        return
    if timeframe.unit == "w":
        # stamped with a week's last trading day, as many are: a Thursday before Good Friday comes early
        short &= np.diff(timeframe.floor_us(times_us[at])) == 0
    elif timeframe.seconds > 3600:
        # local candles of 2h and more come an hour early once a year, when the clocks go forward
        short &= np.diff(times_us[at]) < timeframe.micros - 3600 * 10**6
    mask = np.zeros(len(times_us), bool)
    mask[at[1:][short]] = True
    log.add("overlap", mask, "time", "{time} comes before the candle before it has closed.")


# ------------------------------------------------------------------------------------ merge and resample


def merge(*tables: pd.DataFrame) -> pd.DataFrame:
    """One kept table of several: at one time an observed bar beats a filled one, then the newest
    fetch wins; at one fetch the larger (origin, close, open, high, low, volume), a known volume above
    an unknown one. That is one total order over bars, so the answer depends neither on the order of
    the tables nor on how they are grouped, and merging again changes nothing.

    O(n) for each pair of tables, as every table ascends already: a million bars against half a
    million take under half a second.
    """
    filled = sorted((table for table in tables if len(table)), key=lambda table: table.index[0])
    if not filled:
        return tables[0] if tables else with_provenance(empty(), "", pd.Timestamp(0, tz="UTC"))
    if all(a.index[-1] < b.index[0] for a, b in pairwise(filled)):
        return pd.concat(filled) if len(filled) > 1 else filled[0]
    merged = filled[0]
    for table in filled[1:]:
        merged = _merge_two(merged, table)
    return merged


def _merge_two(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    times, others = micros(a), micros(b)
    at = np.searchsorted(times, others)
    shared = np.zeros(len(others), bool)
    inside = at < len(times)
    shared[inside] = times[at[inside]] == others[inside]
    taken = np.arange(len(times))
    rows = np.flatnonzero(shared)
    won = _beats(a, at[rows], b, rows)
    taken[at[rows[won]]] = len(times) + rows[won]
    fresh = np.flatnonzero(~shared)
    order = np.insert(taken, at[fresh], len(times) + fresh)
    return pd.concat([a, b]).take(order)


def _beats(a: pd.DataFrame, at: Array, b: pd.DataFrame, rows: Array) -> Array:
    """Which of the bars ``b[rows]`` rank above the bars ``a[at]`` of the same times. What decides
    most pairs is compared first; the rest is looked at only where that is a tie."""
    won = np.zeros(len(rows), bool)
    tied = np.arange(len(rows))
    for key in _RANKED:
        left, right = _rank_values(a, key, at[tied]), _rank_values(b, key, rows[tied])
        won[tied[right > left]] = True
        tied = tied[right == left]
        if not len(tied):
            break
    return won


# The total order of bars at one time, what weighs most first.
_RANKED = ["filled", "fetched_at", "origin", "close", "open", "high", "low", "volume"]


def _rank_values(table: pd.DataFrame, key: str, rows: Array) -> Array:
    if key == "filled":
        observed: Array = ~table[key].to_numpy(bool)[rows]
        return observed
    if key == "fetched_at":
        ticks: Array = _stamps(table[key])[rows]
        return ticks
    if key == "origin":
        names: Array = table[key].iloc[rows].to_numpy(dtype=object)
        return names
    values: Array = table[key].to_numpy()[rows]
    if key == "volume":
        values = np.where(np.isnan(values), -1.0, values)
    return values


def resample(table: pd.DataFrame, timeframe: Timeframe) -> pd.DataFrame:
    """Coarser candles of a candle table: first open, highest high, lowest low, last close, summed
    volume (NaN where no bar of the bucket has one). A bucket with no bar gives no candle. Provenance
    columns are carried: ``origin`` of the last bar, the newest ``fetched_at``, ``filled`` where any was.
    A bar belongs to the bucket that holds its open. The last candle may still be forming. O(n).
    """
    if not len(table):
        return table
    times = micros(table)
    opens = timeframe.floor_us(times)
    starts = np.flatnonzero(np.concatenate(([True], opens[1:] != opens[:-1])))
    ends = np.append(starts[1:], len(times)) - 1
    volume = table["volume"].to_numpy()
    known = ~np.isnan(volume)
    summed = np.add.reduceat(np.where(known, volume, 0.0), starts)
    summed[np.add.reduceat(known.astype(np.int64), starts) == 0] = np.nan
    columns: dict[str, Any] = {
        "open": table["open"].to_numpy()[starts],
        "high": np.maximum.reduceat(table["high"].to_numpy(), starts),
        "low": np.minimum.reduceat(table["low"].to_numpy(), starts),
        "close": table["close"].to_numpy()[ends],
        "volume": summed,
    }
    if "filled" in table.columns:
        fetched = np.maximum.reduceat(_stamps(table["fetched_at"]), starts)
        columns["origin"] = table["origin"].array.take(ends)
        columns["fetched_at"] = pd.DatetimeIndex(fetched.view("datetime64[us]")).tz_localize("UTC").array
        columns["filled"] = np.logical_or.reduceat(table["filled"].to_numpy(bool), starts)
    return from_micros(opens[starts], columns)

"""How whole a stored series is: what its calendar expects, what is there, what became of the gaps.

:func:`examine` looks at a series and remembers what it found until the series, or its calendar, changes.
:func:`glance` is for whoever cannot wait: it answers at once, and has what is not known yet looked at in
the background, one series at a time. Filled candles are not observed ones, so they count as missing here; those
of a gap that a reader chose to ignore are expected no more, so they do not.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from lib.comparison import Comparison, compare
from lib.errors import CandlebookError, InputError, UnknownName
from lib.gaps import CAUSES, Buckets, Coverage, Gaps, by_day
from lib.quality import Report, badge
from lib.series import Series
from lib.store import SeriesInfo, Store
from lib.sync.checking import other_side, report_on
from lib.sync.holes import Holes, holes_among, observed, observed_in
from lib.timeframes import Timeframe, from_us, to_us

__all__ = [
    "Glance",
    "Health",
    "compared",
    "examine",
    "gap_kinds",
    "gap_spans",
    "gap_table",
    "glance",
    "is_looking",
    "known",
]

_log = logging.getLogger(__name__)
_KEPT = 4
# Candles whose prices and volumes are looked at: some 150 MB while that lasts.
_REPORTED = 2_000_000
_GLANCES = 1000
_SETTLED = ("ignored", "unfillable", "filled")
Bools = np.ndarray[tuple[int], np.dtype[np.bool_]]
Ints = np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(frozen=True, slots=True, eq=False)
class Health:
    """What was found in a series: ``holes`` has the calendar, what it expects, and the gaps with what
    became of each; ``report`` what is odd in the candles from ``reported_from`` on (the newest two million).
    ``chosen``: a reader chose the calendar."""

    info: SeriesInfo
    holes: Holes
    report: Report
    reported_from: pd.Timestamp
    chosen: bool

    @property
    def coverage(self) -> Coverage:
        """Observed against expected, from the first candle to the last; what a reader ignores is not expected."""
        return self.holes.coverage

    @property
    def days(self) -> Buckets:
        """Expected and observed candles of each UTC day; what a reader ignores is not expected."""
        return by_day(self.holes.kept, ignored=self.holes.ignored)


@dataclass(frozen=True, slots=True)
class Glance:
    """The little of a :class:`Health` that stands beside a chart. ``open_gaps`` leaves out those that
    were filled, that a reader chose to ignore, or that the source does not have.
    ``level`` is "good", "fair" or "poor"; see :func:`lib.quality.badge`."""

    share: float | None
    missing: int
    gaps: int
    open_gaps: int
    findings: int
    level: str


_lock = threading.Lock()
_health: OrderedDict[tuple[str, Series], tuple[str, Health]] = OrderedDict()
_glances: OrderedDict[tuple[str, Series], tuple[str, Glance | None]] = OrderedDict()
_asked: set[tuple[str, Series, str]] = set()
_worker: ThreadPoolExecutor | None = None


def examine(store: Store, series: Series) -> Health:
    """Look at all of a series. Raises ``UnknownName`` for one that is not stored, or whose calendar is none,
    and what the store raises. Reads every candle once after a write: some 0.2 s a million."""
    version = _version(store, series)
    key = (store.url, series)
    with _lock:
        held = _health.get(key)
        if held is not None and held[0] == version:
            _health.move_to_end(key)
            return held[1]
    found = _examined(store, series)
    with _lock:
        _health[key] = (version, found)
        _glances[key] = (version, _glance_of(found))
        while len(_health) > _KEPT:
            _health.popitem(last=False)
        while len(_glances) > _GLANCES:
            _glances.popitem(last=False)
    return found


def _examined(store: Store, series: Series) -> Health:
    info = store.info(series)
    since = max(info.first, series.timeframe.after(info.last, -_REPORTED))
    table = store.read(series, start=since, provenance=bool(info.filled))
    opens, volume = observed_in(table)
    if since > info.first:
        early = observed(store, series, None, since)
        opens, volume = np.concatenate((early[0], opens)), np.concatenate((early[1], volume))
    missing = holes_among(store, series, opens, volume)
    del opens, volume
    report = report_on(store, series, table, missing.calendar, start=since, phase=missing.phase)
    return Health(info, missing, report, since, bool(info.calendar))


def glance(store: Store, series: Series) -> Glance | None:
    """What is known of a series now; None while it is being looked at, or where that failed (the log says
    why). Costs two small reads."""
    version = _version(store, series)
    key = (store.url, series)
    with _lock:
        held = _glances.get(key)
        if held is not None and held[0] == version:
            return held[1]
    _examine_later(store, series, version)
    return None


def known(store: Store, series: Series) -> Health | None:
    """What was found when the series was last looked at, if it is still so. Costs two small reads."""
    with _lock:
        held = _health.get((store.url, series))
    return held[1] if held is not None and held[0] == _version(store, series) else None


def is_looking(store: Store, series: Series) -> bool:
    """Whether the series is being looked at in the background, or waits for it. Reads nothing."""
    with _lock:
        return any(asked[:2] == (store.url, series) for asked in _asked)


def _version(store: Store, series: Series) -> str:
    """Changes with the candles, those of the other side of the market, the calendar and the states of the gaps."""
    other = other_side(series)
    try:
        beside = store.revision(other) if other else ""
    except UnknownName:
        beside = ""
    states = store.gap_states(series)
    newest = max((to_us(state.at) for state in states), default=0)
    return f"{store.revision(series)} {len(states)} {newest} {beside}"


def _examine_later(store: Store, series: Series, version: str) -> None:
    global _worker
    token = (store.url, series, version)
    with _lock:
        if token in _asked:
            return
        _asked.add(token)
        if _worker is None:
            _worker = ThreadPoolExecutor(1, thread_name_prefix="health")
        _worker.submit(_look_for, store, series, version)


def _look_for(store: Store, series: Series, version: str) -> None:
    token = (store.url, series, version)
    try:
        examine(store, series)
    except CandlebookError as error:
        _log.warning("%s could not be examined: %s", series, error)
        with _lock:
            _glances[store.url, series] = (version, None)
    finally:
        with _lock:
            _asked.discard(token)


def _glance_of(found: Health) -> Glance:
    holes = found.holes
    settled = int(_in_state(holes, _SETTLED).sum())
    # the report may cover only the newest candles; the badge speaks of all
    level = badge(replace(found.report, coverage=found.coverage)).level
    share = found.coverage.share
    return Glance(
        share, found.coverage.missing, len(holes), len(holes) - settled, len(found.report.findings), level
    )


def gap_spans(
    found: Health, timeframe: Timeframe, start: pd.Timestamp, end: pd.Timestamp, *, most: int = 500
) -> tuple[tuple[pd.Timestamp, pd.Timestamp], ...]:
    """For a chart of ``[start, end)`` at ``timeframe``: where expected candles are missing, [start, end) each,
    leaving out what is shorter than a candle shown; the longest ``most``."""
    gaps = found.holes.gaps
    keep = (gaps.ends > to_us(start)) & (gaps.starts < to_us(end))
    keep &= gaps.counts * found.info.series.timeframe.micros >= timeframe.micros
    places = _longest(gaps, keep, most)
    return tuple((from_us(int(gaps.starts[at])), from_us(int(gaps.ends[at]))) for at in places)


def gap_kinds(found: Health) -> tuple[list[str], list[str]]:
    """The likely causes and the states that any gap has, sorted."""
    holes = found.holes
    states = {holes.states[at].state if at >= 0 else "detected" for at in np.unique(holes.which)}
    return sorted({CAUSES[at] for at in np.unique(holes.gaps.causes)}), sorted(states)


def _in_state(holes: Holes, states: Collection[str]) -> Bools:
    """Which gaps are in one of these states."""
    wanted = np.array([*(each.state in states for each in holes.states), "detected" in states], bool)
    return wanted[holes.which]  # -1, for none, is the last


def _longest(gaps: Gaps, keep: Bools, most: int) -> Ints:
    """Which gaps are the longest ``most`` of those to keep, in order of time."""
    places = np.flatnonzero(keep)
    if len(places) > most:
        places = np.sort(places[np.argsort(-gaps.counts[places], kind="stable")[:most]])
    return places


def gap_table(
    found: Health,
    *,
    start: pd.Timestamp | None = None,
    end: pd.Timestamp | None = None,
    causes: Collection[str] = (),
    states: Collection[str] = (),
    most: int = 1000,
) -> pd.DataFrame:
    """The gaps that reach into ``[start, end)``, of these causes and in these states (of all where empty), the
    longest ``most`` of them, by time: columns ``start end``
    (UTC: the first missing candle, and the first expected after), ``count cause state by``."""
    gaps = found.holes.gaps
    keep = np.ones(len(gaps), bool)
    if start is not None:
        keep &= gaps.ends > to_us(start)
    if end is not None:
        keep &= gaps.starts < to_us(end)
    if causes:
        keep &= np.isin(gaps.causes, [CAUSES.index(cause) for cause in causes])
    if states:
        keep &= _in_state(found.holes, states)
    rows = [found.holes[int(at)] for at in _longest(gaps, keep, most)]
    return pd.DataFrame(
        {
            "start": pd.DatetimeIndex([row.gap.start for row in rows], tz="UTC"),
            "end": pd.DatetimeIndex([row.gap.end for row in rows], tz="UTC"),
            "count": [row.gap.count for row in rows],
            "cause": [row.gap.cause for row in rows],
            "state": [row.state for row in rows],
            "by": [row.by for row in rows],
        }
    )


@dataclass(frozen=True, slots=True)
class Beside:
    """Two series side by side. ``clock`` is a sentence on their clocks, empty where nothing tells; the
    series whose clock is odd is called "this" or "the other" series."""

    figures: Comparison
    clock: str
    same_clock: bool


def compared(store: Store, left: Series, right: Series, *, tolerance: float = 1.0) -> Beside:
    """This series (``left``) and another over the time both cover, the newest two million candles of it: see
    :func:`lib.comparison.compare`. Which of two clocks is the odd one no candle tells; the one that keeps the
    rule of a zone is named, as the other way round fewer weeks agree. Raises ``UnknownName``; ``InputError`` where they have nothing in common."""
    infos = [store.info(each) for each in (left, right)]
    start = max(info.first for info in infos)
    end = min(info.series.timeframe.after(info.last) for info in infos)
    if start >= end:
        raise InputError(
            f"{left} and {right} have no time in common.", remedy="Choose series whose spans meet."
        )
    finer = min(infos, key=lambda info: info.series.timeframe.seconds).series.timeframe
    start = max(start, finer.after(end, -_REPORTED))
    one, other = (store.read(info.series, start=start, end=end, provenance=info.filled > 0) for info in infos)
    figures = compare(one, other, left.timeframe, right.timeframe, tolerance=tolerance)
    there, here = figures.shift, None
    if there is not None and not there.is_none:
        here = compare(other, one, right.timeframe, left.timeframe).shift
    if there is None:
        return Beside(figures, "", True)
    if here is not None and here.agreement > there.agreement:
        return Beside(figures, here.text.replace("The right series", "This series"), False)
    return Beside(figures, there.text.replace("The right series", "The other series"), there.is_none)

"""The gaps of a stored series, by its calendar, each with what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lib.calendars import LEARNT, Calendar, Phase, calendar, find_phase, suggest
from lib.calendars.sessions import DAY
from lib.candles import micros
from lib.errors import InputError
from lib.gaps import Coverage, Gap, Gaps, Kept, coverage_of, gaps_of, look
from lib.series import Series
from lib.sync.planning import Span
from lib.sync.planning import without as not_known
from lib.timeframes import Timeframe, to_us
from lib.wording import count

if TYPE_CHECKING:
    from lib.store import GapState, Store

__all__ = [
    "Hole",
    "Holes",
    "calendar_of",
    "holes",
    "holes_among",
    "ignored_in",
    "nothing_in",
    "observed",
    "observed_in",
    "typical",
]

Bools = np.ndarray[tuple[int], np.dtype[np.bool_]]
Ints = np.ndarray[tuple[int], np.dtype[np.int64]]
Volume = np.ndarray[tuple[int], np.dtype[np.float64]]

# Stored candles read at a time, so that memory stays small.
_PIECE = 40_000


@dataclass(frozen=True, slots=True)
class Hole:
    """A gap and what is known of it: ``state`` "detected", "filling", "filled", "unfillable" or "ignored", by
    whom (a source, a method), since when, and a note."""

    gap: Gap
    state: str = "detected"
    by: str = ""
    at: pd.Timestamp | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Holes(Sequence[Hole]):
    """The gaps of a series in order of time. ``calendar`` is what was expected, ``reason`` why that one, ``phase`` where
    its candles open; ``kept`` is expected against observed, and ``coverage`` its counts: a filled candle was not
    observed, and one of a gap that is ignored is not expected."""

    series: Series
    calendar: Calendar
    reason: str
    phase: Phase
    kept: Kept
    coverage: Coverage
    gaps: Gaps
    states: tuple[GapState, ...]
    which: Ints

    def __len__(self) -> int:
        return len(self.gaps)

    def __getitem__(self, at: int) -> Hole:  # type: ignore[override]
        gap, number = self.gaps[at], int(self.which[at])
        if number < 0:
            return Hole(gap)
        state = self.states[number]
        return Hole(gap, state.state, state.by, state.at, state.note)

    @property
    def ignored(self) -> Bools:
        """Which gaps a reader said may stay."""
        return _are_ignored(self.states, self.which)

    def spans(self, *, without: Sequence[str] = ("ignored", "filled")) -> list[Span]:
        """Where each gap lies, but for those in a state of ``without``: for refill and fill."""
        return [(hole.gap.start, hole.gap.end) for hole in self if hole.state not in without]

    def open_to(self, source: str) -> list[Span]:
        """What of the gaps to ask a source for: neither ignored nor filled, nor known not to be there."""
        return not_known(self.spans(), self.states, source)


def holes(
    store: Store,
    series: Series,
    start: pd.Timestamp | None = None,
    end: pd.Timestamp | None = None,
    *,
    name: str = "",
) -> Holes:
    """What the series lacks in ``[start, end)``, by default from its first candle to its last. Filled candles count
    as missing. ``name`` is the calendar's, else the one kept with the series, else what fits it best: a range of less
    than four weeks is judged by the newest three months.

    Reads every candle of the range: about 0.2 s for a million. Raises ``UnknownName`` and ``InputError``.
    """
    return holes_among(store, series, *observed(store, series, start, end), start, end, name=name)


def holes_among(
    store: Store, series: Series, opens: Ints, volume: Volume,
    start: pd.Timestamp | None = None, end: pd.Timestamp | None = None, *, name: str = "",
) -> Holes:  # fmt: skip
    """:func:`holes` for who has read the observed candles of the range already."""
    frame, judged = series.timeframe, opens
    if start is not None or end is not None:
        info = store.info(series)
        judged = typical(store, series, opens)
        # so that a gap at the end of the range is not taken for one at the end of the series
        before = [to_us(info.first)] if start is not None and info.first < start else []
        after = [to_us(info.last)] if end is not None and info.last >= end else []
        if not len(opens) and not (before and after):
            raise nothing_in(store, series)
        opens = np.concatenate((np.array(before, np.int64), opens, np.array(after, np.int64)))
        volume = np.concatenate((np.full(len(before), np.nan), volume, np.full(len(after), np.nan)))
    if not len(judged):
        raise nothing_in(store, series)
    made, reason = calendar_of(store, series, judged, name=name)
    kept = look(opens, frame, made, start, end, phase=find_phase(judged, frame, made))
    gaps = gaps_of(kept, opens, frame, made, volume)
    states = store.gap_states(series)
    which = _matched(gaps, states, frame)
    told = coverage_of(kept, _are_ignored(states, which))
    return Holes(series, made, reason, kept.phase, kept, told, gaps, states, which)


def ignored_in(store: Store, series: Series, gaps: Gaps) -> int:
    """How many candles the gaps of a series lack that a reader said may stay away. O(gaps + states)."""
    states = store.gap_states(series)
    return int(gaps.counts[_are_ignored(states, _matched(gaps, states, series.timeframe))].sum())


def _are_ignored(states: Sequence[GapState], which: Ints) -> Bools:
    wanted = np.array([*(each.state == "ignored" for each in states), False], bool)
    return wanted[which]  # -1, for none, is the last


def typical(store: Store, series: Series, opens: Ints) -> Ints:
    """Observed opens to judge a series by: those of a range, where they span four weeks, else of its newest three
    months. Reads these."""
    if len(opens) and int(opens[-1]) - int(opens[0]) >= 28 * DAY:
        return opens
    info = store.info(series)
    count = max(1000, 90 * DAY // series.timeframe.micros)
    newest, _ = observed(store, series, max(info.first, series.timeframe.after(info.last, -count)))
    return newest if len(newest) > len(opens) else opens


def nothing_in(store: Store, series: Series) -> InputError:
    """That a range holds no observed candle of a series, and which range does."""
    info = store.info(series)
    return InputError(
        f"{series} has no candle in this range.",
        remedy=f"Its candles open from {info.first:%Y-%m-%d %H:%M} to {info.last:%Y-%m-%d %H:%M} UTC"
        + (f", {count(info.filled, 'filled one')} among them." if info.filled else "."),
    )


def calendar_of(store: Store, series: Series, opens: Ints, *, name: str = "") -> tuple[Calendar, str]:
    """The calendar to judge a series by, and why that one, as a sentence."""
    if name:
        return calendar(name, opens, series.timeframe), "It was asked for."
    if kept := store.info(series).calendar:
        return calendar(kept, opens, series.timeframe), "It was chosen for this series."
    found = suggest(series.symbol, "", opens, series.timeframe)
    times = opens if found.name == LEARNT else None
    return calendar(found.name, times, series.timeframe), found.reason


def observed(
    store: Store, series: Series, start: pd.Timestamp | None = None, end: pd.Timestamp | None = None
) -> tuple[Ints, Volume]:
    """Opens (int64 µs) and volumes of the observed candles in a range, read piece by piece."""
    info, frame = store.info(series), series.timeframe
    at = info.first if start is None else max(start, info.first)
    last = frame.after(info.last) if end is None else min(end, frame.after(info.last))
    pieces = [(np.empty(0, np.int64), np.empty(0))]
    while at < last:
        until = min(last, frame.after(at, _PIECE))
        pieces.append(observed_in(store.read(series, start=at, end=until, provenance=bool(info.filled))))
        at = until
    opens, volume = zip(*pieces, strict=True)
    return np.concatenate(opens), np.concatenate(volume)


def observed_in(table: pd.DataFrame) -> tuple[Ints, Volume]:
    """Opens (int64 µs) and volumes of a table's candles, without those that its column ``filled``, where it has
    one, says were filled."""
    opens, volume = micros(table), table["volume"].to_numpy()
    if "filled" not in table.columns:
        return opens, volume
    kept = ~table["filled"].to_numpy(bool)
    return opens[kept], volume[kept]


def _matched(gaps: Gaps, states: Sequence[GapState], frame: Timeframe) -> Ints:
    """For each gap the number of the state that covers it, -1 where none does. What somebody decided or did
    goes over what a source is known not to have, and what is done now over both. O(gaps + states)."""
    which = np.full(len(gaps), -1, np.int64)
    # the last bar that is missing ends here at the latest; after it the market may have been closed
    ends = np.minimum(gaps.ends, gaps.starts + gaps.counts * frame.micros)
    for rank in range(3):
        for number, state in enumerate(states):
            if {"unfillable": 0, "filling": 2}.get(state.state, 1) != rank:
                continue
            first, last = to_us(state.start), to_us(state.end)
            low, high = np.searchsorted(gaps.starts, [first, last])
            inside = ends[low:high] <= last
            which[low:high][inside] = number
    return which

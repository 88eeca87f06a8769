"""The ways to sync one series: a range, up to now, given gaps."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import pandas as pd

from lib.calendars import LEARNT
from lib.calendars import calendar as calendar_called
from lib.errors import InputError, UnknownName
from lib.series import Series
from lib.sources.base import Source, offered
from lib.sync.model import Outcome, Progress
from lib.sync.planning import Span, checked_range, missing, without
from lib.sync.running import Run
from lib.timeframes import Timeframe, parse, to_us

if TYPE_CHECKING:
    from lib.store import Store

__all__ = ["download", "refill", "run_of_gaps", "run_of_range", "run_to_now", "update"]

Tell = Callable[[Progress], None] | None


def download(
    store: Store,
    source: Source,
    symbol: str,
    timeframe: str | Timeframe,
    start: pd.Timestamp | None = None,
    end: pd.Timestamp | None = None,
    *,
    progress: Tell = None,
    stop: threading.Event | None = None,
    again: bool = False,
    logged: bool = True,
) -> Outcome:
    """Fetch the closed candles that open in ``[start, end)`` and are not stored yet; None is unbounded.

    What the source was asked for before and does not have is not asked for again, unless ``again``. Runs in
    the caller's thread until all is there or ``stop`` is set. ``progress`` is called after each page, and
    whenever the source says what it waits for. Whatever ends it, what arrived is stored; after a kill, what was
    under way is fetched again: a page, or as many as the source reads ahead (on a remote store, where
    CANDLEBOOK_CACHE is off, ten pages more). Raises what the source's ``pages`` and the store raise, and
    ``InputError`` for a range that is none. Without ``logged`` there is no line in the ledger: for pages that a
    reader's look brings in.
    """
    return run_of_range(
        store, source, symbol, timeframe, start, end, progress=progress, stop=stop, again=again, logged=logged
    ).all()


def update(
    store: Store,
    source: Source,
    symbol: str,
    timeframe: str | Timeframe,
    start: pd.Timestamp | None = None,
    *,
    progress: Tell = None,
    stop: threading.Event | None = None,
    again: bool = False,
) -> Outcome:
    """Bring a series up to date: what is missing from ``start`` to now, looking only at what came after the
    newest sync that began no later than ``start`` and was done. Nothing is asked while no new candle is due,
    nor while the market has been closed since the last one by the calendar that was chosen for the series.

    The newest stored candle is fetched once more, as a source may correct it; with the next it comes in
    the same request. Otherwise as :func:`download`.
    """
    return run_to_now(
        store, source, symbol, timeframe, start, progress=progress, stop=stop, again=again
    ).all()


def refill(
    store: Store,
    source: Source,
    series: Series,
    gaps: Iterable[Span],
    *,
    symbol: str | None = None,
    progress: Tell = None,
    stop: threading.Event | None = None,
    again: bool = True,
) -> Outcome:
    """Fetch the candles of given gaps, ``[start, end)`` each, from the series' own source or from another,
    under ``symbol`` where that writes it otherwise. Only candles within the gaps are stored, each with its
    origin; filled ones give way. While it runs the gaps' state is "filling"; after it a gap that got its candles is
    none, what the source does not have is "unfillable", and of the rest holds what was said before.
    Raises as :func:`download`."""
    return run_of_gaps(
        store, source, series, gaps, symbol=symbol, progress=progress, stop=stop, again=again
    ).all()


# ------------------------------------------------------------------------------------------- made, not run


def run_of_range(
    store: Store,
    source: Source,
    symbol: str,
    timeframe: str | Timeframe,
    start: pd.Timestamp | None = None,
    end: pd.Timestamp | None = None,
    *,
    progress: Tell = None,
    stop: threading.Event | None = None,
    again: bool = False,
    logged: bool = True,
) -> Run:
    """:func:`download` as steps. Raises at once where the range or the timeframe cannot be."""
    series = Series(source.name, symbol, offered(source, parse(timeframe)))
    start, end = checked_range(start, end)

    def plan() -> list[Span]:
        return _unknown(store, series, source, missing(store, series, start, end), again=again)

    return Run(store, source, series, plan, span=(start, end), progress=progress, stop=stop, logged=logged)


def run_to_now(
    store: Store,
    source: Source,
    symbol: str,
    timeframe: str | Timeframe,
    start: pd.Timestamp | None = None,
    *,
    progress: Tell = None,
    stop: threading.Event | None = None,
    again: bool = False,
    calendar: str = "",
) -> Run:
    """:func:`update` as steps. ``calendar`` is kept with the series; empty leaves its own as it is."""
    series = Series(source.name, symbol, offered(source, parse(timeframe)))
    start, _ = checked_range(start, None)

    def plan() -> list[Span]:
        since = None if again else _settled(store, series, start)
        known = [at for at in (start, since) if at is not None]
        spans = missing(store, series, max(known, default=None), None)
        return _newest_again(store, series, _unknown(store, series, source, spans, again=again))

    return Run(
        store, source, series, plan, span=(start, None), progress=progress, stop=stop, calendar=calendar
    )


def run_of_gaps(
    store: Store,
    source: Source,
    series: Series,
    gaps: Iterable[Span],
    *,
    symbol: str | None = None,
    progress: Tell = None,
    stop: threading.Event | None = None,
    again: bool = True,
) -> Run:
    """:func:`refill` as steps."""
    offered(source, series.timeframe)
    store.info(series)
    spans = [checked_range(start, end) for start, end in gaps]
    for (_, end), (start, _) in zip(spans, spans[1:], strict=False):
        if start is None or end is None or start < end:
            raise InputError("The gaps overlap or do not follow each other in time.")
    whole: Span = (spans[0][0], spans[-1][1]) if spans else (None, None)

    def plan() -> list[Span]:
        found = [part for start, end in spans for part in missing(store, series, start, end)]
        asked = _unknown(store, series, source, found, again=again)
        if found and not asked:
            run.remark(
                f"{source.title} was asked for all of it before and did not have it, so it was not asked again "
                "(--again does)."
            )
        return asked

    run = Run(
        store, source, series, plan, symbol=symbol, span=whole, progress=progress, stop=stop, filling=True
    )
    return run


def _unknown(store: Store, series: Series, source: Source, spans: list[Span], *, again: bool) -> list[Span]:
    """The spans without what the source is known not to have."""
    return spans if again or not spans else without(spans, store.gap_states(series), source.name)


def _settled(store: Store, series: Series, start: pd.Timestamp | None) -> pd.Timestamp | None:
    """Up to where earlier syncs have dealt with everything from ``start`` on, None where none has."""
    ends = [
        entry.end
        for entry in store.ledger(series)
        if entry.outcome == "done"
        and entry.source == series.source
        and entry.end is not None
        and (entry.start is None or (start is not None and entry.start <= start))
    ]
    try:
        return min(max(ends), series.timeframe.after(store.info(series).last)) if ends else None
    except UnknownName:  # deleted since
        return None


def _newest_again(store: Store, series: Series, spans: list[Span]) -> list[Span]:
    """The span after the newest stored candle begins with that candle; it goes while nothing new is due."""
    try:
        info = store.info(series)
    except UnknownName:
        return spans
    beyond = series.timeframe.after(info.last)
    if not spans or spans[-1] != (beyond, None):
        return spans
    if _now() < series.timeframe.after(beyond) or _closed(info.calendar, beyond):
        return spans[:-1]
    return [*spans[:-1], (info.last, None)]


def _closed(name: str, since: pd.Timestamp) -> bool:
    """Whether the market has been closed all the time since then, by the calendar that was chosen."""
    if not name or name == LEARNT:
        return False
    try:
        chosen = calendar_called(name)
    except InputError:  # it was chosen where more exchanges were known
        return False
    first, last = to_us(since), to_us(_now())
    known = chosen.known[1] is None or last < chosen.known[1]
    return known and not len(chosen.sessions(first, last).opens)


def _now() -> pd.Timestamp:
    return pd.Timestamp.now(tz="UTC")

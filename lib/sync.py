"""Source to store: download what is missing, in batches that survive an interruption.

What is there already is not asked for again: :func:`missing` compares the wanted range with the stored
candles, and only the parts before, after and between them are fetched. So a download that was cancelled,
killed or cut off goes on where it stood, whatever the order in which the parts came. A span that the
source itself has no candles for (a halt, a weekend) cannot be told from one that was never fetched, and
costs a request each time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from lib.errors import CandlebookError, InputError, InternalError, UnknownName
from lib.series import Series
from lib.sources.base import Source, notes_to
from lib.timeframes import Timeframe, parse

if TYPE_CHECKING:
    from lib.store import Store

__all__ = [
    "Job",
    "JobState",
    "Outcome",
    "Progress",
    "download",
    "forget",
    "jobs",
    "missing",
    "start_download",
]

_log = logging.getLogger(__name__)

# Written to the store after this many pages, rows or seconds, whichever comes first: a write costs some
# 10 ms for each month it touches, and what is not yet written is fetched again after a kill.
_PAGES = 10
_ROWS = 100_000
_SECONDS = 2.0
# Holes that lie within this many candles are fetched by one request rather than several.
_TOGETHER = 1000
# Stored times are looked through in pieces of this many candles, so that memory stays small.
_PIECE = 40_000
_FINISHED_KEPT = 20

Span = tuple[pd.Timestamp | None, pd.Timestamp | None]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a download is. ``done`` never falls; everything before ``until`` has been dealt with;
    ``rate`` is in candles a second; ``eta_seconds`` is None until there is something to judge by;
    ``note`` says what is being waited for."""

    done: float = 0.0
    candles: int = 0
    requests: int = 0
    until: pd.Timestamp | None = None
    rate: float = 0.0
    eta_seconds: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a download did to the store. ``first`` and ``last`` are the opens of what arrived, None where
    nothing did. ``cancelled``: it was stopped before the end; what had arrived is stored."""

    added: int
    changed: int
    requests: int
    first: pd.Timestamp | None
    last: pd.Timestamp | None
    cancelled: bool


def download(
    store: Store,
    source: Source,
    symbol: str,
    timeframe: str | Timeframe,
    start: pd.Timestamp | None = None,
    end: pd.Timestamp | None = None,
    *,
    progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
) -> Outcome:
    """Fetch the closed candles that open in ``[start, end)`` and are not stored yet; None is unbounded.

    Runs in the caller's thread until all is there or ``stop`` is set. ``progress`` is called after each
    page, and whenever the source says what it waits for. Whatever ends it, what arrived is stored.
    Raises what the source's ``pages`` and the store raise, and ``InputError`` for a range that is none.
    """
    series = Series(source.name, symbol, _offered(source, parse(timeframe)))
    start, end = _range(start, end)
    asks = _together(missing(store, series, start, end), series.timeframe)
    meter = _Meter(asks, progress or (lambda _: None))
    writer = _Writer(store, series, source)
    stop = stop or threading.Event()
    with notes_to(meter.say):
        try:
            for ask in asks:
                for page in source.pages(symbol, series.timeframe, ask.start, ask.end, stop=stop):
                    table = ask.wanted(page.table)
                    writer.add(table)
                    meter.page(ask, table, page.requests, page.until)
                if stop.is_set():
                    break
                meter.finish(ask)
        finally:
            writer.flush()
    return Outcome(writer.added, writer.changed, meter.now.requests, writer.first, writer.last, stop.is_set())


def _offered(source: Source, timeframe: Timeframe) -> Timeframe:
    if timeframe not in source.timeframes:
        raise UnknownName(
            f"{source.title} has no candles of {timeframe.words}.",
            remedy=f"It has {', '.join(map(str, source.timeframes))}.",
            source=source.name,
            timeframe=str(timeframe),
        )
    return timeframe


def _range(start: pd.Timestamp | None, end: pd.Timestamp | None) -> Span:
    for what, at in (("start", start), ("end", end)):
        if at is not None and at.tzinfo is None:
            raise InputError(
                f"The {what} {at} has no zone.", remedy="Say which zone it is in, as in 2024-01-01Z."
            )
    start, end = (None if at is None else at.tz_convert("UTC").as_unit("us") for at in (start, end))
    if start is not None and end is not None and start >= end:
        raise InputError(f"The start {start:%Y-%m-%d %H:%M} is not before the end {end:%Y-%m-%d %H:%M}.")
    # a day of grace: this machine's clock may be wrong
    if start is not None and start > pd.Timestamp.now(tz="UTC") + pd.Timedelta(days=1):
        raise InputError(
            f"The start {start:%Y-%m-%d %H:%M} UTC lies in the future: there are no candles yet."
        )
    return start, end


# ----------------------------------------------------------------------------------------- what is missing


def missing(store: Store, series: Series, start: pd.Timestamp | None, end: pd.Timestamp | None) -> list[Span]:
    """The parts of ``[start, end)`` that hold no stored candle, ascending. The steps are taken from the
    stored candles themselves, since not every series is cut where ours would be (3-day candles).

    O(1) for a series without holes, by its count; otherwise O(stored candles in the range), some
    0.2 s for a million.
    """
    try:
        info = store.info(series)
    except UnknownName:
        return [(start, end)]
    frame, first, last = series.timeframe, info.first, info.last
    if first is None or last is None or (end is not None and end <= first):
        return [(start, end)]
    beyond = frame.after(last)
    if start is not None and start >= beyond:
        return [(start, end)]
    spans: list[Span] = []
    if start is None or frame.after(first, -1) >= start:
        spans.append((start, first))
    if not _whole(frame, first, last, info.count):
        low = first if start is None else max(start, first)
        high = beyond if end is None else min(end, beyond)
        spans += _holes(store, series, low, high)
    if end is None or beyond < end:
        spans.append((beyond, end))
    return spans


def _whole(frame: Timeframe, first: pd.Timestamp, last: pd.Timestamp, count: int) -> bool:
    if frame.is_calendar:
        return bool(len(frame.opens(first, frame.after(last))) == count)
    return bool((last - first) // pd.Timedelta(seconds=frame.seconds) + 1 == count)


def _holes(store: Store, series: Series, low: pd.Timestamp, high: pd.Timestamp) -> list[Span]:
    """Spans between neighbouring stored candles that lie further apart than one candle. The range's
    edges count as ``low`` and ``high``: a candle at or after them ends the last hole."""
    frame, spans = series.timeframe, []
    due = low  # nothing is stored in [due, at)
    at = low
    while at < high:
        until = min(high, frame.after(at, _PIECE))
        times = store.read(series, start=at, end=until).index
        if len(times):
            if frame.after(times[0], -1) >= due:
                spans.append((due, times[0]))
            opens = times.as_unit("us").asi8
            length = frame.micros if not frame.is_calendar else 31 * frame.count * 86_400_000_000
            for i in np.flatnonzero(np.diff(opens) > length):
                spans.append((frame.after(times[i]), times[i + 1]))
            due = frame.after(times[-1])
        at = until
    if due < high:
        spans.append((due, high))
    return list(spans)


@dataclass(frozen=True, slots=True)
class _Ask:
    """One stretch to fetch, and the missing spans within it; what else comes along is left alone."""

    spans: tuple[Span, ...]

    @property
    def start(self) -> pd.Timestamp | None:
        return self.spans[0][0]

    @property
    def end(self) -> pd.Timestamp | None:
        return self.spans[-1][1]

    def wanted(self, table: pd.DataFrame) -> pd.DataFrame:
        keep = np.zeros(len(table), bool)
        for start, end in self.spans:
            low = 0 if start is None else table.index.searchsorted(start)
            high = len(table) if end is None else table.index.searchsorted(end)
            keep[low:high] = True
        return table if keep.all() else table[keep]


def _together(spans: Iterable[Span], frame: Timeframe) -> list[_Ask]:
    """Neighbouring spans that one request can serve become one ask."""
    asks: list[_Ask] = []
    for span in spans:
        low, high = asks[-1].start if asks else None, span[1]
        if low is not None and high is not None and (high - low).total_seconds() <= _TOGETHER * frame.seconds:
            asks[-1] = _Ask((*asks[-1].spans, span))
        else:
            asks.append(_Ask((span,)))
    return asks


# --------------------------------------------------------------------------------------- batches, progress


class _Writer:
    """Puts candles into the store in batches."""

    def __init__(self, store: Store, series: Series, source: Source) -> None:
        self._store, self._series, self._source = store, series, source
        self._parts: list[pd.DataFrame] = []
        self._since = time.monotonic()
        self.added = self.changed = 0
        self.first: pd.Timestamp | None = None
        self.last: pd.Timestamp | None = None

    def add(self, table: pd.DataFrame) -> None:
        if len(table):
            self._parts.append(table)
        full = len(self._parts) >= _PAGES or sum(map(len, self._parts)) >= _ROWS
        if full or time.monotonic() - self._since > _SECONDS:
            self.flush()

    def flush(self) -> None:
        self._since = time.monotonic()
        if not self._parts:
            return
        table = self._parts[0] if len(self._parts) == 1 else pd.concat(self._parts)
        self._parts = []
        written = self._store.write(self._series, table, origin=f"{self._source.name} REST")
        if self._source.synthetic and self.first is None:
            self._store.annotate(self._series, synthetic=True)
        self.added += written.added
        self.changed += written.changed
        self.first = table.index[0] if self.first is None else min(self.first, table.index[0])
        self.last = table.index[-1] if self.last is None else max(self.last, table.index[-1])


class _Meter:
    """Turns pages into :class:`Progress`. Times stand for candles: their lengths are known beforehand."""

    def __init__(self, asks: list[_Ask], tell: Callable[[Progress], None]) -> None:
        clock = pd.Timestamp.now(tz="UTC")
        self._bounds = {ask: [ask.start, clock if ask.end is None else min(ask.end, clock)] for ask in asks}
        self._finished = 0.0
        self._tell = tell
        self._began = time.monotonic()
        self.now = Progress(done=0.0 if asks else 1.0)

    def page(self, ask: _Ask, table: pd.DataFrame, requests: int, until: pd.Timestamp) -> None:
        bounds = self._bounds[ask]
        if bounds[0] is None and len(table):
            bounds[0] = table.index[0]
        here = 0.0 if bounds[0] is None else max(0.0, (min(until, bounds[1]) - bounds[0]).total_seconds())
        self._set(self._finished + here, until, len(table), requests)

    def finish(self, ask: _Ask) -> None:
        self._finished += self._length(ask)
        self._set(self._finished, self.now.until, 0, 0)

    def say(self, text: str) -> None:
        self.now = replace(self.now, note=text)
        self._tell(self.now)

    def _length(self, ask: _Ask) -> float:
        start, end = self._bounds[ask]
        return 0.0 if start is None else max(0.0, (end - start).total_seconds())

    def _set(self, seconds: float, until: pd.Timestamp | None, candles: int, requests: int) -> None:
        total = sum(map(self._length, self._bounds))
        done = min(1.0, seconds / total) if total else 0.0
        if len(self._bounds) and seconds >= total and self.now.until is not None:
            done = 1.0
        done = max(done, self.now.done)
        spent = max(time.monotonic() - self._began, 1e-6)
        candles += self.now.candles
        self.now = Progress(
            done=done,
            candles=candles,
            requests=self.now.requests + requests,
            until=until,
            rate=candles / spent,
            eta_seconds=spent * (1 - done) / done if done else None,
        )
        self._tell(self.now)


# ------------------------------------------------------------------------------------------ in the background


@dataclass(frozen=True, slots=True)
class JobState:
    """A job at one moment. ``error`` is set when ``status`` is "failed", ``outcome`` when "done" or
    "cancelled"."""

    status: Literal["running", "cancelling", "done", "cancelled", "failed"]
    progress: Progress
    outcome: Outcome | None = None
    error: CandlebookError | None = None

    @property
    def over(self) -> bool:
        return self.status in ("done", "cancelled", "failed")


class Job:
    """A download in a thread of its own. Made by :func:`start_download`; safe to use from any thread."""

    def __init__(
        self,
        store: Store,
        source: Source,
        series: Series,
        start: pd.Timestamp | None,
        end: pd.Timestamp | None,
    ) -> None:
        self.series, self.start, self.end = series, start, end
        self.started_at = pd.Timestamp.now(tz="UTC")
        self._store, self._source = store, source
        self._stop = threading.Event()
        self._state = JobState("running", Progress())
        self._thread = threading.Thread(target=self._run, name=f"download {series.slug}", daemon=True)

    def snapshot(self) -> JobState:
        """Its state now. Costs nothing."""
        state = self._state
        cancelling = state.status == "running" and self._stop.is_set()
        return replace(state, status="cancelling") if cancelling else state

    def cancel(self) -> None:
        """Ask it to stop; what arrived is kept. A request under way is waited for, up to 10 seconds."""
        self._stop.set()

    def wait(self, timeout: float | None = None) -> JobState:
        """Wait until it is over, at most ``timeout`` seconds."""
        self._thread.join(timeout)
        return self.snapshot()

    def _run(self) -> None:
        name = self.series
        try:
            outcome = download(
                self._store, self._source, name.symbol, name.timeframe, self.start, self.end,
                progress=self._note, stop=self._stop,
            )  # fmt: skip
        except CandlebookError as error:
            _log.warning("The download of %s failed: %s", name, error)
            self._fail(error)
        except Exception as error:  # noqa: BLE001 - a thread has nobody above it: the page shows the bug
            _log.exception("The download of %s met a bug", name)
            fault = InternalError(f"The download of {name} met a bug: {type(error).__name__}.")
            self._fail(fault)
        else:
            status: Literal["cancelled", "done"] = "cancelled" if outcome.cancelled else "done"
            self._state = replace(self._state, status=status, outcome=outcome)

    def _note(self, progress: Progress) -> None:
        self._state = replace(self._state, progress=progress)

    def _fail(self, error: CandlebookError) -> None:
        self._state = replace(self._state, status="failed", error=error)


_jobs: dict[tuple[str, str], Job] = {}
_guard = threading.Lock()


def start_download(
    store: Store,
    source: Source,
    symbol: str,
    timeframe: str | Timeframe,
    start: pd.Timestamp | None = None,
    end: pd.Timestamp | None = None,
) -> Job:
    """Start :func:`download` in the background. There is one job per series and store in the process:
    where one is running already, that one is returned, whatever its range. Raises ``InputError`` and
    ``UnknownName`` at once where the range or the timeframe cannot be."""
    series = Series(source.name, symbol, _offered(source, parse(timeframe)))
    start, end = _range(start, end)
    key = (str(store.url), series.slug)
    with _guard:
        known = _jobs.get(key)
        if known is not None and not known.snapshot().over:
            return known
        job = Job(store, source, series, start, end)
        _jobs.pop(key, None)
        _jobs[key] = job
        over = [key for key, one in _jobs.items() if one.snapshot().over]
        for old in over[: max(0, len(over) - _FINISHED_KEPT)]:
            del _jobs[old]
        job._thread.start()
    return job


def jobs() -> tuple[Job, ...]:
    """The jobs of this process, newest first; finished ones stay until :func:`forget` (the last 20)."""
    with _guard:
        return tuple(reversed(_jobs.values()))


def forget(job: Job) -> None:
    """Take a finished job off the list; a running one is cancelled first."""
    job.cancel()
    with _guard:
        for key in [key for key, one in _jobs.items() if one is job]:
            del _jobs[key]

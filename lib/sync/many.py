"""Several downloads at once, a page of each in turn.

Every source has threads of its own, so that one whose limit is used up holds up no other; within a source
the downloads stand in a queue and go to its end after each page, so a long one does not keep the short ones
waiting. How fast a source may be asked is up to its limiter, which they share.
"""

from __future__ import annotations

import functools
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from lib.errors import CandlebookError, InternalError
from lib.series import Series
from lib.sources import registry
from lib.sources.base import Source
from lib.sync.downloading import run_to_now
from lib.sync.model import Outcome, Progress
from lib.sync.running import Run
from lib.timeframes import Timeframe

if TYPE_CHECKING:
    from lib.store import SeriesInfo, Store

__all__ = ["Result", "Synced", "Wanted", "run_all", "run_of", "shared", "sync_all"]

_log = logging.getLogger(__name__)

# Requests under way at one source: enough to spend most limits at 100 ms an answer.
_AT_ONCE = 3

Result = Outcome | CandlebookError


@dataclass(frozen=True, slots=True)
class Wanted:
    """A series to be kept up to date from ``start`` on (None: from its beginning). ``calendar`` names the
    one to judge its gaps by; empty leaves it as it is."""

    source: str
    symbol: str
    timeframe: Timeframe
    start: pd.Timestamp | None = None
    calendar: str = ""

    @classmethod
    def stored(cls, info: SeriesInfo) -> Wanted:
        """A stored series from its first candle on: to bring it up to date, and no further back."""
        return cls(info.series.source, info.series.symbol, info.series.timeframe, info.first)

    @property
    def series(self) -> Series:
        return Series(self.source, self.symbol, self.timeframe)


@dataclass(frozen=True, slots=True)
class Synced:
    """What became of a series: ``error`` is set where it failed, else ``outcome``."""

    series: Series
    outcome: Outcome | None = None
    error: CandlebookError | None = None


def sync_all(
    store: Store,
    wanted: Iterable[Wanted],
    *,
    progress: Callable[[Series, Progress], None] | None = None,
    stop: threading.Event | None = None,
    again: bool = False,
) -> tuple[Synced, ...]:
    """Bring all these series up to date, several at once; what became of each, in the order given. One that
    fails leaves the others going. ``progress`` is called from several threads."""
    stop = stop or threading.Event()
    todo = [*dict.fromkeys(wanted)]
    done: dict[int, Result] = {}
    runs: dict[int, Run] = {}
    get = shared()
    for at, one in enumerate(todo):
        try:
            tell = None if progress is None else functools.partial(progress, one.series)
            runs[at] = run_of(store, one, get, progress=tell, stop=stop, again=again)
        except CandlebookError as error:
            done[at] = error
    numbers = [*runs]
    run_all([*runs.values()], lambda at, result: done.__setitem__(numbers[at], result))
    return tuple(_synced(todo[at].series, done[at]) for at in range(len(todo)))


def shared() -> Callable[[str], Source]:
    """``registry.get`` that makes each source once: its connections serve all series of a sync, however many."""
    return functools.cache(registry.get)


def run_of(
    store: Store,
    one: Wanted,
    get: Callable[[str], Source],
    *,
    progress: Callable[[Progress], None] | None,
    stop: threading.Event,
    again: bool = False,
) -> Run:
    """The run that brings a series up to date, from the source that ``get`` gives, and keeps its calendar with it.
    Raises at once where source, symbol or timeframe cannot be."""
    source = get(one.source)
    return run_to_now(
        store, source, one.symbol, one.timeframe, one.start,
        progress=progress, stop=stop, again=again, calendar=one.calendar,
    )  # fmt: skip


def _synced(series: Series, result: Result) -> Synced:
    return Synced(series, error=result) if isinstance(result, CandlebookError) else Synced(series, result)


def run_all(runs: Sequence[Run], done: Callable[[int, Result], None]) -> None:
    """Run all to their ends; ``done`` is called with the place of each and what became of it, from several
    threads."""
    queues: dict[str, deque[int]] = {}
    for at, run in enumerate(runs):
        queues.setdefault(run.source.name, deque()).append(at)
    workers = [queue for queue in queues.values() for _ in range(min(_AT_ONCE, len(queue)))]
    # not a pool of the standard library: it would keep the process from ending before they do
    threads = [
        threading.Thread(target=_turns, args=(runs, queue, done), name="sync", daemon=True)
        for queue in workers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _turns(runs: Sequence[Run], queue: deque[int], done: Callable[[int, Result], None]) -> None:
    """Take what stands first, let it do a page, and put it last, until nothing stands in the queue. What
    another thread has taken out, that thread goes on with."""
    while True:
        try:
            at = queue.popleft()
        except IndexError:
            return
        result = _one_step(runs[at])
        if result is None:
            queue.append(at)
        else:
            done(at, result)


def _one_step(run: Run) -> Result | None:
    """Do a page; what became of the run where it is over."""
    try:
        return None if run.step() else run.outcome()
    except CandlebookError as error:
        _log.info("The sync of %s failed: %s", run.series, error)
        return error
    except Exception as error:  # noqa: BLE001  a thread has nobody above it: who waits is told
        _log.exception("The sync of %s met a bug", run.series)
        return InternalError(f"The sync of {run.series} met a bug: {type(error).__name__}.")

"""Downloads in the background of the process, for pages: started, looked at, cancelled."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import pandas as pd

from lib.errors import CandlebookError
from lib.series import Series
from lib.sources.base import Source
from lib.sync.downloading import run_of_gaps, run_of_range
from lib.sync.many import Result, Wanted, run_all, run_of, shared
from lib.sync.model import Outcome, Progress
from lib.sync.planning import Span
from lib.sync.running import Run
from lib.timeframes import Timeframe

if TYPE_CHECKING:
    from lib.store import Store

__all__ = ["Job", "JobState", "forget", "jobs", "start_download", "start_refill", "start_sync"]

_log = logging.getLogger(__name__)
_FINISHED_KEPT = 20


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
    """A download of one series in the background. ``kind`` is "download" (a range), "sync" (up to now) or
    "refill" (given gaps). Made by the functions below; safe to use from any thread."""

    def __init__(self, kind: Literal["download", "sync", "refill"], make: Callable[[Job], Run]) -> None:
        self.kind = kind
        self.started_at = pd.Timestamp.now(tz="UTC")
        self.stop = threading.Event()
        self._over = threading.Event()
        self._state = JobState("running", Progress())
        self.run = make(self)
        self.series: Series = self.run.series
        self.start, self.end = self.run.span

    def snapshot(self) -> JobState:
        """Its state now. Costs nothing."""
        state = self._state
        cancelling = state.status == "running" and self.stop.is_set()
        return replace(state, status="cancelling") if cancelling else state

    def cancel(self) -> None:
        """Ask it to stop; what arrived is kept. A request under way is waited for, up to 10 seconds."""
        self.stop.set()

    def wait(self, timeout: float | None = None) -> JobState:
        """Wait until it is over, at most ``timeout`` seconds."""
        self._over.wait(timeout)
        return self.snapshot()

    def note(self, progress: Progress) -> None:
        """Take what the download tells."""
        self._state = replace(self._state, progress=progress)

    def end_with(self, result: Result) -> None:
        """Take what became of it."""
        if isinstance(result, CandlebookError):
            self._state = replace(self._state, status="failed", error=result)
        else:
            status: Literal["cancelled", "done"] = "cancelled" if result.cancelled else "done"
            self._state = replace(self._state, status=status, outcome=result)
        self._over.set()


_jobs: dict[tuple[str, str], Job] = {}
_guard = threading.Lock()


def start_download(
    store: Store,
    source: Source,
    symbol: str,
    timeframe: str | Timeframe,
    start: pd.Timestamp | None = None,
    end: pd.Timestamp | None = None,
    *,
    again: bool = False,
) -> Job:
    """Start :func:`lib.sync.download` in the background. There is one job per series and store in the
    process: where one is running already, that one is returned, whatever its range. Raises ``InputError``
    and ``UnknownName`` at once where the range or the timeframe cannot be."""

    def make(job: Job) -> Run:
        return run_of_range(
            store, source, symbol, timeframe, start, end, progress=job.note, stop=job.stop, again=again
        )

    return _started(store, [Job("download", make)])[0]


def start_refill(
    store: Store, source: Source, series: Series, gaps: Sequence[Span], *, symbol: str | None = None
) -> Job:
    """Start :func:`lib.sync.refill` in the background; as :func:`start_download`."""

    def make(job: Job) -> Run:
        return run_of_gaps(store, source, series, gaps, symbol=symbol, progress=job.note, stop=job.stop)

    return _started(store, [Job("refill", make)])[0]


def start_sync(store: Store, wanted: Iterable[Wanted]) -> tuple[Job, ...]:
    """Bring several series up to date in the background: a job for each, a page of each in turn. Where one
    of a series is running already, that one is returned in its place. Raises at once, before anything
    is started, where a source, symbol or timeframe cannot be."""
    get = shared()

    def made(one: Wanted) -> Job:
        def make(job: Job) -> Run:
            return run_of(store, one, get, progress=job.note, stop=job.stop)

        return Job("sync", make)

    return _started(store, [made(one) for one in dict.fromkeys(wanted)])


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


def _started(store: Store, made: list[Job]) -> tuple[Job, ...]:
    """The jobs, each in its series' place unless one is running there, and those that are new under way."""
    answer, fresh = [], []
    with _guard:
        for job in made:
            key = (str(store.url), job.series.slug)
            known = _jobs.get(key)
            if known is not None and not known.snapshot().over:
                answer.append(known)
                continue
            _jobs.pop(key, None)
            _jobs[key] = job
            answer.append(job)
            fresh.append(job)
        over = [key for key, one in _jobs.items() if one.snapshot().over]
        for old in over[: max(0, len(over) - _FINISHED_KEPT)]:
            del _jobs[old]
    if fresh:
        name = f"sync {fresh[0].series.slug}" if len(fresh) == 1 else f"sync of {len(fresh)} series"
        threading.Thread(target=_go, args=(fresh,), name=name, daemon=True).start()
    return tuple(answer)


def _go(fresh: list[Job]) -> None:
    run_all([job.run for job in fresh], lambda at, result: fresh[at].end_with(result))

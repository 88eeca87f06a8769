"""Syncs by the clock while the app runs: one schedule a process, off until it is asked for.

APScheduler (3.x) keeps the time; it is imported only once a schedule is started. Where the app sleeps (Streamlit
Community Cloud) or is started anew nothing runs: then cron or a GitHub Action does it better.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from lib.errors import CandlebookError, InputError, InternalError
from lib.sync.config import Plan, load
from lib.sync.many import Synced, sync_all
from lib.sync.timetable import trigger

if TYPE_CHECKING:
    from pathlib import Path

    from lib.store import Store

__all__ = ["Schedule", "start", "state", "stop"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Schedule:
    """What runs by the clock: ``text`` as it was asked for, when next and last (UTC), what became of each series
    the last time, and the error where the list of series could not be read then."""

    path: Path
    text: str
    next_at: pd.Timestamp | None
    last_at: pd.Timestamp | None = None
    last: tuple[Synced, ...] = ()
    error: CandlebookError | None = None
    running: bool = False


class _Running:
    def __init__(self, store: Store, plan: Plan, text: str) -> None:
        from apscheduler.schedulers.background import BackgroundScheduler

        self.store, self.path, self.text = store, plan.path, text
        self.stopping = threading.Event()
        self.last: tuple[Synced, ...] = ()
        self.last_at: pd.Timestamp | None = None
        self.error: CandlebookError | None = None
        self.busy = False
        self.clock = BackgroundScheduler(timezone="UTC", daemon=True)
        # late or doubled, it runs once
        self.job = self.clock.add_job(self.begin, trigger(text), coalesce=True, misfire_grace_time=None)
        self.clock.start()

    def begin(self) -> None:
        """Sync in a thread that does not keep the process from ending, as the scheduler's own would; never two
        at the same time."""
        if not self.busy:
            self.busy = True
            threading.Thread(target=self.sync, name="scheduled sync", daemon=True).start()

    def sync(self) -> None:
        """Bring all up to date; the list is read anew, so that changes to it count."""
        try:
            self.last, self.error = sync_all(self.store, load(self.path).series, stop=self.stopping), None
        except CandlebookError as error:
            _log.warning("The scheduled sync failed: %s", error)
            self.error = error
        except Exception as error:  # noqa: BLE001  a thread has nobody above it: the page shows the bug
            _log.exception("The scheduled sync met a bug")
            self.error = InternalError(f"The scheduled sync met a bug: {type(error).__name__}.")
        finally:
            self.last_at = pd.Timestamp.now(tz="UTC")
            self.busy = False

    def state(self) -> Schedule:
        due = self.job.next_run_time
        return Schedule(
            self.path, self.text, None if due is None else pd.Timestamp(due).tz_convert("UTC"),
            self.last_at, self.last, self.error, self.busy,
        )  # fmt: skip

    def stop(self) -> None:
        self.stopping.set()
        self.clock.shutdown(wait=False)


_running: _Running | None = None
_guard = threading.Lock()


def start(store: Store, path: Path, text: str = "") -> Schedule:
    """Sync the series of the file at ``path`` by the clock, at ``text`` or else at the file's own schedule, instead of what
    was scheduled in this process before. Raises ``InputError`` where the file or the schedule cannot be."""
    global _running
    plan = load(path)
    wanted = text or plan.schedule
    if not wanted:
        raise InputError(
            f"{path} tells no schedule.", remedy='Add a first line such as schedule = "every 15 minutes".'
        )
    trigger(wanted)
    with _guard:
        if _running is not None:
            _running.stop()
        _running = _Running(store, plan, wanted)
        return _running.state()


def stop() -> None:
    """Switch it off; a sync under way stops after its page. Nothing happens where it is off."""
    global _running
    with _guard:
        if _running is not None:
            _running.stop()
        _running = None


def state() -> Schedule | None:
    """What is scheduled in this process; None where nothing is."""
    with _guard:
        return None if _running is None else _running.state()

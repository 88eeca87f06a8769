"""Syncs by the clock while the app runs: one schedule a process, off until it is asked for.

APScheduler (3.x) keeps the time; it is imported only here, and only once a schedule is checked or started. Where
the app sleeps (Streamlit Community Cloud) or is started anew nothing runs: then cron or a GitHub Action does it better.
"""

from __future__ import annotations

import logging
import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from lib.errors import CandlebookError, InputError, InternalError
from lib.sync.config import Plan, load
from lib.sync.many import Synced, sync_all

if TYPE_CHECKING:
    from pathlib import Path

    from lib.store import Store

__all__ = ["Schedule", "check", "start", "state", "stop"]

_log = logging.getLogger(__name__)
_EVERY = re.compile(r"every\s+(?:(\d+)\s+)?(minute|hour|day)s?", re.IGNORECASE)
_LEAST = 60
_DAYS = "sun mon tue wed thu fri sat sun".split()


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
        self.job = self.clock.add_job(self.begin, check(text), coalesce=True, misfire_grace_time=None)
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


def check(text: str) -> Any:
    """The APScheduler trigger of a schedule: ``every 15 minutes``, ``every hour``, ``every 2 days``, or five
    fields of cron in UTC (``*/15 * * * *``). Raises ``InputError``."""
    from apscheduler.triggers.cron import CronTrigger
    from apscheduler.triggers.interval import IntervalTrigger

    found = _EVERY.fullmatch(text.strip())
    if found:
        seconds = int(found[1] or 1) * {"minute": 60, "hour": 3600, "day": 86400}[found[2].lower()]
        if seconds >= _LEAST:
            return IntervalTrigger(seconds=seconds, timezone="UTC")
    try:
        return CronTrigger.from_crontab(_with_names_of_days(text), timezone="UTC")
    except ValueError as error:
        raise InputError(
            f"The schedule {text!r} cannot be read.",
            remedy='Write "every 15 minutes", "every hour", "every day", or five fields of cron: "0 6 * * 1-5".',
        ) from error


def _with_names_of_days(text: str) -> str:
    """A line of cron whose days of the week are names: cron counts them from Sunday, 0 or 7, APScheduler from
    Monday, and neither reads a range that ends before it begins."""
    fields = text.split()
    if len(fields) != 5 or fields[4] == "*":
        return text
    days: list[str] = []
    for part in fields[4].split(","):
        found = re.fullmatch(r"(?:(\*)|([0-7])(?:-([0-7]))?)(?:/([1-7]))?", part)
        if not found:
            days.append(part)
            continue
        first, last = (0, 6) if found[1] else (int(found[2]), int(found[3] or (6 if found[4] else found[2])))
        days += [_DAYS[day] for day in range(first, last + 1, int(found[4] or 1))]
    return " ".join([*fields[:4], ",".join(dict.fromkeys(days))])


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
    check(wanted)
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
